/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/registries_conf.h"

static RegistriesConf *conf_of(const char *text)
{
	g_autoptr(GError) error = NULL;
	RegistriesConf *conf = registries_conf_new();
	registries_conf_add(conf, "x.conf", text, &error);
	g_assert_no_error(error);
	return conf;
}

/* "host/repository[!insecure][~mirror] ..." or "error" */
static char *sources_of(const RegistriesConf *conf, const char *name)
{
	g_autoptr(Reference) ref = reference_parse(name, NULL);
	g_autoptr(Reference) normal = reference_normalize(ref);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sources = registries_conf_sources(conf, normal, &error);
	if (!sources)
		return g_strdup(error_matches(error, ENGINE_ERROR_DENIED) ? "blocked" : "error");
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < sources->len; i++) {
		const RegistrySource *source = g_ptr_array_index(sources, i);
		g_string_append_printf(text, "%s%s/%s%s%s", i ? " " : "", source->host,
				       source->repository, source->is_insecure ? "!" : "",
				       source->is_mirror ? "~" : "");
	}
	return g_string_free(text, FALSE);
}

static const char rules[] =
	"[[registry]]\nlocation = 'example.com'\n"
	"[[registry]]\nprefix = 'example.com/team'\nlocation = 'other.example/moved'\n"
	"[[registry]]\nprefix = 'example.com/team/secret'\nblocked = true\n"
	"[[registry]]\nprefix = 'example.com/app:v1'\nblocked = true\n"
	"[[registry]]\nprefix = '*.wild.example'\ninsecure = true\n"
	"[[registry]]\nprefix = '*.deep.wild.example'\nblocked = true\n"
	"[[registry]]\nprefix = 'one.wild.example'\nlocation = 'exact.example'\n"
	"[[registry]]\nlocation = 'docker.io'\n"
	"[[registry.mirror]]\nlocation = 'mirror.example/hub'\ninsecure = true\n"
	"[[registry.mirror]]\nlocation = 'digests.example'\npull-from-mirror = 'digest-only'\n"
	"[[registry.mirror]]\nlocation = 'tags.example'\npull-from-mirror = 'tag-only'\n"
	"[[registry]]\nlocation = 'strict.example'\nmirror-by-digest-only = true\n"
	"[[registry.mirror]]\nlocation = 'mirror.example'\n"
	"[[registry]]\nlocation = 'host.example:5000'\ninsecure = true\n"
	"[[registry]]\nprefix = '*.moved.example'\nlocation = 'all.example'\n"
	"[[registry]]\nlocation = 'trailing.example/'\n"
	"[[registry]]\nprefix = 'broken.example'\nlocation = 'broken.example/UPPER'\n";

#define AT_DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_sources(void)
{
	static const char *const rows[][2] = {
		{"example.com/app", "example.com/app"},
		{"example.com/app:v1", "blocked"},
		{"example.com/app:v10", "example.com/app"},
		{"example.com/team", "other.example/moved"},
		{"example.com/team/a/b:c", "other.example/moved/a/b"},
		{"example.com/teamwork", "example.com/teamwork"},
		{"example.com/team/secret", "blocked"},
		{"example.com/team/secret/x", "blocked"},
		{"example.com/team/secrets", "other.example/moved/secrets"},
		{"example.com:5000/team", "example.com:5000/team"},
		{"sub.example.com/x", "sub.example.com/x"},
		{"a.wild.example/x", "a.wild.example/x!"},
		{"a.b.wild.example/x", "a.b.wild.example/x!"},
		{"wild.example/x", "wild.example/x"},
		{"notwild.example/x", "notwild.example/x"},
		{"x.deep.wild.example/x", "blocked"},
		{"one.wild.example/x", "exact.example/x"},
		{"alpine", "mirror.example/hub/library/alpine!~ tags.example/library/alpine~ "
			   "docker.io/library/alpine"},
		{"alpine" AT_DIGEST, "mirror.example/hub/library/alpine!~ "
				     "digests.example/library/alpine~ docker.io/library/alpine"},
		{"strict.example/x", "strict.example/x"},
		{"strict.example/x" AT_DIGEST, "mirror.example/x~ strict.example/x"},
		{"host.example:5000/x", "host.example:5000/x!"},
		{"host.example/x", "host.example/x"},
		{"a.moved.example/b/c", "all.example/b/c"},
		{"trailing.example/x", "trailing.example/x"},
		{"broken.example/x", "error"},
		{"unknown.example/x", "unknown.example/x"},
	};
	g_autoptr(RegistriesConf) conf = conf_of(rules);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = sources_of(conf, rows[i][0]);
		if (strcmp(got, rows[i][1]) != 0)
			g_error("%s: %s, not %s", rows[i][0], got, rows[i][1]);
	}
	g_assert_true(registries_conf_is_insecure(conf, "host.example:5000"));
	g_assert_true(registries_conf_is_insecure(conf, "x.wild.example"));
	g_assert_false(registries_conf_is_insecure(conf, "host.example"));
}

