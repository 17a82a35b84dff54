# SPDX-License-Identifier: Apache-2.0
"""skiff compose: what one sees of it. Progress, colours, dry runs, signals on a terminal, exit codes."""

import json
import re

from tests.support.screen import shown
from tests.support.skiff import wait_for
from tests.system.test_compose import SLEEP, ComposeTest

PAIR = (f"services: {{db: {{image: busybox, command: {SLEEP}}}, web: {{image: busybox, command: {SLEEP}, depends_on: [db], volumes: ['data:/d']}}}}\n"
        "volumes: {data: }\n")
LEFT = "services: {a: {image: busybox, command: [sh, -c, 'echo one']}, longer: {image: busybox, command: [echo, two]}}"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


class ViewTest(ComposeTest):
    def on_terminal(self, *words, rows=24, columns=80, env=None):
        """Start compose on a terminal."""
        return self.tty("compose", *words, cwd=self.project, rows=rows, columns=columns, env=env or {})

    def reports(self, done):
        """(id, state) of the lines of plain progress."""
        return [(match[1], match[2]) for match in re.finditer(r"^ (?:DRY-RUN MODE -  )?(\S+ \S+)  (.+)$", done.stderr, re.M)]


class Plain(ViewTest):
    def test_plain(self):
        self.write(PAIR)
        reports = self.reports(self.compose("up", "-d"))
        order = {}
        for name, state in reports:
            order.setdefault(name, []).append(state)
        self.assertEqual(order, {"Network proj_default": ["Creating", "Created"], "Volume proj_data": ["Creating", "Created"],
                                 "Container proj-db-1": ["Creating", "Created", "Starting", "Started"],
                                 "Container proj-web-1": ["Creating", "Created", "Starting", "Started"]})
        self.assertEqual(self.reports(self.compose("up", "-d", "--progress", "plain")),
                         [("Container proj-db-1", "Running"), ("Container proj-web-1", "Running")])
        down = self.reports(self.compose("down", "-v", "-t", "0"))
        self.assertEqual(down, [(f"{name}", state) for name in ("Container proj-web-1", "Container proj-db-1", "Network proj_default", "Volume proj_data")
                                for state in ("Removing", "Removed")])

    def test_json_and_quiet(self):
        self.write(PAIR)
        done = self.compose("--progress", "json", "up", "-d")
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertIn({"id": "Container proj-db-1", "status": "Working", "text": "Starting"}, lines)
        self.assertIn({"id": "Container proj-db-1", "status": "Done", "text": "Started"}, lines)
        done = self.compose("up", "-d", env={"COMPOSE_STATUS_STDOUT": "1"})
        self.assertIn(" Container proj-db-1  Running\n", done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.compose("down", "-t", "0", env={"COMPOSE_PROGRESS": "quiet"}).stderr, "")
        self.assertEqual(self.names(), [])

    def test_words(self):
        self.write(PAIR)
        self.assertIn('unsupported --progress value "loud"', self.compose("--progress", "loud", "ps", code=125).stderr)
        self.assertIn('unsupported --ansi value "maybe"', self.compose("--ansi", "maybe", "up", code=125).stderr)
        self.assertIn('unsupported --ansi value "x"', self.compose("up", code=125, env={"COMPOSE_ANSI": "x"}).stderr)

    def test_what_fails_is_said(self):
        self.write("services: {a: {image: busybox, command: [/no/such/program]}}")
        done = self.compose("up", "-d", check=False)
        self.assertEqual(self.reports(done)[-1], ("Container proj-a-1", "Error"))
        self.assertIn("Error: container proj-a-1: ", done.stderr)
        self.assertEqual(done.code, 127)


