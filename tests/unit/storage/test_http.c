/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/http.h"

#define REQUEST_MAX 4096

/* A server for one request. */
typedef struct {
	int socket;
	int port;
	char *answer;
	char request[REQUEST_MAX];
	GThread *thread;
} Server;

static void *serve(void *data)
{
	Server *server = data;
	autofd peer = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);
	size_t used = 0;
	for (ssize_t n; peer >= 0 && !strstr(server->request, "\r\n\r\n"); used += (size_t)n) {
		n = read(peer, server->request + used, REQUEST_MAX - 1 - used);
		if (n <= 0)
			return NULL;
	}
	g_assert_true(fd_write_all(peer, server->answer, strlen(server->answer)));
	return NULL;
}

static void server_start(Server *server, const char *address, const char *answer)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t size = sizeof(name);
	g_assert_cmpint(inet_pton(AF_INET, address, &name.sin_addr), ==, 1);
	server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(server->socket, (struct sockaddr *)&name, size), ==, 0);
	g_assert_cmpint(listen(server->socket, 1), ==, 0);
	g_assert_cmpint(getsockname(server->socket, (struct sockaddr *)&name, &size), ==, 0);
	server->port = ntohs(name.sin_port);
	server->answer = g_strdup(answer);
	server->thread = g_thread_new("server", serve, server);
}

static void server_end(Server *server)
{
	(void)shutdown(server->socket, SHUT_RDWR);
	g_thread_join(server->thread);
	close(server->socket);
	g_free(server->answer);
}

static HttpResponse *fetch(const Server *server, const char *authorization, GError **error)
{
	g_autoptr(HttpClient) client = http_client_new(&(HttpClientOptions){0});
	g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/x", server->port);
	HttpRequest request = {.url = url, .max_redirects = 1, .authorization = authorization};
	return http_fetch(client, &request, error);
}

static void test_redirect(void)
{
	Server first = {0}, second = {0};
	server_start(&second, "127.0.0.2", "HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok");
	g_autofree char *answer = g_strdup_printf("HTTP/1.1 302 X\r\nContent-Length: 0\r\n"
						  "Location: http://127.0.0.2:%d/y\r\n\r\n",
						  second.port);
	server_start(&first, "127.0.0.1", answer);
	g_autoptr(GError) error = NULL;
	g_autoptr(HttpResponse) response = fetch(&first, "Basic c2VjcmV0", &error);
	g_assert_no_error(error);
	g_assert_cmpint(response->status, ==, 200);
	g_assert_cmpstr(response->body->str, ==, "ok");
	g_assert_true(g_str_has_suffix(response->url, "/y"));
	/* The registry is at the first hop, wherever that leads. */
	g_assert_cmpstr(response->peer, ==, "127.0.0.1");
	server_end(&first);
	server_end(&second);
	g_assert_nonnull(strstr(first.request, "Authorization: Basic c2VjcmV0\r\n"));
	g_assert_null(strstr(second.request, "Authorization"));
}

/* One answer with these headers: is it taken? */
static bool is_taken(const char *headers)
{
	Server server = {0};
	g_autofree char *answer =
		g_strdup_printf("HTTP/1.1 200 X\r\nContent-Length: 0\r\n%s\r\n", headers);
	server_start(&server, "127.0.0.1", answer);
	g_autoptr(GError) error = NULL;
	g_autoptr(HttpResponse) response = fetch(&server, NULL, &error);
	server_end(&server);
	g_assert_true(response || error_matches(error, ENGINE_ERROR_INVALID));
	return response != NULL;
}

static void test_headers_that_come_twice(void)
{
	g_assert_true(is_taken("Content-Type: a/b\r\n"));
	g_assert_true(is_taken("Content-Type: a/b\r\ncontent-type:  a/b \r\n"));
	g_assert_true(is_taken("Via: a\r\nVia: b\r\n"));
	g_assert_false(is_taken("Content-Type: a/b\r\nContent-Type: a/c\r\n"));
	g_assert_false(is_taken("Location: /a\r\nLocation: /b\r\n"));
	g_assert_false(is_taken("Content-Range: bytes 0-1/2\r\nContent-Range: bytes 1-1/2\r\n"));
	g_assert_false(is_taken("Docker-Content-Digest: a\r\nDOCKER-CONTENT-DIGEST: b\r\n"));
}

int main(int argc, char **argv)
{
	static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(proxies); i++)
		g_unsetenv(proxies[i]);
	g_test_add_func("/http/redirect", test_redirect);
	g_test_add_func("/http/headers-that-come-twice", test_headers_that_come_twice);
	return g_test_run();
}
