#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke setup postfix` with a private configuration of the Postfix that is installed."""

import atexit
import glob
import json
import os
import pwd
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import postfix_conf
import tap
from postfix_conf import POSTCONF, codes, plan, setup

MAIN = """# a comment of the admin
compatibility_level = 3.6
myhostname = mx.example.jp
queue_directory = /var/spool/postfix
virtual_mailbox_domains = example.jp
alias_maps = inline:{root=admin@example.jp}
# the end
"""
MASTER = """# services
smtp      inet  n       -       y       -       -       smtpd
virtual   unix  -       n       n       -       -       virtual
local     unix  -       n       n       -       -       local
lmtp      unix  -       -       y       -       -       lmtp
"""
PIPE = "todoke    unix  -       n       n       -       -       pipe\n    %s argv=/usr/bin/todoke deliver %s\n"
WORDS = "-f ${sender} -a ${original_recipient} -d ${recipient} --queue-id ${queue_id}"
TREE = tempfile.mkdtemp(prefix="todoke-tree-")
os.chmod(TREE, 0o777)  # a tree that "daemon" may write to
atexit.register(os.rmdir, TREE)
VIRTUAL = ["-o", "maildir=" + TREE + "/%d/%n", "--user", "daemon"]


def postfix(folder, main="", master=""):
    return postfix_conf.write(folder, MAIN + main, MASTER + master, 0o640)


def content(path):
    return {name: (open(os.path.join(path, name), "rb").read(), os.stat(os.path.join(path, name)).st_mode) for name in ("main.cf", "master.cf")}


def postconf(path, *args):
    return subprocess.run([POSTCONF, "-c", path, *args], capture_output=True, check=True).stdout.decode().strip()


def good_pipe(path):
    return "".join(postconf(path, "-M", "todoke/unix").split()) == "".join(
        ("todoke unix - n n - - pipe user=daemon null_sender= argv=/usr/bin/todoke deliver %s --size ${size}" % WORDS).split())


def test_dry_run_changes_nothing(folder):
    path = postfix(folder)
    before = content(path)
    result = setup(path, *VIRTUAL)
    tap.same((result.returncode, setup(path, *VIRTUAL, "--check").returncode), (0, 1))
    tap.contains(result.stdout, b"postconf -c '%s' -e 'todoke_destination_recipient_limit = 1'" % path.encode())
    tap.same(content(path), before)
    tap.same(sorted(os.listdir(path)), ["main.cf", "master.cf"])


def test_the_small_program_is_called_where_it_is_there(folder):
    path = postfix(folder)
    build = os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE))
    small = os.path.join(build, "todoke-deliver")
    if not os.path.exists(small):
        raise tap.Skip("todoke-deliver is not built")

    def shown(door, programs):
        return tap.todoke("setup", "postfix", "-C", path, "--door", door, *VIRTUAL, env={"TODOKE_PROGRAM_DIR": programs}).stdout.decode()
    tap.contains(shown("pipe", build), "argv=%s deliver -f" % small)
    tap.same("todoke-deliver" in shown("lmtp", build), False, "lmtp")
    empty = folder + "/empty"  # no small program there, nor the one that it would hand over to
    os.mkdir(empty)
    tap.same("todoke-deliver" in shown("pipe", empty), False, "not installed")
    os.symlink(small, empty + "/todoke-deliver")
    tap.same("todoke-deliver" in shown("pipe", empty), False, "of another todoke")
    os.symlink(tap.TODOKE, empty + "/todoke")
    tap.contains(shown("pipe", empty), "argv=%s/todoke-deliver deliver -f" % empty)


def test_recipes_are_run_by_the_program_that_can(folder):
    """todoke-deliver would hand each mail of `procmail`, and of a site with recipes for all, over to todoke."""
    small = os.path.join(os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE)), "todoke-deliver")
    if not os.path.exists(small):
        raise tap.Skip("todoke-deliver is not built")
    cases = (("/usr/bin/procmail -t", ("recipes=no",), tap.TODOKE + " procmail -t"),
             (small + " procmail -t", ("recipes=no",), tap.TODOKE + " procmail -t"),
             ("", ("recipes=no",), small + " deliver"),
             ("", ("recipes=yes",), small + " deliver"),
             ("", ("recipes=yes", "recipe_default=~/mbox"), tap.TODOKE + " deliver"),
             ("", ("recipes=yes", "recipe_site=/etc/procmailrc"), tap.TODOKE + " deliver"),
             ("", ("recipes=no", "recipe_site=/etc/procmailrc"), small + " deliver"))
    for number, (before, options, after) in enumerate(cases):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main="mailbox_command = %s\n" % before)
        was = content(path)
        words = [word for option in options for word in ("-o", option)]
        result = tap.todoke("setup", "postfix", "-C", path, "--door", "local", "-o", "users=system", *words, "--apply")
        tap.same((result.returncode, postconf(path, "-h", "mailbox_command")), (0, after), before)
        tap.same((setup(path, "--undo").returncode, content(path)), (0, was), before)


def test_pipe_apply_and_undo(folder):
    path = postfix(folder)
    before = content(path)
    tap.same(setup(path, "--apply", *VIRTUAL).returncode, 0)
    tap.same(good_pipe(path), True)
    tap.same([mode for _, mode in content(path).values()], [mode for _, mode in before.values()])
    tap.same(postconf(path, "-h", "todoke_destination_recipient_limit", "virtual_transport").splitlines(), ["1", "todoke"])
    tap.same((plan(path, *VIRTUAL)["changes"], plan(path, *VIRTUAL)["findings"]), ([], []))
    tap.same((setup(path, *VIRTUAL).returncode, setup(path, *VIRTUAL, "--check").returncode), (0, 0))
    tap.same(setup(path, "--undo").returncode, 0)
    tap.same(content(path), before)
    tap.same(sorted(os.listdir(path)), ["main.cf", "master.cf"])
    tap.same(setup(path, "--undo").returncode, 1)


