#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke convert: what is written, that it always compiles, and --prove."""

import glob
import os
import pwd
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

CASES = os.path.join(tap.TOP, "tests", "cases", "recipe")


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def convert(folder, rc, *args):
    path = write(folder, "procmailrc", rc)
    return tap.todoke("convert", *args, path, env={"HOME": folder})


def errors_of(folder, *paths):
    """What `check` says of scripts; what is odd in the recipes may be odd in the script, and is no error."""
    result = tap.todoke("check", *paths, env={"HOME": folder})
    tap.same(result.returncode in (0, 1), True, result.stderr)
    return result.stderr + result.stdout


def compiles(folder, script, what):
    said = errors_of(folder, write(folder, "out.sieve", script))
    if b": error: " in said:
        raise AssertionError("%s: %s\n%s" % (what, said.decode(), script.decode()))


# With these a folder of HOME is a mailbox of the same name.
FOLDERS_OF_HOME = ("-o", "maildir=~/", "-o", "folder_layout=fs")


def body(folder, rc, args=FOLDERS_OF_HOME):
    """The rules of the script, without its head and its require."""
    result = convert(folder, rc, *args)
    compiles(folder, result.stdout, rc)
    lines = result.stdout.decode().split("\n")
    return "\n".join(line for line in lines[1:] if not line.startswith("require ")).strip("\n") + "\n"


def test_every_case_compiles(folder):
    rcs = sorted(glob.glob(os.path.join(CASES, "*", "rc")))
    assert len(rcs) >= 300, len(rcs)
    verdicts = {"same": 0, "changed": 0, "by hand": 0}
    scripts = {}
    for path in rcs[::4] if tap.SANITIZED else rcs:
        # Files of the case lie in MAILDIR, which is HOME here.
        home = os.path.join(os.path.dirname(path), "files")
        result = tap.todoke("convert", "procmail", path, env={"HOME": home})
        if result.returncode not in (0, 1) or result.stderr:
            raise AssertionError("%s: exit %d %s" % (path, result.returncode, result.stderr))
        scripts[write(folder, os.path.basename(os.path.dirname(path)) + ".sieve", result.stdout)] = result.stdout
        for verdict in verdicts:
            verdicts[verdict] += result.stdout.count(b": " + verdict.encode() + b"\n") + result.stdout.count(b": " + verdict.encode() + b": ")
    # All by one process, which is quick; where it finds a fault, each again by its own.
    if b": error: " in errors_of(folder, *scripts):
        for path, script in scripts.items():
            compiles(folder, script, path)
        raise AssertionError("an error only where all scripts are checked at once")
    assert min(verdicts.values()) > (5 if tap.SANITIZED else 20), verdicts


