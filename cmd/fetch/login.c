/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch login [--username U] [--password-fd N | --password-stdin] [--get-login]
 *	[--authfile FILE] [--cert-dir DIR] [--tls-verify BOOL] [--verbose] [REGISTRY]
 *
 * The user stands by: user name and password are asked for on the terminal, and a token server at
 * another host is named before it is remembered.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define INPUT_MAX     65536
#define LINE_MAX_SIZE 4096 /* the kernel's, for a terminal that edits lines */

typedef struct {
	RegistryArgs registry;
	const char *username;
	const char *password;
	bool password_stdin;
	bool get_login;
	bool verbose;
} LoginArgs;

/* The signal that came while the terminal does not echo. */
static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
	interrupted = number;
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/*
 * One line from the terminal without its end; NULL at the end of input. With @mask, the ending
 * signals are blocked and let in only while it waits: one that came before must end it, too.
 * Wipes what it leaves.
 */
static char *read_line(const sigset_t *mask)
{
	char line[LINE_MAX_SIZE];
	size_t used = 0;
	char *text = NULL;
	ssize_t n = 0;
	struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
	while (used < sizeof(line) - 1 && (!mask || ppoll(&terminal, 1, NULL, mask) == 1) &&
	       (n = read(STDIN_FILENO, line + used, 1)) == 1 && line[used] != '\n' &&
	       line[used] != '\r')
		used++;
	line[used] = '\0';
	if (n == 1 || used > 0)
		text = g_strdup(line);
	explicit_bzero(line, sizeof(line));
	return text;
}

/* Read a line that is not shown. A signal must not leave the user's terminal without its echo. */
static char *read_hidden_line(void)
{
	struct sigaction before[G_N_ELEMENTS(ending_signals)];
	const struct sigaction note = {.sa_handler = note_signal};
	struct termios shown, silent;
	sigset_t ending, mask;
	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return NULL;
	interrupted = 0;
	sigemptyset(&ending);
	for (size_t i = 0; i < G_N_ELEMENTS(ending_signals); i++)
		(void)sigaddset(&ending, ending_signals[i]);
	(void)pthread_sigmask(SIG_BLOCK, &ending, &mask);
	for (size_t i = 0; i < G_N_ELEMENTS(ending_signals); i++)
		(void)sigaction(ending_signals[i], &note, &before[i]);
	silent = shown;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	char *line = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 ? read_line(&mask) : NULL;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	(void)fprintf(stderr, "\n");
	for (size_t i = 0; i < G_N_ELEMENTS(ending_signals); i++)
		(void)sigaction(ending_signals[i], &before[i], NULL);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (interrupted)
		(void)raise(interrupted);
	return line;
}

static char *ask(const char *prompt, bool hidden, GError **error)
{
	if (!isatty(STDIN_FILENO))
		return error_set_null(
			error, ENGINE_ERROR_INVALID,
			"cannot ask for credentials without a terminal: use --username "
			"and --password-stdin");
	(void)fprintf(stderr, "%s", prompt);
	(void)fflush(stderr);
	char *line = hidden ? read_hidden_line() : read_line(NULL);
	return line ? line : error_set_null(error, ENGINE_ERROR_CANCELLED, "no input");
}

/* Cut one line end off. Return: the new length. */
static size_t chomp(char *text, size_t size)
{
	if (size > 0 && text[size - 1] == '\n')
		size--;
	if (size > 0 && text[size - 1] == '\r')
		size--;
	text[size] = '\0';
	return size;
}

/* The whole of stdin as the password, less one line end. */
static char *read_password(GError **error)
{
	size_t size = 0;
	char *text = fd_read_all(STDIN_FILENO, INPUT_MAX, &size, error);
	if (!text) {
		g_prefix_error(error, "the password on stdin: ");
		return NULL;
	}
	size = chomp(text, size);
	if (strlen(text) == size)
		return text;
	explicit_bzero(text, size);
	g_free(text);
	return error_set_null(error, ENGINE_ERROR_INVALID, "the password on stdin holds a NUL");
}

/* What the user gives: options first, then stdin or the terminal. */
static Credentials *get_credentials(const LoginArgs *args, GError **error)
{
	g_autoptr(Credentials) credentials = g_new0(Credentials, 1);
	if (args->password_stdin && args->password)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "can't specify both --password-stdin and --password");
	if (args->password_stdin && !args->username)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "must provide --username with --password-stdin");
	credentials->username =
		args->username ? g_strdup(args->username) : ask("Username: ", false, error);
	if (!credentials->username)
		return NULL;
	if (!*credentials->username || strchr(credentials->username, ':'))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "a user name must not be empty or hold a colon");
	if (args->password_stdin)
		credentials->password = read_password(error);
	else if (args->password)
		credentials->password = g_strdup(args->password);
	else
		credentials->password = ask("Password: ", true, error);
	return credentials->password ? g_steal_pointer(&credentials) : NULL;
}

/* "https://REGISTRY/v1/" and the like as they are written in docker's files; one path is a
 * namespace. */
