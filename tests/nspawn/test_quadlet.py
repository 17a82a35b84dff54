# SPDX-License-Identifier: Apache-2.0
"""Quadlet files as units of a real systemd, from the file to the end of the service."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from tests.support.guest_test import CGROUPS, GuestTest, cgroup_of
from tests.support.skiff import SLOWNESS, wait_for

PROBE = Path("/skiff/service_probe")
BASE = "[Container]\nImage=localhost/busybox\nNetwork=none\n"
PROBED = BASE + "Volume=/skiff:/skiff:ro\n"


class UnitTest(GuestTest):
    """A test with files for systemd's generator; the store is the user's own, as the units see it."""

    @classmethod
    def setUpClass(cls):
        cls.own_home = Path.home()
        # A login inside another login gets none from PAM; the user lingers.
        os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
        super().setUpClass()

    @classmethod
    def environment(cls, **changes):
        changes.setdefault("HOME", str(cls.own_home))
        return super().environment(**changes)

    manager = ["--user"]  # options of systemctl and journalctl

    def directories(self):
        """Of files for the generator, of units."""
        return self.own_home / ".config/containers/systemd", self.own_home / ".config/systemd/user"

    def setUp(self):
        super().setUp()
        self.files, self.units = self.directories()
        for directory in (self.files, self.units):
            directory.mkdir(parents=True, exist_ok=True)
        self.written = []
        self.addCleanup(self.remove_files)

    def remove_files(self):
        """Stop all services of ours and forget them."""
        for path in filter(Path.exists, self.written):
            if path.suffix in (".container", ".socket"):
                self.systemctl("stop", path.stem + (".socket" if path.suffix == ".socket" else ".service"), check=False)
            path.unlink()
        self.systemctl("reset-failed", check=False)
        self.systemctl("daemon-reload")

    def systemctl(self, *args, check=True, timeout=60):
        """systemctl --user."""
        done = subprocess.run(["systemctl", *self.manager, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env=self.environment(), timeout=timeout * SLOWNESS)
        if check:
            self.assertEqual(done.returncode, 0, f"{args}: {done.stdout}{done.stderr}\n{self.journal(args[-1])}")
        return done

    def show(self, unit, name):
        """A property of a unit."""
        return self.systemctl("show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, unit):
        """What a unit has said."""
        done = subprocess.run(["journalctl", *self.manager, "-q", "-o", "cat", "-u", unit], capture_output=True, text=True, check=False,
                              env=self.environment())
        return done.stdout

    def put(self, name, text, reload=True):
        """Write a file and have the generator run."""
        path = (self.units if name.endswith(".socket") else self.files) / name
        path.write_text(text, encoding="utf-8")
        self.written.append(path)
        if reload:
            self.systemctl("daemon-reload")
        return path

    def names(self):
        """Of all containers."""
        return self.skiff("ps", "-a", "--format", "{{.Names}}").lines


class Containers(UnitTest):
    """A .container file."""

    def test_a_service_from_start_to_stop(self):
        self.put("web.container", BASE + "Exec=sleep 1000\nStopTimeout=1\n[Install]\nWantedBy=default.target\n")
        self.assertEqual(self.systemctl("is-enabled", "web").stdout, "generated\n")
        self.assertIn("web.service", self.systemctl("list-dependencies", "--plain", "default.target").stdout)
        self.systemctl("start", "web")
        self.assertEqual(self.show("web", "ActiveState"), "active")
        report = self.inspect("systemd-web")
        self.assertEqual(self.show("web", "MainPID"), str(report["State"]["ConmonPid"]))
        unit = self.show("web", "ControlGroup")
        self.assertTrue(("/" + cgroup_of(report["State"]["Pid"])).startswith(f"{unit}/skiff-"), cgroup_of(report["State"]["Pid"]))
        self.assertEqual("/" + cgroup_of(report["State"]["ConmonPid"]), f"{unit}/supervisor")
        self.assertEqual(self.skiff("quadlet", "list", "-n", "--format", "{{.Name}} {{.Status}}").word, "web.container active/running")
        self.assertIn("is running, refusing to remove", self.skiff("quadlet", "rm", "web.container", code=125).stderr)
        self.systemctl("stop", "web", timeout=30)
        self.assertEqual((self.show("web", "ActiveState"), self.show("web", "Result")), ("inactive", "success"))
        self.assertEqual(self.names(), [])
        self.assertFalse((CGROUPS / unit[1:]).exists())

    def test_its_exit_code_is_the_services(self):
        self.put("fail.container", BASE + "Exec=sh -c 'sleep 1; exit 3'\n")
        self.systemctl("start", "fail")
        wait_for(lambda: self.show("fail", "ActiveState") == "failed")
        self.assertEqual((self.show("fail", "Result"), self.show("fail", "ExecMainStatus")), ("exit-code", "3"))
        self.put("good.container", BASE + "Exec=sleep 0.5\n")
        self.systemctl("start", "good")
        wait_for(lambda: self.show("good", "ActiveState") == "inactive")
        self.assertEqual(self.show("good", "Result"), "success")
        self.assertEqual(self.names(), [])

    def test_restart_on_failure(self):
        self.put("again.container", BASE + "Exec=sh -c 'sleep 0.3; exit 3'\n[Service]\nRestart=on-failure\nRestartSec=100ms\n"
                 "[Unit]\nStartLimitIntervalSec=0\n")
        self.systemctl("start", "again")
        wait_for(lambda: int(self.show("again", "NRestarts")) >= 2)

    def test_a_killed_monitor_leaves_nothing(self):
        self.put("k.container", BASE + "Exec=sleep 1000\n")
        self.systemctl("start", "k")
        os.kill(int(self.show("k", "MainPID")), signal.SIGKILL)
        wait_for(lambda: self.show("k", "ActiveState") == "failed")
        self.assertEqual(self.show("k", "Result"), "signal")
        wait_for(lambda: self.names() == [])

    def test_who_hears_nothing_is_killed(self):
        self.put("deaf.container", BASE + "Exec=sh -c 'trap \"\" TERM; while :; do sleep 1; done'\nStopTimeout=1\n")
        self.systemctl("start", "deaf")
        begin = time.monotonic()
        self.systemctl("stop", "deaf", timeout=30)
        self.assertLess(time.monotonic() - begin, 8 * SLOWNESS)
        self.assertEqual((self.show("deaf", "ActiveState"), self.show("deaf", "Result")), ("inactive", "success"))

    def test_a_oneshot(self):
        self.put("job.container", BASE + "Exec=echo done\n[Service]\nType=oneshot\nRemainAfterExit=yes\n")
        self.systemctl("start", "job")
        self.assertEqual(self.show("job", "ActiveState"), "active")
        self.assertIn("done", self.journal("job"))

    def test_templates(self):
        self.put("t@.container", BASE + "Exec=sh -c \"echo this is %i; sleep 1000\"\nStopTimeout=1\nLogDriver=passthrough\n")
        self.systemctl("start", "t@one", "t@two")
        self.assertEqual(sorted(self.names()), ["systemd-t_one", "systemd-t_two"])
        wait_for(lambda: "this is two" in self.journal("t@two"))
        self.systemctl("stop", "t@one", "t@two")

    def test_volumes_and_networks_of_other_files(self):
        self.put("data.volume", "[Volume]\nLabel=a=b\n", reload=False)
        self.put("net.network", "[Network]\n", reload=False)
        self.put("x.container", "[Container]\nImage=localhost/busybox\nNetwork=net.network\nVolume=data.volume:/data\n"
                 "StopTimeout=1\nExec=sh -c 'echo kept >/data/file; sleep 1000'\n")
        self.systemctl("start", "x")
        self.assertEqual((self.show("data-volume", "ActiveState"), self.show("net-network", "ActiveState")), ("active", "active"))
        self.assertEqual(self.inspect("systemd-x")["Mounts"][0]["Name"], "systemd-data")
        self.assertEqual(list(self.inspect("systemd-x")["NetworkSettings"]["Networks"]), ["systemd-net"])
        self.systemctl("stop", "x", "data-volume", "net-network")
        self.skiff("volume", "rm", "systemd-data")
        self.skiff("network", "rm", "systemd-net")

    def test_a_broken_file_is_a_unit_that_fails_and_says_why(self):
        path = self.put("bad.container", BASE + "Exce=sleep 1\n")
        self.assertNotEqual(self.systemctl("start", "bad", check=False).returncode, 0)
        says = f"{path}:4: unknown key 'Exce' in [Container] (did you mean Exec?)"
        self.assertEqual(self.show("bad", "Description"), f"Broken: {says}")
        wait_for(lambda: says in self.journal("bad"))

    def test_what_failed_is_said_before_its_process_is_gone(self):
        """Of one that is gone the journal could not tell whose words they were."""
        says = {"gone": "unknown flag: --frobnicate", "broken": "[Container] needs Image="}
        for i in range(30):
            self.put(f"gone{i}.container", "[Container]\nImage=localhost/busybox\nPodmanArgs=--frobnicate\n", reload=False)
            self.put(f"broken{i}.container", "[Container]\nImagee=localhost/busybox\n", reload=i == 29)
        self.systemctl("start", *(f"{kind}{i}" for i in range(30) for kind in says), check=False)
        for kind, words in says.items():
            # The manager's own last words come after theirs.
            wait_for(lambda kind=kind: self.journal(f"{kind}*").count("Failed to start") == 30, 60)
            self.assertEqual(self.journal(f"{kind}*").count(words), 30, self.journal(f"{kind}*"))

    def test_its_words_are_in_the_units_journal(self):
        """Where nobody names a log driver."""
        self.put("says.container", BASE + "Exec=sh -c 'echo a word; exec sleep 1000'\nStopTimeout=0\n")
        self.put("file.container", BASE + "Exec=sh -c 'echo a word; exec sleep 1000'\nStopTimeout=0\nLogDriver=k8s-file\n")
        self.systemctl("start", "says", "file")
        wait_for(lambda: "a word\n" in self.journal("says"), 60)
        self.assertEqual([self.inspect(f"systemd-{name}")["HostConfig"]["LogConfig"]["Type"] for name in ("says", "file")], ["journald", "k8s-file"])
        for name in ("says", "file"):
            wait_for(lambda name=name: self.skiff("logs", f"systemd-{name}").stdout == "a word\n", 60)
        self.assertNotIn("a word\n", self.journal("file"))

    def test_reload(self):
        self.put("r.container", BASE + "Exec=sh -c 'trap \"echo reloaded\" HUP; while :; do sleep 0.1; done'\nStopTimeout=1\nReloadSignal=HUP\n")
        self.systemctl("start", "r")
        self.systemctl("reload", "r")
        wait_for(lambda: "reloaded" in self.skiff("logs", "systemd-r").stdout)


class System(UnitTest):
    """Files of the system's systemd."""

    user = "root"
    manager = []

    def directories(self):
        return Path("/etc/containers/systemd"), Path("/etc/systemd/system")

    def setUp(self):
        super().setUp()
        roots = " ".join(self.roots())
        self.base = BASE + f"GlobalArgs={roots}\n"

    def test_a_service(self):
        self.put("sys.container", self.base + "Exec=sleep 1000\nStopTimeout=1\n")
        self.systemctl("start", "sys")
        report = self.inspect("systemd-sys")
        self.assertEqual(self.show("sys", "MainPID"), str(report["State"]["ConmonPid"]))
        self.assertTrue(cgroup_of(report["State"]["Pid"]).startswith("system.slice/sys.service/skiff-"), cgroup_of(report["State"]["Pid"]))
        self.systemctl("stop", "sys")
        self.assertEqual((self.show("sys", "ActiveState"), self.show("sys", "Result")), ("inactive", "success"))

    def test_a_service_of_another_user(self):
        """User= of [Service], which podman's generator does not support: the container is that user's."""
        self.put("theirs.container", BASE + "Exec=sleep 1000\nStopTimeout=1\n[Service]\nUser=tester\n")
        subprocess.run(["su", "-", "tester", "-c", "/skiff/prefix/bin/skiff load -q -i /skiff/busybox.tar"], check=True, stdout=subprocess.DEVNULL)
        self.systemctl("start", "theirs")
        pid = self.show("theirs", "MainPID")
        self.assertNotEqual(pid, "0", self.systemctl("status", "theirs", check=False).stdout + self.journal("theirs"))
        self.assertEqual(Path(f"/proc/{pid}").stat().st_uid, 1000)
        self.assertEqual(Path(f"/proc/{pid}/comm").read_text(encoding="ascii"), "skiff-monitor\n")
        self.systemctl("stop", "theirs")
        self.assertEqual((self.show("theirs", "ActiveState"), self.show("theirs", "Result")), ("inactive", "success"))


