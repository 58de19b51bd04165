"""
Accounts in memory, for programs that use L{imapsync.service} to be tested with, as
imapsync is itself.

An L{Account} is a server with one account: fill it, have it misbehave, look at what
became of it.  A L{Network} leads to several; it knows no time but its clock's, and
nothing moves but when it is told to.
"""

from imapsync.testing.accounts import Account, Folder, Message, mail
from imapsync.testing.network import Network

__all__ = ("Account", "Folder", "Message", "Network", "mail")
