/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Privileges: capability names, and the users of a root by our own parser, which hostile files and
 * odd specifications must not fool (security 1.2).
 */
#include "libpod/runtime/privileges.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "tests/unit/base/temp_dir.h"

#define NOBODY 65534

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "bob:x:1000:1000::/home/bob:/bin/sh\n"
			     "1001:x:2000:2000::/home/digits:/bin/sh\n"
			     "twin:x:1000:3000::/home/twin:/bin/sh\n"
			     "short:x:5\n"
			     "huge:x:4294967296:0::/:/bin/sh\n"
			     "minus:x:-1:0::/:/bin/sh\n"
			     "octal:x:0x10:0::/:/bin/sh\n"
			     "nogroup:x:6:nobody::/:/bin/sh\n"
			     "web_1.d-x:x:1003:1003::/srv:/bin/sh\n"
			     "\n"
			     "last:x:1004:1004::/last:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "wheel:x:10:root,bob\n"
			    "audio:x:29:bobby,bo,xbob\n"
			    "video:x:44:,,bob,,\n"
			    "deny:x:1000:\n"
			    "99:x:77:bob\n"
			    "bad:x:nan:bob\n"
			    "last:x:1004:bob";

static void put(int dir_fd, const char *name, const char *text)
{
	autofd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	g_assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

static TempDir new_root(void)
{
	TempDir root = temp_dir_new();
	g_assert_cmpint(mkdirat(root.fd, "etc", 0755), ==, 0);
	put(root.fd, "etc/passwd", passwd);
	put(root.fd, "etc/group", group);
	return root;
}

/* What each specification resolves to; a negative result stands alone. */
typedef struct {
	const char *spec;
	int result;
	uid_t uid;
	gid_t gid;
	const char *home;
	const char *groups;
} UserRow;

static const UserRow rows[] = {
	{NULL, 0, 0, 0, "/root", "0,10"},
	{"", 0, 0, 0, "/root", "0,10"},
	{"0", 0, 0, 0, "/root", "0,10"},
	{"root", 0, 0, 0, "/root", "0,10"},
	{"00", 0, 0, 0, "/root", "0,10"},
	{"bob", 0, 1000, 1000, "/home/bob", "1000,10,44,77,1004"},
	{"1000", 0, 1000, 1000, "/home/bob", "1000,10,44,77,1004"},
	{"twin", 0, 1000, 3000, "/home/twin", "3000"},
	{"last", 0, 1004, 1004, "/last", "1004"},
	{"web_1.d-x", 0, 1003, 1003, "/srv", "1003"},
	/* A name of digits never shadows the number, and cannot be asked for. */
	{"1001", 0, 1001, 0, "", "0"},
	{"2000", 0, 2000, 2000, "/home/digits", "2000"},
	{"5", 0, 5, 0, "", "0"},
	{"6", 0, 6, 0, "", "0"},
	{"12345", 0, 12345, 0, "", "0"},
	{"4294967294", 0, 4294967294u, 0, "", "0"},
	/* With a group, memberships are not looked up. */
	{"bob:wheel", 0, 1000, 10, "/home/bob", "10"},
	{"bob:10", 0, 1000, 10, "/home/bob", "10"},
	{"bob:0", 0, 1000, 0, "/home/bob", "0"},
	{"bob:99", 0, 1000, 99, "/home/bob", "99"},
	{"0:0", 0, 0, 0, "/root", "0"},
	{"1:1", 0, 1, 1, "", "1"},
	{"1000:4294967294", 0, 1000, 4294967294u, "/home/bob", "4294967294"},
	{"12345:wheel", 0, 12345, 10, "", "10"},
	{"last:last", 0, 1004, 1004, "/last", "1004"},
	/* No user is root. */
	{":wheel", 0, 0, 10, "/root", "10"},
	{":0", 0, 0, 0, "/root", "0"},
	{":nosuch", -ENOENT, 0, 0, NULL, NULL},
	/* No such user or group. */
	{"nobody", -ENOENT, 0, 0, NULL, NULL},
	{"Bob", -ENOENT, 0, 0, NULL, NULL},
	{"bo", -ENOENT, 0, 0, NULL, NULL},
	{"short", -ENOENT, 0, 0, NULL, NULL},
	{"huge", -ENOENT, 0, 0, NULL, NULL},
	{"minus", -ENOENT, 0, 0, NULL, NULL},
	{"octal", -ENOENT, 0, 0, NULL, NULL},
	{"nogroup", -ENOENT, 0, 0, NULL, NULL},
	{"bob:nosuch", -ENOENT, 0, 0, NULL, NULL},
	{"bob:bad", -ENOENT, 0, 0, NULL, NULL},
	{"bob:Wheel", -ENOENT, 0, 0, NULL, NULL},
	{"nobody:wheel", -ENOENT, 0, 0, NULL, NULL},
	{"x", -ENOENT, 0, 0, NULL, NULL},
	{"root$", -ENOENT, 0, 0, NULL, NULL},
	{"\xc3\xa9ve", -ENOENT, 0, 0, NULL, NULL},
};

/* Specifications that make no sense in any root. */
static const char *const nonsense[] = {
	"4294967295",
	"4294967296",
	"4294967297",
	"8589934592",
	"99999999999",
	"00000000000",
	"18446744073709551616",
	"340282366920938463463374607431768211456",
	"-1",
	"-0",
	"+0",
	"+1",
	"-root",
	"0x0",
	"0x10",
	"0b1",
	"0o7",
	"1e3",
	"1.0",
	"1,0",
	"1 ",
	" 1",
	"\t1",
	"1\n",
	"\n0",
	"0\n",
	"1\r",
	" root",
	"root ",
	"ro ot",
	"root\n",
	"root\t",
	"ro\x01ot",
	"ro\x7fot",
	"\x1b[0m",
	":",
	"::",
	"1:",
	"0:",
	"root:",
	"bob:",
	"1000:",
	"1:1:",
	"1:1:1",
	"root:root:",
	"root:root:root",
	"bob::wheel",
	"::0",
	"0::0",
	"1000:-1",
	"1000:+1",
	"1000: 1",
	"1000:1 ",
	"1000:0x1",
	"1000:4294967295",
	"1000:4294967296",
	"1000:99999999999",
	"1000:1e3",
	"bob:wheel ",
	"bob: wheel",
	"bob:wh eel",
	"bob:\n",
	"bob:10\n",
	"bob:-1",
	"bob:1abc",
	"1abc",
	"1000bob",
	"0root",
	"0-0",
	"1-2",
	"1/2",
	"../etc",
	"bob/wheel",
	"/root",
	"root/",
	"~",
	"~root",
	".",
	"..",
	".root",
	"bob:/",
	"bob:../x",
	"bob:.x",
	"bob:~",
	"-",
	"--",
	"+",
	"+root",
	"0,0",
	"0;0",
	"0|1",
	"0&1",
	"1#",
	"2$",
	"3%",
	"4^",
	"5*",
	"6(",
	"7)",
	"8=",
	"9@host",
	"0\xff",
	"1\xc2\xa0",
	"2\xe2\x80\x8b",
};

static char *format_groups(const ResolvedUser *user)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < user->n_groups; i++)
		g_string_append_printf(text, "%s%u", i ? "," : "", user->groups[i]);
	return g_string_free(text, FALSE);
}

