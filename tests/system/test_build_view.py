# SPDX-License-Identifier: Apache-2.0
"""What a build shows: on a terminal, as JSON, quietly; its end by signals; the shell where a step failed."""

import json
import os
import re
import resource
import signal
import time

from tests.support.screen import Screen
from tests.support.skiff import SLOWNESS, processes, wait_for
from tests.system.test_build import BuildTest

ID = re.compile(r"^[0-9a-f]{64}$")
# A step that waits for the test: the gate is a directory of the test that it has mounted.
GATE = "while [ ! -e /gate/$G ]; do sleep 0.1; done"


class ViewTest(BuildTest):
    def setUp(self):
        super().setUp()
        self.gate = self.tmp / (self.context.name + "-gate")
        self.gate.mkdir()

    def terminal(self, *options, columns=80, rows=24):
        """The build on a terminal, and what that shows; update it with look()."""
        terminal = self.tty("build", "--network", "none", "-v", f"{self.gate}:/gate:ro", *options, self.context,
                            env={"TERM": "xterm", "NO_COLOR": "1"}, rows=rows, columns=columns)
        terminal.screen = Screen(columns, rows)
        terminal.fed = 0
        return terminal

    @staticmethod
    def look(terminal):
        """Feed what came to the screen. Returns its text."""
        terminal.read(0.05)
        terminal.screen.feed(terminal.output[terminal.fed:].decode())
        terminal.fed = len(terminal.output)
        return terminal.screen.text()

    def sees(self, terminal, pattern):
        """Wait until the whole screen matches."""
        wait_for(lambda: re.search(pattern, self.look(terminal), re.M | re.S), timeout=60, interval=0,
                 message=f"{pattern!r} on {terminal.screen.text()}")

    def finish(self, terminal, code=0):
        self.assertEqual(terminal.wait(60), code, terminal.output)
        return self.look(terminal)


