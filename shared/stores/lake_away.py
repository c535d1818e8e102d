"""The one error of a lake that does not answer, apart from the libraries that speak to it."""

from __future__ import annotations


class LakeAway(Exception):
    """The lake takes nothing now (disk full, no access, store away); nothing of the call was committed."""
