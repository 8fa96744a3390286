/* SPDX-License-Identifier: MIT */
/* loop: findings about header lines, and the verdict that the worst of them makes. */
#include "agent/message/loop.h"

#include "agent/base/limits.h"
#include "agent/message/received.h"

#include <string.h>

enum { HOST_SHOWN_BYTES = 64 };

static const struct {
	const char *name;
	const char *setting;
} kinds[LOOP_KIND_COUNT] = {
	[LOOP_NONE] = { "none", NULL },
	[LOOP_COPIED] = { "copied", "hostnames" },
	[LOOP_RETURNED] = { "returned", "return_limit" },
	[LOOP_UNKNOWN] = { "unknown", "unknown_stamp" },
	[LOOP_RETURNED_OFTEN] = { "returned-often", "return_limit" },
	[LOOP_KEPT] = { "kept", NULL },
	[LOOP_TAKEN_OUT] = { "taken-out", NULL },
	[LOOP_DISPOSED] = { "disposed", NULL },
	[LOOP_PASSED] = { "passed", "loop_action" },
	[LOOP_STAMPED] = { "stamped", "loop_action" },
	[LOOP_HOPS] = { "hops", "hop_limit" },
};

/* What one line says: the verdict that it would make if it were alone. */
typedef struct {
	LoopKind kind;
	const HeaderField *field;
	LoopWriter writer;
	char *how;
} Finding;

typedef struct {
	const Headers *headers;
	const LoopSettings *settings;
	bool is_try;
	LoopVerdict *verdict;
	GArray *hops;  /* Received, top to bottom */
	size_t top;    /* index of the newest Received: what stands above is this hop's */
	size_t stored; /* marks before this index are those of the delivery that stored the file */
	GPtrArray *names; /* of this host, as address_host makes them */
	const char *recipient;
	bool has_own_mark; /* one with a right HMAC has been seen */
	GArray *findings;  /* Finding */
	unsigned found[LOOP_KIND_COUNT];
	/* index of the last Received below which a return was counted; 0: none */
	size_t counted_hop;
	/* how the newest Received names this host; NULL: as any host may call itself */
	const char *own_name;
	unsigned bare; /* Delivered-To lines below which nothing was received */
} Judge;

const char *
loop_kind_name(LoopKind kind)
{
	return kinds[kind].name;
}

const char *
loop_answer_name(LoopAnswer answer)
{
	static const char *const names[] = { "deliver", "loop", "return", "here", "put off" };
	return names[answer];
}

const char *
loop_writer_name(LoopWriter writer)
{
	static const char *const names[LOOP_WRITER_COUNT] = { "this hop", "this host, earlier",
		                                              "another host", "unknown" };
	return names[writer];
}

static void
clear_hop(void *hop)
{
	received_clear(hop);
}

static void
clear_finding(void *finding)
{
	g_free(((Finding *) finding)->how);
}

static void
free_evidence(void *data)
{
	LoopEvidence *evidence = data;
	g_free(evidence->text);
	g_free(evidence->how);
	g_free(evidence);
}

void
loop_verdict_free(LoopVerdict *verdict)
{
	if (verdict == NULL)
		return;
	g_free(verdict->why);
	g_ptr_array_unref(verdict->evidence);
	g_free(verdict);
}

static const Received *
hop_at(const Judge *judge, size_t i)
{
	return &g_array_index(judge->hops, Received, i);
}

/* Takes `how`. */
static void
add_finding(Judge *judge, LoopKind kind, const HeaderField *field, LoopWriter writer, char *how)
{
	Finding finding = { kind, field, writer, how };
	g_array_append_val(judge->findings, finding);
	judge->found[kind]++;
}

/* Count all Received lines, and read those that a mail under the limit may have. */
static void
read_hops(Judge *judge)
{
	size_t next = 0;
	for (const HeaderField *field;
	     (field = headers_next(judge->headers, "Received", &next)) != NULL;) {
		if (judge->verdict->hops++ <= judge->settings->hop_limit) {
			Received hop;
			received_init(&hop, field, next - 1);
			g_array_append_val(judge->hops, hop);
		}
	}
}

/*
 * The newest Received is the one with this hop's queue id, else the first. A header without any
 * (somebody strips them) begins with this hop's stamp all the same, if with any.
 */
