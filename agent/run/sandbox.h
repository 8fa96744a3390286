/* SPDX-License-Identifier: MIT */
/*
 * sandbox: what the box of each of our processes lets through, by the settings (WHAT IS IN A BOX in
 * todoke(8); agent/base/box.h is how).
 */
#ifndef TODOKE_SANDBOX_H
#define TODOKE_SANDBOX_H

#include "agent/run/account.h"
#include "agent/run/recipes.h"

typedef enum {
	SANDBOX_DELIVERY, /* one delivery: the owner's mailbox */
	SANDBOX_SMALL,    /* the same by todoke-deliver, which may become todoke */
	SANDBOX_OWNER,    /* deliveries with one owner's rights: the tree, or the owner's home */
	SANDBOX_WORKER,   /* a worker of lmtpd that delivers by itself: the tree of all mailboxes */
	SANDBOX_FRONT,    /* talks with a client: no file but those of lmtp_spool */
} SandboxProcess;

/* Who enters. All is borrowed. */
typedef struct {
	SandboxProcess process;
	const Conf *conf;
	const Account *account; /* NULL: anybody's mail */
	const char *conf_path;  /* SANDBOX_SMALL: the file of the settings; NULL: the usual one */
	const char *queue_id;   /* for the log; NULL: not known */
	const RecipeCall *recipes; /* that run whatever the settings say; NULL: none */
} SandboxCall;

/*
 * Enter the box for good; once it is in force, another call does nothing. Before anything of the
 * message is read, and with the rights that the process will have. `account` is whose mail it is;
 * NULL: anybody's (SANDBOX_WORKER, SANDBOX_FRONT). Where the settings let rules run programs, a
 * starter (starter.h) stays outside. False: STATUS_CONFIG, sandbox = on cannot be had, by this
 * kernel or by the source of users; or the fault that a path met which the box should have let
 * through, or that kept the starter away.
 */
bool sandbox_enter(const SandboxCall *call, Status *st);

/*
 * A delivery in this process, or for it, has met `fault`. It may be the box: it knows the folders
 * that were there when it was closed, and not one that was mounted or moved to such a place since.
 */
void sandbox_note_fault(const Status *fault);

/*
 * Does this fault speak of a file in a place that was to be in the box, but was not there yet when
 * it was closed? Then nobody is to blame: the mail is put off, and a new process reads the file.
 */
bool sandbox_hides(const Status *fault);

/* May that be so? Then a process that lives on gives way to a new one, which the next try meets. */
bool sandbox_is_outgrown(void);

/*
 * Where this folder of the account's mailbox leads, if a delivery in its box may not write there;
 * NULL: it may, it is no folder, or such deliveries have a box for all paths, or none. Caller
 * frees.
 */
char *sandbox_leads_out(const Conf *conf, const Account *account, const char *path);

/* What the kernel can do, as "paths, ports, calls" or "nothing". Static. */
const char *sandbox_describe_kernel(void);

/*
 * What is in force of the box of such a process by the settings, for the log and people: "paths,
 * ports, calls", "off", and which programs are started outside. *ret_is_whole: it is all that these
 * settings can have. Caller frees.
 */
char *sandbox_describe(const Conf *conf, SandboxProcess process, bool *ret_is_whole);

#endif
