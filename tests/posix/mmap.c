/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap(2): shared and private mappings, coherent with read(2) and write(2), between processes, and at the end of the file.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/posix/pattern.h"

static uint8_t *map(int fd, size_t len, int flags)
{
	uint8_t *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(bytes, MAP_FAILED);
	return bytes;
}

static void shared_mapping(void **state)
{
	int fd = place_new("m");
	uint8_t *map;

	(void)state;
	assert_done(ftruncate(fd, 2 * CHUNK));
	map = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	for (size_t i = 0; i < 2 * CHUNK; i++)
		map[i] = pattern(i);
	assert_done(msync(map, 2 * CHUNK, MS_SYNC));
	assert_done(munmap(map, 2 * CHUNK));
	assert_pattern(fd, 0, 2 * CHUNK);
	assert_done(close(fd));
	assert_done(unlink("m"));
}

static void coherent(void **state)
{
	int fd = place_new("m");
	uint8_t *bytes, back[16];

	(void)state;
	write_pattern(fd, 0, 2 * CHUNK);
	bytes = map(fd, 2 * CHUNK, MAP_SHARED);
	for (size_t at = 0; at + 16 < 2 * CHUNK; at += 5003) {
		memcpy(bytes + at, "through memory..", 16);
		assert_int_equal(pread(fd, back, 16, (off_t)at), 16);
		assert_memory_equal(back, "through memory..", 16);
		assert_int_equal(pwrite(fd, "through the call", 16, (off_t)at), 16);
		assert_memory_equal(bytes + at, "through the call", 16);
	}
	assert_done(munmap(bytes, 2 * CHUNK));
	assert_done(close(fd));
	assert_done(unlink("m"));
}

static void outlives_descriptor_and_name(void **state)
{
	int fd = place_new("m");
	uint8_t *bytes;

	(void)state;
	write_pattern(fd, 0, CHUNK);
	bytes = map(fd, CHUNK, MAP_SHARED);
	assert_done(close(fd));
	assert_done(unlink("m"));
	for (size_t i = 0; i < CHUNK; i += 100)
		assert_int_equal(bytes[i], pattern(i));
	bytes[5] = 1;
	assert_done(msync(bytes, CHUNK, MS_SYNC));
	assert_done(munmap(bytes, CHUNK));
}

static void written_without_msync(void **state)
{
	int fd = place_new("m");
	uint8_t *bytes;

	(void)state;
	assert_done(ftruncate(fd, 3 * CHUNK));
	bytes = map(fd, 3 * CHUNK, MAP_SHARED);
	for (size_t i = 0; i < 3 * CHUNK; i++)
		bytes[i] = pattern(i);
	assert_done(munmap(bytes, 3 * CHUNK));
	assert_done(close(fd));
	fd = open("m", O_RDONLY);
	assert_pattern(fd, 0, 3 * CHUNK);
	assert_done(fsync(fd));
	assert_done(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	assert_pattern(fd, 0, 3 * CHUNK);
	assert_done(close(fd));
	assert_done(unlink("m"));
}

static void private_copy(void **state)
{
	int fd = place_new("m");
	uint8_t *bytes;

	(void)state;
	write_pattern(fd, 0, 10000);
	bytes = map(fd, 10000, MAP_PRIVATE);
	memset(bytes, 0, 10000);
	assert_done(munmap(bytes, 10000));
	assert_pattern(fd, 0, 10000);
	assert_done(close(fd));
	assert_done(unlink("m"));
}

/* What is in the last page behind the end is zero, is not written, and does not come back when the file grows. */
static void behind_the_end(void **state)
{
	int fd = place_new("m");
	uint8_t *bytes;

	(void)state;
	write_pattern(fd, 0, 5000);
	bytes = map(fd, 8192, MAP_SHARED);
	assert_int_equal(bytes[5000], 0);
	bytes[5000] = bytes[8191] = 77;
	assert_done(msync(bytes, 8192, MS_SYNC));
	assert_int_equal(place_stat("m").st_size, 5000);
	assert_done(munmap(bytes, 8192));
	assert_done(ftruncate(fd, 8192));
	assert_pattern(fd, 0, 5000);
	assert_zeros(fd, 5000, 3192);
	assert_done(close(fd));
	assert_done(unlink("m"));
}

static void beyond_the_last_page(void **state)
{
	int fd = place_new("m"), status;
	uint8_t *bytes;
	pid_t child;

	(void)state;
	write_pattern(fd, 0, 100);
	bytes = map(fd, 3 * 4096, MAP_SHARED);
	child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		_exit(((volatile uint8_t *)bytes)[4096]);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	assert_done(ftruncate(fd, 3 * 4096));
	assert_int_equal(bytes[4096], 0); /* it is there now */
	assert_done(munmap(bytes, 3 * 4096));
	assert_done(close(fd));
	assert_done(unlink("m"));
}

/* Two processes pass a counter to and fro in a shared page. */
static void between_processes(void **state)
{
	int fd = place_new("m"), status;
	volatile uint32_t *counter;
	pid_t child;

	(void)state;
	assert_done(ftruncate(fd, 4096));
	child = fork();
	if (child == 0) {
		int own = open("m", O_RDWR);
		volatile uint32_t *mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);

		while (mine != MAP_FAILED && __atomic_load_n(mine, __ATOMIC_SEQ_CST) < 2000)
			if (*mine % 2)
				__atomic_fetch_add(mine, 1, __ATOMIC_SEQ_CST);
			else
				usleep(0);
		_exit(mine == MAP_FAILED);
	}
	counter = (volatile uint32_t *)(void *)map(fd, 4096, MAP_SHARED);
	while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) < 2000) {
		if (*counter % 2 == 0)
			__atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
		else
			usleep(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read(fd, &status, sizeof status), sizeof status);
	assert_true(status == 2000 || status == 2001);
	assert_done(munmap((void *)(uintptr_t)counter, 4096));
	assert_done(close(fd));
	assert_done(unlink("m"));
}

static void needs_the_right_mode(void **state)
{
	int fd;

	(void)state;
	place_file("m", "x");
	fd = open("m", O_RDONLY);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_done(close(fd));
	fd = open("m", O_WRONLY);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_done(close(fd));
	fd = open(".", O_RDONLY);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, ENODEV);
	assert_done(close(fd));
	assert_done(unlink("m"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(shared_mapping),
		place_case(coherent),
		place_case(outlives_descriptor_and_name),
		place_case(written_without_msync),
		place_case(private_copy),
		place_case(behind_the_end),
		place_case(beyond_the_last_page),
		place_case(between_processes),
		place_case(needs_the_right_mode),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
