# SPDX-License-Identifier: Apache-2.0
"""What a named network is made with, what of it containers see, and that nothing of it crosses its borders."""

import json
import os
import re
import signal
import socket

from tests.support.bed import Bed
from tests.support.skiff import free_port, wait_for
from tests.system.test_named_network import NamedNetworkTest
from tests.system.test_network import WITH_PYTHON, host_address


class Create(NamedNetworkTest):
    def record(self, *options):
        self.skiff("network", "create", *options, "made")
        record, = json.loads(self.skiff("network", "inspect", "made").stdout)
        self.skiff("network", "rm", "made")
        return record

    def test_record(self):
        """Options are recorded in podman's form."""
        record = self.record("--subnet", "10.123.0.0/24", "--dns", "192.0.2.53,2001:db8::53", "--dns", "192.0.2.54", "--interface-name", "br-made",
                             "--route", "10.124.0.0/16,10.123.0.9,77", "--route", "10.125.0.0/16,blackhole",
                             "-o", "isolate=true", "-o", "metric=50", "-o", "no_default_route=1", "-o", "mtu=1400", "-o", "mode=managed", "--ipam-driver", "host-local")
        self.assertEqual(record["network_dns_servers"], ["192.0.2.53", "2001:db8::53", "192.0.2.54"])
        self.assertEqual(record["network_interface"], "br-made")
        self.assertEqual(record["routes"], [{"destination": "10.124.0.0/16", "gateway": "10.123.0.9", "metric": 77},
                                            {"destination": "10.125.0.0/16", "route_type": "blackhole"}])
        self.assertEqual(record["options"], {"isolate": "true", "metric": "50", "no_default_route": "true", "mtu": "1400"})
        record = self.record("-o", "com.docker.network.driver.mtu=1500", "-o", "com.docker.network.bridge.name=docker7")
        self.assertEqual((record["options"], record["network_interface"]), ({"mtu": "1500"}, "docker7"))
        record = self.record()
        self.assertEqual([key for key in ("network_dns_servers", "routes", "options") if key in record], [])
        self.assertEqual(record["network_interface"], "bridge0")

    def test_refused(self):
        """podman's words where it has them; what a user's network cannot have is named."""
        subnet = ("--subnet", "10.123.0.0/24")
        for options, says in ((("--dns", "foo"), "unable to parse ip foo specified in NetworkDNSServers: invalid argument"),
                              (("--disable-dns", "--dns", "192.0.2.53"), "cannot set NetworkDNSServers if DNSEnabled is false"),
                              (("--route", "foo"), "invalid route: foo"),
                              (("--route", "10.0.0.0/8,foo"), "invalid route gateway foo"),
                              (("--route", "10.0.0.1/8,10.123.0.1"), "invalid route destination 10.0.0.1/8"),
                              (("--route", "10.0.0.0/8,10.123.0.1,-1"), "invalid route metric -1"),
                              ((*subnet, "--route", "10.0.0.0/8,10.122.0.1"), "route gateway 10.122.0.1 not in subnet 10.123.0.0/24"),
                              (("--interface-name", "far-too-long-for-a-link"), "bridge name far-too-long-for-a-link invalid"),
                              (("--interface-name", "a/b"), "bridge name a/b invalid"),
                              (("-o", "foo=1"), "unsupported bridge network option foo"),
                              (("-o", "isolate=x"), 'strconv.ParseBool: parsing "x": invalid syntax'),
                              (("-o", "isolate=false"), "networks are always apart"),
                              (("-o", "metric=x"), 'strconv.ParseUint: parsing "x": invalid syntax'),
                              (("-o", "no_default_route=x"), 'strconv.ParseBool: parsing "x": invalid syntax'),
                              (("-o", "mode=foo"), 'unknown bridge mode "foo"'),
                              (("-o", "mode=unmanaged"), "it is a bridge of the host"),
                              (("-o", "vlan=5"), 'the network option "vlan" is not supported'),
                              (("-o", "vrf=x"), 'the network option "vrf" is not supported'),
                              (("--ipam-driver", "dhcp"), "the ipam driver dhcp is not supported"),
                              (("--ipam-driver", "foo"), 'unsupported ipam driver "foo"'),
                              (("-d", "macvlan"), "the driver macvlan is not supported: it gives containers an interface of the host"),
                              (("-d", "ipvlan"), "the driver ipvlan is not supported: it gives containers an interface of the host"),
                              (("-d", "foo"), "unsupported driver foo: invalid argument"),
                              (("--label", "=foo"), 'failed to parse labels: invalid label format: "=foo"'),
                              (("--subnet", "foo"), "invalid CIDR address: foo"),
                              (("--gateway", "10.123.0.1"), "cannot set gateway or range without subnet"),
                              ((*subnet, "--gateway", "10.122.0.1"), "gateway 10.122.0.1 not in subnet 10.123.0.0/24"),
                              ((*subnet, "--ip-range", "10.122.0.0/24"), "lease range start ip 10.122.0.1 not in subnet 10.123.0.0/24"),
                              ((*subnet, "--ip-range", "10.123.0.0/23"), "lease range end ip 10.123.1.254 not in subnet 10.123.0.0/24"),
                              (("--subnet", "10.88.0.0/24"), "subnet 10.88.0.0/24 is already used on the host or by another config")):
            with self.subTest(options=options):
                self.skiff_fails("network", "create", *options, "two", says=says)
        self.assertEqual(self.skiff("network", "ls", "-q").stdout, "podman\n")

    def test_ignore(self):
        self.skiff("network", "create", "--label", "x=1", "one")
        self.skiff_fails("network", "create", "one", says="network name one already used: network already exists")
        self.assertEqual(self.skiff("network", "create", "--ignore", "--label", "x=2", "one").stdout, "one\n")
        self.assertEqual(json.loads(self.skiff("network", "inspect", "one").stdout)[0]["labels"], {"x": "1"})


