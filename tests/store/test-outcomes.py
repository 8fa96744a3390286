#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What becomes of the mail when a file or folder cannot be used: the rows of agent/base/outcome-table.def, with real faults."""

import errno
import os
import pwd
import resource
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

SHIM = os.path.abspath("tests/faults/.libs/libshim.so")
PASSING = ("EIO", "ESTALE", "ENOMEM", "EMFILE", "ENFILE")
TO_WORK = b'require "fileinto";\nfileinto "Work";\n'


def message(age=60, body=b"body"):
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(time.time() - age))
    return b"Received: by mx.test with ESMTP id 4ABC; %s\nFrom: a@b.test\nSubject: x\n\n%s\n" % (date.encode(), body)


class Home:
    """A home with a Maildir, of an owner who is not root; `rules` is the script or the rc file."""

    def __init__(self, folder, rules=None, recipes=False):
        self.home = "%s/%d" % (folder, len(os.listdir(folder)))
        os.chmod(folder, 0o755)
        os.makedirs(self.home + "/etc/rules")
        self.rules = self.home + "/etc/rules/main"
        for inside in ("tmp", "new", "cur"):
            os.makedirs(self.home + "/Maildir/" + inside)
        if rules is not None:
            with open(self.rules, "wb") as file:
                file.write(rules)
        kind = ["-o", "recipes=all", "-o", "recipe_files=" + self.rules, "-o", "sieve_scripts="] if recipes else ["-o", "sieve_scripts=" + self.rules]
        self.args = ["deliver", "-o", "maildir=%s/Maildir" % self.home, "-o", "home=" + self.home, "-o", "log_file=%s/log" % self.home, *kind,
                     "-o", "sandbox_paths=" + os.path.dirname(SHIM),  # for todoke, which todoke-deliver becomes in its box
                     "-o", "add_mark=no", "-f", "s@x.test", "-d", "ann@example.test"]

    def path(self, below):
        return os.path.join(self.home, below)

    def deliver(self, *args, age=60, fault=None, body=b"body", always=None, fsize=None, before=()):
        """Exit code and answer; `fault`: (part of a path, errno's name)."""
        user, env = {}, {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for at, folders, files in os.walk(self.home):
                for name in [".", *folders, *files]:
                    os.chown(os.path.join(at, name), nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        if fault is not None:
            env = {"LD_PRELOAD": SHIM, "TODOKE_FAULT_PATH": "%s:%d" % (fault[0], getattr(errno, fault[1])),
                   "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        if always is not None:
            env = {"LD_PRELOAD": SHIM, "TODOKE_FAULT_ALWAYS": always, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        if fsize is not None:
            user["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (fsize, fsize))
        if before:
            done = subprocess.run([*before, tap.TODOKE, *self.args, *args], input=message(age, body), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                  env={**os.environ, "LC_ALL": "C.UTF-8", "TODOKE_CONF": ""}, **user)
            return done.returncode, done.stdout.decode()
        done = tap.todoke(*self.args, *args, stdin=message(age, body), env=env, **user)
        return done.returncode, done.stdout.decode()

    def stored(self, below="Maildir"):
        return sum(len(os.listdir(self.path("%s/%s" % (below, place)))) for place in ("new", "cur") if os.path.isdir(self.path("%s/%s" % (below, place))))

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()


def test_script_that_cannot_be_read_now(folder):
    """Put off, not taken for no script; and after a day the INBOX, with a note in the log."""
    for recipes, rules in ((False, TO_WORK), (True, b":0\nWork/\n")):
        for what in PASSING:
            for part in ("/etc/rules/main", "/etc/rules"):
                home = Home(folder, rules, recipes)
                code, said = home.deliver(fault=(part, what))
                tap.same((code, said[:6], home.stored(), home.stored("Maildir/.Work")), (75, "4.3.0 ", 0, 0), (what, part, said))
                tap.contains(home.log(), home.rules, "log")
                tap.same(tap.litter(home.home), [], "tmp")
                code, said = home.deliver(fault=(part, what), age=2 * 86400)
                tap.same((code, home.stored() > 0), (0, True), (what, part, said))
                tap.contains(home.log(), "defer_at_most", "log")


@tap.plain_only("with the address sanitizer files are opened in another order")
def test_script_that_cannot_be_opened_while_the_box_is_built(folder):
    """In the box it would be forbidden, which is a fault that lasts: the mail would go to the INBOX, and a notice to the owner."""
    tap.need_strace()
    for what in ("EIO", "ESTALE", "ENFILE"):
        for sandbox, when, wanted in (("auto", ":when=1", (0, 0, 1)), ("auto", "", (75, 0, 0)), ("off", "", (75, 0, 0))):
            home = Home(folder, TO_WORK)
            inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", home.rules, "-e", "trace=openat", "-e", "inject=openat:error=%s:syscall=getpid%s" % (what, when)]
            code, said = home.deliver("-o", "sandbox=" + sandbox, before=inject)
            tap.same((code, home.stored(), home.stored("Maildir/.Work")), wanted, (what, sandbox, when, said))


def test_overdue_is_a_setting(folder):
    home = Home(folder, TO_WORK)
    tap.same(home.deliver("-o", "defer_at_most=0", fault=("/etc/rules/main", "EIO"))[0], 0)
    tap.same(home.deliver("-o", "defer_at_most=7d", fault=("/etc/rules/main", "EIO"), age=2 * 86400)[0], 75)


def test_included_script_that_cannot_be_read_now(folder):
    home = Home(folder, b'require "include";\ninclude :personal "more";\n')
    with open(home.path("etc/more.sieve"), "wb") as file:
        file.write(TO_WORK)
    args = ["-o", "sieve_personal=" + home.path("etc")]
    tap.same(home.deliver(*args, fault=("more.sieve", "EIO"))[0], 75)
    tap.same((home.deliver(*args)[0], home.stored("Maildir/.Work")), (0, 1))


def test_overdue_script_serves_in_its_last_version(folder):
    home = Home(folder, TO_WORK)
    tap.same((home.deliver()[0], home.stored("Maildir/.Work")), (0, 1))
    tap.same(home.deliver(body=b"two", fault=("/etc/rules/main", "EIO"))[0], 75)
    tap.same(home.deliver(body=b"two", fault=("/etc/rules/main", "EIO"), age=2 * 86400)[0], 0)
    tap.same(home.stored("Maildir/.Work"), 2)


def close_file(home):
    os.chmod(home.rules, 0)


def close_folder(home):
    os.chmod(home.path("etc"), 0)


def make_loop(home):
    os.unlink(home.rules)
    os.symlink("main", home.rules)


def make_folder_a_file(home):
    shutil.rmtree(home.path("etc/rules"))
    with open(home.path("etc/rules"), "wb"):
        pass


def make_file_a_folder(home):
    os.unlink(home.rules)
    os.mkdir(home.rules)


def test_script_that_its_owner_closed(folder):
    """The last version, else the INBOX; the owner is told once."""
    for deed in (close_file, close_folder, make_loop, make_folder_a_file, make_file_a_folder):
        home = Home(folder, TO_WORK)
        tap.same((home.deliver()[0], home.stored("Maildir/.Work")), (0, 1), deed)
        deed(home)
        tap.same((home.deliver(body=b"two")[0], home.stored("Maildir/.Work"), home.stored()), (0, 2, 1), deed)
        tap.same((home.deliver(body=b"three")[0], home.stored("Maildir/.Work"), home.stored()), (0, 3, 1), deed)
        for recipes, rules in ((False, TO_WORK), (True, b":0\nWork/\n")):
            home = Home(folder, rules, recipes)
            deed(home)
            tap.same((home.deliver()[0], home.stored()), (0, 2), (deed, recipes))
            tap.contains(home.log(), home.rules, "log")


def test_no_script_is_no_fault(folder):
    home = Home(folder)
    tap.same((home.deliver()[0], home.stored()), (0, 1))
    shutil.rmtree(home.path("etc"))
    tap.same((home.deliver(body=b"two")[0], home.stored()), (0, 2))
    tap.same("note=" in home.log(), False, home.log())


def test_folder_that_its_owner_closed(folder):
    """The INBOX, with a note; root has no closed folders, so this is done as somebody else."""
    for inside, mode in (("tmp", 0o555), ("new", 0o555), ("cur", 0o555), ("tmp", 0), ("new", 0), (".", 0)):
        home = Home(folder, TO_WORK)
        for place in ("tmp", "new", "cur"):
            os.makedirs(home.path("Maildir/.Work/" + place))
        os.chmod(home.path("Maildir/.Work/" + inside), mode)
        code, said = home.deliver()
        os.chmod(os.path.normpath(home.path("Maildir/.Work/" + inside)), 0o755)
        tap.same((code, home.stored(), home.stored("Maildir/.Work")), (0, 1, 0), (inside, mode, said))
        tap.contains(home.log(), "stored in the INBOX: ", "log")
        tap.same(tap.litter(home.home), [], "tmp")


def test_folder_that_is_something_else(folder):
    for deed in ("file", "loop", "tmp is a file", "new is a file"):
        home = Home(folder, TO_WORK)
        work = home.path("Maildir/.Work")
        if deed == "file":
            open(work, "wb").close()
        elif deed == "loop":
            os.symlink(".Work", work)
        else:
            for place in ("tmp", "new", "cur"):
                os.makedirs(work + "/" + place)
            os.rmdir(work + "/" + deed[:3])
            open(work + "/" + deed[:3], "wb").close()
        code, said = home.deliver()
        tap.same((code, home.stored()), (0, 1), (deed, said))
        tap.contains(home.log(), "stored in the INBOX: ", deed)


def test_folder_that_passes(folder):
    for what in PASSING:
        home = Home(folder, TO_WORK)
        code, said = home.deliver(fault=(".Work", what))
        tap.same((code, home.stored(), home.stored("Maildir/.Work")), (75, 0, 0), (what, said))
        tap.same((home.deliver()[0], home.stored("Maildir/.Work")), (0, 1), what)


def test_faults_name_folder_file_and_path(folder):
    """In the log; whoever wrote the mail is told neither."""
    for call, what, text in (("fsync", "ENOSPC", "cannot flush 'tmp/"), ("renameat2", "EIO", "cannot move 'tmp/"), ("linkat", "EIO", "cannot link")):
        home = Home(folder, b'require "fileinto";\nkeep;\nfileinto "Work";\n')
        code, said = home.deliver(always="%s:%d" % (call, getattr(errno, what)))
        tap.same(code, 75, said)
        tap.same("Maildir" in said or "Work" in said, False, said)
        log = home.log()
        tap.contains(log, text, call)
        tap.contains(log, os.strerror(getattr(errno, what)), call)
        inbox, work = "folder 'INBOX' (%s)" % home.path("Maildir"), "folder 'Work' (%s)" % home.path("Maildir/.Work")
        tap.same(inbox in log or work in log, True, log)
    home = Home(folder)
    code, said = home.deliver(always="openat:0", body=b"x" * 3000000, fsize=1000000)
    tap.same((code, said[:6]), (75, "4.3.0 "), said)
    tap.contains(home.log(), "folder 'INBOX' (%s): 'tmp/" % home.path("Maildir"), "log")


def test_places_of_recipes(folder):
    """An mbox, a Maildir and a directory that cannot be written: the INBOX. Names that no file can have are no reason to wait."""
    cases = [b":0\nclosed/\n", b":0\nclosed/box\n", b":0\nclosedbox\n", b":0\nfifo\n", b":0\nfile/box\n", b":0\nloop\n",
             b":0\nclosed/.\n", b":0\n" + b"x" * 300 + b"/\n", b":0\n" + b"x" * 300 + b"\n"]
    for recipes in cases:
        home = Home(folder, recipes, recipes=True)
        os.mkdir(home.path("closed"))
        open(home.path("closedbox"), "wb").close()
        open(home.path("file"), "wb").close()
        os.mkfifo(home.path("fifo"))
        os.symlink("loop", home.path("loop"))
        os.chmod(home.path("closed"), 0o555)
        os.chmod(home.path("closedbox"), 0)
        code, said = home.deliver()
        tap.same((code, home.stored()), (0, 1), (recipes, said))
        tap.same("stored in the INBOX: " in home.log() or "cannot store to" in home.log(), True, home.log())
        tap.same(tap.litter(home.home), [], "tmp")


def test_lock_of_recipes_that_stays(folder):
    for recipes in (b"LOCKFILE=$HOME/all.lock\n:0\nbox\n", b":0:all.lock\nbox\n"):
        home = Home(folder, recipes, recipes=True)
        open(home.path("all.lock"), "wb").close()
        tap.same(home.deliver("-o", "recipe_lock_wait=0")[0], 75, recipes)
        code, said = home.deliver("-o", "recipe_lock_wait=0", age=2 * 86400)
        tap.same((code, home.stored()), (0, 1), (recipes, said))


def test_inbox_puts_off(folder):
    for place in ("tmp", "new"):
        home = Home(folder)
        os.chmod(home.path("Maildir/" + place), 0o555)
        code, said = home.deliver()
        os.chmod(home.path("Maildir/" + place), 0o755)
        tap.same((code, said[:6], home.stored()), (75, "4.3.0 ", 0), place)
        tap.same(tap.litter(home.home), [], place)
        tap.same((home.deliver()[0], home.stored()), (0, 1))


def test_state_and_key_stop_nothing(folder):
    home = Home(folder, b'require "vacation";\nvacation "away";\n')
    os.mkdir(home.path("closed"))
    os.chmod(home.path("closed"), 0o555)
    with open(home.path("key"), "wb"):
        pass
    os.chmod(home.path("key"), 0)
    for what in (None, ("/state/", "EIO"), ("/key", "EIO")):
        where = home.path("closed/state") if what is None else home.path("state")
        code, said = home.deliver("-o", "state_folder=" + where, "-o", "add_mark=yes", "-o", "key_file=" + home.path("key"), fault=what,
                                  body=str(what).encode())
        tap.same(code, 0, (what, said))
    tap.same(home.stored(), 3)
    tap.contains(home.log(), "note=", "log")


if __name__ == "__main__":
    tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
