#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# On a full disk the write that does not fit fails with ENOSPC at write() or fsync(); what was there stays, and deleting makes room.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse
need_root

mkdir "$scratch/disk"
mount -t tmpfs -o size=32m firn-full "$scratch/disk" || skip "cannot mount a tmpfs"
store=$scratch/disk/store
make_store
mount_store
make_tree "$scratch/tree"
cp -a "$scratch/tree" "$mnt/before"
sync "$mnt/before/random"

# Noise until it is full: every file that dd says is synced must be whole later.
mkdir "$mnt/noise" "$scratch/noise"
full=
for i in $(seq 60); do
	head -c 1000000 /dev/urandom >"$scratch/noise/$i"
	if ! dd if="$scratch/noise/$i" of="$mnt/noise/$i" bs=64k conv=fsync status=none 2>"$scratch/err"; then
		grep -q 'No space left on device' "$scratch/err" || fail "not ENOSPC: $(cat "$scratch/err")"
		full=$i
		break
	fi
done
[ -n "$full" ] || fail "60 MB of noise fit on a disk of 32 MiB"
[ "$full" -gt 5 ] || fail "full after $full MB of 32 MiB"

check_synced() {
	compare "$scratch/tree" "$mnt/before"
	i=$1
	while [ "$i" -lt "$full" ]; do
		cmp "$scratch/noise/$i" "$mnt/noise/$i" || fail "noise $i was synced and is not whole"
		i=$((i + 1))
	done
}
check_synced 1
remount_store
check_synced 1
rm -f "$mnt/noise/$full"

# Deleting works on the full disk, and after the next commit there is room again.
rm "$mnt/noise/1" "$mnt/noise/2" || fail "cannot delete on a full disk"
check_synced 3
rm -r "$mnt/noise" || fail "cannot delete on a full disk"
remount_store
compare "$scratch/tree" "$mnt/before"
umount_store
firn compact --now "$store" >"$scratch/out" 2>&1 || fail "compact after a full disk: $(cat "$scratch/out")"
mount_store
dd if="$scratch/noise/3" of="$mnt/again" bs=64k conv=fsync status=none || fail "no room after deleting all noise"
cmp "$scratch/noise/3" "$mnt/again"
compare "$scratch/tree" "$mnt/before"
umount_store
