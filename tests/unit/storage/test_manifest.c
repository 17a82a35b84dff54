/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "libpod/base/error.h"
#include "storage/manifest.h"

#define HEX   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BLOB  "\"digest\":\"sha256:" HEX "\",\"size\":5"
#define CFG   "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\"," BLOB "}"
#define LAYER "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"," BLOB "}"
#define IMAGE "\"schemaVersion\":2," CFG ",\"layers\":[" LAYER "]"
#define DCFG                                                                                       \
	"\"config\":{\"mediaType\":\"application/vnd.docker.container.image.v1+json\"," BLOB "}"
#define ENTRY(platform)                                                                            \
	"{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"digest\":\"sha256:" HEX "\",\"size\":5," \
	"\"platform\":{" platform "}}"
#define TYPE(type) "\"mediaType\":\"" type "\","

/* Documents, what they are called, and whether that is accepted, and as what. */
static const struct {
	const char *name;
	const char *text;
	const char *content_type;
	const char *type; /* NULL: refused */
} rows[] = {
	{"oci", "{" TYPE(MEDIA_TYPE_OCI_MANIFEST) IMAGE "}", NULL, MEDIA_TYPE_OCI_MANIFEST},
	{"oci without type", "{" IMAGE "}", NULL, MEDIA_TYPE_OCI_MANIFEST},
	{"type from outside", "{" IMAGE "}", MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_MANIFEST},
	{"type with charset", "{" IMAGE "}", MEDIA_TYPE_OCI_MANIFEST "; charset=utf-8",
	 MEDIA_TYPE_OCI_MANIFEST},
	{"vague type", "{" IMAGE "}", "application/json", MEDIA_TYPE_OCI_MANIFEST},
	{"docker",
	 "{" TYPE(MEDIA_TYPE_DOCKER_MANIFEST) "\"schemaVersion\":2," DCFG ",\"layers\":[]}",
	 MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST},
	{"index", "{" TYPE(MEDIA_TYPE_OCI_INDEX) "\"schemaVersion\":2,\"manifests\":[]}", NULL,
	 MEDIA_TYPE_OCI_INDEX},
	{"index without type", "{\"schemaVersion\":2,\"manifests\":[]}", NULL,
	 MEDIA_TYPE_OCI_INDEX},
	{"docker list", "{" TYPE(MEDIA_TYPE_DOCKER_LIST) "\"schemaVersion\":2,\"manifests\":[]}",
	 MEDIA_TYPE_DOCKER_LIST, MEDIA_TYPE_DOCKER_LIST},
	{"null members", "{" IMAGE ",\"manifests\":null,\"annotations\":null}", NULL,
	 MEDIA_TYPE_OCI_MANIFEST},
	{"both kinds", "{" IMAGE ",\"manifests\":[]}", NULL, NULL},
	{"both kinds, empty layers", "{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}", NULL,
	 NULL},
	{"config and manifests", "{\"schemaVersion\":2," CFG ",\"manifests\":[]}", NULL, NULL},
	{"neither kind", "{\"schemaVersion\":2}", NULL, NULL},
	{"index called image",
	 "{" TYPE(MEDIA_TYPE_OCI_MANIFEST) "\"schemaVersion\":2,\"manifests\":[]}", NULL, NULL},
	{"image called index", "{" TYPE(MEDIA_TYPE_OCI_INDEX) IMAGE "}", NULL, NULL},
	{"image called index outside", "{" IMAGE "}", MEDIA_TYPE_OCI_INDEX, NULL},
	{"two families", "{" TYPE(MEDIA_TYPE_OCI_MANIFEST) IMAGE "}", MEDIA_TYPE_DOCKER_MANIFEST,
	 NULL},
	{"unknown type", "{" TYPE("application/x") IMAGE "}", NULL, NULL},
	{"unknown type outside", "{" IMAGE "}", "text/html", NULL},
	{"type of wrong kind", "{\"mediaType\":5," IMAGE "}", NULL, NULL},
	{"no version", "{" CFG ",\"layers\":[]}", NULL, NULL},
	{"version 1", "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, NULL},
	{"version 3", "{\"schemaVersion\":3," CFG ",\"layers\":[]}", NULL, NULL},
	{"version as text", "{\"schemaVersion\":\"2\"," CFG ",\"layers\":[]}", NULL, NULL},
	{"schema 1 inside 2", "{" IMAGE ",\"fsLayers\":[]}", NULL, NULL},
	{"no config", "{\"schemaVersion\":2,\"layers\":[]}", NULL, NULL},
	{"no layers", "{\"schemaVersion\":2," CFG "}", NULL, NULL},
	{"layers not a list", "{\"schemaVersion\":2," CFG ",\"layers\":{}}", NULL, NULL},
	{"layer not an object", "{\"schemaVersion\":2," CFG ",\"layers\":[1]}", NULL, NULL},
	{"layer null", "{\"schemaVersion\":2," CFG ",\"layers\":[null]}", NULL, NULL},
	{"no digest", "{\"schemaVersion\":2," CFG ",\"layers\":[{\"size\":1}]}", NULL, NULL},
	{"no size", "{\"schemaVersion\":2," CFG ",\"layers\":[{\"digest\":\"sha256:" HEX "\"}]}",
	 NULL, NULL},
	{"negative size",
	 "{\"schemaVersion\":2," CFG ",\"layers\":[{\"digest\":\"sha256:" HEX "\",\"size\":-1}]}",
	 NULL, NULL},
	{"bad digest",
	 "{\"schemaVersion\":2," CFG ",\"layers\":[{\"digest\":\"sha256:../x\",\"size\":1}]}", NULL,
	 NULL},
	{"unknown layer type",
	 "{\"schemaVersion\":2," CFG ",\"layers\":[{\"mediaType\":\"text/plain\"," BLOB "}]}", NULL,
	 NULL},
	{"layer without type", "{\"schemaVersion\":2," CFG ",\"layers\":[{" BLOB "}]}", NULL, NULL},
	{"foreign layer",
	 "{\"schemaVersion\":2," CFG ",\"layers\":[{\"mediaType\":"
	 "\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\"," BLOB "}]}",
	 NULL, NULL},
	{"artifact",
	 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
	 "vnd.oci.empty.v1+json\"," BLOB "},\"layers\":[]}",
	 NULL, NULL},
	{"type with control characters",
	 "{\"schemaVersion\":2," CFG ",\"layers\":[{\"mediaType\":\"a\\u001b[0m\"," BLOB "}]}",
	 NULL, NULL},
	{"huge config",
	 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
	 "vnd.oci.image.config.v1+json\","
	 "\"digest\":\"sha256:" HEX "\",\"size\":4194305},\"layers\":[]}",
	 NULL, NULL},
	{"array", "[]", NULL, NULL},
	{"text", "\"x\"", NULL, NULL},
	{"empty", "", NULL, NULL},
	{"html", "<html>", NULL, NULL},
	{"behind", "{" IMAGE "} x", NULL, NULL},
	{"twice", "{" IMAGE "}{}", NULL, NULL},
};

static void test_documents(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Manifest) manifest = manifest_parse(rows[i].text, strlen(rows[i].text),
							      rows[i].content_type, &error);
		if (!manifest && rows[i].type)
			g_error("%s: %s", rows[i].name, error->message);
		if (manifest && !rows[i].type)
			g_error("%s was accepted", rows[i].name);
		if (manifest)
			g_assert_cmpstr(manifest->media_type, ==, rows[i].type);
		for (const char *c = error ? error->message : ""; *c; c++)
			g_assert_true(g_ascii_isprint(*c) || *c == '\n');
	}
}

