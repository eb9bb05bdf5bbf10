#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fuzz targets on their corpora, golden files and what is cut from small stores, whole and damaged in ways that are the same every time, and on the inputs
# in tests/fuzz/found that once were a finding. FIRN_FUZZ_ROUNDS: how often each is damaged.
set -eu
: "${top_srcdir:=.}" "${top_builddir:=.}"

FIRN_GOLDEN=$top_srcdir/tests/codec/golden
export FIRN_GOLDEN
dir=$(mktemp -d "${TMPDIR:-/tmp}/firn-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

"$top_builddir/tests/fuzz/corpus" "$dir"
find "$top_srcdir/tests/fuzz/found" -name '*.*' -exec cp {} "$dir/" \;
replay() { # replay TARGET ROUNDS DIR
	printf '%s: ' "$1"
	"$top_builddir/tests/fuzz/replay_$1" "$3" ".$1" "${FIRN_FUZZ_ROUNDS:-$2}"
}
replay frame 100 "$FIRN_GOLDEN"
replay model 40 "$FIRN_GOLDEN"
replay super 1000 "$dir"
replay value 20 "$dir"
replay segment 60 "$dir"
replay store 30 "$dir"
replay import 60 "$dir"
