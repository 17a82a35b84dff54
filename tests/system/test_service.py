# SPDX-License-Identifier: Apache-2.0
"""Containers as services: --sdnotify and socket activation, without systemd. tests/clean/quadlet.py has the real one."""

import array
import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.skiff import SLOWNESS, SkiffTest, sub_ids, wait_for

HERE = Path(__file__).resolve().parent
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36


class ServiceTest(SkiffTest):
    """A test with a notify socket of its own, and the probe in a volume."""

    images = ["busybox"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            cls.skipTest(cls, "there is no C compiler")
        cls.bin = cls.tmp / "bin"
        cls.bin.mkdir(mode=0o755)
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-o", cls.bin / "service_probe", HERE / "service_probe.c"], check=True)
        os.chmod(cls.tmp, 0o755)

    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp(dir=self.tmp)  # a path of a socket must be short
        self.path = f"{self.directory}/n"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path)
        self.manager.settimeout(10 * SLOWNESS)
        self.addCleanup(self.manager.close)

    def service(self, *options, words=(), detach=True, **changes):
        """Run the probe in a container of this unit."""
        env = {"NOTIFY_SOCKET": self.path} | changes.pop("env", {})
        return self.skiff("run", *(["-d"] if detach else []), "--name", "s", "--network", "none", "-v", f"{self.bin}:/probe:ro", *options,
                          "busybox", "/probe/service_probe", *words, env=env, **changes)

    def hear(self):
        """The next message, as a list of lines."""
        return self.manager.recv(4096).decode().split("\n")

    def hear_nothing(self, seconds=0.5):
        """Nothing comes within that time."""
        self.manager.settimeout(seconds * SLOWNESS)
        with self.assertRaises(TimeoutError):
            self.fail(f"heard {self.hear()}")
        self.manager.settimeout(10 * SLOWNESS)

    def monitor_pid(self):
        """The pid of the container's monitor."""
        return int(self.skiff("inspect", "--format", "{{.State.ConmonPid}}", "s").word)


