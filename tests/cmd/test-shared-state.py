#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The state in a server that several hosts share (setting state): what is remembered, and what happens to mail when the server does
not answer, or not as it should. Each test runs with PostgreSQL and with Redis, on private sockets.
"""

import concurrent.futures
import functools
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "out"))
import lmtp_client
import state_servers
import tap
from shared_state import COPY, DUPLICATE, KEEP, REDIRECT, VACATION, Site, deliver_to_owners, findings, litter, write_secret

BACKENDS = (state_servers.PostgreSQL, state_servers.Redis)


# What the server remembers and does is the same in both builds; what it may answer, and what it never answers, is tried in both.
by_server = tap.plain_only("what the server does is the same in both builds")


def with_each(test):
    """The same test with each kind of server, each a test of its own."""
    for backend in BACKENDS:
        def one(folder, backend=backend):
            with backend(folder) as server:
                test(folder, server)
        functools.update_wrapper(one, test)
        del one.__wrapped__
        one.__name__ = "%s_%s" % (test.__name__, backend.name)
        globals()[one.__name__] = one


# What is remembered.

@with_each
def test_a_retry_sends_nothing_again(folder, server):
    with Site(folder, server.state(), REDIRECT) as site:
        site.deliver("4AAA")
        site.deliver("4AAA")
        tap.same(site.sent(), ["out@example.org"])
        site.deliver("4AAB")
        tap.same(len(site.sent()), 2)
        tap.same(os.path.exists(folder + "/mail/example.jp/ann/todoke-state/state.db"), False, "SQLite")


@with_each
def test_a_sender_is_answered_once(folder, server):
    with Site(folder, server.state(), VACATION) as site:
        site.deliver()
        site.deliver()
        site.deliver(rcpt="bob@example.jp")
        tap.same(site.sent(), ["s@client.test"] * 2, "one for each owner")
        tap.same((site.stored(), site.stored("bob")), (2, 1))
        tap.same(server.owners(), {"ann@example.jp", "bob@example.jp"})


@with_each
@by_server
def test_many_hosts_at_once_answer_once_and_count_all(folder, server):
    with Site(folder, server.state(), 'require ["vacation", "copy"]; vacation "away"; redirect :copy "out@example.org";\n') as site:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            codes = list(pool.map(lambda n: site.try_once("4C%02d" % n)[0], range(12)))
        tap.same(codes, [0] * 12)
        sent = site.sent()
        tap.same((sent.count("s@client.test"), sent.count("out@example.org")), (1, 12))
        tap.same(site.stored(), 12)
        tap.same(sorted(server.counted()), [1, 12], "replies and redirects of today")


@with_each
@by_server
def test_an_answer_that_could_not_leave_may_leave_later(folder, server):
    with Site(folder, server.state(), VACATION) as site:
        site.peer.script["DOT"] = "554 5.0.0 no"
        site.deliver()
        site.peer.script.pop("DOT")
        site.deliver()
        tap.same(site.sent(), ["s@client.test"])


@with_each
def test_duplicates(folder, server):
    with Site(folder, server.state(), KEEP, "duplicates = discard", "duplicates_of = all", "duplicates_by = message-id") as site:
        site.deliver("4AAA")
        again = site.message("4AAA").replace(b"id 4AAA", b"id 4AAB")
        result = tap.todoke("deliver", "-c", site.conf, "-f", "s@client.test", "-d", "ann@example.jp", "--queue-id", "4AAB", stdin=again)
        tap.same((result.returncode, site.stored()), (0, 1))


@with_each
@by_server
def test_the_last_good_script_is_known_to_all_hosts(folder, server):
    with Site(folder, server.state(), KEEP, 'sieve_scripts = "%s/own.sieve"' % folder) as site:
        own = folder + "/own.sieve"
        open(own, "w", encoding="utf-8").write('require ["fileinto", "mailbox"]; fileinto :create "Work";\n')
        site.deliver()
        open(own, "w", encoding="utf-8").write("fileinto;\n")
        site.deliver()
        tap.same(len(os.listdir(folder + "/mail/example.jp/ann/.Work/new")), 2, site.log())


@with_each
def test_another_owner_cannot_reach_it(folder, server):
    """Names that would be pasted into SQL, or into a key, are names."""
    hostile = ["a'; DROP TABLE todoke_state; --@example.jp", "ann@example.jp:0:x", "a}b{c@example.jp", "a*%@example.jp"]
    with Site(folder, server.state(), VACATION) as site:
        site.deliver()
        for name in hostile:
            code, said = site.try_once(rcpt='"%s"@%s' % tuple(name.rsplit("@", 1)))
            tap.same(code in (0, 67, 75), True, said)
        site.deliver()
        tap.same(site.sent().count("s@client.test") >= 1, True)
        tap.same("ann@example.jp" in server.owners(), True)


# A server that does not answer.

def check_without_server(site, what):
    """Mail that needs nothing is delivered, what would leave is put off, an answer is left out."""
    had = site.stored()
    sent = len(site.sent())
    site.rule(KEEP)
    site.deliver()
    tap.same(site.stored(), had + 1, what)
    site.rule(COPY)
    site.put_off("4DEAD")
    tap.same((site.stored(), len(site.sent())), (had + 1, sent), "%s: nothing is stored or sent" % what)
    site.rule(VACATION)
    site.deliver(sender="away@client.test")
    tap.same((site.stored(), len(site.sent())), (had + 2, sent), "%s: no answer" % what)
    site.rule(DUPLICATE)
    site.put_off()
    tap.same(site.stored(), had + 2, what)


def check_with_server(site):
    """All that was put off goes on."""
    had, sent = site.stored(), len(site.sent())
    site.rule(COPY)
    site.deliver("4DEAD")
    tap.same((site.stored(), len(site.sent())), (had + 1, sent + 1))
    site.rule(VACATION)
    site.deliver(sender="away@client.test")
    tap.same(len(site.sent()), sent + 2)


@with_each
@by_server
def test_stopped_and_started_again(folder, server):
    with Site(folder, server.state(), KEEP) as site:
        server.stop()
        check_without_server(site, "stopped")
        tap.contains(site.log(), "protocol=state")
        tap.contains(site.log(), "code=T134")
        server.start()
        check_with_server(site)


@with_each
@by_server
def test_never_there(folder, server):
    with Site(folder, server.state().replace(folder, folder + "/none"), KEEP) as site:
        check_without_server(site, "never there")


@with_each
@by_server
def test_a_delivery_that_needs_no_state_never_asks(folder, server):
    with state_servers.Door(folder + "/door", server.socket) as door, Site(folder, server.state(door), KEEP) as site:
        site.deliver()  # the script is new, and its text is kept once
        asked = door.connections
        site.deliver()
        site.deliver(rcpt="bob@example.jp")
        with lmtp_client.Server(folder, conf=site.conf) as lmtpd:
            client = lmtpd.client().greet()
            for _ in range(5):
                tap.contains(client.deliver("ann@example.jp")[0], "250 ")
            client.close()
        tap.same(door.connections <= asked + 1, True, "questions: bob's first one")
        told = door.connections
        site.deliver(rcpt="bob@example.jp")
        tap.same(door.connections, told, "questions")
        site.rule(REDIRECT)
        site.deliver()
        tap.same(door.connections > told, True, "the door counts")


@with_each
def test_slow_garbage_closed(folder, server):
    with state_servers.Door(folder + "/door", server.socket) as door, Site(folder, server.state(door), KEEP, "state_timeout = 1") as site:
        site.deliver()
        for mode in ("silent", "garbage", "closed"):
            door.mode = mode
            begun = time.monotonic()
            check_without_server(site, mode)
            if not tap.SANITIZED:
                tap.same(time.monotonic() - begun < tap.PATIENCE, True, "%s: time" % mode)
        door.mode = "pass"
        check_with_server(site)


@with_each
def test_cut_in_the_middle_of_an_answer(folder, server):
    """After each number of octets: nothing is sent twice, and a retry goes on."""
    with state_servers.Door(folder + "/door", server.socket) as door, Site(folder, server.state(door), COPY) as site:
        site.deliver()
        whole = door.answered
        step = max(whole // (4 if tap.SANITIZED else 12), 1)
        for at in range(1, whole + step, step):
            number = "4F%d" % at
            before, had = len(site.sent()), site.stored()
            door.mode = at
            code, said = site.try_once(number)
            tap.same(code in (0, 75), True, said)
            door.mode = "pass"
            if code != 0 or len(site.sent()) == before:
                drop_claims(server)
                site.deliver(number)
            tap.same((len(site.sent()) - before, site.stored() - had), (1, 1), "cut after %d octets" % at)
        tap.same(litter(folder), [])


@with_each
def test_an_outage_is_told_once(folder, server):
    """T401 when the server of the state hangs up, no more of it with each mail, T403 when it is back."""
    with state_servers.Door(folder + "/door", server.socket) as door, Site(folder, server.state(door), COPY, 'outage_folder = "%s/outages"' % folder) as site:
        site.deliver()
        door.mode = "closed"
        for _ in range(4):
            site.put_off()
        tap.same([len(re.findall(r"\bcode=%s\b" % code, site.log())) for code in ("T401", "T403")], [1, 0])
        tap.contains(site.log(), "state server ")
        door.mode = "pass"
        for _ in range(2):
            site.deliver()
        tap.same([len(re.findall(r"\bcode=%s\b" % code, site.log())) for code in ("T401", "T403")], [1, 1])
        tap.contains(site.log(), "count=4")


def drop_claims(server):
    """A try whose connection is gone cannot give its claim back: it ends by itself, after the deadline."""
    if server.name == "postgresql":
        server.run("DELETE FROM todoke_state WHERE kind = 4")
    else:
        for key in server.command("KEYS", "todoke:{*}:4:*"):
            server.command("DEL", key)


@with_each
@by_server
def test_a_ledger_of_mail_that_never_comes_again(folder, server):
    """One delivery in some removes what is older than journal_lifetime; the file of mail that may come again stays."""
    with Site(folder, server.state(), REDIRECT, "journal_lifetime = 1h") as site:
        site.deliver("4A")
        state = folder + "/mail/example.jp/ann/todoke-state"
        old, young = state + "/ledger-" + "a" * 32, state + "/ledger-" + "b" * 32
        for path, age in ((old, 3700), (young, 3000)):
            with open(path, "w", encoding="ascii") as file:
                file.write("d redirect%20x y\n")
            os.utime(path, (time.time() - age,) * 2)
        for number in range(200):  # the queue id decides, so it is always the same one
            site.deliver("4A%d" % number)
            if not os.path.exists(old):
                break
        tap.same((os.path.exists(old), os.path.exists(young)), (False, True), "after %d" % number)


@with_each
@by_server
def test_a_claim_keeps_other_hosts_away(folder, server):
    with Site(folder, server.state(), REDIRECT, "deadline = 5") as site:
        site.peer.script["DOT"] = "hang"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(site.try_once, "4AAA")
            tap.wait_for("the first try", lambda: "DATA" in site.peer.commands)
            site.put_off("4AAA", code="4.3.2")
            tap.same(site.peer.commands.count("DATA"), 1)
            first.result()


@with_each
@by_server
def test_restarted_while_lmtpd_runs(folder, server):
    with Site(folder, server.state(), REDIRECT, "lmtp_workers = 1") as site:
        with lmtp_client.Server(folder, conf=site.conf) as lmtpd:
            client = lmtpd.client().greet()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ")
            server.hang_up()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ", "its connection was ended")
            server.stop()
            tap.contains(client.deliver("ann@example.jp")[0], "451 4.3.0", "stopped")
            server.start()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ", "restarted")
            client.close()
        tap.same(len(site.sent()), 3)


@with_each
@by_server
def test_a_connection_is_kept(folder, server):
    with state_servers.Door(folder + "/door", server.socket) as door, \
            Site(folder, server.state(door), REDIRECT, "lmtp_workers = 1") as site:
        with lmtp_client.Server(folder, conf=site.conf) as lmtpd:
            client = lmtpd.client().greet()
            tap.contains(client.deliver("ann@example.jp")[0], "250 ")
            first = door.connections
            for _ in range(4):
                tap.contains(client.deliver("ann@example.jp")[0], "250 ")
            tap.same(door.connections, first)
            client.close()


@with_each
@by_server
def test_read_only(folder, server):
    with Site(folder, server.state(), KEEP) as site:
        site.rule(COPY)
        site.deliver()
        server.set_read_only(True)
        site.put_off("4DEAD")
        tap.same(site.stored(), 1, "read-only")
        site.rule(KEEP)
        site.deliver()
        site.rule(VACATION)
        site.deliver(sender="away@client.test")
        tap.same((site.stored(), len(site.sent())), (3, 1), "read-only: no answer")
        server.set_read_only(False)
        check_with_server(site)


@with_each
@by_server
def test_what_was_sent_is_known_though_the_server_is_gone(folder, server):
    """The server goes away after the first redirect, and the second one fails for now: the retry sends only the second."""
    script = 'redirect "one@example.org"; redirect "two@example.org";\n'
    with state_servers.Door(folder + "/door", server.socket) as door, Site(folder, server.state(door), script) as site:
        site.peer.say, plain = (lambda connection, step: answer(connection, step)), site.peer.say

        def answer(connection, step):
            if step == "DOT":
                door.mode = "closed"
                server.hang_up()
            if step == "MAIL" and site.peer.mails:
                connection.sendall(b"451 4.3.0 later\r\n")
                return False
            return plain(connection, step)

        site.put_off("4AAA", code="4.4.0")
        tap.same(site.sent(), ["one@example.org"])
        tap.same(len(litter(folder)), 1)
        site.put_off("4AAA")
        site.peer.say, door.mode = plain, "pass"
        drop_claims(server)
        site.deliver("4AAA")
        tap.same(site.sent(), ["one@example.org", "two@example.org"])
        tap.same(litter(folder), [])


# Passwords, rights, schemas.

SECRET = "s3cr3t-w0rd"


def check_passwords(folder, server, state):
    with Site(folder, state, REDIRECT, write_secret(folder, SECRET)) as site:
        site.deliver()
        write_secret(folder, "wrong")
        site.put_off()
        write_secret(folder, SECRET, 0o644)
        site.put_off()
        tap.contains(site.log(), "chmod o=")
        os.unlink(folder + "/secret")
        site.put_off()
        site.rule(KEEP)
        site.deliver()
        shown = tap.todoke("config", "-c", site.conf).stdout.decode()
        tap.contains(shown, "state_password_file")
        tap.same((SECRET in shown, SECRET in site.log(), "wrong\n" in site.log()), (False, False, False))


def test_password_of_postgresql(folder):
    with state_servers.PostgreSQL(folder) as server:
        server.run("CREATE ROLE mail LOGIN PASSWORD '%s'; GRANT ALL ON SCHEMA public TO mail" % SECRET)
        hba = server.folder + "/pg_hba.conf"
        rest = open(hba, encoding="utf-8").read()
        open(hba, "w", encoding="utf-8").write("local all mail scram-sha-256\n" + rest)
        server.run("SELECT pg_reload_conf()")
        tap.wait_for("pg_hba", lambda: server.ask("SELECT count(*) FROM pg_hba_file_rules WHERE 'mail' = ANY(user_name)") == ["1"])
        check_passwords(folder, server, server.state().replace("user=test", "user=mail"))


def test_password_of_redis(folder):
    with state_servers.Redis(folder, "requirepass " + SECRET) as server:
        check_passwords(folder, server, server.state())


@tap.as_root
def test_root_reads_the_password_and_owners_use_the_server(folder):
    """lmtpd as root: each owner's process delivers as that owner, who could not read the file."""
    os.chmod(folder, 0o755)
    with state_servers.Redis(folder, "requirepass " + SECRET, "unixsocketperm 777") as server, \
            Site(folder, server.state(), REDIRECT, write_secret(folder, SECRET)) as site:
        deliver_to_owners(folder, site)


