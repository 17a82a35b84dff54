/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-quadlet: systemd's generator for .container, .volume, .network ... files.
 *
 *	skiff-quadlet [-user] [-dryrun] [-no-kmsg-log] [-v] [-version] DIRECTORY [EARLY LATE]
 *	skiff-quadlet -fail MESSAGE...
 *
 * systemd runs it at boot and at each daemon-reload, before any unit, as skiff-system-generator or
 * skiff-user-generator; the name tells for whom. Services go to the first directory. The exit code
 * is 1 if a file was wrong. -fail is what the services of such files run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/quadlet/quadlet_output.h"
#include "cmd/quadlet/quadlet_source.h"
#include "libpod/base/fd.h"
#include "libpod/base/journal.h"

typedef struct {
	bool user, dry_run, no_kmsg, verbose, version, fail;
	const char *const *args; /* behind the options */
} Options;

/* Where messages go besides stderr: the kernel's log, before there is a journal. */
static int kmsg_fd = -1;

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	if (kmsg_fd >= 0) {
		g_autofree char *line =
			g_strdup_printf("skiff-quadlet[%d]: %s\n", (int)getpid(), text);
		if (fd_write_all(kmsg_fd, line, strlen(line)))
			return;
	}
	fprintf(stderr, "skiff-quadlet: %s\n", text);
}

static bool parse_options(int argc, char **argv, Options *opts)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"user", &opts->user}, {"dryrun", &opts->dry_run},  {"no-kmsg-log", &opts->no_kmsg},
		{"v", &opts->verbose}, {"version", &opts->version}, {"fail", &opts->fail},
	};
	const char *slash = strrchr(argv[0], '/');
	opts->user = strstr(slash ? slash + 1 : argv[0], "user") != NULL;
	int i = 1;
	for (; i < argc && argv[i][0] == '-' && !opts->fail; i++) {
		const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1);
		bool found = false;
		for (size_t j = 0; j < G_N_ELEMENTS(flags); j++) {
			bool same = strcmp(flags[j].name, name) == 0;
			*flags[j].flag = *flags[j].flag || same;
			found = found || same;
		}
		if (!found)
			return false;
	}
	opts->args = (const char *const *)argv + i;
	return opts->fail || opts->version || opts->dry_run || opts->args[0];
}

/* Our own path, and that of skiff: beside libexec, where both were installed. */
static char *find_own(char **out_skiff)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
	const char *usual = SKIFF_BINDIR "/skiff";
	*out_skiff = g_strdup(usual);
	if (size <= 0)
		return g_strdup(SKIFF_LIBEXECDIR "/skiff-quadlet");
	path[size] = '\0';
	g_autofree char *directory = g_path_get_dirname(path);
	static const char *const places[] = {"../../bin/skiff", "../skiff", "skiff"};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *place = g_canonicalize_filename(places[i], directory);
		if (faccessat(AT_FDCWD, place, X_OK, 0) < 0 ||
		    g_file_test(place, G_FILE_TEST_IS_DIR))
			continue;
		g_free(*out_skiff);
		*out_skiff = g_steal_pointer(&place);
		break;
	}
	return g_strdup(path);
}

static void say_problems(const QuadletSet *set)
{
	for (size_t i = 0; i < set->units->len; i++) {
		const QuadletUnit *unit = set->units->pdata[i];
		for (size_t j = 0; j < unit->problems->len; j++) {
			const QuadletProblem *problem = unit->problems->pdata[j];
			g_autofree char *text = quadlet_problem_format(problem);
			say("%s%s", problem->warning ? "Warning: " : "", text);
		}
	}
}

static void print_unit(const QuadletUnit *unit)
{
	g_autofree char *name = quadlet_unit_service_name(unit);
	g_autofree char *text = unit_file_format(unit->out);
	printf("---%s---\n%s\n", name, text);
}

/* Return: are all files right and all services written? */
static bool write_units(const QuadletSet *set, const Options *opts)
{
	autofd dir = -1;
	bool ok = true;
	if (!opts->dry_run && set->units->len > 0) {
		dir = openat(AT_FDCWD, opts->args[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0) {
			say("cannot open '%s': %s", opts->args[0], g_strerror(errno));
			return false;
		}
	}
	for (size_t i = 0; i < set->units->len; i++) {
		const QuadletUnit *unit = set->units->pdata[i];
		g_autoptr(GError) error = NULL;
		ok = ok && !quadlet_unit_is_broken(unit);
		if (opts->verbose)
			say("read %s", unit->path);
		if (opts->dry_run) {
			print_unit(unit);
		} else if (!quadlet_output_write(unit, dir, &error)) {
			say("%s: %s", unit->path, error->message);
			ok = false;
		}
	}
	return ok;
}

static int generate(const Options *opts)
{
	g_autofree char *skiff = NULL;
	g_autofree char *own = find_own(&skiff);
	g_auto(QuadletSet) set = {0};
	g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) roots = quadlet_roots(opts->user, getuid());
	quadlet_set_init(&set, skiff, own, opts->user);
	quadlet_load(&set, roots, getuid(), messages);
	quadlet_set_translate(&set);
	for (size_t i = 0; i < messages->len; i++)
		say("%s", (const char *)messages->pdata[i]);
	say_problems(&set);
	bool ok = write_units(&set, opts);
	return ok && messages->len == 0 && fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	Options opts = {0};
	if (!parse_options(argc, argv, &opts)) {
		fprintf(stderr,
			"usage: skiff-quadlet [-user] [-dryrun] [-no-kmsg-log] [-v] [-version] "
			"DIRECTORY [EARLY LATE]\n");
		return 1;
	}
	for (size_t i = 0; opts.fail && opts.args[i]; i++)
		fprintf(stderr, "%s\n", opts.args[i]);
	if (opts.fail) {
		journal_settle(STDERR_FILENO);
		return 1;
	}
	if (opts.version) {
		puts(SKIFF_VERSION);
		return 0;
	}
	if (!opts.no_kmsg && !opts.dry_run)
		kmsg_fd = openat(AT_FDCWD, "/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return generate(&opts);
}
