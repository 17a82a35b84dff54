# SPDX-License-Identifier: Apache-2.0
"""quadlet generate and generate systemd: from a container to a unit, and back to the same container."""

import json
import os
import re
import subprocess

from tests.support.skiff import SLOWNESS, SkiffTest, prefix

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
# What a unit says itself, in place of what was typed.
UNIT = {"--replace", "--rm", "-d", "--cgroups=split", "--sdnotify=conmon"}

COMMANDS = {
    "plain": (["--network", "none"], ["busybox", "true"]),
    "variables": (["-e", "A=b c", "-e", "QUOTES=\"it's\"", "--env", "PERCENT=100%n $HOME ${x} \\t", "-eSHORT=1", "--env=EMPTY=", "-e", "LINES=a\nb",
                   "--label", "com.example/x=y z", "-l", "bare", "--annotation", "note=one two"], ["busybox", "sh", "-c", "echo \"$A\" '%s' \\\\ ; true"]),
    "mounts": (["-v", "gen-data:/data:ro", "-v/anonymous", "--tmpfs", "/scratch:size=1m,mode=700", "--mount", "type=tmpfs,dst=/more,tmpfs-size=1m",
                "--read-only", "--read-only-tmpfs=false", "--shm-size", "1m"], ["busybox"]),
    "privileges": (["--cap-drop", "ALL", "--cap-add=NET_RAW,CHOWN", "--security-opt", "no-new-privileges", "--security-opt=mask=/proc/cmdline",
                    "--security-opt", "label=disable", "--ulimit", "nofile=100:200", "--user", "1000:1000", "--group-add", "100", "--umask", "0027"],
                   ["busybox", "id"]),
    "network": (["-p", "127.0.0.1::80", "-p", "81/udp", "--expose", "9000", "--dns", "192.0.2.1", "--dns-search", "example.org",
                 "--add-host", "db:192.0.2.7", "-h", "inside", "--dns-option", "ndots:1"], ["busybox", "httpd", "-f"]),
    "life": (["-dit", "--restart", "unless-stopped", "--stop-signal", "QUIT", "--stop-timeout", "3", "--init", "-w", "/tmp", "--entrypoint", "",
              "--log-driver", "none", "--timeout", "9", "--network=none"], ["busybox", "sleep", "1000"]),
    "health": (["--health-cmd", "test -e /ok || exit 1", "--health-interval", "7s", "--health-retries=2", "--health-on-failure", "stop",
                "--health-start-period", "1m"], ["busybox", "sleep", "9"]),
    "numbers": (["--memory", "64m", "--pids-limit", "7", "--cpus", "0.5", "--oom-score-adj", "500", "--tz", "UTC", "--sysctl", "net.ipv4.ip_forward=1",
                 "--entrypoint", '["sh","-c"]', "--systemd=false", "--http-proxy=false"], ["busybox", "echo hi"]),
}

# What would be a directive, a specifier, a variable, a comment or two words if it were written as it is.
STRINGS = ["\nExecStartPost=/bin/false", "x\n[Service]\nExecStart=/bin/false", "\r\nUser=root", "%n", "%%n", "%", "%h/x", "a%", "$HOME", "$$", "${HOME}", "$",
           "`id`", "$(id)", "\"", "'", "\"a\" b", "it's", "'a'", "\"a\"", "\"a", "a\"", "\\", "a\\", "\\n", "\\x41", "\\\"", "\\\n", "a \\\nb", ";", "; id", "a;b", "#",
           "# comment", "#a", "[Container]", "[Install]", "[", "]", "=", "a=b", "=a", " a", "a ", " ", "\t", "a\tb", "\x01", "\x1b[31m", "\x7f", "-", "--", "--rm", "-e", "@", "+/bin/sh",
           "!x", "|", ">x", "&", "*", "?", "~", "\u00e4\u4e2d", "\u2028", "\u00a0", "x" * 4000, ",", "a,b", "type=env", "../../x", "/etc/passwd"]


