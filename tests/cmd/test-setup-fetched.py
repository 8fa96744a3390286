#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke setup postfix --fetched` and root's mail, with configurations as they are met; tests/e2e/e2e-setup sends the mail."""

import json
import os
import pwd
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import postfix_conf
import tap
from postfix_conf import POSTCONF, codes, long_ago, plan, setup

MAIN = """# a comment of the admin
compatibility_level = 3.6
myhostname = mx.example.jp
queue_directory = /var/spool/postfix
mydestination = mx.example.jp,
    # between two lines of one value
    localhost
"""
MASTER = """# services
smtp      inet  n       -       y       -       -       smtpd
cleanup   unix  n       -       y       -       0       cleanup
local     unix  -       n       n       -       -       local
lmtp      unix  -       -       y       -       -       lmtp
"""
ROOT = ("--root-mail-to", "admin@example.jp")
FETCH = ("cleanup", "unix", "n", "-", "n", "-", "0")


def postfix(folder, main="alias_maps =\n", master=""):
    return postfix_conf.write(folder, MAIN + main, MASTER + master)


def good(path, *args):
    result = setup(path, *args)
    tap.same((result.returncode, result.stderr), (0, b""), result.stdout)
    return result


def finding(path, code, *args):
    return next(found for found in plan(path, *args)["findings"] if found["code"] == code)


def test_alias_of_root_that_is_there(folder):
    """It is the admin's: --root-mail-to says that it stays."""
    cases = ("alias_maps = inline:{root=bob}\n", "bob", "inline:{root=bob}"), ("alias_maps =\nvirtual_alias_maps = inline:{root=bob}\n", "bob", "inline:{root=bob}")
    for number, (main, who, table) in enumerate(cases):
        inner = "%s/%d" % (folder, number)
        os.mkdir(inner)
        path = postfix(inner, main)
        for args in (("--door", "local"), ("--fetched", "smtpd"), ("--fetched", "lmtp")):
            answer = plan(path, *args, *ROOT)
            (found,) = [one for one in answer["findings"] if one["code"] in ("root-alias", "root-mail", "aliases-unlisted")][:1]
            if found["code"] == "aliases-unlisted":
                continue # of inline: nothing can be listed, and then nothing is changed
            tap.same(found["text"], "root's mail goes to %s by %s already: that stays, and --root-mail-to admin@example.jp is left out" % (who, table))
            tap.same([change for change in answer["changes"] if change["name"] == "alias_maps"], [])
            tap.same("root-alias" in codes(path, *args, "--root-mail-to", who + "@example.jp"), True)
        tap.same("root-alias" in codes(path, "--door", "local"), False)
    path = postfix(os.path.join(folder), "alias_maps =\n")
    tap.same(setup(path, "--door", "local", "--apply", *ROOT).returncode, 0)
    long_ago(path)
    tap.same("root-alias" in codes(path, "--door", "local", *ROOT), False, "as it was asked for before")
    tap.contains(finding(path, "root-alias", "--door", "local", "--root-mail-to", "other@example.jp")["text"], "goes to admin@example.jp by texthash:")


def content(path):
    found = {}
    for name in os.listdir(path):
        with open(os.path.join(path, name), "rb") as file:
            found[name] = file.read()
    return found


def postconf(path, *args):
    return subprocess.run([POSTCONF, "-c", path, *args], capture_output=True, check=True).stdout.decode().strip()


def value(path, name):
    return postconf(path, "-hx", name)


def service(path, name):
    return " ".join(postconf(path, "-M", name).split())


def port():
    return str(tap.unused_port())


def smtpd(number):
    return ("--fetched", "smtpd", "--fetch-port", number)


def table(path):
    with open(os.path.join(path, "todoke-aliases"), encoding="utf-8") as file:
        return [line for line in file.read().splitlines() if not line.startswith("#")]


