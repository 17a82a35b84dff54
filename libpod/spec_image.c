/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container takes from its image, and what the command line says instead.
 *
 * Every value of an image is hostile: none is looked up on the host, none chooses a path, user or
 * device outside the container (security 1.5, CVE-2026-57231).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/runtime/privileges.h"
#include "libpod/signals.h"
#include "libpod/spec_priv.h"
#include "libpod/systemd_mode.h"
#include "network/portmap.h"
#include "storage/reference.h"

/* The name of @image that was meant by what was typed; its first one if it was an id. */
static char *choose_image_name(const Image *image, const char *typed)
{
	g_autoptr(Reference) reference = typed ? reference_parse(typed, NULL) : NULL;
	if (reference) {
		g_autoptr(Reference) full = reference_normalize(reference);
		g_autofree char *hub = reference_format(full);
		g_autofree char *local =
			g_strdup_printf("localhost/%s:%s", reference->repository,
					reference->tag ? reference->tag : "latest");
		const char *const *names = (const char *const *)image->names;
		if (reference_is_short(reference) && g_strv_contains(names, local))
			return g_steal_pointer(&local);
		if (g_strv_contains(names, hub))
			return g_steal_pointer(&hub);
	}
	return g_strdup(image->names[0] ? image->names[0] : image->id);
}

static void take_identity(ContainerSpec *spec, const Image *image)
{
	g_free(spec->image_id);
	g_free(spec->image_name);
	spec->image_id = g_strdup(image->id);
	spec->image_name = choose_image_name(image, spec->image);

	GHashTableIter iter;
	const char *key, *value;
	g_hash_table_iter_init(&iter, image->config->labels);
	while (g_hash_table_iter_next(&iter, (void **)&key, (void **)&value))
		if (!g_hash_table_contains(spec->labels, key))
			g_hash_table_insert(spec->labels, g_strdup(key), g_strdup(value));
}

static void append_words(GPtrArray *words, char **more)
{
	for (char **word = more; word && *word; word++)
		g_ptr_array_add(words, g_strdup(*word));
}

/* Docker's rule: an entrypoint of the user's drops the image's command too. */
static bool resolve_args(ContainerSpec *spec, const ImageConfig *config, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	append_words(words, spec->entrypoint_set ? spec->entrypoint
			    : config             ? config->entrypoint
						 : NULL);
	if (spec->command)
		append_words(words, spec->command);
	else if (!spec->entrypoint_set && config)
		append_words(words, config->cmd);
	if (words->len == 0 && !spec->infra)
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
	g_ptr_array_add(words, NULL);
	g_strfreev(spec->args);
	spec->args = (char **)g_ptr_array_steal(words, NULL);
	return true;
}

/* An environment under construction: later values of a name replace earlier ones in their place. */
typedef struct {
	GPtrArray *list;      /* "NAME=VALUE" */
	GHashTable *position; /* name to place in the list */
} Environment;

static void env_set(Environment *env, char *assignment)
{
	char *name = g_strndup(assignment, strcspn(assignment, "="));
	void *place = NULL;
	if (g_hash_table_lookup_extended(env->position, name, NULL, &place)) {
		g_free(env->list->pdata[GPOINTER_TO_UINT(place)]);
		env->list->pdata[GPOINTER_TO_UINT(place)] = assignment;
		g_free(name);
		return;
	}
	g_hash_table_insert(env->position, name, GUINT_TO_POINTER(env->list->len));
	g_ptr_array_add(env->list, assignment);
}

/* A variable of our environment; one that no record can hold is left out with a word. */
static const char *host_value(const char *name)
{
	const char *value = getenv(name);
	if (!value || g_utf8_validate(value, -1, NULL))
		return value;
	log_warn("variable %s is not passed on: its value is not valid UTF-8", name);
	return NULL;
}

/* Behind a proxy nothing in a container works without these; an image's own values count more. */
static void add_proxy_variables(Environment *env)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
					    "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = host_value(names[i]);
		if (value)
			env_set(env, g_strdup_printf("%s=%s", names[i], value));
	}
}

/* All of ours whose names begin with @prefix. */
static void add_host_variables(Environment *env, const char *prefix)
{
	g_auto(GStrv) names = g_listenv();
	for (char **name = names; *name; name++) {
		const char *value = g_str_has_prefix(*name, prefix) ? host_value(*name) : NULL;
		if (value)
			env_set(env, g_strdup_printf("%s=%s", *name, value));
	}
}

