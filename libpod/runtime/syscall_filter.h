/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp: a profile in the JSON format of docker and podman to BPF. In a static library of its own
 * (libsyscall_filter, needs libseccomp): only the CLI compiles; the monitor loads bytes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
	int cache_dir_fd; /* compiled filters under a hash of all that decides them; -1: no cache */
	const char *profile_path; /* NULL: the built-in default (contrib/seccomp.json) */
	uint64_t capabilities;    /* bit set that the profile's includes and excludes look at */
	bool nested; /* --security-opt nested: mount family and user namespaces allowed */
	bool compat; /* also the 32-bit ABI of this machine: the image is for it. Never x32 */
} SyscallFilterOptions;

/**
 * syscall_filter_compile() - compile a profile for this machine
 *
 * Return: sealed memfd with struct sock_filter[], or -1 with INVALID (bad profile), NOT_FOUND or
 * SYSTEM.
 */
int syscall_filter_compile(const SyscallFilterOptions *options, GError **error);

/** syscall_filter_build() - the same for the native ABI alone. */
int syscall_filter_build(int cache_dir_fd, const char *profile_path, uint64_t capabilities,
			 bool nested, GError **error);
