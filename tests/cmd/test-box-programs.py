#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that rules run, where the delivery is in the box (sandbox = on): they are started outside of it by a process that starts
nothing else, by every door; and neither that process nor its program outlives the delivery."""

import contextlib
import errno
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from box_site import BUILD, SHIM, SMALL, Site, need
from lmtp_client import Server

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nMessage-ID: <1@b.test>\nSubject: x\n\nx\n"
OWNER = 64101
EX_TEMPFAIL = 75

# What a program says of itself: it is in no box, and may gain rights as the site's programs may.
REPORT = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status\n"
NOT_BOXED = "NoNewPrivs:\t0\nSeccomp:\t0\n"

LEAVES = """require ["copy", "vacation", "enotify"];
redirect :copy "far@outside.test";
vacation "away";
notify "mailto:pager@outside.test";
"""
RUNS = """require ["copy", "fileinto", "mailbox", "vnd.dovecot.pipe", "vnd.dovecot.filter", "vnd.dovecot.execute"];
pipe :copy "piped" ["one", "two"];
if execute "tested" { filter "filtered"; fileinto :create "Work"; }
"""
RECIPES = """HERE=`echo program`
:0 c
| cat >$HOME/piped; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status >$HOME/status

:0 fw
| sed -e "s/^Subject: x/Subject: $HERE/"

:0
* ? test -d /
Mail/work/
"""


class Programs(Site):
    """A site with all programs that may be started: sendmail, a folder of programs, and recipes of ann."""

    def __init__(self, folder, *more):
        super().__init__(folder, "on", more)
        for part in ("programs", "said", "home/ann/Mail/work/new", "home/ann/Mail/work/cur", "home/ann/Mail/work/tmp"):
            os.makedirs(folder + "/" + part)
        said = folder + "/said/"
        self.sendmail = self.program("sendmail", 'for to in "$@"; do :; done; { echo "$@"; %s cat; } >%s"$to"\n' % (REPORT.strip() + ";", said))
        self.program("programs/piped", '{ echo "$@"; %s } >%spiped\n' % (REPORT.strip() + ";", said))
        self.program("programs/tested", "exec 2>%stested; set -x; exit 0\n" % said)
        self.program("programs/filtered", "exec sed -e 's/^Subject: x/Subject: filtered/'\n")
        self.options += ["-o", "submit=sendmail:" + self.sendmail]

    def program(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def script(self, text):
        os.mkdir(self.folder + "/rules")  # processes that are kept read all of it
        path = self.folder + "/rules/main.sieve"
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o644)
        self.options += ["-o", "sieve_scripts={%s}" % path]
        return self

    def with_folder(self):
        self.options += ["-o", "program_folder=%s/programs" % self.folder]
        return self

    def with_recipes(self):
        with open(self.folder + "/home/ann/.procmailrc", "w", encoding="ascii") as file:
            file.write(RECIPES)
        os.chmod(self.folder + "/home/ann/.procmailrc", 0o644)
        self.options += ["-o", "recipes=all", "-o", "home=%s/home/%%n" % self.folder]
        return self

    def said(self, name):
        with open(self.folder + "/said/" + name, encoding="utf-8") as file:
            return file.read()

    def below_home(self, name):
        with open(self.folder + "/home/ann/" + name, encoding="utf-8") as file:
            return file.read()


def by_pipe(site):
    done = site.deliver(message=MESSAGE)
    tap.same((done.returncode, done.stderr), (0, b""), site.log())


def by_small_program(site):
    if not os.path.exists(SMALL):
        raise tap.Skip("built without todoke-deliver")
    done = site.deliver(small=True, message=MESSAGE)
    tap.same((done.returncode, done.stderr), (0, b""), site.log())


def serve(site, hostile=""):
    return Server(site.folder, *site.options, env=site.environment(hostile))


def hand_in(server, message):
    client = server.client().greet()
    client.begin("ann@x.test", sender="a@b.test")
    client.send(message.replace(b"\n", b"\r\n") + b".\r\n")
    tap.contains(client.read(), "250 ", server.read_log())


def by_lmtp(site):
    with serve(site) as server:
        hand_in(server, MESSAGE)
        tap.contains(server.read_log(), "sandbox: paths, ports, calls; programs start outside (submit")


def belongs_to_owner(site):
    """For lmtpd as root: the mail is OWNER's."""
    os.chmod(site.folder, 0o755)
    subprocess.run(["chmod", "-R", "a+rX", site.folder], check=True)
    subprocess.run(["chown", "-R", "%d:%d" % (OWNER, OWNER), site.folder + "/mail", site.folder + "/home"], check=True)
    os.chmod(site.folder + "/said", 0o777)
    return site


DOORS = (by_pipe, by_small_program, by_lmtp)


