/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sysctls: only those of a namespace that the container owns, in any spelling.
 */
#include "libpod/runtime/limits.h"

#include <string.h>

#include "libpod/base/error.h"

static bool check(const char *key, const char *value, OciNamespaceMode mode)
{
	g_autoptr(OciConfig) config = oci_config_new();
	g_autoptr(GError) error = NULL;
	config->namespaces[OCI_NS_NETWORK].mode = mode;
	config->namespaces[OCI_NS_IPC].mode = mode;
	config->sysctl = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(config->sysctl, g_strdup(key), g_strdup(value));
	bool ok = limits_check_sysctls(config, &error);
	g_assert_true(ok || error_matches(error, ENGINE_ERROR_INVALID));
	return ok;
}

static void test_allowed(void)
{
	static const char *const keys[] = {"net.ipv4.ip_forward",
					   "net/ipv4/ip_forward",
					   "net.ipv4.conf.eth0/100.rp_filter",
					   "net/ipv4/conf/eth0.100/rp_filter",
					   "net.ipv6.conf.all.disable_ipv6",
					   "kernel.shmmax",
					   "kernel.msgmax",
					   "kernel.msgmnb",
					   "kernel.msgmni",
					   "kernel.sem",
					   "kernel.shmall",
					   "kernel.shmmni",
					   "kernel.shm_rmid_forced",
					   "fs.mqueue.queues_max"};
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (!check(keys[i], "1", OCI_NS_NEW))
			g_error("'%s' is refused", keys[i]);
		if (check(keys[i], "1", OCI_NS_HOST) || check(keys[i], "1", OCI_NS_PATH))
			g_error("'%s' is allowed in a namespace of others", keys[i]);
	}
}

static void test_refused(void)
{
	static const char *const keys[] = {"",
					   ".",
					   "net",
					   "net.",
					   ".net.core",
					   "net..core",
					   "kernel.core_pattern",
					   "kernel/core_pattern",
					   "kernel.hostname",
					   "kernel.domainname",
					   "kernel.shm*",
					   "kernel.shm_next_id",
					   "kernel.msgmaxx",
					   "kernel.msg",
					   "kernel.semx",
					   "kernel",
					   "net/../kernel/core_pattern",
					   "net.//.kernel.core_pattern",
					   "net.../kernel",
					   "net/./ipv4",
					   "net//ipv4",
					   "/net/ipv4",
					   "net.ipv4.ip_forward+kernel.core_pattern",
					   "net.ipv4 .x",
					   "net.ipv4.x=y",
					   "net.ipv4.x\n",
					   "net.ipv4.*",
					   "NET.ipv4.x",
					   "vm.swappiness",
					   "fs.file-max",
					   "fs.mqueue",
					   "fs.mqueuex.y",
					   "user.max_user_namespaces",
					   "dev.tty.ldisc_autoload",
					   "abi.vsyscall32",
					   "../kernel.x",
					   "sys.net.x",
					   "kernel.shmmax/../core_pattern",
					   "kernel/shmmax/../core_pattern",
					   "net.\xc3\xa9.x",
					   "net;ipv4;x"};
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (check(keys[i], "1", OCI_NS_NEW))
			g_error("'%s' is allowed", keys[i]);
	}
	g_assert_false(check("net.ipv4.ip_forward", "1\n2", OCI_NS_NEW));
	g_assert_true(check("net.ipv4.ping_group_range", "0\t0", OCI_NS_NEW));
}

static void test_rlimit_names(void)
{
	g_assert_cmpint(limits_rlimit_parse("RLIMIT_MOON"), ==, -1);
	g_assert_cmpint(limits_rlimit_parse("NOFILE"), ==, -1);
	g_assert_null(limits_rlimit_name(99));
	for (int i = 0; i < 16; i++)
		g_assert_cmpint(limits_rlimit_parse(limits_rlimit_name(i)), ==, i);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/limits/sysctl/of-own-namespaces", test_allowed);
	g_test_add_func("/limits/sysctl/refused", test_refused);
	g_test_add_func("/limits/rlimit/names", test_rlimit_names);
	return g_test_run();
}
