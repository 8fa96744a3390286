#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke doctor USER`: path, mailbox and scripts of a user. Each finding is made to happen once and is gone when its fix was run as
printed; what this kernel cannot show is recorded output of the programs that are asked."""

import json
import os
import pwd
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from doctor_host import GOOD_LINE, Host

USER = "ann@example.jp"


class Mailbox(Host):
    """A host with one user; the mailbox is `box`."""

    def __init__(self, folder, name="host", **more):
        place = os.path.join(folder, name)
        os.mkdir(place)
        super().__init__(place, line=GOOD_LINE, **more)
        self.domain, self.box = os.path.join(self.tree, "example.jp"), os.path.join(self.tree, "example.jp", "ann")
        self.folder_of("")

    def folder_of(self, name):
        path = os.path.join(self.box, name)
        for part in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(path, part), mode=0o700)
        return path

    def message(self, name, text="Subject: x\n\nx\n", folder="", part="cur", age=0):
        path = os.path.join(self.box, folder, part, name)
        self.write(path, text)
        os.utime(path, (time.time() - age, time.time() - age))
        return path


def test_good_mailbox(folder):
    host = Mailbox(folder)
    host.message("1.M1.h,S=14:2,S")
    tap.same(host.findings(USER), [])
    result = host.run(USER)
    tap.same((result.returncode, result.stdout), (0, b"users looked at: 1, of them in order: 1\nall is as it should be\n"))


def test_what_is_true_of_many_users_is_said_once(folder):
    """For people; programs read it for each."""
    host = Mailbox(folder, conf='sieve_scripts = "%s/all.sieve"\n' % folder)
    host.write(folder + "/all.sieve", "foo;\n")
    for name in ("bob", "cat", "dan", "eve", "fay", "gil"):
        os.makedirs(os.path.join(host.domain, name, "new"))
    found = [finding for finding in host.findings("--all") if finding["user"]]
    text = host.run("--all").stdout.decode()
    same = {}
    for finding in found:
        same.setdefault((finding["code"], finding["evidence"], finding["consequence"], finding["fix"], finding["by_hand"]), []).append(finding["user"])
    for (_, evidence, *_), users in same.items():
        tap.same(text.count(evidence), sum(1 for key in same if key[1] == evidence), evidence)
        if len(users) == 7:
            tap.contains(text, "also of  %s and 1 more\n" % ", ".join(users[1:6]))
    tap.same([len(users) for users in same.values() if len(users) == 7] != [], True, "something is true of all: %s" % same)


def test_tmp_leftovers(folder):
    host = Mailbox(folder)
    old = host.message("1.M1.h", part="tmp", age=37 * 3600)
    young = host.message("2.M2.h", part="tmp", age=35 * 3600)
    tap.contains(host.mend("tmp-leftovers", USER)["evidence"], "1 files")
    tap.same((os.path.exists(old), os.path.exists(young)), (False, True))


def test_wrong_size(folder):
    host = Mailbox(folder)
    host.message("1.M1.h,S=99,W=101:2,Sa")
    host.message("2.M2.h,S=14:2,")
    host.message("3.M\001.h,S=98:2,")
    host.mend("wrong-size", USER)
    tap.contains(os.listdir(os.path.join(host.box, "cur")), "1.M1.h,S=14:2,Sa")
    tap.same(len(os.listdir(os.path.join(host.box, "cur"))), 3)


def test_many_wrong_sizes(folder):
    """One command renames no more than LIMIT_DOCTOR_RENAMES; the next run has the rest."""
    host = Mailbox(folder)
    for i in range(tap.limit("DOCTOR_RENAMES") + 1):
        host.message("%d.M1.h,S=99:2," % i)
    first = [finding for finding in host.findings(USER) if finding["code"] == "wrong-size"][0]
    tap.contains(first["evidence"], "%d files" % (tap.limit("DOCTOR_RENAMES") + 1))
    host.sh(first["fix"])
    tap.contains(host.mend("wrong-size", USER)["evidence"], "1 files")


def test_foreign_files(folder):
    host = Mailbox(folder)
    os.mkfifo(os.path.join(host.box, "new", "pipe"))
    os.symlink("/etc/passwd", os.path.join(host.box, "cur", "link"))
    os.mkdir(os.path.join(host.box, "cur", "folder"))
    for _ in range(2):
        found = [finding for finding in host.findings(USER) if finding["code"] == "foreign-files"]
        if found:
            host.sh(found[0]["fix"])
    tap.same(host.codes(USER), [])


def test_case_clash(folder):
    host = Mailbox(folder)
    host.folder_of(".Ärger")
    host.folder_of(".ärger")
    host.mend("case-clash", USER)


def test_maildirsize(folder):
    for name, conf in (("site", "quota = site\nquota_bytes = 20M\nquota_messages = 10\n"), ("file", "quota = maildirsize\n")):
        host = Mailbox(folder, name, conf=conf)
        host.message("1.M1.h,S=14:2,S")
        host.write(os.path.join(host.box, "maildirsize"), "20971520S,10C\n100 2\n")
        tap.contains(host.mend("maildirsize", USER)["evidence"], "100 octets in 2 messages; there are 14 in 1")
        tap.same(open(os.path.join(host.box, "maildirsize"), encoding="ascii").read(), "20971520S,10C\n14 1\n")


def test_over_quota(folder):
    host = Mailbox(folder, conf="quota = site\nquota_messages = 1\n")
    host.message("1.M1.h,S=14:2,S")
    tap.same([finding["evidence"] for finding in host.findings(USER) if finding["code"] == "over-quota"], ["the mailbox is full: 14 bytes in 1 message, limit 1 message"])


def test_keywords(folder):
    host = Mailbox(folder)
    host.write(os.path.join(host.box, "dovecot-keywords"), "".join("%d k%d\n" % (i, i) for i in range(27)))
    host.message("1.M1.h:2,Sac")
    host.mend("keywords", USER)
    tap.same(open(os.path.join(host.box, "dovecot-keywords"), encoding="ascii").read(), "0 k0\n2 k2\n")


def test_uids(folder):
    for code, line in (("uid-near-end", "3 V1700000000 N4294967000 G1"), ("uid-near-end", "1 1700000000 4290000000"), ("uidlist-broken", "3 V0 N5 G1"),
                       ("uidlist-broken", "garbage")):
        host = Mailbox(folder, str(time.monotonic_ns()))
        box = host.folder_of(".Work")
        host.write(os.path.join(box, "dovecot-uidlist"), line + "\n")
        tap.contains(host.mend(code, USER)["where"], ".Work")
    host.write(os.path.join(box, "dovecot-uidlist"), "3 V1700000000 N5 Gabc\n")
    tap.same(host.codes(USER), [])


def test_delivery_notes_uids(folder):
    """A delivery into a folder whose UIDs end soon says so in the log; others say nothing."""
    host, log = Mailbox(folder), os.path.join(folder, "log")
    for line, is_noted in (("3 V1700000000 N4294967000 G1", True), ("3 V1700000000 N17 G1", False)):
        host.write(os.path.join(host.box, "dovecot-uidlist"), line + "\n1 :N4294967000\n")
        result = tap.todoke("deliver", "-f", "", "-d", USER, "-o", "log_file=" + log, stdin=b"Subject: x\n\nx\n", env=host.environment())
        tap.same(result.returncode, 0)
        last = open(log, encoding="utf-8").read().splitlines()[-1]
        tap.same("the UIDs of folder 'INBOX' end soon (next 4294967000)" in last, is_noted, last)


def test_path(folder):
    """What the user may not pass, or not write to, in the user's own power."""
    for code, make in (("path-search", lambda host: os.chmod(host.domain, 0o600)), ("path-mode", lambda host: os.chmod(os.path.join(host.box, "new"), 0o500)),
                       ("path-no-folder", lambda host: os.rename(host.box, host.box + ".x") or host.write(host.box, "")),
                       ("path-open", lambda host: os.chmod(os.path.join(host.box, "cur"), 0o777)),
                       ("path-write", lambda host: os.rename(host.box, host.box + ".x") or os.chmod(host.domain, 0o500))):
        host = Mailbox(folder, code)
        make(host)
        host.mend(code, USER)


