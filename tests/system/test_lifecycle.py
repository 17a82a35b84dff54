# SPDX-License-Identifier: Apache-2.0
"""Looking after containers: ps, exec, logs, stop, kill, rm, start, restart, wait, inspect, top, port."""

import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest
from datetime import datetime
from functools import partial

from tests.support.skiff import EXITS_ARE_TOLD, SLOWNESS, SkiffTest, Tty, read_text, sub_ids, wait_for, watches


class Lifecycle(SkiffTest):
    images = ["busybox"]

    def sleeper(self, name="c", *options):
        return self.skiff("run", "-d", "--name", name, *options, "busybox", "sleep", "1000").word

    def test_ps_shows_running_only(self):
        self.sleeper("up")
        self.skiff("create", "--name", "made", "busybox", "true")
        self.skiff("run", "--name", "done", "busybox", "true")
        self.assertEqual(self.skiff("ps", "--format", "{{.Names}}").lines, ["up"])
        self.assertEqual(sorted(self.skiff("ps", "-a", "--format", "{{.Names}}").lines), ["done", "made", "up"])
        head = self.skiff("ps").lines[0].split("  ")
        self.assertEqual([h.strip() for h in head if h.strip()],
                         ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"])
        states = dict(line.split("=") for line in self.skiff("ps", "-a", "--format", "{{.Names}}={{.State}}").lines)
        self.assertEqual(states, {"done": "exited", "made": "created", "up": "running"})
        status = dict(line.split("=") for line in self.skiff("ps", "-a", "--format", "{{.Names}}={{.Status}}").lines)
        self.assertRegex(status["up"], r"^Up .*second")
        self.assertRegex(status["done"], r"^Exited \(0\) .* ago$")
        self.assertEqual(status["made"], "Created")

    def test_ps_filters(self):
        self.sleeper("one", "--label", "tier=web")
        self.sleeper("two")
        self.assertEqual(self.skiff("ps", "--filter", "label=tier=web", "--format", "{{.Names}}").lines, ["one"])
        self.assertEqual(self.skiff("ps", "--filter", "name=tw", "--format", "{{.Names}}").lines, ["two"])
        self.assertEqual(self.skiff("ps", "-a", "--filter", "status=exited", "-q").lines, [])
        self.skiff("ps", "--filter", "nonsense=1", code=125)

    def test_ps_json(self):
        ident = self.sleeper("one")
        rows = self.skiff("ps", "--format", "json").json
        self.assertEqual(rows[0]["Id"], ident)
        self.assertEqual(rows[0]["Names"], ["one"])

    def test_name_and_id_resolution(self):
        ident = self.sleeper("named")
        for name in (ident, ident[:12], ident[:4], "named"):
            self.assertEqual(self.skiff("inspect", "--format", "{{.Id}}", name).word, ident)
        done = self.skiff("stop", "absent", code=125)
        self.assertEqual(done.stderr.splitlines()[0], 'Error: no container with name or ID "absent" found: no such container')
        self.skiff("container", "exists", "named")
        self.skiff("container", "exists", "absent", code=1)

    def test_exec(self):
        self.sleeper()
        done = self.skiff("exec", "c", "sh", "-c", "echo out; echo err >&2; exit 9", code=9)
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))
        self.assertEqual(self.skiff("exec", "-i", "c", "cat", input="through\n").stdout, "through\n")
        self.assertEqual(self.skiff("exec", "-e", "A=b", "-w", "/tmp", "c", "sh", "-c", "echo $A $PWD").word, "b /tmp")
        self.skiff("exec", "c", "no-such-program", code=127)
        self.skiff("exec", "c", "/etc", code=126)
        self.skiff("exec", "-d", "c", "touch", "/made")
        wait_for(lambda: self.skiff("exec", "c", "test", "-e", "/made", check=False).code == 0)

    def test_exec_as_user(self):
        self.need_ids()
        self.sleeper()
        self.assertEqual(self.skiff("exec", "-u", "7", "c", "id", "-u").word, "7")

    def test_several_stop_side_by_side(self):
        """Each ignores its stop signal: together they take the time of one."""
        names = ["one", "two", "three"]
        for verb, left in (("stop", 3), ("restart", 3), ("rm", 0)):
            for name in names:
                self.skiff("rm", "-f", "-i", "-t", "0", name)
                self.skiff("run", "-d", "--name", name, "busybox", "sleep", "1000")
            done = self.skiff(verb, *(["-f"] if verb == "rm" else []), "-t", "3", *names)
            self.assertEqual(done.lines, names)
            self.assertGreaterEqual(done.seconds, 2.9)
            self.assertLess(done.seconds, 8)
            self.assertEqual(len(self.skiff("ps", "-aq").lines), left)
        self.skiff("rm", "-fa", "-t", "0")

    def test_exec_where_namespaces_are_the_hosts(self):
        kinds = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "cgroupns": "cgroup"}
        for option, name in [*kinds.items(), ("all", None)]:
            with self.subTest(option):
                options = [f"--{one}=host" for one in kinds] if name is None else [f"--{option}=host"]
                self.skiff("run", "-d", "--name", "shares", *options, "busybox", "sleep", "1000")
                for one in kinds.values() if name is None else [name]:
                    inside = self.skiff("exec", "shares", "readlink", f"/proc/self/ns/{one}").word
                    self.assertEqual(inside, os.readlink(f"/proc/self/ns/{one}"))
                self.skiff("rm", "-f", "-t", "0", "shares")

    def test_exec_in_a_stopped_container(self):
        self.skiff("create", "--name", "still", "busybox", "true")
        done = self.skiff("exec", "still", "true", code=255)
        self.assertIn("container state improper", done.stderr)

    def test_exec_with_a_terminal(self):
        self.sleeper()
        terminal = Tty([str(self.program), *self.roots(), "exec", "-it", "c", "sh"], self.environment(), self.home)
        self.addCleanup(terminal.close)
        terminal.expect(r"[#$] ")
        terminal.send("tty; stty size\n")
        terminal.expect(r"/dev/pts/\d+")
        terminal.expect("24 80")
        terminal.send("exit 3\n")
        self.assertEqual(terminal.wait(), 3)

    def test_exec_has_the_containers_privileges(self):
        self.sleeper("c", "--cap-drop", "all")
        status = self.skiff("exec", "c", "cat", "/proc/self/status").stdout
        fields = dict(line.split(":", 1) for line in status.splitlines())
        self.assertEqual(int(fields["CapEff"], 16), 0)
        self.assertEqual(fields["Seccomp"].strip(), "2")

    def test_logs(self):
        self.skiff("run", "--name", "c", "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; printf unfinished")
        self.assertEqual(self.skiff("logs", "c").stdout, "".join(f"line {i}\n" for i in range(1, 6)) + "unfinished")
        self.assertEqual(self.skiff("logs", "--tail", "2", "c").stdout.split(), ["line", "5", "unfinished"])
        self.assertRegex(self.skiff("logs", "-t", "--tail", "1", "c").stdout, r"^\d{4}-\d\d-\d\dT[0-9:.]+\S* unfinished")
        self.assertEqual(self.skiff("logs", "--since", "1h", "--until", "30m", "c").lines, self.skiff("logs", "c").lines)
        self.assertEqual(self.skiff("logs", "--until", "2020-01-01", "c").stdout, "")

    def test_logs_follow(self):
        self.skiff("run", "-d", "--name", "c", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")
        self.assertEqual(self.skiff("logs", "-f", "c").lines, ["1", "2", "3"])

    def trapping(self, name, trap, *options):
        """A container whose program has set its trap: before that pid 1 loses every signal."""
        self.skiff("run", "-d", "--name", name, *options, "busybox", "sh", "-c",
                   f"trap {trap}; echo ready; while :; do sleep 0.1; done")
        wait_for(lambda: self.skiff("logs", name).word == "ready", message="the trap")

    def test_stop_kill_and_codes(self):
        self.trapping("polite", "'exit 7' TERM")
        self.skiff("stop", "polite")
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.ExitCode}}", "polite").word, "7")
        self.trapping("stubborn", "'' TERM", "--stop-timeout", "1")
        self.skiff("stop", "stubborn")
        self.assertEqual(self.skiff("wait", "stubborn").word, "137")
        self.sleeper("victim")
        self.skiff("kill", "victim")
        self.assertEqual(self.skiff("wait", "victim").word, "137")
        done = self.skiff("kill", "victim", code=125)
        self.assertIn("can only kill running containers", done.stderr)

    def test_stop_signal(self):
        self.trapping("usr", "'exit 4' USR1", "--stop-signal", "USR1")
        self.skiff("stop", "usr")
        self.assertEqual(self.skiff("wait", "usr").word, "4")

    def test_start_restart_keep_files(self):
        self.skiff("create", "--name", "c", "busybox", "sh", "-c", "echo run >> /count; sleep 1000")
        self.assertEqual(self.skiff("start", "c", "c").lines, ["c", "c"])
        wait_for(lambda: self.skiff("exec", "c", "cat", "/count", check=False).lines == ["run"])
        self.skiff("restart", "-t", "0", "c")
        wait_for(lambda: self.skiff("exec", "c", "cat", "/count", check=False).lines == ["run", "run"])
        done = self.skiff("rm", "c", code=2)
        self.assertIn("container state improper", done.stderr)
        self.skiff("rm", "-f", "-t", "0", "c")

    def test_start_attached(self):
        self.skiff("create", "--name", "c", "busybox", "sh", "-c", "echo attached; exit 6")
        done = self.skiff("start", "-a", "c", code=6)
        self.assertEqual(done.stdout, "attached\n")

    def test_start_right_after_wait(self):
        """The code is known before the monitor is gone; a start must not trip over its last moments."""
        self.skiff("create", "--name", "c", "busybox", "echo", "hi")
        for _ in range(60):
            self.skiff("start", "c")
            self.assertEqual(self.skiff("wait", "c").word, "0")
        self.assertEqual(self.skiff("logs", "c").lines, ["hi"] * 60)

    def test_stopping(self):
        self.skiff("run", "-d", "--name", "c", "busybox", "sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done")
        wait_for(lambda: self.skiff("logs", "c").lines == ["deaf"], 60, message="the trap")
        watch = self.start("wait", "--condition", "stopping", "c")
        stop = self.start("stop", "-t", "600", "c")
        self.assertEqual(watch.communicate(timeout=60 * SLOWNESS)[0], b"-1\n")
        self.assertEqual(self.skiff("ps", "--filter", "status=stopping", "--format", "{{.Names}} {{.State}} {{.Status}}").lines,
                         ["c stopping Stopping"])
        self.assertEqual(self.skiff("ps", "-aq", "--filter", "status=running").lines, [])
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}} {{.State.Running}}", "c").word, "stopping true")
        self.assertEqual(self.skiff("exec", "c", "echo", "yes").word, "yes")
        self.skiff("kill", "c")
        self.assertEqual(stop.wait(60 * SLOWNESS), 0)
        self.assertEqual(self.skiff("wait", "--condition", "stopping", "c").word, "137")

    def test_start_while_the_last_monitor_ends(self):
        """Its end may be on the record while it still holds its lock and its run.json."""
        ident = self.skiff("create", "--name", "c", "busybox", "echo", "hi").word
        run = self.runtime / "skiff/containers" / ident
        self.skiff("start", "c")
        self.skiff("wait", "c")
        # The wait and the monitor both clean up: the slower one would remove what is made below.
        wait_for(lambda: not run.exists() and not self.processes(), 60, message="the end of the clean-up")
        run.mkdir(mode=0o700)
        (run / "run.json").write_text(json.dumps({"v": 1, "monitor": {"pid": 1, "start": 1}, "init": {"pid": 1, "start": 1}}))
        with open(run / "life", "w", encoding="ascii") as life:
            fcntl.lockf(life, fcntl.LOCK_EX)
            self.assertEqual(self.skiff("ps", "-aq", "--filter", "status=exited", "--no-trunc").lines, [ident])
            self.skiff("container", "cleanup", "c")
            self.assertTrue((run / "life").exists())
            start = self.start("start", "c")
            wait_for(lambda: start.poll() is not None or self.is_locked(run / "op"), 60, message="the start")
        self.assertEqual(start.wait(60 * SLOWNESS), 0)
        self.assertEqual(self.skiff("wait", "c").word, "0")
        self.assertEqual(self.skiff("logs", "c").lines, ["hi", "hi"])

    @staticmethod
    def processes():
        """Names of skiff's processes; each test module has a pid namespace of its own."""
        names = []
        for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
            try:
                names.append(path.read_text(encoding="ascii").strip())
            except OSError:
                pass  # it has just ended
        return [name for name in names if name.startswith("skiff")]

    @staticmethod
    def is_locked(path):
        try:
            with open(path, "r+", encoding="ascii") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def test_restart_policy_starts_nothing_that_was_stopped(self):
        """A container that shares the network of another: its policy is about itself."""
        self.sleeper("other")
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "--network", "container:other", "busybox", "sleep", "1000")
        self.skiff("stop", "-t", "0", "other")
        state = self.skiff("inspect", "c").json[0]["State"]
        os.kill(state["Pid"], signal.SIGKILL)
        wait_for(lambda: not read_text(f"/proc/{state['ConmonPid']}/cmdline"), 60, message="the end of the monitor and its clean-up")
        self.assertEqual(self.skiff("ps", "--format", "{{.Names}}").lines, [])

    def test_restart_policy_follows_one_that_waits_for_its_restart(self):
        """A container that shares the network of another comes up with it."""
        def state(name):
            return self.skiff("inspect", name).json[0]["State"]

        self.skiff("run", "--rm", "-v", "state:/state", "busybox", "touch", "/state/up")
        self.skiff("run", "-d", "--name", "other", "--restart", "always", "-v", "state:/state", "busybox", "sh", "-c", "test -e /state/up && exec sleep 1000")
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "--network", "container:other", "busybox", "sleep", "1000")
        self.skiff("exec", "other", "rm", "/state/up")
        os.kill(state("other")["Pid"], signal.SIGKILL)
        # For 3 seconds, or longer.
        wait_for(lambda: re.fullmatch("[5-7] restarting", self.skiff("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "other").word), 60)
        os.kill(state("c")["Pid"], signal.SIGKILL)
        wait_for(lambda: state("c")["Status"] in ("exited", "created"), 60)
        self.skiff("run", "--rm", "-v", "state:/state", "busybox", "touch", "/state/up")
        wait_for(lambda: state("c")["Status"] == "running" and state("c")["Pid"] != 0, 60)
        self.assertEqual(*(os.readlink(f"/proc/{state(name)['Pid']}/ns/net") for name in ("c", "other")))
        self.skiff("rm", "-f", "-t", "0", "c", "other")
        self.skiff("volume", "rm", "state")

    @unittest.skipUnless(EXITS_ARE_TOLD, "the kernel does not tell of others' exits")
    def test_exit_code_after_a_killed_monitor(self):
        """Who waits for it knows the true one: `wait`, and `run` in the foreground; the record has it from them."""
        for name in ("wait", "run"):
            command = ["run", "--name", name, "busybox", "sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"]
            if name == "run":
                waiting = self.start(*command)
            else:
                self.skiff("run", "-d", *command[1:])
                waiting = self.start("wait", name)
            wait_for(partial(lambda name: self.run_skiff("logs", name, check=False).stdout == "up\n", name))
            state = self.skiff("inspect", name).json[0]["State"]
            wait_for(partial(watches, waiting.pid, state["Pid"]))
            # It ends while nobody can take note, and then the monitor goes, too.
            os.kill(state["ConmonPid"], signal.SIGSTOP)
            os.kill(state["Pid"], signal.SIGTERM)
            wait_for(partial(lambda pid: pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z", state["Pid"]))
            os.kill(state["ConmonPid"], signal.SIGKILL)
            with self.subTest(name):
                output = waiting.communicate(timeout=30 * SLOWNESS)[0]
                if name == "wait":
                    self.assertEqual(output, b"7\n")
                else:
                    self.assertEqual(waiting.returncode, 7)
                self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name).word, "exited 7")

    @unittest.skipUnless(EXITS_ARE_TOLD, "the kernel does not tell of others' exits")
    def test_wait_for_what_is_removed(self):
        self.sleeper("gone")
        waiting = self.start("wait", "gone")
        pid = self.skiff("inspect", "gone").json[0]["State"]["Pid"]
        wait_for(lambda: watches(waiting.pid, pid), 60)
        self.skiff("rm", "-f", "-t", "0", "gone")
        self.assertEqual(waiting.communicate(timeout=60 * SLOWNESS)[0], b"137\n")

    def test_wait_several(self):
        self.skiff("run", "-d", "--name", "a", "busybox", "sh", "-c", "sleep 0.3; exit 3")
        self.skiff("run", "-d", "--name", "b", "busybox", "sh", "-c", "exit 4")
        self.assertEqual(self.skiff("wait", "a", "b").lines, ["3", "4"])

    def test_rm_all(self):
        for name in "abc":
            self.sleeper(name)
        self.skiff("rm", "-fa", "-t", "0")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")
        self.skiff("rm", "absent", code=1)
        self.skiff("rm", "-i", "absent")

    def test_inspect(self):
        ident = self.sleeper("c", "-e", "K=V", "--label", "a=b", "--hostname", "box")
        report = self.skiff("inspect", "c").json[0]
        self.assertEqual(report["Id"], ident)
        self.assertEqual(report["Name"], "c")
        self.assertEqual(report["State"]["Status"], "running")
        self.assertIn("K=V", report["Config"]["Env"])
        self.assertEqual(report["Config"]["Labels"]["a"], "b")
        self.assertEqual(report["Config"]["Hostname"], "box")
        self.assertTrue(os.path.exists(f"/proc/{report['State']['Pid']}"))
        self.assertEqual(self.skiff("inspect", "--format", "{{json .State.Running}}", "c").word, "true")
        self.skiff("inspect", "absent", code=125)

    def test_top_and_port(self):
        self.skiff("run", "-d", "--name", "c", "-p", "127.0.0.1::80", "busybox", "sleep", "1000")
        self.assertIn("sleep 1000", self.skiff("top", "c").stdout)
        self.assertRegex(self.skiff("port", "c").word, r"^80/tcp -> 127\.0\.0\.1:\d+$")

    def test_a_name_with_dockers_slash(self):
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        self.assertEqual(self.skiff("exec", "/c", "echo", "in").word, "in")
        self.assertEqual(self.skiff("inspect", "-f", "{{.Name}}", "/c").word, "c")
        self.assertEqual(self.skiff("rename", "/c", "d").stdout, "")
        self.assertEqual(self.skiff("stop", "-t", "0", "/d").word, "d")
        self.assertEqual(self.skiff("rm", "/d").word, "d")
        self.skiff_fails("exec", "/c", "true", says='Error: no container with name or ID "c" found: no such container')

    def test_port_of_what_publishes_nothing(self):
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        self.assertEqual(self.skiff("port", "c", "80").stdout, "")

    def test_top_of_privileges(self):
        self.skiff("run", "-d", "--name", "c", "--cap-drop", "all", "--cap-add", "kill,chown", "--group-add", "5", "busybox", "sleep", "1000")
        columns = ("capeff", "capprm", "capbnd", "capinh", "capamb", "seccomp", "groups")
        lines = self.skiff("top", "c", *columns).lines
        self.assertEqual(lines[0].split("  ")[0], "EFFECTIVE CAPS")
        *capabilities, seccomp, groups = lines[1].split()
        self.assertEqual(capabilities, ["CHOWN,KILL"] * 3 + ["none"] * 2)
        self.assertEqual(seccomp, "filter")
        if sub_ids() != 0:
            self.assertIn("5", groups.split(","))
        inside = self.skiff("exec", "c", "stat", "-c", "%X", "/proc/1").word
        shown = self.skiff("top", "c", "stime").lines[1]
        self.assertRegex(shown, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \w+$")
        self.assertLess(abs(datetime.strptime(shown[:25], "%Y-%m-%d %H:%M:%S %z").timestamp() - int(inside)), 60)

    def test_nothing_is_an_empty_map_or_list(self):
        self.skiff("create", "--name", "c", "busybox")
        config = "{{.HostConfig.LogConfig.Config}} {{.HostConfig.CgroupConf}} {{.HostConfig.BlkioDeviceReadBps}}"
        self.assertEqual(self.skiff("inspect", "-f", config, "c").word, "map[] map[] []")
        self.assertRegex(self.skiff("inspect", "-f", "{{.HostConfig.LogConfig}}", "c").word, r"^\{k8s-file map\[\] /")
        self.assertEqual(self.skiff("inspect", "-f", "{{json .HostConfig.CgroupConf}} {{json .HostConfig.LogConfig.Config}}", "c").word,
                         "null null")

    def test_sig_proxy(self):
        argv = [str(self.program), *self.roots(), "run", "--rm", "--name", "p", "busybox", "sh", "-c",
                "trap 'echo got it; exit 12' TERM; echo ready; while :; do sleep 0.05; done"]
        process = subprocess.Popen(argv, env=self.environment(), cwd=self.home, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.stdout.read(), "got it\n")
        self.assertEqual(process.wait(20), 12)

    def test_closed_terminal_leaves_the_container(self):
        argv = [str(self.program), *self.roots(), "run", "--name", "p", "busybox", "sh", "-c", "echo ready; sleep 1000"]
        process = subprocess.Popen(argv, env=self.environment(), cwd=self.home, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.kill()
        process.wait(20)
        time.sleep(0.2)
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}}", "p").word, "running")


class MonitorKilled(SkiffTest):
    images = ["busybox"]

    def monitor_pid(self, name):
        return int(json.loads(self.skiff("inspect", "--format", "{{json .State.ConmonPid}}", name).stdout))

    def test_init_dies_with_it_and_the_code_is_not_invented(self):
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        pid = int(self.skiff("inspect", "--format", "{{.State.Pid}}", "c").word)
        os.kill(self.monitor_pid("c"), signal.SIGKILL)
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), timeout=5, message="the end of init")
        self.assertEqual(self.skiff("ps", "-q").stdout, "")
        self.assertNotEqual(self.skiff("inspect", "--format", "{{.State.ExitCode}}", "c").word, "0")
        self.skiff("start", "c")
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}}", "c").word, "running")

    def test_rm_container_is_swept(self):
        self.skiff("run", "-d", "--rm", "--name", "c", "busybox", "sleep", "1000")
        os.kill(self.monitor_pid("c"), signal.SIGKILL)
        time.sleep(0.3)
        self.skiff("run", "--rm", "--name", "c", "busybox", "true")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")
