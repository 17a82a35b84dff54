# SPDX-License-Identifier: Apache-2.0
"""`secret` and `run --secret`: what podman says, and that a secret is nowhere but in its place."""

import os
import stat
import time
from pathlib import Path

from tests.support.skiff import SkiffTest, wait_for

CANARY = "canary-7f3d9a1e"


class Verbs(SkiffTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.skiff, "secret", "rm", "--all")

    def test_create_from_file_stdin_and_variable(self):
        source = self.tmp / "source"
        source.write_text("from a file")
        self.skiff("secret", "create", "a", source)
        self.skiff("secret", "create", "b", "-", input="from stdin")
        self.skiff("secret", "create", "--env", "c", "WORD", env={"WORD": "from env"})
        shown = self.skiff("secret", "inspect", "--showsecret", "--format", "{{.SecretData}}", "a", "b", "c")
        self.assertEqual(shown.lines, ["from a file", "from stdin", "from env"])

    def test_create_refusals_in_podmans_words(self):
        data = self.tmp / "data"
        data.write_text("x")
        empty = self.tmp / "empty"
        empty.write_text("")
        large = self.tmp / "large"
        large.write_text("x" * 512000)
        self.skiff("secret", "create", "taken", data)
        self.skiff_fails("secret", "create", "taken", data, says="Error: taken: secret name in use")
        for name in ("a=b", "a/b", "a,b", "", "x" * 254, ".."):
            self.skiff_fails("secret", "create", name, data,
                             says="can not include '=', '/', ',', or the NULL ('\\0') and be between 1 and 253 characters: "
                                  "invalid secret name")
        size = "Error: secret data must be larger than 0 and less than 512000 bytes"
        self.skiff_fails("secret", "create", "e", empty, says=size)
        self.skiff_fails("secret", "create", "e", large, says=size)
        large.write_text("x" * 600000)
        self.skiff_fails("secret", "create", "e", large, says=size)
        self.skiff_fails("secret", "create", "a/b", "nofile", says="invalid secret name")
        self.skiff_fails("secret", "create", "e", "nofile", says="Error: open nofile: no such file or directory")
        self.skiff_fails("secret", "create", "e", "-", says="Error: if `-` is used, data must be passed into stdin")
        self.skiff_fails("secret", "create", "--env", "e", "NOPE",
                         says="Error: cannot create store secret data: environment variable NOPE is not set")
        self.skiff_fails("secret", "create", "--driver", "nope", "e", data, says="Error: invalid driver")
        self.assertEqual(self.skiff("secret", "ls", "--noheading", "--format", "{{.Name}}").lines, ["taken"])

    def test_replace_and_ignore(self):
        first = self.skiff("secret", "create", "s", "-", input="one").word
        self.assertEqual(self.skiff("secret", "create", "--ignore", "s", "-", input="two").word, first)
        self.assertEqual(self.skiff("secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "s").word, "one")
        second = self.skiff("secret", "create", "--replace", "s", "-", input="two").word
        self.assertNotEqual(first, second)
        self.assertEqual(self.skiff("secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "s").word, "two")
        self.skiff("secret", "exists", first, code=1)

    def test_inspect_has_podmans_fields_and_no_secret(self):
        identity = self.skiff("secret", "create", "--label", "a=b", "-l", "c", "s", "-", input=CANARY).word
        self.assertEqual(len(identity), 25)
        done = self.skiff("secret", "inspect", "s")
        self.assertNotIn(CANARY, done.stdout)
        report = done.json[0]
        self.assertEqual(list(report), ["ID", "CreatedAt", "UpdatedAt", "Spec"])
        self.assertEqual(report["ID"], identity)
        self.assertEqual(report["Spec"]["Name"], "s")
        self.assertEqual(report["Spec"]["Driver"]["Name"], "file")
        self.assertEqual(report["Spec"]["Labels"], {"a": "b", "c": ""})
        self.assertNotIn(CANARY, self.skiff("secret", "inspect", "--pretty", "s").stdout)

    def test_driver_options_are_told(self):
        self.skiff("secret", "create", "--driver-opts", "a=b,c=d=e", "s", "-", input="x")
        options = self.skiff("secret", "inspect", "s").json[0]["Spec"]["Driver"]["Options"]
        self.assertEqual((options["a"], options["c"], sorted(options)), ("b", "d=e", ["a", "c", "path"]))
        self.skiff_fails("secret", "create", "--driver-opts", "a", "t", "-", input="x",
                         says='invalid argument "a" for "--driver-opts" flag: a must be formatted as key=value')
        self.skiff_fails("secret", "create", "--driver-opts", "path=/tmp", "t", "-", input="x", says="secrets are stored with all else")

    def test_inspect_says_what_is_missing(self):
        self.skiff("secret", "create", "s", "-", input="x")
        done = self.skiff("secret", "inspect", "nope", "s", code=125)
        self.assertEqual(done.json[0]["Spec"]["Name"], "s")
        self.assertIn('Error: inspecting secret: no secret with name or id "nope": no such secret', done.stderr)
        self.assertEqual(self.skiff("secret", "inspect", "nope", code=125).json, [])

    def test_ls(self):
        one = self.skiff("secret", "create", "one", "-", input="x").word
        self.skiff("secret", "create", "two", "-", input="x")
        lines = self.skiff("secret", "ls").lines
        self.assertEqual(lines[0].split(), ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"])
        self.assertEqual(len(lines), 3)
        self.assertEqual(self.skiff("secret", "ls", "-q", "--filter", "name=on").lines, [one])
        self.assertEqual(self.skiff("secret", "ls", "-q", "--filter", f"id={one[:5]}").lines, [one])
        self.skiff_fails("secret", "ls", "--filter", "x=y", says='Error: invalid filter "x"')

    def test_rm(self):
        for name in ("one", "two", "three"):  # no beginnings of ids
            self.skiff("secret", "create", name, "-", input="x")
        identity = self.skiff("secret", "inspect", "-f", "{{.ID}}", "one").word
        self.skiff_fails("secret", "rm", says="requires one argument, or the --all flag")
        done = self.skiff("secret", "rm", "nope", "one", code=125)
        self.assertEqual(done.word, identity)
        self.assertIn('Error: no secret with name or id "nope": no such secret', done.stderr)
        self.skiff("secret", "rm", "--ignore", "nope")
        self.skiff("secret", "exists", "one", code=1)
        self.skiff("secret", "exists", "two")
        self.assertEqual(len(self.skiff("secret", "rm", "--all").lines), 2)
        self.assertEqual(self.skiff("secret", "ls", "-q").stdout, "")

    def test_files_are_the_users_alone(self):
        self.skiff("secret", "create", "s", "-", input="x")
        store = self.state_directories()["store/containers"].parent / "secrets"
        for path in [store, *store.rglob("*")]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


class Containers(SkiffTest):
    images = ["busybox"]

    def test_container_without_a_root(self):
        """With a single id, keep-id maps no 0 inside; the files are the caller's then."""
        self.skiff("secret", "create", "rootless", "-", input="x")
        self.addCleanup(self.skiff, "secret", "rm", "rootless")
        args = ["run", "--rm", "--network", "none", "--userns=keep-id", "--secret", "rootless", "busybox", "sh", "-c"]
        if os.geteuid() != 0:
            self.assertEqual(self.skiff(*args, "cat /run/secrets/rootless; grep -c : /etc/passwd >/dev/null && echo y").word, "xy")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.skiff, "secret", "rm", "--all", check=False)
        self.addCleanup(self.skiff, "rm", "-fa", "-t", "0")
        self.identity = self.skiff("secret", "create", "s", "-", input=CANARY).word

    def run_one(self, *args, **options):
        return self.skiff("run", "--rm", "--network", "none", *args, **options)

    def test_file(self):
        done = self.run_one("--secret", "s", "busybox", "sh", "-c", "cat /run/secrets/s; stat -c ' %a %u %g' /run/secrets/s")
        self.assertEqual(done.stdout, f"{CANARY} 444 0 0\n")

    def test_file_is_in_memory(self):
        done = self.run_one("--secret", "s", "busybox", "grep", " /run/secrets ", "/proc/mounts")
        self.assertEqual(done.word.split()[2], "tmpfs")

    def test_by_id(self):
        self.assertEqual(self.run_one("--secret", self.identity[:12], "busybox", "cat", "/run/secrets/" + self.identity[:12]).stdout,
                         CANARY)

    def test_target_owner_and_mode(self):
        self.need_ids()
        done = self.run_one("--secret", "s,target=in/there,uid=7,gid=8,mode=0640", "busybox",
                            "stat", "-c", "%a %u %g", "/run/secrets/in/there")
        self.assertEqual(done.word, "640 7 8")

    def test_absolute_target_and_read_only_root(self):
        done = self.run_one("--read-only", "--secret", "s,target=/etc/deep/file", "--secret", "s,target=/opt/other", "busybox",
                            "cat", "/etc/deep/file", "/opt/other")
        self.assertEqual(done.stdout, CANARY * 2)

    def test_target_through_the_images_link_stays_inside(self):
        canary = self.tmp / "outside"
        canary.mkdir()
        self.run_one("--secret", f"s,target={canary}/x", "busybox", "cat", f"{canary}/x")
        self.assertEqual(list(canary.iterdir()), [])

    def test_refusals(self):
        for value, says in (("nope", 'Error: no secret with name or id "nope": no such secret'),
                            ("s,foo=bar", "Error: option foo=bar invalid: parsing secret"),
                            ("s,type=foo", "Error: type foo is invalid: parsing secret"),
                            ("s,mode=9", "Error: mode 9 invalid: parsing secret"),
                            ("s,uid=x", "Error: UID x invalid: parsing secret"),
                            ("s,type=env,uid=1",
                             "Error: UID, GID, Mode options cannot be set with secret type env: parsing secret")):
            with self.subTest(value):
                self.skiff_fails("create", "--secret", value, "busybox", says=says)

    def test_variable_in_run_and_exec(self):
        self.skiff("run", "-d", "--name", "c", "--network", "none", "--secret", "s,type=env,target=WORD", "busybox",
                   "sleep", "1000")
        pid = self.skiff("inspect", "c", "-f", "{{.State.Pid}}").word
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "echo $WORD").word, CANARY)
        self.assertEqual(self.skiff("exec", "c", "sh", "-c", "tr '\\0' '\\n' < /proc/1/environ | grep ^WORD=").word,
                         f"WORD={CANARY}")
        self.assertTrue(pid)
        report = self.skiff("inspect", "c")
        self.assertNotIn(CANARY, report.stdout)
        self.assertIn("WORD=*******", report.json[0]["Config"]["Env"])

    def test_variable_with_a_nul_is_refused(self):
        self.skiff("secret", "create", "nul", "-", input=b"a\0b")
        self.skiff_fails("run", "--rm", "--network", "none", "--secret", "nul,type=env", "busybox", "true", says="has a NUL byte")
        self.assertEqual(self.run_one("--secret", "nul", "busybox", "cat", "/run/secrets/nul").stdout_bytes, b"a\0b")

    def test_inspect(self):
        self.skiff("create", "--name", "c", "--network", "none", "--secret", "s,uid=1,gid=2,mode=0400", "busybox")
        self.assertEqual(self.skiff("inspect", "c").json[0]["Config"]["Secrets"],
                         [{"Name": "s", "ID": self.identity, "UID": 1, "GID": 2, "Mode": 0o400}])

    def test_file_outlives_the_secret_and_variable_does_not(self):
        self.skiff("create", "--name", "file", "--network", "none", "--secret", "s", "busybox", "cat", "/run/secrets/s")
        self.skiff("create", "--name", "var", "--network", "none", "--secret", "s,type=env", "busybox", "true")
        self.skiff("secret", "rm", "s")
        self.assertEqual(self.skiff("start", "-a", "file").stdout, CANARY)
        self.skiff_fails("start", "-a", "var", says='no secret with name or id "s": no such secret')

    def test_restart_has_it_again(self):
        self.skiff("run", "--name", "c", "--network", "none", "--restart", "on-failure:1", "--secret", "s", "--secret",
                   "s,type=env,target=W", "busybox", "sh", "-c", "cat /run/secrets/s; echo \" $W\"; false", code=1)
        wait_for(lambda: self.skiff("logs", "c").stdout.count(f"{CANARY} {CANARY}") == 2)

    def test_neither_commit_nor_export_nor_diff_has_it(self):
        self.skiff("run", "--name", "c", "--network", "none", "--secret", "s", "--secret", "s,type=env,target=W", "--secret",
                   "s,target=/srv/x", "busybox", "sh", "-c", "test -s /srv/x")
        self.skiff("commit", "-q", "c", "committed")
        self.addCleanup(self.skiff, "rmi", "-f", "committed")
        self.assertNotIn(CANARY, self.skiff("run", "--rm", "--network", "none", "committed", "sh", "-c",
                                            "env; cat /srv/x /run/secrets/s 2>/dev/null; true").stdout)
        self.assertNotIn(CANARY, self.skiff("history", "--no-trunc", "committed").stdout)
        self.assertNotIn(CANARY, self.skiff("inspect", "committed").stdout)
        self.skiff("export", "-o", self.tmp / "c.tar", "c")
        self.assertNotIn(CANARY.encode(), (self.tmp / "c.tar").read_bytes())

    def test_it_is_nowhere_else(self):
        """Every file of store and runtime directory, every command line and environment of ours."""
        self.skiff("run", "-d", "--name", "c", "--network", "none", "--secret", "s", "--secret", "s,type=env,target=W",
                   "busybox", "sleep", "1000")
        init = int(self.skiff("inspect", "c", "-f", "{{.State.Pid}}").word)
        monitor = int(self.skiff("inspect", "c", "-f", "{{.State.ConmonPid}}").word)
        found = []
        state = self.state_directories()
        for top in (state["store/containers"].parent, state["runtime"]):
            for path in top.rglob("*"):
                try:
                    if path.is_file() and not path.is_symlink() and CANARY.encode() in path.read_bytes():
                        found.append(path)
                except PermissionError:
                    continue
        for path in found:
            self.assertTrue(path.name == "data" and path.parent.name == "s" or path.name.startswith("secret."), path)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
        self.assertEqual(len(found), 2)
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) in (os.getpid(), init):
                continue
            for part in ("cmdline", "environ"):
                try:
                    text = Path(f"/proc/{name}/{part}").read_bytes()
                except OSError:
                    continue
                self.assertNotIn(CANARY.encode(), text, f"/proc/{name}/{part}")
        self.assertTrue(Path(f"/proc/{monitor}").exists())

    def test_the_monitors_memory_does_not_have_it(self):
        self.need(os.geteuid() == 0 or Path("/proc/sys/kernel/yama/ptrace_scope").exists() is False, "needs to read its memory")
        self.skiff("run", "-d", "--name", "c", "--network", "none", "--secret", "s", "--secret", "s,type=env,target=W",
                   "busybox", "sleep", "1000")
        monitor = self.skiff("inspect", "c", "-f", "{{.State.ConmonPid}}").word
        regions = [line.split() for line in Path(f"/proc/{monitor}/maps").read_text(encoding="utf-8").splitlines()]
        seen = 0
        with open(f"/proc/{monitor}/mem", "rb", buffering=0) as memory:
            for region in regions:
                if "w" not in region[1] or (len(region) > 5 and region[5].startswith("[v")):
                    continue
                begin, end = (int(text, 16) for text in region[0].split("-"))
                if end - begin > 64 << 20:
                    continue  # a sanitizer's shadow
                memory.seek(begin)
                seen += 1
                self.assertNotIn(CANARY.encode(), memory.read(end - begin), region)
        self.assertGreater(seen, 2)

    def test_no_core_file_has_it(self):
        done = self.run_one("--secret", "s,type=env,target=W", "busybox", "sh", "-c", "ulimit -c; ulimit -Hc")
        self.assertEqual(done.lines, ["0", "0"])


class Events(SkiffTest):
    def test_create_and_rm_are_told(self):
        since = str(time.time())
        identity = self.skiff("secret", "create", "s", "-", input=CANARY).word
        self.skiff("secret", "rm", "s")
        done = self.skiff("events", "--stream=false", "--since", since, "--filter", "type=secret", "--format", "json")
        self.assertEqual([identity in line for line in done.lines], [True, True])
        self.assertNotIn(CANARY, done.stdout)
