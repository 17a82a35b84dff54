/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repositories by the program git, which gets nothing to decide that it need not.
 */
#include "build/git_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/remote.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/spawn.h"
#include "libpod/base/wall.h"

#define OUTPUT_MAX (64u << 10)
#define REF_MAX    255
#define COMMIT_MIN 7
#define SHA1_HEX   40
#define SHA256_HEX 64
#define EVERYTHING "+refs/heads/*:refs/remotes/origin/*"
#define ALL_TAGS   "+refs/tags/*:refs/tags/*"

static bool has_scheme(const char *text, const char *scheme)
{
	return g_ascii_strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* "git@host:path", as ssh and scp have it. */
static bool is_scp(const char *text)
{
	const char *at = strchr(text, '@'), *colon = strchr(text, ':');
	return at && colon && at < colon && at > text && !strstr(text, "://") &&
	       !memchr(text, '/', (size_t)(colon - text));
}

bool git_source_is(const char *text)
{
	if (has_scheme(text, "git://") || has_scheme(text, "ssh://") ||
	    has_scheme(text, "file://") || is_scp(text))
		return true;
	if (!remote_is_url(text))
		return false;
	g_autofree char *plain = g_strndup(text, strcspn(text, "?#"));
	return g_str_has_suffix(plain, ".git");
}

void git_source_free(GitSource *source)
{
	if (!source)
		return;
	g_free(source->url);
	g_free(source->ref);
	g_free(source->subdir);
	g_free(source->commit);
	g_free(source);
}

static bool is_hex(const char *text, size_t min)
{
	size_t size = strspn(text, "0123456789abcdefABCDEF");
	return !text[size] && size >= min && size <= SHA256_HEX;
}

bool git_source_is_fixed(const GitSource *source)
{
	size_t size = source->ref ? strlen(source->ref) : 0;
	return (size == SHA1_HEX || size == SHA256_HEX) && is_hex(source->ref, SHA1_HEX);
}

/* What git calls a ref, and nothing that it could take for an option or a refspec. */
static bool check_ref(const char *ref, GError **error)
{
	static const char bad[] = " ~^:?*[\\+";
	size_t size = strlen(ref);
	bool fine = size > 0 && size <= REF_MAX && *ref != '-' && *ref != '/' && *ref != '.' &&
		    ref[size - 1] != '/' && ref[size - 1] != '.' && !strpbrk(ref, bad) &&
		    !strstr(ref, "..") && !strstr(ref, "@{") && !strstr(ref, "//") &&
		    !strstr(ref, "/.") && !g_str_has_suffix(ref, ".lock");
	for (size_t i = 0; i < size; i++)
		fine &= (unsigned char)ref[i] > ' ' && ref[i] != 0x7f;
	return fine || !wall_stands("git-refs") ||
	       error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a git ref", ref);
}

/* "host", "user@host:port": is it this machine? */
static bool is_loopback(const char *authority)
{
	const char *at = strrchr(authority, '@');
	const char *host = at ? at + 1 : authority;
	g_autofree char *name = g_strndup(host, strcspn(host, ":"));
	bool is_number = !name[strspn(name, "0123456789.")];
	/* strchr() finds the end of the text, too. */
	return (is_number && g_str_has_prefix(name, "127.")) || strcmp(name, "localhost") == 0 ||
	       (g_str_has_prefix(host, "[::1]") && strchr(":", host[5]));
}

/* Who may be asked, and how. */
static bool check_url(const char *url, const FetchEnv *env, GError **error)
{
	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return error_set(
				error, ENGINE_ERROR_INVALID,
				"the URL of a repository has a blank or control character");
	if (!wall_stands("git-urls"))
		return true;
	const char *scheme_end = strstr(url, "://");
	g_autofree char *authority =
		scheme_end ? g_strndup(scheme_end + 3, strcspn(scheme_end + 3, "/"))
			   : g_strndup(url, strcspn(url, ":"));
	const char *at = strrchr(authority, '@');
	if (*authority == '-' || (at && (at[1] == '-' || !at[1])))
		return error_set(error, ENGINE_ERROR_INVALID, "'%s' is not a host",
				 at ? at + 1 : authority);
	if (has_scheme(url, "file://"))
		return env->git_local || error_set(error, ENGINE_ERROR_DENIED,
						   "repositories by file:// are not allowed");
	if (has_scheme(url, "git://") || (has_scheme(url, "http://") && !is_loopback(authority))) {
		(void)error_set(error, ENGINE_ERROR_DENIED,
				"repositories by git:// and http:// are not allowed");
		error_add_help(error, "nobody says who answers there: use https:// or ssh://");
		return false;
	}
	return true;
}

/* Set a string that may be said once. */
static bool take(char **out, const char *what, const char *value, GError **error)
{
	if (*out)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "a repository with two values of '%s'", what);
	*out = g_strdup(value);
	return true;
}

