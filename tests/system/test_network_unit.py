# SPDX-License-Identifier: Apache-2.0
"""The uplink and the set-up of a network namespace, without the rest of skiff.

netns-bed (tests/unit/network) does what the monitor does and runs a command in the namespace. This module
moves into a network namespace of its own first: that is "the host" here, with addresses and clients of our
choice, and no packet leaves it.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from tests.support.skiff import NETNS_BED, SLOWNESS, TOP, build_dir, prefix, wait_for

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x00020000

# Addresses of "the host" and of those who talk to it.
HOST4, CLIENT4, OTHER4 = "198.51.100.1", "198.51.100.7", "203.0.113.9"
HOST6, CLIENT6 = "2001:db8::1", "2001:db8::7"
GATEWAY4, GATEWAY6, DNS4 = "10.0.2.2", "fd00::2", "10.0.2.3"
INSIDE4, INSIDE6 = "10.0.2.100", "fd00::100"

# What runs inside. Each says "ready" once it serves.
TCP_WHO = """
import socket, sys
family = socket.AF_INET6 if sys.argv[1] != "4" else socket.AF_INET
server = socket.socket(family)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if sys.argv[1] != "4":
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, sys.argv[1] == "6")
server.bind(("", int(sys.argv[2])))
server.listen(512)
print("ready", flush=True)
while True:
    client, address = server.accept()
    client.sendall(f"{address[0]} {address[1]}".encode())
    client.close()
"""
UDP_WHO = """
import socket, sys
server = socket.socket(socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[2])))
print("ready", flush=True)
while True:
    data, address = server.recvfrom(65536)
    server.sendto(f"{address[0]} {address[1]} ".encode() + data, address)
"""
TCP_ECHO = """
import socket, sys, threading
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", int(sys.argv[1])))
server.listen(512)
print("ready", flush=True)
def serve(client):
    try:
        while data := client.recv(1 << 16):
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    client.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
# Frames that a program with CAP_NET_RAW could send: a connection request to any address at all.
RAW_SYN = """
import socket, struct, sys
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
target, port = sys.argv[1], int(sys.argv[2])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("tap0", 0))
own = wire.getsockname()[4]
v6 = ":" in target
family = socket.AF_INET6 if v6 else socket.AF_INET
source, target = (socket.inet_pton(family, ip) for ip in ("fd00::100" if v6 else "10.0.2.100", target))
syn = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 65535, 0, 0)
pseudo = source + target + (struct.pack("!II", len(syn), 6) if v6 else struct.pack("!BBH", 0, 6, len(syn)))
syn = syn[:16] + struct.pack("!H", checksum(pseudo + syn)) + syn[18:]
if v6:
    packet = struct.pack("!IHBB", 6 << 28, len(syn), 6, 64) + source + target + syn
else:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(syn), 1, 0, 64, 6, 0) + source + target
    packet = head[:10] + struct.pack("!H", checksum(head)) + head[12:] + syn
ether = b"\\x52\\x55\\x0a\\x00\\x02\\x02" + own + struct.pack("!H", 0x86dd if v6 else 0x0800)
for _ in range(3):
    wire.send(ether + packet)
"""

libc = ctypes.CDLL(None, use_errno=True)
bed_program = None

# The interpreter that runs us may be in a home that we may not enter any more.
PYTHON = sys.executable if os.access(sys.executable, os.X_OK) else "/usr/bin/python3"

needs_iperf3 = unittest.skipUnless(shutil.which("iperf3"), "iperf3 is not installed")


def leave_host_network():
    """Move this process into a network namespace of its own, with a user namespace if it needs one."""
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET | CLONE_NEWNS | (0 if uid == 0 else CLONE_NEWUSER)
    if libc.unshare(flags) < 0:
        raise unittest.SkipTest(f"no namespaces of our own: {os.strerror(ctypes.get_errno())}")
    if uid:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def setUpModule():
    """Make "the host"."""
    global bed_program
    bed_program = next((top / NETNS_BED for top in (TOP, build_dir()) if os.access(top / NETNS_BED, os.X_OK)), None)
    if bed_program is None:
        raise unittest.SkipTest(f"no {NETNS_BED} in '{build_dir()}': name the build by SKIFF_BUILD")
    leave_host_network()
    for command in ("link set lo up", f"addr add {HOST4}/24 dev lo",
                    f"addr add {CLIENT4}/24 dev lo", f"addr add {OTHER4}/24 dev lo",
                    f"addr add {HOST6}/64 dev lo nodad", f"addr add {CLIENT6}/64 dev lo nodad"):
        subprocess.run(["ip", *command.split()], check=True)


