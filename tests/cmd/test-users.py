#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where users come from: Dovecot's userdb, lines of passwd_file, SQL, LDAP; and what a source says of one user."""

import json
import os
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import lmtp_client
import tap
import user_sources

MAIL = b"From: a@x.test\nSubject: hello\n\nbody\n"

# Names that no source has, and that must not get any further than the question.
HOSTILE = ["'; DROP TABLE users; --@example.jp", "*@example.jp", "ann)(uid=*@example.jp", "../../etc/passwd@example.jp", "%u@example.jp",
           "%d%n@example.jp", "ann\\00@example.jp", "ann'@example.jp", "$1@example.jp", "?1@example.jp",
           "ann@example.jp' OR '1'='1", "ann@..", "ann@/etc", "-rf@example.jp", ".@example.jp", "x" * 1000 + "@example.jp"]


def site(folder, text):
    """A todoke.conf with home folders of its own; the settings for a source of users."""
    os.makedirs(folder + "/home", exist_ok=True)
    path = folder + "/todoke.conf"
    with open(path, "w", encoding="utf-8") as file:
        file.write('tree_memory = ""\nlog_file = "%s/log"\n%s' % (folder, text))
    os.chmod(path, 0o644)
    return {"TODOKE_CONF": path}


def deliver(env, rcpt, sender="s@x.test", mail=MAIL):
    return tap.todoke("deliver", "-f", sender, "-d", rcpt, stdin=mail, env=env)


def refused(env, rcpt, **more):
    """The code that the delivery answers; "": it is delivered."""
    done = deliver(env, rcpt, **more)
    return done.stdout.split(b" ")[0].decode() if done.returncode != 0 else ""


def log_of(folder):
    with open(folder + "/log", encoding="utf-8") as log:
        return log.read()


def stored(box):
    return len(os.listdir(box + "/new")) if os.path.isdir(box + "/new") else 0


def facts(env, user):
    """What `todoke account` says: name -> values, each with its origin."""
    answer = tap.todoke("account", "--json", user, env=env)
    tap.same(answer.returncode, 0, "account: %r" % answer.stderr)
    found = {}
    for fact in json.loads(answer.stdout)["facts"]:
        found.setdefault(fact["name"], []).append((fact["value"], fact["from"]))
    return found


def users_of(env):
    return sorted(tap.todoke("account", "--list", env=env).stdout.decode().split())


# Dovecot, by recorded answers.


def fake(folder, replies, **more):
    """A userdb that knows the users of `replies`: name -> fields."""
    def answer(verb, number, name):
        if verb == "LIST":
            return "".join("LIST\t%s\t%s\n" % (number, user) for user in replies).encode() + b"DONE\t%s\n" % number.encode()
        said = replies.get(name)
        if said is None:
            return b"NOTFOUND\t%s\n" % number.encode()
        if callable(said):
            return said(number)
        return ("USER\t%s\t%s\t%s\n" % (number, name, said)).encode()
    return user_sources.FakeDovecot(folder + "/userdb", answer, **more)


def dovecot_site(folder, text=""):
    return site(folder, 'users = dovecot\ndovecot_socket = "%s/userdb"\n%s' % (folder, text))


def test_dovecot_known_and_unknown(folder):
    env = dovecot_site(folder)
    with fake(folder, {"ann@example.jp": "home=%s/home/ann" % folder}) as server:
        tap.same(deliver(env, "ann@example.jp").returncode, 0)
        tap.same(stored(folder + "/home/ann/Maildir"), 1)
        tap.same(refused(env, "bob@example.jp"), "5.1.1")
        tap.same(server.questions, [("USER", "ann@example.jp"), ("USER", "bob@example.jp")])
        tap.same(deliver(env, "Ann+shop@Example.JP").returncode, 0)
        tap.same(stored(folder + "/home/ann/Maildir"), 2)
        tap.same(users_of(env), ["ann@example.jp"])
    tap.same(refused(env, "ann@example.jp"), "4.3.0")
    tap.same(refused(env, "bob@example.jp"), "4.3.0")
    tap.contains(open(folder + "/log", encoding="utf-8").read(), "fault=lookup")


def test_dovecot_2_3_fields(folder):
    env = dovecot_site(folder)
    said = "uid=%d\tgid=%d\thome=%s/home/ann\tmail=maildir:~/mail:LAYOUT=fs:INDEX=/x\tquota_rule=*:storage=2M:messages=7\t" \
           "quota_rule2=Trash:storage=+10M\tproxy_maybe=y\tquota_max_mail_size=9k" % (os.geteuid(), os.getegid(), folder)
    with fake(folder, {"ann@example.jp": said}):
        found = facts(env, "ann@example.jp")
        tap.same(found["source"], [("dovecot (%s/userdb)" % folder, None)])
        tap.same(found["kind"][0][0], "user of dovecot")
        tap.same(found["maildir"], [(folder + "/home/ann/mail", "dovecot")])
        tap.same(found["home"], [(folder + "/home/ann", "dovecot")])
        tap.same([value for value, _ in found["setting"]],
                 ["folder_layout=fs", "quota_bytes=2097152", "quota=site", "quota_messages=7", "quota=site", "message_size_limit=9216"])
        tap.same([value for value, _ in found["not used"]], ["quota_rule2 (Trash:storage=+10M)", "proxy_maybe"])
        tap.same(found["owner"][0][1], "dovecot")
        tap.same(refused(env, "ann@example.jp", mail=MAIL + b"x" * 10000), "5.2.3")
        for _ in range(7):
            tap.same(deliver(env, "ann@example.jp").returncode, 0)
        tap.same(refused(env, "ann@example.jp"), "4.2.2")