def postalias(folder, table):
    """Its own main.cf: a machine on which Postfix was never set up has none."""
    path = os.path.join(folder, "postalias")
    os.makedirs(path, exist_ok=True)
    for name in ("main.cf", "master.cf"):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write("compatibility_level = 3.6\n" if name == "main.cf" else "")
    long_ago(path)
    subprocess.run(["postalias", "-c", path, table], check=True, capture_output=True)


def aliases(folder, text, kind="hash", name="aliases"):
    """An alias table for main.cf: its source, compiled where that kind is."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    if kind != "texthash":
        postalias(folder, "%s:%s" % (kind, path))
    return "%s:%s" % (kind, path)


def undone(path, before):
    tap.same(setup(path, "--undo").returncode, 0)
    tap.same(content(path), before)


def test_usage(folder):
    for args in (("--fetched", "x"), ("--fetched", "lmtp", "--door", "local"), ("--fetched", "lmtp", "--door", "pipe"), ("--fetch-port", "25"),
                 ("--fetched", "smtpd", "--fetch-port", "65536"), ("--fetched", "smtpd", "--fetch-port", "-1"), ("--root-mail-to", "root"),
                 ("--root-mail-to", "no-such-account"), ("--root-mail-to", ""), ("--root-mail-to", "|x@y"), ("--root-mail-to", "a@b, c"),
                 ("--root-mail-to", ":include:/x"), ("--root-mail-to", "/x@y")):
        result = tap.todoke("setup", "postfix", *args)
        tap.same((result.returncode, result.stdout), (2, b""), args)


# The port


def test_smtpd_twice_and_undo(folder):
    path, number = postfix(folder), port()
    before = content(path)
    tap.contains(good(path, *smtpd(number), *ROOT, "--apply").stdout, b"    smtphost localhost/%s\n" % number.encode())
    tap.same(service(path, "todoke-fetch/unix"), "todoke-fetch unix n - n - 0 cleanup -o header_checks=regexp:%s/todoke-fetch-headers"
             " -o mime_header_checks= -o nested_header_checks=" % path)
    tap.contains(service(path, "127.0.0.1:%s/inet" % number), "-o cleanup_service_name=todoke-fetch")
    again = plan(path, "--fetched", "smtpd")  # the port that is there
    tap.same((again["changes"], again["files"], again["findings"], again["fetchmail"]), ([], [], [], "smtphost localhost/" + number))
    tap.same(good(path, "--fetched", "smtpd", "--apply").returncode, 0)
    tap.same("local-loop-check" in codes(path, "--door", "local"), False)
    undone(path, before)
    tap.same(setup(path, "--undo").returncode, 1)


def test_printed_commands_do_the_same_as_apply(folder):
    for number, args in enumerate((smtpd(port()), ("--fetched", "lmtp"))):
        place = os.path.join(folder, "a b'%d" % number)  # quoted where it is printed
        os.mkdir(place)
        map_name = aliases(folder, "postmaster: root\n")
        path = postfix(place, main="alias_maps = %s\n" % map_name)
        good(path, *args, *ROOT, "--apply")
        wanted = content(path)
        setup(path, "--undo")
        answer = plan(path, *args, *ROOT)
        text = setup(path, *args, *ROOT).stdout.decode()
        for change in answer["files"] + answer["changes"]:
            tap.contains(text, change["command"])
            subprocess.run(["sh", "-c", change["command"]], check=True)
        del wanted["todoke-setup.json"]
        tap.same(content(path), wanted)


def test_port_that_is_taken(folder):
    number = port()
    path = postfix(folder, master="127.0.0.1:%s inet n - n - - smtpd -o content_filter=\n" % number)
    before = content(path)
    tap.contains(finding(path, "port-taken", *smtpd(number), *ROOT)["text"], "127.0.0.1:%s/inet" % number)
    result = setup(path, *smtpd(number), *ROOT, "--apply")
    tap.same((result.returncode, content(path)), (1, before))
    tap.contains(result.stderr, b"port-taken")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        tap.same(finding(path, "port-taken", *smtpd(str(other.getsockname()[1])), *ROOT)["blocks"], True)
    good(path, *smtpd(port()), *ROOT, "--apply")


def test_services_of_that_name_are_there(folder):
    """What an admin tried by hand becomes ours, and comes back."""
    number = port()
    path = postfix(folder, master="127.0.0.1:%s inet n - n - - smtpd\n    -o cleanup_service_name=todoke-fetch\n"
                   "todoke-fetch unix n - n - 0 cleanup\n" % number)
    before = content(path)
    tap.same([change["name"] for change in plan(path, "--fetched", "smtpd", *ROOT)["changes"] if change["file"] == "master.cf"],
             ["todoke-fetch/unix", "127.0.0.1:%s/inet" % number])
    good(path, "--fetched", "smtpd", *ROOT, "--apply")
    tap.contains(service(path, "127.0.0.1:%s/inet" % number), "smtpd_relay_restrictions=reject_unauth_destination")
    undone(path, before)


def test_what_the_usual_cleanup_does_is_done(folder):
    path = postfix(folder, main="alias_maps =\nheader_checks = regexp:/a, pcre:/b\nreceive_override_options = no_address_mappings,no_header_body_checks\n"
                   "smtpd_proxy_filter = localhost:1\nsmtpd_tls_security_level = encrypt\ninet_protocols = ipv6\n")
    subprocess.run([POSTCONF, "-c", path, "-Me", "cleanup/unix=cleanup unix n - y - 0 cleanup -o always_bcc=x@y -o nested_header_checks= -v"], check=True)
    number = port()
    good(path, *smtpd(number), *ROOT, "--apply")
    cleanup, fetch = service(path, "todoke-fetch/unix"), service(path, "[::1]:%s/inet" % number)
    for option in ("-o always_bcc=x@y", "-o {header_checks=regexp:%s/todoke-fetch-headers regexp:/a, pcre:/b}" % path,
                   "-o {mime_header_checks=regexp:/a, pcre:/b}", "-o nested_header_checks="):
        tap.contains(cleanup + " ", option + " ")
    tap.same(cleanup.count("header_checks="), 3)
    for option in ("-o receive_override_options=no_address_mappings", "-o smtpd_proxy_filter=", "-o smtpd_tls_security_level=may"):
        tap.contains(fetch + " ", option + " ")
    tap.same(plan(path, "--fetched", "smtpd", *ROOT)["changes"], [])


def test_the_table_of_headers(folder):
    """By Postfix's own reading: every form that local(8) compares, whole, and no other field."""
    path = postfix(folder)
    good(path, *smtpd(port()), *ROOT, "--apply")
    rows = (("Delivered-To: a@b", "Old-Delivered-To: a@b"), ("delivered-to:a@b", "Old-Delivered-To: a@b"), ("DELIVERED-TO : a@b", "Old-Delivered-To: a@b"),
            ("Delivered-To:\n\ta@b", None), ("X-Delivered-To: a@b", ""), ("Delivered-Too: a", ""), ("Old-Delivered-To: a", ""))
    for line, wanted in rows:
        done = subprocess.run(["postmap", "-c", path, "-hq", "-", "regexp:%s/todoke-fetch-headers" % path], input=(line + "\n\n").encode(),
                              capture_output=True, check=False)
        answer = done.stdout.decode()
        tap.same("REPLACE Old-Delivered-To:" in answer, wanted != "", line)
        if wanted:
            tap.contains(answer, "REPLACE " + wanted + "\n")


