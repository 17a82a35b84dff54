/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CDI: devices that a vendor describes in files of the host (Container Device Interface 0.x and
 * 1.x), named VENDOR/CLASS=NAME.
 *
 * The files are the host administrator's and the user's own: /etc/cdi, /var/run/cdi, and
 * ~/.config/cdi, or those of containers.conf's cdi_spec_dirs; later ones before earlier ones. JSON
 * is read here, YAML by skiff-cdi. A device with hooks is refused: see refuse_hook().
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/runtime/oci_config.h"

/** cdi_is_name() - VENDOR/CLASS=NAME by the specification's grammar, and no path? */
bool cdi_is_name(const char *text);

/**
 * cdi_apply() - add variables, devices and mounts of the devices to what a container starts with
 * @names:	NULL-terminated or NULL; "gpu=X" stands for the GPU X of whichever vendor is there
 * @dirs:	where the files are; NULL: the usual places
 * @error:	NOT_FOUND in podman's words for devices that no file describes
 */
bool cdi_apply(char *const *names, char *const *dirs, OciConfig *config, GError **error);
