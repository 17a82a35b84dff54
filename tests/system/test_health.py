# SPDX-License-Identifier: Apache-2.0
"""Health checks and restart policies: what the monitor does on its own."""

import hashlib
import io
import json
import os
import shutil
import signal
import tarfile
import time

from tests.support import images as image_makers
from tests.support.skiff import SkiffTest, processes, wait_for

FOREVER = ["busybox", "sleep", "1000"]


def repack(archive, target, healthcheck):
    """A docker archive whose config has a Healthcheck."""
    with tarfile.open(archive) as source:
        parts = {member.name: (member, source.extractfile(member).read() if member.isfile() else None) for member in source}
    manifest = json.loads(parts["manifest.json"][1])
    old = manifest[0]["Config"]
    config = json.loads(parts[old][1])
    config.setdefault("config", {})["Healthcheck"] = healthcheck
    data = json.dumps(config).encode()
    manifest[0]["Config"] = hashlib.sha256(data).hexdigest() + ".json"
    del parts[old]
    with tarfile.open(target, "w") as out:
        for name, (member, content) in parts.items():
            if name == "manifest.json":
                continue
            out.addfile(member, io.BytesIO(content) if content is not None else None)
        for name, content in ((manifest[0]["Config"], data), ("manifest.json", json.dumps(manifest).encode())):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))


def put_blob(layout, data):
    """Store a blob in an OCI layout; its descriptor's digest and size."""
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def change_oci_config(layout, healthcheck):
    """Give the config of the one image of an OCI layout a Healthcheck."""
    index = json.loads((layout / "index.json").read_text(encoding="utf-8"))

    def blob(descriptor):
        return json.loads((layout / "blobs/sha256" / descriptor["digest"].split(":")[1]).read_bytes())

    manifest = blob(index["manifests"][0])
    config = blob(manifest["config"])
    config.setdefault("config", {})["Healthcheck"] = healthcheck
    manifest["config"] |= put_blob(layout, json.dumps(config).encode())
    index["manifests"][0] |= put_blob(layout, json.dumps(manifest).encode())
    (layout / "index.json").write_text(json.dumps(index), encoding="utf-8")


class HealthTest(SkiffTest):
    """What both halves use."""

    images = ["busybox"]

    def run_probed(self, command, *options, name="c", payload=None):
        """A container whose health is probed only when asked for, unless `options` say otherwise."""
        if not any(option.startswith("--health-interval") for option in options):
            options = ("--health-interval=disable", *options)
        return self.skiff("run", "-d", "--name", name, "--health-cmd", command, *options,
                          *(["busybox", "sh", "-c", payload] if payload else FOREVER)).word

    def probe(self, code=0, says="", name="c"):
        done = self.skiff("healthcheck", "run", name, code=code)
        self.assertEqual(done.word, says)
        return done

    def state(self, name="c"):
        return self.skiff("inspect", name).json[0]["State"]

    def health(self, name="c"):
        return self.state(name)["Health"]

    def status(self, name="c"):
        return self.skiff("inspect", "--format", "{{.State.Health.Status}}", name).word

    def events(self, event, name="c"):
        ident = self.skiff("inspect", "--format", "{{.Id}}", name).word
        text = self.skiff("events", "--stream=false", "--since", "1h", "--filter", f"event={event}", "--filter",
                          f"container={ident}", "--format", "json").stdout
        return [json.loads(line) for line in text.splitlines()]

    def monitor(self, name="c"):
        return self.state(name)["ConmonPid"]


