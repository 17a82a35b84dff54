/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the container and the service manager of the unit that it runs in (--sdnotify).
 *
 * container: the payload has a socket of ours at $NOTIFY_SOCKET, from which words go on to the
 * manager's; ours is in its unit, so it is the monitor who speaks. A pid in there would be one of
 * the container's namespace, so MAINPID is left out; descriptors go on with BARRIER=1 alone, and
 * the manager closes them when it has read all that came before, which is what a barrier means.
 * healthy: READY=1 after the first probe that passes. What conmon means the starting command says
 * itself.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define DIRECTORY  "notify" /* in the runtime directory; bound into the container */
#define NAME       "notify.sock"
#define WORDS_MAX  4096 /* systemd's own limit */
#define STATUS_MAX 256  /* of the health: it stands in one line */
#define FDS_MAX    4    /* a barrier has one */
#define ROUND_MAX  32   /* messages of one round of the loop */

/* One message to the manager. */
static void send_words(MonitorLoop *loop, const char *words, const int *fds, size_t n_fds)
{
	if (!fd_send(loop->notify_fd, words, strlen(words), fds, n_fds))
		log_debug("cannot tell the service manager: %s", strerror(errno));
}

/* Lines that are the container's to say. g_free() it. */
static char *filter_words(const char *words, bool *out_barrier)
{
	static const char *const refused[] = {
		"MAINPID", "NOTIFYACCESS=", "FDSTORE", "FDNAME=", "FDPOLL=", "MONITOR_PID=", NULL};
	GString *kept = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(words, "\n", -1);
	*out_barrier = false;
	for (char **line = lines; *line; line++) {
		bool drop = **line == '\0' || !g_utf8_validate(*line, -1, NULL);
		for (size_t i = 0; refused[i]; i++)
			drop = drop || g_str_has_prefix(*line, refused[i]);
		*out_barrier = *out_barrier || strcmp(*line, "BARRIER=1") == 0;
		if (!drop)
			g_string_append_printf(kept, "%s%s", kept->len > 0 ? "\n" : "", *line);
	}
	return g_string_free(kept, FALSE);
}

/* Return: false if there is nothing to read. */
static bool relay_one(MonitorLoop *loop)
{
	char words[WORDS_MAX + 1];
	int fds[FDS_MAX];
	size_t n_fds = 0;
	ssize_t n = fd_receive(loop->notify_proxy, words, WORDS_MAX, fds, FDS_MAX, &n_fds);
	if (n < 0 && errno == EMSGSIZE)
		return true; /* longer than the manager would take */
	if (n < 0)
		return false;
	words[n] = '\0';
	bool barrier;
	g_autofree char *kept = filter_words(words, &barrier);
	if (*kept)
		send_words(loop, kept, fds, barrier ? MIN(n_fds, 1) : 0);
	for (size_t i = 0; i < n_fds; i++)
		fd_close(&fds[i]);
	return true;
}

static void on_words(MonitorLoop *loop, void *data, short revents)
{
	for (int i = 0; i < ROUND_MAX && relay_one(loop); i++)
		;
}

void monitor_notify_prepare(MonitorLoop *loop)
{
	if (loop->notify_proxy >= 0)
		monitor_poll_add(loop, loop->notify_proxy, POLLIN, on_words, NULL);
}

/* The payload may be any user in the container; nobody else gets to the directory. */
static int bind_proxy(int dir_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd, NAME);
	autofd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (unlinkat(dir_fd, NAME, 0) < 0 && errno != ENOENT) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
	    fchmodat(dir_fd, NAME, 0666, 0) < 0)
		return -1;
	return fd_steal(&fd);
}

bool monitor_notify_open(MonitorLoop *loop, GError **error)
{
	const MonitorTask *task = loop->task;
	if (!task->notify)
		return true;
	loop->notify_fd = MONITOR_FD_COUNT;
	for (const char *flag = task->preserve; flag && *flag; flag++)
		loop->notify_fd += *flag == '1';
	if (!fd_set_cloexec(loop->notify_fd, true))
		return error_set_errno(error, "the service manager's socket is missing");
	if (task->notify != MONITOR_NOTIFY_CONTAINER)
		return true;
	if (mkdirat(MONITOR_FD_RUN, DIRECTORY, 0755) < 0 && errno != EEXIST)
		return error_set_errno(error, "cannot make the directory of the notify socket");
	autofd dir =
		openat(MONITOR_FD_RUN, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fchmod(dir, 0755) < 0 || (loop->notify_proxy = bind_proxy(dir)) < 0)
		return error_set_errno(error, "cannot make the notify socket");
	return true;
}

void monitor_notify_starting(MonitorLoop *loop)
{
	/* Of "started" the starting command speaks itself, with the same breath as of us. */
	if (loop->announced || loop->notify_fd < 0 || loop->task->notify == MONITOR_NOTIFY_STARTED)
		return;
	g_autofree char *words = g_strdup_printf("MAINPID=%d", (int)getpid());
	send_words(loop, words, NULL, 0);
}

void monitor_notify_healthy(MonitorLoop *loop)
{
	if (loop->task->notify != MONITOR_NOTIFY_HEALTHY || loop->ready_told)
		return;
	loop->ready_told = true;
	send_words(loop, "READY=1", NULL, 0);
}

void monitor_notify_health(MonitorLoop *loop, const char *done, const char *output)
{
	/* What a container says about itself stands. */
	if (loop->notify_fd < 0 || loop->task->notify == MONITOR_NOTIFY_CONTAINER)
		return;
	g_autoptr(GString) words = g_string_new("STATUS=");
	g_string_append_printf(words, "%s%s%s", monitor_health_status(loop), done ? ", " : "",
			       done ? done : "");
	const char *separator = ": ";
	for (; *output && *output != '\n' && words->len < STATUS_MAX; separator = "") {
		gunichar c = g_utf8_get_char(output);
		g_string_append(words, separator);
		bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
		g_string_append_unichar(words, control ? ' ' : c);
		output = g_utf8_next_char(output);
	}
	send_words(loop, words->str, NULL, 0);
}

int monitor_notify_code(const MonitorLoop *loop)
{
	return loop->stopped_by_user ? 0 : loop->exit_code;
}
