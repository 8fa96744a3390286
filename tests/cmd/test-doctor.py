#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke doctor`: each finding is made to happen once, and is gone when the fix that was printed has been run as printed.

Here: Postfix and todoke.conf. The configuration of Postfix is a private one of the Postfix that is installed."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from doctor_host import GOOD_LINE, LOCAL, Host

def test_good_host(folder):
    tap.need_public_build()
    host = Host(folder, line=GOOD_LINE, main="virtual_mailbox_domains = example.jp\nvirtual_mailbox_maps = static:all\nvirtual_transport = todoke\n")
    tap.same([finding for finding in host.findings() if finding["where"].startswith(("main.cf", "master.cf"))], [])


def test_pipe(folder):
    """One thing wrong in the line of pipe(8), each."""
    lines = {
        "flags-d": "flags=DRhu " + GOOD_LINE,
        "null-sender": GOOD_LINE.replace("null_sender= ", ""),
        "user-root": GOOD_LINE.replace("user=nobody", "user=root"),
        "arguments": GOOD_LINE.replace("-f ${sender}", "-f${sender}"),
        "original-recipient": GOOD_LINE.replace(" -a ${original_recipient}", ""),
        "queue-id": GOOD_LINE.replace(" --queue-id ${queue_id}", ""),
        "argv-quotes": GOOD_LINE + ' -o "log_form=json"',
    }
    for code, line in lines.items():
        place = os.path.join(folder, code)
        os.mkdir(place)
        host = Host(place, line=line)
        found = host.mend(code, "-o", "virtual_user=nobody")
        tap.same(found["where"], "master.cf:5", code)


def test_main(folder):
    """One parameter, each."""
    cases = {
        "recipient-limit": {"main": "todoke_destination_recipient_limit = 7\n", "line": GOOD_LINE},
        "time-limit": {"main": "todoke_time_limit = 100s\n", "line": GOOD_LINE},
        "size-milter": {"main": "smtpd_milters = inet:localhost:11332\n", "line": GOOD_LINE + " --size ${size}"},
        "shell": {"main": LOCAL.replace("deliver", "deliver || exit 75"), "conf": 'maildir = "~/Maildir"\n'},
        "mailbox-size": {"main": LOCAL.replace("limit = 0", "limit = 51200000")},
        "mailbox-transport": {"main": LOCAL + "mailbox_transport = lmtp:unix:private/other\n"},
        "no-mailbox-maps": {"main": "virtual_mailbox_domains = example.jp\n", "line": GOOD_LINE},
        "recipient-delimiter": {"main": "recipient_delimiter = -\n", "line": GOOD_LINE},
        "message-size": {"main": "", "line": GOOD_LINE, "conf": "message_size_limit = 1M\n"},
        "quota-size": {"main": "", "line": GOOD_LINE, "conf": "quota = site\nquota_bytes = 2M\n"},
        "journal-lifetime": {"main": "maximal_queue_lifetime = 30d\n", "line": GOOD_LINE},
        "queue-lifetime": {"main": "maximal_queue_lifetime = 119m\n", "line": GOOD_LINE},
        "leftover-flags-d": {"main": "mailbox_transport = todoke2\n", "line": GOOD_LINE + "\ntodoke2 unix - n n - - pipe flags=DRhu user=nobody argv=/usr/bin/maildrop"},
    }
    for code, case in cases.items():
        place = os.path.join(folder, code)
        os.mkdir(place)
        if "maildir" in case.get("conf", ""):
            case["conf"] = ""
        Host(place, **case).mend(code)