static void
find_top(Judge *judge, const char *queue_id)
{
	size_t newest = 0;

	for (size_t i = 0; queue_id != NULL && *queue_id != '\0' && i < judge->hops->len; i++) {
		const char *id = hop_at(judge, i)->id;
		if (id != NULL && strcmp(id, queue_id) == 0) {
			newest = i;
			break;
		}
	}

	if (judge->hops->len > 0) {
		judge->top = hop_at(judge, newest)->index;
		const char *by = hop_at(judge, newest)->by;
		judge->own_name = by;
		if (by != NULL)
			g_ptr_array_add(judge->names, g_strdup(by));
		return;
	}

	size_t pos = 0;
	judge->top = headers_next(judge->headers, "Delivered-To", &pos) != NULL ? pos : 0;
}

/*
 * With no Received line a stored file begins with what its delivery wrote, down to the mark
 * (transact_stamp()): everything below that mark was in the message before.
 */
static size_t
end_of_own_stamp(const Headers *headers)
{
	static const char *const before[] = { "Return-Path", "X-Original-To", "Delivered-To" };

	for (size_t i = headers_top(headers); i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		bool is_before = false;
		if (header_field_is(field, MARK_FIELD))
			return i + 1;
		for (size_t n = 0; n < G_N_ELEMENTS(before); n++)
			is_before |= header_field_is(field, before[n]);
		if (!is_before)
			break;
	}

	return 0;
}

/* Of a rehearsal: a delivery's own mail has no mark of its own yet. */
static void
find_stored(Judge *judge)
{
	if (judge->is_try)
		judge->stored = judge->hops->len > 0 ? judge->top
		                                     : end_of_own_stamp(judge->headers);
}

/*
 * A name without a dot is no proof: many machines have the same one. Postfix's own is in the newest
 * Received anyway.
 */
static void
add_name(Judge *judge, const char *host)
{
	if (host == NULL || strchr(host, '.') == NULL)
		return;

	g_autofree char *name = address_host(host);
	if (received_names_a_host(name))
		g_ptr_array_add(judge->names, g_steal_pointer(&name));
}

static void
collect_names(Judge *judge)
{
	const LoopSettings *settings = judge->settings;

	for (size_t i = 0; settings->hostnames != NULL && settings->hostnames[i] != NULL; i++)
		g_ptr_array_add(judge->names, address_host(settings->hostnames[i]));
	add_name(judge, settings->given_name);
	add_name(judge, settings->system_name);
}

static bool
is_this_host(const Judge *judge, const char *name)
{
	for (size_t i = 0; name != NULL && i < judge->names->len; i++)
		if (strcmp(judge->names->pdata[i], name) == 0)
			return true;
	return false;
}

static char *
print_time(gint64 time)
{
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(time);
	return when != NULL ? g_date_time_format(when, "%Y-%m-%d %H:%M UTC")
	                    : g_strdup("an unknown day");
}

/* What a mark says was done. */
static const char *
describe_kind(MarkKind kind)
{
	static const char *const texts[MARK_KIND_COUNT] = {
		[MARK_STORED] = "stored",
		[MARK_PASSED] = "passed on",
		[MARK_COPIED] = "kept and passed on",
		[MARK_REDIRECTED] = "redirected",
	};
	return texts[kind];
}

/* A mark whose HMAC is right, of this time. */
static void
judge_valid_mark(Judge *judge, const HeaderField *field, const Mark *mark)
{
	LoopClaims *claims = &judge->verdict->claims;
	g_autofree char *when = print_time(mark->time);
	const char *covers = mark->version == 1
	                             ? "recipient, but of version 1, which does not cover the body"
	                             : "recipient and body";

	add_finding(judge, LOOP_NONE, field, LOOP_BY_US,
	            g_strdup_printf("our mark, with a valid key, for this %s: %s, %s", covers,
	                            describe_kind(mark->kind), when));

	if (!claims->proven)
		claims->line = field->line;
	claims->proven = true;
	claims->proven_body |= mark->version != 1;
}

/* What a mark that proves nothing tells all the same. */
static void
take_claims(Judge *judge, const HeaderField *field, MarkCheck check, const Mark *mark)
{
	LoopClaims *claims = &judge->verdict->claims;
	bool of_others = check == MARK_FOREIGN_KEY || check == MARK_OTHER;

	claims->any = true;
	claims->claimed |= check != MARK_FOREIGN_KEY && check != MARK_MALFORMED;
	claims->kept_elsewhere |= of_others &&
	                          (mark->kind == MARK_STORED || mark->kind == MARK_COPIED);
	if (claims->line == 0)
		claims->line = field->line;
}

