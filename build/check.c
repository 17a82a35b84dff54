/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about lines and about FROM, and what is common to all rules.
 */
#include "build/check.h"

#include <stdarg.h>
#include <string.h>

#include "build/check_priv.h"
#include "libpod/base/error.h"
#include "libpod/base/suggest.h"
#include "storage/reference.h"

static const char *const rules[] = {
	"ConsistentInstructionCasing",
	"CopyIgnoredFile",
	"DuplicateStageName",
	"ExposeInvalidFormat",
	"ExposeProtoCasing",
	"FromAsCasing",
	"FromPlatformFlagConstDisallowed",
	"InvalidBaseImagePlatform",
	"InvalidDefaultArgInFrom",
	"InvalidDefinitionDescription",
	"JSONArgsRecommended",
	"LegacyKeyValueFormat",
	"MaintainerDeprecated",
	"MultipleInstructionsDisallowed",
	"NoEmptyContinuation",
	"RedundantTargetPlatform",
	"ReservedStageName",
	"SecretsUsedInArgOrEnv",
	"StageNameCasing",
	"UndefinedArgInFrom",
	"UndefinedVar",
	"WorkdirRelativePath",
	NULL,
};

/* Off unless asked for. */
static const char *const experimental[] = {"InvalidDefinitionDescription", NULL};

const char *const *check_rules(void)
{
	return rules;
}

void check_config_clear(CheckConfig *config)
{
	g_clear_pointer(&config->skip, g_strfreev);
	g_clear_pointer(&config->experimental, g_strfreev);
}

/* "A, B" to names of rules, or "all". */
static bool parse_names(const char *value, bool *out_all, char ***out, GError **error)
{
	g_auto(GStrv) names = g_strsplit(value, ",", -1);
	*out_all = strcmp(value, "all") == 0;
	if (*out_all)
		return true;
	for (size_t i = 0; names[i]; i++) {
		g_strstrip(names[i]);
		if (g_strv_contains(rules, names[i]))
			continue;
		Suggestions near;
		suggest_init(&near, names[i]);
		for (size_t r = 0; rules[r]; r++)
			suggest_offer(&near, rules[r]);
		error_set(error, ENGINE_ERROR_INVALID, "there is no rule '%s'", names[i]);
		suggest_add_help(&near, "", error);
		return false;
	}
	g_strfreev(*out);
	*out = g_steal_pointer(&names);
	return true;
}

/* One "key=value". */
static bool parse_option(char *option, CheckConfig *config, GError **error)
{
	char *value = strchr(option, '=');
	if (!value)
		return error_set(error, ENGINE_ERROR_INVALID, "check: '%s' has no '='", option);
	*value++ = '\0';
	g_strstrip(option);
	g_strstrip(value);
	if (strcmp(option, "skip") == 0)
		return parse_names(value, &config->skip_all, &config->skip, error);
	if (strcmp(option, "experimental") == 0)
		return parse_names(value, &config->experimental_all, &config->experimental, error);
	if (strcmp(option, "error") != 0)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "check: unknown option '%s': must be skip, error or experimental",
				 option);
	config->error = g_ascii_strcasecmp(value, "true") == 0;
	return config->error || g_ascii_strcasecmp(value, "false") == 0 ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "check: 'error' must be true or false, not '%s'", value);
}

bool check_config_parse(const char *text, CheckConfig *out, GError **error)
{
	g_auto(CheckConfig) config = {0};
	g_auto(GStrv) options = g_strsplit(text ? text : "", ";", -1);
	for (size_t i = 0; options[i]; i++) {
		if (*g_strstrip(options[i]) && !parse_option(options[i], &config, error))
			return false;
	}
	*out = config;
	config = (CheckConfig){0};
	return true;
}

/* Whether a rule is on. */
static bool is_wanted(const CheckConfig *config, const char *rule)
{
	if (config->skip_all ||
	    (config->skip && g_strv_contains((const char *const *)config->skip, rule)))
		return false;
	if (!g_strv_contains(experimental, rule) || config->experimental_all)
		return true;
	return config->experimental &&
	       g_strv_contains((const char *const *)config->experimental, rule);
}