def test_queue_lifetimes(folder):
    """Two hours, for which mail out of the mailbox itself waits (4.4.6), against what Postfix keeps; a plain number counts days."""
    host = Host(folder, line=GOOD_LINE)
    for name, value, is_short in (("maximal_queue_lifetime", "2h", False), ("maximal_queue_lifetime", "7199s", True), ("maximal_queue_lifetime", "0", True),
                                  ("maximal_queue_lifetime", "1", False), ("bounce_queue_lifetime", "1h", True), ("bounce_queue_lifetime", "1d", False)):
        host.postconf("-e", "%s = %s" % (name, value))
        found = [finding for finding in host.findings() if finding["code"] == "queue-lifetime"]
        wait = tap.limit("FETCH_WAIT_SECONDS")
        tap.same([finding["evidence"] for finding in found],
                 ["%s is %s, and mail that was fetched from the mailbox that it goes to waits for %ds (4.4.6, own-mailbox)" % (name, value, wait)] if is_short else [])
        tap.same([finding["severity"] for finding in found], ["warning"] if is_short else [])
        if is_short:
            host.mend("queue-lifetime")
            tap.same(host.postconf("-h", name), "5d")


def test_a_lifetime_in_days(folder):
    """A retry that comes after the journal's end: Postfix counts plain numbers of this parameter in days."""
    host = Host(folder, main="maximal_queue_lifetime = 30\n", line=GOOD_LINE)
    host.mend("journal-lifetime")


def test_lmtp(folder):
    route = "virtual_transport = lmtp:unix:private/todoke\nvirtual_mailbox_domains = example.jp\nvirtual_mailbox_maps = static:all\n"
    for code, main, lmtp in (("lmtp-recipient-limit", "", "flags=DORX"), ("lmtp-one-recipient", "lmtp_destination_recipient_limit = 1\n", ""),
                             ("xforward", "", ""), ("lmtp-time", "lmtp_data_done_timeout = 100s\n", ""), ("lmtp-socket", "", "")):
        place = os.path.join(folder, code)
        os.mkdir(place)
        host = Host(place, main=route + main, lmtp=lmtp)
        # the fix asks systemd for the socket, which is this here
        host.program("systemctl", '[ "$1" = enable ] || exit 1\n' "exec %s -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind(\"%s/queue/private/todoke\"); s.listen(); input()' "
                     "</dev/zero >/dev/null 2>&1 & echo $! >%s/pid\nfor i in $(seq 600); do [ -S %s/queue/private/todoke ] && exit; sleep 0.1; done; exit 1\n"
                     % (sys.executable, place, place, place))
        try:
            host.mend(code)
        finally:
            if os.path.exists(os.path.join(place, "pid")):
                os.kill(int(open(os.path.join(place, "pid"), encoding="ascii").read()), 9)


LMTP_ROUTE = "virtual_transport = lmtp:unix:private/todoke\nvirtual_mailbox_domains = example.jp\nvirtual_mailbox_maps = static:all\n"


@contextlib.contextmanager
def listening(host):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(host.folder + "/queue/private/todoke")
        server.listen()
        yield


def test_lmtpd_that_cannot_become_users(folder):
    """Accounts of the system, and the unit as it is: the fix puts the drop-in in place, which make install has put where the fix looks for it."""
    host = Host(folder, main=LMTP_ROUTE.replace("virtual_transport", "mailbox_transport"), conf="users = system\n")
    Host.write(host.conf, 'maildir = "~/Maildir"\n')
    host.units("User=vmail\nActiveState=active", more='case "$1" in\n daemon-reload) sed -i s/User=vmail/User=root/ service;;\n'
               ' try-restart) grep -q User=root service;;\n *) exit 1;;\nesac\n')
    host.program("install", 'echo "$@" >%s/installed\n' % folder)
    with listening(host):
        found = host.mend("lmtp-root")
        tap.same(found["evidence"], "todoke-lmtpd.service starts lmtpd as vmail, and recipients are accounts of the system")
        words = open(folder + "/installed", encoding="ascii").read().split()
        tap.same((words[:3], words[4:]), (["-D", "-m", "644"], ["/etc/systemd/system/todoke-lmtpd.service.d/root.conf"]))
        tap.same(os.path.exists(os.path.join(tap.TOP, "contrib", "systemd", os.path.basename(words[3]))), True, words[3])
        for service, socket_unit in (("User=\nActiveState=active", "ActiveState=active"), ("User=vmail\nActiveState=inactive", "ActiveState=inactive")):
            host.units(service, socket_unit)
            tap.same("lmtp-root" in host.codes(), False, service)
    Host.write(host.conf, 'maildir = "%s/%%d/%%n"\n' % host.tree)
    host.units("User=vmail\nActiveState=active")
    tap.same("lmtp-root" in host.codes(), False, "virtual users")


