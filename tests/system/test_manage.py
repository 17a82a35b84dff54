# SPDX-License-Identifier: Apache-2.0
"""Looking after what is there: rename, container prune, volume prune, volume export
and import, export."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import unittest

from tests.support.skiff import SkiffTest, sub_ids, wait_for


class Rename(SkiffTest):
    images = ["busybox"]

    def store(self):
        return self.state_directories()["store/names"].parent

    def names(self):
        return sorted(name for name in os.listdir(self.store() / "names") if not name.startswith("."))

    def create(self, name):
        return self.skiff("create", "--name", name, "busybox", "true").word

    def test_stopped_and_running(self):
        made = self.create("made")
        up = self.skiff("run", "-d", "--name", "up", "busybox", "sleep", "1000").word
        self.assertEqual(self.skiff("rename", "made", "made2").stdout, "")
        self.skiff("container", "rename", up[:12], "up2")
        self.assertEqual(self.names(), ["made2", "up2"])
        self.assertEqual(sorted(self.skiff("ps", "-a", "--format", "{{.Names}} {{.State}}").lines),
                         ["made2 created", "up2 running"])
        self.assertEqual(self.skiff("inspect", "--format", "{{.Id}}", "made2", "up2").lines, [made, up])
        self.skiff_fails("inspect", "up")
        self.assertEqual(self.skiff("exec", "up2", "echo", "hi").stdout, "hi\n")
        # The old name is free, and the new one survives the end of the container.
        self.create("up")
        self.skiff("stop", "-t", "0", "up2")
        self.assertEqual(self.skiff("inspect", "--format", "{{.Id}} {{.State.Status}}", "up2").word, f"{up} exited")
        self.skiff("start", "up2")
        self.skiff("rm", "-f", "-t", "0", "up2")
        self.assertEqual(self.names(), ["made2", "up"])

    def test_names_that_cannot_be_had(self):
        one, two = self.create("one"), self.create("two")
        self.skiff_fails("rename", "one", "two", says=f"renaming container {one}: name two already in use, cannot "
                         f"rename container {one}: container already exists")
        self.skiff_fails("rename", "one", "a b", says="names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument")
        self.skiff_fails("rename", "none", "x", says='no container with name or ID "none" found: no such container')
        self.skiff_fails("rename", "one", says="accepts 2 arg(s), received 1")
        self.skiff("rename", "one", "one")
        self.assertEqual(self.names(), ["one", "two"])
        self.skiff("rm", two)
        self.skiff("rename", "one", "two")
        self.assertEqual(self.names(), ["two"])

    def test_killed_between_two_steps(self):
        """Every state that a killed rename leaves: both names lead to the container, a second try settles it."""
        names = self.store() / "names"
        ident = self.create("old")
        os.symlink(ident, names / "new")
        for name in ("old", "new"):
            self.assertEqual(self.skiff("inspect", "--format", "{{.Id}} {{.Name}}", name).word, f"{ident} old")
        self.skiff_fails("create", "--name", "new", "-v", "/anon", "busybox", "true", says="already in use")
        self.assertEqual(self.skiff("volume", "ls", "-q").stdout, "", "what was made for it has gone")
        self.skiff("rename", "new", "new")
        self.assertEqual(self.names(), ["new"])
        # The record is written, the old link is still there: the first command after a boot drops it.
        os.symlink(ident, names / "old")
        self.assertEqual(self.skiff("inspect", "--format", "{{.Name}}", "old").word, "new")
        os.unlink(self.state_directories()["runtime"] / "healed")
        self.skiff("rm", "-f", "-i", "absent")
        self.assertEqual(self.names(), ["new"])

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_killed_anywhere_and_removed(self):
        """SIGKILL at each call that changes links or records, then rm by id: no name is left."""
        env = self.environment()
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # it needs ptrace for itself
        for call in ("symlinkat", "unlinkat", "renameat", "fsync"):
            for point in range(1, 100):
                ident = self.create("old")
                strace = ["strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={point}"]
                ended = subprocess.run([*strace, str(self.program), *self.roots(), "rename", "old", "new"], env=env,
                                       stdin=subprocess.DEVNULL, check=False)
                self.skiff("rm", ident)
                with self.subTest(call, point=point):
                    self.assertEqual(self.names(), [])
                if ended.returncode == 0:
                    break
            self.assertEqual(ended.returncode, 0)
            self.assertGreater(point, 1, f"no {call} was seen")

    def test_replace_is_by_name_alone(self):
        """Not by the beginning of an id."""
        ident = self.create("kept")
        self.skiff("create", "--replace", "--name", ident[:4], "busybox", "true")
        self.assertEqual(self.names(), sorted(["kept", ident[:4]]))
        self.skiff("create", "--replace", "--name", "kept", "busybox", "true")
        self.assertEqual(self.skiff("container", "exists", ident, check=False).code, 1)

    def test_rm_of_who_may_be_gone_is_by_name(self):
        """A unit's `rm -f -i db` behind its container's end takes no other one whose id begins with db."""
        ident = self.create("kept")
        for word in (ident[:2], ident[:11]):
            self.skiff("rm", "-f", "-i", word)
            self.assertEqual(self.names(), ["kept"])
        self.skiff("rm", "-f", "-i", ident[:12])
        self.assertEqual(self.names(), [])
        ident = self.create("kept")
        self.skiff("rm", "-f", ident[:2])
        self.assertEqual(self.names(), [])


class Prune(SkiffTest):
    images = ["busybox"]

    def test_containers(self):
        made = self.skiff("create", "--name", "made", "--label", "keep=yes", "busybox", "true").word
        self.skiff("run", "--name", "done", "busybox", "true")
        done = self.skiff("inspect", "--format", "{{.Id}}", "done").word
        self.skiff("run", "-d", "--name", "up", "busybox", "sleep", "1000")
        self.skiff_fails("container", "prune", "-f", "--filter", "foo=bar", says="foo is an invalid filter")
        asked = self.skiff("container", "prune", input="n\n")
        self.assertEqual(asked.stdout, "WARNING! This will remove all non running containers.\n"
                         "Are you sure you want to continue? [y/N] ")
        self.assertEqual(self.skiff("container", "prune", "-f", "--filter", "until=1h").lines, [])
        self.assertEqual(self.skiff("container", "prune", "-f", "--filter", "label!=keep").lines, [done])
        self.assertEqual(self.skiff("container", "prune", input="y\n").lines[-1][-64:], made)
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Names}}").lines, ["up"])

    def test_volumes(self):
        self.addCleanup(self.skiff, "volume", "rm", "--all", "-f")
        self.skiff("volume", "create", "named")
        self.skiff("volume", "create", "--label", "a=b", "labelled")
        self.skiff("run", "--name", "c", "-v", "/anonymous", "-v", "used:/data", "busybox", "true")
        anonymous = [name for name in self.skiff("volume", "ls", "-q").lines if len(name) == 64]
        self.assertEqual(self.skiff("volume", "prune", "-f").lines, [])
        self.skiff("rm", "c")
        self.assertEqual(self.skiff("volume", "prune", "--dry-run").lines, anonymous)
        asked = self.skiff("volume", "prune", input="\n").stdout
        self.assertIn(f"The following volumes will be removed:\n{anonymous[0]}\n", asked)
        self.assertEqual(self.skiff("volume", "prune", "-f").lines, anonymous)
        self.assertEqual(self.skiff("volume", "prune").stdout, "No dangling volumes found\n")
        self.assertEqual(self.skiff("volume", "prune", "-af", "--filter", "label=a").lines, ["labelled"])
        self.assertEqual(self.skiff("volume", "prune", "-af").lines, ["named", "used"])


class VolumeArchives(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.addCleanup(self.skiff, "volume", "rm", "--all", "-f")

    def test_round_trip(self):
        owner = "" if sub_ids() == 0 else "chown 5:6 /v/file; "
        self.skiff("run", "--rm", "-v", "one:/v", "busybox", "sh", "-c",
                   f"mkdir -p /v/dir/sub; echo hi > /v/file; {owner}chmod 4751 /v/file; ln -s file /v/link; ln /v/file /v/dir/hard")
        self.skiff("volume", "create", "two")
        file = self.base / "one.tar"
        self.skiff("volume", "export", "-o", file, "one")
        piped = self.skiff("volume", "export", "one").stdout_bytes
        self.assertEqual(piped, file.read_bytes())
        self.skiff("volume", "import", "two", "-", input=gzip.compress(piped))
        self.skiff("volume", "import", "two", file)
        look = ["run", "--rm", "-v", "two:/v", "busybox", "sh", "-c",
                "cd /v; find . | sort; cat file; readlink link; stat -c %u:%g:%a:%h file"]
        expected = ".\n./dir\n./dir/hard\n./dir/sub\n./file\n./link\nhi\nfile\n"
        self.assertEqual(self.skiff(*look).stdout, expected + ("0:0" if sub_ids() == 0 else "5:6") + ":4751:2\n")
        self.assertEqual(self.skiff("volume", "export", "two").stdout_bytes, piped)

    def test_refusals(self):
        self.skiff("volume", "create", "v")
        self.skiff_fails("volume", "export", "none", says="Error: no such volume none")
        self.skiff_fails("volume", "import", "none", "x", says='Error: no such volume none')
        self.skiff_fails("volume", "import", "v", "absent.tar", says="open absent.tar: no such file or directory")
        self.skiff_fails("volume", "import", "v", "-", input=b"no archive" * 100, says="tar")
        self.skiff_fails("volume", "export", "-o", "/no/such/file", "v", says="open /no/such/file")
        terminal = self.tty("volume", "export", "v")
        terminal.expect("refusing to export to terminal. Use -o flag or redirect")
        self.assertEqual(terminal.wait(), 125)


class Export(SkiffTest):
    images = ["busybox"]

    def export(self, name):
        data = self.skiff("export", name).stdout_bytes
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return {m.name: m for m in tar.getmembers()}

    def test_running_and_stopped(self):
        """The root file system alone: mounts are empty places."""
        self.addCleanup(self.skiff, "volume", "rm", "--all", "-f")
        self.skiff("run", "-d", "--name", "c", "-v", "vol:/tmp", "--tmpfs", "/mem", "busybox", "sh", "-c",
                   "echo new > /made; echo secret > /tmp/in-volume; echo > /mem/x; rm /etc/os-release; sleep 1000")
        wait_for(lambda: self.skiff("exec", "c", "test", "!", "-e", "/etc/os-release", check=False).code == 0)
        running = self.export("c")
        self.skiff("stop", "-t", "0", "c")
        stopped = self.export("c")
        self.assertEqual(sorted(running), sorted(stopped))
        for members in (running, stopped):
            self.assertLessEqual({"made", "bin/busybox", "etc/passwd", "tmp", "proc", "dev", "mem"}, set(members))
            self.assertFalse({"etc/os-release", "tmp/in-volume", "mem/x"} & set(members))
            self.assertFalse([name for name in members if name.startswith(("proc/", "sys/", "dev/"))])
        file = self.base / "c.tar"
        self.skiff("export", "--output", file, "c")
        self.skiff("import", file, "again")
        self.assertEqual(self.skiff("run", "--rm", "again", "/bin/cat", "/made").stdout, "new\n")
        self.skiff("rmi", "-f", "again")

    def test_refusals(self):
        self.skiff("create", "--name", "c", "busybox", "true")
        self.skiff_fails("export", "none", says='no container with name or ID "none" found: no such container')
        terminal = self.tty("export", "c")
        terminal.expect("refusing to export to terminal. Use -o flag or redirect")
        self.assertEqual(terminal.wait(), 125)
