#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke check: what a configuration names and is not there, homes that users share, the caller's own scripts, files by what stands in them."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def findings(*args, **more):
    return json.loads(tap.todoke("check", "--json", *args, **more).stdout)["findings"]


def of_conf(folder, text, *codes):
    """(code, line, text) of the findings of these codes in a configuration."""
    path = write(folder, "todoke.conf", text)
    return [(finding["code"], finding["line"], finding["text"]) for finding in findings("-c", path) if finding["code"] in codes]


def test_what_is_not_there(folder):
    there = write(folder, "there.sieve", "keep;\n")
    os.mkdir(folder + "/scripts")
    text = "\n".join('%s = "%s"' % item for item in (("sieve_before", folder + "/gone.sieve"), ("sieve_default", there), ("sieve_global", folder + "/scripts"),
                                                     ("recipe_site", folder + "/gone.rc"), ("program_folder", there), ("sieve_after", folder + "/%d/x.sieve")))
    text += '\nsieve_lists = {"friends=%s/friends"}\nsieve_discard = "%s/scripts"\n' % (folder, folder)
    told = of_conf(folder, text, "missing-file")
    tap.same(sorted((line, words.split(":")[0]) for _, line, words in told),
             [(1, "sieve_before names '%s/gone.sieve', which does not exist" % folder), (4, "recipe_site names '%s/gone.rc', which does not exist" % folder),
              (5, "program_folder names '%s', which is not a folder" % there), (7, "sieve_lists names '%s/friends', which does not exist" % folder),
              (8, "sieve_discard names '%s/scripts', which is a folder" % folder)])
    write(folder, "friends", "a@example.org\n")
    tap.same(of_conf(folder, 'sieve_lists = {"friends=%s/friends"}\n' % folder, "missing-file"), [])


def test_a_home_that_users_share(folder):
    for text, shares in (('maildir = "/var/vmail/%d/%n"', "/var/vmail/%d"), ('maildir = "/var/vmail/%d/%n/Maildir"', None), ('maildir = "/var/vmail/%u"', "/var/vmail"),
                         ('maildir = "/var/vmail/%d/%n"\nhome = "/var/homes/%d/%n"', None), ('maildir = "/var/vmail/%d/%n/Maildir"\nhome = "/srv"', "/srv"),
                         ('maildir = "/var/vmail/%d/%n"\nsieve_scripts = "/etc/s/%d/%n.sieve"\nsieve_personal = ""', None), ('maildir = "~/Maildir"', None)):
        told = of_conf(folder, text + "\n", "shared-home")
        tap.same([words.split("'")[1] for _, _, words in told], [shares] if shares else [], text)


def test_folders_of_special_use(folder):
    told = of_conf(folder, 'folder_separator = "/"\nfolder_escape = ""\nspecial_use = {"\\\\Junk=Mail.Junk", "\\\\Sent=Sent"}\n', "folder-name")
    tap.same([(line, "'Mail.Junk' can be no folder" in words) for _, line, words in told], [(3, True)])


RC = ":0:\n* ^Subject:.*x\nmbox\n"
SIEVE = "# rules\nif header :is \"Subject\" \"x\" {\n\tfoo;\n}\n"
CONF = "maildr = x\nhop_limit = 7\n"


def test_files_by_what_stands_in_them(folder):
    for name, text, code in (("a.conf", RC + ":0\nbox\n", "mbox-without-lock"), ("rc.sample", RC + ":0\nbox\n", "mbox-without-lock"), ("filter", SIEVE, "unknown-command"),
                             ("filter.txt", SIEVE, "unknown-command"), ("rules.rc", SIEVE, "unknown-command"), ("todoke.sieve", CONF, "unknown-setting"), ("empty.sieve", "nonsense\n", None)):
        codes = [finding["code"] for finding in findings(write(folder, name, text))]
        tap.same(code in codes if code else "unknown-setting" not in codes, True, "%s: %s" % (name, codes))


def test_a_folder_of_scripts(folder):
    """Every one below it by its ending; a link leads nowhere, and a folder without any is a mistake."""
    for name in ("tree/a.sieve", "tree/deep/b.sieve", "tree/notes.txt"):
        write(folder, name, "nonsense;\n")
    write(folder, "tree/good.sieve", "keep;\n")
    write(folder, "tree/deep/.procmailrc", ":0 q\nx\n")
    os.symlink("a.sieve", folder + "/tree/link.sieve")
    os.mkdir(folder + "/empty")
    told = {os.path.relpath(finding["file"], folder) for finding in findings(folder + "/tree")}
    tap.same(sorted(told), ["tree/a.sieve", "tree/deep/.procmailrc", "tree/deep/b.sieve"])
    tap.same([finding["code"] for finding in findings(folder + "/empty")], ["no-rules"])


