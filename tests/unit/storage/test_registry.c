/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <glib/gstdio.h>

#include "storage/registry_priv.h"

typedef struct {
	char *home;
	RegistriesConf *conf;
	Credentials given;
	RegistryOptions options;
	RegistrySession *session;
} Fixture;

/* A session with --creds and no auth file anywhere. */
static void set_up(Fixture *f, const void *data)
{
	(void)data;
	f->home = g_dir_make_tmp("registry-XXXXXX", NULL);
	g_assert_nonnull(f->home);
	g_setenv("HOME", f->home, TRUE);
	g_setenv("XDG_RUNTIME_DIR", f->home, TRUE);
	g_setenv("XDG_CONFIG_HOME", f->home, TRUE);
	g_setenv("DOCKER_CONFIG", f->home, TRUE);
	g_unsetenv("REGISTRY_AUTH_FILE");
	f->conf = registries_conf_new();
	f->given = (Credentials){.username = (char *)"user", .password = (char *)"secret"};
	f->options = (RegistryOptions){.credentials = &f->given, .tls_verify = -1, .retries = -1};
	f->session = registry_session_new(f->conf, &f->options);
}

static void tear_down(Fixture *f, const void *data)
{
	(void)data;
	registry_session_free(f->session);
	registries_conf_free(f->conf);
	g_assert_cmpint(g_rmdir(f->home), ==, 0);
	g_free(f->home);
}

static Registry *open_at(Fixture *f, const char *host, bool is_mirror)
{
	RegistrySource source = {
		.host = (char *)host,
		.repository = (char *)"app",
		.is_mirror = is_mirror,
	};
	g_autoptr(GError) error = NULL;
	Registry *registry = registry_open(f->session, &source, &error);
	g_assert_no_error(error);
	return registry;
}

static void test_given_credentials_are_not_for_mirrors(Fixture *f, const void *data)
{
	(void)data;
	g_autoptr(Registry) mirror = open_at(f, "mirror.example", true);
	g_assert_false(registry_has_credentials(mirror));
	g_autoptr(Registry) real = open_at(f, "registry.example", false);
	g_assert_true(registry_has_credentials(real));
}

/* TLS settings are looked up by the URL's host, which leaves a default port out. */
static void test_a_host_is_known_as_its_urls_name_it(Fixture *f, const void *data)
{
	static const char *const hosts[] = {"registry.example", "registry.example:5000",
					    "Other.Example:443", "docker.io", "[::1]:443"};
	(void)data;
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autoptr(Registry) registry = open_at(f, hosts[i], false);
		g_autofree char *url = registry_url(registry, "app/manifests/latest");
		g_autofree char *host = http_host(url);
		const char *written = g_hash_table_lookup(f->session->registries, host);
		g_assert_cmpstr(written, ==, hosts[i]);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/registry/given-credentials-are-not-for-mirrors", Fixture, NULL, set_up,
		   test_given_credentials_are_not_for_mirrors, tear_down);
	g_test_add("/registry/a-host-is-known-as-its-urls-name-it", Fixture, NULL, set_up,
		   test_a_host_is_known_as_its_urls_name_it, tear_down);
	return g_test_run();
}
