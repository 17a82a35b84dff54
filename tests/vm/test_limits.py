# SPDX-License-Identifier: Apache-2.0
"""Limits on cgroup v2: what is written into a payload's cgroup, update, pause, stats, and memory that runs out."""

import os
import signal
import time
from pathlib import Path

from tests.support.skiff import SLOWNESS, wait_for
from tests.support.guest_test import GuestTest, groups

MIB = 1 << 20
EATER = ["busybox", "tail", "/dev/zero"]  # takes memory until it is killed
ALL = ("--memory", "64m", "--memory-swap", "96m", "--memory-reservation", "32m", "--cpus", "0.5", "--cpu-shares", "512")


def text(path):
    """A file of a cgroup."""
    return path.read_text(encoding="ascii").strip()


class Files(GuestTest):
    """What stands in the files."""

    def test_memory_and_cpu(self):
        """Every limit that a login has controllers for; inspect tells them."""
        done = self.skiff("run", "-d", "--name", "c", *ALL, "busybox", "sleep", "1000")
        self.assertEqual(done.stderr, "")
        payload = self.payload("c")
        self.assertEqual(text(payload / "memory.max"), str(64 * MIB))
        self.assertEqual(text(payload / "memory.swap.max"), str(32 * MIB))
        self.assertEqual(text(payload / "memory.low"), str(32 * MIB))
        self.assertEqual(text(payload / "cpu.max"), "50000 100000")
        self.assertEqual(text(payload / "cpu.weight"), "20")
        self.assertEqual(text(payload / "pids.max"), "2048")
        self.assertEqual(text(payload.parent / "memory.max"), "max")
        host = self.inspect("c")["HostConfig"]
        self.assertEqual([host[key] for key in ("Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares")],
                         [64 * MIB, 96 * MIB, 32 * MIB, 500000000, 512])

    def test_update_running(self):
        """update changes the files at once, and what it does not name stays."""
        done = self.skiff("run", "-d", "--name", "c", *ALL, "busybox", "sleep", "1000")
        self.assertEqual(self.skiff("update", "--memory", "80m", "--pids-limit", "33", "c").stdout, done.stdout)
        payload = self.payload("c")
        self.assertEqual(text(payload / "memory.max"), str(80 * MIB))
        self.assertEqual(text(payload / "memory.swap.max"), str(80 * MIB))
        self.assertEqual(text(payload / "memory.low"), str(32 * MIB))
        self.assertEqual(text(payload / "pids.max"), "33")
        self.assertEqual(text(payload / "cpu.max"), "50000 100000")
        self.skiff("restart", "-t", "0", "c")
        payload = self.payload("c")
        self.assertEqual(text(payload / "memory.max"), str(80 * MIB))
        self.assertEqual(text(payload / "pids.max"), "33")
        failed = self.skiff("update", "--memory-swap", "20m", "c", check=False)
        self.assertEqual(failed.stderr, "Error: minimum memoryswap limit should be larger than memory limit, see usage\n")
        self.assertEqual(text(payload / "memory.swap.max"), str(80 * MIB))

    def test_update_brings_a_controller(self):
        """A container that had only a pids limit gets a quota."""
        self.skiff("run", "-d", "--name", "c", "--pids-limit", "9", "busybox", "sleep", "1000")
        self.assertFalse((self.payload("c") / "cpu.max").exists())
        self.assertEqual(self.skiff("update", "--cpus", "0.2", "c").stderr, "")
        self.assertEqual(text(self.payload("c") / "cpu.max"), "20000 100000")

    def test_update_holds_for_restarts(self):
        """The monitor starts it again with the limits it was given meanwhile, and with the new policy."""
        self.skiff("run", "-d", "--name", "c", "--pids-limit", "9", "busybox", "sh", "-c", "trap 'exit 3' USR1; while :; do sleep 0.1; done")
        self.skiff("update", "--pids-limit", "12", "--restart", "always", "c")
        self.assertEqual(self.inspect("c")["HostConfig"]["RestartPolicy"]["Name"], "always")
        self.skiff("kill", "-s", "USR1", "c")
        wait_for(lambda: self.inspect("c")["RestartCount"] == 1 and self.inspect("c")["State"]["Pid"], 10)
        self.assertEqual(text(self.payload("c") / "pids.max"), "12")
        self.skiff("stop", "-t", "0", "c")

    def test_update_stopped(self):
        """A container that does not run has the limits at its next start."""
        self.skiff("create", "--name", "c", "busybox", "sleep", "1000")
        self.skiff("update", "-m", "40m", "c")
        self.assertEqual(self.skiff("start", "c").stderr, "")
        self.assertEqual(text(self.payload("c") / "memory.max"), str(40 * MIB))

    def test_enabled(self):
        """--cgroups=enabled gives a cgroup without a limit; disabled none with one."""
        self.assertEqual(self.skiff("run", "-d", "--name", "c", "--cgroups", "enabled", "busybox", "sleep", "1000").stderr, "")
        self.assertEqual(text(self.payload("c") / "pids.max"), "2048")
        done = self.skiff("run", "-d", "--name", "d", "--cgroups", "disabled", "-m", "20m", "busybox", "sleep", "1000")
        self.assertEqual(done.stderr, "Warning: --memory is ignored: there is no cgroup with --cgroups=disabled\n")
        self.assertEqual(self.inspect("d")["State"]["CgroupPath"], "")

    def test_parent(self):
        """A slice of systemd's, and podman's words for anything else."""
        self.skiff("run", "-d", "--name", "c", "--cgroup-parent", "skifftest.slice", "busybox", "sleep", "1000")
        self.assertIn("/skifftest.slice/skiff-", str(self.payload("c")))
        self.skiff_fails("run", "--cgroup-parent", "/foo", "busybox", "true",
                         says="did not receive systemd slice as cgroup parent when using systemd to manage cgroups: invalid argument")

    def test_cpu_is_limited(self):
        """A tenth of a CPU is what a busy loop gets."""
        self.skiff("run", "-d", "--name", "c", "--cpus", "0.1", "busybox", "sh", "-c", "while :; do :; done")
        payload = self.payload("c")

        def used():
            return int(text(payload / "cpu.stat").split()[1])
        begin, before = time.monotonic(), used()
        time.sleep(3)
        share = (used() - before) / 1e6 / (time.monotonic() - begin)
        self.assertLess(share, 0.2)
        self.assertGreater(share, 0.02)


