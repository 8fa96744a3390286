# SPDX-License-Identifier: MIT
"""manual_bounce: the whole bounce that todoke-bounce(7) shows, and a bounce of Postfix without what differs each time."""
import pathlib
import re

PAGES = pathlib.Path(__file__).resolve().parents[2] / "agent/man"
DATE = r"\w{3}, +\d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}(?: \(\w+\))?"
OF_THE_SUITE = (("MAILER-DAEMON@local.test", "MAILER-DAEMON@mx.example.jp"), ("mx.e2e.test", "mx.example.jp"), ("circle.test", "example.jp"),
                ("forwarder.test", "forwarder.example.jp"), ("client.test", "client.example.jp"), ("outside.test", "example.com"))


def of_page(name="todoke-bounce.7"):
    """The bounce as the page shows it, without the page's indentation."""
    text = (PAGES / name).read_text(encoding="utf-8")
    block = re.search(r"^\.nf\n(    Date: .*?)\.fi\n", text, flags=re.M | re.S)[1]
    for code, letter in (("\\-", "-"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\&", "")):
        block = block.replace(code, letter)
    return re.sub(r"^    ", "", block, flags=re.M)


def neutral(text):
    """Times, queue ids, hosts of the end-to-end suite, and where lines are folded, do not tell bounces apart."""
    text = text[text.index("Date: "):].expandtabs(8)
    for there, here in OF_THE_SUITE:
        text = text.replace(there, here)
    ids = dict.fromkeys(re.findall(r"(?:ESMTP id |<\d{14}\.|\[)([0-9A-F]{9,})\b", text))
    for number, queue_id in enumerate(ids, 1):
        text = text.replace(queue_id, f"QUEUEID{number}")
    text = re.sub(r"(?<=QUEUEID\d\.)\d+(?=/)|(?<=<)\d{14}(?=\.)|(?<=<round)\.\d+(?=@)", "", re.sub(DATE, "DATE", text))
    return re.sub(r"\n{2,}", "\n\n", re.sub(r"\n {4,}(?=\S)", " ", text)).strip()
