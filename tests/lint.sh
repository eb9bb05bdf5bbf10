#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# lint.sh CPPFLAG...: what static analysis finds in the sources; each tool where it is installed. Run by `make lint` in the build directory.
set -eu
: "${top_srcdir:=.}"

failed=0
has() {
	command -v "$1" >/dev/null || {
		echo "lint: $1 is not installed: skipped"
		return 1
	}
}
sources=$(find "$top_srcdir/index" "$top_srcdir/model" "$top_srcdir/codec" "$top_srcdir/fs" "$top_srcdir/tools" \
	"$top_srcdir/tests" -name '*.c' | sort)

if has shellcheck; then
	echo "lint: shellcheck"
	(
		cd "$top_srcdir"
		shellcheck quickstart check autogen.sh .ci/run tests/*.sh tests/*/*.sh completion/*.bash
	) || failed=1
fi
if has cppcheck; then
	echo "lint: cppcheck"
	# shellcheck disable=SC2086
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppressions-list="$top_srcdir/tests/cppcheck.txt" -j 2 "-I$top_srcdir" $sources || failed=1
fi
if has clang-tidy; then
	echo "lint: clang-tidy"
	case $(uname -m) in
	x86_64) foreign='_neon\.c$' ;;
	aarch64) foreign='_avx[0-9]*\.c$' ;;
	*) foreign='_(neon|avx[0-9]*)\.c$' ;;
	esac # kernels of other machines, which the compiler here cannot read
	# shellcheck disable=SC2016
	echo "$sources" | grep -vE "$foreign" | xargs -P 2 -n 4 sh -c '
		flags=$1
		shift
		clang-tidy --quiet --warnings-as-errors="*" "$@" -- $flags 2>/dev/null' sh "$*" || failed=1
fi
exit "$failed"
