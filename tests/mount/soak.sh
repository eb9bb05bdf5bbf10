#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Writers, readers, deletions, background and asked-for recompaction, collection of garbage, pauses, and a daemon that is killed or
# unmounted at random, again and again, under verification. soak.sh [MINUTES], or FIRN_SOAK_MINUTES; some seconds without.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

minutes=${1:-${FIRN_SOAK_MINUTES:-0}}
seconds=$((minutes * 60))
[ "$seconds" -gt 0 ] || seconds=12
writers="1 2 3"
rounds=0 kills=0 runs=0
clients=

random() { # random N: 0 .. N-1
	echo $(($(od -An -N4 -tu4 /dev/urandom) % $1))
}

# Whatever happens to the daemon, those who ask it come back.
client() {
	while kill -0 "$last_writer" 2>/dev/null; do
		case $(random 6) in
		0) firn compact --now --quiet "$mnt" ;;
		1) firn compact --reclaim --quiet "$mnt" ;;
		2) firn compact --pause "$mnt" && sleep 0.2 && firn compact --resume "$mnt" ;;
		3) firn compact --stop "$mnt" && firn compact --resume "$mnt" ;;
		4) firn stat "$mnt" ;;
		*) cat "$mnt"/w*/* ;;
		esac >/dev/null 2>&1 || true
		sleep 0.1
	done
}

verify() { # verify WHEN
	for w in $writers; do
		"$helpers/soak_ops" verify "$mnt/w$w" "$scratch/model$w" >"$scratch/out" || fail "round $rounds, $1: $(cat "$scratch/out")"
	done
}

# firn's own figures: what is alive, and what the segments take on the disk
settled() {
	firn compact --now --quiet "$store" || fail "compaction of the unmounted store"
	firn stat --json "$store" >"$scratch/json" || fail "stat"
	alive=$(($(sed -n 's/^  "segment_bytes": \([0-9]*\),$/\1/p' "$scratch/json") - $(sed -n 's/^  "garbage_bytes": \([0-9]*\),$/\1/p' "$scratch/json")))
	used=$(du -c --block-size=1 "$store"/seg/*.seg | sed -n 's/\ttotal$//p')
	[ "$used" -le $((alive + alive / 10 + 134217728)) ] || fail "round $rounds: $used bytes for $alive alive"
	sizes="$sizes $((used / 1024))/$((alive / 1024))"
}

sizes=
make_store -c 16K
end=$(($(date +%s) + seconds))
while [ $rounds -lt 2 ] || [ "$(date +%s)" -lt "$end" ]; do
	rounds=$((rounds + 1))
	case $((rounds % 3)) in
	0) options=commit=1,dirty=1M,cache=1M,compact=always,cold-after=0 ;;
	1) options=commit=1,compact=always,cold-after=0,compact-level=fast ;;
	*) options=commit=5,compact=auto,cold-after=0 ;;
	esac
	mount_store -o "$options"
	[ $rounds -eq 1 ] || verify "after it was $ended"
	length=$((seconds > 60 ? 5 + $(random 20) : 3))
	pids=
	for w in $writers; do
		mkdir -p "$mnt/w$w"
		"$helpers/soak_ops" run "$mnt/w$w" "$scratch/model$w" "$(random 1000000)" $length >"$scratch/run-$w" &
		pids="$pids $!"
	done
	last_writer=$!
	client &
	clients=$!
	if [ "$(random 2)" -eq 0 ] || [ $rounds -eq 1 ]; then
		sleep $((1 + $(random $((length - 1)))))
		kill -9 "$(daemon_pid)"
		kills=$((kills + 1))
		ended=killed
	else
		ended=unmounted
	fi
	for pid in $pids; do
		wait "$pid" || fail "round $rounds: $(cat "$scratch"/run-*)"
	done
	if [ $ended = killed ]; then
		wait "$clients" || true
		umount_killed
		check_store
	else
		[ "$(random 2)" -eq 0 ] || firn compact --now --quiet "$mnt" 2>/dev/null || true
		wait "$clients" || true
		firn compact --status --json "$mnt" >"$scratch/status" || fail "status"
		runs=$((runs + $(sed -n 's/^  "finished": \([0-9]*\),$/\1/p' "$scratch/status")))
		umount_store
	fi
	[ $((rounds % 4)) -ne 2 ] || settled
	if [ $rounds -eq 2 ] && [ "$seconds" -gt 60 ]; then
		firn train --quiet --sample=2 "$store" || fail "train"
	fi
done
mount_store -o compact=off
verify "at the end"
umount_store
echo "$rounds rounds, $kills kills, $runs runs of compaction; KiB used/alive after compaction:$sizes"
