"""
What is remembered of accounts at work, for people and machines that watch them.

C{accounts} is what a program that runs them offers to those who watch; C{watch} does,
and tells the C{facts}.  Its C{memory} of each account has the C{history} of a day;
C{recent} has the last lines of the log.  A C{notifier} tells people of an account that
fails: C{notification} says when and what, an C{outbox} has few of them told at once.
"""
