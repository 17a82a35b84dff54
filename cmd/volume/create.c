/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume create
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/volume.h"

typedef struct {
	const char *driver;
	bool ignore;
	int64_t uid, gid;
	GHashTable *labels, *options;
} VolumeCreateOptions;

static void volume_create_options_clear(VolumeCreateOptions *opts)
{
	g_clear_pointer(&opts->labels, g_hash_table_unref);
	g_clear_pointer(&opts->options, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VolumeCreateOptions, volume_create_options_clear)

/* KEY[=VALUE] into the table at the row's offset. */
static bool set_pair(void *target, const Option *option, const char *value, GError **error)
{
	GHashTable **table = (GHashTable **)((char *)target + option->offset);
	const char *equals = strchr(value, '=');
	if (*value == '\0' || *value == '=')
		return error_set(error, ENGINE_ERROR_INVALID, "must be KEY=VALUE");
	if (!*table)
		*table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(*table, equals ? g_strndup(value, equals - value) : g_strdup(value),
			    g_strdup(equals ? equals + 1 : ""));
	return true;
}

static const Option options[] = {
	{'l', "label", OPTION_LIST, set_pair, "KEY[=VALUE]", "Set a label",
	 offsetof(VolumeCreateOptions, labels), OPTION_COMMON},
	{'d', "driver", OPTION_VALUE, option_set_string, "NAME",
	 "Driver: local (default) or image, with --opt image=NAME",
	 offsetof(VolumeCreateOptions, driver), OPTION_COMMON},
	{'o', "opt", OPTION_LIST, set_pair, "KEY=VALUE", "Set an option of the driver",
	 offsetof(VolumeCreateOptions, options), OPTION_COMMON},
	{0, "ignore", OPTION_FLAG, option_set_flag, NULL, "Don't mind if the volume exists",
	 offsetof(VolumeCreateOptions, ignore), OPTION_COMMON},
	{0, "uid", OPTION_VALUE, option_set_int, "UID", "User id that the volume belongs to",
	 offsetof(VolumeCreateOptions, uid), OPTION_COMMON},
	{0, "gid", OPTION_VALUE, option_set_int, "GID", "Group id that the volume belongs to",
	 offsetof(VolumeCreateOptions, gid), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* Prints the name, which may be a random one. */
static int cmd_volume_create(Invocation *inv)
{
	g_auto(VolumeCreateOptions) opts = {.uid = -1, .gid = -1};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	const char *name = command_arg(inv, 0);
	const VolumeCreate create = {
		.name = name && *name ? name : NULL,
		.labels = opts.labels,
		.options = opts.options,
		.driver = opts.driver,
		.uid = opts.uid,
		.gid = opts.gid,
		.uid_set = opts.uid >= 0,
		.gid_set = opts.gid >= 0,
		.ignore = opts.ignore,
	};
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	g_autoptr(Volume) volume = engine ? volume_create(engine, &create, &error) : NULL;
	if (!volume)
		return command_fail(error);
	output_printf("%s\n", volume->name);
	return 0;
}

const Command volume_create_command = {
	.paths = (const char *const[]){"volume create", NULL},
	.usage = "[options] [NAME]",
	.summary = "Make a volume",
	.description = "Makes a volume and prints its name; without a name it gets a random one.",
	.examples = (const char *const[]){"skiff volume create data",
					  "skiff volume create --label app=web data", NULL},
	.max_args = 1,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_volume_create,
};
