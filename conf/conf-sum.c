/* SPDX-License-Identifier: MIT */
/* conf-sum: a sum over the files of a configuration. */
#include "conf/conf-sum.h"

#include <string.h>

static const char before_file[] = "configuration '", before_sum[] = "', sum ";

/* Hexadecimal digits: enough that no two versions of a file have the same. */
enum { SUM_DIGITS = 12 };

char *
conf_sum_text(const Conf *conf)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	const char *main_file = conf_main_path(conf);

	for (guint i = 0; i < conf->files->len; i++) {
		const char *path = conf->files->pdata[i];
		g_autofree char *text = NULL;
		gsize len = 0;
		(void) g_file_get_contents(path, &text, &len, NULL); /* gone: another sum */
		g_checksum_update(sum, (const guchar *) path, (gssize) strlen(path) + 1);
		g_checksum_update(sum, (const guchar *) &len, sizeof len);
		if (len > 0)
			g_checksum_update(sum, (const guchar *) text, (gssize) len);
	}

	return g_strdup_printf("%s%s%s%.*s", before_file, main_file, before_sum, SUM_DIGITS,
	                       g_checksum_get_string(sum));
}

/* Where the sum of such a text begins; NULL: it is another text. */
static const char *
find_sum(const char *text)
{
	if (!g_str_has_prefix(text, before_file))
		return NULL;
	const char *end = g_strrstr(text, before_sum);
	return end != NULL ? end + strlen(before_sum) : NULL;
}

bool
conf_sum_is_other(const char *one, const char *other)
{
	const char *sum = find_sum(one), *other_sum = find_sum(other);
	if (sum == NULL || other_sum == NULL)
		return false;

	size_t len = (size_t) (sum - one);
	bool is_same_file = len == (size_t) (other_sum - other) && strncmp(one, other, len) == 0;
	return is_same_file && strcmp(sum, other_sum) != 0;
}
