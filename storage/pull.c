/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull: from the name a user typed to references, places and a result. One image from one place is
 * pull_image.c.
 */
#include "storage/pull.h"

#include <stdarg.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "storage/blob_slot.h"
#include "storage/image.h"
#include "storage/policy.h"
#include "storage/pull_priv.h"
#include "storage/signed_by.h"

typedef struct {
	Store *store;
	const PullOptions *options;
	RegistriesConf *conf;
	Policy *policy;
	RegistrySession *session;
} Context;

static void context_clear(Context *context)
{
	registry_session_free(context->session);
	policy_free(context->policy);
	registries_conf_free(context->conf);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Context, context_clear)

void pull_result_free(PullResult *result)
{
	if (!result)
		return;
	g_free(result->id);
	g_free(result->name);
	g_free(result);
}

static void result_free_item(void *data)
{
	pull_result_free(data);
}

void pull_message(const PullOptions *options, const char *format, ...)
{
	if (!options->ui.message)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	options->ui.message(text, options->ui.data);
}

/* Read the configuration: without a readable policy nothing is pulled. */
static bool context_open(Context *context, GError **error)
{
	context->conf = registries_conf_load(error);
	if (!context->conf)
		return false;
	context->policy = policy_load(error);
	if (!context->policy) {
		g_prefix_error(error, "the policy can't be read, so nothing is accepted: ");
		return false;
	}
	context->session = registry_session_new(context->conf, &context->options->registry);
	blob_slots_sweep(context->store);
	return true;
}

/* Take "docker://" off; other transports are not ours. */
static const char *strip_transport(const char *name, GError **error)
{
	static const char *const others[] = {"oci:", "oci-archive:",   "docker-archive:",
					     "dir:", "docker-daemon:", "containers-storage:"};
	if (g_str_has_prefix(name, "docker://"))
		return name + strlen("docker://");
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		if (!g_str_has_prefix(name, others[i]))
			continue;
		error_set(error, ENGINE_ERROR_UNSUPPORTED, "cannot pull from '%s'", name);
		error_add_help(error, "skiff load -i %s", name + strlen(others[i]));
		return NULL;
	}
	return name;
}

/* Let a person choose among candidates and remember the choice. */
static Reference *choose(const Context *context, const Reference *short_name,
			 const ShortName *found, GError **error)
{
	const PullUi *ui = &context->options->ui;
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < found->candidates->len; i++)
		g_ptr_array_add(texts, reference_format(g_ptr_array_index(found->candidates, i)));
	g_ptr_array_add(texts, NULL);
	int index = ui->choose(short_name->repository, (const char *const *)texts->pdata, ui->data);
	if (index < 0 || (guint)index >= found->candidates->len)
		return error_set_null(error, ENGINE_ERROR_CANCELLED, "no image was chosen");
	Reference *chosen = reference_normalize(g_ptr_array_index(found->candidates, index));
	g_autoptr(GError) problem = NULL;
	if (!registries_conf_remember(short_name, chosen, &problem))
		log_warn("the choice was not remembered: %s", problem->message);
	return chosen;
}

static void reference_free_item(void *data)
{
	reference_free(data);
}

static bool refuse_guess(const ShortName *found, const Reference *reference, const char *why,
			 GError **error)
{
	g_autofree char *first = reference_format(g_ptr_array_index(found->candidates, 0));
	error_set(error, ENGINE_ERROR_INVALID, "%s: '%s' may come from %u registries", why,
		  reference->repository, found->candidates->len);
	error_add_help(error, "write the registry too, e.g. %s", first);
	return false;
}

/* May all candidates be tried, one after the other, without a person who chooses? */
static bool check_guessing(const Context *context, const ShortName *found,
			   const Reference *reference, GError **error)
{
	if (found->needs_choice && registries_conf_mode(context->conf) == SHORT_NAME_ENFORCING)
		return refuse_guess(
			found, reference,
			"short-name resolution enforced but cannot prompt without a TTY", error);
	/* A password is for one registry. */
	if (context->options->registry.credentials && found->candidates->len > 1 &&
	    wall_stands("one-registry"))
		return refuse_guess(found, reference, "credentials were given for one registry",
				    error);
	return true;
}

