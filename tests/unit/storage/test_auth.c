/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "storage/auth.h"
#include "storage/policy.h"

static char *base;

/* A fresh runtime directory for each test; the home (GLib asks for it once) is empty. */
static void fresh_home(void)
{
	static int counter;
	g_autofree char *runtime = g_strdup_printf("%s/run/%d", base, counter++);
	g_assert_cmpint(g_mkdir_with_parents(runtime, 0700), ==, 0);
	g_setenv("XDG_RUNTIME_DIR", runtime, TRUE);
	g_unsetenv("REGISTRY_AUTH_FILE");
	g_unsetenv("DOCKER_CONFIG");
}

static void write_file(const char *directory, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);
	g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* "user:password", "<token>", "none" or "error" */
static char *look_up(const AuthSources *sources, const char *name)
{
	g_autoptr(Credentials) found = NULL;
	g_autoptr(GError) error = NULL;
	if (!auth_lookup(sources, name, &found, &error)) {
		g_assert_nonnull(error);
		g_assert_null(found);
		return g_strdup("error");
	}
	if (!found)
		return g_strdup("none");
	if (found->identity_token)
		return g_strconcat("<", found->identity_token, ">", NULL);
	return g_strconcat(found->username, ":", found->password, NULL);
}

static void assert_found(const char *name, const char *expected)
{
	AuthSources sources = {0};
	g_autofree char *got = look_up(&sources, name);
	g_assert_cmpstr(got, ==, expected);
}

