/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .container files.
 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/quadlet/quadlet_priv.h"
#include "cmd/quadlet/unit_words.h"

static void add_security(Translation *work, const QuadletKey *key)
{
	g_autofree char *value = work_get(work, key->name);
	g_autofree char *option = value ? g_strconcat(key->option, value, NULL) : NULL;
	if (option)
		work_add(work, "--security-opt", option, NULL);
}

static void add_security_flag(Translation *work, const QuadletKey *key)
{
	if (work_flag(work, key->name, false))
		work_add(work, "--security-opt", key->option, NULL);
}

static void add_security_words(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = work_words(work, key->name);
	for (size_t i = 0; i < words->len; i++) {
		g_autofree char *option = g_strconcat(key->option, words->pdata[i], NULL);
		work_add(work, "--security-opt", option, NULL);
	}
}

/* A "-" before a device: only if it is there. */
static void add_devices(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = unit_file_words(work->unit->file, work->section, key->name);
	for (size_t i = 0; i < words->len; i++) {
		const char *device = words->pdata[i];
		g_autofree char *path =
			g_strndup(device + 1, strcspn(device + (*device ? 1 : 0), ":"));
		if (*device != '-')
			work_add_option(work, key->option, device);
		else if (faccessat(AT_FDCWD, path, F_OK, 0) == 0)
			work_add_option(work, key->option, device + 1);
	}
}

static void add_capabilities(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = unit_file_words(work->unit->file, work->section, key->name);
	for (size_t i = 0; i < words->len; i++) {
		g_autofree char *lower = g_ascii_strdown(words->pdata[i], -1);
		work_add_option(work, key->option, lower);
	}
}

static void add_user(Translation *work, const QuadletKey *key)
{
	g_autofree char *user = work_get(work, "User");
	g_autofree char *group = work_get(work, "Group");
	if (group && !user)
		work_fail(work, "Group", "'Group' needs User=");
	g_autofree char *both =
		group && user ? g_strconcat(user, ":", group, NULL) : g_strdup(user);
	if (both)
		work_add_option(work, key->option, both);
}

static void add_environment_files(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) words = work_words(work, key->name);
	for (size_t i = 0; i < words->len; i++) {
		g_autofree char *path = part_path(work, words->pdata[i]);
		work_add_option(work, key->option, path);
	}
}

/* [FIRST[-LAST]][/PROTOCOL] */
static bool is_port_range(const char *text)
{
	if (!isdigit((unsigned char)*text))
		return false;
	text += strspn(text, "0123456789");
	if (*text == '-' && isdigit((unsigned char)text[1]))
		text += 1 + strspn(text + 1, "0123456789");
	return *text == '\0' || strcmp(text, "/tcp") == 0 || strcmp(text, "/udp") == 0;
}

static void add_exposed(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) lines = work_all(work, key->name);
	for (size_t i = 0; i < lines->len; i++) {
		const UnitLine *line = lines->pdata[i];
		if (is_port_range(line->value))
			work_add_option(work, key->option, line->value);
		else
			quadlet_unit_problem(work->unit, false, line, NULL,
					     "'%s' is no port or range of ports", line->value);
	}
}

static void add_auto_update(Translation *work, const QuadletKey *key)
{
	g_autofree char *value = work_get(work, key->name);
	g_autofree char *label = value ? g_strconcat(key->option, value, NULL) : NULL;
	if (label)
		work_add(work, "--label", label, NULL);
}

/* The parts of a comma-separated line; quotes keep commas together and double inside. */
static GPtrArray *split_csv(const char *line)
{
	GPtrArray *fields = g_ptr_array_new_with_free_func(g_free);
	GString *field = g_string_new(NULL);
	bool quoted = false;
	for (; *line; line++) {
		if (quoted && line[0] == '"' && line[1] == '"')
			g_string_append_c(field, *++line);
		else if (*line == '"')
			quoted = !quoted;
		else if (*line == ',' && !quoted) {
			g_ptr_array_add(fields, g_strdup(field->str));
			g_string_truncate(field, 0);
		} else {
			g_string_append_c(field, *line);
		}
	}
	g_ptr_array_add(fields, g_string_free(field, FALSE));
	return fields;
}

/* Add one part, in quotes where the line needs them. */
static void join_csv(GString *line, const char *field)
{
	if (line->len > 0)
		g_string_append_c(line, ',');
	if (!strpbrk(field, ",\"\n\r")) {
		g_string_append(line, field);
		return;
	}
	g_string_append_c(line, '"');
	for (; *field; field++) {
		if (*field == '"')
			g_string_append_c(line, '"');
		g_string_append_c(line, *field);
	}
	g_string_append_c(line, '"');
}

