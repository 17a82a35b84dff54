# SPDX-License-Identifier: Apache-2.0
"""Containers that exchange a directory for a link, all the time, while another one starts over it or its files are read.

The numbers are CVEs. With tests/system/run.py --soak each runs its full count (THREAT_MODEL.md), else as many
rounds as show the test red without its defence.
"""

import io
import os
import shutil
import subprocess
import tarfile
import unittest

from tests.support.skiff import SOAK, wait_for
from tests.system.test_runtime_incidents import HERE, IncidentTest


class RaceTest(IncidentTest):
    def setUp(self):
        super().setUp()
        compiler = shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler for the flipper")
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-o", self.root / "flipper", HERE / "copy_flipper.c"],
                       check=True)
        self.shared = self.place / "shared"
        self.shared.mkdir()
        self.shared.chmod(0o777)
        self.flippers = []

    def flip(self, first, second, *options):
        """A container that exchanges two names of the shared directory; returns once it has begun."""
        name = f"flipper{len(self.flippers)}"
        self.flippers.append(name)
        (self.shared / f"count-{name}").touch(0o666)
        mount = options or ("-v", f"{self.shared}:/shared")
        self.addCleanup(self.skiff, "rm", "-f", "-t", "0", name)
        self.skiff("run", "-d", "--name", name, "--network", "none", *mount, "--rootfs", self.root, "/flipper",
                   f"/shared/{first}", f"/shared/{second}", f"/shared/count-{name}")

    def swaps(self):
        """How often all have done it, at least."""
        counts = [(self.shared / f"count-{name}").read_text().strip() for name in self.flippers]
        return min(int(count or 0) for count in counts)

    def rounds(self, bounded, full, swaps=1000):
        """So many numbers, and more until the flippers have done their share."""
        wait_for(self.swaps, 60, message="the flippers")
        first, number = self.swaps(), 0
        while number < (full if SOAK else bounded) or self.swaps() - first < (1000000 if SOAK else swaps):
            yield number
            number += 1
        print(f"# {self._testMethodName}: {number} rounds, {self.swaps() - first} swaps")


class Starts(RaceTest):
    def fake(self):
        """What a procfs would hold, as a directory that anybody may write."""
        fake = self.place / "fake"
        for path, text in (("ipv4/ip_default_ttl", "fake"), ("oom_score_adj", "fake"), ("attr/exec", "fake"), ("mountinfo", "fake")):
            (fake / path).parent.mkdir(parents=True, exist_ok=True)
            (fake / path).write_text(text)
            (fake / path).chmod(0o666)
        return fake

    def test_2025_52881_mounts_led_into_proc(self):
        """Links to /proc and a directory change places where another container has a mount: what init writes there and
        what is read from there is the kernel's. Red when mounts.c:check_target() lets mounts below /proc, or
        attach_entry() looks a target up again that it has checked.
        """
        fake, count = self.fake(), 0
        for number, target in enumerate(("/proc/sys/net", "/proc/self", "/proc")):
            (self.shared / f"dir{number}").mkdir()
            (self.shared / f"link{number}").symlink_to(target)
        for number in range(2):
            self.flip(f"dir{number}", f"link{number}")
        landed = refused = 0
        for count in self.rounds(60, 2000):
            done = self.skiff("run", "--rm", "--network", "none", "-v", f"{self.shared}:/shared", "-v", f"{fake}:/shared/dir{count % 2}",
                              "--sysctl", "net.ipv4.ip_default_ttl=77", "--oom-score-adj", "900", "--rootfs", self.root, "cat",
                              "/proc/sys/net/ipv4/ip_default_ttl", "/proc/1/oom_score_adj", "/proc/1/mountinfo", check=False)
            landed, refused = landed + (done.code == 0), refused + (done.code == 125)
            if done.code:
                self.assertEqual((done.code, done.stdout), (125, ""), str(done))
                continue
            self.assertEqual(done.lines[:2], ["77", "900"])
            places = [line.split() for line in done.lines[2:]]
            self.assertEqual([fields[4] for fields in places if fields[4].startswith("/proc") and str(fake) in fields[3]], [])
        self.assertGreater(landed, 0)
        self.assertGreater(refused, 0)
        self.assertEqual({path.read_text() for path in fake.rglob("*") if path.is_file()}, {"fake"})

    def test_2025_52881_proc_of_the_image(self):
        """The image's own /proc and a link to a directory change places: sysctls go to the kernel. Red when
        init.c:set_sysctls() writes below the image's /proc.
        """
        fake = self.place / "root2"
        shutil.copytree(self.root, fake, symlinks=True)
        (fake / "proc/sys/net/ipv4").mkdir(parents=True)
        for name in ("ip_default_ttl", "ping_group_range", "ip_unprivileged_port_start"):
            (fake / "proc/sys/net/ipv4" / name).write_text("fake")
        written = os.open(fake / "proc/sys/net/ipv4/ip_default_ttl", os.O_RDONLY)
        self.addCleanup(os.close, written)
        (fake / "link").symlink_to("/proc/sys")
        (fake / "count-flipper0").touch()
        self.shared = fake
        self.flip("proc", "link", "-v", f"{fake}:/shared")
        for _ in self.rounds(20, 2000):
            done = self.skiff("run", "--rm", "--network", "none", "--sysctl", "net.ipv4.ip_default_ttl=77", "--rootfs", fake, "true",
                              check=False)
            self.assertIn(done.code, (0, 125), str(done))
            self.assertEqual(os.pread(written, 100, 0), b"fake")

    def test_2025_31133_masks_under_a_dev_that_changes(self):
        """A /dev that another container writes: what hides files is the host's null device, the console is ours. Red when
        mounts_seal.c:seal_masked() covers with the container's.
        """
        (self.shared / "null").touch()
        (self.shared / "link").symlink_to("/proc/sys/kernel/core_pattern")
        (self.shared / "pts").mkdir()
        (self.shared / "console").symlink_to(self.canary / "file")
        (self.shared / "there").symlink_to("/proc/sys/kernel")
        self.flip("null", "link")
        self.flip("pts", "there")
        before, landed = self.canary_state(), 0
        masks = "stat -c '%F %t:%T' /proc/kallsyms /proc/keys; grep ' /proc/sys ' /proc/self/mountinfo"
        for count in self.rounds(24, 2000):
            command = ["run", "--rm", "--network", "none", "-v", f"{self.shared}:/dev", "--rootfs", self.root, "sh", "-c", masks]
            if count % 4 == 3:
                terminal = self.tty("run", "-t", *command[1:])
                terminal.wait()
                self.assertEqual(self.canary_state(), before)
                continue
            done = self.skiff(*command, check=False)
            if done.code == 0:
                landed += 1
                self.assertEqual(done.lines[:2], ["character special file 1:3"] * 2)
                self.assertIn("ro,", done.lines[2])
            else:
                self.assertEqual(done.code, 125, str(done))
            self.assertEqual(self.canary_state(), before)
        self.assertGreater(landed, 0)


