/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flipper A B COUNT-FILE: exchange two names as fast as it goes, and note how often. What a hostile
 * container does while its files are copied.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int count = open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	for (unsigned long n = 1; count >= 0; n++) {
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
			usleep(100); /* one of them is being replaced */
		if (n % 256)
			continue;
		char text[32];
		int size = snprintf(text, sizeof(text), "%lu\n", n);
		if (pwrite(count, text, (size_t)size, 0) != size)
			return 1;
	}
	return 1;
}
