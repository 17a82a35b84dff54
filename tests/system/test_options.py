# SPDX-License-Identifier: Apache-2.0
"""Options of run, create, exec, rm and wait beside those of the main job: environment, users, files
of the host, other containers, mounts without a source, descriptors."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

from tests.support.skiff import SkiffTest, sub_ids, wait_for


class Base(SkiffTest):
    images = ["busybox"]

    def run_one(self, *args, **options):
        return self.skiff("run", "--rm", "--network", "none", *args, **options)


class Environment(Base):
    def env(self, *args, **changes):
        done = self.run_one(*args, "busybox", "env", env=changes)
        return dict(line.split("=", 1) for line in done.lines)

    def test_pattern_takes_the_hosts_variables(self):
        env = self.env("--env", "MY_*", MY_A="1", MY_B="2", OTHER="3")
        self.assertEqual((env["MY_A"], env["MY_B"]), ("1", "2"))
        self.assertNotIn("OTHER", env)

    def test_pattern_in_a_file(self):
        file = self.tmp / "env"
        file.write_text("MY_*\nX=y\n")
        env = self.env("--env-file", file, MY_A="1")
        self.assertEqual((env["MY_A"], env["X"]), ("1", "y"))

    def test_name_without_value_is_the_hosts_or_nothing(self):
        env = self.env("-e", "MY_A", "-e", "MY_B", MY_A="1")
        self.assertEqual(env["MY_A"], "1")
        self.assertNotIn("MY_B", env)

    def test_env_host_is_below_what_was_typed(self):
        env = self.env("--env-host", "-e", "MY_A=typed", MY_A="host", MY_B="host")
        self.assertEqual((env["MY_A"], env["MY_B"]), ("typed", "host"))

    def test_unsetenv(self):
        env = self.env("--unsetenv", "container,PATH", "-e", "A=b")
        self.assertNotIn("container", env)
        self.assertEqual(env["A"], "b")

    def test_unsetenv_all_leaves_what_was_typed(self):
        env = self.env("--unsetenv-all", "-e", "A=b")
        self.assertEqual(set(env), {"A", "HOSTNAME", "HOME"})

    def test_env_merge(self):
        env = self.env("--env-merge", "PATH=${PATH}:/more", "--env-merge", "NEW=<$NOPE>$")
        self.assertTrue(env["PATH"].endswith("/bin:/more"), env["PATH"])
        self.assertEqual(env["NEW"], "<>$")

    def test_http_proxy_is_passed_unless_it_is_not_wanted(self):
        self.assertEqual(self.env(http_proxy="http://proxy:1")["http_proxy"], "http://proxy:1")
        self.assertNotIn("http_proxy", self.env("--http-proxy=false", http_proxy="http://proxy:1"))

    def test_exec_takes_patterns_and_files(self):
        file = self.tmp / "env"
        file.write_text("F=1\n")
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sleep", "100")
        done = self.skiff("exec", "-e", "MY_*", "--env-file", file, "c", "env", env={"MY_A": "1"})
        self.assertIn("MY_A=1", done.lines)
        self.assertIn("F=1", done.lines)
        self.skiff_fails("exec", "--env-file", "nope", "c", "true",
                         says='Error: parsing env file "nope": open nope: no such file or directory')


class Identity(Base):
    def test_unknown_user_gets_a_line(self):
        self.need_ids()
        done = self.run_one("--user", "1234:555", "-w", "/tmp", "busybox", "sh", "-c", "tail -n1 /etc/passwd; tail -n1 /etc/group")
        self.assertEqual(done.lines, ["1234:*:1234:555:container user:/tmp:/bin/sh", "555:x:555:1234"])

    def test_known_user_changes_nothing(self):
        done = self.run_one("--user", "0:0", "busybox", "grep", "-c", "etc/passwd", "/proc/mounts", code=1)
        self.assertEqual(done.word, "0")

    def test_passwd_and_group_entry(self):
        self.need_ids()
        done = self.run_one("--user", "1234:555", "--passwd-entry", "me:x:$UID:$GID:n:$HOME:/bin/sh", "--group-entry", "us:x:$GID:",
                            "busybox", "sh", "-c", "tail -n1 /etc/passwd; tail -n1 /etc/group; id -un")
        self.assertEqual(done.lines, ["me:x:1234:555:n:/:/bin/sh", "us:x:555:", "me"])

    def test_passwd_false(self):
        self.need_ids()
        self.run_one("--user", "1234", "--passwd=false", "busybox", "grep", "1234", "/etc/passwd", code=1)

    def test_passwd_does_not_reach_the_layer(self):
        self.need_ids()
        self.skiff("run", "--name", "c", "--network", "none", "--user", "1234", "busybox", "true")
        self.assertNotIn("/etc/passwd", self.skiff("diff", "c").stdout)

    def test_entry_is_one_line(self):
        self.skiff_fails("create", "--passwd-entry", "a:b\nroot2::0:0::/:/bin/sh", "busybox", says="must be one line")

    def test_passwd_that_is_a_link_out_of_the_image_is_not_followed(self):
        self.need_ids()
        canary = self.tmp / "passwd"
        canary.write_text("host:x:0:0::/:/bin/sh\n")
        root = self.tmp / "root"
        (root / "bin").mkdir(parents=True)
        (root / "etc").mkdir()
        (root / "bin/busybox").write_bytes(Path("/usr/bin/busybox").read_bytes())
        (root / "bin/busybox").chmod(0o755)
        (root / "etc/passwd").symlink_to(canary)
        self.skiff("run", "--rm", "--network", "none", "--user", "1234", "--rootfs", f"{root}:O", "/bin/busybox", "true")
        self.assertEqual(canary.read_text(), "host:x:0:0::/:/bin/sh\n")

    def test_umask_for_run_and_exec(self):
        self.skiff("run", "-d", "--name", "c", "--network", "none", "--umask", "77", "busybox", "sh", "-c",
                   "umask > /out; sleep 100")
        wait_for(lambda: self.skiff("exec", "c", "cat", "/out", check=False).word == "0077")
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "umask").word, "0077")
        self.assertEqual(self.skiff("inspect", "c", "-f", "{{.Config.Umask}}").word, "0077")
        self.skiff_fails("create", "--umask", "9", "busybox",
                         says="Error: running container create option: invalid umask string 9: invalid argument")

    def test_keep_groups(self):
        self.skiff_fails("create", "--group-add", "keep-groups,1", "busybox",
                         says="Error: the '--group-add keep-groups' option is not allowed with any other --group-add options")
        ours = [gid for gid in os.getgroups() if gid != os.getgid()]
        theirs = self.run_one("--group-add", "keep-groups", "busybox", "grep", "^Groups:", "/proc/self/status").stdout.split()[1:]
        self.assertEqual(len([gid for gid in theirs if gid == "65534"]) if os.geteuid() else len(theirs),
                         len(ours) if os.geteuid() else len(os.getgroups()))

    def test_group_add(self):
        self.need_ids()
        done = self.run_one("--group-add", "1234", "busybox", "id", "-G")
        self.assertIn("1234", done.word.split())

    def test_annotations(self):
        self.skiff("create", "--name", "c", "--network", "none", "--annotation", "a=b=c", "busybox")
        report = self.skiff("inspect", "c").json[0]
        self.assertEqual(report["Config"]["Annotations"]["a"], "b=c")
        self.assertEqual(report["HostConfig"]["Annotations"]["a"], "b=c")
        self.skiff_fails("create", "--annotation", "a", "busybox", says="Error: annotations must be formatted KEY=VALUE")
        self.skiff_fails("create", "--annotation", "io.skiff.user=0", "busybox", says="skiff's own")

    def test_label_file(self):
        file = self.tmp / "labels"
        file.write_text("# comment\n\na=b\n  c\n")
        self.skiff("create", "--name", "c", "--label-file", file, "--label", "d=e", "busybox")
        labels = self.skiff("inspect", "c").json[0]["Config"]["Labels"]
        self.assertEqual((labels["a"], labels["c"], labels["d"]), ("b", "", "e"))
        self.skiff_fails("create", "--label-file", "nope", "busybox",
                         says="Error: unable to process labels: open nope: no such file or directory")


class Files(Base):
    def test_time_zone(self):
        zone = Path("/usr/share/zoneinfo/Europe/Berlin")
        self.need(zone.exists(), "needs the host's tzdata")
        self.assertEqual(self.run_one("--tz", "Europe/Berlin", "busybox", "cat", "/etc/localtime").stdout_bytes, zone.read_bytes())
        self.skiff_fails("create", "--tz", "Foo", "busybox",
                         says="Error: running container create option: stat /usr/share/zoneinfo/Foo: no such file or directory")
        self.skiff_fails("create", "--tz", "Europe", "busybox",
                         says="Error: running container create option: invalid timezone: is a directory")

    def test_no_hosts_and_no_hostname(self):
        done = self.run_one("--no-hosts", "--no-hostname", "busybox", "grep", "-E", " /etc/host(s|name) ", "/proc/mounts", code=1)
        self.assertEqual(done.stdout, "")
        self.skiff_fails("create", "--no-hosts", "--add-host", "a:1.2.3.4", "busybox",
                         says="Error: --no-hosts and --add-host cannot be set together")

    def test_hosts_file(self):
        file = self.tmp / "hosts"
        file.write_text("192.0.2.7 from-the-file")
        lines = self.run_one("--hosts-file", file, "--add-host", "added:192.0.2.8", "busybox", "cat", "/etc/hosts").lines
        self.assertEqual(lines[0], "192.0.2.7 from-the-file")
        self.assertIn("192.0.2.8\tadded", lines)
        lines = self.run_one("--hosts-file", "none", "busybox", "cat", "/etc/hosts").lines
        self.assertNotIn("192.0.2.7 from-the-file", lines)

    def test_hosts_file_of_the_image(self):
        """The topmost layer's; one without any, or that a layer has removed, begins with nothing."""
        done = self.run_one("--hosts-file", "image", "busybox", "cat", "/etc/hosts")
        self.assertTrue(done.lines[0].startswith(("127.0.0.1", "192.0.2.9")), str(done))
        tree = self.tmp / "tree.tar"
        with tarfile.open(tree, "w") as tar:
            data = b"192.0.2.9 of-the-image\n"
            member = tarfile.TarInfo("etc/hosts")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
            tar.add(shutil.which("busybox"), "bin/busybox")
        self.skiff("import", "-q", tree, "hosted")
        lines = self.run_one("--hosts-file", "image", "--add-host", "added:192.0.2.8", "hosted", "/bin/busybox", "cat", "/etc/hosts").lines
        self.assertEqual(lines[0], "192.0.2.9 of-the-image")
        self.assertIn("192.0.2.8\tadded", lines)
        lines = self.run_one("hosted", "/bin/busybox", "cat", "/etc/hosts").lines
        self.assertNotIn("192.0.2.9 of-the-image", lines)

    def test_pid_files(self):
        """Written as a whole: who reads meanwhile has the old number or the new one."""
        (self.tmp / "pid").write_text("before")
        old = open(self.tmp / "pid", encoding="ascii")
        self.addCleanup(old.close)
        self.skiff("run", "-d", "--name", "c", "--network", "none", "--pidfile", self.tmp / "pid", "--conmon-pidfile",
                   self.tmp / "monitor", "busybox", "sleep", "100")
        report = self.skiff("inspect", "c").json[0]
        self.assertEqual((self.tmp / "pid").read_text(), str(report["State"]["Pid"]))
        self.assertEqual(old.read(), "before")
        self.assertEqual((self.tmp / "monitor").read_text(), str(report["State"]["ConmonPid"]))
        self.assertEqual((report["PidFile"], report["ConmonPidFile"]), (str(self.tmp / "pid"), str(self.tmp / "monitor")))

    def test_network_addresses_need_a_network(self):
        mode = "Error: --{} can only be set when the network mode is bridge: invalid argument"
        bridge = "Error: invalid config provided: networks and static ip/mac address can only be used with Bridge mode networking"
        for option, value in (("ip", "10.0.0.1"), ("mac-address", "92:d0:c6:0a:29:33"), ("network-alias", "a")):
            self.skiff_fails("create", f"--{option}", value, "busybox", says=bridge)
            self.skiff_fails("create", "--network", "none", f"--{option}", value, "busybox", says=mode.format(option))
        self.skiff_fails("create", "--ip", "10.0.0", "busybox", says='Error: "10.0.0" is not an ip address')
        self.skiff_fails("create", "--mac-address", "xx", "busybox", says="Error: address xx: invalid MAC address")


