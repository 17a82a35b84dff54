/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that pull, push, login and search share: how to reach a registry and with what
 * credentials.
 */
#pragma once

#include "storage/registry.h"

typedef struct {
	const char *authfile;
	const char *compat_auth_file; /* instead: docker's */
	const char *cert_dir;
	const char *creds;
	const char *tls_verify;
	const char *retry;
	const char *retry_delay;
} RegistryArgs;

/** registry_args_auth() - where credentials are; INVALID for two files. */
bool registry_args_auth(const RegistryArgs *args, AuthSources *out, GError **error);

/**
 * registry_args_read() - fill RegistryOptions with defaults and what was given
 * @out_credentials:	from --creds-fd, NULL without; @out_options borrows it
 */
bool registry_args_read(const RegistryArgs *args, RegistryOptions *out_options,
			Credentials **out_credentials, GError **error);