# Undo after others changed things


def test_undo_after_edits_by_hand(folder):
    path, number = postfix(folder), port()
    good(path, *smtpd(number), *ROOT, "--apply")
    with open(os.path.join(path, "todoke-fetch-headers"), "a", encoding="utf-8") as file:
        file.write("/^X-Mine:/ IGNORE\n")
    postconf(path, "-Me", "127.0.0.1:%s/inet=127.0.0.1:%s inet n - n - 5 smtpd -o cleanup_service_name=todoke-fetch" % (number, number))
    postconf(path, "-e", "alias_maps = texthash:%s/todoke-aliases, hash:/etc/more" % path)
    result = setup(path, "--undo")
    tap.same(result.returncode, 1)
    for note in (b"127.0.0.1:%s/inet was changed since" % number.encode(), b"alias_maps was changed since", b"todoke-aliases is still named",
                 b"todoke-fetch-headers was changed since and is left as it is; nothing reads it"):
        tap.contains(result.stdout, note)
    tap.same(table(path), ["root admin@example.jp"], "main.cf names it, and Postfix would refuse mail without it")
    tap.same(service(path, "todoke-fetch/unix"), "")


def test_undo_keeps_comments_and_lines_of_others(folder):
    path = postfix(folder, main="virtual_alias_maps =\n    inline:{a=b},\n    inline:{c=d}\nalias_maps =\nlocal_transport = local:old\n")
    before = content(path)
    good(path, "--fetched", "lmtp", *ROOT, "--apply")
    tap.same(value(path, "virtual_alias_maps"), "inline:{a=b}, inline:{c=d}, texthash:%s/todoke-aliases" % path)
    with open(os.path.join(path, "main.cf"), "a", encoding="utf-8") as file:
        file.write("# mine\nmyhostname = other.example.jp\n")
    tap.same(setup(path, "--undo").returncode, 0)
    tap.same((value(path, "virtual_alias_maps"), value(path, "local_transport")), ("inline:{a=b}, inline:{c=d}", "local:old"))
    for line in ("# a comment of the admin\n", "    # between two lines of one value\n", "# mine\n", "myhostname = other.example.jp\n"):
        tap.contains(content(path)["main.cf"].decode(), line)
    tap.same("todoke" in content(path)["main.cf"].decode(), False)
    tap.same(sorted(content(path)), sorted(before))


