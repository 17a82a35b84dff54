/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/manifest/member.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/image.h"

#define LOCAL  "containers-storage:"
#define REMOTE "docker://"

typedef struct {
	Json *entry;
	char *image_id; /* NULL: not in the store */
	char *source;   /* NULL: at no registry */
} Member;

static void free_member(void *data)
{
	Member *member = data;
	json_object_put(member->entry);
	g_free(member->image_id);
	g_free(member->source);
	g_free(member);
}

void members_clear(Members *members)
{
	g_clear_pointer(&members->entries, g_ptr_array_unref);
}

/* @entry is taken. */
static void add_member(Members *members, Json *entry, const char *image_id, const char *source)
{
	Member *member = g_new0(Member, 1);
	member->entry = entry;
	member->image_id = g_strdup(image_id);
	member->source = g_strdup(source);
	g_ptr_array_add(members->entries, member);
}

static bool add_image(Store *store, const Image *image, Members *members, GError **error)
{
	Json *entry = image_index_local_entry(store, image, error);
	if (entry)
		add_member(members, entry, image->id, NULL);
	return entry != NULL;
}

/* All that another index of the store has. */
static bool add_index(const ImageIndex *index, Members *members, GError **error)
{
	Json *entries = NULL;
	if (!js_get_array(index->document, "manifests", &entries, error))
		return false;
	for (size_t i = 0; entries && i < json_object_array_length(entries); i++) {
		Json *entry = json_object_array_get_idx(entries, i);
		const char *digest = NULL, *image_id = NULL, *source = NULL;
		if (!js_get_string(entry, "digest", &digest, error))
			return false;
		Json *member = digest ? json_object_object_get(index->members, digest) : NULL;
		if (member && (!js_get_string(member, "image", &image_id, error) ||
			       !js_get_string(member, "source", &source, error)))
			return false;
		add_member(members, json_object_get(entry), image_id, source);
	}
	return true;
}

/* Look in the store. *out_found: false if it has nothing of this name. */
static bool add_local(Store *store, const char *name, const MemberOptions *options,
		      Members *members, bool *out_found, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(ImageIndex) index =
		options->all ? image_index_lookup(store, name, &problem) : NULL;
	g_autoptr(Image) image =
		options->all || problem ? NULL : image_lookup(store, name, &problem);
	*out_found = index || image;
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (index)
		return add_index(index, members, error);
	return !image || add_image(store, image, members, error);
}

/* What skiff-fetch printed: [{"source", "entry"}]. */
static bool read_entries(const char *text, Members *members, GError **error)
{
	g_autoptr(Json) list = js_parse(text, strlen(text), "skiff-fetch's answer", error);
	if (!list)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		Json *item = json_object_array_get_idx(list, i), *entry = NULL;
		const char *source = NULL;
		if (!js_get_string(item, "source", &source, error) ||
		    !js_get_object(item, "entry", &entry, error))
			return false;
		add_member(members, json_object_get(entry), NULL, source);
	}
	return true;
}

static int add_remote(Engine *engine, const char *name, const MemberOptions *options,
		      Members *members)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *answer = NULL;
	g_autoptr(FetchArgs) args = fetch_args_new("manifest");
	registry_options_add(args, &options->registry);
	fetch_args_add_flag(args, "--entries", true);
	fetch_args_add_flag(args, "--all", options->all);
	if (!fetch_args_add_operand(args, name, &error))
		return command_fail(error);
	int code = fetch_args_run(args, engine, &answer);
	if (code == 0 && !read_entries(answer, members, &error))
		return command_fail(error);
	return code;
}

/* Archives and layouts have to be loaded first. */
static bool check_transport(const char *name, GError **error)
{
	static const char *const others[] = {
		"oci:", "oci-archive:", "docker-archive:", "dir:", "docker-daemon:"};
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		if (!g_str_has_prefix(name, others[i]))
			continue;
		error_set(error, ENGINE_ERROR_UNSUPPORTED,
			  "cannot add '%s': only images of the store and of registries", name);
		error_add_help(error, "skiff load -i %s", name + strlen(others[i]));
		return false;
	}
	return true;
}

static int collect_one(Engine *engine, const char *name, const MemberOptions *options,
		       Members *members)
{
	g_autoptr(GError) error = NULL;
	bool found = false, only_local = g_str_has_prefix(name, LOCAL);
	const char *local = only_local ? name + strlen(LOCAL) : name;
	MemberOptions plain = *options;
	if (only_local)
		plain.all = false;
	if (!check_transport(name, &error))
		return command_fail(error);
	if (!g_str_has_prefix(name, REMOTE) &&
	    !add_local(engine_store(engine), local, &plain, members, &found, &error))
		return command_fail(error);
	if (only_local && !found) {
		error_set(&error, ENGINE_ERROR_NOT_FOUND, "%s: image not known", local);
		return command_fail(error);
	}
	return found ? 0 : add_remote(engine, name, options, members);
}

int members_collect(const Invocation *inv, size_t first, Engine *engine,
		    const MemberOptions *options, Members *out)
{
	out->entries = g_ptr_array_new_with_free_func(free_member);
	out->notes = &options->notes;
	int code = 0;
	for (size_t i = first; i < command_n_args(inv) && code == 0; i++)
		code = collect_one(engine, command_arg(inv, i), options, out);
	return code;
}

bool members_put(ImageIndex *index, void *data, GError **error)
{
	const Members *members = data;
	for (guint i = 0; i < members->entries->len; i++) {
		const Member *member = g_ptr_array_index(members->entries, i);
		const char *digest = NULL;
		if (!image_index_put(index, json_object_get(member->entry), member->image_id,
				     member->source, error) ||
		    !js_get_string(member->entry, "digest", &digest, error) ||
		    !image_index_annotate(index, digest, members->notes, error))
			return false;
	}
	return true;
}

bool digest_argument(const char *text, GError **error)
{
	if (digest_is_valid(text))
		return true;
	bool is_short = g_str_has_prefix(text, "sha256:") || g_str_has_prefix(text, "sha512:");
	return error_set(error, ENGINE_ERROR_INVALID, "invalid image digest \"%s\": %s", text,
			 is_short ? "invalid checksum digest length"
				  : "invalid checksum digest format");
}