def expect_mail_out(site):
    for to in ("far@outside.test", "a@b.test", "pager@outside.test"):
        tap.contains(site.said(to), NOT_BOXED, to)
    tap.contains(site.said("far@outside.test"), "-- far@outside.test\n")
    tap.contains(site.said("a@b.test"), "Auto-Submitted: auto-replied")
    tap.same(len(site.stored()), 1)


def expect_programs(site):
    tap.contains(site.said("piped"), "one two\n" + NOT_BOXED)
    folder = site.folder + "/mail/x.test/ann/.Work/new"
    tap.same(len(os.listdir(folder)), 1, site.log())
    with open(folder + "/" + os.listdir(folder)[0], encoding="ascii") as file:
        tap.contains(file.read(), "Subject: filtered\n")


def expect_recipes(site):
    tap.contains(site.below_home("piped"), "Subject: x\n")
    tap.same(site.below_home("status"), NOT_BOXED)
    new = site.folder + "/home/ann/Mail/work/new"
    tap.same(len(os.listdir(new)), 1, site.log())
    tap.contains(site.below_home("Mail/work/new/" + os.listdir(new)[0]), "Subject: program\n")


def at_each_door(folder, prepare, expect):
    need("paths", "ports", "calls")
    for door in DOORS:
        site = prepare(Programs(os.path.join(folder, door.__name__)))
        door(site)
        expect(site)


def test_redirect_vacation_and_notify_by_sendmail(folder):
    at_each_door(folder, lambda site: site.script(LEAVES), expect_mail_out)


def test_programs_of_the_sites_folder(folder):
    at_each_door(folder, lambda site: site.with_folder().script(RUNS), expect_programs)


def test_recipes_with_pipes_filters_and_conditions(folder):
    at_each_door(folder, lambda site: site.with_recipes(), expect_recipes)


@tap.as_root
def test_all_of_them_by_lmtpd_as_root(folder):
    need("paths", "ports", "calls")
    for name, prepare, expect in (("out", lambda site: site.script(LEAVES), expect_mail_out),
                                  ("run", lambda site: site.with_folder().script(RUNS), expect_programs),
                                  ("recipes", lambda site: site.with_recipes(), expect_recipes)):
        os.chmod(folder, 0o755)
        site = belongs_to_owner(prepare(Programs(os.path.join(folder, name))))
        by_lmtp(site)
        expect(site)


def test_recipes_by_the_name_of_procmail(folder):
    """A file that the command line names is read in the box, too."""
    need("paths", "calls")
    site = Programs(folder)
    rc = folder + "/rc"
    with open(rc, "w", encoding="ascii") as file:
        file.write(":0\n| cat >%s/said/piped\n" % folder)
    environment = {**os.environ, "LOGNAME": "nobody", "HOME": folder, "LC_ALL": "C.UTF-8", "TODOKE_CONF": folder + "/conf"}
    with open(folder + "/conf", "w", encoding="ascii") as file:
        file.write('sandbox = on\nmaildir = "%s/mail/x.test/ann"\nlog_file = "%s/log"\nkey_file = ""\nstate_folder = "%s/state"\n' % (folder, folder, folder))
    done = subprocess.run([tap.TODOKE, "procmail", rc], input=MESSAGE, capture_output=True, env=environment, timeout=tap.PATIENCE, check=False)
    tap.same((done.returncode, done.stderr), (0, b""), done.stdout)
    tap.contains(site.said("piped"), "Subject: x\n")


def test_the_engine_libsieve(folder):
    need("paths", "calls")
    if not os.path.exists(os.path.join(BUILD, "todoke-libsieve")):
        raise tap.Skip("built without libsieve")
    for door in DOORS:
        site = Programs(os.path.join(folder, door.__name__), "-o", "sieve_engine=libsieve", "-o", "create_folders=yes")
        site.script('require "fileinto"; if header :is "subject" "x" { fileinto "Work"; }\n')
        with contextlib.suppress(FileExistsError):
            os.mkdir(site.folder + "/mail/x.test/ann/.Work")
        door(site)
        tap.same((site.stored(), len(os.listdir(site.folder + "/mail/x.test/ann/.Work/new"))), ([], 1), site.log())