static void test_keys(void)
{
	/* a:1 ... in base64 */
	static const char text[] = "{\"auths\":{"
				   "\"quay.io\":{\"auth\":\"YTox\"},"
				   "\"quay.io/team\":{\"auth\":\"YToy\"},"
				   "\"quay.io/team/app\":{\"auth\":\"YToz\"},"
				   "\"https://index.docker.io/v1/\":{\"auth\":\"YTo0\"},"
				   "\"https://old.example/v2/\":{\"auth\":\"YTo1\"},"
				   "\"http://plain.example\":{\"auth\":\"YTo2\"},"
				   "\"host.example:5000\":{\"auth\":\"YTo3\"},"
				   "\"token.example\":{\"auth\":\"\",\"identitytoken\":\"tok\"},"
				   "\"empty.example\":{},"
				   "\"nul.example\":{\"auth\":\"YTo4AAA=\"},"
				   "\"colons.example\":{\"auth\":\"YTo6OQ==\"}"
				   "}}";
	fresh_home();
	write_file(g_getenv("XDG_RUNTIME_DIR"), "containers/auth.json", text);
	static const char *const rows[][2] = {
		{"quay.io", "a:1"},
		{"quay.io/x", "a:1"},
		{"quay.io/teams", "a:1"},
		{"quay.io/team", "a:2"},
		{"quay.io/team/x/y", "a:2"},
		{"quay.io/team/app", "a:3"},
		{"quay.io/team/app/x", "a:3"},
		{"quay.io:443/x", "none"},
		{"notquay.io/x", "none"},
		{"docker.io/library/alpine", "a:4"},
		{"docker.io", "a:4"},
		{"index.docker.io", "a:4"},
		{"registry-1.docker.io/library/alpine", "a:4"},
		{"old.example/x", "a:5"},
		{"plain.example/x", "a:6"},
		{"host.example:5000/x", "a:7"},
		{"host.example/x", "none"},
		{"host.example:50001/x", "none"},
		{"token.example/x", "<tok>"},
		{"empty.example/x", "none"},
		{"nul.example/x", "a:8"},
		{"colons.example/x", "a::9"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_found(rows[i][0], rows[i][1]);
}

static void test_order_of_files(void)
{
	fresh_home();
	const char *home = base;
	write_file(home, ".docker/config.json",
		   "{\"auths\":{\"a.x\":{\"auth\":\"YTox\"},\"d.x\":{\"auth\":\"YToy\"}},"
		   "\"psFormat\":1}");
	assert_found("a.x/i", "a:1");
	write_file(home, "cfg/config.json", "{\"auths\":{\"a.x\":{\"auth\":\"YToz\"}}}");
	g_autofree char *directory = g_build_filename(home, "cfg", NULL);
	g_setenv("DOCKER_CONFIG", directory, TRUE);
	assert_found("a.x/i", "a:3");
	g_unsetenv("DOCKER_CONFIG");
	write_file(g_getenv("XDG_RUNTIME_DIR"), "containers/auth.json",
		   "{\"auths\":{\"a.x\":{\"auth\":\"YTo1\"}}}");
	assert_found("a.x/i", "a:5");
	assert_found("d.x/i", "a:2");

	write_file(home, "named.json", "{\"auths\":{\"a.x\":{\"auth\":\"YTo2\"}}}");
	g_autofree char *named = g_build_filename(home, "named.json", NULL);
	g_setenv("REGISTRY_AUTH_FILE", named, TRUE);
	assert_found("a.x/i", "a:6");
	assert_found("d.x/i", "none");
	g_unsetenv("REGISTRY_AUTH_FILE");
	g_autofree char *docker = g_build_filename(home, ".docker/config.json", NULL);
	g_assert_cmpint(g_unlink(docker), ==, 0);
	AuthSources missing = {.authfile = "/nonexistent/auth.json"};
	g_autofree char *got = look_up(&missing, "a.x/i");
	g_assert_cmpstr(got, ==, "error");
}

static void test_broken_files(void)
{
	static const char *const texts[] = {
		"{",
		"[]",
		"5",
		"{\"auths\":[]}",
		"{\"auths\":{\"a.x\":5}}",
		"{\"auths\":{\"a.x\":{\"auth\":5}}}",
		"{\"auths\":{\"a.x\":{\"auth\":\"bm9jb2xvbg==\"}}}",
		"{\"auths\":{\"a.x\":{\"auth\":\"OnBhc3M=\"}}}",
		"{\"auths\":{\"a.x\":{\"auth\":\"!!!\"}}}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		fresh_home();
		write_file(g_getenv("XDG_RUNTIME_DIR"), "containers/auth.json", texts[i]);
		assert_found("a.x/i", "error");
	}
	fresh_home();
	write_file(g_getenv("XDG_RUNTIME_DIR"), "containers/auth.json", " \n");
	assert_found("a.x/i", "none");
}

/* Docker knows its Hub by an old URL; what we wrote before goes. */
static void test_dockers_file(void)
{
	fresh_home();
	g_autoptr(GError) error = NULL;
	g_autoptr(Credentials) credentials = credentials_parse("me:pass", NULL);
	g_autofree char *where = NULL;
	g_autofree char *again = NULL;
	g_autofree char *text = NULL;
	write_file(g_getenv("XDG_RUNTIME_DIR"), "config.json", "{\"auths\":{\"docker.io\":{}}}");
	g_autofree char *path = g_build_filename(g_getenv("XDG_RUNTIME_DIR"), "config.json", NULL);
	const AuthSources sources = {.authfile = path, .is_docker = true};
	g_assert_true(auth_store(&sources, "docker.io", credentials, &where, &error));
	g_assert_true(auth_store(&sources, "a.x", credentials, &again, &error));
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "\"https://index.docker.io/v1/\": {"));
	g_assert_nonnull(strstr(text, "\"a.x\": {"));
	g_assert_null(strstr(text, "\"docker.io\""));
	g_assert_true(auth_remove(&sources, "docker.io", &error));
	g_assert_no_error(error);
}

