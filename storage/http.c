/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP transfers over libcurl's multi interface. Runs in skiff-fetch only.
 *
 * Theory of operation. A transfer is one easy handle that lives for all hops of its redirects: when
 * an answer 3xx is complete, the same handle is set up again for the next URL and put back. What a
 * hop may carry is decided anew each time (hop_prepare), so nothing can slip over to another host
 * because it was set earlier. libcurl follows no redirect, sends no cookie, reads no .netrc and
 * decodes no content.
 *
 * A sink that is full pauses its transfer: libcurl stops reading the socket and does not count the
 * time as a stall; the others go on.
 */
#include "storage/http.h"

#include <curl/curl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "storage/http_header.h"
#include "storage/http_priv.h"

#define DEFAULT_SECONDS  20
#define STALL_BYTES      1024L /* per second */
#define ERROR_BODY_MAX   (1u << 20)
#define HEADERS_MAX_SIZE (128u << 10)
#define BUFFER_SIZE      (512L << 10)
#define ANSWER_PATIENCE  6 /* times the stall limit: a registry that digests what it got */
#define REFUSED_ADDRESS  "it leads to an address of a private network or of this machine"

struct HttpClient {
	CURLM *multi;
	HttpClientOptions options;
	GPtrArray *transfers; /* borrowed */
};

struct HttpTransfer {
	HttpClient *client; /* borrowed */
	CURL *easy;
	struct curl_slist *headers;
	char curl_error[CURL_ERROR_SIZE];

	HttpRequest request; /* its strings are owned */
	HttpUpload *upload;  /* NULL without a body */
	char *origin;        /* where Authorization may go */
	char *url;           /* this hop's */
	char *peer;          /* of the first hop; NULL if unknown */
	int hops;
	bool left_origin;

	HttpResponse *response;
	size_t header_size;
	bool is_done;
	CURLcode result;
	GError *problem; /* our own reason to end, which counts more than libcurl's */
};

HttpClient *http_client_new(const HttpClientOptions *options)
{
	static gsize initialised;
	if (g_once_init_enter(&initialised)) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		g_once_init_leave(&initialised, 1);
	}
	HttpClient *client = g_new0(HttpClient, 1);
	client->multi = curl_multi_init();
	client->options = *options;
	client->transfers = g_ptr_array_new();
	if (client->options.stall_seconds <= 0)
		client->options.stall_seconds = DEFAULT_SECONDS;
	if (client->options.connect_seconds <= 0)
		client->options.connect_seconds = DEFAULT_SECONDS;
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return client;
}

void http_client_free(HttpClient *client)
{
	if (!client)
		return;
	while (client->transfers->len > 0)
		http_transfer_free(g_ptr_array_index(client->transfers, 0));
	g_ptr_array_unref(client->transfers);
	curl_multi_cleanup(client->multi);
	g_free(client);
}

void http_client_wake(HttpClient *client)
{
	curl_multi_wakeup(client->multi);
}

static HttpResponse *response_new(void)
{
	HttpResponse *response = g_new0(HttpResponse, 1);
	response->headers = g_ptr_array_new_with_free_func(g_free);
	response->body = g_string_new(NULL);
	return response;
}

void http_response_free(HttpResponse *response)
{
	if (!response)
		return;
	g_ptr_array_unref(response->headers);
	g_string_free(response->body, TRUE);
	g_free(response->url);
	g_free(response->peer);
	g_free(response);
}

const char *http_response_header(const HttpResponse *response, const char *name)
{
	for (size_t i = 0; i + 1 < response->headers->len; i += 2)
		if (strcmp(g_ptr_array_index(response->headers, i), name) == 0)
			return g_ptr_array_index(response->headers, i + 1);
	return NULL;
}

/* End a transfer for a reason of ours; the first one stays. */
static void set_problem(HttpTransfer *transfer, ErrorCode code, const char *text)
{
	if (!transfer->problem)
		error_set(&transfer->problem, code, "%s", text);
}

