"""
Tests for L{imapsync.imap}.
"""
