# SPDX-License-Identifier: Apache-2.0
"""The monitor under load: floods, slow readers, rotation, hostile peers on its sockets, and its death (F2, F13)."""

import fcntl
import json
import os
import random
import re
import resource
import signal
import socket
import stat
import subprocess
import time

from tests.support.skiff import SLOWNESS, SkiffTest, wait_for

MEBIBYTE = 1 << 20


class MonitorTest(SkiffTest):
    images = ["busybox"]

    def state_dir(self, name, kind="runtime"):
        """The directory of a container in the store or in the runtime directory."""
        number = self.skiff("inspect", "--format", "{{.Id}}", name).word
        top = self.state_directories()["store/containers" if kind == "store" else "runtime"]
        return top / (number if kind == "store" else f"containers/{number}")

    def run_record(self, name):
        """What the monitor wrote about itself."""
        return json.loads((self.state_dir(name) / "run.json").read_text())

    def monitor_pid(self, name):
        return self.run_record(name)["monitor"]["pid"]

    def memory(self, pid, field="Pss"):
        """A line of smaps_rollup, in KiB."""
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            return int(re.search(rf"^{field}:\s+(\d+) kB", rollup.read(), re.M).group(1))

    def connect(self, name, which):
        """A connection to a socket of the monitor."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(sock.close)
        fd = os.open(self.state_dir(name), os.O_PATH)
        try:
            sock.connect(f"/proc/self/fd/{fd}/{which}")
        finally:
            os.close(fd)
        sock.settimeout(10)
        return sock

    def still_works(self, name):
        """The container answers, so its monitor does."""
        self.assertEqual(self.skiff("exec", name, "echo", "alive").word, "alive")


class Output(MonitorTest):
    def test_flood_is_whole_in_the_foreground(self):
        size = 64 * MEBIBYTE
        process = self.start("run", "--rm", "--log-driver", "none", "busybox", "sh", "-c",
                             f"dd if=/dev/zero bs=65536 count={size // 65536} 2>/dev/null; echo end >&2")
        count = 0
        while data := process.stdout.read1(MEBIBYTE):
            count += len(data)
        self.assertEqual(count, size)
        self.assertEqual(process.stderr.read(), b"end\n")
        self.assertEqual(process.wait(), 0)

    def test_slow_reader_gets_everything_and_holds_the_payload_up(self):
        process = self.start("run", "--name", "slow", "busybox", "seq", "1", "100000")
        time.sleep(0.5)
        # As with a pipe: it has not written more than the buffers on the way hold.
        self.assertTrue(self.skiff("ps", "-q", "--filter", "name=slow").word)
        out = process.stdout.read()
        self.assertEqual(out, b"".join(b"%d\n" % i for i in range(1, 100001)))
        self.assertEqual(process.wait(), 0)

    def test_unread_output_does_not_hold_the_exit_up(self):
        """Somebody's pager stands still; the container has ended all the same, and nothing is lost."""
        process = self.start("run", "--name", "paged", "busybox", "seq", "1", "1000000000")
        wait_for(lambda: self.skiff("container", "exists", "paged", check=False).code == 0, message="the container")
        log = self.state_dir("paged", "store") / "log"
        sizes = [-1]

        def is_stuck():
            sizes.append(log.stat().st_size if log.exists() else 0)
            time.sleep(0.2)
            return sizes[-1] == sizes[-2] > 65536
        wait_for(is_stuck, message="the pipe being full")
        self.skiff("kill", "paged")
        template = "{{.State.Status}} {{.State.ExitCode}}"
        wait_for(lambda: self.skiff("inspect", "--format", template, "paged", check=False).word == "exited 137",
                 message="the exit")
        self.assertEqual(self.skiff("wait", "paged").word, "137")
        logged = self.skiff("logs", "paged").stdout
        self.assertGreater(len(logged), sizes[-1] // 8)
        self.assertEqual(process.stdout.read().decode(), logged)
        self.assertEqual(process.wait(), 137)

    def test_memory_is_flat_under_a_flood(self):
        self.skiff("run", "-d", "--name", "flood", "busybox", "sh", "-c", "yes 0123456789abcdef | head -c 64m; sleep 60")
        pid = self.monitor_pid("flood")
        log = self.state_dir("flood", "store") / "log"
        most = 0
        deadline = time.monotonic() + 30 * SLOWNESS
        while not log.with_name("log.3").exists() and time.monotonic() < deadline:
            most = max(most, self.memory(pid, "Rss"))
        if SLOWNESS == 1:
            self.assertLess(most, 2048)
        self.still_works("flood")

    def test_idle_memory(self):
        self.need(SLOWNESS == 1, "a sanitizer build is larger")
        self.skiff("run", "-d", "--network", "none", "--name", "idle", "busybox", "sleep", "60")
        pid = self.monitor_pid("idle")
        wait_for(lambda: self.memory(pid) <= 512, 5, 0.2, f"a PSS of 512 KiB (now {self.memory(pid)})")

    def test_binary_output(self):
        data = bytes(range(256)) * 64
        done = self.skiff("run", "--rm", "-i", "busybox", "cat", input=data)
        self.assertEqual(done.stdout_bytes, data)


class Input(MonitorTest):
    def test_large_input_and_output_at_once(self):
        data = os.urandom(8 * MEBIBYTE)
        done = self.skiff("run", "--rm", "-i", "--log-driver", "none", "busybox", "cat", input=data)
        self.assertEqual(done.stdout_bytes == data, True)

    def test_input_that_nobody_reads(self):
        done = self.skiff("run", "--rm", "-i", "busybox", "sh", "-c", "exec <&-; echo out", input=b"x" * MEBIBYTE)
        self.assertEqual(done.stdout, "out\n")

    def test_input_stays_open_until_the_client_closes_it(self):
        self.skiff("run", "-d", "-i", "--name", "reader", "busybox", "cat")
        for _ in range(2):
            client = self.start("attach", "reader", stdin=subprocess.PIPE)
            client.stdin.write(b"line\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), b"line\n")
            client.kill()
            client.wait()
        done = self.skiff("attach", "reader", input=b"last\n")
        self.assertEqual(done.stdout, "last\n")
        self.assertEqual(self.skiff("logs", "reader").stdout, "line\nline\nlast\n")


    def test_a_terminals_input_ends_too(self):
        for _ in range(3):
            done = self.skiff("run", "--rm", "-it", "busybox", "sh", input=b"echo typed | tr a-z A-Z\n")
            self.assertIn("TYPED", done.stdout)
        self.skiff("run", "-d", "--name", "shell", "busybox", "sleep", "60")
        done = self.skiff("exec", "-it", "shell", "sh", "-c", "cat; cat; echo both ended", input=b"x\n")
        self.assertIn("both ended", done.stdout)


class Terminals(MonitorTest):
    """An exec session without a terminal of its own never holds the user's."""

    def setUp(self):
        super().setUp()
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "60")

    def test_pipes_in_its_place(self):
        terminal = self.tty("exec", "-i", "c", "sh", "-c",
                            "for i in 0 1 2; do readlink /proc/self/fd/$i; done; read a; echo got $a; exit 6")
        for _ in range(3):
            terminal.expect("pipe:")
        terminal.send("hello\n")
        terminal.expect("got hello")
        self.assertEqual(terminal.wait(), 6)
        self.assertNotIn(b"/dev/", terminal.output)

    def test_ctrl_c_ends_the_session(self):
        terminal = self.tty("exec", "c", "sh", "-c", "echo up; sleep 60")
        terminal.expect("up")
        terminal.send("\x03")
        self.assertEqual(terminal.wait(), 130)

    def test_session_goes_on_after_a_detach(self):
        terminal = self.tty("exec", "-it", "c", "sh", "-c", "while :; do echo 0123456789012345678901234567890123456789; done")
        terminal.expect("0123")
        terminal.send("\x10\x11")
        self.assertEqual(terminal.wait(), 0)
        before = self.ticks()
        wait_for(lambda: self.ticks() > before, message="progress of a session that nobody reads")

    def ticks(self):
        """CPU time of the session's shell, which stands still when its terminal is full."""
        script = "for p in /proc/[0-9]*; do grep -q 01234567890 $p/cmdline && cat $p/stat; done 2>/dev/null"
        lines = [line for line in self.skiff("exec", "c", "sh", "-c", script).lines if "(sh)" in line]
        return max(int(line.rpartition(")")[2].split()[12]) for line in lines)


class Attached(MonitorTest):
    def test_every_client_sees_all_that_follows(self):
        self.skiff("run", "-d", "-i", "--name", "many", "busybox", "sh", "-c", "read x; seq 1 5000; exit 4")
        clients = [self.start("attach", "--no-stdin", "many") for _ in range(5)]
        self.assertEqual(self.attached(5), 5)
        self.skiff("attach", "many", input=b"go\n", code=4)
        expected = b"".join(b"%d\n" % i for i in range(1, 5001))
        for client in clients:
            out, _ = client.communicate(timeout=20)
            self.assertEqual(out, expected)
            self.assertEqual(client.returncode, 4)

    def attached(self, count):
        """Wait until so many clients are attached: descriptors of the monitor tell."""
        pid = self.monitor_pid("many")

        def sockets():
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            return sum(link.startswith("socket:") for link in links)
        return wait_for(lambda: sockets() >= 2 + count and count, message="the clients")

    def test_stalled_client_does_not_stop_the_payload(self):
        self.skiff("run", "-d", "--name", "busy", "busybox", "sh", "-c",
                   "i=0; while [ $i -lt 200 ]; do head -c 65536 /dev/zero; echo; i=$((i+1)); sleep 0.01; done; exit 5")
        client = self.start("attach", "busy")
        time.sleep(0.2)
        client.send_signal(signal.SIGSTOP)
        self.assertEqual(self.skiff("wait", "busy", timeout=30).word, "5")
        client.send_signal(signal.SIGCONT)
        _, err = client.communicate(timeout=10)
        self.assertEqual(client.returncode, 125, err)
        self.assertIn(b"Error: ", err)

    def test_too_many_clients_are_told(self):
        self.skiff("run", "-d", "--name", "crowd", "busybox", "sleep", "60")
        sockets = [self.connect("crowd", "attach.sock") for _ in range(20)]
        answers = [sock.recv(65537)[:1] for sock in sockets]
        self.assertEqual(set(answers), {b"S", b"E"})
        self.still_works("crowd")

    def test_killed_command_leaves_the_container(self):
        process = self.start("run", "--name", "left", "busybox", "sh", "-c",
                             "echo up; i=0; while [ $i -lt 20 ]; do echo $i; sleep 0.05; i=$((i+1)); done; exit 6")
        self.assertEqual(process.stdout.readline(), b"up\n")
        process.kill()
        process.wait()
        self.assertEqual(self.skiff("wait", "left").word, "6")
        self.assertEqual(self.skiff("logs", "left").lines[-1], "19")


class Logs(MonitorTest):
    def sequence(self, driver, follower_sleeps):
        count = 30000
        # 64 KiB a file; what is kept is more than is written, unless the follower is to miss some.
        kept = 3 if follower_sleeps else 60
        self.skiff("run", "-d", "--log-driver", driver, "--log-opt", "max-size=64k", "--log-opt", f"max-file={kept}",
                   "--name", "numbers", "busybox", "sh", "-c", f"i=0; while [ $i -lt {count // 1000} ]; do "
                   "seq $((i*1000)) $((i*1000+999)); i=$((i+1)); sleep 0.02; done")
        follower = self.start("logs", "-f", "numbers")
        numbers = []
        for line in follower.stdout:
            numbers.append(int(line))
            if follower_sleeps and len(numbers) % 2000 == 0:
                time.sleep(0.005)
        self.assertEqual(follower.wait(), 0)
        return numbers

    def test_follow_across_rotation_k8s_file(self):
        self.assertEqual(self.sequence("k8s-file", False), list(range(30000)), "a gap or a repetition")

    def test_follow_across_rotation_json_file(self):
        self.assertEqual(self.sequence("json-file", False), list(range(30000)), "a gap or a repetition")

    def test_slow_follower_keeps_the_order(self):
        numbers = self.sequence("k8s-file", True)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers[-1], 29999)

    def test_long_lines_and_odd_bytes(self):
        script = "head -c 1048576 /dev/zero | tr '\\0' x; echo; printf 'a\\0b\\n'; printf 'no newline'"
        expected = b"x" * MEBIBYTE + b"\na\0b\nno newline"
        for driver in ("k8s-file", "json-file"):
            self.skiff("run", "--log-driver", driver, "--name", driver, "busybox", "sh", "-c", script)
            self.assertEqual(self.skiff("logs", driver).stdout_bytes == expected, True, driver)

    def test_deleted_log_does_not_hurt(self):
        self.skiff("run", "-d", "--name", "deleted", "busybox", "sh", "-c", "while :; do echo tick; sleep 0.1; done")
        log = self.state_dir("deleted", "store") / "log"
        wait_for(log.exists)
        log.unlink()
        wait_for(lambda: log.exists() and log.stat().st_size > 0, message="a new log")
        self.still_works("deleted")


