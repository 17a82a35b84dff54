/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch import-podman [--podman-root DIR] [NAME...]
 * skiff-fetch podman-layer DIR DRIVER LAYER (its child: the layer's tar to stdout)
 * skiff-fetch load [--input FILE|DIR] [--reference NAME] [--name NAME]... [--platform P] [--ids]
 *	[--no-names]
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/load.h"
#include "storage/podman_store.h"

/* What podman prints, or bare ids for programs. */
static void print_loaded(const LoadedImage *image, bool ids)
{
	if (ids) {
		(void)printf("%s\n", image->id);
		return;
	}
	for (size_t i = 0; image->names[i]; i++) {
		g_autofree char *name = escape_terminal(image->names[i], false);
		(void)printf("Loaded image: %s\n", name);
	}
	if (!image->names[0])
		(void)printf("Loaded image: sha256:%s\n", image->id);
}

int fetch_load(FetchCall *call, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const char *platform_text = NULL;
	bool ids = false, no_names = false;
	LoadOptions options = {.input = "-"};
	const FetchOption rows[] = {
		{.name = "--input", .value = &options.input},
		{.name = "--reference", .value = &options.reference},
		{.name = "--name", .values = &names},
		{.name = "--platform", .value = &platform_text},
		{.name = "--ids", .flag = &ids},
		{.name = "--no-names", .flag = &no_names},
		{0},
	};
	g_auto(Platform) platform = {0};
	if (!fetch_parse(call, rows, operands, error) || !fetch_open(call, error) ||
	    (platform_text && !platform_parse(platform_text, &platform, error)))
		return FETCH_FAILED;
	if (operands->len > 0)
		options.input = operands->pdata[0];
	if (platform_text)
		options.platform = &platform;
	if (names->len > 0 || no_names) {
		g_ptr_array_add(names, NULL);
		options.names = (const char *const *)names->pdata;
	}
	g_autoptr(GPtrArray) loaded = images_load(call->store, &options, error);
	if (!loaded)
		return FETCH_FAILED;
	for (guint i = 0; i < loaded->len; i++)
		print_loaded(loaded->pdata[i], ids);
	return 0;
}

int fetch_import_podman(FetchCall *call, GError **error)
{
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const char *root = NULL;
	const FetchOption rows[] = {{.name = "--podman-root", .value = &root}, {0}};
	if (!fetch_parse(call, rows, operands, error) || !fetch_open(call, error))
		return FETCH_FAILED;
	g_ptr_array_add(operands, NULL);
	g_autoptr(GPtrArray) loaded =
		images_load_podman(call->store, root, (const char *const *)operands->pdata, error);
	for (guint i = 0; loaded && i < loaded->len; i++)
		print_loaded(loaded->pdata[i], false);
	return loaded ? 0 : FETCH_FAILED;
}

static bool write_out(void *data, const void *bytes, size_t size, GError **error)
{
	return fd_write_all(STDOUT_FILENO, bytes, size) ||
	       error_set_errno(error, "cannot write the layer");
}

int fetch_podman_layer(FetchCall *call, GError **error)
{
	if (g_strv_length(call->args) != 3) {
		error_set(error, ENGINE_ERROR_INVALID,
			  "podman-layer needs a root, a driver, a layer");
		return FETCH_FAILED;
	}
	return podman_layer_assemble(call->args[0], call->args[1], call->args[2], write_out, NULL,
				     error)
		       ? 0
		       : FETCH_FAILED;
}
