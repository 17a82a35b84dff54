# SPDX-License-Identifier: Apache-2.0
"""--pids-limit: a cgroup for the payload alone, in a scope or in our own unit, and nothing of it left."""

import os
import signal
import subprocess

from tests.support.skiff import SLOWNESS, wait_for
from tests.support.guest_test import GuestTest, cgroup_of, groups

# Doubles itself for as long as it can fork; pid 1 lives on, and reaps nothing.
BOMB = "b() { b | b & b; }; (b) & (b) & exec sleep 1000"


def number(path):
    """A number in a file of a cgroup."""
    return int(path.read_text(encoding="ascii"))


class Limits(GuestTest):
    """In a session: one scope for a container that asked for a limit."""

    slice = "user.slice"

    def test_scope_is_split(self):
        """payload/ is limited, supervisor/ with monitor and uplink is not."""
        done = self.skiff("run", "-d", "--name", "c", "--pids-limit", "20", "busybox", "sleep", "1000")
        self.assertEqual(done.stderr, "")
        report = self.inspect("c")
        scope = f"skiff-{done.word}.scope"
        payload = self.payload("c")
        self.assertEqual((payload.parent.name, payload.name), (scope, "payload"))
        self.assertEqual(payload.parents[1].name, self.slice)
        self.assertEqual(report["HostConfig"]["PidsLimit"], 20)
        self.assertEqual(report["HostConfig"]["CgroupParent"], self.slice)
        self.assertEqual(report["HostConfig"]["CgroupManager"], "systemd")
        self.assertEqual(number(payload / "pids.max"), 20)
        self.assertEqual((payload.parent / "pids.max").read_text(encoding="ascii"), "max\n")
        self.assertEqual((payload / "cgroup.procs").read_text(encoding="ascii").split(), [str(report["State"]["Pid"])])
        supervisor = (payload.parent / "supervisor/cgroup.procs").read_text(encoding="ascii").split()
        self.assertIn(str(report["State"]["ConmonPid"]), supervisor)
        self.assertEqual(len(supervisor), 2, "the monitor and its uplink")
        self.assertEqual((payload.parent / "cgroup.procs").read_text(encoding="ascii"), "")
        self.skiff("rm", "-f", "-t", "0", "c")
        wait_for(lambda: not groups(), 3, message="the end of the scope")

    def test_bomb_is_bounded(self):
        """A fork bomb stays in its limit; neighbours, the monitor and commands go on."""
        self.skiff("run", "-d", "--name", "neighbour", "busybox", "sleep", "1000")
        self.skiff("run", "-d", "--name", "bomb", "--pids-limit", "30", "busybox", "sh", "-c", BOMB)
        payload = self.payload("bomb")
        wait_for(lambda: "max 0\n" not in (payload / "pids.events").read_text(encoding="ascii"), 10,
                 message="a fork that was refused")
        seen = 0
        for _ in range(50):
            current = number(payload / "pids.current")
            self.assertLessEqual(current, 30)
            seen = max(seen, current)
        self.assertGreater(seen, 5)
        self.assertEqual(self.skiff("exec", "neighbour", "sh", "-c", "echo a | cat").stdout, "a\n")
        self.assertIn("bomb", self.skiff("ps").stdout)
        self.skiff("stop", "-t", "0", "bomb")
        self.assertEqual(self.skiff("wait", "bomb").word, "137")

    def test_exec_counts(self):
        """An exec session is in the payload's cgroup, and refused when that is full."""
        self.skiff("run", "-d", "--name", "c", "--pids-limit", "4", "busybox", "sleep", "1000")
        payload = self.payload("c")
        self.assertEqual(self.skiff("exec", "c", "cat", "/proc/self/cgroup").stdout, "0::/\n")
        self.skiff("exec", "-d", "c", "sleep", "1001")
        self.skiff("exec", "-d", "c", "sleep", "1002")
        wait_for(lambda: number(payload / "pids.current") == 3, 3, message="two sessions")
        self.assertEqual(len((payload / "cgroup.procs").read_text(encoding="ascii").split()), 3)
        failed = self.skiff("exec", "c", "true", check=False)
        self.assertEqual(failed.code, 125, str(failed))
        self.assertEqual(failed.stderr, "Error: cannot create a process in the container (is its limit reached?): "
                                        "Resource temporarily unavailable\n")
        self.assertEqual(self.inspect("c")["State"]["Status"], "running")

    def test_one(self):
        """The least limit: a program that does not fork runs; also where a helper makes it."""
        self.skiff("run", "--rm", "--pids-limit", "1", "busybox", "true")
        failed = self.skiff("run", "--rm", "--pids-limit", "1", "busybox", "sh", "-c", "(exit 0); echo forked", check=False)
        self.assertNotIn("forked", failed.stdout)
        self.skiff("run", "-d", "--name", "target", "busybox", "sleep", "1000")
        self.skiff("run", "--rm", "--pids-limit", "1", "--pid", "container:target", "busybox", "true")

    def test_none_asked(self):
        """Without a limit there is no scope and no word about it."""
        for options in ([], ["--pids-limit", "-1"], ["--pids-limit", "0"]):
            done = self.skiff("run", "-d", "--name", "c", *options, "busybox", "sleep", "1000")
            report = self.inspect("c")
            self.assertEqual(done.stderr, "")
            self.assertEqual(report["State"]["CgroupPath"], "")
            self.assertEqual(report["HostConfig"]["PidsLimit"], 0)
            self.assertEqual(cgroup_of(report["State"]["Pid"]), cgroup_of("self"))
            self.assertEqual(groups(), set())
            self.skiff("rm", "-f", "-t", "0", "c")

    def test_restarts(self):
        """Every run by the restart policy, and every start, has the limit."""
        self.skiff("run", "-d", "--name", "c", "--restart", "on-failure:1", "--pids-limit", "9", "busybox",
                   "sh", "-c", "if [ -e /seen ]; then exec sleep 1000; fi; touch /seen; exit 3")
        wait_for(lambda: self.inspect("c")["RestartCount"] == 1 and self.inspect("c")["State"]["Pid"], 10)
        self.assertEqual(number(self.payload("c") / "pids.max"), 9)
        for _ in range(3):
            self.skiff("restart", "-t", "0", "c")
            self.assertEqual(number(self.payload("c") / "pids.max"), 9)
        self.skiff("stop", "-t", "0", "c")
        report = self.inspect("c")
        self.assertEqual((report["State"]["CgroupPath"], report["HostConfig"]["PidsLimit"]), ("", 9))

    def test_created_and_started(self):
        """create keeps the limit for start."""
        self.skiff("create", "--name", "c", "--pids-limit", "11", "busybox", "sleep", "1000")
        self.assertEqual(self.inspect("c")["HostConfig"]["PidsLimit"], 11)
        self.assertEqual(self.skiff("start", "c").stderr, "")
        self.assertEqual(number(self.payload("c") / "pids.max"), 11)

    def test_failed_start(self):
        """A program that is not there leaves no cgroup."""
        self.skiff_fails("run", "--rm", "--pids-limit", "5", "busybox", "/missing", code=127)
        wait_for(lambda: not groups(), 3, message="the end of the scope")

    def test_leftovers_in_the_host_pid_namespace(self):
        """What a container leaves running goes with its cgroup."""
        done = self.skiff("run", "--rm", "--pid", "host", "--pids-limit", "9", "busybox", "sh", "-c",
                          "setsid sleep 4711 & sleep 0.2; echo ended")
        self.assertEqual(done.stdout, "ended\n")
        wait_for(lambda: not groups(), 3, message="the end of the scope")
        self.assertEqual(subprocess.run(["pgrep", "-f", "^sleep 4711"], check=False).returncode, 1)

    def test_monitor_killed(self):
        """The scope ends with its last process; the next command tells the end."""
        self.skiff("run", "-d", "--name", "c", "--pids-limit", "9", "busybox", "sleep", "1000")
        os.kill(self.inspect("c")["State"]["ConmonPid"], signal.SIGKILL)
        wait_for(lambda: self.inspect("c")["State"]["Status"] == "exited", 3)
        self.skiff("rm", "c")
        wait_for(lambda: not groups(), 3, message="the end of the scope")

    def test_monitor_killed_with_a_daemon(self):
        """Processes that outlived the monitor are killed by the next changing command."""
        self.skiff("run", "-d", "--name", "c", "--pid", "host", "--pids-limit", "9", "busybox", "sh", "-c",
                   "setsid sleep 4712 & exec sleep 1000")
        wait_for(lambda: subprocess.run(["pgrep", "-f", "^sleep 4712"], stdout=subprocess.DEVNULL, check=False).returncode == 0, 3)
        os.kill(self.inspect("c")["State"]["ConmonPid"], signal.SIGKILL)
        self.skiff("rm", "c")
        wait_for(lambda: not groups(), 3, message="the end of the scope")
        self.assertEqual(subprocess.run(["pgrep", "-f", "^sleep 4712"], check=False).returncode, 1)


