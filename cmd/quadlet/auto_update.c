/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto-update: new images for running containers that ask for them by a label, as podman does it.
 *
 * A container whose label io.containers.autoupdate says "registry" is out of date when its image's
 * name has another digest at the registry; one that says "local" when the name leads to another
 * image here. Its image is pulled, and the unit that its label PODMAN_SYSTEMD_UNIT names is
 * restarted, once for all containers of a unit; systemd tells whether that went well, so a service
 * that counts as started when the container says so (--sdnotify) is tested by it. If not, the names
 * go back to the images that ran before, and the unit is restarted again. Killed in between, the
 * next run goes on: a name that leads to a pulled image which no unit runs is "local" news, and
 * what has been pulled is not fetched twice.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/image/fetch_args.h"
#include "cmd/output.h"
#include "cmd/quadlet/quadlet_verb.h"
#include "libpod/base/error.h"
#include "libpod/base/json.h"
#include "libpod/base/wall.h"
#include "libpod/container.h"
#include "libpod/events.h"
#include "storage/image.h"
#include "storage/reference.h"

#define LABEL_POLICY "io.containers.autoupdate"
#define LABEL_AUTH   "io.containers.autoupdate.authfile"
#define LABEL_UNIT   "PODMAN_SYSTEMD_UNIT"

typedef struct {
	RegistryOptionValues registry;
	const char *format;
	bool dry_run, rollback;
} UpdateOptions;

static const Option options[] = {
	{0, "authfile", OPTION_VALUE, option_set_string, "FILE",
	 "Read credentials from here; a container's label counts more",
	 offsetof(UpdateOptions, registry.authfile), OPTION_COMMON},
	{0, "dry-run", OPTION_FLAG, option_set_flag, NULL, "Only say what would be updated",
	 offsetof(UpdateOptions, dry_run), OPTION_COMMON},
	{0, "format", OPTION_VALUE, option_set_string, "FORMAT",
	 "json, jsonl, table or a Go template", offsetof(UpdateOptions, format), OPTION_COMMON},
	{0, "rollback", OPTION_FLAG, option_set_flag, NULL,
	 "Go back to the old image when the unit does not start (default true)",
	 offsetof(UpdateOptions, rollback), OPTION_COMMON},
	{0, "tls-verify", OPTION_TRISTATE, option_set_tristate, NULL,
	 "Ask for HTTPS with a valid certificate (default true)",
	 offsetof(UpdateOptions, registry.tls_verify), OPTION_COMMON},
	{0},
};

static const OptionGroup group = {NULL, options};

typedef enum {
	POLICY_NONE,
	POLICY_REGISTRY,
	POLICY_LOCAL,
} Policy;

static const char *const policy_names[] = {
	[POLICY_NONE] = "", [POLICY_REGISTRY] = "registry", [POLICY_LOCAL] = "local"};

/* One container that asks for updates. */
typedef struct {
	Container *ctr;
	const ContainerSummary *summary; /* borrowed from it */
	const char *unit, *authfile;     /* borrowed from its labels; authfile may be NULL */
	char *image;                     /* the name it was made from, as typed */
	Policy policy;
	bool updated;       /* a new image is there */
	const char *status; /* "true" "false" "failed" "pending" "rolled back" */
} Task;

typedef struct {
	Engine *engine;
	const UpdateOptions *opts;
	GPtrArray *tasks; /* of Task */
	bool failed;
} Update;

static void task_free(void *data)
{
	Task *task = data;
	container_free(task->ctr);
	g_free(task->image);
	g_free(task);
}

/* Say what went wrong with one container or unit; the others go on. */
static void fail(Update *update, const GError *error)
{
	output_flush();
	output_error(error);
	update->failed = true;
}

/* What the label says. INVALID in podman's words. */
static bool read_policy(const ContainerSummary *summary, Policy *out, GError **error)
{
	const char *text = g_hash_table_lookup(summary->labels, LABEL_POLICY);
	*out = POLICY_NONE;
	if (!text || !*text || strcmp(text, "disabled") == 0)
		return true;
	*out = strcmp(text, "registry") == 0 || strcmp(text, "image") == 0 ? POLICY_REGISTRY
	       : strcmp(text, "local") == 0                                ? POLICY_LOCAL
									   : POLICY_NONE;
	return *out != POLICY_NONE ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "auto-updating container \"%s\": invalid auto-update policy \"%s\": valid "
			 "policies are [\"\" \"disabled\" \"image\" \"local\" \"registry\"]",
			 summary->id, text);
}

