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

static int has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
#else
static int has_avx512(void)
{
	return 0;
}

static int has_avx2(void)
{
	return 0;
}
#endif

const char *codec_kernel(void)
{
	const char *wish = getenv("FIRN_KERNEL");

	if (!has_avx2() || (wish && !strcmp(wish, "scalar")))
		return "scalar";
	return has_avx512() && !(wish && !strcmp(wish, "avx2")) ? "avx512" : "avx2";
}
