/* SPDX-License-Identifier: BSD-2-Clause */
/* The neural coder's loops with AVX-512 (BW, VL, DQ, VNNI); compiled into a library of its own, called only where the processor has it. */
#define NEURAL_CODE neural_code_avx512
#define DENSE_CODE dense_code_avx512
#include "codec/dense_code.h"
#include "codec/neural_code.h"
