#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# compare_trees, by which other tests judge, sees every kind of difference; needs no mount.
. "${top_srcdir:-.}/tests/mount/lib.sh"

make_tree "$scratch/a"

# differs NAME PATTERN COMMAND...: a faithful copy, changed by the command, which runs inside it.
differs() {
	name=$1 pattern=$2
	shift 2
	rm -rf "$scratch/b"
	cp -a "$scratch/a" "$scratch/b"
	compare "$scratch/a" "$scratch/b" >/dev/null
	(cd "$scratch/b" && "$@") || fail "$name: cannot make the difference"
	if "$helpers/compare_trees" "$scratch/a" "$scratch/b" >"$scratch/out"; then
		fail "$name: not seen"
	fi
	grep -q "$pattern" "$scratch/out" || fail "$name: said $(cat "$scratch/out")"
}

keep_time() { # keep_time FILE COMMAND...: the file's time and those of the directory stay as they were
	file=$1
	shift
	touch -r "$file" "$scratch/time"
	"$@" && touch -r "$scratch/time" "$file" && touch -r "$scratch/a" .
}
flip_byte() { printf '\377' | dd of="$1" bs=1 seek=299999 conv=notrunc status=none; }
break_link() { cp -p one-byte x && mv x one-byte && chmod 4711 one-byte; }
other_link() { rm deep/second-name && ln empty-file deep/second-name; }
retarget() { ln -sfn elsewhere dangling && touch -h -r "$scratch/a/dangling" dangling; }

printf '\000' | dd of="$scratch/a/random" bs=1 seek=299999 conv=notrunc status=none
differs "a flipped byte" "^random: contents differ" keep_time random flip_byte random
differs "a byte more" "^random: sizes differ" keep_time random truncate -s +1 random
differs "a mode" "^zeros: modes differ" chmod 001 zeros
differs "a time" "^empty-file: modification times differ" touch -d '2001-09-09 01:46:40.000000001 UTC' empty-file
differs "the time of a directory" "^empty: modification times differ" touch empty
differs "the time of a symlink" "^dangling: modification" touch -h -d '2001-09-09 01:46:40.000000002 UTC' dangling
differs "a symlink" "^dangling: symlink targets differ" keep_time . retarget
differs "a broken hard link" "^one-byte: link counts differ" keep_time . break_link
differs "a name of another file" "hard links differ" other_link
differs "a missing file" "^fifo: only in the first tree" rm fifo
differs "a missing subtree" "^deep/er: only in the first tree" rm -r deep/er
differs "a file more" "^extra: only in the second tree" touch extra
differs "another type" "^fifo: types differ" sh -c 'rm fifo && touch fifo'
if [ "$(id -u)" -eq 0 ]; then
	differs "an owner" "^random: owners differ" chown 12345:1 random
fi
if setfattr -n user.x -v y "$scratch/a/random" 2>/dev/null; then
	differs "the value of an attribute" "^random: values of an extended" setfattr -n user.x -v z random
	differs "an attribute more" "^random: lists of extended" setfattr -n user.more -v z random
	differs "an attribute less" "^random: lists of extended" setfattr -x user.x random
fi
