# SPDX-License-Identifier: Apache-2.0
"""A pod's limits: one cgroup for all members, in a session, as root, and with each member in a unit of its own."""

import os
import signal
from pathlib import Path

from tests.support.guest_test import CGROUPS, GuestTest, cgroup_of, groups
from tests.support.skiff import wait_for

MIB = 1 << 20


def text(path):
    """A file of a cgroup."""
    return path.read_text(encoding="ascii").strip()


class PodLimits(GuestTest):
    """Started from a login, whose processes the kernel lets nobody move: monitors go to scopes."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.skiff, "pod", "rm", "--all", "--force", "--time", "0")

    def member(self, name, *options, command=("sleep", "1000"), pod="p"):
        done = self.skiff("run", "-d", "--pod", pod, "--name", name, "--stop-timeout", "0", *options, "busybox", *command)
        self.assertEqual(done.stderr, "")
        return done.word

    def pod(self):
        return self.skiff("pod", "inspect", "p").json[0]

    def shared(self):
        """The directory of the pod's cgroup."""
        return CGROUPS / self.pod()["CgroupPath"][1:]

    def assert_in(self, *names):
        """These members, and nobody else, are in the pod's cgroup."""
        shared = self.shared()
        self.assertEqual({self.payload(name).parent for name in names}, {shared})
        self.assertEqual({path.name for path in shared.iterdir() if path.is_dir()},
                         {"infra", *(f"skiff-{self.inspect(name)['Id']}" for name in names)})
        for name in names:
            pid, monitor = (self.inspect(name)["State"][key] for key in ("Pid", "ConmonPid"))
            self.assertEqual(CGROUPS / cgroup_of(pid), self.payload(name))
            self.assertNotIn(shared, (CGROUPS / cgroup_of(monitor)).parents)
        infra = self.inspect(self.pod()["InfraContainerID"])
        self.assertEqual(CGROUPS / cgroup_of(infra["State"]["Pid"]), shared / "infra")
        self.assertEqual(text(shared / "cgroup.procs"), "")

    def test_one_cgroup_with_the_limits(self):
        """The files, what inspect says, a stop, a start and a restart, and a limit that changes."""
        self.skiff("pod", "create", "--name", "p", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "30")
        self.assertNotIn("CgroupPath", self.pod())
        self.member("a")
        self.member("b", "--memory", "32m", "--cgroups", "enabled")
        for _ in range(2):
            self.assert_in("a", "b")
            shared = self.shared()
            self.assertEqual([text(shared / name) for name in ("memory.max", "cpu.max", "pids.max")],
                             [str(64 * MIB), "50000 100000", "30"])
            self.assertEqual([text(self.payload(name) / "memory.max") for name in "ab"], ["max", str(32 * MIB)])
            self.assertEqual([text(self.payload(name) / "pids.max") for name in "ab"], ["2048", "2048"])
            self.skiff("pod", "stop", "p")
            wait_for(lambda: not groups(), 60, message="the end of the pod's cgroups")
            self.skiff("pod", "start", "p")
        report = self.pod()
        self.assertEqual([report[key] for key in ("CreateCgroup", "memory_limit", "cpu_quota", "cpu_period")],
                         [True, 64 * MIB, 50000, 100000])
        self.skiff("restart", "-t", "0", "a")
        self.assert_in("a", "b")
        self.skiff("update", "--memory", "80m", report["InfraContainerID"])
        self.assertEqual(text(self.shared() / "memory.max"), str(80 * MIB))
        self.skiff("rm", "-f", "a")
        wait_for(lambda: len([path for path in self.shared().iterdir() if path.is_dir()]) == 2, 60)
        self.assert_in("b")

    def test_memory_and_processes_are_counted_together(self):
        """Who takes the pod's memory is killed; processes of one member are missing to the other."""
        self.skiff("pod", "create", "--name", "p", "--memory", "64m", "--pids-limit", "12")
        self.member("quiet")
        eater = self.skiff("run", "--pod", "p", "--name", "eater", "busybox", "tail", "/dev/zero", check=False)
        self.assertEqual(eater.code, 137, str(eater))
        self.assertTrue(self.inspect("eater")["State"]["OOMKilled"])
        self.assertEqual(self.inspect("quiet")["State"]["Status"], "running")
        self.member("many", command=("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait"))
        wait_for(lambda: text(self.shared() / "pids.current") == "11", 60)
        failed = self.skiff("exec", "quiet", "sh", "-c", "sleep 0 & sleep 0 & wait", check=False)
        self.assertNotEqual(failed.code, 0)
        self.assertRegex(failed.stderr, "can't fork|Resource temporarily unavailable")

    def test_share_parent_false(self):
        """Members are not held by what the infra container is limited to."""
        self.skiff("pod", "create", "--name", "p", "--memory", "64m", "--share-parent=false")
        self.member("a")
        self.assertEqual(self.inspect("a")["State"]["CgroupPath"], "")
        self.assertFalse(self.pod()["CreateCgroup"])

    def test_restart_policy(self):
        """The monitor starts a member again in the pod's cgroup."""
        self.skiff("pod", "create", "--name", "p", "--pids-limit", "30")
        self.member("a", "--restart", "on-failure:1", command=("sh", "-c", "if [ -e /seen ]; then exec sleep 1000; fi; touch /seen; exit 3"))
        wait_for(lambda: self.inspect("a")["RestartCount"] == 1 and self.inspect("a")["State"]["Pid"], 60)
        self.assert_in("a")

    def test_infra_monitor_killed(self):
        """Who is in the pod's cgroup ends with it; pod start brings all back."""
        self.skiff("pod", "create", "--name", "p", "--pids-limit", "30")
        self.member("a")
        os.kill(self.inspect(self.pod()["InfraContainerID"])["State"]["ConmonPid"], signal.SIGKILL)
        self.skiff("run", "--rm", "busybox", "true")
        wait_for(lambda: self.inspect("a")["State"]["Status"] == "exited", 60)
        wait_for(lambda: not groups(), 60, message="the end of the pod's cgroups")
        self.skiff("pod", "start", "p")
        self.assert_in("a")