def test_a_configuration_of_its_own(folder):
    """-c goes into the command that Postfix calls, and where that cannot be, setup says so."""
    conf, other = folder + "/own.conf", folder + "/other.conf"
    for name in (conf, other):
        with open(name, "w", encoding="ascii") as file:
            file.write('maildir = "%s/%%d/%%n"\n' % TREE)
    path = postfix(folder)
    before = content(path)
    for name in (conf, other):
        tap.same(setup(path, "--apply", "--user", "daemon", "-c", os.path.relpath(name)).returncode, 0)
        tap.contains(postconf(path, "-M", "todoke/unix"), "argv=/usr/bin/todoke deliver -c %s -f ${sender} -a" % name)
        tap.same(postconf(path, "-M", "todoke/unix").count("-c "), 1)
    tap.same(plan(path, "--user", "daemon", "-c", other)["changes"], [])
    tap.same(setup(path, "--undo").returncode, 0)
    tap.same(content(path), before)
    with open(conf, "w", encoding="ascii") as file:
        file.write("users = system\n")
    os.chmod(folder, 0o711)  # for the recipients
    tap.same(setup(path, "--apply", "--door", "local", env={"TODOKE_CONF": conf}).returncode, 0)
    tap.same(postconf(path, "-h", "mailbox_command"), "/usr/bin/todoke deliver -c " + conf)
    tap.same(codes(path, "--door", "local", "-c", conf).count("conf-file"), 0)
    postfix_conf.long_ago(path)
    postconf(path, "-e", "mailbox_command = /usr/bin/procmail")
    postfix_conf.long_ago(path)
    tap.same(codes(path, "--door", "local", "-c", conf).count("conf-file"), 1)
    tap.same(codes(path, "--door", "lmtp", "-c", other).count("conf-file"), 1)
    tap.same(codes(path, "--door", "lmtp", "-o", "maildir=" + TREE + "/%d/%n").count("conf-file"), 0)
    for name in ("/x y", "/x;y", "/$x"):
        with open(folder + name, "w", encoding="ascii"):
            pass
        result = setup(path, "--door", "local", "-c", folder + name)
        tap.same((result.returncode, b"without blanks" in result.stderr), (2, True), name)


def test_another_door_after_the_first(folder):
    """One --undo brings back what was before the first --apply, as it was."""
    path = postfix(folder)
    before = content(path)
    for args in ((), ("--door", "lmtp"), ("--door", "local"), ("--name", "other"), ("--door", "lmtp")):
        names = [change["name"] for change in plan(path, *args, *VIRTUAL)["changes"]]
        tap.same(names != [], True, args)
        tap.same(b"--undo takes both back" in setup(path, *args, *VIRTUAL).stdout, args != (), args)
        result = setup(path, "--apply", *args, *VIRTUAL)
        tap.same((result.returncode, result.stderr), (0, b""), args)
        tap.same(plan(path, *args, *VIRTUAL)["changes"], [], args)
    tap.same(postconf(path, "-h", "virtual_transport"), "lmtp:unix:private/todoke")
    tap.same(setup(path, "--undo").returncode, 0)
    tap.same(content(path), before)
    tap.same(sorted(os.listdir(path)), ["main.cf", "master.cf"])


def test_what_others_changed_between_two_doors_stays(folder):
    path = postfix(folder, main="virtual_transport = lmtp:inet:old\n")
    tap.same(setup(path, "--apply", *VIRTUAL).returncode, 0)
    postconf(path, "-e", "myhostname = other.example.jp")
    postconf(path, "-e", "lmtp_send_xforward_command = no")
    tap.same(setup(path, "--apply", "--door", "lmtp", *VIRTUAL).returncode, 0)
    result = setup(path, "--undo")
    tap.same((result.returncode, result.stdout), (0, b"undone; it is yours to type now: postfix reload\n"))
    tap.same(postconf(path, "-h", "myhostname", "virtual_transport", "lmtp_send_xforward_command").splitlines(), ["other.example.jp", "lmtp:inet:old", "no"])
    tap.same(postconf(path, "-M", "todoke/unix"), "")


def test_second_apply_that_fails(folder):
    """The first holds, and can be undone; so does and can what a second leaves that was killed in the middle."""
    path = postfix(folder)
    before = content(path)
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    tap.same(setup(path, "--apply", *VIRTUAL).returncode, 0)
    first = content(path)
    for number, act in enumerate(("echo broken >&2; exit 1", "kill -9 $PPID; exit 1")):
        with open(os.path.join(tools, "postconf"), "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\ncase "$*" in *"-e lmtp_send"*) %s;; esac\nexec %s "$@"\n' % (act, POSTCONF))
        os.chmod(file.name, 0o755)
        result = setup(path, "--apply", "--door", "lmtp", *VIRTUAL, env={"PATH": tools + ":" + os.environ["PATH"]})
        tap.same(result.returncode, (1, -9)[number], result.stderr)
        if number == 0:
            tap.same(content(path), first)
    tap.same(postconf(path, "-h", "virtual_transport"), "lmtp:unix:private/todoke", "killed behind its first change")
    tap.same(setup(path, "--undo").returncode, 0)
    postfix_conf.long_ago(path)
    tap.same(postconf(path, "-n"), before_of(folder, before))
    tap.same(postconf(path, "-M", "todoke/unix"), "")


def before_of(folder, files):
    """What postconf -n says of these files."""
    path = os.path.join(folder, "again")
    os.mkdir(path)
    for name, (text, _) in files.items():
        with open(os.path.join(path, name), "wb") as file:
            file.write(text)
    postfix_conf.long_ago(path)
    return postconf(path, "-n").replace(path, os.path.join(folder, "etc"))


def test_domain_that_is_local_and_virtual(folder):
    """Postfix then delivers by local(8)."""
    for number, (main, wanted) in enumerate((("$myhostname, Example.JP, localhost", "$myhostname, localhost"), ("$mydomain, localhost", "localhost"), ("$myhostname", None),
                                             ("inline:{example.jp=x}", ""))):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main="mydomain = example.jp\nmydestination = %s\n" % main)
        found = [finding for finding in plan(path, *VIRTUAL)["findings"] if finding["code"] == "domain-twice"]
        tap.same(len(found), int(wanted is not None), main)
        if found and wanted:
            tap.contains(found[0]["text"], "example.jp is in mydestination and in virtual_mailbox_domains: ")
            subprocess.run(["sh", "-c", found[0]["fix"]], check=True)
            tap.same(postconf(path, "mydestination"), "mydestination = " + wanted)
            postfix_conf.long_ago(path)
            tap.same("domain-twice" in codes(path, *VIRTUAL), False, main)
        elif found:
            tap.contains(found[0]["fix"], "postmap")


