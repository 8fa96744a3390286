/* SPDX-License-Identifier: MIT */
/*
 * limits: every bound on what an outsider controls, with unit and reason. Each has a test one over
 * and a line in todoke.conf(5) or todoke-limits(7). Bounds that a site may move are settings
 * (conf/conf-table.def); these are not.
 */
#ifndef TODOKE_LIMITS_H
#define TODOKE_LIMITS_H

/*
 * Bytes of a header block that are kept in memory and indexed; what follows is stored, but counts
 * as body. Room for 50,000 lines.
 */
#define LIMIT_HEADER_BYTES (8u * 1024 * 1024)

/*
 * Header fields that are indexed; what follows is stored, but counts as body. Each costs 32 bytes.
 */
#define LIMIT_HEADER_FIELDS 100000u

/*
 * Bytes read from the client or copied between files in one call: fewer system calls than stdio,
 * still in the cache.
 */
#define LIMIT_COPY_CHUNK (256u * 1024)

/*
 * Delivered-To lines that the loop check looks at; Postfix stops at 1,000 too
 * (local/delivered_hdr.c).
 */
#define LIMIT_DELIVERED_TO 1000u

/*
 * Octets of an address: RFC 5321 4.5.3.1 allows 64 for the local part, 255 for the domain and the
 * @; Postfix lets longer ones through, and this leaves room for them.
 */
#define LIMIT_ADDRESS_BYTES 1024u

/* Octets of a value in X-Todoke (add_reason): the line stays below the 998 of RFC 5322 2.1.1. */
#define LIMIT_REASON_VALUE 120u

/* Octets of one path component on every file system that we know. */
#define LIMIT_FILE_NAME 255u

/* Octets of a host's name (HOST_NAME_MAX of Linux) that become part of a file name. */
#define LIMIT_HOST_NAME 64u

/* Octets of a folder's name in a rule, and its levels; Dovecot accepts 20 levels too. */
#define LIMIT_FOLDER_NAME 1024u
#define LIMIT_FOLDER_LEVELS 20u

/*
 * Bytes of a small file that is read and rewritten as a whole: subscriptions, dovecot-keywords, the
 * ids of formail -D.
 */
#define LIMIT_SMALL_FILE (1024u * 1024)

/* Octets of a keyword that becomes a line of dovecot-keywords. */
#define LIMIT_KEYWORD 128u

/*
 * Milliseconds to wait for another program's lock on a small file, and seconds after which the lock
 * counts as left behind by a dead program (Dovecot's value).
 */
#define LIMIT_LOCK_WAIT_MS 2000u
#define LIMIT_LOCK_STALE_S 120

/*
 * Milliseconds to wait for another delivery of the same message to the same folder, which stores
 * and flushes it meanwhile.
 */
#define LIMIT_CLAIM_WAIT_MS 30000u

/*
 * Seconds after which a file in tmp counts as left behind by a program that died: 36 hours, as the
 * Maildir specification says.
 */
#define LIMIT_TMP_AGE_SECONDS 129600

/*
 * Octets of a header that are compared to tell one arrival of a message from another: the newest
 * Received field is at the top.
 */
#define LIMIT_ARRIVAL_HEADER (64u * 1024)

/* Bytes of output that Postfix reads from a command, and of text on success that pipe(8) shows. */
#define LIMIT_ANSWER_BYTES 2000u
#define LIMIT_ANSWER_OK_BYTES 100u

/* Bytes of one log line: syslog(3) and journald cut longer ones. */
#define LIMIT_LOG_LINE 4000u

/*
 * Octets of one value in a log line, after escapes: a sender's address must not push the outcome
 * out of the line. Addresses fit (RFC 5321: 320).
 */
#define LIMIT_LOG_VALUE 500u

/*
 * Octets of text= in a log line that is not about a message: it may list all problems of a
 * configuration.
 */
#define LIMIT_LOG_TEXT 3500u

