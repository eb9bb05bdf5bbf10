/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACLs as the kernel passes them, for tests: a version, then entries of tag, permissions and id.
 */
#ifndef FIRN_TESTS_FS_ACLS_H
#define FIRN_TESTS_FS_ACLS_H

#include <stdint.h>
#include <string.h>

#define ACL_LEN(entries) (4u + 8u * (entries))

/* Permissions of owner, user 1234, group, mask and others: 5 entries. */
static inline void acl_fill(uint8_t acl[ACL_LEN(5)], unsigned owner, unsigned named, unsigned group, unsigned mask,
			    unsigned other)
{
	const uint8_t tags[5] = { 1, 2, 4, 16, 32 };
	const unsigned permissions[5] = { owner, named, group, mask, other };

	memset(acl, 0xff, ACL_LEN(5));
	memcpy(acl, "\2\0\0\0", 4);
	for (unsigned i = 0; i < 5; i++) {
		uint8_t *entry = acl + ACL_LEN(i);

		entry[0] = tags[i];
		entry[2] = (uint8_t)permissions[i];
		entry[1] = entry[3] = 0;
		if (i == 1)
			memcpy(entry + 4, "\xd2\4\0\0", 4);
	}
}

#endif
