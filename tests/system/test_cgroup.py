# SPDX-License-Identifier: Apache-2.0
"""Limits where there is no cgroup for them: it runs, and one line says why. tests/vm has the rest."""

import os
import unittest
from pathlib import Path

from tests.support.skiff import SkiffTest


def is_unified():
    """Has this host cgroup v2 alone?"""
    return os.path.exists("/sys/fs/cgroup/cgroup.controllers")


class WithoutCgroup(SkiffTest):
    """--pids-limit on a host with cgroup v1."""

    images = ["busybox"]

    def setUp(self):
        if is_unified():
            raise unittest.SkipTest("this host has cgroup v2: tests/vm tests limits")
        super().setUp()

    def test_typed_limit(self):
        """One line for a limit that was typed, at every start; none for what asks for no limit."""
        warning = ("Warning: --pids-limit is ignored: this host uses cgroup v1, limits need cgroup v2 alone: boot it with "
                   "systemd.unified_cgroup_hierarchy=1\n")
        self.assertEqual(self.skiff("run", "--rm", "--pids-limit", "9", "busybox", "true").stderr, warning)
        for options in ([], ["--pids-limit", "-1"], ["--pids-limit", "0"]):
            self.assertEqual(self.skiff("run", "--rm", *options, "busybox", "true").stderr, "")
        self.assertEqual(self.skiff("create", "--name", "c", "--pids-limit", "9", "busybox", "true").stderr, "")
        self.assertEqual(self.skiff("start", "c").stderr, warning)

    def test_inspect_tells_what_is_in_force(self):
        """A running container without a cgroup has no limit, whatever was asked for."""
        self.skiff("create", "--name", "c", "--pids-limit", "9", "busybox", "sleep", "1000")
        report = self.skiff("inspect", "c").json[0]
        self.assertEqual(report["HostConfig"]["PidsLimit"], 9)
        self.skiff("start", "c")
        report = self.skiff("inspect", "c").json[0]
        self.assertEqual(report["HostConfig"]["PidsLimit"], 0)
        self.assertEqual(report["State"]["CgroupPath"], "")
        self.assertEqual(report["HostConfig"]["CgroupParent"], "")
        pid = report["State"]["Pid"]
        self.assertEqual(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"),
                         Path("/proc/self/cgroup").read_text(encoding="utf-8"))

    def test_forged_record(self):
        """A record that names another cgroup than the container's own leads nowhere (CVE-2023-6476)."""
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        identity = self.skiff("inspect", "--format", "{{.Id}}", "c").word
        record = self.state_directories()["runtime"] / "containers" / identity / "cgroup"
        for path in ("/", "/user.slice", f"/../skiff-{identity}", f"/a/../skiff-{identity}", f"skiff-{identity}",
                     f"/skiff-{identity}.scope", f"/skiff-{'0' * 64}", f"/x//skiff-{identity}", f"/skiff-{identity}/.."):
            record.write_text(path, encoding="utf-8")
            self.assertEqual(self.skiff("inspect", "--format", "{{.State.CgroupPath}}", "c").word, "", path)
        record.write_text(f"/a/skiff-{identity}", encoding="utf-8")
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.CgroupPath}}", "c").word, f"/a/skiff-{identity}")
        self.assertEqual(self.skiff("rm", "-f", "-t", "0", "c").stderr, "")