/* Does another value stand there already for a header that decides what the answer is? */
static bool is_ambiguous(const HttpResponse *response, const char *name, const char *value)
{
	static const char *const single[] = {"content-range", "content-type",
					     "docker-content-digest", "location", NULL};
	const char *first = http_response_header(response, name);
	return first && g_strv_contains(single, name) && strcmp(first, value) != 0;
}

/* One "name: value"; false ends the transfer. */
static bool add_response_header(HttpTransfer *transfer, const char *line, size_t name_length,
				size_t length)
{
	GPtrArray *headers = transfer->response->headers;
	g_autofree char *name = g_ascii_strdown(line, (gssize)name_length);
	g_autofree char *value =
		g_strstrip(g_strndup(line + name_length + 1, length - name_length - 1));
	if (is_ambiguous(transfer->response, name, value) && wall_stands("one-header")) {
		g_autofree char *text = g_strdup_printf("the answer has two %s headers", name);
		set_problem(transfer, ENGINE_ERROR_INVALID, text);
		return false;
	}
	g_ptr_array_add(headers, g_steal_pointer(&name));
	g_ptr_array_add(headers, g_steal_pointer(&value));
	return true;
}

/* libcurl's header callback: one line, or the status line that begins a new set. */
static size_t take_header(char *line, size_t size, size_t count, void *data)
{
	HttpTransfer *transfer = data;
	size_t length = size * count;
	transfer->header_size += length;
	if (transfer->header_size > HEADERS_MAX_SIZE && wall_stands("header-size")) {
		set_problem(transfer, ENGINE_ERROR_INVALID, "the answer has too many headers");
		return 0;
	}
	const char *colon = memchr(line, ':', length);
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
		g_ptr_array_set_size(transfer->response->headers, 0);
	else if (colon && !add_response_header(transfer, line, (size_t)(colon - line), length))
		return 0;
	return length;
}

static bool is_success(int status)
{
	return status == 200 || status == 206;
}

/* Keep a piece of a body that nobody streams. */
static size_t keep_body(HttpTransfer *transfer, const char *data, size_t size)
{
	GString *body = transfer->response->body;
	size_t max = transfer->request.max_body;
	if (max == 0 || !is_success(transfer->response->status))
		max = ERROR_BODY_MAX;
	if (body->len + size > max && wall_stands("document-size")) {
		set_problem(transfer, ENGINE_ERROR_INVALID, "the answer is larger than allowed");
		return 0;
	}
	g_string_append_len(body, data, (gssize)size);
	return size;
}

/* libcurl's body callback: to the sink if there is one and the answer is a success. */
static size_t take_body(char *data, size_t size, size_t count, void *user)
{
	HttpTransfer *transfer = user;
	long status = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->response->status = (int)status;
	if (!transfer->request.sink || !is_success((int)status))
		return keep_body(transfer, data, size * count);
	switch (transfer->request.sink(transfer->response, data, size * count,
				       transfer->request.sink_data)) {
	case HTTP_SINK_TOOK:
		return size * count;
	case HTTP_SINK_FULL:
		return CURL_WRITEFUNC_PAUSE;
	case HTTP_SINK_STOP:
		break;
	}
	set_problem(transfer, ENGINE_ERROR_CANCELLED, "the receiver stopped the transfer");
	return 0;
}

static bool address_is_refused(const HttpTransfer *transfer, HttpAddressKind kind)
{
	if (transfer->request.refuse_private_address)
		return kind != HTTP_ADDRESS_PUBLIC;
	return transfer->request.refuse_local_address && kind == HTTP_ADDRESS_LOCAL;
}

/* Called with the very address that is connected to next: no second look-up can change it. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = data;
	(void)purpose;
	bool refused = address_is_refused(transfer, http_address_kind(&address->addr));
	if (refused && !http_proxy_is_at(&address->addr)) {
		set_problem(transfer, ENGINE_ERROR_DENIED, REFUSED_ADDRESS);
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The TLS settings of this hop's host: all are set anew, so that none is inherited. */
static bool set_tls(HttpTransfer *transfer, GError **error)
{
	HttpClientOptions *options = &transfer->client->options;
	const HttpTls *tls = NULL;
	if (options->tls_lookup) {
		g_autofree char *host = http_host(transfer->url);
		tls = options->tls_lookup(host, options->tls_data, error);
		if (!tls)
			return false;
	}
	http_tls_apply(transfer->easy, tls);
	return true;
}

