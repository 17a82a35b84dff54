# SPDX-License-Identifier: Apache-2.0
"""A named network outlives the unit that brought it to life: its home has a scope of its own."""

import http.server
import os
import re
import signal
import subprocess
import threading
import urllib.request

from tests.support.guest_test import CGROUPS, GuestTest, cgroup_of
from tests.support.skiff import SLOWNESS, free_port, wait_for
from tests.system.test_network import host_address

SIZE = 64 << 20
FIRST = 1000 << 10  # what has been read when the unit is stopped
SCOPE = re.compile(r"^skiff-network-[0-9a-f]{16}-(\d+)\.scope$")
ENDS = ("sh", "-c", "trap exit TERM; sleep 1000 & wait")
SERVES = ("sh", "-c", f"head -c {SIZE} /dev/zero >/big; exec httpd -f -p 80 -h /")
# It stops reading until it is told to go on, then counts the rest.
READS = (f"wget -q -O - $1 | {{ dd bs=1k count={FIRST >> 10} iflag=fullblock of=/dev/null 2>/dev/null; touch $2.begun; "
         "while ! [ -e $2.go ]; do sleep 0.1; done; wc -c; } >$2.count; touch $2.done")


def homes():
    """Pids of networks' homes."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/comm", encoding="ascii") as file:
                if file.read().strip() == "skiff-network":
                    found.append(int(name))
        except OSError:
            pass
    return found


def scopes():
    """The names of all homes' cgroups."""
    return [name for _, names, _ in os.walk(CGROUPS) for name in names if name.startswith("skiff-network-")]


