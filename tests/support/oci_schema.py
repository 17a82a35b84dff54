# SPDX-License-Identifier: Apache-2.0
"""The shape of config.json that the OCI runtime specification 1.1 asks for, its Linux part, as a JSON schema.

Written from the text of the specification (config.md, config-linux.md), for what skiff writes and a little
more; objects are closed, so that a misspelt member is an error.

    validate(config)    raises ValidationError, or ImportError where python3-jsonschema is missing
"""

UINT32 = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
UINT64 = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
INT64 = {"type": "integer", "minimum": -2**63, "maximum": 2**63 - 1}
STRINGS = {"type": "array", "items": {"type": "string"}}
STRING_MAP = {"type": "object", "additionalProperties": {"type": "string"}}
ABSOLUTE = {"type": "string", "pattern": "^/"}
CAPABILITIES = {"type": "array", "items": {"type": "string", "pattern": "^CAP_[A-Z_]+$"}, "uniqueItems": True}


def closed(required, **properties):
    """An object with these members and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


ID_MAPPINGS = {"type": "array", "items": closed(["containerID", "hostID", "size"], containerID=UINT32, hostID=UINT32,
                                                size=UINT32)}

PROCESS = closed(
    ["cwd", "args", "user"],
    terminal={"type": "boolean"},
    consoleSize=closed(["height", "width"], height=UINT64, width=UINT64),
    cwd=ABSOLUTE,
    env={"type": "array", "items": {"type": "string", "pattern": "^[^=]+="}},
    args={"type": "array", "items": {"type": "string"}, "minItems": 1},
    user=closed(["uid", "gid"], uid=UINT32, gid=UINT32, umask=UINT32,
                additionalGids={"type": "array", "items": UINT32}),
    capabilities=closed([], bounding=CAPABILITIES, effective=CAPABILITIES, inheritable=CAPABILITIES,
                        permitted=CAPABILITIES, ambient=CAPABILITIES),
    rlimits={"type": "array", "items": closed(["type", "soft", "hard"], soft=UINT64, hard=UINT64,
                                              type={"type": "string", "pattern": "^RLIMIT_[A-Z]+$"})},
    noNewPrivileges={"type": "boolean"},
    apparmorProfile={"type": "string"},
    selinuxLabel={"type": "string"},
    oomScoreAdj={"type": "integer", "minimum": -1000, "maximum": 1000},
)

NAMESPACE = closed(["type"], path=ABSOLUTE,
                   type={"enum": ["mount", "pid", "network", "uts", "ipc", "user", "cgroup", "time"]})

# Character and block devices have numbers, pipes have none.
DEVICE = {
    "allOf": [closed(["path", "type"], path=ABSOLUTE, type={"enum": ["c", "b", "u", "p"]}, major=INT64, minor=INT64,
                     fileMode={"type": "integer", "minimum": 0, "maximum": 0o7777}, uid=UINT32, gid=UINT32)],
    "if": {"properties": {"type": {"const": "p"}}},
    "else": {"required": ["major", "minor"]},
}

NUMBER = closed(["major", "minor"], major=INT64, minor=INT64, rate=UINT64)
WEIGHT = closed(["major", "minor"], major=INT64, minor=INT64, weight={"type": "integer", "minimum": 0, "maximum": 65535})
THROTTLED = {"type": "array", "items": NUMBER}
RESOURCES = closed(
    [],
    pids=closed(["limit"], limit=INT64),
    memory=closed([], limit=INT64, reservation=INT64, swap=INT64),
    cpu=closed([], shares=UINT64, quota=INT64, period=UINT64, cpus={"type": "string"}, mems={"type": "string"}),
    blockIO=closed([], weight={"type": "integer", "minimum": 0, "maximum": 65535}, weightDevice={"type": "array", "items": WEIGHT},
                   throttleReadBpsDevice=THROTTLED, throttleWriteBpsDevice=THROTTLED, throttleReadIOPSDevice=THROTTLED,
                   throttleWriteIOPSDevice=THROTTLED),
    unified=STRING_MAP,
)

LINUX = closed(
    [],
    namespaces={"type": "array", "items": NAMESPACE},
    uidMappings=ID_MAPPINGS,
    gidMappings=ID_MAPPINGS,
    devices={"type": "array", "items": DEVICE},
    sysctl=STRING_MAP,
    cgroupsPath={"type": "string"},
    resources=RESOURCES,
    maskedPaths={"type": "array", "items": ABSOLUTE},
    readonlyPaths={"type": "array", "items": ABSOLUTE},
    mountLabel={"type": "string"},
    rootfsPropagation={"enum": ["shared", "slave", "private", "unbindable"]},
)

MOUNT = closed(["destination"], destination=ABSOLUTE, type={"type": "string"}, source={"type": "string"},
               options=STRINGS)

CONFIG = closed(
    ["ociVersion", "process", "root", "linux"],
    ociVersion={"type": "string", "pattern": r"^1\.[0-9]+\.[0-9]+"},
    process=PROCESS,
    root=closed(["path"], path={"type": "string", "minLength": 1}, readonly={"type": "boolean"}),
    hostname={"type": "string"},
    domainname={"type": "string"},
    mounts={"type": "array", "items": MOUNT},
    annotations=STRING_MAP,
    linux=LINUX,
)


def validate(config):
    """Check a config.json that has been parsed."""
    import jsonschema

    jsonschema.Draft7Validator.check_schema(CONFIG)
    jsonschema.Draft7Validator(CONFIG).validate(config)
    kinds = [namespace["type"] for namespace in config["linux"].get("namespaces", [])]
    if len(kinds) != len(set(kinds)):
        raise jsonschema.ValidationError("a namespace is listed twice")
