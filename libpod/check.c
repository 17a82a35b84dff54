/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check's frame: reports, single records, the version file.
 */
#include "libpod/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/path.h"
#include "libpod/base/seal.h"
#include "libpod/check_parts.h"
#include "storage/digest.h"

#define RECORD_MAX     (16u << 20)
#define BIT_SEARCH_MAX 8192 /* bytes whose every bit is tried against a sha256 */

void check_finding_free(CheckFinding *finding)
{
	if (!finding)
		return;
	g_free(finding->object);
	g_free(finding->problem);
	g_free(finding->result);
	g_free(finding);
}

void check_report(Check *check, char *object, char *problem, char *result, bool solved)
{
	CheckFinding *finding = g_new0(CheckFinding, 1);
	*finding = (CheckFinding){object, problem, result, solved};
	g_ptr_array_add(check->findings, finding);
}

bool check_entry_begin(Check *check, int dir, const char *name)
{
	check->before = check->findings->len;
	check->entry = (struct stat){0};
	check->moved = false;
	return fstatat(dir, name, &check->entry, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* Does the name still stand for what is looked at? If that cannot be told it does. */
static bool is_entry(const Check *check, int dir, const char *name)
{
	struct stat now;
	if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT;
	return !check->entry.st_ino ||
	       (now.st_ino == check->entry.st_ino && now.st_dev == check->entry.st_dev);
}

void check_entry_end(Check *check, int dir, const char *name)
{
	if (!check->moved && !is_entry(check, dir, name))
		g_ptr_array_set_size(check->findings, (gint)check->before);
}

bool check_entries(Check *check, const char *dir_name,
		   void (*look)(Check *check, int dir, const char *name), GError **error)
{
	int dir = store_dir(engine_store(check->engine), dir_name);
	g_auto(GStrv) names = record_list(dir, error);
	for (size_t i = 0; names && names[i]; i++) {
		if (!check_entry_begin(check, dir, names[i]))
			continue;
		look(check, dir, names[i]);
		check_entry_end(check, dir, names[i]);
	}
	return names != NULL;
}

/* Write a mended record back if that is asked for, and report. */
static RecordState write_back(Check *check, int dir_fd, const char *name, const char *text,
			      size_t size, const char *object, const char *problem)
{
	g_autoptr(GError) failed = NULL;
	bool repair = check->options->repair;
	bool done = repair && record_replace(dir_fd, name, text, size, RECORD_SYNC_FULL, &failed);
	check_report(check, g_strdup(object), g_strdup_printf("%s: %s", name, problem),
		     g_strdup(failed   ? failed->message
			      : repair ? "restored"
				       : "can be restored"),
		     done);
	return done || !repair ? RECORD_MENDED : RECORD_BROKEN;
}

/* An old record is as good as it was; with --repair it gets what others have. No damage. */
static void upgrade(Check *check, int dir_fd, const char *name, const char *text,
		    const char *object)
{
	g_autoptr(GError) failed = NULL;
	g_autofree char *sealed = seal_text(text);
	bool done = check->options->repair &&
		    record_replace(dir_fd, name, sealed, strlen(sealed), RECORD_SYNC_FULL, &failed);
	check_report(check, g_strdup(object), g_strdup_printf("%s: it has no checksum", name),
		     g_strdup(failed ? failed->message
			      : done ? "it has one now"
				     : "unchecked, --repair adds one"),
		     failed == NULL);
}

/* Is it what a record of this name holds, apart from its seal? */
static bool is_well_formed(const char *name, const char *text, size_t size)
{
	if (!g_str_has_suffix(name, ".json"))
		return g_utf8_validate(text, (gssize)size, NULL);
	g_autoptr(Json) json = js_parse(text, size, name, NULL);
	return json && json_object_is_type(json, json_type_object);
}

RecordState check_record(Check *check, int dir_fd, const char *name, const char *object)
{
	size_t size = 0;
	g_autoptr(GError) failed = NULL;
	g_autofree char *text = record_read(dir_fd, name, RECORD_MAX, &size, &failed);
	if (!text)
		return error_matches(failed, ENGINE_ERROR_NOT_FOUND) ? RECORD_ABSENT
								     : RECORD_BROKEN;
	if (seal_check(text, size, NULL) == SEAL_GOOD)
		return is_well_formed(name, text, size) ? RECORD_FINE : RECORD_BROKEN;
	if (seal_mend(text, size))
		return write_back(check, dir_fd, name, text, size, object, "a bit has flipped");
	bool sealed = seal_check(text, size, NULL) == SEAL_BROKEN;
	if (sealed || size == 0 || !is_well_formed(name, text, size) ||
	    (!g_str_has_suffix(name, ".json") && text[size - 1] != '\n'))
		return RECORD_BROKEN;
	upgrade(check, dir_fd, name, text, object);
	return RECORD_FINE;
}

RecordState check_digest(Check *check, int dir_fd, const char *name, const char *digest,
			 const char *object)
{
	size_t size = 0;
	g_autoptr(GError) failed = NULL;
	g_autofree char *text = record_read(dir_fd, name, RECORD_MAX, &size, &failed);
	if (!text)
		return error_matches(failed, ENGINE_ERROR_NOT_FOUND) ? RECORD_ABSENT
								     : RECORD_BROKEN;
	g_autofree char *actual = digest_of(text, size);
	if (strcmp(actual, digest) == 0)
		return RECORD_FINE;
	for (size_t bit = 0; size <= BIT_SEARCH_MAX && bit < size * 8; bit++) {
		text[bit / 8] ^= (char)(1 << bit % 8);
		g_autofree char *tried = digest_of(text, size);
		if (strcmp(tried, digest) == 0)
			return write_back(check, dir_fd, name, text, size, object,
					  "a bit has flipped");
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	return RECORD_BROKEN;
}

/* Move it out of sight, under a name that says what it was. */
static bool move_aside(Check *check, const char *dir, const char *name, char **out_place,
		       GError **error)
{
	Store *store = engine_store(check->engine);
	int damaged = store_dir(store, "damaged");
	for (unsigned n = 0; damaged >= 0; n++) {
		g_autofree char *place = n == 0 ? g_strdup_printf("%s-%s", dir, name)
						: g_strdup_printf("%s-%s.%u", dir, name, n);
		if (renameat2(store_dir(store, dir), name, damaged, place, RENAME_NOREPLACE) == 0) {
			*out_place = g_strdup_printf("moved to damaged/%s", place);
			return true;
		}
		if (errno != EEXIST)
			break;
	}
	return error_set_errno(error, "cannot move '%s/%s' aside", dir, name);
}

void check_set_aside(Check *check, const char *dir, const char *name, const char *object,
		     const char *problem)
{
	g_autoptr(GError) failed = NULL;
	char *result = NULL;
	bool done = false;
	if (!is_entry(check, store_dir(engine_store(check->engine), dir), name))
		return;
	if (!check->options->repair) {
		result = g_strdup("cannot be restored: --repair moves it to damaged/");
	} else if (check->options->force) {
		done = store_trash(engine_store(check->engine), dir, name, &failed);
		result = g_strdup("removed");
	} else {
		done = move_aside(check, dir, name, &result, &failed);
	}
	if (failed) {
		g_free(result);
		result = g_strdup(failed->message);
	}
	check->moved |= done;
	check_report(check, g_strdup(object), g_strdup(problem), result, done);
}

/* Do the records that can be read say version 1, and none another? Without any there is nothing to
 * be lost. */
static bool records_are_ours(Check *check)
{
	static const struct {
		const char *dir, *file;
	} kinds[] = {{"containers", "state.json"}, {"volumes", "volume.json"}};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		int dir = store_dir(engine_store(check->engine), kinds[i].dir);
		g_auto(GStrv) names = dir < 0 ? NULL : record_list(dir, NULL);
		for (size_t j = 0; names && names[j]; j++) {
			g_autofree char *path = g_build_filename(names[j], kinds[i].file, NULL);
			g_autoptr(Json) json = js_load(dir, path, RECORD_MAX, NULL);
			int64_t version = 1;
			if (json && js_get_int(json, "v", 0, INT64_MAX, &version, NULL) &&
			    version != 1)
				return false;
		}
	}
	return true;
}

/* A version that we don't know may be a newer skiff's, whose store is not ours to repair. */
static bool check_version(Check *check, GError **error)
{
	g_autoptr(GError) problem = NULL;
	Store *store = engine_store(check->engine);
	if (store_version_check(store, &problem))
		return true;
	if (!records_are_ours(check)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	g_autoptr(GError) failed = NULL;
	bool done = check->options->repair && store_version_reset(store, &failed);
	check_report(check, g_strdup("store"), g_strdup(problem->message),
		     g_strdup(failed ? failed->message
			      : done ? "restored"
				     : "all its records are of version 1: can be restored"),
		     done);
	return true;
}

GPtrArray *check_store(Engine *engine, const CheckOptions *options, GError **error)
{
	g_autoptr(GPtrArray) findings =
		g_ptr_array_new_with_free_func((GDestroyNotify)check_finding_free);
	Check check = {.engine = engine, .options = options, .findings = findings};
	if (!check_version(&check, error) || !check_volumes(&check, error) ||
	    !check_containers(&check, error) || !check_names(&check, error) ||
	    !check_images(&check, error) || !check_indexes(&check, error) ||
	    !check_secrets(&check, error) || !check_pods(&check, error) ||
	    !check_networks(&check, error))
		return NULL;
	return g_steal_pointer(&findings);
}
