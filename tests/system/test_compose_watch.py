# SPDX-License-Identifier: Apache-2.0
"""skiff compose watch: files change, and what develop.watch says happens."""

import queue
import shutil
import signal
import tarfile
import threading

from tests.support.skiff import SLOWNESS, free_port, wait_for
from tests.system.test_compose import SLEEP, ComposeTest


class Watching(ComposeTest):
    def setUp(self):
        super().setUp()
        self.src = self.project / "src"
        for path in sorted(self.src.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        self.src.mkdir(exist_ok=True)

    def watch(self, text, *words, verb=("watch", "--no-up")):
        """`compose watch` that has said that it watches; its standard error comes by self.said()."""
        self.write(text)
        process = self.start("compose", *verb, *words, cwd=self.project, text=True)
        self.lines = queue.Queue()
        self.log = []

        def read():
            for line in process.stderr:
                self.lines.put(line)
            self.lines.put("")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self.addCleanup(reader.join)
        self.addCleanup(self.end_group, process)
        self.said("Watch enabled")
        return process

    @staticmethod
    def end_group(process):
        process.kill()
        process.wait()

    def said(self, words, timeout=60):
        """Wait until a line with these words has come."""
        while True:
            try:
                line = self.lines.get(timeout=timeout * SLOWNESS)
            except queue.Empty:
                raise AssertionError(f"{words!r} was not said: {''.join(self.log)}") from None
            self.log.append(line)
            if not line:
                raise AssertionError(f"{words!r} was not said: {''.join(self.log)}")
            if words in line:
                return line

    def cat(self, path, service="a"):
        return self.compose("exec", "-T", service, "cat", path, check=False).stdout

    def stop(self, process):
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60 * SLOWNESS)
        self.assertEqual(process.returncode, 130)


