/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What registry.c (requests and their retries), registry_auth.c (tokens), registry_api.c (what is
 * asked for), registry_push.c (what is sent) and registry_search.c share.
 */
#pragma once

#include "storage/registry.h"

struct RegistrySession {
	const RegistriesConf *conf; /* borrowed */
	RegistryOptions options;
	HttpClient *http;
	GHashTable *tls;        /* host -> HttpTls, what was looked up so far */
	GHashTable *registries; /* hosts that are registries, to their names as they were written:
				   --cert-dir and --tls-verify are for them */
};

typedef enum {
	REGISTRY_AUTH_NONE,
	REGISTRY_AUTH_BASIC,
	REGISTRY_AUTH_BEARER,
} RegistryAuthKind;

struct Registry {
	RegistrySession *session;
	char *name;        /* host/repository, as the user knows it */
	char *host;        /* host that is connected to */
	char *repository;  /* "" at a login */
	bool is_pushed_to; /* tokens are asked for with the right to push */
	bool is_searched;  /* tokens are asked for with the right to read the catalogue */
	char **sources;    /* repositories that blobs are mounted from; NULL: none */
	bool is_insecure;
	bool is_plain;     /* found to speak plain HTTP */
	bool has_answered; /* it exists and speaks HTTP */
	char *peer;        /* its address, NULL if unknown */

	Credentials *credentials; /* NULL: none */
	RegistryAuthKind auth;
	char *authorization; /* header value in force */
	unsigned generation; /* counts the tokens */
	gint64 token_expiry; /* monotonic microseconds, 0: unknown */
	char *realm;         /* of the Bearer challenge */
	char *service;
	char *foreign_realm; /* origin of a realm elsewhere that is not known to be theirs */
	bool withheld;       /* our credentials were not sent there */
	bool is_refused;     /* they were sent and not accepted */
};

/** registry_url() - "scheme://host/v2/PATH". g_free() it. */
char *registry_url(const Registry *registry, const char *path);

/**
 * registry_authenticate() - answer a 401
 * @generation:	the token that was refused; if there is a newer one already, nothing is asked for
 */
bool registry_authenticate(Registry *registry, const HttpResponse *refused, unsigned generation,
			   GError **error);

/** registry_take_token() - put a token server's answer in force, for as long as it says, a minute
 * at least. INVALID. */
bool registry_take_token(Registry *registry, const HttpResponse *response, GError **error);

/** registry_refresh() - fetch a new token if the one in force is known to have expired. */
bool registry_refresh(Registry *registry, GError **error);

/** registry_request() - GET or HEAD below the API with authentication and retries; any final
 * status. */
HttpResponse *registry_request(Registry *registry, const HttpRequest *request, GError **error);

/** registry_send() - one request with retries but without authentication (the token server's). */
HttpResponse *registry_send(Registry *registry, const HttpRequest *request, GError **error);

/** registry_set_status_error() - an error for an answer that is not a success. Return: false. */
bool registry_set_status_error(const Registry *registry, const HttpResponse *response,
			       const char *what, GError **error);

/** registry_status_is_temporary() - 429 and the 5xx worth another try. */
bool registry_status_is_temporary(int status);

/** registry_retry_after() - seconds an answer asks to wait, -1 if it does not. */
int64_t registry_retry_after(const HttpResponse *response);

/** registry_notice() - tell the user something about an attempt. */
void registry_notice(const Registry *registry, const char *format, ...) G_GNUC_PRINTF(2, 3);