class OnATerminal(ViewTest):
    def test_running_and_ended_steps(self):
        """A running step has its last lines below it; ended ones are one line each, in their order."""
        self.need_ids()  # a warning would stand between them
        self.write(f"""FROM busybox AS one
RUN G=a; for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; {GATE}
FROM busybox
ENV A=b
COPY --from=one /etc/passwd /p
RUN G=b; printf 'tenth %s\\r' 1 2 3; printf '\\033[31mred\\033[0m\\nhalf'; {GATE}
""")
        terminal = self.terminal("-t", "made")
        self.sees(terminal, r"^ => \[one 1/2\] FROM busybox AS one +[\dm.]+s\n"
                            r"\[\+\] Building [\dm.]+s \(1 step done\)\n"
                            r" => \[one 2/2\] RUN G=a; .*\.\.\. +[\dm.]+s\n"
                            r"( => => # line [4-9]\n){6}$")
        (self.gate / "a").touch()
        self.sees(terminal, r"^ => \[one 2/2\] RUN .* +[\dm.]+s\n"
                            r" => \[stage-1 1/4\] FROM busybox +[\dm.]+s\n"
                            r" => \[stage-1 2/4\] ENV A=b +[\dm.]+s\n"
                            r" => \[stage-1 3/4\] COPY --from=one /etc/passwd /p +[\dm.]+s\n"
                            r"\[\+\] Building [\dm.]+s \(5 steps done\)\n"
                            r" => \[stage-1 4/4\] RUN .*\n"
                            r" => => # red\n => => # half\n$")
        (self.gate / "b").touch()
        text = self.finish(terminal)
        self.assertNotIn("=> => #", text)
        self.assertNotIn("[+]", text)
        lines = text.rstrip("\n").split("\n")
        self.assertRegex(lines[-1], ID)
        self.assertEqual(lines[-4:-3], ["COMMIT localhost/made:latest"])
        self.assertEqual(len([line for line in lines if line.startswith(" => [")]), 6)
        again = self.finish(self.terminal("-t", "made"))
        self.assertRegex(again, r"(?m)^ => CACHED \[one 2/2\] RUN G=a; ")

    def test_resized(self):
        """The next frame has the window's new width and height."""
        self.write(f"FROM busybox\nRUN G=a; for i in 1 2 3 4 5 6; do echo line $i {'x' * 60}; done; {GATE}\n")
        terminal = self.terminal()
        self.sees(terminal, r"=> => # line 6 x{60}\n")
        terminal.resize(6, 40)
        terminal.screen.resize(40, 6)
        # Two of the six rows are for the headline and the cursor, one for the step itself.
        self.sees(terminal, r"\n => \[2/2\] RUN G=a; for i in .*\.\.\. [\dm.]+s\n"
                            r" => => # line 4 x+\.\.\.\n => => # line 5 x+\.\.\.\n => => # line 6 x+\.\.\.\n$")
        self.assertLess(max(len(line) for line in self.look(terminal).split("\n")[-5:]), 40)
        (self.gate / "a").touch()
        self.finish(terminal)

    def test_stages_side_by_side(self):
        self.write(f"""FROM busybox AS one
RUN G=a; echo of one; {GATE}
FROM busybox AS two
RUN G=a; echo of two; {GATE}
FROM busybox
COPY --from=one /etc/passwd /1
COPY --from=two /etc/passwd /2
""")
        terminal = self.terminal("--jobs", "2")
        self.sees(terminal, r"\n => \[one 2/2\] [^\n]*\n => => # of one\n => \[two 2/2\] [^\n]*\n => => # of two\n$"
                            r"|\n => \[two 2/2\] [^\n]*\n => => # of two\n => \[one 2/2\] [^\n]*\n => => # of one\n$")
        (self.gate / "a").touch()
        self.finish(terminal)

    def test_failure(self):
        """All that the failing step printed, and nothing of others; harmless on a terminal."""
        self.write("FROM busybox\nRUN echo of another\n"
                   "RUN for i in $(seq 40); do echo line $i; done; printf '\\033]0;title\\a\\033[2J\\bx\\n' >&2; exit 4\n")
        terminal = self.terminal()
        text = self.finish(terminal, 4)
        lines = text.split("\n")
        self.assertRegex(text, r"(?m)^ => ERROR \[3/3\] RUN for i in ")
        for number in range(1, 41):
            self.assertIn(f"line {number}", lines)
        self.assertIn("\\x08x", lines)
        self.assertNotIn("of another", lines)
        self.assertRegex(text.replace("\n", ""), r"while running runtime: exit status 4help: to look around where it failed: skiff.* build --on-failure=shell --network none -v ")
        self.assertNotIn("[+]", text)

    def test_failure_after_a_nul(self):
        self.write("FROM busybox\nRUN printf 'one\\0two\\nlast\\n'; exit 2\n")
        self.assertRegex(self.finish(self.terminal(), 2), r"one two\r?\nlast\r?\n------")

    def test_warnings_and_reasons_stay(self):
        self.write("FROM busybox\nRUN true\n")
        text = self.finish(self.terminal("--explain", "--build-arg", "NOBODY=1"))
        self.assertRegex(text, r" => \[2/2\] RUN true +[\dm.]+s\n    cache: miss: ")
        self.assertRegex(text, r"(?m)^Warning: one or more build args were not consumed: \[NOBODY\]$")

    def test_ctrl_c(self):
        """The step gets the signal; the terminal is in order when the build has ended."""
        self.write(f"FROM busybox\nRUN trap 'echo trapped; exit 3' INT; G=a; echo ready; {GATE}\n")
        terminal = self.terminal()
        before = terminal.settings()
        self.sees(terminal, "=> => # ready")
        terminal.send("\x03")
        text = self.finish(terminal, 3)
        self.assertRegex(text, r"(?m)^ => ERROR \[2/2\] ")
        self.assertIn("\ntrapped\n", text)
        self.assertNotIn("[+]", text)
        self.assertEqual(terminal.settings(), before)

    def test_plain_and_refusals(self):
        self.need_ids()
        self.write("FROM busybox\nRUN echo out; echo err >&2\n")
        text = self.finish(self.terminal("--progress", "plain"))
        self.assertRegex(text, r"^STEP 1/2: FROM busybox\nSTEP 2/2: RUN echo out; echo err >&2\nout\nerr\n--> [0-9a-f]{12}\nCOMMIT\n")
        self.skiff_fails("build", "--progress", "tty", self.context, says="--progress tty: standard error is no terminal")
        self.skiff_fails("build", "--progress", "fancy", self.context, says='invalid progress type "fancy"')
        self.skiff_fails("build", "--on-failure", "shell", self.context, says="--on-failure shell needs a terminal")
        self.skiff_fails("build", "--on-failure", "pray", self.context, says="expected shell or end")


