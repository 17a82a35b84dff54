#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F1: SIGKILL at every state-changing system call of every process of a verb, then the invariants.

    python3 tests/faults/kill.py [--all | --points N] [--verb NAME,...] [--shard K/N] [--seed S] [--at VERB/PROCESS/N]

Run as root: a tracer must be root (an unprivileged one takes newuidmap's privileges away); the
commands run as --user, in a pid namespace of their own. SKIFF_BUILD or SKIFF_PREFIX names the build.
At each point what the verb needs is made, the verb runs under tracer.c, which kills one process before
its Nth state-changing call: the command itself ("0"), or one that it or its children made ("0.2": its
second child), the monitor, fetch, uplink and init among them. Then:

  I1  the image and the container that were there before are listed, and the container's file has its content
  I2  what the verb makes is there as a whole (a second command can use it) or not at all
  I3  after the user has removed what the verb made nothing is left: no process, no runtime record, no
      stage, nothing in the trash, no name, no mount
  I4  the bystander container still runs, under the same pid
  I6  the same command then succeeds, and its result can be used

Calls differ a little from run to run: a point that no process reached is counted as missed, not as a
kill. The last line counts kills and violations.
"""

import argparse
import pathlib
import random
import subprocess
import sys
import time

import bed as beds
from bed import Bed, Violation

from tests.support.images import Unavailable
from tests.support.registry import Registry

NEW = ["--name", "new", "--network", "none"]
RM_NEW = ["rm", "-f", "-i", "-t", "0", "new"]
POD = ["--network", "none", "--name", "pod"]
RM_POD = ["pod", "rm", "-f", "-t", "0", "pod"]


class Verb:
    """A command, what prepares it, what undoes it, how to see its result and that it can be used."""

    def __init__(self, name, args, before=(), undo=(), there=None, proof=(), again=()):
        self.name, self.args, self.before, self.undo = name, args, before, undo
        self.there, self.proof, self.again = there, proof, again


def compose_file(bed, number):
    """A project of two containers, one named "new", and what they build: files of other numbers make other containers of it,
    3 another network only.
    """
    path = bed.dir / f"compose{number}.yaml"
    path.write_text(f"""services:
  new: {{image: "{bed.image}", container_name: new, command: [sleep, "1000"], labels: [n={min(number, 2)}],
        stop_grace_period: 0s, volumes: ["vol:/data", /anon], depends_on: [other], configs: [{{source: made, target: /made}}]}}
  other: {{image: "{bed.image}", command: [sleep, "1000"], labels: [n={min(number, 2)}], network_mode: none}}
  built: {{build: {bed.context}, image: localhost/built, profiles: [build]}}
volumes: {{vol: }}
networks: {{default: {{internal: {str(number == 3).lower()}}}}}
configs: {{made: {{content: "bytes"}}}}
""", encoding="utf-8")
    path.chmod(0o644)
    return ["compose", "-f", str(path), "-p", "proj"]


def compose_verbs(bed):
    """Those of compose. "There" is always something: data that was written before may not be lost, whatever becomes of the rest."""
    first, second, third = (compose_file(bed, number) for number in (1, 2, 3))
    internal = [*third, "up", "-d", "-t", "0"]
    always = ["version"]
    up, change = [*first, "up", "-d", "-t", "0"], [*second, "up", "-d", "-t", "0"]
    down = [*second, "down", "-v", "-t", "0"]
    write = ["exec", "new", "sh", "-c", "echo kept > /data/x; echo kept > /anon/x"]
    kept = ["exec", "new", "sh", "-c", "read a < /data/x; [ $a = kept ]"]
    all_kept = ["exec", "new", "sh", "-c", "for f in /data/x /anon/x; do read a < $f && [ $a = kept ] || exit 1; done"]
    built = "localhost/built:latest"
    return [
        Verb("compose-up", change, undo=[down], there=always, proof=[change, write]),
        Verb("compose-recreate", change, before=[up, write], undo=[down], there=always, proof=[change, all_kept], again=up),
        Verb("compose-network", internal, before=[change, write], undo=[down], there=always,
             proof=[internal, kept, ["exec", "new", "cat", "/made"]], again=change),
        Verb("compose-down", [*second, "down", "-t", "0"], before=[up, write], undo=[down, ["volume", "prune", "-f"]], there=always,
             proof=[change, kept]),
        Verb("compose-down-volumes", down, before=[up, write], undo=[down], there=always, proof=[change, write]),
        Verb("compose-run", [*second, "run", "--rm", "-T", "new", "touch", "/data/y"], before=[up, write], undo=[down], there=always,
             proof=[change, kept], again=up),
        Verb("compose-scale", [*second, "up", "-d", "-t", "0", "--scale", "other=3"], before=[up, write], undo=[down], there=always,
             proof=[change, all_kept], again=up),
        Verb("compose-stop", [*first, "stop", "-t", "0"], before=[up, write], undo=[down], there=always, proof=[up, all_kept], again=up),
        Verb("compose-restart", [*first, "restart", "-t", "0"], before=[up, write], undo=[down], there=always, proof=[up, all_kept],
             again=up),
        Verb("compose-rm", [*first, "rm", "-f", "-s", "new"], before=[up, write], undo=[down, ["volume", "prune", "-f"]], there=always,
             proof=[up, kept], again=up),
        Verb("compose-build", [*second, "--profile", "build", "build", "built"], undo=[["rmi", "-f", "-i", built], ["builder", "prune", "-af"]],
             there=["image", "exists", built], proof=[["run", "--rm", "--network", "none", built, "cat", "/built"]]),
    ]


def verbs(bed):
    """All verbs that change something."""
    first, second, imported = bed.image, bed.second, "localhost/imported:latest"
    listed = "localhost/listed:latest"
    built = "localhost/built:latest"
    sleeper = ["run", "-d", *NEW, first, "sleep", "1000"]
    use_second = ["run", "--rm", "--network", "none", second, "cat", "/odd/link"]
    use_secret = [["run", "--rm", "--network", "none", "--secret", "sec", first, "cat", "/run/secrets/sec"]]
    exists = ["container", "exists", "new"]
    restart = [["start", "new"], ["exec", "new", "true"]]
    pod_of_two = [["pod", "create", *POD], ["create", "--name", "new", "--pod", "pod", first, "sleep", "1000"]]
    two_networks = [["network", "create", "--ignore", "net"], ["network", "create", "--ignore", "--ipv6", "net2"]]
    on_net = ["run", "-d", "--name", "new", "--network", "net", first, "sleep", "1000"]
    on_both = ["run", "-d", "--name", "new", "--network", "net", "--network", "net2", first, "sleep", "1000"]
    return [
        Verb("load", ["load", "-q", "-i", str(bed.archive)], undo=[["rmi", "-f", "-i", second]],
             there=["image", "exists", second], proof=[use_second]),
        Verb("pull", ["pull", "--tls-verify=false", "-q", bed.remote], undo=[["rmi", "-f", "-i", bed.remote]],
             there=["image", "exists", bed.remote], proof=[[*use_second[:4], bed.remote, *use_second[5:]]]),
        # A repository of its own each time: what the registry has is not sent.
        Verb("push", ["push", "--tls-verify=false", "-q", first, bed.pushed], undo=[["rmi", "-f", "-i", bed.pushed]],
             proof=[["pull", "--tls-verify=false", "-q", bed.pushed]]),
        Verb("import", ["import", str(bed.tree), imported], undo=[["rmi", "-f", "-i", imported]],
             there=["image", "exists", imported], proof=[["create", *NEW, imported, "/none"], RM_NEW]),
        Verb("create", ["create", *NEW, first, "true"], undo=[RM_NEW], there=exists,
             proof=[["start", "new"], ["wait", "new"]]),
        Verb("run-d", sleeper, undo=[RM_NEW], there=exists, proof=restart),
        Verb("run-net", ["run", "-d", "--name", "new", "-p", "127.0.0.1::80", first, "sleep", "1000"], undo=[RM_NEW],
             there=exists, proof=restart),
        Verb("run-rm", ["run", "--rm", *NEW, first, "true"], undo=[RM_NEW]),
        Verb("run-volume", ["run", "-d", *NEW, "-v", "vol:/data", first, "sleep", "1000"],
             undo=[RM_NEW, ["volume", "rm", "-f", "vol"]], there=exists,
             proof=[*restart, ["exec", "new", "touch", "/data/x"]]),
        # The image need not have one: a VOLUME is made the same way.
        Verb("run-anonymous", ["run", "-d", *NEW, "-v", "/anon", first, "sleep", "1000"], undo=[["rm", "-f", "-i", "-v", "-t", "0", "new"]],
             there=exists, proof=[*restart, ["exec", "new", "touch", "/anon/x"]]),
        Verb("start", ["start", "new"], before=[["create", *NEW, first, "sleep", "1000"]], undo=[RM_NEW],
             there=exists, proof=restart, again=["create", *NEW, first, "sleep", "1000"]),
        Verb("stop", ["stop", "-t", "0", "new"], before=[sleeper], undo=[RM_NEW], there=exists, proof=restart,
             again=sleeper),
        Verb("rm", RM_NEW, before=[sleeper], there=exists, proof=restart, again=sleeper),
        Verb("restart", ["restart", "-t", "0", "new"], before=[sleeper], undo=[RM_NEW], there=exists, proof=restart, again=sleeper),
        # One that has its signal is still called running until it has ended: a start finds nothing to do.
        Verb("kill", ["kill", "new"], before=[sleeper], undo=[RM_NEW], there=exists, proof=[["stop", "-t", "0", "new"], *restart],
             again=sleeper),
        Verb("exec", ["exec", "-d", "new", "true"], before=[sleeper], undo=[RM_NEW], there=exists, proof=restart, again=sleeper),
        Verb("tag", ["tag", second, "localhost/tagged:latest"], before=[["load", "-q", "-i", str(bed.archive)]],
             undo=[["rmi", "-f", "-i", second, "localhost/tagged:latest"]], there=["image", "exists", "localhost/tagged:latest"],
             proof=[["image", "inspect", second, "localhost/tagged:latest"]], again=["load", "-q", "-i", str(bed.archive)]),
        Verb("untag", ["untag", first, "localhost/tagged:latest"], before=[["tag", first, "localhost/tagged:latest"]],
             undo=[["rmi", "-f", "-i", "localhost/tagged:latest"]], there=["image", "exists", "localhost/tagged:latest"],
             proof=[["image", "inspect", first]], again=["tag", first, "localhost/tagged:latest"]),
        Verb("save", ["save", "-q", "-o", f"{bed.dir}/home/saved.tar", first], there=["version"],
             proof=[["save", "-q", "-o", f"{bed.dir}/home/saved.tar", first], ["load", "-q", "-i", f"{bed.dir}/home/saved.tar"]]),
        Verb("volume-import", ["volume", "import", "vol", str(bed.tree)], before=[["volume", "create", "--ignore", "vol"]],
             undo=[["volume", "rm", "-f", "vol"]], there=["volume", "exists", "vol"],
             proof=[["volume", "import", "vol", str(bed.tree)],
                    ["run", "--rm", "--network", "none", "-v", "vol:/data", first, "cat", "/data/odd/link"]],
             again=["volume", "create", "--ignore", "vol"]),
        Verb("network-update", ["network", "update", "--dns-add", "127.0.0.9", "net"], before=[["network", "create", "--ignore", "net"]],
             undo=[["network", "rm", "-f", "net"]], there=["network", "exists", "net"],
             proof=[["run", "--rm", "--network", "net", first, "true"]], again=["network", "create", "--ignore", "net"]),
        Verb("check-repair", ["system", "check", "--repair"], before=[sleeper], undo=[RM_NEW], there=exists, proof=restart, again=sleeper),
        Verb("commit", ["commit", "-q", "new", "localhost/committed:latest"], before=[sleeper],
             undo=[RM_NEW, ["rmi", "-f", "-i", "localhost/committed:latest"]],
             there=["image", "exists", "localhost/committed:latest"],
             proof=[["create", "--name", "proof", "localhost/committed:latest", "true"], ["rm", "proof"]], again=sleeper),
        # Without -q the command itself builds; with it that is a child, which the command shows.
        Verb("build", ["build", "--network", "none", "-t", built, str(bed.context)],
             undo=[["rmi", "-f", "-i", built], ["builder", "prune", "-f"]], there=["image", "exists", built],
             proof=[["run", "--rm", "--network", "none", built, "cat", "/built", "/w/Dockerfile"]]),
        Verb("build-quiet", ["build", "-q", "--network", "none", "-t", built, str(bed.context)],
             undo=[["rmi", "-f", "-i", built], ["builder", "prune", "-f"]], there=["image", "exists", built],
             proof=[["run", "--rm", "--network", "none", built, "cat", "/built", "/w/Dockerfile"]]),
        # What a kill leaves of it besides is an image without a name.
        Verb("build-export", ["build", "--network", "none", "-t", built, "-o", str(bed.dir / "home/out"), "--cache-to",
                              f"type=local,dest={bed.dir}/home/cache,mode=max", str(bed.context)],
             undo=[["rmi", "-f", "-i", built], ["image", "prune", "-f"], ["builder", "prune", "-f"]],
             there=["image", "exists", built],
             proof=[["build", "-q", "--network", "none", "--no-cache", "-t", built, "-o", str(bed.dir / "home/out"), str(bed.context)],
                    ["run", "--rm", "--network", "none", built, "cat", "/built", "/w/Dockerfile"]]),
        Verb("builder-prune", ["builder", "prune", "-fa"],
             before=[["build", "-q", "--network", "none", "-t", built, str(bed.context)]],
             undo=[["rmi", "-f", "-i", built], ["builder", "prune", "-f"]], there=["image", "exists", built],
             proof=[["run", "--rm", "--network", "none", built, "cat", "/built", "/w/Dockerfile"]],
             again=["build", "-q", "--network", "none", "-t", built, str(bed.context)]),
        Verb("cp", ["cp", "/etc/passwd", "new:/copied"], before=[sleeper], undo=[RM_NEW], there=exists, proof=restart,
             again=sleeper),
        Verb("rename", ["rename", "old", "new"], before=[["create", "--name", "old", "--network", "none", first, "true"]],
             undo=[RM_NEW, ["rm", "-f", "-i", "old"]], there=exists, proof=[["start", "new"], ["wait", "new"]],
             again=["create", "--name", "old", "--network", "none", first, "true"]),
        Verb("update", ["update", "-m", "64m", "--restart", "on-failure:3", "new"], before=[sleeper], undo=[RM_NEW], there=exists,
             proof=[["inspect", "new"], *restart], again=sleeper),
        Verb("init", ["init", "new"], before=[["create", *NEW, first, "sleep", "1000"]], undo=[RM_NEW], there=exists,
             proof=[["start", "new"], ["exec", "new", "true"]], again=["create", *NEW, first, "sleep", "1000"]),
        Verb("start-initialized", ["start", "new"], before=[["create", *NEW, first, "sleep", "1000"], ["init", "new"]], undo=[RM_NEW],
             there=exists, proof=restart, again=["create", *NEW, first, "sleep", "1000"]),
        Verb("update-env", ["update", "-e", "A=1", "--ulimit", "core=0", "--health-cmd", "true", "new"], before=[sleeper],
             undo=[RM_NEW], there=exists, proof=[["inspect", "new"], *restart], again=sleeper),
        Verb("healthcheck", ["healthcheck", "run", "new"],
             before=[["run", "-d", "--health-cmd", "true", "--health-interval", "disable", *NEW, first, "sleep", "1000"]],
             undo=[RM_NEW], there=exists, proof=[["healthcheck", "run", "new"], *restart],
             again=["run", "-d", "--health-cmd", "true", "--health-interval", "disable", *NEW, first, "sleep", "1000"]),
        Verb("mount", ["unshare", *map(str, bed.base), "mount", "new"],
             before=[["create", *NEW, first, "true"]], undo=[RM_NEW], there=exists, proof=[["start", "new"], ["wait", "new"]],
             again=["create", *NEW, first, "true"]),
        Verb("rmi", ["rmi", "-f", "-i", second], before=[["load", "-q", "-i", str(bed.archive)]],
             there=["image", "exists", second], proof=[use_second], again=["load", "-q", "-i", str(bed.archive)]),
        Verb("system-prune", ["system", "prune", "-f", "--filter", "label=gone"],
             before=[["create", "--label", "gone", *NEW, first, "true"]], undo=[RM_NEW], there=exists,
             proof=[["start", "new"], ["wait", "new"]], again=["create", "--label", "gone", *NEW, first, "true"]),
        Verb("manifest-create", ["manifest", "create", listed, first], undo=[["manifest", "rm", "-i", listed]],
             there=["manifest", "exists", listed], proof=[["create", *NEW, listed, "true"], RM_NEW]),
        Verb("manifest-add", ["manifest", "add", listed, first], before=[["manifest", "create", listed]],
             undo=[["manifest", "rm", "-i", listed]], there=["manifest", "exists", listed],
             proof=[["manifest", "inspect", listed]], again=["manifest", "create", listed]),
        Verb("manifest-rm", ["manifest", "rm", listed], before=[["manifest", "create", listed, first]],
             undo=[["manifest", "rm", "-i", listed]], there=["manifest", "exists", listed],
             proof=[["create", *NEW, listed, "true"], RM_NEW], again=["manifest", "create", listed, first]),
        Verb("network-create", ["network", "create", "--ignore", "net"], undo=[["network", "rm", "-f", "net"]],
             there=["network", "exists", "net"],
             proof=[["run", "--rm", "--network", "net", first, "true"]]),
        Verb("network-rm", ["network", "rm", "-f", "net"], before=[["network", "create", "net"]],
             there=["network", "exists", "net"],
             proof=[["run", "--rm", "--network", "net", first, "true"]],
             again=["network", "create", "net"]),
        Verb("run-named", ["run", "-d", "--name", "new", "--network", "net", first, "sleep", "1000"],
             before=[["network", "create", "--ignore", "net"]], undo=[RM_NEW], there=exists, proof=restart),
        Verb("network-connect", ["network", "connect", "net2", "new"], before=[*two_networks, on_net], undo=[RM_NEW], there=exists,
             proof=[["inspect", "new"], *restart], again=on_net),
        Verb("network-disconnect", ["network", "disconnect", "net2", "new"], before=[*two_networks, on_both], undo=[RM_NEW],
             there=exists, proof=[["inspect", "new"], *restart], again=on_both),
        Verb("network-connect-stopped", ["network", "connect", "net2", "new"],
             before=[*two_networks, ["create", "--name", "new", "--network", "net", first, "sleep", "1000"]], undo=[RM_NEW],
             there=exists, proof=restart, again=["create", "--name", "new", "--network", "net", first, "sleep", "1000"]),
        Verb("run-several", on_both, before=two_networks, undo=[RM_NEW], there=exists, proof=restart),
        Verb("volume-create", ["volume", "create", "--ignore", "vol"], undo=[["volume", "rm", "-f", "vol"]],
             there=["volume", "exists", "vol"],
             proof=[["run", "--rm", "--network", "none", "-v", "vol:/data", first, "touch", "/data/x"]]),
        Verb("volume-create-owner", ["volume", "create", "--ignore", "-o", "o=uid=5", "vol"],
             undo=[["volume", "rm", "-f", "vol"]], there=["volume", "exists", "vol"],
             proof=[["run", "--rm", "--network", "none", "-v", "vol:/data", first, "touch", "/data/x"]]),
        Verb("volume-create-image", ["volume", "create", "--ignore", "-d", "image", "-o", f"image={first}", "vol"],
             undo=[["volume", "rm", "-f", "vol"]], there=["volume", "exists", "vol"],
             proof=[["run", "--rm", "--network", "none", "-v", "vol:/data", first, "sh", "-c", "cmp /bin/sh /data/bin/sh && touch /data/x"]]),
        Verb("secret-create", ["secret", "create", "--ignore", "sec", "/etc/passwd"], undo=[["secret", "rm", "-i", "sec"]],
             there=["secret", "exists", "sec"], proof=use_secret),
        Verb("secret-replace", ["secret", "create", "--replace", "sec", "/etc/passwd"],
             before=[["secret", "create", "sec", "/etc/passwd"]], undo=[["secret", "rm", "-i", "sec"]],
             there=["secret", "exists", "sec"], proof=use_secret),
        Verb("secret-rm", ["secret", "rm", "-i", "sec"], before=[["secret", "create", "sec", "/etc/passwd"]],
             there=["secret", "exists", "sec"], proof=use_secret, again=["secret", "create", "sec", "/etc/passwd"]),
        Verb("run-secret", ["run", "-d", *NEW, "--secret", "sec", "--secret", "sec,target=/etc/other", first, "sleep", "1000"],
             before=[["secret", "create", "--replace", "sec", "/etc/passwd"]], undo=[RM_NEW, ["secret", "rm", "-i", "sec"]],
             there=exists, proof=[*restart, ["exec", "new", "cat", "/run/secrets/sec", "/etc/other"]],
             again=["secret", "create", "--replace", "sec", "/etc/passwd"]),
        *compose_verbs(bed),
        Verb("pod-create", ["pod", "create", "--infra-name", "new", *POD], undo=[RM_POD], there=["pod", "exists", "pod"],
             proof=[["pod", "start", "pod"], ["run", "--rm", "--pod", "pod", first, "true"]]),
        Verb("run-pod", ["run", "-d", "--name", "new", "--pod", "pod", first, "sleep", "1000"], before=[["pod", "create", *POD]],
             undo=[RM_POD], there=exists, proof=[["pod", "start", "pod"], ["exec", "new", "true"]],
             again=["pod", "create", "--replace", *POD]),
        Verb("pod-start", ["pod", "start", "pod"], before=pod_of_two, undo=[RM_POD], there=exists,
             proof=[["pod", "start", "pod"], ["exec", "new", "true"]], again=["pod", "create", "--replace", *POD]),
        Verb("pod-stop", ["pod", "stop", "-t", "0", "pod"], before=[*pod_of_two, ["pod", "start", "pod"]], undo=[RM_POD],
             there=exists, proof=[["pod", "start", "pod"], ["exec", "new", "true"]],
             again=["pod", "create", "--replace", *POD]),
        Verb("pod-rm", RM_POD, before=[*pod_of_two, ["pod", "start", "pod"]], undo=[RM_POD], there=["pod", "exists", "pod"],
             proof=[["pod", "start", "pod"]], again=["pod", "create", *POD]),
        Verb("volume-rm", ["volume", "rm", "-f", "vol"], before=[["volume", "create", "vol"]],
             there=["volume", "exists", "vol"],
             proof=[["run", "--rm", "--network", "none", "-v", "vol:/data", first, "touch", "/data/x"]],
             again=["volume", "create", "vol"]),
    ]


class Tracer:
    """tracer.c, compiled."""

    def __init__(self, directory):
        self.program = f"{directory}/tracer"
        compiler = next(filter(None, map(beds.shutil.which, ("cc", "gcc", "clang"))), None)
        if not compiler:
            raise Unavailable("no C compiler")
        source = pathlib.Path(__file__).resolve().with_name("tracer.c")
        subprocess.run([compiler, "-O1", "-D_GNU_SOURCE", "-o", self.program, source], check=True)

    def run(self, bed, args, point=()):
        """Run skiff under it until the command and, shortly, what it leaves behind have run. Returns its lines."""
        output = bed.dir / "trace"
        kill = ["-k", "{}:{}".format(*point)] if point else []
        argv = [self.program, *kill, bed.user, str(output), *bed.base, *map(str, args)]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=bed.env,
                                  cwd="/", timeout=60 * beds.support.SLOWNESS, check=False, text=True, errors="replace")
        except subprocess.TimeoutExpired:
            raise Violation("the command hangs") from None
        if done.returncode:
            raise Violation(f"the harness is broken: the tracer says: {done.stderr}")
        return output.read_text(errors="replace").splitlines()

    def points(self, bed, verb):
        """[(process, number)] of an unharmed run."""
        for args in verb.before:
            bed.must(args)
        lines = self.run(bed, verb.args)
        for args in verb.undo:
            bed.must(args)
        bed.check_clean()
        if not lines:
            raise Violation("the harness is broken: the tracer saw no call")
        return [tuple(line.split()[:2]) for line in lines]

    def kill(self, bed, verb, point):
        """One point. Returns the name of the call before which a process was killed, or None: no process came there."""
        for args in verb.before:
            bed.must(args)
        lines = self.run(bed, verb.args, point)
        call = lines[0].split()[3] if lines else None
        try:
            self.check(bed, verb)
        except Violation as problem:
            raise Violation(f"before {call}: {problem}") from None
        return call

    @staticmethod
    def check(bed, verb):
        """The invariants."""
        bed.check_survivors()
        if verb.there and bed.run(verb.there).returncode == 0:
            for args in verb.proof:
                try:
                    bed.must(args)
                except Violation as broken:
                    raise Violation(f"I2: it is there, but {broken}") from None
        for args in verb.undo:
            bed.must(args)
        # What the verb undoes is made again unless the kill came first.
        if verb.again and bed.run(verb.there).returncode:
            bed.must(verb.again)
        try:
            bed.must(verb.args)
        except Violation as broken:
            raise Violation(f"I6: {broken}") from None
        if not verb.before or verb.name == "start":
            for args in verb.proof:
                bed.must(args)
        for args in verb.undo:
            bed.must(args)
        bed.check_clean()


class Run:
    """The bed in use and the counts."""

    def __init__(self, options, registry, tracer):
        self.options, self.registry, self.tracer = options, registry, tracer
        self.killed = self.missed = self.violations = 0
        self.bed = self.new_bed()

    def new_bed(self):
        """A fresh bed with an image in the registry."""
        bed = Bed(self.options.user, self.options.place)
        bed.remote = f"{self.registry.host}/second:latest"
        bed.pushed = f"{self.registry.host}/pushed:latest"
        self.registry.push(f"docker-archive:{bed.archive}", "second:latest")
        return bed

    def verb(self, name):
        """A verb by its name, for the bed of now."""
        self.bed.pushed = f"{self.registry.host}/pushed{self.killed + self.missed}:latest"
        return next(verb for verb in verbs(self.bed) if verb.name == name)

    def violated(self, what, problem):
        """Count a violation, with a new bed for what follows."""
        self.violations += 1
        print(f"VIOLATION {what}: {problem}", flush=True)
        self.bed.close()
        self.bed = self.new_bed()

    def series(self, name, generator):
        """The points of one verb, half of a sample of them in the command itself."""
        try:
            points = self.tracer.points(self.bed, self.verb(name))
        except Violation as problem:
            self.violated(f"{name} unharmed", problem)
            return
        chosen = points
        if not self.options.all:
            own = [point for point in points if point[0] == "0"]
            others = [point for point in points if point[0] != "0"]
            half = self.options.points - min(self.options.points // 2, len(others))
            chosen = generator.sample(own, min(half, len(own))) + generator.sample(others, min(self.options.points // 2, len(others)))
        begin, before = time.monotonic(), (self.killed, self.missed, self.violations)
        for point in chosen:
            self.point(name, point)
        killed, missed, violations = (now - then for now, then in zip((self.killed, self.missed, self.violations), before))
        print(f"{name}: {killed} kills and {missed} misses of {len(points)} points in {len({process for process, _ in points})} "
              f"processes, {violations} violations, {time.monotonic() - begin:.1f} s", flush=True)

    def point(self, name, point):
        """One kill."""
        try:
            call = self.tracer.kill(self.bed, self.verb(name), point)
        except Violation as problem:
            self.killed += 1
            self.violated(f"{name}/{point[0]}/{point[1]}", problem)
            return
        if call:
            self.killed += 1
        else:
            self.missed += 1


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--points", type=int, default=4, help="points per verb without --all")
    parser.add_argument("--verb", default="", help="only these, separated by commas")
    parser.add_argument("--shard", default="1/1", help="every Kth of N verbs: K/N")
    parser.add_argument("--at", help="one point: VERB/PROCESS/N")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--user", default="skifftest")
    parser.add_argument("--place", help="directory for the throwaway home; by default one in memory, where syncs are free")
    return parser.parse_args()


def main():
    """Inject and count."""
    options = parse_options()
    generator = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    started = time.monotonic()
    directory = beds.tempfile.mkdtemp(prefix="skiff-fault-registry-")
    try:
        with Registry(directory, tls=False, auth=False) as registry:
            run = Run(options, registry, Tracer(directory))
            if options.at:
                name, process, number = options.at.split("/")
                run.point(name, (process, number))
            which, of = map(int, options.shard.split("/"))
            for verb in [] if options.at else verbs(run.bed)[which - 1::of]:
                if not options.verb or verb.name in options.verb.split(","):
                    run.series(verb.name, generator)
            run.bed.close()
    except Unavailable as reason:
        print(f"# skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    finally:
        beds.shutil.rmtree(directory, ignore_errors=True)
    if run.missed > run.killed // 4 + 20:
        run.violations += 1
        print("VIOLATION the harness is broken: most points were missed")
    print(f"kills {run.killed}, missed {run.missed}, violations {run.violations}, seed {options.seed}, {time.monotonic() - started:.0f} s")
    print(f"{run.killed - run.violations} passed, {run.violations} failed, 0 skipped")
    return 1 if run.violations else 0


if __name__ == "__main__":
    beds.in_namespace(main)
