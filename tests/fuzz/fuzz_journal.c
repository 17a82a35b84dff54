/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's journal as it may lie on a damaged disk: records in bounds, an end or an error.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/base/fd.h"
#include "storage/tar_journal.h"

#define RECORDS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofd fd = memfd_create("journal", MFD_CLOEXEC);
	g_assert_true(fd_write_all(fd, data, size));
	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	g_autoptr(TarJournalReader) reader = tar_journal_reader_new(fd);
	for (int i = 0; i < RECORDS_MAX; i++) {
		TarJournalRecord record;
		g_autoptr(GError) error = NULL;
		if (!tar_journal_next(reader, &record, &error)) {
			g_assert_nonnull(error);
			return 0;
		}
		if (record.kind == 'E')
			return 0;
		g_assert_cmpint(record.text[record.text_size], ==, '\0');
		g_assert_cmpuint(record.text_size, <=, 1u << 20);
	}
	return 0;
}
