/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes manifests of a project.
 *
 *   service          Deployment; StatefulSet if it has a volume, DaemonSet if it is global, Job if
 *                    others wait for its end; a headless Service for its name and each alias, so
 *                    that peers reach all its ports as they do now
 *   ports            a Service NAME-published of type LoadBalancer
 *   volumes          PersistentVolumeClaim; tmpfs: emptyDir in memory
 *   configs, secrets ConfigMap, Secret with what they hold now; a file that is bound, likewise
 *   healthcheck      readinessProbe: compose does not restart what is unhealthy
 */
#pragma once

#include "cmd/compose/compose_export.h"

/** export_kube() - the manifests, in the order in which they are to be made; GPtrArray of Node. */
GPtrArray *export_kube(ComposeExport *export, GError **error);

/* One export on its way. */
typedef struct {
	ComposeExport *export;
	const char *project; /* its name, as a label takes it */
	GPtrArray *objects;  /* of Node */
	GHashTable *named;   /* "Kind/name" of what is there */
} Kube;

/* One service's pods. */
typedef struct {
	Kube *kube;
	const NodeEntry *service;
	char *path;     /* "services.web" */
	char *name;     /* of its objects */
	Node *template; /* of the pods: metadata and spec; belongs to the workload */
	Node *pod;      /* its spec */
	Node *container;
} KubePod;

/** kube_name() - @text as a name that DNS takes; what is too long ends in a digest of the whole.
 * g_free() it. */
char *kube_name(const char *text);

/** KubeTaken - has something else of the project this name? */
typedef bool (*KubeTaken)(const KubePod *pod, const char *name);

/** kube_name_beside() - a name for what a service has beside its own: "web-SUFFIX", with a digest
 * where that is taken. g_free() it. */
char *kube_name_beside(const KubePod *pod, const char *suffix, KubeTaken is_taken);

/** kube_object() - a new object with labels; NULL if there is one of its kind and name. Borrowed.
 */
Node *kube_object(Kube *kube, const char *version, const char *kind, const char *name,
		  const char *service);

/** kube_list_add() - a new map at the end of the list at @key. Borrowed. */
Node *kube_list_add(Node *map, const char *key);

/** kube_set_int(), kube_set_bool() - a value of a map. */
void kube_set_int(Node *map, const char *key, int64_t value);
void kube_set_bool(Node *map, const char *key, bool value);

/** kube_note() - what a service says and pods cannot. */
void kube_note(KubePod *pod, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** kube_pod_fill() - the container and the pod of a service. @error: a file cannot be read. */
bool kube_pod_fill(KubePod *pod, GError **error);

/** kube_pod_mounts() - volumes, tmpfs, configs and secrets of a service. Part of
 * kube_pod_fill(). */
bool kube_pod_mounts(KubePod *pod, GError **error);

/** kube_claims() - a claim for each volume of the project. */
void kube_claims(Kube *kube);

/** kube_data() - a ConfigMap or Secret that holds one file. @key: of the file in it. */
void kube_data(Kube *kube, const char *kind, const char *name, const char *key, const char *data,
	       gsize size);

/** kube_services() - what gives a service its names and published ports. */
void kube_services(KubePod *pod);
