"""
One mailbox: read changes of both sides, plan, perform, commit what was confirmed.

C{sync} is that pass, within a C{context}. C{opening} selects it, C{bothsides}, each
C{oneside}, its C{inventory} and C{changes} read, and C{fetching} messages; C{perform}
does what was planned, with C{pairing}, C{flags}, C{copying} from a C{queue}, within a
C{limit}, which C{holds} its source, by C{appending} in a C{batch} behind C{heads} in a
C{lane}, or over a C{spool} and C{spread} over several, or by C{recognition} where they
are C{untold}, C{removal}, C{expunging} and C{transfer}; what flags are C{unkept} it
passes over. C{outcome} is what becomes of
messages, C{arrivals} what is made of that, C{strangers} what else came, C{merging} what
did not; what is C{identical} is in several mailboxes; C{copies} knows what we made,
C{review} and C{dates} look at it, C{late} at what of that may have come late, C{echoes}
at what others copied; C{refusals} are tried again another time, C{sizes} say whether
octets count, C{quotas} where there is no room, and what is C{kept} may be there again.
C{suspects} and C{notes} tell one pass what came before it, C{report} counts for the
C{summary}, C{course} how far all has come.
C{repair} compares all with the database, C{entries} and what has none, by C{mending};
C{verification} only reads, C{takeover} believes another program.
"""
