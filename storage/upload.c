/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads as a state machine. See the header.
 *
 *   LOOK -> OPEN -> SEND -> ... -> CLOSE        after a cut: SEND -> ASK -> SEND
 *                                               after a lost answer: CLOSE -> LOOK -> ASK -> CLOSE
 */
#include "storage/upload.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/units.h"
#include "storage/digest.h"

#define SMALL_SIZE   (1 << 20)
#define PROGRESS_MIN (1 << 20)  /* bytes that make an attempt a success of sorts */
#define PIECE_FIRST  (16 << 20) /* after the first 413; a quarter after each further one */
#define PIECE_MIN    (64 << 10)
#define MISFITS_MAX  8
#define SESSIONS_MAX 16
#define OCTET_STREAM "application/octet-stream"

typedef enum {
	STEP_LOOK,
	STEP_OPEN,
	STEP_SEND,
	STEP_ASK,
	STEP_CLOSE,
} Step;

struct Upload {
	Registry *registry;
	UploadBlob blob;
	char *session;    /* Location in force; NULL: none */
	int64_t arrived;  /* bytes that the session has */
	int64_t piece;    /* largest body */
	int sessions;     /* how many were opened for this blob */
	int misfits;      /* how often it did not want what it had asked for */
	bool was_closed;  /* a close was tried, whose end is not known */
	bool was_refused; /* the bytes of a session were not what the digest says, once */

	Step step;
	HttpTransfer *transfer;
	unsigned generation;
	RegistryAttempts attempts;
	int64_t progress; /* bytes since the last failure that counted */
	gint64 next_try;  /* monotonic; 0: not waiting */
};

Upload *upload_new(Registry *registry)
{
	Upload *upload = g_new0(Upload, 1);
	upload->registry = registry;
	return upload;
}

void upload_free(Upload *upload)
{
	if (!upload)
		return;
	http_transfer_free(upload->transfer);
	g_free(upload->session);
	g_free(upload);
}

static bool has_bytes(const Upload *upload)
{
	return upload->blob.data || upload->blob.fd >= 0;
}

static bool is_small(const Upload *upload)
{
	return upload->blob.size <= SMALL_SIZE && upload->blob.size <= upload->piece &&
	       upload->arrived == 0;
}

/* A piece of the blob as a body. */
static HttpBody body_of(const Upload *upload, int64_t offset, int64_t size)
{
	const UploadBlob *blob = &upload->blob;
	return (HttpBody){
		.content_type = OCTET_STREAM,
		.data = blob->data ? (const char *)blob->data + offset : NULL,
		.fd = blob->fd,
		.offset = offset,
		.size = size,
	};
}

static bool start(Upload *upload, const RegistryUploadRequest *request, GError **error)
{
	upload->next_try = 0;
	upload->transfer =
		registry_start_upload(upload->registry, request, &upload->generation, error);
	return upload->transfer != NULL;
}

static bool start_look(Upload *upload, GError **error)
{
	g_autofree char *path = g_strconcat("blobs/", upload->blob.digest, NULL);
	const RegistryUploadRequest request = {
		.method = "HEAD", .path = path, .follow_redirects = true};
	return start(upload, &request, error);
}

static bool start_open(Upload *upload, GError **error)
{
	static const HttpBody empty = {.fd = -1};
	g_autofree char *from = upload->blob.from ? http_escape(upload->blob.from) : NULL;
	g_autofree char *path =
		from ? g_strdup_printf("blobs/uploads/?mount=%s&from=%s", upload->blob.digest, from)
		     : g_strdup("blobs/uploads/");
	const RegistryUploadRequest request = {.method = "POST", .path = path, .body = &empty};
	return start(upload, &request, error);
}

/* The next piece. What it is a piece of is only said where it is not the whole. */
static bool start_send(Upload *upload, GError **error)
{
	int64_t first = upload->arrived;
	int64_t size = MIN(upload->blob.size - first, upload->piece);
	g_autofree char *range =
		g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, first, first + size - 1);
	HttpBody body = body_of(upload, first, size);
	if (size < upload->blob.size)
		body.content_range = range;
	const RegistryUploadRequest request = {
		.method = "PATCH", .url = upload->session, .body = &body};
	return start(upload, &request, error);
}