def hostile_for(site):
    """What a message may try that has taken the delivery over, and what comes of it, where only sendmail and the folder are allowed."""
    good, folder = site.sendmail, site.folder + "/programs/"
    return {"read:" + site.other: errno.EACCES, "write:%s/outside" % site.folder: errno.EACCES,
            "starter:/bin/sh,-c,id": errno.EPERM, "starter:/usr/bin/id": errno.EPERM,
            "starter:" + good: errno.EPERM, "starter:%s,-C,/tmp/x" % good: errno.EPERM, "starter:%s,-bd" % good: errno.EPERM,
            "starter:%s,-i,-f,a@b.test,-t,--" % good: errno.EPERM,
            "starter:%s,-i,-f,a@b.test,-C,/tmp/x,--,c@d.test" % good: errno.EPERM,
            "starter:%s../sendmail" % folder: errno.EPERM, "starter:%s/programs" % site.folder: errno.EPERM,
            "named:%s,sh,-i,-f,%s/outside,--,c@d.test" % (good, site.folder): errno.EPERM,  # where sendmail is busybox, that is a shell
            "named:%spiped,sh,%s/outside" % (folder, site.folder): errno.EPERM, "named:%spiped,piped,x" % folder: 0,
            "starter:%smissing" % folder: errno.ENOENT,
            "starter:%spiped,of,its,own" % folder: 0,  # as the rules could
            "read:" + site.folder + "/outside": errno.EACCES}


def test_a_delivery_that_was_taken_over_starts_nothing_else(folder):
    need("paths", "ports", "calls")
    for small in (False, True):
        if small and not os.path.exists(SMALL):
            continue
        site = Programs(folder + "/%d" % small).with_folder().script("keep;")
        wanted = hostile_for(site)
        done = site.deliver(" ".join(wanted), small=small, message=MESSAGE)
        tap.same((done.returncode, site.report()), (0, wanted), site.log())
        tap.contains(site.said("piped"), "of its own\n")
        tap.same(len(site.stored()), 1)


@tap.as_root
def test_a_process_of_lmtpd_that_was_taken_over_starts_nothing_else(folder):
    need("paths", "ports", "calls")
    os.chmod(folder, 0o755)
    for name, prepare in (("worker", None), ("owner", belongs_to_owner)):
        site = Programs(os.path.join(folder, name)).with_folder().script("keep;")
        site = belongs_to_owner(site)
        wanted = {what: code for what, code in hostile_for(site).items() if what != "read:" + site.other}
        with open(site.report_path, "w", encoding="ascii"):
            os.chmod(site.report_path, 0o666)
        if prepare is None:
            os.chown(site.folder, OWNER, OWNER)
            site.options += ["-o", "lmtp_user=nobody"]
            subprocess.run(["chown", "-R", "nobody:", site.folder + "/mail", site.folder + "/home"], check=True)
        with serve(site, " ".join(wanted)) as server:
            tap.contains(server.client().greet().deliver("ann@x.test")[0], "250 ", server.read_log())
            tap.same(site.report(), wanted, name)


