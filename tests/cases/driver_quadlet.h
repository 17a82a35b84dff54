/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of quadlet files, for the driver of cases.
 */
#pragma once

/**
 * run_quadlet() - translate files from stdin, parts as in a .quadlets file, named /q/NAME
 * @args:	"service" prints the services, "exec" their Exec lines alone, "system" is for the
 * system's systemd
 *
 * Return: the exit code: 1 if one of the files is wrong.
 */
int run_quadlet(char **args);
