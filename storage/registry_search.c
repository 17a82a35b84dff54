/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching a registry: the old search API (/v1/search), which Docker Hub and Quay still have, else
 * the catalogue of API v2, whose names are compared here. What comes back is foreign text: names
 * must be those of repositories, descriptions are cut.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "storage/http_header.h"
#include "storage/registry_priv.h"

#define ANSWER_MAX_SIZE      (4u << 20)
#define DESCRIPTION_MAX_SIZE 1000
#define REDIRECTS_MAX        5
#define PAGES_MAX            200

void registry_found_free(RegistryFound *found)
{
	if (!found)
		return;
	g_free(found->name);
	g_free(found->description);
	g_free(found);
}

static void free_found(void *data)
{
	registry_found_free(data);
}

/* Is it a repository's name and nothing else? */
static bool is_repository(const char *name)
{
	g_autofree char *probe = g_strconcat("registry.invalid/", name, NULL);
	g_autoptr(Reference) ref = reference_parse(probe, NULL);
	return ref && !ref->tag && !ref->digest && g_strcmp0(ref->repository, name) == 0;
}

static void add_found(GPtrArray *list, const char *name, const char *description, int64_t stars,
		      bool official, bool automated)
{
	RegistryFound *found = g_new0(RegistryFound, 1);
	found->name = g_strdup(name);
	found->description = g_utf8_make_valid(
		description, (gssize)MIN(strlen(description), DESCRIPTION_MAX_SIZE));
	found->stars = stars;
	found->is_official = official;
	found->is_automated = automated;
	g_ptr_array_add(list, found);
}

static Json *parse_object(const HttpResponse *response, const char *what, GError **error)
{
	g_autoptr(Json) json = js_parse(response->body->str, response->body->len, what, error);
	if (json && !json_object_is_type(json, json_type_object))
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: expected an object", what);
	return g_steal_pointer(&json);
}

/* One result of the old API; one that makes no sense is left out. */
static void take_result(Json *result, GPtrArray *list)
{
	const char *name = NULL, *description = NULL;
	int64_t stars = 0;
	bool official = false, automated = false;
	if (!json_object_is_type(result, json_type_object) ||
	    !js_get_string(result, "name", &name, NULL) ||
	    !js_get_string(result, "description", &description, NULL) ||
	    !js_get_int(result, "star_count", 0, INT64_MAX, &stars, NULL) ||
	    !js_get_bool(result, "is_official", &official, NULL) ||
	    !js_get_bool(result, "is_automated", &automated, NULL) || !name || !is_repository(name))
		return;
	add_found(list, name, description ? description : "", stars, official, automated);
}

/* The old API. Return: false if the registry has none, or with @error. */
static bool search_v1(Registry *registry, const char *term, size_t limit, GPtrArray *list,
		      GError **error)
{
	g_autofree char *base = registry_url(registry, "");
	g_autofree char *origin = http_origin(base);
	g_autofree char *query = http_escape(term);
	g_autofree char *url = g_strdup_printf("%s/v1/search?q=%s&n=%zu", origin, query, limit);
	HttpRequest request = {
		.url = url,
		.accept = "application/json",
		.max_redirects = REDIRECTS_MAX,
		.max_body = ANSWER_MAX_SIZE,
	};
	g_autoptr(HttpResponse) response = registry_send(registry, &request, error);
	if (!response || response->status != 200)
		return false;
	Json *results = NULL;
	g_autoptr(Json) json = parse_object(response, "search results", NULL);
	if (!json || !js_get_array(json, "results", &results, NULL) || !results)
		return false;
	for (size_t i = 0; i < json_object_array_length(results) && list->len < limit; i++)
		take_result(json_object_array_get_idx(results, i), list);
	return true;
}

/* Names of one page that contain the term. */
static bool take_page(const HttpResponse *response, const char *term, size_t limit, GPtrArray *list,
		      GError **error)
{
	g_auto(GStrv) names = NULL;
	g_autoptr(Json) json = parse_object(response, "catalogue", error);
	if (!json || !js_get_strv(json, "repositories", &names, error))
		return false;
	for (size_t i = 0; names && names[i] && list->len < limit; i++)
		if (strstr(names[i], term) && is_repository(names[i]))
			add_found(list, names[i], "", 0, false, false);
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
	return g_strcmp0(origin, ours) == 0 ? g_steal_pointer(&url) : NULL;
}

static bool search_v2(Registry *registry, const char *term, size_t limit, GPtrArray *list,
		      GError **error)
{
	g_autofree char *path = g_strdup("_catalog?n=1000");
	for (int page = 0; path && page < PAGES_MAX && list->len < limit; page++) {
		HttpRequest request = {
			.url = path,
			.accept = "application/json",
			.max_redirects = REDIRECTS_MAX,
			.max_body = ANSWER_MAX_SIZE,
		};
		g_autoptr(HttpResponse) response = registry_request(registry, &request, error);
		if (!response)
			return false;
		if (response->status != 200)
			return registry_set_status_error(registry, response, "searching", error);
		if (!take_page(response, term, limit, list, error))
			return false;
		g_free(path);
		path = next_page(registry, response);
	}
	return true;
}

GPtrArray *registry_search(Registry *registry, const char *term, size_t limit, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_found);
	g_autoptr(GError) problem = NULL;
	registry->is_searched = true;
	/* Finds out whether it speaks plain HTTP; what it says comes again. */
	if (registry->is_insecure) {
		const HttpRequest ping = {.url = ""};
		http_response_free(registry_request(registry, &ping, &problem));
		if (error_matches(problem, ENGINE_ERROR_UNREACHABLE)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
		g_clear_error(&problem);
	}
	if (search_v1(registry, term, limit, list, &problem))
		return g_steal_pointer(&list);
	/* Whatever else it made of that: the catalogue may be fine. */
	if (error_matches(problem, ENGINE_ERROR_UNREACHABLE) ||
	    error_matches(problem, ENGINE_ERROR_CANCELLED)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	return search_v2(registry, term, limit, list, error) ? g_steal_pointer(&list) : NULL;
}