static bool start_ask(Upload *upload, GError **error)
{
	const RegistryUploadRequest request = {.method = "GET", .url = upload->session};
	return start(upload, &request, error);
}

/* The digest that says what has been sent; a small blob comes along. */
static bool start_close(Upload *upload, GError **error)
{
	bool whole = is_small(upload);
	HttpBody body = body_of(upload, 0, whole ? upload->blob.size : 0);
	g_autofree char *url =
		g_strconcat(upload->session, strchr(upload->session, '?') ? "&" : "?",
			    "digest=", upload->blob.digest, NULL);
	const RegistryUploadRequest request = {.method = "PUT", .url = url, .body = &body};
	upload->was_closed = true;
	return start(upload, &request, error);
}

static bool start_step(Upload *upload, GError **error)
{
	switch (upload->step) {
	case STEP_LOOK:
		return start_look(upload, error);
	case STEP_OPEN:
		return start_open(upload, error);
	case STEP_SEND:
		return start_send(upload, error);
	case STEP_ASK:
		return start_ask(upload, error);
	case STEP_CLOSE:
		return start_close(upload, error);
	}
	g_assert_not_reached();
}

static UploadResult go_to(Upload *upload, Step step, GError **error)
{
	upload->step = step;
	return start_step(upload, error) ? UPLOAD_WORKING : UPLOAD_FAILED;
}

bool upload_begin(Upload *upload, const UploadBlob *blob, GError **error)
{
	g_assert(!upload->transfer);
	upload->blob = *blob;
	upload->arrived = 0;
	upload->piece = INT64_MAX;
	upload->sessions = upload->misfits = 0;
	upload->was_closed = upload->was_refused = false;
	upload->attempts = (RegistryAttempts){0};
	upload->progress = 0;
	return go_to(upload, STEP_LOOK, error) != UPLOAD_FAILED;
}

int64_t upload_sent(const Upload *upload)
{
	bool is_body =
		upload->transfer && (upload->step == STEP_SEND || upload->step == STEP_CLOSE);
	return upload->arrived + (is_body ? http_transfer_sent(upload->transfer) : 0);
}

bool upload_is_waiting(const Upload *upload)
{
	return upload->next_try > 0;
}

static const char *step_name(const Upload *upload)
{
	switch (upload->step) {
	case STEP_LOOK:
		return "checking whether a blob exists";
	case STEP_OPEN:
		return "initiating layer upload";
	case STEP_SEND:
	case STEP_ASK:
	case STEP_CLOSE:
		break;
	}
	return "writing blob";
}

static UploadResult fail_answer(const Upload *upload, const HttpResponse *response, GError **error)
{
	registry_fail_upload(upload->registry, response, step_name(upload), error);
	return UPLOAD_FAILED;
}

/* Open a new session in place of one that is lost, but not for ever. */
static UploadResult reopen(Upload *upload, const HttpResponse *response, GError **error)
{
	g_clear_pointer(&upload->session, g_free);
	upload->arrived = 0;
	if (upload->sessions >= SESSIONS_MAX) {
		error_set(error, ENGINE_ERROR_CORRUPT,
			  "%s: the registry loses what is sent to it (HTTP %d)",
			  registry_name(upload->registry), response->status);
		return UPLOAD_FAILED;
	}
	return go_to(upload, STEP_OPEN, error);
}

/* Where the session goes on, as the answer says. */
static bool take_location(Upload *upload, const HttpResponse *response, GError **error)
{
	const char *location = http_response_header(response, "location");
	g_autofree char *next = location ? http_url_join(response->url, location) : NULL;
	if (!location && upload->session)
		return true;
	if (!next)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s: the registry names no http or https URL to upload to",
				 registry_name(upload->registry));
	if (g_str_has_prefix(response->url, "https:") && !g_str_has_prefix(next, "https:"))
		return error_set(error, ENGINE_ERROR_DENIED,
				 "%s: the registry leads an upload from HTTPS to HTTP",
				 registry_name(upload->registry));
	g_free(upload->session);
	upload->session = g_steal_pointer(&next);
	return true;
}

