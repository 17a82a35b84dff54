/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a seccomp profile, in the JSON format of docker and podman, to the list of rules that
 * holds for one machine, kernel and capability set.
 */
#pragma once

#include <glib.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the conditions of a block are compared with. */
typedef struct {
	const char *const *arches; /* Go's names: "amd64"; NULL-terminated */
	unsigned kernel_major, kernel_minor;
	uint64_t capabilities;
	bool nested; /* counts as the capability "SKIFF_NESTED" */
} SyscallTarget;

typedef struct {
	int number;      /* as libseccomp has it, __NR_SCMP_ERROR if nobody knows it */
	uint32_t action; /* SCMP_ACT_* */
	unsigned n_conditions;
	struct scmp_arg_cmp conditions[6]; /* all of them must hold */
} SyscallRule;

typedef struct {
	uint32_t default_action;
	GPtrArray *rules; /* of SyscallRule, in order */
} SyscallProfile;

/** syscall_profile_parse() - @what names the text in errors. INVALID: unknown keys and values are
 * refused. */
SyscallProfile *syscall_profile_parse(const char *text, size_t size, const char *what,
				      const SyscallTarget *target, GError **error);
void syscall_profile_free(SyscallProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyscallProfile, syscall_profile_free)

/* The built-in profile, embedded at build time, and the hash of its text. */
extern const char syscall_profile_default[];
extern const size_t syscall_profile_default_size;
extern const char syscall_profile_default_hash[];
