# SPDX-License-Identifier: MIT
"""power_doors: the deliveries behind which tests/faults/power-cut fails the power: what is there before, where the mail belongs, what a trace
shows as answered, and how Postfix tries again."""

import os
import re
import shutil
import time

import every_call
import power_model as power
from every_call import tap

END = b"The end of it.\n"

# Programs, and mail that left: no flush of ours brings them anywhere.
OTHERS = ("program", "redirect", "vacation")

NO_RENAME = "inject=renameat2:error=EINVAL:" + every_call.INSTEAD


class Cut:
    """What both kinds of doors have in common."""

    traces = ()  # what else was done before the trace of the delivery, and that: where it is more than one
    lasting = {}  # path -> lines that are there before and at any moment
    is_long = False  # not where the seconds are counted: another scenario has most of its states
    firsts = 0  # of what the first of two power cuts may leave so many are tried; 0: all
    least = 0  # so many whole copies are there at any moment

    def answered_places(self):
        return [place for place in self.places if place not in OTHERS]

    def shown(self, files):
        """(place, path, octets) of the mail that is shown, files being path -> octets."""
        for path, octets in files.items():
            folder = path.rpartition("/")[0]
            place, _, kind = folder.rpartition("/")
            if kind in ("new", "cur") and octets is not None and path not in self.lasting:
                yield place, path, octets

    def count(self, number, home):
        """place -> whole copies; a torn one is counted under its own name."""
        found, files = super().count(number, home), {}
        for at, _, names in os.walk(home):
            for name in names:
                path = os.path.join(at, name)
                if not os.path.islink(path):
                    with open(path, "rb") as file:
                        files[os.path.relpath(path, home)] = file.read()
        for place in set(self.places) - {"box", *OTHERS}:
            found[place] = found[place + " (torn)"] = 0
        for place, _, octets in self.shown(files):
            if place in self.places and b"token-%s-" % number.encode() in octets:
                found[place if octets.endswith(END) else place + " (torn)"] += 1
        return found

    def know(self, number, answered):
        """Postfix tries those again that have no answer."""

    def message(self, number):
        """More than a page, that ends in the middle of one."""
        return super().message(number).replace(b"0123456789abcdef\n" * 5000, b"0123456789abcdef\n" * 600)


class Pipe(Cut, every_call.Pipe):
    """With a quota that is counted."""

    def furnish(self, home):
        super().furnish(home)
        with open(home + "/Maildir/maildirsize", "wb") as file:
            file.write(b"100000000S\n0 0\n")

    def settings(self, home):
        return [*super().settings(home), "-o", "quota=maildirsize"]

    def record(self, number, home, trace):
        return self.run(number, home, [*power.STRACE, "-o", trace])

    def answers(self):
        """What is answered by a call: all places by the exit of the first process."""
        first = []

        def answer(pid, name, text):
            first.append(pid)
            is_done = name == "exit_group" and text.strip() == "0" and pid == first[0]
            return tuple(self.answered_places()) if is_done else None
        return answer

    def again(self, number, home, _answered):
        return self.run(number, home)


class NewInbox(Pipe):
    """Nothing is there yet."""

    name = "pipe, the INBOX is made"

    def furnish(self, home):
        shutil.rmtree(home + "/Maildir")


class Small(Pipe, every_call.Small):
    pass


class Local(Pipe, every_call.Local):
    pass


class Recipes(Pipe, every_call.Recipes):
    pass


class Mbox(Pipe, every_call.Recipes):
    """A message is there already."""

    name, places = "recipes: an mbox that has mail", {"box": 2}
    lasting = {"box": (b"Message-ID: <token-0-@x.test>", b"The end of it.")}

    def furnish(self, home):
        Pipe.furnish(self, home)
        with open(home + "/rc", "wb") as file:
            file.write(b":0\nbox\n")
        with open(home + "/box", "wb") as file:
            file.write(b"From a@example.org Mon Nov 30 10:00:00 2026\nMessage-ID: <token-0-@x.test>\n\n" + END + b"\n")


class Sieve(Pipe):
    """Two new folders, one with flags and a keyword."""

    name, places = "Sieve: new folders, flags and a keyword", {"Maildir/.One.Sub": 1, "Maildir/.Two": 1, "Maildir": 1}

    def furnish(self, home):
        super().furnish(home)
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["fileinto", "copy", "mailbox", "imap4flags"];\nfileinto :create :flags ["\\\\Seen", "Later"] "One/Sub";\n'
                       b'fileinto :create "Two";\nkeep;\n')

    def options(self, home):
        return ["-o", "sieve_scripts=%s/main.sieve" % home]


class SmallSieve(Small, Sieve):
    name, is_long = "Sieve by todoke-deliver", True


