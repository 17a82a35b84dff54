/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/spec_resolve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/journal.h"
#include "libpod/base/log.h"
#include "libpod/config.h"
#include "libpod/container_cgroup.h"
#include "libpod/container.h"
#include "libpod/secret.h"
#include "libpod/spec_priv.h"
#include "libpod/named_network.h"
#include "libpod/pod.h"
#include "network/attachment.h"
#include "network/portmap.h"
#include "storage/manifest.h"

#define UNIT_VARIABLE    "PODMAN_SYSTEMD_UNIT" /* also the label */
#define PING_RANGE       "net.ipv4.ping_group_range"
#define PUBLISH_ALL_MAX  1024 /* ports of -P: each costs a listener */
#define DEVICE_DEPTH_MAX 4    /* of a directory given as --device */

/* The full id of the container whose @what namespace is to be shared. */
static bool resolve_target(Engine *engine, const char *what, char **target, GError **error)
{
	g_autoptr(Container) ctr = container_resolve(engine, *target, error);
	if (!ctr) {
		g_prefix_error(error, "looking up container to share %s namespace with: ", what);
		return false;
	}
	g_free(*target);
	*target = g_strdup(container_summary(ctr)->id);
	return true;
}

static bool check_ns_path(const char *what, const char *path, GError **error)
{
	if (access(path, F_OK) == 0)
		return true;
	spec_fail_errno(error, "stat", path);
	g_prefix_error(error, "cannot find specified %s namespace path: ", what);
	return false;
}

/* --ip, --ip6 and --mac-address are of the only network, --network-alias of all. */
static bool give_typed(NetworkRequest *request, GError **error)
{
	NetworkAttachment *typed = request->typed;
	const struct {
		const char *option;
		size_t offset;
	} rows[] = {
		{"ip", offsetof(NetworkAttachment, ip)},
		{"ip6", offsetof(NetworkAttachment, ip6)},
		{"mac-address", offsetof(NetworkAttachment, mac)},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char **from = (char **)((char *)typed + rows[i].offset);
		if (!*from)
			continue;
		if (request->attachments->len != 1)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "--%s can only be set for a single network: invalid "
					 "argument",
					 rows[i].option);
		char **to = (char **)((char *)request->attachments->pdata[0] + rows[i].offset);
		g_free(*to);
		*to = g_steal_pointer(from);
	}
	for (guint i = 0; i < request->attachments->len; i++)
		for (char **alias = typed->aliases; alias && *alias; alias++)
			if (!attachment_add_alias(request->attachments->pdata[i], *alias, error))
				return false;
	g_clear_pointer(&typed->aliases, g_strfreev);
	return true;
}

/* Networks by their names, whatever they were called by; a network called twice is one. */
static bool resolve_networks(Engine *engine, NetworkRequest *request, GError **error)
{
	if (!give_typed(request, error))
		return false;
	for (guint i = 0; i < request->attachments->len; i++) {
		NetworkAttachment *one = request->attachments->pdata[i];
		g_autoptr(NamedNetwork) network = named_network_resolve(engine, one->name, error);
		if (!network || !named_network_check_attachment(network, one, error))
			return false;
		const NetworkAttachment *other =
			attachments_find(request->attachments, network->name);
		if (other && other != one)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "network %s is given twice: invalid argument",
					 network->name);
		g_free(one->name);
		one->name = g_strdup(network->name);
	}
	attachments_name_interfaces(request->attachments);
	return true;
}