class Sockets(MonitorTest):
    def setUp(self):
        super().setUp()
        self.skiff("run", "-d", "--name", "target", "busybox", "sleep", "60")

    def test_only_for_the_user(self):
        for name in ("ctl.sock", "attach.sock"):
            mode = (self.state_dir("target") / name).stat().st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        with open("/proc/net/unix", encoding="ascii") as sockets:
            self.assertNotIn("@skiff", sockets.read())

    def test_garbage_on_the_control_socket(self):
        for message in (b"R", b"R{}", b'R{"op":"reboot"}', b"R" + b"[" * 200, b"R\xff\xfe", b"Z{}", b"R" + b"x" * 60000,
                        b'R{"op":"exec"}', b'R{"op":"signal","signum":70}'):
            sock = self.connect("target", "ctl.sock")
            sock.send(message)
            self.assertEqual(sock.recv(65537)[:1], b"E", message)
        too_large = self.connect("target", "ctl.sock")
        too_large.send(b"R" + b"x" * 100000)
        self.assertEqual(too_large.recv(65537), b"")
        self.still_works("target")

    def test_garbage_on_the_attach_socket(self):
        sock = self.connect("target", "attach.sock")
        self.assertEqual(sock.recv(65537)[:1], b"S")
        for message in (b"0" + b"x" * 16000, b".", b"X{}", b"\0"):
            sock.send(message)
        sock.send(b"0" + b"x" * 30000)
        self.assertEqual(sock.recv(65537), b"")
        self.still_works("target")

    def test_exec_with_a_pipe_for_its_request(self):
        """A descriptor that would block whoever reads it."""
        reading, writing = os.pipe()
        sock = self.connect("target", "ctl.sock")
        socket.send_fds(sock, [b'R{"op":"exec"}'], [reading])
        self.assertEqual(sock.recv(65537)[:1], b"E")
        os.close(reading)
        os.close(writing)
        self.still_works("target")

    def test_silent_connections_are_dropped(self):
        pid = self.monitor_pid("target")
        before = len(os.listdir(f"/proc/{pid}/fd"))
        sockets = [self.connect("target", "ctl.sock") for _ in range(64)]
        self.skiff_fails("exec", "target", "true", code=None, check=False)
        self.assertTrue(sockets)
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= before + 1, 10, message="the end of the silent ones")
        self.still_works("target")


    def test_without_descriptors_it_does_not_spin(self):
        pid = self.monitor_pid("target")
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        most = max(int(number) for number in os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most + 1, limits[1]))
        silent = [self.connect("target", "ctl.sock") for _ in range(most)]
        waiting = self.connect("target", "attach.sock")
        before = cpu_seconds(pid)
        time.sleep(2)
        self.assertLess(cpu_seconds(pid) - before, 0.5)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        for sock in silent:
            sock.close()
        self.assertEqual(waiting.recv(65537)[:1], b"S")
        self.still_works("target")


