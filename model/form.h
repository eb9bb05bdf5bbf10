/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an encoder decides about a chunk before it codes it, and tells the decoder: its class, the
 * filter that makes it easier to predict, and the length of its records. Training sees chunks in
 * the same form.
 */
#ifndef FIRN_MODEL_FORM_H
#define FIRN_MODEL_FORM_H

#include <stddef.h>
#include <stdint.h>

/* What kind of bytes a chunk holds. */
#define CLASS_COUNT 16
unsigned form_classify(const uint8_t *buf, size_t n);

/* Numbers are part of the format. */
enum form_filter {
	FILTER_NONE,
	FILTER_X86, /* model/x86.h */
	FILTER_COUNT
};

#define FORM_STRIDE_MIN 2

struct form {
	uint8_t class;  /* below CLASS_COUNT */
	uint8_t filter; /* enum form_filter */
	uint8_t stride; /* bytes of a record, FORM_STRIDE_MIN or more; 0: none of fixed length */
};

void form_find(struct form *f, const uint8_t *buf, size_t n);

/* The same of bytes that are filtered already: of a model's dictionary. */
void form_find_filtered(struct form *f, const uint8_t *buf, size_t n);

/* Filters the chunk in place, and back. Any bytes come back as they were. */
void form_apply(const struct form *f, uint8_t *buf, size_t n);
void form_undo(const struct form *f, uint8_t *buf, size_t n);

#endif
