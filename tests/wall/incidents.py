# SPDX-License-Identifier: Apache-2.0
"""Which test proves that an incident of others cannot be ours, and which defence stands before it.

A row: the incident, the system tests, the defences that are switched off together so that these tests
must fail. Where one defence stands behind another a row names both. The names of the defences are the
arguments of wall_stands() in the C files; a weakened build (-Dwall=true) takes them from SKIFF_WALL_DOWN.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One incident (a CVE where it has a number), and what shows that its test can see it."""

    incident: str
    tests: str  # MODULE.CLASS.TEST ...
    down: str  # defences, separated by blanks


# A test that must pass whatever is down: it shows that the weakened build still does its work.
CONTROLS = {
    "runtime_incidents": "runtime_incidents.Users.test_groups_of_the_caller_stay_outside",
    "runtime_races": "runtime_incidents.Users.test_groups_of_the_caller_stay_outside",
    "environments": "run.RunBasics.test_exit_code_is_the_containers",
    "cgroup": "run.RunBasics.test_exit_code_is_the_containers",
    "limits": "run.RunBasics.test_exit_code_is_the_containers",
    "posture": "run.RunBasics.test_exit_code_is_the_containers",
    "copy": "run.RunBasics.test_exit_code_is_the_containers",
    "hostile_layers": "hostile_layers.Kinds.test_setuid",
    "hostile_tars": "hostile_tars.Corpus.test_whiteouts",
    "hostile_configs": "hostile_configs.Loaded.test_listings",
    "pull_faults": "pull_faults.Tls.test_good_certificate",
    "signature": "signature.Decisions.test_signed_as_it_should_be",
    "load_save": "load_save.Load.test_names",
    "build_files": "build_files.Contexts.test_directory",
    "build_outputs": "build_outputs.Outputs.test_tar",
    "systemd_mode": "systemd_mode.Mode.test_by_the_commands_name",
    "options": "options.VolumeOptions.test_bind",
    "monitor_io": "monitor_io.Sockets.test_garbage_on_the_attach_socket",
    "network": "network.Modes.test_host",
    "named_network_dns": "named_network_dns.Forwarded.test_answers",
    "compose_view": "compose_view.DryRun.test_up_and_down",
    "compose_keys": "compose_keys.Drift.test_names",
    "compose_export": "compose_export.Systemd.test_no_file_without_a_variable_for_it",
    "compose_watch": "compose_watch.Sync.test_files",
    "generate": "generate.Quadlet.test_files",
    "quadlet": "quadlet.Verbs.test_install_list_print_rm",
}

