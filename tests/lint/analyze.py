#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Static analysis: gcc -fanalyzer, clang-tidy and cppcheck over the whole tree, in Debian 12's versions.

    tests/lint/analyze.py [--place DIRECTORY] [--jobs N] [TOOL ...] [FILE ...]

Tools: cppcheck tidy gcc clang (default: all). "tidy" is clang-tidy's bugprone and cert checks, "clang" its
path-sensitive analyzer, which takes longer than the others together: contrib/check leaves it out. DIRECTORY is
where the compilers' command lines are made (build-check/). Fails on every finding that no row of NOT_CHECKED or EXCEPTIONS explains, and on every row of
EXCEPTIONS that explains nothing any more, where all files are looked at.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from sources import TOP

# Whole checks that are off, and why.
NOT_CHECKED = {
    "tidy": {
        "bugprone-branch-clone": "style: a chain of cases may have two that end alike",
        "bugprone-easily-swappable-parameters": "style: that two neighbours are strings is no defect",
        "bugprone-implicit-widening-of-multiplication-result": "finds sizes such as 64 * 1024, which fit",
        "bugprone-narrowing-conversions": "finds letters and lengths of lines; -Wconversion's noise by another name",
        "bugprone-not-null-terminated-result": "finds headers of tar, frames and ELF, which have no NUL",
        "bugprone-sizeof-expression": "finds only g_clear_pointer(), which asks for the size of pointers",
        "cert-err33-c": "what is printed is checked once, at the end (output_flush)",
        "cert-err34-c": "sscanf reads the kernel's numbers, or fields of bounded width",
    },
    "clang": {
        "clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling":
            "asks for memcpy_s() and the like, which glibc has not",
    },
    "gcc": {
        "analyzer-null-argument": "as the next",
        "analyzer-null-dereference": "does not know that who fails sets the error, nor what GLib's containers hold: "
                                     "32 findings, of those in the product most read, no defect; clang's analyzer looks, too",
    },
    "cppcheck": {
        "assertWithSideEffect": "g_assert is never compiled out (b_ndebug, G_DISABLE_ASSERT)",
        "invalidFunctionArgBool": "_exit(x < 0) says 0 or 1",
        "invalidPrintfArgType_uint": "an unsigned short is promoted to a positive int",
        "readdirCalled": "readdir_r is deprecated; a DIR belongs to one thread",
        "varFuncNullUB": "NULL is (void *)0 in glibc, as wide as every pointer",
    },
}

