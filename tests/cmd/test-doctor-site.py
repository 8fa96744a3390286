#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke doctor`: what `todoke setup` and `todoke check` find, and what needs a person: each is made to happen once and is gone when the
command that was printed has been run as printed, or when what it says to do by hand was done."""

import grp
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from doctor_host import GOOD_LINE, LOCAL, Host

USER = "daemon"
PIPE = GOOD_LINE.replace("user=nobody", "user=" + USER)
LMTP = "virtual_mailbox_domains = example.jp\nvirtual_mailbox_maps = static:all\nlmtp_send_xforward_command = yes\n"


def at(folder, name):
    path = os.path.join(folder, name)
    os.mkdir(path)
    return path


def by_hand(host, code, word, do, *args):
    """The finding is there and says `word` of what to do; that is done, and it is gone."""
    found = [finding for finding in host.findings(*args) if finding["code"] == code]
    if not found:
        raise AssertionError("no finding %s, only %s" % (code, host.codes(*args)))
    tap.same(found[0]["fix"], None, code)
    tap.contains(found[0]["by_hand"], word, code)
    do()
    tap.same(code in host.codes(*args), False, "%s is still there" % code)


def edit(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    tap.contains(text, old)
    Host.write(path, text.replace(old, new))


def add(path, line):
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def test_no_postfix(folder):
    host = Host(folder, line=GOOD_LINE)
    host.program("postconf", "echo 'postconf: fatal: no main.cf' >&2; exit 1\n")
    by_hand(host, "no-postfix", "-C", lambda: os.unlink(os.path.join(host.bin, "postconf")))


def test_harmless_flags(folder):
    host = Host(folder, line="flags=RO " + GOOD_LINE)
    by_hand(host, "flags-ro", "nothing must be done", lambda: edit(os.path.join(host.etc, "master.cf"), "flags=RO ", ""))


def test_system_users_by_pipe(folder):
    host = Host(folder, line=GOOD_LINE)
    Host.write(host.conf, 'maildir = "~/Maildir"\n')
    by_hand(host, "system-users", "one tree for all mail", lambda: Host.write(host.conf, 'home = "%s/%%d/%%n"\nmaildir = "%s/%%d/%%n/Maildir"\n' % (host.tree, host.tree)))


def test_no_domains(folder):
    host = Host(folder, line=GOOD_LINE, main="virtual_transport = todoke\n")
    by_hand(host, "no-domains", "virtual_mailbox_domains", lambda: host.postconf("-e", "virtual_mailbox_domains = example.jp", "virtual_mailbox_maps = static:all"))


def test_domain_that_is_local_and_virtual(folder):
    host = Host(folder, line=GOOD_LINE, main="mydestination = $myhostname, example.jp\nvirtual_mailbox_domains = example.jp\nvirtual_mailbox_maps = static:all\n"
                "virtual_transport = todoke\n")
    tap.contains(host.mend("domain-twice")["consequence"], "accounts of the system")


def test_name_of_this_host_in_no_class(folder):
    """Accounts of this host write to each other by it; where mailboxes are virtual, the domain may live elsewhere."""
    lost = "mydestination = $myhostname\nmyorigin = host.example.net\n"
    host = Host(at(folder, "local"), main=LOCAL + lost, conf="users = system\n")
    edit(host.conf, host.tree + "/%d/%n", "~/Maildir")
    tap.same(host.mend("origin-domain")["severity"], "warning")
    host = Host(at(folder, "virtual"), line=GOOD_LINE, main=lost)
    tap.same(host.mend("origin-elsewhere")["severity"], "note")


def test_maildir_that_users_read_now(folder):
    host = Host(folder, main=LOCAL + "home_mailbox = Mail/\n", conf="users = system\n")
    edit(host.conf, host.tree + "/%d/%n", "~/Maildir")
    tap.same(host.mend("other-maildir")["severity"], "warning")
    tap.contains(open(host.conf, encoding="ascii").read(), 'maildir = "~/Mail"\n')


def test_road_from_procmail(folder):
    """Its arguments need a shell, and this is only told."""
    host = Host(folder, main=LOCAL.replace("deliver", 'procmail -a "$EXTENSION"'), conf="users = system\n")
    edit(host.conf, host.tree + "/%d/%n", "~/Maildir")
    tap.same([(finding["code"], finding["severity"]) for finding in host.findings() if finding["code"].startswith("shell")], [("shell-arguments", "note")])


@tap.as_root
def test_spool_where_each_account_has_its_file(folder):
    people = [entry for entry in pwd.getpwall() if 1000 <= entry.pw_uid <= 60000]
    if not people:
        raise tap.Skip("no account of this machine is one of people")
    os.mkdir(folder + "/spool")
    host = Host(folder, main=LOCAL, conf='recipe_default = "%s/spool/%%u"\nusers = system\n' % folder)
    tap.same([(finding["code"], finding["severity"]) for finding in host.findings() if finding["code"].startswith("spool")], [("spool", "warning")])
    for entry in people:
        Host.write("%s/spool/%s" % (folder, entry.pw_name), "")
        os.chown("%s/spool/%s" % (folder, entry.pw_name), entry.pw_uid, -1)
    tap.same([(finding["code"], finding["severity"]) for finding in host.findings() if finding["code"].startswith("spool")], [("spool-new", "note")])


def test_transport_maps(folder):
    host = Host(folder, line=GOOD_LINE, main="virtual_mailbox_domains = example.jp\nvirtual_mailbox_maps = static:all\nvirtual_transport = todoke\n"
                "transport_maps = inline:{example.jp=smtp:[mx.example.net]}\n")
    by_hand(host, "transport-maps", "postmap", lambda: host.postconf("-e", "transport_maps = inline:{example.jp=todoke:}"))


def test_lmtp_that_nobody_starts(folder):
    """The socket is tried: that it is systemd's, or who else could make it, is said with what was found, and once."""
    host = Host(folder, main=LMTP + "virtual_transport = lmtp:unix:private/todoke\n")
    (found,) = [finding for finding in host.findings() if finding["code"].startswith("lmtp-")]
    tap.same((found["code"], found["fix"]), ("lmtp-socket", "systemctl enable --now todoke-lmtpd.socket"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(folder + "/queue/private/todoke")
        server.listen()
        tap.same([code for code in host.codes() if code.startswith("lmtp-")], [])
    host = Host(at(folder, "tcp"), main=LMTP + "virtual_transport = lmtp:inet:todoke.test:2424\n")
    by_hand(host, "lmtp-listen", "lmtp_listen", lambda: add(host.conf, 'lmtp_listen = {"inet:127.0.0.1:2424"}'))


def test_a_place_that_two_look_at(folder):
    """recipe_default is the matter of `check` and of `setup`; it is found in todoke.conf, once."""
    os.mkdir(folder + "/spool", 0o755)
    host = Host(folder, main=LOCAL, conf='recipe_default = "%s/spool/%%u"\nrecipes = all\n' % folder)
    tap.same([finding["where"] for finding in host.findings() if finding["code"] == "spool"], [host.conf + ":3"])


def test_advice_is_no_line_of_todoke_conf(folder):
    """What follows a value in a hint would be written into the file, which nothing could read then."""
    host = Host(folder, line=GOOD_LINE)
    by_hand(host, "shared-home", 'home = "%s/%%d/%%n" and a maildir below it' % host.tree,
            lambda: Host.write(host.conf, 'home = "%s/%%d/%%n"\nmaildir = "%s/%%d/%%n/Maildir"\n' % (host.tree, host.tree)))


def test_lmtp_in_a_chroot(folder):
    host = Host(folder, main=LMTP + "virtual_transport = lmtp:unix:%s/todoke.socket\n" % folder, conf='lmtp_listen = {"unix:%s/todoke.socket"}\n' % folder)
    edit(os.path.join(host.etc, "master.cf"), "lmtp      unix  -       -       n       -       -       lmtp", "lmtp      unix  -       -       y       -       -       lmtp")
    tap.contains(host.mend("lmtp-chroot")["fix"], "chroot=n")


def test_lmtp_that_trusts_nobody(folder):
    host = Host(folder, main=LMTP + "virtual_transport = lmtp:inet:127.0.0.1:2424\n", conf='lmtp_listen = {"inet:127.0.0.1:2424"}\n')
    host.mend("lmtp-trusted")


def test_status_filter(folder):
    table = os.path.join(folder, "hard")
    Host.write(table, "/^4(.*)/ 5$1\n")
    host = Host(folder, line=GOOD_LINE, main="virtual_mailbox_domains = example.jp\ndefault_delivery_status_filter = regexp:%s\n" % table)
    host.mend("status-filter")


def test_local_door(folder):
    """local(8) bounces fetched mail; and root's mail goes nowhere."""
    host = Host(folder, main=LOCAL.replace("/usr/bin/todoke", tap.TODOKE), conf='users = system\n')
    edit(host.conf, host.tree + "/%d/%n", "~/Maildir")
    by_hand(host, "local-loop-check", "--fetched smtpd", lambda: host.postconf("-e", "local_transport = virtual"))
    edit(os.path.join(host.etc, "main.cf"), "inline:{root=admin@example.jp}", "")
    by_hand(host, "root-mail", "root_mail_to", lambda: add(host.conf, 'root_mail_to = "admin@example.jp"'))


def test_aliases_that_newaliases_has_not_seen(folder):
    source = os.path.join(folder, "aliases")
    Host.write(source, "postmaster: root\nroot: admin@example.jp\n")
    host = Host(folder, main=LOCAL.replace("/usr/bin/todoke", tap.TODOKE), conf='users = system\n')
    edit(host.conf, host.tree + "/%d/%n", "~/Maildir")
    edit(os.path.join(host.etc, "main.cf"), "inline:{root=admin@example.jp}", "hash:" + source)
    subprocess.run(["postalias", "-c", host.etc, "hash:" + source], check=True, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
    add(source, "new: ann")
    found = host.mend("aliases-stale")
    tap.same((found["evidence"], found["fix"]), ("newaliases has not run since %s was changed" % source, "postalias -c '%s' 'hash:%s'" % (host.etc, source)))


def test_no_such_account(folder):
    host = Host(folder, line=GOOD_LINE.replace("user=nobody", "user=no-such-user"))
    host.program("useradd", "for name; do :; done\nsed -i \"s/user=no-such-user/user=%s/\" %s/master.cf\n" % (USER, host.etc))  # no accounts are made here
    found = host.mend("no-user")
    tap.contains(found["fix"], "useradd -r -U -M -d /var/vmail -s /usr/sbin/nologin")


@tap.as_root
def test_the_tree(folder):
    os.chmod(folder, 0o755)
    host = Host(at(folder, "missing"), line=PIPE)
    os.rmdir(host.tree)
    host.mend("tree-missing")
    tap.same(os.stat(host.tree).st_uid, pwd.getpwnam(USER).pw_uid)
    host = Host(at(folder, "refused"), line=PIPE)
    os.chmod(host.tree, 0o700)
    host.mend("tree-refused")
    tap.same(os.stat(host.tree).st_uid, pwd.getpwnam(USER).pw_uid)


def test_files_that_are_missing(folder):
    for setting, path in (("sieve_before", "gone/x.sieve"), ("sieve_global", "lib"), ("recipe_site", "site.rc"), ("program_folder", "bin2")):
        place = at(folder, setting)
        os.mkdir(os.path.join(place, "gone"))
        host = Host(place, line=GOOD_LINE, conf='recipes = all\n%s = "%s/%s"\n' % (setting, place, path))
        host.mend("missing-file")


@tap.as_root
def test_files_that_the_door_may_not_read(folder):
    os.chmod(folder, 0o755)
    site = at(folder, "site")
    script = os.path.join(site, "before.sieve")
    Host.write(script, "keep;\n", 0o600)
    Host(at(folder, "script"), line=PIPE, conf='sieve_before = "%s"\n' % script).mend("unreadable-file")
    users = os.path.join(site, "users")
    Host.write(users, "a@example.jp:x:::::\n", 0o600)
    Host(at(folder, "users"), line=PIPE, conf='passwd_file = "%s"\n' % users).mend("passwd-refused")
    key = os.path.join(site, "key")
    Host.write(key, "k " + "5a" * 32 + "\n", 0o600)
    Host(at(folder, "key"), line=PIPE, conf='key_file = "%s"\n' % key).mend("key-unreadable")
    host = Host(at(folder, "conf"), line=PIPE)
    os.chmod(host.conf, 0o600)
    host.mend("conf-refused")
    tap.same(grp.getgrgid(os.stat(host.conf).st_gid).gr_name, grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name)


@tap.as_root
def test_a_program_that_the_door_may_not_run(folder):
    """The program that Postfix shall run is the one that looks, where it is the installed one: a copy of it in a closed folder."""
    os.chmod(folder, 0o755)
    host = Host(at(folder, "host"), line=PIPE)
    closed = at(folder, "bin")
    shutil.copy(tap.TODOKE, os.path.join(closed, "todoke"))
    os.chmod(closed, 0o700)
    real, tap.TODOKE = tap.TODOKE, os.path.join(closed, "todoke")
    host.environment = lambda: {**Host.environment(host), "TODOKE_PROGRAM_DIR": closed}
    try:
        host.mend("program-refused")
    finally:
        tap.TODOKE = real


def test_setup_s_other_findings(folder):
    """What has no row of its own is told with its own code."""
    host = Host(folder, main=LOCAL.replace("/usr/bin/todoke", tap.TODOKE) + "local_transport = virtual\n", conf="users = system\n")
    edit(host.conf, host.tree + "/%d/%n", "~/Maildir")
    host.mend("local-transport")


@tap.as_root
def test_what_others_may_have_written(folder):
    os.chmod(folder, 0o755)
    script = os.path.join(folder, "before.sieve")
    Host.write(script, "keep;\n", 0o666)
    host = Host(at(folder, "host"), line=PIPE, conf='sieve_before = "%s"\n' % script)
    host.mend("untrusted")


def test_a_key_that_all_may_read(folder):
    key = os.path.join(folder, "key")
    Host.write(key, "k " + "5a" * 32 + "\n", 0o644)
    host = Host(at(folder, "host"), line=GOOD_LINE, conf='key_file = "%s"\n' % key)
    host.mend("key-readable")
    with open(key, encoding="ascii") as file:
        tap.same(len([line for line in file if not line.startswith("#")]), 2, "a new key signs, and the known one still checks")


def test_script_with_a_remark(folder):
    script = os.path.join(folder, "mail", "example.jp", ".dovecot.sieve")
    host = Host(at(folder, "host"), line=GOOD_LINE)
    box = os.path.join(host.tree, "example.jp", "ann")
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part), mode=0o700)
    script = os.path.join(host.tree, "example.jp", ".dovecot.sieve")
    Host.write(script, 'redirect "ann@example.jp";\n', 0o600)
    by_hand(host, "script-warning", "owner decides", lambda: Host.write(script, "keep;\n", 0o600), "ann@example.jp")


def test_users_that_cannot_be_listed(folder):
    """What cannot be looked at is said, and is no "all is well"."""
    host = Host(folder, line=GOOD_LINE, conf='users = passwd_file\npasswd_file = "%s/users"\n' % folder)
    os.mkdir(os.path.join(folder, "users"))
    by_hand(host, "not-looked-at", "again", lambda: (os.rmdir(os.path.join(folder, "users")), Host.write(os.path.join(folder, "users"), "")), "--all")


def faked(host, folder, name, text):
    """A library that answers in the place of the kernel, for the whole of one run."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or tap.SANITIZED:
        raise tap.Skip("no compiler, or sanitizers, which want to be loaded first")
    source = os.path.join(folder, name + ".c")
    Host.write(source, text)
    library = os.path.join(folder, name + ".so")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    whole = host.environment
    host.environment = lambda: {**whole(), **({"LD_PRELOAD": library} if not os.path.exists(os.path.join(folder, "fixed")) else {})}


def test_clock(folder):
    """A kernel whose clock nobody keeps, and one that is in the past."""
    kernel = "#include <sys/timex.h>\n#include <unistd.h>\nint adjtimex(struct timex *t) { t->status = 0; if (access(\"%s\", 0) == 0) return TIME_OK; t->status = STA_UNSYNC; return TIME_ERROR; }\n"
    for code, text in (("clock-free", kernel % os.path.join(folder, "synchronised")),
                       ("clock", "long g_get_real_time(void) { return 1000000000L * 1000000; }\n")):
        place = at(folder, code)
        host = Host(at(place, "host"), line=GOOD_LINE)
        faked(host, place, "clock", text)
        host.program("timedatectl", "[ \"$*\" = 'set-ntp true' ] && : >%s\n" % (os.path.join(folder, "synchronised") if code == "clock-free" else os.path.join(place, "fixed")))
        host.mend(code)


ICONV = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>
iconv_t iconv_open(const char *to, const char *from)
{
    iconv_t (*real)(const char *, const char *) = (iconv_t (*)(const char *, const char *)) dlsym(RTLD_NEXT, "iconv_open");
    if (strcmp(from, "KOI8-R") != 0 && strcmp(from, "BIG5") != 0)
        return real(to, from);
    errno = EINVAL;
    return (iconv_t) -1;
}
"""


def test_charsets(folder):
    """A C library that came without its modules, as in a chroot; on a whole system there is no such finding."""
    host = Host(at(folder, "host"), line=GOOD_LINE)
    tap.same("charsets" in host.codes(), False)
    faked(host, folder, "charsets", ICONV)
    found = [finding for finding in host.findings() if finding["code"] == "charsets"]
    tap.contains(found[0]["evidence"], " cannot read mail in BIG5, KOI8-R")
    by_hand(host, "charsets", "glibc-gconv-extra", lambda: Host.write(os.path.join(folder, "fixed"), ""))


STATVFS = """#include <sys/statvfs.h>
int statvfs(const char *p, struct statvfs *v)
{
    (void) p;
    *v = (struct statvfs){ .f_frsize = 4096, .f_bsize = 4096, .f_blocks = 1 << 24, .f_bfree = 300, .f_bavail = 300, .f_files = 100000,
                           .f_ffree = 10, .f_favail = 10, .f_flag = ST_RDONLY };
    return 0;
}
int statvfs64(const char *p, struct statvfs *v) { return statvfs(p, v); }
"""
# Each folder goes on for ever.
READDIR = """#include <dirent.h>
#include <stdio.h>
struct dirent *readdir(DIR *dir)
{
    static struct dirent one;
    static unsigned long n;
    (void) dir;
    one.d_type = DT_REG;
    snprintf(one.d_name, sizeof one.d_name, "%lu.M1.h", ++n);
    return &one;
}
struct dirent *readdir64(DIR *dir) { return readdir(dir); }
"""


def test_a_full_file_system(folder):
    """Few blocks, few inodes, read-only: the first two fixes list where they are, and which go is for a person to say."""
    host = Host(at(folder, "host"), line=GOOD_LINE)
    faked(host, folder, "full", STATVFS)
    found = {finding["code"]: finding for finding in host.findings()}
    tap.contains(found["inodes"]["evidence"], "10 of 100000")
    tap.contains(found["disk-space"]["evidence"], "has 1 MB left")
    for code in ("inodes", "disk-space"):
        tap.same(found[code]["fix"].split()[0], "du")
        subprocess.run(["sh", "-n", "-c", found[code]["fix"]], check=True)
    host.program("mount", "[ \"$1 $2\" = '-o remount,rw' ] && : >%s/fixed\n" % folder)
    host.mend("read-only")
    tap.same([code for code in host.codes() if code in ("inodes", "disk-space", "read-only")], [])


def test_what_a_person_decides(folder):
    """A Dovecot with other mailboxes or a wrong file, a user who is none, a mailbox that is full, a configuration with a fault."""
    host = Host(at(folder, "dovecot"), line=GOOD_LINE)
    host.program("doveadm", "")
    said = "# 2.3.21.1 (d492236fa0): /etc/dovecot/dovecot.conf\nmail_location = %s\nmail_plugins = notify mail_log\n"
    maildir = "cat <<'END'\n%sEND\n" % (said % ("maildir:%s/%%d/%%n" % host.tree))
    host.program("doveconf", maildir.replace("maildir:", "mdbox:"))
    by_hand(host, "dovecot-driver", "doveadm backup", lambda: host.program("doveconf", maildir))
    host.program("doveconf", "echo 'doveconf: Fatal: line 3' >&2; exit 89\n")
    by_hand(host, "dovecot-conf", "change what the evidence names", lambda: host.program("doveconf", maildir))
    box = os.path.join(host.tree, "example.jp", "ann")
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part), mode=0o700)
    host = Host(at(folder, "user"), line=GOOD_LINE, conf='users = passwd_file\npasswd_file = "%s/passwd"\nquota = site\nquota_messages = 1\n' % folder)
    line = "%%s@example.jp:x:%d:%d::%s/mail/example.jp/%%s:" % (os.geteuid(), os.getegid(), host.folder)
    Host.write(os.path.join(folder, "passwd"), line % ("ann", "ann") + "\n")
    by_hand(host, "no-account", "todoke account", lambda: add(os.path.join(folder, "passwd"), line % ("bob", "bob")), "bob@example.jp")
    box = os.path.join(host.tree, "example.jp", "ann")
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part), mode=0o700)
    Host.write(os.path.join(box, "cur", "1.M1.h,S=3:2,"), "x\n\n")
    Host.write(os.path.join(box, "cur", "2.M1.h,S=3:2,"), "x\n\n")
    by_hand(host, "over-quota", "removes mail", lambda: [os.unlink(os.path.join(box, "cur", name)) for name in os.listdir(os.path.join(box, "cur"))], "ann@example.jp")
    add(host.conf, "no_such_setting = 1")
    by_hand(host, "conf-unreadable", "todoke check", lambda: edit(host.conf, "no_such_setting = 1", ""))


