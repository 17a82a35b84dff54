/* SPDX-License-Identifier: Apache-2.0 */
#include "build/emulation.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>

#include "libpod/base/error.h"
#include "libpod/base/fd.h"
#include "storage/manifest.h"

#define HANDLERS  "/proc/sys/fs/binfmt_misc"
#define TEXT_MAX  (64u << 10)
#define HEAD_SIZE 20 /* of an ELF file: up to e_machine's end */

static const struct {
	const char *architecture;
	int machine;
	bool is_64, is_big;
} machines[] = {
	{"386", EM_386, false, false},      {"amd64", EM_X86_64, true, false},
	{"arm", EM_ARM, false, false},      {"arm64", EM_AARCH64, true, false},
	{"loong64", 258, true, false},      {"mips64le", EM_MIPS, true, false},
	{"mipsle", EM_MIPS, false, false},  {"ppc64le", EM_PPC64, true, false},
	{"riscv64", EM_RISCV, true, false}, {"s390x", EM_S390, true, true},
};

/* The first bytes of such a program. */
static bool fill_head(const char *architecture, unsigned char *head)
{
	for (size_t i = 0; i < G_N_ELEMENTS(machines); i++) {
		if (strcmp(machines[i].architecture, architecture) != 0)
			continue;
		bool big = machines[i].is_big;
		memcpy(head, ELFMAG, SELFMAG);
		head[EI_CLASS] = machines[i].is_64 ? ELFCLASS64 : ELFCLASS32;
		head[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
		head[EI_VERSION] = EV_CURRENT;
		head[big ? 17 : 16] = ET_EXEC;
		head[big ? 19 : 18] = (unsigned char)(machines[i].machine & 0xff);
		head[big ? 18 : 19] = (unsigned char)(machines[i].machine >> 8);
		return true;
	}
	return false;
}

/* "7f454c46..." to bytes. Return: how many. */
static size_t parse_hex(const char *text, unsigned char *out, size_t max)
{
	size_t n = 0;
	for (; n < max && g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1]); text += 2)
		out[n++] = (unsigned char)(g_ascii_xdigit_value(text[0]) << 4 |
					   g_ascii_xdigit_value(text[1]));
	return n;
}

/* The rest of the line that begins with @key. */
static const char *line_of(char **lines, const char *key)
{
	for (; *lines; lines++)
		if (g_str_has_prefix(*lines, key))
			return *lines + strlen(key);
	return NULL;
}

bool emulation_handles(const char *text, const char *architecture)
{
	unsigned char head[HEAD_SIZE] = {0}, magic[HEAD_SIZE] = {0}, mask[HEAD_SIZE];
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	const char *flags = line_of(lines, "flags: "), *magic_text = line_of(lines, "magic ");
	const char *offset = line_of(lines, "offset "), *mask_text = line_of(lines, "mask ");
	memset(mask, 0xff, sizeof mask);
	if (!fill_head(architecture, head) || g_strcmp0(lines[0], "enabled") != 0 || !magic_text ||
	    g_strcmp0(offset, "0") != 0 || !flags || !strchr(flags, 'F'))
		return false;
	size_t n = parse_hex(magic_text, magic, sizeof magic);
	if (mask_text)
		(void)parse_hex(mask_text, mask, sizeof mask);
	for (size_t i = 0; i < n; i++)
		if ((head[i] & mask[i]) != (magic[i] & mask[i]))
			return false;
	return n == HEAD_SIZE;
}

/* Does any handler of this machine take them? */
static bool is_handled(const char *architecture)
{
	g_autoptr(GDir) dir = g_dir_open(HANDLERS, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir))) {
		size_t size = 0;
		g_autofree char *path = g_build_filename(HANDLERS, name, NULL);
		/* lint: allow open: the kernel's */
		autofd fd = open(path, O_RDONLY | O_CLOEXEC);
		g_autofree char *text = fd < 0 ? NULL : fd_read_all(fd, TEXT_MAX, &size, NULL);
		if (text && emulation_handles(text, architecture))
			return true;
	}
	return false;
}

bool emulation_check(const char *os, const char *architecture, const char *variant, GError **error)
{
	g_auto(Platform) host = {0};
	g_auto(Platform) have = {0};
	platform_host(&host);
	platform_set(&have, os, architecture, variant);
	bool native = platform_runs(&host, &have) ||
		      (strcmp(host.architecture, "amd64") == 0 && strcmp(architecture, "386") == 0);
	if (native || (strcmp(os, host.os) == 0 && is_handled(architecture)))
		return true;
	g_autofree char *shown = platform_format(&have);
	g_autofree char *ours = platform_format(&host);
	error_set(error, ENGINE_ERROR_UNSUPPORTED, "cannot run programs for %s on %s", shown, ours);
	error_add_help(error, "sudo apt install qemu-user-static (any binfmt_misc handler with the "
			      "flag F will do), or let the stage that RUNs be FROM "
			      "--platform=$BUILDPLATFORM and COPY from it");
	return false;
}
