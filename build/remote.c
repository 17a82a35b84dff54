/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files behind URLs, and the places where what is fetched lies.
 */
#include "build/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "storage/fetch.h"

#define PIECE_SIZE (256u << 10)
#define DIRS_MAX   100000

bool remote_is_url(const char *text)
{
	return g_ascii_strncasecmp(text, "http://", 7) == 0 ||
	       g_ascii_strncasecmp(text, "https://", 8) == 0;
}

char *remote_name(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;
	if (!path)
		return NULL;
	g_autofree char *plain = g_strndup(path, strcspn(path, "?#"));
	g_autofree char *encoded = g_strdup(strrchr(plain, '/') + 1);
	g_autofree char *name = g_uri_unescape_string(encoded, "/");
	return name && path_name_is_safe(name) ? g_steal_pointer(&name) : NULL;
}

int work_dir_new(const FetchEnv *env, const char *prefix, char **out_name, GError **error)
{
	for (unsigned n = 0; n < DIRS_MAX; n++) {
		g_autofree char *name = g_strdup_printf("%s-%u", prefix, n);
		if (mkdirat(env->work_fd, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			break;
		}
		int fd = path_open_state(env->work_fd, name, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0)
			break;
		if (out_name)
			*out_name = g_steal_pointer(&name);
		return fd;
	}
	(void)error_set_errno(error, "cannot make a directory for what is fetched");
	return -1;
}

int work_file_new(const FetchEnv *env, GError **error)
{
	int fd = openat(env->work_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		g_autofree char *name = g_strdup_printf("file-%d", (int)getpid());
		fd = openat(env->work_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd >= 0)
			(void)unlinkat(env->work_fd, name, 0);
	}
	if (fd < 0)
		(void)error_set_errno(error, "cannot make a file for what is fetched");
	return fd;
}

void remote_file_free(RemoteFile *file)
{
	if (!file)
		return;
	fd_close(&file->fd);
	g_free(file->digest);
	g_free(file);
}

/* "sha256:HEX" or "sha512:HEX" of a whole file, which is then at its start. */
static char *digest_file(int fd, const char *algorithm, GError **error)
{
	bool sha512 = g_str_has_prefix(algorithm, "sha512:");
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	ssize_t n = 0;
	off_t at = 0;
	if (!context || EVP_DigestInit_ex(context, sha512 ? EVP_sha512() : EVP_sha256(), NULL) != 1)
		g_error("sha256 does not work");
	while ((n = pread(fd, piece, PIECE_SIZE, at)) > 0) {
		(void)EVP_DigestUpdate(context, piece, (size_t)n);
		at += n;
	}
	(void)EVP_DigestFinal_ex(context, digest, &size);
	EVP_MD_CTX_free(context);
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno_null(error, "cannot read what was fetched");
	GString *text = g_string_new(sha512 ? "sha512:" : "sha256:");
	for (unsigned i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", digest[i]);
	return g_string_free(text, FALSE);
}

RemoteFile *remote_fetch(const FetchEnv *env, const char *url, const char *checksum, GError **error)
{
	g_autoptr(RemoteFile) file = g_new0(RemoteFile, 1);
	file->mtime = -1;
	file->fd = work_file_new(env, error);
	if (file->fd < 0 || !fetch_download(url, file->fd, &file->mtime, error))
		return NULL;
	file->digest = digest_file(file->fd, checksum ? checksum : "sha256:", error);
	if (!file->digest)
		return NULL;
	if (checksum && strcmp(checksum, file->digest) != 0) {
		g_autofree char *shown = fetch_url_shown(url);
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "digest mismatch of '%s': %s, not %s", shown, file->digest,
				      checksum);
	}
	return g_steal_pointer(&file);
}
