/* SPDX-License-Identifier: MIT */
/* doctor: the findings of `todoke doctor`, and who examines. */
#define _GNU_SOURCE
#include "agent/cmd/doctor.h"

#include "agent/base/child.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether --fix may run a command, and who must run it. */
typedef enum { FIX_ASK, FIX_SAFE, FIX_USER_ASK, FIX_USER_SAFE } FixKind;

static const struct {
	guint8 severity, fix;
} rows[DOCTOR_FINDINGS] = {
#define FINDING(id, code, severity, fix_is, evidence, so) { DOCTOR_##severity, FIX_##fix_is },
#include "agent/cmd/doctor-finding.def"
#undef FINDING
};

/*
 * The texts of all rows, one behind the other: pointers to them would be relocated at the start of
 * each delivery.
 */
static const char all_texts[] =
#define FINDING(id, code, severity, fix_is, evidence, so) code "\0" evidence "\0" so "\0"
#include "agent/cmd/doctor-finding.def"
#undef FINDING
	;

static const struct {
	DoctorFindingId id;
	char words[192]; /* as above: no pointers */
} by_hand[] = {
#define BY_HAND(id, words) { DOCTOR_##id, words },
#include "agent/cmd/doctor-by-hand.def"
#undef BY_HAND
};

/* What a person does about it; `otherwise` if the finding has no row of its own. */
static const char *
by_hand_of(DoctorFindingId id, const char *otherwise)
{
	for (size_t i = 0; i < G_N_ELEMENTS(by_hand); i++)
		if (by_hand[i].id == id)
			return _(by_hand[i].words);
	return otherwise;
}

typedef enum { TEXT_CODE, TEXT_EVIDENCE, TEXT_SO, TEXTS } TextPart;

static const char *
text_of_row(DoctorFindingId id, TextPart part)
{
	const char *text = all_texts;
	for (unsigned skip = (unsigned) id * TEXTS + part; skip > 0; skip--)
		text += strlen(text) + 1;
	return text;
}

typedef enum { SCOPE_SITE, SCOPE_USER } Scope;

static const struct {
	Scope scope;
	void (*examine)(Doctor *doctor);
} examiners[] = {
#define EXAMINER(family, symbol, scope) { SCOPE_##scope, doctor_##symbol },
#include "agent/cmd/doctor-table.def"
#undef EXAMINER
};

void
doctor_finding_free(DoctorFinding *finding)
{
	if (finding == NULL)
		return;
	g_free(finding->code);
	g_free(finding->user);
	g_free(finding->where);
	g_free(finding->evidence);
	g_free(finding->so);
	g_free(finding->fix);
	g_free(finding->typed);
	g_free(finding->by_hand);
	g_free(finding->left);
	g_free(finding->failure);
	g_free(finding);
}

DoctorSeverity
doctor_finding_severity(const DoctorFinding *finding)
{
	return (DoctorSeverity) rows[finding->id].severity;
}

bool
doctor_finding_is_safe(const DoctorFinding *finding)
{
	FixKind kind = (FixKind) rows[finding->id].fix;
	return finding->fix != NULL && (kind == FIX_SAFE || kind == FIX_USER_SAFE);
}

/* A text of a row in the language of whoever reads it; "" is none, and no key of a catalogue. */
static const char *
in_words(const char *text)
{
	return *text != '\0' ? _(text) : "";
}

/* The text with words in the places {1} to {9}. Caller frees. */
static char *
fill(const char *text, char **words)
{
	g_autoptr(GString) out = g_string_new(NULL);
	guint count = g_strv_length(words);

	for (const char *c = text; *c != '\0'; c++) {
		bool is_place = *c == '{' && c[1] >= '1' && c[1] <= '9' && c[2] == '}';
		guint place = is_place ? (guint) (c[1] - '0') : 0;
		if (place == 0) {
			g_string_append_c(out, *c);
			continue;
		}
		g_string_append(out, place <= count ? words[place - 1] : "?");
		c += 2;
	}

	return g_string_free(g_steal_pointer(&out), FALSE);
}

/*
 * The command as root types it: with the rights of the user whose files it touches. Takes nothing;
 * caller frees.
 */
