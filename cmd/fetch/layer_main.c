/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff-layer: works on one layer's directory inside a jail. See storage/layer_child.h.
 */
#include "libpod/base/log.h"
#include "storage/layer_child.h"

int main(int argc, char **argv)
{
	log_init(LOG_LEVEL_WARN, "layer");
	return layer_child_main(argc, argv);
}
