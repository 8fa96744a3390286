#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke doctor`: Dovecot, what leaves this host, and this host. Each finding is made to happen once and is gone when its fix was run
as printed. Dovecot's settings are recorded output of doveconf 2.3 and 2.4, and those of the doveconf that is installed."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from doctor_host import GOOD_LINE, Host
from smtp_peer import Peer

OLD = """# 2.3.21.1 (d492236fa0): %s
# OS: Linux 6.1.0 x86_64 Debian 12.11
mail_location = maildir:%s
mail_plugins = notify mail_log
namespace inbox {
  inbox = yes
  mailbox Junk {
    special_use = \\Junk
  }
  prefix = %s
  separator = %s
}
plugin {
  quota = %s
}
userdb {
  args = uid=vmail gid=vmail home=/var/vmail/%%d/%%n
  driver = static
}
"""
NEW = """# 2.4.1-4 (7d8c0e5759): %s
dovecot_config_version = 2.4.1
mail_driver = maildir
mail_path = %s
mailbox_list_layout = %s
mailbox_list_utf8 = %s
mail_home = /home/%%{user|username}
mail_plugins {
  mail_log = yes
  notify = yes
}
namespace inbox {
  inbox = yes
  separator = /
}
quota "User quota" {
  driver = %s
}
userdb static {
  fields {
    home = /var/vmail/%%{user|domain}/%%{user|username}
    uid = vmail
  }
}
"""


class DovecotHost(Host):
    def __init__(self, folder, name, output, maildir, conf=""):
        place = os.path.join(folder, name)
        os.mkdir(place)
        super().__init__(place, line=GOOD_LINE)
        self.write(self.conf, 'maildir = "%s"\n%s' % (maildir, conf))
        self.said(output)
        self.program("doveadm", "")

    def said(self, output):
        self.program("doveconf", "cat <<'END'\n%s\nEND\n" % output)

    def own(self):
        return [code for code in self.codes() if code.startswith("dovecot")]


def old(location="~/Maildir", prefix="", separator="/", quota="", file="/etc/dovecot/dovecot.conf"):
    return OLD % (file, location, prefix, separator, quota)


def new(path="~/Maildir", layout="maildir++", utf8="no", quota="", file="/etc/dovecot/dovecot.conf"):
    return NEW % (file, path, layout, utf8, quota)


def test_dovecot_agrees(folder):
    for name, output, maildir, conf in (
            ("old", old(), "~/Maildir", ""), ("new", new(), "~/Maildir", ""),
            ("home", old(), "/var/vmail/%d/%n/Maildir", ""), ("home24", new("%{home}/Maildir/"), "/var/vmail/%d/%n/Maildir", ""),
            ("letters", new("/srv/%{user | domain | lower}/%{user|username}"), "/srv/%d/%n", ""),
            ("quota", old(quota="maildir:User quota"), "~/Maildir", "quota = maildirsize\n"),
            ("layout", old("~/Maildir:LAYOUT=fs:UTF-8"), "~/Maildir", "folder_layout = fs\nfolder_names = utf-8\n"),
            ("separator", old(separator="."), "~/Maildir", 'folder_separator = "."\n'), ("prefix", old(prefix="INBOX."), "~/Maildir", 'folder_prefix = "INBOX."\n')):
        tap.same(DovecotHost(folder, name, output, maildir, conf).own(), [], name)


def test_dovecot_that_does_not_tell_its_layout(folder):
    """doveconf of 2.4 takes "fs" for the default and prints nothing, though a Maildir without the line has Maildir++."""
    silent = new().replace("mailbox_list_layout = maildir++\n", "")
    for name, conf in (("fs", "folder_layout = fs\n"), ("maildir", "")):
        tap.same(DovecotHost(folder, name, silent, "~/Maildir", conf).own(), [], name)


def test_dovecot_does_not_agree(folder):
    for number, (code, output, conf) in enumerate((
            ("dovecot-path", old("/srv/%d/%n"), ""), ("dovecot-path", new("/srv/%{user|domain}/%{user|username}/mail"), ""),
            ("dovecot-layout", old("~/Maildir:LAYOUT=fs"), ""), ("dovecot-layout", new(layout="fs"), ""), ("dovecot-layout", new(), "folder_layout = fs\n"),
            ("dovecot-names", old("~/Maildir:UTF-8"), ""), ("dovecot-names", new(utf8="yes"), ""),
            ("dovecot-prefix", old(prefix="INBOX/"), ""), ("dovecot-separator", old(separator="^"), 'folder_separator = "/"\n'),
            ("dovecot-quota", old(quota="maildir:User quota"), ""), ("dovecot-quota", new(quota="count"), "quota = site\nquota_bytes = 1G\n"))):
        DovecotHost(folder, str(number), output, "/var/vmail/%d/%n/Maildir" if code == "dovecot-path" else "~/Maildir", conf).mend(code)


