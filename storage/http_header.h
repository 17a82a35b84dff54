/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP header values that a registry client must understand: text in, values out, no I/O.
 *
 * All of them come from the network and are hostile: values beyond HTTP_HEADER_MAX_SIZE are
 * refused.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_HEADER_MAX_SIZE 16384

/* One challenge of WWW-Authenticate: a scheme and its parameters. */
typedef struct {
	char *scheme;       /* lower case: "basic", "bearer" */
	GHashTable *params; /* lower-case name -> value, both owned */
} HttpChallenge;

void http_challenge_free(HttpChallenge *challenge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpChallenge, http_challenge_free)

/**
 * http_challenges_parse() - parse one WWW-Authenticate value, which may hold several challenges
 * @into:	GPtrArray of HttpChallenge that gets what was found
 *
 * Return: false if the value is malformed; what stood before the damage has been added.
 */
bool http_challenges_parse(const char *value, GPtrArray *into);

/** http_challenge_param() - a parameter's value, borrowed; NULL if absent or empty. */
const char *http_challenge_param(const HttpChallenge *challenge, const char *name);

/**
 * http_retry_after_parse() - seconds that a Retry-After asks to wait
 * @value:	seconds, or an HTTP date
 * @date:	the response's own Date, against which a date is taken (clocks differ); NULL: @now
 * @now:	Unix time of our clock
 *
 * Return: seconds >= 0, or -1 if the value makes no sense.
 */
int64_t http_retry_after_parse(const char *value, const char *date, int64_t now);

/** http_date_parse() - the three forms of an HTTP date (RFC 9110, 5.6.7). Return: Unix time, -1 if
 * it is none. */
int64_t http_date_parse(const char *text);

/**
 * http_content_range_parse() - "bytes FIRST-LAST/TOTAL"
 * @out_total:	-1 for "*"
 * Return: false if it is anything else, or contradicts itself.
 */
bool http_content_range_parse(const char *value, int64_t *out_first, int64_t *out_last,
			      int64_t *out_total);

/** http_media_type() - a Content-Type without parameters, lower case, "" if malformed. g_free() it.
 */
char *http_media_type(const char *value);

/** http_link_next() - target of the rel="next" link of a Link value, NULL if there is none.
 * g_free() it. */
char *http_link_next(const char *value);
