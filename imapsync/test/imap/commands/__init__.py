"""
Tests for L{imapsync.imap.commands}.
"""
