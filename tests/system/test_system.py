# SPDX-License-Identifier: Apache-2.0
"""system df, prune, reset, migrate, renumber, events, info."""

import os
import subprocess

from tests.support.skiff import SkiffTest, sub_ids


class DiskUsage(SkiffTest):
    images = ["busybox"]

    def rows(self):
        return {row["Type"]: row for row in self.skiff("system", "df", "--format", "json").json}

    def test_figures(self):
        """Sizes are those that were written, shared layers count once."""
        self.addCleanup(self.skiff, "volume", "rm", "--all", "-f")
        base = self.rows()
        self.assertEqual([(base[kind]["Total"], base[kind]["Active"]) for kind in ("Images", "Containers", "Local Volumes")],
                         [(1, 0), (0, 0), (0, 0)])
        size = base["Images"]["RawSize"]
        self.assertEqual(base["Images"]["RawReclaimable"], size)
        self.assertEqual(int(self.skiff("inspect", "--format", "{{.Size}}", "busybox").word), size)
        chown = "" if sub_ids() == 0 else "chown 5:5 /own; chmod 0 /own;"
        self.skiff("run", "--name", "ended", "--network", "none", "-v", "data:/d", "busybox", "sh", "-c",
                   f"head -c 1000 /dev/zero > /own; {chown} head -c 50000 /dev/zero > /d/x")
        self.skiff("volume", "create", "idle")
        self.skiff("commit", "ended", "made")
        self.skiff("run", "-d", "--name", "up", "--network", "none", "made", "sleep", "1000")
        rows = self.rows()
        self.assertEqual((rows["Images"]["Total"], rows["Images"]["Active"]), (2, 2))
        self.assertEqual((rows["Images"]["RawSize"], rows["Images"]["RawReclaimable"]), (size + 1000, 0))
        self.assertEqual((rows["Containers"]["Total"], rows["Containers"]["Active"]), (2, 1))
        self.assertEqual((rows["Containers"]["RawSize"], rows["Containers"]["RawReclaimable"]), (1000, 1000))
        self.assertEqual((rows["Local Volumes"]["Total"], rows["Local Volumes"]["Active"], rows["Local Volumes"]["RawSize"],
                          rows["Local Volumes"]["RawReclaimable"], rows["Local Volumes"]["Size"],
                          rows["Local Volumes"]["Reclaimable"]), (2, 1, 50000, 0, "50kB", "0B (0%)"))
        self.skiff("rm", "-f", "-t", "0", "up")
        self.assertEqual(self.rows()["Images"]["RawReclaimable"], 1000)
        self.assertEqual(rows["Containers"]["Reclaimable"], "1kB (100%)")

        lines = self.skiff("system", "df").lines
        self.assertRegex(lines[0], r"^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$")
        self.assertRegex(lines[2], r"^Containers     1 +0 +1kB +1kB \(100%\)$")
        self.assertEqual(self.skiff("system", "df", "--format", "{{.Type}}:{{.Total}}:{{.RawSize}}").lines[2], "Local Volumes:2:50000")
        text = self.skiff("system", "df", "-v").stdout
        self.assertRegex(text, r"^Images space usage:\n\nREPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS\n")
        self.assertRegex(text, r"\nlocalhost/made +latest +\w{12} .* 1kB +0\n")
        self.assertRegex(text, r"\nlocalhost/busybox +latest +\w{12} .* 0B +1\n")
        self.assertRegex(text, r"\n\nContainers space usage:\n\nCONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES\n"
                         r"\w{12} +\w{12} +sh -c head -c 1000 .*/d/x +1 +1kB +.* +exited +ended\n")
        self.assertRegex(text, r"\n\nLocal Volumes space usage:\n\nVOLUME NAME +LINKS +SIZE\ndata +1 +50kB\nidle +0 +0B\n$")
        self.skiff_fails("system", "df", "-v", "--format", "json", says="cannot combine --format and --verbose flags")
        self.skiff("rm", "ended")
        self.skiff("rmi", "made")


