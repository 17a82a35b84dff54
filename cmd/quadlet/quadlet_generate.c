/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet generate: a .container file from a container that was made by hand.
 *
 * Its command line (run_words.h) is written with the rows by which the generator reads keys
 * (quadlet_container.c), the other way round: what has a key and survives as its value stands
 * there, the rest under PodmanArgs=. So the generator makes the same options of it again. What a
 * unit says itself (--detach, --rm, --name ...) is left to it, and --restart becomes systemd's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/quadlet/env_file.h"
#include "cmd/quadlet/quadlet_priv.h"
#include "cmd/quadlet/run_words.h"
#include "cmd/quadlet/unit_words.h"
#include "cmd/system/compose.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/container.h"

#define SECTION       "Container"
#define UNIT_LABEL    "PODMAN_SYSTEMD_UNIT"
#define UPDATE_LABEL  "io.containers.autoupdate"
#define COMPOSE_LABEL "com.docker.compose.project"

typedef struct {
	bool files;
} GenerateOptions;

static const Option options[] = {
	{'f', "files", OPTION_FLAG, option_set_flag, NULL,
	 "Write NAME.container, and NAME.env for variables", offsetof(GenerateOptions, files),
	 OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* What the unit says by itself, or what makes no sense in one. */
static const char *const dropped[] = {
	"attach", "cidfile", "conmon-pidfile", "detach", "detach-keys", "interactive", "name",
	"quiet",  "replace", "restart",        "rm",     "sig-proxy",   NULL};

/* Options of keys that are no plain rows. */
static const struct {
	const char *option, *key;
	QuadletKeyKind kind; /* how the value is written */
} calls[] = {
	{"cap-add", "AddCapability", KEY_NAMES}, {"cap-drop", "DropCapability", KEY_NAMES},
	{"device", "AddDevice", KEY_NAMES},      {"env-file", "EnvironmentFile", KEY_WORDS},
	{"expose", "ExposeHostPort", KEY_EACH},  {"net", "Network", KEY_EACH},
	{"network", "Network", KEY_EACH},        {"user", "User", KEY_EACH},
	{"volume", "Volume", KEY_EACH},
};

/* --security-opt, by the beginning of its value; with a "=" at its end the rest is the key's. */
static const struct {
	const char *value, *key;
} security[] = {
	{"apparmor=", "AppArmor"},
	{"label=disable", "SecurityLabelDisable"},
	{"no-new-privileges", "NoNewPrivileges"},
	{"no-new-privileges=true", "NoNewPrivileges"},
	{"seccomp=", "SeccompProfile"},
};

/* One file on its way. */
typedef struct {
	UnitFile *unit;
	GPtrArray *rest; /* options without a key, owned */
	GString *env;    /* text of the file with the variables; NULL: they stand in the unit */
	const ContainerSpec *spec;
} Writing;

/* Does a whole value survive on a line of its own? Quotes around it would go, and white space. */
static bool fits_line(const char *value)
{
	size_t length = strlen(value);
	if (length == 0 || g_ascii_isspace(value[0]) || g_ascii_isspace(value[length - 1]) ||
	    value[length - 1] == '\\' || strchr("\"'", value[0]))
		return false;
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ')
			return false;
	return true;
}

/* One word of a list that knows no escapes. */
static bool is_plain_word(const char *value)
{
	return *value && *value != '-' && !strpbrk(value, " \t\r\n\"'\\");
}

/* Would the generator take it for another file's name, "data.volume:/x"? */
static bool is_reference(const char *value)
{
	static const char *const kinds[] = {".volume", ".network", ".image",    ".build",
					    ".pod",    ".kube",    ".artifact", ".container"};
	g_autofree char *source = g_strndup(value, strcspn(value, ":,"));
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_suffix(source, kinds[i]) && !strchr(source, '/'))
			return true;
	return false;
}

static void add_word(Writing *out, const char *key, const char *word)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *literal = unit_words_literal(word);
	unit_words_quote(text, literal);
	unit_file_add(out->unit, SECTION, key, text->str);
}