class Routes(NamedNetworkTest):
    def routes(self, name):
        return self.skiff("exec", name, "ip", "route").stdout

    def test_routes(self):
        self.skiff("network", "create", "--subnet", "10.123.0.0/24", "--route", "10.124.0.0/16,10.123.0.9,77", "--route", "10.125.0.0/16,prohibit",
                   "-o", "metric=50", "one")
        self.up("a", "one")
        shown = self.routes("a")
        self.assertIn("default via 10.123.0.1 dev eth0  metric 50", shown)
        self.assertIn("10.124.0.0/16 via 10.123.0.9 dev eth0  metric 77", shown)
        self.assertIn("prohibit 10.125.0.0/16", shown)
        # A member is the router.
        self.up("router", "one", "--ip", "10.123.0.9", "--sysctl", "net.ipv4.ip_forward=1", "--cap-add", "NET_ADMIN")
        self.skiff("exec", "router", "ip", "address", "add", "10.124.3.3/32", "dev", "lo")
        self.assertTrue(self.pings("a", "10.124.3.3"))

    def test_no_default_route(self):
        address = host_address()
        self.skiff("network", "create", "-o", "no_default_route=true", "one")
        self.up("a", "one")
        self.up("b", "one")
        self.assertNotIn("default", self.routes("a"))
        self.assertTrue(self.pings("a", "b"))
        if address:
            self.assertFalse(self.pings("a", address))

    def test_mtu_and_bridge(self):
        """A small MTU, at every end: what is larger than a frame goes in several."""
        self.skiff("network", "create", "-o", "mtu=1280", "--interface-name", "br-x", "one")
        self.up("a", "one")
        self.up("b", "one")
        self.assertIn("mtu 1280", self.skiff("exec", "a", "ip", "link", "show", "eth0").stdout)
        self.assertEqual(self.skiff("exec", "a", "ping", "-c", "1", "-W", "1", "-s", "4000", "b", check=False).code, 0)
        self.assertTrue(self.pings("a", self.place("a", "one")["Gateway"]))


