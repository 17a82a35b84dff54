/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers: what the files of the container family share.
 */
#pragma once

#include "libpod/base/record.h"
#include "libpod/container.h"
#include "network/attachment.h"

#define CONTAINER_NEEDED "needed" /* in its directory: another was made that depends on it */

/* Parts of a spec that `update` replaces as a whole. */
typedef enum {
	CONTAINER_UPDATED_ENV = 1 << 0,
	CONTAINER_UPDATED_ULIMITS = 1 << 1,
	CONTAINER_UPDATED_HEALTH = 1 << 2,
} ContainerUpdated;

/* A stop that was asked for and not waited for yet. */
typedef struct {
	bool begun;
	bool killed; /* SIGKILL was the first signal */
	int signum;
	int timeout_ms; /* until SIGKILL; -1: for ever */
	int64_t since;  /* monotonic us */
} StopBegun;

struct Container {
	Engine *engine; /* borrowed */
	char *dir_name; /* "ID" or "ID.rm" below containers/ */
	int dir_fd;     /* -1 until needed */
	int run_fd;     /* -1 until needed */
	ContainerSummary summary;
	ContainerState recorded; /* what state.json says by itself */
	bool end_told;           /* the event of its end is written: by the monitor */
	bool state_is_lost;      /* state.json is damaged: the summary is made from create.json */
	ContainerSpec *spec;     /* NULL until needed */
	unsigned updated;        /* ContainerUpdated: what `update` has replaced in it */
	unsigned long long pid_start;
	unsigned long long monitor_start;
	StopBegun stop;
};

/** container_is_live() - has it a monitor, by its summary? */
static inline bool container_is_live(const Container *ctr)
{
	return container_summary_is_live(&ctr->summary);
}

/** container_open() - load the record in directory @dir_name ("ID", "ID.rm"). NULL with NOT_FOUND
 * or CORRUPT. */
Container *container_open(Engine *engine, const char *dir_name, GError **error);

/* What the mounts of a spec become, parallel to them; see OciBuildContext. */
typedef struct {
	char **paths;
	bool *copy_up;
	char ***options;
	guint n;
} ContainerMounts;

void container_mounts_clear(ContainerMounts *mounts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ContainerMounts, container_mounts_clear)

/** container_find_mounts() - look all of them up; images get a layer in the container's directory.
 */
bool container_find_mounts(Container *ctr, const ContainerSpec *spec, ContainerMounts *out,
			   GError **error);

/**
 * container_open_secrets() - the bytes of all its secrets in a memfd, their places in @config
 * @given:	of those that come with the start, in their order; NULL without any
 *
 * Nobody but the monitor and init reads it. Return: /dev/null without any; -1 with @error.
 */
int container_open_secrets(Container *ctr, const ContainerSpec *spec, GBytes *const *given,
			   OciConfig *config, GError **error);

/** container_apply_update() - put what `update` recorded over the spec of create.json. */
bool container_apply_update(Container *ctr, ContainerSpec *spec, GError **error);

/** container_save_state() - write state.json from the summary. */
bool container_save_state(Container *ctr, GError **error);

/** container_new_summary_json() - state.json's text. js_unref() it. */
Json *container_state_to_json(const ContainerSummary *summary);

/* In a stage: the new container's directory, until it is renamed into its place. */
#define CONTAINER_STAGED "container"

/**
 * container_name_volumes() - give the anonymous volumes of a new container their names, and the
 * summary what it shows of all
 *
 * Return: the new names; g_strfreev() it.
 */
char **container_name_volumes(ContainerSpec *spec, ContainerSummary *summary);
/** container_list_volumes() - say in the stage which volumes are only this container's. */
bool container_list_volumes(StoreStage *stage, char *const *anonymous, GError **error);
/** container_make_volumes() - make those of its volumes that do not exist. */
bool container_make_volumes(Engine *engine, const ContainerSpec *spec, char *const *anonymous,
			    GError **error);
/** container_undo_volumes() - remove those that were made, unless a container uses them. */
void container_undo_volumes(Engine *engine, char *const *anonymous);
/** container_condemn_volumes() - list the anonymous ones of @names in a stage: if we are killed
 * before they are gone, whoever sweeps it removes them. Return: NULL if there are none, or no stage
 * (a full disk keeps nobody from removing). */
StoreStage *container_condemn_volumes(Engine *engine, char *const *names);
/** container_heal_volumes() - of a dead stage: container_undo_volumes() of what it lists. */
void container_heal_volumes(Engine *engine, const char *stage);

/** container_lock() - take the op lock (made when absent); @timeout_ms as record_lock(). */
RecordLock *container_lock(Container *ctr, int timeout_ms, const char *operation, GError **error);

