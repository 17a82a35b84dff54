/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff, container diff, image diff: what has changed.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/changes.h"
#include "libpod/container_view.h"
#include "libpod/image_view.h"

typedef struct {
	const char *format;
	bool latest;
} DiffOptions;

static bool set_format(void *target, const Option *option, const char *value, GError **error)
{
	((DiffOptions *)target)->format = value;
	if (strcmp(value, "json") == 0)
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "only supported value for '--format' is "
			 "'json'");
}

static const Option options[] = {
	{0, "format", OPTION_VALUE, set_format, "json", "Print JSON", 0,
	 OPTION_COMMON | OPTION_WHOLE},
	{'l', "latest", OPTION_FLAG, option_set_flag, NULL, "The container created last",
	 offsetof(DiffOptions, latest), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* podman's object of three lists; empty ones are left out. */
static void print_json(const GPtrArray *changes)
{
	static const struct {
		char kind;
		const char *key;
	} lists[] = {{'C', "changed"}, {'A', "added"}, {'D', "deleted"}};
	g_autoptr(Json) json = json_object_new_object();
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		Json *list = json_object_new_array();
		for (guint j = 0; j < changes->len; j++) {
			const char *text = changes->pdata[j];
			g_autofree char *path = g_utf8_make_valid(text + 1, -1);
			if (text[0] == lists[i].kind)
				json_object_array_add(list, json_object_new_string(path));
		}
		if (json_object_array_length(list) > 0)
			js_set_take(json, lists[i].key, list);
		else
			js_unref(list);
	}
	output_json(json);
}

static void print(const GPtrArray *changes, bool json)
{
	if (json) {
		print_json(changes);
		return;
	}
	for (guint i = 0; i < changes->len; i++) {
		const char *text = changes->pdata[i];
		g_autofree char *line = g_strdup_printf("%c %s", text[0], text + 1);
		output_text(line);
	}
}

/* NULL without an error: there is no such container. */
static GPtrArray *diff_container(Engine *engine, const char *name, GError **error)
{
	g_autoptr(Container) ctr = container_lookup(engine, name, error);
	return ctr ? changes_of_container(engine, ctr, error) : NULL;
}

/* What an image changed in its layers below, or in the image @base. */
static GPtrArray *diff_images(Engine *engine, const char *name, const char *base_name,
			      GError **error)
{
	Store *store = engine_store(engine);
	g_autoptr(Image) image = image_resolve(store, name, error);
	if (!image && !base_name)
		g_prefix_error(error, "%s not found: ", name);
	g_autoptr(Image) base = image && base_name ? image_resolve(store, base_name, error) : NULL;
	return image && (base || !base_name) ? image_diff(engine, base, image, error) : NULL;
}

/* A side of a comparison, with what it borrows from. */
typedef struct {
	ContainerView *view;
	Container *ctr;
	Image *image;
} Side;

static void side_clear(Side *side)
{
	container_view_close(side->view);
	container_free(side->ctr);
	image_free(side->image);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Side, side_clear)

/* A container, or an image unless only containers are meant. */
static bool side_find(Side *side, Engine *engine, const char *name, bool containers_only,
		      GError **error)
{
	GError *failed = NULL;
	side->ctr = container_lookup(engine, name, &failed);
	if (side->ctr)
		side->view = container_view_open(side->ctr, VIEW_ROOT, &failed);
	else if (!failed && !containers_only)
		side->image = image_lookup(engine_store(engine), name, &failed);
	if (failed)
		g_propagate_error(error, failed);
	else if (!side->view && !side->image)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "%s not found: %s not known", name,
			  containers_only ? "container" : "layer");
	return side->view || side->image;
}

/* What is different in @name from @base. */
static GPtrArray *diff_two(Engine *engine, const char *name, const char *base, bool containers_only,
			   GError **error)
{
	g_auto(Side) new = {0}, old = {0};
	if (!side_find(&new, engine, name, containers_only, error))
		return NULL;
	/* Twice the same: its lock is taken once. */
	if (new.ctr &&new.view->op) {
		g_autoptr(Container) same = container_lookup(engine, base, NULL);
		if (same &&
		    g_str_equal(container_summary(same)->id, container_summary(new.ctr)->id))
			return g_ptr_array_new_with_free_func(g_free);
	}
	if (!side_find(&old, engine, base, containers_only, error))
		return NULL;
	const ViewSide before = {old.view ? old.view->root_fd : -1, old.image};
	const ViewSide now = {new.view ? new.view->root_fd : -1, new.image};
	return views_diff(engine, &before, &now, error);
}

/* "container diff" and "image diff" look at one kind only. */
static GPtrArray *find(const Invocation *inv, const DiffOptions *opts, Engine *engine,
		       GError **error)
{
	if (opts->latest) {
		g_autoptr(Container) last = container_latest(engine, error);
		return last ? changes_of_container(engine, last, error) : NULL;
	}
	const char *name = command_arg(inv, 0), *base = command_arg(inv, 1);
	bool containers_only = strcmp(inv->path, "container diff") == 0;
	if (strcmp(inv->path, "image diff") == 0)
		return diff_images(engine, name, base, error);
	if (base)
		return diff_two(engine, name, base, containers_only, error);
	GError *failed = NULL;
	GPtrArray *changes = diff_container(engine, name, &failed);
	g_autoptr(Image) image = NULL;
	if (!changes && !failed && !containers_only)
		image = image_lookup(engine_store(engine), name, &failed);
	if (image)
		changes = image_diff(engine, NULL, image, &failed);
	if (failed)
		g_propagate_error(error, failed);
	else if (!changes)
		error_set(error, ENGINE_ERROR_NOT_FOUND, "%s not found: %s not known", name,
			  containers_only ? "container" : "layer");
	return changes;
}

/* podman's words. */
static bool check(const Invocation *inv, const DiffOptions *opts, GError **error)
{
	bool image = strcmp(inv->path, "image diff") == 0;
	if (opts->latest && image)
		return error_set(error, ENGINE_ERROR_INVALID, "unknown flag: --latest");
	if (image && command_n_args(inv) == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "accepts between 1 and 2 arg(s), received 0");
	if (opts->latest && command_n_args(inv) > 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "--latest and containers cannot be used together");
	return opts->latest || command_n_args(inv) > 0 ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "\"skiff %s\" requires a name, id, or the \"--latest\" flag", inv->path);
}

static int cmd_diff(Invocation *inv)
{
	DiffOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	if (!check(inv, &opts, &error))
		return command_fail(error);
	g_autoptr(Engine) engine = command_engine(inv, command_n_args(inv) < 2, &error);
	g_autoptr(GPtrArray) changes = engine ? find(inv, &opts, engine, &error) : NULL;
	if (!changes)
		return command_fail(error);
	print(changes, opts.format != NULL);
	return 0;
}

const Command diff_command = {
	.paths = (const char *const[]){"diff", "container diff", "image diff", NULL},
	.usage = "[options] CONTAINER|IMAGE [CONTAINER|IMAGE]",
	.summary = "Show what a container or an image changed",
	.description =
		"Lists the paths that a container added (A), changed (C) and deleted (D) in "
		"its image, or the last layer of an image in those below it; or the first of "
		"two in comparison with the second.",
	.examples = (const char *const[]){"skiff diff web", "skiff diff --format json web",
					  "skiff diff my/app debian:12", NULL},
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_OBJECT,
	.more_args = COMMAND_ARG_OBJECT,
	.run = cmd_diff,
};
