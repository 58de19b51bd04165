"""
Remembering: what both sides last agreed on, in an SQLite file.

C{interface}, with C{between}, is all that everybody else depends on; C{store} is what
is behind it: C{mailboxes}, C{pairs}, C{kept}, C{leftovers}, C{doubts}, C{renamings},
C{shortfalls}, C{owners}, C{traffic} and C{looks}, each with its tables, above
C{transactions}; C{file} opens it for them, and C{survey} looks at it from outside.
C{schema} is what the tables look like and how they came to do so, C{sqlitefile} makes,
locks and copies the file, and C{soundness} finds, and drops, what means nothing. All of
it may be lost at any time: messages are then paired by content. C{interimap} reads the
database of another program.
"""
