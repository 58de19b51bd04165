"""
Tests for L{imapsync.imap.hosts}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.hosts import HOSTS, UNKNOWN, named, recognised

#: What servers say before they are asked, and the names of their hosts.
FACES = (
    ("Dovecot", "", "Dovecot (Debian) ready.", "mail.example.org"),
    ("Cyrus", "", "mail Cyrus IMAP 3.6.1 server ready", "mail.example.org"),
    ("Gmail", "", "Gimap ready for requests from 192.0.2.1 x8mb", ""),
    ("Gmail", "IMAP4REV1 X-GM-EXT-1", "", ""),
    ("Gmail", "", "", "imap.gmail.com"),
    ("Microsoft 365", "", "The Microsoft Exchange IMAP4 service is ready.", ""),
    ("Microsoft 365", "", "", "Outlook.Office365.com"),
    ("Yahoo", "IMAP4REV1 XYMHIGHESTMODSEQ", "IMAP4rev1 imapgate-1.8", ""),
    ("Yahoo", "", "", "imap.mail.yahoo.com"),
    ("Yahoo", "", "", "imap.aol.com"),
    ("iCloud", "XAPPLEPUSHSERVICE", "iSCREAM ready to rumble (15E201)", ""),
    ("iCloud", "", "", "imap.mail.me.com"),
    ("Proton Bridge", "", "Proton Mail Bridge 03.12.00 - gluon session ID 1", ""),
    ("Courier", "", "Courier-IMAP ready. Copyright 1998-2018", ""),
    ("Zimbra", "", "mail.example.org Zimbra IMAP4rev1 server ready", ""),
    ("Stalwart", "", "Stalwart IMAP4rev2 at your service.", ""),
    ("hMailServer", "", "IMAPrev1", ""),
    ("DavMail", "", "IMAP4rev1 DavMail 6.0.1-3390 server ready", ""),
    ("WildDuck", "", "WildDuck ready for requests from 192.0.2.1", ""),
    ("", "XAPPLEPUSHSERVICE IMAP4REV1", "IMAP4rev1 server ready", "gmail.com.org"),
    ("", "", "", "notgmail.com"),
    ("", "", "", ""),
)


class HostTests(SynchronousTestCase):
    """
    Kinds of servers.
    """

    def test_recognised(self) -> None:
        """
        Each is known by what it says unasked, or by the name of its host.
        """
        for name, words, greeting, host in FACES:
            found = recognised(words.split(), greeting, host)
            self.assertEqual(name, found.name, (words, greeting, host))
        self.assertEqual(
            {one.name for one in HOSTS} | {""}, {name for name, *_ in FACES}
        )

    def test_rows(self) -> None:
        """
        Each can be recognised, and is told from the others by name.
        """
        names = [one.name for one in HOSTS]
        self.assertEqual(sorted(set(names)), sorted(names))
        for one in HOSTS:
            self.assertTrue(one.words or one.greetings or one.hosts, one.name)
            # In which case they are compared.
            for text in (*one.greetings, *one.hosts, *one.leftOut):
                self.assertEqual(text.lower(), text)
            for word in (*one.words, *one.distrusted):
                self.assertEqual(word.upper(), word)

    def test_unknown(self) -> None:
        """
        One that is not known is taken at its word.
        """
        self.assertIs(UNKNOWN, named("mail.example.org"))
        self.assertEqual("", UNKNOWN.name)
        self.assertFalse(UNKNOWN.distrusted or UNKNOWN.leftOut)
