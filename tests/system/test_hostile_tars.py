# SPDX-License-Identifier: Apache-2.0
"""A corpus of hostile tars, each with what becomes of it: refused for a reason, or exactly these files.

test_hostile_layers.py has those that need more than a row. Everything it says of its fixtures holds for
these: nothing outside changes (fanotify, as root), little memory, little time. No two rows are of one kind.
"""

import gzip
import os
import shutil
import stat
import struct
import subprocess
import unittest
from pathlib import Path

from tests.support.bounds import Watch, count
from tests.support.images import directory_entry, entry
from tests.support.skiff import SkiffTest
from tests.system.test_hostile_layers import BLK, CHR, FIFO, SYM, HostileTest, hardlink, header, pax, symlink, tar

END = bytes(1024)


def block(data):
    """Bytes and their padding."""
    return data + bytes(-len(data) % 512)


def file(name, data=b"x", **options):
    """A regular file."""
    return entry(name, **options), data


def gnu(kind, text, size=None):
    """A long name or link of GNU tar; `size` may lie."""
    return header(b"././@LongLink", len(text) if size is None else size, kind) + block(text)


def record(text, kind=b"x"):
    """A pax header with just these bytes in it."""
    return header(b"pax", len(text), kind) + block(text)


def pair(key, value):
    """One record."""
    body = f" {key}={value}\n"
    size = next(size for size in range(1000) if len(str(size)) + len(body) == size)
    return f"{size}{body}".encode()


def mode(name, bits, kind=b"0"):
    """A header with these mode bits, more than there are."""
    return header(name, 0, kind, fields=[(100, b"%07o\0" % bits)])


def zstd(data, *options):
    """Packed by the zstd program."""
    if not shutil.which("zstd"):
        raise unittest.SkipTest("'zstd' is not installed")
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, capture_output=True, check=True).stdout


def gzip_member(data, flags, extra):
    """A gzip member with the flags and what belongs to them in its header."""
    plain = gzip.compress(data, mtime=0)
    return plain[:3] + bytes([flags]) + plain[4:10] + extra + plain[10:]


PLAIN = tar(file("f"))
F = {"f": "file:x"}

# What is given: bytes, or a function of the test. What is expected: a pattern of the refusal, or what lies where.

NAMES = {
    "dots and slashes that mean nothing": (tar(file("././/.//a//.///b")), {"a/b": "file:x"}),
    "two leading slashes": (tar(file("//etc/x")), {"etc/x": "file:x"}),
    "the root by another name": (tar(directory_entry("/./"), file("f")), F),
    "no name": (tar(header(b"")), "replace the root"),
    "a dot that is a file": (tar(header(b".")), "replace the root"),
    "the root as a fifo by pax": (tar(pax(path="/"), header(b"x", 0, b"6")), "replace the root"),
    "ustar prefix that climbs": (tar(header(b"x", fields=[(345, b"../..")])), r"'\.\.' in it"),
    "name that climbs out of its ustar prefix": (tar(header(b"../x", fields=[(345, b"a")])), r"'\.\.' in it"),
    "absolute ustar prefix": (tar(header(b"x", fields=[(345, b"/etc")])), {"etc/x": "file:"}),
    "prefix of a format that has none": (tar(header(b"x", magic=b"ustar  \0", fields=[(345, b"../..")])), {"x": "file:"}),
    "name of a hundred bytes without an end": (tar(header(b"n" * 100)), {"n" * 100: "file:"}),
    "bytes behind the NUL of a name": (tar(header(b"good\0/../../x")), {"good": "file:"}),
    "pax path that takes itself back": (tar(record(pair("path", "../x") + pair("path", "")), header(b"good")), {"good": "file:"}),
    "two pax paths, the last one climbs": (tar(record(pair("path", "a") + pair("path", "../x")), header(b"good")), r"'\.\.' in it"),
    "pax path over a long name": (tar(gnu(b"L", b"long\0"), pax(path="pax"), header(b"short")), {"pax": "file:"}),
    "long name over a pax path": (tar(pax(path="pax"), gnu(b"L", b"../long\0"), header(b"short")), {"pax": "file:", "../long": "absent"}),
    "two long names": (tar(gnu(b"L", b"first\0"), gnu(b"L", b"../second\0"), header(b"x")), r"'\.\.' in it"),
    "long name without an end": (tar(gnu(b"L", b"n" * 512), header(b"x")), "too long"),
    "long name of nothing": (tar(header(b"././@LongLink", 0, b"L"), header(b"x")), "replace the root"),
    "long name of two megabytes": (tar(header(b"././@LongLink", 2 << 20, b"L") + bytes(2 << 20)), "extended header of"),
    "long name of negative size": (tar(header(b"././@LongLink", kind=b"L", fields=[(124, b"\xff" * 12)])), "extended header of"),
    "long name that ends the archive": (gnu(b"L", b"name\0"), {"name": "absent"}),
    "path in a global header": (tar(record(pair("path", "../x"), b"g"), header(b"good")), {"good": "file:"}),
    "sizes and owners in a global header": (tar(record(pair("size", "999") + pair("uid", "4294967295"), b"g"), file("f")), F),
    "sparse name that climbs": (tar(pax(GNU__sparse__name="../../x", path="good"), header(b"x")), r"'\.\.' in it"),
    "file whose pax path ends in a slash": (tar(pax(path="d/"), header(b"x")), {"d": "file:"}),
    "file whose old name ends in a slash": (tar(header(b"d/", kind=b"\0", magic=b"")), {"d": "dir"}),
    "dots of other alphabets": (tar(header("\uff0e\uff0e/x".encode()), header(b"\xc0\xae\xc0\xae/y"), header("\u2025/z".encode())),
                                {b"\xc0\xae\xc0\xae/y": "file:", "\uff0e\uff0e/x": "file:", "\u2025/z": "file:"}),
    "percent signs and backslashes": (tar(header(b"%2e%2e/x"), header(b"..\\..\\y"), header(b"C:\\z")),
                                      {"%2e%2e/x": "file:", "..\\..\\y": "file:", "C:\\z": "file:"}),
    "dots with something behind": (tar(header(b".. /x"), header(b"..\t/x"), header(b"..;/x")), {".. /x": "file:", "..;/x": "file:"}),
    "components at the limit": (tar(file("a" * 255 + "/" + "b" * 255)), {"a" * 255 + "/" + "b" * 255: "file:x"}),
    "a directory too deep for one path": (tar(file("/".join(["d" * 200] * 21))), "too long"),
    "names of the kernel's directories": (tar(file("proc/self/mem"), file("dev/null"), file("sys/power/state"), file("dev/fd/3")),
                                          {"proc/self/mem": "file:x", "dev/null": "file:x", "sys/power/state": "file:x"}),
    "names of our own store's files": (tar(file("layer.json", b"{}"), file("journal"), file("diff/layer.json", b"{}")),
                                       {"layer.json": "file:{}", "journal": "file:x", "diff/layer.json": "file:{}"}),
}