def test_folders_below(folder):
    """Mail that rules file goes into folders: each is looked at like the INBOX; one that is a link may be somebody else's."""
    for part, mode in ((".Work", 0o000), (".Work/new", 0o500), (".Work/tmp", 0o500)):
        host = Mailbox(folder, part.replace("/", "-"))
        host.folder_of(".Work")
        os.chmod(os.path.join(host.box, part), mode)
        tap.contains(host.mend("folder-mode", USER)["evidence"], os.path.join(host.box, part))
    host = Mailbox(folder, "open")
    os.chmod(os.path.join(host.folder_of(".Work"), "new"), 0o777)
    host.mend("path-open", USER)
    host = Mailbox(folder, "shared")
    shared = os.path.join(folder, "shared-mail")
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(shared, part))
        os.chmod(os.path.join(shared, part), 0o500)
    os.symlink(shared, os.path.join(host.box, ".Shared"))
    tap.same([each for each in host.findings(USER) if each["code"] != "folder-outside"], [], "but that the box keeps mail out (test-doctor-site.py)")


def test_missing_mailbox(folder):
    host = Mailbox(folder, conf="create_maildir = no\n")
    os.rename(host.box, host.box + "2")
    host.mend("path-missing", USER)
    tap.same(sorted(os.listdir(host.box)), ["cur", "new", "tmp"])


