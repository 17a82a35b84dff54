# SPDX-License-Identifier: Apache-2.0
"""The table of figures: where the code stands against the aims of the house style. For the eye only."""

import functools
import re
import shutil
import subprocess

from sources import PRODUCT, TOP, c_files, code, comment_ends, files, text, without_comments

# What runs between clone and execve, where goto is allowed.
BELOW_EXEC_LINE = re.compile(r"^libpod/runtime/")

# Without a semicolon behind them they look like the head of the function that follows.
IGNORED = ("-I", "G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC+", "-I", "G_DEFINE_AUTOPTR_CLEANUP_FUNC+",
           "-I", "G_DEFINE_AUTO_CLEANUP_FREE_FUNC+")


def percentile(values, share):
    """The value below which that share of a list lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


@functools.lru_cache(maxsize=None)
def functions():
    """(file, name, first line, last line, is static) of every function of the product, by universal-ctags."""
    names = [name for name in c_files(*PRODUCT) if name.endswith(".c")]
    if shutil.which("ctags") is None or not names:
        return None
    done = subprocess.run(["ctags", "--languages=C", "--kinds-C=f", "--fields=nef", "-u", *IGNORED, "-f", "-", *names],
                          cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    found = []
    for line in done.stdout.splitlines():
        if line.startswith("!"):
            continue
        fields = line.split("\t")
        extra = dict(field.split(":", 1) for field in fields[3:] if ":" in field)
        if "line" in extra and "end" in extra:
            found.append((fields[1], fields[0], int(extra["line"]), int(extra["end"]), "file" in extra))
    return found


def depth_of(body):
    """The deepest nesting of braces in a function's body, its own not counted."""
    depth = deepest = 0
    for char in body:
        if char == "{":
            depth += 1
            deepest = max(deepest, depth)
        elif char == "}":
            depth -= 1
    return max(0, deepest - 1)


def code_lines(name):
    """Lines with code on them."""
    lines = code(name).splitlines() if name.endswith((".c", ".h")) else text(name).splitlines()
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#!"))


def own_includes(name):
    """The files of ours that a file includes."""
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', without_comments(name), re.M)


def include_depth(name, seen=()):
    """The longest chain of our own headers below a file."""
    if name in seen or not (TOP / name).is_file():
        return 0
    return max((1 + include_depth(child, (*seen, name)) for child in own_includes(name)), default=0)


def worst(pairs, count=3):
    """The largest of (value, label) as text."""
    return ", ".join(f"{value} {label}" for value, label in sorted(pairs, reverse=True)[:count])


def columns(line):
    """The width of a line with tabs of 8."""
    return len(line.expandtabs(8))


def static_comments(found):
    """Of static functions over 12 lines: (those with a comment above, all, labels of those without)."""
    total, without = 0, []
    for name, function, start, end, static in found:
        if not static or end - start + 1 <= 12:
            continue
        total += 1
        ends = comment_ends(name)
        # The return type may stand on a line of its own.
        if not {start - 1, start - 2} & ends:
            without.append((end - start + 1, f"{name}:{function}"))
    return total - len(without), total, without


def function_rows():
    """Rows about functions; one that says why if there is no ctags."""
    found = functions()
    if not found:
        return [("function figures", "universal-ctags is not installed, or there is no C yet", "", "")]
    lengths = [(end - start + 1, f"{name}:{function}") for name, function, start, end, _ in found]
    sizes = [length for length, _ in lengths]
    long = [pair for pair in lengths if pair[0] > 60]
    lines = {name: code(name).splitlines() for name in {entry[0] for entry in found}}
    depths = [(depth_of("\n".join(lines[name][start - 1:end])), f"{name}:{function}")
              for name, function, start, end, _ in found]
    commented, statics, without = static_comments(found)
    share = 100 * commented / statics if statics else 100
    return [
        ("function length, median / p90", f"{percentile(sizes, .5)} / {percentile(sizes, .9)}", "16 / 45", ""),
        ("functions over 60 lines; longest", f"{100 * len(long) / len(sizes):.1f} %; {max(sizes)}", "4 %; 100",
         worst(lengths)),
        ("brace depth, p90 / max", f"{percentile([d for d, _ in depths], .9)} / {max(d for d, _ in depths)}",
         "3 / 4", worst(depths)),
        ("statics over 12 lines with a comment", f"{share:.0f} % of {statics}", "95 %", worst(without)),
    ]


def file_rows():
    """Rows about files and lines."""
    names = c_files(*PRODUCT)
    if not names:
        return []
    lengths = [(text(name).count("\n"), name) for name in names]
    wide = [(sum(1 for line in text(name).splitlines() if columns(line) > 100), name) for name in names]
    return [
        ("file length, p90; longest", f"{percentile([n for n, _ in lengths], .9)}; {max(lengths)[0]}", "600; 800",
         worst(lengths)),
        ("lines over 100 columns", str(sum(n for n, _ in wide)), "0", worst([pair for pair in wide if pair[0]])),
    ]


def tree_rows():
    """Rows about tests, includes and goto."""
    product = sum(code_lines(name) for name in c_files(*PRODUCT))
    tests = sum(code_lines(name) for name in files() if name.startswith("tests/") and
                name.endswith((".c", ".h", ".py", ".case")))
    depths = [(include_depth(name), name) for name in c_files(*PRODUCT)]
    gotos = [(len(re.findall(r"\bgoto\b", code(name))), name) for name in c_files(*PRODUCT)
             if not BELOW_EXEC_LINE.match(name)]
    return [
        ("tests / product, lines of code", f"{tests / max(1, product):.2f} ({tests} / {product})", "0.8", ""),
        ("own-include depth", str(max((d for d, _ in depths), default=0)), "8", worst(depths)),
        ("goto above the exec line", str(sum(n for n, _ in gotos)), "0", worst([pair for pair in gotos if pair[0]])),
    ]


def show(extra_rows=()):
    """Print the table."""
    print(f"{'measure':40} {'here':24} {'aim':10} worst")
    for measure, here, aim, offenders in [*function_rows(), *file_rows(), *tree_rows(), *extra_rows]:
        print(f"{measure:40} {here:24} {aim:10} {offenders}")
