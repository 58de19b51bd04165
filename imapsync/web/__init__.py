"""
The status page: what is known of accounts at work, for a browser and for machines.

It shows what L{imapsync.watch} remembers, and passes on what a person asks for; of
mail, it knows names and numbers.  Machines are told in a C{document}, by C{metrics}, or
of the program's C{health}; C{labels} stand for names that are hidden.
"""
