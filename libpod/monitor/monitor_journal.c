/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/monitor/monitor_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define SEND_BUFFER (8 << 20)
#define PATIENCE_US 200000

struct MonitorJournal {
	char *path;
	char *fields; /* the same for every entry */
	int fd;       /* -1: to be connected */
};

/* Connect; journald is on the same host, so this does not wait. Return: false with errno. */
static bool connect_socket(MonitorJournal *journal)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_usec = PATIENCE_US};
	const int size = SEND_BUFFER;
	if (strlen(journal->path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	g_strlcpy(address.sun_path, journal->path, sizeof address.sun_path);
	autofd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
		return false;
	/* As much as we may have; the kernel cuts it down. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return false;
	fd_close(&journal->fd);
	journal->fd = fd_steal(&fd);
	return true;
}

/* A field of the text form; what the name or tag may not hold there was refused before. */
static void add_field(GString *fields, const char *key, const char *value)
{
	if (value && !strchr(value, '\n'))
		g_string_append_printf(fields, "%s=%s\n", key, value);
}

MonitorJournal *monitor_journal_open(const char *path, const char *id, const char *name,
				     const char *tag, const char *const *labels, GError **error)
{
	g_autoptr(MonitorJournal) journal = g_new0(MonitorJournal, 1);
	g_autofree char *short_id = g_strndup(id, 12);
	GString *fields = g_string_new(NULL);
	add_field(fields, "CONTAINER_ID", short_id);
	add_field(fields, "CONTAINER_ID_FULL", id);
	add_field(fields, "CONTAINER_NAME", name);
	add_field(fields, "CONTAINER_TAG", tag);
	add_field(fields, "SYSLOG_IDENTIFIER", tag ? tag : name ? name : short_id);
	for (; labels && *labels; labels++)
		if (!strchr(*labels, '\n'))
			g_string_append_printf(fields, "%s\n", *labels);
	journal->fields = g_string_free(fields, FALSE);
	journal->path = g_strdup(path);
	journal->fd = -1;
	if (!connect_socket(journal)) {
		error_set_errno(error, "cannot connect to journald at '%s'", path);
		error_add_help(error, "use another log driver: --log-driver k8s-file");
		return NULL;
	}
	return g_steal_pointer(&journal);
}

/* What doesn't fit into a datagram goes as a file that nobody can change any more. */
static bool send_file(int fd, struct iovec *parts, size_t n)
{
	autofd file = memfd_create("skiff-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!fd_write_all(file, parts[i].iov_base, parts[i].iov_len))
			return false;
	if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return false;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &file, sizeof file);
	return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

static bool send_parts(int fd, struct iovec *parts, size_t n)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};
	ssize_t sent;
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return true;
	return (errno == EMSGSIZE || errno == ENOBUFS) && send_file(fd, parts, n);
}

bool monitor_journal_send(MonitorJournal *journal, bool is_stderr, const char *text, size_t size,
			  bool ends_line)
{
	static const char partial[] = "CONTAINER_PARTIAL_MESSAGE=true\n";
	const char *priority = is_stderr ? "PRIORITY=3\n" : "PRIORITY=6\n";
	/* The binary form: any bytes. */
	uint64_t length = GUINT64_TO_LE((uint64_t)size);
	struct iovec parts[] = {
		{(void *)journal->fields, strlen(journal->fields)},
		{(void *)priority, strlen(priority)},
		{(void *)partial, ends_line ? 0 : strlen(partial)},
		{(void *)"MESSAGE\n", 8},
		{&length, sizeof length},
		{(void *)text, size},
		{(void *)"\n", 1},
	};
	if (journal->fd >= 0 && send_parts(journal->fd, parts, G_N_ELEMENTS(parts)))
		return true;
	bool gone = journal->fd < 0 || errno == ECONNREFUSED || errno == ENOTCONN ||
		    errno == ECONNRESET || errno == EPIPE;
	return gone && connect_socket(journal) &&
	       send_parts(journal->fd, parts, G_N_ELEMENTS(parts));
}

void monitor_journal_free(MonitorJournal *journal)
{
	if (!journal)
		return;
	fd_close(&journal->fd);
	g_free(journal->path);
	g_free(journal->fields);
	g_free(journal);
}
