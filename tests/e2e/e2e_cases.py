# SPDX-License-Identifier: MIT
"""The cases: each function is one test, named by its first line of documentation."""
import difflib
import json
import os
import re
import subprocess
import time

from e2e_world import Skip, USERS, kill_hard, litter, need_strace, read_folder, run, wait_for
from manual_bounce import neutral, of_page
from mark_waits import age_waits

MEBIBYTE = 1024 * 1024
RSS_LIMIT_KB = 8 * 1024
SENDER = "sender@outside.test"


def message(subject="hello", to="receiver@pipe.test", body=b"body\n", headers=b""):
    return (headers + f"From: Sender <{SENDER}>\nTo: {to}\nSubject: {subject}\nDate: Thu, 3 Aug 2017 00:00:00 +0900\n"
            f"Message-ID: <{subject.replace(' ', '-')}.{time.time_ns()}@outside.test>\n\n".encode() + body)


def settle_waiting(world, state):
    """An empty queue, two hours later for mail that came out of the mailbox that it goes to."""
    def is_done():
        age_waits(state, 7200)
        return world.postfix.is_done()
    wait_for("an empty queue", is_done)


def known_broken(why):
    """Marks a case that shows a fault which is not mended; it fails as soon as it passes, so that the mark goes."""
    def mark(case):
        case.known_broken = why
        return case
    return mark


def provider_message(recipient, subject):
    """A message as it lies at a provider who stamps Delivered-To, address of the reader and all."""
    return (f"Delivered-To: {recipient}\n"
            f"Received: from mail.test (localhost [127.0.0.1])\n\tby mail.test (Postfix) with ESMTP id 9C1D2E3F4A\n"
            f"\tfor <{recipient}>; Thu, 3 Aug 2017 00:00:00 +0900 (JST)\n").encode() + message(subject, recipient)


def header_of(raw):
    return raw.split(b"\n\n", 1)[0].decode(errors="replace")


def last_hop(raw, sent):
    """What stands above the message as it was sent; fails where the message itself was changed."""
    assert raw.endswith(sent), f"the message was changed: {raw!r} should end in {sent!r}"
    return raw[:-len(sent)].decode()


def deliver_once(world, queue_id, recipient):
    """The one message that arrived for a recipient."""
    world.postfix.outcome(queue_id, "sent")
    stored = world.stored(recipient)
    assert len(stored) == 1, f"{len(stored)} copies for {recipient}"
    return stored[0]


def check_bounce(world, queue_id, code, text):
    """A failure as its sender and the admin see it; returns the bounce."""
    line = world.postfix.outcome(queue_id, "bounced")
    assert f"dsn={code}" in line and re.search(text, line), line
    bounce = world.postfix.bounce_of(queue_id)
    assert bounce.fields["action"] == "failed", bounce.fields
    assert bounce.fields["status"] == code, bounce.fields
    assert bounce.fields["diagnostic-code"].startswith("x-unix;"), bounce.fields
    assert re.search(text, bounce.fields["diagnostic-code"]), bounce.fields
    return bounce


def agent_log(world, queue_id):
    lines = [line for line in world.log.read_text(errors="replace").splitlines() if queue_id in line]
    assert len(lines) == 1, f"one log line a recipient, but: {lines}"
    return lines[0]


# fetchmail, the story that started it


def fetch(world, mailbox, recipient, options=""):
    world.dovecot.put(mailbox, provider_message(recipient, mailbox))
    world.fetchmail.fetch(mailbox, recipient, options)
    return wait_for("fetchmail's message in the log", lambda: queue_id_to(world, recipient))


def queue_id_to(world, recipient, status=""):
    lines = world.postfix.log_lines(rf": (\w+): to=<{re.escape(recipient)}>.* status={status}")
    return re.search(r": (\w+): to=<", lines[-1]).group(1) if lines else None