def split(line):
    """The words of a line of ExecStart=, as systemd reads them."""
    words, word, quote, i = [], None, None, 0
    while i < len(line):
        char = line[i]
        if char == "\\":
            i += 1
            if line[i] == "x":
                word = (word or "") + chr(int(line[i + 1:i + 3], 16))
                i += 2
            else:
                word = (word or "") + ESCAPES[line[i]]
        elif quote:
            if char == quote:
                quote = None
            else:
                word += char
        elif char in "\"'":
            quote, word = char, word or ""
        elif char == " ":
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + char
        i += 1
    assert quote is None, line
    words += [word] if word is not None else []
    return [re.sub(r"%%|\$\$", lambda match: match[0][0], text) for text in words]


class GenerateTest(SkiffTest):
    """A test with containers that are made and not started."""

    images = ["busybox"]

    def make(self, name, options, args):
        """One container."""
        self.skiff("create", "--name", name, *[option for option in options if option != "-dit"], *(["-it"] if "-dit" in options else []), *args)
        self.addCleanup(self.skiff, "rm", "-f", "-i", "-v", name)

    def config(self, name):
        """What was recorded of the wish, without what differs between any two or is the unit's."""
        ident = self.skiff("inspect", "--format", "{{.Id}}", name).word
        text = (self.state_directories()["store/containers"] / ident / "create.json").read_text(encoding="utf-8")
        record = json.JSONDecoder().raw_decode(text)[0]
        for key in ("name", "created", "createCommand", "restart", "cgroups", "sdnotify", "openStdin", "crc"):
            record.pop(key, None)
        record.get("mounts", []).sort(key=lambda mount: mount["destination"])
        for mount in record.get("mounts", []):
            if re.fullmatch("[0-9a-f]{64}", mount.get("source", "")):
                mount["source"] = "anonymous"
        return record

    def generated(self, text, name):
        """The words of ExecStart= that the generator makes of a file."""
        directory = self.tmp / "files"
        directory.mkdir(exist_ok=True)
        path = directory / f"{name}.container"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([prefix() / "libexec/skiff/skiff-quadlet", "-user", "-dryrun"], capture_output=True, text=True, check=False,
                              env=self.environment(QUADLET_UNIT_DIRS=str(directory)), timeout=20 * SLOWNESS)
        path.unlink()
        self.assertEqual(done.returncode, 0, done.stderr)
        return split(next(line for line in done.stdout.split("\n") if line.startswith("ExecStart=")).partition("=")[2])

    def make_again(self, words, name):
        """A container with the options of a unit's command line."""
        self.assertEqual((words[0], words[-len(words)]), (str(self.program), str(self.program)))
        verb = words.index("run")
        options = words[verb + 1:]
        for word in UNIT & set(options):
            options.remove(word)  # the first: an argument may be called like that
        for at, word in enumerate(options):
            if word == "--name":
                options[at + 1] = name
            elif word.startswith("--name="):
                options[at] = f"--name={name}"
        self.run_skiff("create", *options)
        self.addCleanup(self.skiff, "rm", "-f", "-i", "-v", name)


    def make_hostile(self, name):
        """Every string as a variable, a label and an argument; some as whole values."""
        options = [word for i, text in enumerate(STRINGS) for word in ("-e", f"V{i}={text}", "--label", f"l{i}={text}", "--annotation", f"a{i}={text}")]
        self.make(name, [*options, "--health-cmd", STRINGS[0], "--network", "none"], ["busybox", *STRINGS])

    def only_keys(self, text, known):
        """Every line is a section or a key that we meant."""
        for line in text.split("\n"):
            if line and not line.startswith("["):
                self.assertIn(line.partition("=")[0], known, line)
        self.assertLessEqual(len([line for line in text.split("\n") if line.startswith("[")]), 4)