class Words(HealthTest):
    """Options and refusals, in podman's words."""

    def test_refusals(self):
        for options, says in (
            (["--health-on-failure", "kill"], "cannot set on-failure action to kill without a health check"),
            (["--health-cmd", "none", "--health-on-failure", "stop"], "cannot set on-failure action to stop without a health check"),
            (["--health-startup-cmd", "true"], "cannot set a startup healthcheck when there is no regular healthcheck"),
            (["--no-healthcheck", "--health-cmd", "true"], "cannot specify both --no-healthcheck and --health-cmd"),
            (["--no-healthcheck", "--health-startup-cmd", "true"], "cannot specify both --no-healthcheck and --health-startup-cmd"),
            (["--health-cmd", "true", "--health-interval", "x"], 'invalid healthcheck-interval: time: invalid duration "x"'),
            (["--health-cmd", "true", "--health-timeout", "0s"], "healthcheck-timeout must be at least 1 second"),
            (["--health-cmd", "true", "--health-timeout", "y"], 'invalid healthcheck-timeout: time: invalid duration "y"'),
            (["--health-cmd", "true", "--health-start-period", "-1s"], "healthcheck-start-period must be 0 seconds or greater"),
            (["--health-cmd", "true", "--health-retries", "0"], "healthcheck-retries must be greater than 0"),
            (["--health-cmd", "[]"], "Must define a healthcheck command for all healthchecks"),
            (["--health-on-failure", "cry"], 'invalid on-failure action "cry" for health check: supported actions are none,kill,restart,stop'),
            (["--health-retries", "many"], 'strconv.ParseUint: parsing "many": invalid syntax'),
            (["--health-log-destination", "/etc/passwd"], "HealthCheck Log '/etc/passwd' destination must be directory"),
            (["--health-log-destination", "/no/such"], "HealthCheck Log '/no/such' destination error: stat /no/such: no such file or directory"),
        ):
            self.skiff_fails("create", *options, *FOREVER, says=says)
        self.assertEqual(self.skiff("ps", "-aq").lines, [])

    def test_the_result_can_be_ignored(self):
        self.run_probed("false")
        self.probe(1, "unhealthy")
        self.assertEqual(self.skiff("healthcheck", "run", "--ignore-result", "c").word, "unhealthy")

    def test_what_cannot_be_probed(self):
        self.skiff_fails("healthcheck", "run", "absent",
                         says='Error: unable to look up absent to perform a health check: no container with name or ID "absent" '
                              "found: no such container")
        plain = self.skiff("run", "-d", "--name", "plain", *FOREVER).word
        self.skiff_fails("healthcheck", "run", "plain", says=f"Error: container {plain} has no defined healthcheck")
        off = self.run_probed("none", name="off")
        self.skiff_fails("healthcheck", "run", "off", says=f"Error: container {off} has no defined healthcheck")
        made = self.skiff("create", "--name", "made", "--health-cmd", "true", *FOREVER).word
        self.skiff_fails("healthcheck", "run", "made", says=f"Error: container {made} is not running")
        self.assertNotIn("Health", self.state("plain"))
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Health}} {{.Config.Healthcheck}}", "plain").word, "<nil> <nil>")

    def test_forms_of_a_command(self):
        for typed, test in (
            ("echo a && echo b", ["CMD-SHELL", "echo a && echo b"]),
            ("true", ["CMD-SHELL", "true"]),
            ('["echo","a b"]', ["CMD", "echo", "a b"]),
            ('["true"]', ["CMD-SHELL", "true"]),
            ("CMD echo  a", ["CMD", "echo", "a"]),
            ("CMD-SHELL echo a; true", ["CMD-SHELL", "echo a; true"]),
            ('["CMD-SHELL","echo a"]', ["CMD-SHELL", "echo a"]),
        ):
            self.run_probed(typed)
            config = self.skiff("inspect", "c").json[0]["Config"]
            self.assertEqual(config["Healthcheck"]["Test"], test)
            self.probe()
            self.skiff("rm", "-f", "-t", "0", "c")

    def test_inspect_of_the_options(self):
        self.skiff("create", "--name", "c", "--health-cmd", "true", "--health-interval", "1m30s", "--health-timeout", "2s",
                   "--health-retries", "7", "--health-start-period", "3s", "--health-on-failure", "kill", "--health-startup-cmd",
                   "false", "--health-startup-success", "2", "--health-max-log-count", "9", "--health-max-log-size", "0", *FOREVER)
        config = self.skiff("inspect", "c").json[0]["Config"]
        self.assertEqual(config["Healthcheck"], {"Test": ["CMD-SHELL", "true"], "StartPeriod": 3 * 10**9, "Interval": 90 * 10**9,
                                                 "Timeout": 2 * 10**9, "Retries": 7})
        self.assertEqual(config["StartupHealthCheck"], {"Test": ["CMD-SHELL", "false"], "Interval": 30 * 10**9,
                                                        "Timeout": 30 * 10**9, "Successes": 2})
        self.assertEqual(self.skiff("inspect", "--format", "{{.Config.Healthcheck.Interval}} {{.Config.Timeout}} {{.Config.Healthcheck}}",
                                    "c").word, "1m30s 0 {[CMD-SHELL true] 3s 1m30s 2s 7}")
        self.assertEqual((config["HealthcheckOnFailureAction"], config["HealthLogDestination"], config["HealthcheckMaxLogCount"],
                          config["HealthcheckMaxLogSize"]), ("kill", "local", 9, 0))


