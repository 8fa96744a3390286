#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check, config and code: what they print, and how they end."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

KEY = "4be1aa01 " + "0123456789abcdef" * 4 + "\n"


def write(folder, name, text, mode=0o600):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def conf(folder, text):
    key = write(folder, "key", KEY)
    return write(folder, "todoke.conf", 'key_file = "%s"\n%s' % (key, text))


def findings(*args):
    result = tap.todoke("check", "--json", *args)
    answer = json.loads(result.stdout)
    tap.same(answer["schema"], "todoke.check/1")
    tap.same(result.returncode, 1 if answer["findings"] else 0)
    return answer["findings"]


def test_check_good(folder):
    result = tap.todoke("check", "-c", conf(folder, ""))
    tap.same((result.returncode, result.stdout, result.stderr), (0, b"", b""))


def test_check_lists_all_problems(folder):
    path = conf(folder, "maildr = x\nhop_limit = 1\nrule a { action = eat }\n")
    result = tap.todoke("check", path)
    tap.same(result.returncode, 1)
    tap.same([line.split(b": ")[0:2] for line in result.stdout.splitlines() if line[:1] != b" "][:-1],
             [[b"%s:%d:%d" % (path.encode(), line, column), b"error"] for line, column in ((2, 1), (3, 13), (4, 19))])
    tap.same(result.stdout.splitlines()[-1], b"3 errors in 1 file")


def test_check_shape_of_json(folder):
    path = conf(folder, "hop_limit = 1\n")
    (finding,) = findings(path)
    tap.same(sorted(finding), ["code", "column", "end", "file", "hint", "line", "severity", "text"])
    tap.same((finding["file"], finding["line"], finding["severity"], finding["code"]), (path, 2, "error", "bad-value"))


def test_check_rule_that_never_matches(folder):
    path = conf(folder, "rule a { header = X-A action = strip }\nrule b { header = X-A match = '/x/' action = keep }\n")
    (finding,) = findings(path)
    tap.same((finding["line"], finding["severity"], finding["code"]), (3, "warning", "rule-never-matches"))


def test_check_pattern_that_is_wrong(folder):
    (finding,) = findings(conf(folder, "rule a { header = X-A match = '/a(b/' action = strip }\n"))
    tap.same((finding["line"], finding["severity"]), (2, "error"))
    tap.contains(finding["text"], "octet")


def test_check_no_key(folder):
    """Owners have keys of their own; only SRS and mark_key = site want one of the site."""
    path = write(folder, "todoke.conf", 'key_file = "%s/none"\n' % folder)
    tap.same(findings(path), [])
    for option in ("mark_key=site", "redirect_sender=srs"):
        (finding,) = findings(path, "-o", option)
        tap.same((finding["code"], finding["line"], finding["severity"]), ("no-key", 1, "warning"), option)
    tap.same(findings(path, "-o", "mark_key=site", "-o", "add_mark=no"), [])


def test_check_key_that_the_local_door_cannot_read(folder):
    """There SRS keeps the original sender, as the door runs as the recipient."""
    path = conf(folder, 'maildir = "~/Maildir"\nredirect_sender = srs\n')
    os.chmod(os.path.join(folder, "key"), 0o640)
    (finding,) = findings(path)
    tap.same((finding["code"], finding["severity"]), ("key-local-door", "warning"))
    tap.contains(finding["text"], "keeps the original sender")
    tap.same(findings(path, "-o", "maildir=/var/vmail/%d/%n/Maildir"), [])


def test_check_names_of_host_and_domains(folder):
    """What would stand in addresses and headers must be fit for that."""
    for setting, bad, good in (("myhostname", "mx example", "mx.example.jp"), ("myhostname", "a@b", "vm"), ("myhostname", "x, y", "mx.example.jp"),
                               ("srs_domain", "@example.jp", "srs.example.jp"), ("postmaster_address", "nobody", "pm@example.jp")):
        path = conf(folder, '%s = "%s"\n' % (setting, bad))
        (finding,) = findings(path)
        tap.same((finding["code"], finding["line"], finding["severity"]), ("bad-value", 2, "error"), bad)
        tap.same(findings(conf(folder, '%s = "%s"\n' % (setting, good))), [], good)


