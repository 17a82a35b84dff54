# SPDX-License-Identifier: Apache-2.0
"""What the tests in the machine have in common: a real session, and a look at its cgroups."""

import os
import re
import subprocess
from pathlib import Path

from tests.support.skiff import SLOWNESS, SkiffTest, processes, wait_for

CGROUPS = Path("/sys/fs/cgroup")
GROUP = re.compile(r"^skiff-[0-9a-f]{64}(\.scope)?$")
BUSYBOX = "/skiff/busybox.tar"


def groups():
    """Every cgroup of a container; one may go away while we look."""
    return {os.path.relpath(os.path.join(parent, name), CGROUPS)
            for parent, names, _ in os.walk(CGROUPS) for name in names if GROUP.search(name)}


def own_processes():
    """Our programs and what containers run: not what systemd does meanwhile."""
    return {key: command for key, command in processes(exclude={os.getpid()}).items()
            if "skiff-" in command or "/bin/skiff" in command or command.startswith(("sleep", "sh -c"))}


def cgroup_of(pid):
    """The cgroup of a process, as a path below the mount."""
    return Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").rpartition("::/")[2].strip()


class GuestTest(SkiffTest):
    """As SkiffTest, in the real runtime directory of a login, and with an oracle for cgroups."""

    user = "tester"  # who runs it
    images = ["busybox"]

    @classmethod
    def setUpClass(cls):
        cls.session_runtime = os.environ.get("XDG_RUNTIME_DIR") if os.geteuid() else None
        super().setUpClass()

    @classmethod
    def environment(cls, **changes):
        """With the session's runtime directory: systemd's socket is there."""
        if cls.session_runtime:
            changes.setdefault("XDG_RUNTIME_DIR", cls.session_runtime)
        return super().environment(**changes)

    @classmethod
    def load_image(cls, name, tag=None):
        """The one image that is on the disk."""
        cls.run_skiff("load", "-q", "-i", BUSYBOX, timeout=60)

    def setUp(self):
        self.before = (own_processes(), groups())
        self.addCleanup(self.assert_nothing_left)

    def assert_nothing_left(self):
        """Remove all containers; no process of ours and no cgroup may be left."""
        self.skiff("rm", "--all", "--force", "--time", "0")
        old_processes, old_groups = self.before

        def leaks():
            return sorted(groups() - old_groups) + [command for key, command in own_processes().items()
                                                    if key not in old_processes]
        try:
            wait_for(lambda: not leaks(), 20)
        except AssertionError:
            self.fail("left behind:\n  " + "\n  ".join(leaks()))

    def inspect(self, name):
        """The report of a container."""
        return self.skiff("inspect", name).json[0]

    def payload(self, name):
        """The directory of a container's cgroup."""
        path = self.inspect(name)["State"]["CgroupPath"]
        self.assertTrue(path.startswith("/"), path)
        return CGROUPS / path[1:]

    def shell(self, *argv, timeout=60, **changes):
        """Run a program that is not skiff, with skiff's environment."""
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env=self.environment(**changes), timeout=timeout * SLOWNESS)
        self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}{done.stderr}")
        return done
