/* SPDX-License-Identifier: MIT */
/*
 * lmtp-command: one line of the client into a command (RFC 2033, RFC 5321 4.1.1, RFC 1870, 3030,
 * 3461, 6152, 6531; Postfix's XCLIENT and XFORWARD). Pure: bytes in, values out.
 */
#ifndef TODOKE_LMTP_COMMAND_H
#define TODOKE_LMTP_COMMAND_H

#include "agent/lmtp/lmtp-reply.h"

typedef enum {
	LMTP_LHLO,
	LMTP_MAIL,
	LMTP_RCPT,
	LMTP_DATA,
	LMTP_BDAT,
	LMTP_RSET,
	LMTP_NOOP,
	LMTP_VRFY,
	LMTP_QUIT,
	LMTP_XFORWARD,
	LMTP_XCLIENT,
} LmtpVerb;

typedef enum { LMTP_BODY_7BIT, LMTP_BODY_8BITMIME, LMTP_BODY_BINARYMIME } LmtpBody;

/* What XFORWARD and XCLIENT say about the client behind the client. */
typedef enum {
	LMTP_ATTR_NAME,
	LMTP_ATTR_ADDR,
	LMTP_ATTR_HELO,
	LMTP_ATTR_IDENT, /* the queue id there */
	LMTP_ATTR_LOGIN, /* SASL login name */
	LMTP_ATTR_COUNT
} LmtpAttr;

/* Strings are owned; NULL means that the client did not say. */
typedef struct {
	LmtpVerb verb;
	/*
	 * MAIL, RCPT: without brackets and quotes, "" is the null sender; LHLO: the client's name
	 */
	char *address;
	guint64 size; /* MAIL SIZE=, BDAT: octets */
	LmtpBody body;
	bool utf8;      /* MAIL SMTPUTF8 */
	bool last;      /* BDAT LAST */
	char *ret;      /* MAIL RET=: "FULL" or "HDRS" */
	char *envid;    /* MAIL ENVID=, as xtext: it goes out again as it came */
	char *notify;   /* RCPT NOTIFY= */
	char *orcpt;    /* RCPT ORCPT=, as it came */
	char *original; /* the address in ORCPT */
	/*
	 * XFORWARD, XCLIENT: `said` are the attributes in the line; a NULL value is
	 * "[UNAVAILABLE]".
	 */
	char *attr[LMTP_ATTR_COUNT];
	bool said[LMTP_ATTR_COUNT];
} LmtpCommand;

/*
 * Whether an address may stand without <> around it; RFC 5321 has none, some programs that speak
 * LMTP write none.
 */
typedef enum { LMTP_PATHS_STRICT, LMTP_PATHS_BARE } LmtpPaths;

/*
 * Parse `line` (`len` octets, without its line end). False: *ret_refusal is the reply, and *ret is
 * empty but for `verb` where there is one: after a refused BDAT it is not known what follows. Free
 * with lmtp_command_clear.
 */
bool lmtp_command_parse(const char *line, size_t len, LmtpPaths paths, LmtpCommand *ret,
                        LmtpReplyId *ret_refusal);

void lmtp_command_clear(LmtpCommand *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LmtpCommand, lmtp_command_clear)

#endif