def test_dovecot_2_4_fields(folder):
    env = dovecot_site(folder)
    said = "home=%s/home/ann\tmail_driver=maildir\tmail_path=~/mail\tmailbox_list_layout=fs\tmailbox_list_utf8=yes\t" \
           "quota_storage_size=3M\tquota_message_count=unlimited\tmail_inbox_path=." % folder
    with fake(folder, {"ann@example.jp": said, "bob@example.jp": "home=/h\tmail_driver=sdbox\tmail_path=~/mail",
                       "eve@example.jp": "home=/h\tmail_driver=maildir\tmail_path=~/mail\tmail_inbox_path=~/inbox"}):
        found = facts(env, "ann@example.jp")
        tap.same(found["maildir"], [(folder + "/home/ann/mail", "dovecot")])
        tap.same([value for value, _ in found["setting"]],
                 ["folder_layout=fs", "folder_names=utf-8", "quota_bytes=3145728", "quota=site", "quota_messages=0"])
        tap.same("not used" in found, False)
        tap.same(refused(env, "bob@example.jp"), "4.3.5")
        tap.same(refused(env, "eve@example.jp"), "4.3.5")


def test_dovecot_2_4_recorded(folder):
    """What the auth-userdb of Dovecot 2.4.1 answered: it speaks version 1.3, and its answers of two generations of fields at once."""
    env = dovecot_site(folder)
    ids = "uid=%d\tgid=%d\thome=%s/home/" % (os.geteuid(), os.getegid(), folder)
    said = {"ann@example.jp": ids + "ann\tmail_path=~/mail\tquota_storage_size=1M\theld=no",
            "bob@example.jp": ids + "bob\tmail=maildir:~/mail\tquota_rule=*:bytes=1M\tquota_storage_size=3M",
            "eve@example.jp": ids + "eve\tmail_driver=sdbox\tmail_path=~/sdbox\tquota_storage_size=3M"}
    with fake(folder, said, greeting=b"VERSION\t1\t3\nSPID\t26238\n"):
        for name, quota in (("ann", "1048576"), ("bob", "3145728")):
            found = facts(env, name + "@example.jp")
            tap.same(found["maildir"], [("%s/home/%s/mail" % (folder, name), "dovecot")])
            tap.same([value for value, _ in found["setting"]][-2:], ["quota_bytes=" + quota, "quota=site"], "the last one holds")
            tap.same(deliver(env, name + "@example.jp").returncode, 0)
            tap.same(stored("%s/home/%s/mail" % (folder, name)), 1)
        tap.same(refused(env, "eve@example.jp"), "4.3.5", "no Maildir")
        tap.same(refused(env, "no@example.jp"), "5.1.1")
        tap.same(users_of(env), ["ann@example.jp", "bob@example.jp"])


def test_home_of_a_setting(folder):
    """As Dovecot's mail_home: for who has no home of the source."""
    home = 'home = "%s/home/%%d/%%n"\n' % folder
    env = dovecot_site(folder, home)
    with fake(folder, {"ann@example.jp": "quota_storage_size=1M", "bob@example.jp": "home=%s/home/bob" % folder}):
        found = facts(env, "ann@example.jp")
        tap.same(found["home"][0][0], folder + "/home/example.jp/ann")
        tap.contains(found["home"][0][1], "home, ", "origin")
        tap.same(facts(env, "bob@example.jp")["home"], [(folder + "/home/bob", "dovecot")])
        tap.same(deliver(env, "ann@example.jp").returncode, 0)
        tap.same(stored(folder + "/home/example.jp/ann/Maildir"), 1)
        tap.same(refused(env, "../ann@example.jp"), "5.1.1", "who is not known has no home")
    with open(folder + "/passwd", "w", encoding="utf-8") as file:
        file.write("eve@example.jp:x:::::\nrel@example.jp:x::::home/rel:\n")
    env = site(folder, 'passwd_file = "%s/passwd"\n%s' % (folder, home))
    tap.same(deliver(env, "eve@example.jp").returncode, 0)
    tap.same(stored(folder + "/home/example.jp/eve/Maildir"), 1)
    tap.same(refused(env, "rel@example.jp"), "4.3.5", "a home that is no path")
    tap.same(users_of(env), ["eve@example.jp"])


def test_check_and_doctor_name_the_source(folder):
    env = dovecot_site(folder)
    place = "users: dovecot (%s/userdb)\n" % folder
    with fake(folder, {"ann@example.jp": "home=%s/home/ann\tquota_storage_size=1M" % folder}):
        tap.same(deliver(env, "ann@example.jp").returncode, 0)
        line = "source of the account: dovecot; its settings: quota_bytes=1048576, quota=site\n"
        told = tap.todoke("check", "-d", "ann@example.jp", env=env).stdout.decode()
        tap.contains(told, place + line)
        told = json.loads(tap.todoke("check", "--json", "-d", "ann@example.jp", env=env).stdout)
        tap.same((told["users"], told["source"], told["source_settings"]),
                 ("dovecot (%s/userdb)" % folder, "dovecot", ["quota_bytes=1048576", "quota=site"]))
        told = tap.todoke("doctor", "ann@example.jp", env=env).stdout.decode()
        tap.contains(told, place + "ann@example.jp  " + line)
        told = json.loads(tap.todoke("doctor", "--json", "ann@example.jp", env=env).stdout)
        tap.same(told["accounts"], [{"user": "ann@example.jp", "source": "dovecot", "source_settings": ["quota_bytes=1048576", "quota=site"]}])
        told = tap.todoke("check", "-d", "no@example.jp", env=env)
        tap.contains(told.stdout.decode(), place)
        tap.same((told.returncode, "source of the account" in told.stdout.decode()), (1, False), "nobody's")
    env = site(folder, 'users = virtual\nmaildir = "%s/home/%%n/Maildir"\n' % folder)
    for command in ("check", "-d"), ("doctor",):
        told = tap.todoke(*command, "ann@example.jp", env=env).stdout.decode()
        tap.same("users:" in told or "source of" in told, False, "of a tree there is nothing to say")


