/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of a registry: login check, manifests, blobs, tags. Every byte with a known digest
 * is checked against it here, except streamed blobs, which their receiver checks.
 */
#include "storage/registry.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/wall.h"
#include "storage/digest.h"
#include "storage/http_header.h"
#include "storage/manifest.h"
#include "storage/registry_priv.h"

#define REDIRECTS_MAX  5
#define TAG_PAGES_MAX  200
#define TAGS_MAX_COUNT 100000

void registry_document_free(RegistryDocument *document)
{
	if (!document)
		return;
	g_string_free(document->body, TRUE);
	g_free(document->content_type);
	g_free(document->digest);
	g_free(document);
}

/* The digest of @body in the algorithm of @digest (sha256 without one). */
static char *digest_like(const char *digest, const GString *body)
{
	bool long_one = digest && g_str_has_prefix(digest, "sha512:");
	g_autofree char *hex = g_compute_checksum_for_data(
		long_one ? G_CHECKSUM_SHA512 : G_CHECKSUM_SHA256, (guchar *)body->str, body->len);
	return g_strconcat(long_one ? "sha512:" : "sha256:", hex, NULL);
}

bool registry_check_login(Registry *registry, GError **error)
{
	HttpRequest request = {.url = ""};
	g_autoptr(GError) problem = NULL;
	g_autoptr(HttpResponse) response = registry_request(registry, &request, &problem);
	if (response && response->status == 200)
		return true;
	bool refused = response ? response->status == 401 || response->status == 403
				: registry->is_refused;
	if (!refused && response)
		return registry_set_status_error(registry, response, "logging in", error);
	if (!refused) {
		g_propagate_prefixed_error(error, g_steal_pointer(&problem),
					   "logging into \"%s\": ", registry->name);
		return false;
	}
	return error_set(error, ENGINE_ERROR_DENIED,
			 "logging into \"%s\": invalid username/password", registry->name);
}

/* Take the body of a manifest's answer, checked against every digest that is known. */
static RegistryDocument *check_manifest(const Registry *registry, HttpResponse *response,
					const char *tag_or_digest, GError **error)
{
	const char *type = http_response_header(response, "content-type");
	const char *said = http_response_header(response, "docker-content-digest");
	bool by_digest = strchr(tag_or_digest, ':') != NULL;
	g_autofree char *wanted = g_strdup(by_digest ? tag_or_digest : NULL);
	if (!wanted && said && digest_is_valid(said))
		wanted = g_strdup(said);
	g_autofree char *digest = digest_like(wanted, response->body);
	if (wanted && strcmp(wanted, digest) != 0 && wall_stands("manifest-digest"))
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "manifest %s in %s: the registry sent other bytes (%s%s)",
				      tag_or_digest, registry->name, digest,
				      by_digest ? "" : ", not what it announced");
	RegistryDocument *document = g_new0(RegistryDocument, 1);
	document->content_type = g_strdup(type);
	document->digest = g_steal_pointer(&digest);
	document->body = response->body;
	response->body = g_string_new(NULL);
	return document;
}

RegistryDocument *registry_get_manifest(Registry *registry, const char *tag_or_digest,
					GError **error)
{
	g_autofree char *path =
		g_strdup_printf("%s/manifests/%s", registry->repository, tag_or_digest);
	g_autofree char *what = g_strdup_printf("reading manifest %s", tag_or_digest);
	HttpRequest request = {
		.url = path,
		.accept = manifest_media_types(),
		.max_redirects = REDIRECTS_MAX,
		.max_body = MANIFEST_MAX_SIZE,
	};
	g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
	if (!response) {
		g_prefix_error(error, "%s in %s: ", what, registry->name);
		return NULL;
	}
	if (response->status != 200) {
		registry_set_status_error(registry, response, what, error);
		return NULL;
	}
	return check_manifest(registry, response, tag_or_digest, error);
}

char *registry_head_digest(Registry *registry, const char *tag, GError **error)
{
	g_autofree char *path = g_strdup_printf("%s/manifests/%s", registry->repository, tag);
	HttpRequest request = {
		.url = path,
		.method = "HEAD",
		.accept = manifest_media_types(),
		.max_redirects = REDIRECTS_MAX,
	};
	g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
	if (!response)
		return NULL;
	if (response->status != 200) {
		registry_set_status_error(registry, response, "looking at the manifest", error);
		return NULL;
	}
	const char *digest = http_response_header(response, "docker-content-digest");
	return digest && digest_is_valid(digest) ? g_strdup(digest) : NULL;
}

GString *registry_get_blob(Registry *registry, const char *digest, int64_t size, GError **error)
{
	g_autofree char *path = g_strdup_printf("%s/blobs/%s", registry->repository, digest);
	HttpRequest request = {
		.url = path,
		.max_redirects = REDIRECTS_MAX,
		.max_body = (size_t)size + 1,
	};
	g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
	if (!response)
		return NULL;
	if (response->status != 200) {
		registry_set_status_error(registry, response, "reading a blob", error);
		return NULL;
	}
	g_autofree char *got = digest_like(digest, response->body);
	if ((int64_t)response->body->len != size || strcmp(got, digest) != 0)
		return error_set_null(error, ENGINE_ERROR_CORRUPT,
				      "blob %s in %s: the registry sent other bytes (%zu of %s)",
				      digest, registry->name, response->body->len, got);
	GString *body = response->body;
	response->body = g_string_new(NULL);
	return body;
}

