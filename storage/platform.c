/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms: names, what runs where, and the choice from an index. Part of storage/manifest.h.
 */
#include "storage/manifest.h"

#include <string.h>
#include <sys/utsname.h>

#include "libpod/base/error.h"

/* Other names for architectures, as uname and users write them, with the variant they imply. */
static const struct {
	const char *name;
	const char *architecture;
	const char *variant;
} aliases[] = {
	{"x86_64", "amd64", NULL},      {"x86-64", "amd64", NULL},
	{"aarch64", "arm64", NULL},     {"arm64", "arm64", NULL},
	{"armhf", "arm", "v7"},         {"armv7l", "arm", "v7"},
	{"armv7", "arm", "v7"},         {"armv8l", "arm", "v7"},
	{"armv6l", "arm", "v6"},        {"armv6", "arm", "v6"},
	{"armel", "arm", "v6"},         {"armv5tel", "arm", "v5"},
	{"i386", "386", NULL},          {"i486", "386", NULL},
	{"i586", "386", NULL},          {"i686", "386", NULL},
	{"mips64el", "mips64le", NULL}, {"mipsel", "mipsle", NULL},
	{"ppc64el", "ppc64le", NULL},   {"loongarch64", "loong64", NULL},
};

static const char *const systems[] = {"linux",   "windows", "darwin", "freebsd", "netbsd",
				      "openbsd", "solaris", "aix",    "wasip1"};

/* Go's, which may stand alone. */
static const char *const architectures[] = {
	"386",    "amd64", "arm",     "arm64",   "loong64", "mips", "mips64", "mips64le",
	"mipsle", "ppc64", "ppc64le", "riscv64", "s390x",   "wasm", NULL,
};

/* A word of letters, digits, '.', '_' and '-' that begins with one of the first two. */
static bool word_is_valid(const char *word)
{
	size_t length = strlen(word);
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isalnum(word[i]) && !strchr("._-", word[i]))
			return false;
	return length > 0 && length <= 32 && g_ascii_isalnum(word[0]);
}

void platform_clear(Platform *platform)
{
	g_clear_pointer(&platform->os, g_free);
	g_clear_pointer(&platform->architecture, g_free);
	g_clear_pointer(&platform->variant, g_free);
}

/* An alias may imply a variant; one that was given comes after this and wins. */
static void set_architecture(Platform *platform, const char *name)
{
	g_free(platform->architecture);
	platform->architecture = g_ascii_strdown(name, -1);
	for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++) {
		if (strcmp(platform->architecture, aliases[i].name) != 0)
			continue;
		g_free(platform->architecture);
		platform->architecture = g_strdup(aliases[i].architecture);
		g_free(platform->variant);
		platform->variant = g_strdup(aliases[i].variant);
		return;
	}
}

void platform_set(Platform *platform, const char *os, const char *architecture, const char *variant)
{
	if (os) {
		g_free(platform->os);
		platform->os = g_ascii_strdown(strcmp(os, "macos") == 0 ? "darwin" : os, -1);
	}
	if (architecture) {
		g_clear_pointer(&platform->variant, g_free);
		set_architecture(platform, architecture);
	}
	if (variant) {
		g_free(platform->variant);
		platform->variant = *variant ? g_ascii_strdown(variant, -1) : NULL;
	}
}

void platform_host(Platform *out_platform)
{
	struct utsname host;
	*out_platform = (Platform){0};
	platform_set(out_platform, "linux", uname(&host) == 0 ? host.machine : "amd64", NULL);
}

static bool is_system(const char *word)
{
	for (size_t i = 0; i < G_N_ELEMENTS(systems); i++)
		if (strcmp(word, systems[i]) == 0)
			return true;
	return false;
}

/* A system or an architecture alone; the rest is this machine's. */
static bool set_word(Platform *platform, const char *word)
{
	if (is_system(word)) {
		platform_set(platform, word, NULL, NULL);
		return true;
	}
	platform_set(platform, NULL, word, NULL);
	return g_strv_contains(architectures, platform->architecture);
}

