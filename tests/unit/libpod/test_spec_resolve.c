/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/spec_resolve.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/spec_parse.h"
#include "libpod/spec_priv.h"

/* One option: a setter and its value. */
typedef struct {
	SpecSetter set;
	const char *value;
} Option;

static void apply(ContainerSpec *spec, const Option *options)
{
	for (const Option *option = options; option->set; option++) {
		g_autoptr(GError) error = NULL;
		option->set(spec, option->value, &error);
		g_assert_no_error(error);
	}
}

static char **words(const char *text)
{
	return text ? g_strsplit(text, " ", -1) : NULL;
}

/* An image as storage gives it, of what a row says. */
static Image *make_image(const char *entrypoint, const char *cmd)
{
	Image *image = g_new0(Image, 1);
	image->id = g_strnfill(64, 'a');
	image->names = words("docker.io/library/app:latest localhost/other:1");
	image->repo_digests = g_new0(char *, 1);
	image->chain_ids = g_new0(char *, 1);
	image->config = g_new0(ImageConfig, 1);
	image->config->env = g_new0(char *, 1);
	image->config->volumes = g_new0(char *, 1);
	image->config->diff_ids = g_new0(char *, 1);
	image->config->labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	image->config->entrypoint = words(entrypoint);
	image->config->cmd = words(cmd);
	return image;
}

static void replace_words(char ***field, const char *text)
{
	g_strfreev(*field);
	*field = words(text);
}

static void test_args(void)
{
	static const struct {
		const char *image_entrypoint, *image_cmd, *entrypoint, *command, *expect;
	} rows[] = {
		{NULL, NULL, NULL, "true", "true"},
		{NULL, "sh -l", NULL, NULL, "sh -l"},
		{NULL, "sh -l", NULL, "true", "true"},
		{"sleep", "5", NULL, NULL, "sleep 5"},
		{"sleep", "5", NULL, "7", "sleep 7"},
		{"sleep", "5", "echo", NULL, "echo"},
		{"sleep", "5", "echo", "hi", "echo hi"},
		{"sleep", "5", "[\"echo\",\"-n\"]", "hi", "echo -n hi"},
		{"sleep", "5", "", "echo hi", "echo hi"},
		{"sleep", "5", "", NULL, NULL},
		{NULL, NULL, NULL, NULL, NULL},
		{"sleep", NULL, NULL, NULL, "sleep"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Image) image = make_image(rows[i].image_entrypoint, rows[i].image_cmd);
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		spec->command = words(rows[i].command);
		if (rows[i].entrypoint)
			g_assert_true(spec_set_entrypoint(spec, rows[i].entrypoint, NULL));
		bool ok = spec_resolve_image(spec, image, &error);
		g_assert_cmpint(ok, ==, rows[i].expect != NULL);
		g_autofree char *joined = ok ? g_strjoinv(" ", spec->args) : NULL;
		g_assert_cmpstr(joined, ==, rows[i].expect);
		if (!ok)
			g_assert_cmpstr(
				error->message, ==,
				"no command or entrypoint provided, and no CMD or ENTRYPOINT from "
				"image");
	}
}

