# SPDX-License-Identifier: Apache-2.0
"""The same config.json through our runtime and through crun: a process must find itself in the same place.

Needs real root, crun and the build's launch-bed; elsewhere it is skipped and counted.
"""

import json
import os
import shutil
import subprocess
import unittest

from tests.support.skiff import SkiffTest, build_dir
from tests.system.test_posture import HERE, MASKED, READ_ONLY, field


class Differential(SkiffTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bed = build_dir() / "tests/unit/runtime/launch-bed"
        cls.crun = shutil.which("crun")
        compiler = shutil.which("cc")
        if os.geteuid() != 0:
            raise unittest.SkipTest("crun is compared as root only")
        if not cls.crun or not compiler or not os.access(cls.bed, os.X_OK):
            raise unittest.SkipTest("needs crun, a C compiler and the build's launch-bed")
        cls.bundle = cls.base / "bundle"
        (cls.bundle / "rootfs/etc").mkdir(parents=True)
        (cls.bundle / "rootfs/etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n")
        (cls.bundle / "rootfs/work").mkdir()
        (cls.bundle / "source").mkdir()
        subprocess.run([compiler, "-O1", "-static", "-D_GNU_SOURCE", "-w", "-o", cls.bundle / "rootfs/probe",
                        HERE / "posture_probe.c"], check=True)

    def ours(self, *options):
        """What the prober says in a container of ours."""
        done = subprocess.run([self.bed, *options, self.bundle / "rootfs", "/probe", *MASKED, *READ_ONLY], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)

    def theirs(self, *options, user=None):
        """What it says in crun's, from the config.json that ours writes."""
        done = subprocess.run([self.bed, "--print-config", *options, self.bundle / "rootfs", "/probe", *MASKED,
                               *READ_ONLY], check=True, capture_output=True, text=True)
        config = json.loads(done.stdout)
        user = user or {"uid": 0, "gid": 0}
        # Ours has the primary group among the supplementary ones, always (CVE-2022-2989).
        config["process"]["user"] = user | {"additionalGids": [user["gid"]]}
        config["annotations"] = {}
        if "uts" not in [namespace["type"] for namespace in config["linux"]["namespaces"]]:
            del config["hostname"]
        (self.bundle / "config.json").write_text(json.dumps(config))
        # crun refuses hosts with both cgroup versions, so it gets to see the second one alone.
        view = "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec \"$@\""
        done = subprocess.run(["unshare", "-m", "sh", "-c", view, "sh", self.crun, "--root", self.base / "crun",
                               "--cgroup-manager", "disabled", "run", "--bundle", self.bundle,
                               f"differential-{os.getpid()}"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"crun cannot run here: {done.stderr.strip()}")
        return json.loads(done.stdout)

    @staticmethod
    def state(found):
        """What must be equal."""
        names = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"]
        state = {name: " ".join(field(found, name).split()) for name in names}
        state["limits"] = found["limits"]
        state["fds"] = found["fds"]
        state["umask"] = found["umask"]
        # What a path is, not what hides it: crun uses the container's null device where we use the host's.
        state["paths"] = found["paths"]
        return state

    @staticmethod
    def mounts(found):
        """Mount points of the configuration with their flags: {path: flags}."""
        result = {}
        for line in found["mounts"]:
            fields = line.split()
            dash = fields.index("-")
            kind = fields[dash + 1]
            # Masks are compared by what they hide; our empty directory has more flags than crun's.
            if kind == "devtmpfs" or fields[4] in [*MASKED, *READ_ONLY]:
                continue
            result[fields[4]] = (kind, ",".join(sorted(set(fields[5].split(",")) - {"relatime"})))
        return result

    def compare(self, *options, user=None, our_options=()):
        theirs = self.theirs(*options, user=user)
        ours = self.ours(*options, *our_options)
        self.assertEqual(self.state(ours), self.state(theirs))
        ours, theirs = self.mounts(ours), self.mounts(theirs)
        # Nodes of /dev: crun makes them with mknod as root, we bind them.
        theirs = {path: flags for path, flags in theirs.items() if not path.startswith("/sys/fs/cgroup")}
        ours = {path: flags for path, flags in ours.items() if not path.startswith("/sys/fs/cgroup")}
        self.assertEqual(ours, theirs)

    def test_default(self):
        self.compare()

    def test_user(self):
        self.compare("--ambient", "0", user={"uid": 1000, "gid": 1000}, our_options=["--user", "1000:1000"])

    def test_limits(self):
        self.compare("--rlimit", "7:512:1024", "--rlimit", "4:0:0", "--rlimit", "3:8388608:8388608")

    def test_capabilities(self):
        self.compare("--caps", "0")
        self.compare("--caps", "21")

    def test_no_new_privileges(self):
        self.compare("--nnp")

    def test_mounts(self):
        self.compare("--mount", f"/work:bind:{self.bundle}/source:rbind,ro,nosuid,nodev",
                     "--mount", "/made/deep:tmpfs:tmpfs:size=1m,mode=755,noexec",
                     "--mount", f"/rw:bind:{self.bundle}/source:rbind,rw,noexec")

    def test_read_only_root(self):
        self.compare("--readonly")

    def test_working_directory_and_host_namespaces(self):
        self.compare("--cwd", "/work", "--ns", "net=host", "--ns", "uts=host", "--ns", "ipc=host")
