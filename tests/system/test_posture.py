# SPDX-License-Identifier: Apache-2.0
"""The effective posture of a container, seen from inside, against golden/posture.json.

A static prober (posture_probe.c) prints identity, capabilities, descriptors, limits, mounts, hidden
paths, keyring and what every system call number answers. With SKIFF_UPDATE=FILE the answers are
written to FILE, which may then become the golden file.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import shutil
import struct
import subprocess
import unittest
from pathlib import Path

from tests.support.skiff import SkiffTest, of_processes, wait_for

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden/posture.json"
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
UPDATE = os.environ.get("SKIFF_UPDATE")
KEYCTL, KEYCTL_DESCRIBE = 250, 6
NO_CAPABILITIES = "0" * 16

MASKED = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys",
          "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
          "/sys/dev/block",
          "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sys/kernel/core_pattern",
             "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys", "/sys/fs/cgroup", "/sys/kernel"]

SEALED = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


class PostureTest(SkiffTest):
    """A root of the prober alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if platform.machine() != "x86_64":
            raise unittest.SkipTest("the golden file lists the system calls of x86-64")
        compiler = shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler for the prober")
        cls.root = cls.base / "root"
        (cls.root / "etc").mkdir(parents=True)
        (cls.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n")
        (cls.root / "etc/group").write_text("root:x:0:\nbob:x:1000:\nwheel:x:10:bob\n")
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-w", "-o", cls.root / "probe",
                        HERE / "posture_probe.c"], check=True)
        os.chmod(cls.root, 0o755)

    def probe(self, *options, arguments=()):
        """Run the prober in a new container and return what it says."""
        return self.skiff("run", "--rm", *options, "--rootfs", self.root, "/probe", *arguments, timeout=120).json

    def needs_ids(self):
        """Skip where containers have no user but root."""
        if os.geteuid() != 0 and len(self.skiff("unshare", "cat", "/proc/self/uid_map").lines) < 2:
            self.skipTest("this user has no sub-ids, so containers have one user")

    def probe_exec(self, *options, run=(), arguments=()):
        """Run the prober by exec in a container that waits."""
        # Without a program that sleeps, the prober's own `syscalls` would end: it waits for its stdin here.
        process = self.start("run", "-i", "--name", "target", *run, "--rootfs", self.root, "/probe", "wait",
                             stdin=subprocess.PIPE)
        self.assertTrue(process.stdout.readline())
        try:
            return self.skiff("exec", *options, "target", "/probe", *arguments, timeout=120).json
        finally:
            process.stdin.close()
            process.wait(30)
            self.skiff("rm", "-f", "target")


def field(found, name):
    """A line of /proc/self/status."""
    for line in found["status"]:
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise AssertionError(f"no {name} in status")


def identity(found):
    """What decides who the process is and what it may."""
    names = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"]
    state = {name: " ".join(field(found, name).split()) for name in names}
    state["umask"] = oct(found["umask"])
    state["fds"] = found["fds"]
    return state


# Bound from the host: what file system they are on there is its own affair.
HOSTS = ("/", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/run/.containerenv",
         *(f"/dev/{name}" for name in ("full", "null", "random", "tty", "urandom", "zero")))


def inherited_flags(directory):
    """Flags that the root has because the file system that it is a directory of has them."""
    flags = os.statvfs(directory).f_flag
    return {name for name, bit in (("nodev", os.ST_NODEV), ("nosuid", os.ST_NOSUID)) if flags & bit}


def mounts(found, root):
    """Mount points with type and flags; what differs between hosts is left out, as are masks of what a host lacks."""
    lines = []
    for line in found["mounts"]:
        fields = line.split()
        if fields[4] in MASKED:
            continue
        dash = fields.index("-")
        options = sorted(set(fields[5].split(",")) - {"relatime"})
        kind = fields[dash + 1]
        if fields[4] == "/":
            options = [option for option in options if option not in inherited_flags(root)]
        if fields[4] in HOSTS:
            kind = "host's"
        shared = [word.partition(":")[0] for word in fields[6:dash]]
        super_options = [word for word in fields[dash + 3].split(",") if word.startswith(("size=", "mode="))]
        if kind != "tmpfs":
            super_options = []
        lines.append(" ".join([fields[4], kind, ",".join(options), *super_options, *shared]))
    return sorted(lines)


