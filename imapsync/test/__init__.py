"""
The tests of imapsync: C{trial imapsync} runs them all.
"""