/* "0-N" or "bytes=0-N" of a Range header: how much has arrived. -1 if it does not say. */
static int64_t range_end(const HttpResponse *response)
{
	const char *text = http_response_header(response, "range");
	uint64_t last;
	if (!text)
		return -1;
	if (g_str_has_prefix(text, "bytes="))
		text += strlen("bytes=");
	if (!g_str_has_prefix(text, "0-") ||
	    !units_parse_uint(text + 2, INT64_MAX - 1, &last, NULL))
		return -1;
	/* "0-0" is also how a session without a byte is described. */
	return last == 0 ? 0 : (int64_t)last + 1;
}

static UploadResult end_look(Upload *upload, const HttpResponse *response, GError **error)
{
	if (response->status == 200)
		return UPLOAD_PRESENT;
	if (response->status != 404)
		return fail_answer(upload, response, error);
	if (upload->was_closed && upload->session)
		return go_to(upload, STEP_ASK, error);
	if (!has_bytes(upload) && !upload->blob.from)
		return UPLOAD_ABSENT;
	/* A session that an attempt to mount has left behind will do. */
	if (upload->session && !upload->blob.from)
		return go_to(upload, is_small(upload) ? STEP_CLOSE : STEP_SEND, error);
	return go_to(upload, STEP_OPEN, error);
}

static UploadResult end_open(Upload *upload, const HttpResponse *response, GError **error)
{
	bool mounting = upload->blob.from != NULL;
	upload->blob.from = NULL;
	if (mounting && response->status == 201)
		return registry_check_digest(upload->registry, response, upload->blob.digest, error)
			       ? UPLOAD_MOUNTED
			       : UPLOAD_FAILED;
	if (mounting && response->status / 100 == 4)
		return has_bytes(upload) ? go_to(upload, STEP_OPEN, error) : UPLOAD_ABSENT;
	if (response->status != 202)
		return fail_answer(upload, response, error);
	g_clear_pointer(&upload->session, g_free);
	if (!take_location(upload, response, error))
		return UPLOAD_FAILED;
	upload->sessions++;
	upload->arrived = 0;
	if (!has_bytes(upload))
		return UPLOAD_ABSENT;
	return go_to(upload, is_small(upload) ? STEP_CLOSE : STEP_SEND, error);
}

/* The body was too large: smaller ones, as long as that makes sense. */
static UploadResult shrink(Upload *upload, const HttpResponse *response, GError **error)
{
	int64_t tried = MIN(upload->piece, upload->blob.size);
	if (tried <= PIECE_MIN)
		return fail_answer(upload, response, error);
	upload->piece = MAX(MIN(tried / 4, PIECE_FIRST), PIECE_MIN);
	log_info("%s refuses a body of %" G_GINT64_FORMAT " bytes", registry_name(upload->registry),
		 tried);
	return go_to(upload, STEP_ASK, error);
}

/* Note how far the session has come. False if the registry talks nonsense. */
static bool take_range(Upload *upload, int64_t arrived, GError **error)
{
	if (arrived > upload->blob.size)
		return error_set(error, ENGINE_ERROR_CORRUPT,
				 "%s: the registry has got more bytes than there are",
				 registry_name(upload->registry));
	upload->progress += MAX(arrived - upload->arrived, 0);
	upload->arrived = arrived;
	return true;
}

static UploadResult go_on(Upload *upload, GError **error)
{
	return go_to(upload, upload->arrived == upload->blob.size ? STEP_CLOSE : STEP_SEND, error);
}

