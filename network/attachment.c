/* SPDX-License-Identifier: Apache-2.0 */
#include "network/attachment.h"

#include <string.h>

#include "libpod/base/error.h"
#include "network/subnet.h"

NetworkAttachment *attachment_new(const char *name)
{
	NetworkAttachment *attachment = g_new0(NetworkAttachment, 1);

	attachment->name = g_strdup(name);
	return attachment;
}

void attachment_free(NetworkAttachment *attachment)
{
	if (!attachment)
		return;
	g_free(attachment->name);
	g_free(attachment->ip);
	g_free(attachment->ip6);
	g_free(attachment->mac);
	g_free(attachment->interface);
	g_strfreev(attachment->aliases);
	g_strfreev(attachment->links);
	g_strfreev(attachment->dns);
	network_plan_free(attachment->plan);
	g_free(attachment);
}

NetworkAttachment *attachments_find(const GPtrArray *attachments, const char *name)
{
	for (guint i = 0; i < attachments->len; i++) {
		NetworkAttachment *one = attachments->pdata[i];
		if (strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

char **attachments_names(const GPtrArray *attachments)
{
	char **names = g_new0(char *, attachments->len + 1);

	for (guint i = 0; i < attachments->len; i++)
		names[i] = g_strdup(((const NetworkAttachment *)attachments->pdata[i])->name);
	return names;
}

static bool has_interface(const GPtrArray *attachments, const char *name)
{
	for (guint i = 0; i < attachments->len; i++)
		if (g_strcmp0(((const NetworkAttachment *)attachments->pdata[i])->interface,
			      name) == 0)
			return true;
	return false;
}

void attachments_name_interfaces(GPtrArray *attachments)
{
	for (guint i = 0; i < attachments->len; i++) {
		NetworkAttachment *one = attachments->pdata[i];
		for (unsigned n = 0; !one->interface; n++) {
			g_autofree char *name = g_strdup_printf("eth%u", n);
			if (!has_interface(attachments, name))
				one->interface = g_steal_pointer(&name);
		}
	}
}

bool attachment_set_ip(NetworkAttachment *attachment, const char *text, GError **error)
{
	struct in6_addr address6;
	uint32_t address;
	char **field = address4_parse(text, &address)    ? &attachment->ip
		       : address6_parse(text, &address6) ? &attachment->ip6
							 : NULL;

	if (!field) {
		g_autofree char *shown = g_strescape(text, NULL);
		return error_set(error, ENGINE_ERROR_INVALID, "invalid IP address %s", shown);
	}
	g_free(*field);
	*field = g_strdup(text);
	return true;
}

bool attachment_set_mac(NetworkAttachment *attachment, const char *text, GError **error)
{
	uint8_t mac[6];

	if (!mac_parse(text, mac)) {
		g_autofree char *shown = g_strescape(text, NULL);
		return error_set(error, ENGINE_ERROR_INVALID, "address %s: invalid MAC address",
				 shown);
	}
	g_free(attachment->mac);
	attachment->mac = mac_format(mac);
	return true;
}

static bool is_name(const char *text, size_t length)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	return length > 0 && length <= 253 && strspn(text, letters) >= length;
}

/* Add @text, if it is @good. */
static bool add_word(char ***list, const char *text, bool good, const char *what, GError **error)
{
	if (!good) {
		g_autofree char *shown = g_strescape(text, NULL);
		return error_set(error, ENGINE_ERROR_INVALID, "invalid network %s \"%s\"", what,
				 shown);
	}
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	if (*list)
		g_strv_builder_addv(all, (const char **)*list);
	g_strv_builder_add(all, text);
	g_strfreev(*list);
	*list = g_strv_builder_end(all);
	return true;
}

bool attachment_add_alias(NetworkAttachment *attachment, const char *text, GError **error)
{
	return add_word(&attachment->aliases, text, is_name(text, strlen(text)), "alias", error);
}

bool attachment_add_link(NetworkAttachment *attachment, const char *text, GError **error)
{
	size_t name = strcspn(text, ":");
	const char *alias = text[name] ? text + name + 1 : "";
	bool good = is_name(text, name) && is_name(alias, strlen(alias));

	return add_word(&attachment->links, text, good, "link (NAME:ALIAS)", error);
}

/* interface_name=: what the kernel takes for one, and not lo. */
static bool set_interface(NetworkAttachment *attachment, const char *name, GError **error)
{
	size_t length = strlen(name);
	bool good = length > 0 && length < 16 && strcmp(name, "lo") != 0 && *name != '.';

	for (const char *at = name; good && *at; at++)
		good = g_ascii_isalnum(*at) || *at == '-' || *at == '_' || *at == '.';
	if (!good) {
		g_autofree char *shown = g_strescape(name, NULL);
		return error_set(error, ENGINE_ERROR_INVALID, "invalid interface name \"%s\"",
				 shown);
	}
	g_free(attachment->interface);
	attachment->interface = g_strdup(name);
	return true;
}

/* podman takes several addresses of a family; a second would be forgotten here. */
static bool add_ip(NetworkAttachment *attachment, const char *value, GError **error)
{
	bool v6 = strchr(value, ':');

	if (v6 ? attachment->ip6 != NULL : attachment->ip != NULL)
		return error_set(error, ENGINE_ERROR_UNSUPPORTED,
				 "several static addresses of a family are not supported: %s",
				 value);
	return attachment_set_ip(attachment, value, error);
}

bool attachment_parse_options(NetworkAttachment *attachment, const char *text, GError **error)
{
	g_auto(GStrv) options = g_strsplit(text, ",", -1);

	for (size_t i = 0; options[i]; i++) {
		const char *equals = strchr(options[i], '=');
		g_autofree char *key = equals ? g_strndup(options[i], (size_t)(equals - options[i]))
					      : g_strdup(options[i]);
		const char *value = equals ? equals + 1 : "";
		bool ok;

		if (strcmp(key, "ip") == 0 || strcmp(key, "ip6") == 0)
			ok = add_ip(attachment, value, error);
		else if (strcmp(key, "mac") == 0)
			ok = attachment_set_mac(attachment, value, error);
		else if (strcmp(key, "alias") == 0)
			ok = attachment_add_alias(attachment, value, error);
		else if (strcmp(key, "link") == 0)
			ok = attachment_add_link(attachment, value, error);
		else if (strcmp(key, "interface_name") == 0)
			ok = set_interface(attachment, value, error);
		else if (strcmp(key, "host_interface_name") == 0)
			ok = error_set(error, ENGINE_ERROR_UNSUPPORTED,
				       "the network option \"%s\" is not supported: the other end "
				       "is not on the host",
				       key);
		else
			ok = error_set(error, ENGINE_ERROR_INVALID, "invalid bridge option \"%s\"",
				       key);
		if (!ok)
			return false;
	}
	return true;
}

Json *attachment_to_json(const NetworkAttachment *attachment)
{
	Json *json = json_object_new_object();

	js_set_string(json, "name", attachment->name);
	js_set_string(json, "ip", attachment->ip);
	js_set_string(json, "ip6", attachment->ip6);
	js_set_string(json, "mac", attachment->mac);
	js_set_string(json, "interface", attachment->interface);
	if (attachment->aliases)
		js_set_take(json, "aliases",
			    js_from_strv((const char *const *)attachment->aliases));
	if (attachment->links)
		js_set_take(json, "links", js_from_strv((const char *const *)attachment->links));
	if (attachment->dns)
		js_set_take(json, "dns", js_from_strv((const char *const *)attachment->dns));
	if (attachment->plan)
		js_set_take(json, "plan", network_plan_to_json(attachment->plan));
	return json;
}

NetworkAttachment *attachment_from_json(Json *json, GError **error)
{
	g_autoptr(NetworkAttachment) attachment = attachment_new(NULL);
	g_auto(GStrv) links = NULL;
	Json *plan = NULL;

	if (!js_dup_string(json, "name", &attachment->name, error) ||
	    !js_dup_string(json, "ip", &attachment->ip, error) ||
	    !js_dup_string(json, "ip6", &attachment->ip6, error) ||
	    !js_dup_string(json, "mac", &attachment->mac, error) ||
	    !js_dup_string(json, "interface", &attachment->interface, error) ||
	    !js_get_strv(json, "aliases", &attachment->aliases, error) ||
	    !js_get_strv(json, "links", &links, error) ||
	    !js_get_strv(json, "dns", &attachment->dns, error) ||
	    !js_get_object(json, "plan", &plan, error))
		return NULL;
	if (!attachment->name)
		return error_set_null(error, ENGINE_ERROR_INVALID, "a network without a name");
	for (char **link = links; link && *link; link++)
		if (!attachment_add_link(attachment, *link, error))
			return NULL;
	if (plan && !(attachment->plan = network_plan_from_json(plan, error)))
		return NULL;
	return g_steal_pointer(&attachment);
}

Json *attachments_to_json(const GPtrArray *attachments)
{
	Json *array = json_object_new_array();

	for (guint i = 0; i < attachments->len; i++)
		json_object_array_add(array, attachment_to_json(attachments->pdata[i]));
	return array;
}

GPtrArray *attachments_from_json(Json *array, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)attachment_free);

	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		Json *row = json_object_array_get_idx(array, i);
		if (!json_object_is_type(row, json_type_object))
			return error_set_null(error, ENGINE_ERROR_INVALID,
					      "networks[%zu]: expected an object", i);
		NetworkAttachment *one = attachment_from_json(row, error);
		if (!one)
			return NULL;
		g_ptr_array_add(all, one);
	}
	return g_steal_pointer(&all);
}
