"""
What is known of kinds of servers, and they do not say: rows of data.

A server is recognised by what it says unasked, which is its greeting and its
capabilities, or by the name of its host; mostly by what no other says.  One that is
not known is taken at its word.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

_NOTHING: frozenset[str] = frozenset()


class Host(NamedTuple):
    """
    A kind of server.

    @ivar name: what people call it; empty if it is not known.
    @ivar words: capabilities, in upper case, that only it has.
    @ivar greetings: what is only in its greeting, in lower case.
    @ivar hosts: how the names of its hosts end.
    @ivar distrusted: capabilities that it does not keep.
    @ivar leftOut: the attributes, in lower case, of mailboxes that only show what is
        in others, and are left out unless they are asked for.
    @ivar octets: so many are the most in the UIDs that one command names.
    @ivar inFlight: so many commands may be unanswered on one connection.
    @ivar downPerDay: so many octets may be received on one day.
    @ivar upPerDay: so many may be sent.
    @ivar tellsGuids: whether it tells X-GUID.
    @ivar labels: whether its mailboxes are labels of messages: one that is expunged is
        not gone.
    @ivar exclusive: the attributes, in lower case, of mailboxes all the same that take
        a message out of all others.
    @ivar renumbers: whether a mailbox gets another UIDVALIDITY when it is renamed.
    @ivar namesKeywords: whether it names all keywords of a mailbox in FLAGS.
    @ivar estimates: whether the sizes that it tells (RFC822.SIZE) are guesses.
    @ivar notice: what its users have to know.
    """

    name: str = ""
    words: frozenset[str] = _NOTHING
    greetings: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    distrusted: frozenset[str] = _NOTHING
    leftOut: frozenset[str] = _NOTHING
    octets: int = 8000
    inFlight: int | None = None
    downPerDay: int | None = None
    upPerDay: int | None = None
    tellsGuids: bool = False
    labels: bool = False
    exclusive: frozenset[str] = _NOTHING
    renumbers: bool = False
    namesKeywords: bool = False
    estimates: bool = False
    notice: str = ""

    def isIt(self, told: Collection[str], greeting: str, host: str) -> bool:
        """
        Whether a server is of this kind.

        @param told: its capabilities, in upper case.
        @param greeting: the text of it, in lower case.
        @param host: its name, in lower case.
        """
        return (
            not self.words.isdisjoint(told)
            or any(text in greeting for text in self.greetings)
            or any(f".{host}".endswith(f".{end}") for end in self.hosts)
        )


UNKNOWN = Host()

#: Before the limits that Google tells of (2500 MB, 500 MB), since others use them, too.
_GMAIL_DOWN = 2_375_000_000
_GMAIL_UP = 475_000_000

#: The first that fits counts.
HOSTS = (
    Host(
        "Dovecot",
        greetings=("dovecot",),
        tellsGuids=True,
        namesKeywords=True,
    ),
    Host(
        "Gmail",
        words=frozenset(("X-GM-EXT-1",)),
        greetings=("gimap ready",),
        hosts=("gmail.com", "googlemail.com"),
        leftOut=frozenset(("\\all", "\\important", "\\flagged")),
        downPerDay=_GMAIL_DOWN,
        upPerDay=_GMAIL_UP,
        labels=True,
        exclusive=frozenset(("\\trash", "\\junk")),
        notice=(
            "what is expunged on the other side loses a label here; what has no other"
            " label is moved to the trash of Gmail, unless the option trash says"
            " otherwise"
        ),
    ),
    Host(
        "Microsoft 365",
        greetings=("microsoft exchange imap4",),
        hosts=("outlook.com", "office365.com", "outlook.de"),
        octets=3800,
        inFlight=20,
        estimates=True,
        notice="keywords are not kept there, nor are messages octet by octet",
    ),
    Host(
        "Yahoo",
        words=frozenset(("XYMHIGHESTMODSEQ",)),
        hosts=("mail.yahoo.com", "imap.aol.com"),
        notice="of a large mailbox, it may show the newest 10000 messages only",
    ),
    Host(
        "iCloud",
        greetings=("iscream ready",),
        hosts=("mail.me.com", "mail.icloud.com"),
        # It was seen to tell of messages as gone that are there, and to leave some out.
        distrusted=frozenset(("QRESYNC", "ESEARCH")),
    ),
    Host(
        "Proton Bridge",
        greetings=("proton mail bridge", "protonmail bridge"),
        estimates=True,
        notice="it writes messages anew, so that their octets differ",
    ),
    Host("Courier", greetings=("courier-imap",), renumbers=True),
    Host("Zimbra", greetings=("zimbra",)),
    Host("Stalwart", greetings=("stalwart",)),
    Host("hMailServer", greetings=("imaprev1", "hmailserver"), estimates=True),
    Host("DavMail", greetings=("davmail",), inFlight=20, estimates=True),
    Host("WildDuck", greetings=("wildduck",)),
    Host("Cyrus", greetings=("cyrus",), namesKeywords=True),
)


def recognised(told: Collection[str], greeting: str, host: str) -> Host:
    """
    Of which kind a server is.

    @param told: its capabilities, in upper case, before a login and after it.
    @param greeting: the text of it.
    @param host: its name; empty if it has none.
    """
    text, name = greeting.lower(), host.lower()
    return next((one for one in HOSTS if one.isIt(told, text, name)), UNKNOWN)


def named(host: str) -> Host:
    """
    The same, by the name of a host alone.
    """
    return recognised((), "", host)
