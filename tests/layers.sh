#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The architecture holds: folders include downwards only, foreign headers stay behind their one door, each file says what it is for.
set -eu
cd "${top_srcdir:-.}"

failed=0
complain() {
	echo "$*"
	failed=1
}

# includes FOLDER: every line of its sources that includes something, as file:line:text.
includes() {
	grep -rEns --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' "$1"
}

# may_include FOLDER ALTERNATIVES: quoted includes of a folder come from these folders only.
may_include() {
	wrong=$(includes "$1" | grep '"' | grep -Ev "\"(config\.h|($2)/[a-z0-9_/]+\.h)\"") || true
	[ -z "$wrong" ] || complain "includes upwards, sideways, or not from the root:
$wrong"
}
may_include index 'index'
may_include model 'model'
may_include codec 'codec|model'
may_include fs 'fs|index|codec|model'
beneath='index|codec|model'
for floor in 'fs/volume' 'fs/extent' 'fs/names fs/data' 'fs/tiers' 'fs/store' 'fs/check' 'fs/control' 'fs/fuse'; do # from the ground up
	beneath="$(echo "$floor" | tr ' ' '|')|$beneath"
	for folder in $floor; do
		may_include "$folder" "$beneath"
	done
done
may_include tools 'tools|fs|index|codec|model'

# only_in HEADER FILES: an angle-bracket header that matches is included by files that match, tests included.
only_in() {
	for folder in index model codec fs tools tests; do
		wrong=$(includes "$folder" | grep -E "<$1" | grep -Ev "^$2") || true
		[ -z "$wrong" ] || complain "<$1> is not for:
$wrong"
	done
}
only_in 'lmdb\.h>' 'index/'
only_in '(fuse[a-z0-9_/]*|fuse3/.*)\.h>' '(fs/fuse/[a-z_]+\.[ch]|tools/firnfs[a-z_]*\.c):'
only_in 'archive(_entry)?\.h>' 'tools/tar_[a-z]+\.c:'
only_in '(zstd|zdict|lz4|lz4hc)\.h>' '(codec/|tests/codec/)'

# The libraries neither print nor end the process.
for folder in index model codec fs; do
	wrong=$(grep -rEns '\b(printf|puts|perror|exit|_exit|abort)\(|\bfprintf\((stderr|stdout)' "$folder" --include='*.[ch]' |
		grep -Ev ':[0-9]+:[[:space:]]*(\*|/\*|//)') || true
	[ -z "$wrong" ] || complain "a library prints or ends the process:
$wrong"
done

# The head of a file: the licence in its first line, then what it is for: a sentence, before any code.
for file in index/*.[ch] model/*.[ch] codec/*.[ch] fs/*/*.[ch] tools/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch]; do
	[ -e "$file" ] || continue
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' || complain "$file: no SPDX line"
	sed -n '2,5p' "$file" | grep -q '[A-Za-z]\{2,\}.* .*[A-Za-z]' || complain "$file: no sentence of purpose"
	sed -n '2p' "$file" | grep -q '^/\*\|^ \*\|^//' || complain "$file: no comment under the SPDX line"
	lines=$(wc -l <"$file")
	[ "$lines" -le 600 ] || complain "$file: $lines lines are more than one idea"
done
for file in quickstart check autogen.sh .ci/run tests/*.sh tests/*/*.sh; do
	[ -e "$file" ] || continue
	sed -n '1,4p' "$file" | grep -q '^# .* .*[a-z]' || complain "$file: no sentence of purpose"
done
exit "$failed"
