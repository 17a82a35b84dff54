/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of skiff-fetch. Runs in the CLI; links nothing of what the program needs.
 */
#include "storage/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/spawn.h"

#define CAPTURE_MAX_SIZE (1u << 20)

bool pull_policy_parse(const char *text, PullPolicy *out_policy, GError **error)
{
	static const struct {
		const char *name;
		PullPolicy policy;
	} policies[] = {
		{"missing", PULL_MISSING}, {"ifnotpresent", PULL_MISSING}, {"false", PULL_MISSING},
		{"always", PULL_ALWAYS},   {"true", PULL_ALWAYS},          {"never", PULL_NEVER},
		{"newer", PULL_NEWER},     {"ifnewer", PULL_NEWER},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		if (g_ascii_strcasecmp(text, policies[i].name) == 0) {
			*out_policy = policies[i].policy;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID, "unsupported pull policy \"%s\"", text);
}

/* Our environment as skiff-fetch may see it (R16): where files are, proxies, terminal manners. */
static char **fetch_environment(void)
{
	static const char *const names[] = {
		"PATH",
		"HOME",
		"LANG",
		"LC_ALL",
		"TERM",
		"SKIFF_PROGRESS",
		"TMPDIR",
		"COLUMNS",
		"NO_COLOR",
		"CLICOLOR_FORCE",
		"XDG_RUNTIME_DIR",
		"XDG_CONFIG_HOME",
		"XDG_CACHE_HOME",
		"XDG_DATA_HOME",
		"DOCKER_CONFIG",
		"REGISTRY_AUTH_FILE",
		"SSL_CERT_FILE",
		"SSL_CERT_DIR",
		"CONTAINERS_REGISTRIES_CONF",
		"HTTP_PROXY",
		"HTTPS_PROXY",
		"NO_PROXY",
		"ALL_PROXY",
		"http_proxy",
		"https_proxy",
		"no_proxy",
		"all_proxy",
		"SKIFF_LIBEXEC",
		"SKIFF_FAIL_AT",
	};
	g_autoptr(GPtrArray) env = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_getenv(names[i]);
		if (value)
			g_ptr_array_add(env, g_strdup_printf("%s=%s", names[i], value));
	}
	g_ptr_array_add(env, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&env), FALSE);
}

/* argv of skiff-fetch: the verb, the store, the rest. Borrowed strings. */
static GPtrArray *fetch_argv(Store *store, const char *const *args)
{
	GPtrArray *argv = g_ptr_array_new();
	g_ptr_array_add(argv, (char *)"skiff-fetch");
	g_ptr_array_add(argv, (char *)args[0]);
	g_ptr_array_add(argv, (char *)"--root");
	g_ptr_array_add(argv, (char *)store_path(store));
	for (size_t i = 1; args[i]; i++)
		g_ptr_array_add(argv, (char *)args[i]);
	g_ptr_array_add(argv, NULL);
	return argv;
}

/* Start it, its stdout going to @stdout_fd. Return: pid or -1. */
static pid_t fetch_start(Store *store, const char *const *args, const char *secret, int stdout_fd,
			 GError **error)
{
	g_autofree char *program = spawn_find_own("skiff-fetch", error);
	if (!program)
		return -1;
	autofd secret_fd = secret ? fd_memfd("secret", secret, strlen(secret)) : -1;
	if (secret && secret_fd < 0) {
		error_set_errno(error, "cannot hand a secret to skiff-fetch");
		return -1;
	}
	g_autoptr(GPtrArray) argv = fetch_argv(store, args);
	g_auto(GStrv) env = fetch_environment();
	const Spawn spawn = {
		.argv = (const char *const *)argv->pdata,
		.program = program,
		.envp = (const char *const *)env,
		.stdin_fd = SPAWN_INHERIT,
		.stdout_fd = stdout_fd,
		.stderr_fd = SPAWN_INHERIT,
		.fds = &secret_fd,
		.n_fds = secret ? 1 : 0,
	};
	return spawn_start(&spawn, NULL, error);
}

/* Take what it prints, if that is wanted, and wait for its end. Return: exit code or -1. */
static int fetch_finish(pid_t pid, int read_end, char **capture, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *text =
		capture ? fd_read_all(read_end, CAPTURE_MAX_SIZE, NULL, &problem) : NULL;
	int code = spawn_wait(pid, error);
	if (code < 0)
		return -1;
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return -1;
	}
	if (capture)
		*capture = g_steal_pointer(&text);
	return code;
}

