/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of requests: from memory or from a piece of a file, read as libcurl takes them.
 *
 * They can't be rewound: where a connection that was kept open ends before the answer, libcurl
 * would send the whole body once more by itself, behind the piece of it that the server has kept.
 */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "storage/http_priv.h"

struct HttpUpload {
	HttpBody body; /* its strings are owned */
	CURL *easy;    /* borrowed */
	long patience;
	int64_t done;
	int failure; /* errno of a read, 0: none */
};

HttpUpload *http_upload_new(const HttpBody *body)
{
	HttpUpload *upload = g_new0(HttpUpload, 1);
	upload->body = *body;
	upload->body.content_type = g_strdup(body->content_type);
	upload->body.content_range = g_strdup(body->content_range);
	return upload;
}

void http_upload_free(HttpUpload *upload)
{
	if (!upload)
		return;
	g_free((char *)upload->body.content_type);
	g_free((char *)upload->body.content_range);
	g_free(upload);
}

/* Bytes from the file; -1 with upload->failure set if there are fewer than promised. */
static ssize_t read_file(HttpUpload *upload, void *buffer, size_t size)
{
	ssize_t n;
	do
		n = pread(upload->body.fd, buffer, size, upload->body.offset + upload->done);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	upload->failure = n < 0 ? errno : ENODATA;
	return -1;
}

/* libcurl's read callback. */
static size_t give_bytes(char *buffer, size_t size, size_t count, void *data)
{
	HttpUpload *upload = data;
	ssize_t n = (ssize_t)MIN((int64_t)(size * count), upload->body.size - upload->done);
	if (n > 0 && upload->body.data)
		memcpy(buffer, (const char *)upload->body.data + upload->done, (size_t)n);
	else if (n > 0)
		n = read_file(upload, buffer, (size_t)n);
	if (n < 0)
		return CURL_READFUNC_ABORT;
	upload->done += n;
	/* From here on it is the registry that works. */
	if (upload->done == upload->body.size)
		curl_easy_setopt(upload->easy, CURLOPT_LOW_SPEED_TIME, upload->patience);
	return (size_t)n;
}

/* libcurl's seek callback: only to where we are. */
static int refuse_rewind(void *data, curl_off_t offset, int origin)
{
	const HttpUpload *upload = data;
	return origin == SEEK_SET && offset == upload->done ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

void http_upload_apply(HttpUpload *upload, void *easy, const char *method, long patience)
{
	upload->easy = easy;
	upload->patience = patience;
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->body.size);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(easy, CURLOPT_READDATA, upload);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_rewind);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, upload);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
	if (upload->body.size == 0)
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, patience);
}

const HttpBody *http_upload_body(const HttpUpload *upload)
{
	return &upload->body;
}

int64_t http_upload_sent(const HttpUpload *upload)
{
	return upload->done;
}

bool http_upload_check(const HttpUpload *upload, GError **error)
{
	if (!upload->failure)
		return true;
	errno = upload->failure;
	return error_set_errno(error, "cannot read what is to be sent");
}
