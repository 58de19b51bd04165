"""
Words that are meant for somebody else: the other server, a log, a terminal, a
database, a file system.
"""

from __future__ import annotations

from functools import partial

from imapsync.test.cli.test_hostile import SAID
from imapsync.test.hostile.answers import BODY, _dated
from imapsync.test.hostile.behaviour import Behaviour as B
from imapsync.test.hostile.behaviour import Kept
from imapsync.test.hostile.lies import OPEN
from imapsync.test.hostile.server import HostileAccount
from imapsync.testing.accounts import mail

COMMAND = "a command of its own at the other server"
TERMINAL = "what a terminal or log shows, or that a line in it is forged"
FORGED = b"\r\n* VANISHED 1:*\r\n* BYE forged\r\n0001 OK done\r\n"
#: It would be commands, were it not in a literal.
COMMANDS = "x\r\n0099 SELECT INBOX\r\n0100 EXPUNGE\r\n"
SQL = "x'); DELETE FROM pair; DROP TABLE mailbox; --"


def _named(account: HostileAccount, raw: bytes) -> None:
    """
    To list a mailbox by a name that is spelled so.
    """
    told = b'* LIST (\\Subscribed) "/" %s\r\n* STATUS %s ' % (raw, raw)
    status = b"(MESSAGES 1 UIDNEXT 2 UIDVALIDITY 9 HIGHESTMODSEQ 2)\r\n"
    account.front("LIST", told + status)


def _literal(name: str) -> bytes:
    octets = name.encode("latin-1")
    return b"{%d}\r\n%s" % (len(octets), octets)


def _made(account: HostileAccount, name: str) -> None:
    """
    To have a mailbox of that name.
    """
    account.make(name).add(mail("evil"))


def _flagged(account: HostileAccount, raw: bytes) -> None:
    """
    To tell these flags of all messages.
    """
    account.sub(
        f"{OPEN} FETCH", rb"FLAGS \(", b"FLAGS (" + raw.replace(b"\\", rb"\\") + b" "
    )


def _mailed(account: HostileAccount, body: bytes) -> None:
    account.inbox.add(body)


def _said(account: HostileAccount, *verbs: str, code: str = "") -> None:
    """
    To refuse with these words.
    """
    for verb in verbs:
        account.answers[verb] = f"NO {code}{SAID}"


def _identity(account: HostileAccount, identity: str) -> None:
    for number, folder in enumerate(account.folders.values()):
        folder.identity = identity + str(number)


NAMES = (
    ("a command in a name", COMMANDS, "lists a mailbox whose name holds commands"),
    ("NUL in a name", "a\0b", "lists a mailbox with NUL in its name"),
    ("raw octets in a name", "\xff\xfe", "lists a mailbox by a name that is no text"),
    ("a long name", "x" * 100_000, "lists a mailbox with a name of 100 000 letters"),
    ("an empty name", "", "lists a mailbox without a name"),
)
SPELLED = (
    (
        "an escaped command",
        b'"&AA0ACg-0099 EXPUNGE&AA0ACg-"',
        "escapes commands in a name",
    ),
    ("an open escape", b'"&AAA"', "begins an escape in a name and does not end it"),
    ("a quote in a name", rb'"a\" \"INBOX"', "lists a name that holds quotes"),
    ("a literal in a name", b'"x {5+}"', "lists a name that looks like a literal"),
    ("wildcards in a name", b'"*%"', "lists a name that is a wildcard"),
    (
        "parentheses in a name",
        b'"INBOX) (DELETE"',
        "lists a name that looks like a list",
    ),
)
PATHS = (
    ("a path as a name", "../../../etc/passwd", "lists a name that is a path"),
    ("a program as a name", "$(rm -rf ~); `id` | sh", "lists a name for a shell"),
    ("a query as a name", SQL, "lists a name for a database"),
    (
        "a name from right to left",
        "Evil\u202eltr\u2066",
        "lists a name written backwards",
    ),
    ("a terminal's name", "Evil\x1b[2J\x07", "lists a name that clears a terminal"),
    (
        "a format as a name",
        "{log_source} %s {0.__class__}",
        "lists a name that is a format",
    ),
    ("INBOX by another name", "\u0399NBOX", "lists a name that looks like INBOX"),
    ("INBOX below INBOX", "INBOX/INBOX/INBOX", "lists INBOX within INBOX"),
    (
        "a name of our own",
        "imapsync-temporary-1",
        "lists a name that we give ourselves",
    ),
)