static const char *env_get(const Environment *env, const char *name)
{
	void *place = NULL;
	if (!g_hash_table_lookup_extended(env->position, name, NULL, &place))
		return "";
	return (const char *)env->list->pdata[GPOINTER_TO_UINT(place)] + strlen(name) + 1;
}

/* $NAME and ${NAME} of @text from what is there already; what is not there is empty. */
static char *expand(const Environment *env, const char *text)
{
	GString *out = g_string_new(NULL);
	while (*text) {
		bool braced = text[0] == '$' && text[1] == '{';
		const char *name = text + (braced ? 2 : 1);
		size_t size = 0;
		while (*text == '$' && (g_ascii_isalnum(name[size]) || name[size] == '_'))
			size++;
		if (size == 0 || (braced && name[size] != '}')) {
			g_string_append_c(out, *text++);
			continue;
		}
		g_autofree char *key = g_strndup(name, size);
		g_string_append(out, env_get(env, key));
		text = name + size + (braced ? 1 : 0);
	}
	return g_string_free(out, FALSE);
}

static void merge_variables(Environment *env, char **merges)
{
	for (char **item = merges; item && *item; item++) {
		const char *equals = strchr(*item, '=');
		g_autofree char *value = expand(env, equals + 1);
		env_set(env, g_strdup_printf("%.*s=%s", (int)(equals - *item), *item, value));
	}
}

/* --unsetenv: the defaults and the image's, before anything of the user's is added. */
static void unset_variables(Environment *env, const ContainerSpec *spec)
{
	const char *const *names = (const char *const *)spec->unset_env;
	g_autoptr(GPtrArray) kept = g_ptr_array_new();
	for (guint i = 0; i < env->list->len; i++) {
		char *item = env->list->pdata[i];
		g_autofree char *name = g_strndup(item, strcspn(item, "="));
		if (spec->unset_env_all || (names && g_strv_contains(names, name)))
			g_free(item);
		else
			g_ptr_array_add(kept, item);
	}
	g_ptr_array_set_size(env->list, 0);
	g_hash_table_remove_all(env->position);
	for (guint i = 0; i < kept->len; i++)
		env_set(env, kept->pdata[i]);
}

/* What was typed: NAME=VALUE, NAME or PREFIX*. */
static void add_asked_variables(Environment *env, const GPtrArray *asked)
{
	for (guint i = 0; i < asked->len; i++) {
		const char *item = asked->pdata[i];
		size_t length = strlen(item);
		g_autofree char *prefix = g_strndup(item, length - 1);
		const char *ours = strchr(item, '=') ? NULL : host_value(item);
		if (strchr(item, '='))
			env_set(env, g_strdup(item));
		else if (item[length - 1] == '*')
			add_host_variables(env, prefix);
		else if (ours)
			env_set(env, g_strdup_printf("%s=%s", item, ours));
	}
}

/* Defaults, then the image's, then the user's; an image's names are never looked up in ours. */
static void resolve_env(ContainerSpec *spec, const ImageConfig *config)
{
	g_autoptr(GHashTable) position =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Environment env = {g_ptr_array_new(), position};
	env_set(&env, g_strdup("PATH=" SPEC_DEFAULT_PATH));
	env_set(&env, g_strdup("container=skiff"));
	if (spec->tty)
		env_set(&env, g_strdup("TERM=xterm"));
	if (spec->http_proxy)
		add_proxy_variables(&env);
	for (char **item = spec->env_defaults; item && *item; item++)
		env_set(&env, g_strdup(*item));
	for (char **item = config ? config->env : NULL; item && *item; item++)
		if (strchr(*item, '='))
			env_set(&env, g_strdup(*item));
	merge_variables(&env, spec->env_merge);
	if (spec->unset_env || spec->unset_env_all)
		unset_variables(&env, spec);
	if (spec->env_host)
		add_host_variables(&env, "");
	add_asked_variables(&env, spec->env_asked);
	g_ptr_array_add(env.list, NULL);
	g_strfreev(spec->env);
	spec->env = (char **)g_ptr_array_free(env.list, FALSE);
}

