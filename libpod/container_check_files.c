/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of what is in a container's directory besides its records: its own secrets, what
 * `update` changed, the log of its probes, and the mark that others need it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/check_parts.h"
#include "libpod/container_priv.h"
#include "libpod/secret.h"
#include "storage/digest.h"

/* What a record's loss costs. */
static const struct {
	const char *name, *lost;
} optional_records[] = {
	{"update.json", "the limits are those it was made with"},
	{"networks.json", "it is on the networks that it was made for"},
	{"health.json", "the log of its probes is lost"},
};

/* Records it can do without: what cannot be mended goes. */
static void check_optional(Check *check, int dir, const char *object)
{
	for (size_t i = 0; i < G_N_ELEMENTS(optional_records); i++) {
		const char *name = optional_records[i].name;
		if (check_record(check, dir, name, object) != RECORD_BROKEN)
			continue;
		bool done = check->options->repair && unlinkat(dir, name, 0) == 0;
		check_report(check, g_strdup(object), g_strdup_printf("%s: it is damaged", name),
			     g_strdup_printf("%s: %s", done ? "removed" : "--repair removes it",
					     optional_records[i].lost),
			     done);
	}
}

/* Take a container's secret once more from the store, if it is still the same there. */
static bool restore_secret(Check *check, int dir, const char *file, const SpecSecret *asked)
{
	g_autoptr(Secret) secret =
		asked->id ? secret_resolve(check->engine, asked->id, NULL) : NULL;
	size_t size = 0;
	char *data = secret ? secret_read(check->engine, secret, &size, NULL) : NULL;
	if (!data)
		return false;
	g_autofree char *digest = digest_of(data, size);
	bool done = (!asked->digest || strcmp(digest, asked->digest) == 0) &&
		    (!check->options->repair ||
		     record_replace(dir, file, data, size, RECORD_SYNC_FULL, NULL));
	secret_wipe(data, size);
	return done;
}

/* The files that a container has of its secrets. */
static void check_secret_files(Check *check, int dir, const ContainerSpec *spec, const char *object)
{
	for (guint i = 0; i < spec->secrets->len; i++) {
		const SpecSecret *asked = spec->secrets->pdata[i];
		g_autofree char *file = g_strdup_printf("secret.%u", i);
		struct stat st;
		if (asked->env)
			continue;
		bool there = fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
		bool known = asked->digest && digest_is_valid(asked->digest);
		RecordState state = !there  ? RECORD_ABSENT
				    : known ? check_digest(check, dir, file, asked->digest, object)
					    : RECORD_FINE;
		if (state == RECORD_FINE || state == RECORD_MENDED)
			continue;
		bool can = restore_secret(check, dir, file, asked);
		bool repair = check->options->repair;
		check_report(check, g_strdup(object),
			     g_strdup_printf("%s: it is %s", file, there ? "damaged" : "missing"),
			     can ? g_strdup_printf("%s from secret %s",
						   repair ? "restored" : "can be restored",
						   asked->name)
				 : g_strdup_printf("the store has secret %s no more: it cannot be "
						   "started, make it again",
						   asked->name),
			     can && repair);
	}
}

/* Does another container say that it depends on this one? */
static bool is_needed(Check *check, const char *id)
{
	g_autoptr(GPtrArray) all = containers_list(check->engine, NULL);
	for (guint i = 0; all && i < all->len; i++) {
		const ContainerSummary *s = container_summary(all->pdata[i]);
		if (s->depends && g_strv_contains((const char *const *)s->depends, id))
			return true;
	}
	return false;
}

/* Without its mark it could be removed although others need it. */
static void check_mark(Check *check, int dir, const char *id, const char *object)
{
	struct stat st;
	if (fstatat(dir, CONTAINER_NEEDED, &st, AT_SYMLINK_NOFOLLOW) == 0 || !is_needed(check, id))
		return;
	autofd fd = check->options->repair
			    ? path_open_state(dir, CONTAINER_NEEDED, O_WRONLY | O_CREAT, 0600)
			    : -1;
	check_report(check, g_strdup(object),
		     g_strdup("the mark is missing that another container needs it"),
		     g_strdup(fd >= 0 ? "restored" : "can be restored"), fd >= 0);
}

void check_container_files(Check *check, int dir, const char *dir_name, const char *object)
{
	g_autofree char *id = g_strndup(dir_name, 64);
	check_optional(check, dir, object);
	check_mark(check, dir, id, object);
	g_autoptr(Container) ctr = container_open(check->engine, dir_name, NULL);
	const ContainerSpec *spec = ctr ? container_spec(ctr, NULL) : NULL;
	if (spec)
		check_secret_files(check, dir, spec, object);
}