class Readiness(UnitTest):
    """When a service counts as started."""

    def test_notify_waits_for_the_containers_word(self):
        self.put("n.container", PROBED + "Notify=yes\nExec=/skiff/service_probe barrier \"text=STATUS=getting up\" sleep\n"
                 "[Service]\nTimeoutStartSec=3\n")
        self.assertNotEqual(self.systemctl("start", "n", check=False).returncode, 0)
        self.assertEqual(self.show("n", "Result"), "timeout")
        wait_for(lambda: self.names() == [])
        self.put("m.container", PROBED + "Notify=yes\nExec=/skiff/service_probe \"text=READY=1|STATUS=up and running\" barrier sleep\n")
        self.systemctl("start", "m")
        self.assertEqual(self.show("m", "StatusText"), "up and running")
        self.assertEqual(self.show("m", "MainPID"), str(self.inspect("systemd-m")["State"]["ConmonPid"]))
        self.assertEqual(self.skiff("logs", "systemd-m").stdout, "barrier\n")

    def test_healthy_waits_for_a_probe(self):
        self.put("h.container", BASE + "Notify=healthy\nHealthCmd=test -e /tmp/ok\nHealthInterval=500ms\nHealthRetries=100\n"
                 "Exec=sh -c 'sleep 2; touch /tmp/ok; sleep 1000'\nStopTimeout=1\n")
        begin = time.monotonic()
        self.systemctl("start", "h")
        self.assertGreater(time.monotonic() - begin, 1.9)
        self.assertEqual(self.inspect("systemd-h")["State"]["Health"]["Status"], "healthy")

    def test_its_health_is_in_the_status(self):
        """Also why it was killed."""
        self.put("sick.container", BASE + "Exec=sleep 1000\nStopTimeout=0\nHealthCmd=echo 'a\tb'; echo more; test ! -e /sick\n"
                 "HealthInterval=500ms\nHealthRetries=1\nHealthOnFailure=kill\n")
        self.systemctl("start", "sick")
        wait_for(lambda: self.show("sick", "StatusText") == "healthy: a b", 60)
        self.skiff("exec", "systemd-sick", "touch", "/sick")
        wait_for(lambda: self.show("sick", "ActiveState") == "failed", 60)
        self.assertEqual(self.show("sick", "StatusText"), "unhealthy, killed: a b")

    def test_a_slow_pull_gets_more_time(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(8)
            stop = threading.Event()

            def serve():
                """Take every connection and say nothing for a while."""
                while not stop.is_set():
                    client, _ = listener.accept()
                    stop.wait(6)
                    client.close()

            threading.Thread(target=serve, daemon=True).start()
            port = listener.getsockname()[1]
            self.put("slow.container", f"[Container]\nImage=127.0.0.1:{port}/slow/image:1\n[Service]\nTimeoutStartSec=3\n")
            begin = time.monotonic()
            starter = threading.Thread(target=lambda: self.systemctl("start", "slow", check=False, timeout=120))
            starter.start()
            wait_for(lambda: self.show("slow", "StatusText").startswith(f"Pulling 127.0.0.1:{port}/slow/image:1"))
            time.sleep(5)
            self.assertEqual(self.show("slow", "ActiveState"), "activating")
            stop.set()
            socket.create_connection(("127.0.0.1", port)).close()
            starter.join(60 * SLOWNESS)
            self.assertGreater(time.monotonic() - begin, 5)
            self.assertNotEqual(self.show("slow", "Result"), "timeout")


class Activation(UnitTest):
    """A .socket unit and its container."""

    def test_the_first_client_starts_the_container(self):
        path = Path(self.session_runtime) / "quadlet-test.sock"
        self.put("act.container", PROBED + "HostName=inside\nExec=/skiff/service_probe env serve serve sleep\n", reload=False)
        self.put("act.socket", f"[Socket]\nListenStream={path}\nFileDescriptorName=web\n")
        self.systemctl("start", "act.socket")
        self.assertEqual(self.names(), [])
        for _ in range(2):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(20 * SLOWNESS)
                client.connect(str(path))
                self.assertEqual(client.recv(100), b"served by inside\n")
        self.assertEqual(wait_for(lambda: self.skiff("logs", "systemd-act").lines[1:4]), ["LISTEN_FDS=1", "LISTEN_FDNAMES=web", "pid ours"])
        self.systemctl("stop", "act.socket", "act.service")


class Boot(UnitTest):
    """skiff-restart.service."""

    def test_containers_that_are_to_run_after_a_boot(self):
        unit = Path("/skiff/prefix/lib/systemd/user/skiff-restart.service")
        text = unit.read_text(encoding="utf-8")
        # The bed is not where it was built for.
        text = text.replace(text.partition("ExecStart=")[2].split()[0], "/skiff/prefix/bin/skiff")
        path = self.units / "skiff-restart.service"
        path.write_text(text, encoding="utf-8")
        self.addCleanup(self.systemctl, "daemon-reload")
        self.addCleanup(path.unlink)
        self.systemctl("daemon-reload")
        for policy in ("always", "no"):
            self.skiff("run", "-d", "--name", policy, "--restart", policy, "--network", "none", "--stop-timeout", "1", "busybox", "sleep", "1000")
        for policy in ("always", "no"):  # as a crash does
            os.kill(self.inspect(policy)["State"]["ConmonPid"], signal.SIGKILL)
        wait_for(lambda: self.inspect("always")["State"]["Status"] == "exited")
        self.systemctl("start", "skiff-restart")
        self.assertEqual(self.inspect("always")["State"]["Status"], "running")
        self.assertEqual(self.inspect("no")["State"]["Status"], "exited")
        self.systemctl("stop", "skiff-restart")
        self.assertEqual(self.inspect("always")["State"]["Status"], "exited")
