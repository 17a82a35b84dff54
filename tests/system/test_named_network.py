# SPDX-License-Identifier: Apache-2.0
"""Named networks: real traffic between containers, names, isolation, what is left afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from tests.support.skiff import SLOWNESS, SkiffTest, free_port, prefix, wait_for
from tests.system.test_network import TCP_WHO, UDP_WHO, WITH_PYTHON, fetch_soon, host_address

PODMAN_ID = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9"
NO_NETWORK = "unable to find network with name or ID nope: network not found"


class NamedNetworkTest(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        # After the oracle, which removes the containers and looks at what their networks leave.
        self.addCleanup(self.check_gone)
        self.addCleanup(self.skiff, "network", "prune", "-f")
        self.addCleanup(self.skiff, "rm", "--all", "--force", "--time", "0")

    def check_gone(self):
        """No home and no socket of one outlives its last member."""
        wait_for(lambda: not self.homes(), timeout=5, message="the end of the networks' homes")
        runtime = self.runtime_networks()
        self.assertEqual([name for name in os.listdir(runtime) if name != ".lock"] if runtime.exists() else [], [])

    def runtime_networks(self):
        return Path(self.skiff("info", "--format", "{{.Store.RunRoot}}").stdout.strip()) / "networks"

    @staticmethod
    def homes():
        """Pids of networks' homes; each test module has a pid namespace of its own."""
        pids = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and comm(pid) == "skiff-network"]
        return [pid for pid in pids if parent(pid) not in pids]  # what a home has just forked is none

    def up(self, name, network, *options, command=("sleep", "1000")):
        return self.skiff("run", "-d", "--name", name, "--network", network, "--cap-add", "NET_RAW", *options, "busybox", *command).stdout.strip()

    def pings(self, name, target):
        return self.skiff("exec", name, "ping", "-c", "1", "-W", "1", target, check=False).code == 0

    def place(self, name, network):
        return json.loads(self.skiff("inspect", name).stdout)[0]["NetworkSettings"]["Networks"][network]