class Mounts(Base):
    def test_image(self):
        self.run_one("--mount", "type=image,src=busybox,dst=/x", "busybox", "sh", "-c", "test -x /x/bin/busybox && ! touch /x/new")
        self.run_one("--mount", "type=image,src=busybox,dst=/x,rw=true", "busybox", "sh", "-c", "touch /x/new && test -e /x/new")
        self.run_one("--mount", "type=image,src=busybox,dst=/x", "busybox", "test", "!", "-e", "/x/new")
        for more in ([], ["--userns", "keep-id"]):  # not only root of the container looks into it
            self.run_one("--user", "1000", *more, "--mount", "type=image,src=busybox,dst=/x", "busybox", "test", "-x", "/x/bin/busybox")

    def test_image_in_inspect(self):
        self.skiff("create", "--name", "c", "--mount", "type=image,src=busybox,dst=/x", "busybox")
        report = self.skiff("inspect", "c").json[0]
        self.assertEqual(report["Mounts"], [{"Type": "image", "Source": "busybox", "Destination": "/x", "Driver": "", "Mode": "",
                                             "Options": None, "RW": False, "Propagation": ""}])
        self.assertEqual(report["HostConfig"]["Binds"], [])

    def test_image_refusals(self):
        both = "must set source and destination for image volume"
        for value, says in (("type=image,dst=/x", both), ("type=image,src=busybox", both),
                            ("type=image,src=busybox,dst=/x,foo=1", "foo: invalid mount option"),
                            ("type=image,src=busybox,dst=/x,rw=maybe", 'invalid rw value "maybe": invalid mount option')):
            self.skiff_fails("create", "--mount", value, "busybox", says=says)
        self.skiff_fails("create", "--mount", "type=image,src=localhost/absent,dst=/x", "busybox", says="image not known")

    def test_devpts(self):
        self.need_ids()
        done = self.run_one("--mount", "type=devpts,dst=/x,uid=1,gid=2,mode=0600,max=10", "busybox", "grep", " /x ", "/proc/mounts")
        self.assertEqual(done.word.split()[2], "devpts")
        self.assertIn("max=10", done.word)
        self.skiff_fails("create", "--mount", "type=devpts,src=/a,dst=/x", "busybox", says="src: invalid mount option")

    def test_ramfs(self):
        done = self.run_one("--mount", "type=ramfs,dst=/x", "busybox", "sh", "-c", "touch /x/a && grep ' /x ' /proc/mounts")
        self.assertEqual(done.word.split()[2], "ramfs")

    def test_tmpfs_noatime(self):
        done = self.run_one("--mount", "type=tmpfs,dst=/x,noatime", "busybox", "grep", " /x ", "/proc/mounts")
        self.assertIn("noatime", done.word)

    def test_volumes_from(self):
        host = self.tmp / "host"
        host.mkdir()
        self.skiff("create", "--name", "from", "-v", "vol:/vol", "-v", f"{host}:/host", "--tmpfs", "/tmpfs", "busybox")
        self.addCleanup(self.skiff, "volume", "rm", "-f", "vol")
        self.run_one("--volumes-from", "from", "busybox", "sh", "-c", "touch /vol/a /host/b; test ! -e /tmpfs")
        self.assertTrue((host / "b").exists())
        self.run_one("--volumes-from", "from:ro", "busybox", "sh", "-c", "test -e /vol/a && ! touch /host/c")
        done = self.run_one("--volumes-from", "from", "--tmpfs", "/vol", "busybox", "ls", "/vol")
        self.assertEqual(done.stdout, "")

    def test_volumes_from_refusals(self):
        self.skiff("create", "--name", "from", "busybox")
        only = "specified - volumes from another container can only use z,ro,rw options"
        self.skiff_fails("create", "--volumes-from", "from:foo", "busybox", says=f'Error: invalid option "foo" {only}')
        self.skiff_fails("create", "--volumes-from", "from:ro:z", "busybox", says=f'Error: invalid option "ro:z" {only}')
        self.skiff_fails("create", "--volumes-from", "from:ro,rw", "busybox",
                         says="Error: cannot set ro or rw options more than once")
        self.skiff_fails("create", "--volumes-from", "nope", "busybox",
                         says='Error: looking up container "nope" for volumes-from: no container with name or ID "nope" found: '
                              'no such container')
        self.skiff("create", "--name", "c", "--volumes-from", "from:ro", "busybox")
        self.assertEqual(self.skiff("inspect", "c").json[0]["HostConfig"]["VolumesFrom"], ["from:ro"])

    def test_image_volume(self):
        self.skiff("create", "--name", "c", "busybox")
        self.skiff("commit", "-q", "--change", "VOLUME /data", "c", "withvolume")
        self.addCleanup(self.skiff, "rmi", "-f", "withvolume")
        grep = ("withvolume", "grep", " /data ", "/proc/mounts")
        self.assertNotEqual(self.run_one(*grep).word.split()[2], "tmpfs")
        self.assertEqual(self.run_one("--image-volume", "tmpfs", *grep).word.split()[2], "tmpfs")
        self.run_one("--image-volume", "ignore", *grep, code=1)
        self.skiff_fails("create", "--image-volume", "x", "busybox",
                         says='Error: invalid image volume mode "x" required value: bind, tmpfs, ignore')


