# SPDX-License-Identifier: Apache-2.0
"""Layers, archives and configs made to hurt: refused or harmless, in bounded memory and time.

Each fixture is one archive. What must hold for all: nothing outside the store's layer changes, no
device and no overlay attribute of the archive's own appears (as root, fanotify watches the whole
machine, bounds.py), a refusal leaves nothing behind and
says why in one line, and skiff-fetch and each of its children stay below MEMORY (measured for every
fixture by itself, peak.c; 15 MiB are used) and SECONDS.
"""

import gzip
import hashlib
import io
import json
import os
import signal
import stat
import struct
import subprocess
import tarfile
import unittest
from pathlib import Path

from tests.support.bounds import Peak, Watch, count
from tests.support.fetch import FetchTest
from tests.support.images import directory_entry, entry
from tests.support.skiff import SLOWNESS

MEMORY = 32 << 20
SECONDS = 20

REG, DIR, LNK, SYM, CHR, BLK, FIFO = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE,
                                      tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)


def tar(*items, form=tarfile.PAX_FORMAT):
    """A layer of headers or (header, bytes) pairs; bytes alone are put in as they are."""
    out = io.BytesIO()
    for item in items:
        if isinstance(item, bytes):
            out.write(item)
            continue
        info, data = item if isinstance(item, tuple) else (item, b"")
        info.size = info.size or len(data)
        out.write(info.tobuf(form, "utf-8", "surrogateescape") + data + bytes(-len(data) % 512))
    return out.getvalue() + bytes(1024)


def symlink(name, target):
    """A symbolic link."""
    return entry(name, SYM, 0o777, target)


def hardlink(name, target):
    """A hard link."""
    return entry(name, LNK, link=target)