def test_name_of_this_host_in_no_class(folder):
    """Mail of cron and root, and bounces to senders of this host, then go by the DNS: main.cf, whose users, the code, mydestination after the fix."""
    os.mkdir(folder + "/files")
    with open(folder + "/files/mailname", "w", encoding="ascii") as file:
        file.write("host.example.net\n")
    with open(folder + "/files/domains", "w", encoding="ascii") as file:
        file.write("# ours\nhost.example.net\n")
    origin = "myorigin = host.example.net\n"
    replaced = "mydestination = $myhostname, localhost\n" + origin
    cases = (("", "~/Maildir", None, ""),
             (replaced, "~/Maildir", "origin-domain", "$myhostname, localhost, host.example.net"),
             ("mydestination = $myhostname, localhost\nmyorigin = %s/files/mailname\n" % folder, "~/Maildir", "origin-domain", "$myhostname, localhost, host.example.net"),
             ("mydestination = localhost\n" + origin, "~/Maildir", "origin-domain", "localhost, mx.example.jp, host.example.net"),
             ("mydestination = localhost\n", "/srv/%d/%n", "origin-domain", "localhost, mx.example.jp"),
             ("mydestination =\n", "~/Maildir", "origin-domain", "mx.example.jp"),
             ("mydestination = localhost\nvirtual_alias_maps = inline:{{root@mx.example.jp=a@example.jp}}\n", "/srv/%d/%n", "origin-elsewhere", "localhost, mx.example.jp"),
             (replaced, "/srv/%d/%n", "origin-elsewhere", "$myhostname, localhost, host.example.net"),
             (replaced + "relayhost = [hub.example.net]\n", "~/Maildir", None, ""),
             (replaced + "default_transport = error:no mail goes out\n", "~/Maildir", None, ""),
             (replaced + "transport_maps = inline:{host.example.net=smtp:[hub.example.net]}\n", "~/Maildir", None, ""),
             (replaced + "virtual_alias_domains = HOST.example.net\n", "~/Maildir", None, ""),
             (replaced + "virtual_mailbox_domains = inline:{host.example.net=x}\n", "~/Maildir", None, ""),
             (replaced + "relay_domains = example.net\n", "~/Maildir", None, ""),
             ("mydestination = $myhostname, %s/files/domains\n" % folder + origin, "~/Maildir", None, ""),
             ("mydestination = $myhostname, !host.example.net, %s/files/domains\n" % folder + origin, "~/Maildir", "origin-domain", None))
    for number, (main, maildir, code, after) in enumerate(cases):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix_conf.write(inner, "compatibility_level = 3.6\nmyhostname = mx.example.jp\nalias_maps = inline:{root=a@example.jp}\n" + main, MASTER)
        args = ("--door", "local" if maildir[0] == "~" else "pipe", "-o", "maildir=" + maildir)
        found = [finding for finding in plan(path, *args)["findings"] if finding["code"].startswith("origin-")]
        tap.same([finding["code"] for finding in found], [code] if code else [], main)
        if found and after:
            subprocess.run(["sh", "-c", found[0]["fix"]], check=True)
            tap.same(postconf(path, "-h", "mydestination"), after, main)
            postfix_conf.long_ago(path)
            tap.same([one for one in codes(path, *args) if one.startswith("origin-")], [], main)


def test_maildir_that_users_read_now(folder):
    """main.cf, todoke.conf, and the maildir of todoke.conf that is asked for; by local(8) and by lmtpd in its place."""
    for number, (main, options, wanted) in enumerate((("", (), None), ("home_mailbox = Mail/\n", (), "~/Mail"), ("home_mailbox = Maildir/\n", (), None),
            ("home_mailbox = Mail/\n", ("-o", "maildir=%h/Mail/"), None), ("home_mailbox = Mailbox\n", (), None), ("mail_spool_directory = /var/mail/\n", (), "/var/mail/%u"),
            ("mail_spool_directory = /var/mail\n", (), None), ("mail_spool_directory = /var/mail/\nhome_mailbox = Maildir/\n", (), None),
            ("home_mailbox = Mail/\nmailbox_command = /usr/bin/procmail\n", (), None), ("home_mailbox = Mail/\nmailbox_command = /usr/bin/todoke deliver\n", (), "~/Mail"),
            ("home_mailbox = Mail/\n", ("-o", "recipes=yes", "-o", "recipe_default=/var/mail/%u"), None))):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main=main)
        for way in (("--door", "local"), ("--fetched", "smtpd"), ("--fetched", "lmtp")):
            found = [finding["fix"] for finding in plan(path, *way, "-o", "maildir=~/Maildir", *options)["findings"] if finding["code"] == "other-maildir"]
            tap.same([fix.split(" in todoke.conf; ")[0] for fix in found], ['maildir = "%s"' % wanted] if wanted else [], main)
        tap.same("other-maildir" in codes(path, *VIRTUAL), False, main)
        if wanted:
            subprocess.run(["sh", "-c", found[0].split("', ", 1)[1]], check=True)
            postfix_conf.long_ago(path)
            tap.same("other-maildir" in codes(path, "--door", "local", "-o", "maildir=~/Maildir"), False, main)


def test_mail_that_lies_in_mboxes(folder):
    """procmail and local(8) put it there; whoever switches is told that new mail goes elsewhere, until todoke is called."""
    spool = folder + "/spool"
    os.mkdir(spool)
    path = postfix(folder, main="mail_spool_directory = %s\nmailbox_command = /usr/bin/procmail\nalias_maps = inline:{root=a@example.jp}\n" % spool)
    local = ("--door", "local", "-o", "maildir=~/Maildir")
    for name in ("daemon", "root", "no-such-user"):
        with open(os.path.join(spool, name), "w", encoding="ascii") as file:
            file.write("From x\n\n" if name != "daemon" else "")
    tap.same("old-mboxes" in codes(path, *local), False, "root's, nobody's, and an empty one")
    with open(spool + "/daemon", "w", encoding="ascii") as file:
        file.write("From x\n\n")
    (found,) = [finding for finding in plan(path, *local)["findings"] if finding["code"] == "old-mboxes"]
    tap.contains(found["text"], "mail lies in %s, where it came until now, of daemon: from now on it goes to '~/Maildir'" % spool)
    tap.contains(found["fix"], 'recipe_default = "%s/%%u" in todoke.conf; ' % spool)
    for more in (("-o", "recipe_default=%s/%%u" % spool), VIRTUAL):
        tap.same("old-mboxes" in codes(path, *(local + more if more != VIRTUAL else more)), False, more)
    postconf(path, "-e", "mailbox_command = /usr/bin/todoke procmail")
    postfix_conf.long_ago(path)
    tap.same("old-mboxes" in codes(path, *local), False, "todoke is called")