def test_check_key_that_others_can_read(folder):
    path = conf(folder, "")
    os.chmod(os.path.join(folder, "key"), 0o644)
    tap.same([finding["code"] for finding in findings(path)], ["key-readable"])


def test_check_key_that_is_wrong(folder):
    path = conf(folder, "")
    write(folder, "key", "not a key\n")
    tap.same([finding["code"] for finding in findings(path)], ["key-unreadable"])


def test_check_users(folder):
    tap.same([finding["code"] for finding in findings(conf(folder, "users = passwd_file\n"))], ["no-passwd-file"])
    tap.same([finding["code"] for finding in findings(conf(folder, "users = virtual\nmaildir = /var/vmail\n"))], ["one-maildir"])


def test_check_values(folder):
    """Each is read without a problem, and does not do what it seems to."""
    rows = [("loop_folder = 'a//x'", "error", "folder-name"), ("duplicates_folder = 'a//x'", "error", "folder-name"),
            ("rule a { header = X-A action = file to = 'a//x' }", "error", "folder-name"),
            ("folder_separator = ''", "warning", "no-separator"), ("folder_escape = '.'", "error", "folder-escape"),
            ("folder_escape = 'ab'", "error", "folder-escape"), ("trace_users = {ann}", "warning", "unused"),
            ("delimiters = '@'", "warning", "delimiter"),
            ("delimiters = '+a'", "warning", "delimiter"), ("log_file = todoke.log", "error", "relative-path"),
            ("program_folder = bin", "error", "relative-path"), ("virtual_user = no-such-user", "error", "account"),
            ("virtual_user = root", "error", "account"), ("lmtp_user = no-such-user", "error", "account"),
            ("deadline = 1000", "warning", "deadline"), ("submit = 'mail.example.jp'", "error", "submit"),
            ("hop_limit = 9\nhop_limit = 8", "warning", "set-twice"),
            ("hostnames = {a}\nhostnames = {b}", "warning", "set-twice")]
    for text, severity, code in rows:
        found = findings(conf(folder, text + "\n"))
        tap.same((text, [(row["severity"], row["code"], row["line"]) for row in found]),
                 (text, [(severity, code, 2 + text.count("\n"))]))


def test_check_values_that_are_good(folder):
    tap.same(findings(conf(folder, "loop_folder = INBOX\nfolder_separator = '.'\nrule a { header = X-A action = file to = 'W.C' }\n"
                                   "delimiters = '+-'\nlog_file = /var/log/todoke\nvirtual_user = nobody\ndeadline = 999\n"
                                   "submit = 'sendmail:/usr/sbin/sendmail'\nhostnames = {a, b}\nhostnames += {c}\n")), [])


def test_check_goes_on_behind_nonsense(folder):
    path = conf(folder, "fold_local yes\nhop_limit = 4\nrul x {\n}\nusers = nobody\n")
    tap.same([finding["line"] for finding in findings(path)], [2, 3, 4, 6])


def test_check_override(folder):
    (finding,) = findings("-c", conf(folder, ""), "-o", "durability=none")
    tap.same((finding["file"], finding["line"], finding["code"]), ("-o", None, "not-durable"))


def test_missing_file_is_a_finding(folder):
    (finding,) = findings(os.path.join(folder, "none.conf"))
    tap.contains(finding["text"], "cannot open")


def test_usage_errors(folder):
    for command in (["check", "--wrong"], ["config", "no_such_setting"], ["code"], ["code", "--lang", "xx", "5.4.6"],
                    ["setup"], ["setup", "sendmail"], ["setup", "postfix", "--door", "window"], ["setup", "postfix", "--apply", "--undo"]):
        result = tap.todoke(*command)
        tap.same((command, result.returncode, result.stdout), (command, 2, b""))
        tap.contains(result.stderr, b"todoke %s: " % command[0].encode())


