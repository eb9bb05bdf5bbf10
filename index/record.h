/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment file headers and record headers: between host structs and the bytes of index/format.h, with their
 * checksums.
 */
#ifndef FIRN_INDEX_RECORD_H
#define FIRN_INDEX_RECORD_H

#include "index/segment.h"

/* Fills the header of a record whose stored bytes are frame[0 .. r->stored). */
void record_encode(struct record_disk *disk, const struct record *r, const void *frame);

/* Reads a header alone: false when it can't be one. Lengths are then bounded by SEGMENT_RECORD_MAX, but
 * nothing is proven. */
bool record_decode(const struct record_disk *disk, struct record *r);

/* True when the checksum holds over header and stored bytes. */
bool record_verify(const struct record_disk *disk, const void *frame, size_t stored);

void segment_header_encode(struct segment_disk *disk, const uint8_t uuid[16], uint32_t segment);
bool segment_header_verify(const struct segment_disk *disk, const uint8_t uuid[16], uint32_t segment);

#endif
