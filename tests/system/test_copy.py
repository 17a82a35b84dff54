# SPDX-License-Identifier: Apache-2.0
"""cp: the rules for names, owners, archives, mounts; containers that run, and that do not; and a container that
swaps its directories for links to the host while files go both ways."""

import io
import os
import shutil
import stat
import subprocess
import tarfile
import time
from pathlib import Path

from tests.support.skiff import SLOWNESS, SOAK, SkiffTest, wait_for

HERE = Path(__file__).resolve().parent


def archive(entries, mode="w"):
    """A tar of {name: content or None for a directory}, owned by 5:6."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.uid, info.gid = 5, 6
            info.mtime = 1000000000
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return file.getvalue()


def members(data):
    """{name: content} of a tar; directories have None."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: tar.extractfile(m).read() if m.isfile() else None for m in tar.getmembers()}


class Copy(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.work = self.base / f"work-{self._testMethodName}"
        (self.work / "dir/sub").mkdir(parents=True)
        (self.work / "file").write_text("file\n")
        (self.work / "dir/one").write_text("one\n")
        (self.work / "dir/sub/two").write_text("two\n")
        (self.work / "link").symlink_to("file")
        (self.work / "dirlink").symlink_to("dir")
        self.addCleanup(shutil.rmtree, self.work)

    def container(self, *options, running=True, name="c"):
        verb = ["run", "-d"] if running else ["create"]
        self.skiff(*verb, "--name", name, "--network", "none", *options, "busybox", "sleep", "1000")

    def cp(self, *args, **options):
        return self.skiff("cp", *args, cwd=self.work, **options)

    def fails(self, says, *args, **options):
        return self.skiff_fails("cp", *args, says=says, cwd=self.work, **options)

    def inside(self, path, name="c"):
        """All paths below one of the container, without it, and the content of files."""
        found = members(self.cp(f"{name}:{path}/.", "-").stdout_bytes)
        return {key: value and value.decode() for key, value in found.items()}

    def test_devices(self):
        """No node is made of them, and that is said; alone they are an error."""
        self.container()
        self.fails("'/dev/null' is a device", "c:/dev/null", "file")
        self.assertEqual((self.work / "file").read_text(), "file\n")
        self.assertRegex(self.cp("c:/dev", "made").stderr, r"\d device nodes of '/dev' were left out")
        self.assertTrue((self.work / "made/fd").is_symlink())
        self.skiff("rm", "-f", "-t", "0", "c")

    def test_rules_for_names(self):
        """Both ways, in a container that runs and in one that does not."""
        for running in (True, False):
            with self.subTest(running=running):
                self.container(running=running)
                self.cp("file", "c:/tmp")
                self.cp("file", "c:tmp/renamed")
                self.cp("dir", "c:/tmp")
                self.cp("dir", "c:/tmp/new")
                self.cp("dir/.", "c:/tmp/contents")
                self.cp("dir/", "c:/tmp/new")
                self.cp("dir/.", "c:/tmp/new/sub")
                self.cp("link", "c:/tmp/from-link")
                self.cp("dirlink", "c:/tmp/from-dirlink")
                tree = {"one": "one\n", "sub": None, "sub/two": "two\n"}
                below = lambda top, of: {top: None, **{f"{top}/{k}": v for k, v in of.items()}}
                new = {**tree, **below("dir", tree), **{f"sub/{k}": v for k, v in tree.items()}}
                self.assertEqual(self.inside("/tmp"), {
                    "file": "file\n", "renamed": "file\n", "from-link": "file\n", **below("dir", tree),
                    **below("contents", tree), **below("from-dirlink", tree), **below("new", new)})
                out = self.work / f"out-{running}"
                out.mkdir()
                self.cp("c:/tmp/file", out)
                self.cp("c:/tmp/dir", out)
                self.cp("c:/tmp/dir/.", out / "flat")
                self.cp("c:/tmp/dir/", out / "renamed")
                self.cp("c:tmp/file", out / "renamed/one")
                self.assertEqual(sorted(str(p.relative_to(out)) for p in out.rglob("*")), [
                    "dir", "dir/one", "dir/sub", "dir/sub/two", "file", "flat", "flat/one", "flat/sub", "flat/sub/two",
                    "renamed", "renamed/one", "renamed/sub", "renamed/sub/two"])
                self.assertEqual((out / "renamed/one").read_text(), "file\n")
                self.skiff("rm", "-f", "-t", "0", "c")

    def test_what_is_refused(self):
        self.container()
        self.cp("dir", "c:/tmp")
        self.cp("file", "c:/tmp")
        self.fails('"/no/file" could not be found on container c: no such file or directory', "file", "c:/no/file")
        self.fails('"/no/" could not be found on container c: no such file or directory', "file", "c:/no/")
        self.fails('"absent" could not be found on the host: no such file or directory', "absent", "c:/")
        self.fails('"file/" could not be found on the host: not a directory', "file/", "c:/tmp/x")
        self.fails('"/absent" could not be found on container c: no such file or directory', "c:/absent", ".")
        self.fails('"no/x" could not be found on the host: no such file or directory', "c:/tmp/file", "no/x")
        self.fails("destination must be a directory when copying a directory", "dir", "c:/tmp/file")
        self.fails("destination must be a directory when copying a directory", "c:/tmp/dir", "file")
        self.fails("destination must be a directory when copying from stdin", "-", "c:/tmp/file", input=b"")
        self.fails("source must be a (compressed) tar archive when copying from stdin", "-", "c:/tmp", input=b"x" * 2000)
        self.fails("source must be a (compressed) tar archive when copying from stdin", "-", "c:/tmp", input=b"")
        self.fails('container "absent" does not exist', "absent:/x", ".")
        self.fails('invalid arguments "c:", "x": you must specify paths', "c:", "x")
        self.fails("name or ID cannot be empty", "file", "x")
        self.fails("accepts 2 arg(s), received 1", "file")

    def test_kinds_are_kept_unless_asked(self):
        self.container()
        (self.work / "tree/file").mkdir(parents=True)
        self.cp("tree", "c:/tmp")
        self.fails("cannot overwrite directory 'file' with non-directory", "file", "c:/tmp/tree")
        self.cp("--overwrite", "file", "c:/tmp/tree")
        self.assertEqual(self.inside("/tmp/tree"), {"file": "file\n"})
        self.fails("cannot overwrite non-directory 'tree/file' with directory", "tree", "c:/tmp")
        # A link that stands where a file comes is replaced; where it leads to stays as it was.
        self.skiff("exec", "c", "sh", "-c", "echo old > /tmp/target; mkdir /tmp/d; ln -s /tmp/target /tmp/d/file; "
                   "ln -s target /tmp/direct")
        self.cp("file", "c:/tmp/d")
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "cat /tmp/target; readlink /tmp/d/file || true").stdout, "old\n")
        # One that is named is followed.
        self.cp("file", "c:/tmp/direct")
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "cat /tmp/target; readlink /tmp/direct").stdout,
                         "file\ntarget\n")

    def owners(self, path):
        return self.skiff("exec", "c", "stat", "-c", "%u:%g:%a", path).word

    def test_owners_modes_and_times(self):
        self.need_ids()
        self.skiff("run", "-d", "--name", "c", "--user", "7:8", "busybox", "sleep", "1000")
        os.chmod(self.work / "file", 0o4751)
        os.utime(self.work / "file", (1000000000, 1000000000))
        self.cp("file", "c:/tmp/mine")
        self.cp("-a=false", "file", "c:/tmp/kept")
        own = "0:0" if os.geteuid() else f"{os.geteuid()}:{os.getegid()}"
        self.assertEqual((self.owners("/tmp/mine"), self.owners("/tmp/kept")), ("7:8:4751", f"{own}:4751"))
        self.assertEqual(self.skiff("exec", "c", "stat", "-c", "%Y", "/tmp/mine").word, "1000000000")
        self.cp("-", "c:/tmp", input=archive({"a": None, "a/b": b"1"}))
        self.cp("-a=false", "-", "c:/tmp", input=archive({"x": None, "x/y": b"1"}))
        self.assertEqual([self.owners(f"/tmp/{p}") for p in ("a", "a/b", "x", "x/y")],
                         ["7:8:755", "7:8:644", "5:6:755", "5:6:644"])
        self.cp("c:/tmp/x", "got")
        status = os.stat(self.work / "got/y")
        self.assertEqual((status.st_uid, status.st_gid, int(status.st_mtime)), (os.geteuid(), os.getegid(), 1000000000))
        self.assertIn("5/6", subprocess.run(["tar", "tvf", "-", "--numeric-owner"], check=True, capture_output=True, text=True,
                                            input=None, stdin=self.as_file(self.cp("c:/tmp/x/y", "-").stdout_bytes)).stdout)

    def as_file(self, data):
        file = open(self.work / "data", "w+b")
        self.addCleanup(file.close)
        file.write(data)
        file.seek(0)
        return file

    def test_ids_of_a_container_with_its_own(self):
        """--userns keep-id: owners are the container's, before its first start and while it runs."""
        self.need_ids()
        self.need(os.geteuid() != 0, "keep-id is for others than root")
        self.container("--userns", "keep-id:uid=1000,gid=1000", "--user", "3:4", running=False)
        self.cp("-a=false", "-", "c:/tmp", input=archive({"before": b"1"}))
        self.cp("file", "c:/tmp/first")
        self.skiff("start", "c")
        self.cp("-a=false", "-", "c:/tmp", input=archive({"after": b"1"}))
        self.cp("file", "c:/tmp/second")
        self.assertEqual([self.owners(f"/tmp/{p}") for p in ("before", "after", "first", "second")],
                         ["5:6:644", "5:6:644", "3:4:644", "3:4:644"])
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual(set(self.inside("/tmp")), {"before", "after", "first", "second"})

    def test_archives(self):
        self.container()
        for mode in ("w", "w:gz"):
            self.cp("-", "c:/tmp", input=archive({"deep/er/file": mode.encode(), "a": b"1"}, mode))
            self.assertEqual(self.inside("/tmp"), {"a": "1", "deep": None, "deep/er": None, "deep/er/file": mode})
        self.assertEqual(list(members(self.cp("c:/tmp/deep", "-").stdout_bytes)), ["deep", "deep/er", "deep/er/file"])
        self.assertEqual(list(members(self.cp("c:/tmp/a", "-").stdout_bytes)), ["a"])
        for name in ("../up", "/tmp/../../up", "x/../../up"):
            self.fails("has a '..' in it", "-", "c:/tmp", input=archive({name: b"1"}))
        # Names that only mean something in a layer are files like others.
        self.cp("-", "c:/tmp", input=archive({".wh.a": b"", ".wh..wh..opq": b""}))
        self.assertLessEqual({".wh.a", ".wh..wh..opq", "a"}, set(self.inside("/tmp")))

    def test_mounts(self):
        """Volumes and tmpfs as the container has them; a file that is mounted keeps its mount."""
        self.addCleanup(self.skiff, "volume", "rm", "-f", "vol")
        (self.work / "bound").write_text("bound\n")
        options = ["-v", "vol:/vol", "--tmpfs", "/mem", "-v", f"{self.work}/bound:/etc/app.conf", "-v",
                   f"{self.work}/dir:/ro:ro"]
        self.container(*options)
        self.cp("file", "c:/vol/in-volume")
        self.cp("file", "c:/mem/in-memory")
        self.cp("file", "c:/etc/app.conf")
        self.cp("file", "c:/etc/hosts")
        self.assertEqual(self.skiff("exec", "c", "cat", "/vol/in-volume", "/mem/in-memory", "/etc/app.conf", "/etc/hosts").stdout,
                         "file\n" * 4)
        self.assertEqual((self.work / "bound").read_text(), "file\n")
        self.fails("Read-only file system", "file", "c:/ro/x")
        self.assertEqual(self.inside("/mem"), {"in-memory": "file\n"})
        for path in ("/etc/app.conf", "/etc/hosts"):
            self.assertIn(f" {path} ", self.skiff("exec", "c", "cat", "/proc/self/mountinfo").stdout)
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual(self.inside("/vol"), {"in-volume": "file\n"})
        self.cp("dir/one", "c:/vol")
        self.fails("Read-only file system", "file", "c:/ro/x")
        self.assertEqual(self.skiff("run", "--rm", "-v", "vol:/vol", "busybox", "ls", "/vol").lines, ["in-volume", "one"])

    def test_between_containers(self):
        self.container(name="a")
        self.container(name="b", running=False)
        self.cp("dir", "a:/tmp")
        self.cp("a:/tmp/dir", "b:/tmp/moved")
        self.assertEqual(self.inside("/tmp/moved", "b"), {"one": "one\n", "sub": None, "sub/two": "two\n"})
        self.cp("b:/tmp/moved/one", "a:/tmp/dir/sub")
        self.cp("a:/tmp/dir", "a:/tmp/again")
        self.cp("b:/tmp/moved", "b:/tmp/again")
        self.assertEqual(self.inside("/tmp/again", "a"),
                         {"one": "one\n", "sub": None, "sub/one": "one\n", "sub/two": "two\n"})
        self.assertEqual(self.inside("/tmp/again", "b"), {"one": "one\n", "sub": None, "sub/two": "two\n"})

    def test_a_stopped_container_starts_afterwards(self):
        self.container(running=False)
        self.cp("file", "c:/tmp/file")
        self.skiff("start", "c")
        self.assertEqual(self.skiff("exec", "c", "cat", "/tmp/file").stdout, "file\n")
        self.skiff("exec", "c", "sh", "-c", "echo changed > /tmp/file")
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual(self.inside("/tmp"), {"file": "changed\n"})
        self.skiff("start", "c")

    def test_special_files(self):
        self.container()
        self.skiff("exec", "c", "sh", "-c", "cd /tmp; mkfifo pipe; ln -s /nowhere dangling; ln -s . loop; echo 1 > a; ln a b; "
                   "ln -s /etc/passwd absolute")
        self.cp("c:/tmp", "out")
        out = self.work / "out"
        self.assertEqual(os.readlink(out / "dangling"), "/nowhere")
        self.assertEqual(os.readlink(out / "absolute"), "/etc/passwd")
        self.assertEqual(os.stat(out / "a").st_ino, os.stat(out / "b").st_ino)
        self.assertTrue((out / "pipe").is_fifo())
        self.cp("c:/tmp/loop/loop/a", "through")
        self.assertEqual((self.work / "through").read_text(), "1\n")
        # Devices stay where they are; the kernel's files are no files.
        self.cp("c:/dev", "dev")
        self.assertFalse(any(stat.S_ISCHR(p.lstat().st_mode) for p in (self.work / "dev").rglob("*")))
        self.cp("c:/proc", "proc")
        self.assertEqual(list((self.work / "proc").iterdir()), [])

    def test_links_of_the_container_lead_to_what_is_meant(self):
        """As podman has it: a source is called what its link leads to, a destination may not be there yet."""
        self.container()
        self.skiff("exec", "c", "sh", "-c", "cd /tmp; mkdir dir; echo 1 > dir/a; ln -s dir ld; ln -s dir/a lf; ln -s dir/new ln; ln -s no/such lx")
        (self.work / "out").mkdir()
        self.cp("c:/tmp/ld", "out")
        self.cp("c:/tmp/lf", "out")
        self.assertEqual(sorted(p.name for p in (self.work / "out").rglob("*")), ["a", "a", "dir"])
        self.cp("file", "c:/tmp/ln")
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "readlink /tmp/ln; cat /tmp/dir/new").lines, ["dir/new", "file"])
        self.fails('"/tmp/lx" could not be found on container c: no such file or directory', "file", "c:/tmp/lx")

    def test_a_file_is_no_directory(self):
        self.container()
        self.skiff("exec", "c", "touch", "/tmp/there")
        self.fails('"/tmp/there/" could not be found on container c: not a directory', "file", "c:/tmp/there/")
        self.fails('"file/" could not be found on the host: not a directory', "c:/etc/passwd", "file/")
        for place in ("/tmp/there", "/tmp/there/", "/tmp/there/."):
            self.fails("destination must be a directory when copying a directory", "dir", f"c:{place}")
            self.fails("destination must be a directory when copying a directory", "dir/.", f"c:{place}")