class RootLimits(Limits):
    """The same as root, through the system's systemd."""

    user = "root"
    slice = "machine.slice"


class Delegated(GuestTest):
    """Started in a unit with Delegate=yes: our own subtree, and nobody is asked."""

    manager = ["--user"]

    def in_unit(self, script, name="skiff-test-unit"):
        """Run a shell script in such a unit; $S is skiff with its global options."""
        environment = [f"--setenv={key}={value}" for key, value in self.environment().items()]
        skiff = " ".join([str(self.program), *self.roots()])
        return self.shell("systemd-run", *self.manager, "--quiet", "--collect", "--wait", "--pipe", f"--unit={name}",
                          "--property=Delegate=yes", *environment, f"--setenv=S={skiff}", "sh", "-ec", script.replace("$", "$$"))

    def test_subtree(self):
        """Limits without a scope; the default limit, too; nothing left."""
        done = self.in_unit("""
            grep -o 'skiff-test-unit.*' /proc/self/cgroup
            $S run -d --name a --pids-limit 20 busybox sleep 1000 >/dev/null
            $S run -d --name b busybox sleep 1000 >/dev/null
            grep -o 'skiff-test-unit.*' /proc/self/cgroup
            for c in a b; do
                p=/sys/fs/cgroup$($S inspect --format '{{.State.CgroupPath}}' $c)
                cat $p/pids.max
                $S inspect --format '{{.HostConfig.PidsLimit}} {{.HostConfig.CgroupManager}}' $c
                test "$p" = "${p%/*}/skiff-$($S inspect --format '{{.Id}}' $c)"
            done
            $S rm -fa -t 0 >/dev/null
            ls -d ${p%/*}/*/ | xargs -n 1 basename
        """)
        self.assertEqual(done.stdout.split("\n"), [
            "skiff-test-unit.service", "skiff-test-unit.service/supervisor",
            "20", "20 cgroupfs", "2048", "2048 cgroupfs", "supervisor", ""])
        self.assertEqual(done.stderr, "")

    def test_split(self):
        """--cgroups=split divides the unit, too, and finds itself in it."""
        done = self.in_unit("""
            $S run -d --name c --cgroups split -m 64m busybox sleep 1000 >/dev/null
            p=/sys/fs/cgroup$($S inspect --format '{{.State.CgroupPath}}' c)
            cat $p/memory.max
            $S inspect --format '{{.HostConfig.Cgroups}}' c
            grep -o 'skiff-test-unit.*' /proc/self/cgroup
            $S rm -f -t 0 c >/dev/null
        """)
        self.assertEqual((done.stdout, done.stderr), ("67108864\nsplit\nskiff-test-unit.service/supervisor\n", ""))

    def test_limit_holds_for_exec(self):
        """An exec session from a login elsewhere is in the unit's payload, too."""
        unit = subprocess.Popen(["systemd-run", *self.manager, "--quiet", "--collect", "--wait", "--pipe", "--unit=skiff-test-exec",
                                 "--property=Delegate=yes",
                                 *[f"--setenv={key}={value}" for key, value in self.environment().items()],
                                 str(self.program), *self.roots(), "run", "--rm", "--name", "c", "--pids-limit", "5", "busybox",
                                 "sleep", "1000"], env=self.environment(), stdin=subprocess.DEVNULL)
        self.addCleanup(unit.wait)
        self.addCleanup(self.skiff, "rm", "-fa", "-t", "0")
        wait_for(lambda: self.skiff("ps", "-q").word and self.inspect("c")["State"]["CgroupPath"], 10)
        payload = self.payload("c")
        self.assertIn("skiff-test-exec.service/skiff-", str(payload))
        self.skiff("exec", "-d", "c", "sleep", "1001")
        wait_for(lambda: number(payload / "pids.current") == 2, 3)
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual(unit.wait(30 * SLOWNESS), 137)

    def test_stale_subtree(self):
        """What a killed monitor left in the unit goes with the next changing command."""
        done = self.in_unit("""
            $S run -d --name c --pids-limit 20 busybox sleep 1000 >/dev/null
            p=/sys/fs/cgroup$($S inspect --format '{{.State.CgroupPath}}' c)
            kill -9 $($S inspect --format '{{.State.ConmonPid}}' c)
            test -d $p
            $S run --rm busybox true
            test ! -e $p
            echo gone
        """)
        self.assertEqual(done.stdout, "gone\n")

    def test_unit_ends(self):
        """The end of the unit is told to its containers, and their cgroups go with it."""
        # Pid 1 does not hear a signal before its trap stands.
        self.in_unit("""
            $S run -d --name c busybox sh -c 'trap exit TERM; echo ready; sleep 1000 & wait' >/dev/null
            until $S logs c | grep -q ready; do sleep 0.1; done
        """)
        wait_for(lambda: not groups(), 5, message="the end of the unit")
        self.assertEqual(self.inspect("c")["State"]["Status"], "exited")


