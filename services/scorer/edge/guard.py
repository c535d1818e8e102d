"""The guard around our own code: a record it fails on is tried three times alone, then goes to dead letters.

When more than 5 % of the last 1,000 records are such failures it is we who are bad, not the data: the
worker stops with nothing committed (style.md, rule 3).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .outputs import Outputs

ATTEMPTS = 3
WINDOW = 1_000
SHARE_LIMIT = 0.05
DOUBT_NS = 2_000_000_000


class TooManyBugs(Exception):
    """Our code fails on too many records to go on."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that our code raised ``error`` on; ``appended`` are its captures if it came that far."""

    error: str
    appended: Outputs | None


class BugRate:
    """Failures among the last records handled."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, int]] = deque()
        self._records = 0
        self._bugs = 0
        self._failed_ns: int | None = None

    def handled(self, records: int) -> None:
        """``records`` went through."""
        self._add(records, 0)

    def failed(self, now_ns: int) -> None:
        """One record failed for good. Raises TooManyBugs."""
        self._failed_ns = now_ns
        self._add(1, 1)
        if self._bugs > SHARE_LIMIT * WINDOW:
            raise TooManyBugs(f"{self._bugs} of the last {self._records} records")

    def doubtful(self, now_ns: int) -> bool:
        """Whether too large a share failed, and a moment ago: the next failure may be the one to stop at."""
        is_fresh = self._failed_ns is not None and now_ns - self._failed_ns < DOUBT_NS
        return is_fresh and self._bugs > SHARE_LIMIT * self._records

    def _add(self, records: int, bugs: int) -> None:
        self._marks.append((records, bugs))
        self._records += records
        self._bugs += bugs
        while self._marks and self._records - self._marks[0][0] >= WINDOW:
            records, bugs = self._marks.popleft()
            self._records -= records
            self._bugs -= bugs
