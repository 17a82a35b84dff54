/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/runtime/syscall_profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/runtime/privileges.h"

#define NESTED_CAPABILITY "SKIFF_NESTED"

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
	{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
	{"SCMP_ACT_LOG", SCMP_ACT_LOG},
	{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
};

static const struct {
	const char *name;
	enum scmp_compare op;
} operators[] = {
	{"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE},
	{"SCMP_CMP_GT", SCMP_CMP_GT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	{"SCMP_CMP_NE", SCMP_CMP_NE},
};

/* The names podman writes beside errnoRet, where it writes only them. */
static const struct {
	const char *name;
	int number;
} errno_names[] = {
	{"EACCES", EACCES}, {"EAFNOSUPPORT", EAFNOSUPPORT}, {"EINVAL", EINVAL},
	{"ENOSYS", ENOSYS}, {"EOPNOTSUPP", EOPNOTSUPP},     {"EPERM", EPERM},
};

/* System calls younger than the library. From 424 on every machine has the same numbers. */
static const struct {
	const char *name;
	int number;
} young_syscalls[] = {
	{"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
	{"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
	{"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
	{"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
	{"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
	{"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
	{"file_setattr", 469},
#ifdef __x86_64__
	{"uretprobe", 335},         {"uprobe", 336},
#endif
};

static int resolve_name(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	if (number != __NR_SCMP_ERROR)
		return number;
	for (size_t i = 0; i < G_N_ELEMENTS(young_syscalls); i++) {
		if (strcmp(name, young_syscalls[i].name) == 0)
			return young_syscalls[i].number;
	}
	return __NR_SCMP_ERROR;
}

void syscall_profile_free(SyscallProfile *profile)
{
	if (!profile)
		return;
	g_ptr_array_unref(profile->rules);
	g_free(profile);
}

/* The number an action returns: errnoRet, else the name, else EPERM. */
static bool parse_errno(Json *object, const char *number_key, const char *name_key, int *out,
			GError **error)
{
	int64_t number = -1;
	const char *name = NULL;
	if (!js_get_int(object, number_key, 0, 4095, &number, error) ||
	    !js_get_string(object, name_key, &name, error))
		return false;
	*out = number >= 0 ? (int)number : EPERM;
	if (number >= 0 || !name || !*name)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(errno_names); i++) {
		if (strcmp(name, errno_names[i].name) == 0) {
			*out = errno_names[i].number;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID, "%s: unknown error '%s'", name_key, name);
}

/* An action with the error it returns. */
static bool parse_action(Json *object, const char *action_key, const char *number_key,
			 const char *name_key, uint32_t *out, GError **error)
{
	const char *name = "";
	int number;
	if (!js_get_string(object, action_key, &name, error) ||
	    !parse_errno(object, number_key, name_key, &number, error))
		return false;
	if (strcmp(name, "SCMP_ACT_ERRNO") == 0) {
		*out = SCMP_ACT_ERRNO((uint32_t)number);
		return true;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (strcmp(name, actions[i].name) == 0) {
			*out = actions[i].action;
			return true;
		}
	}
	return error_set(error, ENGINE_ERROR_INVALID, "%s: unsupported action '%s'", action_key,
			 name);
}

static bool has_arch(const SyscallTarget *target, char **names)
{
	for (size_t i = 0; names && names[i]; i++) {
		if (g_strv_contains(target->arches, names[i]))
			return true;
	}
	return false;
}

/* An unknown capability is one that nobody has: profiles are newer than programs. */
static bool has_capability(const SyscallTarget *target, const char *name)
{
	int capability;
	if (strcmp(name, NESTED_CAPABILITY) == 0)
		return target->nested;
	return privileges_capability_parse(name, &capability, NULL) &&
	       (target->capabilities & (UINT64_C(1) << capability));
}

static bool parse_kernel(const char *text, const SyscallTarget *target, bool *out_reached,
			 GError **error)
{
	unsigned major, minor;
	char rest;
	if (sscanf(text, "%3u.%3u%c", &major, &minor, &rest) != 2)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "minKernel: expected 'major.minor', found '%s'", text);
	*out_reached = target->kernel_major > major ||
		       (target->kernel_major == major && target->kernel_minor >= minor);
	return true;
}

typedef struct {
	char **arches, **caps;
	const char *min_kernel;
} Filter;

static void filter_clear(Filter *filter)
{
	g_strfreev(filter->arches);
	g_strfreev(filter->caps);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Filter, filter_clear)

/* Read includes or excludes; a key that we do not know could mean anything, so it is refused. */
static bool parse_filter(Json *block, const char *key, Filter *filter, GError **error)
{
	Json *object = NULL;
	if (!js_get_object(block, key, &object, error))
		return false;
	if (!object)
		return true;
	json_object_object_foreach(object, name, value)
	{
		(void)value;
		if (strcmp(name, "arches") != 0 && strcmp(name, "caps") != 0 &&
		    strcmp(name, "minKernel") != 0)
			return error_set(error, ENGINE_ERROR_INVALID, "%s: unknown condition '%s'",
					 key, name);
	}
	return js_get_strv(object, "arches", &filter->arches, error) &&
	       js_get_strv(object, "caps", &filter->caps, error) &&
	       js_get_string(object, "minKernel", &filter->min_kernel, error);
}

/* Does the block count here? All of includes must hold, none of excludes. */
static bool check_block(Json *block, const SyscallTarget *target, bool *out_applies, GError **error)
{
	g_auto(Filter) includes = {0};
	g_auto(Filter) excludes = {0};
	bool reached = true, passed = false;
	if (!parse_filter(block, "includes", &includes, error) ||
	    !parse_filter(block, "excludes", &excludes, error) ||
	    (includes.min_kernel && !parse_kernel(includes.min_kernel, target, &reached, error)) ||
	    (excludes.min_kernel && !parse_kernel(excludes.min_kernel, target, &passed, error)))
		return false;
	bool applies = reached && !passed && !has_arch(target, excludes.arches) &&
		       (!includes.arches || !*includes.arches || has_arch(target, includes.arches));
	for (size_t i = 0; includes.caps && includes.caps[i]; i++)
		applies = applies && has_capability(target, includes.caps[i]);
	for (size_t i = 0; excludes.caps && excludes.caps[i]; i++)
		applies = applies && !has_capability(target, excludes.caps[i]);
	*out_applies = applies;
	return true;
}

/* A number up to 2^64 - 1; absent is 0. */
static bool parse_value(Json *object, const char *key, uint64_t *out, GError **error)
{
	Json *value = NULL;
	*out = 0;
	if (!json_object_object_get_ex(object, key, &value) || !value)
		return true;
	if (!json_object_is_type(value, json_type_int))
		return error_set(error, ENGINE_ERROR_INVALID, "%s: expected an integer", key);
	*out = json_object_get_uint64(value);
	return true;
}

/* One comparison of an argument. */
static bool parse_condition(Json *object, struct scmp_arg_cmp *out, GError **error)
{
	int64_t index = 0;
	const char *op = "";
	uint64_t value, value_two;
	if (!json_object_is_type(object, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "expected an object");
	if (!js_get_int(object, "index", 0, 5, &index, error) ||
	    !js_get_string(object, "op", &op, error) ||
	    !parse_value(object, "value", &value, error) ||
	    !parse_value(object, "valueTwo", &value_two, error))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(operators); i++) {
		if (strcmp(op, operators[i].name) != 0)
			continue;
		*out = (struct scmp_arg_cmp){.arg = (unsigned)index,
					     .op = operators[i].op,
					     .datum_a = value,
					     .datum_b = value_two};
		return true;
	}
	return error_set(error, ENGINE_ERROR_INVALID, "op: unknown operator '%s'", op);
}

static void add_rule(SyscallProfile *profile, const char *name, uint32_t action,
		     const struct scmp_arg_cmp *conditions, unsigned n)
{
	SyscallRule *rule = g_new0(SyscallRule, 1);
	rule->number = resolve_name(name);
	rule->action = action;
	rule->n_conditions = n;
	if (n > 0)
		memcpy(rule->conditions, conditions, n * sizeof *conditions);
	g_ptr_array_add(profile->rules, rule);
}

/* Conditions on different arguments must all hold; two on the same one are alternatives, as in
 * docker. */
static void add_rules(SyscallProfile *profile, const char *name, uint32_t action,
		      const GArray *conditions)
{
	unsigned seen = 0;
	bool alternatives = false;
	for (guint i = 0; i < conditions->len; i++) {
		unsigned bit = 1u << g_array_index(conditions, struct scmp_arg_cmp, i).arg;
		alternatives = alternatives || (seen & bit);
		seen |= bit;
	}
	const struct scmp_arg_cmp *all = (const struct scmp_arg_cmp *)(void *)conditions->data;
	for (guint i = 0; alternatives && i < conditions->len; i++)
		add_rule(profile, name, action, all + i, 1);
	if (!alternatives)
		add_rule(profile, name, action, all, conditions->len);
}

/* args of a block. */
static bool parse_conditions(Json *block, GArray *conditions, GError **error)
{
	Json *array = NULL;
	if (!js_get_array(block, "args", &array, error))
		return false;
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct scmp_arg_cmp condition;
		if (!parse_condition(json_object_array_get_idx(array, i), &condition, error)) {
			g_prefix_error(error, "args[%zu].", i);
			return false;
		}
		g_array_append_val(conditions, condition);
	}
	return true;
}

/* A block to rules, if its conditions hold here; it must be right in any case. */
static bool parse_block(Json *block, const SyscallTarget *target, SyscallProfile *profile,
			GError **error)
{
	bool applies;
	uint32_t action;
	const char *name = NULL;
	g_auto(GStrv) names = NULL;
	g_autoptr(GArray) conditions = g_array_new(FALSE, FALSE, sizeof(struct scmp_arg_cmp));
	if (!json_object_is_type(block, json_type_object))
		return error_set(error, ENGINE_ERROR_INVALID, "expected an object");
	if (!check_block(block, target, &applies, error) ||
	    !parse_action(block, "action", "errnoRet", "errno", &action, error) ||
	    !js_get_strv(block, "names", &names, error) ||
	    !js_get_string(block, "name", &name, error) ||
	    !parse_conditions(block, conditions, error))
		return false;
	if (!applies)
		return true;
	if (name)
		add_rules(profile, name, action, conditions);
	for (size_t i = 0; names && names[i]; i++)
		add_rules(profile, names[i], action, conditions);
	return true;
}

SyscallProfile *syscall_profile_parse(const char *text, size_t size, const char *what,
				      const SyscallTarget *target, GError **error)
{
	g_autoptr(Json) json = js_parse(text, size, what, error);
	if (!json)
		return NULL;
	g_autoptr(SyscallProfile) profile = g_new0(SyscallProfile, 1);
	profile->rules = g_ptr_array_new_with_free_func(g_free);
	Json *blocks = NULL;
	if (!parse_action(json, "defaultAction", "defaultErrnoRet", "defaultErrno",
			  &profile->default_action, error) ||
	    !js_get_array(json, "syscalls", &blocks, error)) {
		g_prefix_error(error, "%s: ", what);
		return NULL;
	}
	for (size_t i = 0; blocks && i < json_object_array_length(blocks); i++) {
		Json *block = json_object_array_get_idx(blocks, i);
		if (!parse_block(block, target, profile, error)) {
			g_prefix_error(error, "%s: syscalls[%zu].", what, i);
			return NULL;
		}
	}
	return g_steal_pointer(&profile);
}