static char *
typed_command(const Doctor *doctor, DoctorFindingId id, const char *fix)
{
	FixKind kind = (FixKind) rows[id].fix;
	const Account *account = doctor->account;
	bool as_user = (kind == FIX_USER_ASK || kind == FIX_USER_SAFE) && account != NULL &&
	               account->uid != ACCOUNT_NO_UID;

	if (fix == NULL || !as_user || getuid() != 0)
		return g_strdup(fix);

	bool is_plain = strpbrk(fix, ";&|<>$`") == NULL;
	g_autofree char *quoted = is_plain ? g_strdup(fix) : g_shell_quote(fix);
	return g_strdup_printf("setpriv --reuid %u --regid %u --clear-groups %s%s",
	                       (unsigned) account->uid, (unsigned) account->gid,
	                       is_plain ? "" : "sh -c ", quoted);
}

/* Does a terminal show it as it is? */
static bool
is_printable(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return false;
	for (; *text != '\0'; text = g_utf8_next_char(text))
		if (!g_unichar_isprint(g_utf8_get_char(text)))
			return false;
	return true;
}

/* Takes the texts. Of `fix` and `advice` (what to do by hand) either may be NULL, or both. */
static void
add(Doctor *doctor, DoctorFindingId id, const char *code, const char *where, char *evidence,
    char *so, char *fix, char *advice)
{
	DoctorFinding *finding = g_new0(DoctorFinding, 1);

	if (fix != NULL && !is_printable(fix)) { /* nobody could type it */
		g_clear_pointer(&fix, g_free);
		advice = g_strdup(
			_("the name has characters that cannot be typed: rename it with a "
		          "file manager, or by its number (ls -i; find -inum)"));
	}
	if (fix == NULL)
		finding->by_hand = advice != NULL ? advice
		                                  : g_strdup(by_hand_of(id, _(by_hand[0].words)));
	finding->id = id;
	finding->code = g_strdup(code);
	finding->user = g_strdup(doctor->account != NULL ? doctor->account->user : NULL);
	finding->where = g_strdup(where);
	finding->evidence = evidence;
	finding->so = so;
	finding->fix = fix;
	finding->typed = typed_command(doctor, id, fix);
	g_ptr_array_add(doctor->findings, finding);
}

void
doctor_find(Doctor *doctor, DoctorFindingId id, const char *where, char *fix, ...)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	va_list args;

	va_start(args, fix);
	for (const char *word; (word = va_arg(args, const char *)) != NULL;)
		g_ptr_array_add(words, (char *) (uintptr_t) word);
	va_end(args);
	g_ptr_array_add(words, NULL);

	char **list = (char **) words->pdata;
	char *advice = fix == NULL ? fill(by_hand_of(id, _(by_hand[0].words)), list) : NULL;
	add(doctor, id, text_of_row(id, TEXT_CODE), where,
	    fill(in_words(text_of_row(id, TEXT_EVIDENCE)), list),
	    fill(in_words(text_of_row(id, TEXT_SO)), list), fix, advice);
}

/* Is it a command line, and not advice in words? */
static bool
is_command(const char *fix)
{
	static const char *const programs[] = { "chgrp",   "chmod",      "chown",     "install",
		                                "mkdir",   "newaliases", "postalias", "postconf",
		                                "printf",  "sed",        "todoke",    "touch",
		                                "useradd", NULL };
	g_autofree char *first = g_strndup(fix, strcspn(fix, " "));
	return g_strv_contains(programs, first);
}

void
doctor_find_text(Doctor *doctor, const char *code, DoctorFindingId otherwise, const char *where,
                 const char *text, char *fix)
{
	DoctorFindingId id = otherwise;
	for (unsigned i = 0; i < DOCTOR_FINDINGS; i++)
		if (strcmp(text_of_row((DoctorFindingId) i, TEXT_CODE), code) == 0)
			id = (DoctorFindingId) i;

	const char *colon = strstr(text, ": "), *so = in_words(text_of_row(id, TEXT_SO));
	bool is_cut = colon != NULL && !g_str_has_suffix(text, ":");
	char *evidence = is_cut ? g_strndup(text, (gsize) (colon - text)) : g_strdup(text);
	bool is_own = id != otherwise || !is_cut; /* a row for others says less than the text */
	const char *rest = is_own ? so : colon + 2;
	bool has_command = fix != NULL && is_command(fix);

	add(doctor, id, code, where, evidence, g_strdup(rest), has_command ? fix : NULL,
	    has_command ? NULL : fix);
}

