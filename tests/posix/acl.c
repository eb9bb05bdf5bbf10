/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX access control lists: what they grant, what they do to the mode, defaults that are inherited, and malformed ones.
 */
#include <endian.h>
#include <sys/xattr.h>

#include "tests/posix/place.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32, ACL_VERSION = 2 };
enum { ALICE = 60001, BOB = 60002, STAFF = 60010 };

/* As the kernel has it in the attribute's value. */
struct entry {
	uint16_t tag, perm;
	uint32_t id;
};
struct acl {
	uint32_t version;
	struct entry entries[8];
};
#define NOBODY UINT32_MAX

static int acl_set(const char *name, const char *which, const struct entry *entries, size_t n)
{
	struct acl acl = { .version = htole32(ACL_VERSION) };

	for (size_t i = 0; i < n; i++)
		acl.entries[i] = (struct entry){ htole16(entries[i].tag), htole16(entries[i].perm), htole32(entries[i].id) };
	return setxattr(name, which, &acl, 4 + n * sizeof *entries, 0);
}
#define SET(name, which, entries) acl_set((name), (which), (entries), sizeof(entries) / sizeof *(entries))

/* Number of entries, or -1 and errno. */
static int acl_get(const char *name, const char *which, struct acl *acl)
{
	ssize_t n = getxattr(name, which, acl, sizeof *acl);

	return n < 0 ? -1 : (int)((size_t)n - 4) / (int)sizeof *acl->entries;
}

static const struct entry for_bob[] = {
	{ USER_OBJ, 6, NOBODY }, { USER, 6, BOB }, { GROUP_OBJ, 0, NOBODY }, { MASK, 6, NOBODY }, { OTHER, 0, NOBODY },
};

static void need_acls(void)
{
	int r;

	place_file("probe", "x");
	r = SET("probe", ACCESS, for_bob);
	assert_true(r == 0 || errno == EOPNOTSUPP);
	assert_done(unlink("probe"));
	if (r)
		place_skip("no access control lists");
}

static void changes_mode(void **state)
{
	static const struct entry as_mode[] = { { USER_OBJ, 7, NOBODY }, { GROUP_OBJ, 5, NOBODY }, { OTHER, 1, NOBODY } };
	struct acl acl;

	(void)state;
	need_acls();
	place_file("f", "x");
	assert_errno(acl_get("f", ACCESS, &acl), ENODATA);
	assert_done(SET("f", ACCESS, for_bob));
	assert_int_equal(place_stat("f").st_mode & 07777, 0660); /* the group's bits show the mask */
	assert_int_equal(acl_get("f", ACCESS, &acl), 5);
	assert_int_equal(le32toh(acl.entries[1].id), BOB);
	assert_done(chmod("f", 0644)); /* and set it */
	assert_int_equal(acl_get("f", ACCESS, &acl), 5);
	assert_int_equal(le16toh(acl.entries[3].perm), 4);
	assert_int_equal(le16toh(acl.entries[1].perm), 6);
	assert_int_equal(le16toh(acl.entries[4].perm), 4);
	assert_done(SET("f", ACCESS, as_mode)); /* no more than a mode can say: nothing is kept */
	assert_int_equal(place_stat("f").st_mode & 07777, 0751);
	assert_errno(acl_get("f", ACCESS, &acl), ENODATA);
	assert_done(SET("f", ACCESS, for_bob));
	assert_done(removexattr("f", ACCESS));
	assert_errno(acl_get("f", ACCESS, &acl), ENODATA);
	assert_done(unlink("f"));
}

