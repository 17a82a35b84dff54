/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Compiling takes libseccomp a few milliseconds, so its result is kept in the
 * store's cache under a hash of everything that decides it: profile, capabilities, ABI, kernel
 * release, the versions of the library and of skiff. A damaged cache file is compiled again. The
 * native ABI alone is compiled unless the image is for the 32-bit one: every other ABI is refused
 * with ENOSYS, x32 always.
 */
#include "libpod/runtime/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "libpod/base/log.h"
#include "libpod/base/record.h"
#include "libpod/base/wall.h"
#include "libpod/runtime/syscall_profile.h"

#define CACHE_FORMAT     "2"
#define SUM_SIZE         64
#define MAX_PROFILE_SIZE (4 * 1024 * 1024)
#define MAX_FILTER_SIZE  (BPF_MAXINSNS * sizeof(struct sock_filter))

/* Machines by their native ABI, and the 32-bit one a kernel for them may run. */
static const struct {
	uint32_t native, compat;
	const char *const arches[3]; /* Go's names, for includes and excludes */
	const char *const compat_arch;
} machines[] = {
	{SCMP_ARCH_X86_64, SCMP_ARCH_X86, {"amd64", NULL}, "x86"},
	{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, {"arm64", NULL}, "arm"},
	{SCMP_ARCH_PPC64LE, 0, {"ppc64le", NULL}, NULL},
	{SCMP_ARCH_RISCV64, 0, {"riscv64", NULL}, NULL},
	{SCMP_ARCH_S390X, SCMP_ARCH_S390, {"s390x", NULL}, "s390"},
	{SCMP_ARCH_X86, 0, {"x86", NULL}, NULL},
	{SCMP_ARCH_ARM, 0, {"arm", NULL}, NULL},
};

static void release_context(scmp_filter_ctx *context)
{
	if (*context)
		seccomp_release(*context);
}
#define autocontext __attribute__((cleanup(release_context))) scmp_filter_ctx

static size_t find_machine(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(machines); i++) {
		if (machines[i].native == seccomp_arch_native())
			return i;
	}
	return G_N_ELEMENTS(machines);
}

/* The machine as the profile's conditions see it. */
static SyscallTarget describe_target(const SyscallFilterOptions *options, const char *release,
				     const char *arches[4])
{
	size_t machine = find_machine(), n = 0;
	if (machine < G_N_ELEMENTS(machines)) {
		arches[n++] = machines[machine].arches[0];
		if (options->compat && machines[machine].compat_arch)
			arches[n++] = machines[machine].compat_arch;
	}
	arches[n] = NULL;
	SyscallTarget target = {
		.arches = arches,
		.capabilities = options->capabilities,
		.nested = options->nested,
	};
	(void)sscanf(release, "%u.%u", &target.kernel_major, &target.kernel_minor);
	return target;
}

/* Add the rules; what this machine does not have is left out, so it falls to the default action. */
static int add_rules(scmp_filter_ctx context, const SyscallProfile *profile)
{
	for (guint i = 0; i < profile->rules->len; i++) {
		const SyscallRule *rule = g_ptr_array_index(profile->rules, i);
		if (rule->number == __NR_SCMP_ERROR || rule->action == profile->default_action)
			continue;
		int result = seccomp_rule_add_array(context, rule->action, rule->number,
						    rule->n_conditions, rule->conditions);
		/* EDOM, EFAULT: not in every ABI; EEXIST: said twice. */
		if (result < 0 && result != -EDOM && result != -EFAULT && result != -EEXIST)
			return result;
	}
	return 0;
}

static int configure(scmp_filter_ctx context, const SyscallFilterOptions *options)
{
	size_t machine = find_machine();
	int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	/* A binary tree over the numbers: shorter paths, and it loads three times as fast. */
	if (result == 0)
		result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0 && options->compat && machine < G_N_ELEMENTS(machines) &&
	    machines[machine].compat)
		result = seccomp_arch_add(context, machines[machine].compat);
	return result;
}

/* Read all of a memory file. */
static char *read_file(int fd, size_t *out_size)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || (size_t)st.st_size > MAX_FILTER_SIZE)
		return NULL;
	char *data = g_malloc((gsize)st.st_size);
	if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size) {
		g_free(data);
		return NULL;
	}
	*out_size = (size_t)st.st_size;
	return data;
}

/* The filter of a profile as bytes. */
static char *generate(const SyscallProfile *profile, const SyscallFilterOptions *options,
		      size_t *out_size, GError **error)
{
	autocontext context = seccomp_init(profile->default_action);
	if (!context)
		return error_set_null(error, ENGINE_ERROR_SYSTEM, "cannot start a seccomp filter");
	int result = configure(context, options);
	if (result == 0)
		result = add_rules(context, profile);
	autofd fd = result == 0 ? memfd_create("seccomp", MFD_CLOEXEC) : -1;
	if (result == 0 && fd < 0)
		result = -errno;
	if (result == 0)
		result = seccomp_export_bpf(context, fd);
	if (result < 0)
		return error_set_null(error, ENGINE_ERROR_SYSTEM,
				      "cannot compile the seccomp filter: %s", strerror(-result));
	char *data = read_file(fd, out_size);
	if (!data)
		error_set(error, ENGINE_ERROR_INVALID, "the seccomp filter is too large");
	return data;
}

