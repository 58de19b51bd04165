"""
What the tests use instead of the world: servers, accounts and clocks in memory.
"""
