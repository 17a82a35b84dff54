# SPDX-License-Identifier: Apache-2.0
"""IPv6 on named networks: addresses, names, the way out, published ports."""

import ipaddress
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request

from tests.support.skiff import free_port, wait_for
from tests.system.test_named_network import NamedNetworkTest
from tests.system.test_network import WITH_PYTHON

ROUTER_SOLICITATION = """
import socket, struct, sys, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86dd))
raw.bind(("eth0", 0))
mac = bytes.fromhex(open("/sys/class/net/eth0/address").read().strip().replace(":", ""))
source, target = socket.inet_pton(socket.AF_INET6, sys.argv[1]), socket.inet_pton(socket.AF_INET6, "ff02::2")
body = b"\\x85\\0\\0\\0\\0\\0\\0\\0\\x01\\x01" + mac
data = source + target + struct.pack("!IHBB", len(body), 0, 0, 58) + body
total = sum(struct.unpack(f"!{len(data) // 2}H", data))
while total >> 16: total = (total & 0xffff) + (total >> 16)
body = body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
raw.send(b"\\x33\\x33\\0\\0\\0\\x02" + mac + b"\\x86\\xdd\\x60\\0\\0\\0" + struct.pack("!HBB", len(body), 58, 255) + source + target + body)
raw.settimeout(1)
end = time.time() + 1
try:
    while time.time() < end:
        frame = raw.recv(2000)
        if frame[20] == 58 and frame[54] == 134 and frame[6:12] != mac: print("advertised")
except TimeoutError: pass
print("done")
"""


