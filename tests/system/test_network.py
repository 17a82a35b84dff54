# SPDX-License-Identifier: Apache-2.0
"""Networks and published ports of real containers. The uplink alone is test_network_unit.py's."""

import json
import os
import socket
import subprocess
import time
import urllib.request

from tests.support.skiff import SLOWNESS, SkiffTest, free_port, wait_for


def fetch(port, host="localhost"):
    """What a web server says."""
    with urllib.request.urlopen(f"http://{host}:{port}/", timeout=5 * SLOWNESS) as answer:
        return answer.read().decode()


def fetch_soon(port, host="localhost"):
    """As fetch(), with the patience that a server's start needs."""
    def attempt():
        try:
            return fetch(port, host)
        except OSError:
            return None

    return wait_for(attempt, timeout=5, message=f"an answer on port {port}")


# Python of the host, for an image that has none.
WITH_PYTHON = ("-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro")

UDP_WHO = """
import socket
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("", 53))
while True:
    data, address = server.recvfrom(99)
    server.sendto(f"{address[0]} {address[1]}".encode(), address)
"""
TCP_WHO = """
import socket
server = socket.create_server(("", 80))
while True:
    client, address = server.accept()
    client.sendall(f"{address[0]} {address[1]}".encode())
    client.close()
"""


def host_address():
    """An IPv4 address of the host that is not its loopback, or None."""
    links = json.loads(subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, text=True, check=True).stdout)
    addresses = [info["local"] for link in links for info in link["addr_info"] if not info["local"].startswith("127.")]
    return addresses[0] if addresses else None


def is_free(port):
    """May a TCP port be bound?"""
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


class Published(SkiffTest):
    images = ["busybox"]

    WEB = ("busybox", "sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /")

    def test_curl_localhost(self):
        port = free_port()
        self.skiff("run", "-d", "--name", "web", "-p", f"{port}:80", *self.WEB)
        self.assertEqual(fetch_soon(port), "hello\n")
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        self.assertEqual(self.skiff("port", "web").stdout, f"80/tcp -> 0.0.0.0:{port}\n")
        self.assertIn(f"0.0.0.0:{port}->80/tcp", self.skiff("ps").stdout)
        for unpublished in ("81", "80/foo"):
            self.skiff_fails("port", "web", unpublished, says=f'Error: failed to find published port "{unpublished}"')
        self.skiff("stop", "-t", "0", "web")
        for words in (("web",), ("web", "80"), ("web", "81"), ("--all",)):
            self.assertEqual(self.skiff("port", *words).stdout, "")
        with self.assertRaises(OSError):
            fetch(port)

    def test_chosen_port(self):
        self.skiff("run", "-d", "--name", "web", "-p", "80", *self.WEB)
        port = int(self.skiff("port", "web", "80").stdout.rpartition(":")[2])
        self.assertEqual(fetch_soon(port), "hello\n")

    def test_range(self):
        first = next(port for port in iter(free_port, None) if is_free(port + 1))
        self.skiff("run", "-d", "-p", f"{first}-{first + 1}:80-81", "busybox", "sh", "-c",
                   "echo hello >/index.html; httpd -p 81 -h /; exec httpd -f -p 80 -h /")
        self.assertEqual([fetch_soon(first), fetch_soon(first + 1)], ["hello\n", "hello\n"])

    def test_clash_fails_the_run(self):
        port = free_port()
        with socket.create_server(("0.0.0.0", port)):
            done = self.skiff("run", "--rm", "-p", f"{port}:80", "busybox", "true", code=125)
            self.assertIn(f"Error: rootlessport listen tcp 0.0.0.0:{port}: bind: address already in use", done.stderr)
        self.skiff("run", "--rm", "-p", f"{port}:80", "busybox", "true")

    def test_two_containers_one_port(self):
        port = free_port()
        self.skiff("run", "-d", "-p", f"{port}:80", "busybox", "sleep", "1000")
        done = self.skiff("run", "--rm", "-p", f"{port}:80", "busybox", "true", code=125)
        self.assertIn("bind: address already in use", done.stderr)

    def test_restart_keeps_the_port(self):
        port = free_port()
        self.skiff("run", "-d", "--name", "web", "-p", f"{port}:80", *self.WEB)
        fetch_soon(port)
        self.skiff("restart", "-t", "0", "web")
        self.assertEqual(fetch_soon(port), "hello\n")
        self.skiff("stop", "-t", "0", "web")
        self.skiff("start", "web")
        self.assertEqual(fetch_soon(port), "hello\n")

    def test_refused_until_the_container_listens(self):
        port = free_port()
        self.skiff("run", "-d", "--name", "late", "-p", f"{port}:80", "busybox", "sh", "-c",
                   "mkfifo /go; read x </go; echo hello >/index.html; exec httpd -f -p 80 -h /")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 2)
        self.skiff("exec", "late", "sh", "-c", "echo >/go")
        self.assertEqual(fetch_soon(port), "hello\n")

    def ask(self, kind, host, port):
        """What TCP_WHO or UDP_WHO answers, and what it should; waits for its start."""
        def attempt():
            with socket.socket(type=kind) as client:
                client.settimeout(0.5 * SLOWNESS)
                try:
                    client.connect((host, port))
                    client.send(b"hi")
                    return client.recv(99).decode(), client.getsockname()[1]
                except OSError:
                    return None

        said, own_port = wait_for(attempt, timeout=5, message="an answer")
        seen = "10.0.2.2" if host.startswith("127.") else host
        self.assertEqual(said, f"{seen} {own_port}")

    def test_client_address(self):
        tcp, udp = free_port(), free_port()
        own = host_address()
        if own is None:
            self.skipTest("the host has no address but loopback")
        self.skiff("run", "-d", "-p", f"{tcp}:80", *WITH_PYTHON, "busybox", "/usr/bin/python3", "-c", TCP_WHO)
        self.skiff("run", "-d", "-p", f"{udp}:53/udp", *WITH_PYTHON, "busybox", "/usr/bin/python3", "-c", UDP_WHO)
        for host in (own, "127.0.0.1"):
            self.ask(socket.SOCK_STREAM, host, tcp)
            self.ask(socket.SOCK_DGRAM, host, udp)

    def test_publish_without_a_network_of_its_own(self):
        done = self.skiff("run", "--rm", "--network", "host", "-p", f"{free_port()}:80", "busybox", "true")
        self.assertIn("port mappings have been discarded", done.stderr.lower())

    def test_bad_ports(self):
        for text, words in (("abc", 'invalid port number: strconv.Atoi: parsing "abc": invalid syntax'),
                            ("80:", "must provide a non-empty container port to publish"),
                            ("1:2:3:4", "invalid port format - format is [[hostIP:]hostPort:]containerPort"),
                            ("80/foo", 'unrecognized protocol "foo" in port mapping')):
            done = self.skiff("run", "--rm", "-p", text, "busybox", "true", code=125)
            self.assertIn(words, done.stderr)


