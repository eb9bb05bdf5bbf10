#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A tree goes in, is read back, read back after a new mount, and again after training and recompaction to every tier.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

make_tree "$scratch/tree"
make_store -L season
mount_store
cp -a "$scratch/tree" "$mnt/copy"
compare "$scratch/tree" "$mnt/copy"
remount_store
compare "$scratch/tree" "$mnt/copy"
umount_store

firn stat --json "$store" >"$scratch/hot.json" || fail "stat"
firn train "$store" >"$scratch/train.out" 2>&1 || fail "train: $(cat "$scratch/train.out")"
firn compact --now "$store" >"$scratch/compact.out" 2>&1 || fail "compact: $(cat "$scratch/compact.out")"
firn stat --json "$store" >"$scratch/cold.json" || fail "stat after compaction"
figure() { # figure NAME FILE: a number at the top level of what firn stat printed
	sed -n "s/.*\"$1\": *\([0-9][0-9]*\).*/\1/p" "$2" | head -n 1
}
files=$(find "$scratch/tree" -type f -printf "%i\n" | sort -u | wc -l)
[ "$(figure files "$scratch/cold.json")" -eq "$files" ] || fail "stat counts not $files files: $(cat "$scratch/cold.json")"
[ "$(figure store_bytes "$scratch/cold.json")" -gt 0 ] || fail "stat knows no size"
mount_store
compare "$scratch/tree" "$mnt/copy"

# What was recompacted is written to, truncated, removed and read back like anything else.
cp -a "$scratch/tree" "$scratch/changed"
for tree in "$scratch/changed" "$mnt/copy"; do
	printf middle | dd of="$tree/deep/er/still/numbers" bs=1 seek=500000 conv=notrunc status=none
	truncate -s 200000 "$tree/random"
	rm -r "$tree/man"
	echo more >>"$tree/index/index.h"
	find "$tree" -xdev ! -type l -newermt 2020-01-01 ! -newermt 2038-01-01 -exec touch -d '2020-02-02 UTC' {} +
done
compare "$scratch/changed" "$mnt/copy"
remount_store
compare "$scratch/changed" "$mnt/copy"
umount_store

# Twice in a row changes nothing that can be seen.
firn compact --now "$store" >"$scratch/compact.out" 2>&1 || fail "second compact: $(cat "$scratch/compact.out")"
mount_store
compare "$scratch/changed" "$mnt/copy"
rm -r "$mnt/copy"
[ -z "$(ls -A "$mnt")" ] || fail "the root is not empty"
umount_store