RUNTIME = [
    ("CVE-2024-21626 run", "WorkingDirectory.test_2024_21626_run_below_proc_self_fd", "cwd-lookup closed-descriptors reachable-cwd"),
    ("CVE-2024-21626 exec", "WorkingDirectory.test_2024_21626_exec_below_proc_self_fd", "closed-descriptors"),
    ("CVE-2024-21626 link", "WorkingDirectory.test_2024_21626_link_to_a_descriptor", "cwd-lookup closed-descriptors reachable-cwd"),
    ("CVE-2024-21626 another root", "WorkingDirectory.test_2024_21626_run_in_another_root", "cwd-lookup reachable-cwd"),
    ("CVE-2024-21626 exec in another root", "WorkingDirectory.test_2024_21626_exec_in_another_root", "reachable-cwd"),
    ("CVE-2024-21626 lost mount", "WorkingDirectory.test_2024_21626_exec_in_a_mount_that_was_taken_away", "reachable-cwd"),
    ("CVE-2019-16884", "ProcAndDev.test_2019_16884_proc_is_a_link", "real-proc"),
    ("CVE-2019-16884 out", "ProcAndDev.test_2019_16884_proc_is_a_link_out", "real-proc root-first in-root attached"),
    ("CVE-2019-19921", "ProcAndDev.test_2019_19921_sys_is_a_link", "real-proc"),
    ("CVE-2023-27561", "ProcAndDev.test_2023_27561_volume_over_proc", "mounts-at-proc mounts-below-proc"),
    ("CVE-2023-28642", "ProcAndDev.test_2023_28642_volume_below_proc_by_a_link", "mounts-below-proc"),
    ("runc CVE-2026-41579", "ProcAndDev.test_2026_41579_dev_is_a_link", "root-first in-root"),
    ("runc CVE-2026-41579 upwards", "ProcAndDev.test_2026_41579_dev_is_a_link_upwards", "own-dev"),
    ("crun CVE-2026-47766", "ProcAndDev.test_2026_41579_devices_where_dev_is_a_link", "root-first in-root own-dev"),
    ("crun CVE-2026-47766 below", "ProcAndDev.test_2026_41579_devices_below_a_link", "root-first in-root walk-no-links"),
    ("crun CVE-2026-88265", "ProcAndDev.test_88265_stdio_null_is_not_the_users", "hosts-stdio"),
    ("CVE-2023-25809", "ProcAndDev.test_2023_25809_cgroup_is_read_only", "cgroups-read-only"),
    ("CVE-2025-52565", "ProcAndDev.test_2025_52565_terminal_with_a_link_as_dev", "root-first in-root own-dev"),
    ("CVE-2025-31133", "ProcAndDev.test_2025_31133_dev_of_the_user_with_a_link_as_null", "hosts-null"),
    ("Docker 2015-3630, bubblewrap CVE-2026-87766", "MountPoints.test_2021_30465_destination_through_links_stays_inside", "root-first in-root walk-no-links"),
    ("CVE-2024-45310", "MountPoints.test_2024_45310_nothing_is_created_outside", "root-first in-root walk-no-links"),
    ("podman CVE-2026-55686", "MountPoints.test_55686_working_directory_is_created_inside", "root-first in-root walk-no-links"),
    ("CVE-2021-30465", "MountPoints.test_2021_30465_flipping_destination", "root-first in-root walk-no-links"),
    ("CVE-2024-40635", "Users.test_2024_40635_numbers_that_overflow", "id-range"),
    ("CVE-2024-40635 grammar", "Users.test_2024_40635_numbers_that_overflow", "user-grammar"),
    ("CVE-2026-46680", "Users.test_2024_40635_exec_with_numbers_that_overflow", "id-range"),
    ("CVE-2024-40635 passwd", "Users.test_2024_40635_passwd_with_numbers_that_overflow", "id-range"),
    ("CVE-2024-40635 image", "Users.test_2024_40635_image_with_a_number_that_overflows", "id-range"),
    ("crun CVE-2026-30892", "Users.test_30892_a_name_of_digits_does_not_shadow", "numbers-before-names"),
    ("CVE-2026-47262", "Users.test_47262_passwd_is_a_fifo", "no-wait"),
    ("CVE-2026-47262 writer", "Users.test_47262_passwd_is_a_fifo_with_a_writer", "regular-file"),
    ("CVE-2025-4437", "Users.test_2025_4437_passwd_is_a_device_by_link", "regular-file file-size table-bounds"),
    ("CVE-2024-9676", "Users.test_2024_9676_group_is_huge", "file-size table-bounds"),
    ("CVE-2024-9676 lines", "Users.test_2024_9676_long_lines_and_many", "table-bounds"),
    ("CVE-2022-2989", "Users.test_2022_2990_the_primary_group_is_listed", "own-group"),
    ("CVE-2021-41091 store or runtime directory open to others", "PrivateDirectories.test_open_to_others", "private-mode"),
    ("predictable directory that is a link", "PrivateDirectories.test_link", "private-links"),
    ("predictable directory of somebody else", "PrivateDirectories.test_of_somebody_else", "private-owner"),
    ("CVE-2019-5736", "OwnProgram.test_2019_5736_script_run_by_proc_self_exe", "read-only-program"),
    ("CVE-2016-9962", "OwnProgram.test_2016_9962_nobody_gets_at_a_joiner", "hidden-joiner"),
    ("CVE-2017-1002101", "MountPoints.test_2017_1002101_part_of_a_volume_that_is_a_link", "in-root"),
    ("CVE-2022-0811", "Sysctls.test_2022_0811_smuggled_keys", "sysctl-list"),
    ("CVE-2022-0532", "Sysctls.test_2022_0532_namespaces_of_others", "own-sysctls"),
    ("CVE-2022-1227", "Inside.test_2022_1227_programs_and_libraries_of_the_image", "own-ps"),
    ("CVE-2015-1334", "Inside.test_2015_1334_proc_of_the_container", "hosts-proc"),
    ("CVE-2020-1726", "Inside.test_2020_1726_a_volume_with_files_is_left_alone", "empty-volumes"),
    ("CVE-2016-9962 descriptors", "OwnProgram.test_2016_9962_a_tracer_finds_nothing_of_the_host", "joiner-descriptors"),
]

