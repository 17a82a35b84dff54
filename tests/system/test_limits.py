# SPDX-License-Identifier: Apache-2.0
"""Limits as they are typed, refused, recorded and told; what needs a cgroup is in tests/vm."""

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from tests.support.skiff import SkiffTest, wait_for
from tests.system.test_cgroup import is_unified

V1 = ("this host uses cgroup v1, limits need cgroup v2 alone: boot it with systemd.unified_cgroup_hierarchy=1\n")
HEADER = ("ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET IO", "BLOCK IO", "PIDS", "CPU TIME", "AVG CPU %")


class Words(SkiffTest):
    """What is refused, in podman's words."""

    images = ["busybox"]

    def test_refused(self):
        """The same by run, create and update; nothing is made."""
        rows = [
            (["-m", "abc"], "invalid value for memory: invalid size: 'abc'"),
            (["--memory-swap", "x"], "invalid value for memory: invalid size: 'x'"),
            (["--memory-reservation", "x"], "invalid value for memory: invalid size: 'x'"),
            (["--cpus", "x"], 'invalid argument "x" for "--cpus" flag: strconv.ParseFloat: parsing "x": invalid syntax'),
            (["--cpu-shares", "x"],
             'invalid argument "x" for "-c, --cpu-shares" flag: strconv.ParseUint: parsing "x": invalid syntax'),
            (["--cpu-quota", "x"], 'invalid argument "x" for "--cpu-quota" flag: strconv.ParseInt: parsing "x": invalid syntax'),
            (["--cpus", "1", "--cpu-period", "5000"], "--cpu-period and --cpus cannot be set together"),
            (["--cpus", "1", "--cpu-quota", "5000"], "--cpu-quota and --cpus cannot be set together"),
            (["--blkio-weight", "5"], "range of blkio weight is from 10 to 1000"),
            (["--device-read-bps", "/dev/nowhere:1mb"],
             "could not parse throttle device at /dev/nowhere: no such file or directory"),
            (["--device-write-iops", "x"], "bad format: x"),
            (["-m", "64m", "--memory-swap", "32m"], "minimum memoryswap limit should be larger than memory limit, see usage"),
        ]
        self.skiff("create", "--name", "there", "busybox", "true")
        for options, message in rows:
            for verb in ("run", "create"):
                failed = self.skiff_fails(verb, "--name", "x", *options, "busybox", "true")
                self.assertEqual(failed.stderr.partition("\n")[0], f"Error: {message}")
            failed = self.skiff_fails("update", *options, "there")
            self.assertEqual(failed.stderr.partition("\n")[0], f"Error: {message}")
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Names}}").stdout, "there\n")

    def test_only_on_version_1(self):
        """What cgroup v2 has not fails as podman's runtime does."""
        for verb in ("run", "create"):
            failed = self.skiff_fails(verb, "--memory-swappiness", "50", "busybox", "true", code=126)
            self.assertEqual(failed.stderr, "Error: cannot set memory swappiness with cgroupv2: OCI runtime error\n")
            failed = self.skiff_fails(verb, "--oom-kill-disable", "busybox", "true", code=126)
            self.assertEqual(failed.stderr, "Error: cannot disable OOM killer with cgroupv2: OCI runtime error\n")
        self.assertEqual(self.skiff("run", "--rm", "--memory-swappiness", "-1", "busybox", "echo", "hi").stdout, "hi\n")

    def test_parents(self):
        """A parent that leads elsewhere is refused (CVE-2023-6476)."""
        for parent in ("..", "../x", "/a/../b", "/a//b", "/../x.slice", "a b.slice", "a\nb", ".slice"):
            self.skiff_fails("create", "--cgroup-parent", parent, "busybox", "true", says="invalid cgroup parent")
        self.skiff_fails("create", "--cgroups", "x", "busybox", "true", says='invalid cgroup mode "x": invalid argument')
        self.skiff_fails("create", "--cgroup-conf", "cgroup.procs=1", "busybox", "true", says="is no file of a controller")
        self.skiff_fails("create", "--cgroup-conf", "../x.y=1", "busybox", "true", says="is no file of a controller")

    def test_score(self):
        """--oom-score-adj is the payload's; a user cannot go below his own."""
        own = int(Path("/proc/self/oom_score_adj").read_text(encoding="ascii"))
        done = self.skiff("run", "--rm", "--oom-score-adj", "777", "busybox", "cat", "/proc/self/oom_score_adj")
        self.assertEqual(done.stdout, "777\n")
        if os.geteuid() != 0:
            done = self.skiff("run", "--rm", "--oom-score-adj", "-900", "busybox", "cat", "/proc/self/oom_score_adj")
            self.assertEqual(int(done.stdout), max(own, -900))
        self.skiff("create", "--name", "c", "--oom-score-adj", "5", "busybox", "true")
        self.assertEqual(self.skiff("inspect", "--format", "{{.HostConfig.OomScoreAdj}}", "c").word, "5")


