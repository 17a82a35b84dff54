/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY: which files a word takes, where they go, and that nothing leaves its root.
 */
#include "build/copy.h"

#include <sys/xattr.h>

#include "tests/unit/base/no_listing.h"
#include "tests/unit/build/copy_bed.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static CopySpec spec_of(const Bed *bed, const char *const *sources, const char *dest)
{
	return (CopySpec){
		.sources = sources,
		.dest = dest,
		.root_fd = bed->source,
		.unpack = -1,
		.env = &bed->env,
	};
}

static bool apply(const Bed *bed, const CopySpec *spec, GError **error)
{
	g_autoptr(CopyPlan) plan = copy_plan_new(spec, error);
	const CopyTarget target = {.dest_fd = bed->dest, .users_fd = -1, .mtime = -1};
	return plan && copy_plan_apply(plan, &target, NULL, error);
}

/* Copy and compare the destination. */
static void check_spec(const Bed *bed, const CopySpec *spec, const char *expected)
{
	g_autoptr(GError) error = NULL;
	bool done = apply(bed, spec, &error);
	g_assert_no_error(error);
	g_assert_true(done);
	g_autofree char *listed = bed_list(bed->dest);
	g_assert_cmpstr(listed, ==, expected);
}

static void check_refused(const Bed *bed, const CopySpec *spec, ErrorCode code, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(apply(bed, spec, &error));
	if (!error_matches(error, code) || !strstr(error->message, words))
		g_error("expected code %d, '%s', got %d: %s", code, words, error->code,
			error->message);
}

static char *checksum(const CopySpec *spec)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StatCache) cache = stat_cache_open(-1, NULL);
	g_autoptr(CopyPlan) plan = copy_plan_new(spec, &error);
	g_assert_no_error(error);
	g_autoptr(FileList) list = copy_plan_checksum(plan, cache, &error);
	g_assert_no_error(error);
	return file_list_digest(list);
}

/* One source tree for the rules of destinations. */
static const char *const tree[] = {
	"f a.txt A", "f b.txt B", "d sub", "x sub/run R", "d sub/deep 700", "f sub/deep/x X", NULL,
};

static void test_destinations(void)
{
	static const struct {
		const char *sources[4];
		const char *dest, *workdir;
		const char *expected;
	} rows[] = {
		{{"a.txt"}, "/x", NULL, "f x 644 A"},
		{{"a.txt"}, "/x/", NULL, "d x 755\nf x/a.txt 644 A"},
		{{"a.txt"}, "x/y", "/w", "d w 755\nd w/x 755\nf w/x/y 644 A"},
		{{"a.txt"}, ".", "/w", "d w 755\nf w/a.txt 644 A"},
		{{"a.txt", "b.txt"}, "/", NULL, "f a.txt 644 A\nf b.txt 644 B"},
		{{"*.txt"}, "/d/", NULL, "d d 755\nf d/a.txt 644 A\nf d/b.txt 644 B"},
		{{"[ab].txt"}, "./", NULL, "f a.txt 644 A\nf b.txt 644 B"},
		{{"nothing*"}, "/d/", NULL, ""},
		{{"sub"}, "/d", NULL, "d d 755\nd d/deep 700\nf d/deep/x 644 X\nf d/run 755 R"},
		{{"/sub/"}, "/", NULL, "d deep 700\nf deep/x 644 X\nf run 755 R"},
		{{"s*"}, "/d/", NULL, "d d 755\nd d/deep 700\nf d/deep/x 644 X\nf d/run 755 R"},
		{{"s*/deep/*"}, "/d/", NULL, "d d 755\nf d/x 644 X"},
		{{"../../a.txt"}, "../x", "/w", "f x 644 A"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Bed) bed = bed_new(tree, NULL);
		CopySpec spec = spec_of(&bed, rows[i].sources, rows[i].dest);
		spec.workdir = rows[i].workdir;
		check_spec(&bed, &spec, rows[i].expected);
	}
}