/* pid, ipc, uts and cgroup namespaces of others. */
static bool resolve_namespaces(Engine *engine, ContainerSpec *spec, GError **error)
{
	struct {
		const char *what;
		SpecNamespace *ns;
	} rows[] = {
		{"pid", &spec->pid},
		{"ipc", &spec->ipc},
		{"uts", &spec->uts},
		{"cgroup", &spec->cgroup},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		SpecNamespace *ns = rows[i].ns;
		if (ns->mode == SPEC_NS_CONTAINER &&
		    !resolve_target(engine, rows[i].what, &ns->target, error))
			return false;
		if (ns->mode == SPEC_NS_PATH && !check_ns_path(rows[i].what, ns->target, error))
			return false;
	}
	NetworkRequest *network = spec->network;
	if (network->mode == NETWORK_CONTAINER)
		return resolve_target(engine, "net", &network->target, error);
	if (network->mode == NETWORK_NAMED)
		return resolve_networks(engine, network, error);
	if (network->mode == NETWORK_NS)
		return check_ns_path("network", network->target, error);
	return true;
}

/* --userns=container:X lives in X's map; if X has none of its own, in the shared namespace like X.
 */
static bool resolve_userns_container(Engine *engine, ContainerSpec *spec, GError **error)
{
	if (!resolve_target(engine, "user", &spec->userns_target, error))
		return false;
	g_autoptr(Container) ctr = container_resolve(engine, spec->userns_target, error);
	const ContainerSpec *other = ctr ? container_spec(ctr, error) : NULL;
	if (!other)
		return false;
	uint32_t root = 0;
	if (other->id_map)
		spec->id_map = idmap_copy(other->id_map);
	else
		spec->userns = SPEC_USERNS_HOST;
	/* keep-id with a single id has no root. */
	if (spec->id_map && !spec->user && !idmap_translate(spec->id_map->uids, 0, &root))
		spec->user = g_strdup(other->user);
	return true;
}

static void free_map(void *map)
{
	idmap_free(map);
}

/* The maps of all containers made with --userns=auto; their ids are not handed out again. */
static GPtrArray *list_auto_maps(Engine *engine, GError **error)
{
	g_autoptr(GPtrArray) containers = containers_list(engine, error);
	if (!containers)
		return NULL;
	GPtrArray *maps = g_ptr_array_new_with_free_func(free_map);
	for (guint i = 0; i < containers->len; i++) {
		const ContainerSpec *other = container_spec(containers->pdata[i], NULL);
		if (other && other->userns == SPEC_USERNS_AUTO && other->id_map)
			g_ptr_array_add(maps, idmap_copy(other->id_map));
	}
	return maps;
}

/* A slot that no container's record has. */
static bool resolve_auto(Engine *engine, ContainerSpec *spec, GError **error)
{
	g_clear_pointer(&spec->id_map, idmap_free);
	g_autoptr(GPtrArray) taken = list_auto_maps(engine, error);
	return taken && spec_userns_resolve(spec, engine_id_map(engine),
					    engine_id_map_problem(engine), taken, error);
}

RecordLock *spec_reserve_ids(Engine *engine, ContainerSpec *spec, GError **error)
{
	int names = store_dir(engine_store(engine), "names");
	g_autoptr(RecordLock) lock = record_lock(names, ".ids.lock", false, -1, "create", error);
	return lock && resolve_auto(engine, spec, error) ? g_steal_pointer(&lock) : NULL;
}

/* Only who is in the user namespace of a pid namespace may have a procfs of it. */
static bool check_pid_target(const ContainerSpec *spec, GError **error)
{
	if (spec->pid.mode != SPEC_NS_CONTAINER || !spec->id_map ||
	    spec->userns == SPEC_USERNS_CONTAINER)
		return true;
	error_set(error, ENGINE_ERROR_INVALID,
		  "--pid=container cannot be combined with a user namespace of its own");
	error_add_help(error, "share that container's: --userns=container:%.12s", spec->pid.target);
	return false;
}

/* Without sub-ids containers work with one id; why, and what helps, is said in one line. */
static void warn_of_single_id(Engine *engine)
{
	const IdMap *shared = engine_id_map(engine);
	const char *problem = shared ? engine_id_map_problem(engine) : NULL;
	if (!problem)
		return;
	g_auto(GStrv) lines = g_strsplit(problem, "\n", 2);
	const char *help = lines[1] ? lines[1] : "";
	log_warn("containers have only one id: %s%s%s", lines[0], *help ? "; " : "", help);
}