class AsJson(ViewTest):
    def events(self, text):
        """Every line is an object with a type and a time."""
        events = [json.loads(line) for line in text.splitlines()]
        for event in events:
            self.assertRegex(event.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
        return events

    def test_events(self):
        self.write("FROM busybox AS one\nRUN echo out; echo err >&2; printf 'half \\377'\nFROM one\nENV A=b\n")
        done = self.build("--progress", "json")
        self.assertRegex(done.stdout.strip(), ID)
        events = self.events(done.stderr)
        steps = [event for event in events if event["type"] == "step"]
        self.assertEqual([(s["state"], s["stage"], s["step"], s["steps"], s["line"]) for s in steps],
                         [("started", 1, 1, 2, 1), ("done", 1, 1, 2, 1), ("started", 1, 2, 2, 2), ("done", 1, 2, 2, 2),
                          ("started", 2, 1, 2, 3), ("done", 2, 1, 2, 3), ("started", 2, 2, 2, 4), ("done", 2, 2, 2, 4)])
        self.assertEqual({s.get("stage_name") for s in steps if s["stage"] == 1}, {"one"})
        self.assertEqual({s["stages"] for s in steps}, {2})
        self.assertTrue(all(("ms" in s) == (s["state"] != "started") for s in steps))
        self.assertRegex(steps[3]["made"], ID)
        logs = [event for event in events if event["type"] == "log" and not event["text"].startswith("Warning: ")]
        self.assertEqual({(e["stage"], e["step"], e["stream"], e["text"]) for e in logs},
                         {(1, 2, "stdout", "out"), (1, 2, "stderr", "err"), (1, 2, "stdout", "half \ufffd")})
        # Output is within its step.
        kinds = [(e["type"], e.get("state"), e["stage"], e["step"]) for e in events if e["type"] in ("step", "log")]
        first, last = kinds.index(("step", "started", 1, 2)), kinds.index(("step", "done", 1, 2))
        self.assertEqual({kind[0] for kind in kinds[first + 1:last]}, {"log"})
        self.assertIn({"type": "message", "level": "info", "text": "COMMIT localhost/made:latest"}, events)
        again = [e["state"] for e in self.events(self.build("--progress", "rawjson").stderr) if e["type"] == "step"]
        self.assertEqual(again.count("cached"), 1)

    def test_output_is_of_its_step(self):
        """However fast steps follow each other, and however long their texts are."""
        numbers = range(2, 10)
        self.write("FROM busybox\n" + "".join(
            f"RUN for i in $(seq 400); do echo of {number} $i; done; : {chr(1) * 20000}\n" for number in numbers))
        done = self.skiff("build", "--network", "none", "--no-cache", "--progress", "json", self.context)
        logs = [event for event in self.events(done.stderr) if event["type"] == "log" and event["text"].startswith("of ")]
        self.assertEqual([(event["step"], event["text"]) for event in logs],
                         [(number, f"of {number} {line}") for number in numbers for line in range(1, 401)])

    def test_failure(self):
        self.write("FROM busybox\nRUN exit 9\n")
        done = self.skiff("build", "--network", "none", "--progress", "json", self.context, code=9)
        self.assertEqual(done.stdout, "")
        events = self.events(done.stderr)
        self.assertEqual((events[-2]["type"], events[-2]["state"]), ("step", "failed"))
        error = events[-1]
        self.assertEqual((error["type"], error["code"]), ("error", 9))
        self.assertRegex(error["text"], r"Dockerfile:2: .*exit status 9$")
        nothing = self.skiff("build", "--progress", "json", self.tmp / "nowhere", code=125)
        self.assertEqual([event["type"] for event in self.events(nothing.stderr)], ["error"])


class SeveralPlatforms(ViewTest):
    def test_steps_say_which(self):
        self.write("FROM scratch\nCOPY file /\n", file="")
        both = ["linux/amd64", "linux/arm64"]
        done = self.skiff("build", "--platform", ",".join(both), "--progress", "json", self.context)
        steps = [json.loads(line) for line in done.stderr.splitlines() if '"step"' in line]
        self.assertEqual([step["platform"] for step in steps if step["state"] == "started"], [both[0]] * 2 + [both[1]] * 2)
        done = self.skiff("build", "--platform", ",".join(both), self.context)
        self.assertEqual([line for line in done.lines if " STEP " in line],
                         [f"[{platform}] STEP {text}" for platform in both for text in ("1/2: FROM scratch", "2/2: COPY file /")])
        text = self.finish(self.terminal("--platform", ",".join(both)))
        self.assertIn(" => CACHED [linux/arm64 2/2] COPY file /", text)
        done = self.skiff("build", "--platform", both[0], self.context)
        self.assertTrue(done.stdout.startswith("STEP 1/2: FROM scratch\n"), done.stdout)


class Quietly(ViewTest):
    def test_nothing_but_the_id(self):
        self.write("FROM busybox\nRUN echo out; echo err >&2\n")
        for option in (["-q"], ["--progress", "quiet"], ["--progress=none"]):
            done = self.build("--no-cache", *option)
            self.assertRegex(done.stdout, r"^[0-9a-f]{64}\n$")
            self.assertEqual(done.stderr, "")

    def test_output_of_the_step_that_failed(self):
        self.write("FROM busybox\nRUN echo of another\nRUN echo out; echo err >&2; exit 2\n")
        done = self.skiff("build", "--network", "none", "-q", self.context, code=2)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"^\[3/3\] RUN echo out; echo err >&2; exit 2:\nout\nerr\nError: .*exit status 2\n$")

    def test_output_with_odd_characters(self):
        """A NUL ends no output; what a Dockerfile says commands no terminal."""
        self.write("FROM busybox\nRUN : '\x1b]0;x\x07'; printf 'one\\0two\\nlast\\n'; exit 2\n")
        done = self.skiff("build", "--network", "none", "-q", self.context, code=2)
        self.assertIn("]0;x", done.stderr)
        self.assertNotIn("\x1b", done.stderr.split("\n")[0])
        self.assertIn("one two\nlast\nError: ", done.stderr)

    def test_much_output(self):
        """More than is kept: the end of it."""
        self.write("FROM busybox\nRUN yes 0123456789abcdef | head -c 50000000; echo; echo the end; exit 2\n")
        done = self.skiff("build", "--network", "none", "-q", self.context, code=2, timeout=120)
        self.assertIn("\nthe end\nError: ", done.stderr)
        self.assertLess(len(done.stderr), 40 << 20)