class Probes(HealthTest):
    """Probes and what comes of them."""

    def test_healthy_and_unhealthy(self):
        self.run_probed("echo out; echo err >&2; test -e /ok", "--health-retries=2")
        self.assertEqual(self.health(), {"Status": "starting", "FailingStreak": 0, "Log": []})
        self.probe(1, "unhealthy")
        self.assertEqual((self.health()["Status"], self.health()["FailingStreak"]), ("starting", 1))
        self.skiff("exec", "c", "touch", "/ok")
        self.probe()
        self.assertEqual((self.health()["Status"], self.health()["FailingStreak"]), ("healthy", 0))
        self.skiff("exec", "c", "rm", "/ok")
        self.probe(1, "unhealthy")
        self.assertEqual(self.status(), "healthy")
        self.probe(1, "unhealthy")
        health = self.health()
        self.assertEqual((health["Status"], health["FailingStreak"]), ("unhealthy", 2))
        self.assertEqual([entry["ExitCode"] for entry in health["Log"]], [1, 0, 1, 1])
        self.assertEqual(health["Log"][-1]["Output"], "out\nerr\n")
        self.assertLess(health["Log"][0]["Start"], health["Log"][0]["End"])
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Healthcheck.Status}}", "c").word, "unhealthy")

    def test_by_itself(self):
        self.run_probed("test -e /ok", "--health-interval=200ms", "--health-retries=2")
        wait_for(lambda: self.status() == "unhealthy")
        self.skiff("exec", "c", "touch", "/ok")
        wait_for(lambda: self.status() == "healthy")
        self.assertRegex(self.skiff("ps", "--format", "{{.Status}}").word, r"^Up .* \(healthy\)$")
        self.assertEqual(self.skiff("ps", "--filter", "health=healthy", "--format", "{{.Names}}").lines, ["c"])
        self.assertEqual(self.skiff("ps", "--filter", "health=unhealthy", "-q").lines, [])
        wait_for(lambda: len(self.events("health_status")) >= 2)  # the event comes behind the state
        changes = [event["Actor"]["Attributes"]["health_status"] for event in self.events("health_status")]
        self.assertEqual(changes, ["unhealthy", "healthy"], "one for each change, none for each probe")
        last = self.events("health_status")[-1]
        self.assertEqual((last["Status"], last["HealthStatus"], last["Action"]),
                         ("health_status", "healthy", "health_status: healthy"))
        wait_for(lambda: len(self.health()["Log"]) == 5)
        time.sleep(0.5)
        self.assertEqual(len(self.health()["Log"]), 5, "the log is bounded")

    def test_wait_for_health(self):
        self.run_probed("test -e /ok", "--health-interval=100ms", "--health-retries=1")
        self.assertEqual(self.skiff("wait", "--condition", "unhealthy", "c").word, "-1")
        waiting = self.start("wait", "--condition", "healthy", "c")
        time.sleep(0.3)
        self.assertIsNone(waiting.poll())
        self.skiff("exec", "c", "touch", "/ok")
        self.assertEqual(waiting.communicate(timeout=20)[0].strip(), b"-1")
        self.skiff("exec", "c", "rm", "/ok")
        self.skiff("wait", "--condition", "unhealthy", "c")
        waiting = self.start("wait", "--condition", "healthy", "c")
        time.sleep(0.2)
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual(waiting.wait(20), 125)
        self.assertIn(b"is not running", waiting.communicate()[1])
        self.skiff("run", "-d", "--name", "plain", *FOREVER)
        self.skiff_fails("wait", "--condition", "healthy", "plain", says="has no defined healthcheck")

    def test_update(self):
        """Other probes for a container that runs: at once, from the start of their log on, and for the next starts."""
        self.skiff("run", "-d", "--name", "c", *FOREVER)
        self.skiff("update", "--health-cmd", "echo one", "--health-interval", "100ms", "c")
        wait_for(lambda: self.status() == "healthy", 5)
        self.skiff("update", "--health-cmd", "echo two; exit 1", "--health-retries", "2", "--health-on-failure", "kill",
                   "--health-max-log-count", "3", "--health-timeout", "7s", "c")
        wait_for(lambda: self.state()["Status"] == "exited", 5)
        config = self.skiff("inspect", "c").json[0]["Config"]
        self.assertEqual(config["Healthcheck"], {"Test": ["CMD-SHELL", "echo two; exit 1"], "Interval": 100000000,
                                                 "Timeout": 7000000000, "Retries": 2})
        self.assertEqual((config["HealthcheckOnFailureAction"], config["HealthcheckMaxLogCount"]), ("kill", 3))
        self.assertEqual(self.health()["Log"][-1]["Output"], "two\n")
        self.skiff("update", "--health-cmd", "echo three", "--health-startup-cmd", "echo startup", "--health-startup-interval", "50ms", "--health-on-failure", "none", "c")
        self.skiff("start", "c")
        wait_for(lambda: self.status() == "healthy", 5)
        self.assertEqual(self.health()["Log"][0]["Output"], "startup\n")
        self.assertEqual(self.skiff("inspect", "c").json[0]["Config"]["StartupHealthCheck"]["Test"], ["CMD-SHELL", "echo startup"])

    def test_update_ends_a_probe(self):
        """A probe that is under way is killed; who waits for one gets the answer of the next."""
        self.run_probed("echo begun; sleep 1000", "--health-timeout", "100s")
        waiting = self.start("healthcheck", "run", "c")
        wait_for(lambda: "sleep 1000" in self.skiff("top", "c", "args").stdout.replace("sleep 1000", "", 1), 5)
        self.skiff("update", "--health-cmd", "true", "c")
        self.assertEqual(waiting.wait(20), 0)
        self.assertEqual(len(self.health()["Log"]), 1)
        waiting = self.start("healthcheck", "run", "c")
        self.assertEqual(waiting.wait(20), 0)

    def test_update_no_healthcheck(self):
        """No more probes; podman's words for what cannot be."""
        self.run_probed("true", "--health-interval", "100ms", "--health-startup-cmd", "true")
        self.skiff("update", "--no-healthcheck", "c")
        self.assertEqual(self.skiff("ps", "--format", "{{.Status}}").stdout.count("("), 0)
        self.skiff_fails("healthcheck", "run", "c", says="has no defined healthcheck")
        done = self.skiff("inspect", "c", "--format", "{{.Config.Healthcheck.Test}} {{.Config.StartupHealthCheck}} {{.State.Health}}")
        self.assertEqual(done.word, "[NONE] <nil> <nil>")
        self.skiff("restart", "-t", "0", "c")
        self.skiff_fails("healthcheck", "run", "c", says="has no defined healthcheck")
        self.skiff("create", "--name", "d", *FOREVER)
        for option in ("interval=10s", "retries=5", "timeout=10s", "start-period=10s", "startup-interval=10s", "startup-retries=5",
                       "startup-success=10", "startup-timeout=10s"):
            self.skiff_fails("update", f"--health-{option}", "d", says="healthcheck command is not set")
        self.skiff_fails("update", "--no-healthcheck", "--health-cmd", "true", "d",
                         says="cannot specify both --no-healthcheck and other HealthCheck flags")
        self.skiff_fails("update", "--health-startup-cmd", "true", "d", says="cannot set a startup healthcheck when there is no regular")
        self.assertNotIn("Healthcheck", self.skiff("inspect", "d").json[0]["Config"])

    def test_start_period(self):
        self.run_probed("test -e /ok", "--health-start-period=1h", "--health-retries=1")
        for _ in range(3):
            self.probe(1, "unhealthy")
        self.assertEqual((self.status(), self.health()["FailingStreak"]), ("starting", 0))
        self.skiff("exec", "c", "touch", "/ok")
        self.probe()
        self.assertEqual(self.status(), "healthy")

    def test_startup_probe(self):
        self.run_probed("true", "--health-startup-cmd=test -e /up", "--health-startup-interval=disable",
                        "--health-startup-success=2")
        self.probe(1, "starting")
        self.assertEqual(self.status(), "starting")
        self.skiff("exec", "c", "touch", "/up")
        self.probe()
        self.assertEqual(self.status(), "starting", "one of two")
        self.probe()
        self.assertEqual(self.status(), "healthy")
        self.skiff("exec", "c", "rm", "/up")
        self.probe()

    def test_startup_gives_up(self):
        self.run_probed("true", "--health-startup-cmd=false", "--health-startup-interval=100ms", "--health-startup-retries=2",
                        "--stop-timeout=0")
        wait_for(lambda: int(self.skiff("inspect", "--format", "{{.RestartCount}}", "c").word) >= 2)

    def test_runs_as_the_container_does(self):
        self.need_ids()
        self.run_probed("id -u; pwd; echo $A; grep -E 'CapInh|CapAmb|NoNewPrivs' /proc/self/status", "-u", "7", "-w", "/tmp",
                        "-e", "A=b")
        self.probe()
        lines = self.health()["Log"][0]["Output"].splitlines()
        self.assertEqual(lines[:3], ["7", "/tmp", "b"])
        self.assertEqual({tuple(line.split()) for line in lines[3:]},
                         {("CapInh:", "0" * 16), ("CapAmb:", "0" * 16), ("NoNewPrivs:", "1")})

    def test_what_cannot_be_executed(self):
        self.run_probed('["CMD","/no/such/program"]')
        self.probe(1, "unhealthy")
        self.assertIn("/no/such/program", self.health()["Log"][0]["Output"])

    def test_log_places(self):
        place = self.tmp / "healthlog"
        place.mkdir()
        ident = self.run_probed("echo said", f"--health-log-destination={place}", "--health-max-log-size=2")
        self.probe()
        record = json.loads((place / f"{ident}-healthcheck.log").read_text(encoding="utf-8"))
        self.assertEqual((record["Status"], record["Log"][0]["Output"]), ("healthy", "sa"))
        self.run_probed("echo told", "--health-log-destination=events_logger", name="e")
        self.probe(name="e")
        self.assertEqual(self.events("health_status", "e")[-1]["Actor"]["Attributes"]["health_log"], "told\n")
        shutil.rmtree(place)

    def test_after_the_end(self):
        self.run_probed("false", "--health-retries=1")
        self.probe(1, "unhealthy")
        self.skiff("stop", "-t", "0", "c")
        self.assertEqual((self.health()["Status"], len(self.health()["Log"])), ("unhealthy", 1))
        self.assertEqual(self.skiff("ps", "-a", "--filter", "health=unhealthy", "--format", "{{.Names}}").lines, ["c"])
        self.skiff("start", "c")
        self.assertEqual(self.health(), {"Status": "starting", "FailingStreak": 0, "Log": []})

    def test_image_of_docker(self):
        check = {"Test": ["CMD-SHELL", "echo mine"], "Interval": 7 * 10**9}
        archive = image_makers.convert(image_makers.MAKERS["busybox"](), "docker-archive", "localhost/checked:latest")
        repack(archive, self.tmp / "checked.tar", check)
        self.skiff("load", "-q", "-i", self.tmp / "checked.tar")
        self.skiff("run", "-d", "--name", "c", "checked", "sleep", "1000")
        self.assertEqual(self.skiff("inspect", "c").json[0]["Config"]["Healthcheck"],
                         check | {"Timeout": 30 * 10**9, "Retries": 3})
        self.probe()
        self.assertEqual(self.health()["Log"][0]["Output"], "mine\n")
        self.skiff("run", "-d", "--name", "off", "--no-healthcheck", "checked", "sleep", "1000")
        self.skiff("healthcheck", "run", "off", code=125)
        self.skiff("run", "-d", "--name", "none", "--health-cmd=none", "checked", "sleep", "1000")
        self.skiff("healthcheck", "run", "none", code=125)
        self.skiff("run", "-d", "--name", "own", "--health-cmd=echo own", "checked", "sleep", "1000")
        self.probe(name="own")
        self.assertEqual(self.health("own")["Log"][0]["Output"], "own\n")
        os.remove(self.tmp / "checked.tar")

    def test_hostile_image(self):
        archive = image_makers.convert(image_makers.MAKERS["busybox"](), "docker-archive", "localhost/hostile:latest")
        for check in ({"Test": 5}, {"Test": ["CMD", 7]}, {"Test": ["CMD", "true"], "Interval": -1}, {"Test": ["CMD", "a" * 200000]},
                      {"Test": ["CMD", "true"], "Timeout": 1e300}, {"Test": ["CMD"] + ["a"] * 40000},
                      {"Test": ["CMD", "true"], "Retries": "3"}):
            repack(archive, self.tmp / "hostile.tar", check)
            self.skiff("load", "-q", "-i", self.tmp / "hostile.tar")
            self.skiff_fails("create", "hostile", "true", says="the image's Healthcheck: ")
        repack(archive, self.tmp / "hostile.tar", {"Test": ["CMD", "true"], "Interval": 2**63 - 1, "Timeout": 2**63 - 1,
                                                   "StartPeriod": 2**63 - 1, "Retries": 2**31 - 1})
        self.skiff("load", "-q", "-i", self.tmp / "hostile.tar")
        self.skiff("run", "-d", "--name", "c", "hostile", "sleep", "1000")
        self.probe()
        os.remove(self.tmp / "hostile.tar")

    def test_image_of_oci_has_none(self):
        layout = self.tmp / "layout"
        shutil.copytree(image_makers.MAKERS["busybox"](), layout)
        change_oci_config(layout, {"Test": ["CMD", "true"]})
        with tarfile.open(self.tmp / "oci.tar", "w") as out:
            for part in sorted(layout.iterdir()):
                out.add(part, part.name)
        loaded = self.skiff("load", "-i", self.tmp / "oci.tar").word.split()[-1]
        self.skiff("run", "-d", "--name", "c", loaded.removeprefix("sha256:"), "sleep", "1000")
        self.skiff("healthcheck", "run", "c", code=125)
        shutil.rmtree(layout)
        os.remove(self.tmp / "oci.tar")