def test_dovecot_with_other_mailboxes(folder):
    for name, output in (("old", old().replace("maildir:~/Maildir", "mdbox:~/mdbox")), ("new", new().replace("mail_driver = maildir", "mail_driver = mdbox"))):
        host = DovecotHost(folder, name, output, "~/Maildir")
        tap.same([finding["evidence"] for finding in host.findings() if finding["code"] == "dovecot-driver"],
                 ["Dovecot's mailboxes are of the kind 'mdbox', and todoke writes Maildirs"])
    mbox = old().replace("maildir:~/Maildir", "mbox:~/mail:INBOX=/var/mail/%u")
    for number, (place, found) in enumerate((("/var/mail/%u", False), ("~/Maildir/", True), ("", True))):
        host = DovecotHost(folder, "mbox%d" % number, mbox, "~/Maildir", 'recipe_default = "%s"\n' % place)
        tap.same("dovecot-driver" in host.codes(), found, place)


def test_dovecot_that_fails(folder):
    host = DovecotHost(folder, "x", "", "~/Maildir")
    host.program("doveconf", "echo 'doveconf: Fatal: line 3: Unknown setting: x' >&2; exit 89\n")
    found = [finding["evidence"] for finding in host.findings() if finding["code"] == "dovecot-conf"]
    tap.same(found, ["doveconf fails: doveconf: Fatal: line 3: Unknown setting: x"])


def test_real_doveconf(folder):
    """The fixes for Dovecot change what the doveconf that is installed says."""
    real = shutil.which("doveconf", path=os.environ["PATH"] + ":/usr/bin:/usr/sbin")
    if real is None:
        raise tap.Skip("there is no doveconf here")
    import dovecot_conf
    host = DovecotHost(folder, "real", "", "~/Maildir", "folder_layout = fs\n" if dovecot_conf.IS_NEW else "")
    conf = os.path.join(host.folder, "dovecot.conf")
    if dovecot_conf.IS_NEW:
        host.write(conf, "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\nmail_driver = maildir\nmail_path = ~/Maildir\nmailbox_list_layout = maildir++\n")
    else:
        host.write(conf, "mail_location = maildir:~/Maildir:LAYOUT=fs\nnamespace inbox {\n  inbox = yes\n  separator = /\n}\n")
    host.program("doveconf", 'exec %s -c %s "$@"\n' % (real, conf))
    host.mend("dovecot-layout")
    host.mend("dovecot-mail-log")


def test_mail_log(folder):
    for name, output in (("old", old().replace("mail_plugins = notify mail_log\n", "")), ("new", new().replace("  mail_log = yes\n", ""))):
        file = os.path.join(folder, name + ".conf")
        host = DovecotHost(folder, name, "", "~/Maildir")
        host.write(file, output.replace("/etc/dovecot/dovecot.conf", file))
        host.program("doveconf", "cat %s\n" % file)
        host.mend("dovecot-mail-log")


def test_mail_log_of_each_protocol(folder):
    """A list of plugins in a protocol's own block replaces that of all in Dovecot 2.3, and adds to it in 2.4."""
    host = DovecotHost(folder, "x", old(), "~/Maildir")

    def silent(output):
        host.said(output)
        return [finding["evidence"] for finding in host.findings() if finding["code"] == "dovecot-mail-log"]

    without = old().replace("mail_plugins = notify mail_log\n", ""), new().replace("  mail_log = yes\n", "")
    one = "protocol imap {\n  mail_plugins = \" notify mail_log\"\n}\n", "protocol imap {\n  mail_plugins {\n    mail_log = yes\n  }\n}\n"
    for output, block in zip(without, one):
        tap.same(silent(output), ["Dovecot's plugin mail_log is not loaded for imap, pop3"])
        tap.same(silent(output + block), ["Dovecot's plugin mail_log is not loaded for pop3"])
        tap.same(silent(output + block + block.replace("imap", "pop3")), [])
    tap.same(silent(old() + "protocol imap {\n  mail_plugins = \" notify mail_log imap_zlib\"\n}\n"), [])
    tap.same(silent(old() + "protocol imap {\n  mail_plugins = \" imap_zlib\"\n}\n"), ["Dovecot's plugin mail_log is not loaded for imap"])
    tap.same(silent(new() + "protocol imap {\n  mail_plugins {\n    imap_sieve = yes\n  }\n}\n"), [])
    tap.same(silent(without[0] + "protocols = \" pop3 lmtp\"\n"), ["Dovecot's plugin mail_log is not loaded for pop3"])
    tap.same(silent(without[1] + "protocols {\n  imap = yes\n  pop3 = no\n}\n"), ["Dovecot's plugin mail_log is not loaded for imap"])
    tap.same(silent(without[0] + "protocols =\n"), [], "it only keeps accounts")