int fetch_run(Store *store, const char *const *args, const char *secret, char **capture,
	      GError **error)
{
	int ends[2] = {-1, -1};
	if (capture && pipe2(ends, O_CLOEXEC) < 0) {
		error_set_errno(error, "cannot make a pipe");
		return -1;
	}
	autofd read_end = ends[0];
	autofd write_end = ends[1];
	pid_t pid = fetch_start(store, args, secret, capture ? write_end : SPAWN_INHERIT, error);
	fd_close(&write_end);
	if (pid < 0)
		return -1;

	/* A key of the terminal reaches it, too: it tidies up, and we stay as long as it does. */
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction interrupt, quit;
	(void)sigaction(SIGINT, &ignore, &interrupt);
	(void)sigaction(SIGQUIT, &ignore, &quit);
	int code = fetch_finish(pid, read_end, capture, error);
	(void)sigaction(SIGINT, &interrupt, NULL);
	(void)sigaction(SIGQUIT, &quit, NULL);
	return code;
}

char *fetch_url_shown(const char *url)
{
	const char *start = strstr(url, "://");
	size_t size = start ? strcspn(start + 3, "/?#") : 0;
	const char *at = start ? memrchr(start + 3, '@', size) : NULL;
	if (!at)
		return g_strdup(url);
	g_autofree char *scheme = g_strndup(url, (size_t)(start - url));
	return g_strconcat(scheme, "://", at + 1, NULL);
}

/* What `skiff-fetch download` says about its end. */
static bool take_download(const char *text, size_t size, int64_t *out_mtime, GError **error)
{
	bool ok = false;
	int64_t code = ENGINE_ERROR_SYSTEM, mtime = -1;
	const char *message = NULL;
	g_autoptr(Json) json = js_parse(text, size, "report of skiff-fetch", error);
	if (!json || !js_get_bool(json, "ok", &ok, error) ||
	    !js_get_int(json, "error", 0, ENGINE_ERROR_SYSTEM + 64, &code, error) ||
	    !js_get_int(json, "mtime", -1, INT64_MAX, &mtime, error) ||
	    !js_get_string(json, "message", &message, error))
		return false;
	if (!ok)
		return error_set(error, (ErrorCode)code, "%s", message ? message : "no answer");
	*out_mtime = mtime;
	return true;
}

bool fetch_download(const char *url, int out_fd, int64_t *out_mtime, GError **error)
{
	return fetch_download_limited(url, out_fd, INT64_MAX, out_mtime, error);
}

bool fetch_download_limited(const char *url, int out_fd, int64_t max_size, int64_t *out_mtime,
			    GError **error)
{
	g_autofree char *program = spawn_find_own("skiff-fetch", error);
	g_auto(GStrv) env = fetch_environment();
	int ends[2];
	if (!program)
		return false;
	/* A URL may hold a password, and arguments can be seen by all (R16). */
	autofd url_fd = fd_memfd("url", url, strlen(url));
	if (url_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(error, "cannot start a download");
	autofd read_end = ends[0];
	autofd write_end = ends[1];
	g_autofree char *limit = g_strdup_printf("%" G_GINT64_FORMAT, max_size);
	const char *const argv[] = {"skiff-fetch", "download",   "--url-fd", "3", "--report-fd",
				    "4",           "--max-size", limit,      NULL};
	const int fds[] = {url_fd, write_end};
	const Spawn spawn = {
		.argv = argv,
		.program = program,
		.envp = (const char *const *)env,
		.stdout_fd = out_fd,
		.stderr_fd = SPAWN_INHERIT,
		.fds = fds,
		.n_fds = G_N_ELEMENTS(fds),
	};
	pid_t pid = spawn_start(&spawn, NULL, error);
	fd_close(&write_end);
	if (pid < 0)
		return false;
	size_t size = 0;
	g_autofree char *text = fd_read_all(read_end, CAPTURE_MAX_SIZE, &size, error);
	int code = spawn_wait(pid, text ? error : NULL);
	if (!text || code < 0)
		return false;
	if (size == 0)
		return error_set(error, ENGINE_ERROR_SYSTEM,
				 "skiff-fetch ended with code %d and no report", code);
	return take_download(text, size, out_mtime, error);
}

char *hello_layout_path(void)
{
	/* Installed beside the CLI or its helpers; in the build tree next to both. */
	static const char *const places[] = {
		"../libexec/skiff/hello",
		"hello",
		"../../contrib/hello/hello",
		"../contrib/hello/hello",
	};
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (size <= 0)
		return NULL;
	self[size] = '\0';
	g_autofree char *dir = g_path_get_dirname(self);
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *layout = g_build_filename(dir, places[i], NULL);
		g_autofree char *marker = g_build_filename(layout, "oci-layout", NULL);
		if (faccessat(AT_FDCWD, marker, R_OK, 0) == 0)
			return g_canonicalize_filename(layout, NULL);
	}
	return NULL;
}