/* A name that looks like a pattern: as a pattern it means another file. */
static void test_exact(void)
{
	static const char *const names[] = {"d [ab]", "f [ab]/in I",  "f a* S", "f c\\d B",
					    "d a",    "f a/in other", NULL};
	static const struct {
		const char *source, *expected;
	} rows[] = {
		{"[ab]", "d d 755\nf d/in 644 I"},
		{"a*", "d d 755\nf d/a* 644 S"},
		{"c\\d", "d d 755\nf d/c\\d 644 B"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Bed) bed = bed_new(names, NULL);
		CopySpec spec = spec_of(&bed, WORDS(rows[i].source), "/d/");
		spec.exact = true;
		check_spec(&bed, &spec, rows[i].expected);
	}
}

static void test_existing_destinations(void)
{
	g_auto(Bed) bed = bed_new(tree, WORDS("d etc 750", "f etc/run old", "f file old",
					      "d etc/deep", "l link etc", "l dangling made/here"));
	CopySpec spec = spec_of(&bed, WORDS("sub"), "/etc");
	check_spec(&bed, &spec,
		   "d etc 750\nd etc/deep 700\nf etc/deep/x 644 X\nf etc/run 755 R\n"
		   "f file 644 old\nl dangling made/here\nl link etc");
	spec = spec_of(&bed, WORDS("a.txt"), "/link");
	g_assert_true(apply(&bed, &spec, NULL));
	spec = spec_of(&bed, WORDS("b.txt"), "/file");
	g_assert_true(apply(&bed, &spec, NULL));
	spec = spec_of(&bed, WORDS("b.txt"), "/dangling");
	check_spec(&bed, &spec,
		   "d etc 750\nd etc/deep 700\nd made 755\nf etc/a.txt 644 A\nf etc/deep/x 644 X\n"
		   "f etc/run 755 R\nf file 644 B\nf made/here 644 B\nl dangling made/here\n"
		   "l link etc");
	spec = spec_of(&bed, WORDS("a.txt", "b.txt"), "/new");
	check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "more than one source file");
	spec = spec_of(&bed, WORDS("a.txt", "b.txt"), "/etc");
	g_assert_true(apply(&bed, &spec, NULL));
	spec = spec_of(&bed, WORDS("a.txt"), "/file/");
	check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "not a directory");
	spec = spec_of(&bed, WORDS("sub"), "/file");
	check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "not a directory");
	spec = spec_of(&bed, WORDS("sub/deep/x"), "/etc/deep/../../etc");
	g_assert_true(apply(&bed, &spec, NULL));
}

/* What is below a destination is never written through, and kinds stay apart. */
static void test_links_below(void)
{
	g_auto(Bed) bed = bed_new(WORDS("d t", "f t/f new", "d t/d", "f t/d/x X"),
				  WORDS("d t", "f t/other old", "l t/f other"));
	CopySpec spec = spec_of(&bed, WORDS("t"), "/t");
	check_spec(&bed, &spec,
		   "d t 755\nd t/d 755\nf t/d/x 644 X\nf t/f 644 new\nf t/other 644 old");
	g_auto(Bed) linked = bed_new(WORDS("d t", "d t/d", "f t/d/x X"), WORDS("d e", "l d e"));
	spec = spec_of(&linked, WORDS("t"), "/");
	check_refused(&linked, &spec, ENGINE_ERROR_INVALID, "no directory");
	g_auto(Bed) file = bed_new(WORDS("d t", "f t/d X"), WORDS("d d"));
	spec = spec_of(&file, WORDS("t"), "/");
	check_refused(&file, &spec, ENGINE_ERROR_INVALID, "is a directory");
}