def test_without_programs_there_is_nobody_to_ask(folder):
    """The half of lmtpd that talks with clients, and deliveries of sites whose rules run nothing."""
    need("calls")
    site = Site(folder)
    tried = "starter:/bin/true"
    tap.same(site.deliver(tried).returncode, 0)
    tap.same(site.report()[tried] != 0, True)
    if os.path.exists("/usr/bin/strace"):
        done = subprocess.run(["strace", "-f", "-o", folder + "/trace", tap.TODOKE, "deliver", *site.options, "-f", "a@b.test", "-d", "ann@x.test"],
                              input=MESSAGE, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
        tap.same(done.returncode, 0)
        with open(folder + "/trace", encoding="utf-8", errors="replace") as file:
            tap.same([line for line in file if "clone" in line or "fork" in line], [], "no process for nothing")


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            at = todo.pop()
            with open("/proc/%d/task/%d/children" % (at, at), encoding="ascii") as file:
                children = [int(child) for child in file.read().split()]
            found += children
            todo += children
    return found


def name_of(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open("/proc/%d/comm" % pid, encoding="ascii") as file:
            return file.read().strip()
    return ""


class Slow:
    """A delivery whose program waits for ever, while its rules run: once the program and its child are there."""

    def __init__(self, folder, *more):
        os.makedirs(folder, exist_ok=True)
        self.site = Programs(folder, *more).with_folder().script('require "vnd.dovecot.execute"; if execute "slow" { discard; }')
        self.site.program("programs/slow", "sleep 600 &\necho >%s/said/slow\nsleep 600\n" % folder)
        self.process = subprocess.Popen([tap.TODOKE, "deliver", *self.site.options, "-f", "a@b.test", "-d", "ann@x.test"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.process.stdin.write(MESSAGE)
        self.process.stdin.close()
        tap.wait_for("the program's child", lambda: [name_of(pid) for pid in descendants(self.process.pid)].count("sleep") == 2)
        self.started = descendants(self.process.pid)

    def named(self, name):
        return [pid for pid in self.started if name_of(pid) == name]

    def end(self):
        """What it answered, and its exit code."""
        with self.process.stdout as out:
            answer = out.read()
        return answer, self.process.wait()

    def wait_for_end(self):
        """Nothing is left."""
        for pid in self.started:
            tap.wait_for("the end of %d" % pid, lambda pid=pid: not tap.is_alive(pid))


def test_nothing_outlives_a_delivery_that_is_killed(folder):
    need("calls")
    slow = Slow(folder)
    tap.same(sorted({name_of(pid) for pid in slow.started}), ["sleep", "slow", "todoke-starter"])
    slow.process.kill()
    slow.end()
    slow.wait_for_end()


def test_nothing_outlives_a_delivery_that_is_ended(folder):
    """By SIGTERM, as by its deadline, and as without the box."""
    need("calls")
    for sandbox in ("on", "off"):
        slow = Slow(folder + "/" + sandbox, "-o", "sandbox=" + sandbox)
        slow.process.terminate()
        answer, code = slow.end()
        tap.same((code, answer[:5]), (EX_TEMPFAIL, b"4.3.2"), answer)
        slow.wait_for_end()


def test_a_program_that_takes_too_long(folder):
    """program_timeout holds as without the box, and the mail fares alike."""
    need("calls")
    found = []
    for sandbox in ("on", "off"):
        slow = Slow(folder + "/" + sandbox, "-o", "sandbox=" + sandbox, "-o", "program_timeout=1")
        found.append(slow.end())
        slow.wait_for_end()
        tap.contains(slow.site.log(), "took longer than 1 seconds")
    tap.same(found[0], found[1])


def test_without_the_starter_no_mail_is_lost(folder):
    """Somebody kills it: the program dies with it, and that is a fault of a program as others."""
    need("calls")
    slow = Slow(folder)
    for pid in slow.named("todoke-starter"):
        os.kill(pid, signal.SIGKILL)
    answer, code = slow.end()
    tap.contains(slow.site.log(), "what starts programs is gone")
    tap.same((code, answer.endswith(b"stored in INBOX\n"), len(slow.site.stored())), (0, True, 1), answer)
    for pid in slow.named("slow"):
        tap.wait_for("the end of the program", lambda pid=pid: not tap.is_alive(pid))
    for pid in slow.started:
        with contextlib.suppress(ProcessLookupError):  # the program's child: who keeps the group together is dead
            os.kill(pid, signal.SIGKILL)


@tap.as_root
def test_processes_of_lmtpd_leave_no_starter(folder):
    """Neither where one is killed, nor where lmtpd ends."""
    need("calls")
    os.chmod(folder, 0o755)
    site = belongs_to_owner(Programs(folder).script(LEAVES))
    with serve(site) as server:
        hand_in(server, MESSAGE)
        starters = [pid for pid in descendants(server.process.pid) if name_of(pid) == "todoke-starter"]
        tap.same(len(starters), 1)
        tap.wait_for("the starter to wait for the next program", lambda: tap.is_asleep(starters[0]))
        with open("/proc/%d/status" % starters[0], encoding="ascii") as file:
            owner = [int(line.split()[1]) for line in file if line.startswith("PPid:")][0]
        os.kill(owner, signal.SIGKILL)
        tap.wait_for("the end of the starter", lambda: not tap.is_alive(starters[0]))
        hand_in(server, MESSAGE.replace(b"<1@", b"<2@"))
        starters = [pid for pid in descendants(server.process.pid) if name_of(pid) == "todoke-starter"]
        tap.same(len(starters), 1)
    tap.wait_for("the end of the starter", lambda: not tap.is_alive(starters[0]))


def test_auto_lets_recipes_file_where_they_did(folder):
    """Outside of the home: by auto as ever, by on the folder has to be named."""
    need("paths", "calls")
    for number, (sandbox, more, arrives) in enumerate((("auto", (), True), ("on", (), False), ("on", ("-o", "sandbox_paths={%s}/elsewhere"), True))):
        at = folder + "/%d" % number
        site = Programs(at, "-o", "sandbox=" + sandbox)
        for part in ("cur", "new", "tmp"):
            os.makedirs(at + "/elsewhere/box/" + part)
        site.with_recipes()
        site.options += [word.replace("{%s}", "{" + at).replace("elsewhere", "elsewhere}") for word in more]
        with open(at + "/home/ann/.procmailrc", "w", encoding="ascii") as file:
            file.write(":0\n%s/elsewhere/box/\n" % at)
        done = site.deliver(message=MESSAGE)
        tap.same(done.returncode, 0, site.log())
        tap.same((len(os.listdir(at + "/elsewhere/box/new")), len(site.stored())), (1, 0) if arrives else (0, 1), site.log())


if __name__ == "__main__":
    if not os.path.exists(SHIM):
        print("1..0 # SKIP not built: %s" % SHIM)
        sys.exit(0)
    tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
