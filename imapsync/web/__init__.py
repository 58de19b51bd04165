"""
The status page: what is known of accounts at work, for a browser and for machines.

It shows what L{imapsync.watch} remembers, and passes on what a person asks for; of
mail, it knows names and numbers.
"""
