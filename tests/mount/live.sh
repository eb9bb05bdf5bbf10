#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Control of a mounted store: recompaction is started, paused, resumed, watched and stopped while others write; other users are refused; it survives
# being unmounted and killed in the middle, and runs by itself.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

status() { # status KEY: of the daemon's compactor
	firn compact --status --json "$mnt" >"$scratch/status" || fail "compact --status"
	sed -n "s/^  \"$1\": \"*\([^\",]*\)\"*,*$/\1/p" "$scratch/status"
}

expect() { # expect KEY VALUE
	got=$(status "$1")
	[ "$got" = "$2" ] || fail "$1 is '$got', not '$2'"
}

is() { # is KEY VALUE
	[ "$(status "$1")" = "$2" ]
}

make_tree "$scratch/tree"
make_store -c 16K
mount_store -o compact=off,commit=1
cp -a "$scratch/tree" "$mnt/tree"
compare "$scratch/tree" "$mnt/tree"

# Writers go on through all that follows.
touch "$scratch/writing"
for w in 1 2; do
	(
		n=0
		mkdir "$mnt/w$w" "$scratch/w$w"
		while [ -e "$scratch/writing" ]; do
			seq $((n * w)) $((n * w + 3000)) >"$scratch/w$w/$((n % 7))"
			cat "$scratch/w$w/$((n % 7))" >"$mnt/w$w/$((n % 7))"
			[ $((n % 5)) -ne 4 ] || rm "$scratch/w$w/$(((n + 2) % 7))" "$mnt/w$w/$(((n + 2) % 7))" 2>/dev/null || true
			n=$((n + 1))
		done
	) &
	eval "writer$w=\$!"
done

expect state stopped
expect finished 0
firn compact --pause "$mnt/tree/deep" || fail "--pause in a directory of the mount"
expect state paused
firn compact --resume "$store" || fail "--resume by the store's name"
expect state stopped

# A run, watched; then its watcher is killed and another one takes over.
firn compact --now --progress "$mnt" >"$scratch/out" 2>"$scratch/err" || fail "compact --now: $(cat "$scratch/err")"
grep -q "^compact \[" "$scratch/err" || fail "no progress: $(cat "$scratch/err")"
grep -Eq "^[1-9][0-9]* extents .* made smaller" "$scratch/out" || fail "no report: $(cat "$scratch/out")"
expect finished 1
firn stat "$mnt" | grep -q "^  cold  *[1-9]" || fail "nothing is cold"
compare "$scratch/tree" "$mnt/tree"
cp -a "$scratch/tree" "$mnt/tree2"
firn compact --now --quiet "$mnt" &
watcher=$!
until_true is asked 2 2>/dev/null
kill -9 $watcher 2>/dev/null || true
wait $watcher 2>/dev/null || true
firn compact --wait --quiet "$mnt" || fail "--wait"
expect finished 2
expect error ""

# Paused in the middle, nothing goes on; stopped, the watcher hears of it. Where the run was at its end already, another one follows.
cp -a "$scratch/tree" "$mnt/tree3"
firn compact --now --quiet "$mnt" 2>"$scratch/err" &
watcher=$!
until_true is asked 3
firn compact --pause "$mnt"
runs=3
if firn compact --now --quiet "$mnt" 2>"$scratch/refusal"; then
	runs=4
else
	grep -q "under way already" "$scratch/refusal" || fail "not refused: $(cat "$scratch/refusal")"
	is state paused || expect finished 3
	firn compact --resume "$mnt"
	firn compact --stop "$mnt"
fi
code=0
wait $watcher || code=$?
[ "$code" -eq 130 ] || [ "$code" -eq 0 ] || fail "the watcher gave $code: $(cat "$scratch/err")"
until_true is finished $runs
firn compact --stop "$mnt"
expect state stopped
firn compact --reclaim --quiet "$mnt" || fail "--reclaim"
expect finished $((runs + 1))
firn model list "$mnt" >"$scratch/out" || fail "model list"

rm "$scratch/writing"
# shellcheck disable=SC2154
{ wait "$writer1" && wait "$writer2"; } || fail "a writer failed"
for w in 1 2; do
	diff -r "$scratch/w$w" "$mnt/w$w" || fail "writer $w"
done
umount_store

# Unmounted in the middle of a run, and killed in the middle of one.
for end in umount kill; do
	mount_store -o compact=off
	rm -rf "$mnt/tree2" "$mnt/tree3"
	cp -a "$scratch/tree" "$mnt/tree2"
	firn compact --now --quiet "$mnt" 2>/dev/null &
	watcher=$!
	until_true is asked 1
	if [ $end = kill ]; then
		kill -9 "$(daemon_pid)"
		wait $watcher || true
		umount_killed
		check_store
	else
		kill -9 $watcher 2>/dev/null || true
		wait $watcher 2>/dev/null || true
		umount_store
	fi
	mount_store
	compare "$scratch/tree" "$mnt/tree"
	[ $end = kill ] || compare "$scratch/tree" "$mnt/tree2"
	umount_store
done

# By itself: everything that is hot becomes cold, and stays what it is.
mount_store -o compact=always,cold-after=0,commit=1
rm -rf "$mnt/tree2"
cp -a "$scratch/tree" "$mnt/tree2"
nothing_hot() {
	firn stat "$mnt" | grep -q "^  hot  *0 "
}
until_true nothing_hot
compare "$scratch/tree" "$mnt/tree2"
umount_store

mount_store -o ro
firn stat "$mnt" >"$scratch/out" || fail "stat of a read-only mount"
refused 1 "read-only" firn compact "$mnt"
umount_store
refused 1 "not mounted" firn compact --pause "$store"

# Another user is let in, but may not tell the daemon what to do.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$scratch"
	mount_store -o allow_other
	as="setpriv --reuid 65534 --regid 65534 --clear-groups"
	if $as firn --version >"$scratch/out" 2>&1 && $as test -x "$mnt"; then
		for what in --status --pause --stop --now; do
			# shellcheck disable=SC2086
			refused 1 "only the user who mounted it" $as firn compact $what "$mnt"
		done
		# shellcheck disable=SC2086
		refused 1 "only the user who mounted it" $as firn stat "$mnt"
		# shellcheck disable=SC2086
		refused 1 "[Pp]ermission denied|another user" $as firn stat "$store"
	fi
	umount_store
fi
