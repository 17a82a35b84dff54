# SPDX-License-Identifier: Apache-2.0
"""events: what commands did, in order, once; filters, formats, following, the bound of the file."""

import json
import os
import re
import signal
import time

from tests.support.skiff import SkiffTest, sub_ids, wait_for


class Events(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        # Nothing of earlier tests, and time to tell what comes from what was.
        for name in ("events", "events.1"):
            (self.runtime / "skiff" / name).unlink(missing_ok=True)

    def events(self, *options, form="{{.Type}} {{.Status}} {{.Name}}"):
        return self.skiff("events", "--stream=false", "--format", form, *options).lines

    def test_life_of_containers(self):
        self.skiff("run", "--rm", "--name", "gone", "--network", "none", "busybox", "sh", "-c", "exit 3", code=3)
        self.skiff("create", "--name", "kept", "--network", "none", "busybox", "sleep", "1000")
        self.skiff("start", "kept")
        self.skiff("exec", "kept", "sh", "-c", "exit 5", code=5)
        self.skiff("rename", "kept", "renamed")
        self.skiff("kill", "-s", "USR1", "renamed", check=False)
        self.skiff("stop", "-t", "0", "renamed")
        self.skiff("start", "renamed")
        self.skiff("rm", "-f", "-t", "0", "renamed")
        name = lambda *words: [f"container {word}" for word in words]
        expected = [*name("create gone", "start gone", "died gone", "remove gone"), *name(
            "create kept", "start kept", "exec kept", "exec_died kept", "rename renamed", "kill renamed", "died renamed",
            "stop renamed", "start renamed", "died renamed", "remove renamed")]
        seen = self.events()
        # What the monitor's clean-up does may come before or behind the command's own word.
        self.assertEqual(sorted(seen), sorted(expected))
        self.assertEqual(seen[:11], expected[:11])
        codes = self.events("--filter", "event=died", "--filter", "event=exec_died", form="{{.Name}} {{.ContainerExitCode}}")
        self.assertEqual(codes, ["gone 3", "kept 5", "renamed 137", "renamed 137"])

    def test_ended_by_itself(self):
        """The monitor's clean-up tells the end, once; looking at the container tells nothing."""
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sh", "-c", "exit 7")
        wait_for(lambda: "container died c" in self.events(), message="the event")
        for args in (("ps", "-a"), ("wait", "c"), ("inspect", "c"), ("stop", "c"), ("start", "-a", "c")):
            self.skiff(*args, check=False)
        self.skiff("rm", "c")
        self.assertEqual(self.events(), ["container create c", "container start c", "container died c", "container start c",
                                         "container died c", "container remove c"])

    def test_killed_monitor(self):
        self.skiff("run", "-d", "--name", "c", "--network", "none", "busybox", "sleep", "1000")
        os.kill(int(self.skiff("inspect", "--format", "{{.State.ConmonPid}}", "c").word), signal.SIGKILL)
        wait_for(lambda: self.skiff("inspect", "--format", "{{.State.Status}}", "c").word == "exited")
        self.skiff("rm", "c")
        self.assertEqual(self.events(), ["container create c", "container start c", "container died c", "container remove c"])

    def test_volumes_and_images(self):
        archive = self.base / "saved.tar"
        self.skiff("volume", "create", "v")
        self.skiff("run", "--rm", "--network", "none", "-v", "v:/v", "-v", "other:/w", "busybox", "true")
        self.skiff("volume", "rm", "v", "other")
        self.skiff("tag", "busybox", "one", "two")
        self.skiff("untag", "two", "two")
        self.skiff("save", "-o", archive, "one")
        self.skiff("create", "--name", "c", "busybox", "true")
        made = self.skiff("commit", "c", "made").word
        self.skiff("rm", "c")
        self.skiff("rmi", "one", "made")
        self.skiff("load", "-i", archive)
        self.skiff("rmi", "one")
        volumes = self.events("--filter", "type=volume")
        self.assertEqual(volumes, ["volume create v", "volume create other", "volume remove v", "volume remove other"])
        images = self.events("--filter", "type=image")
        self.assertEqual(images, [
            "image tag localhost/one:latest", "image tag localhost/two:latest", "image untag localhost/two:latest",
            "image save one", "image untag localhost/one:latest", "image remove localhost/made:latest",
            f"image loadfromarchive {archive}", "image untag localhost/one:latest"])
        self.assertEqual(self.events("--filter", "event=remove", "--filter", "type=image", form="{{.ID}}"), [made])
        self.assertEqual(self.events("--filter", "event=commit"), ["container commit c"])

    def test_filters(self):
        one = self.skiff("create", "--name", "one", "--label", "a=b", "--label", "c=d", "busybox", "true").word
        self.skiff("create", "--name", "two", "--label", "a=x", "busybox", "true")
        self.skiff("volume", "create", "vol")
        self.skiff("volume", "rm", "vol")
        created = ["container create one", "container create two"]
        for filters, expected in (
                (["container=one"], created[:1]), ([f"container={one[:10]}"], created[:1]),
                (["container=one", "container=two"], created), (["label=a=b"], created[:1]), (["label=a"], created),
                (["label=a", "label=c"], created[:1]), (["image=busybox"], created), (["image=other"], []),
                (["event=create", "type=container"], created), (["volume=vol"], ["volume create vol", "volume remove vol"]),
                (["event=destroy"], ["volume remove vol"])):
            options = [word for text in filters for word in ("--filter", text)]
            self.assertEqual(self.events(*options), expected, filters)
        self.skiff_fails("events", "--filter", "x=y", says="x is an invalid filter")
        self.skiff_fails("events", "--filter", "x", says='invalid filter "x"')
        self.skiff_fails("events", "--since", "yesterday", says="yesterday")

    def test_times(self):
        self.skiff("create", "--name", "early", "busybox", "true")
        time.sleep(1.2)
        middle = time.time() - 0.5
        self.skiff("create", "--name", "late", "busybox", "true")
        self.assertEqual(self.events("--since", f"{middle:.6f}"), ["container create late"])
        self.assertEqual(self.events("--until", f"{middle:.6f}"), ["container create early"])
        self.assertEqual(self.events("--since", "1s"), ["container create late"])
        self.assertEqual(self.events("--since", "1h", "--until", "30m"), [])
        # Without --stream=false, --until ends it by itself; a time ahead is waited for.
        began = time.monotonic()
        ahead = self.skiff("events", "--until", f"{time.time() + 1:.3f}", "--format", "{{.Name}}")
        self.assertEqual(ahead.lines, ["early", "late"])
        self.assertGreater(time.monotonic() - began, 0.9)

    def test_formats(self):
        ident = self.skiff("create", "--name", "made", "--label", "b=2", "--label", "a=1", "busybox", "true").word
        line = self.skiff("events", "--stream=false").stdout
        self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4} \S+ container create " + ident +
                         r" \(image=localhost/busybox:latest, name=made, a=1, b=2\)\n$")
        self.assertIn(f" {ident[:12]} ", self.skiff("events", "--stream=false", "--no-trunc=false").stdout)
        self.skiff("run", "--rm", "--name", "d", "--network", "none", "busybox", "false", code=1)
        rows = [json.loads(text) for text in self.skiff("events", "--stream=false", "--format", "json").lines]
        created, died = rows[0], next(row for row in rows if row["Status"] == "died")
        self.assertEqual((created["ID"], created["Name"], created["Image"], created["Type"], created["Attributes"]),
                         (ident, "made", "localhost/busybox:latest", "container", {"a": "1", "b": "2"}))
        self.assertEqual(created["Actor"], {"ID": ident, "Attributes": {"a": "1", "b": "2", "name": "made",
                                                                         "image": "localhost/busybox:latest"}})
        self.assertEqual((created["status"], created["id"], created["from"], created["scope"], created["Action"]),
                         ("create", ident, "localhost/busybox:latest", "local", "create"))
        self.assertEqual(created["timeNano"] // 1000000000, created["time"])
        self.assertLess(abs(created["time"] - time.time()), 60)
        self.assertEqual((died["Action"], died["ContainerExitCode"], died["Actor"]["Attributes"]["exitCode"]), ("die", 1, "1"))
        self.assertEqual(self.events("--filter", "container=made", form="{{.Time}} {{index .Attributes \"a\"}}"),
                         [f"{created['time']} 1"])

    def test_follow(self):
        """Only what comes from now on, at once, across a change of files."""
        self.skiff("create", "--name", "before", "busybox", "true")
        follower = self.start("events", "--format", "{{.Status}} {{.Name}}")
        time.sleep(0.3)
        self.skiff("create", "--name", "after", "busybox", "true")
        self.assertEqual(follower.stdout.readline(), b"create after\n")
        os.rename(self.runtime / "skiff/events", self.runtime / "skiff/events.1")
        self.skiff("rm", "after")
        self.assertEqual(follower.stdout.readline(), b"remove after\n")

    def test_the_file_is_bounded(self):
        run = self.runtime / "skiff"
        self.skiff("volume", "create", "first")
        self.addCleanup(self.skiff, "volume", "rm", "-af")
        line = (run / "events").read_bytes()
        (run / "events").write_bytes(line * ((1 << 20) // len(line) + 1))
        self.skiff("volume", "create", "second")
        self.skiff("volume", "create", "third")
        self.assertEqual(len((run / "events").read_bytes().splitlines()), 2)
        self.assertGreater((run / "events.1").stat().st_size, 1 << 20)
        self.assertEqual(self.events()[-3:], ["volume create first", "volume create second", "volume create third"])
        # Garbage is passed over.
        with open(run / "events", "ab") as file:
            file.write(b"\0\xff garbage\n{}\n{\"t\":\"x\"}\n" + b"y" * 200000 + b"\n")
        self.skiff("volume", "create", "fourth")
        self.assertEqual(self.events()[-1], "volume create fourth")

    def test_many_writers(self):
        """Lines of commands that run side by side do not mix."""
        workers = [self.start("volume", "create", f"v{i}") for i in range(30)]
        for worker in workers:
            self.assertEqual(worker.wait(), 0)
        self.skiff("volume", "rm", "-af")
        created = [text.split()[-1] for text in self.events("--filter", "event=create")]
        self.assertEqual(sorted(created), sorted(f"v{i}" for i in range(30)))
        self.assertEqual(len(self.events("--filter", "event=remove")), 30)

    def test_an_unwritable_file_stops_nobody(self):
        self.need(os.geteuid() != 0 or sub_ids() is not None, "root writes everywhere")
        (self.runtime / "skiff/events").mkdir()
        self.addCleanup(os.rmdir, self.runtime / "skiff/events")
        done = self.skiff("--log-level", "info", "run", "--rm", "--network", "none", "busybox", "echo", "hi")
        self.assertEqual(done.stdout, "hi\n")
        self.assertTrue(re.search("the event 'start' was not recorded", done.stderr), done)
