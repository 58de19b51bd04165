"""
Who we are: SASL mechanisms (RFC 4422), and where a password comes from.

C{sasl} has the mechanisms, and chooses the one to use with a server.  To add one,
write its exchange there, and name it in the table.  C{password} asks a command,
C{refusal} tells what a server's NO means, and C{redaction} leaves out of it what nobody
else is to read.
"""
