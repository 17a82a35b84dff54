# SPDX-License-Identifier: Apache-2.0
"""Containers as images: commit, and diff, which says what a container changed."""

import json
import os
import tarfile
import time

from tests.support.skiff import SkiffTest, wait_for

CHANGES = ("rm /etc/passwd; mkdir -p /a/b; echo new > /a/b/f; ln /a/b/f /a/g; ln -s b /a/l; rm -rf /var; mkdir /var; "
           "touch /var/q; echo z >> /etc/group; chmod 4755 /a/g; touch /etc/'with space'; chmod 700 /root")


class CommitTest(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.kept = set(self.skiff("images", "-aq", "--no-trunc").lines)
        self.addCleanup(self.remove_images)

    def remove_images(self):
        self.skiff("rm", "-fa", "-t", "0")
        new = [i for i in dict.fromkeys(self.skiff("images", "-aq", "--no-trunc").lines) if i not in self.kept]
        if new:
            self.skiff("rmi", "-f", *new)

    def changed(self, *options, running=True, name="c"):
        """A container with changes of every kind."""
        self.skiff("run", "-d", "--name", name, "--network", "none", *options, "busybox", "sh", "-c",
                   f"{CHANGES}; touch /done; sleep 1000")
        wait_for(lambda: self.skiff("exec", name, "test", "-e", "/done", check=False).code == 0)
        if not running:
            self.skiff("stop", "-t", "0", name)


class Diff(CommitTest):
    EXPECTED = ["A /a", "A /a/b", "A /a/b/f", "A /a/g", "A /a/l", "A /done", "C /etc", "C /etc/group", "D /etc/passwd",
                "A /etc/with space", "C /root", "C /var", "A /var/q"]

    def test_of_containers(self):
        for running in (True, False):
            self.changed(running=running)
            self.assertEqual(self.skiff("diff", "c").lines, self.EXPECTED)
            self.assertEqual(self.skiff("container", "diff", "c").lines, self.EXPECTED)
            self.assertEqual(self.skiff("diff", "--format", "json", "c").json, {
                "changed": [x[2:] for x in self.EXPECTED if x[0] == "C"], "deleted": ["/etc/passwd"],
                "added": [x[2:] for x in self.EXPECTED if x[0] == "A"]})
            self.skiff("rm", "-f", "-t", "0", "c")

    def test_what_is_no_change(self):
        """Not started; started and nothing written; a directory that is there for a file's sake only."""
        self.skiff("create", "--name", "new", "busybox", "true")
        self.skiff("run", "--name", "ran", "--network", "none", "busybox", "true")
        for name in ("new", "ran"):
            self.assertEqual(self.skiff("diff", name).stdout, "")
            self.assertEqual(self.skiff("diff", "--format", "json", name).json, {})
        self.skiff("run", "--name", "opened", "--network", "none", "busybox", "sh", "-c", ": >> /etc/group")
        self.assertEqual(self.skiff("diff", "opened").stdout, "")

    def test_with_ids_of_its_own(self):
        self.need_ids()
        self.need(os.geteuid() != 0, "keep-id is for others than root")
        self.changed("--userns", "keep-id", "--user", "0")
        self.assertEqual(self.skiff("diff", "c").lines, self.EXPECTED)

    def test_of_images(self):
        self.changed()
        self.skiff("commit", "c", "made")
        # Images are compared as they look: what was in the directory that another replaced is gone.
        expected = self.EXPECTED + ["D /var/run", "D /var/www"]
        self.assertEqual(self.skiff("diff", "made").lines, expected)
        self.assertEqual(self.skiff("image", "diff", "made").lines, expected)
        self.assertEqual(self.skiff("diff", "made", "busybox").lines, expected)
        lowest = self.skiff("diff", "busybox").lines
        self.assertIn("A /bin/busybox", lowest)
        self.assertEqual({line[0] for line in lowest}, {"A"})

    def test_diff_of_two(self):
        """A container beside an image or another container, running or not; which kind a name may mean. As podman has it."""
        self.skiff("run", "-d", "--name", "c1", "--network", "none", "busybox", "sh", "-c", "echo x >/etc/new; touch /ready; exec sleep 1000")
        wait_for(lambda: self.skiff("exec", "c1", "ls", "/ready", check=False).code == 0)
        self.skiff("run", "--name", "c2", "--network", "none", "busybox", "sh", "-c", "rm /etc/passwd; echo y >/root/more")
        there = ["C /etc", "A /etc/new", "A /ready"]
        self.assertEqual(self.skiff("diff", "c1", "busybox").lines, there)
        self.assertEqual(self.skiff("diff", "c2", "busybox").lines, ["C /etc", "D /etc/passwd", "C /root", "A /root/more"])
        self.assertEqual(self.skiff("diff", "busybox", "c2").lines, ["C /etc", "A /etc/passwd", "C /root", "D /root/more"])
        both = ["C /etc", "A /etc/new", "A /etc/passwd", "A /ready", "C /root", "D /root/more"]
        self.assertEqual(self.skiff("diff", "c1", "c2").lines, both)
        self.assertEqual(self.skiff("container", "diff", "c1", "c2").lines, both)
        self.assertEqual(self.skiff("container", "diff", "--format", "json", "c1", "c2").json,
                         {"changed": ["/etc", "/root"], "added": ["/etc/new", "/etc/passwd", "/ready"], "deleted": ["/root/more"]})
        for name in ("c1", "c2"):
            self.assertEqual(self.skiff("diff", name, name).stdout, "")
        self.skiff("start", "c2")  # no lock of a view is left
        for words, says in ((["diff", "c1", "none"], "none not found: layer not known"), (["diff", "none", "c1"], "none not found: layer not known"),
                            (["container", "diff", "c1", "busybox"], "busybox not found: container not known"),
                            (["image", "diff", "c1", "busybox"], "c1: image not known"), (["image", "diff", "busybox", "c1"], "c1: image not known"),
                            (["diff", "-l", "c1"], "--latest and containers cannot be used together")):
            self.skiff_fails(*words, says=says)

    def test_refusals(self):
        self.skiff_fails("diff", "none", says="none not found: layer not known")
        self.skiff_fails("container", "diff", "busybox", says="busybox not found: container not known")
        self.skiff_fails("image", "diff", "none", says="none: image not known")
        self.skiff_fails("diff", "--format", "{{.Path}}", "busybox", says="only supported value for '--format' is 'json'")


class Commit(CommitTest):
    LOOK = ("cd /; ls -d etc/passwd; cat a/b/f a/l/f; stat -c %a:%h a/g; ls var; tail -1 etc/group; ls etc | grep space; "
            "stat -c %a root")
    SEEN = "new\nnew\n4755:2\nq\nz\nwith space\n700\n"

    def look(self, image):
        done = self.skiff("run", "--rm", "--network", "none", image, "sh", "-c", self.LOOK)
        self.assertEqual(done.stdout, self.SEEN, image)

    def test_of_running_and_stopped(self):
        for running in (True, False):
            self.changed(running=running)
            ident = self.skiff("commit", "c", f"made-{running}".lower()).word
            self.assertRegex(ident, r"^[0-9a-f]{64}$")
            self.assertEqual(self.skiff("inspect", "--format", "{{.Id}} {{.RepoTags}}", ident).word,
                             f"{ident} [localhost/made-{running}:latest]".lower())
            self.look(f"made-{running}".lower())
            self.assertEqual(self.skiff("ps", "--format", "{{.Names}}").lines, ["c"] if running else [])
            self.skiff("rm", "-f", "-t", "0", "c")

    def test_the_layer_is_exact(self):
        """What save writes is what the config says; it can be loaded; no mark of the overlay is in it."""
        self.changed()
        ident = self.skiff("commit", "c", "made").word
        archive = self.base / "made.tar"
        self.skiff("save", "-o", archive, "made")
        with tarfile.open(archive) as tar:
            manifest = json.load(tar.extractfile("manifest.json"))[0]
            layer = tarfile.open(fileobj=tar.extractfile(manifest["Layers"][-1]))
            members = {m.name: m for m in layer.getmembers()}
        self.assertLessEqual({"etc/.wh.passwd", "var", "var/.wh..wh..opq", "a/b/f", "a/g"}, set(members))
        self.assertFalse([m for m in members.values() if any("overlay" in key for key in m.pax_headers)])
        self.assertTrue(members["a/g"].islnk())
        self.skiff("rmi", "made")
        self.skiff("load", "-i", archive)
        self.assertEqual(self.skiff("images", "-q", "--no-trunc", "made").word.removeprefix("sha256:"), ident)
        self.look("made")
        # The same container gives the same layer again.
        self.skiff("commit", "c", "again")
        ids = [self.skiff("inspect", "--format", "{{index .RootFS.Layers 1}}", name).word for name in ("made", "again")]
        self.assertEqual(ids[0], ids[1])

    def test_upon_each_other(self):
        self.changed()
        self.skiff("commit", "c", "one")
        self.skiff("run", "--name", "d", "--network", "none", "one", "sh", "-c", "rm -r /a; echo two > /two")
        self.skiff("commit", "d", "two")
        done = self.skiff("run", "--rm", "--network", "none", "two", "sh", "-c", "ls -d /a /two; cat /etc/passwd", code=1)
        self.assertEqual(done.stdout, "/two\n")
        self.assertEqual(self.skiff("diff", "two").lines, ["D /a", "A /two"])
        self.skiff("rm", "-fa", "-t", "0")
        self.skiff("rmi", "one")
        self.skiff("run", "--rm", "--network", "none", "two", "cat", "/two")

    def config(self, image, field):
        return json.loads(self.skiff("inspect", "--format", "{{json .Config." + field + "}}", image).stdout)

    def test_config(self):
        self.skiff("run", "--name", "c", "--network", "none", "-e", "A=b", "--label", "x=y", "-w", "/tmp", "--user", "0:0",
                   "--expose", "81", "busybox", "true", env={"http_proxy": "http://user:secret@proxy:1"})
        self.skiff("commit", "c", "plain")
        self.assertIn("A=b", self.config("plain", "Env"))
        self.assertFalse([e for e in self.config("plain", "Env") if "secret" in e or e.startswith("container=")])
        self.assertEqual((self.config("plain", "Cmd"), self.config("plain", "WorkingDir"), self.config("plain", "User"),
                          self.config("plain", "Labels")["x"]), (["true"], "/tmp", "0:0", "y"))
        self.assertIn("81/tcp", self.config("plain", "ExposedPorts"))
        iid = self.base / "iid"
        done = self.skiff("commit", "-q", "-a", "me", "-m", "why", "--iidfile", iid, "-c", 'CMD ["echo","hi there"]', "-c",
                          "ENV A=c", "-c", "LABEL k=v", "--change", "ENTRYPOINT []", "-f", "docker", "c", "changed:1")
        self.assertEqual(done.stdout, f"{iid.read_text()}\n")
        self.assertEqual(self.skiff("run", "--rm", "--network", "none", "changed:1").stdout, "hi there\n")
        self.assertIn("A=c", self.config("changed:1", "Env"))
        self.assertEqual(self.config("changed:1", "Labels")["k"], "v")
        self.assertEqual(self.skiff("inspect", "--format", "{{.Author}}", "changed:1").word, "me")
        history = self.skiff("history", "--format", "{{.CreatedBy}}|{{.Comment}}", "changed:1").lines
        self.assertEqual(history[0], "true|why")
        self.assertGreaterEqual(len(history), 2)

    def test_config_file(self):
        """--config: words and lists replace, the rest is added; --change comes later."""
        self.skiff("create", "--name", "c", "-e", "A=b", "-e", "C=d", "--label", "x=y", "busybox", "true")
        file = self.tmp / "config.json"
        file.write_text(json.dumps({"User": "7", "Cmd": ["echo", "$A"], "Env": ["A=new", "E=f"], "Labels": {"k": "v"},
                                    "Volumes": {"/data": {}}, "Entrypoint": None, "Unknown": 1}))
        self.skiff("commit", "--config", file, "-c", "USER 8", "c", "made")
        env = self.config("made", "Env")
        self.assertLessEqual({"A=new", "C=d", "E=f"}, set(env))
        self.assertNotIn("A=b", env)
        labels = self.config("made", "Labels")
        self.assertEqual((labels["x"], labels["k"], self.config("made", "Cmd"), self.config("made", "User")), ("y", "v", ["echo", "$A"], "8"))
        self.assertIn("/data", self.config("made", "Volumes"))
        for text, says in (("[]", "--config: no JSON object"), ('{"User": 1}', "--config: 'User' is no string"),
                           ('{"Env": [1]}', "--config: 'Env' is no list of strings"), ("{", "--config")):
            file.write_text(text)
            self.skiff_fails("commit", "--config", file, "c", "never", says=says)
        self.skiff_fails("commit", "--config", self.tmp / "none", "c", "never", says=f"open {self.tmp}/none: no such file or directory")

    def test_form_of_the_manifest(self):
        """-f says what the manifest is, which is what a push of the image sends."""
        self.skiff("create", "--name", "c", "busybox", "true")
        for form, word in (("docker", "application/vnd.docker.distribution.manifest.v2+json"), ("oci", "application/vnd.oci.image.manifest.v1+json")):
            self.skiff("commit", "-f", form, "c", f"made:{form}")
            self.assertEqual(self.skiff("inspect", "-f", "{{.ManifestType}}", f"made:{form}").word, word)
            self.skiff("manifest", "create", "-a", "list", f"made:{form}")
            self.assertEqual(self.skiff("manifest", "inspect", "list").json["manifests"][-1]["mediaType"], word)

    def test_squash_and_volumes(self):
        self.addCleanup(self.skiff, "volume", "rm", "-f", "vol")
        self.changed("-v", "vol:/in/vol")
        self.skiff("exec", "c", "sh", "-c", "echo kept > /in/vol/file")
        self.skiff("commit", "--squash", "c", "flat")
        self.assertEqual(self.skiff("inspect", "--format", "{{len .RootFS.Layers}}", "flat").word, "1")
        self.look("flat")
        self.skiff("commit", "c", "without")
        self.skiff("commit", "--include-volumes", "c", "with")
        for image, seen in (("flat", ""), ("without", ""), ("with", "file\n")):
            self.assertEqual(self.skiff("run", "--rm", "--network", "none", image, "ls", "/in/vol").stdout, seen)
        self.skiff("rm", "-f", "-t", "0", "c")

    def test_with_ids_of_its_own(self):
        """Owners in the image are what the container called them."""
        self.need_ids()
        self.need(os.geteuid() != 0, "keep-id is for others than root")
        self.changed("--userns", "keep-id", "--user", "0")
        self.skiff("exec", "c", "chown", "5:6", "/a/b/f")
        self.skiff("commit", "c", "made")
        self.assertEqual(self.skiff("run", "--rm", "--network", "none", "made", "stat", "-c", "%u:%g", "/a/b/f", "/a", "/a/l").lines,
                         ["5:6", "0:0", "0:0"])

    def test_pause(self):
        """A file that grows in two places stays in step; what was stopped before stays stopped."""
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sh", "-c",
                   "sleep 1000 & kill -STOP $!; echo $! > /stopped; mkdir /d; dd if=/dev/zero of=/d/big bs=1M count=64 2>/dev/null; "
                   "while :; do echo >> /d/a; echo >> /d/z; done")
        wait_for(lambda: self.skiff("exec", "c", "test", "-e", "/d/z", check=False).code == 0)
        size = ["stat", "-c", "%s"]
        for round_ in range(3):
            self.skiff("commit", "-p", "c", f"round{round_}")
            seen = self.skiff("run", "--rm", "--network", "none", f"round{round_}", *size, "/d/a", "/d/z").lines
            self.assertIn(int(seen[0]) - int(seen[1]), (0, 1))
        before = int(self.skiff("exec", "c", *size, "/d/z").word)
        wait_for(lambda: int(self.skiff("exec", "c", *size, "/d/z").word) > before, timeout=60, message="going on")
        state = self.skiff("exec", "c", "sh", "-c", "cut -d' ' -f3 /proc/$(cat /stopped)/stat").word
        self.assertEqual(state, "T")

    def test_killed_while_it_holds(self):
        """SIGKILL of the command: the container's processes go on."""
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sh", "-c",
                   "dd if=/dev/zero of=/big bs=1M count=256 2>/dev/null; i=0; while :; do i=$((i+1)); echo $i > /z; done")
        wait_for(lambda: self.skiff("exec", "c", "test", "-e", "/z", check=False).code == 0, timeout=30)
        for delay in (0.02, 0.05, 0.1):
            process = self.start("commit", "c", "never")
            time.sleep(delay)
            process.kill()
            process.wait()
            before = self.skiff("exec", "c", "cat", "/z").word
            wait_for(lambda: self.skiff("exec", "c", "cat", "/z").word != before, timeout=60, message="going on")

    def test_refusals(self):
        self.skiff("create", "--name", "c", "busybox", "true")
        self.skiff_fails("commit", "none", says='no container with name or ID "none" found: no such container')
        self.skiff_fails("commit", "c", "UPPER", says="repository name must be lowercase")
        self.skiff_fails("commit", "-c", "FOO=x", "c", says="FOO=x")
        self.skiff_fails("commit", "-f", "foo", "c", says='unrecognized image format "foo"')
        self.assertEqual(set(self.skiff("images", "-aq", "--no-trunc").lines), self.kept)
        self.skiff("commit", "c", "unstarted")
        self.assertEqual(self.skiff("diff", "unstarted").stdout, "")