def test_dovecot_settings_of_one_user(folder):
    env = dovecot_site(folder, 'users_cache = 0\n')
    home = "home=%s/home/ann\t" % folder
    replies = {}
    with fake(folder, replies):
        for said, code in (("held=yes", "4.2.1"), ("mailbox_state=held", "4.2.1"), ("disabled=y", "5.2.1"), ("sender_block=s@x.test", "5.7.1"),
                           ("sender_block=*.test", "5.7.1"), ("sender_block=@X.TEST", "5.7.1"), ("message_size_limit=10", "5.2.3"),
                           ("sender_block=*\tsender_allow=s@*", ""), ("sender_block=<>", ""), ("held=no", "")):
            replies["ann@example.jp"] = home + said
            tap.same(refused(env, "ann@example.jp"), code, said)
        replies["ann@example.jp"] = home + "sender_block=*"
        tap.same(refused(env, "ann@example.jp", sender=""), "", "a bounce")
        replies["ann@example.jp"] = home + "sender_block=*,<>"
        tap.same(refused(env, "ann@example.jp", sender=""), "5.7.1", "a bounce that is blocked")
        for said in ("quota_rule=*:storage=banana", "mailbox_state=gone", "home=etc", "home=/a/../../etc", "uid=0\tgid=0", "uid=-1",
                     "uid=root", "mail=mbox:~/mail", "mail=maildir:relative", "mail=maildir:~/%x", "mail=maildir:~/../../etc",
                     "home=/a\001nb", "uid=99999999"):
            replies["ann@example.jp"] = home + said
            tap.same(refused(env, "ann@example.jp"), "4.3.5", said)


def test_dovecot_that_is_not_well(folder):
    env = dovecot_site(folder, 'users_timeout = 1\nusers_cache = 0\n')
    sick = {"fail": lambda n: b"FAIL\t%s\treason=no data base\n" % n.encode(), "other": lambda n: b"USER\t9999\tother\thome=/x\n",
            "garbage": lambda n: b"\xff\xfe\n", "long": lambda n: b"USER\t%s\tlong\t" % n.encode() + b"x" * (tap.limit("USERS_ANSWER") + 4096) + b"\n",
            "binary": lambda n: b"USER\t%s\tbinary\thome=/\xff\xfe\n" % n.encode(), "half": lambda n: b"USER\t%s\thal" % n.encode(),
            "nul": lambda n: b"USER\t%s\tnul\thome=%s/home/nul\0/x\n" % (n.encode(), folder.encode()),
            "slow": lambda n: None}
    with fake(folder, sick) as server:
        for name in sick:
            started = time.monotonic()
            tap.same(refused(env, name), "4.3.5" if name == "binary" else "4.3.0", name)
            tap.same(time.monotonic() - started < tap.PATIENCE / 2, True, name + " takes not too long")
        server.greeting = b"VERSION\t1\t2\nMECH\tPLAIN\n"
        tap.same(refused(env, "ann"), "4.3.0", "the socket for logins")
        server.greeting = b"220 mx ESMTP\r\n"
        tap.same(refused(env, "ann"), "4.3.0", "another protocol")
        server.greeting = b"VERSION\t2\t0\nSPID\t1\n"
        tap.same(refused(env, "ann"), "4.3.0", "another version")


def test_dovecot_hostile_names(folder):
    env = dovecot_site(folder)
    with fake(folder, {}) as server:
        for name in HOSTILE:
            tap.same(refused(env, name), "5.1.1", name)
        asked = len(server.questions)
        for name in ("a\tb@example.jp", "a\001b@example.jp", "a\nUSER\t7\troot@example.jp", "\udcff@example.jp", "x" * 65536, "@example.jp", "ann@"):
            tap.same(deliver(env, name.encode("utf-8", "surrogateescape")).stdout[:5], b"5.1.1", name[:40])
        tap.same(len(server.questions), asked, "names that are not asked for")


def test_dovecot_by_lmtpd(folder):
    """One connection for many questions; a known user is asked for once; a restart of Dovecot goes unnoticed."""
    env = dovecot_site(folder, 'add_mark = no\nlmtp_workers = 1\nusers_cache = 3600\n')
    boxes = {name: "%s/home/%s/Maildir" % (folder, name) for name in ("ann", "bob", "eve")}
    replies = {name + "@example.jp": "home=%s/home/%s" % (folder, name) for name in boxes}
    replies["held@example.jp"] = "home=/h\theld=yes"
    server = fake(folder, replies)
    with lmtp_client.Server(folder, conf=env["TODOKE_CONF"]) as lmtpd:
        client = lmtpd.client().greet()
        for _ in range(3):
            tap.contains(client.deliver("ann@example.jp", "bob@example.jp")[1], "250 ", "delivery")
        tap.same(server.connections, 1, "connections")
        tap.same([name for _, name in server.questions], ["ann@example.jp", "bob@example.jp"])
        server.drop()
        tap.contains(client.deliver("eve@example.jp")[0], "250 ", "after a restart")
        tap.same(server.connections, 2, "connections")
        client.say("MAIL FROM:<s@x.test>")
        tap.contains(client.say("RCPT TO:<no@example.jp>"), "550 5.1.1", "unknown")
        tap.contains(client.say("RCPT TO:<held@example.jp>"), "450 4.2.1", "held")
        server.close()
        tap.contains(client.say("RCPT TO:<no@example.jp>"), "451 4.3.0", "Dovecot is gone")
        tap.contains(client.say("RCPT TO:<ann@example.jp>"), "250 ", "who is known is delivered all the same")
        client.close()
    tap.same([stored(box) for box in boxes.values()], [3, 3, 1])


