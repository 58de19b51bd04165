"""
OAuth 2.0.

C{consent} is what a user is asked for in a browser, and C{doorway} where that comes
to with it.
"""