class Sync(Watching):
    TEXT = f"""
services:
  a:
    image: busybox
    command: {SLEEP}
    scale: 2
    develop:
      watch:
        - {{action: sync, path: ./src, target: /app, ignore: ["cache/", "*.tmp"], initial_sync: true}}
"""

    def test_the_root_goes_and_comes_again(self):
        """Red when nothing watches the directory that the tree is in."""
        (self.src / "index").write_text("one")
        self.up(self.TEXT)
        process = self.watch(self.TEXT)
        with self.subTest("alone"):
            (self.src / "index").unlink()
            self.src.rmdir()
            wait_for(lambda: self.compose("exec", "-T", "a", "test", "-e", "/app/index", check=False).code == 1, timeout=60, message="the removal")
            self.src.mkdir()
            (self.src / "index").write_text("two")
            wait_for(lambda: self.cat("/app/index") == "two", timeout=60, message="the new tree")
        self.stop(process)
        with self.subTest("with the directories above it"):
            deep = self.project / "up/per/src"
            deep.mkdir(parents=True)
            self.addCleanup(shutil.rmtree, self.project / "up")
            process = self.watch(self.TEXT.replace("./src", "./up/per/src"))
            shutil.rmtree(self.project / "up")
            deep.mkdir(parents=True)
            (deep / "index").write_text("three")
            wait_for(lambda: self.cat("/app/index") == "three", timeout=60, message="the new tree")
            self.stop(process)

    def test_files(self):
        (self.src / "index").write_text("one")
        (self.src / "index~").write_text("an editor's")
        self.up(self.TEXT)
        process = self.watch(self.TEXT)
        self.assertEqual(self.cat("/app/index"), "one")
        self.assertEqual(self.cat("/app/index~"), "")
        with self.subTest("written"):
            (self.src / "index").write_text("two")
            wait_for(lambda: self.cat("/app/index") == "two", timeout=60, message="the change")
            wait_for(lambda: self.compose("exec", "-T", "--index", "2", "a", "cat", "/app/index", check=False).stdout == "two", timeout=60,
                     message="the change in the other")
        with self.subTest("put in its place, as editors do"):
            (self.src / ".index.swp").write_text("three")
            (self.src / ".index.swp").rename(self.src / "index")
            wait_for(lambda: self.cat("/app/index") == "three", timeout=60, message="the change")
        with self.subTest("a new directory, and one in it"):
            (self.src / "new/deep").mkdir(parents=True)
            (self.src / "new/deep/file").write_text("there")
            wait_for(lambda: self.cat("/app/new/deep/file") == "there", timeout=60, message="the new file")
        with self.subTest("ignored, and a witness behind it"):
            (self.src / "cache").mkdir()
            (self.src / "cache/file").write_text("no")
            (self.src / "x.tmp").write_text("no")
            (self.src / "witness").write_text("yes")
            wait_for(lambda: self.cat("/app/witness") == "yes", timeout=60, message="the witness")
            self.assertEqual(self.compose("exec", "-T", "a", "sh", "-c", "ls /app").lines, ["index", "new", "witness"])
        with self.subTest("removed"):
            (self.src / "new/deep/file").unlink()
            (self.src / "index").unlink()
            wait_for(lambda: self.compose("exec", "-T", "a", "sh", "-c", "test ! -e /app/index && test ! -e /app/new/deep/file", check=False).code == 0,
                     timeout=60, message="the removal")
        self.stop(process)

    def test_links_stay_links(self):
        """What they lead to is no part of the project."""
        secret = self.tmp / "secret"
        secret.write_text("mine")
        self.up(self.TEXT)
        process = self.watch(self.TEXT)
        (self.src / "deep").mkdir()
        (self.src / "deep/link").symlink_to(secret)
        wait_for(lambda: self.compose("exec", "-T", "a", "readlink", "/app/deep/link", check=False).stdout.strip() == str(secret), timeout=60,
                 message="the link")
        self.assertEqual(self.cat("/app/deep/link"), "")
        self.stop(process)

    def test_nothing_is_run_in_the_container(self):
        """An image may have no shell. Red when a directory is made, or a file removed, by a program in there."""
        archive = self.tmp / "one.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(shutil.which("busybox"), "busybox")
        self.skiff("import", "-q", archive, "one")
        self.addCleanup(self.skiff, "rmi", "-f", "one", check=False)
        text = """
services:
  a:
    image: one
    command: [/busybox, sleep, "1000"]
    stop_signal: KILL
    user: "12:34"
    develop: {watch: [{action: sync, path: ./src, target: /app/src, initial_sync: true}]}
"""
        (self.src / "first").write_text("1")
        self.up(text)
        process = self.watch(text)
        run = lambda *words: self.compose("exec", "-T", "a", "/busybox", *words, check=False).stdout.strip()
        self.assertEqual(run("cat", "/app/src/first"), "1")
        self.assertEqual(run("stat", "-c", "%u:%g", "/app/src/first", "/app/src").split(), ["12:34", "12:34"])
        (self.src / "deep").mkdir()
        (self.src / "deep/link").symlink_to("../first")
        (self.src / "deep/file").write_text("2")
        wait_for(lambda: run("cat", "/app/src/deep/link", "/app/src/deep/file") == "12", timeout=60, message="the link and the file")
        with self.subTest("a directory in place of a file, and the reverse"):
            shutil.rmtree(self.src / "deep")
            (self.src / "deep").write_text("3")
            (self.src / "first").unlink()
            (self.src / "first").mkdir()
            (self.src / "first/file").write_text("4")
            wait_for(lambda: run("cat", "/app/src/deep", "/app/src/first/file") == "34", timeout=60, message="both")
        with self.subTest("removed"):
            shutil.rmtree(self.src / "first")
            wait_for(lambda: run("ls", "/app/src") == "deep", timeout=60, message="the removal")
        self.stop(process)
        self.assertNotIn("Warning", "".join(self.log))

    def test_changes_come_in_batches(self):
        self.up(self.TEXT)
        process = self.watch(self.TEXT)
        for i in range(30):
            (self.src / f"f{i}").write_text(str(i))
        line = self.said("Syncing service")
        wait_for(lambda: self.compose("exec", "-T", "a", "sh", "-c", "ls /app | wc -l").word == "30", timeout=60, message="all files")
        self.assertRegex(line, r'Syncing service "a" after \d+ changes were detected')
        self.stop(process)
        self.assertLess("".join(self.log).count("Syncing"), 15)

    def test_include_and_dockerignore(self):
        (self.project / ".dockerignore").write_text("src/secret*\n")
        self.addCleanup((self.project / ".dockerignore").unlink)
        text = self.TEXT.replace('ignore: ["cache/", "*.tmp"]', 'include: ["*.py", "secret*"]').replace(
            "image: busybox", "image: busybox\n    build: {context: ., dockerfile_inline: FROM busybox}")
        self.up(text, "--no-build")
        process = self.watch(text)
        for name in ("a.py", "a.txt", "secret.py", "z.py"):
            (self.src / name).write_text(name)
        wait_for(lambda: self.cat("/app/z.py") == "z.py", timeout=60, message="the last file")
        self.assertEqual(self.compose("exec", "-T", "a", "ls", "/app").lines, ["a.py", "z.py"])
        self.stop(process)

    def test_actions(self):
        """restart, sync+restart with one file as its path, and sync+exec."""
        (self.project / "conf").write_text("1")
        (self.src / "file").write_text("1")
        text = f"""
services:
  r: {{image: busybox, command: {SLEEP}, stop_signal: KILL, develop: {{watch: [{{action: restart, path: ./src}}]}}}}
  s: {{image: busybox, command: {SLEEP}, stop_signal: KILL, develop: {{watch: [{{action: sync+restart, path: ./conf, target: /etc/conf}}]}}}}
  e: {{image: busybox, command: {SLEEP}, develop: {{watch: [{{action: sync+exec, path: ./src, target: /src, exec: {{command: [sh, -c, "cp /src/file /ran"]}}}}]}}}}
"""
        self.up(text)
        started = lambda name: self.inspect(f"proj-{name}-1")["State"]["StartedAt"]
        old = {name: started(name) for name in "rse"}
        process = self.watch(text)
        (self.src / "file").write_text("2")
        wait_for(lambda: self.cat("/ran", "e") == "2", timeout=60, message="what is run")
        wait_for(lambda: started("r") != old["r"], timeout=60, message="the restart")
        self.assertEqual((started("s"), started("e")), (old["s"], old["e"]))
        # What is beside the one file is nobody's.
        (self.project / "other").write_text("x")
        (self.project / "conf").write_text("2")
        wait_for(lambda: started("s") != old["s"], timeout=60, message="the restart")
        wait_for(lambda: self.cat("/etc/conf", "s") == "2", timeout=60, message="the file")
        self.stop(process)

    def test_served(self):
        """A web server shows the page that was saved a moment ago."""
        port = free_port()
        (self.src / "index.html").write_text("old page\n")
        text = f"""
services:
  a:
    image: busybox
    command: [sh, -c, "mkdir /www && exec httpd -f -p 8000 -h /www"]
    ports: ["127.0.0.1:{port}:8000"]
    develop: {{watch: [{{action: sync, path: ./src, target: /www, initial_sync: true}}]}}
  client: {{image: busybox, command: {SLEEP}}}
"""
        self.up(text)
        process = self.watch(text)
        get = lambda: self.compose("exec", "-T", "client", "wget", "-q", "-O", "-", "http://a:8000/index.html", check=False).stdout
        wait_for(lambda: get() == "old page\n", timeout=60, message="the old page")
        (self.src / "index.html").write_text("new page\n")
        wait_for(lambda: get() == "new page\n", timeout=60, message="the new page")
        self.stop(process)

    def test_refused(self):
        rule = "services: {a: {image: busybox, develop: {watch: [%s]}}}"
        for part, words in (("{action: sync, path: ./nowhere, target: /x}", "nowhere' does not exist"),
                            ("{action: jump, path: ./src}", "action must be"),
                            ("{action: rebuild, path: ./src}", "a service without build cannot be rebuilt"),
                            ("{action: sync, path: ./src}", "target is required")):
            self.write(rule % part)
            failed = self.compose("watch", check=False)
            self.assertRegex(failed.stderr, r"compose\.yaml:1:\d+: services\.a\.develop\.watch: ")
            self.assertIn(words, failed.stderr)
        self.write("services: {a: {image: busybox}}")
        self.assertIn("none of the selected services is configured for watch", self.compose("watch", check=False).stderr)
        self.assertIn("none of the selected services", self.compose("up", "--watch", check=False).stderr)
        self.assertEqual(self.names(), [])


