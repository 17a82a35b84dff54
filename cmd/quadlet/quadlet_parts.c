/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the translations of several kinds have in common.
 */
#include <string.h>

#include "cmd/quadlet/quadlet_priv.h"
#include "cmd/quadlet/unit_words.h"
#include "libpod/base/suggest.h"

char *part_base(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && dot != name ? g_strndup(name, (size_t)(dot - name)) : g_strdup(name);
}

char *part_strip_quotes(const char *value)
{
	size_t length = strlen(value);
	char quote = *value;
	if (length < 2 || (quote != '"' && quote != '\'') || value[length - 1] != quote ||
	    memchr(value + 1, quote, length - 2))
		return g_strdup(value);
	return g_strndup(value + 1, length - 2);
}

char *part_resolve(const QuadletUnit *unit, const char *name)
{
	GString *resolved = g_string_new(NULL);
	for (; *name; name++) {
		if (name[0] != '%' || !name[1]) {
			g_string_append_c(resolved, *name);
			continue;
		}
		if (*++name != 'N')
			g_string_append_printf(resolved, "%%%c", *name);
		else
			g_string_append_printf(resolved, "%s%s", unit->service,
					       g_str_has_suffix(unit->service, "@") ? "%i" : "");
	}
	return g_string_free(resolved, FALSE);
}

char *part_named(const QuadletUnit *unit, const char *key)
{
	const char *value = unit_file_get(unit->file, quadlet_kind_section(unit->kind), key);
	if (value) {
		g_autofree char *name = part_strip_quotes(value);
		return part_resolve(unit, name);
	}
	g_autofree char *base = part_base(unit->name);
	char *at = strchr(base, '@');
	if (at)
		*at = '\0';
	return g_strconcat("systemd-", base, at ? "_%i" : "", NULL);
}

void part_set_default(Translation *work, const char *section, const char *key, const char *value)
{
	if (!unit_file_last(work->service, section, key))
		unit_file_add(work->service, section, key, value);
}

void part_oneshot(Translation *work, bool remain)
{
	part_set_default(work, "Service", "SyslogIdentifier", "%N");
	part_set_default(work, "Service", "Type", "oneshot");
	if (remain)
		part_set_default(work, "Service", "RemainAfterExit", "yes");
}