LINKS = {
    "link in a circle of two": (tar(symlink("a", "b"), symlink("b", "a"), file("a/x")), "cannot open|not a directory"),
    "link that needs itself": (tar(symlink("l", "l/.."), file("l/x")), "cannot open|not a directory"),
    "link to where it is": (tar(symlink("l", "."), file("l/l/l/x")), {"x": "file:x"}),
    "link to the root": (tar(symlink("l", "/"), file("l/x")), {"x": "file:x"}),
    "link above the root": (tar(symlink("l", "/../../.."), file("l/x")), {"x": "file:x"}),
    "links within links": (tar(directory_entry("a/b"), symlink("a/b/up", "../.."), symlink("in", "a/b/up/a"), file("in/b/up/x")), {"x": "file:x"}),
    "link to nothing": (tar(symlink("l", "")), "no valid target"),
    "link of five thousand bytes": (tar(symlink("l", "t/" * 2500)), "no valid target|cannot make the link"),
    "link of 4,095 bytes": (tar(symlink("l", "t" * 4095)), {"l": "link:" + "t" * 4095}),
    "NUL in a link's target": (tar(pax(linkpath=b"a\0b"), header(b"l", 0, b"2")), "malformed"),
    "line end and escape in a target": (tar(symlink("l", "a\n\x1b[2J")), {"l": "link:a\n\x1b[2J"}),
    "long target of GNU before a file": (tar(gnu(b"K", b"/etc/passwd\0"), file("f")), F),
    "long target of GNU for a hard link": (tar(gnu(b"K", b"../../etc/passwd\0"), header(b"h", 0, b"1", link=b"f")), "has a"),
    "directory where a link leads out": (lambda test: tar(symlink("l", str(test.outside)), directory_entry("l", 0o777)), {"l": "dir"}),
    "directory and file where a link leads out": (
        lambda test: tar(symlink("l", str(test.outside)), directory_entry("l"), file("l/file")), {"l": "dir", "l/file": "file:x"}),
    "link where a full directory was": (
        lambda test: tar(file("d/old"), symlink("d", str(test.outside))), {"d": "link:*"}),
    "file through the link that replaced its directory": (
        lambda test: tar(file("d/old"), symlink("d", str(test.outside)), file("d/file")), "not a directory"),
    "link as an implicit directory's parent": (tar(symlink("etc", "/etc"), file("etc/new/x")), "cannot open|not a directory"),
    "link to its own child": (tar(symlink("l", "l/c"), directory_entry("l/c")), "cannot open|not a directory"),
    "magic link of the unpacker": (tar(directory_entry("proc/self/fd"), symlink("l", "/proc/self/fd/3"), file("l/x")), "not a directory"),
    "link by the unpacker's process": (tar(symlink("l", "/proc/1/root"), file("l/x")), "not a directory"),
    "the same letter twice": (lambda test: tar(symlink("\u00e9", str(test.outside)), directory_entry("e\u0301"), file("e\u0301/file")),
                              {"e\u0301/file": "file:x"}),
    "the same name in capitals": (lambda test: tar(symlink("D", str(test.outside)), file("d/file")), {"d/file": "file:x", "D": "link:*"}),
    "attributes of a link": (lambda test: tar(pax(SCHILY__xattr__user__evil="x", linkpath=str(test.canary)), header(b"l", 0, b"2")),
                             {"l": "link:*"}),
    "mode, owner and time of a link": (
        lambda test: tar(header(b"l", 0, b"2", link=str(test.canary).encode(), fields=[(100, b"0006777\0"), (136, b"00000000001\0")])),
        {"l": "link:*"}),
    "hard link to itself": (tar(hardlink("h", "h")), "does not exist"),
    "hard link to itself over a file": (tar(file("h"), hardlink("h", "h")), {"h": "file:x"}),
    "hard link to itself by another spelling": (tar(file("h"), hardlink(".//h", "./h")), {"h": "file:x"}),
    "hard link to what comes later": (tar(hardlink("h", "f"), file("f")), "does not exist"),
    "hard links in a chain": (tar(file("a"), hardlink("b", "a"), hardlink("c", "b"), file("b", b"new")), {"a": "file:x", "b": "file:new", "c": "file:x"}),
    "hard link to the root": (tar(hardlink("h", "/")), "no file|no valid target|does not exist"),
    "hard link to a directory by a link": (tar(directory_entry("d"), symlink("l", "d"), hardlink("h", "l/")), {"h": "link:d"}),
    "hard link to a whiteout": (tar(header(b".wh.x"), hardlink("h", "x")), "no file"),
    "hard link to a whiteout's name": (tar(header(b".wh.x"), hardlink("h", ".wh.x")), "does not exist"),
    "hard link named as a whiteout": (tar(file("f"), hardlink(".wh.f", "f")), {"f": "file:x", ".wh.f": "absent"}),
    "hard link to a device that was left out": (tar(entry("mem", CHR, device=(1, 1)), hardlink("h", "mem")), "does not exist"),
    "hard link to a fifo": (tar(entry("p", FIFO), hardlink("h", "p")), {"h": "fifo"}),
    "hard link with climbing target inside": (tar(file("a/f"), hardlink("h", "a/../a/f")), "has a"),
    "hard link over a full directory": (tar(file("f"), file("d/x"), hardlink("d", "f")), {"d": "file:x"}),
    "hard link over the directory of its target": (tar(file("d/f"), hardlink("d", "d/f")), {"d": "file:x"}),
    "hard link with other mode and owner": (tar(file("f", mode=0o600), header(b"h", 0, b"1", link=b"f", fields=[(100, b"0006777\0")])),
                                            {"f": "mode:0600", "h": "mode:0600"}),
    "hard link to a link, then a file through it": (
        lambda test: tar(symlink("s", str(test.outside)), hardlink("h", "s"), file("h/file")), "not a directory"),
    "hard link to the unpacker's descriptors": (tar(hardlink("h", "/proc/self/fd/0")), "does not exist"),
    "file below a hard link": (tar(file("f"), hardlink("h", "f"), file("h/x")), "not a directory"),
    "file below a fifo": (tar(entry("p", FIFO), file("p/x")), "not a directory"),
    "file below a device that was left out": (tar(entry("b", BLK, device=(8, 0)), file("b/x")), {"b/x": "file:x"}),
    "opaque mark through a link": (lambda test: tar(symlink("l", str(test.outside)), header(b"l/.wh..wh..opq")), "not a directory"),
    "whiteout below a link that leads nowhere": (tar(symlink("l", "/nowhere"), header(b"l/.wh.x")), "not a directory"),
    "link named as a whiteout of a link": (lambda test: tar(symlink("x", str(test.canary)), symlink(".wh.x", "/")), {"x": "link:*"}),
    "ten thousand names of one file": (tar(file("f"), *[header(b"h%d" % n, 0, b"1", link=b"f") for n in range(10000)]), {"h9999": "file:x"}),
}

