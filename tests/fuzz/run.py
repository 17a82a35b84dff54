#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Long runs of the fuzz targets with clang's engine, one at a time; prints a row of THREAT_MODEL.md's table for each.

    CC=clang meson setup -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false BUILD && ninja -C BUILD
    tests/fuzz/run.py --work DIRECTORY [--seconds N] [--seed N] BUILD [TARGET ...]
    tests/fuzz/run.py --work DIRECTORY --take [--most N] BUILD [TARGET ...]

DIRECTORY keeps what the engine found: TARGET/ its inputs, TARGET-findings/ what crashed, took too long or ate too much,
TARGET.log its words. --take adds to the corpus in the tree what reaches code that nothing there reaches, the smallest
first, until it has --most files: fewer for a slow target, as every check runs 128 variants of each. Not as root: the extractor's target makes files. Exit code 1 after a finding.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

BYTES_MAX = 300 << 10
# What one file may have to be taken: more than this makes the plain run slow.
FILE_MAX = 8 << 10

MEMORY_MB = 2048
INPUT_SECONDS = 10

ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:allocator_may_return_null=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    # GLib's tests are assertions of the targets: they abort.
    "G_DEBUG": "fatal-criticals",
}


# As in skiff, root of a user namespace: files without mode bits can be read there.
AS_ROOT = ("tar_unpack",)


def engine(program, *arguments, log, timeout=None):
    """Run a target with the engine's options; its words go to the log. Returns (exit code, words)."""
    way = ["unshare", "--map-root-user"] if program.name.removeprefix("fuzz-") in AS_ROOT else []
    with open(log, "wb") as out:
        done = subprocess.run([*way, program, f"-rss_limit_mb={MEMORY_MB}", f"-timeout={INPUT_SECONDS}", *map(str, arguments)],
                              stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=timeout,
                              env={**os.environ, **ENVIRONMENT}, preexec_fn=lambda: os.nice(15), check=False)
    return done.returncode, pathlib.Path(log).read_text(encoding="utf-8", errors="replace")


def fuzz(options, name):
    """One long run. Returns the number of findings."""
    program = options.build / f"tests/fuzz/fuzz-{name}"
    found, findings = options.work / name, options.work / f"{name}-findings"
    found.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    before = set(findings.iterdir())
    code, words = engine(program, f"-max_total_time={options.seconds}", f"-seed={options.seed}", "-print_final_stats=1",
                         f"-artifact_prefix={findings}/", found, HERE / "corpus" / name,
                         log=options.work / f"{name}.log", timeout=options.seconds + 600)
    new = sorted(set(findings.iterdir()) - before)
    executed = re.findall(r"^stat::number_of_executed_units: (\d+)", words, re.M)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", words)
    took = re.findall(r"^Done \d+ runs in (\d+) second", words, re.M)
    if not executed or not covered or (code != 0) != bool(new):
        sys.exit(f"{name}: exit code {code}\n{words[-3000:]}")
    print(f"| {name} | {int(executed[0]):,} | {took[0] if took else 'ended by a finding'} | {options.seed} | {covered[-1][0]} "
          f"| {covered[-1][1]} | {covered[-1][2]} | {len(new)} |", flush=True)
    for path in new:
        print(f"  finding: {path.name}: {path.stat().st_size} bytes", flush=True)
    return len(new)


def take(options, name):
    """Add what reaches more to the corpus in the tree."""
    corpus = HERE / "corpus" / name
    program = options.build / f"tests/fuzz/fuzz-{name}"
    with tempfile.TemporaryDirectory(dir=options.work) as place:
        merged = pathlib.Path(place) / name
        shutil.copytree(corpus, merged)
        had = {path.name for path in merged.iterdir()}
        code, words = engine(program, "-set_cover_merge=1", "-use_counters=0", f"-max_len={FILE_MAX}", merged, options.work / name,
                             log=options.work / f"{name}-merge.log")
        if code != 0:
            sys.exit(f"{name}: merge: exit code {code}\n{words[-3000:]}")
        files, size = len(had), sum(path.stat().st_size for path in corpus.iterdir())
        new = sorted((path for path in merged.iterdir() if path.name not in had), key=lambda path: path.stat().st_size)
        taken = 0
        for path in new:
            if files >= options.most or size + path.stat().st_size > BYTES_MAX:
                break
            # The engine's names are whole SHA-1 sums; a corpus of some tens needs less.
            shutil.copyfile(path, corpus / f"found-{path.name[:12]}")
            files, size, taken = files + 1, size + path.stat().st_size, taken + 1
    print(f"{name}: {taken} of {len(new)} taken, now {files} files, {size >> 10} KiB", flush=True)
    return 0


def main():
    """Parse the command line and run the targets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--take", action="store_true")
    parser.add_argument("--most", type=int, default=60)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    if os.geteuid() == 0:
        sys.exit("Not as root: the extractor's target makes files.")
    known = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))
    names = options.targets or known
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"There is no target '{unknown[0]}': {', '.join(known)}")
    if not options.take:
        print("| target | executions | seconds | seed | edges | features | inputs kept | findings |\n"
              "|---|---|---|---|---|---|---|---|", flush=True)
    return 1 if sum((take if options.take else fuzz)(options, name) for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
