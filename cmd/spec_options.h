/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of run and create: rows whose setters fill a ContainerSpec, in titled groups.
 *
 * Every option that podman has stands here; the ones without a setter are refused by name.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cmd/image/fetch_args.h"
#include "cmd/option.h"
#include "libpod/spec.h"

#define SPEC_OPTIONS_GROUPS 13

/* Which image, and from where: what no record keeps. */
typedef struct {
	RegistryOptionValues registry;
	const char *os, *arch, *variant; /* NULL: as --platform or this machine has it */
} SpecImageOptions;

void spec_image_options_clear(SpecImageOptions *image);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SpecImageOptions, spec_image_options_clear)

/* Groups of `run` and of `create`, NULL at the end; see spec_options_targets(). */
extern const OptionGroup *const spec_options_run[SPEC_OPTIONS_GROUPS + 1];
extern const OptionGroup *const spec_options_create[SPEC_OPTIONS_GROUPS + 1];

/** spec_options_resources - the limits that `update` changes, too; the target is a ContainerSpec.
 */
extern const OptionGroup spec_options_resources;

/** spec_options_health - the health checks that `update` changes, too. */
extern const OptionGroup spec_options_health;
/** spec_options_update - what else of a spec `update` changes. */
extern const OptionGroup spec_options_update;

/** spec_options_network - networks, addresses and names, of a container or of a pod. */
extern const OptionGroup spec_options_network;

/** spec_options_pod - what else of a spec `pod create` asks for its infra container. */
extern const OptionGroup spec_options_pod;

/** spec_options_targets() - what option_parse() wants: @spec for each group but that of the image.
 */
void spec_options_targets(ContainerSpec *spec, SpecImageOptions *image,
			  void *targets[SPEC_OPTIONS_GROUPS]);

/** spec_options_set_platform() - --os, --arch and --variant become a --platform of @spec. INVALID
 * beside one. */
bool spec_options_set_platform(ContainerSpec *spec, const SpecImageOptions *image, GError **error);

/**
 * spec_options_finish() - after the options: the image (or the directory of --rootfs) and the
 * command
 * @args:	positional arguments, at least one, NULL-terminated
 * @command_line: the whole command line for `inspect`, NULL-terminated; NULL leaves it out
 * @error:	INVALID also for options that contradict each other, before an image is pulled
 */
bool spec_options_finish(ContainerSpec *spec, const char *const *args,
			 const char *const *command_line, GError **error);