bool platform_parse(const char *text, Platform *out_platform, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, "/", -1);
	size_t n = g_strv_length(parts);
	for (size_t i = 0; i < n; i++)
		if (!word_is_valid(parts[i]))
			n = 0;
	if (n < 1 || n > 3)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid platform '%s': expected OS/ARCH[/VARIANT]", text);
	g_auto(Platform) platform = {0};
	platform_host(&platform);
	if (n > 1)
		platform_set(&platform, parts[0], parts[1], parts[2]);
	else if (!set_word(&platform, parts[0]))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "invalid platform '%s': unknown operating system or architecture",
				 text);
	*out_platform = platform;
	platform = (Platform){0};
	return true;
}

char *platform_format(const Platform *platform)
{
	const char *os = platform->os && *platform->os ? platform->os : "unknown";
	const char *arch = platform->architecture && *platform->architecture
				   ? platform->architecture
				   : "unknown";
	return g_strconcat(os, "/", arch, platform->variant ? "/" : "", platform->variant, NULL);
}

/* The variant that "no variant" stands for. */
static int implied_level(const char *architecture)
{
	if (strcmp(architecture, "arm64") == 0)
		return 8;
	if (strcmp(architecture, "arm") == 0)
		return 7;
	return 1;
}

/* Variants are levels: "v7" runs what is built for "v6". -1 for one that is no level. */
static int variant_level(const Platform *platform)
{
	const char *variant = platform->variant;
	if (!variant)
		return implied_level(platform->architecture);
	if (variant[0] == 'v' && g_ascii_isdigit(variant[1]) && variant[2] == '\0')
		return variant[1] - '0';
	return -1;
}

/* How well an image of @have suits @want: 0 not at all, more is better. */
static int suitability(const Platform *want, const Platform *have)
{
	if (!have->os || !have->architecture || strcmp(want->os, have->os) != 0 ||
	    strcmp(want->architecture, have->architecture) != 0)
		return 0;
	if (g_strcmp0(want->variant, have->variant) == 0)
		return 100;
	int wanted = variant_level(want), offered = variant_level(have);
	if (wanted < 0 || offered < 0 || offered > wanted)
		return 0;
	return 90 - (wanted - offered);
}

bool platform_runs(const Platform *want, const Platform *have)
{
	return suitability(want, have) > 0;
}

/* "linux/amd64, linux/arm64", each once. */
static char *list_platforms(const Manifest *manifest)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < manifest->manifests->len && names->len < 40; i++) {
		const Descriptor *entry = g_ptr_array_index(manifest->manifests, i);
		if (!entry->platform.os || entry->is_attestation)
			continue;
		g_autofree char *name = platform_format(&entry->platform);
		if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
			g_ptr_array_add(names, g_strescape(name, NULL));
	}
	g_ptr_array_add(names, NULL);
	return g_strjoinv(", ", (char **)names->pdata);
}

const Descriptor *manifest_choose(const Manifest *manifest, const Platform *want, GError **error)
{
	const Descriptor *best = NULL, *only = NULL;
	int best_score = 0, without = 0;
	for (size_t i = 0; i < manifest->manifests->len; i++) {
		const Descriptor *entry = g_ptr_array_index(manifest->manifests, i);
		if (entry->is_attestation)
			continue;
		if (!entry->platform.os) {
			only = entry;
			without++;
			continue;
		}
		int score = suitability(want, &entry->platform);
		if (score > best_score) {
			best = entry;
			best_score = score;
		}
	}
	/* An index of one image that names no platform is how some tools wrap a single image. */
	if (!best && without == 1)
		best = only;
	if (best)
		return best;
	g_autofree char *wanted = platform_format(want);
	g_autofree char *offered = list_platforms(manifest);
	error_set(error, ENGINE_ERROR_NOT_FOUND, "no image found in image index for platform '%s'",
		  wanted);
	if (*offered)
		error_add_help(error, "it has %s: choose one with --platform", offered);
	return NULL;
}