def test_a_folder_that_cannot_be_read(folder):
    """It is no folder without scripts, and what else there is gets checked."""
    write(folder, "tree/a.sieve", "nonsense;\n")
    write(folder, "tree/deep/b.sieve", "nonsense;\n")
    os.chmod(folder + "/tree/deep", 0)
    try:
        told = {(os.path.relpath(finding["file"], folder), finding["code"]) for finding in findings(folder + "/tree")}
    finally:
        os.chmod(folder + "/tree/deep", 0o755)
    tap.same(sorted(path for path, code in told if code == "unreadable"), ["tree/deep"])
    tap.same("tree/a.sieve" in {path for path, _ in told}, True)
    tap.same(tap.todoke("check", folder + "/empty").returncode, 1)


def test_a_bare_check_is_of_one_s_own(folder):
    own = ["-o", "users=system", "-o", "log_file=%s/log" % folder]
    env = {"HOME": folder, "USER": "nobody", "LOGNAME": "nobody"}
    settings = ["-o", "sieve_scripts=%s/main.sieve, %s/.dovecot.sieve" % (folder, folder)]
    result = tap.todoke("check", *own, *settings, env=env)
    tap.contains(result.stdout.decode(), "no script: %s/main.sieve, %s/.dovecot.sieve (~ is " % (folder, folder))
    write(folder, ".dovecot.sieve", "foo;\nbar;\n")
    result = tap.todoke("check", *own, *settings, env=env)
    tap.same(result.returncode, 1)
    lines = result.stdout.decode().splitlines()
    tap.same((lines[0], [line for line in lines if "/.dovecot.sieve:" in line and "error" in line][0].split(": ")[0]),
             ("checked: %s/.dovecot.sieve" % folder, "%s/.dovecot.sieve:1:1" % folder))
    tap.contains(lines[-1], "2 errors")
    write(folder, ".dovecot.sieve", "keep;\n")
    result = tap.todoke("check", *own, *settings, env=env)
    tap.contains(result.stdout.decode(), "checked: %s/.dovecot.sieve\n" % folder)


NO_OWNER = "no owner's rules were looked at: `todoke doctor --all` looks at everybody's, `todoke check -d ADDRESS` at one user's\n"


@tap.as_root
def test_root_has_no_rules(folder):
    """Neither good nor bad settings say anything of owners' rules, and a terminal is told so."""
    for text, code in (("", 0), ("hop_limit = x\n", 1)):
        conf = write(folder, "site.conf", 'log_file = "%s/log"\n%s' % (folder, text))
        for args in ((), ("-c", conf)):
            out, status = tap.in_terminal("check", *args, env={"TODOKE_CONF": conf})
            tap.same((out.endswith("\n" + NO_OWNER), out.count(NO_OWNER), status), (True, 1, code), out)
            tap.same(b"owner" in tap.todoke("check", *args, env={"TODOKE_CONF": conf}).stdout, False, "a script reads findings only")
            tap.same(json.loads(tap.todoke("check", "--json", *args, env={"TODOKE_CONF": conf}).stdout)["owner_checked"], False)
    tap.same("no owner" in tap.in_terminal("check", "--quiet", env={"TODOKE_CONF": conf})[0], False)
    tap.same("no owner" in tap.in_terminal("check", conf)[0], False, "a file was named")


def test_all_is_good(folder):
    """A terminal reads what was checked; a script, and who asks for quiet, nothing."""
    conf = write(folder, "site.conf", 'log_file = "%s/log"\n' % folder)
    script, rules = write(folder, "main.sieve", "keep;\n"), write(folder, "rules.rc", ":0:\n* ^Subject: x\nx\n")
    for args, told in (((), ""), (("-c", conf), conf), (("-c", conf, script), conf + ", 1 script"), ((script, script, rules), "2 scripts, 1 file of recipes"),
                       ((conf,), "1 file of settings")):
        env = {"TODOKE_CONF": conf, "HOME": folder, "USER": "nobody", "LOGNAME": "nobody"}
        tap.same(tap.in_terminal("check", "--quiet", *args, env=env), ("", 0), args)
        tap.same(tap.todoke("check", "--quiet", *args, env=env).stdout, b"", args)
        if args:
            more = NO_OWNER if args == ("-c", conf) else ""
            tap.same(tap.in_terminal("check", *args, env=env), ("good: %s\n%s" % (told, more), 0))
            tap.same(tap.todoke("check", *args, env=env).stdout, b"", args)
    write(folder, "main.sieve", "foo;\n")
    result = tap.todoke("check", "--quiet", script)
    tap.same((result.returncode, result.stdout.decode().splitlines()[-1]), (1, "1 error in 1 file"), "findings are no matter of quiet")
    tap.same("good:" in tap.in_terminal("check", script)[0], False)