/* One "key=value" of the query. */
static bool take_query(GitSource *source, const char *key, const char *value, GError **error)
{
	static const char *const refs[] = {"ref", "tag", "branch", NULL};
	static const char *const commits[] = {"commit", "checksum", NULL};
	static const char *const later[] = {"submodules", "mtime", "fetch-by-commit", NULL};
	if (g_strv_contains(refs, key))
		return take(&source->ref, key, value, error);
	if (strcmp(key, "subdir") == 0)
		return take(&source->subdir, key, value, error);
	if (strcmp(key, "keep-git-dir") == 0) {
		source->keep_git = !*value || strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
		return true;
	}
	if (g_strv_contains(commits, key)) {
		g_autofree char *lower = g_ascii_strdown(value, -1);
		return take(&source->commit, key, lower, error);
	}
	return error_set(error,
			 g_strv_contains(later, key) ? ENGINE_ERROR_UNSUPPORTED
						     : ENGINE_ERROR_INVALID,
			 "'%s' of a repository's URL is not supported", key);
}

static bool parse_query(GitSource *source, const char *query, GError **error)
{
	g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
	for (size_t i = 0; pairs[i]; i++) {
		char *equals = strchr(pairs[i], '=');
		g_autofree char *value = g_uri_unescape_string(equals ? equals + 1 : "", NULL);
		if (equals)
			*equals = '\0';
		if (!value)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "'%s' of a repository's URL is not encoded well",
					 pairs[i]);
		if (*pairs[i] && !take_query(source, pairs[i], value, error))
			return false;
	}
	return true;
}

GitSource *git_source_parse(const char *text, const FetchEnv *env, GError **error)
{
	g_autoptr(GitSource) source = g_new0(GitSource, 1);
	source->keep_git = -1;
	const char *hash = strchr(text, '#');
	g_autofree char *head = hash ? g_strndup(text, (size_t)(hash - text)) : g_strdup(text);
	char *query = is_scp(head) ? NULL : strchr(head, '?');
	if (query)
		*query++ = '\0';
	source->url = g_strdup(head);
	if (!check_url(source->url, env, error) || (query && !parse_query(source, query, error)))
		return NULL;
	if (hash) {
		g_auto(GStrv) parts = g_strsplit(hash + 1, ":", 2);
		if (parts[0] && *parts[0] && !take(&source->ref, "ref", parts[0], error))
			return NULL;
		if (parts[0] && parts[1] && *parts[1] &&
		    !take(&source->subdir, "subdir", parts[1], error))
			return NULL;
	}
	if (source->ref && !check_ref(source->ref, error))
		return NULL;
	if (source->commit && !is_hex(source->commit, COMMIT_MIN))
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' is not a commit",
				      source->commit);
	return g_steal_pointer(&source);
}

/* A clone being made. */
typedef struct {
	char *program;
	char *path; /* the working tree */
	char *url;  /* without user and password */
	GPtrArray *env;
} Clone;

static void clone_clear(Clone *clone)
{
	g_free(clone->program);
	g_free(clone->path);
	g_free(clone->url);
	if (clone->env)
		g_ptr_array_unref(clone->env);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Clone, clone_clear)

/*
 * A password in the URL would stand in git's arguments, which all users of the host can see; in the
 * environment only its own user can (R16).
 */
