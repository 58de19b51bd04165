"""
Tests against real servers: private ones that they start on loopback.
"""
