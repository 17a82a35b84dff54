# SPDX-License-Identifier: Apache-2.0
"""Build contexts, COPY and ADD without the rest of a build: build-bed (tests/unit/build) opens a context and
runs one instruction from it, as root of the user's namespace.

What comes from elsewhere is hostile here (security 1.4): archives, repositories, links in contexts. Each
fixture lies beside a canary that must stay as it is. Where buildah is installed the same instructions run
with it, and the trees are compared.
"""

import functools
import http.server
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import unittest
from pathlib import Path

from tests.support.skiff import BUILD_BED, TOP, Result, SkiffTest, build_dir

LIST = """
import json, os, stat, sys
found = {}
top = sys.argv[1]
for parent, directories, files in os.walk(top):
    for name in directories + files:
        path = os.path.join(parent, name)
        st = os.lstat(path)
        kind = {stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFREG: "f", stat.S_IFIFO: "p"}.get(stat.S_IFMT(st.st_mode), "?")
        what = os.readlink(path) if kind == "l" else open(path, errors="replace").read() if kind == "f" else ""
        mode = "" if kind == "l" else f"{stat.S_IMODE(st.st_mode):o}"
        found[os.path.relpath(path, top)] = [kind, mode, f"{st.st_uid}:{st.st_gid}", what, int(st.st_mtime)]
print(json.dumps(found))
"""


def tar_bytes(*entries, compression=""):
    """A tar of (name, type, link or content, changes of its TarInfo) in the order given."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind, text, *changes in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            data = None
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = text
            elif kind == tarfile.REGTYPE:
                data = text.encode()
                info.size = len(data)
            for key, value in (changes[0] if changes else {}).items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data) if data is not None else None)
    if not compression:
        return out.getvalue()
    return subprocess.run([compression, "-c"], input=out.getvalue(), capture_output=True, check=True).stdout


FILE, DIR, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
SIMPLE = (("Dockerfile", FILE, "FROM scratch\n"), ("d", DIR, ""), ("d/x", FILE, "X"))


class Bed(SkiffTest):
    """A context, a destination and a canary beside them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bed_program = next((top / BUILD_BED for top in (TOP, build_dir()) if os.access(top / BUILD_BED, os.X_OK)), None)
        if not cls.bed_program:
            raise unittest.SkipTest(f"no {BUILD_BED} in '{build_dir()}'")
        cls.libexec = cls.program.parent.parent / "libexec/skiff"

    def setUp(self):
        super().setUp()
        self.place = self.tmp / self._testMethodName
        self.context, self.dest, self.work = self.place / "context", self.place / "dest", self.place / "work"
        for directory in (self.context, self.dest, self.work):
            directory.mkdir(parents=True)
        self.work.chmod(0o700)
        self.canary = self.place / "canary"
        self.canary.write_text("canary")
        self.canary.chmod(0o644)
        self.addCleanup(self.inside, "rm", "-rf", self.place)

    def inside(self, *argv, check=True, env=None, input=None):
        """Run a command as root of the user's namespace."""
        if os.geteuid() != 0:
            return self.skiff("unshare", *argv, check=check, env=env, input=input)
        data = input.encode() if isinstance(input, str) else input
        ran = subprocess.run(argv, check=False, capture_output=True, input=data or b"", env=self.environment(**(env or {})))
        done = Result(argv, ran.returncode, ran.stdout, ran.stderr, 0)
        if check:
            self.assertEqual(done.code, 0, str(done))
        return done

    def write(self, **files):
        """Make files of the context; "__" in a name is a slash, "_" at its end a dot."""
        for name, text in files.items():
            path = self.context / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def bed(self, *words, options=(), context=None, named=True, fails=None, input=None):
        """One COPY or ADD; returns what build-bed says, as a dict."""
        done = self.inside(self.bed_program, *(["--named"] if named else []), *options, self.work,
                          context or self.context, self.dest, *words, check=False, input=input,
                          env={"SKIFF_LIBEXEC": str(self.libexec), "GIT_CONFIG_GLOBAL": "/dev/null"})
        self.assertEqual(self.canary.read_text(), "canary")
        if fails is None:
            self.assertEqual(done.code, 0, str(done))
        else:
            self.assertEqual(done.code, 1, str(done))
            self.assertIn(fails, done.stderr)
        return dict(line.split(" ", 1) for line in done.lines if " " in line)

    def tree(self, times=False):
        """What the destination holds: {path: (kind, mode, owner, content or link)}."""
        done = self.inside("python3", "-c", LIST, self.dest)
        return {path: tuple(row) if times else tuple(row[:4]) for path, row in json.loads(done.stdout).items()}

    def clear(self):
        """Empty the destination."""
        self.inside("rm", "-rf", self.dest)
        self.dest.mkdir()


