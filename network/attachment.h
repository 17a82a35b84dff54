/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's place on a named network: what was asked for, and at a start what its monitor must
 * know.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "libpod/base/json.h"
#include "network/network.h"

typedef struct NetworkAttachment {
	char *name;        /* of the network */
	char *ip, *ip6;    /* asked for, or NULL */
	char *mac;         /* asked for, or NULL */
	char *interface;   /* in the container; NULL: the first ethN that is free */
	char **aliases;    /* at a start all names of the container; or NULL */
	char **links;      /* "NAME:ALIAS": what the container alone calls NAME; or NULL */
	char **dns;        /* at a start: --dns, asked in place of the network's servers; or NULL */
	NetworkPlan *plan; /* at a start, else NULL */
} NetworkAttachment;

/** attachment_new() - nothing asked for; @name may be NULL for now. */
NetworkAttachment *attachment_new(const char *name);
void attachment_free(NetworkAttachment *attachment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkAttachment, attachment_free)

/** attachments_find() - that of a network, borrowed; NULL if there is none. */
NetworkAttachment *attachments_find(const GPtrArray *attachments, const char *name);
/** attachments_names() - the networks' names. g_strfreev() it. */
char **attachments_names(const GPtrArray *attachments);
/** attachments_name_interfaces() - give those without one the first ethN that no other has. */
void attachments_name_interfaces(GPtrArray *attachments);

/** attachment_set_ip(), attachment_set_mac(), attachment_add_alias() - --ip and --ip6,
 * --mac-address and --network-alias. INVALID in podman's words. */
bool attachment_set_ip(NetworkAttachment *attachment, const char *text, GError **error);
bool attachment_set_mac(NetworkAttachment *attachment, const char *text, GError **error);
bool attachment_add_alias(NetworkAttachment *attachment, const char *text, GError **error);
/** attachment_add_link() - "NAME:ALIAS": the container, and nobody else, finds whoever answers to
 * NAME on this network as ALIAS, too. INVALID. */
bool attachment_add_link(NetworkAttachment *attachment, const char *text, GError **error);
/** attachment_parse_options() - "ip=...,ip6=...,mac=...,alias=...,link=...,interface_name=...".
 * INVALID. */
bool attachment_parse_options(NetworkAttachment *attachment, const char *text, GError **error);

/** attachment_to_json() / attachment_from_json() - as requests and records have it. */
Json *attachment_to_json(const NetworkAttachment *attachment);
NetworkAttachment *attachment_from_json(Json *json, GError **error);
/** attachments_to_json() / attachments_from_json() - an array of them; from_json: NULL gives an
 * empty one. */
Json *attachments_to_json(const GPtrArray *attachments);
GPtrArray *attachments_from_json(Json *array, GError **error);
