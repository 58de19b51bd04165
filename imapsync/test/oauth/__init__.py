"""
Tests for L{imapsync.oauth}.
"""
