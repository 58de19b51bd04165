"""
What a person types, and what they are told.

C{options} reads the command line by its C{grammar}, with a C{deadline} in it;
C{completion} has shells complete it.  C{status} tells what databases know, C{authorize}
gets a token from a C{person}.  C{init} makes a configuration of what is C{given} and an
C{interview}; C{keeping} is about passwords.  Both try a C{login}.  C{terminal},
C{observers}, C{logfile} write to people; C{progress} tells how far what is C{lasting}
has come, in its C{wording}, or as a C{bar} at the foot of the C{screen}.  C{signals}
and C{systemd} are how a system speaks to a program, C{clock} and C{resolver} what a
reactor is given.
"""