def header(name=b"x", size=0, kind=b"0", magic=b"ustar\x0000", link=b"", fields=()):
    """A header by hand; `fields` are (offset, bytes) put over it before the checksum."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136], block[136:148] = b"%011o\0" % size, b"00000000000\0"
    block[156:157] = kind
    block[157:157 + len(link)] = link
    block[257:257 + len(magic)] = magic
    for offset, value in fields:
        block[offset:offset + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(**records):
    """A pax extended header."""
    data = b""
    for key, value in records.items():
        key = key.replace("__", ".")
        body = f" {key}=".encode() + (value if isinstance(value, bytes) else str(value).encode()) + b"\n"
        size = len(body)
        while len(str(size)) + len(body) != size:
            size = len(str(size)) + len(body)
        data += str(size).encode() + body
    return header(b"pax", len(data), b"x") + data + bytes(-len(data) % 512)


def xattr(name, **attributes):
    """A file with extended attributes."""
    return entry(name, headers={f"SCHILY.xattr.{key.replace('__', '.')}": value for key, value in attributes.items()})


class HostileTest(FetchTest):
    """Runs one archive and checks what must always hold."""

    counts = "tar archives"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peak = Peak()
        cls.addClassCleanup(cls.peak.cleanup)

    def setUp(self):
        super().setUp()
        self.canary = self.base / "canary"
        self.canary.write_text("alive")
        self.outside = self.base / "outside"
        self.outside.mkdir()
        (self.outside / "file").write_text("untouched")

    def surroundings(self):
        """All that lies beside the store, with times and modes."""
        seen = {}
        for base, dirs, files in os.walk(self.base):
            dirs[:] = [name for name in dirs if os.path.join(base, name) != str(self.store)]
            for name in dirs + files:
                info = os.lstat(os.path.join(base, name))
                seen[os.path.join(base, name)] = (info.st_mode, info.st_ino, info.st_size, info.st_uid, info.st_mtime_ns)
        return seen

    def run_bounded(self, verb, path):
        """Run it under limits of its own. Return: code, stdout, stderr."""
        before = self.surroundings()
        count(self.counts, hashlib.sha256(Path(path).read_bytes()).digest())
        with open(path, "rb") as source, Watch([self.store, self.peak.report]) as watch:
            command = self.command(verb, *(["-"] if verb == "import" else ["--input", "-"]))
            process = subprocess.Popen(self.peak.command(command), stdin=source, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=self.environment(), start_new_session=True)
            try:
                out, errors = process.communicate(timeout=SECONDS * SLOWNESS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise
            self.assertEqual(watch.outside(), [])
        self.assertEqual(before, self.surroundings(), "something outside the store has changed")
        self.assertLess(self.peak.bytes(), MEMORY * SLOWNESS * SLOWNESS)
        self.assertNotIn(b"Sanitizer", errors)
        return process.returncode, out.decode(), errors.decode(errors="backslashreplace")

    def check_store(self):
        """No device, no foreign overlay attribute, nothing beside diff/ but our own files."""
        for layer in (self.store / "layers").glob("[0-9a-f]*"):
            self.assertLessEqual({path.name for path in layer.iterdir()}, {"diff", "journal", "layer.json", "extra"})
            for base, dirs, files in os.walk(layer / "diff"):
                for name in dirs + files:
                    path = os.path.join(base, name)
                    info = os.lstat(path)
                    if stat.S_ISCHR(info.st_mode):
                        self.assertEqual(info.st_rdev, 0, f"{path} is a device")
                    self.assertFalse(stat.S_ISBLK(info.st_mode) or stat.S_ISSOCK(info.st_mode), path)
                    if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
                        names = set(os.listxattr(path)) if os.access(path, os.R_OK) else set()
                        self.assertLessEqual({name for name in names if "overlay" in name}, {"user.overlay.opaque"})

    def write(self, data):
        """The archive's file."""
        path = self.base / "archive"
        path.write_bytes(data)
        return path

    def refused(self, data, says, verb="import"):
        """It must be refused with a reason, and leave nothing."""
        code, out, errors = self.run_bounded(verb, self.write(data))
        self.assertEqual((code, out), (125, ""), errors)
        self.assertRegex(errors, f"^Error: .*(?:{says})")
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertFalse([char for char in errors if ord(char) < 32 and char != "\n"], "control characters in the message")
        self.assertEqual(self.image_ids(), [])
        self.assertEqual(self.layer_dirs(), [])
        self.assert_clean()

    def accepted(self, data, verb="import"):
        """It must be harmless. Return: the first layer's diff."""
        code, _, errors = self.run_bounded(verb, self.write(data))
        self.assertEqual(code, 0, errors)
        self.check_store()
        self.assert_clean()
        return self.layer_dirs()[0]


class Names(HostileTest):
    """Where an entry may lie."""

    def test_dots(self):
        """Names that climb."""
        for name in ("../x", "a/../../x", "..", "a/..", "/../x", "./../x", "a/./../x"):
            with self.subTest(name=name):
                self.refused(tar((entry(name), b"x")), r"'\.\.' in it")

    def test_dots_in_pax_and_gnu(self):
        """The same by extended headers, behind an innocent short name."""
        self.refused(tar(pax(path="../../x"), header(b"innocent")), r"'\.\.' in it")
        self.refused(tar(header(b"././@LongLink", 8, b"L") + b"../../x\0".ljust(512, b"\0"), header(b"innocent")), r"'\.\.' in it")

    def test_absolute(self):
        """A leading slash means the layer's root."""
        diff = self.accepted(tar((entry(f"{self.outside}/file"), b"theirs")))
        self.assertEqual((self.outside / "file").read_text(), "untouched")
        self.assertEqual((diff / str(self.outside).lstrip("/") / "file").read_text(), "theirs")

    def test_long_component(self):
        """A name longer than any file system takes."""
        self.refused(tar((entry("a" * 256), b"x")), "too long")

    def test_long_path(self):
        """A path longer than PATH_MAX."""
        self.refused(tar((entry("d/" * 2100 + "x"), b"x")), "too long")

    def test_megabyte_name(self):
        """An extended header of two megabytes."""
        self.refused(tar(header(b"pax", 2 << 20, b"x") + bytes(2 << 20)), "extended header of 2097152 bytes")

    def test_nul_in_pax_path(self):
        """A name that ends earlier for C than for others."""
        self.refused(tar(pax(path=b"good\0/../x"), header()), "malformed")

    def test_root_replaced(self):
        """The root as a link, a file, a device."""
        for kind in (REG, SYM, LNK, CHR, FIFO):
            with self.subTest(kind=kind):
                self.refused(tar(entry("./", kind, link="/etc")), "replace the root")

    def test_escapes_in_messages(self):
        """A name that would write to the terminal."""
        self.refused(tar((entry("../\x1b]0;owned\x07\x1b[2J\u202e"), b"x")), r"'\.\.' in it")

    def test_strange_bytes(self):
        """Names that are not UTF-8, two spellings of one letter, line ends: files of these names."""
        names = [b"\xff\xfe", "e\u0301".encode(), "\u00e9".encode(), b"new\nline", b"back\\slash", b"-rf", b" ", b"..."]
        diff = self.accepted(tar(*[header(name) for name in names]))
        self.assertEqual(sorted(os.listdir(os.fsencode(diff))), sorted(names))


