# SPDX-License-Identifier: Apache-2.0
"""skiff compose: verbs beside up and down, each on a project that runs."""

import io
import json
import re
import tarfile
import tempfile
import time

from tests.support.images import Unavailable
from tests.support.registry import Registry
from tests.support.skiff import EXITS_ARE_TOLD, SLOWNESS, free_port, wait_for, watches
from tests.system.test_compose import SLEEP, ComposeTest

FOUR = f"""
services:
  web: {{image: busybox, command: {SLEEP}, depends_on: [db, cache], volumes: ["data:/data"], stop_signal: KILL}}
  db: {{image: busybox, command: {SLEEP}, scale: 2, volumes: ["store:/store"], stop_signal: KILL}}
  cache: {{image: busybox, command: {SLEEP}, stop_signal: KILL}}
  job: {{image: busybox, command: [sh, -c, "while ! test -e /tmp/go; do sleep 0.1; done; exit 7"]}}
volumes: {{data: , store: }}
"""


class Four(ComposeTest):
    """Verbs that look, and those that leave the project as it was: one project for all of them."""

    def setUp(self):
        super().setUp()
        self.up(FOUR)

    def test_looking(self):
        with self.subTest("images"):
            lines = self.compose("images").lines
            self.assertEqual(re.split(r"\s{2,}", lines[0].strip()),
                             ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"])
            self.assertEqual([line.split()[0] for line in lines[1:]], ["proj-cache-1", "proj-db-1", "proj-db-2", "proj-job-1", "proj-web-1"])
            rows = json.loads(self.compose("images", "--format", "json", "web").stdout)
            self.assertEqual([(row["ContainerName"], row["Tag"]) for row in rows], [("proj-web-1", "latest")])
            self.assertEqual(rows[0]["ID"], self.inspect("proj-web-1")["Image"].removeprefix("sha256:"))
            self.assertGreater(rows[0]["Size"], 0)
            self.assertEqual(self.compose("images", "-q").lines, [rows[0]["ID"]])
        with self.subTest("volumes"):
            self.assertEqual(self.compose("volumes").lines[0].split(), ["DRIVER", "VOLUME", "NAME"])
            self.assertEqual(self.compose("volumes", "-q").lines, ["proj_data", "proj_store"])
            self.assertEqual(self.compose("volumes", "-q", "web").lines, ["proj_data"])
            self.assertEqual(json.loads(self.compose("volumes", "--format", "json", "db").stdout)["Name"], "proj_store")
        with self.subTest("top"):
            lines = [line.split() for line in self.compose("top").lines]
            self.assertEqual(lines[0], ["SERVICE", "#", "USER", "PID", "PPID", "%CPU", "ELAPSED", "TTY", "TIME", "COMMAND"])
            self.assertEqual([line[:2] for line in lines[1:] if line[-2:] == ["sleep", "1000"]],
                             [["cache", "1"], ["db", "1"], ["db", "2"], ["web", "1"]])
            self.assertEqual({line.split()[0] for line in self.compose("top", "db").lines[1:]}, {"db"})
        with self.subTest("stats"):
            rows = json.loads(self.compose("stats", "--no-stream", "--format", "json", "db").stdout)
            self.assertEqual(sorted(row["name"] for row in rows), ["proj-db-1", "proj-db-2"])
        with self.subTest("ps"):
            self.assertIn("while ! test -e /tmp/go", self.compose("ps", "--no-trunc", "job").stdout)
            self.assertNotIn("test -e /tmp/go", self.compose("ps", "job").stdout)
        with self.subTest("ls"):
            self.assertEqual(self.compose("ls", "-q", "--filter", "name=^pro").lines, ["proj"])
            self.assertEqual(self.compose("ls", "-q", "--filter", "name=^x").lines, [])
            row = json.loads(self.compose("ls", "--format", "json").stdout)[0]
            self.assertEqual((row["Name"], row["Status"], row["ConfigFiles"]), ("proj", "running(5)", str(self.project / "compose.yaml")))
        with self.subTest("version"):
            self.assertEqual(json.loads(self.compose("version", "--format", "json").stdout)["version"], self.compose("version", "--short").word)
        with self.subTest("export"):
            out = self.compose("export", "-o", "web.tar", "web")
            self.assertEqual(out.stdout, "")
            with tarfile.open(self.project / "web.tar") as tar:
                self.assertIn("bin/busybox", tar.getnames())

    def test_cp(self):
        (self.project / "file").write_text("one\n")
        self.compose("cp", "file", "db:/tmp/")
        for index in "12":
            self.assertEqual(self.compose("exec", "-T", "--index", index, "db", "cat", "/tmp/file").word, "one")
        (self.project / "file").write_text("two\n")
        self.compose("cp", "--index", "2", "file", "db:/tmp/file")
        self.compose("cp", "db:/tmp/file", "back")
        self.assertEqual((self.project / "back").read_text(), "one\n")
        self.compose("cp", "--index", "2", "db:/tmp/file", "back")
        self.assertEqual((self.project / "back").read_text(), "two\n")
        data = self.compose("cp", "db:/tmp/file", "-").stdout_bytes
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            self.assertEqual(tar.getnames(), ["file"])
        self.assertIn('no container found for service "nope"', self.compose("cp", "file", "nope:/", check=False).stderr)
        self.assertIn('standard input can be read once: service "db" has 2 containers', self.compose("cp", "-", "db:/tmp", input="", check=False).stderr)
        self.assertIn("copying between services", self.compose("cp", "db:/tmp/file", "web:/", check=False).stderr)
        self.assertIn("unknown copy direction", self.compose("cp", "file", "./other", check=False).stderr)

    def test_wait(self):
        process = self.start("compose", "wait", "job", cwd=self.project, text=True)
        self.compose("exec", "-T", "job", "touch", "/tmp/go")
        out, _ = process.communicate(timeout=60 * SLOWNESS)
        self.assertEqual(out, f'container "{self.ids()["proj-job-1"]}" exited with status code 7\n')
        self.assertEqual(process.returncode, 7)
        # One that has ended before is not waited for; one that never ran is none.
        self.assertEqual(self.compose("wait", "job", check=False).code, 7)
        self.assertEqual(self.skiff("compose", "-p", "other", "wait", "job", check=False).code, 125)
        self.assertEqual(self.compose("wait", "--down-project", "job", "web", check=False).code, 7)
        self.assertEqual(self.names(), [])

    def test_wait_for_what_is_removed(self):
        process = self.start("compose", "wait", "web", cwd=self.project, text=True)
        self.addCleanup(process.kill)
        wait_for(lambda: watches(process.pid, self.inspect("proj-web-1")["State"]["Pid"]), timeout=60)
        self.compose("down", "-t", "0")
        out, _ = process.communicate(timeout=60 * SLOWNESS)
        code = 137 if EXITS_ARE_TOLD else 255
        self.assertRegex(out, f'^container "[0-9a-f]+" exited with status code {code}\n$')
        self.assertEqual(process.returncode, code)

    def test_events(self):
        since = ["--since", str(time.time()), "--until", "0s"]
        self.compose("up", "-d", "-t", "0", "--force-recreate", "--no-deps", "web")
        rows = [json.loads(line) for line in self.compose("events", "--json", *since, "web").lines]
        actions = [row["action"] for row in rows]
        for action in ("create", "start", "die"):
            self.assertIn(action, actions)
        self.assertEqual({row["service"] for row in rows}, {"web"})
        self.assertIn("proj-web-1", {row["attributes"]["name"] for row in rows})
        self.assertNotIn("com.docker", json.dumps(rows))
        lines = self.compose("events", *since).lines
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} container create [0-9a-f]{64} \(image=\S+, name=\S*proj-web-1")
        self.assertEqual(self.skiff("compose", "-p", "other", "events", *since).lines, [])

    def test_scale(self):
        old = self.ids()
        self.compose("scale", "db=3", "cache=0")
        self.assertEqual(self.names(), ["proj-db-1", "proj-db-2", "proj-db-3", "proj-job-1", "proj-web-1"])
        self.assertEqual(self.ids()["proj-db-1"], old["proj-db-1"])
        self.compose("scale", "--no-deps", "db=1")
        self.assertEqual(self.names(), ["proj-db-1", "proj-job-1", "proj-web-1"])
        self.assertIn("must be SERVICE=NUMBER", self.compose("scale", "db", check=False).stderr)
        self.assertIn("no such service: dbx", self.compose("scale", "dbx=1", check=False).stderr)
        self.assertIn("no such service: dbx", self.compose("logs", "dbx", code=125).stderr)

    def test_pause(self):
        """Where the host has no freezer for it, this is said and nothing is changed."""
        done = self.compose("pause", "web", check=False)
        state = self.inspect("proj-web-1")["State"]["Status"]
        if done.code == 0:
            self.assertEqual(state, "paused")
            self.assertEqual(self.inspect("proj-db-1")["State"]["Status"], "running")
            self.compose("unpause")
            self.assertEqual(self.inspect("proj-web-1")["State"]["Status"], "running")
        else:
            self.assertEqual(state, "running")
            self.assertRegex(done.stderr, "cgroup|pause")

    def test_commit(self):
        self.compose("exec", "-T", "web", "touch", "/mark")
        self.addCleanup(self.skiff, "rmi", "-f", "localhost/webbed", check=False)
        self.compose("commit", "-m", "marked", "-c", "ENV A=1", "web", "localhost/webbed")
        self.assertEqual(self.skiff("run", "--rm", "localhost/webbed", "sh", "-c", "ls /mark; echo $A").lines, ["/mark", "1"])

    def test_rm_asks(self):
        self.compose("stop", "-t", "0", "web", "cache")
        asked = self.compose("rm", input="n\n")
        self.assertIn("Going to remove proj-cache-1, proj-web-1", asked.stdout + asked.stderr)
        self.assertIn("proj-web-1", self.names())
        self.compose("rm", "web", input="y\n")
        self.assertNotIn("proj-web-1", self.names())
        self.assertIn("No stopped containers", self.compose("rm", "-f", "db").stderr)

    def test_mistyped(self):
        failed = self.compose("stop", "wbe", check=False)
        self.assertIn("no such service: wbe", failed.stderr)
        self.assertIn("unrecognized command `skiff compose scal`", self.compose("scal", check=False).stderr)
        self.assertIn("\tscale", self.compose("scal", check=False).stderr)


class Options(ComposeTest):
    def test_attach(self):
        """The program's own streams, not its log."""
        self.up("services: {a: {image: busybox, stdin_open: true, command: [sh, -c, 'read x; echo got $$x; exit 3']}}")
        done = self.compose("attach", "a", input="word\n", check=False)
        self.assertEqual((done.stdout, done.code), ("got word\n", 3))
        self.assertIn('service "a" is not running', self.compose("attach", "a", check=False).stderr)

    def test_attached_services(self):
        self.write("services: {a: {image: busybox, command: [echo, from-a], depends_on: [b]}, b: {image: busybox, command: [echo, from-b]}, "
                   "quiet: {image: busybox, attach: false, command: [echo, from-quiet]}}")
        words = lambda *options: sorted(line.split("| ")[1] for line in self.compose("up", *options).lines if "| " in line)
        self.assertEqual(words("a"), ["from-a"])
        self.assertEqual(words("--attach-dependencies", "a"), ["from-a", "from-b"])
        self.assertEqual(words("--attach", "quiet"), ["from-quiet"])
        self.assertEqual(words("--no-attach", "b"), ["from-a"])
        self.assertIn("cannot combine", self.compose("up", "--attach", "a", "--attach-dependencies", check=False).stderr)
        self.assertIn("no such service: nope", self.compose("up", "--no-attach", "nope", check=False).stderr)

    def test_always_recreate_deps(self):
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}, depends_on: [b]}}, b: {{image: busybox, command: {SLEEP}}}}}")
        old = self.ids()
        self.compose("up", "-d", "-t", "0", "--always-recreate-deps", "a")
        new = self.ids()
        self.assertEqual(old["proj-a-1"], new["proj-a-1"])
        self.assertNotEqual(old["proj-b-1"], new["proj-b-1"])

    def test_restart_with_dependents(self):
        self.up(f"""
services:
  db: {{image: busybox, command: {SLEEP}}}
  api: {{image: busybox, command: {SLEEP}, depends_on: {{db: {{condition: service_started, restart: true}}}}}}
  web: {{image: busybox, command: {SLEEP}, depends_on: {{api: {{condition: service_started, restart: true}}}}}}
  other: {{image: busybox, command: {SLEEP}, depends_on: [db]}}
""")
        started = lambda: {name: self.inspect(name)["State"]["StartedAt"] for name in self.names()}
        old = started()
        self.compose("restart", "-t", "0", "db")
        new = started()
        self.assertEqual([name for name in old if old[name] == new[name]], ["proj-other-1"])
        self.compose("restart", "-t", "0", "--no-deps", "db")
        self.assertEqual([name for name in old if new[name] != started()[name]], ["proj-db-1"])

    def test_start_wait(self):
        self.up("services: {b: {image: busybox, command: %s, healthcheck: {interval: 100ms, timeout: 5s, retries: 3, test: '%s'}}}"
                % (SLEEP, "test -e /tmp/ready || ! touch /tmp/ready"))
        self.compose("stop", "-t", "0")
        self.compose("start", "--wait")
        self.assertEqual(self.inspect("proj-b-1")["State"]["Health"]["Status"], "healthy")

    def test_down_rmi(self):
        self.skiff("tag", "busybox", "localhost/kept")
        self.addCleanup(self.skiff, "rmi", "-f", "localhost/kept", check=False)
        self.write("services: {a: {build: {dockerfile_inline: \"FROM busybox\\nENV A=1\"}, command: ['true']}, "
                   "b: {image: localhost/kept, command: ['true']}}")
        names = lambda: self.skiff("images", "--format", "{{.Repository}}").lines
        self.compose("up", "-d")
        self.assertIn("invalid value for --rmi", self.compose("down", "--rmi", "some", check=False).stderr)
        self.compose("down", "-t", "0", "--rmi", "local")
        self.assertNotIn("localhost/proj-a", names())
        self.assertIn("localhost/kept", names())
        self.compose("up", "-d")
        self.compose("down", "-t", "0", "--rmi", "all")
        self.assertNotIn("localhost/kept", names())

    def test_run_options(self):
        (self.project / "more.env").write_text("X=file\nY=file\n")
        self.write(f"services: {{a: {{build: {{dockerfile_inline: \"FROM busybox\\nENV V=1\"}}, environment: {{X: 1, Z: 2}}}}}}")
        self.addCleanup(self.skiff, "rmi", "-f", "localhost/proj-a", check=False)
        show = "echo $V $X $Y $Z"
        self.assertEqual(self.compose("run", "--rm", "--env-from-file", "more.env", "-e", "Y=typed", "a", "sh", "-c", show).word, "1 file typed 2")
        self.write(f"services: {{a: {{build: {{dockerfile_inline: \"FROM busybox\\nENV V=2\"}}}}}}")
        self.assertEqual(self.compose("run", "--rm", "a", "sh", "-c", "echo $V").word, "1")
        self.assertEqual(self.compose("run", "--rm", "--build", "-q", "a", "sh", "-c", "echo $V").word, "2")
        self.assertEqual(self.compose("run", "--rm", "-i=false", "a", "cat", input="typed").stdout, "")

    def test_refused_with_a_reason(self):
        self.write("services: {a: {image: busybox}}")
        self.assertIn("Error: --menu is not supported: there is no menu", self.compose("up", "--menu", check=False).stderr)
        self.assertIn("skiff builds itself", self.compose("build", "--builder", "x", check=False).stderr)
        self.assertIn("no attestations", self.compose("build", "--sbom", "true", check=False).stderr)
        self.assertEqual(self.names(), [])

    def test_push(self):
        """What cannot be pushed ends it, or with the option does not."""
        self.write("services: {a: {build: {dockerfile_inline: 'FROM busybox'}, image: 'localhost:1/never/a'}, b: {image: busybox}}")
        self.addCleanup(self.skiff, "rmi", "-f", "localhost:1/never/a", check=False)
        self.compose("build")
        self.assertNotEqual(self.compose("push", "-q", check=False).code, 0)
        self.assertEqual(self.compose("push", "-q", "--ignore-push-failures").code, 0)
        self.assertEqual(self.compose("push", "b").code, 0)
        self.assertNotEqual(self.compose("build", "--push", check=False).code, 0)

    def test_config_as_written(self):
        self.write("services: {a: {image: busybox, env_file: ./gone.env, volumes: ['./data:/data'], models: [m]}}\nmodels: {m: {model: x}}")
        self.assertIn("gone.env not found", self.compose("config", check=False).stderr)
        shown = json.loads(self.compose("config", "--no-env-resolution", "--no-path-resolution", "--format", "json").stdout)["services"]["a"]
        self.assertEqual([item["path"] for item in shown["env_file"]], ["./gone.env"])
        self.assertEqual(shown["volumes"][0]["source"], "./data")
        self.assertEqual(self.compose("config", "--no-env-resolution", "--models").lines, ["m"])