/*
 * Octets of the peer, of the command and of the reply that the log shows for a failure of another
 * program or host. A reply line of SMTP has at most 512 (RFC 5321 4.5.3.1.5).
 */
#define LIMIT_OUTSIDE_TEXT 1000u

/*
 * Failures of other programs and hosts that one delivery logs, numbered in its line; the first is
 * the cause.
 */
#define LIMIT_OUTSIDE_FAILURES 5u

/*
 * Octets of a queue id or a Message-ID: a longer word is not taken for one (RFC 5322 2.1.1: a line
 * has 998).
 */
#define LIMIT_QUEUE_ID 64u
#define LIMIT_MESSAGE_ID 998u

/*
 * Bytes of a passwd-like file: 100,000 users of 160 octets. It is read as a whole for each
 * delivery.
 */
#define LIMIT_PASSWD_FILE (16u * 1024 * 1024)

/*
 * Octets of what a source of users answers for one user, and users whose answers a process keeps
 * (users_cache).
 */
#define LIMIT_USERS_ANSWER (64u * 1024)
#define LIMIT_USERS_CACHED 10000u

/* Aliases of a source of users that lead to each other before an account is found. */
#define LIMIT_ALIAS_HOPS 5u

/*
 * Symbolic links of root that are resolved on the way to the owner of a mailbox: as many as Linux
 * follows.
 */
#define LIMIT_OWNER_LINKS 40u

/*
 * Bytes of a file of an external list (RFC 6134). It is read as a whole by the first script that
 * uses it.
 */
#define LIMIT_LIST_FILE (16u * 1024 * 1024)

/*
 * Steps of one PCRE2 match, and kilobytes of its heap: a stranger's pattern or value must not hold
 * up the delivery.
 */
#define LIMIT_REGEX_STEPS 1000000u
#define LIMIT_REGEX_HEAP_KB 16384u

/* Octets of a pattern: longer ones are not written by hand, and take time to compile. */
#define LIMIT_REGEX_PATTERN_BYTES 16384u

/* Groups of a match that are reported; patterns may have more. */
#define LIMIT_REGEX_GROUPS 100u

/*
 * Marks of ours whose HMAC is computed for one message: a sender may forge thousands. Real mail has
 * fewer, as hop limits are smaller.
 */
#define LIMIT_MARKS 100u

/*
 * Bytes of the record of marked mail in an owner's state before it is put aside as old: some
 * 400,000 deliveries.
 */
#define LIMIT_MARK_HISTORY (64u * 1024 * 1024)

/* Such records in one state that are read: each host that shares the folder has up to two. */
#define LIMIT_MARK_FILES 128u

/*
 * Octets of one text in the record, and octets of a line of it after which no more items of lists
 * are added: what a stranger writes into a header cannot fill an owner's disk.
 */
#define LIMIT_RECORD_VALUE 512u
#define LIMIT_RECORD_LINE 8192u

/*
 * Tests that the record and `todoke why` show around the one that led to an action: those nearest
 * to it. Also conditions of one list (allof, anyof) that are remembered while it is tested, and
 * rules that are named as having edited the header.
 */
#define LIMIT_PLAN_TESTS 8u

/*
 * Milliseconds that a shadow script may take behind a delivery, which waits so long for it: enough
 * for any script that is no loop, and little beside Postfix's limits.
 */
#define LIMIT_SHADOW_MS 2000u

/* Octets of a body that todoke test --capture puts into a test, which people read. */
#define LIMIT_CAPTURED_BYTES (256u * 1024)

/*
 * What `todoke why` reads to join logs with the record: octets from the end of a log, entries from
 * the end of the journal, octets of a line, and of its head before the program's name; ids that it
 * follows, and lines that it keeps.
 */
#define LIMIT_WHY_LOG_BYTES (128u * 1024 * 1024)
#define LIMIT_WHY_JOURNAL_LINES 400000u
#define LIMIT_WHY_LOG_LINE 8192u
#define LIMIT_WHY_LOG_HEAD 300u
#define LIMIT_WHY_IDS 200u
#define LIMIT_WHY_LOG_LINES 2000u

