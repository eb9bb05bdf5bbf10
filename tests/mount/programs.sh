#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs that lean on a file system in their own ways work on a mount, and again on what recompaction made of it: tar, make and cc, git, sqlite3.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 # not this user's hooks, signatures and monitors

make_tree "$scratch/tree"
make_store
mount_store

try_tar() {
	tar -C "$scratch" --xattrs -cf "$mnt/tree.tar" tree
	mkdir "$mnt/tar"
	tar -C "$mnt/tar" --xattrs -xpf "$mnt/tree.tar"
	compare "$scratch/tree" "$mnt/tar/tree"
}

try_cc() {
	command -v cc >/dev/null || return 0
	mkdir "$mnt/cc"
	for i in 1 2 3 4 5; do
		echo "int part_$i(void); int part_$i(void) { return $i; }" >"$mnt/cc/part_$i.c"
		(cd "$mnt/cc" && cc -c "part_$i.c")
	done
	printf 'int part_5(void);\nint main(void) { return part_5() - 5; }\n' >"$mnt/cc/main.c"
	(cd "$mnt/cc" && ar rc libparts.a part_*.o && cc -o program main.c libparts.a && ./program) ||
		fail "a program compiled on the mount does not run"
}

try_git() {
	command -v git >/dev/null || return 0
	git init -q "$mnt/git"
	cp -R "$scratch/tree/index" "$scratch/tree/deep" "$mnt/git/"
	(
		cd "$mnt/git"
		export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
		git config maintenance.auto false # nothing of it goes on in the background
		git config gc.auto 0
		git add . && git commit -qm one
		echo more >>index/index.h
		git commit -qam two
		git gc -q
		git checkout -q HEAD^ && git checkout -q -
		git fsck --strict
		[ -z "$(git status --porcelain)" ]
	) >"$scratch/log" 2>&1 || fail "git: $(cat "$scratch/log")"
}

try_sqlite() {
	command -v sqlite3 >/dev/null || return 0
	for journal in delete wal; do
		sqlite3 "$mnt/$journal.db" "PRAGMA journal_mode=$journal;
			CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			INSERT INTO t SELECT i, 'row ' || i FROM n;
			DELETE FROM t WHERE a % 3 = 0; VACUUM;" >/dev/null || fail "sqlite3 with journal_mode=$journal"
	done
}

check_all() {
	compare "$scratch/tree" "$mnt/tar/tree"
	[ ! -e "$mnt/cc" ] || "$mnt/cc/program" || fail "the program does not run any more"
	[ ! -e "$mnt/git" ] || git -C "$mnt/git" fsck --strict >"$scratch/log" 2>&1 || fail "git fsck: $(cat "$scratch/log")"
	for db in "$mnt"/*.db; do
		[ -e "$db" ] || continue
		[ "$(sqlite3 "$db" 'PRAGMA integrity_check; SELECT count(*) FROM t;' | tr '\n' ' ')" = "ok 13334 " ] ||
			fail "$db is damaged"
	done
}

try_tar
try_cc
try_git
try_sqlite
check_all
umount_store
firn compact --now "$store" >"$scratch/log" 2>&1 || fail "compact: $(cat "$scratch/log")"
mount_store
check_all
umount_store
