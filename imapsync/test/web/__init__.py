"""
Tests for L{imapsync.web}.
"""
