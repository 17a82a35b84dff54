/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What templates must know about the reports of libpod/inspect: which of their objects are maps
 * that users fill, which null lists are empty lists, which strings are times.
 */
#pragma once

#include "cmd/template.h"

extern const TemplateSchema report_container_schema;
extern const TemplateSchema report_image_schema;
extern const TemplateSchema report_volume_schema;
extern const TemplateSchema report_secret_schema;
extern const TemplateSchema report_network_schema;
extern const TemplateSchema report_pod_schema;
extern const TemplateSchema report_info_schema;
