#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The door `todoke deliver`: what it takes, what it answers, what it stores."""

import fcntl
import os
import pty
import pwd
import re
import resource
import shutil
import signal
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@example.test\nSubject: x\n\nbody\n"
BARE = ["-o", "add_return_path=no", "-o", "add_delivered_to=no", "-o", "add_mark=no"]


def deliver(folder, *args, message=MESSAGE, rcpt="ann@example.test", **more):
    whole = ["deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder]
    whole += ["-d", rcpt] if rcpt is not None else []
    return tap.todoke(*whole, *args, stdin=message, **more)


def stored(folder, box="example.test/ann"):
    """The bytes of all messages in new/ and cur/, and nothing may be left in tmp/."""
    root = os.path.join(folder, box)
    files = [f for f in tap.files_below(root) if re.match(r"(.*/)?(new|cur)/", f)]
    tap.same(tap.litter(root), [], "tmp")
    return [open(os.path.join(root, f), "rb").read() for f in files]


def unmarked(messages):
    """Without the mark that each has (tests/cmd/test-returns.py looks at those)."""
    mark = re.compile(rb"^X-Todoke-Mark: v=2; k=\w+; a=stored; t=\d+;\n\th=\w{64}\n", re.M)
    tap.same([len(mark.findall(message)) for message in messages], [1] * len(messages), "marks")
    return [mark.sub(b"", message) for message in messages]


def test_stores_byte_for_byte(folder):
    hard = b"From: a\nX: \xff\n folded\n\n\0 NUL, 8-bit \xfe, bare \r CR, no end"
    for message in (MESSAGE, hard, b"", b"\n", b"no header\n", MESSAGE.replace(b"\n", b"\r\n"), b" fold first\nA: b\n\nx\n",
                    b"A: " + b"x" * 200000 + b"\n\n" + b"y" * 300000, b"x" * 5000 + b": long name\n\nbody\n"):
        box = "%s/%d" % (folder, len(os.listdir(folder)))
        os.mkdir(box)
        result = deliver(box, "-f", "s@x.test", *BARE, message=message)
        tap.same((result.returncode, result.stderr), (0, b""), "exit and stderr")
        tap.same(stored(box), [message], "stored")


def test_a_keep_that_fails_is_not_waited_for(folder):
    """A program that cannot run stores the mail instead; where that is refused, the bounce's own fallback must not wait for its claim."""
    os.makedirs(os.path.join(folder, "bin"))
    script = os.path.join(folder, "main.sieve")
    with open(script, "w", encoding="ascii") as file:
        file.write('require "vnd.dovecot.pipe"; pipe "absent";\n')
    quota = ["-o", "quota=site", "-o", "quota_bytes=300", "-o", "quota_full=bounce"]
    result = deliver(folder, "-f", "", "--queue-id", "4Qx1z", *quota, "-o", "program_folder=%s/bin" % folder, "-o", "sieve_scripts=" + script, message=MESSAGE + 300 * b"x")
    tap.same((result.returncode, result.stdout[:5]), (69, b"5.2.3"), result.stdout)
    tap.same(stored(folder), [], "stored")


REPORT = (b"From: MAILER-DAEMON@b.test\nTo: ann@example.test\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\n\n"
          b"--x\n\nsorry\n\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; b.test\n\n%s\nAction: failed\nStatus: 5.7.1\n\n--x--\n")


def test_a_bounce_goes_not_back_to_who_refused(folder):
    """What an address refused comes back to the owner, and is not sent there again; other bounces are redirected as all mail."""
    script, out = os.path.join(folder, "main.sieve"), os.path.join(folder, "out")
    with open(script, "w", encoding="ascii") as file:
        file.write('require "copy"; redirect :copy "Me@Elsewhere.test";\n')
    with open(os.path.join(folder, "sendmail"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ncat >%s\n" % out)
    os.chmod(os.path.join(folder, "sendmail"), 0o755)
    far = b"x" * 70 + b"\n"
    look = tap.limit("REPORT_LOOK_BYTES")
    cases = ((b"Final-Recipient: rfc822; me@elsewhere.test", "", False), (b"FINAL-RECIPIENT: RFC822;ME@elsewhere.test\r", "", False),
             (b"Original-Recipient: rfc822;me@elsewhere.test\nFinal-Recipient: rfc822; m@x", "", False), (b"Final-Recipient: rfc822; other@elsewhere.test", "", True),
             (b"Final-Recipient: rfc822; me@elsewhere.test", "a@b.test", True), (b"Final-Recipient: me@elsewhere.test", "", True), (b"Final-Recipient", "", True),
             (far * (look // len(far) + 1) + b"Final-Recipient: rfc822; me@elsewhere.test", "", True))
    for number, (lines, sender, leaves) in enumerate(cases):
        result = deliver(folder, "-f", sender, "--queue-id", "4Qx%dz" % number, "-o", "submit=sendmail:%s/sendmail" % folder, "-o", "sieve_scripts=" + script, message=REPORT % lines)
        tap.same(result.returncode, 0, result.stdout)
        tap.same(os.path.exists(out), leaves, lines[:80])
        if leaves:
            os.unlink(out)
    tap.same(len(stored(folder)), len(cases), "each is in the INBOX, once")


def test_stamps(folder):
    result = deliver(folder, "-f", "s@x.test", "-a", "info@example.test", "-o", "add_original_to=yes")
    tap.same(result.stdout, b"stored in INBOX\n")
    tap.same(unmarked(stored(folder)), [b"Return-Path: <s@x.test>\nX-Original-To: info@example.test\nDelivered-To: ann@example.test\n" + MESSAGE])


def test_settings_of_one_recipient(folder):
    """Blocks of the file hold for the recipients that they fit, by this door and by `try`."""
    conf = folder + "/todoke.conf"
    with open(conf, "w", encoding="utf-8") as file:
        file.write("quota = off\ndomain \"Full.test\" { quota = site quota_bytes = 100 }\nuser \"ann@full.test\" { quota_bytes = 1M }\n")
    os.chmod(conf, 0o644)
    for rcpt, code in (("ann@example.test", 0), ("bob@full.test", 0), ("bob@full.test", 75), ("bob+x@FULL.test", 75),
                       ("ann@full.test", 0), ("ann@full.test", 0)):
        result = deliver(folder, "-c", conf, "-f", "s", *BARE, rcpt=rcpt)
        tap.same(result.returncode, code, rcpt)
        tap.same(result.stdout[:5], b"4.2.2" if code else b"store", rcpt)
    tap.same(stored(folder, "full.test/ann"), [MESSAGE] * 2)
    tap.same(stored(folder, "full.test/bob"), [MESSAGE])


def test_a_user_without_bounces_for_loops(folder):
    """WITHOUT BOUNCES in todoke-loop(7): a block, and the options of a service; the rules do not run."""
    conf = folder + "/todoke.conf"
    with open(conf, "w", encoding="ascii") as file:
        file.write('hop_limit = 5\nuser "archive@example.test" {\n  loop_action = keep\n  return_action = deliver\n}\n')
    looped = 6 * b"Received: from a.test by b.test; Tue, 1 Dec 2026 09:00:00 +0000\n" + MESSAGE
    rules = with_script(folder, "discard;\n")
    for rcpt, options, code in (("archive@example.test", [], 0), ("ann@example.test", [], 69), ("ann@example.test", ["-o", "loop_action=keep"], 0)):
        answer = deliver(folder, "-c", conf, "-f", "s@x.test", *rules, *options, message=looped, rcpt=rcpt)
        tap.same((answer.returncode, answer.stdout == b"stored in INBOX\n"), (code, code == 0), rcpt)
    tap.contains(open(folder + "/log").read(), 'loop=hops, why="6 Received lines, more than 5"')


def test_an_mbox_is_taken_apart(folder):
    """OLD MAIL IN MBOXES in todoke-migrate(7), with the page's own command."""
    if shutil.which("formail") is None:
        raise tap.Skip("there is no formail")
    with open(os.path.join(tap.TOP, "agent/man/todoke-migrate.7"), encoding="utf-8") as file:
        words = re.search(r"formail (.*) \\-d taro@example.jp <mbox", file.read())[1].replace("\\", "").split()
    tap.same(words[:3], ["-s", "todoke", "deliver"])
    site = ["-o", "maildir=%s/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "users=virtual"]
    hops = 60 * b"Received: from a.test by b.test; Tue, 1 Dec 2026 09:00:00 +0000\n"
    mbox = b"".join(b"From %s@x.test Tue Dec  1 09:00:00 2026\n%s%s\n" % (name, hops if name == b"b" else b"", MESSAGE) for name in (b"a", b"b", b"c"))
    subprocess.run(["formail", "-s", tap.TODOKE, *words[2:], *site, "-d", "ann@example.test"], input=mbox, check=True, stdout=subprocess.DEVNULL)
    tap.same(sorted(re.match(rb"Return-Path: <(.)@x.test>", mail)[1] for mail in stored(folder)), [b"a", b"b", b"c"])


def test_the_site_adds_a_field(folder):
    """As todoke.conf(5) says of rules, which add none."""
    with open(folder + "/site.sieve", "w", encoding="ascii") as file:
        file.write('require "editheader";\naddheader "X-Site" "example";\n')
    options = [*with_script(folder, 'require "fileinto"; if exists "x-site" { fileinto "Work"; }\n'), "-o", "sieve_before=%s/site.sieve" % folder]
    tap.same(deliver(folder, "-f", "s", *options).stdout, b"stored in Work\n")
    tap.contains(stored(folder, "example.test/ann/.Work")[0].decode(), "X-Site: example\n")


def test_stamps_of_the_caller_are_not_doubled(folder):
    message = b"Return-Path: <s@x.test>\nX-Original-To: info@example.test\nDelivered-To: ann@example.test\nReceived: by h\n" + MESSAGE
    deliver(folder, "-f", "s@x.test", "-a", "info@example.test", "-o", "add_original_to=yes", message=message)
    tap.same(unmarked(stored(folder)), [message])


def test_null_sender(folder):
    for sender in ("", "<>", "MAILER-DAEMON"):
        box = "%s/%d" % (folder, len(os.listdir(folder)))
        os.mkdir(box)
        tap.same(deliver(box, "-f", sender).returncode, 0)
        tap.contains(stored(box)[0], b"Return-Path: <>\n")


def test_name_has_sizes(folder):
    deliver(folder, "-f", "s@x.test", *BARE)
    name = [f for f in tap.files_below(folder) if "/new/" in f][0]
    tap.contains(name, ",S=%d,W=%d" % (len(MESSAGE), len(MESSAGE) + MESSAGE.count(b"\n")))


def test_size_tells_a_truncated_message(folder):
    whole = sum(len(line) + (2 if len(line) < 128 else 3) for line in MESSAGE[:-1].split(b"\n"))
    tap.same(deliver(folder, "-f", "s", "--size", str(whole)).returncode, 0)
    result = deliver(folder, "-f", "s", "--size", str(whole), message=MESSAGE[:-3])
    tap.same(result.returncode, 75)
    tap.contains(result.stdout, b"4.3.0 message arrived incomplete")
    tap.same(len(stored(folder)), 1)


def test_folder_by_m(folder):
    result = deliver(folder, "-f", "s", "-m", "Work/New")
    tap.same(result.stdout, b"stored in Work/New\n")
    tap.same(len(stored(folder, "example.test/ann/.Work.New")), 1)


def test_recipient_after_dashes(folder):
    result = deliver(folder, "-f", "s", "--", "ann@example.test", rcpt=None)
    tap.same(result.returncode, 0)
    tap.same(len(stored(folder)), 1)


def test_usage_faults_are_temporary(folder):
    for args, words in ((["-e"], b"dovecot-lda"), (["-Y"], b"procmail"), (["--nonsense"], b"--nonsense"), (["-f"], b"-f"),
                        (["other@example.test"], b"destination_recipient_limit"), (["--size", "x"], b"--size")):
        result = deliver(folder, *args)
        tap.same(result.returncode, 75, str(args))
        tap.contains(result.stdout, b"4.3.5 ", str(args))
        tap.contains(open(folder + "/log", "rb").read() if os.path.exists(folder + "/log") else words, words)


def test_config_faults_are_temporary(folder):
    result = deliver(folder, "-o", "no_such=1")
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "))
    result = deliver(folder, "-c", folder + "/missing")
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "))


def test_unknown_user(folder):
    result = deliver(folder, "-o", "create_maildir=no", "--queue-id", "4ABC12")
    tap.same((result.returncode, result.stdout), (67, b"5.1.1 no such user here [4ABC12]\n"), "outsiders read it: a reference, and no setting")
    with open(folder + "/log", encoding="utf-8") as log:
        tap.contains(log.read(), "create_maildir = no makes none: `todoke account --create ADDRESS` does")


def test_addresses_form_no_path(folder):
    for rcpt in ("../../etc/x@example.test", "..@example.test", "-x@example.test", "a/b@example.test", "@example.test", "ann@..", "ann@"):
        result = deliver(folder, rcpt=rcpt)
        tap.same((result.returncode, result.stdout[:6]), (67, b"5.1.1 "), rcpt)
    tap.same(os.listdir(folder), ["log"])


def test_answer_is_one_line_on_stdout(folder):
    result = deliver(folder, "-o", "create_maildir=no")
    tap.same(result.stdout.count(b"\n"), 1)
    tap.same(result.stderr, b"")


def closed(folder, which):
    line = "exec \"$0\" deliver -o 'maildir=%s/%%d/%%n' -o log_file=%s/log -d ann@example.test -f s %s" % (folder, folder, which)
    return subprocess.run(["sh", "-c", line, tap.TODOKE], input=MESSAGE, capture_output=True, timeout=tap.PATIENCE, check=False)


def test_closed_descriptors(folder):
    """With 1 and 2 closed no file of ours gets their numbers, and the mail is stored."""
    tap.same(closed(folder, ">&- 2>&-").returncode, 0)
    tap.same(len(stored(folder)), 1)
    tap.contains(stored(folder)[0], MESSAGE)


def test_closed_input_is_no_message(folder):
    """With 0 closed there is no message: an empty one must not be stored in its place and called delivered."""
    for which in ("<&-", "<&- >&- 2>&-"):
        tap.same(closed(folder, which).returncode, 75, which)
    tap.same(stored(folder), [])


def typed(folder, *args):
    """-> (exit code, standard output, what a terminal shows) where standard input and error are the terminal."""
    leader, follower = pty.openpty()
    with subprocess.Popen([tap.TODOKE, "deliver", "-o", "log_file=%s/log" % folder, *args], stdin=follower, stdout=subprocess.PIPE, stderr=follower) as process:
        os.close(follower)
        os.write(leader, b"\x04")
        said = process.stdout.read()
        code = process.wait(tap.PATIENCE)
    shown = b""
    try:
        while part := os.read(leader, 65536):
            shown += part
    except OSError:
        pass
    os.close(leader)
    return code, said.decode(), shown.decode().replace("\r\n", "\n")


def test_typed_at_a_terminal(folder):
    """Whoever types it learns what it is for, and why it fails; Postfix's line has the status only."""
    code, said, shown = typed(folder, "-d", "ann@x.test", "-o", "maildir=relative")
    tap.same((code, said), (75, "4.3.5 mail system is configured incorrectly\n"), shown)
    tap.contains(shown, "`todoke try FILE` shows what it would do")
    tap.contains(shown, "todoke: ")
    tap.contains(shown, "maildir")
    code, said, shown = typed(folder, "-d", "ann\x1b[31m@x.test", "-o", "maildir=%s/none/%%n" % folder, "-o", "create_maildir=no")
    tap.same((code, "\x1b" in shown), (67, False), shown)
    result = tap.todoke("deliver", "-o", "log_file=%s/log" % folder, "-o", "maildir=relative", "-d", "ann@x.test", stdin=MESSAGE)
    tap.same(result.stderr, b"", "no terminal")


def test_mailbox_command(folder):
    user = "games" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if user == "games":
        shutil.chown(folder, "games")
    env = {"LOGNAME": user, "HOME": folder, "RECIPIENT": "carol@Host.test", "SENDER": "",
           "ORIGINAL_RECIPIENT": "info@host.test", "LOCAL": "carol", "DOMAIN": "host.test", "CLIENT_ADDRESS": "192.0.2.1"}
    message = b"From MAILER-DAEMON  Sat Nov 21 10:00:00 2026\nReturn-Path: <>\nX-Original-To: info@host.test\nDelivered-To: info@host.test\n" \
              b"Received: from x by y; Sat, 21 Nov 2026 10:00:00 +0000\n" + MESSAGE
    result = tap.todoke("deliver", "-o", "log_file=%s/log" % folder, stdin=message, env=env)
    tap.same((result.returncode, result.stdout), (0, b"stored in INBOX\n"))
    tap.same(unmarked(stored(folder, "Maildir")), [message.split(b"\n", 1)[1]])
    tap.contains(open(folder + "/log").read(), "to=carol@Host.test, orig_to=info@host.test")


def test_mailbox_command_makes_no_maildir_that_it_may_not(folder):
    """As at the other doors: an account without a maildir is not known here (5.1.1)."""
    user = "games" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    env = {"LOGNAME": user, "HOME": folder, "RECIPIENT": "carol@host.test", "SENDER": ""}
    result = tap.todoke("deliver", "-o", "log_file=%s/log" % folder, "-o", "create_maildir=no", stdin=MESSAGE, env=env)
    tap.same((result.returncode, result.stdout[:6]), (67, b"5.1.1 "))


def test_input_that_does_not_block(folder):
    """Some callers hand over a pipe that says EAGAIN while nothing is in it."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    command = [tap.TODOKE, "deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder, *BARE,
               "-d", "ann@example.test"]
    with subprocess.Popen(command, stdin=read_end, stdout=subprocess.PIPE) as process:
        def has_to_wait():
            """It has taken all that there was, and sleeps: it was told EAGAIN."""
            unread = fcntl.ioctl(read_end, termios.FIONREAD, b"\0" * 4)
            return unread == b"\0" * 4 and tap.is_asleep(process.pid)

        for piece in (MESSAGE[:10], MESSAGE[10:]):
            tap.wait_for("an agent that waits for input", has_to_wait)
            os.write(write_end, piece)
        tap.wait_for("an agent that waits for the end", has_to_wait)
        os.close(write_end)
        os.close(read_end)
        tap.same((process.wait(timeout=tap.PATIENCE), process.stdout.read()), (0, b"stored in INBOX\n"))
    tap.same(stored(folder), [MESSAGE])


def test_file_size_limit_defers(folder):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    result = deliver(folder, "-f", "s", message=MESSAGE + b"x" * 200000, preexec_fn=limit)
    tap.same(result.returncode, 75)
    tap.contains(result.stdout, b"4.3.0 ")
    tap.same(b"mailbox_size_limit" in result.stdout, False, "a hint for admins in what a sender may read")
    with open(folder + "/log", encoding="utf-8") as log:
        tap.contains(log.read(), "fault=file-limit")
    tap.contains(tap.todoke("code", "file-limit").stdout, b"mailbox_size_limit")
    tap.same(stored(folder), [])


def test_message_size_limit(folder):
    result = deliver(folder, "-f", "s", "-o", "message_size_limit=%d" % (len(MESSAGE) - 1))
    said = b"5.2.3 message of %d bytes is bigger than %d bytes, the limit of this mailbox\n" % (len(MESSAGE), len(MESSAGE) - 1)
    tap.same((result.returncode, result.stdout), (69, said))
    big = MESSAGE + b"0123456789\n" * 300000
    tap.contains(deliver(folder, "-f", "s", "-o", "message_size_limit=1000", message=big).stdout, b"5.2.3 message of %d bytes " % len(big))
    tap.same(deliver(folder, "-f", "s", "-o", "message_size_limit=%d" % len(MESSAGE)).returncode, 0)


def test_deadline(folder):
    command = [tap.TODOKE, "deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "deadline=5", "-o", "log_file=%s/log" % folder,
               "-d", "ann@example.test", "--queue-id", "4ABC12"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(MESSAGE)
        process.stdin.flush()
        tap.same(process.wait(timeout=tap.PATIENCE), 75)
        tap.same(process.stdout.read(), b"4.3.0 delivery took too long: stopped while reading the message [4ABC12]\n")
    tap.same(stored(folder), [])


def test_deadline_in_spite_of_a_blocked_signal(folder):
    """Signal masks are inherited: a caller that blocked SIGALRM must not take the deadline away."""
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    command = [tap.TODOKE, "deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "deadline=5", "-o", "log_file=%s/log" % folder,
               "-d", "ann@example.test"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=block) as process:
        try:
            tap.same(process.wait(timeout=tap.PATIENCE), 75)
        finally:
            process.kill()


def test_wrong_paths_never_bounce(folder):
    """A configuration that can name no mailbox, and a caller that leaves the address out, are no fault of the sender."""
    for rcpt, maildir in (("ann@example.test", "v/%d/%n"), ("ann@example.test", folder + "/%q/%n"), ("ann", folder + "/%d/%n"),
                          ("", folder + "/%d/%n"), ("<>", folder + "/%d/%n")):
        result = tap.todoke("deliver", "-o", "maildir=" + maildir, "-o", "log_file=%s/log" % folder, "-f", "s", "-d", rcpt, stdin=MESSAGE)
        tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "), "%r %r" % (rcpt, maildir))


def test_long_values_do_not_hide_the_outcome(folder):
    """A sender of 3,000 control characters makes 18,000 octets of escapes; the status must stand in the line all the same."""
    deliver(folder, "-f", "\x01" * 3000 + "@x.test", "-a", "y" * 3000, "--queue-id", "Q" * 3000)
    line = open(folder + "/log").read()
    tap.contains(line, "dsn=2.0.0, status=sent")
    tap.contains(line, "action=keep, folder=INBOX")
    for size, cut in ((500, b"y" * 500), (501, b"\"" + b"y" * 499 + b"...\"")):
        box = "%s/%d" % (folder, size)
        os.mkdir(box)
        deliver(box, "-f", "s", "-a", "y" * size)
        tap.contains(open(box + "/log", "rb").read(), b"orig_to=" + cut + b",")


def test_long_values_as_json(folder):
    import json
    deliver(folder, "-f", "\x01" * 9000, "-o", "log_form=json")
    line = open(folder + "/log").read()
    tap.same(json.loads(line[line.index("{"):])["from"], "\x01" * 500 + "...")


def test_line_separators_are_escaped_in_the_log(folder):
    deliver(folder, "-f", "a\u2028b\u2029c@x.test")
    tap.contains(open(folder + "/log", encoding="utf-8").read(), 'from="a\\u2028b\\u2029c@x.test"')


def test_log_line(folder):
    deliver(folder, "-f", "a b\n\"c@x.test", "--queue-id", "4ABC12")
    line = open(folder + "/log").read()
    tap.same(line.count("\n"), 1)
    tap.contains(line, "4ABC12: to=ann@example.test, from=\"a b\\u000a\\\"c@x.test\", user=ann@example.test")
    tap.contains(line, "action=keep, folder=INBOX, file=\"new/")
    tap.contains(line, "dsn=2.0.0, status=sent")


def test_log_line_as_json(folder):
    import json
    deliver(folder, "-f", "a\"b@x.test", "--queue-id", "4ABC12", "-o", "log_form=json")
    line = open(folder + "/log").read()
    record = json.loads(line[line.index("{"):])
    tap.same((record["queue_id"], record["from"], record["dsn"]), ("4ABC12", "a\"b@x.test", "2.0.0"))


def test_no_durability_is_said(folder):
    deliver(folder, "-f", "s", "-o", "durability=none")
    tap.contains(open(folder + "/log").read(), "durability=none")


def with_script(folder, text):
    path = folder + "/x.sieve"
    with open(path, "w") as file:
        file.write(text)
    return ["-o", "sieve_scripts=" + path]


def test_script_files(folder):
    options = with_script(folder, 'require "fileinto";\nif header "Subject" "x" { fileinto "Work"; }\n')
    tap.same(deliver(folder, "-f", "s", *options).stdout, b"stored in Work\n")
    tap.same(len(stored(folder, "example.test/ann/.Work")), 1)
    tap.contains(open(folder + "/log").read(), "by=%s/x.sieve:2" % folder)


def test_the_envelope_id_of_the_sender(folder):
    """Postfix gives it plain; one that RFC 3461 does not allow never holds the mail up."""
    script = 'require ["envelope", "envelope-dsn", "fileinto", "variables"];\nif envelope :matches "envid" "*" { fileinto "id ${1}"; }\n'
    for plain, box in (("QQ1+2=3 4", "id QQ1+2=3 4"), ("", "INBOX"), ("\u00fc", "INBOX"), (100 * "x", "id " + 100 * "x"), (101 * "x", "INBOX"), (34 * "+", "INBOX")):
        answer = deliver(folder, "-f", "s", "--envid", plain, *with_script(folder, script)).stdout.decode()
        tap.same(answer[:60], ("stored in %s\n" % box)[:60], plain)


def test_script_discards_and_the_log_says_so(folder):
    tap.same(deliver(folder, "-f", "s", *with_script(folder, "discard;")).stdout, b"discarded by x.sieve:1\n")
    tap.same(stored(folder), [])
    tap.contains(open(folder + "/log").read(), "action=discard")


def test_broken_script_loses_nothing(folder):
    tap.same(deliver(folder, "-f", "s", *with_script(folder, "discard\n")).stdout, b"stored in INBOX\n")
    tap.same(len([mail for mail in stored(folder) if mail.endswith(MESSAGE)]), 1)
    tap.contains(open(folder + "/log").read(), "the script was not run")


def test_duplicate_is_remembered(folder):
    options = with_script(folder, 'require ["duplicate", "fileinto"]; if duplicate { fileinto "Twice"; }')
    message = b"Message-ID: <1@x.test>\n" + MESSAGE
    answers = [deliver(folder, "-f", "s", *options, message=message).stdout for _ in range(3)]
    tap.same(answers, [b"stored in INBOX\n", b"stored in Twice\n", b"stored in Twice\n"])


def test_a_folder_that_cannot_be_opened_is_named(folder):
    """Folder and path: an admin of many mailboxes must find it."""
    options = with_script(folder, 'require "fileinto"; fileinto "Work";')
    tap.same(deliver(folder, "-f", "s", *options).returncode, 0)
    box, = [at for at, names, _ in os.walk(folder) if ".Work" in names]
    shutil.rmtree(box + "/.Work")
    with open(box + "/.Work", "w"):
        pass
    tap.same(deliver(folder, "-f", "s", *options).stdout, b"stored in INBOX instead of Work\n")
    with open(folder + "/log") as log:
        tap.contains(log.read(), "folder '.Work' (%s/.Work): cannot open folder '.Work': Not a directory" % box)


def test_execute_runs_a_program_of_the_site(folder):
    os.mkdir(folder + "/bin")
    with open(folder + "/bin/is-good", "w") as file:
        file.write("#!/bin/sh\ngrep -q '^Subject: x'\n")
    os.chmod(folder + "/bin/is-good", 0o755)
    options = with_script(folder, 'require ["vnd.dovecot.execute", "fileinto"];'
                          'if execute :pipe "is-good" { fileinto "Good"; }')
    options += ["-o", "program_folder=%s/bin" % folder, "-o", "sieve_extensions=+vnd.dovecot.execute"]
    tap.same(deliver(folder, "-f", "s", *options).stdout, b"execute, stored in Good\n")
    tap.same(deliver(folder, "-f", "s", *options, message=MESSAGE.replace(b": x", b": y")).stdout, b"execute, stored in INBOX\n")


def test_why_a_program_said_no_stands_in_the_log(folder):
    """execute and filter as tests, and as commands: exit code, signal, and what the program said to stderr."""
    os.mkdir(folder + "/bin")
    for name, text in (("fails", "echo first line >&2; echo second >&2; exit 3"), ("dies", "echo last words >&2; kill -9 $$"), ("hangs", "exec sleep 60")):
        with open(folder + "/bin/" + name, "w") as file:
            file.write("#!/bin/sh\n%s\n" % text)
        os.chmod(folder + "/bin/" + name, 0o755)
    settings = ["-o", "program_folder=%s/bin" % folder, "-o", "program_timeout=1s", "-o", "sieve_extensions=+vnd.dovecot.execute +vnd.dovecot.filter"]
    for number, (rule, words) in enumerate((
            ('if execute "fails" { discard; }', "execute: program 'fails' ended with exit code 3: first line second"),
            ('if execute "dies" { discard; }', "execute: program 'dies' was killed by signal 9: last words"),
            ('if execute "missing" { discard; }', "missing"),
            ('if execute "hangs" { discard; }', "hangs"),
            ('if filter "fails" { discard; }', "filter: program 'fails' ended with exit code 3: first line second"),
            ('execute "fails"; keep;', "execute: program 'fails' ended with exit code 3: first line second"),
            ('execute "dies"; keep;', "program 'dies' was killed by signal 9: last words"),
            ('filter "dies"; keep;', "program 'dies' was killed by signal 9: last words"))):
        options = with_script(folder, 'require ["vnd.dovecot.execute", "vnd.dovecot.filter"];\n' + rule)
        deliver(folder, "-f", "s", "--queue-id", "4ABC%d" % number, *options, *settings)
        with open(folder + "/log") as file:
            lines = [line for line in file if "4ABC%d:" % number in line]
        tap.same(len(lines), 1, rule)
        tap.contains(lines[0], words)
        tap.contains(lines[0], "x.sieve:2: ")


def test_reject_is_an_answer_to_postfix(folder):
    options = with_script(folder, 'require "reject"; reject "We do not want this.";')
    result = deliver(folder, "-f", "s@x.test", *options)
    tap.same((result.returncode, result.stdout), (77, b"5.7.1 We do not want this.\n"), "Postfix names the recipient before it")
    tap.same(stored(folder), [])


def test_a_refusal_names_the_queue_file(folder):
    """local(8) and mda do not say the queue id; the newest Received line of this host has it, and so do answer and log."""
    options = with_script(folder, 'require "reject"; reject "We do not want this.";') + ["-o", "hostnames=mx.test", "-o", "log_file=%s/log" % folder]
    hop = b"Received: from x.test (x.test [192.0.2.1])\n\tby %s (Postfix) with ESMTP id 4AB1; Thu, 3 Aug 2017 00:00:01 +0900\n"
    for host, more, tail in ((b"mx.test", [], " [4AB1]"), (b"other.test", [], ""), (b"mx.test", ["--queue-id", "4CD2"], " [4CD2]")):
        result = deliver(folder, "-f", "s@x.test", *options, *more, message=hop % host + MESSAGE)
        answer = result.stdout.decode().rstrip("\n")
        tap.same((result.returncode, answer.endswith("We do not want this." + tail)), (77, True), answer)
        with open(folder + "/log", encoding="utf-8") as log:
            tap.contains(log.read().splitlines()[-1], " %s: to=" % (tail[2:-1] or "NOQUEUE"))


def with_program(folder):
    os.mkdir(folder + "/bin")
    with open(folder + "/bin/mark", "w") as file:
        file.write("#!/bin/sh\necho \"X-Mark: $1\"; /bin/cat\n")
    os.chmod(folder + "/bin/mark", 0o755)
    script = '''require ["vnd.dovecot.filter", "vnd.dovecot.execute", "variables", "fileinto"];
filter "mark" "one";
execute :pipe :output "said" "mark" "two";
if string :matches "${said}" "X-Mark: two*X-Mark: one*" { fileinto "Marked"; }
'''
    return with_script(folder, script) + ["-o", "program_folder=%s/bin" % folder]


def test_programs_of_rules(folder):
    answer = deliver(folder, "-f", "s", *BARE, *with_program(folder))
    tap.contains(answer.stdout.decode(), "stored in Marked")
    tap.same(stored(folder, "example.test/ann/.Marked"), [b"X-Mark: one\n" + MESSAGE])


def test_replaced_part_keeps_the_stamps(folder):
    script = 'require "replace";\nreplace "gone";\n'
    tap.same(deliver(folder, "-f", "s@b.test", "-o", "add_mark=no", *with_script(folder, script)).returncode, 0)
    header = stored(folder)[0].split(b"\n\n")[0].decode()
    tap.contains(header, "Return-Path: <s@b.test>")
    tap.contains(header, "Subject: x")


@tap.as_root
def test_root_becomes_the_owner(folder):
    games = pwd.getpwnam("games")
    os.chmod(folder, 0o755)
    os.mkdir(folder + "/v")
    os.chown(folder + "/v", games.pw_uid, games.pw_gid)
    result = tap.todoke("deliver", "-o", "maildir=%s/v/%%d/%%n" % folder, "-d", "ann@example.test", "-f", "s", stdin=MESSAGE)
    tap.same(result.returncode, 0)
    for at, _, names in os.walk(folder + "/v"):
        for path in [at] + [os.path.join(at, name) for name in names]:
            tap.same(os.stat(path).st_uid, games.pw_uid, path)


@tap.as_root
def test_root_refuses_to_deliver_as_root(folder):
    result = tap.todoke("deliver", "-d", "root@example.test", "-f", "s", stdin=MESSAGE)
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "))


@tap.as_root
def test_another_user_cannot_be_become(folder):
    result = tap.todoke("deliver", "-d", "games@example.test", "-f", "s", stdin=MESSAGE, user="nobody", extra_groups=[])
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "))


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
