/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/signals.h"

#include <signal.h>
#include <string.h>

#include "libpod/base/error.h"

/*
 * The kernel's range, not the C library's: SIGRTMIN of glibc is 34 because it keeps two for itself,
 * and that is also where every container tool starts counting.
 */
#define SIGNAL_LAST    64
#define REALTIME_FIRST 34

static const struct {
	int number;
	const char *name;
} table[] = {
	{SIGHUP, "HUP"},   {SIGINT, "INT"},     {SIGQUIT, "QUIT"}, {SIGILL, "ILL"},
	{SIGTRAP, "TRAP"}, {SIGABRT, "ABRT"},   {SIGABRT, "IOT"},  {SIGBUS, "BUS"},
	{SIGFPE, "FPE"},   {SIGKILL, "KILL"},   {SIGUSR1, "USR1"}, {SIGSEGV, "SEGV"},
	{SIGUSR2, "USR2"}, {SIGPIPE, "PIPE"},   {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},
	{16, "STKFLT"},    {SIGCHLD, "CHLD"},   {SIGCHLD, "CLD"},  {SIGCONT, "CONT"},
	{SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"},   {SIGTTIN, "TTIN"}, {SIGTTOU, "TTOU"},
	{SIGURG, "URG"},   {SIGXCPU, "XCPU"},   {SIGXFSZ, "XFSZ"}, {SIGVTALRM, "VTALRM"},
	{SIGPROF, "PROF"}, {SIGWINCH, "WINCH"}, {SIGIO, "IO"},     {SIGIO, "POLL"},
	{SIGPWR, "PWR"},   {SIGSYS, "SYS"},
};

/* A short run of digits; -1 for anything else. */
static int parse_small_number(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length > 3 || strspn(text, "0123456789") != length)
		return -1;
	return (int)g_ascii_strtoull(text, NULL, 10);
}

/* "RTMIN", "RTMIN+3", "RTMAX", "RTMAX-2" without the SIG; 0 if it is none of these. */
static int parse_realtime(const char *name)
{
	bool from_min = g_ascii_strncasecmp(name, "RTMIN", 5) == 0;
	if (!from_min && g_ascii_strncasecmp(name, "RTMAX", 5) != 0)
		return 0;
	int base = from_min ? REALTIME_FIRST : SIGNAL_LAST;
	if (name[5] == '\0')
		return base;
	int distance = name[5] == (from_min ? '+' : '-') ? parse_small_number(name + 6) : -1;
	if (distance < 0 || distance > SIGNAL_LAST - REALTIME_FIRST)
		return 0;
	return from_min ? base + distance : base - distance;
}

bool signals_parse(const char *text, int *out_signal, GError **error)
{
	if (*text == '-') /* as kill(1) has them: -9, -HUP */
		text++;
	int number = parse_small_number(text);
	if (number > 0) {
		if (number > SIGNAL_LAST)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "valid signals are 1 through %d", SIGNAL_LAST);
		*out_signal = number;
		return true;
	}

	const char *name = g_ascii_strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int found = parse_realtime(name);
	for (size_t i = 0; found == 0 && i < G_N_ELEMENTS(table); i++)
		if (g_ascii_strcasecmp(name, table[i].name) == 0)
			found = table[i].number;
	if (found == 0)
		return error_set(error, ENGINE_ERROR_INVALID, "invalid signal: %s", text);
	*out_signal = found;
	return true;
}

char *signals_name(int signum)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].number == signum)
			return g_strconcat("SIG", table[i].name, NULL);
	if (signum == REALTIME_FIRST)
		return g_strdup("SIGRTMIN");
	if (signum > REALTIME_FIRST && signum <= SIGNAL_LAST)
		return g_strdup_printf("SIGRTMIN+%d", signum - REALTIME_FIRST);
	return g_strdup_printf("%d", signum);
}
