#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config.json as launch-bed writes it, against the specification's schema. TAP; the bed is the argument."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support import oci_schema  # noqa: E402  (the path comes first)

CASES = {
    "default": [],
    "terminal, init, read-only": ["--tty", "--init", "--readonly", "--nnp", "--create-cwd"],
    "user and groups": ["--user", "bob:wheel", "--group", "audio", "--ambient", "2000"],
    "mounts": ["--mount", "/data:bind:/srv:rbind,ro,U", "--mount", "/tmp:tmpfs:tmpfs:size=1m"],
    "namespaces": ["--ns", "net=host", "--ns", "pid=/proc/1/ns/pid", "--ns", "cgroup=host"],
    "devices": ["--device", "/dev/null", "--device", "/dev/tty"],
    "limits": ["--rlimit", "7:1024:18446744073709551615", "--sysctl", "net.ipv4.ip_forward=1"],
    "resources": ["--resources", '{"memory":{"limit":64,"swap":-1,"reservation":3},"pids":{"limit":-1},"cpu":{"shares":2,"quota":-1,'
                  '"period":5000,"cpus":"0","mems":"0"},"blockIO":{"weight":10,"weightDevice":[{"major":8,"minor":0,"weight":9}],'
                  '"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":9,"path":"/dev/sda"}],"throttleWriteIOPSDevice":'
                  '[{"major":8,"minor":0,"rate":9}]},"unified":{"memory.high":"max"}}'],
    "all capabilities": ["--caps", "1ffffffffff"],
}


def main():
    try:
        import jsonschema  # noqa: F401  (only whether it is there)
    except ImportError:
        print("1..1\nok 1 - schema # SKIP python3-jsonschema is not installed")
        return 0
    print(f"1..{len(CASES) + 1}")
    failed = 0
    config = None
    for number, (name, options) in enumerate(CASES.items(), 1):
        done = subprocess.run([sys.argv[1], "--print-config", *options, "/root", "true"], check=True,
                              capture_output=True, text=True)
        config = json.loads(done.stdout)
        try:
            oci_schema.validate(config)
            print(f"ok {number} {name}")
        except jsonschema.ValidationError as error:
            failed += 1
            print(f"not ok {number} {name}\n# {error.message} at {list(error.path)}")
    # The schema itself must be able to refuse.
    config["linux"]["maskedPath"] = []
    try:
        oci_schema.validate(config)
        failed += 1
        print(f"not ok {len(CASES) + 1} a misspelt member is refused")
    except jsonschema.ValidationError:
        print(f"ok {len(CASES) + 1} a misspelt member is refused")
    return 1 if failed else 0


sys.exit(main())