static bool resolve_userns(Engine *engine, ContainerSpec *spec, GError **error)
{
	if (!spec_userns_resolve_names(spec, engine_id_map(engine), error))
		return false;
	if (spec->userns == SPEC_USERNS_CONTAINER)
		return resolve_userns_container(engine, spec, error);
	if (spec->userns == SPEC_USERNS_PATH)
		return check_ns_path("user", spec->userns_target, error);
	if (spec->userns == SPEC_USERNS_HOST && !spec->id_map)
		return true;
	if (spec->userns == SPEC_USERNS_AUTO && !spec->id_map)
		return resolve_auto(engine, spec, error);
	return spec_userns_resolve(spec, engine_id_map(engine), engine_id_map_problem(engine), NULL,
				   error);
}

/* Is this container port published already? */
static bool is_published(const GPtrArray *ports, uint16_t port, PortProtocol protocol)
{
	for (guint i = 0; i < ports->len; i++) {
		const PortMapping *mapping = ports->pdata[i];
		if (mapping->protocol == protocol && port >= mapping->container_port &&
		    port < (uint32_t)mapping->container_port + mapping->count)
			return true;
	}
	return false;
}

/* -P: each exposed port that is not published gets a free port of the host. */
static bool publish_exposed(ContainerSpec *spec, GError **error)
{
	GPtrArray *ports = spec->network->ports;
	for (char **text = spec->exposed; text && *text; text++) {
		PortMapping *range = portmap_parse_expose(*text, error);
		if (!range)
			return false;
		for (uint32_t i = 0; i < range->count && ports->len <= PUBLISH_ALL_MAX; i++) {
			uint16_t port = (uint16_t)(range->container_port + i);
			if (is_published(ports, port, range->protocol))
				continue;
			PortMapping *mapping = g_new0(PortMapping, 1);
			mapping->container_port = port;
			mapping->count = 1;
			mapping->protocol = range->protocol;
			g_ptr_array_add(ports, mapping);
		}
		port_mapping_free(range);
		if (ports->len > PUBLISH_ALL_MAX)
			return error_set(error, ENGINE_ERROR_INVALID,
					 "--publish-all: more than %d ports are exposed",
					 PUBLISH_ALL_MAX);
	}
	return true;
}

static bool resolve_ports(ContainerSpec *spec, GError **error)
{
	NetworkRequest *network = spec->network;
	if (network->mode == NETWORK_SLIRP || network->mode == NETWORK_NAMED ||
	    network->mode == NETWORK_PASTA)
		return (!spec->publish_all || publish_exposed(spec, error)) &&
		       portmap_check(network->ports, error);
	if (network->ports->len > 0)
		log_warn("Port mappings have been discarded as one of the Host, Container, Pod, "
			 "and None "
			 "network modes are in use");
	g_ptr_array_set_size(network->ports, 0);
	return true;
}

static void add_device(GPtrArray *devices, const SpecDevice *model, char *host_path, char *path)
{
	SpecDevice *device = g_new0(SpecDevice, 1);
	device->host_path = host_path;
	device->path = path;
	device->permissions = g_strdup(model->permissions);
	g_ptr_array_add(devices, device);
}

/* Add the device @host_path, or all that are below it if it is a directory (/dev/snd). */
static bool expand_device(GPtrArray *devices, const SpecDevice *model, const char *host_path,
			  const char *path, int depth, GError **error)
{
	struct stat st;
	if (stat(host_path, &st) < 0) {
		spec_fail_errno(error, "stat", host_path);
		error_add_help(error, "it is looked for on the host: --device HOST:CONTAINER:rwm");
		return false;
	}
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		add_device(devices, model, g_strdup(host_path), g_strdup(path));
		return true;
	}
	if (!S_ISDIR(st.st_mode))
		return depth > 0 ||
		       error_set(error, ENGINE_ERROR_INVALID, "%s: not a device node", host_path);
	g_autoptr(GDir) dir = depth < DEVICE_DEPTH_MAX ? g_dir_open(host_path, 0, NULL) : NULL;
	if (!dir)
		return depth > 0 || error_set(error, ENGINE_ERROR_DENIED,
					      "cannot read the directory %s", host_path);
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *below_host = g_build_filename(host_path, name, NULL);
		g_autofree char *below = g_build_filename(path, name, NULL);
		if (!expand_device(devices, model, below_host, below, depth + 1, error))
			return false;
	}
	return true;
}

