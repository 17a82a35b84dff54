/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of a build: what --secret says, and what RUN --mount=type=secret gets of it.
 */
#include <fcntl.h>
#include <string.h>

#include "build/solver_step.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/secret.h"

void run_step_wipe_bytes(void *data)
{
	gsize size = 0;
	char *secret = g_bytes_unref_to_data(data, &size);
	secret_wipe(secret, size);
}
void build_secret_free(void *data)
{
	BuildSecret *secret = data;
	if (!secret)
		return;
	g_free(secret->id);
	g_free(secret->file);
	g_free(secret->env);
	g_free(secret);
}

/* One "key=value" of --secret. */
static bool set_secret_key(BuildSecret *secret, const char *part, const char **type, GError **error)
{
	const char *value = strchr(part, '=');
	size_t size = value ? (size_t)(value - part) : 0;
	char **field = NULL;
	if (size == 2 && strncmp(part, "id", size) == 0)
		field = &secret->id;
	if (size == 3 && (strncmp(part, "src", size) == 0 || strncmp(part, "env", size) == 0))
		field = part[0] == 's' ? &secret->file : &secret->env;
	if (size == 6 && strncmp(part, "source", size) == 0)
		field = &secret->file;
	if (size == 4 && strncmp(part, "type", size) == 0) {
		*type = value + 1;
		return strcmp(*type, "file") == 0 || strcmp(*type, "env") == 0 ||
		       error_set(error, ENGINE_ERROR_INVALID, "invalid secret type: \"%s\"", *type);
	}
	if (!field || !value[1])
		return error_set(error, ENGINE_ERROR_INVALID,
				 "incorrect secret flag format: should be --secret "
				 "id=foo,src=bar[,env=ENV][,type=file|env]");
	g_free(*field);
	*field = g_strdup(value + 1);
	return true;
}

BuildSecret *build_secret_parse(const char *text, GError **error)
{
	BuildSecret *secret = g_new0(BuildSecret, 1);
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	const char *type = NULL;
	bool ok = true;
	for (char **part = parts; ok && *part; part++)
		ok = set_secret_key(secret, *part, &type, error);
	if (ok && !secret->id)
		ok = error_set(error, ENGINE_ERROR_INVALID,
			       "incorrect secret flag format: should be --secret "
			       "id=foo,src=bar[,env=ENV][,type=file|env]");
	if (ok && type && strcmp(type, "env") == 0 && secret->file && !secret->env)
		secret->env = g_steal_pointer(&secret->file);
	/* As in docker: a variable of that name, else a file of it. */
	if (ok && !secret->file && !secret->env) {
		bool is_env = g_getenv(secret->id) && g_strcmp0(type, "file") != 0;
		*(is_env ? &secret->env : &secret->file) = g_strdup(secret->id);
	}
	if (ok)
		return secret;
	build_secret_free(secret);
	return NULL;
}

static const BuildSecret *find_secret(const Build *build, const char *id)
{
	const GPtrArray *all = build->options->secrets;
	for (guint i = 0; all && i < all->len; i++)
		if (strcmp(((const BuildSecret *)all->pdata[i])->id, id) == 0)
			return all->pdata[i];
	return NULL;
}

static GBytes *read_secret(const BuildSecret *secret, GError **error)
{
	size_t size = 0;
	if (secret->env) {
		const char *value = g_getenv(secret->env);
		if (!value)
			return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
					      "secret %s: no variable %s", secret->id, secret->env);
		return g_bytes_new(value, strlen(value));
	}
	/* lint: allow open: the user's own file */
	autofd fd = open(secret->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_set_errno_null(error, "secret %s: open %s", secret->id, secret->file);
	char *data = fd_read_all(fd, SECRET_SIZE_MAX, &size, error);
	return data ? g_bytes_new_take(data, size) : NULL;
}

static SpecSecret *new_secret(RunStep *step, const RunMount *mount, const char *id, bool is_env)
{
	SpecSecret *secret = g_new0(SpecSecret, 1);
	secret->name = g_strdup(id);
	secret->given = true;
	secret->env = is_env;
	secret->uid = (uint32_t)MAX(mount->uid, 0);
	secret->gid = (uint32_t)MAX(mount->gid, 0);
	secret->mode = mount->mode < 0 ? 0400 : (uint32_t)mount->mode;
	g_ptr_array_add(step->spec->secrets, secret);
	return secret;
}

bool run_step_add_secret(StageRun *run, RunStep *step, const RunMount *mount, GError **error)
{
	g_autofree char *base = mount->target ? g_path_get_basename(mount->target) : NULL;
	const char *id = mount->id ? mount->id : mount->source ? mount->source : base;
	if (!id)
		return error_set(error, ENGINE_ERROR_INVALID, "a secret needs an id or a target");
	const BuildSecret *found = find_secret(run->build, id);
	if (!found)
		return !mount->required || error_set(error, ENGINE_ERROR_NOT_FOUND,
						     "secret required but no secret with id %s "
						     "found",
						     id);
	GBytes *bytes = read_secret(found, error);
	if (!bytes)
		return false;
	if (mount->env) {
		new_secret(step, mount, id, true)->target = g_strdup(mount->env);
		g_ptr_array_add(step->secrets, g_bytes_ref(bytes));
	}
	if (mount->target || !mount->env) {
		g_autofree char *target = mount->target
						  ? g_build_filename("/", mount->target, NULL)
						  : g_build_filename("/run/secrets", id, NULL);
		SpecSecret *secret = new_secret(step, mount, id, false);
		secret->target = path_clean(target);
		bool common = g_str_has_prefix(secret->target, "/run/secrets/");
		run_step_add_place(step, common ? "/run/secrets" : secret->target, common);
		g_ptr_array_add(step->secrets, g_bytes_ref(bytes));
	}
	run_step_wipe_bytes(bytes);
	return true;
}
