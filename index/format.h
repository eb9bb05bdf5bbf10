/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store on disk: every record of the index and of the segment files, as bytes.
 *
 * All integers of values are little-endian (le16_t .. le64_t: byte arrays, so that structs are packed and unaligned
 * access is never undefined); integers inside keys are big-endian, so that LMDB's byte order is numeric order.
 * man/firn.5 tells the same in prose, in the same order; a change here is a change of FORMAT_VERSION or of a feature bit.
 */
#ifndef FIRN_INDEX_FORMAT_H
#define FIRN_INDEX_FORMAT_H

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "index/number.h"

#define FORMAT_VERSION 2u

#define NAME_LEN_MAX 255
#define XATTR_NAME_MAX_LEN 255
#define XATTR_VALUE_MAX 65536
#define SYMLINK_MAX_LEN 4095

#define CHUNK_SIZE_MIN 4096u
#define CHUNK_SIZE_MAX (1u << 20)
#define CHUNK_SIZE_DEFAULT (128u << 10)

#define SEGMENT_SIZE_DEFAULT (64u << 20)
#define SEGMENT_SIZE_MAX (1u << 30)

#define INO_ROOT 1u
#define INO_FIRST_FREE 16u

/* Little-endian integers as they lie on disk. */
typedef struct { uint8_t b[2]; } le16_t;
typedef struct { uint8_t b[4]; } le32_t;
typedef struct { uint8_t b[8]; } le64_t;

static inline uint16_t le16_get(le16_t v)
{
	uint16_t x;

	memcpy(&x, v.b, sizeof x);
	return le16toh(x);
}

static inline uint32_t le32_get(le32_t v)
{
	uint32_t x;

	memcpy(&x, v.b, sizeof x);
	return le32toh(x);
}

static inline uint64_t le64_get(le64_t v)
{
	uint64_t x;

	memcpy(&x, v.b, sizeof x);
	return le64toh(x);
}

static inline le16_t le16_put(uint16_t x)
{
	le16_t v;

	x = htole16(x);
	memcpy(v.b, &x, sizeof x);
	return v;
}

static inline le32_t le32_put(uint32_t x)
{
	le32_t v;

	x = htole32(x);
	memcpy(v.b, &x, sizeof x);
	return v;
}

static inline le64_t le64_put(uint64_t x)
{
	le64_t v;

	x = htole64(x);
	memcpy(v.b, &x, sizeof x);
	return v;
}

/* Big-endian integers inside keys: _put writes 4 or 8 bytes at p and returns the byte after them. */
static inline uint8_t *be32_put(uint8_t *p, uint32_t x)
{
	x = htobe32(x);
	memcpy(p, &x, sizeof x);
	return p + sizeof x;
}

static inline uint8_t *be64_put(uint8_t *p, uint64_t x)
{
	x = htobe64(x);
	memcpy(p, &x, sizeof x);
	return p + sizeof x;
}

static inline uint32_t be32_get(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof x);
	return be32toh(x);
}

static inline uint64_t be64_get(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return be64toh(x);
}

/* The tables of the index: one LMDB database each, in this order; names are what mdb_dump -l shows. */
enum table {
	TABLE_META,    /* "meta":    name -> superblock, counters                          */
	TABLE_INODE,   /* "inode":   ino be64 -> struct inode_disk, as long as it needs      */
	TABLE_DIRENT,  /* "dirent":  parent be64, cookie be64 -> struct dirent_disk        */
	TABLE_XATTR,   /* "xattr":   ino be64, name, 0, piece u8 -> up to 1024 bytes       */
	TABLE_CHUNK,   /* "chunk":   ino be64, chunk be32 -> extent id le64                */
	TABLE_EXTENT,  /* "extent":  extent id be64 -> struct extent_disk                  */
	TABLE_SEGMENT, /* "segment": segment be32 -> struct segment_stat_disk              */
	TABLE_MODEL,   /* "model":   model no be32 -> struct model_disk                    */
	TABLE_ORPHAN,  /* "orphan":  ino be64 -> empty; unlinked but still open            */
	TABLE_TODO,    /* "todo":    id be64 -> struct todo_disk                           */
	TABLE_COUNT
};