static bool resolve_devices(ContainerSpec *spec, GError **error)
{
	if (spec->devices->len == 0)
		return true;
	g_autoptr(GPtrArray) asked = spec->devices;
	spec->devices = spec_device_list_new();
	for (guint i = 0; i < asked->len; i++) {
		const SpecDevice *model = asked->pdata[i];
		if (!expand_device(spec->devices, model, model->host_path, model->path, 0, error))
			return false;
	}
	return true;
}

/* Sources of binds must exist: nothing is ever made on the host by a typing mistake. */
static bool check_sources(const ContainerSpec *spec, GError **error)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (mount->kind != SPEC_MOUNT_BIND || access(mount->source, F_OK) == 0)
			continue;
		spec_fail_errno(error, "statfs", mount->source);
		error_add_help(error,
			       "it is a path on the host: make it, or use a volume: -v NAME:%s",
			       mount->destination);
		return false;
	}
	struct stat st;
	if (spec->rootfs && stat(spec->rootfs, &st) < 0) {
		spec_fail_errno(error, "stat", spec->rootfs);
		g_prefix_error(error, "running container create option: ");
		return false;
	}
	if (spec->rootfs && !S_ISDIR(st.st_mode))
		return error_set(error, ENGINE_ERROR_INVALID, "rootfs %s is not a directory",
				 spec->rootfs);
	if (spec->seccomp_profile && access(spec->seccomp_profile, R_OK) < 0) {
		spec_fail_errno(error, "open", spec->seccomp_profile);
		g_prefix_error(error, "opening seccomp profile failed: ");
		return false;
	}
	return true;
}

/* In the UTS namespace of its pod the name is the pod's. */
static bool resolve_pod_hostname(Engine *engine, ContainerSpec *spec, GError **error)
{
	g_autoptr(Container) ctr = container_resolve(engine, spec->uts.target, error);
	const ContainerSpec *other = ctr ? container_spec(ctr, error) : NULL;
	if (!other)
		return false;
	g_free(spec->hostname);
	spec->hostname = other->hostname ? g_strdup(other->hostname)
					 : g_strndup(container_summary(ctr)->id, 12);
	spec->env = g_environ_setenv(spec->env, "HOSTNAME", spec->hostname, FALSE);
	return true;
}

/* With the host's UTS namespace the name is the host's; /etc/hosts and HOSTNAME want it. */
static bool resolve_hostname(Engine *engine, ContainerSpec *spec, GError **error)
{
	char name[65] = "";
	if (spec->pod && spec->uts.mode == SPEC_NS_CONTAINER)
		return resolve_pod_hostname(engine, spec, error);
	if (spec->uts.mode != SPEC_NS_HOST)
		return true;
	if (gethostname(name, sizeof(name) - 1) < 0)
		return error_set_errno(error, "cannot read the host's name");
	g_free(spec->hostname);
	spec->hostname = g_strdup(name);
	spec->env = g_environ_setenv(spec->env, "HOSTNAME", name, FALSE);
	return true;
}

/* Can sysctls be set through the host's /proc? Not when the host is a container itself. */
static bool host_sysctls_are_read_only(void)
{
	struct statfs st;
	return statfs("/proc/sys/net/ipv4", &st) == 0 && (st.f_flags & ST_RDONLY);
}

/*
 * The files of distributions open ping to group 0. The kernel refuses a group that the container's
 * map does not have, so there the default is dropped, and where it cannot be written because the
 * container's /proc is the host's; what was typed stays.
 */