@tap.as_root
def test_lmtpd_as_root_takes_who_was_taken(folder):
    """For some seconds RCPT is answered without asking; but not for another sender, and not for who is gone behind the dot."""
    os.chmod(folder, 0o755)
    env = dovecot_site(folder, 'add_mark = no\nlmtp_workers = 1\nusers_cache = 1\nsender_block = { "bad@x.test" }\nearly_record_folder = ""\n'
                       'outage_folder = ""\n')
    replies = {}
    for name, more in (("ann", ""), ("eve", "\tsender_block=worse@x.test")):
        os.mkdir("%s/home/%s" % (folder, name))
        os.chown("%s/home/%s" % (folder, name), tap.NOBODY, tap.NOBODY)
        replies[name + "@example.jp"] = "uid=%d\tgid=%d\thome=%s/home/%s%s" % (tap.NOBODY, tap.NOBODY, folder, name, more)
    with fake(folder, replies), lmtp_client.Server(folder, conf=env["TODOKE_CONF"]) as lmtpd:
        client = lmtpd.client().greet()

        def answer(sender, rcpt):
            """The last reply of a try to send a message."""
            client.say("MAIL FROM:<%s>" % sender)
            taken = client.say("RCPT TO:<%s>" % rcpt)
            if not taken.startswith("250 "):
                client.say("RSET")
                return taken
            client.say("DATA")
            client.send("Subject: x\r\n\r\nbody\r\n.\r\n")
            return client.read()

        for name in ("ann@example.jp", "eve@example.jp"):
            for _ in range(2):
                tap.contains(answer("s@x.test", name), "250 ", name)
        tap.contains(answer("bad@x.test", "ann@example.jp"), "550 5.7.1", "the site's list")
        tap.contains(answer("worse@x.test", "ann@example.jp"), "250 ", "somebody else's list")
        tap.contains(answer("worse@x.test", "eve@example.jp"), "550 5.7.1", "the user's own list")
        del replies["ann@example.jp"]
        gone = tap.wait_for("the end of what is kept", lambda: (said := answer("s@x.test", "ann@example.jp")).startswith("5") and said)
        tap.contains(gone, "550 5.1.1", "gone")
        client.close()


# Dovecot itself.


def real_dovecot(folder, passwd):
    with open(folder + "/passwd", "w", encoding="utf-8") as file:
        file.write(passwd)
    if dovecot_conf.IS_NEW:
        lines = dovecot_conf.block("passdb passwd-file", "passwd_file_path = %s/passwd" % folder) + \
            dovecot_conf.block("userdb passwd-file", "passwd_file_path = %s/passwd" % folder)
    else:
        lines = dovecot_conf.block("passdb", "driver = passwd-file", "args = %s/passwd" % folder) + \
            dovecot_conf.block("userdb", "driver = passwd-file", "args = %s/passwd" % folder)
    lines += dovecot_conf.block("service auth", dovecot_conf.block("unix_listener auth-userdb", "mode = 0600", "user = root"))
    return user_sources.Dovecot(folder, lines)


@tap.as_root
def test_real_dovecot(folder):
    os.chmod(folder, 0o755)
    os.makedirs(folder + "/home/ann")
    os.chown(folder + "/home/ann", 65534, 65534)
    lines = "ann@example.jp:x:65534:65534::%s/home/ann::userdb_mail=maildir:~/mail userdb_quota_rule=*:bytes=1M userdb_held=no\n" % folder
    env = site(folder, 'users = dovecot\ndovecot_socket = "%s/run/auth-userdb"\nusers_timeout = 60\n' % folder)
    with real_dovecot(folder, lines) as dovecot:
        found = facts(env, "ann@example.jp")
        tap.same(found["maildir"], [(folder + "/home/ann/mail", "dovecot")])
        tap.contains(found["owner"][0][0], "uid 65534, gid 65534")
        tap.same([value for value, _ in found["setting"]], ["quota_bytes=1048576", "quota=site"])
        tap.same(deliver(env, "ann@example.jp").returncode, 0)
        tap.same(stored(folder + "/home/ann/mail"), 1)
        tap.same(os.stat(folder + "/home/ann/mail/new").st_uid, 65534)
        tap.same(refused(env, "nobody@example.jp"), "5.1.1")
        for name in HOSTILE:
            tap.same(refused(env, name)[:3] in ("5.1", "4.3"), True, name)
        tap.same("ann@example.jp" in users_of(env), True, "the list")
        conf = env["TODOKE_CONF"]
        with lmtp_client.Server(folder, conf=conf) as lmtpd:
            client = lmtpd.client().greet()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ", "by lmtpd as root")
            tap.same(stored(folder + "/home/ann/mail"), 2)
            dovecot.stop()
            client.say("MAIL FROM:<s@x.test>")
            # its process that answers may outlive the others for a moment
            tap.wait_for("the end of Dovecot", lambda: client.say("RCPT TO:<other@example.jp>").startswith("451 4.3.0"))
            dovecot.start()
            tap.contains(client.say("RCPT TO:<other@example.jp>"), "550 5.1.1", "Dovecot is back")
            client.close()


@tap.as_root
def test_root_asks_only_root(folder):
    """A server that somebody else has started would say whom root becomes."""
    os.chmod(folder, 0o777)
    env = site(folder, 'users = dovecot\ndovecot_socket = "%s/userdb"\n' % folder)
    pid = os.fork()
    if pid == 0:
        tap.become_nobody()
        with fake(folder, {"ann@example.jp": "uid=1\tgid=1\thome=/tmp"}):
            time.sleep(tap.PATIENCE)
        os._exit(0)
    try:
        tap.wait_for("the server", lambda: tap.is_served(folder + "/userdb"))
        tap.same(refused(env, "ann@example.jp"), "4.3.5")
        tap.contains(open(folder + "/log", encoding="utf-8").read(), "fault=untrusted")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@tap.as_root
