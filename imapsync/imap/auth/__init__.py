"""
Who we are: SASL mechanisms (RFC 4422).

C{sasl} has the mechanisms, and chooses the one to use with a server.  To add one,
write its exchange there, and name it in the table.
"""
