# SPDX-License-Identifier: Apache-2.0
"""Rows of bench.py about named networks:

    python3 tests/bench/bench.py --only run-named,named-traffic,names,joining
    python3 tests/bench/bench.py --scale --only members
"""
import pathlib
import subprocess
import time

# Asks ADDRESS for NAME so many times, over udp or tcp; a line per answer, in ms.
RESOLVE = """
import os, socket, sys, time
tcp = sys.argv[4] == "tcp"
s = socket.socket(type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 53))
name = b"".join(bytes([len(one)]) + one.encode() for one in sys.argv[2].split("."))
for i in range(int(sys.argv[3])):
    question = os.urandom(2) + bytes.fromhex("01000001000000000000") + name + bytes.fromhex("0000010001")
    if tcp:
        question = len(question).to_bytes(2, "big") + question
    begin = time.perf_counter()
    s.send(question)
    answer = s.recv(4096)
    print((time.perf_counter() - begin) * 1000)
    assert answer[-4] == 10, answer
"""


class NetworkRows:
    """Mixed into Bench."""

    def network(self, *options):
        """Make the network of a row."""
        self.command(["skiff", "network", "create", *options, "net"])

    def member(self, name="member"):
        self.command(["skiff", "run", "-d", "--name", name, "--network", "net", "bench", "sleep", "10000"])

    def end_network(self):
        self.command(["skiff", "rm", "-fa", "-t", "0"], timeout=600)
        self.command(["skiff", "network", "rm", "net"])

    def row_run_named(self):
        """The first member brings the network to life; the others find it alive."""
        self.network()
        run = ["run", "--rm", "--network", "net", "bench", "true"]
        if self.podman:
            self.command(self.podman_argv + ["network", "create", "net"])
        contenders = self.with_podman([("skiff", ["skiff"] + run)], run)
        self.compare("run-named-alone", "run --rm --network NAMED IMG true, nobody else there", contenders)
        self.member()
        self.compare("run-named-member", "run --rm --network NAMED IMG true, another member running", contenders[:1])
        self.end_network()
        if self.podman:
            self.command(self.podman_argv + ["network", "rm", "net"])

    def bare_pair(self):
        """Gbit/s between two namespaces with nothing but a veth pair between them. Root makes them."""
        # pylint: disable-next=consider-using-with
        other = subprocess.Popen(["unshare", "--net", "sleep", "1000"], stdin=subprocess.DEVNULL)
        time.sleep(0.3)
        inside = ["nsenter", "-t", str(other.pid), "-n"]
        for command in (["ip", "link", "add", "bare0", "mtu", "65520", "type", "veth", "peer", "name", "bare1", "mtu", "65520", "netns", str(other.pid)],
                        ["ip", "address", "add", "198.18.0.1/24", "dev", "bare0"], ["ip", "link", "set", "bare0", "up"],
                        inside + ["ip", "address", "add", "198.18.0.2/24", "dev", "bare1"], inside + ["ip", "link", "set", "bare1", "up"]):
            subprocess.run(command, check=True)
        # pylint: disable-next=consider-using-with
        server = subprocess.Popen(inside + ["iperf3", "-s"], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(0.3)
        samples = [self.iperf(["iperf3", "-c", "198.18.0.2"]) for _ in range(3)]
        for process in (server, other):
            process.kill()
            process.wait()
        return samples

    def row_named_traffic(self):
        """Between containers, through a published port, and out."""
        if not self.network_ready("named-traffic"):
            return
        self.network()
        self.command(["skiff", "run", "-d", "--name", "server", "--network", "net", "-p", "5301:5201", "bench", "/bin/iperf3", "-s"])
        self.member()
        host = self.serve("-p", "5302")
        time.sleep(0.5)
        inside = ["skiff", "exec", "member", "/bin/iperf3", "-c"]
        outside = ["iperf3", "-c", "127.0.0.1", "-p", "5301"]
        uplink = inside + [self.HOST, "-p", "5302"]
        contenders = {"container to container": inside + ["server"], "into a published port": outside, "out of a published port": outside + ["-R"],
                      "container to host": uplink, "host to container": uplink + ["-R"]}
        samples = {name: [] for name in contenders}
        for _ in range(3):
            for name, argv in contenders.items():
                samples[name].append(self.iperf(argv))
        samples["bare veth pair"] = self.bare_pair()
        self.report("named-traffic", "named network", samples, "Gbit/s")
        host.terminate()
        host.wait()
        self.end_network()

    def resolve(self, name, protocol="udp"):
        """ms of each of 1,000 answers for a name, asked in the network of "member" by the host's python."""
        gateway = self.command(["skiff", "inspect", "-f", "{{.NetworkSettings.Networks.net.Gateway}}", "member"]).strip()
        init = self.command(["skiff", "inspect", "-f", "{{.State.Pid}}", "member"]).strip()
        argv = ["nsenter", "-t", init, "-U", "-n", "--preserve-credentials", "/usr/bin/python3", "-c", RESOLVE, gateway, name, "1000", protocol]
        return [float(line) for line in self.command(argv).split()]

    def row_names(self):
        """How long a container waits for the address of another."""
        self.network()
        self.member()
        self.member("web")
        self.report("names", "a name of a member", {"UDP": self.resolve("web"), "TCP, connection kept": self.resolve("web", "tcp")})
        self.end_network()

    def row_joining(self):
        """200 containers started, eight at a time."""
        self.network()
        script = "seq 200 | xargs -P 8 -I N skiff run -d --network net bench sleep 10000 >/dev/null"
        samples = []
        for _ in range(3):
            samples += self.time_batch(["sh", "-c", script], 1)
            self.command(["skiff", "rm", "-fa", "-t", "0"], timeout=600)
        self.report("joining", "200 containers join a network", {"skiff": samples})
        self.end_network()

    def scale_members(self):
        """A network with 1,000 members: one more, names, what the network costs."""
        self.network("--subnet", "10.200.0.0/16")
        script = "seq 1000 | xargs -P 8 -I N skiff run -d --name mN --network net bench sleep 10000 >/dev/null"
        self.report("members", "1,000 containers join a network", {"skiff": self.time_batch(["sh", "-c", script], 1)})
        self.member()
        self.compare("members", "run --rm --network NAMED IMG true, 1,000 members running",
                     [("skiff", ["skiff", "run", "--rm", "--network", "net", "bench", "true"])])
        self.report("names", "a name of one of 1,000 members", {"the newest": self.resolve("m1000"), "the oldest": self.resolve("m1")})
        sizes = [float(line.split()[1]) for path in pathlib.Path("/proc").glob("[0-9]*/comm")
                 if path.read_text(encoding="ascii").strip() == "skiff-network" and path.stat().st_uid == self.uid()
                 for line in (path.parent / "smaps_rollup").read_text(encoding="ascii").splitlines() if line.startswith("Pss:")]
        self.report("members", "the network's own process with 1,000 members, PSS", {"skiff": sizes}, "KiB")
        self.end_network()