class Told(SkiffTest):
    """inspect tells what was asked for; update changes it and is kept."""

    images = ["busybox"]

    def host(self, name="c"):
        """HostConfig of a container."""
        return self.skiff("inspect", name).json[0]["HostConfig"]

    def test_inspect(self):
        """Docker's names for each limit."""
        self.skiff("create", "--name", "c", "-m", "64m", "--memory-reservation", "32m", "--cpus", "1.5", "-c", "512", "--cpuset-cpus",
                   "0", "--cpuset-mems", "0", "--blkio-weight", "500", "--cgroup-conf", "memory.high=1000000", "--cgroups", "enabled",
                   "--cgroup-parent", "x.slice", "busybox", "true")
        host = self.host()
        expected = {"Memory": 64 << 20, "MemorySwap": 128 << 20, "MemoryReservation": 32 << 20, "NanoCpus": 1500000000,
                    "CpuPeriod": 100000, "CpuQuota": 150000, "CpuShares": 512, "CpusetCpus": "0", "CpusetMems": "0",
                    "BlkioWeight": 500, "CgroupConf": {"memory.high": "1000000"}, "Cgroups": "enabled", "CgroupParent": "x.slice"}
        self.assertEqual({key: host[key] for key in expected}, expected)

    def test_update(self):
        """What update does not name stays; create.json stays as it was; the id is printed."""
        done = self.skiff("create", "--name", "c", "-m", "64m", "--cpus", "1", "busybox", "true")
        self.assertEqual(self.skiff("update", "-m", "128m", "--pids-limit", "7", "c").stdout, done.stdout)
        self.skiff("container", "update", "--restart", "on-failure:4", "c")
        host = self.host()
        self.assertEqual((host["Memory"], host["MemorySwap"], host["CpuQuota"], host["PidsLimit"], host["RestartPolicy"]),
                         (128 << 20, 256 << 20, 100000, 7, {"Name": "on-failure", "MaximumRetryCount": 4}))
        directory = self.state_directories()["store/containers"] / done.word
        self.assertEqual(json.loads((directory / "create.json").read_text())["resources"]["memory"]["limit"], 64 << 20)
        self.skiff("update", "c")
        self.assertEqual(self.host(), host)
        events = self.skiff("events", "--stream=false", "--filter", "event=update", "--format", "{{.ID}}").lines
        self.assertEqual(events.count(done.word), 3)

    def test_update_environment(self):
        """Variables for exec at once and for the next start; one that is set again keeps its place."""
        self.skiff("run", "-d", "--name", "c", "-e", "A=1", "-e", "B=2", "busybox", "sh", "-c", "echo $A-$B-$C; ulimit -n; exec sleep 1000")
        self.skiff("update", "-e", "A=9", "--env", "C=a=b", "--unsetenv", "B", "--ulimit", "nofile=100:200", "c")
        env = [line for line in self.skiff("inspect", "c").json[0]["Config"]["Env"] if line[:2] in ("A=", "B=", "C=")]
        self.assertEqual(env, ["A=9", "C=a=b"])
        self.assertIn({"Name": "RLIMIT_NOFILE", "Soft": 100, "Hard": 200}, self.host()["Ulimits"])
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "echo $A-$B-$C").stdout, "9--a=b\n")
        self.skiff("restart", "-t", "0", "c")
        self.assertEqual(wait_for(lambda: self.skiff("logs", "--tail", "2", "c").lines[1:] == ["100"]
                                  and self.skiff("logs", "--tail", "2", "c").lines, 5), ["9--a=b", "100"])
        self.skiff("update", "--ulimit", "nofile=50", "--ulimit", "core=0", "-e", "D", "c")
        limits = {limit["Name"]: limit["Soft"] for limit in self.host()["Ulimits"]}
        self.assertEqual((limits["RLIMIT_NOFILE"], limits["RLIMIT_CORE"]), (50, 0))
        self.assertIn("D=", self.skiff("inspect", "c").json[0]["Config"]["Env"])
        self.skiff_fails("update", "--ulimit", "nofile", "c", says='ulimit option "nofile" requires name=SOFT:HARD')

    def test_update_environment_reaches_restarts(self):
        """Runs that the monitor makes have the variables as they were last set, and HOSTNAME whatever was taken away."""
        self.skiff("run", "-d", "--name", "c", "--restart", "on-failure:3", "--network", "none", "-e", "A=1", "-e", "B=2", "busybox", "sh", "-c",
                   "echo $A-$B-$C-${HOSTNAME:+host}; while [ ! -e /go ]; do sleep 0.05; done; rm /go; exit 1")
        wait_for(lambda: self.skiff("logs", "c").lines == ["1-2--host"], 5)
        self.skiff("update", "-e", "A=9", "-e", "C=a=b", "--unsetenv", "B", "--unsetenv", "HOSTNAME", "c")
        self.skiff("exec", "c", "touch", "/go")
        wait_for(lambda: self.skiff("logs", "c").lines == ["1-2--host", "9--a=b-host"], 10)
        failed = self.skiff_fails("update", "-e", "A=" + "x" * 70000, "c")
        self.assertEqual(failed.stderr, "Error: more than 65536 bytes cannot change in a running container at once\n")
        self.skiff("exec", "c", "touch", "/go")
        wait_for(lambda: self.skiff("logs", "c").lines[2:] == ["9--a=b-host"], 10)

    def test_update_refused(self):
        """Nothing is recorded of what is refused."""
        self.skiff("create", "--name", "c", "-m", "64m", "busybox", "true")
        self.skiff_fails("update", "--restart", "nonsense", "c", says='"nonsense" is not a valid restart policy')
        self.skiff_fails("update", "--memory-reservation", "65m", "c",
                         says="minimum memory limit cannot be less than memory reservation limit, see usage")
        self.skiff_fails("update", "-m", "32m", "nobody", says='no container with name or ID "nobody" found: no such container')
        self.skiff_fails("update", "-m", "32m", says="accepts 1 arg(s), received 0")
        self.assertEqual((self.host()["Memory"], self.host()["RestartPolicy"]["Name"]), (64 << 20, "no"))
        self.skiff("create", "--name", "r", "--rm", "busybox", "true")
        self.skiff_fails("update", "--restart", "always", "r", says="the --rm option conflicts with --restart")

    def test_damaged_record(self):
        """A torn update.json is named, and the container can be removed."""
        done = self.skiff("create", "--name", "c", "busybox", "true")
        self.skiff("update", "-m", "32m", "c")
        path = self.state_directories()["store/containers"] / done.word / "update.json"
        for text in ("{", "[]", '{"v":1,"resources":5}', '{"v":1,"restart":"x"}', '{"v":1,"resources":{"unified":{"../x.y":"1"}}}'):
            path.write_text(text, encoding="utf-8")
            failed = self.skiff_fails("start", "c")
            self.assertIn("update.json", failed.stderr)
        path.write_text('{"v":2}', encoding="utf-8")
        self.skiff_fails("start", "c", says="update.json has version 2")
        self.skiff("rm", "c")

    def test_policy_of_a_running_one(self):
        """The monitor hears of another restart policy."""
        self.skiff("run", "-d", "--name", "c", "busybox", "sh", "-c", "trap 'exit 3' USR1; while :; do sleep 0.05; done")
        self.skiff("update", "--restart", "on-failure:1", "c")
        self.skiff("kill", "-s", "USR1", "c")
        wait_for(lambda: self.skiff("inspect", "--format", "{{.RestartCount}} {{.State.Running}}", "c").stdout == "1 true\n", 10)
        self.skiff("update", "--restart", "no", "c")
        self.skiff("kill", "-s", "USR1", "c")
        self.assertEqual(self.skiff("wait", "c").word, "3")


