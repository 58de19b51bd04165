"""
The wire: octets to responses, and words to octets.  Without Twisted.

C{tokens} are the words of a response, C{responses} its values; C{parser} frames
lines and literals as they arrive, and C{arguments} writes those of commands.
"""
