# SPDX-License-Identifier: MIT
"""manual_site: reads the examples of the manual pages, and lays out the site in which they are typed: mailboxes, rules, delivered mail."""

import os
import re

import tap

ROFF = (("\\(dq", '"'), ("\\(aq", "'"), ("\\(ti", "~"), ("\\(ha", "^"), ("\\(ga", "`"), ("\\-", "-"), ("\\(:A", "Ä"), ("\\&", ""), ("\\e", "\\"))

CONF = """maildir = "{folder}/mail/%d/%n"
home = "{folder}/mail/%d/%n"
users = virtual
sieve_scripts = {{"{folder}/main.sieve"}}
log_file = "{folder}/log"
tree_memory = ""
early_record_folder = "{folder}/early"
key_file = "{folder}/key"
submit = "smtp:127.0.0.1:1"
recipes = no
hostnames = {{"mail.example.jp"}}
"""

MAIN = """require ["fileinto", "mailbox", "imap4flags"];
if address :domain "from" "client.example" {
    if header :contains "subject" "invoice" {
        fileinto :create :flags "\\\\Flagged" "Invoices";
    } else {
        fileinto :create "Work/Customers";
    }
    stop;
}
if header :contains "list-id" "announce.example" { fileinto :create "Lists"; }
"""

NEW = """require ["fileinto", "mailbox"];
if address :domain "from" "client.example" { fileinto :create "Work/Customers"; }
"""

BAD = """require ["fileinto"];
if header :contains "subject" "invoice" {
    fileinto "Invoices"
}
if hedder :contains "subject" "lunch" { keep; }
"""

MAILFILTER = """\
if (/^Subject:.*invoice/)
{
  to "$HOME/Maildir/.invoices/"
}
"""

RECIPES = """MAILDIR=$HOME/Maildir
DEFAULT=$HOME/Maildir/
PATH=/usr/bin:/bin

# invoices of customers
:0
* ^From:.*@client\\.example
* ^Subject:.*invoice
.Invoices/

# a copy to the other office
:0 c
* ^Subject:.*urgent
! office@example.net
"""

SUITE = """require ["vnd.dovecot.testsuite"];
test_set "message" text:
From: anna@client.example
To: taro@example.jp
Subject: the invoice of May

Here it is.
.
;
test "Invoices go to Invoices" {
    if not test_script_compile "../main.sieve" { test_fail "compile"; }
    if not test_script_run { test_fail "run"; }
    if not test_result_action :index 1 "fileinto" { test_fail "action"; }
}
"""

MAIL = """Received: from mx.client.example (mx.client.example [192.0.2.9])
	by mail.example.jp with ESMTP id {queue_id}; Mon, 30 Nov 2026 10:00:00 +0000
From: Anna <anna@client.example>
To: taro@example.jp
Subject: {subject}
Date: Mon, 30 Nov 2026 10:00:00 +0000
Message-ID: <{name}@client.example>

Here it is.
"""

# Sent on by relay.example, which had it from taro's own mailbox here.
LOOPED = """Received: from relay.example (relay.example [192.0.2.77])
	by mail.example.jp with ESMTP id 4ABC31; Mon, 30 Nov 2026 10:00:09 +0000
Received: from mail.example.jp (mail.example.jp [192.0.2.1])
	by relay.example with ESMTP id 77; Mon, 30 Nov 2026 10:00:08 +0000
Delivered-To: taro@example.jp
""" + MAIL.format(queue_id="4ABC30", subject="round and round", name="round")

BOUNCE_LINE = "Nov 30 10:00:01 mail postfix/smtp[7]: 4ABC14: to=<x@client.example>, relay=mx.client.example[192.0.2.9]:25, delay=1, dsn=5.1.1, status=bounced (host mx.client.example[192.0.2.9] said: 550 5.1.1 <x@client.example>: Recipient address rejected: User unknown)\n"


BOUNCE = """From: MAILER-DAEMON@mail.example.jp (Mail Delivery System)
To: taro@example.jp
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b

<x@client.example>: host mx.client.example[192.0.2.9] said: 550 5.1.1
    <x@client.example>: Recipient address rejected: User unknown (in reply to
    RCPT TO command)

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.jp

Final-Recipient: rfc822; x@client.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <x@client.example>: Recipient address rejected: User unknown

--b--
"""

DOVECOT = """# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
mail_location = maildir:/var/vmail/%d/%n
namespace inbox {
  inbox = yes
  prefix = INBOX.
  separator = .
}
userdb {
  args = uid=vmail gid=vmail home=/var/vmail/%d/%n
  driver = static
}
"""


def plain(text):
    """As a page shows it; letters of other fonts keep their marks."""
    for code, sign in ROFF:
        text = text.replace(code, sign)
    return text


def blocks(text):
    """What stands between .nf and .fi, without the indent."""
    return ["\n".join(line.removeprefix("    ") for line in plain(block).splitlines()) + "\n" for block in re.findall(r"^\.nf\n(.*?)^\.fi$", text, flags=re.M | re.S)]


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def deliver(conf, queue_id, subject, name):
    mail = MAIL.format(queue_id=queue_id, subject=subject, name=name)
    result = tap.todoke("deliver", "-f", "anna@client.example", "-d", "taro@example.jp", "-a", "taro@example.jp", "--queue-id", queue_id,
                        stdin=mail.encode(), env={"TODOKE_CONF": conf})
    tap.same(result.returncode, 0, result.stdout)


def lay_out(folder):
    """-> environment for programs that are run there."""
    conf = write(folder, "todoke.conf", CONF.format(folder=folder))
    write(folder, "main.sieve", MAIN)
    write(folder, "new.sieve", NEW)
    write(folder, "bad.sieve", BAD)
    write(folder, ".procmailrc", RECIPES)
    write(folder, ".mailfilter", MAILFILTER)
    write(folder, "rules/invoice.svtest", SUITE)
    write(folder, "mail.eml", MAIL.format(queue_id="4ABC11", subject="the invoice of May", name="may"))
    write(folder, "looped.eml", LOOPED)
    write(folder, "mail.log", BOUNCE_LINE)
    write(folder, "bounce.eml", BOUNCE)
    write(folder, "dovecot.txt", DOVECOT)
    os.makedirs(os.path.join(folder, "mail/example.jp"), exist_ok=True)
    for place in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(folder, "Maildir", place), exist_ok=True)
    write(folder, "Maildir/cur/1.a.host:2,S", MAIL.format(queue_id="4ABC10", subject="the invoice of April", name="april"))
    write(folder, "Maildir/cur/2.a.host:2,S", MAIL.format(queue_id="4ABC10", subject="lunch", name="lunch"))

    deliver(conf, "4ABC12", "the invoice of June", "june")
    deliver(conf, "4ABC13", "a question", "question")
    return {"TODOKE_CONF": conf, "HOME": folder, "PATH": os.path.dirname(tap.TODOKE) + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
