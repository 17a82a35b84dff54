/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential helpers: programs docker-credential-NAME that speak JSON on stdin and stdout.
 *
 * They are the user's own programs, found in the user's PATH. Their environment is an allow-list:
 * what they need to reach a key ring, a desktop session or a cloud account, and nothing else
 * (security R16).
 */
#include "storage/auth.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"
#include "libpod/base/wall.h"
#include "storage/auth_priv.h"

#define ANSWER_MAX_SIZE (1u << 20)
#define TOKEN_USERNAME  "<token>"

extern char **environ;

static const char *const allowed_names[] = {
	"PATH",
	"HOME",
	"USER",
	"LOGNAME",
	"LANG",
	"TERM",
	"TMPDIR",
	"DISPLAY",
	"WAYLAND_DISPLAY",
	"XAUTHORITY",
	"DBUS_SESSION_BUS_ADDRESS",
	"GNUPGHOME",
	"GPG_TTY",
	"PASSWORD_STORE_DIR",
	"SSH_AUTH_SOCK",
	"GOOGLE_APPLICATION_CREDENTIALS",
};
static const char *const allowed_prefixes[] = {"XDG_", "LC_", "AWS_", "AZURE_", "CLOUDSDK_"};

static bool is_allowed(const char *assignment)
{
	size_t length = strcspn(assignment, "=");
	for (size_t i = 0; i < G_N_ELEMENTS(allowed_names); i++)
		if (strlen(allowed_names[i]) == length &&
		    strncmp(assignment, allowed_names[i], length) == 0)
			return true;
	for (size_t i = 0; i < G_N_ELEMENTS(allowed_prefixes); i++)
		if (g_str_has_prefix(assignment, allowed_prefixes[i]))
			return true;
	return length > 6 && g_ascii_strncasecmp(assignment + length - 6, "_proxy", 6) == 0;
}

static const char **helper_environment(void)
{
	GPtrArray *list = g_ptr_array_new();
	for (size_t i = 0; environ && environ[i]; i++)
		if (is_allowed(environ[i]))
			g_ptr_array_add(list, environ[i]);
	g_ptr_array_add(list, NULL);
	return (const char **)g_ptr_array_free(list, FALSE);
}

/* The helper's path; its name comes from a file and must be one plain word. */
static char *find_helper(const char *helper, GError **error)
{
	for (const char *c = helper; *c; c++)
		if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "'%s' is not a name of a credential helper", helper);
	g_autofree char *program = g_strconcat("docker-credential-", helper, NULL);
	char *path = g_find_program_in_path(program);
	if (!path) {
		error_set(error, ENGINE_ERROR_NOT_FOUND, "credential helper '%s' is not installed",
			  program);
		error_add_help(error, "install it, or remove it from the auth file");
	}
	return path;
}

/* Run "docker-credential-HELPER VERB" with @input. @out_answer is its stdout whatever the exit
 * code. */
static bool run_helper(const char *helper, const char *verb, const char *input, int *out_code,
		       char **out_answer, GError **error)
{
	g_autofree char *program = find_helper(helper, error);
	if (!program)
		return false;
	autofd in = fd_memfd("credential-request", input, strlen(input));
	autofd out = memfd_create("credential-answer", MFD_CLOEXEC);
	if (in < 0 || out < 0)
		return error_set_errno(error, "cannot run '%s'", program);
	g_autofree const char **envp = helper_environment();
	const char *argv[] = {program, verb, NULL};
	Spawn spawn = {
		.argv = argv,
		.envp = envp,
		.stdin_fd = in,
		.stdout_fd = out,
		.stderr_fd = SPAWN_INHERIT,
	};
	pid_t pid = spawn_start(&spawn, NULL, error);
	if (pid < 0)
		return false;
	int code = spawn_wait(pid, error);
	if (code < 0)
		return false;
	if (lseek(out, 0, SEEK_SET) < 0)
		return error_set_errno(error, "cannot read from '%s'", program);
	char *answer = fd_read_all(out, ANSWER_MAX_SIZE, NULL, error);
	if (!answer)
		return false;
	*out_code = code;
	*out_answer = answer;
	return true;
}

/* Wipe and free a text that held a secret. */
static void secret_free(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	g_free(*text);
}

static bool means_absent(const char *answer)
{
	return strstr(answer, "credentials not found") ||
	       strstr(answer, "not found in native keychain");
}

/* First line of an answer, fit to be shown. */
static char *first_line(const char *answer)
{
	g_autofree char *line = g_strndup(answer, MIN(strcspn(answer, "\r\n"), 200));
	return g_strescape(line, NULL);
}

bool auth_helper_get(const char *helper, const char *registry, Credentials **out, GError **error)
{
	int code = 0;
	__attribute__((cleanup(secret_free))) char *answer = NULL;
	if (!run_helper(helper, "get", registry, &code, &answer, error))
		return false;
	if (code != 0 && (means_absent(answer) || !wall_stands("helper-failures"))) {
		*out = NULL;
		return true;
	}
	if (code != 0) {
		g_autofree char *line = first_line(answer);
		return error_set(error, ENGINE_ERROR_SYSTEM,
				 "credential helper '%s' failed for '%s': %s", helper, registry,
				 *line ? line : "it gave no reason");
	}
	g_autoptr(Json) json =
		js_parse(answer, strlen(answer), "credential helper's answer", error);
	const char *username = NULL, *secret = NULL;
	if (!json || !js_get_string(json, "Username", &username, error) ||
	    !js_get_string(json, "Secret", &secret, error))
		return false;
	if (!username || !*username || !secret) {
		*out = NULL;
		return true;
	}
	Credentials *credentials = g_new0(Credentials, 1);
	if (strcmp(username, TOKEN_USERNAME) == 0) {
		credentials->identity_token = g_strdup(secret);
	} else {
		credentials->username = g_strdup(username);
		credentials->password = g_strdup(secret);
	}
	*out = credentials;
	return true;
}

bool auth_helper_store(const char *helper, const char *registry, const Credentials *credentials,
		       GError **error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "ServerURL", registry);
	js_set_string(json, "Username",
		      credentials->identity_token ? TOKEN_USERNAME : credentials->username);
	js_set_string(json, "Secret",
		      credentials->identity_token ? credentials->identity_token
						  : credentials->password);
	int code = 0;
	__attribute__((cleanup(secret_free))) char *answer = NULL;
	if (!run_helper(helper, "store", js_text(json), &code, &answer, error))
		return false;
	if (code == 0)
		return true;
	g_autofree char *line = first_line(answer);
	return error_set(error, ENGINE_ERROR_SYSTEM, "credential helper '%s' failed for '%s': %s",
			 helper, registry, line);
}

bool auth_helper_erase(const char *helper, const char *registry, GError **error)
{
	int code = 0;
	g_autofree char *answer = NULL;
	if (!run_helper(helper, "erase", registry, &code, &answer, error))
		return false;
	if (code == 0)
		return true;
	if (means_absent(answer))
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "not logged into %s", registry);
	g_autofree char *line = first_line(answer);
	return error_set(error, ENGINE_ERROR_SYSTEM, "credential helper '%s' failed for '%s': %s",
			 helper, registry, line);
}