class OnFailure(HealthTest):
    """--health-on-failure, and that the command that found out returns when it is done."""

    def test_actions(self):
        for action in ("none", "kill", "restart", "stop"):
            self.run_probed("test ! -e /tmp/bad", "--health-retries=1", f"--health-on-failure={action}", "--stop-timeout=1",
                            "--tmpfs=/tmp")
            self.probe()
            self.skiff("exec", "c", "touch", "/tmp/bad")
            self.probe(1, "unhealthy")
            state = self.state()
            if action == "none":
                self.assertEqual(state["Status"], "running")
                self.probe(1, "unhealthy")
            elif action == "restart":
                self.assertEqual((state["Status"], state["Health"]["Status"]), ("running", "starting"))
                self.assertEqual(self.skiff("inspect", "--format", "{{.RestartCount}}", "c").word, "1")
                self.probe()
                self.assertEqual([event["Status"] for event in self.events("restart")], ["restart"])
                self.assertEqual(len(self.events("died")), 1)
            else:
                self.assertEqual((state["Status"], state["ExitCode"]), ("exited", 137))
                self.assertEqual(state["Health"]["Status"], "unhealthy")
            self.skiff("rm", "-f", "-t", "0", "c")

    def test_kill_and_the_restart_policy(self):
        self.run_probed("test ! -e /tmp/bad", "--health-retries=1", "--health-on-failure=kill", "--restart=always", "--tmpfs=/tmp")
        self.skiff("exec", "c", "touch", "/tmp/bad")
        self.probe(1, "unhealthy")
        self.assertEqual((self.state()["Status"], self.status()), ("running", "starting"))

    def test_stop_ends_a_restart_policy(self):
        self.run_probed("false", "--health-retries=1", "--health-on-failure=stop", "--restart=always", "--stop-timeout=0")
        self.probe(1, "unhealthy")
        time.sleep(0.5)
        self.assertEqual(self.state()["Status"], "exited")