/* The topmost mark with a right HMAC, field number `i`, says what was done to this copy. */
static void
take_last_deed(Judge *judge, MarkCheck check, const Mark *mark, size_t i)
{
	LoopClaims *claims = &judge->verdict->claims;
	bool right = check == MARK_VALID || check == MARK_EXPIRED || check == MARK_FUTURE;
	if (!right || judge->has_own_mark)
		return;

	judge->has_own_mark = true;
	claims->stored = mark->kind == MARK_STORED;
	claims->queued = judge->hops->len > 0 && hop_at(judge, 0)->index < i &&
	                 hop_at(judge, 0)->program == NULL;
}

static void
judge_mark(Judge *judge, const HeaderField *field, size_t i, const char *subject)
{
	static const struct {
		LoopWriter writer;
		const char *how;
	} ignored[MARK_CHECK_COUNT] = {
		[MARK_EXPIRED] = { LOOP_BY_US,
		                   "our mark, but older than mark_lifetime: proves nothing" },
		[MARK_FUTURE] = { LOOP_BY_US, "our mark, but from the future: proves nothing" },
		[MARK_OTHER] = { LOOP_BY_UNKNOWN,
		                 "a mark for another recipient, message or body, or a forged one: "
		                 "proves nothing here" },
		[MARK_FOREIGN_KEY] = { LOOP_BY_UNKNOWN,
		                       "a mark made with a key that is not this owner's: proves "
		                       "nothing" },
		[MARK_MALFORMED] = { LOOP_BY_UNKNOWN,
		                     "not a mark as we write them: proves nothing" },
	};
	const LoopSettings *settings = judge->settings;
	g_autofree char *value = header_field_value(field);
	Mark mark = { MARK_STORED, 0, 0 };
	MarkCheck check = mark_check(settings->keys, value, subject, settings->print, settings->now,
	                             settings->mark_lifetime, &mark);

	judge->verdict->forwarded |= mark.kind != MARK_STORED;
	if (check == MARK_VALID)
		judge_valid_mark(judge, field, &mark);
	else
		add_finding(judge, LOOP_NONE, field, ignored[check].writer,
		            g_strdup(ignored[check].how));

	take_claims(judge, field, check, &mark);
	take_last_deed(judge, check, &mark, i);
}

static void
judge_marks(Judge *judge, const char *recipient)
{
	g_autofree char *subject = NULL;
	const HeaderField *field;
	unsigned seen = 0;

	for (size_t pos = 0; (field = headers_next(judge->headers, MARK_FIELD, &pos)) != NULL;) {
		if (pos <= judge->stored) {
			add_finding(judge, LOOP_NONE, field, LOOP_BY_THIS_HOP,
			            g_strdup("of the delivery that stored this file"));
			continue;
		}
		if (++seen > LIMIT_MARKS) {
			judge->verdict->ignored++;
			continue;
		}
		if (subject == NULL)
			subject = mark_subject(recipient, &judge->settings->rules, judge->headers);
		judge_mark(judge, field, pos - 1, subject);
	}
}

bool
loop_wants_body(const Headers *headers, const MarkKeys *keys)
{
	const HeaderField *field;
	unsigned seen = 0;

	for (size_t pos = 0;
	     (field = headers_next(headers, MARK_FIELD, &pos)) != NULL && seen++ < LIMIT_MARKS;) {
		g_autofree char *value = header_field_value(field);
		if (mark_may_be_ours(keys, value))
			return true;
	}

	return false;
}

static bool
is_own_address(const Judge *judge, const HeaderField *field)
{
	const GPtrArray *addresses = judge->settings->addresses;
	g_autofree char *value = header_field_value(field);
	g_autofree char *address = address_from_header(value);

	if (address == NULL)
		return false;
	g_autofree char *canonical = address_canonical(address, &judge->settings->rules);
	bool own = strcmp(canonical, judge->recipient) == 0;
	for (guint i = 0; !own && addresses != NULL && i < addresses->len; i++)
		own = address_equal(addresses->pdata[i], address, &judge->settings->rules);

	return own;
}

/*
 * Did the owner resend it, above the mark that tells most? Mail programs write Resent-From on top
 * (RFC 5322 3.6.6).
 */
static void
look_for_resent(Judge *judge)
{
	LoopClaims *claims = &judge->verdict->claims;
	const HeaderField *field;

	for (size_t pos = 0; (field = headers_next(judge->headers, "Resent-From", &pos)) != NULL;)
		claims->resent |= field->line < claims->line && is_own_address(judge, field);

	size_t pos = 0;
	claims->nameless = headers_next(judge->headers, "Message-ID", &pos) == NULL;
}

/* Where we are in the pass from top to bottom. */
typedef struct {
	size_t next_hop; /* first hop below */
	/*
	 * since this host's last Received above: what says that somebody fetched or resent the mail
	 */
	const char *sign;
	guint32 sign_line;
} Place;

