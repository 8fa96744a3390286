#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lmtpd as root: the processes that have become an owner stay for the next mail, and take nothing of one mail to another."""

import contextlib
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

MAIL, OTHER = 64101, 64102  # accounts that no system has

HOSTILE = """\
UMASK=000
PATH=/nonexistent
TZ=Pacific/Auckland
DEFAULT=/nonexistent/box
MAILDIR=/tmp
LOCKFILE=$HOME/lock
LOGFILE=$HOME/log
VERBOSE=on
LINEBUF=128
EXITCODE=75
A=`ulimit -n 8; cd /; umask 0; echo x`
:0 c:
$HOME/copy
:0
* ^Subject: .*refuse
/dev/null
EXITCODE=0
DEFAULT=$HOME/Maildir/
"""
HOSTILE_SIEVE = 'require ["variables", "editheader"]; set "a" "taken along"; addheader "X-Of-Ann" "yes"; keep;\n'
PLAIN_SIEVE = 'require ["variables", "fileinto", "mailbox"]; if string :is "${a}" "" { fileinto :create "Clean"; } else { fileinto :create "Taken"; }\n'


def need_root():
    if os.geteuid() != 0:
        raise tap.Skip("needs root")


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def uid_of(pid):
    """None: it has ended."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return int(re.search(r"^Uid:\t(\d+)", file.read(), re.M).group(1))
    except (FileNotFoundError, ProcessLookupError):
        return None


def give(path, uid):
    for root, folders, files in os.walk(path):
        for name in [root] + [os.path.join(root, each) for each in folders + files]:
            os.chown(name, uid, uid)


def server_with(folder, *args, splits=True):
    """`splits`: each worker has a half that is root."""
    os.makedirs(folder + "/mail/d.test", exist_ok=True)
    os.makedirs(folder + "/mail/o.test", exist_ok=True)
    os.chmod(folder, 0o755)
    give(folder + "/mail/d.test", MAIL)
    give(folder + "/mail/o.test", OTHER)
    server = Server(folder, "-o", "lmtp_workers=1", *args)
    server.wait_for(lambda: not splits or all(children_of(pid) for pid in server.workers()))
    return server


def delivering(server):
    """Delivery processes: the real uid of each, by pid. The one that remains root is left out."""
    found = {}
    for front in server.workers():
        for back in children_of(front):
            found.update({pid: uid_of(pid) for pid in children_of(back)})
    return {pid: uid for pid, uid in found.items() if uid not in (0, None)}


def searching(server):
    """Processes that remain root."""
    found = [pid for front in server.workers() for back in children_of(front) for pid in children_of(back)]
    return [pid for pid in found if uid_of(pid) == 0]


def test_one_process_for_an_owner(folder):
    need_root()
    with server_with(folder) as server:
        client = server.client().greet()
        seen = set()
        for who in ("ann@d.test", "bob@d.test", "eve@o.test", "ann@d.test", "eve@o.test"):
            tap.same(client.deliver(who), ["250 2.0.0 <%s> stored in INBOX" % who])
            seen |= set(delivering(server).items())
        tap.same(sorted(uid for _, uid in seen), [MAIL, OTHER], "one process for each owner")
        tap.same(sorted(len(server.stored(box)) for box in ("d.test/ann", "d.test/bob", "o.test/eve")), [1, 2, 2])
        for pid, _ in seen:
            tap.same(os.stat("/proc/%d/mem" % pid).st_uid, 0, "its owner may not look into it")


def test_settings(folder):
    need_root()
    for setting, same, stays in (("lmtp_delivery_processes=0", False, False), ("lmtp_delivery_uses=1", False, False), ("lmtp_delivery_uses=2", True, None)):
        with server_with(folder, "-o", setting) as server:
            client = server.client().greet()
            tap.same(client.deliver("ann@d.test")[0][:3], "250")
            first = delivering(server)
            tap.same(client.deliver("ann@d.test")[0][:3], "250")
            if same:
                tap.same(len(first), 1, setting)
                tap.same(delivering(server), {}, setting + ": replaced")
            elif stays is False:
                tap.same(first, {}, setting)
    with server_with(folder, "-o", "lmtp_delivery_idle=1") as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test")[0][:3], "250")
        server.wait_for(lambda: delivering(server) == {})
        tap.same(client.deliver("ann@d.test")[0][:3], "250", "after that")


def test_owner_that_was_found(folder):
    """Who searches for owners is not asked for each message; that a mailbox has another owner is noticed at once, or soon."""
    need_root()
    with server_with(folder) as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test")[0][:3], "250")
        (searcher,) = searching(server)
        os.kill(searcher, signal.SIGSTOP)
        for _ in range(3):
            tap.same(client.deliver("ann@d.test")[0][:3], "250")
        os.kill(searcher, signal.SIGCONT)
        give(folder + "/mail/d.test", OTHER)
        replies = [client.deliver("ann@d.test")[0][:3] for _ in range(2)]
        tap.contains([["451", "250"], ["250", "250"]], replies)  # the second of these: the old owner was forgotten by then
        tap.same(OTHER in delivering(server).values(), True)
        tap.same(len(server.stored("d.test/ann")), 4 + replies.count("250"))


def test_a_folder_that_was_replaced(folder):
    """The box of a process knows the folder that was there; mail for the one in its place waits for a new process."""
    need_root()
    for name, args in (("owners", ()), ("one-account", ("-o", "lmtp_user=nobody"))):
        where = "%s/%s" % (folder, name)
        os.makedirs(where)
        os.chmod(folder, 0o755)
        with server_with(where, *args, splits=not args) as server:
            if args:
                give(where + "/mail", 65534)
            client = server.client().greet()
            tap.same(client.deliver("ann@d.test")[0][:3], "250", name)
            os.rename(where + "/mail", where + "/away")
            subprocess.run(["cp", "-a", where + "/away", where + "/mail"], check=True)
            before = set(server.workers())
            first = client.deliver("ann@d.test")[0][:3]
            client.say("QUIT")
            tap.contains(("250", "451"), first, name)
            if args and first == "451":  # where there is a box
                server.wait_for(lambda: not before & set(server.workers()))
            again = server.client().greet().deliver("ann@d.test")
            tap.same(again[0][:3], "250", "%s: %s" % (name, again))


def test_one_place_has_one_search(folder):
    """With virtual_user the ids do not depend on the mailbox."""
    need_root()
    with server_with(folder, "-o", "virtual_user=nobody") as server:
        give(folder + "/mail", 65534)
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test")[0][:3], "250")
        (searcher,) = searching(server)
        os.kill(searcher, signal.SIGSTOP)
        tap.same(client.deliver("bob@d.test", "cat@d.test")[0][:3], "250")
        os.kill(searcher, signal.SIGCONT)


def test_killed_while_it_waits(folder):
    need_root()
    with server_with(folder) as server:
        client = server.client().greet()
        for turn in range(1, 4):
            tap.same(client.deliver("ann@d.test")[0][:3], "250")
            (pid,) = delivering(server)
            os.kill(pid, signal.SIGKILL)
            server.wait_for(lambda: open("/proc/%d/stat" % pid, encoding="ascii").read().rsplit(") ", 1)[1][0] == "Z")
            tap.same(len(server.stored("d.test/ann")), turn)


def links_of(pid):
    """What its descriptors are."""
    found = []
    for name in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
    return found


def test_a_message_is_not_held(folder):
    """No process that waits has a message still open, were it one that it was forked under."""
    need_root()
    os.mkdir(folder + "/spool")
    os.chmod(folder + "/spool", 0o777)
    with server_with(folder, "-o", "lmtp_spool=%s/spool" % folder) as server:
        client = server.client().greet()
        for size in (10, 3000000):
            tap.same([reply[:3] for reply in client.deliver("ann@d.test", "eve@o.test", body="x" * size + "\r\n")], ["250", "250"])
        (back,) = (back for front in server.workers() for back in children_of(front) if children_of(back))
        tap.same(len(delivering(server)), 2)
        server.wait_for(lambda: not [link for link in links_of(back) if "(deleted)" in link])  # the end of a message is not answered
        for pid in children_of(back):
            tap.same([link for link in links_of(pid) if "(deleted)" in link], [], "of a process with uid %s" % uid_of(pid))


def test_long_outcome(folder):
    """Where the copies are so many that their names fill more than a packet, the mail was taken all the same."""
    need_root()
    home = folder + "/mail/d.test/ann"
    os.makedirs(home)
    with open(home + "/.procmailrc", "w", encoding="ascii") as file:
        file.write("".join(":0 c\n$HOME/%d%s/\n" % (number, "x" * 230) for number in range(300)))
    with server_with(folder, "-o", "maildir=%s/mail/%%d/%%n/Maildir" % folder, "-o", "home=%s/mail/%%d/%%n" % folder, "-o", "recipes=all") as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test")[0][:4], "250-", "a reply of many lines")
        tap.same(len(server.stored("d.test/ann/Maildir")), 1)
        tap.same(client.deliver("bob@d.test")[0][:3], "250", "the next one")


def copies(folder, args):
    """Hostile and plain mailboxes of one owner in turn; what the plain ones got, and with which modes."""
    for who, name, text in (("ann", ".procmailrc", HOSTILE), ("sue", ".dovecot.sieve", HOSTILE_SIEVE), ("cat", ".dovecot.sieve", PLAIN_SIEVE)):
        home = "%s/mail/d.test/%s" % (folder, who)
        os.makedirs(home, exist_ok=True)
        with open(os.path.join(home, name), "w", encoding="ascii") as file:
            file.write(text)
    found = []
    with server_with(folder, "-o", "maildir=%s/mail/%%d/%%n/Maildir" % folder, "-o", "home=%s/mail/%%d/%%n" % folder, "-o", "recipes=all",
                     "-o", "add_delivered_to=no", "-o", "add_return_path=no", *args) as server:
        client = server.client().greet()
        for turn in range(3):
            for who in ("ann", "bob", "sue", "cat"):
                client.deliver("%s@d.test" % who, body="Subject: %s\r\n\r\n%d\r\n" % ("please refuse" if turn == 1 else "hello", turn))
    for who in ("bob", "cat"):
        for root, _, files in sorted(os.walk("%s/mail/d.test/%s" % (folder, who))):
            for name in files:
                if os.path.basename(root) == "new":
                    path = os.path.join(root, name)
                    with open(path, "rb") as file:
                        found.append((who, root[len(folder):], os.stat(path).st_mode, file.read()))
            found.append((who, root[len(folder):], os.stat(root).st_mode, None))
    return sorted(found, key=repr)


def test_nothing_is_taken_along(folder):
    """What ann's recipes and sue's script do to their process changes nothing for bob and cat, who have the same one."""
    need_root()
    results = []
    for name, args in (("kept", ()), ("fresh", ("-o", "lmtp_delivery_processes=0"))):
        place = os.path.join(folder, name)
        os.makedirs(place)
        os.chmod(folder, 0o755)
        results.append(copies(place, args))
    tap.same(results[0], results[1], "with a process that stays, and with one for each mail")
    tap.same(sum(each[3] is not None for each in results[0]), 6, "mails of bob and cat")
    tap.same([each for each in results[0] if "Taken" in each[1]], [], "a variable of sue's")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