def test_a_password_in_the_setting_is_refused_and_not_repeated(folder):
    for state in ("redis://:%s@host/0" % SECRET, "redis://u:%s@host" % SECRET, "postgresql:host=x password=%s" % SECRET,
                  "postgresql://u:%s@h/db" % SECRET):
        result = tap.todoke("config", "-o", "state=" + state)
        tap.same(result.returncode != 0, True, state)
        tap.contains((result.stdout + result.stderr).decode(), "state_password_file")
        tap.same(SECRET.encode() in result.stdout + result.stderr, False)


def test_a_service_or_an_odd_password_is_refused(folder):
    """A service may stand in a file of the owner, who would be sent the password."""
    for state, what in (("postgresql:service=mail", "service="), ("postgresql:host=x service = mail", "service="),
                        ("postgresql:postgresql://h/db?service=mail", "service="), ("postgresql:servicefile=/x", "service="),
                        ("redis://:%s/x@host/0" % SECRET, "state_password_file"), ("redis://u:%s?x@host" % SECRET, "state_password_file")):
        result = tap.todoke("config", "-o", "state=" + state)
        tap.same(result.returncode != 0, True, state)
        tap.contains((result.stdout + result.stderr).decode(), what)
        tap.same(SECRET.encode() in result.stdout + result.stderr, False)
    for state in ("postgresql:host=db.service.consul dbname=service", "redis:/run/a:b@c", "redis://u@[::1]:6379/1"):
        tap.same(tap.todoke("config", "-o", "state=" + state).returncode, 0, state)


