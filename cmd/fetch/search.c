/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch search [--list-tags] [--limit N] [--tls-verify BOOL] [--creds-fd N]
 *	[--authfile FILE] [--cert-dir DIR] TERM
 *
 * A JSON array to stdout: {"Index","Name","Description","Stars","Official","Automated"}, or with
 * --list-tags one {"Name","Tags"}.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/escape.h"
#include "cmd/fetch/cancel.h"
#include "cmd/fetch/fetch_verb.h"
#include "cmd/fetch/registry_options.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/units.h"

#define LIMIT_DEFAULT 25
#define LIMIT_MAX     5000
#define DOCKER_HUB    "docker.io"
#define DOCKER_INDEX  "index.docker.io"

typedef struct {
	RegistryArgs registry;
	const char *limit;
	bool list_tags;
} SearchArgs;

/* "registry.example/app" is about one registry; "app" and "team/app" about all that are searched.
 */
static bool names_registry(const char *term)
{
	g_autofree char *first = g_strndup(term, strcspn(term, "/"));
	return strchr(term, '/') && (strpbrk(first, ".:") || strcmp(first, "localhost") == 0);
}

/* One row of JSON per image that was found. */
static void add_rows(Json *rows, const char *registry, const GPtrArray *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const RegistryFound *found = g_ptr_array_index(list, i);
		bool in_library = strcmp(registry, DOCKER_HUB) == 0 && !strchr(found->name, '/');
		g_autofree char *name =
			g_strconcat(registry, in_library ? "/library/" : "/", found->name, NULL);
		Json *row = json_object_new_object();
		js_set_string(row, "Index", registry);
		js_set_string(row, "Name", name);
		js_set_string(row, "Description", found->description);
		js_set_int(row, "Stars", found->stars);
		js_set_string(row, "Official", found->is_official ? "[OK]" : "");
		js_set_string(row, "Automated", found->is_automated ? "[OK]" : "");
		json_object_array_add(rows, row);
	}
}

static bool search_one(const RegistriesConf *conf, RegistrySession *session, const char *registry,
		       const char *term, size_t limit, Json *rows, GError **error)
{
	bool hub = strcmp(registry, DOCKER_HUB) == 0;
	const RegistrySource source = {
		.host = (char *)(hub ? DOCKER_INDEX : registry),
		.repository = (char *)"",
		.is_insecure = registries_conf_is_insecure(conf, registry),
	};
	g_autoptr(Registry) reg = registry_open(session, &source, error);
	g_autoptr(GPtrArray) found = reg ? registry_search(reg, term, limit, error) : NULL;
	if (!found) {
		g_prefix_error(error, "couldn't search registry \"%s\": ", registry);
		return false;
	}
	add_rows(rows, registry, found);
	return true;
}

/* All that are searched; one that fails is told if another can be. */
static bool search_all(const RegistriesConf *conf, RegistrySession *session, const char *term,
		       size_t limit, Json *rows, GError **error)
{
	g_autoptr(GError) failed = NULL;
	const char *const *registries = registries_conf_search(conf);
	size_t searched = 0;
	for (size_t i = 0; registries[i]; i++) {
		g_autoptr(GError) problem = NULL;
		if (search_one(conf, session, registries[i], term, limit, rows, &problem)) {
			searched++;
			continue;
		}
		g_autofree char *text = escape_terminal(problem->message, true);
		if (registries[1])
			(void)fprintf(stderr, "Warning: %s\n", text);
		if (!failed)
			failed = g_steal_pointer(&problem);
		if (error_matches(failed, ENGINE_ERROR_CANCELLED))
			break;
	}
	/* Where no registry is searched nothing is found, which podman does not call an error. */
	if (searched > 0 || !failed)
		return true;
	g_propagate_error(error, g_steal_pointer(&failed));
	return false;
}

/* --list-tags: the tags of one repository. */
static bool list_tags(const RegistriesConf *conf, RegistrySession *session, const char *term,
		      size_t limit, Json *rows, GError **error)
{
	g_autoptr(Reference) typed = reference_parse(term, NULL);
	if (!typed)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "reference \"%s\" must be a docker reference",
				 names_registry(term) ? strchr(term, '/') + 1 : term);
	if (typed->tag || typed->digest)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s': tags are listed of a repository, without tag or digest",
				 term);
	g_autoptr(Reference) ref = reference_normalize(typed);
	g_autoptr(GPtrArray) sources = registries_conf_sources(conf, ref, error);
	if (!sources)
		return false;
	g_autoptr(Registry) registry =
		registry_open(session, g_ptr_array_index(sources, sources->len - 1), error);
	g_auto(GStrv) tags = registry ? registry_list_tags(registry, error) : NULL;
	if (!tags)
		return false;
	Json *row = json_object_new_object();
	Json *list = json_object_new_array();
	g_autofree char *name = g_strconcat(ref->registry, "/", ref->repository, NULL);
	for (size_t i = 0; i < limit && tags[i]; i++)
		json_object_array_add(list, json_object_new_string(tags[i]));
	js_set_string(row, "Name", name);
	js_set_take(row, "Tags", list);
	json_object_array_add(rows, row);
	return true;
}

static bool search(const SearchArgs *args, const char *term, const RegistryOptions *options,
		   Json *rows, GError **error)
{
	uint64_t limit = LIMIT_DEFAULT;
	if (args->limit && !units_parse_uint(args->limit, LIMIT_MAX, &limit, error))
		return false;
	limit = limit > 0 ? limit : LIMIT_DEFAULT;
	g_autoptr(RegistriesConf) conf = registries_conf_load(error);
	if (!conf)
		return false;
	g_autoptr(RegistrySession) session = registry_session_new(conf, options);
	if (args->list_tags)
		return list_tags(conf, session, term, limit, rows, error);
	if (!names_registry(term))
		return search_all(conf, session, term, limit, rows, error);
	g_autofree char *registry = g_strndup(term, strcspn(term, "/"));
	return search_one(conf, session, registry, strchr(term, '/') + 1, limit, rows, error);
}

int fetch_search(FetchCall *call, GError **error)
{
	SearchArgs args = {0};
	RegistryOptions options = {0};
	g_autoptr(Credentials) credentials = NULL;
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const FetchOption rows[] = {
		{.name = "--authfile", .value = &args.registry.authfile},
		{.name = "--cert-dir", .value = &args.registry.cert_dir},
		{.name = "--creds-fd", .secret = &args.registry.creds},
		{.name = "--tls-verify", .value = &args.registry.tls_verify},
		{.name = "--limit", .value = &args.limit},
		{.name = "--list-tags", .flag = &args.list_tags},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error) ||
	    !registry_args_read(&args.registry, &options, &credentials, error))
		return FETCH_FAILED;
	if (operands->len != 1) {
		(void)error_set(error, ENGINE_ERROR_INVALID, "search needs one term");
		return FETCH_FAILED;
	}
	options.cancelled = cancel_on_signals();
	g_autoptr(Json) found = json_object_new_array();
	if (!search(&args, operands->pdata[0], &options, found, error))
		return FETCH_FAILED;
	(void)printf("%s\n", js_text(found));
	return 0;
}
