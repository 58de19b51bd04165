"""
Remembering: what both sides last agreed on, in an SQLite file.

C{store} is what everybody else uses, C{schema} is what the tables look like and
how they came to do so, C{sqlitefile} makes, locks and copies the file.  All of it
may be lost at any time: messages are then paired by content.
"""
