/* SPDX-License-Identifier: MIT */
/*
 * convert-prove: two plans for each message, compared by what they do: where it is stored, to whom
 * it goes.
 */
#include "agent/cmd/convert-prove.h"

#include "agent/base/fs.h"
#include "agent/cmd/cmd-common.h"
#include "agent/deliver/deliver.h"
#include "agent/message/address.h"
#include "agent/plan/plan-program.h"
#include "agent/plan/plan-store.h"
#include "agent/store/folder.h"
#include "conf/conf-choices.h"
#include "filters/recipe/lang/recipe-constant.h"
#include "filters/recipe/convert/recipe-convert.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/run/recipe-formail.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How deep folders of old mail may lie in each other. */
enum { LIMIT_FOLDERS = 16 };

typedef struct {
	const RulesFile *rules;
	const ConvertRules *other; /* what the Sieve was made of */
	const Filter *sieve_engine;
	FilterProgram *sieve;
	FilterEnv other_env;
	FilterRecipes recipe_answers;
	FilterEnv sieve_env;
	FilterServices sieve_services;
	Maildir *inbox; /* of whoever calls; NULL: there is none */
	unsigned messages, differ;
} Proof;

/*
 * Where recipes store: by the name of the mailbox if it is one; else the path, with what says that
 * it is no Maildir.
 */
static char *
place_of_store(const Proof *proof, const PlanAction *action)
{
	const char *path = plan_store_of(action)->paths->pdata[0];
	const char *folder = proof->other->folder;
	const char *base = folder != NULL && *folder == '/' ? folder : proof->rules->home;
	g_autofree char *absolute = g_canonicalize_filename(path, base);
	bool is_maildir = g_str_has_suffix(path, "/");
	char *mailbox = is_maildir ? rules_file_mailbox_at(proof->rules, proof->inbox, absolute)
	                           : NULL;

	return mailbox != NULL ? mailbox : g_strdup_printf("%s%s", absolute, is_maildir ? "/" : "");
}

/* Where Sieve stores: two names may mean one folder. */
static char *
place_of_name(const Proof *proof, const char *name)
{
	FolderRules rules = folder_rules_of(proof->rules->site->conf);
	const char *why;
	g_autofree char *path = folder_path(&rules, proof->inbox, name, &why);
	const char *place = path != NULL ? path : ""; /* what can be no folder goes to the INBOX */
	char *mailbox = folder_name(&rules, proof->inbox, place);

	if (mailbox != NULL)
		return mailbox;
	g_autofree char *inbox = rules_file_inbox(proof->rules);
	return g_strdup_printf("%s/%s/", inbox, path);
}

/* formail -D that knew the id: the mail is thrown away. */
static bool
is_seen(const PlanAction *action)
{
	const PlanProgram *program = plan_program_of(action);
	return program->done && recipe_formail_is(program->name) && program->args->len > 0 &&
	       g_str_has_prefix(program->args->pdata[0], "-D");
}

static char *
describe_action(const Proof *proof, const PlanAction *action)
{
	g_autofree char *place = NULL;
	switch (action->kind) {
	case PLAN_KEEP:
	case PLAN_FILEINTO:
		place = place_of_name(proof, action->mailbox != NULL ? action->mailbox : "INBOX");
		return g_strdup_printf("store in %s", place);
	case PLAN_STORE:
		place = place_of_store(proof, action);
		return g_strdup_printf("store in %s", place);
	case PLAN_REDIRECT:
		return g_strdup_printf("redirect to %s", action->address);
	case PLAN_PIPE:
		if (is_seen(action))
			return g_strdup(plan_kind_row(PLAN_DISCARD)->name);
		return g_strdup_printf("give to program %s", plan_program_of(action)->name);
	default:
		return g_strdup(plan_kind_row(action->kind)->name);
	}
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* What a plan does, in one line; each thing once, in any order. Caller frees. */
static char *
describe_plan(const Proof *proof, Plan *plan)
{
	plan_finish(plan);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < plan_count(plan); i++)
		g_ptr_array_add(lines, describe_action(proof, plan_get(plan, i)));
	g_ptr_array_sort(lines, compare_text);

	GString *out = g_string_new(NULL);
	const char *before = "";
	for (guint i = 0; i < lines->len; before = lines->pdata[i++])
		if (strcmp(before, lines->pdata[i]) != 0)
			g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "",
			                       (const char *) lines->pdata[i]);

	return g_string_free(out, FALSE);
}

