/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shells' scripts of contrib/completions; meson makes the strings.
 */
#pragma once

extern const char completion_bash[];
extern const char completion_fish[];
extern const char completion_zsh[];
