"""
Where the mail of an address is: what its domain says of its servers.

An C{address} is what a person typed.  C{autoconfig}, C{pacc} and C{records} read what
is published, each as a L{Proposal<imapsync.discovery.proposal.Proposal>}: see
C{proposal}.  C{documents}, C{resolver} and C{greeting} ask; C{search} asks all of
them at the same time, and takes the best answer.
"""
