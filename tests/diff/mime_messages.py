# SPDX-License-Identifier: MIT
"""Messages made at random: nested, broken and mislabelled as mail is. Each comes with the names of what was done to it."""

import base64
import quopri
import re

TYPES = ["text/plain", "text/plain", "TEXT/Plain", "text/html", "application/pdf", "image/png", "application/octet-stream"]
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]
NAMES = ["invoice.exe", "report.pdf", "photo.png", "letter.txt"]


class Maker:
    def __init__(self, pick):
        self.pick = pick
        self.done = set()
        self.newline = pick.choice(["\n", "\n", "\r\n"])
        self.count = 0

    def maybe(self, what, chance):
        """Do it this time? Then it is written down."""
        if self.pick.random() >= chance:
            return False
        self.done.add(what)
        return True

    def words(self):
        return " ".join(self.pick.choice(WORDS) for _ in range(self.pick.randint(1, 4)))

    def boundary(self):
        self.count += 1
        if self.maybe("boundaries-alike", 0.2):
            return "b" * self.count
        return self.pick.choice(["b%d", "=_%d", "----=_Part_%d", "b'%d+x"]) % self.count

    def name_param(self, key, name):
        """A parameter that holds the name, in one of the ways that programs write it."""
        word = "=?utf-8?B?%s?=" % base64.b64encode(name.encode()).decode()
        half = len(name) // 2
        ways = [
            ("param-quoted", '%s="%s"' % (key, name)),
            ("param-token", "%s=%s" % (key, name)),
            ("param-2231", "%s*=utf-8''%s" % (key, name.replace(".", "%2E"))),
            ("param-pieces", '%s*0="%s";%s\t%s*1="%s"' % (key, name[:half], self.newline, key, name[half:])),
            ("param-pieces-2231", "%s*0*=utf-8''%s;%s %s*1*=%s" % (key, name[:half], self.newline, key, name[half:].replace(".", "%2E"))),
            ("param-word", '%s="%s"' % (key, word)),
            ("param-comment", '%s="%s" (a comment)' % (key, name)),
            ("param-upper", '%s="%s"' % (key.upper(), name)),
            ("param-folded", '%s%s =%s "%s"' % (self.newline + "\t", key, self.newline, name)),
            ("param-both", '%s="%s"; %s*=utf-8\'\'%s' % (key, "other.txt", key, name)),
        ]
        what, text = self.pick.choice(ways)
        self.done.add(what)
        return text

    def leaf_fields(self, content_type):
        fields = []
        params = ""
        if content_type.lower().startswith("text/"):
            charset = self.pick.choice(["utf-8", "US-ASCII", '"iso-8859-1"', "utf-8", "x-unknown"])
            if charset == "x-unknown":
                self.done.add("charset-unknown")
            params = "; charset=" + charset
        elif self.pick.random() < 0.5:
            params = "; " + self.name_param("name", self.pick.choice(NAMES))
        if not self.maybe("no-type", 0.06):
            fields.append("Content-Type: " + content_type + params)
            if self.maybe("type-twice", 0.03):
                fields.append("Content-Type: text/html")
        if self.pick.random() < 0.4:
            disposition = self.pick.choice(["attachment", "inline", "Attachment"])
            fields.append("Content-Disposition: %s; %s" % (disposition, self.name_param("filename", self.pick.choice(NAMES))))
        if self.pick.random() < 0.2:
            fields.append("Content-ID: <%d@example.org>" % self.pick.randint(1, 9))
        return fields

    def leaf_body(self, content_type, fields):
        """The text, encoded, with the field that says how."""
        text = self.words()
        html = content_type.lower() == "text/html"
        if html:
            text = "<html><body><p>%s</p><p>%s</p></body></html>" % (text, self.words())
        lines = [text] + [self.words() for _ in range(self.pick.randint(0, 3))]
        if self.maybe("dashes", 0.1):
            lines.append(self.pick.choice(["--", "-- ", "--x", "---", "----", "-- b", "--B1"]))
        plain = self.newline.join(lines)
        way = self.pick.choice(["7bit", "7bit", None, "base64", "quoted-printable", "8bit", "BASE64"])
        if way is None:
            return plain
        if self.maybe("encoding-unknown", 0.03):
            way = "x-strange"
        if self.maybe("encoding-comment", 0.05):
            fields.append("Content-Transfer-Encoding: %s (so it is)" % way)
        else:
            fields.append("Content-Transfer-Encoding: " + way)
        if self.maybe("encoding-wrong", 0.05):
            return plain
        if way.lower() == "base64":
            encoded = base64.encodebytes(plain.encode()).decode().rstrip("\n")
            if self.maybe("base64-broken", 0.05):
                encoded = encoded[: len(encoded) // 2] + "!" + encoded[len(encoded) // 2 + 1:]
            return encoded.replace("\n", self.newline)
        if way == "quoted-printable":
            return quopri.encodestring(plain.replace("\r\n", "\n").encode()).decode().replace("\n", self.newline)
        return plain

    def damage_fields(self, fields):
        if fields and self.maybe("stray-line", 0.06):
            fields.insert(self.pick.randint(1, len(fields)), self.pick.choice(['name="lost.exe"', "not a field", "From x Mon"]))
        if fields and self.maybe("field-unfolded-blank", 0.03):
            fields.insert(0, " a fold of nothing")
        return fields

    def join(self, fields, body):
        fields = self.damage_fields(fields)
        head = "".join(field + self.newline for field in fields)
        if not head:
            self.done.add("no-fields")
        if self.maybe("no-empty-line", 0.01):
            return head + body
        return head + self.newline + body

    def leaf(self):
        content_type = self.pick.choice(TYPES)
        fields = self.leaf_fields(content_type)
        body = self.leaf_body(content_type, fields)
        if self.maybe("body-empty", 0.05):
            body = ""
        return self.join(fields, body)

    def nested_message(self, depth):
        fields = ["Content-Type: message/rfc822"]
        if self.maybe("message-encoded", 0.05):
            fields.append("Content-Transfer-Encoding: base64")
        inner = self.entity(depth + 1, ["Subject: inner " + self.words(), "From: inner@example.org", "To: %s@example.org" % self.pick.choice(WORDS)])
        if self.maybe("message-from-line", 0.15):
            inner = self.pick.choice(["From ", ">From "]) + "a@example.org Mon Jan  5 10:00:00 2026" + self.newline + inner
        return self.join(fields, inner)

    def multipart(self, depth, fields):
        kind = self.pick.choice(["mixed", "mixed", "alternative", "related", "digest"])
        if kind == "digest":
            self.done.add("digest")
        boundary = self.boundary()
        mark = '"%s"' % boundary if self.pick.random() < 0.8 or not boundary.isalnum() else boundary
        if self.maybe("no-boundary", 0.02):
            fields.append("Content-Type: multipart/%s" % kind)
        else:
            fields.append("Content-Type: multipart/%s;%sboundary=%s" % (kind, self.pick.choice([" ", self.newline + "\t"]), mark))
        if self.maybe("multipart-encoded", 0.02):
            fields.append("Content-Transfer-Encoding: base64")
        body = "preamble " + self.words() + self.newline if self.maybe("preamble", 0.3) else ""
        for _ in range(self.pick.randint(0 if self.maybe("no-parts", 0.03) else 1, 3)):
            behind = " (a part)" if self.maybe("words-behind-boundary", 0.04) else " " if self.maybe("blank-behind-boundary", 0.05) else ""
            body += "--" + boundary + behind + self.newline + self.entity(depth + 1, []) + self.newline
        if not self.maybe("not-closed", 0.08):
            body += "--" + boundary + "--" + self.newline
            if self.maybe("epilogue", 0.2):
                body += "epilogue " + self.words() + self.newline
        return self.join(fields, body)

    def entity(self, depth, fields):
        choice = self.pick.random()
        if depth < 4 and choice < (0.7 if depth == 0 else 0.25):
            return self.multipart(depth, fields)
        if depth < 4 and choice < (0.75 if depth == 0 else 0.4) and not fields:
            return self.nested_message(depth)
        if not fields:
            return self.leaf()
        content_type = self.pick.choice(TYPES)
        fields += self.leaf_fields(content_type)
        return self.join(fields, self.leaf_body(content_type, fields))


def generate(pick):
    """A message (bytes) and the set of what was done to it."""
    maker = Maker(pick)
    fields = ["From: %s@example.org" % pick.choice(WORDS), "To: me@example.jp", "Subject: " + maker.words(),
              "Date: Fri, %d Dec 1999 18:59:00 +0000" % pick.randint(1, 31)]
    if not maker.maybe("no-mime-version", 0.1):
        fields.append("MIME-Version: 1.0")
    text = maker.entity(0, fields)
    if maker.maybe("truncated", 0.08):
        text = text[: pick.randint(len(text) // 2, len(text))]
        if re.search(r"\nContent-(Type|Disposition):[^\n]*(\n[ \t][^\n]*)*\Z", text):
            maker.done.add("truncated-structure")
    if not text.endswith("\n"):
        text += maker.newline
    return text.encode(), maker.done
