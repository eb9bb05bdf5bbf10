/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for what hands out memory and threads, linked with --wrap: they stand before the calls of firn's own code.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/crash/fault.h"

#define CALLER __builtin_return_address(0)

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strndup(const char *text, size_t n);
char *__wrap_strndup(const char *text, size_t n);
char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

static bool fails(const void *caller)
{
	int error = fault_check(FAULT_MEMORY, caller);

	if (error)
		errno = error;
	return error != 0;
}

void *__wrap_malloc(size_t size)
{
	return fails(CALLER) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(CALLER) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails(CALLER) ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails(CALLER) ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return fails(CALLER) ? NULL : __real_strndup(text, n);
}

char *__wrap_realpath(const char *path, char *resolved)
{
	return fails(CALLER) ? NULL : __real_realpath(path, resolved);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int error = fault_check(FAULT_THREAD, CALLER);

	return error ? error : __real_pthread_create(thread, attr, fn, arg);
}
