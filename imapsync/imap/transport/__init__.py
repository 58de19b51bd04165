"""
What octets go over: TLS (C{tls}), DEFLATE (C{compress}, RFC 4978), and the standard
input and output of a command (C{tunnel}).

A connection uses them alike; C{imapsync.imap.connect} chooses.  A C{host} is what is
connected to, by a C{proxy} after some C{negotiation}; what is in its C{certificate}
decides its C{identity}, and C{refusals} say why TLS did not come about.  C{replay} goes
on with what was begun without any of this.  C{direct} sends octets without a copy, or
in C{records} of TLS.
"""
