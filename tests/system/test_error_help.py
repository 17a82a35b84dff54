# SPDX-License-Identifier: Apache-2.0
"""What is said on a terminal after the commonest failures: what to do. Elsewhere nothing of it is printed."""

import os
import re
import socket

from tests.support.skiff import SkiffTest, free_port


class Help(SkiffTest):
    """One row per failure: what is typed, its exit code, the help."""

    images = ["busybox"]

    def check(self, code, help_text, *args, env=None):
        """On a terminal there is a line of help that matches, and not a piece of it on a pipe."""
        terminal = self.tty(*args, env=env, columns=400)
        terminal.expect(r"Error: ")
        terminal.expect(f"help: {help_text}")
        self.assertEqual(terminal.wait(), code)
        done = self.skiff(*args, check=False, env=env)
        self.assertEqual(done.code, code, str(done))
        self.assertNotIn("help:", done.stderr)

    def run_busybox(self, code, help_text, *args):
        """`run --rm` with options, image and command."""
        self.check(code, help_text, "run", "--rm", "--network", "none", *args)

    def test_names(self):
        """What is not there, and what may have been meant."""
        self.skiff("create", "--name", "web", "busybox", "true")
        self.skiff("volume", "create", "database")
        for args in (["stop", "wep"], ["logs", "wbe"], ["rm", "wev"], ["start", "we"]):
            self.check(1 if args[0] == "rm" else 125, "did you mean web\\?", *args)
        self.check(125, "skiff ps -a shows all", "logs", "nothing-like-it")
        self.check(1, "did you mean database\\?", "volume", "rm", "databse")
        self.skiff("network", "create", "backend")
        self.skiff("secret", "create", "password", "-", input="x")
        self.check(1, "did you mean backend\\?", "network", "rm", "bakcend")
        self.check(125, "did you mean password\\?", "secret", "rm", "pasword")
        self.check(125, "did you mean busybox\\?", "run", "--pull", "never", "busybos", "true")
        self.check(125, "skiff images shows all", "run", "--pull", "never", "alpine", "true")
        self.check(125, "skiff network ls shows all; skiff network create nope", "run", "--rm", "--network", "nope", "busybox", "true")
        self.check(125, "skiff secret ls shows all; skiff secret create nope FILE", "run", "--rm", "--secret", "nope", "busybox", "true")
        self.check(125, "did you mean --name\\?", "run", "--nmae", "x", "busybox")
        self.check(125, "did you mean \\.Names\\?", "ps", "-a", "--format", "{{.Nmaes}}")

    def test_states(self):
        """In use, running, not running, taken."""
        self.skiff("run", "-d", "--name", "web", "-v", "database:/data", "busybox", "sleep", "1000")
        self.skiff("create", "--name", "still", "busybox", "true")
        self.check(125, "skiff rm web, or run with --replace", "run", "--name", "web", "busybox", "true")
        self.check(2, "skiff stop web, or skiff rm -f web", "rm", "web")
        self.check(2, "remove the containers first, or with it: skiff volume rm -f database", "volume", "rm", "database")
        self.check(2, "skiff rm (web|still) first; skiff rmi -f removes both", "rmi", "busybox")
        self.check(255, "skiff start still", "exec", "still", "true")
        self.check(125, "skiff start --attach still", "attach", "still")

    def test_programs(self):
        """What cannot be executed."""
        for name, text in (("garbage", "garbage"), ("script", "#!/no/such/shell\n"), ("data", "")):
            (self.tmp / name).write_text(text)
            (self.tmp / name).chmod(0o644 if name == "data" else 0o755)
        mount = ["-v", f"{self.tmp}:/t"]
        self.run_busybox(127, "see what the image has", "busybox", "nope")
        self.run_busybox(126, "it is built for another architecture, or it is a script", *mount, "busybox", "/t/garbage")
        self.run_busybox(127, "'/t/script' is there, but the interpreter", *mount, "busybox", "/t/script")
        self.run_busybox(127, "'script' is there, but the interpreter", *mount, "-e", "PATH=/bin:/t", "busybox", "script")
        self.run_busybox(126, "is '/t/data' a file, and executable", *mount, "busybox", "/t/data")
        self.run_busybox(126, "make it in the image, or mount a volume there: -v NAME:/nope", "-w", "/nope", "busybox", "true")

    def test_values(self):
        """Paths, ports, names."""
        port = free_port()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            taken.listen()
            self.check(125, "the port is held by .*stop it, or publish on another", "run", "--rm", "-p", f"127.0.0.1:{port}:80", "busybox", "true")
        self.run_busybox(125, "it is a path on the host: make it, or use a volume: -v NAME:/x", "-v", "/no/such:/x", "busybox", "true")
        self.run_busybox(125, "it is looked for on the host: --device", "--device", "/dev/nope", "busybox", "true")
        self.run_busybox(125, "use no, on-failure", "--restart", "sometimes", "busybox", "true")
        self.run_busybox(125, "use k8s-file, ", "--log-driver", "syslog", "busybox", "true")
        archive = self.tmp / "plain.tar"
        with open(archive, "wb") as file:
            file.write(b"\0" * 10240)
        self.check(125, f"if it holds a root file system: skiff import {re.escape(str(archive))}", "load", "-i", archive)
        self.check(125, "write it in lower case: upper/case", "run", "--rm", "UPPER/Case", "true")

    def test_registries(self):
        """Nobody listens; TLS is not spoken."""
        self.check(125, "if it speaks plain HTTP, say so with --tls-verify=false", "pull", f"127.0.0.1:{free_port()}/x")

    def test_privileged_port(self):
        """A low one, as a user."""
        self.need(os.geteuid() != 0, "about an unprivileged user")
        self.check(125, "sudo sysctl net.ipv4.ip_unprivileged_port_start=80", "run", "--rm", "-p", "80:80", "busybox", "true")
