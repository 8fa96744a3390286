/* SPDX-License-Identifier: MIT */
/* suite-box: see the header. */
#define _GNU_SOURCE
#include "agent/suite/suite-box.h"

#include "agent/base/fs.h"
#include "agent/store/maildir-flags.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A message that was stored: its folder and file, paths below the INBOX. */
typedef struct {
	char *folder;
	char *file;
} Stored;

typedef struct {
	char *sender;
	char *recipient;
	Message *message;
} Sent;

struct SuiteBox {
	char *root;
	char *path; /* of the INBOX */
	Maildir *inbox;
	GPtrArray *stored;
	GPtrArray *sent;
	StateOnce *state;
	unsigned states; /* that there were: each is a folder of its own */
};

static void
stored_free(gpointer data)
{
	Stored *stored = data;
	g_free(stored->folder);
	g_free(stored->file);
	g_free(stored);
}

static void
sent_free(gpointer data)
{
	Sent *sent = data;
	g_free(sent->sender);
	g_free(sent->recipient);
	message_unref(sent->message);
	g_free(sent);
}

SuiteBox *
suite_box_new(const Conf *conf, Status *st)
{
	g_autoptr(SuiteBox) box = g_new0(SuiteBox, 1);
	g_autoptr(GError) error = NULL;

	box->stored = g_ptr_array_new_with_free_func(stored_free);
	box->sent = g_ptr_array_new_with_free_func(sent_free);
	box->root = g_dir_make_tmp("todoke-suite-XXXXXX", &error);

	if (box->root == NULL) {
		status_fail_detail(st, STATUS_IO, "cannot make a temporary folder: %s",
		                   error->message);
		return NULL;
	}

	box->path = g_build_filename(box->root, "Maildir", NULL);
	box->inbox = deliver_open_inbox(box->path, conf, st);
	return box->inbox != NULL ? g_steal_pointer(&box) : NULL;
}

void
suite_box_free(SuiteBox *box)
{
	if (box == NULL)
		return;
	state_once_free(box->state);
	maildir_free(box->inbox);
	if (box->root != NULL)
		fs_remove_tree(box->root);
	g_ptr_array_unref(box->stored);
	g_ptr_array_unref(box->sent);
	g_free(box->path);
	g_free(box->root);
	g_free(box);
}

Maildir *
suite_box_inbox(SuiteBox *box)
{
	return box->inbox;
}

void
suite_box_forget(SuiteBox *box)
{
	g_ptr_array_set_size(box->sent, 0);
	g_clear_pointer(&box->state, state_once_free);
}

/* The whole message, as it would have gone out. */
static Message *
copy_outgoing(const RouteMail *mail, Status *st)
{
	g_autofree char *data = g_malloc(mail->head_len + (size_t) mail->body_len + 1);

	memcpy(data, mail->head, mail->head_len);
	size_t have = mail->head_len, all = mail->head_len + (size_t) mail->body_len;
	while (have < all) {
		ssize_t n = pread(mail->body_fd, data + have, all - have,
		                  mail->body_at + (off_t) (have - mail->head_len));
		if (n <= 0) {
			status_fail_errno(st, n < 0 ? errno : EIO,
			                  "cannot read the body of a message that leaves");
			return NULL;
		}
		have += (size_t) n;
	}

	return message_from_bytes(data, all, st);
}

static bool
capture(void *user, const PlanAction *action, const RouteMail *mail, Status *st)
{
	SuiteBox *box = user;

	(void) action;
	g_autoptr(Message) message = copy_outgoing(mail, st);
	if (message == NULL)
		return false;

	Sent *sent = g_new(Sent, 1);
	*sent = (Sent){ g_strdup(mail->sender), g_strdup(mail->recipient),
		        g_steal_pointer(&message) };
	g_ptr_array_add(box->sent, sent);

	return true;
}

static void
note_stored(SuiteBox *box, const DeliverReport *report)
{
	for (guint i = 0; i < report->done->len; i++) {
		const DeliverDone *done = report->done->pdata[i];
		if (done->file == NULL)
			continue;
		g_autofree char *place = g_path_get_dirname(done->file); /* "Work/new", "new" */
		char *slash = strrchr(place, '/');
		Stored *stored = g_new(Stored, 1);
		*stored = (Stored){ g_strndup(place, slash != NULL ? (size_t) (slash - place) : 0),
			            g_strdup(done->file) };
		g_ptr_array_add(box->stored, stored);
	}
}

