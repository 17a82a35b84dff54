/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/image_digests.h"

#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "libpod/base/error.h"
#include "storage/reference.h"

/* What the registry has for a whole name. g_free() it. */
static char *ask(Engine *engine, const char *name, GError **error)
{
	g_autoptr(FetchArgs) args = fetch_args_new("digest");
	g_autofree char *digest = NULL;
	if (!fetch_args_add_operand(args, name, error))
		return NULL;
	if (fetch_args_run(args, engine, &digest) != 0)
		return error_set_null(error, ENGINE_ERROR_UNREACHABLE,
				      "the registry does not tell what \"%s\" is", name);
	return g_strdup(g_strchomp(digest));
}

/* NULL without @error: it has a digest. */
static char *with_digest(Engine *engine, const char *image, GError **error)
{
	g_autoptr(Reference) written = reference_parse(image, error);
	if (!written || written->digest)
		return NULL;
	g_autoptr(Reference) whole = reference_normalize(written);
	g_autofree char *name = reference_format(whole);
	g_autofree char *digest = ask(engine, name, error);
	return digest ? g_strconcat(name, "@", digest, NULL) : NULL;
}

bool image_digests_resolve(ComposeProject *project, const Invocation *inv, GError **error)
{
	const Node *services = node_get(project->model, "services");
	g_autoptr(Engine) engine = command_engine(inv, true, error);
	for (size_t i = 0; engine && i < node_count(services); i++) {
		Node *service = node_entry(services, i)->value;
		const char *image = node_string(service, "image");
		GError *failed = NULL;
		g_autofree char *locked = image ? with_digest(engine, image, &failed) : NULL;
		if (failed) {
			g_propagate_error(error, failed);
			return false;
		}
		if (locked)
			node_set_text(service, "image", locked);
	}
	return engine != NULL;
}

void image_digests_lock(ComposeProject *project)
{
	const Node *services = node_get(project->model, "services");
	const Place at = project->model->at;
	Node *locked = node_new(NODE_MAP, at);
	for (size_t i = 0; i < node_count(services); i++) {
		const NodeEntry *entry = node_entry(services, i);
		const char *image = node_string(entry->value, "image");
		Node *service = node_new(NODE_MAP, at);
		if (image)
			node_set_text(service, "image", image);
		node_set(locked, entry->key, at, service);
	}
	node_free(project->model);
	project->model = node_new(NODE_MAP, at);
	node_set(project->model, "services", at, locked);
}
