/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a crash leaves: a secret is made in a stage and renamed into its place, or changes places
 * with the one it replaces, so at any time the name leads to one whole secret or to none.
 */
#include "libpod/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"
#include "libpod/base/suggest.h"
#include "libpod/base/units.h"
#include "libpod/events.h"
#include "libpod/name.h"
#include "libpod/rootless.h"
#include "storage/digest.h"

#define SECRET_VERSION  1
#define MAX_RECORD_SIZE (1024 * 1024)
#define ID_LENGTH       25
#define SECRET_NAME_MAX 253

static int secrets_dir(Engine *engine)
{
	return store_dir(engine_store(engine), "secrets");
}

void secret_free(Secret *secret)
{
	if (!secret)
		return;
	g_free(secret->id);
	g_free(secret->name);
	g_free(secret->digest);
	g_clear_pointer(&secret->labels, g_hash_table_unref);
	g_clear_pointer(&secret->options, g_hash_table_unref);
	g_free(secret);
}

void secret_wipe(char *data, size_t size)
{
	if (data)
		explicit_bzero(data, size);
	g_free(data);
}

char *secret_copy(GBytes *bytes, size_t *out_size)
{
	const void *data = g_bytes_get_data(bytes, out_size);
	char *copy = g_malloc0(*out_size + 1);
	if (*out_size)
		memcpy(copy, data, *out_size);
	return copy;
}

bool secret_check_name(const char *name, GError **error)
{
	size_t length = strlen(name);
	if (length > 0 && length <= SECRET_NAME_MAX && !strpbrk(name, "=/,") &&
	    path_name_is_safe(name) && g_utf8_validate(name, -1, NULL))
		return true;
	return error_set(
		error, ENGINE_ERROR_INVALID,
		"secret name \"%s\" can not include '=', '/', ',', or the NULL ('\\0') and "
		"be between 1 and 253 characters: invalid secret name",
		name);
}

static Json *to_json(const Secret *secret)
{
	Json *json = json_object_new_object();
	js_set_int(json, "version", SECRET_VERSION);
	js_set_string(json, "id", secret->id);
	js_set_int(json, "created", secret->created);
	js_set_int(json, "updated", secret->updated);
	js_set_string(json, "digest", secret->digest);
	js_set_take(json, "labels", js_from_string_map(secret->labels));
	js_set_take(json, "options", js_from_string_map(secret->options));
	return json;
}

/* The secret of exactly this name. NULL without an error if there is none. */
static Secret *load(Engine *engine, const char *name, GError **error)
{
	if (!path_name_is_safe(name))
		return NULL;
	g_autofree char *path = g_build_filename(name, "secret.json", NULL);
	g_autoptr(GError) failed = NULL;
	g_autoptr(Json) json = js_load(secrets_dir(engine), path, MAX_RECORD_SIZE, &failed);
	g_autoptr(Secret) secret = g_new0(Secret, 1);
	int64_t version = 0;
	if (!json && error_matches(failed, ENGINE_ERROR_NOT_FOUND))
		return NULL;
	secret->name = g_strdup(name);
	if (json && js_get_int(json, "version", 0, G_MAXINT32, &version, &failed) &&
	    js_dup_string(json, "id", &secret->id, &failed) &&
	    js_get_int(json, "created", 0, G_MAXINT64, &secret->created, &failed) &&
	    js_get_int(json, "updated", 0, G_MAXINT64, &secret->updated, &failed) &&
	    js_get_string_map(json, "labels", &secret->labels, &failed) &&
	    js_get_string_map(json, "options", &secret->options, &failed) &&
	    js_dup_string(json, "digest", &secret->digest, &failed) &&
	    (version == SECRET_VERSION && secret->id))
		return g_steal_pointer(&secret);
	return error_set_null(error, ENGINE_ERROR_CORRUPT, "secret %s: %s", name,
			      failed ? failed->message : "an unknown version or no id");
}

