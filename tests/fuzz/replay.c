/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzz target without libFuzzer: replay DIR SUFFIX ROUNDS runs it on the files of DIR that end in SUFFIX, as they are and ROUNDS times
 * damaged: bits flipped, bytes changed, cut, lengthened, parts moved. Always the same damage, so a finding can be had again.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/codec/bytes.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MAX (1u << 20)

static size_t damage(uint8_t *bytes, size_t n, uint64_t *seed)
{
	for (uint64_t times = 1 + bytes_next(seed) % 4; times > 0 && n > 0; times--) {
		uint64_t r = bytes_next(seed);
		/* the beginning is where headers are */
		size_t at = (size_t)(r >> 8) % (r & 0x80 ? n : n < 128 ? n : 128);

		switch (r % 6) {
		case 0:
		case 1:
			bytes[at] ^= (uint8_t)(1u << (r >> 40 & 7));
			break;
		case 2:
			bytes[at] = (uint8_t)(r >> 40);
			break;
		case 3:
			bytes[at] = r >> 40 & 1 ? 0xff : 0;
			break;
		case 4:
			n = at;
			break;
		default:
			memmove(bytes + at / 2, bytes + at, n - at);
		}
	}
	return n;
}

static void replay(const char *path, unsigned rounds)
{
	static uint8_t whole[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(whole, 1, sizeof whole, f) : 0;

	if (!f || n == 0) {
		perror(path);
		exit(1);
	}
	fclose(f);
	for (unsigned i = 0; i <= rounds; i++) {
		uint64_t seed = i;
		uint8_t *bytes = malloc(n);
		size_t len = n;

		if (!bytes)
			exit(1);
		memcpy(bytes, whole, n);
		if (i > 0)
			len = damage(bytes, n, &seed);
		LLVMFuzzerTestOneInput(bytes, len);
		free(bytes);
	}
}

int main(int argc, char **argv)
{
	unsigned files = 0;
	struct dirent *e;
	char path[4400];
	DIR *d = argc == 4 ? opendir(argv[1]) : NULL;

	if (!d) {
		fputs("usage: replay DIR SUFFIX ROUNDS\n", stderr);
		return 64;
	}
	LLVMFuzzerInitialize(&argc, &argv);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name), s = strlen(argv[2]);

		if (n < s || strcmp(e->d_name + n - s, argv[2]) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
		replay(path, (unsigned)strtoul(argv[3], NULL, 10));
		files++;
	}
	closedir(d);
	printf("%u files\n", files);
	return files > 0 ? 0 : 1;
}
