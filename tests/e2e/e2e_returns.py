# SPDX-License-Identifier: MIT
"""Mail that comes back to a real Postfix: whoever has it is not failed again, and real loops stop."""
import re
import textwrap

from e2e_cases import SENDER, agent_log, check_bounce, message, queue_id_to, settle_waiting
from e2e_sieve import folder_of, outside, send, write_script
from e2e_world import PASSWORD, USERS, read_folder, run, wait_for
from mark_waits import age_waits

POLLS = 10

# What filters do that want to see mail before it is delivered: it comes back with a field that says so.
FILTER = """\
    #!/usr/bin/python3
    import smtplib, sys
    mail = sys.stdin.buffer.read()
    with smtplib.SMTP("127.0.0.1", {port}, "filter.test") as smtp:
        smtp.sendmail("{sender}", sys.argv[1], b"X-Filtered: yes\\n" + mail)
    """


def add_services(world, postfix):
    """Programs that a rule may run; they stand beside those of e2e_sieve."""
    program = world.path("programs", "inject")
    program.write_text(textwrap.dedent(FILTER).format(port=postfix.smtp_port, sender=SENDER))
    program.chmod(0o755)


class Poller:
    """fetchmail that fetches everything anew at each poll; with `keep` it leaves everything at the server."""

    def __init__(self, world, name, maildir, recipient, options="", keep="keep"):
        world.dovecot.add_mailbox(name, maildir)
        self.world, self.home = world, world.path("fetch", name)
        self.home.mkdir(parents=True)
        self.rc = self.home / "fetchmailrc"
        self.rc.write_text(f'poll 127.0.0.1 protocol pop3 port {world.dovecot.pop3_port}\n'
                           f' user "{name}" password "{PASSWORD}" smtphost "127.0.0.1/{world.postfix.smtp_port}"\n'
                           f' smtpname "{recipient}" sslproto "" {keep} fetchall {options}\n')
        self.rc.chmod(0o600)
        for path in (self.home, self.rc):
            world.give(path)

    def fetch(self, **options):
        return run("fetchmail", "--nosyslog", "--nodetach", "-f", self.rc, "--pidfile", self.home / "pid", "-i", self.home / "ids",
                   user=self.world.user.pw_uid, group=self.world.user.pw_gid, extra_groups=[], cwd=self.home,
                   env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "USER": USERS[0], "LOGNAME": USERS[0]}, **options)

    def poll(self):
        self.fetch()
        self.world.postfix.settle()


def lines_of(world, address, loop):
    return [line for line in world.log.read_text().splitlines() if f"to={address}," in line and f"loop={loop}," in line]


def poll_and_wait(world, poller, state, address):
    """One poll of a mailbox of this host with `keep`: the mail waits, and two hours later it is taken. How many were taken."""
    taken = len(lines_of(world, address, "kept"))
    poller.fetch()
    settle_waiting(world, state)
    return len(lines_of(world, address, "kept")) - taken


def all_of(maildir):
    return read_folder(maildir / "new") + read_folder(maildir / "cur")


def bounces(world):
    return len(world.postfix.log_lines("sender non-delivery notification"))


def case_keep_on_a_mailbox_of_this_host(world):
    """fetchmail with keep on a mailbox of this very host, ten polls: each waits for two hours; one copy, no bounce, no setting"""
    address = "keeper@pipe.test"
    world.postfix.outcome(world.postfix.send(message("kept", to=address), address), "sent")
    before = bounces(world)
    poller = Poller(world, "keeper", world.maildir(address), address)
    for number in range(1, POLLS + 1):
        assert poll_and_wait(world, poller, world.maildir(address) / "todoke-state", address) == 1, number
    copies = all_of(world.maildir(address))
    assert len(copies) == 1 and bounces(world) == before, (len(copies), bounces(world) - before)
    assert len(lines_of(world, address, "taken-out")) >= POLLS
    assert not (world.maildir(address) / ".Loops").exists()
    assert not (world.maildir(address) / "todoke-state" / "state.db").exists(), "a data base was opened"


