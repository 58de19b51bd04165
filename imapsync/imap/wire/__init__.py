"""
The wire: octets to responses, and words to octets.  Without Twisted.

C{parser} frames lines and literals as they arrive; C{tokens} are the words in them,
from which C{reading} and C{conditions} make the values of C{responses}, among them the
C{flags} and the C{identity} of messages.
C{arguments} writes the words of commands, and C{text} makes what others say fit to
be shown.
"""
