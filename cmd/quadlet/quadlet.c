/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/quadlet/quadlet.h"

#include <stdarg.h>
#include <string.h>

#include "cmd/quadlet/quadlet_priv.h"
#include "cmd/quadlet/unit_words.h"
#include "libpod/base/suggest.h"

static const QuadletKind *const kinds[] = {
	&quadlet_artifact, &quadlet_build,   &quadlet_container, &quadlet_image,
	&quadlet_kube,     &quadlet_network, &quadlet_pod,       &quadlet_volume,
};

/* Keys of [Unit] that name other units. */
static const char *const dependency_keys[] = {
	"After",
	"Before",
	"BindsTo",
	"Conflicts",
	"OnFailure",
	"OnSuccess",
	"PartOf",
	"PropagatesReloadTo",
	"PropagatesStopTo",
	"ReloadPropagatedFrom",
	"Requires",
	"Requisite",
	"StopPropagatedFrom",
	"Upholds",
	"Wants",
};

const QuadletKind *quadlet_kind_of(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_suffix(name, kinds[i]->extension) &&
		    strlen(name) > strlen(kinds[i]->extension))
			return kinds[i];
	return NULL;
}

const char *quadlet_kind_of_section(const char *section)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i]->section, section) == 0)
			return kinds[i]->extension;
	return NULL;
}

const char *quadlet_kind_section(const QuadletKind *kind)
{
	return kind->section;
}

static void problem_free(void *data)
{
	QuadletProblem *problem = data;
	g_free(problem->text);
	g_free(problem->hint);
	g_free(problem);
}

static void unit_free(void *data)
{
	QuadletUnit *unit = data;
	g_ptr_array_unref(unit->problems);
	g_ptr_array_unref(unit->members);
	unit_file_free(unit->file);
	unit_file_free(unit->out);
	g_free(unit->name);
	g_free(unit->path);
	g_free(unit->service);
	g_free(unit->resource);
	g_free(unit);
}

void quadlet_set_init(QuadletSet *set, const char *skiff, const char *generator, bool user)
{
	*set = (QuadletSet){
		.units = g_ptr_array_new_with_free_func(unit_free),
		.by_name = g_hash_table_new(g_str_hash, g_str_equal),
		.skiff = skiff,
		.generator = generator,
		.user = user,
	};
}

void quadlet_set_clear(QuadletSet *set)
{
	g_clear_pointer(&set->by_name, g_hash_table_unref);
	g_clear_pointer(&set->units, g_ptr_array_unref);
}

QuadletUnit *quadlet_set_lookup(const QuadletSet *set, const char *name)
{
	return g_hash_table_lookup(set->by_name, name);
}

QuadletUnit *quadlet_set_add(QuadletSet *set, const char *name, const char *path)
{
	const QuadletKind *kind = quadlet_kind_of(name);
	if (!kind || quadlet_set_lookup(set, name))
		return NULL;
	QuadletUnit *unit = g_new0(QuadletUnit, 1);
	unit->name = g_strdup(name);
	unit->path = g_strdup(path);
	unit->kind = kind;
	unit->file = unit_file_new();
	unit->members = g_ptr_array_new_with_free_func(g_free);
	unit->problems = g_ptr_array_new_with_free_func(problem_free);
	g_ptr_array_add(set->units, unit);
	g_hash_table_insert(set->by_name, unit->name, unit);
	return unit;
}

static QuadletProblem *add_problem(QuadletUnit *unit, const char *file, unsigned line, char *text)
{
	QuadletProblem *problem = g_new0(QuadletProblem, 1);
	problem->file = file ? file : unit->path;
	problem->line = line;
	problem->text = text;
	g_ptr_array_add(unit->problems, problem);
	return problem;
}

void quadlet_unit_problem(QuadletUnit *unit, bool warning, const UnitLine *line, const char *hint,
			  const char *format, ...)
{
	va_list args;
	va_start(args, format);
	QuadletProblem *problem = add_problem(unit, line ? line->file : NULL, line ? line->line : 0,
					      g_strdup_vprintf(format, args));
	va_end(args);
	problem->warning = warning;
	problem->hint = g_strdup(hint);
}

