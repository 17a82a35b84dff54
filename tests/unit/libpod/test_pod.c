/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>

#include "libpod/base/error.h"
#include "libpod/pod.h"

/* --share, and back to the names in podman's order. */
static void test_share(void)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
		{"ipc,net,uts", "ipc,net,uts"},
		{"uts,pid", "pid,uts"},
		{"+pid", "pid,ipc,net,uts"},
		{"+user,cgroup", "ipc,net,user,uts,cgroup"},
		{"none", ""},
		{"", ""},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		unsigned share = 0;
		g_assert_true(pod_share_parse(rows[i].text, &share, &error));
		g_autofree const char **names = pod_share_names(share);
		g_autofree char *joined = g_strjoinv(",", (char **)names);
		g_assert_cmpstr(joined, ==, rows[i].names);
	}
}

static void test_share_refuses(void)
{
	g_autoptr(GError) error = NULL;
	unsigned share = 77;
	g_assert_false(pod_share_parse("net,foo", &share, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_assert_cmpuint(share, ==, 77);
	g_assert_cmpstr(error->message, ==,
			"invalid kernel namespace to share: foo. Options are: cgroup, ipc, net, "
			"pid, uts or none");
}

static void test_exit_policy(void)
{
	g_autoptr(GError) error = NULL;
	PodExitPolicy policy = POD_EXIT_CONTINUE;
	g_assert_true(pod_exit_policy_parse("stop", &policy, &error));
	g_assert_cmpint(policy, ==, POD_EXIT_STOP);
	g_assert_cmpstr(pod_exit_policy_name(policy), ==, "stop");
	g_assert_false(pod_exit_policy_parse("Stop", &policy, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_assert_cmpint(policy, ==, POD_EXIT_STOP);
}

/* Without any member a pod was created and no more. */
static void test_status_of_nothing(void)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_assert_cmpstr(pod_status(none), ==, "Created");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pod/share/names", test_share);
	g_test_add_func("/pod/share/refuses-unknown", test_share_refuses);
	g_test_add_func("/pod/exit-policy", test_exit_policy);
	g_test_add_func("/pod/status/of-nothing", test_status_of_nothing);
	return g_test_run();
}