class Ipv6(NamedNetworkTest):
    def subnet(self, network):
        rows = json.loads(self.skiff("network", "inspect", network).stdout)[0]["subnets"]
        return rows[1]["subnet"], rows[1]["gateway"]

    def pings6(self, name, target):
        return self.skiff("exec", name, "ping", "-6", "-c", "1", "-W", "1", target, check=False).code == 0

    def test_create(self):
        self.skiff("network", "create", "--ipv6", "one")
        record, = json.loads(self.skiff("network", "inspect", "one").stdout)
        self.assertTrue(record["ipv6_enabled"])
        self.assertEqual(record["subnets"][0]["subnet"], "10.89.0.0/24")
        subnet, gateway = self.subnet("one")
        network = ipaddress.ip_network(subnet)
        self.assertTrue(network.subnet_of(ipaddress.ip_network("fd00::/8")) and network.prefixlen == 64)
        self.assertEqual(ipaddress.ip_address(gateway), network.network_address + 1)
        self.skiff("network", "create", "--subnet", "10.120.0.0/24", "--subnet", "fd12:3::/48", "--gateway", "10.120.0.9",
                   "--gateway", "fd12:3::9", "--ip-range", "10.120.0.128/25", "--ip-range", "fd12:3::100-fd12:3::1ff", "two")
        record, = json.loads(self.skiff("network", "inspect", "two").stdout)
        self.assertEqual(record["subnets"], [
            {"subnet": "10.120.0.0/24", "gateway": "10.120.0.9", "lease_range": {"start_ip": "10.120.0.129", "end_ip": "10.120.0.254"}},
            {"subnet": "fd12:3::/48", "gateway": "fd12:3::9", "lease_range": {"start_ip": "fd12:3::100", "end_ip": "fd12:3::1ff"}}])
        self.skiff_fails("network", "create", "--ipv6", "--subnet", "fd12:3:0:7::/64", "three",
                         says="subnet fd12:3:0:7::/64 is already used on the host or by another config")
        self.up("a", "two")
        self.assertEqual((self.place("a", "two")["IPAddress"], self.place("a", "two")["GlobalIPv6Address"]), ("10.120.0.129", "fd12:3::100"))

    def test_traffic(self):
        self.skiff("network", "create", "--ipv6", "one")
        subnet, gateway = self.subnet("one")
        self.up("a", "one")
        b = self.up("b", "one", "--network-alias", "bee")
        place = self.place("b", "one")
        self.assertEqual((place["IPv6Gateway"], place["GlobalIPv6PrefixLen"]), (gateway, 64))
        # The places of both addresses are the same.
        address = ipaddress.ip_address(place["GlobalIPv6Address"])
        self.assertEqual(int(address) & 0xff, int(place["IPAddress"].split(".")[3]))
        self.assertTrue(self.pings6("a", str(address)))
        self.assertTrue(self.pings6("a", gateway))
        for name in ("b", "bee", "b.dns.podman", b[:12]):
            self.assertTrue(self.pings6("a", name), name)
            self.assertTrue(self.pings("a", name), name)
        self.assertIn("name = b", self.skiff("exec", "a", "nslookup", str(address)).stdout)
        self.assertIn(f"{address}\t{b[:12]} b\n", self.skiff("exec", "b", "cat", "/etc/hosts").stdout)
        member = json.loads(self.skiff("network", "inspect", "one").stdout)[0]["containers"][b]["interfaces"]["eth0"]
        self.assertEqual(member["subnets"][1], {"ipnet": f"{address}/64", "gateway": gateway})
        self.assertIn(f"default via {gateway} dev eth0", self.skiff("exec", "a", "ip", "-6", "route").stdout)
        self.skiff("network", "connect", "--ip6", "fd12:3::7", self.dual("two"), "a")
        self.assertEqual(self.place("a", "two")["GlobalIPv6Address"], "fd12:3::7")
        self.assertTrue(self.pings6("a", "fd12:3::1"))

    def dual(self, name, *options):
        self.skiff("network", "create", "--ipv6", "--subnet", "fd12:3::/64", *options, name)
        return name

    def test_static(self):
        self.dual("one")
        self.up("a", "one:ip6=fd12:3::77")
        self.assertEqual(self.place("a", "one")["GlobalIPv6Address"], "fd12:3::77")
        self.assertEqual(self.place("a", "one")["IPAMConfig"], {"IPv6Address": "fd12:3::77"})
        self.skiff_fails("run", "--rm", "--network", "one", "--ip6", "fd12:3::77", "busybox", "true",
                         says="IPAM error: requested ip address fd12:3::77 is already allocated")
        self.skiff_fails("run", "--rm", "--network", "one", "--ip6", "fd12:3::1", "busybox", "true", says="already allocated")
        self.skiff_fails("run", "--rm", "--network", "one", "--ip6", "fd13::1", "busybox", "true",
                         says="requested static ip fd13::1 not in any subnet on network one")
        # A pool's address that somebody has asked for is not given to another.
        self.up("b", "one", "--ip", self.place("a", "one")["IPAddress"].rsplit(".", 1)[0] + ".50", "--ip6", "fd12:3::3")
        self.up("c", "one")
        self.assertEqual(self.place("c", "one")["IPAddress"].rsplit(".", 1)[1], "3")
        self.assertNotIn(self.place("c", "one")["GlobalIPv6Address"], ("fd12:3::3", "fd12:3::77", "fd12:3::1", ""))
        self.assertTrue(self.pings6("a", "c"))
        home, = self.homes()
        os.kill(home, signal.SIGKILL)
        wait_for(lambda: self.homes() not in ([], [home]), timeout=5, message="a new home")
        wait_for(lambda: self.pings6("a", "fd12:3::1"), timeout=5, message="the gateway")
        self.assertEqual(self.place("a", "one")["GlobalIPv6Address"], "fd12:3::77")

    def test_isolation(self):
        self.dual("one")
        self.skiff("network", "create", "--ipv6", "--internal", "in")
        self.up("a", "one:ip6=fd12:3::77")
        self.up("b", "in", "--cap-add", "NET_ADMIN")
        self.assertNotIn("default", self.skiff("exec", "b", "ip", "-6", "route").stdout)
        _, gateway = self.subnet("in")
        self.skiff("exec", "b", "ip", "-6", "route", "add", "default", "via", gateway)
        self.assertFalse(self.pings6("b", "fd12:3::77"))

    def test_way_out(self):
        """An address of the host's is reached; its loopback is not, by whatever name."""
        host = next((line.split()[3].split("/")[0] for line in
                     subprocess.run(["ip", "-6", "-o", "addr", "show", "scope", "global"], capture_output=True, text=True, check=False).stdout.splitlines()), None)
        self.dual("one")
        self.up("a", "one")
        port = self.serve()
        for address in ("::1", "fd12:3::1", "fd12:3::", "::ffff:127.0.0.1"):
            self.assertEqual(self.skiff("exec", "a", "nc", "-w", "1", address, str(port), check=False).stdout, "", address)
        if not host:
            self.skipTest("the host has no IPv6 address")
        self.assertEqual(self.skiff("exec", "a", "nc", "-w", "5", host, str(port)).stdout, "hello\n")

    def serve(self):
        """A server on all addresses of the host that says hello; its port."""
        server = socket.create_server(("::", 0), family=socket.AF_INET6)
        self.addCleanup(server.close)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)

        def answer():
            try:
                while True:
                    client, _ = server.accept()
                    with client:
                        client.sendall(b"hello\n")
            except OSError:
                pass

        threading.Thread(target=answer, daemon=True).start()
        return server.getsockname()[1]

    def test_published(self):
        """Over both families; a client of the host's loopback comes from the gateway."""
        self.dual("one")
        port = free_port()
        self.up("web", "one", "-p", f"{port}:80", command=("sh", "-c", "echo hello >/index.html; exec httpd -f -vv -p [::]:80 -h /"))

        def fetch(host):
            try:
                with urllib.request.urlopen(f"http://{host}:{port}/", timeout=2) as answer:
                    return answer.read() == b"hello\n"
            except OSError:
                return False

        for host in ("[::1]", "127.0.0.1"):
            wait_for(lambda host=host: fetch(host), timeout=10, message=f"an answer at {host}")
        self.assertIn("[fd12:3::1]", self.skiff("logs", "web").stderr)

    def test_no_router_advertisements(self):
        """Nobody announces a router, and nobody would listen."""
        self.dual("one")
        self.skiff("run", "-d", "--name", "a", "--network", "one", "--cap-add", "NET_RAW", *WITH_PYTHON, "busybox", "sleep", "1000")
        self.assertEqual(self.skiff("exec", "a", "cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra").stdout, "0\n")
        address = self.place("a", "one")["GlobalIPv6Address"]
        self.assertEqual(self.skiff("exec", "a", "/usr/bin/python3", "-c", ROUTER_SOLICITATION, address).stdout, "done\n")