void quadlet_unit_add_text(QuadletUnit *unit, const char *text, size_t size, const char *path,
			   unsigned first_line)
{
	g_autoptr(GError) error = NULL;
	unsigned line = 0;
	if (unit_file_add_text(unit->file, text, size, path, first_line, &line, &error))
		return;
	/* The path of a drop-in has to last as long as the unit. */
	add_problem(unit, g_intern_string(path), line, g_strdup(error->message));
}

bool quadlet_unit_is_broken(const QuadletUnit *unit)
{
	for (size_t i = 0; i < unit->problems->len; i++)
		if (!((const QuadletProblem *)unit->problems->pdata[i])->warning)
			return true;
	return false;
}

char *quadlet_problem_format(const QuadletProblem *problem)
{
	GString *text = g_string_new(problem->file);
	if (problem->line > 0)
		g_string_append_printf(text, ":%u", problem->line);
	g_string_append_printf(text, ": %s", problem->text);
	if (problem->hint)
		g_string_append_printf(text, " (%s)", problem->hint);
	return g_string_free(text, FALSE);
}

char *quadlet_unit_service_name(const QuadletUnit *unit)
{
	return g_strconcat(unit->service, ".service", NULL);
}

/* "data.volume": "data-volume"; "x@.volume": "x-volume@". */
static char *service_of(const QuadletUnit *unit)
{
	const char *given = unit_file_get(unit->file, unit->kind->section, "ServiceName");
	if (given)
		return part_strip_quotes(given);
	g_autofree char *base = part_base(unit->name);
	const char *at = strchr(base, '@');
	if (!at)
		return g_strconcat(base, unit->kind->suffix, NULL);
	g_autofree char *prefix = g_strndup(base, (size_t)(at - base));
	return g_strconcat(prefix, unit->kind->suffix, at, NULL);
}

static bool is_service_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!g_ascii_isalnum(*c) && !strchr(":-_.\\@%", *c))
			return false;
	return *name && *name != '.' && strlen(name) < 240;
}

/* What others refer to. Two files must not make the same service. */
static void name_unit(QuadletSet *set, QuadletUnit *unit, GHashTable *taken)
{
	unit->service = service_of(unit);
	const UnitLine *line = unit_file_last(unit->file, unit->kind->section, "ServiceName");
	if (!is_service_name(unit->service)) {
		quadlet_unit_problem(unit, false, line, NULL, "'%s' is no name for a service",
				     unit->service);
		g_free(unit->service);
		unit->service = part_base(unit->name);
		for (char *c = unit->service; *c; c++)
			*c = g_ascii_isalnum(*c) || strchr(":-_.@", *c) ? *c : '_';
	}
	unit->resource = unit->kind->resource(unit);
	const QuadletUnit *other = g_hash_table_lookup(taken, unit->service);
	if (other) {
		quadlet_unit_problem(unit, false, line, NULL, "'%s' makes the service '%s', too",
				     other->path, unit->service);
		/* What tells of it must not take the place of the other. */
		g_free(unit->service);
		unit->service = g_strdup(unit->name);
	}
	g_hash_table_insert(taken, unit->service, unit);
}