/* Octets of the file that remembers where todoke why has seen mail, before it starts anew. */
#define LIMIT_SIGHTINGS (1024u * 1024)

/* Accounts that a command looks through when it is told no names. */
#define LIMIT_LISTED_ACCOUNTS 100000u

/* Octets of a line of the record that readers accept: a longer one was not written by us. */
#define LIMIT_RECORD_LINE_READ (256u * 1024)

/* Different folders, rules and domains, of each kind, that todoke stats tells apart. */
#define LIMIT_STATS_NAMES 10000u

/*
 * To find out whether a copy of mail that came back is still here: copies that are looked for, file
 * names that are looked at, files that are read, and octets of an mbox. If none is found within
 * these bounds, the mail is delivered.
 */
#define LIMIT_KEPT_COPIES 20u
#define LIMIT_KEPT_FILES 100000u
#define LIMIT_KEPT_READS 100u
#define LIMIT_KEPT_MBOX (1024u * 1024 * 1024)

/*
 * Mail that was taken out of the mailbox that it goes to, while the file is still there. Seconds
 * that it waits in a queue until it is taken for mail that nobody deletes: the longest session in
 * which a program fetches all of a mailbox, as POP3 deletes at its end. And seconds for which such
 * mail is put off where no queue holds it, but the program brings it anew each time; then it is
 * delivered.
 */
#define LIMIT_FETCH_WAIT_SECONDS 7200u
#define LIMIT_FETCH_PUT_OFF_SECONDS 86400u

/*
 * Pieces of evidence that a loop verdict keeps, and octets of a header line that it shows. The
 * others are counted.
 */
#define LIMIT_LOOP_EVIDENCE 20u
#define LIMIT_LOOP_LINE_BYTES 120u

/* Octets of a key file: two keys are usual, a few more are left from rotation. */
#define LIMIT_KEY_FILE_BYTES 16384u

/*
 * Milliseconds that the patterns of all header rules may take for one message; patterns that have
 * not been tried by then count as not matching, and this is noted.
 */
#define LIMIT_RULE_MS 2000u

/* Edits of header rules that are listed one by one; the others are made and counted. */
#define LIMIT_RULE_EVENTS 50u
/* Bytes of the site's file of texts, and of each text in it. */
#define LIMIT_TEXTS_FILE_BYTES (64u * 1024)
#define LIMIT_TEXT_BYTES 4000u
/* Bytes of todoke.conf and of each file that it includes, and problems in them that are listed. */
#define LIMIT_CONF_BYTES (256u * 1024)
#define LIMIT_CONF_PROBLEMS 100u
/* Folders of mailboxes of which a server knows that they were there a second ago. */
#define LIMIT_TREES_KEPT 1000u

/*
 * Files of one configuration, and how deep they include each other: a file that includes itself
 * ends here.
 */
#define LIMIT_CONF_FILES 200u
#define LIMIT_CONF_DEPTH 10u
/* Octets of a word for which "did you mean" is tried: a longer one is not a misspelling. */
#define LIMIT_NEAREST_WORD 64u
/*
 * Octets of an LMTP command line with its line end: RFC 5321 says 512 and extensions add to it;
 * Postfix uses 2,048 itself.
 */
#define LIMIT_LMTP_LINE 8192u

/*
 * Clients that read metrics at once (the one that came first is closed for one more), seconds that
 * one has, and octets of its request: a scraper sends some 500, and needs milliseconds.
 */
#define LIMIT_METRICS_CLIENTS 16u
#define LIMIT_METRICS_SECONDS 5
#define LIMIT_METRICS_REQUEST 8192u

/* Octets of an LMTP reply line with its CRLF (RFC 5321 4.5.3.1.5). */
#define LIMIT_LMTP_REPLY_LINE 512u

/*
 * Recipients of one LMTP transaction: RFC 5321 4.5.3.1.8 wants 100, Postfix sends 50. RCPT beyond
 * that is deferred (4.5.3).
 */
