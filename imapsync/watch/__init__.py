"""
What is remembered of accounts at work, for people and machines that watch them.

C{accounts} is what a program that runs them offers to those who watch.
"""
