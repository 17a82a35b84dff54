/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs.d: per-registry certificates (containers-certs.d(5)).
 *
 * DIR/HOST[:PORT]/ may hold *.crt (authorities, added to the system's), and NAME.cert with NAME.key
 * (a client certificate). First directory that exists: ~/.config/containers/certs.d,
 * /etc/containers/certs.d, /etc/docker/certs.d.
 */
#pragma once

#include "storage/http.h"

/**
 * certs_load() - the TLS settings for a host
 * @host:	"host" or "host:port"
 * @directory:	--cert-dir: this very directory instead of a certs.d one; NULL
 * @verify:	check the server's certificate
 */
HttpTls *certs_load(const char *host, const char *directory, bool verify, GError **error);
