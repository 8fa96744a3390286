#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke convert dovecot: what doveconf prints as a todoke.conf, and that it is a right one."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import tap


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def convert(folder, text, *args):
    return tap.todoke("convert", "dovecot", *args, write(folder, "doveconf.txt", text))


def settings(result):
    """The settings that were printed, by name, as they stand in the file."""
    lines = result.stdout.decode().splitlines()
    return dict(line.split(" = ", 1) for line in lines if line != "" and not line.startswith("#"))


def is_right(folder, result):
    """It can be read, and the settings that hold are those that it says."""
    path = write(folder, "todoke.conf", result.stdout)
    os.chmod(path, 0o600)
    checked = tap.todoke("config", "-c", path)
    tap.same((checked.returncode, checked.stderr), (0, b""), result.stdout.decode())


def doveconf(folder, text):
    """What the installed Dovecot prints for this configuration."""
    if shutil.which("doveconf") is None:
        raise tap.Skip("there is no doveconf")
    if dovecot_conf.IS_NEW:
        raise tap.Skip("this Dovecot is not 2.3")
    path = write(folder, "dovecot.conf", "ssl = no\n" + text)
    result = subprocess.run(["doveconf", "-n", "-c", path], capture_output=True, check=False)
    if result.returncode != 0:
        raise AssertionError(result.stderr.decode())
    return result.stdout


