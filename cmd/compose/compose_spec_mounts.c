/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service's container finds in its file system.
 */
#include <string.h>
#include <unistd.h>

#include "cmd/compose/compose_spec.h"
#include "libpod/base/error.h"
#include "libpod/spec_parse.h"
#include "libpod/volume.h"

/* The directory of a bind is made where it is missing, unless the file says otherwise. */
static bool ensure_source(const ComposeSpec *make, const Node *mount, const char *source,
			  GError **error)
{
	const Node *create = node_get(node_get(mount, "bind"), "create_host_path");
	if (access(source, F_OK) == 0)
		return true;
	if (node_is(create, NODE_BOOL) && !create->boolean)
		return place_error(error, mount->at, "services.%s.volumes: '%s' does not exist",
				   make->name, source);
	if (g_mkdir_with_parents(source, 0755) == 0)
		return true;
	return error_set_errno(error, "cannot create '%s'", source);
}

static bool add_bind(const ComposeSpec *make, ContainerSpec *spec, const Node *mount,
		     GError **error)
{
	const char *source = node_string(mount, "source");
	const Node *bind = node_get(mount, "bind");
	const char *selinux = node_string(bind, "selinux");
	if (!source)
		return place_error(error, mount->at, "services.%s.volumes: source is required",
				   make->name);
	const char *recursive = node_string(bind, "recursive");
	if (!ensure_source(make, mount, source, error))
		return false;
	SpecMount *made = spec_mount_new(SPEC_MOUNT_BIND, source, node_string(mount, "target"));
	made->read_only = node_true(mount, "read_only");
	made->propagation = g_strdup(node_string(bind, "propagation"));
	made->relabel = selinux ? *selinux : 0;
	made->non_recursive = g_strcmp0(recursive, "disabled") == 0;
	g_ptr_array_add(spec->mounts, made);
	return true;
}

/* The anonymous volume that the container's predecessor had at @target; NULL if none. g_free() it.
 */
static char *inherited(const ComposeSpec *make, const char *target)
{
	const ContainerSpec *old = make->old ? container_spec(make->old, NULL) : NULL;
	for (guint i = 0; old && i < old->mounts->len; i++) {
		const SpecMount *mount = old->mounts->pdata[i];
		if (mount->kind != SPEC_MOUNT_VOLUME || !mount->source ||
		    strcmp(mount->destination, target) != 0)
			continue;
		g_autoptr(Volume) volume = volume_lookup(make->engine, mount->source, NULL);
		return volume && volume->anonymous ? g_strdup(mount->source) : NULL;
	}
	return NULL;
}

static bool add_volume(const ComposeSpec *make, ContainerSpec *spec, const Node *mount,
		       GError **error)
{
	const char *source = node_string(mount, "source"), *target = node_string(mount, "target");
	const Node *options = node_get(mount, "volume");
	const Node *volume =
		node_get(node_get(make->project->model, "volumes"), source ? source : "");
	g_autofree char *old = source ? NULL : inherited(make, target);
	const char *name = source ? node_string(volume, "name") : old;
	if (node_get(options, "labels"))
		return compose_unsupported(make, "volumes", "volume.labels is", error);
	SpecMount *made = spec_mount_new(SPEC_MOUNT_VOLUME, name, target);
	made->read_only = node_true(mount, "read_only");
	made->copy_up = !node_true(options, "nocopy");
	made->subpath = g_strdup(node_string(options, "subpath"));
	g_ptr_array_add(spec->mounts, made);
	return true;
}

static bool add_tmpfs(const ComposeSpec *make, ContainerSpec *spec, const Node *mount,
		      GError **error)
{
	const Node *options = node_get(mount, "tmpfs"), *mode = node_get(options, "mode");
	const char *size = node_string(options, "size");
	g_autoptr(GString) text = g_string_new(node_string(mount, "target"));
	char separator = ':';
	if (size) {
		g_string_append_printf(text, "%csize=%s", separator, size);
		separator = ',';
	}
	if (mode)
		g_string_append_printf(text, "%cmode=%o", separator, (unsigned)mode->integer);
	if (node_true(mount, "read_only"))
		g_string_append_printf(text, "%cro", size || mode ? ',' : ':');
	return spec_add_tmpfs(spec, text->str, error);
}

/* The files of an image that is here, never written to. */
static bool add_image(const ComposeSpec *make, ContainerSpec *spec, const Node *mount,
		      GError **error)
{
	const char *source = node_string(mount, "source");
	if (!source)
		return place_error(error, mount->at, "services.%s.volumes: source is required",
				   make->name);
	SpecMount *made = spec_mount_new(SPEC_MOUNT_IMAGE, source, node_string(mount, "target"));
	made->read_only = true;
	made->subpath = g_strdup(node_string(node_get(mount, "image"), "subpath"));
	g_ptr_array_add(spec->mounts, made);
	return true;
}

