#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A read-only mount changes nothing, and a store that cannot be written to is refused or made elsewhere, with a reason.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse
need_root

make_tree "$scratch/tree"
make_store
mount_store
cp -a "$scratch/tree" "$mnt/copy"
umount_store

digest() {
	find "$store" -type f ! -name lock ! -name 'index.mdb-lock' -exec sha256sum {} + | sort
}
digest >"$scratch/before"
mount_store -o ro
compare "$scratch/tree" "$mnt/copy"
for try in "touch $mnt/new" "rm $mnt/copy/random" "mkdir $mnt/dir" "chmod 600 $mnt/copy/random" \
	"truncate -s 1 $mnt/copy/random" "mv $mnt/copy $mnt/other"; do
	if $try 2>"$scratch/err"; then
		fail "$try: allowed on a read-only mount"
	fi
	grep -q 'Read-only file system' "$scratch/err" || fail "$try: $(cat "$scratch/err")"
done
umount_store
digest >"$scratch/after"
cmp "$scratch/before" "$scratch/after" || fail "a read-only mount changed the store"

# The store lies on a file system that is mounted read-only.
mkdir "$scratch/disk" "$scratch/second"
mount -t tmpfs -o size=32m firn-readonly "$scratch/disk" || skip "cannot mount a tmpfs"
cp -a "$store" "$scratch/disk/store"
mount -o remount,ro "$scratch/disk"
refused 1 "[Rr]ead-only" mkfs.firn "$scratch/disk/new"
refused 32 "[Rr]ead-only" firnfs "$scratch/disk/store" "$scratch/second"
refused 1 "[Rr]ead-only" firn compact --now "$scratch/disk/store"
! is_mounted "$scratch/second" || fail "mounted for writing what cannot be written"
