/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the image module share: the record's pieces on disk.
 */
#pragma once

#include "storage/image.h"

#define IMAGE_CONFIG_MAX_SIZE (4u << 20)
#define IMAGE_LINES_MAX_SIZE  (1u << 20)

/** image_id_is_valid() - 64 lower-case hex digits. */
bool image_id_is_valid(const char *text);

/** image_dir_open() - O_PATH descriptor of images/ID. Return: -1; without @error if it is absent.
 */
int image_dir_open(Store *store, const char *id, GError **error);

/** image_lines_read() - lines of `names` or `digests`; absent is empty. g_strfreev() it. */
char **image_lines_read(int dir_fd, const char *name, GError **error);

/** image_load() - read one record. NULL without @error if absent, CORRUPT if it is broken. */
Image *image_load(Store *store, const char *id, GError **error);

/** image_find_id() - the id of the image that @name stands for; indexes aside. NULL without @error
 * if it stands for none. g_free() it. */
char *image_find_id(Store *store, const char *name, GError **error);

/** image_name_holder() - the id of the image with exactly this normalised name. NULL without
 * @error: none. g_free() it. */
char *image_name_holder(Store *store, const char *name, GError **error);

/** image_names_lock() - order writers of names of images and indexes. */
RecordLock *image_names_lock(Store *store, const char *operation, GError **error);

/** image_take_names() - take @names from every image and index but @id; the lock must be held. */
bool image_take_names(Store *store, const char *id, const char *const *names, GError **error);

/** image_index_take_names() - the part of image_take_names() that is about indexes. */
void image_index_take_names(Store *store, const char *id, const char *const *names);
