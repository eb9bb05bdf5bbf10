#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A mounted store is opened by nobody else: the daemon is asked, or one line says by whom it is in use and where; a stale lock file is no obstacle.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

make_store
mount_store
echo held >"$mnt/file"
pid=$(daemon_pid)
mkdir "$scratch/second"
refused 32 "store: .*(in use|mounted).*$pid" firnfs "$store" "$scratch/second"
firn stat "$store" | grep -q "^1 files" || fail "stat does not ask the daemon"
refused 1 "store: .*(not empty|in use|mounted)" mkfs.firn "$store"
[ "$(cat "$mnt/file")" = held ] || fail "the mount was disturbed"
umount_store

echo "999999 firnfs /nowhere" >"$store/lock"
mount_store
[ "$(cat "$mnt/file")" = held ] || fail "the file is gone"
umount_store
