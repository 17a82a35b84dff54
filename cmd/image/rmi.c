/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmi: take a name from an image; the last one takes the image along.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/remove_index.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/events.h"
#include "libpod/image_users.h"
#include "libpod/rootless.h"

typedef struct {
	bool all, force, ignore;
} RmiOptions;

static const Option options[] = {
	{'a', "all", OPTION_FLAG, option_set_flag, NULL, "All images", offsetof(RmiOptions, all),
	 OPTION_COMMON},
	{'f', "force", OPTION_FLAG, option_set_flag, NULL,
	 "Remove all names and the containers that use the image too", offsetof(RmiOptions, force),
	 OPTION_COMMON},
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing images",
	 offsetof(RmiOptions, ignore), OPTION_COMMON},
	{0, "no-prune", OPTION_FLAG, option_set_ignored, NULL,
	 "Accepted for podman's sake: skiff keeps no intermediate images", 0, 0},
	{0},
};

static const OptionGroup group = {NULL, options};

static bool remove_image(Engine *engine, const Image *image, bool force, GError **error)
{
	if (!image_users_remove(engine, image, force, error))
		return false;
	for (size_t i = 0; image->names[i]; i++)
		output_printf("Untagged: %s\n", image->names[i]);
	output_printf("Deleted: %s\n", image->id);
	event_image(engine, "remove", image->id, image->names[0]);
	return true;
}

/* One argument: a name goes alone if the image has others, an id goes with the image. */
static bool remove_one(Engine *engine, const char *text, bool force, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(ImageIndex) index = image_index_lookup(engine_store(engine), text, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (index)
		return index_untag_or_remove(engine, index, text, force, error);
	g_autoptr(Image) image = image_resolve(engine_store(engine), text, error);
	if (!image)
		return false;
	const char *name = image_find_name(image, text);
	size_t n_names = g_strv_length(image->names);
	if (name && n_names > 1) {
		if (!image_untag(engine_store(engine), image, name, error))
			return false;
		event_image(engine, "untag", image->id, name);
		output_printf("Untagged: %s\n", name);
		return true;
	}
	if (!name && n_names > 1 && !force) {
		g_autofree char *names = g_strjoinv(" ", image->names);
		return error_set(
			error, ENGINE_ERROR_IN_USE,
			"unable to delete image \"%s\" by ID with more than one tag ([%s]): please "
			"force removal",
			image->id, names);
	}
	return remove_image(engine, image, force, error);
}

/* podman's codes: 1 an image is missing, 2 one is in use. */
static int code_of(const GError *error)
{
	if (error_matches(error, ENGINE_ERROR_NOT_FOUND))
		return 1;
	return error_matches(error, ENGINE_ERROR_IN_USE) ? 2 : error_exit_code(error);
}

/* Say all that went wrong: several in podman's form. Return: the exit code, 0 if nothing did. */
static int report(const GPtrArray *errors)
{
	int status = 0;
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_printf(text, "%u errors occurred:", errors->len);
	for (guint i = 0; i < errors->len; i++) {
		const GError *error = errors->pdata[i];
		int code = code_of(error);
		g_string_append_printf(text, "\n\t* %s", error->message);
		status = status == 0 || code == 1 ? code : status;
	}
	if (errors->len > 1)
		output_error_text("%s", text->str);
	else if (errors->len == 1)
		output_error(errors->pdata[0]);
	return status;
}

static void remove_all(Engine *engine, bool force, GPtrArray *errors)
{
	GError *error = NULL;
	g_autoptr(GPtrArray) images = images_list(engine_store(engine), &error);
	for (size_t i = 0; images && i < images->len; i++)
		if (!remove_image(engine, images->pdata[i], force, &error))
			g_ptr_array_add(errors, g_steal_pointer(&error));
	if (!images)
		g_ptr_array_add(errors, g_steal_pointer(&error));
	g_autoptr(GPtrArray) lists = image_indexes_list(engine_store(engine), &error);
	for (size_t i = 0; lists && i < lists->len; i++) {
		const ImageIndex *index = g_ptr_array_index(lists, i);
		if (!index_untag_or_remove(engine, index, index->id, true, &error))
			g_ptr_array_add(errors, g_steal_pointer(&error));
	}
	if (!lists)
		g_ptr_array_add(errors, g_steal_pointer(&error));
}

/* The trash is emptied once, also after failures: what went is gone. */
static int cmd_rmi(Invocation *inv)
{
	RmiOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	size_t n = command_n_args(inv);
	if (n > 0 && opts.all)
		error_set(&error, ENGINE_ERROR_INVALID,
			  "when using the --all switch, you may not pass any images names or IDs");
	else if (n == 0 && !opts.all)
		error_set(&error, ENGINE_ERROR_INVALID, "image name or ID must be specified");
	g_autoptr(Engine) engine = error ? NULL : command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);

	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func((GDestroyNotify)g_error_free);
	if (opts.all)
		remove_all(engine, opts.force, errors);
	for (size_t i = 0; i < n; i++) {
		g_autoptr(GError) failed = NULL;
		if (remove_one(engine, command_arg(inv, i), opts.force, &failed))
			continue;
		if ((opts.force || opts.ignore) && error_matches(failed, ENGINE_ERROR_NOT_FOUND))
			continue;
		g_ptr_array_add(errors, g_steal_pointer(&failed));
	}
	int status = report(errors);
	if (!rootless_empty_trash(engine, &error))
		return command_fail(error);
	return status;
}

const Command rmi_command = {
	.paths = (const char *const[]){"rmi", "image rm", "image remove", NULL},
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Remove images",
	.description =
		"Takes a name from an image; with its last name the image goes, and with it the "
		"layers that no other image needs.",
	.examples = (const char *const[]){"skiff rmi debian:12", "skiff rmi -f 4f2a17",
					  "skiff rmi --all", NULL},
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_rmi,
};