def test_output_that_cannot_be_written_is_told(folder):
    """A full disk behind `todoke record >FILE` must not look like a whole list, nor a closed stream lend its number to a file."""
    path = conf(folder, "hop_limit = 9\n")
    bad = write(folder, "bad.conf", "hop_limt = 9\n")
    for command, code in ((["config", "-c", path], 1), (["config", "-c", path, "--json"], 1), (["check", bad], 1), (["code", "loop"], 1), (["code", "--json", "loop"], 1),
                          (["version"], 1), (["version", "--json"], 1), (["help"], 1), (["try", "--help"], 1), (["config", "no_such_setting"], 2)):
        for redirection in (">/dev/full", ">&-"):
            shell = 'exec "$@" ' + redirection
            result = subprocess.run(["sh", "-c", shell, "sh", tap.TODOKE, *command], stderr=subprocess.PIPE, check=False, timeout=tap.PATIENCE,
                                    env=dict(os.environ, LC_ALL="C.UTF-8", TODOKE_CONF=""))
            word = "todoke %s: cannot write all of the output\n" % command[0] if code == 1 else "todoke config: there is no setting"
            tap.same((command, redirection, result.returncode, word in result.stderr.decode()), (command, redirection, code, True), result.stderr.decode())


def test_config_prints_what_differs_and_from_where(folder):
    path = conf(folder, "hop_limit = 9\n")
    result = tap.todoke("config", "-c", path, "-o", "add_mark=no")
    tap.same(result.stdout.decode().splitlines(),
             ["# " + path, "add_mark = no  # -o", 'key_file = "%s/key"  # %s:1' % (folder, path), "hop_limit = 9  # %s:2" % path])


def test_config_can_be_read_again(folder):
    path = conf(folder, "addresses = {\"a@b\", 'x\\\\y'}\nrule \"it's\" { header = X-A match = '/^\\d\\'$/' when = {fetched, 'not forwarded'} action = file to = \"W/A\" }\n")
    first = tap.todoke("config", "-c", path, "--all")
    again = write(folder, "again.conf", first.stdout.decode())
    second = tap.todoke("config", "-c", again, "--all")
    tap.same(second.stderr, b"")
    values = [[line.split("  # ")[0] for line in text.stdout.decode().splitlines()[1:]] for text in (first, second)]
    tap.same(values[1], values[0])
    rules = [json.loads(tap.todoke("config", "-c", file, "--json").stdout)["rules"][0] for file in (path, again)]
    for rule in rules:
        del rule["line"]
    tap.same(rules[1], rules[0])
    tap.same((rules[0]["name"], rules[0]["match"], rules[0]["when"]), ("it's", "/^\\d'$/", ["fetched", "not forwarded"]))


def test_config_as_json_has_the_blocks(folder):
    """Of users and domains, in the order of the files, each value as that of a setting; of names those blocks that have them."""
    more = write(folder, "more.conf", 'domain "*.example.jp" { quota = site sieve_before += {"/a", "/b"} quota_full = bounce }\n')
    path = conf(folder, 'include "%s"\nuser "Ann@example.jp" {\n quota_bytes = 5G\n add_reason = yes }\nuser "bob" { sieve_scripts = {} }\n' % more)

    def blocks(*names):
        answer = json.loads(tap.todoke("config", "--json", "-c", path, *names).stdout)
        tap.same(answer["schema"], "todoke.config/1")
        return [(block["kind"], block["pattern"], block["from"], [(one["name"], one["value"], one["text"], one["adds"], one["from"]) for one in block["settings"]])
                for block in answer["blocks"]]
    domain = ("domain", "*.example.jp", more + ":1", [("quota", "site", 'site', False, more + ":1"), ("sieve_before", ["/a", "/b"], '{"/a", "/b"}', True, more + ":1"),
                                                   ("quota_full", "bounce", 'bounce', False, more + ":1")])
    ann = ("user", "ann@example.jp", path + ":3", [("quota_bytes", 5 * 2**30, "5G", False, path + ":4"), ("add_reason", True, "yes", False, path + ":5")])
    bob = ("user", "bob", path + ":6", [("sieve_scripts", [], "{}", False, path + ":6")])
    tap.same(blocks(), [domain, ann, bob])
    tap.same(blocks("quota_bytes", "hop_limit"), [(*ann[:3], ann[3][:1])])
    tap.same(blocks("hop_limit"), [])
    tap.same(json.loads(tap.todoke("config", "--json", "-c", write(folder, "none.conf", "")).stdout)["blocks"], [])


