"""
Tests for L{imapsync.state}.
"""
