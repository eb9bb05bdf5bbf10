#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon is killed in the middle of writing, several times: every file whose fsync returned is whole at the next mount, which needs no repair.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

# Waits until the writer has acknowledged some more files, so that the kill falls into the middle of its work.
wait_for_lines() { # wait_for_lines FILE COUNT PID
	while [ "$(wc -l <"$1")" -lt "$2" ]; do
		kill -0 "$3" 2>/dev/null || fail "the writer ended early"
		sleep 0.05
	done
}

make_store
: >"$scratch/acknowledged"
for round in 1 2 3; do
	mount_store
	mkdir "$mnt/round-$round"
	(while dd if=/dev/urandom of="$mnt/noise" bs=1M count=20 status=none; do :; done) 2>/dev/null &
	noise=$!
	: >"$scratch/round-$round"
	"$helpers/sync_writer" write "$mnt/round-$round" >>"$scratch/round-$round" 2>"$scratch/err" &
	writer=$!
	wait_for_lines "$scratch/round-$round" $((round * 15)) "$writer"
	pid=$(daemon_pid)
	kill -9 "$pid"
	wait "$writer" || fail "the writer: $(cat "$scratch/err")"
	kill "$noise" 2>/dev/null || true
	wait "$noise" 2>/dev/null || true
	umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt"
	flock -w 60 "$store/lock" true || fail "the killed daemon still holds the lock"

	mount_store
	for earlier in $(seq "$round"); do
		"$helpers/sync_writer" verify "$mnt/round-$earlier" <"$scratch/round-$earlier" ||
			fail "round $round lost files of round $earlier"
	done
	echo usable >"$mnt/after-$round"
	umount_store
	firn stat "$store" >"$scratch/out" || fail "stat after the crash"
done
mount_store
[ "$(cat "$mnt/after-1" "$mnt/after-2" "$mnt/after-3" | grep -c usable)" -eq 3 ] || fail "later files are lost"
find "$mnt" -mindepth 1 -delete
umount_store
