#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every system call of a file system behaves as on the local one: the same programs run there first, which proves them.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

programs="posix_names posix_rename posix_data posix_attr posix_acl posix_range"

run_programs() { # run_programs DIR NAME
	for program in $programs; do
		mkdir "$1/$program"
		"$helpers/$program" "$1/$program" >"$scratch/log" 2>&1 || {
			cat "$scratch/log"
			fail "$program in $2"
		}
		[ -z "$(ls -A "$1/$program")" ] || fail "$program left something in $2"
		rmdir "$1/$program"
	done
}

# What root mounts is for all users, whose rights are then checked.
mount_for_all() {
	if [ "$(id -u)" -eq 0 ]; then
		mount_store -o allow_other,dev,suid
	else
		mount_store
	fi
}

chmod 755 "$scratch"
mkdir "$scratch/local"
run_programs "$scratch/local" "the local file system"
make_store
mount_for_all
run_programs "$mnt" "a mount"
umount_store

# And with small chunks, where every border is crossed more often.
store=$scratch/small
make_store -c 4K
mount_for_all
run_programs "$mnt" "a mount with chunks of 4 KiB"
umount_store