def test_variables_as_dovecot(folder):
    """The same template for the same user is the same path."""
    if dovecot_conf.IS_NEW:
        raise tap.Skip("the one-letter forms are of Dovecot 2.3")
    os.chmod(folder, 0o755)
    templates = ["%u", "%n", "%d", "%1n", "%2n", "%1.1n", "%-2.2n", "%-2n", "%Un", "%Ld", "%Rn", "%Mu", "%Hu", "%2.256Hu", "%2.16Nu", "%Nu",
                 "%3.1000Nn", "%LUn", "%{user}", "%{username}/%{domain}", "%09n", "%U{user}"]
    os.mkdir(folder + "/h")
    home = folder + "/h/" + "/".join("a%s" % template for template in templates)
    env = site(folder, 'users = virtual\nvirtual_user = nobody\nmaildir = "%s"\n' % home)
    with user_sources.Dovecot(folder, dovecot_conf.users(65534, 65534, home, every_name="yes") + dovecot_conf.passwords() +
                              dovecot_conf.block("service auth", dovecot_conf.block("unix_listener auth-userdb", "mode = 0600", "user = root"))):
        for user in ("ann@example.jp", "b@example.org", "taro.yamada@sub.example.jp"):
            said = subprocess.run(["doveadm", "-c", folder + "/dovecot.conf", "user", "-f", "home", user], capture_output=True, check=True)
            got = tap.todoke("account", "--json", user, env=env)
            places = [fact["value"] for fact in json.loads(got.stdout)["facts"] if fact["name"] == "maildir"] if got.stdout else [got.stderr]
            tap.same(places, [said.stdout.decode().strip()], user)


# Lines of passwd_file.


def test_passwd_file_fields(folder):
    with open(folder + "/passwd", "w", encoding="utf-8") as file:
        file.write("ann@example.jp:{PLAIN}x:::Ann:%s/home/ann::allow_nets=10.0.0.0/8 userdb_mail=maildir:~/mail:LAYOUT=fs userdb_quota_rule=*:storage=1G\n"
                   "held:x:::Held:/h::userdb_held=yes\nnohome:x:::::: userdb_mail=maildir:%s/home/nohome/mail\nbad:x:::::::\n"
                   "kind:x::::/h::userdb_mail=mbox:~/mail\n" % (folder, folder))
    env = site(folder, 'passwd_file = "%s/passwd"\n' % folder)
    found = facts(env, "ann@example.jp")
    tap.same(found["source"], [("passwd_file (%s/passwd)" % folder, None)])
    tap.same(found["maildir"], [(folder + "/home/ann/mail", "passwd_file")])
    tap.same([value for value, _ in found["setting"]], ["folder_layout=fs", "quota_bytes=1073741824", "quota=site"])
    with open(folder + "/mail.eml", "wb") as file:
        file.write(MAIL)
    tried = tap.todoke("try", "--rcpt", "ann@example.jp", folder + "/mail.eml", env=env).stdout.decode()
    tap.contains(tried, "source of the account: passwd_file; its settings: folder_layout=fs, quota_bytes=1073741824, quota=site\n")
    told = json.loads(tap.todoke("try", "--json", "--rcpt", "ann@example.jp", folder + "/mail.eml", env=env).stdout)
    tap.same((told["source"], told["source_settings"]), ("passwd_file", ["folder_layout=fs", "quota_bytes=1073741824", "quota=site"]))
    tap.same(deliver(env, "ann@example.jp").returncode, 0)
    tap.same(stored(folder + "/home/ann/mail"), 1)
    tap.same(deliver(env, "nohome@example.jp").returncode, 0)
    tap.same(stored(folder + "/home/nohome/mail"), 1)
    tap.same(refused(env, "held@example.jp"), "4.2.1")
    tap.same(refused(env, "bad@example.jp"), "4.3.5")
    tap.same(refused(env, "kind@example.jp"), "4.3.5")
    tap.same(refused(env, "ann"), "5.1.1")
    tap.contains(log_of(folder), 'detail="passwd_file \'%s/passwd\' has no line for this name"' % folder)
    tap.same(users_of(env), ["ann@example.jp", "held", "nohome"])
    for name in HOSTILE:
        tap.same(refused(env, name), "5.1.1", name)


def settle(path):
    """What was changed a moment ago is read each time; behind that it is kept for as long as it stays the same."""
    tap.wait_for("the file to be old enough to be kept", lambda: time.time() > os.stat(path).st_ctime + 4)


def write_as(path, text):
    """The same file, with the times it had."""
    before = os.stat(path)
    with open(path, "r+", encoding="utf-8") as file:
        file.truncate(0)
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_change_of_passwd_file_counts_at_once(folder):
    """Also one of the same length and time, another file in its place, and none at all."""
    path, ann, bob = folder + "/passwd", "ann@example.jp:::::%s/home/ann\n" % folder, "bob@example.jp:::::%s/home/bob\n" % folder
    open(path, "w", encoding="utf-8").write(ann)
    env = site(folder, 'passwd_file = "%s"\nusers_cache = 0\n' % path)
    with lmtp_client.Server(folder, conf=env["TODOKE_CONF"]) as lmtpd:
        client = lmtpd.client().greet()

        def known():
            said = {}
            for name in ("ann", "bob"):
                client.say("MAIL FROM:<s@x.test>")
                said[name] = client.say("RCPT TO:<%s@example.jp>" % name)[:9]
                client.say("RSET")
            return said

        only_ann = {"ann": "250 2.1.5", "bob": "550 5.1.1"}
        only_bob = {"ann": "550 5.1.1", "bob": "250 2.1.5"}
        settle(path)
        tap.same((known(), known()), (only_ann, only_ann))
        write_as(path, bob)
        tap.same(known(), only_bob, "the same length and time")
        settle(path)
        tap.same((known(), known()), (only_bob, only_bob))
        os.unlink(path)
        tap.same({answer[:3] for answer in known().values()}, {"451"}, "no file")
        open(path, "w", encoding="utf-8").write(ann)
        tap.same(known(), only_ann, "a new one")
        write_as(path, bob)
        tap.same(known(), only_bob, "twice within a moment")
        client.close()


