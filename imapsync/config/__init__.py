"""
What the user wants: the text of configuration files and what is asked of a run,
as values that are checked.

C{ini} reads the syntax, C{values} the kinds of values, C{tls} the options about
TLS, and C{file} makes a L{Config<imapsync.config.file.Config>} of all.  What a
single run is asked to do is in C{request}.
"""
