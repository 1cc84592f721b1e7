"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# An example fails for what is wrong with it, never for how busy the machine was.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
