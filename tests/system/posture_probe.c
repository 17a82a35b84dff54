/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inside a container and prints what it finds, as JSON: identity, capabilities, descriptors,
 * limits, mounts, hidden paths, the session keyring, and what every system call number answers.
 * Static, x86-64.
 *
 *	posture_probe [to FILE] [wait | hold | syscalls] [PATH...]
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_NUMBER 480
#define REPORT_FD  100

static const char *separator = "";

/* Begin a member of the outermost object. */
static void member(const char *name)
{
	printf("%s\n\"%s\": ", separator, name);
	separator = ",";
}

static void quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", *text);
		else
			putchar(*text);
	}
	putchar('"');
}

/* A file of /proc, line by line. */
static void print_lines(const char *name, const char *path)
{
	char line[4096];
	const char *comma = "";
	FILE *file = fopen(path, "re");
	member(name);
	printf("[");
	while (file && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		printf("%s", comma);
		quoted(line);
		comma = ",\n";
	}
	printf("]");
	if (file)
		fclose(file);
}

static void print_fds(void)
{
	const char *comma = "";
	member("fds");
	printf("[");
	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;
		if (fstat(fd, &st) < 0)
			continue;
		printf("%s%d", comma, fd);
		comma = ", ";
	}
	printf("]");
}

static void print_limits(void)
{
	const char *comma = "";
	member("limits");
	printf("[");
	for (int i = 0; i < 16; i++) {
		struct rlimit limit;
		getrlimit(i, &limit);
		printf("%s[%llu, %llu]", comma, (unsigned long long)limit.rlim_cur,
		       (unsigned long long)limit.rlim_max);
		comma = ", ";
	}
	printf("]");
}

/* What a path is and whether it can be written. */
static void print_path(const char *path)
{
	struct stat st;
	const char *kind = "other";
	if (stat(path, &st) < 0) {
		kind = "absent";
	} else if (S_ISCHR(st.st_mode)) {
		kind = st.st_rdev == makedev(1, 3) ? "null" : "character device";
	} else if (S_ISDIR(st.st_mode)) {
		int entries = 0;
		DIR *dir = opendir(path);
		while (dir && readdir(dir))
			entries++;
		kind = entries == 2 ? "empty directory" : dir ? "directory" : "closed directory";
		if (dir)
			closedir(dir);
	} else if (S_ISREG(st.st_mode)) {
		kind = "file";
	}
	int writable = access(path, W_OK) == 0;
	printf("\"%s%s\"", kind, writable ? "" : errno == EROFS ? ", read-only" : ", not writable");
}

static void print_paths(char **paths)
{
	const char *comma = "";
	member("paths");
	printf("{");
	for (; *paths; paths++) {
		printf("%s\"%s\": ", comma, *paths);
		print_path(*paths);
		comma = ",\n";
	}
	printf("}");
}

static void print_keyring(void)
{
	char description[256] = "";
	long id = syscall(SYS_keyctl, 0, -3, 0);
	long size = id < 0 ? -1 : syscall(SYS_keyctl, 6, id, description, sizeof description - 1);
	member("keyring");
	quoted(id < 0 ? strerror(errno) : size < 0 ? "hidden" : description);
	member("keyring_id");
	printf("%ld", id);
	member("keyring_add");
	long key = syscall(SYS_add_key, "user", "skiff-probe", "x", 1, -3);
	quoted(key < 0 ? strerror(errno) : "added");
}

static long call(int number)
{
	/* Most calls fail early on such arguments; two look at an int only. */
	long argument = number == SYS_personality ? 0xffffffffL : -1;
	return syscall(number, argument, -1L, -1L, -1L, -1L, -1L);
}

/* In a child of its own: it may exit, hang or be killed by its call. */
static void try_number(int number)
{
	pid_t self = getpid();
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	alarm(1);
	errno = 0;
	long result = call(number);
	int error = result == -1 ? errno : 0;
	if (syscall(SYS_getpid) != self)
		_exit(0);
	if (write(REPORT_FD, &error, sizeof error) != sizeof error)
		_exit(1);
	_exit(0);
}

