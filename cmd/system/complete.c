/* SPDX-License-Identifier: Apache-2.0 */
/*
 * __complete: candidates for the word being typed, for the shell stubs in contrib/completions.
 *
 * Called with the words behind "skiff", the last one being the one to complete. Prints one
 * candidate per line, "name<TAB>what it is", and last ":0" (offer files too) or ":4" (nothing
 * else).
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/engine_open.h"
#include "cmd/output.h"
#include "libpod/container.h"
#include "libpod/named_network.h"
#include "libpod/pod.h"
#include "libpod/secret.h"
#include "libpod/volume.h"
#include "storage/image.h"

typedef struct {
	const char *prefix;
	bool files;
} Completion;

static void offer(const Completion *completion, const char *word, const char *about)
{
	if (g_str_has_prefix(word, completion->prefix))
		output_printf("%s%s%s\n", word, about ? "\t" : "", about ? about : "");
}

/* First words of the paths, or the words behind @group. */
static void offer_commands(const Completion *completion, const char *group)
{
	static const char *const groups[] = {
		"builder", "container", "generate", "healthcheck", "image",  "manifest", "network",
		"pod",     "quadlet",   "secret",   "system",      "volume", NULL};
	size_t length = group ? strlen(group) : 0;
	for (const Command *const *row = commands_get(); *row; row++) {
		for (const char *const *path = (*row)->paths; *path; path++) {
			bool below = group && strncmp(*path, group, length) == 0 &&
				     (*path)[length] == ' ';
			const char *word = below ? *path + length + 1 : *path;
			if (!((*row)->flags & COMMAND_HIDDEN) && !strchr(word, ' ') &&
			    below == !!group)
				offer(completion, word, (*row)->summary);
		}
	}
	for (size_t i = 0; !group && groups[i]; i++)
		offer(completion, groups[i], commands_group_summary(groups[i]));
}

static void offer_options(const Completion *completion, const OptionGroup *const *groups)
{
	for (size_t g = 0; groups && groups[g]; g++) {
		for (const Option *o = groups[g]->options; o->name; o++) {
			g_autofree char *word = g_strdup_printf("--%s", o->name);
			if (o->set && !(o->flags & OPTION_HIDDEN))
				offer(completion, word, o->help);
		}
	}
}

static void offer_containers(const Completion *completion, Engine *engine, bool running)
{
	g_autoptr(GPtrArray) all = containers_list(engine, NULL);
	for (size_t i = 0; all && i < all->len; i++) {
		const ContainerSummary *summary = container_summary(all->pdata[i]);
		if (summary->name && (!running || summary->state == CONTAINER_RUNNING))
			offer(completion, summary->name, summary->image_name);
	}
}

/* Also without the registry, once something has been typed. */
static void offer_images(const Completion *completion, Engine *engine)
{
	g_autoptr(GPtrArray) images = images_list(engine_store(engine), NULL);
	for (size_t i = 0; images && i < images->len; i++) {
		const Image *image = images->pdata[i];
		for (size_t j = 0; image->names[j]; j++) {
			const char *slash = strchr(image->names[j], '/');
			offer(completion, image->names[j], NULL);
			if (slash && *completion->prefix)
				offer(completion, slash + 1, NULL);
		}
	}
}

static void offer_networks(const Completion *completion, Engine *engine)
{
	g_autoptr(GPtrArray) networks = named_networks_list(engine, NULL);
	for (size_t i = 0; networks && i < networks->len; i++)
		offer(completion, ((const NamedNetwork *)networks->pdata[i])->name, "network");
}

static void offer_volumes(const Completion *completion, Engine *engine)
{
	g_autoptr(GPtrArray) volumes = volumes_list(engine, NULL);
	for (size_t i = 0; volumes && i < volumes->len; i++)
		offer(completion, ((const Volume *)volumes->pdata[i])->name, "volume");
}

static void offer_secrets(const Completion *completion, Engine *engine)
{
	g_autoptr(GPtrArray) secrets = secrets_list(engine, NULL);
	for (size_t i = 0; secrets && i < secrets->len; i++)
		offer(completion, ((const Secret *)secrets->pdata[i])->name, "secret");
}

static void offer_pods(const Completion *completion, Engine *engine)
{
	g_autoptr(GPtrArray) pods = pods_list(engine, NULL);
	for (size_t i = 0; pods && i < pods->len; i++)
		offer(completion, ((const Pod *)pods->pdata[i])->name, "pod");
}

/* A store that cannot be opened offers nothing. */
static void offer_args(Completion *completion, CommandArg kind, const Invocation *inv)
{
	if (kind == COMMAND_ARG_NONE)
		return;
	if (kind == COMMAND_ARG_FILE) {
		completion->files = true;
		return;
	}
	if (kind == COMMAND_ARG_COMMAND) {
		offer_commands(completion, NULL);
		return;
	}
	g_autoptr(Engine) engine = command_engine(inv, true, NULL);
	if (!engine)
		return;
	bool objects = kind == COMMAND_ARG_OBJECT;
	if (kind == COMMAND_ARG_CONTAINER || kind == COMMAND_ARG_CONTAINER_RUNNING || objects)
		offer_containers(completion, engine, kind == COMMAND_ARG_CONTAINER_RUNNING);
	if (kind == COMMAND_ARG_IMAGE || objects)
		offer_images(completion, engine);
	if (kind == COMMAND_ARG_VOLUME || objects)
		offer_volumes(completion, engine);
	if (kind == COMMAND_ARG_NETWORK)
		offer_networks(completion, engine);
	if (kind == COMMAND_ARG_SECRET)
		offer_secrets(completion, engine);
	if (kind == COMMAND_ARG_POD)
		offer_pods(completion, engine);
}

