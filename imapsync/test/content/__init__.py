"""
Tests for L{imapsync.content}.
"""