#define LIMIT_LMTP_RECIPIENTS 1000u

/*
 * Wrong commands, and commands that lead nowhere, before an LMTP session is closed: as Postfix's
 * smtpd_hard_error_limit.
 */
#define LIMIT_LMTP_ERRORS 20u
#define LIMIT_LMTP_IDLE_COMMANDS 100u

/*
 * Octets of an ESMTP parameter's value: 500 for ORCPT, 100 for ENVID (RFC 3461); 255 and a prefix
 * for XCLIENT and XFORWARD.
 */
#define LIMIT_LMTP_ORCPT 500u
#define LIMIT_LMTP_ENVID 100u
#define LIMIT_LMTP_ATTRIBUTE 255u

/*
 * Bytes of a message that lmtpd keeps in memory until it is delivered; a bigger one goes to a file.
 * Of as many as LIMIT_LMTP_SPOOL_FEW not even a file in memory is made: that costs more than to
 * copy them from process to process.
 */
#define LIMIT_LMTP_SPOOL_FEW (32u * 1024)
#define LIMIT_LMTP_SPOOL_MEMORY (1024u * 1024)

/*
 * Seconds that lmtpd as root searches for the owner of a mailbox, which takes a few calls: where it
 * takes longer, the file system hangs. In the same place the next search gets less for a while, so
 * many seconds; and so many such places are remembered.
 */
#define LIMIT_LMTP_SEARCH 30u
#define LIMIT_LMTP_SEARCH_AGAIN 1u
#define LIMIT_LMTP_STUCK 60u
#define LIMIT_LMTP_STUCK_PLACES 1000u

/*
 * Seconds that lmtpd as root believes in the owner whom a search has found, unless a delivery fails
 * before, and where the folder above could not be marked, and in a recipient whom a source of users
 * has named; and so many answers are kept.
 */
#define LIMIT_LMTP_FOUND 5u
#define LIMIT_LMTP_FOUND_UNMARKED 1u
#define LIMIT_LMTP_FOUND_KEPT 1000u

/*
 * Seconds after which a delivery process of lmtpd is replaced, however busy: its owner's groups are
 * those that the system named when it began.
 */
#define LIMIT_LMTP_DELIVERY_LIFE 600u

/*
 * Bytes of a log or bounce that `todoke code` reads, meanings that it prints, bytes of a log line
 * or paragraph that it explains, bytes of a server's words that it shows, and lines of a log or
 * paragraphs that it looks at.
 */
#define LIMIT_CODE_FILE_BYTES (4u * 1024 * 1024)
#define LIMIT_CODE_MEANINGS 30u
#define LIMIT_CODE_NEAR_BYTES 2000u
#define LIMIT_CODE_SAID_BYTES 500u
#define LIMIT_CODE_UNITS 20000u
/*
 * Levels of nested MIME parts that are read, and parts. Real mail has up to ten levels; these bound
 * the time of a delivery.
 */
#define LIMIT_MIME_DEPTH 100u
#define LIMIT_MIME_PARTS 1000u

/*
 * Bytes of one part's header (what follows is body), and of one Content-Type or Content-Disposition
 * value that is read.
 */
#define LIMIT_MIME_PART_HEADER (256u * 1024)
#define LIMIT_MIME_VALUE (8u * 1024)

/* Octets of a MIME boundary: RFC 2046 allows 70, some mail programs write longer ones. */
#define LIMIT_MIME_BOUNDARY 255u

/*
 * Addresses that are read from one field, and octets of a name. Postfix's header_size_limit
 * (102,400) holds some 5,000.
 */
#define LIMIT_ADDRESSES 10000u
#define LIMIT_ADDRESS_NAME 4096u
/*
 * Levels of blocks and of tests in a Sieve script (RFC 5228 2.10.7 asks for 15 at least): the
 * parser and the runner use the stack.
 */
#define LIMIT_SIEVE_NESTING 32u

/* Octets of a string in a script after its escapes: room for what a rule compares or says. */
#define LIMIT_SIEVE_STRING_BYTES (64u * 1024)

