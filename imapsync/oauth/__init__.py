"""
Tokens in place of passwords (OAuth 2.0, RFC 6749): how they are got, kept and renewed.

C{providers} knows what Google and Microsoft want, and C{discovery} asks others (RFC
8414).  C{client} asks for tokens, with an C{assertion} where we
sign what we ask for; C{tokens} is what comes back.  They are kept in a
C{store}, which is a C{tokenfile} or a C{ring}: C{place} says which.  C{source} has new
ones got before they are needed, under a C{lock}.  C{flows} has a user say yes first:
C{consent} is what a browser is asked for and brings to the C{doorway}, C{device} is
about another one's.
"""