KINDS = {
    "contiguous file": (tar(header(b"f", 1, b"7") + block(b"x")), F),
    "old regular file": (tar(header(b"f", 1, b"\0", magic=b"") + block(b"x")), F),
    "directory with data": (tar(header(b"d/", 512, b"5") + header(b"evil"), file("f")), {"d": "dir", "evil": "file:", **F}),
    "fifo with data": (tar(header(b"p", 512, b"6") + header(b"evil")), {"p": "fifo", "evil": "file:"}),
    "device with data": (tar(header(b"c", 512, b"3") + header(b"evil")), {"c": "absent", "evil": "file:"}),
    "symbolic link with data": (tar(header(b"l", 512, b"2", link=b"t") + header(b"evil")), {"l": "link:t", "evil": "file:"}),
    "GNU directory listing": (tar(header(b"d/", 512, b"D") + block(b"Yx\0\0")), "unknown entry type"),
    "continued volume": (tar(header(b"f", 1, b"M") + block(b"x")), "unknown entry type"),
    "volume label": (tar(header(b"label", 0, b"V")), "unknown entry type"),
    "Solaris ACL": (tar(header(b"f", 4, b"A") + block(b"acl\n")), "unknown entry type"),
    "inode of another system": (tar(header(b"f", 0, b"I")), "unknown entry type"),
    "type above ASCII": (tar(header(b"f", 0, b"\xff")), "unknown entry type"),
    "Solaris pax header that climbs": (tar(record(pair("path", "../x"), b"X"), header(b"f")), r"'\.\.' in it"),
    "pax header of a pax header": (tar(record(pair("path", "../x")), record(pair("path", "b")), header(b"f")), {"b": "file:"}),
    "file type in the mode": (tar(mode(b"f", 0o120777), mode(b"c", 0o020666)), {"f": "mode:0777", "c": "mode:0666"}),
    "directory nobody may enter, full": (tar(directory_entry("d", 0), file("d/f")), {"d": "mode:0000"}),
    "closed directory with closed ones in it": (tar(directory_entry("d", 0o500), directory_entry("d/e", 0o500), file("d/e/f")), {"d/e/f": "file:x"}),
    "set-id directory and link": (tar(directory_entry("d", 0o7777), entry("l", SYM, 0o7777, "d")), {"d": "mode:7777", "l": "link:d"}),
    "device of huge numbers": (tar(header(b"c", 0, b"3", fields=[(329, b"\x80" + b"\xff" * 7), (337, b"7777777\0")])), {"c": "absent"}),
    "device named as a whiteout": (tar(entry(".wh.x", BLK, device=(7, 0))), {"x": "whiteout"}),
    "file over a device over a file": (tar(file("f", b"1"), entry("f", CHR, device=(1, 1)), file("f", b"2")), {"f": "file:2"}),
    "device over a file": (tar(file("f"), entry("f", CHR, device=(1, 3))), {}),
    "file, directory, file": (tar(file("f", b"1"), directory_entry("f"), file("f", b"2")), {"f": "file:2"}),
    "directory over a fifo": (tar(entry("d", FIFO), directory_entry("d"), file("d/f")), {"d/f": "file:x"}),
    "fifo over a full directory": (tar(file("d/e/f"), entry("d", FIFO)), {"d": "fifo"}),
    "directory twice, the first one closed": (tar(directory_entry("d", 0), directory_entry("d", 0o711), file("d/f")), {"d": "mode:0711"}),
    "file in a directory that became a file": (tar(file("d/a"), file("d", b"f"), file("d/b")), "not a directory"),
    "directory made again where a file took its place": (tar(directory_entry("d", 0o700), file("d/a"), file("d"), directory_entry("d", 0o701)),
                                                          {"d": "mode:0701", "d/a": "absent"}),
}