/* Write the secret into a stage. */
static bool stage_secret(const StoreStage *stage, const Secret *secret, const SecretCreate *options,
			 GError **error)
{
	static const char *const names[] = {"data", NULL};
	autofd made = path_mkdirs_state(store_stage_fd(stage), "secret");
	autofd dir = made < 0 ? -1
			      : path_open_state(store_stage_fd(stage), "secret",
						O_RDONLY | O_DIRECTORY, 0);
	autofd data =
		dir < 0 ? -1 : path_open_state(dir, "data", O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (data < 0 || fchmod(dir, 0700) < 0 || fchmod(data, 0600) < 0 ||
	    !fd_write_all(data, options->data, options->size))
		return error_set_errno(error, "error creating secret %s", secret->name);
	g_autoptr(Json) json = to_json(secret);
	return records_sync(dir, names, error) &&
	       js_save(dir, "secret.json", json, RECORD_SYNC_FULL, error);
}

/* Move it to its place; with @replace it changes places with the old one, which goes with the
 * stage. */
static bool publish(Engine *engine, StoreStage *stage, const Secret *secret, bool replace,
		    GError **error)
{
	int dir = secrets_dir(engine), from = store_stage_fd(stage);
	if (renameat2(from, "secret", dir, secret->name, RENAME_NOREPLACE) < 0) {
		if (errno != EEXIST)
			return error_set_errno(error, "error creating secret %s", secret->name);
		if (!replace)
			return error_set(error, ENGINE_ERROR_EXISTS, "%s: secret name in use",
					 secret->name);
		if (renameat2(from, "secret", dir, secret->name, RENAME_EXCHANGE) < 0)
			return error_set_errno(error, "error creating secret %s", secret->name);
	}
	return fsync(dir) == 0 || error_set_errno(error, "cannot sync the secrets' directory");
}

static GHashTable *map_or_empty(GHashTable *map)
{
	return map ? g_hash_table_ref(map)
		   : g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static Secret *new_secret(const SecretCreate *options, const Secret *old)
{
	Secret *secret = g_new0(Secret, 1);
	g_autofree char *id = name_new_id();
	secret->id = g_strndup(id, ID_LENGTH);
	secret->name = g_strdup(options->name);
	secret->digest = digest_of(options->data, options->size);
	secret->updated = units_now();
	secret->created = old ? old->created : secret->updated;
	secret->labels = map_or_empty(options->labels);
	secret->options = map_or_empty(options->options);
	return secret;
}

Secret *secret_create(Engine *engine, const SecretCreate *options, GError **error)
{
	GError *failed = NULL;
	if (!secret_check_name(options->name, error))
		return NULL;
	if (options->size == 0 || options->size >= SECRET_SIZE_MAX)
		return error_set_null(error, ENGINE_ERROR_INVALID, SECRET_SIZE_PROBLEM);
	g_autoptr(Secret) old = load(engine, options->name, &failed);
	/* A broken one may be replaced. */
	if (failed && !options->replace) {
		g_propagate_error(error, failed);
		return NULL;
	}
	g_clear_error(&failed);
	if (old && options->ignore)
		return g_steal_pointer(&old);
	g_autoptr(Secret) secret = new_secret(options, options->replace ? old : NULL);
	g_autoptr(StoreStage) stage = store_stage_new(engine_store(engine), error);
	if (!stage || !stage_secret(stage, secret, options, error) ||
	    !publish(engine, stage, secret, options->replace, error))
		return NULL;
	event_secret(engine, "create", secret->id, secret->name);
	return g_steal_pointer(&secret);
}

GPtrArray *secrets_list(Engine *engine, GError **error)
{
	g_auto(GStrv) names = record_list(secrets_dir(engine), error);
	if (!names)
		return NULL;
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)secret_free);
	for (size_t i = 0; names[i]; i++) {
		g_autoptr(GError) broken = NULL;
		Secret *secret = load(engine, names[i], &broken);
		if (secret)
			g_ptr_array_add(list, secret);
		else if (broken)
			log_warn("%s", broken->message);
	}
	return list;
}

