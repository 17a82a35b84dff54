/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose is a port? The kernel's table of sockets gives an inode, and the process that has a
 * descriptor with that inode is the owner. Sockets that are bound and do not listen are in no
 * table: such a port is most likely held by an uplink like us.
 */
#include "network/uplink.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"

#define TABLE_MAX (4 * 1024 * 1024)
#define LISTEN    0x0a /* st of a listening TCP socket */
#define UNBOUND   0x07 /* st of a UDP socket without peer */

/* The inode of the socket that has @port in one of /proc/net's tables, 0 if none has. */
static unsigned long long find_inode(const char *path, int protocol, uint16_t port)
{
	autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	g_autofree char *text = fd < 0 ? NULL : fd_read_all(fd, TABLE_MAX, NULL, NULL);
	unsigned state = protocol == IPPROTO_UDP ? UNBOUND : LISTEN;

	for (char *line = text ? strchr(text, '\n') : NULL; line; line = strchr(line + 1, '\n')) {
		unsigned local, st;
		unsigned long long inode;

		if (sscanf(line,
			   " %*u: %*32[0-9A-F]:%4x %*32[0-9A-F]:%*4x %2x %*s %*s %*s %*u %*d %llu",
			   &local, &st, &inode) == 3 &&
		    local == port && st == state && inode)
			return inode;
	}
	return 0;
}

/* Does one of the process' descriptors lead to @link ("socket:[123]")? */
static bool has_socket(int fds, const char *link)
{
	autofd copy = openat(fds, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	bool found = false;

	if (!dir)
		return false;
	copy = -1;
	for (struct dirent *entry; !found && (entry = readdir(dir));) {
		char target[64];
		ssize_t size = readlinkat(fds, entry->d_name, target, sizeof(target) - 1);

		target[MAX(size, 0)] = '\0';
		found = strcmp(target, link) == 0;
	}
	closedir(dir);
	return found;
}

/* "nginx (pid 12)"; of our own kind, which container it serves cannot be told from here. */
static void describe(int proc, const char *pid, char *out, size_t size)
{
	g_autofree char *path = g_strdup_printf("%s/comm", pid);
	autofd fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	g_autofree char *comm = fd < 0 ? NULL : fd_read_all(fd, 64, NULL, NULL);

	if (comm)
		g_strdelimit(g_strchomp(comm), "\n\r\t\"'", '?');
	if (comm && strcmp(comm, "skiff-uplink") == 0)
		g_snprintf(out, size, "another container ('skiff ps' shows which)");
	else
		g_snprintf(out, size, "%s (pid %s)", comm ? comm : "a process", pid);
}

/* Look through the processes that we may look into. */
static bool find_process(unsigned long long inode, char *out, size_t size)
{
	g_autofree char *link = g_strdup_printf("socket:[%llu]", inode);
	autofd proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofd listed = proc < 0 ? -1 : fcntl(proc, F_DUPFD_CLOEXEC, 0);
	DIR *dir = listed < 0 ? NULL : fdopendir(listed);
	bool found = false;

	if (!dir)
		return false;
	listed = -1;
	for (struct dirent *entry; !found && (entry = readdir(dir));) {
		if (!g_ascii_isdigit(entry->d_name[0]))
			continue;
		g_autofree char *path = g_strdup_printf("%s/fd", entry->d_name);
		autofd fds = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		found = fds >= 0 && has_socket(fds, link);
		if (found)
			describe(proc, entry->d_name, out, size);
	}
	closedir(dir);
	return found;
}

bool uplink_find_owner(int protocol, uint16_t port, char *out, size_t size)
{
	bool udp = protocol == IPPROTO_UDP;
	unsigned long long inode =
		find_inode(udp ? "/proc/net/udp" : "/proc/net/tcp", protocol, port);

	if (!inode)
		inode = find_inode(udp ? "/proc/net/udp6" : "/proc/net/tcp6", protocol, port);
	if (inode)
		return find_process(inode, out, size);
	if (udp)
		return false;
	g_snprintf(out, size,
		   "a program that does not listen yet, maybe another container ('skiff ps' "
		   "shows which)");
	return true;
}