class Prune(SkiffTest):
    images = ["busybox"]

    def setUp(self):
        super().setUp()
        self.load_image("busybox")
        self.addCleanup(self.skiff, "volume", "rm", "--all", "-f")

    def names(self, *args):
        return sorted(self.skiff(*args).lines)

    def test_asks_in_podmans_words(self):
        warning = ("WARNING! This command removes:\n\t- all stopped containers\n"
                   "\t- all networks not used by at least one container{}{}\n\t- all {}\n\t- all {}build cache\n\n"
                   "Are you sure you want to continue? [y/N] ")
        self.assertEqual(self.skiff("system", "prune", input="n\n").stdout, warning.format("", "", "dangling images", "dangling "))
        self.assertEqual(self.skiff("system", "prune", "-a", "--volumes", "--build", input="", code=125).stdout, warning.format(
            "\n\t- all volumes not used by at least one container", "\n\t- all build containers",
            "images without at least one container associated with them", ""))
        self.assertIn("busybox", self.skiff("images").stdout)

    def test_what_goes(self):
        ended = self.skiff("create", "--name", "ended", "busybox", "true").word
        self.skiff("run", "--name", "writer", "--network", "none", "-v", "used:/v", "busybox", "sh", "-c", "head -c 3000 /dev/zero > /f")
        self.skiff("commit", "-q", "writer", "named")
        self.skiff("run", "-d", "--name", "up", "--network", "none", "-v", "busy:/v", "busybox", "sleep", "1000")
        dangling = self.skiff("commit", "-q", "writer").word
        self.skiff("volume", "create", "idle")
        done = self.skiff("system", "prune", "-f").lines
        self.assertEqual(done[0], "Deleted Containers")
        self.assertIn(ended, done)
        self.assertEqual(done[done.index("Deleted Images") + 1:-1], [dangling])
        self.assertNotIn("Deleted Volumes", done)
        self.assertRegex(done[-1], r"^Total reclaimed space: [36]kB$")
        self.assertEqual(self.names("ps", "-a", "--format", "{{.Names}}"), ["up"])
        self.assertEqual(self.names("volume", "ls", "-q"), ["busy", "idle", "used"])
        done = self.skiff("system", "prune", "-af", "--volumes").lines
        self.assertEqual(self.names("images", "--format", "{{.Repository}}"), ["localhost/busybox"])
        self.assertEqual(self.names("volume", "ls", "-q"), ["busy"])
        self.assertEqual(done[done.index("Deleted Volumes") + 1:][:2], ["idle", "used"])
        self.skiff("rm", "-f", "-t", "0", "up")
        self.assertEqual(self.skiff("system", "prune", "-f").lines, ["Total reclaimed space: 0B"])

    def test_filters(self):
        self.skiff("create", "--name", "one", "--label", "keep=yes", "busybox", "true")
        self.skiff("create", "--name", "two", "busybox", "true")
        self.skiff_fails("system", "prune", "-f", "--filter", "name=x", says="name is an invalid filter")
        self.skiff_fails("system", "prune", "-f", "--external", "-a", says="--external cannot be combined with other options")
        self.skiff("system", "prune", "-f", "--filter", "until=1h")
        self.assertEqual(self.names("ps", "-a", "--format", "{{.Names}}"), ["one", "two"])
        self.skiff("system", "prune", "-f", "--filter", "label!=keep")
        self.assertEqual(self.names("ps", "-a", "--format", "{{.Names}}"), ["one"])

    def test_external(self):
        """A stage whose maker is dead goes; records stay."""
        self.skiff("create", "--name", "one", "busybox", "true")
        stage = self.state_directories()["store/staging"] / "0123456789abcdef"
        stage.mkdir()
        (stage / "lease").touch()
        self.skiff("system", "prune", "--external")
        self.assertFalse(stage.exists())
        self.assertEqual(self.names("ps", "-a", "--format", "{{.Names}}"), ["one"])


class Reset(SkiffTest):
    images = ["busybox"]
    cleans_up = False

    def test_all_goes(self):
        """Also what runs, files of sub-ids, and a store that cannot be read."""
        store, runtime = self.state_directories()["store/names"].parent, self.state_directories()["runtime"]
        self.skiff("run", "-d", "--name", "up", "--restart", "always", "--network", "none", "-v", "v:/v", "busybox", "sh", "-c",
                   "mkdir /v/x; touch /v/x/y; chmod 0 /v/x; exec sleep 1000")
        pid = self.skiff("inspect", "--format", "{{.State.Pid}} {{.State.ConmonPid}}", "up").word.split()
        asked = self.skiff("system", "reset", input="n\n").stdout
        self.assertEqual(asked, "WARNING! This will remove:\n        - all containers\n        - all pods\n        - all images\n"
                         "        - all networks\n        - all build cache\n        - all machines\n        - all volumes\n"
                         f'        - the graphRoot directory: "{store}"\n        - the runRoot directory: "{runtime}"\n'
                         "Are you sure you want to continue? [y/N] ")
        self.assertEqual(self.skiff("ps", "-q").stdout.count("\n"), 1)
        for path in (store / "containers").glob("*/*.json"):
            path.write_text("{")
        (store / "version").write_text("x")
        self.skiff("system", "reset", "-f")
        self.assertFalse(store.exists())
        self.assertFalse(runtime.exists())
        self.assertFalse([p for p in pid if os.path.exists(f"/proc/{p}")])
        self.assertEqual(self.skiff("images", "-q").stdout, "")
        self.load_image("busybox")
        self.skiff("run", "--rm", "--network", "none", "busybox", "true")
        self.skiff("system", "reset", input="y\n")
        self.assertFalse(store.exists())


