/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry API v2 (OCI distribution-spec 1.1). Runs in skiff-fetch.
 *
 * A RegistrySession is one command's connections and settings; a Registry is one repository at one
 * place (a mirror or the real one) with what it wants for authentication. Small answers are fetched
 * with retries; blobs are streamed by the caller, who owns their retries (storage/pull).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/auth.h"
#include "storage/http.h"
#include "storage/registries_conf.h"

typedef struct RegistrySession RegistrySession;
typedef struct Registry Registry;

typedef struct {
	AuthSources auth;
	const Credentials
		*credentials; /* --creds: for the registries that are no mirrors; or NULL */
	int tls_verify;       /* --tls-verify: 1, 0, or -1 for what registries.conf says */
	const char *cert_dir; /* --cert-dir, or NULL */
	int retries; /* further attempts after the first; -1: 3, and none at a first contact */
	int64_t retry_delay_ms; /* -1: 1 s, doubling */
	int stall_seconds;      /* 0: 20 */
	const int *cancelled;   /* see HttpClientOptions */
	bool is_login;          /* the user stands by: a token server elsewhere may be accepted */
	void (*notice)(const char *text, void *data); /* "retrying in 2 s: ..."; may be NULL */
	void *notice_data;
} RegistryOptions;

/** registry_session_new() - @conf and all of @options are borrowed for the session's life. */
RegistrySession *registry_session_new(const RegistriesConf *conf, const RegistryOptions *options);
void registry_session_free(RegistrySession *session); /* after its registries */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistrySession, registry_session_free)

/** registry_session_http() - the client behind it, borrowed. */
HttpClient *registry_session_http(RegistrySession *session);

/** registry_session_wait() - let transfers run for @ms. CANCELLED. */
bool registry_session_wait(RegistrySession *session, int64_t ms, GError **error);

/** registry_open() - a repository at @source; looks up credentials, connects to nothing yet. */
Registry *registry_open(RegistrySession *session, const RegistrySource *source, GError **error);
void registry_free(Registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Registry, registry_free)

/** registry_name() - "host/repository" for messages, borrowed. */
const char *registry_name(const Registry *registry);

/** registry_host() - the host that is connected to, borrowed. */
const char *registry_host(const Registry *registry);

/** registry_has_credentials() - did we find any for it? */
bool registry_has_credentials(const Registry *registry);

/** registry_check_login() - do our credentials open the API? DENIED if not. */
bool registry_check_login(Registry *registry, GError **error);

/** registry_realm() - origin of a token server elsewhere, not known to be the registry's, that
 * login met; borrowed; NULL if none. */
const char *registry_realm(const Registry *registry);

typedef struct {
	GString *body;      /* raw bytes */
	char *content_type; /* NULL if none was sent */
	char *digest;       /* of the bytes, computed here */
} RegistryDocument;

void registry_document_free(RegistryDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistryDocument, registry_document_free)

/**
 * registry_get_manifest() - a manifest by tag or digest
 * @error:	NOT_FOUND, DENIED, CORRUPT if the bytes are not what the digest (asked for or sent
 * along) says
 */
RegistryDocument *registry_get_manifest(Registry *registry, const char *tag_or_digest,
					GError **error);

/** registry_head_digest() - the digest a tag has now, by HEAD; NULL without @error if the registry
 * does not say. */
char *registry_head_digest(Registry *registry, const char *tag, GError **error);

/** registry_get_blob() - a small blob (an image config), checked against digest and size. */
GString *registry_get_blob(Registry *registry, const char *digest, int64_t size, GError **error);

/** registry_list_tags() - all tags. g_strfreev() it. */
char **registry_list_tags(Registry *registry, GError **error);

/** registry_start_blob() - begin to stream a blob from byte @offset on. */
HttpTransfer *registry_start_blob(Registry *registry, const char *digest, int64_t offset,
				  HttpSink sink, void *data, unsigned *out_generation,
				  GError **error);

typedef enum {
	REGISTRY_BLOB_COMPLETE, /* the whole answer came: is it enough? */
	REGISTRY_BLOB_AGAIN,    /* after *out_delay_ms */
	REGISTRY_BLOB_FAILED,   /* with @error */
} RegistryBlobEnd;

/* What has been tried for one request. */
typedef struct {
	int failures; /* attempts without progress */
	int auth_failures;
	bool no_range; /* the server answered 416: ask for the whole next time */
} RegistryAttempts;

/**
 * registry_backoff() - may it be tried again after this failure, and when?
 * @retry_after:	seconds the registry asked to wait, -1 if it did not
 */
bool registry_backoff(const Registry *registry, RegistryAttempts *attempts, int64_t retry_after,
		      bool is_first_contact, int64_t *out_delay_ms);

/**
 * registry_end_blob() - judge a finished transfer
 * @generation:	what registry_start_blob() gave: which token it was started with
 */
RegistryBlobEnd registry_end_blob(Registry *registry, HttpTransfer *transfer, unsigned generation,
				  RegistryAttempts *attempts, int64_t *out_delay_ms,
				  GError **error);

/**
 * registry_open_push() - first contact of a push: finds how to reach the registry and what it wants
 * @sources:	repositories that blobs may be mounted from; copied; may be NULL
 */
bool registry_open_push(Registry *registry, const char *const *sources, GError **error);

/* A request about an upload. */
typedef struct {
	const char *method;
	const char *path; /* below the repository; or ... */
	const char *url;  /* ... a Location: credentials go there only if it is the registry's */
	const HttpBody *body;  /* or NULL */
	bool follow_redirects; /* of a HEAD */
} RegistryUploadRequest;

/** registry_start_upload() - begin it. @out_generation: as registry_start_blob(). */
HttpTransfer *registry_start_upload(Registry *registry, const RegistryUploadRequest *request,
				    unsigned *out_generation, GError **error);

/**
 * registry_end_upload() - judge a finished transfer
 * @what:	for messages: "writing blob"
 *
 * Return: REGISTRY_BLOB_COMPLETE for an answer that is for the caller to judge: any status but 401
 * and those of temporary trouble.
 */
RegistryBlobEnd registry_end_upload(Registry *registry, HttpTransfer *transfer, unsigned generation,
				    const char *what, RegistryAttempts *attempts,
				    int64_t *out_delay_ms, GError **error);

/** registry_fail_upload() - an error for an answer that is not a success. Return: false. */
bool registry_fail_upload(const Registry *registry, const HttpResponse *response, const char *what,
			  GError **error);

/**
 * registry_check_digest() - is what the registry says it has got what we sent?
 * @error:	CORRUPT
 */
bool registry_check_digest(const Registry *registry, const HttpResponse *response,
			   const char *digest, GError **error);

/** registry_put_manifest() - send a manifest under a tag or its digest. */
bool registry_put_manifest(Registry *registry, const char *tag_or_digest, const char *media_type,
			   const char *text, size_t size, GError **error);

/* A repository that a search has found. */
typedef struct {
	char *name; /* "team/app", checked */
	char *description;
	int64_t stars;
	bool is_official;
	bool is_automated;
} RegistryFound;

void registry_found_free(RegistryFound *found);

/**
 * registry_search() - repositories for a word, by the old search API or the catalogue
 * @registry:	of the repository ""
 * Return: GPtrArray of RegistryFound, at most @limit.
 */
GPtrArray *registry_search(Registry *registry, const char *term, size_t limit, GError **error);

/** registry_text() - a text of a registry, cut and cleaned of control characters. g_free() it. */
char *registry_text(const char *text, size_t size);