/* Security 1.4: whatever a source or destination says, it stays inside its root. */
static void test_escapes(void)
{
	static const char *const sources[] = {
		"../secret",  "/../secret", "up",           "abs",
		"dir/secret", "up*",        "dirs*/secret", "chain",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		g_autoptr(GError) error = NULL;
		g_auto(Bed) bed = bed_new(NULL, NULL);
		g_autofree char *abs = g_strdup_printf("l abs %s/secret", bed.temp.path);
		bed_make(bed.source, WORDS("l up ../secret", abs, "l dir ..", "l dirs ../../..",
					   "l chain dir/up", "l upper ../secret"));
		CopySpec spec = spec_of(&bed, WORDS(sources[i]), "/out/");
		bool done = apply(&bed, &spec, &error);
		g_autofree char *listed = bed_list(bed.dest);
		g_assert_null(strstr(listed, "secret"));
		g_assert_true(!done || *listed == '\0');
	}
	static const char *const dests[] = {"/abs", "/up", "/dir/new", "../../new", "/dir/"};
	for (size_t i = 0; i < G_N_ELEMENTS(dests); i++) {
		g_auto(Bed) bed = bed_new(tree, WORDS("l up ../secret", "l dir .."));
		g_autofree char *abs = g_strdup_printf("l abs %s/secret", bed.temp.path);
		bed_make(bed.dest, WORDS(abs));
		CopySpec spec = spec_of(&bed, WORDS("a.txt"), dests[i]);
		(void)apply(&bed, &spec, NULL);
		char text[16] = "";
		autofd fd = openat(bed.temp.fd, "secret", O_RDONLY | O_CLOEXEC);
		g_assert_cmpint(read(fd, text, sizeof(text) - 1), ==, 6);
		g_assert_cmpstr(text, ==, "secret");
		struct stat st;
		g_assert_cmpint(fstatat(bed.temp.fd, "new", &st, 0), ==, -1);
		g_assert_cmpint(fstatat(bed.temp.fd, "a.txt", &st, 0), ==, -1);
	}
}

static void test_sources_links(void)
{
	g_auto(Bed) bed = bed_new(WORDS("d real", "f real/x X", "l real/y ../../../etc/passwd",
					"l cur real", "l file /real/x", "l loop loop"),
				  NULL);
	CopySpec spec = spec_of(&bed, WORDS("cur", "file"), "/d/");
	check_spec(&bed, &spec, "d d 755\nf d/file 644 X\nf d/x 644 X\nl d/y ../../../etc/passwd");
	spec = spec_of(&bed, WORDS("loop"), "/d/");
	check_refused(&bed, &spec, ENGINE_ERROR_NOT_FOUND, "loop");
	spec = spec_of(&bed, WORDS("cur/x"), "/one");
	g_assert_true(apply(&bed, &spec, NULL));
}

static Dockerignore *ignore_of(const char *text)
{
	g_autoptr(GError) error = NULL;
	Dockerignore *ignore = dockerignore_parse(text, strlen(text), "ignore", &error);
	g_assert_no_error(error);
	return ignore;
}

static void test_ignore(void)
{
	g_auto(Bed) bed = bed_new(tree, NULL);
	g_autoptr(Dockerignore) ignore = ignore_of("*\n!sub/deep/x\n!a.txt\n");
	CopySpec spec = spec_of(&bed, WORDS("."), "/d/");
	spec.ignore = ignore;
	check_spec(&bed, &spec,
		   "d d 755\nd d/sub 755\nd d/sub/deep 700\nf d/a.txt 644 A\nf d/sub/deep/x 644 X");
	spec = spec_of(&bed, WORDS("b.txt"), "/d/");
	spec.ignore = ignore;
	check_refused(&bed, &spec, ENGINE_ERROR_NOT_FOUND, "b.txt");
	/* A link to what is ignored is ignored, too. */
	bed_make(bed.source, WORDS("l zlink b.txt"));
	g_autoptr(Dockerignore) only = ignore_of("b.txt\n");
	spec = spec_of(&bed, WORDS("zlink"), "/d/");
	spec.ignore = only;
	check_refused(&bed, &spec, ENGINE_ERROR_NOT_FOUND, "zlink");
}

