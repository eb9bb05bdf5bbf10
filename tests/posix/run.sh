#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh DIRECTORY [PROGRAM...]: the POSIX programs in DIRECTORY, on any file system, one line for each; exit status 1 when one failed.
#
# A case that cannot be tried there is shown with its reason. Give root the whole file system (mounted with dev, suid and for all users), or many are.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
[ $# -ge 1 ] || {
	echo "usage: run.sh DIRECTORY [PROGRAM...]" >&2
	exit 64
}
dir=$1
shift
[ $# -gt 0 ] || set -- acl acl_rules copy_range data errors fallocate handle link locks mkdir mknod mmap names open permissions ranges readdir rename seek \
	stat statfs sync times truncate write xattr

failed=0
log=$(mktemp "${TMPDIR:-/tmp}/posix-log.XXXXXX")
trap 'rm -f "$log"' EXIT
for program in "$@"; do
	status=0
	timeout 900 "$top_builddir/tests/posix/$program" "$dir" >"$log" 2>&1 || status=$?
	passed=$(grep -c '^\[       OK' "$log")
	skipped=$(awk '/^not tested: / { reason = substr($0, 13) } /^\[  SKIPPED \]/ && reason != "" { printf "%s%s: %s", n++ ? "; " : "", $4, reason; reason = "" }' "$log")
	line="$program: $passed passed${skipped:+, not tested: $skipped}"
	if [ "$status" -eq 0 ] && [ "$passed$skipped" != 0 ]; then
		echo "$line"
	else
		failed=1
		echo "FAIL $line, exit status $status"
		grep -vE '^(\[ RUN|\[       OK|\[==|\[  PASSED)' "$log"
	fi
done
exit "$failed"