class Quadlet(GenerateTest):
    """quadlet generate."""

    def test_foreign_text_is_never_more_than_text(self):
        self.make_hostile("hostile")
        text = self.skiff("quadlet", "generate", "hostile").stdout.partition("\n")[2]
        self.only_keys(text, ("Description", "Image", "ContainerName", "Environment", "Label", "Annotation", "PodmanArgs", "GlobalArgs", "Network", "Exec", "WantedBy"))
        self.make_again(self.generated(text, "hostile"), "hostile-again")
        self.assertEqual(self.config("hostile-again"), self.config("hostile"))

    def test_the_same_container_comes_back(self):
        for name, (options, args) in COMMANDS.items():
            with self.subTest(name):
                self.make(name, options, args)
                text = self.skiff("quadlet", "generate", name).stdout
                words = self.generated(text, name)
                self.assertEqual([word for word in words if word in UNIT], ["--replace", "--rm", "--cgroups=split", "--sdnotify=conmon", "-d"], text)
                self.make_again(words, f"{name}-again")
                self.assertEqual(self.config(f"{name}-again"), self.config(name), text)
        self.skiff("volume", "rm", "-f", "gen-data", check=False)

    def test_keys_before_arguments(self):
        """What has a key stands there; what is systemd's is its own."""
        self.make("web", ["--label", "io.containers.autoupdate=local", "--restart=always", "--sdnotify", "healthy", "--health-cmd", "true", "-v",
                          "odd.volume:/x", "--security-opt", "seccomp=unconfined", "--cpu-shares", "7"], ["busybox", "sleep", "100"])
        lines = self.skiff("quadlet", "generate", "web").stdout.splitlines()
        for line in ("# web.container", "[Unit]", "Description=Container web", "[Container]", "Image=busybox", "ContainerName=web", "AutoUpdate=local",
                     "Notify=healthy", "HealthCmd=true", "SeccompProfile=unconfined", "PodmanArgs=--volume=odd.volume:/x",
                     "PodmanArgs=--cpu-shares=7", "Exec=sleep 100", "[Service]", "Restart=always", "[Install]", "WantedBy=default.target"):
            self.assertIn(line, lines)
        self.assertFalse([line for line in lines if "--restart" in line or "Label=" in line], lines)
        self.skiff("volume", "rm", "-f", "odd.volume", check=False)

    def test_cgroups(self):
        """What a service has anyway is not written."""
        for mode, line in (("split", None), ("no-conmon", "CgroupsMode=no-conmon")):
            self.make(f"of-{mode}", [f"--cgroups={mode}"], ["busybox"])
            lines = self.skiff("quadlet", "generate", f"of-{mode}").stdout.splitlines()
            self.assertEqual([found for found in lines if "group" in found], [line] if line else [])

    def test_files(self):
        self.make("one", ["--network", "none"], ["busybox"])
        path = self.home / "one.container"
        self.assertEqual(self.skiff("quadlet", "generate", "--files", "one").lines, [str(path)])
        self.assertEqual(path.read_text(encoding="utf-8"), self.skiff("quadlet", "generate", "one").stdout.partition("\n")[2])
        link = self.home / "two.container"
        self.make("two", ["--network", "none"], ["busybox"])
        link.symlink_to(self.home / "elsewhere")
        self.skiff_fails("quadlet", "generate", "-f", "two", says="cannot write")
        self.assertFalse((self.home / "elsewhere").exists())
        path.unlink()
        link.unlink()

    def test_variables_go_to_a_file(self):
        """Not readable by others, and installed beside the unit; lint tells of what is not."""
        self.make("db", ["--network", "none", "-e", "DB_PASSWORD=geheim"], ["busybox"])
        paths = [self.home / "db.container", self.home / "db.env"]
        paths[1].write_text("A=of the user\n", encoding="utf-8")
        self.skiff_fails("quadlet", "generate", "--files", "db", says="is there, and skiff has not made it")
        self.assertEqual((paths[0].exists(), paths[1].read_text(encoding="utf-8")), (False, "A=of the user\n"))
        paths[1].unlink()
        for _ in range(2):
            self.assertEqual(self.skiff("quadlet", "generate", "--files", "db").lines, [str(path) for path in reversed(paths)])
        self.assertIn("EnvironmentFile=db.env\n", paths[0].read_text(encoding="utf-8"))
        self.assertEqual((paths[1].read_text(encoding="utf-8"), paths[1].stat().st_mode & 0o777), ("# Made by skiff\nDB_PASSWORD=geheim\n", 0o600))
        self.assertEqual(self.skiff("quadlet", "lint", str(paths[0])).stdout, "")
        printed = self.skiff("quadlet", "generate", "db")
        self.assertIn("everybody may read DB_PASSWORD in the unit", printed.stderr)
        paths[0].write_text(printed.stdout, encoding="utf-8")
        self.assertIn("everybody on this machine may read DB_PASSWORD in the service", self.skiff("quadlet", "lint", str(paths[0])).stdout)
        for path in paths:
            path.unlink()

    def test_relative_sources(self):
        """The directory is not known any more, the record knows where it was."""
        (self.home / "here").mkdir(exist_ok=True)
        (self.home / "web.env").write_text("A=b\n", encoding="ascii")
        self.make("rel", ["-v", "./here:/here:ro"], ["busybox"])
        self.assertIn(f"Volume={self.home}/here:/here:ro\n", self.skiff("quadlet", "generate", "rel").stdout)
        self.make("env", ["--env-file", "web.env"], ["busybox"])
        self.skiff_fails("quadlet", "generate", "env", says="nobody knows any more which file --env-file=web.env was")
        os.unlink(self.home / "web.env")
        os.rmdir(self.home / "here")

    def test_a_compose_file(self):
        """As compose writes it."""
        path = self.home / "compose.yaml"
        path.write_text("name: shop\nservices:\n  web:\n    image: busybox\n    command: sleep 9\n", encoding="ascii")
        text = self.skiff("quadlet", "generate", "compose.yaml").stdout
        self.assertEqual(text, self.skiff("compose", "-f", "compose.yaml", "systemd").stdout)
        self.assertIn("Image=busybox\n", text)
        self.skiff("quadlet", "generate", "--files", str(path))
        self.assertIn("Image=busybox\n", (self.home / "shop-web.container").read_text(encoding="utf-8"))
        self.skiff("compose", "-f", "compose.yaml", "create")
        self.skiff_fails("quadlet", "generate", "shop-web-1", says="no create command found")
        self.skiff("compose", "-f", "compose.yaml", "down", "-t", "0")

    def test_what_was_not_made_by_run(self):
        self.skiff_fails("quadlet", "generate", "nothing", says="no such container")


