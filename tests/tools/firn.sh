#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# firn's command line on an unmounted store: help, usage errors and exit codes, figures that agree, a signal that stops it cleanly.
. "${top_srcdir:-.}/tests/mount/lib.sh"

# usage PATTERN COMMAND...: a usage error says what is wrong, where to look, and exits with 64.
usage() {
	pattern=$1 code=0
	shift
	"$@" >"$scratch/out" 2>"$scratch/err" || code=$?
	[ "$code" -eq 64 ] || fail "$*: exit code $code, not 64"
	grep -Eq -e "$pattern" "$scratch/err" || fail "$*: message lacks '$pattern': $(cat "$scratch/err")"
	grep -q "Try 'firn\|Usage:" "$scratch/err" || fail "$*: does not say where to look"
	[ ! -s "$scratch/out" ] || fail "$*: wrote to stdout"
}

usage "Usage:" firn
usage "no command 'melt'" firn melt
for command in train compact estimate stat model; do
	firn "$command" --help >"$scratch/help" || fail "firn $command --help"
	grep -q "^Usage: firn $command" "$scratch/help" || fail "firn $command --help shows no usage"
	usage "unrecognized option '--nonsense'" firn "$command" --nonsense
done
usage "which store" firn stat
usage "one store only" firn compact "$scratch" "$scratch"
usage "warm or cold, not 'hot'" firn compact --tier=hot "$scratch"
usage "fast, normal or dense, not 'slow'" firn train --level slow "$scratch"
usage "number from 1 to 256, not '0'" firn compact --threads=0 "$scratch"
usage "not '-1'" firn train --minutes=-1 "$scratch"
usage "not '12x'" firn train --sample=12x "$scratch"
usage "what to do" firn model "$scratch"
firn --version | grep -Eq '^firn [0-9]+\.' || fail "firn --version"

refused 1 "none: .*[Nn]o such" firn stat "$scratch/none"
mkdir "$scratch/foreign"
refused 1 "foreign: .*not a firn store" firn compact "$scratch/foreign"

mkdir "$scratch/tree"
i=0
while [ $i -lt 60 ]; do
	seq $((i * 17)) $((i * 17 + 4000)) >"$scratch/tree/$i"
	i=$((i + 1))
done
make_store -L "a \"label\"" --import "$scratch/tree"
figure() { # figure KEY: a number of the outermost object of the last stat
	sed -n "s/^  \"$1\": \([0-9.]*\),*$/\1/p" "$scratch/json"
}
firn stat --json "$store" >"$scratch/json" || fail "stat --json"
grep -q '"label": "a \\"label\\"",' "$scratch/json" || fail "the label is not escaped"
[ "$(figure files)" -eq 60 ] || fail "$(figure files) files"
[ "$(figure file_bytes)" -eq "$(cat "$scratch"/tree/* | wc -c)" ] || fail "$(figure file_bytes) bytes"
[ "$(figure store_bytes)" -eq "$(du -s --block-size=1 "$store/index.mdb" "$store/index.mdb-lock" "$store/lock" "$store"/seg/*.seg |
	awk '{ n += $1 } END { print n }')" ] || fail "store_bytes is not what du says"
hot=$(figure segment_bytes)
firn stat "$store" | grep -q "^  hot  *60 " || fail "stat shows no 60 hot extents"

firn train --sample=1 --log="$scratch/log" --plot="$scratch/plot.svg" "$store" >"$scratch/out" 2>"$scratch/err" || fail "train: $(cat "$scratch/err")"
[ ! -s "$scratch/err" ] || fail "train shows progress in a pipe: $(cat "$scratch/err")"
grep -q "^zstd dictionary: " "$scratch/out" || fail "train does not say what became of the dictionary"
grep -q "^network: " "$scratch/out" || fail "train does not say what became of the network"
head -n 1 "$scratch/plot.svg" | grep -q "^<svg " || fail "train --plot draws no SVG"
tail -n 1 "$scratch/plot.svg" | grep -q "^</svg>" || fail "train --plot draws half an SVG"
[ "$(grep -c '<polyline .*points="[0-9]' "$scratch/plot.svg")" = 2 ] || fail "train --plot draws other than two lines"
head -n 1 "$scratch/log" | grep -q "^seconds" || fail "the log has no heading"
firn train --auto --sample=1 "$store" >"$scratch/out" || fail "train --auto"
grep -q "^nothing to gain yet" "$scratch/out" || fail "train --auto trains again: $(cat "$scratch/out")"
firn compact --now --progress "$store" >"$scratch/out" 2>"$scratch/err" || fail "compact: $(cat "$scratch/err")"
grep -q "^compact \[.*100%" "$scratch/err" || fail "compact --progress shows none"
[ -z "$(firn compact --now --quiet "$store" 2>&1)" ] || fail "compact --quiet is not"
firn stat --json "$store" >"$scratch/json" || fail "stat --json"
[ "$(figure segment_bytes)" -lt "$hot" ] || fail "compaction saved nothing"
[ "$(figure files)" -eq 60 ] || fail "$(figure files) files after compaction"
firn model list "$store" >"$scratch/out" || fail "model list"
[ "$(wc -l <"$scratch/out")" -eq "$(figure models)" ] || fail "model list and stat disagree"
