#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that fail a build, and the table of figures.

    python3 tests/lint/lint.py [--no-format] [--no-figures] [--skiff PROGRAM]

Fails on: an include that points upwards or sideways, a path-string call where paths are foreign, an
undocumented exported function, a private header included by strangers, a path of somebody's machine, a
missing SPDX line, unformatted C (clang-format 14, Debian 12's), an option without help or not in its
man page, a run table that the code does not follow. A line may carry an allowance with its reason:
    /* lint: allow open: why */
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import figures
from sources import PRODUCT, TOP, c_files, code, comment_ends, files, text, without_comments

# A folder and what it may include besides itself.
SEES = {
    "libpod/base": [],
    "storage": ["libpod/base"],
    "network": ["libpod/base"],
    "libpod/runtime": ["libpod/base"],
    "libpod/monitor": ["libpod/base", "libpod/runtime", "network"],
    "libpod": ["libpod/base", "storage", "network", "libpod/runtime", "libpod/monitor"],
    "build": ["libpod/base", "storage", "network", "libpod/runtime", "libpod/monitor", "libpod"],
    "cmd": ["libpod/base", "storage", "network", "libpod/runtime", "libpod/monitor", "libpod", "build"],
}

# Calls that resolve a path string again (security R2), where paths come from images or users.
PATH_CALLS = ("open", "open64", "creat", "mkdir", "fopen", "freopen", "opendir", "realpath", "chown", "lchown",
              "chmod", "rename", "unlink", "rmdir", "symlink", "link", "mknod", "mkfifo", "remove", "truncate",
              "mount", "umount", "stat", "lstat", "utime", "utimes", "setxattr", "lsetxattr",
              "g_file_set_contents", "g_file_get_contents")
PATH_CALL_FOLDERS = re.compile(r"^(libpod/runtime/|storage/|build/|libpod/copy)")

# Calls that no file of ours makes.
BANNED_CALLS = ("system", "popen", "strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "atoi", "atol",
                "atoll", "alloca", "tmpnam", "mktemp", "tempnam")

CALL = re.compile(r"(?<![\w.>])(" + "|".join(PATH_CALLS + BANNED_CALLS) + r")\s*\(")
ALLOWANCE = re.compile(r"/\* lint: allow (\w+): \S[^*]*\*/")

# Put together, so that this file does not match itself.
MACHINE_PATHS = re.compile(r"(?<![\w./-])(?:" + "|".join([
    "/" + "(?:work|farm)/", "/" + "tmp/build-", "/mnt/" + "sandbox"]) + ")")

NEEDS_SPDX = re.compile(r"\.(c|h|py|sh)$|^meson\.build$|^contrib/(check|quickstart)$|^\.ci/run$")
CLANG_FORMAT = 14


class Findings:
    """What is wrong, printed as "file:line: text"."""

    def __init__(self):
        self.count = 0

    def add(self, name, line, message):
        """Print one finding."""
        print(f"{name}:{line}: {message}")
        self.count += 1


def folder_of(name):
    """The folder of the layer rule that a file or include belongs to, or None."""
    for folder in sorted(SEES, key=len, reverse=True):
        if name.startswith(folder + "/"):
            return folder
    return None


def line_at(string, offset):
    """The line number of an offset."""
    return string.count("\n", 0, offset) + 1


def check_includes(findings):
    """Include direction, full paths, private headers. Returns the number of upward includes."""
    upward = 0
    for name in c_files(*PRODUCT, "tests"):
        source = without_comments(name)
        folder = folder_of(name)
        for match in re.finditer(r'^[ \t]*#\s*include\s+"([^"]+)"', source, re.M):
            target, line = match.group(1), line_at(source, match.start())
            if not (TOP / target).is_file():
                findings.add(name, line, f"'{target}' is not a path from the top of the tree")
                continue
            seen = folder_of(target)
            if folder and seen and seen != folder and seen not in SEES[folder]:
                upward += 1
                findings.add(name, line, f"{folder} must not include '{target}' of {seen}")
            check_private(findings, name, line, target)
    return upward


def check_private(findings, name, line, target):
    """x_priv.h belongs to the files of its folder that start with x (and to their unit tests)."""
    folder, _, base = target.rpartition("/")
    if not base.endswith("_priv.h"):
        return
    family = base.removesuffix("_priv.h")
    own_folder, _, own = name.rpartition("/")
    if own.removeprefix("test_").startswith(family) and (own_folder == folder or name.startswith("tests/")):
        return
    if name.startswith("tests/fuzz/"):
        return
    findings.add(name, line, f"'{target}' is private to files that start with '{family}'")


def check_calls(findings):
    """Banned calls, minus the lines that carry an allowance. Returns the number of allowances."""
    allowances = 0
    for name in c_files(*PRODUCT):
        lines = text(name).splitlines()
        source = code(name)
        for match in CALL.finditer(source):
            call = match.group(1)
            if call in PATH_CALLS and not PATH_CALL_FOLDERS.match(name):
                continue
            line = line_at(source, match.start())
            allowed = {found.group(1) for near in lines[max(0, line - 2):line] for found in ALLOWANCE.finditer(near)}
            if call in allowed:
                allowances += 1
            elif not is_declaration(source, match):
                findings.add(name, line, f"'{call}' is banned here: use libpod/base/path.h or the *at() form")
    return allowances


def is_declaration(source, match):
    """A field, prototype or definition of the same name rather than a call: a type stands before it."""
    before = source[source.rfind("\n", 0, match.start()) + 1:match.start()]
    return re.search(r"\b(?!return\b|else\b|case\b|do\b)\w+[ \t*]+$", before) is not None


PROTOTYPE = re.compile(r"^(?!static\b|typedef\b|struct\b|enum\b|union\b|extern \"C\"|return\b|G_DEFINE|#|\s|/|\}|\*)"
                       r"[A-Za-z_][\w \t*]*?\b([a-z_]\w*)\s*\(", re.M)


# What these do and that they take NULL is said once for all, in HACKING.md.
SELF_EXPLAINING = re.compile(r"_(free|clear|unref|quark)$")


def check_docs(findings):
    """Prototypes in headers have a comment directly above them or above their group. Returns (documented, all)."""
    documented = total = 0
    for name in c_files(*PRODUCT):
        if not name.endswith(".h"):
            continue
        ends = comment_ends(name)
        source = code(name)
        lines = source.splitlines()
        for match in PROTOTYPE.finditer(source):
            if SELF_EXPLAINING.search(match.group(1)):
                continue
            total += 1
            line = line_at(source, match.start())
            top = line
            # A group is what stands without a blank line or comment between.
            while top > 1 and lines[top - 2].strip() and top - 1 not in ends:
                top -= 1
            if top - 1 in ends and text(name).splitlines()[top - 2].strip():
                documented += 1
            else:
                findings.add(name, line, f"'{match.group(1)}' is exported and has no comment above it")
    return documented, total


def check_texts(findings):
    """Paths of machines and SPDX lines."""
    for name in files():
        content = text(name)
        if NEEDS_SPDX.search(name) and "SPDX-License-Identifier: Apache-2.0" not in content[:400]:
            findings.add(name, 1, "no SPDX line")
        if "\0" in content[:8192]:
            continue
        for match in MACHINE_PATHS.finditer(content):
            findings.add(name, line_at(content, match.start()), f"a path of somebody's machine: '{match.group(0)}'")


def check_format(findings):
    """clang-format over all C files. Returns a word for the summary."""
    program = shutil.which(f"clang-format-{CLANG_FORMAT}") or shutil.which("clang-format")
    if program is None:
        return f"skipped: clang-format-{CLANG_FORMAT} is not installed"
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\d+)", version)
    if not found or int(found.group(1)) != CLANG_FORMAT:
        return f"skipped: this is clang-format {found.group(1) if found else '?'}, the tree uses {CLANG_FORMAT}"
    names = c_files(*PRODUCT, "tests")
    bad = 0
    for start in range(0, len(names), 40):
        done = subprocess.run([program, "--dry-run", "-Werror", *names[start:start + 40]], cwd=TOP,
                              capture_output=True, text=True, check=False)
        for name in sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", done.stderr, re.M))):
            bad += 1
            findings.add(name, 1, "not formatted: run clang-format -i on it")
    return f"{len(names)} files, {bad} unformatted"