static void take_credentials(Clone *clone, const char *url)
{
	const char *start = strstr(url, "://");
	size_t size = start ? strcspn(start + 3, "/") : 0;
	g_autofree char *authority = start ? g_strndup(start + 3, size) : NULL;
	char *at = authority ? strrchr(authority, '@') : NULL;
	if (!remote_is_url(url) || !at) {
		clone->url = g_strdup(url);
		return;
	}
	*at = '\0';
	g_autofree char *scheme = g_strndup(url, (size_t)(start - url));
	g_autofree char *user = g_uri_unescape_string(authority, NULL);
	const char *plain = user ? user : authority;
	g_autofree char *pair =
		strchr(plain, ':') ? g_strdup(plain) : g_strconcat(plain, ":", NULL);
	g_autofree char *code = g_base64_encode((const guchar *)pair, strlen(pair));
	clone->url = g_strconcat(scheme, "://", at + 1, start + 3 + size, NULL);
	g_ptr_array_add(clone->env, g_strdup("GIT_CONFIG_COUNT=1"));
	g_ptr_array_add(clone->env, g_strdup_printf("GIT_CONFIG_KEY_0=http.%s://%s/.extraHeader",
						    scheme, at + 1));
	g_ptr_array_add(clone->env,
			g_strdup_printf("GIT_CONFIG_VALUE_0=Authorization: Basic %s", code));
}

/* What git sees of our environment, and what it must not do. */
static void make_environment(Clone *clone, const char *url, const FetchEnv *env)
{
	static const char *const names[] = {
		"PATH",       "HOME",        "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "TMPDIR",
		"http_proxy", "https_proxy", "HTTPS_PROXY",     "no_proxy",      "NO_PROXY",
	};
	clone->env = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_getenv(names[i]);
		if (value)
			g_ptr_array_add(clone->env, g_strdup_printf("%s=%s", names[i], value));
	}
	/* No redirect leads from a protocol to a weaker one. */
	g_ptr_array_add(clone->env, g_strconcat("GIT_ALLOW_PROTOCOL=https:ssh",
						has_scheme(url, "http://") ? ":http" : "",
						env->git_local ? ":file" : "", NULL));
	g_ptr_array_add(clone->env, g_strdup("GIT_TERMINAL_PROMPT=0"));
	g_ptr_array_add(clone->env, g_strdup("GIT_SSH_COMMAND=ssh -o BatchMode=yes"));
	g_ptr_array_add(clone->env, g_strdup("GIT_NO_REPLACE_OBJECTS=1"));
	g_ptr_array_add(clone->env, g_strdup("LC_ALL=C"));
}

/* Run git with what comes behind its safe options. Return: its output. */
static char *run_git(const Clone *clone, const char *const *args, GError **error)
{
	static const char *const no_hooks[] = {"-c", "core.hooksPath=/dev/null"};
	static const char *const safe[] = {
		"-c", "core.fsmonitor=false",      "-c", "core.symlinks=true",
		"-c", "submodule.recurse=false",   "-c", "fetch.recurseSubmodules=false",
		"-c", "advice.detachedHead=false", "-c", "gc.auto=0",
		"-c", "init.defaultBranch=main",
	};
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, (char *)"git");
	for (size_t i = 0; i < G_N_ELEMENTS(no_hooks) && wall_stands("git-hooks"); i++)
		g_ptr_array_add(argv, (char *)no_hooks[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(safe); i++)
		g_ptr_array_add(argv, (char *)safe[i]);
	g_ptr_array_add(argv, (char *)"-C");
	g_ptr_array_add(argv, clone->path);
	for (size_t i = 0; args[i]; i++)
		g_ptr_array_add(argv, (char *)args[i]);
	g_ptr_array_add(argv, NULL);
	const Spawn spawn = {
		.argv = (const char *const *)argv->pdata,
		.program = clone->program,
		.envp = (const char *const *)clone->env->pdata,
	};
	return spawn_capture(&spawn, NULL, OUTPUT_MAX, error);
}

static bool try_git(const Clone *clone, const char *const *args, GError **error)
{
	g_autofree char *out = run_git(clone, args, error);
	return out != NULL;
}

/* The commit that a name means, or NULL. */
static char *find_commit(const Clone *clone, const char *name)
{
	g_autofree char *what = g_strconcat(name, "^{commit}", NULL);
	const char *const args[] = {"rev-parse", "--verify", "-q", "--end-of-options", what, NULL};
	char *out = run_git(clone, args, NULL);
	return out ? g_strchomp(out) : NULL;
}

/* When it was committed. */
static bool find_time(const Clone *clone, const char *commit, int64_t *out_time, GError **error)
{
	const char *const args[] = {"show", "-s", "--no-show-signature", "--format=%ct", commit,
				    "--",   NULL};
	g_autofree char *out = run_git(clone, args, error);
	*out_time = out ? g_ascii_strtoll(out, NULL, 10) : -1;
	return out != NULL;
}

