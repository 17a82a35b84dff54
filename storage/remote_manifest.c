/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests at a registry: by any of the names they may have, from the first place that answers.
 */
#include "storage/remote_manifest.h"

#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/image_config.h"

struct RemoteManifest {
	RegistriesConf *conf;
	RegistrySession *session;
	Registry *registry;
	Reference *reference; /* normalised */
	RegistryDocument *document;
};

void remote_manifest_free(RemoteManifest *remote)
{
	if (!remote)
		return;
	registry_document_free(remote->document);
	registry_free(remote->registry);
	registry_session_free(remote->session);
	reference_free(remote->reference);
	registries_conf_free(remote->conf);
	g_free(remote);
}

const RegistryDocument *remote_manifest_document(const RemoteManifest *remote)
{
	return remote->document;
}

/* The digest alone; NULL without @error: the manifest has to be read. */
static char *head_reference(const RemoteManifest *remote, const Reference *reference,
			    GError **error)
{
	if (reference->digest)
		return g_strdup(reference->digest);
	g_autoptr(GPtrArray) sources = registries_conf_sources(remote->conf, reference, error);
	for (guint i = 0; sources && i < sources->len; i++) {
		g_clear_error(error);
		g_autoptr(Registry) registry =
			registry_open(remote->session, g_ptr_array_index(sources, i), error);
		char *digest =
			registry ? registry_head_digest(registry, reference->tag, error) : NULL;
		if (digest)
			return digest;
	}
	return NULL;
}

/* Ask the places of one reference, mirrors first. */
static bool fetch_reference(RemoteManifest *remote, const Reference *reference, GError **error)
{
	g_autoptr(GPtrArray) sources = registries_conf_sources(remote->conf, reference, error);
	const char *wanted = reference->digest ? reference->digest : reference->tag;
	for (guint i = 0; sources && i < sources->len && !remote->document; i++) {
		g_clear_error(error);
		g_clear_pointer(&remote->registry, registry_free);
		remote->registry =
			registry_open(remote->session, g_ptr_array_index(sources, i), error);
		if (remote->registry)
			remote->document = registry_get_manifest(remote->registry, wanted, error);
	}
	return remote->document != NULL;
}

/* What a name may stand for: itself, or a short name's candidates. */
static GPtrArray *candidates_of(const RemoteManifest *remote, const Reference *typed,
				GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)reference_free);
	if (!reference_is_short(typed)) {
		g_ptr_array_add(list, reference_normalize(typed));
		return g_steal_pointer(&list);
	}
	g_autoptr(ShortName) found = registries_conf_short_name(remote->conf, typed, error);
	if (!found)
		return NULL;
	for (guint i = 0; i < found->candidates->len; i++)
		g_ptr_array_add(list, reference_normalize(g_ptr_array_index(found->candidates, i)));
	return g_steal_pointer(&list);
}

RemoteManifest *remote_manifest_open(const char *name, const RegistryOptions *options,
				     GError **error)
{
	if (g_str_has_prefix(name, "docker://"))
		name += strlen("docker://");
	g_autoptr(Reference) typed = reference_parse(name, error);
	if (!typed)
		return NULL;
	g_autoptr(RemoteManifest) remote = g_new0(RemoteManifest, 1);
	remote->conf = registries_conf_load(error);
	if (!remote->conf)
		return NULL;
	remote->session = registry_session_new(remote->conf, options);
	g_autoptr(GPtrArray) candidates = candidates_of(remote, typed, error);
	for (guint i = 0; candidates && i < candidates->len && !remote->document; i++) {
		g_clear_error(error);
		(void)fetch_reference(remote, g_ptr_array_index(candidates, i), error);
		if (remote->document)
			remote->reference = reference_normalize(g_ptr_array_index(candidates, i));
	}
	return remote->document ? g_steal_pointer(&remote) : NULL;
}

char *remote_manifest_digest(const char *name, const RegistryOptions *options, GError **error)
{
	g_autoptr(Reference) typed = reference_parse(name, error);
	if (!typed)
		return NULL;
	g_autoptr(RemoteManifest) remote = g_new0(RemoteManifest, 1);
	remote->conf = registries_conf_load(error);
	if (!remote->conf)
		return NULL;
	remote->session = registry_session_new(remote->conf, options);
	g_autoptr(Reference) reference = reference_normalize(typed);
	g_autoptr(GError) failed = NULL;
	char *digest = head_reference(remote, reference, &failed);
	if (failed) {
		g_propagate_error(error, g_steal_pointer(&failed));
		return NULL;
	}
	return digest || !fetch_reference(remote, reference, error)
		       ? digest
		       : g_strdup(remote->document->digest);
}

static Manifest *parse_document(const RegistryDocument *document, GError **error)
{
	return manifest_parse(document->body->str, document->body->len, document->content_type,
			      error);
}

/* Members of an index are asked for by digest; what comes must have the size it announced. */
static RegistryDocument *fetch_member(const RemoteManifest *remote, const Descriptor *member,
				      GError **error)
{
	g_autoptr(RegistryDocument) document =
		registry_get_manifest(remote->registry, member->digest, error);
	if (document && (int64_t)document->body->len != member->size)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "manifest %s in %s has %zu bytes, its index announced "
				      "%" G_GINT64_FORMAT,
				      member->digest, registry_name(remote->registry),
				      document->body->len, member->size);
	return g_steal_pointer(&document);
}

/* "platform" as an index writes it. */
static Json *platform_json(const char *os, const char *architecture, const char *variant)
{
	Json *platform = json_object_new_object();
	js_set_string(platform, "architecture", architecture);
	js_set_string(platform, "os", os);
	js_set_string(platform, "variant", variant);
	return platform;
}

