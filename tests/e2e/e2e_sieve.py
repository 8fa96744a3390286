# SPDX-License-Identifier: MIT
"""Scripts behind the real Postfix: what leaves arrives, once; what goes in circles ends; what is broken loses nothing."""
import base64
import email
import email.policy
import hashlib
import os
import re
import shutil
import sqlite3

from e2e_cases import SENDER, agent_log, check_bounce, header_of, last_hop, message, queue_id_to, small_size
from e2e_world import USERS, Bounce, Skip, run, unused_port

DOMAIN = "sieve.test"
HASTY = "hasty.test"  # programs have little time there
PROGRAMS = {
    "good": 'cat >"$HOME/got-$1"\n',
    "upper": "tr a-z A-Z\n",
    "fails": "cat >/dev/null; echo no such luck >&2; exit 3\n",
    "hangs": "sleep 1000\n",
    "floods": "exec yes\n",
    "dies": "kill -9 $$\n",
}


# What a Postfix in front of us may hold against us, the mail, or the address: options of its smtpd.
REFUSERS = {
    "client": "-o smtpd_client_restrictions=reject",
    "early": "-o smtpd_client_restrictions=reject -o smtpd_delay_reject=no",
    "relay": "-o mynetworks=192.0.2.1 -o smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination -o relay_domains=",
    "sender": "-o smtpd_sender_restrictions=reject",
    "size": "-o message_size_limit=2000",
    "rcpt": "-o smtpd_recipient_restrictions=reject",
}

# sendmail of this private Postfix can be called by root only: the words of the call, and the message, wait for root.
RECORDER = """\
    #!/bin/sh
    call=$(mktemp -d "$(dirname "$0")/../calls/XXXXXX")
    for word; do printf '%s\\0' "$word"; done >"$call/words"
    cat >"$call/message"
    """


def add_services(world, postfix):
    """Users of sieve.test have a script of their own, scripts/NAME.sieve."""
    world.scripts, programs = world.path("scripts"), world.path("programs")
    world.targets = set()  # where scripts redirect to
    for folder in (world.scripts, programs):
        folder.mkdir()
    for name, text in PROGRAMS.items():
        program = programs / name
        program.write_text("#!/bin/sh\n" + text)
        program.chmod(0o755)
    settings = {
        "maildir": f"{world.mail}/%d/%n", "key_file": world.path("etc", "key"), "sieve_scripts": f"{world.scripts}/%n.sieve",
        "submit": f"smtp:127.0.0.1:{postfix.smtp_port}", "program_folder": programs, "program_timeout": "60s", "program_output": "100K",
        "sieve_extensions": "+vnd.dovecot.pipe +vnd.dovecot.filter +vnd.dovecot.execute +vnd.dovecot.report",
    }
    envelope = "-f ${sender} -a ${original_recipient} -d ${recipient} --queue-id ${queue_id}"
    conf = world.write_conf("sieve.conf", **settings)
    postfix.add_pipe(DOMAIN, f"{world.agent} deliver -c {conf} {envelope}")
    postfix.add_pipe(HASTY, f"{world.agent} deliver -c {conf} -o program_timeout=2s {envelope}")
    postfix.add_pipe("srs.test", f"{world.agent} deliver -c {conf} -o redirect_sender=srs {envelope}")
    if world.small is not None:
        postfix.add_pipe("nostate.test", f"{world.agent} deliver -c {conf} -o state_folder={world.small}/state-%n {envelope}")
    for name, options in REFUSERS.items():
        port = postfix.add_refuser(options)
        postfix.add_pipe(f"refuse{name}.test", f"{world.agent} deliver -c {conf} -o submit=smtp:127.0.0.1:{port} {envelope}")
    world.calls = world.path("calls")
    world.calls.mkdir()
    world.give(world.calls)
    recorder = world.script("recorder", RECORDER)
    postfix.add_pipe("mailer.test", f"{world.agent} deliver -c {conf} -o submit=sendmail:{recorder} {envelope}")
    world.away_port = unused_port()
    postfix.add_pipe("away.test", f"{world.agent} deliver -c {conf} -o submit=smtp:127.0.0.1:{world.away_port} {envelope}")


def write_script(world, user, text):
    world.targets |= set(re.findall(r'redirect[^;"]*"([^"]*)"', text))
    path = world.scripts / f"{user}.sieve"
    path.write_text(text)
    path.chmod(0o644)


