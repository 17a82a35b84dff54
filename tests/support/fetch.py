# SPDX-License-Identifier: Apache-2.0
"""Running skiff-fetch by itself in a throwaway home: for tests of what crosses the network.

    class Pull(FetchTest):
        def test_it(self):
            done = self.pull(registry.reference())
            self.assert_pulled(image)

$SKIFF_FETCH names the program, else it is the installed prefix's.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from tests.support.images import remove_tree, tool
from tests.support.skiff import PASSED_ON, SLOWNESS, Result, prefix

__all__ = ["FetchTest", "Authority"]


class Authority:
    """A certificate authority of our own, and certificates with whatever is wrong with them."""

    def __init__(self, directory, name="skiff tests CA"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = self.directory / "ca.crt", self.directory / "ca.key"
        tool("openssl", "req", "-x509", *self.new_key(self.key), "-days", "3650", "-subj", f"/CN={name}",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", str(self.certificate))

    @staticmethod
    def new_key(path, kind="ec"):
        """Options of openssl req for a new key."""
        if kind == "ec":
            return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path)]
        return ["-newkey", kind, "-nodes", "-keyout", str(path)]

    def issue(self, name, san="DNS:localhost,IP:127.0.0.1", start=None, end=None, extensions="", key="ec",
              hash_name="sha256", subject=None, ca=False):
        """A certificate and its key, signed by this authority. Times are "YYYYMMDDHHMMSSZ"."""
        paths = {part: self.directory / f"{name}.{part}" for part in ("crt", "key", "csr", "ext")}
        tool("openssl", "req", *self.new_key(paths["key"], key), "-subj", subject or f"/CN={name}",
             "-out", str(paths["csr"]))
        lines = [f"basicConstraints=critical,CA:{'TRUE' if ca else 'FALSE'}"]
        lines += [f"subjectAltName={san}"] if san else []
        paths["ext"].write_text("\n".join(lines + [extensions]) + "\n", encoding="ascii")
        database = self.directory / f"{name}.db"
        database.mkdir(exist_ok=True)
        (database / "index.txt").write_text("", encoding="ascii")
        config = database / "openssl.cnf"
        config.write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={database}/index.txt\nnew_certs_dir={database}\n"
                          "policy=p\nrand_serial=yes\nunique_subject=no\n[p]\ncommonName=optional\n", encoding="ascii")
        tool("openssl", "ca", "-batch", "-config", str(config), "-cert", str(self.certificate),
             "-keyfile", str(self.key), "-in", str(paths["csr"]), "-out", str(paths["crt"]), "-notext",
             "-md", hash_name, "-startdate", start or "20200101000000Z", "-enddate", end or "20400101000000Z",
             "-extfile", str(paths["ext"]))
        return paths["crt"], paths["key"]


class FetchTest(unittest.TestCase):
    """A test with a home and a store of its own for every test method."""

    maxDiff = None

    def setUp(self):
        self.base = Path(tempfile.mkdtemp(prefix="fetch-", dir=os.environ.get("SKIFF_TEST_RUN")))
        self.addCleanup(self.remove_base)
        self.home, self.runtime, self.store = self.base / "home", self.base / "run", self.base / "store"
        for directory in (self.home, self.runtime):
            directory.mkdir(mode=0o700)
        self.config = self.home / ".config/containers"
        self.config.mkdir(parents=True)
        # A file of our own hides the machine's registries.conf and its drop-ins.
        self.registries_conf()
        (self.config / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}', encoding="ascii")

    def remove_base(self):
        """Remove all, also directories that a layer made read-only."""
        remove_tree(self.base)

    @staticmethod
    def program():
        """skiff-fetch; skiff-layer stands beside it."""
        return os.environ.get("SKIFF_FETCH") or str(prefix() / "libexec/skiff/skiff-fetch")

    def registries_conf(self, text="", insecure=()):
        """Write registries.conf: `text`, and hosts that may be spoken to in plain HTTP."""
        tables = "".join(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in insecure)
        (self.config / "registries.conf").write_text(text + "\n" + tables, encoding="utf-8")

    def trust(self, host, certificate):
        """Put an authority into certs.d for a host."""
        directory = self.config / "certs.d" / host
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(certificate, directory / "ca.crt")

    def credentials(self, auths):
        """Write auth.json: {key: base64 of user:password}."""
        path = self.runtime / "containers/auth.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": {key: {"auth": auth} for key, auth in auths.items()}}), encoding="ascii")

    def environment(self, **changes):
        """The environment of a login session; None removes a variable."""
        env = {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "PATH": os.environ["PATH"],
               "LANG": "C.UTF-8", "TMPDIR": str(self.base)}
        env |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env |= changes
        return {name: value for name, value in env.items() if value is not None}

    def command(self, verb, *args):
        """argv of skiff-fetch."""
        return [self.program(), verb, "--root", str(self.store), *map(str, args)]

    @staticmethod
    def secret(text):
        """A memory file that holds a secret, as skiff hands it to skiff-fetch. Returns its descriptor."""
        descriptor = os.memfd_create("secret")
        os.write(descriptor, text.encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def fetch(self, verb, *args, code=0, env=None, input="", timeout=60, **secrets):
        """Run skiff-fetch to its end. `code` None: any. `password` and `creds` are secrets for it."""
        passed = {f"--{name}-fd": self.secret(text) for name, text in secrets.items()}
        argv = self.command(verb, *[part for option in passed.items() for part in option], *args)
        begin = time.monotonic()
        try:
            done = subprocess.run(argv, input=input.encode(), capture_output=True, timeout=timeout * SLOWNESS,
                                  env=self.environment(**(env or {})), check=False, pass_fds=passed.values())
        finally:
            for descriptor in passed.values():
                os.close(descriptor)
        result = Result(argv, done.returncode, done.stdout, done.stderr, time.monotonic() - begin)
        if code is not None and result.code != code:
            raise AssertionError(f"expected exit code {code}\n{result}")
        self.assertNotIn("Sanitizer", result.stderr)
        return result

    def pull(self, *args, **options):
        """Pull, with short delays between attempts."""
        return self.fetch("pull", "--retry", "3", "--retry-delay", "50ms", *args, **options)

    def pull_fails(self, *args, says=None, **options):
        """Pull something that must be refused: exit code 125, nothing in the store, one line of reason."""
        done = self.pull(*args, code=125, **options)
        error = next((line for line in done.stderr.splitlines() if line.startswith("Error: ")), "")
        self.assertTrue(error, str(done))
        if says:
            self.assertRegex(error, says)
        self.assertEqual(self.image_ids(), [], "a refused image is in the store")
        self.assertEqual(done.stdout, "")
        return done

    def image_ids(self):
        """Images in the store."""
        images = self.store / "images"
        return sorted(entry.name for entry in images.iterdir() if not entry.name.startswith(".")) if images.exists() else []

    def names_of(self, image_id):
        """An image's names as they are recorded, without the checksum."""
        lines = (self.store / "images" / image_id / "names").read_text(encoding="ascii").splitlines()
        return [line for line in lines if not line.startswith("#")]

    def layer_dirs(self):
        """Published layers' diff directories."""
        layers = self.store / "layers"
        return [entry / "diff" for entry in layers.iterdir() if not entry.name.startswith(".")] if layers.exists() else []

    def stored_files(self):
        """{name: contents} over all published layers."""
        return {path.name: path.read_bytes() for diff in self.layer_dirs() for path in diff.iterdir() if path.is_file()}

    def assert_pulled(self, image):
        """The image is in the store with exactly its contents, and nothing is left of the work."""
        expected = {name: data for files in image.files for name, data in files.items()}
        self.assertEqual(self.stored_files(), expected)
        self.assertEqual(len(self.image_ids()), 1)
        self.assert_clean()

    def assert_clean(self):
        """No stage, no partial blob."""
        left = [entry.name for name in ("staging", "cache/blobs", "trash")
                for entry in (self.store / name).glob("*") if not entry.name.startswith(".")]
        self.assertEqual(left, [])