static bool mount_has_source(const GPtrArray *fields)
{
	static const char *const kinds[] = {"type=volume", "type=bind", "type=glob", "type=image",
					    "type=artifact"};
	bool typed = false;
	for (size_t i = 0; i < fields->len; i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(kinds); j++)
			if (strcmp(fields->pdata[i], kinds[j]) == 0)
				return true;
		typed = typed || g_str_has_prefix(fields->pdata[i], "type=");
	}
	return !typed;
}

static void add_mount(Translation *work, const UnitLine *line, const char *mount)
{
	g_autoptr(GPtrArray) fields = split_csv(mount);
	if (!mount_has_source(fields)) {
		work_add(work, "--mount", mount, NULL);
		return;
	}
	g_autoptr(GString) joined = g_string_new(NULL);
	for (size_t i = 0; i < fields->len; i++) {
		const char *field = fields->pdata[i];
		bool is_source =
			g_str_has_prefix(field, "source=") || g_str_has_prefix(field, "src=");
		g_autofree char *source = NULL;
		if (is_source)
			source = part_source(work, line, strchr(field, '=') + 1, true);
		if (is_source && !source)
			return;
		g_autofree char *text =
			source ? g_strconcat("source=", source, NULL) : g_strdup(field);
		join_csv(joined, text);
	}
	work_add(work, "--mount", joined->str, NULL);
}

static void add_mounts(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) lines = work_all(work, key->name);
	for (size_t i = 0; i < lines->len; i++) {
		const UnitLine *line = lines->pdata[i];
		g_autoptr(GPtrArray) words =
			unit_words_split(line->value, UNIT_WORDS_ESCAPES, NULL);
		for (size_t j = 0; j < words->len; j++)
			add_mount(work, line, words->pdata[j]);
	}
}

/* Before there was ReadOnlyTmpfs=. */
static void add_volatile_tmp(Translation *work, const QuadletKey *key)
{
	if (!work_last(work, key->name))
		return;
	quadlet_unit_problem(work->unit, true, work_last(work, key->name), NULL,
			     "'VolatileTmp' is an old key: use Tmpfs=/tmp");
	if (work_flag(work, key->name, false) && !work_flag(work, "ReadOnly", false))
		work_add(work, "--tmpfs", "/tmp:rw,size=512M,mode=1777", NULL);
}

static void add_pod(Translation *work, const QuadletKey *key)
{
	const UnitLine *line = work_last(work, key->name);
	g_autofree char *name = work_get(work, key->name);
	if (!name)
		return;
	if (!g_str_has_suffix(name, ".pod")) {
		work_fail(work, key->name, "'Pod' must name a .pod file, not '%s'", name);
		return;
	}
	QuadletUnit *pod = quadlet_set_lookup(work->set, name);
	if (!pod) {
		(void)part_reference(work, line, name);
		return;
	}
	work_add_option(work, key->option, pod->resource);
	g_autofree char *service = quadlet_unit_service_name(pod);
	unit_file_add(work->service, "Unit", "BindsTo", service);
	unit_file_add(work->service, "Unit", "After", service);
	bool is_template = strstr(work->unit->name, "@.") != NULL;
	if (!is_template && work_flag(work, "StartWithPod", true))
		g_ptr_array_add(pod->members, quadlet_unit_service_name(work->unit));
}

