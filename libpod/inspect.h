/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: one record to the JSON that `inspect` prints, with podman's field names.
 */
#pragma once

#include "libpod/container.h"
#include "libpod/named_network.h"
#include "libpod/pod.h"
#include "libpod/volume.h"
#include "storage/image.h"

/** inspect_container() - podman's InspectContainerData. @size adds SizeRw and SizeRootFs. */
Json *inspect_container(Engine *engine, Container *ctr, bool size, GError **error);
/** inspect_image() - podman's image inspect (Id, Digest, RepoTags, RepoDigests, Config,
 * GraphDriver, RootFS, ...). */
Json *inspect_image(Engine *engine, const Image *image, GError **error);
/** inspect_pod() - podman's report of it and its containers. */
Json *inspect_pod(Engine *engine, const Pod *pod, GError **error);
/** inspect_network() - podman's record of it and its running containers. */
Json *inspect_network(Engine *engine, const NamedNetwork *network, GError **error);

/** inspect_volume() - Name, Driver, Mountpoint, CreatedAt, Labels, Scope, Options, MountCount, ...
 */
Json *inspect_volume(Engine *engine, const Volume *volume, GError **error);
/** inspect_history() - array for `history`: id, created, CreatedBy, size, comment. */
Json *inspect_history(Engine *engine, const Image *image, GError **error);
/** inspect_info() - `skiff info`: host, store, registries, version. */
Json *inspect_info(Engine *engine, GError **error);

/** inspect_tree_size() - bytes of the files below a directory of the store, also those of sub-ids.
 * -1 with @error. */
int64_t inspect_tree_size(Engine *engine, int dir_fd, const char *name, GError **error);

/** inspect_tree_sizes() - the same for several directories at once; what is missing is empty. */
bool inspect_tree_sizes(Engine *engine, int dir_fd, const char *const *names, size_t n,
			int64_t *out_sizes, GError **error);
