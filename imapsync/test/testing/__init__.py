"""
Tests for L{imapsync.testing}.
"""