void check_report(Check *check, const char *rule, unsigned line, const char *format, ...)
{
	g_assert(g_strv_contains(rules, rule));
	if (!is_wanted(check->config, rule) || check->findings->len == CHECK_FINDINGS_MAX)
		return;
	CheckFinding *finding = g_new0(CheckFinding, 1);
	finding->rule = rule;
	finding->line = line;
	va_list args;
	va_start(args, format);
	finding->message = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(check->findings, finding);
}

typedef enum { CASE_UPPER, CASE_LOWER, CASE_MIXED } Casing;

static Casing casing_of(const char *word)
{
	bool upper = false, lower = false;
	for (; *word; word++) {
		upper = upper || g_ascii_isupper(*word);
		lower = lower || g_ascii_islower(*word);
	}
	if (upper && lower)
		return CASE_MIXED;
	return lower ? CASE_LOWER : CASE_UPPER;
}

/* All keywords in the case of most of them. */
static void check_casing(Check *check)
{
	unsigned counts[3] = {0};
	const GPtrArray *all = check->file->instructions;
	for (guint i = 0; i < all->len; i++)
		counts[casing_of(((Instruction *)all->pdata[i])->keyword)]++;
	Casing majority = counts[CASE_LOWER] > counts[CASE_UPPER] ? CASE_LOWER : CASE_UPPER;
	for (guint i = 0; i < all->len; i++) {
		const Instruction *in = all->pdata[i];
		if (casing_of(in->keyword) != majority)
			check_report(check, "ConsistentInstructionCasing", in->line,
				     "Command '%s' should match the case of the command majority "
				     "(%s)",
				     in->keyword,
				     majority == CASE_LOWER ? "lowercase" : "uppercase");
	}
}

/* The comment above an ARG or a named stage starts with its name, or is no description. */
static void check_description(Check *check, const Instruction *i)
{
	const GPtrArray *comments = i->source->comments;
	bool described = false;
	for (guint c = 0; c < comments->len && !described; c++) {
		const char *comment = comments->pdata[c];
		size_t size = strcspn(comment, " ");
		for (guint p = 0; i->pairs && comment[size] && p < i->pairs->len; p++) {
			const char *name = ((DockerfilePair *)i->pairs->pdata[p])->name;
			described |= strlen(name) == size && strncmp(name, comment, size) == 0;
		}
		if (i->from.as && comment[size])
			described |= strlen(i->from.as) == size &&
				     strncmp(i->from.as, comment, size) == 0;
	}
	bool concerned = i->kind == INSTRUCTION_ARG || i->from.as;
	if (concerned && comments->len > 0 && !described)
		check_report(check, "InvalidDefinitionDescription", i->line,
			     "Comment for build stage or argument should follow the format: `# "
			     "<arg/stage name> <description>`");
}

/* Rules that look at one instruction alone. */
static void check_lines(Check *check)
{
	for (guint at = 0; at < check->file->instructions->len; at++) {
		const Instruction *i = check->file->instructions->pdata[at];
		if (i->source->empty_continuation_line)
			check_report(check, "NoEmptyContinuation",
				     i->source->empty_continuation_line, "Empty continuation line");
		if (i->kind == INSTRUCTION_MAINTAINER)
			check_report(
				check, "MaintainerDeprecated", i->line,
				"Maintainer instruction is deprecated in favor of using label");
		if (i->legacy)
			check_report(check, "LegacyKeyValueFormat", i->line,
				     "\"%s key=value\" should be used instead of legacy \"%s key "
				     "value\" format",
				     instruction_name(i->kind), instruction_name(i->kind));
		check_description(check, i);
	}
}

/* Names of stages: their case, whether they are free, whether they are unique. */
static void check_stage_name(Check *check, const Instruction *i, GHashTable *seen)
{
	const FromArgs *from = &i->from;
	if (!from->as)
		return;
	if (strcmp(from->as, from->as_text) != 0)
		check_report(check, "StageNameCasing", i->line,
			     "Stage name '%s' should be lowercase", from->as_text);
	if ((casing_of(i->keyword) == CASE_LOWER) != (casing_of(from->as_word) == CASE_LOWER))
		check_report(check, "FromAsCasing", i->line,
			     "'%s' and '%s' keywords' casing do not match", from->as_word,
			     i->keyword);
	if (strcmp(from->as, "scratch") == 0 || strcmp(from->as, "context") == 0)
		check_report(check, "ReservedStageName", i->line,
			     "Stage name should not use the same name as reserved stage \"%s\"",
			     from->as);
	if (!g_hash_table_add(seen, from->as))
		check_report(check, "DuplicateStageName", i->line,
			     "Duplicate stage name \"%s\", stage names should be unique",
			     from->as_text);
}

