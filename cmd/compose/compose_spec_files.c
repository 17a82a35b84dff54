/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configs and secrets of a service: files in its container.
 *
 * One that is a file of the host is bound, as docker compose does. What comes from a variable or
 * stands in the compose file, and skiff's own secrets, are bytes that the container gets as its own
 * at its creation: no command line, label or report has them.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_spec.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/spec_parse.h"
#include "libpod/secret.h"
#include "storage/digest.h"

/* One use of a config or secret. */
typedef struct {
	const ComposeSpec *make;
	const char *kind; /* "configs", "secrets" */
	const Node *item, *object;
	const char *source;
	char *target; /* absolute */
} Use;

static bool fail(const Use *use, const char *text, const char *value, GError **error)
{
	return place_error(error, use->item->at, "services.%s.%s: %s: %s %s", use->make->name,
			   use->kind, use->source, text, value);
}

static bool add_bind(const Use *use, const char *file, ContainerSpec *spec, GError **error)
{
	if (access(file, R_OK) != 0)
		return place_error(error, use->item->at, "services.%s.%s: cannot read '%s'",
				   use->make->name, use->kind, file);
	SpecMount *mount = spec_mount_new(SPEC_MOUNT_BIND, file, use->target);
	mount->read_only = true;
	g_ptr_array_add(spec->mounts, mount);
	return true;
}

/* A user or group id; names are the container's and are not looked up. */
static bool read_id(const Use *use, const char *key, uint32_t *out, GError **error)
{
	const char *text = node_string(use->item, key);
	uint64_t id = 0;
	if (!text)
		return true;
	if (!units_parse_uint(text, G_MAXUINT32 - 1, &id, NULL))
		return fail(use, "it must be a number:", text, error);
	*out = (uint32_t)id;
	return true;
}

/* Owner and mode as the service says. */
static bool add_secret(const Use *use, SpecSecret *secret, ContainerSpec *spec, GError **error)
{
	const Node *mode = node_get(use->item, "mode");
	g_ptr_array_add(spec->secrets, secret);
	secret->mode = node_is(mode, NODE_INT) ? (uint32_t)mode->integer & 07777 : 0444;
	return read_id(use, "uid", &secret->uid, error) && read_id(use, "gid", &secret->gid, error);
}

static bool add_bytes(const Use *use, const char *text, ContainerSpec *spec, GError **error)
{
	if (strlen(text) >= SECRET_SIZE_MAX)
		return fail(use, "it must be smaller than", "512000 bytes", error);
	g_autoptr(GBytes) data = g_bytes_new(text, strlen(text));
	return add_secret(use, spec_secret_new(use->source, use->target, data), spec, error);
}

/* One of skiff's own secrets. */
static bool add_stored(const Use *use, ContainerSpec *spec, GError **error)
{
	const char *said = node_string(use->object, "name");
	if (strcmp(use->kind, "configs") == 0)
		return fail(use, "external configs are a swarm's:", "skiff has no store for them",
			    error);
	SpecSecret *secret = g_new0(SpecSecret, 1);
	secret->name = g_strdup(said ? said : use->source);
	secret->target = g_strdup(use->target);
	g_autoptr(Secret) known = secret_resolve(use->make->engine, secret->name, NULL);
	if (add_secret(use, secret, spec, error) && known)
		return true;
	return known ? false : fail(use, "there is no secret", secret->name, error);
}

static bool add_use(const Use *use, ContainerSpec *spec, GError **error)
{
	const char *file = node_string(use->object, "file");
	const char *content = node_string(use->object, "content");
	const char *variable = node_string(use->object, "environment");
	if (node_get(use->object, "driver"))
		return fail(use, "it comes from", "a driver, and skiff has none", error);
	if (node_get(use->object, "template_driver"))
		return fail(use, "it is a template of", "a swarm's, and skiff fills in none",
			    error);
	if (node_true(use->object, "external"))
		return add_stored(use, spec, error);
	if (file)
		return add_bind(use, file, spec, error);
	if (variable) {
		content = environment_lookup(use->make->project->env, variable);
		if (!content)
			return fail(use, "its variable is not set:", variable, error);
	}
	return add_bytes(use, content ? content : "", spec, error);
}

static bool add_uses(const ComposeSpec *make, ContainerSpec *spec, const char *kind,
		     const char *directory, GError **error)
{
	const Node *list = node_get(make->service, kind);
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *item = node_item(list, i);
		const char *said = node_string(item, "target");
		Use use = {
			.make = make,
			.kind = kind,
			.item = item,
			.source = node_string(item, "source"),
		};
		use.object = node_get(node_get(make->project->model, kind), use.source);
		g_autofree char *target =
			g_canonicalize_filename(said ? said : use.source, directory);
		use.target = target;
		if (!add_use(&use, spec, error))
			return false;
	}
	return true;
}

bool compose_spec_files(const ComposeSpec *make, ContainerSpec *spec, GError **error)
{
	return add_uses(make, spec, "configs", "/", error) &&
	       add_uses(make, spec, "secrets", "/run/secrets", error);
}

static const SpecSecret *find_secret(const ContainerSpec *spec, const char *target)
{
	for (guint i = 0; i < spec->secrets->len; i++) {
		const SpecSecret *secret = spec->secrets->pdata[i];
		if (strcmp(secret->target, target) == 0)
			return secret;
	}
	return NULL;
}

bool compose_spec_files_differ(const ComposeSpec *make, const ContainerSpec *recorded)
{
	g_autoptr(ContainerSpec) wanted = spec_new();
	if (!compose_spec_files(make, wanted, NULL))
		return false;
	for (guint i = 0; i < wanted->secrets->len; i++) {
		const SpecSecret *secret = wanted->secrets->pdata[i];
		const SpecSecret *has = find_secret(recorded, secret->target);
		if (!has)
			return true;
		if (!secret->data || !has->digest)
			continue;
		gsize size = 0;
		const void *data = g_bytes_get_data(secret->data, &size);
		g_autofree char *digest = digest_of(data, size);
		if (strcmp(digest, has->digest) != 0)
			return true;
	}
	return false;
}
