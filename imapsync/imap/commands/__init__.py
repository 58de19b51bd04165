"""
The commands: how each is written, which responses are its own, and what it
results in.

C{base} is what all have in common; C{mailbox} asks about mailboxes and messages,
C{append} hands messages over, and C{notify} has a server tell of changes.
"""