class Ends(ViewTest):
    """By signals, in every kind of view: no process, no container, no image is left."""

    FILE = f"""FROM busybox AS one
RUN G=a; touch /gate/one; {GATE}
FROM busybox AS two
RUN G=a; touch /gate/two; {GATE}
FROM busybox
COPY --from=one /etc/passwd /1
COPY --from=two /etc/passwd /2
"""

    def begin(self, *options):
        """A build both of whose stages run."""
        self.write(self.FILE)
        for name in os.listdir(self.gate):
            os.unlink(self.gate / name)
        os.chmod(self.gate, 0o777)
        process = self.start("build", "--network", "none", "-t", "unmade", "--jobs", "2", "--no-cache",
                             "-v", f"{self.gate}:/gate", *options, self.context)
        wait_for(lambda: len(os.listdir(self.gate)) == 2, timeout=60, message="both stages")
        return process

    def nothing_is_left(self):
        wait_for(lambda: not self.skiff("ps", "-aq").lines, timeout=60, message="the end of the containers")
        wait_for(lambda: not [line for line in processes().values() if str(self.context) in line], timeout=60,
                 message="the end of those who build")
        self.assertNotIn("localhost/unmade:latest", self.skiff("images", "--format", "{{.Repository}}:{{.Tag}}").lines)
        self.skiff("build", "-q", "-", input="FROM busybox\nENV A=b\n")
        store = self.state_directories()["store/names"].parent
        self.assertEqual(sorted(os.listdir(store / "staging")), [".lock"])

    def test_killed(self):
        for options in ([], ["-q"], ["--progress", "json"]):
            with self.subTest(options):
                process = self.begin(*options)
                process.kill()
                process.wait(timeout=60)
                self.nothing_is_left()

    def test_terminated(self):
        """A signal that is sent to what the user started ends the build, and that ends by it."""
        for options in ([], ["-q"], ["--progress", "json"]):
            with self.subTest(options):
                process = self.begin(*options)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(timeout=60), -signal.SIGTERM)
                self.nothing_is_left()

    def test_deaf_step(self):
        """A step that no signal ends does not hold the build."""
        # A shell would end by a SIGINT that comes before its sleep.
        self.write("FROM busybox\nRUN trap '' INT TERM; echo started; sleep 1000\n")
        for options in ([], ["--progress", "json"]):
            for signum, times in ((signal.SIGINT, 1), (signal.SIGTERM, 2)):
                with self.subTest(options, signal=signum):
                    process = self.start("build", "--network", "none", "-t", "unmade", *options, self.context)
                    stream = process.stderr if options else process.stdout
                    wait_for(lambda: stream.readline().rstrip(b'"}\n').endswith(b"started"), timeout=60, interval=0)  # pylint: disable=cell-var-from-loop
                    for _ in range(times):
                        process.send_signal(signum)
                        time.sleep(0.1)
                    self.assertEqual(process.wait(timeout=60), -signum)
                    self.nothing_is_left()

    def test_ctrl_c_with_stages_side_by_side(self):
        self.write(self.FILE)
        os.chmod(self.gate, 0o777)
        terminal = self.tty("build", "--network", "none", "-t", "unmade", "--jobs", "2", "-v", f"{self.gate}:/gate", self.context)
        wait_for(lambda: terminal.read(0.05) and len(os.listdir(self.gate)) == 2, timeout=60, interval=0, message="both stages")
        terminal.send("\x03")
        self.assertNotEqual(terminal.wait(60), 0)
        self.nothing_is_left()