def waiting(queue_id, address, reason, came):
    """A mail as postqueue -j prints it."""
    return json.dumps({"queue_name": "deferred", "queue_id": queue_id, "arrival_time": came, "message_size": 400, "sender": "s@client.test",
                       "recipients": [{"address": address, "delay_reason": reason}]})


def test_mail_that_waits(folder):
    """What todoke has put off for one user is told without --all, with the words that lead to the reason; what waits for others is not ours."""
    host = Host(folder, line=GOOD_LINE)
    ours = [waiting("4AB1", "Ann@example.jp", "permission denied on this host: cannot open the script [4AB1]", 1501686000),
            waiting("4AB2", "ann@example.jp", "host mx[private/todoke] said: 452 4.2.2 <ann@example.jp>: mailbox is full [4AB2] (in reply to end of DATA command)", 1501689600)]
    others = [waiting("4AB3", "x@far.test", "connect to mx.far.test[192.0.2.1]:25: Connection timed out", 1501680000),
              '{"queue_name": "active", "queue_id": "4AB4", "arrival_time": 1, "recipients": [{"address": "b@example.jp"}]}', "no JSON"]
    host.program("postqueue", 'echo "$@" >%s/asked\ncat <<\'END\'\n%s\nEND\n' % (folder, "\n".join(others + ours)))
    found, = [finding for finding in host.findings() if finding["code"] == "mail-waits"]
    with open(folder + "/asked", encoding="ascii") as file:
        tap.same(file.read(), "-c %s -j\n" % host.etc)
    tap.same((found["where"], found["severity"]), ("Ann@example.jp", "warning"))
    for part in ("(2, ", "2017-08-02", "permission denied on this host: cannot open the script"):
        tap.contains(found["evidence"], part)
    for part in ("todoke doctor Ann@example.jp", "--all", "postqueue -f"):
        tap.contains(found["by_hand"], part)
    tap.contains(host.run(LC_ALL="C.UTF-8").stdout.decode(), "by hand  todoke doctor Ann@example.jp (or --all)")
    by_hand(host, "mail-waits", "postqueue -f", lambda: host.program("postqueue", ""))