# (what, rc, rules)
ROWS = [
    ("a folder", ":0\n* ^X-Loop: me\nlists/\n",
     '# line 1: changed: white space behind the colon does not count\nif header :regex "X-Loop" "^me" {\n\tfileinto "lists";\n\tstop;\n}\n'),
    ("plain text anywhere", ":0\n* ^List-Id:.*devel\nlists/devel/\n",
     '# line 1: same\nif header :contains "List-Id" "devel" {\n\tfileinto "lists/devel";\n\tstop;\n}\n'),
    ("MATCH", ":0\n* ^List-Id:.*<\\/[^.]*\nlists/$MATCH/\n",
     '# line 1: changed: a \'.\' or \'/\' in the variable\'s value makes another folder\nif header :regex "List-Id" "<([^.]*)" {\n\tset "MATCH" "${1}";\n\tfileinto "lists/${MATCH}";\n\tstop;\n}\n'),
    ("a copy and A", ":0c\n* ^X-Loop:\na/\n:0A\nb/\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\tfileinto :copy "a";\n\t# line 4: same\n\tfileinto "b";\n\tstop;\n}\n'),
    ("E", ":0\n* ^X-Loop:\na/\n:0E\nb/\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\tfileinto "a";\n\tstop;\n}\n# line 4: same\nelse {\n\tfileinto "b";\n\tstop;\n}\n'),
    ("E behind A is by hand", ":0c\n* ^X-Loop:\na/\n:0Ac\n* ^X-Spam:\nb/\n:0E\nc/\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\tfileinto :copy "a";\n\t# line 4: same\n'
     '\tif header :contains "X-Spam" "" {\n\t\tfileinto :copy "b";\n\t}\n}\n'
     "# line 7: by hand: it asks for the opposite of a recipe with A\n#   :0E\n#   c/\n"),
    ("discard", ":0\n* ^X-Loop:\n/dev/null\n", '# line 1: same\nif header :contains "X-Loop" "" {\n\tdiscard;\n\tstop;\n}\n'),
    ("a refusal is no discard", ":0\n* ^X-Loop:\n{\nEXITCODE=67\n:0\n/dev/null\n}\n:0\n* ^X-Spam:\n/dev/null\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\t# line 4: by hand: it says what procmail answers\n\t#   EXITCODE=67\n'
     "\t# line 5: by hand: EXITCODE answers for it: reject or ereject can\n\t#   :0\n\t#   /dev/null\n}\n"
     '# line 8: same\nif header :contains "X-Spam" "" {\n\tdiscard;\n\tstop;\n}\n'),
    ("addresses behind commas", ":0\n! a@x.test,b@x.test, c@x.test\n",
     '# line 1: same\nredirect "a@x.test";\nredirect "b@x.test";\nredirect "c@x.test";\nstop;\n'),
    ("DEFAULT elsewhere", "DEFAULT=/var/mail/ann\n",
     "# DEFAULT: by hand: the folder is outside of MAILDIR and HOME, or its name is not UTF-8 text\n"),
    ("no address", ":0\n! a@x.test@x.test\n",
     "# line 1: by hand: Sieve redirects to addresses with a domain\n#   :0\n#   ! a@x.test@x.test\n"),
    ("an option behind a comma", ":0\n! a@x.test,-t@x.test\n",
     "# line 1: by hand: Sieve redirects to addresses with a domain\n#   :0\n#   ! a@x.test,-t@x.test\n"),
    ("weights as or", ":0\n* 1^0 ^X-Loop: *a\n* 1^0 ^X-Spam: *b\na/\n",
     '# line 1: same\nif anyof (\n\theader :regex "X-Loop" "^a",\n\theader :regex "X-Spam" "^b") {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("weights that are sums", ":0\n* -1^0\n* 1^1 ^X-Loop:\na/\n",
     "# line 1: by hand: scores are added up: Sieve has no sums\n#   :0\n#   * -1^0\n#   * 1^1 ^X-Loop:\n#   a/\n"),
    ("a program", ":0\n| cat >x\n",
     "# line 1: by hand: it runs a program: the site must allow it, then vnd.dovecot.pipe, filter or execute can\n#   :0\n#   | cat >x\n"),
    ("comments", "# one\nA=b # two\n:0 # three\n# four\n* ^X-Loop:\na/\n# five\n",
     '# one\n# two\n# three\n# four\n# line 3: same\nif header :contains "X-Loop" "" {\n\tfileinto "a";\n\tstop;\n}\n# five\n'),
    ("constants are put in", "A=x\n:0\n* ^X-Loop:\n$A/\n",
     '# line 2: same\nif header :contains "X-Loop" "" {\n\tfileinto "x";\n\tstop;\n}\n'),
    ("a blank behind the blanks, and what may be missing", ":0\n* ^X-Loop: *y?[ ]+x\na/\n",
     '# line 1: changed: white space behind the colon does not count\nif header :regex "X-Loop" "^y? +x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("no blank behind the blanks", ":0\n* ^X-Loop: *y?x\na/\n",
     '# line 1: same\nif header :regex "X-Loop" "^y?x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("both cases of a letter, where case counts", ":0D\n* ^X-Loop:.*[Dd]evel\na/\n",
     '# line 1: same\nif header :comparator "i;octet" :regex "X-Loop" "[Dd]evel" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("both cases of a letter, where it does not", ":0\n* ^X-Loop:.*[Dd]evel\na/\n",
     '# line 1: same\nif header :contains "X-Loop" "devel" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("both cases in a field's name, where case counts", ":0D\n* ^[Xx]-[Ll]oop:.*x\na/\n",
     '# line 1: same\nif header :comparator "i;octet" :contains "X-Loop" "x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a blank that may be the one behind the colon", ":0\n* ^X-Loop:.* x\na/\n",
     '# line 1: same\nif header :regex "X-Loop" "(^| )x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("blanks and MATCH", ":0\n* ^X-Loop:.*[ \t]+x=\\/.\n$MATCH/\n",
     '# line 1: changed: a \'.\' or \'/\' in the variable\'s value makes another folder\nif header :regex "X-Loop" "(^|[\t ]+?)x=(.)" {\n\tset "MATCH" "${2}";\n'
     '\tfileinto "${MATCH}";\n\tstop;\n}\n'),
    ("what may be that blank", ":0\n* ^X-Loop:.*[^a]x\na/\n",
     '# line 1: changed: white space behind the colon does not count\nif header :regex "X-Loop" "[^a]x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a branch that may be that blank", ":0\n* ^X-Loop:.*( x|y)\na/\n",
     '# line 1: changed: white space behind the colon does not count\nif header :regex "X-Loop" "( x|y)" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a blank that may be missing", ":0\n* ^X-Loop:.* *x\na/\n",
     '# line 1: same\nif header :regex "X-Loop" " *x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a blank behind what may be missing", ":0\n* ^X-Loop:.*y? x\na/\n",
     '# line 1: changed: white space behind the colon does not count\nif header :regex "X-Loop" "y? x" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a block", ":0\n* ^X-Loop:\n{\n:0c\na/\n}\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\t# line 4: same\n\tfileinto :copy "a";\n}\n'),
    ("what is never reached", ":0\na/\n:0\nb/\n",
     '# line 1: same\nfileinto "a";\nstop;\n# line 3: by hand: it is never reached\n#   :0\n#   b/\n'),
    ("formail adds a field", ":0fhw\n| formail -A \"X-A: b\"\n",
     '# line 1: changed: fields are added by editheader, where the site allows it\naddheader :last "X-A" "b";\n'),
    ("A behind a recipe that ends", ":0\n* ^X-Loop:\na/\n:0A\nb/\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\tfileinto "a";\n\tstop;\n}\n# line 4: by hand: it is never reached\n#   :0A\n#   b/\n'),
    ("the edge of a word", ":0\n* ^X-Loop:.*\\<a\na/\n",
     '# line 1: same\nif header :regex "X-Loop" "([^a-zA-Z0-9_]|^|$)a" {\n\tfileinto "a";\n\tstop;\n}\n'),
    ("SWITCHRC without a file", ":0\n* ^X-Loop:\na/\nSWITCHRC=\n:0\nb/\n",
     '# line 1: same\nif header :contains "X-Loop" "" {\n\tfileinto "a";\n\tstop;\n}\n'
     "# line 4: by hand: it ends the file: nothing behind it is read\n#   SWITCHRC=\n# line 5: by hand: it is never reached\n#   :0\n#   b/\n"),
    ("SWITCHRC without a file in a block", "DEFAULT=$HOME/d/\n:0\n* ^X-Loop:\n{\nSWITCHRC\n:0\nb/\n}\n:0\nc/\n",
     '# line 2: same\nif header :contains "X-Loop" "" {\n\t# line 5: by hand: it ends the file: nothing behind it is read\n\t#   SWITCHRC\n'
     '\t# DEFAULT\n\tfileinto "d";\n\tstop;\n\t# line 6: by hand: it is never reached\n\t#   :0\n\t#   b/\n}\n# line 9: same\nfileinto "c";\nstop;\n'),
    ("SWITCHRC to a file that cannot be read", "SWITCHRC=gone\n:0\nb/\n",
     '# line 1: by hand: the file is not known or cannot be read\n#   SWITCHRC=gone\n# line 2: same\nfileinto "b";\nstop;\n'),
    ("HOST of another machine", "HOST=other\n:0\nb/\n",
     "# line 1: by hand: it is for another host: nothing behind it is read\n#   HOST=other\n# line 2: by hand: it is never reached\n#   :0\n#   b/\n"),
    ("HOST that is unset", "HOST\n:0\nb/\n",
     "# line 1: by hand: it is for another host: nothing behind it is read\n#   HOST\n# line 2: by hand: it is never reached\n#   :0\n#   b/\n"),
    ("HOST of this machine", "HOST=$HOST\n:0\nb/\n", '# line 2: same\nfileinto "b";\nstop;\n'),
    ("HOST that only a run knows", "HOST=`hostname`\n:0\nb/\n",
     '# line 1: by hand: what is behind it is for one host only\n#   HOST=`hostname`\n# line 2: same\nfileinto "b";\nstop;\n'),
]


ELSEWHERE = "the recipe's folder is none of the mailbox: the mail lies elsewhere"
HOME_MAILDIR = "MAILDIR=$HOME/Maildir\n"

# (what, options, rc, the folder's verdict, the name in the script)
PLACES = [
    ("a folder of Maildir++", (), HOME_MAILDIR + ":0\n.Work.Customers/\n", "same", "Work/Customers"),
    ("dots in a folder of Maildir++", (), HOME_MAILDIR + ":0\n.v1.0/\n", "same", "v1/0"),
    ("an escaped folder", ("-o", "folder_separator=/"), HOME_MAILDIR + ":0\n.v1\\\\2e0/\n", "same", "v1.0"),
    ("a folder in UTF-7", (), HOME_MAILDIR + ":0\n.Entw&APw-rfe/\n", "same", "Entw\u00fcrfe"),
    ("by its whole path", (), ":0\n$HOME/Maildir/.Work/\n", "same", "Work"),
    ("by a way round", (), HOME_MAILDIR + ":0\n../Maildir//.Work/\n", "same", "Work"),
    ("the INBOX by its path", (), ":0\n$HOME/Maildir/\n", "same", "INBOX"),
    ("a Maildir within the Maildir", (), HOME_MAILDIR + ":0\nv1.0/\n", "changed: " + ELSEWHERE, "v1.0"),
    ("a Maildir beside it", (), ":0\n$HOME/Mail/lists/\n", "changed: " + ELSEWHERE, "Mail/lists"),
    ("MAILDIR is another one", (), "MAILDIR=$HOME/Mail\n:0\n.lists/\n", "changed: " + ELSEWHERE, "lists"),
    ("the INBOX of the settings", ("-o", "maildir=~/Mail"), "MAILDIR=$HOME/Mail\n:0\n.lists/\n", "same", "lists"),
    ("folders in folders", ("-o", "folder_layout=fs"), HOME_MAILDIR + ":0\nv1.0/\n", "same", "v1.0"),
    ("Maildir++ where folders lie in folders", ("-o", "folder_layout=fs"), HOME_MAILDIR + ":0\n.Work/\n", "changed: " + ELSEWHERE, "Work"),
    ("the separator is a dot", ("-o", "folder_separator=."), HOME_MAILDIR + ":0\n.Work.New/\n", "same", "Work.New"),
    ("the prefix", ("-o", "folder_separator=.", "-o", "folder_prefix=INBOX."), HOME_MAILDIR + ":0\n.INBOX.New/\n",
     "changed: " + ELSEWHERE, "INBOX/New"),
]


def place_test(number, what, args, rc, verdict, name):
    def test(folder):
        text = body(folder, rc, args)
        tap.contains(text, "# line %d: %s\n" % (rc.count("\n") - 1, verdict))
        tap.contains(text, 'fileinto "%s";' % name)
        write(folder, "Maildir/new/1", MAILS["new/1"])
        proved = convert(folder, rc, *args, "--prove", os.path.join(folder, "Maildir"))
        tap.same(proved.returncode, 0 if verdict == "same" else 1, proved.stdout.decode())
    test.__name__ = "test_place_%d_%s" % (number, what.replace(" ", "_"))
    return test


def test_prove_says_places_on_the_disk(folder):
    write(folder, "Maildir/new/1", MAILS["new/1"])
    rc = "MAILDIR=$HOME/Maildir\n:0c\nv1.0/\n:0\n$HOME/Mail/lists/\n"
    result = convert(folder, rc, "--prove", os.path.join(folder, "Maildir"))
    tap.same(result.stdout.decode(), "new/1: recipes: store in %s/Mail/lists/, store in %s/Maildir/v1.0/; Sieve: store in Mail/lists, "
             "store in v1/0\n1 message, 1 differs\n" % (folder, folder))


def test_prove_looks_which_folders_are_there(folder):
    """Two names may mean one folder."""
    os.makedirs(folder + "/Maildir/.INBOX.Work/tmp")
    write(folder, "Maildir/new/1", MAILS["new/1"])
    result = convert(folder, "MAILDIR=$HOME/Maildir\n:0\n.INBOX.Work/\n", "--prove", os.path.join(folder, "Maildir"))
    tap.same(result.returncode, 0, result.stdout.decode())


def row_test(number, what, rc, want):
    def test(folder):
        tap.same(body(folder, rc), want, what)
    test.__name__ = "test_row_%d_%s" % (number, what.replace(" ", "_"))
    return test


def read_rules():
    """-> ({name of a file: text}, [(what, rc, exit code and script)]) of tests/cases/convert/rules; "HOME" stands for the folder's path."""
    with open(os.path.join(tap.TOP, "tests", "cases", "convert", "rules"), "rb") as file:
        sections = file.read().split(b"\n=== ")[1:]
    files, rules = {}, []
    for section in sections:
        what, text = section.split(b"\n", 1)
        if what.startswith(b"file "):
            files[what[len(b"file "):].decode()] = text
        else:
            rc, want = text.split(b"--- ", 1)
            rules.append((what.decode(), rc, want))
    return files, rules


def test_rules(folder):
    """Each of them, and that all of them compile."""
    files, rules = read_rules()
    assert len(rules) > 200, len(rules)
    for name, text in files.items():
        write(folder, name, text)
    scripts = []
    for what, rc, want in rules:
        result = convert(folder, rc, *FOLDERS_OF_HOME)
        tap.same(b"exit %d\n" % result.returncode + result.stdout.replace(folder.encode(), b"HOME"), want, what)
        scripts.append(write(folder, "%d.sieve" % len(scripts), result.stdout))
    result = tap.todoke("check", *scripts, env={"HOME": folder})
    tap.same(b": error: " in result.stdout + result.stderr, False, result.stdout + result.stderr)


def test_exit_codes(folder):
    tap.same(convert(folder, ":0\n* ^X-Loop:\na/\n").returncode, 0)
    tap.same(convert(folder, ":0\n| cat\n").returncode, 1)
    for rc in ("SWITCHRC=\n", "SWITCHRC\n", "SWITCHRC=/dev/null\n", "HOST=other\n", "HOST\n", "HOST=`hostname`\n"):
        tap.same(convert(folder, rc).returncode, 1, rc)
    tap.same(convert(folder, "HOST=$HOST\n").returncode, 0)
    tap.same(tap.todoke("convert").returncode, 2)
    tap.same(tap.todoke("convert", "a", "b").returncode, 2)
    tap.same(tap.todoke("convert", os.path.join(folder, "gone")).returncode, 1)
    tap.same(convert(folder, b"A=\0\n").returncode, 1)


def test_includes_come_in_their_place(folder):
    write(folder, "one.rc", "# inner\n:0\n* ^X-Loop:\na/\n")
    text = body(folder, "INCLUDERC=one.rc\nINCLUDERC=gone.rc\n")
    tap.contains(text, '# line 1: the recipes of one.rc\n# inner\n# line 2: same\nif header :contains "X-Loop" "" {')
    tap.contains(text, "# line 2: by hand: the file is not known or cannot be read\n#   INCLUDERC=gone.rc")


def test_switches(folder):
    """Another file in the place of this one; SWITCHRC without a file ends an included file alone."""
    write(folder, "one.rc", ":0\n* ^X-Loop:\na/\nSWITCHRC=\n:0\nnever/\n")
    text = body(folder, "INCLUDERC=one.rc\n:0\nb/\n")
    tap.contains(text, "# line 5: by hand: it is never reached\n#   :0\n#   never/\n# end of one.rc\n# line 2: same\nfileinto \"b\";\n")
    text = body(folder, "DEFAULT=$HOME/d/\n:0\n* ^X-Spam:\n{\nSWITCHRC=one.rc\n:0\nnever/\n}\n:0\nc/\n")
    tap.contains(text, "\t# end of one.rc\n\t# DEFAULT\n\tfileinto \"d\";\n\tstop;\n\t# line 6: by hand: it is never reached\n")
    text = body(folder, "DEFAULT=$HOME/d/\nSWITCHRC=one.rc\n:0\nnever/\n")
    tap.contains(text, "# end of one.rc\n# DEFAULT\nfileinto \"d\";\n# line 3: by hand: it is never reached\n")


def test_a_file_that_includes_itself_ends(folder):
    result = convert(folder, "INCLUDERC=procmailrc\n:0c\n* ^X-Loop:\na/\n")
    compiles(folder, result.stdout, "itself")


MAILS = {
    "new/1": b"From: a@b\nSubject: plain\n\nx\n",
    "cur/2:2,S": b"From: a@b\nSubject: =?utf-8?b?cGxhaW4=?=\n\nx\n",
    "cur/3:2,S": b"From: a@b\nX-Spam-Flag: YES\n\nx\n",
    ".sub/new/4": b"From: a@b\nX-Spam-Flag:YES\n\nx\n",
    "tmp/5": b"From: a@b\n\nx\n",
    ".sub/dovecot-uidlist": b"no mail\n",
}


def prove(folder, rc):
    for name, data in MAILS.items():
        write(folder, os.path.join("Maildir", name), data)
    return convert(folder, rc, "--prove", os.path.join(folder, "Maildir"))


def test_prove_lists_what_differs(folder):
    result = prove(folder, "MAILDIR=$HOME/Maildir\n:0\n* ^Subject:.*plain\n.plain/\n:0\n* ^X-Spam-Flag: YES\n.spam/\n")
    tap.same(result.stdout.decode(),
             ".sub/new/4: recipes: store in INBOX; Sieve: store in spam\n"
             "cur/2:2,S: recipes: store in INBOX; Sieve: store in plain\n4 messages, 2 differ\n")
    tap.same(result.returncode, 1)


IN_HOME = "MAILDIR=$HOME/Maildir\n:0\n.plain/\n:0\n$HOME/beside/\n"


@tap.as_root
def test_root_looks_at_the_rules_of_the_file_s_owner(folder):
    """HOME is the owner's, not root's; and root is told so, for convert, for --prove and for the rules of maildrop."""
    owner = pwd.getpwnam("daemon")
    for data in MAILS:
        write(folder, os.path.join("Maildir", data), MAILS[data])
    for language, text in (("procmail", ":0\n* ^X-Spam-Flag: YES\n%s/Maildir/.work/\n:0\n$HOME/beside/\n"), ("maildrop", 'to "%s/Maildir/.work"\n')):
        path = write(folder, language, text.replace("%s", owner.pw_dir))
        os.chown(path, owner.pw_uid, owner.pw_gid)
        result = tap.todoke("convert", language, path, env={"HOME": "/root"})
        tap.contains(result.stdout.decode(), 'fileinto "work";', "a folder of the owner's INBOX")
        tap.contains(result.stderr.decode(), "as those of daemon: HOME is '%s'; -d USER" % owner.pw_dir)
    result = tap.todoke("convert", "--prove", folder + "/Maildir", "procmail", folder + "/procmail", env={"HOME": "/root"})
    tap.contains(result.stdout.decode(), "recipes: store in %s/beside/" % owner.pw_dir)


def test_rules_of_a_user_who_is_named(folder):
    """-d: HOME and INBOX as todoke.conf has them for that user; nothing of the caller's."""
    tree = ("-o", "users=virtual", "-o", "home=%s/tree/%%n" % folder, "-o", "maildir=%s/tree/%%n/Maildir" % folder, "-d", "ann@x.test")
    os.makedirs(folder + "/tree/ann")
    result = convert(folder, IN_HOME, *tree)
    tap.contains(result.stdout.decode(), 'fileinto "plain";')
    for data in MAILS:
        write(folder, os.path.join("Maildir", data), MAILS[data])
    result = convert(folder, ":0\n$HOME/beside/\n", *tree, "--prove", folder + "/Maildir")
    tap.contains(result.stdout.decode(), folder + "/tree/ann/beside/")
    tap.same(b"-d USER" in result.stderr, False)
    result = convert(folder, IN_HOME, "-o", "users=system", "-d", "no-such-user")
    tap.same(result.returncode, 1)
    tap.contains(result.stderr, b"no-such-user")
    tap.same(tap.todoke("convert", "-d", "ann", "dovecot", "/dev/null").returncode, 2)


def test_prove_that_all_is_the_same(folder):
    result = prove(folder, ":0c\n* ^From:.*a@b\n! c@example.org\n:0\n* ^X-Spam-Flag:.*YES\n/dev/null\n:0\n* ^Received:\nx/\n")
    tap.same(result.stdout.decode(), "4 messages, 0 differ\n")
    tap.same(result.returncode, 0)


def test_prove_lets_no_sender_speak_to_the_terminal(folder):
    write(folder, "Maildir/cur/1", "Subject: \033[31mred\nFrom: a@b\n\nx\n")
    rc = ":0\n* ^Subject: \\/.*\n$MATCH/\n"
    result = convert(folder, rc, *FOLDERS_OF_HOME, "--prove", os.path.join(folder, "Maildir"))
    tap.same((result.returncode, b"\033" in result.stdout), (1, False))
    tap.contains(result.stdout, b"/?[31mred/; Sieve: store in INBOX")


def test_script_is_whole_in_a_file_and_harmless_on_a_terminal(folder):
    """A folder may have the name of an emoji, which a joiner holds together; a rule in another user's file may be meant for the reader's terminal."""
    for language, rules, odd in ((None, ":0\n* ^Subject:.*foo\n.\x1b[31m/\n", "\x1b"), (None, ":0\n* ^Subject:.*foo\n.a\u200db/\n", "\u200d"),
                                 ("maildrop", "if (/^Subject:.*foo/)\n{\n\tto \"Maildir/.a\u200db\"\n}\n", "\u200d"),
                                 ("fdm", 'action "a" maildir "~/Maildir/.a\u200db"\nmatch "^Subject:.*foo" in headers action "a"\n', "\u200d")):
        args = ["convert", *([language] if language else []), write(folder, "rules", rules)]
        tap.same(odd in tap.todoke(*args, env={"HOME": folder}).stdout.decode(), True, "%s in a file" % language)
        shown = tap.in_terminal(*args, env={"HOME": folder, "LC_ALL": "C.UTF-8"})[0]
        tap.same((odd in shown, "?" in shown), (False, True), "%s on a terminal" % language)


def test_prove_runs_no_program(folder):
    marker = os.path.join(folder, "ran")
    prove(folder, "A=`touch %s`\n:0fw\n| touch %s\n:0\n* ? touch %s\nx/\n" % (marker, marker, marker))
    tap.same(os.path.exists(marker), False, "a program ran")


def test_prove_of_a_folder_that_is_not_there(folder):
    result = convert(folder, ":0\na/\n", "--prove", os.path.join(folder, "gone"))
    tap.same(result.returncode, 1)
    tap.contains(result.stderr, b"cannot read folder")


# Tests of random rules: of what is converted as "the same" the words must be so.
CLASSES = ["[ab]", "[Aa]", "[bA]", "[A-C]", "[^B]", "[]a]", "[a^-]", "[-a]", "[a-c]", "[b^]", "[0-9]", "\\]", "\\^"]
FIELDS = ["X-Loop", "X-Spam", "List-Id", "X-(Loop|Spam)", "(X-Loop|List-Id)", "X-[LS][op][oa][pm]", "X-S?Loop"]


def random_pattern(rng):
    items = [rng.choice(CLASSES + ["a", "b", "c", "(a|b)", "(ab|c)", "a+", "b?", "c*", "(ab)*", "x", " ", "[^a]", "[ \t]+", "( b|c)", " ?", "[^ab]*"]) for _ in range(rng.randint(1, 4))]
    return "^%s:%s%s%s" % (rng.choice(FIELDS), rng.choice([".*", ".*", ".*", ".*", " *"]), "".join(items), rng.choice(["", "", "", "$", ".*$", ".*"]))


def random_rule(rng, number):
    flags = rng.choice(["", "c", "E", "Ec", "A", "Ac", "c"]) if number > 0 else rng.choice(["", "c"])
    conditions = ["* %s%s" % (rng.choice(["", "", "! "]), random_pattern(rng)) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
    if rng.random() < 0.1:
        conditions = ["* 1^0 " + random_pattern(rng) for _ in range(2)]
    action = rng.choice(["f%d/" % number] * 4 + ["/dev/null", "{\n:0 c\nb%d/\n}" % number, "{\n:0\n* %s\ng%d/\n:0 E\nh%d/\n}" % (random_pattern(rng), number, number)])
    flags += rng.choice(["", "", "D"])
    return "\n".join([":0 " + flags.replace("c", "" if action[0] == "{" else "c"), *conditions, action]) + "\n"


def random_mail(rng):
    lines = ["From: a@b"]
    for name in ("X-Loop", "X-Spam", "List-Id", "X-Sloop", "X-SLoop"):
        if rng.random() < 0.6:
            lines.append("%s: %s" % (name, "".join(rng.choice("aabbccAB]^-x09 ") for _ in range(rng.randint(0, 5))).strip()))
    return ("\n".join(lines) + "\n\nx\n").encode()


def test_random_rules_that_are_the_same_are_so(folder):
    rng = random.Random(20)
    for number in range(60):
        write(folder, "Maildir/new/%d" % number, random_mail(rng))
    proved = 0
    for _ in range(30 if tap.SANITIZED else 80):
        rc = "".join(random_rule(rng, number) for number in range(rng.randint(1, 3)))
        script = convert(folder, rc, *FOLDERS_OF_HOME).stdout
        if b": changed" in script or b": by hand" in script:
            continue
        result = convert(folder, rc, *FOLDERS_OF_HOME, "--prove", os.path.join(folder, "Maildir"))
        if result.stdout != b"60 messages, 0 differ\n":
            raise AssertionError("%s\n%s\n%s" % (rc, script.decode(), result.stdout.decode()))
        proved += 1
    assert proved >= (5 if tap.SANITIZED else 15), proved


def test_what_was_seen_before(folder):
    """procmailex(5)'s own recipe against duplicates is Sieve's duplicate, and --prove holds one against the other."""
    rc = ":0 Wh: msgid.lock\n| formail -D 8192 msgid.cache\n\n:0\n* ^Subject:.*work\nWork/\n"
    text = body(folder, rc)
    tap.contains(text, "if duplicate {\n\tdiscard;\n\tstop;\n}\n")
    tap.contains(convert(folder, rc, *FOLDERS_OF_HOME).stdout, b'require ["duplicate", ')
    for number, (identity, subject) in enumerate((("1@a.test", "work"), ("2@a.test", "other"), ("1@a.test", "work"), ("1@a.test", "other"))):
        write(folder, "old/cur/%d" % number, "From: a@a.test\nMessage-ID: <%s>\nSubject: %s\n\nx\n" % (identity, subject))
    tap.contains(convert(folder, rc, "--prove", folder + "/old", *FOLDERS_OF_HOME).stdout, b"4 messages, 0 differ\n")
    # as mail has it: folded, with a comment, twice, none at all, no header; and formail by its path or by a variable
    odd = ("Message-ID:\n <3@a.test>\n", "Message-ID: <4@a.test> (x)\n", "Message-ID: <5@a.test>\nMessage-ID: <6@a.test>\n", "", "MESSAGE-ID:<7@a.test>  \n")
    for number, fields in enumerate(odd + odd):
        write(folder, "old/cur/odd%d" % number, "From: a@a.test\n%s\nx\n" % fields)
    write(folder, "old/cur/bare", "\nx\n")
    for call in ("formail -D 8192", "/usr/bin/formail -D8192", "$FORMAIL -D 8192", "${FORMAIL} -D 8192"):
        other = "FORMAIL=/usr/bin/formail\n" + rc.replace("formail -D 8192", call)
        tap.contains(convert(folder, other, "--prove", folder + "/old", *FOLDERS_OF_HOME).stdout, b"15 messages, 0 differ\n")
    script = convert(folder, rc.replace("Wh:", "Whc:"), *FOLDERS_OF_HOME).stdout
    tap.same((b"by hand: it runs a program" in script, b"if duplicate" in script), (True, False), "a copy decides for the recipe behind it")


TESTS = [test_rules]  # it sees most, so it is the first
TESTS += [row_test(number, *row) for number, row in enumerate(ROWS, 1)]
TESTS += [place_test(number, *row) for number, row in enumerate(PLACES, 1)]
TESTS += [test for name, test in sorted(globals().items()) if name.startswith("test_") and callable(test) and test not in TESTS]
tap.run(TESTS)