bool part_notify(Translation *work)
{
	const UnitLine *mode = unit_file_last(work->unit->file, "Service", "KillMode");
	if (mode && strcmp(mode->value, "mixed") != 0 && strcmp(mode->value, "control-group") != 0)
		quadlet_unit_problem(work->unit, false, mode, NULL,
				     "KillMode= must be mixed or control-group, not '%s'",
				     mode->value);
	part_set_default(work, "Service", "KillMode", "mixed");
	unit_file_add(work->service, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	part_set_default(work, "Service", "SyslogIdentifier", "%N");
	const UnitLine *type = unit_file_last(work->unit->file, "Service", "Type");
	if (type && strcmp(type->value, "oneshot") == 0)
		return false;
	if (type && strcmp(type->value, "notify") != 0)
		quadlet_unit_problem(work->unit, false, type, NULL,
				     "Type= must be notify or oneshot, not '%s'", type->value);
	unit_file_set(work->service, "Service", "Type", "notify");
	unit_file_set(work->service, "Service", "NotifyAccess", "all");
	return true;
}

/* Files with a similar name. */
static char *suggest_unit(const QuadletSet *set, const char *name)
{
	Suggestions near;
	suggest_init(&near, name);
	for (size_t i = 0; i < set->units->len; i++)
		suggest_offer(&near, ((const QuadletUnit *)set->units->pdata[i])->name);
	g_autofree char *text = suggest_text(&near, "");
	return text ? g_strdup_printf("did you mean %s?", text) : NULL;
}

/* The service of another unit; of a template, the instance that has the name of ours. g_free() it.
 */
static char *part_service(Translation *work, const UnitLine *line, const QuadletUnit *unit)
{
	if (!g_str_has_suffix(unit->service, "@"))
		return quadlet_unit_service_name(unit);
	if (!strchr(work->unit->name, '@'))
		quadlet_unit_problem(work->unit, false, line, NULL,
				     "'%s' is a template: only templates can refer to it",
				     unit->name);
	return g_strconcat(unit->service, "%i.service", NULL);
}

QuadletUnit *part_reference(Translation *work, const UnitLine *line, const char *name)
{
	QuadletUnit *unit = quadlet_set_lookup(work->set, name);
	if (!unit) {
		g_autofree char *hint = suggest_unit(work->set, name);
		quadlet_unit_problem(work->unit, false, line, hint, "there is no file '%s'", name);
		return NULL;
	}
	g_autofree char *service = part_service(work, line, unit);
	unit_file_add(work->service, "Unit", "Requires", service);
	unit_file_add(work->service, "Unit", "After", service);
	return unit;
}

char *part_path(const Translation *work, const char *path)
{
	bool specifier = path[0] == '%' && path[1] != '%';
	if (path[0] == '/' || specifier)
		return g_strdup(path);
	g_autofree char *directory = g_path_get_dirname(work->unit->path);
	return g_canonicalize_filename(path, directory);
}

void part_needs_mounts(Translation *work, const char *path)
{
	GString *quoted = g_string_new(NULL);
	unit_words_quote(quoted, path);
	unit_file_add(work->service, "Unit", "RequiresMountsFor", quoted->str);
	g_string_free(quoted, TRUE);
}

char *part_source(Translation *work, const UnitLine *line, const char *source, bool images)
{
	if (*source == '.' || *source == '/') {
		g_autofree char *path = part_path(work, source);
		part_needs_mounts(work, path);
		return g_steal_pointer(&path);
	}
	bool is_unit = g_str_has_suffix(source, ".volume") ||
		       (images &&
			(g_str_has_suffix(source, ".image") || g_str_has_suffix(source, ".build") ||
			 g_str_has_suffix(source, ".artifact")));
	if (!is_unit)
		return g_strdup(source);
	const QuadletUnit *unit = part_reference(work, line, source);
	if (unit && !unit->resource)
		quadlet_unit_problem(work->unit, false, line, NULL,
				     "what '%s' makes has no name that is known", source);
	return unit ? g_strdup(unit->resource) : NULL;
}

char *part_image(Translation *work)
{
	g_autofree char *image = work_get(work, "Image");
	if (!image || !(g_str_has_suffix(image, ".image") || g_str_has_suffix(image, ".build")))
		return g_steal_pointer(&image);
	const QuadletUnit *unit = part_reference(work, work_last(work, "Image"), image);
	return unit ? g_strdup(unit->resource) : NULL;
}

void part_wait_online(Translation *work, const char *image, const char *policy)
{
	const char *wish = unit_file_get(work->unit->file, "Quadlet", "DefaultDependencies");
	bool off = wish && (strcmp(wish, "no") == 0 || strcmp(wish, "false") == 0 ||
			    strcmp(wish, "off") == 0 || strcmp(wish, "0") == 0);
	if (off || (policy && strcmp(policy, "never") == 0))
		return;
	if (image && (g_str_has_prefix(image, "localhost/") || *image == '/'))
		return;
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	const char *fixed[] = {work->set->skiff, "quadlet", "wait-online"};
	for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
		g_ptr_array_add(words, (char *)fixed[i]);
	if (image && (!policy || strcmp(policy, "missing") == 0))
		g_ptr_array_add(words, (char *)image);
	g_autofree char *line = unit_words_join(words);
	g_autofree char *value = g_strconcat("-", line, NULL);
	unit_file_add(work->service, "Service", "ExecStartPre", value);
}

static bool is_url(const char *text)
{
	static const char *const prefixes[] = {"http://", "https://", "git://", "github.com/"};
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(text, prefixes[i]))
			return true;
	return false;
}

/* The file that SetWorkingDirectory=yaml or =file means; NULL after a problem. */
static const char *named_file(Translation *work, const char *wish)
{
	bool yaml = g_ascii_strcasecmp(wish, "yaml") == 0;
	const char *key = yaml ? "Yaml" : "File", *section = yaml ? "Kube" : "Build";
	if (strcmp(work->section, section) != 0) {
		work_fail(work, "SetWorkingDirectory", "SetWorkingDirectory=%s is for [%s]", wish,
			  section);
		return NULL;
	}
	const UnitLine *line = work_last(work, key);
	if (!line)
		work_fail(work, "SetWorkingDirectory", "SetWorkingDirectory=%s needs %s=", wish,
			  key);
	return line ? line->value : NULL;
}

char *part_working_directory(Translation *work)
{
	g_autofree char *wish = work_get(work, "SetWorkingDirectory");
	if (!wish)
		return NULL;
	const char *beside = NULL;
	g_autofree char *context = NULL;
	if (g_ascii_strcasecmp(wish, "unit") == 0) {
		beside = work->unit->path;
	} else if (g_ascii_strcasecmp(wish, "yaml") == 0 || g_ascii_strcasecmp(wish, "file") == 0) {
		beside = named_file(work, wish);
	} else if (strcmp(work->section, "Build") != 0) {
		work_fail(work, "SetWorkingDirectory", "SetWorkingDirectory= must be unit or yaml");
	} else {
		context = g_strdup(wish);
		beside = *context == '/' || is_url(context) ? NULL : work->unit->path;
	}
	if (!beside || is_url(beside) ||
	    unit_file_get(work->unit->file, "Service", "WorkingDirectory"))
		return g_steal_pointer(&context);
	g_autofree char *path = part_path(work, beside);
	g_autofree char *directory = g_path_get_dirname(path);
	unit_file_add(work->service, "Service", "WorkingDirectory", directory);
	return g_steal_pointer(&context);
}

