"""When an exited process is started again, and when it counts as failed. Time is passed in."""

from __future__ import annotations

from collections import deque
from typing import Final

FIRST_DELAY_S: Final = 1.0
LONGEST_DELAY_S: Final = 30.0
WINDOW_S: Final = 60.0
EXITS_THAT_FAIL: Final = 5


class ExitHistory:
    """The exits of one process. A run longer than a minute makes the next delay short again."""

    def __init__(self) -> None:
        self._exits: deque[float] = deque(maxlen=EXITS_THAT_FAIL)
        self._in_a_row = 0

    def exited(self, started_s: float, now_s: float) -> float:
        """Note an exit at ``now_s`` of a run begun at ``started_s``; seconds to wait before the next."""
        self._in_a_row = 1 if now_s - started_s > WINDOW_S else self._in_a_row + 1
        self._exits.append(now_s)
        delay_s: float = FIRST_DELAY_S * 2 ** (self._in_a_row - 1)
        return LONGEST_DELAY_S if self.failed() else min(LONGEST_DELAY_S, delay_s)

    def failed(self) -> bool:
        """Whether the last five exits fell within a minute; it is then tried every 30 s only."""
        if len(self._exits) < EXITS_THAT_FAIL:
            return False
        return self._exits[-1] - self._exits[0] <= WINDOW_S