class Others(Base):
    def test_requires_starts_first(self):
        self.skiff("create", "--name", "first", "--network", "none", "busybox", "sleep", "1000")
        self.skiff("create", "--name", "second", "--network", "none", "--requires", "first", "busybox", "true")
        self.skiff("start", "-a", "second")
        self.assertEqual(self.skiff("inspect", "first", "-f", "{{.State.Status}}").word, "running")
        first = self.skiff("inspect", "first", "-f", "{{.Id}}").word
        self.assertEqual(self.skiff("inspect", "second", "-f", "{{.Dependencies}}").word, f"[{first}]")
        self.skiff_fails("create", "--requires", "nope", "busybox",
                         says='Error: "nope" is not a valid container, cannot be used as a dependency: '
                              'no container with name or ID "nope" found: no such container')

    def test_those_whose_namespaces_are_joined_start_first(self):
        """As what is required: by start and by run, one after the other; one that cannot be started is named."""
        self.skiff("create", "--name", "first", "--network", "none", "busybox", "sleep", "1000")
        self.skiff("create", "--name", "second", "--network", "container:first", "busybox", "sleep", "1000")
        self.skiff("run", "--rm", "--pid", "container:second", "busybox", "true")
        self.assertEqual(self.skiff("ps", "--format", "{{.Names}}", "--sort", "names").lines, ["first", "second"])
        self.skiff("stop", "-t", "0", "second", "first")
        self.skiff("start", "second")
        self.assertEqual(self.skiff("ps", "--format", "{{.Names}}", "--sort", "names").lines, ["first", "second"])
        broken = self.skiff("create", "--name", "broken", "--network", "none", "busybox", "/none").word
        ident = self.skiff("create", "--name", "third", "--network", "container:broken", "busybox", "true").word
        self.skiff_fails("start", "third", code=127, says=f"starting dependency {broken} of container {ident}: ")

    def test_rmi_counts_images_that_are_mounted(self):
        tree = self.tmp / "tree.tar"
        with tarfile.open(tree, "w") as tar:
            tar.addfile(tarfile.TarInfo("file"))
        self.skiff("import", "-q", tree, "mounted")
        ident = self.skiff("create", "--name", "c", "--mount", "type=image,src=mounted,dst=/x", "busybox", "true").word
        self.skiff_fails("rmi", "mounted", code=2,
                         says=f"Error: image used by {ident}: image is in use by a container: consider listing external containers")
        self.skiff("image", "prune", "-af")
        self.skiff("rmi", "-f", "mounted")
        self.assertEqual(self.skiff("container", "exists", "c", check=False).code, 1)

    def test_rm_refuses_while_others_depend(self):
        first = self.skiff("create", "--name", "first", "busybox").word
        second = self.skiff("create", "--name", "second", "--requires", "first", "busybox").word
        third = self.skiff("create", "--name", "third", "--network", "container:second", "busybox").word
        for force in ([], ["-f"]):
            self.skiff_fails("rm", *force, "first",
                             says=f"Error: container {first} has dependent containers which must be removed before it: "
                                  f"{second}: container already exists")
        self.assertEqual(self.skiff("rm", "--depend", "first").lines, [third, second, first])
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")

    def test_rm_all_minds_no_order(self):
        self.skiff("create", "--name", "first", "busybox")
        self.skiff("create", "--name", "second", "--requires", "first", "busybox")
        self.assertEqual(len(self.skiff("rm", "--all").lines), 2)

    def test_rm_after_the_dependent_went(self):
        self.skiff("create", "--name", "first", "busybox")
        self.skiff("create", "--name", "second", "--requires", "first", "busybox")
        self.skiff("rm", "second")
        self.skiff("rm", "first")

    def test_rmi_removes_container_and_image(self):
        self.skiff("tag", "busybox", "other")
        self.skiff("run", "--rmi", "--network", "none", "other", "true")
        self.assertEqual(self.skiff("images", "-q", "other", check=False).stdout, "")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")
        self.skiff("image", "exists", "busybox")

    def test_rmi_leaves_an_image_in_use(self):
        self.skiff("create", "--name", "user", "busybox")
        self.skiff("run", "--rmi", "--network", "none", "busybox", "true")
        self.skiff("image", "exists", "busybox")

    def test_wait_for_states(self):
        self.skiff("create", "--name", "c", "--network", "none", "busybox", "sleep", "100")
        self.assertEqual(self.skiff("wait", "--condition", "created", "c").word, "-1")
        waiting = self.start("wait", "--condition", "running", "--interval", "20ms", "c")
        self.skiff("start", "c")
        self.assertEqual(waiting.wait(20), 0)
        self.skiff_fails("wait", "--condition", "foo", "c", says="Error: unknown container state: foo: invalid argument")
        self.skiff_fails("wait", "--interval", "foo", "c", says='Error: time: invalid duration "foo"')
        self.assertEqual(self.skiff("wait", "--ignore", "nope").word, "-1")


