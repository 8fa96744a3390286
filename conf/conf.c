/* conf: reads todoke.conf. */
#define _GNU_SOURCE
#include "config.h"

#include "conf/conf.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/owner-walk.h"
#include "conf/conf-choices.h"
#include "conf/conf-problem.h"
#include "conf/conf-text.h"
#include "conf/conf-value.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LIBSIEVE
enum { HAS_LIBSIEVE = true };
#else
enum { HAS_LIBSIEVE = false };
#endif

static const ConfRow rows[] = {
#define CONF(type, name, def, min, max, choices, help) \
	{ CONF_##type, #name, def, min, max, choices, help, G_STRUCT_OFFSET(Conf, name) },
#include "conf/conf-table.def"
#undef CONF
};

const ConfRow *
conf_row(size_t i)
{
	return i < G_N_ELEMENTS(rows) ? &rows[i] : NULL;
}

const ConfRow *
conf_find_row(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].name[0] == name[0] && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* What reading needs at every callback of libConfuse, which hands no pointer of ours through. */
typedef struct {
	const char *file;
	Conf *conf;
	GPtrArray *problems;
	cfg_t *root;
	GArray *settings;   /* cfg_opt_t: "rule", the rows that the text names, unknown names that were met, a zero */
	guint known;        /* how many of them are no unknown names */
	size_t row_of[1 + CONF_ROWS];
	GArray *rule_keys;  /* the same for the inside of a rule */
	ConfRule *rule;     /* the one that is being read */
	char *text;         /* the file's, clean */
	guint kept;         /* problems that reading again does not find again */
	bool again;         /* an unknown name is in its table now, or nonsense was taken out: read again, for what follows */
} Reader;

static Reader *reader;

static int on_setting(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
static int on_rule_key(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
static int on_rule_end(cfg_t *cfg, cfg_opt_t *opt);

enum {
	LIST_FLAG_BOOL = 0,
	LIST_FLAG_INT = 0,
	LIST_FLAG_SIZE = 0,
	LIST_FLAG_TIME = 0,
	LIST_FLAG_ENUM = 0,
	LIST_FLAG_TEXT = 0,
	LIST_FLAG_LIST = CFGF_LIST,
};

/* All are strings for libConfuse: what they must be is checked here, so that one wrong value doesn't hide the next. */
static const cfg_opt_t setting_options[] = {
	{ .name = "rule", .type = CFGT_SEC, .flags = CFGF_MULTI | CFGF_TITLE, .validcb = on_rule_end },
#define CONF(option_type, option_name, default_text, min, max, choices, help) \
	{ .name = #option_name, .type = CFGT_STR, .flags = CFGF_NODEFAULT | LIST_FLAG_##option_type, \
	  .parsecb = on_setting },
#include "conf/conf-table.def"
#undef CONF
};

static const cfg_opt_t rule_options[] = {
	{ .name = "header", .type = CFGT_STR, .flags = CFGF_NODEFAULT, .parsecb = on_rule_key },
	{ .name = "match", .type = CFGT_STR, .flags = CFGF_NODEFAULT, .parsecb = on_rule_key },
	{ .name = "when", .type = CFGT_STR, .flags = CFGF_NODEFAULT | CFGF_LIST, .parsecb = on_rule_key },
	{ .name = "action", .type = CFGT_STR, .flags = CFGF_NODEFAULT, .parsecb = on_rule_key },
	{ .name = "to", .type = CFGT_STR, .flags = CFGF_NODEFAULT, .parsecb = on_rule_key },
};

static const char *const rule_actions[] = { "keep", "strip", "rename", "bounce", "defer", "file", NULL };

static void
add_problem(unsigned line, const char *text)
{
	if (line == 0 || !conf_problem_at_line(reader->problems, line))
		conf_problem_add(reader->problems, reader->file, line, "%s", text);
}

/* Caller frees. */
static char *
print_unknown(const char *what, const char *name, const cfg_opt_t *known, size_t count)
{
	g_autofree const char **names = g_new0(const char *, count + 1);
	for (size_t i = 0; i < count; i++)
		names[i] = known[i].name;
	const char *nearest = conf_problem_nearest(name, names);
	g_autofree char *all = nearest == NULL && count <= G_N_ELEMENTS(rule_options) ? g_strjoinv(", ",
		(char **) names) : NULL;
	if (nearest != NULL)
		return g_strdup_printf("unknown %s '%s': did you mean '%s'?", what, name, nearest);
	if (all != NULL)
		return g_strdup_printf("unknown %s '%s': it may be one of %s", what, name, all);
	return g_strdup_printf("unknown %s '%s': todoke.conf(5) lists them all", what, name);
}

static void
add_unknown(unsigned line, const char *what, const char *name, const cfg_opt_t *known, size_t count)
{
	g_autofree char *text = print_unknown(what, name, known, count);
	add_problem(line, text);
}

static void
note_line(Conf *conf, size_t i, int line, bool adds)
{
	if (conf->lines[i] > 0 && !adds)
		conf->earlier[i] = conf->lines[i];
	conf->lines[i] = line;
}

static int
on_setting(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t number = (size_t) (opt - cfg->opts);
	g_autofree char *problem = NULL;
	if (number >= reader->known) {
		add_unknown((unsigned) cfg->line, "setting", opt->name, setting_options, G_N_ELEMENTS(setting_options));
	} else {
		size_t i = reader->row_of[number];
		/* libConfuse has made room for this value: it is the first after a '=', and no '+='. */
		if (rows[i].type == CONF_LIST && opt->nvalues == 1)
			conf_value_empty(reader->conf, &rows[i]);
		if (!conf_value_set(reader->conf, &rows[i], value, &problem))
			add_problem((unsigned) cfg->line, problem);
		note_line(reader->conf, i, cfg->line, rows[i].type == CONF_LIST && opt->nvalues > 1);
	}
	*(const char **) result = value;
	return 0;
}

static void
rule_free(ConfRule *rule)
{
	if (rule == NULL)
		return;
	g_free(rule->name);
	g_free(rule->header);
	g_free(rule->match);
	g_strfreev(rule->when);
	g_free(rule->action);
	g_free(rule->to);
	g_free(rule->file);
	g_free(rule);
}

static ConfRule *
rule_new(const char *name, unsigned line)
{
	ConfRule *rule = g_new0(ConfRule, 1);
	rule->name = g_strdup(name);
	rule->file = g_strdup(reader->file);
	rule->line = line;
	return rule;
}

static void
set_rule_text(ConfRule *rule, size_t key, const char *value)
{
	char **const texts[] = { &rule->header, &rule->match, NULL, &rule->action, &rule->to };
	if (texts[key] != NULL) {
		g_free(*texts[key]);
		*texts[key] = g_strdup(value);
		return;
	}
	size_t n = rule->when != NULL ? g_strv_length(rule->when) : 0;
	rule->when = g_renew(char *, rule->when, n + 2);
	rule->when[n] = g_strdup(value);
	rule->when[n + 1] = NULL;
}

static int
on_rule_key(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t i = (size_t) (opt - cfg->opts);
	if (reader->rule == NULL)
		reader->rule = rule_new(cfg->title, (unsigned) reader->root->line); /* the root waits where the rule begins */
	if (i >= G_N_ELEMENTS(rule_options)) {
		add_unknown((unsigned) cfg->line, "key of a rule", opt->name, rule_options, G_N_ELEMENTS(rule_options));
	} else {
		if ((opt->flags & CFGF_LIST) != 0 && opt->nvalues == 1)
			g_clear_pointer(&reader->rule->when, g_strfreev);
		set_rule_text(reader->rule, i, value);
		if (strcmp(opt->name, "action") == 0 && !g_strv_contains(rule_actions, value)) {
			g_autofree char *list = g_strjoinv(", ", (char **) rule_actions);
			g_autofree char *text = g_strdup_printf("'%s' is no action of a rule: it wants one of %s", value, list);
			add_problem((unsigned) cfg->line, text);
		}
	}
	*(const char **) result = value;
	return 0;
}

/* What can be said of a rule only when all of it was read. */
static void
check_rule(const ConfRule *rule)
{
	g_autofree char *text = NULL;
	const ConfRule *other = NULL;
	for (guint i = 0; i < reader->conf->rules->len && other == NULL; i++)
		if (strcmp(((ConfRule *) reader->conf->rules->pdata[i])->name, rule->name) == 0)
			other = reader->conf->rules->pdata[i];
	if (other != NULL)
		text = g_strdup_printf("there is a rule '%s' already, at line %u: names of rules stand in bounces and in "
			"the log, so each must be its own", rule->name, other->line);
	else if (*rule->name == '\0')
		text = g_strdup("the rule has an empty name");
	else if (rule->action == NULL)
		text = g_strdup_printf("rule '%s' has no action: it wants one of keep, strip, rename, bounce, defer, file",
			rule->name);
	else if (rule->to != NULL && strcmp(rule->action, "file") != 0 && strcmp(rule->action, "rename") != 0)
		text = g_strdup_printf("rule '%s' has 'to', which only the actions rename (a header) and file (a folder) "
			"know", rule->name);
	if (text != NULL)
		add_problem(rule->line, text);
}

/* A rule without any key made no call so far: its section is the one that ends here. */
static const char *
title_of_last(cfg_opt_t *opt, int line)
{
	const char *title = "";
	for (unsigned i = 0; i < opt->nvalues; i++)
		if (opt->values[i]->section->line == line)
			title = opt->values[i]->section->title;
	return title;
}

static int
on_rule_end(cfg_t *cfg, cfg_opt_t *opt)
{
	if (reader->rule == NULL)
		reader->rule = rule_new(title_of_last(opt, cfg->line), (unsigned) cfg->line);
	check_rule(reader->rule);
	g_ptr_array_add(reader->conf->rules, g_steal_pointer(&reader->rule));
	return 0;
}

/* No setting of ours has these, which is how an unknown name is told from it. */
enum { UNKNOWN_FLAGS = CFGF_NODEFAULT | CFGF_LIST | CFGF_NOCASE };

/* Give an unknown name a place that takes a value or a list, so that the next reading gets past it. */
static void
learn(const cfg_t *cfg, const char *name)
{
	bool inside_rule = cfg != reader->root;
	cfg_opt_t option = { .name = g_intern_string(name), .type = CFGT_STR, .flags = UNKNOWN_FLAGS,
	                     .parsecb = inside_rule ? on_rule_key : on_setting };
	g_array_append_val(inside_rule ? reader->rule_keys : reader->settings, option);
	reader->again = true;
}

/* The name that a message of libConfuse has in quotes behind `before`; NULL: it is another message. Caller frees. */
static char *
take_quoted(const char *text, const char *before)
{
	if (!g_str_has_prefix(text, before))
		return NULL;
	const char *name = text + strlen(before), *end = strrchr(name, '\'');
	return end != NULL && end > name ? g_strndup(name, (size_t) (end - name)) : NULL;
}

/* An unknown name with a block behind it: what the block means nobody knows. */
static bool
is_unknown_block(const char *text, const GArray *options, char **ret_name)
{
	g_autofree char *name = take_quoted(text, "missing equal sign after option '");
	for (guint i = options->len; name != NULL && i-- > 0;) {
		const cfg_opt_t *option = &g_array_index(options, cfg_opt_t, i);
		if (strcmp(option->name, name) == 0 && option->flags == UNKNOWN_FLAGS) {
			*ret_name = g_steal_pointer(&name);
			return true;
		}
	}
	return false;
}

/* The last line up to `line` that has the word. */
static unsigned
line_with(char **lines, const char *word, unsigned line)
{
	while (line > 1 && strstr(lines[line - 1], word) == NULL)
		line--;
	return line;
}

/*
 * The line to blame: libConfuse misses a '=', a '{' or a value only at the next word, perhaps some lines below.
 * `name` is what it was missed behind; NULL: it is not known.
 */
static unsigned
find_culprit(const char *name, unsigned line)
{
	g_auto(GStrv) lines = g_strsplit(reader->text, "\n", (gint) line + 1);
	line = MIN(line, g_strv_length(lines));
	if (name != NULL)
		return line_with(lines, name, line);
	unsigned above = line > 0 ? line - 1 : 0;
	while (above > 1 && *g_strchomp(lines[above - 1]) == '\0')
		above--;
	return above > 0 && g_str_has_suffix(lines[above - 1], "=") ? above : line;
}

static bool
has_kept_problem(unsigned line)
{
	for (guint i = 0; i < reader->kept; i++)
		if (((const ConfProblem *) reader->problems->pdata[i])->line == line)
			return true;
	return false;
}

/*
 * What libConfuse cannot understand ends its reading. So it is taken out, and the rest is read again, which does not
 * find this problem again: it is kept, or the file would be good without what was taken out.
 */
static void
leave_out(const cfg_t *cfg, unsigned line, const char *problem)
{
	reader->again = conf_text_drop(reader->text, line, cfg != reader->root);
	if (has_kept_problem(line))
		return;
	guint first = reader->problems->len;
	conf_problem_add(reader->problems, reader->file, line, "%s%s", problem,
	                 reader->again ? "" : "; what follows was not read");
	if (reader->again && reader->problems->len > first)
		g_ptr_array_insert(reader->problems, (gint) reader->kept++, g_ptr_array_steal_index(reader->problems, first));
}

static void
on_nonsense(const cfg_t *cfg, const char *what)
{
	static const char end[] = "premature end of file";
	static const char *const missing[] = {
		"missing equal sign after option '", "missing opening brace for section '", "missing title for section '",
	};
	if (strcmp(what, end) == 0 && reader->problems->len > 0)
		return; /* it comes of what was found before */
	g_autofree char *name = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(missing) && name == NULL; i++)
		name = take_quoted(what, missing[i]);
	g_autofree char *problem = g_strdup_printf("%s: a setting is 'name = value', a rule is 'rule \"name\" { ... }'", what);
	leave_out(cfg, find_culprit(name, (unsigned) cfg->line), problem);
}

static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	g_autofree char *name = take_quoted(text, "no such option '");
	if (name != NULL && strchr(name, '|') == NULL && reader->problems->len < LIMIT_CONF_PROBLEMS) {
		learn(cfg, name);
		return;
	}
	if (is_unknown_block(text, cfg != reader->root ? reader->rule_keys : reader->settings, &name)) {
		g_autofree char *problem = print_unknown("setting or block", name, setting_options,
			G_N_ELEMENTS(setting_options));
		leave_out(cfg, find_culprit(name, (unsigned) cfg->line), problem);
		return;
	}
	on_nonsense(cfg, text);
}

static void
conf_init(Conf *conf)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		conf_value_init(conf, &rows[i]);
	conf->rules = g_ptr_array_new_with_free_func((GDestroyNotify) rule_free);
	memset(conf->lines, 0, sizeof conf->lines);
	memset(conf->earlier, 0, sizeof conf->earlier);
}