class Terminal(ViewTest):
    def finish(self, tty, code=0):
        """The lines that stand there at the end."""
        self.assertEqual(tty.wait(60), code, tty.output)
        lines = shown(tty.output)
        if lines[0].startswith("Warning: containers have only one id"):  # a user without sub-ids, on a broken line
            del lines[:next((i for i, line in enumerate(lines) if line.startswith("[+]")), 0)]
        return [re.sub(r" +\d+\.\ds$", "", line) for line in lines]

    def test_a_block(self):
        self.write(PAIR)
        lines = self.finish(self.on_terminal("up", "-d"))
        self.assertEqual(lines[0], "[+] Running 4/4")
        self.assertEqual(sorted(lines[1:5]), [" ✔ Container proj-db-1   Started", " ✔ Container proj-web-1  Started", " ✔ Network proj_default  Created",
                                              " ✔ Volume proj_data      Created"])
        self.assertEqual(lines[5:], [""])
        lines = self.finish(self.on_terminal("--ansi", "never", "down", "-t", "0"))
        self.assertEqual(lines[-2], " Network proj_default  Removed")

    def test_it_is_drawn_while_it_works(self):
        self.write("services: {a: {image: busybox, command: [sh, -c, 'trap \"\" TERM; echo up; while :; do sleep 0.05; done']}}")
        self.compose("up", "-d")
        wait_for(lambda: "up" in self.compose("logs", check=False).stdout, message="the start")
        tty = self.on_terminal("stop", "-t", "3")
        tty.expect(r"\[\+\] Running 0/1")
        tty.expect("Container proj-a-1  Stopping +0\\.\\ds")
        tty.expect("Container proj-a-1  Stopping +[1-9]\\.\\ds", timeout=60)
        lines = self.finish(tty)
        self.assertEqual(lines[-3:], ["[+] Running 1/1", " ✔ Container proj-a-1  Stopped", ""])
        self.assertTrue(lines[0].startswith("Warning: StopSignal SIGTERM failed to stop container proj-a-1 in 3 seconds"), lines)
        self.assertEqual(len(lines), 5)

    def test_a_small_window(self):
        services = ", ".join(f"s{i}: {{image: busybox, command: {SLEEP}}}" for i in range(8))
        self.write(f"services: {{{services}}}")
        tty = self.on_terminal("up", "-d", rows=5, columns=45)
        self.assertEqual(tty.wait(60), 0)
        lines = shown(tty.output, 45, 5)
        self.assertEqual(sum("Started" in line for line in lines), 8, lines)
        self.assertEqual(sum(line.startswith("[+]") for line in lines), 1, lines)
        self.assertLessEqual(max(map(len, lines)), 45)

    def test_colours(self):
        self.write(PAIR)
        tty = self.on_terminal("up", "-d", env={"NO_COLOR": "1"})
        self.finish(tty)
        self.assertNotRegex(tty.output.decode(), COLOUR)
        tty = self.on_terminal("--ansi=never", "down", "-t", "0")
        self.finish(tty)
        self.assertNotIn(b"\x1b", tty.output)

    def test_errors_stand_below_the_block(self):
        self.write("services: {a: {image: busybox, command: [/no/such/program]}}")
        lines = self.finish(self.on_terminal("up", "-d"), code=127)
        self.assertIn(" ✘ Container proj-a-1    Error", lines)
        self.assertTrue(any(line.startswith("Error: container proj-a-1: ") for line in lines[lines.index(" ✘ Container proj-a-1    Error"):]), lines)

    def test_warnings_do_not_tear_it(self):
        self.write(PAIR)
        self.compose("up", "-d")
        self.write(f"services: {{db: {{image: busybox, command: {SLEEP}}}}}")
        lines = self.finish(self.on_terminal("up", "-d"))
        text = "\n".join(lines)
        self.assertIn("Warning: found orphan containers ([proj-web-1])", text)
        self.assertIn(" ✔ Container proj-db-1  Running", text)


class Logs(ViewTest):
    def test_colours_and_padding(self):
        self.write(LEFT)
        self.compose("up")
        plain = self.compose("logs")
        self.assertEqual(sorted(plain.lines), ["a-1       | one", "longer-1  | two"])
        coloured = self.compose("--ansi", "always", "logs").stdout
        self.assertIn("\x1b[36ma-1       | \x1b[0mone\n", coloured)
        self.assertIn("\x1b[33mlonger-1  | \x1b[0mtwo\n", coloured)
        for words, env, want in ((["logs"], {}, True), (["logs"], {"NO_COLOR": "1"}, False), (["logs", "--no-color"], {}, False),
                                 (["--ansi", "never", "logs"], {}, False), (["logs"], {"COMPOSE_ANSI": "never"}, False)):
            with self.subTest(words=words, env=env):
                tty = self.on_terminal(*words, env=env)
                self.assertEqual(tty.wait(30), 0)
                self.assertEqual(COLOUR.search(tty.output.decode()) is not None, want)


