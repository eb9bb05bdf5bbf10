#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Flipped and missing bytes in a segment cost the files they belong to, with EIO, and nothing else: never wrong bytes.
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse
damaged=yes

# Reads every file of $mnt: prints how many failed; those that can be read must equal the original.
count_lost() {
	lost=0
	for file in "$scratch/tree"/*; do
		name=${file##*/}
		if ! cat "$mnt/$name" >"$scratch/copy" 2>"$scratch/err"; then
			grep -q 'Input/output error' "$scratch/err" || fail "$name: $(cat "$scratch/err")"
			lost=$((lost + 1))
		elif ! cmp -s "$file" "$scratch/copy"; then
			fail "$name: wrong bytes"
		fi
	done
	echo "$lost"
}

flip() { # flip FILE OFFSET
	old=$(od -An -tu1 -j "$2" -N1 "$1")
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((old ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

mkdir "$scratch/tree"
for i in $(seq 40); do
	{ head -c 20000 /dev/urandom; seq "$i" 9000; } >"$scratch/tree/file-$i"
done
make_store
mount_store
cp "$scratch/tree"/* "$mnt/"
umount_store
cp -a "$store" "$scratch/pristine"
seg=$(find "$store/seg" -name '*.seg' -size +100k | sort | head -n 1)
size=$(stat -c %s "$seg")

flip "$seg" $((size / 2))
flip "$seg" $((size / 3))
mount_store
lost=$(count_lost)
case $lost in
1|2) ;;
*) fail "2 flipped bytes cost $lost files" ;;
esac
echo good >"$mnt/new"
[ "$(cat "$mnt/new")" = good ] || fail "cannot write beside the damage"
umount_store
firn stat "$store" >"$scratch/out" || fail "stat of a damaged store"
# Recompaction leaves the damaged chunks where they are, and the others whole.
firn train "$store" >"$scratch/out" 2>&1 || true
firn compact --now "$store" >"$scratch/out" 2>&1 || true
mount_store
again=$(count_lost)
[ "$again" -eq "$lost" ] || fail "$lost files were lost before recompaction, $again after"
umount_store

# The end of a segment is missing.
rm -r "$store"
cp -a "$scratch/pristine" "$store"
truncate -s $((size / 2)) "$seg"
mount_store
lost=$(count_lost)
if [ "$lost" -lt 1 ] || [ "$lost" -ge 40 ]; then
	fail "half a segment cost $lost files of 40"
fi
umount_store

# A whole segment is missing: names and attributes stay.
rm -r "$store"
cp -a "$scratch/pristine" "$store"
rm "$seg"
mount_store
[ "$(find "$mnt" -name 'file-*' | wc -l)" -eq 40 ] || fail "names are lost"
lost=$(count_lost)
[ "$lost" -ge 1 ] || fail "a missing segment cost nothing"
umount_store

# A model lies in five files. Any one may be cut, damaged or missing, and costs nothing; two cost what was coded with it, and nothing else.
strips() { # the files that a model's strips lie in: their first record says so
	for file in "$store/seg"/*.seg; do
		[ "$(od -An -tu1 -j52 -N1 "$file" | tr -d ' ')" != 2 ] || echo "$file"
	done
}
rm -r "$store" "$scratch/pristine" "$scratch/tree"
mkdir "$scratch/tree"
(cd "$top_srcdir" && find fs index man tools -name '*.[ch158]') >"$scratch/sources"
tar -C "$top_srcdir" -cf - -T "$scratch/sources" | tar -C "$scratch/tree" -xf -
make_store --import "$scratch/tree"
firn train --threads=1 --sample=1 --level=fast "$store" >"$scratch/out" || fail "train"
firn compact -q --now --level=fast "$store"
cp -a "$store" "$scratch/pristine"
strips >"$scratch/strips"
case $(wc -l <"$scratch/strips") in
5 | 10) ;;
*) fail "not five strips of each model: $(cat "$scratch/strips")" ;;
esac
n=0
while read -r file; do
	case $((n % 3)) in
	0) rm "$file" ;;
	1) truncate -s $(($(stat -c %s "$file") / 2)) "$file" ;;
	*) flip "$file" $(($(stat -c %s "$file") / 2)) ;;
	esac
	mount_store
	for dir in fs index man tools; do
		compare "$scratch/tree/$dir" "$mnt/$dir"
	done
	umount_store
	rm -r "$store"
	cp -a "$scratch/pristine" "$store"
	n=$((n + 1))
done <"$scratch/strips"
head -n 2 "$scratch/strips" | xargs rm
mount_store
find "$scratch/tree" -type f -printf '%P\n' >"$scratch/files"
lost=0
while read -r name; do
	if ! cat "$mnt/$name" >"$scratch/copy" 2>"$scratch/err"; then
		grep -q 'Input/output error' "$scratch/err" || fail "$name: $(cat "$scratch/err")"
		lost=$((lost + 1))
	elif ! cmp -s "$scratch/tree/$name" "$scratch/copy"; then
		fail "$name: wrong bytes"
	fi
done <"$scratch/files"
[ "$lost" -ge 1 ] || fail "two lost strips cost nothing"
umount_store
