/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod mounts: a volume of the pod and a mount of the container for each.
 */
#include <string.h>

#include "cmd/compose/export_kube.h"
#include "libpod/base/error.h"

/* Of files of the host that become ConfigMaps, which hold one MiB together. */
#define FILE_SIZE_MAX ((gsize)900 * 1024)

/* Mount a volume of the pod at @target. Borrowed. */
static Node *add_mount(KubePod *pod, const char *volume, const char *target, bool read_only)
{
	Node *mount = kube_list_add(pod->container, "volumeMounts");
	node_set_text(mount, "name", volume);
	node_set_text(mount, "mountPath", target);
	if (read_only)
		kube_set_bool(mount, "readOnly", true);
	return mount;
}

static bool has_volume(const KubePod *pod, const char *name)
{
	const Node *list = node_get(pod->pod, "volumes");
	for (size_t i = 0; i < node_count(list); i++)
		if (strcmp(node_string(node_item(list, i), "name"), name) == 0)
			return true;
	return false;
}

/* A volume of the pod, made at its first use. NULL: it is there. Borrowed. */
static Node *add_volume(KubePod *pod, const char *name)
{
	if (has_volume(pod, name))
		return NULL;
	Node *volume = kube_list_add(pod->pod, "volumes");
	node_set_text(volume, "name", name);
	return volume;
}

/* Has one of the project's @kind this name? It may be mounted later. */
static bool is_named(const KubePod *pod, const char *kind, const char *name)
{
	const Node *map = node_get(pod->kube->export->model, kind);
	for (size_t i = 0; i < node_count(map); i++) {
		g_autofree char *own = kube_name(node_entry(map, i)->key);
		if (strcmp(own, name) == 0)
			return true;
	}
	return false;
}

static bool is_config(const KubePod *pod, const char *name)
{
	return is_named(pod, "configs", name);
}

/* The next name of a volume without one of its own. g_free() it. */
static char *next_name(const KubePod *pod, const char *kind)
{
	for (size_t n = node_count(node_get(pod->pod, "volumes")) + 1;; n++) {
		g_autofree char *name = g_strdup_printf("%s-%zu", kind, n);
		if (!has_volume(pod, name) && !is_named(pod, "volumes", name))
			return g_steal_pointer(&name);
	}
}

static void mount_claim(KubePod *pod, const Node *mount)
{
	const char *key = node_string(mount, "source"), *target = node_string(mount, "target");
	const char *subpath = node_string(node_get(mount, "volume"), "subpath");
	const Node *known = node_get(node_get(pod->kube->export->model, "volumes"), key ? key : "");
	g_autofree char *plain = kube_name(key ? key : "");
	const char *claim = node_true(known, "external") ? node_string(known, "name") : plain;
	g_autofree char *name = key ? g_strdup(plain) : next_name(pod, "anonymous");
	Node *volume = add_volume(pod, name);
	if (volume && !key)
		(void)node_ensure(volume, "emptyDir", NODE_MAP);
	else if (volume)
		node_set_text(node_ensure(volume, "persistentVolumeClaim", NODE_MAP), "claimName",
			      claim);
	Node *made = add_mount(pod, name, target, node_true(mount, "read_only"));
	if (subpath)
		node_set_text(made, "subPath", subpath);
	if (!key)
		kube_note(pod, "volumes", "an anonymous volume goes with its pod");
	else
		kube_note(pod, "volumes", "a new claim does not get what the image has at '%s'",
			  target);
}

/* A small file that is only read is a ConfigMap. Return: false if it is none. */
static bool mount_file(KubePod *pod, const Node *mount, const char *source)
{
	g_autofree char *text = NULL;
	gsize size = 0;
	bool plain = node_true(mount, "read_only") && g_file_test(source, G_FILE_TEST_IS_REGULAR) &&
		     (text = environment_read_file(source, FILE_SIZE_MAX, &size, NULL)) != NULL;
	if (!plain)
		return false;
	g_autofree char *name = next_name(pod, "file");
	g_autofree char *object = kube_name_beside(pod, name, is_config);
	kube_data(pod->kube, "ConfigMap", object, "file", text, size);
	Node *volume = add_volume(pod, name);
	node_set_text(node_ensure(volume, "configMap", NODE_MAP), "name", object);
	node_set_text(add_mount(pod, name, node_string(mount, "target"), true), "subPath", "file");
	return true;
}

static void mount_bind(KubePod *pod, const Node *mount)
{
	const char *source = node_string(mount, "source");
	if (!source || mount_file(pod, mount, source))
		return;
	g_autofree char *name = next_name(pod, "host");
	node_set_text(node_ensure(add_volume(pod, name), "hostPath", NODE_MAP), "path", source);
	(void)add_mount(pod, name, node_string(mount, "target"), node_true(mount, "read_only"));
	kube_note(pod, "volumes", "'%s' must be on each node", source);
}

