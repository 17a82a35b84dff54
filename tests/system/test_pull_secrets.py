# SPDX-License-Identifier: Apache-2.0
"""Secrets of login and pull stay out of what other processes can read: command lines and environments (R16)."""

import json
import os
import secrets
import subprocess
import termios
import time
from pathlib import Path

from tests.support.fault_registry import USER, FaultRegistry, Image, digest
from tests.support.skiff import SLOWNESS, SkiffTest, Tty, wait_for

MIB = 1 << 20


def places_of(*needles):
    """{(program, "cmdline" or "environ")} of every process that shows one of the texts there."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("cmdline", "environ"):
            try:
                data = (process / kind).read_bytes()
                name = (process / "comm").read_text(encoding="utf-8").strip()
            except OSError:  # it has ended, or is not ours
                continue
            if any(needle.encode() in data for needle in needles):
                found.add((name, kind))
    return found


def programs():
    """The names of all processes whose environment can be read."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            (process / "environ").read_bytes()
            found.add((process / "comm").read_text(encoding="utf-8").strip())
        except OSError:
            continue
    return found


class Secrets(SkiffTest):
    """A slow registry, a password that exists nowhere else, and a look at all of /proc meanwhile."""

    def setUp(self):
        self.image = Image(sizes=(2 * MIB,), seed=self.id())
        self.secret = "canary-" + secrets.token_hex(12)
        self.config = self.home / ".config/containers"
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}', encoding="ascii")

    def registry(self, **options):
        """A registry that takes its time with whoever has logged in; `options` spoil the layer."""
        def script(request):
            authorized = request.header("Authorization") is not None
            if authorized and not request.is_blob:
                time.sleep(1)
            if authorized and request.path.endswith(digest(self.image.layers[0])):
                return FaultRegistry.blob(self.image.layers[0], request, **(options or {"drip": 2 * MIB}))
            return None
        registry = FaultRegistry(self.image, script=script, auth="basic", password=self.secret)
        registry.__enter__()
        self.addCleanup(registry.__exit__)
        (self.config / "registries.conf").write_text(
            f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n', encoding="ascii")
        return registry

    def watch(self, registry, *args, input=None):
        """Run skiff and look at all processes from its first request to its end."""
        argv = [str(self.program), *self.roots(), *map(str, args)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=self.environment(), cwd=self.home, start_new_session=True)
        if input:
            process.stdin.write(input)
        process.stdin.close()
        process.stdin = None
        shown, seen, looks = set(), set(), 0
        deadline = time.monotonic() + 60 * SLOWNESS
        while process.poll() is None and time.monotonic() < deadline:
            if registry.requests:
                shown |= places_of(self.secret, registry.basic.removeprefix("Basic "))
                seen |= programs()
                looks += 1
            time.sleep(0.01)
        process.kill()
        stdout, stderr = process.communicate()
        self.assertEqual(process.returncode, 0, stderr)
        self.assertNotIn(self.secret, stdout + stderr)
        self.assertGreater(looks, 10)
        self.assertLessEqual({"skiff", "skiff-fetch"}, seen, "the look missed the programs it is about")
        self.assertEqual(shown, set(), "the secret can be read in /proc")
        return seen

    def assert_used(self, registry):
        """The registry was sent the secret: what was looked for was there to be found."""
        self.assertTrue(any(request.header("Authorization") == registry.basic for request in registry.requests))

    def test_the_look_finds_what_is_there(self):
        """A control: one process has the secret in its arguments, another in its environment."""
        for argv, env in ((["sh", "-c", "read -r line", self.secret], {}), (["cat"], {"CANARY": self.secret})):
            process = subprocess.Popen(argv, env=env | {"PATH": os.environ["PATH"]}, stdin=subprocess.PIPE)
            self.addCleanup(process.communicate)
        wait_for(lambda: {("sh", "cmdline"), ("cat", "environ")} <= places_of(self.secret))

    def test_login(self):
        for option in (["--password", self.secret], [f"--password={self.secret}"], ["-p", self.secret], [f"-p{self.secret}"]):
            with self.subTest(option[0][:10]):
                registry = self.registry()
                self.watch(registry, "login", "-u", USER, *option, registry.host)
                self.assert_used(registry)

    def test_login_from_stdin(self):
        registry = self.registry()
        self.watch(registry, "login", "-u", USER, "--password-stdin", registry.host, input=self.secret + "\n")
        self.assert_used(registry)

    def test_login_with_a_secret_of_the_store(self):
        self.skiff("secret", "create", USER, "-", input=self.secret)
        self.addCleanup(self.skiff, "secret", "rm", USER)
        registry = self.registry()
        self.watch(registry, "login", "--secret", USER, registry.host)
        self.assert_used(registry)
        self.skiff_fails("login", "--secret", USER, "-p", "x", registry.host, says="--secret can not be used with --password options")
        self.skiff_fails("login", "--secret", "none-such", registry.host, says='no secret with name or id "none-such": no such secret')

    def test_pull_with_creds(self):
        registry = self.registry()
        seen = self.watch(registry, "pull", "--creds", f"{USER}:{self.secret}", registry.reference())
        self.assertIn("skiff-layer", seen)
        self.assert_used(registry)

    def test_create_with_creds(self):
        registry = self.registry()
        self.watch(registry, "create", "--name", "c", "--creds", f"{USER}:{self.secret}", registry.reference(), "x")
        self.assert_used(registry)
        self.assertNotIn(self.secret, self.skiff("inspect", "c").stdout)
        self.assertEqual([path for path in self.home.rglob("*") if path.is_file() and self.secret.encode() in path.read_bytes()], [])

    def type_password(self, registry, end, under=()):
        """Begin a login that asks, and end it at the hidden prompt. Returns the terminal's settings before, and it."""
        argv = [*under, str(self.program), *self.roots(), "login", "-u", USER, registry.host]
        terminal = Tty(argv, self.environment(), self.home)
        self.addCleanup(terminal.close)
        before = terminal.settings()
        terminal.expect("Password: ")
        wait_for(lambda: not terminal.settings()[3] & termios.ECHO)
        end(terminal)
        terminal.wait()
        self.assertNotIn(self.secret.encode(), terminal.output)
        return before, terminal

    def test_typed_password(self):
        registry = self.registry()
        before, terminal = self.type_password(registry, lambda terminal: terminal.send(self.secret + "\r"))
        self.assertEqual(terminal.process.returncode, 0, terminal.output)
        self.assertEqual(terminal.settings(), before)
        self.assert_used(registry)

    def test_interrupt_at_the_prompt_gives_the_echo_back(self):
        """By Ctrl-C, and when the command is killed while its helper holds the terminal."""
        for name, end in (("Ctrl-C", lambda terminal: terminal.send("abc\x03")),
                          ("Ctrl-\\", lambda terminal: terminal.send("\x1c")),
                          ("SIGKILL", lambda terminal: terminal.process.kill())):
            with self.subTest(name):
                before, terminal = self.type_password(self.registry(), end)
                self.assertNotEqual(terminal.process.returncode, 0)
                if name == "SIGKILL":
                    wait_for(lambda: terminal.settings() == before)  # pylint: disable=cell-var-from-loop
                self.assertEqual(terminal.settings(), before)

    def test_interrupt_before_it_reads(self):
        """Ctrl-C when the echo is off and nothing waits for a key yet."""
        slow = ["strace", "-f", "-o", "/dev/null", "-e", "trace=ioctl", "-e", "inject=ioctl:delay_exit=300000"]
        before, terminal = self.type_password(self.registry(), lambda terminal: terminal.send("\x03"), slow)
        self.assertNotEqual(terminal.process.returncode, 0)
        self.assertEqual(terminal.settings(), before)

    def test_the_helper_ends_with_the_command(self):
        """SIGKILL of skiff in the middle of a pull: skiff-fetch does not go on alone."""
        registry = self.registry(stall_after=MIB)
        argv = [str(self.program), *self.roots(), "pull", "--creds", f"{USER}:{self.secret}", registry.reference()]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment(), cwd=self.home)
        wait_for(lambda: any(request.is_blob for request in registry.requests))
        process.kill()
        process.wait()
        wait_for(lambda: not {"skiff-fetch", "skiff-layer"} & programs(), timeout=3)

    def test_interrupted_pull_ends_with_its_last_word(self):
        """Ctrl-C: skiff stays until skiff-fetch has tidied up and said so."""
        registry = self.registry(stall_after=MIB)
        argv = [str(self.program), *self.roots(), "pull", "--creds", f"{USER}:{self.secret}", registry.reference()]
        terminal = Tty(argv, self.environment(), self.home)
        self.addCleanup(terminal.close)
        wait_for(lambda: registry.bytes_sent >= MIB)
        terminal.send("\x03")
        self.assertEqual(terminal.wait(5), 125, terminal.output)
        self.assertEqual({"skiff-fetch", "skiff-layer"} & programs(), set())
        self.assertIn(b"Error: ", terminal.output)
        stages = [path.name for path in (self.state_directories()["store/staging"]).iterdir() if path.name != ".lock"]
        self.assertEqual(stages, [])

    def test_pull_with_a_stored_password(self):
        registry = self.registry()
        path = self.runtime / "containers/auth.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"auths": {registry.host: {"auth": registry.basic.removeprefix("Basic ")}}}), encoding="ascii")
        self.addCleanup(os.unlink, path)
        self.watch(registry, "pull", registry.reference())
        self.assert_used(registry)