/* The longest key of any table (xattr: 8 + 255 + 1 + 1; dirent: 16) and the longest value (a piece). */
#define INDEX_KEY_MAX 272
#define INDEX_VALUE_MAX 1280
#define SEAL_LEN 2 /* behind each value: index/seal.h */
#define XATTR_PIECE 1024u

/* meta "super" */
#define SUPER_MAGIC "firn\r\n\x1a\n"
struct super_disk {
	uint8_t magic[8];       /*   0 SUPER_MAGIC                                          */
	le32_t version;         /*   8 FORMAT_VERSION                                       */
	le32_t chunk_size;      /*  12 bytes, a power of two                                */
	le64_t compat;          /*  16 feature bits: unknown ones are ignored               */
	le64_t ro_compat;       /*  24 unknown ones: read-only                              */
	le64_t incompat;        /*  32 unknown ones: refuse                                 */
	uint8_t uuid[16];       /*  40                                                      */
	uint8_t label[32];      /*  56 zero-padded UTF-8                                    */
	le64_t created;         /*  88 ns since 1970                                        */
	le32_t segment_size;    /*  96 bytes at which a segment is sealed                   */
	uint8_t reserved[20];   /* 100 zero                                                 */
	le64_t hash_seed;       /* 120 seeds the directory hash                             */
	le64_t checksum;        /* 128 XXH3-64 of bytes 0..127                              */
};
static_assert(sizeof(struct super_disk) == 136, "super_disk");

/* meta "counters": what the next id of each kind is; written in every commit. */
struct counters_disk {
	le64_t next_ino;        /*  0 */
	le64_t next_extent;     /*  8 */
	le64_t next_todo;       /* 16 */
	le64_t commits;         /* 24 how many commits this store has seen                  */
	le32_t next_segment;    /* 32 */
	le32_t next_model;      /* 36 */
	le64_t inodes;          /* 40 inodes in use                                         */
	le64_t plain_bytes;     /* 48 sum of the plain lengths of all extents               */
	le64_t next_sequence;   /* 56 of segment records                                    */
};
static_assert(sizeof(struct counters_disk) == 64, "counters_disk");

/* meta "scrub": where a scrub goes on, and what it has found. */
struct scrub_disk {
	le64_t next;            /*  0 extent, 0: at the beginning                           */
	le64_t started;         /*  8 ns since 1970                                         */
	le64_t finished;        /* 16 of the last whole round                               */
	le64_t extents;         /* 24 of this round: looked at                              */
	le64_t bytes;           /* 32 read                                                  */
	le64_t damaged;         /* 40 extents that cannot be read                           */
	le64_t healed;          /* 48 that can be read again                                */
};
static_assert(sizeof(struct scrub_disk) == 56, "scrub_disk");

/*
 * An inode: two members, then up to eleven numbers of index/number.h. Those that are 0 are left out at the end. Times are ns
 * since 1970, signed (1677 .. 2262).
 */
#define INODE_DISK_MIN 10
struct inode_disk {
	le16_t mode;            /*  0 type and permissions, as in stat(2)                   */
	le64_t btime;           /*  2 birth                                                 */
	/*
	 * uid, gid, nlink; size (a directory: number of its entries); ctime less btime, mtime less ctime, atime less btime, size less
	 * plain bytes of all mapped chunks: zigzag, modulo 2^64; rdev (major << 20 | minor); generation; parent (a directory: its
	 * parent; else 0)
	 */
	uint8_t numbers[5 * NUMBER_MAX_32 + 6 * NUMBER_MAX_64];
};
static_assert(offsetof(struct inode_disk, numbers) == INODE_DISK_MIN, "inode_disk");

