# SPDX-License-Identifier: Apache-2.0
"""system check: every record of the store damaged in turn (F17)."""

import os
import random
import re
import shutil
from pathlib import Path

from tests.support.skiff import SkiffTest


class Check(SkiffTest):
    images = ["busybox"]
    cleans_up = False  # one store, copied back after each damage

    def setUp(self):
        super().setUp()
        self.store = self.state_directories()["store/names"].parent
        for command in ("network rm -f other", "pod rm -fa -t 0", "volume prune -af", "manifest rm list", "network rm -f net", "secret rm token", "rm -af -t 0"):
            self.addCleanup(self.skiff, *command.split(), check=False)

    def populate(self):
        """One of everything: containers, one with a volume, a kept log of probes and a secret, one that is up, one that
        was updated, one with an image mounted that needs another, one that was connected to a network; a pod and what is in
        it; a volume nobody uses, networks, a manifest list."""
        self.skiff("volume", "create", "--label", "a=b", "kept")
        self.skiff("secret", "create", "token", "-", input="hunter2 and more\n")
        self.skiff("network", "create", "--subnet", "10.77.0.0/24", "net")
        self.skiff("manifest", "create", "list", "busybox")
        self.skiff("run", "--network", "none", "--name", "ended", "--health-cmd", "true", "--secret", "token", "--label", "x=y", "-v", "data:/d", "busybox", "sh", "-c",
                   "echo precious > /d/file; echo mine > /own; exit 3", code=3)
        self.skiff("create", "--network", "none", "--name", "first", "busybox", "true")
        self.skiff("rename", "first", "made")
        self.skiff("update", "--restart", "on-failure:3", "made")
        self.skiff("create", "--network", "container:made", "--name", "needs", "--mount",
                   "type=image,source=busybox,destination=/image,rw=true", "busybox", "true")
        self.skiff("network", "create", "other")
        self.skiff("create", "--network", "net", "--name", "joined", "busybox", "true")
        self.skiff("network", "connect", "other", "joined")
        self.skiff("pod", "create", "--name", "pod", "--infra-name", "infra")
        self.skiff("create", "--pod", "pod", "--name", "inside", "busybox", "true")
        self.skiff("run", "-d", "--network", "none", "--name", "up", "busybox", "sleep", "1000")

    def records(self):
        """Every file of metadata: nothing of layers' and volumes' contents, logs, caches."""
        skipped = ("diff", "extra", "_data", "upper", "work", "cache", "trash", "staging", "damaged")
        for parent, directories, files in os.walk(self.store):
            directories[:] = sorted(name for name in directories if name not in skipped)
            for name in sorted(files):
                path = Path(parent, name)
                if name != "log" and not name.endswith(".lock") and name != "journal":
                    yield path

    def damages(self, path):
        """(name, function) of what can happen to a record."""
        data = b"" if path.is_symlink() else path.read_bytes()

        def write(text):
            path.unlink()
            path.write_bytes(text)

        def flip(bit):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            write(bytes(changed))

        if data:
            for bit in sorted(random.Random(path.name).sample(range(len(data) * 8), min(3, len(data) * 8))):
                yield f"bit {bit}", lambda bit=bit: flip(bit)
            yield "half", lambda: write(data[:len(data) // 2])
        yield "empty", lambda: write(b"")
        yield "absent", path.unlink

    def look(self):
        """Every command that reads says something and does not crash."""
        for args in (("ps", "-a"), ("images",), ("volume", "ls"), ("info",), ("inspect", "up"), ("logs", "ended"),
                     ("secret", "ls"), ("secret", "inspect", "token"), ("network", "ls"), ("network", "inspect", "net"),
                     ("pod", "ps"), ("pod", "inspect", "pod"), ("inspect", "joined", "inside"), ("manifest", "inspect", "list"), ("image", "inspect", "busybox"), ("system", "check", "-q")):
            self.assertIn(self.skiff(*args, check=False).code, (0, 1, 125), args)

    def assert_precious(self):
        """What containers and volumes hold."""
        self.assertEqual((self.store / "volumes/data/_data/file").read_text(), "precious\n")

    def put_back(self, path, saved):
        if path.is_symlink() or path.exists():
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(saved / path.relative_to(self.store), path, follow_symlinks=False)

    def save(self):
        saved = self.base / "saved"
        shutil.rmtree(saved, ignore_errors=True)
        for path in self.records():
            target = saved / path.relative_to(self.store)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)
        return saved

    def restore_all(self, saved):
        """Bring moved objects and all records back as they were."""
        damaged = self.store / "damaged"
        for entry in sorted(damaged.iterdir()) if damaged.exists() else []:
            kind, _, name = entry.name.partition("-")
            entry.rename(self.store / kind / name)
        for path in list(self.records()):
            if not (saved / path.relative_to(self.store)).exists() and not (saved / path.relative_to(self.store)).is_symlink():
                path.unlink()
        for parent, _, files in os.walk(saved):
            for name in files:
                path = self.store / Path(parent, name).relative_to(saved)
                self.put_back(path, saved)

    def test_every_record(self):
        self.populate()
        self.assertEqual(self.skiff("system", "check").stdout, "")
        saved = self.save()
        image = self.skiff("inspect", "--format", "{{.Image}}", "up").word
        state_of = ("inspect", "--format", "{{.State.Status}} {{.Name}} {{.Image}} {{.Config.Labels}}", "ended", "made", "up")
        state = self.skiff(*state_of).lines
        count = 0
        # What is damaged of these is no other than of those before them.
        like_others = self.skiff("inspect", "--format", "{{.Id}}", "joined", "inside").lines
        for path in list(self.records()):
            if path.parent.name in like_others and path.name in ("create.json", "state.json"):
                continue
            where = str(path.relative_to(self.store))
            for what, damage in list(self.damages(path)):
                with self.subTest(record=where, damage=what):
                    damage()
                    count += 1
                    self.look()
                    self.skiff("volume", "prune", "-f", check=False)
                    found = self.skiff("system", "check", "-q", check=False)
                    optional = path.name in ("names", "digests", "update.json", "networks.json", "health.json") or \
                        path.parent.name in ("manifests", "networks") or where == "version"
                    # "1" without its newline says the same, and the mark is always empty.
                    same = (where, what) == ("version", "half") or (path.name, what) == ("needed", "empty")
                    if not same and (what != "absent" or not optional):
                        self.assertEqual(found.code, 125, f"{where} {what}: not seen\n{found}")
                        self.assertIn("damage detected in local storage", found.stderr)
                    repaired = self.skiff("system", "check", "-q", "--repair", check=False)
                    if what.startswith("bit"):
                        self.assertEqual(repaired.code, 0, str(repaired))
                        same = os.readlink(path) == os.readlink(saved / where) if path.is_symlink() else \
                            path.read_bytes() == (saved / where).read_bytes()
                        self.assertTrue(same or path.is_symlink(), f"{where}: not as it was\n{repaired}")
                        self.assertEqual(self.skiff(*state_of).lines, state)
                    elif path.name == "state.json":
                        # Made again from create.json: all but an exit code, which inspect does not show here.
                        self.assertEqual(repaired.code, 0, str(repaired))
                        self.assertEqual(self.skiff(*state_of).lines, state)
                    elif path.name == "create.json" and "up" in self.skiff("ps", "--format", "{{.Names}}").lines and \
                            repaired.code == 125:
                        self.assertRegex(repaired.stdout, "it runs|its infra container [0-9a-f]{12} is missing")
                    elif path.name == "config.json":
                        self.assertIn("pull or load it again", repaired.stdout)
                    elif re.fullmatch(r"secret\.[0-9]+", path.name):
                        self.assertIn("restored from secret token", repaired.stdout)
                        self.assertEqual(path.read_bytes(), (saved / where).read_bytes())
                    elif path.name == "needed" and what == "absent":
                        self.assertEqual(repaired.code, 0, str(repaired))
                        self.skiff_fails("rm", "made", says="depend")
                    elif path.parent.parent.name == "secrets":
                        self.assertEqual(repaired.code, 0, str(repaired))
                        self.assertEqual(self.skiff("secret", "ls", "-q").lines != [], path.name == "secret.json")
                    else:
                        self.assertEqual(repaired.code, 0, str(repaired))
                    self.assert_precious()
                    self.assertIn("up", self.skiff("ps", "--format", "{{.Names}}").lines)
                    if path.name != "config.json":
                        self.skiff("run", "--rm", "--network", "none", "-v", "data:/d", image, "grep", "-q", "precious", "/d/file")
                    self.restore_all(saved)
                    self.assertEqual(self.skiff("system", "check", "-q", check=False).stdout, "")
        self.assertGreater(count, 60)
        print(f"# {count} damages")

    def test_old_records(self):
        """What a skiff without checksums wrote is told of and is no damage; --repair adds them."""
        self.populate()
        count = 0
        for path in list(self.records()):
            if path.is_symlink() or path.name == "config.json" or path.parent.name == "manifests":
                continue
            text = path.read_text()
            old = re.sub(r',"crc":"[0-9a-f]{8}"\}$', "}", re.sub(r"#crc [0-9a-f]{8}\n$", "", text))
            if old in ("", text):
                continue
            path.write_text(old)
            count += 1
        self.assertGreater(count, 15)
        found = self.skiff("system", "check", "-q")
        self.assertEqual(len(found.lines), count, str(found))
        for line in found.lines:
            self.assertTrue(line.endswith(": it has no checksum: unchecked, --repair adds one"), line)
        self.assertIn("up", self.skiff("ps", "--format", "{{.Names}}").lines)
        # Damage is still damage.
        record = self.store / "volumes/kept/volume.json"
        before = record.read_text()
        record.write_text(before[:-5])
        self.assertIn("volume kept: volume.json: it is damaged", self.skiff("system", "check", "-q", code=125).stdout)
        record.write_text(before)
        repaired = self.skiff("system", "check", "-q", "--repair")
        self.assertEqual([line for line in repaired.lines if not line.endswith("it has no checksum: it has one now")], [])
        self.assertEqual(self.skiff("system", "check", "-q").stdout, "")
        self.skiff("start", "made")

    def test_a_cut_config_is_healed_by_a_load(self):
        """Also while a container has the image."""
        self.populate()
        archive = self.tmp / "image.tar"
        self.skiff("save", "-o", archive, "busybox")
        [image] = [path for path in (self.store / "images").iterdir() if len(path.name) == 64]
        config = image / "config.json"
        before = config.read_bytes()
        for damage in (before[:20], b"", None):
            with self.subTest(damage=damage):
                config.unlink()
                if damage is not None:
                    config.write_bytes(damage)
                self.assertIn("pull or load it again", self.skiff("system", "check", "-q", "--repair", code=125).stdout)
                self.skiff("load", "-i", archive)
                self.assertEqual(config.read_bytes(), before)
                self.assertEqual(self.skiff("system", "check", "-q").stdout, "")
                self.skiff("run", "--rm", "--network", "none", "busybox", "true")

    def test_names(self):
        self.populate()
        names = self.store / "names"
        ident = os.readlink(names / "made")
        flipped = chr(ord(ident[5]) ^ 1)
        for damage in (None, "x" * 64, ident[:30], ident[:5] + flipped + ident[6:], b"file"):
            with self.subTest(damage=damage):
                (names / "made").unlink()
                if damage == b"file":
                    (names / "made").write_text("x")
                elif damage:
                    os.symlink(damage, names / "made")
                self.assertIn(f"container {ident[:12]}: the name made does not lead to it",
                              self.skiff("system", "check", "-q", code=125).stdout)
                self.skiff("system", "check", "-q", "--repair")
                self.assertEqual(os.readlink(names / "made"), ident)

    def test_layer_contents(self):
        """A changed file of a layer is seen unless --quick was said."""
        [layer] = [path for path in (self.store / "layers").iterdir() if "@" not in path.name and len(path.name) == 64][:1]
        victim = next(path for path in sorted((layer / "diff").rglob("*"))
                      if path.is_file() and not path.is_symlink() and os.access(path, os.W_OK) and path.stat().st_size > 0)
        before = victim.read_bytes()
        victim.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        self.addCleanup(victim.write_bytes, before)
        self.assertEqual(self.skiff("system", "check", "--quick").stdout, "")
        self.assertIn(f"layer {layer.name[:12]}: ", self.skiff("system", "check", code=125).stdout)

    def test_nothing_is_removed_for_users_unknown(self):
        """A container whose records cannot be read may use any image or volume."""
        self.populate()
        ident = self.skiff("inspect", "--format", "{{.Id}}", "ended").word
        for name in ("create.json", "state.json"):
            (self.store / "containers" / ident / name).write_text("{")
        self.skiff_fails("volume", "rm", "data", says="cannot tell what containers use")
        self.skiff("volume", "prune", "-af", check=False)
        self.skiff("rmi", "busybox", check=False)
        self.assert_precious()
        self.assertEqual(self.skiff("images", "-q").stdout.count("\n"), 2)  # one is the manifest list
        self.skiff("system", "check", "-q", "--repair")
        self.assertTrue((self.store / "damaged" / f"containers-{ident}" / "upper" / "own").exists())
        self.skiff("volume", "rm", "data")
        self.skiff("run", "--rm", "--network", "none", "--name", "ended", "busybox", "true")
        shutil.rmtree(self.store / "damaged", ignore_errors=True)

    def test_records_of_builds(self):
        """A cache that is damaged is a miss or a hit, never another image. Its records are nobody's state: nothing to repair."""
        context = self.tmp / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text("FROM busybox\nCOPY word /word\nRUN cat /word > /made\nENV A=b\n")
        (context / "word").write_text("right\n")
        self.addCleanup(shutil.rmtree, context)
        self.addCleanup(self.skiff, "builder", "prune", "-af")
        self.addCleanup(self.skiff, "rmi", "-f", "-i", "built")
        build = ("build", "-q", "--network", "none", "-t", "built", context)
        self.skiff(*build)
        cache = self.store / "cache"
        names = sorted(path.relative_to(cache) for path in cache.rglob("*") if path.is_file() and path.stat().st_size)
        kinds = {re.sub("[0-9a-f]{4,}", "*", str(name)): name for name in names}
        self.assertGreater(len(kinds), 3, names)
        for kind, name in sorted(kinds.items()):
            for what in ([what for what, _ in self.damages(cache / name)])[::2]:
                with self.subTest(record=kind, damage=what):
                    if not (cache / name).is_file():
                        continue  # of a miss, which was dropped; the build has made others
                    dict(self.damages(cache / name))[what]()
                    self.skiff(*build)
                    self.assertEqual(self.skiff("run", "--rm", "--network", "none", "built", "sh", "-c", "cat /word /made; echo $A").lines,
                                     ["right", "right", "b"])
        self.assertEqual(self.skiff("system", "check", "-q").stdout, "")

    def test_records_of_what_runs(self):
        """Any file of the runtime directory damaged: what reads does not crash, and what runs can be removed."""
        run = self.state_directories()["runtime"]
        start = ("run", "-d", "--network", "none", "--name", "up", "--health-cmd", "true", "--health-interval", "disable", "busybox", "sleep", "1000")
        self.skiff(*start)
        self.skiff("healthcheck", "run", "up")
        ident = self.skiff("inspect", "--format", "{{.Id}}", "up").word
        names = sorted(str(path.relative_to(run)).replace(ident, "ID") for path in run.rglob("*") if path.is_file())
        self.assertIn("containers/ID/run.json", names)
        count = 0
        for name in names:
            for number in range(0, 6, 2):
                path = run / name.replace("ID", ident)
                todo = list(self.damages(path))[number:number + 1] if path.is_file() else []
                for what, damage in todo:
                    with self.subTest(file=name, damage=what):
                        count += 1
                        damage()
                        for args in (("ps", "-a"), ("inspect", "up"), ("logs", "up"), ("top", "up"), ("stats", "--no-stream", "up"),
                                     ("exec", "up", "true")):
                            self.assertIn(self.skiff(*args, check=False).code, (0, 1, 125, 126, 255), args)
                        self.skiff("rm", "-f", "-t", "0", "up")
                        ident = self.skiff(*start).word
                        self.skiff("exec", "up", "true")
                        self.skiff("healthcheck", "run", "up")
        self.assertGreater(count, 10)

    def test_runs_on(self):
        """What a running container has lost on disk does not keep it from being stopped and removed."""
        self.populate()
        ident = self.skiff("inspect", "--format", "{{.Id}}", "up").word
        run = self.state_directories()["runtime"] / "containers" / ident / "run.json"
        for damage in ("create.json", "run.json"):
            with self.subTest(record=damage):
                self.skiff("rm", "-f", "-t", "0", "up")
                ident = self.skiff("run", "-d", "--network", "none", "--name", "up", "busybox", "sleep", "1000").word
                run = self.state_directories()["runtime"] / "containers" / ident / "run.json"
                (run if damage == "run.json" else self.store / "containers" / ident / damage).write_text("{")
                self.assertIn("up", self.skiff("ps", "--format", "{{.Names}}").lines)
                self.skiff("system", "check", "-q", "--repair", check=False)
                self.skiff("rm", "-f", "-t", "0", "up")
                self.assertEqual(self.skiff("system", "check", "-q").stdout, "")

    def test_force(self):
        self.populate()
        ident = self.skiff("inspect", "--format", "{{.Id}}", "made").word
        (self.store / "containers" / ident / "create.json").write_text("{")
        self.assertIn("removed", self.skiff("system", "check", "-q", "--repair", "--force").stdout)
        self.assertEqual(sorted(self.skiff("ps", "-a", "--format", "{{.Names}}").lines), ["ended", "infra", "inside", "joined", "needs", "up"])
        self.assertFalse(list(self.store.glob("damaged/*")))

    def test_newer_store(self):
        """Records of another version: the store is a newer skiff's and is left alone."""
        self.populate()
        record = self.store / "volumes/kept/volume.json"
        before = record.read_text()
        self.addCleanup(record.write_text, before)
        self.addCleanup((self.store / "version").write_text, "1\n")
        record.write_text('{"v":2,"driver":"local"}')
        (self.store / "version").write_text("2\n")
        self.skiff_fails("system", "check", "--repair", says="has format version '2'")
        self.assertEqual((self.store / "version").read_text(), "2\n")
        record.write_text(before)
        (self.store / "version").write_text("1\n")
