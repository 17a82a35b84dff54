/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication: Basic, and Bearer tokens from the realm that a challenge names.
 *
 * The realm is a URL from the network to which a password might be sent, so (security 1.5):
 * - a registry spoken to over HTTPS may only name an HTTPS realm;
 * - a realm at another host:port than the registry's gets no credentials unless that pairing is one
 * of the known ones below or was seen by the user at a login (auth_realm_allow());
 * - such a realm may not be at a private, loopback or link-local address, judged by the address
 * that is really connected to;
 * - redirects of a token server are refused; TLS settings of the registry do not hold for it.
 */
#include "storage/registry_priv.h"

#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/log.h"
#include "libpod/base/wall.h"
#include "storage/http_header.h"

#define TOKEN_MAX_SIZE     (32u << 10)
#define TOKEN_BODY_MAX     (1u << 20)
#define TOKEN_SECONDS      60
#define TOKEN_LIFE_DEFAULT 60
#define TOKEN_LIFE_MARGIN  10
#define CLIENT_ID          "skiff"

/* Registries whose token server is known to be another host of the same owner. */
static const struct {
	const char *registry;
	const char *realm_origin;
} known_pairs[] = {
	{"registry-1.docker.io", "https://auth.docker.io:443"},
	{"registry.gitlab.com", "https://gitlab.com:443"},
};

static bool is_known_pair(const Registry *registry, const char *origin)
{
	for (size_t i = 0; i < G_N_ELEMENTS(known_pairs); i++)
		if (strcmp(registry->host, known_pairs[i].registry) == 0 &&
		    strcmp(origin, known_pairs[i].realm_origin) == 0)
			return true;
	return auth_realm_is_allowed(registry->host, origin);
}

static const HttpChallenge *find_challenge(GPtrArray *challenges, const char *scheme)
{
	for (size_t i = 0; i < challenges->len; i++) {
		const HttpChallenge *challenge = g_ptr_array_index(challenges, i);
		if (strcmp(challenge->scheme, scheme) == 0)
			return challenge;
	}
	return NULL;
}

static void challenge_free(void *data)
{
	http_challenge_free(data);
}

/* All challenges of an answer, over all its WWW-Authenticate headers. */
static GPtrArray *challenges_of(const HttpResponse *response)
{
	GPtrArray *challenges = g_ptr_array_new_with_free_func(challenge_free);
	for (size_t i = 0; i + 1 < response->headers->len; i += 2)
		if (strcmp(g_ptr_array_index(response->headers, i), "www-authenticate") == 0)
			http_challenges_parse(g_ptr_array_index(response->headers, i + 1),
					      challenges);
	return challenges;
}

/* What a token request may do at this realm. */
typedef struct {
	bool with_credentials;
	bool refuse_private;
	bool refuse_local;
} RealmRules;

/* May the realm be asked, with our credentials, and at which addresses? See the rules above. */
static bool judge_realm(Registry *registry, RealmRules *out, GError **error)
{
	g_autofree char *base = registry_url(registry, "");
	g_autofree char *ours = http_origin(base);
	g_autofree char *origin = http_origin(registry->realm);
	g_autofree char *shown = registry_text(registry->realm, strlen(registry->realm));
	if (!origin)
		return error_set(error, ENGINE_ERROR_DENIED,
				 "%s: the token server '%s' is not an http or https URL",
				 registry->name, shown);
	bool same = strcmp(origin, ours) == 0;
	if (!same && !g_str_has_prefix(origin, "https://") && wall_stands("realm-scheme"))
		return error_set(error, ENGINE_ERROR_DENIED,
				 "%s: the token server '%s' is not to be reached by HTTPS",
				 registry->name, shown);
	*out = (RealmRules){.with_credentials = same};
	if (!wall_stands("realm-origin"))
		*out = (RealmRules){.with_credentials = true};
	if (same || !wall_stands("realm-origin"))
		return true;

	bool known = is_known_pair(registry, origin);
	g_free(registry->foreign_realm);
	registry->foreign_realm = g_strdup(known ? NULL : origin);
	bool watched = registry->session->options.is_login;
	out->with_credentials = known || watched;
	out->refuse_private = !known && !watched;
	out->refuse_local = true;
	/* At a login a site's own token server is fine for a registry that is on that network too.
	 */
	if (watched && !known && (!registry->peer || !http_address_is_private(registry->peer)))
		out->refuse_private = true;
	return true;
}

