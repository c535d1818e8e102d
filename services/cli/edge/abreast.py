"""Keeps several scorers abreast while a load runs: none is far ahead of another in event time.

A terminal's records come by all partitions, so a scorer must not decide a payment while another has yet to
append what came long before it. Each scorer waits for its own partitions only; that they stay together is the
loader's part. It sends nothing more before all up to its last step but one is decided, so that scorers are at
most two steps apart, and an hour, the time between two ticks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Final, Protocol

from shared.bus.loader import TICK_EVERY_MS
from shared.bus.ports import Place

POLL_S: Final = 0.01
COUNT_EVERY_S: Final = 1.0
PATIENCE_S: Final = 30.0

Ends = Mapping[Place, int]
"""Where each input partition ends."""


class Group(Protocol):
    """The scorers."""

    def count(self) -> int | None:
        """How many there are, None when that cannot be told now."""
        ...

    def have_passed(self, ends: Ends) -> bool:
        """Whether they have decided everything before ``ends``."""
        ...


class Marks:
    """Where a load stood after each of its steps, as long as somebody has to wait for it."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, Ends]] = deque()

    def add(self, until_ms: int, ends: Ends) -> Ends | None:
        """After a step: the ends that all scorers can come to now, if they are new.

        The step has shown the hour of ``until_ms`` on every partition; what lies before it is held by nobody.
        """
        hour_ms = until_ms - until_ms % TICK_EVERY_MS
        due: Ends | None = None
        while self._marks and self._marks[0][0] < hour_ms:
            due = self._marks.popleft()[1]
        self._marks.append((until_ms, ends))
        return due


class Abreast:
    """Called after each step of a load, while nothing is on its way to the broker. Blocking.

    ``ends`` asks where the input partitions end. ``alone`` counts steps after which the scorers did not
    follow within `PATIENCE_S`, and the load went on without them.
    """

    def __init__(
        self, group: Group, ends: Callable[[], Ends], clock: Callable[[], float] = monotonic
    ) -> None:
        self._group = group
        self._ends = ends
        self._clock = clock
        self._marks = Marks()
        self._counted_at: float | None = None
        self._several = False
        self.alone = 0

    def is_needed(self) -> bool:
        """Whether there are several scorers; asked once a second. Raises LogAway."""
        now = self._clock()
        if self._counted_at is None or now - self._counted_at >= COUNT_EVERY_S:
            self._counted_at = now
            count = self._group.count()
            self._several = self._several if count is None else count > 1
        return self._several

    def wait(self, until_ms: int, is_stopped: Callable[[], bool]) -> None:
        """Until the scorers have come as far as they can, or somebody stops the load. Raises LogAway."""
        due = self._marks.add(until_ms, self._ends())
        began = self._clock()
        while due is not None and not self._group.have_passed(due):
            if is_stopped():
                return
            if self._clock() - began >= PATIENCE_S:
                self.alone += 1
                return
            sleep(POLL_S)
