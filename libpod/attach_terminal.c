/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's terminal, its signals and the detach keys while a command is attached.
 */
#include "libpod/attach_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

/* One key of the grammar: a character, or "ctrl-" and one. Return: -1 if it is neither. */
static int parse_key(const char *word, size_t size)
{
	if (size == 1)
		return (unsigned char)*word < 0x80 ? *word : -1;
	if (size != 6 || strncmp(word, "ctrl-", 5) != 0)
		return -1;
	char c = g_ascii_tolower(word[5]);
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	static const char others[] = "@[\\]^_";
	static const char values[] = {0, 27, 28, 29, 30, 31};
	const char *found = c ? strchr(others, c) : NULL;
	return found ? values[found - others] : -1;
}

bool detach_keys_parse(const char *text, DetachKeys *out_keys, GError **error)
{
	DetachKeys keys = {.count = 0};
	for (const char *word = text; *word;) {
		size_t size = strcspn(word, ",");
		/* A comma by itself is a key too. */
		if (size == 0)
			size = 1;
		int key = parse_key(word, size);
		if (key < 0 || keys.count == sizeof keys.keys) {
			error_set(error, ENGINE_ERROR_INVALID,
				  "invalid detach keys \"%s\": %s '%.*s'", text,
				  key < 0 ? "unknown character" : "too many, from", (int)size,
				  word);
			error_add_help(error,
				       "use characters or ctrl-X with X one of a-z @ [ \\ ] ^ _, "
				       "separated by commas");
			return false;
		}
		keys.keys[keys.count++] = (char)key;
		word += size;
		if (*word == ',' && *++word == '\0')
			return error_set(error, ENGINE_ERROR_INVALID,
					 "invalid detach keys \"%s\": a key is missing at the end",
					 text);
	}
	*out_keys = keys;
	return true;
}

bool attach_check_detach_keys(const char *text, GError **error)
{
	DetachKeys keys;
	return detach_keys_parse(text, &keys, error);
}

/* Pass on the first of the held keys, and as many more as are no beginning of the sequence with @c.
 */
static void let_go(DetachKeys *keys, char c, char *out, size_t *used)
{
	size_t held = keys->matched;
	for (size_t skip = 1; skip <= held; skip++) {
		size_t rest = held - skip;
		out[(*used)++] = keys->keys[skip - 1];
		if (memcmp(keys->keys, keys->keys + skip, rest) == 0 && keys->keys[rest] == c) {
			keys->matched = rest + 1;
			return;
		}
	}
	keys->matched = 0;
	out[(*used)++] = c;
}

bool detach_keys_scan(DetachKeys *keys, const char *in, size_t size, char *out, size_t *out_size)
{
	size_t used = 0;
	bool complete = false;
	for (size_t i = 0; i < size && !complete; i++) {
		if (keys->count == 0)
			out[used++] = in[i];
		else if (in[i] == keys->keys[keys->matched])
			keys->matched++;
		else
			let_go(keys, in[i], out, &used);
		complete = keys->count > 0 && keys->matched == keys->count;
	}
	*out_size = used;
	return complete;
}

/* Signals that end or inform a process, besides those for faults and for job control. */
static void fill_signals(sigset_t *set)
{
	static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM, SIGUSR1, SIGUSR2,
				      SIGALRM, SIGPOLL, SIGWINCH, SIGCONT, SIGABRT};
	sigemptyset(set);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		sigaddset(set, signals[i]);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaddset(set, i);
}

static void set_raw(const AttachTerminal *terminal)
{
	struct termios raw = terminal->cooked;
	cfmakeraw(&raw);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

bool attach_terminal_begin(AttachTerminal *terminal, bool raw, GError **error)
{
	*terminal = (AttachTerminal){.signal_fd = -1};
	sigset_t signals;
	fill_signals(&signals);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, &terminal->old_pipe);
	sigprocmask(SIG_BLOCK, &signals, &terminal->old_mask);
	terminal->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal->signal_fd < 0) {
		error_set_errno(error, "cannot watch for signals");
		attach_terminal_end(terminal);
		return false;
	}
	if (raw && tcgetattr(STDIN_FILENO, &terminal->cooked) == 0) {
		terminal->raw = true;
		set_raw(terminal);
	}
	return true;
}

void attach_terminal_end(AttachTerminal *terminal)
{
	if (terminal->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->cooked);
	terminal->raw = false;
	fd_close(&terminal->signal_fd);
	sigaction(SIGPIPE, &terminal->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &terminal->old_mask, NULL);
}

void attach_terminal_resume(AttachTerminal *terminal)
{
	if (terminal->raw)
		set_raw(terminal);
}

void attach_terminal_die(AttachTerminal *terminal, int signum)
{
	attach_terminal_end(terminal);
	raise(signum);
}
