"""
One mailbox: read what changed on both sides, plan, perform, and commit what the
servers confirmed.

C{sync} is that pass, within a C{context}.  C{bothsides}, each C{oneside} and
C{changes} read, and C{fetching} reads messages; C{perform} does what was planned,
with C{pairing}, C{flags}, C{copying} from a C{queue}, within a C{limit}, by
C{appending} in a C{batch} or over a C{spool}, C{removal} and C{transfer}.  C{outcome}
is what becomes of messages, C{arrivals} what is made of that, C{strangers} what else
has come; C{copies} knows what we made ourselves, C{review} looks at it, C{late} at
what of that may have come late, C{echoes} at what others copied meanwhile; C{refusals}
are tried again another time, C{quotas} say where there is no room.  C{suspects} and
C{notes} tell one pass what came before it, C{report} counts for the C{summary}, and
C{course} how far all has come.  C{repair} compares all with the database, C{entries}
and what has none, by C{mending} that; C{verification} only reads all.
"""
