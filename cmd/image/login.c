/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login and logout: credentials of registries, kept by skiff-fetch.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "libpod/base/error.h"
#include "libpod/secret.h"

typedef struct {
	RegistryOptionValues registry;
	const char *username, *compat_auth_file, *secret;
	char *password; /* option_set_secret() */
	bool password_stdin, get_login, verbose;
} LoginOptions;

static const Option login_options[] = {
	{'u', "username", OPTION_VALUE, option_set_string, "USER", "User name (default: ask)",
	 offsetof(LoginOptions, username), OPTION_COMMON},
	{'p', "password", OPTION_VALUE, option_set_secret, "PASSWORD",
	 "Password; others on this machine may see it: use --password-stdin",
	 offsetof(LoginOptions, password), OPTION_COMMON},
	{0, "password-stdin", OPTION_FLAG, option_set_flag, NULL,
	 "Read the password from standard input", offsetof(LoginOptions, password_stdin),
	 OPTION_COMMON},
	{0, "get-login", OPTION_FLAG, option_set_flag, NULL, "Print who is logged in",
	 offsetof(LoginOptions, get_login), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Keep credentials here",
	 offsetof(LoginOptions, registry.authfile), OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(LoginOptions, registry.tls_verify), OPTION_COMMON},
	{0, "cert-dir", OPTION_VALUE, option_set_string, "DIR", "Certificates of the registry",
	 offsetof(LoginOptions, registry.cert_dir), OPTION_COMMON},
	{'v', "verbose", OPTION_FLAG, option_set_flag, NULL, "Say where the credentials went",
	 offsetof(LoginOptions, verbose), OPTION_COMMON},
	{0, "compat-auth-file", OPTION_VALUE, option_set_string, "FILE",
	 "Keep credentials here, in docker's form", offsetof(LoginOptions, compat_auth_file), 0},
	{0, "secret", OPTION_VALUE, option_set_string, "NAME",
	 "The password is this secret; its name is the user's unless there is one",
	 offsetof(LoginOptions, secret), 0},
	{0},
};

static const OptionGroup login_group = {NULL, login_options};

static int finish(const Invocation *inv, FetchArgs *args)
{
	g_autoptr(GError) error = NULL;
	const char *registry = command_arg(inv, 0);
	g_autoptr(Engine) engine = NULL;
	if (!registry || fetch_args_add_operand(args, registry, &error))
		engine = command_engine(inv, true, &error);
	return engine ? fetch_args_run(args, engine, NULL) : command_fail(error);
}

/* The bytes of --secret as the password. */
static bool use_secret(const Invocation *inv, LoginOptions *opts, GError **error)
{
	if (opts->password || opts->password_stdin)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--secret can not be used with --password options");
	g_autoptr(Engine) engine = command_engine(inv, true, error);
	g_autoptr(Secret) secret = engine ? secret_resolve(engine, opts->secret, error) : NULL;
	size_t size = 0;
	opts->password = secret ? secret_read(engine, secret, &size, error) : NULL;
	if (!opts->password)
		return false;
	if (!opts->username)
		opts->username = opts->secret;
	return strlen(opts->password) == size ||
	       error_set(error, ENGINE_ERROR_INVALID, "secret '%s' holds a NUL", opts->secret);
}

static int log_in(const Invocation *inv, LoginOptions *opts)
{
	g_autoptr(GError) error = NULL;
	if (opts->secret && !use_secret(inv, opts, &error))
		return command_fail(error);
	g_autoptr(FetchArgs) args = fetch_args_new("login");
	registry_options_add(args, &opts->registry);
	fetch_args_add(args, "--compat-auth-file", opts->compat_auth_file);
	fetch_args_add(args, "--username", opts->username);
	fetch_args_add_secret(args, "--password-fd", opts->password);
	fetch_args_add_flag(args, "--password-stdin", opts->password_stdin);
	fetch_args_add_flag(args, "--get-login", opts->get_login);
	fetch_args_add_flag(args, "--verbose", opts->verbose);
	return finish(inv, args);
}

static int cmd_login(Invocation *inv)
{
	LoginOptions opts = {0};
	bool parsed = command_parse(inv, (void *[]){&opts});
	int status = parsed ? log_in(inv, &opts) : inv->status;
	option_secret_free(opts.password);
	return status;
}

typedef struct {
	const char *authfile, *compat_auth_file;
	bool all;
} LogoutOptions;

static const Option logout_options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "Of all registries",
	 offsetof(LogoutOptions, all), OPTION_COMMON},
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE", "Credentials are kept here",
	 offsetof(LogoutOptions, authfile), OPTION_COMMON},
	{0, "compat-auth-file", OPTION_VALUE, option_set_string, "FILE",
	 "They are kept here, in docker's form", offsetof(LogoutOptions, compat_auth_file), 0},
	{0},
};

static const OptionGroup logout_group = {NULL, logout_options};

static int cmd_logout(Invocation *inv)
{
	LogoutOptions opts = {0};
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(FetchArgs) args = fetch_args_new("logout");
	fetch_args_add(args, "--authfile", opts.authfile);
	fetch_args_add(args, "--compat-auth-file", opts.compat_auth_file);
	fetch_args_add_flag(args, "--all", opts.all);
	return finish(inv, args);
}

const Command login_command = {
	.paths = (const char *const[]){"login", NULL},
	.usage = "[options] [REGISTRY]",
	.summary = "Log in to a registry",
	.description =
		"Checks a user name and password with a registry and keeps them for pulls, where "
		"podman and docker find them too.",
	.examples =
		(const char *const[]){"skiff login registry.example",
				      "skiff login -u me --password-stdin registry.example < token",
				      NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&login_group, NULL},
	.run = cmd_login,
};

const Command logout_command = {
	.paths = (const char *const[]){"logout", NULL},
	.usage = "[options] [REGISTRY]",
	.summary = "Forget the credentials of a registry",
	.description = "Removes what \"skiff login\" kept for a registry.",
	.examples =
		(const char *const[]){"skiff logout registry.example", "skiff logout --all", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&logout_group, NULL},
	.run = cmd_logout,
};