static void test_env(void)
{
	g_setenv("SKIFF_TEST_OURS", "ours", TRUE);
	g_unsetenv("SKIFF_TEST_UNSET");
	static const char *const proxies[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
					      "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};
	for (size_t i = 0; i < G_N_ELEMENTS(proxies); i++)
		g_unsetenv(proxies[i]);
	g_setenv("https_proxy", "http://proxy:1", TRUE);
	g_autoptr(Image) image = make_image(NULL, "sh");
	replace_words(&image->config->env,
		      "A=image B=image PATH=/image SKIFF_TEST_OURS HOME HOM* C=1=2");
	g_autoptr(ContainerSpec) spec = spec_new();
	spec->env_defaults = words("A=conf D=conf");
	apply(spec, (const Option[]){
			    {spec_add_env, "B=user"},
			    {spec_add_env, "SKIFF_TEST_OURS"},
			    {spec_add_env, "SKIFF_TEST_UNSET"},
			    {spec_add_env, "E="},
			    {spec_add_env, "F=1"},
			    {spec_add_env, "F=2"},
			    {NULL},
		    });
	g_assert_true(spec_add_env_text(spec, "B=file\nG=file\n", "f", NULL));
	g_assert_true(spec_resolve_image(spec, image, NULL));
	g_autofree char *joined = g_strjoinv(" ", spec->env);
	g_assert_cmpstr(joined, ==,
			"PATH=/image container=skiff https_proxy=http://proxy:1 A=image D=conf "
			"B=user C=1=2 G=file "
			"SKIFF_TEST_OURS=ours E= F=2");
}

static void test_term_only_with_tty(void)
{
	for (int tty = 0; tty < 2; tty++) {
		g_autoptr(Image) image = make_image(NULL, "sh");
		g_autoptr(ContainerSpec) spec = spec_new();
		spec->tty = tty;
		g_assert_true(spec_resolve_image(spec, image, NULL));
		g_assert_cmpstr(g_environ_getenv(spec->env, "TERM"), ==, tty ? "xterm" : NULL);
		g_assert_null(g_environ_getenv(spec->env, "HOME"));
	}
}

static void test_image_env_is_fast(void)
{
	g_autoptr(Image) image = make_image(NULL, "sh");
	g_strfreev(image->config->env);
	image->config->env = g_new0(char *, 200001);
	for (int i = 0; i < 200000; i++)
		image->config->env[i] = g_strdup_printf("V%d=x", i);
	g_autoptr(ContainerSpec) spec = spec_new();
	spec->http_proxy = false;
	g_assert_true(spec_resolve_image(spec, image, NULL));
	g_assert_cmpuint(g_strv_length(spec->env), ==, 200002);
}

static void test_process(void)
{
	g_autoptr(Image) image = make_image(NULL, "sh");
	image->config->working_dir = g_strdup("/srv//app/../data");
	image->config->user = g_strdup("nobody");
	image->config->stop_signal = g_strdup("SIGQUIT");
	g_autoptr(ContainerSpec) spec = spec_new();
	g_assert_true(spec_resolve_image(spec, image, NULL));
	g_assert_cmpstr(spec->workdir, ==, "/srv/data");
	g_assert_true(spec->workdir_created);
	g_assert_cmpstr(spec->user, ==, "nobody");
	g_assert_cmpint(spec->stop_signal, ==, SIGQUIT);

	g_autoptr(ContainerSpec) typed = spec_new();
	apply(typed, (const Option[]){
			     {spec_set_workdir, "/"},
			     {spec_set_user, "0"},
			     {spec_set_stop_signal, "9"},
			     {NULL},
		     });
	g_assert_true(spec_resolve_image(typed, image, NULL));
	g_assert_cmpstr(typed->workdir, ==, "/");
	g_assert_false(typed->workdir_created);
	g_assert_cmpstr(typed->user, ==, "0");
	g_assert_cmpint(typed->stop_signal, ==, 9);

	/* podman makes the image's own directory, and refuses a typed one that is missing. */
	g_autoptr(ContainerSpec) elsewhere = spec_new();
	apply(elsewhere, (const Option[]){{spec_set_workdir, "/srv"}, {NULL}});
	g_assert_true(spec_resolve_image(elsewhere, image, NULL));
	g_assert_false(elsewhere->workdir_created);

	/* docker, and so compose, makes either. */
	g_autoptr(ContainerSpec) made = spec_new();
	apply(made, (const Option[]){{spec_set_workdir, "/srv"}, {NULL}});
	made->workdir_created = true;
	g_assert_true(spec_resolve_image(made, image, NULL));
	g_assert_true(made->workdir_created);
}

static void test_hostile_process_values(void)
{
	static const struct {
		const char *user, *workdir, *signal, *message;
	} rows[] = {
		{"a b", NULL, NULL, "the image's user: "},
		{"4294967296", NULL, NULL, "the image's user: "},
		{NULL, "relative", NULL, "the working directory \"relative\" is invalid"},
		{NULL, NULL, "SIGFOO", "the image's stop signal: invalid signal: SIGFOO"},
		{NULL, NULL, "0", "the image's stop signal: invalid signal: 0"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Image) image = make_image(NULL, "sh");
		image->config->user = g_strdup(rows[i].user);
		image->config->working_dir = g_strdup(rows[i].workdir);
		image->config->stop_signal = g_strdup(rows[i].signal);
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_false(spec_resolve_image(spec, image, &error));
		g_assert_true(g_str_has_prefix(error->message, rows[i].message));
	}
}

static void test_identity(void)
{
	static const struct {
		const char *typed, *name;
	} rows[] = {
		{"app", "docker.io/library/app:latest"},
		{"docker.io/library/app", "docker.io/library/app:latest"},
		{"other:1", "localhost/other:1"},
		{"aaaaaaaaaaaa", "docker.io/library/app:latest"},
		{NULL, "docker.io/library/app:latest"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Image) image = make_image(NULL, "sh");
		g_hash_table_insert(image->config->labels, g_strdup("a"), g_strdup("image"));
		g_hash_table_insert(image->config->labels, g_strdup("b"), g_strdup("image"));
		g_autoptr(ContainerSpec) spec = spec_new();
		spec->image = g_strdup(rows[i].typed);
		g_assert_true(spec_add_label(spec, "b=user", NULL));
		g_assert_true(spec_resolve_image(spec, image, NULL));
		g_assert_cmpstr(spec->image_name, ==, rows[i].name);
		g_assert_cmpstr(spec->image_id, ==, image->id);
		g_assert_cmpstr(g_hash_table_lookup(spec->labels, "a"), ==, "image");
		g_assert_cmpstr(g_hash_table_lookup(spec->labels, "b"), ==, "user");
	}
}

static const SpecMount *find_mount(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (strcmp(mount->destination, destination) == 0)
			return mount;
	}
	return NULL;
}

