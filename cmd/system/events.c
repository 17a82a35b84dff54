/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: what commands did to containers, images and volumes.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "cmd/system/event_filter.h"
#include "cmd/system/event_print.h"
#include "libpod/base/error.h"
#include "libpod/base/units.h"
#include "libpod/events.h"

typedef struct {
	const char *since, *until, *format;
	bool stream, no_trunc;
	GPtrArray *filters;
} EventsOptions;

static const Option options[] = {
	{'f', "filter", OPTION_LIST, option_set_list, "KEY=VALUE",
	 "Only those that match: container, event, image, label, type, volume",
	 offsetof(EventsOptions, filters), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "Print JSON (\"json\"), or by a template", offsetof(EventsOptions, format), OPTION_COMMON},
	{0, "no-trunc", OPTION_FLAG, option_set_flag, NULL, "Print whole ids (default true)",
	 offsetof(EventsOptions, no_trunc), OPTION_COMMON},
	{0, "since", OPTION_VALUE, option_set_string, "TIME", "Events after this time",
	 offsetof(EventsOptions, since), OPTION_COMMON},
	{0, "stream", OPTION_FLAG, option_set_flag, NULL, "Wait for more (default true)",
	 offsetof(EventsOptions, stream), OPTION_COMMON},
	{0, "until", OPTION_VALUE, option_set_string, "TIME", "Events before this time, then end",
	 offsetof(EventsOptions, until), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

/* --since and --until. */
static bool parse_time(const char *text, int64_t *out, GError **error)
{
	if (!text || units_parse_time(text, units_now(), out, error))
		return true;
	/* A duration of --until may also lie ahead. */
	int64_t ns = 0;
	if (text[0] != '-' || !units_parse_duration(text + 1, &ns, NULL))
		return false;
	g_clear_error(error);
	*out = units_now() + ns;
	return true;
}

/* Print what is there, and wait for more where that is asked for. */
static bool follow(EventReader *reader, const EventsOptions *opts, const EventFilter *filter,
		   int64_t since, int64_t until, GError **error)
{
	Event event;
	for (;;) {
		while (event_reader_next(reader, &event)) {
			if (event.time < since || event.time > until ||
			    !event_filter_matches(filter, &event))
				continue;
			if (!event_print(&event, opts->format, opts->no_trunc, error))
				return false;
		}
		int64_t left = (until - units_now()) / 1000000;
		if (!opts->stream || left <= 0)
			return true;
		if (!output_flush())
			return error_set_errno(error, "write /dev/stdout");
		event_reader_wait(reader, (int)MIN(left + 1, G_MAXINT32));
	}
}

/* Filters and times are checked before the engine is opened. */
static int run(const Invocation *inv, const EventsOptions *opts)
{
	g_autoptr(GError) error = NULL;
	int64_t since = 0, until = INT64_MAX;
	g_autoptr(EventFilter) filter = event_filter_new(opts->filters, &error);
	if (!filter || !parse_time(opts->since, &since, &error) ||
	    !parse_time(opts->until, &until, &error))
		return command_fail(error);
	g_autoptr(Engine) engine = command_engine(inv, true, &error);
	if (!engine)
		return command_fail(error);
	bool from_now = opts->stream && !opts->since && !opts->until;
	g_autoptr(EventReader) reader = event_reader_new(engine, from_now);
	return follow(reader, opts, filter, since, until, &error) ? 0 : command_fail(error);
}

static int cmd_events(Invocation *inv)
{
	EventsOptions opts = {.stream = true, .no_trunc = true};
	int status = command_parse(inv, (void *[]){&opts}) ? run(inv, &opts) : inv->status;
	g_clear_pointer(&opts.filters, g_ptr_array_unref);
	return status;
}

const Command events_command = {
	.paths = (const char *const[]){"events", "system events", NULL},
	.usage = "[options]",
	.summary = "Show what was done to containers, images and volumes",
	.description =
		"Prints events as they come; with --since or --until also those that are past. "
		"The last one or two megabytes of this boot are kept.",
	.examples =
		(const char *const[]){"skiff events --filter type=container",
				      "skiff events --stream=false --since 1h --format json", NULL},
	.man = "# TIMES\n\nA time is one of RFC 3339, a Unix time, or a duration such as *10m*, "
	       "which lies back; *--until -10s* is in ten seconds.\n\n# FORMAT\n\nFields of a "
	       "template: *.ID*, *.Image*, *.Name*, *.Status*, *.Type*, *.Time*, *.TimeNano*, "
	       "*.Attributes*, *.ContainerExitCode*, *.HealthStatus*. *json* prints one object per "
	       "line with these "
	       "and with docker's *Action*, *Actor*, *status*, *id*, *from*, *scope*, *time*, "
	       "*timeNano*.\n",
	.max_args = 0,
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_events,
};