/* As little as the server gives: one commit; else its history; else all, for a commit's name. */
static char *fetch_commit(const Clone *clone, const GitSource *source, GError **error)
{
	const char *ref = source->ref ? source->ref : "HEAD";
	/* Nothing behind this is an option. */
	const char *end = wall_stands("git-dashes") ? "--" : "-q";
	const char *const shallow[] = {"fetch", "-q",       "--no-tags", "--depth=1",
				       end,     clone->url, ref,         NULL};
	const char *const deep[] = {"fetch", "-q", "--no-tags", end, clone->url, ref, NULL};
	const char *const all[] = {"fetch", "-q", "--", clone->url, EVERYTHING, ALL_TAGS, NULL};
	g_autoptr(GError) failed = NULL;
	char *commit = NULL;
	if (try_git(clone, shallow, NULL) || try_git(clone, deep, &failed))
		commit = find_commit(clone, "FETCH_HEAD");
	else if (is_hex(ref, COMMIT_MIN) && try_git(clone, all, NULL))
		commit = find_commit(clone, ref);
	if (commit && is_hex(commit, SHA1_HEX))
		return commit;
	g_free(commit);
	return error_set_null(error, ENGINE_ERROR_UNREACHABLE, "cannot fetch '%s' of '%s': %s", ref,
			      clone->url, failed ? failed->message : "no such commit");
}

/* Make the clone's directory and its configuration. */
static int begin(Clone *clone, const GitSource *source, const FetchEnv *env, char **out_name,
		 GError **error)
{
	clone->program = spawn_find_system("git");
	if (!clone->program) {
		(void)error_set(error, ENGINE_ERROR_UNSUPPORTED, "git is not installed");
		error_add_help(error, "repositories are fetched by the program git");
		return -1;
	}
	make_environment(clone, source->url, env);
	take_credentials(clone, source->url);
	g_ptr_array_add(clone->env, NULL);
	int fd = work_dir_new(env, "git", out_name, error);
	if (fd >= 0)
		clone->path = g_build_filename(env->work_path, *out_name, NULL);
	return fd;
}

/* The directory that was asked for, inside the clone. */
static int open_subdir(const GitSource *source, int root_fd, GError **error)
{
	const char *subdir = source->subdir ? source->subdir : ".";
	int fd = path_open_in_root(root_fd, subdir, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		(void)error_set(error, ENGINE_ERROR_NOT_FOUND,
				"the repository has no directory '%s': %s", subdir,
				strerror(errno));
	return fd;
}

/* The clone, its commit checked out; the modes of files do not depend on anybody's umask. */
static int checkout(const GitSource *source, const FetchEnv *env, bool keep_git, char **out_commit,
		    int64_t *out_time, GError **error)
{
	g_auto(Clone) clone = {0};
	g_autofree char *name = NULL;
	autofd root = begin(&clone, source, env, &name, error);
	const char *const init[] = {"init", "-q", "--template=", NULL};
	if (root < 0 || !try_git(&clone, init, error))
		return -1;
	g_autofree char *commit = fetch_commit(&clone, source, error);
	if (!commit)
		return -1;
	if (source->commit && !g_str_has_prefix(commit, source->commit)) {
		(void)error_set(error, ENGINE_ERROR_INVALID, "'%s' is commit %s, not %s", clone.url,
				commit, source->commit);
		return -1;
	}
	const char *const args[] = {"checkout", "-q", "-f", "--detach", commit, NULL};
	if (!try_git(&clone, args, error) ||
	    (out_time && !find_time(&clone, commit, out_time, error)))
		return -1;
	if (!keep_git && !path_remove_tree(root, ".git")) {
		(void)error_set_errno(error, "cannot remove the clone's .git");
		return -1;
	}
	int fd = open_subdir(source, root, error);
	if (fd >= 0 && out_commit)
		*out_commit = g_steal_pointer(&commit);
	return fd;
}

int git_source_checkout(const GitSource *source, const FetchEnv *env, bool keep_git,
			char **out_commit, int64_t *out_time, GError **error)
{
	mode_t mask = umask(022);
	int fd = checkout(source, env, keep_git, out_commit, out_time, error);
	(void)umask(mask);
	return fd;
}
