/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of lines that is drawn over itself. See the header.
 *
 * The cursor rests in the row below the block. To draw again it goes up as many rows as the block
 * has; where the window became narrower than the lines, terminals have broken them, and each has
 * more rows than one.
 */
#include "cmd/progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/escape.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN     20
#define ROWS_DEFAULT    24
#define RIGHT_GAP       1

/* A line as it is on the screen. */
typedef struct {
	char *text; /* with its colours */
	unsigned width;
} Drawn;

struct Progress {
	int fd;
	bool colour;
	unsigned columns; /* of the frame that is being made or stands there */
	unsigned rows;
	GArray *frame; /* of Drawn: the last one, or the one that is being made */
	GArray *shown; /* of unsigned: widths of the lines that stand on the screen */
};

bool progress_kind_parse(const char *text, ProgressKind *out, GError **error)
{
	static const struct {
		const char *name;
		ProgressKind kind;
	} known[] = {
		{"auto", PROGRESS_AUTO},  {"plain", PROGRESS_PLAIN},  {"tty", PROGRESS_TTY},
		{"json", PROGRESS_JSON},  {"rawjson", PROGRESS_JSON}, {"quiet", PROGRESS_QUIET},
		{"none", PROGRESS_QUIET},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strcmp(known[i].name, text) == 0) {
			*out = known[i].kind;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID, "invalid progress type \"%s\"", text);
}

bool progress_can_draw(int fd)
{
	return isatty(fd) == 1 && g_strcmp0(g_getenv("TERM"), "dumb") != 0 &&
	       g_strcmp0(g_getenv(PROGRESS_VARIABLE), "plain") != 0;
}

static void clear_drawn(void *data)
{
	g_free(((Drawn *)data)->text);
}

Progress *progress_new(int fd)
{
	Progress *progress = g_new0(Progress, 1);
	const char *no_colour = g_getenv("NO_COLOR");
	progress->fd = fd;
	progress->colour = !no_colour || !*no_colour;
	progress->frame = g_array_new(FALSE, FALSE, sizeof(Drawn));
	progress->shown = g_array_new(FALSE, FALSE, sizeof(unsigned));
	g_array_set_clear_func(progress->frame, clear_drawn);
	return progress;
}

void progress_free(Progress *progress)
{
	if (!progress)
		return;
	g_array_unref(progress->frame);
	g_array_unref(progress->shown);
	g_free(progress);
}