static void grants(void **state)
{
	static const struct entry masked[] = {
		{ USER_OBJ, 6, NOBODY }, { USER, 6, BOB }, { GROUP_OBJ, 6, NOBODY }, { MASK, 4, NOBODY }, { OTHER, 0, NOBODY },
	};
	static const struct entry group[] = {
		{ USER_OBJ, 6, NOBODY }, { GROUP_OBJ, 0, NOBODY }, { GROUP, 4, STAFF }, { MASK, 4, NOBODY }, { OTHER, 0, NOBODY },
	};

	(void)state;
	place_need_root();
	need_acls();
	place_file("f", "x");
	assert_done(chown("f", ALICE, ALICE));
	assert_done(SET("f", ACCESS, for_bob));
	place_become(BOB, BOB);
	assert_done(close(open("f", O_RDWR)));
	assert_errno(SET("f", ACCESS, masked), EPERM); /* the owner alone sets one */
	assert_done(place_root());
	place_become(60003, 60003);
	assert_errno(open("f", O_RDONLY), EACCES);
	assert_done(place_root());
	assert_done(SET("f", ACCESS, masked));
	place_become(BOB, BOB);
	assert_done(close(open("f", O_RDONLY)));
	assert_errno(open("f", O_WRONLY), EACCES);
	assert_done(place_root());
	assert_done(SET("f", ACCESS, group));
	place_become(60003, STAFF);
	assert_done(close(open("f", O_RDONLY)));
	assert_errno(open("f", O_WRONLY), EACCES);
	assert_done(place_root());
	place_become(60003, 60003);
	assert_errno(open("f", O_RDONLY), EACCES);
	assert_done(place_root());
	assert_done(unlink("f"));
}

static void inherited(void **state)
{
	static const struct entry defaults[] = {
		{ USER_OBJ, 7, NOBODY }, { USER, 7, BOB }, { GROUP_OBJ, 5, NOBODY }, { MASK, 7, NOBODY }, { OTHER, 0, NOBODY },
	};
	mode_t mask = umask(077); /* means nothing where there are defaults */
	struct acl acl;

	(void)state;
	need_acls();
	assert_done(mkdir("d", 0755));
	assert_done(SET("d", DEFAULT, defaults));
	assert_int_equal(place_stat("d").st_mode & 07777, 0700);
	place_file("d/f", "x"); /* 0644 */
	assert_int_equal(acl_get("d/f", ACCESS, &acl), 5);
	assert_int_equal(le32toh(acl.entries[1].id), BOB);
	assert_int_equal(le16toh(acl.entries[3].perm), 4); /* the mask: what the mode of creation left */
	assert_int_equal(place_stat("d/f").st_mode & 07777, 0640);
	assert_errno(acl_get("d/f", DEFAULT, &acl), ENODATA);
	assert_done(mkdir("d/e", 0777));
	assert_int_equal(acl_get("d/e", DEFAULT, &acl), 5);
	assert_int_equal(acl_get("d/e", ACCESS, &acl), 5);
	assert_int_equal(place_stat("d/e").st_mode & 07777, 0770);
	assert_done(mkfifo("d/p", 0600));
	assert_int_equal(place_stat("d/p").st_mode & 07777, 0600);
	assert_int_equal(acl_get("d/p", ACCESS, &acl), 5);
	assert_done(symlink("x", "d/s"));
	assert_done(removexattr("d", DEFAULT));
	assert_done(close(open("d/plain", O_CREAT | O_WRONLY, 0644)));
	assert_int_equal(place_stat("d/plain").st_mode & 07777, 0600);
	umask(mask);
	assert_done(unlink("d/plain"));
	assert_done(unlink("d/s"));
	assert_done(unlink("d/p"));
	assert_done(rmdir("d/e"));
	assert_done(unlink("d/f"));
	assert_done(rmdir("d"));
}

static void refuses(void **state)
{
	static const struct entry no_mask[] = {
		{ USER_OBJ, 6, NOBODY }, { USER, 6, BOB }, { GROUP_OBJ, 0, NOBODY }, { OTHER, 0, NOBODY },
	};
	static const struct entry no_other[] = { { USER_OBJ, 6, NOBODY }, { GROUP_OBJ, 0, NOBODY } };
	static const struct entry bad_perm[] = { { USER_OBJ, 9, NOBODY }, { GROUP_OBJ, 0, NOBODY }, { OTHER, 0, NOBODY } };
	struct acl acl;

	(void)state;
	need_acls();
	place_file("f", "x");
	assert_errno(SET("f", ACCESS, no_mask), EINVAL);
	assert_errno(SET("f", ACCESS, no_other), EINVAL);
	assert_errno(SET("f", ACCESS, bad_perm), EINVAL);
	assert_errno(setxattr("f", ACCESS, "garbage", 7, 0), EOPNOTSUPP);
	assert_errno(SET("f", DEFAULT, for_bob), EACCES); /* directories alone have one */
	assert_errno(acl_get("f", ACCESS, &acl), ENODATA);
	assert_int_equal(place_stat("f").st_mode & 07777, 0644);
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(changes_mode),
		place_case(grants),
		place_case(inherited),
		place_case(refuses),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