static void
conf_clear(Conf *conf)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		conf_value_clear(conf, &rows[i]);
	g_clear_pointer(&conf->rules, g_ptr_array_unref);
	g_clear_pointer(&conf->path, g_free);
}

void
conf_free(Conf *conf)
{
	if (conf == NULL)
		return;
	conf_clear(conf);
	g_free(conf);
}

static GArray *
options_new(const cfg_opt_t *options, size_t count)
{
	GArray *array = g_array_new(TRUE, FALSE, sizeof(cfg_opt_t));
	return g_array_append_vals(array, options, (guint) count);
}

/* The line where `name` stands last. */
static int
line_of(const char *text, const char *name)
{
	const char *last = g_strrstr(text, name);
	int line = 1;
	for (; last != NULL && text < last; text++)
		line += *text == '\n';
	return line;
}

/* No callback is made for "name = {}". */
static void
take_empty_lists(const char *text)
{
	for (guint i = 0; i < reader->known; i++) {
		const cfg_opt_t *option = &reader->root->opts[i];
		if ((option->flags & CFGF_LIST) == 0 || (option->flags & CFGF_MODIFIED) == 0 || option->nvalues > 0)
			continue;
		conf_value_empty(reader->conf, &rows[reader->row_of[i]]);
		reader->conf->lines[reader->row_of[i]] = line_of(text, option->name);
	}
}

