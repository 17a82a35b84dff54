# SPDX-License-Identifier: Apache-2.0
"""A real Debian image with systemd as its first process: what both machines with cgroup v2 test."""

import os
import time

from tests.support.guest_test import GuestTest, cgroup_of
from tests.support.skiff import SLOWNESS, wait_for

ARCHIVE = "/skiff/systemd.tar"
IMAGE = "localhost/systemd"
BOOT = 60  # seconds
UNIT = """[Unit]
Description=says when it goes
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo up >/seen/up; cat /proc/self/cgroup >/seen/cgroup'
ExecStop=/bin/sh -c 'sleep 1; echo down >/seen/down'
"""


class SystemdInside(GuestTest):
    """Subclasses say who runs it and what the machine's cgroups can do."""

    controllers = False  # has this user cgroup controllers?

    @classmethod
    def setUpClass(cls):
        if os.geteuid():  # a login inside another login gets none from PAM; the user lingers
            os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
        super().setUpClass()

    @classmethod
    def load_image(cls, name, tag=None):
        super().load_image(name, tag)
        cls.run_skiff("load", "-q", "-i", ARCHIVE, timeout=300)

    def inside(self, *args, name="sd", **options):
        """A command in the container; its stdout."""
        return self.skiff("exec", name, *args, **options).stdout

    def boot_image(self, *options, name="sd"):
        """Start the image and wait until systemd says it is done."""
        self.skiff("run", "-d", "--name", name, "--network", "none", *options, IMAGE)

        def state():
            done = self.skiff("exec", name, "systemctl", "is-system-running", check=False)
            return done.stdout.strip() in ("running", "degraded") and done.stdout.strip()
        try:
            return wait_for(state, BOOT)
        except AssertionError:
            self.fail("no boot:\n" + self.skiff("logs", name, check=False).stdout + self.skiff("ps", "-a").stdout)

    def test_boots_works_and_shuts_down_in_order(self):
        """From the first process to the last word."""
        seen = os.path.join(self.base, "seen")
        os.mkdir(seen, 0o777)
        units = os.path.join(self.base, "says.service")
        with open(units, "w", encoding="utf-8") as file:
            file.write(UNIT)
        wants = os.path.join(self.base, "wants.conf")
        with open(wants, "w", encoding="utf-8") as file:
            file.write("[Unit]\nWants=says.service\n")
        state = self.boot_image("-v", f"{seen}:/seen", "-v", f"{wants}:/etc/systemd/system/multi-user.target.d/says.conf:ro",
                          "-v", f"{units}:/etc/systemd/system/says.service:ro")
        self.assertEqual(state, "running", self.inside("systemctl", "--failed", "--no-legend"))
        report = self.inspect("sd")
        self.assertEqual(report["Config"]["StopSignal"], "SIGRTMIN+3")
        self.assertTrue(report["Config"]["SystemdMode"])
        self.assertEqual(self.inside("cat", "/proc/1/comm"), "systemd\n")
        self.assertEqual(self.inside("cat", "/etc/machine-id").strip(), report["Id"][:32])
        for place in ("/run", "/run/lock", "/tmp", "/var/log/journal"):
            self.assertEqual(self.inside("findmnt", "-n", "-o", "FSTYPE", place), "tmpfs\n", place)
        self.assertIn("rw", self.inside("findmnt", "-n", "-o", "OPTIONS", "/sys/fs/cgroup").split(","))
        # Its services have cgroups of their own, all below the container's.
        with open(os.path.join(seen, "cgroup"), encoding="ascii") as file:
            self.assertEqual(file.read().splitlines()[-1], "0::/system.slice/says.service")
        self.assertIn("/init.scope", cgroup_of(report["State"]["Pid"]))
        self.inside("systemd-run", "--quiet", "--wait", "--unit=talks", "sh", "-c", "echo spoken")
        wait_for(lambda: "spoken" in self.inside("journalctl", "-o", "cat", "-u", "talks"))
        self.inside("systemctl", "restart", "systemd-journald")
        self.skiff("stop", "-t", "60", "sd", timeout=90)
        self.assertEqual(sorted(os.listdir(seen)), ["cgroup", "down", "up"])
        self.assertEqual(self.inspect("sd")["State"]["ExitCode"], 0)
        self.skiff("start", "sd")
        wait_for(lambda: self.skiff("exec", "sd", "systemctl", "is-system-running", check=False).stdout == "running\n", BOOT)

    def test_poweroff_inside_ends_it(self):
        """And nothing is left."""
        self.boot_image("--rm")
        self.skiff("exec", "sd", "systemctl", "poweroff", check=False)
        wait_for(lambda: not self.skiff("ps", "-aq").lines, BOOT)

    def test_in_a_user_namespace_of_its_own(self):
        """Its root owns the cgroup, whoever that is outside."""
        self.assertEqual(self.boot_image("--uidmap", "0:10000:5000", "--gidmap", "0:10000:5000") if os.geteuid() else self.boot_image(), "running")
        self.inside("systemd-run", "--quiet", "--wait", "true")

    def test_its_limits_are_not_its_own(self):
        """It divides its cgroup, and cannot lift what is set on the whole."""
        self.need(self.controllers, "this user has no cgroup controllers here")
        self.boot_image("--memory", "300m", "--pids-limit", "500")
        self.assertEqual(self.skiff("exec", "sd", "sh", "-c", "echo max >/sys/fs/cgroup/memory.max", check=False).code, 1)
        self.assertEqual((self.payload("sd") / "memory.max").read_text(), f"{300 << 20}\n")
        self.inside("systemd-run", "--quiet", "--wait", "-p", "MemoryMax=20M", "sh", "-c",
                    'test "$(cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max)" = 20971520')
        self.skiff("update", "--memory", "350m", "sd")
        self.assertEqual((self.payload("sd") / "memory.max").read_text(), f"{350 << 20}\n")

    def test_as_a_service_that_says_when_it_is_up(self):
        """systemd inside tells READY to the one outside."""
        begin = time.monotonic()
        env = {key: value for key, value in self.environment().items() if key in ("HOME", "XDG_RUNTIME_DIR", "PATH")}
        manager = ["--user"] if os.geteuid() else []
        setenv = [f"--setenv={key}={value}" for key, value in env.items()]
        skiff = [str(self.program), *self.roots()]
        self.shell("systemd-run", *manager, "--quiet", "--unit=skiff-inside", "--property=Type=notify", "--property=NotifyAccess=all",
                   "--property=Delegate=yes", "--property=KillMode=mixed", "--property=TimeoutStartSec=100", *setenv, *skiff, "run", "--name", "sd", "--network", "none",
                   "--cgroups=split", "-d", IMAGE, timeout=100)
        self.addCleanup(self.shell, "systemctl", *manager, "stop", "skiff-inside", timeout=60)
        self.assertLess(time.monotonic() - begin, 100 * SLOWNESS)
        self.assertEqual(self.shell("systemctl", *manager, "is-active", "skiff-inside").stdout, "active\n")
        self.assertEqual(self.inside("systemctl", "is-system-running").strip(), "running")