WHITEOUTS = {
    "whiteout, then the file": (tar(header(b".wh.f"), file("f")), F),
    "the file, then its whiteout": (tar(file("f"), header(b".wh.f")), F),
    "whiteout of a directory that has files": (tar(file("d/f"), header(b".wh.d")), {"d/f": "file:x"}),
    "whiteout, then files below it": (tar(header(b".wh.d"), file("d/f")), {"d/f": "file:x"}),
    "opaque mark twice and last": (tar(file("d/f"), header(b"d/.wh..wh..opq"), header(b"d/.wh..wh..opq")), {"d/f": "file:x"}),
    "opaque mark of the root": (tar(header(b".wh..wh..opq"), file("f")), F),
    "opaque mark that is a directory": (tar(directory_entry("d/.wh..wh..opq"), file("d/f")), {"d/f": "file:x", "d/.wh..wh..opq": "absent"}),
    "file below an opaque mark": (tar(file("d/.wh..wh..opq/f")), "lies in a whiteout"),
    "opaque mark with data": (tar(file(".wh..wh..opq")), "has data"),
    "whiteout of a whiteout": (tar(header(b".wh..wh.x")), {"x": "absent", ".wh.x": "absent"}),
    "whiteout in capitals": (tar(header(b".WH.x")), {".WH.x": "file:", "x": "absent"}),
    "whiteout with a blank": (tar(header(b".wh. ")), {" ": "whiteout"}),
    "whiteout of a name too long by its prefix": (tar(pax(path=".wh." + "n" * 252), header(b"x")), "too long"),
    "whiteout in a sparse name": (tar(pax(GNU__sparse__name=".wh.f"), header(b"x")), {"f": "whiteout"}),
    "whiteout twice": (tar(header(b".wh.f"), header(b".wh.f")), {"f": "whiteout"}),
    "link over a whiteout": (tar(header(b".wh.l"), symlink("l", "/etc")), {"l": "link:/etc"}),
    "hard link over a whiteout": (tar(file("f"), header(b".wh.h"), hardlink("h", "f")), {"h": "file:x"}),
}

HEADERS = {
    "wrong checksum": (lambda test: bytes(bytearray(header(b"f"))[:148]) + b"0000001\0" + header(b"f")[156:] + END, "malformed"),
    "checksum of nothing": (lambda test: header(b"f")[:148] + bytes(8) + header(b"f")[156:] + END, "malformed"),
    "checksum of signed bytes": (lambda test: signed_header(b"\xe9") + END, {b"\xe9": "file:"}),
    "a header of ones": (b"\xff" * 512 + END, "malformed"),
    "half a header": (header(b"f")[:300], "cut short|malformed"),
    "no end": (header(b"f", 1) + block(b"x"), F),
    "data without padding at the end": (header(b"f", 1) + b"x", F),
    "one empty block, then another entry": (tar(file("f"), bytes(512), header(b"../x")), "malformed"),
    "entries behind the end": (tar(file("f"), END, header(b"../x"), file("g")), {**F, "g": "absent"}),
    "nothing but the end": (END, {}),
    "nothing at all": (b"", {}),
    "one byte": (b"x", "malformed|cut short|no tar"),
    "numbers that are blanks": (tar(header(b"f", fields=[(100, b" " * 8), (108, b" " * 8), (116, b" " * 8), (124, b" " * 12)])), {"f": "mode:0000"}),
    "size with a sign": (tar(header(b"f", fields=[(124, b"-0000000001\0")])), "not a number"),
    "size in hexadecimal": (tar(header(b"f", fields=[(124, b"0x000000200\0")])), "not a number"),
    "size with a blank in the middle": (tar(header(b"f", fields=[(124, b"0001 000000\0")])), "not a number"),
    "mode that is no number": (tar(header(b"f", fields=[(100, b"rwxr-xr-")])), "not a number"),
    "negative mode": (tar(header(b"f", fields=[(100, b"\xff" * 8)])), {"f": "mode:7777"}),
    "time before all times": (tar(header(b"f", fields=[(136, b"\xff\xff\xff\xff\x80" + bytes(7))])), {"f": "file:"}),
    "time after all times": (tar(header(b"f", fields=[(136, b"\x80\0\0\0\x3f" + b"\xff" * 7)])), {"f": "file:"}),
    "time of more bytes than numbers have": (tar(header(b"f", fields=[(136, b"\x80\x7f" + b"\xff" * 10)])), "not a number"),
    "device numbers of a file": (tar(header(b"f", fields=[(329, b"\xff" * 16)])), {"f": "file:"}),
    "names of owners": (tar(header(b"f", fields=[(265, b"root\n:0:0" + b"x" * 23), (297, b"../../etc")])), {"f": "file:"}),
    "group out of range by pax": (tar(pax(gid="4294967295"), header(b"f")), "out of range"),
    "two headers for one file's data": (tar(pax(size="0"), header(b"f", 512) + header(b"evil")), {"f": "file:", "evil": "file:"}),
    "more data by pax than by the header": (tar(pax(size="512"), header(b"f", 0) + header(b"../x"), file("g")), {"f": "size:512", "g": "file:x"}),
}


