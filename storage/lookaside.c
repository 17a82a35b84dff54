/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures from a directory or a web server. A server gets no credentials of ours.
 */
#include "storage/lookaside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/digest.h"
#include "storage/registries_d.h"
#include "storage/signature.h"

#define FETCH_SECONDS 60
#define REDIRECTS_MAX 5

char *lookaside_url(const char *base, const Reference *place, const char *digest, unsigned n)
{
	size_t length = strlen(base);
	while (length > 0 && base[length - 1] == '/')
		length--;
	return g_strdup_printf("%.*s/%s@%.*s=%s/signature-%u", (int)length, base, place->repository,
			       (int)strcspn(digest, ":"), digest, digest_hex(digest), n);
}

/* One file; *@out_absent: there is none. */
static GBytes *read_file(const char *path, bool *out_absent, GError **error)
{
	struct stat st;
	size_t size = 0;
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	*out_absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (*out_absent)
		return NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno_null(error, "cannot open the signature '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "the signature '%s' is no regular file", path);
	char *data = fd_read_all(fd, SIGNATURE_MAX_SIZE, &size, error);
	if (!data)
		g_prefix_error(error, "the signature '%s': ", path);
	return data ? g_bytes_new_take(data, size) : NULL;
}

/* One answer of a web server; *@out_absent: it says 404. */
static GBytes *read_url(HttpClient *http, const char *url, bool *out_absent, GError **error)
{
	const HttpRequest request = {
		.url = url,
		.max_redirects = REDIRECTS_MAX,
		.max_body = SIGNATURE_MAX_SIZE,
		.total_seconds = FETCH_SECONDS,
	};
	*out_absent = false;
	g_autoptr(HttpResponse) response = http_fetch(http, &request, error);
	if (!response) {
		g_prefix_error(error, "reading the signature '%s': ", url);
		return NULL;
	}
	*out_absent = response->status == 404;
	if (*out_absent)
		return NULL;
	if (response->status != 200)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "reading the signature '%s': unexpected answer (HTTP %d)",
				      url, response->status);
	return g_bytes_new(response->body->str, response->body->len);
}

GPtrArray *lookaside_fetch(HttpClient *http, const Reference *place, const char *digest,
			   GError **error)
{
	g_autoptr(RegistriesD) conf = registries_d_load(error);
	if (!conf || !digest_check(digest, error))
		return NULL;
	g_autofree char *base = registries_d_lookaside(conf, place);
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	size_t total = 0;
	for (unsigned n = 1;; n++) {
		g_autofree char *url = lookaside_url(base, place, digest, n);
		bool absent = false;
		GBytes *signature = g_str_has_prefix(url, "file://")
					    ? read_file(url + strlen("file://"), &absent, error)
					    : read_url(http, url, &absent, error);
		if (absent)
			return g_steal_pointer(&found);
		if (!signature)
			return NULL;
		g_ptr_array_add(found, signature);
		total += g_bytes_get_size(signature);
		if (found->len > SIGNATURE_MAX_COUNT || total > SIGNATURES_MAX_SIZE)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "'%s' has too many or too large signatures", url);
	}
}
