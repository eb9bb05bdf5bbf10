# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: BSD-2-Clause
# The Debian packages that ./quickstart and ./check install, each list in one place, and how they are installed.

packages_build="autoconf automake gcc libc6-dev make pkg-config libfuse3-dev fuse3 liblmdb-dev liblz4-dev liblzma-dev libzstd-dev libxxhash-dev libarchive-dev"
packages_demo="attr perl-base squashfs-tools tar xz-utils zstd"
packages_check="attr clang clang-tidy cppcheck git libclang-rt-14-dev libcmocka-dev libomp-dev libsqlite3-dev shellcheck sqlite3 tar xz-utils"
# For tests/arm.sh, of a foreign architecture: only ./check --ci installs them.
packages_arm="gcc-aarch64-linux-gnu libarchive-dev:arm64 libc6-dev:arm64 libcmocka-dev:arm64 libfuse3-dev:arm64 libgomp1:arm64 liblmdb-dev:arm64 liblz4-dev:arm64 liblzma-dev:arm64 libxxhash-dev:arm64 libzstd-dev:arm64 qemu-user-static"

# install_packages PACKAGE...: those that are missing, with apt-get, as root or through sudo. Says nothing when all are there.
install_packages() {
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || {
		echo "missing:$missing: install them (this is no Debian, so it is up to you)" >&2
		return 1
	}
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		as_root=sudo
		command -v sudo >/dev/null || {
			echo "missing:$missing: become root or install sudo" >&2
			return 1
		}
	fi
	$as_root apt-get -qq update
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing
}
