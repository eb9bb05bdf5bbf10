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
(cd "$top_srcdir" && find fs index man tools tests -name '*.[ch158]' -o -name '*.sh') >"$scratch/sources" # not what a build left beside them
tar -C "$top_srcdir" -cf - -T "$scratch/sources" | tar -C "$scratch/tree" -xf -
make_store --import "$scratch/tree"
cp -R "$store" "$scratch/copy"

firn train --threads=1 --sample=1 "$scratch/copy" >"$scratch/unmounted.out" || fail "train, unmounted"
unmounted=$(models "$scratch/copy")
echo "$unmounted" | grep -q "active" || fail "nothing was learned: $(cat "$scratch/unmounted.out")"

mount_store -o compact=off
firn train --threads=1 --sample=1 "$mnt" >"$scratch/mounted.out" &
trainer=$!
until grep -q "^sample:" "$scratch/mounted.out" || ! kill -0 "$trainer" 2>/dev/null; do # what is written before may be in it
	sleep 0.01
done
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

# Models in use stay; what nothing refers to goes.
firn model list --json "$mnt" >"$scratch/models" || fail "model list --json"
grep -q '"records": [1-9]' "$scratch/models" || fail "no model is needed: $(cat "$scratch/models")"
models "$mnt" >/dev/null
refused 1 "none with this number" firn model rm "$mnt" 77
# shellcheck disable=SC2034
while read -r number kind state shape cost unit records rest; do
	case $kind,$shape in
	neural,[1-9]*x[1-9]* | zstd-dict,-) ;;
	*) fail "a $kind has the shape $shape" ;;
	esac
	if [ "$records" -gt 0 ]; then
		refused 1 "still needed" firn model rm "$mnt" "$number"
	else
		firn model rm "$mnt" "$number" || fail "model rm of what nothing refers to"
		refused 1 "none with this number" firn model rm "$store" "$number"
	fi
done <"$scratch/list"
remount_store
compare_all
umount_store
models "$store" >/dev/null
[ -s "$scratch/list" ] || fail "no model is left"
while read -r number rest; do
	refused 1 "still needed" firn model rm "$store" "$number"
done <"$scratch/list"
mount_store -o ro
refused 1 "mounted read-only" firn train "$mnt"
umount_store