def test_config_prints_as_the_manual_shows(folder):
    """The files that WHAT CONFIG PRINTS of todoke.conf(5) shows, read by the commands that stand there."""
    with open(os.path.join(tap.TOP, "agent/man/todoke.conf.5"), encoding="utf-8") as file:
        section = file.read().split('.SH "WHAT CONFIG PRINTS"\n')[1].split("\n.SH ")[0]
    shown = section.split(".nf\n")[1].split(".fi\n")[0].replace("\\-", "-").replace("\\(aq", "'").replace("/etc/todoke", folder)
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.sub(r"^    ", "", shown, flags=re.M), flags=re.M)
    tap.same([command.split()[0] for command, _ in steps], ["cat", "cat", "todoke", "todoke"])
    for command, text in steps:
        words = command.split()
        if words[0] == "cat":
            with open(words[1], "w", encoding="utf-8") as file:
                file.write(text)
        else:
            tap.same(tap.todoke(*words[1:], "-c", folder + "/todoke.conf").stdout.decode(), text, command)


def test_config_names(folder):
    tap.same(tap.todoke("config", "-c", conf(folder, ""), "hop_limit").stdout, b"hop_limit = 50  # default\n")


def test_config_wrong(folder):
    result = tap.todoke("config", "-c", conf(folder, "hop_limit = 1\n"))
    tap.same((result.returncode, result.stdout), (1, b""))
    tap.contains(result.stderr, b":2: '1' is not allowed")


def meanings(*args, **more):
    result = tap.todoke("code", "--json", *args, **more)
    answer = json.loads(result.stdout)
    tap.same(answer["schema"], "todoke.code/1")
    return [(meaning["code"], meaning["name"]) for meaning in answer["meanings"]]


def test_code_number_and_name(folder):
    tap.same(meanings("5.4.6"), [("5.4.6", "loop"), ("5.4.6", "hops"), ("5.4.6", "routing-loop")])
    tap.same(meanings("disk-full"), [("4.3.1", "disk-full")])
    tap.same(meanings("5.7.26"), [("5.7.26", "several-checks-failed")])
    tap.same(meanings("550"), [("550", "unknown-address")])
    tap.same(meanings("mailbox-full"), [(None, "mailbox-full")])


def test_code_log_line(folder):
    line = ("Aug  3 00:00:01 mx postfix/pipe[42]: 4AB12C0F3: to=<a@b.example>, relay=todoke, delay=0.1, delays=0/0/0/0, dsn=4.3.1, "
            "status=deferred (temporary failure. Command output: 4.3.1 mail system full [4AB12C0F3] )")
    tap.same(meanings(line), [("4.3.1", "disk-full")])


def todo(text, *args):
    return [meaning["todo"] for meaning in json.loads(tap.todoke("code", "--json", *args, text).stdout)["meanings"]]


def test_code_of_postfix_itself(folder):
    """Only a transport with flags=D can drop it; local(8) has no flags, and fetched mail needs another way in."""
    line = "postfix/%s[7]: 4AB: to=<a@b.example>, relay=%s, delay=1, dsn=5.4.6, status=bounced (mail forwarding loop for a@b.example)"
    local, pipe = line % ("local", "local"), line % ("pipe", "todoke")
    tap.same(meanings(local), [("5.4.6", "postfix-local-loop")])
    tap.same(meanings(pipe), [("5.4.6", "postfix-loop")])
    tap.same(meanings(local + "\n" + pipe), [("5.4.6", "postfix-local-loop"), ("5.4.6", "postfix-loop")])
    for language in ("en", "ja"):
        tap.same(["flags=D" in text for text in todo(local, "--lang", language)], [False], language)
        for remedy in ("--fetched smtpd", "--fetched lmtp"):
            tap.contains(todo(local, "--lang", language)[0], remedy)
        tap.same(["flags=D" in text for text in todo(pipe, "--lang", language)], [True], language)


def test_code_of_postfix_in_a_bounce(folder):
    """A bounce does not say which part of Postfix compared, and folds its lines; so both are named."""
    text = "<a-long-name-of-somebody@some.where.b.example>: mail forwarding\n    loop for a-long-name-of-somebody@some.where.b.example\n"
    tap.same(meanings(text), [(None, "postfix-loop")])
    for part in ("relay=local", "--fetched smtpd", "--fetched lmtp", "flags=D"):
        tap.contains(todo(text)[0], part)


