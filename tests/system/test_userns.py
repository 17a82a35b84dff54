# SPDX-License-Identifier: Apache-2.0
"""User namespaces of all kinds, and namespaces shared between containers: what is seen inside, who owns what.

The tests run as an unprivileged user with sub-ids, as root and as a user without sub-ids; each says
which of them it needs. --userns=auto wants more than 66,560 sub-ids: run.py --as skiffwide.
"""

import os
import pwd
import re
import subprocess
from pathlib import Path

from tests.support.skiff import SkiffTest, free_port, sub_ids, wait_for

LIST_TREE = ("find / -xdev -type d -exec stat -c '%n %f %u %g' {} + ;"
             "find / -xdev ! -type d -exec stat -c '%n %f %u %g %s %h %Y' {} +")
OURS = re.compile(r"^/(etc/(hosts|hostname|resolv\.conf)|run/\.containerenv|dev|proc|sys)\b")


class UserNsTest(SkiffTest):
    images = ["busybox"]

    def need_sub_ids(self, count=65536):
        """Skip unless we are an unprivileged user with that many."""
        self.need(os.geteuid() != 0, "about unprivileged users: root has all ids")
        self.need(sub_ids() >= count, f"needs {count} sub-ids")

    def inside(self, *options, script="cat /proc/self/uid_map", **kw):
        """Run a script in a fresh container and return the Result."""
        return self.skiff("run", "--rm", *options, "busybox", "sh", "-c", script, **kw)

    def id_map(self, *options):
        """The rows of uid_map inside."""
        return [tuple(map(int, line.split())) for line in self.inside(*options).lines]


class KeepId(UserNsTest):
    def setUp(self):
        super().setUp()
        self.need(os.geteuid() != 0, "keep-id maps an unprivileged caller")

    def test_user_is_the_caller(self):
        host = self.tmp / "mine"
        host.mkdir(exist_ok=True)
        out = self.inside("--userns=keep-id", "-v", f"{host}:/m", script="id -u; id -g; touch /m/f; stat -c %u /m/f").lines
        self.assertEqual(out, [str(os.geteuid()), str(os.getegid()), str(os.geteuid())])
        self.assertEqual((host / "f").stat().st_uid, os.geteuid())

    def test_files_of_the_image_keep_their_owners(self):
        self.need_sub_ids()
        out = self.inside("--userns=keep-id", script="stat -c %u:%g / /etc /bin/busybox /run").lines
        self.assertEqual(out, ["0:0"] * 4)

    def test_options(self):
        self.need_sub_ids()
        out = self.inside("--userns=keep-id:uid=200,gid=210,size=5000", script="id -u; id -g; cat /proc/self/uid_map").lines
        self.assertEqual(out[:2], ["200", "210"])
        rows = [tuple(map(int, line.split())) for line in out[2:]]
        self.assertEqual(rows, [(0, 1, 200), (200, 0, 1), (201, 201, 4799)])

    def test_root_inside_may_change_the_image(self):
        self.need_sub_ids()
        out = self.inside("--userns=keep-id", "--user", "0", script="touch /etc/new && stat -c %u /etc/new").word
        self.assertEqual(out, "0")

    def test_output_can_be_opened_again(self):
        done = self.inside("--userns=keep-id", script="echo out >/dev/stdout; echo err >/dev/stderr")
        self.assertEqual((done.stdout, done.stderr.splitlines()[-1:]), ("out\n", ["err"]))

    def test_life(self):
        """exec, files of its own, stop, start and restart."""
        self.skiff("run", "-d", "--name", "k", "--userns=keep-id", "--init", "busybox", "sleep", "1d")
        uid = str(os.geteuid())
        for change in (None, ("stop", "-t", "0", "k"), ("restart", "-t", "0", "k")):
            if change:
                self.skiff(*change)
                self.skiff("start", "k")
            self.assertEqual(self.skiff("exec", "k", "id", "-u").word, uid)
            self.skiff("exec", "k", "sh", "-c", "echo x >> /tmp/count || echo x >> /dev/shm/count")
        if sub_ids():
            self.skiff("exec", "-u", "0", "k", "touch", "/by-root")
            self.skiff("restart", "-t", "0", "k")
            self.assertEqual(self.skiff("exec", "k", "stat", "-c", "%u", "/by-root").word, "0")

    def test_fresh_volume_belongs_to_the_user(self):
        self.addCleanup(self.skiff, "volume", "rm", "-f", "keep")
        for word in ("first", "second"):
            self.inside("--userns=keep-id", "-v", "keep:/data", script=f"echo {word} >> /data/log")
        self.assertEqual(self.inside("--userns=keep-id", "-v", "keep:/data", script="cat /data/log").lines, ["first", "second"])

    def test_terminal(self):
        terminal = self.tty("run", "-it", "--rm", "--userns=keep-id", "busybox", "sh")
        terminal.expect(r"[#$] ")
        terminal.send("echo uid=$(id -u); tty; echo again > /dev/tty\n")
        terminal.expect(f"uid={os.geteuid()}\r?\n")
        terminal.expect("/dev/pts/0")
        terminal.expect("again")
        terminal.send("exit 4\n")
        self.assertEqual(terminal.wait(), 4)

    def test_network_and_published_port(self):
        port = free_port()
        self.skiff("run", "-d", "--name", "web", "--userns=keep-id", "-p", f"127.0.0.1:{port}:8080", "busybox", "sh", "-c",
                   "mkdir -p /dev/shm/w && echo served > /dev/shm/w/index.html && exec httpd -f -p 8080 -h /dev/shm/w")
        fetch = ("curl", "-s", f"http://127.0.0.1:{port}/")
        wait_for(lambda: subprocess.run(fetch, capture_output=True, text=True, check=False).stdout == "served\n",
                 message="the published port")
        self.assertIn("10.0.2.100", self.skiff("exec", "web", "ip", "addr").stdout)
        mode = ["--userns=host", "--userns=container:web", "--userns=keep-id"]
        for option in mode:
            with self.subTest(option):
                out = self.inside("--network", "container:web", option, script="wget -qO- http://127.0.0.1:8080/").word
                self.assertEqual(out, "served")


