/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.json: the most specific scope wins, all of its requirements must hold.
 */
#include "storage/policy.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "storage/registries_conf.h"

struct Policy {
	Json *root; /* NULL: no file, everything is accepted */
	char *name;
};

void policy_free(Policy *policy)
{
	if (!policy)
		return;
	json_object_put(policy->root);
	g_free(policy->name);
	g_free(policy);
}

/* A list of requirements must be an array of objects, each with a "type", and not empty. */
static bool check_requirements(const Policy *policy, const char *scope, Json *list, GError **error)
{
	if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s: '%s' must be a list of requirements that is not empty",
				 policy->name, scope);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		Json *item = json_object_array_get_idx(list, i);
		const char *type = NULL;
		if (!json_object_is_type(item, json_type_object) ||
		    !js_get_string(item, "type", &type, NULL) || !type)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: '%s': requirement %zu has no 'type'", policy->name,
					 scope, i + 1);
	}
	return true;
}

/* Check the whole file at once, so that a mistake in an unused scope is not found years later. */
static bool check_all(const Policy *policy, GError **error)
{
	Json *transports = NULL, *fallback = NULL;
	if (!json_object_is_type(policy->root, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected a JSON object",
				 policy->name);
	if (!json_object_object_get_ex(policy->root, "default", &fallback))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: 'default' is missing",
				 policy->name);
	if (!check_requirements(policy, "default", fallback, error) ||
	    !js_get_object(policy->root, "transports", &transports, error))
		return false;
	if (!transports)
		return true;
	json_object_object_foreach(transports, transport, scopes)
	{
		if (!json_object_is_type(scopes, json_type_object))
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: transport '%s' is not an object", policy->name,
					 transport);
		json_object_object_foreach(scopes, scope, list)
		{
			if (!check_requirements(policy, *scope ? scope : transport, list, error))
				return false;
		}
	}
	return true;
}

Policy *policy_parse(const char *text, const char *name, GError **error)
{
	g_autoptr(Policy) policy = g_new0(Policy, 1);
	policy->name = g_strdup(name);
	policy->root = js_parse(text, strlen(text), name, error);
	if (!policy->root || !check_all(policy, error))
		return NULL;
	return g_steal_pointer(&policy);
}

Policy *policy_load(GError **error)
{
	g_autofree char *own =
		g_build_filename(g_get_user_config_dir(), "containers", "policy.json", NULL);
	const char *const files[] = {own, "/etc/containers/policy.json"};
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(GError) problem = NULL;
		g_autofree char *text = registries_conf_read_file(files[i], &problem);
		if (text)
			return policy_parse(text, files[i], error);
		if (!error_matches(problem, ENGINE_ERROR_NOT_FOUND)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
	}
	return g_new0(Policy, 1);
}

static Json *lookup(Json *scopes, const char *scope)
{
	return json_object_object_get(scopes, scope);
}

/* "registry/a/b", "registry/a", "registry", then "*.example.com", "*.com", then "". */
static Json *find_scope(Json *scopes, const Reference *reference, char **out_scope)
{
	g_autofree char *full = reference_format(reference);
	Json *found = lookup(scopes, full);
	*out_scope = g_strdup(full);
	g_autofree char *scope = g_strconcat(reference->registry, "/", reference->repository, NULL);
	while (!found) {
		g_free(*out_scope);
		*out_scope = g_strdup(scope);
		found = lookup(scopes, scope);
		char *slash = strrchr(scope, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	for (const char *dot = strchr(scope, '.'); !found && dot; dot = strchr(dot + 1, '.')) {
		g_free(*out_scope);
		*out_scope = g_strconcat("*", dot, NULL);
		found = lookup(scopes, *out_scope);
	}
	if (!found) {
		g_free(*out_scope);
		*out_scope = g_strdup("docker");
		found = lookup(scopes, "");
	}
	return found;
}

/* Do all requirements of a scope hold? */
static bool check_scope(const Policy *policy, Json *list, const char *scope, const char *image,
			GError **error)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *type = NULL;
		if (!js_get_string(json_object_array_get_idx(list, i), "type", &type, error))
			return false;
		if (g_strcmp0(type, "insecureAcceptAnything") == 0)
			continue;
		if (g_strcmp0(type, "reject") == 0)
			return error_set(error, ENGINE_ERROR_DENIED,
					 "'%s' is rejected by policy (%s, scope '%s')", image,
					 policy->name, scope);
		error_set(
			error, ENGINE_ERROR_UNSUPPORTED,
			"'%s' needs a signature (%s, scope '%s', '%s'), which this version cannot "
			"check",
			image, policy->name, scope, type);
		error_add_help(error, "give this image's scope another requirement in '%s'",
			       policy->name);
		return false;
	}
	return true;
}

bool policy_check(const Policy *policy, const Reference *reference, GError **error)
{
	if (!policy->root)
		return true;
	g_autofree char *image = reference_format(reference);
	g_autofree char *scope = NULL;
	Json *transports = NULL, *scopes = NULL, *list = NULL;
	if (!js_get_object(policy->root, "transports", &transports, error))
		return false;
	if (transports && !js_get_object(transports, "docker", &scopes, error))
		return false;
	if (scopes)
		list = find_scope(scopes, reference, &scope);
	if (list)
		return check_scope(policy, list, scope, image, error);
	return check_scope(policy, json_object_object_get(policy->root, "default"), "default",
			   image, error);
}
