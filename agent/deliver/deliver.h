/*
 * deliver: carries a plan out.
 *
 * First everything is prepared: each copy is written and flushed under tmp. Then it is committed: the copies become
 * visible and their folders are flushed. Last goes what leaves this host. A fault in the first part leaves no mail
 * behind (folders that were made stay); one in the second takes back what was visible already. Both are answered with
 * the fault, and a retry does all of it.
 */
#ifndef TODOKE_DELIVER_H
#define TODOKE_DELIVER_H

#include "agent/base/status.h"
#include "agent/deliver/folder.h"
#include "agent/deliver/maildir.h"
#include "agent/message/envelope.h"
#include "agent/message/message.h"
#include "agent/plan/plan.h"
#include "conf/conf.h"

/* What is delivered, and where. All is borrowed but the draft. */
typedef struct {
	Message *message;
	Headers *headers;        /* what is stored where no rule edited it */
	Maildir *inbox;
	MaildirDraft *draft;     /* `message` with `headers`, written to the INBOX's tmp; NULL: not yet. deliver_run takes it. */
	const Conf *conf;
	const Envelope *envelope;
} DeliverJob;

/* One action that was carried out. */
typedef struct {
	const char *action;      /* "fileinto" */
	char *folder;            /* as people read it: "INBOX", "Work/Customers"; NULL: stored nowhere */
	char *file;              /* path below the INBOX */
	guint64 bytes;
} DeliverDone;

/* What became of a plan: for log, answer and record. */
typedef struct {
	GPtrArray *done;         /* DeliverDone, in the order of the plan */
	GPtrArray *notes;        /* char *: what went other than asked, but is no fault */
} DeliverReport;

void deliver_report_init(DeliverReport *report);
void deliver_report_clear(DeliverReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DeliverReport, deliver_report_clear)

/* Open the INBOX at `path` as the settings say. Faults of maildir_open. */
Maildir *deliver_open_inbox(const char *path, const Conf *conf, Status *st);

/* How this site names folders; borrows from `conf`. */
FolderRules deliver_folder_rules(const Conf *conf);

/*
 * Carry out `plan`. The deadline is stopped when the commit begins. An action that this program cannot carry out is
 * STATUS_CONFIG before anything is done. `report` (initialised) lists what was done; after a fault it has the notes
 * only.
 */
bool deliver_run(const Plan *plan, DeliverJob *job, DeliverReport *report, Status *st);

/* Below: what actions are made of (deliver-*.c). */

/* A plan on its way. */
typedef struct DeliverRun DeliverRun;

/* One action's own matter: deliver_run keeps it and frees it. */
typedef struct {
	const char *name;
	/* Do all that can fail and that nobody sees. *ret_step is the action's, freed by `free`; NULL: no later part. */
	bool (*prepare)(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st);
	bool (*commit)(DeliverRun *run, void *step, Status *st);
	/* Flush what commit made visible. */
	bool (*flush)(DeliverRun *run, void *step, Status *st);
	void (*take_back)(void *step);
	/* Append what was done to the report. */
	void (*report)(DeliverRun *run, const void *step, DeliverReport *report);
	void (*free)(void *step);
} DeliverAction;

struct DeliverRun {
	DeliverJob *job;
	DeliverReport *report;
	GPtrArray *folders;      /* Maildir: opened below the INBOX; outlive the steps */
	GPtrArray *stores;       /* of deliver-store.c, borrowed from the steps: copies with the same bytes are shared */
};

/* Append to the report; `folder` and `file` are taken over. */
void deliver_report_add(DeliverReport *report, const char *action, char *folder, char *file, guint64 bytes);

#endif
