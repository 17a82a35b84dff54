/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of a pull on stderr.
 *
 * Plain: "Copying blob 0123456789ab done" as each layer is there. On a terminal the layers are a
 * block of lines at the bottom that is drawn over itself; a message goes above it.
 */
#include "cmd/fetch/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "cmd/progress.h"
#include "libpod/base/units.h"
#include "storage/digest.h"

#define BLOCK_LINES_MAX 12
#define BAR_WIDTH_MIN   5
#define BAR_WIDTH_MAX   30

struct PullProgress {
	bool quiet;
	Progress *block; /* NULL: stderr is no terminal */
	gint64 started;
	GArray *told; /* of PullLayerState: what was last said of each layer */
};

PullProgress *pull_progress_new(bool quiet)
{
	PullProgress *progress = g_new0(PullProgress, 1);
	progress->quiet = quiet;
	if (!quiet && progress_can_draw(STDERR_FILENO))
		progress->block = progress_new(STDERR_FILENO);
	progress->started = g_get_monotonic_time();
	progress->told = g_array_new(FALSE, TRUE, sizeof(PullLayerState));
	return progress;
}

void pull_progress_free(PullProgress *progress)
{
	if (!progress)
		return;
	g_array_unref(progress->told);
	progress_free(progress->block);
	g_free(progress);
}

/* What a line says of a layer; nothing where a bar stands instead. */
static const char *state_word(PullLayerState state)
{
	switch (state) {
	case PULL_LAYER_QUEUED:
		return "queued";
	case PULL_LAYER_WAITING:
		return "waiting for another pull";
	case PULL_LAYER_RUNNING:
		return "";
	case PULL_LAYER_RETRYING:
		return "waiting to try again";
	case PULL_LAYER_PACKING:
		return "compressing";
	case PULL_LAYER_STAGED:
		return "unpacked";
	case PULL_LAYER_PRESENT:
		return "skipped: already exists";
	case PULL_LAYER_DONE:
		return "done";
	}
	return "";
}

/* "[=====>    ] 12 MB / 40 MB", or "30 %" where that has no room. */
static char *format_bar(const PullLayerView *view, int width)
{
	g_autofree char *received = units_format_size((uint64_t)view->received);
	g_autofree char *size = units_format_size((uint64_t)view->size);
	double part = view->size > 0 ? (double)view->received / (double)view->size : 1;
	if (width < BAR_WIDTH_MIN)
		return g_strdup_printf("%d %%", (int)(part * 100));
	int filled = (int)(part * width);
	GString *bar = g_string_new("[");
	for (int i = 0; i < width; i++)
		g_string_append_c(bar, i < filled ? '=' : i == filled ? '>' : ' ');
	g_string_append_printf(bar, "] %s / %s", received, size);
	return g_string_free(bar, FALSE);
}

static void add_line(Progress *block, const PullLayerView *view)
{
	int columns = (int)progress_columns(block);
	g_autofree char *state = view->state == PULL_LAYER_RUNNING
					 ? format_bar(view, MIN(columns - 52, BAR_WIDTH_MAX))
					 : g_strdup(state_word(view->state));
	g_autofree char *line =
		g_strdup_printf("Copying blob %.12s %s", digest_hex(view->digest), state);
	progress_line(block, PROGRESS_STYLE_NONE, line, NULL);
}

/* Which layers to show when there are more than lines: those at work. */
static bool is_worth_a_line(const PullLayerView *view)
{
	return view->state == PULL_LAYER_RUNNING || view->state == PULL_LAYER_RETRYING ||
	       view->state == PULL_LAYER_WAITING || view->state == PULL_LAYER_PACKING;
}