def free_port(kind=socket.SOCK_STREAM):
    """A port that nobody has in our namespace."""
    with socket.socket(socket.AF_INET6, kind) as probe:
        probe.bind(("::", 0))
        return probe.getsockname()[1]


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


class Bed:
    """A namespace with an uplink, alive until the end of the `with`."""

    def __init__(self, *options, ports=(), command=("sleep", "1000"), environment=None):
        self.directory = tempfile.TemporaryDirectory(prefix="bed-")
        self.info_file = Path(self.directory.name) / "info"
        self.argv = [str(bed_program), "--info", str(self.info_file), *options]
        for port in ports:
            self.argv += ["-p", port]
        self.argv += ["--", *command]
        self.env = {**os.environ, "SKIFF_LIBEXEC": str(prefix() / "libexec/skiff"), **(environment or {})}
        self.children = []
        self.info = None
        self.gone_ms = None

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, env=self.env, stderr=subprocess.PIPE)
        wait_for(lambda: self.info_file.exists() or self.process.poll() is not None, message="the bed's start")
        if self.process.poll() is not None:
            raise AssertionError(f"netns-bed ended: {self.process.stderr.read().decode()}")
        self.info = json.loads(self.info_file.read_text(encoding="ascii"))
        child = self.info["child"]
        wait_for(lambda: self.own_netns(child) and self.is_command(child), message="the bed's namespace")
        return self

    @staticmethod
    def own_netns(pid):
        """Is the process in another network namespace than we?"""
        return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")

    @staticmethod
    def is_command(pid):
        """Has the child executed its command, so that its namespace is configured?"""
        return "netns-bed" not in os.readlink(f"/proc/{pid}/exe")

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()
            child.stdout.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.info["child"], signal.SIGKILL)
        self.process.wait(20)
        complaints = self.process.stderr.read().decode()
        self.process.stderr.close()
        self.gone_ms = json.loads(self.info_file.read_text(encoding="ascii")).get("uplink_gone_ms")
        self.directory.cleanup()
        if re.search("Sanitizer|runtime error|skiff-uplink: ", complaints):
            raise AssertionError(complaints)

    def inside(self, *argv):
        """The command line that runs `argv` in the namespace."""
        return ["nsenter", f"--net=/proc/{self.info['child']}/ns/net", *argv]

    def run(self, *argv, timeout=30):
        """Run a command inside."""
        return subprocess.run(self.inside(*argv), capture_output=True, text=True, timeout=timeout * SLOWNESS,
                              check=False)

    def start(self, *argv):
        """Start a command inside that lives as long as the bed."""
        child = subprocess.Popen(self.inside(*argv), stdout=subprocess.PIPE)
        self.children.append(child)
        return child

    def serve(self, script, *arguments):
        """Start a Python server inside and wait until it serves."""
        child = self.start(PYTHON, "-c", script, *map(str, arguments))
        if child.stdout.readline() != b"ready\n":
            raise AssertionError("the server inside did not start")
        return child

    @property
    def ports(self):
        """The mappings that were bound."""
        return self.info["ports"]


def fails(*options, ports=(), environment=None):
    """Run a bed that shall not start. Returns what it printed on stderr."""
    bed = Bed(*options, ports=ports, command=("true",), environment=environment)
    done = subprocess.run(bed.argv, env=bed.env, capture_output=True, text=True, timeout=20, check=False)
    bed.directory.cleanup()
    if done.returncode != 125:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done.stderr


