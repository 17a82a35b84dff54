# SPDX-License-Identifier: Apache-2.0
"""Several named networks per container, connect and disconnect, and what brings back what was killed."""

import fcntl
import json
import os
import signal
import time
import urllib.request
from pathlib import Path

from tests.support.skiff import SLOWNESS, free_port, wait_for
from tests.system.test_named_network import NamedNetworkTest, comm


class Several(NamedNetworkTest):
    def setUp(self):
        super().setUp()
        for name in ("one", "two"):
            self.skiff("network", "create", name)

    def test_interfaces(self):
        """eth0, eth1 in the order of the options; the default route is the first one's; both names work."""
        self.up("a", "one", "--network", "two:interface_name=net5,alias=second", "--network", "podman")
        shown = self.skiff("exec", "a", "ip", "-o", "-4", "addr").stdout
        for interface, network in (("eth0", "one"), ("net5", "two"), ("eth1", "podman")):
            place = self.place("a", network)
            self.assertRegex(shown, rf"{interface} +inet {place['IPAddress']}/{place['IPPrefixLen']} ")
        routes = [line.split() for line in self.skiff("exec", "a", "ip", "route").lines if line.startswith("default")]
        self.assertEqual([(route[2], route[4], route[-1]) for route in routes],
                         [(self.place("a", network)["Gateway"], interface, metric) for network, interface, metric in
                          (("one", "eth0", "100"), ("two", "net5", "101"), ("podman", "eth1", "102"))])
        self.up("b", "one")
        self.up("c", "two")
        self.assertTrue(self.pings("b", "a"))
        self.assertTrue(self.pings("c", "a"))
        self.assertTrue(self.pings("c", "second"))
        self.assertFalse(self.pings("b", "second"))
        self.assertTrue(self.pings("a", self.place("c", "two")["IPAddress"]))
        hosts = self.skiff("exec", "a", "cat", "/etc/hosts").stdout
        for network in ("one", "two", "podman"):
            self.assertIn(f"{self.place('a', network)['IPAddress']}\t", hosts)

    def test_names_of_all(self):
        """One gateway answers for all networks that a container is on, and for no other."""
        self.skiff("network", "create", "three")
        self.up("a", "one,two")
        self.up("b", "one")
        self.up("c", "two", "--network-alias", "other")
        self.up("d", "three")
        self.assertEqual(self.skiff("exec", "a", "cat", "/etc/resolv.conf").stdout.count("nameserver"), 1)
        for name in ("b", "c", "other", "C", "c.dns.podman", "a"):
            with self.subTest(name=name):
                self.assertTrue(self.pings("a", name))
        address = self.place("c", "two")["IPAddress"]
        self.assertIn("name = c", self.skiff("exec", "a", "nslookup", address).stdout)
        # Who is on one of them does not hear of the other, nor does anybody of the third.
        for asker, name in (("b", "c"), ("b", "other"), ("c", "b"), ("a", "d"), ("d", "a")):
            with self.subTest(asker=asker, name=name):
                self.assertFalse(self.pings(asker, f"{name}.dns.podman"))
        self.assertNotIn("name = c", self.skiff("exec", "b", "nslookup", address, check=False).stdout)
        # Homes that were killed find each other again.
        killed = self.homes()
        for home in killed:
            os.kill(home, signal.SIGKILL)
        wait_for(lambda: len(set(self.homes()) - set(killed)) == 3, timeout=10, message="three new homes")
        wait_for(lambda: self.pings("a", "c") and self.pings("a", "b"), timeout=5, message="names of both")

    def test_internal_and_open(self):
        """With an internal and an open network names of the host's servers are to be had, in whatever order."""
        self.skiff("network", "create", "--internal", "in")
        self.up("a", "in,one")
        self.up("b", "in")
        self.assertIn(f"nameserver {self.place('a', 'one')['Gateway']}\n", self.skiff("exec", "a", "cat", "/etc/resolv.conf").stdout)
        self.assertTrue(self.pings("a", "b"))

    def test_not_routed(self):
        """Who is on two networks does not join them."""
        self.up("both", "one,two")
        self.up("b", "one", "--cap-add", "NET_ADMIN")
        self.up("c", "two")
        target = self.place("c", "two")["IPAddress"]
        self.assertFalse(self.pings("b", target))
        self.skiff("exec", "b", "ip", "route", "add", target, "via", self.place("both", "one")["IPAddress"])
        self.assertFalse(self.pings("b", target))

    def test_shown(self):
        self.skiff("create", "--name", "a", "--network", "one", "--network", "two:ip=10.89.1.77", "busybox", "true")
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Networks}}").stdout, "one,two\n")
        self.assertEqual(json.loads(self.skiff("ps", "-a", "--format", "json").stdout)[0]["Networks"], ["one", "two"])
        for network in ("one", "two"):
            self.assertEqual(len(self.skiff("ps", "-aq", "--filter", f"network={network}").lines), 1)
            self.skiff_fails("network", "rm", network, code=2, says="has associated containers")
        self.assertEqual(self.place("a", "two")["IPAMConfig"], {"IPv4Address": "10.89.1.77"})
        self.assertIsNone(self.place("a", "one")["IPAMConfig"])
        self.assertEqual(self.place("a", "one")["IPAddress"], "")

    def test_members(self):
        one = self.up("a", "one,two")
        other = self.up("b", "two")
        self.assertEqual(set(json.loads(self.skiff("network", "inspect", "two").stdout)[0]["containers"]), {one, other})
        member = json.loads(self.skiff("network", "inspect", "two").stdout)[0]["containers"][one]
        place = self.place("a", "two")
        self.assertEqual(member, {"name": "a", "interfaces": {"eth1": {
            "subnets": [{"ipnet": f"{place['IPAddress']}/24", "gateway": place["Gateway"]}],
            "mac_address": place["MacAddress"]}}})

    def test_refused(self):
        self.skiff_fails("run", "--rm", "--network", "one", "--network", "nope", "busybox", "true",
                         says="unable to find network with name or ID nope: network not found")
        record, = json.loads(self.skiff("network", "inspect", "one").stdout)
        self.skiff_fails("run", "--rm", "--network", "one", "--network", record["id"], "busybox", "true", says="network one is given twice")
        # One that cannot be joined leaves nothing of the others.
        self.up("a", "two", "--ip", "10.89.1.50")
        self.skiff_fails("run", "--rm", "--network", "one", "--network", "two:ip=10.89.1.50", "busybox", "true", says="already allocated")
        wait_for(lambda: len(self.homes()) == 1, timeout=5, message="the end of the other home")

    def test_sysctl(self):
        """Of an interface that is only there once the network is."""
        options = ("--sysctl", "net.ipv4.conf.eth1.log_martians=1", "--sysctl", "net.ipv4.conf.eth0.rp_filter=2", "--sysctl", "net.ipv4.ip_default_ttl=77")
        paths = ("eth1/log_martians", "eth0/log_martians", "eth0/rp_filter")
        self.up("a", "one,two", *options)
        for _ in range(2):
            values = self.skiff("exec", "a", "cat", *[f"/proc/sys/net/ipv4/conf/{path}" for path in paths], "/proc/sys/net/ipv4/ip_default_ttl").lines
            self.assertEqual(values, ["1", "0", "2", "77"])
            self.skiff("restart", "-t", "0", "a")
        self.skiff_fails("run", "--rm", "--network", "one", "--sysctl", "net.ipv4.conf.eth0.nonsense=1", "busybox", "true",
                         says="cannot connect the container to network one")
        self.skiff_fails("run", "--rm", "--network", "one", "--sysctl", "net/ipv4/conf/eth0/../../../../kernel/hostname=x", "busybox", "true",
                         says="sysctl")