# (what, doveconf of 2.3 or text of 2.4, settings that must be there, lines of the list at the end)
LAYOUT = "mail_location = maildir:~/Mail:LAYOUT=fs:UTF-8\n"
OLD = [
    ("location and layout", LAYOUT + "userdb {\n  driver = passwd\n}\n",
     {"maildir": '"~/Mail"', "folder_layout": '"fs"', "folder_names": '"utf-8"', "users": '"system"'}, []),
    ("namespace", "mail_location = maildir:~/Maildir\nnamespace inbox {\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}\n",
     {"folder_prefix": '"INBOX."', "folder_separator": '"."', "maildir": '"~/Maildir"'}, []),
    ("a virtual tree", "mail_location = maildir:~/Maildir\nuserdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/var/vmail/%d/%n\n}\n",
     {"maildir": '"/var/vmail/%d/%n/Maildir"', "home": '"/var/vmail/%d/%n"', "users": '"virtual"', "virtual_user": '"nobody"'}, []),
    ("passwd-file", "mail_location = maildir:/var/vmail/%Ld/%Ln\nuserdb {\n  driver = passwd-file\n  args = username_format=%u /etc/dovecot/users\n}\n",
     {"users": '"passwd_file"', "passwd_file": '"/etc/dovecot/users"', "maildir": '"/var/vmail/%Ld/%Ln"'}, []),
    ("sql asks Dovecot", "mail_location = maildir:~/Maildir\nbase_dir = /run/other\nuserdb {\n  driver = sql\n  args = /etc/dovecot/sql.conf\n}\n",
     {"users": '"dovecot"', "dovecot_socket": '"/run/other/auth-userdb"'}, []),
    ("fields that passwd-file has not", "mail_location = maildir:~/Maildir\nuserdb {\n  driver = passwd-file\n  args = /etc/dovecot/users\n"
     "  default_fields = uid=nobody home=/var/mail/%d/%u\n}\n", {"users": '"dovecot"', "passwd_file": None, "virtual_user": None}, []),
    ("an account for all of passwd-file", "mail_location = maildir:~/Maildir\nuserdb {\n  driver = passwd-file\n  args = /etc/dovecot/users\n"
     "  default_fields = uid=nobody gid=nogroup\n}\n", {"users": '"passwd_file"', "virtual_user": '"nobody"'}, []),
    ("names of users", "mail_location = maildir:/var/vmail/%n\nauth_username_format = %Ln\nuserdb {\n  driver = passwd-file\n  args = /etc/dovecot/users\n}\n",
     {"users": '"dovecot"', "passwd_file": None}, []),
    ("two userdbs", "mail_location = maildir:~/Maildir\nuserdb {\n  driver = passwd-file\n  args = /etc/dovecot/users\n}\nuserdb {\n  driver = passwd\n}\n",
     {"users": '"dovecot"'}, []),
    ("prefetch is none", "mail_location = maildir:~/Maildir\nuserdb {\n  driver = prefetch\n}\nuserdb {\n  driver = passwd\n}\n", {"users": '"system"'}, []),
    ("LMTP's own words", "mail_location = maildir:~/Maildir\npostmaster_address = a@x.test\nprotocol lmtp {\n  postmaster_address = b@x.test\n}\n"
     "protocol imap {\n  postmaster_address = c@x.test\n}\n", {"postmaster_address": '"b@x.test"'}, []),
    ("delivery", "mail_location = maildir:~/Maildir\nlmtp_save_to_detail_mailbox = yes\nlda_mailbox_autocreate = yes\nlda_mailbox_autosubscribe = yes\n"
     "recipient_delimiter = +-\npostmaster_address = pm@example.jp\nhostname = mx.example.jp\nsubmission_host = localhost:587\nfirst_valid_uid = 1000\n",
     {"detail_folder": '"create"', "create_folders": "yes", "subscribe_folders": "yes", "delimiters": '"+-"', "postmaster_address": '"pm@example.jp"',
      "hostnames": '{ "mx.example.jp" }', "submit": '"smtp:localhost:587"', "first_valid_uid": "1000"}, []),
    ("Dovecot's defaults", "mail_location = maildir:~/Maildir\nlmtp_save_to_detail_mailbox = yes\n",
     {"create_folders": "no", "subscribe_folders": "no", "first_valid_uid": "500", "detail_folder": '"existing"'}, []),
    ("scripts", "mail_location = maildir:~/Maildir\nplugin {\n  sieve = file:~/sieve;active=~/.active.sieve\n  sieve_before = /etc/a.sieve\n"
     "  sieve_before2 = /etc/b.sieve\n  sieve_after = /etc/c.sieve\n  sieve_default = /etc/d.sieve\n  sieve_global = /etc/g\n"
     "  sieve_extensions = +vnd.dovecot.environment -reject\n  sieve_max_redirects = 9\n  sieve_vacation_min_period = 2d\n  sieve_max_script_size = 2M\n}\n",
     {"sieve_scripts": '{ "~/.active.sieve" }', "sieve_personal": '"~/sieve"', "sieve_before": '{ "/etc/a.sieve", "/etc/b.sieve" }',
      "sieve_after": '{ "/etc/c.sieve" }', "sieve_default": '"/etc/d.sieve"', "sieve_global": '"/etc/g"',
      "sieve_extensions": '"+vnd.dovecot.environment -reject"', "sieve_max_redirects": "9", "sieve_vacation_min": "172800", "sieve_vacation_seconds_min": "172800", "sieve_max_script_size": "2097152"}, []),
    ("a postmaster without a domain", "mail_location = maildir:~/Maildir\nprotocol lmtp {\n  postmaster_address = postmaster\n}\n",
     {"postmaster_address": None}, ["postmaster_address = postmaster: "]),
    ("as mailcow has vacation", "mail_location = maildir:~/\nplugin {\n  sieve_vacation_min_period = 5s\n  sieve_vacation_default_period = 60s\n"
     "  sieve_after = dict:proxy::sieve_after;name=active;bindir=/var/vmail/x/\n}\n",
     {"sieve_vacation_min": "5", "sieve_vacation_seconds_min": "5", "sieve_vacation_default": "60", "sieve_after": None}, ["sieve_after = dict"]),
    ("quota", "mail_location = maildir:~/Maildir\nquota_full_tempfail = yes\nplugin {\n  quota = maildir:User quota\n  quota_rule = *:storage=1G:messages=500\n"
     "  quota_rule2 = Trash:storage=+10%%\n  quota_rule3 = Spam:ignore\n  quota_warning = storage=90%% quota-warning 90 %u\n}\n",
     {"quota": '"site"', "quota_bytes": "1073741824", "quota_messages": "500", "quota_rules": '{ "Trash:+10%", "Spam:ignore" }',
      "quota_grace": "107374180", "quota_full": '"defer"', "quota_defer_for": "0", "quota_warnings": '{ "90%" }'}, []),
    ("a limit in kilobytes", "mail_location = maildir:~/Maildir\nplugin {\n  quota = maildir:U\n  quota_rule = *:storage=1000\n  quota_grace = 5M\n}\n",
     {"quota_bytes": "1024000", "quota_grace": "5242880"}, []),
    ("grace of limits that users have", "mail_location = maildir:~/Maildir\nplugin {\n  quota = maildir:U\n}\n", {"quota": '"maildirsize"', "quota_grace": None}, []),
    ("a percentage of no limit", "mail_location = maildir:~/Maildir\nplugin {\n  quota = maildir:U\n  quota_grace = 5%%\n}\n", {"quota_grace": None}, ["quota_grace = 5%"]),
    ("count with its service", "mail_location = maildir:~/Maildir\nplugin {\n  quota = count:U\n  quota_rule = *:storage=1G\n}\nservice quota-status {\n"
     "  executable = quota-status -p postfix\n  inet_listener {\n    port = 12345\n  }\n}\n",
     {"quota": '"dovecot"', "quota_service": '"127.0.0.1:12345"', "quota_bytes": None}, []),
    ("count without it", "mail_location = maildir:~/Maildir\nplugin {\n  quota = count:U\n}\n", {"quota": None}, ["quota-status"]),
    ("what cannot be", "mail_location = mbox:~/mail:INBOX=/var/mail/%u\nlmtp_proxy = yes\nrejection_reason = no\nnamespace other {\n  prefix = shared/\n"
     "  location = maildir:/x\n  separator = /\n}\nplugin {\n  sieve = ldap:/etc/x\n  something = 1\n}\n",
     {"maildir": None, "sieve_scripts": None}, ["mail_location = mbox", "lmtp_proxy = yes", "rejection_reason", "namespace other", "plugin/sieve", "plugin/something"]),
    ("an INBOX elsewhere", "mail_location = maildir:~/Mail:INBOX=/srv/%u\n", {"maildir": '"~/Mail"'}, ["INBOX"]),
]