class Links(HostileTest):
    """Ladders of links resolve inside the layer's root or fail."""

    def test_symlink_then_file(self):
        """A link up or away, then a file through it."""
        for target in ("..", "../..", "/", "../../../../../../../..", str(self.outside), "/proc/self/root", "/proc/self/cwd"):
            with self.subTest(target=target):
                self.store = self.base / ("store" + hashlib.sha256(target.encode()).hexdigest()[:8])
                self.accepted(tar(directory_entry("d"), symlink("d/l", target), directory_entry("proc/self/root"),
                                  directory_entry("proc/self/cwd"), directory_entry(str(self.outside).lstrip("/")),
                                  (entry("d/l/canary"), b"dead"), (entry("d/l/file"), b"dead")))

    def test_ladder(self):
        """Links over links."""
        items = [directory_entry("a"), symlink("a/0", "..")]
        items += [symlink(f"a/{n}", f"{n - 1}/..") for n in range(1, 20)]
        self.accepted(tar(*items, (entry(f"a/19{self.canary}"), b"dead")))

    def test_long_ladder(self):
        """More links than a kernel follows."""
        items = [symlink(f"{n}", f"{n - 1}") for n in range(1, 60)]
        self.refused(tar(directory_entry("0"), *items, (entry("59/x"), b"x")), "cannot open")

    def test_loop(self):
        """A link to itself as a parent."""
        self.refused(tar(symlink("l", "l"), (entry("l/x"), b"x")), "cannot open|not a directory")

    def test_dangling_parent(self):
        """A parent that leads nowhere is not made there."""
        self.refused(tar(symlink("l", str(self.base / "made")), (entry("l/x"), b"x")), "not a directory")
        self.assertFalse((self.base / "made").exists())

    def test_dir_then_link_then_file(self):
        """A directory swapped for a link before its second pass."""
        diff = self.accepted(tar(directory_entry("d", 0o777), symlink("d", str(self.outside))))
        self.assertTrue((diff / "d").is_symlink())

    def test_file_over_link(self):
        """A file replaces a link, and is not written through it."""
        diff = self.accepted(tar(symlink("x", str(self.canary)), (entry("x"), b"dead")))
        self.assertFalse((diff / "x").is_symlink())
        self.assertEqual(self.canary.read_text(), "alive")

    def test_hardlinks_away(self):
        """Hard links to what lies outside."""
        for target in ("../canary", "../../../../../../../../etc/passwd", "/etc/passwd", str(self.canary), "/proc/self/exe", ""):
            with self.subTest(target=target):
                self.refused(tar(hardlink("h", target)), "does not exist|has a|no valid target")

    def test_hardlink_through_symlink(self):
        """A hard link through a link that leads up."""
        self.refused(tar(symlink("up", "../" * 20), hardlink("h", f"up{self.canary}")), "does not exist")

    def test_hardlink_to_symlink_then_write(self):
        """A second name of a link, then a file of that name."""
        self.accepted(tar(symlink("s", str(self.canary)), hardlink("h", "s"), (entry("h"), b"dead")))
        self.assertEqual(self.canary.read_text(), "alive")

    def test_hardlink_to_directory(self):
        """No directory has two names."""
        self.refused(tar(directory_entry("d"), hardlink("h", "d")), "no file")

    def test_hardlink_with_data(self):
        """Data on a link: other readers see other entries."""
        self.refused(tar(header(b"a", 1) + b"x".ljust(512, b"\0"), header(b"h", 1024, b"1", link=b"a") + header(b"evil") + bytes(512)),
                     "has data")

    def test_hardlink_across_layers_away(self):
        """A link into a lower layer stays in it."""
        lower = tar(symlink("l", "../" * 20), directory_entry("etc"))
        upper = tar(hardlink("h", f"l{self.canary}"))
        code, _, errors = self.run_bounded("load", self.write(docker_archive(lower, upper)))
        self.assertEqual(code, 125)
        self.assertRegex(errors, "does not exist")
        self.assertEqual(self.image_ids(), [])