class WithoutCgroup(SkiffTest):
    """On a host with cgroup v1: it runs, and one line says what cannot be had."""

    images = ["busybox"]

    def setUp(self):
        if is_unified():
            raise unittest.SkipTest("this host has cgroup v2: tests/vm tests limits")
        super().setUp()

    def test_one_line(self):
        """All that was typed in one line; no word about what comes along with it."""
        done = self.skiff("run", "--rm", "-m", "64m", "--cpus", "1", "busybox", "true")
        self.assertEqual(done.stderr, f"Warning: --memory, --cpus are ignored: {V1}")
        done = self.skiff("run", "--rm", "--cpu-quota", "5000", "busybox", "true")
        self.assertEqual(done.stderr, f"Warning: --cpu-quota is ignored: {V1}")
        done = self.skiff("run", "--rm", "-m", "64m", "--memory-swap", "65m", "--cgroups", "split", "busybox", "true")
        self.assertEqual(done.stderr, f"Warning: --memory, --memory-swap, --cgroups=split are ignored: {V1}")
        done = self.skiff("run", "--rm", "-m", "64m", "--cgroups", "disabled", "busybox", "true")
        self.assertEqual(done.stderr, "Warning: --memory is ignored: there is no cgroup with --cgroups=disabled\n")

    def test_update_running(self):
        """A limit that cannot be had now is kept for a start where it can."""
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        self.assertEqual(self.skiff("update", "-m", "64m", "c").stderr, f"Warning: --memory is ignored: {V1}")
        self.assertEqual(self.skiff("inspect", "--format", "{{.HostConfig.Memory}}", "c").word, str(64 << 20))
        self.assertEqual(self.skiff("update", "--restart", "always", "c").stderr, "")

    def test_pause(self):
        """podman's words, before anything is looked for."""
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        why = "for cgroupv1 rootless containers" if os.geteuid() else "on a host with cgroup v1"
        self.skiff_fails("pause", says="you must provide at least one name or id")
        for words in (["c"], ["nobody"], ["--all"]):
            failed = self.skiff_fails("pause", *words)
            self.assertEqual(failed.stderr, f"Error: pause is not supported {why}\n")
            failed = self.skiff_fails("container", "unpause", *words)
            self.assertEqual(failed.stderr, f"Error: unpause is not supported {why}\n")
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}}", "c").word, "running")
        session = self.tty("pause", "c")
        session.expect(r"help: pausing needs cgroup v2 alone: boot this host with systemd\.unified_cgroup_hierarchy=1")


