/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of tests/cases: runs one grammar on one case.
 *
 *   driver template TEMPLATE [strict]	stdin is the data as JSON; "strict": objects are structs
 *   driver option ARGS...		parses ARGS by the table below and prints what was set
 *   driver check|dockerfile|stages|expand|dockerignore ARGS...	see driver_build.h
 *
 * Prints the result, or the error on stderr with exit code 1.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/option.h"
#include "cmd/template.h"
#include "libpod/base/fd.h"
#include "tests/cases/driver_build.h"
#include "tests/cases/driver_quadlet.h"

static int fail(const GError *error)
{
	fprintf(stderr, "%s\n", error->message);
	return 1;
}

static int run_template(char **args)
{
	static const char *const maps[] = {"Labels", "Networks", NULL};
	static const char *const lists[] = {"List", NULL};
	static const char *const times[] = {"Created", NULL};
	static const TemplateSchema strict = {"test.Data", maps, lists, times};
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autofree char *text = fd_read_all(0, 1 << 20, &size, &error);
	if (!text)
		return fail(error);
	g_autoptr(Json) json = NULL;
	if (size > 0 && !(json = js_parse(text, size, "input", &error)))
		return fail(error);
	g_autoptr(Template) tmpl = template_parse("test", args[0] ? args[0] : "", &error);
	if (!tmpl)
		return fail(error);

	bool use_schema = args[0] && args[1] && strcmp(args[1], "strict") == 0;
	g_autoptr(TemplateHeap) heap = template_heap_new();
	TemplateValue dot = template_from_json(json, use_schema ? &strict : NULL, heap);
	g_autoptr(GString) out = g_string_new(NULL);
	bool ok = template_run(tmpl, &dot, out, &error);
	fwrite(out->str, 1, out->len, stdout);
	return ok ? 0 : fail(error);
}

typedef struct {
	bool interactive, tty, all;
	Tristate privileged;
	const char *name;
	uint64_t time;
	int64_t last;
	GPtrArray *env, *filters;
} Target;

static const Option first_options[] = {
	{'i', "interactive", OPTION_FLAG, option_set_flag, NULL, "Keep stdin open",
	 offsetof(Target, interactive)},
	{'t', "tty", OPTION_FLAG, option_set_flag, NULL, "Make a terminal", offsetof(Target, tty)},
	{0, "all", OPTION_FLAG, option_set_flag, NULL, "All", offsetof(Target, all)},
	{0, "privileged", OPTION_TRISTATE, option_set_tristate, NULL, "Privileged",
	 offsetof(Target, privileged)},
	{0},
};

static const Option second_options[] = {
	{'n', "name", OPTION_VALUE, option_set_string, "NAME", "Name", offsetof(Target, name)},
	{'T', "time", OPTION_VALUE, option_set_uint, "SECONDS", "Time", offsetof(Target, time)},
	{'l', "last", OPTION_VALUE, option_set_int, "N", "Last", offsetof(Target, last)},
	{'e', "env", OPTION_ENV_LIST, option_set_list, "NAME=VALUE", "Environment",
	 offsetof(Target, env)},
	{'f', "filter", OPTION_CSV, option_set_list, "KEY=VALUE", "Filter",
	 offsetof(Target, filters)},
	OPTION_UNSUPPORTED('g', "gpus", OPTION_VALUE),
	OPTION_UNSUPPORTED(0, "oom-kill-disable", OPTION_FLAG),
	{0},
};

static void print_list(const char *name, const GPtrArray *list)
{
	for (size_t i = 0; list && i < list->len; i++)
		printf("%s[%zu]=%s\n", name, i, (const char *)list->pdata[i]);
}

static int run_option(char **args)
{
	static const OptionGroup first = {NULL, first_options};
	static const OptionGroup second = {"More", second_options};
	static const OptionGroup *const groups[] = {&first, &second, NULL};
	bool interspersed = !(args[0] && strcmp(args[0], "stop") == 0);
	Target target = {0};
	g_auto(OptionResult) result = {0};
	g_autoptr(GError) error = NULL;
	bool ok = option_parse(groups, (void *[]){&target, &target}, args + !interspersed,
			       interspersed, &result, &error);
	printf("%s%s%s", target.interactive ? "interactive\n" : "", target.tty ? "tty\n" : "",
	       target.all ? "all\n" : "");
	if (target.privileged)
		printf("privileged=%s\n", target.privileged == TRISTATE_TRUE ? "yes" : "no");
	if (target.name)
		printf("name=%s\n", target.name);
	if (target.time)
		printf("time=%" G_GUINT64_FORMAT "\n", target.time);
	if (target.last)
		printf("last=%" G_GINT64_FORMAT "\n", target.last);
	print_list("env", target.env);
	print_list("filter", target.filters);
	if (result.help)
		printf("help%s\n", result.help_all ? "-all" : "");
	print_list("arg", result.args);
	if (result.dash >= 0)
		printf("dash=%d\n", result.dash);
	g_clear_pointer(&target.env, g_ptr_array_unref);
	g_clear_pointer(&target.filters, g_ptr_array_unref);
	return ok ? 0 : fail(error);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **args);
	} grammars[] = {
		{"check", run_check},
		{"dockerfile", run_dockerfile},
		{"dockerignore", run_dockerignore},
		{"expand", run_expand},
		{"option", run_option},
		{"quadlet", run_quadlet},
		{"stages", run_stages},
		{"template", run_template},
	};
	for (size_t i = 0; argc >= 2 && i < G_N_ELEMENTS(grammars); i++) {
		if (strcmp(argv[1], grammars[i].name) == 0)
			return grammars[i].run(argv + 2);
	}
	fprintf(stderr, "usage: driver GRAMMAR ARGS...\n");
	return 2;
}
