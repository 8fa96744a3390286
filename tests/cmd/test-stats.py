#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke stats`: made-up records with counts that were counted by hand, hostile values, and a big record."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree
import zlib
from html.parser import HTMLParser

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

NOON = 1800000000  # some second; records of the tests are around it
SCRIPT = """require ["fileinto", "reject"];
if header :contains "subject" "a" {
    fileinto "Work";
} elsif size :over 1M {
    reject "too big";
}
redirect "x@y.test";
"""


def settings(folder):
    return ("-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/main.sieve" % folder, "-o", "tree_memory=",
            "-o", "early_record_folder=%s/early" % folder)


def line(time_s=NOON, door="pipe", status="sent", sender="a@b.test", **more):
    record = {"schema": "todoke.record/1", "time": time_s, "door": door, "from": sender, "to": "ann@x.test", "status": status}
    record.update(more)
    return json.dumps({key: value for key, value in record.items() if value is not None}, separators=(",", ":"), ensure_ascii=False)


def write(folder, *lines, user="ann", end="\n"):
    path = "%s/mail/%s/todoke-state" % (folder, user)
    os.makedirs(path, exist_ok=True)
    for name in ("new", "cur", "tmp"):
        os.makedirs("%s/mail/%s/%s" % (folder, user, name), exist_ok=True)
    with open(path + "/record", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + end)
    if not os.path.exists(folder + "/main.sieve"):
        with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
            file.write(SCRIPT)


def run(folder, *args, code=0, **more):
    result = tap.todoke("stats", *settings(folder), *args, **more)
    tap.same(result.returncode, code, "exit code (%r)" % result.stderr)
    return result.stdout.decode()


def run_json(folder, *args):
    return json.loads(run(folder, "--json", *args))


def fail_run(folder, *args, code=2):
    result = tap.todoke("stats", *settings(folder), *args)
    tap.same(result.returncode, code, "exit code (%r)" % result.stderr)
    return result.stderr.decode()


def stored(name, size=100, **more):
    return dict({"action": "fileinto", "folder": name, "bytes": size}, **more)


# Seven decisions of two users.
def write_known(folder):
    at = folder + "/main.sieve:3"
    write(folder,
          line(NOON, plan=[{"action": "fileinto", "at": at}], done=[stored("Work")], delay_us={"total": 800}),
          line(NOON + 5, door="lmtp", sender="x@B.TEST", plan=[{"action": "fileinto", "at": at}], done=[stored("Work", 50)], delay_us={"total": 1000}),
          # a rule that asks for two things fires once; what an earlier try stored counts there
          line(NOON + 3, plan=[{"action": "fileinto", "at": at}, {"action": "fileinto", "at": at}],
               done=[stored("Work", earlier=True), stored("Other", 7)], delay_us={"total": 1001}),
          line(NOON + 9, status="bounced", fault="rule-refused", sender="", plan=[{"action": "reject", "at": folder + "/main.sieve:5"}],
               delay_us={"total": 3000000}))
    write(folder,
          line(NOON - 10, status="deferred", fault="disk-full", delay_us={"total": 99000000}),
          line(NOON - 9, status="deferred", fault="disk-full", door="local"),
          line(NOON - 8, done=[stored("INBOX", 3)], sender="odd"), user="bob")


def results(found):
    return sorted((one["result"], one["reason"], one["door"], one["count"]) for one in found["results"])


