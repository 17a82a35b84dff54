/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: does this host let containers run, and what to do where it does not.
 *
 * Nothing is changed. What can be tried is tried (a user namespace, an overlay); the rest is read.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/engine.h"

typedef enum {
	DOCTOR_OK,
	DOCTOR_WARN, /* works, but not all of it, or not for long */
	DOCTOR_FAIL, /* containers don't run */
} DoctorStatus;

typedef struct {
	const char *name; /* static: "sub-ids" */
	DoctorStatus status;
	char *message;
	char *help; /* what to do; NULL if nothing is to be done */
} DoctorFinding;

void doctor_finding_free(DoctorFinding *finding);

typedef struct {
	const char *root;  /* below which /proc/sys, /sys, /etc, /run, /var are read; NULL: "" */
	const char *store; /* where the store is or would be */
	Engine *engine;    /* NULL: it could not be opened, for the reason in @problem */
	const GError *problem;
} DoctorOptions;

/** doctor_status_name() - "ok", "warn", "fail". */
const char *doctor_status_name(DoctorStatus status);

/** doctor_examine() - GPtrArray of DoctorFinding, in the order in which to mend. */
GPtrArray *doctor_examine(const DoctorOptions *options);

/* Single parts, for tests: each adds one finding or more. */
/** doctor_check_sysctls() - limits of the kernel that many containers meet. */
void doctor_check_sysctls(const DoctorOptions *options, GPtrArray *findings);
/** doctor_explain_userns() - which setting forbids user namespaces. */
void doctor_explain_userns(const DoctorOptions *options, const GError *error, GPtrArray *findings);
/** doctor_check_cgroup() - version and delegated controllers. */
void doctor_check_cgroup(const DoctorOptions *options, GPtrArray *findings);
/** doctor_check_session() - systemd, lingering, the runtime directory. */
void doctor_check_session(const DoctorOptions *options, GPtrArray *findings);
/** doctor_check_disk() - the file system below the store. */
void doctor_check_disk(const DoctorOptions *options, GPtrArray *findings);
