/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/boot_hint.h"

#include <glib/gstdio.h>

/* A host with systemd, below a directory of ours. */
typedef struct {
	char *root;
	BootHost host;
} Fixture;

static void put(const Fixture *f, const char *path)
{
	g_autofree char *full = g_strconcat(f->root, path, NULL);
	g_autofree char *dir = g_path_get_dirname(full);
	g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
	g_assert_true(g_file_set_contents(full, "", 0, NULL));
}

static void set_up(Fixture *f, const void *data)
{
	f->root = g_dir_make_tmp("skiff-boot-XXXXXX", NULL);
	f->host = (BootHost){.root = f->root, .runtime = "/run/user/1234", .uid = 1234};
	f->host.user = g_strdup("anna");
	f->host.config = g_build_filename(f->root, "home/.config", NULL);
	f->host.unit = g_strdup("skiff-restart.service");
	put(f, "/run/systemd/system/x");
}

static void tear_down(Fixture *f, const void *data)
{
	const char *const argv[] = {"rm", "-rf", f->root, NULL};
	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
	boot_host_clear(&f->host);
	g_free(f->root);
}

static void assert_hints(const Fixture *f, const char *restart, const char *linger)
{
	g_autofree char *one = boot_hint_restart(&f->host);
	g_autofree char *two = boot_hint_linger(&f->host);
	g_assert_cmpint(one != NULL, ==, restart != NULL);
	g_assert_cmpint(two != NULL, ==, linger != NULL);
	g_assert_true(!one || g_str_has_suffix(one, restart));
	g_assert_true(!two || g_str_has_suffix(two, linger));
}

static void test_user(Fixture *f, const void *data)
{
	const char *restart = ": systemctl --user enable skiff-restart.service";
	const char *linger = ": sudo loginctl enable-linger anna";
	assert_hints(f, restart, linger);
	put(f, "/var/lib/systemd/linger/anna");
	assert_hints(f, restart, NULL);
	put(f, "/home/.config/systemd/user/default.target.wants/skiff-restart.service");
	assert_hints(f, NULL, NULL);
}

static void test_for_all(Fixture *f, const void *data)
{
	put(f, "/etc/systemd/user/default.target.wants/skiff-restart.service");
	f->host.runtime = "/tmp/mine";
	assert_hints(f, NULL, NULL);
}

/* An uid without a name is a user, too. */
static void test_nameless(Fixture *f, const void *data)
{
	g_clear_pointer(&f->host.user, g_free);
	assert_hints(f, ": systemctl --user enable skiff-restart.service", NULL);
	put(f, "/etc/systemd/system/default.target.wants/skiff-restart.service");
	assert_hints(f, ": systemctl --user enable skiff-restart.service", NULL);
}

static void test_root(Fixture *f, const void *data)
{
	g_clear_pointer(&f->host.user, g_free);
	g_clear_pointer(&f->host.config, g_free);
	assert_hints(f, ": systemctl enable skiff-restart.service", NULL);
	put(f, "/etc/systemd/system/default.target.wants/skiff-restart.service");
	assert_hints(f, NULL, NULL);
}

static void test_without_systemd(Fixture *f, const void *data)
{
	g_autofree char *file = g_strconcat(f->root, "/run/systemd/system/x", NULL);
	g_autofree char *dir = g_path_get_dirname(file);
	g_assert_true(g_unlink(file) == 0 && g_rmdir(dir) == 0);
	assert_hints(f, NULL, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/boot-hint/nameless", Fixture, NULL, set_up, test_nameless, tear_down);
	g_test_add("/boot-hint/user", Fixture, NULL, set_up, test_user, tear_down);
	g_test_add("/boot-hint/for-all", Fixture, NULL, set_up, test_for_all, tear_down);
	g_test_add("/boot-hint/root", Fixture, NULL, set_up, test_root, tear_down);
	g_test_add("/boot-hint/without-systemd", Fixture, NULL, set_up, test_without_systemd,
		   tear_down);
	return g_test_run();
}