class RootFiles(Files):
    """As root, who has every controller."""

    user = "root"

    def test_cpuset_and_io(self):
        """cpuset and io."""
        device = next(Path("/dev") / path.name for path in Path("/sys/block").glob("vd*"))
        number = text(Path("/sys/block") / device.name / "dev")
        done = self.skiff("run", "-d", "--name", "c", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--device-read-bps", f"{device}:1mb",
                          "--device-write-iops", f"{device}:100", "--cgroup-conf", "memory.high=50000000", "busybox", "sleep", "1000")
        self.assertEqual(done.stderr, "")
        payload = self.payload("c")
        self.assertEqual(text(payload / "cpuset.cpus"), "0")
        self.assertEqual(text(payload / "cpuset.mems"), "0")
        self.assertEqual(text(payload / "io.max"), f"{number} rbps={MIB} wbps=max riops=max wiops=100")
        self.assertEqual(text(payload / "memory.high"), str(50000000 // 4096 * 4096))
        self.skiff("update", "--device-read-bps", f"{device}:2mb", "c")
        self.assertEqual(text(payload / "io.max"), f"{number} rbps={2 * MIB} wbps=max riops=max wiops=100")
        self.assertEqual(self.inspect("c")["HostConfig"]["BlkioDeviceReadBps"], [{"Path": str(device), "Rate": 2 * MIB}])

    def test_refused_by_the_kernel(self):
        """What the kernel does not take fails the start, by name, and leaves nothing."""
        self.skiff_fails("run", "--cgroup-conf", "memory.high=nonsense", "busybox", "true",
                         says="cannot write 'nonsense' to the cgroup's 'memory.high': Invalid argument")
        self.skiff("rm", "-fa")
        wait_for(lambda: not groups(), 3, message="the end of the scope")


class Undelegated(GuestTest):
    """A login has cpu, memory and pids; one line says how to get the others."""

    def test_one_line(self):
        """The limits that work are set, the others named, with the drop-in."""
        done = self.skiff("run", "-d", "--name", "c", "--cpuset-cpus", "0", "--blkio-weight", "100", "--memory", "64m", "busybox",
                          "sleep", "1000")
        self.assertEqual(done.stderr, "Warning: --blkio-weight, --cpuset-cpus are ignored: the controllers 'io', 'cpuset' are not "
                         "delegated to you: sudo mkdir -p /etc/systemd/system/user@.service.d && printf "
                         "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee "
                         "/etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload, then log in again\n")
        self.assertEqual(text(self.payload("c") / "memory.max"), str(64 * MIB))
        self.assertFalse((self.payload("c") / "cpuset.cpus").exists())


class OutOfMemory(GuestTest):
    """The kernel kills what takes too much, and it is recorded every time."""

    rounds = 10
    side_by_side = 10

    def test_recorded_every_time(self):
        """100 of 100: OOMKilled and 137 for each, and the event."""
        names = [f"o{i}" for i in range(self.side_by_side)]
        for _ in range(self.rounds):
            for name in names:
                self.skiff("run", "-d", "--name", name, "--network", "none", "-m", "12m", "--memory-swap", "12m", *EATER)
            self.assertEqual(self.skiff("wait", *names).stdout, "137\n" * len(names))
            told = self.skiff("inspect", "--format", "{{.State.OOMKilled}} {{.State.ExitCode}}", *names).stdout
            self.assertEqual(told, "true 137\n" * len(names))
            self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Status}}").stdout.count("Exited (137)"), len(names))
            self.skiff("rm", *names)
        events = self.skiff("events", "--stream=false", "--filter", "event=oom", "--format", "{{.Name}}").lines
        self.assertEqual(len([name for name in events if name in names]), self.rounds * self.side_by_side)

    def test_child(self):
        """A child that is killed: the container goes on, and says so; the next run begins anew."""
        self.skiff("run", "-d", "--name", "c", "-m", "12m", "--memory-swap", "12m", "busybox", "sh", "-c",
                   "[ -e /seen ] || tail /dev/zero; touch /seen; while :; do sleep 0.1; done")
        wait_for(lambda: self.inspect("c")["State"]["OOMKilled"], 20)
        self.assertEqual(self.inspect("c")["State"]["Status"], "running")
        self.skiff("stop", "-t", "0", "c")
        self.assertTrue(self.inspect("c")["State"]["OOMKilled"])
        self.skiff("start", "c")
        self.assertFalse(self.inspect("c")["State"]["OOMKilled"])

    def test_foreground_and_removed(self):
        """A --rm container in the foreground: its code, and the events in their order."""
        self.skiff_fails("run", "--rm", "--name", "gone", "-m", "12m", "--memory-swap", "12m", *EATER, code=137)
        told = self.skiff("events", "--stream=false", "--filter", "container=gone", "--format", "{{.Status}}").lines
        self.assertEqual(told[-3:], ["oom", "died", "remove"])

    def test_limit_of_update_kills(self):
        """A limit that comes with update counts, too, where there was no limit of memory."""
        self.skiff("run", "-d", "--name", "c", "--pids-limit", "9", "busybox", "sh", "-c",
                   "until [ -e /go ]; do sleep 0.1; done; exec tail /dev/zero")
        self.skiff("update", "-m", "12m", "--memory-swap", "12m", "c")
        self.skiff("exec", "c", "touch", "/go")
        self.assertEqual(self.skiff("wait", "c").word, "137")
        self.assertTrue(self.inspect("c")["State"]["OOMKilled"])

    def test_kill_is_no_oom(self):
        """137 alone is not out of memory."""
        self.skiff("run", "-d", "--name", "c", "-m", "20m", "busybox", "sleep", "1000")
        self.skiff("kill", "c")
        self.assertEqual(self.skiff("wait", "c").word, "137")
        self.assertFalse(self.inspect("c")["State"]["OOMKilled"])