static bool add_mount(const ComposeSpec *make, ContainerSpec *spec, const Node *mount,
		      GError **error)
{
	const char *type = node_string(mount, "type");
	if (strcmp(type, "bind") == 0)
		return add_bind(make, spec, mount, error);
	if (strcmp(type, "volume") == 0)
		return add_volume(make, spec, mount, error);
	if (strcmp(type, "tmpfs") == 0)
		return add_tmpfs(make, spec, mount, error);
	return add_image(make, spec, mount, error);
}

/* Is there a mount at @target already? */
static bool has_mount(const ContainerSpec *spec, const char *target)
{
	for (guint i = 0; i < spec->mounts->len; i++)
		if (strcmp(((SpecMount *)spec->mounts->pdata[i])->destination, target) == 0)
			return true;
	return false;
}

/* Anonymous volumes of the image keep their data, too. */
static void inherit_image_volumes(const ComposeSpec *make, ContainerSpec *spec)
{
	const ContainerSpec *old = make->old ? container_spec(make->old, NULL) : NULL;
	for (guint i = 0; old && i < old->mounts->len; i++) {
		const SpecMount *mount = old->mounts->pdata[i];
		if (!mount->from_image || has_mount(spec, mount->destination))
			continue;
		g_autofree char *name = inherited(make, mount->destination);
		if (name)
			g_ptr_array_add(spec->mounts, spec_mount_new(SPEC_MOUNT_VOLUME, name,
								     mount->destination));
	}
}

/* Mounts below a bind: with a read-only one they are read-only, too, whatever it says. */
static bool check_recursive(const ComposeSpec *make, const Node *mount, GError **error)
{
	static const char *const known[] = {"disabled", "enabled", "readonly", "writable", NULL};
	const char *recursive = node_string(node_get(mount, "bind"), "recursive");
	if (recursive && !g_strv_contains(known, recursive))
		return place_error(error, mount->at,
				   "services.%s.volumes: invalid bind.recursive \"%s\": enabled, "
				   "disabled, writable or readonly",
				   make->name, recursive);
	return g_strcmp0(recursive, "writable") != 0 ||
	       compose_unsupported(make, "volumes",
				   "mounts below one that is read-only are read-only, too: "
				   "bind.recursive is",
				   error);
}

bool compose_spec_mounts_check(const ComposeSpec *make, GError **error)
{
	static const char *const known[] = {"bind", "image", "tmpfs", "volume", NULL};
	const Node *volumes = node_get(make->service, "volumes");
	for (size_t i = 0; i < node_count(volumes); i++) {
		const char *type = node_string(node_item(volumes, i), "type");
		g_autofree char *what =
			g_strdup_printf("containers here have no mount of type %s: it is", type);
		if (!g_strv_contains(known, type))
			return compose_unsupported(make, "volumes", what, error);
		if (!check_recursive(make, node_item(volumes, i), error))
			return false;
	}
	return true;
}

bool compose_spec_mounts(const ComposeSpec *make, ContainerSpec *spec, GError **error)
{
	const Node *volumes = node_get(make->service, "volumes");
	if (!compose_spec_mounts_check(make, error))
		return false;
	for (size_t i = 0; i < node_count(volumes); i++)
		if (!add_mount(make, spec, node_item(volumes, i), error))
			return false;
	inherit_image_volumes(make, spec);
	return compose_spec_files(make, spec, error);
}

/* Does a container have this volume at this place? */
static bool has_volume(const ContainerSpec *spec, const char *name, const char *target)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (strcmp(mount->destination, target) == 0)
			return mount->kind == SPEC_MOUNT_VOLUME &&
			       g_strcmp0(mount->source, name) == 0;
	}
	return false;
}

/* Named volumes of the service, by the names that they have by now. */
static bool volumes_differ(const ComposeSpec *make, const ContainerSpec *recorded)
{
	const Node *list = node_get(make->service, "volumes");
	const Node *known = node_get(make->project->model, "volumes");
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *mount = node_item(list, i);
		const char *source = node_string(mount, "source");
		const char *name = source ? node_string(node_get(known, source), "name") : NULL;
		if (name && g_strcmp0(node_string(mount, "type"), "volume") == 0 &&
		    !has_volume(recorded, name, node_string(mount, "target")))
			return true;
	}
	return false;
}

static bool networks_differ(const ComposeSpec *make, const ContainerSummary *has)
{
	const Node *list = node_get(make->service, "networks");
	const Node *known = node_get(make->project->model, "networks");
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *network = node_get(known, node_entry(list, i)->key);
		const char *name = node_string(network, "name");
		bool found = !name;
		for (guint j = 0; !found && j < has->networks->len; j++)
			found = strcmp(((ContainerNetwork *)has->networks->pdata[j])->name, name) ==
				0;
		if (!found)
			return true;
	}
	return false;
}

bool compose_spec_drifted(const ComposeSpec *make, Container *ctr)
{
	const ContainerSpec *recorded = container_spec(ctr, NULL);
	return networks_differ(make, container_summary(ctr)) ||
	       (recorded &&
		(volumes_differ(make, recorded) || compose_spec_files_differ(make, recorded)));
}
