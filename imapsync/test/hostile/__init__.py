"""
A server that lies, injects and wears down, and honest accounts beside it: not one of
their messages comes to harm.

A C{behaviour} says what is done, and why; C{lies}, C{answers}, C{injections},
C{resources}, C{logins} and C{powers} are the list of them.  C{server} does it, between
the two accounts of C{scene}.  C{table} writes the list for people:
C{python -m imapsync.test.hostile.table} prints C{doc/threats.inc}.
"""