def test_a_queue_that_is_long(folder):
    """LIMIT_DOCTOR_WAITING addresses one by one, those that wait longest first, and one line for the others."""
    host = Host(folder, line=GOOD_LINE)
    lines = [waiting("4AB%X" % number, "u%02d@example.jp" % number, "mailbox is full: x [4AB%X]" % number, 1501686000 + number) for number in range(25)]
    host.write(folder + "/queue.json", "\n".join(reversed(lines)) + "\n")
    host.program("postqueue", "cat %s/queue.json\n" % folder)
    found = [finding for finding in host.findings() if finding["code"] == "mail-waits"]
    tap.same([finding["where"] for finding in found], ["u%02d@example.jp" % number for number in range(20)] + ["5 more addresses"])
    tap.contains(found[-1]["evidence"], "(5, ")


def test_a_queue_that_cannot_be_listed(folder):
    host = Host(folder, line=GOOD_LINE)
    host.program("postqueue", "echo 'postqueue: fatal: Queue report unavailable - mail system is down' >&2\nexit 69\n")
    by_hand(host, "queue-unknown", "start Postfix", lambda: host.program("postqueue", ""))
    host.program("postqueue", "head -c %d /dev/zero\n" % (tap.limit("DOCTOR_QUEUE_OCTETS") + 1))
    tap.contains(host.codes(), "queue-unknown")


