/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/stat: a process cannot say more of itself than its name.
 */
#include "libpod/base/proc_stat.h"

#include <glib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BEHIND " R 10 20 30 34816 5 6 7 8 9 10 11 12 13 14 20 -5 1 0 4242 8192 3 99 1 1 0 0\n"

static void test_fields(void)
{
	ProcStat stat;
	g_assert_true(proc_stat_parse("4711 (sh)" BEHIND, &stat));
	g_assert_cmpstr(stat.name, ==, "sh");
	g_assert_cmpint(stat.state, ==, 'R');
	g_assert_cmpint(stat.parent, ==, 10);
	g_assert_cmpint(stat.group, ==, 20);
	g_assert_cmpint(stat.session, ==, 30);
	g_assert_cmpint(stat.tty, ==, 34816);
	g_assert_cmpuint(stat.user_ticks, ==, 11);
	g_assert_cmpuint(stat.system_ticks, ==, 12);
	g_assert_cmpuint(stat.child_user_ticks, ==, 13);
	g_assert_cmpuint(stat.child_system_ticks, ==, 14);
	g_assert_cmpint(stat.nice, ==, -5);
	g_assert_cmpuint(stat.start, ==, 4242);
	g_assert_cmpuint(stat.size, ==, 8192);
	g_assert_cmpint(stat.resident, ==, 3);
}

static void test_names(void)
{
	static const char *const names[] = {"", ")", "a b", ") R 1 1", "(", "\n", "a) Z 1 2 3"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = g_strdup_printf("1 (%s)" BEHIND, names[i]);
		ProcStat stat;
		g_assert_true(proc_stat_parse(text, &stat));
		g_assert_cmpstr(stat.name, ==, names[i]);
		g_assert_cmpint(stat.parent, ==, 10);
		g_assert_cmpuint(stat.start, ==, 4242);
	}
}

static void test_nonsense(void)
{
	static const char *const texts[] = {"", "1", "1 (", "1 )(", ")", "1 (x)", "1 (x) R 10"};
	ProcStat stat;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_assert_false(proc_stat_parse(texts[i], &stat));
	g_assert_false(proc_stat_parse("1 )" BEHIND, &stat));
}

static void test_read(void)
{
	ProcStat stat;
	g_assert_cmpint(prctl(PR_SET_NAME, ") Z 1 (2"), ==, 0);
	g_assert_true(proc_stat_read(-1, getpid(), &stat));
	g_assert_cmpstr(stat.name, ==, ") Z 1 (2");
	g_assert_cmpint(stat.parent, ==, getppid());
	g_assert_cmpint(stat.session, ==, getsid(0));
	g_assert_cmpuint(stat.start, >, 0);
	g_assert_false(proc_stat_read(-1, 0, &stat));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/proc-stat/fields", test_fields);
	g_test_add_func("/proc-stat/names", test_names);
	g_test_add_func("/proc-stat/nonsense", test_nonsense);
	g_test_add_func("/proc-stat/read", test_read);
	return g_test_run();
}