class Notify(ServiceTest):
    """--sdnotify."""

    def test_conmon_is_ready_when_the_container_runs(self):
        self.service("--sdnotify=conmon", words=["env", "sleep"])
        self.assertEqual(self.hear(), [f"MAINPID={self.monitor_pid()}", "READY=1"])
        self.hear_nothing()
        wait_for(lambda: self.skiff("logs", "s").lines)
        self.assertEqual(self.skiff("logs", "s").lines[0], "NOTIFY_SOCKET=")
        self.assertEqual(self.skiff("inspect", "--format", "{{.Config.SdNotifyMode}}", "s").word, "conmon")

    def test_the_container_says_when_it_is_ready(self):
        for options in (["--sdnotify=container"], []):
            with self.subTest(options):
                self.service(*options, words=["env", "text=READY=1|STATUS=up|MAINPID=1|MAINPIDFD=1|NOTIFYACCESS=all|FDSTORE=1", "text=WATCHDOG=1", "text=RELOADING=1",
                                              "text=STOPPING=1", "text=EXTEND_TIMEOUT_USEC=9", "sleep"])
                self.assertEqual(self.hear(), [f"MAINPID={self.monitor_pid()}"])
                for want in (["READY=1", "STATUS=up"], ["WATCHDOG=1"], ["RELOADING=1"], ["STOPPING=1"], ["EXTEND_TIMEOUT_USEC=9"]):
                    self.assertEqual(self.hear(), want)
                self.assertEqual(self.skiff("logs", "s").lines[0], "NOTIFY_SOCKET=/run/notify/notify.sock")
                self.skiff("rm", "-f", "-t", "0", "s")

    def test_the_units_watchdog(self):
        """The container learns how often it has to speak, as if systemd had started it."""
        for words, said in ((["1500000"], "1500000"), (["soon"], ""), (["0"], "")):
            self.service("--rm", "--sdnotify=container", words=["text=READY=1", "sleep"], env={"WATCHDOG_USEC": words[0], "WATCHDOG_PID": "7"})
            self.assertEqual(self.hear(), [f"MAINPID={self.monitor_pid()}"])
            self.assertEqual(self.hear(), ["READY=1"])
            self.assertEqual(self.skiff("exec", "s", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ | grep ^WATCHDOG | sort", check=False).stdout,
                             f"WATCHDOG_USEC={said}\n" if said else "")
            self.skiff("rm", "-f", "-t", "1", "s")

    def test_any_user_of_the_container_may_speak(self):
        if sub_ids() == 0:
            self.skipTest("containers have one user here")
        self.service("--sdnotify=container", "--user", "4321:4321", "--read-only", words=["text=READY=1", "sleep"])
        self.assertEqual(self.hear()[0][:8], "MAINPID=")
        self.assertEqual(self.hear(), ["READY=1"])

    def test_a_barrier_ends_when_the_manager_has_read_it(self):
        self.service("--sdnotify=container", words=["text=READY=1", "barrier", "text=STATUS=behind", "sleep"])
        self.hear()
        self.assertEqual(self.hear(), ["READY=1"])
        message, ancillary, _, _ = self.manager.recvmsg(4096, socket.CMSG_SPACE(64))
        self.assertEqual(message, b"BARRIER=1")
        fds = array.array("i")
        fds.frombytes(ancillary[0][2])
        time.sleep(0.3)
        self.assertEqual(self.skiff("logs", "s").stdout, "")  # it waits
        os.close(fds[0])
        self.assertEqual(self.hear(), ["STATUS=behind"])
        wait_for(lambda: self.skiff("logs", "s").lines == ["barrier"])

    def test_words_that_are_none(self):
        self.service("--sdnotify=container", words=["text=", "text=" + "x" * 3000, "text=\x01\x02=\x7f", "text=MAINPID=5", "text=READY=1", "sleep"])
        self.hear()
        self.assertEqual(self.hear(), ["x" * 3000])
        self.assertEqual(self.hear(), ["\x01\x02=\x7f"])
        self.assertEqual(self.hear(), ["READY=1"])

    def test_healthy_is_ready_after_a_probe(self):
        self.service("--sdnotify=healthy", "--health-cmd", "test -e /tmp/ok", "--health-interval", "500ms", "--health-retries", "100", words=["sleep"])
        self.assertEqual(self.hear(), [f"MAINPID={self.monitor_pid()}"])
        self.hear_nothing(1.5)
        self.skiff("exec", "s", "touch", "/tmp/ok")
        self.assertEqual(sorted([self.hear(), self.hear()]), [["READY=1"], ["STATUS=healthy"]])
        self.hear_nothing(1.5)  # once

    def test_ignore(self):
        self.service("--sdnotify=ignore", words=["env", "sleep"])
        self.hear_nothing()
        self.assertEqual(self.skiff("logs", "s").lines[0], "NOTIFY_SOCKET=")

    def test_an_abstract_socket(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            name = f"skiff-test-{os.getpid()}"
            manager.bind("\0" + name)
            manager.settimeout(10 * SLOWNESS)
            self.service("--sdnotify=conmon", words=["sleep"], env={"NOTIFY_SOCKET": "@" + name})
            self.assertIn(b"READY=1", manager.recv(4096))

    def test_start_of_a_container_that_was_created(self):
        self.skiff("create", "--name", "s", "--network", "none", "--sdnotify=conmon", "busybox", "sleep", "100")
        self.hear_nothing(0.2)
        self.skiff("start", "s", env={"NOTIFY_SOCKET": self.path})
        self.assertEqual(self.hear(), [f"MAINPID={self.monitor_pid()}", "READY=1"])

    def test_what_was_initialized_before_is_no_service(self):
        self.skiff("create", "--name", "s", "--network", "none", "--sdnotify=conmon", "busybox", "sleep", "100")
        self.skiff("init", "s")
        self.skiff_fails("start", "s", env={"NOTIFY_SOCKET": self.path}, says="was initialized before: --sdnotify is not supported then")
        self.skiff("start", "s")

    def test_no_manager_there(self):
        self.service("--sdnotify=conmon", words=["sleep"], env={"NOTIFY_SOCKET": None})
        self.skiff("rm", "-f", "-t", "0", "s")
        done = self.service("--sdnotify=conmon", "--rm", words=["sleep"], env={"NOTIFY_SOCKET": f"{self.directory}/none"}, code=125)
        self.assertIn("cannot reach the service manager", done.stderr)

    def test_bad_values(self):
        self.skiff_fails("run", "--sdnotify", "sometimes", "busybox", "true",
                         says='Error: invalid sdnotify value "sometimes": must be container, conmon, healthy or ignore: invalid argument')
        self.skiff_fails("run", "--sdnotify", "healthy", "busybox", "true", says='sdnotify policy "healthy" requires a healthcheck to be set')

    def test_the_monitors_exit_code_is_the_containers(self):
        for words, stop, want in ((["exit=3"], None, 3), (["exit=0"], None, 0), (["sleep"], "stop", 0), (["sleep"], "kill", 137)):
            with self.subTest(words=words, stop=stop):
                self.assertEqual(self.exit_code_of_monitor(words, stop), want)

    def exit_code_of_monitor(self, words, stop):
        """What a service manager, which reaps orphans, sees of the main process."""
        self.assertEqual(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0)
        try:
            self.service("--sdnotify=conmon", "--rm", words=words)
            pid = int(self.hear()[0].partition("=")[2])
            if stop:
                self.skiff(stop, "s")
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        finally:
            LIBC.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class Sockets(ServiceTest):
    """Socket activation."""

    def activate(self, *options, words=("env", "serve", "serve", "sleep"), names="web", **changes):
        """Start a container as systemd would: with a listening socket as descriptor 3. Returns the path of the socket."""
        path = f"{self.directory}/web"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(8)
            argv = [str(self.program), *self.roots(), "run", "-d", "--name", "s", "-v", f"{self.bin}:/probe:ro", "--hostname", "inside", *options,
                    "busybox", "/probe/service_probe", *words]
            env = self.environment(LISTEN_FDS="1", LISTEN_FDNAMES=names, **changes)

            def become():
                os.dup2(listener.fileno(), 3)
                os.environ.clear()

            # exec keeps the pid, so a shell can say what it is.
            script = 'LISTEN_PID=$$ exec "$@"'
            done = subprocess.run(["sh", "-c", script, "sh", *argv], env=env, capture_output=True, text=True, preexec_fn=become, check=False,
                                  close_fds=False, cwd=self.home, timeout=60 * SLOWNESS)
            self.assertEqual(done.returncode, 0, done.stderr)
        return path

    @staticmethod
    def ask(path):
        """What the service answers."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(10 * SLOWNESS)
            client.connect(path)
            return client.recv(100).decode()

    def test_the_container_serves_our_socket(self):
        path = self.activate("--network", "none")
        self.assertEqual(self.ask(path), "served by inside\n")
        self.assertEqual(self.ask(path), "served by inside\n")
        lines = wait_for(lambda: self.skiff("logs", "s").lines[:4])
        self.assertEqual(lines[1:4], ["LISTEN_FDS=1", "LISTEN_FDNAMES=web", "pid ours"])

    def test_behind_an_init_and_in_the_hosts_pid_namespace(self):
        for options in (["--init"], ["--pid", "host"]):
            with self.subTest(options):
                path = self.activate("--network", "none", *options)
                self.assertEqual(self.ask(path), "served by inside\n")
                self.assertEqual(wait_for(lambda: self.skiff("logs", "s").lines[3:4]), ["pid ours"])
                self.skiff("rm", "-f", "-t", "0", "s")
                os.unlink(path)

    def test_sockets_of_somebody_else_are_not_taken(self):
        self.skiff("run", "-d", "--name", "s", "--network", "none", "-v", f"{self.bin}:/probe:ro", "busybox", "/probe/service_probe", "env",
                   env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
        self.skiff("wait", "s")
        self.assertEqual(self.skiff("logs", "s").lines[1:4], ["LISTEN_FDS=", "LISTEN_FDNAMES=", "pid none"])

    def test_a_restarted_run_has_them_again(self):
        path = self.activate("--network", "none", "--restart", "always", words=("env", "serve", "exit=0"))
        self.assertEqual(self.ask(path), "served by inside\n")
        self.assertEqual(self.ask(path), "served by inside\n")


class Credentials(ServiceTest):
    """What systemd loads for the unit (LoadCredential=) is a secret of its container."""

    def setUp(self):
        super().setUp()
        self.given = Path(self.directory) / "credentials"
        self.given.mkdir(mode=0o700)
        self.env = {"CREDENTIALS_DIRECTORY": str(self.given)}

    def run_with(self, *options, script="cat /run/secrets/token; echo $TOKEN", **changes):
        """A container that shows it."""
        return self.skiff("run", "--rm", "--network", "none", *options, "busybox", "sh", "-c", script, env=self.env, **changes)

    def test_a_credential_is_a_secret(self):
        (self.given / "token").write_bytes(b"from systemd")
        done = self.run_with("--secret", "token,mode=0400", "--secret", "token,type=env,target=TOKEN")
        self.assertEqual(done.stdout, "from systemdfrom systemd\n")
        self.assertEqual(self.run_with("--secret", "token,target=/etc/here", script="cat /etc/here").stdout, "from systemd")
        self.skiff("run", "-d", "--name", "kept", "--network", "none", "--secret", "token", "busybox", "sleep", "1000", env=self.env)
        self.assertEqual(self.skiff("exec", "kept", "cat", "/run/secrets/token").stdout, "from systemd")
        self.assertNotIn("from systemd", self.skiff("inspect", "kept").stdout)
        found = [path for path in self.home.rglob("*") if path.is_file() and not path.is_symlink() and path.name != "busybox"
                 and os.access(path, os.R_OK) and path.stat().st_size < 1 << 20 and b"from systemd" in path.read_bytes()]
        self.assertEqual(found, [])
        self.skiff("rm", "-f", "-t", "0", "kept")

    def test_before_the_stores_and_only_if_it_is_there(self):
        self.skiff("secret", "create", "token", "-", input="from the store")
        self.assertEqual(self.run_with("--secret", "token").stdout, "from the store\n")
        (self.given / "token").write_bytes(b"from systemd")
        self.assertEqual(self.run_with("--secret", "token").stdout, "from systemd\n")
        self.skiff("secret", "rm", "token")
        self.assertIn("no such secret", self.run_with("--secret", "other", code=125).stderr)

    def test_what_is_none(self):
        (self.given / "token").write_bytes(b"")
        self.assertIn("credential 'token': secret data must be larger than 0", self.run_with("--secret", "token", code=125).stderr)
        (self.given / "token").write_bytes(bytes(512001))
        self.assertIn("credential 'token': ", self.run_with("--secret", "token", code=125).stderr)
        (self.given / "token").unlink()
        (Path(self.directory) / "outside").write_bytes(b"outside")
        (self.given / "token").symlink_to("../outside")
        self.assertIn("no such secret", self.run_with("--secret", "token", code=125).stderr)
