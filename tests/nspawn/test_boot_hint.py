# SPDX-License-Identifier: Apache-2.0
"""What `run -d` says to who sits at a terminal, once, about boots and logouts."""

import os

from tests.support.guest_test import GuestTest

HINT = "nothing starts this container after a boot: systemctl --user enable "


class Hint(GuestTest):
    """A user who lingers and has not enabled skiff-restart.service."""

    def run_on_a_terminal(self, name, *options):
        """What `run -d` says there."""
        terminal = self.tty("run", "-d", "--name", name, "--network", "none", "--stop-timeout", "0", *options, "busybox", "sleep", "1000",
                            env={"XDG_CONFIG_HOME": str(self.home / "config")})
        self.assertEqual(terminal.wait(60), 0)
        text = terminal.output if isinstance(terminal.output, str) else terminal.output.decode()
        return text

    def test_once_and_only_on_a_terminal(self):
        done = self.skiff("run", "-d", "--name", "script", "--restart", "always", "--network", "none", "--stop-timeout", "0", "busybox", "sleep", "1000")
        self.assertEqual((done.stderr, len(done.lines)), ("", 1))
        self.assertNotIn(HINT, self.run_on_a_terminal("plain"))
        self.assertIn(HINT, self.run_on_a_terminal("first", "--restart", "unless-stopped"))
        self.assertNotIn(HINT, self.run_on_a_terminal("second", "--restart", "always"))
        os.unlink(self.state_directories()["store/staging"].parent / "cache/told-restart")
        wants = self.home / "config/systemd/user/default.target.wants"
        wants.mkdir(parents=True)
        (wants / "skiff-restart.service").symlink_to("/skiff/prefix/lib/systemd/user/skiff-restart.service")
        self.assertNotIn(HINT, self.run_on_a_terminal("third", "--restart", "always"))
