#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs tests/cases/GRAMMAR/*.case, in TAP.

A file holds cases. A case starts with "@CASE name" and has sections:
  @ARGS    words as a shell splits them; $HOME is an empty directory, for --root and --runroot
  @INPUT   standard input
  @EXPECT  standard output, exactly
  @ERROR   standard error, exactly; its presence means that the program must fail
  @EXIT    the exit code (default: 0, or any other than 0 with @ERROR)
  @ORACLE  "compose" only: why another program's answer is another one, see compose_oracle.py
A section's text may start on its own line or below it. --update rewrites @EXPECT, @ERROR and @EXIT.

"help" cases run the skiff program, "compose" ones skiff-compose, all others the driver with the folder's name as first
argument. The @INPUT of a "compose" case is compose.yaml in a directory of its own, up to a line "#> NAME" that starts
the next file; NAME=VALUE words in front of @ARGS are its environment.
"""
import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SECTIONS = ("ARGS", "INPUT", "ORACLE", "EXPECT", "ERROR", "EXIT")


def parse(path):
    """[(comment lines before, name, {section: text})]"""
    cases, head, section = [], [], None
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "@CASE":
            cases.append((head, rest, {}))
            head, section = [], None
        elif word[:1] == "@" and word[1:] in SECTIONS:
            section = word[1:]
            cases[-1][2][section] = rest + "\n" if rest else ""
        elif section is None or (line.startswith("#!")):
            head.append(line)
        else:
            cases[-1][2][section] += line + "\n"
    return cases


def section_text(text):
    """Text without the blank lines that set cases apart."""
    text = text.rstrip("\n")
    return text + "\n" if text else ""


def run_case(args, grammar, sections):
    """Run one case in a directory of its own for what it stores."""
    with tempfile.TemporaryDirectory(prefix="skiff-case-") as home:
        return run_in(home, args, grammar, sections)


def write_files(directory, text):
    """The files of a "compose" case, and what is standard input: the whole text where compose.yaml is not asked for."""
    name, lines = "compose.yaml", []
    for line in text.splitlines() + ["#> "]:
        if not line.startswith("#> "):
            lines.append(line)
            continue
        if lines:
            path = pathlib.Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
        name, lines = line[3:], []


def compose_call(sections):
    """(words, environment) of a "compose" case."""
    words, env = shlex.split(sections.get("ARGS", "")), {}
    while words and "=" in words[0] and not words[0].startswith("-"):
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    return words or ["config"], env


def run_compose(home, args, sections):
    """Run skiff-compose in a project of the case's files; the directory's name is not part of what is compared."""
    project = pathlib.Path(home) / "project"
    project.mkdir()
    write_files(project, sections.get("INPUT", ""))
    words, more = compose_call(sections)
    env = {"PATH": "/usr/bin:/bin", "HOME": "/home/user", "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "80"}
    env.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}, **more)
    result = subprocess.run([os.path.abspath(args.compose)] + [word.replace("$HOME", home) for word in words], cwd=project,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, timeout=20)
    # A sanitizer's options are not of the case.
    result.stdout = re.sub(r"(?m)^[A-Z]*SAN_OPTIONS=.*\n", "", result.stdout.replace(home, "$HOME"))
    result.stderr = result.stderr.replace(home, "$HOME")
    return result


def run_in(home, args, grammar, sections):
    if grammar == "compose":
        return run_compose(os.path.realpath(home), args, sections)
    program = [args.skiff] if grammar == "help" else [args.driver, grammar]
    words = [word.replace("$HOME", home) for word in shlex.split(sections.get("ARGS", ""))]
    env = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
           "TZ": "UTC", "COLUMNS": "80"}
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    return subprocess.run(program + words, input=section_text(sections.get("INPUT", "")),
                          capture_output=True, text=True, env=env, timeout=20)


def judge(sections, result):
    """Why the case fails, or None."""
    wanted = section_text(sections.get("EXPECT", ""))
    if section_text(result.stdout) != wanted:
        return f"output:\n{result.stdout}wanted:\n{wanted}"
    wanted = section_text(sections.get("ERROR", ""))
    if section_text(result.stderr) != wanted:
        return f"errors:\n{result.stderr}wanted:\n{wanted}"
    if "EXIT" in sections:
        if result.returncode != int(sections["EXIT"]):
            return f"exit code {result.returncode}"
    elif (result.returncode != 0) != ("ERROR" in sections):
        return f"exit code {result.returncode}"
    return None


def rewrite(path, cases):
    lines = []
    for head, name, sections in cases:
        lines += head + [f"@CASE {name}"]
        for key in SECTIONS:
            if key not in sections:
                continue
            text = sections[key].rstrip("\n")
            if key in ("EXPECT", "INPUT", "ERROR") and "\n" in text:
                lines += [f"@{key}", text]
            else:
                lines.append(f"@{key} {text}" if text else f"@{key}")
        lines.append("")
    path.write_text("\n".join(lines).rstrip("\n") + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", required=True)
    parser.add_argument("--skiff", default="")
    parser.add_argument("--compose", default="")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("grammars", nargs="*")
    args = parser.parse_args()
    here = pathlib.Path(__file__).parent
    number = failed = 0
    for folder in sorted(p for p in here.iterdir() if p.is_dir()):
        if (args.grammars and folder.name not in args.grammars) or folder.name.startswith("_"):
            continue
        for path in sorted(folder.glob("*.case")):
            cases = parse(path)
            for _, name, sections in cases:
                number += 1
                result = run_case(args, folder.name, sections)
                why = judge(sections, result)
                if why and args.update:
                    sections.pop("ERROR", None)
                    sections["EXPECT"] = result.stdout
                    if result.stderr or result.returncode:
                        sections["ERROR"] = result.stderr
                    if "EXIT" in sections:
                        sections["EXIT"] = str(result.returncode)
                    why = None
                failed += why is not None
                print(f"{'not ok' if why else 'ok'} {number} {folder.name}/{path.stem}: {name}")
                if why:
                    print("".join(f"# {line}\n" for line in why.splitlines()), end="")
            if args.update:
                rewrite(path, cases)
    print(f"1..{number}")
    return 1 if failed or number == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
