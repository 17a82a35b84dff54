/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture: boxes below each other, each behind what it needs. A service that others need has a
 * lane on the right, from its name down to the last of them; a lane that ended is used again.
 * Lines are collected as directions per cell, so that crossings come out by themselves.
 */
#include <string.h>

#include "cmd/compose/graph.h"

enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8, ARROW = 16 };

typedef struct {
	size_t first; /* row of the name */
	size_t last;  /* row of the last line that leads here */
	size_t lane;
} Lane;

typedef struct {
	const Graph *graph;
	GPtrArray *rows; /* texts inside the boxes; NULL: a border or nothing */
	GArray *kinds;   /* of char: 't'op, 'b'ottom, 'x' inside, ' ' between */
	GArray *cells;   /* of guint8 lines, width * rows */
	Lane *lanes;     /* by service */
	size_t n_lanes;
	size_t inside;    /* columns of text in a box */
	size_t *name_row; /* by service */
	size_t *need_row; /* of a service's first need */
} Picture;

static void add_row(Picture *picture, char kind, char *text)
{
	g_ptr_array_add(picture->rows, text);
	g_array_append_val(picture->kinds, kind);
}

static void add_words(Picture *picture, const char *title, const GPtrArray *words)
{
	g_autofree char *joined = graph_join(words);
	if (words->len > 0)
		add_row(picture, 'x', g_strdup_printf("%s %s", title, joined));
}

static void add_box(Picture *picture, size_t i)
{
	const GraphService *service = picture->graph->services->pdata[i];
	if (i > 0)
		add_row(picture, ' ', NULL);
	add_row(picture, 't', NULL);
	picture->name_row[i] = picture->rows->len;
	add_row(picture, 'x',
		service->scale == 1 ? g_strdup(service->name)
				    : g_strdup_printf("%s x%d", service->name, service->scale));
	add_row(picture, 'x', g_strdup(service->image));
	add_words(picture, "ports", service->ports);
	add_words(picture, "networks", service->networks);
	add_words(picture, "volumes", service->volumes);
	picture->need_row[i] = picture->rows->len;
	for (guint n = 0; n < service->needs->len; n++) {
		g_autofree char *need = graph_need_text(
			picture->graph, &g_array_index(service->needs, GraphNeed, n));
		add_row(picture, 'x', g_strdup_printf("needs %s", need));
	}
	add_row(picture, 'b', NULL);
}

/* From the name to the last row that needs it. */
static void measure_lanes(Picture *picture)
{
	const GPtrArray *services = picture->graph->services;
	for (guint i = 0; i < services->len; i++) {
		const GraphService *service = services->pdata[i];
		picture->lanes[i].first = picture->name_row[i];
		for (guint n = 0; n < service->needs->len; n++) {
			Lane *lane = &picture->lanes[g_array_index(service->needs, GraphNeed, n)
							     .service];
			lane->last = picture->need_row[i] + n;
		}
	}
}

/* The first lane that nobody has in these rows. */
static void choose_lanes(Picture *picture)
{
	for (guint i = 0; i < picture->graph->services->len; i++) {
		Lane *own = &picture->lanes[i];
		bool taken = own->last > 0;
		for (own->lane = 0; taken; own->lane += taken) {
			taken = false;
			for (guint o = 0; o < i; o++)
				taken = taken || (picture->lanes[o].last >= own->first &&
						  picture->lanes[o].lane == own->lane);
		}
		if (own->last > 0)
			picture->n_lanes = MAX(picture->n_lanes, own->lane + 1);
	}
}

/* Cells right of the boxes: two for each lane, and one before them. */
static size_t right_width(const Picture *picture)
{
	return picture->n_lanes ? picture->n_lanes * 2 + 1 : 0;
}

static guint8 *cell(Picture *picture, size_t row, size_t column)
{
	return &g_array_index(picture->cells, guint8, row * right_width(picture) + column);
}

/* A line from the box to a lane in one row. */
static void draw_branch(Picture *picture, size_t row, size_t lane)
{
	size_t end = lane * 2 + 2;
	for (size_t column = 0; column < end; column++)
		*cell(picture, row, column) |= LEFT | RIGHT;
	*cell(picture, row, end) |= LEFT;
}

static void draw_lanes(Picture *picture)
{
	const GPtrArray *services = picture->graph->services;
	for (guint i = 0; i < services->len; i++) {
		const GraphService *service = services->pdata[i];
		const Lane *lane = &picture->lanes[i];
		for (guint n = 0; n < service->needs->len; n++)
			draw_branch(
				picture, picture->need_row[i] + n,
				picture->lanes[g_array_index(service->needs, GraphNeed, n).service]
					.lane);
		if (lane->last == 0)
			continue;
		draw_branch(picture, lane->first, lane->lane);
		*cell(picture, lane->first, 0) |= ARROW;
		for (size_t row = lane->first; row <= lane->last; row++) {
			guint8 *at = cell(picture, row, lane->lane * 2 + 2);
			*at |= row > lane->first ? UP : 0;
			*at |= row < lane->last ? DOWN : 0;
		}
	}
}

