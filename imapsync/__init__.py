"""
Keep two IMAP accounts equal: exactly, and as fast as the servers allow.
"""

__version__ = "0.1.0.dev0"
