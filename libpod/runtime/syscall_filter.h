/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp: a profile in the JSON format of docker and podman to BPF. In a static library of its own
 * (libsyscall_filter, needs libseccomp): only the CLI compiles; the monitor loads bytes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * syscall_filter_build() - compile the default profile, or one from a file, for a capability set
 * @cache_dir_fd:	where compiled filters are kept under a hash of everything that decides them;
 * -1: no cache
 * @profile_path:	NULL: the built-in default (security.md section 2); else a Docker-format JSON
 * file
 * @capabilities:	bit set that the profile's includes/excludes look at
 * @nested:		--security-opt nested: mount family and user namespaces allowed
 *
 * Return: sealed memfd with struct sock_filter[], or -1 with INVALID (bad profile) or SYSTEM.
 */
int syscall_filter_build(int cache_dir_fd, const char *profile_path, uint64_t capabilities,
			 bool nested, GError **error);