RACES = [
    ("CVE-2025-52881 race", "Starts.test_2025_52881_mounts_led_into_proc", "mounts-below-proc"),
    ("CVE-2025-52881 race of /proc", "Starts.test_2025_52881_proc_of_the_image", "private-procfs"),
    ("CVE-2025-31133 race", "Starts.test_2025_31133_masks_under_a_dev_that_changes", "hosts-null"),
    ("CVE-2023-0778 race", "Reads.test_2023_0778_volume_export", "packed-links jail"),
    ("CVE-2017-1002101 race", "Reads.test_2017_1002101_part_of_a_volume", "in-root"),
    ("CVE-2024-11218 race", "Reads.test_2024_11218_context_of_a_build", "in-root"),
]

POSTURE = [
    ("CVE-2022-24769 run", "Posture.test_identity_of_root", "nothing-inherited"),
    ("CVE-2022-29162 exec", "Posture.test_exec_is_as_run", "nothing-inherited"),
    ("CVE-2018-10856", "Posture.test_identity_of_a_user", "users-have-none"),
    ("CVE-2021-20188", "Posture.test_exec_as_another_user_has_nothing", "ambient-of-its-user"),
    ("CVE-2022-0185 and other doors of user namespaces", "Posture.test_every_system_call", "filter"),
    ("CVE-2026-31431 AF_ALG", "Posture.test_arguments_decide", "filter"),
    ("exec without the filter", "Posture.test_exec_has_the_same_filter", "filter"),
    ("a filter that was changed in the cache", "Posture.test_another_filter_in_the_cache", "cached-filter"),
    ("CVE-2024-3056", "Posture.test_mounts", "shm-size"),
    ("hidden files of /proc and /sys", "Posture.test_hidden_paths", "masked-paths"),
    ("CVE-2022-27651 build steps", "Doors.test_build_step", "nothing-inherited"),
    ("CVE-2022-29162 health probes", "Doors.test_health_probe", "nothing-inherited"),
    ("build steps without the filter", "Doors.test_build_step", "filter"),
    ("pods without masks", "Doors.test_pod", "masked-paths"),
    ("compose without masks", "Doors.test_compose", "masked-paths"),
    ("the user's session keyring", "Posture.test_keyring_is_shared_and_locked", "own-keyring"),
]

