/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/acquire.h"

#include <string.h>

#include "cmd/image/fetch_args.h"
#include "cmd/image/pull_notice.h"
#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/events.h"
#include "storage/manifest.h"

#define HELLO_NAME "localhost/skiff/hello:latest"

/* Is this the image that comes with skiff? */
static bool is_hello(const char *name)
{
	static const char *const names[] = {"hello",
					    "hello:latest",
					    "skiff/hello",
					    "skiff/hello:latest",
					    "localhost/skiff/hello",
					    HELLO_NAME,
					    NULL};
	return g_strv_contains(names, name);
}

/* Put the built-in image into the store. *out_loaded: false if this installation has none. */
static bool load_hello(Engine *engine, bool *out_loaded, int *out_status)
{
	g_autofree char *layout = hello_layout_path();
	*out_loaded = false;
	if (!layout)
		return true;
	g_autoptr(FetchArgs) args = fetch_args_new("load");
	g_autofree char *ids = NULL;
	fetch_args_add(args, "--input", layout);
	fetch_args_add(args, "--name", HELLO_NAME);
	fetch_args_add_flag(args, "--ids", true);
	*out_status = fetch_args_run(args, engine, &ids);
	*out_loaded = *out_status == 0;
	return *out_loaded;
}

/* *out_known: the question is settled, by the image or a failure; else it is an ordinary name. */
static Image *acquire_hello(Engine *engine, const char *name, bool *out_known, int *out_status,
			    GError **error)
{
	Image *image = image_lookup(engine_store(engine), HELLO_NAME, error);
	*out_known = image || (error && *error);
	if (*out_known)
		return image;
	bool loaded = false;
	if (!load_hello(engine, &loaded, out_status)) {
		*out_known = true;
		return NULL;
	}
	*out_known = loaded;
	return loaded ? image_resolve(engine_store(engine), HELLO_NAME, error) : NULL;
}

/* The last line of what pull printed: the image's id. */
static char *last_line(const char *text)
{
	g_autofree char *copy = g_strstrip(g_strdup(text));
	const char *newline = strrchr(copy, '\n');
	return g_strdup(newline ? newline + 1 : copy);
}

/* What skiff-fetch says goes to stderr; its stdout names the image. */
static Image *pull(Engine *engine, const char *name, const AcquireOptions *options, int *out_status,
		   GError **error)
{
	g_autoptr(FetchArgs) args = fetch_args_new("pull");
	g_autofree char *printed = NULL;
	fetch_args_add(args, "--policy", options->policy == PULL_NEWER ? "newer" : "always");
	fetch_args_add(args, "--platform", options->platform);
	fetch_args_add_flag(args, "--quiet", options->quiet);
	if (options->registry)
		registry_options_add(args, options->registry);
	if (!fetch_args_add_operand(args, name, error))
		return NULL;
	g_auto(PullNotice) notice = pull_notice_begin(name);
	*out_status = fetch_args_run(args, engine, &printed);
	pull_notice_end(&notice);
	if (*out_status != 0)
		return NULL;
	g_autofree char *id = last_line(printed);
	Image *image = image_resolve(engine_store(engine), id, error);
	if (image)
		event_image(engine, "pull", image->id, name);
	return image;
}

/* Was the image made for the platform asked for? An image of another one counts as absent. */
static bool is_for_platform(const Image *image, const Platform *want)
{
	g_auto(Platform) have = {0};
	platform_set(&have, image->config->os, image->config->architecture, image->config->variant);
	return platform_runs(want, &have);
}

Image *image_acquire(Engine *engine, const char *name, const AcquireOptions *options,
		     int *out_status, GError **error)
{
	log_step(4, __func__);
	*out_status = 0;
	g_autoptr(GError) failed = NULL;
	if (options->policy == PULL_MISSING || options->policy == PULL_NEVER) {
		Image *image = image_lookup(engine_store(engine), name, &failed);
		g_auto(Platform) want = {0};
		if (options->platform && !platform_parse(options->platform, &want, error)) {
			image_free(image);
			return NULL;
		}
		if (image && (!options->platform || is_for_platform(image, &want)))
			return image;
		image_free(image);
	}
	if (!failed && options->policy != PULL_NEVER && is_hello(name)) {
		bool known = false;
		Image *image = acquire_hello(engine, name, &known, out_status, &failed);
		if (image || (known && !failed))
			return image;
	}
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	if (options->policy == PULL_NEVER)
		return image_set_unknown(engine_store(engine), name, error);
	return pull(engine, name, options, out_status, error);
}
