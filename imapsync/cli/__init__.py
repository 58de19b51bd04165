"""
What a person types, and what they are told.

C{options} reads the command line, C{services} runs a service for each
configuration.  C{terminal} and C{observers} write to people; C{signals} and
C{systemd} are how a system speaks to a program.
"""
