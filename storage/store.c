/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's root: first-level directories, staging with leases, the trash. Runs in every process.
 *
 * Staging: a stage is a directory staging/NAME with a lock file `lease` in it. Its maker holds the
 * lock for as long as the stage lives; the kernel drops it when the maker dies, and then the stage
 * is dead. Making a stage and sweeping dead ones exclude each other by staging/.lock, else a
 * sweeper could see a stage between its mkdir and its lease. A crash leaves at most a dead stage,
 * which the next sweep moves to the trash.
 */
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/path.h"
#include "libpod/base/record.h"

#define STORE_VERSION "1"

static const char *const dir_names[] = {"containers", "names",   "images",  "layers", "volumes",
					"networks",   "secrets", "staging", "trash",  "cache",
					"damaged",    "indexes", "pods"};

struct Store {
	char *path;
	int fd;
	int dirs[G_N_ELEMENTS(dir_names)]; /* -1 until asked for */
};

struct StoreStage {
	Store *store; /* borrowed */
	char *name;
	int fd;
	RecordLock *lease;
};

const char *store_network_filesystem(uint32_t magic)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} rows[] = {
		{0x6969, "NFS"},      {0x517b, "SMB"},       {0xff534d42, "CIFS"},
		{0xfe534d42, "SMB"},  {0x5346414f, "AFS"},   {0x73757245, "Coda"},
		{0x00c36400, "Ceph"}, {0x01021997, "9P"},    {0x0bd00bd0, "Lustre"},
		{0x47504653, "GPFS"}, {0x013111a8, "IBRIX"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].magic == magic)
			return rows[i].name;
	}
	return NULL;
}

/* A new store on a network file system would take images and then fail at the first container. */
static bool check_filesystem(const Store *store, GError **error)
{
	struct statfs fs;
	if (fstatfs(store->fd, &fs) < 0)
		return error_set_errno(error, "cannot look at '%s'", store->path);
	const char *network = store_network_filesystem((uint32_t)fs.f_type);
	if (!network)
		return true;
	error_set(
		error, ENGINE_ERROR_UNSUPPORTED,
		"'%s' is on a network file system (%s), which cannot hold the layers of containers",
		store->path, network);
	error_add_help(
		error,
		"use a local disk: export XDG_DATA_HOME=/var/tmp/skiff-%u, or --root DIR for one "
		"command",
		geteuid());
	return false;
}

/* Read the format version, writing it into a store that has none yet. */
static bool check_version(Store *store, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *text = record_read(store->fd, "version", 64, NULL, &problem);
	if (!text && error_matches(problem, ENGINE_ERROR_NOT_FOUND))
		return check_filesystem(store, error) &&
		       record_replace(store->fd, "version", STORE_VERSION "\n",
				      strlen(STORE_VERSION "\n"), RECORD_SYNC_FULL, error);
	if (!text) {
		g_propagate_prefixed_error(error, g_steal_pointer(&problem),
					   "store '%s': ", store->path);
		return false;
	}
	g_strchomp(text);
	if (strcmp(text, STORE_VERSION) != 0)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "store '%s' has format version '%.20s', this skiff knows %s",
				 store->path, text, STORE_VERSION);
	return true;
}

/* Open, whatever the version. */
static Store *open_any(const char *path, GError **error)
{
	int fd = path_open_private_dir(path, error);
	if (fd < 0)
		return NULL;
	g_autoptr(Store) store = g_new0(Store, 1);
	store->path = g_strdup(path);
	store->fd = fd;
	for (size_t i = 0; i < G_N_ELEMENTS(dir_names); i++)
		store->dirs[i] = -1;
	return g_steal_pointer(&store);
}

Store *store_open(const char *path, GError **error)
{
	g_autoptr(Store) store = open_any(path, error);
	return store && check_version(store, error) ? g_steal_pointer(&store) : NULL;
}

Store *store_open_damaged(const char *path, GError **error)
{
	return open_any(path, error);
}

bool store_version_check(Store *store, GError **error)
{
	return check_version(store, error);
}

bool store_version_reset(Store *store, GError **error)
{
	return record_replace(store->fd, "version", STORE_VERSION "\n", strlen(STORE_VERSION "\n"),
			      RECORD_SYNC_FULL, error);
}

void store_close(Store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(dir_names); i++)
		fd_close(&store->dirs[i]);
	fd_close(&store->fd);
	g_free(store->path);
	g_free(store);
}

const char *store_path(const Store *store)
{
	return store->path;
}

int store_fd(const Store *store)
{
	return store->fd;
}