LAYERS = [
    ("umoci CVE-2021-29136", "Links.test_symlink_then_file", "in-root jail"),
    ("buildah CVE-2020-10696", "Links.test_ladder", "in-root jail"),
    ("CVE-2024-28085", "Names.test_escapes_in_messages", "escaped-output"),
    ("podman CVE-2025-11395", "Names.test_dots", "entry-dots"),
    ("podman CVE-2025-11395 long names", "Names.test_dots_in_pax_and_gnu", "entry-dots"),
    ("the root replaced", "Names.test_root_replaced", "root-stays"),
    ("containerd CVE-2021-32760", "Links.test_file_over_link", "fresh-files jail"),
    ("a parent that is no directory", "Kinds.test_file_as_parent", "parents-stay"),
    ("CVE-2016-5418 hard link with data", "Links.test_hardlink_with_data", "link-data"),
    ("hard link to a directory", "Links.test_hardlink_to_directory", "link-kinds"),
    ("oras CVE-2026-50163", "Links.test_hardlink_through_symlink", "in-root jail"),
    ("device nodes", "Kinds.test_devices", "no-devices"),
    ("overlay attributes", "Kinds.test_overlay_attributes Kinds.test_escaped_overlay_attribute", "no-overlay-attributes"),
    ("capability of another root", "Kinds.test_bad_capability", "own-capabilities"),
    ("owners that mean nobody", "Numbers.test_owner_out_of_range", "owner-range"),
    ("a name that ends in its middle", "Names.test_nul_in_pax_path", "whole-names"),
    ("attributes without end", "Kinds.test_many_attributes", "attribute-count"),
    ("CVE-2025-58183 long names", "Names.test_megabyte_name", "extension-size"),
    ("whiteout of nothing", "Whiteouts.test_bad_names", "whiteout-names"),
    ("whiteout as a parent", "Whiteouts.test_as_parent", "whiteout-parents"),
    ("whiteout with data", "Whiteouts.test_with_data", "whiteout-data"),
    ("whiteout through a link", "Whiteouts.test_through_link", "in-root jail"),
    ("CVE-2025-58183 sparse bomb", "Numbers.test_sparse_bomb", "layer-budget"),
    ("sparse maps", "Numbers.test_sparse_maps", "sparse-order"),
    ("bytes behind the end", "Numbers.test_trailing_bytes", "trailer-size"),
    ("diff id confusion", "Documents.test_wrong_diff_id", "diff-ids"),
    ("CVE-2024-3727", "Documents.test_hostile_digest", "digest-grammar"),
    ("CVE-2020-14370", "Documents.test_environment", "environment-grammar"),
    ("more layers than an overlay holds", "Documents.test_many_layers", "layer-count"),
]

TARS = [
    ("podman CVE-2025-11395 volume import", "Doors.test_volume", "in-root jail"),
    ("CVE-2019-14271 and its kind in cp", "Doors.test_cp", "in-root jail"),
]

ARCHIVES = [
    ("sizes in an archive", "Loaded.test_layouts", "archive-sizes"),
    ("containerd CVE-2022-23648", "Run.test_rows", "root-first in-root walk-no-links"),
]

