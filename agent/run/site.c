/* SPDX-License-Identifier: MIT */
/* site: keys, rules and names, read once a process. */
#define _GNU_SOURCE
#include "agent/run/site.h"

#include "agent/base/fs.h"
#include "agent/base/log.h"
#include "agent/base/texts.h"
#include "agent/message/address.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

int
site_open_log(const Conf *conf)
{
	LogForm form = conf->log_form == CONF_LOG_FORM_JSON ? LOG_FORM_JSON : LOG_FORM_TEXT;
	int fd = *conf->log_file != '\0'
	                 ? open(conf->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)
	                 : -1;

	int err = errno;
	log_use_journal(conf->log_journal);
	log_choose((const char *const *) conf->log_fields, (const char *const *) conf->log_masked);
	log_open("todoke", fd, form);
	if (*conf->log_file != '\0' && fd < 0)
		log_event(EVENT_LOG_FILE, LOG_WARNING,
		          "cannot open log_file '%s': %s; logging here", conf->log_file,
		          status_error_text(err));
	return fd;
}

bool
site_compile_rules(const Conf *conf, GPtrArray *problems, HeaderRules **ret_rules, Status *st)
{
	if (conf->rules == NULL || conf->rules->len == 0) {
		*ret_rules = NULL;
		return true;
	}

	g_autofree HeaderRuleSpec *specs = g_new0(HeaderRuleSpec, conf->rules->len);
	for (guint i = 0; i < conf->rules->len; i++) {
		const ConfRule *rule = conf->rules->pdata[i];
		specs[i] = (HeaderRuleSpec){
			.name = rule->name,
			.header = rule->header,
			.match = rule->match,
			.when = (const char *const *) rule->when,
			.action = rule->action,
			.to = rule->to,
			.file = rule->place.file,
			.line = rule->place.line,
		};
	}

	HeaderRules *rules = header_rules_compile(specs, conf->rules->len, conf->loop_folder,
	                                          problems, st);
	if (rules != NULL)
		*ret_rules = rules;
	return rules != NULL;
}

/* Keys of an owner, and when they were read. */
typedef struct {
	MarkKeys *keys;
	gint64 time;
} OwnerKeys;

static void
owner_keys_free(gpointer data)
{
	OwnerKeys *known = data;
	mark_keys_free(known->keys);
	g_free(known);
}

const char *
site_host(const Conf *conf)
{
	bool is_said = *conf->myhostname != '\0' && address_is_domain(conf->myhostname);
	return is_said ? conf->myhostname : fs_host_name();
}

Site *
site_new_without_keys(Conf *conf, Status *st)
{
	g_autoptr(Site) site = g_new0(Site, 1);

	site->conf = conf;
	site->host = g_strdup(site_host(conf));
	site->owner_keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, owner_keys_free);
	if (!site_compile_rules(conf, NULL, &site->rules, st))
		return NULL;
	texts_use(&(TextsSettings){
		.file = conf->texts,
		.language = conf->language == CONF_LANGUAGE_JA ? "ja" : "en",
		.both = conf->answer_language == CONF_ANSWER_LANGUAGE_BOTH,
	});

	return g_steal_pointer(&site);
}

static void
read_mark_keys(Site *site)
{
	const Conf *conf = site->conf;
	g_auto(Status) fault = STATUS_INIT;
	bool needed = (conf->add_mark && conf->mark_key == CONF_MARK_KEY_SITE) ||
	              conf->redirect_sender == CONF_REDIRECT_SENDER_SRS;

	if (*conf->key_file == '\0' || (!conf->add_mark && !needed))
		return;
	/* Whoever will not be somebody else when mail comes can wait until a mark asks for them. */
	site->keys_come_late = !needed && fs_own_euid() != 0;
	if (site->keys_come_late || mark_keys_read(conf->key_file, &site->keys, &fault))
		return;

	/*
	 * else they are only for marks of earlier versions: the recipient of mail need not be able
	 * to read them
	 */
	if (needed)
		site->key_problem = g_steal_pointer(&fault.detail);
}

void
site_read_keys(Site *site)
{
	const Conf *conf = site->conf;
	state_place_free(site->state);
	site->state = state_place_new(conf);
	read_mark_keys(site);
}

bool
site_owner_keys(const Site *site, const char *path, gint64 now, MarkKeys **ret_keys, Status *st)
{
	enum { REMEMBERED_SECONDS = 60, MOST = 1000 };
	const OwnerKeys *known = g_hash_table_lookup(site->owner_keys, path);
	if (known != NULL && now >= known->time && now < known->time + REMEMBERED_SECONDS) {
		*ret_keys = mark_keys_join(known->keys, NULL);
		return true;
	}

	if (!mark_keys_read(path, ret_keys, st))
		return false;
	if (*ret_keys == NULL)
		return true;

	if (g_hash_table_size(site->owner_keys) >= MOST)
		g_hash_table_remove_all(site->owner_keys);
	OwnerKeys *fresh = g_new(OwnerKeys, 1);
	*fresh = (OwnerKeys){ mark_keys_join(*ret_keys, NULL), now };
	g_hash_table_replace(site->owner_keys, g_strdup(path), fresh);

	return true;
}

Site *
site_new(Conf *conf, Status *st)
{
	Site *site = site_new_without_keys(conf, st);
	if (site != NULL)
		site_read_keys(site);
	return site;
}

void
site_free(Site *site)
{
	if (site == NULL)
		return;
	header_rules_free(site->rules);
	mark_keys_free(site->keys);
	state_place_free(site->state);
	if (site->owner_keys != NULL)
		g_hash_table_unref(site->owner_keys);
	conf_free(site->conf);
	g_free(site->host);
	g_free(site->key_problem);
	g_free(site);
}

AddressRules
site_loop_rules(const Site *site)
{
	const Conf *conf = site->conf;
	return (AddressRules){ .delimiters = conf->loop_ignores_detail ? conf->delimiters : "",
		               .fold_local = conf->fold_local };
}

LoopSettings
site_loop_settings(const Site *site, gint64 now)
{
	const Conf *conf = site->conf;
	return (LoopSettings){
		.hostnames = (const char *const *) conf->hostnames,
		.given_name = conf->myhostname,
		.system_name = fs_host_name(),
		.rules = site_loop_rules(site),
		.hop_limit = (unsigned) conf->hop_limit,
		.unknown_delivers = conf->unknown_stamp == CONF_UNKNOWN_STAMP_DELIVER,
		.return_limit = (unsigned) conf->return_limit,
		.keys = site->keys,
		.mark_lifetime = conf->mark_lifetime,
		.now = now,
	};
}

AddressRules
site_address_rules(const Site *site)
{
	return (AddressRules){ .delimiters = site->conf->delimiters,
		               .fold_local = site->conf->fold_local };
}
