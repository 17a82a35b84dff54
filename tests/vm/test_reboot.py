# SPDX-License-Identifier: Apache-2.0
"""F5: what is there before a reboot and after it, in the user's own store, with the shipped skiff-restart.service; 50 containers
run when it comes, the user's and root's together, and meanwhile the clock goes back a day.

Classes with `boot = 1` run before the machine is booted again, by `systemctl reboot` while their containers run; the
others after it. See tests/support/guest.py. It runs by name only: tests/vm/run.py reboot.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

from tests.support.guest_test import CGROUPS, GuestTest
from tests.support.skiff import SLOWNESS, wait_for

PORT = 8123
MANY = 18
RTC_SET_TIME = 0x4024700A  # ioctl() of the battery-backed clock
ALWAYS = ("web", "limited", *(f"many{number}" for number in range(MANY)))
STARTED = sorted((*ALWAYS, "unless", "always-stopped"))
ENDED = ("no", "onfail", "unless-stopped", "made", "seven")


class RebootTest(GuestTest):
    """In the store that the unit sees; nothing is removed behind a test."""

    manager = ["--user"]

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

    @classmethod
    def roots(cls):
        return []

    def setUp(self):
        pass

    def systemctl(self, *args):
        """systemctl --user."""
        done = subprocess.run(["systemctl", *self.manager, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, env=self.environment(), timeout=120 * SLOWNESS)
        self.assertEqual(done.returncode, 0, f"{args}: {done.stdout}{done.stderr}")
        return done

    def states(self):
        """{name: state}"""
        return {item["Names"][0]: item["State"] for item in self.skiff("ps", "-a", "--format", "json").json}

    def elsewhere(self, *args, **options):
        """With a store and a runtime directory of its own that are on the disk, not on a tmpfs."""
        return self.skiff("--root", self.own_home / "elsewhere/store", "--runroot", self.own_home / "elsewhere/run", *args, **options)


class Before(RebootTest):
    """Everything that the reboot meets."""

    boot = 1
    units = Path.home() / ".config/systemd/user"

    def test_1_unit(self):
        """The shipped unit, enabled."""
        text = next(self.program.parents[1].glob("lib/systemd/*/skiff-restart.service")).read_text(encoding="utf-8")
        # If it was built for another place.
        text = text.replace(text.partition("ExecStart=")[2].split()[0], "/usr/local/bin/skiff")
        self.units.mkdir(parents=True, exist_ok=True)
        (self.units / "skiff-restart.service").write_text(text, encoding="utf-8")
        self.systemctl("daemon-reload")
        self.systemctl("enable", "skiff-restart")
        self.systemctl("start", "skiff-restart")

    def test_2_containers(self):
        """With each policy, a volume, a named network, a limit."""
        run = ["run", "-d", "--stop-timeout", "1"]
        plain = [*run, "--network", "none"]
        sleep = ["busybox", "sleep", "100000"]
        self.skiff("network", "create", "net")
        self.skiff("volume", "create", "vol")
        self.skiff(*run, "--name", "web", "--restart", "always", "--network", "net", "-v", "vol:/data", "-p", f"127.0.0.1:{PORT + os.getuid()}:80",
                   "busybox", "sh", "-c", "echo boot >>/data/boots; echo again >>/layer; exec httpd -f -p 80 -h /data")
        self.skiff(*plain, "--name", "limited", "--restart", "always", "-m", "64m", *sleep)
        for number in range(MANY):
            self.skiff(*plain, "--name", f"many{number}", "--restart", "always", *sleep)
        for name, policy in (("unless", "unless-stopped"), ("unless-stopped", "unless-stopped"), ("always-stopped", "always"),
                             ("no", "no"), ("onfail", "on-failure:3")):
            self.skiff(*plain, "--name", name, "--restart", policy, *sleep)
        self.skiff("stop", "unless-stopped", "always-stopped")
        self.skiff("create", "--name", "made", "--network", "none", *sleep)
        self.skiff("run", "--name", "seven", "--network", "none", "busybox", "sh", "-c", "exit 7", code=7)
        self.skiff(*plain, "--rm", "--name", "swept", *sleep)
        wait_for(lambda: self.skiff("exec", "web", "cat", "/data/boots").stdout == "boot\n", 20)

    def test_3_runtime_on_disk(self):
        """Runtime records, locks and sockets that the next boot finds."""
        self.elsewhere("load", "-q", "-i", "/skiff/busybox.tar", timeout=60)
        self.elsewhere("network", "create", "there")
        for name, network in (("a", "there"), ("b", "none")):
            self.elsewhere("run", "-d", "--name", name, "--network", network, "--stop-timeout", "1", "-v", "kept:/data",
                           "busybox", "sh", "-c", f"echo {name} >>/data/file; exec sleep 100000")
        self.elsewhere("run", "-d", "--rm", "--name", "c", "--network", "none", "busybox", "sleep", "100000")


class After(RebootTest):
    """The same, one boot later."""

    def test_1_states(self):
        """What is to run after a boot runs, everything else has ended; what had ended before says how."""
        try:
            wait_for(lambda: all(self.states()[name] == "running" for name in STARTED), 20)
        except AssertionError:
            said = subprocess.run(["journalctl", *self.manager, "-q", "-u", "skiff-restart"], capture_output=True, text=True, check=False)
            self.fail(f"not all of {STARTED} run: {self.states()}\n{said.stdout}")
        states = self.states()
        self.assertEqual({name: states[name] for name in ENDED},
                         {name: "created" if name == "made" else "exited" for name in ENDED})
        self.assertEqual(self.inspect("seven")["State"]["ExitCode"], 7)
        self.skiff("volume", "create", "healer")
        self.skiff("volume", "rm", "healer")
        self.assertNotIn("swept", self.states())
        for name in ("no", "onfail"):
            state = self.inspect(name)["State"]
            self.assertEqual((state["Running"], state["Pid"], state["Status"]), (False, 0, "exited"))
            self.assertNotEqual(state["ExitCode"], 0, "an end by the shutdown is no success")
        self.assertEqual(self.systemctl("is-active", "skiff-restart").stdout, "active\n")

    def test_2_data(self):
        """Volume, layer, network, port and limit of those that came back."""
        self.assertEqual(self.skiff("exec", "web", "cat", "/data/boots", "/layer").stdout, "boot\nboot\nagain\nagain\n")
        report = self.inspect("web")
        self.assertTrue(report["NetworkSettings"]["Networks"]["net"]["IPAddress"])
        self.assertEqual(report["State"]["Status"], "running")

        def page():
            try:
                with socket.create_connection(("127.0.0.1", PORT + os.getuid()), 2) as connection:
                    connection.sendall(b"GET /boots HTTP/1.0\r\n\r\n")
                    return b"".join(iter(lambda: connection.recv(4096), b""))
            except OSError:
                return b""
        wait_for(lambda: page().endswith(b"boot\nboot\n"), 20, message="the page")
        limited = self.inspect("limited")
        self.assertEqual(limited["HostConfig"]["Memory"], 64 << 20)
        path = CGROUPS / limited["State"]["CgroupPath"][1:]
        self.assertEqual((path / "memory.max").read_text(encoding="ascii").strip(), str(64 << 20))
        self.assertIn("skiff-restart.service", str(path))

    def test_3_runtime_on_disk(self):
        """Records of another boot are nobody's: told as ended, started again, removed."""
        found = {item["Names"][0]: item for item in self.elsewhere("ps", "-a", "--format", "json").json}
        self.assertEqual({name: item["State"] for name, item in found.items() if name != "c"}, {"a": "exited", "b": "exited"})
        self.elsewhere("start", "a", "b")
        self.assertEqual(sorted(self.elsewhere("ps", "--format", "{{.Names}}").lines), ["a", "b"])
        self.assertEqual(self.elsewhere("exec", "a", "sort", "/data/file").lines, ["a", "a", "b", "b"])
        self.elsewhere("rm", "-f", "-t", "0", "a", "b")
        self.assertEqual(self.elsewhere("ps", "-aq").stdout, "")
        self.elsewhere("network", "rm", "there")
        self.elsewhere("volume", "rm", "kept")
        self.elsewhere("system", "check")
        self.assertEqual(self.elsewhere("images", "--format", "{{.Repository}}").lines, ["localhost/busybox"])
        left = [path.name for path in (self.own_home / "elsewhere/run/containers").iterdir()]
        self.assertEqual(left, [])

    def test_4_end(self):
        """The store is sound, the unit stops what it has started, and all can be removed."""
        self.skiff("system", "check")
        self.systemctl("stop", "skiff-restart")
        states = self.states()
        self.assertEqual({name: states[name] for name in ALWAYS}, dict.fromkeys(ALWAYS, "exited"))
        self.systemctl("disable", "skiff-restart")
        self.skiff("rm", "-fa", "-t", "0")
        self.assertEqual(json.loads(self.skiff("ps", "-a", "--format", "json").stdout), [])
        self.skiff("network", "rm", "net")
        self.skiff("volume", "rm", "vol")


class RootBefore(Before):
    """As root, by the system's manager."""

    user = "root"
    manager = []
    units = Path("/etc/systemd/system")

    def test_4_running(self):
        """As many as are to run; the user's are counted by their monitors."""
        monitors = [path for path in Path("/proc").glob("[0-9]*/comm") if path.read_text(encoding="ascii") == "skiff-monitor\n"]
        self.assertGreaterEqual(len(monitors), 50)

    def test_5_clock(self):
        """The next boot finds itself a day earlier."""
        day = time.gmtime(time.time() - 86400)
        with open("/dev/rtc0", "rb") as clock:
            fcntl.ioctl(clock, RTC_SET_TIME, struct.pack("9i", day.tm_sec, day.tm_min, day.tm_hour, day.tm_mday, day.tm_mon - 1,
                                                         day.tm_year - 1900, 0, 0, 0))


class RootAfter(After):
    """As root, by the system's manager."""

    user = "root"
    manager = []

    def test_0_clock(self):
        """What ended before the boot did so tomorrow."""
        self.assertGreater(self.inspect("seven")["State"]["FinishedAt"], time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 43200)))
