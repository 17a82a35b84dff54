/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: is this host fit for containers?
 */
#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/base/error.h"
#include "libpod/doctor.h"

typedef struct {
	const char *format;
} DoctorVerbOptions;

static const Option options[] = {
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT", "json or a Go template",
	 offsetof(DoctorVerbOptions, format), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

#define FINDING ((const DoctorFinding *)row)

static TemplateValue get_help(const void *row, TemplateHeap *heap)
{
	return template_string(FINDING->help ? FINDING->help : "");
}

static TemplateValue get_message(const void *row, TemplateHeap *heap)
{
	return template_string(FINDING->message);
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(FINDING->name);
}

static TemplateValue get_status(const void *row, TemplateHeap *heap)
{
	return template_string(doctor_status_name(FINDING->status));
}

static const OutputField fields[] = {
	{"Help", NULL, get_help},
	{"Message", NULL, get_message},
	{"Name", NULL, get_name},
	{"Status", NULL, get_status},
	{0},
};

static const OutputTable table = {
	.verb = "doctor",
	.type_name = "doctor.finding",
	.fields = fields,
	.columns = "{{.Status}}\t{{.Name}}\t{{.Message}}",
};

/* One line for each, what to do below it. */
static void print(const GPtrArray *findings)
{
	for (guint i = 0; i < findings->len; i++) {
		const DoctorFinding *finding = findings->pdata[i];
		g_autofree char *line =
			g_strdup_printf("%-4s  %s: %s", doctor_status_name(finding->status),
					finding->name, finding->message);
		output_text(line);
		if (finding->help)
			output_printf("      help: %s\n", finding->help);
	}
}

/* A store that does not open is one of the things to be told. */
static int cmd_doctor(Invocation *inv)
{
	DoctorVerbOptions opts = {0};
	g_autoptr(GError) error = NULL, problem = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autofree char *store = engine_default_root(inv->global.root);
	g_autoptr(Engine) engine = command_engine(inv, true, &problem);
	const DoctorOptions doctor = {.store = store, .engine = engine, .problem = problem};
	g_autoptr(GPtrArray) findings = doctor_examine(&doctor);
	const OutputOptions output = {.format = opts.format};
	if (!opts.format)
		print(findings);
	else if (!output_list(&table, &output, findings->pdata, findings->len, &error))
		return command_fail(error);
	int status = 0;
	for (guint i = 0; i < findings->len; i++)
		if (((const DoctorFinding *)findings->pdata[i])->status == DOCTOR_FAIL)
			status = 1;
	return status;
}

const Command doctor_command = {
	.paths = (const char *const[]){"doctor", "system doctor", NULL},
	.usage = "[options]",
	.summary = "Check whether this host is fit for containers, and say how to make it so",
	.description =
		"Prints a line for each part of the host: ok, warn (something will not work) or "
		"fail (containers do not run), and below it what to do. The exit code is 1 if "
		"something fails.",
	.examples = (const char *const[]){"skiff doctor", "skiff doctor --format json", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Help*, *.Message*, *.Name*, "
	       "*.Status*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_doctor,
};
