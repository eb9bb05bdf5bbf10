#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fuzz targets on their corpora, the golden files, whole and damaged in ways that are the same every time. FIRN_FUZZ_ROUNDS: how often each.
set -eu
: "${top_srcdir:=.}" "${top_builddir:=.}"

FIRN_GOLDEN=$top_srcdir/tests/codec/golden
export FIRN_GOLDEN
"$top_builddir/tests/fuzz/replay_frame" "$FIRN_GOLDEN" .frame "${FIRN_FUZZ_ROUNDS:-100}"
"$top_builddir/tests/fuzz/replay_model" "$FIRN_GOLDEN" .model "${FIRN_FUZZ_ROUNDS:-40}"
