#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# firn export and firn import without a mount: everything a tree can hold survives, streams are the same, hostile archives stay inside, damage is told.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need setfattr

# export_to FILE STORE [PATH...]: succeeds without a word.
export_to() {
	out=$1
	shift
	firn export "$@" >"$out" 2>"$scratch/err" || fail "export $*: $(cat "$scratch/err")"
	[ ! -s "$scratch/err" ] || fail "export $* says: $(cat "$scratch/err")"
}
unpack() { # unpack TAR DIR, as GNU tar does
	mkdir "$2"
	tar --xattrs --xattrs-include='*' --acls --warning=none -C "$2" -xpf "$1" 2>"$scratch/err" || fail "tar: $(cat "$scratch/err")"
}

# Everything: exported, it is read by tar, and imported, it is exported as the same bytes.
make_tree "$scratch/tree"
decomposed=$(printf 'u\314\210') # names are bytes: this is not the next one
printf 1 >"$scratch/tree/$decomposed"
printf 2 >"$scratch/tree/$(printf '\303\274')"
: >"$scratch/tree/$(printf 'no UTF-8 \377')"
truncate -s 4M "$scratch/tree/hole"
touch -d '1960-05-05 05:05:05.123456789 UTC' "$scratch/tree/empty-file"
setfattr -n 'user.a=b%41' -v x "$scratch/tree/random"
head -c 20000 /dev/urandom | base64 -w 0 | head -c 3000 >"$scratch/long"
setfattr -n user.long -v "$(cat "$scratch/long")" "$scratch/tree/random"
if [ "$(id -u)" -eq 0 ]; then
	mknod "$scratch/tree/null" c 1 3 || true
	setfattr -n security.note -v kept "$scratch/tree/random" || true
	# user::rw- user:7:r-- group::--- mask::r-- other::---
	setfattr -n system.posix_acl_access \
		-v 0x020000000100060000000000020004000700000004000000ffffffff10000400ffffffff20000000ffffffff "$scratch/tree/random" ||
		echo "no ACLs here"
fi
make_store -c 64K --import "$scratch/tree"
export_to "$scratch/one.tar" "$store"
unpack "$scratch/one.tar" "$scratch/unpacked"
[ "$(id -u)" -ne 0 ] || compare "$scratch/tree" "$scratch/unpacked"
[ "$(stat -c %b "$scratch/unpacked/hole")" -lt 100 ] || fail "holes are not kept"
mkfs.firn -q -c 64K "$scratch/two"
firn import "$scratch/two" <"$scratch/one.tar" >"$scratch/out" || fail "import"
grep -q "names, .*; 0 problems" "$scratch/out" || fail "import does not say what it did: $(cat "$scratch/out")"
export_to "$scratch/two.tar" "$scratch/two"
cmp "$scratch/one.tar" "$scratch/two.tar" || fail "the stream changes on its way"
fsck.firn -n -q "$scratch/two" || fail "the imported store is not sound"
firn import -q "$scratch/two" <"$scratch/one.tar" || fail "import over itself"
firn export -o "$scratch/again.tar" "$scratch/two" || fail "export -o"
cmp "$scratch/one.tar" "$scratch/again.tar" || fail "what is replaced is not the same"
fsck.firn -n -q "$scratch/two" || fail "the store is not sound after files were replaced"

# Parts, and where they go.
export_to "$scratch/part.tar" "$store" deep/er /one-byte
[ "$(tar -tf "$scratch/part.tar" | tr '\n' ' ')" = "./deep/er/ ./deep/er/still/ ./deep/er/still/numbers ./one-byte " ] ||
	fail "parts: $(tar -tf "$scratch/part.tar")"
