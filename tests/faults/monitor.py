#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F2 and F3: the monitor, the monitor and its command, or the uplink killed at a random instant.

    python3 tests/faults/monitor.py [--kills N] [--scenario NAME,...] [--seed S]

Run as root; the commands run as --user, in a pid namespace of their own. Each kill comes 0 to 500 ms
after a command began, or less where it ends sooner. Then: no exit code is told that the payload did not have; the payload is dead
with its monitor (or lives on, where only the uplink died); every command that waited ends; `rm -f`
works within 10 s; nothing is left and the bystander runs.
"""

import argparse
import random
import signal
import subprocess
import sys
import time

import bed as beds
from bed import Bed, Violation, os

# Said of an exit that nobody saw.
UNKNOWN = 255

NEW = ["--name", "new", "--network", "none"]


class Scenario:
    """One command under fire: `before` makes what it needs, the payload's true code is `code`."""

    def __init__(self, name, args, code, before=(), victims=("skiff-monitor",), lives=False, also=(), within=0.5, way_out=None):
        self.way_out = way_out  # of the container, which must come back
        self.within = within  # seconds in which it is worth killing
        self.name, self.args, self.code, self.before = name, args, code, before
        self.victims, self.lives, self.also = victims, lives, also


def scenarios(bed):
    """What is under fire."""
    sleeper = ["run", "-d", *NEW, bed.image, "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.01; done"]
    talker = ["run", "-d", *NEW, bed.image, "sh", "-c", "while :; do echo line; sleep 0.001; done"]
    ports = ["run", "-d", "--name", "new", "-p", "127.0.0.1::80", bed.image, "sleep", "1000"]
    networks = [["network", "create", "--ignore", "--subnet", "10.123.1.0/24", "net"], ["network", "create", "--ignore", "--ipv6", "net2"]]
    one = ["run", "-d", "--name", "new", "--network", "net", bed.image, "sleep", "1000"]
    several = ["run", "-d", "--name", "new", "--network", "net", "--network", "net2", "-p", "127.0.0.1::80", "--cap-add", "NET_RAW",
               bed.image, "sleep", "1000"]
    ports = [*ports[:4], "--cap-add", "NET_RAW", *ports[4:]]
    # Without a pid namespace of its own the container's other processes do not die with its init.
    host_pid = ["run", *NEW, "--pid", "host", bed.image, "sh", "-c", "sleep 500 & sleep 0.25; exit 7"]
    quick = ["run", *NEW, bed.image, "sh", "-c", "sleep 0.25; exit 7"]
    return [
        Scenario("run", quick, (7,), within=0.35),
        Scenario("run-rm", ["run", "--rm", *quick[1:]], (7,), within=0.35),
        Scenario("run-d", sleeper, (0,)),
        Scenario("run-pid-host", host_pid, (7,), within=0.35),
        Scenario("stop", ["stop", "-t", "1", "new"], (0,), before=[sleeper], within=0.05),
        Scenario("exec", ["exec", "new", "sh", "-c", "sleep 0.25; exit 5"], (5,), before=[sleeper]),
        Scenario("wait", ["wait", "new"], (0,), before=[["run", "-d", *quick[1:]]], within=0.25),
        Scenario("logs", ["logs", "-f", "new"], (0,), before=[talker]),
        Scenario("attach", ["attach", "--no-stdin", "new"], (0,), before=[talker]),
        Scenario("both-run", quick, (7,), also=("command",), within=0.35),
        Scenario("both-stop", ["stop", "-t", "1", "new"], (0,), before=[sleeper], also=("command",), within=0.05),
        Scenario("both-exec", ["exec", "new", "sh", "-c", "sleep 0.25; exit 5"], (5,), before=[sleeper], also=("command",)),
        Scenario("both-ports", ports, (0,), victims=("skiff-monitor", "skiff-uplink"), also=("command",)),
        Scenario("uplink", ["exec", "new", "sh", "-c", "sleep 0.25; exit 5"], (5,), before=[ports],
                 victims=("skiff-uplink",), lives=True, way_out="10.0.2.2"),
        # The homes and what forwards the ports.
        Scenario("homes", ["exec", "new", "sh", "-c", "sleep 0.25; exit 5"], (5,), before=[*networks, several],
                 victims=("skiff-uplink",), lives=True, way_out="10.123.1.1"),
        Scenario("homes-run", several, (0,), before=networks, victims=("skiff-uplink",), lives=False),
        Scenario("both-homes", ["network", "connect", "net2", "new"], (0, 1, 125), before=[*networks, one],
                 victims=("skiff-monitor", "skiff-uplink"), also=("command",), within=0.05),
        Scenario("connect", ["network", "connect", "net2", "new"], (0, 125), before=[*networks, one], within=0.05),
        Scenario("connect-home", ["network", "connect", "net2", "new"], (0, 125), before=[*networks, one],
                 victims=("skiff-uplink",), lives=True, within=0.05),
        Scenario("disconnect", ["network", "disconnect", "net2", "new"], (0, 125), before=[*networks, several], within=0.05),
    ]