/* What a name may stand for, in the order to be tried. */
static GPtrArray *resolve_name(const Context *context, const Reference *reference, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(reference_free_item);
	if (!reference_is_short(reference)) {
		g_ptr_array_add(list, reference_normalize(reference));
		return g_steal_pointer(&list);
	}
	g_autoptr(ShortName) found = registries_conf_short_name(context->conf, reference, error);
	if (!found)
		return NULL;
	if (found->needs_choice && context->options->ui.choose) {
		Reference *chosen = choose(context, reference, found, error);
		if (!chosen)
			return NULL;
		g_ptr_array_add(list, chosen);
		return g_steal_pointer(&list);
	}
	if (!check_guessing(context, found, reference, error))
		return NULL;
	g_autofree char *typed = reference_format(reference);
	pull_message(context->options, "Resolved \"%s\" by %s", typed, found->origin);
	for (size_t i = 0; i < found->candidates->len; i++)
		g_ptr_array_add(list, reference_normalize(g_ptr_array_index(found->candidates, i)));
	return g_steal_pointer(&list);
}

static PullResult *result_of(const Image *image, const Reference *reference)
{
	PullResult *result = g_new0(PullResult, 1);
	result->id = g_strdup(image->id);
	result->name = reference_format(reference);
	result->n_layers = result->n_present = g_strv_length(image->chain_ids);
	result->was_local = true;
	return result;
}

/* Is what we have what the registry has now? Only an equal digest says so. */
static bool is_current(const Context *context, const Image *image, const Reference *reference,
		       const GPtrArray *sources)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *digest = NULL;
	for (size_t i = 0; i < sources->len && !digest; i++) {
		g_clear_error(&problem);
		g_autoptr(Registry) registry =
			registry_open(context->session, g_ptr_array_index(sources, i), &problem);
		if (registry)
			digest = registry_head_digest(registry, reference->tag, &problem);
	}
	if (problem) {
		/* Nothing newer is to be had: podman too goes on with what is here. */
		log_warn("cannot look for a newer image: %s", problem->message);
		return true;
	}
	g_autofree char *wanted = g_strconcat("@", digest ? digest : "", NULL);
	for (size_t i = 0; digest && image->repo_digests[i]; i++)
		if (g_str_has_suffix(image->repo_digests[i], wanted))
			return true;
	return false;
}