/* A file system in memory. */
static void mount_memory(KubePod *pod, const char *target, const char *size, bool read_only)
{
	g_autofree char *name = next_name(pod, "memory");
	Node *empty = node_ensure(add_volume(pod, name), "emptyDir", NODE_MAP);
	node_set_text(empty, "medium", "Memory");
	if (size)
		node_set_text(empty, "sizeLimit", size);
	(void)add_mount(pod, name, target, read_only);
}

static void mount_one(KubePod *pod, const Node *mount)
{
	const char *type = node_string(mount, "type");
	const Node *tmpfs = node_get(mount, "tmpfs");
	if (strcmp(type, "volume") == 0) {
		mount_claim(pod, mount);
	} else if (strcmp(type, "bind") == 0) {
		mount_bind(pod, mount);
	} else if (strcmp(type, "tmpfs") == 0) {
		const Node *size = node_get(tmpfs, "size");
		g_autofree char *text = size ? node_scalar_text(size) : NULL;
		mount_memory(pod, node_string(mount, "target"), text,
			     node_true(mount, "read_only"));
		if (node_get(tmpfs, "mode"))
			kube_note(pod, "volumes", "a tmpfs has no mode");
	} else {
		kube_note(pod, "volumes", "there is no field for type %s", type);
	}
}

/* "tmpfs: /run" and "/run:size=64m,mode=0700". */
static void mount_tmpfs(KubePod *pod, const Node *list)
{
	for (size_t i = 0; i < node_count(list); i++) {
		g_auto(GStrv) parts = g_strsplit(node_item(list, i)->text, ":", 2);
		mount_memory(pod, parts[0], NULL, false);
		if (parts[1])
			kube_note(pod, "tmpfs", "the options '%s' are left out", parts[1]);
	}
}

/* A config or secret at its target, under its mode. */
static void mount_data(KubePod *pod, const Node *item, const char *kind, const char *object,
		       const char *target)
{
	bool secret = strcmp(kind, "secrets") == 0;
	const Node *mode = node_get(item, "mode");
	g_autofree char *name = next_name(pod, secret ? "secret" : "config");
	Node *source =
		node_ensure(add_volume(pod, name), secret ? "secret" : "configMap", NODE_MAP);
	node_set_text(source, secret ? "secretName" : "name", object);
	if (node_is(mode, NODE_INT))
		kube_set_int(source, "defaultMode", mode->integer);
	node_set_text(add_mount(pod, name, target, true), "subPath", "file");
	if (node_get(item, "uid") || node_get(item, "gid"))
		kube_note(pod, kind, "files belong to root");
}

static bool mount_objects(KubePod *pod, const char *kind, const char *directory, GError **error)
{
	ComposeExport *export = pod->kube->export;
	const Node *list = node_get(pod->service->value, kind);
	for (size_t i = 0; i < node_count(list); i++) {
		const Node *item = node_item(list, i);
		const char *source = node_string(item, "source");
		const char *said = node_string(item, "target");
		const Node *object = node_get(node_get(export->model, kind), source);
		bool external = node_true(object, "external");
		g_autofree char *target = g_canonicalize_filename(said ? said : source, directory);
		g_autofree char *name = kube_name(external ? node_string(object, "name") : source);
		g_autofree char *path = g_strdup_printf("%s.%s", kind, source);
		gsize size = 0;
		g_autofree char *text =
			external ? NULL : compose_export_object(export, kind, source, &size, error);
		if (!external && !text)
			return false;
		if (text)
			kube_data(pod->kube, *kind == 's' ? "Secret" : "ConfigMap", name, "file",
				  text, size);
		else
			compose_export_note(export, path, "%s must be there, with the key \"file\"",
					    name);
		mount_data(pod, item, kind, name, target);
	}
	return true;
}

bool kube_pod_mounts(KubePod *pod, GError **error)
{
	const Node *service = pod->service->value;
	const Node *volumes = node_get(service, "volumes"), *shm = node_get(service, "shm_size");
	g_autofree char *size = shm ? node_scalar_text(shm) : NULL;
	for (size_t i = 0; i < node_count(volumes); i++)
		mount_one(pod, node_item(volumes, i));
	mount_tmpfs(pod, node_get(service, "tmpfs"));
	if (size)
		mount_memory(pod, "/dev/shm", size, false);
	return mount_objects(pod, "configs", "/", error) &&
	       mount_objects(pod, "secrets", "/run/secrets", error);
}