class Connect(NamedNetworkTest):
    def setUp(self):
        super().setUp()
        for name in ("one", "two"):
            self.skiff("network", "create", name)

    def test_hot_plug(self):
        a = self.up("a", "one")
        self.up("b", "two")
        target = self.place("b", "two")["IPAddress"]
        self.assertFalse(self.pings("a", target))
        self.assertEqual(self.skiff("network", "connect", "--ip", "10.89.1.99", "--mac-address", "02:00:00:00:00:99",
                                    "--alias", "x,y", "two", "a").stdout, "")
        place = self.place("a", "two")
        self.assertEqual((place["IPAddress"], place["MacAddress"], place["Aliases"]),
                         ("10.89.1.99", "02:00:00:00:00:99", ["x", "y", a[:12]]))
        self.assertTrue(self.pings("a", target))
        for name in ("a", "x", "y"):
            self.assertTrue(self.pings("b", name))
        self.assertIn("10.89.1.99\t", self.skiff("exec", "a", "cat", "/etc/hosts").stdout)
        self.assertTrue(self.pings("a", "b"))
        self.assertEqual(self.skiff("ps", "--format", "{{.Networks}}", "--filter", "name=^a$").stdout, "one,two\n")
        self.skiff_fails("network", "connect", "two", "a", says=f"container {a} is already connected to network two: network is already connected")
        # It lasts.
        self.skiff("restart", "-t", "0", "a")
        self.assertEqual(self.place("a", "two")["IPAddress"], "10.89.1.99")
        wait_for(lambda: self.pings("a", target), timeout=5, message="the network after a restart")
        self.assertTrue(self.pings("b", "y"))
        # And goes, with the interface, the name and the lines.
        self.assertEqual(self.skiff("network", "disconnect", "two", "a").stdout, "")
        self.assertFalse(self.pings("b", "a.dns.podman"))
        self.assertFalse(self.pings("b", "10.89.1.99"))
        self.assertNotIn("eth1", self.skiff("exec", "a", "ip", "link").stdout)
        self.assertNotIn("10.89.1.99", self.skiff("exec", "a", "cat", "/etc/hosts").stdout)
        self.assertFalse(self.pings("a", "b.dns.podman"))
        self.skiff_fails("network", "disconnect", "two", "a", says="container a is not connected to network two")
        self.skiff("restart", "-t", "0", "a")
        self.assertNotIn("eth1", self.skiff("exec", "a", "ip", "link").stdout)
        # The address is free again.
        self.skiff("network", "connect", "--ip", "10.89.1.99", "two", "a")

    def test_renamed_interface(self):
        """A container cannot stay by calling its end something else."""
        self.up("a", "one", "--cap-add", "NET_ADMIN")
        self.up("b", "two")
        self.skiff("network", "connect", "two", "a")
        address = self.place("a", "two")["IPAddress"]
        self.skiff("exec", "a", "sh", "-c", f"ip link set eth1 down; ip link set eth1 name mine; ip link set mine up; ip addr replace {address}/24 dev mine")
        self.assertTrue(self.pings("b", address))
        self.skiff("network", "disconnect", "two", "a")
        self.assertFalse(self.pings("b", address))
        self.assertNotIn("mine", self.skiff("exec", "a", "ip", "link").stdout)

    def test_stopped(self):
        self.skiff("create", "--name", "a", "--network", "one", "busybox", "sleep", "1000")
        self.skiff("network", "connect", "--ip", "10.89.1.42", "two", "a")
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Networks}}").stdout, "one,two\n")
        self.skiff_fails("network", "rm", "two", code=2, says="has associated containers")
        self.skiff("start", "a")
        self.assertEqual(self.place("a", "two")["IPAddress"], "10.89.1.42")
        self.skiff("stop", "-t", "0", "a")
        self.skiff("network", "disconnect", "one", "a")
        self.skiff("network", "rm", "one")
        self.skiff("start", "a")
        # It keeps the name of its interface.
        self.assertIn("eth1", self.skiff("exec", "a", "ip", "link").stdout)
        self.assertNotIn("eth0", self.skiff("exec", "a", "ip", "link").stdout)

    def test_last_one(self):
        """Without any network there is lo; another can come."""
        self.up("a", "one")
        self.skiff("network", "disconnect", "-f", "one", "a")
        wait_for(lambda: not self.homes(), timeout=5, message="the end of the home")
        self.assertEqual(self.skiff("ps", "--format", "{{.Networks}}").stdout, "\n")
        self.skiff("restart", "-t", "0", "a")
        self.assertEqual(len(self.skiff("exec", "a", "ip", "-o", "link").lines), 1)
        self.skiff("network", "connect", "bridge", "a")
        self.assertTrue(self.pings("a", "10.88.0.1"))
        self.assertEqual(self.skiff("network", "inspect", "-f", "{{.Name}}", "default").stdout, "podman\n")

    def test_ports_follow(self):
        """Published ports lead to another network when the first one goes."""
        port = free_port()
        self.up("web", "one,two", "-p", f"{port}:80", command=("sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /"))

        def fetch():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
                    return answer.read() == b"hello\n"
            except OSError:
                return False

        wait_for(fetch, timeout=10, message="the server")
        self.skiff("network", "disconnect", "one", "web")
        wait_for(fetch, timeout=10, message="the server on the other network")
        self.skiff("network", "disconnect", "two", "web")
        self.assertFalse(fetch())
        self.skiff("network", "connect", "one", "web")
        wait_for(fetch, timeout=10, message="the server on the network that came back")

    def test_refused(self):
        self.skiff("create", "--name", "a", "busybox", "true")
        self.up("b", "one")
        for args, says in ((("connect", "two", "a"), '"slirp" is not supported: invalid network mode'),
                           (("disconnect", "two", "a"), '"slirp" is not supported: invalid network mode'),
                           (("connect", "nope", "a"), "unable to find network with name or ID nope: network not found"),
                           (("connect", "two", "nope"), 'no container with name or ID "nope" found: no such container'),
                           (("connect", "--ip", "fd00::1", "two", "b"), '"fd00::1" is not an ip address'),
                           (("connect", "--ip", "10.7.0.1", "two", "b"), "requested static ip 10.7.0.1 not in any subnet on network two"),
                           (("connect", "--mac-address", "x", "two", "b"), "invalid MAC address"),
                           (("reload", "a"), "cannot reload network unless container network has been configured: container state improper")):
            with self.subTest(args=args):
                self.skiff_fails("network", *args, says=says)
        # A refused one leaves nothing.
        self.up("c", "two", "--ip", "10.89.1.9")
        self.skiff_fails("network", "connect", "--ip", "10.89.1.9", "two", "b", says="already allocated")
        self.assertEqual(self.skiff("ps", "--format", "{{.Networks}}", "--filter", "name=^b$").stdout, "one\n")
        self.skiff("network", "connect", "two", "b")
        self.skiff("network", "disconnect", "--force", "nope", "b")

    def test_events(self):
        a = self.up("a", "one")
        self.skiff("network", "connect", "two", "a")
        self.skiff("network", "disconnect", "two", "a")
        self.skiff("network", "rm", "two")
        lines = self.skiff("events", "--stream=false", "--filter", "type=network", "--format",
                           "{{.Type}} {{.Status}} {{.Network}} {{.ID}}", "--no-trunc").lines
        one, two = (line.split()[3] for line in lines[:2])
        self.assertEqual(lines, [f"network create one {one}", f"network create two {two}", f"network connect two {a}",
                                 f"network disconnect two {a}", f"network remove two {two}"])
        last = self.skiff("events", "--stream=false", "--filter", "type=network").lines[-2:]
        self.assertTrue(last[0].endswith(f"network disconnect {a} (container={a}, name=two)"), last)
        self.assertTrue(last[1].endswith(f"network remove {two} (name=two, type=bridge)"), last)

    def test_system_prune(self):
        self.up("a", "one")
        done = self.skiff("system", "prune", "-f").lines
        self.assertEqual(done[done.index("Deleted Networks") + 1:][:1], ["two"])
        self.skiff("network", "exists", "one")

    def test_reload(self):
        a = self.up("a", "one")
        self.assertEqual(self.skiff("network", "reload", "a").stdout, f"{a}\n")
        self.assertEqual(self.skiff("network", "reload", "--all").stdout, f"{a}\n")
        self.assertTrue(self.pings("a", "a"))


