/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of another architecture: the kernel runs them by an interpreter that somebody registered
 * with binfmt_misc (qemu-user-static does).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** emulation_check() - can a RUN for this platform run here? UNSUPPORTED names the fix. */
bool emulation_check(const char *os, const char *architecture, const char *variant, GError **error);

/** emulation_handles() - does a text of /proc/sys/fs/binfmt_misc/NAME stand for ELF programs of
 * this architecture, by an interpreter that a container needs not have? */
bool emulation_handles(const char *text, const char *architecture);