def virtual(folder):
    os.makedirs(folder + "/vmail/x.test/ann/Maildir/cur")
    return write(folder, "site.conf", 'home = "%s/vmail/%%d/%%n"\nmaildir = "%s/vmail/%%d/%%n/Maildir"\nsieve_scripts = "~/main.sieve"\nlog_file = "%s/log"\n' % (folder, folder, folder))


def test_a_bare_check_by_a_virtual_owner(folder):
    env = {"TODOKE_CONF": virtual(folder), "HOME": folder, "USER": "nobody", "LOGNAME": "nobody"}
    write(folder, "vmail/x.test/ann/main.sieve", "foo;\n")
    for args in ((), ("-d", "ann@x.test")):
        result = tap.todoke("check", *args, env=env)
        tap.same(result.returncode, 1, args)
        tap.contains(result.stdout.decode(), "checked: %s/vmail/x.test/ann/main.sieve\n%s/vmail/x.test/ann/main.sieve:1:1: error" % (folder, folder))
    write(folder, "vmail/x.test/ann/main.sieve", 'redirect "ann@x.test";\n')
    tap.same([finding["code"] for finding in findings(env=env)], ["redirect-to-self"])
    # one more mailbox of the same user: nobody knows whose rules are meant
    os.makedirs(folder + "/vmail/x.test/bob/Maildir/cur")
    result = tap.todoke("check", env=env)
    tap.same(result.returncode, 1)
    tap.contains(result.stdout.decode(), "no rules were checked: ")
    tap.contains(result.stdout.decode(), "todoke check -d ADDRESS")
    tap.same([finding["code"] for finding in findings(env=env)], ["no-owner"])
    tap.contains(tap.todoke("check", "-d", "bob@x.test", env=env).stdout.decode(), "no script: ~/main.sieve (~ is %s/vmail/x.test/bob)" % folder)


def test_a_user_s_rules_are_read_as_deliveries_read_them(folder):
    """The home is that of the user, not of who checks, and so are the settings of a block."""
    conf = virtual(folder)
    env = {"TODOKE_CONF": conf, "HOME": folder, "USER": "nobody", "LOGNAME": "nobody"}
    home = folder + "/vmail/x.test/ann/"
    with open(conf, "a", encoding="utf-8") as file:
        file.write('sieve_personal = "~/sieve"\nrecipes = all\nrecipe_files = "~/rc"\nuser "bob@x.test" { sieve_extensions = "-vacation" }\n')
    write(home, "main.sieve", 'require "include";\ninclude :personal "part";\n')
    write(home, "sieve/part.sieve", "keep;\n")
    write(home, "rc", "INCLUDERC=$HOME/inc.rc\n")
    write(home, "inc.rc", ":0\n* ^Subject: x\nwork/\n")
    for args in ((), ("-d", "ann@x.test")):
        tap.same(findings(*args, env=env), [], args)
    os.makedirs(folder + "/vmail/x.test/bob/Maildir/cur")
    for user, wanted in (("ann", []), ("bob", ["error"])):
        write(folder, "vmail/x.test/%s/main.sieve" % user, 'require "vacation"; vacation "away";\n')
        tap.same(sorted({finding["severity"] for finding in findings("-d", user + "@x.test", env=env)}), wanted, user)


@tap.as_root
def test_root_checks_with_the_owner_s_rights(folder):
    os.chmod(folder, 0o755)
    env = {"TODOKE_CONF": virtual(folder)}
    secret = write(folder, "secret", "foo;\n", 0o600)
    os.symlink(secret, folder + "/vmail/x.test/ann/main.sieve")
    for at, folders, _ in os.walk(folder + "/vmail"):
        for name in [at] + [os.path.join(at, one) for one in folders]:
            os.chown(name, tap.NOBODY, tap.NOBODY)
    result = tap.todoke("check", "-d", "ann@x.test", env=env)
    tap.same((result.returncode, b"foo" in result.stdout), (1, False), result.stdout)