/* Octets of a word (command, test, tag, variable): the longest in any RFC has 24. */
#define LIMIT_SIEVE_WORD_BYTES 64u

/* Arguments of one command; the richest (vacation with fcc) takes 21. */
#define LIMIT_SIEVE_ARGUMENTS 32u

/* Problems that are reported for one script: a file that is not a script would fill the screen. */
#define LIMIT_SIEVE_PROBLEMS 100u

/*
 * Comparisons of tests and keys that are made for warnings about a script: 1,000 rules, each with
 * all before it.
 */
#define LIMIT_SIEVE_WARN_EFFORT 2000000u

/* Match variables ${0} to ${31} (RFC 5229 3.2 asks for 10). */
#define LIMIT_SIEVE_CAPTURES 32u

/* Octets of the name of an included script: RFC 5804 1.6 asks for 128 characters of UTF-8. */
#define LIMIT_SIEVE_SCRIPT_NAME 512u

/*
 * Edits of the header by the scripts of one message: each makes a new list that keeps the previous
 * one in memory.
 */
#define LIMIT_SIEVE_EDITS 1000u

/* Header fields that one mailto URI sets: a notice is short (Pigeonhole allows 16 too). */
#define LIMIT_MAILTO_FIELDS 16u

/* Members of an external list that one redirect :list sends to: a rule is not a mailing list. */
#define LIMIT_LIST_REDIRECTS 100u
/*
 * Loops of foreverypart within one another (RFC 5703 3 asks for 2): each level may visit all parts
 * again.
 */
#define LIMIT_SIEVE_LOOPS 4u

/* Times that one run replaces, encloses or filters the message: each writes it again. */
#define LIMIT_SIEVE_REPLACES 100u

/*
 * Octets of decoded parts that are cached for later body tests of a run, beyond which parts are
 * decoded again; and of what tells those tests that a word is not in a part.
 */
#define LIMIT_SIEVE_PART_CACHE (64u * 1024 * 1024)
#define LIMIT_SIEVE_GRAMS (32u * 1024 * 1024)

/*
 * Arguments of a program (spec-bosch-sieve-extprograms 4 asks for 16), and octets of its name (128
 * characters).
 */
#define LIMIT_SIEVE_PROGRAM_ARGUMENTS 64u
#define LIMIT_SIEVE_PROGRAM_NAME 512u

/* Bytes of main.cf or master.cf that `todoke setup` keeps for --undo. */
#define LIMIT_POSTFIX_FILE_BYTES (4u * 1024 * 1024)

/* Accounts of the system that `todoke setup` looks at, and names that it prints in one finding. */
#define LIMIT_SETUP_ACCOUNTS 10000u
#define LIMIT_SETUP_NAMES 20u

/*
 * Files that `todoke setup home` copies of one folder that is shared, and how deep it looks for
 * them.
 */
#define LIMIT_SETUP_HOME_FILES 1000u
#define LIMIT_SETUP_HOME_DEPTH 8u

/*
 * What `todoke doctor` allows: seconds for one user, seconds for one program that it runs, and
 * octets of what that program prints or of one user's findings.
 */
#define LIMIT_DOCTOR_USER_S 300u
#define LIMIT_DOCTOR_PROGRAM_S 20u
#define LIMIT_DOCTOR_OCTETS (4u * 1024 * 1024)

/*
 * `todoke convert dovecot`: octets of what doveconf printed (several tens of KB on a big site), how
 * deep its blocks may be nested (three levels in practice), how many there are, and how many
 * settings.
 */
#define LIMIT_DOVECOT_OCTETS (4u * 1024 * 1024)
#define LIMIT_DOVECOT_DEPTH 16
#define LIMIT_DOVECOT_BLOCKS 1000
#define LIMIT_DOVECOT_SETTINGS 10000

/*
 * `todoke convert maildrop` and `convert fdm`: how deep blocks, parentheses and nested actions may
 * be, how many variables or macros and named actions a file has, and octets of a text whose
 * variables are filled in: each may double the one before.
 */