HEAD = "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\ndovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\n"
PLACE = "mail_driver = maildir\nmail_path = ~/Maildir\n"
NEW = [
    ("2.4: location", "mail_driver = maildir\nmail_home = /var/vmail/%{user | domain}/%{user | username}\nmail_path = ~/Maildir\nmail_inbox_path = ~/Maildir/\n"
     "mailbox_list_layout = fs\nmailbox_list_utf8 = yes\nuserdb static {\n  fields {\n    gid = nogroup\n    uid = nobody\n  }\n}\n",
     {"maildir": '"/var/vmail/%{user | domain}/%{user | username}/Maildir"', "folder_layout": '"fs"', "folder_names": '"utf-8"', "users": '"virtual"',
      "virtual_user": '"nobody"'}, []),
    ("2.4: INBOX elsewhere, other driver", "mail_driver = sdbox\nmail_path = ~/sdbox\nmail_inbox_path = /srv/%{user}\n", {"maildir": None}, ["mail_driver", "mail_inbox_path"]),
    ("2.4: passwd-file", PLACE + "userdb passwd-file {\n  passwd_file_path = /etc/dovecot/users\n}\n", {"users": '"passwd_file"', "passwd_file": '"/etc/dovecot/users"'}, []),
    ("2.4: layout is not told", PLACE, {"folder_layout": '"maildir++"'}, []),
    ("2.4: sql", PLACE + "userdb sql {\n  query = SELECT 1\n}\n", {"users": '"dovecot"', "dovecot_socket": '"/run/dovecot/auth-userdb"'}, []),
    ("2.4: scripts", PLACE + "sieve_script personal {\n  active_path = ~/.a.sieve\n  path = ~/sieve\n}\nsieve_script one {\n  type = before\n  path = /etc/a.sieve\n}\n"
     "sieve_script two {\n  sieve_script_type = after\n  sieve_script_path = /etc/b.sieve\n}\nsieve_script x {\n  driver = ldap\n  path = y\n}\n"
     "sieve_extensions {\n  vnd.dovecot.environment = yes\n  reject = no\n}\n",
     {"sieve_scripts": '{ "~/.a.sieve" }', "sieve_personal": '"~/sieve"', "sieve_before": '{ "/etc/a.sieve" }', "sieve_after": '{ "/etc/b.sieve" }',
      "sieve_extensions": '"+vnd.dovecot.environment -reject"'}, ["sieve_script x/path"]),
    ("2.4: scripts without a path", PLACE + "sieve_script personal {\n  active_path = ~/.a.sieve\n}\nsieve_script site {\n  type = after\n  driver = dict\n"
     "  dict file {\n    path = /x\n  }\n}\n", {"sieve_scripts": '{ "~/.a.sieve" }', "sieve_personal": '"~/sieve"', "sieve_after": None},
     ["sieve_script site/driver"]),
    ("2.4: quota", PLACE + 'quota "User quota" {\n  driver = maildir\n  storage_size = 1G\n}\nquota_message_count = 9\nquota_warning w {\n'
     "  quota_storage_percentage = 80\n  execute quota-warning {\n    args = 80\n  }\n}\nquota_mail_size = 50M\n"
     'namespace inbox {\n  inbox = yes\n  mailbox "Old Mail" {\n    quota_ignore = yes\n  }\n}\n',
     {"quota": '"site"', "quota_bytes": "1073741824", "quota_messages": "9", "quota_grace": "10485760", "quota_warnings": '{ "80%" }',
      "message_size_limit": "52428800", "quota_rules": '{ "Old Mail:ignore" }'}, []),
    ("2.4: as 2.4.1 printed it",
     "base_dir = /srv/run\nfirst_valid_uid = 1\nhostname = mx.example.jp\nlda_mailbox_autocreate = yes\n"
     "lda_mailbox_autosubscribe = yes\nlmtp_save_to_detail_mailbox = yes\nlog_path = /srv/log\nmail_driver = maildir\nmail_gid = vmail\n"
     "mail_home = /srv/vmail/%{user | domain}/%{user | username | lower}\nmail_path = ~/Maildir\nmail_plugins {\n  quota = yes\n}\n"
     "mail_uid = vmail\npostmaster_address = postmaster@example.jp\nprotocols = imap lmtp\nrecipient_delimiter = +-\n"
     "sieve_duplicate_default_period = 2h\nsieve_max_redirects = 7\nsieve_redirect_envelope_from = recipient\n"
     "sieve_vacation_min_period = 1d\nssl = no\nstate_dir = /srv/run\nnamespace inbox {\n  inbox = yes\n  separator = /\n"
     "  mailbox Trash {\n    auto = subscribe\n    special_use = \"\\\\Trash\"\n  }\n  mailbox Junk {\n    auto = create\n"
     "    special_use = \"\\\\Junk\"\n  }\n}\nquota \"User quota\" {\n  driver = maildir\n  storage_grace = 10M\n  storage_size = 5M\n"
     "  quota_warning warn-95 {\n    quota_storage_percentage = 95\n    execute quota-warning {\n      args = 95 %{user}\n    }\n  }\n"
     "}\npassdb passwd-file {\n  passwd_file_path = /srv/passwd\n}\nuserdb passwd-file {\n  passwd_file_path = /srv/passwd\n  fields {\n"
     "    quota_storage_size:default = 3M\n  }\n}\nprotocol lmtp {\n  mail_plugins {\n    sieve = yes\n  }\n}\nsieve_script personal {\n"
     "  active_path = ~/.dovecot.sieve\n  path = ~/sieve\n  type = personal\n}\nsieve_script before {\n"
     "  path = /etc/dovecot/before.sieve\n  type = before\n}\nservice auth {\n  unix_listener auth-userdb {\n    mode = 0600\n"
     "    user = root\n  }\n}\nservice lmtp {\n  unix_listener /var/spool/postfix/private/dovecot-lmtp {\n    mode = 0600\n"
     "    user = postfix\n  }\n}\n",
     {"users": '"dovecot"', "dovecot_socket": '"/srv/run/auth-userdb"', "maildir": '"~/Maildir"',
      "home": '"/srv/vmail/%{user | domain}/%{user | username | lower}"', "virtual_user": '"vmail"', "first_valid_uid": "1", "detail_folder": '"create"',
      "delimiters": '"+-"', "folder_separator": '"/"', "quota": '"site"', "quota_bytes": "5242880", "quota_grace": "10485760", "quota_warnings": '{ "95%" }',
      "sieve_scripts": '{ "~/.dovecot.sieve" }', "sieve_before": '{ "/etc/dovecot/before.sieve" }', "sieve_personal": '"~/sieve"',
      "sieve_max_redirects": "7", "sieve_duplicate_default": "7200", "sieve_vacation_min": "86400", "redirect_sender": '"recipient"',
      "special_use": '{ "\\\\Trash=Trash", "\\\\Junk=Junk" }', "postmaster_address": '"postmaster@example.jp"'}, []),
]


