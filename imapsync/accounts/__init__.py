"""
Two connected accounts: which mailboxes there are, and in what order they are
worked on.

C{session} makes both equal.  C{databases} finds the one to go on with, C{ownership}
makes sure by C{proof} that it is about these accounts.  C{listing}, by an C{inquiry} of
each server (C{polling} spares it some), and C{scope} find the C{mailboxes},
C{identification} where they are now;
C{creation}, C{renaming} and C{deletion}, which sets them C{aside} first, act on them as
a whole, and so does C{admin}, for a user, who need not care for C{renumbering}.
C{moves} are found between them, C{removals} counted before anything goes.  C{workers}
share the work, C{glances} find some of it, C{history} is what one session leaves to the
next; C{reminders} name what waits to be tried again.  C{repair} compares all with the
database; C{verification} compares both sides, and C{inspection} looks at each: they
change nothing.  C{takeover} begins with what another program knows.
"""