class Kinds(HostileTest):
    """Objects nobody needs from an image."""

    def test_devices(self):
        """Devices are left out, also the one that would be a whiteout."""
        diff = self.accepted(tar(entry("mem", CHR, device=(1, 1)), entry("sda", BLK, device=(8, 0)),
                                 entry("zero", CHR, device=(0, 0)), (entry("file"), b"x")))
        self.assertEqual(os.listdir(diff), ["file"])

    def test_setuid(self):
        """Set-id bits are kept, in a store nobody else can enter."""
        diff = self.accepted(tar((entry("su", mode=0o6755), b"x"), directory_entry("d", 0o3777)))
        self.assertEqual((diff / "su").stat().st_mode & 0o7777, 0o6755)
        self.assertEqual(self.store.stat().st_mode & 0o777, 0o700)

    def test_fifo_then_file(self):
        """A fifo in the way neither blocks nor is written to."""
        diff = self.accepted(tar(entry("p", FIFO), (entry("p"), b"x"), directory_entry("d"), entry("d/f", FIFO)))
        self.assertTrue((diff / "p").is_file())

    def test_unknown_type(self):
        """A type that no tar knows."""
        self.refused(tar(header(b"x", 0, b"Q")), "unknown entry type")

    def test_file_as_parent(self):
        """A file cannot hold files."""
        self.refused(tar((entry("f"), b"x"), (entry("f/x"), b"x")), "not a directory")

    def test_overlay_attributes(self):
        """Attributes by which an overlay could be steered."""
        attributes = {f"user__overlay__{name}": "y" for name in ("opaque", "redirect", "metacopy", "origin", "impure", "upper")}
        attributes |= {"trusted__overlay__opaque": "y", "security__selinux": "x", "system__posix_acl_access": "x",
                       "security__ima": "x", "user__kept": "yes"}
        diff = self.accepted(tar(xattr("f", **attributes)))
        self.assertEqual([name for name in os.listxattr(diff / "f")], ["user.kept"])

    def test_escaped_overlay_attribute(self):
        """The name by which an overlay hides an attribute of its own kind."""
        diff = self.accepted(tar(xattr("f", user__overlay__overlay__opaque="y")))
        self.assertEqual(os.listxattr(diff / "f"), [])

    def test_bad_capability(self):
        """A capability of wrong size or revision is left out; one bound to another root is rebound to ours."""
        short = struct.pack("<I", 0x02000000)
        foreign = struct.pack("<IIIIII", 0x03000001, 0x2000, 0, 0, 0, 4242)
        diff = self.accepted(tar(pax(SCHILY__xattr__security__capability=short), header(b"short"),
                                 pax(SCHILY__xattr__security__capability=foreign), header(b"foreign")))
        self.assertEqual(os.listxattr(diff / "short"), [])
        value = os.getxattr(diff / "foreign", "security.capability")
        if os.geteuid() != 0:
            self.assertEqual(struct.unpack("<6I", value)[5], os.getuid(), "it is not bound to the container's root")
        self.assertNotIn(struct.pack("<I", 4242), value)

    def test_huge_attribute(self):
        """One attribute of 900 kB is left out."""
        diff = self.accepted(tar(pax(SCHILY__xattr__user__big=b"x" * 900000), header(b"f")))
        self.assertEqual(os.listxattr(diff / "f"), [])

    def test_many_attributes(self):
        """More attributes than anybody needs."""
        self.refused(tar(pax(**{f"SCHILY__xattr__user__a{n}": "x" for n in range(1000)}), header(b"f")), "malformed")


