/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/name.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "libpod/base/error.h"

#define ID_BYTES 32

static const char *const adjectives[] = {
	"able",   "amber",   "ample",  "apt",    "autumn",  "azure",  "bold",   "brave",   "bright",
	"brisk",  "calm",    "candid", "cheery", "civil",   "clear",  "clever", "coral",   "cosy",
	"crisp",  "curious", "daring", "dapper", "deft",    "eager",  "early",  "earnest", "easy",
	"even",   "fair",    "fleet",  "fluent", "fond",    "frank",  "fresh",  "gentle",  "glad",
	"golden", "grand",   "hardy",  "hasty",  "hazel",   "honest", "humble", "ideal",   "jolly",
	"keen",   "kind",    "lively", "loyal",  "lucid",   "lucky",  "mellow", "merry",   "mild",
	"modest", "neat",    "nimble", "noble",  "patient", "plain",  "polite", "prime",   "proud",
	"quaint", "quick",   "quiet",  "rapid",  "ready",   "robust", "rustic", "sage",    "serene",
	"sharp",  "silent",  "silver", "simple", "sleek",   "smooth", "snug",   "sober",   "solid",
	"spry",   "stable",  "steady", "stout",  "subtle",  "sunny",  "swift",  "tender",  "tidy",
	"trusty", "upbeat",  "urban",  "vivid",  "warm",    "wise",
};

static const char *const nouns[] = {
	"anchor",  "anvil",   "badger",  "barge",   "beacon",  "birch",  "bobbin",   "bridge",
	"brook",   "buoy",    "canoe",   "canyon",  "caravel", "cedar",  "clipper",  "comet",
	"compass", "condor",  "coracle", "crane",   "creek",   "cutter", "delta",    "dinghy",
	"dolphin", "dory",    "dune",    "eagle",   "ember",   "falcon", "fern",     "ferry",
	"finch",   "fjord",   "forest",  "galley",  "gannet",  "garnet", "glacier",  "grove",
	"gull",    "harbour", "hare",    "hawk",    "heron",   "hill",   "island",   "kayak",
	"keel",    "kestrel", "ketch",   "lagoon",  "lantern", "lark",   "linnet",   "lynx",
	"maple",   "marlin",  "marten",  "meadow",  "mesa",    "mill",   "moor",     "moss",
	"oak",     "oar",     "orchid",  "osprey",  "otter",   "paddle", "pebble",   "pelican",
	"pine",    "plover",  "pond",    "prairie", "puffin",  "quarry", "raft",     "raven",
	"reef",    "ridge",   "river",   "robin",   "rudder",  "sail",   "schooner", "seal",
	"skipper", "sloop",   "sparrow", "spruce",  "thistle", "tiller", "tundra",   "willow",
};

bool name_check(const char *name, GError **error)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t length = strlen(name);
	bool valid = length > 0 && length <= NAME_MAX_LENGTH && strchr(letters, name[0]);
	for (size_t i = 1; valid && i < length; i++)
		valid = strchr(letters, name[i]) || strchr("_.-", name[i]);
	if (valid)
		return true;
	if (length > NAME_MAX_LENGTH)
		return error_set(error, ENGINE_ERROR_INVALID,
				 "names must be at most %d characters long: invalid argument",
				 NAME_MAX_LENGTH);
	return error_set(error, ENGINE_ERROR_INVALID,
			 "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
}

/* getrandom() cannot fail for so few bytes once the pool is ready; before that it waits. */
static void fill_random(void *data, size_t size)
{
	ssize_t got;
	do
		got = getrandom(data, size, 0);
	while (got < 0 && errno == EINTR);
	g_assert(got == (ssize_t)size);
}

char *name_new_id(void)
{
	unsigned char bytes[ID_BYTES];
	fill_random(bytes, sizeof(bytes));
	GString *id = g_string_sized_new(2 * ID_BYTES);
	for (size_t i = 0; i < ID_BYTES; i++)
		g_string_append_printf(id, "%02x", bytes[i]);
	return g_string_free(id, FALSE);
}

char *name_generate(void)
{
	uint32_t random[2];
	fill_random(random, sizeof(random));
	return g_strdup_printf("%s_%s", adjectives[random[0] % G_N_ELEMENTS(adjectives)],
			       nouns[random[1] % G_N_ELEMENTS(nouns)]);
}

bool name_is_id(const char *text)
{
	size_t length = strspn(text, "0123456789abcdef");
	return length == 2 * ID_BYTES && text[length] == '\0';
}
