/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small files that are bound into a container. They are made anew at every start, so they lie
 * in the runtime directory.
 */
#include "libpod/container_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/image_view.h"
#include "network/resolv.h"

#define HOSTS_FILE_MAX (1024 * 1024)
#define TIMEZONE_MAX   (256 * 1024)

/* What --hosts-file begins /etc/hosts with. NULL with @error. */
static char *read_hosts_file(Container *ctr, const ContainerSpec *spec, GError **error)
{
	if (g_strcmp0(spec->hosts_file, "image") == 0) {
		if (spec->rootfs)
			return g_strdup("");
		g_autoptr(Image) image =
			image_resolve(engine_store(ctr->engine), spec->image_id, error);
		return image ? image_read_file(ctr->engine, image, "etc/hosts", HOSTS_FILE_MAX,
					       error)
			     : NULL;
	}
	if (!spec->hosts_file || strcmp(spec->hosts_file, "none") == 0)
		return g_strdup("");
	autofd fd = open(spec->hosts_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set_errno_null(error, "cannot open '%s'", spec->hosts_file);
	return fd_read_all(fd, HOSTS_FILE_MAX, NULL, error);
}

/* /etc/hosts: the base file, if one was named, then our lines. */
static char *build_hosts(Container *ctr, const ContainerSpec *spec, const char *hostname,
			 GError **error)
{
	g_autofree char *base = read_hosts_file(ctr, spec, error);
	g_autofree char *own =
		base ? hosts_build(spec->network->mode, (const char *const *)spec->add_host,
				   hostname, spec->domainname, ctr->summary.name, error)
		     : NULL;
	bool open_end = base && *base && !g_str_has_suffix(base, "\n");
	return own ? g_strconcat(base, open_end ? "\n" : "", own, NULL) : NULL;
}

/* The rules of --tz, copied: the host's file may lie where the container's user cannot go. */
static bool write_timezone(int dir, const ContainerSpec *spec, GError **error)
{
	g_autofree char *path = spec_timezone_path(spec);
	size_t size = 0;
	if (!path)
		return true;
	autofd from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (from < 0)
		return error_set_errno(error, "cannot open '%s'", path);
	g_autofree char *rules = fd_read_all(from, TIMEZONE_MAX, &size, error);
	if (!rules)
		return false;
	autofd to = openat(dir, "localtime", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			   0644);
	return (to >= 0 && fd_write_all(to, rules, size) && fchmod(to, 0644) == 0) ||
	       error_set_errno(error, "cannot copy '%s'", path);
}

/* In place: the file is bound into the container. */
static bool write_file(Container *ctr, const char *name, const char *text, GError **error)
{
	autofd fd = openat(ctr->run_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			   0644);
	return (fd >= 0 && fd_write_all(fd, text, strlen(text)) && fchmod(fd, 0644) == 0) ||
	       error_set_errno(error, "cannot write '%s' of container %s", name, ctr->summary.id);
}

/* Of several networks one answers for all, as their homes ask each other: one that knows names and
 * has a way out. NULL: there is none. */
static const NetworkPlan *resolver_of(const NetworkRequest *network)
{
	const NetworkPlan *best = NULL;
	for (guint i = 0; i < network->attachments->len; i++) {
		const NetworkAttachment *one = network->attachments->pdata[i];
		const NetworkPlan *plan = one->plan;
		int worth = plan->dns * 2 + !plan->internal;
		if (!best || worth > best->dns * 2 + !best->internal)
			best = plan;
	}
	return best;
}

bool container_write_resolv(Container *ctr, const ContainerSpec *spec,
			    const NetworkRequest *network, GError **error)
{
	ResolvOptions options = {.servers = (const char *const *)spec->dns,
				 .search = (const char *const *)spec->dns_search,
				 .options = (const char *const *)spec->dns_option};
	const NetworkPlan *best = resolver_of(network);
	g_autofree char *gateway = best ? address4_format(best->gateway) : NULL;
	const char *const gateways[] = {gateway, NULL};
	if (best) {
		options.gateways = gateways;
		options.domain = best->dns ? "dns.podman" : NULL;
		/* The gateway asks them for this container, which would not hear of names else. */
		if (best->dns)
			options.servers = NULL;
	}
	g_autofree char *text = resolv_conf_build(spec->network->mode, &options, error);
	return text && write_file(ctr, "resolv.conf", text, error);
}

bool container_write_files(Container *ctr, const ContainerSpec *spec, const NetworkRequest *network,
			   GError **error)
{
	g_autofree char *short_id = g_strndup(ctr->summary.id, 12);
	const char *hostname = spec->hostname ? spec->hostname : short_id;
	g_autofree char *hostname_text = g_strconcat(hostname, "\n", NULL);
	g_autofree char *hosts = NULL;
	return container_write_resolv(ctr, spec, network, error) &&
	       (hosts = build_hosts(ctr, spec, hostname, error)) &&
	       write_timezone(ctr->run_fd, spec, error) && write_file(ctr, "hosts", hosts, error) &&
	       write_file(ctr, "hostname", hostname_text, error) &&
	       write_file(ctr, "containerenv", "", error);
}

/* Is it in the network of its pod, whose files it has? */
static bool has_network_files(const ContainerSpec *spec)
{
	return spec->pod && !spec->infra && spec->network->mode == NETWORK_CONTAINER;
}

char *container_network_files(const Container *ctr, const ContainerSpec *spec)
{
	if (!has_network_files(spec))
		return NULL;
	return g_build_filename(engine_run_path(ctr->engine), "containers", spec->network->target,
				NULL);
}

static char *hosts_line(const char *name)
{
	return g_strdup_printf("127.0.0.1\t%s\n", name);
}

/* Where the line stands in the text the last time: the pod's own lines are the first. NULL:
 * nowhere. */
static char *find_line(char *text, const char *line)
{
	char *found = NULL;
	for (char *at = text; (at = strstr(at, line)); at++)
		if (at == text || at[-1] == '\n')
			found = at;
	return found;
}

/* The text of an open hosts file, which members write to, too. NULL with a warning. */
static char *read_pod_hosts(int fd, const char *name)
{
	g_autoptr(GError) unread = NULL;
	char *text = fd_read_all(fd, HOSTS_FILE_MAX, NULL, &unread);
	if (!text)
		log_warn("the hosts file of %s's pod: %s", name, unread->message);
	return text;
}

void container_remove_from_pod_hosts(Engine *engine, const char *infra_id, const char *name)
{
	g_autofree char *path = g_build_filename(infra_id, "hosts", NULL);
	g_autofree char *line = hosts_line(name);
	autofd fd = path_open_state(engine_run_containers_fd(engine), path, O_RDWR, 0);
	g_autofree char *text = fd < 0 ? NULL : read_pod_hosts(fd, name);
	char *at = text ? find_line(text, line) : NULL;
	if (!at)
		return;
	/* In place: the file is bound into the members. */
	size_t after = (size_t)(at - text), size = strlen(at + strlen(line));
	if (pwrite(fd, at + strlen(line), size, (off_t)after) != (ssize_t)size ||
	    ftruncate(fd, (off_t)(after + size)) < 0)
		log_warn("cannot take %s from its pod's hosts file: %s", name, strerror(errno));
}

bool container_add_to_pod_hosts(Container *ctr, const ContainerSpec *spec, GError **error)
{
	if (!has_network_files(spec))
		return true;
	g_autofree char *path = g_build_filename(spec->network->target, "hosts", NULL);
	g_autofree char *line = hosts_line(ctr->summary.name);
	autofd fd =
		path_open_state(engine_run_containers_fd(ctr->engine), path, O_RDWR | O_APPEND, 0);
	if (fd < 0)
		return errno == ENOENT ||
		       error_set_errno(error, "cannot open the hosts file of pod %s",
				       spec->pod_name);
	/* Members write to it, too: none may keep the others from starting. */
	g_autofree char *text = read_pod_hosts(fd, ctr->summary.name);
	if (!text || find_line(text, line))
		return true;
	bool open_end = *text && !g_str_has_suffix(text, "\n");
	return ((!open_end || fd_write_all(fd, "\n", 1)) && fd_write_all(fd, line, strlen(line))) ||
	       error_set_errno(error, "cannot write the hosts file of pod %s", spec->pod_name);
}
