#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn the default seccomp profile into C: its compact text and the hash of that text."""
import hashlib
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    profile = json.load(file)
for block in profile["syscalls"]:
    block.pop("comment", None)
text = json.dumps(profile, separators=(",", ":"))
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write('#include "libpod/runtime/syscall_profile.h"\n\nconst char syscall_profile_default[] =\n')
    for start in range(0, len(text), 80):
        out.write("\t" + json.dumps(text[start : start + 80]) + "\n")
    out.write("\t;\nconst size_t syscall_profile_default_size = sizeof syscall_profile_default - 1;\n")
    out.write(
        'const char syscall_profile_default_hash[] = "%s";\n'
        % hashlib.sha256(text.encode()).hexdigest()
    )
