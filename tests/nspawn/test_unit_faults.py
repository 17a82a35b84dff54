# SPDX-License-Identifier: Apache-2.0
"""Services under stress: killed while they pull or run, reloaded, stopped too fast, watched by systemd."""

import os
import signal
import threading
import time

from tests.nspawn.test_auto_update import Busybox
from tests.nspawn.test_quadlet import BASE, PROBED, UnitTest
from tests.support.fault_registry import FaultRegistry
from tests.support.skiff import wait_for

LONG = 60
PROBE = "/skiff/service_probe"


class Killed(UnitTest):
    """Parts of a service that are gone at once."""

    def put(self, name, text, reload=True):
        """The file of registries is beside the directory of units."""
        if name != "registries.conf":
            return super().put(name, text, reload)
        path = self.files.parent / name
        path.write_text(text, encoding="utf-8")
        self.written.append(path)
        return path

    def test_a_unit_that_is_killed_while_it_pulls(self):
        """The next start goes on; nothing of the pull is left behind."""
        hold, stop = threading.Event(), threading.Event()

        def script(request):
            """Layers do not come before they may."""
            if request.is_blob and not stop.is_set():
                hold.set()
                stop.wait(LONG)
            return None

        with FaultRegistry(Busybox("one", ["sleep", "1000"]), script=script) as registry:
            name = f"{registry.host}/test/app:latest"
            self.addCleanup(self.skiff, "rmi", name, check=False)
            self.addCleanup(self.remove_files)
            self.addCleanup(stop.set)
            self.put("registries.conf", f"[[registry]]\nlocation = \"{registry.host}\"\ninsecure = true\n", reload=False)
            self.put("pulls.container", f"[Container]\nImage={name}\nNetwork=none\nStopTimeout=1\n")
            self.systemctl("start", "--no-block", "pulls")
            self.assertTrue(hold.wait(LONG))
            wait_for(lambda: self.show("pulls", "StatusText").startswith(f"Pulling {name}"), LONG)
            self.systemctl("kill", "--signal=KILL", "--kill-who=all", "pulls")
            wait_for(lambda: self.show("pulls", "ActiveState") == "failed", LONG)
            self.assertEqual(self.show("pulls", "Result"), "signal")
            stop.set()
            self.assertEqual(self.names(), [])
            self.assertNotIn(name.rpartition(":")[0], self.skiff("images", "--format", "{{.Repository}}").lines)
            self.systemctl("start", "pulls", timeout=LONG)
            self.assertEqual(self.names(), ["systemd-pulls"])
            self.assertEqual(self.skiff("system", "check").code, 0)
            self.systemctl("stop", "pulls")

    def test_a_monitor_that_is_killed_again_and_again(self):
        """systemd starts the unit again, each time with a new container and without the old one's rests."""
        self.put("again.container", BASE + "Exec=sleep 1000\nStopTimeout=1\n[Service]\nRestart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0\n")
        self.systemctl("start", "again")
        seen = set()
        for _ in range(3):
            report = wait_for(lambda: self.show("again", "ActiveState") == "active" and self.names() == ["systemd-again"]
                              and self.inspect("systemd-again"), LONG)
            self.assertNotIn(report["Id"], seen)
            seen.add(report["Id"])
            os.kill(int(self.show("again", "MainPID")), signal.SIGKILL)
            wait_for(lambda: self.show("again", "ActiveState") != "active", LONG)  # pylint: disable=cell-var-from-loop
        wait_for(lambda: self.show("again", "ActiveState") == "active", LONG)
        self.systemctl("stop", "again")
        wait_for(lambda: self.names() == [], LONG)

    def test_the_container_alone_is_killed(self):
        """Its end is the service's."""
        self.put("k.container", BASE + "Exec=sleep 1000\n")
        self.systemctl("start", "k")
        os.kill(self.inspect("systemd-k")["State"]["Pid"], signal.SIGKILL)
        wait_for(lambda: self.show("k", "ActiveState") == "failed", LONG)
        self.assertEqual((self.show("k", "Result"), self.show("k", "ExecMainStatus")), ("exit-code", "137"))
        wait_for(lambda: self.names() == [], LONG)