static void test_exclude(void)
{
	g_auto(Bed) bed = bed_new(tree, NULL);
	CopySpec spec = spec_of(&bed, WORDS("*"), "/d/");
	spec.exclude = WORDS("*.txt", "deep");
	check_spec(&bed, &spec, "d d 755\nf d/run 755 R");
	g_auto(Bed) inside = bed_new(tree, NULL);
	spec = spec_of(&inside, WORDS("sub"), "/d/");
	spec.exclude = WORDS("run");
	check_spec(&inside, &spec, "d d 755\nd d/deep 700\nf d/deep/x 644 X");
}

static void test_parents(void)
{
	static const struct {
		const char *source, *expected;
	} rows[] = {
		{"sub/deep/x", "d d 755\nd d/sub 755\nd d/sub/deep 700\nf d/sub/deep/x 644 X"},
		{"sub/./deep/x", "d d 755\nd d/deep 700\nf d/deep/x 644 X"},
		{"**/x", "d d 755\nd d/sub 755\nd d/sub/deep 700\nf d/sub/deep/x 644 X"},
		{"./sub/r*", "d d 755\nd d/sub 755\nf d/sub/run 755 R"},
		{"s*/deep", "d d 755\nd d/sub 755\nd d/sub/deep 700\nf d/sub/deep/x 644 X"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Bed) bed = bed_new(tree, NULL);
		CopySpec spec = spec_of(&bed, WORDS(rows[i].source), "/d/");
		spec.parents = true;
		check_spec(&bed, &spec, rows[i].expected);
	}
	g_auto(Bed) bed = bed_new(tree, NULL);
	CopySpec spec = spec_of(&bed, WORDS("sub/absent"), "/d/");
	spec.parents = true;
	check_refused(&bed, &spec, ENGINE_ERROR_NOT_FOUND, "sub/absent");
}

static void test_chmod(void)
{
	static const struct {
		const char *chmod, *expected;
	} rows[] = {
		{"600", "d d 755\nd d/deep 600\nf d/deep/x 600 X\nf d/run 600 R"},
		{"04711", "d d 755\nd d/deep 4711\nf d/deep/x 4711 X\nf d/run 4711 R"},
		{"u=rwX,go=rX", "d d 755\nd d/deep 755\nf d/deep/x 644 X\nf d/run 755 R"},
		{"a-x", "d d 755\nd d/deep 600\nf d/deep/x 644 X\nf d/run 644 R"},
		{"go=u-w", "d d 755\nd d/deep 755\nf d/deep/x 644 X\nf d/run 755 R"},
		{"+x,o=", "d d 755\nd d/deep 710\nf d/deep/x 750 X\nf d/run 750 R"},
		{"u+s,g-r", "d d 755\nd d/deep 4700\nf d/deep/x 4604 X\nf d/run 4715 R"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Bed) bed = bed_new(tree, NULL);
		CopySpec spec = spec_of(&bed, WORDS("sub"), "/d/");
		spec.chmod = rows[i].chmod;
		check_spec(&bed, &spec, rows[i].expected);
	}
	static const char *const bad[] = {"",     "8",    "77777", "u",       "u=q",
					  "u=r,", ",u=r", "0x7",   "u=rw g=r"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(Bed) bed = bed_new(tree, NULL);
		CopySpec spec = spec_of(&bed, WORDS("sub"), "/d/");
		spec.chmod = bad[i];
		check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "--chmod");
	}
}

/* Names come from the destination's own passwd; only id 0 is there to be given away here. */
static void test_chown(void)
{
	g_auto(Bed) bed = bed_new(tree, WORDS("d etc", "f etc/passwd app:x:0:0::/:/bin/sh\n",
					      "f etc/group grp:x:0:\n"));
	static const struct {
		const char *chown;
		bool fine;
	} rows[] = {
		{"app", true}, {"app:grp", true},     {"0", true},
		{"0:0", true}, {"nobody", false},     {"app:none", false},
		{"-1", false}, {"4294967296", false}, {" 1", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		CopySpec spec = spec_of(&bed, WORDS("sub"), "/d/");
		spec.chown = rows[i].chown;
		if (rows[i].fine)
			g_assert_true(apply(&bed, &spec, NULL));
		else
			check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "--chown");
	}
}

