/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-cdi: one YAML document on standard input, as JSON on standard output. For CDI
 * specifications: a program of its own, so that `skiff` need not load libyaml.
 *
 * What aliases may repeat is bounded by the reader, see yaml_read.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/compose/yaml_read.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"

static bool convert(const char *file, GError **error)
{
	size_t size = 0;
	g_autofree char *text = fd_read_all(STDIN_FILENO, YAML_READ_SIZE_MAX, &size, error);
	g_autoptr(GPtrArray) documents = text ? yaml_read(text, size, file, error) : NULL;
	if (!documents)
		return false;
	if (documents->len != 1)
		return error_set(error, ENGINE_ERROR_INVALID, "%s: %u documents instead of one",
				 file, documents->len);
	g_autoptr(Json) json = node_to_json(documents->pdata[0]);
	const char *out = js_text(json);
	return fd_write_all(STDOUT_FILENO, out, strlen(out)) ||
	       error_set_errno(error, "cannot write");
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	if (argc == 2 && convert(argv[1], &error))
		return 0;
	(void)fprintf(stderr, "%s\n", error ? error->message : "usage: skiff-cdi NAME");
	return 1;
}
