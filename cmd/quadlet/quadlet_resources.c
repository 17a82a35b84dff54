/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .volume, .network, .image, .artifact and .build files: services that make something and are done.
 */
#include <string.h>

#include "cmd/quadlet/quadlet_priv.h"

/* Volumes */

static const QuadletKey volume_keys[] = {
	{"UID", KEY_VALUE, "--uid"},
	{"GID", KEY_VALUE, "--gid"},
	{"Label", KEY_PAIRS, "--label"},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"Copy", KEY_LATER},
	{"Device", KEY_LATER},
	{"Driver", KEY_LATER, "--driver"},
	{"Group", KEY_LATER},
	{"Image", KEY_LATER},
	{"Options", KEY_LATER},
	{"Type", KEY_LATER},
	{"User", KEY_LATER},
	{"VolumeName", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *volume_resource(const QuadletUnit *unit)
{
	return part_named(unit, "VolumeName");
}

static void add_driver_option(Translation *work, const char *key, const char *value)
{
	g_autofree char *option = g_strconcat(key, "=", value, NULL);
	work_add(work, "--opt", option, NULL);
}

/* Add "KEY=VALUE" to the words of o=. */
static void add_owner(Translation *work, GString *words, const char *key, const char *word)
{
	g_autofree char *value = work_get(work, key);
	if (!value)
		return;
	if (value[strspn(value, "0123456789")])
		work_fail(work, key, "'%s' must be a number, not '%s'", key, value);
	g_string_append_printf(words, "%s%s=%s", words->len > 0 ? "," : "", word, value);
}

/* Options of the driver "image": what is mounted is an image. */
static void add_image_volume(Translation *work)
{
	g_autofree char *image = part_image(work);
	if (image)
		add_driver_option(work, "image", image);
	else if (!work_last(work, "Image"))
		work_fail(work, "Driver", "Driver=image needs Image=");
}

static void add_local_volume(Translation *work)
{
	g_autofree char *device = work_get(work, "Device");
	g_autofree char *type = work_get(work, "Type");
	g_autofree char *options = work_get(work, "Options");
	g_autoptr(GString) words = g_string_new(NULL);
	add_owner(work, words, "User", "uid");
	add_owner(work, words, "Group", "gid");
	if (work_last(work, "Copy"))
		work_add(work, "--opt", work_flag(work, "Copy", true) ? "copy" : "nocopy", NULL);
	if (!device && (type || options))
		work_fail(work, type ? "Type" : "Options",
			  "'%s' needs Device=", type ? "Type" : "Options");
	if (device)
		add_driver_option(work, "device", device);
	if (device && type)
		add_driver_option(work, "type", type);
	if (device && type && strcmp(type, "bind") == 0)
		part_needs_mounts(work, device);
	if (device && options)
		g_string_append_printf(words, "%s%s", words->len > 0 ? "," : "", options);
	if (words->len > 0)
		add_driver_option(work, "o", words->str);
}

static void translate_volume(Translation *work)
{
	g_autofree char *driver = work_get(work, "Driver");
	work_begin(work, "volume create --ignore");
	if (driver)
		work_add(work, "--driver", driver, NULL);
	if (driver && strcmp(driver, "image") == 0)
		add_image_volume(work);
	else
		add_local_volume(work);
	work_add_keys(work, NULL, "PodmanArgs");
	work_add(work, work->unit->resource, NULL);
	work_end(work, "ExecStart", NULL);
	part_oneshot(work, true);
}

const QuadletKind quadlet_volume = {
	.extension = ".volume",
	.section = "Volume",
	.renamed = "X-Volume",
	.suffix = "-volume",
	.order = 2,
	.keys = volume_keys,
	.resource = volume_resource,
	.translate = translate_volume,
};

/* Networks */

static const UnitLine *line_at(const GPtrArray *lines, size_t i)
{
	return i < lines->len ? lines->pdata[i] : NULL;
}

/* The Nth gateway and range belong to the Nth subnet. */
static void add_subnets(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) subnets = work_all(work, key->name);
	g_autoptr(GPtrArray) gateways = work_all(work, "Gateway");
	g_autoptr(GPtrArray) ranges = work_all(work, "IPRange");
	if (gateways->len > subnets->len)
		work_fail(work, "Gateway", "there are more Gateway= than Subnet=");
	if (ranges->len > subnets->len)
		work_fail(work, "IPRange", "there are more IPRange= than Subnet=");
	for (size_t i = 0; i < subnets->len; i++) {
		work_add_option(work, "--subnet", line_at(subnets, i)->value);
		if (line_at(gateways, i))
			work_add_option(work, "--gateway", line_at(gateways, i)->value);
		if (line_at(ranges, i))
			work_add_option(work, "--ip-range", line_at(ranges, i)->value);
	}
}