def test_code_bounce(folder):
    bounce = write(folder, "bounce", "From: MAILER-DAEMON\nReceived: from x [192.0.2.10] by y (Postfix 2.11.0)\n\nFinal-Recipient: rfc822; a@b\n"
                   "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: x-unix; no such user here\n")
    tap.same(meanings(bounce), [("5.1.1", "unknown-user")])
    with open(bounce, "rb") as file:
        tap.same(meanings("-", stdin=file.read()), [("5.1.1", "unknown-user")])


def test_code_that_is_none(folder):
    for text in ("192.0.2.10", "4.0.2.1", "fetchmail-5.4.6", "x5.4.6", "5.4.6666", "hello", "5.4"):
        result = tap.todoke("code", text)
        tap.same((text, result.returncode, result.stdout), (text, 1, b""))


def test_code_names_as_people_type_them(folder):
    tap.same((meanings("LOOP"), meanings("t126")), (meanings("loop"), meanings("T126")))
    for word, best in (("lopp", "loop"), ("disk-ful", "disk-full"), ("mailbox-ful", "mailbox-full")):
        result = tap.todoke("code", word)
        tap.same((result.returncode, result.stderr.decode()), (1, "todoke code: '%s' is not known; did you mean '%s'?\n" % (word, best)))


def test_code_language(folder):
    japanese = "メールが循環しています".encode()
    for args, env, wanted in ((["--lang", "ja"], {}, True), ([], {"LC_ALL": "ja_JP.UTF-8"}, True), (["--lang", "en"], {"LC_ALL": "ja_JP.UTF-8"}, False),
                              ([], {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ja"}, True), ([], {"LC_ALL": "C", "LANG": "ja"}, False)):
        tap.same(japanese in tap.todoke("code", *args, "loop", env=env).stdout, wanted, "%r %r" % (args, env))


def shadowed(folder, text):
    path = folder + "/rules.sieve"
    with open(path, "w") as file:
        file.write(text)
    findings = json.loads(tap.todoke("check", "--json", path).stdout)["findings"]
    return [finding["line"] for finding in findings if finding["code"] == "shadowed"]


def test_check_compares_rules_within_a_limit(folder):
    def rules(n):
        return "".join('if header :contains "x-%d" "v" { stop; }\n' % i for i in range(n)) + 'if header :is "x-0" "v" { stop; }\n'
    tap.same(shadowed(folder, rules(1000)), [1001])
    tap.same(shadowed(folder, rules(3000)), [], "more than LIMIT_SIEVE_WARN_EFFORT comparisons")


def test_check_knows_whose_script_it_is(folder):
    path = folder + "/own.sieve"
    with open(path, "w") as file:
        file.write('redirect "me@example.jp";\n')
    tap.same(tap.todoke("check", path).returncode, 0)
    tap.contains(tap.todoke("check", "--rcpt", "me@example.jp", path).stdout, b"redirects to the owner")


def test_check_knows_the_extensions(folder):
    path = folder + "/x.conf"
    with open(path, "w") as file:
        file.write('sieve_extensions = "+editheader -regexp"\nsieve_site_extensions = "vnd.dovecot.pip"\n')
    findings = json.loads(tap.todoke("check", "--json", "-c", path).stdout)["findings"]
    got = [(f["line"], f["severity"], f["hint"]) for f in findings if f["code"] == "unknown-extension"]
    tap.same(got, [(1, "warning", 'did you mean "regex"?'), (2, "warning", 'did you mean "vnd.dovecot.pipe"?')])


def test_check_of_a_hostile_script_ends(folder):
    path = folder + "/hostile.sieve"
    for text in ('if header :contains "subject" "x%d" { stop; }\n', 'not header :is "x-%d" "y",'):
        rules = "".join(text % i for i in range(20000))
        with open(path, "w") as file:
            file.write(rules if rules.startswith("if") else "if anyof (%s true) { stop; }" % rules)
        tap.todoke("check", path)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
