# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
# What the tests on a real mount share: a scratch directory, stores, mounts and their removal. Sourced first by each of them.
set -eu
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
helpers=$top_builddir/tests/mount
PATH=$top_builddir:$PATH
export PATH
export LC_ALL=C

scratch=$(cd "$(mktemp -d "${TMPDIR:-/tmp}/firn-test.XXXXXX")" && pwd -P) # as the kernel names it
store=$scratch/store
mnt=$scratch/mnt
mkdir "$mnt"

is_mounted() { # is_mounted DIR
	grep -q " $1 " /proc/self/mountinfo
}

# Lets go of whatever the test left mounted, in any state, and removes the scratch directory.
clean_up() {
	status=$?
	trap - EXIT INT TERM
	awk -v under="$scratch/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r dir; do
		umount "$dir" 2>/dev/null || fusermount3 -u "$dir" 2>/dev/null || umount -l "$dir" || true
	done
	find "$scratch" -xdev -name lock -exec flock -w 30 {} true \; 2>/dev/null || true
	chmod -R u+rwx "$scratch" 2>/dev/null || true
	rm -rf --one-file-system "$scratch"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() { # fail MESSAGE...
	echo "FAIL: $*" >&2
	exit 1
}

skip() { # skip REASON...
	echo "SKIP: $*"
	exit 77
}

need() { # need PROGRAM: skips the test where it is not installed
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# Waits as long as it takes, but not for ever: a loaded machine is slow, and what hangs is to be seen.
patience=900
until_true() { # until_true COMMAND...
	give_up=$(($(date +%s) + patience))
	until "$@"; do
		[ "$(date +%s)" -lt "$give_up" ] || fail "never: $*"
		sleep 0.05
	done
}

need_fuse() {
	[ -c /dev/fuse ] || skip "/dev/fuse is missing"
	[ "$(id -u)" -eq 0 ] || command -v fusermount3 >/dev/null || skip "fusermount3 is not installed"
	(: <>/dev/fuse) 2>/dev/null || skip "/dev/fuse cannot be opened"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "must be root"
}

make_store() { # make_store [MKFS-ARGUMENT...]: at $store
	mkfs.firn "$@" "$store" >"$scratch/mkfs.out" || fail "mkfs.firn $*"
}

mount_store() { # mount_store [FIRNFS-ARGUMENT...]: $store at $mnt
	firnfs "$@" "$store" "$mnt" || fail "firnfs $* gave $?"
	is_mounted "$mnt" || fail "firnfs returned, but nothing is mounted"
}

# Returns when the daemon has ended: it holds the store's lock to its last moment.
daemon_wait() {
	flock -w "$patience" "$store/lock" true || fail "the daemon did not end"
}

# The daemon has committed and ended. The store must be sound, unless the test says damaged=yes.
umount_store() {
	umount "$mnt" 2>/dev/null || fusermount3 -u "$mnt" || fail "cannot unmount"
	daemon_wait
	[ "${damaged:-no}" = yes ] || check_store
}

# The daemon was killed. Who used the mount has ended: what would look for it later finds the next one there, or none.
umount_killed() {
	umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt"
	daemon_wait
}

check_store() {
	fsck.firn -n -q "$store" >"$scratch/fsck.out" 2>&1 || fail "fsck.firn: $(cat "$scratch/fsck.out")"
}

remount_store() {
	umount_store
	mount_store
}

daemon_pid() { # the pid of the daemon that serves $store, as its lock tells
	pid=$(sed -n '1s/[^0-9]*\([0-9][0-9]*\).*/\1/p' "$store/lock")
	[ -d "/proc/$pid" ] || fail "no daemon with pid '$pid'"
	echo "$pid"
}

compare() { # compare A B
	"$helpers/compare_trees" "$1" "$2" || fail "$1 and $2 differ"
}

# refused CODE PATTERN COMMAND...: the command must exit with CODE and say one line that matches PATTERN on stderr, nothing on stdout.
refused() {
	want=$1 pattern=$2
	shift 2
	code=0
	timeout "$patience" "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
	[ "$code" -eq "$want" ] || fail "$*: exit code $code, not $want: $(cat "$scratch/err")"
	[ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "$*: not one line: $(cat "$scratch/err")"
	[ ! -s "$scratch/out" ] || fail "$*: wrote to stdout: $(cat "$scratch/out")"
	grep -Eq "$pattern" "$scratch/err" || fail "$*: message lacks '$pattern': $(cat "$scratch/err")"
}

# make_tree DIR: one of everything that a tree can hold and an unprivileged user can make.
make_tree() {
	mkdir -p "$1/deep/er/still" "$1/empty"
	cp -R "$top_srcdir/index" "$top_srcdir/man" "$1/"
	chmod -R u+w "$1"
	: >"$1/empty-file"
	printf x >"$1/one-byte"
	head -c 300000 /dev/urandom >"$1/random"
	head -c 131072 /dev/zero >"$1/zeros"
	seq 1 200000 >"$1/deep/er/still/numbers"
	truncate -s 3000000 "$1/sparse"
	printf end | dd of="$1/sparse" bs=1 seek=2999000 conv=notrunc status=none
	ln "$1/one-byte" "$1/deep/second-name"
	ln -s ../random "$1/deep/symlink"
	ln -s nowhere "$1/dangling"
	mkfifo "$1/fifo"
	long=$(printf '%0255d' 0)
	echo long >"$1/$long"
	printf 'name\n' >"$1/new
line and \\ and ü"
	chmod 4711 "$1/one-byte"
	chmod 1777 "$1/empty"
	chmod 000 "$1/zeros"
	[ "$(id -u)" -ne 0 ] || chown 12345:54321 "$1/random" "$1/deep"
	setfattr -n user.note -v "worth keeping" "$1/random" 2>/dev/null || true
	setfattr -n user.binary -v 0x000102ff "$1/deep" 2>/dev/null || true
	touch -d '1999-12-31 23:59:59.123456789 UTC' "$1/random"
	touch -d '2038-02-01 03:14:08.999999999 UTC' "$1/deep/er"
	touch -h -d '2001-09-09 01:46:40.000000001 UTC' "$1/dangling"
}
