/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-fetch download --url-fd N --report-fd N [--max-size BYTES]: the file behind a URL to
 * standard output, which is a file. How it ended is one line of JSON: {"ok":true,"mtime":N} or
 * {"error":CODE,"message":TEXT}.
 */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/fetch/cancel.h"
#include "cmd/fetch/fetch_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/json.h"
#include "libpod/base/units.h"
#include "storage/fetch.h"
#include "storage/http.h"

#define TRIES     3
#define REDIRECTS 10
#define BYTES_MAX (UINT64_C(64) << 30)

/* A body on its way to the file. */
typedef struct {
	uint64_t size, max_size;
	int failure; /* errno; EFBIG: it does not end */
} Body;

static HttpSinkResult write_body(const HttpResponse *head, const void *data, size_t size,
				 void *user)
{
	Body *body = user;
	body->size += size;
	if (body->size > body->max_size)
		body->failure = EFBIG;
	else if (!fd_write_all(STDOUT_FILENO, data, size))
		body->failure = errno;
	return body->failure ? HTTP_SINK_STOP : HTTP_SINK_TOOK;
}

/* What a status other than 200 means. */
static bool check_status(int status, const char *shown, GError **error)
{
	if (status == 200)
		return true;
	ErrorCode code = status == 404 || status == 410   ? ENGINE_ERROR_NOT_FOUND
			 : status == 401 || status == 403 ? ENGINE_ERROR_DENIED
							  : ENGINE_ERROR_UNREACHABLE;
	return error_set(error, code, "invalid response status %d of '%s'", status, shown);
}

/* "user:password@" of a URL as the header that says it; NULL without. */
static char *basic_authorization(const char *url)
{
	const char *start = strstr(url, "://");
	size_t size = start ? strcspn(start + 3, "/?#") : 0;
	const char *at = start ? memrchr(start + 3, '@', size) : NULL;
	if (!at)
		return NULL;
	g_autofree char *encoded = g_strndup(start + 3, (size_t)(at - start - 3));
	g_autofree char *pair = g_uri_unescape_string(encoded, NULL);
	const char *plain = pair ? pair : encoded;
	g_autofree char *code = g_base64_encode((const guchar *)plain, strlen(plain));
	return g_strconcat("Basic ", code, NULL);
}

/* One attempt, from the file's start. */
static bool download(HttpClient *client, const char *url, uint64_t max_size, int64_t *out_mtime,
		     GError **error)
{
	Body body = {.max_size = max_size};
	g_autofree char *shown = fetch_url_shown(url);
	g_autofree char *authorization = basic_authorization(url);
	const HttpRequest request = {
		.url = shown,
		.authorization = authorization,
		.max_redirects = REDIRECTS,
		.sink = write_body,
		.sink_data = &body,
	};
	if (lseek(STDOUT_FILENO, 0, SEEK_SET) < 0 || ftruncate(STDOUT_FILENO, 0) < 0)
		return error_set_errno(error, "cannot write the download");
	g_autoptr(HttpResponse) response = http_fetch(client, &request, error);
	if (body.failure)
		g_clear_error(error);
	if (body.failure == EFBIG)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "'%s' is larger than %" G_GUINT64_FORMAT " bytes", shown,
				 max_size);
	if (body.failure) {
		errno = body.failure;
		return error_set_errno(error, "cannot keep '%s'", shown);
	}
	if (!response || !check_status(response->status, shown, error))
		return false;
	const char *modified = http_response_header(response, "last-modified");
	time_t when = modified ? curl_getdate(modified, NULL) : -1;
	*out_mtime = when >= 0 ? (int64_t)when : -1;
	return true;
}

/* What may be over in a moment is tried again. */
static bool download_patiently(const char *url, uint64_t max_size, int64_t *out_mtime,
			       GError **error)
{
	const int *cancelled = cancel_on_signals();
	const HttpClientOptions options = {.cancelled = cancelled};
	g_autoptr(HttpClient) client = http_client_new(&options);
	for (unsigned try = 1;; try++) {
		g_autoptr(GError) failed = NULL;
		if (download(client, url, max_size, out_mtime, &failed))
			return true;
		if (try == TRIES || *cancelled ||
		    !error_matches(failed, ENGINE_ERROR_UNREACHABLE)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		g_usleep(G_USEC_PER_SEC << (try - 1));
	}
}

static void report(int fd, int64_t mtime, const GError *error)
{
	g_autoptr(Json) json = json_object_new_object();
	js_set_bool(json, "ok", !error);
	js_set_int(json, "mtime", mtime);
	if (error) {
		g_autofree char *message = g_utf8_make_valid(error->message, -1);
		js_set_int(json, "error",
			   error->domain == ENGINE_ERROR ? error->code : ENGINE_ERROR_SYSTEM);
		js_set_string(json, "message", message);
	}
	const char *text = js_text(json);
	(void)!fd_write_all(fd, text, strlen(text));
}

int fetch_url(FetchCall *call, GError **error)
{
	const char *url = NULL, *number = NULL, *limit = NULL;
	uint64_t fd = 0, max_size = BYTES_MAX;
	int64_t mtime = -1;
	g_autoptr(GError) failed = NULL;
	g_autoptr(GPtrArray) operands = g_ptr_array_new();
	const FetchOption rows[] = {
		{.name = "--url-fd", .secret = &url},
		{.name = "--report-fd", .value = &number},
		{.name = "--max-size", .value = &limit},
		{0},
	};
	if (!fetch_parse(call, rows, operands, error))
		return FETCH_FAILED;
	if (!url || !number || operands->len > 0 || !units_parse_uint(number, 64, &fd, NULL) ||
	    fd <= STDERR_FILENO ||
	    (limit && !units_parse_uint(limit, INT64_MAX, &max_size, NULL))) {
		(void)error_set(error, ENGINE_ERROR_INVALID, "download is run by skiff");
		return FETCH_FAILED;
	}
	(void)download_patiently(url, MIN(max_size, BYTES_MAX), &mtime, &failed);
	report((int)fd, mtime, failed);
	return failed ? FETCH_FAILED : 0;
}