class Hostile(HealthTest):
    """Probes and payloads that mean no good."""

    def alive(self, command):
        return [line for line in processes().values() if command in line]

    def test_timeout_kills_all_it_started(self):
        """Daemons included: setsid, double forks, the frozen."""
        self.run_probed("sleep 77771 & setsid sleep 77772 & (setsid sh -c 'sleep 77773 & sleep 77774' &) ; kill -STOP $$; sleep 77775",
                        "--health-timeout=1s", "--health-retries=1")
        done = self.probe(125)
        self.assertIn("Error: healthcheck command exceeded timeout of 1s", done.stderr)
        self.assertLess(done.seconds, 10)
        self.assertEqual(self.health()["Log"][0]["ExitCode"], -1)
        self.assertEqual(self.status(), "unhealthy")
        wait_for(lambda: not self.alive("sleep 7777"), timeout=3)

    def test_fork_bomb(self):
        """A probe that forks until it may not any more; its user has no other processes. Its first process does
        not fork itself: a shell that is refused ends, and with it the probe."""
        self.need_ids()
        self.run_probed("f() { sleep 44441 & f | f & wait; }; f & exec sleep 44441", "--health-timeout=2s", "-u", "7", "--ulimit", "nproc=120:120")
        done = self.probe(125)
        self.assertLess(done.seconds, 15)
        wait_for(lambda: not self.alive("sleep 44441"), timeout=5)
        self.assertEqual(self.state()["Status"], "running")

    def test_no_room_for_a_probe(self):
        """The payload has taken every process its user may have."""
        self.need_ids()
        self.run_probed("true", "--health-retries=1", "--health-timeout=3s", "-u", "7", "--ulimit", "nproc=20:20",
                        payload="(while :; do sleep 44442 & done) 2>/dev/null; exec sleep 1000")
        wait_for(lambda: len(self.alive("sleep 44442")) >= 15)
        done = self.skiff("healthcheck", "run", "c", check=False)
        self.assertIn(done.code, (0, 1))
        self.assertEqual(self.state()["Status"], "running")
        self.skiff("stop", "-t", "0", "c")

    def test_endless_output(self):
        monitor = self.run_probed("yes 0123456789abcdef", "--health-timeout=2s", "--health-max-log-size=0") and self.monitor()
        self.probe(125)
        output = self.health()["Log"][0]["Output"]
        self.assertTrue(output.startswith("0123456789abcdef\n"))
        self.assertLess(len(output), 20000)
        with open(f"/proc/{monitor}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        self.assertLess((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 1.5, "seconds of the monitor's CPU")
        self.assertFalse(self.alive("yes 0123456789abcdef"))

    def test_output_that_is_not_text(self):
        self.run_probed(r"printf '\377\000\001x'")
        self.probe()
        self.assertIn("x", self.health()["Log"][0]["Output"])

    def test_daemon_that_keeps_the_pipe(self):
        self.run_probed("sleep 1000 & echo done")
        self.assertLess(self.probe().seconds, 5)
        self.assertEqual(self.health()["Log"][0]["Output"], "done\n")

    def test_payload_kills_the_probes(self):
        self.run_probed("sleep 33331", "--health-timeout=20s", payload="while :; do for p in /proc/[0-9]*; do p=${p#/proc/}; "
                        "[ $p = 1 ] || kill -9 $p; done; done 2>/dev/null")
        self.assertLess(self.probe(1, "unhealthy").seconds, 10)

    def test_payload_freezes_the_probes(self):
        """At any point of their way into the container."""
        self.run_probed("sleep 1", "--health-timeout=1s", payload="while :; do for p in /proc/[0-9]*; do p=${p#/proc/}; "
                        "[ $p = 1 ] || kill -STOP $p; done; done 2>/dev/null")
        for _ in range(3):
            done = self.skiff("healthcheck", "run", "c", check=False)
            self.assertIn(done.code, (1, 125))
            self.assertLess(done.seconds, 10)
        self.skiff("stop", "-t", "1", "c", timeout=20)

    def test_many_commands_at_once(self):
        self.run_probed("sleep 0.2; date >>/count")
        running = [self.start("healthcheck", "run", "c") for _ in range(12)]
        self.assertEqual({process.wait(30) for process in running}, {0})
        self.assertLess(int(self.skiff("exec", "c", "sh", "-c", "wc -l </count").word), 12, "commands share a probe")

    def test_end_while_probed(self):
        self.run_probed("sleep 60")
        asking = self.start("healthcheck", "run", "c")
        wait_for(lambda: self.alive("sleep 60"))
        self.skiff("kill", "c")
        self.assertEqual(asking.wait(20), 125)
        self.assertIn(b"is not running", asking.communicate()[1])
        self.assertEqual(self.health()["Log"], [])


class Restart(HealthTest):
    """Restart policies."""

    def count(self, name="c"):
        return int(self.skiff("inspect", "--format", "{{.RestartCount}}", name).word)

    def test_events_of_restarts(self):
        self.skiff("run", "-d", "--name", "c", "--label", "tier=web", "--restart", "on-failure:2", "busybox", "sh", "-c", "exit 3")
        wait_for(lambda: self.state()["Status"] == "exited")
        self.assertEqual(self.count(), 2)
        died = wait_for(lambda: len(self.events("died")) >= 3 and self.events("died"))
        self.assertEqual([event["ContainerExitCode"] for event in died], [3, 3, 3])
        self.assertEqual(len(self.events("restart")), 2)
        self.assertEqual(len(self.events("start")), 3)
        self.assertEqual(died[0]["Actor"]["Attributes"]["tier"], "web")

    def test_stop_during_back_off(self):
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "busybox", "false")
        wait_for(lambda: self.count() >= 4)
        wait_for(lambda: self.state()["Status"] == "restarting")
        done = self.skiff("stop", "c")
        self.assertLess(done.seconds, 1)
        self.assertEqual((self.state()["Status"], self.state()["ExitCode"]), ("exited", 1))
        count = self.count()
        time.sleep(0.5)
        self.assertEqual(self.count(), count)
        self.assertEqual(len(self.events("died")), count + 1, "the end was told once")

    def test_remove_during_back_off(self):
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "busybox", "false")
        wait_for(lambda: self.count() >= 4)
        self.assertLess(self.skiff("rm", "-f", "c").seconds, 1)

    def test_renamed_meanwhile(self):
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "busybox", "sleep", "0.3")
        self.skiff("rename", "c", "d")
        wait_for(lambda: len(self.events("restart", "d")) >= 1)
        self.assertEqual(self.events("restart", "d")[-1]["Name"], "d")

    def test_policies(self):
        for policy, code, wanted in (("no", 1, 0), ("on-failure", 0, 0), ("on-failure:1", 1, 1)):
            self.skiff("run", "-d", "--name", "c", "--restart", policy, "busybox", "sh", "-c", f"exit {code}")
            wait_for(lambda: self.state()["Status"] == "exited")
            self.assertEqual(self.count(), wanted)
            self.skiff("rm", "c")

    def test_back_off_grows(self):
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "busybox", "date", "+%s.%N")
        wait_for(lambda: self.count() >= 5, timeout=20)
        times = [event["timeNano"] / 1e9 for event in self.events("start")]
        gaps = [b - a for a, b in zip(times[1:], times[2:])]
        for i, gap in enumerate(gaps):
            self.assertGreaterEqual(gap, 0.2 * 2 ** i - 0.05, gaps)  # the first back-off was before times[1]

    def test_service_manager_stops_what_ignores_it(self):
        """A shutdown does not wait longer than the container's own time to stop."""
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "--stop-timeout", "1", "--network", "none", "busybox", "sleep", "1000")
        os.kill(self.monitor(), signal.SIGTERM)
        wait_for(lambda: self.state()["Status"] == "exited", 60)
        self.assertEqual(self.state()["ExitCode"], 137)

    def test_what_comes_up_with_the_host(self):
        """unless-stopped: unless a command stopped it; a shutdown is none."""
        for name in ("kept", "halted", "other"):
            self.skiff("run", "-d", "--name", name, "--restart", "no" if name == "other" else "unless-stopped", "--stop-timeout", "0",
                       "--network", "none", "busybox", "sleep", "1000")
        listing = ["ps", "-a", "--format", "{{.Names}}", "--filter"]
        self.assertEqual(sorted(self.skiff(*listing, "should-start-on-boot=true").lines), ["halted", "kept"])
        self.skiff("stop", "halted")
        os.kill(self.skiff("inspect", "kept").json[0]["State"]["ConmonPid"], signal.SIGTERM)
        wait_for(lambda: self.skiff("ps", "-q", "--filter", "name=kept").stdout == "", 60)
        self.assertEqual(self.skiff(*listing, "should-start-on-boot=true").lines, ["kept"])
        self.assertEqual(sorted(self.skiff(*listing, "should-start-on-boot=false").lines), ["halted", "other"])
        self.skiff("start", "halted")
        self.assertEqual(sorted(self.skiff(*listing, "should-start-on-boot=true").lines), ["halted", "kept"])

    def test_service_manager_ends_it(self):
        self.skiff("run", "-d", "--name", "c", "--restart", "always", "busybox", "false")
        wait_for(lambda: self.count() >= 3)
        os.kill(self.monitor(), signal.SIGTERM)
        wait_for(lambda: self.state()["Status"] == "exited")
