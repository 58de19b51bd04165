"""
Tests for L{imapsync.several}.
"""