def test_todoke_that_is_not_installed(folder):
    """Postfix would call it in a folder of a build: it is told, and not done; with --program, or from the place where it is installed, it is."""
    path = postfix(folder)
    before = content(path)
    installed = os.path.join(folder, "usr")
    os.mkdir(installed)

    def run(*args, place=installed):
        return tap.todoke("setup", "postfix", "-C", path, *VIRTUAL, *args, env={"TODOKE_PROGRAM_DIR": place})

    for is_there in (False, True):
        if is_there:
            os.symlink("/bin/sh", os.path.join(installed, "todoke"))
        result = run("--apply")
        tap.same((result.returncode, content(path)), (1, before))
        tap.contains(result.stderr.decode(), "mend this first: program-place")
        (found,) = [one for one in json.loads(run("--json").stdout)["findings"] if one["code"] == "program-place"]
        tap.contains(found["text"], "would call '%s'" % os.path.realpath(tap.TODOKE))
        if is_there:
            tap.contains(found["fix"], "--program '%s/todoke'" % installed)
        tap.same(b"program-place" in run("--door", "lmtp").stdout, False, "it calls no program")
    tap.same(b"program-place" in run(place=os.path.dirname(os.path.realpath(tap.TODOKE))).stdout, False)
    tap.same(run("--apply", "--program", "/usr/bin/todoke").returncode, 0)


def test_printed_commands_do_the_same_as_apply(folder):
    path = postfix(folder)
    for change in plan(path, *VIRTUAL)["changes"]:
        subprocess.run(["sh", "-c", change["command"]], check=True)
    tap.same(good_pipe(path), True)
    tap.same(plan(path, *VIRTUAL)["changes"], [])


def test_undo_keeps_what_others_changed_since(folder):
    path = postfix(folder, main="virtual_transport = lmtp:inet:old\n")
    tap.same(setup(path, "--apply", *VIRTUAL).returncode, 0)
    postconf(path, "-e", "myhostname = other.example.jp")
    postconf(path, "-e", "todoke_destination_recipient_limit = 7")
    result = setup(path, "--undo")
    tap.same(result.returncode, 1)
    tap.contains(result.stdout, b"todoke_destination_recipient_limit was changed since")
    tap.same(postconf(path, "-h", "myhostname", "virtual_transport").splitlines(), ["other.example.jp", "lmtp:inet:old"])
    tap.contains(content(path)["main.cf"][0], b"todoke_destination_recipient_limit = 7\n")
    tap.same(postconf(path, "-M", "todoke/unix"), "")