def send(world, user, text=None, subject="hello", sender=SENDER, headers=b"", domain=DOMAIN, body=b"body\n"):
    """Give a user a script, send a message to it, wait until all that it causes is done; the message and its queue id."""
    if text is not None:
        write_script(world, user, text)
    sent = message(subject, to=f"{user}@{domain}", headers=headers, body=body)
    queue_id = world.postfix.send(sent, f"{user}@{domain}", sender=sender)
    world.postfix.outcome(queue_id, "bounced" if text is not None and "reject" in text else "sent")
    world.postfix.settle()
    return sent, queue_id


def outside(world, subject):
    """Mail that arrived in the world outside, parsed, by its subject."""
    mails = [email.message_from_bytes(raw, policy=email.policy.default) for raw in world.postfix.inbox("all")]
    return [mail for mail in mails if mail["Subject"] == subject]


def folder_of(world, user, box=".", domain=DOMAIN):
    new = world.maildir(f"{user}@{domain}") / box / "new"
    return [path.read_bytes() for path in sorted(new.iterdir())] if new.is_dir() else []


def body_hash(raw):
    """As DKIM has it (RFC 6376 3.4.3, simple)."""
    body = raw.split(b"\n\n", 1)[1].replace(b"\n", b"\r\n")
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return base64.b64encode(hashlib.sha256(body).digest())


def case_redirect_keeps_bytes(world):
    """redirect: the second mailbox has it byte for byte, the body's hash is the same, our mark is on it"""
    body = b"8-bit \xe4\xff\n.dot\n..\nFrom here\ntrailing blanks  \n\n\n" + bytes(range(1, 10)) + b"\n\n"
    sent, queue_id = send(world, "fwd", 'redirect "target@sieve.test";', "redirected", body=body)
    arrived, = folder_of(world, "target")
    top = last_hop(arrived, sent)
    assert body_hash(arrived) == body_hash(sent)
    assert re.search(r"^X-Todoke-Mark: .*a=passed", top, re.M), top
    assert top.count("Return-Path:") == 1 and "Delivered-To: fwd@" not in top, top
    assert folder_of(world, "fwd") == []
    assert "sent_to=target@sieve.test" in agent_log(world, queue_id), agent_log(world, queue_id)


def case_redirect_with_copy(world):
    """redirect :copy: one here, one there"""
    sent, _ = send(world, "both", 'require "copy"; redirect :copy "target2@sieve.test";', "both")
    assert [raw.endswith(sent) for raw in folder_of(world, "both") + folder_of(world, "target2")] == [True, True]


def case_reject(world):
    """reject: the bounce has 5.7.1 and the user's text"""
    text = "Nicht an diese Adresse - bitte an office@example.org"
    _, queue_id = send(world, "no", f'require "reject"; reject "{text}";', "refused")
    bounce = check_bounce(world, queue_id, "5.7.1", re.escape(text))
    assert text in " ".join(bounce.text.split()), bounce.text
    assert folder_of(world, "no") == []


def domain_of(program):
    return HASTY if program == "hangs" else DOMAIN


VACATION = 'require ["vacation", "fcc", "mailbox"];\nvacation :days 7 :addresses "away@sieve.test" :fcc "Sent" :create "I am away.";'


def case_vacation(world):
    """vacation: answered once; never to lists, bounces, robots or oneself; the copy is in the folder"""
    _, first = send(world, "away", VACATION, "question")
    reply, = outside(world, "Auto: question")
    assert reply["Auto-Submitted"] == "auto-replied (vacation)" and reply["To"] == SENDER, reply.items()
    assert reply["Return-Path"] == "<>" and reply["X-Todoke-Mark"] is None, reply.items()
    kept, = folder_of(world, "away", ".Sent")
    assert email.message_from_bytes(kept)["Message-ID"] == reply["Message-ID"]
    assert "action=vacation" in agent_log(world, first) or "=vacation" in agent_log(world, first)
    expected = [("question", SENDER, b"", "was answered before"), ("list", "a@outside.test", b"List-Id: <x.test>\n", "List-Id"),
                ("bounce", "", b"", "the null sender"), ("robot", "no-reply@outside.test", b"", "address of a program"),
                ("machine", "b@outside.test", b"Auto-Submitted: auto-generated\n", "Auto-Submitted"),
                ("oneself", "away@sieve.test", b"", "the owner sent it")]
    for subject, sender, headers, why in expected:
        _, queue_id = send(world, "away", None, subject, sender=sender, headers=headers)
        line = agent_log(world, queue_id)
        assert "no vacation reply" in line and why in line, (subject, line)
    assert len(outside(world, "Auto: question")) == 1
    assert [mail for subject, *_ in expected[1:] for mail in outside(world, f"Auto: {subject}")] == []
    assert len(folder_of(world, "away")) == 1 + len(expected), "each is stored"