def signed_header(name):
    """A header whose sum takes bytes as signed, as old programs did."""
    head = bytearray(header(name))
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % (sum(struct.unpack("512b", bytes(head))) & 0o777777)
    return bytes(head)


PAX = {
    "record of no length": (tar(record(b"0 a=b\n"), header(b"f")), "malformed"),
    "record longer than its header": (tar(record(b"999 path=../x\n"), header(b"f")), "malformed"),
    "record of more digits than numbers have": (tar(record(b"99999999999999999999999 a=b\n"), header(b"f")), "malformed"),
    "negative record": (tar(record(b"-7 a=b\n"), header(b"f")), "malformed"),
    "record with a sign": (tar(record(b"+7 a=b\n"), header(b"f")), "malformed"),
    "record that ends before its line": (tar(record(b"9 path=a\n\n"), header(b"f")), "malformed"),
    "record without an equals sign": (tar(record(b"7 path\n"), header(b"f")), "malformed"),
    "record without a key": (tar(record(b"5 =v\n"), header(b"f")), "malformed"),
    "record without a blank": (tar(record(b"8path=a\n"), header(b"f")), "malformed"),
    "record with leading zeros": (tar(record(b"0012 path=b\n"), header(b"f")), {"b": "file:"}),
    "NUL in a key": (tar(record(b"9 pa\0th=\n"), header(b"f")), "malformed"),
    "no records": (tar(record(b""), file("f")), F),
    "records of NULs": (tar(record(bytes(512)), header(b"f")), "malformed"),
    "a hundred thousand records": (tar(record(b"8 a=bcd\n" * 100000), file("f")), F),
    "unknown keys": (tar(pax(SCHILY__fflags="uchg,schg", LIBARCHIVE__creationtime="1", comment="../x", hdrcharset="BINARY"), file("f")), F),
    "device numbers by pax": (tar(pax(SCHILY__devmajor="1", SCHILY__devminor="1", SCHILY__filetype="char"), file("f")), F),
    "ACLs by pax": (tar(pax(SCHILY__acl__access="user::rwx,user:0:rwx,mask::rwx", SCHILY__acl__default="user::rwx"), file("f")), F),
    "link path of a file": (tar(pax(linkpath="../../etc/passwd"), file("f")), F),
    "negative size by pax": (tar(pax(size="-512"), header(b"f")), "malformed"),
    "size in another base": (tar(pax(size="0x200"), header(b"f")), "malformed"),
    "size with a fraction": (tar(pax(size="1.5"), header(b"f")), "malformed"),
    "time that is no number": (tar(pax(mtime="nan"), header(b"f")), "malformed"),
    "time with an exponent": (tar(pax(mtime="1e400"), header(b"f")), "malformed"),
    "time with two dots": (tar(pax(mtime="1.2.3"), header(b"f")), "malformed"),
    "time of a hundred digits behind the dot": (tar(pax(mtime="1." + "9" * 100), header(b"f")), {"f": "file:"}),
    "negative time of a fraction": (tar(pax(mtime="-0.5"), header(b"f")), {"f": "file:"}),
    "owner with a sign": (tar(pax(uid="-1"), header(b"f")), "malformed"),
    "owner by name": (tar(pax(uid="root"), header(b"f")), "malformed"),
    "attribute without a name": (tar(record(pair("SCHILY.xattr.", "v")), file("f")), {"f": "xattrs:"}),
    "attribute with a name too long": (tar(pax(**{"SCHILY.xattr.user." + "n" * 300: "v"}), file("f")), {"f": "xattrs:"}),
    "attribute with a slash and dots": (tar(pax(**{"SCHILY.xattr.user.../../x": "v"}), file("f")), {"f": "xattrs:user.../../x"}),
    "attribute of no name space": (tar(pax(**{"SCHILY.xattr.nospace": "v"}), file("f")), {"f": "xattrs:"}),
    "attribute of nothing but its name space": (tar(pax(**{"SCHILY.xattr.user.": "v"}), file("f")), "cannot set the attribute"),
    "attributes of the kernel's own": (
        tar(pax(**{f"SCHILY.xattr.{name}": "v" for name in ("security.evm", "security.ima", "security.selinux", "security.apparmor", "trusted.x",
                                                            "system.posix_acl_default", "btrfs.compression")}), file("f")), {"f": "xattrs:"}),
    "overlay attributes of a directory": (
        tar(pax(**{f"SCHILY.xattr.user.overlay.{name}": "y" for name in ("opaque", "redirect", "whiteout", "nlink")}), header(b"d/", 0, b"5")),
        {"d": "xattrs:"}),
    "overlay attributes in capitals": (tar(pax(**{"SCHILY.xattr.USER.overlay.opaque": "y", "SCHILY.xattr.Trusted.overlay.opaque": "y"}), file("f")),
                                       {"f": "xattrs:"}),
    "overlay attributes by libarchive's spelling": (tar(pax(**{"LIBARCHIVE.xattr.user.overlay.opaque": "eQ=="}), file("f")), {"f": "xattrs:"}),
    "overlay attributes by Red Hat's spelling": (tar(pax(**{"RHT.security.selinux": "x", "user.overlay.opaque": "y"}), file("f")), {"f": "xattrs:"}),
    "capability of a link": (tar(pax(SCHILY__xattr__security__capability=bytes(20)), header(b"l", 0, b"2", link=b"t")), {"l": "link:t"}),
    "the same attribute a thousand times": (tar(record(pair("SCHILY.xattr.user.a", "b") * 1000), file("f")), {"f": "xattrs:user.a"}),
    "attributes of two extended headers": (tar(pax(SCHILY__xattr__user__a="1"), pax(SCHILY__xattr__user__b="2"), file("f")), {"f": "xattrs:user.a user.b"}),
    "attributes of the entry before": (tar(pax(SCHILY__xattr__user__a="1"), file("e"), file("f")), {"e": "xattrs:user.a", "f": "xattrs:"}),
}