def test_a_file_that_is_no_text(folder):
    path = os.path.join(folder, "noise")
    with open(path, "wb") as file:
        file.write(bytes(range(256)) * 20)
    result = tap.todoke("check", path)
    tap.same((result.returncode, result.stdout.decode().splitlines()[0]),
             (1, "%s: error: this is no text: neither a configuration, nor Sieve, nor recipes" % path))
    for text in ("# \u4ef6\u540d\nkeep;\n".encode("euc-jp"), "# \u4ef6\u540d\nkeep;\n".encode("iso2022-jp"), "# \u4ef6\u540d\nkeep;\n".encode("shift-jis")):
        with open(path, "wb") as file:
            file.write(text)
        tap.same(b"no text" in tap.todoke("check", path).stdout, False, text)


def test_programs_that_are_not_there(folder):
    os.mkdir(folder + "/bin")
    script = write(folder, "x.sieve", 'require ["vnd.dovecot.pipe", "copy"];\npipe :copy "tool";\n')
    told = findings("-o", "program_folder=%s/bin" % folder, script)
    tap.same([(finding["code"], finding["line"]) for finding in told], [("missing-program", 2)])
    write(folder, "bin/tool", "#!/bin/sh\n", 0o755)
    tap.same(findings("-o", "program_folder=%s/bin" % folder, script), [])


# A Postfix of tables: what postconf says, and postmap answers.
POSTCONF = """#!/bin/sh
case " $* " in
*" -M "*) ;;
*" -n "*|*"-n"*) ;;
*) printf '%s\\n' 'virtual_alias_maps = hash:/etc/v' 'alias_maps = hash:/etc/a' 'mydestination = host.test' 'myorigin = host.test' 'mailbox_command =' ;;
esac
"""
POSTMAP = """#!/bin/sh
case "$2 $3" in
"team@example1.jp hash:/etc/v") echo "other@example.net, second@example1.jp" ;;
"second@example1.jp hash:/etc/v") echo "taro@host.test" ;;
"taro hash:/etc/a") echo "me@example1.jp" ;;
"round@example1.jp hash:/etc/v") echo "round@example1.jp" ;;
*) exit 1 ;;
esac
"""


def test_a_redirect_that_comes_back_by_aliases(folder):
    for name, text in (("postconf", POSTCONF), ("postmap", POSTMAP)):
        write(folder, "bin/" + name, text, 0o755)
    env = {"PATH": "%s/bin:%s" % (folder, os.environ["PATH"])}
    for address, way in (("team@example1.jp", "team@example1.jp -> second@example1.jp -> taro@host.test -> me@example1.jp"), ("other@example.net", None), ("round@example1.jp", None)):
        script = write(folder, "x.sieve", 'redirect "%s";\n' % address)
        told = findings("-d", "me@example1.jp", script, env=env)
        tap.same([(finding["code"], finding["text"].split(": ")[1]) for finding in told], [("redirect-to-self", way)] if way else [], address)


def tree(folder):
    """What lies below the folder: path and text."""
    found = {}
    for path in tap.files_below(folder):
        if "/todoke-state/" in path or not os.path.isfile(os.path.join(folder, path)) or path == "log":
            continue
        with open(os.path.join(folder, path), encoding="utf-8") as file:
            found[path] = file.read()
    return found


def shared_tree(folder):
    for user in ("ann", "bob"):
        for name in ("tmp", "new", "cur"):
            os.makedirs("%s/vmail/x.test/%s/%s" % (folder, user, name))
    os.makedirs(folder + "/vmail/x.test/no-mailbox")
    write(folder, "vmail/x.test/.dovecot.sieve", 'require "fileinto"; fileinto "Shared";\n')
    write(folder, "vmail/x.test/.config/todoke/sieve/part.sieve", "keep;\n")
    write(folder, "vmail/x.test/bob/.dovecot.sieve", "# bob's own\n")
    write(folder, "vmail/x.test/ann/cur/1.M1P1.h:2,S", "mail\n")
    return write(folder, "todoke.conf", 'maildir = "%s/vmail/%%d/%%n"\nlog_file = "%s/log"\n' % (folder, folder))


def set_up(conf, *args):
    return tap.todoke("setup", "home", "-c", conf, *args)


