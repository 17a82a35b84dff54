/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `build --check`: the 22 rules of docker's frontend over a parsed file. Nothing is built; what a
 * rule would have to know of the world (an image's environment, the ignore file) is asked of the
 * caller, and the rule keeps silent where the answer is "unknown". Docker also reports
 * ${x:-default} as undefined; here who gives a default has said what x is without a value.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/dockerfile_parse.h"
#include "build/dockerignore.h"
#include "build/stages.h"

typedef struct {
	bool skip_all, experimental_all;
	bool error;          /* a finding fails the build */
	char **skip;         /* names of rules; NULL if none */
	char **experimental; /* rules that are off by default and wanted; NULL if none */
} CheckConfig;

/**
 * check_config_parse() - what "# check=" or --check says: "skip=A,B;error=true", "skip=all"
 * @text:	NULL or "" gives the default
 * @error:	INVALID: an unknown key or rule
 */
bool check_config_parse(const char *text, CheckConfig *out, GError **error);
void check_config_clear(CheckConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CheckConfig, check_config_clear)

typedef struct {
	const char *const *env; /* NAME=VALUE of its config */
	const char *platform;   /* "linux/amd64"; NULL if it is not known */
} CheckImage;

typedef struct {
	ScopeInputs scope;
	/* What is known of an image; NULL: nothing. May itself be NULL. */
	const CheckImage *(*image)(const char *name, void *data);
	void *data;
	const Dockerignore *ignore;  /* NULL if there is none */
	const char *target_platform; /* NULL if no rule shall ask */
} CheckInputs;

#define CHECK_FINDINGS_MAX 1000 /* more are not looked for */

typedef struct {
	const char *rule; /* static */
	unsigned line;
	char *message;
} CheckFinding;

/**
 * check_run() - apply all rules
 * @graph:	of @file; NULL if its stages could not be resolved: rules that need it are left out
 *
 * Return: CheckFinding *, in the order of the lines. g_ptr_array_unref() it.
 */
GPtrArray *check_run(const Dockerfile *file, const StageGraph *graph, const CheckConfig *config,
		     const CheckInputs *inputs);

/** check_rules() - names of all rules, NULL-terminated. */
const char *const *check_rules(void);