def test_a_file_that_lay_there_comes_back(folder):
    path = postfix(folder)
    with open(os.path.join(path, "todoke-aliases"), "w", encoding="utf-8") as file:
        file.write("of the admin\n")
    before = content(path)
    good(path, "--door", "local", *ROOT, "--apply")
    tap.same(table(path), ["root admin@example.jp"])
    undone(path, before)


def test_undo_of_an_earlier_version(folder):
    """Its state knows no files."""
    path = postfix(folder)
    before = content(path)
    good(path, "--door", "local", "-o", "maildir=~/Maildir", *ROOT, "--apply")
    name = os.path.join(path, "todoke-setup.json")
    with open(name, encoding="utf-8") as file:
        state = json.load(file)
    del state["files"]
    with open(name, "w", encoding="utf-8") as file:
        json.dump(state, file)
    tap.same(setup(path, "--undo").returncode, 0)
    os.unlink(os.path.join(path, "todoke-aliases"))
    tap.same(content(path), before)


def test_failed_apply_leaves_no_file(folder):
    path = postfix(folder)
    before = content(path)
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    with open(os.path.join(tools, "postconf"), "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\ncase "$*" in *" -Me 127"*) echo broken >&2; exit 1;; esac\nexec %s "$@"\n' % POSTCONF)
    os.chmod(file.name, 0o755)
    result = setup(path, *smtpd(port()), *ROOT, "--apply", env={"PATH": tools + ":" + os.environ["PATH"]})
    tap.same((result.returncode, content(path)), (1, before))
    tap.contains(result.stderr, b"broken")


def test_killed_apply_can_be_undone(folder):
    path = postfix(folder)
    before = content(path)
    tools = os.path.join(folder, "bin")
    os.mkdir(tools)
    with open(os.path.join(tools, "postconf"), "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\ncase "$*" in *" -Me 127"*) kill -KILL $PPID; exit 1;; esac\nexec %s "$@"\n' % POSTCONF)
    os.chmod(file.name, 0o755)
    result = setup(path, *smtpd(port()), *ROOT, "--apply", env={"PATH": tools + ":" + os.environ["PATH"]})
    tap.same(result.returncode, -9)
    tap.contains(sorted(content(path)), "todoke-fetch-headers")
    undone(path, before)


def test_no_rights(folder):
    if os.geteuid() != 0:
        raise tap.Skip("only root can be somebody else")
    nobody = pwd.getpwnam("nobody")
    path = postfix(folder)
    os.chmod(folder, 0o755)
    before = content(path)
    who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    preview = setup(path, *smtpd(port()), *ROOT, **who)
    tap.same(preview.returncode, 0)
    tap.contains(preview.stdout, b"smtphost localhost/")
    result = setup(path, *smtpd(port()), *ROOT, "--apply", **who)
    tap.same((result.returncode, content(path)), (1, before))
    tap.contains(result.stderr, b"Permission denied")


def test_no_postfix(folder):
    """In a mount namespace where the programs of Postfix are not to be seen."""
    hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /usr/sbin && exec "$@"', "sh"]
    if os.geteuid() != 0 or subprocess.run([*hide, "true"], capture_output=True, check=False).returncode != 0:
        raise tap.Skip("cannot hide /usr/sbin here")
    for args in ((), ("--apply",), ("--undo",), ("--fetched", "lmtp", *ROOT)):
        result = subprocess.run([*hide, tap.TODOKE, "setup", "postfix", *args], capture_output=True, check=False,
                                env={**os.environ, "PATH": "/usr/bin:/bin"})
        tap.same((result.returncode, result.stdout), (1, b""), args)
        tap.contains(result.stderr, b"Postfix is not installed here")


# lmtpd in the place of local(8)


def test_lmtp_twice_and_undo(folder):
    path = postfix(folder, main="alias_maps = %s\nmailbox_command = /usr/bin/procmail\nluser_relay = x@y\n"
                   % aliases(folder, "postmaster: root\nTeam: \\ann, bob@x.example,\n  carol\n"))
    before = content(path)
    good(path, "--fetched", "lmtp", *ROOT, "--apply")
    tap.same(table(path), ["root admin@example.jp", "postmaster root", "team ann, bob@x.example, carol"])
    tap.same(value(path, "local_transport"), "lmtp:unix:private/todoke")
    tap.same(value(path, "local_recipient_maps"), "proxy:unix:passwd.byname")
    tap.same(value(path, "virtual_alias_maps"), "texthash:%s/todoke-aliases" % path)
    tap.same(subprocess.run(["postmap", "-c", path, "-q", "TEAM", "texthash:%s/todoke-aliases" % path], capture_output=True,
                            check=True).stdout, b"ann, bob@x.example, carol\n")
    again = plan(path, "--fetched", "lmtp")
    tap.same((again["changes"], again["files"]), ([], []))
    tap.same([found["code"] for found in again["findings"] if found["blocks"]], [])
    tap.contains(finding(path, "local-parameters", "--fetched", "lmtp")["text"], "mailbox_command, luser_relay")
    tap.same(finding(path, "local-transport", "--door", "local")["fix"], "postconf -c '%s' -e 'local_transport = local:$myhostname'" % path)
    undone(path, before)


def test_aliases_that_came_since(folder):
    """The table is the admin's as soon as it exists: the admin's lines stay, and what is new among the aliases is added."""
    path = postfix(folder, main="alias_maps = %s\n" % aliases(folder, "postmaster: root\n"))
    good(path, "--fetched", "lmtp", *ROOT, "--apply")
    with open(os.path.join(path, "todoke-aliases"), "a", encoding="utf-8") as file:
        file.write("mine ann")  # no line end
    aliases(folder, "postmaster: bob\nnew: carol\n")
    (file,) = plan(path, "--fetched", "lmtp")["files"]
    tap.same(file["content"].splitlines()[1:], ["root admin@example.jp", "postmaster root", "mine ann", "new carol"])


def test_aliases_that_cannot_move(folder):
    rows = (('"|/bin/cat a b"', "it runs a program"), ("|/bin/cat", "it runs a program"), ('ann, "|cat"', "it runs a program"), ("/var/mail/x", "it writes to a file"),
            ('"/var/x y"', "it writes to a file"), (":include:/etc/list", "it includes"), ('ann, ":include:/x"', "it includes"),
            ("(a) |cat", "it is more than"), ("<ann@x>", "it is more than"))
    for number, (targets, why) in enumerate(rows):
        name = aliases(folder, "x: %s\nplain: ann\n" % targets, name="aliases%d" % number)
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        path = postfix(place, main="alias_maps = %s\n" % name)
        found = finding(path, "aliases-special", "--fetched", "lmtp", *ROOT)
        tap.same(found["blocks"], True)
        tap.contains(found["text"], "x (%s" % why, targets)
        tap.same("plain (" in found["text"], False)
        before = content(path)
        tap.same((setup(path, "--fetched", "lmtp", *ROOT, "--apply").returncode, content(path)), (1, before))


def test_owner_aliases_cannot_move(folder):
    path = postfix(folder, main="alias_maps = %s\n" % aliases(folder, "list: ann, bob\nOwner-List: ann\n"))
    tap.contains(finding(path, "aliases-special", "--fetched", "lmtp", *ROOT)["text"], "owner-list (bounces of a list")


def test_aliases_with_more_targets_than_virtual_ones_may_have(folder):
    name = aliases(folder, "few: %s\nmany: %s\n" % tuple(", ".join("u%d" % i for i in range(count)) for count in (9, 10)))
    path = postfix(folder, main="alias_maps = %s\nvirtual_alias_expansion_limit = 10\n" % name)
    text = finding(path, "aliases-special", "--fetched", "lmtp", *ROOT)["text"]
    tap.contains(text, "many (it names more than virtual_alias_expansion_limit")
    tap.same("few (" in text, False)


def test_ten_thousand_aliases(folder):
    """Each is looked for among the others."""
    path = postfix(folder, main="alias_maps = %s\n" % aliases(folder, "".join("x%d: y%d\n" % (i, i) for i in range(10000))))
    good(path, "--fetched", "lmtp", *ROOT, "--apply")
    tap.same(len(table(path)), 10001)
    tap.same(plan(path, "--fetched", "lmtp")["files"], [])


def test_many_aliases_that_cannot_move(folder):
    most = tap.limit("SETUP_NAMES")
    path = postfix(folder, main="alias_maps = %s\n" % aliases(folder, "".join("x%d: /box\n" % i for i in range(most + 3))))
    text = finding(path, "aliases-special", "--fetched", "lmtp", *ROOT)["text"]
    tap.same(len(re.findall(r"x\d+ \(", text)), most)
    tap.contains(text, " and 3 more")


def test_tables_of_all_kinds(folder):
    """The first table that has a name wins, as local(8) asks them; what cannot be listed is refused, and the fix helps."""
    first, second = aliases(folder, "a: one\n", "btree", "first"), aliases(folder, "a two\nb three\n", "texthash", "second")
    path = postfix(folder, main="alias_maps = proxy:%s %s, inline:{c=four}\n" % (first, second))
    good(path, "--fetched", "lmtp", *ROOT, "--apply")
    tap.same(sorted(table(path)), ["a one", "b three", "c four", "root admin@example.jp"])
    setup(path, "--undo")
    postconf(path, "-e", "alias_maps = %s, nis:mail.aliases" % first)
    found = finding(path, "aliases-unlisted", "--fetched", "lmtp", *ROOT)
    tap.same((found["blocks"], "nis:mail.aliases" in found["text"], "\n" in found["text"]), (True, True, False))
    tap.same(codes(path, "--door", "local", *ROOT), ["local-loop-check"], "NIS that is not used disturbs nobody")
    subprocess.run(["sh", "-c", found["fix"]], check=True)
    tap.same(value(path, "alias_maps"), first)
    tap.same("aliases-unlisted" in codes(path, "--fetched", "lmtp", *ROOT), False)


def test_a_table_that_is_not_built_or_not_there(folder):
    name = aliases(folder, "root: ann\n")
    os.unlink(os.path.join(folder, "aliases.db"))
    path = postfix(folder, main="alias_maps = %s, hash:%s/none\n" % (name, folder))
    for args, code in ((("--door", "local"), "aliases-unreadable"), (("--fetched", "lmtp"), "aliases-unlisted")):
        found = [found for found in plan(path, *args, *ROOT)["findings"] if found["code"] == code]
        tap.same([name in found[0]["text"], "/none" in found[1]["text"], len(found)], [True, True, 2])
    for one in found:
        subprocess.run(["sh", "-c", one["fix"]], check=True)
    tap.same(codes(path, "--door", "local"), ["local-loop-check"])
    tap.same([code for code in codes(path, "--fetched", "lmtp") if code.startswith("aliases") or code == "root-mail"], [])


def test_local_recipients(folder):
    name = aliases(folder, "postmaster: root\n")
    rows = (("", "proxy:unix:passwd.byname"), ("local_recipient_maps = $alias_maps unix:passwd.byname\n", "unix:passwd.byname"),
            ("local_recipient_maps = ${alias_maps}, proxy:%s, inline:{x=y}\n" % name, "inline:{x=y}"),
            ("local_recipient_maps = $alias_maps\n", "proxy:unix:passwd.byname"), ("local_recipient_maps =\n", ""))
    for number, (line, wanted) in enumerate(rows):
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        path = postfix(place, main="alias_maps = %s\n%s" % (name, line))
        good(path, "--fetched", "lmtp", *ROOT, "--apply")
        tap.same(value(path, "local_recipient_maps"), wanted, line)
        tap.same(plan(path, "--fetched", "lmtp")["changes"], [], line)


def test_lmtp_needs_root(folder):
    path = postfix(folder)
    tap.same(finding(path, "lmtp-user", "--fetched", "lmtp", *ROOT, "-o", "lmtp_user=nobody")["blocks"], True)
    with open(os.path.join(path, "master.cf"), "w", encoding="utf-8") as file:
        file.write(MASTER.replace("lmtp  ", "other "))
    good(path, "--fetched", "lmtp", *ROOT, "--apply")
    tap.same(service(path, "lmtp/unix"), "lmtp unix - - n - - lmtp")


def test_virtual_users_need_no_remedy(folder):
    path = postfix(folder)
    for how in ("smtpd", "lmtp"):
        tap.same(finding(path, "no-system-users", "--fetched", how, "-o", "maildir=/var/vmail/%d/%n")["blocks"], True)


# Root's mail, and whom local(8) becomes


def test_root_mail(folder):
    """Who gets it: an alias in any place where Postfix looks; an alias that names root itself does not count."""
    rows = (("alias_maps =\n", True), ("alias_maps = inline:{postmaster=root}\n", True), ("alias_maps = inline:{root=\\root}\n", True),
            ("alias_maps = inline:{root=ann}\n", False), ("alias_maps =\nvirtual_alias_maps = inline:{root=ann}\n", False),
            ("alias_maps =\nmyorigin = x.example\nvirtual_alias_maps = inline:{root@x.example=ann}\n", False))
    for number, (main, missing) in enumerate(rows):
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        path = postfix(place, main=main)
        for args in (("--door", "local"), ("--fetched", "lmtp"), ("--fetched", "smtpd"), ("--door", "lmtp")):
            tap.same("root-mail" in codes(path, *args), missing, (main, args))
            tap.same("root-mail" in codes(path, *args, *ROOT), False, (main, args))
        tap.same("root-mail" in codes(path, "--door", "lmtp", "-o", "maildir=/var/vmail/%d/%n"), False)


def test_aliases_that_newaliases_has_not_seen(folder):
    """Postfix reads the table, not the source: whoever has changed the one alone is told, and what to type."""
    source = os.path.join(folder, "aliases")
    name = aliases(folder, "# comment\npostmaster: root\nlist: ann,\n  bob\nrun: \"|/bin/cat x\"\nold: ann\n")
    path = postfix(folder, main="alias_maps = %s\n" % name)
    for args in (("--door", "local"), ("--fetched", "smtpd"), ("--door", "lmtp")):
        tap.same("aliases-stale" in codes(path, *args), False, args)
    with open(source, encoding="utf-8") as file:
        text = file.read()
    os.utime(source)
    tap.same("aliases-stale" in codes(path, "--door", "local"), False, "newer, and the same")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text.replace("old: ann\n", "") + "Root: Ann\nrun2: |/bin/x\n")
    found = finding(path, "aliases-stale", "--door", "local")
    tap.same((found["text"], found["blocks"]),
             ("newaliases has not run since %s was changed: what Postfix reads, %s.db, differs in old, root, run2" % (source, source), False))
    root = finding(path, "root-mail", "--door", "local")
    tap.same(root["text"].endswith("; %s gives it to Ann, which Postfix does not know before newaliases has run" % source), True, root["text"])
    tap.same(root["fix"], found["fix"])
    tap.same("root-mail" in codes(path, "--door", "local", *ROOT), False)
    with open(source, "w", encoding="utf-8") as file:
        file.write("a: one, two\n" + "".join("new%d: ann\n" % number for number in range(7)) + text)
    os.utime(source, (1, 1))
    tap.contains(finding(path, "aliases-stale", "--door", "local")["text"], "differs in a, new0, new1, new2, new3 and 3 more")
    for number in range(2):  # the command of the finding, and then nothing is left of it
        tap.same("aliases-stale" in codes(path, "--door", "local"), number == 0)
        if number == 0:
            subprocess.run(["sh", "-c", finding(path, "aliases-stale", "--door", "local")["fix"]], check=True)


def test_newaliases_is_named(folder):
    """Where it builds the table: of the Postfix of this host, and named by alias_database."""
    name = aliases(folder, "postmaster: root\n")
    path = postfix(folder, main="alias_maps = %s\nalias_database = %s\n" % (name, name))
    with open(os.path.join(folder, "aliases"), "a", encoding="utf-8") as file:
        file.write("root: ann\n")
    os.mkdir(folder + "/bin")
    for program in ("postconf", "postalias", "postmap"):  # as if our files were where Postfix looks
        with open(folder + "/bin/" + program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec %s/%s -c %s \"$@\"\n" % (os.path.dirname(POSTCONF), program, path))
        os.chmod(folder + "/bin/" + program, 0o755)
    result = tap.todoke("setup", "postfix", "--door", "local", "--json", "--program", tap.TODOKE, env={"PATH": folder + "/bin:" + os.environ["PATH"]})
    fixes = [found["fix"] for found in json.loads(result.stdout)["findings"] if found["code"] in ("aliases-stale", "root-mail")]
    tap.same(fixes, ["newaliases", "newaliases"])


def test_root_mail_by_a_setting(folder):
    if b"root_mail_to" not in tap.todoke("config", "--all").stdout:
        raise tap.Skip("this todoke has no root_mail_to")
    path = postfix(folder)
    tap.contains(finding(path, "root-mail", "--door", "local")["fix"], "root_mail_to")
    for args in (("--door", "local"), ("--fetched", "lmtp")):
        tap.same("root-mail" in codes(path, *args, "-o", "root_mail_to=ann@example.jp"), False)


def test_virtual_tree_at_the_local_door(folder):
    """local(8) runs as the recipient, who cannot write to a tree of one account for all, but can in the own home."""
    path = postfix(folder)
    before = content(path)
    found = finding(path, "virtual-maildir", "--door", "local", "-o", "maildir=/var/vmail/%d/%n", *ROOT)
    tap.contains(found["text"], "'/var/vmail/%d/%n'")
    tap.same(setup(path, "--door", "local", "-o", "maildir=/var/vmail/%d/%n", *ROOT, "--apply").returncode, 1)
    tap.same(content(path), before)
    tap.same("virtual-maildir" in codes(path, "--door", "local", "-o", "maildir=~/Maildir"), False)


tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
