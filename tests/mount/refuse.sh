#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is not a usable store is refused by every program with one line, the right exit code, and left as it was.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

everyone_refuses() { # everyone_refuses STORE PATTERN
	refused 32 "$2" firnfs "$1" "$mnt"
	! is_mounted "$mnt" || fail "firnfs mounted $1"
	refused 1 "$2" firn stat "$1"
	refused 1 "$2" firn train "$1"
	refused 1 "$2" firn compact --now "$1"
}

copy_store() { # copy_store NAME: a fresh copy of $store, as $copy
	copy=$scratch/$1
	cp -a "$store" "$copy"
}

make_tree "$scratch/tree"
make_store
mount_store
cp -a "$scratch/tree" "$mnt/tree"
umount_store

everyone_refuses "$scratch/none" "none: .*[Nn]o such"
mkdir "$scratch/foreign"
echo precious >"$scratch/foreign/file"
everyone_refuses "$scratch/foreign" "foreign: .*not a firn store"
[ "$(ls -A "$scratch/foreign")" = file ] || fail "the foreign directory was written to"
everyone_refuses "$scratch/foreign/file" "file: "

refused 1 "foreign: .*not empty" mkfs.firn "$scratch/foreign"
refused 1 "store: .*not empty" mkfs.firn "$store"
refused 1 "file: " mkfs.firn "$scratch/foreign/file"
[ "$(cat "$scratch/foreign/file")" = precious ] || fail "mkfs harmed a file"
refused 1 "none" mkfs.firn --import "$scratch/none" "$scratch/new"

copy_store newer
"$helpers/patch_super" "$copy" version
everyone_refuses "$copy" "newer: .*newer.*3"
copy_store older
"$helpers/patch_super" "$copy" older
everyone_refuses "$copy" "older: .*older.*1"
copy_store feature
"$helpers/patch_super" "$copy" incompat
everyone_refuses "$copy" "feature: .*10000000000"
copy_store half-known
"$helpers/patch_super" "$copy" ro-compat
firnfs "$copy" "$mnt" || fail "an unknown ro-compat feature must mount read-only"
compare "$scratch/tree" "$mnt/tree"
if touch "$mnt/new" 2>/dev/null; then
	fail "an unknown ro-compat feature must mount read-only"
fi
umount "$mnt" 2>/dev/null || fusermount3 -u "$mnt"

copy_store garbage
head -c 65536 /dev/urandom >"$copy/index.mdb"
everyone_refuses "$copy" "garbage: .*damaged|garbage: .*not a firn store"
copy_store emptied
: >"$copy/index.mdb"
everyone_refuses "$copy" "emptied: .*damaged|emptied: .*not a firn store"
copy_store headless
rm "$copy/index.mdb"
everyone_refuses "$copy" "headless: .*not a firn store"

refused 32 "nowhere" firnfs "$store" "$scratch/nowhere"
refused 32 "file" firnfs "$store" "$scratch/foreign/file"
mount_store
compare "$scratch/tree" "$mnt/tree"
umount_store
