# SPDX-License-Identifier: MIT
"""certificates: authorities and certificates for tests of TLS, made by openssl."""

import collections
import os
import shutil
import subprocess
import time

import tap

# Files: a certificate, its key, both in one file, and the certificate of who signed it.
Pair = collections.namedtuple("Pair", "certificate key both authority")


def run(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, check=False)
    tap.same(done.returncode, 0, "openssl %s: %s" % (args[0], done.stderr.decode(errors="replace")[-300:]))


class Authority:
    """Signs certificates; its files are in `folder`."""

    def __init__(self, folder, name="authority"):
        if shutil.which("openssl") is None:
            raise tap.Skip("no openssl here")
        self.folder, self.name = folder, name
        self.path, self.key = "%s/%s.pem" % (folder, name), "%s/%s.key" % (folder, name)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-days", "2", "-keyout", self.key,
            "-out", self.path)

    def sign(self, name, hosts="IP:127.0.0.1,DNS:localhost", days=2):
        """A certificate for `hosts`, as subjectAltName has them. One of 0 days has ended when it comes back: an end in the past is more than
        OpenSSL 3.5 signs."""
        at = "%s/%s-%s" % (self.folder, self.name, name)
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", at + ".key", "-out", at + ".csr")
        with open(at + ".ext", "w", encoding="utf-8") as file:
            file.write("subjectAltName=%s\n" % hosts)
        run("x509", "-req", "-in", at + ".csr", "-CA", self.path, "-CAkey", self.key, "-set_serial", "7", "-days", str(days), "-extfile", at + ".ext",
            "-out", at + ".pem")
        if days == 0:
            time.sleep(1.1)  # its end is counted in seconds
        with open(at + ".both", "w", encoding="utf-8") as both:
            for part in (".pem", ".key"):
                with open(at + part, encoding="utf-8") as file:
                    both.write(file.read())
        os.chmod(at + ".both", 0o600)
        return Pair(at + ".pem", at + ".key", at + ".both", self.path)