def case_fetched_mail_arrives(world):
    """Dovecot POP3 -> fetchmail -> Postfix -> pipe: a copied Delivered-To is no loop"""
    queue_id = fetch(world, "fetched", "fetched@pipe.test")
    raw = deliver_once(world, queue_id, "fetched@pipe.test")
    header = header_of(raw)
    assert "(fetchmail-" in header and header.count("by mx.e2e.test (Postfix)") == 1, header
    assert raw.endswith(message_tail(provider_message("fetched@pipe.test", "fetched"))), raw
    assert world.dovecot.count_pop3("fetched") == 0
    read_back = world.dovecot.read_imap("reader-fetched", world.maildir("fetched@pipe.test"))
    assert read_back == [raw], "IMAP shows other bytes than were stored"
    agent_log(world, queue_id)


def message_tail(raw):
    """From the subject on; what stands above it holds a time."""
    return raw[raw.index(b"\n\n"):]


def case_fetched_mail_dropdelivered(world):
    """the same with fetchmail's dropdelivered: the header is gone on the way, the mail arrives"""
    queue_id = fetch(world, "dropped", "dropped@pipe.test", "dropdelivered")
    raw = deliver_once(world, queue_id, "dropped@pipe.test")
    below = raw[raw.index(b"(fetchmail-"):]
    assert b"Delivered-To" not in below, raw


def case_fetched_mail_flag_d_bounces(world):
    """with flags=D Postfix itself bounces, before any agent is asked: the reason for setup to remove it"""
    queue_id = fetch(world, "flagd", "flagd@flagd.test")
    line = world.postfix.outcome(queue_id, "bounced")
    assert "dsn=5.4.6" in line and "mail forwarding loop for flagd@flagd.test" in line, line
    assert world.stored("flagd@flagd.test") == []
    assert queue_id not in world.log.read_text(), "the agent was asked"


def case_bounce_in_two_languages(world):
    """the sender reads both languages in the bounce, and `todoke code` explains that bounce"""
    catalogue = os.path.join(world.locales, "ja", "LC_MESSAGES", "todoke.mo")
    if not os.path.exists(catalogue):
        raise Skip("built without msgfmt")
    world.make_maildir("somebody@both.test")
    queue_id = world.postfix.send(message("two languages"), "nobody@both.test")
    bounce = check_bounce(world, queue_id, "5.1.1", "no such user here")
    japanese = "そのような利用者はここにいません".encode()
    raw = next(raw for raw in world.postfix.inbox("all") if f"X-Postfix-Queue-ID: {queue_id}".encode() in raw)
    assert raw.count(japanese) == 2, raw  # for people and in the report
    assert bounce.message.get_content_type() == "multipart/report"
    told = subprocess.run([world.todoke, "code", "--json", "-"], input=raw, stdout=subprocess.PIPE, check=True).stdout
    meaning, = json.loads(told)["meanings"]
    assert (meaning["name"], meaning["recipient"], meaning["repair"]) == ("unknown-user", "nobody@both.test", "sender"), meaning


def case_flag_d_own_stamp(world):
    """this hop's own stamp (flags=D) never counts, and is not written twice"""
    sent = message("own stamp")
    queue_id = world.postfix.send(sent, "stamp@flagd.test")
    raw = deliver_once(world, queue_id, "stamp@flagd.test")
    assert last_hop(raw, sent).count("Delivered-To: stamp@flagd.test\n") == 1, raw


def case_fetched_mail_local(world):
    """fetchmail -> local(8): there Postfix bounces by itself too; with dropdelivered the mail arrives"""
    address = f"{USERS[1]}@local.test"
    queue_id = fetch(world, "localfetch", address)
    line = world.postfix.outcome(queue_id, "bounced")
    assert "mail forwarding loop" in line, line
    world.dovecot.put("localdrop", provider_message(address, "localdrop"))
    world.fetchmail.fetch("localdrop", address, "dropdelivered")
    new = world.path("home", USERS[1], "Maildir", "new")
    raw = wait_for("the local mail", lambda: [one for one in read_folder(new) if b"Subject: localdrop" in one])[0]
    assert raw.count(f"Delivered-To: {address}\n".encode()) == 1, raw