/* What the Received lines below a stamp say. */
typedef struct {
	const Received *fetch;  /* a retrieval program's, directly below */
	const Received *vague;  /* names no host */
	const Received *server; /* the first that names one */
} Below;

static Below
look_below(const Judge *judge, size_t hop)
{
	Below below = { NULL, NULL, NULL };
	for (; hop < judge->hops->len && below.server == NULL; hop++) {
		const Received *received = hop_at(judge, hop);
		if (received->program != NULL)
			below.fetch = below.fetch == NULL && below.vague == NULL ? received
			                                                         : below.fetch;
		else if (received->by != NULL || received->qmail)
			below.server = received;
		else if (below.vague == NULL)
			below.vague = received;
	}

	return below;
}

/* "fetched by fetchmail (line 6), " or "". */
static char *
print_fetch(const Below *below, const Place *place)
{
	if (below->fetch != NULL)
		return g_strdup_printf("fetched by %s (line %u), ", below->fetch->program,
		                       below->fetch->line);
	return place->sign != NULL
	               ? g_strdup_printf("%s (line %u), ", place->sign, place->sign_line)
	               : g_strdup("");
}

/* A stamp below which this host is the nearest. */
static void
judge_own_stamp(Judge *judge, const HeaderField *field, const Place *place, const Below *below)
{
	g_autofree char *fetch = print_fetch(below, place);
	if (*fetch != '\0') {
		add_finding(judge, LOOP_RETURNED, field, LOOP_BY_US,
		            g_strdup_printf("%sand this host received it before (line %u)", fetch,
		                            below->server->line));
		/*
		 * One hop is one return, however many lines it wrote: an alias and its mailbox have
		 * one each.
		 */
		if (judge->counted_hop == below->server->index)
			judge->found[LOOP_RETURNED]--;
		judge->counted_hop = below->server->index;
	} else if (below->vague != NULL)
		add_finding(
			judge, LOOP_UNKNOWN, field, LOOP_BY_UNKNOWN,
			g_strdup_printf(
				"the Received below names no host (line %u), the next is by this "
				"host (line %u)",
				below->vague->line, below->server->line));
	else
		add_finding(judge, LOOP_STAMPED, field, LOOP_BY_US,
		            g_strdup_printf("this host wrote the Received below (line %u)",
		                            below->server->line));
}

static void
judge_copied_stamp(Judge *judge, const HeaderField *field, const Place *place, const Below *below)
{
	g_autofree char *fetch = below->fetch != NULL ? print_fetch(below, place) : g_strdup("");

	if (below->server == NULL) {
		add_finding(judge, LOOP_COPIED, field, LOOP_BY_OTHER_HOST,
		            g_strdup_printf("%sand no Received below is by this host", fetch));
		return;
	}

	g_autofree char *host = header_text_print(
		below->server->by != NULL ? below->server->by : "a qmail server", HOST_SHOWN_BYTES);
	add_finding(judge, LOOP_COPIED, field, LOOP_BY_OTHER_HOST,
	            g_strdup_printf("%sthe Received below is by %s (line %u)", fetch, host,
	                            below->server->line));
}

/*
 * A stamp below which only hosts without a name received the mail: ours would have written the name
 * that it has.
 */
static void
judge_vague_stamp(Judge *judge, const HeaderField *field, const Received *vague)
{
	if (judge->own_name == NULL) {
		add_finding(
			judge, LOOP_UNKNOWN, field, LOOP_BY_UNKNOWN,
			g_strdup_printf("the Received below names no host (line %u)", vague->line));
		return;
	}

	g_autofree char *name = header_text_print(judge->own_name, HOST_SHOWN_BYTES);
	add_finding(
		judge, LOOP_COPIED, field, LOOP_BY_OTHER_HOST,
		g_strdup_printf(
			"the Received below (line %u) names no host, and this one names itself %s",
			vague->line, name));
}

/*
 * A stamp below which nothing was received: a provider may write two, and no Received. Where
 * Received lines are stripped on the way, a loop shows by the third.
 */
static void
judge_bare_stamp(Judge *judge, const HeaderField *field, const Place *place)
{
	enum { BARE_STAMPS = 2 };
	static const char bare[] = "no host received anything below it";
	if (place->sign != NULL)
		add_finding(judge, LOOP_COPIED, field, LOOP_BY_OTHER_HOST,
		            g_strdup_printf("%s (line %u), and %s", place->sign, place->sign_line,
		                            bare));
	else if (judge->bare++ < BARE_STAMPS)
		add_finding(judge, LOOP_COPIED, field, LOOP_BY_UNKNOWN, g_strdup(bare));
	else
		add_finding(judge, LOOP_UNKNOWN, field, LOOP_BY_UNKNOWN,
		            g_strdup_printf("%s, and two such lines stand above", bare));
}

