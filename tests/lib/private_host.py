# SPDX-License-Identifier: MIT
"""
private_host: what todoke keeps on this host by default lies below /var/lib. A test that root runs sees a /var/lib of its own,
without what an installed todoke keeps there, and what it writes there is gone with its process.

Whoever imports this, or tap, is in such a place, and so are the programs that it starts. As a program it runs a command there:

    python3 private_host.py COMMAND [ARGUMENT]...
"""

import ctypes
import os
import shutil
import stat
import sys

LIB = "/var/lib"
OURS = os.path.join(LIB, "todoke")

# Says to programs that are started from here which file system /var/lib has to be.
MARK = "TODOKE_TESTS_PRIVATE_LIB"

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


def libc(name, *args):
    call = getattr(ctypes.CDLL(None, use_errno=True), name)
    if call(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)


def mount(source, target, kind, flags, options=None):
    libc("mount", *(text.encode() if text is not None else None for text in (source, target, kind)), ctypes.c_ulong(flags),
         options.encode() if options is not None else None)


def is_private():
    return os.environ.get(MARK) == str(os.stat(LIB).st_dev)


def show(entry, old):
    """Let an entry of the host's /var/lib be seen in the new one."""
    path = os.path.join(LIB, entry.name)
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(entry.name, dir_fd=old), path)
        return
    if stat.S_ISDIR(mode):
        os.mkdir(path)
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
    mount("/proc/self/fd/%d/%s" % (old, entry.name), path, None, MS_BIND | MS_REC)


def make_private():
    libc("unshare", CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    old = os.open(LIB, os.O_RDONLY | os.O_DIRECTORY)
    with os.scandir(old) as entries:
        others = [entry for entry in entries if entry.name != os.path.basename(OURS)]
        mount("tmpfs", LIB, "tmpfs", 0, "mode=0755")
        for entry in others:
            try:
                show(entry, old)
            except FileNotFoundError:  # it has just gone
                pass
    os.close(old)
    os.environ[MARK] = str(os.stat(LIB).st_dev)


def forget():
    """What one test has kept there is not there for the next one."""
    if is_private():
        shutil.rmtree(OURS, ignore_errors=True)


def enter():
    if is_private():
        return
    if os.geteuid() == 0:
        try:
            make_private()
        except OSError as error:  # as in some containers
            print("# tests of root write into %s of this host: %s" % (OURS, error), file=sys.stderr)
        return
    for at, folders, _ in os.walk(OURS):
        for folder in [at] + [os.path.join(at, name) for name in folders]:
            if os.access(folder, os.W_OK):
                sys.exit("Bail out! this account's mail is delivered with %s: run the tests as another one, or as root" % folder)


enter()
if __name__ == "__main__":
    os.execvp(sys.argv[1], sys.argv[1:])
