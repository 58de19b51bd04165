"""
Tests for L{imapsync.plan}.
"""