/*
 * A directory entry. Its cookie is what readdir returns as offset: 55 bits of the name's hash (XXH3-64 seeded with
 * hash_seed, shifted right by 9) times 256, plus 1..255 to tell colliding names apart, so an entry keeps its cookie while others
 * come and go (telldir/seekdir, NFS). Cookies below 256 are left for "." and "..".
 */
struct dirent_disk {
	uint8_t type;           /*  0 DT_* of dirent.h                                      */
	uint8_t rest[NUMBER_MAX_64 + NAME_LEN_MAX]; /* the inode, a number of index/number.h; the name: 1..255 bytes, no NUL */
};

/* What an extent's flags say of it: nothing is said of one that has a record of its own. */
enum extent_flags {
	EXTENT_GROUP = 1,  /* small extents packed into one record: no chunk names it, its members do */
	EXTENT_MEMBER = 2, /* a piece of a group */
	/*
	 * With 0 or EXTENT_GROUP: known to be unreadable, until it reads well again, is rewritten or deleted. Segment, offset and stored may
	 * be 0: there is no record at all, and it counts in no statistics.
	 */
	EXTENT_DAMAGED = 4,
};

/*
 * Where an extent's bytes lie. Immutable in content: refs, heat and the location may change, plain bytes never. Flags, then numbers of
 * index/number.h; those that are 0 are left out at the end.
 */
#define EXTENT_NUMBERS 11
#define EXTENT_MEMBER_NUMBERS 7
struct extent_disk {
	uint8_t flags;          /*  0 enum extent_flags                                     */
	/*
	 * segment; offset of the record in it; bytes of the frame (the record adds its header); bytes after decoding, 1..chunk size; chunk records
	 * that name it (a group: plain bytes of the members that are left); hours since 1970 of the last write or noticed read; enum codec_id;
	 * codec's own level; model number the frame needs, 0 none; model number tried without gain, 0 none; tier tried with it.
	 *
	 * EXTENT_MEMBER: number of the group less the extent's own, zigzag; where its bytes begin in the group's plain bytes; plain bytes; chunk records
	 * that name it; the last write or read, model and tier tried, as above.
	 */
	uint8_t numbers[EXTENT_NUMBERS * NUMBER_MAX_32];
};
static_assert(EXTENT_NUMBERS * NUMBER_MAX_32 >= NUMBER_MAX_64 + (EXTENT_MEMBER_NUMBERS - 1) * NUMBER_MAX_32, "extent_disk");

struct segment_stat_disk {
	le64_t total;           /*  0 bytes appended and committed, file header included    */
	le64_t live;            /*  8 record bytes that extents and models refer to         */
	le32_t records;         /* 16 live records                                          */
	uint8_t sealed;         /* 20 1: never written again                                */
	uint8_t stream;         /* 21 enum segment_stream that wrote it                     */
	uint8_t reserved[2];    /* 22 zero                                                  */
};
static_assert(sizeof(struct segment_stat_disk) == 24, "segment_stat_disk");

enum model_kind {
	MODEL_ZDICT = 1,  /* a zstd dictionary                    */
	MODEL_NEURAL = 2, /* a network, model/model.h             */
};

/*
 * A trained artefact: its bytes are cut into MODEL_STRIPS strips of equal length, with zeros behind the last byte; one strip more is the XOR of
 * those, so that any one of them can be lost. Each strip lies in a segment of its own, in pieces of at most MODEL_PIECE bytes, one record each,
 * back to back from strip[i].offset on.
 */
