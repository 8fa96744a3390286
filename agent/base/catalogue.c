/* SPDX-License-Identifier: MIT */
/*
 * catalogue: a head, and two tables of (length, offset): the texts in the order of strcmp(), and
 * their translations.
 */
#include "agent/base/catalogue.h"

#include <string.h>

enum { MAGIC = 0x950412de, HEAD_BYTES = 20, ENTRY_BYTES = 8 };

struct Catalogue {
	GMappedFile *file;
	const char *data;
	gsize len;
	gboolean is_swapped; /* made on a machine of the other byte order */
	guint32 count;
	guint32 texts_at;
	guint32 translations_at;
};

static guint32
number_at(const Catalogue *catalogue, gsize at)
{
	guint32 number;
	memcpy(&number, catalogue->data + at, sizeof number);
	return catalogue->is_swapped ? GUINT32_SWAP_LE_BE(number) : number;
}

static gboolean
has_table(const Catalogue *catalogue, guint32 at)
{
	guint64 end = (guint64) at + (guint64) catalogue->count * ENTRY_BYTES;
	return end <= catalogue->len;
}

static gboolean
read_head(Catalogue *catalogue)
{
	if (catalogue->len < HEAD_BYTES)
		return FALSE;
	catalogue->is_swapped = number_at(catalogue, 0) == GUINT32_SWAP_LE_BE((guint32) MAGIC);
	if (number_at(catalogue, 0) != (guint32) MAGIC || number_at(catalogue, 4) >> 16 > 1)
		return FALSE;

	catalogue->count = number_at(catalogue, 8);
	catalogue->texts_at = number_at(catalogue, 12);
	catalogue->translations_at = number_at(catalogue, 16);
	return has_table(catalogue, catalogue->texts_at) &&
	       has_table(catalogue, catalogue->translations_at);
}

Catalogue *
catalogue_open(const char *path)
{
	GMappedFile *file = g_mapped_file_new(path, FALSE, NULL);
	if (file == NULL)
		return NULL;

	Catalogue *catalogue = g_new0(Catalogue, 1);
	catalogue->file = file;
	catalogue->data = g_mapped_file_get_contents(file);
	catalogue->len = g_mapped_file_get_length(file);
	if (read_head(catalogue))
		return catalogue;

	catalogue_free(catalogue);
	return NULL;
}

void
catalogue_free(Catalogue *catalogue)
{
	if (catalogue == NULL)
		return;
	g_mapped_file_unref(catalogue->file);
	g_free(catalogue);
}

/* The string of a table's row; NULL: it is not within the file, or has no end. */
static const char *
string_at(const Catalogue *catalogue, guint32 table, guint32 row)
{
	gsize entry = (gsize) table + (gsize) row * ENTRY_BYTES;
	guint64 end = (guint64) number_at(catalogue, entry) + number_at(catalogue, entry + 4);

	if (end >= catalogue->len || catalogue->data[end] != '\0')
		return NULL;
	return catalogue->data + number_at(catalogue, entry + 4);
}

const char *
catalogue_find(const Catalogue *catalogue, const char *text)
{
	guint32 low = 0, high = catalogue->count;

	while (low < high) {
		guint32 middle = low + (high - low) / 2;
		const char *here = string_at(catalogue, catalogue->texts_at, middle);
		if (here == NULL)
			return NULL;

		int order = strcmp(text, here);
		if (order == 0)
			return string_at(catalogue, catalogue->translations_at, middle);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}

	return NULL;
}