def sparse(records, data=b"", name=b"s", real=8192):
    """A sparse file of format 0.1, or what `records` make of it."""
    return tar(pax(**({"GNU.sparse.size": real} | records)), header(name, len(data)) + block(data))


def old_sparse(pairs, data=b"", real=b"00000020000\0", more=0, name=b"s"):
    """A sparse file of old GNU tar."""
    table = b"".join(b"%011o\0%011o\0" % pair for pair in pairs)
    return tar(header(name, len(data), b"S", magic=b"ustar  \0", fields=[(386, table), (482, bytes([more])), (483, real)]) + block(data))


SPARSE = {
    "a hole and nothing else": (sparse({"GNU.sparse.map": "8192,0"}), {"s": "size:8192"}),
    "data at both ends": (sparse({"GNU.sparse.map": "0,2,8190,2"}, b"aabb"), {"s": "size:8192"}),
    "data behind the file's end": (sparse({"GNU.sparse.map": "8192,1"}, b"a"), "sparse"),
    "offset that overflows with its length": (sparse({"GNU.sparse.map": "4611686018427387904,4611686018427387904"}), "sparse|malformed"),
    "more data than the map has": (sparse({"GNU.sparse.map": "0,1"}, b"aa"), "does not match"),
    "less data than the map has": (sparse({"GNU.sparse.map": "0,2"}, b"a"), "does not match"),
    "map without a size": (tar(pax(GNU__sparse__map="0,1"), header(b"s", 1) + block(b"a")), "without its size"),
    "map with blanks": (sparse({"GNU.sparse.map": "0, 1"}, b"a"), "malformed"),
    "map with an empty number": (sparse({"GNU.sparse.map": "0,,1"}, b"a"), "malformed"),
    "map of a hundred and forty thousand numbers": (sparse({"GNU.sparse.map": ",".join(["0,0"] * 70000)}), "malformed"),
    "offsets without lengths": (tar(record(pair("GNU.sparse.size", "9") + pair("GNU.sparse.offset", "0") * 2), header(b"s")), "malformed"),
    "lengths before offsets": (tar(record(pair("GNU.sparse.size", "9") + pair("GNU.sparse.numbytes", "0")), header(b"s")), "malformed"),
    "offset without its length at the end": (tar(record(pair("GNU.sparse.size", "9") + pair("GNU.sparse.offset", "0")), header(b"s")), "cut short"),
    "map and offsets together": (tar(record(pair("GNU.sparse.size", "9") + pair("GNU.sparse.map", "0,1") + pair("GNU.sparse.offset", "0") +
                                            pair("GNU.sparse.numbytes", "1")), header(b"s", 1) + block(b"a")), "out of order|does not match|malformed"),
    "map in the data that is cut": (tar(pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__realsize="9"), header(b"s", 512) + block(b"2\n0\n")),
                                    "sparse map is malformed"),
    "map in the data with a negative count": (
        tar(pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__realsize="9"), header(b"s", 512) + block(b"-1\n")), "sparse map is malformed"),
    "map in no data": (tar(pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__realsize="9"), header(b"s")), "sparse map is malformed"),
    "version from the future": (tar(pax(GNU__sparse__major="9", GNU__sparse__minor="9", GNU__sparse__realsize="9"), header(b"s", 1) + block(b"a")), {"s": "file:a"}),
    "sparse directory": (tar(pax(GNU__sparse__size="9", GNU__sparse__map="0,9"), header(b"d/", 0, b"5")), {"d": "dir"}),
    "sparse hard link": (tar(pax(GNU__sparse__size="9", GNU__sparse__map="0,9"), header(b"h", 0, b"1", link=b"/etc/passwd")), "does not exist"),
    "old map that overlaps": (old_sparse([(0, 2), (1, 2)], b"aabb"), "out of order"),
    "old map beyond the file": (old_sparse([(1 << 31, 1)], b"a"), "out of order"),
    "old map of a negative offset": (
        tar(header(b"s", 0, b"S", fields=[(386, b"\xff" * 24), (483, b"00000020000\0")])), "sparse map is malformed"),
    "old map of a negative size": (old_sparse([], real=b"\xff" * 12), "sparse map is malformed"),
    "old map that goes on in nothing": (
        header(b"s", 0, b"S", fields=[(482, b"\1"), (483, b"00000020000\0")]), "sparse map is malformed|cut short"),
    "old map whose next block is an entry": (
        tar(header(b"s", 0, b"S", fields=[(482, b"\1"), (483, b"00000020000\0")]), header(b"../x"), file("f")), "sparse map is malformed"),
    "old map of a name that climbs": (old_sparse([], name=b"../s"), r"'\.\.' in it"),
    "eight terabytes of hole": (old_sparse([], real=b"\x80\0\0\0\0\x08" + bytes(6)), "more than"),
    "two files that are too much together": (
        tar(*[pax(GNU__sparse__size=str(40 << 30), GNU__sparse__map="0,0") + header(name) for name in (b"a", b"b")]), "more than"),
    "the same name again and again beyond the budget": (
        tar(*[pax(GNU__sparse__size=str(20 << 30), GNU__sparse__map="0,0") + header(b"a")] * 4), "more than"),
}

