# SPDX-License-Identifier: Apache-2.0
"""Published ports of containers on named networks."""

import os
import socket

from tests.support.skiff import SLOWNESS, free_port, wait_for
from tests.system.test_named_network import NamedNetworkTest
from tests.system.test_network import TCP_WHO, UDP_WHO, WITH_PYTHON, fetch_soon, host_address

HOST4, HOST6 = "192.0.2.1", "2001:db8::1"  # of the module's namespace
WEB = ("sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /")


class Ports(NamedNetworkTest):
    def setUp(self):
        super().setUp()
        self.skiff("network", "create", "one")

    def ask(self, kind, host, port):
        """What TCP_WHO or UDP_WHO says: the client's address as the container sees it; and the client's own."""
        def attempt():
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as client:
                client.settimeout(0.5 * SLOWNESS)
                try:
                    client.connect((host, port))
                    client.send(b"hi")
                    return client.recv(99).decode(), client.getsockname()
                except OSError:
                    return None

        return wait_for(attempt, timeout=5, message=f"an answer on {host} port {port}")

    def reaches(self, host, port):
        try:
            socket.create_connection((host, port), 2 * SLOWNESS).close()
            return True
        except OSError:
            return False

    def test_host_addresses(self):
        """Only the address that was typed listens; the client's address is kept."""
        self.need(host_address() == HOST4, "needs the network namespace of run.py")
        for host in (HOST4, HOST6, "127.0.0.1", "::1"):
            with self.subTest(host=host):
                tcp, udp = free_port(), free_port()
                shown = f"[{host}]" if ":" in host else host
                self.up("tcp", "one", "-p", f"{shown}:{tcp}:80", *WITH_PYTHON, command=("/usr/bin/python3", "-c", TCP_WHO))
                self.up("udp", "one", "-p", f"{shown}:{udp}:53/udp", *WITH_PYTHON, command=("/usr/bin/python3", "-c", UDP_WHO))
                for kind, port in ((socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)):
                    said, own = self.ask(kind, host, port)
                    # Of a client that the container has no family or route for, its gateway stands in.
                    self.assertIn(said, (f"{own[0]} {own[1]}", f"{self.place('tcp', 'one')['Gateway']} {own[1]}"))
                    if host == HOST4:
                        self.assertEqual(said, f"{own[0]} {own[1]}")
                for other in {HOST4, HOST6, "127.0.0.1", "::1"} - {host}:
                    self.assertFalse(self.reaches(other, tcp), other)
                self.assertIn(f"80/tcp -> {shown}:{tcp}\n", self.skiff("port", "tcp").stdout)
                self.assertEqual(self.skiff("port", "udp", "53/udp").stdout, f"{shown}:{udp}\n")
                self.skiff("rm", "-f", "-t", "0", "tcp", "udp")

    def test_ranges_and_chosen_ports(self):
        first = free_port()
        self.up("range", "one", "-p", f"127.0.0.1:{first}-{first + 1}:80-81", command=(
            "sh", "-c", "echo hello >/index.html; httpd -p 81 -h /; exec httpd -f -p 80 -h /"))
        self.assertEqual([fetch_soon(first, "127.0.0.1"), fetch_soon(first + 1, "127.0.0.1")], ["hello\n", "hello\n"])
        self.assertEqual(self.skiff("port", "range").stdout, f"80/tcp -> 127.0.0.1:{first}\n81/tcp -> 127.0.0.1:{first + 1}\n")
        self.up("chosen", "one", "-p", "80", command=WEB)
        port = int(self.skiff("port", "chosen", "80").stdout.rpartition(":")[2])
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        self.assertIn(f"0.0.0.0:{port}->80/tcp", self.skiff("ps").stdout)
        self.up("both", "one", "-p", "127.0.0.1::80/tcp", "-p", "127.0.0.1::53/udp", command=WEB)
        self.assertEqual([line.split(" -> ")[0] for line in self.skiff("port", "both").stdout.splitlines()], ["80/tcp", "53/udp"])

    def test_publish_all(self):
        self.up("all", "one", "--expose", "80", "-P", command=WEB)
        port = int(self.skiff("port", "all", "80").stdout.rpartition(":")[2])
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")

    def test_clash(self):
        """The run fails, says which port and who has it, and holds no address of the network."""
        port = free_port()
        with socket.create_server(("127.0.0.1", port)):
            done = self.skiff("run", "--rm", "--network", "one", "-p", f"127.0.0.1:{port}:80", "busybox", "true", code=125)
            terminal = self.tty("run", "--rm", "--network", "one", "-p", f"127.0.0.1:{port}:80", "busybox", "true")
            terminal.expect(rf"help: the port is held by python3 \(pid {os.getpid()}\)")
            self.assertEqual(terminal.wait(), 125)
        self.assertIn(f"rootlessport listen tcp 127.0.0.1:{port}: bind: address already in use", done.stderr)
        self.up("first", "one", "-p", f"127.0.0.1:{port}:80")
        terminal = self.tty("run", "--rm", "--network", "one", "-p", f"127.0.0.1:{port}:80", "busybox", "true")
        terminal.expect(r"help: the port is held by container first: stop")
        self.assertEqual(terminal.wait(), 125)
        wait_for(lambda: len(self.homes()) == 1, timeout=5, message="one home alone")
        self.skiff("rm", "-f", "-t", "0", "first")
        self.skiff("run", "--rm", "--network", "one", "-p", f"127.0.0.1:{port}:80", "busybox", "true")

    def test_refused_until_the_container_listens(self):
        port = free_port()
        self.up("late", "one", "-p", f"{port}:80", command=(
            "sh", "-c", "mkfifo /go; read x </go; echo hello >/index.html; exec httpd -f -p 80 -h /"))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 2)
        self.skiff("exec", "late", "sh", "-c", "echo >/go")
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")

    def test_restart(self):
        """The port comes back with its container, at once."""
        port = free_port()
        self.up("web", "one", "-p", f"{port}:80", command=WEB)
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        self.skiff("restart", "-t", "0", "web")
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        self.skiff("stop", "-t", "0", "web")
        self.assertFalse(self.reaches("127.0.0.1", port))