def test_failed_apply_leaves_all_as_it_was(folder):
    tap.need_public_build()
    path = postfix(folder)
    before = content(path)
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    with open(os.path.join(tools, "postconf"), "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\ncase "$*" in *virtual_transport*) echo broken >&2; exit 1;; esac\nexec %s "$@"\n' % POSTCONF)
    os.chmod(file.name, 0o755)
    result = tap.todoke("setup", "postfix", "-C", path, "--apply", *VIRTUAL, env={"PATH": tools + ":" + os.environ["PATH"]})
    tap.same(result.returncode, 1)
    tap.contains(result.stderr, b"broken")
    tap.same(content(path), before)
    tap.same(sorted(os.listdir(path)), ["main.cf", "master.cf"])


def test_postconf_that_forgets_the_folder(folder):
    """Postfix 3.10 reads a main.cf again that has just changed, and config_directory is /etc/postfix then, whatever -c said."""
    path = postfix(folder)
    before = content(path)
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    with open(os.path.join(tools, "postconf"), "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\ncase "$*" in *"-o config_directory="*) exec %s "$@";; esac\n'
                   '%s "$@" | sed -E "s,^(config_directory = )?%s$,\\1%s/other,"\n' % (POSTCONF, POSTCONF, path, folder))
    os.chmod(file.name, 0o755)
    env = {"PATH": tools + ":" + os.environ["PATH"]}
    for more, args in (({}, ["-C", path]), ({"MAIL_CONFIG": path}, [])):
        result = tap.todoke("setup", "postfix", *args, "--program", "/usr/bin/todoke", "--apply", *VIRTUAL, env=dict(env, **more))
        tap.same((result.returncode, result.stderr), (0, b""))
        tap.same(good_pipe(path), True)
        tap.same(tap.todoke("setup", "postfix", *args, "--undo", env=dict(env, **more)).returncode, 0)
        tap.same(content(path), before)
    tap.same(sorted(os.listdir(folder)), ["bin", "etc"])


def test_findings_of_a_bad_pipe(folder):
    path = postfix(folder, master=PIPE % ("flags=DRhu user=root", "-f ${sender} -d ${recipient}"), main="todoke_time_limit = 5m\n")
    tap.same(codes(path, *VIRTUAL), ["flags-d", "flags-ro", "null-sender", "user-root", "original-recipient", "queue-id", "recipient-limit", "time-limit"])
    tap.same(setup(path, "--apply", *VIRTUAL).returncode, 0)
    tap.same(codes(path, *VIRTUAL), ["flags-ro"])
    tap.contains(postconf(path, "-M", "todoke/unix"), "flags=Rhu user=daemon null_sender= argv=/usr/bin/todoke deliver -f ${sender} -d ${recipient}"
                 " -a ${original_recipient} --queue-id ${queue_id}")
    tap.same(postconf(path, "-h", "todoke_time_limit"), "600s")


def test_each_fix_mends_its_finding(folder):
    for number, (attributes, words, main, code) in enumerate((
            ("flags=D user=daemon null_sender=", WORDS, "todoke_destination_recipient_limit = 1\n", "flags-d"),
            ("user=daemon", WORDS, "todoke_destination_recipient_limit = 1\n", "null-sender"),
            ("null_sender=", WORDS, "todoke_destination_recipient_limit = 1\n", "user-root"),
            ("user=daemon null_sender=", "${recipient}", "todoke_destination_recipient_limit = 1\n", "arguments"),
            ("user=daemon null_sender=", "-f ${sender} -d ${recipient} --queue-id ${queue_id}", "todoke_destination_recipient_limit = 1\n", "original-recipient"),
            ("user=daemon null_sender=", "-f ${sender} -a ${original_recipient} -d ${recipient}", "todoke_destination_recipient_limit = 1\n", "queue-id"),
            ("user=daemon null_sender=", WORDS, "", "recipient-limit"),
            ("user=daemon null_sender=", WORDS, "todoke_destination_recipient_limit = 1\ntodoke_time_limit = 359s\n", "time-limit"),
            ("user=daemon null_sender=", WORDS + " --size ${size}", "todoke_destination_recipient_limit = 1\nnon_smtpd_milters = inet:localhost:1\n", "size-milter"))):
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        path = postfix(place, main=main, master=PIPE % (attributes, words))
        findings = plan(path, *VIRTUAL)["findings"]
        tap.same([finding["code"] for finding in findings], [code])
        subprocess.run(["sh", "-c", findings[0]["fix"]], check=True)
        tap.same(codes(path, *VIRTUAL), [], code)


def test_enough_time_is_no_finding(folder):
    path = postfix(folder, main="todoke_destination_recipient_limit = 1\ntodoke_time_limit = 360s\n", master=PIPE % ("user=daemon null_sender=", WORDS))
    tap.same(codes(path, *VIRTUAL), [])
    tap.same(codes(path, "-o", "deadline=301", *VIRTUAL), ["time-limit"])


def test_no_size_where_milters_are(folder):
    path = postfix(folder, main="smtpd_milters = unix:milter\n")
    service = next(change for change in plan(path, *VIRTUAL)["changes"] if change["file"] == "master.cf")
    tap.same("--size" in service["after"], False)


def test_local(folder):
    path = postfix(folder, main="mailbox_size_limit = 51200000\ncommand_time_limit = 100\n")
    before = content(path)
    tap.same(setup(path, "--door", "local", "--apply").returncode, 0)
    tap.same(postconf(path, "-h", "mailbox_command", "mailbox_size_limit", "command_time_limit").splitlines(), ["/usr/bin/todoke deliver", "0", "600s"])
    tap.same(codes(path, "--door", "local"), ["local-loop-check"])
    tap.same(setup(path, "--undo").returncode, 0)
    tap.same(content(path), before)


def test_procmail_keeps_its_recipes(folder):
    """`todoke deliver` would run them only where recipes says so; the arguments stay as they are."""
    for before, recipes, after in (("/usr/bin/procmail", "no", "/usr/bin/todoke procmail"),
                                   ('/usr/bin/procmail -a "$EXTENSION" DEFAULT=$HOME/Maildir/', "no",
                                    '/usr/bin/todoke procmail -a "$EXTENSION" DEFAULT=$HOME/Maildir/'),
                                   ("/usr/bin/todoke procmail -t", "no", "/usr/bin/todoke procmail -t"),
                                   ("/usr/bin/procmail", "yes", "/usr/bin/todoke deliver"),
                                   ("/usr/bin/procmailer", "no", "/usr/bin/todoke deliver")):
        inner = os.path.join(folder, "%d" % len(os.listdir(folder)))
        os.mkdir(inner)
        path = postfix(inner, main="mailbox_command = %s\n" % before)
        was = content(path)
        tap.same(setup(path, "--door", "local", "-o", "recipes=" + recipes, "--apply").returncode, 0, before)
        tap.same(postconf(path, "-h", "mailbox_command").strip(), after, before)
        tap.same(setup(path, "--undo").returncode, 0)
        tap.same(content(path), was, before)


def test_arguments_of_procmail_are_the_admins_to_take_away(folder):
    """No command that is only to be copied, which doctor --fix would run, loses $1 or an assignment that recipes need."""
    for number, (command, is_by_hand) in enumerate((('/usr/bin/todoke procmail -a "$EXTENSION"', True),
                                                    ("/usr/bin/todoke procmail DEFAULT=$HOME/Maildir/", True),
                                                    ('/usr/bin/todoke deliver "$USER"', False))):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        found = plan(postfix(inner, main="mailbox_command = %s\n" % command), "--door", "local")["findings"]
        [(code, fix)] = [(finding["code"], finding["fix"]) for finding in found if finding["code"].startswith("shell")]
        tap.same((code, fix.startswith("where no recipe needs the arguments")), ("shell-arguments" if is_by_hand else "shell", is_by_hand), command)
        tap.contains(fix, "postconf")


def test_door_that_is_there(folder):
    """Without --door, mailbox_command keeps its door and its words, spelt rightly."""
    for number, (command, after) in enumerate((('/usr/bin/todok procmail -a "$EXTENSION"', 'procmail -a "$EXTENSION"'),
                                               ("/usr/bin/todoke procmal", "procmail"),
                                               ("/usr/bin/todoke delivr", "deliver"))):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        changes = plan(postfix(inner, main="mailbox_command = %s\n" % command), "-o", "users=system", "--program", "/usr/bin/todoke")["changes"]
        tap.same([change["after"] for change in changes if change["name"] == "mailbox_command"], ["/usr/bin/todoke " + after], command)
        tap.same([change for change in changes if change["file"] == "master.cf"], [], command)


@tap.as_root
def test_spool_where_each_account_has_its_file(folder):
    """What is missing is then no fault, but a word for accounts that are made later."""
    people = [entry for entry in pwd.getpwall() if 1000 <= entry.pw_uid <= 60000]
    if not people:
        raise tap.Skip("no account of this machine is one of people")
    path, spool = postfix(folder), os.path.join(folder, "spool")
    os.mkdir(spool)
    os.chmod(spool, 0o2775)

    def found():
        return [code for code in codes(path, "--door", "local", "-o", "users=system", "-o", "recipe_default=%s/%%u" % spool) if code.startswith("spool")]
    tap.same(found(), ["spool"])
    for entry in people:
        with open(os.path.join(spool, entry.pw_name), "w", encoding="ascii"):
            pass
    tap.same(found(), ["spool"], "the files are root's")
    for entry in people:
        os.chown(os.path.join(spool, entry.pw_name), entry.pw_uid, -1)
    tap.same(found(), ["spool-new"])
    tap.same(b"[spool" in tap.todoke("check", "-o", "recipe_default=%s/%%u" % spool).stdout, False)


def test_findings_of_a_bad_mailbox_command(folder):
    path = postfix(folder, main='mailbox_command = /usr/bin/todoke deliver "$USER"\nmailbox_size_limit = 1000\ncommand_time_limit = 10s\nmailbox_transport = x\n')
    tap.same(codes(path, "--door", "local"), ["shell", "mailbox-size", "time-limit", "mailbox-transport", "local-loop-check"])


def test_spool_of_procmails_command_line(folder):
    """`todoke procmail` stores where its command line or recipe_default says, though recipes is no."""
    spool = os.path.join(folder, "spool")
    os.mkdir(spool)
    for number, (command, options, is_found) in enumerate((
            ("/usr/bin/procmail", ("-o", "recipe_default=%s/%%u" % spool), True),
            ("/usr/bin/procmail DEFAULT=%s/$USER" % spool, (), True),
            ('/usr/bin/procmail -a "$EXTENSION" ORGMAIL="%s/$LOGNAME"' % spool, (), True),
            ("/usr/bin/procmail DEFAULT=$HOME/Maildir/", (), False),
            ("/usr/bin/procmail", (), False))):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main="mailbox_command = %s\n" % command)
        for mode in (0o755, 0o2775, 0o1777):
            os.chmod(spool, mode)
            tap.same("spool" in codes(path, "--door", "local", "-o", "users=system", *options), is_found and mode != 0o1777, "%s, mode %o" % (command, mode))