/* Only a full name says which registry is to be asked. */
static bool check_image(const Task *task, GError **error)
{
	g_autoptr(Reference) reference = reference_parse(task->image ? task->image : "", NULL);
	if (task->policy == POLICY_LOCAL ||
	    (reference && !reference_is_short(reference) && !reference->digest))
		return true;
	return error_set(error, ENGINE_ERROR_INVALID,
			 "auto-updating container \"%s\": short name: auto updates require "
			 "fully-qualified image reference: \"%s\"",
			 task->summary->id, task->image ? task->image : "");
}

/* A label that the container was given. One that its image has may be a stranger's: it would say
 * which unit is restarted, and whose password is used. */
static const char *own_label(const Container *ctr, const char *key)
{
	const ContainerSummary *summary = container_summary(ctr);
	const char *value = g_hash_table_lookup(summary->labels, key);
	g_autoptr(Image) image =
		value ? image_lookup(engine_store(container_engine(ctr)), summary->image_id, NULL)
		      : NULL;
	GHashTable *theirs = image && image->config ? image->config->labels : NULL;
	bool inherited = theirs && g_strcmp0(g_hash_table_lookup(theirs, key), value) == 0;
	return inherited && wall_stands("own-labels") ? NULL : value;
}

/* One unit and no pattern, which systemctl takes, too. */
static bool check_unit(const Task *task, GError **error)
{
	if (!task->unit || !*task->unit)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "auto-updating container \"%s\": no " LABEL_UNIT " label found",
				 task->summary->id);
	return !strpbrk(task->unit, "*?[ ") ||
	       error_set(error, ENGINE_ERROR_INVALID,
			 "auto-updating container \"%s\": \"%s\" is no unit's name",
			 task->summary->id, task->unit);
}

/* A task for @ctr, which is taken; NULL without @error: it does not ask for one. */
static Task *make_task(Container *ctr, GError **error)
{
	Task *task = g_new0(Task, 1);
	task->ctr = ctr;
	task->summary = container_summary(ctr);
	task->status = "false";
	bool ok = read_policy(task->summary, &task->policy, error);
	if (ok && task->policy != POLICY_NONE) {
		const ContainerSpec *spec = container_spec(ctr, error);
		task->image = spec ? g_strdup(spec->image) : NULL;
		task->unit = own_label(ctr, LABEL_UNIT);
		task->authfile = own_label(ctr, LABEL_AUTH);
		ok = spec && check_unit(task, error) && check_image(task, error);
	}
	if (ok && task->policy != POLICY_NONE)
		return task;
	task_free(task);
	return NULL;
}

/* All running containers that ask for updates, those of one unit together. */
static bool find_tasks(Update *update, GError **error)
{
	g_autoptr(GPtrArray) containers = containers_list(update->engine, error);
	if (!containers)
		return false;
	for (guint i = 0; i < containers->len; i++) {
		const ContainerSummary *summary = container_summary(containers->pdata[i]);
		g_autoptr(GError) failed = NULL;
		if (summary->state != CONTAINER_RUNNING)
			continue;
		Container *ctr = container_lookup(update->engine, summary->id, &failed);
		Task *task = ctr ? make_task(ctr, &failed) : NULL;
		if (failed)
			fail(update, failed);
		if (!task)
			continue;
		guint at = update->tasks->len;
		for (guint j = 0; j < update->tasks->len; j++)
			if (strcmp(((Task *)update->tasks->pdata[j])->unit, task->unit) == 0)
				at = j + 1;
		g_ptr_array_insert(update->tasks, (gint)at, task);
	}
	return true;
}

static FetchArgs *fetch_args_for(const Update *update, const Task *task, const char *verb)
{
	FetchArgs *args = fetch_args_new(verb);
	RegistryOptionValues registry = update->opts->registry;
	if (task->authfile)
		registry.authfile = task->authfile;
	registry_options_add(args, &registry);
	return args;
}

static bool has_digest(const Image *image, const char *digest)
{
	for (char **own = image->repo_digests; *own; own++) {
		const char *at = strrchr(*own, '@');
		if (at && strcmp(at + 1, digest) == 0)
			return true;
	}
	return g_strcmp0(image->digest, digest) == 0;
}