def test_known_counts(folder):
    write_known(folder)
    found = run_json(folder)
    tap.same((found["schema"], found["records"], found["first"], found["last"], found["since"]), ("todoke.stats/1", 7, NOON - 10, NOON + 9, None))
    tap.same(results(found), [("deferred", "disk-full", "local", 1), ("deferred", "disk-full", "pipe", 1), ("delivered", "ok", "lmtp", 1),
                              ("delivered", "ok", "pipe", 3), ("refused", "rule-refused", "pipe", 1)])
    tap.same([(one["folder"], one["count"], one["bytes"]) for one in found["folders"]], [("Work", 2, 150), ("INBOX", 1, 3), ("Other", 1, 7)])
    tap.same([(one["at"], one["count"], one["last"]) for one in found["rules"]],
             [(folder + "/main.sieve:3", 3, NOON + 5), (folder + "/main.sieve:5", 1, NOON + 9)])
    tap.same(found["unused_rules"], [folder + "/main.sieve:7"])
    tap.same([(one["domain"], one["count"]) for one in found["domains"]], [("b.test", 5), ("(none)", 1), ("<>", 1)])
    delay = found["delay_seconds"]
    # a bucket holds what is as long as its bound
    tap.same([(one["le"], one["count"]) for one in delay["buckets"] if one["count"]], [("0.001", 2), ("0.0025", 1), ("5.0", 1), ("+Inf", 1)])
    tap.same((delay["count"], round(delay["sum"], 6)), (5, 102.002801))
    tap.same(found["left_out"], {"folders": 0, "rules": 0, "domains": 0})


