#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Side-by-side timings of skiff and its peers: medians of interleaved runs, never asserted.

    python3 tests/bench/bench.py [--rounds N] [--only ROW,...] [--write]

Run as the unprivileged user whose commands are measured (or as root: then through `setpriv` as --user). Needs an installed
skiff in PATH; bubblewrap, crun and podman are measured where they are installed. Every row runs each contender once per
round, in turn, so that a noisy moment hits all of them. --write puts the tables into tests/bench/RESULTS.md.
"""
import argparse
import datetime
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUDGETS = {
    "run-none": "10 ms and 2.5x bwrap",
    "run-default": "12 ms and 3x bwrap",
    "exec": "5 ms",
    "ps": "3 ms",
    "inspect": "3 ms",
    "ps-1000": "30 ms",
    "batch-run": "250 ms",
    "batch-rm": "150 ms",
    "pull": "0.6x curl | tar xz",
}


class Bench:
    def __init__(self, options):
        self.options = options
        self.home = tempfile.mkdtemp(prefix="skiff-bench-")
        self.prefix = []
        if os.geteuid() == 0:
            shutil.chown(self.home, options.user, options.user)
            self.prefix = ["setpriv", "--reuid", options.user, "--regid", options.user, "--init-groups", "--reset-env"]
        os.chmod(self.home, 0o700)
        runtime = os.path.join(self.home, "run")
        self.env = {
            "HOME": self.home,
            "PATH": os.environ["PATH"],
            "XDG_RUNTIME_DIR": runtime,
        }
        self.command(["mkdir", "-m", "700", runtime])
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

    def report(self, row, title, samples):
        rows = [(name, min(v), statistics.median(v), max(v), len(v)) for name, v in samples.items() if v]
        self.tables.append((row, title, rows))
        print(f"\n{title}" + (f"  (budget {BUDGETS[row]})" if row in BUDGETS else ""))
        for name, low, middle, high, count in rows:
            print(f"  {name:<28} min {low:8.2f}  median {middle:8.2f}  max {high:8.2f} ms  ({count} runs)")
        sys.stdout.flush()

    def have(self, program):
        return shutil.which(program) is not None

    # -- set-up ---------------------------------------------------------------------------------------------

    def prepare(self):
        busybox = shutil.which("busybox")
        self.rootfs = os.path.join(self.home, "rootfs")
        script = f"mkdir -p {self.rootfs}/bin {self.rootfs}/proc {self.rootfs}/dev {self.rootfs}/etc && cp {busybox} {self.rootfs}/bin/ && " \
                 f"for a in sh true sleep cat ls; do ln -sf busybox {self.rootfs}/bin/$a; done && " \
                 f"tar -C {self.rootfs} -cf {self.home}/rootfs.tar ."
        self.command(["sh", "-c", script])
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

    def row_ps_many(self):
        script = "i=0; while [ $i -lt 1000 ]; do skiff create --network none bench true >/dev/null || exit 1; i=$((i+1)); done"
        self.command(["sh", "-c", script], timeout=600)
        self.compare("ps-1000", "ps -a of 1,000", [("skiff", ["skiff", "ps", "-a"])])
        self.command(["skiff", "rm", "-fa"], timeout=600)

    def row_memory(self):
        self.command(["skiff", "run", "-d", "--name", "idle", "bench", "sleep", "1000"])
        time.sleep(1)
        print("\nresident per idle container (PSS, KiB)")
        for program in ("skiff-monitor", "skiff-uplink"):
            for pid in subprocess.run(["pgrep", "-f", program], stdout=subprocess.PIPE).stdout.split():
                try:
                    rollup = pathlib.Path(f"/proc/{int(pid)}/smaps_rollup").read_text()
                except OSError as problem:
                    print(f"  {program} {int(pid)}: {problem}")
                    continue
                pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
                print(f"  {program:<28} {pss}")
        self.command(["skiff", "rm", "-f", "-t", "0", "idle"])

    def write(self):
        lines = ["# Results", "", f"Measured {datetime.date.today()} on {os.cpu_count()} cores, kernel {os.uname().release}, by", "",
                 "    " + " ".join(["python3", "tests/bench/bench.py"] + [a for a in sys.argv[1:]]), "",
                 "Medians of interleaved runs in milliseconds; compare only within a table.", ""]
        for row, title, rows in self.tables:
            lines += [f"## {title}", ""]
            if row in BUDGETS:
                lines += [f"Budget: {BUDGETS[row]}", ""]
            lines += ["| | min | median | max | runs |", "|---|---|---|---|---|"]
            lines += [f"| {n} | {a:.2f} | {b:.2f} | {c:.2f} | {k} |" for n, a, b, c, k in rows] + [""]
        (HERE / "RESULTS.md").write_text("\n".join(lines))

    def finish(self):
        self.command(["skiff", "rm", "-fa", "-t", "0"])
        subprocess.run(self.argv(["skiff", "unshare", "rm", "-rf", os.path.join(self.home, ".local")]), stdin=subprocess.DEVNULL)
        shutil.rmtree(self.home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--user", default="skifftest")
    parser.add_argument("--only", default="")
    parser.add_argument("--no-podman", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    bench = Bench(options)
    rows = {name[4:].replace("_", "-"): getattr(bench, name) for name in dir(bench) if name.startswith("row_")}
    wanted = options.only.split(",") if options.only else list(rows)
    bench.prepare()
    for name in wanted:
        rows[name]()
    if options.write:
        bench.write()
    bench.finish()


if __name__ == "__main__":
    main()