static const QuadletKey network_keys[] = {
	{"DisableDNS", KEY_FLAG, "--disable-dns"},
	{"Internal", KEY_FLAG, "--internal"},
	{"IPv6", KEY_FLAG, "--ipv6"},
	{"Driver", KEY_VALUE, "--driver"},
	{"IPAMDriver", KEY_VALUE, "--ipam-driver"},
	{"InterfaceName", KEY_VALUE, "--interface-name"},
	{"DNS", KEY_EACH, "--dns"},
	{"Subnet", KEY_CALL, "--subnet", add_subnets},
	{"Options", KEY_PAIRS, "--opt"},
	{"Label", KEY_PAIRS, "--label"},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"Gateway", KEY_LATER},
	{"IPRange", KEY_LATER},
	{"NetworkDeleteOnStop", KEY_LATER},
	{"NetworkName", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *network_resource(const QuadletUnit *unit)
{
	return part_named(unit, "NetworkName");
}

static void translate_network(Translation *work)
{
	if (work_flag(work, "NetworkDeleteOnStop", false)) {
		work_begin(work, "network rm");
		work_add(work, work->unit->resource, NULL);
		work_end(work, "ExecStopPost", NULL);
	}
	work_begin(work, "network create --ignore");
	work_add_keys(work, NULL, "PodmanArgs");
	work_add(work, work->unit->resource, NULL);
	work_end(work, "ExecStart", NULL);
	part_oneshot(work, true);
}

const QuadletKind quadlet_network = {
	.extension = ".network",
	.section = "Network",
	.renamed = "X-Network",
	.suffix = "-network",
	.order = 2,
	.keys = network_keys,
	.resource = network_resource,
	.translate = translate_network,
};

/* Images */

static const QuadletKey image_keys[] = {
	{"Arch", KEY_VALUE, "--arch"},
	{"AuthFile", KEY_VALUE, "--authfile"},
	{"CertDir", KEY_VALUE, "--cert-dir"},
	{"Creds", KEY_VALUE, "--creds"},
	{"DecryptionKey", KEY_VALUE, "--decryption-key"},
	{"OS", KEY_VALUE, "--os"},
	{"Policy", KEY_VALUE, "--policy"},
	{"Variant", KEY_VALUE, "--variant"},
	{"Retry", KEY_VALUE, "--retry"},
	{"RetryDelay", KEY_VALUE, "--retry-delay"},
	{"AllTags", KEY_FLAG, "--all-tags"},
	{"TLSVerify", KEY_FLAG, "--tls-verify"},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"Image", KEY_LATER},
	{"ImageTag", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *image_resource(const QuadletUnit *unit)
{
	const char *tag = unit_file_get(unit->file, "Image", "ImageTag");
	const char *name = tag ? tag : unit_file_get(unit->file, "Image", "Image");
	return name ? part_strip_quotes(name) : NULL;
}

static void translate_image(Translation *work)
{
	g_autofree char *image = work_get(work, "Image");
	g_autofree char *policy = work_get(work, "Policy");
	if (!image)
		work_fail(work, "Image", "[Image] needs Image=");
	part_wait_online(work, image, policy ? policy : "always");
	work_begin(work, "image pull");
	work_add_keys(work, NULL, "PodmanArgs");
	if (image)
		work_add(work, image, NULL);
	work_end(work, "ExecStart", NULL);
	part_oneshot(work, true);
}

const QuadletKind quadlet_image = {
	.extension = ".image",
	.section = "Image",
	.renamed = "X-Image",
	.suffix = "-image",
	.order = 1,
	.keys = image_keys,
	.resource = image_resource,
	.translate = translate_image,
};

/* Artifacts */

static const QuadletKey artifact_keys[] = {
	{"AuthFile", KEY_VALUE, "--authfile"},
	{"CertDir", KEY_VALUE, "--cert-dir"},
	{"Creds", KEY_VALUE, "--creds"},
	{"DecryptionKey", KEY_VALUE, "--decryption-key"},
	{"Retry", KEY_VALUE, "--retry"},
	{"RetryDelay", KEY_VALUE, "--retry-delay"},
	{"Quiet", KEY_FLAG, "--quiet"},
	{"TLSVerify", KEY_FLAG, "--tls-verify"},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"Artifact", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *artifact_resource(const QuadletUnit *unit)
{
	const char *name = unit_file_get(unit->file, "Artifact", "Artifact");
	return name ? part_strip_quotes(name) : NULL;
}

static void translate_artifact(Translation *work)
{
	if (!work->unit->resource)
		work_fail(work, "Artifact", "[Artifact] needs Artifact=");
	part_wait_online(work, NULL, NULL);
	work_begin(work, "artifact pull");
	work_add_keys(work, NULL, "PodmanArgs");
	if (work->unit->resource)
		work_add(work, work->unit->resource, NULL);
	work_end(work, "ExecStart", NULL);
	part_oneshot(work, true);
}

const QuadletKind quadlet_artifact = {
	.extension = ".artifact",
	.section = "Artifact",
	.renamed = "X-Artifact",
	.suffix = "-artifact",
	.order = 1,
	.keys = artifact_keys,
	.resource = artifact_resource,
	.translate = translate_artifact,
};

/* Builds */

static const QuadletKey build_keys[] = {
	{"Pull", KEY_VALUE, "--pull="},
	{"Arch", KEY_VALUE, "--arch"},
	{"AuthFile", KEY_VALUE, "--authfile"},
	{"Target", KEY_VALUE, "--target"},
	{"Variant", KEY_VALUE, "--variant"},
	{"Retry", KEY_VALUE, "--retry"},
	{"RetryDelay", KEY_VALUE, "--retry-delay"},
	{"IgnoreFile", KEY_VALUE, "--ignorefile"},
	{"TLSVerify", KEY_FLAG, "--tls-verify"},
	{"ForceRM", KEY_FLAG, "--force-rm"},
	{"DNS", KEY_EACH, "--dns"},
	{"DNSOption", KEY_EACH, "--dns-option"},
	{"DNSSearch", KEY_EACH, "--dns-search"},
	{"GroupAdd", KEY_EACH, "--group-add"},
	{"ImageTag", KEY_EACH, "--tag"},
	{"BuildArg", KEY_PAIRS, "--build-arg"},
	{"Environment", KEY_PAIRS, "--env"},
	{"Label", KEY_PAIRS, "--label"},
	{"Annotation", KEY_PAIRS, "--annotation"},
	{"Network", KEY_CALL, "--network", part_networks},
	{"Secret", KEY_WORDS, "--secret"},
	{"Volume", KEY_CALL, "-v", part_volumes},
	{"File", KEY_VALUE, "--file"},
	{"PodmanArgs", KEY_WORDS, NULL},
	{"SetWorkingDirectory", KEY_LATER},
	QUADLET_COMMON_KEYS,
};

static char *build_resource(const QuadletUnit *unit)
{
	g_autoptr(GPtrArray) tags = unit_file_all(unit->file, "Build", "ImageTag");
	return tags->len > 0 ? g_strdup(((const UnitLine *)tags->pdata[0])->value) : NULL;
}

/* The context is the last word, unless it is left to a File= that names one itself. */
static char *build_context(Translation *work)
{
	g_autofree char *context = part_working_directory(work);
	const char *directory = unit_file_get(work->service, "Service", "WorkingDirectory");
	g_autofree char *file = work_get(work, "File");
	if (!file && !directory && !context)
		work_fail(work, "File", "[Build] needs File= or SetWorkingDirectory=");
	bool whole = file && (*file == '/' || strstr(file, "://"));
	if (context || whole)
		return g_steal_pointer(&context);
	if (!directory && file)
		work_fail(work, "File", "a relative File= needs SetWorkingDirectory=");
	return g_strdup(directory);
}

static void translate_build(Translation *work)
{
	if (!work->unit->resource)
		work_fail(work, "ImageTag", "[Build] needs ImageTag=");
	g_autofree char *context = build_context(work);
	part_wait_online(work, NULL, NULL);
	work_begin(work, "build");
	work_add_keys(work, NULL, "PodmanArgs");
	if (context)
		work_add(work, context, NULL);
	work_end(work, "ExecStart", NULL);
	part_oneshot(work, false);
}

const QuadletKind quadlet_build = {
	.extension = ".build",
	.section = "Build",
	.renamed = "X-Build",
	.suffix = "-build",
	.order = 3,
	.keys = build_keys,
	.resource = build_resource,
	.translate = translate_build,
};