INJECTIONS = (
    *(
        B(
            name,
            does,
            COMMAND,
            "It is named and left out, or carried over as the text that it is.",
            partial(_named, raw=_literal(text)),
            codes=(0, 1),
        )
        for name, text, does in NAMES
    ),
    *(
        B(
            name,
            does,
            COMMAND,
            "It is named and left out, or carried over as the text that it is.",
            partial(_named, raw=raw),
            codes=(0, 1),
        )
        for name, raw, does in SPELLED
    ),
    *(
        B(
            name,
            does,
            "a file, a program, a database, or a mailbox of another name",
            "It is a name, and no more: shown escaped, sent quoted.",
            partial(_made, name=text),
            codes=(0, 1),
        )
        for name, text, does in PATHS
    ),
    B(
        "a command as a keyword",
        "tells a keyword that holds CR, LF and commands",
        COMMAND,
        "A literal breaks the protocol where flags are.",
        partial(_flagged, raw=_literal(COMMANDS)),
        kept=Kept.MESSAGES,
        codes=(76,),
    ),
    B(
        "a quote as a keyword",
        "tells keywords that hold quotes, parentheses and literals",
        COMMAND,
        "What cannot be a flag is none.",
        partial(_flagged, raw=b'a"b "quoted" x{3} {5+} * % ]'),
        kept=Kept.MESSAGES,
        codes=(1,),
    ),
    B(
        "unknown system flags",
        r"tells system flags that there are none of, and \Recent",
        "a command that is refused again and again",
        "What the other server refuses is named.",
        partial(_flagged, raw=rb"\Evil \Recent \*"),
        kept=Kept.MESSAGES,
        codes=(1,),
    ),
    B(
        "a keyword without end",
        "tells a keyword of 100 000 letters",
        "memory, or a command that is refused again and again",
        "What the other server takes is carried over.",
        partial(_flagged, raw=b"k" * 100_000),
        kept=Kept.MESSAGES,
    ),
    B(
        "hundreds of keywords",
        "tells 300 keywords of each message",
        "memory, or a mailbox of which no more can be made",
        "What the other server takes is carried over.",
        partial(_flagged, raw=b" ".join(b"k%d" % n for n in range(300))),
        kept=Kept.MESSAGES,
    ),
    B(
        "a query as a keyword",
        "tells a keyword that is meant for a database",
        "another database",
        "It is a word, and no more.",
        partial(_flagged, raw=b"x');DELETE/**/FROM/**/pair;--"),
        kept=Kept.MESSAGES,
    ),
    B(
        "a command as a date",
        "tells a date that holds commands",
        COMMAND,
        "What is no date is left out.",
        partial(_dated, raw=_literal('01-Feb-2020 03:04:05 +0000" {3}\r\n0099 NOOP')),
        codes=(0, 1),
    ),
    B(
        "a quote as a date",
        "tells a date that ends a string",
        COMMAND,
        "What is no date is left out.",
        partial(_dated, raw=rb'"01-Feb-2020 03:04:05 +0000\" (\\Deleted) {3}"'),
        codes=(0, 1),
    ),
    B(
        "answers in a message",
        "sends a message in which answers stand",
        "that they are believed",
        "A literal is never looked into.",
        partial(_mailed, body=b"Subject: x" + FORGED * 3),
    ),
    B(
        "answers in a string",
        "sends a message as a string in which answers stand",
        "that they are believed",
        "A string that holds CR and LF breaks the protocol.",
        lambda a: a.sub(
            "FETCH",
            BODY,
            b'BODY[] "x' + FORGED.replace(b"\\", rb"\\") + b'")\r\n',
        ),
        codes=(76,),
    ),
    B(
        "answers in a text",
        "writes answers into the text of its answers",
        "that they are believed",
        "Text is never looked into.",
        lambda a: a.sub("FETCH", rb"OK done", b"OK * VANISHED 1:9 {9} 0001 OK ("),
    ),
    B(
        "commands in a message",
        "sends a message in which commands stand, and a literal's end",
        COMMAND,
        "A literal has as many octets as it was announced with.",
        partial(_mailed, body=b"Subject: x\r\n\r\n)\r\n0099 DELETE INBOX\r\n{0+}\r\n"),
    ),
    B(
        "a message without end of line",
        "sends a message that ends in CR",
        COMMAND,
        "A literal has as many octets as it was announced with.",
        partial(_mailed, body=b"Subject: x\r\n\r\nx\r"),
    ),
    B(
        "an alert for a terminal",
        "sends alerts that move the cursor and forge lines",
        TERMINAL,
        "They are shown once, escaped.",
        lambda a: a.front("SELECT LIST", f"* OK [ALERT] {SAID}\r\n".encode("latin-1")),
    ),
    B(
        "a refusal for a terminal",
        "refuses with words that move the cursor and forge lines",
        TERMINAL,
        "They are shown escaped.",
        lambda a: _said(a, "SELECT", "APPEND", "CREATE", "STORE"),
        codes=(1,),
    ),
    B(
        "a code for a terminal",
        "refuses with a response code that moves the cursor",
        TERMINAL,
        "It is shown escaped.",
        lambda a: _said(a, "SELECT", "CREATE", code="[\x1b[31mRED x] "),
        codes=(1,),
    ),
    B(
        "a farewell for a terminal",
        "takes leave with words that move the cursor and forge lines",
        TERMINAL,
        "They are shown escaped.",
        lambda a: a.instead.update(SELECT=f"* BYE {SAID}\r\nTAG NO bye"),
        codes=(1,),
    ),
    B(
        "a greeting for a terminal",
        "greets with words that move the cursor and forge lines",
        TERMINAL,
        "They are shown escaped, where they are shown.",
        lambda a: setattr(a, "welcome", b"* BYE " + SAID.encode("latin-1") + b"\r\n"),
        codes=(75,),
    ),
    B(
        "no IMAP for a terminal",
        "answers with what is no IMAP, and moves the cursor",
        TERMINAL,
        "It is shown escaped.",
        lambda a: a.instead.update(LIST="\x1b[2J\x07 forged: all is well"),
        codes=(76,),
    ),
    B(
        "what cannot be read",
        "sends responses that cannot be read, and would move the cursor",
        TERMINAL,
        "They are shown once, escaped.",
        lambda a: a.front("SELECT", b"* FLAGS \x1b[2J((\x07\r\n* LIST \x1b[1m (\r\n"),
    ),
    B(
        "a query as an identity",
        "tells a MAILBOXID that is meant for a database",
        "another database",
        "It is a text, and no more.",
        partial(_identity, identity="x');DROP/**/TABLE/**/pair;--"),
        offers="OBJECTID",
    ),
    B(
        "a command as an identity",
        "tells a MAILBOXID that is a literal with commands",
        COMMAND,
        "It breaks the protocol.",
        lambda a: a.sub(
            OPEN, rb"MAILBOXID \([^)]*\)", b"MAILBOXID ({5}\r\n0099 EXPUNGE\r\n)"
        ),
        offers="OBJECTID",
        codes=(76,),
    ),
    B(
        "a namespace with commands",
        "tells a namespace whose prefix holds commands",
        COMMAND,
        "It breaks the protocol.",
        lambda a: a.sub(
            "NAMESPACE", rb'\(\(""', b"((" + _literal("x\r\n0099 EXPUNGE\r\n")
        ),
        codes=(76,),
    ),
    B(
        "a quote as separator",
        "tells a quote or CR as the hierarchy separator",
        COMMAND,
        "The name is sent as the text that it is.",
        lambda a: a.sub("LIST NAMESPACE", rb'"/"', rb'"\\""'),
        codes=(1,),
    ),
    B(
        "capabilities with commands",
        "tells capabilities that hold whatever else",
        COMMAND,
        "Only those that are known count.",
        lambda a: a.sub("CAPABILITY", rb"\Z", b'* CAPABILITY \x1b[1m {3} "EVIL\r\n'),
    ),
    B(
        "a special use of INBOX",
        "says that all mailboxes are the trash",
        "that messages are moved to where they are lost",
        "Only what the configuration names is used.",
        lambda a: a.sub("LIST", rb"\* LIST \(", rb"* LIST (\\Trash \\All \\Junk "),
    ),
)