class Maps(UserNsTest):
    images = ["busybox", "features"]

    def test_nomap_leaves_the_caller_out(self):
        self.need_sub_ids()
        host = self.tmp / "theirs"
        host.mkdir(exist_ok=True)
        host.chmod(0o755)
        script = "cat /proc/self/uid_map; stat -c %u /m; stat -c %u / /etc; touch /m/f 2>/dev/null || echo refused; echo err >/dev/stderr"
        done = self.inside("--userns=nomap", "-v", f"{host}:/m", script=script)
        self.assertEqual(done.lines[0].split()[:2], ["0", "1"])
        self.assertEqual(done.lines[-4:], ["65534", "0", "0", "refused"])
        self.assertEqual(done.stderr, "err\n")

    def test_mount_given_to_the_user(self):
        self.need_ids()
        for number, options in enumerate((("--uidmap", "0:1:5000"), ("--uidmap", "0:1:5000", "--user", "33:44"))):
            with self.subTest(options):
                host = self.home / f"given{number}"  # removed inside the namespace
                (host / "sub").mkdir(parents=True)
                (host / "sub/file").write_text("x\n", encoding="utf-8")
                for _ in range(2):
                    out = self.inside(*options, "-v", f"{host}:/m:U", script="stat -c %u /m /m/sub /m/sub/file; id -u; echo y > /m/sub/file").lines
                    self.assertEqual(len(set(out)), 1, out)

    def test_ranges_as_typed(self):
        self.need_ids()
        for options, rows in (
                (("--uidmap", "0:1:100"), [(0, 1, 100)]),
                # The caller and the sub-ids are two ranges of the namespace around it.
                (("--uidmap", "0:0:100"), [(0, 0, 100)]),
                (("--uidmap", "0:100:100", "--gidmap", "0:200:50"), [(0, 100, 100)]),
                (("--uidmap", "0:1:10", "--uidmap", "1000:0:1"), [(0, 1, 10), (1000, 0, 1)])):
            with self.subTest(options):
                covered = {}
                for inside, outside, count in self.id_map(*options):
                    covered |= {inside + i: outside + i for i in range(count)}
                expected = {inside + i: outside + i for inside, outside, count in rows for i in range(count)}
                self.assertEqual(covered, expected)
                self.assertEqual(self.inside(*options, script="id -u; stat -c %u / /etc; touch /etc/x && echo ok").lines,
                                 ["0", "0", "0", "ok"])

    def test_ids_of_a_name(self):
        """--subuidname: what /etc/subuid gives a user, from the container's 0 on; others' ids are not ours."""
        self.need_sub_ids()
        name = pwd.getpwuid(os.geteuid()).pw_name
        for options in (("--subuidname", name), ("--subgidname", name), ("--subuidname", name, "--subgidname", name)):
            with self.subTest(options):
                self.assertEqual(self.id_map(*options)[0][:2], (0, 1))
                self.assertEqual(self.inside(*options, script="id -u; stat -c %u /etc; touch /etc/x && echo ok").lines, ["0", "0", "ok"])
        self.skiff_fails("run", "--rm", "--subuidname", "nobody-has-this", "busybox", "true",
                         says='no ranges found for user "nobody-has-this" in /etc/subuid')
        for option in ("--userns=keep-id", "--uidmap=0:1:5"):
            self.skiff_fails("run", "--rm", "--subuidname", name, option, "busybox", "true", says="exclu")
        others = [line.split(":")[0] for line in Path("/etc/subuid").read_text(encoding="utf-8").splitlines()]
        stranger = next((other for other in others if other not in (name, str(os.geteuid()))), None)
        if stranger:
            self.skiff_fails("run", "--rm", "--subuidname", stranger, "busybox", "true", says="are none of ours")

    def test_more_ids_than_there_are(self):
        self.need_sub_ids()
        self.skiff_fails("run", "--rm", "--uidmap", "0:1:4000000000", "busybox", "true", says="there are only")

    def tree_inside(self, *options):
        """Every path of the image with mode, owner, size, links and time."""
        done = self.skiff("run", "--rm", "--user", "0", *options, "features", "sh", "-c", LIST_TREE)
        return sorted(line for line in done.lines if not OURS.match(line))

    def test_the_image_looks_the_same_with_any_map(self):
        self.need_ids()
        plain = self.tree_inside()
        self.assertGreater(len(plain), 50)
        maps = [("--uidmap", "0:1:65536")] if os.geteuid() == 0 else [("--userns=keep-id",), ("--userns=nomap",)]
        for options in maps:
            with self.subTest(options):
                self.assertEqual(self.tree_inside(*options), plain)

    def test_owner_without_a_place_becomes_root(self):
        self.need_ids()
        out = self.skiff("run", "--rm", "--uidmap", "0:1:500", "features", "stat", "-c", "%u:%g", "/modes/owned", "/modes/high").lines
        self.assertEqual(out, ["0:100", "0:0"])

    def test_copies_are_made_once_and_go_with_the_image(self):
        self.need_ids()
        store = self.home / ("store" if os.geteuid() == 0 else ".local/share/skiff")
        self.load_image("busybox", tag="leaving")
        before = set(os.listdir(store / "layers"))
        options = ("--uidmap", "0:1:777")
        self.skiff("run", "--rm", *options, "leaving", "true")
        copies = set(os.listdir(store / "layers")) - before
        self.assertEqual(len(copies), 1)
        inode = (store / "layers" / copies.copy().pop()).stat().st_ino
        self.skiff("run", "--rm", *options, "leaving", "true")
        self.assertEqual(set(os.listdir(store / "layers")) - before, copies)
        self.assertEqual((store / "layers" / copies.copy().pop()).stat().st_ino, inode)
        for name in ("leaving", "busybox", "features"):
            self.skiff("rmi", "-f", f"localhost/{name}:latest")
        self.assertEqual(set(os.listdir(store / "layers")) & copies, set())
        self.assertEqual([name for name in os.listdir(store / "trash") if not name.startswith(".")], [])
        for name in self.images:
            self.load_image(name)

    def test_racing_first_runs(self):
        self.need_ids()
        racers = [self.start("run", "--rm", "--uidmap", "0:1:321", "busybox", "stat", "-c", "%u", "/etc") for _ in range(6)]
        for racer in racers:
            out, err = racer.communicate(timeout=60)
            self.assertEqual((racer.returncode, out), (0, b"0\n"), err)