/* A Delivered-To line of the recipient, below this hop's. */
static void
judge_stamp(Judge *judge, const HeaderField *field, const Place *place)
{
	Below below = look_below(judge, place->next_hop);
	bool qmail_here = judge->hops->len > 0 && hop_at(judge, 0)->qmail;

	if (below.server != NULL &&
	    (is_this_host(judge, below.server->by) || (below.server->qmail && qmail_here))) {
		judge_own_stamp(judge, field, place, &below);
	} else if (below.server != NULL || below.fetch != NULL) {
		judge_copied_stamp(judge, field, place, &below);
	} else if (below.vague != NULL) {
		judge_vague_stamp(judge, field, below.vague);
	} else {
		judge_bare_stamp(judge, field, place);
	}
}

static bool
names_recipient(const Judge *judge, const HeaderField *field)
{
	g_autofree char *value = header_field_value(field);
	g_autofree char *address = address_from_header(value);
	if (address == NULL)
		return false;

	g_autofree char *canonical = address_canonical(address, &judge->settings->rules);
	return strcmp(canonical, judge->recipient) == 0;
}

/* Resent-From, Resent-To ...: a person's mail program wrote them (RFC 5322 3.6.6), or a list's. */
static bool
is_resent(const HeaderField *field)
{
	return field->name_len > 7 && g_ascii_strncasecmp(field->bytes, "Resent-", 7) == 0;
}

static void
pass_hop(Judge *judge, const Received *hop, Place *place)
{
	if (hop->program != NULL) {
		judge->verdict->fetched = true;
		*place = (Place){ place->next_hop, "fetched by a retrieval program", hop->line };
	} else if (is_this_host(judge, hop->by)) {
		/* whatever happened above happened after the mail had come back */
		place->sign = NULL;
	}
}

/* Move on past a field that is no Delivered-To. */
static void
pass_field(Judge *judge, size_t i, Place *place)
{
	const HeaderField *field = headers_get(judge->headers, i);
	if (place->next_hop < judge->hops->len && hop_at(judge, place->next_hop)->index == i) {
		pass_hop(judge, hop_at(judge, place->next_hop++), place);
	} else if (header_field_is(field, "X-Gmail-Fetch-Info")) {
		judge->verdict->fetched = true;
		*place = (Place){ place->next_hop, "fetched by Gmail", field->line };
	} else if (is_resent(field)) {
		judge->verdict->forwarded = true;
		if (place->sign == NULL)
			*place = (Place){ place->next_hop, "resent", field->line };
	} else if (header_field_is(field, "X-Forwarded-To") ||
	           header_field_is(field, "X-Forwarded-For")) {
		judge->verdict->forwarded = true;
	}
}

static void
judge_stamps(Judge *judge)
{
	Place place = { 0, NULL, 0 };
	unsigned seen = 0;

	for (size_t i = 0; i < headers_count(judge->headers); i++) {
		const HeaderField *field = headers_get(judge->headers, i);
		if (!header_field_is(field, "Delivered-To"))
			pass_field(judge, i, &place);
		else if (++seen > LIMIT_DELIVERED_TO)
			judge->verdict->ignored++;
		else if (!names_recipient(judge, field))
			continue;
		else if (i < judge->top)
			add_finding(judge, LOOP_NONE, field, LOOP_BY_THIS_HOP,
			            g_strdup(judge->hops->len > 0
			                             ? "it stands above the newest Received"
			                             : "the first, and there is no Received"));
		else
			judge_stamp(judge, field, &place);
	}
}

/* What unsigned lines say, the last defence first and then the worst. */
static LoopKind
decide(const Judge *judge)
{
	const LoopSettings *settings = judge->settings;
	const unsigned *found = judge->found;
	if (judge->verdict->hops > settings->hop_limit)
		return LOOP_HOPS;
	if (found[LOOP_STAMPED] > 0)
		return LOOP_STAMPED;
	if (found[LOOP_RETURNED] > settings->return_limit)
		return LOOP_RETURNED_OFTEN;
	if (found[LOOP_UNKNOWN] > 0 && !settings->unknown_delivers)
		return LOOP_UNKNOWN;
	if (found[LOOP_RETURNED] > 0)
		return LOOP_RETURNED;
	if (found[LOOP_UNKNOWN] > 0)
		return LOOP_UNKNOWN;

	return found[LOOP_COPIED] > 0 ? LOOP_COPIED : LOOP_NONE;
}

