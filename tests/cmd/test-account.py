#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke account`: what is known of a user, the list of users, making a mailbox, and the test message."""

import json
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap


def site(folder, text=""):
    os.makedirs(os.path.join(folder, "mail"))
    path = os.path.join(folder, "todoke.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write('maildir = "%s/mail/%%d/%%n"\ntree_memory = "%s/trees"\n%s' % (folder, folder, text))
    return {"TODOKE_CONF": path}


def facts(env, user):
    answer = json.loads(tap.todoke("account", "--json", user, env=env).stdout)
    tap.same((answer["schema"], answer["user"]), ("todoke.account/1", user))
    return {fact["name"]: (fact["value"], fact["from"]) for fact in answer["facts"] if fact["name"] not in ("script", "limit")}, answer["facts"]


def test_what_is_known(folder):
    env = site(folder, 'quota = site\nquota_bytes = 1M\nsieve_before = { "/etc/none.sieve" }\n')
    os.makedirs(folder + "/mail/example.jp/ann/cur")
    for name, text in (("mail/example.jp/ann/cur/1700000000.M1.h:2,S", "x" * 30), ("mail/example.jp/.dovecot.sieve", "keep;\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    found, every = facts(dict(env, TZ="UTC"), "ann@example.jp")
    conf = folder + "/todoke.conf"
    tap.same(found["maildir"], (folder + "/mail/example.jp/ann", "maildir, %s:1" % conf))
    tap.same(found["home"], (folder + "/mail/example.jp", "the folder of the INBOX"))
    tap.same(found["quota"], ("30 octets in 1 messages, limit 1048576S", "quota_bytes, %s:4" % conf))
    tap.same([{key: fact.get(key) for key in ("bytes", "messages", "limit_bytes", "limit_messages")} for fact in every if fact["name"] == "quota"],
             [{"bytes": 30, "messages": 1, "limit_bytes": 1048576, "limit_messages": None}])
    tap.same(found["last mail"][0], "2023-11-14 22:13:20")
    tap.same([(fact["value"], fact["from"]) for fact in every if fact["name"] == "script"],
             [("1. /etc/none.sieve", "before"), ("2. %s/mail/example.jp/.dovecot.sieve" % folder, "owner")])


def quota_line(folder, settings, mails=(), file=None, language="C.UTF-8"):
    """What is printed of ann's quota, and in brackets where the limit comes from."""
    env = site(folder, settings)
    box = folder + "/mail/example.jp/ann"
    os.makedirs(box + "/cur")
    for number, octets in enumerate(mails):
        with open("%s/cur/17000000%02d.M1.h,S=%d:2,S" % (box, number, octets), "w", encoding="ascii") as mail:
            mail.write("x")
    if file is not None:
        with open(box + "/maildirsize", "w", encoding="ascii") as size:
            size.write(file)
    printed = tap.todoke("account", "ann@example.jp", env=dict(env, LC_ALL=language)).stdout.decode()
    return re.search(r"^  quota +(.*?)  \((.*)\)$", printed, re.M).groups()


def test_quota_for_people(folder):
    """Units as in the notice to the owner; what counts one is not "1 messages"; the setting that limits is named, and only that."""
    conf = "%s/todoke.conf"
    for number, (settings, mails, file, printed, source) in enumerate((
            ("quota = site\nquota_bytes = 5G\n", (222,), None, "222 bytes in 1 message, limit 5.0 GiB", "quota_bytes, %s:4" % conf),
            ("quota = site\nquota_bytes = 5G\n", (), None, "0 bytes in 0 messages, limit 5.0 GiB", "quota_bytes, %s:4" % conf),
            ("quota = site\nquota_messages = 1\n", (1024, 512), None, "1.5 KiB in 2 messages, limit 1 message", "quota_messages, %s:4" % conf),
            ("quota = site\nquota_bytes = 1M\nquota_messages = 10\n", (1,), None, "1 byte in 1 message, limit 1.0 MiB or 10 messages",
             "quota_bytes, %s:4; quota_messages, %s:5" % (conf, conf)),
            ("quota = maildirsize\n", (14,), "20971520S,10C\n14 1\n", "14 bytes in 1 message, limit 20.0 MiB or 10 messages",
             "the first line of the INBOX's maildirsize; quota, %s:3" % conf))):
        inner = os.path.join(folder, str(number))
        os.mkdir(inner)
        tap.same(quota_line(inner, settings, mails, file), (printed, source.replace("%s", inner)), settings)


def test_quota_in_japanese(folder):
    tap.same(quota_line(folder, "quota = site\nquota_bytes = 1M\nquota_messages = 10\n", (2048,), language="ja_JP.UTF-8")[0],
             "1 通、2.0 KiB (上限 1.0 MiB または 10 通)")


def test_looking_changes_nothing(folder):
    env = site(folder)
    tap.same(facts(env, "ann@example.jp")[0]["mailbox"], ("not there yet", "the first delivery makes it"))
    tap.same(sorted(os.listdir(folder + "/mail")), [])


def test_what_may_not_be_seen(folder):
    """It is not said to be missing."""
    env = site(folder)
    os.makedirs(folder + "/mail/example.jp/ann/cur")
    os.chmod(folder + "/mail", 0)
    try:
        found, _ = facts(env, "ann@example.jp")
    finally:
        os.chmod(folder + "/mail", 0o755)
    tap.contains(found["mailbox"][0], "Permission denied")
    tap.contains(found["state"][0], " (cannot be seen: Permission denied)")


def test_create(folder):
    env = site(folder, "create_maildir = no\n")
    os.makedirs(folder + "/mail/other")
    tap.same(facts(env, "ann@example.jp")[0]["mailbox"], ("not there yet", "create_maildir is no"))
    tap.same(tap.todoke("account", "--create", "ann@example.jp", env=env).returncode, 0)
    box = folder + "/mail/example.jp/ann"
    tap.same(sorted(os.listdir(box)), ["cur", "new", "tmp"])
    tap.same([os.stat(os.path.join(box, name)).st_mode & 0o777 for name in ("", "new", "cur", "tmp")], [0o700] * 4)
    tap.same(tap.todoke("account", "--create", "ann@example.jp", env=env).returncode, 0)


def test_create_that_fails(folder):
    env = site(folder)
    os.chmod(folder + "/mail", 0o500)
    result = tap.todoke("account", "--create", "ann@example.jp", env=env)
    tap.same(result.returncode, 1)
    tap.contains(result.stderr, b"ann@example.jp: ")


def test_list(folder):
    env = site(folder)
    for path in ("example.jp/ann", "example.jp/bob", "example.org/eve", "example.org/.hidden"):
        os.makedirs(os.path.join(folder, "mail", path))
    os.symlink("/usr", os.path.join(folder, "mail", "link"))
    open(os.path.join(folder, "mail", "example.jp", "file"), "w", encoding="ascii").close()
    tap.same(tap.todoke("account", "--list", env=env).stdout.split(), [b"ann@example.jp", b"bob@example.jp", b"eve@example.org"])
    tap.same(json.loads(tap.todoke("account", "--list", "--json", env=env).stdout),
             {"schema": "todoke.accounts/1", "users": ["ann@example.jp", "bob@example.jp", "eve@example.org"]})


def test_list_of_other_templates(folder):
    for number, (template, path, user) in enumerate((("%u", "a@b.c", b"a@b.c"), ("%d/u/%n/Maildir", "b.c/u/a", b"a@b.c"), ("%n", "a", b"a"))):
        place = os.path.join(folder, str(number))
        os.makedirs(os.path.join(place, path))
        tap.same(tap.todoke("account", "--list", "-o", "maildir=%s/%s" % (place, template)).stdout.split(), [user], template)
    result = tap.todoke("account", "--list", "-o", "maildir=%s/%%n-%%d" % folder)
    tap.same(result.returncode, 1)
    tap.contains(result.stderr, b"cannot be listed")


def test_list_of_passwd_file(folder):
    with open(folder + "/passwd", "w", encoding="ascii") as file:
        file.write("# a comment:\nann@example.jp:x::::/a\n\nbob@example.jp:x::::/b\n")
    env = site(folder, 'users = passwd_file\npasswd_file = "%s/passwd"\n' % folder)
    tap.same(tap.todoke("account", "--list", env=env).stdout.split(), [b"ann@example.jp", b"bob@example.jp"])


def test_list_of_accounts_of_the_system(_):
    want = sorted(entry.pw_name for entry in pwd.getpwall() if 1000 <= entry.pw_uid <= 60000)
    tap.same(tap.todoke("account", "--list").stdout.decode().split(), want)


def test_send_test(folder):
    env = site(folder)
    result = tap.todoke("account", "--send-test", "ann@example.jp", env=env)
    tap.same((result.returncode, result.stderr), (0, b""))
    last = result.stdout.decode().splitlines()[-1]
    if not re.fullmatch(r"a test message to ann@example.jp was delivered in \d+\.\d\d s", last):
        raise AssertionError(last)
    tap.same(len(os.listdir(folder + "/mail/example.jp/ann/new")), 1)


def test_send_test_with_a_relative_configuration(folder):
    name = os.path.basename(site(folder)["TODOKE_CONF"])
    result = subprocess.run([tap.TODOKE, "account", "-c", name, "--send-test", "ann@example.jp"], cwd=folder, capture_output=True, check=False)
    tap.same((result.returncode, result.stderr), (0, b""))


def test_json_is_a_line_for_each_user(folder):
    """Whatever else is asked for, standard output has objects and nothing else."""
    env = site(folder)
    for args in (("--send-test",), ("--create", "--send-test"), ()):
        result = tap.todoke("account", "--json", *args, "ann@example.jp", "bob@example.jp", env=env)
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        tap.same((result.returncode, [answer["user"] for answer in answers]), (0, ["ann@example.jp", "bob@example.jp"]), args)
        tests = [fact["value"] for answer in answers for fact in answer["facts"] if fact["name"] == "test"]
        tap.same([bool(re.fullmatch(r"delivered in \d+\.\d\d s", test)) for test in tests], [True] * (2 if args else 0), args)
    tap.same(len(os.listdir(folder + "/mail/example.jp/ann/new")), 2)


def test_send_test_by_lmtp(folder):
    """Where todoke.conf says where lmtpd listens, the message goes there."""
    socket = folder + "/lmtp"
    env = site(folder, 'lmtp_listen = { "unix:%s" }\n' % socket)
    result = tap.todoke("account", "--send-test", "ann@example.jp", env=env)
    tap.same((result.returncode, b"was not delivered: No such file" in result.stderr), (1, True))
    server = subprocess.Popen([tap.TODOKE, "lmtpd"], env={**os.environ, **env}, stderr=subprocess.DEVNULL)
    try:
        tap.wait_for("lmtpd", lambda: tap.is_served(socket))
        result = tap.todoke("account", "--send-test", "ann@example.jp", env=env)
        tap.same((result.returncode, result.stderr), (0, b""))
        tap.same(len(os.listdir(folder + "/mail/example.jp/ann/new")), 1)
        result = tap.todoke("account", "--send-test", "a/b@example.jp", env=env)
        tap.same(result.returncode, 1)
    finally:
        server.terminate()
        server.wait()


def test_send_test_that_fails(folder):
    env = site(folder)
    os.makedirs(folder + "/mail/example.jp/ann")
    os.chmod(folder + "/mail/example.jp/ann", 0o500)
    result = tap.todoke("account", "--send-test", "ann@example.jp", env=env)
    tap.same(result.returncode, 1)
    tap.contains(result.stderr, b"was not delivered: 4.")


def test_usage(_):
    for args in ((), ("--list", "ann"), ("--list", "--create"), ("--bad",)):
        tap.same(tap.todoke("account", *args).returncode, 2, args)
    result = tap.todoke("account", "no-such-user")
    tap.same((result.returncode, result.stderr), (1, b"todoke account: no-such-user: the system has no account of this name\n"))


@tap.as_root
def test_root_becomes_the_owner(folder):
    os.chmod(folder, 0o755)
    env = site(folder, 'virtual_user = "nobody"\n')
    os.chown(folder + "/mail", tap.NOBODY, tap.NOBODY)
    result = tap.todoke("account", "--create", "--send-test", "ann@example.jp", env=env)
    tap.same((result.returncode, result.stderr), (0, b""))
    tap.same({os.lstat(os.path.join(folder, "mail", path)).st_uid for path in tap.files_below(folder + "/mail") if ".todoke-tree" not in path}, {tap.NOBODY})


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
