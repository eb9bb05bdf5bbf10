#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# firn estimate over directories, and zpaq -m5 (where installed) on the same held-out chunks in the same run, every chunk alone: bits per byte, and
# MB/s of processor time encoding and decoding. zpaq is started once per chunk, which costs it a millisecond or two.
# Usage: codec.sh BUILD_DIR DIR...     (options of firn estimate in $ESTIMATE; works in a temporary directory)
set -euo pipefail
build=$(cd "$1" && pwd); shift
work=$(mktemp -d "${TMPDIR:-/tmp}/firn-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# One line a coder: set, coder, bits per byte, MB/s of both directions, memory of a worker and of the model in KiB.
coders() { # coders SET <JSON
	awk -v set="$1" -F '[":, ]+' '
		/"coders"/ { on = 1; next }
		on && /{/ { name = $2 }
		on && /bits_per_byte/ { bits = $3 } on && /encode_mb_s/ { e = $3 } on && /decode_mb_s/ { d = $3 } on && /worker_memory/ { w = $3 }
		on && /model_memory/ { printf "%-10s %-20s %7.3f %9.2f %9.2f %8d %8d\n", set, name, bits, e, d, w / 1024, $3 / 1024 }
		/"network"|"store_bytes"/ { on = 0 }'
}

zpaq_chunks() { # zpaq_chunks SET CHUNKS: the same line for zpaq -m5
	mkdir "$work/frames"
	# shellcheck disable=SC2016 # expanded by the inner shell
	/usr/bin/time -o "$work/e" -f '%U %S %M' sh -c 'for c in "$1"/*; do
		zpaq add "$2/${c##*/}.zpaq" "$c" -m5 -t1 >/dev/null 2>&1; done' sh "$2" "$work/frames"
	# shellcheck disable=SC2016
	/usr/bin/time -o "$work/d" -f '%U %S %M' sh -c 'for f in "$1"/*.zpaq; do
		zpaq extract "$f" -to "$1/out" -force -t1 >/dev/null 2>&1; done' sh "$work/frames"
	stored=$(find "$work/frames" -name '*.zpaq' -printf '%s\n' | awk '{ s += $1 } END { print s }')
	plain=$(find "$2" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')
	awk -v set="$1" -v stored="$stored" -v plain="$plain" '{ t[++n] = $1 + $2; if ($3 > kib) kib = $3 }
		END { printf "%-10s %-20s %7.3f %9.2f %9.2f %8d %8d\n", set, "zpaq_m5", 8 * stored / plain, plain / 1e6 / t[1],
		      plain / 1e6 / t[2], kib, 0 }' "$work/e" "$work/d"
	rm -rf "$work/frames"
}

for dir; do
	name=$(basename "$dir")
	# shellcheck disable=SC2086
	"$build/firn" estimate --json --chunks="$work/chunks" ${ESTIMATE:-} "$dir" >"$work/json"
	coders "$name" <"$work/json"
	sed -n 's/^ *"\(stored_bytes\|hot\|warm\|cold_fast\|cold_normal\|cold_dense\|file_bytes\)": \([0-9]*\),*$/# \1 \2/p' "$work/json"
	if command -v zpaq >/dev/null; then
		zpaq_chunks "$name" "$work/chunks"
	fi
	rm -rf "$work/chunks"
done | tee "$work/table"

echo "# mean over the directories: bits per byte, MB/s encoding, decoding"
awk '!/^#/ { n[$2]++; b[$2] += $3; e[$2] += $4; d[$2] += $5 }
	END { for (c in n) printf "%-20s %3d %7.3f %9.2f %9.2f\n", c, n[c], b[c] / n[c], e[c] / n[c], d[c] / n[c] }' "$work/table" | sort
