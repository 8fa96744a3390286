/* site: keys, rules and names, read once a process. */
#define _GNU_SOURCE
#include "agent/run/site.h"

#include "agent/base/log.h"
#include "conf/conf-choices.h"

#include <fcntl.h>
#include <syslog.h>

int
site_open_log(const Conf *conf)
{
	LogForm form = conf->log_form == LOG_FORM_SETTING_JSON ? LOG_FORM_JSON : LOG_FORM_TEXT;
	int fd = *conf->log_file != '\0' ? open(conf->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640) : -1;
	log_open("todoke", fd, form);
	if (*conf->log_file != '\0' && fd < 0)
		log_note(LOG_WARNING, "cannot open log_file '%s': %m; logging here", conf->log_file);
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
	HeaderRules *rules = header_rules_compile(specs, conf->rules->len, conf->loop_folder, problems, st);
	if (rules != NULL)
		*ret_rules = rules;
	return rules != NULL;
}

Site *
site_new_without_keys(Conf *conf, Status *st)
{
	g_autoptr(Site) site = g_new0(Site, 1);
	site->conf = conf;
	site->host = g_strdup(g_get_host_name());
	if (!site_compile_rules(conf, NULL, &site->rules, st))
		return NULL;
	return g_steal_pointer(&site);
}

void
site_read_keys(Site *site)
{
	const Conf *conf = site->conf;
	g_auto(Status) fault = STATUS_INIT;
	if (conf->add_mark && *conf->key_file != '\0' && !mark_keys_read(conf->key_file, &site->keys, &fault))
		site->key_problem = g_steal_pointer(&fault.detail);
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
	conf_free(site->conf);
	g_free(site->host);
	g_free(site->key_problem);
	g_free(site);
}

AddressRules
site_loop_rules(const Site *site)
{
	const Conf *conf = site->conf;
	return (AddressRules){ .delimiters = conf->loop_ignores_detail ? conf->delimiters : "", .fold_local = conf->fold_local };
}

LoopSettings
site_loop_settings(const Site *site, gint64 now)
{
	const Conf *conf = site->conf;
	return (LoopSettings){
		.hostnames = (const char *const *) conf->hostnames,
		.system_name = site->host,
		.rules = site_loop_rules(site),
		.hop_limit = (unsigned) conf->hop_limit,
		.unknown_delivers = conf->unknown_stamp == UNKNOWN_STAMP_DELIVER,
		.return_limit = (unsigned) conf->return_limit,
		.keys = site->keys,
		.mark_lifetime = conf->mark_lifetime,
		.now = now,
	};
}

AddressRules
site_address_rules(const Site *site)
{
	return (AddressRules){ .delimiters = site->conf->delimiters, .fold_local = site->conf->fold_local };
}
