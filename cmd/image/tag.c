/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag and untag: names of images.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "libpod/base/error.h"
#include "libpod/events.h"
#include "storage/image_index.h"
#include "storage/reference.h"

static bool tag_list(Invocation *inv, Engine *engine, const ImageIndex *index, GError **error)
{
	for (size_t i = 1; i < command_n_args(inv); i++) {
		g_autofree char *name = reference_new_name(command_arg(inv, i), error);
		if (!name || !image_index_tag(engine_store(engine), index, name, error))
			return false;
		event_image(engine, "tag", index->id, name);
	}
	return true;
}

/* The manifest list that the first argument names. False with @error if that can't be told. */
static bool find_list(Invocation *inv, Engine *engine, ImageIndex **out, GError **error)
{
	g_autoptr(GError) problem = NULL;
	*out = image_index_lookup(engine_store(engine), command_arg(inv, 0), &problem);
	if (!problem)
		return true;
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

/* The names given so far stay if one further on is wrong. */
static bool tag(Invocation *inv, Engine *engine, GError **error)
{
	Store *store = engine_store(engine);
	g_autoptr(ImageIndex) index = NULL;
	if (!find_list(inv, engine, &index, error))
		return false;
	if (index)
		return tag_list(inv, engine, index, error);
	g_autoptr(Image) image = image_resolve(store, command_arg(inv, 0), error);
	if (!image)
		return false;
	for (size_t i = 1; i < command_n_args(inv); i++) {
		g_autofree char *name = reference_new_name(command_arg(inv, i), error);
		if (!name || !image_tag(store, image, name, error))
			return false;
		event_image(engine, "tag", image->id, name);
	}
	return true;
}

static int cmd_tag(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	return engine && tag(inv, engine, &error) ? 0 : command_fail(error);
}

/* The name as it is kept. podman has other words here than for `tag`. */
static char *untag_name(const char *text, GError **error)
{
	if (strchr(text, '@'))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "%s: untag by digest not supported", text);
	return reference_new_name(text, error);
}

static bool untag_list(Invocation *inv, Engine *engine, const ImageIndex *index, GError **error)
{
	Store *store = engine_store(engine);
	if (command_n_args(inv) == 1)
		return image_index_untag(store, index, NULL, error);
	for (size_t i = 1; i < command_n_args(inv); i++) {
		const char *name = image_index_find_name(index, command_arg(inv, i));
		g_autofree char *asked = untag_name(command_arg(inv, i), error);
		if (!asked || !image_index_untag(store, index, name ? name : asked, error))
			return false;
		event_image(engine, "untag", index->id, name);
	}
	return true;
}

/* Without names all of them go, which leaves an image that only its id finds. */
static bool untag(Invocation *inv, Engine *engine, GError **error)
{
	Store *store = engine_store(engine);
	g_autoptr(ImageIndex) index = NULL;
	if (!find_list(inv, engine, &index, error))
		return false;
	if (index)
		return untag_list(inv, engine, index, error);
	g_autoptr(Image) image = image_resolve(store, command_arg(inv, 0), error);
	if (!image)
		return false;
	if (command_n_args(inv) == 1) {
		if (!image_untag(store, image, NULL, error))
			return false;
		for (size_t i = 0; image->names[i]; i++)
			event_image(engine, "untag", image->id, image->names[i]);
		return true;
	}
	for (size_t i = 1; i < command_n_args(inv); i++) {
		const char *name = image_find_name(image, command_arg(inv, i));
		g_autofree char *asked = untag_name(command_arg(inv, i), error);
		if (!asked)
			return false;
		if (!name)
			return error_set(error, ENGINE_ERROR_NOT_FOUND, "%s: tag not known", asked);
		if (!image_untag(store, image, name, error))
			return false;
		event_image(engine, "untag", image->id, name);
	}
	return true;
}

static int cmd_untag(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	return engine && untag(inv, engine, &error) ? 0 : command_fail(error);
}

const Command tag_command = {
	.paths = (const char *const[]){"tag", "image tag", NULL},
	.usage = "IMAGE NAME [NAME...]",
	.summary = "Give an image another name",
	.description =
		"Gives an image more names. A name without a registry gets \"localhost/\", one "
		"without a tag \":latest\". The name is taken from the image that has it.",
	.examples = (const char *const[]){"skiff tag debian:12 my/base", NULL},
	.min_args = 2,
	.max_args = -1,
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_tag,
};

const Command untag_command = {
	.paths = (const char *const[]){"untag", "image untag", NULL},
	.usage = "IMAGE [NAME...]",
	.summary = "Take names from an image",
	.description = "Takes names from an image, or all of them. The image stays.",
	.examples =
		(const char *const[]){"skiff untag my/base", "skiff untag debian my/base", NULL},
	.min_args = 1,
	.max_args = -1,
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_untag,
};
