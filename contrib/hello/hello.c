/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in image's program: says hello and explains what has just happened. No libc where two
 * system calls can be written by hand, so that the whole image is a few kilobytes.
 */

static const char text[] =
	"\n"
	"Hello from skiff! Your containers work.\n"
	"\n"
	"What it took to print this:\n"
	" 1. The command took the image of this name that skiff brings along.\n"
	" 2. It unpacked it into your own store, the first time: no daemon was asked.\n"
	" 3. It made namespaces, mounted the image in them and ran the program that\n"
	"    prints these lines.\n"
	" 4. A small monitor passed them on to your terminal, and is gone by now.\n"
	"\n"
	"Something bigger to try next:\n"
	"    skiff run -it debian bash\n"
	"\n"
	"Everything you can type:\n"
	"    skiff --help\n"
	"\n";

#if defined(__x86_64__)
static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}
#define NR_WRITE 1
#define NR_EXIT  60
#elif defined(__aarch64__)
static long call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#define NR_WRITE 64
#define NR_EXIT  93
#elif defined(__riscv) && __riscv_xlen == 64
static long call(long number, long a, long b, long c)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0;
}
#define NR_WRITE 64
#define NR_EXIT  93
#else
#include <unistd.h>
#define WITH_LIBC
#endif

#ifdef WITH_LIBC
static long put(const char *from, long size)
{
	return write(1, from, (unsigned long)size);
}

int main(void)
#else
static long put(const char *from, long size)
{
	return call(NR_WRITE, 1, (long)from, size);
}

static int run(void)
#endif
{
	const char *from = text;
	long left = (long)sizeof(text) - 1;
	while (left > 0) {
		long n = put(from, left);
		if (n == -4) /* EINTR */
			continue;
		if (n <= 0)
			return 1;
		from += n;
		left -= n;
	}
	return 0;
}

#ifndef WITH_LIBC
void _start(void);
void _start(void)
{
	(void)call(NR_EXIT, run(), 0, 0);
	__builtin_unreachable();
}
#endif
