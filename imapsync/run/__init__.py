"""
One run: once (C{oneshot}), or until it is stopped (C{live}).

C{lifecycle} says when runs begin and end; C{connections} are made and ended in pairs.
C{livemachine} says when to connect, sync, wait and try again, and C{activity} is what
is going on; C{listening} hears of changes, C{heartbeat} of time that has passed, and
C{status} tells how things stand.  C{verification} says what a comparison found, and
C{document} what machines are told of a run.
"""
