#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Inside the machine whose power is cut (tests/vm/power.py): pid 1, and what the store should hold.

The machine runs nothing but this program: no systemd, so that it is up in seconds. Over its second serial port it
says READY, gets the model (what had been reported as done before the power went, and the command that had not been),
compares it with the store and says VERIFIED or BAD. Then it runs commands that change the store until the power goes:
BEGIN and DONE with each.
"""

import ctypes
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import termios
import traceback
from pathlib import Path

TREE = Path("/skiff/tree")
sys.path.insert(0, str(TREE))
sys.dont_write_bytecode = True

KINDS = ("image", "container", "volume", "secret", "network")
USER = 1000
HOME = Path("/data/home")
STORE = HOME / ".local/share/skiff"
BASE = "localhost/busybox:latest"


class Model:
    """What is in the store: {kind: {name: facts}}. Facts are what must be found of it."""

    def __init__(self, kinds=None, pending=None):
        self.kinds = kinds or {kind: {} for kind in KINDS}
        self.pending = pending

    def apply(self, step, facts=True):
        """A step was done."""
        for kind, name in step["gone"]:
            self.kinds[kind].pop(name, None)
        for kind, name, known in step["made"]:
            self.kinds[kind][name] = known if facts else {}
        self.pending = None

    def text(self):
        """As one line."""
        return json.dumps({"kinds": self.kinds, "pending": self.pending})

    @classmethod
    def parse(cls, text):
        """From that line."""
        parsed = json.loads(text)
        return cls(parsed["kinds"], parsed["pending"])


class Guest:
    """The commands, the comparison, and the port."""

    def __init__(self):
        self.port = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY)
        attributes = termios.tcgetattr(self.port)
        attributes[0] = attributes[1] = attributes[3] = 0
        termios.tcsetattr(self.port, termios.TCSANOW, attributes)
        self.input = b""
        self.model = Model()
        self.random = random.Random()
        self.count = 0

    def say(self, *words):
        """A line to the host; it is out when this returns."""
        data = (" ".join(words) + "\n").encode()
        while data:
            data = data[os.write(self.port, data):]
        termios.tcdrain(self.port)

    def hear(self):
        """A line from the host."""
        while b"\n" not in self.input:
            self.input += os.read(self.port, 4096)
        line, _, self.input = self.input.partition(b"\n")
        return line.decode()

    def skiff(self, *argv, code=0, data=None):
        """A command as the user. Raises if it does not do what it should."""
        environment = {"HOME": str(HOME), "XDG_RUNTIME_DIR": f"/run/user/{USER}", "PATH": "/skiff/prefix/bin:/usr/bin:/usr/sbin"}
        done = subprocess.run(["skiff", *argv], input=data, capture_output=True, check=False, env=environment, cwd="/",
                              user=USER, group=USER, extra_groups=[], timeout=120)
        if done.returncode != code:
            raise AssertionError(f"{' '.join(argv)}: exit code {done.returncode}: {(done.stdout + done.stderr).decode(errors='replace')}")
        return done.stdout.decode()

    # What is compared

    def listed(self):
        """{kind: {name: what the lists say of it}}"""
        found = {kind: {} for kind in KINDS}
        for image in json.loads(self.skiff("images", "--format", "json") or "[]"):
            for name in image.get("Names") or []:
                found["image"][name] = image
        for container in json.loads(self.skiff("ps", "-a", "--format", "json") or "[]"):
            found["container"][container["Names"][0]] = container
        for kind, name in (("volume", "Name"), ("network", "name")):
            for item in json.loads(self.skiff(kind, "ls", "--format", "json") or "[]"):
                found[kind][item[name]] = item
        found["secret"] = dict.fromkeys(self.skiff("secret", "ls", "--format", "{{.Name}}").split(), {})
        found["network"].pop("podman", None)
        return found

    def settle_pending(self, found):
        """The command that was at work when the power went: it was done as a whole or not at all."""
        step = self.model.pending
        if not step:
            return
        made = [name in found[kind] for kind, name, _ in step["made"]]
        gone = [name not in found[kind] for kind, name in step["gone"]]
        whole = all(made) and all(gone)
        if step.get("parts") and not whole:  # a volume that run makes is there before the container, and stays
            for kind, name, _ in step["made"]:
                if kind == "volume" and name in found[kind]:
                    self.model.kinds[kind][name] = {}
            made = [name in found[kind] for kind, name, _ in step["made"] if kind != "volume"]
        if not whole and (any(made) or any(gone)):
            raise AssertionError(f"half done: {step}: made {made}, gone {gone}")
        if whole:
            self.model.apply(step, facts=False)
        self.model.pending = None

    def check_facts(self, found):
        """What is known of containers and volumes: exit codes, and what they had synced."""
        for name, facts in self.model.kinds["container"].items():
            container = found["container"][name]
            if container["State"] not in ("created", "exited"):
                raise AssertionError(f"container {name} is {container['State']}")
            if "exit" in facts and container["ExitCode"] != facts["exit"]:
                raise AssertionError(f"container {name}: exit code {container['ExitCode']}, which was {facts['exit']}")
            if "file" in facts and (STORE / "containers" / container["Id"] / "upper/file").read_text("utf-8") != facts["file"]:
                raise AssertionError(f"container {name}: its file is not what it had synced")
        for name, facts in self.model.kinds["volume"].items():
            if "file" in facts and (STORE / "volumes" / name / "_data/file").read_text("utf-8") != facts["file"]:
                raise AssertionError(f"volume {name}: its file is not what had been synced")

    def verify(self):
        """Everything that was reported as done is there, nothing is broken, nothing is left."""
        found = self.listed()
        self.settle_pending(found)
        # Nothing of a --rm container is synced, so its end may be lost: then it is there until the first command that heals.
        passing = {name for name in found["container"] if name not in self.model.kinds["container"] and
                   self.skiff("inspect", "--format", "{{.HostConfig.AutoRemove}}", name).strip() == "true"}
        for kind in KINDS:
            expected, there = set(self.model.kinds[kind]), set(found[kind])
            if expected != there - passing:
                raise AssertionError(f"{kind}: lost {sorted(expected - there)}, came back {sorted(there - expected - passing)}")
        self.check_facts(found)
        # The first changing command heals.
        self.skiff("volume", "create", "healer")
        self.skiff("volume", "rm", "healer")
        for name, container in self.listed()["container"].items():
            if name in passing and container["State"] != "created":  # a run that had not begun yet is as good as a create
                raise AssertionError(f"container {name} is still there, {container['State']}")
            if name in passing:
                self.skiff("rm", name)
        self.skiff("system", "check")
        left = [str(path) for name in ("staging", "trash", "damaged") for path in (STORE / name).glob("*") if path.name != ".lock"]
        if left:
            raise AssertionError(f"left behind: {left}")
        self.use()

    def use(self):
        """What is there can be used: the newest image and container, and one of each by chance."""
        for kind in ("image", "container"):
            names = list(self.model.kinds[kind])
            for name in {names[-1], self.random.choice(names)} if names else ():
                facts = self.model.kinds[kind][name]
                if kind == "container":
                    self.skiff("start", name)
                    self.skiff("stop", "-t", "0", name)
                    facts.pop("exit", None)
                elif "cat" in facts:
                    text = self.skiff("run", "--rm", "--network", "none", name, "cat", facts["cat"][0])
                    if text != facts["cat"][1]:
                        raise AssertionError(f"image {name}: {facts['cat'][0]} is {text!r}")

    # What is done

    def pick(self, kind, keep=()):
        """A name of that kind, or None."""
        names = [name for name in self.model.kinds[kind] if name not in keep]
        return self.random.choice(names) if names else None

    def step_load(self, word):
        """An archive of one layer, as docker save writes it."""
        from tests.support.fault_registry import Image, digest
        image = Image((self.random.randrange(1, 400_000),), seed=word)
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            name = f"localhost/{word}:latest"
            manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar.gz"]}]).encode()
            for entry, content in (("manifest.json", manifest), ("config.json", image.config), ("layer.tar.gz", image.layers[0])):
                info = tarfile.TarInfo(entry)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return {"argv": ["load", "-q"], "made": [("image", name, {"id": digest(image.config)})]}, tar.getvalue()

    def step_pull(self, word):
        """From a registry in the machine."""
        from tests.support.fault_registry import Image
        image = Image([self.random.randrange(1, 200_000) for _ in range(3)], seed=word, name=f"test/{word}")
        self.registry.images.append(image)
        name = self.registry.reference(image)
        return {"argv": ["pull", "-q", "--tls-verify=false", name], "made": [("image", name, {})]}

    def step_import(self, word):
        """A tar of one file becomes an image."""
        from tests.support.fault_registry import layer_tar
        name = f"localhost/{word}:latest"
        return {"argv": ["import", "-q", "-", name], "made": [("image", name, {})]}, layer_tar({"file": word.encode() * 5000})

    def step_build(self, word):
        """Two steps on the base image; what RUN wrote is known."""
        name = f"localhost/{word}:latest"
        file = f"FROM {BASE}\nRUN echo {word} >/built\nLABEL n={word}\n"
        return {"argv": ["build", "-q", "--network", "none", "-t", name, "-"],
                "made": [("image", name, {"cat": ["/built", f"{word}\n"]})]}, file.encode()

    def step_commit(self, word):
        """Of a container whose file is known."""
        container = self.pick("container")
        name = f"localhost/{word}:latest"
        facts = self.model.kinds["container"].get(container, {})
        known = {"cat": ["/file", facts["file"]]} if "file" in facts else {}
        return container and {"argv": ["commit", "-q", container, name], "made": [("image", name, known)]}

    def step_create(self, word):
        """With a secret of its own and a volume, if there are any."""
        volume = self.pick("volume")
        more = ["-v", f"{volume}:/data"] if volume else []
        return {"argv": ["create", "--name", word, "--network", "none", *more, BASE, "sleep", "1000"], "made": [("container", word, {})]}

    def step_run(self, word):
        """To its end, which is reported; it syncs what it writes."""
        code = self.random.randrange(1, 90)
        return {"argv": ["run", "--name", word, "--network", "none", BASE, "sh", "-c", f"echo {word} >/file; sync; exit {code}"],
                "code": code, "made": [("container", word, {"exit": code, "file": f"{word}\n"})]}

    def step_run_detached(self, word):
        """With a volume made by the way."""
        return {"argv": ["run", "-d", "--name", word, "--network", "none", "-v", f"v{word}:/data", BASE, "sleep", "1000"],
                "made": [("container", word, {}), ("volume", f"v{word}", {})], "parts": True}

    def step_volume(self, word):
        """With a file that a container syncs."""
        return {"argv": ["volume", "create", "--label", f"n={word}", word], "made": [("volume", word, {})]}

    def step_fill(self, _word):
        """What a container has synced in a volume is kept, although the container is not."""
        volume = self.pick("volume")
        text = f"{self.random.random()}\n"
        return volume and {"argv": ["run", "--rm", "--network", "none", "-v", f"{volume}:/data", BASE, "sh", "-c",
                                    f"echo {text.strip()} >/data/new; sync; mv /data/new /data/file; sync"],
                           "made": [("volume", volume, {"file": text})], "known": True}

    def step_volume_import(self, word):
        """A tar into a volume."""
        from tests.support.fault_registry import layer_tar
        volume = self.pick("volume")
        return volume and ({"argv": ["volume", "import", volume, "-"], "made": [("volume", volume, {"file": word})], "known": True},
                           layer_tar({"file": word.encode()}))

    def step_secret(self, word):
        """A secret."""
        return {"argv": ["secret", "create", word, "-"], "made": [("secret", word, {})]}, word.encode()

    def step_network(self, word):
        """A named network."""
        return {"argv": ["network", "create", word], "made": [("network", word, {})]}

    def step_rename(self, word):
        """The same container by another name."""
        old = self.pick("container")
        return old and {"argv": ["rename", old, word], "gone": [("container", old)],
                        "made": [("container", word, self.model.kinds["container"][old])]}

    def step_tag(self, word):
        """Another name of an image."""
        old = self.pick("image")
        name = f"localhost/{word}:latest"
        return old and {"argv": ["tag", old, name], "made": [("image", name, self.model.kinds["image"][old])]}

    def step_rm(self, _word):
        """A container goes."""
        name = self.pick("container")
        return name and {"argv": ["rm", "-f", "-t", "0", name], "gone": [("container", name)]}

    def step_rmi(self, _word):
        """A name of an image goes, and the image if it was its last."""
        name = self.pick("image", keep=(BASE,))
        return name and {"argv": ["untag", name, name], "gone": [("image", name)]}

    def step_remove_other(self, _word):
        """A secret or a network goes."""
        kind = self.random.choice(("secret", "network"))
        name = self.pick(kind)
        return name and {"argv": [kind, "rm", name], "gone": [(kind, name)]}

    def step_volume_rm(self, _word):
        """A volume goes, with the containers that use it."""
        name = self.pick("volume")
        users = self.skiff("ps", "-aq", "--filter", f"volume={name}").split() if name else []
        return name and not users and {"argv": ["volume", "rm", name], "gone": [("volume", name)]}

    def work(self, seed):
        """Change the store until the power goes."""
        self.random.seed(seed)
        steps = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("step_")]
        crowded = 12
        while True:
            self.count += 1
            step = self.random.choice(steps)
            many = sum(map(len, self.model.kinds.values())) > crowded
            if many and self.random.random() < 0.6:
                step = self.random.choice([self.step_rm, self.step_rmi, self.step_volume_rm, self.step_remove_other])
            made = step(f"n{seed}x{self.count}")
            if not made:
                continue
            plan, data = made if isinstance(made, tuple) else (made, None)
            plan = {"gone": [], "made": [], **plan}
            self.say("BEGIN", json.dumps(plan))
            self.skiff(*plan["argv"], code=plan.get("code", 0), data=data)
            self.say("DONE")
            self.model.apply(plan)

    def main(self):
        """Compare, then work."""
        from tests.support.fault_registry import FaultRegistry
        if not STORE.exists():
            self.skiff("load", "-q", "-i", "/skiff/busybox.tar")
        self.say("READY")
        self.model = Model.parse(self.hear())
        self.model.kinds["image"].setdefault(BASE, {"cat": ["/proc/sys/kernel/ostype", "Linux\n"]})
        self.verify()
        self.say("VERIFIED", self.model.text())
        with FaultRegistry([]) as self.registry:
            self.work(self.hear())


def prepare():
    """What systemd would have mounted, and a disk where nothing is written before somebody syncs it."""
    for directory in ("/data", f"/run/user/{USER}", "/dev/pts", "/dev/shm"):
        os.makedirs(directory, exist_ok=True)
    for words in ("-t proc proc /proc", "-t sysfs sys /sys", "-t cgroup2 cgroup2 /sys/fs/cgroup", "-t devpts devpts /dev/pts",
                  "-t tmpfs tmpfs /run -o mode=755", "-t tmpfs tmpfs /dev/shm", "--make-rshared /", "-o commit=600 /dev/vdc /data"):
        subprocess.run(["mount", *words.split()], check=False, stderr=subprocess.DEVNULL)
    if not os.path.ismount("/data"):
        raise AssertionError("the disk could not be mounted")
    for name in ("dirty_writeback_centisecs", "dirty_expire_centisecs"):
        Path("/proc/sys/vm", name).write_text("0" if "writeback" in name else "360000", encoding="ascii")
    for directory, mode in ((f"/run/user/{USER}", 0o700), (HOME, 0o755)):
        os.makedirs(directory, exist_ok=True)
        os.chown(directory, USER, USER)
        os.chmod(directory, mode)
    os.sync()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    subprocess.run(["modprobe", "-a", "tun", "overlay"], check=False)
    ctypes.CDLL(None).sethostname(b"vm", 2)


def main():
    """Pid 1: start the guest in a child and collect what is orphaned."""
    child = os.fork()
    if child:
        while True:
            os.wait()
    guest = None
    try:
        prepare()
        guest = Guest()
        guest.main()
    except BaseException as failure:  # a machine has nobody else to tell
        text = f"{failure}\n{traceback.format_exc()}"
        if guest:
            guest.say("BAD", json.dumps(text))
        else:
            print(text, flush=True)


if __name__ == "__main__":
    main()
