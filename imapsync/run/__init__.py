"""
One run: once (C{oneshot}), or until it is stopped (C{live}).

C{lifecycle} says when runs begin and end, each the C{execution} of a C{job};
C{connections} are made and ended in pairs, each a C{bridge}, within a C{budget};
C{sharing} is what accounts have together.  C{livemachine} says when to connect, sync,
wait and try again, C{activity} is what is going on, and C{pace} how often; C{retrying}
knows of what was in vain, and a run is done again and again C{until} a given time.
C{listening} hears of changes by C{idling} in some mailboxes, which C{listeners} have
more connections for, C{heartbeat} of time that has passed; C{status} tells how things
stand, C{progress} how far a run has come, C{verification} what a comparison found,
C{telling} what else is said; in the end, people get a C{table}, and machines a
C{document}.  C{checking} only looks at both servers: what is C{found} becomes
C{findings} for people, and what was C{checked} is told to machines. Before all that,
C{look} may find nothing to do.
"""
