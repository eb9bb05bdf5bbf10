/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mknod(2): pipes, sockets and devices that work, their numbers, and who may make them.
 */
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "tests/posix/place.h"

static void regular(void **state)
{
	(void)state;
	assert_done(mknod("r", S_IFREG | 0640, 0));
	assert_int_equal(place_stat("r").st_mode, S_IFREG | 0640);
	assert_int_equal(place_stat("r").st_size, 0);
	assert_done(mknod("r0", 0600, 0)); /* no type: regular */
	assert_true(S_ISREG(place_stat("r0").st_mode));
	assert_errno(mknod("r", S_IFREG | 0600, 0), EEXIST);
	assert_errno(mknod("d", S_IFDIR | 0600, 0), EPERM);
	assert_done(unlink("r0"));
	assert_done(unlink("r"));
}

static void pipes(void **state)
{
	char buf[8];
	int in, out;

	(void)state;
	assert_done(mkfifo("p", 0600));
	in = open("p", O_RDONLY | O_NONBLOCK);
	assert_true(in >= 0);
	out = open("p", O_WRONLY | O_NONBLOCK);
	assert_true(out >= 0);
	assert_int_equal(write(out, "through", 7), 7);
	assert_int_equal(read(in, buf, sizeof buf), 7);
	assert_memory_equal(buf, "through", 7);
	assert_errno((int)lseek(in, 0, SEEK_SET), ESPIPE);
	assert_done(close(out));
	assert_done(close(in));
	assert_int_equal(place_stat("p").st_size, 0);
	assert_errno(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	assert_done(unlink("p"));
}

static void sockets(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "s" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_done(bind(listener, (struct sockaddr *)&name, sizeof name));
	assert_done(listen(listener, 1));
	assert_true(S_ISSOCK(place_stat("s").st_mode));
	assert_done(connect(client, (struct sockaddr *)&name, sizeof name));
	assert_errno(open("s", O_RDONLY), ENXIO);
	assert_done(close(client));
	assert_done(close(listener));
	assert_done(unlink("s"));
}

static void devices(void **state)
{
	static const struct {
		mode_t type;
		unsigned major, minor;
	} cases[] = { { S_IFCHR, 1, 3 }, { S_IFBLK, 7, 200 }, { S_IFCHR, 300, 70000 }, { S_IFBLK, 4095, 1048575 } };

	(void)state;
	place_need_root();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		dev_t dev = makedev(cases[i].major, cases[i].minor);

		assert_done(mknod("dev", cases[i].type | 0600, dev));
		assert_int_equal(place_stat("dev").st_mode, cases[i].type | 0600);
		assert_int_equal(place_stat("dev").st_rdev, dev);
		assert_done(unlink("dev"));
	}
}

static void device_works(void **state)
{
	struct statvfs vfs;
	int fd;

	(void)state;
	place_need_root();
	assert_done(statvfs(".", &vfs));
	if (vfs.f_flag & ST_NODEV)
		place_skip("mounted nodev");
	assert_done(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	fd = open("null", O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "gone", 4), 4);
	assert_done(close(fd));
	assert_done(unlink("null"));
}

static void not_by_users(void **state)
{
	(void)state;
	place_need_root();
	assert_done(mkdir("open", 0777));
	assert_done(chmod("open", 0777));
	place_become(65534, 65534);
	assert_errno(mknod("open/c", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	assert_errno(mknod("open/b", S_IFBLK | 0600, makedev(7, 0)), EPERM);
	assert_done(mkfifo("open/p", 0600));
	assert_int_equal(place_stat("open/p").st_uid, 65534);
	assert_int_equal(place_stat("open/p").st_gid, 65534);
	assert_done(place_root());
	assert_done(unlink("open/p"));
	assert_done(rmdir("open"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(regular),
		place_case(pipes),
		place_case(sockets),
		place_case(devices),
		place_case(device_works),
		place_case(not_by_users),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