class Whiteouts(HostileTest):
    """Names that hide."""

    def test_bad_names(self):
        """Whiteouts of nothing, of the directory itself, of its parent."""
        for name in (".wh.", ".wh..", ".wh...", "a/.wh..", "a/.wh..."):
            with self.subTest(name=name):
                self.refused(tar(entry(name)), "not a valid whiteout")

    def test_as_parent(self):
        """A whiteout holds nothing."""
        self.refused(tar((entry(".wh.d/x"), b"x")), "lies in a whiteout")

    def test_with_data(self):
        """A whiteout says nothing."""
        self.refused(tar((entry(".wh.x"), b"x")), "has data")

    def test_through_link(self):
        """A whiteout through a link that leads up hides nothing there."""
        self.accepted(tar(symlink("up", "../../.."), entry("up/.wh.canary"), entry("up/.wh..wh..opq")))
        self.assertEqual(self.canary.read_text(), "alive")

    def test_as_link_or_device(self):
        """Whatever its type, it is a whiteout."""
        diff = self.accepted(tar(symlink(".wh.a", "/etc"), entry(".wh.b", CHR, device=(1, 1)), directory_entry(".wh.c")))
        for name in "abc":
            info = os.lstat(diff / name)
            self.assertTrue(stat.S_ISCHR(info.st_mode) and info.st_rdev == 0)

    def test_aufs_leftovers(self):
        """What aufs kept for itself makes nothing."""
        diff = self.accepted(tar(entry(".wh..wh.plnk"), entry(".wh..wh.aufs"), (entry("f"), b"x")))
        self.assertEqual(os.listdir(diff), ["f"])