#define MODEL_STRIPS 4
#define MODEL_PIECE (1u << 20)
#define MODEL_BYTES_MAX (48u << 20)
struct model_disk {
	uint8_t kind;           /*  0 enum model_kind                                       */
	uint8_t state;          /*  1 0 candidate, 1 active, 2 retired                      */
	le16_t reserved;        /*  2 zero                                                  */
	le32_t bytes;           /*  4 length                                                */
	le64_t created;         /*  8 ns since 1970                                         */
	uint8_t hash[16];       /* 16 XXH3-128 of the bytes, canonical form: the model's id */
	struct {
		le32_t segment;
		le32_t offset;
	} strip[MODEL_STRIPS + 1]; /* 32 places, the XOR's last; segment 0: there is none     */
};
static_assert(sizeof(struct model_disk) == 72 && offsetof(struct model_disk, strip) == 32, "model_disk");

enum todo_op {
	TODO_FREE_CHUNKS = 1, /* unmap chunks from .. end of an inode that is gone or was truncated */
};
struct todo_disk {
	uint8_t op;             /*  0 enum todo_op                                          */
	uint8_t reserved[3];    /*  1 zero                                                  */
	le32_t from;            /*  4 first chunk                                           */
	le64_t ino;             /*  8 */
};
static_assert(sizeof(struct todo_disk) == 16, "todo_disk");

/* A segment file: this header, then records back to back. */
#define SEGMENT_MAGIC "FIRNSEG\n"
struct segment_disk {
	uint8_t magic[8];       /*  0 SEGMENT_MAGIC                                         */
	uint8_t uuid[16];       /*  8 of the store                                          */
	le32_t number;          /* 24 the segment's own                                     */
	le32_t version;         /* 28 FORMAT_VERSION                                        */
	le64_t created;         /* 32 ns since 1970                                         */
	le64_t checksum;        /* 40 XXH3-64 of bytes 0..39                                */
};
static_assert(sizeof(struct segment_disk) == 48, "segment_disk");

enum record_kind {
	RECORD_EXTENT = 1,
	RECORD_MODEL = 2,
	RECORD_GROUP = 3, /* the stored bytes are a member table (index/group.h), then the frame */
};

#define RECORD_MAGIC 0x6e726966u
/* One record: this header, then the stored bytes. */
struct record_disk {
	le32_t magic;           /*  0 RECORD_MAGIC                                          */
	uint8_t kind;           /*  4 enum record_kind                                      */
	uint8_t codec;          /*  5 enum codec_id; a model: enum model_kind               */
	uint8_t level;          /*  6 codec's own; a model: number of the strip             */
	uint8_t reserved;       /*  7 zero                                                  */
	le32_t stored;          /*  8 bytes after this header                               */
	le32_t plain;           /* 12 bytes after decoding                                  */
	le64_t id;              /* 16 extent id, also of a group; a model: its number       */
	le64_t ino;             /* 24 owner hint for rebuilding (a group: zero); a model: total bytes */
	le32_t chunk;           /* 32 owner hint; a model: number of the piece in its strip */
	le16_t model;           /* 36 model number the frame needs                          */
	le16_t reserved2;       /* 38 zero                                                  */
	le64_t sequence;        /* 40 grows with every record of the store: newest wins     */
	le64_t plain_xxh;       /* 48 XXH3-64 of the plain bytes; a model: bytes 0..7 of its hash, big-endian */
	le64_t checksum;        /* 56 XXH3-64 of bytes 0..55 and the stored bytes           */
};
static_assert(sizeof(struct record_disk) == 64, "record_disk");

/* Of a model of so many bytes: bytes of a strip; of a strip's records, headers included; of the records of all strips. */
static inline uint32_t model_strip(uint32_t bytes)
{
	return bytes / MODEL_STRIPS + (bytes % MODEL_STRIPS != 0);
}

static inline uint64_t model_strip_stored(uint32_t bytes)
{
	uint64_t strip = model_strip(bytes);

	return strip + (strip + MODEL_PIECE - 1) / MODEL_PIECE * sizeof(struct record_disk);
}

static inline uint64_t model_stored(uint32_t bytes)
{
	return (MODEL_STRIPS + 1) * model_strip_stored(bytes);
}

#endif
