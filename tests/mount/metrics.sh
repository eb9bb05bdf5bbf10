#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a mount tells of itself: firn top, and metrics= as a socket and as a file, for their owner only and gone when it is unmounted.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

number() { # number KEY FILE: of JSON, at the outermost level
	sed -n "s/^  \"$1\": \([0-9][0-9]*\),*$/\1/p" "$2"
}

sample() { # sample NAME FILE
	awk -v name="$1" '$1 == name { print $2 }' "$2"
}

use() { # some of everything
	seq 1 60000 >"$mnt/numbers"
	head -c 100000 /dev/urandom >"$mnt/random"
	sync "$mnt/numbers"
	[ "$(tail -n 1 "$mnt/numbers")" = 60000 ] || fail "numbers"
}

make_store -c 16K
mount_store -o metrics="$scratch/metrics.sock",commit=1,compact=off
[ "$(stat -c %a "$scratch/metrics.sock")" = 600 ] || fail "the socket's mode is $(stat -c %a "$scratch/metrics.sock")"
use
"$helpers/socket_ask" "$scratch/metrics.sock" >"$scratch/out" || fail "no answer"
[ "$(sample firn_written_bytes_total "$scratch/out")" -ge 100000 ] || fail "written: $(grep written "$scratch/out")"
[ "$(sample firn_commit_errors_total "$scratch/out")" = 0 ] || fail "errors"
[ "$(sample 'firn_compaction_state{state="stopped"}' "$scratch/out")" = 1 ] || fail "state: $(grep state "$scratch/out")"
"$helpers/socket_ask" "$scratch/metrics.sock" "GET /metrics HTTP/1.1
Host: localhost

" >"$scratch/http" || fail "no answer to HTTP"
head -n 1 "$scratch/http" | grep -q "^HTTP/1.0 200 OK" || fail "not HTTP: $(head -n 1 "$scratch/http")"
grep -q "^firn_written_bytes_total [1-9]" "$scratch/http" || fail "nothing in the HTTP answer"

firn top --once --json "$mnt" >"$scratch/top" || fail "top --json"
[ "$(number written_bytes "$scratch/top")" -ge 100000 ] || fail "top: $(grep written "$scratch/top")"
[ "$(number requests "$scratch/top")" -ge 1 ] || fail "top: no requests"
firn top --once "$store" >"$scratch/top" || fail "top --once"
grep -q "^compaction: stopped" "$scratch/top" || fail "top: $(cat "$scratch/top")"
firn top "$mnt" >"$scratch/top" &
top=$!
four_lines() { # two of headings, two of figures
	[ "$(wc -l <"$scratch/top")" -ge 4 ]
}
until_true four_lines
kill "$top"
wait "$top" || true
head -n 3 "$scratch/top" | tail -n 1 | grep -Eq "^ +[0-9.]+ .*stopped" || fail "top as lines: $(cat "$scratch/top")"

# Who comes later finds the socket taken; a killed daemon's is taken over.
make_second() {
	mkfs.firn "$scratch/second" >/dev/null && mkdir "$scratch/mnt2"
}
make_second || fail "a second store"
refused 32 "somebody else answers" firnfs -o metrics="$scratch/metrics.sock" "$scratch/second" "$scratch/mnt2"
"$helpers/socket_ask" "$scratch/metrics.sock" >"$scratch/out" || fail "no answer after that"
pid=$(daemon_pid)
kill -9 "$pid"
umount_killed
[ -S "$scratch/metrics.sock" ] || fail "the killed daemon's socket is gone"
mount_store -o metrics="$scratch/metrics.sock"
"$helpers/socket_ask" "$scratch/metrics.sock" | grep -q "^firn_uptime_seconds" || fail "no answer after a crash"
umount_store
[ ! -e "$scratch/metrics.sock" ] || fail "the socket is still there"
refused 1 "not mounted" firn top --once "$store"

# A file: there as soon as it is mounted, and written again.
mount_store -o metrics="$scratch/metrics.prom",ro
[ "$(stat -c %a "$scratch/metrics.prom")" = 600 ] || fail "the file's mode"
grep -q "^firn_plain_bytes [1-9]" "$scratch/metrics.prom" || fail "the file: $(cat "$scratch/metrics.prom")"
first=$(stat -c %i "$scratch/metrics.prom")
written_again() {
	[ "$(stat -c %i "$scratch/metrics.prom")" != "$first" ]
}
until_true written_again
firn top --once "$mnt" >"$scratch/top" || fail "top of a read-only mount"
! grep -q "^compaction" "$scratch/top" || fail "a read-only mount compacts"
umount_store
[ ! -e "$scratch/metrics.prom" ] || fail "the file is still there"
[ -z "$(find "$scratch" -maxdepth 1 -name '.metrics*')" ] || fail "something is left"

refused 32 "into the mount itself" firnfs -o metrics="$mnt/metrics" "$store" "$mnt"
refused 32 "neither a file nor a socket" firnfs -o metrics="$scratch/mnt2" "$store" "$mnt"
refused 32 "[Nn]o such file" firnfs -o metrics="$scratch/none/metrics" "$store" "$mnt"
refused 1 "bad value" firnfs -o metrics= "$store" "$mnt"
check_store
