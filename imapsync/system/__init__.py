"""
What the system has besides files and sockets: other programs, and its keyring.

C{process} runs a program and brings it to its end, C{output} has the first line of what
one writes, C{listing} all of it, and C{keyring} has one ask the keyring.
"""