class Keys(ViewTest):
    """Ctrl-C on a terminal."""

    TRAP = "services: {a: {image: busybox, stop_grace_period: 300s, command: [sh, -c, \"trap '%s' TERM; echo up; while :; do sleep 0.05; done\"]}}"

    def attached(self, trap):
        """`compose up` that shows the container's first line."""
        self.write(self.TRAP % trap)
        tty = self.on_terminal("up")
        tty.expect("Attaching to a-1", timeout=60)
        tty.expect(r"a-1  \| (\x1b\[0m)?up", timeout=60)
        return tty

    def test_the_first_stops(self):
        tty = self.attached("echo bye; exit 0")
        tty.send("\x03")
        tty.expect("Gracefully stopping... \\(press Ctrl\\+C again to force\\)", timeout=60)
        self.assertEqual(tty.wait(60), 130)
        text = COLOUR.sub("", tty.output.decode())
        for line in (" Container proj-a-1  Stopping\r\n", " Container proj-a-1  Stopped\r\n", "a-1  | bye\r\n", "a-1 exited with code 0\r\n"):
            self.assertIn(line, text)

    def test_the_second_kills(self):
        tty = self.attached("echo not yet")
        tty.send("\x03")
        tty.expect("not yet", timeout=60)
        tty.send("\x03")
        self.assertEqual(tty.wait(60), 130)
        self.assertEqual(self.inspect("proj-a-1")["State"]["ExitCode"], 137)


class ExitCodes(ViewTest):
    def test_wait(self):
        probed = "services: {a: {image: busybox, command: %s, healthcheck: {test: %%s, interval: 100ms, retries: %%d}}}" % SLEEP
        self.write(probed % ("'true'", 1))
        self.compose("up", "--wait", code=0)
        self.compose("down", "-t", "0")
        self.write(probed % ("'false'", 1))
        self.assertIn("container proj-a-1 is unhealthy", self.compose("up", "--wait", code=1).stderr)
        self.compose("down", "-t", "0")
        self.write(probed % ("'false'", 100000))
        self.assertIn("timeout waiting for container proj-a-1", self.compose("up", "--wait", "--wait-timeout", "1", code=1).stderr)
        self.compose("down", "-t", "0")
        self.write("services: {a: {image: busybox, command: [sh, -c, 'exit 3'], healthcheck: {test: 'false', interval: 100s}}}")
        self.assertIn("container proj-a-1 exited (3)", self.compose("up", "--wait", code=1).stderr)

    def test_aborts(self):
        text = ("services: {bad: {image: busybox, command: [sh, -c, 'sleep 1; exit 5']}, good: {image: busybox, command: ['true']}, "
                f"long: {{image: busybox, init: true, command: {SLEEP}, stop_grace_period: 60s}}}}")
        self.write(text)
        self.compose("up", "--abort-on-container-failure", code=5)
        self.assertEqual(self.inspect("proj-long-1")["State"]["Status"], "exited")
        self.compose("up", "--exit-code-from", "long", code=143)
        self.assertIn("no such service: nope", self.compose("up", "--exit-code-from", "nope", code=125).stderr)
        self.compose("up", "--abort-on-container-exit", "good", "long", code=0)