static void
parse_once(const char *text)
{
	g_array_index(reader->settings, cfg_opt_t, 0).subopts = (cfg_opt_t *) (void *) reader->rule_keys->data;
	guint problems_before = reader->problems->len;
	reader->again = false;
	reader->root = cfg_init((cfg_opt_t *) (void *) reader->settings->data, CFGF_NONE);
	if (reader->root == NULL)
		g_error("out of memory");
	(void) cfg_set_error_function(reader->root, on_error);
	int rc = cfg_parse_buf(reader->root, text);
	take_empty_lists(text);
	if (rc != CFG_SUCCESS && !reader->again && reader->problems->len == problems_before && problems_before == 0)
		add_problem((unsigned) reader->root->line, "cannot be understood from here on");
	cfg_free(reader->root);
	g_clear_pointer(&reader->rule, rule_free);
}

/* A byte of a word, for libConfuse too: "/var/maildir" does not name the setting. */
static bool
is_in_word(char c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("_/.%:-", c) != NULL);
}

enum { NAME_BYTES = 64 }; /* longer than any name of ours */

/* Which rows does the text name? Values that read like a name count, too: that does no harm. */
static void
find_names(const char *text, bool named[CONF_ROWS])
{
	char word[NAME_BYTES];
	size_t len = 0;
	for (const char *c = text; *c != '\0'; c++) {
		if (is_in_word(*c)) {
			word[MIN(len, sizeof word - 1)] = *c;
			len++;
			continue;
		}
		word[MIN(len, sizeof word - 1)] = '\0';
		const ConfRow *row = len > 0 ? conf_find_row(word) : NULL;
		if (row != NULL)
			named[row - rows] = true;
		len = 0;
	}
}

