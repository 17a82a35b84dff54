/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of a container as `top` shows them, read from the host's /proc.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct ProcessList ProcessList;

/** process_list_new() - look at these processes; those that end meanwhile are left out. */
ProcessList *process_list_new(const pid_t *pids, size_t n);
void process_list_free(ProcessList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProcessList, process_list_free)

/** process_list_count() - how many are left, sorted by pid. */
size_t process_list_count(const ProcessList *list);

/** process_header() - the title of a column ("pcpu": "%CPU"), NULL if there is none of that name.
 */
const char *process_header(const char *descriptor);

/** process_descriptor() - the i-th column's name, NULL behind the last. */
const char *process_descriptor(size_t i);

/** process_column() - the text of a column for process @i. g_free() it. */
char *process_column(const ProcessList *list, size_t i, const char *descriptor);

/** process_format_time() - as Go prints a duration of whole seconds: "1h2m3s". g_free() it. */
char *process_format_time(long seconds);