/* In the order in which the options are written. */
static const QuadletKey keys[] = {
	{"LogDriver", KEY_VALUE, "--log-driver"},
	{"LogOpt", KEY_NAMES, "--log-opt"},
	{"Timezone", KEY_VALUE, "--tz"},
	{"PidsLimit", KEY_VALUE, "--pids-limit"},
	{"ShmSize", KEY_VALUE, "--shm-size"},
	{"Entrypoint", KEY_EMPTY, "--entrypoint"},
	{"WorkingDir", KEY_VALUE, "--workdir"},
	{"IP", KEY_VALUE, "--ip"},
	{"IP6", KEY_VALUE, "--ip6"},
	{"HostName", KEY_VALUE, "--hostname"},
	{"StopSignal", KEY_VALUE, "--stop-signal"},
	{"StopTimeout", KEY_VALUE, "--stop-timeout"},
	{"Pull", KEY_VALUE, "--pull"},
	{"Memory", KEY_VALUE, "--memory"},
	{"Retry", KEY_VALUE, "--retry"},
	{"RetryDelay", KEY_VALUE, "--retry-delay"},
	{"NetworkAlias", KEY_EACH, "--network-alias"},
	{"Ulimit", KEY_EACH, "--ulimit"},
	{"DNS", KEY_EACH, "--dns"},
	{"DNSOption", KEY_EACH, "--dns-option"},
	{"DNSSearch", KEY_EACH, "--dns-search"},
	{"GroupAdd", KEY_EACH, "--group-add"},
	{"AddHost", KEY_EACH, "--add-host"},
	{"Tmpfs", KEY_EACH, "--tmpfs"},
	{"RunInit", KEY_FLAG, "--init"},
	{"EnvironmentHost", KEY_FLAG, "--env-host"},
	{"HttpProxy", KEY_FLAG, "--http-proxy"},
	{"ReadOnlyTmpfs", KEY_FLAG, "--read-only-tmpfs"},
	{"Network", KEY_CALL, "--network", part_networks},
	{"NoNewPrivileges", KEY_CALL, "no-new-privileges", add_security_flag},
	{"SecurityLabelDisable", KEY_CALL, "label=disable", add_security_flag},
	{"SecurityLabelNested", KEY_CALL, "label=nested", add_security_flag},
	{"SecurityLabelType", KEY_CALL, "label=type:", add_security},
	{"SecurityLabelFileType", KEY_CALL, "label=filetype:", add_security},
	{"SecurityLabelLevel", KEY_CALL, "label=level:", add_security},
	{"AppArmor", KEY_CALL, "apparmor=", add_security},
	{"AddDevice", KEY_CALL, "--device", add_devices},
	{"SeccompProfile", KEY_CALL, "seccomp=", add_security},
	{"DropCapability", KEY_CALL, "--cap-drop", add_capabilities},
	{"AddCapability", KEY_CALL, "--cap-add", add_capabilities},
	{"Sysctl", KEY_NAMES, "--sysctl"},
	{"ReadOnly", KEY_FLAG, "--read-only"},
	{"VolatileTmp", KEY_CALL, NULL, add_volatile_tmp},
	{"User", KEY_CALL, "--user", add_user},
	{"UserNS", KEY_VALUE, "--userns"},
	{"UIDMap", KEY_NAMES, "--uidmap"},
	{"GIDMap", KEY_NAMES, "--gidmap"},
	{"SubUIDMap", KEY_VALUE, "--subuidname"},
	{"SubGIDMap", KEY_VALUE, "--subgidname"},
	{"RemapUsers", KEY_CALL, NULL, part_mappings},
	{"Volume", KEY_CALL, "-v", part_volumes},
	{"AutoUpdate", KEY_CALL, "io.containers.autoupdate=", add_auto_update},
	{"ExposeHostPort", KEY_CALL, "--expose", add_exposed},
	{"PublishPort", KEY_EACH, "--publish"},
	{"Environment", KEY_PAIRS, "--env"},
	{"Label", KEY_PAIRS, "--label"},
	{"Annotation", KEY_PAIRS, "--annotation"},
	{"Mask", KEY_CALL, "mask=", add_security_words},
	{"Unmask", KEY_CALL, "unmask=", add_security_words},
	{"EnvironmentFile", KEY_CALL, "--env-file", add_environment_files},
	{"Secret", KEY_WORDS, "--secret"},
	{"Mount", KEY_CALL, "--mount", add_mounts},
	{"HealthCmd", KEY_VALUE, "--health-cmd"},
	{"HealthInterval", KEY_VALUE, "--health-interval"},
	{"HealthOnFailure", KEY_VALUE, "--health-on-failure"},
	{"HealthLogDestination", KEY_VALUE, "--health-log-destination"},
	{"HealthMaxLogCount", KEY_VALUE, "--health-max-log-count"},
	{"HealthMaxLogSize", KEY_VALUE, "--health-max-log-size"},
	{"HealthRetries", KEY_VALUE, "--health-retries"},
	{"HealthStartPeriod", KEY_VALUE, "--health-start-period"},
	{"HealthTimeout", KEY_VALUE, "--health-timeout"},
	{"HealthStartupCmd", KEY_VALUE, "--health-startup-cmd"},
	{"HealthStartupInterval", KEY_VALUE, "--health-startup-interval"},
	{"HealthStartupRetries", KEY_VALUE, "--health-startup-retries"},
	{"HealthStartupSuccess", KEY_VALUE, "--health-startup-success"},
	{"HealthStartupTimeout", KEY_VALUE, "--health-startup-timeout"},
	{"Pod", KEY_CALL, "--pod", add_pod},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"CgroupsMode", KEY_LATER},
	{"ContainerName", KEY_LATER},
	{"Exec", KEY_LATER},
	{"Group", KEY_LATER},
	{"Image", KEY_LATER},
	{"Notify", KEY_LATER},
	{"ReloadCmd", KEY_LATER},
	{"ReloadSignal", KEY_LATER},
	{"RemapGid", KEY_LATER},
	{"RemapUid", KEY_LATER},
	{"RemapUidSize", KEY_LATER},
	{"Rootfs", KEY_LATER},
	{"StartWithPod", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

/* As the unit has it, with systemd's specifiers. */
static char *container_name(const QuadletUnit *unit)
{
	const char *name = unit_file_get(unit->file, "Container", "ContainerName");
	if (name)
		return part_strip_quotes(name);
	return g_strdup(strchr(unit->name, '@') ? "systemd-%p_%i" : "systemd-%N");
}

/* Without specifiers, for others that join it; of these only %N is known here. */
static char *container_resource(const QuadletUnit *unit)
{
	g_autofree char *name = container_name(unit);
	g_autofree char *resolved = part_resolve(unit, name);
	return strchr(resolved, '%') ? NULL : g_steal_pointer(&resolved);
}

static void add_stop(Translation *work, const char *name)
{
	work_begin(work, "rm");
	work_add(work, "-v", "-f", "-i", name, NULL);
	work_end(work, "ExecStop", NULL);
	/* If the monitor was killed, systemd leaves ExecStop= out. */
	work_end(work, "ExecStopPost", "-");
}

static void add_reload(Translation *work, const char *name)
{
	g_autofree char *number = work_get(work, "ReloadSignal");
	g_autoptr(GPtrArray) command = work_words(work, "ReloadCmd");
	if (number && command->len > 0) {
		work_fail(work, "ReloadCmd", "'ReloadCmd' and 'ReloadSignal' exclude each other");
	} else if (number) {
		work_begin(work, "kill");
		work_add(work, "--signal", number, name, NULL);
		work_end(work, "ExecReload", NULL);
	} else if (command->len > 0) {
		work_begin(work, "exec");
		work_add(work, name, NULL);
		for (size_t i = 0; i < command->len; i++)
			work_add(work, command->pdata[i], NULL);
		work_end(work, "ExecReload", NULL);
	}
}

/* How the service learns that the container is ready. */
static void add_notify(Translation *work)
{
	g_autofree char *notify = work_get(work, "Notify");
	if (notify && g_ascii_strcasecmp(notify, "healthy") == 0)
		work_add(work, "--sdnotify=healthy", NULL);
	else if (work_flag(work, "Notify", false))
		work_add(work, "--sdnotify=container", NULL);
	else
		work_add(work, "--sdnotify=conmon", NULL);
	work_add(work, "-d", NULL);
}

static void add_cgroups(Translation *work)
{
	g_autofree char *mode = work_get(work, "CgroupsMode");
	if (mode)
		work_add(work, "--cgroups", mode, NULL);
	else
		work_add(work, "--cgroups=split", NULL);
	unit_file_add(work->service, "Service", "Delegate", "yes");
}

static void add_command(Translation *work)
{
	const UnitLine *line = work_last(work, "Exec");
	bool open = false;
	g_autoptr(GPtrArray) words =
		line ? unit_words_split(line->value, UNIT_WORDS_ESCAPES, &open) : NULL;
	if (open)
		quadlet_unit_problem(work->unit, true, line, NULL,
				     "a quote in 'Exec' is not closed: the rest of the line is one "
				     "word");
	for (size_t i = 0; words && i < words->len; i++)
		work_add(work, words->pdata[i], NULL);
}

/* What to run: of Image= and Rootfs= there must be one. */
static char *container_image(Translation *work, char **out_rootfs)
{
	g_autofree char *rootfs = work_get(work, "Rootfs");
	bool both = rootfs && work_last(work, "Image");
	if (both)
		work_fail(work, "Rootfs", "'Image' and 'Rootfs' exclude each other");
	else if (!rootfs && !work_last(work, "Image"))
		work_fail(work, "Image", "[Container] needs Image= or Rootfs=");
	*out_rootfs = both ? NULL : g_steal_pointer(&rootfs);
	return both ? NULL : part_image(work);
}

static bool image_is_unit(const Translation *work)
{
	const UnitLine *line = work_last(work, "Image");
	return line &&
	       (g_str_has_suffix(line->value, ".image") || g_str_has_suffix(line->value, ".build"));
}

static void translate_container(Translation *work)
{
	g_autofree char *rootfs = NULL;
	g_autofree char *image = container_image(work, &rootfs);
	g_autofree char *name = container_name(work->unit);
	g_autofree char *policy = work_get(work, "Pull");
	bool notify = part_notify(work);
	if (image && !image_is_unit(work))
		part_wait_online(work, image, policy);
	add_stop(work, name);
	add_reload(work, name);

	work_begin(work, "run");
	work_add(work, "--name", name, "--replace", "--rm", NULL);
	add_cgroups(work);
	if (notify)
		add_notify(work);
	work_add_keys(work, NULL, "PodmanArgs");
	if (rootfs)
		work_add(work, "--rootfs", rootfs, NULL);
	else if (image)
		work_add(work, image, NULL);
	add_command(work);
	work_end(work, "ExecStart", NULL);
}

const QuadletKind quadlet_container = {
	.extension = ".container",
	.section = "Container",
	.renamed = "X-Container",
	.suffix = "",
	.order = 4,
	.keys = keys,
	.resource = container_resource,
	.translate = translate_container,
};