static char *
run_engine(const Proof *proof, const Filter *engine, FilterProgram *program, FilterEnv *env,
           const FilterInput *input)
{
	g_autoptr(Plan) plan = plan_new();
	g_auto(Status) fault = STATUS_INIT;
	PlanMark mark = plan_mark(plan);

	if (engine->run(program, input, env, plan, &fault))
		return describe_plan(proof, plan);
	plan_rewind(plan, mark);
	g_autofree char *kept = describe_plan(proof, plan);

	return g_strdup_printf("%s (%s)", kept, fault.detail);
}

static bool
prove_message(Proof *proof, int taken_fd, const char *name, Status *st)
{
	const Account *account = proof->rules->account;
	g_autoptr(Message) message = message_from_file(taken_fd, st);
	if (message == NULL)
		return false;

	const FilterInput input = {
		.message = message,
		.headers = message_headers(message),
		.envelope = proof->rules->envelope,
		.user = account->user,
		.addresses = account->addresses,
		.delimiters = proof->rules->site->conf->delimiters,
	};
	g_autofree char *other = run_engine(proof, proof->other->engine, proof->other->program,
	                                    &proof->other_env, &input);
	g_autofree char *sieve = run_engine(proof, proof->sieve_engine, proof->sieve,
	                                    &proof->sieve_env, &input);
	proof->messages++;
	if (strcmp(other, sieve) == 0)
		return true;

	proof->differ++;
	cmd_print(stdout, "%s: %s: %s; Sieve: %s\n", name, proof->other->name, other, sieve);
	return true;
}

static bool
prove_folder(Proof *proof, const char *folder, const char *shown, unsigned depth, Status *st);

static bool
prove_entry(Proof *proof, const char *folder, const char *shown, const char *name, unsigned depth,
            Status *st)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *short_name = *shown != '\0' ? g_build_filename(shown, name, NULL)
	                                             : g_strdup(name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat sb;

	if (fd < 0 || fstat(fd, &sb) < 0)
		return true; /* moved away meanwhile */
	if (S_ISDIR(sb.st_mode))
		return depth >= LIMIT_FOLDERS || strcmp(name, "tmp") == 0 ||
		       prove_folder(proof, path, short_name, depth + 1, st);
	bool is_mail = depth == 0 || g_str_has_suffix(folder, "/new") ||
	               g_str_has_suffix(folder, "/cur");
	if (!S_ISREG(sb.st_mode) || !is_mail)
		return true;

	return prove_message(proof, fs_steal_fd(&fd), short_name, st);
}

/* In the order of names, so that two runs can be compared. */
static bool
prove_folder(Proof *proof, const char *folder, const char *shown, unsigned depth, Status *st)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	if (dir == NULL)
		return status_fail_detail(st, STATUS_IO, "cannot read folder '%s'", folder);

	for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_text);
	for (guint i = 0; i < names->len; i++)
		if (!prove_entry(proof, folder, shown, names->pdata[i], depth, st))
			return false;

	return true;
}

/* MAILDIR as the end of the file knows it. */
static char *
find_maildir(const RulesFile *rules, FilterEnv *env)
{
	g_autoptr(RecipeConstants) constants = recipe_constants_new(env);
	g_autoptr(GPtrArray) nodes = recipe_parse(&rules->source, NULL);

	for (guint i = 0; nodes != NULL && i < nodes->len; i++)
		if (((const RecipeNode *) nodes->pdata[i])->kind != RECIPE_RULE)
			recipe_constants_follow(constants, nodes->pdata[i], true);
	return g_strdup(recipe_constants_get(constants, "MAILDIR"));
}