class RootDelegated(Delegated):
    """The same in units of the system."""

    user = "root"
    manager = []


class WithoutSession(GuestTest):
    """A user whom no systemd serves: it works, and one line says what is missing."""

    user = "root"
    images = []

    def test_one_line(self):
        """The limit that was typed is named with what helps; a plain run says nothing."""
        subprocess.run(["useradd", "--create-home", "lone"], check=True)
        self.addCleanup(subprocess.run, ["userdel", "--remove", "--force", "lone"], check=True, stderr=subprocess.DEVNULL)

        def lone(*arguments):
            return subprocess.run(["setpriv", "--reuid=lone", "--regid=lone", "--init-groups", "env", "-i", "HOME=/home/lone",
                                   "PATH=/usr/bin:/bin", str(self.program), *arguments], cwd="/", capture_output=True,
                                  text=True, check=True)
        lone("load", "-q", "-i", "/skiff/busybox.tar")
        done = lone("run", "--rm", "--pids-limit", "5", "busybox", "echo", "works")
        self.assertEqual(done.stdout, "works\n")
        self.assertEqual(done.stderr, "Warning: --pids-limit is ignored: there is no systemd session of yours that could "
                                      "limit it: log in as 'lone', or run: sudo loginctl enable-linger lone\n")
        self.assertEqual(lone("run", "--rm", "busybox", "echo", "works").stderr, "")


class Escapes(GuestTest):
    """The payload and its cgroup file system."""

    def test_read_only_and_rooted(self):
        """It sees its own cgroup as the root, and cannot change it."""
        done = self.skiff("run", "--rm", "--pids-limit", "9", "busybox", "sh", "-c",
                          "cat /proc/self/cgroup /sys/fs/cgroup/pids.max; echo 99 >/sys/fs/cgroup/pids.max;"
                          "mkdir /sys/fs/cgroup/x; echo 1 >/sys/fs/cgroup/cgroup.procs", check=False)
        self.assertEqual(done.stdout, "0::/\n9\n")
        self.assertEqual(done.stderr.count("Read-only file system"), 3, str(done))


class RootEscapes(Escapes):
    """As root, who can have a cgroup file system to write to."""

    user = "root"

    def test_nested_groups_go_too(self):
        """What a payload made below its cgroup goes with it."""
        self.skiff("run", "--rm", "--privileged", "--pids-limit", "30", "busybox", "sh", "-c",
                   "mount -o remount,rw /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/a/b/c /sys/fs/cgroup/d")
        wait_for(lambda: not groups(), 3, message="the end of the scope")
