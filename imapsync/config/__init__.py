"""
What the user wants: the text of a configuration and what is asked of a run, as
values that are checked.

C{ini} reads the syntax of a C{file}, C{mapping} what needs none; both make a C{section}
of each. C{settings} makes a L{Config<imapsync.config.settings.Config>} of all, of which
C{server}, C{tls}, C{proxy}, C{oauth}, C{status} and C{notify} are parts; C{values},
C{paths} and C{mechanisms} are the kinds of values. The name of a C{database} follows
from all that. A file with C{accounts} is a C{template} for the C{rows} of a list, of
which come those that are C{listed}, and C{losses} are held up. A file that is yet to be
written is a C{draft}; what a single run is asked to do is in C{request}, how much may
go on at once in C{limits}.
"""
