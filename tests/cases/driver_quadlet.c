/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cases/driver_quadlet.h"

#include <stdio.h>
#include <string.h>

#include "cmd/quadlet/quadlet_output.h"
#include "cmd/quadlet/quadlet_source.h"
#include "libpod/base/fd.h"

static bool has_arg(char **args, const char *word)
{
	return g_strv_contains((const char *const *)args, word);
}

static void print_problems(const QuadletUnit *unit)
{
	for (size_t i = 0; i < unit->problems->len; i++) {
		const QuadletProblem *problem = unit->problems->pdata[i];
		g_autofree char *text = quadlet_problem_format(problem);
		if (problem->warning)
			printf("# Warning: %s\n", text);
		else
			fprintf(stderr, "%s\n", text);
	}
}

/* The file's own section stays in the service and is known. */
static void print_sections(const QuadletUnit *unit, bool exec_only)
{
	const GPtrArray *sections = unit_file_sections(unit->out);
	for (size_t i = 0; i < sections->len; i++) {
		const UnitSection *section = sections->pdata[i];
		if (g_str_has_prefix(section->name, "X-"))
			continue;
		if (!exec_only)
			printf("[%s]\n", section->name);
		for (size_t j = 0; j < section->lines->len; j++) {
			const UnitLine *line = section->lines->pdata[j];
			bool is_exec = line->key && g_str_has_prefix(line->key, "Exec");
			if (!line->key && !exec_only)
				printf("%s\n", line->value);
			else if (line->key && (!exec_only || is_exec))
				printf("%s=%s\n", line->key, line->value);
		}
	}
}

static void print_unit(const QuadletUnit *unit, bool exec_only)
{
	g_autofree char *name = quadlet_unit_service_name(unit);
	printf("---%s---\n", name);
	print_problems(unit);
	print_sections(unit, exec_only);
	g_autoptr(GPtrArray) links = quadlet_output_links(unit);
	for (size_t i = 0; i < links->len; i += 2)
		printf("# link %s -> %s\n", (const char *)links->pdata[i],
		       (const char *)links->pdata[i + 1]);
}

int run_quadlet(char **args)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = fd_read_all(0, 1 << 20, &size, &error);
	g_autoptr(GPtrArray) parts = text ? quadlet_split(text, size, &error) : NULL;
	if (!parts) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	g_auto(QuadletSet) set = {0};
	quadlet_set_init(&set, "/bin/skiff", "/lib/skiff-quadlet", !has_arg(args, "system"));
	for (size_t i = 0; i < parts->len; i++) {
		const QuadletPart *part = parts->pdata[i];
		g_autofree char *path = g_strconcat("/q/", part->name, NULL);
		QuadletUnit *unit = quadlet_set_add(&set, part->name, path);
		if (unit)
			quadlet_unit_add_text(unit, part->text, part->size, path, 1);
	}
	quadlet_set_translate(&set);
	bool broken = false;
	for (size_t i = 0; i < set.units->len; i++) {
		print_unit(set.units->pdata[i], has_arg(args, "exec"));
		broken = broken || quadlet_unit_is_broken(set.units->pdata[i]);
	}
	return broken;
}