class Descriptors(Base):
    def pass_on(self, *args, text):
        """Run skiff with a pipe as descriptor 3 from which `text` can be read."""
        reader, writer = os.pipe()
        os.write(writer, text.encode())
        os.close(writer)
        process = self.run_with(reader, args)
        os.close(reader)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        return out.decode()

    def run_with(self, reader, args):
        script = f'exec 3<&{reader} {reader}<&-; exec "$@"' if reader != 3 else 'exec "$@"'
        process = subprocess.Popen(["sh", "-c", script, "sh", str(self.program), *self.roots(), *map(str, args)],
                                   pass_fds=(reader,), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=self.home, env=self.environment())
        self.addCleanup(self.end, process)
        return process

    def test_run(self):
        self.assertEqual(self.pass_on("run", "--rm", "--network", "none", "--preserve-fds", "1", "busybox", "cat", "/proc/self/fd/3",
                                      text="through run"), "through run")

    def test_exec(self):
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sleep", "100")
        self.assertEqual(self.pass_on("exec", "--preserve-fds", "1", "c", "cat", "/proc/self/fd/3", text="through exec"),
                         "through exec")

    def test_the_monitor_lets_go(self):
        reader, writer = os.pipe()
        process = self.run_with(writer, ("run", "-d", "--name", "c", "--network", "none", "--preserve-fds", "1", "busybox",
                                         "sh", "-c", "echo hello >&3; exec 3>&-; sleep 100"))
        os.close(writer)
        process.communicate(timeout=60)
        begin = time.monotonic()
        with os.fdopen(reader) as stream:
            self.assertEqual(stream.read(), "hello\n")
        self.assertLess(time.monotonic() - begin, 20)

    def test_without_one_nothing_more_is_open(self):
        done = self.run_one("busybox", "sh", "-c", "ls /proc/$$/fd; true")
        self.assertEqual(done.stdout.split(), ["0", "1", "2"])

    def test_missing(self):
        says = "Error: file descriptor 3 is not available - the preserve-fds option requires that file descriptors must be passed"
        self.skiff_fails("run", "--preserve-fds", "2", "busybox", "true", says=says)
        self.skiff_fails("run", "--preserve-fds", "x", "busybox", "true",
                         says='Error: invalid argument "x" for "--preserve-fds" flag: strconv.ParseUint: parsing "x": '
                              'invalid syntax')

    def test_exec_by_cidfile(self):
        self.skiff("run", "-d", "--cidfile", self.tmp / "cid", "--network", "none", "busybox", "sleep", "100")
        self.assertEqual(self.skiff("exec", "--cidfile", self.tmp / "cid", "echo", "there").word, "there")
        self.skiff_fails("exec", "--cidfile", self.tmp / "nope", "true", says="Error: reading CIDFile: open")