/* Working directory, user and stop signal, where the command line says nothing. */
static bool resolve_process(ContainerSpec *spec, const ImageConfig *config, GError **error)
{
	const char *workdir = spec->workdir ? spec->workdir : config ? config->working_dir : NULL;
	g_autofree char *clean = path_clean(workdir && *workdir ? workdir : "/");
	if (workdir && *workdir != '\0' && *workdir != '/')
		return error_set(
			error, ENGINE_ERROR_INVALID,
			"the working directory \"%s\" is invalid, it needs to be an absolute path",
			workdir);
	/* The image's own may be missing and is made then; one that was typed must be there, unless
	 * a compose file says it. */
	spec->workdir_created =
		(spec->workdir_created || !spec->workdir) && strcmp(clean, "/") != 0;
	g_free(spec->workdir);
	spec->workdir = g_steal_pointer(&clean);

	bool keeps_id = spec->userns == SPEC_USERNS_KEEP_ID;
	if (!spec->user && !keeps_id && config && config->user && *config->user) {
		if (!privileges_check_user_spec(config->user, error)) {
			g_prefix_error(error, "the image's user: ");
			return false;
		}
		spec->user = g_strdup(config->user);
	}

	if (spec->stop_signal == 0 && config && config->stop_signal && *config->stop_signal &&
	    !signals_parse(config->stop_signal, &spec->stop_signal, error)) {
		g_prefix_error(error, "the image's stop signal: ");
		return false;
	}
	systemd_mode_resolve(spec);
	if (spec->stop_signal == 0)
		spec->stop_signal = SIGTERM;
	return true;
}

static bool has_mount(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++)
		if (strcmp(((const SpecMount *)spec->mounts->pdata[i])->destination, destination) ==
		    0)
			return true;
	return false;
}

/* A VOLUME of the image is an anonymous volume, unless something is mounted there already. */
static bool add_image_volumes(ContainerSpec *spec, const ImageConfig *config, GError **error)
{
	SpecMountKind kind = spec->image_volume == SPEC_IMAGE_VOLUME_TMPFS ? SPEC_MOUNT_TMPFS
									   : SPEC_MOUNT_VOLUME;
	if (spec->image_volume == SPEC_IMAGE_VOLUME_IGNORE)
		return true;
	for (char **path = config->volumes; *path; path++) {
		SpecMount *mount = spec_mount_new(kind, NULL, NULL);
		mount->from_image = true;
		if (!spec_mount_set_destination(mount, *path, error)) {
			spec_mount_free(mount);
			g_prefix_error(error, "the image's volume: ");
			return false;
		}
		if (has_mount(spec, mount->destination))
			spec_mount_free(mount);
		else
			g_ptr_array_add(spec->mounts, mount);
	}
	return true;
}

static void add_read_only_tmpfs(ContainerSpec *spec)
{
	static const char *const places[] = {"/run", "/tmp", "/var/tmp"};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (!has_mount(spec, places[i]))
			g_ptr_array_add(spec->mounts,
					spec_mount_new(SPEC_MOUNT_TMPFS, NULL, places[i]));
}

static bool lists_option(char **options, const char *a, const char *b)
{
	const char *const *list = (const char *const *)options;
	return g_strv_contains(list, a) || g_strv_contains(list, b);
}

/* A tmpfs gets no setuid programs and no devices unless they are asked for, as podman has it. */
static void complete_tmpfs_options(ContainerSpec *spec)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		SpecMount *mount = spec->mounts->pdata[i];
		if (mount->kind != SPEC_MOUNT_TMPFS)
			continue;
		if (!lists_option(mount->options, "suid", "nosuid"))
			spec_strv_append(&mount->options, "nosuid");
		if (!lists_option(mount->options, "dev", "nodev"))
			spec_strv_append(&mount->options, "nodev");
	}
}

/* "80" is "80/tcp"; the image's ports and --expose, each once. */
static void resolve_exposed(ContainerSpec *spec, const ImageConfig *config)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) ports = g_ptr_array_new_with_free_func(g_free);
	char **const lists[] = {config ? config->exposed_ports : NULL, spec->exposed};
	for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
		for (char **port = lists[l]; port && *port; port++) {
			char *full = strchr(*port, '/') ? g_strdup(*port)
							: g_strconcat(*port, "/tcp", NULL);
			if (g_hash_table_add(seen, full))
				g_ptr_array_add(ports, g_strdup(full));
		}
	}
	g_strfreev(spec->exposed);
	spec->exposed = NULL;
	if (ports->len == 0)
		return;
	g_ptr_array_add(ports, NULL);
	spec->exposed = (char **)g_ptr_array_steal(ports, NULL);
}

bool spec_resolve_image(ContainerSpec *spec, const Image *image, GError **error)
{
	const ImageConfig *config = image ? image->config : NULL;
	if (image)
		take_identity(spec, image);
	if (!resolve_args(spec, config, error) || !resolve_process(spec, config, error) ||
	    (config && !add_image_volumes(spec, config, error)))
		return false;
	resolve_env(spec, config);
	if (spec->read_only && spec->read_only_tmpfs)
		add_read_only_tmpfs(spec);
	complete_tmpfs_options(spec);
	resolve_exposed(spec, config);
	return true;
}
