"""
Tests for L{imapsync.imap.auth}.
"""
