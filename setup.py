"""
For tools that look for this file: everything stands in C{setup.cfg}.
"""

from setuptools import setup

setup()
