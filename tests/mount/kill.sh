#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon is killed at random moments while several programs write, rename, remove and sync, others read, and it recompacts and reclaims; recompaction
# of an unmounted store is killed, too. Whatever was acknowledged is there at the next mount, which needs no repair. FIRN_KILL_SECONDS: how long;
# FIRN_KILLS: how many daemons at least.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

seconds=${FIRN_KILL_SECONDS:-10}
kills=${FIRN_KILLS:-3}
writers="1 2 3"
acknowledged=0 daemons=0 compactions=0 asked=0

# nap FROM TO: some milliseconds
nap() {
	sleep "$(awk -v from="$1" -v to="$2" -v seed="$(od -An -N4 -tu4 /dev/urandom)" 'BEGIN { srand(seed); printf "%.3f", (from + rand() * (to - from)) / 1000 }')"
}

# Whatever happens to the daemon, those who ask it come back. A line for each thing that it did.
reader() {
	while [ -e "$scratch/round" ]; do
		for dir in "$mnt"/*-*; do
			cat "$dir"/* >/dev/null || true
		done
		sleep 0.05
	done 2>/dev/null
}

compactor() { # compactor ROUND
	while [ -e "$scratch/round" ]; do
		if [ $(($1 % 2)) -eq 0 ]; then
			firn compact --now --quiet "$mnt" && echo compacted
		fi
		firn compact --reclaim --quiet "$mnt" && echo reclaimed
		sleep 0.05
	done 2>/dev/null || true
}

# What nobody asks for again.
noise() {
	while [ -e "$scratch/round" ]; do
		dd if=/dev/urandom of="$mnt/noise" bs=1M count=8 status=none || sleep 0.05
	done 2>/dev/null
}

acknowledged_some() { # acknowledged_some ROUND
	cat "$scratch/$1"-* | grep -qv '^any'
}

verify() { # verify ROUND: what the writers of that round were told
	for w in $writers; do
		[ -s "$scratch/$1-$w" ] || continue
		"$helpers/sync_writer" verify "$mnt/$1-$w" <"$scratch/$1-$w" >"$scratch/out" ||
			fail "after $daemons kills, of round $1 writer $w: $(cat "$scratch/out")"
	done
}

# Mounts, lets everybody write, kills the daemon.
write_and_kill() { # write_and_kill ROUND
	mount_store -o "$options"
	: >"$scratch/round"
	pids=
	for w in $writers; do
		mkdir "$mnt/$1-$w"
		"$helpers/sync_writer" write "$mnt/$1-$w" >"$scratch/$1-$w" 2>"$scratch/err-$w" &
		pids="$pids $!"
	done
	noise &
	clients=$!
	reader &
	clients="$clients $!"
	compactor "$1" >"$scratch/compactor" &
	clients="$clients $!"
	[ $(($1 % 2)) -eq 0 ] || until_true acknowledged_some "$1"
	nap 20 "$2"
	kill -9 "$(daemon_pid)"
	for pid in $pids; do
		wait "$pid" || fail "a writer of round $1 was refused: $(cat "$scratch"/err-*)"
	done
	rm "$scratch/round"
	for pid in $clients; do
		wait "$pid" || true
	done
	umount_killed
	check_store
	asked=$((asked + $(wc -l <"$scratch/compactor")))
	daemons=$((daemons + 1))
	acknowledged=$((acknowledged + $(cat "$scratch/$1"-* | sed '/^any/d' | wc -l)))
}

compact_and_kill() {
	firn compact --now --quiet "$store" 2>"$scratch/err" &
	pid=$!
	nap 5 80
	kill -9 "$pid" 2>/dev/null || true
	code=0
	wait "$pid" 2>/dev/null || code=$?
	[ "$code" -eq 0 ] || [ "$code" -eq 137 ] || fail "compact gave $code: $(cat "$scratch/err")"
	[ "$code" -eq 0 ] || compactions=$((compactions + 1))
	check_store
}

make_store -c 16K
round=1
end=$(($(date +%s) + seconds))
while [ "$daemons" -lt "$kills" ] || [ "$(date +%s)" -lt "$end" ]; do
	case $((round % 4)) in
	0) options=commit=1,dirty=1M,cache=1M,compact=always,cold-after=0 ;;
	1) options=commit=5 ;;
	2) options=commit=1,workers=1 ;;
	*) options=commit=1,dirty=4M,compact=always,cold-after=0,compact-level=fast ;;
	esac
	write_and_kill $round 700
	[ $((round % 2)) -eq 0 ] || compact_and_kill
	mount_store
	for earlier in $((round - 2)) $((round - 1)) $round; do
		[ "$earlier" -le 0 ] || verify "$earlier"
	done
	[ "$round" -le 2 ] || rm -rf "$mnt/$((round - 2))"-*
	umount_store
	round=$((round + 1))
done
firn stat "$store" >"$scratch/out" || fail "stat after $daemons crashes"
mount_store
verify $((round - 1))
find "$mnt" -mindepth 1 -delete
umount_store
[ "$acknowledged" -gt 0 ] || fail "the writers did nothing"
echo "$daemons daemons, in which $asked runs of recompaction had ended, and $compactions recompactions of unmounted stores killed, $acknowledged acknowledgements kept"
