/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest annotate, remove, rm, exists: entries of a list, and lists.
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/remove_index.h"
#include "cmd/manifest/member.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/rootless.h"

typedef struct {
	ImageIndexNotes notes;
	bool whole; /* --index */
	GPtrArray *annotations, *features, *os_features;
} AnnotateOptions;

static void annotate_options_clear(AnnotateOptions *opts)
{
	g_clear_pointer(&opts->annotations, g_ptr_array_unref);
	g_clear_pointer(&opts->features, g_ptr_array_unref);
	g_clear_pointer(&opts->os_features, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AnnotateOptions, annotate_options_clear)

static const Option options[] = {
	{0, "annotation", OPTION_LIST, option_set_list, "KEY=VALUE", "Annotate the entry",
	 offsetof(AnnotateOptions, annotations), OPTION_COMMON},
	{0, "arch", OPTION_VALUE, option_set_string, "ARCH", "Call its architecture this",
	 offsetof(AnnotateOptions, notes.architecture), OPTION_COMMON},
	{0, "features", OPTION_CSV, option_set_list, "LIST", "Call its features this",
	 offsetof(AnnotateOptions, features), OPTION_COMMON},
	{0, "index", OPTION_FLAG, option_set_flag, NULL,
	 "Write the annotations into the list itself", offsetof(AnnotateOptions, whole),
	 OPTION_COMMON},
	{0, "os", OPTION_VALUE, option_set_string, "OS", "Call its operating system this",
	 offsetof(AnnotateOptions, notes.os), OPTION_COMMON},
	{0, "os-features", OPTION_CSV, option_set_list, "LIST",
	 "Call the operating system's features this", offsetof(AnnotateOptions, os_features),
	 OPTION_COMMON},
	{0, "os-version", OPTION_VALUE, option_set_string, "VERSION",
	 "Call the operating system's version this", offsetof(AnnotateOptions, notes.os_version),
	 OPTION_COMMON},
	{0, "variant", OPTION_VALUE, option_set_string, "VARIANT", "Call its variant this",
	 offsetof(AnnotateOptions, notes.variant), OPTION_COMMON},
	OPTION_UNSUPPORTED(0, "subject", OPTION_VALUE),
	{0},
};

static const OptionGroup group = {NULL, options};

typedef struct {
	const char *digest; /* NULL: the list itself */
	const ImageIndexNotes *notes;
} Annotation;

static bool write_notes(ImageIndex *index, void *data, GError **error)
{
	const Annotation *annotation = data;
	return image_index_annotate(index, annotation->digest, annotation->notes, error);
}

/* An image of the store stands for the digest it has in lists. Return: g_free() it. */
static char *find_digest(Store *store, const char *text, GError **error)
{
	g_autoptr(GError) problem = NULL;
	if (digest_argument(text, &problem))
		return g_strdup(text);
	const char *digest = NULL;
	g_autoptr(Image) image = image_lookup(store, text, NULL);
	g_autoptr(Json) entry = image ? image_index_local_entry(store, image, NULL) : NULL;
	if (entry && js_get_string(entry, "digest", &digest, NULL))
		return g_strdup(digest);
	g_propagate_error(error, g_steal_pointer(&problem));
	return NULL;
}

static bool annotate(Invocation *inv, const AnnotateOptions *opts, Engine *engine, GError **error)
{
	const char *text = command_arg(inv, 1);
	Store *store = engine_store(engine);
	if (opts->whole && text)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "cannot specify both --index and an image");
	if (!opts->whole && !text)
		return error_set(error, ENGINE_ERROR_INVALID, "accepts 2 arg(s), received 1");
	g_autoptr(ImageIndex) index = image_index_resolve(store, command_arg(inv, 0), error);
	g_autofree char *digest = index && text ? find_digest(store, text, error) : NULL;
	if (!index || (text && !digest))
		return false;
	Annotation annotation = {digest, &opts->notes};
	if (!image_index_change(store, index->id, write_notes, &annotation, error))
		return false;
	output_printf("%s\n", index->id);
	return true;
}

static int cmd_manifest_annotate(Invocation *inv)
{
	g_auto(AnnotateOptions) opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	opts.notes.annotations = opts.annotations;
	opts.notes.features = opts.features;
	opts.notes.os_features = opts.os_features;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	return engine && annotate(inv, &opts, engine, &error) ? 0 : command_fail(error);
}