/* libConfuse copies each option some times; a file that names five of them should not pay for all. */
static void
name_settings(Reader *self, const char *text)
{
	bool named[CONF_ROWS] = { false };
	find_names(text, named);
	self->settings = options_new(setting_options, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (!named[i])
			continue;
		self->row_of[self->settings->len] = i;
		g_array_append_val(self->settings, setting_options[1 + i]);
	}
	self->known = self->settings->len;
}

/* libConfuse stops at the first unknown name. So it is read again with that name known, until none is new. */
static void
parse(Reader *self, const char *text)
{
	name_settings(self, text);
	self->rule_keys = options_new(rule_options, G_N_ELEMENTS(rule_options));
	self->kept = self->problems->len;
	reader = self;
	parse_once(text);
	for (unsigned i = 0; self->again && i < LIMIT_CONF_PROBLEMS; i++) {
		g_ptr_array_set_size(self->problems, (gint) self->kept);
		conf_clear(self->conf);
		conf_init(self->conf);
		parse_once(text);
	}
	reader = NULL;
	g_array_unref(self->settings);
	g_array_unref(self->rule_keys);
}

static const char compiled_in_path[] = TODOKE_SYSCONFDIR "/todoke.conf";

const char *
conf_default_path(void)
{
	const char *path = g_getenv("TODOKE_CONF");
	return path != NULL && *path != '\0' ? path : compiled_in_path;
}

