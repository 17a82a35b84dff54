# SPDX-License-Identifier: Apache-2.0
"""What went wrong elsewhere, tried on our runtime: a test per incident (the numbers are CVEs).

"Red when" says which defences were taken away in a scratch build to see the test fail. Where one
defence stands behind another, a test names both, or there is a test for each.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import threading
import time
import unittest
from pathlib import Path

from tests.support.images import directory_entry, entry
from tests.support.skiff import SLOWNESS, SOAK, SkiffTest, prefix, wait_for
from tests.system.test_hostile_layers import docker_archive, symlink, tar

HERE = Path(__file__).resolve().parent
APPLETS = ("sh true false cat ls id touch mkdir rm ln mv readlink stat sleep find test echo kill mount pwd tty chmod "
           "grep env wc head dd mkfifo umount").split()


class IncidentTest(SkiffTest):
    """A root directory that each test may spoil, and a canary beside it that nobody may touch."""

    def setUp(self):
        super().setUp()
        busybox = shutil.which("busybox")
        if not busybox:
            raise unittest.SkipTest("busybox-static is not installed")
        self.place = self.base / f"place-{self._testMethodName}"
        self.root = self.place / "root"
        (self.root / "bin").mkdir(parents=True)
        (self.root / "etc").mkdir()
        shutil.copy(busybox, self.root / "bin/busybox")
        for name in APPLETS:
            (self.root / "bin" / name).symlink_to("busybox")
        (self.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n")
        (self.root / "etc/group").write_text("root:x:0:\ndeny:x:1000:\nwheel:x:10:bob\n")
        self.canary = self.place / "canary"
        self.canary.mkdir()
        (self.canary / "file").write_text("canary")
        self.addCleanup(self.remove_place)

    def remove_place(self):
        """What containers made there may belong to sub-ids."""
        self.run_skiff("unshare", "rm", "-rf", str(self.place), check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    def needs_ids(self):
        """Skip where containers have no user but root."""
        if os.geteuid() != 0 and len(self.skiff("unshare", "cat", "/proc/self/uid_map").lines) < 2:
            self.skipTest("this user has no sub-ids, so containers have one user")

    def chown(self, path, uid, gid):
        """Give a file to ids of the container."""
        if os.geteuid() == 0:
            os.chown(path, uid, gid)
        else:
            self.skiff("unshare", "chown", f"{uid}:{gid}", path)

    def canary_state(self):
        """Names, types, modes, owners, times and contents below the canary."""
        state = {}
        for path in [self.canary, *sorted(self.canary.rglob("*"))]:
            st = path.lstat()
            data = path.read_bytes() if stat.S_ISREG(st.st_mode) else b""
            state[str(path.relative_to(self.place))] = (st.st_mode, st.st_uid, st.st_mtime_ns, st.st_ctime_ns, data)
        return state

    def run_root(self, *command, options=(), **more):
        """Run a command in the spoilt root."""
        return self.skiff("run", "--rm", "--network", "none", *options, "--rootfs", self.root, *command, **more)

    def refused(self, *options, command=("true",), code=(125, 126), says=None):
        """The same must fail and leave the canary alone."""
        before = self.canary_state()
        done = self.run_root(*command, options=options, check=False)
        self.assertIn(done.code, (code,) if isinstance(code, int) else code, str(done))
        self.assertTrue(any(line.startswith("Error: ") for line in done.stderr.splitlines()), str(done))
        if says:
            self.assertIn(says, done.stderr, str(done))
        self.assertEqual(self.canary_state(), before)
        return done


class WorkingDirectory(IncidentTest):
    # Three defences stand behind each other for run: the directory is looked up without magic links (make_cwd()), then
    # init's descriptors are closed, then a directory is refused that the root does not lead to. Exec has the last two.

    def test_2024_21626_run_below_proc_self_fd(self):
        """Red when init.c:make_cwd() makes nothing, process.c:process_place_fds() does not close what init holds and
        process_enter_cwd() takes an unreachable directory.
        """
        for fd in range(64):
            with self.subTest(fd=fd):
                self.refused("-w", f"/proc/self/fd/{fd}", command=("ls",), code=(125, 126), says=f"/proc/self/fd/{fd}")
        for fd in (0, 3, 7):
            self.refused("-w", f"/proc/1/fd/{fd}", command=("ls",), code=(125, 126))

    def test_2024_21626_exec_below_proc_self_fd(self):
        """Nothing is there but the payload's and what the joiner still needs, which is none of it a directory.

        Red when process.c:process_place_fds() does not close what the joiner holds.
        """
        self.skiff("run", "-d", "--name", "target", "--rootfs", self.root, "sleep", "60")
        for fd in range(64):
            with self.subTest(fd=fd):
                done = self.skiff("exec", "-w", f"/proc/self/fd/{fd}", "target", "ls", check=False)
                self.assertNotEqual(done.code, 0, str(done))
                self.assertEqual(done.stdout, "")
                missing = rf"chdir to `/proc/self/fd/{fd}`: No such file or directory"
                self.assertRegex(done.stderr, rf"{missing}|'/proc/self/fd/{fd}': Not a directory" if fd < 6 else missing)

    def test_2024_21626_link_to_a_descriptor(self):
        """Red as the first."""
        for fd in range(3, 64):
            with self.subTest(fd=fd):
                (self.root / f"work{fd}").symlink_to(f"/proc/self/fd/{fd}")
                self.refused("-w", f"/work{fd}", command=("ls",), code=(125, 126))

    def test_2024_21626_run_in_another_root(self):
        """No descriptor is needed where a process of another root is seen.

        Red when init.c:make_cwd() makes nothing and process.c:process_enter_cwd() takes an unreachable directory.
        """
        self.skiff("run", "-d", "--name", "target", "--rootfs", self.root, "sleep", "60")
        for name in ("/proc/1/root", "/proc/1/cwd"):
            with self.subTest(cwd=name):
                self.refused("--pid", "container:target", "-w", name, command=("ls",), says=name)

    def test_2024_21626_exec_in_another_root(self):
        """Red when process.c:process_enter_cwd() takes an unreachable directory."""
        self.skiff("run", "-d", "--name", "target", "--rootfs", self.root, "sleep", "60")
        self.skiff("run", "-d", "--name", "second", "--pid", "container:target", "--rootfs", self.root, "sleep", "60")
        for name in ("/proc/1/root", "/proc/1/cwd"):
            with self.subTest(cwd=name):
                done = self.skiff("exec", "-w", name, "second", "ls", check=False)
                self.assertNotEqual(done.code, 0, str(done))
                self.assertIn(name, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_2024_21626_exec_in_a_mount_that_was_taken_away(self):
        """Red when process.c:process_enter_cwd() takes an unreachable directory."""
        leave = ("mkdir -p /m && mount -t tmpfs none /m && mkdir /m/sub && cd /m/sub && umount -l /m && echo left;"
                 "exec sleep 60")
        self.skiff("run", "-d", "--name", "target", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
                   "--rootfs", self.root, "sh", "-c", leave)
        wait_for(lambda: self.skiff("logs", "target").word == "left", message="the way out")
        done = self.skiff("exec", "-w", "/proc/1/cwd", "target", "true", check=False)
        self.assertNotEqual(done.code, 0, str(done))
        self.assertIn("/proc/1/cwd", done.stderr)

    def test_working_directory_is_inside(self):
        (self.root / "work").symlink_to("../" * 12 + str(self.canary))
        done = self.run_root("ls", "-a", options=["-w", "/work"], check=False)
        self.assertNotIn("file", done.stdout)


class ProcAndDev(IncidentTest):
    def test_2019_16884_proc_is_a_link(self):
        (self.root / "x").mkdir()
        (self.root / "proc").symlink_to("/x")
        self.refused()
        self.assertEqual(os.listdir(self.root / "x"), [])

    def test_2019_16884_proc_is_a_link_out(self):
        (self.root / "proc").symlink_to("../canary")
        self.refused()

    def test_2019_19921_sys_is_a_link(self):
        (self.root / "x").mkdir()
        (self.root / "sys").symlink_to("/x")
        self.refused()

    def test_2023_27561_volume_over_proc(self):
        for target in ("/proc", "/proc/self/attr", "/proc/sys", "/proc/sys/kernel", "/proc/1", "/proc//self", "/proc/./fs",
                       "/x/../proc/sys"):
            with self.subTest(target=target):
                self.refused("-v", f"{self.canary}:{target}")

    def test_2023_28642_volume_below_proc_by_a_link(self):
        (self.root / "door").symlink_to("/proc/sys")
        self.refused("-v", f"{self.canary}:/door/kernel")
        (self.root / "door2").symlink_to("/proc")
        self.refused("-v", f"{self.canary}:/door2")

    def with_a_link_as_dev(self, target, *options):
        """The link ends inside, and what lies there is our /dev."""
        (self.root / "dev").symlink_to(target)
        before = self.canary_state()
        done = self.run_root("sh", "-c", "echo x > /dev/null && stat -c '%F %t:%T' /dev/null /dev/zero &&"
                             " stat -f -c %T /dev/", options=options)
        self.assertEqual(self.canary_state(), before, str(done))
        self.assertEqual(done.lines, ["character special file 1:3", "character special file 1:5", "tmpfs"])

    def test_2026_41579_dev_is_a_link(self):
        """Red when init.c attaches mounts before it changes the root, and path.c:path_open_in_root() resolves without
        RESOLVE_IN_ROOT.
        """
        self.with_a_link_as_dev(self.canary)

    def test_2026_41579_dev_is_a_link_upwards(self):
        """Red when mounts.c:attach_entry() fills the directory that it finds instead of a mount of ours."""
        self.with_a_link_as_dev("../canary")

    def test_2026_41579_devices_where_dev_is_a_link(self):
        """Red as those above."""
        self.with_a_link_as_dev("../canary", "--device", "/dev/null:/dev/made/here")

    def test_2026_41579_devices_below_a_link(self):
        """In a /dev of the user's, the walk to a device's place stays inside. Red when path.c:walk_open() follows links,
        in an init.c that changes the root later.
        """
        dev = self.place / "dev"
        dev.mkdir()
        (dev / "deep").symlink_to("../../canary")
        (dev / "far").symlink_to(self.canary)
        before = self.canary_state()
        for path in ("/dev/deep/one", "/dev/far/two"):
            done = self.run_root("stat", "-c", "%F", path, options=["-v", f"{dev}:/dev", "--device", f"/dev/null:{path}"])
            self.assertEqual(done.word, "character special file")
            self.assertEqual(self.canary_state(), before)

    def test_2025_52565_terminal_with_a_link_as_dev(self):
        (self.root / "dev").symlink_to(self.canary)
        before = self.canary_state()
        terminal = self.tty("run", "--rm", "-it", "--network", "none", "--rootfs", self.root, "tty")
        terminal.wait()
        self.assertEqual(self.canary_state(), before)

    def test_2025_52565_console_is_our_own(self):
        (self.root / "dev").mkdir()
        (self.root / "dev/console").symlink_to(self.canary / "file")
        (self.root / "dev/pts").symlink_to(self.canary)
        before = self.canary_state()
        terminal = self.tty("run", "--rm", "-it", "--network", "none", "--rootfs", self.root, "sh", "-c",
                            "test -c /dev/console && echo char; tty; exit 5")
        self.assertEqual(terminal.wait(), 5)
        self.assertIn(b"char", terminal.output)
        self.assertIn(b"/dev/pts/0", terminal.output)
        self.assertEqual(self.canary_state(), before)

    def test_2025_31133_null_of_the_image(self):
        (self.root / "dev").mkdir()
        (self.root / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
        done = self.run_root("stat", "-c", "%F %t:%T", "/proc/kallsyms", "/proc/keys", "/dev/null")
        self.assertEqual(set(done.lines), {"character special file 1:3"})

    def test_2025_31133_dev_of_the_user_with_a_link_as_null(self):
        """Red when mounts_seal.c:seal_masked() covers with the container's /dev/null instead of the host's."""
        dev = self.place / "dev"
        dev.mkdir()
        (dev / "null").symlink_to("/proc/sys/kernel/core_pattern")
        done = self.run_root("stat", "-c", "%F %t:%T", "/proc/kallsyms", "/proc/keys", options=["-v", f"{dev}:/dev"])
        self.assertEqual(set(done.lines), {"character special file 1:3"})

    def test_88265_stdio_null_is_not_the_images(self):
        self.needs_ids()
        (self.root / "dev").mkdir()
        owned = self.root / "dev/null"
        owned.write_text("mine")
        owned.chmod(0o640)
        before = owned.stat()
        self.skiff("run", "-d", "--rm", "--name", "quiet", "--user", "bob", "--network", "none", "--rootfs", self.root,
                   "sleep", "0.2")
        self.skiff("wait", "quiet", check=False)
        after = owned.stat()
        self.assertEqual((before.st_uid, before.st_mode, before.st_mtime_ns), (after.st_uid, after.st_mode, after.st_mtime_ns))

    def test_88265_stdio_null_is_not_the_users(self):
        """Nor that of a /dev which the user mounts. Red when init.c:place_descriptors() opens the container's and
        give_stdio() gives away whatever it finds.
        """
        self.needs_ids()
        dev = self.place / "dev"
        dev.mkdir()
        owned = dev / "null"
        owned.write_text("mine")
        owned.chmod(0o660)
        before = owned.stat()
        done = self.run_root("stat", "-L", "-c", "%F %t:%T", "/proc/self/fd/0", options=["-v", f"{dev}:/dev", "--user", "bob"])
        after = owned.stat()
        self.assertEqual(done.word, "character special file 1:3")
        self.assertEqual((before.st_uid, before.st_mode, before.st_mtime_ns), (after.st_uid, after.st_mode, after.st_mtime_ns))

    def test_2023_25809_cgroup_is_read_only(self):
        self.needs_ids()
        for network in ("none", "host", "slirp"):
            for options in ((), ("--user", "bob"), ("--cgroupns", "host")):
                with self.subTest(network=network, options=options):
                    done = self.skiff("run", "--rm", "--network", network, *options, "--rootfs", self.root, "sh", "-c",
                                      "find /sys/fs/cgroup -writable 2>/dev/null | head -n 3;"
                                      " touch /sys/fs/cgroup/x; true")
                    self.assertEqual(done.stdout, "")
                    self.assertIn("Read-only", done.stderr)


class MountPoints(IncidentTest):
    def test_2021_30465_destination_through_links_stays_inside(self):
        ladder = {"up": "../" * 20 + str(self.canary), "absolute": str(self.canary), "over": "/../../.." + str(self.canary)}
        for name, target in ladder.items():
            (self.root / name).symlink_to(target)
        source = self.place / "source"
        source.mkdir()
        for name in ladder:
            with self.subTest(name=name):
                before = self.canary_state()
                self.run_root("true", options=["-v", f"{source}:/{name}/made/here"], check=False)
                self.assertEqual(self.canary_state(), before)

    def test_2024_45310_nothing_is_created_outside(self):
        """Wherever the engine or the runtime writes, the image has a link to a place of the host."""
        places = ("etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/mtab", "etc/passwd", "etc/group", "etc", "run",
                  "run/.containerenv", "run/secrets", "tmp", "var", "dev/shm", "dev/mqueue")
        for number, place in enumerate(places):
            for target in (self.canary / "planted", self.canary, "../" * 20 + str(self.canary / "planted")):
                with self.subTest(place=place, target=target):
                    root = self.place / f"root{number}"
                    shutil.copytree(self.root, root, symlinks=True)
                    if (root / place).is_dir():
                        shutil.rmtree(root / place)
                    (root / place).unlink(missing_ok=True)
                    (root / place).parent.mkdir(parents=True, exist_ok=True)
                    (root / place).symlink_to(target)
                    before = self.canary_state()
                    self.skiff("run", "--rm", "--network", "none", "--tmpfs", "/tmp/t", "-v", f"{self.canary}:/var/v:ro",
                               "--rootfs", root, "true", check=False)
                    self.assertEqual(self.canary_state(), before)
                    self.run_skiff("unshare", "rm", "-rf", str(root))

    def test_2017_1002101_part_of_a_volume_that_is_a_link(self):
        """Links that a container has put into its volume end in it, for whoever mounts a part of the volume, and for
        commands that look at such a container while it does not run. Red when mounts.c:open_bind() or
        container_view_make.c:attach() opens volume and part as one path.
        """
        (self.canary / "file").write_text("of the host")
        self.skiff("volume", "create", "vol")
        self.addCleanup(self.skiff, "volume", "rm", "-f", "vol")
        place = Path(self.skiff("volume", "inspect", "--format", "{{.Mountpoint}}", "vol").word)
        links = {"absolute": str(self.canary), "up": "../" * 20 + str(self.canary), "root": "/", "file": str(self.canary / "file"),
                 "proc": f"/proc/self/root{self.canary}", "beside": "..", "good": "real"}
        for name, target in links.items():
            (place / name).symlink_to(target)
        (place / "real").mkdir()
        (place / "real/file").write_text("mine")
        before = self.canary_state()
        for part in [*links, f"root{self.canary}", f"beside{self.canary}"]:
            for more in ("", ",O" if part != "file" else ""):
                with self.subTest(part=part, more=more):
                    mount = f"type=volume,src=vol,dst=/part,subpath={part}{more}"
                    done = self.run_root("sh", "-c", "cat /part /part/file /part/canary/file; echo x > /part/planted; mkdir /part/made",
                                         options=["--mount", mount], check=False)
                    self.assertNotIn("host", done.stdout, str(done))
                    self.assertEqual("mine" in done.stdout, part == "good", str(done))
            name = self.skiff("create", "--mount", f"type=volume,src=vol,dst=/part,subpath={part}", "--network", "none", "--rootfs",
                              self.root, "true").word
            copied = self.skiff("cp", f"{name}:/part/.", "-", check=False)
            self.assertFalse(b"of the host" in copied.stdout_bytes, part)
            self.skiff("cp", self.root / "etc/group", f"{name}:/part/put", check=False)
            self.assertEqual(self.canary_state(), before)

    def test_55686_working_directory_is_created_inside(self):
        """That of an image, which is made if it is missing."""
        layer = tar(directory_entry("bin"), (entry("bin/busybox", mode=0o755), (self.root / "bin/busybox").read_bytes()),
                    symlink("bin/pwd", "busybox"), symlink("srv", str(self.canary)))
        config = {"os": "linux", "architecture": "amd64", "config": {"WorkingDir": "/srv/made"},
                  "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}}
        archive = self.place / "archive.tar"
        archive.write_bytes(docker_archive(layer, config=json.dumps(config).encode(), manifest=json.dumps(
            [{"Config": "config.json", "RepoTags": ["workdir:latest"], "Layers": ["0.tar"]}]).encode()))
        self.skiff("load", "-q", "-i", archive)
        before = self.canary_state()
        done = self.skiff("run", "--rm", "--network", "none", "workdir", "/bin/pwd", check=False)
        self.assertEqual(self.canary_state(), before)
        self.assertEqual((done.code, done.word), (0, f"{self.canary}/made"), str(done))

    def test_2021_30465_flipping_destination(self):
        shared = self.place / "shared"
        (shared / "sub").mkdir(parents=True)
        (shared / "other").mkdir()
        flip = ("cd /shared; while :; do mv sub dir 2>/dev/null; ln -s " + str(self.canary) +
                " sub 2>/dev/null; rm -f sub; mv dir sub 2>/dev/null; done")
        self.skiff("run", "-d", "--name", "flipper", "--network", "none", "-v", f"{shared}:/shared",
                   "--rootfs", self.root, "sh", "-c", flip)
        source = self.place / "source"
        source.mkdir()
        before = self.canary_state()
        rounds = 2000 if SOAK else 60
        for _ in range(rounds):
            self.run_root("true", options=["-v", f"{shared}:/shared", "-v", f"{source}:/shared/sub/deep"], check=False)
        self.skiff("rm", "-f", "-t", "0", "flipper")
        self.assertEqual(self.canary_state(), before)


class Users(IncidentTest):
    def bounded_failure(self, *options):
        """Refused in less than a second and with 16 MiB for each process that had a part in it."""
        helper, report = self.place / "peak", self.place / "peak.txt"
        compiler = shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler for the program that measures")
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-o", helper, HERE / "peak.c"], check=True)
        before = self.canary_state()
        begin = time.monotonic()
        done = subprocess.run([helper, report, self.program, *self.roots(), "run", "--rm", "--network", "none", *options,
                               "--rootfs", self.root, "true"], env=self.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30 * SLOWNESS, check=False)
        seconds = time.monotonic() - begin
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertRegex(done.stderr, "(?m)^Error: ")
        self.assertEqual(self.canary_state(), before)
        self.assertLess(seconds, SLOWNESS)
        self.assertLess(int(report.read_text()), 16384 * SLOWNESS ** 2)

    def test_2024_40635_numbers_that_overflow(self):
        """Red when privileges_user.c:parse_id() takes numbers modulo 2^32, or check_part() what begins like a number or
        with a sign: an image has users of such names.
        """
        names = ("4294967296", "-1", "0x0", "+1", "1e3", "0b1", "1 ", "")
        with open(self.root / "etc/passwd", "a", encoding="ascii") as file:
            file.write("".join(f"{name}:x:0:0::/root:/bin/sh\n" for name in names))
        with open(self.root / "etc/group", "a", encoding="ascii") as file:
            file.write("".join(f"{name}:x:0:\n" for name in names))
        for user in ("4294967295", "4294967296", "4294967297", "-1", "0x0", "1:4294967296", "1:", ":", "1 ", "+1",
                     "18446744073709551616", "00000000000", "1:-1", "1:4294967295", "0:0:0", "1e3", "0b1", "\t0", "٣"):
            with self.subTest(user=user):
                self.refused("--user", user)

    def test_2024_40635_exec_with_numbers_that_overflow(self):
        """Red as the one above."""
        self.skiff("run", "-d", "--name", "target", "--rootfs", self.root, "sleep", "60")
        for user in ("4294967296", "4294967295", "1:4294967296", "-1", "0x0"):
            with self.subTest(user=user):
                done = self.skiff("exec", "--user", user, "target", "id", check=False)
                self.assertNotEqual(done.code, 0, str(done))
                self.assertEqual(done.stdout, "")

    def test_2024_40635_passwd_with_numbers_that_overflow(self):
        """Such an entry is none. Red when privileges_user.c:parse_id() takes numbers modulo 2^32."""
        numbers = ("4294967296", "4294967295", "18446744073709551616", "-1", "0x0", "", "0 ")
        lines = "".join(f"uid{i}:x:{number}:1000::/:/bin/sh\ngid{i}:x:1000:{number}::/:/bin/sh\n"
                        for i, number in enumerate(numbers))
        (self.root / "etc/passwd").write_text(lines)
        (self.root / "etc/group").write_text("".join(f"group{i}:x:{number}:\n" for i, number in enumerate(numbers)))
        for i, number in enumerate(numbers):
            for user in (f"uid{i}", f"gid{i}", f"0:group{i}"):
                with self.subTest(number=number, user=user):
                    self.refused("--user", user, command=("id",))

    def test_2024_40635_image_with_a_number_that_overflows(self):
        """Forwarded content: the User of an image. Red as the one above."""
        layer = tar(directory_entry("bin"), (entry("bin/busybox", mode=0o755), (self.root / "bin/busybox").read_bytes()),
                    symlink("bin/id", "busybox"))
        for number, user in enumerate(("4294967296", "0:4294967296", "-1", "0x0", "1000:", "bob\nroot")):
            with self.subTest(user=user):
                config = {"os": "linux", "architecture": "amd64", "config": {"User": user},
                          "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}}
                listing = [{"Config": "config.json", "RepoTags": [f"overflow{number}:latest"], "Layers": ["0.tar"]}]
                archive = self.place / f"archive{number}.tar"
                archive.write_bytes(docker_archive(layer, config=json.dumps(config).encode(),
                                                   manifest=json.dumps(listing).encode()))
                loaded = self.skiff("load", "-q", "-i", archive, check=False)
                if loaded.code != 0:
                    self.assertIn("Error: ", loaded.stderr)
                    continue
                done = self.skiff("run", "--rm", "--network", "none", f"overflow{number}", "/bin/id", check=False)
                self.assertEqual((done.code, done.stdout), (125, ""), str(done))

    def test_30892_a_name_of_digits_does_not_shadow(self):
        self.needs_ids()
        (self.root / "etc/passwd").write_text("1000:x:0:0::/root:/bin/sh\n")
        self.assertEqual(self.run_root("id", "-u", options=["--user", "1000"]).word, "1000")

    def test_47262_passwd_is_a_fifo(self):
        """Red when path.c:path_open_in_root() opens without O_NONBLOCK."""
        for name in ("passwd", "group"):
            (self.root / "etc" / name).unlink()
            os.mkfifo(self.root / "etc" / name)
            self.bounded_failure("--user", "bob")

    def test_47262_passwd_is_a_fifo_with_a_writer(self):
        """Who tells each reader another story. Red when path.c:path_read_in_root() reads what is no regular file."""
        (self.root / "etc/passwd").unlink()
        os.mkfifo(self.root / "etc/passwd")
        libc = ctypes.CDLL(None)
        for _ in range(30):
            # Much to read, and an end of it as soon as somebody has opened it.
            fifo = os.open(self.root / "etc/passwd", os.O_RDWR)
            fcntl.fcntl(fifo, fcntl.F_SETPIPE_SZ, 1 << 20)
            os.write(fifo, b"bob:x:0:0::/:/bin/sh\n" + (b"#" * 4000 + b"\n") * 250)
            watch = libc.inotify_init1(0)
            libc.inotify_add_watch(watch, bytes(self.root / "etc/passwd"), 0x20)
            closer = threading.Thread(target=lambda watch=watch, fifo=fifo: (os.read(watch, 4096), os.close(fifo)))
            closer.start()
            done = self.run_root("echo", "in", options=["--user", "bob"], check=False)
            closer.join()
            os.close(watch)
            self.assertEqual((done.code, done.stdout), (125, ""), str(done))

    def test_2025_4437_passwd_is_a_device_by_link(self):
        """Red when path.c:path_read_in_root() reads what is no regular file and as much as there is."""
        for name in ("passwd", "group"):
            with self.subTest(name=name):
                (self.root / "etc" / name).rename(self.root / "etc" / f"{name}-")
                (self.root / "etc" / name).symlink_to("/dev/zero")
                self.bounded_failure("--user", "bob")
                (self.root / "etc" / name).unlink()
                (self.root / "etc" / f"{name}-").rename(self.root / "etc" / name)

    def test_2024_9676_group_is_huge(self):
        """Sparse, and of bytes. Red when path.c:path_read_in_root() reads files of any size."""
        with open(self.root / "etc/group", "wb") as file:
            file.truncate(4 << 30)
        self.bounded_failure("--user", "bob")
        with open(self.root / "etc/group", "wb") as file:
            file.write(b"g:x:1:bob\n" * 1000000)
        self.bounded_failure("--user", "bob")

    def test_2024_9676_long_lines_and_many(self):
        """Red when privileges_user.c:table_next() takes lines of any length and number."""
        for text in ("g:x:1:" + "bob," * 200000 + "\n", "\n" * 1000000,
                     "".join(f"g{i}:x:{i}:bob\n" for i in range(2000, 5000))):
            with self.subTest(text=text[:20]):
                (self.root / "etc/group").write_text(text)
                self.bounded_failure("--user", "bob")

    def test_2024_9676_passwd_of_the_host_is_not_read(self):
        name = "only-on-the-host"
        (self.canary / "passwd").write_text(f"{name}:x:0:0::/:/bin/sh\n")
        (self.root / "etc/passwd").unlink()
        (self.root / "etc/passwd").symlink_to(self.canary / "passwd")
        self.refused("--user", name, says=name)

    def test_2022_2989_denied_group_stays_denied(self):
        self.needs_ids()
        (self.root / "secret").write_text("secret")
        (self.root / "secret").chmod(0o604)
        self.chown(self.root / "secret", 0, 1000)
        done = self.run_root("cat", "/secret", options=["--user", "bob"], check=False)
        self.assertEqual(done.stdout, "")
        self.assertIn("Permission denied", done.stderr)
        self.assertEqual(self.run_root("cat", "/secret", options=["--user", "1001"]).stdout, "secret")

    def test_2022_2990_the_primary_group_is_listed(self):
        """A program that changes its gid (a set-gid one, newgrp) does not lose it, nor what it denies."""
        self.needs_ids()
        for command in (["run", "--rm", "--network", "none", "--user", "bob", "--rootfs", self.root],
                        ["run", "--rm", "--network", "none", "--user", "1000:1000", "--rootfs", self.root]):
            groups = self.skiff(*command, "grep", "^Groups:", "/proc/self/status").word.split()[1:]
            self.assertIn("1000", groups)

    def test_groups_of_the_caller_stay_outside(self):
        self.needs_ids()
        groups = self.run_root("id", "-G", options=["--user", "bob"]).word.split()
        self.assertEqual(set(groups), {"1000", "10"})


class Sysctls(IncidentTest):
    def test_2022_0811_smuggled_keys(self):
        for key in ("kernel.core_pattern=x", "net.ipv4.ip_forward=1+kernel.core_pattern=|/x", "net/../kernel/core_pattern=x",
                    "kernel.shm_rmid_forced+kernel.core_pattern=x", "kernel/shmmax/../core_pattern=x",
                    "net.//.kernel.core_pattern=x", "vm.overcommit_memory=1", "kernel.hostname=x", "fs.file-max=1"):
            with self.subTest(key=key):
                self.assertRegex(self.refused("--sysctl", key, code=125).stderr, "is not allowed|invalid sysctl|cannot set the sysctl 'net.ipv4.ip_forward'")
        # A plus in a value is only a value, and the kernel has its own word to say about it.
        pattern = Path("/proc/sys/kernel/core_pattern").read_text()
        self.run_root("true", options=["--sysctl", "net.ipv4.ip_forward=1+kernel.core_pattern=|/x"], check=False)
        self.assertEqual(Path("/proc/sys/kernel/core_pattern").read_text(), pattern)

    def test_2022_0532_namespaces_of_others(self):
        """Red when neither spec_check.c:check_sysctls() nor limits.c:check_sysctl() asks whose the namespace is."""
        for option, key, name in (("--network", "net.ipv4.ip_forward", "Network"), ("--ipc", "kernel.shmmax", "IPC")):
            done = self.skiff("run", "--rm", option, "host", "--sysctl", f"{key}=1", "--rootfs", self.root, "true", code=125)
            self.assertIn(f"sysctl {key}=1 can't be set since {name} Namespace", done.stderr)


class Inside(IncidentTest):
    """What a container puts in our way is never used by those who come in or look at it."""

    def test_2022_1227_programs_and_libraries_of_the_image(self):
        """Nothing of the image is opened, let alone run, by commands that look at a container. Red when top.c runs the
        container's ps.
        """
        (self.root / "bin/true").unlink()
        traps = ("bin/ps", "bin/sh", "bin/nsenter", "bin/tar", "bin/true", "usr/bin/ps", "usr/bin/nsenter", "usr/bin/newuidmap", "sbin/init",
                 "lib/libnss_files.so.2", "lib64/libc.so.6", "lib/x86_64-linux-gnu/libnss_compat.so.2", "lib/x86_64-linux-gnu/libc.so.6",
                 "usr/lib/x86_64-linux-gnu/gconv/gconv-modules", "usr/lib/locale/locale-archive", "etc/ld.so.preload",
                 "etc/ld.so.cache", "etc/nsswitch.conf", "etc/localtime")
        for name in traps:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_text(f"#!/bin/busybox sh\n/bin/busybox touch /canary/ran\n")
            path.chmod(0o755)
        self.skiff("run", "-d", "--name", "target", "--network", "none", "-v", f"{self.canary}:/canary", "--health-cmd",
                   '["CMD","/bin/busybox","true"]', "--health-interval", "disable", "--rootfs", self.root, "/bin/busybox", "sleep", "1000")
        before = self.canary_state()
        libc = ctypes.CDLL(None)
        watch = libc.inotify_init1(os.O_NONBLOCK)
        self.addCleanup(os.close, watch)
        for name in traps:
            self.assertGreaterEqual(libc.inotify_add_watch(watch, bytes(self.root / name), 0x21), 0)  # IN_ACCESS, IN_OPEN
        for command in ("top target", "top target pid comm user group", "ps -a", "stats --no-stream target", "inspect target", "port target",
                        "logs target", "pause target", "unpause target", "exec target /bin/busybox true", "healthcheck run target",
                        "exec --user bob target /bin/busybox true", "cp target:/etc/passwd -", "kill -s CONT target",
                        f"cp {self.place}/canary/file target:/put", "update --restart no target", "rename target target2", "stop -t 0 target2"):
            with self.subTest(command):
                self.skiff(*command.split(), check=False)
                try:
                    self.fail(f"opened: {os.read(watch, 4096)}")
                except BlockingIOError:
                    pass
        self.assertEqual(self.canary_state(), before)

    def test_2015_1334_proc_of_the_container(self):
        """Who comes in writes its own files of /proc, not what the container has mounted there. Red when enter.c writes
        below the container's /proc.
        """
        fake = "mount -t tmpfs none /proc && mkdir -p /proc/self/attr && echo mine > /proc/self/oom_score_adj && echo ready; exec sleep 1000"
        self.skiff("run", "-d", "--name", "target", "--oom-score-adj", "900", "--cap-add", "SYS_ADMIN", "--security-opt",
                   "seccomp=unconfined", "--network", "none", "--rootfs", self.root, "sh", "-c", fake)
        wait_for(lambda: self.skiff("logs", "target").word == "ready", 60, message="the other /proc")
        process = self.start("exec", "-i", "target", "sh", "-c", "cat /proc/self/oom_score_adj; read x", stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"mine\n")
        scores = [Path("/proc", line.split()[0], "oom_score_adj").read_text()
                  for line in self.skiff("top", "target", "hpid", "args").lines[1:]]
        self.assertEqual(set(scores), {"900\n"})
        process.stdin.close()

    def test_2020_1726_a_volume_with_files_is_left_alone(self):
        """What the image has at its place is copied into an empty one only. Red when mounts.c:copy_up() takes any for empty."""
        self.skiff("volume", "create", "vol")
        self.addCleanup(self.skiff, "volume", "rm", "-f", "vol")
        place = Path(self.skiff("volume", "inspect", "--format", "{{.Mountpoint}}", "vol").word)
        (place / "passwd").write_text("mine\n")
        done = self.run_root("sh", "-c", "cat /etc/passwd; ls /etc", options=["-v", "vol:/etc"])
        self.assertEqual(done.lines[0], "mine")
        self.assertNotIn("group", done.lines)

    def test_2017_5226_the_users_terminal_stays_outside(self):
        """A container has a terminal of its own or none: there is no other to push keys into."""
        look = "test -t 0 && echo terminal 0; test -t 1 && echo terminal 1; tty; (: < /dev/tty) 2>&1; echo looked"
        self.skiff("run", "-d", "--name", "target", "--network", "none", "--rootfs", self.root, "sleep", "1000")
        for command in (("run", "--rm", "-i", "--network", "none", "--rootfs", self.root), ("exec", "-i", "target"), ("exec", "target")):
            with self.subTest(command[0]):
                terminal = self.tty(*command, "sh", "-c", look)
                self.assertEqual(terminal.wait(60), 0)
                lines = terminal.output.decode().split("\r\n")
                self.assertIn("looked", lines)
                self.assertFalse({"terminal 0", "terminal 1"} & set(lines), lines)
                self.assertIn("not a tty", lines)
                self.assertRegex(terminal.output.decode(), "/dev/tty: No such device or address")
        own = self.tty("run", "--rm", "-it", "--network", "none", "--rootfs", self.root, "sh", "-c", "tty; stat -c %t /dev/tty; stat -c %d /dev/pts/0")
        self.assertEqual(own.wait(60), 0)
        self.assertIn(b"/dev/pts/0", own.output)
        self.assertNotIn(str(os.stat("/dev/pts").st_dev).encode() + b"\r\n", own.output)


class OwnProgram(IncidentTest):
    """With programs that belong to the user, as in ~/.local/bin: the container's root may write them, if it gets there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copytree(prefix(), cls.base / "prefix", symlinks=True)
        subprocess.run(["chmod", "-R", "u+w", cls.base / "prefix"], check=True)
        cls.program = cls.base / "prefix/bin/skiff"

    def programs(self):
        """Hashes of everything installed."""
        found = {path: hashlib.sha256(path.read_bytes()).hexdigest()
                 for path in (self.base / "prefix").rglob("skiff*") if path.is_file()}
        self.assertIn(self.base / "prefix/libexec/skiff/skiff-monitor", found)
        return found

    def start_watching(self, *arguments, options=()):
        """Run the attacker as pid 1 of a container."""
        compiler = shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler for the attacker")
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-w", "-o", self.root / "watch",
                        HERE / "incident_watch.c"], check=True)
        self.skiff("run", "-d", "--name", "target", *options, "--network", "none", "--rootfs", self.root, "/watch",
                   *arguments)
        wait_for(lambda: "watching" in self.skiff("logs", "target").stdout, message="the attacker")

    def test_2019_5736_script_run_by_proc_self_exe(self):
        """The container makes us run our own program as its own, stops it and looks whether it can be written.

        Red when rootless.c:open_program_read_only() leaves the mount writable, or the program is run from its file.
        """
        self.need(SLOWNESS == 1, "the programs of a sanitizer build are dynamic and cannot start in a container")
        before = self.programs()
        script = self.root / "entry"
        script.write_text("#!/proc/self/exe\n")
        script.chmod(0o755)
        self.run_root("/entry", check=False)
        self.run_root("/proc/self/exe", check=False)
        self.start_watching("30", "programs")
        found = set()
        begin = time.monotonic()
        while not found and time.monotonic() - begin < 20 * SLOWNESS:
            for command in ("/entry", "/proc/self/exe"):
                self.skiff("exec", "target", command, check=False)
            found = set(self.skiff("logs", "target").lines[1:])
        self.assertEqual(found, {"a program on a read-only mount"})
        self.assertEqual(self.programs(), before)

    def watch(self, seconds, *options):
        """Exec while an attacker is pid 1 of the container; returns what it found and whom it saw."""
        before = self.programs()
        self.start_watching(str(seconds + 2), options=options)
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            self.skiff("exec", "target", "true")
        self.assertEqual(self.skiff("wait", "target", timeout=60).word, "0")
        lines = self.skiff("logs", "target").lines
        self.assertEqual(self.programs(), before)
        self.assertRegex(lines[-1], r"^saw [1-9]\d+,", "the attacker saw too little to prove anything")
        return set(lines[1:-1])

    def test_2016_9962_nobody_gets_at_a_joiner(self):
        """Red when enter.c:hide_memory() does not hide."""
        self.assertEqual(self.watch(6), set())

    def test_2016_9962_a_tracer_finds_nothing_of_the_host(self):
        """Red when enter.c:drop_descriptors() does not close what the joiner holds."""
        # Who has the capability may attach: what it then holds must be worth nothing.
        found = self.watch(6, "--cap-add", "SYS_PTRACE")
        self.assertEqual(found - {"attached", "read a descriptor's name", "opened the memory",
                                  "read the name of the program"}, set())


class PrivateDirectories(SkiffTest):
    """What lies where state goes is only used if it is ours alone (R15)."""

    def refused(self, path, says):
        """Neither as the store nor as the runtime directory."""
        before = sorted(os.listdir(path))
        for option in ("--root", "--runroot"):
            with self.subTest(option=option):
                done = subprocess.run([self.program, option, path, "ps"], env=self.environment(), stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 125, done.stderr)
                self.assertIn(says, done.stderr)
        self.assertEqual(sorted(os.listdir(path)), before)

    def test_open_to_others(self):
        place = self.base / "open"
        place.mkdir(mode=0o755)
        place.chmod(0o750)
        self.refused(place, "is open to others (mode 0750)")

    def test_of_somebody_else(self):
        self.need(os.geteuid() != 0, "about unprivileged users: root has all directories")
        self.refused("/usr", "belongs to uid 0")

    def test_link(self):
        (self.base / "mine").mkdir(mode=0o700)
        (self.base / "link").symlink_to(self.base / "mine")
        self.refused(self.base / "link", "is a link or no directory")
