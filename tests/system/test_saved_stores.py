# SPDX-License-Identifier: Apache-2.0
"""Stores that were saved by earlier versions (F18; tests/support/save_store.py made them): each opens, with all that was in
it, or is refused as a whole."""

import os
import tarfile
import unittest
from pathlib import Path

from tests.support.skiff import SkiffTest, sub_ids

STORES = sorted(Path(__file__).with_name("stores").glob("*.tar.gz"))


@unittest.skipIf(os.geteuid() == 0 or sub_ids() == 0, "they were made with sub-ids, by an unprivileged user")
class SavedStores(SkiffTest):
    cleans_up = False

    def unpack(self, path):
        """The store in its place."""
        store = self.state_directories()["store/names"].parent
        self.skiff("system", "reset", "-f")
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        trusted = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
        with tarfile.open(path) as tar:
            tar.extractall(store, **trusted)
        return store

    @staticmethod
    def content(store):
        """All files with their bytes."""
        return {path.relative_to(store): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file() and not path.is_symlink()}

    def column(self, *args):
        """Lines of a list, sorted."""
        return sorted(self.skiff(*args).lines)

    def test_open(self):
        """Everything is there and can be used, changed and removed."""
        self.assertTrue(STORES)
        for path in STORES:
            with self.subTest(path.name):
                self.unpack(path)
                self.skiff("system", "check")
                self.assertEqual(self.column("images", "--format", "{{.Repository}}:{{.Tag}}"),
                                 ["localhost/list:latest", "localhost/other:1", "localhost/saved:latest"])
                self.assertEqual(self.column("ps", "-a", "--format", "{{.Names}} {{.State}}")[-3:], ["made created", "second created", "third created"])
                self.assertEqual(self.skiff("cp", "made:/etc/name", "-").stdout.count("saved\n"), 1)
                self.assertEqual(self.skiff("cp", "made:/added", "-").stdout.count("added\n"), 1)
                self.assertEqual(self.skiff("inspect", "--format", "{{.Config.Labels.x}} {{.HostConfig.RestartPolicy.Name}} {{len .Mounts}}", "made").word,
                                 "y on-failure 2")
                self.assertEqual(self.skiff("volume", "inspect", "--format", "{{.Labels.a}}", "kept").word, "b")
                self.assertIn("10.77.0.0/24", self.skiff("network", "inspect", "net").stdout)
                self.assertEqual(self.skiff("secret", "ls", "--format", "{{.Name}}").word, "token")
                self.assertEqual(self.skiff("pod", "ps", "--format", "{{.Name}} {{.Status}}").word, "pod Created")
                self.assertEqual(len(self.skiff("manifest", "inspect", "localhost/list:latest").json["manifests"]), 1)
                self.skiff("create", "--network", "none", "--name", "new", "localhost/saved:latest", "/none")
                self.skiff("commit", "-q", "made", "localhost/committed:latest")
                self.skiff("update", "--restart", "no", "made")
                self.skiff("rm", "new", "made", "third")
                self.skiff("pod", "rm", "-f", "pod")
                for args in ("volume rm kept", "network rm net", "secret rm token", "manifest rm localhost/list", "rmi -f localhost/saved localhost/other:1"):
                    self.skiff(*args.split())
                self.skiff("system", "check")

    def test_refused(self):
        """One of a format that we do not know is left alone (test_check.py has the repair of a lost version)."""
        for version in ("0", "2", "x"):
            store = self.unpack(STORES[-1])
            (store / "version").write_text(version + "\n")
            before = self.content(store)
            for args in (["ps"], ["images"], ["create", "localhost/saved", "/none"], ["rm", "made"], ["volume", "create", "v"], ["system", "prune", "-f"]):
                done = self.skiff(*args, code=125)
                self.assertIn(f"has format version '{version}'", done.stderr)
            self.assertEqual(self.content(store), before)
            (store / "version").write_text("1\n")
        self.skiff("system", "reset", "-f")
