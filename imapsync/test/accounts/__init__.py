"""
Tests for L{imapsync.accounts}.
"""