def table_steps(findings):
    """{(step, function)} of the run table in ARCHITECTURE.md, or None if it has none."""
    if not (TOP / "ARCHITECTURE.md").is_file():
        return None
    steps = set()
    for line, row in enumerate(text("ARCHITECTURE.md").splitlines(), 1):
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if not row.startswith("|") or len(cells) < 3 or not cells[0].isdigit():
            continue
        named = [word for word in re.findall(r"`([a-z_]\w*)(?:\(\))?`", cells[2]) if "_" in word or word == "main"]
        if not named:
            findings.add("ARCHITECTURE.md", line, f"step {cells[0]} of the run table names no function")
        steps |= {(int(cells[0]), function) for function in named}
    return steps or None


def code_steps():
    """{(step, function): (file, line)} of the comments that say "Run, step N."."""
    steps = {}
    for name in c_files(*PRODUCT):
        content = text(name)
        for comment in re.finditer(r"/\*.*?\*/", content, re.S):
            step = re.search(r"Run, step (\d+)\.", comment.group(0))
            # A file's own comment speaks of the module; its functions say which of them it is.
            if not step or not re.search(r"^[ \t]*#", content[:comment.start()], re.M):
                continue
            named = re.search(r"^\W*(\w+)\(\) - ", comment.group(0), re.M)
            following = re.match(r"\s*[^;{(]*?(\w+)\s*\(", content[comment.end():])
            function = named.group(1) if named else following.group(1) if following else "?"
            steps[(int(step.group(1)), function)] = (name, line_at(content, comment.start()))
    return steps


