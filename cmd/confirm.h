/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Are you sure?" of the verbs that remove many things at once.
 */
#pragma once

#include <stdbool.h>

/**
 * confirm_ask() - print @warning and ask
 *
 * Return: true for an answer that begins with y or Y; the end of the input means no.
 */
bool confirm_ask(const char *warning);
