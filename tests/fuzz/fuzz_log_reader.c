/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log file as the disk gives it, and output of a container as the monitor writes it. The first
 * byte: bit 0 the format; bit 1: the rest is output, which is written to a log and must come back
 * as it was; bit 2: in small files that are rotated away, so that only its end comes back, in
 * order.
 */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "libpod/log_record.h"
#include "libpod/logs.h"
#include "libpod/monitor/monitor_log.h"

#define SMALL_FILE 160 /* bytes: some records */
#define FILES_MAX  4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A directory for the whole run. */
static int work_dir(void)
{
	static int fd = -1;
	if (fd >= 0)
		return fd;
	g_autofree char *path = g_dir_make_tmp("skiff-fuzz-XXXXXX", NULL);
	g_assert_nonnull(path);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* It lives on without a name; its files have none left at the end of each input. */
	return fd;
}

static bool join(const LogLine *line, void *data)
{
	GString *text = data;
	g_string_append_len(text, line->text, (gssize)line->size);
	if (!line->partial)
		g_string_append_c(text, '\n');
	return true;
}

static void read_back(LogDriver driver, int64_t tail, int64_t since, GString *text)
{
	g_autoptr(GError) error = NULL;
	LogsOptions options = {.driver = driver, .tail = tail, .since_ns = since};
	g_assert_true(logs_read(work_dir(), NULL, &options, join, text, &error));
	g_assert_no_error(error);
}

/* @part is the end of @whole. */
static void assert_end_of(const char *whole, size_t size, const GString *part)
{
	g_assert_cmpuint(part->len, <=, size);
	g_assert_cmpmem(whole + size - part->len, part->len, part->str, part->len);
}

static void write_and_read(LogDriver driver, bool rotated, const char *output, size_t size)
{
	MonitorLogOptions options = {.driver = driver,
				     .dir_fd = work_dir(),
				     .max_size = rotated ? SMALL_FILE : 1 << 24,
				     .max_files = size % FILES_MAX};
	g_autoptr(MonitorLog) log = monitor_log_open(&options, NULL);
	/* In two chunks, cut where the data says. */
	size_t cut = size > 0 ? (unsigned char)output[0] % size : 0;
	monitor_log_write(log, false, output, cut, 1);
	monitor_log_write(log, false, output + cut, size - cut, 2);
	monitor_log_end(log, 2);
	GString *text = g_string_new(NULL), *late = g_string_new(NULL);
	read_back(driver, -1, 0, text);
	read_back(driver, -1, 2, late);
	/* json-file cannot hold what is not UTF-8. */
	if (driver == LOG_DRIVER_K8S_FILE || g_utf8_validate(output, (gssize)size, NULL))
		assert_end_of(output, size, text);
	g_assert_true(rotated || driver != LOG_DRIVER_K8S_FILE || text->len == size);
	assert_end_of(text->str, text->len, late);
	g_string_free(text, TRUE);
	g_string_free(late, TRUE);
}

static void read_file(LogDriver driver, const char *file, size_t size)
{
	autofd fd = openat(work_dir(), "log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	g_assert_true(fd_write_all(fd, file, size));
	GString *all = g_string_new(NULL);
	GString *some = g_string_new(NULL);
	read_back(driver, -1, 0, all);
	read_back(driver, 2, 0, some);
	assert_end_of(all->str, all->len, some);
	g_string_free(all, TRUE);
	g_string_free(some, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	LogDriver driver = data[0] & 1 ? LOG_DRIVER_JSON_FILE : LOG_DRIVER_K8S_FILE;
	if (data[0] & 2)
		write_and_read(driver, data[0] & 4, (const char *)data + 1, size - 1);
	else
		read_file(driver, (const char *)data + 1, size - 1);
	(void)unlinkat(work_dir(), "log", 0);
	for (int i = 1; i <= FILES_MAX; i++) {
		g_autofree char *name = g_strdup_printf("log.%d", i);
		(void)unlinkat(work_dir(), name, 0);
	}
	return 0;
}