# the doors


def case_pipe_bytes(world):
    """pipe: what was sent is stored byte for byte, below what this hop wrote"""
    body = b"From me\n" + bytes(range(1, 10)) + bytes(range(11, 13)) + bytes(range(14, 256)) + b"\n.\n..\nFrom you\n\x00 nul\n"
    sent = message("bytes", body=body)
    raw = deliver_once(world, world.postfix.send(sent, "bytes@pipe.test"), "bytes@pipe.test")
    top = last_hop(raw, sent)
    for line in (f"Return-Path: <{SENDER}>\n", "Delivered-To: bytes@pipe.test\n", "by mx.e2e.test (Postfix)"):
        assert top.count(line) == 1, top
    read_back = world.dovecot.read_imap("reader-bytes", world.maildir("bytes@pipe.test"))
    assert [one.replace(b"\x80", b"\x00") for one in read_back] == [raw.replace(b"\x80", b"\x00")], "IMAP shows other bytes"


def case_pipe_detail(world):
    """pipe: user+detail reaches the user"""
    queue_id = world.postfix.send(message("detail"), "detail+list@pipe.test")
    deliver_once(world, queue_id, "detail@pipe.test")


def case_local_door(world):
    """local(8) mailbox_command: everything from the environment, the From_ line is dropped"""
    sent = message("local door", to=f"{USERS[0]}@local.test")
    world.postfix.outcome(world.postfix.send(sent, f"{USERS[0]}@local.test"), "sent")
    maildir = world.path("home", USERS[0], "Maildir")
    raw = [one for one in read_folder(maildir / "new") if b"Subject: local door" in one]
    assert len(raw) == 1 and not raw[0].startswith(b"From "), raw
    top = last_hop(raw[0], sent)
    for line in (f"Return-Path: <{SENDER}>\n", f"Delivered-To: {USERS[0]}@local.test\n"):
        assert top.count(line) == 1, top
    assert raw[0] in world.dovecot.read_imap("reader-local", maildir)


RECIPES = """\
MAILDIR=$HOME/mail
LOGABSTRACT=no
LOGFILE=$HOME/said
LOG="extension $1
"
:0
* ^Subject: maildir
md/
:0:
* ^Subject: mbox
box
:0
* ^Subject: forward
! somebody@outside.test
:0 w
* ^Subject: pipe
| cat >$HOME/piped
:0
* ^Subject: refused
{ EXITCODE=67 HOST }
:0
* ^Subject: later
* ! ? test -f $HOME/later
{ EXITCODE=75 HOST }
:0
* ^Subject: other host
{ HOST=other.example.org }
"""


def case_procmail(world):
    """mailbox_command = todoke procmail -a "$EXTENSION": a .procmailrc stores, forwards, pipes, refuses, puts off"""
    user, home = USERS[1], world.path("home", USERS[1])
    home.joinpath(".procmailrc").write_text(RECIPES)
    home.joinpath("mail").mkdir()
    for path in (home / ".procmailrc", home / "mail"):
        world.give(path, user)

    def send(subject, to=user):
        return world.postfix.send(message(subject, to=f"{user}@local.test"), f"{to}@local.test")

    for subject in ("maildir", "mbox", "pipe", "other host"):
        world.postfix.outcome(send(subject), "sent")
    world.postfix.outcome(send("mbox", to=user + "+news"), "sent")
    assert [b"Subject: maildir" in raw for raw in read_folder(home / "mail/md/new")] == [True]
    box = (home / "mail/box").read_bytes()
    assert box.startswith(b"From " + SENDER.encode()) and box.count(b"\nSubject: mbox\n") == 2 and box.endswith(b"\n\n"), box
    assert b"\nDelivered-To: " + user.encode() + b"@local.test\n" in box and b"+news@local.test" in box, box
    assert (home / "piped").read_bytes().startswith(b"From " + SENDER.encode())
    assert len([raw for raw in read_folder(home / "Maildir/new") if b"Subject: other host" in raw]) == 1
    assert (home / "said").read_text().splitlines()[-1] == "extension news"
    world.postfix.outcome(send("forward"), "sent")
    wait_for("the forwarded mail", lambda: [raw for raw in world.postfix.inbox("somebody@outside.test") if b"Subject: forward" in raw])
    check_bounce(world, send("refused"), "5.1.1", "refused by the recipient's rules")
    queue_id = send("later")
    assert "dsn=4.7.1" in world.postfix.outcome(queue_id, "deferred")
    (home / "later").touch()
    world.postfix.retry_until_sent(queue_id)


