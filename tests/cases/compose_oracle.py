#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares skiff-compose with docker-compose over tests/cases/compose/*.case, in TAP.

    compose_oracle.py --compose PROGRAM [--oracle PROGRAM] [CASE ...]

Every case that prints a model is run by both with "config --format json": both must refuse it, or both must give the same
model. A case with an @ORACLE section is one where the answers differ for the reason it gives: it is counted, and fails when
the answers turn out to be alike. The oracle is --oracle, $SKIFF_COMPOSE_ORACLE or "docker-compose" of the PATH (Debian 13's
2.26); without one every comparison is skipped and the exit code is 77. It runs under a limit of memory and time.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import run

ORACLE_MEMORY = 4 << 30
ORACLE_SECONDS = 20
PRINTS_SOMETHING_ELSE = re.compile(r"^--(services|profiles|images|volumes|networks|quiet|environment|variables|hash|format|no-)")


def limit_memory():
    """In the child: an alias bomb must not take the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (ORACLE_MEMORY, ORACLE_MEMORY))


def call(program, words, env, project, limited):
    """The model a program prints, or None where it refuses, and what it says."""
    env = {"PATH": os.environ.get("PATH", ""), "HOME": "/home/user", "LC_ALL": "C.UTF-8", **env}
    try:
        result = subprocess.run([program] + words, cwd=project, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=ORACLE_SECONDS, preexec_fn=limit_memory if limited else None)
    except subprocess.TimeoutExpired:
        return None, "timeout"
    if result.returncode:
        return None, result.stderr.strip()
    return json.loads(result.stdout), result.stderr.strip()


def compare(ours, theirs, path=""):
    """Where two models differ, or None."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                return f"{path}.{key}: {'not ours' if key not in ours else 'ours alone'}"
            found = compare(ours[key], theirs[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return next(filter(None, (compare(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(ours, theirs)))), None)
    return None if ours == theirs else f"{path}: ours {json.dumps(ours)}, theirs {json.dumps(theirs)}"


def judge(args, sections):
    """Why the answers differ, or None."""
    words, env = run.compose_call(sections)
    with tempfile.TemporaryDirectory(prefix="skiff-case-") as home:
        project = pathlib.Path(home) / "project"
        project.mkdir()
        run.write_files(project, sections.get("INPUT", ""))
        words = words + ["--format", "json"]
        ours, said = call(args.compose, words, env, project, False)
        theirs, their_words = call(args.oracle, words, env, project, True)
    if (ours is None) != (theirs is None):
        return f"ours {'refuses: ' + said if ours is None else 'accepts'}, theirs " \
               f"{'refuses: ' + their_words if theirs is None else 'accepts'}"
    return compare(ours, theirs)


def wanted(sections):
    """Does the case print a model? Of a bomb the machine's speed decides whether the oracle ends in time."""
    words, _ = run.compose_call(sections)
    if "too many values" in sections.get("ERROR", ""):
        return False
    return "config" in words and not any(PRINTS_SOMETHING_ELSE.match(word) for word in words)


def main():
    """Run all cases, or those whose name holds one of the words given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compose", required=True)
    parser.add_argument("--oracle", default=os.environ.get("SKIFF_COMPOSE_ORACLE") or shutil.which("docker-compose"))
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    args.compose = os.path.abspath(args.compose)
    cases = [(path.stem, name, sections) for path in sorted((pathlib.Path(__file__).parent / "compose").glob("*.case"))
             for _, name, sections in run.parse(path) if wanted(sections)]
    cases = [case for case in cases if not args.names or any(word in case[1] for word in args.names)]
    if not args.oracle or not os.access(args.oracle, os.X_OK):
        print(f"1..0 # SKIP no docker-compose: {len(cases)} comparisons skipped")
        return 77
    failed = known = 0
    for number, (stem, name, sections) in enumerate(cases, 1):
        why = judge(args, sections)
        expected = "ORACLE" in sections
        bad = (why is None) == expected
        failed += bad
        known += expected
        print(f"{'not ok' if bad else 'ok'} {number} {stem}: {name}" + (" # differs, known" if expected else ""))
        if bad:
            print("".join(f"# {line}\n" for line in (why or "alike, but @ORACLE says they differ").splitlines()), end="")
    print(f"1..{len(cases)}")
    print(f"# {len(cases) - known} alike, {known} known differences, {failed} failed", file=sys.stderr)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
