/* SPDX-License-Identifier: MIT */
/* conf-file: see the header. */
#define _GNU_SOURCE
#include "conf/conf-file.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/owner-walk.h"
#include "conf/conf-rule.h"
#include "conf/conf-scope.h"
#include "conf/conf-setting.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is being read; those that it includes are read in its middle. */
typedef struct {
	Conf *conf;
	GPtrArray *problems;
	const char *file;
	unsigned depth;
	ConfRule *rule;   /* the open block is this rule; NULL: it is none */
	ConfScope *scope; /* the open block is this scope; NULL: it is none */
} ConfFile;

static void read_path(Conf *conf, const char *path, const ConfPlace *from, bool may_be_missing,
                      unsigned depth, GPtrArray *problems);

static void
on_setting(void *user, const ConfStatement *statement)
{
	ConfFile *file = user;

	if (file->rule != NULL)
		conf_rule_set(file->rule, statement, file->problems);
	else if (file->scope != NULL)
		conf_scope_set(file->scope, statement, file->problems);
	else
		conf_setting_apply(file->conf, statement, file->problems);
}

static void
report_unknown_block(const ConfFile *file, const ConfWord *kind)
{
	bool is_setting = conf_find_row(kind->text) != NULL;

	if (is_setting)
		conf_problem_add(file->problems, &kind->place, "syntax",
		                 "a setting is 'name = value'", "'=' is missing behind '%s'",
		                 kind->text);
	else
		conf_problem_add(file->problems, &kind->place, "unknown-block",
		                 "a block is rule \"NAME\", user \"PATTERN\" or domain \"PATTERN\"",
		                 "unknown block '%s'", kind->text);
}

static bool
on_open(void *user, const ConfWord *kind, const ConfWord *title)
{
	ConfFile *file = user;
	bool is_rule = strcmp(kind->text, "rule") == 0,
	     is_domain = strcmp(kind->text, "domain") == 0;

	if (!is_rule && !is_domain && strcmp(kind->text, "user") != 0) {
		report_unknown_block(file, kind);
		return false;
	}

	if (title == NULL) {
		conf_problem_add(file->problems, &kind->place, "syntax", NULL,
		                 "the block has no name: it wants %s \"%s\" { ... }", kind->text,
		                 is_rule ? "name" : "pattern");
		return false;
	}

	if (is_rule)
		file->rule = conf_rule_new(title);
	else
		file->scope = conf_scope_new(is_domain, title);

	return true;
}

static void
on_close(void *user, bool is_whole)
{
	ConfFile *file = user;

	if (file->rule != NULL && is_whole) {
		conf_rule_check(file->conf, file->rule, file->problems);
		g_ptr_array_add(file->conf->rules, g_steal_pointer(&file->rule));
	} else if (file->scope != NULL && is_whole) {
		g_ptr_array_add(file->conf->scopes, g_steal_pointer(&file->scope));
	}

	g_clear_pointer(&file->rule, conf_rule_free);
	g_clear_pointer(&file->scope, conf_scope_free);
}

/*
 * `include` names a file, a folder (of which the files *.conf are read), or a pattern; it begins at
 * the folder of the file.
 */
static char *
include_pattern(const ConfFile *file, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(file->file);
	g_autofree char *whole = g_path_is_absolute(path) ? g_strdup(path)
	                                                  : g_build_filename(folder, path, NULL);

	if (g_file_test(whole, G_FILE_TEST_IS_DIR))
		return g_build_filename(whole, "*.conf", NULL);
	return g_steal_pointer(&whole);
}

static void
on_include(void *user, const ConfWord *path)
{
	ConfFile *file = user;
	g_autofree char *pattern = include_pattern(file, path->text);
	glob_t found = { 0 };

	if (file->depth >= LIMIT_CONF_DEPTH) {
		conf_problem_add(file->problems, &path->place, "include", NULL,
		                 "files include each other deeper than %u", LIMIT_CONF_DEPTH);
		return;
	}

	if (strpbrk(pattern, "*?[") == NULL) {
		read_path(file->conf, pattern, &path->place, false, file->depth + 1,
		          file->problems);
		return;
	}

	int rc = glob(pattern, GLOB_ERR, NULL, &found);
	if (rc != 0 && rc != GLOB_NOMATCH)
		conf_problem_add(file->problems, &path->place, "include", NULL,
		                 "cannot look for '%s': %s", pattern, status_error_text(errno));
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		read_path(file->conf, found.gl_pathv[i], &path->place, false, file->depth + 1,
		          file->problems);
	globfree(&found);
}

static const ConfSink sink = {
	.setting = on_setting, .open = on_open, .close = on_close, .include = on_include
};

/* Whoever can write the file decides over the mail of everybody when root delivers. */
static bool
is_safe_for_root(const struct stat *sb)
{
	return owner_is_root_alone(sb) || fs_own_euid() != 0;
}

static bool
read_text(int fd, const char *path, uid_t *ret_author, char **ret_text, size_t *ret_len, Status *st)
{
	struct stat sb;

	if (fstat(fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot look at it");
	if (!S_ISREG(sb.st_mode))
		return status_fail_detail(st, STATUS_CONFIG, "it is not a regular file");

	if (!is_safe_for_root(&sb))
		return status_fail_detail(
			st, STATUS_CONFIG,
			"others than root can write it: 'chown root' and 'chmod go-w' it");

	if (sb.st_size > LIMIT_CONF_BYTES)
		return status_fail_detail(st, STATUS_CONFIG, "it has more than %u bytes",
		                          LIMIT_CONF_BYTES);

	size_t size = (size_t) sb.st_size, len = 0, n = 1;
	g_autofree char *text = g_malloc(size + 1);
	while (n > 0 && len < size) {
		if (!fs_read(fd, text + len, size - len, &n, path, st))
			return false;
		len += n;
	}

	text[len] = '\0';
	*ret_text = g_steal_pointer(&text);
	*ret_len = len;
	*ret_author = sb.st_uid;

	return true;
}

/* A problem of a file as a whole: said of the file, or of the place that includes it. */
static void
report_file(const ConfPlace *from, const char *path, GPtrArray *problems, const char *text)
{
	ConfPlace whole = { .file = path };

	if (from == NULL)
		conf_problem_add(problems, &whole, "unreadable", NULL, "%s", text);
	else
		conf_problem_add(problems, from, "include", NULL, "'%s': %s", path, text);
}

static void
read_path(Conf *conf, const char *path, const ConfPlace *from, bool may_be_missing, unsigned depth,
          GPtrArray *problems)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd < 0 && is_missing && may_be_missing)
		return;

	if (fd < 0) {
		g_autofree char *text = g_strdup_printf("cannot open it: %s",
		                                        status_error_text(errno));
		report_file(from, path, problems, text);
		return;
	}

	if (conf->files->len >= LIMIT_CONF_FILES) {
		g_autofree char *text = g_strdup_printf("these are more than %u files",
		                                        LIMIT_CONF_FILES);
		report_file(from, path, problems, text);
		return;
	}

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len = 0;
	uid_t author = 0;
	if (!read_text(fd, path, &author, &text, &len, &st)) {
		report_file(from, path, problems, st.detail);
		return;
	}

	if (depth == 0)
		conf->author = author;

	char *name = g_strdup(path);
	g_ptr_array_add(conf->files, name);
	ConfFile file = { .conf = conf, .problems = problems, .file = name, .depth = depth };
	conf_parse(text, len, name, &sink, &file, problems);
}

void
conf_file_read(Conf *conf, const char *path, bool may_be_missing, GPtrArray *problems)
{
	read_path(conf, path, NULL, may_be_missing, 0, problems);
}
