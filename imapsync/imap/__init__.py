"""
The protocol: one connection to one server.

Octets become responses in C{wire} and go to whoever they are for by C{dispatch}, within
an C{allowance}; C{commands} are written by way of the C{pipeline}, in the order of a
C{dialogue}, as many as the C{portions} of what is asked take, and with C{patience}
where a server asks for C{backoff}; C{connection} tells how all work together, above
C{stock}. C{connect} makes a connection over C{transport} or another way of C{access},
hears the C{greeting}, has C{login} use C{credentials}, perhaps after their C{renewal},
by the mechanisms of C{auth}, and hands out what is ready for work: a C{client},
C{selecting} mailboxes, where C{resuming} does without QRESYNC, a C{sight} is all that
is wanted of some, C{looking} tells what there is, and sizes may be C{unsized}. So does
C{plain}, where it suffices, over a plain socket, C{asking} what LIST does not tell.
What a server can do is decided in C{features}, what is known of some besides in
C{hosts}, and what that means to people in C{appraisal}; C{trace} looks on. Nothing in
here knows of two accounts.
"""