static LoopAnswer
answer_of(LoopKind kind, const LoopSettings *settings)
{
	switch (kind) {
	case LOOP_KEPT:
	case LOOP_DISPOSED:
		return LOOP_IS_HERE;
	case LOOP_TAKEN_OUT:
		return LOOP_PUT_OFF;
	case LOOP_RETURNED_OFTEN:
		return LOOP_IS_RETURN;
	case LOOP_PASSED:
	case LOOP_STAMPED:
	case LOOP_HOPS:
		return LOOP_IS_LOOP;
	case LOOP_UNKNOWN:
		return settings->unknown_delivers ? LOOP_DELIVER : LOOP_IS_LOOP;
	default:
		return LOOP_DELIVER;
	}
}

/* The topmost finding that argues for the verdict; NULL: none does. */
static const Finding *
find_decisive(const Judge *judge, LoopKind kind)
{
	LoopKind wanted = kind == LOOP_RETURNED_OFTEN ? LOOP_RETURNED : kind;
	for (size_t i = 0; i < judge->findings->len && wanted != LOOP_NONE; i++) {
		const Finding *finding = &g_array_index(judge->findings, Finding, i);
		if (finding->kind == wanted)
			return finding;
	}

	return NULL;
}

static char *
explain(const Judge *judge, LoopKind kind, const Finding *finding)
{
	const LoopVerdict *verdict = judge->verdict;
	unsigned limit = judge->settings->return_limit;

	if (kind == LOOP_HOPS)
		return g_strdup_printf("%u Received lines, more than %u", verdict->hops,
		                       judge->settings->hop_limit);
	if (finding == NULL)
		return g_strdup(
			"nothing in the header says that it was delivered to this recipient "
			"before");
	g_autofree char *name = header_field_name(finding->field);
	guint32 line = finding->field->line;
	switch (kind) {
	case LOOP_STAMPED:
		return g_strdup_printf(
			"this host delivered it to this recipient before (%s, line %u: %s)", name,
			line, finding->how);
	case LOOP_RETURNED:
	case LOOP_RETURNED_OFTEN:
		return g_strdup_printf(
			"a copy that this host stored came back, %u of %u times that are allowed "
			"(%s, line %u: %s)",
			verdict->returns, limit, name, line, finding->how);
	case LOOP_UNKNOWN:
		return g_strdup_printf("nobody can say who wrote %s in line %u: %s", name, line,
		                       finding->how);
	default:
		return g_strdup_printf("this host did not write %s in line %u: %s", name, line,
		                       finding->how);
	}
}

static int
compare_lines(const void *a, const void *b)
{
	guint32 one = ((const Finding *) a)->field->line, two = ((const Finding *) b)->field->line;
	return one < two ? -1 : one > two;
}

/* Keep the topmost findings, and the decisive one wherever it stands. */
static void
keep_evidence(Judge *judge, const HeaderField *decisive)
{
	LoopVerdict *verdict = judge->verdict;

	g_array_sort(judge->findings, compare_lines);
	bool missing = decisive != NULL;
	for (size_t i = 0; i < judge->findings->len; i++) {
		Finding *finding = &g_array_index(judge->findings, Finding, i);
		bool is_decisive = finding->field == decisive;
		if (verdict->evidence->len + (missing && !is_decisive) >= LIMIT_LOOP_EVIDENCE) {
			verdict->more++;
			continue;
		}
		missing = missing && !is_decisive;
		LoopEvidence *evidence = g_new(LoopEvidence, 1);
		*evidence = (LoopEvidence){
			.line = finding->field->line,
			.text = header_field_print(finding->field, LIMIT_LOOP_LINE_BYTES),
			.writer = finding->writer,
			.how = g_steal_pointer(&finding->how),
			.decisive = is_decisive,
		};
		g_ptr_array_add(verdict->evidence, evidence);
	}
}

static void
pass_verdict(Judge *judge)
{
	LoopVerdict *verdict = judge->verdict;

	verdict->kind = decide(judge);
	verdict->answer = answer_of(verdict->kind, judge->settings);
	verdict->returns = judge->found[LOOP_RETURNED];
	verdict->setting = kinds[verdict->kind].setting;
	verdict->recall = verdict->claims.claimed ||
	                  (verdict->claims.any && verdict->answer == LOOP_IS_LOOP);

	const Finding *finding = find_decisive(judge, verdict->kind);
	verdict->why = explain(judge, verdict->kind, finding);
	keep_evidence(judge, finding != NULL ? finding->field : NULL);
}

