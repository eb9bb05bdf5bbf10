/* SPDX-License-Identifier: BSD-2-Clause */
/* The neural coder's loops in plain C: the reference. */
#define NEURAL_CODE neural_code_scalar
#define DENSE_CODE dense_code_scalar
#include "codec/dense_code.h"
#include "codec/neural_code.h"
