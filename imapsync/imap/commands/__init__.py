"""
The commands: how each is written, which responses are its own, and what it
results in.

C{base} is what all have in common, C{limited} what those have that a server may do in
part.  C{login} comes before a mailbox, C{account} asks
about all of them, C{mailbox} selects one, C{messages} asks about messages and
transfers them, C{append} hands messages over, C{notify} has a server tell of
changes, and C{quota} of room.
"""