class DryRun(ViewTest):
    def test_plain_lines_leave_variables_alone(self):
        """Red when the terminal's name is changed before the files are read."""
        self.write("services: {a: {image: 'x-$TERM'}}")
        terminal = self.tty("compose", "-f", self.project / "compose.yaml", "--progress", "plain", "config", env={"TERM": "xterm"})
        terminal.expect("image: x-xterm", timeout=60)

    def test_up_and_down(self):
        self.write(PAIR)
        want = [("Network proj_default", "Create"), ("Volume proj_data", "Create"), ("Container proj-db-1", "Create"), ("Container proj-db-1", "Start"),
                ("Container proj-web-1", "Create"), ("Container proj-web-1", "Start")]
        done = self.compose("--dry-run", "up")
        self.assertEqual(self.reports(done), want)
        self.assertIn(" DRY-RUN MODE -  Container proj-db-1  Create\n", done.stderr)
        self.assertEqual((self.names(), self.skiff("volume", "ls", "-q").lines), ([], []))
        self.assertEqual(self.skiff("network", "ls", "--format", "{{.Name}}").lines, ["podman"])
        self.compose("up", "-d")
        before = self.ids()
        self.assertEqual(self.reports(self.compose("up", "--dry-run", "-d")), [])
        self.write(PAIR.replace("image: busybox", "image: busybox, labels: [a=b]", 1))
        self.assertEqual(self.reports(self.compose("up", "--dry-run", "-d", "--scale", "web=2")),
                         [("Container proj-db-1", "Recreate"), ("Container proj-db-1", "Start"), ("Container proj-web-2", "Create"),
                          ("Container proj-web-2", "Start")])
        self.assertEqual(self.reports(self.compose("--dry-run", "stop")), [("Container proj-web-1", "Stop"), ("Container proj-db-1", "Stop")])
        self.assertEqual(self.reports(self.compose("--dry-run", "kill", "db")), [("Container proj-db-1", "Kill")])
        self.assertEqual(self.reports(self.compose("--dry-run", "restart", "db")), [("Container proj-db-1", "Stop"), ("Container proj-db-1", "Start")])
        self.assertEqual(self.reports(self.compose("--dry-run", "down", "-v")),
                         [("Container proj-web-1", "Remove"), ("Container proj-db-1", "Remove"), ("Network proj_default", "Remove"),
                          ("Volume proj_data", "Remove")])
        self.assertEqual(self.ids(), before)
        for name in before:
            self.assertEqual(self.inspect(name)["State"]["Status"], "running")

    def test_a_volume_that_changed(self):
        """Nothing goes, whatever is answered."""
        text = f"services: {{a: {{image: busybox, command: {SLEEP}, volumes: ['v:/v'], stop_signal: KILL}}}}\nvolumes: {{v: {{labels: {{x: '%s'}}}}}}"
        self.write(text % 1)
        self.compose("up", "-d")
        self.compose("exec", "-T", "a", "touch", "/v/kept")
        before = self.ids()
        self.write(text % 2)
        self.assertIn(("Volume proj_v", "Recreate"), self.reports(self.compose("--dry-run", "up", "-d", "--yes")))
        self.assertEqual(self.ids(), before)
        self.compose("exec", "-T", "a", "test", "-e", "/v/kept")

    def test_images(self):
        self.write("services: {a: {image: registry.invalid/nothing}, b: {build: .}}")
        (self.project / "Dockerfile").write_text("FROM busybox\n")
        want = [("Image registry.invalid/nothing", "Pull"), ("Image proj-b", "Build")]
        self.assertEqual(self.reports(self.compose("--dry-run", "up", "-d"))[:2], want)
        self.assertEqual(self.reports(self.compose("--dry-run", "pull")), want[:1])
        self.assertEqual(self.reports(self.compose("--dry-run", "build")), want[1:])
        self.write("services: {c: {image: localhost/c, build: .}}")
        self.assertEqual(self.reports(self.compose("--dry-run", "build", "--push")), [("Image localhost/c", "Build"), ("Image localhost/c", "Push")])

    def test_other_verbs_refuse(self):
        self.write(PAIR)
        self.assertIn("--dry-run is not for 'compose run'", self.compose("--dry-run", "run", "db", "true", code=125).stderr)
        for verb in (("exec", "db", "true"), ("commit", "db", "localhost/x"), ("export", "-o", "x.tar", "db"), ("attach", "db")):
            self.assertIn(f"--dry-run is not for 'compose {verb[0]}'", self.compose("--dry-run", *verb, code=125).stderr)
        self.assertEqual(self.names(), [])


del ComposeTest, ViewTest
