#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Tier policies: set on directories of a mount and on a store, kept by cp -a, and followed by compaction.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse

says() { # says TEXT PATH: firn tier get says that of it
	text=$(firn tier get "$2") || fail "firn tier get $2"
	[ "$text" = "$2: $1" ] || fail "'$text', not '$1'"
}

# in_tier DIR WARM COLD: how much of the files of DIR is in these tiers: all or none
in_tier() {
	firn stat --by=dir --json "$mnt/$1" >"$scratch/json" || fail "firn stat $1"
	for tier in warm cold; do
		bytes=$(sed -n "s/.*\"${tier}_plain_bytes\": \([0-9]*\).*/\1/p" "$scratch/json")
		case $([ "$tier" = warm ] && echo "$2" || echo "$3") in
		all) want=300000 ;;
		*) want=0 ;;
		esac
		[ "$bytes" = "$want" ] || fail "$1: $bytes bytes are $tier, not $want"
	done
}

make_store
says "auto (nothing is set)" "$store"
firn tier set --after=2d "$store" auto
says "auto after=2d" "$store"
mount_store -o compact=off
says "auto after=2d (set on $mnt)" "$mnt"
for dir in hot warm cold none; do
	mkdir "$mnt/$dir"
	seq 1 100000 | head -c 300000 >"$mnt/$dir/file"
done
firn tier set "$mnt/hot" hot
firn tier set "$mnt/warm" warm --after 36h
firn tier set "$mnt/cold" cold --level=fast
says "hot (set on $mnt/hot)" "$mnt/hot/file"
says "auto after=2d (set on $mnt)" "$mnt/none/file"
[ "$(firn tier get -r "$mnt" | grep "^$mnt/" | sort)" = "$mnt/cold: cold level=fast
$mnt/hot: hot
$mnt/warm: warm after=36h" ] || fail "$(firn tier get -r "$mnt")"
cp -a "$mnt/cold" "$mnt/copy"
firn compact -q "$mnt"
in_tier hot none none
in_tier warm none none
in_tier cold none all
in_tier copy none all
in_tier none none none
firn compact -q --now "$mnt"
in_tier hot none none
in_tier warm all none
in_tier none none all
for dir in hot warm cold none copy; do
	seq 1 100000 | head -c 300000 | cmp - "$mnt/$dir/file" || fail "$dir is not what was written"
done
if setfattr -n user.firn.tier -v lukewarm "$mnt/hot" 2>/dev/null; then
	fail "nonsense was taken for a policy"
fi
firn tier unset "$mnt/hot" "$mnt"
says "auto (nothing is set)" "$mnt/hot/file"
refused 1 "outside: No such file" firn tier get "$scratch/outside"
umount_store
says "auto (nothing is set)" "$store"

# A default of the store, made with it: what firn stat tells, and the daemon obeys, unless the mount says otherwise.
store=$scratch/second
make_store --tier=cold --cold-after=100d --level=fast
firn stat "$store" | grep -q "tier policy of the store: cold after=100d level=fast" || fail "$(firn stat "$store" | head -n 4)"
mount_store -o compact=always,commit=1
seq 1 100000 | head -c 300000 >"$mnt/file"
firn stat --json "$mnt" | grep -q '"policy": "cold after=100d level=fast"' || fail "no policy in JSON"
firn compact -q "$mnt"
in_tier "" none none
umount_store
mount_store -o compact=always,commit=1,cold-after=0
nothing_hot() {
	firn stat "$mnt" | grep -q "^  hot  *0 "
}
until_true nothing_hot
in_tier "" none all
umount_store
refused 1 "no tier, time or level" mkfs.firn --tier=tepid "$scratch/third"
[ ! -e "$scratch/third" ] || fail "a store was made all the same"