static bool drop(ImageIndex *index, void *data, GError **error)
{
	return image_index_drop(index, data, error);
}

static bool remove_entry(Invocation *inv, Engine *engine, GError **error)
{
	const char *name = command_arg(inv, 0), *digest = command_arg(inv, 1);
	Store *store = engine_store(engine);
	g_autoptr(ImageIndex) index = image_index_resolve(store, name, error);
	if (!index)
		return false;
	if (!digest_argument(digest, error) ||
	    !image_index_change(store, index->id, drop, (void *)digest, error)) {
		g_prefix_error(error, "removing from manifest list %s: ", name);
		return false;
	}
	output_printf("%s\n", index->id);
	return true;
}

static int cmd_manifest_remove(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	return engine && remove_entry(inv, engine, &error) ? 0 : command_fail(error);
}

typedef struct {
	bool ignore;
} RmOptions;

static const Option rm_options[] = {
	{'i', "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind missing lists",
	 offsetof(RmOptions, ignore), OPTION_COMMON},
	{0},
};

static const OptionGroup rm_group = {NULL, rm_options};

/* podman's codes: 1 if one is missing. The others go. */
static int cmd_manifest_rm(Invocation *inv)
{
	RmOptions opts = {0};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	int status = 0;
	for (size_t i = 0; i < command_n_args(inv); i++) {
		g_autoptr(GError) failed = NULL;
		const char *name = command_arg(inv, i);
		g_autoptr(ImageIndex) index =
			image_index_resolve(engine_store(engine), name, &failed);
		if (index && index_untag_or_remove(engine, index, name, false, &failed))
			continue;
		bool missing = error_matches(failed, ENGINE_ERROR_NOT_FOUND);
		if (missing && opts.ignore)
			continue;
		int code = command_fail(failed);
		status = missing ? 1 : code;
	}
	if (!rootless_empty_trash(engine, &error))
		return command_fail(error);
	return status;
}

static int cmd_manifest_exists(Invocation *inv)
{
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	g_autoptr(ImageIndex) index =
		engine ? image_index_resolve(engine_store(engine), command_arg(inv, 0), &error)
		       : NULL;
	if (index)
		return 0;
	return error_matches(error, ENGINE_ERROR_NOT_FOUND) ? 1 : command_fail(error);
}

const Command manifest_annotate_command = {
	.paths = (const char *const[]){"manifest annotate", NULL},
	.usage = "[options] LIST [DIGEST]",
	.summary = "Change what a manifest list says about an image",
	.description = "Changes the platform or the annotations of an entry, which its digest or "
		       "the image's name "
		       "in the store picks, and prints the list's id.",
	.examples = (const char *const[]){"skiff manifest annotate --variant v8 app:1.2 "
					  "app:1.2-arm64",
					  "skiff manifest annotate --index --annotation "
					  "team=web app:1.2",
					  NULL},
	.min_args = 1,
	.max_args = 2,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_annotate,
};

const Command manifest_remove_command = {
	.paths = (const char *const[]){"manifest remove", NULL},
	.usage = "LIST DIGEST",
	.summary = "Take an image out of a manifest list",
	.description = "Takes the entry with this digest out of a list. The image stays.",
	.examples = (const char *const[]){"skiff manifest remove app:1.2 sha256:15352d97...", NULL},
	.min_args = 2,
	.max_args = 2,
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_remove,
};

const Command manifest_rm_command = {
	.paths = (const char *const[]){"manifest rm", NULL},
	.usage = "[options] LIST [LIST...]",
	.summary = "Remove manifest lists",
	.description = "Takes a name from a list; with its last name the list goes. Its images "
		       "stay.",
	.examples = (const char *const[]){"skiff manifest rm app:1.2", NULL},
	.min_args = 1,
	.max_args = -1,
	.groups = (const OptionGroup *const[]){&rm_group, NULL},
	.arg = COMMAND_ARG_IMAGE,
	.more_args = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_rm,
};

const Command manifest_exists_command = {
	.paths = (const char *const[]){"manifest exists", NULL},
	.usage = "LIST",
	.summary = "Tell by the exit code whether a manifest list exists",
	.description = "Exits with 0 if there is such a list in the store, with 1 if there is "
		       "none.",
	.examples = (const char *const[]){"skiff manifest exists app || skiff manifest create app",
					  NULL},
	.min_args = 1,
	.max_args = 1,
	.arg = COMMAND_ARG_IMAGE,
	.run = cmd_manifest_exists,
};