static void test_drop_ins(void)
{
	g_autoptr(RegistriesConf) conf = conf_of(rules);
	g_autoptr(GError) error = NULL;
	registries_conf_add(conf, "y.conf",
			    "[[registry]]\nlocation = 'docker.io'\n[aliases]\nx = 'a.example/x'\n",
			    &error);
	registries_conf_add(conf, "z.conf", "[aliases]\nx = ''\ny = 'a.example/y'\n", &error);
	g_assert_no_error(error);
	/* The same prefix is replaced as a whole, mirrors and all. */
	g_autofree char *sources = sources_of(conf, "alpine");
	g_assert_cmpstr(sources, ==, "docker.io/library/alpine");
	g_autoptr(Reference) x = reference_parse("x", NULL);
	g_autoptr(Reference) y = reference_parse("y:1", NULL);
	g_autoptr(ShortName) no_alias = registries_conf_short_name(conf, x, &error);
	g_autoptr(ShortName) alias = registries_conf_short_name(conf, y, &error);
	g_assert_false(no_alias->is_alias);
	g_assert_true(alias->is_alias);
	g_autofree char *name = reference_format(g_ptr_array_index(alias->candidates, 0));
	g_assert_cmpstr(name, ==, "a.example/y:1");
}

static char *candidates_of(const RegistriesConf *conf, const char *text, bool *out_choice)
{
	g_autoptr(Reference) ref = reference_parse(text, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(ShortName) found = registries_conf_short_name(conf, ref, &error);
	if (!found) {
		g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
		return g_strdup("none");
	}
	*out_choice = found->needs_choice;
	GString *list = g_string_new(NULL);
	for (size_t i = 0; i < found->candidates->len; i++) {
		g_autofree char *name = reference_format(g_ptr_array_index(found->candidates, i));
		g_string_append_printf(list, "%s%s", i ? " " : "", name);
	}
	return g_string_free(list, FALSE);
}

static void test_short_names(void)
{
	static const struct {
		const char *conf;
		const char *name;
		const char *candidates;
		bool choice;
	} rows[] = {
		{"", "alpine", "docker.io/library/alpine:latest", false},
		{"", "user/app:1", "docker.io/user/app:1", false},
		{"unqualified-search-registries = []", "alpine", "none", false},
		{"unqualified-search-registries = ['quay.io']", "alpine", "quay.io/alpine:latest",
		 false},
		{"unqualified-search-registries = ['quay.io', 'docker.io']", "alpine",
		 "quay.io/alpine:latest docker.io/library/alpine:latest", true},
		{"unqualified-search-registries = ['a.x', 'b.x']\nshort-name-mode = 'permissive'",
		 "x", "a.x/x:latest b.x/x:latest", true},
		{"unqualified-search-registries = ['a.x', 'b.x']\nshort-name-mode = 'disabled'",
		 "x", "a.x/x:latest b.x/x:latest", false},
		{"unqualified-search-registries = ['a.x', 'b.x']\n[aliases]\nx = 'c.x/y'", "x:1",
		 "c.x/y:1", false},
		{"[aliases]\n'team/app' = 'c.x/app'", "team/app" AT_DIGEST, "c.x/app" AT_DIGEST,
		 false},
		{"unqualified-search-registries = ['localhost:5000']", "x",
		 "localhost:5000/x:latest", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(RegistriesConf) conf = conf_of(rows[i].conf);
		bool choice = false;
		g_autofree char *got = candidates_of(conf, rows[i].name, &choice);
		g_assert_cmpstr(got, ==, rows[i].candidates);
		g_assert_cmpint(choice, ==, rows[i].choice);
	}
}

static void test_mistakes(void)
{
	static const char *const rows[][2] = {
		{"[registries.search]\nregistries = ['x']", "version 1"},
		{"unqualified-search-registries = 'docker.io'", "array of strings"},
		{"unqualified-search-registries = ['not a host']", "not a registry"},
		{"unqualified-search-registries = ['plainword']", "not a registry"},
		{"short-name-mode = 'strict'", "enforcing, permissive or disabled"},
		{"[[registry]]\ninsecure = true", "needs a 'location'"},
		{"[[registry]]\nlocation = 'https://x.y'", "without http"},
		{"[[registry]]\nlocation = 'x y'", "character"},
		{"[[registry]]\nprefix = '*.x.y/z'", "nothing more"},
		{"[[registry]]\nprefix = 'x.*.y'", "wildcard"},
		{"[[registry]]\nlocation = 'x'\ninsecure = 'yes'", "true or false"},
		{"[[registry]]\nlocation = 'x'\n[[registry.mirror]]\ninsecure = true",
		 "'location'"},
		{"[[registry]]\nlocation = 'x'\n[[registry.mirror]]\nlocation = 'y'\n"
		 "pull-from-mirror = 'sometimes'",
		 "digest-only"},
		{"[aliases]\n'a.b/c' = 'd.e/f'", "not a short name"},
		{"[aliases]\n'c:1' = 'd.e/f'", "not a short name"},
		{"[aliases]\nc = 'd/f'", "registry/repository"},
		{"[aliases]\nc = 'd.e/f:1'", "without tag"},
		{"registry = 5", "array of tables"},
		{"a = ", "x.conf:1:5"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(RegistriesConf) conf = registries_conf_new();
		g_autoptr(GError) error = NULL;
		if (registries_conf_add(conf, "x.conf", rows[i][0], &error))
			g_error("accepted: %s", rows[i][0]);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		if (!strstr(error->message, rows[i][1]))
			g_error("%s: %s", rows[i][0], error->message);
		g_assert_true(g_str_has_prefix(error->message, "x.conf:"));
	}
}

static void test_unknown_keys(void)
{
	g_autoptr(RegistriesConf) conf =
		conf_of("future-key = 1\n[future]\nx = 2\n[[registry]]\nlocation = 'x.y'\nfoo = 3\n"
			"credential-helpers = []\n");
	g_assert_null(registries_conf_helpers(conf));
	g_autoptr(RegistriesConf) with =
		conf_of("credential-helpers = ['containers-auth.json', 'pass']\n");
	g_assert_cmpstr(registries_conf_helpers(with)[1], ==, "pass");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/registries-conf/sources", test_sources);
	g_test_add_func("/registries-conf/drop-ins", test_drop_ins);
	g_test_add_func("/registries-conf/short-names", test_short_names);
	g_test_add_func("/registries-conf/mistakes", test_mistakes);
	g_test_add_func("/registries-conf/unknown-keys", test_unknown_keys);
	return g_test_run();
}