def recorded(host, name, before, fixer, code=1):
    """`name` prints what was recorded until `fixer` has been run."""
    host.program(name, "[ -e %s/fixed ] && exit 0\ncat <<'END'\n%s\nEND\nexit %d\n" % (host.folder, before, code))
    host.program(fixer, ": >%s/fixed\n" % host.folder)


def test_selinux_label(folder):
    host = Mailbox(folder)
    recorded(host, "matchpathcon", "%s has context unconfined_u:object_r:var_t:s0, should be system_u:object_r:mail_spool_t:s0" % host.box, "restorecon")
    found = host.mend("selinux-label", USER)
    tap.contains(found["evidence"], "var_t:s0, needs system_u:object_r:mail_spool_t:s0")
    tap.same(found["fix"], "restorecon -Rv '%s'" % host.box)


def test_disk_quota(folder):
    host = Mailbox(folder)
    recorded(host, "quota", "Disk quotas for user ann (uid 5000): \n     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace\n"
             "/dev/sda1   20000*  10000   20000   6days     100       0       0        ", "setquota")
    tap.contains(host.mend("disk-quota", USER)["fix"], "/dev/sda1")


def script_of(host):
    path = os.path.join(host.domain, ".dovecot.sieve")
    return path


def test_scripts(folder):
    for code, text, mode in (("script-broken", 'fileinto "Work";\nhasflags;\n', 0o600), ("script-mode", "keep;\n", 0o666)):
        host = Mailbox(folder, code)
        host.write(script_of(host), text, mode)
        host.mend(code, USER)


def test_broken_script_goes_back_to_what_worked(folder):
    """The remedy keeps mail sorted: the version that decides now goes into the file, in one step, and the broken one stays beside it."""
    host = Mailbox(folder)
    link, good, broken = script_of(host), 'require "fileinto";\nfileinto "Work\\\\ü";\n', 'require "fileinto";\nfileinto "Play";\nhasflags;\n'
    path = os.path.join(host.domain, "active one.sieve")
    os.symlink(path, link)

    def deliver():
        result = tap.todoke("deliver", "-c", host.conf, "-o", "log_file=%s/log" % host.folder, "-f", "a@b.test", "-d", USER, stdin=b"Subject: x\n\nx\n", env=host.environment())
        tap.same(result.returncode, 0, str(result))
        return len([name for name in os.listdir(host.box) if name.startswith(".Work")]), len(os.listdir(os.path.join(host.box, "new")))
    host.write(path, good, 0o640)
    tap.same(deliver(), (1, 0))
    host.write(path, broken, 0o640)
    notices = deliver()[1]
    tap.same(notices, 1, "the owner is told, and the mail is sorted as before")
    shown = tap.todoke("check", "-c", host.conf, "--last-good", link, "-d", USER)
    tap.same((shown.returncode, shown.stdout), (0, good.encode()))
    found = host.mend("script-broken", USER)
    tap.contains(found["fix"], "todoke check ")
    tap.same([open(path + more, encoding="utf-8").read() for more in ("", ".broken")], [good, broken])
    tap.same((os.stat(path).st_mode & 0o777, os.path.islink(link), sorted(os.listdir(host.domain))),
             (0o640, True, sorted([".dovecot.sieve", "active one.sieve", "active one.sieve.broken", "ann"])))
    tap.same(deliver(), (1, notices), "no mail goes to the INBOX")

    host.write(path, broken, 0o640)
    second = subprocess.run(["sh", "-c", found["fix"]], env={**os.environ, **host.environment()}, capture_output=True, check=False)
    tap.same((second.returncode != 0, open(path, encoding="utf-8").read()), (True, broken), "what was put aside before is not lost")