class Auto(UserNsTest):
    def test_without_enough_ids_it_says_what_to_do(self):
        self.need_sub_ids()
        self.need(sub_ids() < 66560, "has enough sub-ids for auto")
        self.skiff_fails("run", "--rm", "--userns=auto", "busybox", "true", says="free sub-ids above the first 65,536")

    def test_racing_containers_share_no_id(self):
        self.need_sub_ids(66560 + 8 * 1024)
        racers = [self.start("run", "-d", "--userns=auto:size=1000", "busybox", "sleep", "1d") for _ in range(8)]
        taken = set()
        for racer in racers:
            out, err = racer.communicate(timeout=60)
            self.assertEqual(racer.returncode, 0, err)
            rows = self.skiff("exec", out.decode().strip(), "cat", "/proc/self/uid_map").word.split()
            self.assertEqual([rows[0], rows[2]], ["0", "1000"])
            mine = set(range(int(rows[1]), int(rows[1]) + 1000))
            self.assertFalse(mine & taken, "two containers share ids")
            taken |= mine
        self.assertGreaterEqual(min(taken), 65537)

    def test_ids_come_back(self):
        self.need_sub_ids(66560 + 1024)
        first = self.id_map("--userns=auto:size=1000")
        self.assertEqual(self.id_map("--userns=auto:size=1000"), first)


