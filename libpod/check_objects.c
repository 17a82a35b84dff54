/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of manifest lists, secrets, pods and named networks.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/path.h"
#include "libpod/base/units.h"
#include "libpod/check_parts.h"
#include "libpod/name.h"
#include "libpod/named_network.h"
#include "libpod/pod.h"
#include "libpod/secret.h"
#include "storage/digest.h"
#include "storage/image_index.h"

/* One manifest list: its record is all there is of it. */
static void check_index(Check *check, int indexes, const char *id)
{
	g_autofree char *object = g_strdup_printf("manifest list %.12s", id);
	g_autofree char *digest = g_strconcat("sha256:", id, NULL);
	autofd dir = path_open_state(indexes, id, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return;
	if (dir < 0 || !digest_is_valid(digest)) {
		check_set_aside(check, "indexes", id, object,
				"it is no directory of a manifest list");
		return;
	}
	g_autoptr(GError) broken = NULL;
	switch (check_record(check, dir, "index.json", object)) {
	case RECORD_MENDED:
		break;
	case RECORD_ABSENT:
		check_set_aside(check, "indexes", id, object, "index.json: it is missing");
		break;
	case RECORD_BROKEN:
		check_set_aside(check, "indexes", id, object, "index.json: it is damaged");
		break;
	case RECORD_FINE:
		if (!image_index_check(engine_store(check->engine), id, &broken))
			check_set_aside(check, "indexes", id, object, broken->message);
		break;
	}
}

bool check_indexes(Check *check, GError **error)
{
	return check_entries(check, "indexes", check_index, error);
}

/* Make secret.json again around the bytes, which are what matters. Containers that name the secret
 * by its id alone no longer find it. */
static void restore_secret(Check *check, int dir, const char *name, const char *object,
			   const char *problem)
{
	g_autoptr(GError) failed = NULL;
	bool repair = check->options->repair;
	autofd data = path_open_state(dir, "data", O_RDONLY, 0);
	bool done = repair && data >= 0 && secret_restore(check->engine, name, &failed);
	if (data < 0) {
		check_set_aside(check, "secrets", name, object, problem);
		return;
	}
	check_report(check, g_strdup(object), g_strdup_printf("secret.json: %s", problem),
		     g_strdup(failed   ? failed->message
			      : repair ? "made again with a new id; labels are lost"
				       : "can be made again, with a new id and without labels"),
		     done);
}

/* A secret's record and its bytes. */
static void check_secret(Check *check, int secrets, const char *name)
{
	g_autofree char *object = g_strdup_printf("secret %s", name);
	autofd dir = path_open_state(secrets, name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return;
	if (dir < 0) {
		check_set_aside(check, "secrets", name, object, "it is no directory");
		return;
	}
	RecordState state = check_record(check, dir, "secret.json", object);
	if (state == RECORD_MENDED && !check->options->repair)
		return;
	g_autoptr(GError) broken = NULL;
	g_autoptr(Secret) secret = state == RECORD_ABSENT || state == RECORD_BROKEN
					   ? NULL
					   : secret_resolve(check->engine, name, &broken);
	if (!secret) {
		restore_secret(check, dir, name, object,
			       broken                   ? broken->message
			       : state == RECORD_ABSENT ? "it is missing"
							: "it is damaged");
		return;
	}
	struct stat st;
	bool there = fstatat(dir, "data", &st, AT_SYMLINK_NOFOLLOW) == 0;
	bool known = secret->digest && digest_is_valid(secret->digest);
	RecordState data = !there  ? RECORD_ABSENT
			   : known ? check_digest(check, dir, "data", secret->digest, object)
				   : RECORD_FINE;
	if (data == RECORD_ABSENT || data == RECORD_BROKEN)
		check_set_aside(check, "secrets", name, object,
				data == RECORD_ABSENT ? "its data are missing"
						      : "its data are damaged");
}

bool check_secrets(Check *check, GError **error)
{
	return check_entries(check, "secrets", check_secret, error);
}

/* Without the container that holds its namespaces no member can start. The members are the user's
 * to keep what they need of. */
static void check_infra(Check *check, const Pod *pod, const char *object)
{
	g_autoptr(GError) failed = NULL;
	g_autoptr(Container) infra =
		pod->infra_id ? container_lookup(check->engine, pod->infra_id, &failed) : NULL;
	if (pod->infra_id && !infra)
		check_report(check, g_strdup(object),
			     failed ? g_strdup(failed->message)
				    : g_strdup_printf("its infra container %.12s is missing",
						      pod->infra_id),
			     g_strdup_printf("skiff pod rm -f %s removes it with its members",
					     pod->name),
			     false);
}

/* One pod: its record says which infra container is its. */
static void check_pod(Check *check, int pods, const char *name)
{
	g_autofree char *object = g_strdup_printf("pod %s", name);
	autofd dir = path_open_state(pods, name, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 && errno == ENOENT)
		return;
	if (dir < 0) {
		check_set_aside(check, "pods", name, object, "it is no directory");
		return;
	}
	g_autoptr(GError) broken = NULL;
	switch (check_record(check, dir, "pod.json", object)) {
	case RECORD_MENDED:
		break;
	case RECORD_ABSENT:
		check_set_aside(check, "pods", name, object, "pod.json: it is missing");
		break;
	case RECORD_BROKEN:
		check_set_aside(check, "pods", name, object, "pod.json: it is damaged");
		break;
	case RECORD_FINE: {
		g_autoptr(Pod) pod = pod_lookup(check->engine, name, &broken);
		if (!pod && broken)
			check_set_aside(check, "pods", name, object, broken->message);
		else if (pod)
			check_infra(check, pod, object);
		break;
	}
	}
}

bool check_pods(Check *check, GError **error)
{
	return check_entries(check, "pods", check_pod, error);
}

/* One named network: NAME.json. Its subnet is written nowhere else. */
static void check_network(Check *check, int networks, const char *file)
{
	if (!g_str_has_suffix(file, ".json"))
		return;
	g_autofree char *name = g_strndup(file, strlen(file) - strlen(".json"));
	g_autofree char *object = g_strdup_printf("network %s", name);
	g_autoptr(GError) broken = NULL;
	RecordState state = check_record(check, networks, file, object);
	/* What we have written ourselves is no other one. */
	(void)fstatat(networks, file, &check->entry, AT_SYMLINK_NOFOLLOW);
	g_autoptr(NamedNetwork) network =
		state == RECORD_FINE ? named_network_lookup(check->engine, name, &broken) : NULL;
	if (state == RECORD_BROKEN)
		check_set_aside(check, "networks", file, object, "its record is damaged");
	else if (!network && broken)
		check_set_aside(check, "networks", file, object, broken->message);
}

bool check_networks(Check *check, GError **error)
{
	return check_entries(check, "networks", check_network, error);
}
