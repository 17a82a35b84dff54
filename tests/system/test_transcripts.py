# SPDX-License-Identifier: Apache-2.0
"""What a script sees: commands in odd orders, with exit codes and texts as podman has them.

tests/system/golden/*.transcript holds them. A line "$ ps -a" is a command, in words as a shell splits them; what follows
is what it printed: "> " a line of stdout, "! " of stderr, "= " an exit code other than 0. Ids are written ID (64 digits,
25 of a secret) and SHORT (12), the test's own directory TMP, a registry on loopback REG. All commands of a file share one
home; "#" begins a comment.

The texts were compared with those of podman 4.3 on the same image, command by command; where they differ, the file says
that podman 6 has it so, or what we do instead. TRANSCRIPT_UPDATE=DIR writes what skiff prints now into that directory.
"""

import json
import os
import re
import shlex
import tempfile
import unittest
from pathlib import Path

from tests.support.images import Unavailable
from tests.support.registry import Registry
from tests.support.skiff import SkiffTest, image_makers

GOLDEN = Path(__file__).parent / "golden"


def entries(text):
    """[(comment and empty lines before, command, lines it printed)]; the last may have no command."""
    head, found = [], []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((head, line[2:], []))
            head = []
        elif line[:2] in ("> ", "! ", "= ") or line in (">", "!"):
            found[-1][2].append(line)
        else:
            head.append(line)
    return [*found, (head, None, [])]


class Replay(SkiffTest):
    """What the classes below use: each has a home of its own."""

    images = ["busybox"]
    cleans_up = False
    host = ""

    def readable(self, text):
        """A text without what differs from run to run."""
        text = text.replace(str(self.tmp), "TMP").replace(str(self.home), "HOME")
        text = text.replace(self.host, "REG") if self.host else text
        text = re.sub(r"\b(?:[0-9a-f]{64}|[0-9a-f]{25})\b", "ID", text)
        return re.sub(r"\b[0-9a-f]{12}\b", "SHORT", text)

    def printed(self, command):
        """What a command prints, as the lines of a transcript."""
        words = [word.replace("TMP", str(self.tmp)).replace("REG", self.host) for word in shlex.split(command)]
        done = self.skiff(*words, check=False)
        lines = [f"{mark} {line}".rstrip() for mark, text in ((">", done.stdout), ("!", done.stderr))
                 for line in self.readable(text).splitlines()]
        return lines + ([f"= {done.code}"] if done.code != 0 else [])

    def replay(self, name):
        """Run the commands of a file and compare."""
        path, differs, new = GOLDEN / f"{name}.transcript", [], []
        for head, command, expected in entries(path.read_text(encoding="utf-8")):
            new += head
            if command is None:
                break
            now = self.printed(command)
            new += [f"$ {command}", *now]
            if now != expected:
                differs.append("\n".join([f"$ {command}", *(f"  wanted {line}" for line in expected),
                                          *(f"  got    {line}" for line in now)]))
        self.skiff("rm", "-fa", "-t", "0")
        if os.environ.get("TRANSCRIPT_UPDATE"):
            Path(os.environ["TRANSCRIPT_UPDATE"], path.name).write_text("\n".join(new) + "\n", encoding="utf-8")
        elif differs:
            self.fail("\n".join(differs))


class Transcripts(Replay):
    def test_nothing_there(self):
        self.replay("nothing")

    def test_created_and_exited(self):
        self.replay("exited")

    def test_running(self):
        self.replay("running")

    def test_images(self):
        self.replay("images")

    def test_image_verbs(self):
        """tree, diff, mount, prune."""
        self.replay("image")

    def test_volumes(self):
        self.replay("volumes")

    def test_refused(self):
        self.replay("refused")

    def test_units(self):
        """auto-update, generate systemd."""
        self.replay("units")

    def test_options_we_do_not_have(self):
        """Every option that podman has and we have not is refused by its name, whatever its value."""
        for command in self.skiff("help", "--dump-options").json["commands"]:
            for option in command["options"]:
                if option["supported"]:
                    continue
                word = f"--{option['name']}" + ("" if option["kind"] in ("flag", "tri-state") else "=1")
                done = self.skiff_fails(*command["paths"][0].split(), word, "x", "y", says="Error: unsupported flag: ")
                self.assertIn(f"--{option['name']}", done.stderr, str(done))


class WithRegistry(Replay):
    """The same with a docker-registry, which has team/app:v1, v2 and other/thing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = tempfile.TemporaryDirectory(prefix="skiff-registry-")
        cls.addClassCleanup(directory.cleanup)
        try:
            registry = Registry(directory.name, tls=False, auth=False).start()
        except Unavailable as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.addClassCleanup(registry.stop)
        cls.host = registry.host
        for name in ("team/app:v1", "team/app:v2", "other/thing:latest"):
            registry.push(image_makers.MAKERS["busybox"](), name)

    def setUp(self):
        super().setUp()
        config = self.home / ".config/containers"
        config.mkdir(parents=True, exist_ok=True)
        (config / "registries.conf").write_text(f'[[registry]]\nlocation = "{self.host}"\ninsecure = true\n', encoding="ascii")
        self.policy({"default": [{"type": "insecureAcceptAnything"}]})

    def policy(self, document):
        """Write policy.json."""
        (self.home / ".config/containers/policy.json").write_text(json.dumps(document), encoding="ascii")

    def test_registry(self):
        self.replay("registry")

    def test_manifest(self):
        self.replay("manifest")

    def test_policy(self):
        key = self.tmp / "key"
        key.write_text("no key")
        self.policy({"default": [{"type": "reject"}], "transports": {
            "docker": {f"{self.host}/team": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(key)}],
                       f"{self.host}/team/app:v2": [{"type": "sigstoreSigned", "keyPath": str(key)}],
                       f"{self.host}/other": [{"type": "insecureAcceptAnything"}]},
            "docker-archive": {"": [{"type": "insecureAcceptAnything"}]},
            "tarball": {"": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(key)}]}}})
        self.replay("policy")


class OfUsers(Replay):
    def setUp(self):
        super().setUp()
        if os.geteuid() == 0:
            self.skipTest("of users: unshare, and what root is not refused")

    def test_wrong_values(self):
        self.replay("values")

    def test_copies(self):
        self.replay("copies")

    def test_secrets(self):
        self.replay("secrets")

    def test_pods(self):
        self.addCleanup(self.skiff, "pod", "rm", "--all", "--force", "--time", "0")
        self.replay("pods")

    def test_living(self):
        self.replay("living")