/* Write a value as @kind is read. Return: false if it would not be the same. */
static bool add_value(Writing *out, const char *key, QuadletKeyKind kind, const char *value)
{
	g_autofree char *literal = unit_words_literal(value);
	bool ok = false;
	switch (kind) {
	case KEY_EMPTY:
		ok = *value == '\0' || fits_line(value);
		break;
	case KEY_VALUE:
	case KEY_EACH:
		ok = fits_line(value);
		break;
	case KEY_NAMES:
		ok = is_plain_word(value);
		break;
	case KEY_WORDS:
	case KEY_PAIRS:
		add_word(out, key, value);
		return true;
	case KEY_FLAG:
		unit_file_add(out->unit, SECTION, key, strcmp(value, "true") == 0 ? "yes" : "no");
		return true;
	case KEY_LATER:
	case KEY_CALL:
		break;
	}
	if (ok)
		unit_file_add(out->unit, SECTION, key, literal);
	return ok;
}

/* A source that was relative to a directory which nobody knows any more is in the record. */
static char *absolute_volume(const Writing *out, const char *value)
{
	g_auto(GStrv) parts = g_strsplit(value, ":", 3);
	for (guint i = 0; value[0] == '.' && parts[0] && parts[1] && i < out->spec->mounts->len;
	     i++) {
		const SpecMount *mount = out->spec->mounts->pdata[i];
		if (mount->kind == SPEC_MOUNT_BIND && strcmp(mount->destination, parts[1]) == 0)
			return g_strjoin(":", mount->source, parts[1], parts[2], NULL);
	}
	return g_strdup(value);
}

static bool add_security(Writing *out, const char *value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(security); i++) {
		const char *start = security[i].value;
		size_t length = strlen(start);
		if (start[length - 1] == '=' && strcmp(start, "no-new-privileges=true") != 0) {
			if (g_str_has_prefix(value, start))
				return add_value(out, security[i].key, KEY_VALUE, value + length);
		} else if (strcmp(value, start) == 0) {
			unit_file_set(out->unit, SECTION, security[i].key, "yes");
			return true;
		}
	}
	return false;
}

/* Labels that are more than that. Return: is it written? */
static bool add_label(Writing *out, const char *value)
{
	if (g_str_has_prefix(value, UNIT_LABEL "="))
		return true;
	return g_str_has_prefix(value, UPDATE_LABEL "=") &&
	       add_value(out, "AutoUpdate", KEY_VALUE, value + strlen(UPDATE_LABEL "="));
}

static bool add_notify(Writing *out, const char *value)
{
	bool container = strcmp(value, "container") == 0, healthy = strcmp(value, "healthy") == 0;
	if (container || healthy)
		unit_file_set(out->unit, SECTION, "Notify", container ? "yes" : "healthy");
	return container || healthy || strcmp(value, "conmon") == 0;
}

/* Write one option as the key of its own. Return: false if it has none, or would not survive. */
static bool add_key(Writing *out, const char *name, const char *value)
{
	if (strcmp(name, "security-opt") == 0)
		return add_security(out, value);
	if (strcmp(name, "sdnotify") == 0)
		return add_notify(out, value);
	if (strcmp(name, "cgroups") == 0) /* split is what the unit says by itself */
		return strcmp(value, "split") == 0 ||
		       add_value(out, "CgroupsMode", KEY_VALUE, value);
	if (strcmp(name, "label") == 0 && add_label(out, value))
		return true;
	if (is_reference(value))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		if (strcmp(calls[i].option, name) == 0)
			return add_value(out, calls[i].key, calls[i].kind, value);
	for (const QuadletKey *key = quadlet_container.keys; key->name; key++)
		if (key->option && g_str_has_prefix(key->option, "--") &&
		    strcmp(key->option + 2, name) == 0)
			return add_value(out, key->name, key->kind, value);
	return false;
}