/* By the directions: right, left, down, up are bits of the index. */
static void put_cell(guint8 lines, bool ascii, GString *out)
{
	static const char *const boxes[] = {" ", "│", "│", "│", "─", "┘", "┐", "┤",
					    "─", "└", "┌", "├", "─", "┴", "┬", "┼"};
	if (lines & ARROW)
		g_string_append(out, ascii ? "<" : "◄");
	else if (!ascii)
		g_string_append(out, boxes[lines]);
	else if (lines == 0)
		g_string_append_c(out, ' ');
	else
		g_string_append_c(out, (lines & (UP | DOWN)) == 0      ? '-'
				       : (lines & (LEFT | RIGHT)) == 0 ? '|'
								       : '+');
}

static void put_border(const Picture *picture, bool top, bool ascii, GString *out)
{
	g_string_append(out, ascii ? "+" : top ? "┌" : "└");
	for (size_t i = 0; i < picture->inside + 2; i++)
		g_string_append(out, ascii ? "-" : "─");
	g_string_append(out, ascii ? "+" : top ? "┐" : "┘");
}

/* A text in so many columns. */
static void put_text(const char *text, size_t columns, bool ascii, GString *out)
{
	size_t length = (size_t)g_utf8_strlen(text, -1);
	bool cut = length > columns;
	size_t shown = !cut ? length : columns - MIN(columns, ascii ? 2 : 1);
	const char *end = g_utf8_offset_to_pointer(text, (glong)shown);
	g_string_append_len(out, text, end - text);
	if (cut)
		g_string_append(out, ascii ? ".." : "…");
	for (size_t i = length; i < columns; i++)
		g_string_append_c(out, ' ');
}

static void put_row(Picture *picture, size_t row, bool ascii, GString *out)
{
	char kind = g_array_index(picture->kinds, char, row);
	size_t start = out->len;
	const char *side = ascii ? "|" : "│";
	if (kind == 'x') {
		bool leads = picture->n_lanes > 0 && (*cell(picture, row, 0) & RIGHT) &&
			     !(*cell(picture, row, 0) & ARROW);
		g_string_append_printf(out, "%s ", side);
		put_text(picture->rows->pdata[row], picture->inside, ascii, out);
		g_string_append_printf(out, " %s", leads && !ascii ? "├" : side);
	} else if (kind == ' ') {
		for (size_t i = 0; i < picture->inside + 4; i++)
			g_string_append_c(out, ' ');
	} else {
		put_border(picture, kind == 't', ascii, out);
	}
	for (size_t column = 0; column < right_width(picture); column++)
		put_cell(*cell(picture, row, column), ascii, out);
	while (out->len > start && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
}

static void free_rows(Picture *picture)
{
	g_ptr_array_unref(picture->rows);
	g_array_unref(picture->kinds);
	g_array_unref(picture->cells);
	g_free(picture->lanes);
	g_free(picture->name_row);
	g_free(picture->need_row);
}

void graph_picture(const Graph *graph, unsigned columns, bool ascii, GString *out)
{
	size_t n = graph->services->len, longest = 0;
	Picture picture = {
		.graph = graph,
		.rows = g_ptr_array_new_with_free_func(g_free),
		.kinds = g_array_new(FALSE, FALSE, sizeof(char)),
		.cells = g_array_new(FALSE, TRUE, sizeof(guint8)),
		.lanes = g_new0(Lane, n + 1),
		.name_row = g_new0(size_t, n + 1),
		.need_row = g_new0(size_t, n + 1),
	};
	for (size_t i = 0; i < n; i++)
		add_box(&picture, i);
	measure_lanes(&picture);
	choose_lanes(&picture);
	g_array_set_size(picture.cells, (guint)(picture.rows->len * right_width(&picture)));
	draw_lanes(&picture);
	for (guint i = 0; i < picture.rows->len; i++)
		if (picture.rows->pdata[i])
			longest = MAX(longest, (size_t)g_utf8_strlen(picture.rows->pdata[i], -1));
	size_t around = 4 + right_width(&picture);
	picture.inside = MIN(longest, columns > around + 10 ? columns - around : 10);
	for (size_t row = 0; row < picture.rows->len; row++)
		put_row(&picture, row, ascii, out);
	free_rows(&picture);
}