static void test_inline(void)
{
	g_auto(Bed) bed = bed_new(tree, NULL);
	const CopyInline texts[] = {{"EOF", "one\n"}, {"TWO", ""}};
	CopySpec spec = spec_of(&bed, WORDS("a.txt"), "/d/");
	spec.inlines = texts;
	spec.n_inlines = 2;
	check_spec(&bed, &spec, "d d 755\nf d/EOF 644 one\n\nf d/TWO 644\nf d/a.txt 644 A");
	spec = spec_of(&bed, NULL, "/x");
	spec.root_fd = -1;
	spec.inlines = texts;
	spec.n_inlines = 1;
	spec.chmod = "+x";
	g_assert_true(apply(&bed, &spec, NULL));
	struct stat st;
	g_assert_cmpint(fstatat(bed.dest, "x", &st, 0), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0755);
}

static void test_kinds(void)
{
	g_auto(Bed) bed =
		bed_new(WORDS("d t", "f t/a A", "h t/b t/a", "p t/fifo", "f t/big "), NULL);
	autofd sparse = openat(bed.source, "t/big", O_RDWR | O_CLOEXEC);
	g_assert_cmpint(ftruncate(sparse, 64 << 20), ==, 0);
	g_assert_cmpint(pwrite(sparse, "data", 4, 32 << 20), ==, 4);
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 500}};
	g_assert_cmpint(utimensat(bed.source, "t/a", times, 0), ==, 0);
	bool has_xattrs = fsetxattr(sparse, "user.kept", "v", 1, 0) == 0 &&
			  fsetxattr(sparse, "user.overlay.redirect", "/", 1, 0) == 0;
	CopySpec spec = spec_of(&bed, WORDS("t"), "/t");
	g_assert_true(apply(&bed, &spec, NULL));
	struct stat a, b, big;
	g_assert_cmpint(fstatat(bed.dest, "t/a", &a, 0), ==, 0);
	g_assert_cmpint(fstatat(bed.dest, "t/b", &b, 0), ==, 0);
	g_assert_true(a.st_ino == b.st_ino);
	g_assert_cmpint(a.st_mtim.tv_sec, ==, 1000);
	g_assert_cmpint(a.st_mtim.tv_nsec, ==, 500);
	g_assert_cmpint(fstatat(bed.dest, "t/fifo", &b, 0), ==, 0);
	g_assert_true(S_ISFIFO(b.st_mode));
	autofd copy = openat(bed.dest, "t/big", O_RDONLY | O_CLOEXEC);
	g_assert_cmpint(fstat(copy, &big), ==, 0);
	g_assert_cmpint(big.st_size, ==, 64 << 20);
	g_assert_cmpint(big.st_blocks * 512, <, 1 << 20);
	char text[8] = "";
	g_assert_cmpint(pread(copy, text, 4, 32 << 20), ==, 4);
	g_assert_cmpstr(text, ==, "data");
	if (has_xattrs) {
		g_assert_cmpint(fgetxattr(copy, "user.kept", text, 4), ==, 1);
		g_assert_cmpint(fgetxattr(copy, "user.overlay.redirect", text, 4), ==, -1);
	}
}