def test_last_good_of_what_is_not_known(folder):
    host = Mailbox(folder)
    host.write(script_of(host), "nonsense;\n", 0o600)
    result = tap.todoke("check", "-c", host.conf, "--last-good", script_of(host), "-d", USER)
    tap.same((result.returncode, result.stdout, b"no version of" in result.stderr), (1, b"", True), str(result))
    tap.same(tap.todoke("check", "--last-good", "a.sieve", "b.sieve").returncode, 2)
    tap.same(host.mend("script-broken", USER)["fix"].startswith("mv -n "), True, "nothing sorts the mail")


def test_script_is_a_fifo(folder):
    host = Mailbox(folder)
    os.mkfifo(script_of(host), 0o600)
    tap.same([code for code in host.codes(USER) if not code.startswith("script")], [])
    host.mend("script-unreadable", USER)


def test_recipes(folder):
    host = Mailbox(folder, conf="recipe_files = { \"~/.procmailrc\" }\nrecipes = all\n")
    host.write(os.path.join(host.domain, ".procmailrc"), ":0\n* ^Subject: (\n/dev/null\n", 0o600)
    found = host.findings(USER)
    tap.same([(finding["code"], os.path.basename(finding["where"])) for finding in found], [("recipe-broken", ".procmailrc")])


RECIPES = """:0
* ^Subject: list
%s
"""


def test_recipes_of_the_door(folder):
    """Where Postfix calls `todoke procmail`, the owner's recipes are looked at, and no Sieve script, by doctor and by check."""
    host = Host(folder, main='mailbox_command = /usr/bin/todoke procmail -a "$EXTENSION"\nmailbox_size_limit = 0\n')
    me, rc, script = pwd.getpwuid(os.getuid()).pw_name, os.path.join(folder, "rc"), os.path.join(folder, "sieve")
    place = os.path.join(folder, "lists")
    os.mkdir(place, 0o500)
    options = [word for setting in ("users=system", "maildir=" + host.tree + "/box", "recipe_files=" + rc, "sieve_scripts=" + script)
               for word in ("-o", setting)]
    host.write(script, "nonsense;\n", 0o600)
    for text, mode, code in ((RECIPES % place + "\n", 0o666, "recipe-mode"), (RECIPES % (place + "/"), 0o600, "recipe-place"),
                             (":0Q\n* x\n" + folder + "/box\n", 0o600, "recipe-broken")):
        host.write(rc, text, mode)
        tap.same([found for found in host.codes(*options, me) if found.startswith(("recipe", "script"))], [code] if code != "recipe-broken" else ["recipe-broken", "script-warning"])
        host.still()
        checked = tap.todoke("check", *options, env={**host.environment(), "MAIL_CONFIG": host.etc})
        tap.same(checked.returncode, 1, str(checked))
        for words in (b"door: todoke procmail (Postfix's mailbox_command)", b"checked: " + rc.encode()):
            tap.contains(checked.stdout, words)
        tap.same(b"nonsense" in checked.stdout + checked.stderr, False, str(checked))


