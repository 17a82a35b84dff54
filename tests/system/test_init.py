# SPDX-License-Identifier: Apache-2.0
"""init: everything of a start but the program."""

import os
import signal

from tests.support.skiff import SkiffTest, wait_for

FOREVER = ["busybox", "sleep", "1000"]


class Init(SkiffTest):
    images = ["busybox"]

    def state(self, name="c"):
        return self.skiff("inspect", name).json[0]["State"]

    def test_init_and_start(self):
        """The namespaces are there, the program is not; start executes it in them."""
        done = self.skiff("create", "--name", "c", "busybox", "sh", "-c", "echo hi; exec sleep 1000")
        self.assertEqual(self.skiff("init", "c").stdout, "c\n")
        state = self.state()
        self.assertEqual((state["Status"], state["Running"], state["StartedAt"][:4]), ("initialized", False, "0001"))
        namespace = os.stat(f"/proc/{state['ConmonPid']}/ns/mnt").st_ino
        self.assertGreater(state["Pid"], 0)
        self.assertEqual(self.skiff("logs", "c").stdout, "")
        self.assertEqual(self.skiff("ps", "-q").stdout, "")
        self.assertEqual(self.skiff("ps", "-a", "--format", "{{.State}} {{.Status}}").word, "initialized Initialized")
        self.assertEqual(self.skiff("ps", "-aq", "--no-trunc", "--filter", "status=initialized").stdout, done.stdout)
        self.assertEqual(self.skiff("start", "c").stdout, "c\n")
        after = self.state()
        self.assertEqual((after["Status"], after["Pid"], after["ConmonPid"]), ("running", state["Pid"], state["ConmonPid"]))
        self.assertNotEqual(after["StartedAt"][:4], "0001")
        self.assertTrue(namespace)
        wait_for(lambda: self.skiff("logs", "c").stdout == "hi\n", 5)
        events = self.skiff("events", "--stream=false", "--filter", f"container={done.word}", "--format", "{{.Status}}").lines
        self.assertEqual(events, ["create", "init", "start"])

    def test_attached(self):
        """Nothing of its output is lost to who starts it attached, nor its code."""
        self.skiff("create", "--name", "c", "-i", "busybox", "sh", "-c", "cat; echo err >&2; exit 3")
        self.skiff("container", "init", "c")
        done = self.skiff("start", "-ai", "c", input="in\n", check=False)
        self.assertEqual((done.stdout, done.stderr, done.code), ("in\n", "err\n", 3))

    def test_health_begins_with_the_program(self):
        self.skiff("create", "--name", "c", "--health-cmd", "true", "--health-interval", "50ms", *FOREVER)
        self.skiff("init", "c")
        self.skiff_fails("healthcheck", "run", "c", says="is not running")
        self.skiff("start", "c")
        wait_for(lambda: self.state()["Health"]["Status"] == "healthy", 5)

    def test_refused(self):
        """podman's words for what is running or initialized already, and for what needs a program that runs."""
        ident = self.skiff("create", "--name", "c", *FOREVER).word
        self.skiff("init", "c")
        words = f"container {ident} has already been created in runtime: container state improper"
        self.skiff_fails("init", "c", says=words)
        self.skiff_fails("kill", "c", says=f"can only kill running containers. {ident} is in state initialized")
        self.skiff_fails("exec", "c", "true", code=255,
                         says="can only create exec sessions on running containers: container state improper")
        self.skiff("start", "c")
        self.skiff_fails("init", "c", says=words)
        self.assertEqual(self.skiff("init", "--all").stdout, ident + "\n")
        self.skiff_fails("init", says="you must provide at least one name or id")
        self.skiff_fails("init", "--all", "c", says="no arguments are needed with --all")
        self.skiff_fails("init", "nobody", says='no container with name or ID "nobody" found: no such container')

    def test_no_such_program(self):
        """What cannot be executed is found out by the start, and can be tried again."""
        self.skiff("create", "--name", "c", "busybox", "/nonexistent")
        self.skiff("init", "c")
        for _ in range(2):
            self.assertEqual(self.skiff("start", "c", check=False).code, 127)
            state = self.state()
            self.assertEqual((state["Status"], state["Pid"]), ("created", 0))
            self.assertIn("/nonexistent", state["Error"])
        self.skiff("init", "c")

    def test_stopped_and_removed(self):
        """One that is initialized stops at once, whatever its policy, and is removed without force."""
        self.skiff("create", "--name", "c", "--restart", "always", *FOREVER)
        self.skiff("init", "c")
        self.skiff("stop", "c")
        self.assertEqual(self.state()["Status"], "exited")
        self.skiff("init", "c")
        os.kill(self.state()["ConmonPid"], signal.SIGTERM)
        wait_for(lambda: self.state()["Status"] == "exited", 5)
        self.skiff("init", "c")
        os.kill(self.state()["ConmonPid"], signal.SIGKILL)
        wait_for(lambda: self.state()["Status"] == "exited", 5)
        self.skiff("init", "c")
        self.assertEqual(self.skiff("rm", "c").stdout, "c\n")
        self.skiff("create", "--rm", "--name", "c", *FOREVER)
        self.skiff("init", "c")
        self.skiff("stop", "c")
        self.assertEqual(self.skiff("ps", "-aq").stdout, "")
