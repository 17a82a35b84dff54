/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a registry: addresses, TLS settings per host, authentication on demand, and when to
 * try again.
 *
 * An attempt that made no progress counts; RegistryOptions.retries further ones are made, after a
 * delay that doubles or that Retry-After asks for. A registry that never answered is not tried
 * again unless retries were asked for: a mistyped host should fail at once.
 */
#include "storage/registry.h"

#include <stdarg.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/wall.h"
#include "storage/certs.h"
#include "storage/http_header.h"
#include "storage/registry_priv.h"

#define RETRIES_DEFAULT 3
#define DELAY_FIRST_MS  1000
#define DELAY_MAX_MS    30000
#define RETRY_AFTER_MAX 120
#define TOTAL_SECONDS   120
#define TEXT_MAX_SIZE   300
#define DOCKER_HUB_API  "registry-1.docker.io"

static void tls_free(void *data)
{
	http_tls_free(data);
}

/* HttpTlsLookup: --cert-dir and --tls-verify hold for registries, not for hosts they lead to. */
static const HttpTls *lookup_tls(const char *host, void *data, GError **error)
{
	RegistrySession *session = data;
	HttpTls *tls = g_hash_table_lookup(session->tls, host);
	if (tls)
		return tls;
	const RegistryOptions *options = &session->options;
	const char *written = g_hash_table_lookup(session->registries, host);
	const char *name = written ? written : host;
	bool is_registry = written != NULL || !wall_stands("own-verification");
	bool verify = !registries_conf_is_insecure(session->conf, name);
	if (is_registry && options->tls_verify >= 0)
		verify = options->tls_verify;
	tls = certs_load(name, is_registry ? options->cert_dir : NULL, verify, error);
	if (tls)
		g_hash_table_insert(session->tls, g_strdup(host), tls);
	return tls;
}

RegistrySession *registry_session_new(const RegistriesConf *conf, const RegistryOptions *options)
{
	RegistrySession *session = g_new0(RegistrySession, 1);
	session->conf = conf;
	session->options = *options;
	if (!session->options.auth.helpers)
		session->options.auth.helpers = registries_conf_helpers(conf);
	session->tls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, tls_free);
	session->registries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	HttpClientOptions http = {
		.tls_lookup = lookup_tls,
		.tls_data = session,
		.stall_seconds = options->stall_seconds,
		.connect_seconds = options->stall_seconds,
		.cancelled = options->cancelled,
	};
	session->http = http_client_new(&http);
	return session;
}

void registry_session_free(RegistrySession *session)
{
	if (!session)
		return;
	http_client_free(session->http);
	g_hash_table_unref(session->tls);
	g_hash_table_unref(session->registries);
	g_free(session);
}

HttpClient *registry_session_http(RegistrySession *session)
{
	return session->http;
}

bool registry_session_wait(RegistrySession *session, int64_t ms, GError **error)
{
	gint64 end = g_get_monotonic_time() + ms * 1000;
	for (gint64 left; (left = end - g_get_monotonic_time()) > 0;)
		if (!http_client_run(session->http, (int)MIN(left / 1000 + 1, 200), error))
			return false;
	return true;
}

/* Remember that --cert-dir and --tls-verify hold for the host of a registry. */
static void note_host(Registry *registry, const char *written)
{
	g_autofree char *url = registry_url(registry, "");
	char *host = http_host(url);
	if (host)
		g_hash_table_insert(registry->session->registries, host, g_strdup(written));
}

/* --creds are for the registry that was named, not for its mirrors. */
static bool find_credentials(Registry *registry, bool is_mirror, GError **error)
{
	const RegistryOptions *options = &registry->session->options;
	const Credentials *given = options->credentials;
	if (!given || (is_mirror && wall_stands("mirrors-get-none")))
		return auth_lookup(&options->auth, registry->name, &registry->credentials, error);
	registry->credentials = g_new0(Credentials, 1);
	registry->credentials->username = g_strdup(given->username);
	registry->credentials->password = g_strdup(given->password);
	registry->credentials->identity_token = g_strdup(given->identity_token);
	return true;
}

Registry *registry_open(RegistrySession *session, const RegistrySource *source, GError **error)
{
	g_autoptr(Registry) registry = g_new0(Registry, 1);
	registry->session = session;
	registry->host =
		g_strdup(strcmp(source->host, "docker.io") == 0 ? DOCKER_HUB_API : source->host);
	registry->repository = g_strdup(source->repository);
	registry->name =
		g_strconcat(source->host, *source->repository ? "/" : "", source->repository, NULL);
	registry->is_insecure = source->is_insecure;
	if (session->options.tls_verify >= 0)
		registry->is_insecure = !session->options.tls_verify;
	note_host(registry, source->host);
	return find_credentials(registry, source->is_mirror, error) ? g_steal_pointer(&registry)
								    : NULL;
}

