"""
Deciding: what is to be done, as data.

Nothing in here talks to a server, a file or a clock.  C{flags} and C{moves} are
about messages; C{mailboxes}, C{selection}, C{specialuse}, C{identity}, C{renames}
and C{renameorder} about mailboxes as a whole, as an C{account} lists them; the
C{brake} stops what would remove too much, C{growth} what would copy without end.
"""