class Pausing(GuestTest):
    """The freezer."""

    def counter(self, *options):
        """A container that counts into its log."""
        self.skiff("run", "-d", "--name", "c", *options, "busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done")
        wait_for(lambda: len(self.skiff("logs", "c").lines) > 2, 10)

    def test_stands_still(self):
        """Nothing moves while it is paused, and it goes on where it was."""
        self.counter("-m", "64m")
        self.assertEqual(self.skiff("pause", "c").stdout, "c\n")
        self.assertIn("frozen 1", text(self.payload("c") / "cgroup.events"))
        before = self.skiff("logs", "c").stdout
        time.sleep(1)
        self.assertEqual(self.skiff("logs", "c").stdout, before)
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Status}}").stdout, "Paused\n")
        self.assertEqual(self.skiff("unpause", "c").stdout, "c\n")
        wait_for(lambda: self.skiff("logs", "c").stdout != before, 10)
        self.assertEqual(self.skiff("exec", "c", "echo", "hi").stdout, "hi\n")

    def test_words(self):
        """What other verbs say to a paused container, in podman's words; it stays as it is."""
        self.counter("--cgroups=enabled")
        self.skiff("pause", "c")
        identity = self.inspect("c")["Id"]
        improper = "container state improper"
        for words, code, message in (
                (["exec", "c", "true"], 255, f"can only create exec sessions on running containers: {improper}"),
                (["stop", "c"], 125, f"container {identity} is running or paused, refusing to clean up: {improper}"),
                (["restart", "c"], 125, f"unable to restart a container in a paused or unknown state: {improper}"),
                (["start", "c"], 125, f'unable to start container "{identity}": container {identity} must be in Created or Stopped '
                                      f"state to be started: {improper}"),
                (["rm", "c"], 2, f"cannot remove container {identity} as it is paused - running or paused containers cannot be "
                                 f"removed without force: {improper}"),
                (["pause", "c"], 125, f'"{identity}" is already paused: {improper}')):
            self.assertEqual(self.skiff_fails(*words, code=code).stderr, f"Error: {message}\n")
        state = self.inspect("c")["State"]
        self.assertEqual((state["Status"], state["Paused"], state["Running"]), ("paused", True, False))
        self.assertEqual(self.skiff("ps", "-q").stdout, "")
        self.assertEqual(self.skiff("ps", "-aq", "--no-trunc", "--filter", "status=paused").word, identity)
        self.assertEqual(self.skiff("top", "c", "args").lines[0], "COMMAND")
        self.skiff("commit", "-q", "c", "frozen")
        self.skiff("cp", "/etc/hostname", "c:/copied")
        self.assertEqual(self.skiff("unpause", "--all").word, identity)
        self.assertEqual(self.skiff_fails("unpause", "c").stderr, f'Error: "{identity}" is not paused, can\'t unpause: {improper}\n')
        self.assertEqual(self.skiff("pause", "--all").word, identity)
        self.assertEqual(self.skiff("pause", "--all").stdout, "")
        told = self.skiff("events", "--stream=false", "--filter", f"container={identity}", "--format", "{{.Status}}").lines
        self.assertEqual([word for word in told if "pause" in word], ["pause", "unpause", "pause"])
        self.assertEqual(self.skiff_fails("pause", "nobody").stderr, 'Error: no container with name or ID "nobody" found: no such container\n')
        self.skiff("unpause", "c")
        self.assertEqual(self.skiff("exec", "c", "cat", "/copied").stdout, Path("/etc/hostname").read_text(encoding="ascii"))
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual(self.skiff_fails("pause", "c").stderr, f'Error: "exited" is not running, can\'t pause: {improper}\n')

    def test_monitor_killed(self):
        """What is frozen dies with its monitor all the same, and nothing is left."""
        for options in ([], ["--pid", "host"]):
            self.counter("--cgroups=enabled", *options)
            self.skiff("pause", "c")
            os.kill(self.inspect("c")["State"]["ConmonPid"], signal.SIGKILL)
            wait_for(lambda: self.inspect("c")["State"]["Status"] == "exited", 5)
            self.skiff("rm", "c")
            wait_for(lambda: not groups(), 5, message="the end of the scope")

    def test_commit_freezes(self):
        """commit freezes the cgroup and lets go: at its end, when it is killed, and not what was paused meanwhile."""
        self.counter("--cgroups=enabled")
        self.skiff("exec", "c", "dd", "if=/dev/urandom", "of=/big", "bs=1M", "count=48", timeout=120)
        events = self.payload("c") / "cgroup.events"
        for end in ("finish", "kill", "pause"):
            with self.subTest(end):
                process = self.start("commit", "-q", "c", end)
                wait_for(lambda: "frozen 1" in text(events) or process.poll() is not None, 30)
                self.assertIsNone(process.poll(), "the commit took no time")
                self.assertEqual(self.inspect("c")["State"]["Status"], "running")
                if end == "kill":
                    process.kill()
                elif end == "pause":
                    self.skiff("pause", "c")
                self.assertEqual(process.wait(120 * SLOWNESS), -signal.SIGKILL if end == "kill" else 0)
                process.communicate()
                if end == "pause":
                    time.sleep(1)
                    self.assertIn("frozen 1", text(events))
                    self.skiff("unpause", "c")
                wait_for(lambda: "frozen 0" in text(events), 10)
                before = self.skiff("logs", "c").stdout
                wait_for(lambda: self.skiff("logs", "c").stdout != before, 10)
        self.skiff("rmi", "-f", "finish", "pause")

    def test_health_waits(self):
        """No probe begins and none fails while it is paused; they go on behind it."""
        def log():
            return self.inspect("c")["State"]["Health"]["Log"]
        self.skiff("run", "-d", "--name", "c", "--cgroups=enabled", "--health-cmd", "true", "--health-interval", "1s",
                   "--health-retries", "1", "--health-timeout", "60s", "busybox", "sleep", "1000")
        wait_for(lambda: len(log()) > 1, 60)
        self.skiff("pause", "c")
        time.sleep(1)
        before = log()
        time.sleep(5)
        self.assertEqual(log(), before)
        self.skiff("unpause", "c")
        wait_for(lambda: log()[-1]["Start"] != before[-1]["Start"], 60)
        health = self.inspect("c")["State"]["Health"]
        self.assertEqual((health["Status"], health["FailingStreak"]), ("healthy", 0))

    def test_unit_stops(self):
        """A service manager's SIGTERM reaches what is frozen."""
        self.counter("--cgroups=enabled", "--stop-signal", "TERM")
        self.skiff("pause", "c")
        os.kill(self.inspect("c")["State"]["ConmonPid"], signal.SIGTERM)
        wait_for(lambda: self.inspect("c")["State"]["Status"] != "paused", 5)

    def test_without_a_cgroup(self):
        """Without a limit there is no freezer: what to do is said."""
        self.counter()
        failed = self.skiff_fails("pause", "c")
        self.assertIn("this container does not have a cgroup\n", failed.stderr)

    def test_rm_and_kill(self):
        """rm -f and kill do not wait for what is frozen."""
        self.counter("--cgroups=enabled")
        self.skiff("pause", "c")
        begin = time.monotonic()
        self.skiff("rm", "-f", "c")
        self.assertLess(time.monotonic() - begin, 8)
        self.counter("--cgroups=enabled")
        self.skiff("pause", "c")
        self.skiff("kill", "c")
        self.assertEqual(self.skiff("wait", "c").word, "137")


class RootPausing(Pausing):
    """As root."""

    user = "root"


class Stats(GuestTest):
    """What the cgroup counts."""

    def test_figures(self):
        """A limit is the limit, and no word of processes."""
        self.skiff("run", "-d", "--name", "c", "-m", "64m", "busybox", "sh", "-c", "sleep 1000 & wait")
        done = self.skiff("stats", "--no-stream", "--format", "{{.Name}}|{{.PIDS}}|{{.MemUsage}}|{{.NetIO}}", "c")
        self.assertEqual(done.stderr, "")
        name, pids, memory, network = done.stdout.strip().split("|")
        self.assertEqual((name, pids), ("c", "2"))
        self.assertRegex(memory, r"^[0-9.]+[kM]B / 67\.11MB$")
        self.assertRegex(network, r"B / [0-9.]+k?B$")
