#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dovecot_conf: pieces of a configuration in the language of the Dovecot that is installed: that of 2.4 is another than that of 2.3.

As a program, for shell scripts: dovecot_conf.py PIECE WORD...; a word "name=value" is an option of the piece.
"""

import re
import subprocess
import sys


def _is_new():
    try:
        said = subprocess.run(["dovecot", "--version"], capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return False  # nothing will read it
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", said).groups())) >= (2, 4)


IS_NEW = _is_new()
USER = "%{user}" if IS_NEW else "%u"


def block(head, *lines):
    inside = "".join("  " + line + "\n" for text in lines for line in text.splitlines())
    return "%s {\n%s}\n" % (head, inside)


def head():
    """What must come first: the language that all else is written in."""
    return "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if IS_NEW else ""


def maildir(path, layout=None):
    """Where mail lies; the layout is "maildir++" (as by default) or "fs"."""
    if IS_NEW:
        return "mail_driver = maildir\nmail_path = %s\n" % path + ("mailbox_list_layout = %s\n" % layout if layout else "")
    return "mail_location = maildir:%s%s\n" % (path, ":LAYOUT=" + layout if layout else "")


def passwords(password=None):
    """One password for all names; None: any will do."""
    if IS_NEW:
        return block("passdb static", "password = " + password if password else block("fields", "nopassword = yes"))
    return block("passdb", "driver = static", "args = " + ("password=" + password if password else "nopassword=yes"))


def users(uid, gid, home, every_name="no"):
    """All users are one; `every_name`: also those that the passwords do not know."""
    if IS_NEW:
        return block("userdb static", "allow_all_users = yes" if every_name == "yes" else "",
                     block("fields", "uid = %s" % uid, "gid = %s" % gid, "home = %s" % home))
    return block("userdb", "driver = static",
                 "args = uid=%s gid=%s home=%s%s" % (uid, gid, home, " allow_all_users=yes" if every_name == "yes" else ""))


def no_lookup():
    """What doveadm must be told where the one who runs it is the user."""
    return "--no-userdb-lookup\n" if IS_NEW else ""


def clear_passwords():
    return "auth_allow_cleartext = yes\n" if IS_NEW else "disable_plaintext_auth = no\n"


def sieve_settings(extensions=(), **settings):
    """Settings of Pigeonhole, by the names of 2.3 without their `sieve_`; the extensions come to those that are on."""
    values = {"sieve_" + name: value for name, value in settings.items()}
    if IS_NEW:
        more = block("sieve_extensions", *("%s = yes" % name for name in extensions)) if extensions else ""
        return more + "".join("%s = %s\n" % item for item in values.items())
    if extensions:
        values["sieve_extensions"] = " ".join("+" + name for name in extensions)
    return block("plugin", *("%s = %s" % item for item in values.items()))


def sieve_script(kind, path):
    """`kind`: "personal" (a script), "before", or the folders of include: "dir" (:personal) and "global"."""
    if not IS_NEW:
        return block("plugin", "%s = %s" % ({"personal": "sieve"}.get(kind, "sieve_" + kind), path))
    kind_now = "personal" if kind == "dir" else kind
    return block("sieve_script " + kind, "type = " + kind_now, "path = %s" % path)


def sieve_in(protocol):
    """Deliveries by this protocol run Sieve."""
    return block("protocol " + protocol, block("mail_plugins", "sieve = yes") if IS_NEW else "mail_plugins = sieve")


if __name__ == "__main__":
    plain = [word for word in sys.argv[2:] if "=" not in word]
    sys.stdout.write(globals()[sys.argv[1]](*plain, **dict(word.split("=", 1) for word in sys.argv[2:] if "=" in word)))
