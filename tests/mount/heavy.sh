#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Heavy programs on a mount, with FIRN_TEST_LONG=1: rsync, fio with verification, stress-ng's file system stressors, PostgreSQL, and a
# build of firn itself. FIRN_TEST_ONLY: some of them. What is not installed is said, and left out.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse
[ -n "${FIRN_TEST_LONG:-}" ] || skip "takes minutes: run it with FIRN_TEST_LONG=1"

options=dev,suid
[ "$(id -u)" -ne 0 ] || options=$options,allow_other
only=${FIRN_TEST_ONLY:-rsync git fio stress_ng postgres build}

has() { # has PROGRAM
	command -v "$1" >/dev/null || {
		echo "not tested: $1 is not installed"
		return 1
	}
}

logged() { # logged COMMAND...: its output only when it fails
	"$@" >"$scratch/log" 2>&1 || fail "$* gave $?: $(tail -30 "$scratch/log")"
}

# All that rsync can preserve; the second time nothing is left to be done.
try_rsync() {
	has rsync || return 0
	make_tree "$scratch/tree"
	logged rsync -aHAX "$scratch/tree/" "$mnt/rsync/"
	find "$scratch/tree" ! -type f -exec touch -h -d '2001-01-01 UTC' {} + # rsync keeps nanoseconds of regular files alone
	logged rsync -aHAX "$scratch/tree/" "$mnt/rsync/"
	compare "$scratch/tree" "$mnt/rsync"
	logged rsync -aHAX --itemize-changes "$scratch/tree/" "$mnt/rsync/"
	[ ! -s "$scratch/log" ] || fail "rsync, the second time, finds work: $(cat "$scratch/log")"
	logged rsync -aHAX --checksum --itemize-changes "$scratch/tree/" "$mnt/rsync/"
	[ ! -s "$scratch/log" ] || fail "rsync --checksum finds differences: $(cat "$scratch/log")"
}

try_git() {
	has git && [ -e "$top_srcdir/.git" ] || return 0
	logged git -c safe.directory='*' clone -q --no-local "$top_srcdir" "$mnt/clone"
	logged git -C "$mnt/clone" fsck --full --strict
	logged git -C "$mnt/clone" gc -q --aggressive --prune=now
	logged git -C "$mnt/clone" fsck --full --strict
	[ -z "$(git -C "$mnt/clone" status --porcelain)" ] || fail "git status after gc"
	logged git -C "$mnt/clone" checkout -q HEAD~3
	logged git -C "$mnt/clone" checkout -q -
}

try_fio() {
	has fio || return 0
	mkdir "$mnt/fio"
	for pattern in write randwrite rw randrw; do
		for engine in psync mmap libaio; do
			direct=0
			[ "$engine" != libaio ] || direct=1
			logged fio --directory="$mnt/fio" --name="$pattern-$engine" --rw="$pattern" --ioengine="$engine" --direct="$direct" --iodepth=8 \
				--size=24M --bsrange=4k-64k --bs_unaligned=0 --numjobs=2 --verify=crc32c --verify_fatal=1 --do_verify=1 \
				--end_fsync=1 --refill_buffers --buffer_compress_percentage=40 --group_reporting
		done
	done
	rm -r "$mnt/fio"
}

# Those of its class of file systems that need no device of their own; each verifies what it reads where it can.
stressors="access aio chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dup fallocate fcntl fiemap filename file-ioctl flock fpunch
	fstat getdent handle hdd inotify io iomix lease link locka lockf lockofd mmap open pread punch readahead rename seek sendfile splice symlink
	sync-file truncate utime verity xattr"

try_stress_ng() {
	has stress-ng || return 0
	mkdir "$mnt/stress"
	known=$(stress-ng --stressors 2>/dev/null)
	for stressor in $stressors; do
		case " $known " in
		*" $stressor "*) ;;
		*) continue ;;
		esac
		logged timeout 120 stress-ng --temp-path "$mnt/stress" --"$stressor" 2 --timeout "${FIRN_STRESS_SECONDS:-4}" --verify --hdd-bytes 32M \
			--iomix-bytes 32M --fallocate-bytes 32M --mmap-bytes 32M --quiet
		[ -z "$(ls -A "$mnt/stress")" ] || fail "stress-ng --$stressor left something: $(ls -A "$mnt/stress")"
		echo "stress-ng --$stressor"
	done
}

as_postgres() {
	setpriv --reuid="$(id -u postgres)" --regid="$(id -g postgres)" --clear-groups "$@"
}

try_postgres() {
	bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort | tail -1)
	if [ -z "$bin" ] || [ "$(id -u)" -ne 0 ]; then
		echo "not tested: PostgreSQL is not installed, or not root"
		return 0
	fi
	chmod 755 "$scratch"
	data=$mnt/postgres
	mkdir "$data"
	chown postgres "$data"
	logged as_postgres "$bin/initdb" -D "$data/db" --data-checksums -A trust
	logged as_postgres "$bin/pg_ctl" -D "$data/db" -w -l "$data/log" -o "-c listen_addresses= -k $data" start
	logged as_postgres "$bin/pgbench" -h "$data" -i -s 3 postgres
	logged as_postgres "$bin/pgbench" -h "$data" -c 4 -j 2 -T "${FIRN_PGBENCH_SECONDS:-20}" postgres
	grep -E 'tps|latency average|transactions actually' "$scratch/log"
	logged as_postgres "$bin/pg_ctl" -D "$data/db" -w -m immediate stop # as a crash: the log is replayed
	logged as_postgres "$bin/pg_ctl" -D "$data/db" -w -l "$data/log" -o "-c listen_addresses= -k $data" start
	logged as_postgres "$bin/psql" -At -h "$data" -d postgres -c "SELECT (SELECT sum(delta) FROM pgbench_history) =
		(SELECT sum(abalance) FROM pgbench_accounts)"
	[ "$(cat "$scratch/log")" = t ] || fail "PostgreSQL lost something when it was stopped at once"
	logged as_postgres "$bin/pg_ctl" -D "$data/db" -w stop
	logged as_postgres "$bin/pg_checksums" -D "$data/db"
}

try_build() {
	has autoreconf && has make && [ -e "$top_srcdir/.git" ] || return 0
	mkdir "$mnt/build"
	git -c safe.directory='*' -C "$top_srcdir" archive HEAD | tar -C "$mnt/build" -xf -
	logged sh -c "cd '$mnt/build' && ./autogen.sh && ./configure --disable-tests CFLAGS=-O1 && make -j2"
	logged "$mnt/build/mkfs.firn" "$scratch/from-the-build"
	logged "$mnt/build/firn" stat "$scratch/from-the-build"
}

make_store
mount_store -o "$options"
chmod 755 "$mnt"
for program in $only; do
	begin=$(date +%s)
	"try_$program"
	echo "$program: done in $(($(date +%s) - begin)) s"
done
umount_store
logged firn compact --now "$store"
[ ! -x "$(command -v fsck.firn)" ] || logged fsck.firn -n "$store"
mount_store -o "$options"
[ ! -d "$mnt/rsync" ] || compare "$scratch/tree" "$mnt/rsync"
[ ! -d "$mnt/clone" ] || logged git -C "$mnt/clone" fsck --full --strict
umount_store