class Servers(Bed, NamedNetworkTest):
    images = ["busybox"]

    def test_dns_of_the_network(self):
        """--dns of a network is asked instead of the host's servers; containers' names are still its own."""
        self.tell(s1=["answer", "203.0.113.1"], s2=["answer", "203.0.113.2"])
        self.skiff("network", "create", "--dns", "127.0.0.2", "one")
        self.up("a", "one")
        self.up("web", "one")
        self.assertIn("203.0.113.2", self.skiff("exec", "a", "nslookup", "www.example.org").stdout)
        self.assertTrue(self.pings("a", "web"))
        self.assertEqual({line[0] for line in self.asked()}, {"2"})

    def test_dns_of_a_container(self):
        """--dns of a container is asked for it alone; the network's names are still answered."""
        self.tell(s1=["answer", "203.0.113.1"], s2=["answer", "203.0.113.2"])
        self.skiff("network", "create", "one")
        self.up("a", "one", "--dns", "127.0.0.2")
        self.up("web", "one")
        self.assertIn("203.0.113.2", self.skiff("exec", "a", "nslookup", "www.example.org").stdout)
        self.assertTrue(self.pings("a", "web"))
        self.assertEqual({line[0] for line in self.asked()}, {"2"})
        self.skiff("exec", "web", "nslookup", "other.example.org")
        self.assertIn("1", {line[0] for line in self.asked()})

    def test_update(self):
        """network update changes whom a running home asks, and whom one asks that replaces it."""
        self.tell(s1=["answer", "203.0.113.1"], s2=["answer", "203.0.113.2"])
        self.skiff("network", "create", "--dns", "127.0.0.1", "one")
        self.up("a", "one")
        self.assertIn("203.0.113.1", self.skiff("exec", "a", "nslookup", "www.example.org").stdout)
        self.assertEqual(self.skiff("network", "update", "--dns-drop", "127.0.0.1", "--dns-add", "127.0.0.2", "one").stdout, "")
        self.assertEqual(json.loads(self.skiff("network", "inspect", "one").stdout)[0]["network_dns_servers"], ["127.0.0.2"])
        self.assertIn("203.0.113.2", self.skiff("exec", "a", "nslookup", "www.example.org").stdout)
        home, = self.homes()
        os.kill(home, signal.SIGKILL)
        wait_for(lambda: self.homes() not in ([], [home]), timeout=5, message="a new home")
        wait_for(lambda: "203.0.113.2" in self.skiff("exec", "a", "nslookup", "www.example.org", check=False).stdout, timeout=5)
        self.skiff("network", "update", "--dns-drop", "127.0.0.2,192.0.2.77", "one")
        self.assertNotIn("network_dns_servers", json.loads(self.skiff("network", "inspect", "one").stdout)[0])

    def test_resolv_conf(self):
        """The gateway is the server unless --dns says otherwise; --dns-search and --dns-option are as typed."""
        self.skiff("network", "create", "one")
        self.skiff("network", "create", "--disable-dns", "two")

        def lines(*options):
            return self.skiff("run", "--rm", *options, "busybox", "cat", "/etc/resolv.conf").stdout.splitlines()

        self.assertEqual(lines("--network", "one"), ["search dns.podman", "nameserver 10.89.0.1"])
        self.assertEqual(lines("--network", "two"), ["nameserver 10.89.1.1"])
        self.assertEqual(lines("--network", "one", "--dns-search", "example.org", "--dns-option", "ndots:3"),
                         ["search example.org", "nameserver 10.89.0.1", "options ndots:3"])
        self.assertEqual(lines("--network", "one", "--dns", "192.0.2.53"), ["search dns.podman", "nameserver 10.89.0.1"])
        self.assertEqual(lines("--network", "two", "--dns", "192.0.2.53"), ["nameserver 192.0.2.53"])
        self.assertEqual(lines("--network", "one", "--dns-search", "."), ["nameserver 10.89.0.1"])


class Hosts(NamedNetworkTest):
    def test_hosts(self):
        """The host's names, --add-host, host-gateway and --no-hosts on a named network."""
        address = host_address()
        self.need(address, "no address but the loopback's")
        self.skiff("network", "create", "one")

        def hosts(*options):
            return self.skiff("run", "--rm", "--network", "one", *options, "busybox", "cat", "/etc/hosts").stdout

        plain = hosts("--name", "me", "--hostname", "myself")
        self.assertIn(f"{address}\thost.containers.internal host.docker.internal\n", plain)
        self.assertRegex(plain, r"(?m)^10\.89\.0\.\d+\tmyself me$")
        self.assertIn("127.0.0.1\tlocalhost", plain)
        added = hosts("--add-host", "db;db2:192.0.2.77", "--add-host", "gate:host-gateway")
        self.assertIn("192.0.2.77\tdb db2\n", added)
        self.assertIn(f"{address}\tgate\n", added)
        done = self.skiff("run", "--rm", "--network", "one", "--no-hosts", "busybox", "cat", "/etc/hosts", check=False)
        self.assertNotIn("host.containers.internal", done.stdout)

    def test_container_writes_it(self):
        """What the container wrote to /etc/hosts stays when its networks change. Red on a build that cuts the file where our
        lines began."""
        for name in ("one", "two"):
            self.skiff("network", "create", name)
        self.up("a", "one")

        def hosts():
            return self.skiff("exec", "a", "cat", "/etc/hosts").stdout

        self.skiff("exec", "a", "sh", "-c", "echo 192.0.2.7 db >>/etc/hosts")
        self.skiff("network", "connect", "two", "a")
        self.assertIn("192.0.2.7 db\n", hosts())
        self.assertEqual(len(re.findall(r"(?m)^10\.89\.\d+\.\d+\t", hosts())), 2)
        self.skiff("network", "disconnect", "one", "a")
        self.assertIn("192.0.2.7 db\n", hosts())
        self.assertEqual(len(re.findall(r"(?m)^10\.89\.1\.\d+\t", hosts())), 1)
        self.assertNotIn("10.89.0.", hosts())
        # Shorter than it was, and without a last end of a line.
        self.skiff("exec", "a", "sh", "-c", "printf '192.0.2.8 x' >/etc/hosts")
        self.skiff("network", "connect", "one", "a")
        self.assertRegex(hosts(), r"\A192\.0\.2\.8 x\n10\.89\.1\.\d+\t[^\n]*\n10\.89\.0\.\d+\t[^\n]*\n\Z")

    def test_host_is_reached(self):
        """Under host.containers.internal is a server of the host's, but none that listens on its loopback only."""
        address = host_address()
        self.need(address, "no address but the loopback's")
        self.skiff("network", "create", "one")
        self.up("a", "one", *WITH_PYTHON)
        ask = ("import socket,sys\ntry:\n s=socket.create_connection(('host.containers.internal',int(sys.argv[1])),2); print('yes')\n"
               "except OSError: print('no')")
        for bound, expected in ((address, "yes\n"), ("127.0.0.1", "no\n")):
            with socket.create_server((bound, 0)) as server:
                self.assertEqual(self.skiff("exec", "a", "/usr/bin/python3", "-c", ask, server.getsockname()[1]).stdout, expected)


