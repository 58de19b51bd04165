"""
Tests for L{imapsync.system}.
"""