class Late(NamedNetworkTest):
    """Homes whose program is not what it should be."""

    def setUp(self):
        super().setUp()
        self.libexec = self.tmp / f"libexec-{self._testMethodName}"
        shutil.copytree(prefix() / "libexec/skiff", self.libexec)
        (self.libexec / "skiff-uplink").rename(self.libexec / "real-uplink")
        self.skiff("network", "create", "n")

    def run_with(self, script, **options):
        """A container whose network's home is a shell script."""
        program = self.libexec / "skiff-uplink"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        program.chmod(0o755)
        return self.skiff("run", "--rm", "--network", "n", "busybox", "echo", "ran", env={"SKIFF_LIBEXEC": str(self.libexec)}, **options)

    def test_slow_to_begin(self):
        """After a boot all containers start at once: a new home has more than the seconds that a living one has."""
        self.assertEqual(self.run_with(f'sleep 6; exec {self.libexec / "real-uplink"} "$@"').stdout, "ran\n")

    def test_ends_at_once(self):
        """And leaves no socket."""
        self.assertIn("skiff-uplink ended unexpectedly", self.run_with("exit 1", code=125).stderr)


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def parent(pid):
    """The pid of a process' parent, 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def cpu_seconds(pid):
    """What a process has used of the processors."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Traffic(NamedNetworkTest):
    def test_names(self):
        self.skiff("network", "create", "one")
        web = self.up("web", "one", "--network-alias", "www,Front")
        self.up("client", "one")
        for name in ("web", "www", "front", "WEB", web[:12], "web.dns.podman"):
            with self.subTest(name=name):
                self.assertTrue(self.pings("client", name))
        self.assertFalse(self.pings("client", "nobody.dns.podman"))
        address = self.place("web", "one")["IPAddress"]
        self.assertIn("web", self.skiff("exec", "client", "nslookup", address).stdout)
        self.assertIn(f"{address}\t{web[:12]} web\n", self.skiff("exec", "web", "cat", "/etc/hosts").stdout)
        # A name goes with its container.
        self.skiff("rm", "-f", "-t", "0", "web")
        self.assertFalse(self.pings("client", "web.dns.podman"))

    def test_isolation(self):
        """A container on another network reaches neither the address nor the name."""
        for name in ("one", "two"):
            self.skiff("network", "create", name)
        self.up("web", "one")
        self.up("other", "two")
        self.assertTrue(self.pings("other", "other"))
        self.assertFalse(self.pings("other", self.place("web", "one")["IPAddress"]))
        self.assertFalse(self.pings("other", "web.dns.podman"))
        # Nor with a route of its own making.
        self.up("rogue", "two", "--cap-add", "NET_ADMIN")
        self.skiff("exec", "rogue", "ip", "route", "add", "10.89.0.0/24", "dev", "eth0")
        self.assertFalse(self.pings("rogue", self.place("web", "one")["IPAddress"]))

    def test_default_network(self):
        """podman's own is always there, also under the name of its driver; it answers no names."""
        self.up("a", "podman")
        self.up("b", "bridge")
        place = self.place("b", "podman")
        self.assertEqual((place["IPAddress"], place["Gateway"], place["IPPrefixLen"]), ("10.88.0.3", "10.88.0.1", 16))
        self.assertEqual(place["NetworkID"], PODMAN_ID)
        self.assertTrue(self.pings("a", "10.88.0.3"))
        self.assertFalse(json.loads(self.skiff("network", "inspect", "podman").stdout)[0]["dns_enabled"])
        self.skiff_fails("network", "rm", "podman", says="default network podman cannot be removed")

    def test_gateway_and_host(self):
        """The gateway answers a ping; the host's loopback is not behind it."""
        self.skiff("network", "create", "one")
        port = self.serve("127.0.0.1")
        self.up("a", "one")
        gateway = self.place("a", "one")["Gateway"]
        self.assertTrue(self.pings("a", gateway))
        for address in (gateway, "10.89.0.0", "127.0.0.1", "10.89.0.255"):
            with self.subTest(address=address):
                answer = self.skiff("exec", "a", "nc", "-w", "1", address, str(port), check=False)
                self.assertEqual(answer.stdout, "")

    def test_way_out(self):
        """The host is reached through the network's uplink, but not from an internal one."""
        address = host_address()
        if not address:
            self.skipTest("no address but the loopback's")
        self.skiff("network", "create", "one")
        self.skiff("network", "create", "--internal", "in")
        port = self.serve(address)
        self.up("a", "one")
        self.up("b", "in", "--cap-add", "NET_ADMIN")
        self.up("c", "in")
        reach = ("sh", "-c", f"nc -w 2 {address} {port} </dev/null")
        wait_for(lambda: self.skiff("exec", "a", *reach, check=False).stdout == "hello\n", timeout=5)
        self.assertEqual(self.skiff("exec", "b", *reach, check=False).stdout, "")
        # It has no default route; one of its own making leads nowhere.
        gateway, = json.loads(self.skiff("network", "inspect", "in").stdout)[0]["subnets"]
        self.skiff("exec", "b", "ip", "route", "add", "default", "via", gateway["gateway"])
        self.assertEqual(self.skiff("exec", "b", *reach, check=False).stdout, "")
        self.assertTrue(self.pings("b", "c"))
        self.assertNotIn("Gateway\": \"1", json.dumps(self.place("b", "in")))

    def serve(self, address):
        """A server of the host's that says hello; its port."""
        server = socket.create_server((address, 0))
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
        """A client of the host keeps its address, over TCP and UDP."""
        address = host_address()
        if not address:
            self.skipTest("no address but the loopback's")
        self.skiff("network", "create", "one")
        port, udp = free_port(), free_port()
        self.up("tcp", "one", "-p", f"{port}:80", *WITH_PYTHON, command=("/usr/bin/python3", "-c", TCP_WHO))
        self.up("udp", "one", "-p", f"{udp}:53/udp", *WITH_PYTHON, command=("/usr/bin/python3", "-c", UDP_WHO))
        self.wait_for_port(port)
        ask = ["python3", "-c", "import socket,sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])));"
               "print(s.getsockname()[1]); print(s.recv(99).decode())", address, str(port)]
        mine, seen = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split("\n")[:2]
        self.assertEqual(seen, f"{address} {mine}")
        ask = ["python3", "-c", "import socket,sys; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(1)\n"
               "for _ in range(9):\n s.sendto(b'x', (sys.argv[1], int(sys.argv[2])))\n"
               " try:\n  print(s.recv(99).decode()); break\n except TimeoutError: pass", address, str(udp)]
        self.assertEqual(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()[0], address)

    def test_own_user_namespace(self):
        """A container with a map of its own is connected like any other."""
        self.need_ids()
        self.skiff("network", "create", "one")
        self.up("a", "one", "--userns", "keep-id")
        self.up("b", "one")
        self.assertTrue(self.pings("b", "a"))

    def test_web_server(self):
        self.skiff("network", "create", "one")
        port = free_port()
        self.up("web", "one", "-p", f"127.0.0.1:{port}:80",
                command=("sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /"))
        self.assertEqual(fetch_soon(port, "127.0.0.1"), "hello\n")
        self.up("client", "one")
        self.assertEqual(self.skiff("exec", "client", "wget", "-qO-", "http://web/").stdout, "hello\n")