# Findings that are none: tool, check, files, a part of the message, and why.
EXCEPTIONS = [
    ("clang", "core.NullDereference", "build/dockerfile_lex.c", "'lex'", "set before the line is read"),
    ("clang", "core.NullDereference", "build/scope.c", "'global'", "a scope has a global one, or is it"),
    ("clang", "core.NullDereference", "build/stages.c", "'stage'", "the first instruction looked at is a FROM"),
    ("clang", "core.NonNullParamChecker", "build/scope.c", "", "a variable in the table has a name"),
    ("clang", "deadcode.DeadStores", "build/solver_copy.c", "'own'", "freed at the end of the scope"),
    ("clang", "unix.Malloc", "build/stages.c", "size zero", "there is a stage"),
    ("clang", "unix.Malloc", "build/state.c", "'at'", "a step through a list that is freed at the end of the scope"),
    ("clang", "core.NullDereference", "libpod/image_view_diff.c", "'error'", "who fails sets the error"),
    ("clang", "core.NullDereference", "libpod/runtime/mounts.c", "'mount'", "plan_entry() fills it when it returns true"),
    ("clang", "core.NullDereference", "libpod/spec_parse_namespace.c", "'value'", "an option with a value has one"),
    ("clang", "core.NullDereference", "network/portmap.c", "'container_port'", "cut_parts() fills it when it returns true"),
    ("clang", "core.NullDereference", "storage/image.c", "'config'", "without a config there are no digests"),
    ("clang", "core.NullDereference", "storage/layer_child_main.c", "'lowers'", "the end of argv"),
    ("clang", "core.NullDereference", "storage/push_file.c", "'place'", "only for who has asked push_is_to_file()"),
    ("clang", "core.NonNullParamChecker", "libpod/copy.c", "", "plan_arrival() fills it when it returns true"),
    ("clang", "core.NonNullParamChecker", "storage/auth_helper.c", "", "a helper that has ended with 0 gave an answer"),
    ("clang", "core.NonNullParamChecker", "storage/signature.c", "", "a prefix that is there"),
    ("clang", "core.CallAndMessage", "network/uplink_responder.c", "", "accept4() has filled it in"),
    ("clang", "core.CallAndMessage", "storage/signature.c", "", "take_keys() fills the array when it returns true"),
    ("clang", "core.UndefinedBinaryOperatorResult", "network/uplink_dns.c", "", "both bytes have come"),
    ("clang", "core.UndefinedBinaryOperatorResult", "storage/tar_unpack.c", "", "an entry has extents, or is its own"),
    ("clang", "deadcode.DeadStores", "libpod/container.c", "'ids'", "a lock that ends with its scope"),
    ("clang", "deadcode.DeadStores", "network/uplink_owner.c", "", "handed over: closed at the end of the scope"),
    ("clang", "deadcode.DeadStores", "libpod/monitor/protocol.c", "'order'", "handed over: cleared at the end of the scope"),
    ("clang", "unix.Malloc", "storage/http.c", "after it is freed", "http_transfer_free() takes it off the list"),
    ("tidy", "bugprone-integer-division", "cmd/progress.c", "", "cut to tenths of a second"),
    ("tidy", "bugprone-integer-division", "libpod/inspect_info.c", "", "cut to whole minutes"),
    ("tidy", "bugprone-reserved-identifier", "contrib/hello/hello.c", "_start", "where the kernel begins"),
    ("tidy", "bugprone-signed-char-misuse", "tests/*", "", "g_assert_cmpint() of two letters"),
    ("tidy", "bugprone-suspicious-missing-comma", "build/agent.c", "", "a path that ends in a macro"),
    ("tidy", "bugprone-suspicious-missing-comma", "tests/unit/*", "", "rows in two parts"),
    ("gcc", "analyzer-use-of-uninitialized-value", "build/copy_write.c", "times[1]", "set in the same statement"),
    ("gcc", "analyzer-use-of-uninitialized-value", "*", "*(void **)&",
     "a g_autofree that starts as NULL and is handed out as &x or NULL: gcc 12 forgets the NULL"),
    ("cppcheck", "compareBoolExpressionWithInt", "libpod/monitor/monitor_hosts.c", "", "once, or twice with IPv6"),
    ("cppcheck", "invalidFunctionArg", "libpod/rootless.c", "write()", "of -1 it is an error that nobody can be told"),
    ("cppcheck", "invalidFunctionArg", "tests/unit/base/test_spawn.c", "dup2()", "-1 was asked about before"),
    ("cppcheck", "leakReturnValNotUsed", "cmd/skiff/main.c", "open", "stays open: it is standard input, output or error"),
    ("cppcheck", "leakReturnValNotUsed", "tests/unit/storage/test_tar_ring.c", "mmap", "must fail"),
    ("cppcheck", "memleak", "build/solver_mounts.c", "path", "is returned"),
    ("cppcheck", "memleak", "cmd/compose/export_kube.c", "id", "belongs to the table, also if it was there"),
    ("cppcheck", "nullPointerRedundantCheck", "storage/registries_conf.c", "registry", "'rewrites' implies it"),
    ("cppcheck", "uninitvar", "libpod/inspect.c", "names", "listed by the loop before"),
    ("cppcheck", "uninitvar", "storage/tar_ring.c", "message.slot", "read whole by the loop before"),
    ("cppcheck", "uninitvar", "tests/unit/storage/test_inflate.c", "packers", "an array with its values"),
]

# What cppcheck cannot see, as it reads no header of the system (no ';' in them). accept4() may be given NULL, whatever it believes.
DEFINES = ("G_GNUC_PRINTF(a,b)=", "G_BEGIN_DECLS=", "G_END_DECLS=", "G_N_ELEMENTS(a)=(sizeof(a)/sizeof((a)[0]))",
           "MIN(a,b)=((a)<(b)?(a):(b))", "MAX(a,b)=((a)>(b)?(a):(b))", "TRUE=1", "FALSE=0", "G_DEFINE_QUARK(a,b)=", "accept4(a,b,c,d)=accept_any(a,d)",
           "json_object_object_foreach(o,k,v)=while(o)", "__x86_64__=1")

FINDING = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?:\d+:)? (?:warning|error|style|portability): "
                     r"(?P<text>.*) \[(?:-W)?(?P<check>[\w.,-]+)\]$", re.M)