/* What sed's s command puts in for a match, or what printf prints, as one word of sh. */
static char *
escaped_for_sed(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (const char *c = text; *c != '\0'; c++) {
		if (strchr("\\&|", *c) != NULL)
			g_string_append_c(out, '\\');
		g_string_append_c(out, *c);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
doctor_set_command(const Doctor *doctor, const char *name, const char *value)
{
	const Conf *conf = doctor->site->conf;
	const ConfPlace *place = &conf->said[conf_row_number(conf_find_row(name))];
	bool is_said = place->file != NULL && place->line > 0 &&
	               strcmp(place->file, CONF_OVERRIDE) != 0;
	const char *file = is_said ? place->file : conf_main_path(conf);
	g_autofree char *line = g_strdup_printf("%s = %s", name, value),
			*path = g_shell_quote(file);

	if (!is_said) {
		g_autofree char *quoted = g_shell_quote(line);
		return g_strdup_printf("printf '%%s\\n' %s >>%s", quoted, path);
	}

	/* a line that has moved since stays as it is */
	g_autofree char *escaped = escaped_for_sed(line);
	g_autofree char *script = g_strdup_printf("%us|^[[:space:]]*%s[[:space:]]*+*=.*|%s|",
	                                          place->line, name, escaped);
	g_autofree char *quoted = g_shell_quote(script);
	return g_strdup_printf("sed -i %s %s", quoted, path);
}

bool
doctor_ask(const char *const *argv, char **ret_output, int *ret_code)
{
	g_autofree char *program = g_find_program_in_path(argv[0]);
	if (program == NULL)
		return false;

	const char *path = g_getenv("PATH");
	g_autofree char *path_line = g_strconcat("PATH=", path != NULL ? path : "/usr/bin:/bin",
	                                         NULL);
	const char *envp[] = { path_line, "LC_ALL=C.UTF-8", NULL };
	const ChildCall call = { .program.path = program,
		                 .program.argv = argv,
		                 .program.envp = envp,
		                 .body_fd = -1,
		                 .output_limit = LIMIT_DOCTOR_OCTETS,
		                 .seconds = LIMIT_DOCTOR_PROGRAM_S };
	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;
	if (!child_run(&call, &result, &st))
		return false;

	gsize len = 0;
	const char *text = g_bytes_get_data(result.output, &len);
	*ret_output = len > 0                 ? g_strndup(text, len)
	              : result.errors != NULL ? g_strdup(result.errors)
	                                      : g_strdup("");
	*ret_code = result.exit_code;
	return true;
}

/* Run the command of a finding, as whoever we are. */
static void
run_fix(DoctorFinding *finding)
{
	const char *argv[] = { "sh", "-c", finding->fix, NULL };
	g_autofree char *words = NULL;
	int code = -1;
	bool ran = doctor_ask(argv, &words, &code);

	finding->is_fixed = ran && code == 0;
	if (!finding->is_fixed)
		finding->failure = g_strdup(ran ? g_strstrip(words) : _("it did not end"));
}

static bool
is_same_finding(const DoctorFinding *one, const DoctorFinding *other)
{
	return one->id == other->id && strcmp(one->where, other->where) == 0 &&
	       strcmp(one->evidence, other->evidence) == 0;
}

/* What was tried before and is found again was not mended, whatever its command says. */
static bool
was_tried(const GPtrArray *tried, DoctorFinding *finding)
{
	for (guint i = 0; i < tried->len; i++) {
		if (!is_same_finding(tried->pdata[i], finding))
			continue;
		const char *failure = ((const DoctorFinding *) tried->pdata[i])->failure;
		finding->failure = g_strdup(failure != NULL ? failure : _("it is still so"));
		return true;
	}

	return false;
}

/* Has this place been changed in this round? Another command for it may take that back. */
static bool
is_changed(const GPtrArray *tried, guint from, const char *where)
{
	for (guint i = from; i < tried->len; i++)
		if (strcmp(((const DoctorFinding *) tried->pdata[i])->where, where) == 0)
			return true;
	return false;
}

/*
 * Run safe fixes, one a place, and move their findings from `found` to `tried`. False: there is
 * nothing more to do.
 */
static bool
run_fixes(GPtrArray *found, GPtrArray *tried)
{
	guint before = tried->len;

	for (guint i = 0; i < found->len;) {
		DoctorFinding *finding = found->pdata[i];
		if (!doctor_finding_is_safe(finding) || is_changed(tried, before, finding->where) ||
		    was_tried(tried, finding)) {
			i++;
			continue;
		}
		run_fix(finding);
		g_ptr_array_add(tried, g_ptr_array_steal_index(found, i));
	}

	return tried->len > before;
}

json_t *
doctor_finding_json(const DoctorFinding *finding)
{
	static const char *const severities[] = { "note", "warning", "error" };
	const struct {
		const char *name, *text;
	} texts[] = {
		{ "code", finding->code },
		{ "severity", severities[doctor_finding_severity(finding)] },
		{ "user", finding->user },
		{ "where", finding->where },
		{ "evidence", finding->evidence },
		{ "consequence", finding->so },
		{ "fix", finding->typed },
		{ "by_hand", finding->by_hand },
		{ "left", finding->left },
		{ "failure", finding->failure },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		json_object_set_new(object, texts[i].name,
		                    texts[i].text != NULL ? cmd_json_text(texts[i].text)
		                                          : json_null());
	json_object_set_new(object, "safe_to_fix", json_boolean(doctor_finding_is_safe(finding)));
	json_object_set_new(object, "fixed", json_boolean(finding->is_fixed));

	return object;
}

static void
examine_once(Doctor *doctor, Scope scope)
{
	for (size_t i = 0; i < G_N_ELEMENTS(examiners); i++)
		if (examiners[i].scope == scope)
			examiners[i].examine(doctor);
}

/* --fix leaves commands that a person must decide about. */
static void
tell_left(GPtrArray *findings)
{
	for (guint i = 0; i < findings->len; i++) {
		DoctorFinding *finding = findings->pdata[i];
		if (finding->fix == NULL || finding->is_fixed || doctor_finding_is_safe(finding))
			continue;
		g_free(finding->left);
		finding->left = g_strdup(by_hand_of(
			finding->id,
			_("a person decides whether this command is right, and types it")));
	}
}

/* Each round mends one thing a place and looks again, so that no fix works on what has changed. */
enum { MOST_ROUNDS = 8 };

static void
examine(Doctor *doctor, Scope scope)
{
	GPtrArray *all = doctor->findings;
	g_autoptr(GPtrArray)
		tried = g_ptr_array_new_with_free_func((GDestroyNotify) doctor_finding_free);
	bool goes_on = true;

	for (unsigned round = 0; goes_on; round++) {
		g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(
			(GDestroyNotify) doctor_finding_free);
		doctor->findings = found;
		examine_once(doctor, scope);
		goes_on = doctor->fixes && round < MOST_ROUNDS && run_fixes(found, tried);
		if (!goes_on && doctor->fixes)
			tell_left(found);
		while (!goes_on && found->len > 0)
			g_ptr_array_add(all, g_ptr_array_steal_index(found, 0));
	}

	doctor->findings = all;
	while (tried->len > 0) {
		DoctorFinding *finding = g_ptr_array_steal_index(tried, 0);
		if (finding->is_fixed)
			g_ptr_array_add(all, finding);
		else
			doctor_finding_free(finding);
	}
}

void
doctor_examine_site(Doctor *doctor)
{
	examine(doctor, SCOPE_SITE);
}

/* What the child tells of a finding besides what people read. */
static json_t *
pack_finding(const DoctorFinding *finding)
{
	json_t *object = doctor_finding_json(finding);
	json_object_set_new(object, "row", json_integer(finding->id));
	json_object_set_new(object, "raw",
	                    finding->fix != NULL ? cmd_json_text(finding->fix) : json_null());
	return object;
}

static char *
text_of(const json_t *object, const char *name)
{
	return g_strdup(json_string_value(json_object_get(object, name)));
}

/* The child has the rights of the user, and its words no more weight. */
static void
unpack_finding(Doctor *doctor, const json_t *object)
{
	json_int_t row = json_integer_value(json_object_get(object, "row"));
	if (!json_is_object(object) || row < 0 || row >= DOCTOR_FINDINGS)
		return;

	g_autofree char *where = text_of(object, "where");
	add(doctor, (DoctorFindingId) row, text_of_row((DoctorFindingId) row, TEXT_CODE), where,
	    text_of(object, "evidence"), text_of(object, "consequence"), text_of(object, "raw"),
	    text_of(object, "by_hand"));

	DoctorFinding *finding = doctor->findings->pdata[doctor->findings->len - 1];
	finding->is_fixed = json_is_true(json_object_get(object, "fixed"));
	finding->failure = text_of(object, "failure");
	finding->left = text_of(object, "left");
}

/* In the child: become the user, look, tell. Does not return. */
static void
examine_as_user(Doctor *doctor, int to)
{
	g_auto(Status) st = STATUS_INIT;
	g_ptr_array_set_size(doctor->findings, 0);
	if (account_become(doctor->conf, doctor->account, &st)) {
		struct rlimit cpu = { LIMIT_DOCTOR_USER_S, LIMIT_DOCTOR_USER_S };
		(void) setrlimit(RLIMIT_CPU, &cpu);
		examine(doctor, SCOPE_USER);
	} else {
		doctor_find(doctor, DOCTOR_NO_ACCOUNT, doctor->account->maildir, NULL,
		            status_why(&st), NULL);
	}

	json_t *list = json_array();
	for (guint i = 0; i < doctor->findings->len; i++)
		json_array_append_new(list, pack_finding(doctor->findings->pdata[i]));
	char *text = json_dumps(list, JSON_COMPACT);
	bool told = text != NULL && fs_write_all(to, text, strlen(text), "the findings", &st);
	_exit(told ? 0 : 1);
}

/* All that the child says. False: it says too much, or takes too long. */
static bool
read_all(int from, GByteArray *said)
{
	gint64 until = g_get_monotonic_time() + (gint64) LIMIT_DOCTOR_USER_S * G_USEC_PER_SEC;

	for (;;) {
		gint64 left_ms = (until - g_get_monotonic_time()) / 1000;
		struct pollfd fd = { .fd = from, .events = POLLIN };
		int n = left_ms > 0 ? poll(&fd, 1, (int) MIN(left_ms, G_MAXINT)) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;

		guint8 part[65536];
		ssize_t len = read(from, part, sizeof part);
		if (len <= 0)
			return len == 0;
		g_byte_array_append(said, part, (guint) len);
		if (said->len > LIMIT_DOCTOR_OCTETS)
			return false;
	}
}

static void
take_findings(Doctor *doctor, const GByteArray *said, bool is_whole)
{
	json_t *list = is_whole ? json_loadb((const char *) said->data, said->len, 0, NULL) : NULL;
	for (size_t i = 0; i < json_array_size(list); i++)
		unpack_finding(doctor, json_array_get(list, i));

	if (!json_is_array(list))
		doctor_find(doctor, DOCTOR_NOT_LOOKED, doctor->account->maildir, NULL,
		            _("the process that looked took too long, or died"), NULL);
	if (list != NULL)
		json_decref(list);
}

void
doctor_examine_user(Doctor *doctor, Account *account)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Conf) own = account_conf(account, doctor->site->conf);
	Doctor users = *doctor;
	int ends[2];

	users.account = account;
	users.conf = own != NULL ? own : doctor->site->conf;
	account->look_only = true;
	(void) account_find_owner(users.conf, account, &st); /* the child tells what hinders */
	fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;

	pid_t pid = fork();
	if (pid == 0) {
		(void) close(ends[0]);
		examine_as_user(&users, ends[1]);
	}

	g_autoptr(GByteArray) said = g_byte_array_new();
	(void) close(ends[1]);
	bool is_whole = pid > 0 && read_all(ends[0], said);
	(void) close(ends[0]);
	if (pid > 0) {
		int how;
		(void) kill(pid, SIGKILL);
		while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
			continue;
	}
	take_findings(&users, said, is_whole);
}
