#!/usr/bin/env bash
# Store sizes of whole trees, everything counted (index, models, record headers), per tier, beside squashfs and solid archives.
# Usage: stores.sh BUILD_DIR DIR...     (BUILD_DIR holds the built programs; works in a temporary directory)
set -euo pipefail
build=$(cd "$1" && pwd); shift
work=$(mktemp -d "${TMPDIR:-/tmp}/firn-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

used() { du -s --block-size=1 "$1" | cut -f1; }
row() { # row NAME BYTES: one line of the table, against the plain bytes
	awk -v n="$1" -v b="$2" -v p="$plain" 'BEGIN { printf "  %-28s %12d  %6.2f %%  %5.2f x\n", n, b, 100 * b / p, p / b }'
}
# stage NAME COMMAND...: runs it, says what it took
stage() {
	local name=$1; shift
	/usr/bin/time -f "    ($name: %U s user, %e s, %M KiB RSS)" -o "$work/time" "$@" >"$work/out" 2>&1 ||
		{ cat "$work/out"; exit 1; }
	cat "$work/time"
}

for dir; do
	name=$(basename "$dir")
	plain=$(find "$dir" -type f -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }')
	echo "$name: $plain bytes in $(find "$dir" -type f | wc -l) files"
	s=$work/store
	stage import "$build/mkfs.firn" --import "$dir" "$s";            hot=$(used "$s")
	stage train "$build/firn" train "$s"
	cp -a "$s" "$work/warm"; cp -a "$s" "$work/fast"; cp -a "$s" "$work/dense"
	stage "compact warm" "$build/firn" compact --now --tier warm "$work/warm";   warm=$(used "$work/warm")
	stage "compact fast" "$build/firn" compact --now --level fast "$work/fast";  fast=$(used "$work/fast")
	stage "compact dense" "$build/firn" compact --now --level dense "$work/dense"; dense=$(used "$work/dense")
	stage "compact normal" "$build/firn" compact --now --level normal "$s";      normal=$(used "$s")
	"$build/firn" stat "$s" >"$work/stat"
	row "firn, hot" "$hot"; row "firn, warm" "$warm"; row "firn, cold fast" "$fast"; row "firn, cold normal" "$normal"
	row "firn, cold dense" "$dense"
	if command -v mksquashfs >/dev/null; then
		mksquashfs "$dir" "$work/z" -comp zstd -Xcompression-level 19 -b 131072 -noappend -quiet -no-progress >/dev/null
		row "squashfs zstd -19 128K" "$(stat -c %s "$work/z")"
		mksquashfs "$dir" "$work/x" -comp xz -b 1M -noappend -quiet -no-progress >/dev/null
		row "squashfs xz 1M" "$(stat -c %s "$work/x")"
	fi
	row "tar | zstd -19" "$(tar c -C "$dir" . | zstd -19 -q | wc -c)"
	row "tar | xz -9e" "$(tar c -C "$dir" . | xz -9e | wc -c)"
	sed 's/^/    | /' "$work/stat"
	rm -rf "$s" "$work/warm" "$work/fast" "$work/dense" "$work/z" "$work/x"
done