class Killed(NamedNetworkTest):
    def uplinks(self):
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and comm(pid) == "skiff-uplink"]

    def parents(self):
        """Uplinks, without the processes that they have in a container."""
        found = self.uplinks()
        return [pid for pid in found if self.parent(pid) not in found]

    @staticmethod
    def parent(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            return 0

    def fetch(self, port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
                return answer.read() == b"hello\n"
        except OSError:
            return False

    def check_uplink(self, *network):
        port = free_port()
        self.skiff("run", "-d", "--name", "web", *network, "-p", f"{port}:80", "--cap-add", "NET_RAW", "busybox",
                   "sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /")
        wait_for(lambda: self.fetch(port), timeout=10, message="the server")
        for _ in range(2):
            uplink, = self.parents()
            os.kill(uplink, signal.SIGKILL)
            wait_for(lambda: uplink not in self.uplinks(), timeout=5, message="the uplink's end")
            wait_for(lambda: self.fetch(port), timeout=10, message="the server behind another uplink")

    def test_uplink_of_named(self):
        """Published ports come back when the process that forwards them is killed."""
        self.skiff("network", "create", "one")
        self.check_uplink("--network", "one")

    def test_uplink_of_slirp(self):
        """So does a whole user-mode network."""
        self.check_uplink("--network", "slirp")
        self.assertTrue(self.pings("web", "10.0.2.2"))

    def two_networks(self):
        for name in ("one", "two"):
            self.skiff("network", "create", name)

    def record(self, container):
        root = Path(self.skiff("info", "--format", "{{.Store.GraphRoot}}").stdout.strip())
        return root / "containers" / container / "networks.json"

    def test_connect_that_was_killed(self):
        """The container has the network, its record does not: both verbs work. Red on a build that asks the record alone."""
        self.two_networks()
        a = self.up("a", "one")
        self.up("b", "two")
        for verb in (["connect", "--ip", "10.89.1.42", "two", "a"], ["disconnect", "two", "a"]):
            self.skiff("network", "connect", "two", "a")
            self.record(a).unlink()
            self.assertTrue(self.pings("a", "b"))
            self.skiff("network", *verb)
            self.assertEqual(self.pings("b", "a"), verb[0] == "connect")
            self.assertEqual("two" in json.loads(self.skiff("inspect", "a").stdout)[0]["NetworkSettings"]["Networks"], verb[0] == "connect")
            self.skiff("network", "disconnect", "two", "a", check=False)
        self.skiff("restart", "-t", "0", "a")
        self.assertNotIn("eth1", self.skiff("exec", "a", "ip", "link").stdout)

    def test_network_goes_while_it_is_connected(self):
        """A network that is removed before `connect` has it pinned is not put into a record. Red on a build that looks once."""
        self.two_networks()
        self.skiff("create", "--name", "a", "--network", "one", "busybox", "true")
        networks = Path(self.skiff("info", "--format", "{{.Store.GraphRoot}}").stdout.strip()) / "networks"
        with open(networks / ".lock", "r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            connecting = self.start("network", "connect", "two", "a")
            time.sleep(0.5 * SLOWNESS)
            self.assertIsNone(connecting.poll())
            (networks / "two.json").unlink()
        self.assertEqual(connecting.wait(10 * SLOWNESS), 125)
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.Networks}}").stdout, "one\n")

    def test_disconnect_that_was_killed(self):
        """The record has the network, the container does not: disconnecting once more ends it. Red as above."""
        self.two_networks()
        a = self.up("a", "one,two")
        self.skiff("network", "disconnect", "two", "a")
        self.record(a).unlink()
        self.skiff("network", "disconnect", "two", "a")
        self.skiff_fails("network", "disconnect", "two", "a", says="container a is not connected to network two")
        self.skiff("network", "connect", "two", "a")
        self.assertTrue(self.place("a", "two")["IPAddress"])

    def test_homes_of_many(self):
        """Each of several homes is replaced; addresses stay, names and both gateways come back."""
        self.two_networks()
        for name in ("a", "b"):
            self.up(name, "one,two")
        before = [self.place(name, network)["IPAddress"] for name in ("a", "b") for network in ("one", "two")]
        killed = self.homes()
        self.assertEqual(len(killed), 2)
        for home in killed:
            os.kill(home, signal.SIGKILL)
        wait_for(lambda: len(set(self.homes()) - set(killed)) == 2, timeout=10, message="two new homes")
        for network in ("one", "two"):
            wait_for(lambda: self.pings("a", self.place("a", network)["Gateway"]), timeout=5)
        wait_for(lambda: self.pings("a", "b"), timeout=5)
        self.assertEqual([self.place(name, network)["IPAddress"] for name in ("a", "b") for network in ("one", "two")], before)

    def test_address_is_kept_for_the_slow(self):
        """Who has not come back to a new home yet keeps its address: nobody else is given it."""
        self.skiff("network", "create", "one")
        self.up("a", "one")
        self.up("slow", "one")
        address = self.place("slow", "one")["IPAddress"]
        monitor = json.loads(self.skiff("inspect", "slow").stdout)[0]["State"]["ConmonPid"]
        home, = self.homes()
        os.kill(monitor, signal.SIGSTOP)
        try:
            os.kill(home, signal.SIGKILL)
            wait_for(lambda: self.homes() not in ([], [home]), timeout=5, message="a new home")
            self.up("third", "one")
            self.assertNotEqual(self.place("third", "one")["IPAddress"], address)
            self.skiff_fails("run", "--rm", "--network", "one", "--ip", address, "busybox", "true", says="already allocated")
        finally:
            os.kill(monitor, signal.SIGCONT)
        wait_for(lambda: self.pings("third", "slow"), timeout=5, message="its name")
        self.assertEqual(self.place("slow", "one")["IPAddress"], address)
