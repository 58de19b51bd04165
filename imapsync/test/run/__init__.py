"""
Tests for L{imapsync.run}.
"""