static void append_scope(GString *query, const char *kind, const char *name, const char *actions)
{
	g_autofree char *scope = g_strdup_printf("%s:%s:%s", kind, name, actions);
	g_autofree char *escaped = http_escape(scope);
	g_string_append_printf(query, "&scope=%s", escaped);
}

/* "realm?service=...&scope=...", with '&' if the realm has a query already. */
static char *token_query(const Registry *registry, const char *account)
{
	GString *query = g_string_new(NULL);
	if (registry->service) {
		g_autofree char *service = http_escape(registry->service);
		g_string_append_printf(query, "&service=%s", service);
	}
	if (*registry->repository)
		append_scope(query, "repository", registry->repository,
			     registry->is_pushed_to ? "pull,push" : "pull");
	for (size_t i = 0; registry->sources && registry->sources[i]; i++)
		append_scope(query, "repository", registry->sources[i], "pull");
	if (registry->is_searched)
		append_scope(query, "registry", "catalog", "*");
	if (account) {
		g_autofree char *escaped = http_escape(account);
		g_string_append_printf(query, "&account=%s", escaped);
	}
	return g_string_free(query, FALSE);
}

/* Ask the realm: GET, or for a refresh token POST. */
static HttpResponse *ask_realm(Registry *registry, const RealmRules *rules, GError **error)
{
	const Credentials *ours = rules->with_credentials ? registry->credentials : NULL;
	bool refresh = ours && ours->identity_token;
	g_autofree char *query = token_query(registry, refresh || !ours ? NULL : ours->username);
	g_autofree char *form = NULL;
	g_autofree char *url = NULL;
	g_autofree char *basic = ours ? credentials_basic(ours) : NULL;
	if (refresh) {
		g_autofree char *token = http_escape(ours->identity_token);
		form = g_strdup_printf("grant_type=refresh_token&client_id=" CLIENT_ID
				       "&refresh_token=%s%s",
				       token, query);
		url = g_strdup(registry->realm);
	} else {
		bool has_query = strchr(registry->realm, '?') != NULL;
		url = g_strdup_printf("%s%s%s", registry->realm, has_query ? "&" : "?",
				      *query ? query + 1 : "");
	}
	registry->withheld = registry->credentials && !ours;
	HttpRequest request = {
		.url = url,
		.accept = "application/json",
		.authorization = basic,
		.form = form,
		.refuse_private_address = rules->refuse_private,
		.refuse_local_address = rules->refuse_local,
		.max_body = TOKEN_BODY_MAX,
		.total_seconds = TOKEN_SECONDS,
	};
	return registry_send(registry, &request, error);
}

/* A token goes into a header: visible characters only. */
static bool token_is_clean(const char *token)
{
	size_t length = strlen(token);
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isgraph(token[i]))
			return false;
	return length > 0 && length <= TOKEN_MAX_SIZE;
}

/* Put a new value of the header in force; @value is taken. */
static void set_authorization(Registry *registry, RegistryAuthKind kind, char *value)
{
	if (registry->authorization)
		explicit_bzero(registry->authorization, strlen(registry->authorization));
	g_free(registry->authorization);
	registry->authorization = value;
	registry->auth = kind;
	registry->generation++;
}

bool registry_take_token(Registry *registry, const HttpResponse *response, GError **error)
{
	g_autoptr(Json) json =
		js_parse(response->body->str, response->body->len, "token server's answer", error);
	const char *token = NULL, *access_token = NULL;
	int64_t life = TOKEN_LIFE_DEFAULT;
	if (!json)
		return false;
	if (!json_object_is_type(json, json_type_object) ||
	    !js_get_string(json, "token", &token, error) ||
	    !js_get_string(json, "access_token", &access_token, error) ||
	    !js_get_int(json, "expires_in", 0, 1 << 30, &life, error))
		return error && *error ? false
				       : error_set(error, ENGINE_ERROR_INVALID,
						   "token server's answer: expected an object");
	if (!token || !*token)
		token = access_token;
	if (!token || (!token_is_clean(token) && wall_stands("token-characters")))
		return error_set(error, ENGINE_ERROR_INVALID,
				 "%s: the token server gave no usable token", registry->name);
	set_authorization(registry, REGISTRY_AUTH_BEARER, g_strconcat("Bearer ", token, NULL));
	if (life < TOKEN_LIFE_DEFAULT)
		life = TOKEN_LIFE_DEFAULT;
	registry->token_expiry =
		g_get_monotonic_time() + (life - TOKEN_LIFE_MARGIN) * G_USEC_PER_SEC;
	return true;
}

