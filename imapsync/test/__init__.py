"""
The tests of imapsync: C{trial imapsync} runs them all.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How fast a machine is, and what else it does meanwhile, is not tested.
settings.register_profile(
    "imapsync", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("imapsync")

# Nor is what whoever runs them has in a keyring.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
