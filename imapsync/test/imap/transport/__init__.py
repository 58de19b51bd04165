"""
Tests for L{imapsync.imap.transport}.
"""
