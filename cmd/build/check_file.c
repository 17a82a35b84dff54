/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/build/check_file.h"

#include "build/check.h"
#include "build/solver.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "storage/image.h"

/* Where --check looks for images, and what it found of them. */
typedef struct {
	Engine *engine;
	GPtrArray *known; /* KnownImage * */
} CheckSearch;

/* What --check knows of an image. */
typedef struct {
	CheckImage seen; /* borrows from @image */
	Image *image;
	char *platform;
} KnownImage;

static void free_known(void *data)
{
	KnownImage *known = data;
	image_free(known->image);
	g_free(known->platform);
	g_free(known);
}

/* CheckInputs.image: what is here already; @data is a list that keeps it. */
static const CheckImage *find_known(const char *name, void *data)
{
	CheckSearch *search = data;
	Image *image = image_lookup(engine_store(search->engine), name, NULL);
	if (!image)
		return NULL;
	KnownImage *known = g_new0(KnownImage, 1);
	const ImageConfig *config = image->config;
	known->image = image;
	if (config->os && config->architecture)
		known->platform = g_strdup_printf("%s/%s%s%s", config->os, config->architecture,
						  config->variant ? "/" : "",
						  config->variant ? config->variant : "");
	known->seen = (CheckImage){
		.env = (const char *const *)config->env,
		.platform = known->platform,
	};
	g_ptr_array_add(search->known, known);
	return &known->seen;
}

static void print_findings(const CheckTask *task, const GPtrArray *found)
{
	for (guint i = 0; i < found->len; i++) {
		const CheckFinding *finding = found->pdata[i];
		g_autofree char *text =
			g_strdup_printf("WARNING: %s: %s:%u: %s", finding->rule,
					task->file->lex->name, finding->line, finding->message);
		output_text(text);
	}
	if (found->len == 0)
		output_text("Check complete, no warnings found.");
	else
		output_printf("Check complete, %u warning%s been found!\n", found->len,
			      found->len == 1 ? " has" : "s have");
}

/*
 * What the rules find. NULL with @error. @out_broken: why its stages could not be resolved, so that
 * not all rules were asked.
 */
static GPtrArray *find_mistakes(const CheckTask *task, const CheckConfig *config,
				GError **out_broken, GError **error)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(free_known);
	CheckSearch search = {task->engine, known};
	g_auto(GStrv) predefined =
		build_predefined(task->file, task->target, task->platform, error);
	if (!predefined)
		return NULL;
	const CheckInputs inputs = {
		.scope = {.build_args = task->build_args,
			  .predefined = (const char *const *)predefined},
		.image = find_known,
		.data = &search,
		.ignore = context_ignore(task->context),
		.target_platform = task->platform,
	};
	g_autoptr(Scope) global = scope_new_global(&inputs.scope, task->file->lex->escape);
	const StageOptions stages = {.target = task->target, .contexts = task->contexts};
	g_autoptr(StageGraph) graph =
		stages_apply_global(task->file, global, out_broken)
			? stages_build(task->file, global, &stages, out_broken)
			: NULL;
	return check_run(task->file, graph, config, &inputs);
}

int check_file(const CheckTask *task, GError **error)
{
	g_auto(CheckConfig) config = {0};
	g_autoptr(GError) broken = NULL;
	g_autoptr(GPtrArray) found = check_config_parse(task->file->lex->check, &config, error)
					     ? find_mistakes(task, &config, &broken, error)
					     : NULL;
	if (!found)
		return -1;
	if (!broken || found->len > 0)
		print_findings(task, found);
	if (!broken)
		return found->len > 0;
	g_propagate_error(error, g_steal_pointer(&broken));
	return -1;
}

bool check_obey(const CheckTask *task, GError **error)
{
	g_auto(CheckConfig) config = {0};
	g_autoptr(GError) broken = NULL;
	if (!check_config_parse(task->file->lex->check, &config, error))
		return false;
	g_autoptr(GPtrArray) found =
		config.error ? find_mistakes(task, &config, &broken, error) : NULL;
	if (!found || found->len == 0)
		return !error || !*error;
	const CheckFinding *first = found->pdata[0];
	error_set(error, ENGINE_ERROR_INVALID, "%s:%u: %s: %s", task->file->lex->name, first->line,
		  first->rule, first->message);
	error_add_help(error, "\"check=error=true\" makes it an error; build --check shows all");
	return false;
}
