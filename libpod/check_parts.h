/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the check share.
 */
#pragma once

#include <sys/stat.h>

#include "libpod/base/json.h"
#include "libpod/check.h"

typedef struct {
	Engine *engine;
	const CheckOptions *options;
	GPtrArray *findings;
	struct stat entry; /* of the store, that is looked at: others work meanwhile */
	guint before;      /* how many findings there were when that began */
	bool moved;        /* by us */
} Check;

/** check_entry_begin() - what is found now is of this entry. Return: false if it is gone. */
bool check_entry_begin(Check *check, int dir, const char *name);

/** check_entry_end() - if it was removed or replaced meanwhile, what was found on its way out is no
 * damage. */
void check_entry_end(Check *check, int dir, const char *name);

/** check_entries() - look at all entries of a directory of the store. */
bool check_entries(Check *check, const char *dir_name,
		   void (*look)(Check *check, int dir, const char *name), GError **error);

/** check_report() - add a finding; strings are taken. */
void check_report(Check *check, char *object, char *problem, char *result, bool solved);

typedef enum {
	RECORD_FINE,
	RECORD_MENDED, /* and reported */
	RECORD_ABSENT,
	RECORD_BROKEN, /* and not reported: it is the caller's to make it again */
} RecordState;

/**
 * check_record() - look at a sealed record, and mend a flipped bit of it
 * @object:	for the report
 *
 * An old record without a seal gets one; that is told, and no damage.
 */
RecordState check_record(Check *check, int dir_fd, const char *name, const char *object);

/** check_digest() - the same for a file whose name or directory says its sha256. */
RecordState check_digest(Check *check, int dir_fd, const char *name, const char *digest,
			 const char *object);

/** check_set_aside() - move an entry of the store to damaged/, or to the trash with --force, and
 * report. Nothing is done if it is not the entry any more that is looked at. */
void check_set_aside(Check *check, const char *dir, const char *name, const char *object,
		     const char *problem);

/** check_containers() and what follows - the parts. */
bool check_containers(Check *check, GError **error);
bool check_names(Check *check, GError **error);
bool check_volumes(Check *check, GError **error);
bool check_images(Check *check, GError **error);
bool check_indexes(Check *check, GError **error);
bool check_secrets(Check *check, GError **error);
bool check_pods(Check *check, GError **error);
bool check_networks(Check *check, GError **error);

/** check_container_files() - what else is in a container's directory: secrets, update.json,
 * health.json, the mark that others need it. */
void check_container_files(Check *check, int dir, const char *dir_name, const char *object);