class Rebuild(Watching):
    def test_rebuild(self):
        """The image is built anew, its service recreated, nobody else touched, the old image gone."""
        self.addCleanup(self.skiff, "rmi", "-f", "proj-a", check=False)
        (self.src / "file").write_text("1")
        text = f"""
services:
  a:
    build: {{context: ./src, dockerfile_inline: "FROM busybox\\nCOPY file /file"}}
    command: {SLEEP}
    stop_signal: KILL
    develop: {{watch: [{{action: rebuild, path: ./src}}]}}
  b: {{image: busybox, command: {SLEEP}}}
"""
        process = self.watch(text, verb=("watch", "--quiet"))
        self.assertEqual(self.cat("/file"), "1")
        old = self.ids()
        image = self.inspect("proj-a-1")["Image"]
        (self.src / "file").write_text("2")
        self.said("successfully built")
        self.assertEqual(self.cat("/file"), "2")
        new = self.ids()
        self.assertEqual(old["proj-b-1"], new["proj-b-1"])
        self.assertNotEqual(old["proj-a-1"], new["proj-a-1"])
        self.assertNotEqual(self.skiff("image", "exists", image, check=False).code, 0)
        # A build that fails is told; the container stays, and the next one is done.
        (self.src / "file").unlink()
        self.said("watch: service a: ")
        self.assertEqual(self.ids(), new)
        (self.src / "file").write_text("3")
        self.said("successfully built")
        self.assertEqual(self.cat("/file"), "3")
        self.stop(process)

    def test_up_watch(self):
        """Attached: what the new container writes is shown, too; a signal stops all."""
        self.addCleanup(self.skiff, "rmi", "-f", "proj-a", check=False)
        (self.src / "file").write_text("first")
        text = """
services:
  a:
    build: {context: ./src, dockerfile_inline: "FROM busybox\\nCOPY file /file"}
    command: [sh, -c, "cat /file; echo; exec sleep 1000"]
    stop_signal: KILL
    develop: {watch: [{action: rebuild, path: ./src}]}
"""
        process = self.watch(text, verb=("up", "--watch", "--quiet-build"))
        lines = queue.Queue()
        reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True)
        reader.start()
        self.assertEqual(lines.get(timeout=60 * SLOWNESS), "a-1  | first\n")
        (self.src / "file").write_text("second")
        self.assertEqual(lines.get(timeout=120 * SLOWNESS), "a-1  | second\n")
        self.stop(process)
        reader.join()
        self.assertEqual(self.inspect("proj-a-1")["State"]["Status"], "exited")