static void drop_impossible_ping_range(ContainerSpec *spec, bool typed)
{
	uint32_t outside = 0;
	if (typed)
		return;
	bool unmapped = spec->id_map && !idmap_translate(spec->id_map->gids, 0, &outside);
	if (unmapped || (spec->pid.mode == SPEC_NS_HOST && host_sysctls_are_read_only()))
		g_hash_table_remove(spec->sysctl, PING_RANGE);
}

/* --requires: full ids, each once. */
static bool resolve_requires(Engine *engine, ContainerSpec *spec, GError **error)
{
	g_auto(GStrv) asked = g_steal_pointer(&spec->requires);
	for (char **name = asked; name && *name; name++) {
		g_autoptr(Container) ctr = container_resolve(engine, *name, error);
		if (!ctr) {
			g_prefix_error(error,
				       "\"%s\" is not a valid container, cannot be used as a "
				       "dependency: ",
				       *name);
			return false;
		}
		const char *id = container_summary(ctr)->id;
		if (!spec->requires || !g_strv_contains((const char *const *)spec->requires, id))
			spec_strv_append(&spec->requires, id);
	}
	return true;
}

/* --secret: what it is called; its bytes are not looked at. */
static bool resolve_secrets(Engine *engine, ContainerSpec *spec, GError **error)
{
	for (guint i = 0; i < spec->secrets->len; i++) {
		SpecSecret *asked = spec->secrets->pdata[i];
		if (asked->given || asked->data)
			continue;
		g_autoptr(Secret) secret = secret_resolve(engine, asked->name, error);
		if (!secret)
			return false;
		g_free(asked->name);
		g_free(asked->id);
		asked->name = g_steal_pointer(&secret->name);
		asked->id = g_steal_pointer(&secret->id);
	}
	return true;
}

/* Images as mounts must be here already. */
static bool resolve_image_mounts(Engine *engine, ContainerSpec *spec, GError **error)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		SpecMount *mount = spec->mounts->pdata[i];
		if (mount->kind != SPEC_MOUNT_IMAGE || mount->layers)
			continue;
		g_autoptr(Image) image = image_resolve(engine_store(engine), mount->source, error);
		if (!image)
			return false;
		g_free(mount->image_id);
		mount->image_id = g_strdup(image->id);
	}
	return true;
}

static bool mounts_at(const ContainerSpec *spec, const char *destination)
{
	for (guint i = 0; i < spec->mounts->len; i++) {
		const SpecMount *mount = spec->mounts->pdata[i];
		if (strcmp(mount->destination, destination) == 0)
			return true;
	}
	return false;
}

/* Add the other container's binds and volumes, but not where something was asked for already. */
static void copy_mounts(ContainerSpec *spec, const ContainerSpec *other, const char *options)
{
	g_auto(GStrv) words = g_strsplit(options, ",", -1);
	const char *const *list = (const char *const *)words;
	for (guint i = 0; i < other->mounts->len; i++) {
		const SpecMount *model = other->mounts->pdata[i];
		bool shared = model->kind == SPEC_MOUNT_BIND || model->kind == SPEC_MOUNT_VOLUME;
		if (!shared || mounts_at(spec, model->destination))
			continue;
		SpecMount *mount = spec_mount_copy(model);
		if (g_strv_contains(list, "ro") || g_strv_contains(list, "rw"))
			mount->read_only = g_strv_contains(list, "ro");
		if (g_strv_contains(list, "z"))
			mount->relabel = 'z';
		g_ptr_array_add(spec->mounts, mount);
	}
}

static bool resolve_volumes_from(Engine *engine, ContainerSpec *spec, GError **error)
{
	for (char **from = spec->volumes_from; from && *from; from++) {
		const char *colon = strchr(*from, ':');
		g_autofree char *name = colon ? g_strndup(*from, colon - *from) : g_strdup(*from);
		g_autoptr(Container) ctr = container_resolve(engine, name, error);
		const ContainerSpec *other = ctr ? container_spec(ctr, error) : NULL;
		if (!other) {
			g_prefix_error(error,
				       "looking up container \"%s\" for volumes-from: ", name);
			return false;
		}
		copy_mounts(spec, other, colon ? colon + 1 : "");
	}
	return true;
}

