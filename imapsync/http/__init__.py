"""
Web servers, for all who have something to ask there.

C{web} asks one over HTTP, for no longer than that takes; it may say no more than its
C{bound}.
"""
