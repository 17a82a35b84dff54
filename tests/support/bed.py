# SPDX-License-Identifier: Apache-2.0
"""A host of a test's own: a user, network and mount namespace in which skiff runs, without any route, with name servers
on 127.0.0.1 to .3 that do what they are told, and an /etc/resolv.conf that can be changed."""

import json
import os
import subprocess
from pathlib import Path

from tests.support.skiff import SkiffTest, wait_for

# The bed's first process: UDP and TCP name servers, told by a file what to say; what they are asked is written to another.
SERVERS = r"""
import json, os, selectors, socket, struct, sys
told, heard = sys.argv[1], open(sys.argv[2], "a", buffering=1)
select = selectors.DefaultSelector()
for n in (1, 2, 3):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        server = socket.socket(type=kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((f"127.0.0.{n}", 53))
        if kind == socket.SOCK_STREAM:
            server.listen(64)
        select.register(server, selectors.EVENT_READ, (n, kind, "listen"))

def answer(n, stream, question):
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode(errors="replace"))
        at += 1 + question[at]
    at += 5
    heard.write(f"{n} {'tcp' if stream else 'udp'} {'.'.join(labels)}\n")
    mode, *rest = json.load(open(told)).get(str(n), ["silent"])
    head, body = question[:2], question[12:at]
    if mode == "silent":
        return None
    if mode == "code":
        return head + struct.pack(">HHHHH", 0x8180 | rest[0], 1, 0, 0, 0) + body
    if mode == "wrong":  # somebody else's answer
        return bytes([head[0] ^ 1, head[1]]) + struct.pack(">HHHHH", 0x8180, 1, 0, 0, 0) + body
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(rest[0])
    count = rest[1] if len(rest) > 1 else 1
    if mode == "long" and not stream:
        return head + struct.pack(">HHHHH", 0x8380, 1, 0, 0, 0) + body
    return head + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0) + body + record * count

print("ready", flush=True)
while True:
    for key, _ in select.select():
        n, kind, what = key.data
        if kind == socket.SOCK_DGRAM:
            data, peer = key.fileobj.recvfrom(65536)
            reply = answer(n, False, data)
            if reply:
                key.fileobj.sendto(reply, peer)
        elif what == "listen":
            client, _ = key.fileobj.accept()
            select.register(client, selectors.EVENT_READ, (n, kind, "client"))
        else:
            data = key.fileobj.recv(65536)
            reply = answer(n, True, data[2:]) if len(data) > 2 else None
            if reply:
                key.fileobj.sendall(struct.pack(">H", len(reply)) + reply)
            elif not data:
                select.unregister(key.fileobj)
                key.fileobj.close()
"""

# A resolver's side: python3 -c ASK SERVER udp|tcp NAME TYPE PAYLOAD (0: without EDNS); says what came, as JSON.
ASK = r"""
import json, os, socket, struct, sys, time
server, proto, name, kind, payload = sys.argv[1:6]
question = os.urandom(2) + struct.pack(">HHHHH", 0x100, 1, 0, 0, 1 if int(payload) else 0)
question += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0" + struct.pack(">HH", int(kind), 1)
end = len(question)
if int(payload):
    question += b"\0" + struct.pack(">HHIH", 41, int(payload), 0, 0)
begin = time.monotonic()
with socket.socket(type=socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    s.connect((server, 53))
    if proto == "tcp":
        s.sendall(struct.pack(">H", len(question)) + question)
        with s.makefile("rb") as file:
            answer = file.read(struct.unpack(">H", file.read(2))[0])
    else:
        s.send(question)
        answer = s.recv(65536)
seconds = time.monotonic() - begin
assert answer[:2] == question[:2] and answer[12:end] == question[12:end], (question, answer)
flags, _, count = struct.unpack(">HHH", answer[2:8])
found, at = [], end
for _ in range(count):
    at += 12
    size = struct.unpack(">H", answer[at - 2:at])[0]
    data = answer[at:at + size]
    at += size
    family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(answer[at - size - 9])
    found.append(socket.inet_ntop(family, data) if family else data[1:1 + data[0]].decode())
print(json.dumps({"code": flags & 15, "cut": bool(flags & 0x200), "found": found, "size": len(answer), "seconds": seconds,
                  "edns": answer[at:at + 3] == b"\0\0\x29"}))
"""