def database(place, compiler):
    """The compilers' command lines for each file: {path below TOP: entry}."""
    directory = place / f"analyze-{compiler}"
    again = ["--reconfigure"] if (directory / "build.ninja").exists() else []
    subprocess.run(["meson", "setup", *again, directory, TOP], env=dict(os.environ, CC=compiler), check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    found = {}
    for entry in json.loads((directory / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        generated = path.is_relative_to(place.resolve())
        if path.is_relative_to(TOP) and path.suffix == ".c" and not generated:
            found.setdefault(str(path.relative_to(TOP)), entry)
    return found


def tidy(tool, checks):
    """clang-tidy with these checks and no others."""
    def command(name, entry):
        chosen = ",".join(["-*", *checks, *[f"-{check}" for check in NOT_CHECKED[tool]]])
        return ["clang-tidy-14", "--quiet", "-p", entry["directory"], f"--checks={chosen}", TOP / name], entry["directory"]
    return command


def analyzer(_name, entry):
    """gcc as it compiles the file, with the analyzer and without an object."""
    words = shlex.split(entry["command"])
    words[words.index("-o") + 1] = "/dev/null"
    for at, word in enumerate(words):
        if word in ("-MD", "-Werror"):
            words[at] = "-w"
        elif word in ("-MQ", "-MF"):
            words[at:at + 2] = ["-w", "-w"]
    words = [word for word in words if word != "-w" and not word.startswith("-fdiagnostics")]
    return [*words, "-fanalyzer", *[f"-Wno-{check}" for check in NOT_CHECKED["gcc"]], "-fdiagnostics-plain-output", "-fdiagnostics-path-format=none"], entry["directory"]


def cppcheck(name, _entry):
    """cppcheck with the headers of the tree."""
    return ["cppcheck", "--quiet", "--enable=warning,portability", "--inline-suppr", "--std=c11", "--library=posix,gnu,gtk",
            *[f"--suppress={check}" for check in NOT_CHECKED["cppcheck"]],
            "--template={file}:{line}: warning: {message} [{id}]", "--suppress=*:*.h", "-I.",
            *[f"-D{define}" for define in DEFINES], name], TOP


# Other versions find other things: Debian 12's.
VERSIONS = {"cppcheck": "2.10", "clang-tidy-14": "14", "gcc": "12"}

# name: (program, whose command lines, the command)
TOOLS = {
    "cppcheck": ("cppcheck", "gcc", cppcheck),
    "tidy": ("clang-tidy-14", "clang", tidy("tidy", ["bugprone-*", "cert-*"])),
    "gcc": ("gcc", "gcc", analyzer),
    "clang": ("clang-tidy-14", "clang", tidy("clang", ["clang-analyzer-*"])),
}


def missing(tool):
    """Why a tool cannot be used here; None if it can."""
    program = TOOLS[tool][0]
    if shutil.which(program) is None:
        return f"'{program}' is not installed"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = VERSIONS[program]
    return None if re.search(rf"\b{re.escape(version)}\b", said) else f"this is not '{program}' {version}"


def look(tool, name, entry):
    """One tool at one file. Returns its findings: (file, line, check, text)."""
    argv, directory = TOOLS[tool][2](name, entry)
    done = subprocess.run(list(map(str, argv)), cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", check=False)
    found = set()
    for match in FINDING.finditer(done.stdout + done.stderr):
        path = Path(directory, match["file"]).resolve()
        # A finding in a macro of the system's is one of the file that uses it.
        ours = path.is_relative_to(TOP)
        found.add((str(path.relative_to(TOP)) if ours else name, int(match["line"]) if ours else 0, match["check"],
                   match["text"]))
    if done.returncode and not found:
        found.add((name, 0, "failed", f"exit code {done.returncode}: {(done.stderr or done.stdout)[-500:]}"))
    return found


def explained(tool, finding, used):
    """Is there a row for it?"""
    name, _line, check, text = finding
    # Neither cppcheck nor clang 14 knows what is done at the end of a scope.
    leaked = re.match(r"(?:Resource leak: |Potential leak of memory pointed to by ')(\w+)", text)
    if leaked and re.search(rf"\b(?:autofd|g_auto\w*(?:\(\w+\))?) [^;]*\b{leaked[1]}\b", (TOP / name).read_text()):
        return True
    for row in EXCEPTIONS:
        if row[0] == tool and row[1] in check and fnmatch.fnmatch(name, row[2]) and row[3] in text:
            used.add(row)
            return True
    return False


def run(tool, options, used):
    """One tool over all files. Returns the number of findings."""
    _program, compiler, _command = TOOLS[tool]
    if reason := missing(tool):
        print(f"{tool}: skipped: {reason}", flush=True)
        return 0
    begin = time.monotonic()
    entries = database(options.place, compiler)
    names = [name for name in sorted(entries) if not options.files or name in options.files]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        found = sorted(set().union(*pool.map(lambda name: look(tool, name, entries[name]), names)))
    bad = [finding for finding in found if not explained(tool, finding, used)]
    for name, line, check, text in bad:
        print(f"{name}:{line}: {text} [{check}]")
    print(f"{tool}: {len(names)} files, {len(found) - len(bad)} findings explained, {len(bad)} not, "
          f"{time.monotonic() - begin:.0f} s", flush=True)
    return len(bad)


def main():
    """Parse the command line and run the tools."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--place", type=Path, default=TOP / "build-check")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    tools = [word for word in options.words if word in TOOLS] or list(TOOLS)
    options.files = [word for word in options.words if word not in TOOLS]
    if strange := [name for name in options.files if not (TOP / name).is_file()]:
        sys.exit(f"'{strange[0]}' is neither a tool ({', '.join(TOOLS)}) nor a file of the tree")
    used = set()
    count = sum(run(tool, options, used) for tool in tools)
    for row in EXCEPTIONS:
        if not options.files and row[0] in tools and row not in used and not missing(row[0]):
            print(f"{row[2]}: the exception for {row[1]} explains nothing any more")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