/* Ask the realm of the challenge for a token, if the rules let us. */
static bool fetch_token(Registry *registry, GError **error)
{
	RealmRules rules = {0};
	if (!judge_realm(registry, &rules, error))
		return false;
	g_autoptr(HttpResponse) response = ask_realm(registry, &rules, error);
	if (!response) {
		g_prefix_error(error, "asking the token server of %s: ", registry->name);
		return false;
	}
	if (response->status >= 300 && response->status < 400 && wall_stands("realm-redirects"))
		return error_set(error, ENGINE_ERROR_DENIED,
				 "%s: its token server redirects, which is not allowed",
				 registry->name);
	registry->is_refused = response->status == 401 || response->status == 403;
	if (response->status != 200)
		return registry_set_status_error(registry, response, "asking its token server",
						 error);
	return registry_take_token(registry, response, error);
}

/* Answer a Basic challenge; a second one says that the password is wrong. */
static bool use_basic(Registry *registry, GError **error)
{
	g_autofree char *basic =
		registry->credentials ? credentials_basic(registry->credentials) : NULL;
	if (!basic || registry->auth == REGISTRY_AUTH_BASIC) {
		registry->is_refused = basic != NULL;
		error_set(error, ENGINE_ERROR_DENIED, "unauthorized: %s",
			  basic ? "the user name or password is wrong" : "authentication required");
		if (!basic)
			error_add_help(error, "skiff login %s", registry->host);
		return false;
	}
	set_authorization(registry, REGISTRY_AUTH_BASIC, g_steal_pointer(&basic));
	registry->token_expiry = 0;
	return true;
}

/* A challenge counts only from the registry itself, not from where it redirected to. */
static bool check_challenger(const Registry *registry, const HttpResponse *refused, GError **error)
{
	g_autofree char *base = registry_url(registry, "");
	g_autofree char *ours = http_origin(base);
	g_autofree char *theirs = http_origin(refused->url);
	if (g_strcmp0(ours, theirs) == 0 || !wall_stands("challenger"))
		return true;
	return error_set(error, ENGINE_ERROR_DENIED,
			 "%s redirects to '%s', which wants authentication (HTTP 401)",
			 registry->name, theirs ? theirs : "nowhere");
}

bool registry_authenticate(Registry *registry, const HttpResponse *refused, unsigned generation,
			   GError **error)
{
	if (!check_challenger(registry, refused, error))
		return false;
	if (registry->generation > generation)
		return true;
	g_autoptr(GPtrArray) challenges = challenges_of(refused);
	const HttpChallenge *bearer = find_challenge(challenges, "bearer");
	if (bearer && http_challenge_param(bearer, "realm")) {
		g_free(registry->realm);
		g_free(registry->service);
		registry->realm = g_strdup(http_challenge_param(bearer, "realm"));
		registry->service = g_strdup(http_challenge_param(bearer, "service"));
		return fetch_token(registry, error);
	}
	if (find_challenge(challenges, "basic"))
		return use_basic(registry, error);
	return error_set(error, ENGINE_ERROR_DENIED,
			 "%s: authentication required, in a way that skiff does not know",
			 registry->name);
}

bool registry_refresh(Registry *registry, GError **error)
{
	if (registry->auth != REGISTRY_AUTH_BEARER || registry->token_expiry == 0 ||
	    g_get_monotonic_time() < registry->token_expiry)
		return true;
	log_debug("%s: the token has expired", registry->name);
	return fetch_token(registry, error);
}