def row_test(what, text, wanted, lost, is_old):
    def test(folder):
        printed = doveconf(folder, text) if is_old else HEAD + text
        result = convert(folder, printed)
        found = settings(result)
        for name, value in wanted.items():
            tap.same(found.get(name), value, "%s: %s\n%s" % (what, name, result.stdout.decode()))
        end = result.stdout.decode().partition("# Not converted:\n")[2].splitlines()
        tap.same(len(end), len(lost), "%s: %s" % (what, end))
        for word in lost:
            tap.same(sum(word in line for line in end), 1, "%s: %s in %s" % (what, word, end))
        tap.same((result.returncode, result.stderr), (1 if lost else 0, b""), what)
        is_right(folder, result)

    test.__name__ = "test_" + what.replace(" ", "_").replace(":", "").replace(",", "").replace("'", "").replace(".", "_")
    return test


def test_comments_name_the_lines(folder):
    """Above each setting stands the line of doveconf, which is really that one."""
    text = HEAD + PLACE + "recipient_delimiter = -\n"
    result = convert(folder, text).stdout.decode()
    tap.contains(result, '# line 6: recipient_delimiter = -\ndelimiters = "-"\n')
    tap.same(text.splitlines()[5], "recipient_delimiter = -", "line 6")


def test_checked(folder):
    """`todoke check` has no complaint about the file of a site whose users and scripts are here."""
    script = write(folder, "before.sieve", "keep;\n")
    text = HEAD + PLACE + "sieve_script b {\n  type = before\n  path = %s\n}\nuserdb passwd {\n}\nrecipient_delimiter = +\n" % script
    result = convert(folder, text)
    path = write(folder, "todoke.conf", result.stdout)
    os.chmod(path, 0o600)
    checked = tap.todoke("check", path)
    errors = [line for line in (checked.stdout + checked.stderr).splitlines() if b": error: " in line and b"before.sieve" not in line]
    tap.same(errors, [], result.stdout.decode())


