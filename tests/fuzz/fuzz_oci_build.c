/* SPDX-License-Identifier: Apache-2.0 */
/*
 * z2: a recorded spec to the config that the runtime executes. Refused, or a config that is read
 * back as it was written, and no place of the host is in it that the spec, the engine or our own
 * list does not name.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "libpod/oci_build.h"
#include "libpod/runtime/mount_options.h"
#include "libpod/spec.h"

#define DIRECTORY "/store/containers/1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Has the spec a mount of that source? */
static bool is_asked_for(const ContainerSpec *spec, const char *source)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->source && strcmp(mount->source, source) == 0)
			return true;
	}
	return false;
}

/* Those that every container may have from the host, and what lies in its own directory. */
static bool is_ours(const char *source)
{
	static const char *const host[] = {"/sys", "/proc", "/dev/mqueue", "/sys/fs/cgroup", NULL};
	return g_strv_contains(host, source) || g_str_has_prefix(source, DIRECTORY "/") ||
	       g_str_has_prefix(source, "/volumes/");
}

static void check_config(const ContainerSpec *spec, const OciConfig *config)
{
	for (guint i = 0; i < config->mounts->len; i++) {
		const OciMount *mount = g_ptr_array_index(config->mounts, i);
		bool bind = mount->type && strcmp(mount->type, "bind") == 0;
		g_assert_nonnull(mount->destination);
		if (mount->source && (bind || *mount->source == '/'))
			g_assert_true(is_ours(mount->source) || is_asked_for(spec, mount->source));
	}
	g_autoptr(GError) error = NULL;
	g_autoptr(Json) first = oci_config_write(config);
	g_autoptr(OciConfig) again = oci_config_read(first, &error);
	/* What the runtime refuses when it reads it is refused by name. */
	g_assert_true((again == NULL) == (error != NULL));
	if (!again)
		return;
	g_autoptr(Json) second = oci_config_write(again);
	g_assert_cmpstr(js_text(first), ==, js_text(second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(Json) json = js_parse((const char *)data, size, "record", NULL);
	if (!json || !json_object_is_type(json, json_type_object))
		return 0;
	g_autoptr(ContainerSpec) spec = spec_from_json(json, NULL);
	if (!spec || !spec->args || !spec->args[0])
		return 0;
	guint n = spec->mounts->len;
	g_autofree const char **paths = g_new0(const char *, n + 1);
	g_autofree bool *copy_up = g_new0(bool, n + 1);
	g_autofree char ***options = g_new0(char **, n + 1);
	for (guint i = 0; i < n; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->kind == SPEC_MOUNT_VOLUME)
			paths[i] = "/volumes/v/_data";
	}
	OciBuildContext context = {
		.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.dir_path = DIRECTORY,
		.rootless = true,
		.nofile_hard = 1 << 20,
		.volume_paths = paths,
		.volume_copy_up = copy_up,
		.mount_options = (char *const *const *)options,
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(OciConfig) config = oci_build(spec, &context, &error);
	g_assert_true((config == NULL) == (error != NULL));
	if (config)
		check_config(spec, config);
	return 0;
}
