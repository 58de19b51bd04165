"""
The status page: what is known of accounts at work, for a browser and for machines.

It shows what L{imapsync.watch} remembers, and passes on what a person asks for; of
mail, it knows names and numbers.  The C{service} listens, perhaps at
C{sockets} that are there already; its C{site} gives what comes
in an C{exchange} to the C{pages}, which ask the C{guard}.  The C{overview} and each
C{account} with its C{chart} stand in a C{frame}, in C{markup} and C{words}, with what
is C{static}; C{events} tell of changes.  C{machines} are told in a C{document}, by
C{metrics}, or of the program's C{health}.  All is as it may be C{seen}, with C{labels}
where there would be names.
"""