class VolumeOptions(Base):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.skiff, "volume", "rm", "-fa")

    def test_bind(self):
        host = self.tmp / "device"
        host.mkdir()
        (host / "file").write_text("hello")
        self.skiff("volume", "create", "-o", "type=none", "-o", "o=bind,ro", "-o", f"device={host}", "v")
        self.run_one("-v", "v:/v", "busybox", "sh", "-c", "test -e /v/file && ! touch /v/new")
        self.skiff("volume", "create", "-o", "type=bind", "-o", f"device={host}", "w")
        self.run_one("-v", "w:/v", "busybox", "touch", "/v/new")
        self.assertTrue((host / "new").exists())

    def test_tmpfs_is_shared_and_goes_with_the_last(self):
        self.skiff("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=2M,noexec", "v")
        self.skiff("run", "-d", "--name", "c", "--network", "none", "-v", "v:/v", "busybox", "sh", "-c",
                   "echo hello > /v/f; sleep 100")
        wait_for(lambda: self.run_one("-v", "v:/other", "busybox", "cat", "/other/f", check=False).word == "hello")
        mount = self.run_one("-v", "v:/v", "busybox", "grep", " /v ", "/proc/mounts").word
        self.assertIn("size=2048k", mount)
        self.assertIn("noexec", mount)
        self.skiff("rm", "-f", "-t", "0", "c")
        self.assertEqual(self.run_one("-v", "v:/v", "busybox", "ls", "/v").stdout, "")

    def test_tmpfs_of_a_container_that_puts_a_link_in_its_place(self):
        """What is mounted moves along with its directory; the link would lead to the host's files."""
        (self.tmp / "mine").mkdir()
        (self.tmp / "mine/stolen").touch()
        self.skiff("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "v")
        self.skiff("run", "-d", "--name", "c", "--network", "none", "-v", "v:/a/data", "busybox", "sh", "-c",
                   f"mv /a /b && mkdir /a && ln -s {self.tmp}/mine /a/data && echo moved; sleep 100")
        wait_for(lambda: self.skiff("logs", "c").stdout == "moved\n", 60, message="the directory to be moved")
        done = self.run_one("-v", "v:/x", "busybox", "ls", "/x", check=False)
        self.assertNotIn("stolen", done.stdout)
        self.assertNotEqual(done.code, 0)
        self.skiff("rm", "-f", "-t", "0", "c")

    def test_owner(self):
        self.need_ids()
        self.skiff("volume", "create", "-o", "o=uid=5,gid=6", "a")
        self.skiff("volume", "create", "--uid", "7", "--gid", "8", "b")
        done = self.run_one("--user", "1", "-v", "a:/a", "-v", "b:/etc", "busybox", "stat", "-c", "%u %g", "/a", "/etc")
        self.assertEqual(done.lines, ["5 6", "7 8"])
        report = self.skiff("volume", "inspect", "a").json[0]
        self.assertEqual((report["UID"], report["GID"], report["Options"]), (5, 6, {"UID": "5", "GID": "6", "o": "uid=5,gid=6"}))

    def test_nocopy(self):
        self.skiff("volume", "create", "-o", "o=nocopy", "v")
        self.assertEqual(self.run_one("-v", "v:/bin2", "-v", "v:/etc", "busybox", "true", code=0).stdout, "")
        self.assertEqual(self.run_one("-v", "v:/v", "busybox", "sh", "-c", "ls /v | grep passwd; true").stdout, "")

    def test_image(self):
        """A volume that begins with what an image has, owners and modes too; all containers share what is written."""
        other = "5:6" if sub_ids() != 0 else "0:0"
        self.skiff("run", "--name", "c", "--network", "none", "busybox", "sh", "-c",
                   f"mkdir -m 1771 /own; echo x > /own/f; chown {other} /own /own/f; chmod 4751 /own/f; ln -s f /own/l; rm /etc/passwd")
        self.skiff("commit", "-q", "c", "made")
        self.skiff("rm", "c")
        self.skiff("volume", "create", "--driver", "image", "--opt", "image=made", "v")
        self.skiff("rmi", "-f", "made")
        look = "stat -c '%a %u:%g' /v/own /v/own/f; readlink /v/own/l; test -e /v/etc/passwd || echo gone; stat -c %u /v"
        mine = [f"1771 {other}", f"4751 {other}", "f", "gone", "0"]
        self.assertEqual(self.run_one("--user", "1" if sub_ids() != 0 else "0", "-v", "v:/v", "busybox", "sh", "-c", look).lines, mine)
        self.run_one("-v", "v:/v", "busybox", "sh", "-c", "echo mine > /v/new", code=0)
        self.assertEqual(self.run_one("-v", "v:/v", "busybox", "cat", "/v/new").word, "mine")
        shown = self.skiff("volume", "inspect", "v").json[0]
        self.assertEqual((shown["Driver"], shown["Options"]), ("image", {"image": "made"}))
        self.skiff("volume", "rm", "v")
        for words, says in (([], "must provide an image name when creating a volume with the image driver: invalid argument"),
                            (["-o", "image=made"], "looking up image made to create volume failed: made: image not known"),
                            (["-o", "image=busybox", "-o", "x=y"], "invalid mount option x for driver 'image': invalid argument")):
            self.skiff_fails("volume", "create", "-d", "image", *words, "v", says=says)
        self.assertEqual(self.skiff("volume", "ls", "-q").stdout, "")

    def test_refusals_in_podmans_words(self):
        for args, says in (
                (["-o", "foo=bar"], "Error: invalid mount option foo for driver 'local': invalid argument"),
                (["-o", "type=bind", "-o", "device=/nope"],
                 "Error: invalid volume option device for driver 'local': stat /nope: no such file or directory"),
                (["-o", "o=uid=x"], 'Error: cannot convert UID x to integer: strconv.Atoi: parsing "x": invalid syntax'),
                (["-o", "o=size=1G"],
                 "Error: volume options size and inodes not supported. Filesystem does not support Project Quota"),
                (["-o", "type=tmpfs", "-o", "o=upperdir=/etc"], "Error: invalid mount option upperdir=/etc"),
                (["-d", "nope"], "Error: volume v uses volume plugin nope but it could not be retrieved: no volume plugin with "
                                 "name nope available: required plugin missing")):
            with self.subTest(args):
                self.skiff_fails("volume", "create", *args, "v", says=says)
        self.assertEqual(self.skiff("volume", "ls", "-q").stdout, "")

    def test_what_needs_root_is_refused_at_the_start(self):
        self.skiff("volume", "create", "-o", "type=xfs", "-o", "device=/dev/sda1", "v")
        self.skiff_fails("run", "--rm", "-v", "v:/v", "busybox", "true", says="must be superuser to use mount")

    def test_ignore_and_filters(self):
        self.skiff("volume", "create", "-o", "type=tmpfs", "--label", "a=b", "v")
        self.skiff("volume", "create", "--ignore", "v")
        self.skiff("volume", "create", "w")
        names = ("volume", "ls", "-q", "--filter")
        self.assertEqual(self.skiff(*names, "opt=type").lines, ["v"])
        self.assertEqual(self.skiff(*names, "opt=type=tmpfs").lines, ["v"])
        self.assertEqual(self.skiff(*names, "label!=a").lines, ["w"])
        self.assertEqual(self.skiff(*names, "until=1h").lines, [])
        self.assertEqual(self.skiff(*names, "since=1h").lines, ["v", "w"])
        self.skiff_fails("volume", "ls", "--filter", "foo=bar", says='Error: "foo" is an invalid volume filter')


class Cdi(Base):
    SPEC = {
        "cdiVersion": "0.6.0", "kind": "example.org/thing",
        "containerEdits": {"env": ["FILE_WIDE=yes"]},
        "devices": [
            {"name": "one", "containerEdits": {
                "env": ["ONE=1"], "deviceNodes": [{"path": "/dev/thing", "hostPath": "/dev/zero"}]}},
            {"name": "bad", "containerEdits": {"mounts": [{"hostPath": "/etc"}]}},
        ],
    }

    def setUp(self):
        super().setUp()
        self.dir = self.home / ".config/cdi"
        self.dir.mkdir(parents=True, exist_ok=True)
        spec = dict(self.SPEC)
        self.data = self.tmp / "data"
        self.data.mkdir(exist_ok=True)
        (self.data / "file").write_text("from the host")
        spec["devices"] = spec["devices"] + [{"name": "mount", "containerEdits": {"mounts": [
            {"hostPath": str(self.data), "containerPath": "/data", "options": ["ro", "nosuid", "nodev", "bind"]}]}}]
        (self.dir / "thing.json").write_text(json.dumps(spec))
        self.addCleanup((self.dir / "thing.json").unlink)

    def test_device(self):
        done = self.run_one("--device", "example.org/thing=one", "busybox", "sh", "-c", "echo $ONE $FILE_WIDE; test -c /dev/thing")
        self.assertEqual(done.word, "1 yes")

    def test_mount(self):
        self.run_one("--device", "example.org/thing=mount", "busybox", "sh", "-c", "cat /data/file && ! touch /data/new")

    def test_unknown_is_told_at_the_start(self):
        says = "Error: setting up CDI devices: unresolvable CDI devices "
        self.skiff("create", "--name", "c", "--network", "none", "--device", "example.org/thing=two", "busybox", "true")
        self.skiff_fails("start", "c", says=says + "example.org/thing=two")
        self.skiff_fails("run", "--rm", "--network", "none", "--gpus", "all", "busybox", "true", says=says + "nvidia.com/gpu=all")

    def test_broken_edits_and_names(self):
        self.skiff_fails("run", "--rm", "--network", "none", "--device", "example.org/thing=bad", "busybox", "true",
                         says="Error: CDI device example.org/thing=bad: a mount has no path")
        for name in ("example.org/thing=", "../x=y", "-a/b=c"):
            self.skiff_fails("create", "--device", name, "busybox", says="invalid device specification")

    def put(self, name, text):
        path = self.dir / name
        path.write_text(text)
        self.addCleanup(path.unlink)

    def test_yaml(self):
        self.put("yaml.yaml", """# as nvidia-ctk writes it
cdiVersion: "0.6.0"
kind: example.org/yaml
containerEdits:
  env: [WIDE=1]
devices:
- name: "0"
  containerEdits: &edits
    env:
    - NUMBER=0
    deviceNodes:
    - {path: /dev/thing, hostPath: /dev/zero}
- name: all
  containerEdits: *edits
""")
        for name in ("0", "all"):
            done = self.run_one("--device", f"example.org/yaml={name}", "busybox", "sh", "-c", "echo $WIDE $NUMBER; test -c /dev/thing")
            self.assertEqual((done.word, done.stderr), ("1 0", ""))

    def test_gids(self):
        self.need_ids()
        self.put("gids.json", json.dumps({"kind": "example.org/gids", "devices": [
            {"name": "one", "containerEdits": {"additionalGids": [0, 44]}}]}))
        done = self.run_one("-u", "5:5", "--group-add", "45", "--device", "example.org/gids=one", "busybox", "id", "-G")
        self.assertEqual(done.lines, ["5 44 45"])

    def test_broken_yaml_is_told_and_left_out(self):
        bomb = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]\n" for i in range(10))
        for text, says in (("kind: [", "not valid YAML"), ("kind: a\nkind: b\n", "already defined"), ("- x\n", "kind"),
                           ("--- {kind: a/b}\n--- {kind: a/b}\n", "2 documents"), ("", "0 documents"), (bomb, "too many values")):
            with self.subTest(says):
                (self.dir / "broken.yaml").write_text(text)
                done = self.run_one("--device", "example.org/thing=one", "busybox", "sh", "-c", "echo $ONE")
                (self.dir / "broken.yaml").unlink()
                self.assertEqual(done.word, "1")
                self.assertIn("broken.yaml: ", done.stderr)
                self.assertIn(says, done.stderr)

    def test_hooks_and_unknown_edits_are_refused(self):
        for edits, says in (
                ({"hooks": [{"hookName": "createContainer", "path": "/usr/bin/true"}]},
                 "its createContainer hook /usr/bin/true cannot be run: hooks work on an OCI bundle, and skiff makes none"),
                ({"intelRdt": {}}, "what 'intelRdt' asks for is not supported"),
                ({"additionalGids": ["x"]}, "additionalGids[0] is no group id")):
            spec = {"cdiVersion": "0.6.0", "kind": "example.org/hook", "devices": [{"name": "one", "containerEdits": edits}]}
            (self.dir / "hook.json").write_text(json.dumps(spec))
            self.skiff_fails("run", "--rm", "--network", "none", "--device", "example.org/hook=one", "busybox", "true",
                             says=f"Error: CDI device example.org/hook=one: {says}")
            (self.dir / "hook.json").unlink()

    def test_directories_of_containers_conf(self):
        """cdi_spec_dirs stands in the place of the usual directories."""
        place, conf = self.tmp / "specs", self.tmp / "cdi.conf"
        place.mkdir()
        (place / "x.json").write_text(json.dumps({"kind": "example.org/else", "devices": [
            {"name": "one", "containerEdits": {"env": ["ELSE=1"]}}]}))
        conf.write_text(f'[engine]\ncdi_spec_dirs = ["/nowhere", "{place}"]\n')
        env = {"CONTAINERS_CONF": str(conf)}
        done = self.run_one("--device", "example.org/else=one", "busybox", "sh", "-c", "echo $ELSE", env=env)
        self.assertEqual(done.word, "1")
        self.skiff_fails("run", "--rm", "--network", "none", "--device", "example.org/thing=one", "busybox", "true", env=env,
                         says="unresolvable CDI devices example.org/thing=one")

    def test_modules_of_containers_conf(self):
        """--module, what a quadlet's ContainersConfModule= becomes: over the other files, for run and build."""
        place = self.home / ".config/containers/containers.conf.modules"
        if os.geteuid() == 0:
            place = self.tmp / "modules"
        place.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, place)
        module = place / "m.conf"
        module.write_text('[containers]\nenv = ["FROM_MODULE=1"]\n')
        name = module if os.geteuid() == 0 else "m.conf"
        say = ["run", "--rm", "--network", "none", "busybox", "sh", "-c", "echo $FROM_MODULE"]
        self.assertEqual(self.skiff("--module", name, *say).word, "1")
        self.assertEqual(self.skiff(*say).stdout, "\n")
        self.skiff_fails("--module", "/none.conf", *say, says='could not resolve module "/none.conf"')
        self.skiff_fails("--module", "/none.conf", "ps", says='could not resolve module "/none.conf"')

    def test_gpus_find_their_vendor(self):
        spec = {"cdiVersion": "0.6.0", "kind": "amd.com/gpu", "devices": [{"name": "all", "containerEdits": {"env": ["GPU=amd"]}}]}
        (self.dir / "amd.json").write_text(json.dumps(spec))
        self.addCleanup((self.dir / "amd.json").unlink)
        self.assertEqual(self.run_one("--gpus", "all", "busybox", "sh", "-c", "echo $GPU").word, "amd")