void registry_free(Registry *registry)
{
	if (!registry)
		return;
	g_free(registry->name);
	g_free(registry->host);
	g_free(registry->repository);
	g_strfreev(registry->sources);
	g_free(registry->peer);
	credentials_free(registry->credentials);
	if (registry->authorization)
		explicit_bzero(registry->authorization, strlen(registry->authorization));
	g_free(registry->authorization);
	g_free(registry->realm);
	g_free(registry->service);
	g_free(registry->foreign_realm);
	g_free(registry);
}

const char *registry_name(const Registry *registry)
{
	return registry->name;
}

const char *registry_host(const Registry *registry)
{
	return registry->host;
}

bool registry_has_credentials(const Registry *registry)
{
	return registry->credentials != NULL;
}

const char *registry_realm(const Registry *registry)
{
	return registry->foreign_realm;
}

char *registry_url(const Registry *registry, const char *path)
{
	return g_strconcat(registry->is_plain ? "http://" : "https://", registry->host, "/v2/",
			   path, NULL);
}

void registry_notice(const Registry *registry, const char *format, ...)
{
	const RegistryOptions *options = &registry->session->options;
	if (!options->notice)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	options->notice(text, options->notice_data);
}

char *registry_text(const char *text, size_t size)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)MIN(size, TEXT_MAX_SIZE));
	GString *clean = g_string_new(NULL);
	for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
		gunichar character = g_utf8_get_char(c);
		g_string_append_unichar(clean, g_unichar_isprint(character) ? character : '?');
	}
	return g_string_free(clean, FALSE);
}

/* "message (CODE)" of the registry's JSON errors, or NULL. */
static char *registry_complaint(const HttpResponse *response)
{
	g_autoptr(Json) json = js_parse(response->body->str, response->body->len, "error", NULL);
	Json *errors = NULL;
	const char *code = NULL, *message = NULL;
	if (!json || !json_object_is_type(json, json_type_object))
		return NULL;
	if (js_get_array(json, "errors", &errors, NULL) && errors &&
	    json_object_array_length(errors) > 0) {
		Json *first = json_object_array_get_idx(errors, 0);
		if (json_object_is_type(first, json_type_object) &&
		    js_get_string(first, "code", &code, NULL))
			js_get_string(first, "message", &message, NULL);
	} else {
		js_get_string(json, "details", &message, NULL);
	}
	const char *said = message && *message ? message : code;
	return said && *said ? registry_text(said, strlen(said)) : NULL;
}

static ErrorCode code_of_status(int status)
{
	if (status == 404)
		return ENGINE_ERROR_NOT_FOUND;
	if (status == 401 || status == 403)
		return ENGINE_ERROR_DENIED;
	if (registry_status_is_temporary(status))
		return ENGINE_ERROR_UNREACHABLE;
	return ENGINE_ERROR_INVALID;
}

bool registry_set_status_error(const Registry *registry, const HttpResponse *response,
			       const char *what, GError **error)
{
	g_autofree char *complaint = registry_complaint(response);
	int status = response->status;
	const char *plain = status == 401   ? "unauthorized: authentication required"
			    : status == 403 ? "denied: requested access to the resource is denied"
			    : status == 404 ? "not found"
			    : status == 429 ? "toomanyrequests: too many requests"
					    : "unexpected answer";
	error_set(error, code_of_status(status), "%s in %s: %s (HTTP %d)", what, registry->name,
		  complaint ? complaint : plain, status);
	if ((status == 401 || status == 403) && registry->withheld)
		error_add_help(error,
			       "your credentials were not sent to the token server '%s'; "
			       "'skiff login %s' allows it",
			       registry->foreign_realm, registry->host);
	else if ((status == 401 || status == 403) && !registry->credentials)
		error_add_help(error, "skiff login %s", registry->host);
	else if (status == 404 && g_str_has_prefix(what, "reading manifest"))
		error_add_help(error, "skiff search --list-tags %s shows what there is",
			       registry->name);
	return false;
}

bool registry_status_is_temporary(int status)
{
	return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
	       status == 503 || status == 504;
}

int64_t registry_retry_after(const HttpResponse *response)
{
	const char *value = http_response_header(response, "retry-after");
	if (!value)
		return -1;
	return http_retry_after_parse(value, http_response_header(response, "date"),
				      g_get_real_time() / G_USEC_PER_SEC);
}

