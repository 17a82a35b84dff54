/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The volumes of a new container.
 *
 * The anonymous ones get their names first, and the container's stage lists them before they are
 * made. The stage's container/ goes away in the step that records the container. So a stage whose
 * maker is gone, with both the list and container/, names volumes of a container that never came to
 * be; who sweeps the stage removes them. Named volumes stay, as with podman. A removal that takes
 * anonymous volumes along lists them in such a stage, too, before the container goes.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/container_priv.h"
#include "libpod/name.h"
#include "libpod/volume.h"

#define LIST     "volumes" /* in a stage: one name a line */
#define LIST_MAX (1024 * 1024)

char **container_name_volumes(ContainerSpec *spec, ContainerSummary *summary)
{
	g_autoptr(GStrvBuilder) volumes = g_strv_builder_new();
	g_autoptr(GStrvBuilder) anonymous = g_strv_builder_new();
	g_autoptr(GStrvBuilder) shown = g_strv_builder_new();
	for (guint i = 0; i < spec->mounts->len; i++) {
		SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->kind == SPEC_MOUNT_VOLUME && !mount->source) {
			mount->source = name_new_id();
			g_strv_builder_add(anonymous, mount->source);
		}
		if (mount->kind == SPEC_MOUNT_VOLUME)
			g_strv_builder_add(volumes, mount->source);
		g_strv_builder_add(shown, mount->destination);
	}
	summary->volume_names = g_strv_builder_end(volumes);
	summary->mounts = g_strv_builder_end(shown);
	return g_strv_builder_end(anonymous);
}

bool container_list_volumes(StoreStage *stage, char *const *anonymous, GError **error)
{
	if (!anonymous[0])
		return true;
	g_autofree char *text = g_strjoinv("\n", (char **)anonymous);
	return record_replace(store_stage_fd(stage), LIST, text, strlen(text), RECORD_SYNC_NONE,
			      error);
}

bool container_make_volumes(Engine *engine, const ContainerSpec *spec, char *const *anonymous,
			    GError **error)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = g_ptr_array_index(spec->mounts, i);
		if (mount->kind != SPEC_MOUNT_VOLUME)
			continue;
		const VolumeCreate options = {
			.name = mount->source,
			.ignore = true,
			.anonymous = g_strv_contains((const char *const *)anonymous, mount->source),
		};
		g_autoptr(Volume) volume = volume_create(engine, &options, error);
		if (!volume)
			return false;
	}
	return true;
}

void container_undo_volumes(Engine *engine, char *const *anonymous)
{
	for (char *const *name = anonymous; *name; name++) {
		g_autoptr(GError) failed = NULL;
		g_autoptr(Volume) volume = volume_lookup(engine, *name, &failed);
		if (volume && volume->anonymous)
			(void)volume_remove(engine, volume, false, &failed);
		/* What containers use may be unknown until `system check --repair`: it stays. */
		if (failed)
			log_debug("volume %s stays: %s", *name, failed->message);
	}
}

StoreStage *container_condemn_volumes(Engine *engine, char *const *names)
{
	g_autoptr(GStrvBuilder) found = g_strv_builder_new();
	g_autoptr(GError) failed = NULL;
	for (char *const *name = names; name && *name; name++) {
		g_autoptr(Volume) volume = volume_lookup(engine, *name, NULL);
		if (volume && volume->anonymous)
			g_strv_builder_add(found, *name);
	}
	g_auto(GStrv) anonymous = g_strv_builder_end(found);
	if (!anonymous[0])
		return NULL;
	StoreStage *stage = store_stage_new(engine_store(engine), &failed);
	if (!stage || !container_list_volumes(stage, anonymous, &failed) ||
	    mkdirat(store_stage_fd(stage), CONTAINER_STAGED, 0700) < 0)
		log_debug("volumes are removed without a list: %s",
			  failed ? failed->message : "no directory");
	return stage;
}

void container_heal_volumes(Engine *engine, const char *stage)
{
	int staging = store_dir(engine_store(engine), "staging");
	g_autofree char *list = g_build_filename(stage, LIST, NULL);
	g_autofree char *record = g_build_filename(stage, CONTAINER_STAGED, NULL);
	struct stat st;
	if (fstatat(staging, record, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	g_autofree char *text = record_read(staging, list, LIST_MAX, NULL, NULL);
	g_auto(GStrv) names = text ? g_strsplit(text, "\n", -1) : NULL;
	if (names)
		container_undo_volumes(engine, names);
}