def test_fix_leaves_what_a_person_decides(folder):
    """A broken script: --fix does not put it aside, and says so, and what to do."""
    host = Host(folder, line=GOOD_LINE)
    for part in ("new", "cur", "tmp"):
        os.makedirs(host.tree + "/example.jp/ann/" + part, mode=0o700)
    host.write(host.tree + "/example.jp/.dovecot.sieve", "no such command;\n")
    found, = [finding for finding in host.findings("--fix", "ann@example.jp") if finding["code"] == "script-broken"]
    tap.same((found["fixed"], bool(found["fix"])), (False, True))
    tap.contains(found["left"], "correct each error that todoke check shows")
    text = host.run("--fix", "ann@example.jp").stdout.decode()
    tap.contains(text, "left by --fix  correct each error that todoke check shows")
    tap.contains(text, "left by --fix for a person: ")
    tap.same([finding["left"] for finding in host.findings("ann@example.jp") if finding["left"]], [], "without --fix nothing is left")
    host.sh(found["fix"])
    tap.same([finding for finding in host.findings("--fix", "ann@example.jp") if finding["code"] == "script-broken"], [])


def test_version(folder):
    """A Postfix that is known for a fault, and then upgraded."""
    host = Host(folder, line=GOOD_LINE)
    real = shutil.which("postconf")
    host.program("postconf", "%s \"$@\" | if [ -e %s/fixed ]; then cat; else sed 's/^mail_version = .*/mail_version = 3.7.5/'; fi\n" % (real, folder))
    by_hand(host, "version", "upgrade", lambda: Host.write(os.path.join(folder, "fixed"), ""))


