"""Named places where a fault test may kill this process, as a power cut would."""

from __future__ import annotations

import os
import signal


class CrashPoints:
    """Kills the process with SIGKILL at the ``nth`` time it reaches the place ``name``; else does nothing.

    The setting reads ``name`` or ``name:nth`` (counted from 1); empty in production.
    """

    def __init__(self, name: str = "", nth: int = 1) -> None:
        self._name = name
        self._left = nth

    @classmethod
    def from_setting(cls, text: str) -> CrashPoints:
        """The crash point that ``text`` names. Raises ValueError for a malformed count."""
        name, _, nth = text.partition(":")
        return cls(name, int(nth) if nth else 1)

    def reach(self, name: str) -> None:
        """Say that the place ``name`` is reached."""
        if name != self._name:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
