#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs and manual pages agree: every long option that --help shows is in the page, and every one of the page is in --help.
set -eu
: "${top_srcdir:=.}" "${top_builddir:=.}"

failed=0
long_options() {
	grep -oE -e '(^|[^-a-z])--[a-z][a-z-]+' | grep -oE -e '--[a-z][a-z-]+' | sort -u
}

# Leaves out what a page says of other programs, as in "mkfs.firn --import".
without_others() { # without_others PROGRAM
	script=
	for other in mkfs.firn fsck.firn firnfs firn; do
		[ "$other" = "$1" ] || script="$script; s/$other( [a-z]+)? --[a-z-]+//g"
	done
	sed -E "$script"
}

# page_agrees PAGE PROGRAM SUBCOMMAND...
page_agrees() {
	page=$top_srcdir/man/$1 name=$2 program=$top_builddir/$2
	shift 2
	{
		"$program" --help
		for subcommand in "$@"; do
			"$program" "$subcommand" --help
		done
	} >"$scratch/help" || { echo "$program --help fails"; failed=1; }
	long_options <"$scratch/help" >"$scratch/of-program"
	sed 's/\\-/-/g' "$page" | without_others "$name" | long_options >"$scratch/of-page"
	[ -s "$scratch/of-program" ] || { echo "$program --help shows no option"; failed=1; }
	comm -23 "$scratch/of-program" "$scratch/of-page" | sed "s|^|$page lacks |" >"$scratch/wrong"
	comm -13 "$scratch/of-program" "$scratch/of-page" | sed "s|^|$program --help lacks |" >>"$scratch/wrong"
	cat "$scratch/wrong"
	[ ! -s "$scratch/wrong" ] || failed=1
}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/firn-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
page_agrees mkfs.firn.8 mkfs.firn
page_agrees firnfs.8 firnfs
page_agrees fsck.firn.8 fsck.firn
# shellcheck disable=SC2046
page_agrees firn.1 firn $("$top_builddir/firn" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
exit "$failed"
