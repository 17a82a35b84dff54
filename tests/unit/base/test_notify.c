/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/base/notify.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"

static void send_and_receive(void)
{
	g_autofree char *directory = g_dir_make_tmp("notify-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "s", NULL);
	g_autofree char *abstract = g_strdup_printf("@skiff-unit-%d", (int)getpid());
	const char *paths[] = {path, abstract};
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		struct sockaddr_un address;
		socklen_t size = 0;
		char words[64] = "";
		g_assert_true(notify_address(paths[i], &address, &size));
		autofd manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		g_assert_cmpint(bind(manager, (struct sockaddr *)&address, size), ==, 0);
		g_assert_true(notify_send(paths[i], "READY=1\nSTATUS=up"));
		g_assert_cmpint(recv(manager, words, sizeof words - 1, 0), ==, 17);
		g_assert_cmpstr(words, ==, "READY=1\nSTATUS=up");
	}
	unlink(path);
	rmdir(directory);
}

static void nobody_there(void)
{
	struct sockaddr_un address;
	socklen_t size;
	char long_path[200];
	memset(long_path, 'x', sizeof long_path);
	long_path[0] = '/';
	long_path[sizeof long_path - 1] = '\0';
	g_assert_true(notify_send(NULL, "READY=1"));
	g_assert_false(notify_send("/there/is/none", "READY=1"));
	g_assert_cmpint(errno, ==, ENOENT);
	const char *const bad[] = {"", "relative", "/", "@", "vsock:2:1", long_path};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_false(notify_address(bad[i], &address, &size));
		g_assert_cmpint(notify_connect(bad[i]), ==, -1);
		g_assert_cmpint(errno, ==, EINVAL);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notify/send-and-receive", send_and_receive);
	g_test_add_func("/notify/nobody-there", nobody_there);
	return g_test_run();
}
