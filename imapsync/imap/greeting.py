"""
The first words: what is at the other end, if it is no IMAP server.
"""

from __future__ import annotations

from imapsync.imap.wire.text import printable

#: So many seconds may it take until a server greets us.
PATIENCE = 30.0

#: So many octets are enough to tell what it is.
KEPT = 200

#: What other protocols begin with.
_OTHERS = (
    (b"\x15\x03", "TLS"),
    (b"\x16\x03", "TLS"),
    (b"SSH-", "SSH"),
    (b"HTTP/", "HTTP"),
    (b"+OK", "POP3"),
    (b"-ERR", "POP3"),
    (b"220", "SMTP or FTP"),
    (b"421", "SMTP or FTP"),
    (b"554", "SMTP"),
)


#: What a greeting begins with.
_GREETINGS = (b"* OK", b"* PREAUTH", b"* BYE")


def isBegun(read: bytes) -> bool:
    """
    Whether a greeting may have begun so, of which the rest was lost.
    """
    said = read.upper()
    return b"\n" not in said and any(
        said.startswith(one) or one.startswith(said) for one in _GREETINGS
    )


def misgreeted(read: bytes, options: str) -> str:
    """
    What to say of a peer whose first words are no greeting of IMAP (RFC 9051,
    7.1.5).

    @param read: what came of it.
    @param options: those that name the peer.
    """
    text = printable(read.strip(b"\r\n"), KEPT)
    kind = next((name for start, name in _OTHERS if read.startswith(start)), "")
    speaks = f"it speaks {kind}, not IMAP" if kind else "that is no greeting of IMAP"
    if b"\n" in read and b"\r" not in read:
        speaks = "its lines do not end in CR and LF, as those of IMAP do"
    return f'it said "{text}": {speaks}; see {options}'


def ungreeted(read: bytes, seconds: float, options: str) -> str:
    """
    What to say of a peer that has not greeted us after C{seconds}.
    """
    silence = f"no greeting within {seconds:g} seconds"
    if read:
        return f"{silence}; {misgreeted(read, options)}"
    return f"{silence}; see {options}"
