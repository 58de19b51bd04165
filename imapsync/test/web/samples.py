"""
Accounts as values, for those who tell of them.
"""

from __future__ import annotations

from imapsync.mailbox.course import Flow
from imapsync.model import Refusal, Side
from imapsync.run.progress import Progress
from imapsync.run.status import Counters
from imapsync.uidset import UidSet
from imapsync.watch.facts import Amount, Detail, Facts, Health, Line, MailboxFacts

NOW = 1_000_000.0

#: One that is well, one that works, and one that is in trouble.
WELL = Facts(
    name="anna",
    title="anna@a.example <-> anna@b.example",
    path="/etc/imapsync/anna",
    state="waiting",
    health=Health.OK,
    since=NOW - 50,
    synced=NOW - 60,
    mailboxes=4,
    messages=1000,
    today=Amount(3, 4000),
    counters=Counters(3, 4000, 2, 1, 0),
)
WORKING = Facts(
    name="ben",
    title="ben@a.example <-> ben@b.example",
    path="/etc/imapsync/ben",
    state="syncing",
    health=Health.WORKING,
    since=NOW - 5,
    behind=NOW - 4.5,
    mailboxes=2,
    messages=10,
    refusals=3,
    today=Amount(1, 200),
    counters=Counters(1, 200),
    progress=Progress((("Wörk", "copying"),), 1, 1, Flow(1, 200, 5), Flow()),
)
TROUBLED = Facts(
    name="carl",
    title="carl@a.example <-> carl@b.example",
    path="/etc/imapsync/carl",
    state="backing off",
    health=Health.TROUBLE,
    since=NOW - 20,
    failing=NOW - 1000,
    error="local (imaps://mail.example:993): connection refused",
    errorAt=NOW - 20,
    until=NOW + 100,
    counters=Counters(retries=7),
)

ALL = (WELL, WORKING, TROUBLED)
TOTAL = Counters(9, 9000, 2, 1, 7)

DETAIL = Detail(
    facts=WORKING,
    mailboxes=(
        MailboxFacts("INBOX", 9),
        MailboxFacts(
            "Wörk",
            1,
            NOW - 4.5,
            "remote: [NOPERM] No",
            (
                Refusal(
                    Side.LOCAL, UidSet.of([3, 4]), "Too large", "LIMIT", 900, 2, 2000
                ),
                Refusal(None, UidSet(), "the name cannot be carried over"),
            ),
        ),
    ),
    doing=(("Wörk", "copying"),),
    log=(Line(NOW - 3, "warn", "Wörk: remote: [NOPERM] No"),),
)