def case_notify(world):
    """notify: a notice from the recipient (RFC 5436 2.7), marked as a machine's"""
    send(world, "told", 'require "enotify"; notify :message "mail for told" "mailto:phone@outside.test";', "news")
    notice, = outside(world, "mail for told")
    assert notice["Auto-Submitted"].startswith("auto-notified") and notice["Return-Path"] == "<told@sieve.test>", notice.items()
    assert notice["To"] == "phone@outside.test" and "news" in notice.get_content()
    assert len(folder_of(world, "told")) == 1


def case_report(world):
    """report: a valid feedback report (RFC 5965) with the message in it"""
    sent, _ = send(world, "victim", 'require "vnd.dovecot.report"; report "abuse" "This is spam." "abuse@outside.test";', "spam")
    report, = outside(world, "Report: spam")
    assert report.get_content_type() == "multipart/report" and report.get_param("report-type") == "feedback-report"
    text, facts, original = report.iter_parts()
    assert [part.get_content_type() for part in (text, facts, original)] == ["text/plain", "message/feedback-report", "message/rfc822"]
    fields = email.message_from_string(facts.get_payload(0).as_string().strip() if facts.is_multipart() else facts.get_payload())
    assert fields["Feedback-Type"] == "abuse" and fields["Version"] == "1" and fields["User-Agent"], fields.items()
    assert fields["Original-Mail-From"] == f"<{SENDER}>" and fields["Original-Rcpt-To"] == "<victim@sieve.test>", fields.items()
    assert original.get_payload(0)["Subject"] == "spam" and original.get_payload(0)["Message-ID"] in sent.decode()


def case_pipe_programs(world):
    """pipe: a program that succeeds has it; one that fails, hangs, floods, dies or is missing has not, and it is stored"""
    wanted = {"good": None, "fails": "exit code 3: no such luck", "hangs": "took longer", "floods": "said more than", "dies": "signal 9",
              "missing": "cannot run"}
    for name, why in wanted.items():
        user = "pipe-" + name
        script = f'require "vnd.dovecot.pipe"; pipe "{name}" ["{name}"];'
        sent, queue_id = send(world, user, script, "pipe " + name, domain=domain_of(name), body=b"x" * 70 + b"\n")
        line = agent_log(world, queue_id)
        assert [raw.endswith(sent) for raw in folder_of(world, user, domain=domain_of(name))] == ([] if why is None else [True]), (name, line)
        assert why is None or why in line, (name, line)
    got = world.maildir("pipe-good@sieve.test").parent / "got-good"
    assert got.exists() and got.read_bytes().endswith(sent[-20:]), list(got.parent.iterdir())


def case_filter_programs(world):
    """filter: what the program says is stored; after a failure the message as it came"""
    for name in ("upper", "fails", "hangs", "floods", "dies", "missing"):
        user = "filter-" + name
        sent, queue_id = send(world, user, f'require "vnd.dovecot.filter"; filter "{name}"; keep;', "filter " + name,
                              domain=domain_of(name))
        stored, = folder_of(world, user, domain=domain_of(name))
        if name == "upper":
            assert b"SUBJECT: FILTER UPPER\n" in stored and stored.endswith(b"BODY\n"), stored
        else:
            assert stored.endswith(sent), (name, agent_log(world, queue_id))


def case_execute_programs(world):
    """execute: true where the program ends well, else false"""
    script = 'require ["vnd.dovecot.execute", "fileinto", "mailbox"]; if execute :pipe "{0}" "{0}" {{ fileinto :create "Good"; }}'
    for name in ("good", "fails", "hangs", "floods", "dies", "missing"):
        user = "execute-" + name
        send(world, user, script.format(name), "execute " + name, domain=domain_of(name))
        counts = tuple(len(folder_of(world, user, box, domain_of(name))) for box in (".Good", "."))
        assert counts == ((1, 0) if name == "good" else (0, 1)), (name, counts)