def follow_remedy(remedy, spool):
    """Type the remedy: it makes the mailbox that is missing, and leaves one with mail in it as it is."""
    me, group = pwd.getpwuid(os.getuid()).pw_name, str(os.getgid())
    command = remedy.split(": ", 1)[1].split(";")[0].replace("USER", me).replace("-g mail", "-g " + group)
    path = os.path.join(spool, me)
    for mail in ("", "From a@example.org\n\nmail\n"):
        if mail:
            with open(path, "w") as file:
                file.write(mail)
        tap.same(subprocess.run(["sh", "-c", command]).returncode, 0, command)
        with open(path) as file:
            tap.same((file.read(), os.stat(path).st_mode & 0o777), (mail, 0o660), command)


def test_spool_in_which_nobody_can_make_a_file(folder):
    """recipe_default below /var/mail (2775 root:mail): setup says so at every door, with the cure."""
    spool = os.path.join(folder, "spool")
    os.mkdir(spool)
    os.chmod(spool, 0o2775)
    path = postfix(folder)
    recipes = ["--door", "local", "-o", "recipes=yes", "-o", "recipe_default=%s/%%u" % spool]
    findings = [finding for finding in plan(path, *recipes)["findings"] if finding["code"] == "spool"]
    tap.same(len(findings), 1)
    follow_remedy(findings[0]["fix"], spool)
    told = codes(path, "-o", "recipes=yes", "-o", "recipe_default=%s/%%u" % spool, *VIRTUAL)
    tap.same({"spool", "spool-new"} & set(told) != set(), True, told)  # the second where nobody but this user has a home
    os.chmod(spool, 0o1777)
    tap.same({"spool", "spool-new"} & set(codes(path, *recipes)), set())


def test_transport_maps_go_before_our_transport(folder):
    """What overrules virtual_transport or local_transport is said; what leads to todoke, or says nothing of a transport, is not."""
    service = PIPE % ("flags=u user=daemon", WORDS)
    domains = "virtual_mailbox_domains = example.jp example.org\n"
    cases = (("example.jp=smtp:[mx.example.net]", "example.jp by 'smtp:[mx.example.net]'"), ("{*=relay:}", "example.jp by 'relay:', example.org by 'relay:'"),
             ("example.jp=todoke:", None), ("example.jp=todoke", None), ("example.jp=:[192.0.2.1]", None), ("other.jp=smtp:", None),
             ("{*=smtp:}, example.jp=todoke:", "delivers example.org by 'smtp:'"))
    for number, (table, told) in enumerate(cases):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main=domains + "transport_maps = inline:{%s}\n" % table, master=service)
        found = [finding for finding in plan(path, *VIRTUAL)["findings"] if finding["code"] == "transport-maps"]
        tap.same(len(found), int(told is not None), table)
        if found:
            tap.contains(found[0]["text"], told)
            tap.contains(found[0]["text"], "goes before virtual_transport")
        tap.same(setup(path, "--apply", *VIRTUAL).returncode, 0, table)
        tap.same(setup(path, "--check", *VIRTUAL).returncode, 0, table)


def test_transport_maps_of_accounts(folder):
    for number, (door, table, is_found) in enumerate((("local", "mx.example.jp=smtp:", True), ("local", "mx.example.jp=local:", False),
                                                      ("lmtp", "mx.example.jp=virtual:", True), ("lmtp", "mx.example.jp=local", False))):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main="mydestination = $myhostname\ntransport_maps = inline:{%s}\n" % table)
        tap.same("transport-maps" in codes(path, "--door", door, "-o", "users=system"), is_found, "%s %s" % (door, table))


def test_lmtp(folder):
    path = postfix(folder)
    tap.same([(change["name"], change["after"]) for change in plan(path, "--door", "lmtp", *VIRTUAL)["changes"]],
             [("virtual_transport", "lmtp:unix:private/todoke"), ("lmtp_send_xforward_command", "yes")])
    for name in ("said", "pipe", "local"):
        os.mkdir(os.path.join(folder, name))
    path = postfix(folder + "/said", main="lmtp_send_xforward_command = yes\n")
    tap.same([change["name"] for change in plan(path, "--door", "lmtp", *VIRTUAL)["changes"]], ["virtual_transport"], "it is on already")
    for door in ("pipe", "local"):
        names = [change["name"] for change in plan(postfix(folder + "/" + door), "--door", door, *VIRTUAL)["changes"]]
        tap.same("lmtp_send_xforward_command" in names, False, "no LMTP, no XFORWARD")


def test_lmtp_for_accounts(folder):
    """lmtpd must start as root: setup prints the command, with the path at which make install puts the drop-in."""
    path = postfix(folder)
    for args in (("--door", "lmtp"), ("--fetched", "lmtp")):
        answer = plan(path, *args, "-o", "maildir=~/Maildir")
        (found,) = [finding for finding in answer["findings"] if finding["code"] == "lmtp-root"]
        tap.same(answer["then"], [found["fix"], "systemctl enable --now todoke-lmtpd.socket", "postfix reload"])
        tap.same(re.fullmatch(r"install -D -m 644 /\S+/share/todoke/todoke-lmtpd-root.conf /etc/systemd/system/todoke-lmtpd.service.d/root.conf && "
                              r"systemctl daemon-reload && systemctl try-restart todoke-lmtpd.service", found["fix"]) is not None, True, found["fix"])
        shown = setup(path, *args, "-o", "maildir=~/Maildir").stdout.decode()
        tap.contains(shown, "and then:\n    %s\n    systemctl enable" % found["fix"])
    tap.same(plan(path, "--door", "lmtp", *VIRTUAL)["then"], ["systemctl enable --now todoke-lmtpd.socket", "postfix reload"])
    tap.same(plan(path, "--door", "pipe", *VIRTUAL)["then"], ["postfix reload"])


def test_lmtp_goes_where_lmtpd_listens(folder):
    """(lmtp_listen, the transport, codes); the lmtp service of MASTER is chrooted."""
    path = postfix(folder)
    rows = (("", "lmtp:unix:private/todoke", ["lmtp-listen"]),
            ("unix:/var/spool/postfix/private/todoke", "lmtp:unix:private/todoke", []),
            ("unix:/var/spool/postfix/public/deliver, inet:127.0.0.1:24", "lmtp:unix:public/deliver", []),
            ("inet:127.0.0.1:24", "lmtp:inet:127.0.0.1:24", ["lmtp-trusted"]),
            ("unix:/run/todoke/lmtp", "lmtp:unix:/run/todoke/lmtp", ["lmtp-chroot"]))
    for listen, route, wanted in rows:
        answer = plan(path, "--door", "lmtp", *VIRTUAL, "-o", "lmtp_listen=" + listen)
        tap.same([change["after"] for change in answer["changes"]], [route, "yes"], listen)
        tap.same([finding["code"] for finding in answer["findings"]], wanted, listen)
    tcp = ("--door", "lmtp", *VIRTUAL, "-o", "lmtp_listen=inet:127.0.0.1:24")
    tap.same(plan(path, *tcp, "-o", "lmtp_trusted=127.0.0.1")["findings"], [], "XFORWARD is taken from Postfix")
    tap.contains(plan(path, *tcp)["findings"][0]["fix"], 'lmtp_trusted = {"127.0.0.1"}')
    tap.same(setup(path, "--door", "lmtp", *VIRTUAL, "--apply").returncode, 0, "exit code of --apply")
    tap.same(setup(path, "--door", "lmtp", *VIRTUAL).returncode, 0, "a note is no fault")