#define LIMIT_FOREIGN_DEPTH 64u
#define LIMIT_FOREIGN_NAMES 500u
#define LIMIT_FOREIGN_TEXT 8192u

/*
 * Octets of Postfix's list of its queue that `todoke doctor` reads, some 50,000 mails; and
 * addresses whose waiting mail it tells one by one.
 */
#define LIMIT_DOCTOR_QUEUE_OCTETS (16u * 1024 * 1024)
#define LIMIT_DOCTOR_WAITING 20u

/*
 * Names in one mailbox that `todoke doctor` looks at, and files that one of its commands renames.
 */
#define LIMIT_DOCTOR_NAMES 2000000u
#define LIMIT_DOCTOR_RENAMES 20u

/*
 * Octets of a bounce in which a redirect looks for the address that refused the mail: reports name
 * it before they repeat the message.
 */
#define LIMIT_REPORT_LOOK_BYTES (64u * 1024)

/*
 * Octets of a program's standard error that are kept for the log: its first lines say what is
 * wrong.
 */
#define LIMIT_CHILD_ERRORS 2000u

/*
 * Octets of the arguments and the environment with which a process in the box may ask for a
 * program; Linux takes a quarter of the stack's limit, 2 MB.
 */
#define LIMIT_STARTER_REQUEST (4u * 1024 * 1024)

/* Arguments of a program that a rule runs, and octets of all of them. */
#define LIMIT_PROGRAM_ARGUMENTS 64u
#define LIMIT_PROGRAM_ARGUMENT_BYTES (32u * 1024)

/*
 * Octets of one reply line of the SMTP server (RFC 5321 4.5.3.1.5 says 512), and lines of one
 * reply.
 */
#define LIMIT_SMTP_REPLY_LINE 2000u
#define LIMIT_SMTP_REPLY_LINES 100u

/*
 * Seconds to wait for the answer to the end of a message, if the delivery has the time (RFC 5321
 * 4.5.3.2.6: 10 minutes).
 */
#define LIMIT_SUBMIT_END_SECONDS 600u

/* Seconds that a retry waits for an earlier try of the same message that is still at work. */
#define LIMIT_TRY_WAIT_SECONDS 10u

/*
 * Octets of one value in the state: the last working version of a script, or the steps of one
 * message.
 */
#define LIMIT_STATE_VALUE (4u * 1024 * 1024)

/* Octets of a state that `try` copies: a state takes years to grow beyond that. */
#define LIMIT_STATE_COPY (64u * 1024 * 1024)

/* Milliseconds to wait for another process that is writing the state. */
#define LIMIT_STATE_WAIT_MS 2000u

/*
 * Ids in the References field of a reply; older ones are left out, the first stays (RFC 5322 3.6.4
 * wants the thread's root).
 */
#define LIMIT_REFERENCES 20u

/*
 * Octets of a Message-ID that a reply refers to: a longer one does not fit a line of mail (RFC 5322
 * 2.1.1).
 */
#define LIMIT_MESSAGE_ID_BYTES 512u

/* Recipients of one notice, and octets of its text. */
#define LIMIT_NOTICE_RECIPIENTS 8u
#define LIMIT_NOTICE_BYTES (64u * 1024)

/* Characters of a field of the message that its notice repeats. */
#define LIMIT_NOTICE_FIELD 1000u

/* Octets of a message that an abuse report contains whole: the report is composed in memory. */
#define LIMIT_REPORT_BYTES (32u * 1024 * 1024)

/* Octets of the text of a reject in an SMTP reply. */
#define LIMIT_REJECT_TEXT 1000u
/*
 * Octets of an expression of a recipe (procmail's LINEBUF is 2,048), levels of its groups, and
 * steps of a search: a few seconds at worst.
 */
#define LIMIT_RECIPE_PATTERN_BYTES 8192u
#define LIMIT_RECIPE_PATTERN_DEPTH 200u
#define LIMIT_RECIPE_PATTERN_STEPS 500000000u