@tap.as_root
def test_a_passwd_file_that_others_may_write_from_now_on(folder):
    os.chmod(folder, 0o755)
    path = folder + "/passwd"
    with open(path, "w", encoding="utf-8") as file:
        for name in ("ann", "bob"):
            os.makedirs(folder + "/home/" + name)
            os.chown(folder + "/home/" + name, 64111, 64111)
            file.write("%s@example.jp::64111:64111::%s/home/%s\n" % (name, folder, name))
    os.chmod(path, 0o644)
    env = site(folder, 'passwd_file = "%s"\nusers_cache = 0\n' % path)
    with lmtp_client.Server(folder, conf=env["TODOKE_CONF"]) as lmtpd:
        client = lmtpd.client().greet()
        settle(path)
        for _ in range(2):
            tap.contains(client.deliver("ann@example.jp")[0], "250 ", lmtpd.read_log())
        os.chmod(path, 0o666)
        client.say("MAIL FROM:<s@x.test>")
        tap.contains(client.say("RCPT TO:<bob@example.jp>"), "4.3.5", "who was not taken before")
        client.close()


# Other addresses of a user.


def test_catch_all_and_domain_aliases(folder):
    env = dovecot_site(folder, 'domain_aliases = { "example.org=example.jp" }\ncatch_all = "info@%d"\n'
                       'domain "strict.jp" { catch_all = "" }\n')
    replies = {name + "@example.jp": "home=%s/home/%s" % (folder, name) for name in ("ann", "info")}
    with fake(folder, replies):
        tap.same(deliver(env, "ann@example.org").returncode, 0)
        tap.same(stored(folder + "/home/ann/Maildir"), 1)
        tap.same(deliver(env, "nobody@example.org").returncode, 0)
        tap.same(stored(folder + "/home/info/Maildir"), 1)
        tap.same(refused(env, "nobody@other.jp"), "5.1.1", "no info there")
        tap.same(refused(env, "nobody@strict.jp"), "5.1.1", "no catch-all there")
        tap.same([value for value, _ in facts(env, "nobody@example.jp")["addresses"]], ["info@example.jp, nobody@example.jp"])


def test_detail_folder(folder):
    env = site(folder, 'users = virtual\nmaildir = "%s/home/%%n"\ndetail_folder = existing\nuser "eve" { detail_folder = create }\n' % folder)
    os.makedirs(folder + "/home/ann/.shop/cur")
    os.makedirs(folder + "/home/ann/.shop/new")
    os.makedirs(folder + "/home/ann/.shop/tmp")
    for rcpt in ("ann+shop@x.test", "ann+other@x.test", "ann@x.test", "ann+../../up@x.test", "eve+new/part@x.test", "eve@x.test"):
        tap.same(deliver(env, rcpt).returncode, 0, rcpt)
    tap.same([stored(folder + "/home/" + box) for box in ("ann/.shop", "ann", "ann/.other", "eve/.new.part", "eve")], [1, 3, 0, 1, 1])
    tap.same(sorted(os.listdir(folder + "/home")), ["ann", "eve"])