def test_sandbox(folder):
    """A setting that takes the box away; a kernel that has all of it says nothing."""
    if "paths, ports, calls" not in tap.todoke("--version").stdout.decode():
        raise tap.Skip("no whole box here")
    host = Host(folder, line=GOOD_LINE, conf="sandbox = off\n")
    by_hand(host, "sandbox", "todoke-security(7)", lambda: edit(host.conf, "sandbox = off", "sandbox = auto"))


def test_a_folder_that_leads_out_of_the_box(folder):
    """A link to a folder elsewhere, by a mailbox of its own; one that stays inside, and one that sandbox_paths names, are nothing to tell."""
    if "paths" not in tap.todoke("--version").stdout.decode():
        raise tap.Skip("no box for paths here")
    host = Host(at(folder, "host"), line=GOOD_LINE)
    box = os.path.join(host.tree, "example.jp", "ann")
    archive = os.path.join(folder, "archive")
    for place in (box, os.path.join(box, ".Work"), archive):
        for part in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(place, part), mode=0o700)
    os.symlink(".Work", os.path.join(box, ".Inside"))
    tap.same([code for code in host.codes("ann@example.jp") if code == "folder-outside"], [])
    os.symlink(archive, os.path.join(box, ".Archive"))
    found = [finding for finding in host.findings("ann@example.jp") if finding["code"] == "folder-outside"]
    tap.same([os.path.basename(finding["where"]) for finding in found], [".Archive"])
    tap.contains(found[0]["evidence"], archive)
    by_hand(host, "folder-outside", "sandbox_paths", lambda: add(host.conf, 'sandbox_paths = {"%s"}' % archive), "ann@example.jp")