/* A platform written out, unless the stage is named after a part of it. */
static void check_platform(Check *check, const Instruction *i)
{
	const char *platform = i->from.platform;
	if (!platform)
		return;
	if (strcmp(platform, "$TARGETPLATFORM") == 0 || strcmp(platform, "${TARGETPLATFORM}") == 0)
		check_report(check, "RedundantTargetPlatform", i->line,
			     "Setting platform to predefined %s in FROM is redundant as this is "
			     "the default behavior",
			     platform);
	if (strchr(platform, '$'))
		return;
	g_auto(GStrv) parts = g_strsplit(platform, "/", 3);
	for (size_t p = 0; i->from.as && parts[p]; p++) {
		if (*parts[p] && strstr(i->from.as, parts[p]))
			return;
	}
	check_report(check, "FromPlatformFlagConstDisallowed", i->line,
		     "FROM --platform flag should not use constant value \"%s\"", platform);
}

/* Variables of FROM that no global ARG declares. */
static void report_unset(Check *check, const Instruction *i, Scope *global, GHashTable *unset)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(unset), (GCompareFunc)strcmp);
	for (const GList *name = names; name; name = name->next) {
		if (scope_is_declared(global, name->data))
			continue;
		g_autofree char *near = check_suggest(global, name->data);
		check_report(check, "UndefinedArgInFrom", i->line,
			     "FROM argument '%s' is not declared%s", (const char *)name->data,
			     near);
	}
}

/* FROM must make sense without any --build-arg. */
static void check_from(Check *check, const Instruction *i, Scope *global)
{
	g_autoptr(GHashTable) unset = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Expander expander = scope_expander(global);
	expander.unset = unset;
	g_autofree char *image = expand_word(&expander, i->from.image, NULL);
	/* Expanded for the names in it only. */
	if (i->from.platform)
		g_free(expand_word(&expander, i->from.platform, NULL));
	report_unset(check, i, global, unset);
	g_autoptr(Reference) reference = image && *image ? reference_parse(image, NULL) : NULL;
	if (!reference && strchr(i->from.image, '$'))
		check_report(check, "InvalidDefaultArgInFrom", i->line,
			     "Default value for ARG %s results in empty or invalid base image name",
			     i->from.image);
}

static void check_froms(Check *check)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	ScopeInputs defaults = {.predefined = check->inputs->scope.predefined};
	g_autoptr(Scope) global = scope_new_global(&defaults, check->file->lex->escape);
	bool known = stages_apply_global(check->file, global, NULL);
	for (guint at = 0; at < check->file->instructions->len; at++) {
		const Instruction *i = check->file->instructions->pdata[at];
		if (i->kind != INSTRUCTION_FROM)
			continue;
		check_stage_name(check, i, seen);
		check_platform(check, i);
		if (known)
			check_from(check, i, global);
	}
}

static void free_finding(void *data)
{
	CheckFinding *finding = data;
	g_free(finding->message);
	g_free(finding);
}

static int compare_findings(const void *a, const void *b)
{
	const CheckFinding *one = *(const CheckFinding *const *)a;
	const CheckFinding *two = *(const CheckFinding *const *)b;
	if (one->line != two->line)
		return one->line < two->line ? -1 : 1;
	int order = strcmp(one->rule, two->rule);
	return order ? order : strcmp(one->message, two->message);
}

GPtrArray *check_run(const Dockerfile *file, const StageGraph *graph, const CheckConfig *config,
		     const CheckInputs *inputs)
{
	Check check = {.file = file, .graph = graph, .config = config, .inputs = inputs};
	check.findings = g_ptr_array_new_with_free_func(free_finding);
	check_casing(&check);
	check_lines(&check);
	check_froms(&check);
	check_stages(&check);
	if (graph)
		check_variables(&check);
	g_ptr_array_sort(check.findings, compare_findings);
	return check.findings;
}
