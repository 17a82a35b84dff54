#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Side-by-side timings of skiff and its peers: medians of interleaved runs, never asserted.

    python3 tests/bench/bench.py [--scale [--churn LIVES]] [--rounds N] [--only ROW,...] [--write]

Run as the unprivileged user whose commands are measured (or as root: then through `setpriv` as --user, in a network namespace
of its own). Needs an installed skiff in PATH; bubblewrap, crun and podman are measured where they are installed. Every row
runs each contender once per round, in turn, so that a noisy moment hits all of them. A row that lacks a program says so.
--scale runs the rows of scale.py instead. --write puts the tables into tests/bench/RESULTS.md, those of --scale into SCALE.md.
"""
import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.bench import builds, compose, networks, scale  # noqa: E402  (the path comes first)
from tests.support.registry import Registry  # noqa: E402
from tests.system.run import make_network  # noqa: E402

HOST = "192.0.2.1"  # of make_network()
PULL_FILES = 10700
PULL_BYTES = 280 << 20
SECONDS = 3  # of each transfer
BUDGETS = {
    "run-none": "10 ms and 2.5x bwrap",
    "run-default": "12 ms and 3x bwrap",
    "exec": "5 ms",
    "ps": "3 ms",
    "inspect": "3 ms",
    "batch-run": "250 ms",
    "batch-rm": "150 ms",
    "pull": "0.6x curl | tar xz",
    "push": "beside skopeo copy",
    "uplink": "5.5 Gbit/s both ways",
    "port": "12 Gbit/s",
    "memory": "512 KiB and 1536 KiB",
    "run-named-alone": "45 ms",
    "run-named-member": "25 ms",
    "names": "0.2 ms",
    "compose-up-10": "150 ms",
    "compose-up-again-10": "20 ms",
    "compose-down-10": "150 ms",
    "compose-up-50": "700 ms",
    "compose-config": "30 ms",
    **builds.BUDGETS,
    **scale.BUDGETS,
}


def choose_files():
    """Real files of this machine, so many of such a size: the same ones in every run."""
    found = []
    for top in ("/usr/lib", "/usr/share", "/usr/include"):
        for directory, _, names in os.walk(top):
            found += [path for path in (os.path.join(directory, name) for name in names) if os.path.isfile(path) and not os.path.islink(path)]
    found.sort(key=lambda path: hashlib.sha256(path.encode(errors="surrogateescape")).digest())
    chosen, total = [], 0
    for path in found:
        size = os.stat(path).st_size
        # Large ones only as long as the small ones still fit behind them.
        if size > 4 << 20 or total + size > PULL_BYTES * (len(chosen) + 500) / PULL_FILES:
            continue
        chosen.append(path)
        total += size
        if len(chosen) == PULL_FILES:
            break
    return chosen


def make_layout(layout):
    """An OCI layout with one gzip layer. Returns the layer's digest and size, and the files' size and number."""
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}
    tar = io.BytesIO()
    files = choose_files()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for path in files:
            member = archive.gettarinfo(path, path.lstrip("/"))
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            if member.isreg():
                with open(path, "rb") as file:
                    archive.addfile(member, file)
    data = tar.getvalue()
    kind = "application/vnd.oci.image."
    layer = add(gzip.compress(data, 6, mtime=0)) | {"mediaType": kind + "layer.v1.tar+gzip"}
    config = {"architecture": "amd64", "os": "linux", "config": {},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest()]}}
    manifest = {"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "layers": [layer],
                "config": add(json.dumps(config).encode()) | {"mediaType": kind + "config.v1+json"}}
    index = {"schemaVersion": 2, "manifests": [add(json.dumps(manifest).encode()) | {"mediaType": manifest["mediaType"]}]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return layer["digest"], layer["size"], len(data), len(files)


class Bench(builds.BuildRows, compose.ComposeRows, networks.NetworkRows, scale.ScaleRows):
    HOST = HOST

    def __init__(self, options):
        self.options = options
        self.home = tempfile.mkdtemp(prefix="skiff-bench-")
        self.prefix = []
        if os.geteuid() == 0:
            shutil.chown(self.home, options.user, options.user)
            self.prefix = ["setpriv", "--reuid", options.user, "--regid", options.user, "--init-groups", "--reset-env"]
        os.chmod(self.home, 0o700)
        # In memory where there is one, as /run/user is.
        self.runtime = tempfile.mkdtemp(prefix="skiff-bench-run-", dir="/dev/shm" if os.path.ismount("/dev/shm") else self.home)
        if self.prefix:
            shutil.chown(self.runtime, options.user, options.user)
        self.env = {
            "HOME": self.home,
            "PATH": os.environ["PATH"],
            "XDG_RUNTIME_DIR": self.runtime,
        }
        self.tables = []

    def argv(self, command):
        if not self.prefix:
            return command
        pairs = [f"{k}={v}" for k, v in self.env.items()]
        return self.prefix[:-1] + ["env", "-i"] + pairs + command

    def command(self, command, **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        done = subprocess.run(self.argv(command), env=None if self.prefix else self.env, cwd="/", **kw)
        if done.returncode:
            sys.exit(f"{command}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def time_batch(self, command, count):
        """Milliseconds per run of @count runs, measured inside one child so that setpriv's start is not counted."""
        script = (
            "import os,sys,time\n"
            "count=int(sys.argv[1]); argv=sys.argv[2:]\n"
            "null=os.open('/dev/null',os.O_RDWR)\n"
            "acts=[(os.POSIX_SPAWN_DUP2,null,0),(os.POSIX_SPAWN_DUP2,null,1),(os.POSIX_SPAWN_DUP2,null,2)]\n"
            "for i in range(count):\n"
            "  t=time.perf_counter()\n"
            "  pid=os.posix_spawnp(argv[0],argv,os.environ,file_actions=acts)\n"
            "  code=os.waitstatus_to_exitcode(os.waitpid(pid,0)[1])\n"
            "  print((time.perf_counter()-t)*1000,code)\n"
        )
        out = self.command(["/usr/bin/python3", "-c", script, str(count)] + command)
        samples = []
        for line in out.splitlines():
            ms, code = line.split()
            if code != "0":
                done = subprocess.run(self.argv(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                sys.exit(f"{command}: exit {code}; once more: exit {done.returncode}: {done.stdout}")
            samples.append(float(ms))
        return samples

    def compare(self, row, title, contenders, rounds=None, burst=5):
        """contenders: list of (name, argv). Each round runs every contender @burst times."""
        samples = {name: [] for name, _ in contenders}
        for _ in range(rounds or self.options.rounds):
            for name, command in contenders:
                samples[name] += self.time_batch(command, burst)
        self.report(row, title, samples)

    def report(self, row, title, samples, unit="ms"):
        rows = [(name, min(v), statistics.median(v), max(v), len(v)) for name, v in samples.items() if v]
        self.tables.append((row, title, rows, unit))
        print(f"\n{title}" + (f"  (budget {BUDGETS[row]})" if row in BUDGETS else ""))
        for name, low, middle, high, count in rows:
            print(f"  {name:<28} min {low:8.2f}  median {middle:8.2f}  max {high:8.2f} {unit}  ({count} runs)")
        sys.stdout.flush()

    def have(self, program):
        return shutil.which(program) is not None

    # -- set-up ---------------------------------------------------------------------------------------------

    def prepare(self):
        busybox = shutil.which("busybox")
        self.rootfs = os.path.join(self.home, "rootfs")
        script = f"mkdir -p {self.rootfs}/bin {self.rootfs}/proc {self.rootfs}/dev {self.rootfs}/etc {self.rootfs}/tmp && " \
                 f"cp {busybox} {self.rootfs}/bin/ && " \
                 f"for a in sh true sleep cat ls; do ln -sf busybox {self.rootfs}/bin/$a; done"
        self.command(["sh", "-c", script])
        self.copy_program("iperf3")
        self.command(["tar", "-C", self.rootfs, "-cf", f"{self.home}/rootfs.tar", "."])
        self.command(["skiff", "import", f"{self.home}/rootfs.tar", "bench:latest"])
        self.podman = self.have("podman") and not self.options.no_podman
        if self.podman:
            self.podman_argv = ["podman", "--cgroup-manager=cgroupfs", "--log-level=error"]
            try:
                self.command(self.podman_argv + ["import", "-q", f"{self.home}/rootfs.tar", "bench:latest"])
                self.command(self.podman_argv + ["run", "--rm", "--network", "none", "bench:latest", "true"], timeout=60)
            except SystemExit as problem:
                print(f"podman is left out: {str(problem).splitlines()[-1] if str(problem) else problem}")
                self.podman = False

    def bwrap(self, net=True):
        argv = ["bwrap", "--unshare-all"]
        return argv + ["--bind", self.rootfs, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]

    def with_podman(self, contenders, args):
        return contenders + ([("podman", self.podman_argv + args)] if self.podman else [])

    def copy_program(self, name):
        """Put a dynamic program of the host and its libraries into the root file system, if it is there."""
        path = shutil.which(name)
        if not path:
            return
        listing = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True, check=True).stdout
        libraries = [word for line in listing.splitlines() for word in line.split() if word.startswith("/")]
        script = "; ".join(f"mkdir -p {self.rootfs}{os.path.dirname(one)} && cp -L {one} {self.rootfs}{one}" for one in libraries)
        self.command(["sh", "-ec", f"{script}; cp {path} {self.rootfs}/bin/"])

    # -- rows -----------------------------------------------------------------------------------------------

    def row_run_none(self):
        contenders = [("skiff", ["skiff", "run", "--rm", "--network", "none", "bench", "true"])]
        if self.have("bwrap"):
            contenders.append(("bwrap", self.bwrap()))
        self.compare("run-none", "run --rm --network none IMG true",
                     self.with_podman(contenders, ["run", "--rm", "--network", "none", "bench", "true"]))
        self.command(["skiff", "run", "-d", "--name", "holder", "--network", "none", "bench", "sleep", "1000"])
        contenders[0] = ("skiff, one running", contenders[0][1])
        self.compare("run-none", "run --rm --network none IMG true, another container running", contenders)
        self.command(["skiff", "rm", "-f", "-t", "0", "holder"])

    def row_run_default(self):
        contenders = [("skiff", ["skiff", "run", "--rm", "bench", "true"])]
        if self.have("bwrap"):
            contenders.append(("bwrap", self.bwrap()))
        self.compare("run-default", "run --rm IMG true, default network",
                     self.with_podman(contenders, ["run", "--rm", "bench", "true"]))

    def row_running(self):
        self.command(["skiff", "run", "-d", "--name", "c", "--network", "none", "bench", "sleep", "1000"])
        if self.podman:
            self.command(self.podman_argv + ["run", "-d", "--name", "c", "--network", "none", "bench", "sleep", "1000"])
        for row, args in (("exec", ["exec", "c", "true"]), ("ps", ["ps"]), ("inspect", ["inspect", "c"])):
            self.compare(row, " ".join(args), self.with_podman([("skiff", ["skiff"] + args)], args))
        self.command(["skiff", "rm", "-f", "-t", "0", "c"])
        if self.podman:
            self.command(self.podman_argv + ["rm", "-f", "-t", "0", "c"])

    def row_batch(self):
        contenders = [("skiff", ["skiff"])] + ([("podman", self.podman_argv)] if self.podman else [])
        runs = {name: [] for name, _ in contenders}
        removals = {name: [] for name, _ in contenders}
        for _ in range(max(3, self.options.rounds // 2)):
            for name, argv in contenders:
                tool = " ".join(argv)
                script = f"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do {tool} run -d --network none bench sleep 1000 || exit 1; done"
                runs[name] += self.time_batch(["sh", "-c", script], 1)
                removals[name] += self.time_batch(argv + ["rm", "-fa", "-t", "0"], 1)
        self.report("batch-run", "20 x run -d", runs)
        self.report("batch-rm", "rm -fa of those 20", removals)

    def row_memory(self):
        """The resident size of what an idle container costs."""
        self.command(["skiff", "run", "-d", "--name", "idle", "bench", "sleep", "1000"])
        time.sleep(2)
        samples = {name: self.pss(name) for name in ("skiff-monitor", "skiff-uplink")}
        self.report("memory", "resident per idle container, PSS", samples, "KiB")
        self.command(["skiff", "rm", "-f", "-t", "0", "idle"])

    def pss(self, program):
        """KiB of each process of that program, of the user whose commands are measured."""
        sizes = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/comm"):
            if stat.read_text().strip() == program and stat.stat().st_uid == self.uid():
                rollup = (stat.parent / "smaps_rollup").read_text()
                sizes += [float(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")]
        return sizes

    def uid(self):
        """Of the user whose commands are measured."""
        return pathlib.Path(self.home).stat().st_uid

    def row_pull(self):
        """One gzip layer of real files, from a registry on loopback, against what does the same by hand."""
        if not self.have("docker-registry") or not self.have("skopeo"):
            print("\npull: left out, docker-registry or skopeo is not installed")
            return
        with tempfile.TemporaryDirectory(prefix="skiff-bench-registry-") as work:
            layout = pathlib.Path(work) / "layout"
            digest, size, total, count = make_layout(layout)
            with Registry(work, tls=False, auth=False) as registry:
                name = f"{registry.host}/bench/pull:latest"
                subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", f"docker://{name}"], check=True)
                target = os.path.join(self.home, "by-hand")
                url = f"http://{registry.host}/v2/bench/pull/blobs/{digest}"
                pull = ["pull", "-q", "--tls-verify=false", name]
                contenders = {
                    "skiff": (["skiff", *pull], ["skiff", "rmi", "-f", name]),
                    "curl | tar xz": (["sh", "-c", f"mkdir {target} && curl -s {url} | tar -xz -C {target}"], ["rm", "-rf", target]),
                }
                if self.podman:
                    contenders["podman"] = (self.podman_argv + pull, self.podman_argv + ["rmi", "-f", name])
                samples = {contender: [] for contender in contenders}
                for _ in range(max(3, self.options.rounds // 2)):
                    for contender, (work_argv, undo) in contenders.items():
                        os.sync()
                        time.sleep(3)  # for the device, which is told what the last undo freed
                        samples[contender] += self.time_batch(work_argv, 1)
                        self.command(undo)
        self.report("pull", f"pull of a {size / 1e6:.0f} MB gzip layer ({total / 1e6:.0f} MB, {count:,} files)", samples)

    def scale_push(self):
        """One layer of real files to a registry that has nothing: as the bytes it came in, and as zstd."""
        if not self.have("docker-registry") or not self.have("skopeo"):
            print("\npush: left out, docker-registry or skopeo is not installed")
            return
        with tempfile.TemporaryDirectory(prefix="skiff-bench-registry-") as work:
            layout = pathlib.Path(work) / "layout"
            _, size, total, count = make_layout(layout)
            manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
            subprocess.run(["chmod", "-R", "a+rX", work], check=True)
            copy = ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}"]
            with Registry(pathlib.Path(work) / "full", tls=False, auth=False) as registry:
                subprocess.run([*copy, f"docker://{registry.host}/bench/push:latest"], check=True)
                name = f"{registry.host}/bench/push@{manifest}"
                self.command(["skiff", "pull", "-q", "--tls-verify=false", name])
            push = ["skiff", "push", "-q", "--tls-verify=false"]
            contenders = {
                "skiff, bytes kept": ([*push, name], ""),
                "skiff, packed anew as zstd": ([*push, "--format", "oci", "--compression-format", "zstd", name], ""),
                "skopeo copy, bytes kept": (copy, "docker://"),
                "skopeo copy, as zstd": ([*copy[:-1], "--dest-compress-format", "zstd", copy[-1]], "docker://"),
            }
            samples = {contender: [] for contender in contenders}
            for _ in range(max(3, self.options.rounds // 3)):
                for contender, (argv, transport) in contenders.items():
                    with tempfile.TemporaryDirectory(dir=work) as empty, Registry(empty, tls=False, auth=False) as registry:
                        samples[contender] += self.time_batch([*argv, f"{transport}{registry.host}/bench/to:1"], 1)
            self.command(["skiff", "rmi", "-f", name])
        self.report("push", f"push of a {size / 1e6:.0f} MB gzip layer ({total / 1e6:.0f} MB, {count:,} files)", samples)

    def iperf(self, argv, *options):
        """Gbit/s that an iperf3 client receives or sends."""
        done = json.loads(self.command([*argv, "-J", "-t", str(SECONDS), *options]))
        return done["end"]["sum_received"]["bits_per_second"] / 1e9

    def serve(self, *options):
        """An iperf3 server on the host, for as long as the caller keeps it."""
        server = subprocess.Popen(self.argv(["iperf3", "-s", *options]), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                  env=None if self.prefix else self.env)
        time.sleep(0.3)
        return server

    def network_ready(self, row):
        """Is there a network of our own with a server's address, and iperf3? Else say so."""
        if self.options.inside and self.have("iperf3"):
            return True
        print(f"\n{row}: left out, it needs root and iperf3")
        return False

    def row_uplink(self):
        """From a container to its host and back, beside the host's own loopback."""
        if not self.network_ready("uplink"):
            return
        server = self.serve()
        inside = ["skiff", "run", "--rm", "bench", "/bin/iperf3", "-c", HOST]
        samples = {"container to host": [], "host to container": [], "host's loopback": []}
        for _ in range(3):
            samples["container to host"].append(self.iperf(inside))
            samples["host to container"].append(self.iperf(inside, "-R"))
            samples["host's loopback"].append(self.iperf(["iperf3", "-c", "127.0.0.1"]))
        self.report("uplink", "through the user-mode network", samples, "Gbit/s")
        server.terminate()
        server.wait()

    def row_port(self):
        """From the host through a published port."""
        if not self.network_ready("port"):
            return
        self.command(["skiff", "run", "-d", "--name", "port", "-p", "5301:5201", "bench", "/bin/iperf3", "-s"])
        server = self.serve("-p", "5302")
        time.sleep(0.5)
        samples = {"into the container": [], "out of the container": [], "host's loopback": []}
        for _ in range(3):
            samples["into the container"].append(self.iperf(["iperf3", "-c", "127.0.0.1", "-p", "5301"]))
            samples["out of the container"].append(self.iperf(["iperf3", "-c", "127.0.0.1", "-p", "5301", "-R"]))
            samples["host's loopback"].append(self.iperf(["iperf3", "-c", "127.0.0.1", "-p", "5302"]))
        self.report("port", "published port", samples, "Gbit/s")
        self.command(["skiff", "rm", "-f", "-t", "0", "port"])
        server.terminate()
        server.wait()

    def write(self):
        lines = ["# Results", "", f"Measured {datetime.date.today()} on {os.cpu_count()} cores, kernel {os.uname().release}, by", "",
                 "    " + " ".join(["python3", "tests/bench/bench.py"] + [a for a in sys.argv[1:] if a != "--inside"]), "",
                 "Interleaved runs; compare only within a table.", ""]
        for row, title, rows, unit in self.tables:
            lines += [f"## {title} ({unit})", ""]
            if row in BUDGETS:
                lines += [f"Budget: {BUDGETS[row]}", ""]
            lines += ["| | min | median | max | runs |", "|---|---|---|---|---|"]
            lines += [f"| {n} | {a:.2f} | {b:.2f} | {c:.2f} | {k} |" for n, a, b, c, k in rows] + [""]
        (HERE / ("SCALE.md" if self.options.scale else "RESULTS.md")).write_text("\n".join(lines))

    def finish(self):
        self.command(["skiff", "rm", "-fa", "-t", "0"])
        subprocess.run(self.argv(["skiff", "unshare", "rm", "-rf", os.path.join(self.home, ".local")]), stdin=subprocess.DEVNULL)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.runtime, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--user", default="skifftest")
    parser.add_argument("--only", default="")
    parser.add_argument("--no-podman", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--churn", type=int, default=5000, metavar="LIVES")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.geteuid() == 0 and not options.inside:
        os.execvp("unshare", ["unshare", "--net", sys.executable, __file__, "--inside", *sys.argv[1:]])
    if options.inside:
        make_network()
    bench = Bench(options)
    # What frees much of a disk comes last: a file system mounted with discard is slow for a while after it.
    late = ("row_pull", "scale_copy", "scale_stopped")
    kind = "scale_" if options.scale else "row_"
    names = sorted((name for name in dir(bench) if name.startswith(kind)), key=lambda name: (name in late, name))
    rows = {name.removeprefix(kind).replace("_", "-"): getattr(bench, name) for name in names}
    wanted = options.only.split(",") if options.only else list(rows)
    bench.prepare()
    for name in wanted:
        rows[name]()
    if options.write:
        bench.write()
    bench.finish()


if __name__ == "__main__":
    main()
