/* SPDX-License-Identifier: BSD-2-Clause */
/* The bits of a byte as nodes of the network and of a nibble's slot, and how the network learns
 * one. */
#ifndef FIRN_CODEC_NEURAL_TREE_H
#define FIRN_CODEC_NEURAL_TREE_H

#include "codec/kernel.h"

/* The output rows learn at the model's rate, in units of 2^-16; their biases at this. */
#define OUT_SHIFT 16
#define OUT_BIAS_SHIFT 4

/* How often decoding looks whether the frame has long ended. */
#define EXHAUSTED_EVERY 1024

/* Node of bit `depth` (0 the highest) of a byte of which the bits above are known. */
KERNEL uint32_t node_of(unsigned byte, unsigned depth)
{
	uint32_t high = byte >> 4;

	if (depth < 4)
		return (1u << depth | high >> (4 - depth)) - 1;
	return 15 + 15 * high + (1u << (depth - 4) | ((byte & 15) >> (8 - depth))) - 1;
}

/* A bit's node in its nibble's slot. */
KERNEL uint32_t node_in_slot(unsigned byte, unsigned depth)
{
	return depth < 4 ? (1u << depth | byte >> (8 - depth)) - 1
			 : (1u << (depth - 4) | (byte & 15) >> (8 - depth)) - 1;
}

/* The network learns from one bit: error in units of 2^-16. */
KERNEL void network_learn(struct neural *nn, uint32_t width, uint32_t node, int32_t error)
{
	int32_t e = error * nn->tuning.rate / (1 << OUT_SHIFT);

	if (!e)
		return;
	kernel_adapt(nn->out + (size_t)node * width, nn->hidden, e, width);
	nn->out_bias[node] = clamp32(nn->out_bias[node] + error / (1 << OUT_BIAS_SHIFT),
				     -NEURAL_OUT_BIAS_MAX, NEURAL_OUT_BIAS_MAX);
}

#endif
