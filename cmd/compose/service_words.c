/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/service_words.h"

#include <string.h>

#include "libpod/base/log.h"

char *service_container(const ComposeProject *project, const char *service)
{
	const Node *services = node_get(project->model, "services");
	const char *said = node_string(node_get(services, service), "container_name");
	return said ? g_strdup(said) : g_strdup_printf("%s-%s-1", project->name, service);
}

char *service_namespace(const ComposeProject *project, const char *text)
{
	if (!g_str_has_prefix(text, "service:"))
		return g_strdup(text);
	g_autofree char *name = service_container(project, text + strlen("service:"));
	return g_strconcat("container:", name, NULL);
}

char *service_volumes_from(const ComposeProject *project, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 2);
	if (g_str_has_prefix(text, "container:"))
		return g_strdup(parts[1]);
	g_autofree char *name = service_container(project, parts[0]);
	return g_strconcat(name, parts[1] ? ":" : "", parts[1], NULL);
}

const char *service_platform(const ComposeProject *project, const Node *service)
{
	const char *own = node_string(service, "platform");
	const char *other = environment_lookup(project->env, "DOCKER_DEFAULT_PLATFORM");
	return own ? own : other && *other ? other : NULL;
}

const char *service_link_alias(const char *text)
{
	const char *colon = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool same = colon && strlen(colon + 1) == length && strncmp(text, colon + 1, length) == 0;
	return colon && !same ? colon + 1 : NULL;
}

ServiceRestart service_restart(const Node *service)
{
	const Node *policy = node_get(node_get(service, "deploy"), "restart_policy");
	const Node *attempts = node_get(policy, "max_attempts");
	const char *said =
		policy ? node_string(policy, "condition") : node_string(service, "restart");
	const char *word = said ? said : policy ? "any" : "no", *colon = strchr(word, ':');
	ServiceRestart restart = {SERVICE_RESTART_ALWAYS, -1};
	if (strcmp(word, "no") == 0 || strcmp(word, "none") == 0)
		restart.kind = SERVICE_RESTART_NEVER;
	else if (g_str_has_prefix(word, "on-failure"))
		restart.kind = SERVICE_RESTART_ON_FAILURE;
	if (node_is(attempts, NODE_INT))
		restart.attempts = attempts->integer;
	else if (colon && g_ascii_isdigit(colon[1]))
		restart.attempts = g_ascii_strtoll(colon + 1, NULL, 10);
	return restart;
}

const char *service_port_protocol(const Node *port)
{
	const char *protocol = node_string(port, "protocol");
	return protocol ? protocol : "tcp";
}

int64_t service_port_published(const Node *port, bool *out_is_range)
{
	const char *published = node_string(port, "published");
	int64_t number = published ? g_ascii_strtoll(published, NULL, 10) : -1;
	*out_is_range = published && strchr(published, '-');
	return number > 0 ? number : -1;
}

char *service_port_text(const Node *port, const char *published)
{
	const char *ip = node_string(port, "host_ip");
	bool v6 = ip && strchr(ip, ':');
	/* docker's word for any free one. */
	if (g_strcmp0(published, "0") == 0)
		published = NULL;
	return g_strdup_printf("%s%s%s%s%s%s%" G_GINT64_FORMAT "/%s", v6 ? "[" : "", ip ? ip : "",
			       v6 ? "]" : "", ip ? ":" : "", published ? published : "",
			       published || ip ? ":" : "", node_get(port, "target")->integer,
			       service_port_protocol(port));
}

/* What means something to a swarm alone. */
static void tell_of_deploy(const char *name, const Node *service)
{
	static const char *const paths[] = {
		"endpoint_mode",
		"labels",
		"placement",
		"resources.reservations.cpus",
		"resources.reservations.generic_resources",
		"rollback_config",
		"update_config",
	};
	const Node *deploy = node_get(service, "deploy");
	g_autoptr(GString) found = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_auto(GStrv) keys = g_strsplit(paths[i], ".", -1);
		const Node *node = deploy;
		for (size_t k = 0; keys[k]; k++)
			node = node_get(node, keys[k]);
		if (node && !(node_is(node, NODE_MAP) && node_count(node) == 0))
			g_string_append_printf(found, "%s%s", found->len ? ", " : "", paths[i]);
	}
	const char *mode = node_string(deploy, "mode");
	if (mode && strcmp(mode, "replicated") != 0)
		g_string_append_printf(found, "%smode", found->len ? ", " : "");
	if (found->len > 0)
		log_warn("service \"%s\": of deploy a swarm alone knows: %s", name, found->str);
}

/* As docker does where it finds cgroup version 2. */
static void tell_of_memory(const char *name, const Node *service)
{
	const Node *said = node_get(service, "mem_swappiness");
	bool swappiness = said && !node_is(said, NODE_NULL);
	bool oom = node_true(service, "oom_kill_disable");
	if (swappiness || oom)
		log_warn("service \"%s\": only cgroup version 1 has %s%s%s: ignored", name,
			 swappiness ? "mem_swappiness" : "", swappiness && oom ? ", " : "",
			 oom ? "oom_kill_disable" : "");
}

/* A file of the host is bound: it keeps its owner and mode. */
static void tell_of_files(const ComposeProject *project, const char *name, const Node *service)
{
	static const char *const kinds[] = {"configs", "secrets"};
	for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
		const Node *uses = node_get(service, kinds[k]);
		const Node *objects = node_get(project->model, kinds[k]);
		for (size_t i = 0; i < node_count(uses); i++) {
			const Node *use = node_item(uses, i);
			const char *source = node_string(use, "source");
			if (node_get(node_get(objects, source), "file") &&
			    (node_get(use, "uid") || node_get(use, "gid") || node_get(use, "mode")))
				log_warn("service \"%s\": %s: %s is a file of the host: uid, gid "
					 "and "
					 "mode are ignored",
					 name, kinds[k], source);
		}
	}
}

void service_tell_ignored(const ComposeProject *project, const char *name, const Node *service)
{
	tell_of_deploy(name, service);
	tell_of_memory(name, service);
	tell_of_files(project, name, service);
}
