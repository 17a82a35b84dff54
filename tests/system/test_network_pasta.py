# SPDX-License-Identifier: Apache-2.0
"""--network pasta: the program of the package passt as a container's network."""

import json
import os
import signal
import socket
import threading

from tests.support.bed import Bed
from tests.support.skiff import SkiffTest, free_port, wait_for
from tests.system.test_network import fetch_soon, host_address


# The module's default route has no gateway, which pasta wants.
GATEWAY = "192.0.2.254"
PASTA = f"pasta:-4,-i,host0,-g,{GATEWAY}"


def pastas():
    """Pids of pasta; each test module has a pid namespace of its own."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().startswith(("pasta", "passt")):
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Pasta(SkiffTest):
    images = ["busybox"]
    WEB = ("busybox", "sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /")

    def setUp(self):
        super().setUp()
        self.need_program("pasta")
        self.need(os.geteuid() != 0, "pasta is for users")
        self.need(host_address(), "no address but the loopback's")

    def test_addresses(self):
        """The container has the host's address, and pasta's resolver."""
        self.skiff("run", "-d", "--name", "c", "--network", PASTA, "busybox", "sleep", "1000")
        self.assertIn(host_address(), self.skiff("exec", "c", "ip", "-4", "addr").stdout)
        self.assertEqual(self.skiff("exec", "c", "cat", "/etc/resolv.conf").stdout.splitlines()[-1], "nameserver 169.254.1.1")
        self.assertEqual(self.skiff("inspect", "-f", "{{.HostConfig.NetworkMode}}", "c").stdout, "pasta\n")
        self.assertEqual(len(pastas()), 1)
        self.skiff("rm", "-f", "-t", "0", "c")
        wait_for(lambda: not pastas(), timeout=5, message="the end of pasta")

    def test_ports(self):
        """Published ports, fixed and chosen; they are free again after the end, and after a restart they are back."""
        port = free_port()
        self.skiff("run", "-d", "--name", "web", "--network", PASTA, "-p", f"{port}:80", "-p", "127.0.0.1::81", *self.WEB)
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        shown = dict(line.split(" -> ") for line in self.skiff("port", "web").stdout.splitlines())
        self.assertEqual(shown["80/tcp"], f"0.0.0.0:{port}")
        self.assertGreater(int(shown["81/tcp"].rpartition(":")[2]), 0)
        self.skiff("restart", "-t", "0", "web")
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        self.skiff("stop", "-t", "0", "web")
        socket.create_server(("", port)).close()

    def test_loopback_is_closed(self):
        """The host's loopback is not reached by way of the gateway, unless --map-gw is said."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            heard = []

            def accept():
                try:
                    while True:
                        client, _ = server.accept()
                        heard.append(client)
                        client.close()
                except OSError:
                    pass

            threading.Thread(target=accept, daemon=True).start()
            self.skiff("run", "-d", "--name", "c", "--network", PASTA, "busybox", "sleep", "1000")
            self.skiff("run", "-d", "--name", "open", "--network", f"{PASTA},--map-gw", "busybox", "sleep", "1000")
            for gateway in ("169.254.1.1", "169.254.1.2", GATEWAY, host_address()):
                self.skiff("exec", "c", "nc", "-w", "1", gateway, port, check=False)
            self.assertEqual(heard, [])
            self.skiff("exec", "open", "nc", "-w", "1", GATEWAY, port, check=False)
            wait_for(lambda: len(heard) == 1, timeout=5, message="a connection by way of the gateway")
            server.shutdown(socket.SHUT_RDWR)

    def test_options(self):
        """What stands behind the colon is pasta's."""
        done = self.skiff("run", "--rm", "--network", f"{PASTA},-I,net7,-m,1400", "busybox", "ip", "link")
        self.assertRegex(done.stdout, r"net7: .* mtu 1400")
        self.skiff_fails("run", "--rm", "--network", f"{PASTA},--nonsense", "busybox", "true", says="pasta failed:")
        self.skiff_fails("run", "--rm", "--network", PASTA, "--ip", "10.0.0.2", "busybox", "true", says="bridge")
        wait_for(lambda: not pastas(), message="the end of pasta")

    def test_clash(self):
        port = free_port()
        with socket.create_server(("0.0.0.0", port)):
            self.skiff_fails("run", "--rm", "--network", PASTA, "-p", f"{port}:80", "busybox", "true", says="pasta failed:")

    def test_killed_monitor(self):
        """pasta does not outlive the monitor."""
        self.skiff("run", "-d", "--name", "c", "--network", PASTA, "busybox", "sleep", "1000")
        os.kill(json.loads(self.skiff("inspect", "c").stdout)[0]["State"]["ConmonPid"], signal.SIGKILL)
        wait_for(lambda: not pastas(), timeout=5, message="the end of pasta")


class Root(SkiffTest):
    images = ["busybox"]

    def test_only_for_users(self):
        """Refused for root, in podman's words."""
        self.need_program("pasta")
        if os.geteuid() != 0:
            self.skiff("run", "--rm", "--network", PASTA, "busybox", "true")
        else:
            self.skiff_fails("run", "--rm", "--network", "pasta", "busybox", "true", says="pasta networking is only supported for rootless mode")


class Missing(Bed):
    images = ["busybox"]

    def test_not_installed(self):
        """Where the program is not, the refusal says what to install. The bed hides one that is there."""
        for path in ("/usr/bin/pasta", "/usr/local/bin/pasta"):
            if os.path.exists(path):
                self.bed("mount", "--bind", "/dev/null", path)
        self.skiff_fails("run", "--rm", "--network", "pasta", "busybox", "true",
                         says="could not find pasta, the network namespace can't be configured: exec: \"pasta\": executable file not found in $PATH")