class Reloaded(UnitTest):
    """daemon-reload."""

    def test_a_storm_of_reloads(self):
        """The generator runs a hundred times beside starts and stops; what runs goes on."""
        for name in ("stays", "comes"):
            self.put(f"{name}.container", BASE + "Exec=sleep 1000\nStopTimeout=1\n", reload=False)
        self.systemctl("daemon-reload")
        self.systemctl("start", "stays")
        before = self.show("stays", "MainPID")
        stop, rounds, failed = threading.Event(), [0], []

        def storm():
            """One reload after the other."""
            while not stop.is_set():
                done = self.systemctl("daemon-reload", check=False)
                rounds[0] += 1
                if done.returncode:
                    failed.append(done.stderr)

        threads = [threading.Thread(target=storm) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                self.systemctl("start", "comes", timeout=LONG)
                self.assertIn("systemd-comes", self.names())
                self.systemctl("stop", "comes", timeout=LONG)
                wait_for(lambda: self.names() == ["systemd-stays"], LONG)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(rounds[0], 4)
        self.assertEqual((self.show("stays", "ActiveState"), self.show("stays", "MainPID")), ("active", before))
        self.systemctl("stop", "stays")


class Timeouts(UnitTest):
    """systemd's patience against ours."""

    def test_systemd_has_less_patience_than_the_container(self):
        """TimeoutStopSec= below StopTimeout=: it is killed, and gone all the same."""
        self.put("deaf.container", BASE + "Exec=sh -c 'trap \"\" TERM; while :; do sleep 1; done'\nStopTimeout=1000\n[Service]\nTimeoutStopSec=2\n")
        self.systemctl("start", "deaf")
        self.systemctl("stop", "deaf", timeout=LONG)
        self.assertEqual(self.show("deaf", "ActiveState"), "failed")
        self.assertEqual(self.show("deaf", "Result"), "timeout")
        wait_for(lambda: self.names() == [], LONG)

    def test_a_start_gets_more_time_if_the_container_asks_for_it(self):
        self.put("slow.container", PROBED + f"Notify=yes\nExec=sh -c '{PROBE} text=EXTEND_TIMEOUT_USEC=60000000; sleep 4; {PROBE} text=READY=1 sleep'\n"
                 "StopTimeout=1\n[Service]\nTimeoutStartSec=2\n")
        begin = time.monotonic()
        self.systemctl("start", "slow", timeout=LONG)
        self.assertGreater(time.monotonic() - begin, 3.9)
        self.assertEqual(self.show("slow", "ActiveState"), "active")
        self.systemctl("stop", "slow", timeout=LONG)


class Words(UnitTest):
    """What a container says about itself while it runs."""

    def test_watchdog(self):
        """A container that goes on saying so lives, one that stops is ended."""
        self.put("dog.container", PROBED + f"Notify=yes\nExec=sh -c '{PROBE} text=READY=1; test \"$WATCHDOG_USEC\" = 5000000 || exit 9; while ! test -e /tmp/quiet; do "
                 f"{PROBE} text=WATCHDOG=1; sleep 0.2; done; sleep 1000'\nStopTimeout=1\n[Service]\nWatchdogSec=5\n")
        self.systemctl("start", "dog", timeout=LONG)
        beats = set()
        wait_for(lambda: beats.add(self.show("dog", "WatchdogTimestampMonotonic")) or len(beats) > 3, LONG)
        self.assertEqual(self.show("dog", "ActiveState"), "active")
        self.skiff("exec", "systemd-dog", "touch", "/tmp/quiet")
        wait_for(lambda: self.show("dog", "ActiveState") == "failed", LONG)
        self.assertEqual(self.show("dog", "Result"), "watchdog")
        wait_for(lambda: self.names() == [], LONG)

    def test_reloading_and_stopping(self):
        """systemd shows what the container is about."""
        self.put("r.container", PROBED + f"Notify=yes\nExec=sh -c 'trap \"test -e /tmp/go && {PROBE} text=READY=1 || {PROBE} text=RELOADING=1\" HUP; "
                 f"trap \"{PROBE} text=STOPPING=1; while ! test -e /tmp/gone; do sleep 0.1; done; exit 0\" USR1; {PROBE} text=READY=1; while :; do sleep 0.1; done'\nStopTimeout=1\n")
        self.systemctl("start", "r", timeout=LONG)
        self.skiff("kill", "--signal", "HUP", "systemd-r")
        wait_for(lambda: self.show("r", "ActiveState") == "reloading", LONG)
        self.skiff("exec", "systemd-r", "touch", "/tmp/go")
        self.skiff("kill", "--signal", "HUP", "systemd-r")
        wait_for(lambda: self.show("r", "ActiveState") == "active", LONG)
        self.skiff("kill", "--signal", "USR1", "systemd-r")
        wait_for(lambda: self.show("r", "ActiveState") == "deactivating", LONG)
        self.skiff("exec", "systemd-r", "touch", "/tmp/gone")
        wait_for(lambda: self.show("r", "ActiveState") == "inactive", LONG)
        self.assertEqual(self.show("r", "Result"), "success")

    def test_a_credential_of_the_unit(self):
        """SetCredential= and LoadCredential= of [Service] reach Secret= of [Container]."""
        source = self.files / "token"
        source.write_text("loaded", encoding="ascii")
        self.written.append(source)
        self.put("c.container", BASE + "Secret=token\nSecret=word,type=env,target=WORD\nExec=sh -c 'cat /run/secrets/token; echo \" $WORD\"; sleep 1000'\n"
                 f"StopTimeout=1\n[Service]\nLoadCredential=token:{source}\nSetCredential=word:set\n")
        self.systemctl("start", "c", timeout=LONG)
        wait_for(lambda: self.skiff("logs", "systemd-c").stdout == "loaded set\n", LONG)
        self.systemctl("stop", "c", timeout=LONG)


del UnitTest