class Stats(SkiffTest):
    """What containers use; without a cgroup summed up over their processes, and said once."""

    images = ["busybox"]
    warning = "Warning: without a cgroup of its own, what a container uses is summed up over its processes\n"

    def test_table(self):
        """podman's columns; a busy container has used what it has used."""
        self.skiff("run", "-d", "--name", "busy", "busybox", "sh", "-c", "sleep 1000 & while :; do :; done")
        self.skiff("create", "--name", "idle", "busybox", "true")

        def used():
            return float(self.skiff("stats", "--no-stream", "--format", "{{.CPUNano}}", "busy").stdout)
        wait_for(lambda: used() > 2e8, 10)
        done = self.skiff("stats", "--no-stream")
        self.assertEqual(done.stderr, self.warning)
        header, row = done.stdout.splitlines()
        self.assertEqual(tuple(re.split(r"  +", header.strip())), HEADER)
        cells = re.split(r"  +", row.strip())
        self.assertEqual((cells[1], cells[7]), ("busy", "2"))
        self.assertGreater(float(cells[2].rstrip("%")), 5)
        self.assertRegex(cells[3], r"^[0-9.]+[kMG]B / [0-9.]+[GT]B$")
        self.assertRegex(cells[8], r"^[0-9.]+m?s$")
        self.assertEqual(len(self.skiff("stats", "--no-stream", "-a").lines), 3)

    def test_json_and_templates(self):
        """podman's keys are others than its fields."""
        done = self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        report = self.skiff("stats", "--no-stream", "--format", "json", "c").json
        self.assertEqual(list(report[0]), ["id", "name", "cpu_time", "cpu_percent", "avg_cpu", "mem_usage", "mem_percent", "net_io",
                                           "block_io", "pids"])
        self.assertEqual((report[0]["id"], report[0]["name"], report[0]["pids"]), (done.word[:12], "c", "1"))
        text = self.skiff("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.ContainerID}} {{.PIDS}}", "c").stdout
        self.assertEqual(text, f"{done.word} {done.word} 1\n")
        table = self.skiff("stats", "--no-stream", "--format", "table {{.Name}} {{.MemPerc}}", "c").lines
        self.assertRegex("\n".join(table), r"^NAME +MEM %\nc +[0-9.]+%$")

    def test_refused(self):
        """podman's words."""
        self.skiff("create", "--name", "c", "busybox", "true")
        self.skiff_fails("stats", "--no-stream", "-a", "c", says="--all, --latest and containers cannot be used together")
        self.skiff_fails("stats", "--no-stream", "-i", "0", says="invalid interval, must be a positive number greater zero")
        self.skiff_fails("stats", "--no-stream", "nobody", says='no container with name or ID "nobody" found: no such container')
        self.skiff_fails("stats", "--no-stream", "--format", "{{.Nonsense}}", "c", says="can't evaluate field Nonsense")
        done = self.skiff("stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}} {{.UpTime}} {{.MemUsage}}", "c")
        self.assertEqual((done.stdout, done.stderr), ("c 0.00% 0s 0B / 0B\n", ""))

    def test_live(self):
        """Again and again on a cleared screen; the line about the cgroup only once."""
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        session = self.tty("stats", "--interval", "1")
        session.expect(r"summed up over its processes")
        for _ in range(2):
            session.expect(r"\x1b\[2J\x1b\[1;1HID .*AVG CPU %\r\n[0-9a-f]{12}  c ")
        plain = self.start("stats", "--interval", "1", "--format", "{{.Name}}")
        self.assertEqual([plain.stdout.readline() for _ in range(2)], [b"c\n", b"c\n"])


