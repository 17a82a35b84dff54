/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammars of build/, for the driver of tests/cases.
 */
#pragma once

/** run_dockerfile() - stdin is a Dockerfile: print its instructions. */
int run_dockerfile(char **args);

/** run_stages() - stdin is a Dockerfile; ARGS: [--target NAME] [--context NAME] [NAME=VALUE ...].
 */
int run_stages(char **args);

/** run_expand() - stdin is a text; ARGS: word|words|heredoc|backtick [NAME=VALUE ...]. */
int run_expand(char **args);

/** run_dockerignore() - stdin is a .dockerignore; ARGS: paths, a slash behind directories. */
int run_dockerignore(char **args);

/** run_check() - stdin is a Dockerfile; ARGS: what a check directive may say. Only the image
 * "debian" is known, *.o and secret are ignored. */
int run_check(char **args);
