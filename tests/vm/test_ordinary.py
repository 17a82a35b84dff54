# SPDX-License-Identifier: Apache-2.0
"""The everyday path on Debian 12's own kernel, where system tests do not run: overlay without
`lowerdir+`, cgroup v2, a login session."""

import socket
import subprocess

from tests.support.skiff import free_port, wait_for
from tests.support.guest_test import GuestTest


class Ordinary(GuestTest):
    """One life of a container after the other."""

    def test_life(self):
        """run, exec, ps, logs, stop, start, rm."""
        self.assertEqual(self.skiff("run", "--rm", "busybox", "echo", "hi").stdout, "hi\n")
        self.skiff("run", "-d", "--name", "c", "busybox", "sh", "-c", "echo logged; exec sleep 1000")
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "echo $((6 * 7)); exit 3", code=3).stdout, "42\n")
        self.assertEqual(self.skiff("ps", "--format", "{{.Names}} {{.State}}").stdout, "c running\n")
        wait_for(lambda: self.skiff("logs", "c").stdout == "logged\n", 3)
        self.skiff("stop", "-t", "0", "c")
        self.skiff("start", "c")
        self.skiff("rm", "-f", "-t", "0", "c")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")

    def test_writes_persist(self):
        """The layer of a kept container, the overlay of this kernel."""
        self.skiff("run", "--name", "c", "busybox", "sh", "-c", "echo data >/file; rm /etc/passwd")
        self.skiff("start", "c")
        done = self.skiff("run", "--rm", "-v", "vol:/data", "busybox", "sh", "-c", "touch /data/x; ls /data /etc/passwd")
        self.assertEqual(done.stdout, "/etc/passwd\n\n/data:\nx\n")
        self.skiff("volume", "rm", "vol")

    def test_network(self):
        """The default network: addresses, a resolver, and a way to the host's gateway address."""
        done = self.skiff("run", "--rm", "busybox", "sh", "-c", "ip -4 -o address; ip route; cat /etc/resolv.conf")
        self.assertIn("10.0.2.", done.stdout)
        self.assertIn("default via", done.stdout)
        self.assertIn("nameserver", done.stdout)

    def test_port(self):
        """A published port answers with the container's data."""
        port = free_port()
        self.skiff("run", "-d", "--name", "c", "-p", f"{port}:80", "busybox", "sh", "-c",
                   "echo page >/index.html; exec httpd -f -p 80 -h /")

        def page():
            try:
                with socket.create_connection(("127.0.0.1", port), 2) as connection:
                    connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
                    return b"".join(iter(lambda: connection.recv(4096), b""))
            except OSError:
                return b""
        wait_for(lambda: page().endswith(b"page\n"), 10, message="the page")

    def test_terminal(self):
        """-it."""
        terminal = self.tty("run", "--rm", "-it", "busybox", "sh")
        terminal.send("echo a$((1 + 1))b\n")
        terminal.expect("a2b")
        terminal.send("exit 5\n")
        self.assertEqual(terminal.wait(), 5)

    def test_kernel(self):
        """This bed is for that kernel and cgroup v2 alone."""
        self.assertIn("6.1.", subprocess.run(["uname", "-r"], capture_output=True, text=True, check=True).stdout)
        self.assertEqual(self.skiff("info", "--format", "json").json["host"]["cgroupVersion"], "v2")


class RootOrdinary(Ordinary):
    """The same as root."""

    user = "root"