class Big(http.server.BaseHTTPRequestHandler):
    """A server of the host's."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        for _ in range(SIZE >> 16):
            self.wfile.write(bytes(1 << 16))

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class NetworkTest(GuestTest):
    """Containers in services of their own."""

    manager = ["--user"]

    @classmethod
    def setUpClass(cls):
        if os.geteuid():  # a login inside another login gets none from PAM; the user lingers
            os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.units = []
        self.addCleanup(self.check_gone)
        self.addCleanup(self.skiff, "network", "prune", "-f")
        self.addCleanup(self.skiff, "rm", "--all", "--force", "--time", "0")
        self.addCleanup(self.stop_units)
        self.skiff("network", "create", "net")

    def stop_units(self):
        """All services of ours; some have ended."""
        for unit in self.units:
            subprocess.run(["systemctl", *self.manager, "stop", unit], env=self.environment(), check=False, capture_output=True)

    def check_gone(self):
        """Nothing outlives the last member."""
        wait_for(lambda: not homes(), 5, message="the end of the network's home")
        wait_for(lambda: not scopes(), 5, message="the end of its cgroup")
        wait_for(lambda: not self.units_of_homes(), 5, message="the end of its scope")

    def units_of_homes(self):
        """As systemd has them, also those that failed."""
        return self.shell("systemctl", *self.manager, "list-units", "--all", "--no-legend", "skiff-network-*").stdout

    def serve(self, name, *options, command=ENDS):
        """A service that runs a container on the network."""
        unit = f"skiff-test-{name}"
        env = [f"--setenv={key}={value}" for key, value in self.environment().items()]
        self.units.append(unit)
        self.shell("systemd-run", *self.manager, "--quiet", "--collect", f"--unit={unit}", "--property=TimeoutStopSec=5", *env,
                   str(self.program), *self.roots(), "run", "--rm", "--name", name, "--network", "net", *options, "busybox", *command)
        wait_for(lambda: self.skiff("inspect", "--format", "{{.State.Running}}", name, check=False).word == "true",
                 message=f"the start of '{name}'")
        return unit

    def one_home(self):
        """The pid of the one home, which has children while it begins."""
        wait_for(lambda: len(homes()) == 1, 5, message="one home")
        return homes()[0]

    def has_scope(self, pid):
        """Is the home alone in a scope of its own?"""
        path = cgroup_of(pid)
        match = SCOPE.match(os.path.basename(path))
        return bool(match) and match[1] == str(pid) and (CGROUPS / path / "cgroup.procs").read_text(encoding="ascii").split() == [str(pid)]

    def assert_has_scope(self, pid):
        """Nobody waits for it to come."""
        wait_for(lambda: self.has_scope(pid), 5, message=f"a scope for the home, which is in '{cgroup_of(pid)}'")

    def is_in(self, name, path):
        """Does a file exist in a container?"""
        return self.skiff("exec", name, "test", "-e", path, check=False).code == 0

    def begin(self, name, url, path):
        """A container begins to read, and waits."""
        self.skiff("exec", "-d", name, "sh", "-c", READS, "sh", url, path)
        wait_for(lambda: self.is_in(name, f"{path}.begun"), message=f"the first bytes of {url}")

    def finish(self, name, path):
        """It reads the rest. Returns how much has come."""
        self.skiff("exec", name, "touch", f"{path}.go")
        wait_for(lambda: self.is_in(name, f"{path}.done"), 30 * SLOWNESS, message=f"the end of {path}")
        return FIRST + int(self.skiff("exec", name, "cat", f"{path}.count").word)


class Services(NetworkTest):
    """Of a user."""

    def test_downloads_go_on(self):
        """The unit that started the home stops while others' connections are in use."""
        address, port = host_address(), free_port()
        first = self.serve("first")
        home = self.one_home()
        self.serve("server", "-p", f"127.0.0.1:{port}:80", command=SERVES)
        self.serve("client")
        wait_for(lambda: self.skiff("exec", "server", "stat", "-c", "%s", "/big").word == str(SIZE))
        with http.server.ThreadingHTTPServer((address or "127.0.0.1", 0), Big) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.shutdown)
            self.begin("client", "http://server/big", "/inner")
            if address:
                self.begin("client", f"http://host.containers.internal:{server.server_port}/", "/outer")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/big", timeout=30 * SLOWNESS) as published:
                self.assertEqual(len(published.read(FIRST)), FIRST)
                self.shell("systemctl", *self.manager, "stop", first)
                self.assertEqual(self.skiff("container", "exists", "first", check=False).code, 1)
                with self.subTest("published"):
                    self.assertEqual(FIRST + len(published.read()), SIZE)
            with self.subTest("container to container"):
                self.assertEqual(self.finish("client", "/inner"), SIZE)
            if address:
                with self.subTest("to the outside"):
                    self.assertEqual(self.finish("client", "/outer"), SIZE)
        with self.subTest("the home"):
            self.assertEqual(homes(), [home])
            self.assertTrue(self.has_scope(home), cgroup_of(home))

    def test_scope_ends_with_the_last_member(self):
        first, second = self.serve("first"), self.serve("second")
        home = self.one_home()
        self.assert_has_scope(home)
        self.assertIn(f"-{home}.scope", self.units_of_homes())
        self.shell("systemctl", *self.manager, "stop", first)
        self.assertEqual(self.one_home(), home)
        self.shell("systemctl", *self.manager, "stop", second)
        self.check_gone()

    def test_one_that_was_killed(self):
        """Whoever brings it back asks for a scope as well."""
        self.serve("first")
        self.serve("second")
        home = self.one_home()
        self.assert_has_scope(home)
        os.kill(home, signal.SIGKILL)
        wait_for(lambda: home not in homes() and len(homes()) == 1, 5, message="another home")
        self.assert_has_scope(self.one_home())
        wait_for(lambda: len(scopes()) == 1, 5, message="the end of the old scope")
        wait_for(lambda: self.skiff("exec", "first", "nslookup", "second", check=False).code == 0, 5, message="names")

    def test_short_lives(self):
        """A container that ends before there is a scope leaves none."""
        for _ in range(5):
            self.skiff("run", "--rm", "--network", "net", "busybox", "true")
        self.check_gone()

    def test_without_a_session(self):
        """Started with no word about where the manager is, as by cron."""
        self.skiff("run", "-d", "--name", "one", "--network", "net", "busybox", "sleep", "1000",
                   env={"XDG_RUNTIME_DIR": None})
        self.assert_has_scope(self.one_home())


class SystemServices(NetworkTest):
    """Of root."""

    user = "root"
    manager = []

    def test_scope(self):
        first = self.serve("first")
        self.serve("second")
        home = self.one_home()
        self.assert_has_scope(home)
        self.shell("systemctl", "stop", first)
        self.assertEqual(homes(), [home])