def case_null_sender(world):
    """null sender: stored with an empty Return-Path; a failure makes no bounce"""
    sent = message("null sender")
    raw = deliver_once(world, world.postfix.send(sent, "null@pipe.test", sender=""), "null@pipe.test")
    assert "Return-Path: <>\n" in last_hop(raw, sent), raw
    queue_id = world.postfix.send(message("null to nobody"), "nobody@strict.test", sender="")
    world.postfix.outcome(queue_id, "bounced")
    assert world.postfix.no_bounce_of(queue_id)


# failures


def case_real_loop(world):
    """two users who forward to each other, without our mark: 5.4.6 after one round, and a bounce as todoke-bounce(7) shows it"""
    queue_id = world.postfix.send(message("round", "one@circle.test"), "one@circle.test")
    line = wait_for("the end of the loop", lambda: world.postfix.log_lines(r"to=<one@circle.test>.* status=bounced"))[0]
    assert "dsn=5.4.6" in line and "looping" in line, line
    assert len(world.stored("one@circle.test")) == 1 and len(world.stored("two@circle.test")) == 1
    bounced = re.search(r": (\w+): to=<", line).group(1)
    assert bounced != queue_id
    bounce = check_bounce(world, bounced, "5.4.6", "looping")
    assert bounce.fields["final-recipient"] == "rfc822; one@circle.test", bounce.fields
    assert re.search(r"line \d+", bounce.fields["diagnostic-code"]), "the bounce does not name the line"
    raw = next(raw for raw in world.postfix.inbox("all") if f"X-Postfix-Queue-ID: {bounced}".encode() in raw).decode()
    for page in ("todoke-bounce.7", "ja/todoke-bounce.7"):
        shown, sent = neutral(of_page(page)).splitlines(), neutral(raw).splitlines()
        assert shown == sent, "\n".join(difflib.unified_diff(shown, sent, page, "Postfix", lineterm=""))


def case_real_loop_marked(world):
    """the same with our mark in every stored copy: both have it once, it goes round once, waits for two hours, and nobody is failed"""
    world.postfix.send(message("marked round"), "one@marked.test")
    wait_for("the copy that came round", lambda: world.postfix.log_lines(r"to=<one@marked.test>.* status=deferred"))
    settle_waiting(world, world.maildir("one@marked.test") / "todoke-state")
    assert len(world.postfix.log_lines(r"to=<\w+@marked.test>.* status=sent")) == 3
    assert len(world.stored("one@marked.test")) == 1 and len(world.stored("two@marked.test")) == 1


def case_local_forward_loop(world):
    """.forward of two local users to each other: Postfix's own check, 5.4.6 after one round"""
    forwards = [world.write_forward(user, other) for user, other in (USERS, reversed(USERS))]
    try:
        queue_id = world.postfix.send(message("forward"), f"{USERS[0]}@local.test")
        line = wait_for("the bounce", lambda: world.postfix.log_lines(r"mail forwarding loop for todoke-e2e-a@local.test"))[0]
        assert "status=bounced" in line and queue_id, line
    finally:
        for forward in forwards:
            forward.unlink()