/* Has the registry another image for this name than the container's? */
static bool registry_has_news(const Update *update, const Task *task, bool *out, GError **error)
{
	g_autoptr(Image) image =
		image_resolve(engine_store(update->engine), task->summary->image_id, error);
	g_autoptr(FetchArgs) args = fetch_args_for(update, task, "digest");
	g_autofree char *digest = NULL;
	if (!image || !fetch_args_add_operand(args, task->image, error))
		return false;
	if (fetch_args_run(args, update->engine, &digest) != 0)
		return error_set(error, ENGINE_ERROR_UNREACHABLE,
				 "the registry does not tell what \"%s\" is", task->image);
	*out = !has_digest(image, g_strchomp(digest));
	return true;
}

static bool store_has_news(const Update *update, const Task *task, bool *out, GError **error)
{
	g_autoptr(Image) image = image_resolve(engine_store(update->engine), task->image, error);
	*out = image && strcmp(image->id, task->summary->image_id) != 0;
	return image != NULL;
}

static bool pull(const Update *update, const Task *task, GError **error)
{
	g_autoptr(FetchArgs) args = fetch_args_for(update, task, "pull");
	g_autofree char *printed = NULL;
	fetch_args_add(args, "--policy", "always");
	fetch_args_add_flag(args, "--quiet", true);
	if (!fetch_args_add_operand(args, task->image, error))
		return false;
	if (fetch_args_run(args, update->engine, &printed) != 0)
		return error_set(error, ENGINE_ERROR_UNREACHABLE, "\"%s\" was not pulled",
				 task->image);
	g_strchomp(printed);
	const char *line = strrchr(printed, '\n');
	event_image(update->engine, "pull", line ? line + 1 : printed, task->image);
	return true;
}

/* Get a new image for one container, if there is one. */
static bool update_task(const Update *update, Task *task, GError **error)
{
	bool news = false, registry = task->policy == POLICY_REGISTRY;
	if (!(registry ? registry_has_news(update, task, &news, error)
		       : store_has_news(update, task, &news, error))) {
		g_prefix_error(error,
			       "checking image updates for container %s: ", task->summary->id);
		return false;
	}
	if (news && update->opts->dry_run)
		task->status = "pending";
	if (!news || update->opts->dry_run)
		return true;
	if (registry && !pull(update, task, error)) {
		g_prefix_error(error, "updating image for container %s: ", task->summary->id);
		return false;
	}
	task->updated = true;
	return true;
}

static bool restart_unit(const char *unit, GError **error)
{
	const char *const args[] = {"restart", "--", unit, NULL};
	g_autofree char *answer = quadlet_verb_systemctl(args, error);
	return answer != NULL;
}

/* The name leads to what ran before. */
static bool roll_back(const Update *update, const Task *task, GError **error)
{
	Store *store = engine_store(update->engine);
	g_autoptr(Image) image = image_resolve(store, task->summary->image_id, error);
	return image && image_tag(store, image, task->summary->image_name, error);
}

/* The new images do not start: back to the old ones. */
static void recover_unit(Update *update, Task *const *tasks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g_autoptr(GError) error = NULL;
		if (!tasks[i]->updated || roll_back(update, tasks[i], &error))
			continue;
		g_prefix_error(&error, "rolling back image for container %s in unit %s: ",
			       tasks[i]->summary->id, tasks[i]->unit);
		fail(update, error);
	}
	g_autoptr(GError) error = NULL;
	if (!restart_unit(tasks[0]->unit, &error)) {
		g_prefix_error(&error, "restarting unit %s during rollback: ", tasks[0]->unit);
		fail(update, error);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (tasks[i]->updated)
			tasks[i]->status = "rolled back";
}

/* All containers of one unit. */
static void update_unit(Update *update, Task *const *tasks, size_t n)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		g_autoptr(GError) error = NULL;
		if (!update_task(update, tasks[i], &error)) {
			tasks[i]->status = "failed";
			fail(update, error);
		}
		any = any || tasks[i]->updated;
	}
	g_autoptr(GError) error = NULL;
	bool ok = !any || restart_unit(tasks[0]->unit, &error);
	for (size_t i = 0; i < n; i++)
		if (tasks[i]->updated)
			tasks[i]->status = ok ? "true" : "failed";
	if (!ok && update->opts->rollback) {
		recover_unit(update, tasks, n);
	} else if (!ok) {
		g_prefix_error(&error, "restarting unit %s during update: ", tasks[0]->unit);
		fail(update, error);
	}
}