def test_what_is_done_and_what_is_not(folder):
    """Of what --apply prints the last command is the admin's; notes are explained by the preview, in words of what is installed."""
    path = postfix(folder)
    change = "\n    postconf -c '%s' -e 'virtual_transport = lmtp:unix:private/todoke'\n" % path
    preview = setup(path, "--door", "lmtp", *VIRTUAL).stdout.decode()
    for part in ("\nto be changed (nothing is until --apply):\n", change, "and then:\n    systemctl enable --now todoke-lmtpd.socket\n    postfix reload\n", "lmtp-listen: ",
                 "    fix: systemctl enable --now todoke-lmtpd.socket; or start `todoke lmtpd`"):
        tap.contains(preview, part)
    done = setup(path, "--door", "lmtp", *VIRTUAL, "--apply").stdout.decode()
    for part in ("noted: lmtp-listen (without --apply each is explained)\n", "\nchanged, as these commands would have done it:\n", change,
                 "not done yet; it is yours to type:\n    systemctl enable --now todoke-lmtpd.socket\n    postfix reload\n"):
        tap.contains(done, part)
    tap.same("contrib/" in preview + done, False, "no path of a source tree")
    tap.contains(setup(path, "--undo").stdout, b"undone; it is yours to type now: postfix reload\n")


def test_pipe_for_system_accounts_is_a_finding(folder):
    """One account that was named may be the only one with mail; one that was guessed is not."""
    path = postfix(folder)
    before = content(path)
    for args, blocks in ((("-o", "users=system"), True), (("-o", "users=system", "--user", "nobody"), False)):
        findings = plan(path, *args)["findings"]
        tap.same([finding["code"] for finding in findings if finding["code"] != "no-user"], ["system-users", "local-loop-check"])
        tap.same(findings[0]["blocks"], blocks)
    result = setup(path, "-o", "users=system", "--apply")
    tap.same((result.returncode, content(path)), (1, before))
    tap.contains(result.stderr, b"nothing was changed; mend this first: system-users")