class Addresses(NamedNetworkTest):
    def test_static(self):
        self.skiff("network", "create", "--subnet", "10.123.4.0/24", "--gateway", "10.123.4.200", "one")
        self.up("a", "one:ip=10.123.4.7,mac=02:00:00:00:00:07,interface_name=net7")
        place = self.place("a", "one")
        self.assertEqual((place["IPAddress"], place["MacAddress"], place["Gateway"]),
                         ("10.123.4.7", "02:00:00:00:00:07", "10.123.4.200"))
        shown = self.skiff("exec", "a", "ip", "addr", "show", "net7").stdout
        self.assertIn("10.123.4.7/24", shown)
        self.assertIn("02:00:00:00:00:07", shown)
        self.skiff_fails("run", "--rm", "--network", "one", "--ip", "10.123.4.7", "busybox", "true",
                         says="IPAM error: requested ip address 10.123.4.7 is already allocated")
        self.skiff_fails("run", "--rm", "--network", "one", "--ip", "10.123.5.7", "busybox", "true",
                         says="requested static ip 10.123.5.7 not in any subnet on network one")
        self.skiff_fails("run", "--rm", "--network", "one", "--ip", "10.123.4.200", "busybox", "true",
                         says="already allocated")
        # It comes back with its container.
        self.skiff("restart", "-t", "0", "a")
        self.assertEqual(self.place("a", "one")["IPAddress"], "10.123.4.7")

    def test_range_is_used_up(self):
        self.skiff("network", "create", "--subnet", "10.123.4.0/24", "--ip-range", "10.123.4.8-10.123.4.9", "one")
        self.up("a", "one")
        self.up("b", "one")
        self.assertEqual({self.place(name, "one")["IPAddress"] for name in "ab"}, {"10.123.4.8", "10.123.4.9"})
        self.skiff_fails("run", "--rm", "--network", "one", "busybox", "true",
                         says="IPAM error: failed to find free IP in range")
        self.skiff("rm", "-f", "-t", "0", "a")
        self.up("c", "one")

    def test_racing_starts(self):
        """64 starts at once on a network without a home: one home, 64 addresses."""
        self.skiff("network", "create", "one")
        results = []

        def run(i):
            results.append(self.skiff("run", "-d", "--name", f"r{i}", "--network", "one", "--cap-add", "NET_RAW", "busybox", "sleep", "1000",
                                      check=False, timeout=120 * SLOWNESS))

        threads = [threading.Thread(target=run, args=(i,)) for i in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([str(done) for done in results if done.code != 0], [])
        places = [self.place(f"r{i}", "one") for i in range(64)]
        self.assertEqual(len({place["IPAddress"] for place in places}), 64)
        self.assertEqual(len({place["MacAddress"] for place in places}), 64)
        wait_for(lambda: len(self.homes()) == 1, timeout=5, message="one home alone")
        self.assertTrue(self.pings("r0", "r63"))
        members = json.loads(self.skiff("network", "inspect", "one").stdout)[0]["containers"]
        self.assertEqual(len(members), 64)
        # libslirp remembers 16 neighbours: the first must be looked for again.
        for i in (*range(20), 0):
            self.assertTrue(self.pings(f"r{i}", places[0]["Gateway"]), f"r{i}")

    def test_restart_policy(self):
        """A restart within the monitor joins anew."""
        self.skiff("network", "create", "one")
        self.up("a", "one", "--restart", "always", command=("sh", "-c", "[ -e /again ] && exec sleep 1000; touch /again; sleep 0.3"))
        self.up("b", "one")

        def restarted():
            return json.loads(self.skiff("inspect", "a").stdout)[0]["RestartCount"] >= 1

        wait_for(restarted, timeout=20, message="a restart")
        wait_for(lambda: self.pings("b", "a"), timeout=20, message="a ping after the restart")
        # Who has looked it up before finds it where it was.
        state = lambda: json.loads(self.skiff("inspect", "a").stdout)[0]["State"]["Pid"]
        before, pid = self.place("a", "one"), state()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: state() not in (0, pid), timeout=60, message="a second restart")
        self.assertEqual({key: self.place("a", "one")[key] for key in ("IPAddress", "MacAddress")},
                         {key: before[key] for key in ("IPAddress", "MacAddress")})


