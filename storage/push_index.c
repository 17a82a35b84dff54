/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/push_index.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/image_index.h"
#include "storage/push_file.h"
#include "storage/push_priv.h"

typedef struct {
	Store *store;
	const ImageIndex *index;
	const PushIndexOptions *options;
	const Reference *destination; /* normalised, with a tag; NULL for a file */
	const char *destination_text;
	Json *document;    /* a copy of the index's, to be sent */
	GPtrArray *pulled; /* ids */
	PushResult *result;
} IndexPush;

static void say(const IndexPush *push, const char *text)
{
	const PullUi *ui = &push->options->push->ui;
	if (ui->message)
		ui->message(text, ui->data);
}

/* Bring an image here that only a registry has. Return: its id. */
static char *pull_member(IndexPush *push, const char *digest, const char *source, GError **error)
{
	const PullOptions options = {
		.registry = push->options->push->registry,
		.policy = PULL_MISSING,
	};
	if (!source)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "the image with the manifest %s is not in the store and no "
				      "registry is known to have it",
				      digest);
	g_autofree char *text = g_strdup_printf("Fetching %s", source);
	say(push, text);
	g_autoptr(PullResult) pulled = image_pull(push->store, source, &options, error);
	if (!pulled) {
		g_prefix_error(error, "fetching '%s': ", source);
		return NULL;
	}
	if (!pulled->was_local)
		g_ptr_array_add(push->pulled, g_strdup(pulled->id));
	return g_strdup(pulled->id);
}

/* The image of an entry, by what is known about it. Return: its id; NULL without @error: the
 * destination has it already. */
static char *find_member(IndexPush *push, const char *digest, GError **error)
{
	const char *id = NULL, *source = NULL;
	Json *member = json_object_object_get(push->index->members, digest);
	if (member && (!js_get_string(member, "image", &id, error) ||
		       !js_get_string(member, "source", &source, error)))
		return NULL;
	g_autoptr(Reference) from = source ? reference_parse(source, NULL) : NULL;
	if (from && push->destination &&
	    g_strcmp0(from->registry, push->destination->registry) == 0 &&
	    strcmp(from->repository, push->destination->repository) == 0)
		return NULL;
	g_autoptr(GError) problem = NULL;
	g_autoptr(Image) image = image_lookup(push->store, id ? id : digest, &problem);
	if (image)
		return g_strdup(image->id);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	return pull_member(push, digest, source, error);
}