static void test_store_and_remove(void)
{
	fresh_home();
	AuthSources sources = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Credentials) credentials = credentials_parse("me:pa:ss", NULL);
	g_autofree char *where = NULL;
	g_autofree char *path = auth_file_path(&sources);
	write_file(g_getenv("XDG_RUNTIME_DIR"), "containers/auth.json",
		   "{\"other\":[1],\"auths\":{\"https://a.x/v1/\":{\"auth\":\"YTox\"},\"b.x\":"
		   "{\"auth\":\"YToy\",\"email\":\"e\"}}}");
	g_assert_true(auth_store(&sources, "a.x", credentials, &where, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(where, ==, path);
	assert_found("a.x/i", "me:pa:ss");
	assert_found("b.x/i", "a:2");

	struct stat status;
	g_assert_cmpint(stat(path, &status), ==, 0);
	g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "\"other\""));
	g_assert_nonnull(strstr(text, "\"email\""));
	g_assert_null(strstr(text, "v1"));

	g_assert_true(auth_remove(&sources, "a.x", &error));
	assert_found("a.x/i", "none");
	g_assert_false(auth_remove(&sources, "a.x", &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
	g_clear_error(&error);
	g_assert_true(auth_remove(&sources, NULL, &error));
	assert_found("b.x/i", "none");
}

static void test_basic(void)
{
	g_autoptr(Credentials) with = credentials_parse("Aladdin:open sesame", NULL);
	g_autofree char *value = credentials_basic(with);
	g_assert_cmpstr(value, ==, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	g_autoptr(Credentials) without = credentials_parse("user", NULL);
	g_assert_cmpstr(without->password, ==, "");
	g_assert_null(credentials_parse(":x", NULL));
	g_assert_null(credentials_parse("", NULL));
}

static void test_realms(void)
{
	fresh_home();
	g_assert_false(auth_realm_is_allowed("r.x", "https://t.x:443"));
	g_assert_true(auth_realm_allow("r.x", "https://t.x:443", NULL));
	g_assert_true(auth_realm_is_allowed("r.x", "https://t.x:443"));
	g_assert_false(auth_realm_is_allowed("r.x", "https://t.x:444"));
	g_assert_false(auth_realm_is_allowed("s.x", "https://t.x:443"));
}

/* Decisions of one policy.json. */
static const char policy_text[] =
	"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{"
	"\"docker.io\":[{\"type\":\"insecureAcceptAnything\"}],"
	"\"docker.io/library/bad\":[{\"type\":\"reject\"}],"
	"\"docker.io/library/bad:good\":[{\"type\":\"insecureAcceptAnything\"}],"
	"\"signed.x\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/x\"}],"
	"\"*.wild.x\":[{\"type\":\"insecureAcceptAnything\"}],"
	"\"both.x\":[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}]"
	"},\"dir\":{\"\":[{\"type\":\"insecureAcceptAnything\"}]}}}";

static void test_policy(void)
{
	static const struct {
		const char *name;
		int code; /* -1: accepted */
	} rows[] = {
		{"alpine", -1},
		{"library/bad", ENGINE_ERROR_DENIED},
		{"library/bad:good", -1},
		{"library/badder", -1},
		{"quay.io/x", ENGINE_ERROR_DENIED},
		{"signed.x/a", ENGINE_ERROR_UNSUPPORTED},
		{"a.wild.x/b", -1},
		{"a.b.wild.x/b", -1},
		{"wild.x/b", ENGINE_ERROR_DENIED},
		{"both.x/a", ENGINE_ERROR_DENIED},
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(Policy) policy = policy_parse(policy_text, "policy.json", &error);
	g_assert_no_error(error);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Reference) ref = reference_parse(rows[i].name, NULL);
		g_autoptr(Reference) normal = reference_normalize(ref);
		bool accepted = policy_check(policy, normal, NULL, &error);
		if (accepted != (rows[i].code < 0))
			g_error("%s: %s", rows[i].name, error ? error->message : "accepted");
		if (!accepted)
			g_assert_cmpint(error->code, ==, rows[i].code);
		g_clear_error(&error);
	}
}

/* What the man page says of directories and archives. */
static void test_policy_of_archives(void)
{
	static const struct {
		const char *transport, *path, *name;
		int code; /* -1: accepted */
	} rows[] = {
		{"oci", "/usr/bin", NULL, -1},
		{"oci", "/usr/bin", "x:1", -1},
		{"oci", "/usr/bin", "bad:1", ENGINE_ERROR_DENIED},
		{"oci", "/usr/bin/../../usr/bin", "bad:1", ENGINE_ERROR_DENIED},
		{"oci", "/usr", NULL, -1},
		{"oci", "/etc", NULL, ENGINE_ERROR_DENIED},
		{"oci", "-", NULL, ENGINE_ERROR_DENIED},
		{"dir", "/usr/bin", NULL, ENGINE_ERROR_UNSUPPORTED},
		{"dir", "/etc", NULL, -1},
		{"docker-archive", "/etc/passwd", "x", -1},
		{"docker-archive", "-", NULL, -1},
		{"tarball", "/etc/passwd", NULL, ENGINE_ERROR_DENIED},
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(Policy) policy = policy_parse(
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{"
		"\"oci\":{\"/usr\":[{\"type\":\"insecureAcceptAnything\"}],"
		"\"/usr/bin:bad:1\":[{\"type\":\"reject\"}]},"
		"\"dir\":{\"\":[{\"type\":\"insecureAcceptAnything\"}],"
		"\"/usr/bin\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/"
		"x\"}]},"
		"\"docker-archive\":{\"\":[{\"type\":\"insecureAcceptAnything\"}],"
		"\"/etc/passwd\":[{\"type\":\"reject\"}]}}}",
		"policy.json", &error);
	g_assert_no_error(error);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		bool accepted = policy_check_archive(policy, rows[i].transport, rows[i].path,
						     rows[i].name, NULL, &error);
		if (accepted != (rows[i].code < 0))
			g_error("%zu: %s", i, error ? error->message : "accepted");
		if (!accepted)
			g_assert_cmpint(error->code, ==, rows[i].code);
		g_clear_error(&error);
	}
}

static void test_broken_policies(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"{}",
		"[]",
		"{\"default\":{}}",
		"{\"default\":[]}",
		"{\"default\":[{}]}",
		"{\"default\":[5]}",
		"{\"default\":[{\"type\":5}]}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":[]}",
		"{\"default\":[{\"type\":\"reject\"}],\"defualt\":[]}",
		"{\"default\":[{\"type\":\"insecureAcceptAnything\",\"keyPath\":\"/x\"}]}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":[]}}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"x\":{}}}}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"x\":[]}}}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_assert_null(policy_parse(texts[i], "policy.json", NULL));
	/* A requirement of a later version refuses, it does not pass. */
	g_autoptr(Policy) policy =
		policy_parse("{\"default\":[{\"type\":\"fromTheFuture\"}]}", "p", NULL);
	g_autoptr(Reference) ref = reference_parse("a.x/b", NULL);
	g_assert_false(policy_check(policy, ref, NULL, NULL));
}

int main(int argc, char **argv)
{
	base = g_dir_make_tmp("test-auth-XXXXXX", NULL);
	g_setenv("HOME", base, TRUE);
	g_autofree char *config = g_build_filename(base, "config", NULL);
	g_setenv("XDG_CONFIG_HOME", config, TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/auth/keys", test_keys);
	g_test_add_func("/auth/order-of-files", test_order_of_files);
	g_test_add_func("/auth/broken-files", test_broken_files);
	g_test_add_func("/auth/store-and-remove", test_store_and_remove);
	g_test_add_func("/auth/dockers-file", test_dockers_file);
	g_test_add_func("/auth/basic", test_basic);
	g_test_add_func("/auth/realms", test_realms);
	g_test_add_func("/policy/scopes", test_policy);
	g_test_add_func("/policy/archives", test_policy_of_archives);
	g_test_add_func("/policy/broken", test_broken_policies);
	int result = g_test_run();
	const char *remove[] = {"rm", "-rf", base, NULL};
	g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		     NULL);
	return result;
}