static const QuadletKey *find_key(const QuadletKind *kind, const char *name)
{
	for (const QuadletKey *key = kind->keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

/* The kinds that have a key. */
static char *where_else(const char *name)
{
	g_autoptr(GPtrArray) sections = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (find_key(kinds[i], name))
			g_ptr_array_add(sections, (char *)kinds[i]->section);
	if (sections->len == 0)
		return NULL;
	g_ptr_array_add(sections, NULL);
	g_autofree char *joined = g_strjoinv("], [", (char **)sections->pdata);
	return g_strdup_printf("it belongs to [%s]", joined);
}

static void unknown_key(QuadletUnit *unit, const UnitLine *line)
{
	Suggestions near;
	suggest_init(&near, line->key);
	for (const QuadletKey *key = unit->kind->keys; key->name; key++)
		suggest_offer(&near, key->name);
	g_autofree char *names = suggest_text(&near, "");
	g_autofree char *hint =
		names ? g_strdup_printf("did you mean %s?", names) : where_else(line->key);
	quadlet_unit_problem(unit, false, line, hint, "unknown key '%s' in [%s]", line->key,
			     unit->kind->section);
}

static void check_keys(QuadletUnit *unit)
{
	const UnitSection *section = unit_file_section(unit->file, unit->kind->section);
	for (size_t i = 0; section && i < section->lines->len; i++) {
		const UnitLine *line = section->lines->pdata[i];
		if (line->key && !find_key(unit->kind, line->key))
			unknown_key(unit, line);
	}
	section = unit_file_section(unit->file, "Quadlet");
	for (size_t i = 0; section && i < section->lines->len; i++) {
		const UnitLine *line = section->lines->pdata[i];
		if (line->key && strcmp(line->key, "DefaultDependencies") != 0)
			quadlet_unit_problem(unit, false, line,
					     "only DefaultDependencies= is known there",
					     "unknown key '%s' in [Quadlet]", line->key);
	}
}

/* A section of another kind, or one that is nearly ours, does nothing: say so. */
static void check_sections(QuadletUnit *unit)
{
	const GPtrArray *sections = unit_file_sections(unit->file);
	for (size_t i = 0; i < sections->len; i++) {
		const UnitSection *section = sections->pdata[i];
		const UnitLine at = {.file = section->file, .line = section->line};
		bool own = strcmp(section->name, unit->kind->section) == 0;
		const char *extension = own ? NULL : quadlet_kind_of_section(section->name);
		if (!own && suggest_distance(section->name, unit->kind->section, 2) <= 2)
			quadlet_unit_problem(unit, false, &at, NULL,
					     "[%s] is no section: did you mean [%s]?",
					     section->name, unit->kind->section);
		else if (extension)
			quadlet_unit_problem(unit, true, &at, NULL,
					     "[%s] does nothing here: it is for files whose name "
					     "ends in %s",
					     section->name, extension);
	}
}

/* The service that a word of [Unit] means; as it is if that is no file of ours. g_free() it. */
static char *translate_name(const QuadletSet *set, QuadletUnit *unit, const UnitLine *line,
			    const char *word)
{
	if (!quadlet_kind_of(word))
		return g_strdup(word);
	const QuadletUnit *other = quadlet_set_lookup(set, word);
	if (other)
		return quadlet_unit_service_name(other);
	/* An instance of a template has no file. */
	const char *at = strchr(word, '@'), *dot = strrchr(word, '.');
	g_autofree char *template =
		at && at < dot ? g_strdup_printf("%.*s%s", (int)(at + 1 - word), word, dot) : NULL;
	other = template ? quadlet_set_lookup(set, template) : NULL;
	if (other && g_str_has_suffix(other->service, "@"))
		return g_strdup_printf("%s%.*s.service", other->service, (int)(dot - at - 1),
				       at + 1);
	quadlet_unit_problem(unit, false, line, NULL, "there is no file '%s'", word);
	return g_strdup(word);
}

/* Names of our files in one key of [Unit] become names of services; other keys stay as they were.
 */
static void translate_dependency(const QuadletSet *set, QuadletUnit *unit, UnitFile *service,
				 const char *key)
{
	g_autoptr(GPtrArray) lines = unit_file_all(unit->file, "Unit", key);
	g_autoptr(GString) all = g_string_new(NULL);
	bool changed = false;
	for (size_t i = 0; i < lines->len; i++) {
		const UnitLine *line = lines->pdata[i];
		g_autoptr(GPtrArray) words = unit_words_split(line->value, UNIT_WORDS_PLAIN, NULL);
		for (size_t j = 0; j < words->len; j++) {
			g_autofree char *name = translate_name(set, unit, line, words->pdata[j]);
			changed = changed || strcmp(name, words->pdata[j]) != 0;
			g_string_append_printf(all, "%s%s", all->len > 0 ? " " : "", name);
		}
	}
	if (changed)
		unit_file_set(service, "Unit", key, all->str);
}

/* SourcePath=, in which systemd looks for specifiers. */
static void add_source(UnitFile *service, const QuadletUnit *unit)
{
	g_auto(GStrv) parts = g_strsplit(unit->path, "%", -1);
	g_autofree char *path = g_strjoinv("%%", parts);
	unit_file_add(service, "Unit", "SourcePath", path);
}

/* The service before its kind adds to it. */
static UnitFile *begin_service(const QuadletSet *set, QuadletUnit *unit)
{
	UnitFile *service = unit_file_copy(unit->file);
	for (size_t i = 0; i < G_N_ELEMENTS(dependency_keys); i++)
		translate_dependency(set, unit, service, dependency_keys[i]);
	add_source(service, unit);
	unit_file_add(service, "Unit", "RequiresMountsFor", "%t/skiff");
	unit_file_rename_section(service, unit->kind->section, unit->kind->renamed);
	unit_file_rename_section(service, "Quadlet", "X-Quadlet");
	return service;
}

/* A service that fails and says why. It keeps [Install]: what is enabled fails where it is seen. */
static UnitFile *make_stub(const QuadletSet *set, const QuadletUnit *unit)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *first = NULL;
	g_ptr_array_add(words, unit_words_literal(set->generator));
	g_ptr_array_add(words, g_strdup("-fail"));
	for (size_t i = 0; i < unit->problems->len; i++) {
		const QuadletProblem *problem = unit->problems->pdata[i];
		g_autofree char *text = quadlet_problem_format(problem);
		g_autofree char *valid = g_utf8_make_valid(text, -1);
		g_ptr_array_add(words, unit_words_literal(valid));
		if (!first && !problem->warning)
			first = g_strdup(words->pdata[words->len - 1]);
	}
	g_autofree char *line = unit_words_join(words);
	g_autofree char *description =
		g_strdelimit(g_strconcat("Broken: ", first, NULL), "\n\r", ' ');
	UnitFile *stub = unit_file_new();
	unit_file_add(stub, "Unit", "Description", description);
	add_source(stub, unit);
	unit_file_add(stub, "Service", "Type", "oneshot");
	unit_file_add(stub, "Service", "SyslogIdentifier", "%N");
	unit_file_add(stub, "Service", "ExecStart", line);
	const UnitSection *install = unit_file_section(unit->file, "Install");
	for (size_t i = 0; install && i < install->lines->len; i++) {
		const UnitLine *row = install->lines->pdata[i];
		if (row->key)
			unit_file_add(stub, "Install", row->key, row->value);
	}
	return stub;
}

/* In the order of the lines; what is about the whole file comes last. */
static int compare_problems(const void *a, const void *b)
{
	const QuadletProblem *first = *(const QuadletProblem *const *)a;
	const QuadletProblem *second = *(const QuadletProblem *const *)b;
	int order = strcmp(first->file, second->file);
	unsigned a_line = first->line - 1, b_line = second->line - 1;
	return order ? order : (a_line > b_line) - (a_line < b_line);
}

static void translate_unit(QuadletSet *set, QuadletUnit *unit)
{
	if (quadlet_unit_is_broken(unit)) { /* not even read: the rest would follow from it */
		unit->out = make_stub(set, unit);
		return;
	}
	check_sections(unit);
	check_keys(unit);
	Translation work = {
		.set = set,
		.unit = unit,
		.service = begin_service(set, unit),
		.section = unit->kind->section,
	};
	unit->kind->translate(&work);
	g_clear_pointer(&work.argv, g_ptr_array_unref);
	unit->out = work.service;
	g_ptr_array_sort(unit->problems, compare_problems);
	if (!quadlet_unit_is_broken(unit))
		return;
	unit_file_free(unit->out);
	unit->out = make_stub(set, unit);
}

void quadlet_set_translate(QuadletSet *set)
{
	g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < set->units->len; i++)
		name_unit(set, set->units->pdata[i], taken);
	for (int order = 1; order <= 5; order++) {
		for (size_t i = 0; i < set->units->len; i++) {
			QuadletUnit *unit = set->units->pdata[i];
			if (unit->kind->order == order)
				translate_unit(set, unit);
		}
	}
}
