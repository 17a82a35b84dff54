/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "libpod/base/error.h"
#include "storage/overlay.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void test_layers(void)
{
	g_autoptr(GError) error = NULL;
	const char *const chain[] = {A, B, NULL};
	const OverlayPlan plan = {
		.chain_ids = chain,
		.upper = "containers/x.rm/upper",
		.work = "containers/x.rm/work",
		.is_volatile = true,
		.userxattr = true,
	};
	g_auto(GStrv) options = overlay_options(&plan, &error);
	g_assert_no_error(error);
	g_autofree char *joined = g_strjoinv(",", options);
	g_assert_cmpstr(
		joined, ==,
		"lowerdir=layers/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/"
		"diff:"
		"layers/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/diff,"
		"upperdir=containers/x.rm/upper,workdir=containers/x.rm/work,userxattr,volatile");
}

static void test_read_only(void)
{
	g_autoptr(GError) error = NULL;
	const char *const chain[] = {A, NULL};
	const OverlayPlan plan = {.chain_ids = chain, .is_volatile = true};
	g_auto(GStrv) options = overlay_options(&plan, &error);
	g_assert_cmpuint(g_strv_length(options), ==, 1);
}

static void test_refusals(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(overlay_options(&(OverlayPlan){.rootfs = "/a:b"}, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_UNSUPPORTED));
	g_clear_error(&error);
	const char *const none[] = {NULL};
	g_assert_null(overlay_options(&(OverlayPlan){.chain_ids = none}, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	g_clear_error(&error);
	g_autofree const char **many = g_new0(const char *, 502);
	for (int i = 0; i < 501; i++)
		many[i] = A;
	g_assert_null(overlay_options(&(OverlayPlan){.chain_ids = many}, &error));
	g_assert_true(error_matches(error, ENGINE_ERROR_UNSUPPORTED));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/overlay/options/top-first", test_layers);
	g_test_add_func("/overlay/options/read-only", test_read_only);
	g_test_add_func("/overlay/options/refusals", test_refusals);
	return g_test_run();
}