static char *clean_registry(const char *text, GError **error)
{
	size_t scheme = g_str_has_prefix(text, "https://")  ? strlen("https://")
			: g_str_has_prefix(text, "http://") ? strlen("http://")
							    : 0;
	g_autofree char *name = g_strdup(text + scheme);
	while (g_str_has_suffix(name, "/"))
		name[strlen(name) - 1] = '\0';
	g_autofree char *probe = g_strconcat(name, strchr(name, '/') ? "" : "/probe", NULL);
	g_autoptr(Reference) ref = reference_parse(probe, NULL);
	if (!ref || ref->tag || ref->digest)
		return error_set_null(error, ENGINE_ERROR_INVALID, "'%s' is not a registry", text);
	/* A host without a dot is a registry here, where nothing else can stand. */
	return g_steal_pointer(&name);
}

/* Is there something for the registry that works already? */
static bool try_existing(const char *registry, const LoginArgs *args, RegistrySession *session,
			 const RegistrySource *source)
{
	g_autoptr(GError) problem = NULL;
	if (args->username || args->password || args->password_stdin)
		return false;
	g_autoptr(Registry) reg = registry_open(session, source, &problem);
	if (!reg || !registry_has_credentials(reg) || !registry_check_login(reg, &problem))
		return false;
	(void)fprintf(stderr, "Existing credentials are valid. Already logged in to %s\n",
		      registry);
	return true;
}

/* A token server elsewhere got the password: say so, and let later pulls do the same. */
static bool note_realm(const Registry *registry, const char *host, GError **error)
{
	const char *realm = registry_realm(registry);
	if (!realm)
		return true;
	g_autofree char *shown = escape_terminal(realm, false);
	(void)fprintf(stderr, "%s takes its tokens from %s: your credentials go there too\n", host,
		      shown);
	return auth_realm_allow(registry_host(registry), realm, error);
}

/* Try what is there, else ask; only credentials that opened the registry are kept. */
static bool log_in(const char *name, const LoginArgs *args, RegistryOptions *options,
		   GError **error)
{
	g_autoptr(RegistriesConf) conf = registries_conf_load(error);
	if (!conf)
		return false;
	if (!options->auth.helpers)
		options->auth.helpers = registries_conf_helpers(conf);
	g_autofree char *host = g_strndup(name, strcspn(name, "/"));
	RegistrySource source = {
		.host = host,
		.repository = (char *)"",
		.is_insecure = registries_conf_is_insecure(conf, host),
	};
	g_autoptr(RegistrySession) existing = registry_session_new(conf, options);
	if (try_existing(name, args, existing, &source))
		return true;

	g_autoptr(Credentials) credentials = get_credentials(args, error);
	if (!credentials)
		return false;
	options->credentials = credentials;
	g_autoptr(RegistrySession) session = registry_session_new(conf, options);
	g_autoptr(Registry) registry = registry_open(session, &source, error);
	if (!registry || !registry_check_login(registry, error))
		return false;
	g_autofree char *where = NULL;
	if (!note_realm(registry, host, error) ||
	    !auth_store(&options->auth, name, credentials, &where, error))
		return false;
	if (args->verbose)
		(void)printf("Used:  %s\n", where);
	(void)printf("Login Succeeded!\n");
	return true;
}

/* --get-login: the user name we would use. */
static bool get_login(const char *registry, const RegistryOptions *options, GError **error)
{
	g_autoptr(Credentials) found = NULL;
	if (!auth_lookup(&options->auth, registry, &found, error))
		return false;
	if (!found)
		return error_set(error, ENGINE_ERROR_NOT_FOUND, "not logged into %s", registry);
	g_autofree char *shown =
		escape_terminal(found->username ? found->username : "<token>", false);
	(void)printf("%s\n", shown);
	return true;
}

char *fetch_registry_operand(const GPtrArray *operands, GError **error)
{
	if (operands->len > 1)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "accepts at most one registry, received %u", operands->len);
	if (operands->len == 1)
		return clean_registry(operands->pdata[0], error);
	g_autoptr(RegistriesConf) conf = registries_conf_load(error);
	if (!conf)
		return NULL;
	const char *first = registries_conf_search(conf)[0];
	if (!first)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "no registry was named and registries.conf searches none");
	(void)fprintf(stderr, "Using registry %s\n", first);
	return g_strdup(first);
}

bool fetch_check_docker_key(const AuthSources *sources, const char *key, GError **error)
{
	return !sources->is_docker || !strchr(key, '/') ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "'%s': docker's file has credentials of whole registries only", key);
}

int fetch_login(FetchCall *call, GError **error)
{
	LoginArgs args = {0};
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args.registry.authfile},
		{.name = "--compat-auth-file", .value = &args.registry.compat_auth_file},
		{.name = "--cert-dir", .value = &args.registry.cert_dir},
		{.name = "--tls-verify", .value = &args.registry.tls_verify},
		{.name = "--username", .value = &args.username},
		{.name = "--password-fd", .secret = &args.password},
		{.name = "--password-stdin", .flag = &args.password_stdin},
		{.name = "--get-login", .flag = &args.get_login},
		{.name = "--verbose", .flag = &args.verbose},
		{0},
	};
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	g_autoptr(Credentials) unused = NULL;
	RegistryOptions options;
	if (!fetch_parse(call, rows, operands, error) ||
	    !registry_args_read(&args.registry, &options, &unused, error))
		return FETCH_FAILED;
	options.is_login = true;
	g_autofree char *registry = fetch_registry_operand(operands, error);
	if (!registry || !fetch_check_docker_key(&options.auth, registry, error))
		return FETCH_FAILED;
	bool ok = args.get_login ? get_login(registry, &options, error)
				 : log_in(registry, &args, &options, error);
	return ok ? 0 : FETCH_FAILED;
}
