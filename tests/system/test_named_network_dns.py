# SPDX-License-Identifier: Apache-2.0
"""Names on named networks: what is answered, what is asked of whom, what never leaves, and what hostile containers can do."""

import json
import time

from tests.support.bed import ASK, Bed, open_files, resident
from tests.support.skiff import SLOWNESS, wait_for
from tests.system.test_named_network import NamedNetworkTest
from tests.system.test_network import WITH_PYTHON

A, PTR, AAAA, ANY = 1, 12, 28, 255
FAILED, NO_SUCH_NAME = 2, 3


class DnsTest(Bed, NamedNetworkTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.skiff("network", "create", "one")
        self.up("client", "one", "-v", f"{self.tmp}:/t", *WITH_PYTHON)
        self.gateway = self.place("client", "one")["Gateway"]

    def ask(self, name, kind=A, proto="udp", payload=0, client="client", server=None):
        return self.skiff("exec", client, "/usr/bin/python3", "-c", ASK, server or self.gateway, proto, name, str(kind), str(payload)).json

    def found(self, *args, **options):
        answer = self.ask(*args, **options)
        self.assertEqual(answer["code"], 0)
        return answer["found"]


class Local(DnsTest):
    def test_names(self):
        """Names, aliases, ids, addresses, over UDP and TCP, with EDNS and without."""
        web = self.up("web", "one", "--network-alias", "www")
        address = self.place("web", "one")["IPAddress"]
        backwards = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
        for proto in ("udp", "tcp"):
            for payload in (0, 1232):
                with self.subTest(proto=proto, payload=payload):
                    for name in ("web", "WWW", web[:12], "web.dns.podman"):
                        answer = self.ask(name, A, proto, payload)
                        self.assertEqual((answer["code"], answer["found"], answer["edns"]), (0, [address], payload != 0), name)
                    self.assertEqual(self.found("web", AAAA, proto, payload), [])
                    self.assertEqual(self.found(backwards, PTR, proto, payload), ["web"])
                    for name, kind in (("nobody", A), ("nobody", AAAA), ("nobody.dns.podman", A), ("250" + backwards[backwards.index("."):], PTR)):
                        self.assertEqual(self.ask(name, kind, proto, payload)["code"], NO_SUCH_NAME, name)
        self.assertEqual(self.asked(), [])

    def test_links(self):
        """A name that one container alone has for another: for its questions and nobody else's. It hides a name that others have.
        Red when is_called() does not look at the asker's links."""
        self.skiff("network", "create", "--ipv6", "six")
        self.up("web", "six")
        self.up("hidden", "six", "--network-alias", "www")
        self.up("asker", "six:link=web:www,link=WEB:Store,link=nobody:hidden", "-v", f"{self.tmp}:/t", *WITH_PYTHON)
        self.up("other", "six", "-v", f"{self.tmp}:/t", *WITH_PYTHON)
        place = self.place("web", "six")
        hidden = self.place("hidden", "six")["IPAddress"]
        gateway = place["Gateway"]
        self.assertEqual(self.place("asker", "six")["Links"], ["web:www", "WEB:Store", "nobody:hidden"])

        def check():
            for proto in ("udp", "tcp"):
                for name in ("www", "STORE.dns.podman"):
                    for kind, key in ((A, "IPAddress"), (AAAA, "GlobalIPv6Address")):
                        self.assertEqual(self.found(name, kind, proto, client="asker", server=gateway), [place[key]], name)
                self.assertEqual(self.ask("store", A, proto, client="other", server=gateway)["code"], NO_SUCH_NAME)
                self.assertEqual(self.found("www", A, proto, client="other", server=gateway), [hidden])

        check()
        self.assertEqual(self.ask("hidden", client="asker", server=gateway)["code"], NO_SUCH_NAME)
        self.assertEqual(self.found("hidden", client="other", server=gateway), [hidden])
        self.skiff("restart", "-t", "0", "asker")
        self.skiff("network", "disconnect", "one", "client")
        self.skiff("network", "connect", "one", "asker")
        check()
        self.skiff("rm", "-f", "-t", "0", "web")
        self.assertEqual(self.ask("www", client="asker", server=gateway)["code"], NO_SUCH_NAME)

    def test_many_addresses(self):
        """One alias of many containers: all of them over TCP, as many as fit over UDP, in turns."""
        for i in range(40):
            self.skiff("run", "-d", "--network", "one", "--network-alias", "all", "busybox", "sleep", "1000")
        plain, large, stream = (self.ask("all", A, *how) for how in (("udp", 0), ("udp", 4096), ("tcp", 0)))
        self.assertTrue(plain["cut"])
        self.assertLessEqual(plain["size"], 512)
        for answer in (large, stream):
            self.assertEqual((len(set(answer["found"])), answer["cut"]), (40, False))
        self.assertGreater(len({self.ask("all", A, "tcp")["found"][0] for _ in range(8)}), 1)

    def test_disabled(self):
        """A network without names: nobody's are told, others' are."""
        self.skiff("network", "create", "--disable-dns", "two")
        self.up("deaf", "two", *WITH_PYTHON)
        self.up("web", "two")
        self.tell(s1=["answer", "203.0.113.7"])
        gateway = self.place("deaf", "two")["Gateway"]
        self.assertEqual(self.ask("web.dns.podman", client="deaf", server=gateway)["code"], NO_SUCH_NAME)
        self.assertEqual(self.found("example.org", client="deaf", server=gateway), ["203.0.113.7"])

    def test_latency(self):
        """The figure is tests/bench's; here it is only no multiple of it."""
        self.up("web", "one")
        script = ("import socket,statistics,sys,time\ns=socket.socket(type=socket.SOCK_DGRAM)\ns.settimeout(1)\ns.connect((sys.argv[1],53))\nt=[]\n"
                  "for i in range(500):\n b=time.perf_counter()\n s.send(bytes.fromhex('0007010000010000000000000377656200') + bytes.fromhex('00010001'))\n"
                  " s.recv(512)\n t.append((time.perf_counter()-b)*1000)\nprint(statistics.median(t))")
        median = float(self.skiff("exec", "client", "/usr/bin/python3", "-c", script, self.gateway).stdout)
        self.assertLess(median, 1 * SLOWNESS)


class WithoutTap(DnsTest):
    """Where /dev/net/tun cannot be used, veth pairs and packet sockets take its place."""

    def setUp(self):
        self.bed("mount", "--bind", "/dev/null", "/dev/net/tun")
        self.addCleanup(self.bed, "umount", "/dev/net/tun")
        super().setUp()

    def test_names(self):
        web = self.up("web", "one")
        for name in ("web", web[:12]):
            for proto in ("udp", "tcp"):
                self.assertEqual(self.found(name, A, proto), [self.place("web", "one")["IPAddress"]])
        self.tell(s1=["long", "203.0.113.7", 3000])
        self.assertEqual(len(self.found("www.example.org", proto="tcp")), 3000)
        self.assertTrue(self.pings("client", self.gateway))


class Forwarded(DnsTest):
    def test_answers(self):
        self.tell(s1=["answer", "203.0.113.7"])
        for proto in ("udp", "tcp"):
            self.assertEqual(self.found("www.example.org", proto=proto), ["203.0.113.7"])
        self.assertEqual(self.asked(), ["1 udp www.example.org", "1 tcp www.example.org"])
        self.tell(s1=["code", NO_SUCH_NAME])
        self.assertEqual(self.ask("no.example.org")["code"], NO_SUCH_NAME)

    def test_in_parallel(self):
        """Neither a silent server nor one that fails holds up the answer of another."""
        self.resolvers(1, 2, 3)
        for first, second in ((["silent"], ["code", 5]), (["code", FAILED], ["silent"]), (["wrong"], ["silent"])):
            for proto in ("udp", "tcp"):
                with self.subTest(first=first, second=second, proto=proto):
                    self.tell(s1=first, s2=second, s3=["answer", "203.0.113.8"])
                    answer = self.ask("www.example.org", proto=proto)
                    self.assertEqual(answer["found"], ["203.0.113.8"])
                    self.assertLess(answer["seconds"], 0.5 * SLOWNESS)

    def test_time_is_limited(self):
        self.resolvers(1, 2)
        for proto, pause in (("udp", 0), ("udp", 0.3), ("udp", 0.6), ("udp", 0.9), ("tcp", 0), ("tcp", 0.7)):
            time.sleep(pause)  # a loop that was asleep must not count from when it fell asleep
            answer = self.ask("www.example.org", proto=proto)
            self.assertEqual(answer["code"], FAILED)
            self.assertGreater(answer["seconds"], 0.97)
            self.assertLess(answer["seconds"], 1.5 * SLOWNESS)
        # What the last one said is better than nothing; nobody there at all is known at once.
        self.tell(s1=["code", 5], s2=["silent"])
        self.assertEqual(self.ask("www.example.org")["code"], 5)
        self.resolvers(9)
        answer = self.ask("www.example.org")
        self.assertEqual(answer["code"], FAILED)
        self.assertLess(answer["seconds"], 0.5 * SLOWNESS)

    def test_long_answers(self):
        """One that is cut over UDP comes whole over TCP; one longer than the client takes says so."""
        self.tell(s1=["long", "203.0.113.7", 300])
        answer = self.ask("www.example.org")
        self.assertEqual((answer["cut"], answer["found"]), (True, []))
        self.assertEqual(len(self.found("www.example.org", proto="tcp")), 300)
        self.tell(s1=["answer", "203.0.113.7", 100])
        self.assertEqual(len(self.found("www.example.org", payload=4096)), 100)
        answer = self.ask("www.example.org")
        self.assertEqual((answer["cut"], answer["found"]), (True, []))

    def test_follows_the_host(self):
        """A change of the host's /etc/resolv.conf counts from the next question on."""
        self.tell(s1=["answer", "203.0.113.1"], s2=["answer", "203.0.113.2"])
        self.assertEqual(self.found("www.example.org"), ["203.0.113.1"])
        self.resolvers(2)
        self.assertEqual(self.found("www.example.org"), ["203.0.113.2"])
        self.assertEqual([line[0] for line in self.asked()], ["1", "2"])

    def test_nothing_leaks(self):
        """Names of one label, names below ours, and names of our addresses are asked of nobody. Red on a build whose
        dns_answer() does not answer names of one label."""
        self.tell(s1=["answer", "203.0.113.7"])
        backwards = ".".join(reversed(self.gateway.split(".")))
        for proto in ("udp", "tcp"):
            for name in ("db", "DB", "payroll-db", "db.dns.podman", "x.y.dns.podman", f"{backwards}.in-addr.arpa",
                         f"{backwards.partition('.')[2]}.in-addr.arpa"):
                for kind in (A, AAAA, PTR, ANY, 2, 6):
                    self.assertEqual(self.ask(name, kind, proto)["found"], [])
        # busybox' own resolver tries the search list; of it, too, nothing but names of several labels may go out.
        self.skiff("exec", "client", "ping", "-c", "1", "-W", "1", "db", check=False)
        self.assertEqual([line for line in self.asked() if "." not in line.split()[2] or "podman" in line or "arpa" in line], [])

    def test_internal(self):
        """On an internal network only its own names are known, and nobody is asked. Red on a build whose DnsNames.internal
        is not set."""
        self.tell(s1=["answer", "203.0.113.7"])
        self.skiff("network", "create", "--internal", "in")
        self.up("inner", "in", *WITH_PYTHON)
        self.up("web", "in")
        gateway = json.loads(self.skiff("network", "inspect", "in").stdout)[0]["subnets"][0]["gateway"]
        for proto in ("udp", "tcp"):
            self.assertEqual(self.found("web", proto=proto, client="inner", server=gateway), [self.place("web", "in")["IPAddress"]])
            for name in ("secret.exfil.example.org", "7.113.0.203.in-addr.arpa"):
                self.assertEqual(self.ask(name, A, proto, client="inner", server=gateway)["code"], NO_SUCH_NAME)
        self.assertEqual(self.asked(), [])
        # Nor by a resolver's address of its own choice.
        self.assertFalse(self.skiff("exec", "inner", "/usr/bin/python3", "-c", ASK, "127.0.0.1", "udp", "x.example.org", "1", "0", check=False).code == 0)


class Hostile(DnsTest):
    IDLE = ("import socket,sys,time\ns=[]\n"
            "for i in range(200):\n c=socket.create_connection((sys.argv[1],53)); c.sendall(b'\\0'); s.append(c)\n"
            "print('idle', flush=True)\ntime.sleep(1000)")

    def test_idle_clients(self):
        """200 connections that say nothing keep nobody out and cost little. Red on a build that refuses when all places
        are taken."""
        self.up("web", "one")
        home, = self.homes()
        idle = self.start("exec", "client", "/usr/bin/python3", "-c", self.IDLE, self.gateway)
        self.assertEqual(idle.stdout.readline(), b"idle\n")
        self.up("other", "one", *WITH_PYTHON)
        for _ in range(5):
            answer = self.ask("web", proto="tcp", client="other")
            self.assertEqual(len(answer["found"]), 1)
            self.assertLess(answer["seconds"], 0.5 * SLOWNESS)
        self.assertLess(open_files(home), 120)
        self.assertLess(resident(home), 4096 * SLOWNESS)  # a sanitizer build is larger

    def test_flood(self):
        """A container with as many questions open as it can get leaves room for another's."""
        self.tell(s1=["silent"])
        flood = ("import socket,sys,struct\ns=socket.socket(type=socket.SOCK_DGRAM)\n"
                 "for i in range(2000):\n s.sendto(struct.pack('>HHHHHH',i,256,1,0,0,0)+b'\\1x\\7example\\3org\\0\\0\\1\\0\\1',(sys.argv[1],53))\n"
                 "print('flooded', flush=True)")
        self.up("other", "one", *WITH_PYTHON)
        home, = self.homes()
        self.assertEqual(self.skiff("exec", "client", "/usr/bin/python3", "-c", flood, self.gateway).stdout, "flooded\n")
        self.assertLess(open_files(home), 120)
        self.tell(s1=["answer", "203.0.113.7"])
        self.assertEqual(self.found("www.example.org", client="other"), ["203.0.113.7"])
        wait_for(lambda: open_files(home) < 30, timeout=5, message="the end of the questions")

    def test_refused_in_a_row(self):
        """Thousands of questions behind each other over TCP, each refused at once because the client has its share open: the
        home takes one after the other. Red on a build that answers each from within the one before: its stack ends."""
        self.tell(s1=["silent"])
        burst = ("import socket,struct,sys\nu=socket.socket(type=socket.SOCK_DGRAM)\nc=socket.create_connection((sys.argv[1],53))\n"
                 "q=lambda i: struct.pack('>HHHHHH',i,256,1,0,0,0)+b'\\1a\\1b\\0\\0\\1\\0\\1'\n"
                 "for i in range(100):\n u.sendto(q(i),(sys.argv[1],53))\n"
                 "c.sendall(b''.join(struct.pack('>H',21)+q(i) for i in range(2600)))\nc.settimeout(20)\n"
                 "got=b''\nwhile len(got)<2600*23:\n more=c.recv(65536)\n if not more: break\n got+=more\n"
                 "print(len(got), sum(got[i*23+5]&15==2 for i in range(len(got)//23)))")
        home, = self.homes()
        self.assertEqual(self.skiff("exec", "client", "/usr/bin/python3", "-c", burst, self.gateway).stdout, f"{2600 * 23} 2600\n")
        self.assertEqual(self.homes(), [home])

    def test_packets(self):
        """Frames and messages of random bytes: the home lives, answers, and does not grow."""
        self.up("web", "one")
        fuzz = ("import os,random,socket,struct,sys,time\nrandom.seed(7)\nlink=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)\nlink.bind(('eth0',0))\n"
                "s=socket.socket(type=socket.SOCK_DGRAM)\ns.connect((sys.argv[1],53))\n"
                "raw=socket.socket(socket.AF_INET,socket.SOCK_RAW,socket.IPPROTO_RAW)\n"
                "good=bytes.fromhex('0007010000010000000000010377656200000100010000291000000080000000')\n"
                "def mutate(b):\n b=bytearray(b)\n for _ in range(random.randint(1,6)):\n  b[random.randrange(len(b))]=random.randrange(256)\n"
                " return bytes(b[:random.randint(1,len(b))]) if random.random()<.3 else bytes(b)\n"
                "def send(f,*a):\n try: f(*a)\n except OSError: pass\n"
                "for i in range(6000):\n send(s.send,mutate(good)); send(s.send,os.urandom(random.randint(1,1400)))\n"
                " ip=struct.pack('>BBHHHBBH4s4s',0x45,0,0,i,0,64,random.choice((6,17,1,0)),0,os.urandom(4),socket.inet_aton(sys.argv[1]))\n"
                " send(raw.sendto,mutate(ip+struct.pack('>HHIIHHHH',4000,53,1,0,0x5002,999,0,0)+good),(sys.argv[1],53))\n"
                " send(link.send,b'\\x52\\x55'+socket.inet_aton(sys.argv[1])+os.urandom(6)+random.choice((b'\\x08\\0',b'\\x08\\6',b'\\x86\\xdd'))+mutate(ip+good))\n"
                "for i in range(300):\n"
                " with socket.create_connection((sys.argv[1],53)) as c: send(c.sendall,mutate(struct.pack('>H',len(good))+good)+os.urandom(random.randint(0,300)))\n"
                "print('done')")
        home, = self.homes()
        self.skiff("exec", "client", "/usr/bin/python3", "-c", "pass")
        before = resident(home)
        self.assertEqual(self.skiff("exec", "client", "/usr/bin/python3", "-c", fuzz, self.gateway, timeout=120).stdout, "done\n")
        time.sleep(1.2)  # for the questions of it that were asked of others
        self.assertEqual(self.homes(), [home])
        for proto in ("udp", "tcp"):
            self.assertEqual(len(self.found("web", proto=proto)), 1)
        self.assertLess(resident(home), before + 4096)
        self.assertLess(open_files(home), 120)


class HostChanges(DnsTest):
    """The bed has no default route: containers start all the same."""

    def fetch(self, address):
        return self.skiff("exec", "client", "nc", "-w", "2", address, "80", check=False).stdout

    def test_no_route(self):
        self.assertEqual(self.bed("ip", "route", "show", "default"), "")
        self.up("web", "one", "-p", "127.0.0.1:8080:80", command=("sh", "-c", "echo hello >/index.html; exec httpd -f -p 80 -h /"))
        self.assertTrue(self.pings("client", "web"))
        self.assertEqual(self.skiff("exec", "client", "wget", "-qO-", "http://web/").stdout, "hello\n")
        wait_for(lambda: self.bed("busybox", "wget", "-qO-", "http://127.0.0.1:8080/", check=False) == "hello\n", timeout=5)
        self.assertEqual(self.fetch("203.0.113.9"), "")

    def test_default_route_changes(self):
        """A network that comes, goes and is another: running containers follow."""
        self.assertEqual(self.fetch("203.0.113.9"), "")
        self.second_host("p", 100, "203.0.113.9", "first")
        self.bed("ip", "route", "add", "default", "via", "198.51.100.2")
        self.assertEqual(self.fetch("203.0.113.9"), "first\n")
        self.second_host("q", 101, "203.0.113.9", "second")
        self.bed("ip", "route", "replace", "default", "via", "198.51.101.2")
        self.assertEqual(self.fetch("203.0.113.9"), "second\n")
        self.bed("ip", "route", "del", "default")
        self.assertEqual(self.fetch("203.0.113.9"), "")
        self.bed("ip", "route", "add", "default", "via", "198.51.101.2")
        self.assertEqual(self.fetch("203.0.113.9"), "second\n")
