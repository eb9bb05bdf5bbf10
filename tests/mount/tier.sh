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
