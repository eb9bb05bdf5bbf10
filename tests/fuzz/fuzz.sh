#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fuzz.sh TARGET SECONDS CPPFLAG...: builds tests/fuzz/fuzz_TARGET.c with clang, libFuzzer, ASan and UBSan in fuzz/ under the build directory, and runs it
# there on the golden files and what earlier runs found. Needs the configured build directory as working directory.
set -eu
: "${top_srcdir:=.}"
target=$1 seconds=$2
shift 2
case $target in
frame) suffix=.frame ;;
model) suffix=.model ;;
*)
	echo "fuzz.sh: no target '$target'" >&2
	exit 64
	;;
esac

mkdir -p "fuzz/corpus-$target"
for file in "$top_srcdir"/tests/codec/golden/*"$suffix"; do
	cp "$file" "fuzz/corpus-$target/"
done
# One command: HAVE_AVX2 is left out, so that the plain C is what is instrumented.
sed '/HAVE_AVX2\|HAVE_AVX512/d' config.h >fuzz/config.h
# shellcheck disable=SC2086
clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-unused-command-line-argument \
	-I"$top_srcdir" -include fuzz/config.h "$@" "$top_srcdir/tests/fuzz/fuzz_$target.c" \
	"$top_srcdir"/codec/bit_history.c "$top_srcdir"/codec/classify.c "$top_srcdir"/codec/codec.c "$top_srcdir"/codec/dense.c \
	"$top_srcdir"/codec/dense_start.c "$top_srcdir"/codec/kernel.c "$top_srcdir"/codec/lz4.c \
	"$top_srcdir"/codec/model.c "$top_srcdir"/codec/neural.c "$top_srcdir"/codec/neural_ops.c "$top_srcdir"/codec/neural_scalar.c \
	"$top_srcdir"/codec/neural_tuning.c "$top_srcdir"/codec/raw.c "$top_srcdir"/codec/zstd.c \
	"$top_srcdir"/model/classify.c "$top_srcdir"/model/context.c "$top_srcdir"/model/logistic.c "$top_srcdir"/model/match.c \
	"$top_srcdir"/model/model.c "$top_srcdir"/model/model_file.c "$top_srcdir"/model/number.c "$top_srcdir"/model/pack.c \
	-o "fuzz/$target" -lzstd -llz4 -lxxhash -lm
FIRN_GOLDEN=$top_srcdir/tests/codec/golden
export FIRN_GOLDEN
exec "fuzz/$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 -artifact_prefix=fuzz/ \
	"fuzz/corpus-$target"
