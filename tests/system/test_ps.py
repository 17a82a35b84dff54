# SPDX-License-Identifier: Apache-2.0
"""ps: its options, its order, its filters."""

import os
import re

from tests.support.skiff import SkiffTest, wait_for

CLEAR = "\033[2J\033[H"


class Ps(SkiffTest):
    images = ["busybox"]
    cleans_up = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run = cls.run_skiff
        run("create", "--name", "bee", "--restart", "always", "busybox", "zz")
        run("run", "--name", "ant", "--network", "none", "busybox", "sh", "-c", "head -c 2000 /dev/zero > /f; exit 4", code=4)
        run("run", "-d", "--name", "cat", "--network", "none", "busybox", "sleep", "1000")
        cls.addClassCleanup(run, "rm", "-af", "-t", "0")

    def names(self, *options):
        return self.skiff("ps", "--format", "{{.Names}}", *options).lines

    def test_sort(self):
        ids = dict(line.split() for line in self.skiff("ps", "-a", "--format", "{{.ID}} {{.Names}}").lines)
        orders = {"created": ["bee", "ant", "cat"], "runningfor": ["bee", "ant", "cat"], "names": ["ant", "bee", "cat"],
                  "command": ["ant", "cat", "bee"], "status": ["bee", "ant", "cat"], "id": [ids[i] for i in sorted(ids)]}
        for key, order in orders.items():
            self.assertEqual(self.names("-a", "--sort", key), order, key)
        self.assertEqual(self.names("-a", "--sort", "size")[-1], "ant")
        self.assertEqual(sorted(self.names("-a", "--sort", "image")), ["ant", "bee", "cat"])
        self.skiff_fails("ps", "--sort", "x", says='"x" is not a valid value.  Choose from: "command, created, id, image, names, '
                         'runningfor, size, status"')

    def test_last_and_latest(self):
        self.assertEqual(self.names("--latest"), ["cat"])
        self.assertEqual(self.names("-n", "2"), ["ant", "cat"])
        self.assertEqual(self.names("--last", "9"), ["bee", "ant", "cat"])
        self.skiff_fails("ps", "-l", "-n", "1", says="last and latest are mutually exclusive")

    def test_size(self):
        lines = self.skiff("ps", "-as").lines
        self.assertRegex(lines[0], r"NAMES +SIZE$")
        image = int(self.skiff("inspect", "--format", "{{.Size}}", "busybox").word)
        self.assertRegex([line for line in lines if " ant " in line][0], r"ant +2kB \(virtual [\d.]+[kM]B\)$")
        sizes = {row["Names"][0]: row["Size"] for row in self.skiff("ps", "-as", "--format", "json").json}
        self.assertEqual(sizes["ant"], {"rootFsSize": image, "rwSize": 2000})
        self.assertEqual(sizes["bee"]["rwSize"], 0)
        self.assertIsNone(self.skiff("ps", "-l", "--format", "json").json[0]["Size"])

    def test_namespaces(self):
        pid = self.skiff("inspect", "--format", "{{.State.Pid}}", "cat").word
        lines = self.skiff("ps", "-a", "--ns").lines
        self.assertEqual(lines[0].split(), ["CONTAINER", "ID", "NAMES", "PID", "CGROUPNS", "IPC", "MNT", "NET", "PIDNS", "USERNS", "UTS"])
        numbers = [re.search(r"\d+", os.readlink(f"/proc/{pid}/ns/{name}")).group()
                   for name in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")]
        self.assertEqual([line for line in lines if " cat " in line][0].split()[2:], [pid, *numbers])
        self.assertEqual([line for line in lines if " ant " in line][0].split()[2:], ["0"])
        self.assertEqual(self.skiff("ps", "--namespace", "--format", "{{.UTS}}").word, numbers[-1])
        self.assertEqual(self.skiff("ps", "--ns", "--format", "json").json[0]["Namespaces"]["Uts"], numbers[-1])
        lines = self.skiff("ps", "--ns", "--format", "table {{.Names}} {{.Namespaces.MNT}}").lines
        self.assertEqual([line.split() for line in lines], [["NAMES", "MNT"], ["cat", numbers[2]]])

    def test_what_does_not_go_together(self):
        for options, says in ((("-qs",), "quiet conflicts with size and namespace"),
                              (("-q", "--ns"), "quiet conflicts with size and namespace"),
                              (("-s", "--ns"), "size and namespace options conflict"),
                              (("-w", "1", "-l"), "the watch and latest flags cannot be used together")):
            self.skiff_fails("ps", *options, says=says)

    def test_accepted(self):
        for option in ("--external", "--sync"):
            self.assertEqual(self.names(option), ["cat"])

    def test_watch(self):
        """Again and again, until it is ended; new containers show up."""
        with open(self.base / "watched", "wb+") as out:
            process = self.start("ps", "--watch", "1", "--noheading", "--format", "{{.Names}}", stdout=out)
            text = lambda: (self.base / "watched").read_text(encoding="utf-8")
            wait_for(lambda: text().count(CLEAR) >= 2)
            self.skiff("run", "-d", "--name", "new", "--network", "none", "busybox", "sleep", "1000")
            wait_for(lambda: text().endswith(f"{CLEAR}cat\nnew\n"))
            self.assertTrue(text().startswith(f"{CLEAR}cat\n{CLEAR}cat\n"))
            process.kill()
        self.skiff("rm", "-f", "-t", "0", "new")

    def test_filters(self):
        for text, expected in (("command=zz", ["bee"]), ("command=^s", ["ant", "cat"]), ("annotation=a.b/c", []),
                               ("restart-policy=always", ["bee"]),
                               ("restart-policy=no", ["ant", "cat"]), ("should-start-on-boot=true", ["bee"]),
                               ("should-start-on-boot=false", ["ant", "cat"]), ("exited=4", ["ant"]), ("status=running", ["cat"])):
            self.assertEqual(self.names("-a", "--filter", text), expected, text)
        self.skiff_fails("ps", "--filter", "restart-policy=x", says="x is not a valid restart policy")
        self.skiff_fails("ps", "--filter", "should-start-on-boot=x", says="x")
