"""
Tests for L{imapsync.watch}.
"""
