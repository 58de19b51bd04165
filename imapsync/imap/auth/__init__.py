"""
Who we are: SASL mechanisms (RFC 4422), and where a password comes from.

C{sasl} chooses the one to use with a server, and has those that are simple;
C{exchange} is what all have in common.  C{scram} is one that does not send the
password, with C{preparation} of what it is made of, and with the C{binding} to a TLS
connection; C{bearer} is those that send a token.  C{password} asks a command or
the keyring, and C{secretfile} reads a file; C{refusal} tells what a server's NO means,
and C{redaction} leaves out of it what nobody else is to read.
"""
