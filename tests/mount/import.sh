#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mkfs.firn --import copies a tree as faithfully as cp -a does.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

make_tree "$scratch/tree"
make_store -c 64K -L "imported tree" --import "$scratch/tree"
mount_store
compare "$scratch/tree" "$mnt"
[ "$(stat -c %s "$mnt/sparse")" -eq 3000000 ] || fail "size of a sparse file"
[ "$(stat -c %b "$mnt/sparse")" -lt 1000 ] || fail "holes were filled"
echo more >>"$mnt/random"
umount_store