def test_site_script(folder):
    path = os.path.join(folder, "before.sieve")
    host = Mailbox(folder, conf='sieve_before = { "%s" }\n' % path)
    host.write(path, "nonsense;\n", 0o600)
    (found,) = [finding for finding in host.findings() if finding["code"] == "script-broken"]
    tap.same((found["where"], found["fix"]), (path, None), "taken away, each owner's last version would end")
    tap.contains(found["by_hand"], "correct each error that todoke check shows")
    host.write(path, "keep;\n", 0o600)
    tap.same("script-broken" in host.codes(), False)


def test_fix_runs_what_is_safe(folder):
    host = Mailbox(folder)
    host.message("1.M1.h", part="tmp", age=37 * 3600)
    host.message("1.M1.h,S=99:2,")
    found = {finding["code"]: finding["fixed"] for finding in host.findings("--fix", USER)}
    tap.same(found, {"tmp-leftovers": True, "wrong-size": False})


def test_names_with_control_characters(folder):
    """What a stranger wrote never reaches the terminal as it is, and no command has it."""
    host = Mailbox(folder)
    os.makedirs(os.path.join(host.box, ".\033[2J", "cur"))
    os.mkfifo(os.path.join(host.box, ".\033[2J", "cur", "a\nb"))
    text = host.run(USER).stdout
    tap.same(b"\033" in text, False)
    tap.contains(text, b".?[2J")
    tap.same([finding["fix"] for finding in host.findings(USER)], [None])


def test_all_users(folder):
    host = Mailbox(folder)
    for name in ("bob", "eve"):
        os.makedirs(os.path.join(host.domain, name, "cur"))
    os.chmod(os.path.join(host.domain, "eve", "cur"), 0o777)
    os.symlink("/", os.path.join(host.domain, "mallory"))
    answer = json.loads(host.run("--all", "--json").stdout)
    tap.same((answer["users"], answer["users_in_order"]), (3, 2))
    tap.same({finding["user"] for finding in answer["findings"] if finding["code"] == "path-open"}, {"eve@example.jp"})


def test_unknown_user(folder):
    host = Host(folder, line=GOOD_LINE, conf='users = passwd_file\npasswd_file = "%s/passwd"\n' % folder)
    host.write(os.path.join(folder, "passwd"), "ann@example.jp:x:::::\n")
    tap.same(host.codes("bob@example.jp"), ["no-account"])


@tap.as_root
def test_root_does_not_follow_links(folder):
    """The mailbox is a link to what only root may change: nothing of it is looked at, and no fix touches it."""
    os.chmod(folder, 0o755)
    host = Mailbox(folder, conf='virtual_user = "nobody"\n')
    secret = os.path.join(folder, "secret")
    os.makedirs(os.path.join(secret, "tmp"), mode=0o700)
    for part in ("new", "cur"):
        os.mkdir(os.path.join(secret, part))
    target = os.path.join(secret, "tmp", "1.M1.h")
    host.write(target, "x")
    os.utime(target, (1, 1))
    os.chmod(secret, 0o700)
    subprocess.run(["rm", "-r", host.box], check=True)
    os.symlink(secret, host.box)
    subprocess.run(["chown", "-hR", "nobody", host.tree], check=True)
    tap.same(host.codes("--fix", USER), ["path-link"])
    tap.same(os.path.exists(target), True)


@tap.as_root
def test_fix_leaves_what_a_link_leads_to(folder):
    """Whoever makes their mailbox a link to a folder of root's does not get it by the command that root is told to run."""
    os.chmod(folder, 0o755)
    cases = (("", 0o755, ()), ("", 0o700, ()), ("new", 0o755, ()), ("", 0o755, ("tmp", "new", "cur")), ("up", 0o755, ()))
    for number, (at, mode, parts) in enumerate(cases):
        host = Mailbox(folder, "host%d" % number, conf='virtual_user = "nobody"\n')
        foreign = os.path.join(folder, "foreign%d" % number)
        for part in ("", *parts):
            os.mkdir(os.path.join(foreign, part))
        os.chmod(foreign, mode)
        link = host.domain if at == "up" else os.path.join(host.box, at).rstrip("/")
        subprocess.run(["rm", "-r", link], check=True)
        os.symlink(foreign, link)
        subprocess.run(["chown", "-hR", "nobody", host.tree], check=True)
        before = [(os.stat(path).st_uid, os.stat(path).st_mode) for path in (foreign, *(os.path.join(foreign, part) for part in parts))]
        found = host.mend("path-link", USER)
        tap.same((found["where"], found["fix"].startswith("setpriv --reuid 65534 ")), (link, True), number)
        tap.same([(os.stat(path).st_uid, os.stat(path).st_mode) for path in (foreign, *(os.path.join(foreign, part) for part in parts))], before, number)
        tap.same(os.path.realpath(link + ".link"), os.path.realpath(foreign), number)