static void
clear_judge(Judge *judge)
{
	g_array_unref(judge->hops);
	g_array_unref(judge->findings);
	g_ptr_array_unref(judge->names);
}

LoopVerdict *
loop_judge(const Headers *headers, const Envelope *envelope, const LoopSettings *settings)
{
	const char *to = envelope->recipient != NULL ? envelope->recipient : "";
	g_autofree char *recipient = address_canonical(to, &settings->rules);
	LoopVerdict *verdict = g_new0(LoopVerdict, 1);

	verdict->evidence = g_ptr_array_new_with_free_func(free_evidence);
	Judge judge = {
		.headers = headers,
		.settings = settings,
		.is_try = envelope->door == DOOR_TRY,
		.verdict = verdict,
		.hops = g_array_new(FALSE, FALSE, sizeof(Received)),
		.findings = g_array_new(FALSE, FALSE, sizeof(Finding)),
		.names = g_ptr_array_new_with_free_func(g_free),
		.recipient = recipient,
	};
	g_array_set_clear_func(judge.hops, clear_hop);
	g_array_set_clear_func(judge.findings, clear_finding);
	read_hops(&judge);
	find_top(&judge, envelope->queue_id);
	find_stored(&judge);
	collect_names(&judge);
	judge_marks(&judge, to);
	look_for_resent(&judge);
	judge_stamps(&judge);
	pass_verdict(&judge);
	clear_judge(&judge);

	return verdict;
}

/*
 * Is the mail the stored copy itself, and its file still there? A program that fetches mail
 * (fetchmail without keep) deletes it afterwards. If there is one in another folder, too, that one
 * stays.
 */
static bool
is_taken_out(const LoopClaims *claims, const LoopHistory *history)
{
	return history->kept != NULL && claims->stored && !history->kept_twice;
}

/* In a queue, long enough for whoever took it out to have deleted it. */
static bool
has_waited(const LoopClaims *claims, const LoopHistory *history)
{
	return claims->queued && history->waited >= (gint64) LIMIT_FETCH_WAIT_SECONDS;
}

/* Why it is not known to be here; NULL: what the state knows decides. */
static const char *
find_doubt(const LoopClaims *claims, const LoopHistory *history)
{
	if (claims->nameless)
		return "it has no Message-ID";
	if (claims->resent)
		return "its owner resent it";
	if (is_taken_out(claims, history) && !has_waited(claims, history) &&
	    history->put_off >= (gint64) LIMIT_FETCH_PUT_OFF_SECONDS)
		return "a program still fetches it from its own mailbox";
	if (history->kept != NULL || (history->disposed != NULL && !claims->stored))
		return NULL;
	if (history->kept_before)
		return "the copy that was kept is gone";
	if (history->kept_other)
		return "its body is another one than before";

	if (history->passed && claims->proven_body)
		return claims->kept_elsewhere
		               ? "it was only passed on here, but another mark says that it was "
		                 "kept there"
		               : NULL;

	if (history->passed)
		return "its mark does not verify";
	return history->known ? "its body is another one than before"
	                      : "what became of it is not remembered";
}

/* More often than allowed, or through too many hosts, it does not go where it went before. */
static LoopKind
kind_of_return(const LoopVerdict *verdict, const LoopHistory *history, const LoopSettings *settings,
               const char *doubt)
{
	if (doubt != NULL) {
		bool often = verdict->returns > settings->return_limit ||
		             verdict->hops > settings->hop_limit;
		return often ? LOOP_RETURNED_OFTEN : LOOP_RETURNED;
	}

	if (is_taken_out(&verdict->claims, history) && !has_waited(&verdict->claims, history))
		return LOOP_TAKEN_OUT;
	if (history->kept != NULL)
		return LOOP_KEPT;
	return history->disposed != NULL ? LOOP_DISPOSED : LOOP_PASSED;
}

static char *
explain_return(const LoopVerdict *verdict, const LoopHistory *history, const LoopSettings *settings,
               const char *doubt)
{
	guint32 line = verdict->claims.line;
	switch (verdict->kind) {
	case LOOP_KEPT:
		return g_strdup_printf("it came back and is still here, in %s (%s, line %u)",
		                       history->kept, MARK_FIELD, line);
	case LOOP_TAKEN_OUT:
		return g_strdup_printf(
			"it came out of its own mailbox, and what fetched it may still delete it "
			"there, in %s (%s, line %u)",
			history->kept, MARK_FIELD, line);
	case LOOP_DISPOSED:
		return g_strdup_printf(
			"it came back, and a rule disposed of it before: %s (%s, line %u)",
			history->disposed, MARK_FIELD, line);
	case LOOP_PASSED:
		return g_strdup_printf(
			"this host passed it on before, kept nothing, and it came back (%s, line "
			"%u)",
			MARK_FIELD, line);
	default:
		return g_strdup_printf(
			"it came back, %u of %u times that are allowed, and %s (%s, line %u)",
			verdict->returns, settings->return_limit, doubt, MARK_FIELD, line);
	}
}