static long stall_seconds(const HttpTransfer *transfer)
{
	int own = transfer->request.stall_seconds;
	return own > 0 ? own : transfer->client->options.stall_seconds;
}

/* What never changes between hops. */
static void set_constants(HttpTransfer *transfer)
{
	CURL *easy = transfer->easy;
	const HttpClientOptions *options = &transfer->client->options;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "skiff/" SKIFF_VERSION);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)options->connect_seconds);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stall_seconds(transfer));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)transfer->request.total_seconds);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (transfer->request.refuse_private_address || transfer->request.refuse_local_address) {
		/* A connection that is there already was not checked. */
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
}

static void add_header(HttpTransfer *transfer, const char *name, const char *value)
{
	g_autofree char *line = g_strconcat(name, ": ", value, NULL);
	transfer->headers = curl_slist_append(transfer->headers, line);
}

/* What a body is; nobody is asked beforehand whether it may come. */
static void set_body_headers(HttpTransfer *transfer, const HttpBody *body)
{
	if (body->content_type)
		add_header(transfer, "Content-Type", body->content_type);
	if (body->content_range)
		add_header(transfer, "Content-Range", body->content_range);
	transfer->headers = curl_slist_append(transfer->headers, "Expect:");
}

/* The headers of this hop, built from nothing. */
static void set_headers(HttpTransfer *transfer)
{
	const HttpRequest *request = &transfer->request;
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	if (request->accept)
		add_header(transfer, "Accept", request->accept);
	if (request->authorization && !transfer->left_origin)
		add_header(transfer, "Authorization", request->authorization);
	if (request->range_first > 0) {
		g_autofree char *range =
			g_strdup_printf("bytes=%" G_GINT64_FORMAT "-", request->range_first);
		add_header(transfer, "Range", range);
	}
	if (transfer->upload)
		set_body_headers(transfer, http_upload_body(transfer->upload));
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_method(HttpTransfer *transfer)
{
	const HttpRequest *request = &transfer->request;
	if (request->form) {
		curl_easy_setopt(transfer->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, request->form);
	} else if (g_strcmp0(request->method, "HEAD") == 0) {
		curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
	} else if (transfer->upload) {
		http_upload_apply(transfer->upload, transfer->easy, request->method,
				  stall_seconds(transfer) * ANSWER_PATIENCE);
	}
}

/* Set the handle up for transfer->url and hand it to libcurl. */
static bool hop_start(HttpTransfer *transfer, GError **error)
{
	g_autofree char *origin = http_origin(transfer->url);
	if (!http_url_is_clean(transfer->url) || !origin)
		return error_set(error, ENGINE_ERROR_INVALID, "not an http or https URL");
	/* A proxy would connect to it for us: addresses that are spelled out are refused here. */
	if (address_is_refused(transfer, http_url_address_kind(transfer->url)))
		return error_set(error, ENGINE_ERROR_DENIED, REFUSED_ADDRESS);
	if (strcmp(origin, transfer->origin) != 0 && wall_stands("credentials-stay"))
		transfer->left_origin = true;
	http_response_free(transfer->response);
	transfer->response = response_new();
	transfer->response->url = g_strdup(transfer->url);
	transfer->header_size = 0;
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url);
	set_headers(transfer);
	if (!set_tls(transfer, error))
		return false;
	if (curl_multi_add_handle(transfer->client->multi, transfer->easy) != CURLM_OK)
		return error_set(error, ENGINE_ERROR_SYSTEM, "cannot start an HTTP transfer");
	return true;
}

static void copy_request(HttpTransfer *transfer, const HttpRequest *request)
{
	transfer->request = *request;
	transfer->request.url = g_strdup(request->url);
	transfer->request.method = g_strdup(request->method);
	transfer->request.accept = g_strdup(request->accept);
	transfer->request.authorization = g_strdup(request->authorization);
	transfer->request.form = g_strdup(request->form);
	if (request->body)
		transfer->upload = http_upload_new(request->body);
	transfer->request.body = NULL;
}

