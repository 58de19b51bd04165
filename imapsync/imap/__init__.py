"""
The protocol: one connection to one server.

Octets become responses in C{wire} and go to whoever they are for by C{dispatch},
within an C{allowance}; C{commands} are written by way of the C{pipeline}, in the
order of a C{dialogue}, and as many of them as the C{portions} of what is asked take;
C{connection} tells how all work together, above what is kept of Twisted's client in
C{stock}.  C{connect} makes a connection over C{transport} or another way of
C{access}, hears the C{greeting}, has C{login} use the mechanisms of C{auth}, and hands
out what is ready for work: a C{client}.  What a server can do is decided in
C{features}; C{trace} looks on.  Nothing in here knows that there are two accounts.
"""
