/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.json: the most specific scope wins, all of its requirements must hold.
 */
#include "storage/policy.h"

#include <fcntl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "storage/registries_conf.h"
#include "storage/signed_by.h"

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
		/* Whoever writes a key beside "accept anything" means something by it. */
		bool is_plain =
			strcmp(type, "insecureAcceptAnything") == 0 || strcmp(type, "reject") == 0;
		if (is_plain && json_object_object_length(item) != 1)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "%s: '%s': requirement %zu has a key that '%s' does not "
					 "know",
					 policy->name, scope, i + 1, type);
		g_autoptr(SignedBy) need =
			strcmp(type, "signedBy") == 0 ? signed_by_parse(item, error) : NULL;
		if (strcmp(type, "signedBy") == 0 && !need) {
			g_prefix_error(error, "%s: '%s': requirement %zu: ", policy->name, scope,
				       i + 1);
			return false;
		}
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
	json_object_object_foreach(policy->root, key, value)
	{
		(void)value;
		if (strcmp(key, "default") != 0 && strcmp(key, "transports") != 0)
			return error_set(error, ENGINE_ERROR_INVALID, "%s: unknown key '%s'",
					 policy->name, key);
	}
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
	if (!policy->root)
		return NULL;
	if (!js_has_unique_keys(text, strlen(text), policy->root))
		return error_set_null(error, ENGINE_ERROR_INVALID, "%s: a key is there twice",
				      name);
	if (!check_all(policy, error))
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

/* Do all requirements of a scope hold? @image: with its transport, as podman names it. */
static bool check_scope(const Policy *policy, Json *list, const char *scope, const char *image,
			GPtrArray *signed_by, GError **error)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *type = NULL;
		Json *item = json_object_array_get_idx(list, i);
		if (!js_get_string(item, "type", &type, error))
			return false;
		if (g_strcmp0(type, "insecureAcceptAnything") == 0)
			continue;
		if (signed_by && g_strcmp0(type, "signedBy") == 0) {
			SignedBy *need = signed_by_parse(item, error);
			if (!need)
				return false;
			g_ptr_array_add(signed_by, need);
			continue;
		}
		if (g_strcmp0(type, "reject") == 0) {
			error_set(error, ENGINE_ERROR_DENIED,
				  "Source image rejected: Running image %s is rejected by policy.",
				  image);
			error_add_help(error, "the scope '%s' of '%s' says so", scope,
				       policy->name);
			return false;
		}
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

/* The scopes of a transport; NULL without @error: the file has none. */
static bool find_transport(const Policy *policy, const char *transport, Json **out, GError **error)
{
	Json *transports = NULL;
	*out = NULL;
	return js_get_object(policy->root, "transports", &transports, error) &&
	       (!transports || js_get_object(transports, transport, out, error));
}

/* By the scope that was found, else by the default for all. */
static bool check_found(const Policy *policy, Json *list, const char *scope, const char *image,
			GPtrArray *signed_by, GError **error)
{
	if (list)
		return check_scope(policy, list, scope, image, signed_by, error);
	return check_scope(policy, json_object_object_get(policy->root, "default"), "default",
			   image, signed_by, error);
}

bool policy_check(const Policy *policy, const Reference *reference, GPtrArray *signed_by,
		  GError **error)
{
	if (!policy->root)
		return true;
	g_autofree char *name = reference_format(reference);
	g_autofree char *image = g_strconcat("docker://", name, NULL);
	g_autofree char *scope = NULL;
	Json *scopes = NULL;
	if (!find_transport(policy, "docker", &scopes, error))
		return false;
	Json *list = scopes ? find_scope(scopes, reference, &scope) : NULL;
	return check_found(policy, list, scope, image, signed_by, error);
}

/* "/a/b:name", "/a/b", "/a", then "". "/" is no scope. */
static Json *find_path(Json *scopes, const char *path, const char *name, char **out_scope)
{
	g_autofree char *scope = name ? g_strconcat(path, ":", name, NULL) : g_strdup(path);
	Json *found = lookup(scopes, scope);
	*out_scope = g_strdup(scope);
	if (name)
		scope[strlen(path)] = '\0';
	while (!found && scope[0] && scope[1]) {
		g_free(*out_scope);
		*out_scope = g_strdup(scope);
		found = lookup(scopes, scope);
		*strrchr(scope, '/') = '\0';
	}
	return found;
}

/* Absolute and without links, as scopes are written. NULL if there is nothing. */
static char *real_path(const char *path)
{
	autofd fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	return fd < 0 ? NULL : g_file_read_link(link, NULL);
}

bool policy_check_archive(const Policy *policy, const char *transport, const char *path,
			  const char *name, GPtrArray *signed_by, GError **error)
{
	if (!policy->root)
		return true;
	g_autofree char *real = strcmp(path, "-") != 0 ? real_path(path) : NULL;
	g_autofree char *image =
		g_strconcat(transport, ":", path, name ? ":" : "", name ? name : "", NULL);
	g_autofree char *scope = NULL;
	Json *scopes = NULL;
	if (!find_transport(policy, transport, &scopes, error))
		return false;
	bool has_scopes = strcmp(transport, "docker-archive") != 0 &&
			  strcmp(transport, "tarball") != 0 &&
			  strcmp(transport, "containers-storage") != 0 && real;
	Json *list = scopes && has_scopes ? find_path(scopes, real, name, &scope) : NULL;
	if (!list && scopes) {
		g_free(scope);
		scope = g_strdup(transport);
		list = lookup(scopes, "");
	}
	return check_found(policy, list, scope, image, signed_by, error);
}
