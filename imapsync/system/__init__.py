"""
What the system has besides files and sockets: other programs, and its keyring.

C{process} runs a program and brings it to its end, C{running} has one run for what it
does, C{output} for the first line of what it writes, C{listing} for all of that, and
C{keyring} has one ask the keyring.
"""
