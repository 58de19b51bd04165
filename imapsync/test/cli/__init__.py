"""
Tests for L{imapsync.cli}.
"""
