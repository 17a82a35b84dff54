# SPDX-License-Identifier: Apache-2.0
"""Real programs on named networks: iperf3, dig, curl, nginx, redis. The figures are tests/bench's."""

import json
import re
import shutil
import subprocess
import time

from tests.support.skiff import free_port, wait_for
from tests.system.test_named_network import NamedNetworkTest
from tests.system.test_network import WITH_PYTHON, host_address


class HostPrograms(NamedNetworkTest):
    """Programs of the host in containers."""

    def setUp(self):
        super().setUp()
        self.skiff("network", "create", "one")

    def iperf(self, command, *options):
        """What an iperf3 client was told that arrived: bits per second, and the bytes."""
        def attempt():
            done = command("iperf3", "-J", "-n", "64M", *options)
            report = json.loads(done.stdout) if done.stdout.startswith("{") else {}
            return report["end"]["sum_received"] if report.get("end", {}).get("sum_received") else None

        return wait_for(attempt, timeout=20, interval=0.2, message="an iperf3 report")

    def test_iperf3(self):
        """64 MiB each way between containers, through a published port, and out to the host. What is still on its way at the end
        iperf3 does not count."""
        self.need_program("iperf3")
        address = host_address()
        self.need(address, "no address but the loopback's")
        port = free_port()
        self.up("server", "one", "-p", f"{port}:5201", *WITH_PYTHON, command=("/usr/bin/iperf3", "-s"))
        self.up("client", "one", *WITH_PYTHON)

        def inside(*argv):
            return self.skiff("exec", "client", f"/usr/bin/{argv[0]}", *argv[1:], check=False)

        def outside(*argv):
            return subprocess.run(argv, capture_output=True, text=True, check=False)

        server = subprocess.Popen(["iperf3", "-s", "-p", str(port + 1)], stdout=subprocess.DEVNULL)  # pylint: disable=consider-using-with
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        for command, target in ((inside, ("-c", "server")), (outside, ("-c", "127.0.0.1", "-p", str(port))),
                                (inside, ("-c", address, "-p", str(port + 1)))):
            for back in ((), ("-R",)):
                with self.subTest(target=target, back=back):
                    got = self.iperf(command, *target, *back)
                    self.assertGreater(got["bytes"], 32 << 20)
                    self.assertGreater(got["bits_per_second"], 2e8)

    def test_dig(self):
        """A resolver that sends EDNS, cookies and, when told, TCP."""
        self.need_program("dig")
        self.up("web", "one", "--network-alias", "www")
        self.up("client", "one", *WITH_PYTHON)
        address = self.place("web", "one")["IPAddress"]

        def dig(*options):
            return self.skiff("exec", "client", "/usr/bin/dig", "+tries=1", "+time=2", *options).stdout

        for options in ((), ("+tcp",), ("+noedns",), ("+bufsize=512",), ("+tcp", "+keepopen"), ("+edns=0", "+cookie")):
            with self.subTest(options=options):
                self.assertEqual(dig("+short", *options, "www.dns.podman"), f"{address}\n")
                self.assertEqual(dig("+short", "+search", *options, "web"), f"{address}\n")
                self.assertEqual(dig("+short", *options, "-x", address), "web.\n")
                self.assertIn("status: NXDOMAIN", dig(*options, "nobody"))
                nodata = dig(*options, "AAAA", "web")
                self.assertIn("status: NOERROR", nodata)
                self.assertIn("ANSWER: 0", nodata)
        self.assertIn("status: BADVERS", dig("+edns=1", "+noednsnegotiation", "web"))
        self.assertIn("status: NOTIMP", dig("+opcode=STATUS", "web"))
        self.assertIn("status: REFUSED", dig("CH", "TXT", "version.bind"))
        self.assertNotIn("warning", dig("web").lower())


class Nginx(NamedNetworkTest):
    images = ["busybox", "nginx"]

    def test_nginx(self):
        """By name from a container, and through a port with the client's address in its log."""
        self.need_program("curl")
        address = host_address()
        self.need(address, "no address but the loopback's")
        port = free_port()
        self.skiff("network", "create", "one")
        self.skiff("run", "-d", "--name", "web", "--network", "one", "-p", f"{port}:80", "nginx")
        self.up("client", "one", *WITH_PYTHON)
        inner = self.place("client", "one")["IPAddress"]
        wait_for(lambda: "Welcome to nginx" in self.skiff("exec", "client", "/usr/bin/curl", "-s", "http://web/", check=False).stdout,
                 timeout=10, message="nginx")

        def fetched():
            return subprocess.run(["curl", "-s", f"http://{address}:{port}/"], capture_output=True, text=True, check=False).stdout
        # The port is opened when the program listens, which is seen a moment later.
        wait_for(lambda: "Welcome to nginx" in fetched(), message="nginx through the port")
        # Eight at a time, with connections kept.
        many = self.skiff("exec", "client", "/usr/bin/curl", "-s", "-Z", "--parallel-max", "8", "http://web/[1-200]", "-o", "/dev/null", "-w", "%{http_code}\n").stdout
        self.assertEqual(len(many.split()), 200)

        def logged():
            clients = set(re.findall(r"(?m)^(\S+) - - \[", self.skiff("logs", "web").stdout))
            return clients if {address, inner} <= clients else None

        self.assertEqual(wait_for(logged, timeout=5, message="both clients in the log"), {address, inner})


class Redis(NamedNetworkTest):
    images = ["redis"]

    def test_redis(self):
        """A client on the network by name, and one on the host through a port."""
        port = free_port()
        self.skiff("network", "create", "--internal", "db")
        self.skiff("run", "-d", "--name", "redis", "--network", "db", "-p", f"127.0.0.1:{port}:6379", "redis")

        def client(*command):
            return self.skiff("run", "--rm", "--network", "db", "--entrypoint", "redis-cli", "redis", "-h", "redis", *command, check=False).stdout

        wait_for(lambda: client("ping") == "PONG\n", timeout=20, interval=0.2, message="redis")
        self.assertEqual(client("set", "key", "value"), "OK\n")
        self.assertEqual(client("get", "key"), "value\n")
        if shutil.which("redis-cli"):
            got = subprocess.run(["redis-cli", "-p", str(port), "get", "key"], capture_output=True, text=True, check=True).stdout
            self.assertEqual(got, "value\n")
        begin = time.monotonic()
        self.assertIn("PING_INLINE", self.skiff("run", "--rm", "--network", "db", "--entrypoint", "redis-benchmark", "redis", "-h", "redis", "-q",
                                                "-t", "ping", "-n", "2000", check=False).stdout)
        self.assertLess(time.monotonic() - begin, 60)
