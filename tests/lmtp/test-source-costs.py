#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a source of users costs lmtpd: with a warm cache, a message needs hardly more system calls than in a virtual tree."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import lmtp_client
import tap
import user_sources

# Behind the first messages the mailbox is there, and answers and connections are kept.
WARM_UP, MESSAGES = 10, 100
MOST = 1.10  # times the calls of the tree
BODY = "Subject: x\r\nX-Number: %d\r\n\r\nbody\r\n.\r\n"

TABLE = "CREATE TABLE users (name TEXT PRIMARY KEY, home TEXT, uid INTEGER, gid INTEGER);" \
        "INSERT INTO users VALUES ('ann@example.jp', '%s', %d, %d);"
QUERY = 'sql_user_query = "SELECT home, uid, gid FROM users WHERE name = %u"\n'

LDIF = user_sources.LDIF_HEAD + """dn: uid=ann,%(base)s
objectClass: inetOrgPerson
objectClass: posixAccount
uid: ann
cn: Ann
sn: A
mail: ann@example.jp
uidNumber: %(uid)d
gidNumber: %(gid)d
homeDirectory: %(home)s

"""


def ids():
    return (tap.NOBODY, tap.NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def home_of(folder):
    return folder + "/home/ann"


# Sources: each gives the settings that name it, for as long as its server runs.


@contextlib.contextmanager
def tree(folder):
    yield 'users = virtual\nmaildir = "%s/home/%%n/Maildir"\n%s' % (folder, "virtual_user = nobody\n" if os.geteuid() == 0 else "")


@contextlib.contextmanager
def passwd_file(folder):
    with open(folder + "/users", "w", encoding="utf-8") as file:
        file.write("bob@example.jp::%d:%d::/home/bob\n" % ids() * 100 + "ann@example.jp::%d:%d::%s\n" % (*ids(), home_of(folder)))
    os.chmod(folder + "/users", 0o644)
    tap.wait_for("the file to be old enough to be kept", lambda: time.time() > os.stat(folder + "/users").st_ctime + 4)
    yield 'users = passwd_file\npasswd_file = "%s/users"\n' % folder


@contextlib.contextmanager
def sqlite(folder):
    with contextlib.closing(sqlite3.connect(folder + "/users.db")) as db:
        db.executescript(TABLE % (home_of(folder), *ids()))
    yield 'users = sql\nsql_database = "sqlite:%s/users.db"\n%s' % (folder, QUERY)


def need_module(name, library):
    if not os.path.exists(os.path.join(os.environ.get("TODOKE_MODULE_DIR", ""), name)):
        raise tap.Skip("built without " + library)


@contextlib.contextmanager
def postgresql(folder):
    need_module("todoke-users-postgresql.so", "libpq")
    if os.geteuid() == 0:
        raise tap.Skip("PostgreSQL does not run as root")
    with user_sources.PostgreSQL(folder) as server:
        server.run(TABLE % (home_of(folder), *ids()))
        yield 'users = sql\nsql_database = "%s"\n%s' % (server.where(), QUERY)


@contextlib.contextmanager
def ldap(folder):
    need_module("todoke-users-ldap.so", "libldap")
    uid, gid = ids()
    with open(folder + "/secret", "w", encoding="utf-8") as file:
        file.write("reading\n")
    os.chmod(folder + "/secret", 0o600)
    with user_sources.Slapd(folder, LDIF % {"base": user_sources.LDAP_BASE, "home": home_of(folder), "uid": uid, "gid": gid}) as server:
        yield 'users = ldap\nldap_uri = "%s"\nldap_base = "%s"\nldap_bind = "uid=todoke,%s"\nldap_password_file = "%s/secret"\n' \
              'ldap_fields = { "home=homeDirectory", "uid=uidNumber", "gid=gidNumber" }\n' \
              % (server.uri, user_sources.LDAP_BASE, user_sources.LDAP_BASE, folder)


@contextlib.contextmanager
def dovecot(folder):
    if os.geteuid() != 0:
        fields = "uid=%d\tgid=%d\thome=%s" % (*ids(), home_of(folder))
        answer = lambda verb, number, name: ("USER\t%s\t%s\t%s\n" % (number, name, fields)).encode()
        with user_sources.FakeDovecot(folder + "/userdb", answer):
            yield 'users = dovecot\ndovecot_socket = "%s/userdb"\n' % folder
        return
    listener = dovecot_conf.block("service auth", dovecot_conf.block("unix_listener auth-userdb", "mode = 0600", "user = root"))
    with user_sources.Dovecot(folder, dovecot_conf.users(*ids(), home_of(folder), every_name="yes") + dovecot_conf.passwords() + listener):
        yield 'users = dovecot\ndovecot_socket = "%s/run/auth-userdb"\n' % folder


def pid_of_server(strace):
    with open("/proc/%d/task/%d/children" % (strace, strace), encoding="ascii") as file:
        return int(file.read().split()[0])


def converse(path):
    """One connection; MAIL of two messages says where counting begins and ends."""
    client = lmtp_client.Client(path).greet()
    for number in range(WARM_UP + MESSAGES + 1):
        sender = {WARM_UP: "begin@x.test", WARM_UP + MESSAGES: "end@x.test"}.get(number, "s@x.test")
        client.begin("ann@example.jp", sender=sender)
        client.send(BODY % number)
        tap.contains(client.read(), "250 ", "delivery")
    client.close()


def count(folder, settings):
    """System calls of all processes of lmtpd for one message."""
    conf, log, trace, path = (folder + "/" + name for name in ("todoke.conf", "log", "trace", "socket"))
    os.makedirs(folder + "/home/ann/Maildir")
    os.makedirs(folder + "/trees")
    for made in (folder + "/home/ann", folder + "/home/ann/Maildir"):
        os.chown(made, *ids())
    with open(conf, "w", encoding="utf-8") as file:
        file.write('%stree_memory = "%s/trees"\nlog_file = "%s"\nadd_mark = no\nlmtp_workers = 1\nusers_cache = 3600\nusers_timeout = 60\n'
                   'early_record_folder = ""\noutage_folder = ""\n' % (settings, folder, log))
    os.chmod(conf, 0o644)

    env = dict(os.environ, LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0")
    command = ["strace", "-f", "-qq", "-s", "64", "-o", trace, tap.TODOKE, "lmtpd", "-c", conf, "--listen", "unix:" + path]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=env)
    try:
        tap.wait_for("lmtpd", lambda: server.poll() is not None or (os.path.exists(log) and "is ready" in open(log, encoding="utf-8").read()))
        converse(path)
    finally:
        os.kill(pid_of_server(server.pid), signal.SIGTERM)
        server.wait(tap.PATIENCE)

    text = open(trace, encoding="utf-8", errors="replace").read()
    begin, end = text.index("FROM:<begin@"), text.index("FROM:<end@")
    return len(re.findall(r"^\d+ +\w+\(", text[begin:end], re.MULTILINE)) / MESSAGES


def compare(folder, source):
    tap.need_strace()
    os.chmod(folder, 0o755)
    found = {}
    for name, make in (("tree", tree), ("source", source)):
        place = folder + "/" + name
        os.mkdir(place)
        with make(place) as settings:
            found[name] = count(place, settings)
    print("# %s, %s: %.1f calls a message; the virtual tree: %.1f"
          % (source.__name__, "as root" if os.geteuid() == 0 else "one account", found["source"], found["tree"]), flush=True)
    tap.same(found["source"] <= MOST * found["tree"], True, "%.1f calls, the tree needs %.1f: few enough" % (found["source"], found["tree"]))


def test_passwd_file(folder):
    compare(folder, passwd_file)


def test_sqlite(folder):
    compare(folder, sqlite)


def test_postgresql(folder):
    compare(folder, postgresql)


def test_ldap(folder):
    compare(folder, ldap)


def test_dovecot(folder):
    compare(folder, dovecot)


@tap.as_root
def test_passwd_file_as_root(folder):
    compare(folder, passwd_file)


@tap.as_root
def test_sqlite_as_root(folder):
    compare(folder, sqlite)


@tap.as_root
def test_ldap_as_root(folder):
    compare(folder, ldap)


@tap.as_root
def test_dovecot_as_root(folder):
    compare(folder, dovecot)


if __name__ == "__main__":
    if tap.SANITIZED:
        print("1..0 # SKIP sanitizers make calls of their own")
        sys.exit(0)
    tap.run([test for name, test in list(globals().items()) if name.startswith("test_")])