static bool check_timezone(const ContainerSpec *spec, GError **error)
{
	g_autofree char *path = spec_timezone_path(spec);
	struct stat st;
	if (!path)
		return true;
	if (stat(path, &st) < 0)
		spec_fail_errno(error, "stat", path);
	else if (S_ISREG(st.st_mode))
		return true;
	else
		error_set(error, ENGINE_ERROR_INVALID, "invalid timezone: is a directory");
	g_prefix_error(error, "running container create option: ");
	return false;
}

/* podman takes a HEALTHCHECK only from docker's form of an image: OCI's has none. An image without
 * a manifest is of an older store, whose builds and loads kept none. */
static bool resolve_health(Engine *engine, ContainerSpec *spec, const Image *image, GError **error)
{
	Json *healthcheck = image ? image->config->healthcheck : NULL;
	g_autofree char *type = NULL;
	if (healthcheck && !image_manifest_type(engine_store(engine), image, &type, error))
		return false;
	bool docker =
		healthcheck && (!image->digest || g_strcmp0(type, MEDIA_TYPE_DOCKER_MANIFEST) == 0);
	if (!spec_health_resolve(spec, docker ? healthcheck : NULL, error))
		return false;
	return spec->health || spec->sdnotify != SPEC_NOTIFY_HEALTHY ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "sdnotify policy \"healthy\" requires a healthcheck to be set: invalid "
			 "argument");
}

/* Whoever is a unit's service and leaves the log open speaks where the unit does. */
static bool logs_to_unit(const ContainerSpec *spec)
{
	return spec->detach && spec->cgroups == SPEC_CGROUPS_SPLIT && !spec->log_driver_set &&
	       !spec->log_path && spec->log_max_size == 0 &&
	       (journal_is_stream(STDERR_FILENO) || journal_is_stream(STDOUT_FILENO)) &&
	       faccessat(AT_FDCWD, JOURNAL_SOCKET, W_OK, 0) == 0;
}

/* The unit that we are started in, for auto-update and the log. */
static void take_unit(ContainerSpec *spec)
{
	const char *unit = g_getenv(UNIT_VARIABLE);
	if (unit && *unit && g_utf8_validate(unit, -1, NULL))
		g_hash_table_replace(spec->labels, g_strdup(UNIT_VARIABLE), g_strdup(unit));
	if (logs_to_unit(spec))
		spec->log_driver = LOG_DRIVER_JOURNALD;
}

bool spec_resolve(Engine *engine, ContainerSpec *spec, const Image *image, GError **error)
{
	log_step(5, __func__);
	const Config *config = engine_config(engine, error);
	bool ping_typed = g_hash_table_contains(spec->sysctl, PING_RANGE);
	if (!config || !pod_apply(engine, spec, error) || !spec_check(spec, error) ||
	    !config_apply(config, spec, error) || !resolve_volumes_from(engine, spec, error) ||
	    !spec_resolve_image(spec, image, error) ||
	    !resolve_health(engine, spec, image, error) || !check_sources(spec, error) ||
	    !check_timezone(spec, error) || !resolve_secrets(engine, spec, error) ||
	    !resolve_image_mounts(engine, spec, error) || !resolve_requires(engine, spec, error) ||
	    !resolve_devices(spec, error) || !resolve_namespaces(engine, spec, error) ||
	    !resolve_userns(engine, spec, error) || !check_pid_target(spec, error) ||
	    !container_cgroup_check(spec, error))
		return false;
	warn_of_single_id(engine);
	take_unit(spec);
	drop_impossible_ping_range(spec, ping_typed);
	return resolve_hostname(engine, spec, error) && resolve_ports(spec, error);
}
