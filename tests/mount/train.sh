#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Training on a mounted store, while it is written to: the same models as unmounted, adopted at once, and used.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

models() { # models STORE|DIR: kind, state and hash of each
	firn model list "$1" >"$scratch/list" || fail "firn model list $1"
	awk '{ print $2, $3, $NF }' "$scratch/list"
}

compare_all() {
	for dir in fs index man tools tests; do
		compare "$scratch/tree/$dir" "$mnt/$dir"
	done
}

mkdir "$scratch/tree"
for dir in fs index man tools tests; do
	cp -R "$top_srcdir/$dir" "$scratch/tree/"
done
make_store --import "$scratch/tree"
cp -R "$store" "$scratch/copy"

firn train --threads=1 --sample=1 "$scratch/copy" >"$scratch/unmounted.out" || fail "train, unmounted"
unmounted=$(models "$scratch/copy")
echo "$unmounted" | grep -q "active" || fail "nothing was learned: $(cat "$scratch/unmounted.out")"

mount_store -o compact=off
firn train --threads=1 --sample=1 "$mnt" >"$scratch/mounted.out" &
trainer=$!
n=0
while kill -0 "$trainer" 2>/dev/null; do
	n=$((n + 1))
	seq "$n" 2000 >"$mnt/written" || fail "writing during a training"
	seq "$n" 2000 | cmp - "$mnt/written" || fail "reading during a training"
done
wait "$trainer" || fail "train, mounted: $(cat "$scratch/mounted.out")"
mounted=$(models "$mnt")
[ "$mounted" = "$unmounted" ] || fail "other models than unmounted: $mounted, not $unmounted"

firn tier set "$mnt" hot # but a little: the network is slow where it is built to find errors
firn tier set "$mnt/man" cold --level=fast
firn compact -q --now "$mnt"
firn tier unset "$mnt" "$mnt/man"
compare_all
firn stat --by=tier --json "$mnt" | grep -q '"cold"' || fail "nothing is cold"
remount_store
compare_all
umount_store
mount_store -o ro
refused 1 "mounted read-only" firn train "$mnt"
umount_store
