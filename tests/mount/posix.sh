#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every system call of a file system behaves as on the local one: the same programs run there first, which proves them. What a mount cannot do
# although the local file system can is listed here and explained in firnfs(8); anything else that is not tested there is a failure.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

options=dev,suid
[ "$(id -u)" -ne 0 ] || options=$options,allow_other

# Cases by their program and name.
known_differences="
open/nameless
stat/birth
write/beyond_the_largest
"

run_programs() { # run_programs DIR NAME: its lines to the file NAME.lines
	chmod 755 "$1"
	code=0
	sh "$top_srcdir/tests/posix/run.sh" "$1" >"$scratch/$2.lines" || code=$?
	echo "$2:"
	sed 's/^/    /' "$scratch/$2.lines"
	[ "$code" -eq 0 ] || fail "on $2"
	[ -z "$(ls -A "$1")" ] || fail "something was left in $1"
}

# The cases that were not tested, as program/case.
untested() { # untested NAME
	sed -n 's/^\([a-z_]*\): .*not tested: /\1; /p' "$scratch/$1.lines" | awk -F '; ' '{ for (i = 2; i <= NF; i++) { sub(/:.*/, "", $i); print $1 "/" $i } }' | sort
}

compare_untested() { # compare_untested NAME
	untested local >"$scratch/local.untested"
	untested "$1" >"$scratch/$1.untested"
	for case in $(comm -13 "$scratch/local.untested" "$scratch/$1.untested"); do
		case $known_differences in
		*"
$case
"*) ;;
		*) fail "$case is not tested on $1, but on the local file system it is" ;;
		esac
	done
}

mkdir "$scratch/local"
run_programs "$scratch/local" local
make_store
mount_store -o "$options"
run_programs "$mnt" mount
compare_untested mount
umount_store

# And with small chunks, where every border is crossed more often; all writes at once.
store=$scratch/small
make_store -c 4K
mount_store -o "$options,nowriteback"
run_programs "$mnt" small-chunks
compare_untested small-chunks
umount_store