class Borders(NamedNetworkTest):
    """One network and another, and an internal one."""

    REACH = ("import socket,sys\n"
             "def tcp(a,p):\n try: return socket.create_connection((a,p),1).recv(9)\n except OSError: return b''\n"
             "def udp(a,p):\n s=socket.socket(type=socket.SOCK_DGRAM); s.settimeout(1)\n"
             " try: s.sendto(b'x',(a,p)); return s.recv(9)\n except OSError: return b''\n"
             "print([f(sys.argv[1],int(sys.argv[2])).decode() for f in (tcp,udp)])")
    SERVE = ("import socket,threading\nt=socket.create_server(('',9)); u=socket.socket(type=socket.SOCK_DGRAM); u.bind(('',9))\n"
             "def udp():\n while True:\n  d,a=u.recvfrom(9); u.sendto(b'hello',a)\n"
             "threading.Thread(target=udp,daemon=True).start()\n"
             "while True:\n c,_=t.accept(); c.sendall(b'hello'); c.close()")

    def reach(self, name, address, port=9):
        return self.skiff("exec", name, "/usr/bin/python3", "-c", self.REACH, address, port).stdout.strip()

    def test_between_networks(self):
        """Neither by the address, nor by a route or a neighbour of its own making, nor as the gateway's guest. Red on a build
        whose networks have one home (plan->key is the same for all)."""
        for name in ("one", "two"):
            self.skiff("network", "create", name)
        self.up("web", "one", *WITH_PYTHON, command=("/usr/bin/python3", "-c", self.SERVE))
        self.up("friend", "one", *WITH_PYTHON)
        self.up("rogue", "two", "--cap-add", "NET_ADMIN", *WITH_PYTHON)
        place = self.place("web", "one")
        address = place["IPAddress"]
        wait_for(lambda: self.reach("friend", address) == "['hello', 'hello']", timeout=5, message="the server")
        self.assertEqual(self.reach("rogue", address), "['', '']")
        for command in (("ip", "route", "add", "10.89.0.0/24", "dev", "eth0"),
                        ("arp", "-s", address, place["MacAddress"]),
                        ("ip", "address", "add", "10.89.0.77/24", "dev", "eth0")):
            self.skiff("exec", "rogue", *command)
            self.assertEqual(self.reach("rogue", address), "['', '']", command)
        # The other network's gateway is not there, either.
        self.assertEqual(self.reach("rogue", place["Gateway"], 53), "['', '']")

    def test_internal(self):
        """No way out, to the host, or to another network; ports are published all the same. Red on a build whose
        HomeRules.internal is not set."""
        address = host_address()
        self.need(address, "no address but the loopback's")
        port, inner = free_port(), free_port()
        self.skiff("network", "create", "--internal", "in")
        self.skiff("network", "create", "out")
        self.up("server", "out", "-p", f"{address}:{port}:9", *WITH_PYTHON, command=("/usr/bin/python3", "-c", self.SERVE))
        self.up("free", "out", *WITH_PYTHON)
        self.up("a", "in", "--cap-add", "NET_ADMIN", *WITH_PYTHON)
        self.up("b", "in", "-p", f"127.0.0.1:{inner}:9", *WITH_PYTHON, command=("/usr/bin/python3", "-c", self.SERVE))
        self.wait_for_port(inner)
        wait_for(lambda: self.reach("free", address, port) == "['hello', '']", timeout=5, message="the way that is open")
        record, = json.loads(self.skiff("network", "inspect", "in").stdout)
        gateway = record["subnets"][0]["gateway"]
        self.assertNotIn("default", self.skiff("exec", "a", "ip", "route").stdout)
        self.skiff("exec", "a", "ip", "route", "add", "default", "via", gateway)
        for target in (address, self.place("server", "out")["IPAddress"]):
            for at in (port, 9):
                self.assertEqual(self.reach("a", target, at), "['', '']")
        self.assertEqual(self.reach("a", self.place("b", "in")["IPAddress"]), "['hello', 'hello']")