def check_run_table(findings):
    """ARCHITECTURE.md's run table and the "Run, step N." comments say the same."""
    in_table = table_steps(findings)
    in_code = code_steps()
    if in_table is None:
        return
    for step, function in sorted(in_table - set(in_code)):
        findings.add("ARCHITECTURE.md", 1, f"step {step}: '{function}' has no comment 'Run, step {step}.' in the code")
    for step, function in sorted(set(in_code) - in_table):
        name, line = in_code[(step, function)]
        findings.add(name, line, f"'{function}' says 'Run, step {step}.' and is not in ARCHITECTURE.md's table")


def check_options(findings, program):
    """Every option that skiff has is explained, and stands in the man page of its command.

    PROGRAM prints all rows with "help --dump-options". Man pages are those that the build made beside
    it. Returns a word for the summary.
    """
    if program is None:
        return "skipped: no program given (--skiff)"
    done = subprocess.run([program, "help", "--dump-options"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"skipped: '{program}' does not dump its options"
    rows = json.loads(done.stdout)
    pages = Path(program).resolve().parents[1] / "contrib/man"
    count = 0
    for command in [{"paths": ["skiff"], "summary": "-", "options": rows["global"]}, *rows["commands"]]:
        name = command["paths"][0]
        if not command.get("summary") and not command.get("hidden"):
            findings.add("cmd", 1, f"command '{name}' has no summary")
        page = pages / f"{command.get('page')}.1.scd"
        manual = page.read_text(encoding="utf-8").replace("\\", "") if page.is_file() else None
        if manual is None and pages.is_dir() and name != "skiff" and not command["hidden"]:
            findings.add("contrib/man", 1, f"'{name}' has no man page: it is not in meson.build")
        for option in command["options"]:
            if not option["supported"] or option["hidden"]:
                continue
            count += 1
            if not option.get("help"):
                findings.add("cmd", 1, f"option '--{option['name']}' of '{name}' has no help")
            if manual is not None and f"--{option['name']}" not in manual:
                findings.add("contrib/man", 1, f"the man page of '{name}' lacks '--{option['name']}'")
    return f"{count} options, man pages {'read' if pages.is_dir() else 'not built'}"


def main():
    """Run all checks. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Static checks of the tree.")
    parser.add_argument("--no-format", action="store_true", help="leave clang-format out")
    parser.add_argument("--no-figures", action="store_true", help="leave the table of figures out")
    parser.add_argument("--skiff", metavar="PROGRAM", help="the built program, for checking its options")
    options = parser.parse_args()
    findings = Findings()
    upward = check_includes(findings)
    allowances = check_calls(findings)
    documented, exported = check_docs(findings)
    check_texts(findings)
    check_run_table(findings)
    words = {"options": check_options(findings, options.skiff)}
    words["format"] = "left out" if options.no_format else check_format(findings)
    if not options.no_figures:
        share = 100 * documented / max(1, exported)
        figures.show([("exported functions documented", f"{share:.0f} % of {exported}", "100 %", ""),
                      ("upward includes between folders", str(upward), "0", ""),
                      ("allowances of banned calls", str(allowances), "", "")])
    for what, word in words.items():
        print(f"{what}: {word}")
    print(f"lint: {findings.count} findings")
    return 1 if findings.count else 0


if __name__ == "__main__":
    sys.exit(main())
