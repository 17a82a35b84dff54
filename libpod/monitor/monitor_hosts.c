/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's own lines of /etc/hosts. The file is the container's too: what it wrote there
 * stays, and only the lines that we wrote before are replaced.
 */
#include "libpod/monitor/monitor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"

#define HOSTS_MAX (4 << 20)

/* One for each address of this run. g_free() it. */
static char *compose(const MonitorLoop *loop)
{
	const char *name = loop->task->name, *hostname = loop->task->config->hostname;
	const char *domain = loop->task->config->domainname;
	bool both = hostname && g_strcmp0(hostname, name) != 0;
	g_autofree char *full =
		hostname && domain ? g_strconcat(hostname, ".", domain, " ", NULL) : NULL;
	GString *lines = g_string_new(NULL);
	for (guint i = 0; i < loop->members->len; i++) {
		const MonitorMember *member = loop->members->pdata[i];
		bool v6 = !address6_is_any(&member->home.address6);
		g_autofree char *address = address4_format(member->home.address);
		g_autofree char *address6 = address6_format(&member->home.address6);
		for (int k = 0; k <= v6; k++)
			g_string_append_printf(lines, "%s\t%s%s%s%s\n", k ? address6 : address,
					       full ? full : "", both ? hostname : "",
					       both ? " " : "", name);
	}
	return g_string_free(lines, FALSE);
}

/* @text without @ours, which were its end when we wrote them, and with @lines as its end now. */
static GString *replace(const char *text, size_t size, const char *ours, const char *lines)
{
	GString *out = g_string_new_len(text, (gssize)size);
	const char *at = ours && *ours ? memmem(out->str, out->len, ours, strlen(ours)) : NULL;
	if (at)
		g_string_erase(out, at - out->str, (gssize)strlen(ours));
	if (*lines && out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
	g_string_append(out, lines);
	return out;
}

bool monitor_hosts_write(MonitorLoop *loop, GError **error)
{
	size_t size = 0;
	autofd fd = openat(MONITOR_FD_RUN, "hosts", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return true; /* --no-hosts */
	if (fd < 0)
		return error_set_errno(error, "cannot open the container's hosts file");
	g_autofree char *text = fd_read_all(fd, HOSTS_MAX, &size, error);
	if (!text) {
		g_prefix_error(error, "the container's hosts file: ");
		return false;
	}
	g_autofree char *lines = compose(loop);
	g_autoptr(GString) all = replace(text, size, loop->hosts_lines, lines);
	if (lseek(fd, 0, SEEK_SET) < 0 || !fd_write_all(fd, all->str, all->len) ||
	    ftruncate(fd, (off_t)all->len) < 0)
		return error_set_errno(error, "cannot write the container's hosts file");
	g_free(loop->hosts_lines);
	loop->hosts_lines = g_steal_pointer(&lines);
	return true;
}
