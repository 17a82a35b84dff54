/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What http.c (client and transfers), http_body.c, http_tls.c, http_url.c (URLs, addresses) and
 * http_proxy.c share.
 */
#pragma once

#include <sys/socket.h>

#include "storage/http.h"

typedef enum {
	HTTP_ADDRESS_PUBLIC,
	HTTP_ADDRESS_PRIVATE, /* a site's own network */
	HTTP_ADDRESS_LOCAL,   /* loopback, link-local (metadata services), multicast, unspecified */
} HttpAddressKind;

/** http_address_kind() - what an IP address is; anything that is not IP counts as local. */
HttpAddressKind http_address_kind(const struct sockaddr *address);

/** http_url_is_clean() - an http or https URL without user name, white space or backslashes. */
bool http_url_is_clean(const char *text);

/** http_url_address_kind() - what the host of a URL is if it is written as an address or says
 * "localhost"; public for other names. */
HttpAddressKind http_url_address_kind(const char *text);

/** http_proxy_is_at() - does a proxy variable of the environment lead to this address and port? */
bool http_proxy_is_at(const struct sockaddr *address);

/** http_tls_apply() - set all that TLS needs on a CURL handle; @tls NULL: the system's authorities.
 */
void http_tls_apply(void *easy, const HttpTls *tls);

/* The body of one transfer on its way out (http_body.c). */
typedef struct HttpUpload HttpUpload;

/** http_upload_new() - copies @body's strings. */
HttpUpload *http_upload_new(const HttpBody *body);
void http_upload_free(HttpUpload *upload);

/**
 * http_upload_apply() - set all that a body needs on a CURL handle
 * @patience:	seconds without progress that are granted once all bytes are out
 */
void http_upload_apply(HttpUpload *upload, void *easy, const char *method, long patience);

/** http_upload_body() - its description, borrowed. */
const HttpBody *http_upload_body(const HttpUpload *upload);

/** http_upload_sent() - bytes that libcurl has taken. */
int64_t http_upload_sent(const HttpUpload *upload);

/** http_upload_check() - could all bytes be read that were asked for? */
bool http_upload_check(const HttpUpload *upload, GError **error);