/* Whoever can write the file decides over the mail of everybody when root delivers. */
static bool
is_safe_for_root(const struct stat *sb)
{
	return owner_is_root_alone(sb) || geteuid() != 0;
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
		return status_fail_detail(st, STATUS_CONFIG, "others than root can write it: 'chown root' and 'chmod go-w' it");
	if (sb.st_size > LIMIT_CONF_BYTES)
		return status_fail_detail(st, STATUS_CONFIG, "it has more than %u bytes", LIMIT_CONF_BYTES);
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

static void
read_file(Conf *conf, const char *path, GPtrArray *problems)
{
	const char *file = path != NULL ? path : conf_default_path();
	bool may_be_missing = path == NULL && strcmp(file, compiled_in_path) == 0;
	auto_fd int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (!may_be_missing || (errno != ENOENT && errno != ENOTDIR))
			conf_problem_add(problems, file, 0, "cannot open it: %s", g_strerror(errno));
		return;
	}
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len = 0;
	if (!read_text(fd, file, &conf->author, &text, &len, &st)) {
		conf_problem_add(problems, file, 0, "%s", st.detail);
		return;
	}
	conf_text_clean(text, len, file, problems);
	Reader self = { .file = file, .conf = conf, .problems = problems, .text = text };
	parse(&self, text);
	conf->path = g_strdup(file);
	conf_problem_sort(problems);
}

