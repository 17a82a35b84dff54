/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program skiff-monitor, but for its main().
 */
#pragma once

/**
 * monitor_main() - be a container's monitor: descriptors MONITOR_FD_* are in place
 *
 * Return: the process' exit code, if the clean-up verb could not take its place.
 */
int monitor_main(void);
