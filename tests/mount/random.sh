#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Random operations on files, compared with a model in memory; between the rounds the store is unmounted, trained, recompacted and mounted again,
# with small and usual chunks and the smallest caches. FIRN_RANDOM_SECONDS: how long; FIRN_RANDOM_SEED: where to begin.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

seconds=${FIRN_RANDOM_SECONDS:-16}
seed=${FIRN_RANDOM_SEED:-$(date +%s)}
operations=${FIRN_RANDOM_OPERATIONS:-250}
total=0

# one_round MAX_SIZE OPTIONS: mounts, operates, unmounts; the next one finds everything as it is left here.
one_round() {
	mount_store -o "$2"
	timeout 600 "$helpers/random_ops" "$mnt" "$scratch/model" "$seed" "$operations" "$1" 2>"$scratch/err" ||
		fail "round with seed $seed, files of up to $1 bytes, -o $2: $(cat "$scratch/err")"
	umount_store
	seed=$((seed + 1))
	total=$((total + 3 * operations))
}

# settle TRAIN: to the warm or cold tier, with what training brought.
settle() {
	if [ "$1" = train ]; then
		firn train --sample=1 "$store" >"$scratch/out" 2>&1 || fail "seed $seed: train: $(cat "$scratch/out")"
	fi
	firn compact --now "$store" >"$scratch/out" 2>&1 || fail "seed $seed: compact: $(cat "$scratch/out")"
	! grep -qi "damaged" "$scratch/out" || fail "seed $seed: compact: $(cat "$scratch/out")"
}

# one_store SECONDS CHUNK MAX_SIZE
one_store() {
	end=$(($(date +%s) + $1))
	rm -rf "$store" "$scratch/model"
	mkdir "$scratch/model"
	make_store -c "$2"
	one_round "$3" cache=1M,dirty=1M,commit=1
	settle train
	while :; do
		one_round "$3" cache=1M,dirty=1M,commit=1
		settle again
		one_round "$3" workers=4
		[ "$(date +%s)" -lt "$end" ] || break
		one_round "$3" workers=1,cache=1M,commit=1
		settle "$([ $((seed % 5)) -ne 0 ] || echo train)"
	done
	mount_store
	"$helpers/random_ops" "$mnt" "$scratch/model" "$seed" 0 "$3" 2>"$scratch/err" || fail "at the end: $(cat "$scratch/err")"
	umount_store
}

echo "first seed: $seed"
one_store $((seconds / 2)) 4K 300000
one_store $((seconds / 2)) 128K 1500000
echo "$total operations"