/* Which folders are there may say what a name means. */
static Maildir *
open_inbox(const RulesFile *rules)
{
	static const MaildirOptions look_only = { .umask = 077,
		                                  .durability = CONF_DURABILITY_NONE };
	g_auto(Status) absent = STATUS_INIT;
	g_autofree char *path = rules_file_inbox(rules);
	return maildir_open(path, &look_only, &absent);
}

/*
 * Both sides begin with nothing seen, and each remembers what it has been asked for. A service has
 * no place for it besides `user`, which is others'.
 */
static GHashTable *seen_by_recipes, *seen_by_sieve;

/* Takes the key. */
static bool
was_seen(GHashTable *seen, char *taken_key)
{
	return !g_hash_table_add(seen, taken_key);
}

static bool
id_seen(FilterEnv *env, const FilterIdCall *call, bool *ret_seen)
{
	(void) env;
	*ret_seen = was_seen(seen_by_recipes, g_strconcat(call->path, "\n", call->id, NULL));
	return true;
}

static bool
duplicate(FilterEnv *env, const char *key, gint64 seconds, bool last)
{
	(void) env, (void) seconds, (void) last;
	return was_seen(seen_by_sieve, g_strdup(key));
}

/* No formail of the owner's own stands before the system's; of all else nothing is known. */
static PathAnswer
path_kind(FilterEnv *env, const char *path)
{
	(void) env;
	return g_str_has_suffix(path, "/formail") ? PATH_MISSING : PATH_UNKNOWN;
}

static void
remember_both(Proof *proof)
{
	seen_by_recipes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	seen_by_sieve = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	proof->recipe_answers = *proof->other_env.recipes;
	proof->recipe_answers.id_seen = id_seen;
	proof->recipe_answers.path_kind = path_kind;
	proof->other_env.recipes = &proof->recipe_answers;

	proof->sieve_env = *services_env(proof->rules->services);
	proof->sieve_services = *proof->sieve_env.services;
	proof->sieve_services.duplicate = duplicate;
	proof->sieve_env.services = &proof->sieve_services;
}

static void
forget_both(void)
{
	g_clear_pointer(&seen_by_recipes, g_hash_table_unref);
	g_clear_pointer(&seen_by_sieve, g_hash_table_unref);
}

bool
convert_prove(const RulesFile *file, const ConvertRules *rules, const char *sieve,
              const char *folder, unsigned *ret_differ, Status *st)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	const FilterSource script = {
		.file = "converted", .text = sieve, .len = strlen(sieve), .trust = SCRIPT_OWNER
	};
	Proof proof = {
		.rules = file,
		.other = rules,
		.sieve_engine = filter_find("sieve"),
		.other_env = rules_file_env(file),
	};

	remember_both(&proof);
	proof.inbox = open_inbox(file);
	proof.sieve = proof.sieve_engine->compile(&script, services_env(file->services), problems);

	bool proved = proof.sieve != NULL && prove_folder(&proof, folder, "", 0, st);
	if (proof.sieve == NULL)
		status_fail_detail(st, STATUS_SCRIPT, "the script has errors");
	else
		proof.sieve_engine->free(proof.sieve);
	maildir_free(proof.inbox);
	forget_both();
	if (!proved)
		return false;

	printf("%u message%s, %u differ%s\n", proof.messages, proof.messages == 1 ? "" : "s",
	       proof.differ, proof.differ == 1 ? "s" : "");
	*ret_differ = proof.differ;
	return true;
}

bool
convert_prove_recipes(const RulesFile *file, const char *sieve, const char *folder,
                      unsigned *ret_differ, Status *st)
{
	FilterEnv env = rules_file_env(file);
	g_autofree char *maildir = find_maildir(file, &env);
	ConvertRules rules = { .name = "recipes",
		               .engine = filter_find("recipe"),
		               .folder = maildir };

	rules.program = rules.engine->compile(&file->source, &env, NULL);
	if (rules.program == NULL)
		return status_fail_detail(st, STATUS_SCRIPT, "the recipes have errors");
	bool proved = convert_prove(file, &rules, sieve, folder, ret_differ, st);
	rules.engine->free(rules.program);
	return proved;
}