class SingleId(UserNsTest):
    def setUp(self):
        super().setUp()
        self.need(sub_ids() == 0, "about a user without sub-ids (run.py --as skiffnosub)")

    def test_works_and_says_what_is_missing(self):
        done = self.skiff("run", "--rm", "busybox", "id", "-u")
        self.assertEqual(done.stdout, "0\n")
        self.assertEqual((len(done.notices), done.stderr), (1, ""), done.notices)
        self.assertIn("/etc/subuid", done.notices[0])
        self.assertIn("usermod --add-subuids", done.notices[0])

    def test_keep_id_has_the_one(self):
        out = self.inside("--userns=keep-id", script="id -u; cat /proc/self/uid_map; echo again >/dev/stdout").lines
        self.assertEqual(out[0], str(os.geteuid()))
        self.assertEqual(out[1].split(), [str(os.geteuid()), "0", "1"])
        self.assertEqual(out[2], "again")

    def test_modes_that_need_more_say_so(self):
        for mode in ("nomap", "auto"):
            with self.subTest(mode):
                self.skiff_fails("run", "--rm", f"--userns={mode}", "busybox", "true", says="needs sub-ids")

    def test_life(self):
        self.skiff("run", "-d", "--name", "s", "-v", f"{self.tmp}:/m", "busybox", "sleep", "1d")
        self.skiff("exec", "s", "touch", "/m/made")
        self.assertEqual((self.tmp / "made").stat().st_uid, os.geteuid())
        self.skiff("restart", "-t", "0", "s")
        self.assertEqual(self.skiff("exec", "s", "id", "-u").word, "0")


class Root(UserNsTest):
    def setUp(self):
        super().setUp()
        self.need(os.geteuid() == 0, "about root (run.py --as root)")

    def test_modes_of_unprivileged_users_are_refused(self):
        for mode in ("keep-id", "nomap"):
            with self.subTest(mode):
                self.skiff_fails("run", "--rm", f"--userns={mode}", "busybox", "true", says="only supported in rootless mode")

    def test_no_user_namespace_unless_asked(self):
        self.assertEqual(self.inside(script="readlink /proc/self/ns/user").word, os.readlink("/proc/self/ns/user"))

    def test_mapped(self):
        out = self.inside("--uidmap", "0:200000:1000", script="id -u; cat /proc/self/uid_map; stat -c %u / /etc").lines
        self.assertEqual(out[0], "0")
        self.assertEqual(out[1].split(), ["0", "200000", "1000"])
        self.assertEqual(out[2:], ["0", "0"])