/* What a checksum sees, and what it does not. */
static void test_checksum(void)
{
	g_auto(Bed) bed = bed_new(tree, NULL);
	CopySpec spec = spec_of(&bed, WORDS("."), "/d");
	g_autofree char *before = checksum(&spec);
	const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
	g_assert_cmpint(utimensat(bed.source, "a.txt", times, 0), ==, 0);
	g_autofree char *touched = checksum(&spec);
	g_assert_cmpstr(before, ==, touched);
	static const char *const changes[] = {"content", "mode", "name", "link", "dir"};
	g_autofree char *last = g_strdup(before);
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		if (i == 0)
			bed_write(bed.source, "a.txt", "Z", 0644);
		else if (i == 1)
			g_assert_cmpint(fchmodat(bed.source, "a.txt", 0600, 0), ==, 0);
		else if (i == 2)
			g_assert_cmpint(renameat(bed.source, "a.txt", bed.source, "c.txt"), ==, 0);
		else if (i == 3)
			bed_make(bed.source, WORDS("l new sub"));
		else
			bed_make(bed.source, WORDS("d empty"));
		g_autofree char *now = checksum(&spec);
		g_assert_cmpstr(last, !=, now);
		g_free(last);
		last = g_steal_pointer(&now);
	}
	/* Only what is taken counts. */
	CopySpec part = spec_of(&bed, WORDS("sub"), "/d");
	g_autofree char *one = checksum(&part);
	bed_write(bed.source, "b.txt", "other", 0644);
	g_autofree char *two = checksum(&part);
	g_assert_cmpstr(one, ==, two);
	/* With an octal mode the source's does not. */
	part.chmod = "644";
	g_autofree char *three = checksum(&part);
	g_assert_cmpint(fchmodat(bed.source, "sub/run", 0700, 0), ==, 0);
	g_autofree char *four = checksum(&part);
	g_assert_cmpstr(three, ==, four);
}

static void test_refused(void)
{
	g_auto(Bed) bed = bed_new(tree, NULL);
	CopySpec spec = spec_of(&bed, WORDS("absent"), "/d");
	check_refused(&bed, &spec, ENGINE_ERROR_NOT_FOUND, "'absent'");
	spec = spec_of(&bed, WORDS("https://host.example/x"), "/d");
	check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "URL");
	spec = spec_of(&bed, WORDS("a.txt"), "/d");
	spec.add = true;
	spec.checksum = "sha256:00";
	check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "--checksum");
	bed_make(bed.source, WORDS("f back\\*slash B"));
	spec = spec_of(&bed, WORDS("back\\*slash"), "/d/");
	g_assert_true(apply(&bed, &spec, NULL));
	spec = spec_of(&bed, WORDS("a[.txt"), "/d");
	check_refused(&bed, &spec, ENGINE_ERROR_INVALID, "pattern");
	spec = spec_of(&bed, WORDS("a.txt"), "/d");
	spec.root_fd = -1;
	check_refused(&bed, &spec, ENGINE_ERROR_NOT_FOUND, "no build context");
}

static bool copy_by_pattern(void *data)
{
	const Bed *bed = data;
	const CopySpec spec = spec_of(bed, WORDS("*.txt"), "/");
	g_autoptr(GError) error = NULL;
	bool done = apply(bed, &spec, &error);
	g_assert_true(done || strstr(error->message, "cannot list '.'"));
	return done;
}

/* What a directory of the context could not tell is no reason to leave files out. */
static void test_broken_disk(void)
{
	g_auto(Bed) bed = bed_new(tree, NULL);
	g_assert_false(without_listing(copy_by_pattern, &bed));
	g_assert_true(copy_by_pattern(&bed));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (!bed_become_root())
		return 77;
	g_test_add_func("/copy/destinations", test_destinations);
	g_test_add_func("/copy/exact", test_exact);
	g_test_add_func("/copy/existing-destinations", test_existing_destinations);
	g_test_add_func("/copy/links-below-are-replaced", test_links_below);
	g_test_add_func("/copy/stays-in-its-roots", test_escapes);
	g_test_add_func("/copy/source-links", test_sources_links);
	g_test_add_func("/copy/ignore", test_ignore);
	g_test_add_func("/copy/exclude", test_exclude);
	g_test_add_func("/copy/parents", test_parents);
	g_test_add_func("/copy/chmod", test_chmod);
	g_test_add_func("/copy/chown", test_chown);
	g_test_add_func("/copy/inline", test_inline);
	g_test_add_func("/copy/kinds", test_kinds);
	g_test_add_func("/copy/checksum", test_checksum);
	g_test_add_func("/copy/refused", test_refused);
	g_test_add_func("/copy/broken-disk", test_broken_disk);
	return g_test_run();
}