gzip -c "$scratch/part.tar" >"$scratch/part.tar.gz"
firn import -q -i "$scratch/part.tar.gz" "$scratch/two" deep/er || fail "import below a directory"
export_to "$scratch/below.tar" "$scratch/two" deep/er/deep
tar -xOf "$scratch/below.tar" ./deep/er/deep/er/still/numbers | cmp - "$scratch/tree/deep/er/still/numbers" || fail "import of a compressed part"
code=0
firn export "$store" deep none >"$scratch/some.tar" 2>"$scratch/err" || code=$?
[ "$code" -eq 1 ] || fail "a missing path: exit code $code"
grep -q "none: No such file" "$scratch/err" || fail "a missing path is not named: $(cat "$scratch/err")"
tar -tf "$scratch/some.tar" | grep -q numbers || fail "a missing path costs the others"
refused 1 "none: No such file" firn import -q -i "$scratch/part.tar" "$store" none
refused 1 "not a firn store" firn export "$scratch"

# What GNU tar writes, in all its forms; through mkfs, too.
mkdir "$scratch/plain"
cp -R "$top_srcdir/man" "$scratch/plain/"
echo 1 >"$scratch/plain/$decomposed"
ln "$scratch/plain/$decomposed" "$scratch/plain/name"
ln -s man "$scratch/plain/link"
truncate -s 3000000 "$scratch/plain/sparse"
echo end >>"$scratch/plain/sparse"
for form in gnu pax ustar v7; do
	sparse=
	case $form in gnu | pax) sparse=--sparse ;; esac
	tar --format=$form $sparse -C "$scratch/plain" -cf "$scratch/$form.tar" . || fail "tar --format=$form"
	mkfs.firn -q --import "$scratch/$form.tar" "$scratch/$form" || fail "mkfs.firn --import $form.tar"
	export_to "$scratch/$form-out.tar" "$scratch/$form"
	unpack "$scratch/$form-out.tar" "$scratch/$form-unpacked"
	diff -r --no-dereference "$scratch/plain" "$scratch/$form-unpacked" || fail "an archive of form $form"
	[ "$(stat -c %i "$scratch/$form-unpacked/name")" -eq "$(stat -c %i "$scratch/$form-unpacked/$decomposed")" ] || fail "hard links of form $form"
	fsck.firn -n -q "$scratch/$form" || fail "form $form: not sound"
done

# problems PATTERN TAR: imported with exit code 1 and a line that matches, and the store is sound and holds no more than it should.
problems() {
	code=0
	rm -rf "$scratch/victim"
	mkfs.firn -q "$scratch/victim"
	mkdir -p "$scratch/in/inside"
	tar -C "$scratch/in" -cf - inside | firn import -q "$scratch/victim"
	timeout "$patience" firn import -q -i "$2" "$scratch/victim" inside >"$scratch/out" 2>"$scratch/err" || code=$?
	[ "$code" -eq 1 ] || fail "$2: exit code $code: $(cat "$scratch/err")"
	grep -Eq "$1" "$scratch/err" || fail "$2: message lacks '$1': $(cat "$scratch/err")"
	fsck.firn -n -q "$scratch/victim" || fail "$2: the store is not sound"
	export_to "$scratch/victim.tar" "$scratch/victim"
	! tar -tf "$scratch/victim.tar" | grep -Ev '^\./(inside/.*)?$' || fail "$2: something escaped"
}
mkdir "$scratch/evil"
echo evil >"$scratch/evil/file"
rename_to() { # rename_to NAME TAR: an archive with one file of this name
	tar -P --transform="flags=r;s|^file\$|$1|" -C "$scratch/evil" -cf "$2" file
}
rename_to /absolute "$scratch/h1.tar"
problems "/absolute: refused: an absolute name" "$scratch/h1.tar"
rename_to ../up "$scratch/h2.tar"
problems "\.\./up: refused: \"\.\.\"" "$scratch/h2.tar"
rename_to a/../../up "$scratch/h3.tar"
problems "refused: \"\.\.\"" "$scratch/h3.tar"
ln -s .. "$scratch/evil/out"
tar -C "$scratch/evil" -cf "$scratch/h4.tar" out
tar -P --transform='flags=r;s|^file$|out/through|' -C "$scratch/evil" -rf "$scratch/h4.tar" file
problems "out/through: refused: its name leads through" "$scratch/h4.tar"
rename_to "$(printf '%0300d' 0)" "$scratch/h5.tar"
problems "File name too long" "$scratch/h5.tar"
rename_to "$(printf 'new\nline\033[31m/../x')" "$scratch/h6.tar"
problems 'new\\012line\\033\[31m/\.\./x: refused' "$scratch/h6.tar"
ln "$scratch/evil/file" "$scratch/evil/second"
tar -P --transform='flags=h;s|^file$|../store|' -C "$scratch/evil" -cf "$scratch/h7.tar" file second
problems "second: refused: \"\.\.\"" "$scratch/h7.tar"
head -c 1000 /dev/urandom >"$scratch/h8.tar"
problems "the archive\): Unrecognized" "$scratch/h8.tar"
: >"$scratch/h9.tar"
problems "the archive\)" "$scratch/h9.tar"

