/* SPDX-License-Identifier: MIT */
/* quota-rule: items, and the folders that they name. */
#include "agent/store/quota-rule.h"

#include "agent/store/folder.h"
#include "conf/conf-choices.h"

#include <string.h>

/* Percent of more room: ten times the mailbox. */
enum { MOST_PERCENT = 1000 };

/* Octets of more room, as many as the setting quota_bytes may have. */
static const guint64 most_bytes = G_GUINT64_CONSTANT(1) << 50;

/* A rule with its place on the disk. */
typedef struct {
	QuotaRule rule;
	char *path; /* below the INBOX */
} Placed;

struct QuotaRules {
	GPtrArray *placed;
	char sign; /* between the levels of paths */
};

/* "10%", "50M", "1000" */
static bool
parse_room(const char *text, QuotaRule *rule)
{
	static const char units[] = "kMGT";
	char *end;
	guint64 number = g_ascii_strtoull(text, &end, 10);
	if (end == text || !g_ascii_isdigit(*text))
		return false;

	if (strcmp(end, "%") == 0) {
		rule->percent = (unsigned) MIN(number, MOST_PERCENT + 1);
		return number >= 1 && number <= MOST_PERCENT;
	}

	const char *unit = *end != '\0' ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
	if (*end != '\0' && (unit == NULL || end[1] != '\0'))
		return false;
	for (const char *at = units; unit != NULL && at <= unit; at++)
		number = MIN(number, most_bytes) * 1024;
	rule->bytes = (gint64) MIN(number, most_bytes);
	return number >= 1 && number <= most_bytes;
}

/* "Trash/" and a star: those below. The sign before the star may be another separator. */
static bool
parse_folder(char *name, QuotaRule *rule)
{
	size_t len = strlen(name);
	char *star = strchr(name, '*');

	rule->is_below = star != NULL;
	if (star == NULL)
		return len > 0;
	if (len < 3 || star != name + len - 1 || !g_ascii_ispunct(name[len - 2]))
		return false;
	name[len - 2] = '\0';
	return true;
}

bool
quota_rule_parse(const char *item, QuotaRule *ret, const char **ret_why)
{
	const char *colon = strrchr(item, ':');
	if (colon == NULL) {
		*ret_why = "wants FOLDER:ignore, FOLDER:+10% or FOLDER:+50M";
		return false;
	}

	QuotaRule rule = { .ignores = strcmp(colon + 1, "ignore") == 0 };
	g_autofree char *name = g_strndup(item, (gsize) (colon - item));
	if (!parse_folder(name, &rule)) {
		*ret_why = "names no folder: it wants a name, or NAME/* for those below it";
		return false;
	}
	if (!rule.ignores && (colon[1] != '+' || !parse_room(colon + 2, &rule))) {
		*ret_why = "says neither 'ignore' nor how much more room there is, as +10% or +50M";
		return false;
	}

	rule.folder = g_steal_pointer(&name);
	*ret = rule;
	return true;
}

void
quota_rule_clear(QuotaRule *rule)
{
	g_clear_pointer(&rule->folder, g_free);
}

static void
placed_free(gpointer data)
{
	Placed *placed = data;
	quota_rule_clear(&placed->rule);
	g_free(placed->path);
	g_free(placed);
}

QuotaRules *
quota_rules_new(const Conf *conf, const Maildir *inbox)
{
	QuotaRules *rules = g_new0(QuotaRules, 1);
	FolderRules names = folder_rules_of(conf);

	rules->placed = g_ptr_array_new_with_free_func(placed_free);
	rules->sign = conf->folder_layout == CONF_FOLDER_LAYOUT_MAILDIRPP ? '.' : '/';
	for (char **item = conf->quota_rules; item != NULL && *item != NULL; item++) {
		const char *why;
		Placed *placed = g_new0(Placed, 1);
		g_ptr_array_add(rules->placed, placed);
		if (quota_rule_parse(*item, &placed->rule, &why))
			placed->path = folder_path(&names, inbox, placed->rule.folder, &why);
	}
	return rules;
}

void
quota_rules_free(QuotaRules *rules)
{
	if (rules == NULL)
		return;
	g_ptr_array_unref(rules->placed);
	g_free(rules);
}

static bool
fits(const QuotaRules *rules, const Placed *placed, const char *path)
{
	if (placed->path == NULL)
		return false;
	if (!placed->rule.is_below)
		return strcmp(placed->path, path) == 0;

	size_t len = strlen(placed->path);
	return len > 0 && strncmp(path, placed->path, len) == 0 && path[len] == rules->sign;
}

bool
quota_rules_ignore(const QuotaRules *rules, const char *path)
{
	for (guint i = 0; i < rules->placed->len; i++) {
		const Placed *placed = rules->placed->pdata[i];
		if (placed->rule.ignores && fits(rules, placed, path))
			return true;
	}
	return false;
}

/* 0 is no limit, and stays so. */
static gint64
raise_limit(gint64 limit, unsigned percent, gint64 more)
{
	if (limit == 0)
		return 0;

	gint64 part = MIN(limit, MAILDIRSIZE_MOST / MOST_PERCENT);
	return limit + part / 100 * percent + part % 100 * percent / 100 + more;
}

MaildirsizeAmount
quota_rules_limit(const QuotaRules *rules, const char *path, const MaildirsizeAmount *limit)
{
	MaildirsizeAmount most = *limit;

	for (guint i = 0; i < rules->placed->len; i++) {
		const Placed *placed = rules->placed->pdata[i];
		const QuotaRule *rule = &placed->rule;
		if (path != NULL ? !fits(rules, placed, path) : placed->path == NULL)
			continue;
		most.bytes = MAX(most.bytes, raise_limit(limit->bytes, rule->percent, rule->bytes));
		most.messages = MAX(most.messages, raise_limit(limit->messages, rule->percent, 0));
	}

	return most;
}