REGISTRY = [
    ("CVE-2020-15157", "Redirects.test_forty_shapes_leak_nothing", "credentials-stay"),
    ("redirects without end", "Redirects.test_loop", "redirect-count"),
    ("two places at once", "Redirects.test_two_locations", "one-header"),
    ("two answers at once", "Documents.test_duplicate_headers", "one-header"),
    ("passwords for mirrors", "Given.test_mirror_does_not_get_them", "mirrors-get-none"),
    ("a password for any registry", "Given.test_short_name_that_may_be_anywhere", "one-registry"),
    ("redirect from HTTPS to HTTP", "Tls.test_redirect_to_plain_http", "no-downgrade"),
    ("challenge of where a redirect leads", "Redirects.test_challenge_of_where_a_redirect_leads", "challenger"),
    ("oras CVE-2026-48978", "Tokens.test_realm_on_this_machine_is_not_visited", "realm-origin"),
    ("model-runner CVE-2026-33990 by a proxy", "Tokens.test_realm_at_a_private_address_behind_the_proxy", "realm-origin"),
    ("CVE-2025-6032", "Tls.test_verification_is_not_inherited_by_a_redirect", "own-verification"),
    ("CVE-2020-1702", "Documents.test_five_megabytes", "document-size"),
    ("CVE-2020-1702 headers", "Documents.test_too_many_headers", "header-size"),
    ("realm in plain HTTP", "Tokens.test_realm_in_plain_http", "realm-scheme realm-origin"),
    ("token server that redirects", "Tokens.test_token_server_that_redirects", "realm-redirects"),
    ("token that is a header", "Tokens.test_bad_token_answers", "token-characters"),
    ("CVE-2019-10214 certificates", "Tls.test_bad_certificates", "certificates"),
    ("CVE-2021-41092", "Helpers.test_helper_that_fails", "helper-failures"),
    ("CVE-2021-41190", "Documents.test_image_and_index_at_once", "one-kind"),
    ("CVE-2021-41190 mediaType", "Documents.test_content_type_of_an_index", "declared-kind"),
    ("manifest of other bytes", "Documents.test_other_bytes_for_a_digest", "manifest-digest"),
    ("announced digest", "Documents.test_announced_digest_of_other_bytes", "manifest-digest"),
    ("CVE-2024-3727 registry", "Documents.test_digest_that_is_a_path", "digest-grammar"),
    ("CVE-2020-15157 foreign layers", "Documents.test_foreign_layer", "no-foreign-layers"),
    ("size in the index", "Documents.test_wrong_size_in_the_index", "index-sizes"),
    ("config with fewer layers", "Documents.test_config_with_fewer_layers", "as-many-diff-ids"),
    ("swapped layers", "Documents.test_swapped_layers", "diff-ids"),
    ("config larger than allowed", "Documents.test_huge_config", "config-size"),
    ("right tar in another gzip", "Blobs.test_right_tar_in_other_gzip", "blob-digest"),
    ("blob longer than announced", "Blobs.test_longer_than_announced", "blob-size blob-digest"),
    ("CVE-2023-25153 gzip bomb", "Blobs.test_gzip_bomb", "bomb-ratio layer-budget"),
]

SIGNATURE = [
    ("no signature", "Decisions.test_no_signature", "signatures-needed"),
    ("signature of another digest", "Decisions.test_another_digest", "signed-digest"),
    ("signature for another name", "Decisions.test_another_identity", "signed-identity"),
    ("signature in another form", "Messages.test_other_forms", "signature-form"),
]

BUILD = [
    ("CVE-2019-13139 refs", "Repositories.test_hostile_refs", "git-refs git-dashes"),
    ("GHSA-hw3h-2gp9-cxpv hooks of git", "Repositories.test_no_hooks_and_no_submodules", "git-hooks"),
    ("CVE-2022-39253 URLs", "Repositories.test_local_repositories_are_refused", "git-urls"),
    ("CVE-2026-44517 subdirectory", "Repositories.test_subdirectories_stay_inside", "in-root"),
    ("CVE-2022-4122 context", "Contexts.test_links_that_lead_out", "in-root"),
]

OUTPUTS = [
    ("keys of the user's agent", "Agents.test_a_step_has_no_power_over_an_agent", "agent-requests"),
    ("set-id programs in build -o", "Outputs.test_local_gives_nobody_a_privilege", "harmless-output"),
    ("devices that a Dockerfile asks for", "Mounts.test_insecure_needs_to_be_allowed", "allowed-devices"),
    ("CVE-2024-24557", "Caches.test_hostile_caches", "cached-on-its-layers"),
    ("CVE-2025-4953", "Mounts.test_a_directory_of_the_context_that_may_be_written", "context-overlay"),
    ("CVE-2024-1753 stage", "Mounts.test_a_source_that_leaves_its_root", "in-root"),
    ("CVE-2024-9675", "Hostile.test_names_of_caches", "cache-names"),
    ("CVE-2024-9407", "Hostile.test_mount_options", "mount-keys"),
]

SYSTEMD = [
    ("cgroups of others for an image's systemd", "Mode.test_another_init_in_the_namespace_of_others", "own-cgroups sealed-cgroups"),
    ("our own cgroup for an image's systemd", "Mode.test_another_init_runs_without_a_cgroup", "sealed-cgroups"),
]