/* The option whose value the last of @words is, NULL if it is none. */
static const Option *option_before(const Command *command, const char *word)
{
	if (word[0] != '-' || word[1] == '\0' || strchr(word, '='))
		return NULL;
	if (word[1] == '-') {
		const Option *option = option_lookup(command->groups, word + 2, NULL);
		return option && option_takes_value(option) ? option : NULL;
	}
	for (size_t g = 0; command->groups && command->groups[g]; g++)
		for (const Option *o = command->groups[g]->options; o->name; o++)
			if (o->short_name == word[strlen(word) - 1] && option_takes_value(o))
				return o;
	return NULL;
}

/* What the values of options are, by the options' names: arguments of a kind, or words. */
static const struct {
	const char *option;
	CommandArg kind;
	const char *words;
} values[] = {
	{"log-driver", COMMAND_ARG_NONE, "journald json-file k8s-file none passthrough"},
	{"network", COMMAND_ARG_NETWORK, "host none private slirp"},
	{"pod", COMMAND_ARG_POD, NULL},
	{"policy", COMMAND_ARG_NONE, "always missing never newer"},
	{"pull", COMMAND_ARG_NONE, "always missing never newer"},
	{"requires", COMMAND_ARG_CONTAINER, NULL},
	{"restart", COMMAND_ARG_NONE, "always no on-failure unless-stopped"},
	{"secret", COMMAND_ARG_SECRET, NULL},
	{"signal", COMMAND_ARG_NONE,
	 "SIGCONT SIGHUP SIGINT SIGKILL SIGQUIT SIGSTOP SIGTERM SIGUSR1 SIGUSR2"},
	{"stop-signal", COMMAND_ARG_NONE, "SIGHUP SIGINT SIGKILL SIGQUIT SIGTERM SIGUSR1 SIGUSR2"},
	{"userns", COMMAND_ARG_NONE, "auto host keep-id nomap"},
	{"volumes-from", COMMAND_ARG_CONTAINER, NULL},
};

/* The fields of its templates, which its manual page names as "*.Field*". */
static bool offer_fields(const Completion *completion, const Command *command)
{
	const char *at = command->man ? strstr(command->man, "Templates of *--format*") : NULL;
	bool any = at != NULL;
	while (at && (at = strstr(at, "*."))) {
		size_t length = strcspn(at + 2, "* \"");
		g_autofree char *word = g_strdup_printf("{{.%.*s}}", (int)length, at + 2);
		if (at[2 + length] == '*')
			offer(completion, word, NULL);
		at += 2 + length;
	}
	return any;
}

/* What @option may be set to; files where nothing else is known. */
static void offer_values(Completion *completion, const Command *command, const Option *option,
			 const Invocation *inv)
{
	if (strcmp(option->name, "format") == 0 && offer_fields(completion, command)) {
		offer(completion, "json", NULL);
		return;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		if (strcmp(values[i].option, option->name) != 0)
			continue;
		g_auto(GStrv) words = g_strsplit(values[i].words ? values[i].words : "", " ", -1);
		for (size_t j = 0; words[j]; j++)
			offer(completion, words[j], NULL);
		offer_args(completion, values[i].kind, inv);
		return;
	}
	completion->files = true;
}

/* How many of @words, the command's own, are arguments. */
static size_t count_args(const Command *command, char *const *words, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (words[i][0] == '-')
			i += option_before(command, words[i]) != NULL;
		else
			count++;
	}
	return count;
}

/* Behind the command of run or exec only files make sense. */
static void complete_words(Completion *completion, const Command *command, char *const *words,
			   size_t n, const Invocation *inv)
{
	bool stopped = (command->flags & COMMAND_STOP_AT_ARG) && count_args(command, words, n) > 0;
	const Option *option = n > 0 && !stopped ? option_before(command, words[n - 1]) : NULL;
	if (option) {
		offer_values(completion, command, option, inv);
		return;
	}
	if (completion->prefix[0] == '-' && !stopped) {
		const OptionGroup *const global[] = {command_global_group(), NULL};
		offer_options(completion, command->groups);
		offer_options(completion, global);
		return;
	}
	size_t at = count_args(command, words, n);
	if (stopped)
		completion->files = true;
	else
		offer_args(completion, at == 0 ? command->arg : command->more_args, inv);
}

/* The words may be anything half-typed; nothing here is an error. */
static int cmd_complete(Invocation *inv)
{
	if (!command_parse(inv, NULL))
		return inv->status;
	g_autofree const char **args = command_args(inv, 0);
	char **words = (char **)args;
	size_t n = command_n_args(inv), used = 0;
	Completion completion = {.prefix = n > 0 ? words[n - 1] : ""};
	const char *path = NULL;
	g_autofree char **front = g_memdup2(words, (n + 1) * sizeof(*words));
	if (n > 0)
		front[n - 1] = NULL; /* the unfinished word chooses nothing */
	const Command *command = n > 1 ? command_lookup(front, &used, &path) : NULL;
	if (command)
		complete_words(&completion, command, words + used, n - 1 - used, inv);
	else if (n <= 1 && completion.prefix[0] == '-')
		offer_options(&completion,
			      (const OptionGroup *const[]){command_global_group(), NULL});
	else if (n <= 1)
		offer_commands(&completion, NULL);
	else if (n == 2 && commands_group_summary(words[0]))
		offer_commands(&completion, words[0]);
	output_printf(":%d\n", completion.files ? 0 : 4);
	return 0;
}

const Command complete_command = {
	.paths = (const char *const[]){"__complete", NULL},
	.usage = "WORD...",
	.summary = "Print candidates for the last word",
	.description = "Completes a command line; for the shells.",
	.max_args = -1,
	.flags = COMMAND_HIDDEN | COMMAND_STOP_AT_ARG,
	.run = cmd_complete,
};
