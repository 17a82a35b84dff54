/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --volume, --mount and --tmpfs: what a value leaves in the record, or what the refusal says.
 */
#include <string.h>

#include "libpod/base/error.h"
#include "tests/unit/libpod/spec_rows.h"

static const Row volumes[] = {
	{spec_add_volume, "/data", "{\"kind\":\"volume\",\"destination\":\"/data\"}"},
	{spec_add_volume, "v:/data",
	 "{\"kind\":\"volume\",\"source\":\"v\",\"destination\":\"/data\"}"},
	{spec_add_volume, "/srv:/data", "[{\"source\":\"/srv\",\"destination\":\"/data\"}]"},
	{spec_add_volume, "/srv:/data:ro", "\"destination\":\"/data\",\"readOnly\":true"},
	{spec_add_volume, "/srv:/a/../b//c/", "\"destination\":\"/b/c\""},
	{spec_add_volume, "/srv:/data:z", "\"relabel\":\"shared\""},
	{spec_add_volume, "/srv:/data:Z,U,ro",
	 "\"readOnly\":true,\"chown\":true,\"relabel\":\"private\""},
	{spec_add_volume, "/srv:/data:O", "\"overlay\":true"},
	{spec_add_volume, "/srv:/data:O,U", "\"chown\":true,\"overlay\":true"},
	{spec_add_volume, "v:/data:nocopy", "\"copyUp\":false"},
	{spec_add_volume, "v:/data:copy", "\"source\":\"v\",\"destination\":\"/data\"}"},
	{spec_add_volume, "/srv:/data:nosuid,noexec,nodev",
	 "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]"},
	{spec_add_volume, "/srv:/data:suid,exec,dev", "\"options\":[\"suid\",\"exec\",\"dev\"]"},
	{spec_add_volume, "/srv:/data:rslave", "\"propagation\":\"rslave\""},
	{spec_add_volume, "/srv:/data:bind", "\"nonRecursive\":true"},
	{spec_add_volume, "/srv:/data:cached", "\"destination\":\"/data\"}]"},
	{spec_add_volume, "", "container directory cannot be empty", BAD},
	{spec_add_volume, ":", "host directory cannot be empty", BAD},
	{spec_add_volume, ":/x", "host directory cannot be empty", BAD},
	{spec_add_volume, "/x:", "container directory cannot be empty", BAD},
	{spec_add_volume, "data", "invalid container path \"data\", must be an absolute path", BAD},
	{spec_add_volume, "a:b", "invalid container path \"b\", must be an absolute path", BAD},
	{spec_add_volume, "/tmp:/", "a mount cannot hide the root", BAD},
	{spec_add_volume, "/tmp:/..", "a mount cannot hide the root", BAD},
	{spec_add_volume, "/tmp:/b:foo", "invalid option type \"foo\"", BAD},
	{spec_add_volume, "/tmp:/b:", "\"destination\":\"/b\""},
	{spec_add_volume, "/tmp:/b:ro,", "invalid option type \"\"", BAD},
	{spec_add_volume, "/tmp:/b:ro,rw",
	 "invalid options \"ro, rw\", can only specify 1 'rw' or 'ro' option", BAD},
	{spec_add_volume, "/tmp:/b:z,Z", "can only specify 1 'z', 'Z', or 'O' option", BAD},
	{spec_add_volume, "/tmp:/b:shared,private",
	 "can only specify 1 '[r]shared', '[r]private', '[r]slave' or '[r]unbindable' option", BAD},
	{spec_add_volume, "x:/b:copy,nocopy", "can only specify 1 'copy' or 'nocopy' option", BAD},
	{spec_add_volume, "/tmp:/b:exec,noexec", "can only specify 1 'noexec' or 'exec' option",
	 BAD},
	{spec_add_volume, "/tmp:/b:O,ro", "can't use 'O' with other options", BAD},
	{spec_add_volume, "/tmp:/b:O,rshared", "can't use 'O' with other options", BAD},
	{spec_add_volume, "/tmp:/b:ro:x",
	 "/tmp:/b:ro:x: incorrect volume format, should be [host-dir:]ctr-dir[:option]", BAD},
	{spec_add_volume, "bad name:/b",
	 "creating named volume \"bad name\": running volume create option: names must match", BAD},
	{spec_add_volume, "a/b:/c", "names must match", BAD},
	{spec_add_volume, "/tmp:/b:idmap", "volume option \"idmap\" is not supported", NOT},
	{spec_add_volume, "/tmp:/b:O,upperdir=/x", "volume option \"upperdir\" is not supported",
	 NOT},
	{spec_add_volume, "/tmp:/b:size=1", "invalid option type \"size=1\"", BAD},
	{NULL},
};

