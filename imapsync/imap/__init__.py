"""
The protocol: one connection to one server.

Octets become responses in C{wire} and go to whoever they are for by C{dispatch};
C{commands} are written by way of the C{pipeline}; C{connection} tells how all work
together.  C{connect} makes a connection over C{transport}, with the mechanisms of
C{auth}, that is ready for work: a C{client}.  What a server can do is decided in
C{features}.  Nothing in here knows that there are two accounts.
"""