def test_a_user_of_a_file_for_all(folder):
    """One record_file for everybody: --user counts that user's lines, in each form, and what was answered before a delivery began."""
    site = ("-o", "record_file=%s/site" % folder)
    rows = [line(to=to, user=user, status=status, door=door) for to, user, status, door in (
        ("ann@x.test", "ann@x.test", "sent", "pipe"), ("sales@x.test", "ann@x.test", "deferred", "pipe"), ("annette@x.test", "annette@x.test", "sent", "pipe"),
        ("bob@x.test", "bob@x.test", "sent", "pipe"), ("Ann+list@x.test", None, "bounced", "lmtp"))]
    write(folder)
    with open(folder + "/site", "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    tap.same(run_json(folder, *site)["records"], 5)
    found = run_json(folder, *site, "--user", "ann@x.test")
    tap.same((found["records"], sum(result["count"] for result in found["results"])), (3, 3))
    tap.same([run_json(folder, *site, "--user", user)["records"] for user in ("bob@x.test", "annette@x.test", "cid@x.test")], [1, 1, 0])
    tap.contains(run(folder, *site, "--user", "bob@x.test", "--prometheus"), 'todoke_deliveries_total{result="delivered",reason="ok",door="pipe"} 1\n')
    os.mkdir(folder + "/early", 0o700)
    with open(folder + "/early/record", "w", encoding="utf-8") as file:
        file.write(line(to="bob@x.test", door="lmtp", status="bounced") + "\n" + line(to="cid@x.test", door="lmtp", status="bounced") + "\n")
    write(folder, line(to="bob@x.test"), user="bob")
    tap.same([run_json(folder, *more, "--user", "bob@x.test")["records"] for more in (site, ())], [2, 2])


def test_since_and_user(folder):
    write_known(folder)
    tap.same(run_json(folder, "--since", "@%d" % NOON)["records"], 4)
    tap.same(run_json(folder, "--since", "@%d" % (NOON + 1))["records"], 3)
    tap.same(run_json(folder, "--user", "bob@x.test")["records"], 3)
    tap.same(run_json(folder, "--user", "bob@x.test", "--since", "@%d" % (NOON - 8))["folders"][0]["folder"], "INBOX")


def test_columns_and_no_bars(folder):
    write_known(folder)
    text = run(folder)
    tap.same("#" in text, False, "a bar without a terminal")
    for want in ("7 decisions", "\n         4  delivered\n", "\n         2  deferred\n         2    disk-full\n", "\n         1  refused\n         1    rule-refused\n",
                 "\n         2  Work\n", "\n         0  %s/main.sieve:7\n" % folder, "         1  longer than 60.0 s\n"):
        tap.contains(text, want)
    short = run(folder, "--top", "1")
    tap.contains(short, "\n         2  Work\n         2  (all others)\n")


def test_bars_on_a_terminal(folder):
    write_known(folder)
    main, side = os.openpty()
    env = dict(os.environ, LC_ALL="C.UTF-8", TODOKE_CONF="")
    with subprocess.Popen([tap.TODOKE, "stats", *settings(folder)], stdout=side, env=env) as process:
        os.close(side)
        text = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:  # all has been read, and nobody writes any more
                break
            if not piece:
                break
            text += piece
    os.close(main)
    tap.same(process.returncode, 0)
    # 4 of 7 decisions: 17 of 30 signs
    tap.contains(text.decode(), "         4  %-30s  delivered" % ("#" * 17))
    tap.contains(text.decode(), "         2  %-30s  Work" % ("#" * 30))


def test_japanese(folder):
    write_known(folder)
    text = run(folder, "--language", "ja")
    for want in ("判定 7 件", "2  保留しました", "1  拒否しました", "60.0 秒超"):
        tap.contains(text, want)


def test_nothing_there(folder):
    os.makedirs(folder + "/mail")
    found = run_json(folder)
    tap.same((found["records"], found["first"], found["results"], found["rules"]), (0, None, [], []))
    tap.contains(run(folder), "0 decisions")
    check_metrics(run(folder, "--prometheus"))


HOSTILE = "a\x1b[31m\n</script><svg onload=alert(1)>\"'&\u202e\x7f\u009b"


def write_hostile(folder):
    write(folder,
          line(door=HOSTILE, status=HOSTILE, fault=HOSTILE, sender="x@" + HOSTILE, plan=[{"at": HOSTILE}], done=[stored(HOSTILE)], delay_us={"total": -1}),
          line(done=[stored("big" * 5000)], plan=[{"at": 7}, "text", None, {"at": None}], delay_us={"total": 9223372036854775807}),
          line(done=7, plan={"at": "x"}, delay_us=[1], sender=5, door=None, status=None, fault=3),
          line(done=[7, {"folder": {}}, stored("ok", -5), stored("ok", "5")], delay_us={"total": 1.5}),
          '{"schema":"todoke.record/1","time":1e999,"status":"sent"}',
          '{"schema":"todoke.record/1","time":-5}',
          '{"schema":"todoke.record/1",broken}',
          '{"schema":"other/1","time":%d}' % NOON,
          '{"schema":"todoke.record/1","time":1800000000,"status":"sent","fr', end="")


def test_hostile_values(folder):
    write_hostile(folder)
    found = run_json(folder)
    tap.same(found["records"], 5, "of which can be parsed")
    tap.same(results(found), [("delivered", "ok", "pipe", 2), ("other", "ok", "other", 1), ("other", "other", "other", 2)])
    tap.same(sorted((one["folder"], one["count"], one.get("bytes", 0)) for one in found["folders"]), [(HOSTILE, 1, 100), ("ok", 2, 0)])
    tap.same([one["at"] for one in found["rules"]], [HOSTILE])
    text = run(folder)
    for sign in "\x1b\x7f\u009b\u202e":
        tap.same(sign in text, False, "%r on a terminal" % sign)
    tap.same([row for row in text.splitlines() if row.startswith("</script")], [], "a name that makes lines")


# One line of a metric; what the format allows, and no more.
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
METRIC = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(%s(?:,%s)*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)" % (LABEL, LABEL))
KINDS = {"todoke_deliveries_total": "counter", "todoke_delivery_seconds": "histogram", "todoke_stats_until_timestamp_seconds": "gauge"}


def check_metrics(text):
    """Parse strictly: HELP, TYPE, then the samples of that metric, none twice. Returns {(name, labels): value}."""
    samples, kinds, helps = {}, {}, set()
    current = None
    tap.same(text.endswith("\n"), True, "the last line's end")
    for row in text[:-1].split("\n"):
        if row.startswith("# HELP "):
            current = row.split(" ", 3)[2]
            tap.same(current in helps, False, "HELP twice")
            helps.add(current)
        elif row.startswith("# TYPE "):
            name, kind = row.split(" ")[2:]
            tap.same(name, current, "TYPE behind its HELP")
            kinds[name] = kind
        else:
            match = METRIC.fullmatch(row)
            tap.same(match is not None, True, "syntax of %r" % row)
            name = match.group(1)
            base = re.sub("_(bucket|sum|count)$", "", name) if kinds.get(current) == "histogram" else name
            tap.same(base, current, "sample below its own TYPE")
            labels = tuple(sorted(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match.group(2) or "")))
            tap.same((name, labels) in samples, False, "%r twice" % row)
            samples[name, labels] = float(match.group(3))
    tap.same(kinds, KINDS)
    buckets = [(float(dict(labels)["le"]), value) for (name, labels), value in samples.items() if name == "todoke_delivery_seconds_bucket"]
    tap.same(buckets, sorted(buckets), "buckets that grow")
    tap.same([value for _, value in buckets], sorted(value for _, value in buckets), "counts that grow")
    tap.same(buckets[-1], (float("inf"), samples["todoke_delivery_seconds_count", ()]), "+Inf is the count")
    for name, labels in samples:
        if name == "todoke_deliveries_total":
            tap.same([key for key, _ in labels], ["door", "reason", "result"])
    return samples