static void test_limits(void)
{
	g_autoptr(GString) text = g_string_new("{\"schemaVersion\":2," CFG ",\"layers\":[" LAYER);
	for (int i = 1; i < MANIFEST_MAX_LAYERS; i++)
		g_string_append(text, "," LAYER);
	g_autofree char *most = g_strconcat(text->str, "]}", NULL);
	g_autofree char *more = g_strconcat(text->str, "," LAYER "]}", NULL);
	g_autoptr(Manifest) fits = manifest_parse(most, strlen(most), NULL, NULL);
	g_assert_nonnull(fits);
	g_assert_cmpuint(fits->layers->len, ==, MANIFEST_MAX_LAYERS);
	g_assert_null(manifest_parse(more, strlen(more), NULL, NULL));
	g_autofree char *huge = g_strnfill(MANIFEST_MAX_SIZE + 1, ' ');
	g_assert_null(manifest_parse(huge, MANIFEST_MAX_SIZE + 1, NULL, NULL));
}

/* The index of the entry chosen among these platforms, -1 for none. */
static int choose(const char *want, const char *const *platforms, size_t n)
{
	g_autoptr(GString) text = g_string_new("{\"schemaVersion\":2,\"manifests\":[");
	for (size_t i = 0; i < n; i++) {
		g_auto(GStrv) parts = g_strsplit(platforms[i], "/", 3);
		g_string_append_printf(text, "%s{\"digest\":\"sha256:%064zu\",\"size\":1%s",
				       i ? "," : "", i, *platforms[i] ? ",\"platform\":{" : "");
		if (*platforms[i]) {
			g_string_append_printf(text, "\"os\":\"%s\",\"architecture\":\"%s\"",
					       parts[0], parts[1]);
			if (parts[2])
				g_string_append_printf(text, ",\"variant\":\"%s\"", parts[2]);
			g_string_append_c(text, '}');
		}
		g_string_append_c(text, '}');
	}
	g_string_append(text, "]}");
	g_auto(Platform) platform = {0};
	g_assert_true(platform_parse(want, &platform, NULL));
	g_autoptr(GError) error = NULL;
	g_autoptr(Manifest) manifest = manifest_parse(text->str, text->len, NULL, &error);
	g_assert_no_error(error);
	const Descriptor *chosen = manifest_choose(manifest, &platform, &error);
	if (!chosen) {
		g_assert_true(error_matches(error, ENGINE_ERROR_NOT_FOUND));
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (g_ptr_array_index(manifest->manifests, i) == chosen)
			return (int)i;
	return -2;
}

static void test_choice(void)
{
	static const char *const usual[] = {"linux/amd64",    "linux/arm/v5",  "linux/arm/v7",
					    "linux/arm64/v8", "windows/amd64", "unknown/unknown",
					    "linux/arm/v6"};
	static const char *const single[] = {""};
	static const char *const two[] = {"", ""};
	static const char *const levels[] = {"linux/amd64/v3", "linux/amd64/v2", "linux/amd64"};
	static const struct {
		const char *want;
		const char *const *platforms;
		size_t n;
		int chosen;
	} cases[] = {
		{"linux/amd64", usual, 7, 0},
		{"linux/arm/v7", usual, 7, 2},
		{"linux/arm/v6", usual, 7, 6},
		{"linux/arm/v5", usual, 7, 1},
		{"linux/arm", usual, 7, 2},
		{"linux/arm/v8", usual, 7, 2},
		{"linux/arm64", usual, 7, 3},
		{"linux/arm64/v8", usual, 7, 3},
		{"aarch64", usual, 7, 3},
		{"windows/amd64", usual, 7, 4},
		{"linux/s390x", usual, 7, -1},
		{"darwin/amd64", usual, 7, -1},
		{"linux/arm/v4", usual, 7, -1},
		{"linux/amd64", single, 1, 0},
		{"linux/s390x", single, 1, 0},
		{"linux/amd64", two, 2, -1},
		{"linux/amd64", levels, 3, 2},
		{"linux/amd64/v2", levels, 3, 1},
		{"linux/amd64/v3", levels, 3, 0},
		{"linux/amd64/v4", levels, 3, 0},
		{"linux/amd64/weird", levels, 3, -1},
		{"x86_64", usual, 7, 0},
		{"armhf", usual, 7, 2},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int got = choose(cases[i].want, cases[i].platforms, cases[i].n);
		if (got != cases[i].chosen)
			g_error("'%s': entry %d, not %d", cases[i].want, got, cases[i].chosen);
	}
}

static void test_attestations(void)
{
	static const char text[] = "{\"schemaVersion\":2,\"manifests\":[" ENTRY(
		"\"os\":\"linux\",\"architecture\":\"amd64\"") ",{\"digest\":\"sha256:" HEX
							       "\",\"size\":1,\"annotations\":{"
							       "\"vnd.docker.reference.type\":"
							       "\"attestation-manifest\"},"
							       "\"platform\":{\"os\":\"unknown\","
							       "\"architecture\":\"unknown\"}}]}";
	g_autoptr(Manifest) manifest = manifest_parse(text, strlen(text), NULL, NULL);
	g_assert_nonnull(manifest);
	const Descriptor *second = g_ptr_array_index(manifest->manifests, 1);
	g_assert_true(second->is_attestation);
	g_auto(Platform) want = {0};
	g_autoptr(GError) error = NULL;
	g_assert_true(platform_parse("linux/s390x", &want, NULL));
	g_assert_null(manifest_choose(manifest, &want, &error));
	g_assert_nonnull(strstr(error->message, "linux/amd64"));
	g_assert_null(strstr(error->message, "unknown"));
}

static void test_platforms(void)
{
	static const char *const forms[][2] = {
		{"linux/amd64", "linux/amd64"},
		{"Linux/AMD64", "linux/amd64"},
		{"linux/x86_64", "linux/amd64"},
		{"linux/aarch64", "linux/arm64"},
		{"linux/armhf", "linux/arm/v7"},
		{"linux/armel", "linux/arm/v6"},
		{"linux/arm/v6", "linux/arm/v6"},
		{"linux/i386", "linux/386"},
		{"arm64", "linux/arm64"},
		{"linux/riscv64", "linux/riscv64"},
		{"X86_64", "linux/amd64"},
		{"", NULL},
		{"nonsense", NULL},
		{"/", NULL},
		{"linux/", NULL},
		{"linux/amd64/", NULL},
		{"a/b/c/d", NULL},
		{"linux/am d64", NULL},
		{"../amd64", NULL},
		{"linux/\x1b", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_auto(Platform) platform = {0};
		bool ok = platform_parse(forms[i][0], &platform, NULL);
		g_assert_cmpint(ok, ==, forms[i][1] != NULL);
		if (!ok)
			continue;
		g_autofree char *text = platform_format(&platform);
		g_assert_cmpstr(text, ==, forms[i][1]);
	}
	g_auto(Platform) host = {0};
	platform_host(&host);
	g_assert_cmpstr(host.os, ==, "linux");
	g_assert_true(platform_runs(&host, &host));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/manifest/documents", test_documents);
	g_test_add_func("/manifest/limits", test_limits);
	g_test_add_func("/manifest/choice", test_choice);
	g_test_add_func("/manifest/attestations", test_attestations);
	g_test_add_func("/manifest/platforms", test_platforms);
	return g_test_run();
}