class RootPodLimits(PodLimits):
    """As root, who may move every process: what that changes."""

    user = "root"
    test_share_parent_false = test_restart_policy = test_infra_monitor_killed = None


class Units(GuestTest):
    """A .pod file and its members' units, all of a user manager."""

    def systemctl(self, *words):
        return self.shell("systemctl", "--user", *words)

    def test_quadlet(self):
        """Members are in the pod's cgroup, their monitors in their units; nothing stays."""
        files, units = self.home / "files", Path.home() / ".config/systemd/user"
        for directory in (files, units):
            directory.mkdir(parents=True, exist_ok=True)
        common = f"GlobalArgs={' '.join(self.roots())}\n"
        service = "[Service]\n" + "".join(f'Environment="{key}={value}"\n' for key, value in self.environment().items())
        (files / "p.pod").write_text(f"[Pod]\nPodName=p\nMemory=64m\nPidsLimit=40\n{common}{service}", encoding="utf-8")
        for name in "xy":  # of one alone a restart would be the pod's end
            (files / f"{name}.container").write_text(f"[Container]\nImage=localhost/busybox\nContainerName={name}\nPod=p.pod\nStopTimeout=0\n"
                                                     f"Exec=sleep 1000\n{common}{service}", encoding="utf-8")
        generator = self.program.parents[1] / "libexec/skiff/skiff-quadlet"
        self.shell(str(generator), "-user", "-no-kmsg-log", *[str(units)] * 3, QUADLET_UNIT_DIRS=str(files))
        self.addCleanup(self.systemctl, "daemon-reload")
        for name in ("p-pod.service", "x.service", "y.service"):
            self.addCleanup((units / name).unlink)
        self.systemctl("daemon-reload")
        self.addCleanup(self.systemctl, "stop", "p-pod")
        self.systemctl("start", "p-pod")
        try:
            wait_for(lambda: self.shell("systemctl", "--user", "show", "-P", "ActiveState", "x", "y").stdout.split() == ["active"] * 2, 60)
        except AssertionError:
            self.fail(self.shell("journalctl", "--user", "-n", "60", "--no-pager").stdout)
        shared = CGROUPS / self.skiff("pod", "inspect", "-f", "{{.CgroupPath}}", "p").word[1:]
        self.assertEqual(shared.parent.name, "p-pod.service")
        self.assertEqual([text(shared / name) for name in ("memory.max", "pids.max")], [str(64 * MIB), "40"])
        self.assertEqual(self.payload("x").parent, shared)
        self.assertEqual(Path(cgroup_of(self.inspect("x")["State"]["ConmonPid"])).name, "x.service")
        self.systemctl("restart", "x")
        self.assertEqual(self.payload("x").parent, shared)
        self.systemctl("stop", "p-pod")
        wait_for(lambda: not groups(), 60, message="the end of the pod's cgroups")
        self.assertEqual(self.skiff("pod", "ps", "-q").lines, [])
        self.assertEqual(self.shell("systemctl", "--user", "show", "-P", "Result", "p-pod", "x", "y").stdout.split(), ["success"] * 3)
