/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp: the compiled filter does what the profile's text says, for every number and many
 * arguments, run by an interpreter of BPF here; and the parser refuses what it does not understand.
 */
#include "libpod/runtime/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/runtime/privileges.h"
#include "libpod/runtime/syscall_profile.h"
#include "tests/unit/base/temp_dir.h"

#define MAX_NUMBER      480
#define ARGUMENT_ROUNDS 60
#define X32_BIT         0x40000000

typedef struct {
	struct sock_filter *code;
	size_t n;
} Program;

static Program load(int fd)
{
	struct stat st;
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(fstat(fd, &st), ==, 0);
	Program program = {g_malloc((gsize)st.st_size),
			   (size_t)st.st_size / sizeof(struct sock_filter)};
	g_assert_cmpint(pread(fd, program.code, (size_t)st.st_size, 0), ==, st.st_size);
	close(fd);
	return program;
}

static uint32_t jump(const struct sock_filter *at, uint32_t a)
{
	bool taken = false;
	switch (BPF_OP(at->code)) {
	case BPF_JA:
		return at->k;
	case BPF_JEQ:
		taken = a == at->k;
		break;
	case BPF_JGT:
		taken = a > at->k;
		break;
	case BPF_JGE:
		taken = a >= at->k;
		break;
	case BPF_JSET:
		taken = a & at->k;
		break;
	default:
		g_assert_not_reached();
	}
	return taken ? at->jt : at->jf;
}

/* What the kernel would answer. */
static uint32_t run(const Program *program, const struct seccomp_data *data)
{
	uint32_t a = 0, memory[BPF_MEMWORDS] = {0};
	for (size_t pc = 0; pc < program->n; pc++) {
		const struct sock_filter *at = &program->code[pc];
		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			if (BPF_MODE(at->code) == BPF_ABS)
				memcpy(&a, (const char *)data + at->k, sizeof a);
			else
				a = memory[at->k];
			break;
		case BPF_ST:
			memory[at->k] = a;
			break;
		case BPF_ALU:
			g_assert_cmpint(BPF_OP(at->code), ==, BPF_AND);
			a &= at->k;
			break;
		case BPF_JMP:
			pc += jump(at, a);
			break;
		case BPF_RET:
			return at->k;
		default:
			g_assert_not_reached();
		}
	}
	g_assert_not_reached();
}

static bool holds(const struct scmp_arg_cmp *condition, const uint64_t *args)
{
	uint64_t value = args[condition->arg];
	switch (condition->op) {
	case SCMP_CMP_NE:
		return value != condition->datum_a;
	case SCMP_CMP_LT:
		return value < condition->datum_a;
	case SCMP_CMP_LE:
		return value <= condition->datum_a;
	case SCMP_CMP_EQ:
		return value == condition->datum_a;
	case SCMP_CMP_GE:
		return value >= condition->datum_a;
	case SCMP_CMP_GT:
		return value > condition->datum_a;
	case SCMP_CMP_MASKED_EQ:
		return (value & condition->datum_a) == condition->datum_b;
	default:
		g_assert_not_reached();
	}
}

static bool matches(const SyscallRule *rule, int number, const uint64_t *args)
{
	if (rule->number != number)
		return false;
	for (unsigned i = 0; i < rule->n_conditions; i++) {
		if (!holds(&rule->conditions[i], args))
			return false;
	}
	return true;
}

/*
 * The answer by the text: the action of the rules that match, which must agree with each other.
 * Return: how many different answers there are.
 */
static size_t interpret(const SyscallProfile *profile, int number, const uint64_t *args,
			uint32_t answers[2])
{
	size_t n = 0;
	for (guint i = 0; i < profile->rules->len; i++) {
		const SyscallRule *rule = g_ptr_array_index(profile->rules, i);
		if (!matches(rule, number, args))
			continue;
		if (n == 0 || (n == 1 && answers[0] != rule->action))
			answers[n++] = rule->action;
	}
	if (n == 0)
		answers[n++] = profile->default_action;
	return n;
}

