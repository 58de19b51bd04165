"""
Before the login, and at it: credentials that are meant for another server.
"""

from __future__ import annotations

from imapsync.test.hostile.behaviour import Behaviour as B
from imapsync.test.hostile.server import HostileAccount

SECRET = "the password, in clear text or by a weaker way"
TLS = {"starttls": True}
SCRAM = {"auth": ("SCRAM-SHA-256",)}


def _says(account: HostileAccount, verb: str, text: str) -> None:
    account.instead[verb] = text


def _greets(account: HostileAccount, text: bytes) -> None:
    account.welcome = text + b"\r\n"


def _offers(account: HostileAccount, *words: str) -> None:
    auth = {one for one in account.capabilities if one.startswith("AUTH=")}
    account.capabilities -= auth
    account.capabilities |= set(words)


def _proves(account: HostileAccount, text: str) -> None:
    _offers(account, "AUTH=SCRAM-SHA-256", "SASL-IR")
    _says(account, "AUTHENTICATE", text)


def _untold(account: HostileAccount, *words: str) -> None:
    _offers(account, *words)
    account.sub("CAPABILITY", rb"AUTH=PLAIN", b"")


LOGINS = (
    B(
        "no STARTTLS",
        "offers no STARTTLS where it is wanted",
        SECRET,
        "It ends before any credential.",
        lambda a: None,
        codes=(77,),
        options=TLS,
    ),
    B(
        "STARTTLS refused",
        "offers STARTTLS, and refuses it",
        SECRET,
        "It ends before any credential.",
        lambda a: _says(a, "STARTTLS", "TAG NO not now"),
        codes=(77,),
        offers="STARTTLS",
        options=TLS,
    ),
    B(
        "words behind STARTTLS",
        "sends capabilities and answers behind its OK to STARTTLS",
        "that they are taken for what came within TLS",
        "It ends before any credential.",
        lambda a: _says(
            a, "STARTTLS", "TAG OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n* OK hi"
        ),
        codes=(77,),
        offers="STARTTLS",
        options=TLS,
    ),
    B(
        "no handshake",
        "says OK to STARTTLS, and nothing more",
        "a run that never ends",
        "It is given up after 5 minutes; three attempts.",
        lambda a: _says(a, "STARTTLS", "TAG OK go"),
        codes=(75,),
        offers="STARTTLS",
        options=TLS,
        seconds=1000,
    ),
    B(
        "logged in unasked",
        "says that we are logged in before TLS can be started (PREAUTH)",
        "our mail, as another's, in clear text",
        "It ends at once.",
        lambda a: _greets(a, b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome"),
        codes=(77,),
        offers="STARTTLS",
        options=TLS,
    ),
    B(
        "logged in twice",
        "greets, and then says that we are logged in",
        SECRET,
        "What comes before TLS is not believed.",
        lambda a: _greets(a, b"* OK [CAPABILITY IMAP4rev1] hi\r\n* PREAUTH welcome"),
        codes=(77,),
        options=TLS,
    ),
    B(
        "no login",
        "takes no login (LOGINDISABLED)",
        SECRET,
        "It ends before any credential.",
        lambda a: _offers(a, "LOGINDISABLED"),
        codes=(77,),
    ),
    B(
        "only unknown mechanisms",
        "offers only mechanisms that nobody knows",
        SECRET,
        "It ends before any credential.",
        lambda a: _offers(a, "AUTH=X-CLEARTEXT", "LOGINDISABLED"),
        codes=(77,),
    ),
    B(
        "only a weaker mechanism",
        "offers only LOGIN, where auth = PLAIN",
        SECRET,
        "It ends before any credential: what is not configured is not used.",
        lambda a: _offers(a, "AUTH=LOGIN", "LOGINDISABLED"),
        codes=(77,),
    ),
    B(
        "a challenge of its own",
        "answers PLAIN with a challenge",
        SECRET,
        "It breaks the protocol.",
        lambda a: _says(a, "AUTHENTICATE", "+ cGFzc3dvcmQ/"),
        codes=(76,),
    ),
    B(
        "a challenge of noise",
        "answers with a challenge that is no base 64",
        "a crash",
        "It breaks the protocol.",
        lambda a: _says(a, "AUTHENTICATE", "+ \x00\xff!!"),
        codes=(76,),
    ),
    B(
        "no proof",
        "lets us in by SCRAM without a proof that it knows the password",
        "our mail, on a server that only pretends to be ours",
        "It is left at once.",
        lambda a: _proves(a, "TAG OK welcome"),
        codes=(77,),
        options=SCRAM,
    ),
    B(
        "a nonce of another",
        "answers SCRAM with what another client has begun",
        "a proof that we know the password, for another server",
        "It gets none.",
        lambda a: _proves(a, "+ cj1hbm90aGVyLHM9WVdJPSxpPTQwOTY="),
        codes=(77,),
        options=SCRAM,
    ),
    B(
        "challenges without end",
        "answers each response with another challenge",
        "a run that never ends",
        "It breaks the protocol.",
        lambda a: a.flood.update(AUTHENTICATE=lambda: iter([b"+ \r\n"] * 1000)),
        codes=(76,),
    ),
    B(
        "refused for ever",
        "refuses each login",
        "an account that is locked by many attempts",
        "It is tried once.",
        lambda a: _says(a, "AUTHENTICATE", "TAG NO [AUTHENTICATIONFAILED] no"),
        codes=(77,),
    ),
    B(
        "busy for ever",
        "says to each login that there are too many",
        "a run that never ends",
        "It is tried until the patience is over.",
        lambda a: _says(a, "AUTHENTICATE", "TAG NO [LIMIT] too many connections"),
        codes=(75,),
        seconds=700,
    ),
    B(
        "referred elsewhere",
        "refers each login to another server (REFERRAL)",
        "the password, for a server of its choice",
        "A referral is never followed.",
        lambda a: _says(
            a, "AUTHENTICATE", "TAG NO [REFERRAL imap://me@evil.example/] there"
        ),
        codes=(77,),
    ),
    B(
        "referrals of mailboxes",
        "refers to another server for each mailbox",
        "a connection to a server of its choice, again and again",
        "A referral is never followed; the mailboxes are named.",
        lambda a: a.answers.update(
            SELECT="NO [REFERRAL imap://evil.example/INBOX] there"
        ),
        codes=(1,),
    ),
    B(
        "goodbye at once",
        "takes leave as soon as we are logged in, again and again",
        "a run that never ends",
        "Three attempts.",
        lambda a: _says(a, "ENABLE", "* BYE not you"),
        codes=(75,),
        seconds=2000,
    ),
    B(
        "goodbye as a greeting",
        "greets with BYE, again and again",
        "a run that never ends",
        "Three attempts.",
        lambda a: _greets(a, b"* BYE not you"),
        codes=(75,),
    ),
)
