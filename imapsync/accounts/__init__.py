"""
Two connected accounts: which mailboxes there are, and in what order they are
worked on.

C{session} makes both equal.  C{listing} and C{scope} find the mailboxes,
C{identification} where they are now; C{creation}, C{renaming} and C{deletion} act
on them as a whole, and so does C{admin}, for a user.  C{workers} share the work,
C{history} is what one session leaves to the next.
"""