def docker_archive(*layers, config=None, manifest=None, **extra):
    """A docker-archive of these layers."""
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    text = config if config is not None else json.dumps({"os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    names = [f"{number}.tar" for number in range(len(layers))]
    listing = manifest or json.dumps([{"Config": "config.json", "RepoTags": ["hostile:latest"], "Layers": names}]).encode()
    items = [(entry("config.json"), text), (entry("manifest.json"), listing)]
    items += [(entry(name), layer) for name, layer in zip(names, layers)]
    items += [(entry(name), data) for name, data in extra.items()]
    return tar(*items)


class Numbers(HostileTest):
    """Sizes, counts and owners."""

    def test_size_overflows(self):
        """Sizes near the ends of integers."""
        for field in (b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\x80\0\0\0\x10" + b"\0" * 7, b"77777777777x"):
            with self.subTest(field=field):
                self.refused(tar(header(b"x", fields=[(124, field)])), "out of range|not a number|more than")
        self.refused(tar(pax(size="99999999999999999999999"), header()), "malformed")
        self.refused(tar(pax(size="-1"), header()), "malformed")

    def test_data_cut_short(self):
        """A header that announces a terabyte."""
        self.refused(header(b"x", fields=[(124, b"\x80\0\0\0\0\0\0\x01\0\0\0\0")]) + b"data", "more than|cut short")

    def test_owner_out_of_range(self):
        """The ids that mean "none" and more."""
        for field in (b"\x80\0\0\0\xff\xff\xff\xff", b"\x80\0\0\1\0\0\0\0", b"\xff" * 8):
            with self.subTest(field=field):
                self.refused(tar(header(b"x", fields=[(108, field)])), "out of range")
        self.refused(tar(pax(uid="4294967295"), header()), "out of range")

    def test_owner_not_mapped(self):
        """An owner that the user's sub-ids do not reach: the error says what to do."""
        if os.geteuid() == 0:
            self.skipTest("root reaches every id")
        self.refused(tar(pax(uid="3000000000"), header()), "sub-ids does not reach")

    def test_sparse_bomb(self):
        """A file of an exabyte without a byte in it."""
        self.refused(tar(pax(GNU__sparse__size=str(1 << 60), GNU__sparse__map="0,0"), header()), "more than")

    def test_sparse_maps(self):
        """Maps that overlap, run backwards, exceed the file."""
        for text in ("0,2,1,2", "4096,2,0,2", "0,2,8191,2", "0,2", "1", "0,-1", "0,9999999999999999999999,1,1"):
            with self.subTest(map=text):
                self.refused(tar(pax(GNU__sparse__size="8192", GNU__sparse__map=text), header(b"s", 4) + b"aabb".ljust(512, b"\0")),
                             "sparse|malformed")

    def test_sparse_million(self):
        """A map with more entries than a file has blocks, in the data itself (1.0)."""
        numbers = b"16777216\n" + b"0\n" * 400000
        data = numbers + bytes(-len(numbers) % 512)
        self.refused(tar(pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__realsize="10"), header(b"s", len(data)) + data),
                     "sparse map is malformed")

    def test_gnu_sparse_chain(self):
        """Extension blocks without end."""
        block = header(b"s", 0, b"S", fields=[(386, b"00000000000\x0000000000000\0"), (482, b"\1"), (483, b"00000010000\0")])
        more = (b"00000000000\x0000000000000\0" * 21 + b"\1").ljust(512, b"\0")
        self.refused(tar(block + more * 7000), "sparse")

    def test_many_entries(self):
        """Ten thousand entries of one name: each replaces the last."""
        block = header(b"same")
        diff = self.accepted(block * 10000 + bytes(1024))
        self.assertEqual(os.listdir(diff), ["same"])

    def test_deep_tree(self):
        """Hundreds of directories into each other."""
        name, items = "", []
        for _ in range(600):
            name += "d/"
            items.append(directory_entry(name))
        self.accepted(tar(*items))

    def test_trailing_bytes(self):
        """A hundred megabytes behind the end."""
        self.refused(gzip.compress(tar((entry("f"), b"x")) + bytes(100 << 20), 1), "behind the end")


class Streams(HostileTest):
    """Compressed streams that lie."""

    def test_gzip_cut(self):
        """Cut anywhere."""
        packed = gzip.compress(tar((entry("f"), os.urandom(100000))))
        for size in (1, 5, 20, len(packed) // 2, len(packed) - 1):
            with self.subTest(size=size):
                self.refused(packed[:size], "cut short|malformed|broken")

    def test_gzip_checksum(self):
        """A flipped bit in the trailer."""
        packed = bytearray(gzip.compress(tar((entry("f"), b"x" * 1000))))
        packed[-6] ^= 1
        self.refused(bytes(packed), "gzip stream is broken")

    def test_gzip_garbage_behind(self):
        """Bytes behind the last member that are no member."""
        self.refused(gzip.compress(tar((entry("f"), b"x"))) + b"garbage", "gzip stream is")

    def test_gzip_bomb(self):
        """Eighty gigabytes of zeros, nested in members: the budget ends it early."""
        begin = header(b"zeros", fields=[(124, b"\x80\0\0\0\0\0\0" + struct.pack(">Q", 80 << 30)[3:])])
        member = gzip.compress(bytes(64 << 20), 9)
        self.refused(gzip.compress(begin) + member * 1280, "more than")

    def test_zstd_skippable(self):
        """Nothing but frames that hold nothing."""
        self.refused(b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00" + struct.pack("<II", 0x184D2A50, 4) * 200000, "broken|malformed|cut short")

    def test_zstd_window(self):
        """A frame that asks for two gigabytes of memory."""
        self.refused(b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(100), "zstd stream is broken")

    def test_other_compression(self):
        """xz and bzip2 are named."""
        for data in (b"\xfd7zXZ\0" + bytes(100), b"BZh9" + bytes(100)):
            self.refused(data, "xz and bzip2")

    def test_noise(self):
        """Random bytes."""
        for seed in range(8):
            data = hashlib.shake_256(bytes([seed])).digest(100000)
            self.refused(data, "malformed|broken|cut short")


class Documents(HostileTest):
    """Archives around layers."""

    counts = "manifests and configs"

    def test_wrong_diff_id(self):
        """A layer that is not the one its config names."""
        layer = tar((entry("f"), b"x"))
        config = json.dumps({"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}).encode()
        self.refused(docker_archive(layer, config=config), "diff id", "load")

    def test_layer_count(self):
        """More layers than diff ids, and fewer."""
        layer = tar((entry("f"), b"x"))
        self.refused(docker_archive(layer, config=b'{"rootfs":{"type":"layers","diff_ids":[]}}'), "layers, its config names", "load")
        ids = json.dumps({"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 3}}).encode()
        self.refused(docker_archive(layer, config=ids), "layers, its config names", "load")

    def test_hostile_digest(self):
        """A diff id that is a path."""
        config = b'{"rootfs":{"type":"layers","diff_ids":["sha256:../../../../outside"]}}'
        self.refused(docker_archive(tar(), config=config), "invalid digest", "load")

    def test_environment(self):
        """An Env entry that would copy the host's."""
        config = b'{"config":{"Env":["HOME"]},"rootfs":{"type":"layers","diff_ids":[]}}'
        self.refused(docker_archive(config=config), "KEY=VALUE", "load")

    def test_config_path(self):
        """A manifest that names files outside the archive."""
        for name in ("/etc/passwd", "../../../etc/passwd", str(self.canary)):
            listing = json.dumps([{"Config": name, "Layers": []}]).encode()
            self.refused(docker_archive(manifest=listing), "has no", "load")

    def test_links_in_archive(self):
        """Links between an archive's files lead to files of the archive, or nowhere."""
        listing = json.dumps([{"Config": "l", "Layers": []}]).encode()
        for target in ("/etc/passwd", "l", "../../../../etc/passwd"):
            self.refused(tar(symlink("l", target), (entry("manifest.json"), listing)), "has no", "load")

    def test_deep_json(self):
        """A hundred thousand brackets."""
        self.refused(docker_archive(manifest=b"[" * 100000), "manifest.json", "load")

    def test_large_documents(self):
        """A manifest and a config of five megabytes."""
        self.refused(docker_archive(manifest=b" " * (5 << 20)), "larger than", "load")
        self.refused(docker_archive(config=b" " * (5 << 20)), "larger than", "load")

    def test_many_layers(self):
        """More layers than an overlay holds."""
        config = json.dumps({"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 501}}).encode()
        self.refused(docker_archive(config=config), "more than 500", "load")

    def test_names(self):
        """Names that are no names are left out, not written anywhere."""
        layer = tar((entry("f"), b"x"))
        listing = json.dumps([{"Config": "config.json", "Layers": ["0.tar"],
                               "RepoTags": ["../../etc:x", "a\nb:latest", "UPPER:1", "fine:1"]}]).encode()
        self.accepted(docker_archive(layer, manifest=listing), "load")
        self.assertEqual(self.names_of(self.image_ids()[0]), ["docker.io/library/fine:1"])


if __name__ == "__main__":
    unittest.main()
