/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: one GError domain with a short list of codes, used by every folder above the exec line.
 *
 * A header names the codes a caller may match; every other error is only prefixed and returned.
 * The first line of a message is the whole error. Further lines start with "cause: " or "help: "
 * and are shown on a terminal only.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
	ENGINE_ERROR_SYSTEM,            /* a system call failed; the message holds strerror() */
	ENGINE_ERROR_NOT_FOUND,         /* no such object */
	ENGINE_ERROR_EXISTS,            /* the name is taken */
	ENGINE_ERROR_IN_USE,            /* locked, or something depends on it */
	ENGINE_ERROR_BAD_STATE,         /* the object's state does not allow this */
	ENGINE_ERROR_INVALID,           /* what the user or a file said makes no sense */
	ENGINE_ERROR_DENIED,            /* not allowed */
	ENGINE_ERROR_UNSUPPORTED,       /* this host or this version cannot do it */
	ENGINE_ERROR_TIMEOUT,           /* took too long */
	ENGINE_ERROR_CANCELLED,         /* the user stopped it */
	ENGINE_ERROR_UNREACHABLE,       /* the network peer did not answer */
	ENGINE_ERROR_CORRUPT,           /* stored or received data is broken */
	ENGINE_ERROR_COMMAND_NOT_FOUND, /* the container's program does not exist: exit 127 */
	ENGINE_ERROR_COMMAND_NOT_EXECUTABLE, /* it exists but cannot be run: exit 126 */
} ErrorCode;

#define ENGINE_ERROR (engine_error_quark())
GQuark engine_error_quark(void);

/**
 * error_set() - set an error with a code and a printf message
 * @error:	where to store it, or NULL
 * @code:	what kind it is
 *
 * Return: always false, so that a check and its return stay one statement.
 */
bool error_set(GError **error, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** error_set_null() - as error_set(), for functions that return a pointer. Return: always NULL. */
void *error_set_null(GError **error, ErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * error_set_errno() - set ENGINE_ERROR_SYSTEM with ": " and strerror(errno) appended
 *
 * Reads errno on entry and leaves it unchanged. Return: always false.
 */
bool error_set_errno(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** error_set_errno_null() - as error_set_errno(), for pointers. Return: always NULL. */
void *error_set_errno_null(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** error_set_errno_go() - as error_set_errno(), the reason in lower case as podman has it: for
 * errors that scripts compare. */
bool error_set_errno_go(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** error_add_help() - append a "help: " line to an error that is set; no-op on NULL. */
void error_add_help(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** error_matches() - true if @error is in our domain with @code; false on NULL. */
bool error_matches(const GError *error, ErrorCode code);

/** error_exit_code() - 127 COMMAND_NOT_FOUND, 126 COMMAND_NOT_EXECUTABLE, else 125. */
int error_exit_code(const GError *error);

/** error_http_status() - the status an HTTP front end answers with (404, 409, 400, ... 500). */
int error_http_status(const GError *error);