/** container_lock_life() - under the op lock, of a container that does not run: take its life lock.
 * An ending monitor still has the overlay, and two on the same upper may not be: with @wait it is
 * waited for, else that is IN_USE. */
RecordLock *container_lock_life(Container *ctr, bool wait, const char *operation, GError **error);

/** container_read_init() - the init that run.json names, pid 0 between two runs; false: there is no
 * such record. */
bool container_read_init(Container *ctr, pid_t *out_pid, unsigned long long *out_start);

/** container_life_is_held() - does a monitor hold the life lock? */
bool container_life_is_held(Container *ctr);

/** container_settle() - under the lock: an ended container's exit goes from exit.json into
 * state.json, its runtime directory goes unless its monitor is still ending. */
bool container_settle(Container *ctr, GError **error);

/** container_discard() - under the lock: take record, name and runtime directory away; the trash is
 * not emptied. */
bool container_discard(Container *ctr, GError **error);

/** container_discard_with_volumes() - container_discard(), with its anonymous volumes if @volumes
 * and the image that it asked to be removed; under the lock. */
bool container_discard_with_volumes(Container *ctr, bool volumes, GError **error);

/** container_find_dir_name() - the directory of @id: "ID" or "ID.rm"; NULL if there is neither.
 * g_free() it. */
char *container_find_dir_name(Engine *engine, const char *id);

/** container_pod_of_member() - the name of the pod whose exit policy may ask for something now;
 * NULL: none. g_free() it. */
char *container_pod_of_member(const ContainerSummary *s);

/** container_remove_runtime() - remove the runtime directory of a container that has ended, and the
 * cgroup that it names. Return: false with errno. */
bool container_remove_runtime(Engine *engine, const char *id);

/** container_drop_runtime() - the same, of a container that does not run, under its op lock: unless
 * its monitor is still ending. The next start waits for that one's life lock, and its own clean-up
 * takes the directory away. Return: false with errno. */
bool container_drop_runtime(Container *ctr);

/**
 * container_prepare_root() - under the lock, of a container that does not run: its layer's
 * directories, and the options of its overlay
 *
 * Return: g_strfreev() it; NULL without @error with a plain --rootfs.
 */
char **container_prepare_root(Container *ctr, const ContainerSpec *spec, GError **error);

/** container_apply_networks() - put the networks of networks.json, if it is there, into the spec.
 */
bool container_apply_networks(Container *ctr, ContainerSpec *spec, GError **error);
/** container_networks_of() - the summary's form of a request's networks. */
GPtrArray *container_networks_of(const NetworkRequest *request);

/** container_network_request() - the spec's request with what a start must know of its named
 * network. NOT_FOUND if that is gone. */
NetworkRequest *container_network_request(Container *ctr, const ContainerSpec *spec,
					  GError **error);

/** container_prepare_layer() - upper/ and work/ of its layer, fit for the next mount. */
bool container_prepare_layer(Container *ctr, const ContainerSpec *spec, GError **error);
/** container_plan_overlay() - the options of the overlay at "/"; with a plain --rootfs *out stays
 * NULL. */
bool container_plan_overlay(Container *ctr, const ContainerSpec *spec, char ***out, GError **error);
/** container_write_files() - hosts, resolv.conf and their like, in the runtime directory. */
bool container_write_files(Container *ctr, const ContainerSpec *spec, const NetworkRequest *network,
			   GError **error);
/** container_network_files() - where its hosts and resolv.conf lie, if they are those of the pod
 * whose network it is in; else NULL. g_free() it. */
char *container_network_files(const Container *ctr, const ContainerSpec *spec);
/** container_add_to_pod_hosts() - the pod's hosts file knows its members by name. */
bool container_add_to_pod_hosts(Container *ctr, const ContainerSpec *spec, GError **error);
/** container_write_resolv() - its resolv.conf in the runtime directory, which is bound into it. */
bool container_write_resolv(Container *ctr, const ContainerSpec *spec,
			    const NetworkRequest *network, GError **error);

/**
 * container_unlink_name() - remove the link @name in the directory @names if it leads to the
 * container
 *
 * @name: or NULL: nothing happens
 *
 * The lock of the names is held.
 */
void container_unlink_name(int names, const char *name, const char *id);

/** container_dir() - container_dir_fd() with an @error: NOT_FOUND if it was removed meanwhile. */
int container_dir(Container *ctr, GError **error);

/** container_wait_exit() - wait for the end of its monitor. 1 ended, 0 timed out, -1 with @error.
 */
int container_wait_exit(Container *ctr, int timeout_ms, GError **error);

void container_summary_clear(ContainerSummary *summary);