/* Add one page's tags; names that are no tags are left out. */
static bool add_tags(const HttpResponse *response, GPtrArray *tags, GError **error)
{
	g_autoptr(Json) json =
		js_parse(response->body->str, response->body->len, "list of tags", error);
	g_auto(GStrv) page = NULL;
	if (!json)
		return false;
	if (!json_object_is_type(json, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "list of tags: expected an object");
	if (!js_get_strv(json, "tags", &page, error))
		return false;
	for (size_t i = 0; page && page[i]; i++) {
		g_autofree char *probe = g_strconcat("a:", page[i], NULL);
		g_autoptr(Reference) ref = reference_parse(probe, NULL);
		if (ref && g_strcmp0(ref->tag, page[i]) == 0)
			g_ptr_array_add(tags, g_strdup(page[i]));
	}
	if (tags->len > TAGS_MAX_COUNT)
		return error_set(error, ENGINE_ERROR_INVALID, "list of tags: more than %d",
				 TAGS_MAX_COUNT);
	return true;
}

/* The next page's URL, only if it is the registry's own; NULL at the end. */
static char *next_page(const Registry *registry, const HttpResponse *response)
{
	const char *link = http_response_header(response, "link");
	g_autofree char *target = link ? http_link_next(link) : NULL;
	g_autofree char *url = target ? http_url_join(response->url, target) : NULL;
	g_autofree char *origin = url ? http_origin(url) : NULL;
	g_autofree char *base = registry_url(registry, "");
	g_autofree char *ours = http_origin(base);
	return origin && strcmp(origin, ours) == 0 ? g_steal_pointer(&url) : NULL;
}

char **registry_list_tags(Registry *registry, GError **error)
{
	g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_strdup_printf("%s/tags/list?n=1000", registry->repository);
	for (int page = 0; path && page < TAG_PAGES_MAX; page++) {
		HttpRequest request = {
			.url = path,
			.accept = "application/json",
			.max_body = MANIFEST_MAX_SIZE,
			.max_redirects = REDIRECTS_MAX,
		};
		g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
		if (!response)
			return NULL;
		if (response->status != 200) {
			registry_set_status_error(registry, response, "listing tags", error);
			return NULL;
		}
		if (!add_tags(response, tags, error))
			return NULL;
		g_free(path);
		path = next_page(registry, response);
	}
	if (path)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "list of tags: more than %d pages", TAG_PAGES_MAX);
	g_ptr_array_add(tags, NULL);
	g_ptr_array_set_free_func(tags, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&tags), FALSE);
}

HttpTransfer *registry_start_blob(Registry *registry, const char *digest, int64_t offset,
				  HttpSink sink, void *data, unsigned *out_generation,
				  GError **error)
{
	if (!registry_refresh(registry, error))
		return NULL;
	g_autofree char *path = g_strdup_printf("%s/blobs/%s", registry->repository, digest);
	g_autofree char *url = registry_url(registry, path);
	HttpRequest request = {
		.url = url,
		.authorization = registry->authorization,
		.range_first = offset,
		.max_redirects = REDIRECTS_MAX,
		.sink = sink,
		.sink_data = data,
	};
	*out_generation = registry->generation;
	return http_start(registry->session->http, &request, error);
}

/* A 401 in the middle: renew the token, once for all transfers that carried the old one. */
static RegistryBlobEnd end_unauthorized(Registry *registry, const HttpResponse *response,
					unsigned generation, RegistryAttempts *attempts,
					GError **error)
{
	if (attempts->auth_failures++ >= 2) {
		registry_set_status_error(registry, response, "reading a blob", error);
		return REGISTRY_BLOB_FAILED;
	}
	return registry_authenticate(registry, response, generation, error) ? REGISTRY_BLOB_AGAIN
									    : REGISTRY_BLOB_FAILED;
}

RegistryBlobEnd registry_end_blob(Registry *registry, HttpTransfer *transfer, unsigned generation,
				  RegistryAttempts *attempts, int64_t *out_delay_ms, GError **error)
{
	g_autoptr(GError) problem = NULL;
	const HttpResponse *response = http_transfer_response(transfer);
	int64_t retry_after = -1;
	*out_delay_ms = 0;
	if (http_transfer_check(transfer, &problem)) {
		int status = response->status;
		if (status == 200 || status == 206)
			return REGISTRY_BLOB_COMPLETE;
		if (status == 401)
			return end_unauthorized(registry, response, generation, attempts, error);
		registry_set_status_error(registry, response, "reading a blob", &problem);
		retry_after = registry_retry_after(response);
		/* 416: it holds another size than what we had thought; look at it from the start.
		 */
		if (status == 416 && !attempts->no_range) {
			attempts->no_range = true;
			return REGISTRY_BLOB_AGAIN;
		}
	}
	if (error_matches(problem, ENGINE_ERROR_UNREACHABLE) &&
	    registry_backoff(registry, attempts, retry_after, false, out_delay_ms)) {
		registry_notice(registry, "%s; trying again in %.1f s", problem->message,
				(double)*out_delay_ms / 1000);
		return REGISTRY_BLOB_AGAIN;
	}
	g_propagate_error(error, g_steal_pointer(&problem));
	return REGISTRY_BLOB_FAILED;
}