class Sharing(UserNsTest):
    """--pid, --ipc, --uts, --cgroupns and --network: host, private and another container's."""

    kinds = (("pid", "pid"), ("ipc", "ipc"), ("uts", "uts"), ("cgroupns", "cgroup"), ("network", "net"))
    private = {"network": "none"}

    def namespace(self, kind, *options):
        """The namespace inside, from a fresh container."""
        return self.inside(*options, script=f"readlink /proc/self/ns/{kind}").word

    def variants(self):
        """User namespaces to combine with."""
        if os.geteuid() == 0:
            return [(), ("--uidmap", "0:1:1000")]
        return [(), ("--userns=keep-id",)]

    def test_host_and_private(self):
        for variant in self.variants():
            for option, kind in self.kinds:
                with self.subTest(option=option, variant=variant):
                    self.assertEqual(self.namespace(kind, *variant, f"--{option}=host"), os.readlink(f"/proc/self/ns/{kind}"))
                    mode = self.private.get(option, "private")
                    self.assertNotEqual(self.namespace(kind, *variant, f"--{option}={mode}"), os.readlink(f"/proc/self/ns/{kind}"))

    def test_of_another_container(self):
        for number, variant in enumerate(self.variants()):
            target = f"target{number}"
            self.skiff("run", "-d", "--name", target, *variant, "busybox", "sleep", "1d")
            for option, kind in self.kinds:
                theirs = self.skiff("exec", target, "readlink", f"/proc/self/ns/{kind}").word
                with self.subTest(option=option, target=variant):
                    self.assertEqual(self.namespace(kind, f"--{option}=container:{target}"), theirs)
                with self.subTest(option=option, target=variant, userns="theirs"):
                    self.assertEqual(self.namespace(kind, f"--{option}=container:{target}", f"--userns=container:{target}"), theirs)
                if option != "pid":
                    own = self.variants()[1]
                    with self.subTest(option=option, target=variant, userns="own"):
                        self.assertEqual(self.namespace(kind, *own, f"--{option}=container:{target}"), theirs)

    def test_shared_memory_comes_with_the_ipc_namespace(self):
        for number, variant in enumerate(self.variants()):
            target = f"memory{number}"
            self.skiff("run", "-d", "--name", target, *variant, "busybox", "sh", "-c", "echo theirs > /dev/shm/word; sleep 1d")
            wait_for(lambda name=target: "word" in self.skiff("exec", name, "ls", "/dev/shm").stdout)
            for own in self.variants():
                with self.subTest(target=variant, own=own):
                    self.assertEqual(self.inside(*own, f"--ipc=container:{target}", script="cat /dev/shm/word").word, "theirs")
                    self.assertEqual(self.inside(*own, script="ls /dev/shm").word, "")

    def test_user_namespace_of_another(self):
        self.skiff("run", "-d", "--name", "u", *self.variants()[1], "busybox", "sleep", "1d")
        theirs = self.skiff("exec", "u", "readlink", "/proc/self/ns/user").word
        self.assertEqual(self.namespace("user", "--userns=container:u"), theirs)
        self.assertEqual(self.inside("--userns=container:u", script="stat -c %u /bin/busybox").word,
                         self.skiff("exec", "u", "stat", "-c", "%u", "/bin/busybox").word)

    def test_pids_across_user_namespaces_are_refused_with_the_way_out(self):
        self.skiff("run", "-d", "--name", "p", "busybox", "sleep", "1d")
        self.skiff_fails("run", "--rm", "--pid=container:p", *self.variants()[1], "busybox", "true", says="--pid=container")

    def test_target_that_cannot_run(self):
        """It is started first; what goes wrong there is told."""
        self.skiff("create", "--name", "idle", "busybox", "/none")
        for option in ("--pid", "--ipc", "--uts", "--network"):
            with self.subTest(option):
                done = self.skiff("run", "--rm", f"{option}=container:idle", "busybox", "true", code=127)
                self.assertIn("starting dependency ", done.stderr)

    def test_first_process_is_safe_from_those_who_share_its_pids(self):
        self.skiff("run", "-d", "--name", "first", "busybox", "sleep", "1d")
        self.skiff("exec", "-d", "first", "sleep", "2d")
        self.skiff("run", "--rm", "--pid=container:first", "busybox", "sh", "-c", "kill -9 $(pidof sleep)")
        self.assertNotIn("sleep 2d", self.skiff("exec", "first", "ps").stdout)
        self.assertEqual(self.skiff("inspect", "--format", "{{.State.Status}}", "first").word, "running")