/* Text of the profile in use; the built-in one is borrowed. */
static const char *load_profile(const char *path, char **out_owned, size_t *out_size,
				GError **error)
{
	*out_owned = NULL;
	if (!path) {
		*out_size = syscall_profile_default_size;
		return syscall_profile_default;
	}
	autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 && errno == ENOENT)
		return error_set_null(error, ENGINE_ERROR_NOT_FOUND,
				      "opening seccomp profile failed: open %s: no such file or "
				      "directory",
				      path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno_null(error, "cannot open the seccomp profile '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set_null(error, ENGINE_ERROR_INVALID,
				      "the seccomp profile '%s' is not a regular file", path);
	return *out_owned = fd_read_all(fd, MAX_PROFILE_SIZE, out_size, error);
}

/* Name of the cached filter. */
static char *format_key(const SyscallFilterOptions *options, const char *text, size_t size,
			const char *release)
{
	g_autofree char *hash =
		options->profile_path
			? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, size)
			: g_strdup(syscall_profile_default_hash);
	const struct scmp_version *library = seccomp_version();
	g_autofree char *all = g_strdup_printf(
		CACHE_FORMAT " %s %" G_GINT64_MODIFIER "x %d %d %x %s %u.%u.%u " SKIFF_VERSION,
		hash, options->capabilities, options->nested, options->compat,
		seccomp_arch_native(), release, library->major, library->minor, library->micro);
	g_autofree char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, all, -1);
	return g_strdup_printf("seccomp-%.32s", key);
}

/*
 * The cached file: the SHA-256 of the filter in hex, then the filter. With a bit flipped it might
 * load and allow what the profile denies; one that was cut or is something else is not used,
 * either.
 */
static int open_cached(const SyscallFilterOptions *options, const char *key)
{
	if (options->cache_dir_fd < 0)
		return -1;
	size_t size = 0;
	g_autofree char *file =
		record_read(options->cache_dir_fd, key, MAX_FILTER_SIZE + SUM_SIZE, &size, NULL);
	if (!file || size <= SUM_SIZE)
		return -1;
	const char *data = file + SUM_SIZE;
	size -= SUM_SIZE;
	g_autofree char *sum =
		g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
	bool good = memcmp(file, sum, SUM_SIZE) == 0 || !wall_stands("cached-filter");
	return good ? fd_memfd("seccomp", data, size) : -1;
}

/* A cache that cannot be written only costs time. */
static void save_cached(const SyscallFilterOptions *options, const char *key, const char *data,
			size_t size)
{
	g_autoptr(GError) error = NULL;
	if (options->cache_dir_fd < 0)
		return;
	g_autofree char *sum =
		g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
	g_autoptr(GString) file = g_string_new(sum);
	g_string_append_len(file, data, (gssize)size);
	if (!record_replace(options->cache_dir_fd, key, file->str, file->len, RECORD_SYNC_NONE,
			    &error))
		log_debug("seccomp filter not cached: %s", error->message);
}

int syscall_filter_compile(const SyscallFilterOptions *options, GError **error)
{
	struct utsname host;
	uname(&host);
	size_t text_size = 0, size = 0;
	g_autofree char *owned = NULL;
	const char *text = load_profile(options->profile_path, &owned, &text_size, error);
	if (!text)
		return -1;
	g_autofree char *key = format_key(options, text, text_size, host.release);
	int fd = open_cached(options, key);
	if (fd >= 0)
		return fd;

	const char *arches[4];
	SyscallTarget target = describe_target(options, host.release, arches);
	const char *what = options->profile_path ? options->profile_path : "seccomp profile";
	g_autoptr(SyscallProfile) profile =
		syscall_profile_parse(text, text_size, what, &target, error);
	g_autofree char *data = profile ? generate(profile, options, &size, error) : NULL;
	if (!data)
		return -1;
	save_cached(options, key, data, size);
	fd = fd_memfd("seccomp", data, size);
	if (fd < 0)
		error_set_errno(error, "cannot keep the seccomp filter in memory");
	return fd;
}

int syscall_filter_build(int cache_dir_fd, const char *profile_path, uint64_t capabilities,
			 bool nested, GError **error)
{
	return syscall_filter_compile(&(SyscallFilterOptions){.cache_dir_fd = cache_dir_fd,
							      .profile_path = profile_path,
							      .capabilities = capabilities,
							      .nested = nested},
				      error);
}
