/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --log-opt tag= and label=: text with the fields of a container in it.
 */
#pragma once

#include <glib.h>

#include "libpod/spec.h"

/**
 * log_tag_expand() - put the container's fields in place of {{.ID}}, {{.FullID}}, {{.Name}},
 * {{.ImageName}}, {{.Image}}, {{.ImageID}}
 * @tag:	NULL gives NULL
 * @id:		whole; "" to check the tag before there is a container
 * @error:	INVALID for anything else in braces
 *
 * Return: g_free() it.
 */
char *log_tag_expand(const char *tag, const ContainerSpec *spec, const char *id, GError **error);

/** log_label_check() - is a label, as typed, LABEL=VALUE with a name that a journal's field may
 * have and that we don't set ourselves? INVALID, in conmon's words. */
bool log_label_check(const char *label, const ContainerSpec *spec, GError **error);