class Known(Sieve):
    """Two folders that have keywords, subscriptions and a mail: what stands there stays, whatever is added."""

    name, places = "Sieve: keywords and subscriptions are added", {"Maildir/.One": 1, "Maildir/.New": 1}
    lasting = {"Maildir/.One/dovecot-keywords": (b"0 Old", b"1 Other"), "Maildir/subscriptions": (b"One", b"Elsewhere"),
               "Maildir/.One/cur/1700000000.M1P1.host:2,Sab": (b"Old mail.",)}

    def furnish(self, home):
        Pipe.furnish(self, home)
        for inside in ("tmp", "new", "cur"):
            os.makedirs(home + "/Maildir/.One/" + inside)
        for path, lines in self.lasting.items():
            with open(os.path.join(home, path), "wb") as file:
                file.write(b"\n".join(lines) + b"\n")
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["fileinto", "mailbox", "imap4flags"];\nfileinto :flags ["Later", "Old"] "One";\nfileinto :create "New";\n')


class Edited(Sieve):
    """Two copies that differ: each is a file of its own."""

    name, places = "Sieve: two copies that differ", {"Maildir/.One": 1, "Maildir": 1}

    def furnish(self, home):
        Pipe.furnish(self, home)
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["fileinto", "copy", "editheader"];\nfileinto :copy "One";\naddheader "X-Added" "yes";\nkeep;\n')


class Duplicate(Sieve):
    """A mail that was seen is thrown away: one of which nothing is left was not seen."""

    name, places = "Sieve: duplicates are discarded", {"Maildir": 1}

    def furnish(self, home):
        Pipe.furnish(self, home)
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["duplicate"];\nif duplicate { discard; stop; }\nkeep;\n')


class DuplicateSetting(Pipe):
    name = "pipe, duplicates are discarded"

    def options(self, home):
        return [*super().options(home), "-o", "duplicates=discard", "-o", "duplicates_of=all"]


class Detail(Pipe):
    """user+detail makes a folder."""

    name, places = "pipe, user+detail", {"Maildir/.Work": 1}

    def command(self, number, home):
        return [word.replace("ann@", "ann+Work@") for word in super().command(number, home)]

    def options(self, home):
        return [*super().options(home), "-o", "detail_folder=create"]


class Quota(Pipe):
    """Counted by todoke itself, and the owner is warned by a mail, which is not looked at."""

    name = "pipe, a quota of the site"

    def furnish(self, home):
        every_call.Pipe.furnish(self, home)

    def settings(self, home):
        return [*every_call.Pipe.settings(self, home), "-o", "quota=site", "-o", "quota_bytes=25000", "-o", "quota_warnings=40%"]

    def shown(self, files):
        return [one for one in super().shown(files) if ",S=10" in one[1]]


class FormerRecipes(Pipe):
    """What recipes name by a path, in old ways, and formail -D, which throws away what it has seen."""

    name, places = "recipes: MH, directory, formail -D", {"mh": 1, "plain": 1, "Maildir": 1}

    def furnish(self, home):
        super().furnish(home)
        os.makedirs(home + "/plain")
        with open(home + "/rc", "wb") as file:
            file.write(b":0 Wh: msgid.lock\n| formail -D 8192 msgid.cache\n\n:0 c\nmh/.\n\n:0 c\nplain\n")

    options = every_call.Recipes.options

    def shown(self, files):
        """(place, path, octets) of what other programs would show."""
        yield from super().shown(files)
        for path, octets in files.items():
            place, _, name = path.rpartition("/")
            if octets is not None and (place == "mh" and name.isdigit() or place == "plain" and not name.startswith((".", "_"))):
                yield place, path, octets[:-1] if octets.endswith(b"\n\n") else octets  # each ends with an empty line


class FormerTwice(FormerRecipes):
    name, firsts, is_long = "recipes: MH and a directory", 12, True

    def furnish(self, home):
        super().furnish(home)
        with open(home + "/rc", "wb") as file:
            file.write(b":0 c\nmh/.\n\n:0 c\nplain\n")


class NewMbox(Mbox):
    name, places, lasting = "recipes: a new mbox", {"box": 1}, {}

    def furnish(self, home):
        Pipe.furnish(self, home)
        with open(home + "/rc", "wb") as file:
            file.write(b":0:\nbox\n")


class NoRename(Pipe):
    """The file system cannot rename without replacing (NFS): a look and a plain rename."""

    name = "pipe, without renameat2"
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2", "-e", NO_RENAME]

    def record(self, number, home, trace):
        return self.run(number, home, [*power.STRACE, "-o", trace, "-e", NO_RENAME])

    def again(self, number, home, _answered):
        return self.run(number, home, self.inject)