/* Files that were named relative to a directory which is not known. */
static bool check_paths(const RunWord *word, GError **error)
{
	const char *name = word->option->name;
	bool file = strcmp(name, "env-file") == 0 || strcmp(name, "label-file") == 0;
	return !file || *word->value == '/' ||
	       error_set(error, ENGINE_ERROR_UNSUPPORTED,
			 "nobody knows any more which file --%s=%s was: make the container with "
			 "an absolute path",
			 name, word->value);
}

static bool add_options(Writing *out, const RunCommand *command, GError **error)
{
	for (guint i = 0; i < command->words->len; i++) {
		const RunWord *word = command->words->pdata[i];
		const char *name = word->option->name;
		if (g_strv_contains(dropped, name) || strcmp(name, "rootfs") == 0)
			continue;
		if (!check_paths(word, error))
			return false;
		bool env = strcmp(name, "env") == 0;
		if (env && out->env && env_file_add(out->env, word->value))
			continue;
		if (env)
			env_file_warn(word->value);
		g_autofree char *volume =
			strcmp(name, "volume") == 0 ? absolute_volume(out, word->value) : NULL;
		if (!add_key(out, name, volume ? volume : word->value))
			g_ptr_array_add(out->rest, run_word_format(word));
	}
	return true;
}

/* --restart as systemd says it: one that was stopped by hand is started at boot again by the
 * unit's own state. */
static void add_restart(UnitFile *unit, const char *policy)
{
	if (policy && g_str_has_prefix(policy, "on-failure"))
		unit_file_add(unit, "Service", "Restart", "on-failure");
	else if (policy && (strcmp(policy, "always") == 0 || strcmp(policy, "unless-stopped") == 0))
		unit_file_add(unit, "Service", "Restart", "always");
}

/* The file's text; NULL with @error. @env as in Writing. */
static char *write_unit(Container *ctr, const RunCommand *command, GString *env, GError **error)
{
	const ContainerSummary *summary = container_summary(ctr);
	const ContainerSpec *spec = container_spec(ctr, error);
	g_autoptr(UnitFile) unit = unit_file_new();
	g_autoptr(GPtrArray) rest = g_ptr_array_new_with_free_func(g_free);
	Writing out = {.unit = unit, .rest = rest, .env = env, .spec = spec};
	if (!spec)
		return NULL;
	g_autofree char *description = g_strdup_printf("Container %s", summary->name);
	g_autofree char *image = unit_words_literal(command->args[0]);
	unit_file_add(unit, "Unit", "Description", description);
	unit_file_add(unit, SECTION, spec->rootfs ? "Rootfs" : "Image", image);
	unit_file_add(unit, SECTION, "ContainerName", summary->name);
	if (!add_options(&out, command, error))
		return NULL;
	g_autofree char *env_file = g_strconcat(summary->name, ".env", NULL);
	if (env && env->len > 0)
		add_word(&out, "EnvironmentFile", env_file);
	for (guint i = 0; i < rest->len; i++)
		add_word(&out, "PodmanArgs", rest->pdata[i]);
	for (guint i = 0; i < command->globals->len; i++)
		add_word(&out, "GlobalArgs", command->globals->pdata[i]);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	for (char **arg = command->args + 1; *arg; arg++)
		g_ptr_array_add(words, unit_words_literal(*arg));
	g_autofree char *exec = unit_words_join(words);
	if (words->len > 0)
		unit_file_add(unit, SECTION, "Exec", exec);
	add_restart(unit, run_command_find(command, "restart"));
	unit_file_add(unit, "Install", "WantedBy", "default.target");
	return unit_file_format(unit);
}

