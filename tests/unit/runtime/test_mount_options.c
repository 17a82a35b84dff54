/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options: every word goes where it belongs, unknown ones go nowhere.
 */
#include "libpod/runtime/mount_options.h"

#include <string.h>
#include <sys/mount.h>

#include "libpod/base/error.h"

/* Parse "a,b,c" as the options of a mount of @type. */
static bool parse(const char *type, const char *words, MountOptions *options, GError **error)
{
	g_auto(GStrv) split = *words ? g_strsplit(words, ",", -1) : g_new0(char *, 1);
	OciMount mount = {.destination = (char *)"/data",
			  .type = (char *)type,
			  .source = (char *)"/src",
			  .options = split};
	return mount_options_parse(&mount, options, error);
}

static void test_attributes(void)
{
	static const struct {
		const char *words;
		uint64_t set, clear;
	} rows[] = {
		{"", 0, 0},
		{"ro", MOUNT_ATTR_RDONLY, 0},
		{"ro,rw", 0, MOUNT_ATTR_RDONLY},
		{"rw,ro", MOUNT_ATTR_RDONLY, 0},
		{"rro", MOUNT_ATTR_RDONLY, 0},
		{"nosuid,nodev,noexec", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		 0},
		{"nosuid,suid", 0, MOUNT_ATTR_NOSUID},
		{"exec,dev", 0, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV},
		{"noatime,nodiratime", MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME, 0},
		{"relatime,defaults,async", 0, 0},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		MountOptions options;
		g_assert_true(parse("bind", rows[i].words, &options, NULL));
		g_assert_cmphex(options.attr_set, ==, rows[i].set);
		g_assert_cmphex(options.attr_clear, ==, rows[i].clear);
		mount_options_clear(&options);
	}
}

static void test_own_words(void)
{
	MountOptions options;
	g_assert_true(parse("bind", "rbind,rslave,U,Z,copyup,create=file,O", &options, NULL));
	g_assert_true(options.recursive && options.chown_to_user && options.relabel &&
		      options.copy_up && options.create_file && options.overlay);
	g_assert_cmphex(options.propagation, ==, MS_SLAVE);
	g_assert_cmpuint(options.data->len, ==, 0);
	mount_options_clear(&options);
	g_assert_true(parse("bind", "", &options, NULL));
	g_assert_false(options.recursive || options.copy_up);
	g_assert_cmphex(options.propagation, ==, MS_PRIVATE);
	mount_options_clear(&options);
	g_assert_true(parse("tmpfs", "tmpcopyup,notmpcopyup", &options, NULL));
	g_assert_false(options.copy_up);
	mount_options_clear(&options);
}

static void test_data(void)
{
	MountOptions options;
	g_assert_true(parse("tmpfs", "size=64m,nosuid,mode=1777", &options, NULL));
	g_assert_cmpuint(options.data->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(options.data, 0), ==, "size=64m");
	mount_options_clear(&options);
}

/* What others have passed on to mount(2), to their sorrow (CVE-2024-9407). */
static void test_refused(void)
{
	static const struct {
		const char *type, *word;
	} rows[] = {
		{"bind", "size=1"},
		{"bind", "remount"},
		{"bind", "move"},
		{"bind", "rshared=1"},
		{"bind", "private "},
		{"bind", "RO"},
		{"bind", "ro=1"},
		{"bind", "lowerdir=/"},
		{"bind", "create=socket"},
		{"bind", "create="},
		{"bind", "bind-propagation=x"},
		{"bind", ""},
		{"bind", "mand"},
		{"bind", "loop"},
		{"bind", "context=x"},
		{"bind", "user_id=0"},
		{"bind", "Ux"},
		{"bind", "zz"},
		{"tmpfs", "lowerdir=/etc"},
		{"tmpfs", "sizes=1"},
		{"tmpfs", "siz=1"},
		{"tmpfs", "=1"},
		{"tmpfs", "upperdir=/x"},
		{"tmpfs", "usrquota"},
		{"proc", "size=1"},
		{"proc", "hidepid2"},
		{"sysfs", "mode=1"},
		{"mqueue", "mode=1"},
		{"devpts", "size=1"},
		{"cgroup", "memory"},
		{"overlay", "size=1"},
		{"overlay", "lowerdir+=/x"},
		{"fuse", "fd=3"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(GStrv) words = g_new0(char *, 2);
		words[0] = g_strdup(rows[i].word);
		OciMount mount = {.destination = (char *)"/data",
				  .type = (char *)rows[i].type,
				  .options = words};
		MountOptions options;
		g_autoptr(GError) error = NULL;
		if (mount_options_parse(&mount, &options, &error))
			g_error("%s takes '%s'", rows[i].type, rows[i].word);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		g_assert_nonnull(strstr(error->message, "/data"));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mount-options/attributes", test_attributes);
	g_test_add_func("/mount-options/own-words", test_own_words);
	g_test_add_func("/mount-options/file-system-data", test_data);
	g_test_add_func("/mount-options/refuses-unknown-words", test_refused);
	return g_test_run();
}
