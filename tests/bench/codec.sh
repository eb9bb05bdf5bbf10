#!/usr/bin/env bash
# The neural codec beside xz -9e and zpaq -m5 on the same held-out chunks in one run, every chunk alone: bits per byte, MB/s of CPU time, memory.
# Usage: codec.sh BUILD_DIR DIR...     (BUILD_DIR after make check TESTS=; works in a temporary directory)
set -euo pipefail
build=$(cd "$1" && pwd); shift
work=$(mktemp -d "${TMPDIR:-/tmp}/firn-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# rate NAME STORED ENCODE_LOG DECODE_LOG: logs hold a line "seconds KiB" for each chunk
rate() {
	awk -v n="$1" -v stored="$2" -v plain="$plain" '
		FNR == 1 { part++ }
		{ s[part] += $1; if ($2 > kib) kib = $2 }
		END { printf "  %-8s %6.3f bits per byte, %6.2f MB/s encoding, %6.2f MB/s decoding, %d KiB\n", n, 8 * stored / plain,
		      plain / 1e6 / s[1], plain / 1e6 / s[2], kib }' "$3" "$4"
}

# each NAME ENCODE DECODE: commands get the chunk's path and the frame's
each() {
	local stored=0 chunk frame=$work/frame
	: >"$work/e"; : >"$work/d"
	for chunk in "$work"/chunks/*; do
		rm -f "$frame" "$frame".*
		/usr/bin/time -a -o "$work/e" -f '%U %M' "$2" "$chunk" "$frame"
		stored=$((stored + $(stat -c %s "$frame".*)))
		/usr/bin/time -a -o "$work/d" -f '%U %M' "$3" "$chunk" "$frame"
	done
	rate "$1" "$stored" "$work/e" "$work/d"
}

program() { printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"; chmod +x "$work/$1"; }
# shellcheck disable=SC2016 # the programs' own parameters
{
	program xz-e 'exec xz -9e -T1 -c "$1" >"$2.xz"'
	program xz-d 'exec xz -dc "$2.xz" >"$2"'
	program zpaq-e 'zpaq add "$2.zpaq" "$1" -m5 -t1 >"$2.log" 2>&1 && rm "$2.log"'
	program zpaq-d 'exec zpaq extract "$2.zpaq" -to "$2" -force -t1 >/dev/null 2>&1'
}
sed -i 's/^zpaq add/zpaq add/' "$work/zpaq-e"

for dir; do
	mkdir -p "$work/chunks"; rm -f "$work"/chunks/*
	"$build/tests/bench/codec" -c "$work" "$dir" | sed -n '1p;/trained/p'
	"$build/tests/bench/codec" -c "$work" -o "$work/chunks" "$dir" | tail -n +2
	plain=$(cat "$work"/chunks/* | wc -c)
	each "xz -9e" "$work/xz-e" "$work/xz-d"
	if command -v zpaq >/dev/null; then each "zpaq -m5" "$work/zpaq-e" "$work/zpaq-d"; fi
done