def test_a_folder_of_scripts(folder):
    os.mkdir(folder + "/before.d")
    for name in ("20.sieve", "10.sieve", "notes"):
        write(folder, "before.d/" + name, "keep;\n")
    result = convert(folder, HEAD + PLACE + "sieve_script b {\n  type = before\n  path = %s/before.d\n}\n" % folder)
    tap.same(settings(result)["sieve_before"], '{ "%s/before.d/10.sieve", "%s/before.d/20.sieve" }' % (folder, folder), "in their order")
    result = convert(folder, HEAD + PLACE + "sieve_script b {\n  type = before\n  path = /nonexistent/before.d\n}\n")
    tap.same((result.returncode, b"name each script" in result.stdout), (1, True), result.stdout)


def test_standard_input_and_doveconf(folder):
    text = (HEAD + PLACE).encode()
    first = tap.todoke("convert", "dovecot", "-", stdin=text)
    tap.same(first.stdout, convert(folder, text).stdout, "- is standard input")
    os.mkdir(folder + "/bin")
    program = write(folder, "bin/doveconf", "#!/bin/sh\n[ \"$*\" = -n ] || exit 3\ncat %s/doveconf.txt\n" % folder)
    os.chmod(program, 0o755)
    path = folder + "/bin:/usr/bin:/bin"
    tap.same(tap.todoke("convert", "dovecot", env={"PATH": path}).stdout, first.stdout, "doveconf -n is run")
    write(folder, "bin/doveconf", "#!/bin/sh\necho 'doveconf: Fatal: broken' >&2\nexit 89\n")
    result = tap.todoke("convert", "dovecot", env={"PATH": path})
    tap.same((result.returncode, result.stdout), (1, b""), "doveconf that fails")
    tap.contains(result.stderr, b"Fatal: broken")


