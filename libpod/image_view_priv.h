/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What image_view.c (mounts) and image_view_diff.c share.
 */
#pragma once

#include "libpod/image_view.h"

/**
 * image_view_prepare() - what has to be there before image_view_open(): an empty directory, since
 * an overlay without a layer to write to wants two others
 */
bool image_view_prepare(Engine *engine, GError **error);

/**
 * image_view_open() - the first @n layers of an image as a detached, read-only mount
 * @store_fd:	the store, opened in this mount namespace
 *
 * In the user's namespaces. Return: descriptor or -1.
 */
int image_view_open(int store_fd, const Image *image, size_t n, GError **error);
