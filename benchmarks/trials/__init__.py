"""
Faults in the midst of runs, and what comes of them: see its C{__main__}.
"""