static void
override(Conf *conf, const char *text, GPtrArray *problems)
{
	const char *equal = strchr(text, '=');
	g_autofree char *name = g_strstrip(equal != NULL ? g_strndup(text, (size_t) (equal - text)) : g_strdup(text));
	const ConfRow *row = conf_find_row(name);
	if (g_str_has_prefix(name, "rule") && (name[4] == '\0' || strchr(" \"'{.", name[4]) != NULL)) {
		conf_problem_add(problems, "-o", 0, "rules cannot be given by -o: they stand in the file only");
	} else if (equal == NULL) {
		conf_problem_add(problems, "-o", 0, "'%s' has no value: it wants NAME=VALUE", text);
	} else if (row == NULL) {
		Reader self = { .file = "-o", .problems = problems };
		reader = &self;
		add_unknown(0, "setting", name, setting_options, G_N_ELEMENTS(setting_options));
		reader = NULL;
	} else {
		g_autofree char *value = g_strstrip(g_strdup(equal + 1)), *problem = NULL;
		conf->lines[row - rows] = CONF_LINE_OVERRIDE;
		if (row->type == CONF_LIST ? !conf_value_set_list(conf, row, value, &problem)
		                           : !conf_value_set(conf, row, value, &problem))
			conf_problem_add(problems, "-o", 0, "%s", problem);
	}
}

/* Where a setting was said: its file and line. False: something else is wrong with it already. */
static bool
place_of(const Conf *conf, const char *name, const GPtrArray *problems, const char **ret_file, unsigned *ret_line)
{
	int at = conf->lines[conf_find_row(name) - rows];
	bool in_file = at != CONF_LINE_OVERRIDE && conf->path != NULL;
	*ret_file = in_file ? conf->path : "-o";
	*ret_line = in_file ? (unsigned) at : 0;
	return *ret_line == 0 || !conf_problem_at_line(problems, *ret_line);
}

uid_t
conf_author(const Conf *conf, const char *name)
{
	int at = conf->lines[conf_find_row(name) - rows];
	return at == CONF_LINE_OVERRIDE || conf->path == NULL ? conf->reader : conf->author;
}

