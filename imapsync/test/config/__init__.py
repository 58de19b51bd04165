"""
Tests for L{imapsync.config}.
"""
