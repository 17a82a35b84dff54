/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Are you sure?" of the verbs that remove many things at once.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * confirm_ask() - print @warning and ask
 * @error:	CANCELLED "EOF" where there is nobody to answer
 *
 * Return: true for an answer that begins with y or Y; false without @error for another.
 */
bool confirm_ask(const char *warning, GError **error);