def case_doctor_tells_of_mail_that_waits(world):
    """a mailbox that cannot be written to: doctor, without --all, names the address, and its words lead to the reason"""
    address = "waiting@pipe.test"
    maildir = world.make_maildir(address)
    maildir.joinpath("tmp").chmod(0o500)
    queue_id = world.postfix.send(message("waits", to=address), address)
    world.postfix.outcome(queue_id, "deferred")
    def doctor(*words):
        result = run(world.todoke, "doctor", "-c", world.conf, "-C", world.postfix.conf, *words, check=False, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        return result.stdout.decode()
    said = doctor()
    finding = said[said.index(address):]
    assert finding.startswith(f"{address}  warning  mail for this address waits in Postfix's queue (1, "), said
    assert "permission denied on this host" in finding and f"todoke doctor {address} (or --all)" in finding, said
    assert f"{maildir}/tmp" in doctor(address), doctor(address)
    maildir.joinpath("tmp").chmod(0o700)
    world.postfix.retry_until_sent(queue_id)
    world.postfix.settle()
    assert address not in doctor()


def case_unknown_user(world):
    """unknown user: 5.1.1, in log and bounce"""
    world.make_maildir("somebody@strict.test")
    queue_id = world.postfix.send(message("unknown"), "nobody@strict.test")
    bounce = check_bounce(world, queue_id, "5.1.1", "no such user")
    assert bounce.fields["final-recipient"] == "rfc822; nobody@strict.test", bounce.fields
    assert "dsn=5.1.1" in agent_log(world, queue_id)


def case_bad_address(world):
    """an address that would leave the tree bounces and touches nothing"""
    queue_id = world.postfix.send(message("climb"), '"../../climbed"@pipe.test')
    line = world.postfix.outcome(queue_id, "bounced")
    assert "dsn=5.1." in line, line
    assert not list(world.root.rglob("climbed*"))


def case_too_big(world):
    """over the agent's message_size_limit: 5.2.3"""
    queue_id = world.postfix.send(message("big", body=b"x" * 70 + b"\n") + b"y\n" * 5000, "big@sized.test")
    check_bounce(world, queue_id, "5.2.3", "bigger than 5000 bytes")
    assert world.stored("big@sized.test") == []


def case_hop_limit(world):
    """51 Received lines: 5.4.6, whoever wrote them"""
    hops = b"".join(b"Received: from a%d.test by b%d.test; Thu, 3 Aug 2017 00:00:00 +0900\n" % (i, i) for i in range(51))
    queue_id = world.postfix.send(message("hops", headers=hops), "hops@pipe.test")
    check_bounce(world, queue_id, "5.4.6", "hops|Received")


def case_wrong_configuration(world):
    """a wrong configuration puts mail off with 4.3.5, and it arrives once that is mended"""
    conf = world.path("etc", "broken.conf")
    good = conf.read_text()
    conf.write_text(good + "no_such_setting = 1\n")
    queue_id = world.postfix.send(message("broken"), "broken@broken.test")
    line = world.postfix.outcome(queue_id, "deferred")
    assert "dsn=4.3.5" in line, line
    conf.write_text(good)
    world.postfix.retry_until_sent(queue_id)
    assert len(world.stored("broken@broken.test")) == 1


def case_a_library_cannot_be_loaded(world):
    """a library that the loader does not take puts mail off by pipe(8) and by local(8), through a shell too; it arrives once that is mended"""
    broken = world.path("lent", "libglib-2.0.so.0")
    broken.touch()
    forward = world.write_forward(USERS[1], f'"|LD_LIBRARY_PATH={broken.parent} {world.todoke} deliver -c {world.local_conf}; exit $?"')
    try:
        sent = [world.postfix.send(message("lent"), recipient) for recipient in ("lent@lent.test", f"{USERS[1]}@local.test")]
        for queue_id in sent:
            line = world.postfix.outcome(queue_id, "deferred")
            assert "dsn=4.3.0" in line and "cannot load its delivery agent: libglib-2.0.so.0: file too short" in line, line
            assert str(world.root) not in line.split("status=")[1], "a path of this machine reaches the sender"
        broken.unlink()
        for queue_id in sent:
            world.postfix.retry_until_sent(queue_id)
    finally:
        broken.unlink(missing_ok=True)
        forward.unlink()
    assert len(world.stored("lent@lent.test")) == 1


def case_again_then_success(world):
    """exit 75, then success after postqueue -f; nothing is left behind by the failure"""
    maildir = world.make_maildir("again@pipe.test")
    os.chmod(maildir / "tmp", 0o500)
    queue_id = world.postfix.send(message("again"), "again@pipe.test")
    line = world.postfix.outcome(queue_id, "deferred")
    assert "dsn=4.3.0" in line and "permission denied" in line, line
    assert str(world.root) not in line, "a path of this machine reaches the sender"
    os.chmod(maildir / "tmp", 0o700)
    world.postfix.retry_until_sent(queue_id)
    assert len(world.stored("again@pipe.test")) == 1 and not litter(maildir)


def crash(world, domain, stored_before):
    """Killed by a signal at a flush; a Maildir and a key that are there already, so that the first flush is the file's."""
    need_strace()
    state = world.make_maildir(f"crash@{domain}") / "todoke-state"
    state.mkdir()
    (state / "mark.keys").write_text("crash " + "5a" * 32 + "\n")
    for path in (state, state / "mark.keys"):
        world.give(path)
    queue_id = world.postfix.send(message("crash"), f"crash@{domain}")
    line = world.postfix.outcome(queue_id, "deferred")
    assert "dsn=4.3.0" in line and "signal 9" in line, line
    assert len(world.stored(f"crash@{domain}")) == stored_before, "killed somewhere else than meant"
    world.postfix.retry_until_sent(queue_id)
    copies = len(world.stored(f"crash@{domain}"))
    assert copies == 1, f"{copies} copies after the retry"


def case_crash_before_link(world):
    """killed at the flush of the file: put off, then delivered once"""
    crash(world, "crash1.test", 0)


def case_crash_after_link(world):
    """killed at the flush of the folder, the file being in new/: the retry does not store it twice"""
    crash(world, "crash2.test", 1)


def case_disk_full(world):
    """disk full: 4.3.1, then delivered; nothing of the first try stays"""
    small = world.small
    if small is None:
        raise Skip("cannot mount a small tmpfs here")
    filler = small / "filler"
    filler.write_bytes(b"x" * (small_size(small) - 16384))
    queue_id = world.postfix.send(message("full", body=b"x" * 70 + b"\n" + b"y" * 70000 + b"\n"), "full@full.test")
    line = world.postfix.outcome(queue_id, "deferred")
    assert "dsn=4.3.1" in line, line
    left = [path for path in (small / "full").rglob("*") if path.is_file() and path.name not in ("mark.keys", "record")]
    assert left == [], left
    filler.unlink()
    world.postfix.retry_until_sent(queue_id)
    assert len(list((small / "full" / "new").iterdir())) == 1


def small_size(folder):
    vfs = os.statvfs(folder)
    return vfs.f_bavail * vfs.f_bsize


def case_mailbox_size_limit(world):
    """a limit on file sizes as local(8) sets it: 4.3.0, never a bounce, and our log line names mailbox_size_limit; then success"""
    # local(8) itself refuses a message over mailbox_size_limit, so the limit is drawn in tighter behind it.
    user = USERS[1]
    command = f"{world.agent} deliver -c {world.local_conf}"
    forward = world.write_forward(user, f'"|/usr/bin/prlimit --fsize=100000 {command}"')
    sent = message("file limit", to=f"{user}@local.test", body=b"y" * 70 + b"\n" + b"y" * 150000 + b"\n")
    queue_id = world.postfix.send(sent, f"{user}@local.test")
    line = world.postfix.outcome(queue_id, "deferred")
    assert "dsn=4.3.0" in line and "mailbox_size_limit" not in line, line  # senders get this text
    lines = [line for line in world.log.read_text().splitlines() if "code=T111" in line]
    assert lines and "mailbox_size_limit" in lines[-1], lines
    maildir = world.path("home", user, "Maildir")
    left = [path.name for path in (maildir / "tmp").iterdir() if not path.is_symlink()]  # links are claims
    assert not left, left
    forward.unlink()
    world.postfix.retry_until_sent(queue_id)
    assert sum(raw.endswith(sent) for raw in read_folder(maildir / "new")) == 1


# size


def case_size_never_misfires(world):
    """--size ${size} lets every complete message pass: short, long, 8-bit lines, those at Postfix's record borders, by sendmail without a last newline"""
    bodies = [b"\n", b"a\n" * 100, b"\xe3\x81\x82" * 30 + b"\n"]
    bodies += [b"x" * length + b"\n" for length in (126, 127, 128, 129, 996, 998, 2047, 2048, 2049, 4095, 4096, 5000, 9000)]
    bodies.append(b"".join(bodies))
    sent = [message(f"size {number}", body=body) for number, body in enumerate(bodies)]
    sent.append(b"Subject: no body at all\n")
    ids = [world.postfix.send(one, "size@size.test") for one in sent]
    for queue_id in ids:
        world.postfix.outcome(queue_id, "sent")
    stored = world.stored("size@size.test")
    assert len(stored) == len(sent)
    assert all(any(raw.endswith(one) for raw in stored) for one in sent[:-1])

    typed = [message(f"typed {number}", body=body)[:-1] for number, body in enumerate(bodies)]
    typed += [b"Subject: no body, no newline", b"Subject: no newline\n\n" + b"y" * 100000]
    for one in typed:
        run("sendmail", "-C", world.postfix.conf, "-f", SENDER, "typed@size.test", stdin=None, input=one)
    wait_for("the mail that was typed", lambda: len(world.stored("typed@size.test")) == len(typed))
    stored = world.stored("typed@size.test")
    for one in typed:
        end = one.split(b"\n\n", 1)[-1][-2000:] + b"\n"
        assert any(end in raw for raw in stored), end[:80]


def case_truncated(world):
    """a message that is shorter than --size says: 75 and 4.3.0, and nothing is stored"""
    done = world.deliver("-f", SENDER, "-d", "short@pipe.test", "--size", "5000", message=message("short"))
    assert done.returncode == 75 and done.stdout.startswith(b"4.3.0 "), done
    assert world.stored("short@pipe.test") == []


def case_pipe_daemon_dies(world):
    """pipe(8) killed in the middle of a message: the part is not stored, the whole arrives later"""
    sent = message("halved", body=(b"z" * 70 + b"\n") * 8000)
    queue_id = world.postfix.send(sent, "halved@slow.test")
    pid_file, go = world.path("slow", "pid"), world.path("slow", "go")
    agent = int(wait_for("the agent", lambda: pid_file.exists() and pid_file.read_text()))
    kill_hard(parent_of(agent))
    go.touch()
    wait_for("the agent's word", lambda: queue_id in world.log.read_text())
    assert "truncated" in agent_log(world, queue_id), agent_log(world, queue_id)
    assert world.stored("halved@slow.test") == []
    world.postfix.retry_until_sent(queue_id)
    stored = world.stored("halved@slow.test")
    assert len(stored) == 1 and stored[0].endswith(sent)


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def case_hundred_megabytes(world):
    """100 MB through Postfix, whole; the agent's memory stays below 8 MB above that of an empty start"""
    line = b"The quick brown fox jumps over the lazy dog, a hundred megabytes of it.\n"
    sent = message("huge", body=line * (100 * MEBIBYTE // len(line)))
    queue_id = world.postfix.send(sent, "huge@measured.test")
    world.postfix.outcome(queue_id, "sent")
    stored = world.stored("huge@measured.test")
    assert len(stored) == 1 and stored[0].endswith(sent)
    peak = int(world.path("slow", "measured").read_text().split()[2])
    run(world.measure, world.path("empty"), "-", world.todoke, "--version")
    empty = int(world.path("empty").read_text().split()[2])
    world.note(f"peak {peak} kB, empty start {empty} kB")
    assert peak - empty < RSS_LIMIT_KB, f"{peak} kB, empty start {empty} kB"


ALL = [value for name, value in list(globals().items()) if name.startswith("case_")]