class Homes(NamedNetworkTest):
    def test_killed_home(self):
        """The bridge survives its home; the way out, names and addresses come back."""
        self.skiff("network", "create", "one")
        self.up("server", "one", command=("nc", "-ll", "-p", "9", "-e", "cat"))
        self.up("client", "one", command=("sh", "-c", "mkfifo /f; sleep 1000 >/f & exec nc server 9 </f >/out"))
        before = [self.place(name, "one")["IPAddress"] for name in ("server", "client")]
        home, = self.homes()
        write = ("exec", "client", "sh", "-c")
        wait_for(lambda: self.skiff(*write, "echo one >/f; sleep 0.1; cat /out").stdout.startswith("one\n") or None, timeout=5)
        os.kill(home, signal.SIGKILL)
        wait_for(lambda: self.homes() not in ([], [home]), timeout=5, message="a new home")
        wait_for(lambda: self.pings("client", "server"), timeout=5, message="names")
        # The connection of before.
        self.skiff(*write, "echo two >/f")
        wait_for(lambda: self.skiff(*write, "cat /out").stdout.endswith("two\n"), timeout=5, message="what came through the old connection")
        self.assertTrue(self.pings("client", self.place("client", "one")["Gateway"]))
        self.up("third", "one")
        self.assertTrue(self.pings("third", "client"))
        self.assertEqual([self.place(name, "one")["IPAddress"] for name in ("server", "client")], before)
        wait_for(lambda: len(self.homes()) == 1, timeout=5, message="one home alone")

    def test_killed_monitor(self):
        """A member whose monitor is killed lets go of its address; the last one's end ends the home."""
        self.skiff("network", "create", "one")
        self.up("a", "one", "--ip", self.free_address("one"))
        monitor = json.loads(self.skiff("inspect", "a").stdout)[0]["State"]["ConmonPid"]
        os.kill(monitor, signal.SIGKILL)
        wait_for(lambda: not self.homes(), timeout=5, message="the end of the home")
        self.skiff("start", "a")
        self.assertTrue(self.pings("a", "a"))

    def free_address(self, network):
        subnet = json.loads(self.skiff("network", "inspect", network).stdout)[0]["subnets"][0]["subnet"]
        return subnet.replace(".0/24", ".77")

    def test_stopped_home(self):
        """Who joins while the home stands still is told so in time, or waits and then has the network; members go on."""
        self.skiff("network", "create", "one")
        self.up("a", "one")
        self.up("b", "one")
        address = self.place("b", "one")["IPAddress"]
        home, = self.homes()
        os.kill(home, signal.SIGSTOP)
        self.addCleanup(self.resume, home)
        self.assertTrue(self.pings("a", address))
        joining = self.start("run", "--rm", "--network", "one", "busybox", "true")
        code = joining.wait(30 * SLOWNESS)
        if code != 0:
            self.assertEqual(code, 125)
            self.assertIn(b"Error: ", joining.stderr.read())
        os.kill(home, signal.SIGCONT)
        wait_for(lambda: self.pings("a", "b"), timeout=5, message="names")
        self.skiff("run", "--rm", "--network", "one", "busybox", "true")

    @staticmethod
    def resume(pid):
        """Let a process go on that may be gone."""
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def test_storm_of_signals(self):
        """A home that is sent 20,000 signals does its work, and does not spin afterwards."""
        self.skiff("network", "create", "one")
        self.up("a", "one")
        self.up("b", "one")
        home, = self.homes()
        for _ in range(10000):
            for signum in (signal.SIGCHLD, signal.SIGWINCH):
                os.kill(home, signum)
        self.assertTrue(self.pings("a", "b"))
        self.assertEqual(self.homes(), [home])
        before, begin = cpu_seconds(home), time.monotonic()
        time.sleep(1)
        self.assertLess((cpu_seconds(home) - before) / (time.monotonic() - begin), 0.05)

    def test_one_leaves_one_stays(self):
        self.skiff("network", "create", "one")
        self.up("a", "one")
        home = self.homes()
        self.up("b", "one")
        self.skiff("stop", "-t", "0", "a")
        self.assertEqual(self.homes(), home)
        self.skiff("stop", "-t", "0", "b")
        wait_for(lambda: not self.homes(), timeout=5, message="the end of the home")