bool registry_backoff(const Registry *registry, RegistryAttempts *attempts, int64_t retry_after,
		      bool is_first_contact, int64_t *out_delay_ms)
{
	const RegistryOptions *options = &registry->session->options;
	int retries = options->retries >= 0 ? options->retries
		      : is_first_contact    ? 0
					    : RETRIES_DEFAULT;
	if (attempts->failures++ >= retries || retry_after > RETRY_AFTER_MAX)
		return false;
	int64_t delay = options->retry_delay_ms;
	if (delay < 0) {
		delay = MIN(DELAY_FIRST_MS << MIN(attempts->failures - 1, 10), DELAY_MAX_MS);
		delay += g_random_int_range(0, (gint32)(delay / 10));
	}
	*out_delay_ms = retry_after >= 0 ? retry_after * 1000 : delay;
	return true;
}

/* Wait before another attempt, saying so. */
static bool wait_to_retry(Registry *registry, int64_t delay_ms, const char *why, GError **error)
{
	registry_notice(registry, "%s: %s; trying again in %.1f s", registry->name, why,
			(double)delay_ms / 1000);
	return registry_session_wait(registry->session, delay_ms, error);
}

HttpResponse *registry_send(Registry *registry, const HttpRequest *request, GError **error)
{
	RegistryAttempts attempts = {0};
	for (;;) {
		g_autoptr(GError) problem = NULL;
		g_autofree char *why = NULL;
		int64_t delay = 0, retry_after = -1;
		g_autoptr(HttpResponse) response =
			http_fetch(registry->session->http, request, &problem);
		if (response && !registry_status_is_temporary(response->status))
			return g_steal_pointer(&response);
		if (response) {
			why = g_strdup_printf("HTTP %d", response->status);
			retry_after = registry_retry_after(response);
		} else if (error_matches(problem, ENGINE_ERROR_UNREACHABLE)) {
			why = g_strdup(problem->message);
		}
		bool first = !response && !registry->has_answered;
		if (!why || !registry_backoff(registry, &attempts, retry_after, first, &delay)) {
			if (response)
				return g_steal_pointer(&response);
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
		if (!wait_to_retry(registry, delay, why, error))
			return NULL;
	}
}

/* One attempt at @path, which for an insecure registry may find that it speaks plain HTTP. */
static HttpResponse *send_to_path(Registry *registry, HttpRequest *request, const char *path,
				  GError **error)
{
	bool may_be_plain = registry->is_insecure && !registry->is_plain && !registry->has_answered;
	g_autofree char *url = strstr(path, "://") ? g_strdup(path) : registry_url(registry, path);
	request->url = url;
	request->authorization = registry->authorization;
	if (may_be_plain) {
		g_autoptr(GError) problem = NULL;
		HttpResponse *response = http_fetch(registry->session->http, request, &problem);
		if (response)
			return response;
		if (!error_matches(problem, ENGINE_ERROR_UNREACHABLE)) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return NULL;
		}
		registry->is_plain = true;
		g_free(url);
		url = registry_url(registry, path);
		request->url = url;
		response = registry_send(registry, request, error);
		registry->is_plain = response != NULL;
		return response;
	}
	HttpResponse *response = registry_send(registry, request, error);
	bool has_help = !response && error && strstr((*error)->message, "\nhelp: ");
	if (!response && !registry->has_answered && !registry->is_insecure && !has_help)
		error_add_help(
			error,
			"if it speaks plain HTTP, say so with --tls-verify=false or 'insecure "
			"= true' in registries.conf");
	return response;
}

/* Remember that and from where the registry answers. */
static void note_answer(Registry *registry, const HttpResponse *response)
{
	registry->has_answered = true;
	if (!registry->peer)
		registry->peer = g_strdup(response->peer);
}

HttpResponse *registry_request(Registry *registry, const HttpRequest *request, GError **error)
{
	HttpRequest attempt = *request;
	attempt.total_seconds = TOTAL_SECONDS;
	for (int tries = 0;; tries++) {
		if (!registry_refresh(registry, error))
			return NULL;
		unsigned generation = registry->generation;
		g_autoptr(HttpResponse) response =
			send_to_path(registry, &attempt, request->url, error);
		if (!response)
			return NULL;
		note_answer(registry, response);
		/* A second 401 with a token that is fresh says that this is not ours to see. */
		if (response->status != 401 || tries == 2)
			return g_steal_pointer(&response);
		if (tries > 0 && registry->auth == REGISTRY_AUTH_BEARER &&
		    registry->generation == generation)
			return g_steal_pointer(&response);
		if (!registry_authenticate(registry, response, generation, error))
			return NULL;
	}
}
