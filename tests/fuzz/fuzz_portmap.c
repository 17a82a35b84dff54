/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A -p value, an EXPOSE value, an --add-host value and a --network value, all from the same text.
 * What is accepted must be in range and survive its JSON form; what is refused must be refused in
 * printable words.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "network/portmap.h"
#include "network/resolv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(GError *error)
{
	g_assert_nonnull(error);
	for (const char *at = error->message; *at; at++)
		g_assert_true(*at == '\n' || !g_ascii_iscntrl(*at));
	g_error_free(error);
}

static void check_mapping(PortMapping *mapping)
{
	g_autoptr(GPtrArray) ports =
		g_ptr_array_new_with_free_func((GDestroyNotify)port_mapping_free);

	g_assert_cmpuint(mapping->container_port, >=, 1);
	g_assert_cmpuint(mapping->count, >=, 1);
	g_assert_cmpuint((uint32_t)mapping->container_port + mapping->count, <=, 65536);
	g_assert_cmpuint((uint32_t)mapping->host_port + mapping->count, <=, 65536);
	g_ptr_array_add(ports, mapping);
	g_assert_true(portmap_check(ports, NULL));
	g_autofree char *shown = portmap_format(ports);
	g_assert_nonnull(shown);
	g_autoptr(Json) json = port_mappings_to_json(ports);
	g_autoptr(GPtrArray) again = port_mappings_from_json(json, NULL);
	g_assert_nonnull(again);
	g_assert_true(port_mapping_equal(mapping, g_ptr_array_index(again, 0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(NetworkRequest) request = network_request_new();
	GError *error = NULL;

	PortMapping *mapping = portmap_parse(text, &error);
	if (mapping)
		check_mapping(mapping);
	else
		check_error(g_steal_pointer(&error));
	mapping = portmap_parse_expose(text, &error);
	if (mapping)
		check_mapping(mapping);
	else
		check_error(g_steal_pointer(&error));
	if (!hosts_check_add_host(text, &error))
		check_error(g_steal_pointer(&error));
	if (!network_request_parse(text, request, &error))
		g_clear_error(&error);
	return 0;
}