STREAMS = {
    "gzip in gzip": (gzip.compress(gzip.compress(PLAIN)), "cut short"),
    "gzip with a name that climbs": (gzip_member(PLAIN, 8, b"../../x\0"), F),
    "gzip with a megabyte of name": (gzip_member(PLAIN, 8, b"n" * (1 << 20) + b"\0"), F),
    "gzip with a name without an end": (gzip_member(PLAIN, 8, b"n" * (1 << 20))[:1 << 20], "cut short|broken"),
    "gzip with extra fields": (gzip_member(PLAIN, 4, struct.pack("<H", 65535) + bytes(65535)), F),
    "gzip with extra fields that are cut": (gzip_member(PLAIN, 4, struct.pack("<H", 65535))[:400], "cut short|broken"),
    "gzip with flags of the future": (gzip_member(PLAIN, 0xe0, b""), F),
    "gzip with a wrong sum of its header": (gzip_member(PLAIN, 2, b"\0\0"), "broken"),
    "gzip of another method": (b"\x1f\x8b\x07" + gzip.compress(PLAIN)[3:], "cut short"),
    "gzip of a wrong length": (gzip.compress(PLAIN, mtime=0)[:-4] + b"\1\0\0\0", "broken"),
    "gzip of a block type that is none": (gzip.compress(b"", mtime=0)[:10] + b"\x07" + bytes(100), "broken"),
    "gzip with a stored block that lies": (gzip.compress(b"", mtime=0)[:10] + b"\x01\xff\xff\x00\x01" + bytes(100), "broken"),
    "gzip that looks further back than its start": (gzip.compress(b"", mtime=0)[:10] + b"\x4b\x04\x62\0" + bytes(20), "broken|cut short"),
    "fifty thousand empty members": (gzip.compress(b"", mtime=0) * 50000 + gzip.compress(PLAIN), F),
    "a member for each block": (b"".join(gzip.compress(PLAIN[at:at + 512]) for at in range(0, len(PLAIN), 512)), F),
    "zeros behind a member": (gzip.compress(PLAIN) + bytes(512), F),
    "a second member that is cut": (gzip.compress(PLAIN[:512]) + gzip.compress(PLAIN[512:])[:10], "cut short|broken"),
    "another entry in a second member": (gzip.compress(PLAIN) + gzip.compress(tar(file("../x"))), F),
    "zstd behind gzip": (lambda test: gzip.compress(PLAIN[:512]) + zstd(PLAIN[512:]), "gzip stream is"),
    "gzip behind zstd": (lambda test: zstd(PLAIN[:512]) + gzip.compress(PLAIN[512:]), "zstd stream is"),
    "zstd with a wrong sum": (lambda test: flipped(zstd(PLAIN, "--check"), -1), "broken"),
    "zstd that is cut": (lambda test: zstd(os.urandom(100000))[:50000], "cut short|broken|malformed"),
    "zstd frames of nothing before it": (lambda test: struct.pack("<II", 0x184D2A5F, 8) + bytes(8) + zstd(PLAIN), "cut short"),
    "zstd frame of nothing that is endless": (struct.pack("<II", 0x184D2A50, 0xffffffff) + bytes(100000), "malformed"),
    "zstd of a dictionary": (b"\x28\xb5\x2f\xfd\x23\xff\xff\xff\x7f" + bytes(100), "broken"),
    "zstd of a reserved block": (b"\x28\xb5\x2f\xfd\x20\x01\x07\0\0" + bytes(100), "broken"),
    "zstd bomb": (lambda test: zstd(header(b"z", fields=[(124, b"\x80\0\0\0\0\0\0" + struct.pack(">Q", 70 << 30)[3:])])) + zstd(bytes(256 << 20), "-1") * 300,
                  "more than"),
    "Unix compress": (b"\x1f\x9d\x90" + bytes(1000), "malformed|not|compress"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(1000), "malformed|not|compress"),
    "lzip": (b"LZIP\x01" + bytes(1000), "malformed|not|compress"),
    "grzip and lrzip, which others hand to programs": (b"LRZI\0\x06" + bytes(1000), "malformed|not|compress"),
    "uuencoded": (b"begin 644 f\n" + b"M" * 1000 + b"\n`\nend\n", "malformed|not"),
    "zip": (b"PK\3\4" + bytes(1000), "malformed|not"),
    "cpio": (b"070701" + b"0" * 104 + b"../x\0\0" + bytes(500), "malformed|not"),
    "ar": (b"!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n" + bytes(500), "malformed|not"),
    "shar": (b"#!/bin/sh\necho hacked > /tmp/hacked\n" + b"#" * 1000, "malformed|not"),
}