def test_files_that_are_no_password(folder):
    with state_servers.Redis(folder, "requirepass " + SECRET) as server:
        line = write_secret(folder, SECRET)
        secret = folder + "/secret"
        with Site(folder, server.state(), REDIRECT, line) as site:
            os.rename(secret, secret + ".real")
            os.symlink(secret + ".real", secret)
            site.deliver()
            os.chmod(secret + ".real", 0o644)
            site.put_off()
            for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("secret", path)):
                os.unlink(secret) if not os.path.isdir(secret) else os.rmdir(secret)
                make(secret)
                site.put_off()
            tap.same(len(site.sent()), 1)


@tap.as_root
def test_a_password_of_another_account(folder):
    with state_servers.Redis(folder, "requirepass " + SECRET, "unixsocketperm 777") as server:
        line = write_secret(folder, SECRET)
        with Site(folder, server.state(), REDIRECT, line, 'virtual_user = "nobody"') as site:
            os.chown(folder + "/secret", 64111, 64111)
            found = findings("-c", site.conf)
            tap.contains(found["state-server"]["text"], "others can read or write it")


def test_wrong_settings(folder):
    for state in ("mysql:x", "redis:host", "postgresql", "postgresql:", "redis:", "sqlite:/x", ""):
        result = tap.todoke("config", "-o", "state=" + state)
        tap.same(result.returncode != 0, True, state)


