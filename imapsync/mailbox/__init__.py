"""
One mailbox: read what changed on both sides, plan, perform, and commit what the
servers confirmed.

C{sync} is that pass.  C{bothsides}, C{changes} and C{ahead} read; C{pairing},
C{flags}, C{copying}, C{appending}, C{removal} and C{transfer} perform; C{echoes}
finds what others copied meanwhile; C{report} counts what was done.
"""
