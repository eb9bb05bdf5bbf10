#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What a mount costs: loads on firn, on libfuse's passthrough_ll over the same disk, on the disk itself and on btrfs -o compress=zstd:1
# in a loop file, interleaved (A B C A B C) over several rounds; medians and ratios. Only the ratios of one run mean anything.
# A second table has the processor time of the load and of the daemon together, which says more on a busy machine; what the kernel
# does for them in threads of its own is not in it.
#
# Usage: mount.sh [-d DIR] [-r ROUNDS] [-m MIB] [-n FILES] [-t TREE] [-s "SYSTEM..."] [-l "LINE..."] [-o FIRN-OPTIONS] BUILD_DIR
#   SYSTEM  disk pass passwb firn btrfs   (pass: passthrough_ll as it is; passwb: with writeback, cache=always and long timeouts)
#           before: the firn built in $BEFORE, another build directory
#   TREE    a directory of sources for untar, du, find, grep -r, rm -rf
#   LINE    see the list at the end; -n is how many small files
# passthrough_ll is built from $PASSTHROUGH (default: the examples of Debian's libfuse3-dev). Needs root to drop caches.
set -euo pipefail
base=${TMPDIR:-/tmp} rounds=3 mib=256 files=10000 tree='' systems='disk pass passwb firn btrfs' only='' options=''
while getopts d:r:m:n:t:s:l:o: opt; do
	case $opt in
	d) base=$OPTARG ;; r) rounds=$OPTARG ;; m) mib=$OPTARG ;; n) files=$OPTARG ;; t) tree=$OPTARG ;;
	s) systems=$OPTARG ;; l) only=$OPTARG ;; o) options=$OPTARG ;; *) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "$base/firn-mount-bench.XXXXXX")
export LC_ALL=C

declare -A pid
cleanup() {
	for s in $systems; do leave "$s" || true; done
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

${CC:-cc} -O2 -D_GNU_SOURCE -pthread -o "$work/load" "$here/mount_load.c"

at() { # the directory in which a system's loads run
	case $1 in disk) echo "$work/disk" ;; *) echo "$work/$1.mnt" ;; esac
}
mounted() { grep -q " $1 " /proc/self/mountinfo; }

serve() { # serve SYSTEM COMMAND...: a daemon in the foreground of its own process
	local s=$1
	shift
	"$@" >"$work/$s.log" 2>&1 &
	pid[$s]=$!
	until mounted "$work/$s.mnt"; do
		kill -0 "${pid[$s]}" 2>/dev/null || { cat "$work/$s.log"; exit 1; }
		sleep 0.02
	done
}
enter() {
	case $1 in
	disk) ;;
	pass) serve pass "$work/passthrough_ll" -f -o source="$work/pass.src" "$work/pass.mnt" ;;
	passwb) serve passwb "$work/passthrough_ll" -f \
		-o source="$work/passwb.src",writeback,cache=always,timeout=86400 "$work/passwb.mnt" ;;
	firn) serve firn "$build/firnfs" -f ${options:+-o "$options"} "$work/firn" "$work/firn.mnt" ;;
	before) serve before "$BEFORE/firnfs" -f ${options:+-o "$options"} "$work/before" "$work/before.mnt" ;;
	btrfs) mount -o loop,compress=zstd:1 "$work/btrfs.img" "$work/btrfs.mnt" ;;
	esac
}
leave() {
	case $1 in disk) return 0 ;; esac
	mounted "$work/$1.mnt" || return 0
	umount "$work/$1.mnt" 2>/dev/null || fusermount3 -u "$work/$1.mnt"
	[ -z "${pid[$1]:-}" ] || wait "${pid[$1]}"
	pid[$1]=''
}
prepare() { # prepare SYSTEM: 1 if it cannot be had here
	mkdir -p "$work/$1.mnt"
	case $1 in
	disk) mkdir -p "$work/disk" ;;
	pass | passwb)
		mkdir -p "$work/$1.src"
		[ -x "$work/passthrough_ll" ] || {
			source=${PASSTHROUGH:-/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c}
			# shellcheck disable=SC2046
			[ -f "$source" ] && ${CC:-cc} -O2 -w -o "$work/passthrough_ll" "$source" $(pkg-config --cflags --libs fuse3)
		} ;;
	firn) "$build/mkfs.firn" "$work/firn" >/dev/null ;;
	before) "$BEFORE/mkfs.firn" "$work/before" >/dev/null ;;
	btrfs)
		[ "$(id -u)" -eq 0 ] && command -v mkfs.btrfs >/dev/null || return 1
		truncate -s $((mib * 8 + files / 64 + 4096))M "$work/btrfs.img" && mkfs.btrfs -q "$work/btrfs.img" >/dev/null 2>&1
		mount -o loop "$work/btrfs.img" "$work/btrfs.mnt" 2>/dev/null && umount "$work/btrfs.mnt" ;;
	esac
}

drop() { # drop SYSTEM: nothing of it stays in memory, the daemon's own caches included
	leave "$1"
	sync
	[ "$(id -u)" -ne 0 ] || echo 3 >/proc/sys/vm/drop_caches
	enter "$1"
}