/* The image the policy is content with. @out NULL if it must be fetched. */
static bool check_local(const Context *context, const Reference *reference,
			const GPtrArray *sources, PullResult **out, GError **error)
{
	PullPolicy policy = context->options->policy;
	g_autoptr(GError) problem = NULL;
	g_autoptr(Image) image = NULL;
	*out = NULL;
	if (policy == PULL_ALWAYS)
		return true;
	g_autofree char *name = reference_format(reference);
	image = image_lookup(context->store, name, &problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (!image)
		return policy != PULL_NEVER || image_set_unknown(context->store, name, error);
	bool fetch = policy == PULL_NEWER && !reference->digest &&
		     !is_current(context, image, reference, sources);
	if (!fetch)
		*out = result_of(image, reference);
	return true;
}

/* Try the places of one reference, mirrors first. */
static PullResult *pull_reference(const Context *context, const Reference *reference,
				  GError **error)
{
	g_autofree char *name = reference_format(reference);
	g_autoptr(GPtrArray) signed_by =
		g_ptr_array_new_with_free_func((GDestroyNotify)signed_by_free);
	if (!policy_check(context->policy, reference, signed_by, error))
		return NULL;
	g_autoptr(GPtrArray) sources = registries_conf_sources(context->conf, reference, error);
	PullResult *result = NULL;
	if (!sources || !check_local(context, reference, sources, &result, error) || result)
		return result;
	pull_message(context->options, "Trying to pull %s...", name);
	for (size_t i = 0; i < sources->len; i++) {
		const RegistrySource *source = g_ptr_array_index(sources, i);
		g_autoptr(GError) problem = NULL;
		result = pull_image(context->store, context->session, source, reference, signed_by,
				    context->options, &problem);
		if (result) {
			if (source->is_mirror)
				pull_message(context->options, "It came from the mirror %s/%s",
					     source->host, source->repository);
			return result;
		}
		if (i + 1 == sources->len || error_matches(problem, ENGINE_ERROR_CANCELLED)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
		pull_message(context->options, "%s: trying the next place", problem->message);
	}
	return NULL;
}

/* The first candidate that can be had; with several, all reasons are told. */
static PullResult *pull_candidates(const Context *context, const GPtrArray *candidates,
				   const char *name, GError **error)
{
	g_autoptr(GString) reasons = g_string_new(NULL);
	for (size_t i = 0; i < candidates->len; i++) {
		g_autoptr(GError) problem = NULL;
		PullResult *result =
			pull_reference(context, g_ptr_array_index(candidates, i), &problem);
		if (result)
			return result;
		if (candidates->len == 1 || error_matches(problem, ENGINE_ERROR_CANCELLED)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
		problem->message[strcspn(problem->message, "\n")] = '\0';
		g_string_append_printf(reasons, "%s%s", reasons->len ? "; " : "", problem->message);
	}
	return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
			      "'%s' was found in none of %u registries: %s", name, candidates->len,
			      reasons->str);
}

PullResult *image_pull(Store *store, const char *name, const PullOptions *options, GError **error)
{
	g_auto(Context) context = {.store = store, .options = options};
	const char *text = strip_transport(name, error);
	g_autoptr(Reference) reference = text ? reference_parse(text, error) : NULL;
	if (!reference || !context_open(&context, error))
		return NULL;
	g_autoptr(GPtrArray) candidates = resolve_name(&context, reference, error);
	if (!candidates)
		return NULL;
	return pull_candidates(&context, candidates, text, error);
}

/* The tags of the first place that answers. */
static char **list_tags(const Context *context, const Reference *reference, GError **error)
{
	g_autoptr(GPtrArray) sources = registries_conf_sources(context->conf, reference, error);
	for (size_t i = 0; sources && i < sources->len; i++) {
		g_clear_error(error);
		g_autoptr(Registry) registry =
			registry_open(context->session, g_ptr_array_index(sources, i), error);
		char **tags = registry ? registry_list_tags(registry, error) : NULL;
		if (tags)
			return tags;
	}
	return NULL;
}

GPtrArray *images_pull_all_tags(Store *store, const char *name, const PullOptions *options,
				GError **error)
{
	g_auto(Context) context = {.store = store, .options = options};
	const char *text = strip_transport(name, error);
	g_autoptr(Reference) typed = text ? reference_parse(text, error) : NULL;
	if (!typed || !context_open(&context, error))
		return NULL;
	if (typed->tag || typed->digest)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "--all-tags wants a name without tag or digest, not '%s'",
				      text);
	g_autoptr(GPtrArray) candidates = resolve_name(&context, typed, error);
	if (!candidates)
		return NULL;
	Reference *reference = g_ptr_array_index(candidates, 0);
	g_auto(GStrv) tags = list_tags(&context, reference, error);
	if (!tags)
		return NULL;
	g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func(result_free_item);
	for (size_t i = 0; tags[i]; i++) {
		g_free(reference->tag);
		reference->tag = g_strdup(tags[i]);
		PullResult *result = pull_reference(&context, reference, error);
		if (!result)
			return NULL;
		g_ptr_array_add(results, result);
	}
	return g_steal_pointer(&results);
}
