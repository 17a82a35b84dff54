/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running gpg and reading its status lines (doc/DETAILS of GnuPG).
 */
#include "storage/gpg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/spawn.h"

#define RUN_MS     30000
#define CPU_MAX    20
#define MEMORY_MAX (512u << 20)
#define FILE_MAX   (8u << 20) /* its key file */
#define OUTPUT_MAX (1u << 20)
#define ARGS_MAX   24
#define STATUS     "[GNUPG:] "

struct GpgKeyring {
	char *program;
	char *home;
	GHashTable *fingerprints; /* of primary keys */
};

/* One run's two outputs. */
typedef struct {
	char *content;
	size_t content_size;
	char *status;
	int code;
} Run;

static void run_clear(Run *run)
{
	g_free(run->content);
	g_free(run->status);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

GpgKeyring *gpg_keyring_new(Store *store, StoreStage *stage, GError **error)
{
	g_autoptr(GpgKeyring) keyring = g_new0(GpgKeyring, 1);
	keyring->fingerprints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	keyring->program = spawn_find_system("gpg");
	if (!keyring->program) {
		error_set(error, ENGINE_ERROR_NOT_FOUND,
			  "the policy asks for signatures, and 'gpg' is not installed");
		error_add_help(error, "install gnupg");
		return NULL;
	}
	for (unsigned n = 0; !keyring->home; n++) {
		g_autofree char *name = g_strdup_printf("gnupg-%u", n);
		if (mkdirat(store_stage_fd(stage), name, 0700) == 0)
			keyring->home = g_build_filename(store_path(store), "staging",
							 store_stage_name(stage), name, NULL);
		else if (errno != EEXIST)
			return error_set_errno_null(error, "cannot make a home for gpg");
	}
	return g_steal_pointer(&keyring);
}

void gpg_keyring_free(GpgKeyring *keyring)
{
	if (!keyring)
		return;
	g_free(keyring->program);
	g_free(keyring->home);
	g_hash_table_unref(keyring->fingerprints);
	g_free(keyring);
}

/* Bounds for what a hostile message makes of gpg. */
static bool limit(pid_t pid)
{
	static const struct {
		int resource;
		rlim_t value;
	} limits[] = {{RLIMIT_CPU, CPU_MAX},
		      {RLIMIT_AS, MEMORY_MAX},
		      {RLIMIT_FSIZE, FILE_MAX},
		      {RLIMIT_NOFILE, 64},
		      {RLIMIT_CORE, 0}};
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		const struct rlimit value = {limits[i].value, limits[i].value};
		if (prlimit(pid, limits[i].resource, &value, NULL) < 0)
			return false;
	}
	return true;
}

/* Its exit code; whoever takes too long is killed. */
static int wait_for(pid_t pid, int pidfd, GError **error)
{
	gint64 end = g_get_monotonic_time() + RUN_MS * INT64_C(1000);
	struct pollfd polled = {.fd = pidfd, .events = POLLIN};
	int ready = 0;
	do {
		gint64 left = (end - g_get_monotonic_time()) / 1000;
		ready = poll(&polled, 1, (int)MAX(left, 0));
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		kill(pid, SIGKILL);
	int code = spawn_wait(pid, error);
	if (code >= 0 && ready <= 0) {
		error_set(error, ENGINE_ERROR_TIMEOUT, "gpg took longer than %d s", RUN_MS / 1000);
		return -1;
	}
	return code;
}

/* What a memory file has received. */
static char *read_back(int fd, size_t *out_size, GError **error)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno_null(error, "cannot read from gpg");
	return fd_read_all(fd, OUTPUT_MAX, out_size, error);
}

/* Our options, then @verbs. @argv has room for ARGS_MAX. */
static void fill_command(const GpgKeyring *keyring, const char *const *verbs, const char **argv)
{
	/* clang-format off */
	const char *const options[] = {
		keyring->program, "--homedir", keyring->home, "--no-options", "--batch",
		"--no-tty", "--no-autostart", "--disable-dirmngr", "--lock-never", "--quiet",
		"--no-random-seed-file", "--trust-model", "always", "--no-auto-check-trustdb",
		"--status-fd", "3",
	};
	/* clang-format on */
	size_t n = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		argv[n++] = options[i];
	for (size_t i = 0; verbs[i] && n + 1 < ARGS_MAX; i++)
		argv[n++] = verbs[i];
	argv[n] = NULL;
}