static void print_number(int number)
{
	int ends[2], status, error = -1;
	if (pipe(ends) < 0)
		exit(1);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], REPORT_FD);
		close(ends[0]);
		close(ends[1]);
		try_number(number);
	}
	close(ends[1]);
	if (read(ends[0], &error, sizeof error) != sizeof error)
		error = -1;
	close(ends[0]);
	waitpid(child, &status, 0);
	if (error >= 0)
		printf("\"%s\"", error ? strerrorname_np(error) : "ok");
	else if (WIFSIGNALED(status))
		printf("\"killed by %d\"", WTERMSIG(status));
	else
		printf("\"exit\"");
}

static void print_syscalls(void)
{
	member("syscalls");
	printf("[");
	for (int number = 0; number < MAX_NUMBER; number++) {
		fflush(stdout);
		print_number(number);
		printf("%s", number + 1 < MAX_NUMBER ? ", " : "");
	}
	printf("]");
}

/* Calls whose arguments decide. */
static void print_arguments(void)
{
	static const struct {
		const char *name;
		long number, first, second;
	} rows[] = {
		{"clone NEWUSER", SYS_clone, 0x10000011, 0},
		{"clone NEWNS", SYS_clone, 0x00020011, 0},
		{"clone3", SYS_clone3, 0, 0},
		{"socket ALG", SYS_socket, 38, 5},
		{"socket ALG in 64 bits", SYS_socket, 0x100000026, 5},
		{"socket VSOCK", SYS_socket, 40, 1},
		{"socket INET", SYS_socket, 2, 1},
		{"socket INET6", SYS_socket, 10, 1},
		{"socket UNIX", SYS_socket, 1, 1},
		{"socket NETLINK", SYS_socket, 16, 3},
		{"socket PACKET", SYS_socket, 17, 3},
		{"personality LINUX32", SYS_personality, 8, 0},
		{"personality READ_IMPLIES_EXEC", SYS_personality, 0x400000, 0},
		{"x32 getpid", 0x40000000 | SYS_getpid, 0, 0},
		{"unknown", 9999, 0, 0},
	};
	member("arguments");
	printf("{");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		errno = 0;
		long result = syscall(rows[i].number, rows[i].first, rows[i].second, 0, 0, 0);
		if (result == 0 && rows[i].number == SYS_clone)
			_exit(0);
		printf("%s\"%s\": \"%s\"", i ? ",\n" : "", rows[i].name,
		       result == -1 ? strerrorname_np(errno) : "ok");
	}
	printf("}");
}

int main(int argc, char **argv)
{
	/* "to": where nobody reads what we print; the file takes the place of stdout. */
	if (argc > 2 && strcmp(argv[1], "to") == 0) {
		if (!freopen(argv[2], "w", stdout))
			return 2;
		argc -= 2;
		argv += 2;
	}
	/* "wait": be there until stdin ends. */
	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		char byte;
		puts("waiting");
		fflush(stdout);
		return read(0, &byte, 1) < 0;
	}
	int hold = argc > 1 && strcmp(argv[1], "hold") == 0;
	int with_syscalls = argc > 1 && strcmp(argv[1], "syscalls") == 0;
	printf("{");
	print_fds();
	print_lines("status", "/proc/self/status");
	print_lines("mounts", "/proc/self/mountinfo");
	print_limits();
	mode_t mask = umask(0);
	umask(mask);
	member("umask");
	printf("%u", mask);
	print_paths(argv + (argc > 1 ? 1 + with_syscalls + hold : 1));
	print_keyring();
	print_arguments();
	if (with_syscalls)
		print_syscalls();
	printf("\n}\n");
	fflush(stdout);
	if (hold)
		return getchar() != EOF;
	return 0;
}
