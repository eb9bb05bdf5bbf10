#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# firn estimate: its figures hang together, it changes nothing, is quiet in a pipe, and what it predicts of a store comes true.
. "${top_srcdir:-.}/tests/mount/lib.sh"

mkdir "$scratch/tree" "$scratch/tree/sub"
i=0
while [ $i -lt 150 ]; do
	seq -f "line %g of file $((i % 7)): the same words again" $((i * 17)) $((i * 17 + 250)) >"$scratch/tree/sub/$i"
	i=$((i + 1))
done
head -c 40000 /dev/urandom >"$scratch/tree/noise"
(cd "$scratch/tree" && find . -exec stat -c '%n %s %Y' {} + | sort) >"$scratch/before"

figure() { # figure KEY [OBJECT]: a number of the report; of this nested object when given
	sed -n "/\"${2:-directory}\"/,/}/s/^ *\"$1\": \([0-9.]*\),*$/\1/p" "$scratch/json" | head -n 1
}
firn estimate --json --chunks="$scratch/chunks" "$scratch/tree" >"$scratch/json" 2>"$scratch/err" ||
	fail "estimate: $(cat "$scratch/err")"
[ ! -s "$scratch/err" ] || fail "estimate shows progress in a pipe: $(cat "$scratch/err")"
[ "$(figure files)" -eq 151 ] || fail "$(figure files) files"
[ "$(figure file_bytes)" -eq "$(find "$scratch/tree" -type f -exec cat {} + | wc -c)" ] || fail "$(figure file_bytes) bytes"
[ "$(figure held_out_chunks)" -eq "$(find "$scratch/chunks" -type f | wc -l)" ] || fail "other chunks were written than judged"
[ "$(figure held_out_bytes)" -eq "$(cat "$scratch"/chunks/* | wc -c)" ] || fail "other bytes were written than judged"
[ "$(figure held_out_chunks)" -gt 4 ] || fail "only $(figure held_out_chunks) chunks held out"
cmp -s "$scratch/chunks/000000" "$scratch/chunks/000001" && fail "the same chunk twice"

ordered() { # ordered WHAT A B: numbers, A below B
	awk -v a="$2" -v b="$3" 'BEGIN { exit !(a > 0 && a < b) }' || fail "$1: $2 is not below $3"
}
ordered "network against zstd" "$(figure bits_per_byte normal)" "$(figure bits_per_byte zstd_19)"
ordered "dense against normal" "$(figure bits_per_byte dense)" "$(figure bits_per_byte normal)"
ordered "zstd against LZ4" "$(figure bits_per_byte zstd_19)" "$(figure bits_per_byte lz4)"
if [ -n "$(figure bits_per_byte xz_9e)" ]; then
	xz=$(find "$scratch/chunks" -type f -exec sh -c 'for c; do xz -9e -c "$c" | wc -c; done' sh {} + | awk '{ s += $1 } END { print s }')
	ours=$(awk -v b="$(figure bits_per_byte xz_9e)" -v n="$(figure held_out_bytes)" 'BEGIN { print b * n / 8 }')
	ordered "xz without its container" "$ours" "$xz"
	# the container is 60 to 72 bytes a file
	ordered "xz itself" "$((xz - 80 * $(figure held_out_chunks)))" "$ours"
fi

# Within a tenth of what a store takes that was really made.
make_store --import "$scratch/tree"
near() { # near WHAT PREDICTED: against the store as it is now
	used=$(du -s --block-size=1 "$store" | cut -f 1)
	awk -v p="$2" -v u="$used" 'BEGIN { exit !(p > 0.9 * u && p < 1.1 * u) }' || fail "$1: predicted $2 bytes, took $used"
}
near hot "$(figure hot store_bytes)"

(cd "$scratch/tree" && find . -exec stat -c '%n %s %Y' {} + | sort) | cmp -s - "$scratch/before" || fail "estimate changed the tree"
firn estimate --level=fast --sample=1 --progress "$scratch/tree" >"$scratch/out" 2>"$scratch/err" || fail "estimate --level=fast"
grep -q "^measure \[.*100%" "$scratch/err" || fail "--progress shows none"
grep -q "network, fast" "$scratch/out" || fail "no row for fast"
grep -Eq "network, (normal|dense)" "$scratch/out" && fail "a row for a level that was not asked for"
refused 1 "none: .*[Nn]o such" firn estimate "$scratch/none"
refused 1 "noise: .*[Nn]ot a directory" firn estimate "$scratch/tree/noise"
mkdir "$scratch/empty"
refused 1 "empty: too few files" firn estimate "$scratch/empty"