def deliveries(samples):
    return {(dict(labels)["result"], dict(labels)["reason"], dict(labels)["door"]): value
            for (name, labels), value in samples.items() if name == "todoke_deliveries_total" and value > 0}


KNOWN = {("deferred", "disk-full", "local"): 1, ("deferred", "disk-full", "pipe"): 1, ("delivered", "ok", "lmtp"): 1,
         ("delivered", "ok", "pipe"): 3, ("refused", "rule-refused", "pipe"): 1}


def test_metrics(folder):
    write_known(folder)
    samples = check_metrics(run(folder, "--prometheus"))
    tap.same(deliveries(samples), KNOWN)
    # what may come by a door that is in use begins at 0, or Prometheus would miss its first time
    for door, want in (("pipe", 0), ("local", 0), ("other", None)):
        tap.same(samples.get(("todoke_deliveries_total", (("door", door), ("reason", "read-only"), ("result", "deferred")))), want, door)
    tap.same(("todoke_deliveries_total", (("door", "pipe"), ("reason", "read-only"), ("result", "refused"))) in samples, False)
    tap.same(samples["todoke_delivery_seconds_bucket", (("le", "0.001"),)], 2)
    tap.same(samples["todoke_delivery_seconds_bucket", (("le", "5.0"),)], 4)
    tap.same((samples["todoke_delivery_seconds_count", ()], samples["todoke_delivery_seconds_sum", ()]), (5, 102.002801))


def test_metrics_of_hostile_values(folder):
    write_hostile(folder)
    tap.same(deliveries(check_metrics(run(folder, "--prometheus"))),
             {("delivered", "ok", "pipe"): 2, ("other", "ok", "other"): 1, ("other", "other", "other"): 2})


SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """Which elements and attributes a browser's kind of parser sees."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def write_page(folder, *args):
    """Write the page; parse it as XML and as HTML. Returns the tree, and rows of plots: (name, count and what is behind it)."""
    path = folder + "/page.html"
    tap.same(run(folder, "--html", path, *args), "")
    tap.same(os.stat(path).st_mode & 0o777, 0o600)
    text = read(path)
    root = xml.etree.ElementTree.fromstring(text)
    page = Page()
    page.feed(text)
    for tag, attrs in page.seen:
        tap.same(tag in ("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "svg", "g", "text", "rect"), True, "an element %s" % tag)
        tap.same([key for key in attrs if key.startswith("on") or key in ("src", "href", "xlink:href", "style")], [], "attributes of %s" % tag)
    tap.same(len(re.findall("https?:", text)), len(re.findall('xmlns="http://www.w3.org/', text)), "an address that is no namespace")
    tap.same("url(" in text or "@import" in text, False, "a style that loads something")
    rows = {group.find(SVG + "title").text: group.findall(SVG + "text")[1].text for group in root.iter(SVG + "g")}
    return root, rows


def test_page(folder):
    write_known(folder)
    root, rows = write_page(folder)
    for name, want in (("delivered", "4"), ("deferred", "2"), ("refused", "1"), ("disk-full", "2"), ("Work", "2"), ("b.test", "5"), ("<>", "1"),
                       ("up to 0.001 s", "2"), (folder + "/main.sieve:7", "0")):
        tap.same(rows.get(name), want, name)
    tap.contains(rows[folder + "/main.sieve:3"], "3 (last 20")
    # a bar of 4 of 7: of 380 pixels
    widths = {group.find(SVG + "title").text: group.find(SVG + "rect").get("width") for group in root.iter(SVG + "g")}
    tap.same((widths["delivered"], widths["Work"], widths["Other"]), ("217", "380", "190"))
    tap.contains(write_page(folder, "--language", "ja")[1], "配達しました")


def test_page_of_hostile_values(folder):
    write_hostile(folder)
    _, rows = write_page(folder)
    shown = "a?[31m?</script><svg onload=alert(1)>\"'&???"
    tap.same(rows.get(shown, "").split(" ")[0], "1", "the name as text, in %r" % sorted(rows))


def test_page_of_nothing(folder):
    os.makedirs(folder + "/mail")
    _, rows = write_page(folder)
    tap.same(rows, {"delivered": "0", "deferred": "0", "refused": "0"})
    tap.contains(fail_run(folder, "--html", folder + "/none/x", code=1), "cannot write")


def pixels(path):
    """How often each colour is in a PNG file: {(red, green, blue): pixels}."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed, head = 8, b"", b""
    while at < len(data):
        size, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        if kind == b"IHDR":
            head = data[at + 8:at + 8 + size]
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    width, height, depth, colours = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big"), head[8], head[9]
    tap.same((depth, colours in (2, 6)), (8, True), "kind of PNG")
    step = 3 if colours == 2 else 4
    raw, before, found = zlib.decompress(packed), bytes(width * step), {}
    for y in range(height):
        start = y * (width * step + 1)
        line_filter, row = raw[start], bytearray(raw[start + 1:start + 1 + width * step])
        for i, value in enumerate(row):
            left, up, corner = row[i - step] if i >= step else 0, before[i], before[i - step] if i >= step else 0
            estimate = left + up - corner
            paeth = min((left, up, corner), key=lambda one: abs(estimate - one))
            row[i] = (value + (0, left, up, (left + up) // 2, paeth)[line_filter]) & 0xff
        for i in range(0, len(row), step):
            colour = tuple(row[i:i + 3])
            found[colour] = found.get(colour, 0) + 1
        before = row
    return found


def test_output_that_cannot_be_written(folder):
    write_known(folder)
    for form in ((), ("--json",), ("--prometheus",)):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([tap.TODOKE, "stats", *settings(folder), *form], stdout=full, stderr=subprocess.PIPE,
                                    env=dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8"), timeout=tap.PATIENCE, check=False)
        tap.same((result.returncode, result.stderr), (1, b"todoke stats: cannot write all of the output\n"), form)


def test_what_is_no_file_is_not_replaced(folder):
    """Else root's --html /dev/null takes that from everybody."""
    write_known(folder)
    os.mkfifo(folder + "/fifo")
    for args in (("--html",), ("--prometheus", "--output")):
        result = tap.todoke("stats", *settings(folder), *args, folder + "/fifo")
        tap.same((result.returncode, result.stderr.decode()), (1, "todoke stats: '%s/fifo' is not a regular file, and is left alone\n" % folder))
        tap.same(stat.S_ISFIFO(os.lstat(folder + "/fifo").st_mode), True, "it is there still")


def test_the_collector_can_read_the_file(folder):
    write_known(folder)
    path = folder + "/todoke.prom"
    run(folder, "--prometheus", "--output", path, preexec_fn=lambda: os.umask(0o077))
    tap.same(os.stat(path).st_mode & 0o777, 0o644)


def test_a_record_that_cannot_be_read(folder):
    """It is told, and the others are counted."""
    write_known(folder)
    path = folder + "/mail/bob/todoke-state/record"
    os.rename(path, folder + "/aside")
    os.symlink(folder + "/aside", path)
    result = tap.todoke("stats", *settings(folder), "--json")
    tap.same((result.returncode, json.loads(result.stdout)["records"]), (1, 4))
    tap.contains(result.stderr.decode(), "todoke stats: cannot open '%s'" % path)


def test_page_in_a_browser(folder):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell"))), None)
    if browser is None:
        raise tap.Skip("no chromium")
    for name, fill in (("known", write_known), ("hostile", write_hostile)):
        part = "%s/%s" % (folder, name)
        os.makedirs(part)
        fill(part)
        write_page(part)
        shot = part + "/shot.png"
        result = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=%s/profile" % part, "--dump-dom",
                                 "--window-size=900,1200", "--screenshot=" + shot, "file://%s/page.html" % part],
                                capture_output=True, env=dict(os.environ, HOME=part), timeout=tap.PATIENCE, check=False)
        tap.same(result.returncode, 0, "exit code (%r)" % result.stderr)
        tap.contains(result.stdout.decode(), "<rect")
        tap.same(pixels(shot).get((0x2f, 0x7d, 0x4f), 0) > 1000, True, "green bars in the picture")
        tap.same("<script" in result.stdout.decode(), False, "a script in the page")


def shifted(time_ago, **more):
    return line(round(time.time() - time_ago, 3), delay_us={"total": 2000}, **more)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_counters_in_a_file_only_grow(folder):
    path = folder + "/todoke.prom"
    write(folder, shifted(500), shifted(400, status="bounced", fault="loop"), shifted(0))
    tap.same(run(folder, "--prometheus", "--output", path), "")
    one = {("delivered", "ok", "pipe"): 1, ("refused", "loop", "pipe"): 1}
    tap.same(deliveries(check_metrics(read(path))), one, "what is not a minute old yet waits")
    run(folder, "--prometheus", "--output", path)
    tap.same(deliveries(check_metrics(read(path))), one, "nothing counts twice")
    # as if time had passed, and the record had begun anew
    text = re.sub(r"(?m)^(todoke_stats_until_timestamp_seconds) [0-9]+$", r"\1 %d" % (time.time() - 300), read(path))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    write(folder, shifted(350), shifted(200), shifted(100))
    run(folder, "--prometheus", "--output", path)
    samples = check_metrics(read(path))
    tap.same(deliveries(samples), {("delivered", "ok", "pipe"): 3, ("refused", "loop", "pipe"): 1})
    tap.same((samples["todoke_delivery_seconds_count", ()], samples["todoke_delivery_seconds_sum", ()]), (4, 0.008))
    tap.same(samples["todoke_delivery_seconds_bucket", (("le", "0.0025"),)], 4)
    tap.same(sorted(name for name in os.listdir(folder) if "prom" in name), ["todoke.prom"], "leftovers")


def metrics_of(expression):
    """Names of ours in an expression, with their labels: [(name, {label: values})]."""
    found = []
    for name, labels in re.findall(r"\b(todoke_[a-z_]+)(?:\{([^}]*)\})?", expression):
        found.append((name, {key: value.split("|") for key, value in re.findall(r'([a-z]+)=~?"([^"]*)"', labels)}))
    return found


def check_expression(samples, expression):
    """Only what is printed may be named: metrics, labels, and values of the labels that we set."""
    names = {name for name, _ in samples}
    with open(os.path.join(tap.TOP, "agent/base/status-table.def"), encoding="utf-8") as table:
        reasons = set(re.findall(r'^STATUS\([A-Z0-9_]+, *"([a-z0-9-]+)"', table.read(), re.M))
    known = {"result": {"delivered", "deferred", "refused", "other"}, "door": {"pipe", "local", "lmtp", "other"}, "reason": reasons | {"other"}}
    found = metrics_of(expression)
    tap.same(len(found) > 0, True, "metrics in %r" % expression)
    tap.same((expression.count("("), expression.count("{")), (expression.count(")"), expression.count("}")), "brackets of %r" % expression)
    for name, labels in found:
        tap.same(name in names, True, "%s is printed" % name)
        for key, values in labels.items():
            if key != "instance":
                tap.same(set(values) - known[key], set(), "values of %s" % key)
    for labels in re.findall(r"by \(([a-z, ]*)\)", expression):
        tap.same(set(labels.split(", ")) - set(known) - {"instance", "le"}, set(), "labels of %r" % expression)
    return {name for name, _ in found}


def test_dashboard_names_what_is_printed(folder):
    write_known(folder)
    samples = check_metrics(run(folder, "--prometheus"))
    dashboard = json.loads(read(os.path.join(tap.TOP, "contrib/grafana/todoke-dashboard.json")))
    used, ids, taken = set(), set(), set()
    for panel in dashboard["panels"]:
        ids.add(panel["id"])
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        tap.same((cells & taken, max(x for x, _ in cells) < 24), (set(), True), "the place of %s" % panel["title"])
        taken |= cells
        for target in panel["targets"]:
            used |= check_expression(samples, target["expr"])
            legend = re.findall(r"\{\{([a-z]+)\}\}", target["legendFormat"])
            tap.same([label for label in legend if label not in target["expr"]], [], "labels of the legend of %s" % panel["title"])
    tap.same(len(ids), len(dashboard["panels"]), "panels' ids")
    tap.same(used, {name for name, _ in samples}, "all that is printed is shown")
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    tap.same(variables, {"datasource", "instance"})


def test_alerts_name_what_is_printed(folder):
    try:
        import yaml
    except ImportError as missing:
        raise tap.Skip("no python3-yaml") from missing
    write_known(folder)
    samples = check_metrics(run(folder, "--prometheus"))
    rules = yaml.safe_load(read(os.path.join(tap.TOP, "contrib/grafana/todoke-alerts.yaml")))
    tap.same(list(rules), ["groups"])
    for group in rules["groups"]:
        tap.same(sorted(group), ["name", "rules"])
        tap.same(len({rule["alert"] for rule in group["rules"]}), len(group["rules"]), "names of alerts")
        for rule in group["rules"]:
            tap.same(set(rule) - {"for"}, {"alert", "expr", "labels", "annotations"}, rule["alert"])
            if group["name"] == "todoke":  # tests/lmtp/test-metrics.py knows what lmtpd serves
                check_expression(samples, rule["expr"])
            words = " ".join(rule["annotations"].values())
            for label in re.findall(r"\$labels\.([a-z]+)", words):
                tap.same(label == "instance" or label in rule["expr"], True, "%s: label %s" % (rule["alert"], label))
    promtool = shutil.which("promtool")
    if promtool is not None:
        result = subprocess.run([promtool, "check", "rules", os.path.join(tap.TOP, "contrib/grafana/todoke-alerts.yaml")], capture_output=True, check=False)
        tap.same(result.returncode, 0, "promtool (%r)" % result.stdout)


def test_nobody_of_that_name(folder):
    """A virtual user needs no entry anywhere: who has neither a record nor a mailbox is taken for a slip of the pen, and nothing is printed."""
    write_known(folder)
    place = "maildir=%s/mail/%%d/%%n" % folder
    os.makedirs(folder + "/mail/d.test/ann/cur")
    for form in ((), ("--json",), ("--prometheus",)):
        result = tap.todoke("stats", "-o", place, "-o", "log_file=%s/log" % folder, "--user", "nosuch@d.test", *form)
        tap.same((result.returncode, result.stdout), (1, b""), repr(form))
        tap.contains(result.stderr, b"'nosuch@d.test' has neither a record nor a mailbox")
    result = tap.todoke("stats", "-o", place, "-o", "log_file=%s/log" % folder, "--user", "ann@d.test")
    tap.same(result.returncode, 0, "a mailbox without a record")
    tap.contains(result.stdout, b"0 decisions")


def test_a_file_of_somebody_else_stays(folder):
    write_known(folder)
    path = folder + "/other"
    for text in ("important\n", "", "# HELP todoke_deliveries_total Decisions about messages for a recipient.\nwrong\n",
                 "# HELP todoke_deliveries_total Decisions about messages for a recipient.\n"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        tap.contains(fail_run(folder, "--prometheus", "--output", path, code=1), "was not written by todoke stats")
        tap.same(read(path), text)
    tap.contains(fail_run(folder, "--prometheus", "--output", folder + "/none/x", code=1), "cannot write")
    # a link is replaced, not followed
    os.symlink(folder + "/nowhere", folder + "/link")
    run(folder, "--prometheus", "--output", folder + "/link")
    tap.same((os.path.islink(folder + "/link"), os.path.exists(folder + "/nowhere")), (False, False))


def test_wrong_usage(folder):
    os.makedirs(folder + "/mail")
    for args, want in ((("word",), "no words are wanted"), (("--output", "x"), "goes with --prometheus"),
                       (("--prometheus", "--json"), "choose one of"), (("--html", "x", "--json"), "choose one of"), (("--since", "soon"), "is no time"),
                       (("--prometheus", "--output", "x", "--since", "1d"), "no --since"), (("--top", "0"), "--top")):
        tap.contains(fail_run(folder, *args), want)
    tap.same(os.path.exists("x"), False)


def test_rules_of_recipes(folder):
    write(folder, line(plan=[{"at": folder + "/rc:1"}]))
    with open(folder + "/rc", "w", encoding="utf-8") as file:
        file.write(":0 c\n* ^From:.*a\ncopies/\n\n:0\n* ^Subject:.*b\n{\n  :0\n  ! x@y.test\n}\n\n:0 fw\n| cat\n")
    found = run_json(folder, "-o", "recipes=all", "-o", "recipe_files=%s/rc" % folder, "-o", "sieve_scripts=%s/none" % folder)
    tap.same(found["unused_rules"], [folder + "/rc:8"])


def test_a_real_delivery_names_its_rule_alike(folder):
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(SCRIPT.replace('redirect "x@y.test";', "discard;"))
    result = tap.todoke("deliver", *settings(folder), "-f", "a@b.test", "-d", "ann@x.test", stdin=b"Subject: a\n\nbody\n")
    tap.same(result.returncode, 0, "exit code (%r)" % result.stdout)
    found = run_json(folder)
    tap.same([(one["at"], one["count"]) for one in found["rules"]], [(folder + "/main.sieve:3", 1), (folder + "/main.sieve:7", 1)])
    tap.same(found["unused_rules"], [folder + "/main.sieve:5"])
    tap.same([(one["folder"], one["count"]) for one in found["folders"]], [("Work", 1)])
    tap.same(found["delay_seconds"]["count"], 1)


def test_a_script_that_is_wrong_has_no_rules(folder):
    write(folder, line())
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write('discard; if {{{ "')
    tap.same(run_json(folder)["unused_rules"], [])


def test_many_names(folder):
    """LIMIT_STATS_NAMES: those beyond it are counted together."""
    most = tap.limit("STATS_NAMES")
    write(folder, *[line(sender="a@d%d.test" % i) for i in range(most + 7)], line(sender="a@d0.test"))
    found = run_json(folder)
    tap.same((len(found["domains"]), found["left_out"]["domains"], found["domains"][0]["domain"]), (most, 7, "d0.test"))
    tap.contains(run(folder), "%10d  (all others)\n" % (most + 8 - 2 - 9))


def test_a_big_record(folder):
    """100,000 lines: bounded time and memory."""
    one = line(NOON, plan=[{"action": "fileinto", "at": "/home/ann/main.sieve:3"}], done=[stored("Work")], delay_us={"total": 800},
               message_id="<%s>" % ("x" * 200))
    write(folder, *[one.replace("a@b.test", "a@s%d.test" % (i % 20000)) for i in range(100000)])
    # 50 MB of text; all of it as objects would be several hundred
    bound = "" if tap.SANITIZED else "ulimit -v %d; " % (192 * 1024)
    before = os.times()
    result = subprocess.run(["/bin/sh", "-c", bound + 'exec "$0" "$@"', tap.TODOKE, "stats", *settings(folder), "--json"], capture_output=True,
                            env=dict(os.environ, TODOKE_CONF=""), timeout=tap.PATIENCE, check=False)
    after = os.times()
    tap.same(result.returncode, 0, "exit code (%r)" % result.stderr)
    found = json.loads(result.stdout)
    tap.same((found["records"], found["rules"][0]["count"], found["left_out"]["domains"]), (100000, 100000, 50000))
    used = after.children_user + after.children_system - before.children_user - before.children_system
    print("# %.1f s of the processor" % used)
    tap.same(used < (200 if tap.SANITIZED else 30), True, "seconds of the processor: %.1f" % used)


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