def test_what_blocks_is_one_table(folder):
    """Each finding that a plan can have has its row in setup-finding.def, and the page lists the rows that block."""
    with open(os.path.join(tap.TOP, "agent/cmd/setup-finding.def"), encoding="utf-8") as file:
        rows = re.findall(r'^FINDING\("([a-z-]+)", (BLOCKS|FAULT|NOTE), "', file.read(), flags=re.M)
    tap.same(len(rows), len(dict(rows)), "a row for each")
    found = set()
    for path in glob.glob(os.path.join(tap.TOP, "agent/cmd/setup-*.c")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found.update(re.findall(r'setup_plan_find\(\s*planner,\s*"([a-z-]+)"', text))
        found.update(re.findall(r'check_needed\(\s*planner, reader, "([a-z-]+)"', text))
        found.update(word for pair in re.findall(r'setup_plan_find\(\s*planner, \w+ \? "([a-z-]+)" : "([a-z-]+)"', text) for word in pair)
    tap.same(sorted(found), sorted(dict(rows)))
    with open(os.path.join(tap.TOP, "agent/man/todoke-setup.8"), encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    section = re.search(r'^\.SH "WHAT BLOCKS"\n(.*?)^\.SH ', page, flags=re.M | re.S)[1]
    tap.same(sorted(re.findall(r"^\.TP\n\.B (\S+)$", section, flags=re.M)), sorted(code for code, weight in rows if weight == "BLOCKS"))
    characters = re.search(r"^\.B (, : ; .*)\nmay be in it", page, flags=re.M)[1].replace("\\e", "\\").replace("\\(dq", '"').replace("\\(aq", "'").split()
    path = postfix(folder)
    for letter in characters:
        tap.same(setup(path, "--root-mail-to", "taro%s@example.jp" % letter).returncode, 2, letter)
    with open(os.path.join(tap.TOP, "agent/cmd/cmd-setup.c"), encoding="utf-8") as file:
        refused = re.search(r'strpbrk\(who, " \\t\\r\\n([^ ]*)"\)', file.read())[1]
    tap.same(sorted(characters), sorted(refused.replace('\\"', '"').replace("\\\\", "\\")))


def test_files_that_are_too_big_to_keep(folder):
    most, changes = tap.limit("POSTFIX_FILE_BYTES"), 2000  # what --apply adds is kept, too
    path = postfix(folder)
    main = os.path.join(path, "main.cf")
    with open(main, "ab") as file:
        file.write((b"#" * 99 + b"\n") * ((most - changes - file.tell()) // 100))
    tap.same(setup(path, *VIRTUAL, "--apply").returncode, 0)
    tap.same(setup(path, "--undo").returncode, 0)
    with open(main, "ab") as file:
        file.write(b"#" * (most - file.tell()) + b"\n")
    before = content(path)
    result = setup(path, *VIRTUAL, "--apply")
    tap.same(content(path), before)
    tap.same(result.returncode != 0, True)
    tap.contains(result.stderr, b"has more than %d bytes" % most)


def test_names_of_this_host_that_differ(folder):
    """A note with the command that ends it; it hinders nothing."""
    os.chmod(folder, 0o755) # "daemon" reads the configuration
    path, conf = postfix(folder), os.path.join(folder, "todoke.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("# mine\n")
    args = ["-c", conf, *VIRTUAL, "-o", "myhostname="]
    done = setup(path, "--apply", *args)
    tap.same(done.returncode, 0, (done.stdout, done.stderr))
    tap.same(setup(path, *args).returncode, 0)
    (note,) = plan(path, *args)["findings"]
    tap.same((note["code"], note["fix"], note["blocks"]), ("myhostname", "echo 'myhostname = \"mx.example.jp\"' >>'%s'" % conf, False))
    tap.contains(note["text"], "Postfix calls this host 'mx.example.jp'")
    subprocess.run(["sh", "-ec", note["fix"]], check=True)
    said = tap.todoke("setup", "postfix", "-C", path, "--program", "/usr/bin/todoke", "-c", conf, *VIRTUAL)
    tap.same((said.returncode, b"myhostname" in said.stdout), (0, False))


# (what, main.cf, master.cf, arguments, program, where, door, what is then there)
AGENTS = [
    ("dovecot-lda by mailbox_command", 'mailbox_command = /usr/lib/dovecot/dovecot-lda -f "$SENDER" -a "$RECIPIENT"\n', "", ("-o", "users=system"),
     "dovecot-lda", "mailbox_command", "local", ("mailbox_command", "/usr/bin/todoke deliver")),
    ("maildrop by mailbox_command", "mailbox_command = /usr/bin/maildrop -d ${USER}\n", "", ("-o", "users=system"),
     "maildrop", "mailbox_command", "local", ("mailbox_command", "/usr/bin/todoke deliver")),
    ("procmail by mailbox_command", 'mailbox_command = /usr/bin/procmail -a "$EXTENSION"\n', "", ("-o", "users=system"),
     "procmail", "mailbox_command", "local", ("mailbox_command", '/usr/bin/todoke procmail -a "$EXTENSION"')),
    ("maildrop by a transport", "virtual_transport = maildrop\n",
     "maildrop unix - n n - - pipe flags=DRXhu user=daemon:daemon argv=/usr/bin/maildrop -d ${recipient}\n", ("-o", "maildir=" + TREE + "/%d/%n"),
     "maildrop", "virtual_transport, service maildrop/unix of master.cf", "pipe", ("virtual_transport", "todoke")),
    ("dovecot-lda behind spamc", "virtual_transport = dovecot:\n",
     "dovecot unix - n n - - pipe flags=DRhu user=daemon argv=/usr/bin/spamc -u ${user} -e /usr/lib/dovecot/deliver -d ${recipient}\n",
     ("-o", "maildir=" + TREE + "/%d/%n"), "dovecot-lda", "virtual_transport, service dovecot/unix of master.cf", "pipe", ("virtual_transport", "todoke")),
    ("a command in quotes", "mailbox_command = exec '/usr/bin/procmail' -t\n", "", ("-o", "users=system"),
     "procmail", "mailbox_command", "local", ("mailbox_command", "/usr/bin/todoke procmail -t")),
    ("lines that go on, tabs, comments, a folder and words that look like others", "virtual_transport = maildrop\n",
     "maildrop\tunix -\tn\tn - - pipe\n# flags=x\n\tflags=DRXhu directory=/var/spool/procmail\n  -o syslog_name=x user=daemon\n"
     "  argv=/usr/bin/maildrop -d ${recipient} user=root\n", ("-o", "maildir=" + TREE + "/%d/%n"),
     "maildrop", "virtual_transport, service maildrop/unix of master.cf", "pipe", ("virtual_transport", "todoke")),
    ("Dovecot's LMTP for virtual users", "virtual_transport = lmtp:unix:private/dovecot-lmtp\n", "", ("-o", "maildir=" + TREE + "/%d/%n"),
     "Dovecot's LMTP", "virtual_transport = lmtp:unix:private/dovecot-lmtp", "lmtp", ("virtual_transport", "lmtp:unix:private/todoke")),
    ("Dovecot's LMTP for accounts", "mailbox_transport = lmtp:unix:private/dovecot-lmtp\nmailbox_command = /usr/bin/procmail\n", "", ("-o", "users=system"),
     "Dovecot's LMTP", "mailbox_transport = lmtp:unix:private/dovecot-lmtp", "lmtp", ("mailbox_transport", "lmtp:unix:private/todoke")),
]


def test_the_line_of_another_agent_is_taken_over_and_back(folder):
    for number, (what, main, master, args, program, where, door, (name, value)) in enumerate(AGENTS):
        os.mkdir(os.path.join(folder, str(number)), 0o755)
        path = postfix(os.path.join(folder, str(number)), main=main, master=master)
        before = content(path)
        shown = setup(path, *args)
        tap.same(content(path), before, what)
        tap.contains(shown.stdout.decode(), "%s delivers now (%s): the door %s takes its place.\n" % (program, where, door), what)
        tap.same(plan(path, *args)["replaces"], {"program": program, "where": where}, what)
        applied = setup(path, *args, "--apply")
        tap.same(applied.returncode, 0, (what, applied.stdout, applied.stderr))
        tap.same(postconf(path, "-h", name), value, what)
        if door == "pipe":
            tap.contains(postconf(path, "-M", "todoke/unix"), "user=" + ("daemon:daemon" if "user=daemon:daemon" in master else "daemon") + " ", what)
        tap.same(plan(path, *args, "--door", door)["changes"], [], what)
        tap.same((setup(path, "--undo").returncode, content(path)), (0, before), what)


def test_what_is_no_agent_is_not_taken_over(folder):
    for number, (main, master) in enumerate((("", ""), ("mailbox_command = /opt/own\n", ""), ("mailbox_command = /opt/deliver x\n", ""),
                                             ("mailbox_transport = lmtp:unix:private/other\nmailbox_command = /usr/bin/maildrop\n", ""))):
        os.mkdir(os.path.join(folder, str(number)), 0o755)
        path = postfix(os.path.join(folder, str(number)), main=main, master=master)
        tap.same(plan(path, "-o", "users=system", "--user", "daemon")["replaces"], None, main)
    os.mkdir(os.path.join(folder, "own"), 0o755)
    path = postfix(os.path.join(folder, "own"), "virtual_transport = own\n",
                   "own unix - n n - - pipe flags=DRhu directory=/var/spool/maildrop user=daemon argv=/opt/own -d ${recipient}\n")
    tap.same(plan(path, *VIRTUAL)["replaces"], None, "a folder with the name of an agent")


def test_check_changes_nothing(folder):
    path = postfix(folder)
    tap.same(setup(path, *VIRTUAL, "--check", "--apply").returncode, 2)


def test_root_is_refused(folder):
    result = tap.todoke("setup", "postfix", "--user", "root")
    tap.same((result.returncode, result.stdout), (2, b""))


def test_a_user_that_is_not_there_is_refused(folder):
    path = postfix(folder)
    before = content(path)
    for user in ("no-such-user", "no-such-user:root"):
        result = setup(path, *VIRTUAL, "--apply", "--user", user)
        tap.same((result.returncode, result.stdout, content(path)), (2, b"", before))
        tap.contains(result.stderr, b"there is no user 'no-such-user'")
    tap.same(setup(path, *VIRTUAL, "--user", "nobody:nogroup", "--check").returncode, 1)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