/*
 * Bytes of a text that are kept in lower case too, to see quickly which expressions of recipes
 * cannot match it.
 */
#define LIMIT_RECIPE_PREPARED_BYTES (4u * 1024 * 1024)

/*
 * Levels of blocks and of included files, copies of a run that a block with `c` makes, and recipes
 * that one run tries.
 */
#define LIMIT_RECIPE_NESTING 64u
#define LIMIT_RECIPE_CLONES 32u
#define LIMIT_RECIPE_TRIED 100000u

/*
 * Octets of a variable of a recipe, and of what a program prints into one; and of a message that
 * recipes look into or filter.
 */
#define LIMIT_RECIPE_VALUE_BYTES (1024u * 1024)
#define LIMIT_RECIPE_MESSAGE_BYTES (256u * 1024 * 1024)

/* Matches of one expression that a score counts. */
#define LIMIT_RECIPE_SCORE_MATCHES 1000000u

/*
 * Octets of an rc file or one that it includes, of a remark of recipes in the log, and remarks for
 * one message.
 */
#define LIMIT_RECIPE_FILE_BYTES (1024u * 1024)
#define LIMIT_RECIPE_NOTE_BYTES 300u
#define LIMIT_RECIPE_NOTES 4u

/* Problems that are reported for one rc file, and included files that a check reads. */
#define LIMIT_RECIPE_PROBLEMS 100u
#define LIMIT_RECIPE_CHECKED_FILES 64u

/*
 * Results of Authentication-Results fields that are read in one message; a field with more
 * is ignored.
 */
#define LIMIT_AUTH_RESULTS 100u

/* Octets of a file with annotations of mailboxes; a bigger one is not read. */
#define LIMIT_METADATA_BYTES (4u * 1024 * 1024)

/* Octets of the scripts' part in the trace of one delivery. */
#define LIMIT_TRACE_BYTES (4u * 1024 * 1024)

/*
 * Bytes of a mailbox's maildirsize file; for a longer one the mailbox is counted again and the file
 * replaced (Maildir++).
 */
#define LIMIT_MAILDIRSIZE 5120u

/* Octets of an answer of Dovecot's quota-status. */
#define LIMIT_QUOTA_ANSWER 2000u

/*
 * libsieve, the second engine, runs in a process of its own (filters/libsieve). Seconds of
 * processor that it may use, seconds until it is killed, and octets of its address space: a script
 * of 500 rules takes 2 ms and 3 MB, its faults take all they can get.
 */
#define LIMIT_LIBSIEVE_CPU_S 2u
#define LIMIT_LIBSIEVE_WALL_S 5u
#define LIMIT_LIBSIEVE_MEMORY (256u * 1024 * 1024)

/*
 * Octets of libsieve's input (script and values), of the values in that, and of one value that a
 * pattern looks at, as patterns backtrack.
 */
#define LIMIT_LIBSIEVE_REQUEST (8u * 1024 * 1024)
#define LIMIT_LIBSIEVE_VALUES (1024u * 1024)
#define LIMIT_LIBSIEVE_PATTERN_VALUE 4096u

/*
 * Octets of each half of an address that libsieve reads (at 255 it writes beyond its memory), and
 * addresses that one test sees.
 */
#define LIMIT_LIBSIEVE_ADDRESS_HALF 200u
#define LIMIT_LIBSIEVE_ADDRESSES 1000u

/*
 * In a script that libsieve runs: commands, strings in a list, stars in a :matches key besides one
 * at its end.
 */
#define LIMIT_LIBSIEVE_COMMANDS 2000u
#define LIMIT_LIBSIEVE_STRINGS 1000u
#define LIMIT_LIBSIEVE_STARS 2u

/*
 * How often the rules may crash, or run past the deadline, over one message before it is delivered
 * to the INBOX without them, and for how many seconds a crash counts.
 */
#define LIMIT_CRASHES 3u
#define LIMIT_CRASH_AGE 604800

#endif
