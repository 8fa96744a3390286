/* SPDX-License-Identifier: MIT */
/* suite-settings: tables of names. */
#include "agent/suite/suite-settings.h"

#include "conf/conf.h"

#include <string.h>

/*
 * Settings of Dovecot, and what does their work here; "": nothing. Arrays instead of pointers: the
 * dynamic linker would adjust each pointer at the start of each delivery.
 */
static const struct {
	char theirs[48];
	char ours[40];
} names[] = {
	{ "lda_mailbox_autocreate", "create_folders" },
	{ "lda_mailbox_autosubscribe", "subscribe_folders" },
	{ "mail_log_prefix", "" },
	{ "postmaster_address", "postmaster_address" },
	{ "recipient_delimiter", "delimiters" },
	{ "sieve_default_name", "" },
	{ "sieve_dir", "sieve_personal" },
	{ "sieve_duplicate_default_period", "sieve_duplicate_default" },
	{ "sieve_duplicate_max_period", "sieve_duplicate_max" },
	{ "sieve_editheader_forbid_add", "sieve_protected_headers" },
	{ "sieve_editheader_forbid_delete", "sieve_protected_headers" },
	{ "sieve_editheader_max_header_size", "sieve_max_header_size" },
	{ "sieve_editheader_protected", "sieve_protected_headers" },
	{ "sieve_execute_bin_dir", "program_folder" },
	{ "sieve_execute_exec_timeout", "program_timeout" },
	{ "sieve_filter_bin_dir", "program_folder" },
	{ "sieve_filter_exec_timeout", "program_timeout" },
	{ "sieve_global", "sieve_global" },
	{ "sieve_global_dir", "sieve_global" },
	{ "sieve_global_extensions", "sieve_site_extensions" },
	{ "sieve_implicit_extensions", "" },
	{ "sieve_include_max_includes", "sieve_max_includes" },
	{ "sieve_include_max_nesting_depth", "sieve_max_include_depth" },
	{ "sieve_max_cpu_time", "" },
	{ "sieve_notify_mailto_envelope_from", "sieve_notify_sender" },
	{ "sieve_pipe_bin_dir", "program_folder" },
	{ "sieve_pipe_exec_timeout", "program_timeout" },
	{ "sieve_plugins", "" },
	{ "sieve_redirect_duplicate_period", "" },
	{ "sieve_redirect_envelope_from", "redirect_sender" },
	{ "sieve_report_from", "sieve_report_sender" },
	{ "sieve_resource_usage_timeout", "" },
	{ "sieve_subaddress_sep", "delimiters" },
	{ "sieve_user_email", "addresses" },
	{ "sieve_vacation_default_period", "sieve_vacation_default" },
	{ "sieve_vacation_default_subject", "sieve_vacation_no_subject" },
	{ "sieve_vacation_default_subject_template", "sieve_vacation_subject" },
	{ "sieve_vacation_check_recipient", "sieve_vacation_check_recipient" },
	{ "sieve_vacation_dont_check_recipient", "sieve_vacation_check_recipient" },
	{ "sieve_vacation_max_period", "sieve_vacation_max" },
	{ "sieve_vacation_min_period", "sieve_vacation_min" },
	{ "sieve_vacation_send_from_recipient", "sieve_vacation_from_recipient" },
	{ "sieve_vacation_to_header_ignore_envelope", "sieve_vacation_to_from_header" },
	{ "sieve_vacation_use_original_recipient", "sieve_vacation_original_recipient" },
	{ "sieve_variables_max_scope_count", "sieve_max_variables" },
	{ "sieve_variables_max_scope_size", "sieve_max_variables" },
	{ "sieve_variables_max_value_size", "sieve_max_variable_size" },
	{ "sieve_variables_max_variable_size", "sieve_max_variable_size" },
};

/* Values of Dovecot that are another word here. */
static const struct {
	char ours[24];
	char theirs[16];
	char value[24];
} values[] = {
	{ "redirect_sender", "sender", "original" },
	{ "redirect_sender", "orig_recipient", "original_recipient" },
	{ "redirect_sender", "user_email", "owner" },
	{ "sieve_notify_sender", "orig_recipient", "original_recipient" },
	{ "sieve_notify_sender", "user_email", "owner" },
	{ "sieve_report_sender", "orig_recipient", "original_recipient" },
	{ "sieve_report_sender", "user_email", "owner" },
};

static bool
find_foreign(const char *name, const char **ret_ours)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (strcmp(names[i].theirs, name) != 0)
			continue;
		/* One that this build does not have either is as good as none. */
		bool is_here = names[i].ours[0] != '\0' && conf_find_row(names[i].ours) != NULL;
		*ret_ours = is_here ? names[i].ours : NULL;
		return true;
	}
	return false;
}

static const char *
translate(const char *ours, const char *value)
{
	while (g_ascii_isspace(*value))
		value++;
	size_t len = strlen(value);
	while (len > 0 && g_ascii_isspace(value[len - 1]))
		len--;

	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		if (strcmp(values[i].ours, ours) == 0 && strlen(values[i].theirs) == len &&
		    strncmp(values[i].theirs, value, len) == 0)
			return values[i].value;

	return value;
}

static bool
is_yes(const char *value)
{
	return g_ascii_strcasecmp(value, "yes") == 0 || g_ascii_strcasecmp(value, "true") == 0 ||
	       strcmp(value, "1") == 0;
}

bool
suite_settings_find(const char *name, const char *value, SuiteSetting *ret_setting)
{
	const char *ours = name;
	if (conf_find_row(name) == NULL && !find_foreign(name, &ours))
		return false;

	if (strcmp(name, "sieve_vacation_dont_check_recipient") == 0 && value != NULL)
		value = is_yes(value) ? "no" : "yes";
	*ret_setting = (SuiteSetting){ ours, ours != NULL && value != NULL ? translate(ours, value)
		                                                           : value };
	return true;
}