StateOnce *
suite_box_state(SuiteBox *box, gint64 now)
{
	if (box->state == NULL) {
		g_autofree char *name = g_strdup_printf("state%u", box->states++);
		g_autofree char *folder = g_build_filename(box->root, name, NULL);
		box->state = state_once_new(folder, now);
	}
	return box->state;
}

bool
suite_box_execute(SuiteBox *box, const Plan *plan, DeliverJob *job, DeliverOwner *owner,
                  GPtrArray *notes, Status *st)
{
	owner->home = box->root;
	owner->state = suite_box_state(box, owner->now);
	owner->capture = capture;
	owner->capture_user = box;
	job->inbox = box->inbox;
	job->owner = owner;

	g_auto(DeliverReport) report;
	deliver_report_init(&report);
	g_auto(Status) fault = STATUS_INIT;
	bool good = deliver_run(plan, job, &report, &fault) || fault.id == STATUS_RULE_REFUSED;
	note_stored(box, &report);
	for (guint i = 0; i < report.notes->len; i++)
		g_ptr_array_add(notes, g_strdup(report.notes->pdata[i]));
	if (!good)
		status_move(st, &fault);

	return good;
}

static Message *
open_stored(const SuiteBox *box, const Stored *stored, GPtrArray **ret_flags, Status *st)
{
	int inbox = maildir_fd(box->inbox);
	auto_fd int dir = -1;
	auto_fd int fd = openat(inbox, stored->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		status_fail_errno(st, errno, "cannot open '%s'", stored->file);
		return NULL;
	}

	if (!fs_open_dir(inbox, *stored->folder != '\0' ? stored->folder : ".", &dir, st))
		return NULL;
	Message *message = message_from_file(fs_steal_fd(&fd), st);
	if (message != NULL)
		*ret_flags = maildir_flags_of(dir, stored->file);

	return message;
}

Message *
suite_box_stored(SuiteBox *box, const FolderRules *rules, const char *folder, guint64 n,
                 GPtrArray **ret_flags, Status *st)
{
	const char *why;
	g_autofree char *path = folder_path(rules, box->inbox, folder, &why);

	if (path == NULL) {
		status_fail_detail(st, STATUS_MISSING, "%s", why);
		return NULL;
	}

	for (guint i = 0; i < box->stored->len; i++) {
		const Stored *stored = box->stored->pdata[i];
		if (strcmp(stored->folder, path) != 0 || n-- > 0)
			continue;
		return open_stored(box, stored, ret_flags, st);
	}

	return NULL;
}

Message *
suite_box_sent(SuiteBox *box, guint64 n, const char **ret_sender, const char **ret_recipient)
{
	if (n >= box->sent->len)
		return NULL;
	const Sent *sent = box->sent->pdata[n];
	*ret_sender = sent->sender;
	*ret_recipient = sent->recipient;

	return message_ref(sent->message);
}

bool
suite_box_make_folder(SuiteBox *box, const FolderRules *rules, const char *name, Status *st)
{
	const char *why;
	g_autofree char *path = folder_path(rules, box->inbox, name, &why);
	if (path == NULL)
		return status_fail_detail(st, STATUS_MISSING, "%s", why);
	if (*path == '\0')
		return true;

	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Maildir) folder = NULL;
	if (!folder_open(box->inbox, rules, path, true, &folder, notes, st))
		return false;

	const char *note = notes->len > 0 ? notes->pdata[0] : "it could not be made";
	return folder != NULL || status_fail_detail(st, STATUS_MISSING, "%s", note);
}

bool
suite_box_remove_folder(SuiteBox *box, const FolderRules *rules, const char *name, Status *st)
{
	const char *why;
	g_autofree char *path = folder_path(rules, box->inbox, name, &why);
	if (path == NULL)
		return status_fail_detail(st, STATUS_MISSING, "%s", why);
	if (*path == '\0')
		return status_fail_detail(st, STATUS_MISSING, "the INBOX stays");
	if (!folder_exists(box->inbox, rules, name))
		return status_fail_detail(st, STATUS_MISSING, "there is no mailbox '%s'", name);

	g_autofree char *whole = g_build_filename(box->path, path, NULL);
	fs_remove_tree(whole);
	for (guint i = box->stored->len; i > 0; i--)
		if (strcmp(((const Stored *) box->stored->pdata[i - 1])->folder, path) == 0)
			g_ptr_array_remove_index(box->stored, i - 1);

	return true;
}
