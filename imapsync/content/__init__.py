"""
Recognising: whether two messages are the same, by what is in them.

C{digest} makes content keys and stamps of headers and bodies, C{matcher} finds
equal messages among those of two mailboxes, C{comparison} what differs in them; what
both take down is in C{scratch}.  By their C{traits}, those are recognised that a
server has changed.
"""
