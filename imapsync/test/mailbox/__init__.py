"""
Tests for L{imapsync.mailbox}.
"""
