#!/usr/bin/env bash
# The neural codec beside xz -9e and zpaq -m5 on the same held-out chunks in one run, every chunk alone: bits per byte, MB/s of CPU time, memory.
# The other programs are started once per chunk, which costs each a millisecond or two.
# Usage: codec.sh BUILD_DIR DIR...     (BUILD_DIR after make check TESTS=; works in a temporary directory)
set -euo pipefail
build=$(cd "$1" && pwd); shift
work=$(mktemp -d "${TMPDIR:-/tmp}/firn-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# beside NAME SUFFIX ENCODE DECODE: shell commands that see $chunk and $frame
beside() {
	local frames=$work/frames stored
	rm -rf "$frames"; mkdir "$frames"
	# shellcheck disable=SC2016 # expanded by the inner shell
	local loop='for chunk in "$1"/*; do frame=$2/${chunk##*/}; '
	/usr/bin/time -o "$work/e" -f '%U %S %M' sh -c "$loop $3; done" sh "$work/chunks" "$frames"
	stored=$(find "$frames" -name "*.$2" -printf '%s\n' | awk '{ s += $1 } END { print s }')
	/usr/bin/time -o "$work/d" -f '%U %S %M' sh -c "$loop $4; done" sh "$work/chunks" "$frames"
	awk -v n="$1" -v stored="$stored" -v plain="$plain" '{ s[++part] = $1 + $2; if ($3 > kib) kib = $3 }
		END { printf "  %-8s %6.3f bits per byte, %6.2f MB/s encoding, %6.2f MB/s decoding, %d KiB\n", n, 8 * stored / plain,
		      plain / 1e6 / s[1], plain / 1e6 / s[2], kib }' "$work/e" "$work/d"
}

for dir; do
	mkdir -p "$work/chunks"; rm -f "$work"/chunks/*
	"$build/tests/bench/codec" -c "$work" "$dir" | sed -n '1p;/trained/p'
	"$build/tests/bench/codec" -c "$work" -o "$work/chunks" "$dir" | tail -n +2
	plain=$(cat "$work"/chunks/* | wc -c)
	# shellcheck disable=SC2016 # expanded by the inner shell
	beside "xz -9e" xz 'xz -9e -T1 -c "$chunk" >"$frame.xz"' 'xz -dc "$frame.xz" >/dev/null'
	command -v zpaq >/dev/null || continue
	# shellcheck disable=SC2016
	beside "zpaq -m5" zpaq 'zpaq add "$frame.zpaq" "$chunk" -m5 -t1 >/dev/null 2>&1' \
		'zpaq extract "$frame.zpaq" -to "$frame.out" -force -t1 >/dev/null 2>&1'
done