class Modes(SkiffTest):
    images = ["busybox"]

    def test_default(self):
        done = self.skiff("run", "--rm", "busybox", "ip", "addr")
        self.assertIn("10.0.2.100/24", done.stdout)
        self.assertIn("fd00::100/64", done.stdout)

    def test_none(self):
        done = self.skiff("run", "--rm", "--network", "none", "busybox", "ip", "addr")
        self.assertNotIn("10.0.2.100", done.stdout)
        self.assertIn("127.0.0.1/8", done.stdout)

    def test_host(self):
        inside = self.skiff("run", "--rm", "--network", "host", "busybox", "readlink", "/proc/self/ns/net").word
        self.assertEqual(inside, os.readlink("/proc/self/ns/net"))

    def test_container(self):
        self.skiff("run", "-d", "--name", "first", "busybox", "httpd", "-f", "-p", "8000", "-h", "/etc")
        done = self.skiff("run", "--rm", "--network", "container:first", "busybox", "sh", "-c",
                          "for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:8000/hostname && exit; usleep 100000; done")
        self.assertEqual(len(done.word), 12)

    def test_container_that_is_not_there(self):
        self.skiff("run", "--rm", "--network", "container:nobody", "busybox", "true", code=125)

    def test_named_network_is_refused_by_name(self):
        done = self.skiff("run", "--rm", "--network", "backend", "busybox", "true", code=125)
        self.assertIn("backend", done.stderr)

    def test_host_loopback_is_closed(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            server.settimeout(0.2)
            self.skiff("run", "--rm", "busybox", "sh", "-c", f"echo x | nc -w 2 10.0.2.2 {port}; true")
            with self.assertRaises(TimeoutError):
                server.accept()
            server.settimeout(10 * SLOWNESS)
            self.skiff("run", "-d", "--network", "slirp:allow_host_loopback=true", "busybox", "nc", "-w", "2", "10.0.2.2",
                       str(port))
            server.accept()[0].close()

    def test_low_ports_and_ping(self):
        port = free_port()
        self.skiff("run", "-d", "--cap-drop", "all", "-p", f"{port}:80", "busybox", "httpd", "-f", "-p", "80", "-h", "/etc")
        wait_for(lambda: self.answers(port), timeout=5)
        # busybox' ping knows raw sockets only.
        self.skiff("run", "--rm", "--cap-add", "net_raw", "busybox", "ping", "-c", "1", "-W", "2", "10.0.2.2")
        done = self.skiff("run", "--rm", "busybox", "cat", "/proc/sys/net/ipv4/ping_group_range")
        self.assertEqual(done.stdout.split(), ["0", "0"])

    @staticmethod
    def answers(port):
        """Does a server accept there?"""
        try:
            socket.create_connection(("127.0.0.1", port), 2).close()
        except OSError:
            return False
        return True

    def test_resolv_conf_and_hosts(self):
        done = self.skiff("run", "--rm", "--name", "me", "--hostname", "box", "--add-host", "db:192.0.2.5", "busybox",
                          "cat", "/etc/resolv.conf", "/etc/hosts")
        self.assertIn("nameserver 10.0.2.3\n", done.stdout)
        self.assertIn("192.0.2.5\tdb\n", done.stdout)
        self.assertIn("10.0.2.100\tbox me\n", done.stdout)
        done = self.skiff("run", "--rm", "--dns", "192.0.2.53", "busybox", "cat", "/etc/resolv.conf")
        self.assertIn("nameserver 192.0.2.53\n", done.stdout)
        self.assertNotIn("10.0.2.3", done.stdout)

    def test_exec_sees_the_same_network(self):
        self.skiff("run", "-d", "--name", "c", "busybox", "sleep", "1000")
        self.assertIn("10.0.2.100", self.skiff("exec", "c", "ip", "addr").stdout)

    def test_nothing_is_left_when_the_monitor_is_killed(self):
        port = free_port()
        self.skiff("run", "-d", "--name", "c", "-p", f"{port}:80", "busybox", "sleep", "1000")
        report = self.skiff("inspect", "c").json[0]
        monitor = report["State"].get("ConmonPid") or report["State"].get("MonitorPid")
        self.assertTrue(monitor, json.dumps(report["State"]))
        subprocess.run(["kill", "-9", str(monitor)], check=True)

        def free():
            with socket.socket() as probe:
                try:
                    probe.bind(("0.0.0.0", port))
                except OSError:
                    return False
                return True

        wait_for(free, timeout=2, message="the port's release")
        time.sleep(0.05)
        self.skiff("rm", "-f", "c")
