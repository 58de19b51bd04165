"""
What a person types, and what they are told.

C{options} reads the command line, with a C{deadline} in it, C{services} runs a service
for each configuration, which may speak in C{turns}, C{status} tells what databases
know, and C{authorize} gets a token with the help of a C{person}. C{init} makes a
configuration: of what is C{given} and of what an C{interview} learns of one; C{keeping}
is about passwords. Both try a C{login}. C{terminal}, C{observers} and C{logfile} write
to people; C{progress} tells them how far all has come, in its C{wording}, or as a
C{bar} at the foot of the C{screen}. C{signals} and C{systemd} are how a system speaks
to a program, the C{clock} and the C{resolver} what a reactor is given for it.
"""