def test_versions(folder):
    host = DovecotHost(folder, "x", old(), "~/Maildir")

    def known():
        return [finding["evidence"] for finding in host.findings() if finding["where"] == "Dovecot"]

    tap.same(known(), [])
    for version, is_bad in (("2.3.9", True), ("2.3.21", True), ("2.3.21.1", False), ("2.3.100", False), ("2.4.0-3", False)):
        host.said(old().replace("2.3.21.1", version))
        tap.same(len(known()), 1 if is_bad else 0, version)


def outgoing(folder, name, submit):
    place = os.path.join(folder, name)
    os.mkdir(place)
    return Host(place, line=GOOD_LINE, conf='submit = "%s"\n' % submit)


def own(host):
    return [finding for finding in host.findings() if finding["code"].startswith("outgoing")]


def test_outgoing(folder):
    with Peer() as peer:
        tap.same(own(outgoing(folder, "good", peer.submit)), [])
        tap.same([command.split(" ")[0] for command in peer.commands], ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "RSET", "QUIT"])
        tap.same(peer.mails, [])
    with Peer(path=os.path.join(folder, "socket")) as peer:
        tap.same(own(outgoing(folder, "unix", peer.submit)), [])


def test_outgoing_refuses(folder):
    for step, reply in (("greeting", "554 5.3.2 go away"), ("MAIL", "553 5.7.1 not yours"), ("RCPT", "554 5.7.1 relay access denied"), ("EHLO", "die")):
        with Peer({step: reply}) as peer:
            host = outgoing(folder, step, peer.submit)
            found = own(host)
            tap.same([finding["code"] for finding in found], ["outgoing-refused"], step)
            tap.contains(found[0]["evidence"], "connection lost" if reply == "die" else reply)
            # what the admin of the server does with the fix makes it welcome us
            host.sh(found[0]["fix"])
            peer.script.clear()
            tap.same(own(host), [], step)


def test_outgoing_is_down(folder):
    port = tap.unused_port()
    host = outgoing(folder, "x", "smtp:127.0.0.1:%d" % port)
    host.program("postfix", "exec %s -c 'import socket; s = socket.create_server((\"127.0.0.1\", %d));\nwhile True:\n c = s.accept()[0]; c.send(b\"220 x\\r\\n\")\n "
                 "while c.recv(999): c.send(b\"250 x\\r\\n\")' </dev/zero >/dev/null 2>&1 & echo $! >%s/pid\n" % (sys.executable, port, folder))
    found = own(host)
    tap.same(([finding["code"] for finding in found], found[0]["fix"]), (["outgoing-down"], "postfix -c '%s' start" % host.etc))
    try:
        host.sh(found[0]["fix"])
        tap.wait_for("the server", lambda: not own(host))
    finally:
        os.kill(int(open(os.path.join(folder, "pid"), encoding="ascii").read()), 9)


def test_outgoing_by_a_program(folder):
    host = outgoing(folder, "x", "sendmail:%s/none" % folder)
    tap.same([finding["code"] for finding in own(host)], ["outgoing-program"])
    host.mend("outgoing-program")