class Race(SkiffTest):
    """A container exchanges a directory for a link to a directory of the host, all the time."""

    images = ["busybox"]
    SWAPS = 100000 if SOAK else 10000

    def setUp(self):
        super().setUp()
        compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
        self.need(compiler, "no C compiler")
        self.place = self.base / "place"
        self.place.mkdir()
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-o", self.place / "flipper", HERE / "copy_flipper.c"],
                       check=True)
        self.addCleanup(shutil.rmtree, self.place)
        # The host's directory that nobody may see or touch, and one in the container of the same name.
        self.canary = self.place / "canary"
        self.canary.mkdir()
        (self.canary / "payload").write_text("of the host")
        (self.canary / "only-here").write_text("of the host")
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sleep", "1000")
        self.skiff("cp", self.place / "flipper", "c:/flipper")
        self.skiff("exec", "c", "sh", "-c", f"mkdir -p {self.canary} /data/dir; echo decoy > {self.canary}/payload; "
                   f"echo mine > /data/dir/payload; cd /data; ln -s {self.canary} link; ln -s ../../../../../../../../../../.."
                   f"{self.canary} up")
        for link in ("link", "up"):
            self.skiff("exec", "-d", "c", "/flipper", "/data/dir", f"/data/{link}", f"/count-{link}")

    def swaps(self):
        text = self.skiff("exec", "c", "sh", "-c", "cat /count-link /count-up", check=False).stdout.split()
        return min(map(int, text)) if len(text) == 2 else 0

    def state(self):
        """All that is in the host's directory, with its times."""
        return {str(p): (os.lstat(p).st_ino, os.lstat(p).st_mtime_ns, os.lstat(p).st_mode, p.is_file() and p.read_text())
                for p in [self.canary, *self.canary.rglob("*")]}

    def test_both_ways(self):
        """Red when path_open_in_root() is a plain openat() and jail_enter_empty() does nothing."""
        wait_for(self.swaps, message="the flippers")
        before = self.state()
        source = self.place / "source"
        (source / "tree").mkdir(parents=True)
        (source / "payload").write_text("copied")
        (source / "tree/payload").write_text("copied")
        first, rounds, landed = self.swaps(), 0, 0
        deadline = time.monotonic() + 120 * SLOWNESS
        while (self.swaps() - first < self.SWAPS or rounds < 60) and time.monotonic() < deadline:
            rounds += 1
            for path in (source / "payload", source / "tree", source / "tree/."):
                landed += self.skiff("cp", path, "c:/data/dir/", check=False).code == 0
            out = self.place / f"out-{rounds}"
            out.mkdir()
            for path in ("/data/dir", "/data/dir/.", "/data/dir/payload", "/data"):
                self.skiff("cp", f"c:{path}", out, check=False)
            for path in out.rglob("*"):
                self.assertFalse(path.name == "only-here", f"{path} came from the host")
                if path.is_file() and not path.is_symlink():
                    self.assertNotEqual(path.read_text(errors="replace"), "of the host", path)
            shutil.rmtree(out)
        self.assertGreaterEqual(self.swaps() - first, self.SWAPS)
        self.assertGreater(landed, rounds, "most copies failed: nothing was tried")
        self.assertEqual(self.state(), before)
        self.assertEqual(sorted(p.name for p in self.place.iterdir()), ["canary", "flipper", "source"])