def case_keep_by_the_local_door(world):
    """the same by local(8), as the recipient, who has no key but their own"""
    address, home = f"{USERS[0]}@local.test", world.path("home", USERS[0])
    sent = message("kept by local", to=address)
    world.postfix.outcome(world.postfix.send(sent, address), "sent")
    key = home / ".local/state/todoke/mark.keys"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_uid == world.user.pw_uid
    before, stored = bounces(world), len(all_of(home / "Maildir"))
    # Postfix itself bounces what has Delivered-To (see setup): fetchmail takes it off.
    poller = Poller(world, "keeper-local", home / "Maildir", address, "dropdelivered")
    for _ in range(2):
        poll_and_wait(world, poller, home / ".local/state/todoke", address)
    assert (len(all_of(home / "Maildir")), bounces(world)) == (stored, before)


def case_emptying_the_mailbox_that_it_fills(world):
    """fetchmail without keep empties the very mailbox that it fills, by SMTP: no mail is lost, none bounces, and it comes to an end"""
    address, subjects = "emptied@pipe.test", [f"emptied {number}" for number in range(3)]
    for subject in subjects:
        world.postfix.outcome(world.postfix.send(message(subject, to=address), address), "sent")
    before, maildir = bounces(world), world.maildir(address)
    poller = Poller(world, "emptied", maildir, address, keep="no keep")
    for number, place in enumerate((maildir, maildir / ".Loops"), 1):
        poller.poll()
        found = [raw for raw in all_of(place) if any(f"Subject: {subject}\n".encode() in raw for subject in subjects)]
        assert len(found) == 3, (number, len(found))
        assert bounces(world) == before
    assert all_of(maildir) == [], "the loop folder is not fetched, so it ends"
    first = lines_of(world, address, "taken-out")[0]
    assert "code=T135" in first and "status=deferred" in first and "INBOX" in first, first


def case_emptying_by_mda(world):
    """the same with todoke as fetchmail's mda: the mail stays where it is, and fetchmail tells why"""
    address = "mda@pipe.test"
    world.postfix.outcome(world.postfix.send(message("by mda", to=address), address), "sent")
    maildir = world.maildir(address)
    mda = f"{world.todoke} deliver -c {world.conf} -f %F -d {address}"
    poller = Poller(world, "mda", maildir, address, f'mda "{mda}"', keep="no keep")
    for number in (1, 2):
        result = poller.fetch(check=False)
        said = (result.stdout + result.stderr).decode()
        assert len(all_of(maildir)) == 1, (number, said)
        assert "4.4.6" in said and "fetched from the mailbox that it goes to" in said, said
    assert len(lines_of(world, address, "taken-out")) == 2
    # A day later it is delivered, so that no fetching program goes on for ever.
    for place in (maildir, maildir / ".Loops"):
        age_waits(maildir / "todoke-state", 86400)
        poller.fetch()
        assert len(all_of(place)) == 1, place
        poller.fetch(check=False)
    assert all_of(maildir) == []


def case_deleted_mail_is_fetched_again(world):
    """what was deleted here and is fetched again arrives"""
    address = "restored@pipe.test"
    world.postfix.outcome(world.postfix.send(message("restored", to=address), address), "sent")
    path, = (world.maildir(address) / "new").iterdir()
    world.dovecot.put("backup", path.read_bytes())
    path.unlink()
    world.fetchmail.fetch("backup", address)
    world.postfix.settle()
    assert len(all_of(world.maildir(address))) == 1
    assert "loop=returned" in agent_log(world, queue_id_to(world, address))


def case_redirected_copy_is_fetched_back(world):
    """redirect :copy to an outside mailbox that is fetched back: taken, one copy, no bounce"""
    before = bounces(world)
    send(world, "copier", 'require "copy"; redirect :copy "provider@outside.test";', "copied out")
    there, = [raw for raw in world.postfix.inbox("all") if b"Subject: copied out\n" in raw]
    world.dovecot.put("copier", there)
    world.fetchmail.fetch("copier", "copier@sieve.test")
    world.postfix.settle()
    assert (len(folder_of(world, "copier")), bounces(world)) == (1, before)
    assert "loop=kept" in agent_log(world, queue_id_to(world, "copier@sieve.test"))


def case_redirected_copy_is_forwarded_back(world):
    """redirect :copy to a local user whose .forward sends it back: taken, one copy, no bounce"""
    before = bounces(world)
    forward = world.write_forward(USERS[1], "forwarded@sieve.test")
    try:
        send(world, "forwarded", f'require "copy"; redirect :copy "{USERS[1]}@local.test";', "there and back")
    finally:
        forward.unlink()
    assert (len(folder_of(world, "forwarded")), bounces(world)) == (1, before)
    # The copy may be back before Postfix has logged the delivery that sent it.
    lines = world.postfix.log_lines(r": (\w+): to=<forwarded@sieve.test>.* status=")
    ids = {re.search(r": (\w+): to=<", line).group(1) for line in lines}
    assert ["loop=kept" in agent_log(world, queue_id) for queue_id in ids].count(True) == 1
    assert len(world.postfix.log_lines(r"to=<forwarded@sieve.test>.* status=sent")) == 2