/* Open a directory below @dir_fd, making it (0700) when it is absent. */
static int ensure_dir(int dir_fd, const char *name)
{
	int fd = path_open_state(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return path_open_state(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

int store_dir(Store *store, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(dir_names); i++) {
		if (strcmp(dir_names[i], name) != 0)
			continue;
		if (store->dirs[i] < 0)
			store->dirs[i] = ensure_dir(store->fd, name);
		return store->dirs[i];
	}
	errno = EINVAL;
	return -1;
}

/* Sixteen random hex digits for names that must not clash. */
static void random_name(char out[17])
{
	uint64_t value = 0;
	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		value = ((uint64_t)g_random_int() << 32) | g_random_int();
	snprintf(out, 17, "%016" G_GINT64_MODIFIER "x", value);
}

bool store_trash(Store *store, const char *dir, const char *name, GError **error)
{
	g_assert(path_name_is_safe(name));
	int from = store_dir(store, dir);
	int trash = store_dir(store, "trash");
	if (from < 0 || trash < 0)
		return error_set_errno(error, "cannot open '%s/%s'", store->path,
				       from < 0 ? dir : "trash");
	for (;;) {
		char unique[17];
		random_name(unique);
		if (renameat2(from, name, trash, unique, RENAME_NOREPLACE) == 0 || errno == ENOENT)
			return true;
		if (errno != EEXIST)
			return error_set_errno(error, "cannot move '%s/%s' to the trash", dir,
					       name);
	}
}

bool store_trash_is_empty(Store *store)
{
	g_auto(GStrv) names = NULL;
	int trash = store_dir(store, "trash");
	if (trash < 0)
		return true;
	names = record_list(trash, NULL);
	return !names || !names[0];
}

bool store_empty_trash(Store *store, GError **error)
{
	int trash = store_dir(store, "trash");
	if (trash < 0)
		return error_set_errno(error, "cannot open '%s/trash'", store->path);
	g_auto(GStrv) names = record_list(trash, error);
	if (!names)
		return false;

	/* One that resists must not keep the others from going. */
	bool done = true;
	for (size_t i = 0; names[i]; i++) {
		if (path_remove_tree(trash, names[i]))
			continue;
		if (done)
			(void)error_set_errno(error, "cannot remove 'trash/%s'", names[i]);
		done = false;
	}
	return done;
}

StoreStage *store_stage_new(Store *store, GError **error)
{
	int staging = store_dir(store, "staging");
	if (staging < 0)
		return error_set_errno_null(error, "cannot open '%s/staging'", store->path);
	g_autoptr(RecordLock) making = record_lock(staging, ".lock", false, -1, "stage", error);
	if (!making)
		return NULL;

	char name[17];
	int made;
	do {
		random_name(name);
		made = mkdirat(staging, name, 0700);
	} while (made < 0 && errno == EEXIST);
	autofd fd = made < 0 ? -1 : path_open_state(staging, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return error_set_errno_null(error, "cannot make 'staging/%s'", name);
	RecordLock *lease = record_lock(fd, "lease", false, 0, "stage", error);
	if (!lease) {
		(void)unlinkat(fd, "lease", 0);
		(void)unlinkat(staging, name, AT_REMOVEDIR);
		return NULL;
	}

	StoreStage *stage = g_new0(StoreStage, 1);
	stage->store = store;
	stage->name = g_strdup(name);
	stage->fd = fd_steal(&fd);
	stage->lease = lease;
	return stage;
}

void store_stage_free(StoreStage *stage)
{
	if (!stage)
		return;
	int staging = store_dir(stage->store, "staging");

	/* All published: what is left is ours and flat. Else it may hold files of sub-uids. */
	(void)path_remove_tree(stage->fd, "pins");
	(void)unlinkat(stage->fd, "lease", 0);
	if (unlinkat(staging, stage->name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		g_autoptr(GError) error = NULL;
		if (!store_trash(stage->store, "staging", stage->name, &error))
			log_debug("%s", error->message);
	}
	record_unlock(stage->lease);
	fd_close(&stage->fd);
	g_free(stage->name);
	g_free(stage);
}

int store_stage_fd(const StoreStage *stage)
{
	return stage->fd;
}

const char *store_stage_name(const StoreStage *stage)
{
	return stage->name;
}

bool store_sweep(Store *store, GError **error)
{
	int staging = store_dir(store, "staging");
	if (staging < 0)
		return error_set_errno(error, "cannot open '%s/staging'", store->path);
	g_auto(GStrv) seen = record_list(staging, error);
	if (!seen)
		return false;
	if (!seen[0])
		return true;

	g_autoptr(RecordLock) sweeping = record_lock(staging, ".lock", false, -1, "sweep", error);
	if (!sweeping)
		return false;
	for (size_t i = 0; seen[i]; i++) {
		autofd fd = path_open_state(staging, seen[i], O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd >= 0 && record_lock_is_held(fd, "lease") != 0)
			continue;
		log_debug("sweeping the dead stage '%s'", seen[i]);
		if (!store_trash(store, "staging", seen[i], error))
			return false;
	}
	return true;
}