/* A path with %-letters, filled in for each recipient: what is wrong in it is wrong for all of them. */
static void
check_path(const Conf *conf, const char *name, const char *value, const char *letters, GPtrArray *problems)
{
	const char *file;
	unsigned line;
	if (!place_of(conf, name, problems, &file, &line))
		return;
	for (const char *c = value; (c = strchr(c, '%')) != NULL; c += 2) {
		if (c[1] != '\0' && strchr(letters, c[1]) != NULL)
			continue;
		conf_problem_add(problems, file, line, "'%s' is not allowed for '%s': behind a '%%' it wants one of the letters '%s'",
		                 value, name, letters);
		return;
	}
}

/* A relative path would make an account of the system of every virtual user, who is then unknown: 5.1.1. */
static void
check_paths(const Conf *conf, GPtrArray *problems)
{
	const char *file;
	unsigned line;
	bool is_wrong = !place_of(conf, "maildir", problems, &file, &line);
	guint before = problems->len;
	check_path(conf, "maildir", conf->maildir, "undh%", problems);
	check_path(conf, "home", conf->home, "und%", problems);
	check_path(conf, "state_folder", conf->state_folder, "undh%", problems);
	bool has_home = conf->maildir[0] == '~' && (conf->maildir[1] == '/' || conf->maildir[1] == '\0');
	if (!is_wrong && problems->len == before && conf->maildir[0] != '/' && !has_home && !g_str_has_prefix(conf->maildir, "%h"))
		conf_problem_add(problems, file, line,
		                 "'%s' is not allowed for 'maildir': it wants a path that begins with '/', '~/' or '%%h'", conf->maildir);
}

/* Is there this engine of Sieve? */
static void
check_engine(const Conf *conf, const char *name, const char *value, const char *engine, GPtrArray *problems)
{
	const char *file;
	unsigned line;
	if (!place_of(conf, name, problems, &file, &line))
		return;
	bool is_libsieve = engine != NULL && strcmp(engine, "libsieve") == 0;
	if (is_libsieve && !HAS_LIBSIEVE)
		conf_problem_add(problems, file, line, "'%s' is not allowed for '%s': this todoke was built without libsieve",
		                 value, name);
	else if (!is_libsieve && (engine == NULL || strcmp(engine, "native") != 0))
		conf_problem_add(problems, file, line, "'%s' is not allowed for '%s': it wants user=native or user=libsieve",
		                 value, name);
}

static void
check_engines(const Conf *conf, GPtrArray *problems)
{
	if (conf->sieve_engine == SIEVE_ENGINE_LIBSIEVE)
		check_engine(conf, "sieve_engine", "libsieve", "libsieve", problems);
	for (char **item = conf->sieve_engine_of; *item != NULL; item++) {
		const char *sign = strchr(*item, '=');
		check_engine(conf, "sieve_engine_of", *item, sign != NULL && sign > *item ? sign + 1 : NULL, problems);
	}
}

static Conf *
read_all(const char *path, const char *const *overrides, GPtrArray *problems, char **ret_log_file, Status *st)
{
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify) conf_problem_free);
	conf_init(conf);
	conf->reader = geteuid();
	read_file(conf, path, found);
	for (; overrides != NULL && *overrides != NULL; overrides++)
		override(conf, *overrides, found);
	check_paths(conf, found);
	check_engines(conf, found);
	conf_problem_sort(found);
	if (found->len == 0)
		return g_steal_pointer(&conf);
	g_autofree char *first = conf_problem_print(found->pdata[0]);
	status_fail_detail(st, STATUS_CONFIG, "%s", first);
	while (problems != NULL && found->len > 0)
		g_ptr_array_add(problems, g_ptr_array_steal_index(found, 0));
	if (ret_log_file != NULL && *conf->log_file == '/')
		*ret_log_file = g_strdup(conf->log_file);
	return NULL;
}

Conf *
conf_read(const char *path, const char *const *overrides, GPtrArray *problems, Status *st)
{
	return read_all(path, overrides, problems, NULL, st);
}

Conf *
conf_read_at_door(const char *path, const char *const *overrides, char **ret_log_file, Status *st)
{
	return read_all(path, overrides, NULL, ret_log_file, st);
}
