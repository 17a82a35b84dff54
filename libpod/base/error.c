/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: the domain, the setters and the two tables that map codes to exit codes and HTTP
 * statuses.
 */
#include "libpod/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

G_DEFINE_QUARK(engine - error - quark, engine_error)

static void set_valist(GError **error, ErrorCode code, const char *format, va_list args)
{
	if (error)
		g_propagate_error(error, g_error_new_valist(ENGINE_ERROR, code, format, args));
}

/* What can be done about an errno, whatever failed with it. */
static const char *errno_help(int number)
{
	switch (number) {
	case ENOSPC:
		return "the disk is full: skiff system df shows what is large, skiff system prune "
		       "removes what is unused";
	case EDQUOT:
		return "your quota is used up: skiff system df shows what is large, skiff system "
		       "prune "
		       "removes what is unused";
	case EMFILE:
		return "too many open files: raise the limit with ulimit -n, or LimitNOFILE= in a "
		       "unit";
	case EROFS:
		return "the file system is read-only: name another place with --root, or remount "
		       "it";
	default:
		return NULL;
	}
}

/* As set_valist(), with strerror() of @number behind the message. */
static void set_errno_valist(GError **error, int number, const char *format, va_list args)
{
	if (!error)
		return;
	g_autofree char *text = g_strdup_vprintf(format, args);
	const char *help = errno_help(number);
	g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_SYSTEM, "%s: %s%s%s", text, strerror(number),
		    help ? "\nhelp: " : "", help ? help : "");
}

bool error_set(GError **error, ErrorCode code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set_valist(error, code, format, args);
	va_end(args);
	return false;
}

void *error_set_null(GError **error, ErrorCode code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set_valist(error, code, format, args);
	va_end(args);
	return NULL;
}

bool error_set_errno(GError **error, const char *format, ...)
{
	int number = errno;
	va_list args;
	va_start(args, format);
	set_errno_valist(error, number, format, args);
	va_end(args);
	errno = number;
	return false;
}

bool error_set_errno_go(GError **error, const char *format, ...)
{
	va_list args;
	g_autofree char *reason = g_strdup(g_strerror(errno));
	reason[0] = g_ascii_tolower(reason[0]);
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	return error_set(error, ENGINE_ERROR_SYSTEM, "%s: %s", what, reason);
}

void *error_set_errno_null(GError **error, const char *format, ...)
{
	int number = errno;
	va_list args;
	va_start(args, format);
	set_errno_valist(error, number, format, args);
	va_end(args);
	errno = number;
	return NULL;
}

void error_add_help(GError **error, const char *format, ...)
{
	if (!error || !*error)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *help = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *old = (*error)->message;
	(*error)->message = g_strconcat(old, "\nhelp: ", help, NULL);
}

bool error_matches(const GError *error, ErrorCode code)
{
	return g_error_matches(error, ENGINE_ERROR, (int)code);
}

int error_exit_code(const GError *error)
{
	if (error_matches(error, ENGINE_ERROR_COMMAND_NOT_FOUND))
		return 127;
	if (error_matches(error, ENGINE_ERROR_COMMAND_NOT_EXECUTABLE))
		return 126;
	return 125;
}

int error_http_status(const GError *error)
{
	if (!error || error->domain != ENGINE_ERROR)
		return 500;
	switch ((ErrorCode)error->code) {
	case ENGINE_ERROR_NOT_FOUND:
		return 404;
	case ENGINE_ERROR_EXISTS:
	case ENGINE_ERROR_IN_USE:
	case ENGINE_ERROR_BAD_STATE:
		return 409;
	case ENGINE_ERROR_INVALID:
	case ENGINE_ERROR_COMMAND_NOT_FOUND:
	case ENGINE_ERROR_COMMAND_NOT_EXECUTABLE:
		return 400;
	case ENGINE_ERROR_DENIED:
		return 403;
	case ENGINE_ERROR_UNSUPPORTED:
		return 501;
	case ENGINE_ERROR_UNREACHABLE:
		return 502;
	case ENGINE_ERROR_TIMEOUT:
		return 504;
	case ENGINE_ERROR_SYSTEM:
	case ENGINE_ERROR_CANCELLED:
	case ENGINE_ERROR_CORRUPT:
		break;
	}
	return 500;
}
