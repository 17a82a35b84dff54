/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for a registry client: libcurl's multi interface with our own rules on top.
 *
 * Redirects are followed here: Authorization goes only to the origin (scheme, host, port) that the
 * request was made for and never comes back after one hop elsewhere; HTTPS never leads to HTTP;
 * user names in a Location are refused (security R13). TLS settings are looked up per host and are
 * not inherited by a redirect's host. HTTP/1.1 only. A transfer below 1 KiB/s for stall_seconds has
 * failed.
 *
 * One thread owns a client and all its transfers; http_client_wake() alone may be called by others.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct HttpClient HttpClient;
typedef struct HttpTransfer HttpTransfer;

/* How to talk TLS to one host. */
typedef struct {
	bool verify;     /* false: certificates are not checked */
	char *ca_pem;    /* further authorities, PEM, or NULL */
	char *cert_path; /* client certificate, or NULL */
	char *key_path;
} HttpTls;

void http_tls_free(HttpTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpTls, http_tls_free)

/* The settings for "host" or "host:port", borrowed; NULL with @error. */
typedef const HttpTls *(*HttpTlsLookup)(const char *host, void *data, GError **error);

typedef struct {
	HttpTlsLookup tls_lookup; /* NULL: system authorities for all */
	void *tls_data;
	int stall_seconds;    /* 0: 20 */
	int connect_seconds;  /* 0: 20 */
	const int *cancelled; /* set to non-zero (by a signal handler) to end everything; may be
				 NULL */
} HttpClientOptions;

/** http_client_new() - a client without connections; @options is copied. */
HttpClient *http_client_new(const HttpClientOptions *options);
void http_client_free(HttpClient *client); /* frees what is still running */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpClient, http_client_free)

/** http_client_run() - move all transfers on, waiting at most @timeout_ms. CANCELLED. */
bool http_client_run(HttpClient *client, int timeout_ms, GError **error);

/** http_client_wake() - end a wait of http_client_run(); from any thread. */
void http_client_wake(HttpClient *client);

typedef struct {
	int status;         /* 0: no answer came */
	GPtrArray *headers; /* "name" (lower case), "value", alternating */
	GString *body;      /* unless it went to a sink */
	char *url;          /* the last hop's */
	char *peer;         /* connected address of the first hop, NULL if unknown */
} HttpResponse;

/** http_response_header() - first value of a header (lower-case name), borrowed; NULL if absent. */
const char *http_response_header(const HttpResponse *response, const char *name);
void http_response_free(HttpResponse *response);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpResponse, http_response_free)

typedef enum {
	HTTP_SINK_TOOK,
	HTTP_SINK_FULL, /* keep it, pause, until http_transfer_resume() */
	HTTP_SINK_STOP, /* end the transfer */
} HttpSinkResult;

/* Receives the body of a 200 or 206 answer; other answers' bodies go to the response. */
typedef HttpSinkResult (*HttpSink)(const HttpResponse *head, const void *data, size_t size,
				   void *user);

/* What a POST, PATCH or PUT carries. */
typedef struct {
	const char *content_type;  /* or NULL */
	const char *content_range; /* "FIRST-LAST", or NULL */
	const void *data;          /* borrowed for the life of the transfer; NULL: from @fd */
	int fd;                    /* borrowed likewise */
	int64_t offset;            /* where in the file it begins */
	int64_t size;              /* may be 0 */
} HttpBody;

typedef struct {
	const char *url;
	const char *method; /* NULL: GET */
	const char *accept; /* NULL: any */
	const char
		*authorization; /* value of the header, only for the origin of @url; may be NULL */
	const char *form;       /* body of a POST, urlencoded; may be NULL */
	const HttpBody *body;   /* of another method; may be NULL. Only its strings are copied */
	int stall_seconds;      /* 0: the client's */
	int64_t range_first;    /* > 0: ask for the bytes from there on */
	int max_redirects;      /* 0: an answer 3xx is an answer */
	bool refuse_private_address; /* DENIED if it connects to a private, local or loopback
					address */
	bool refuse_local_address;   /* DENIED for loopback and link-local ones only */
	size_t max_body;             /* INVALID if the body (without sink) is larger; 0: 1 MiB */
	int total_seconds;           /* whole transfer, 0: no limit */
	HttpSink sink;               /* or NULL */
	void *sink_data;
} HttpRequest;

/**
 * http_start() - start a transfer; all strings of @request are copied
 * @error:	INVALID for a malformed URL
 */
HttpTransfer *http_start(HttpClient *client, const HttpRequest *request, GError **error);

/** http_transfer_sent() - bytes of the body that have gone out so far. */
int64_t http_transfer_sent(const HttpTransfer *transfer);

/** http_transfer_done() - has it ended, one way or the other? */
bool http_transfer_done(const HttpTransfer *transfer);

/** http_transfer_resume() - the sink has room again. */
void http_transfer_resume(HttpTransfer *transfer);

/** http_transfer_response() - what was answered so far, borrowed. */
const HttpResponse *http_transfer_response(const HttpTransfer *transfer);

/**
 * http_transfer_check() - did a finished transfer get a whole answer (of any status)?
 * @error:	UNREACHABLE if trying again may help; DENIED, INVALID, CORRUPT or CANCELLED if not
 */
bool http_transfer_check(const HttpTransfer *transfer, GError **error);

/** http_transfer_free() - also ends it. */
void http_transfer_free(HttpTransfer *transfer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpTransfer, http_transfer_free)

/** http_fetch() - start, run the client until it has ended, check. Other transfers move on
 * meanwhile. */
HttpResponse *http_fetch(HttpClient *client, const HttpRequest *request, GError **error);

/** http_origin() - "scheme://host:port" of a URL, the port always there. NULL if it is not http(s).
 * g_free() it. */
char *http_origin(const char *url);

/** http_host() - "host" or "host:port" of a URL, lower case. g_free() it. */
char *http_host(const char *text);

/** http_url_join() - resolve a Location or Link against a URL. NULL if that makes no http(s) URL.
 * g_free() it. */
char *http_url_join(const char *base, const char *relative);

/** http_escape() - percent-encode for a query. g_free() it. */
char *http_escape(const char *text);

/** http_address_is_private() - loopback, link-local, private, unspecified, multicast or mapped ones
 * of these. */
bool http_address_is_private(const char *address);