def case_a_to_b_to_a_where_b_keeps(world):
    """A redirects to B, B keeps a copy and redirects to A: both have it once, nobody is bounced"""
    before = bounces(world)
    write_script(world, "keepb", 'require "copy"; redirect :copy "keepa@sieve.test";')
    send(world, "keepa", 'redirect "keepb@sieve.test";', "b keeps")
    assert (len(folder_of(world, "keepa")), len(folder_of(world, "keepb")), bounces(world)) == (1, 1, before)


def case_copy_then_discard_comes_back(world):
    """redirect :copy and discard, and it is fetched back: taken, nothing stored, no bounce"""
    before = bounces(world)
    send(world, "disposer", 'require "copy"; redirect :copy "provider@outside.test"; discard;', "disposed of")
    there, = [raw for raw in world.postfix.inbox("all") if b"Subject: disposed of\n" in raw]
    world.dovecot.put("disposer", there)
    world.fetchmail.fetch("disposer", "disposer@sieve.test")
    world.postfix.settle()
    assert (folder_of(world, "disposer"), bounces(world)) == ([], before)
    assert "loop=disposed" in agent_log(world, queue_id_to(world, "disposer@sieve.test"))


def case_filter_that_injects_again(world):
    """a rule pipes mail to a filter that sends it in again: it arrives; without a condition it is a loop that stops"""
    script = 'require "vnd.dovecot.pipe"; if {0} {{ pipe "inject" "{1}@sieve.test"; }}'
    before = bounces(world)
    send(world, "filtered", script.format('not exists "X-Filtered"', "filtered"), "filter me")
    assert (len(folder_of(world, "filtered")), bounces(world)) == (1, before)
    send(world, "circling", script.format("true", "circling"), "round")
    tries = world.postfix.log_lines(r"to=<circling@sieve.test>.* status=")
    assert [re.search("status=(\\w+)", line).group(1) for line in tries].count("bounced") == 1 and len(tries) == 2, tries
    bounce = check_bounce(world, queue_id_to(world, "circling@sieve.test", "bounced"), "5.4.6", "looping")
    assert "passed it on" in " ".join(bounce.text.split()), bounce.text
    assert folder_of(world, "circling") == []


def case_loop_without_a_key(world):
    """no key can be made: mail arrives without a mark, the log says so, and a real loop ends all the same"""
    address = "keyless@pipe.test"
    maildir = world.make_maildir(address)
    (maildir / "todoke-state").write_text("a file in its place")
    world.give(maildir / "todoke-state")
    queue_id = world.postfix.send(message("keyless", to=address), address)
    world.postfix.outcome(queue_id, "sent")
    raw, = world.stored(address)
    assert b"X-Todoke-Mark" not in raw and "no mark: " in agent_log(world, queue_id)
    queue_id = world.postfix.send(raw.split(b"\n", 1)[1], address)
    check_bounce(world, queue_id, "5.4.6", "looping")
    assert outside(world, "keyless") == []


def case_first_delivery_of_many(world):
    """twenty mails at once to a new owner: one key, and every mark is known later"""
    address = "newcomer@pipe.test"
    ids = [world.postfix.send(message(f"first {number}", to=address), address) for number in range(20)]
    for queue_id in ids:
        world.postfix.outcome(queue_id, "sent")
    stored = wait_for("all mails", lambda: len(world.stored(address)) == 20 and world.stored(address))
    assert len({re.search(rb"X-Todoke-Mark: v=2; k=(\w+)", raw).group(1) for raw in stored}) == 1
    assert sorted(path.name for path in (world.maildir(address) / "todoke-state").iterdir()) == ["mark.keys", "marks", "record"]
    poller = Poller(world, "newcomer", world.maildir(address), address)
    poller.fetch()
    settle_waiting(world, world.maildir(address) / "todoke-state")
    assert age_waits(world.maildir(address) / "todoke-state", 7200) == 20, "all of them waited"
    assert len(all_of(world.maildir(address))) == 20


ALL = [value for name, value in list(globals().items()) if name.startswith("case_")]
