#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# arm.sh: builds the codec for 64-bit ARM in the current directory and lets it code the golden frames, in C and with NEON, under qemu-user.
# Exits with 77 when the cross compiler, qemu or the libraries are not there: tests/packages.sh names them (packages_arm).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

skip() {
	echo "arm: $*: skipped"
	exit 77
}
command -v aarch64-linux-gnu-gcc >/dev/null || skip "no aarch64-linux-gnu-gcc"
command -v qemu-aarch64-static >/dev/null || skip "no qemu-aarch64-static"
export PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
pkg-config --exists fuse3 lmdb liblz4 liblzma libzstd libxxhash libarchive cmocka || skip "no libraries for arm64"

"$top/configure" -q --host=aarch64-linux-gnu CC=aarch64-linux-gnu-gcc --enable-werror CFLAGS="-O2 -g"
make -s tests/codec/test_golden tests/codec/test_bit_history
top_srcdir=$top top_builddir=$PWD
export top_srcdir top_builddir
for kernel in scalar neon; do
	FIRN_KERNEL=$kernel qemu-aarch64-static tests/codec/test_golden
done
qemu-aarch64-static tests/codec/test_bit_history
