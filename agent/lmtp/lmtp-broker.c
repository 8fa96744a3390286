/* SPDX-License-Identifier: MIT */
/* lmtp-broker: requests of one packet with at most one descriptor, each answered by an outcome. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-broker.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/log.h"
#include "agent/base/pass-fds.h"
#include "agent/lmtp/lmtp-child.h"
#include "agent/lmtp/lmtp-pack.h"
#include "agent/lmtp/lmtp-spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/* Octets of a packet: an envelope is made of two command lines and some attributes. */
enum { MOST_PACKET = 128 * 1024 };

/* First octet of a request. */
enum {
	ASK_RECIPIENT = 'r',
	ANNOUNCE = 'a',
	ASK_DELIVER = 'd',
	ASK_DELIVER_OCTETS = 'o', /* the message stands behind the envelope */
	ASK_END = 'e',
	ASK_LEAVE = 'l'
};

/* First octet of the answer to ASK_RECIPIENT; the mailbox follows. */
enum { LASTING = '+', FOR_ONCE = '-' };

/* The front. */
typedef struct {
	int channel;
	LmtpBackend own; /* as the back has it: for what is certain without asking */
	const char *spool_folder;
	LmtpSpool spool;
	bool is_whole;      /* the message in the spool */
	bool is_sent;       /* the back has it */
	unsigned announced; /* and not asked for */
	bool is_alone;      /* nothing was announced: there is one delivery at most */
} Front;

/* The back. */
typedef struct {
	const Conf *conf;
	const LmtpBackend *backend;
	int channel;
	unsigned announced; /* since the last end */
	bool delivering;    /* since then; what will be asked for is fixed */
	bool has_message;
} Back;

static bool
send_packet(int channel, const GString *packet, int fd)
{
	return pass_fds_send(channel, packet->str, packet->len, &fd, fd >= 0 ? 1 : 0);
}

/* Ask the back, and wait: it has a deadline for all that it does. */
static bool
ask(const Front *front, const GString *request, int fd, char **ret_text, Status *st)
{
	static char buffer[MOST_PACKET];
	int none = -1;

	if (request->len > MOST_PACKET)
		return status_fail_detail(st, STATUS_LIMIT, "an envelope of %zu bytes",
		                          request->len);
	ssize_t len = send_packet(front->channel, request, fd)
	                      ? pass_fds_receive(front->channel, buffer, sizeof buffer, &none, 1)
	                      : 0;
	if (len <= 0) {
		log_event(EVENT_WORKER_UNABLE, LOG_ERR, "the root half of the worker is gone");
		_exit(EX_OSERR);
	}

	return lmtp_pack_take_outcome(buffer, buffer + len, ret_text, st);
}

static bool
ask_recipient(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox, Status *st)
{
	const Front *front = user;
	const LmtpBackend *own = &front->own;
	if (own->is_certain != NULL && own->is_certain(own->user, mail, address, ret_mailbox))
		return true;

	g_autoptr(GString) request = g_string_new(NULL);
	g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, mail->size);

	g_string_append_c(request, ASK_RECIPIENT);
	lmtp_pack_string(request, mail->sender);
	lmtp_pack_string(request, mail->origin_id);
	lmtp_pack_string(request, size);
	lmtp_pack_string(request, address);

	g_autofree char *answer = NULL;
	if (!ask(front, request, -1, &answer, st))
		return false;
	bool is_lasting = answer != NULL && answer[0] == LASTING;
	*ret_mailbox = g_strdup(answer != NULL && *answer != '\0' ? answer + 1 : "");
	if (is_lasting && own->note != NULL)
		own->note(own->user, address, *ret_mailbox);

	return true;
}

static bool
front_open(void *user, const LmtpMail *mail, Status *st)
{
	Front *front = user;
	(void) mail, (void) st;
	lmtp_spool_open(&front->spool, front->spool_folder);
	front->is_whole = front->is_sent = false;
	front->is_alone = true;
	return true;
}

static bool
front_write(void *user, const void *data, size_t len, Status *st)
{
	Front *front = user;
	return lmtp_spool_write(&front->spool, data, len, st);
}

static bool
front_close(void *user, Status *st)
{
	Front *front = user;
	(void) st;
	front->is_whole = true;
	return true;
}

static GString *
pack_envelope(char request, const Envelope *envelope)
{
	GString *packet = g_string_new(NULL);
	g_string_append_c(packet, request);
	lmtp_pack_envelope(packet, envelope);
	return packet;
}

/* Nothing is answered. */
static void
announce(void *user, Envelope *envelope)
{
	Front *front = user;
	g_autoptr(GString) packet = pack_envelope(ANNOUNCE, envelope);

	front->announced++;
	front->is_alone = false;
	/* what is wrong with it, the back says when it is asked to deliver */
	(void) send_packet(front->channel, packet, -1);
	envelope_free(envelope);
}

