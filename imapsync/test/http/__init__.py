"""
Tests for L{imapsync.http}.
"""