def cpu_seconds(pid):
    """What a process has used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat_file:
        fields = stat_file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Hostile(MonitorTest):
    """What a payload, or whom it gave its descriptors, does must not keep the user from ending it."""

    def test_payload_that_stops_whoever_enters(self):
        self.skiff("run", "-d", "--name", "freezer", "busybox", "sh", "-c",
                   "trap '' TERM; while :; do kill -STOP -1; done")
        def frozen():
            clients.append(self.start("exec", "freezer", "true"))
            time.sleep(0.3)
            return sum(client.poll() is None for client in clients) >= 2
        clients = []
        wait_for(frozen, 20, message="two processes that were stopped on their way")
        clients[0].kill()
        self.skiff("kill", "freezer", timeout=10 * SLOWNESS)
        self.skiff("wait", "freezer", timeout=10 * SLOWNESS)
        for client in clients:
            client.wait(10)

    def test_stdout_that_somebody_else_writes_to_for_ever(self):
        self.skiff("run", "-d", "--name", "leaky", "busybox", "sleep", "1000")
        out = os.open(f"/proc/{self.run_record('leaky')['init']['pid']}/fd/1", os.O_WRONLY)
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, MEBIBYTE)  # so that it is never empty
        with subprocess.Popen(["yes"], stdout=out) as one, subprocess.Popen(["yes"], stdout=out) as other:
            os.close(out)
            try:
                self.skiff("stop", "-t", "0", "leaky", timeout=10 * SLOWNESS)
            finally:
                one.kill()
                other.kill()


class Killed(MonitorTest):
    """F2, bounded: the monitor dies at any time, and no exit code is invented."""

    def test_at_random(self):
        seed = int(os.environ.get("SKIFF_TEST_SEED", "0")) or random.randrange(1 << 30)
        rng = random.Random(seed)
        with self.subTest(seed=seed):
            for i in range(12):
                self.kill_once(rng, f"k{i}")

    def kill_once(self, rng, name):
        code = rng.randrange(1, 100)
        work = rng.choice((f"exit {code}", f"seq 1 20000; exit {code}", f"sleep 0.{rng.randrange(1, 4)}; exit {code}",
                           "exec sleep 60"))
        self.skiff("run", "-d", "--name", name, "busybox", "sh", "-c", work, check=False)
        try:
            record = self.run_record(name)
        except (OSError, AssertionError):
            record = None  # it has ended already
        time.sleep(rng.random() * 0.3)
        if record:
            try:
                os.kill(record["monitor"]["pid"], signal.SIGKILL)
            except ProcessLookupError:
                pass
        template = "{{.State.Status}} {{.State.ExitCode}}"
        ended = wait_for(lambda: re.match(r"exited (-?\d+)", self.skiff("inspect", "--format", template, name).stdout),
                         message=f"the end of {name}")
        # The true code, or that of the signal that init died of, or unknown: never 0, which would be a success.
        true = set() if "exec" in work else {code}
        self.assertIn(int(ended.group(1)), true | {137, 255, -1} if record else true)
        if record:
            wait_for(lambda: self.is_gone(record), message="the end of init")
        self.skiff("rm", "-f", name, timeout=10)

    @staticmethod
    def is_gone(record):
        """Is init dead, or its pid somebody else's?"""
        try:
            with open(f"/proc/{record['init']['pid']}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return True
        return fields[0] in "ZX" or int(fields[19]) != record["init"]["start"]

    def test_with_clients(self):
        """Exec'ing commands see its end and say so, attached ones also where the kernel does not tell them the exit code."""
        self.skiff("run", "-d", "--name", "watched", "busybox", "sleep", "60")
        attached = self.start("attach", "watched")
        session = self.start("exec", "watched", "sleep", "60")
        follower = self.start("logs", "-f", "watched")
        time.sleep(0.3)
        os.kill(self.monitor_pid("watched"), signal.SIGKILL)
        self.assertIn(b"Error: ", session.communicate(timeout=30 * SLOWNESS)[1])
        self.assertEqual(session.returncode, 125)
        error = attached.communicate(timeout=30 * SLOWNESS)[1]
        self.assertIn((attached.returncode, error.partition(b":")[0]), [(137, b""), (125, b"Error")])
        self.assertEqual(follower.wait(30 * SLOWNESS), 0)

    def shared_pids(self, name, script="exec sleep 1000"):
        """A container without a pid namespace of its own, and its run.json."""
        self.skiff("run", "-d", "--name", name, "--pid=host", "busybox", "sh", "-c", script)
        return self.state_dir(name) / "run.json"

    def test_members_without_a_pid_namespace(self):
        path = self.shared_pids("alone", "sleep 1000 & exec sleep 1000")
        members = wait_for(lambda: len(self.skiff("top", "alone", "pid").lines) == 3 and
                           self.skiff("top", "alone", "hpid").lines[1:], message="both processes")
        os.kill(json.loads(path.read_text())["monitor"]["pid"], signal.SIGKILL)
        self.skiff("rm", "-f", "-t", "0", "alone")
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid.strip()}") for pid in members), message="their end")

    def test_another_namespace_with_the_same_inode(self):
        """The kernel uses the inode of a dead namespace again: only the id tells whose it is."""
        innocent = json.loads(self.shared_pids("innocent").read_text())
        self.need(innocent["mntns_id"], "the kernel tells no ids of mount namespaces")
        path = self.shared_pids("killed")
        killed = json.loads(path.read_text())
        os.kill(killed["monitor"]["pid"], signal.SIGKILL)
        wait_for(lambda: self.is_gone(killed), message="the end of init")
        del killed["crc"]
        path.write_text(json.dumps(killed | {"mntns_inode": innocent["mntns_inode"]}))
        self.skiff("rm", "-f", "-t", "0", "killed")
        self.still_works("innocent")