/*
 * The first request has the message: its octets where they are few, or else a file. *ret_fd is -1
 * where there is none.
 */
static bool
add_message(Front *front, GString *request, int *ret_fd, Status *st)
{
	size_t len = 0;
	const char *few = lmtp_spool_few(&front->spool, &len);
	bool is_first = front->is_whole && !front->is_sent;

	front->is_sent = true;
	*ret_fd = is_first && few == NULL ? lmtp_spool_take(&front->spool, st) : -1;
	if (is_first && few == NULL)
		return *ret_fd >= 0;
	if (is_first)
		g_string_append_len(request, few, (gssize) len);
	return true;
}

static bool
ask_deliver(void *user, const Envelope *envelope, char **ret_done, Status *st)
{
	Front *front = user;
	bool has_octets = front->is_whole && !front->is_sent && front->spool.fd < 0;
	g_autoptr(GString)
		request = pack_envelope(has_octets ? ASK_DELIVER_OCTETS : ASK_DELIVER, envelope);
	auto_fd int fd = -1;

	front->announced -= MIN(front->announced, 1);
	return add_message(front, request, &fd, st) && ask(front, request, fd, ret_done, st);
}

/*
 * The client went away: we are busy until what was begun for it is done, or such clients could
 * begin any number.
 */
static void
ask_leave(const Front *front)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *nothing = NULL;
	g_autoptr(GString) request = g_string_new(NULL);
	g_string_append_c(request, ASK_LEAVE);
	(void) ask(front, request, -1, &nothing, &st);
}

static void
front_end(void *user)
{
	Front *front = user;
	g_autoptr(GString) request = g_string_new(NULL);

	g_string_append_c(request, ASK_END);
	if (front->announced > 0)
		ask_leave(front);
	else if (!front->is_alone || !front->is_sent)
		/* a back that is gone is noticed by the next question */
		(void) send_packet(front->channel, request, -1);

	front->announced = 0;
	front->is_sent = false;
	lmtp_spool_close(&front->spool);
}

static bool
answer_recipient(const LmtpBackend *backend, const char *at, const char *end, char **ret_mailbox,
                 Status *st)
{
	LmtpMail mail = { 0 };
	g_autofree char *sender = mail.sender = lmtp_pack_take_string(&at, end);
	g_autofree char *origin_id = mail.origin_id = lmtp_pack_take_string(&at, end);
	g_autofree char *size = lmtp_pack_take_string(&at, end);
	g_autofree char *address = lmtp_pack_take_string(&at, end);

	if (at != end || sender == NULL || size == NULL || address == NULL)
		return status_fail_detail(st, STATUS_INTERNAL, "a broken request for a recipient");
	mail.size = g_ascii_strtoull(size, NULL, 10);
	g_autofree char *mailbox = NULL;
	if (!backend->recipient(backend->user, &mail, address, &mailbox, st))
		return false;

	bool is_lasting = backend->is_lasting != NULL &&
	                  backend->is_lasting(backend->user, address);
	*ret_mailbox = g_strdup_printf("%c%s", is_lasting ? LASTING : FOR_ONCE, mailbox);
	return true;
}

static bool
is_within_limit(const Conf *conf, off_t size)
{
	return conf->message_size_limit == 0 || size <= conf->message_size_limit;
}

/*
 * Is it what a session could have spooled? What the recipient's process reads must not be a pipe,
 * or without end; and what we make read-only for it must be nobody else's, so it has no name and is
 * the front's to write.
 */
static bool
is_spool(const Conf *conf, int fd)
{
	struct stat info;
	return fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 0 &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && is_within_limit(conf, info.st_size);
}

/* Take the message that comes with the first request. False: there is none, or it may not be. */
static bool
take_message(Back *back, const char *octets, size_t len, int *fd)
{
	const LmtpBackend *backend = back->backend;
	if (back->has_message)
		return octets == NULL && *fd < 0;
	if (octets == NULL && !is_spool(back->conf, *fd))
		return false;
	if (octets != NULL &&
	    (*fd >= 0 || len > LIMIT_LMTP_SPOOL_FEW || !is_within_limit(back->conf, (off_t) len)))
		return false;

	backend->adopt(backend->user, fs_steal_fd(fd), octets, len);
	back->has_message = true;
	return true;
}

/* False: more than a session has, or later. */
static bool
take_announcement(Back *back, const char *at, const char *end)
{
	g_autoptr(Envelope) envelope = envelope_new(DOOR_LMTP);
	if (!lmtp_pack_take_envelope(&at, end, envelope) || at != end || back->delivering ||
	    ++back->announced > LIMIT_LMTP_RECIPIENTS)
		return false;

	back->backend->announce(back->backend->user, g_steal_pointer(&envelope));
	return true;
}

