/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile of the user's: refused with words, or a list of rules that are whole.
 */
#include <glib.h>
#include <stdint.h>

#include "libpod/base/error.h"
#include "libpod/runtime/syscall_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const arches[] = {"amd64", NULL};
	SyscallTarget target = {
		.arches = arches, .kernel_major = 6, .kernel_minor = 1, .capabilities = 0xfb};
	g_autoptr(GError) error = NULL;
	g_autoptr(SyscallProfile) profile =
		syscall_profile_parse((const char *)data, size, "profile", &target, &error);
	g_assert_true((profile == NULL) == (error != NULL));
	g_assert_true(profile || error_matches(error, ENGINE_ERROR_INVALID));
	for (guint i = 0; profile && i < profile->rules->len; i++) {
		const SyscallRule *rule = g_ptr_array_index(profile->rules, i);
		g_assert_cmpuint(rule->n_conditions, <=, G_N_ELEMENTS(rule->conditions));
		for (unsigned c = 0; c < rule->n_conditions; c++)
			g_assert_cmpuint(rule->conditions[c].arg, <, 6);
	}
	return 0;
}
