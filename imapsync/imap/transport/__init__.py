"""
What octets go over: TLS (C{tls}), DEFLATE (C{compress}, RFC 4978), and the standard
input and output of a command (C{tunnel}; C{process} runs it).

A connection uses them alike; C{imapsync.imap.connect} chooses.
"""