static bool
answer_deliver(Back *back, bool has_octets, const char *at, const char *end, int *fd,
               char **ret_done, Status *st)
{
	const LmtpBackend *backend = back->backend;
	g_autoptr(Envelope) envelope = envelope_new(DOOR_LMTP);

	back->delivering = true;
	bool good = lmtp_pack_take_envelope(&at, end, envelope) && (has_octets || at == end) &&
	            take_message(back, has_octets ? at : NULL, has_octets ? (size_t) (end - at) : 0,
	                         fd);
	if (!good)
		return status_fail_detail(st, STATUS_INTERNAL, "a broken request for a delivery");

	return backend->deliver(backend->user, envelope, ret_done, st);
}

static void
end_message(Back *back)
{
	back->backend->end(back->backend->user);
	back->announced = 0;
	back->delivering = back->has_message = false;
}

/* A delivery that was not announced is the only one of its message. */
static bool
is_over(const Back *back)
{
	return back->delivering && back->announced == 0;
}

/*
 * What the front says is as hostile as what its client says: it may only ask for what each client
 * may ask for.
 */
static bool
answer(Back *back, const char *packet, size_t len, int *fd)
{
	const LmtpBackend *backend = back->backend;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL;
	bool good = true;

	if (packet[0] == ANNOUNCE)
		return take_announcement(back, packet + 1, packet + len);
	if (packet[0] == ASK_END || packet[0] == ASK_LEAVE)
		end_message(back);
	else if (packet[0] == ASK_RECIPIENT)
		good = answer_recipient(backend, packet + 1, packet + len, &text, &st);
	else
		good = answer_deliver(back, packet[0] == ASK_DELIVER_OCTETS, packet + 1,
		                      packet + len, fd, &text, &st);

	if (packet[0] == ASK_END)
		return true;
	if (is_over(back))
		end_message(back);
	if (!good)
		/* keeps the reason where there is one */
		(void) status_fail(&st, STATUS_INTERNAL, NULL);
	g_autoptr(GString) outcome = g_string_new(NULL);
	lmtp_pack_outcome(outcome, &st, text);

	return outcome->len <= MOST_PACKET && send_packet(back->channel, outcome, -1);
}

/* Wait for the front; what time makes due is done meanwhile. */
static void
wait_for_front(const Back *back)
{
	const LmtpBackend *backend = back->backend;
	struct pollfd front = { .fd = back->channel, .events = POLLIN };
	int n = 0;

	while ((n == 0 || (n < 0 && errno == EINTR)) && backend->tidy != NULL) {
		int wait_ms = backend->tidy(backend->user);
		if (wait_ms < 0)
			return;
		n = poll(&front, 1, wait_ms);
	}
}

G_NORETURN static void
be_back(Back *back)
{
	/* messages pass through it */
	char *packet = lmtp_child_hidden_memory(MOST_PACKET);
	int fd = -1;

	if (packet == NULL)
		_exit(EX_OSERR);
	lmtp_child_hide(back->channel); /* who has it could answer for others */
	if (back->backend->ready != NULL)
		back->backend->ready(back->backend->user);
	for (ssize_t len;
	     (len = pass_fds_receive(back->channel, packet, MOST_PACKET, &fd, 1)) > 0;) {
		bool good = answer(back, packet, (size_t) len, &fd);
		fs_close_auto(&fd);
		fd = -1;
		if (!good)
			break;
		wait_for_front(back);
	}

	/* what runs still holds its mailboxes: nobody else would free them */
	end_message(back);
	_exit(0);
}

bool
lmtp_broker_split(const Conf *conf, int master, LmtpBackend *backend, Status *st)
{
	static Front front;
	int channel[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return status_fail_errno(st, errno, "cannot make a channel");

	pid_t pid = fork();
	if (pid == 0) {
		(void) close(channel[0]);
		(void) close(master);
		be_back(&(Back){ .conf = conf, .backend = backend, .channel = channel[1] });
	}

	(void) close(channel[1]);
	if (pid < 0)
		return status_fail_errno(st, errno, "cannot start the root half of a worker");

	front = (Front){ .channel = channel[0],
		         .own = *backend,
		         .spool_folder = conf->lmtp_spool,
		         .spool = LMTP_SPOOL_INIT };
	*backend = (LmtpBackend){
		.recipient = ask_recipient,
		.open = front_open,
		.write = front_write,
		.close = front_close,
		.announce = announce,
		.deliver = ask_deliver,
		.end = front_end,
		.user = &front,
	};
	return true;
}