/* The one whose id begins with @prefix. NULL without an error if there is none. */
static Secret *find_id(Engine *engine, const char *prefix, GError **error)
{
	g_autoptr(GPtrArray) list = secrets_list(engine, error);
	g_autoptr(Secret) found = NULL;
	for (guint i = list ? list->len : 0; *prefix && i > 0; i--) {
		Secret *secret = g_ptr_array_index(list, i - 1);
		if (!g_str_has_prefix(secret->id, prefix))
			continue;
		if (found)
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "more than one result secret with prefix %s: secret "
					      "is ambiguous",
					      prefix);
		found = g_ptr_array_steal_index(list, i - 1);
	}
	return g_steal_pointer(&found);
}

Secret *secret_resolve(Engine *engine, const char *name, GError **error)
{
	GError *failed = NULL;
	Secret *secret = load(engine, name, &failed);
	if (!secret && !failed)
		secret = find_id(engine, name, &failed);
	if (!secret && !failed) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "no secret with name or id \"%s\": no such secret", name);
		g_auto(GStrv) names = record_list(secrets_dir(engine), NULL);
		g_autofree char *all = g_strdup_printf(
			"skiff secret ls shows all; skiff secret create %s FILE", name);
		suggest_add_near(name, names, all, error);
		return NULL;
	}
	if (failed)
		g_propagate_error(error, failed);
	return secret;
}

char *secret_read(Engine *engine, const Secret *secret, size_t *out_size, GError **error)
{
	g_autofree char *path = g_build_filename(secret->name, "data", NULL);
	autofd fd = path_open_state(secrets_dir(engine), path, O_RDONLY, 0);
	if (fd < 0)
		return error_set_errno_null(error, "cannot read secret %s", secret->name);
	return fd_read_all(fd, SECRET_SIZE_MAX, out_size, error);
}

bool secret_restore(Engine *engine, const char *name, GError **error)
{
	size_t size = 0;
	const Secret known = {.name = (char *)name};
	char *data = secret_read(engine, &known, &size, error);
	if (!data)
		return false;
	const SecretCreate options = {.name = name, .data = data, .size = size};
	g_autoptr(Secret) secret = new_secret(&options, NULL);
	secret_wipe(data, size);
	g_autoptr(Json) json = to_json(secret);
	autofd dir = path_open_state(secrets_dir(engine), name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return error_set_errno(error, "cannot open secret %s", name);
	return js_save(dir, "secret.json", json, RECORD_SYNC_FULL, error);
}

bool secret_remove(Engine *engine, const Secret *secret, GError **error)
{
	/* Synced before it is told: a secret must not come back when the power has gone. */
	if (!store_trash(engine_store(engine), "secrets", secret->name, error))
		return false;
	if (fsync(secrets_dir(engine)) < 0)
		return error_set_errno(error, "cannot sync the secrets' directory");
	event_secret(engine, "remove", secret->id, secret->name);
	return rootless_empty_trash(engine, error);
}

static void set_time(Json *json, const char *key, int64_t ns)
{
	g_autofree char *text = units_format_rfc3339(ns, false);
	js_set_string(json, key, text);
}

Json *secret_inspect(Engine *engine, const Secret *secret, bool show, GError **error)
{
	g_autofree char *path = g_build_filename(store_path(engine_store(engine)), "secrets", NULL);
	Json *options = js_from_string_map(secret->options), *driver = json_object_new_object();
	Json *spec = json_object_new_object();
	g_autoptr(Json) json = json_object_new_object();
	js_set_string(json, "ID", secret->id);
	set_time(json, "CreatedAt", secret->created);
	set_time(json, "UpdatedAt", secret->updated);
	js_set_string(options, "path", path);
	js_set_string(driver, "Name", "file");
	js_set_take(driver, "Options", options);
	js_set_string(spec, "Name", secret->name);
	js_set_take(spec, "Driver", driver);
	js_set_take(spec, "Labels", js_from_string_map(secret->labels));
	js_set_take(json, "Spec", spec);
	if (!show)
		return g_steal_pointer(&json);
	size_t size = 0;
	char *data = secret_read(engine, secret, &size, error);
	if (!data)
		return NULL;
	js_set_take(json, "SecretData", json_object_new_string_len(data, (int)size));
	secret_wipe(data, size);
	return g_steal_pointer(&json);
}
