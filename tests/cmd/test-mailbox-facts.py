#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts know of mailboxes on the disk: ids (RFC 9042), annotations (RFC 5490), in deliveries and in try."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: x\n\nbody\n"


def home(folder, files):
    mail = folder + "/mail/ann"
    for box in ("", ".Work", ".Renamed"):
        for part in ("new", "cur", "tmp"):
            os.makedirs(os.path.join(mail, box, part))
    for name, text in files.items():
        with open(os.path.join(mail, name), "w", encoding="utf-8") as file:
            file.write(text)
    return mail


def deliver(folder, script, *options):
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(script)
    options = ("-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "sieve_scripts=%s/main.sieve" % folder,
               *options)
    result = tap.todoke("deliver", *options, "-f", "a@b.test", "-d", "ann@x.test", stdin=MESSAGE)
    tap.same(result.returncode, 0, "exit code (%r)" % result.stderr)
    mail = folder + "/mail/ann"
    return [box for box in ("", *sorted(os.listdir(mail))) if os.access(os.path.join(mail, box, "new"), os.R_OK)
            and os.listdir(os.path.join(mail, box, "new"))]


UIDLIST = "3 V1796020175 N1 G25043f1cd8170d6b8043000083ecc375\n"


def test_a_renamed_folder_is_found_by_its_id(folder):
    home(folder, {".Renamed/dovecot-uidlist": UIDLIST})
    script = 'require ["fileinto", "mailboxid"];\nfileinto :mailboxid "25043f1cd8170d6b8043000083ecc375" "Gone";'
    tap.same(deliver(folder, script), [".Renamed"])


def test_an_id_that_a_folder_may_have_which_cannot_be_read(folder):
    """The rule is not carried out, and the log has the folder; an id that is found is not held up."""
    mail = home(folder, {".Renamed/dovecot-uidlist": UIDLIST})
    script = 'require ["fileinto", "mailboxid", "fcc", "vacation"];\n%s'
    os.chmod(mail + "/.Work", 0)
    try:
        for count, rule in enumerate(('fileinto :mailboxid "x" "Renamed";', 'if not mailboxidexists "x" { fileinto "Renamed"; }',
                                      'vacation :fcc "Renamed" :mailboxid "x" "away"; fileinto "Renamed";'), 1):
            tap.same(deliver(folder, script % rule), [""], rule)
            tap.same(len(os.listdir(mail + "/new")), count)
            with open(folder + "/log", encoding="utf-8") as file:
                tap.contains(file.read().split("\n")[-2], "cannot read the id of '.Work': Permission denied; the script's actions were dropped")
        rule = 'fileinto :mailboxid "25043f1cd8170d6b8043000083ecc375" "Gone";'
        tap.same(deliver(folder, script % rule), ["", ".Renamed"])
    finally:
        os.chmod(mail + "/.Work", 0o755)


def test_a_folder_that_we_make_has_an_id(folder):
    mail = home(folder, {})
    deliver(folder, 'require "fileinto"; fileinto "New";')
    with open(mail + "/.New/todoke-mailboxid", encoding="ascii") as file:
        number = file.read().strip()
    os.rename(mail + "/.New", mail + "/.Newer")
    script = 'require ["fileinto", "mailboxid"];\nif mailboxidexists "%s" { fileinto :mailboxid "%s" "New"; }' % (number, number)
    tap.same(deliver(folder, script), [".Newer"])
    tap.same(len(os.listdir(mail + "/.Newer/new")), 2)


def test_annotations_of_dovecot(folder):
    home(folder, {".Work/dovecot-uidlist": UIDLIST,
                  "dovecot-attributes": "priv/25043f1cd8170d6b8043000083ecc375/vendor/x/sort\non\n"})
    script = ('require ["fileinto", "mboxmetadata"];\n'
              'if metadata "Work" "/private/vendor/x/sort" "on" { fileinto "Work"; }')
    tap.same(deliver(folder, script), [".Work"])


def test_another_file_of_annotations(folder):
    home(folder, {".Work/dovecot-uidlist": UIDLIST})
    with open(folder + "/attributes", "w", encoding="ascii") as file:
        file.write("priv/25043f1cd8170d6b8043000083ecc375/vendor/x/sort\non\n")
    script = 'require ["fileinto", "mboxmetadata"];\nif metadataexists "Work" "/private/vendor/x/sort" { fileinto "Work"; }'
    tap.same(deliver(folder, script, "-o", "metadata_file=%s/attributes" % folder), [".Work"])


def test_annotations_of_our_own(folder):
    home(folder, {".Work/todoke-metadata": "/shared/comment Customers\n", "todoke-server-metadata": "/private/vendor/x/away yes\n"})
    script = ('require ["fileinto", "mboxmetadata", "servermetadata"];\n'
              'if allof (metadata "Work" "/shared/comment" "customers", servermetadata "/private/vendor/x/away" "yes") { fileinto "Work"; }')
    tap.same(deliver(folder, script), [".Work"])


def test_try_sees_what_a_delivery_sees(folder):
    home(folder, {".Renamed/dovecot-uidlist": UIDLIST})
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write('require ["fileinto", "mailboxid"];\nfileinto :mailboxid "25043f1cd8170d6b8043000083ecc375" "Gone";')
    with open(folder + "/m.eml", "wb") as file:
        file.write(MESSAGE)
    result = tap.todoke("try", "--json", "-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/main.sieve" % folder,
                        "--rcpt", "ann@x.test", folder + "/m.eml")
    action = json.loads(result.stdout)["actions"][0]
    tap.same((action["mailbox"], action["folder"]), ("Renamed", ".Renamed"))


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
