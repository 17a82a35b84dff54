/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci_build.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* A directory per processor that throttles, and nothing else. */
static void test_thermal_paths(void)
{
	g_autofree char *top = g_dir_make_tmp("skiff-XXXXXX", NULL);
	g_autofree char *first = g_build_filename(top, "cpu0", NULL);
	g_autofree char *throttle = g_build_filename(first, "thermal_throttle", NULL);
	g_autofree char *other = g_build_filename(top, "cpufreq", NULL);
	g_autofree char *beyond = g_build_filename(other, "thermal_throttle", NULL);
	g_assert_cmpint(g_mkdir_with_parents(throttle, 0700), ==, 0);
	g_assert_cmpint(g_mkdir_with_parents(beyond, 0700), ==, 0);

	g_auto(GStrv) paths = oci_build_thermal_paths(top);
	g_assert_cmpuint(g_strv_length(paths), ==, 1);
	g_assert_cmpstr(paths[0], ==, throttle);

	const char *const made[] = {throttle, first, beyond, other, top};
	for (size_t i = 0; i < G_N_ELEMENTS(made); i++)
		g_assert_cmpint(g_rmdir(made[i]), ==, 0);
	g_auto(GStrv) none = oci_build_thermal_paths(top);
	g_assert_cmpuint(g_strv_length(none), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oci_build/thermal-paths", test_thermal_paths);
	return g_test_run();
}