class Contexts(Bed):
    """What a context may be."""

    def test_directory(self):
        self.write(Dockerfile="FROM scratch\n", a="A")
        said = self.bed(".", "/d/", named=False)
        self.assertEqual(said["dockerfile"], "Dockerfile 13 FROM scratch")
        self.assertEqual(self.tree()["d/a"], ("f", "644", "0:0", "A"))

    def test_containerfile_comes_first(self):
        self.write(Dockerfile="FROM scratch\n", Containerfile="FROM other\n")
        self.assertEqual(self.bed(".", "/d/", named=False)["dockerfile"], "Containerfile 11 FROM other")

    def test_no_dockerfile(self):
        self.bed(".", "/d/", named=False, fails="no Containerfile or Dockerfile")

    def test_dockerfile_of_another_name(self):
        self.write(sub__Other="FROM a\n")
        outside = self.place / "Outside"
        outside.write_text("FROM outside\n")
        for name, first in (("sub/Other", "FROM a"), (str(outside), "FROM outside")):
            said = self.bed(".", "/d/", named=False, options=["-f", name])
            self.assertEqual(said["dockerfile"], f"{name} {len(first) + 1} {first}")
        self.bed(".", "/d/", named=False, options=["-f", "absent"], fails="no such Dockerfile 'absent'")

    def test_dockerfile_on_stdin(self):
        self.write(a="A")
        said = self.bed("a", "/", named=False, options=["-f", "-"], input="FROM stdin\n")
        self.assertEqual(said["dockerfile"], "- 11 FROM stdin")
        self.clear()
        said = self.bed(".", "/", named=False, context="-", input="FROM alone\n")
        self.assertEqual(said["dockerfile"], "- 11 FROM alone")
        self.assertEqual(self.tree(), {})
        self.bed(".", "/", named=False, context="-", options=["-f", "-"], input="FROM x\n", fails="cannot both be")

    def test_tars(self):
        for tool in ("", "gzip", "zstd", "xz", "bzip2"):
            if tool and not shutil.which(tool):
                continue
            with self.subTest(compression=tool):
                data = tar_bytes(*SIMPLE, ("other/F", FILE, "FROM f\n", {"uid": 7, "gid": 8}), compression=tool)
                self.clear()
                said = self.bed(".", "/", named=False, context="-", input=data)
                self.assertEqual(said["dockerfile"], "Dockerfile 13 FROM scratch")
                self.assertEqual(self.tree()["d/x"], ("f", "644", "0:0", "X"))
                self.assertEqual(self.tree()["other/F"], ("f", "644", "0:0", "FROM f\n"))
                path = self.place / "context.tar"
                path.write_bytes(data)
                self.clear()
                said = self.bed("d", "/e", named=False, context=path, options=["-f", "other/F"])
                self.assertEqual(said["dockerfile"], "other/F 7 FROM f")
                self.assertEqual(sorted(self.tree()), ["e", "e/x"])

    def test_damaged_tars(self):
        for tool in ("gzip", "zstd", "xz", "bzip2"):
            if shutil.which(tool):
                big = tar_bytes(*SIMPLE, ("big", FILE, os.urandom(300000).hex()), compression=tool)
                with self.subTest(compression=tool):
                    self.bed(".", "/", context="-", named=False, input=big[:len(big) // 2], fails="")
        self.bed(".", "/", context=self.canary, fails="neither a directory nor a tar")

    def test_absent(self):
        self.bed(".", "/", context=self.place / "absent", fails="no such build context")
        self.bed(".", "/", context="ext::sh -c touch% evil", fails="no such build context")

    def test_ignore_files(self):
        self.write(Dockerfile="FROM scratch\n", a="A", b="B", c="C", **{".dockerignore": "a\n"})
        self.bed(".", "/", named=False)
        self.assertEqual(sorted(self.tree()), [".dockerignore", "Dockerfile", "b", "c"])
        self.write(**{".containerignore": "b\n"})
        self.clear()
        self.bed(".", "/", named=False)
        self.assertNotIn("b", self.tree())
        self.write(**{"Dockerfile.dockerignore": "c\n.*\n"})
        self.clear()
        self.bed(".", "/", named=False)
        self.assertEqual(sorted(self.tree()), ["Dockerfile", "Dockerfile.dockerignore", "a", "b"])
        given = self.place / "ignore"
        given.write_text("*\n!a\n")
        self.clear()
        self.bed(".", "/", named=False, options=["--ignorefile", given])
        self.assertEqual(sorted(self.tree()), ["a"])

    def test_links_that_lead_out(self):
        """Security 1.4: CVE-2022-4122, CVE-2026-33748: Dockerfile, ignore file."""
        (self.place / "Evil").write_text("FROM evil\n")
        for name in ("Dockerfile", "Dockerfile.dockerignore", ".containerignore", ".dockerignore"):
            for target in ("../Evil", str(self.place / "Evil")):
                with self.subTest(name=name, target=target):
                    shutil.rmtree(self.context)
                    self.context.mkdir()
                    if name != "Dockerfile":
                        self.write(Dockerfile="FROM scratch\n")
                    (self.context / name).symlink_to(target)
                    self.bed(".", "/", named=False, fails="no " if name == "Dockerfile" else "cannot open the ignore file")

    def test_links_inside(self):
        self.write(real="FROM real\n", list="a\n", a="A")
        (self.context / "Dockerfile").symlink_to("/real")
        (self.context / ".dockerignore").symlink_to("list")
        self.assertEqual(self.bed(".", "/", named=False)["dockerfile"], "Dockerfile 10 FROM real")
        self.assertNotIn("a", self.tree())


class HostileArchives(Bed):
    """ADD and contexts take archives of strangers.

    Red when skiff-layer unpacks outside of its jail and finds parents by openat(); overlay attributes when the
    extractor lets them through.
    """

    ENTRIES = {
        "up": [("../evil", FILE, "E")],
        "deep up": [("d", DIR, ""), ("d/../../evil", FILE, "E")],
        "absolute": [("/../evil", FILE, "E")],
        "through a link": [("l", LINK, ".."), ("l/evil", FILE, "E")],
        "through two links": [("d", DIR, ""), ("d/l", LINK, "../.."), ("m", LINK, "d/l"), ("m/evil", FILE, "E")],
        "through an absolute link": [("l", LINK, "PLACE"), ("l/evil", FILE, "E")],
        "over a link": [("l", LINK, "../canary"), ("l", FILE, "E")],
        "over an absolute link": [("l", LINK, "PLACE/canary"), ("l", FILE, "E")],
        "a hard link out": [("h", HARD, "../canary"), ("h", FILE, "E")],
        "an absolute hard link": [("h", HARD, "PLACE/canary")],
        "a hard link to a link": [("l", LINK, "../canary"), ("h", HARD, "l"), ("h", FILE, "E")],
        "a directory over a link": [("l", LINK, ".."), ("l", DIR, "", {"mode": 0o777})],
        "modes through a link": [("l", LINK, "../canary"), ("l", DIR, "", {"mode": 0o777})],
        "a device": [("null", tarfile.CHRTYPE, "", {"devmajor": 1, "devminor": 3}), ("d", DIR, "")],
        "a whiteout device": [("w", tarfile.CHRTYPE, "", {"devmajor": 0, "devminor": 0}), ("d", DIR, "")],
    }

    def check(self, name, run):
        """Unpack, then look: whether it is refused or not, nothing has left the destination."""
        place = str(self.place)
        entries = [(entry[0], entry[1], entry[2].replace("PLACE", place), *entry[3:]) for entry in self.ENTRIES[name]]
        before = self.canary.stat()
        run([("Dockerfile", FILE, "FROM scratch\n"), *entries])
        after = self.canary.stat()
        for field in ("st_mode", "st_uid", "st_nlink", "st_ino", "st_mtime_ns"):
            self.assertEqual(getattr(before, field), getattr(after, field), field)
        self.assertFalse((self.place / "evil").exists())
        self.assertFalse((self.work / "evil").exists())
        self.assertNotIn("?", [row[0] for row in self.tree().values()])

    def run_bed(self, words, context, options=()):
        done = self.inside(self.bed_program, "--named", *options, self.work, context, self.dest, *words,
                          check=False, env={"SKIFF_LIBEXEC": str(self.libexec)})
        self.assertIn(done.code, (0, 1), str(done))

    def test_add(self):
        for name in self.ENTRIES:
            with self.subTest(name):
                def add(entries):
                    (self.context / "a.tar").write_bytes(tar_bytes(*entries))
                    self.run_bed(["a.tar", "/"], self.context, ["--add"])
                self.check(name, add)
                self.clear()

    def test_context(self):
        for name in self.ENTRIES:
            with self.subTest(name):
                def build(entries):
                    path = self.place / "c.tar"
                    path.write_bytes(tar_bytes(*entries))
                    self.run_bed([".", "/"], path)
                self.check(name, build)
                self.clear()

    def test_overlay_attributes(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("d")
            info.type, info.mode = DIR, 0o755
            info.pax_headers = {"SCHILY.xattr.user.overlay.opaque": "y", "SCHILY.xattr.user.kept": "v"}
            archive.addfile(info)
        (self.context / "a.tar").write_bytes(data.getvalue())
        self.bed("a.tar", "/", options=["--add"])
        self.assertNotIn("user.overlay.opaque", os.listxattr(self.dest / "d"))


class Add(Bed):
    """ADD's own rules."""

    def test_archives_unpack(self):
        for tool in ("", "gzip", "zstd", "xz", "bzip2"):
            if tool and not shutil.which(tool):
                continue
            with self.subTest(compression=tool):
                data = tar_bytes(("d", DIR, "", {"mode": 0o700}), ("d/x", FILE, "X", {"mode": 0o640, "mtime": 1000}),
                                 ("l", LINK, "d"), ("h", HARD, "d/x"), compression=tool)
                (self.context / "odd-name").write_bytes(data)
                self.clear()
                self.bed("odd-name", "/t", options=["--add"])
                self.assertEqual(self.tree(times=True)["t/d/x"], ("f", "640", "0:0", "X", 1000))
                self.assertEqual(self.tree()["t/d"], ("d", "700", "0:0", ""))
                self.assertEqual(self.tree()["t/l"], ("l", "", "0:0", "d"))
                self.clear()
                self.bed("odd-name", "/t", options=["--add", "--no-unpack"])
                self.assertEqual(list(self.tree()), ["t"])
                self.clear()
                self.bed("odd-name", "/t")
                self.assertEqual(list(self.tree()), ["t"])

    def test_what_is_no_archive(self):
        self.write(text="x" * 2000, empty="", zeros="\0" * 2048)
        subprocess.run(["gzip", "-k", self.context / "text"], check=True)
        self.bed("text", "empty", "zeros", "text.gz", "/t/", options=["--add"])
        self.assertEqual(sorted(self.tree()), ["t", "t/empty", "t/text", "t/text.gz", "t/zeros"])

    def test_replaces(self):
        (self.context / "a.tar").write_bytes(tar_bytes(("d", DIR, ""), ("f", FILE, "new"), ("l/x", FILE, "X")))
        (self.dest / "d").write_text("file")
        (self.dest / "f").mkdir()
        self.bed("a.tar", "/", options=["--add"])
        self.assertEqual(self.tree()["d"][0], "d")
        self.assertEqual(self.tree()["f"][3], "new")

    def test_owners(self):
        if self.has_one_id():
            self.skipTest("one id only")
        (self.context / "a.tar").write_bytes(tar_bytes(("x", FILE, "X", {"uid": 7, "gid": 8})))
        self.bed("a.tar", "/one", options=["--add"])
        self.bed("a.tar", "/two", options=["--add", "--chown", "5:6"])
        self.assertEqual((self.tree()["one/x"][2], self.tree()["two/x"][2]), ("7:8", "5:6"))

    def has_one_id(self):
        """Whether there is nobody to give files to."""
        return self.inside("chown", "7:8", self.dest, check=False).code != 0


class Owners(Bed):
    """Who owns what was copied."""

    def setUp(self):
        super().setUp()
        if self.inside("chown", "7:8", self.work, check=False).code != 0:
            self.skipTest("one id only")
        self.inside("chown", "0:0", self.work)
        self.write(d__x="X")
        self.inside("chown", "-R", "7:8", self.context / "d")

    def test_context_is_roots(self):
        self.bed("d", "/t")
        self.assertEqual({row[2] for row in self.tree().values()}, {"0:0"})

    def test_stage_keeps(self):
        self.bed("d", "/t", context=f"@{self.context}")
        self.assertEqual(self.tree()["t/x"][2], "7:8")

    def test_chown(self):
        (self.dest / "etc").mkdir()
        (self.dest / "etc/passwd").write_text("app:x:1000:1001::/:/bin/sh\n5:x:9:9::/:\n")
        (self.dest / "etc/group").write_text("staff:x:50:\n")
        for chown, owner in (("app", "1000:1001"), ("app:staff", "1000:50"), ("12", "12:12"), ("12:3", "12:3"),
                             ("5", "5:5"), ("0:staff", "0:50")):
            with self.subTest(chown):
                self.bed("d", f"/new/{chown.replace(':', '-')}/sub/", options=["--chown", chown])
                tree = self.tree()
                place = f"new/{chown.replace(':', '-')}"
                self.assertEqual((tree[place][2], tree[f"{place}/sub"][2], tree[f"{place}/sub/x"][2]), (owner,) * 3)
        self.bed("d", "/t", options=["--chown", "nobody"], fails="no such user or group")
        if os.geteuid() != 0:
            self.bed("d", "/t", options=["--chown", "99999999"], fails="sub-ids")


class Checksums(Bed):
    """The checksum, and what it says about changes."""

    def test_explains(self):
        cache = self.place / "cache"
        cache.mkdir()
        self.write(a="A", b="B", d__c="C")
        options = ["--cache", cache, "--explain", "list", "--sum-only"]
        first = self.bed(".", "/", options=options)
        os.utime(self.context / "a", (1, 1))
        again = self.bed(".", "/", options=options)
        self.assertEqual(first["sum"], again["sum"])
        self.write(b="Z", d__new="N")
        (self.context / "a").unlink()
        changed = self.bed(".", "/", options=options)
        self.assertNotEqual(first["sum"], changed["sum"])
        self.assertEqual((changed["changed"], changed["added"], changed["removed"]), ("b", "d/new", "a"))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a directory; /moved leads to /file, /secret wants a password."""

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
        elif self.path == "/secret" and self.headers.get("Authorization") != "Basic dXNlcjpwYXNz":
            self.send_error(401)
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


class Remote(Bed):
    """URLs, on this machine."""

    def setUp(self):
        super().setUp()
        self.files = self.place / "files"
        self.files.mkdir()
        (self.files / "file").write_text("content")
        (self.files / "secret").write_text("secret")
        os.utime(self.files / "file", (1000000000, 1000000000))
        handler = functools.partial(Handler, directory=str(self.files))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_add(self):
        digest = "sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
        self.bed(f"{self.url}/file", "/d/", options=["--add"])
        self.bed(f"{self.url}/moved", "/named", options=["--add", "--checksum", digest, "--chmod", "755"])
        tree = self.tree(times=True)
        self.assertEqual(tree["d/file"], ("f", "600", "0:0", "content", 1000000000))
        self.assertEqual(tree["named"][:4], ("f", "755", "0:0", "content"))
        self.bed(f"{self.url}/file", "/x", options=["--add", "--checksum", "sha256:" + "0" * 64], fails="digest mismatch")
        self.bed(f"{self.url}/absent", "/x", options=["--add"], fails="404")
        self.bed(f"{self.url}/", "/x/", options=["--add"], fails="cannot determine filename")
        self.bed(f"{self.url}/secret", "/x", options=["--add"], fails="401")
        self.bed(f"{self.url.replace('//', '//user:pass@')}/secret", "/x", options=["--add"])
        self.assertNotIn("d/x", self.tree())

    def test_a_checksum_needs_no_download(self):
        """What --checksum names is known before it is there."""
        said = self.bed(f"{self.url}/absent", "/x", options=["--add", "--checksum", "sha256:" + "0" * 64, "--sum-only"])
        self.assertTrue(said["sum"].startswith("sha256:"))

    def test_archives_stay_packed(self):
        (self.files / "a.tar").write_bytes(tar_bytes(*SIMPLE))
        self.bed(f"{self.url}/a.tar", "/d/", options=["--add"])
        self.assertEqual(sorted(self.tree()), ["d", "d/a.tar"])
        self.clear()
        self.bed(f"{self.url}/a.tar", "/d/", options=["--add", "--unpack"])
        self.assertEqual(sorted(self.tree()), ["d", "d/Dockerfile", "d/d", "d/d/x"])

    def test_contexts(self):
        (self.files / "c.tar.gz").write_bytes(tar_bytes(*SIMPLE, compression="gzip"))
        (self.files / "Containerfile").write_text("FROM url\n")
        said = self.bed("d", "/", named=False, context=f"{self.url}/c.tar.gz")
        self.assertEqual(said["dockerfile"], "Dockerfile 13 FROM scratch")
        self.assertEqual(sorted(self.tree()), ["x"])
        self.assertTrue(self.bed(".", "/", named=False, context=f"{self.url}/Containerfile")["dockerfile"].endswith("FROM url"))
        self.bed(".", "/", context=f"{self.url}/Containerfile", fails="neither a directory nor a tar")

    def test_repository(self):
        """A server that knows nothing of git: all of the repository is fetched."""
        commits = make_repository(self.place / "src")
        subprocess.run(["git", "clone", "-q", "--bare", self.place / "src", self.files / "app.git"], check=True)
        subprocess.run(["git", "-C", self.files / "app.git", "update-server-info"], check=True)
        said = self.bed(".", "/", named=False, context=f"{self.url}/app.git#v1")
        self.assertEqual(said["commit"], commits[0])
        said = self.bed(".", "/", named=False, context=f"{self.url}/app.git#{commits[0]}")
        self.assertEqual(said["commit"], commits[0])


def make_repository(path):
    """A repository with a tag, a branch, links out of it and a hook. Returns the commits."""
    env = os.environ | {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
                        "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*words):
        return subprocess.run(["git", "-C", path, *words], check=True, capture_output=True, text=True, env=env).stdout.strip()

    path.mkdir()
    git("init", "-q", "-b", "main")
    commits = []
    for number in (1, 2):
        (path / "Dockerfile").write_text(f"FROM v{number}\n")
        (path / "sub").mkdir(exist_ok=True)
        (path / "sub/Dockerfile").write_text(f"FROM sub{number}\n")
        if number == 1:
            (path / "out").symlink_to("../..")
            (path / "absolute").symlink_to("/etc")
        git("add", "-A")
        git("commit", "-q", "-m", str(number))
        git("tag", f"v{number}")
        commits.append(git("rev-parse", "HEAD"))
    git("branch", "old", "v1")
    return commits


class Repositories(Bed):
    """Git, by file:// (which build-bed allows with --git-local).

    Red when check_ref() accepts all and "--" is missing, when check_url() is not asked, when the subdirectory is
    opened by openat(), when hooks and templates are left to git.
    """

    def setUp(self):
        super().setUp()
        if not shutil.which("git"):
            self.skipTest("git is not installed")
        self.source = self.place / "source"
        self.commits = make_repository(self.source)
        # Inside the user's namespace the repository's owner is root, as git wants it.
        self.url = f"file://{self.source}"

    def git(self, text, *words, options=(), **more):
        return self.bed(*(words or (".", "/")), context=self.url + text, options=["--git-local", *options], **more)

    def test_refs(self):
        for text, commit, first in (("", 1, "FROM v2"), ("#v1", 0, "FROM v1"), ("#old", 0, "FROM v1"), ("#main", 1, "FROM v2"),
                                    ("?tag=v1", 0, "FROM v1"), (f"#{self.commits[0]}", 0, "FROM v1"),
                                    (f"#{self.commits[0][:10]}", 0, "FROM v1"), ("#v1:sub", 0, "FROM sub1"),
                                    ("#:sub", 1, "FROM sub2"), ("?branch=old&subdir=sub", 0, "FROM sub1"),
                                    (f"?ref=v1&commit={self.commits[0]}", 0, "FROM v1")):
            with self.subTest(text):
                said = self.git(text, named=False)
                self.assertEqual(said["commit"], self.commits[commit])
                self.assertTrue(said["dockerfile"].endswith(first), said["dockerfile"])

    def test_hostile_refs(self):
        marker = self.place / "evil"
        for ref in (f"--upload-pack=touch {marker}", "-x", "a..b", "a:b", "+refs/heads/*", "refs/heads/*", "a b", "@{1}",
                    "a.lock", "/etc", "a\nb", f"$(touch {marker})", f"`touch {marker}`", "%2d-upload-pack=x", "ref^{tree}"):
            with self.subTest(ref):
                self.git(f"#{ref}", named=False, fails="")
                self.assertFalse(marker.exists())
        for query in (f"?ref=--upload-pack=touch%20{marker}", "?ref=a%0ab", "?unknown=1", "?submodules=1", "?ref=a&tag=b",
                      "?commit=zzz", "?commit=" + "0" * 40):
            with self.subTest(query):
                self.git(query, named=False, fails="")
                self.assertFalse(marker.exists())

    def test_hostile_urls(self):
        for url in ("git@-oProxyCommand=touch evil:x", "ssh://-oProxyCommand=touch/x", "ssh://-oProxyCommand=x@host/x",
                    "git://127.0.0.1/x.git", "http://host.example/x.git", "file:///etc/x.git", "git@host:x\ny"):
            with self.subTest(url):
                self.bed(".", "/", context=url, fails="")
        for host in ("127.0.0.1.example", "127.example", "localhost.example", "[::1].example", "127.0.0.1@host.example"):
            with self.subTest(host):
                self.bed(".", "/", context=f"http://{host}/x.git", fails="by git:// and http:// are not allowed")
        self.bed(".", "/", context="https://name:pass@-host/x.git", fails="'-host' is not a host")

    def test_local_repositories_are_refused(self):
        self.bed(".", "/", context=self.url, fails="file:// are not allowed")

    def test_subdirectories_stay_inside(self):
        """CVE-2026-33748: "#ref:subdir" through a link of the repository."""
        for subdir in ("out", "absolute", "../..", "sub/../../..", "out/canary", "absent", ".git", "Dockerfile"):
            with self.subTest(subdir):
                self.clear()
                done = self.inside(self.bed_program, "--named", "--git-local", self.work,
                                  f"{self.url}#main:{subdir}", self.dest, ".", "/", check=False,
                                  env={"SKIFF_LIBEXEC": str(self.libexec), "GIT_CONFIG_GLOBAL": "/dev/null"})
                names = set(self.tree())
                self.assertNotIn("canary", names, str(done))
                self.assertNotIn("passwd", names)
                self.assertNotIn("HEAD", names)

    def test_no_hooks_and_no_submodules(self):
        """By the directory of hooks and the template that the user's own configuration names, and by the environment."""
        marker = self.place / "evil"
        hooks = self.place / "templates/hooks"
        hooks.mkdir(parents=True)
        for name in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor"):
            (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}-{name}\n")
            (hooks / name).chmod(0o755)
        home = self.place / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = {hooks}/fsmonitor\n"
                                         f"[init]\n\ttemplateDir = {hooks.parent}\n[submodule]\n\trecurse = true\n")
        (self.source / ".gitmodules").write_text(f'[submodule "m"]\n\tpath = m\n\turl = file://{self.source}\n')
        subprocess.run(["git", "-C", self.source, "add", "-A"], check=True)
        subprocess.run(["git", "-C", self.source, "update-index", "--add", "--cacheinfo", f"160000,{self.commits[0]},m"], check=True)
        subprocess.run(["git", "-C", self.source, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "3"],
                       check=True)
        for extra in ({"HOME": str(home)}, {"GIT_TEMPLATE_DIR": str(hooks.parent)},
                      {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hooks)}):
            with self.subTest(extra):
                self.clear()
                done = self.inside(self.bed_program, "--named", "--git-local", self.work, self.url, self.dest, ".", "/",
                                  env={"SKIFF_LIBEXEC": str(self.libexec), **extra})
                self.assertIn("commit", done.stdout)
                self.assertEqual(list(self.place.glob("evil*")), [])
                self.assertEqual([name for name in self.tree() if name.startswith("m/")], [])

    def test_add(self):
        self.bed(f"{self.url}#v1", "/r", options=["--add", "--git-local"])
        self.assertEqual(self.tree()["r/Dockerfile"], ("f", "644", "0:0", "FROM v1\n"))
        self.assertNotIn("r/.git", self.tree())
        self.clear()
        self.bed(f"{self.url}#v1", "/r", options=["--add", "--git-local", "--keep-git-dir"])
        self.assertIn("r/.git/HEAD", self.tree())
        self.bed(self.url, "/r", options=["--add", "--git-local", "--checksum", self.commits[0]], fails="not " + self.commits[0])
        self.bed(self.url, "/r", options=["--git-local"], fails="URL for COPY")


class AsBuildah(Bed):
    """The same instructions by buildah: the same files.

    Two things are docker's here and not buildah's: a file that is copied onto a link goes where the link leads
    (buildah replaces the link), and a wildcard that matches nothing is no error.
    """

    ROWS = (
        ([], "sub /newdir"), ([], "sub/ /new/"), ([], "a.txt /x"), ([], "a.txt /x/"), ([], "a.txt b.txt /x/"),
        ([], "*.txt /x/"), ([], "lsub /x"), ([], "lfile /x"), ([], "l* /x/"), ([], "sub/deep/x /p/q/r"), ([], ". /all/"),
        ([], "s*/deep/* /x/"), ([], "[ab].txt /x/"), ([], "sub/../a.txt /x"), ([], "/a.txt /x"), ([], "a.txt ."),
        ([], "sub ."), ([], "sub /a/./b/../c/"), (["--chmod=600"], "a.txt /x"), (["--chown=5:6"], "sub /x/y"),
        (["--chown=5:6"], "a.txt /x/y/"), ([], "sub lsub /x/"), ([], "sub /d; a.txt /d"), ([], "a.txt /f; b.txt /f"),
        ([], "a.txt /run; sub /"), ([], "links /; a.txt /d/f; sub /to"), ([], "links /; b.txt /x/; links /x"),
        ([], "a.txt /d/to; links /d"),
    )

    def setUp(self):
        super().setUp()
        if not shutil.which("buildah"):
            self.skipTest("buildah is not installed")
        if os.geteuid() != 0:
            self.skipTest("buildah is run as root")
        self.write(a="", **{"a.txt": "A", "b.txt": "B", "sub__run": "R", "sub__deep__x": "X"})
        (self.context / "sub/run").chmod(0o755)
        (self.context / "sub/deep").chmod(0o700)
        (self.context / "sub").chmod(0o750)
        (self.context / "lsub").symlink_to("sub")
        (self.context / "lfile").symlink_to("a.txt")
        (self.context / "sub/esc").symlink_to("../../canary")
        (self.context / "links").mkdir()
        (self.context / "links/to").symlink_to("d")
        (self.context / "links/tofile").symlink_to("/d/f")
        os.link(self.context / "a.txt", self.context / "hard.txt")

    def by_buildah(self, flags, words):
        """What buildah makes of it."""
        command = ["buildah", "--root", self.place / "bstore", "--runroot", self.place / "brun", "--storage-driver", "vfs"]

        def run(*more):
            done = subprocess.run([*command, *more], check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.strip()

        copied = self.place / "Containerfile"
        lines = [f"COPY {' '.join(flags)} {line.strip()}" for line in words.split(";")]
        copied.write_text("\n".join(["FROM scratch", *lines, ""]))
        container = run("from", run("bud", "-q", "--isolation", "chroot", "-f", copied, self.context))
        done = subprocess.run(["python3", "-c", LIST, run("mount", container)], check=True, capture_output=True, text=True)
        run("rm", container)
        return {path: tuple(row[:4]) for path, row in json.loads(done.stdout).items()}

    def test_rows(self):
        for flags, words in self.ROWS:
            with self.subTest(words, flags=flags):
                self.clear()
                for line in words.split(";"):
                    self.bed(*line.split(), options=flags)
                ours = self.tree()
                theirs = self.by_buildah(flags, words)
                self.assertEqual(ours, theirs)


