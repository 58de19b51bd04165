"""
The tests of imapsync: C{trial imapsync} runs them all.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast a machine is, and what else it does meanwhile, is not tested.
settings.register_profile(
    "imapsync", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("imapsync")