class Completion(SkiffTest):
    images = ["busybox"]

    def test_scripts(self):
        """The script is the shipped one, and bash completes verbs, groups and local names with it."""
        self.skiff("create", "--name", "completed", "busybox", "true")
        script = self.skiff("completion", "bash").stdout
        ask = 'source "$1"; _ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _skiff; printf "%s\\n" "${COMPREPLY[*]}"; }; '
        self.skiff("network", "create", "netted")
        self.skiff("secret", "create", "hidden", "-", input="x")
        asked = "; ".join(f"_ask {self.program} {words}" for words in (
            "start com", "manif", "health", "run --network ne", "run --secret ''", "kill --signal SIGK", "images --format '{{.Rep'"))
        file = self.tmp / "completion"
        self.skiff("completion", "-f", file, "bash")
        self.assertEqual(file.read_text(encoding="utf-8"), script)
        done = subprocess.run(["bash", "-c", ask + asked, "bash", str(file)], capture_output=True, text=True, check=True, env=self.environment())
        self.assertEqual((done.stdout.split(), done.stderr), (["completed", "manifest", "healthcheck", "netted", "hidden", "SIGKILL", "{{.RepoDigests}}", "{{.Repository}}"], ""))
        self.assertIn("#compdef skiff\n", self.skiff("completion", "zsh").stdout)
        self.assertIn("complete -c skiff -f", self.skiff("completion", "--no-desc", "fish").stdout)
        self.skiff_fails("completion", "-f", "/no/such/file", "bash", says="Error: cannot write '/no/such/file': No such file or directory")
        self.skiff("rm", "completed")
        self.skiff("network", "rm", "netted")
        self.skiff("secret", "rm", "hidden")


class Others(SkiffTest):
    def test_nothing_to_do(self):
        for verb, word in (("migrate", "migrate"), ("renumber", "renumber")):
            done = self.skiff("system", verb)
            self.assertIn(f"Nothing to {word}", done.stderr)
            self.assertEqual(done.stdout, "")
        self.skiff_fails("system", "migrate", "--new-runtime", "crun", says="--new-runtime")

    def test_aliases(self):
        self.assertEqual(self.skiff("system", "info", "--format", "{{.Store.GraphRoot}}").stdout,
                         self.skiff("info", "--format", "{{.Store.GraphRoot}}").stdout)
        self.skiff("system", "events", "--stream=false")


class Doctor(SkiffTest):
    def findings(self, **options):
        done = self.skiff("doctor", "--format", "json", check=False, **options)
        rows = {row["Name"]: row for row in done.json}
        fails = any(row["Status"] == "fail" for row in done.json)
        self.assertEqual(done.code, 1 if fails else 0)
        return rows

    def test_here(self):
        rows = self.findings()
        for name in ("kernel", "programs", "overlay", "disk", "leftovers"):
            self.assertEqual(rows[name]["Status"], "ok", rows[name])
        if os.geteuid() != 0:
            self.assertEqual(rows["user namespaces"]["Status"], "ok")
            self.assertEqual(rows["sub-ids"]["Status"], "fail" if sub_ids() == 0 else "ok")
            self.assertEqual(rows["runtime directory"]["Status"], "ok")
        lines = self.skiff("doctor", check=False).lines
        for line in lines:
            self.assertRegex(line, r"^(ok  |warn|fail)  [a-z -]+: .|^      help: .")
        self.assertFalse(list(self.state_directories()["store/staging"].glob("[0-9a-f]*")))

    def test_problems(self):
        self.need(os.geteuid() != 0, "root needs none of it")
        rows = self.findings(env={"XDG_RUNTIME_DIR": None})
        self.assertEqual(rows["runtime directory"]["Status"], "warn")
        self.assertIn("export XDG_RUNTIME_DIR=/run/user/", rows["runtime directory"]["Help"])
        stage = self.state_directories()["store/staging"] / "0123456789abcdef"
        stage.mkdir(parents=True)
        (stage / "lease").touch()
        self.assertEqual(self.findings()["leftovers"]["Help"], "skiff system prune --external")
        self.skiff("system", "prune", "--external")
        self.assertEqual(self.findings()["leftovers"]["Status"], "ok")
        store = self.state_directories()["store/names"].parent
        os.chmod(store, 0o777)
        rows = self.findings()
        os.chmod(store, 0o700)
        self.assertEqual(rows["store"]["Status"], "fail")