static void test_mounts(void)
{
	g_autoptr(Image) image = make_image(NULL, "sh");
	replace_words(&image->config->volumes, "/data /var/lib/db /data");
	g_autoptr(ContainerSpec) spec = spec_new();
	apply(spec, (const Option[]){
			    {spec_add_volume, "v:/data"},
			    {spec_add_tmpfs, "/tmp:exec,suid,size=1m"},
			    {NULL},
		    });
	spec->read_only = true;
	g_assert_true(spec_resolve_image(spec, image, NULL));
	g_assert_cmpuint(spec->mounts->len, ==, 5);
	g_assert_cmpstr(find_mount(spec, "/data")->source, ==, "v");
	const SpecMount *volume = find_mount(spec, "/var/lib/db");
	g_assert_true(volume->from_image && volume->copy_up && !volume->source);
	g_assert_cmpint(volume->kind, ==, SPEC_MOUNT_VOLUME);
	g_autofree char *typed = g_strjoinv(",", find_mount(spec, "/tmp")->options);
	g_assert_cmpstr(typed, ==, "exec,suid,size=1048576,nodev");
	g_autofree char *ours = g_strjoinv(",", find_mount(spec, "/run")->options);
	g_assert_cmpstr(ours, ==, "nosuid,nodev");
	g_assert_nonnull(find_mount(spec, "/var/tmp"));

	g_autoptr(ContainerSpec) bare = spec_new();
	bare->read_only = true;
	bare->read_only_tmpfs = false;
	g_assert_true(spec_resolve_image(bare, image, NULL));
	g_assert_null(find_mount(bare, "/run"));
}

static void test_image_volume_at_root(void)
{
	g_autoptr(Image) image = make_image(NULL, "sh");
	replace_words(&image->config->volumes, "/x/..");
	g_autoptr(ContainerSpec) spec = spec_new();
	g_autoptr(GError) error = NULL;
	g_assert_false(spec_resolve_image(spec, image, &error));
	g_assert_true(g_str_has_prefix(error->message, "the image's volume: "));
}

