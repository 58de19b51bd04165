"""
Fuzzing: what comes from outside is arbitrary octets.

C{targets} are functions of octets that fail where something is read that must not be,
or costs more than it may; C{runs} has whole syncs with a server whose answers are
tampered with.  C{corpus} holds the inputs worth keeping, which the tests run each
time; C{engine} looks for more, with what C{script/fuzz} installs.
"""