@tap.as_root
def test_root_prints_commands_of_the_user(folder):
    os.chmod(folder, 0o755)
    host = Mailbox(folder, conf='virtual_user = "nobody"\n')
    host.message("1.M1.h", part="tmp", age=37 * 3600)
    subprocess.run(["chown", "-R", "nobody", host.tree], check=True)
    found = host.mend("tmp-leftovers", USER)
    tap.contains(found["fix"], "setpriv --reuid 65534 --regid 65534 --clear-groups find ")


@tap.as_root
def test_root_sees_as_the_user(folder):
    """The mailbox belongs to somebody else: the fix gives it back."""
    os.chmod(folder, 0o755)
    host = Mailbox(folder, conf='virtual_user = "nobody"\n')
    subprocess.run(["chown", "-R", "nobody", host.tree], check=True)
    os.chown(os.path.join(host.box, "new"), 1, 1)
    tap.contains(host.mend("path-write", USER)["evidence"], "nobody may not write to")
    new = os.path.join(host.folder_of(".Work"), "new")
    subprocess.run(["chown", "-R", "nobody", host.tree], check=True)
    os.chown(new, 1, 1)
    tap.contains(host.mend("folder-write", USER)["evidence"], "nobody may not write to '%s'" % new)


def test_domain_that_postfix_does_not_have(folder):
    """Of a user who is named, where Postfix calls todoke, and surely has no such domain."""
    for name, more, is_found in (("gone", "", True), ("there", "virtual_mailbox_domains = example.net\n", False), ("elsewhere", "virtual_transport = virtual\n", False),
                                 ("table", "virtual_mailbox_domains = hash:%s/none\n" % folder, False), ("route", "transport_maps = inline:{example.net=todoke:}\n", False)):
        place = os.path.join(folder, name)
        os.mkdir(place)
        host = Host(place, line=GOOD_LINE, main=more if name == "elsewhere" else "virtual_transport = todoke\n" + more)
        found = [finding for finding in host.findings("taro@example.net") if finding["code"] == "no-such-domain"]
        tap.same([(one["where"], one["evidence"]) for one in found], [("taro@example.net", "'example.net' is in no domain class of this Postfix")] if is_found else [], name)
        if is_found:
            tap.contains(found[0]["by_hand"], "name example.net in virtual_mailbox_domains")


def test_account_of_a_domain_that_postfix_does_not_have(folder):
    """It is told, and --create makes none: after a typo nobody would ever look there."""
    host = Host(folder, line=GOOD_LINE, main="virtual_transport = todoke\n")
    env = {**host.environment(), "MAIL_CONFIG": host.etc}
    shown = tap.todoke("account", "taro@example.net", env=env)
    tap.same((shown.returncode, shown.stderr.decode()), (0, "todoke account: taro@example.net gets no mail: this Postfix has no domain example.net (virtual_mailbox_domains)\n"))
    made = tap.todoke("account", "--create", "taro@example.net", env=env)
    tap.same((made.returncode, os.listdir(host.tree)), (1, []))
    tap.contains(made.stderr.decode(), "nothing is made for taro@example.net: this Postfix has no domain example.net")
    host.postconf("-e", "virtual_mailbox_domains = example.net")
    host.still()
    made = tap.todoke("account", "--create", "taro@example.net", env=env)
    tap.same((made.returncode, made.stderr, os.listdir(host.tree)), (0, b"", ["example.net"]))


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