static void
mark_decisive(LoopVerdict *verdict)
{
	for (guint i = 0; i < verdict->evidence->len; i++) {
		LoopEvidence *evidence = verdict->evidence->pdata[i];
		evidence->decisive = evidence->line == verdict->claims.line;
	}
}

void
loop_settle(LoopVerdict *verdict, const LoopHistory *history, const LoopSettings *settings)
{
	const LoopClaims *claims = &verdict->claims;
	/*
	 * A mark with a key of ours that fits neither this mail nor anything that is known: for
	 * another recipient of this owner's or this site's.
	 */
	bool is_return = claims->proven || history->known ||
	                 (claims->any && verdict->answer == LOOP_IS_LOOP &&
	                  verdict->kind != LOOP_HOPS);
	if (!verdict->recall || !is_return)
		return;

	const char *doubt = find_doubt(claims, history);
	verdict->returns = history->returns + 1;
	verdict->kind = kind_of_return(verdict, history, settings, doubt);
	verdict->answer = answer_of(verdict->kind, settings);
	verdict->setting = kinds[verdict->kind].setting;
	verdict->to_inbox = verdict->kind == LOOP_RETURNED && history->passed &&
	                    claims->kept_elsewhere;
	g_free(verdict->why);
	verdict->why = explain_return(verdict, history, settings, doubt);
	mark_decisive(verdict);
}

StatusId
loop_verdict_status(const LoopVerdict *verdict)
{
	if (verdict->answer == LOOP_DELIVER || verdict->answer == LOOP_IS_HERE)
		return STATUS_OK;
	if (verdict->answer == LOOP_PUT_OFF)
		return STATUS_OWN_MAILBOX;
	return verdict->kind == LOOP_HOPS ? STATUS_HOPS : STATUS_LOOP;
}

char *
loop_verdict_print(const LoopVerdict *verdict)
{
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "loop check: %s, %s\n", loop_kind_name(verdict->kind),
	                       loop_answer_name(verdict->answer));
	g_string_append_printf(out, "  because %s\n", verdict->why);
	for (size_t i = 0; i < verdict->evidence->len; i++) {
		const LoopEvidence *evidence = verdict->evidence->pdata[i];
		g_string_append_printf(out, "%s line %u: %s\n", evidence->decisive ? " >" : "  ",
		                       evidence->line, evidence->text);
		g_string_append_printf(out, "      written by %s: %s\n",
		                       loop_writer_name(evidence->writer), evidence->how);
	}

	if (verdict->more > 0)
		g_string_append_printf(out, "   and %u lines more\n", verdict->more);
	if (verdict->ignored > 0)
		g_string_append_printf(
			out, "   and %u lines that were not looked at: there are too many\n",
			verdict->ignored);

	if (verdict->setting != NULL)
		g_string_append_printf(out, "  setting: %s\n", verdict->setting);
	return g_string_free(out, FALSE);
}

static json_t *
print_json_evidence(const LoopVerdict *verdict)
{
	json_t *list = json_array();
	for (size_t i = 0; i < verdict->evidence->len; i++) {
		const LoopEvidence *evidence = verdict->evidence->pdata[i];
		json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:s, s:b}", "line",
		                                      (int) evidence->line, "text", evidence->text,
		                                      "writer", loop_writer_name(evidence->writer),
		                                      "how", evidence->how, "decisive",
		                                      (int) evidence->decisive));
	}

	return list;
}

json_t *
loop_verdict_json(const LoopVerdict *verdict)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:b, s:b, s:s?, s:o, s:i, s:i}", "verdict",
	                 loop_kind_name(verdict->kind), "answer", loop_answer_name(verdict->answer),
	                 "why", verdict->why, "returns", (int) verdict->returns, "received_lines",
	                 (int) verdict->hops, "fetched", (int) verdict->fetched, "forwarded",
	                 (int) verdict->forwarded, "setting", verdict->setting, "evidence",
	                 print_json_evidence(verdict), "more", (int) verdict->more, "ignored",
	                 (int) verdict->ignored);
}