/* Push one image and write what it is called now into its entry. */
static bool push_member(IndexPush *push, Json *entry, GError **error)
{
	const char *digest = NULL;
	g_autoptr(GError) problem = NULL;
	if (!js_get_string(entry, "digest", &digest, error) || !digest)
		return false;
	g_autofree char *id = find_member(push, digest, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (!id)
		return true;
	PushOptions options = *push->options->push;
	options.by_digest = true;
	g_autoptr(PushResult) pushed =
		image_push(push->store, id, push->destination_text, &options, error);
	if (!pushed)
		return false;
	js_set_string(entry, "mediaType", pushed->media_type);
	js_set_string(entry, "digest", pushed->digest);
	js_set_int(entry, "size", pushed->manifest_size);
	push->result->n_layers += pushed->n_layers;
	push->result->n_present += pushed->n_present;
	push->result->sent += pushed->sent;
	return true;
}

/* The form that was asked for, else what the entries need. Docker's has no annotations. */
static const char *settle(Json *document, PushFormat format)
{
	Json *entries = NULL;
	switch (format) {
	case PUSH_FORMAT_ANY:
		image_index_settle(document);
		break;
	case PUSH_FORMAT_OCI:
		js_set_string(document, "mediaType", MEDIA_TYPE_OCI_INDEX);
		break;
	case PUSH_FORMAT_DOCKER:
		js_set_string(document, "mediaType", MEDIA_TYPE_DOCKER_LIST);
		json_object_object_del(document, "annotations");
		(void)js_get_array(document, "manifests", &entries, NULL);
		for (size_t i = 0; entries && i < json_object_array_length(entries); i++)
			json_object_object_del(json_object_array_get_idx(entries, i),
					       "annotations");
		break;
	}
	const char *type = NULL;
	(void)js_get_string(document, "mediaType", &type, NULL);
	return g_strcmp0(type, MEDIA_TYPE_OCI_INDEX) == 0 ? MEDIA_TYPE_OCI_INDEX
							  : MEDIA_TYPE_DOCKER_LIST;
}

/* The index under its tag. */
static bool put_index(const IndexPush *push, const char *media_type, GError **error)
{
	const Reference *ref = push->destination;
	g_autoptr(RegistriesConf) conf = registries_conf_load(error);
	g_autoptr(GPtrArray) sources = conf ? registries_conf_sources(conf, ref, error) : NULL;
	if (!sources)
		return false;
	const RegistrySource place = {
		.host = ref->registry,
		.repository = ref->repository,
		.is_insecure = registries_conf_is_insecure(conf, ref->registry),
	};
	const char *text = js_text(push->document);
	g_autoptr(RegistrySession) session =
		registry_session_new(conf, &push->options->push->registry);
	g_autoptr(Registry) registry = registry_open(session, &place, error);
	if (!registry || !registry_open_push(registry, NULL, error))
		return false;
	say(push, "Writing manifest list to image destination");
	if (!registry_put_manifest(registry, ref->tag, media_type, text, strlen(text), error))
		return false;
	push->result->name = reference_format(ref);
	push->result->digest = digest_of(text, strlen(text));
	push->result->manifest_size = (int64_t)strlen(text);
	push->result->media_type = media_type;
	return true;
}

static bool push_all(IndexPush *push, GError **error)
{
	Json *entries = NULL;
	if (!js_get_array(push->document, "manifests", &entries, error) || !entries)
		return false;
	size_t n = json_object_array_length(entries);
	for (size_t i = 0; push->options->all && i < n; i++) {
		g_autofree char *text = g_strdup_printf("Copying image %zu/%zu", i + 1, n);
		say(push, text);
		if (!push_member(push, json_object_array_get_idx(entries, i), error))
			return false;
	}
	return put_index(push, settle(push->document, push->options->push->format), error);
}

/* For storage/save. */
static void settle_file(Json *document, void *data)
{
	const PushFormat *format = data;
	(void)settle(document, *format);
}

/* The images first, so that nothing is written if one is not to be had. */
static PushResult *push_to_file(IndexPush *push, GError **error)
{
	Json *entries = NULL;
	if (!push_file_check_index(push->destination_text, push->options->push, error) ||
	    !js_get_array(push->document, "manifests", &entries, error))
		return NULL;
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; push->options->all && entries && i < json_object_array_length(entries);
	     i++) {
		const char *digest = NULL;
		if (!js_get_string(json_object_array_get_idx(entries, i), "digest", &digest, error))
			return NULL;
		if (!digest)
			return error_set_null(error, ENGINE_ERROR_CORRUPT,
					      "an entry of the list has no digest");
		char *id = find_member(push, digest, error);
		if (!id)
			return NULL;
		g_ptr_array_add(ids, id);
	}
	g_ptr_array_add(ids, NULL);
	/* A layout holds nothing else. */
	PushFormat format = g_str_has_prefix(push->destination_text, "oci")
				    ? PUSH_FORMAT_OCI
				    : push->options->push->format;
	const SaveIndex index = {
		.document = push->document,
		.ids = push->options->all ? (const char *const *)ids->pdata : NULL,
		.settle = settle_file,
		.data = &format,
	};
	return push_file_index(push->store, &index, push->destination_text, push->options->push,
			       error);
}

PushResult *image_index_push(Store *store, const char *name, const char *destination,
			     const PushIndexOptions *options, GPtrArray *pulled, GError **error)
{
	g_autoptr(ImageIndex) index = image_index_resolve(store, name, error);
	const char *text = index ? js_text(index->document) : NULL;
	g_autoptr(Json) copy = text ? js_parse(text, strlen(text), "manifest list", error) : NULL;
	if (!copy)
		return NULL;
	IndexPush push = {
		.store = store,
		.index = index,
		.options = options,
		.destination_text = destination,
		.document = copy,
		.pulled = pulled,
	};
	if (push_is_to_file(destination))
		return push_to_file(&push, error);
	g_autoptr(Image) view = image_index_view(index);
	g_autoptr(Reference) ref = push_parse_destination(view, name, destination, error);
	if (!ref)
		return NULL;
	g_autofree char *ref_text = reference_format(ref);
	g_autoptr(PushResult) result = g_new0(PushResult, 1);
	push.destination = ref;
	push.destination_text = ref_text;
	push.result = result;
	return push_all(&push, error) ? g_steal_pointer(&result) : NULL;
}