def test_no_right_to_create(folder):
    with state_servers.PostgreSQL(folder) as server:
        server.run("CREATE ROLE mail LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        with Site(folder, server.state().replace("user=test", "user=mail"), REDIRECT) as site:
            site.put_off()
            tap.contains(site.log(), "todoke-sites(7)")
            server.run(manual_sql() + "; GRANT SELECT, INSERT, UPDATE, DELETE ON todoke_state TO mail")
            site.deliver()
            tap.same(len(site.sent()), 1)


def manual_sql():
    """The statements that todoke-sites(7) shows."""
    with open(os.path.join(tap.TOP, "agent/man/todoke-sites.7"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-").replace("\\(aq", "'")
    return ";".join(re.findall(r"^(CREATE (?:TABLE|INDEX) .*?);$", text, re.M | re.S))


def test_wrong_schema(folder):
    with state_servers.PostgreSQL(folder) as server:
        server.run("CREATE TABLE todoke_state (owner text, thing text)")
        with Site(folder, server.state(), KEEP) as site:
            check_without_server(site, "another table")


def test_redis_with_other_things(folder):
    """A key of ours that is no string, as somebody else may have made it."""
    with state_servers.Redis(folder) as server, Site(folder, server.state(), REDIRECT) as site:
        site.deliver("4AAA")
        for key in server.command("KEYS", "todoke:{*}:1:*"):
            server.command("DEL", key)
            server.command("LPUSH", key, "x")
        site.put_off("4AAA")
        tap.same(len(site.sent()), 1)


# Servers that lie.

REDIS_LIES = {
    "a huge array": b"*2147483647\r\n", "nested arrays": b"*1\r\n" * 40, "an array in an array": b"*2\r\n*2147483647\r\n",
    "a length below none": b"$-2\r\n", "2^31": b"$2147483648\r\nx", "2^63": b"$9223372036854775807\r\nx", "2^64": b"$18446744073709551616\r\nx",
    "a number that is none": b":x\r\n", "NULs": b"\0" * 100, "a status": b"+OK\r\n", "an empty array": b"*0\r\n",
}


def check_lie(folder, state, what, *lines):
    """Nothing is stored or sent, and the log says why."""
    with Site(folder, state, COPY, *lines) as site:
        site.put_off("4AAA")
        tap.same((site.stored(), site.sent()), (0, []), what)
        log = site.log()
        tap.contains(log, "code=T134")
        return log


def test_lies_of_redis(folder):
    state_servers.need_module("redis")
    for number, (what, answer) in enumerate(REDIS_LIES.items()):
        at = "%s/%d" % (folder, number)
        with state_servers.Liar(at + "/s", answer) as liar:
            log = check_lie(at, "redis:" + liar.path, what)
            if what != "nested arrays":  # hiredis before 1.1 refuses so many, later ones wait for the innermost
                tap.same("no answer in time" in log, what in ("2^31", "2^63"), what)


def test_an_endless_answer_of_redis(folder):
    """An array is read piece by piece, each of them small: no memory for all that comes."""
    state_servers.need_module("redis")
    with state_servers.Liar(folder + "/s", b"*50000\r\n" + b":1\r\n" * 50000, b"*60000\r\n", endless=True) as liar:
        tap.contains(check_lie(folder, "redis:" + liar.path, "endless", "state_timeout = 50"), "too long")


def pg_message(kind, *parts):
    octets = b"".join(parts)
    return kind + (len(octets) + 4).to_bytes(4, "big") + octets


READY = pg_message(b"Z", b"I")
WELCOME = pg_message(b"R", bytes(4)) + READY
WELCOME_UTF8 = pg_message(b"R", bytes(4)) + pg_message(b"S", b"client_encoding\0UTF8\0") + READY


def pg_rows(columns, *rows):
    """An answer with so many columns of text; a row is a list of octets or None."""
    describes = pg_message(b"T", columns.to_bytes(2, "big"), *[b"c\0" + bytes(6) + (25).to_bytes(4, "big") + bytes(8)] * columns)
    data = b""
    for row in rows:
        values = [b"\xff\xff\xff\xff" if one is None else len(one).to_bytes(4, "big") + one for one in row]
        data += pg_message(b"D", len(row).to_bytes(2, "big"), *values)
    return pg_message(b"1") + pg_message(b"2") + describes + data + pg_message(b"C", b"SELECT 1\0") + READY


PG_LIES = {
    "a row without columns": pg_rows(0, []), "NULL": pg_rows(1, [None]), "two columns": pg_rows(2, [b"1", b"2"]),
    "two rows": pg_rows(1, [b"1"], [b"1"]), "a huge length": b"D\x7f\xff\xff\xff\0\1", "a length below its own": b"T\0\0\0\0",
    "NULs": b"\0" * 100, "another protocol": b"+OK\r\n" * 20,
}


def test_lies_of_postgresql(folder):
    state_servers.need_module("postgresql")
    for number, (what, answer) in enumerate(PG_LIES.items()):
        at = "%s/%d" % (folder, number)
        with state_servers.Liar(at + "/s", answer, WELCOME_UTF8) as liar:
            check_lie(at, "postgresql:host=%s user=test dbname=x sslmode=disable gssencmode=disable" % liar.folder, what)


def test_postgresql_that_is_silent_after_the_login(folder):
    state_servers.need_module("postgresql")
    with state_servers.Liar(folder + "/s", b"", WELCOME) as liar:
        log = check_lie(folder, "postgresql:host=%s user=test dbname=x sslmode=disable gssencmode=disable" % liar.folder, "silent")
        tap.contains(log, "no answer in time")


def test_columns_of_other_types(folder):
    """Values are refused or kept whole, never cut. Mail that waits may have been stored already, as a counter is asked late."""
    with state_servers.PostgreSQL(folder) as server:
        for column, other in (("value bytea", "value varchar(5)"), ("until bigint", "until integer"), ("key text", "key varchar(10)"),
                              ("number bigint NOT NULL DEFAULT 0", "number text NOT NULL DEFAULT 'x'"), ("PRIMARY KEY", "UNIQUE"), (", PRIMARY KEY (owner, kind, key)", "")):
            sql = manual_sql()
            tap.contains(sql, column)
            server.run("DROP TABLE IF EXISTS todoke_state; " + sql.replace(column, other))
            at = "%s/%s" % (folder, re.sub("[^a-z]", "", other) or "nokey")
            with Site(at, server.state(), COPY) as site:
                code, said = site.try_once("4AAA")
                again, _ = site.try_once("4AAA")
                tap.same((code in (0, 75), again in (0, 75)), (True, True), "%s: %s" % (other, said))
                done = 0 in (code, again)
                tap.same((site.stored() in (int(done), 1), len(site.sent())), (True, int(done)), "%s; %s" % (other, site.log()[-400:]))


# What `todoke check` says.

def test_check_refuses_sqlite_on_nfs(folder):
    shim = os.path.abspath("tests/faults/.libs/libshim.so")
    if not os.path.exists(shim):
        raise tap.Skip("tests/faults/libshim.la is not built")
    os.makedirs(folder + "/mail")
    os.makedirs(folder + "/disk")
    env = {"LD_PRELOAD": shim, "TODOKE_FAULT_NFS": folder + "/mail"}
    conf = folder + "/todoke.conf"
    tree = 'maildir = "%s/mail/%%d/%%n"\n' % folder

    def of(text):
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        return findings("-c", conf, env=env)

    found = of(tree)["state-on-network"]
    tap.same(found["severity"], "error")
    tap.contains(found["text"], "NFS")
    tap.contains(found["hint"], "state =")
    tap.same("state-on-network" in of(tree + 'state_folder = "%s/disk/%%u"\n' % folder), False)
    tap.same("state-on-network" in of(tree + 'state = "redis:%s/none"\n' % folder), False)
    tap.same("state-on-network" in findings("-c", conf), False, "without NFS")


@with_each
def test_check_asks_the_server(folder, server):
    with Site(folder, server.state(), KEEP) as site:
        tap.same("state-server" in findings("-c", site.conf), False)
        tap.same(server.items(), 0, "it leaves nothing there")
        server.stop()
        tap.same(findings("-c", site.conf)["state-server"]["severity"], "error")


# Looking, and more hosts.

@with_each
@by_server
def test_try_looks_and_changes_nothing(folder, server):
    with Site(folder, server.state(), VACATION) as site:
        open(folder + "/mail.eml", "wb").write(site.message("4AAA"))
        ask = ("try", "-c", site.conf, "--rcpt", "ann@example.jp", "-f", "s@client.test", folder + "/mail.eml")
        tap.contains(tap.todoke(*ask).stdout.decode(), "vacation")
        site.deliver()
        had = server.items()
        tap.contains(tap.todoke(*ask).stdout.decode(), "answered before")
        tap.same(server.items(), had)


@with_each
@by_server
def test_each_host_has_its_own_history_of_marks(folder, server):
    with Site(folder, server.state(), KEEP) as site:
        site.lines.remove("add_mark = no")
        site.set(server.state())
        site.deliver()
        state = folder + "/mail/example.jp/ann/todoke-state"
        marks = [name for name in os.listdir(state) if name.startswith("marks")]
        tap.same(marks, ["marks@" + os.uname().nodename])
        new = folder + "/mail/example.jp/ann/new"
        mail = open(os.path.join(new, os.listdir(new)[0]), "rb").read()
        os.rename(os.path.join(state, marks[0]), state + "/marks@another-host")
        for number in range(tap.limit("MARK_FILES") - 1):
            open("%s/marks@h%d" % (state, number), "w", encoding="utf-8").close()
        result = tap.todoke("deliver", "-c", site.conf, "-f", "s@client.test", "-d", "ann@example.jp", "--queue-id", "4BACK", stdin=mail)
        tap.same((result.returncode, site.stored()), (75, 1), "it is here, as the other host knows")
        tap.contains(result.stdout, b"it came out of its own mailbox")


if __name__ == "__main__":
    tap.run([test for name, test in list(globals().items()) if name.startswith("test_") and callable(test)])