seconds() { # seconds COMMAND...
	local start=$EPOCHREALTIME
	"$@" >/dev/null
	echo "$start $EPOCHREALTIME" | awk '{ printf "%.6f\n", $2 - $1 }'
}

load() { "$work/load" "$@"; }

cpu() { # cpu SYSTEM: ticks that this shell's children and the daemon have used
	awk -v daemon="${pid[$1]:-}" '
		function use(path, a, b,   line, f) { getline line <path; split(line, f, " "); return f[a] + f[b] }
		BEGIN { print use("/proc/'$$'/stat", 16, 17) + (daemon ? use("/proc/" daemon "/stat", 14, 15) : 0) }'
}

line() { # line NAME SYSTEM: one measurement; prints seconds
	local d
	d=$(at "$2")
	case $1 in
	seq-write) rm -f "$d/big"; sync; load seq-write "$d/big" "$mib" ;;
	seq-read) load seq-read "$d/big" 0 ;;
	seq-reread) load seq-read "$d/big" 0 ;;
	rand-read) load rand-read "$d/big" 4000 ;;
	rand-reread) load rand-read "$d/big" 40000 ;;
	rand-write) load rand-write "$d/big" 4000 ;;
	mixed) load mixed "$d/big" 1000 ;;
	untar) rm -rf "$d/tree"; mkdir "$d/tree"; sync; seconds tar xf "$work/tree.tar" -C "$d/tree" ;;
	du) seconds du -s "$d/tree" ;;
	find) seconds find "$d/tree" -type f -size +1k ;;
	grep) seconds grep -r -c -F zyzzyva "$d/tree" || true ;;
	regrep) seconds grep -r -c -F zyzzyva "$d/tree" || true ;;
	rm) seconds rm -rf "$d/tree" ;;
	create) rm -rf "$d/flat"; load create "$d/flat" "$files" ;;
	stat) load stat "$d/flat" "$files" ;;
	list) load list "$d/flat" "$files" ;;
	unlink) load unlink "$d/flat" "$files" ;;
	create-tree) rm -rf "$d/deep"; load create-tree "$d/deep" "$files" ;;
	stat-tree) load stat-tree "$d/deep" "$files" ;;
	find-tree) seconds find "$d/deep" -type f -size +1k ;;
	rm-tree) seconds rm -rf "$d/deep" ;;
	esac
}
lines='seq-write seq-read seq-reread rand-read rand-reread rand-write mixed create stat list unlink create-tree stat-tree find-tree rm-tree'
[ -z "$tree" ] || lines="$lines untar du find grep regrep rm"
cold=' seq-read rand-read rand-write mixed stat list unlink stat-tree find-tree rm-tree du find grep rm ' # begin with empty caches

have=''
for s in $systems; do
	if prepare "$s" && enter "$s"; then have="$have $s"; else echo "$s: cannot be had here" >&2; fi
done
systems=$have
[ -z "$tree" ] || tar cf "$work/tree.tar" -C "$tree" .

for ((round = 1; round <= rounds; round++)); do
	for l in $lines; do
		[[ -z $only || " $only " == *" $l "* ]] || continue
		for s in $systems; do
			[[ $cold != *" $l "* ]] || drop "$s"
			used=$(cpu "$s")
			line "$l" "$s" >"$work/line"
			echo "$l $s $(tail -n 1 "$work/line") $(cpu "$s") $used" >>"$work/times"
		done
	done
done

# Medians; a ratio above 1 means that firn is the faster one.
table() { # table TITLE
	awk -v title="$1" -v systems="$systems" -v lines="$lines" -v hz="$(getconf CLK_TCK)" '
	{ n[$1, $2]++; t[$1, $2, n[$1, $2]] = title == "seconds" ? $3 : ($4 - $5) / hz }
	function median(l, s,   i, j, c, k, x, a) {
		c = n[l, s]; k = int((c + 1) / 2)
		for (i = 1; i <= c; i++) a[i] = t[l, s, i]
		for (i = 1; i <= k; i++) for (j = i + 1; j <= c; j++) if (a[j] < a[i]) { x = a[i]; a[i] = a[j]; a[j] = x }
		return a[k]
	}
	BEGIN { ns = split(systems, sys, " "); nl = split(lines, ln, " ") }
	END {
		printf "%-12s", title; for (i = 1; i <= ns; i++) printf " %9s", sys[i]
		for (i = 1; i <= ns; i++) if (sys[i] != "firn") printf " %9s", "x" sys[i]
		print ""
		for (j = 1; j <= nl; j++) {
			if (!n[ln[j], sys[1]]) continue
			printf "%-12s", ln[j]
			for (i = 1; i <= ns; i++) printf " %9.4f", m[i] = median(ln[j], sys[i])
			f = median(ln[j], "firn")
			for (i = 1; i <= ns; i++) if (sys[i] != "firn") printf " %9.2f", (f > 0 ? m[i] / f : 0)
			print ""
		}
	}' "$work/times"
}
table seconds
echo
table processor