def test_usage(folder):
    path = write(folder, "x", HEAD)
    for args in (("dovecot", path, path), ("--prove", folder, "dovecot", path)):
        tap.same(tap.todoke("convert", *args).returncode, 2, args)
    result = tap.todoke("convert", "dovecot", folder + "/missing")
    tap.same((result.returncode, result.stdout), (1, b""), "no such file")


def test_hostile(folder):
    """
    What doveconf would not print is refused with its line (LIMIT_DOVECOT_DEPTH, LIMIT_DOVECOT_BLOCKS, LIMIT_DOVECOT_SETTINGS,
    LIMIT_DOVECOT_OCTETS), and a value of any kind makes no other setting.
    """
    size = 100_000 if tap.SANITIZED else 1_000_000
    refused = [("plugin {\n", b"has no '}'"), ("}\n", b"ends no block"), ("a\0b = c\n", b"NUL"), ("x {\n" * 17 + "}\n" * 17, b"deeper than 16"),
               ("!include conf.d/*.conf\n", b"doveconf -n"), ("words\n", b"neither"), ("b {\n}\n" * 1001, b"more than 1000 blocks"),
               ("a = b\n" * 10001, b"more than 10000 settings"), ("= b\n", b"neither"), ("#" + "x" * (4 * 1024 * 1024), b"doveconf.txt")]
    for text, why in refused:
        result = convert(folder, text)
        tap.same((result.returncode, result.stdout), (1, b""), (text[:40], result.stdout[:200]))
        tap.contains(result.stderr, why)
    for text in (PLACE + "recipient_delimiter = " + "+" * size, PLACE + "hostname = \x1b[31m\x07", PLACE.encode() + b"hostname = \xff\xfe",
                 PLACE + 'hostname = a"; maildir = "/evil\\\\', PLACE + "hostname = ${HOME}'\\", PLACE + "hostname = {", PLACE + "x%s = 1" % ("y" * size),
                 PLACE + "namespace %s {\ninbox = yes\nmailbox %s {\nspecial_use = \\Junk\n}\n}\n" % ("n" * size, "m" * size),
                 PLACE + "plugin {\n" + "quota_rule9 = T:ignore\nsieve_env_x = 1\nq%d = 2\n" * 3000 + "quota = maildir:U\n}\n",
                 "mail_location = maildir" + ":" * 10000 + "\n", "mail_location = maildir:%\n", "mail_location = maildir:~/M:LAYOUT=\n",
                 PLACE + "quota_mail_size = 99999999999999999999G\nsieve_vacation_min_period = 9999999999999999999999w\n",
                 PLACE + "plugin {\nquota = :\nquota_rule = *\nquota_rule2 = *:storage\nquota_rule3 = :::\nquota_grace = %\nsieve = ;\nsieve_before = file:\n}\n"):
        result = convert(folder, text)
        if result.returncode not in (0, 1) or result.stderr:
            raise AssertionError("%r: %d %r" % (text[:60], result.returncode, result.stderr[:300]))
        is_right(folder, result)
        tap.same(b"\x1b" in result.stdout, False, "no escape sequence")


TESTS = [row_test(*row, True) for row in OLD] + [row_test(*row, False) for row in NEW]
TESTS += [test for name, test in sorted(globals().items()) if name.startswith("test_") and callable(test)]
tap.run(TESTS)