class Verbs(NamedNetworkTest):
    def test_create(self):
        self.assertEqual(self.skiff("network", "create", "--label", "a=b", "one").stdout, "one\n")
        record, = json.loads(self.skiff("network", "inspect", "one").stdout)
        self.assertEqual(record["subnets"], [{"subnet": "10.89.0.0/24", "gateway": "10.89.0.1"}])
        self.assertEqual((record["name"], record["driver"], record["dns_enabled"], record["internal"],
                          record["ipv6_enabled"], record["labels"], record["containers"]),
                         ("one", "bridge", True, False, False, {"a": "b"}, {}))
        self.assertEqual(self.skiff("network", "create").stdout, "podman1\n")
        self.assertEqual(self.skiff("network", "inspect", "-f", "{{range .Subnets}}{{.Subnet}}{{end}}", "podman1").stdout,
                         "10.89.1.0/24\n")
        self.skiff_fails("network", "create", "one", says="network name one already used: network already exists")
        self.assertEqual(self.skiff("network", "create", "--ignore", "one").stdout, "one\n")
        for bad, says in ((["--subnet", "10.89.0.128/25"], "subnet 10.89.0.128/25 is already used on the host or by "
                           "another config"),
                          (["--subnet", "10.9.8"], "invalid CIDR address: 10.9.8"),
                          (["--subnet", "fd01::/64"], "a network without IPv4 is not supported"),
                          (["--ipv6", "--subnet", "fd01::/64", "--subnet", "fd02::/64"], "several subnets of a family are not supported: fd02::/64"),
                          (["--ipv6", "--subnet", "fe80::/64"], "subnet fe80::/64: no addresses for containers"),
                          (["--ipv6", "--subnet", "fd01::/64", "--gateway", "fd02::1"], "gateway fd02::1 not in subnet fd01::/64"),
                          (["--ipv6", "--subnet", "fd01::/64", "--gateway", "fd01::1", "--gateway", "fd01::2"], "cannot set more gateways than subnets"),
                          (["--ipv6", "--subnet", "fd01::/64", "--ip-range", "fd02::/80"], "invalid ip range fd02::/80: not in subnet fd01::/64"),
                          (["--gateway", "10.9.8.1"], "cannot set gateway or range without subnet"),
                          (["--subnet", "10.9.8.0/24", "--gateway", "10.9.9.1"], "gateway 10.9.9.1 not in subnet"),
                          (["--subnet", "10.9.8.0/24", "--ip-range", "10.9.9.0/28"], "lease range start ip 10.9.9.1 not in subnet 10.9.8.0/24"),
                          (["--driver", "macvlan"], "the driver macvlan is not supported"),
                          (["--opt", "vlan=5"], 'the network option "vlan" is not supported')):
            with self.subTest(bad=bad):
                self.skiff_fails("network", "create", *bad, "two", says=says)
        for name in ("host", "none", "bridge", "default"):
            self.skiff_fails("network", "create", name, says="conflicts with a valid network mode")

    def test_list(self):
        self.skiff("network", "create", "one", "--label", "x=1")
        record, = json.loads(self.skiff("network", "inspect", "one").stdout)
        self.assertEqual([line.split() for line in self.skiff("network", "ls").stdout.splitlines()],
                         [["NETWORK", "ID", "NAME", "DRIVER"], [record["id"][:12], "one", "bridge"],
                          [PODMAN_ID[:12], "podman", "bridge"]])
        self.assertEqual(self.skiff("network", "ls", "-q", "--filter", "label=x").stdout, "one\n")
        self.assertEqual(self.skiff("network", "ls", "-q", "--filter", "dangling=true").stdout, "one\n")
        self.assertEqual(self.skiff("network", "inspect", "-f", "{{.Name}}", record["id"][:10]).stdout, "one\n")

    def test_remove(self):
        self.skiff("network", "create", "one")
        self.up("a", "one", "--stop-signal", "KILL")
        self.assertEqual(self.skiff("ps", "--format", "{{.Networks}}", "--filter", "network=one").stdout, "one\n")
        self.assertEqual(self.skiff("ps", "-q", "--filter", "network=two").stdout, "")
        self.skiff_fails("network", "rm", "one", code=2,
                         says='"one" has associated containers with it. Use -f to forcibly delete containers and '
                              "pods: network is being used")
        self.assertEqual(self.skiff("network", "prune", "-f").stdout, "")
        self.assertEqual(self.skiff("network", "rm", "-f", "one").stdout, "one\n")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")
        self.skiff("network", "exists", "one", code=1)
        self.skiff_fails("network", "rm", "nope", code=1, says=NO_NETWORK)
        self.skiff("network", "rm", "-f", "nope")
        self.skiff_fails("network", "inspect", "nope", says=NO_NETWORK)
        self.skiff_fails("run", "--network", "nope", "busybox", "true", says=NO_NETWORK)

    def test_prune(self):
        for name in ("one", "two"):
            self.skiff("network", "create", name)
        self.skiff("create", "--name", "a", "--network", "two", "busybox")
        self.assertEqual(self.skiff("network", "prune", "-f").stdout, "one\n")
        self.skiff("network", "exists", "two")

    def test_refused(self):
        self.skiff("network", "create", "one")
        for options, says in ((("--network", "one", "--network", "none"), "selected mode none conflicts with bridge"),
                              (("--network", "none", "--network", "one"), "cannot set multiple networks without bridge network mode, selected mode none"),
                              (("--network", "one", "--network", "podman", "--ip", "10.89.0.9"), "--ip can only be set for a single network"),
                              (("--network", "one:ip6=fd00::9",), "requested static ip fd00::9 not in any subnet on network one"),
                              (("--network", "one:color=red"), 'invalid bridge option "color"'),
                              (("--ip", "10.0.2.7"), "static ip/mac address can only be used with Bridge mode networking"),
                              (("--network", "one", "--mac-address", "01:00:00:00:00:00"), "invalid MAC address"),
                              (("--network", "one", "--network-alias", "a b"), "invalid network alias")):
            with self.subTest(options=options):
                self.skiff_fails("run", "--rm", *options, "busybox", "true", says=says)
        self.skiff_fails("network", "update", "--dns-add", "x", "one", says="unable to parse ip x specified in NetworkDNSServers: invalid argument")
        self.skiff_fails("network", "update", "--dns-add", "192.0.2.1", "podman", says="default network podman cannot be changed")
        self.skiff_fails("network", "update", "nope", says=NO_NETWORK)