def names_of_syscalls():
    """Numbers to names, as far as this machine's headers go."""
    names = {}
    if HEADER.exists():
        for line in HEADER.read_text().splitlines():
            words = line.split()
            if len(words) == 3 and words[0] == "#define" and words[1].startswith("__NR_"):
                names[int(words[2])] = words[1][len("__NR_"):]
    return names


def decisions(confined, unconfined):
    """For each number what the filter does: allow, EPERM, ENOSYS; "?" where the kernel says that by itself."""
    result = {}
    for number, (answer, bare) in enumerate(zip(confined["syscalls"], unconfined["syscalls"])):
        if answer in ("EPERM", "ENOSYS"):
            result[number] = "?" if answer == bare else answer
        else:
            result[number] = "allow"
    return result


def load_golden():
    """The golden file, or the one that is being written."""
    path = Path(UPDATE or GOLDEN)
    return json.loads(path.read_text()) if path.exists() else {}


def save_golden(name, value):
    """Put one answer into the file that is being written."""
    golden = load_golden()
    golden[name] = value
    Path(UPDATE).write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")


class Posture(PostureTest):
    def compare(self, name, value):
        """With what the golden file says, or write it there."""
        if UPDATE:
            save_golden(name, value)
        golden = load_golden().get(name)
        self.assertIsNotNone(golden, f"golden/posture.json has no '{name}': run with SKIFF_UPDATE=FILE")
        self.assertEqual(value, golden)

    def test_identity_of_root(self):
        self.compare("root", identity(self.probe()))

    def test_identity_of_a_user(self):
        self.needs_ids()
        self.compare("user", identity(self.probe("--user", "bob")))

    def test_identity_of_a_user_with_an_added_capability(self):
        self.needs_ids()
        self.compare("user, NET_RAW added", identity(self.probe("--user", "bob", "--cap-add", "NET_RAW")))

    def test_identity_with_changed_capabilities(self):
        self.compare("cap-drop ALL", identity(self.probe("--cap-drop", "ALL")))
        self.compare("cap-drop ALL, KILL added", identity(self.probe("--cap-drop", "ALL", "--cap-add", "KILL")))

    def test_no_new_privileges(self):
        self.assertEqual(field(self.probe("--security-opt", "no-new-privileges"), "NoNewPrivs"), "1")

    def test_exec_is_as_run(self):
        self.needs_ids()
        for options in ((), ("--user", "bob")):
            with self.subTest(options=options):
                found = identity(self.probe_exec(*options))
                self.assertEqual(found, identity(self.probe(*options)))
                self.assertEqual((found["CapInh"], found["CapAmb"]), (NO_CAPABILITIES,) * 2)

    def test_exec_has_the_same_filter(self):
        done = self.probe_exec()
        self.compare("arguments", done["arguments"])

    def full_set(self):
        """What --privileged gives: all over a user namespace of ours; for root what was not cut around us."""
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
        own = int(field({"status": Path("/proc/self/status").read_text().splitlines()}, "CapBnd"), 16)
        return f"{(1 << last + 1) - 1 & (own if os.geteuid() == 0 else -1):016x}"

    def test_privileged(self):
        """Red when privileges_full_capabilities() is the command's own bounding set for everybody, where that is cut."""
        found = identity(self.probe("--privileged"))
        self.assertEqual((found["CapBnd"], found["CapEff"], found["CapPrm"]), (self.full_set(),) * 3)
        self.assertEqual((found["CapInh"], found["CapAmb"]), (NO_CAPABILITIES,) * 2)
        self.assertEqual((found["fds"], found["Seccomp"]), ([0, 1, 2], "0"))

    def test_exec_in_a_privileged_container(self):
        """Has the container's set, also one that was cut. Red when it takes the full set for "privileged"."""
        self.assertEqual(identity(self.probe_exec(run=["--privileged"])), identity(self.probe("--privileged")))
        cut = ["--privileged", "--cap-drop", "NET_ADMIN"]
        self.assertEqual(identity(self.probe_exec(run=cut)), identity(self.probe(*cut)))

    def test_exec_privileged(self):
        """Gives the full set in any container, and no filter. Red when the joiner takes the container's set."""
        found = identity(self.probe_exec("--privileged", run=["--security-opt", "no-new-privileges"]))
        self.assertEqual((found["CapBnd"], found["CapEff"], found["CapPrm"]), (self.full_set(),) * 3)
        self.assertEqual((found["CapInh"], found["CapAmb"]), (NO_CAPABILITIES,) * 2)
        self.assertEqual((found["NoNewPrivs"], found["Seccomp"]), ("0", "0"))

    def test_exec_as_another_user_has_nothing(self):
        """Red when enter.c:drop_privileges() gives what was added for the container's user to any."""
        self.needs_ids()
        for exec_options, run_options in (((), ()), (("--privileged",), ()), ((), ("--privileged",)),
                                          ((), ("--cap-add", "NET_RAW"))):
            with self.subTest(exec=exec_options, run=run_options):
                found = identity(self.probe_exec("--user", "bob", *exec_options, run=run_options))
                for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                    self.assertEqual(found[name], NO_CAPABILITIES, name)

    def test_programs_are_known_by_name(self):
        """To ps. Red without the PR_SET_NAME of monitor_main(): the monitor is executed by descriptor."""
        process = self.start("run", "-i", "--network", "slirp", "--name", "target", "--rootfs", self.root, "/probe",
                             "wait", stdin=subprocess.PIPE)
        self.assertTrue(process.stdout.readline())
        names = [name.decode().strip() for name in of_processes("comm")]
        self.assertEqual([name for name in names if name.startswith("skiff-")].count("skiff-monitor"), 1, names)
        wait_for(lambda: "skiff-uplink" in [name.decode().strip() for name in of_processes("comm")],
                 message="a process named skiff-uplink")
        self.assertNotIn("200", names)

    def test_limits(self):
        limits = self.probe()["limits"]
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.assertEqual(limits[resource.RLIMIT_CORE], [0, 0])
        self.assertLessEqual(limits[resource.RLIMIT_NOFILE][1], 1048576)
        self.assertLessEqual(limits[resource.RLIMIT_NOFILE][1], hard)
        nproc = list(resource.getrlimit(resource.RLIMIT_NPROC))
        self.assertEqual(limits[resource.RLIMIT_NPROC], [value % 2**64 for value in nproc])

    def test_mounts(self):
        self.compare("mounts", mounts(self.probe("--network", "none"), self.root))

    def test_hidden_paths(self):
        """Red when oci_build.c leaves out any path that this kernel has."""
        found = self.probe(arguments=MASKED + READ_ONLY)
        paths = found["paths"]
        for path in MASKED:
            self.assertIn(paths[path].partition(",")[0], ("absent", "null", "empty directory"), path)
        for path in READ_ONLY:
            self.assertRegex(paths[path], "absent|read-only|not writable", path)
        # By a mount, not by who we are: on a procfs of the host's pid namespace the user may be the owner.
        views = {fields[4] for fields in map(str.split, found["mounts"]) if "ro" in fields[5].split(",")}
        for path in SEALED:
            self.assertTrue(path in views or paths[path].startswith("absent"), path)

    def test_sys_of_the_host(self):
        """With the host's network a user gets a clone of the host's /sys: all of it read-only, what is hidden else hidden,
        and /sys/kernel with the host's tracefs, too. Red without mounts_seal.c:hide_host_kernel(), or when
        mounts.c:set_attributes() is not recursive.
        """
        # A clone cannot be told from a new one by what it says: only a user's container of the host's network has one.
        found = self.probe("--network", "host", arguments=[*MASKED, "/sys/kernel", "/sys/fs/cgroup"])
        below = [line.split() for line in found["mounts"] if line.split()[4].startswith("/sys")]
        self.assertTrue(below)
        for fields in below:
            self.assertLessEqual({"ro", "nosuid", "nodev", "noexec"}, set(fields[5].split(",")), fields)
        for path in MASKED:
            self.assertIn(found["paths"][path].partition(",")[0], ("absent", "null", "empty directory"), path)
        if os.geteuid() != 0:
            self.assertEqual(found["paths"]["/sys/kernel"].partition(",")[0], "empty directory")

    def test_every_system_call(self):
        confined = self.probe(arguments=["syscalls"])
        unconfined = self.probe("--security-opt", "seccomp=unconfined", arguments=["syscalls"])
        found = decisions(confined, unconfined)
        names = names_of_syscalls()
        if UPDATE:
            save_golden("system calls", {f"{number:03} {names.get(number, '')}".strip(): found[number]
                                         for number in found})
        golden = {int(key.split()[0]): value for key, value in load_golden()["system calls"].items()}
        wrong = [f"{number} {names.get(number, '')}: {value}, not {golden.get(number)}"
                 for number, value in found.items() if "?" not in (value, golden.get(number)) and
                 value != golden.get(number)]
        self.assertEqual(wrong, [])
        self.assertGreater(sum(value == "allow" for value in found.values()), 280)

    def test_arguments_decide(self):
        self.compare("arguments", self.probe()["arguments"])

    def test_another_filter_in_the_cache(self):
        """One whose bytes are not those that were compiled is made again. Red when syscall_filter.c:open_cached() does not
        compare its sum.
        """
        self.probe()
        cache = self.state_directories()["store/names"].parent / "cache"
        filters = sorted(cache.glob("seccomp-*"))
        self.assertTrue(filters)
        for path in filters:
            sum_size, allow = 64, struct.pack("=HBBI", 0x06, 0, 0, 0x7fff0000)
            path.write_bytes(path.read_bytes()[:sum_size] + allow)
        self.compare("arguments", self.probe()["arguments"])

    def test_nested_opens_namespaces(self):
        arguments = self.probe("--security-opt", "nested")["arguments"]
        self.assertEqual(arguments["clone NEWUSER"], "ok")
        self.assertEqual(arguments["clone3"], "ENOSYS")
        self.assertEqual(arguments["socket ALG"], "EPERM")

    def test_keyring_is_shared_and_locked(self):
        found = self.probe("--security-opt", "seccomp=unconfined")
        # SEARCH alone: nobody may look at it, let alone put something in.
        self.assertIn(found["keyring"], ("hidden", "Permission denied"))
        self.assertEqual(found["keyring_add"], "Permission denied")

    # The counts of /proc/key-users are those of all that a user does on the machine, so keyrings are told apart by
    # their serial numbers.

    @staticmethod
    def key_is_gone(serial):
        """Does the kernel know no such key? One that is there denies us to look at it."""
        result = ctypes.CDLL(None, use_errno=True).syscall(KEYCTL, KEYCTL_DESCRIBE, ctypes.c_long(serial), None, None)
        return result < 0 and ctypes.get_errno() == errno.ENOKEY

    @staticmethod
    def read_held(process):
        """What a prober says that then waits for the end of its stdin."""
        return json.loads(b"".join(iter(process.stdout.readline, b"}\n")) + b"}")

    def probe_all_at_once(self, count):
        """The serial numbers of the session keyrings of that many containers started at the same time."""
        options = ["--security-opt", "seccomp=unconfined", "--network", "none", "--rootfs", self.root]
        running = [self.start("run", "-i", "--rm", *options, "/probe", "hold", stdin=subprocess.PIPE) for _ in range(count)]
        # All live until the last has spoken.
        found = [self.read_held(process) for process in running]
        for process in running:
            process.stdin.close()
        for process in running:
            self.assertEqual(process.wait(30), 0)
        return [answer["keyring_id"] for answer in found]

    def test_one_keyring_for_all_containers(self):
        """Red when init joins it outside userns.lock: the kernel does not find one that is not cut down yet."""
        for _ in range(3):
            serials = self.probe_all_at_once(8)
            self.assertGreater(min(serials), 0)
            if os.geteuid() != 0:
                self.assertEqual(len(set(serials)), 1, serials)
            for serial in serials:
                wait_for(lambda serial=serial: self.key_is_gone(serial), message="the end of the keyring")

    def test_exec_has_the_keyring_of_the_container(self):
        """And not that of the user's session. Red when the joiner makes one, or the monitor keeps the user's."""
        process = self.start("run", "-i", "--name", "target", "--security-opt", "seccomp=unconfined", "--rootfs",
                             self.root, "/probe", "hold", stdin=subprocess.PIPE)
        found = self.read_held(process)
        joined = [self.skiff("exec", *options, "target", "/probe").json for options in ((), ("--privileged",))]
        own = ctypes.CDLL(None).syscall(KEYCTL, 0, ctypes.c_long(-3), 0)
        self.assertNotIn(found["keyring_id"], (own, -1))
        for answer in joined:
            self.assertEqual(answer["keyring_id"], found["keyring_id"])
            self.assertEqual(answer["keyring_add"], "Permission denied")

    def test_keyring_that_another_user_has_put_there(self):
        """Is not taken. Red when root joins a keyring of the host's namespace by name."""
        if os.geteuid() != 0:
            self.skipTest("others' keyrings have names in root's namespace only")
        # It holds itself and waits: a keyring named like ours, which everybody may search.
        plant = ("import ctypes, os, sys; c = ctypes.CDLL(None); os.setresgid(12345, 12345, 12345);"
                 "os.setresuid(12345, 12345, 12345); k = c.syscall(250, 1, b'skiff-session');"
                 "c.syscall(250, 5, k, ctypes.c_uint(0x3f3f3f3f)); print(k, flush=True); sys.stdin.read()")
        planter = subprocess.Popen(["python3", "-c", plant], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(planter.stdout.close)
        self.addCleanup(planter.wait)
        self.addCleanup(planter.stdin.close)
        planted = int(planter.stdout.readline())
        self.assertGreater(planted, 0)
        self.assertNotEqual(self.probe("--security-opt", "seccomp=unconfined")["keyring_id"], planted)


class Doors(PostureTest):
    """Every other way by which a program gets to run is as strict as `run`: the golden file says how strict that is."""

    PATHS = [*MASKED, *READ_ONLY]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.out = cls.base / "out"
        cls.out.mkdir()
        cls.out.chmod(0o777)
        cls.project = cls.base / "project"
        cls.project.mkdir()
        (cls.root / "Dockerfile").write_text("FROM scratch\nCOPY probe /probe\nCOPY etc /etc\n")
        cls.run_skiff("build", "-q", "-t", "probe", cls.root)

    def setUp(self):
        super().setUp()
        self.plain = self.probe()

    def written(self, name):
        """What a prober has written, once it is whole."""
        def whole():
            text = (self.out / name).read_text() if (self.out / name).exists() else ""
            return json.loads(text) if text.endswith("\n}\n") else None
        return wait_for(whole, 60, message=f"the prober's {name}")

    @staticmethod
    def kernels(lines):
        """The mounts by which the kernel is reached."""
        return [line for line in lines if line.startswith(("/proc", "/sys", "/dev"))]

    def assert_as_strict(self, found, user=False, **changes):
        """As `run`, and as root or a user of the golden file. Red when any of those is looser by this door."""
        self.assertEqual(identity(found), load_golden()["user" if user else "root"] | changes)
        self.assertEqual(found["arguments"], load_golden()["arguments"])
        self.assertEqual(self.kernels(mounts(found, self.root)), self.kernels(load_golden()["mounts"]))
        for path in MASKED:
            self.assertIn(found["paths"][path].partition(",")[0], ("absent", "null", "empty directory", "closed directory"), path)
        for path in READ_ONLY:
            self.assertRegex(found["paths"][path], "absent|read-only|not writable", path)
        for what in ("limits", "keyring", "keyring_add"):
            self.assertEqual(found[what], self.plain[what], what)

    def test_create_and_start_again(self):
        self.skiff("create", "--name", "c", "--rootfs", self.root, "/probe", *self.PATHS)
        for _ in range(2):
            self.assert_as_strict(self.skiff("start", "-a", "c").json)

    def test_exec(self):
        self.assert_as_strict(self.probe_exec(arguments=self.PATHS))

    def test_health_probe(self):
        """No privilege is won there, either."""
        self.needs_ids()
        for number, options in enumerate(([], ["--user", "bob"])):
            command = json.dumps(["CMD", "/probe", "to", f"/out/health{number}", *self.PATHS])
            process = self.start("run", "-i", "--rm", "--name", f"c{number}", *options, "-v", f"{self.out}:/out", "--health-cmd", command,
                                 "--health-interval", "disable", "--rootfs", self.root, "/probe", "wait", stdin=subprocess.PIPE)
            self.assertTrue(process.stdout.readline())
            self.skiff("healthcheck", "run", f"c{number}")
            self.assert_as_strict(self.written(f"health{number}"), bool(options), NoNewPrivs="1")
            process.stdin.close()
            process.wait(60)

    def test_pod(self):
        self.skiff("pod", "create", "--name", "p")
        self.addCleanup(self.skiff, "pod", "rm", "-f", "-t", "0", "p")
        self.assert_as_strict(self.probe("--pod", "p", arguments=self.PATHS))

    def test_build_step(self):
        """RUN as root, as the image's user, with mounts; every system call, too."""
        self.needs_ids()
        words = json.dumps(["/probe", "to", "/out.json", *self.PATHS])[1:-1]
        text = (f"FROM probe AS one\nRUN [{words}]\nRUN --mount=type=cache,target=/c [{words.replace('/out.', '/mounted.')}]\n"
                'RUN ["/probe", "to", "/calls.json", "syscalls"]\n'
                f"FROM probe AS two\nCOPY --chown=1000:1000 etc /own\nUSER bob\nRUN [{words.replace('/out.', '/own/user.')}]\n"
                "FROM scratch\nCOPY --from=one /out.json /mounted.json /calls.json /\nCOPY --from=two /own/user.json /\n")
        self.skiff("build", "-f", "-", "-o", f"type=local,dest={self.out}", self.root, input=text, timeout=120)
        self.assert_as_strict(self.written("out.json"))
        self.assert_as_strict(self.written("mounted.json"))
        self.assert_as_strict(self.written("user.json"), True)
        calls, bare = self.written("calls.json"), self.probe("--security-opt", "seccomp=unconfined", arguments=["syscalls"])
        golden = {int(key.split()[0]): value for key, value in load_golden()["system calls"].items()}
        self.assertEqual([(number, value, golden[number]) for number, value in decisions(calls, bare).items()
                          if "?" not in (value, golden[number]) and value != golden[number]], [])

    def test_compose(self):
        """up, exec and run."""
        words = json.dumps(["/probe", "to", "/out/up", *self.PATHS])
        (self.project / "compose.yaml").write_text(
            f'services:\n  one: {{image: probe, command: {words}, volumes: ["{self.out}:/out"]}}\n'
            f'  two: {{image: probe, command: [/probe, wait], stdin_open: true}}\n')
        self.addCleanup(self.skiff, "compose", "down", "-t", "0", cwd=self.project)
        self.skiff("compose", "up", "-d", cwd=self.project)
        self.assert_as_strict(self.written("up"))
        self.assert_as_strict(self.skiff("compose", "exec", "-T", "two", "/probe", *self.PATHS, cwd=self.project).json)
        self.assert_as_strict(self.skiff("compose", "run", "--rm", "-T", "two", "/probe", *self.PATHS, cwd=self.project).json)
