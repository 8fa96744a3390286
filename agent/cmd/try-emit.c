/* try-emit: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/try-emit.h"

#include "agent/base/fs.h"
#include "agent/cmd/people.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* What became of one action. */
typedef struct {
	const PlanAction *action;
	char *file;              /* NULL: none was written */
	char *sender;            /* NULL: nothing was sent */
	GPtrArray *recipients;   /* char * */
} Emitted;

struct TryEmit {
	const char *folder;
	const char *prefix;
	const Plan *plan;
	GPtrArray *emitted;
};

static void
emitted_free(gpointer data)
{
	Emitted *emitted = data;
	g_free(emitted->file);
	g_free(emitted->sender);
	g_ptr_array_unref(emitted->recipients);
	g_free(emitted);
}

TryEmit *
try_emit_new(const char *folder, const char *prefix)
{
	TryEmit *emit = g_new0(TryEmit, 1);
	emit->folder = folder;
	emit->prefix = prefix;
	emit->emitted = g_ptr_array_new_with_free_func(emitted_free);
	return emit;
}

void
try_emit_free(TryEmit *emit)
{
	if (emit == NULL)
		return;
	g_ptr_array_unref(emit->emitted);
	g_free(emit);
}

static Emitted *
find(const TryEmit *emit, const PlanAction *action)
{
	for (guint i = 0; i < emit->emitted->len; i++) {
		Emitted *emitted = emit->emitted->pdata[i];
		if (emitted->action == action)
			return emitted;
	}
	return NULL;
}

static Emitted *
add(TryEmit *emit, const PlanAction *action)
{
	Emitted *emitted = g_new0(Emitted, 1);
	emitted->action = action;
	emitted->recipients = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(emit->emitted, emitted);
	return emitted;
}

/* Open the file of an action. Its path is NULL for one that no rule asked for (a copy of our own making), or without a folder. */
static int
open_file(const TryEmit *emit, const PlanAction *action, char **ret_path, Status *st)
{
	size_t n = 0;
	while (n < plan_count(emit->plan) && plan_get(emit->plan, n) != action)
		n++;
	if (emit->folder == NULL || n == plan_count(emit->plan))
		return -1;
	g_autofree char *name = g_strdup_printf("%s%zu.eml", emit->prefix, n + 1);
	g_autofree char *path = g_build_filename(emit->folder, name, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		status_fail_errno(st, errno, "cannot make '%s'", path);
	else
		*ret_path = g_steal_pointer(&path);
	return fd;
}

static void
emit_stored(TryEmit *emit, const Transact *transact, Message *message, const PlanAction *action)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = NULL;
	auto_fd int fd = open_file(emit, action, &path, &st);
	Headers *headers = action->headers != NULL ? action->headers : transact_headers(transact);
	Message *body = action->message != NULL ? action->message : message;
	if (fd >= 0 && message_write(body, headers, fd, NULL, &st))
		add(emit, action)->file = g_steal_pointer(&path);
	else if (st.id != STATUS_OK)
		fprintf(stderr, "todoke try: %s\n", st.detail);
}

static bool
write_mail(const OutMail *mail, int fd, const char *path, Status *st)
{
	return fs_write_all(fd, mail->head, mail->head_len, path, st) &&
	       (mail->body_len == 0 || fs_copy(mail->body_fd, mail->body_at, mail->body_len, fd, path, st));
}

/* The same bytes go to each recipient of a notice: one file. */
static bool
capture(void *user, const PlanAction *action, const OutMail *mail, Status *st)
{
	TryEmit *emit = user;
	Emitted *emitted = find(emit, action);
	if (emitted == NULL) {
		g_autofree char *path = NULL;
		auto_fd int fd = open_file(emit, action, &path, st);
		if (st->id != STATUS_OK || (fd >= 0 && !write_mail(mail, fd, path, st)))
			return false;
		emitted = add(emit, action);
		emitted->file = g_steal_pointer(&path);
		emitted->sender = g_strdup(mail->sender);
	}
	g_ptr_array_add(emitted->recipients, g_strdup(mail->recipient));
	return true;
}

bool
try_emit_run(TryEmit *emit, Transact *transact, Message *message, Status *st)
{
	emit->plan = transact_planned(transact);
	for (size_t i = 0; i < plan_count(emit->plan); i++) {
		const PlanAction *action = plan_get(emit->plan, i);
		if (plan_kind_row(action->kind)->keeps_copy)
			emit_stored(emit, transact, message, action);
	}
	return transact_rehearse(transact, capture, emit, st);
}

void
try_emit_json(const TryEmit *emit, const Plan *plan, json_t *actions)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		const Emitted *emitted = find(emit, plan_get(plan, i));
		json_t *object = json_array_get(actions, i);
		if (emitted == NULL)
			continue;
		if (emitted->file != NULL)
			json_object_set_new(object, "file", people_json_text(emitted->file));
		if (emitted->sender == NULL)
			continue;
		json_t *recipients = json_array();
		for (guint n = 0; n < emitted->recipients->len; n++)
			json_array_append_new(recipients, people_json_text(emitted->recipients->pdata[n]));
		json_object_set_new(object, "envelope_from", people_json_text(emitted->sender));
		json_object_set_new(object, "recipients", recipients);
	}
}

static void
print_sent(const Emitted *emitted)
{
	printf("    would be sent from <%s> to", emitted->sender);
	for (guint i = 0; i < emitted->recipients->len; i++)
		printf("%s <%s>", i > 0 ? "," : "", (const char *) emitted->recipients->pdata[i]);
	putchar('\n');
}

void
try_emit_print(const TryEmit *emit, const Plan *plan)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		const Emitted *emitted = find(emit, plan_get(plan, i));
		if (emitted == NULL)
			continue;
		printf("  action %zu:\n", i + 1);
		if (emitted->sender != NULL)
			print_sent(emitted);
		if (emitted->file != NULL)
			printf("    written to %s\n", emitted->file);
	}
}
