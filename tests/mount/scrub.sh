#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# firn scrub on a store and on its mount: damage is found, named, remembered and forgotten; a read of it is one line in the daemon's log.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

# scrub STATUS ARGUMENT...: its output is in $scratch/out
scrub() {
	expected=$1
	shift
	status=0
	firn scrub "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	[ "$status" -eq "$expected" ] || fail "firn scrub $*: $status, not $expected: $(cat "$scratch/out" "$scratch/err")"
}

says() { # says PATTERN
	grep -q -e "$1" "$scratch/out" || fail "'$1' is not said: $(cat "$scratch/out")"
}

mkdir "$scratch/tree"
for i in 1 2 3 4; do
	head -c 100000 /dev/urandom >"$scratch/tree/file-$i"
done
make_store
mount_store
mkdir "$mnt/dir"
cp "$scratch/tree"/* "$mnt/dir/"
umount_store
scrub 0 "$store"
says ": 0 damaged"
scrub 0 -q --rate=1000 "$store"
[ ! -s "$scratch/out" ] || fail "not quiet: $(cat "$scratch/out")"
scrub 64 --rate=fast "$store"

seg=$(find "$store/seg" -name '*.seg' | head -n 1)
printf '\377\000\377' | dd of="$seg" bs=1 seek=50000 conv=notrunc status=none
scrub 1 "$store"
says ": 1 damaged"
says "^damaged: /dir/file-"
lost=$(sed -n 's/^damaged: //p' "$scratch/out")
scrub 1 --json "$store"
says "\"$lost\""
firn stat "$store" >"$scratch/out"
says "^1 extent cannot be read"
says "^  $lost\$"

# In the foreground the daemon's log is its standard error.
firnfs -f "$store" "$mnt" 2>"$scratch/log" &
daemon=$!
mounted_or_ended() {
	is_mounted "$mnt" || ! kill -0 "$daemon" 2>/dev/null
}
until_true mounted_or_ended
is_mounted "$mnt" || fail "not mounted: $(cat "$scratch/log")"
for _ in 1 2 3; do
	if cat "$mnt$lost" >/dev/null 2>&1; then
		fail "$lost can be read"
	fi
done
[ "$(grep -c "$lost: .*damaged" "$scratch/log")" -eq 1 ] || fail "not one line about $lost: $(cat "$scratch/log")"
firn stat "$mnt" >"$scratch/out"
says "^  $lost\$"
scrub 1 "$mnt"
says "^damaged: $lost\$"
cp "$scratch/tree/${lost##*/}" "$mnt$lost"
sync "$mnt$lost"
scrub 0 "$mnt"
says ": 0 damaged"
firn stat "$mnt" >"$scratch/out"
! grep -q "cannot be read" "$scratch/out" || fail "rewritten, but still damaged: $(cat "$scratch/out")"
cmp "$mnt$lost" "$scratch/tree/${lost##*/}" || fail "wrong bytes"
umount_store
wait "$daemon" || fail "the daemon gave $?"
fsck.firn -n "$store" >"$scratch/out" || fail "$(cat "$scratch/out")"

# A strip of a model is written again from the others, on a store and on its mount; of two that are gone nothing can be.
strip() { # strip NUMBER: the file that holds this strip of model 1: kind, strip and model stand in its first record's header
	for file in "$store/seg"/*.seg; do
		[ "$(od -An -tu1 -j52 -N13 "$file" | awk '{ print $1, $3, $13 }')" != "2 $1 1" ] || echo "$file"
	done
}
rm -r "$store"
mkdir "$scratch/sources"
(cd "$top_srcdir" && find fs index man tools -name '*.[ch158]') >"$scratch/list"
tar -C "$top_srcdir" -cf - -T "$scratch/list" | tar -C "$scratch/sources" -xf -
make_store --import "$scratch/sources"
firn train --threads=1 --sample=1 --level=fast "$store" >"$scratch/out" || fail "train"
firn compact -q --now --level=fast "$store"
scrub 0 "$store"
! grep -q model "$scratch/out" || fail "a whole model was mended: $(cat "$scratch/out")"
for number in 0 1 2 3 4; do
	file=$(strip "$number")
	[ -n "$file" ] || fail "there is no strip $number"
	rm "$file"
	if [ $((number % 2)) -eq 0 ]; then
		scrub 0 "$store"
	else
		mount_store
		scrub 0 "$mnt"
		umount_store
	fi
	says "; 1 model mended from the parity"
	[ -n "$(strip "$number")" ] || fail "strip $number is not there again"
	fsck.firn -n "$store" >"$scratch/out" || fail "$(cat "$scratch/out")"
done
rm "$(strip 0)" "$(strip 4)"
scrub 1 "$store"
says "; 1 model lost"