static char *generate(Engine *engine, const char *name, char **out_name, GString *env,
		      GError **error)
{
	g_autoptr(Container) ctr = container_resolve(engine, name, error);
	const ContainerSpec *spec = ctr ? container_spec(ctr, error) : NULL;
	g_auto(RunCommand) command = {0};
	if (!spec)
		return NULL;
	if (!run_command_parse(spec->create_command, &command, error)) {
		g_prefix_error(error, "cannot write a unit for container %s: ",
			       container_summary(ctr)->name);
		if (g_hash_table_contains(container_summary(ctr)->labels, COMPOSE_LABEL))
			error_add_help(error, "it is a compose project's: skiff quadlet generate "
					      "COMPOSE-FILE");
		return NULL;
	}
	*out_name = g_strdup(container_summary(ctr)->name);
	return write_unit(ctr, &command, env, error);
}

static bool put_env(const char *name, const GString *env, GError **error)
{
	g_autofree char *file = g_strconcat(name, ".env", NULL);
	g_autofree char *path = g_canonicalize_filename(file, NULL);
	if (env->len == 0)
		return true;
	if (!env_file_write(path, env, error))
		return false;
	output_text(path);
	return true;
}

static bool put_file(const char *name, const char *text, GError **error)
{
	g_autofree char *file = g_strconcat(name, ".container", NULL);
	g_autofree char *path = g_canonicalize_filename(file, NULL);
	autofd fd =
		openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || !fd_write_all(fd, text, strlen(text)))
		return error_set_errno(error, "cannot write '%s'", path);
	output_text(path);
	return true;
}

/* A name of a container never ends like this: it may have dots, but is no file here. */
static bool is_compose_file(const char *name)
{
	return (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml")) &&
	       g_file_test(name, G_FILE_TEST_IS_REGULAR);
}

/* compose knows compose files. */
static int generate_stack(const Invocation *inv, const GenerateOptions *opts)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	for (size_t i = 0; i < command_n_args(inv); i++) {
		g_ptr_array_add(words, (char *)"-f");
		g_ptr_array_add(words, (char *)command_arg(inv, i));
	}
	g_ptr_array_add(words, (char *)"systemd");
	if (opts->files) {
		g_ptr_array_add(words, (char *)"-o");
		g_ptr_array_add(words, (char *)".");
	}
	g_ptr_array_add(words, NULL);
	return compose_exec(inv, (const char *const *)words->pdata);
}

static int cmd_quadlet_generate(Invocation *inv)
{
	GenerateOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (is_compose_file(command_arg(inv, 0)))
		return generate_stack(inv, &opts);
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	for (size_t i = 0; engine && i < command_n_args(inv); i++) {
		g_autofree char *name = NULL;
		g_autoptr(GString) env = g_string_new(NULL);
		g_autofree char *text = generate(engine, command_arg(inv, i), &name,
						 opts.files ? env : NULL, &error);
		if (!text ||
		    (opts.files && (!put_env(name, env, &error) || !put_file(name, text, &error))))
			break;
		if (!opts.files)
			output_printf("%s# %s.container\n%s", i > 0 ? "\n" : "", name, text);
	}
	return error ? command_fail(error) : 0;
}

const Command quadlet_generate_command = {
	.paths = (const char *const[]){"quadlet generate", NULL},
	.usage = "[options] CONTAINER|COMPOSE-FILE [...]",
	.summary = "Write a quadlet file for a container that was made by hand, or a stack",
	.description = "Turns the command line that a container was made with into a .container "
		       "file: its unit makes the same container again. With --files variables go "
		       "to a file "
		       "that only its owner may read: everybody may read a unit. Of a compose file "
		       "(.yaml or "
		       ".yml) all files of the stack are made, as by \"skiff compose systemd\".",
	.examples = (const char *const[]){"skiff quadlet generate web",
					  "skiff quadlet generate --files web && skiff quadlet "
					  "install web.*",
					  NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_CONTAINER,
	.more_args = COMMAND_ARG_CONTAINER,
	.run = cmd_quadlet_generate,
};
