"""
Web servers, for all who have something to ask there.

C{web} asks one: over HTTP, and no longer and for no more than that takes.
"""