static void check_row(int root_fd, const UserRow *row)
{
	ResolvedUser user = {.uid = NOBODY, .gid = NOBODY};
	int result = privileges_resolve_user(root_fd, row->spec, NULL, &user);
	if (result != row->result)
		g_error("'%s': %d, not %d", row->spec ? row->spec : "(null)", result, row->result);
	if (result < 0) {
		g_assert_cmpuint(user.uid, ==, NOBODY);
		return;
	}
	g_autofree char *groups = format_groups(&user);
	if (user.uid != row->uid || user.gid != row->gid || strcmp(user.home, row->home) != 0 ||
	    strcmp(groups, row->groups) != 0)
		g_error("'%s': %u:%u '%s' %s", row->spec ? row->spec : "(null)", user.uid, user.gid,
			user.home, groups);
}

static void test_specs(void)
{
	g_auto(TempDir) root = new_root();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		check_row(root.fd, &rows[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(nonsense); i++) {
		UserRow row = {nonsense[i], -EINVAL, 0, 0, NULL, NULL};
		check_row(root.fd, &row);
		g_autoptr(GError) error = NULL;
		g_assert_false(privileges_check_user_spec(nonsense[i], &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
}

/* A line of passwd or group in each form that somebody has mistaken for another: whom it makes. */
typedef struct {
	const char *passwd; /* the file */
	const char *group;
	const char *spec;
	int result;
	uid_t uid;
	gid_t gid;
	const char *groups;
} FormRow;

static const FormRow form_rows[] = {
	/* Lines of passwd. */
	{"eve:x:7:8::/h:/s\n", "", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8::/h", "", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8:::", "", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8:", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7:8", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve::7:8::/h:/s", "", "eve", 0, 7, 8, "8"},
	{"eve:x::8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7:::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:::::", "", "eve", -ENOENT, 0, 0, NULL},
	{"::0:0::/:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x: 0:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:0 :8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:\t0:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:+0:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:-0:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:0x7:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7a:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7.0:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:4294967294:8::/h:/s", "", "eve", 0, 4294967294u, 8, "8"},
	{"eve:x:4294967295:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:18446744073709551616:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:00000000000:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:007:008::/h:/s", "", "eve", 0, 7, 8, "8"},
	{"eve:x:7:4294967295::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7:wheel::/h:/s", "wheel:x:0:", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7:8::/h:/s\r\n", "", "eve", 0, 7, 8, "8"},
	{"\xef\xbb\xbf"
	 "eve:x:7:8::/h:/s",
	 "", "eve", -ENOENT, 0, 0, NULL},
	{" eve:x:7:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve :x:7:8::/h:/s", "", "eve", -ENOENT, 0, 0, NULL},
	{"#eve:x:0:0::/h:/s\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"# eve:x:0:0::/h:/s\neve:x:7:8::/h:/s\n", "", "eve", 0, 7, 8, "8"},
	{"+eve:x:0:0::/h:/s\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"+::0:0:::\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"-eve:x:0:0::/h:/s\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"@eve:x:0:0::/h:/s\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"EVE:x:0:0::/h:/s\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"eve:x:7:8::/h:/s\neve:x:0:0::/h:/s\n", "", "eve", 0, 7, 8, "8"},
	{"eve:x:bad:8::/h:/s\neve:x:7:8::/h:/s\n", "", "eve", 0, 7, 8, "8"},
	{"\n\n\neve:x:7:8::/h:/s\n\n", "", "eve", 0, 7, 8, "8"},
	{"mallory:x:7:0:eve:x:0:0::/h:/s\n", "", "eve", -ENOENT, 0, 0, NULL},
	{"m:x:7:0:\\\neve:x:7:8::/h:/s\n", "", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8:a:b:c:d:e:f\n", "", "eve", 0, 7, 8, "8"},
	/* A number finds its line, not a name of digits. */
	{"7:x:0:0::/h:/s\n", "", "7", 0, 7, 0, "0"},
	{"7:x:0:0::/h:/s\neve:x:7:8::/h:/s\n", "", "7", 0, 7, 8, "8"},
	{"eve:x:07:8::/h:/s\n", "", "7", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "", "007", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\nroot:x:7:0::/h:/s\n", "", "7", 0, 7, 8, "8"},
	{"7a:x:0:0::/h:/s\n", "", "7a", -EINVAL, 0, 0, NULL},
	{"root:x:7:8::/h:/s\n", "", "root", 0, 7, 8, "8"},
	{"root:x:7:8::/h:/s\n", "", "0", 0, 0, 0, "0"},
	{"root:x:7:8::/h:/s\n", "", NULL, 0, 0, 0, "0"},
	/* Lines of group. */
	{"", "g:x:9:", "7:g", 0, 7, 9, "9"},
	{"", "g:x:9", "7:g", 0, 7, 9, "9"},
	{"", "g:x", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x: 0:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x:-1:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x:4294967295:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x:4294967296:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x:0x0:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "#g:x:0:", "7:g", -ENOENT, 0, 0, NULL},
	{"", "+:::\n+g:x:0:\n", "7:g", -ENOENT, 0, 0, NULL},
	{"", "g:x:9:\ng:x:0:\n", "7:g", 0, 7, 9, "9"},
	{"", "g:x:bad:\ng:x:9:\n", "7:g", 0, 7, 9, "9"},
	{"", "9:x:0:\n", "7:9", 0, 7, 9, "9"},
	{"", "G:x:0:\n", "7:g", -ENOENT, 0, 0, NULL},
	/* Who is a member. */
	{"eve:x:7:8::/h:/s\n", "g:x:9:eve", "eve", 0, 7, 8, "8,9"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:eve\r\n", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "g:x:9: eve", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:eve:x", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:evelyn,steve", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:,,,eve,eve,", "eve", 0, 7, 8, "8,9"},
	{"eve:x:7:8::/h:/s\n", "g:x:8:eve\nh:x:8:eve\n", "eve", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "g:x:bad:eve\nh:x:9:eve\n", "eve", 0, 7, 8, "8,9"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:7\n", "7", 0, 7, 8, "8"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:eve\n", "7", 0, 7, 8, "8,9"},
	{"eve:x:7:8::/h:/s\n", "g:x:9:eve\n", "eve:8", 0, 7, 8, "8"},
	{"a:x:7:8::/h:/s\nb:x:7:0::/h:/s\n", "g:x:9:b\n", "7", 0, 7, 8, "8"},
};

static void test_forms(void)
{
	g_auto(TempDir) root = new_root();
	for (size_t i = 0; i < G_N_ELEMENTS(form_rows); i++) {
		const FormRow *form = &form_rows[i];
		put(root.fd, "etc/passwd", form->passwd);
		put(root.fd, "etc/group", form->group);
		ResolvedUser user = {.uid = NOBODY, .gid = NOBODY};
		int result = privileges_resolve_user(root.fd, form->spec, NULL, &user);
		g_autofree char *groups = result < 0 ? NULL : format_groups(&user);
		if (result != form->result || g_strcmp0(groups, form->groups) != 0 ||
		    user.uid != (result < 0 ? NOBODY : form->uid) ||
		    user.gid != (result < 0 ? NOBODY : form->gid))
			g_error("'%s' of '%s' and '%s': %d, %u:%u %s", form->spec, form->passwd,
				form->group, result, user.uid, user.gid, groups);
	}
	g_test_message("hostile: %zu user specifications",
		       G_N_ELEMENTS(rows) + G_N_ELEMENTS(nonsense) + G_N_ELEMENTS(form_rows));
}

/* Each character by itself at both ends of a good name: only harmless ones get as far as the
 * lookup. A colon there means something; those are rows. */
static void test_characters(void)
{
	g_auto(TempDir) root = new_root();
	static const char *const forms[] = {"%cbob", "bob%c", "bo%cb", "bob:%cwheel"};
	for (size_t form = 0; form < G_N_ELEMENTS(forms); form++) {
		for (int c = 1; c < 256; c++) {
			if (c == ':')
				continue;
			g_autofree char *spec = g_strdup_printf(forms[form], c);
			ResolvedUser user = {.uid = NOBODY};
			int result = privileges_resolve_user(root.fd, spec, NULL, &user);
			g_assert_cmpint(result, <, 0);
			if (c <= ' ' || c == 0x7f || c == '/')
				g_assert_cmpint(result, ==, -EINVAL);
		}
	}
}

static void test_extra_groups(void)
{
	g_auto(TempDir) root = new_root();
	ResolvedUser user;
	const char *const extra[] = {"wheel", "555", "10", NULL};
	g_assert_cmpint(privileges_resolve_user(root.fd, "12345:7", extra, &user), ==, 0);
	g_autofree char *groups = format_groups(&user);
	g_assert_cmpstr(groups, ==, "7,10,555");
	const char *const unknown[] = {"nosuch", NULL};
	g_assert_cmpint(privileges_resolve_user(root.fd, "0", unknown, &user), ==, -ENOENT);
	const char *const bad[] = {"-1", NULL};
	g_assert_cmpint(privileges_resolve_user(root.fd, "0", bad, &user), ==, -EINVAL);
}

/* A root without the files knows numbers only. */
static void test_without_files(void)
{
	g_auto(TempDir) root = temp_dir_new();
	ResolvedUser user;
	g_assert_cmpint(privileges_resolve_user(root.fd, "7:8", NULL, &user), ==, 0);
	g_assert_cmpuint(user.uid, ==, 7);
	g_assert_cmpuint(user.gid, ==, 8);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -ENOENT);
	g_assert_cmpint(privileges_resolve_user(root.fd, NULL, NULL, &user), ==, 0);
	g_assert_cmpuint(user.uid, ==, 0);
}

/* Files that would hang, fill the memory or lead out of the root. */
static void test_hostile_files(void)
{
	g_auto(TempDir) root = new_root();
	ResolvedUser user;
	g_assert_cmpint(unlinkat(root.fd, "etc/passwd", 0), ==, 0);
	g_assert_cmpint(mkfifoat(root.fd, "etc/passwd", 0644), ==, 0);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -EINVAL);
	g_assert_cmpint(unlinkat(root.fd, "etc/passwd", 0), ==, 0);

	/* An absolute link is the root's own, not the host's: there is no passwd at its end. */
	g_assert_cmpint(symlinkat("/etc/shadow-of-nobody", root.fd, "etc/passwd"), ==, 0);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -ENOENT);
	g_assert_cmpint(unlinkat(root.fd, "etc/passwd", 0), ==, 0);
	g_assert_cmpint(symlinkat("/dev/zero", root.fd, "etc/passwd"), ==, 0);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -ENOENT);
	g_assert_cmpint(unlinkat(root.fd, "etc/passwd", 0), ==, 0);

	put(root.fd, "etc/passwd", passwd);
	g_assert_cmpint(unlinkat(root.fd, "etc/group", 0), ==, 0);
	autofd fd = openat(root.fd, "etc/group", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	g_assert_cmpint(ftruncate(fd, (off_t)4 << 30), ==, 0);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -EFBIG);
	/* The group's file is not asked where the specification says all. */
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob:5", NULL, &user), ==, 0);
}

static void test_long_lines(void)
{
	g_auto(TempDir) root = new_root();
	ResolvedUser user;
	g_autoptr(GString) text = g_string_new("long:x:1:");
	for (int i = 0; i < 1000; i++)
		g_string_append(text, "member,");
	put(root.fd, "etc/group", text->str);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -EFBIG);

	g_string_truncate(text, 0);
	for (int i = 0; i < 1100; i++)
		g_string_append_printf(text, "g%d:x:%d:bob\n", i, 5000 + i);
	put(root.fd, "etc/group", text->str);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -EFBIG);

	g_string_truncate(text, 0);
	for (int i = 0; i < 70000; i++)
		g_string_append(text, "a:x:1:\n");
	put(root.fd, "etc/group", text->str);
	g_assert_cmpint(privileges_resolve_user(root.fd, "bob", NULL, &user), ==, -EFBIG);
}

static void test_capabilities(void)
{
	g_autoptr(GError) error = NULL;
	int capability = -1;
	static const char *const spellings[] = {"CAP_NET_RAW", "NET_RAW", "net_raw", "cap_net_raw",
						"Cap_Net_Raw"};
	for (size_t i = 0; i < G_N_ELEMENTS(spellings); i++) {
		g_assert_true(privileges_capability_parse(spellings[i], &capability, &error));
		g_assert_cmpint(capability, ==, 13);
	}
	static const char *const wrong[] = {
		"", "CAP_", "ALL", "NET RAW", "CAP_CAP_NET_RAW", "NET_RAW ", "NETRAW"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_clear_error(&error);
		g_assert_false(privileges_capability_parse(wrong[i], &capability, &error));
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
	g_assert_cmpstr(privileges_capability_name(0), ==, "CAP_CHOWN");
	g_assert_cmpstr(privileges_capability_name(40), ==, "CAP_CHECKPOINT_RESTORE");
	g_assert_null(privileges_capability_name(41));
	g_assert_null(privileges_capability_name(-1));
	g_assert_cmphex(privileges_default_capabilities(), ==, 0x800405fb);
	g_assert_cmphex(privileges_all_capabilities(false) & 0x1ffffffff, ==, 0x1ffffffff);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/privileges/user/specifications", test_specs);
	g_test_add_func("/privileges/user/forms", test_forms);
	g_test_add_func("/privileges/user/every-character", test_characters);
	g_test_add_func("/privileges/user/extra-groups", test_extra_groups);
	g_test_add_func("/privileges/user/root-without-files", test_without_files);
	g_test_add_func("/privileges/user/hostile-files", test_hostile_files);
	g_test_add_func("/privileges/user/long-lines", test_long_lines);
	g_test_add_func("/privileges/capabilities/names", test_capabilities);
	return g_test_run();
}
