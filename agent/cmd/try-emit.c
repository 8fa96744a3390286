/* SPDX-License-Identifier: MIT */
/* try-emit: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/try-emit.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/cmd/cmd-common.h"
#include "agent/message/address-print.h"
#include "agent/send/compose.h"
#include "agent/message/mime-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* What became of one action. */
typedef struct {
	const PlanAction *action;
	char *file;            /* NULL: none was written */
	char *sender;          /* NULL: nothing was sent */
	GPtrArray *recipients; /* char * */
	char *subject;         /* of what we composed; NULL: the message goes on as it came */
	char *text;            /* its first text, as people read it */
} Emitted;

struct TryEmit {
	const char *folder;
	const char *prefix;
	const Account *account;
	const Transact *transact; /* NULL: nothing was rehearsed */
	GPtrArray *emitted;
};

static void
emitted_free(gpointer data)
{
	Emitted *emitted = data;

	g_free(emitted->file);
	g_free(emitted->sender);
	g_free(emitted->subject);
	g_free(emitted->text);
	g_ptr_array_unref(emitted->recipients);
	g_free(emitted);
}

TryEmit *
try_emit_new(const char *folder, const char *prefix, const Account *account)
{
	TryEmit *emit = g_new0(TryEmit, 1);

	emit->folder = folder;
	emit->prefix = prefix;
	emit->account = account;
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

/*
 * Open the file of an action. Its path is NULL for one that no rule asked for (a copy of our own
 * making), or without a folder.
 */
static int
open_file(const TryEmit *emit, const PlanAction *action, char **ret_path, Status *st)
{
	size_t n = 0;
	const Plan *plan = transact_planned(emit->transact);

	while (n < plan_count(plan) && plan_get(plan, n) != action)
		n++;
	if (emit->folder == NULL || n == plan_count(plan))
		return -1;

	g_autofree char *name = g_strdup_printf("%s%zu.eml", emit->prefix, n + 1);
	g_autofree char *path = g_build_filename(emit->folder, name, NULL);
	if (!account_leave(emit->account, st))
		return -1;

	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = errno;
	if (!account_enter(emit->account, st))
		return -1;

	if (fd < 0)
		status_fail_errno(st, err, "cannot make '%s'", path);
	else
		*ret_path = g_steal_pointer(&path);

	return fs_steal_fd(&fd);
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
		cmd_print(stderr, "todoke try: %s\n", st.detail);
}

static bool
write_mail(const RouteMail *mail, int fd, const char *path, Status *st)
{
	return fs_write_all(fd, mail->head, mail->head_len, path, st) &&
	       (mail->body_len == 0 ||
	        fs_copy(mail->body_fd, mail->body_at, mail->body_len, fd, path, st));
}

static size_t
find_text(const MimeTree *tree)
{
	size_t i = 0;
	while (i + 1 < mime_tree_count(tree) &&
	       !mime_part_is(mime_tree_part(tree, i), "text", NULL))
		i++;
	return i;
}

/* What a composed message says, as its reader will see it. */
static void
read_composed(Emitted *emitted, const RouteMail *mail)
{
	g_auto(Status) unread = STATUS_INIT; /* then people are told less */
	MessageBody body;
	g_autoptr(Message) message = message_from_bytes(mail->head, mail->head_len, &unread);

	if (message == NULL || !message_body(message, &body))
		return;
	emitted->subject = compose_field_text(message_headers(message), "Subject");
	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, &unread);
	g_auto(MimeBytes) text = { 0 };
	if (tree != NULL && mime_tree_text(tree, find_text(tree), LIMIT_NOTICE_BYTES,
	                                   MIME_TEXT_AS_IT_IS, &text, &unread))
		emitted->text = g_steal_pointer(&text.data);
}

/* The same bytes go to each recipient of a notice: one file. */
static bool
capture(void *user, const PlanAction *action, const RouteMail *mail, Status *st)
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
		if (action->kind != PLAN_REDIRECT)
			read_composed(emitted, mail);
	}

	g_ptr_array_add(emitted->recipients, g_strdup(mail->recipient));
	return true;
}

bool
try_emit_run(TryEmit *emit, Transact *transact, Message *message, Status *st)
{
	emit->transact = transact;
	bool done = transact_rehearse(transact, capture, emit, st);
	const Plan *plan = transact_planned(transact);
	for (size_t i = 0; plan != NULL && i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (plan_kind_stores(action->kind))
			emit_stored(emit, transact, message, action);
	}

	return done;
}

/* Why an action would not be carried out; NULL: it would be. Borrowed. */
static const char *
why_held(const TryEmit *emit, const PlanAction *action)
{
	const GPtrArray *all = emit->transact != NULL ? transact_report(emit->transact)->held
	                                              : NULL;
	for (guint i = 0; all != NULL && i < all->len; i++) {
		const DeliverHeld *held = all->pdata[i];
		if (held->action == action)
			return held->why;
	}
	return NULL;
}

static void
add_sent(const Emitted *emitted, json_t *object)
{
	json_t *recipients = json_array();

	for (guint n = 0; n < emitted->recipients->len; n++)
		json_array_append_new(recipients, cmd_json_text(emitted->recipients->pdata[n]));
	json_object_set_new(object, "envelope_from", cmd_json_text(emitted->sender));
	json_object_set_new(object, "recipients", recipients);
	if (emitted->text == NULL)
		return;

	json_t *sends = json_object();
	json_object_set_new(sends, "subject",
	                    emitted->subject != NULL ? cmd_json_text(emitted->subject)
	                                             : json_null());
	json_object_set_new(sends, "text", cmd_json_text(emitted->text));
	json_object_set_new(object, "sends", sends);
}

void
try_emit_json(const TryEmit *emit, const Plan *plan, json_t *actions)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		const Emitted *emitted = find(emit, action);
		json_t *object = json_array_get(actions, i);
		const char *held = why_held(emit, action);
		if (held != NULL)
			json_object_set_new(object, "held", cmd_json_text(held));
		if (emitted != NULL && emitted->file != NULL)
			json_object_set_new(object, "file", cmd_json_text(emitted->file));
		if (emitted != NULL && emitted->sender != NULL)
			add_sent(emitted, object);
	}
}

/* A text, each line moved to the right. */
static void
print_indented(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL && (*lines[i] != '\0' || lines[i + 1] != NULL); i++)
		cmd_print(stdout, "      %s\n", g_strchomp(lines[i]));
}

static void
print_sent(const Emitted *emitted)
{
	g_autofree char *sender = address_print_path(emitted->sender);

	cmd_print(stdout, "    would be sent from %s to", sender);
	for (guint i = 0; i < emitted->recipients->len; i++) {
		g_autofree char *recipient = address_print_path(emitted->recipients->pdata[i]);
		cmd_print(stdout, "%s %s", i > 0 ? "," : "", recipient);
	}

	putchar('\n');
	if (emitted->text == NULL)
		return;

	cmd_print(stdout, "      Subject: %s\n\n",
	          emitted->subject != NULL ? emitted->subject : "");
	print_indented(emitted->text);
}

void
try_emit_print(const TryEmit *emit, const PlanAction *action)
{
	const Emitted *emitted = find(emit, action);
	const char *held = why_held(emit, action);

	if (held != NULL)
		cmd_print(stdout, "    held back: %s\n", held);
	if (emitted != NULL && emitted->sender != NULL)
		print_sent(emitted);
	if (emitted != NULL && emitted->file != NULL)
		cmd_print(stdout, "    written to %s\n", emitted->file);
}