def test_a_home_for_each(folder):
    conf = shared_tree(folder)
    before = tree(folder)
    shown = set_up(conf)
    tap.same((shown.returncode, tree(folder)), (1, before), "a dry run")
    tap.contains(shown.stdout.decode(), 'home = "%s/vmail/%%d/%%n"\n' % folder)
    message = b"From: a@example.org\nSubject: x\n\nx\n"
    for user, at in (("ann", ".Shared/"), ("bob", ".Shared/")):
        tap.same(tap.todoke("deliver", "-c", conf, "-d", user + "@x.test", stdin=message).returncode, 0)
        tap.same(any(path.startswith("vmail/x.test/%s/%s" % (user, at)) for path in tap.files_below(folder)), True, user)
    before = tree(folder)
    done = set_up(conf, "--apply")
    tap.same(done.returncode, 0, done.stderr)
    after = tree(folder)
    new = sorted(path for path in after if path not in before)
    tap.same(new, ["todoke.conf.setup-home", "vmail/x.test/ann/.config/todoke/sieve/part.sieve", "vmail/x.test/ann/.dovecot.sieve",
                   "vmail/x.test/bob/.config/todoke/sieve/part.sieve"])
    tap.same([path for path in before if before[path] != after[path]], ["todoke.conf"], "nothing else has changed, and nothing is gone")
    tap.contains(after["todoke.conf"], '\nhome = "%s/vmail/%%d/%%n"\n' % folder)
    told = json.loads(tap.todoke("try", "--json", "-c", conf, "-d", "ann@x.test", write(folder, "m.eml", message.decode())).stdout)
    tap.same(told["stored"][0]["mailbox"], "Shared", "the same rules, at home")
    tap.same([finding["code"] for finding in findings("-c", conf)], [])
    tap.same((set_up(conf).returncode, set_up(conf, "--apply").stdout), (0, b"each user has a home of their own: nothing to do\n"))

    write(folder, "vmail/x.test/bob/.config/todoke/sieve/part.sieve", "# changed since\n")
    os.unlink(folder + "/m.eml")
    back = set_up(conf, "--undo")
    tap.same(back.returncode, 0, back.stderr)
    tap.contains(back.stdout.decode(), "stays, changed since: %s/vmail/x.test/bob/.config/todoke/sieve/part.sieve\n" % folder)
    restored = tree(folder)
    tap.same(restored.pop("vmail/x.test/bob/.config/todoke/sieve/part.sieve"), "# changed since\n")
    tap.same(restored, before)
    tap.same(set_up(conf, "--undo").returncode, 1, "twice")


def test_folders_below_the_scripts_are_copied(folder):
    conf = shared_tree(folder)
    shared = folder + "/vmail/x.test/.config/todoke/sieve/"
    write(folder, "vmail/x.test/.config/todoke/sieve/lists/deep/c.sieve", "keep;\n")
    depth = tap.limit("SETUP_HOME_DEPTH")
    write(folder, "vmail/x.test/.config/todoke/sieve/" + "d/" * (depth - 1) + "in.sieve", "keep;\n")
    write(folder, "vmail/x.test/.config/todoke/sieve/" + "d/" * depth + "out.sieve", "keep;\n")
    os.symlink("/etc", shared + "etc")
    shown = set_up(conf).stdout.decode()
    tap.contains(shown.splitlines()[-1], "todoke setup home -c '%s' --apply" % conf)
    done = set_up(conf, "--apply")
    tap.contains(done.stdout.decode().splitlines()[-1], "todoke setup home -c '%s' --undo" % conf)
    own = sorted(tap.files_below(folder + "/vmail/x.test/ann/.config/todoke/sieve"))
    tap.same(own, ["d/" * (depth - 1) + "in.sieve", "lists/deep/c.sieve", "part.sieve"])
    tap.same(set_up(conf, "--undo").returncode, 0)
    tap.same(tap.files_below(folder + "/vmail/x.test/ann/.config"), [])
    for number in range(tap.limit("SETUP_HOME_FILES") + 1):
        write(folder, "vmail/x.test/.config/todoke/sieve/many/%d" % number, "")
    refused = set_up(conf, "--apply")
    tap.same((refused.returncode, b"copy it by hand" in refused.stderr, os.path.exists(folder + "/todoke.conf.setup-home")), (1, True, False))


@tap.as_root
def test_copies_are_made_with_the_owner_s_rights(folder):
    conf = shared_tree(folder)
    os.chmod(folder, 0o755)
    os.makedirs(folder + "/roots")
    for at, folders, files in os.walk(folder + "/vmail"):
        for name in [at] + [os.path.join(at, file) for file in folders + files]:
            os.chown(name, tap.NOBODY, tap.NOBODY)
    os.symlink(folder + "/roots", folder + "/vmail/x.test/ann/.config")
    result = set_up(conf, "--apply")
    tap.same((result.returncode, os.listdir(folder + "/roots"), b"Permission denied" in result.stderr), (1, [], True))
    tap.same(set_up(conf, "--undo").returncode, 0)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
