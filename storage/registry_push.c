/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is sent to a registry. Where an upload goes is the registry's word (Location), so our
 * credentials are put on a request only if its URL has the registry's own scheme, host and port.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "storage/digest.h"
#include "storage/registry_priv.h"

#define REDIRECTS_MAX 5

bool registry_open_push(Registry *registry, const char *const *sources, GError **error)
{
	registry->is_pushed_to = true;
	registry->sources = g_strdupv((char **)sources);
	HttpRequest request = {.url = ""};
	g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
	if (!response) {
		g_prefix_error(error, "pinging container registry %s: ", registry->host);
		return false;
	}
	/* Some registries serve nothing there; only a refusal says that a push is pointless. */
	if (response->status != 401 && response->status != 403)
		return true;
	return registry_set_status_error(registry, response, "pushing", error);
}

/* Is this URL at the registry itself? */
static bool is_own_url(const Registry *registry, const char *url)
{
	g_autofree char *base = registry_url(registry, "");
	g_autofree char *ours = http_origin(base);
	g_autofree char *theirs = http_origin(url);
	return g_strcmp0(ours, theirs) == 0;
}

HttpTransfer *registry_start_upload(Registry *registry, const RegistryUploadRequest *wanted,
				    unsigned *out_generation, GError **error)
{
	if (!registry_refresh(registry, error))
		return NULL;
	g_autofree char *path =
		wanted->url ? NULL : g_strconcat(registry->repository, "/", wanted->path, NULL);
	g_autofree char *own = path ? registry_url(registry, path) : NULL;
	HttpRequest request = {
		.url = own ? own : wanted->url,
		.method = wanted->method,
		.body = wanted->body,
		.max_redirects = wanted->follow_redirects ? REDIRECTS_MAX : 0,
	};
	if (is_own_url(registry, request.url))
		request.authorization = registry->authorization;
	*out_generation = registry->generation;
	return http_start(registry->session->http, &request, error);
}

/* Renew what was refused, once for all requests that carried it. */
static RegistryBlobEnd end_unauthorized(Registry *registry, const HttpResponse *response,
					unsigned generation, const char *what,
					RegistryAttempts *attempts, GError **error)
{
	if (attempts->auth_failures++ >= 2) {
		registry_set_status_error(registry, response, what, error);
		return REGISTRY_BLOB_FAILED;
	}
	return registry_authenticate(registry, response, generation, error) ? REGISTRY_BLOB_AGAIN
									    : REGISTRY_BLOB_FAILED;
}

RegistryBlobEnd registry_end_upload(Registry *registry, HttpTransfer *transfer, unsigned generation,
				    const char *what, RegistryAttempts *attempts,
				    int64_t *out_delay_ms, GError **error)
{
	g_autoptr(GError) problem = NULL;
	const HttpResponse *response = http_transfer_response(transfer);
	int64_t retry_after = -1;
	*out_delay_ms = 0;
	if (http_transfer_check(transfer, &problem)) {
		if (response->status == 401)
			return end_unauthorized(registry, response, generation, what, attempts,
						error);
		if (!registry_status_is_temporary(response->status))
			return REGISTRY_BLOB_COMPLETE;
		registry_set_status_error(registry, response, what, &problem);
		retry_after = registry_retry_after(response);
	} else {
		g_prefix_error(&problem, "%s: ", what);
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

bool registry_fail_upload(const Registry *registry, const HttpResponse *response, const char *what,
			  GError **error)
{
	if (response->status == 413)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s in %s: the registry refuses bodies of this size (HTTP 413)",
				 what, registry->name);
	return registry_set_status_error(registry, response, what, error);
}

bool registry_check_digest(const Registry *registry, const HttpResponse *response,
			   const char *digest, GError **error)
{
	const char *said = http_response_header(response, "docker-content-digest");
	if (!said || strcmp(said, digest) == 0)
		return true;
	g_autofree char *shown = registry_text(said, strlen(said));
	return error_set(error, ENGINE_ERROR_CORRUPT,
			 "the registry %s stored other bytes than were sent: %s, not %s",
			 registry->name, shown, digest);
}

bool registry_put_manifest(Registry *registry, const char *tag_or_digest, const char *media_type,
			   const char *text, size_t size, GError **error)
{
	g_autofree char *path =
		g_strdup_printf("%s/manifests/%s", registry->repository, tag_or_digest);
	const HttpBody body = {
		.content_type = media_type, .data = text, .fd = -1, .size = (int64_t)size};
	HttpRequest request = {.url = path, .method = "PUT", .body = &body};
	g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
	if (!response) {
		g_prefix_error(error, "uploading manifest %s to %s: ", tag_or_digest,
			       registry->name);
		return false;
	}
	if (response->status / 100 != 2)
		return registry_fail_upload(registry, response, "uploading manifest", error);
	g_autofree char *digest = digest_of(text, size);
	return registry_check_digest(registry, response, digest, error);
}
