# SPDX-License-Identifier: Apache-2.0
"""What the compiler and the linker were to put into the installed programs is there; no file has a set-user-id bit."""

import os
import shutil
import stat
import subprocess
import unittest

from tests.support.skiff import prefix

# Programs with a fixed address, and why.
NO_PIE = {
    "skiff-monitor": "one per container: relocations would dirty pages in each of them",
    "skiff-quadlet": "runs at each boot and reload, on files of the administrator and of the user",
}


def elf_files():
    """All ELF files that are installed."""
    for parent, _, names in os.walk(prefix()):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


@unittest.skipUnless(shutil.which("readelf"), "readelf is not installed")
class Hardening(unittest.TestCase):
    def read(self, *args):
        """What readelf says."""
        return subprocess.run(["readelf", "-W", *args], check=True, capture_output=True, text=True).stdout

    def check(self, path):
        """One program."""
        name = os.path.basename(path)
        segments, dynamic, symbols = self.read("-l", path), self.read("-d", path), self.read("-s", path)
        position_independent = "Type:                              DYN" in self.read("-h", path)
        # A sanitizer build is all dynamic, and has neither FORTIFY nor the exceptions.
        sanitized = "__asan_init" in symbols
        self.assertEqual(position_independent, sanitized or name not in NO_PIE, "PIE")
        if "INTERP" in segments or position_independent:
            self.assertRegex(dynamic, r"BIND_NOW|\bNOW\b", "symbols are bound before the program runs")
        self.assertIn("GNU_RELRO", segments)
        self.assertRegex(segments, r"GNU_STACK .* RW +0x", "no executable stack")
        self.assertNotRegex(segments, r"LOAD .* RWE ", "nothing writable and executable")
        self.assertNotRegex(dynamic, "RPATH|RUNPATH")
        self.assertIn("__stack_chk_fail", symbols)
        if not sanitized:
            self.assertRegex(symbols, r"__\w+_chk\b", "FORTIFY")

    def test_programs(self):
        """PIE, RELRO, binding at the start, stack protector, FORTIFY, stack."""
        names = set()
        for path in elf_files():
            names.add(os.path.basename(path))
            with self.subTest(os.path.basename(path)):
                self.check(path)
        self.assertLessEqual({"skiff", "skiff-monitor", "skiff-fetch", "skiff-layer", "skiff-uplink", "skiff-build"}, names)

    def test_no_special_bits(self):
        """No set-user-id, no set-group-id, no capabilities; nothing that others may write to."""
        for parent, directories, names in os.walk(prefix()):
            for name in [*directories, *names]:
                path = os.path.join(parent, name)
                if os.path.islink(path):
                    continue
                mode = os.lstat(path).st_mode
                self.assertFalse(mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH), path)
                self.assertNotIn("security.capability", os.listxattr(path), path)