static Json *config_platform(const RemoteManifest *remote, const Manifest *manifest, GError **error)
{
	g_autoptr(GString) text = registry_get_blob(remote->registry, manifest->config.digest,
						    manifest->config.size, error);
	g_autoptr(ImageConfig) config =
		text ? image_config_parse(text->str, text->len, error) : NULL;
	return config ? platform_json(config->os, config->architecture, config->variant) : NULL;
}

/* The descriptor of an image that no index describes. */
static Json *describe(const RemoteManifest *remote, const RegistryDocument *document,
		      const Manifest *manifest, GError **error)
{
	Json *platform = config_platform(remote, manifest, error);
	if (!platform)
		return NULL;
	Json *entry = json_object_new_object();
	js_set_string(entry, "mediaType", manifest->media_type);
	js_set_string(entry, "digest", document->digest);
	js_set_int(entry, "size", (int64_t)document->body->len);
	js_set_take(entry, "platform", platform);
	return entry;
}

/* @entry is taken. */
static void add_entry(const RemoteManifest *remote, Json *list, const char *digest, Json *entry)
{
	g_autofree char *source = g_strconcat(remote->reference->registry, "/",
					      remote->reference->repository, "@", digest, NULL);
	Json *item = json_object_new_object();
	js_set_string(item, "source", source);
	js_set_take(item, "entry", entry);
	json_object_array_add(list, item);
}

/* Entries of an index as they stand there: those that are wanted. */
static bool add_entries(const RemoteManifest *remote, const Manifest *manifest,
			const Descriptor *only, Json *list, GError **error)
{
	const GString *body = remote->document->body;
	Json *entries = NULL;
	g_autoptr(Json) json = js_parse(body->str, body->len, "manifest", error);
	if (!json || !js_get_array(json, "manifests", &entries, error))
		return false;
	for (guint i = 0; i < manifest->manifests->len; i++) {
		const Descriptor *member = g_ptr_array_index(manifest->manifests, i);
		if (only && member != only)
			continue;
		Json *entry = json_object_array_get_idx(entries, i);
		add_entry(remote, list, member->digest, json_object_get(entry));
	}
	return true;
}

Json *remote_manifest_entries(RemoteManifest *remote, const Platform *platform, bool all,
			      GError **error)
{
	g_autoptr(Manifest) manifest = parse_document(remote->document, error);
	if (!manifest)
		return NULL;
	g_autoptr(Json) list = json_object_new_array();
	if (manifest->kind == MANIFEST_IMAGE) {
		Json *entry = describe(remote, remote->document, manifest, error);
		if (!entry)
			return NULL;
		add_entry(remote, list, remote->document->digest, entry);
		return g_steal_pointer(&list);
	}
	g_auto(Platform) host = {0};
	platform_host(&host);
	const Descriptor *only = NULL;
	if (!all) {
		only = manifest_choose(manifest, platform ? platform : &host, error);
		if (!only)
			return NULL;
	}
	return add_entries(remote, manifest, only, list, error) ? g_steal_pointer(&list) : NULL;
}

/* One manifest in docker's words. @descriptor is taken; NULL passes a failure on. */
static Json *verbose_item(const RemoteManifest *remote, const RegistryDocument *document,
			  const char *digest, Json *descriptor, GError **error)
{
	g_autoptr(Json) described = descriptor;
	g_autofree char *name = reference_format(remote->reference);
	g_autofree char *ref = digest && !remote->reference->digest
				       ? g_strconcat(name, "@", digest, NULL)
				       : g_strdup(name);
	g_autofree char *raw =
		g_base64_encode((const guchar *)document->body->str, document->body->len);
	Json *parsed =
		described ? js_parse(document->body->str, document->body->len, "manifest", error)
			  : NULL;
	if (!parsed)
		return NULL;
	const char *type = NULL;
	(void)js_get_string(described, "mediaType", &type, NULL);
	Json *item = json_object_new_object();
	js_set_string(item, "Ref", ref);
	js_set_take(item, "Descriptor", g_steal_pointer(&described));
	js_set_string(item, "Raw", raw);
	js_set_take(item,
		    g_strcmp0(type, MEDIA_TYPE_DOCKER_MANIFEST) == 0 ? "SchemaV2Manifest"
								     : "OCIManifest",
		    parsed);
	return item;
}

/* All that an index names. */
static Json *verbose_list(const RemoteManifest *remote, const Manifest *manifest, GError **error)
{
	g_autoptr(Json) entries = json_object_new_array();
	g_autoptr(Json) list = json_object_new_array();
	if (!add_entries(remote, manifest, NULL, entries, error))
		return NULL;
	for (guint i = 0; i < manifest->manifests->len; i++) {
		const Descriptor *member = g_ptr_array_index(manifest->manifests, i);
		g_autoptr(RegistryDocument) document = fetch_member(remote, member, error);
		Json *entry = NULL;
		if (!document ||
		    !js_get_object(json_object_array_get_idx(entries, i), "entry", &entry, error))
			return NULL;
		Json *item = verbose_item(remote, document, member->digest, json_object_get(entry),
					  error);
		if (!item)
			return NULL;
		json_object_array_add(list, item);
	}
	return g_steal_pointer(&list);
}

Json *remote_manifest_verbose(RemoteManifest *remote, GError **error)
{
	g_autoptr(Manifest) manifest = parse_document(remote->document, error);
	if (!manifest)
		return NULL;
	if (manifest->kind == MANIFEST_INDEX)
		return verbose_list(remote, manifest, error);
	Json *descriptor = describe(remote, remote->document, manifest, error);
	return verbose_item(remote, remote->document, NULL, descriptor, error);
}