class Pull(ComposeTest):
    def test_digests(self):
        """config --resolve-image-digests and --lock-image-digests ask the registry; its answer is a file for -f."""
        directory = tempfile.TemporaryDirectory(prefix="skiff-registry-")
        self.addCleanup(directory.cleanup)
        registry = Registry(directory.name, tls=False, auth=False)
        try:
            registry.start()
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.addCleanup(registry.stop)
        config = self.home / ".config/containers"
        config.mkdir(parents=True, exist_ok=True)
        (config / "registries.conf").write_text(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n', encoding="ascii")
        self.addCleanup((config / "registries.conf").unlink)
        name = f"{registry.host}/made:1"
        self.skiff("push", "-q", "--digestfile", self.project / "digest", "busybox", name)
        locked = f"{name}@{(self.project / 'digest').read_text().strip()}"
        self.write(f"services: {{a: {{image: '{name}'}}, b: {{build: .}}, c: {{image: '{locked}'}}}}")
        shown = json.loads(self.compose("config", "--resolve-image-digests", "--format", "json").stdout)["services"]
        self.assertEqual([shown["a"]["image"], shown["c"]["image"], "image" in shown["b"]], [locked, locked, False])
        self.compose("config", "--lock-image-digests", "-o", "lock.yaml")
        self.assertEqual(self.compose("-f", "compose.yaml", "-f", "lock.yaml", "config", "--images").lines, sorted(["proj-b", locked]))
        self.write(f"services: {{a: {{image: '{registry.host}/gone'}}}}")
        failed = self.compose("config", "--resolve-image-digests", check=False)
        self.assertEqual(failed.code, 125)
        self.assertIn(f'the registry does not tell what "{registry.host}/gone:latest" is', failed.stderr)

    def test_one_pull_for_one_image(self):
        """Red when each service asks the registry on its own."""
        image = f"127.0.0.1:{free_port()}/nothing:1"
        self.write(f"services: {{a: {{image: '{image}'}}, b: {{image: '{image}'}}}}")
        done = self.compose("pull", "--ignore-pull-failures")
        self.assertEqual(done.stderr.count(f"Image {image}  Pulling"), 1, done.stderr)


class Copy(ComposeTest):
    def test_a_missing_directory(self):
        """Red when the name is that of a record that was read anew meanwhile."""
        self.up(f"services: {{a: {{image: busybox, command: {SLEEP}}}}}")
        failed = self.compose("cp", "compose.yaml", "a:/none/", check=False)
        self.assertIn('"/none/" could not be found on container proj-a-1:', failed.stderr)
