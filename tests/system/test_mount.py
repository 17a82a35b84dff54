# SPDX-License-Identifier: Apache-2.0
"""mount and unmount of containers' roots."""

import json
import os
import signal

from tests.support.skiff import SkiffTest, wait_for

FOREVER = ["busybox", "sleep", "1000"]


class Mount(SkiffTest):
    images = ["busybox"]

    def unshared(self, script, **options):
        """A script where mounting is allowed."""
        if os.geteuid() == 0:
            self.skipTest("of users: root mounts where it is")
        return self.skiff("unshare", "sh", "-ec", script, **options)

    def test_created(self):
        """What is written there the container has; mounting twice is one mount."""
        done = self.skiff("create", "--name", "c", "busybox", "cat", "/new")
        lines = self.unshared("path=$(skiff mount c); echo written > $path/new; skiff mount c; skiff mount; skiff mount --no-trunc;"
                              "skiff container unmount c; ls $path 2>&1 || true; skiff umount c; skiff mount").lines
        path = lines[0]
        self.assertRegex(path, rf"/skiff/mounts/\d+-{done.word}$")
        self.assertEqual(lines[1:4], [f"{done.word[:12]}  {path}", f"{done.word}  {path}", "c"])
        self.assertIn("No such file or directory", lines[4])
        self.assertEqual(lines[5:], ["c"])
        self.assertEqual(self.skiff("start", "-a", "c").stdout, "written\n")

    def test_running(self):
        """The mount of one that runs is the container's own: changes are seen on both sides."""
        self.skiff("run", "-d", "--name", "c", *FOREVER)
        lines = self.unshared("path=$(skiff mount c); touch $path/outside; skiff exec c touch /inside; ls $path/inside;"
                              "skiff exec c ls /outside; skiff umount c").lines
        self.assertEqual([os.path.basename(line) for line in lines], ["inside", "outside", "c"])
        self.assertEqual(self.skiff("exec", "c", "true").code, 0)

    def test_json_and_all(self):
        """The list as JSON; --all names what it unmounts."""
        ids = [self.skiff("create", "--name", name, *FOREVER).word for name in ("a", "b")]
        done = self.unshared("skiff mount --all; skiff mount --format json; skiff unmount --all; skiff unmount --all; skiff mount")
        paths, _, rest = done.stdout.partition("[")
        text, _, rest = rest.rpartition("]")
        mounts = json.loads(f"[{text}]")
        self.assertEqual([path[-64:] for path in paths.split()], ids)
        self.assertEqual({mount["id"]: mount["Names"] for mount in mounts}, {ids[0]: ["a"], ids[1]: ["b"]})
        self.assertEqual(sorted(mount["mountpoint"] for mount in mounts), sorted(paths.split()))
        self.assertEqual(rest.split(), ids)

    def test_not_started_meanwhile(self):
        """Two overlays on one layer may not be: who is mounted is not started, here or elsewhere."""
        self.skiff("create", "--name", "c", *FOREVER)
        holder = self.start("unshare", "sh", "-c", "skiff mount c; read line; skiff umount c; skiff start c", stdin=-1)
        path = holder.stdout.readline().decode().strip()
        self.assertTrue(path)
        self.skiff_fails("start", "c", says="is mounted: container state improper")
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.read().decode().split(), ["c", "c"])
        holder.wait()
        self.assertEqual(self.skiff("exec", "c", "true").code, 0)

    def test_ends_with_its_namespace(self):
        """Killed, nothing keeps the container from starting; removed, it goes from where it is mounted."""
        self.skiff("create", "--name", "c", *FOREVER)
        holder = self.start("unshare", "sh", "-c", "echo $$; skiff mount c; exec sleep 1000", stdin=-1)
        pid = int(holder.stdout.readline())
        self.assertTrue(holder.stdout.readline())
        os.kill(pid, signal.SIGKILL)
        holder.wait()
        wait_for(lambda: self.skiff("start", "c", check=False).code == 0, 5)
        self.skiff("rm", "-f", "-t", "0", "c")
        self.skiff("create", "--name", "d", *FOREVER)
        holder = self.start("unshare", "sh", "-c", "p=$(skiff mount d); echo $p; read line; ls $p", stdin=-1)
        path = holder.stdout.readline().decode().strip()
        self.skiff("rm", "d")
        self.assertFalse(os.path.exists(path))
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.read(), b"")
        holder.wait()

    def test_refused(self):
        """podman's words."""
        self.skiff("create", "--name", "c", *FOREVER)
        if os.geteuid() != 0:
            for args in (["mount", "c"], ["mount", "--all"], ["container", "mount", "c"], ["mount", "nobody"]):
                verb = " ".join(args[:-1])
                self.skiff_fails(*args, says=f'cannot run command "skiff {verb}" in rootless mode, must execute `skiff unshare` first')
        self.assertEqual(self.skiff("mount").stdout, "")
        self.skiff_fails("mount", "--format", "x", says='unknown --format argument: "x"')
        self.skiff_fails("mount", "--all", "c", says="no arguments are needed with --all")
        self.skiff_fails("unmount", says="you must provide at least one name or id")
        self.skiff_fails("unmount", "nobody", says='no container with name or ID "nobody" found: no such container')
        self.assertEqual(self.skiff("unmount", "c").word, "c")