class Killed(Pipe):
    """An earlier try was killed at its last but `flushes` flush, when all is shown: the retry answers for what that try did."""

    name, flushes = "pipe, behind a try that was killed", 1

    def record(self, number, home, trace):
        first, before = trace + ".first", home + ".again"
        shutil.copytree(home, before, symlinks=True)
        assert self.run(number, home, [*power.STRACE, "-o", trace]).answer == "ok"
        with open(trace, encoding="latin-1") as lines:
            count = sum("fsync(" in line for line in lines)
        shutil.rmtree(home)
        shutil.copytree(before, home, symlinks=True)
        every_call.give_away(home)
        open(first, "w", encoding="ascii").close()
        os.chmod(first, 0o666)
        died = self.run(number, home, [*power.STRACE, "-o", first, "-e", "inject=fsync:signal=KILL:when=%d" % (count - self.flushes + 1)])
        assert died.answer == "again", died
        for lock in [name for name in os.listdir(home) if name.endswith(".lock")]:
            os.utime(os.path.join(home, lock), (time.time() - 3600,) * 2)
        self.traces = (first, trace)
        return super().record(number, home, trace)


class KilledSieve(Killed, Sieve):
    name, flushes, is_long = "Sieve, behind a try that was killed", 3, True


class KilledMbox(Killed, Mbox):
    name = "recipes: an mbox, behind a try that was killed"


class Refilter(Pipe, every_call.Refilter):
    """The mail is there at any moment. What was printed as moved is in its place."""

    least = 1

    def answered_places(self):
        return ["Maildir/.One"]

    def again(self, number, home, _answered):
        """It may say that a mail stays where both names of a move were left."""
        return self.run(number, home)._replace(answer="ok")


class SieveOut(Pipe, every_call.Sieve):
    """A redirect and a reply go out in between."""

    def answers(self):
        """And from when on the other side may have the redirect."""
        done, before = super().answers(), []

        def answer(pid, name, text):
            if name == "sendto" and re.search(r'"RCPT TO:<me@elsewhere', text):
                before.append(pid)
            if name == "sendto" and before and re.search(r'"\.\\r\\n"', text):
                before.clear()
                return ("redirect",)
            return done(pid, name, text)
        return answer

    def again(self, number, home, answered):
        had = self.sink.taken[number, "redirect"]
        result = super().again(number, home, answered)
        self.left = self.sink.taken[number, "redirect"] - had
        return result


class SieveOnce(SieveOut):
    """The same with one folder, which is there."""

    name, places, firsts = "Sieve: a folder, redirect and vacation", {"Maildir/.One": 1, "redirect": 1, "vacation": 1}, 40

    def furnish(self, home):
        Pipe.furnish(self, home)
        for inside in ("tmp", "new", "cur"):
            os.makedirs(home + "/Maildir/.One/" + inside)
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["fileinto", "copy", "vacation"];\nfileinto "One";\nredirect :copy "me@elsewhere.test";\nvacation "away";\n')


class Lmtp(Cut, every_call.Lmtp):
    def record(self, number, home, trace):
        """With what the server does behind the answer: it ends under the trace."""
        server = self.open_server()

        def attach(server):
            end = self.attach(server, *power.STRACE[2:], "-o", trace)
            return lambda: (server.stop(), end())

        try:
            return self.talk(number, server, attach)
        finally:
            server.stop()

    def answers(self):
        """The reply to the message, for one recipient after the other."""
        def answer(_pid, name, text):
            found = re.search(r'"250 2\.0\.0 <(\w+)@', text) if name in ("write", "sendto", "sendmsg", "writev") else None
            return self.answer_of(found[1]) if found is not None else None
        return answer

    def answer_of(self, user):
        return (user + "/Maildir",)

    def know(self, number, answered):
        self.done[number] = {place.split("/")[0] for place in answered}

    def again(self, number, home, answered):
        self.know(number, answered)
        return self.run(number, home)


class LmtpSieve(Lmtp):
    """A new folder, flags and a keyword for each of two."""

    name, users = "LMTP, Sieve for two recipients", ("ann", "bob")

    def __init__(self, root, sink):
        super().__init__(root, sink)
        self.places = {user + "/Maildir/.One": 1 for user in self.users}

    def new_trial(self):
        number, home = super().new_trial()
        for user in self.users:
            with open("%s/%s/main.sieve" % (home, user), "wb") as file:
                file.write(b'require ["fileinto", "mailbox", "imap4flags"];\nfileinto :create :flags "Later" "One";\n')
        every_call.give_away(home)
        return number, home

    def options(self):
        return ["-o", "sieve_scripts=%s/%%d/%%n/main.sieve" % self.root]

    def answer_of(self, user):
        return (user + "/Maildir/.One",)


class LmtpTwo(Lmtp):
    name, users = "LMTP, two recipients", ("ann", "bob")


class LmtpMany(Lmtp, every_call.LmtpMany):
    pass


class LmtpRoot(Lmtp, every_call.LmtpRoot):
    pass


SCENARIOS = (Pipe, NewInbox, Small, Local, Recipes, Mbox, Sieve, SmallSieve, SieveOut, Lmtp, LmtpMany, LmtpRoot, Known, Edited, Duplicate, DuplicateSetting, Detail,
             Quota, FormerRecipes, NewMbox, NoRename, Killed, KilledSieve, KilledMbox, Refilter, LmtpSieve)

# Where the power fails a second time, while the mail is tried again.
TWICE = (Pipe, SieveOnce, Mbox, LmtpTwo, FormerTwice)