/* Run gpg with @verbs on @input. */
static bool run_gpg(const GpgKeyring *keyring, const char *const *verbs, GBytes *input, Run *out,
		    GError **error)
{
	const char *argv[ARGS_MAX];
	fill_command(keyring, verbs, argv);
	g_autofree char *home = g_strconcat("HOME=", keyring->home, NULL);
	const char *envp[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", home, NULL};
	gsize size = 0;
	const void *data = g_bytes_get_data(input, &size);
	autofd in = fd_memfd("gpg-input", data, size);
	autofd content = memfd_create("gpg-content", MFD_CLOEXEC);
	autofd status = memfd_create("gpg-status", MFD_CLOEXEC);
	if (in < 0 || content < 0 || status < 0)
		return error_set_errno(error, "cannot run '%s'", keyring->program);
	const Spawn spawn = {
		.argv = argv,
		.envp = envp,
		.stdin_fd = in,
		.stdout_fd = content,
		.fds = &status,
		.n_fds = 1,
	};
	autofd pidfd = -1;
	pid_t pid = spawn_start(&spawn, &pidfd, error);
	if (pid < 0)
		return false;
	if (!limit(pid))
		kill(pid, SIGKILL);
	out->code = wait_for(pid, pidfd, error);
	if (out->code < 0)
		return false;
	out->content = read_back(content, &out->content_size, error);
	out->status = out->content ? read_back(status, NULL, error) : NULL;
	return out->status != NULL;
}

bool gpg_keyring_add(GpgKeyring *keyring, GBytes *data, GError **error)
{
	static const char *const verbs[] = {"--import", NULL};
	g_auto(Run) run = {0};
	if (!run_gpg(keyring, verbs, data, &run, error))
		return false;
	g_auto(GStrv) lines = g_strsplit(run.status, "\n", -1);
	unsigned count = 0;
	for (size_t i = 0; lines[i]; i++) {
		if (!g_str_has_prefix(lines[i], STATUS "IMPORT_OK "))
			continue;
		g_auto(GStrv) words = g_strsplit(lines[i] + strlen(STATUS), " ", -1);
		if (g_strv_length(words) != 3)
			continue;
		g_hash_table_add(keyring->fingerprints, g_strdup(words[2]));
		count++;
	}
	return count > 0 || error_set(error, ENGINE_ERROR_INVALID, "No public keys imported");
}

/* What gpg says of a signature that is not good. */
static const char *explain(const char *keyword)
{
	static const struct {
		const char *keyword, *reason;
	} table[] = {
		{"BADSIG", "it does not match its content"},
		{"EXPSIG", "the signature has expired"},
		{"EXPKEYSIG", "the key it was made with has expired"},
		{"REVKEYSIG", "the key it was made with was revoked"},
		{"KEYREVOKED", "the key it was made with was revoked"},
		{"NO_PUBKEY", "it was made with none of the policy's keys"},
		{"ERRSIG", "it was made with none of the policy's keys, or cannot be checked"},
		{"NODATA", "it is no signed message"},
		{"BADARMOR", "it is no signed message"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (strcmp(keyword, table[i].keyword) == 0)
			return table[i].reason;
	return NULL;
}

/*
 * Status lines that say nothing against a signature. The EXPIRED ones are told of keys that were
 * not used, too: of the one that was, EXPKEYSIG or EXPSIG stands in place of GOODSIG.
 */
static const char *const harmless[] = {
	"PLAINTEXT",
	"PLAINTEXT_LENGTH",
	"NEWSIG",
	"KEY_CONSIDERED",
	"KEYEXPIRED",
	"SIGEXPIRED",
	"SIG_ID",
	"GOODSIG",
	"VALIDSIG",
	"TRUST_UNDEFINED",
	"TRUST_MARGINAL",
	"TRUST_FULLY",
	"TRUST_ULTIMATE",
	"NOTATION_NAME",
	"NOTATION_FLAGS",
	"NOTATION_DATA",
	"POLICY_URL",
	"VERIFICATION_COMPLIANCE_MODE",
	NULL,
};

static bool refuse(GError **error, const char *reason)
{
	return error_set(error, ENGINE_ERROR_DENIED, "Invalid GPG signature: %s", reason);
}

/* "VALIDSIG SUBKEY DATE TIME EXPIRY VERSION RESERVED ALGO HASH CLASS PRIMARY": a signature over
 * binary data by a key of ours. */
static bool check_valid_line(const char *line, bool (*is_trusted)(const char *, void *), void *data,
			     GError **error)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	if (g_strv_length(words) != 11)
		return refuse(error, "gpg's answer is not understood");
	if (strcmp(words[9], "00") != 0)
		return refuse(error, "it is not over binary data");
	if (!is_trusted(words[10], data))
		return refuse(error, "it was made with none of the policy's keys");
	return true;
}

bool gpg_status_judge(const char *status, bool (*is_trusted)(const char *fingerprint, void *data),
		      void *data, GError **error)
{
	static const char *const wanted[] = {"PLAINTEXT", "NEWSIG", "GOODSIG", "VALIDSIG"};
	unsigned counts[G_N_ELEMENTS(wanted)] = {0};
	g_auto(GStrv) lines = g_strsplit(status, "\n", -1);
	for (size_t i = 0; lines[i] && (lines[i][0] || lines[i + 1]); i++) {
		if (!g_str_has_prefix(lines[i], STATUS))
			return refuse(error, "gpg's answer is not understood");
		const char *line = lines[i] + strlen(STATUS);
		g_autofree char *keyword = g_strndup(line, strcspn(line, " "));
		const char *reason = explain(keyword);
		if (reason)
			return refuse(error, reason);
		if (!g_strv_contains(harmless, keyword)) {
			g_autofree char *told = g_strdup_printf("gpg says %s", keyword);
			return refuse(error, told);
		}
		for (size_t j = 0; j < G_N_ELEMENTS(wanted); j++)
			counts[j] += strcmp(keyword, wanted[j]) == 0;
		if (strcmp(keyword, "VALIDSIG") == 0 &&
		    !check_valid_line(line, is_trusted, data, error))
			return false;
	}
	for (size_t j = 0; j < G_N_ELEMENTS(wanted); j++)
		if (counts[j] != 1)
			return refuse(error, "it is not one message with one signature");
	return true;
}

static bool is_ours(const char *fingerprint, void *data)
{
	const GpgKeyring *keyring = data;
	return g_hash_table_contains(keyring->fingerprints, fingerprint);
}

GBytes *gpg_verify(const GpgKeyring *keyring, GBytes *message, GError **error)
{
	static const char *const verbs[] = {"--max-output", "1048576", "--output", "-",
					    "--verify",     NULL};
	g_auto(Run) run = {0};
	if (!run_gpg(keyring, verbs, message, &run, error) ||
	    !gpg_status_judge(run.status, is_ours, (void *)keyring, error))
		return NULL;
	if (run.code != 0) {
		(void)refuse(error, "gpg failed");
		return NULL;
	}
	return g_bytes_new_take(g_steal_pointer(&run.content), run.content_size);
}
