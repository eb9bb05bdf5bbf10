#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mount(8), umount(8) and fstab(5) work as for any other file system, through mount.fuse.firn and umount.fuse.firn; and users mount through fusermount3. All of it
# in a mount namespace of its own, so that nothing of this machine is touched.
if [ -z "${FIRN_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	FIRN_NAMESPACE=private exec unshare -m --propagation private sh "$0"
fi
. "${top_srcdir:-.}/tests/mount/lib.sh"
need_fuse
need_root
[ -n "${FIRN_NAMESPACE:-}" ] || skip "no mount namespace can be made"

# /sbin, with the helper in it.
real=$(readlink -f /sbin)
mkdir "$scratch/original" "$scratch/sbin"
mount --bind "$real" "$scratch/original"
for program in "$scratch/original"/*; do
	ln -s "$program" "$scratch/sbin/"
done
ln -sf "$(command -v firnfs)" "$scratch/sbin/mount.fuse.firn"
ln -sf "$(command -v firnfs)" "$scratch/sbin/umount.fuse.firn"
mount --bind "$scratch/sbin" "$real"
[ ! -d /run/mount ] || mount -t tmpfs none /run/mount

mount_options() { # what the kernel says of $mnt
	awk -v dir="$mnt" '$2 == dir { print $4 }' /proc/self/mounts
}

expect_option() { # expect_option WORD
	case ",$(mount_options)," in
	*",$1,"*) ;;
	*) fail "mounted without $1: $(mount_options)" ;;
	esac
}

expect_no_option() { # expect_no_option WORD
	case ",$(mount_options)," in
	*",$1,"*) fail "mounted with $1: $(mount_options)" ;;
	esac
}

expect_readonly() {
	! touch "$mnt/file" 2>/dev/null || fail "it can be written to"
}

try_options() {
	mount -t fuse.firn "$store" "$mnt" -o allow_other || fail "mount gave $?"
	[ "$(awk -v dir="$mnt" '$2 == dir { print $1, $3 }' /proc/self/mounts)" = "$store fuse.firn" ] || fail "not with its name: $(grep "$mnt" /proc/self/mounts)"
	expect_option allow_other
	expect_no_option nosuid
	expect_no_option nodev
	echo text >"$mnt/file"
	umount_store
	mount -t fuse.firn -o nosuid,nodev,noexec,noatime "$store" "$mnt" || fail "mount gave $?"
	for word in rw nosuid nodev noexec noatime; do
		expect_option "$word"
	done
	[ "$(cat "$mnt/file")" = text ] || fail "the file is lost"
	umount_store
}

try_remount() {
	mount -t fuse.firn "$store" "$mnt"
	mount -o remount,ro "$mnt" || fail "remount,ro gave $?"
	expect_option ro
	expect_readonly
	mount -o remount,rw,noexec "$mnt" || fail "remount,rw gave $?"
	expect_option noexec
	touch "$mnt/file" || fail "cannot be written to after remount,rw"
	umount_store
	mount -t fuse.firn -o ro "$store" "$mnt"
	expect_readonly
	refused 32 "read-only" mount -o remount,rw "$mnt"
	expect_option ro
	expect_readonly
	umount_store
}

# With its helper (which it asks when told -c) umount(8) returns when the store is free; without, the next to open it waits.
try_again() {
	for round in 1 2 3; do
		mount -t fuse.firn "$store" "$mnt" || fail "mount gave $? after umount"
		head -c 3000000 /dev/urandom >"$mnt/round"
		umount -c "$mnt" || fail "umount gave $?"
		flock -n "$store/lock" true || fail "umount returned, and the store is in use"
		mount -t fuse.firn "$store" "$mnt" || fail "mount gave $?"
		[ "$(wc -c <"$mnt/round")" -eq 3000000 ] || fail "round $round: the file is lost"
		head -c 3000000 /dev/urandom >"$mnt/round"
		umount "$mnt" || fail "umount gave $?"
	done
	fsck.firn -n -q "$store" || fail "fsck.firn at once after umount gave $?"
	mount -t fuse.firn "$store" "$mnt"
	refused 32 "(busy|target is busy)" sh -c "cd '$mnt' && exec umount -c '$mnt'"
	is_mounted "$mnt" || fail "unmounted although it was in use"
	umount_store
}

# Names relative and with spaces, and all the words that the kernel or mount(8) know.
try_words() {
	mkdir "$scratch/a b"
	cp -a "$store" "$scratch/a store"
	(cd "$scratch" && mount -t fuse.firn "a store" "a b" -o defaults,rw,exec,async,diratime,norelatime,nostrictatime,lazytime,nolazytime,acl,user_xattr,mand,nomand,silent,loud,nofail,_netdev,x-a=b,X-c=d,comment=e) || fail "mount gave $?"
	[ "$(findmnt -n -o SOURCE "$scratch/a b")" = "$scratch/a store" ] || fail "mounted as $(findmnt -n -o SOURCE "$scratch/a b")"
	[ "$(df --output=fstype "$scratch/a b" | tail -n 1)" = fuse.firn ] || fail "df calls it $(df --output=fstype "$scratch/a b")"
	umount -c "$scratch/a b" || fail "umount gave $?"
	flock -n "$scratch/a store/lock" true || fail "umount returned, and the store with a space is in use"
	(cd "$scratch" && firnfs "a store" "a b") || fail "firnfs with relative names gave $?"
	[ "$(findmnt -n -o SOURCE "$scratch/a b")" = "$scratch/a store" ] || fail "firnfs mounted it as $(findmnt -n -o SOURCE "$scratch/a b")"
	umount -c "$scratch/a b" || fail "umount gave $?"
	flock -n "$scratch/a store/lock" true || fail "umount returned, and the store with a relative name is in use"
}

# A name that is no path, by which it can be unmounted, too.
try_name() {
	mount -t fuse.firn -o "source=$store,noatime" "some name" "$mnt" || fail "mount gave $?"
	[ "$(findmnt -n -o SOURCE "$mnt")" = "some name" ] || fail "mounted as $(findmnt -n -o SOURCE "$mnt")"
	mount -o remount,ro "$mnt" || fail "remount,ro gave $?"
	expect_readonly
	umount "some name" || fail "umount by its name gave $?"
	flock -n "$store/lock" true || fail "umount returned, and the store is in use"
	refused 32 "elsewhere: not a firn store" mount -t fuse.firn -o "source=$scratch/elsewhere" "$store" "$mnt"
	refused 1 "bad value in option source" mount -t fuse.firn -o source= "$store" "$mnt"
}

try_fstab() {
	mkdir "$scratch/other"
	cp -a "$store" "$scratch/second"
	cat >"$scratch/fstab" <<END
$store $mnt fuse.firn defaults,nofail,_netdev,x-systemd.device-timeout=9,x-systemd.automount,commit=9 0 0
$scratch/second $scratch/other fuse.firn noauto,user,ro 0 0
$scratch/none $scratch/nowhere fuse.firn noauto 0 0
END
	mount -a -T "$scratch/fstab" || fail "mount -a gave $?"
	is_mounted "$mnt" || fail "mount -a left it out"
	! is_mounted "$scratch/other" || fail "mount -a mounted what is noauto"
	mount -a -T "$scratch/fstab" || fail "mount -a, the second time, gave $?"
	[ "$(grep -c " $mnt " /proc/self/mountinfo)" -eq 1 ] || fail "mounted twice"
	mount -T "$scratch/fstab" "$scratch/other" || fail "mount by its directory gave $?"
	awk -v dir="$scratch/other" '$2 == dir { print $4 }' /proc/self/mounts | grep -q '^ro,.*noexec' || fail "user must imply noexec: $(grep other /proc/self/mounts)"
	umount "$scratch/other"
	umount_store
}

try_errors() {
	refused 32 "none: .*No such" mount -t fuse.firn "$scratch/none" "$mnt"
	refused 1 "unknown mount option nonsense" mount -t fuse.firn -o nonsense "$store" "$mnt"
	! is_mounted "$mnt" || fail "mounted all the same"
	mount -s -t fuse.firn -o nonsense "$store" "$mnt" || fail "sloppy: mount gave $?"
	refused 32 "in use|locked|busy|mounted" mount -t fuse.firn "$store" "$scratch/elsewhere"
	umount_store
	mount -f -t fuse.firn "$store" "$mnt" || fail "fake: mount gave $?"
	! is_mounted "$mnt" || fail "mounted although it was to be faked"
}

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# Everything here is the user's: the store, the directory, the daemon.
try_user() {
	mknod "$scratch/fuse" c 10 229
	chmod 666 "$scratch/fuse"
	mount --bind "$scratch/fuse" /dev/fuse
	chmod 755 "$scratch"
	mkdir "$scratch/theirs" "$scratch/theirs/mnt"
	chown -R 65534:65534 "$scratch/theirs"
	mnt=$scratch/theirs/mnt store=$scratch/theirs/store
	if ! as_nobody firnfs --version >/dev/null 2>&1 || [ ! -u "$(command -v fusermount3)" ]; then
		echo "not tested: users cannot run firnfs from here, or fusermount3 is not set-user-id"
		return
	fi
	as_nobody mkfs.firn "$store" >/dev/null
	as_nobody firnfs "$store" "$mnt" || fail "firnfs, run by a user, gave $?"
	expect_option "user_id=65534"
	expect_option nosuid
	expect_option nodev
	as_nobody sh -c "echo theirs >'$mnt/file' && cat '$mnt/file'" >/dev/null || fail "the user cannot use it"
	! ls "$mnt" >/dev/null 2>&1 || fail "root was let in without allow_other"
	as_nobody fusermount3 -u "$mnt" || fail "fusermount3 -u gave $?"
	daemon_wait
	as_nobody firnfs "$store" "$mnt" || fail "firnfs, run by a user again, gave $?"
	[ "$(as_nobody cat "$mnt/file")" = theirs ] || fail "the file is lost"
	as_nobody fusermount3 -u "$mnt"
	daemon_wait
}

mkdir "$scratch/elsewhere"
make_store
try_options
try_remount
try_again
try_words
try_name
try_fstab
try_errors
try_user
