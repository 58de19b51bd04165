"""
Deciding: what is to be done, as data.

Nothing in here talks to a server, a file or a clock. C{messages} makes C{operations} of
what is new in one mailbox, with C{flags}, C{late} and C{moves}. C{mailboxes}, C{fresh}
ones, C{selection}, C{specialuse}, C{identity}, C{renames}, C{renameorder},
C{concluded}, those that stay C{alone} and the C{outlook} are about mailboxes as a
whole, as an C{account} lists them and C{listing} judges them; C{ownership} says whether
these are the known accounts. The C{brake} stops what would remove too much, C{growth}
what would copy without end. C{views} that are cut off show less than there is.
C{refusals} says when to try again what was refused, C{repair} finds what is not as it
is to be, C{unchanged} whether anything is not as the last run left it, C{places}
whether messages are where they are known to be, C{capacity} whether there is room, and
C{takeover} what was agreed on messages that another program has paired.
"""
