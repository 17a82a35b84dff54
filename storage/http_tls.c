/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TLS is talked to one host: authorities, client certificate, what is checked.
 */
#include <curl/curl.h>
#include <string.h>

#include "libpod/base/wall.h"
#include "storage/http_priv.h"

void http_tls_free(HttpTls *tls)
{
	if (!tls)
		return;
	g_free(tls->ca_pem);
	g_free(tls->cert_path);
	g_free(tls->key_path);
	g_free(tls);
}

/* Debian and others keep the authorities hashed by name: loading 140 of them from one file costs 20
 * ms. */
static bool has_hashed_authorities(void)
{
	static const char directory[] = "/etc/ssl/certs";
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));)
		if (g_str_has_suffix(name, ".0"))
			return true;
	return false;
}

/* The authorities to trust: the user's variables, else the system's directory, else libcurl's
 * default. */
static void set_authorities(CURL *easy)
{
	static int hashed = -1;
	const char *file = g_getenv("SSL_CERT_FILE");
	const char *directory = g_getenv("SSL_CERT_DIR");
	if (hashed < 0)
		hashed = has_hashed_authorities();
	if (file || directory) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, directory);
	} else if (hashed) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, "/etc/ssl/certs");
	}
}

void http_tls_apply(void *easy, const HttpTls *tls)
{
	bool verify = !tls || tls->verify;
	verify = verify && wall_stands("certificates");
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	set_authorities(easy);
	struct curl_blob blob = {0};
	if (tls && tls->ca_pem) {
		blob.data = tls->ca_pem;
		blob.len = strlen(tls->ca_pem);
		blob.flags = CURL_BLOB_COPY;
	}
	curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, blob.data ? &blob : NULL);
	curl_easy_setopt(easy, CURLOPT_SSLCERT, tls ? tls->cert_path : NULL);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, tls ? tls->key_path : NULL);
}
