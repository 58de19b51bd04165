"""
What the tests use instead of the world, besides the accounts of L{imapsync.testing}:
clocks, conversations and whole runs in memory.
"""
