#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fuzz.sh TARGET SECONDS: builds tests/fuzz/fuzz_TARGET.c and the libraries with clang, libFuzzer, ASan and UBSan in fuzz/ under the build directory, and runs
# it there on its corpus, what earlier runs found and the inputs of tests/fuzz/found. Needs the configured build directory as working directory.
set -eu
: "${top_srcdir:=.}"
target=$1 seconds=$2
top_srcdir=$(cd "$top_srcdir" && pwd)
sanitizers=address,undefined
own='' length=65536
archive='../../tools/tar_import.c ../../tools/tar_acl.c ../../tools/tar_attr.c ../../tools/tar_place.c ../../tools/tar_read.c ../../tools/tar_report.c'
case $target in
frame | model) ;;
super) own=small_store.c length=1280 ;;
value) own="small_store.c ../crash/tree.c" length=1800 ;;
segment) own=small_store.c ;;
store) own="small_store.c ../crash/tree.c" length=400000 ;;
import) own="small_store.c $archive" length=65536 ;;
*)
	echo "fuzz.sh: no target '$target'" >&2
	exit 64
	;;
esac

mkdir -p fuzz/build "fuzz/corpus-$target"
cd fuzz/build
[ -e config.status ] || "$top_srcdir/configure" --quiet --disable-tests CC=clang \
	CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=all"
make -s fsck.firn # and with it the libraries
link() { # link PROGRAM SANITIZERS SOURCE...: sources below tests/fuzz
	program=$1 with=$2
	shift 2
	for source in "$@"; do
		set -- "$@" "$top_srcdir/tests/fuzz/$source"
		shift
	done
	clang -std=gnu11 -O1 -g "-fsanitize=$with" -fno-sanitize-recover=all -I"$top_srcdir" -include config.h "$@" libfs.a \
		libcodec.a libcodec_*.a libmodel.a libindex.a -o "$program" -llmdb -larchive -lzstd -llz4 -lxxhash -lm -lpthread
}
# shellcheck disable=SC2086
link "$target" fuzzer,$sanitizers "fuzz_$target.c" $own
case $target in
frame | model) cp "$top_srcdir/tests/codec/golden/"*".$target" "../corpus-$target/" ;;
*)
	# shellcheck disable=SC2086
	link corpus "$sanitizers" corpus.c small_store.c ../../tools/tar_export.c ../../tools/tar_write.c $archive
	./corpus "../corpus-$target"
	find "../corpus-$target" -name '*.*' ! -name "*.$target" -exec rm {} +
	;;
esac
find "$top_srcdir/tests/fuzz/found" -name "*.$target" -exec cp {} "../corpus-$target/" \;

FIRN_GOLDEN=$top_srcdir/tests/codec/golden
FIRN_KERNEL=scalar # the plain C is what is instrumented best
export FIRN_GOLDEN FIRN_KERNEL
exec "./$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 "-max_len=$length" -print_final_stats=1 -artifact_prefix=../ \
	"../corpus-$target"
