"""
Tests for L{imapsync.imap.wire}.
"""