def test_owner_settings(folder):
    env = site(folder, 'users = virtual\nmaildir = "%s/home/%%n/Maildir"\nowner_settings = "~/.config/todoke/todoke.conf"\n'
               'sender_block = { "bad@x.test" }\nmessage_size_limit = 1M\n' % folder)
    os.makedirs(folder + "/home/ann/.config/todoke")
    own = folder + "/home/ann/.config/todoke/todoke.conf"
    with open(own, "w", encoding="utf-8") as file:
        file.write('sender_block = { "worse@x.test" }\ndetail_folder = create\nquota = off\nmessage_size_limit = 2M\n'
                   'maildir = "/etc"\nrule "x" { header = "Subject" }\ninclude "/etc/passwd"\nnonsense\n')
    tap.same(refused(env, "ann@x.test", sender="bad@x.test"), "5.7.1", "the site's list")
    tap.same(refused(env, "ann@x.test", sender="worse@x.test"), "5.7.1", "the owner's list")
    tap.same(refused(env, "bob@x.test", sender="worse@x.test"), "", "somebody else")
    tap.same(deliver(env, "ann+shop@x.test").returncode, 0)
    tap.same(stored(folder + "/home/ann/Maildir/.shop"), 1)
    tap.contains(open(folder + "/log", encoding="utf-8").read(), "todoke.conf:3: 'quota' is not for owners to say (and ", "log")
    tap.same(refused(env, "ann@x.test", mail=MAIL + b"x\n" * 600000), "5.2.3", "the site's limit")
    for text, part in (("maildir = /etc", "'maildir' is not for owners to say"), ("message_size_limit = 2M", "'message_size_limit' may only be lower"),
                       ("message_size_limit = 0", "'message_size_limit' may only be lower"), ('include "/etc/passwd"', "'/etc/passwd' is not included"),
                       ('rule "x" { header = "Subject" }', "'rule' stands only in the site's file"), ("nonsense", "nonsense")):
        os.unlink(folder + "/log")
        with open(own, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        tap.same(refused(env, "ann@x.test"), "", text)
        tap.contains(open(folder + "/log", encoding="utf-8").read(), part, "log")
    with open(own, "w", encoding="utf-8") as file:
        file.write("message_size_limit = 1k\n")
    tap.same(refused(env, "ann@x.test", mail=MAIL + b"x\n" * 600), "5.2.3", "the owner's limit")
    os.chmod(own, 0o666)
    tap.same(refused(env, "ann@x.test", mail=MAIL + b"x\n" * 600), "", "a file that others can write is not used")


# SQL.

TABLES = """CREATE TABLE users (name TEXT PRIMARY KEY, home TEXT, quota_rule TEXT, held TEXT, uid INTEGER);
CREATE TABLE aliases (name TEXT, target TEXT);
INSERT INTO users VALUES ('ann@example.jp', '%(home)s/ann', '*:storage=1M', NULL, NULL);
INSERT INTO users VALUES ('held@example.jp', '%(home)s/held', NULL, 'yes', NULL);
INSERT INTO users VALUES ('root@example.jp', '/root', NULL, NULL, 0);
INSERT INTO aliases VALUES ('sales@example.jp', 'ann@example.jp'), ('two@example.jp', 'ann@example.jp'), ('two@example.jp', 'held@example.jp');
INSERT INTO aliases VALUES ('loop@example.jp', 'pool@example.jp'), ('pool@example.jp', 'loop@example.jp');
INSERT INTO aliases VALUES ('far@example.jp', 'sales@example.jp');
""" + "".join("INSERT INTO aliases VALUES ('hop%d@example.jp', '%s@example.jp');\n" % (n, "hop%d" % (n + 1) if n < tap.limit("ALIAS_HOPS") else "ann")
              for n in range(tap.limit("ALIAS_HOPS") + 1))

QUERIES = 'sql_user_query = "SELECT home, quota_rule, held, uid FROM users WHERE name = %u"\n' \
          'sql_users_query = "SELECT name FROM users ORDER BY name"\nsql_alias_query = "SELECT target FROM aliases WHERE name = %Lu"\n'


def sql_site(folder, where, text=QUERIES):
    return site(folder, 'users = sql\nusers_timeout = 60\nsql_database = "%s"\n%s' % (where, text))


def use_data_base(folder, env):
    """What holds for each data base with TABLES."""
    tap.same(deliver(env, "ann@example.jp").returncode, 0)
    tap.same(deliver(env, "Sales+x@Example.JP").returncode, 0)
    tap.same(deliver(env, "far@example.jp").returncode, 0)
    tap.same(stored(folder + "/home/ann/Maildir"), 3)
    found = facts(env, "ann@example.jp")
    tap.same([value for value, _ in found["setting"]], ["quota_bytes=1048576", "quota=site"])
    tap.same(refused(env, "no@example.jp"), "5.1.1")
    tap.same(refused(env, "held@example.jp"), "4.2.1")
    tap.same(refused(env, "root@example.jp"), "4.3.5", "uid 0")
    tap.same(refused(env, "two@example.jp"), "4.3.5", "an alias of several")
    tap.same(refused(env, "loop@example.jp"), "4.3.5", "aliases in a circle")
    tap.same(refused(env, "hop0@example.jp"), "4.3.5", "one alias more than may lead to one")
    tap.same(deliver(env, "hop1@example.jp").returncode, 0, "as many as may")
    for name in HOSTILE:
        tap.same(refused(env, name), "5.1.1", name)
    tap.same(users_of(env), ["ann@example.jp", "held@example.jp"], "the list, without who cannot have mail")


def make_sqlite(folder, name="users.db"):
    path = os.path.join(folder, name)
    with sqlite3.connect(path) as db:
        db.executescript(TABLES % {"home": folder + "/home"})
    db.close()
    return path


def test_sqlite(folder):
    path = make_sqlite(folder)
    env = sql_site(folder, "sqlite:" + path)
    tap.same(facts(env, "ann@example.jp")["source"], [("sql (%s)" % path, None)])
    use_data_base(folder, env)
    tap.same([refused(env, name) for name in ("eve@example.jp", "e\x7fve@example.jp")], ["5.1.1", "5.1.1"])
    for words in ("users = sql has nobody of this name", "users = sql is not asked for it"):
        tap.contains(log_of(folder), words)
    with sqlite3.connect(path) as db:
        tap.same(db.execute("SELECT count(*) FROM users").fetchone(), (3,), "nothing is written")
        db.execute("INSERT INTO users VALUES ('nul@example.jp', '%s/home/nul' || char(0) || '/x', NULL, NULL, NULL)" % folder)
        db.commit()
    tap.same(refused(env, "nul@example.jp"), "4.3.0", "a home with a NUL is none")
    tap.same(os.path.exists(folder + "/home/nul"), False)
    os.unlink(path)
    tap.same(refused(env, "ann@example.jp"), "4.3.0", "no file")
    tap.same(os.path.exists(path), False, "and none is made")
    with open(path, "w", encoding="utf-8") as file:
        file.write("this is no data base" * 100)
    tap.same(refused(env, "ann@example.jp"), "4.3.0", "garbage")


def test_sql_settings(folder):
    path = make_sqlite(folder)
    for text, code, part in (
            ('sql_user_query = "SELECT home FROM users WHERE name = \'%u\'"\n', "4.3.5", "without quotes"),
            ('sql_user_query = "SELECT home FROM users WHERE name = %x"\n', "4.3.5", "is not known"),
            ('sql_user_query = "SELECT home FROM nowhere WHERE name = %u"\n', "4.3.0", "no such table"),
            ('sql_user_query = "DELETE FROM users WHERE name = %u"\n', "4.3.0", "readonly"),
            ("", "4.3.5", "sql_user_query"),
            ('sql_user_query = "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x) SELECT count(*) FROM x"\nusers_timeout = 1\n', "4.3.0",
             "interrupted"),
            ('sql_user_query = "SELECT hex(zeroblob(40000)) AS home"\n', "4.3.0", "too long")):
        env = site(folder, 'users = sql\nsql_database = "sqlite:%s"\n%s' % (path, text))
        tap.same(refused(env, "ann@example.jp"), code, text)
        tap.contains(open(folder + "/log", encoding="utf-8").read(), part, "log")
        os.unlink(folder + "/log")
    env = site(folder, 'users = sql\nsql_database = "mysql:x"\nsql_user_query = "SELECT 1"\n')
    tap.same(refused(env, "ann@example.jp"), "4.3.5", "another data base")
    env = sql_site(folder, "sqlite:" + path, 'sql_user_query = "SELECT home FROM users WHERE name LIKE \'%%@example.jp\' AND name = %n || \'@\' || %d"\n')
    tap.same(deliver(env, "ann@example.jp").returncode, 0, "halves of the address, and a quoted percent sign")


@tap.as_root
def test_root_reads_only_roots_data_base(folder):
    os.chmod(folder, 0o755)
    path = make_sqlite(folder)
    env = sql_site(folder, "sqlite:" + path)
    os.chown(path, 65534, 65534)
    tap.same(refused(env, "ann@example.jp"), "4.3.5")
    tap.contains(open(folder + "/log", encoding="utf-8").read(), "chown root")


def test_postgresql(folder):
    if not os.path.exists(os.path.join(os.environ.get("TODOKE_MODULE_DIR", ""), "todoke-users-postgresql.so")):
        raise tap.Skip("built without libpq")
    with user_sources.PostgreSQL(folder) as server:
        server.run(TABLES % {"home": folder + "/home"})
        env = sql_site(folder, server.where())
        use_data_base(folder, env)
        short = sql_site(folder, server.where(), 'users_timeout = 1\nsql_user_query = "SELECT pg_sleep(600)::text"\n')
        tap.same(refused(short, "ann@example.jp"), "4.3.0", "slow")
        env = sql_site(folder, server.where(), QUERIES + "lmtp_workers = 1\nusers_cache = 0\nadd_mark = no\n")
        with lmtp_client.Server(folder, conf=env["TODOKE_CONF"]) as lmtpd:
            client = lmtpd.client().greet()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ", "delivery")
            server.stop()
            client.say("MAIL FROM:<s@x.test>")
            tap.contains(client.say("RCPT TO:<ann@example.jp>"), "451 4.3.0", "the server is down")
            server.start()
            tap.contains(client.say("RCPT TO:<ann@example.jp>"), "250 ", "the server is back")
            tap.contains(client.say("RCPT TO:<no@example.jp>"), "550 5.1.1", "unknown")
            client.close()
    tap.same(refused(env, "ann@example.jp"), "4.3.0", "no server")
    tap.same("password" in open(folder + "/log", encoding="utf-8").read(), False)


# LDAP.

LDIF = user_sources.LDIF_HEAD + """dn: uid=ann,%(base)s
objectClass: inetOrgPerson
objectClass: posixAccount
uid: ann
cn: Ann
sn: A
mail: ann@example.jp
uidNumber: %(uid)d
gidNumber: %(gid)d
homeDirectory: %(home)s/ann
employeeType: *:storage=1M
description: sales@example.jp

dn: uid=bob,%(base)s
objectClass: inetOrgPerson
objectClass: posixAccount
uid: bob
cn: Bob
sn: B
mail: bob@example.jp
uidNumber: %(uid)d
gidNumber: %(gid)d
homeDirectory: %(home)s/bob
employeeNumber: yes

dn: uid=twin,%(base)s
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: T
mail: twin@example.jp

dn: uid=twin2,%(base)s
objectClass: inetOrgPerson
uid: twin2
cn: Twin
sn: T
mail: twin@example.jp

"""


def test_ldap(folder):
    if not os.path.exists(os.path.join(os.environ.get("TODOKE_MODULE_DIR", ""), "todoke-users-ldap.so")):
        raise tap.Skip("built without libldap")
    ldif = LDIF % {"base": user_sources.LDAP_BASE, "home": folder + "/home", "uid": os.geteuid(), "gid": os.getegid()}
    with user_sources.Slapd(folder, ldif) as server:
        with open(folder + "/secret", "w", encoding="utf-8") as file:
            file.write("reading\n")
        os.chmod(folder + "/secret", 0o600)
        text = 'users = ldap\nusers_timeout = 60\nldap_uri = "%s"\nldap_base = "%s"\nldap_bind = "uid=todoke,%s"\nldap_password_file = "%s/secret"\n' \
               'ldap_alias_filter = "(description=%%u)"\n' \
               'ldap_fields = { "home=homeDirectory", "uid=uidNumber", "gid=gidNumber", "quota_rule=employeeType", "held=employeeNumber" }\n' % (server.uri, user_sources.LDAP_BASE, user_sources.LDAP_BASE, folder)
        env = site(folder, text)
        tap.same(deliver(env, "ann@example.jp").returncode, 0)
        tap.same(deliver(env, "sales+x@example.jp").returncode, 0)
        tap.same(stored(folder + "/home/ann/Maildir"), 2)
        found = facts(env, "ann@example.jp")
        tap.same(found["source"], [("ldap (%s)" % server.uri, None)])
        tap.same([value for value, _ in found["setting"]], ["quota_bytes=1048576", "quota=site"])
        tap.same(refused(env, "bob@example.jp"), "4.2.1", "held")
        tap.same(refused(env, "no@example.jp"), "5.1.1")
        tap.same(refused(env, "twin@example.jp"), "4.3.5", "two entries")
        for name in HOSTILE:
            tap.same(refused(env, name), "5.1.1", name)
        tap.same(users_of(env), ["ann@example.jp", "bob@example.jp"])
        os.chmod(folder + "/secret", 0o644)
        tap.same(refused(env, "ann@example.jp"), "4.3.5", "a password that all can read")
        os.chmod(folder + "/secret", 0o600)
        with open(folder + "/secret", "w", encoding="utf-8") as file:
            file.write("wrong\n")
        tap.same(refused(env, "ann@example.jp"), "4.3.0", "a wrong password")
        tap.same(refused(site(folder, text + 'ldap_user_filter = "(mail=%x)"\n'), "ann@example.jp"), "4.3.5", "a variable that is none")
        tap.same(refused(site(folder, text + 'ldap_user_filter = "(mail=%u"\n'), "ann@example.jp"), "4.3.0", "no filter")
        with open(folder + "/secret", "w", encoding="utf-8") as file:
            file.write("reading\n")
        env = site(folder, text + "lmtp_workers = 1\nusers_cache = 0\nadd_mark = no\n")
        with lmtp_client.Server(folder, conf=env["TODOKE_CONF"]) as lmtpd:
            client = lmtpd.client().greet()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ", "delivery")
            server.stop()
            client.say("MAIL FROM:<s@x.test>")
            tap.contains(client.say("RCPT TO:<ann@example.jp>"), "451 4.3.0", "the server is down")
            server.start()
            tap.contains(client.say("RCPT TO:<ann@example.jp>"), "250 ", "the server is back")
            client.close()
    tap.same(refused(env, "ann@example.jp"), "4.3.0", "no server")


if __name__ == "__main__":
    tap.run([test for name, test in list(globals().items()) if name.startswith("test_")])
