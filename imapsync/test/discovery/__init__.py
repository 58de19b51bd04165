"""
Tests for L{imapsync.discovery}.
"""