static const Row mounts[] = {
	{spec_add_mount, "type=bind,src=/a,dst=/b", "[{\"source\":\"/a\",\"destination\":\"/b\"}]"},
	{spec_add_mount, "type=bind,source=/a,target=/b,readonly", "\"readOnly\":true"},
	{spec_add_mount, "type=bind,src=/a,dst=/b,ro=true", "\"readOnly\":true"},
	{spec_add_mount, "type=bind,src=/a,dst=/b,ro=false", "\"destination\":\"/b\"}"},
	{spec_add_mount, "type=bind,src=/a,dst=/b,rw=false", "\"readOnly\":true"},
	{spec_add_mount, "type=bind,src=/a,destination=/b,U=true", "\"chown\":true"},
	{spec_add_mount, "type=bind,src=/a,dst=/b,relabel=shared", "\"relabel\":\"shared\""},
	{spec_add_mount, "type=bind,src=/a,dst=/b,relabel=private", "\"relabel\":\"private\""},
	{spec_add_mount, "type=bind,src=/a,dst=/b,Z", "\"relabel\":\"private\""},
	{spec_add_mount, "type=bind,src=/a,dst=/b,bind-propagation=rslave",
	 "\"propagation\":\"rslave\""},
	{spec_add_mount, "type=bind,src=/a,dst=/b,rshared", "\"propagation\":\"rshared\""},
	{spec_add_mount, "type=bind,src=/a,dst=/b,bind-nonrecursive=true", "\"nonRecursive\":true"},
	{spec_add_mount, "type=bind,src=/a,dst=/b,nosuid,noexec",
	 "\"options\":[\"nosuid\",\"noexec\"]"},
	{spec_add_mount, "type=bind,src=/a,dst=/b,consistency=cached", "\"destination\":\"/b\"}"},
	{spec_add_mount, "type=bind,dst=/b", "[{\"source\":\"/b\",\"destination\":\"/b\"}]"},
	{spec_add_mount, "type=bind,\"src=/a,b\",dst=/b", "\"source\":\"/a,b\""},
	{spec_add_mount, "type=volume,src=v,dst=/b", "{\"kind\":\"volume\",\"source\":\"v\""},
	{spec_add_mount, "type=volume,dst=/b", "{\"kind\":\"volume\",\"destination\":\"/b\"}"},
	{spec_add_mount, "src=v,dst=/b", "{\"kind\":\"volume\",\"source\":\"v\""},
	{spec_add_mount, "type=volume,src=v,dst=/b,subpath=x/y", "\"subpath\":\"x/y\""},
	{spec_add_mount, "type=volume,src=v,dst=/b,subpath=/x//y", "\"subpath\":\"x/y\""},
	{spec_add_mount, "type=volume,src=v,dst=/b,nocopy", "\"copyUp\":false"},
	{spec_add_mount, "type=tmpfs,dst=/b", "{\"kind\":\"tmpfs\",\"destination\":\"/b\"}"},
	{spec_add_mount, "type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=1777",
	 "\"options\":[\"size=1048576\",\"mode=1777\"]"},
	{spec_add_mount, "type=tmpfs,dst=/b,tmpfs-size=50%", "\"options\":[\"size=50%\"]"},
	{spec_add_mount, "type=tmpfs,dst=/b,notmpcopyup", "\"copyUp\":false"},
	{spec_add_mount, "type=foo,dst=/b", "invalid filesystem type \"foo\"", BAD},
	{spec_add_mount, "type=,dst=/b", "invalid filesystem type \"\"", BAD},
	{spec_add_mount, "foo",
	 "incorrect mount format: should be --mount type=<bind|tmpfs|volume>", BAD},
	{spec_add_mount, "", "incorrect mount format", BAD},
	{spec_add_mount, "type=bind", "must set volume destination", BAD},
	{spec_add_mount, "type=bind,src=/tmp", "must set volume destination", BAD},
	{spec_add_mount, "type=bind,src=,dst=/x", "host directory cannot be empty", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=", "container directory cannot be empty", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=x", "invalid container path \"x\"", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/", "a mount cannot hide the root", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,foo=bar", "foo: invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,,ro", ": invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,ro=maybe",
	 "'readonly', 'ro', or 'rw' must be set to true or false, instead received \"maybe\": must "
	 "provide an "
	 "argument for option",
	 BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,ro,rw",
	 "cannot pass 'readonly', 'ro', or 'rw' options more than once", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,U,chown=true",
	 "cannot pass 'U' or 'chown' option more than once", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,bind-propagation=foo",
	 "invalid option type \"foo\"", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,bind-propagation=ro",
	 "invalid option type \"ro\"", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,bind-propagation", "must provide an argument",
	 BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,relabel=foo",
	 "relabel mount option must be 'private' or 'shared': invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,noexec=true", "noexec: invalid mount option",
	 BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,exec,noexec", "more than once", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,tmpfs-size=1",
	 "tmpfs-size: invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,subpath=a", "subpath: invalid mount option",
	 BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,src=/y", "source is not supported with tmpfs mounts",
	 BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,tmpfs-size=abc", "invalid tmpfs option \"size=abc\"",
	 BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,tmpfs-size=101%", "invalid tmpfs option", BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,tmpfs-mode=999", "invalid tmpfs option \"mode=999\"",
	 BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,tmpfs-mode", "must provide an argument", BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,relabel=shared", "relabel: invalid mount option", BAD},
	{spec_add_mount, "type=volume,src=v,dst=/x,subpath=../y", "leads out of the volume", BAD},
	{spec_add_mount, "type=volume,src=a/b,dst=/x", "names must match", BAD},
	{spec_add_mount, "type=volume,src=v,dst=/x,bind-propagation=slave",
	 "bind-propagation: invalid mount option", BAD},
	{spec_add_mount, "type=\"bind", "invalid filesystem type \"\"bind\"", BAD},
	{spec_add_mount, "\"type=bind", "extraneous or missing \" in quoted-field", BAD},
	{spec_add_mount, "type=glob,src=/a,dst=/b", "mount type \"glob\" is not supported", NOT},
	{spec_add_mount, "type=image,src=a/b:c,dst=/b",
	 "{\"kind\":\"image\",\"source\":\"a/b:c\",\"destination\":\"/b\"}"},
	{spec_add_mount, "type=image,src=a,dst=/b,rw=true", "\"readOnly\":false"},
	{spec_add_mount, "type=image,src=a,dst=/b,rw=maybe",
	 "invalid rw value \"maybe\": invalid mount option", BAD},
	{spec_add_mount, "type=image,dst=/b", "must set source and destination for image volume",
	 BAD},
	{spec_add_mount, "type=devpts,dst=/b,uid=1,max=9", "\"options\":[\"uid=1\",\"max=9\"]"},
	{spec_add_mount, "type=devpts,src=/a,dst=/b", "src: invalid mount option", BAD},
	{spec_add_mount, "type=devpts,dst=/b,max=-1", "invalid devpts option", BAD},
	{spec_add_mount, "type=ramfs,dst=/b", "{\"kind\":\"ramfs\",\"destination\":\"/b\"}"},
	{spec_add_mount, "type=ramfs,src=/a,dst=/b", "source is not supported with ramfs", BAD},
	{spec_add_mount, "type=artifact,src=a,dst=/b", "mount type \"artifact\" is not supported",
	 NOT},
	{spec_add_mount, "type=bind,src=/a,dst=/b,idmap", "mount option idmap is not supported",
	 NOT},
	{spec_add_mount, "type=volume,src=v,dst=/b,volume-opt=x",
	 "mount option volume-opt is not supported", NOT},
	{spec_add_mount, "type=tmpfs,dst=/b,noswap", "mount option noswap is not supported", NOT},
	{spec_add_tmpfs, "/run", "{\"kind\":\"tmpfs\",\"destination\":\"/run\"}"},
	{spec_add_tmpfs, "/run:", "{\"kind\":\"tmpfs\",\"destination\":\"/run\"}"},
	{spec_add_tmpfs, "/run:ro", "\"readOnly\":true"},
	{spec_add_tmpfs, "/run:rw,size=64k,mode=755,exec",
	 "\"options\":[\"size=65536\",\"mode=755\",\"exec\"]"},
	{spec_add_tmpfs, "/run:uid=5,gid=6,nr_inodes=1k",
	 "\"options\":[\"uid=5\",\"gid=6\",\"nr_inodes=1k\"]"},
	{spec_add_tmpfs, "/run:notmpcopyup", "\"copyUp\":false"},
	{spec_add_tmpfs, "/run:U", "\"chown\":true"},
	{spec_add_tmpfs, "x", "invalid container path \"x\", must be an absolute path", BAD},
	{spec_add_tmpfs, "", "container directory cannot be empty", BAD},
	{spec_add_tmpfs, "/x:foo", "unknown mount option \"foo\": invalid mount option", BAD},
	{spec_add_tmpfs, "/x:foo=1", "unknown mount option \"foo=1\"", BAD},
	{spec_add_tmpfs, "/x:size=abc", "invalid tmpfs option \"size=abc\"", BAD},
	{spec_add_tmpfs, "/x:mode=888", "invalid tmpfs option", BAD},
	{spec_add_tmpfs, "/x:uid=-1", "invalid tmpfs option", BAD},
	{spec_add_tmpfs, "/x:shared", "unknown mount option \"shared\"", BAD},
	{spec_add_tmpfs, "/x:z", "unknown mount option \"z\"", BAD},
	{spec_add_tmpfs, "/x:noswap", "not supported", NOT},
	/* What an author of somebody else's file might smuggle. */
	{spec_add_mount, "type=bind,src=/tmp,dst=/x/../..", "a mount cannot hide the root", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/.//.", "a mount cannot hide the root", BAD},
	{spec_add_mount, "type=tmpfs,dst=/", "a mount cannot hide the root", BAD},
	{spec_add_mount, "type=volume,src=v,dst=/../", "a mount cannot hide the root", BAD},
	{spec_add_mount, "type=BIND,src=/tmp,dst=/x", "invalid filesystem type \"BIND\"", BAD},
	{spec_add_mount, "type=bind ,src=/tmp,dst=/x", "invalid filesystem type \"bind \"", BAD},
	{spec_add_mount, "type=proc,dst=/x", "invalid filesystem type \"proc\"", BAD},
	{spec_add_mount, "type=overlay,dst=/x", "invalid filesystem type \"overlay\"", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,remount", "remount: invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,suid=", "suid: invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,lowerdir=/", "lowerdir: invalid mount option",
	 BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x,RO", "RO: invalid mount option", BAD},
	{spec_add_mount, "type=bind,src=/tmp,dst=/x, ro", " ro: invalid mount option", BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,tmpfs-size=1,tmpfs-mode=-1", "invalid tmpfs option",
	 BAD},
	{spec_add_mount, "type=tmpfs,dst=/x,tmpfs-size=18446744073709551616",
	 "invalid tmpfs option", BAD},
	{spec_add_mount, "type=volume,src=..,dst=/x", "names must match", BAD},
	{spec_add_mount, "type=volume,src=v,dst=/x,subpath=a/../../b", "leads out of the volume",
	 BAD},
	{spec_add_mount, "type=volume,src=v,dst=/x,subpath=..", "leads out of the volume", BAD},
	{NULL},
};

/* Relative sources are resolved by the working directory, without looking at the file. */
static void test_relative_paths(void)
{
	g_autoptr(ContainerSpec) spec = spec_new();
	g_autofree char *here = g_get_current_dir();
	g_autofree char *expected = g_build_filename(here, "x", NULL);
	g_assert_true(spec_add_volume(spec, "./x:/a", NULL));
	g_assert_true(spec_add_mount(spec, "type=bind,src=x,dst=/b", NULL));
	for (guint i = 0; i < 2; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		g_assert_cmpint(mount->kind, ==, SPEC_MOUNT_BIND);
		g_assert_cmpstr(mount->source, ==, expected);
	}
}

/* The strings of mounts that are refused, counted to be published. */
static void test_mount_count(void)
{
	const Row *const tables[] = {volumes, mounts};
	guint refused = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		for (const Row *row = tables[i]; row->set; row++)
			refused += row->code == BAD || row->code == NOT;
	g_assert_cmpuint(refused, >=, 60);
	g_test_message("hostile: %u mount strings", refused);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/spec-parse-mount/volumes", volumes, spec_rows_test);
	g_test_add_data_func("/spec-parse-mount/mounts", mounts, spec_rows_test);
	g_test_add_func("/spec-parse-mount/relative-to-the-working-directory", test_relative_paths);
	g_test_add_func("/spec-parse-mount/count", test_mount_count);
	return g_test_run();
}