def test_more_names_than_are_looked_at(folder):
    host = Host(at(folder, "host"), line=GOOD_LINE)
    box = os.path.join(host.tree, "example.jp", "ann")
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part), mode=0o700)
    faked(host, folder, "names", READDIR)
    by_hand(host, "too-many-names", "", lambda: Host.write(os.path.join(folder, "fixed"), ""), "ann@example.jp")


def test_dovecot_counts(folder):
    """A quota-status that does not answer, then one that says that there is no room, then one that says that there is."""
    port = tap.unused_port()
    host = Host(at(folder, "host"), line=GOOD_LINE, conf='quota = dovecot\nquota_service = "127.0.0.1:%d"\n' % port)
    box = os.path.join(host.tree, "example.jp", "ann")
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part), mode=0o700)
    said = ["552 5.2.2 Mailbox is full"]

    def answer(server):
        while True:
            try:
                talk, _ = server.accept()
            except OSError:
                return
            with talk, talk.makefile("rwb") as lines:
                while lines.readline().strip():
                    pass
                lines.write(("action=%s\n\n" % said[0]).encode())

    servers = []

    def start():
        servers.append(socket.create_server(("127.0.0.1", port)))
        threading.Thread(target=answer, args=(servers[0],), daemon=True).start()

    try:
        by_hand(host, "quota-service", "quota-status", start, "ann@example.jp")
        by_hand(host, "quota-dovecot-full", "removes mail", lambda: said.insert(0, "OK"), "ann@example.jp")
    finally:
        for server in servers:
            server.close()


def test_each_finding_is_shown(_):
    """Each row of doctor-finding.def is made to happen in one of these files."""
    shown = ""
    files = ["tests/cmd/" + name for name in os.listdir(os.path.join(tap.TOP, "tests/cmd")) if name.startswith("test-doctor")]
    for name in files + ["tests/lmtp/test-quota-full.py"]:
        with open(os.path.join(tap.TOP, name), encoding="utf-8") as file:
            shown += file.read()
    with open(os.path.join(tap.TOP, "agent/cmd/doctor-finding.def"), encoding="utf-8") as file:
        codes = re.findall(r'^FINDING\(\w+, "([^"]*)"', file.read(), re.M)
    tap.same([code for code in codes if '"%s"' % code not in shown and code not in ("setup", "conf")], [], "findings that no test makes happen")
    tap.same(len(codes) > 90, True, len(codes))


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