# circles


def case_circle_of_two(world):
    """A redirects to B and B to A: one round, then the sender has it back with the reason"""
    write_script(world, "bee", 'redirect "aye@sieve.test";')
    write_script(world, "aye", 'redirect "bee@sieve.test";')
    sent = message("round and round", to="aye@sieve.test")
    world.postfix.send(sent, "aye@sieve.test")
    world.postfix.settle()
    rounds = {user: len(world.postfix.log_lines(rf"to=<{user}@sieve.test>.* status=")) for user in ("aye", "bee")}
    assert rounds == {"aye": 2, "bee": 1}, rounds
    bounced = queue_id_to(world, "aye@sieve.test", "bounced")  # the first delivery may be logged last
    bounce = check_bounce(world, bounced, "5.4.6", "looping")
    assert "passed it on" in " ".join(bounce.text.split()), bounce.text
    line = agent_log(world, bounced)
    assert "loop=" in line and "why=" in line, line


def case_circle_of_one(world):
    """A redirects to itself: it is stored, and the record says why"""
    sent, queue_id = send(world, "self", 'redirect "Self+x@sieve.test";', "to myself")
    assert [raw.endswith(sent) for raw in folder_of(world, "self")] == [True]
    assert "that is the owner" in agent_log(world, queue_id)


def case_vacation_against_vacation(world):
    """two who are away: one answer, and none to it"""
    for user in ("gone1", "gone2"):
        write_script(world, user, 'require "vacation"; vacation "gone";')
    queue_id = world.postfix.send(message("are you there", to="gone2@sieve.test"), "gone2@sieve.test", sender="gone1@sieve.test")
    world.postfix.outcome(queue_id, "sent")
    world.postfix.settle()
    assert (len(folder_of(world, "gone1")), len(folder_of(world, "gone2"))) == (1, 1)
    assert b"Subject: Auto: are you there" in folder_of(world, "gone1")[0]
    line = agent_log(world, queue_id_to(world, "gone1@sieve.test"))
    assert "no vacation reply" in line, line


def case_notify_in_circles(world):
    """notify to oneself is held back; a notice about a notice is, too"""
    _, queue_id = send(world, "echo", 'require "enotify"; notify "mailto:echo@sieve.test";', "self notice")
    assert "is the owner" in agent_log(world, queue_id) and len(folder_of(world, "echo")) == 1
    write_script(world, "ping", 'require "enotify"; notify "mailto:pong@sieve.test";')
    write_script(world, "pong", 'require "enotify"; notify "mailto:ping@sieve.test";')
    send(world, "ping", None, "ping pong")
    assert (len(folder_of(world, "ping")), len(folder_of(world, "pong"))) == (1, 1)
    line = agent_log(world, queue_id_to(world, "pong@sieve.test"))
    assert "a machine sent the message" in line, line


def case_redirect_comes_back_by_fetchmail(world):
    """redirect to an address whose mail is fetched back here: the sender has it back with the reason"""
    sent, _ = send(world, "boomerang", 'redirect "provider@outside.test";', "boomerang")
    there, = [raw for raw in world.postfix.inbox("all") if b"Subject: boomerang\n" in raw]
    world.dovecot.put("boomerang", there)
    world.fetchmail.fetch("boomerang", "boomerang@sieve.test")
    world.postfix.settle()
    queue_id = queue_id_to(world, "boomerang@sieve.test")
    check_bounce(world, queue_id, "5.4.6", "looping")
    assert folder_of(world, "boomerang") == []


# addresses on the wire


def replay(world):
    """Root calls the real sendmail with the words that it was to be called with; the queue ids."""
    known = {line.split(": ")[1] for line in world.postfix.log_lines(r"postfix/pickup\[\d+\]: \w+: uid=")}
    for call in sorted(world.calls.iterdir()):
        words = call.joinpath("words").read_text().split("\0")[:-1]
        with open(call / "message", "rb") as text:
            run("sendmail", "-C", world.postfix.conf, *words, stdin=text)
        shutil.rmtree(call)
    world.postfix.settle()
    return {line.split(": ")[1] for line in world.postfix.log_lines(r"postfix/pickup\[\d+\]: \w+: uid=")} - known


