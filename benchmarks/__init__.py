"""
How fast imapsync is, beside others that do the same: see C{script/bench}.
"""