@tap.as_root
def test_state_that_a_lmtpd_of_root_has_left(folder):
    """The folder is the delivering account's, and what lies in it root's: by tmpfiles.d, and by doctor's fix. Root's own folders are left alone."""
    lib = os.path.join(folder, "lib")
    host = Host(folder, line=GOOD_LINE, conf='early_record_folder = "%s/early"\noutage_folder = "%s/outages"\n' % (lib, lib))
    os.mkdir(lib, 0o700)
    for name in ("early", "outages", "trees"):
        os.mkdir(os.path.join(lib, name), 0o700)
    Host.write(lib + "/early/record", "", 0o600)

    def owners():
        return [os.stat(os.path.join(lib, name)).st_uid for name in ("early", "early/record", "outages", "trees")]
    tap.same("state-owner" in host.codes(), False, "all is root's")
    os.chown(lib, tap.NOBODY, tap.NOBODY)
    found = [finding["where"] for finding in host.findings() if finding["code"] == "state-owner"]
    tap.same(found, [lib + "/early", lib + "/outages"])
    for command, words in ((("why", "4ABC12"), "todoke why: "), (("stats",), "todoke stats: "), (("record", "--before", "1d"), "todoke record: ")):
        result = tap.todoke(*command, env=host.environment())
        tap.same(result.stderr.decode(), words + "left out, as '%s/early' belongs to uid 0 and lies in a folder of uid %d: "
                 "todoke doctor shows the command that mends it\n" % (lib, tap.NOBODY), command)
    host.mend("state-owner")
    tap.same(owners(), [tap.NOBODY] * 3 + [0])
    os.chown(lib + "/early/record", 0, 0)
    tap.contains(host.mend("state-owner")["evidence"], "/early/record' belongs to root")


@tap.as_root
def test_tmpfiles_give_it_back(folder):
    program = shutil.which("systemd-tmpfiles")
    if program is None:
        raise tap.Skip("there is no systemd-tmpfiles here")
    lib = "/var/lib/todoke-test-%d" % os.getpid()
    with open(os.path.join(tap.TOP, "contrib", "systemd", "todoke.tmpfiles"), encoding="utf-8") as file:
        lines = [line for line in file if "/var/lib/todoke" in line]
    Host.write(folder + "/x.conf", "".join(lines).replace("/var/lib/todoke", lib).replace("vmail vmail", "%d %d" % (tap.NOBODY, tap.NOBODY)))
    try:
        for name in ("early", "outages", "trees"):
            os.makedirs(os.path.join(lib, name), 0o700)
        Host.write(lib + "/early/record", "", 0o600)
        subprocess.run([program, "--create", folder + "/x.conf"], check=True)
        tap.same([os.stat(os.path.join(lib, name)).st_uid for name in (".", "early", "early/record", "outages", "trees")], [tap.NOBODY] * 4 + [0])
    finally:
        shutil.rmtree(lib, ignore_errors=True)


def test_apparmor(folder):
    """Recorded: a line of the kernel's log on a host with AppArmor."""
    host = Host(folder, line=GOOD_LINE)
    host.program("aa-enabled", "")
    host.program("journalctl", "[ -e %s/fixed ] || echo 'audit: type=1400 audit(1700000000.1:42): apparmor=\"DENIED\" operation=\"mkdir\" class=\"file\" "
                 "profile=\"/usr/bin/todoke\" name=\"/srv/mail/example.jp/\" pid=99 comm=\"todoke\" requested_mask=\"c\" denied_mask=\"c\" fsuid=5000 ouid=5000'\n" % folder)
    host.program("aa-complain", "[ \"$1\" = /usr/bin/todoke ] && : >%s/fixed\n" % folder)
    tap.same(host.mend("apparmor-denied")["evidence"], "AppArmor's profile '/usr/bin/todoke' denied '/srv/mail/example.jp/'")


def test_disk_and_mount(folder):
    """A file system that is small, full, or read-only: one of this machine that is."""
    host = Host(folder, line=GOOD_LINE, conf='lmtp_spool = "/proc"\n')
    tap.same([finding["code"] for finding in host.findings() if finding["where"] == "/proc"], ["disk-space"])
    mounts = [line.split() for line in open("/proc/mounts", encoding="utf-8")]
    read_only = [mount[1] for mount in mounts if "ro" in mount[3].split(",") and os.path.isdir(mount[1]) and os.access(mount[1], os.X_OK)]
    if not read_only:
        raise tap.Skip("no file system of this machine is mounted read-only")
    place = os.path.join(folder, "ro")
    os.mkdir(place)
    host = Host(place, line=GOOD_LINE, conf='lmtp_spool = "%s"\n' % read_only[0])
    tap.contains([finding["code"] for finding in host.findings() if finding["where"] == read_only[0]], "read-only")


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
