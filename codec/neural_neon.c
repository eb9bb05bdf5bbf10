/* SPDX-License-Identifier: BSD-2-Clause */
/* The neural coder's loops with NEON. */
#define NEURAL_NEON
#define NEURAL_CODE neural_code_neon
#define DENSE_CODE dense_code_neon
#include "codec/dense_code.h"
#include "codec/neural_code.h"
