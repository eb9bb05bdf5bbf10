#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Random operations on files, compared with a model in memory; between the rounds the store is unmounted, trained, recompacted and mounted again.
#
# FIRN_RANDOM_MODES: which of the modes below (all). FIRN_RANDOM_OPERATIONS: how many in each (3000). FIRN_RANDOM_ROUND: how many
# between two mounts. FIRN_RANDOM_SEED: where to begin; as printed, to repeat a run.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

modes=${FIRN_RANDOM_MODES:-writeback nowriteback tiny-caches tiny-chunks hot warm cold}
operations=${FIRN_RANDOM_OPERATIONS:-3000}
round=${FIRN_RANDOM_ROUND:-750}
seed=${FIRN_RANDOM_SEED:-$(date +%s)}
threads=3
drop=
[ "$(id -u)" -ne 0 ] || drop=-d

# What a mode means: options of mkfs.firn and firnfs, the largest file, and what is done to the store between the rounds.
mode_set() {
	chunk=128K options=commit=1 size=1500000 settle="leave warm"
	case $1 in
	writeback) ;;
	nowriteback) options=nowriteback,commit=1 ;;
	tiny-caches) options=cache=1M,dirty=1M,workers=1,commit=1 ;;
	tiny-chunks) chunk=4K size=300000 settle="warm train cold" ;;
	hot) options=commit=1,hot=raw settle=leave ;;
	warm) settle=warm ;;
	cold) settle="train cold cold cold" ;;
	*) fail "no mode $1" ;;
	esac
}

# one_round OPERATIONS: mounts, operates, unmounts; the next one finds everything as it is left here.
one_round() {
	mount_store -o "$options"
	timeout 3600 "$helpers/random_ops" $drop "$mnt" "$scratch/model" "$seed" "$1" "$size" >>"$scratch/lacks" 2>"$scratch/err" ||
		fail "mode $mode, round with seed $seed, files of up to $size bytes, -o $options: $(cat "$scratch/err")"
	umount_store
	seed=$((seed + 1))
}

# settled COMMAND...: does something to the unmounted store.
settled() {
	"$@" "$store" >"$scratch/out" 2>&1 || fail "mode $mode, seed $seed: $*: $(cat "$scratch/out")"
	! grep -qi "damaged" "$scratch/out" || fail "mode $mode, seed $seed: $*: $(cat "$scratch/out")"
}

settle_store() { # settle_store HOW
	case $1 in
	warm) settled firn compact --now --tier=warm ;;
	cold) settled firn compact --now --tier=cold ;;
	train)
		settled firn train --sample=1
		settled firn compact --now
		;;
	esac
}

one_mode() {
	mode=$1 done=0
	mode_set "$mode"
	rm -rf "$store" "$scratch/model"
	mkdir "$scratch/model"
	make_store -c "$chunk"
	while :; do
		for how in $settle; do
			one_round $((round / threads))
			settle_store "$how"
			done=$((done + round))
			[ "$done" -lt "$operations" ] || break 2
		done
	done
	one_round 0
	echo "$mode: $done operations"
}

echo "first seed: $seed"
for mode in $modes; do
	one_mode "$mode"
done
sort -u "$scratch/lacks"
