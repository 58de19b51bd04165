"""
Accounts in memory, for programs that use L{imapsync.service} to be tested with, as
imapsync is itself.

An L{Account} of C{accounts} is a server with one account: fill it, have it misbehave,
look at what became of it.  It speaks by C{dialogue}, and unasked by C{notices}.  A
L{Network} of C{network} leads to several by C{links}; it knows no time but its
clock's, and nothing moves but when it is told to.
"""

from imapsync.testing.accounts import Account, Folder, Message, mail
from imapsync.testing.network import Network

__all__ = ("Account", "Folder", "Message", "Network", "mail")
