"""
Mail as people have it: heads of many lines, sizes from a note to a film, years of
dates, many keywords, mailboxes of very different size.  The same number always
makes the same messages.
"""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache

from benchmarks.mail import body
from imapsync.test.integration.accounts import Mail

_START = datetime(2014, 6, 1, tzinfo=timezone.utc)
_DAYS = 11 * 365
_ZONES = (0, 60, 60, 120, 120, -300, -480, 330)

_SYSTEM = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft")
_KEYWORDS = (
    *("$Forwarded", "$MDNSent", "$Junk", "NonJunk", "$label1", "$label2", "$label3"),
    *("Work", "Later", "Family", "Receipts", "Travel"),
)
_COMBINATIONS = 100

_HOPS = ("mx", "relay", "lists", "smtp-out", "edge", "inbound", "filter")


@cache
def mixed(count: int, seed: int) -> Sequence[Mail]:
    """
    C{count} messages, 20.5 KB each in the mean, of which 1.9 KB are the head.  They
    are made once, and kept.
    """
    return list(_made(count, seed))


def _made(count: int, seed: int) -> Iterator[Mail]:
    rng = random.Random(f"mixed {count} {seed}")
    combinations = _combinations()
    for number in range(count):
        day = _DAYS * (number + rng.random()) / count
        zone = timezone(timedelta(minutes=rng.choice(_ZONES)))
        date = (_START + timedelta(days=day)).replace(microsecond=0).astimezone(zone)
        head = _head(rng, f"{seed}.{number}", date)
        octets = min(rng.lognormvariate(math.log(7150), 1.4), 4_000_000)
        yield Mail(
            head + body(rng, max(200, int(octets))), rng.choice(combinations), date
        )


def _combinations() -> Sequence[Sequence[str]]:
    """
    Flags and keywords as messages have them, the frequent ones several times.
    """
    rng = random.Random("combinations")
    often: list[tuple[str, ...]] = [(), ("\\Seen",), ("\\Answered", "\\Seen")]
    found = dict.fromkeys(often)
    while len(found) < _COMBINATIONS:
        flags = rng.sample(_SYSTEM, rng.choice((0, 1, 1, 2)))
        keywords = rng.sample(_KEYWORDS, rng.choice((0, 1, 1, 2, 3)))
        found[tuple(sorted(flags + keywords))] = None
    return [*found, *often * 15]


def _head(rng: random.Random, number: str, date: datetime) -> bytes:
    """
    What servers on the way, mail programs and mailing lists write.
    """
    name = f"{rng.getrandbits(32):08x}"
    stamp = f"{date:%a, %d %b %Y %H:%M:%S %z}"
    lines = [f"Return-Path: <bounce-{name}@example.net>"]
    for hop in rng.sample(_HOPS, rng.randint(1, 4)):
        lines += [
            f"Received: from {hop} ({hop}.example.net [192.0.2.{len(hop)}])",
            f"\tby mx.example.org with ESMTPS id {rng.getrandbits(48):012X}",
            f"\tfor <me@example.org>; {stamp}",
        ]
    # Signatures, as long as those of keys of 2048 bits.
    for field in ("DKIM-Signature: v=1", "ARC-Seal: i=1"):
        lines += [
            f"{field}; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s{date:%Y};",
            f"\tt={int(date.timestamp())}; h=from:to:subject:date:message-id;",
            f"\tbh={_signature(rng, 32)};",
            f"\tb={_signature(rng, 129)[:-2]}",
            *(f"\t {_signature(rng, 48)}" for _ in range(2)),
        ]
    lines += [
        "Authentication-Results: mx.example.org; dkim=pass header.d=example.net;",
        f"\tspf=pass smtp.mailfrom=bounce-{name}@example.net; dmarc=pass",
        f"From: {name} <{name}@example.net>",
        "To: me <me@example.org>",
        f"Message-ID: <{number}.{name}@example.net>",
        f"In-Reply-To: <{rng.getrandbits(64):x}@example.net>",
        f"Date: {stamp}",
        f"Subject: number {number}, about {name}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="=_{rng.getrandbits(64):016x}"',
        "List-Id: <people.lists.example.net>",
        "X-Mailer: example 1.0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _signature(rng: random.Random, octets: int) -> str:
    return base64.b64encode(rng.randbytes(octets)).decode()
