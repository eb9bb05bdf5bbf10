#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fsck.firn on stores as mounts leave them: exit codes, nothing changed unless asked, damage mended, an index made from the segments alone.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

digest() {
	find "$1" -type f ! -name lock ! -name 'index.mdb-lock' -exec sha256sum {} + | sort
}

# check STATUS ARGUMENT...: its output is in $scratch/out
check() {
	expected=$1
	shift
	status=0
	fsck.firn "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
	[ "$status" -eq "$expected" ] || fail "fsck.firn $*: $status, not $expected: $(cat "$scratch/out" "$scratch/err")"
}

says() { # says PATTERN
	grep -q -e "$1" "$scratch/out" || fail "fsck.firn does not say '$1': $(cat "$scratch/out" "$scratch/err")"
}

make_tree "$scratch/tree"
seq 1 60000 >"$scratch/tree/many-chunks"
cp -a "$scratch/tree" "$scratch/original"
make_store -c 16K
check 0 -n "$store"
says clean
mount_store
cp "$scratch/tree/random" "$mnt/first" # the first record in the store is one of this file's
sync "$mnt/first"
cp -a "$scratch/tree" "$mnt/tree"
refused 8 "store: in use by firnfs" fsck.firn -n "$store"
refused 8 "store: in use by firnfs" fsck.firn -y "$store"
umount_store
check 0 -n --data "$store"
check 0 -y -q "$store"
[ ! -s "$scratch/out" ] || fail "not quiet about a clean store: $(cat "$scratch/out")"
[ ! -e "$store/lost" ] || fail "a clean store got a directory lost"

check 16
check 16 -n -y "$store"
check 16 --nonsense "$store"
check 8 "$store"
refused 8 "none: .*[Nn]o such" fsck.firn -n "$scratch/none"
mkdir "$scratch/foreign"
refused 8 "foreign: not a firn store" fsck.firn -y "$scratch/foreign"
[ -z "$(ls -A "$scratch/foreign")" ] || fail "fsck.firn wrote to a foreign directory"
cp -a "$store" "$scratch/newer"
"$helpers/patch_super" "$scratch/newer" version
refused 8 "newer: made by a newer firn" fsck.firn -y "$scratch/newer"
cp -a "$store" "$scratch/older"
"$helpers/patch_super" "$scratch/older" older
refused 8 "older: made by an older firn" fsck.firn -y "$scratch/older"

# A flipped byte in the header of a record: one chunk is lost, its file is named, reading it is an error, all else is whole.
cp -a "$store" "$scratch/pristine"
seg=$(find "$store/seg" -name '*.seg' -size +100k | sort | head -n 1)
printf '\377' | dd of="$seg" bs=1 seek=49 conv=notrunc status=none
digest "$store" >"$scratch/before"
check 4 -n "$store"
says '^affected: /first$'
check 4 -n --json "$store"
says '"code": "extent-lost"'
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys; d = json.load(sys.stdin); assert d["problems"] and d["affected"] and d["status"] == 4' \
		<"$scratch/out" || fail "not JSON: $(cat "$scratch/out")"
fi
digest "$store" >"$scratch/after"
cmp "$scratch/before" "$scratch/after" || fail "fsck.firn -n changed the store"
check 4 -p "$store"
digest "$store" >"$scratch/after"
cmp "$scratch/before" "$scratch/after" || fail "fsck.firn -p mended what costs something"
check 1 -y "$store"
says '^affected: /first$'
check 0 -n "$store"
says "note: .*known to be damaged"
[ -n "$(find "$store/lost" -name 'extent-*')" ] || fail "the damaged record was not kept"
mount_store
if cat "$mnt/first" >"$scratch/copy" 2>"$scratch/err"; then
	fail "the damaged file can be read"
fi
grep -q 'Input/output error' "$scratch/err" || fail "the damaged file: $(cat "$scratch/err")"
rm "$mnt/first"
compare "$scratch/tree" "$mnt/tree"
umount_store
check 0 -n "$store"
! grep -q note: "$scratch/out" || fail "what was deleted is still damaged: $(cat "$scratch/out")"

# Without the index: every file that has bytes comes back with them.
rm -r "$store"
cp -a "$scratch/pristine" "$store"
rm "$store/index.mdb"
check 4 -n "$store"
says "make a new one from the segments"
[ ! -e "$store/index.mdb" ] || fail "fsck.firn -n made an index"
check 1 -y "$store"
check 0 -n --data "$store"
mount_store
for name in random many-chunks one-byte deep/er/still/numbers; do
	found=
	for file in "$mnt/lost+found"/*; do
		if cmp -s "$scratch/original/$name" "$file"; then
			found=$file
		fi
	done
	[ "$found" ] || fail "$name did not come back"
done
umount_store

# An index that is damaged in many places, on a disk that cannot be written.
rm -r "$store"
cp -a "$scratch/pristine" "$store"
dd if=/dev/urandom of="$store/index.mdb" bs=4096 seek=2 count=20 conv=notrunc status=none
cp "$store/index.mdb" "$scratch/damaged"
check 4 -n "$store"
says "index.mdb is damaged"
check 1 -y "$store"
check 0 -n "$store"
cmp "$store/lost/index.mdb" "$scratch/damaged" || fail "the damaged index was not kept"
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$scratch/disk"
	mount -t tmpfs -o size=64m firn-fsck "$scratch/disk" || skip "cannot mount a tmpfs"
	cp -a "$scratch/pristine" "$scratch/disk/store"
	mount -o remount,ro "$scratch/disk"
	check 0 -n "$scratch/disk/store"
fi