class Reads(RaceTest):
    def setUp(self):
        super().setUp()
        (self.canary / "payload").write_text("of the host")
        (self.canary / "only-here").write_text("of the host")
        self.skiff("volume", "create", "vol")
        self.addCleanup(self.skiff, "volume", "rm", "-f", "vol")
        self.shared = self.base / self.skiff("volume", "inspect", "--format", "{{.Mountpoint}}", "vol").word
        (self.shared / "dir").mkdir()
        (self.shared / "dir/payload").write_text("mine")
        (self.shared / "link").symlink_to(self.canary)

    def look_in_rounds(self, look, few, many):
        """So often, and until one look has found something to look at."""
        if not any([look() for _ in self.rounds(few, many)]):
            wait_for(look, 60, message="a mount between two swaps")

    def test_2023_0778_volume_export(self):
        """Nothing of the host is in the archive. Red when tree_pack.c follows links and jail_enter_empty() does nothing."""
        self.flip("dir", "link", "-v", "vol:/shared")
        archive = self.place / "out.tar"
        for _ in self.rounds(24, 2000):
            if self.skiff("volume", "export", "-o", archive, "vol", check=False).code:
                continue
            with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
                for member in tar.getmembers():
                    self.assertFalse(member.name.endswith("only-here"), member.name)
                    if member.name.endswith("payload"):
                        self.assertEqual(tar.extractfile(member).read(), b"mine")

    def test_2017_1002101_part_of_a_volume(self):
        """What is mounted as a part of a volume is in it. Red when mounts.c:open_bind() opens volume and part as one path."""
        self.flip("dir", "link", "-v", "vol:/shared")

        def look():
            done = self.run_root("sh", "-c", "cat /part/payload; ls /part", options=["--mount", "type=volume,src=vol,dst=/part,subpath=dir"],
                                 check=False)
            self.assertNotIn("host", done.stdout, str(done))
            self.assertNotIn("only-here", done.stdout, str(done))
            return done.code == 0
        self.look_in_rounds(look, 20, 2000)

    def test_2024_11218_context_of_a_build(self):
        """What a RUN mounts of a context is in the context. Red when solver_mounts.c:bind_context() looks a path up twice."""
        self.flip("dir", "link", "-v", "vol:/shared")
        (self.root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        self.skiff("build", "-q", "-t", "racer", self.root)
        self.addCleanup(self.skiff, "rmi", "-f", "racer")

        def look():
            done = self.skiff("build", "--network", "none", "--no-cache", "-f", "-", self.shared, check=False, input="FROM racer\n"
                              "RUN --mount=type=bind,source=dir,target=/part cat /part/payload; ls /part; echo\n")
            self.assertNotIn("of the host", done.stdout, str(done))
            self.assertNotIn("only-here", done.stdout, str(done))
            return done.code == 0
        self.look_in_rounds(look, 12, 1000)