class Bed(SkiffTest):
    """A test class whose commands run in the bed."""

    @classmethod
    def setUpClass(cls):
        wanted, cls.images = cls.images, []
        try:
            super().setUpClass()
        finally:
            cls.images = wanted
        cls.told, cls.heard, cls.resolv_conf = cls.base / "told", cls.base / "heard", cls.base / "resolv.conf"
        cls.told.write_text("{}", encoding="ascii")
        cls.heard.touch()
        cls.resolv_conf.write_text("nameserver 127.0.0.1\n", encoding="ascii")
        script = f"ip link set lo up && mount --bind {cls.resolv_conf} /etc/resolv.conf && exec \"$@\""
        # pylint: disable-next=consider-using-with
        cls.host = subprocess.Popen(["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-ec", script, "sh",
                                     "/usr/bin/python3", "-c", SERVERS, str(cls.told), str(cls.heard)], stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end_host)
        if cls.host.stdout.readline() != b"ready\n":
            raise AssertionError("no bed")
        inside = cls.base / "inside"
        inside.write_text(f"#!/bin/sh\nexec {' '.join(cls.enter())} {cls.program} \"$@\"\n", encoding="ascii")
        inside.chmod(0o755)
        cls.program = inside
        for name in wanted:
            cls.load_image(name)

    @classmethod
    def end_host(cls):
        """After the bed, commands run where they always did."""
        cls.host.kill()
        cls.host.wait()
        cls.host.stdout.close()
        del cls.program

    @classmethod
    def enter(cls):
        return ["nsenter", "-t", str(cls.host.pid), "-U", "-n", "-m", "--preserve-credentials"]

    def setUp(self):
        super().setUp()
        self.tell()
        self.resolvers(1)
        self.heard.write_text("", encoding="ascii")

    def bed(self, *command, check=True):
        """Run a command in the bed; what it says."""
        return subprocess.run([*self.enter(), *command], check=check, capture_output=True, text=True).stdout

    def tell(self, **servers):
        """What the servers do: s1=["answer", ADDRESS, COUNT], ["long", ...], ["code", N], ["silent"], ["wrong"]."""
        new = self.told.with_suffix(".new")
        new.write_text(json.dumps({name[1:]: what for name, what in servers.items()}), encoding="ascii")
        new.rename(self.told)

    def resolvers(self, *numbers):
        """Change the bed's /etc/resolv.conf."""
        text = "".join(f"nameserver 127.0.0.{n}\n" for n in numbers)
        self.resolv_conf.write_text(text, encoding="ascii")

    def asked(self):
        """What the servers were asked: lines of "SERVER udp|tcp NAME"."""
        return self.heard.read_text(encoding="ascii").splitlines()

    def second_host(self, name, number, address, text):
        """Another network behind an interface of the bed's: whoever asks ADDRESS:80 there hears TEXT."""
        server = ("import socket, sys\ns = socket.create_server((sys.argv[1], 80))\nprint('ready', flush=True)\n"
                  "while True:\n c, _ = s.accept()\n c.sendall(sys.argv[2].encode() + b'\\n')\n c.close()")
        script = (f"read go; ip link set lo up; ip address add {address}/32 dev lo; ip link set {name}b up\n"
                  f"ip address add 198.51.{number}.2/24 dev {name}b\nip route add default via 198.51.{number}.1\nexec \"$@\"")
        # pylint: disable-next=consider-using-with
        other = subprocess.Popen([*self.enter(), "unshare", "--net", "sh", "-c", script, "sh", "/usr/bin/python3", "-c", server, address, text],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end, other)
        known = {os.readlink(f"/proc/{pid}/ns/net") for pid in ("self", self.host.pid)}
        wait_for(lambda: os.readlink(f"/proc/{other.pid}/ns/net") not in known, message="a network")
        self.bed("ip", "link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", str(other.pid))
        self.bed("ip", "address", "add", f"198.51.{number}.1/24", "dev", f"{name}a")
        self.bed("ip", "link", "set", f"{name}a", "up")
        other.stdin.write(b"go\n")
        other.stdin.flush()
        self.assertEqual(other.stdout.readline(), b"ready\n")
        self.addCleanup(self.bed, "ip", "link", "del", f"{name}a", check=False)


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    """KiB of memory of its own."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon"))
