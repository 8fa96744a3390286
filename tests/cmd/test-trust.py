#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two users who attack each other, and root, with links: whoever root acts for is found without a path that they can bend."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

ANN, BOB = 64101, 64102  # accounts that no system has
MESSAGE = b"From: a@b.test\nTo: ann@d.test\nSubject: x\n\nbody\n"
SECRET = "the-secret-of-somebody-else"
WHOAMI = 'require ["vnd.dovecot.pipe", "copy"];\npipe :copy "whoami";\n'


class World:
    """A folder with private homes that root made, in the way of /home, and the programs of the site."""

    def __init__(self, folder):
        self.folder = folder
        os.chmod(folder, 0o755)
        for name in ("home", "bin"):
            os.mkdir(os.path.join(folder, name))
        for user, uid in (("ann", ANN), ("bob", BOB)):
            self.make("home/" + user, uid, 0o700)
        self.write("bin/whoami", "#!/bin/sh\nid -u >>%s/ran\nid -g >>%s/ran\n" % (folder, folder), 0, 0o755)
        self.write("ran", "", 0, 0o666)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, uid, mode=0o755):
        os.makedirs(self.path(name), mode)
        os.chown(self.path(name), uid, uid)
        return self.path(name)

    def make_maildir(self, name, uid):
        for part in ("", "/tmp", "/new", "/cur"):
            self.make(name + part, uid, 0o700)

    def write(self, name, text, uid, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(self.path(name), uid, uid)
        os.chmod(self.path(name), mode)

    def link(self, name, target, uid):
        os.symlink(target, self.path(name))
        os.chown(self.path(name), uid, uid, follow_symlinks=False)

    def options(self, *more):
        return ["-o", "maildir=%s/home/%%n/Maildir" % self.folder, "-o", "sieve_scripts=%s/home/%%n/main.sieve" % self.folder,
                "-o", "program_folder=%s/bin" % self.folder, "-o", "tree_memory=%s/trees" % self.folder, "-o", "add_mark=no", *more]

    def deliver(self, *more, rcpt="ann@d.test"):
        result = tap.todoke("deliver", *self.options(*more), "-o", "log_file=%s/log" % self.folder, "-f", "s@x.test", "-d", rcpt,
                            stdin=MESSAGE, tree=False)
        return result.returncode, result.stdout.decode()

    def log(self):
        with open(self.path("log"), encoding="utf-8") as log:
            return log.read()

    def ran_as(self):
        with open(self.path("ran"), encoding="utf-8") as file:
            return file.read().split()

    def owners_below(self, name):
        return {os.lstat(os.path.join(self.path(name), path)).st_uid for path in tap.files_below(self.path(name))}

    def mails(self, name):
        return len([path for path in tap.files_below(self.path(name)) if path.startswith("new/")])


def by_lmtp(world, *more, rcpt="ann@d.test"):
    """As World.deliver, through lmtpd as root: the first reply that refuses, or the last one."""
    os.makedirs(world.path("lmtp"), 0o755, exist_ok=True)
    with Server(world.path("lmtp"), *world.options(*more)) as server:
        client = server.client().greet()
        client.say("MAIL FROM:<s@x.test>")
        reply = client.say("RCPT TO:<%s>" % rcpt)
        if reply.startswith("250"):
            client.say("DATA")
            client.send("Subject: x\r\n\r\nbody\r\n.\r\n")
            reply = client.read()
        log = server.read_log()
    with open(world.path("log"), "a", encoding="utf-8") as file:
        file.write(log)
    return (0 if reply.startswith("250") else 75 if reply.startswith("4") else 67), reply[4:]


DOORS = (("deliver", World.deliver), ("lmtpd", by_lmtp))


def each_door(folder):
    """(name, door, a world of its own) for each door that root opens."""
    os.chmod(folder, 0o755)
    for name, door in DOORS:
        os.mkdir(os.path.join(folder, name))
        yield name, door, World(os.path.join(folder, name))


@tap.as_root
def test_the_owner_of_the_home_is_become(folder):
    for name, door, world in each_door(folder):
        world.write("home/ann/main.sieve", WHOAMI, ANN)
        tap.same(door(world)[0], 0, name)
        tap.same(world.mails("home/ann/Maildir"), 1, name)
        tap.same(world.owners_below("home/ann"), {ANN}, name)
        tap.same(world.ran_as(), [str(ANN), str(ANN)], name)


@tap.as_root
def test_a_link_to_a_folder_of_root_makes_nobody_root(folder):
    for name, door, world in each_door(folder):
        world.make_maildir("of-root", 0)
        world.link("home/ann/Maildir", world.path("of-root"), ANN)
        world.write("home/ann/main.sieve", WHOAMI, ANN)
        code, text = door(world)
        tap.same((code, text[:6]), (75, "4.3.0 "), name)
        tap.same((tap.files_below(world.path("of-root")), world.ran_as()), ([], []), name)


@tap.as_root
def test_a_link_to_another_users_folder_writes_nothing(folder):
    for name, door, world in each_door(folder):
        world.make_maildir("home/bob/Maildir", BOB)
        world.link("home/ann/Maildir", world.path("home/bob/Maildir"), ANN)
        world.write("home/ann/main.sieve", WHOAMI, ANN)
        tap.same(door(world)[0], 75, name)
        tap.same((tap.files_below(world.path("home/bob")), world.ran_as()), ([], []), name)


@tap.as_root
def test_a_link_in_the_middle_of_the_path(folder):
    """The first component below root's folders decides, however deep the mailbox lies."""
    for name, door, world in each_door(folder):
        world.make_maildir("home/bob/sub/Maildir", BOB)
        world.link("home/ann/sub", world.path("home/bob/sub"), ANN)
        more = ["-o", "maildir=%s/home/%%n/sub/Maildir" % world.folder]
        tap.same(door(world, *more)[0], 75, name)
        tap.same(tap.files_below(world.path("home/bob")), [], name)


@tap.as_root
def test_a_protected_file_is_not_read_through_a_script(folder):
    for name, door, world in each_door(folder):
        world.write("home/bob/secret", SECRET + " {;\n", BOB, 0o600)
        world.write("of-root", SECRET + " {;\n", 0, 0o600)
        for target in (world.path("home/bob/secret"), world.path("of-root")):
            script = world.path("home/ann/main.sieve")
            if os.path.lexists(script):
                os.unlink(script)
            world.link("home/ann/main.sieve", target, ANN)
            tap.same(door(world)[0], 0, name)
        for at, _, names in os.walk(world.path("home/ann")):
            for path in (os.path.join(at, entry) for entry in names if os.path.isfile(os.path.join(at, entry)) and entry != "main.sieve"):
                with open(path, "rb") as file:
                    tap.same(SECRET.encode() in file.read(), False, path)
        tap.same(SECRET in world.log(), False, "log")


@tap.as_root
def test_links_of_the_owner_go_on_to_work(folder):
    for name, door, world in each_door(folder):
        world.make("data", 0)
        world.make("data/ann", ANN, 0o700)
        world.link("home/ann/Maildir", world.path("data/ann"), ANN)
        tap.same(door(world)[0], 0, name)
        tap.same(world.mails("data/ann"), 1, name)


@tap.as_root
def test_links_of_root_lead_on(folder):
    """A site that moved /home is the same site; who is become is judged anew on the way that the link names."""
    for name, door, world in each_door(folder):
        os.rename(world.path("home"), world.path("moved"))
        world.link("home", "moved", 0)
        tap.same(door(world)[0], 0, name)
        tap.same((world.mails("moved/ann/Maildir"), world.owners_below("moved/ann")), (1, {ANN}), name)


@tap.as_root
def test_a_link_in_a_folder_that_all_write_to_counts_not(folder):
    """root's link may have been moved there by whoever owned the folder where root made it."""
    for name, door, world in each_door(folder):
        os.chmod(world.path("home"), 0o1777)
        os.rmdir(world.path("home/ann"))
        world.link("home/ann", world.path("home/bob"), 0)
        code, text = door(world)
        tap.same((code, text[:6]), (75, "4.3.5 "), name)
        tap.contains(world.log(), "is a link in a folder that others write to", name)


@tap.as_root
def test_uid_0_is_never_become(folder):
    for name, door, world in each_door(folder):
        for owner, mode in ((0, 0o755), (0, 0o777), (0, 0o770)):
            os.chown(world.path("home/ann"), owner, 50)
            os.chmod(world.path("home/ann"), mode)
            world.write("home/ann/main.sieve", WHOAMI, owner)
            code, text = door(world)
            tap.same((code, text[:6]), (75, "4.3.5 "), "%s %o" % (name, mode))
        tap.contains(world.log(), "is root's", name)
        tap.contains(world.log(), "home/ann", name)
        tap.contains(world.log(), "virtual_user", name)
        tap.same(world.ran_as(), [], name)


@tap.as_root
def test_what_only_root_could_make_is_not_made(folder):
    for name, door, world in each_door(folder):
        code, text = door(world, rcpt="carol@d.test")
        tap.same((code, text[:6]), (75, "4.3.5 "), name)
        tap.contains(world.log(), "home/carol' is not there", name)
        tap.same(os.path.exists(world.path("home/carol")), False, name)
        tap.same(door(world, "-o", "create_maildir=no", rcpt="carol@d.test")[0], 67, name)


@tap.as_root
def test_first_valid_uid(folder):
    for name, door, world in each_door(folder):
        tap.same(door(world, "-o", "first_valid_uid=%d" % ANN)[0], 0, name)
        code, text = door(world, "-o", "first_valid_uid=%d" % (ANN + 1))
        tap.same((code, text[:6]), (75, "4.3.5 "), name)
        tap.contains(world.log(), "home/ann' of 'ann@d.test' belongs to uid %d, which is below first_valid_uid = %d" % (ANN, ANN + 1), name)
        tap.same(world.mails("home/ann/Maildir"), 1, name)


@tap.as_root
def test_ids_that_a_source_names_need_no_walk(folder):
    """virtual_user and first_valid_uid: the one names, the other is for what is guessed."""
    for name, door, world in each_door(folder):
        tap.same(door(world, "-o", "virtual_user=nobody", "-o", "maildir=%s/all/%%n" % world.folder)[0], 75, name)
        world.make("all", tap.NOBODY)
        tap.same(door(world, "-o", "virtual_user=nobody", "-o", "first_valid_uid=2000000",
                      "-o", "maildir=%s/all/%%n" % world.folder)[0], 0, name)
        tap.same(world.owners_below("all"), {tap.NOBODY}, name)


@tap.as_root
def test_lines_of_the_passwd_file_without_ids(folder):
    for name, door, world in each_door(folder):
        world.write("passwd", "ann:x:::ann:%s/home/ann\nbob:x:%d:%d:bob:%s/home/bob\nroot:x:0:0::%s/home/bob\n"
                    % (world.folder, BOB, BOB, world.folder, world.folder), 0)
        more = ["-o", "maildir=~/Maildir", "-o", "passwd_file=" + world.path("passwd")]
        tap.same(door(world, *more)[0], 0, name)
        tap.same(world.owners_below("home/ann"), {ANN}, name)
        tap.same(door(world, *more, rcpt="bob@d.test")[0], 0, name)
        tap.same(world.owners_below("home/bob"), {BOB}, name)
        tap.same(door(world, *more, rcpt="root@d.test")[1][:6], "4.3.5 ", name)

        os.rename(world.path("home/ann/Maildir"), world.path("home/ann/old"))
        world.link("home/ann/Maildir", world.path("home/bob/Maildir"), ANN)
        tap.same(door(world, *more)[0], 75, name)
        tap.same(world.mails("home/bob/Maildir"), 1, name)


@tap.as_root
def test_a_passwd_file_that_others_write_names_nobody(folder):
    for name, door, world in each_door(folder):
        more = ["-o", "maildir=~/Maildir", "-o", "passwd_file=" + world.path("passwd")]
        for uid, mode in ((0, 0o666), (ANN, 0o644)):
            world.write("passwd", "ann:x:%d:%d:ann:%s/home/ann\n" % (BOB, BOB, world.folder), uid, mode)
            code, text = door(world, *more)
            tap.same((code, text[:6]), (75, "4.3.5 "), "%s %d %o" % (name, uid, mode))
        tap.contains(world.log(), "others than root can write it", name)


@tap.as_root
def test_a_folder_that_is_changed_all_the_time(folder):
    """A race: the mailbox is now a folder, now a link to bob's, now one to root's."""
    world = World(folder)
    world.make_maildir("home/bob/Maildir", BOB)
    world.make_maildir("of-root", 0)
    world.make_maildir("home/ann/Maildir", ANN)
    world.write("home/ann/main.sieve", WHOAMI, ANN)
    world.link("home/ann/to-bob", world.path("home/bob/Maildir"), ANN)
    world.link("home/ann/to-root", world.path("of-root"), ANN)
    pid = os.fork()
    if pid == 0:
        at = world.path("home/ann")
        try:
            while True:
                for link in ("to-bob", "to-root"):
                    os.rename(at + "/Maildir", at + "/real")
                    os.rename("%s/%s" % (at, link), at + "/Maildir")
                    os.rename(at + "/Maildir", "%s/%s" % (at, link))
                    os.rename(at + "/real", at + "/Maildir")
        finally:
            os._exit(0)
    try:
        codes = {world.deliver()[0] for _ in range(60)}
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    tap.same(codes <= {0, 75}, True, "exit codes %r" % codes)
    tap.same((tap.files_below(world.path("home/bob")), tap.files_below(world.path("of-root"))), ([], []))
    tap.same(set(world.ran_as()) <= {str(ANN)}, True, "who ran programs")


SORT = 'require "fileinto";\nfileinto "Sorted";\n'
RC = ":0\nMaildir/.Sorted/\n"


@tap.as_root
def test_scripts_that_others_can_write(folder):
    """The same rule for both languages; the owner hears of it once, and the mail is in the INBOX."""
    for number, (uid, gid, mode, runs) in enumerate(((ANN, ANN, 0o644, True), (ANN, ANN, 0o664, True), (0, 0, 0o644, True), (0, 0, 0o664, True),
                                                     (ANN, BOB, 0o664, False), (ANN, BOB, 0o644, True), (ANN, ANN, 0o666, False),
                                                     (BOB, ANN, 0o644, False), (0, BOB, 0o664, False), (ANN, ANN, 0o646, False))):
        for kind, text, more in (("sieve", SORT, []), ("rc", RC, ["-o", "recipes=all", "-o", "sieve_scripts=", "-o", "recipe_files=~/main.sieve"])):
            os.mkdir(os.path.join(folder, "%s%d" % (kind, number)))
            os.chmod(folder, 0o755)
            world = World(os.path.join(folder, "%s%d" % (kind, number)))
            what = "%s of %d:%d %04o" % (kind, uid, gid, mode)
            world.write("home/ann/main.sieve", text, uid, mode)
            os.chown(world.path("home/ann/main.sieve"), uid, gid)
            for _ in range(2):
                tap.same(world.deliver(*more)[0], 0, what)
            tap.same(world.mails("home/ann/Maildir/.Sorted") if runs else world.mails("home/ann/Maildir"), 2 if runs else 3, what)
            if not runs:
                tap.contains(world.log(), "ch%s %s" % ("own %d" % ANN if uid == BOB else "mod g-w" if mode == 0o664 else "mod go-w",
                                                       world.path("home/ann/main.sieve")), what)


@tap.as_root
def test_included_files_that_others_can_write(folder):
    os.chmod(folder, 0o755)
    for number, (uid, mode, runs) in enumerate(((ANN, 0o644, True), (ANN, 0o664, True), (0, 0o644, True), (ANN, 0o666, False), (BOB, 0o644, False))):
        for kind, main, text, more in (("sieve", 'require "include";\ninclude "more";\n', SORT, ["-o", "sieve_personal=~/inc"]),
                                       ("rc", "INCLUDERC=$HOME/inc/more.sieve\n", RC,
                                        ["-o", "recipes=all", "-o", "sieve_scripts=", "-o", "recipe_files=~/main.sieve"])):
            os.mkdir(os.path.join(folder, "%s%d" % (kind, number)))
            world = World(os.path.join(folder, "%s%d" % (kind, number)))
            world.make("home/ann/inc", ANN)
            world.write("home/ann/main.sieve", main, ANN)
            world.write("home/ann/inc/more.sieve", text, uid, mode)
            os.chown(world.path("home/ann/inc/more.sieve"), uid, BOB)
            tap.same(world.deliver(*more)[0], 0)
            tap.same(os.path.exists(world.path("home/ann/Maildir/.Sorted")), runs, "%s of %d %04o" % (kind, uid, mode))


@tap.as_root
def test_files_of_the_site_that_others_can_write(folder):
    os.chmod(folder, 0o755)
    for number, (uid, gid, mode, runs) in enumerate(((0, 0, 0o644, True), (0, 0, 0o664, True), (0, BOB, 0o664, False), (0, 0, 0o666, False),
                                                     (ANN, ANN, 0o644, False))):
        for kind, text, options in (("sieve", SORT, ["sieve_before=%s"]), ("default", SORT, ["sieve_scripts=", "sieve_default=%s"]),
                                    ("rc", RC, ["recipes=all", "sieve_scripts=", "recipe_site=%s"])):
            os.mkdir(os.path.join(folder, "%s%d" % (kind, number)))
            world = World(os.path.join(folder, "%s%d" % (kind, number)))
            world.write("site", text, uid, mode)
            os.chown(world.path("site"), uid, gid)
            more = [part for option in options for part in ("-o", option.replace("%s", world.path("site")))]
            tap.same(world.deliver(*more)[0], 0)
            what = "%s of %d:%d %04o" % (kind, uid, gid, mode)
            tap.same(os.path.exists(world.path("home/ann/Maildir/.Sorted")), runs, what)
            world.write("conf", "maildir = \"%s/home/%%n/Maildir\"\n" % world.folder, 0)
            checked = tap.todoke("check", "-c", world.path("conf"), *more)
            tap.same(b"not used, as" in checked.stdout, not runs, "check: " + what)


@tap.as_root
def test_check_names_the_mode_and_the_command(folder):
    world = World(folder)
    for name in ("main.sieve", "x.rc"):
        path = world.path("home/ann/" + name)
        world.write("home/ann/" + name, SORT if name == "main.sieve" else "# nothing\n", ANN, 0o666)
        checked = tap.todoke("check", path)
        tap.same(checked.returncode, 1)
        tap.contains(checked.stdout.decode(), "%s: error: not used, as anybody may write to it (mode 0666)" % path)
        tap.contains(checked.stdout.decode(), "chmod go-w " + path)
        os.chmod(path, 0o664)
        os.chown(path, ANN, BOB)
        tap.contains(tap.todoke("check", path).stdout.decode(), "its group %d may write to it (mode 0664)" % BOB)
        os.chmod(path, 0o644)
        tap.same(tap.todoke("check", path).stdout, b"")
    world.write("home/ann/x.rc", "INCLUDERC=%s/home/ann/y.rc\n" % folder, ANN)
    world.write("home/ann/y.rc", "", ANN, 0o666)
    tap.contains(tap.todoke("check", world.path("home/ann/x.rc")).stdout.decode(), "y.rc: not used, as anybody may write to it (mode 0666): chmod go-w")


@tap.as_root
def test_try_as_root_has_the_rights_of_the_owner(folder):
    """What a delivery may not read, nobody reads for the person at the terminal either; the message is that person's own."""
    world = World(folder)
    world.make_maildir("home/ann/Maildir", ANN)
    world.make("home/ann/sieve", ANN)
    world.write("of-root", SECRET + " {;\n", 0, 0o600)
    world.write("message", MESSAGE.decode(), 0, 0o600)
    world.link("home/ann/sieve/x.sieve", world.path("of-root"), ANN)
    world.write("home/ann/main.sieve", 'require "include";\ninclude :optional "x";\n', ANN)
    tried = tap.todoke("try", *world.options("-o", "sieve_personal=%s/home/%%n/sieve" % folder), "-d", "ann@d.test", "--emit", world.path("out"),
                       world.path("message"), tree=False)
    tap.same(SECRET in (tried.stdout + tried.stderr).decode(), False, tried)
    tap.contains(tried.stdout.decode(), "Permission denied")
    tap.same([(name, os.stat(world.path("out/" + name)).st_uid) for name in os.listdir(world.path("out"))], [("1.eml", 0)], "what is written is root's")

    world.write("rc", ":0\n%s/\n" % SECRET, 0, 0o600)
    world.link("home/ann/rc", world.path("rc"), ANN)
    world.write("home/ann/.procmailrc", "INCLUDERC=$HOME/rc\n", ANN)
    tried = tap.todoke("try", *world.options("-o", "sieve_scripts=", "-o", "home=%s/home/%%n" % folder, "-o", "recipes=all"), "-d", "ann@d.test",
                       world.path("message"), tree=False)
    tap.same(SECRET in (tried.stdout + tried.stderr).decode(), False, tried)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