/* The window; what it does not say is taken from the defaults. */
static void read_size(const Progress *progress, unsigned *columns, unsigned *rows)
{
	struct winsize size = {0};
	if (ioctl(progress->fd, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){0};
	*columns = size.ws_col >= COLUMNS_MIN ? size.ws_col : COLUMNS_DEFAULT;
	*rows = size.ws_row >= 2 ? size.ws_row : ROWS_DEFAULT;
}

unsigned progress_columns(const Progress *progress)
{
	unsigned columns = 0, rows = 0;
	read_size(progress, &columns, &rows);
	return columns;
}

unsigned progress_rows(const Progress *progress)
{
	unsigned columns = 0, rows = 0;
	read_size(progress, &columns, &rows);
	return rows;
}

/* Cells that a character takes. */
static unsigned cell_width(gunichar rune)
{
	if (g_unichar_iszerowidth(rune))
		return 0;
	return g_unichar_iswide(rune) ? 2 : 1;
}

static unsigned text_width(const char *text)
{
	unsigned width = 0;
	for (; *text; text = g_utf8_next_char(text))
		width += cell_width(g_utf8_get_char(text));
	return width;
}

char *progress_fit(const char *text, unsigned columns)
{
	if (text_width(text) <= columns)
		return g_strdup(text);
	unsigned width = 0;
	const char *end = text;
	for (; *end; end = g_utf8_next_char(end)) {
		unsigned cells = cell_width(g_utf8_get_char(end));
		if (width + cells > columns - MIN(columns, 3))
			break;
		width += cells;
	}
	g_autofree char *head = g_strndup(text, (size_t)(end - text));
	return g_strdup_printf("%s%.*s", head, (int)MIN(columns, 3), "...");
}

/* The end of "ESC [ ... LETTER" or of another sequence at @text, which begins with ESC. */
static const char *skip_sequence(const char *text)
{
	text++;
	if (*text == ']') {
		text += strcspn(text, "\a\033");
		return *text == '\a' ? text + 1 : text;
	}
	if (*text && strchr("()*+-./#%", *text))
		text++;
	if (*text != '[')
		return *text && (unsigned char)*text < 0x80 ? text + 1 : text;
	text++;
	while (*text >= 0x20 && *text < 0x40)
		text++;
	return *text >= 0x40 && *text < 0x7f ? text + 1 : text;
}

char *progress_clean(const char *text)
{
	g_autofree char *line = g_strchomp(g_strdup(text));
	const char *last = strrchr(line, '\r');
	GString *out = g_string_new(NULL);
	for (const char *at = last ? last + 1 : line; *at;) {
		if (*at == '\033') {
			at = skip_sequence(at);
			continue;
		}
		if (*at == '\t')
			g_string_append(out, "    ");
		else
			g_string_append_c(out, *at);
		at++;
	}
	return g_string_free(out, FALSE);
}

char *progress_format_time(gint64 us)
{
	gint64 seconds = us / G_USEC_PER_SEC;
	if (us < 0)
		return g_strdup("0.0s");
	if (seconds < 60)
		return g_strdup_printf("%.1fs", (double)(us / 100000) / 10);
	if (seconds < 3600)
		return g_strdup_printf("%dm%02ds", (int)(seconds / 60), (int)(seconds % 60));
	return g_strdup_printf("%dh%02dm", (int)(seconds / 3600), (int)(seconds / 60 % 60));
}

/* @text in the colours of @style. */
static char *paint(const Progress *progress, ProgressStyle style, const char *text)
{
	static const char *const codes[] = {
		[PROGRESS_STYLE_NONE] = "",     [PROGRESS_STYLE_DONE] = "34",
		[PROGRESS_STYLE_FAILED] = "31", [PROGRESS_STYLE_WARNING] = "33",
		[PROGRESS_STYLE_DIM] = "2",
	};
	const char *code = codes[style];
	return *code && progress->colour ? g_strdup_printf("\033[%sm%s\033[0m", code, text)
					 : g_strdup(text);
}

/* A line that fits, with @right at the edge. */
static Drawn make_line(const Progress *progress, ProgressStyle style, const char *text,
		       const char *right)
{
	/* The last column stays free: some terminals wrap as soon as it is written to. */
	unsigned room = progress->columns - 1;
	unsigned taken = right ? text_width(right) + RIGHT_GAP : 0;
	unsigned left = room > taken ? room - taken : 0;
	g_autofree char *clean = escape_terminal(text, false);
	g_autofree char *fit = progress_fit(clean, left);
	unsigned width = text_width(fit);
	g_autofree char *whole =
		right ? g_strdup_printf("%s%*s%s", fit, (int)(left - width + RIGHT_GAP), "", right)
		      : g_strdup(fit);
	return (Drawn){paint(progress, style, whole), right ? room : width};
}

void progress_begin(Progress *progress)
{
	read_size(progress, &progress->columns, &progress->rows);
	g_array_set_size(progress->frame, 0);
}

void progress_line(Progress *progress, ProgressStyle style, const char *text, const char *right)
{
	if (progress->frame->len + 1 >= progress->rows)
		return;
	const Drawn line = make_line(progress, style, text, right);
	g_array_append_val(progress->frame, line);
}

/* Rows that the block has in a window of @columns. */
static unsigned shown_rows(const Progress *progress, unsigned columns)
{
	unsigned rows = 0;
	for (guint i = 0; i < progress->shown->len; i++) {
		unsigned width = g_array_index(progress->shown, unsigned, i);
		rows += width > columns ? (width + columns - 1) / columns : 1;
	}
	return rows;
}

/* To where the block begins; nothing of it is there any more as far as we know. */
static void append_home(Progress *progress, GString *out)
{
	unsigned rows = shown_rows(progress, progress_columns(progress));
	if (rows > 0)
		g_string_append_printf(out, "\r\033[%uA", rows);
	g_array_set_size(progress->shown, 0);
}

/* The block, from where the cursor is. */
static void append_frame(Progress *progress, GString *out)
{
	for (guint i = 0; i < progress->frame->len; i++) {
		const Drawn *line = &g_array_index(progress->frame, Drawn, i);
		g_string_append_printf(out, "%s\033[K\n", line->text);
		g_array_append_val(progress->shown, line->width);
	}
	g_string_append(out, "\033[J");
}

/* A terminal that is gone shows nothing: the work goes on. */
static void send(const Progress *progress, const GString *out)
{
	(void)fd_write_all(progress->fd, out->str, out->len);
}

void progress_end(Progress *progress)
{
	g_autoptr(GString) out = g_string_new(NULL);
	append_home(progress, out);
	append_frame(progress, out);
	send(progress, out);
}

/* @text goes to where the block stands, and the block below it. */
static void put_above(Progress *progress, const char *text)
{
	bool stands = progress->shown->len > 0;
	g_autoptr(GString) out = g_string_new(NULL);
	append_home(progress, out);
	if (stands)
		g_string_append(out, "\033[J");
	g_string_append_printf(out, "%s\n", text);
	if (stands)
		append_frame(progress, out);
	send(progress, out);
}

void progress_print(Progress *progress, ProgressStyle style, const char *text)
{
	g_autofree char *clean = escape_terminal(text, true);
	g_autofree char *painted = paint(progress, style, g_strchomp(clean));
	put_above(progress, painted);
}

void progress_print_right(Progress *progress, ProgressStyle style, const char *text,
			  const char *right)
{
	read_size(progress, &progress->columns, &progress->rows);
	Drawn line = make_line(progress, style, text, right);
	put_above(progress, line.text);
	clear_drawn(&line);
}

void progress_erase(Progress *progress)
{
	g_autoptr(GString) out = g_string_new(NULL);
	if (progress->shown->len == 0)
		return;
	append_home(progress, out);
	g_string_append(out, "\033[J");
	send(progress, out);
}

void progress_keep(Progress *progress)
{
	g_array_set_size(progress->shown, 0);
}