/* An argument that is likely to be on one side or the other of a condition. */
static uint64_t pick(const SyscallProfile *profile, GRand *random)
{
	const SyscallRule *rule = g_ptr_array_index(
		profile->rules, (guint)g_rand_int_range(random, 0, (gint32)profile->rules->len));
	uint64_t noise = ((uint64_t)g_rand_int(random) << 32) | g_rand_int(random);
	switch (g_rand_int_range(random, 0, 5)) {
	case 0:
		return noise;
	case 1:
		return noise & 0x7f;
	case 2:
		return UINT64_C(1) << (noise & 63);
	case 3:
		/* The upper half of a register, which the kernel does not look at in an int. */
		return (noise & 0x7f) | (noise & UINT64_C(0xffffffff00000000));
	default:
		return rule->n_conditions ? rule->conditions[0].datum_a + (noise % 3) - 1
					  : (uint64_t)g_rand_int_range(random, 36, 42);
	}
}

static void compare(const SyscallProfile *profile, const Program *program, bool unambiguous)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(20260131);
	for (int number = 0; number < MAX_NUMBER; number++) {
		for (int round = 0; round < ARGUMENT_ROUNDS; round++) {
			struct seccomp_data data = {.nr = number, .arch = AUDIT_ARCH_X86_64};
			uint64_t args[6];
			for (int i = 0; i < 6; i++)
				data.args[i] = args[i] = pick(profile, random);
			uint32_t answers[2] = {0};
			size_t n = interpret(profile, number, args, answers);
			uint32_t found = run(program, &data);
			if (unambiguous && n != 1)
				g_error("system call %d has two answers", number);
			if (found != answers[0] && (n == 1 || found != answers[1]))
				g_error("system call %d (%lx, ...): %08x, not %08x", number,
					(unsigned long)args[0], found, answers[0]);
		}
	}
}

static SyscallTarget this_machine(uint64_t capabilities, bool nested)
{
	static const char *const arches[] = {"amd64", NULL};
	return (SyscallTarget){.arches = arches,
			       .kernel_major = 6,
			       .kernel_minor = 1,
			       .capabilities = capabilities,
			       .nested = nested};
}

static void test_default(gconstpointer nested)
{
	g_autoptr(GError) error = NULL;
	uint64_t sets[] = {0, privileges_default_capabilities(), UINT64_C(1) << 21, ~UINT64_C(0)};
	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
		SyscallTarget target = this_machine(sets[i], nested != NULL);
		g_autoptr(SyscallProfile) profile =
			syscall_profile_parse(syscall_profile_default, syscall_profile_default_size,
					      "default", &target, &error);
		g_assert_no_error(error);
		Program program =
			load(syscall_filter_build(-1, NULL, sets[i], nested != NULL, &error));
		g_assert_no_error(error);
		compare(profile, &program, true);
		g_free(program.code);
	}
}

/* A profile of others', in their own words. */
static void test_podman(void)
{
	static const char path[] = "/usr/share/containers/seccomp.json";
	g_autofree char *text = NULL;
	gsize size = 0;
	if (!g_file_get_contents(path, &text, &size, NULL)) {
		g_test_skip("no podman on this machine: its profile is missing");
		return;
	}
	g_autoptr(GError) error = NULL;
	SyscallTarget target = this_machine(privileges_default_capabilities(), false);
	g_autoptr(SyscallProfile) profile =
		syscall_profile_parse(text, size, "podman", &target, &error);
	g_assert_no_error(error);
	Program program = load(
		syscall_filter_build(-1, path, privileges_default_capabilities(), false, &error));
	g_assert_no_error(error);
	compare(profile, &program, false);
	g_free(program.code);
}

static uint32_t answer(const Program *program, const char *name, uint64_t first)
{
	struct seccomp_data data = {.nr = seccomp_syscall_resolve_name(name),
				    .arch = AUDIT_ARCH_X86_64,
				    .args = {first}};
	return run(program, &data);
}

