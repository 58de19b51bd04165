"""
Many pairs of accounts in one process.

C{services} runs one for each C{pair}; all C{pairs} come and go as their C{source} says:
the command line, or the C{lists} that it names, a C{roster} being the accounts of one.
C{watchers} see them, such as those C{attending} to them; they speak in C{turns}.  What
comes of all is the C{conclusion}; how many C{openfiles} they take, the system is asked
for, and where they would be a C{crowd}, that is said.
"""