def status_of_lmtpd(host):
    """What a lmtpd that starts now says of its configuration."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = os.path.join(host.folder, "notify")
        notify.bind(path)
        notify.settimeout(tap.PATIENCE)
        process = subprocess.Popen([tap.TODOKE, "lmtpd", "--listen", "unix:%s/own" % host.folder],
                                   env={**os.environ, **host.environment(), "NOTIFY_SOCKET": path})
        try:
            text = notify.recv(1000).decode()
        finally:
            process.terminate()
            process.wait()
            os.unlink(path)
    return text.split("STATUS=")[1]


def test_lmtpd_with_an_older_configuration(folder):
    host = Host(folder, main=LMTP_ROUTE, conf='include "%s/more.conf"\nlog_file = "%s/log"\n' % (folder, folder))
    Host.write(folder + "/more.conf", "hop_limit = 20\n")
    with listening(host):
        status = status_of_lmtpd(host)
        host.units("User=vmail\nActiveState=active\nStatusText=" + status, more='[ "$*" = "reload todoke-lmtpd" ] && cp new service\n')
        tap.same([code for code in host.codes() if code.startswith("lmtp-")], [], "what it has read")
        Host.write(folder + "/more.conf", "hop_limit = 30\n")
        Host.write(folder + "/new", "LoadState=loaded\nUser=vmail\nActiveState=active\nStatusText=%s\n" % status_of_lmtpd(host))
        tap.same(host.mend("lmtp-old-conf")["evidence"], "lmtpd has read '%s' before it was changed" % host.conf)
        for other in ("", "configuration '/etc/todoke/other.conf', sum 0123456789ab"):
            host.units("User=vmail\nActiveState=active\nStatusText=" + other)
            tap.same("lmtp-old-conf" in host.codes(), False, other)


def test_socket_unit_that_failed(folder):
    """As it is after lmtpd was started with a wrong todoke.conf: `enable --now` alone says that it is there already."""
    host = Host(folder, main=LMTP_ROUTE)
    host.units("ActiveState=failed", "ActiveState=failed")
    (found,) = [finding for finding in host.findings() if finding["code"] == "lmtp-socket"]
    tap.same(found["fix"], "systemctl reset-failed todoke-lmtpd.service todoke-lmtpd.socket; systemctl start todoke-lmtpd.socket")


# A master of Postfix with its queue manager; it says when there is one.
FAKE_MASTER = """
import os, signal, sys, time
def named(name):
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)
def start():
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        named("qmgr")
        os.write(tell, b".")
        time.sleep(3600)
    os.read(ready, 1)
    return pid
named("master")
child = start()
print("ready", flush=True)
try:
    sys.stdin.read()
finally:
    os.kill(child, signal.SIGKILL)