static UploadResult end_send(Upload *upload, const HttpResponse *response, GError **error)
{
	int64_t before = upload->arrived;
	int64_t sent = upload_sent(upload);
	if (response->status == 413)
		return shrink(upload, response, error);
	if (response->status == 416 && upload->misfits++ < MISFITS_MAX)
		return go_to(upload, STEP_ASK, error);
	if (response->status == 404)
		return reopen(upload, response, error);
	if (response->status != 202 && response->status != 204 && response->status != 201)
		return fail_answer(upload, response, error);
	int64_t said = range_end(response);
	if (!take_location(upload, response, error) ||
	    !take_range(upload, said < 0 ? sent : said, error))
		return UPLOAD_FAILED;
	if (upload->arrived > before)
		return go_on(upload, error);
	/* It took all and kept nothing. */
	return reopen(upload, response, error);
}

static UploadResult end_ask(Upload *upload, const HttpResponse *response, GError **error)
{
	int64_t arrived = range_end(response);
	/* None, or one: bytes behind that one would not be where they belong. */
	if (response->status / 100 != 2 || arrived <= 0)
		return reopen(upload, response, error);
	if (!take_location(upload, response, error) || !take_range(upload, arrived, error))
		return UPLOAD_FAILED;
	return go_on(upload, error);
}

static UploadResult end_close(Upload *upload, const HttpResponse *response, GError **error)
{
	int status = response->status;
	if (status == 201 || status == 200 || status == 204)
		return registry_check_digest(upload->registry, response, upload->blob.digest, error)
			       ? UPLOAD_SENT
			       : UPLOAD_FAILED;
	if (status == 413 && is_small(upload))
		return shrink(upload, response, error);
	/* Lost, or put together from pieces that do not fit: the latter once more. */
	if (status == 404 || status == 416 || (status == 400 && !upload->was_refused)) {
		upload->was_refused = status == 400;
		return reopen(upload, response, error);
	}
	return fail_answer(upload, response, error);
}

static UploadResult end_step(Upload *upload, const HttpResponse *response, GError **error)
{
	switch (upload->step) {
	case STEP_LOOK:
		return end_look(upload, response, error);
	case STEP_OPEN:
		return end_open(upload, response, error);
	case STEP_SEND:
		return end_send(upload, response, error);
	case STEP_ASK:
		return end_ask(upload, response, error);
	case STEP_CLOSE:
		return end_close(upload, response, error);
	}
	g_assert_not_reached();
}

/* What to do next after an attempt that brought no answer: see how far it came. */
static void plan_retry(Upload *upload, int64_t delay_ms)
{
	upload->next_try = g_get_monotonic_time() + delay_ms * 1000;
	if (upload->step == STEP_SEND)
		upload->step = STEP_ASK;
	else if (upload->step == STEP_CLOSE)
		upload->step = STEP_LOOK;
}

UploadResult upload_step(Upload *upload, GError **error)
{
	int64_t delay = 0;
	if (!upload->transfer) {
		if (g_get_monotonic_time() < upload->next_try)
			return UPLOAD_WORKING;
		return start_step(upload, error) ? UPLOAD_WORKING : UPLOAD_FAILED;
	}
	if (!http_transfer_done(upload->transfer))
		return UPLOAD_WORKING;
	if (upload->progress >= PROGRESS_MIN) {
		upload->attempts = (RegistryAttempts){0};
		upload->progress = 0;
	}
	RegistryBlobEnd end =
		registry_end_upload(upload->registry, upload->transfer, upload->generation,
				    step_name(upload), &upload->attempts, &delay, error);
	UploadResult result = UPLOAD_FAILED;
	if (end == REGISTRY_BLOB_COMPLETE) {
		/* It is what upload_sent() counts with until it has been judged. */
		HttpTransfer *transfer = upload->transfer;
		result = end_step(upload, http_transfer_response(transfer), error);
		if (upload->transfer == transfer)
			upload->transfer = NULL;
		http_transfer_free(transfer);
		return result;
	}
	g_clear_pointer(&upload->transfer, http_transfer_free);
	if (end == REGISTRY_BLOB_FAILED)
		return UPLOAD_FAILED;
	plan_retry(upload, delay);
	return UPLOAD_WORKING;
}