HttpTransfer *http_start(HttpClient *client, const HttpRequest *request, GError **error)
{
	g_autoptr(HttpTransfer) transfer = g_new0(HttpTransfer, 1);
	transfer->client = client;
	transfer->easy = curl_easy_init();
	copy_request(transfer, request);
	transfer->url = g_strdup(request->url);
	transfer->origin = http_origin(request->url);
	g_ptr_array_add(client->transfers, transfer);
	if (!transfer->easy || !transfer->origin)
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "'%s' is not an http or https URL", request->url);
	set_constants(transfer);
	set_method(transfer);
	if (!hop_start(transfer, error))
		return NULL;
	return g_steal_pointer(&transfer);
}

void http_transfer_free(HttpTransfer *transfer)
{
	if (!transfer)
		return;
	g_ptr_array_remove(transfer->client->transfers, transfer);
	if (transfer->easy) {
		curl_multi_remove_handle(transfer->client->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->headers);
	http_response_free(transfer->response);
	http_upload_free(transfer->upload);
	g_clear_error(&transfer->problem);
	g_free((char *)transfer->request.url);
	g_free((char *)transfer->request.method);
	g_free((char *)transfer->request.accept);
	g_free((char *)transfer->request.authorization);
	g_free((char *)transfer->request.form);
	g_free(transfer->origin);
	g_free(transfer->url);
	g_free(transfer->peer);
	g_free(transfer);
}

static bool is_redirect(const HttpTransfer *transfer)
{
	int status = transfer->response->status;
	return transfer->request.max_redirects > 0 &&
	       (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* Where a redirect leads, if it may be followed. */
static char *next_url(HttpTransfer *transfer, GError **error)
{
	const char *location = http_response_header(transfer->response, "location");
	if (!location)
		return error_set_null(error, ENGINE_ERROR_INVALID, "a redirect without Location");
	if (++transfer->hops >
	    transfer->request.max_redirects * (wall_stands("redirect-count") ? 1 : 9))
		return error_set_null(error, ENGINE_ERROR_INVALID, "too many redirects");
	g_autofree char *next = http_url_join(transfer->url, location);
	if (!next)
		return error_set_null(
			error, ENGINE_ERROR_INVALID,
			"a redirect to something that is not a plain http or https URL");
	if (g_str_has_prefix(transfer->url, "https:") && !g_str_has_prefix(next, "https:") &&
	    wall_stands("no-downgrade"))
		return error_set_null(error, ENGINE_ERROR_DENIED, "a redirect from HTTPS to HTTP");
	return g_steal_pointer(&next);
}

/* For the log: without the query, which may hold a signature. */
static void log_answer(const HttpTransfer *transfer)
{
	if (log_get_level() < LOG_LEVEL_DEBUG)
		return;
	g_autofree char *shown = g_strndup(transfer->url, strcspn(transfer->url, "?"));
	const char *method = transfer->request.method;
	log_debug("%s %s: %d %s",
		  method                   ? method
		  : transfer->request.form ? "POST"
					   : "GET",
		  shown, transfer->response->status,
		  transfer->result == CURLE_OK ? "" : curl_easy_strerror(transfer->result));
}

/* libcurl is done with a hop: follow, or the transfer is done. */
static void hop_end(HttpTransfer *transfer, CURLcode result)
{
	long status = 0;
	char *address = NULL;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->response->status = (int)status;
	transfer->result = result;
	if (transfer->hops == 0 &&
	    curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK)
		transfer->peer = g_strdup(address);
	transfer->response->peer = g_strdup(transfer->peer);
	curl_multi_remove_handle(transfer->client->multi, transfer->easy);
	log_answer(transfer);
	if (transfer->upload && !transfer->problem)
		http_upload_check(transfer->upload, &transfer->problem);

	if (result == CURLE_OK && !transfer->problem && is_redirect(transfer)) {
		g_autofree char *next = next_url(transfer, &transfer->problem);
		if (next) {
			g_free(transfer->url);
			transfer->url = g_steal_pointer(&next);
			if (hop_start(transfer, &transfer->problem))
				return;
		}
	}
	transfer->is_done = true;
}

/* Take all that has ended. Return: how many. */
static int reap(HttpClient *client)
{
	int ended = 0, left;
	for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
		if (message->msg != CURLMSG_DONE)
			continue;
		HttpTransfer *transfer = NULL;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		hop_end(transfer, result);
		ended++;
	}
	return ended;
}

bool http_client_run(HttpClient *client, int timeout_ms, GError **error)
{
	int running;
	const int *cancelled = client->options.cancelled;
	if (cancelled && __atomic_load_n(cancelled, __ATOMIC_RELAXED))
		return error_set(error, ENGINE_ERROR_CANCELLED, "cancelled");
	CURLMcode code = curl_multi_perform(client->multi, &running);
	if (code == CURLM_OK && reap(client) == 0) {
		code = curl_multi_poll(client->multi, NULL, 0, timeout_ms, NULL);
		if (code == CURLM_OK)
			code = curl_multi_perform(client->multi, &running);
		reap(client);
	}
	if (code != CURLM_OK)
		return error_set(error, ENGINE_ERROR_SYSTEM, "libcurl: %s",
				 curl_multi_strerror(code));
	if (cancelled && __atomic_load_n(cancelled, __ATOMIC_RELAXED))
		return error_set(error, ENGINE_ERROR_CANCELLED, "cancelled");
	return true;
}

int64_t http_transfer_sent(const HttpTransfer *transfer)
{
	return transfer->upload ? http_upload_sent(transfer->upload) : 0;
}

bool http_transfer_done(const HttpTransfer *transfer)
{
	return transfer->is_done;
}

void http_transfer_resume(HttpTransfer *transfer)
{
	if (!transfer->is_done)
		curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

const HttpResponse *http_transfer_response(const HttpTransfer *transfer)
{
	return transfer->response;
}

/* Failures that will be the same next time. */
static bool is_final(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return true;
	default:
		return false;
	}
}

/* A server that speaks HTTP where TLS was expected; OpenSSL's words for its first bytes. */
static bool met_plain_http(const HttpTransfer *transfer)
{
	return transfer->result == CURLE_SSL_CONNECT_ERROR &&
	       strstr(transfer->curl_error, "wrong version number");
}

/* Why a transfer failed, in words for the user. */
static const char *failure_text(const HttpTransfer *transfer)
{
	if (transfer->result == CURLE_OPERATION_TIMEDOUT)
		return "the server does not answer, or is too slow";
	if (transfer->result == CURLE_SEND_FAIL_REWIND)
		return "the server ended the connection";
	if (met_plain_http(transfer))
		return "http: server gave HTTP response to HTTPS client";
	return transfer->curl_error[0] ? transfer->curl_error
				       : curl_easy_strerror(transfer->result);
}

bool http_transfer_check(const HttpTransfer *transfer, GError **error)
{
	g_autofree char *host = http_host(transfer->url);
	if (transfer->problem) {
		if (error)
			*error = g_error_copy(transfer->problem);
		g_prefix_error(error, "%s: ", host ? host : "request");
		return false;
	}
	if (transfer->result == CURLE_OK)
		return true;
	error_set(error,
		  is_final(transfer->result) ? ENGINE_ERROR_DENIED : ENGINE_ERROR_UNREACHABLE,
		  "%s: %s", host ? host : "request", failure_text(transfer));
	if (transfer->result == CURLE_COULDNT_RESOLVE_HOST)
		error_add_help(error, "is the name right, and is there a network?");
	if (transfer->result == CURLE_PEER_FAILED_VERIFICATION)
		error_add_help(error,
			       "put the authority's certificate at "
			       "/etc/containers/certs.d/%s/ca.crt, or use --tls-verify=false",
			       host);
	return false;
}

HttpResponse *http_fetch(HttpClient *client, const HttpRequest *request, GError **error)
{
	g_autoptr(HttpTransfer) transfer = http_start(client, request, error);
	if (!transfer)
		return NULL;
	while (!transfer->is_done)
		if (!http_client_run(client, 1000, error))
			return NULL;
	if (!http_transfer_check(transfer, error))
		return NULL;
	return g_steal_pointer(&transfer->response);
}