# A size that no disk has, written into the header in base 256; the checksum is the sum of the bytes with blanks in its own place.
tar --format=gnu -C "$scratch/evil" -cf "$scratch/h10.tar" file
patch_at() { # patch_at OFFSET: standard input into the archive
	dd of="$scratch/h10.tar" bs=1 seek="$1" conv=notrunc status=none
}
printf '\200\000\000\000\077\377\377\377\377\377\377\377' | patch_at 124
printf '        ' | patch_at 148
sum=$(head -c 512 "$scratch/h10.tar" | od -An -v -tu1 | tr -s ' ' '\n' | awk '{ n += $1 } END { print n }')
printf '%06o\0 ' "$sum" | patch_at 148
problems "file: |the archive\)" "$scratch/h10.tar"

# Cut off: what came before stays; also between two entries, where nothing but the end is missing.
seq 1 50000 >"$scratch/evil/big"
tar --format=ustar -C "$scratch/evil" -cf "$scratch/whole.tar" file big
head -c 100000 "$scratch/whole.tar" >"$scratch/h11.tar"
problems "big: Truncated" "$scratch/h11.tar"
tar -xOf "$scratch/victim.tar" ./inside/file | grep -q evil || fail "what came before the cut is gone"
! tar -tf "$scratch/victim.tar" | grep -q big || fail "half a file has its name"
head -c 1024 "$scratch/whole.tar" >"$scratch/h12.tar"
problems "cut off: its end is not marked" "$scratch/h12.tar"
tar -xOf "$scratch/victim.tar" ./inside/file | grep -q evil || fail "what came before the end is gone"

code=0
mkfs.firn -q --tier=cold --import "$scratch/h11.tar" "$scratch/cut" 2>"$scratch/err" || code=$?
[ "$code" -eq 1 ] || fail "mkfs.firn of half an archive: exit code $code"
firn tier get "$scratch/cut" | grep -q cold || fail "what half an archive fills has another policy than was asked for"

# A damaged chunk: the file is named, all others and the other chunks are there.
mkdir "$scratch/few"
head -c 300000 /dev/urandom >"$scratch/few/broken"
seq 1 30000 >"$scratch/few/sound"
mkfs.firn -q -c 64K --import "$scratch/few" "$scratch/hurt"
segment=$(find "$scratch/hurt/seg" -name '*.seg' -size +300k | head -n 1)
piece=$(head -c 100040 "$scratch/few/broken" | tail -c 40 | od -An -v -tx1 | tr -d ' \n')
at=$(od -An -v -tx1 "$segment" | tr -d ' \n' | grep -bo "$piece" | head -n 1 | cut -d: -f1)
[ -n "$at" ] || fail "the chunk to damage is not found"
printf 'damage, damage, damage' | dd of="$segment" bs=1 seek=$((at / 2)) conv=notrunc status=none
code=0
firn export "$scratch/hurt" >"$scratch/hurt.tar" 2>"$scratch/err" || code=$?
[ "$code" -eq 1 ] || fail "export of damage: exit code $code"
[ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "export of damage: not one line: $(cat "$scratch/err")"
grep -q "\./broken: 65536 bytes cannot be read: zeros in their place" "$scratch/err" || fail "damage is not named: $(cat "$scratch/err")"
tar -xOf "$scratch/hurt.tar" ./sound | cmp - "$scratch/few/sound" || fail "damage costs another file"
tar -xOf "$scratch/hurt.tar" ./broken | head -c 65536 | cmp -n 65536 - "$scratch/few/broken" || fail "damage costs another chunk"
