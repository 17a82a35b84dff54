# SPDX-License-Identifier: Apache-2.0
"""The tree as lint sees it: which files there are, and C without comments and strings."""

import functools
import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

PRODUCT = ("libpod", "storage", "network", "build", "cmd", "contrib")

_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


@functools.lru_cache(maxsize=None)
def files():
    """Every file that is or could be committed, as paths relative to the top."""
    listed = subprocess.run(["git", "-C", str(TOP), "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return sorted({name for name in names if name and (TOP / name).is_file()})
    found = []
    for parent, directories, names in os.walk(TOP):
        directories[:] = [name for name in directories if not name.startswith((".git", "build-", "__pycache__"))]
        found += [os.path.relpath(os.path.join(parent, name), TOP) for name in names]
    return sorted(found)


def c_files(*tops):
    """The .c and .h files below the folders named."""
    return [name for name in files() if name.endswith((".c", ".h")) and name.startswith(tuple(f"{t}/" for t in tops))]


@functools.lru_cache(maxsize=None)
def text(name):
    """A file's text; bytes that are no UTF-8 are replaced."""
    return (TOP / name).read_bytes().decode(errors="replace")


def _blank(match):
    """Spaces of the same shape; the quotes of strings stay."""
    token = match.group(0)
    blank = re.sub(r"[^\n]", " ", token)
    if token[0] in "\"'":
        return token[0] + blank[1:-1] + token[-1] if len(token) > 1 else blank
    return blank


@functools.lru_cache(maxsize=None)
def code(name):
    """C with comments and the insides of strings blanked, line by line as before."""
    return _TOKENS.sub(_blank, text(name))


@functools.lru_cache(maxsize=None)
def without_comments(name):
    """C with comments blanked and strings kept, for includes."""
    return _TOKENS.sub(lambda match: match.group(0) if match.group(0)[0] in "\"'" else _blank(match), text(name))


def comment_ends(name):
    """Numbers of the lines (from 1) on which a comment ends with nothing behind it."""
    lines = text(name).splitlines()
    return {number for number, line in enumerate(lines, 1) if line.rstrip().endswith("*/") or
            line.lstrip().startswith("//")}