class Descriptors(ViewTest):
    def test_too_few(self):
        """Whoever has none left, the one that builds or the one that shows it, says so, and nobody waits for it."""
        self.write("".join(f"FROM busybox AS s{i}\nRUN echo {i}\n" for i in range(6)) + "FROM busybox\n" +
                   "".join(f"COPY --from=s{i} /etc/passwd /{i}\n" for i in range(6)))
        for limit in (9, 20, 27, 30, 33, 36, 39):
            with self.subTest(limit):
                process = self.start("build", "--no-cache", "--network", "none", "--jobs", "6", "--progress", "json", self.context,
                                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
                errors = process.communicate(timeout=60 * SLOWNESS)[1].decode()
                if limit > 27 and process.returncode == 0:
                    continue  # fewer stages were there at once
                self.assertEqual(process.returncode, 125, errors)
                self.assertIn("Too many open files", errors)


class Shell(ViewTest):
    def test_where_it_failed(self):
        """The step's files, mounts, environment, user and directory; then the build fails as it would have."""
        self.need_ids()
        self.write("""FROM busybox
ENV A=set
WORKDIR /work
USER 1000
RUN --mount=type=cache,target=/c,sharing=locked,uid=1000 --mount=type=secret,id=s,env=S \\
    --mount=type=bind,target=/src,rw=true --mount=type=bind,from=busybox,target=/image \\
    echo printed; echo made > /tmp/made; echo kept > /c/kept; exit 7
""", file="of the context")
        for options in ([], ["--progress", "plain"], ["--squash"]):
            with self.subTest(options):
                terminal = self.terminal("--on-failure", "shell", "--secret", f"id=s,src={self.context}/file", "-t", "unmade", *options)
                terminal.expect("printed", 60)
                terminal.expect("exit status 7", 60)
                terminal.expect(r"/work \$ ", 60)
                terminal.send("cat /tmp/made /c/kept /src/file; echo; echo $A $S $(pwd) $(id -u) $(ls /image/etc/passwd); exit 99\n")
                terminal.expect(r"\nmade\r\nkept\r\nof the context\r\nset of the context /work 1000 /image/etc/passwd\r\n", 60)
                self.assertEqual(terminal.wait(60), 7, terminal.output)
                self.assertEqual(self.skiff("ps", "-aq").lines, [])
                self.assertNotIn("localhost/unmade:latest", self.skiff("images", "--format", "{{.Repository}}:{{.Tag}}").lines)

    def test_not_without_a_failure(self):
        self.write("FROM busybox\nRUN true\n")
        self.finish(self.terminal("--on-failure", "shell"))
        terminal = self.terminal("--on-failure", "shell", "--logfile", self.tmp / "log")
        terminal.expect("--on-failure shell and --logfile cannot be set together", 60)
        self.assertEqual(terminal.wait(60), 125, terminal.output)

    def test_no_shell_there(self):
        self.write("FROM busybox AS b\nFROM scratch\nCOPY --from=b /bin/busybox /busybox\nRUN [\"/busybox\", \"false\"]\n")
        terminal = self.terminal("--on-failure=shell")
        terminal.expect("no shell: ", 60)
        self.assertEqual(terminal.wait(60), 1, terminal.output)