static void test_exposed(void)
{
	g_autoptr(Image) image = make_image(NULL, "sh");
	image->config->exposed_ports = words("80/tcp 53/udp");
	g_autoptr(ContainerSpec) spec = spec_new();
	apply(spec, (const Option[]){{spec_add_expose, "80"}, {spec_add_expose, "90-91"}, {NULL}});
	g_assert_true(spec_resolve_image(spec, image, NULL));
	g_autofree char *joined = g_strjoinv(" ", spec->exposed);
	g_assert_cmpstr(joined, ==, "80/tcp 53/udp 90-91/tcp");
}

/* The user's shared map: the caller 1000 and 65,536 sub-ids, or twice as many. */
static IdMap *make_shared(uint32_t sub_ids)
{
	IdMap *map = idmap_new();
	idmap_add(map->uids, 0, 1000, 1);
	idmap_add(map->gids, 0, 100, 1);
	if (sub_ids > 0) {
		idmap_add(map->uids, 1, 100000, sub_ids);
		idmap_add(map->gids, 1, 100000, sub_ids);
	}
	return map;
}

static void test_keep_id(void)
{
	static const struct {
		const char *mode;
		uint32_t sub_ids;
		const char *uids, *gids, *user;
	} rows[] = {
		{"keep-id", 65536, "0:1:1000,1000:0:1,1001:1001:64536",
		 "0:1:100,100:0:1,101:101:65436", "1000:100"},
		{"keep-id", 0, "1000:0:1", "100:0:1", "1000:100"},
		{"keep-id:uid=0,gid=0", 65536, "0:0:1,1:1:65536", "0:0:1,1:1:65536", "0:0"},
		{"keep-id:uid=200", 65536, "0:1:200,200:0:1,201:201:65336",
		 "0:1:100,100:0:1,101:101:65436", "200:100"},
		{"keep-id:uid=70000,gid=65536", 65536, "0:1:65536,70000:0:1", "0:1:65536,65536:0:1",
		 "70000:65536"},
		{"keep-id:size=2000", 65536, "0:1:1000,1000:0:1,1001:1001:999",
		 "0:1:100,100:0:1,101:101:1899", "1000:100"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(IdMap) shared = make_shared(rows[i].sub_ids);
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_true(spec_set_userns(spec, rows[i].mode, NULL));
		g_assert_true(spec_userns_resolve(spec, shared, NULL, NULL, &error));
		g_assert_no_error(error);
		g_autofree char *uids = idmap_format(spec->id_map->uids);
		g_autofree char *gids = idmap_format(spec->id_map->gids);
		g_assert_cmpstr(uids, ==, rows[i].uids);
		g_assert_cmpstr(gids, ==, rows[i].gids);
		g_assert_cmpstr(spec->user, ==, rows[i].user);
		g_assert_true(idmap_check(spec->id_map->uids, NULL));
		g_assert_true(idmap_check(spec->id_map->gids, NULL));
	}
}

static void test_keep_id_and_users(void)
{
	g_autoptr(IdMap) shared = make_shared(65536);
	g_autoptr(Image) image = make_image(NULL, "sh");
	image->config->user = g_strdup("www");
	g_autoptr(ContainerSpec) spec = spec_new();
	apply(spec, (const Option[]){{spec_set_userns, "keep-id"}, {NULL}});
	g_assert_true(spec_resolve_image(spec, image, NULL));
	g_assert_true(spec_userns_resolve(spec, shared, NULL, NULL, NULL));
	g_assert_cmpstr(spec->user, ==, "1000:100");

	g_autoptr(ContainerSpec) typed = spec_new();
	apply(typed,
	      (const Option[]){{spec_set_userns, "keep-id"}, {spec_set_user, "root"}, {NULL}});
	g_assert_true(spec_resolve_image(typed, image, NULL));
	g_assert_true(spec_userns_resolve(typed, shared, NULL, NULL, NULL));
	g_assert_cmpstr(typed->user, ==, "root");
}

static void free_map(void *map)
{
	idmap_free(map);
}

static void test_auto_slots(void)
{
	g_autoptr(IdMap) shared = make_shared(3 * 65536);
	g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(free_map);
	static const struct {
		const char *mode, *uids;
	} rows[] = {
		{"auto:size=1000", "0:65537:1000"},
		{"auto", "0:66561:65536"},
		{"auto:size=24", "0:132097:24"},
		{"auto:size=1024", "0:133121:1024"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_true(spec_set_userns(spec, rows[i].mode, NULL));
		g_assert_true(spec_userns_resolve(spec, shared, NULL, taken, &error));
		g_autofree char *uids = idmap_format(spec->id_map->uids);
		g_assert_cmpstr(uids, ==, rows[i].uids);
		g_ptr_array_add(taken, g_steal_pointer(&spec->id_map));
	}
	/* A slot that was given back is handed out again. */
	g_ptr_array_remove_index(taken, 1);
	g_autoptr(ContainerSpec) again = spec_new();
	g_assert_true(spec_set_userns(again, "auto", NULL));
	g_assert_true(spec_userns_resolve(again, shared, NULL, taken, NULL));
	g_autofree char *uids = idmap_format(again->id_map->uids);
	g_assert_cmpstr(uids, ==, "0:66561:65536");
}

static void test_userns_refusals(void)
{
	static const struct {
		const char *mode;
		int sub_ids; /* -1: real root */
		int code;
		const char *message;
	} rows[] = {
		{"keep-id", -1, ENGINE_ERROR_INVALID, "keep-id is only supported in rootless mode"},
		{"nomap", -1, ENGINE_ERROR_INVALID, "nomap is only supported in rootless mode"},
		{"auto", -1, ENGINE_ERROR_UNSUPPORTED, "--userns=auto is not supported for root"},
		{"nomap", 0, ENGINE_ERROR_UNSUPPORTED, "--userns=nomap needs sub-ids: WHY"},
		{"auto", 0, ENGINE_ERROR_UNSUPPORTED, "--userns=auto needs sub-ids: WHY"},
		{"auto", 65536, ENGINE_ERROR_UNSUPPORTED,
		 "help: sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071"},
		{"auto:size=4294967294", 131072, ENGINE_ERROR_UNSUPPORTED, "there are 65536"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(IdMap) shared =
			rows[i].sub_ids < 0 ? NULL : make_shared((uint32_t)rows[i].sub_ids);
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_true(spec_set_userns(spec, rows[i].mode, NULL));
		g_assert_false(spec_userns_resolve(spec, shared, "WHY", NULL, &error));
		g_test_message("%s", error->message);
		g_assert_cmpint(error->code, ==, rows[i].code);
		g_assert_nonnull(strstr(error->message, rows[i].message));
	}
}

static void test_nomap_and_maps(void)
{
	g_autoptr(IdMap) shared = make_shared(65536);
	g_autoptr(ContainerSpec) nomap = spec_new();
	g_assert_true(spec_set_userns(nomap, "nomap", NULL));
	g_assert_true(spec_userns_resolve(nomap, shared, NULL, NULL, NULL));
	g_autofree char *uids = idmap_format(nomap->id_map->uids);
	g_assert_cmpstr(uids, ==, "0:1:65536");

	g_autoptr(ContainerSpec) maps = spec_new();
	apply(maps,
	      (const Option[]){{spec_add_uidmap, "0:1:10"}, {spec_add_uidmap, "10:0:1"}, {NULL}});
	g_assert_true(spec_userns_resolve(maps, shared, NULL, NULL, NULL));
	g_assert_cmpint(maps->userns, ==, SPEC_USERNS_MAPS);
	g_autofree char *gids = idmap_format(maps->id_map->gids);
	g_assert_cmpstr(gids, ==, "0:1:10,10:0:1");

	static const char *const bad[] = {"0:65530:8", "0:100000:10", "0:65537:1"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		g_assert_true(spec_add_gidmap(spec, bad[i], NULL));
		g_assert_false(spec_userns_resolve(spec, shared, NULL, NULL, &error));
		g_assert_nonnull(strstr(error->message, "there are only 65537 ids"));
	}
	g_autoptr(ContainerSpec) overlap = spec_new();
	apply(overlap,
	      (const Option[]){{spec_add_uidmap, "0:1:10"}, {spec_add_uidmap, "5:20:1"}, {NULL}});
	g_assert_false(spec_userns_resolve(overlap, shared, NULL, NULL, NULL));
}

/* Combinations, each two or three options and podman's words. */
static void test_conflicts(void)
{
	static const struct {
		Option options[4];
		const char *message; /* NULL: fine */
	} rows[] = {
		{{{spec_set_restart, "always"}}, NULL},
		{{{spec_set_hostname, "x"}, {spec_set_uts, "host"}},
		 "invalid config provided: cannot set hostname when running in the host UTS "
		 "namespace"},
		{{{spec_set_hostname, "x"}, {spec_set_uts, "container:y"}},
		 "joining another UTS namespace"},
		{{{spec_set_hostname, "x"}, {spec_set_network, "host"}}, NULL},
		{{{spec_set_userns, "keep-id"}, {spec_add_uidmap, "0:1:1"}},
		 "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive"},
		{{{spec_set_ipc, "host"}, {spec_set_shm_size, "1m"}},
		 "cannot set shmsize when running in the host"},
		{{{spec_set_ipc, "private"}, {spec_set_shm_size, "1m"}}, NULL},
		{{{spec_set_network, "none"}, {spec_add_dns, "1.1.1.1"}},
		 "conflicting options: dns and the network mode: none"},
		{{{spec_set_network, "container:x"}, {spec_add_dns_search, "x"}},
		 "conflicting options: dns and the network mode: container"},
		{{{spec_set_network, "host"}, {spec_add_dns, "1.1.1.1"}}, NULL},
		{{{spec_set_network, "container:x"}, {spec_add_host, "a:1.2.3.4"}},
		 "cannot set extra host entries when the container is joined to another containers "
		 "network "
		 "namespace"},
		{{{spec_set_network, "host"}, {spec_add_sysctl, "net.ipv4.ip_forward=1"}},
		 "sysctl net.ipv4.ip_forward=1 can't be set since Network Namespace set to host"},
		{{{spec_set_network, "container:x"}, {spec_add_sysctl, "net.ipv4.ip_forward=1"}},
		 "can't be set since Network Namespace is shared"},
		{{{spec_set_ipc, "host"}, {spec_add_sysctl, "kernel.shmmax=1"}},
		 "sysctl kernel.shmmax=1 can't be set since IPC Namespace set to host"},
		{{{spec_set_ipc, "host"}, {spec_add_sysctl, "net.core.somaxconn=1"}}, NULL},
		{{{spec_set_network, "none"}, {spec_add_sysctl, "net.core.somaxconn=1"}}, NULL},
		{{{spec_add_cap_add, "net_raw"}, {spec_add_cap_drop, "CAP_NET_RAW"}},
		 "capability \"CAP_NET_RAW\" cannot be dropped and added"},
		{{{spec_add_cap_add, "all"}, {spec_add_cap_drop, "ALL"}},
		 "adding all caps and removing all caps not allowed"},
		{{{spec_add_cap_add, "net_raw"}, {spec_add_cap_drop, "all"}}, NULL},
		{{{spec_add_volume, "a:/x"}, {spec_add_volume, "b:/x/"}},
		 "/x: duplicate mount destination"},
		{{{spec_add_volume, "a:/x"}, {spec_add_tmpfs, "/x"}},
		 "/x: duplicate mount destination"},
		{{{spec_add_tmpfs, "/x"}, {spec_add_tmpfs, "/x"}}, NULL},
		{{{spec_add_publish, "8080:80"}, {spec_add_publish, "8080:81"}}, "8080"},
		{{{spec_set_log_driver, "none"}, {spec_add_log_opt, "path=/x"}}, "log option path"},
		{{{spec_set_log_driver, "k8s-file"}, {spec_add_log_opt, "label=A=b"}},
		 "log option label cannot be used with the log driver k8s-file"},
		{{{spec_set_log_driver, "journald"}, {spec_add_log_opt, "label=A=b"}}, NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(ContainerSpec) spec = spec_new();
		g_autoptr(GError) error = NULL;
		apply(spec, rows[i].options);
		bool ok = spec_check(spec, &error);
		g_test_message("row %zu: %s", i, ok ? "fine" : error->message);
		g_assert_cmpint(ok, ==, rows[i].message == NULL);
		if (!ok)
			g_assert_nonnull(strstr(error->message, rows[i].message));
	}
}

static void test_flag_conflicts(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ContainerSpec) remove = spec_new();
	remove->remove = true;
	g_assert_true(spec_check(remove, &error));
	g_assert_true(spec_set_restart(remove, "always", NULL));
	g_assert_false(spec_check(remove, &error));
	g_assert_cmpstr(
		error->message, ==,
		"the --rm option conflicts with --restart, when the restartPolicy is not \"\" and "
		"\"no\"");
	g_clear_error(&error);

	g_autoptr(ContainerSpec) replace = spec_new();
	replace->replace = true;
	g_assert_false(spec_check(replace, &error));
	g_assert_cmpstr(error->message, ==, "cannot replace container without --name being set");
	g_clear_error(&error);

	g_autoptr(ContainerSpec) attach = spec_new();
	attach->detach = true;
	g_assert_true(spec_add_attach(attach, "stdin", NULL));
	g_assert_false(spec_check(attach, NULL));

	g_autoptr(ContainerSpec) init = spec_new();
	init->init = true;
	g_assert_true(spec_check(init, NULL));
	g_assert_true(spec_set_pid(init, "host", NULL));
	g_assert_false(spec_check(init, &error));
	g_assert_cmpstr(error->message, ==,
			"cannot add init binary as PID 1 (PID namespace isn't private)");
	g_clear_error(&error);

	g_autoptr(ContainerSpec) tty = spec_new();
	tty->tty = true;
	g_assert_true(spec_set_log_driver(tty, "passthrough", NULL));
	g_assert_false(spec_check(tty, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec-image/args/dockers-merge", test_args);
	g_test_add_func("/spec-image/env/order-and-no-host-lookup-for-images", test_env);
	g_test_add_func("/spec-image/env/term-with-tty", test_term_only_with_tty);
	g_test_add_func("/spec-image/env/many-variables", test_image_env_is_fast);
	g_test_add_func("/spec-image/process/typed-wins", test_process);
	g_test_add_func("/spec-image/process/refuses-hostile-values", test_hostile_process_values);
	g_test_add_func("/spec-image/identity/name-and-labels", test_identity);
	g_test_add_func("/spec-image/mounts/image-volumes-and-read-only", test_mounts);
	g_test_add_func("/spec-image/mounts/refuses-volume-at-root", test_image_volume_at_root);
	g_test_add_func("/spec-image/exposed/once-each", test_exposed);
	g_test_add_func("/spec-userns/keep-id/maps", test_keep_id);
	g_test_add_func("/spec-userns/keep-id/user", test_keep_id_and_users);
	g_test_add_func("/spec-userns/auto/slots", test_auto_slots);
	g_test_add_func("/spec-userns/refusals", test_userns_refusals);
	g_test_add_func("/spec-userns/nomap-and-maps", test_nomap_and_maps);
	g_test_add_func("/spec-check/conflicts", test_conflicts);
	g_test_add_func("/spec-check/flags", test_flag_conflicts);
	return g_test_run();
}
