/* SPDX-License-Identifier: BSD-2-Clause */
/* Which instance of the neural coder's loops runs here. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

#ifdef HAVE_AVX2
static int has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

/* The best there is that is no better than the wish. */
static const char *fastest(const char *wish)
{
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
		return "scalar";
	return has_avx512() && strcmp(wish, "avx2") != 0 ? "avx512" : "avx2";
}
#elif defined HAVE_NEON
static const char *fastest(const char *wish)
{
	(void)wish;
	return "neon";
}
#else
static const char *fastest(const char *wish)
{
	(void)wish;
	return "scalar";
}
#endif

const char *codec_kernel(void)
{
	const char *wish = getenv("FIRN_KERNEL");

	return wish && !strcmp(wish, "scalar") ? "scalar" : fastest(wish ? wish : "");
}