"""


def test_postfix_that_was_not_reloaded(folder):
    """Measured against the queue manager, which a reload replaces; who does not run needs no reload."""
    host = Host(folder, line=GOOD_LINE)
    main, master = (os.path.join(host.etc, name) for name in ("main.cf", "master.cf"))
    later = time.time() + 1000
    host.still = lambda: None  # the times are the matter here

    def found():
        return [(finding["evidence"], finding["fix"]) for finding in host.findings() if finding["code"] == "not-reloaded"]
    os.mkdir(folder + "/queue/pid")
    with subprocess.Popen([sys.executable, "-c", FAKE_MASTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        tap.same(process.stdout.readline(), b"ready\n")
        os.utime(main, (later, later))
        tap.same(found(), [], "no master.pid")
        Host.write(folder + "/queue/pid/master.pid", "%20d\n" % process.pid)
        fix = "postfix -c '%s' reload" % host.etc
        tap.same(found(), [("changed after this Postfix had read it: main.cf", fix)])
        os.utime(master, (later, later))
        tap.same(found(), [("changed after this Postfix had read it: main.cf, master.cf", fix)])
        for path in (main, master):
            os.utime(path, (1, 1))
        tap.same(found(), [], "older files")
        process.stdin.close()
        process.wait()
    os.utime(main, (later, later))
    tap.same(found(), [], "it has ended")
def test_misspelt_mailbox_command(folder):
    """The word that was meant is named; the fix puts it in and keeps door and arguments; --fix leaves it to a person."""
    cases = (('/usr/bin/todoke procmal -a "$EXTENSION"', "no-command", "did you mean 'procmail'?", '/usr/bin/todoke procmail -a "$EXTENSION"'),
             ("/usr/bin/todoke delivre -c /etc/x.conf", "no-command", "did you mean 'deliver'?", "/usr/bin/todoke deliver -c /etc/x.conf"),
             ('%s/todok procmail -a "$EXTENSION"' % os.path.dirname(tap.TODOKE), "no-program", "did you mean 'todoke'?",
              '%s/todoke procmail -a "$EXTENSION"' % os.path.dirname(tap.TODOKE)))
    for number, (command, code, words, meant) in enumerate(cases):
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        host = Host(place, main="mailbox_command = %s\nmailbox_size_limit = 0\n" % command, conf="users = system\n")
        text = host.run("--fix").stdout.decode()
        tap.contains(text, words)
        tap.same(host.postconf("-h", "mailbox_command"), command, "--fix leaves it")
        tap.same("not-called" in host.codes(), False)
        host.mend(code)
        tap.same(host.postconf("-h", "mailbox_command"), meant)


def test_shell_fix_keeps_options(folder):
    """Another configuration means other rules: --fix takes no option of `todoke deliver` away."""
    command = '/usr/bin/todoke deliver -c "/etc/my.conf"'
    host = Host(folder, main="mailbox_command = %s\nmailbox_size_limit = 0\n" % command)
    tap.contains(host.run("--fix").stdout.decode(), "where none of its options is needed")
    tap.same(host.postconf("-h", "mailbox_command"), command)


def test_a_service_with_another_configuration(folder):
    """Both kinds of users on one host: what the other file says is not held against this one, and it is told where to ask."""
    other = os.path.join(folder, "virtual.conf")
    with open(other, "w", encoding="ascii") as file:
        file.write('home = "/var/vmail/%d/%n"\nmaildir = "/var/vmail/%d/%n/Maildir"\n')
    host = Host(folder, line=GOOD_LINE.replace("deliver ", "deliver -c %s " % other), main=LOCAL, conf="users = system\n")
    found = {finding["code"]: finding for finding in host.findings()}
    tap.same({"system-users", "not-called"} & set(found), set())
    tap.same((found["other-conf"]["severity"], found["other-conf"]["by_hand"]), ("note", "todoke doctor -c %s looks at that one" % other))
    for wrong, words in (("quotaa = site\n", "quotaa"), (None, "virtual.conf")):
        os.unlink(other)
        if wrong is not None:
            with open(other, "w", encoding="ascii") as file:
                file.write(wrong)
        found, = [finding for finding in host.findings() if finding["code"].startswith("other-conf")]
        tap.same((found["code"], found["severity"], words in found["evidence"]), ("other-conf-broken", "error", True), found["evidence"])
    # the file of virtual users, which the service names: the command of local(8) names none, and reads another
    host = Host(os.path.join(folder, "2"), line=GOOD_LINE.replace("deliver ", "deliver -c %s/2/todoke.conf " % folder), main=LOCAL,
                conf='home = "/var/vmail/%d/%n"\nmaildir = "/var/vmail/%d/%n/Maildir"\n')
    tap.same({"other-conf", "virtual-maildir", "conf-refused"} & set(host.codes()), set())
    checked = tap.todoke("check", "-c", host.conf, env={**host.environment(), "MAIL_CONFIG": host.etc})
    tap.same(b"mailbox_command" in checked.stdout + checked.stderr, False, str(checked))


def test_nothing_calls_todoke(folder):
    tap.need_public_build()
    host = Host(folder)
    host.program("todoke", 'exec %s "$@" -C %s --program /usr/bin/todoke --user nobody\n' % (tap.TODOKE, host.etc))
    host.mend("not-called")
    for name, more, fix in (("accounts", "", "todoke setup postfix --door local -C '%s' --apply"), ("nobody", "alias_maps =\n", None)):
        place = os.path.join(folder, name)
        os.mkdir(place)
        host = Host(place, main=more, conf="users = system\n")
        Host.write(host.conf, 'maildir = "~/Maildir"\n')
        host.program("todoke", 'exec %s "$@" --program /usr/bin/todoke\n' % tap.TODOKE)
        (found,) = [finding for finding in host.findings() if finding["code"] == "not-called"]
        tap.same(found["fix"], fix and fix % host.etc)
        if fix:
            host.mend("not-called")
            tap.same(host.postconf("-h", "mailbox_command").startswith("/usr/bin/todoke deliver"), True)
        else:
            tap.contains(found["by_hand"], "todoke setup postfix --door local -C")
    installed = os.path.join(folder, "usr")
    os.mkdir(installed)
    os.symlink("/bin/sh", os.path.join(installed, "todoke"))
    place = os.path.join(folder, "elsewhere")
    os.mkdir(place)
    said = json.loads(Host(place).run("--json", TODOKE_PROGRAM_DIR=installed).stdout)["findings"]
    tap.same([one["fix"] for one in said if one["code"] == "not-called"], ["'%s/todoke' setup postfix -C '%s/etc' --apply" % (installed, place)])
    other = os.path.join(folder, "maps")
    os.mkdir(other)
    host = Host(other, main="mailbox_command_maps = texthash:%s/commands\n" % other, conf="users = system\n")
    host.write(other + "/commands", "taro /usr/bin/procmail\n")
    tap.contains(host.codes(), "not-called")
    host.write(other + "/commands", "taro /usr/bin/procmail\nhanako /usr/bin/todoke deliver\n")
    tap.same("not-called" in host.codes(), False)


def test_conf(folder):
    """A setting, each: the fix writes todoke.conf."""
    cases = {
        "not-durable": "durability = none\n",
        "no-key": 'redirect_sender = srs\nkey_file = "%s/key"\n' % folder,
        "no-passwd-file": "users = passwd_file\n",
        "folder-escape": 'folder_escape = "ab"\n',
        "no-separator": 'folder_separator = ""\n',
        "unused": 'trace_users = { "ann" }\n',
    }
    for code, conf in cases.items():
        place = os.path.join(folder, code)
        os.mkdir(place)
        Host(place, line=GOOD_LINE, conf=conf).mend(code)


def test_fix(folder):
    """--fix runs what is safe, shows it, and leaves the rest; two things wrong in one line of master.cf are both mended."""
    host = Host(folder, line="flags=DR " + GOOD_LINE.replace(" --queue-id ${queue_id}", "").replace("null_sender= ", "") + ' -o "log_form=json"',
                main="todoke_destination_recipient_limit = 7\nmailbox_transport = x\n" + LOCAL)
    result = host.run("--fix")
    text = result.stdout.decode()
    tap.same(result.returncode, 1)
    for part in ("fixed  postconf -c '%s' -e 'todoke_destination_recipient_limit = 1'" % host.etc, "mailbox_transport is x"):
        tap.contains(text, part)
    left = host.codes()
    tap.same([code for code in ("flags-d", "queue-id", "null-sender", "argv-quotes", "recipient-limit") if code in left], [])
    tap.contains(left, "mailbox-transport")


def test_fix_changes_no_more_than_it_must(folder):
    """What the admin has in argv stays, even where todoke would write the line in another way."""
    host = Host(folder, line="flags=DR user=nobody argv=/usr/bin/todoke deliver -f${sender} -d${recipient} -o log_form=json")
    host.run("--fix")
    host.still()
    line = host.postconf("-M", "todoke/unix")
    tap.same(line.split()[7:], "pipe flags=R user=nobody null_sender= argv=/usr/bin/todoke deliver -f${sender} -d${recipient} -o log_form=json".split())


def test_flags_of_lmtp(folder):
    route = "virtual_transport = lmtp:unix:private/todoke\nlmtp_destination_recipient_limit = 1\n"
    tap.contains(Host(folder, main=route, lmtp="flags=DOR").mend("flags-d")["fix"], "flags=OR")


def test_changes_nothing_without_fix(folder):
    host = Host(folder, line="flags=D " + GOOD_LINE)
    before = [open(os.path.join(host.etc, name), "rb").read() for name in ("main.cf", "master.cf")]
    host.run()
    tap.same([open(os.path.join(host.etc, name), "rb").read() for name in ("main.cf", "master.cf")], before)


def test_japanese(folder):
    host = Host(folder, line="flags=D " + GOOD_LINE)
    text = host.run(LC_ALL="ja_JP.UTF-8").stdout.decode()
    tap.contains(text, "ループ (5.4.6) としてバウンスします")
    tap.contains(text, "対処  postconf")


def test_findings_have_the_same_words_in_japanese(_):
    """Each text has the places of its words, {1} and so on, in both languages; that all are translated is for po/update-po --check."""
    # a long text may stand in several lines
    catalogue = open(os.path.join(tap.TOP, "po/ja.po"), encoding="utf-8").read().replace('"\n"', "")
    pairs = dict(re.findall(r'^msgid "((?:[^"\\]|\\.)*)"\nmsgstr "((?:[^"\\]|\\.)*)"', catalogue, re.M))
    table = open(os.path.join(tap.TOP, "agent/cmd/doctor-finding.def"), encoding="utf-8").read()
    texts = re.findall(r'N_\("((?:[^"\\]|\\.)*)"\)', table)
    for text in texts:
        tap.same(sorted(re.findall(r"\{\d\}", pairs[text])), sorted(re.findall(r"\{\d\}", text)), text)
    if len(texts) < 100:
        raise AssertionError("only %d texts were read" % len(texts))


def test_programs_that_are_asked_are_bounded(folder):
    """A fix that prints without end, or does not end, is a fix that failed."""
    for script, words in (("yes | head -c %d" % (tap.limit("DOCTOR_OCTETS") + 1), "did not end"), ("sleep %d" % (tap.limit("DOCTOR_PROGRAM_S") + 100), "did not end")):
        place = os.path.join(folder, script.split()[0])
        os.mkdir(place)
        host = Host(place, line=GOOD_LINE, conf='redirect_sender = srs\nkey_file = "%s/key"\n' % place)
        host.program("todoke", script + "\n")
        found = [finding for finding in host.findings("--fix") if finding["code"] == "no-key"]
        tap.contains(found[0]["failure"], words)


def test_usage(folder):
    host = Host(folder)
    tap.same(host.run("--all", "ann").returncode, 2)
    tap.same(host.run("--no-such").returncode, 2)


def test_conf_that_cannot_be_read(folder):
    host = Host(folder, conf="no_such_setting = 1\n")
    result = host.run("--json")
    tap.same(result.returncode, 1)
    (found,) = json.loads(result.stdout)["findings"]
    tap.same(found["code"], "conf-unreadable")
    tap.contains(found["consequence"], "A lmtpd that runs goes on with what it has read")


def test_folder_of_postfix_by_a_relative_name(folder):
    """postconf works in that folder; each fix names it whole, whoever runs it where."""
    host = Host(folder, line=GOOD_LINE.replace("user=", "flags=DRhu user="))
    result = subprocess.run([tap.TODOKE, "doctor", "-C", os.path.basename(host.etc), "--fix"], cwd=os.path.dirname(host.etc), capture_output=True, check=False,
                            env={**os.environ, **host.environment()})
    tap.same(b"failed" in result.stdout, False, result.stdout)
    tap.contains(result.stdout, ("postconf -c '%s' " % host.etc).encode())
    tap.same("flags-d" in host.codes(), False)


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