def victims(bed, words):
    """Live processes whose command line starts with one of the words, but the bystander's and its."""
    return [pid for pid, command in bed.processes().items()
            if command.startswith(words) and pid not in bed.own]


def shoot(bed, scenario, process):
    """Kill the victims, and the command too where the scenario says so. Returns whether anybody was hit."""
    hit = victims(bed, scenario.victims)
    for pid in hit:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if scenario.also:
        process.kill()
    return bool(hit)


def check_told(bed, scenario, code, hit):
    """Exit codes are true or said to be unknown."""
    killed = -signal.SIGKILL
    allowed = set(scenario.code) | ({killed} if scenario.also else set())
    if hit and not scenario.lives:
        allowed |= {UNKNOWN, 125, 137}
    if code not in allowed:
        raise Violation(f"the command gave {code}, the payload {scenario.code}")
    if bed.run(["container", "exists", "new"]).returncode:
        return
    state = bed.must(["ps", "-a", "--filter", "name=^new$", "--format", "{{.State}} {{.Status}}"]).strip()
    true = {"run": 7, "run-pid-host": 7, "both-run": 7, "wait": 7, "stop": 3, "both-stop": 3}.get(scenario.name)
    if state.startswith("exited") and "unknown" not in state:
        said = state.partition("(")[2].partition(")")[0]
        if said not in (str(true), "137"):
            raise Violation(f"the record says '{state}', the payload ended with {true}")
    if hit and said_zero(state) and true != 0:
        raise Violation(f"a made-up 0: '{state}'")


def said_zero(state):
    """Does ps tell of an exit with 0?"""
    return "(0)" in state


def check_alive(bed, scenario):
    """Only uplinks and homes were killed: the container goes on, and its way out comes back."""
    if not scenario.lives:
        return
    bed.must(["exec", "new", "true"])
    deadline = time.monotonic() + 10 * beds.support.SLOWNESS
    while scenario.way_out and bed.run(["exec", "new", "busybox", "ping", "-c", "1", "-W", "1", scenario.way_out]).returncode:
        if time.monotonic() > deadline:
            raise Violation("the way out did not come back")
        time.sleep(0.1)


def round_of(bed, scenario, delay):
    """One kill. Returns whether somebody was hit."""
    for args in scenario.before:
        bed.must(args)
    process = bed.popen(scenario.args)
    time.sleep(delay)
    hit = shoot(bed, scenario, process)
    try:
        if scenario.name in ("logs", "attach") and not hit:
            process.kill()
        code = process.wait(timeout=20 * beds.support.SLOWNESS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Violation("the command hangs after the kill") from None
    if scenario.name not in ("logs", "attach"):
        check_told(bed, scenario, code, hit)
    check_alive(bed, scenario)
    bed.check_survivors()
    begin = time.monotonic()
    bed.must(["rm", "-f", "-i", "-t", "1", "new"])
    if time.monotonic() - begin > 10 * beds.support.SLOWNESS:
        raise Violation("rm -f took more than 10 s")
    bed.check_clean()
    return hit


def new_bed(options):
    """A bed that knows which monitor is the bystander's."""
    bed = Bed(options.user)
    bed.own = set(bed.clean["processes"])
    return bed


def main():
    """Kill and count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=42)
    parser.add_argument("--scenario", default="")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--user", default="skifftest")
    options = parser.parse_args()
    generator = random.Random(options.seed)
    started, violations, hits = time.monotonic(), 0, 0
    bed = new_bed(options)
    chosen = [scenario.name for scenario in scenarios(bed)
              if not options.scenario or scenario.name in options.scenario.split(",")]
    tally = dict.fromkeys(chosen, 0)
    for number in range(options.kills):
        name = chosen[number % len(chosen)]
        scenario = next(entry for entry in scenarios(bed) if entry.name == name)
        delay = generator.uniform(0, scenario.within)
        try:
            if round_of(bed, scenario, delay):
                hits += 1
                tally[name] += 1
        except Violation as problem:
            violations += 1
            print(f"VIOLATION {name} after {delay * 1000:.0f} ms: {problem}", flush=True)
            bed.close()
            bed = new_bed(options)
    bed.close()
    print(f"hits per scenario: {tally}")
    print(f"kills of monitors and uplinks {options.kills} ({hits} hit), violations {violations}, "
          f"seed {options.seed}, {time.monotonic() - started:.0f} s")
    print(f"{options.kills - violations} passed, {violations} failed, 0 skipped")
    return 1 if violations else 0


if __name__ == "__main__":
    beds.in_namespace(main)