def recipients(world, subject):
    """The envelope recipients of the mails outside with this subject, by Postfix's own log."""
    found = []
    for raw in world.postfix.inbox("all"):
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        if mail["Subject"] == subject:
            found.append(mail["X-Original-To"])
    return sorted(found)


ODD = ["v1@a.test,v2@c.test,root@outside.test", "john smith@outside.test", "foo.@outside.test", ".foo..bar@outside.test", 'a"b\\c@outside.test']


def quoted(address):
    local, domain = address.rsplit("@", 1)
    return '"%s"@%s' % (local.replace("\\", "\\\\").replace('"', '\\"'), domain)


def case_one_address_stays_one(world):
    """odd senders and targets: by SMTP and by sendmail, Postfix sees one recipient each, and that one"""
    for domain in (DOMAIN, "mailer.test"):
        for number, address in enumerate(ODD):
            target = quoted(address).replace("\\", "\\\\").replace('"', '\\"')
            subject, user = f"odd {number} at {domain}", f"odd{number}"
            write_script(world, user, f'require ["vacation", "copy"]; redirect :copy "{target}"; vacation "away";')
            sent = message(subject, to=f"{user}@{domain}")
            queue_id = world.postfix.send(sent, f"{user}@{domain}", sender="<%s>" % quoted(address))
            world.postfix.outcome(queue_id, "sent")
            world.postfix.settle()
            if domain == "mailer.test":
                ids = replay(world)
                assert len(ids) == 2, ids
            for what in (subject, "Auto: " + subject):
                # virtual(8) writes the address as it is in memory, unquoted or quoted by release; one address it is
                assert [one.replace('"', "").replace("\\", "") for one in recipients(world, what)] == [address.replace('"', "").replace("\\", "")], \
                    (what, recipients(world, what))
            reply, = outside(world, "Auto: " + subject)
            assert [f"{to.username}@{to.domain}" for to in reply["To"].addresses] == [address], reply["To"]
            lines = world.postfix.log_lines(re.escape(f"to=<{quoted(address)}>") + r".* status=sent")
            assert len(lines) >= 2, (address, world.postfix.log_lines("to=<.*outside.test>")[-6:])


# what the next server says


def case_next_server_holds_it_against_us(world):
    """client refused, relaying refused, refused at the greeting: put off, nothing is lost, nobody is bounced"""
    for name in ("client", "early", "relay"):
        domain = f"refuse{name}.test"
        target = "hidden-target@" + ("elsewhere.test" if name == "relay" else "outside.test")
        write_script(world, "us", f'redirect "{target}";')
        queue_id = world.postfix.send(message(domain, to=f"us@{domain}"), f"us@{domain}")
        line = world.postfix.outcome(queue_id, "deferred")
        assert "dsn=4.4.0" in line and "hidden-target" not in line and re.search("reference [0-9a-f]{10}", line), line
        reference = re.search("reference [0-9a-f]{10}", line)[0]
        log = [text for text in world.log.read_text(errors="replace").splitlines() if reference in text]
        assert any(target in text and "127.0.0.1:" in text for text in log), log
        assert folder_of(world, "us", domain=domain) == [] and world.postfix.log_lines(f"{queue_id}: .*bounce") == []
        run("postsuper", "-c", world.postfix.conf, "-d", queue_id)


def case_next_server_holds_it_against_the_mail(world):
    """the sender or the size refused: stored in the INBOX, the owner is told, nobody is bounced"""
    for name, words in (("sender", "Sender address rejected"), ("size", "5.3.4")):
        domain = f"refuse{name}.test"
        sent, queue_id = send(world, "it", 'redirect "hidden-target@outside.test";', domain, domain=domain, body=b"x" * 70 + b"\n" + b"y" * 3000 + b"\n")
        stored = folder_of(world, "it", domain=domain)
        assert sum(raw.endswith(sent) for raw in stored) == 1 and len(stored) == 2, stored
        notice, = [raw for raw in stored if not raw.endswith(sent)]
        text = email.message_from_bytes(notice, policy=email.policy.default).get_content()
        assert words in text and "hidden-target@outside.test" in text, text
        assert words in agent_log(world, queue_id), agent_log(world, queue_id)
        assert world.postfix.no_bounce_of(queue_id)