class Systemd(GenerateTest):
    """generate systemd."""

    def service(self, *args):
        """{key: [values]} of the service."""
        found = {}
        for line in self.skiff("generate", "systemd", *args).lines:
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found.setdefault(key, []).append(value)
        return found

    def test_the_container_that_is_there(self):
        self.make("web", ["--network", "none", "--stop-timeout", "4"], ["busybox", "sleep", "100"])
        ident = self.skiff("inspect", "--format", "{{.Id}}", "web").word
        by_name, by_id = self.service("--name", "web"), self.service("web")
        self.assertEqual(split(by_name["ExecStart"][0])[1:], ["start", "--attach", "web"])
        self.assertEqual(split(by_id["ExecStart"][0])[1:], ["start", "--attach", ident])
        self.assertEqual(split(by_name["ExecStop"][0])[1:], ["stop", "--ignore", "-t", "4", "web"])
        self.assertEqual((by_name["Restart"], by_name["TimeoutStopSec"], by_name["Type"]), (["on-failure"], ["64"], ["exec"]))
        self.assertEqual(by_name["Description"], ["skiff container-web.service"])
        self.assertEqual(by_name["WantedBy"], ["default.target"])

    def test_options(self):
        self.make("web", ["--network", "none"], ["busybox"])
        made = self.service("-n", "--restart-policy=always", "--restart-sec", "3", "--start-timeout=9", "--stop-timeout", "5", "--container-prefix", "ctr",
                            "--separator", "_", "-e", "A=50%", "--wants", "a.service,b.service", "--after=c.service", "--requires", "d.service", "web")
        self.assertEqual({key: made[key] for key in ("Restart", "RestartSec", "TimeoutStartSec", "TimeoutStopSec", "Wants", "After", "Requires")},
                         {"Restart": ["always"], "RestartSec": ["3"], "TimeoutStartSec": ["9"], "TimeoutStopSec": ["65"],
                          "Wants": ["a.service", "b.service"], "After": ["c.service"], "Requires": ["d.service"]})
        self.assertEqual(made["Environment"], ["PODMAN_SYSTEMD_UNIT=%n", "A=50%%"])
        self.assertEqual(made["Description"], ["skiff ctr_web.service"])
        self.assertEqual(list(self.skiff("generate", "systemd", "--name", "--format", "json", "web").json), ["container-web"])
        self.assertEqual(self.skiff("generate", "systemd", "--no-header", "-n", "web").lines[0], "[Unit]")
        self.assertEqual(self.skiff("generate", "systemd", "-nf", "web").lines, [str(self.home / "container-web.service")])
        (self.home / "container-web.service").unlink()
        self.skiff_fails("generate", "systemd", "--restart-policy", "maybe", "web", says="maybe is not a valid restart policy")
        self.skiff_fails("generate", "systemd", "--container-prefix", "../x", "web", says="cannot be a unit's name")
        self.skiff_fails("generate", "systemd", "--template", "--new=false", "web", says="--template cannot be set with --new=false")
        self.skiff_fails("generate", "systemd", "nothing", says="no such container")

    def test_template(self):
        """Any number of instances, each with a container of its own name."""
        self.make("web", ["--network", "none", "--label", "a=b"], ["busybox", "sleep", "9"])
        made = self.service("--template", "--name", "web")
        self.assertEqual(made["Description"], ["skiff container-web@%i.service"])
        words = made["ExecStart"][0].split()
        self.assertEqual([word for word in words if "name" in word], ["--name=web-%i"])
        self.assertIn("--replace", words)
        self.assertEqual(made["ExecStop"][0].split()[-1], "--cidfile=%t/%n.ctr-id")
        self.assertEqual(self.skiff("generate", "systemd", "--template", "-nf", "web").lines, [str(self.home / "container-web@.service")])
        (self.home / "container-web@.service").unlink()

    def test_variables_go_to_a_file(self):
        """Not readable by others, and the same container comes of it; printed, who holds a password is told."""
        self.make("db", ["--network", "none", "-e", "DB_PASSWORD=geheim ' \"%n", "-e", "LINES=a\nb", "-e", "HOME"], ["busybox"])
        env = self.home / "container-db.env"
        env.touch(0o644)
        self.skiff("generate", "systemd", "--new", "-nf", "db")
        text = (self.home / "container-db.service").read_text(encoding="utf-8")
        self.assertNotIn("geheim", text)
        self.assertEqual((env.read_text(encoding="utf-8"), env.stat().st_mode & 0o777), ("# Made by skiff\nDB_PASSWORD=geheim ' \"%n\n", 0o600))
        words = split(next(line for line in text.split("\n") if line.startswith("ExecStart=")).partition("=")[2])
        words.remove("--cidfile=%t/%n.ctr-id")
        self.make_again(words, "db-again")
        self.assertEqual(sorted(self.config("db-again")["env"]), sorted(self.config("db")["env"]))
        self.assertIn("everybody may read DB_PASSWORD in the unit", self.skiff("generate", "systemd", "--new", "db").stderr)
        for path in (env, self.home / "container-db.service"):
            path.unlink()

    def test_foreign_text_is_never_more_than_text(self):
        self.make_hostile("hostile")
        text = self.skiff("generate", "systemd", "--new", "--no-header", "--name", "hostile").stdout
        self.only_keys(text, ("Description", "Documentation", "RequiresMountsFor", "Environment", "Restart", "TimeoutStopSec", "Delegate", "ExecStartPre", "ExecStart",
                              "ExecStop", "ExecStopPost", "Type", "NotifyAccess", "KillMode", "WantedBy"))
        words = split(next(line for line in text.split("\n") if line.startswith("ExecStart=")).partition("=")[2])
        words.remove("--cidfile=%t/%n.ctr-id")
        self.make_again(words, "hostile-again")
        self.assertEqual(self.config("hostile-again"), self.config("hostile"))

    def test_new_makes_the_same_container(self):
        for name, (options, args) in COMMANDS.items():
            with self.subTest(name):
                self.make(name, options, args)
                made = self.service("--new", "--name", name)
                words = split(made["ExecStart"][0])
                self.assertIn("--cidfile=%t/%n.ctr-id", words)
                words.remove("--cidfile=%t/%n.ctr-id")
                self.make_again(words, f"{name}-again")
                self.assertEqual(self.config(f"{name}-again"), self.config(name), words)
                self.assertEqual(made["Restart"], ["always" if name == "life" else "on-failure"])
                self.assertEqual((made["Type"], made["NotifyAccess"]), (["notify"], ["all"]))
                self.assertEqual(made["ExecStartPre"][0], "/bin/rm -f %t/%n.ctr-id")
                self.assertEqual(split(made["ExecStartPre"][1])[-3:], ["quadlet", "wait-online", "busybox"])
        self.skiff("volume", "rm", "-f", "gen-data", check=False)