/* What security.md promises of the default, said once more without the profile. */
static void test_promises(void)
{
	static const char *const denied[] = {
		"mount",   "unshare",         "setns",          "pivot_root",
		"fsopen",  "open_tree",       "move_mount",     "keyctl",
		"add_key", "request_key",     "io_uring_setup", "userfaultfd",
		"bpf",     "perf_event_open", "kexec_load",     "open_by_handle_at",
		"umount2", "mount_setattr",   "swapon",         "init_module",
	};
	g_autoptr(GError) error = NULL;
	uint64_t caps = privileges_default_capabilities();
	Program program = load(syscall_filter_build(-1, NULL, caps, false, &error));
	const uint32_t eperm = SCMP_ACT_ERRNO(EPERM), enosys = SCMP_ACT_ERRNO(ENOSYS);
	for (size_t i = 0; i < G_N_ELEMENTS(denied); i++)
		g_assert_cmphex(answer(&program, denied[i], 0), ==, eperm);
	g_assert_cmphex(answer(&program, "clone3", 0), ==, enosys);
	g_assert_cmphex(answer(&program, "clone", 0x10000000), ==, eperm);
	g_assert_cmphex(answer(&program, "clone", 0x7e020000), ==, eperm);
	g_assert_cmphex(answer(&program, "clone", 0x01200011), ==, SCMP_ACT_ALLOW);
	g_assert_cmphex(answer(&program, "socket", 38), ==, eperm);
	g_assert_cmphex(answer(&program, "socket", UINT64_C(0x100000026)), ==, eperm);
	g_assert_cmphex(answer(&program, "socket", 40), ==, eperm);
	for (uint64_t family = 0; family < 48; family++) {
		if (family != 38 && family != 40)
			g_assert_cmphex(answer(&program, "socket", family), ==, SCMP_ACT_ALLOW);
	}
	struct seccomp_data data = {.nr = 0 | X32_BIT, .arch = AUDIT_ARCH_X86_64};
	g_assert_cmphex(run(&program, &data), ==, enosys);
	data = (struct seccomp_data){.nr = 3, .arch = AUDIT_ARCH_I386};
	g_assert_cmphex(run(&program, &data), ==, enosys);
	data = (struct seccomp_data){.nr = 1000, .arch = AUDIT_ARCH_X86_64};
	g_assert_cmphex(run(&program, &data), ==, enosys);
	g_free(program.code);
}

static void test_nested(void)
{
	g_autoptr(GError) error = NULL;
	Program program = load(syscall_filter_build(-1, NULL, 0, true, &error));
	g_assert_cmphex(answer(&program, "mount", 0), ==, SCMP_ACT_ALLOW);
	g_assert_cmphex(answer(&program, "unshare", 0x10000000), ==, SCMP_ACT_ALLOW);
	g_assert_cmphex(answer(&program, "clone", 0x10000000), ==, SCMP_ACT_ALLOW);
	g_assert_cmphex(answer(&program, "clone3", 0), ==, SCMP_ACT_ERRNO(ENOSYS));
	g_assert_cmphex(answer(&program, "keyctl", 0), ==, SCMP_ACT_ERRNO(EPERM));
	g_assert_cmphex(answer(&program, "bpf", 0), ==, SCMP_ACT_ERRNO(EPERM));
	g_free(program.code);
}

static void test_compat(void)
{
	g_autoptr(GError) error = NULL;
	SyscallFilterOptions options = {.cache_dir_fd = -1, .compat = true};
	Program program = load(syscall_filter_compile(&options, &error));
	g_assert_no_error(error);
	struct seccomp_data data = {.nr = 3, .arch = AUDIT_ARCH_I386};
	g_assert_cmphex(run(&program, &data), ==, SCMP_ACT_ALLOW);
	data = (struct seccomp_data){.nr = 21, .arch = AUDIT_ARCH_I386}; /* mount */
	g_assert_cmphex(run(&program, &data), ==, SCMP_ACT_ERRNO(EPERM));
	data = (struct seccomp_data){.nr = 0 | X32_BIT, .arch = AUDIT_ARCH_X86_64};
	g_assert_cmphex(run(&program, &data), ==, SCMP_ACT_ERRNO(ENOSYS));
	g_free(program.code);
}