def dial(port, host="127.0.0.1", source=None, kind=socket.SOCK_STREAM):
    """A connected socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    client = socket.socket(family, kind)
    client.settimeout(10 * SLOWNESS)
    try:
        if source:
            client.bind((source, 0))
        client.connect((host, port))
    except OSError:
        client.close()
        raise
    return client


def ask(port, host="127.0.0.1", source=None):
    """Connect and read to the end: what the server said, and our own port."""
    with dial(port, host, source) as client:
        said = b""
        while data := client.recv(4096):
            said += data
        return said.decode(), client.getsockname()[1]


def ask_once_listening(port, host="127.0.0.1", source=None):
    """As ask(), while the published port may not listen yet."""
    deadline = time.monotonic() + 2 * SLOWNESS
    while True:
        try:
            return ask(port, host, source)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


class HostServer:
    """A server on "the host" that greets every client and counts them."""

    def __init__(self, address="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, port), family=family)
        self.port = self.socket.getsockname()[1]
        self.count = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        """Until the socket is shut down."""
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            with client, contextlib.suppress(OSError):
                client.sendall(b"hello from the host")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


READ_ALL = "import socket,sys;c=socket.create_connection((sys.argv[1],int(sys.argv[2])),3);print(c.recv(99).decode())"


class Namespace(unittest.TestCase):
    """What netns_configure() leaves."""

    def check_interfaces(self, *options):
        """Addresses, routes, MTU and sysctls of a namespace with a tap or what stands for it."""
        with Bed(*options) as bed:
            links = {link["ifname"]: link for link in json.loads(bed.run("ip", "-j", "addr").stdout)}
            self.assertIn("UP", links["lo"]["flags"])
            self.assertEqual(links["tap0"]["mtu"], 65520)
            addresses = sorted((info["local"], info["prefixlen"]) for info in links["tap0"]["addr_info"])
            self.assertEqual(addresses, [(INSIDE4, 24), (INSIDE6, 64)])
            routes = bed.run("ip", "route").stdout + bed.run("ip", "-6", "route").stdout
            self.assertIn(f"default via {GATEWAY4} dev tap0", routes)
            self.assertIn(f"default via {GATEWAY6} dev tap0", routes)
            for name, value in (("net/ipv4/ip_unprivileged_port_start", "0"), ("net/ipv4/ping_group_range", "0\t0"),
                                ("net/ipv6/conf/tap0/accept_ra", "0")):
                self.assertEqual(bed.run("cat", f"/proc/sys/{name}").stdout.strip(), value, name)

    def test_tap(self):
        self.check_interfaces()

    def test_veth_where_there_is_no_tun(self):
        self.check_interfaces("--veth")

    def test_single_id_user_namespace(self):
        self.check_interfaces("--userns")

    def test_ipv6_off(self):
        with Bed("--no-ipv6") as bed:
            self.assertNotIn(INSIDE6, bed.run("ip", "addr").stdout)
            self.assertEqual(bed.run("ip", "-6", "route", "show", "default").stdout, "")

    def test_mtu(self):
        with Bed("--mtu", "1500") as bed:
            self.assertIn("mtu 1500", bed.run("ip", "link", "show", "tap0").stdout)

    def test_none_has_only_lo(self):
        done = subprocess.run([str(bed_program), "--none", "--", "ip", "-j", "addr"], capture_output=True, text=True,
                              check=True)
        (link,) = [link for link in json.loads(done.stdout) if "UP" in link["flags"]]
        self.assertEqual(link["ifname"], "lo")

    def test_command_exit_code(self):
        done = subprocess.run([str(bed_program), "--none", "--", "sh", "-c", "exit 7"], check=False)
        self.assertEqual(done.returncode, 7)


class Outwards(unittest.TestCase):
    """From inside to the host and beyond."""

    options = ()

    def test_ping_gateway(self):
        with Bed(*self.options) as bed:
            for gateway in (GATEWAY4, GATEWAY6):
                done = bed.run("ping", "-c", "1", "-W", "2", gateway)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_connects_to_an_address_of_the_host(self):
        with HostServer(HOST4) as server, Bed(*self.options) as bed:
            done = bed.run(PYTHON, "-c", READ_ALL, HOST4, str(server.port))
            self.assertEqual(done.stdout.strip(), "hello from the host", done.stderr)

    def test_connects_by_ipv6(self):
        with HostServer(HOST6) as server, Bed(*self.options) as bed:
            done = bed.run(PYTHON, "-c", READ_ALL, HOST6, str(server.port))
            self.assertEqual(done.stdout.strip(), "hello from the host", done.stderr)

    def test_host_loopback_is_closed(self):
        with HostServer("0.0.0.0") as server, HostServer("::1") as server6, Bed(*self.options) as bed:
            for address in (GATEWAY4, "10.0.2.255", "255.255.255.255"):
                done = bed.run(PYTHON, "-c", READ_ALL, address, str(server.port))
                self.assertNotIn("hello", done.stdout, address)
            done = bed.run(PYTHON, "-c", READ_ALL, GATEWAY6, str(server6.port))
            self.assertNotIn("hello", done.stdout)
            self.assertEqual((server.count, server6.count), (0, 0))

    def test_host_loopback_is_closed_to_raw_frames(self):
        targets4 = ("127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", GATEWAY4, DNS4, "255.255.255.255")
        targets6 = ("::1", "::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:0.0.0.0", GATEWAY6, "fd00::3", "ff02::1",
                    "fe80::2", "fe80::1")
        with HostServer("0.0.0.0") as server, HostServer("::") as server6, \
                resolver_file("nameserver 127.0.0.1\nnameserver ::1\n"), Bed(*self.options) as bed:
            for target in (*targets4, *targets6):
                port = server6.port if ":" in target and "." not in target else server.port
                done = bed.run(PYTHON, "-c", RAW_SYN, target, str(port))
                self.assertEqual(done.returncode, 0, done.stderr)
                time.sleep(0.02)
                self.assertEqual((server.count, server6.count), (0, 0), target)
            # The same frames arrive where they may.
            bed.run(PYTHON, "-c", RAW_SYN, HOST4, str(server.port))
            wait_for(lambda: server.count >= 1, message="the frame to an allowed address")

    def test_allow_host_loopback(self):
        with HostServer("127.0.0.1") as server, HostServer("::1") as server6, \
                Bed("--allow-host-loopback", *self.options) as bed:
            for address, port in ((GATEWAY4, server.port), (GATEWAY6, server6.port)):
                done = bed.run(PYTHON, "-c", READ_ALL, address, str(port))
                self.assertEqual(done.stdout.strip(), "hello from the host", done.stderr)

    def test_resolver(self):
        query = "import socket;s=socket.socket(type=socket.SOCK_DGRAM);s.settimeout(3);" \
            f"s.sendto(b'question', ('{DNS4}', 53));print(s.recv(99).decode())"
        with socket.socket(type=socket.SOCK_DGRAM) as server, resolver_file("nameserver 127.0.0.1\n"):
            server.bind(("127.0.0.1", 53))
            server.settimeout(5)

            def answer():
                data, address = server.recvfrom(99)
                server.sendto(b"answer to " + data, address)

            thread = threading.Thread(target=answer)
            thread.start()
            with Bed(*self.options) as bed:
                self.assertEqual(bed.run(PYTHON, "-c", query).stdout.strip(), "answer to question")
            thread.join()

    @needs_iperf3
    def test_gigabyte_each_way(self):
        with Bed("--allow-host-loopback", *self.options) as bed:
            for direction in ((), ("--reverse",)):
                with iperf_server("127.0.0.1") as port:
                    done = bed.run("iperf3", "-c", GATEWAY4, "-p", str(port), "-n", "1G", "-J", *direction, timeout=60)
                    report = json.loads(done.stdout)["end"]["sum_received"]
                    # The receiver may close before the last of it is counted.
                    self.assertGreaterEqual(report["bytes"], 0.95 * (1 << 30))
                    way = "in" if direction else "out"
                    print(f"# {type(self).__name__} {way}: {report['bits_per_second'] / 1e9:.1f} Gbit/s")


class OutwardsByVeth(Outwards):
    """The same without /dev/net/tun."""

    options = ("--veth",)


@contextlib.contextmanager
def resolver_file(text):
    """Let our mount namespace have another /etc/resolv.conf."""
    with tempfile.NamedTemporaryFile("w", dir="/dev/shm") as file:
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "/etc/resolv.conf"], check=True)


@contextlib.contextmanager
def iperf_server(address):
    """An iperf3 server for one run. Gives its port."""
    port = free_port()
    with subprocess.Popen(["iperf3", "-s", "-1", "-B", address, "-p", str(port)], stdout=subprocess.DEVNULL) as server:
        wait_for(lambda: f":{port:04X} " in Path("/proc/net/tcp").read_text(encoding="ascii"), message="iperf3")
        yield port
        server.wait(30)


class Ports(unittest.TestCase):
    """Published TCP ports."""

    options = ()

    def test_client_keeps_its_address(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_WHO, "dual", 80)
            ask_once_listening(port)
            for host, source, seen in (
                    (HOST4, CLIENT4, f"::ffff:{CLIENT4}"), (HOST4, OTHER4, f"::ffff:{OTHER4}"),
                    (HOST6, CLIENT6, CLIENT6), (HOST4, HOST4, f"::ffff:{HOST4}")):
                said, own_port = ask(port, host, source)
                self.assertEqual(said, f"{seen} {own_port}")

    def test_loopback_appears_as_the_gateway(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_WHO, "dual", 80)
            said, own_port = ask_once_listening(port)
            self.assertEqual(said, f"::ffff:{GATEWAY4} {own_port}")
            said, own_port = ask(port, "::1")
            self.assertEqual(said, f"{GATEWAY6} {own_port}")

    def test_ipv4_server_is_reached_by_ipv6(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_WHO, "4", 80)
            said, own_port = ask_once_listening(port, "::1")
            self.assertEqual(said, f"{GATEWAY4} {own_port}")
            self.assertEqual(ask(port, HOST6, CLIENT6)[0].split()[0], GATEWAY4)

    def test_ipv6_server_is_reached_by_ipv4(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_WHO, "6", 80)
            said, own_port = ask_once_listening(port)
            self.assertEqual(said, f"{GATEWAY6} {own_port}")

    def test_server_on_loopback_inside_is_not_reached(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.start(PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "80")
            wait_for(lambda: ":0050 " in bed.run("cat", "/proc/net/tcp").stdout)
            time.sleep(0.2)
            with self.assertRaises(ConnectionRefusedError):
                ask(port)

    def test_refuses_until_the_container_listens(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            with self.assertRaises(ConnectionRefusedError):
                ask(port)
            server = bed.serve(TCP_WHO, "4", 80)
            begin = time.monotonic()
            ask_once_listening(port)
            self.assertLess(time.monotonic() - begin, 0.25 * SLOWNESS)
            server.kill()
            server.wait()
            wait_for(lambda: self.is_refused(port), timeout=1, message="refusal after the server's end")
            # And once more.
            bed.serve(TCP_WHO, "4", 80)
            self.assertEqual(ask_once_listening(port)[0].split()[0], GATEWAY4)

    @staticmethod
    def is_refused(port):
        try:
            ask(port)
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False
        return False

    def test_thousand_connections(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_WHO, "4", 80)
            ask_once_listening(port)
            before = len(os.listdir(f"/proc/{bed.info['uplink']}/fd")) if os.geteuid() == 0 else None
            for _ in range(1000):
                self.assertEqual(ask(port, HOST4, CLIENT4)[0].split()[0], CLIENT4)
            if before is not None:
                wait_for(lambda: len(os.listdir(f"/proc/{bed.info['uplink']}/fd")) <= before + 16,
                         message="closing of the flows' descriptors")

    def test_many_at_once(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_ECHO, 80)
            wait_for(lambda: not self.is_closed(port))
            clients = [dial(port) for _ in range(200)]
            for number, client in enumerate(clients):
                client.sendall(f"{number}".encode())
            for number, client in enumerate(clients):
                self.assertEqual(client.recv(99), f"{number}".encode())
            for client in clients:
                client.close()

    @staticmethod
    def is_closed(port):
        try:
            dial(port).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_bytes_come_back_whole(self):
        port, size = free_port(), 48 << 20
        blob = os.urandom(1 << 20)
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_ECHO, 80)
            wait_for(lambda: not self.is_closed(port))
            # More than there are pipes, so that some go by copying.
            clients = [dial(port) for _ in range(8)]
            totals = [hashlib.sha256() for _ in clients]

            def send(client):
                for _ in range(size // len(clients) // len(blob)):
                    client.sendall(blob)
                client.shutdown(socket.SHUT_WR)

            def receive(client, total):
                while data := client.recv(1 << 16):
                    total.update(data)

            threads = [threading.Thread(target=send, args=(client,)) for client in clients]
            threads += [threading.Thread(target=receive, args=pair) for pair in zip(clients, totals)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            expected = hashlib.sha256(blob * (size // len(clients) // len(blob))).hexdigest()
            self.assertEqual({total.hexdigest() for total in totals}, {expected})
            for client in clients:
                client.close()

    def test_reader_that_does_not_read_costs_no_memory(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_ECHO, 80)
            wait_for(lambda: not self.is_closed(port))
            clients = [dial(port) for _ in range(12)]
            for client in clients:
                client.setblocking(False)
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                for client in clients:
                    with contextlib.suppress(BlockingIOError):
                        client.send(bytes(1 << 18))
            self.assertLess(int(status_of(bed.info["uplink"])["VmRSS"].split()[0]), 8 * 1024 * SLOWNESS)
            with dial(port) as other:
                other.sendall(b"still alive")
                self.assertEqual(other.recv(99), b"still alive")
            for client in clients:
                client.close()

    def test_reset_is_passed_on(self):
        port = free_port()
        script = TCP_ECHO.replace("client.close()", "print('closed', flush=True)") \
            .replace("pass", "print('reset', flush=True)")
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            server = bed.serve(script, 80)
            client = None
            wait_for(lambda: not self.is_closed(port))
            self.assertEqual(server.stdout.readline(), b"closed\n")
            client = dial(port)
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            self.assertEqual(server.stdout.readline(), b"reset\n")

    def test_half_close(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_ECHO, 80)
            wait_for(lambda: not self.is_closed(port))
            with dial(port) as client:
                client.sendall(b"last words")
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(99), b"last words")
                self.assertEqual(client.recv(99), b"")

    def test_host_address(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{HOST4}:{port}:80", f"[{HOST6}]:{port}:80"]) as bed:
            bed.serve(TCP_WHO, "dual", 80)
            self.assertEqual(ask_once_listening(port, HOST4, CLIENT4)[0].split()[0], f"::ffff:{CLIENT4}")
            self.assertEqual(ask(port, HOST6, CLIENT6)[0].split()[0], CLIENT6)
            for host in ("127.0.0.1", OTHER4, "::1"):
                with self.assertRaises(ConnectionRefusedError):
                    ask(port, host)

    def test_range_and_chosen_port(self):
        first = 20000 + os.getpid() % 1000 * 10
        with Bed(*self.options, ports=[f"{first}-{first + 2}:8000-8002", "90"]) as bed:
            chosen = [row["host_port"] for row in bed.ports if row["container_port"] == 90]
            self.assertEqual(len(chosen), 1)
            self.assertGreater(chosen[0], 0)
            for index in range(3):
                bed.serve(TCP_WHO, "4", 8000 + index)
            bed.serve(TCP_WHO, "4", 90)
            for port in (first, first + 1, first + 2, chosen[0]):
                self.assertEqual(ask_once_listening(port, HOST4, CLIENT4)[0].split()[0], CLIENT4)

    def test_restart_behind_time_wait(self):
        port = free_port()
        for _ in range(3):
            with Bed(*self.options, ports=[f"{port}:80"]) as bed:
                bed.serve(TCP_WHO, "4", 80)
                for _ in range(5):
                    ask_once_listening(port, HOST4, CLIENT4)

    @needs_iperf3
    def test_throughput(self):
        port = free_port()
        with Bed(*self.options, ports=[f"{port}:5201"]) as bed:
            for direction in ((), ("--reverse",)):
                server = bed.start("iperf3", "-s", "-1")
                wait_for(lambda: ":1451 " in bed.run("cat", "/proc/net/tcp6").stdout)
                time.sleep(0.3)
                done = subprocess.run(["iperf3", "-c", "127.0.0.1", "-p", str(port), "-n", "1G", "-J", *direction],
                                      capture_output=True, check=True, timeout=60)
                report = json.loads(done.stdout)["end"]["sum_received"]
                # The receiver may close before the last of it is counted.
                self.assertGreaterEqual(report["bytes"], 0.95 * (1 << 30))
                way = "out" if direction else "in"
                print(f"# published port, {way}: {report['bits_per_second'] / 1e9:.1f} Gbit/s")
                server.wait(10)


class Watch(unittest.TestCase):
    """How often an idle uplink asks whether the container listens."""

    def test_looks_less_often_when_nothing_changes(self):
        port = free_port()
        with Bed(ports=[f"{port}:80"]) as bed:
            time.sleep(6)
            self.assertLess(self.wakeups_in(2, bed), 20)
            bed.serve(TCP_WHO, "4", 80)
            begin = time.monotonic()
            ask_once_listening(port)
            self.assertLess(time.monotonic() - begin, 0.5 * SLOWNESS)
            self.assertLess(self.wakeups_in(2, bed), 20)

    @staticmethod
    def wakeups_in(seconds, bed):
        before = int(status_of(bed.info["uplink"])["voluntary_ctxt_switches"])
        time.sleep(seconds)
        return int(status_of(bed.info["uplink"])["voluntary_ctxt_switches"]) - before


class PortsByVeth(Ports):
    """The same without /dev/net/tun."""

    options = ("--veth",)


class PortsInUserNamespace(Ports):
    """The same in a user namespace of one id."""

    options = ("--userns",)


class Clashes(unittest.TestCase):
    """Ports that cannot be had."""

    def test_taken_by_a_server(self):
        with HostServer("0.0.0.0") as server:
            text = fails(ports=[f"{server.port}:80"])
            self.assertIn(f"Error: rootlessport listen tcp 0.0.0.0:{server.port}: bind: address already in use", text)
            self.assertIn(f"(pid {os.getpid()})", text)

    def test_taken_by_a_server_on_ipv6_only(self):
        with HostServer("::1") as server:
            text = fails(ports=[f"{server.port}:80"])
            self.assertIn(f"rootlessport listen tcp [::]:{server.port}: bind: address already in use", text)

    def test_taken_by_a_container_that_does_not_listen_yet(self):
        port = free_port()
        with Bed(ports=[f"{port}:80"]):
            text = fails(ports=[f"{port}:80"])
            self.assertIn(f"rootlessport listen tcp 0.0.0.0:{port}: bind: address already in use", text)
            self.assertIn("help: ", text)

    def test_taken_by_a_container_behind_time_wait(self):
        port = free_port()
        with Bed(ports=[f"{port}:80"]) as bed:
            bed.serve(TCP_WHO, "4", 80)
            ask_once_listening(port, HOST4, CLIENT4)
        with Bed(ports=[f"{port}:80"]):
            self.assertIn("address already in use", fails(ports=[f"{port}:80"]))
            with socket.socket() as rival:
                rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with self.assertRaises(OSError):
                    rival.bind(("0.0.0.0", port))

    def test_udp(self):
        with socket.socket(type=socket.SOCK_DGRAM) as rival:
            rival.bind(("0.0.0.0", 0))
            port = rival.getsockname()[1]
            text = fails(ports=[f"{port}:53/udp"])
            self.assertIn(f"rootlessport listen udp 0.0.0.0:{port}: bind: address already in use", text)
            self.assertIn(f"(pid {os.getpid()})", text)

    def test_second_of_a_range(self):
        with HostServer("0.0.0.0") as server:
            text = fails(ports=[f"{server.port - 1}-{server.port}:80-81"])
            self.assertIn(f":{server.port}: bind: address already in use", text)

    def test_privileged_port(self):
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("1024", encoding="ascii")
        text = fails("--userns", ports=["80:80"])
        self.assertIn("Error: rootlessport cannot expose privileged port 80, you can add "
                      "'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf (currently 1024), or choose a "
                      "larger port number (>= 1024): listen tcp 0.0.0.0:80: bind: permission denied", text)

    def test_address_of_another_host(self):
        text = fails(ports=["192.0.2.200:8080:80"])
        self.assertIn("listen tcp 192.0.2.200:8080: bind: cannot assign requested address", text)

    def test_same_port_twice_in_one_request(self):
        port = free_port()
        text = fails(ports=[f"{port}:80", f"{port}:81"])
        self.assertIn(f"conflicting port mappings for host port {port} (protocol tcp)", text)
        with Bed(ports=[f"{port}:80", f"{port}:80"]) as bed:
            self.assertEqual(len(bed.ports), 1)

    def test_failed_start_leaves_nothing(self):
        with HostServer("0.0.0.0") as server:
            first = free_port()
            fails(ports=[f"{first}:80", f"{server.port}:81"])
            with socket.socket() as probe:
                probe.bind(("0.0.0.0", first))


class Datagrams(unittest.TestCase):
    """Published UDP ports."""

    options = ()

    def talk(self, port, host, source, text="hi"):
        """Send a datagram and give the answer and our own port."""
        with dial(port, host, source, socket.SOCK_DGRAM) as client:
            client.settimeout(3)
            client.send(text.encode())
            return client.recv(70000).decode(), client.getsockname()[1]

    def test_client_keeps_its_address(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed:
            bed.serve(UDP_WHO, "4", 53)
            for host, source, seen in ((HOST4, CLIENT4, CLIENT4), (HOST4, OTHER4, OTHER4), (HOST4, HOST4, HOST4),
                                       ("127.0.0.1", None, GATEWAY4), ("::1", None, GATEWAY4)):
                said, own_port = self.talk(port, host, source)
                self.assertEqual(said, f"{seen} {own_port} hi")

    def test_ipv6(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed:
            bed.serve(UDP_WHO, "6", 53)
            for host, source, seen in ((HOST6, CLIENT6, CLIENT6), ("::1", None, GATEWAY6)):
                said, own_port = self.talk(port, host, source)
                self.assertEqual(said, f"{seen} {own_port} hi")

    def test_big_datagram(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed:
            bed.serve(UDP_WHO, "4", 53)
            said, _ = self.talk(port, HOST4, CLIENT4, "x" * 60000)
            self.assertEqual(len(said.split()[2]), 60000)

    def test_a_client_that_goes_on(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed, \
                dial(port, HOST4, CLIENT4, socket.SOCK_DGRAM) as client:
            bed.serve(UDP_WHO, "4", 53)
            client.settimeout(3)
            for number in range(500):
                client.send(f"{number}".encode())
                self.assertEqual(client.recv(99).split()[-1], f"{number}".encode())
            self.assertEqual(len(re.findall("ipproto (?:udp|ipproto-17)", bed.run("ip", "rule").stdout)), 1)

    def test_more_clients_than_flows(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed:
            bed.serve(UDP_WHO, "4", 53)
            for _ in range(1500):
                self.assertEqual(self.talk(port, HOST4, CLIENT4)[0].split()[0], CLIENT4)
            if os.geteuid() == 0:
                wait_for(lambda: len(os.listdir(f"/proc/{bed.info['uplink']}/fd")) < 1100, message="the sweep")

    def test_server_that_comes_later(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed, \
                dial(port, HOST4, CLIENT4, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            client.send(b"nobody there")
            with self.assertRaises(TimeoutError):
                client.recv(99)
            bed.serve(UDP_WHO, "4", 53)
            client.settimeout(3)
            client.send(b"now")
            self.assertEqual(client.recv(99).split()[-1], b"now")

    def test_answer_comes_from_the_address_that_was_asked(self):
        port = free_port(socket.SOCK_DGRAM)
        with Bed(*self.options, ports=[f"{port}:53/udp"]) as bed, socket.socket(type=socket.SOCK_DGRAM) as client:
            bed.serve(UDP_WHO, "4", 53)
            client.settimeout(3)
            client.bind((CLIENT4, 0))
            for host in (HOST4, OTHER4):
                client.sendto(b"hi", (host, port))
                self.assertEqual(client.recvfrom(99)[1], (host, port))


class DatagramsByVeth(Datagrams):
    """The same without /dev/net/tun."""

    options = ("--veth",)


class Life(unittest.TestCase):
    """How the uplink lives and ends."""

    def test_gone_at_once(self):
        port = free_port()
        for options, ports in (((), ()), (("--veth",), ()), ((), [f"{port}:80"])):
            with Bed(*options, ports=ports) as bed:
                pass
            self.assertGreaterEqual(bed.gone_ms, 0)
            self.assertLess(bed.gone_ms, 100 * SLOWNESS, options)

    def test_gone_when_its_starter_is_killed(self):
        port = free_port()
        bed = Bed(ports=[f"{port}:80"])
        with bed:
            uplink = bed.info["uplink"]
            (inside,) = wait_for(lambda: self.children_of(uplink))
            bed.process.kill()
            for pid in (uplink, inside):
                wait_for(lambda pid=pid: self.is_gone(pid), timeout=2, message=f"the end of {pid}")

    @staticmethod
    def is_gone(pid):
        try:
            return status_of(pid)["State"].startswith("Z")
        except (FileNotFoundError, ProcessLookupError):
            return True

    @staticmethod
    def children_of(pid):
        found = []
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError, KeyError):
                if name.isdigit() and status_of(name)["PPid"] == str(pid):
                    found.append(int(name))
        return found

    def test_posture(self):
        port = free_port()
        with Bed(ports=[f"{port}:80"]) as bed:
            uplink = bed.info["uplink"]
            (inside,) = wait_for(lambda: self.children_of(uplink))
            net_admin = f"{1 << 12:016x}"
            for pid, capabilities in ((uplink, "0" * 16), (inside, net_admin)):
                wait_for(lambda pid=pid: status_of(pid)["Seccomp"] == "2", message="the sandbox")
                status = status_of(pid)
                self.assertEqual(status["CapEff"], capabilities)
                self.assertEqual(status["CapPrm"], capabilities)
                self.assertEqual(status["CapInh"], "0" * 16)
                self.assertEqual(status["NoNewPrivs"], "1")

    def test_size(self):
        port = free_port()
        with Bed(ports=[f"{port}:80"]) as bed:
            uplink = bed.info["uplink"]
            total = 0
            try:
                for pid in (uplink, *self.children_of(uplink)):
                    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
                    total += int(re.search(r"^Pss: +(\d+)", text, re.M).group(1))
            except PermissionError:
                self.skipTest("smaps of a process that is not dumpable can be read by root only")
            print(f"# uplink and inside: PSS {total} KiB")
            self.assertLess(total, 1536 * (4 if SLOWNESS > 1 else 1))

    def test_not_started_by_skiff(self):
        program = prefix() / "libexec/skiff/skiff-uplink"
        for data in (b"", b"x" * 100, bytes(1 << 16)):
            with tempfile.TemporaryFile() as file:
                file.write(data)
                file.seek(0)
                done = subprocess.run(["sh", "-c", f"exec {program} 3<&0"], stdin=file, capture_output=True,
                                      timeout=10, check=False)
                self.assertEqual(done.returncode, 2)

    def test_uplink_missing(self):
        with tempfile.TemporaryDirectory() as empty:
            text = fails(environment={"SKIFF_LIBEXEC": empty})
            self.assertIn("skiff-uplink", text)


if __name__ == "__main__":
    unittest.main()