static void update_units(Update *update)
{
	Task *const *tasks = (Task *const *)update->tasks->pdata;
	for (size_t i = 0, n; i < update->tasks->len; i += n) {
		for (n = 1;
		     i + n < update->tasks->len && strcmp(tasks[i + n]->unit, tasks[i]->unit) == 0;)
			n++;
		update_unit(update, tasks + i, n);
	}
}

/* The report */

#define TASK ((const Task *)row)

static TemplateValue get_unit(const void *row, TemplateHeap *heap)
{
	return template_string(TASK->unit);
}

static TemplateValue get_container(const void *row, TemplateHeap *heap)
{
	return template_string(template_heap_take(
		heap, g_strdup_printf("%.12s (%s)", TASK->summary->id, TASK->summary->name)));
}

static TemplateValue get_name(const void *row, TemplateHeap *heap)
{
	return template_string(TASK->summary->name);
}

static TemplateValue get_id(const void *row, TemplateHeap *heap)
{
	return template_string(TASK->summary->id);
}

static TemplateValue get_image(const void *row, TemplateHeap *heap)
{
	return template_string(TASK->image);
}

static TemplateValue get_policy(const void *row, TemplateHeap *heap)
{
	return template_string(policy_names[TASK->policy]);
}

static TemplateValue get_updated(const void *row, TemplateHeap *heap)
{
	return template_string(TASK->status);
}

static const OutputField fields[] = {
	{"Container", NULL, get_container}, {"ContainerID", NULL, get_id},
	{"ContainerName", NULL, get_name},  {"Image", NULL, get_image},
	{"Policy", NULL, get_policy},       {"Unit", NULL, get_unit},
	{"Updated", NULL, get_updated},     {0},
};

static bool print(const Update *update, GError **error)
{
	const OutputTable table = {
		.verb = "auto-update",
		.ranged = true,
		.type_name = "main.autoUpdateOutput",
		.fields = fields,
		.columns = "{{.Unit}}\t{{.Container}}\t{{.Image}}\t{{.Policy}}\t{{.Updated}}",
	};
	/* As podman does: not even titles, or an empty list of JSON. */
	if (update->tasks->len == 0)
		return true;
	const OutputOptions output = {.format = update->opts->format};
	return output_list(&table, &output, update->tasks->pdata, update->tasks->len, error);
}

static int cmd_auto_update(Invocation *inv)
{
	UpdateOptions opts = {.rollback = true};
	g_autoptr(GError) error = NULL;
	if (!command_parse(inv, (void *[]){&opts}))
		return inv->status;
	g_autoptr(Engine) engine = command_engine(inv, false, &error);
	if (!engine)
		return command_fail(error);
	g_autoptr(GPtrArray) tasks = g_ptr_array_new_with_free_func(task_free);
	Update update = {.engine = engine, .opts = &opts, .tasks = tasks};
	if (!find_tasks(&update, &error))
		return command_fail(error);
	update_units(&update);
	if (!print(&update, &error))
		return command_fail(error);
	return update.failed ? 125 : 0;
}

const Command auto_update_command = {
	.paths = (const char *const[]){"auto-update", NULL},
	.usage = "[options]",
	.summary = "Restart units whose containers have newer images",
	.description =
		"Looks for newer images of running containers with the label "
		"io.containers.autoupdate (AutoUpdate= of quadlet files): \"registry\" asks the "
		"registry, \"local\" looks at what the name means here. Their units are restarted, "
		"and go back to the old image if they do not start. "
		"skiff-auto-update.timer, which systemctl enables, does this once a day.",
	.examples = (const char *const[]){"skiff auto-update --dry-run", NULL},
	.man = "# FIELDS\n\nTemplates of *--format* may use: *.Container*, *.ContainerID*, "
	       "*.ContainerName*, *.Image*, *.Policy*, *.Unit*, *.Updated* (true, false, pending, "
	       "failed or rolled back).\n",
	.groups = (const OptionGroup *const[]){&group, NULL},
	.run = cmd_auto_update,
};
