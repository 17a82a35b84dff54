# SPDX-License-Identifier: Apache-2.0
"""Rows of bench.py about builds:

    python3 tests/bench/bench.py --only build-steps,build-copy,build-big,build-stages
"""
import os
import statistics

STEPS = 30
FILES = 20000
BIG = 512 << 20

BUDGETS = {
    "build-cached": "50 ms",
    "build-noop": "30 ms a step",
    "build-copy": "2 s",
    "build-copied": "150 ms",
    "build-big": "1.2x cp and sha256sum",
    "build-stages": "0.6x of one after the other",
}

MAKE_FILES = """
import os, sys
for i in range(int(sys.argv[2])):
    directory = os.path.join(sys.argv[1], str(i % 100))
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, str(i)), "w") as out:
        out.write(f"{i:08}" * 62)
"""

# Something that takes a CPU for a second or so, in whatever shell there is.
WORK = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"


class BuildRows:
    """Mixed into Bench."""

    def builders(self, context, *options):
        """(name, argv) of those that build the context."""
        all_of_them = [("skiff", ["skiff", "build", "-q", "--network", "none", "-t", "built", *options, context])]
        if self.have("podman") and not self.options.no_podman:
            # Where podman's runtime does not run its builds may, in a chroot with the host's network; the image is there either way.
            way = ["--network", "none"] if self.podman else ["--network", "host", "--isolation", "chroot"]
            all_of_them.append((" ".join(["podman", *way[3:]]),
                                self.podman_argv + ["build", "-q", *way, "-t", "built", *options, context]))
        return all_of_them

    def context(self, name, dockerfile):
        """A directory of the user's with a Dockerfile."""
        path = os.path.join(self.home, name)
        self.command(["sh", "-ec", 'mkdir -p "$1" && printf "%s" "$2" > "$1/Dockerfile"', "sh", path, dockerfile])
        return path

    def once_each(self, contenders, rounds, before=None):
        """Milliseconds of single runs, in turns."""
        samples = {name: [] for name, _ in contenders}
        for number in range(rounds):
            for name, command in contenders:
                if before:
                    before(number)
                samples[name] += self.time_batch(command, 1)
        return samples

    def row_build_steps(self):
        text = "FROM bench\n" + "".join(f"RUN true {i}\n" for i in range(STEPS))
        context = self.context("steps", text)
        builders = self.builders(context)
        samples = self.once_each([(name, [*argv[:-1], "--no-cache", context]) for name, argv in builders], min(3, self.options.rounds))
        self.report("build-noop", f"build of {STEPS} steps that do nothing, each step",
                    {name: [ms / STEPS for ms in values] for name, values in samples.items()})
        for _, argv in builders:
            self.command(argv)
        self.compare("build-cached", f"build of {STEPS} steps, all cached", builders, rounds=min(5, self.options.rounds), burst=2)

    def row_build_copy(self):
        context = self.context("many", "FROM bench\nCOPY . /files/\n")
        self.command(["/usr/bin/python3", "-c", MAKE_FILES, f"{context}/tree", str(FILES)])

        def change(number):
            # What one contender has written is not the next one's to sync.
            self.command(["sh", "-c", f"date +%N > {context}/changed; sync"])

        builders = self.builders(context)
        self.report("build-copy", f"build that copies {FILES} files, cold", self.once_each(builders, min(3, self.options.rounds), change))
        for _, argv in builders:
            self.command(argv)
        self.compare("build-copied", f"build that copies {FILES} files, cached", builders, rounds=min(3, self.options.rounds), burst=2)

    def row_build_big(self):
        context = self.context("big", "FROM bench\nCOPY file /file\n")
        self.command(["sh", "-ec", f"head -c {BIG} /dev/urandom > {context}/file"])

        def change(number):
            self.command(["sh", "-ec", f"date +%N | dd of={context}/file conv=notrunc status=none; sync"])

        plain = ("cp, sha256sum", ["sh", "-ec", f"cp {context}/file {self.home}/copy; sha256sum {self.home}/copy"])
        openssl = ("cp, openssl sha256", ["sh", "-ec", f"cp {context}/file {self.home}/copy; openssl sha256 {self.home}/copy"])
        self.report("build-big", f"build that copies a file of {BIG >> 20} MiB",
                    self.once_each([*self.builders(context), plain, openssl], min(3, self.options.rounds), change))

    def row_build_stages(self):
        stages = "".join(f"FROM bench AS s{i}\nRUN {WORK}; : {i}\n" for i in range(4))
        text = stages + "FROM bench\n" + "".join(f"COPY --from=s{i} /bin/busybox /{i}\n" for i in range(4))
        context = self.context("stages", text)
        samples = {}
        for jobs in ("1", "2"):
            for name, values in self.once_each(self.builders(context, "--no-cache", "--jobs", jobs), min(3, self.options.rounds)).items():
                samples[f"{name}, --jobs {jobs}"] = values
        self.report("build-stages", "build of four stages", samples)
        print("  skiff's --jobs 2 takes", round(statistics.median(samples["skiff, --jobs 2"]) /
                                                 statistics.median(samples["skiff, --jobs 1"]), 2), "of --jobs 1")
