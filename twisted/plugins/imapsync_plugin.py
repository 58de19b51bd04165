"""
What makes C{twistd imapsync} known.

Every start of C{twistd} runs this file, whatever it is asked to do: so
nothing is imported but what describes the service.
"""

from twisted.application.service import ServiceMaker

imapsync = ServiceMaker(
    "imapsync",
    "imapsync.tap",
    "Keep two IMAP accounts equal.",
    "imapsync",
)
