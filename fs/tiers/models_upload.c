/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model that comes in pieces, from a training outside the daemon.
 */
#include "fs/tiers/models_upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"

struct models_upload {
	pthread_mutex_t mutex; /* guards what follows; held while the model is added, outer to all others */
	uint8_t *bytes;        /* NULL: none under way */
	uint32_t kind, total, done;
	uint64_t token;
};

int models_upload_create(struct volume *vol)
{
	vol->upload = calloc(1, sizeof *vol->upload);
	if (!vol->upload)
		return -ENOMEM;
	pthread_mutex_init(&vol->upload->mutex, NULL);
	return 0;
}

void models_upload_destroy(struct volume *vol)
{
	if (!vol->upload)
		return;
	pthread_mutex_destroy(&vol->upload->mutex);
	free(vol->upload->bytes);
	free(vol->upload);
	vol->upload = NULL;
}

static void upload_drop(struct models_upload *u)
{
	free(u->bytes);
	u->bytes = NULL;
}

static int upload_begin(struct models_upload *u, struct models_piece *piece)
{
	if (piece->total < 1 || piece->total > MODEL_BYTES_MAX || (piece->kind != MODEL_ZDICT && piece->kind != MODEL_NEURAL))
		return -EINVAL;
	upload_drop(u);
	u->bytes = malloc(piece->total);
	if (!u->bytes)
		return -ENOMEM;
	u->kind = piece->kind;
	u->total = piece->total;
	u->done = 0;
	u->token++;
	return 0;
}

/* All pieces are there. */
static int upload_adopt(struct volume *vol, struct models_upload *u, uint32_t *out)
{
	struct codec_model *model;
	uint16_t number = 0;
	int rc = codec_model_load(u->kind, u->bytes, u->total, &model);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	codec_model_put(model);
	rc = models_add(vol, (enum model_kind)u->kind, 1, u->bytes, u->total, &number);
	*out = number;
	return rc < 0 ? rc : volume_commit(vol);
}

static int upload_take(struct volume *vol, struct models_upload *u, struct models_piece *piece)
{
	int rc = piece->offset == 0 ? upload_begin(u, piece) : 0;

	if (rc < 0)
		return rc;
	if (!u->bytes || (piece->offset > 0 && piece->token != u->token))
		return -ESTALE;
	if (piece->kind != u->kind || piece->total != u->total || piece->offset != u->done || piece->len < 1 ||
	    piece->len > MODELS_PIECE_MAX || piece->len > u->total - u->done)
		return -EINVAL;
	memcpy(u->bytes + u->done, piece->bytes, piece->len);
	u->done += piece->len;
	piece->token = u->token;
	piece->number = 0;
	if (u->done < u->total)
		return 0;
	rc = upload_adopt(vol, u, &piece->number);
	upload_drop(u);
	return rc;
}

int models_upload(struct volume *vol, struct models_piece *piece)
{
	struct models_upload *u = vol->upload;
	int rc;

	if (!u)
		return -EROFS;
	pthread_mutex_lock(&u->mutex);
	rc = upload_take(vol, u, piece);
	pthread_mutex_unlock(&u->mutex);
	return rc;
}