/* All layers, or as many of those at work as there is room for. */
static void draw_block(Progress *block, const PullLayerView *views, size_t n)
{
	bool all = n <= BLOCK_LINES_MAX;
	size_t lines = 0, hidden = 0;
	progress_begin(block);
	for (size_t i = 0; i < n; i++) {
		if (!all && (!is_worth_a_line(&views[i]) || lines >= BLOCK_LINES_MAX)) {
			hidden++;
			continue;
		}
		add_line(block, &views[i]);
		lines++;
	}
	g_autofree char *more = g_strdup_printf("... and %zu more layers", hidden);
	if (hidden > 0)
		progress_line(block, PROGRESS_STYLE_NONE, more, NULL);
	progress_end(block);
}

static void show_message(const char *text, void *data)
{
	PullProgress *progress = data;
	if (progress->quiet && !g_str_has_prefix(text, "WARNING"))
		return;
	if (progress->block) {
		progress_print(progress->block, PROGRESS_STYLE_NONE, text);
		return;
	}
	g_autofree char *clean = escape_terminal(text, false);
	(void)fprintf(stderr, "%s\n", clean);
}

void pull_progress_notice(const char *text, void *data)
{
	show_message(text, data);
}

static bool all_settled(const PullLayerView *layers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (layers[i].state != PULL_LAYER_PRESENT && layers[i].state != PULL_LAYER_DONE)
			return false;
	return true;
}

/* One line for each layer that is settled since the last look. */
static void tell_plain(PullProgress *progress, const PullLayerView *layers, size_t n)
{
	g_array_set_size(progress->told, (guint)n);
	for (size_t i = 0; i < n; i++) {
		PullLayerState *told = &g_array_index(progress->told, PullLayerState, i);
		PullLayerState now = layers[i].state;
		bool settled = now == PULL_LAYER_PRESENT || now == PULL_LAYER_DONE;
		if (*told == now || !settled)
			continue;
		*told = now;
		(void)fprintf(stderr, "Copying blob %.12s %s\n", digest_hex(layers[i].digest),
			      state_word(now));
	}
	/* The next image's layers are others. */
	if (all_settled(layers, n))
		g_array_set_size(progress->told, 0);
}

/* PullUi.layers: the block on a terminal, lines elsewhere. */
static void show_layers(const PullLayerView *layers, size_t n, void *data)
{
	PullProgress *progress = data;
	if (progress->quiet)
		return;
	if (!progress->block) {
		tell_plain(progress, layers, n);
		return;
	}
	draw_block(progress->block, layers, n);
	if (all_settled(layers, n))
		progress_keep(progress->block);
}

/* A numbered list on stderr, the answer from stdin; only where both are a terminal. */
static int choose(const char *short_name, const char *const *candidates, void *data)
{
	(void)data;
	(void)fprintf(stderr, "'%s' may mean:\n", short_name);
	int n = 0;
	for (; candidates[n]; n++)
		(void)fprintf(stderr, "  %d  %s\n", n + 1, candidates[n]);
	(void)fprintf(stderr, "Which one [1-%d]? ", n);
	(void)fflush(stderr);
	char line[32];
	uint64_t number;
	if (!fgets(line, sizeof(line), stdin))
		return -1;
	g_strstrip(line);
	if (!units_parse_uint(line, (uint64_t)n, &number, NULL) || number < 1)
		return -1;
	return (int)number - 1;
}

PullUi pull_progress_ui(PullProgress *progress)
{
	bool can_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	return (PullUi){
		.message = show_message,
		.layers = show_layers,
		.choose = can_ask ? choose : NULL,
		.data = progress,
	};
}

void pull_progress_summary(PullProgress *progress, const PullResult *result)
{
	if (progress->quiet || result->was_local)
		return;
	double seconds = (double)(g_get_monotonic_time() - progress->started) / G_USEC_PER_SEC;
	g_autofree char *received = units_format_size((uint64_t)result->received);
	g_autofree char *present = result->n_present > 0
					   ? g_strdup_printf(", %zu reused", result->n_present)
					   : g_strdup("");
	(void)fprintf(stderr, "Pulled %s in %.1f s (%zu layer%s, %s%s)\n", result->name, seconds,
		      result->n_layers, result->n_layers == 1 ? "" : "s", received, present);
}
