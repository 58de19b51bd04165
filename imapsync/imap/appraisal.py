"""
What a server's capabilities mean to its users: those that help, and those that cannot
be meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from imapsync.imap.features import COMPARING, CONDSTORE, QRESYNC, Features
from imapsync.imap.hosts import Host

#: What they are good for, and what is done without them.
_HELPFUL = {
    "LITERAL+": (
        "messages are sent without waiting for leave",
        "the server's leave is awaited for each message: if it is far,"
        " connections = 4 copies faster",
    ),
    "MULTIAPPEND": (
        "many messages are handed over at once",
        "messages are handed over one by one",
    ),
    "MOVE": (
        "what was moved is moved",
        "what was moved is copied, and then expunged",
    ),
    "UIDPLUS": (
        "it tells what UIDs copies get, and expunges no others' messages",
        "copies are looked for, and others' messages spared by their marks",
    ),
    "LIST-EXTENDED": ("LIST tells what is subscribed", "LSUB is asked besides LIST"),
    "LIST-STATUS": (
        "one LIST tells what has changed in all mailboxes",
        "each mailbox is asked for its STATUS",
    ),
    "COMPRESS=DEFLATE": (
        "fewer octets are on the way, with compress = YES",
        "nothing is compressed",
    ),
    "SASL-IR": ("logins take a round trip less", "logins take a round trip more"),
    "ESEARCH": ("answers to searches are short", "answers to searches are long"),
    "UNSELECT": ("mailboxes are left at once", "they are left by EXAMINE and CLOSE"),
    "NAMESPACE": (
        "it tells what is the user's own",
        "all that it lists is taken for the user's own",
    ),
    "SPECIAL-USE": (
        "map-special-use can find Sent, Trash and others",
        "map-special-use has no effect",
    ),
    "APPENDLIMIT": (
        "it tells how large messages may be",
        "that a message is too large turns out when it is sent",
    ),
    "QUOTA": (
        "it tells how much room there is",
        "that there is no room turns out when there is none",
    ),
    "ID": ("it tells what it is", "nobody knows what it is"),
}

#: Under LITERAL-, which is but a part of LITERAL+.
_SMALL = (
    "leave is awaited for messages of more than 4096 octets: if it is far,"
    " connections = 4 copies them faster"
)

#: What is of no use without others, which are to be said besides.
_PARTS = {
    "QRESYNC": ("CONDSTORE", "ENABLE"),
    "LIST-STATUS": ("LIST-EXTENDED",),
    "CREATE-SPECIAL-USE": ("SPECIAL-USE",),
}


#: What the ways to find out what has changed come to.
WAYS = {
    QRESYNC: "the server tells what has changed",
    CONDSTORE: (
        "the server tells what is new or changed; what has vanished is found by"
        " comparing UIDs"
    ),
    COMPARING: "what is there is compared with what was there",
}


class Appraisal(NamedTuple):
    """
    What there is to say of one capability.

    @ivar there: whether the server has it.
    @ivar meaning: what that means.
    """

    capability: str
    there: bool
    meaning: str


def appraise(features: Features) -> Iterator[Appraisal]:
    """
    The capabilities that help, as far as they are there, and as far as they are not.
    """
    for word, (there, missing) in _HELPFUL.items():
        # A number may stand behind it (RFC 7889).
        told = word in features or (word == "APPENDLIMIT" and features.appendLimit)
        small = word == "LITERAL+" and "LITERAL-" in features
        without = _SMALL if small else missing
        yield Appraisal(word, bool(told), there if told else without)


def remark(features: Features, host: Host, way: str) -> str:
    """
    What users are told of the way in which changes are found out, if it is not the
    first one.
    """
    if way == QRESYNC:
        return ""
    why = "the server has no QRESYNC"
    if "QRESYNC" in host.distrusted:
        why = f"the QRESYNC of {host.name} is not to be trusted"
    elif QRESYNC in features:
        why = "the server offers QRESYNC, but does not enable it"
    return f"{why}; changes are found by {way}"


def oddities(features: Features, encrypted: bool, loggedIn: bool) -> Iterator[str]:
    """
    What is said, and cannot be meant so.

    @param encrypted: whether the line is.
    @param loggedIn: whether it was said after a login.
    """
    told = features.told
    for word, parts in _PARTS.items() if "IMAP4REV2" not in told else ():
        lacking = [part for part in parts if word in told and part not in told]
        if lacking:
            taken = all(part in features for part in lacking)
            believed = "taken for there all the same" if taken else "of no use"
            yield f"{word} without {' and '.join(lacking)}: {believed}"
    if {"LITERAL+", "LITERAL-"} <= told:
        yield "both LITERAL+ and LITERAL- (RFC 7888, 5): the first is believed"
    if encrypted and "STARTTLS" in told:
        yield "STARTTLS though TLS is in use (RFC 9051, 6.2.1)"
    if loggedIn and "LOGINDISABLED" in told:
        yield "LOGINDISABLED though the login is done: of no effect"
    if "UTF8=ONLY" in told:
        yield "UTF8=ONLY: it may refuse names and messages that are sent as before"