def flipped(data, at):
    """One bit turned over."""
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def what(path):
    """One word for what is at a path, with all that it holds."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"absent"}
    attributes = "" if stat.S_ISLNK(info.st_mode) else " ".join(sorted(os.listxattr(path)))
    words = {f"mode:{info.st_mode & 0o7777:04o}", f"size:{info.st_size}", f"xattrs:{attributes}"}
    if stat.S_ISREG(info.st_mode) and os.access(path, os.R_OK):
        with open(path, "rb") as opened:
            words.add("file:" + opened.read(100).decode("latin-1"))
    elif stat.S_ISLNK(info.st_mode):
        words |= {"link:*", "link:" + os.fsdecode(os.readlink(path))}
    elif stat.S_ISDIR(info.st_mode):
        words.add("dir")
    elif stat.S_ISFIFO(info.st_mode):
        words.add("fifo")
    elif stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
        words.add("whiteout")
    return words


class Corpus(HostileTest):
    """A test for each table, a sub-test for each row."""

    def check(self, given, expected):
        """One row, in a store of its own."""
        data = given(self) if callable(given) else given
        if isinstance(expected, str):
            self.refused(data, expected)
            return
        diff = os.fsencode(self.accepted(data))
        for name, word in expected.items():
            self.assertIn(word, what(os.path.join(diff, os.fsencode(name))), name)
        self.assertEqual(self.canary.read_text(), "alive")

    def check_all(self, table):
        """Every row of a table."""
        for name, (given, expected) in table.items():
            with self.subTest(name):
                self.remove_base()
                self.setUp()
                self.check(given, expected)

    def test_names(self):
        self.check_all(NAMES)

    def test_links(self):
        self.check_all(LINKS)

    def test_kinds(self):
        self.check_all(KINDS)

    def test_whiteouts(self):
        self.check_all(WHITEOUTS)

    def test_headers(self):
        self.check_all(HEADERS)

    def test_pax(self):
        self.check_all(PAX)

    def test_sparse(self):
        self.check_all(SPARSE)

    def test_streams(self):
        self.check_all(STREAMS)


class Doors(SkiffTest):
    """The same archives where they are unpacked into something that is there: a volume, a running container."""

    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.canary = self.tmp / "canary"
        self.canary.write_text("alive")
        self.outside = self.tmp / "outside"
        self.outside.mkdir(exist_ok=True)
        (self.outside / "file").write_text("untouched")

    def through(self, door, neighbour, *tables):
        """Every row: it may be refused, but nothing else changes, and `neighbour` tells the same as before."""
        before = neighbour()
        for name, (given, _) in {key: row for table in tables for key, row in table.items()}.items():
            with self.subTest(name):
                data = given(self) if callable(given) else given
                with Watch([self.home, self.runtime]) as watch:
                    done = door(data)
                    self.assertEqual(watch.outside(), [])
                self.assertIn(done.code, (0, 125), str(done))
                self.assertEqual("Error: " in done.stderr, done.code == 125)
                self.assertEqual(neighbour(), before)
                self.assertEqual((self.canary.read_text(), (self.outside / "file").read_text()), ("alive", "untouched"))
                count(f"tar archives by {self.id().rpartition('_')[2]}", name)

    def test_volume(self):
        """volume import."""
        self.skiff("volume", "create", "other")
        mine = Path(self.skiff("volume", "inspect", "other").json[0]["Mountpoint"])
        (mine / "file").write_text("untouched")

        def door(data):
            self.skiff("volume", "create", "v")
            done = self.skiff("volume", "import", "v", "-", input=data, check=False)
            self.skiff("volume", "rm", "v")
            return done
        self.through(door, lambda: [(path.name, path.read_text(), path.stat().st_mode) for path in mine.iterdir()], NAMES, LINKS)
        self.skiff("volume", "rm", "other")

    def test_cp(self):
        """cp to a running container."""
        self.skiff("run", "-d", "--name", "c", "--network", "none", "--stop-signal", "KILL", "busybox", "sleep", "10000")
        self.skiff("exec", "c", "mkdir", "/in")

        def door(data):
            self.skiff("exec", "c", "sh", "-c", "chmod -R 700 /in; rm -rf /in; mkdir /in")
            return self.skiff("cp", "-", "c:/in", input=data, check=False)
        self.through(door, lambda: self.skiff("exec", "c", "sh", "-c", "ls / /etc; cat /etc/passwd").lines, NAMES, LINKS)


if __name__ == "__main__":
    unittest.main()