/* Network= with a .network or .container file before the options. */
static void add_network(Translation *work, const UnitLine *line, const char *option)
{
	size_t length = strcspn(line->value, ":");
	g_autofree char *name = g_strndup(line->value, length);
	bool network = g_str_has_suffix(name, ".network");
	bool container = g_str_has_suffix(name, ".container");
	if (!network && !container) {
		work_add_option(work, option, line->value);
		return;
	}
	const QuadletUnit *unit = part_reference(work, line, name);
	if (!unit)
		return;
	if (!unit->resource || (container && line->value[length])) {
		quadlet_unit_problem(work->unit, false, line, NULL,
				     unit->resource ? "options cannot follow the network of '%s'"
						    : "what '%s' makes has no name that is known",
				     name);
		return;
	}
	g_autofree char *value = g_strconcat(container ? "container:" : "", unit->resource,
					     line->value + length, NULL);
	work_add_option(work, option, value);
}

void part_networks(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) lines = work_all(work, key->name);
	for (size_t i = 0; i < lines->len; i++)
		add_network(work, lines->pdata[i], key->option);
}

void part_volumes(Translation *work, const QuadletKey *key)
{
	g_autoptr(GPtrArray) lines = work_all(work, key->name);
	for (size_t i = 0; i < lines->len; i++) {
		const UnitLine *line = lines->pdata[i];
		const char *colon = strchr(line->value, ':');
		if (!colon || colon == line->value) {
			work_add_option(work, key->option, colon ? colon + 1 : line->value);
			continue;
		}
		g_autofree char *typed = g_strndup(line->value, (size_t)(colon - line->value));
		g_autofree char *source = part_source(work, line, typed, false);
		g_autofree char *value = source ? g_strconcat(source, colon, NULL) : NULL;
		if (value)
			work_add_option(work, key->option, value);
	}
}

/* "auto:uidmapping=...,size=..." or "keep-id:uid=...": Remap* keys from before UserNS=. */
static void add_remap_userns(Translation *work, const char *mode, const GPtrArray *uids,
			     const GPtrArray *gids)
{
	bool keep = strcmp(mode, "keep-id") == 0;
	if (keep && (uids->len > 1 || gids->len > 1)) {
		work_fail(work, "RemapUsers",
			  "RemapUsers=keep-id takes one RemapUid= and one RemapGid=");
		return;
	}
	g_autoptr(GPtrArray) options = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < uids->len; i++)
		g_ptr_array_add(options,
				g_strconcat(keep ? "uid=" : "uidmapping=", uids->pdata[i], NULL));
	for (size_t i = 0; i < gids->len; i++)
		g_ptr_array_add(options,
				g_strconcat(keep ? "gid=" : "gidmapping=", gids->pdata[i], NULL));
	g_autofree char *size = keep ? NULL : work_get(work, "RemapUidSize");
	if (size && strcmp(size, "0") != 0)
		g_ptr_array_add(options, g_strconcat("size=", size, NULL));
	g_ptr_array_add(options, NULL);
	g_autofree char *joined = g_strjoinv(",", (char **)options->pdata);
	g_autofree char *value = g_strconcat(mode, *joined ? ":" : "", joined, NULL);
	work_add_option(work, "--userns", value);
}

static void add_remap(Translation *work, const char *mode)
{
	g_autoptr(GPtrArray) uids = unit_file_words(work->unit->file, work->section, "RemapUid");
	g_autoptr(GPtrArray) gids = unit_file_words(work->unit->file, work->section, "RemapGid");
	if (strcmp(mode, "auto") == 0 || strcmp(mode, "keep-id") == 0) {
		add_remap_userns(work, mode, uids, gids);
		return;
	}
	if (strcmp(mode, "manual") != 0 || strcmp(work->section, "Kube") == 0) {
		work_fail(work, "RemapUsers", "RemapUsers=%s is not supported here", mode);
		return;
	}
	for (size_t i = 0; i < uids->len; i++)
		work_add(work, "--uidmap", uids->pdata[i], NULL);
	for (size_t i = 0; i < gids->len; i++)
		work_add(work, "--gidmap", gids->pdata[i], NULL);
}

void part_mappings(Translation *work, const QuadletKey *key)
{
	static const char *const old[] = {"RemapUsers", "RemapUid", "RemapGid"};
	static const char *const new[] = {"UserNS", "UIDMap", "GIDMap", "SubUIDMap", "SubGIDMap"};
	const char *used = NULL, *explicit = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(old); i++)
		used = !used && work_last(work, old[i]) ? old[i] : used;
	for (size_t i = 0; i < G_N_ELEMENTS(new); i++)
		explicit = work_last(work, new[i]) ? new[i] : explicit;
	if (!used)
		return;
	quadlet_unit_problem(work->unit, true, work_last(work, used), NULL,
			     "'%s' is an old key: use UserNS=, UIDMap= and GIDMap=", used);
	g_autofree char *mode = work_get(work, "RemapUsers");
	if (explicit)
		work_fail(work, used, "'%s' and '%s' exclude each other", used, explicit);
	else if (!mode)
		work_fail(work, used, "'%s' needs RemapUsers=", used);
	else
		add_remap(work, mode);
}
