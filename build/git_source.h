/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git repositories as sources: a build context, or what ADD takes.
 *
 *   https://host/app.git  https://host/app.git#ref:subdir  https://host/app.git?ref=v1&subdir=src
 *   ssh://user@host/app   git@host:app                      http://127.0.0.1/app.git
 *
 * The program git does the work, and what it may do is bounded (security 1.4): no protocol but
 * https and ssh, and http to this machine; no hooks, no submodules, no templates; a ref that is an
 * option, a refspec or no ref is refused before git sees it; the environment is made anew. The
 * subdirectory is looked up inside the clone, links too.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "build/context.h"

typedef struct {
	char *url;    /* without fragment and query */
	char *ref;    /* branch, tag or commit; NULL: the repository's HEAD */
	char *subdir; /* NULL: all */
	char *commit; /* what it must be: hex digits, at least 7; NULL: whatever it is */
	int keep_git; /* of "?keep-git-dir="; -1: not said */
} GitSource;

/** git_source_is() - does a text name a repository? */
bool git_source_is(const char *text);

/** git_source_parse() - take it apart. INVALID: hostile or unknown parts; UNSUPPORTED: a protocol
 * or a query that is known and not done. */
GitSource *git_source_parse(const char *text, const FetchEnv *env, GError **error);
void git_source_free(GitSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GitSource, git_source_free)

/** git_source_is_fixed() - is the ref a whole commit id, so that its content can only be one? */
bool git_source_is_fixed(const GitSource *source);

/**
 * git_source_checkout() - clone it below env->work_fd
 * @keep_git:	leave .git in it
 * @out_commit:	40 or 64 hex digits; may be NULL
 * @out_time:	when it was committed, seconds; may be NULL
 * @error:	UNREACHABLE with git's own words; NOT_FOUND: no such subdirectory; INVALID: it is
 *not the commit that was asked for
 *
 * Return: a descriptor of the directory (of @subdir in it), O_RDONLY; -1 with @error.
 */
int git_source_checkout(const GitSource *source, const FetchEnv *env, bool keep_git,
			char **out_commit, int64_t *out_time, GError **error);
