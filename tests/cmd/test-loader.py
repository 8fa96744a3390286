#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The dynamic loader cannot load what todoke needs: a temporary fault by each door, where the loader alone would make Postfix bounce (127)."""

import os
import re
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

BUILD = os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE))
SMALL = os.path.join(BUILD, "todoke-deliver")
MAIN = os.path.join(BUILD, ".libs/todoke-main.so")
MAIL = b"From: a@b.test\nTo: ann@x.test\nSubject: =?koi8-r?q?=D0=D2=C9?=\n\nbody\n"
CYRILLIC = 'if header :contains "subject" "\u043f\u0440\u0438" { keep; }\n'  # a charset that todoke-deliver does not read
ANSWER = b"4.3.0 mail system cannot load its delivery agent: "


class Site:
    """A virtual user, and what takes libraries away from whatever is run."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder + "/mail")
        with open(folder + "/main.sieve", "w", encoding="utf-8") as script:
            script.write(CYRILLIC)
        self.env = {"TODOKE_PROGRAM_DIR": BUILD, "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"],
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}

    def deliver(self, program=tap.TODOKE):
        return [program, "deliver", "-o", "maildir=%s/mail/%%n" % self.folder, "-o", "log_file=%s/log" % self.folder, "-o", "sandbox=off",
                "-o", "sieve_scripts=%s/main.sieve" % self.folder, "-o", "key_file=", "-f", "a@b.test", "-d", "ann@x.test"]

    def procmail(self):
        os.makedirs(self.folder + "/bin", exist_ok=True)
        link = self.folder + "/bin/procmail"
        if not os.path.islink(link):
            os.symlink(tap.TODOKE, link)
        with open(self.folder + "/rc", "w", encoding="utf-8") as rc:
            rc.write("DEFAULT=%s/mail/ann/\n" % self.folder)
        return [link, self.folder + "/rc"]

    def run(self, command, env=None):
        """As pipe(8) and local(8) run it: one pipe that does not block takes all that is printed. The exit code and that."""
        out, into = os.pipe2(os.O_NONBLOCK)
        os.set_blocking(out, True)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=into, stderr=into, env={**self.env, **(env or {})}) as process:
            os.close(into)
            process.communicate(MAIL, timeout=tap.PATIENCE)
        with open(out, "rb") as file:
            return process.returncode, file.read()

    def check_deferred(self, result, why):
        code, text = result
        tap.same((code, text.startswith(ANSWER)), (75, True), repr(result))
        words = text[len(ANSWER):].decode()
        tap.same((re.fullmatch(why, words) is not None, "/" in words.replace("Input/output", "")), (True, False), words)
        tap.same([path for path in tap.files_below(self.folder + "/mail") if "/new/" in path or "/cur/" in path], [], "mails")
        tap.same(tap.litter(self.folder + "/mail"), [], "tmp")


def faulty(call, error, *paths):
    """A prefix of a command that lets a system call fail wherever it is about one of these paths."""
    tap.need_strace()
    return ["strace", "-f", "--quiet=all", "-o", "/dev/null", *[word for path in paths for word in ("-P", path)], "-e", "trace=" + call,
            "-e", "inject=%s:error=%s" % (call, error)]


def paths_of(library):
    """The names by which the loader may open it: of the folders, one is often a link to the other."""
    maps = subprocess.run(["ldd", MAIN], capture_output=True, text=True, check=False).stdout
    found = re.search(r"%s => (\S+)" % re.escape(library), maps)
    if found is None:
        raise tap.Skip("todoke is not linked with " + library)
    path = found[1].removeprefix("/usr")
    return path, "/usr" + path, os.path.realpath(path)


def bad_library(folder, content):
    """LD_LIBRARY_PATH by which a broken GLib is found first."""
    os.mkdir(folder + "/bad")
    with open(folder + "/bad/libglib-2.0.so.0", "wb") as file:
        file.write(content)
    return {"LD_LIBRARY_PATH": folder + "/bad"}


def test_a_library_is_missing(folder):
    site = Site(folder)
    for library in ("libglib-2.0.so.0", "libpcre2-8.so.0"):
        gone = faulty("openat", "ENOENT", *paths_of(library))
        site.check_deferred(site.run([*gone, *site.deliver()]), re.escape(library) + ": cannot open shared object file: No such file or directory")


def test_a_library_cannot_be_read(folder):
    site = Site(folder)
    paths = paths_of("libglib-2.0.so.0")
    for call, error, words in (("openat", "EIO", "Input/output error"), ("openat", "EMFILE", "Too many open files"), ("read", "EIO", "Input/output error"),
                               ("mmap", "ENOMEM", "failed to map segment")):
        site.check_deferred(site.run([*faulty(call, error, *paths), *site.deliver()]), r"libglib-2\.0\.so\.0: .*%s.*" % words)


def test_our_own_object_is_missing_or_cannot_be_read(folder):
    site = Site(folder)
    for call, error in (("openat", "EIO"), ("openat", "EACCES"), ("read", "EIO"), ("mmap", "ENOMEM")):
        site.check_deferred(site.run([*faulty(call, error, MAIN), *site.deliver()]), r"todoke-main\.so: .*")
    # a program alone in a folder has it nowhere: the place of the installation has none
    os.mkdir(folder + "/alone")
    shutil.copy(tap.TODOKE, folder + "/alone/todoke")
    if os.path.exists(os.path.join(installed_modules(), "todoke-main.so")):
        raise tap.Skip("todoke is installed here")
    site.check_deferred(site.run(site.deliver(folder + "/alone/todoke")), r"todoke-main\.so: cannot open shared object file: No such file or directory")


def installed_modules():
    """pkglibdir, as `make install` has it."""
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8") as makefile:
        libdir = re.search(r"^libdir = (.*)$", makefile.read(), re.M)[1]
    return libdir.replace("${exec_prefix}", "/usr/local") + "/todoke"


def test_another_library_bears_the_name(folder):
    site = Site(folder)
    with open(os.path.realpath(paths_of("libm.so.6")[0]), "rb") as file:
        env = bad_library(folder, file.read())
    site.check_deferred(site.run(site.deliver(), env), r".*undefined symbol: g_\w+")


def test_a_library_is_half_written(folder):
    site = Site(folder)
    site.check_deferred(site.run(site.deliver(), bad_library(folder, b"")), r"libglib-2\.0\.so\.0: file too short")
    with open(folder + "/bad/libglib-2.0.so.0", "wb") as file:
        file.write(b"no ELF" * 100)
    site.check_deferred(site.run(site.deliver(), {"LD_LIBRARY_PATH": folder + "/bad"}), r"libglib-2\.0\.so\.0: invalid ELF header")


def test_recipes_and_mailbox_command(folder):
    site = Site(folder)
    env = bad_library(folder, b"")
    for command in (site.procmail(), [tap.TODOKE, "procmail", site.procmail()[1]],
                    ["/bin/sh", "-c", 'exec "$0" "$@"', *site.procmail()], ["/bin/sh", "-c", '"$0" "$@"', *site.deliver()]):
        site.check_deferred(site.run(command, env), r"libglib-2\.0\.so\.0: file too short")


def test_the_small_program_hands_over(folder):
    """It is linked statically, and was reading the mail when it found that it needs the other."""
    if not os.path.exists(SMALL):
        raise tap.Skip("todoke-deliver is not built (--with-static-deliver)")
    site = Site(folder)
    env = bad_library(folder, b"")
    site.check_deferred(site.run(site.deliver(SMALL), env), r"libglib-2\.0\.so\.0: file too short")
    # not even the C library: the loader's own words are an answer
    libc = paths_of("libc.so.6")
    code, text = site.run([*faulty("openat", "ENOENT", *libc), *site.deliver(SMALL)])
    tap.same((code, text.startswith(b"4.3.0 todoke: error while loading shared libraries: libc.so.6")), (127, True), repr(text))
    code, text = site.run([SMALL, "version"], env)
    tap.same((code, text.startswith(ANSWER)), (75, True), repr(text))


def test_lmtpd_asks_the_client_to_come_again(folder):
    """By spawn(8) the socket is all that it has; what else it prints would be a reply."""
    site = Site(folder)
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen([tap.TODOKE, "lmtpd"], stdin=theirs, stdout=theirs, stderr=theirs,
                                        env={**site.env, **bad_library(folder, b"")}) as server:
        theirs.close()
        with ours.makefile("rb") as file:
            said = file.read()
        tap.same((server.wait(tap.PATIENCE), said), (75, b"421 " + ANSWER + b"libglib-2.0.so.0: file too short\r\n"))


@tap.as_root
def test_the_log_has_it(folder):
    """By syslog, whatever log_file says. The test's own /dev has a socket for it."""
    site = Site(folder)
    os.makedirs(folder + "/dev/shm")  # the test's own folder may lie there
    subprocess.run(["cp", "-a", "/dev/null", folder + "/dev"], check=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(folder + "/dev/log")
        log.settimeout(tap.PATIENCE)
        command = ["unshare", "--mount", "sh", "-c", 'mount --rbind /dev/shm "$0/dev/shm" && mount --rbind "$0/dev" /dev && exec "$@"', folder, *site.deliver()]
        if subprocess.run([*command[:5], folder, "true"], capture_output=True, check=False).returncode != 0:
            raise tap.Skip("no right to mount")
        site.check_deferred(site.run(command, bad_library(folder, b"")), r"libglib-2\.0\.so\.0: file too short")
        line = log.recv(2000).decode()
    tap.same(re.sub(r"(?<=>)\w{3} [ \d]\d \S+|(?<=\[)\d+", "", line), '<19> todoke[]: NOQUEUE: dsn=4.3.0, status=deferred, code=T136, fault=load, '
             'detail="%s/bad/libglib-2.0.so.0: file too short"' % folder)


def test_people_are_told(folder):
    site = Site(folder)
    env = {**site.env, **bad_library(folder, b"")}
    for words in (["version"], ["doctor"], [], ["no-such-command"]):
        done = subprocess.run([tap.TODOKE, *words], capture_output=True, text=True, env=env, timeout=tap.PATIENCE, check=False)
        tap.same((done.returncode, done.stdout), (75, ""), repr(words))
        tap.same(done.stderr, "todoke: cannot load the program: %s/bad/libglib-2.0.so.0: file too short\n"
                              "todoke: install what is missing, or todoke again; mail waits until then\n" % folder)
    # whoever takes the answer alone hears the loader's own words beside it
    done = subprocess.run(site.deliver(), input=MAIL, capture_output=True, env=env, timeout=tap.PATIENCE, check=False)
    tap.same((done.returncode, done.stdout), (75, ANSWER + b"libglib-2.0.so.0: file too short\n"))
    tap.contains(done.stderr.decode(), folder + "/bad/libglib-2.0.so.0: file too short")


def test_the_answer_is_explained(folder):
    done = tap.todoke("code", (ANSWER + b"libglib-2.0.so.0: file too short").decode())
    tap.same(done.returncode, 0, "exit code")
    tap.contains(done.stdout.decode(), "a library that it needs is missing")


def test_nothing_of_it_is_linked_with_more_than_the_c_library(folder):
    if tap.SANITIZED:
        raise tap.Skip("sanitizers are libraries")
    said = subprocess.run(["readelf", "-d", tap.TODOKE], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout
    tap.same(re.findall(r"\(NEEDED\).*\[(\w+)\.", said), ["libc"])


def test_a_build_tree_needs_no_environment(folder):
    """It takes its own object, however it is called, and not one that is installed."""
    link = os.path.join(folder, "link")
    os.symlink(tap.TODOKE, link)
    for command in ([tap.TODOKE], [link], [os.path.join(".", os.path.relpath(tap.TODOKE))]):
        for env in ({"PATH": "/usr/bin"}, {"PATH": "/usr/bin", "TODOKE_MODULE_DIR": folder}):  # a folder that has none
            done = subprocess.run([*command, "version"], capture_output=True, env=env, timeout=tap.PATIENCE, check=False)
            tap.same((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    tap.run([test for name, test in list(globals().items()) if name.startswith("test_")])