class Frozen(SkiffTest):
    """The freezer needs no controller: as root, with cgroup v2 mounted for each command alone."""

    images = ["busybox"]

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("about root (run.py --as root)")
        super().setUpClass()
        wrapper = cls.base / "skiff"
        wrapper.write_text(
            "#!/bin/sh\nexec unshare -m sh -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec \"$0\" \"$@\"' "
            f"{cls.program} \"$@\"\n", encoding="utf-8")
        wrapper.chmod(0o755)
        cls.program = wrapper
        if os.path.isdir("/run/systemd/system"):
            raise unittest.SkipTest("this host has systemd: tests/vm tests pausing")

    def test_pause(self):
        """It stands still, goes on, and is removed while it stands."""
        self.skiff("run", "-d", "--name", "c", "busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done")
        wait_for(lambda: len(self.skiff("logs", "c").lines) > 2, 10)
        self.assertEqual(self.skiff("pause", "c").stdout, "c\n")
        before = self.skiff("logs", "c").stdout
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Status}}").stdout, "Paused\n")
        self.skiff_fails("exec", "c", "true", code=255)
        self.assertEqual(self.skiff("logs", "c").stdout, before)
        self.skiff("unpause", "c")
        wait_for(lambda: self.skiff("logs", "c").stdout != before, 10)
        self.skiff("pause", "c")
        self.assertLess(self.skiff("rm", "-f", "c").seconds, 5)

    def test_parent(self):
        """Without systemd a parent is a path, made where it is missing."""
        name = f"skifftest-{os.getpid()}"
        self.skiff("run", "-d", "--name", "c", "--cgroup-parent", f"/{name}/deep", "busybox", "sleep", "1000")
        identity = self.skiff("inspect", "--format", "{{.Id}}", "c").word
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.CgroupPath}}", "c").word, f"/{name}/deep/skiff-{identity}")
        done = self.skiff("stats", "--no-stream", "--format", "{{.PIDS}}", "c")
        self.assertEqual((done.stdout, done.stderr), ("1\n", ""))
        self.skiff("rm", "-f", "-t", "0", "c")
        subprocess.run(["unshare", "-m", "sh", "-c", "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && "
                        f"rmdir /sys/fs/cgroup/{name}/deep /sys/fs/cgroup/{name}"], check=True)

    def test_what_the_host_has_not(self):
        """One line for all controllers that are missing; the cgroup is made all the same."""
        top = subprocess.run(["unshare", "-m", "sh", "-c", "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && "
                              "cat /sys/fs/cgroup/cgroup.controllers"], check=True, capture_output=True, text=True).stdout.split()
        if {"memory", "cpu"} & set(top):
            raise unittest.SkipTest("this host has the controllers on cgroup v2")
        done = self.skiff("run", "-d", "--name", "c", "-m", "64m", "--cpus", "1", "busybox", "sleep", "1000")
        self.assertEqual(done.stderr, "Warning: --memory, --cpus are ignored: this host has no controllers 'memory', 'cpu' on cgroup "
                                      "v2: they are on v1 or were disabled when the host was booted\n")
        self.skiff("pause", "c")