OPTIONS = [
    ("a volume in memory that became a link", "VolumeOptions.test_tmpfs_of_a_container_that_puts_a_link_in_its_place", "foreign-inside"),
    ("CRI-O CVE-2022-4318", "Identity.test_entry_is_one_line", "entry-lines"),
]

SOCKETS = [("CVE-2020-15257", "Sockets.test_only_for_the_user", "socket-mode")]

NETWORK = [
    ("the host's loopback by its gateway", "Modes.test_host_loopback_is_closed", "closed-loopback"),
    ("CVE-2021-20199", "Published.test_client_address", "client-addresses"),
]

NAMES = [
    ("CVE-2024-29018", "Forwarded.test_internal", "internal-names"),
    ("CVE-2024-29018 local names", "Forwarded.test_nothing_leaks", "local-names"),
]

COMPOSE_VIEW = [
    ("a dry run that removes a volume", "DryRun.test_a_volume_that_changed", "dry-volumes"),
    ("a dry run that pushes", "DryRun.test_other_verbs_refuse", "dry-verbs"),
]

COMPOSE_KEYS = [("a volume of another's container", "Drift.test_a_volume_that_changed", "others-volumes")]

COMPOSE_EXPORT = [("CVE-2024-3154 compose systemd", "Systemd.test_no_value_begins_a_line", "unit-lines")]

COMPOSE_WATCH = [("links of a project in compose watch", "Sync.test_links_stay_links", "watched-links")]

GENERATE = [
    ("CVE-2024-3154 quadlet generate", "Quadlet.test_foreign_text_is_never_more_than_text", "unit-words"),
    ("CVE-2024-3154 generate systemd", "Systemd.test_foreign_text_is_never_more_than_text", "unit-words"),
]

QUADLET = [
    ("CVE-2026-53488 auto-update", "AutoUpdate.test_units_of_the_image", "own-labels"),
    ("a host's name that is a password in quadlet install", "Verbs.test_from_an_address", "plain-hosts"),
    ("links of an application in quadlet install", "Verbs.test_links_of_an_application_stay_in_it", "application-links"),
]

ENVIRONMENTS = [("CVE-2018-7169 helpers of somebody else", "Environments.test_helpers", "system-helpers")]

CGROUP = [("CVE-2023-6476 record", "WithoutCgroup.test_forged_record", "own-cgroup-record")]

LIMITS = [("CVE-2023-6476 parent", "Words.test_parents", "cgroup-parents")]

LOAD_SAVE = [("CVE-2026-50195", "Load.test_names_that_others_have", "told-names")]

COPY = [
    ("CVE-2018-15664", "Race.test_both_ways", "in-root jail"),
]


def _rows(module, rows):
    return [Row(incident, " ".join(f"{module}.{test}" for test in tests.split()), down) for incident, tests, down in rows]


TABLES = {
    "runtime_incidents": RUNTIME, "runtime_races": RACES, "environments": ENVIRONMENTS, "cgroup": CGROUP, "limits": LIMITS, "posture": POSTURE, "hostile_layers": LAYERS, "hostile_tars": TARS, "hostile_configs": ARCHIVES, "pull_faults": REGISTRY, "signature": SIGNATURE,
    "build_files": BUILD, "load_save": LOAD_SAVE, "copy": COPY, "build_outputs": OUTPUTS, "systemd_mode": SYSTEMD, "options": OPTIONS, "monitor_io": SOCKETS, "network": NETWORK,
    "named_network_dns": NAMES, "compose_view": COMPOSE_VIEW, "compose_keys": COMPOSE_KEYS, "compose_export": COMPOSE_EXPORT,
    "compose_watch": COMPOSE_WATCH, "generate": GENERATE, "quadlet": QUADLET,
}
ROWS = [row for module, rows in TABLES.items() for row in _rows(module, rows)]
