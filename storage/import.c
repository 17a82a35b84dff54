/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing a root file system: one layer and a config made here. Runs in skiff-fetch.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/units.h"
#include "storage/image.h"
#include "storage/image_change.h"
#include "storage/layer.h"
#include "storage/load.h"
#include "storage/policy.h"
#include "storage/reference.h"
#include "storage/signed_by.h"
#include "storage/transfer.h"

#define PIECE_SIZE (1u << 20)

/* Push the whole input through an ingest. */
static bool push_input(LayerIngest *ingest, const char *input, GError **error)
{
	autofd fd = strcmp(input, "-") == 0
			    ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			    : openat(AT_FDCWD, input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_set_errno_go(error, "open %s", input);
	g_autofree char *piece = g_malloc(PIECE_SIZE);
	for (;;) {
		ssize_t n = read(fd, piece, PIECE_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(error, "cannot read '%s'", input);
		if (n == 0)
			return true;
		if (!layer_ingest_push(ingest, piece, (size_t)n, error))
			return false;
	}
}

/* Unpack the input as a first layer and publish it. */
static Layer *import_layer(Store *store, StoreStage *stage, const char *input, GError **error)
{
	const LayerIngestOptions options = {.expected_size = -1};
	g_autoptr(LayerIngest) ingest = layer_ingest_new(store, stage, &options, error);
	if (!ingest || !push_input(ingest, input, error))
		return NULL;
	g_autoptr(Layer) layer = layer_ingest_finish(ingest, error);
	if (!layer || !layer_ingest_publish(ingest, layer, error))
		return NULL;
	return g_steal_pointer(&layer);
}

/* The one entry of the image's history. */
static Json *make_history(const ImportOptions *options, const char *created)
{
	const char *comment = options->message ? options->message : "imported from tarball";
	Json *entry = json_object_new_object();
	js_set_string(entry, "created", created);
	js_set_string(entry, "comment", comment);
	Json *history = json_object_new_array();
	json_object_array_add(history, entry);
	return history;
}

/* The OCI config of an image with this one layer. */
static Json *make_config(const ImportOptions *options, const Layer *layer, GError **error)
{
	g_auto(Platform) host = {0};
	platform_host(&host);
	platform_set(&host, options->os, options->architecture, options->variant);
	g_autofree char *created = units_format_rfc3339(units_now(), false);
	g_autoptr(Json) execution = json_object_new_object();
	for (size_t i = 0; options->changes && options->changes[i]; i++)
		if (!image_change_apply(execution, options->changes[i], error))
			return NULL;

	const char *const diff_ids[] = {layer->diff_id, NULL};
	Json *rootfs = json_object_new_object();
	js_set_string(rootfs, "type", "layers");
	js_set_take(rootfs, "diff_ids", js_from_strv(diff_ids));
	Json *config = json_object_new_object();
	js_set_string(config, "created", created);
	js_set_string(config, "architecture", host.architecture);
	js_set_string(config, "variant", host.variant);
	js_set_string(config, "os", host.os);
	js_set_take(config, "config", g_steal_pointer(&execution));
	js_set_take(config, "rootfs", rootfs);
	js_set_take(config, "history", make_history(options, created));
	return config;
}

char *image_import(Store *store, const ImportOptions *options, GError **error)
{
	/* A wrong instruction must not cost an unpacked archive. */
	g_autoptr(Json) probe = json_object_new_object();
	for (size_t i = 0; options->changes && options->changes[i]; i++)
		if (!image_change_apply(probe, options->changes[i], error))
			return NULL;
	g_autofree char *name = options->name ? reference_new_name(options->name, error) : NULL;
	if (options->name && !name)
		return NULL;
	g_autoptr(Policy) policy = policy_load(error);
	if (!policy) {
		g_prefix_error(error, "the policy can't be read, so nothing is accepted: ");
		return NULL;
	}
	g_autoptr(GPtrArray) signed_by =
		g_ptr_array_new_with_free_func((GDestroyNotify)signed_by_free);
	const SignedImage unsigned_image = {0};
	if (!policy_check_archive(policy, "tarball", options->input, NULL, signed_by, error))
		return NULL;
	g_autoptr(StoreStage) stage = store_stage_new(store, error);
	if (!stage || !signed_by_check(signed_by, &unsigned_image, store, stage, error))
		return NULL;
	g_autoptr(Layer) layer = import_layer(store, stage, options->input, error);
	g_autoptr(Json) config = layer ? make_config(options, layer, error) : NULL;
	if (!config)
		return NULL;
	const char *text = js_text(config);
	const char *const names[] = {name, NULL};
	const ImagePublish publish = {
		.config = text,
		.config_size = strlen(text),
		.names = names,
	};
	return image_publish(store, &publish, error);
}