def case_next_server_refuses_the_address(world):
    """RCPT refused: the bounce has that code and a reference, not the address; with a copy here nobody is bounced"""
    _, queue_id = send_refused(world, 'redirect "hidden-target@outside.test";')
    bounce = check_bounce(world, queue_id, "5.7.1", "reference [0-9a-f]{10}")
    assert "hidden-target" not in bounce.text + str(bounce.fields), bounce.text
    reference = re.search("reference [0-9a-f]{10}", bounce.fields["diagnostic-code"])[0]
    log = [text for text in world.log.read_text(errors="replace").splitlines() if reference in text and "hidden-target@outside.test" in text]
    assert any("in reply to RCPT TO" in text for text in log), log
    sent, queue_id = send(world, "kept", 'require "copy"; redirect :copy "hidden-target@outside.test";', "kept", domain="refusercpt.test")
    assert world.postfix.no_bounce_of(queue_id)
    assert sum(raw.endswith(sent) for raw in folder_of(world, "kept", domain="refusercpt.test")) == 1


def send_refused(world, text):
    write_script(world, "gone", text)
    sent = message("to nobody", to="gone@refusercpt.test")
    queue_id = world.postfix.send(sent, "gone@refusercpt.test")
    world.postfix.outcome(queue_id, "bounced")
    world.postfix.settle()
    return sent, queue_id


def case_srs_bounce_comes_back(world):
    """SRS: the bounce of a redirected message comes back to us and goes on to who sent it, once"""
    returned = r"to=<SRS0=[^>]*@srs.test>.* status="
    before = len(world.postfix.log_lines(returned))
    write_script(world, "rewriter", 'redirect "nobody@strict.test";')
    sent = message("rewritten", to="rewriter@srs.test")
    world.postfix.send(sent, "rewriter@srs.test")
    world.postfix.settle()
    line, = world.postfix.log_lines(returned)[before:]
    assert "status=sent" in line, line
    bounces = [raw for raw in world.postfix.inbox("all") if b"Subject: rewritten" in raw]
    assert len(bounces) == 1 and b"5.1.1" in bounces[0] and re.search("^To: SRS0=", header_of(bounces[0]), re.M), bounces
    queue_id = queue_id_to(world, re.search(r"to=<([^>]*)>", line).group(1))
    assert f"sent_to={SENDER}" in agent_log(world, queue_id), agent_log(world, queue_id)
    assert not list(world.mail.joinpath("srs.test").glob("[sS][rR][sS]0*")), "a mailbox was made for the address"


def case_srs_address_is_no_mailbox(world):
    """mail to an address that SRS made: a forged one is unknown; one that is ours takes bounces only"""
    queue_id = world.postfix.send(message("forged"), "SRS0=AAAAAAAA=AA=outside.test=sender@srs.test", sender="")
    assert "dsn=5.1.1" in world.postfix.outcome(queue_id, "bounced")
    write_script(world, "rewriter2", 'redirect "address@outside.test";')
    send(world, "rewriter2", None, "for its sender", domain="srs.test")
    there, = [raw for raw in world.postfix.inbox("all") if b"Subject: for its sender" in raw]
    address = re.search(rb"Return-Path: <(SRS0=[^>]*)>", there).group(1).decode()
    queue_id = world.postfix.send(message("no bounce"), address)
    check_bounce(world, queue_id, "5.7.1", "only bounces")
    world.postfix.settle()


# faults


def case_broken_script(world):
    """a broken script: the last good one serves, one notice with the errors, the log says so; mended, all is normal again"""
    send(world, "author", 'require "fileinto"; fileinto "Work";', "one")
    for subject in ("two", "three"):
        _, queue_id = send(world, "author", 'require "fileinto";\nfileinto "Work"\n', subject)
    line = agent_log(world, queue_id)
    assert "';' is missing" in line and "the version of the script that served last was run" in line, line
    assert len(folder_of(world, "author", ".Work")) == 3
    notice, = folder_of(world, "author")
    assert b"Auto-Submitted: auto-generated" in notice and b"author.sieve:2:16: error: ';' is missing" in notice, notice
    _, queue_id = send(world, "author", 'require "fileinto"; fileinto "New";', "four")
    assert len(folder_of(world, "author", ".New")) == 1 and "note=" not in agent_log(world, queue_id)