static void test_cache(void)
{
	g_autoptr(GError) error = NULL;
	TempDir temp = temp_dir_new();
	Program first = load(syscall_filter_build(temp.fd, NULL, 0, false, &error));
	g_autoptr(GDir) dir = g_dir_open(temp.path, 0, NULL);
	g_autofree char *name = g_strdup(g_dir_read_name(dir));
	g_assert_true(g_str_has_prefix(name, "seccomp-"));
	g_assert_null(g_dir_read_name(dir));
	g_autofree char *first_sum = g_compute_checksum_for_data(
		G_CHECKSUM_SHA256, (const guchar *)first.code, first.n * sizeof *first.code);

	/* What lies there is what is used; what is cut, or has a bit flipped, is made again. */
	struct sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256,
							   (const guchar *)&allow, sizeof allow);
	const char *const sums[] = {sum, first_sum, "torn", ""};
	for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
		autofd fd = openat(temp.fd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
		g_assert_true(fd_write_all(fd, sums[i], strlen(sums[i])) &&
			      fd_write_all(fd, &allow, sizeof allow));
		Program found = load(syscall_filter_build(temp.fd, NULL, 0, false, &error));
		if (i == 0)
			g_assert_cmpuint(found.n, ==, 1);
		else
			g_assert_cmpmem(found.code, found.n * 8, first.code, first.n * 8);
		g_free(found.code);
	}

	Program other = load(syscall_filter_build(temp.fd, NULL, 1, true, &error));
	g_assert_cmpuint(other.n, !=, 0);
	g_assert_cmphex(answer(&other, "mount", 0), ==, SCMP_ACT_ALLOW);
	g_free(first.code);
	g_free(other.code);
	temp_dir_clear(&temp);
}

/* One word of a profile that is wrong, and a part of what is said about it. */
static void test_refused(void)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"[]", "object"},
		{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "SCMP_ACT_NOTIFY"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[1]}", "syscalls[0]"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}",
		 "action"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5000}]}",
		 "errnoRet"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"moon\":[\"full\"]}}]}",
		 "moon"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"minKernel\":\"new\"}}]}",
		 "minKernel"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		 "args[0]"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"==\"}]}]}",
		 "=="},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\"", "end of data"},
	};
	SyscallTarget target = this_machine(0, false);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SyscallProfile) profile = syscall_profile_parse(
			rows[i].text, strlen(rows[i].text), "test", &target, &error);
		g_assert_null(profile);
		g_assert_true(error_matches(error, ENGINE_ERROR_INVALID));
		if (!strstr(error->message, rows[i].message))
			g_error("'%s' does not say '%s'", error->message, rows[i].message);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#ifdef __x86_64__
	g_test_add_data_func("/syscall-filter/default/does-what-it-says", NULL, test_default);
	g_test_add_data_func("/syscall-filter/default/does-what-it-says-nested", "nested",
			     test_default);
	g_test_add_func("/syscall-filter/podman/does-what-it-says", test_podman);
	g_test_add_func("/syscall-filter/default/keeps-its-promises", test_promises);
	g_test_add_func("/syscall-filter/nested/opens-mounts-and-namespaces", test_nested);
	g_test_add_func("/syscall-filter/compat/adds-32-bit-never-x32", test_compat);
#endif
	g_test_add_func("/syscall-filter/cache/is-used-and-healed", test_cache);
	g_test_add_func("/syscall-filter/parse/refuses-what-it-does-not-know", test_refused);
	return g_test_run();
}
