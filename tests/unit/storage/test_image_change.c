/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "libpod/base/error.h"
#include "storage/image_change.h"

static void test_instructions(void)
{
	static const char *const changes[] = {
		"CMD [\"sh\", \"-c\"]",
		"ENTRYPOINT=/bin/app run",
		"ENV a=b",
		"env A \"two words\"",
		"ENV a=c",
		"EXPOSE 80 53/udp",
		"LABEL k=v w",
		"USER 1:2",
		"VOLUME [\"/data\"]",
		"WORKDIR /a//b",
		"STOPSIGNAL INT",
		"ONBUILD COPY . /",
	};
	g_autoptr(Json) config = json_object_new_object();
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_true(image_change_apply(config, changes[i], &error));
		g_assert_no_error(error);
	}
	g_assert_cmpstr(
		js_text(config), ==,
		"{\"Cmd\":[\"sh\",\"-c\"],\"Entrypoint\":[\"/bin/sh\",\"-c\",\"/bin/app run\"],"
		"\"Env\":[\"A=two words\",\"a=c\"],\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
		"\"Labels\":{\"k\":\"v w\"},\"User\":\"1:2\",\"Volumes\":{\"/data\":{}},"
		"\"WorkingDir\":\"/a/b\",\"StopSignal\":\"INT\",\"OnBuild\":[\"COPY . /\"]}");
}

static void test_refusals(void)
{
	static const char *const changes[] = {
		"",      "RUN x",   "CMD",         "CMD [1]", "CMD [\"a\"",
		"ENV a", "LABEL k", "WORKDIR rel", "CMDX y",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autoptr(Json) config = json_object_new_object();
		g_autoptr(GError) error = NULL;
		if (image_change_apply(config, changes[i], &error))
			g_error("accepted: %s", changes[i]);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/image-change/instructions", test_instructions);
	g_test_add_func("/image-change/refusals", test_refusals);
	return g_test_run();
}