def case_unreadable_script(world):
    """a script that nobody can read, and none before it: INBOX and a notice, no bounce"""
    write_script(world, "locked", "discard;")
    os.chmod(world.scripts / "locked.sieve", 0)
    sent, queue_id = send(world, "locked", None, "locked")
    stored = folder_of(world, "locked")
    assert len(stored) == 2 and sum(raw.endswith(sent) for raw in stored) == 1, stored
    assert "ermission denied" in agent_log(world, queue_id)


def case_next_host_away(world):
    """Postfix's SMTP port is away: put off, the copy is here once; back again: the redirect goes out once"""
    write_script(world, "patient", 'require "copy"; redirect :copy "late@outside.test";')
    sent = message("late", to="patient@away.test")
    queue_id = world.postfix.send(sent, "patient@away.test")
    line = world.postfix.outcome(queue_id, "deferred")
    assert "dsn=4.4.0" in line, line
    for tries in (2, 3):
        world.postfix.wait_for_try(queue_id, tries)
    assert len(folder_of(world, "patient", domain="away.test")) == 1
    conf = world.postfix.conf / "master.cf"
    conf.write_text(conf.read_text().replace(f"127.0.0.1:{world.away_port}", f"127.0.0.1:{world.postfix.smtp_port}"))
    run("postfix", "-c", world.postfix.conf, "reload")
    world.postfix.retry_until_sent(queue_id)
    world.postfix.settle()
    assert len(folder_of(world, "patient", domain="away.test")) == 1
    assert len(outside(world, "late")) == 1


def case_no_room_for_the_state(world):
    """the disk of the state is full: what must leave leaves once, nobody is answered, the record says why; with room all is well"""
    if world.small is None:
        raise Skip("cannot mount a small tmpfs here")
    filler = world.small / "state-filler"
    filler.write_bytes(b"x" * max(0, small_size(world.small) - 4096))
    text = 'require ["vacation", "copy"]; redirect :copy "other@outside.test"; vacation "away";'
    _, queue_id = send(world, "cramped", text, "no room", domain="nostate.test")
    line = agent_log(world, queue_id)
    assert "no vacation reply" in line and "state" in line, line
    assert (len(outside(world, "no room")), len(outside(world, "Auto: no room"))) == (1, 0)
    filler.unlink()
    send(world, "cramped", None, "some room", domain="nostate.test")
    assert (len(outside(world, "some room")), len(outside(world, "Auto: some room"))) == (1, 1)
    assert len(folder_of(world, "cramped", domain="nostate.test")) == 2


def case_locked_state(world):
    """somebody holds the state: the mail is stored and sent on, nobody is answered, and it takes seconds only"""
    text = 'require ["vacation", "copy"]; redirect :copy "other@outside.test"; vacation "away";'
    send(world, "locker", text, "before the lock")
    db = sqlite3.connect(world.maildir("locker@sieve.test") / "todoke-state" / "state.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    try:
        _, queue_id = send(world, "locker", None, "locked out", sender="second@outside.test")
    finally:
        db.close()
    assert "locked" in agent_log(world, queue_id), agent_log(world, queue_id)
    assert (len(outside(world, "locked out")), len(outside(world, "Auto: locked out"))) == (1, 0)
    assert len(folder_of(world, "locker")) == 2


# last: what all that went before has told strangers


def case_zz_no_bounce_tells_where_mail_goes(world):
    """no bounce of this run names the target of a redirect, a path, or another user"""
    secrets = [str(world.root), "/usr/", "/var/", *USERS, *world.targets]
    checked = 0
    for raw in world.postfix.inbox("all"):
        if b"X-Postfix-Queue-ID: " not in raw:
            continue
        bounce = Bounce(raw)
        final = bounce.fields["final-recipient"].split(";")[1].strip()
        if not bounce.fields["diagnostic-code"].lower().startswith("x-unix"): # Postfix's own words, perhaps of the hop behind us
            continue
        checked += 1
        told = bounce.text + "\n" + bounce.fields["diagnostic-code"]
        found = [secret for secret in secrets if secret in told.replace(f"<{final}>", "") and secret != final]
        assert not found, (found, told)
    world.note(f"{checked} bounces read")
    assert checked > 0 or len(world.targets) == 0, "no bounce was read"


ALL = [value for name, value in list(globals().items()) if name.startswith("case_")]
