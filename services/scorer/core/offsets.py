"""The highest contiguous confirmed offset of a partition, and the note that belongs to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

import msgspec

from .merge import Shown


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a commit carries beside the offset: state that is a function of the records before it.

    ``mark_ms`` is the partition's running maximum of event time; ``load`` and ``shown_ms`` how far a load
    was seen; ``owed_from`` the first offset that was scored without state and is not yet appended.
    """

    mark_ms: int = 0
    load: str = ""
    shown_ms: int = -1
    owed_from: int = -1

    @property
    def shown(self) -> Shown | None:
        """The load seen last, if any."""
        return Shown(self.load, self.shown_ms) if self.load else None


def read_note(text: str) -> Note:
    """The note in a commit's metadata; other tools' texts (a reset by hand) stand for an empty one."""
    try:
        return msgspec.json.decode(text.encode(), type=Note)
    except msgspec.DecodeError:
        return Note()


Received = tuple[int, int, Shown | None]
"""A record's offset; the partition's mark and the load's progress once it is accepted."""


class OffsetTrack:
    """Offsets received in order, confirmed in any order; what may be committed is the unbroken prefix."""

    def __init__(self, next_offset: int, note: Note) -> None:
        self._received: deque[Received] = deque()
        self._confirmed: set[int] = set()
        self._shown = note.shown
        self.next_offset = next_offset
        self.mark_ms = note.mark_ms
        self.owed_from = note.owed_from
        # After a restart the debt may reach up to where we go on.
        self.owed_to = next_offset if note.owed_from >= 0 else -1

    def receive(self, taken: Iterable[Received]) -> None:
        """Records were taken, in the order of their offsets."""
        self._received.extend(taken)

    def confirm(self, offsets: Collection[int]) -> None:
        """The outputs of records received stand on the broker (or they need none); each is told once."""
        received, confirmed = self._received, self._confirmed
        if not confirmed and self._is_front(offsets):
            self._advance(len(offsets))
            return
        confirmed.update(offsets)
        while received and received[0][0] in confirmed:
            confirmed.discard(received[0][0])
            self._advance(1)

    def _is_front(self, offsets: Collection[int]) -> bool:
        """Whether ``offsets``, all of them received, are just the first ones: as many up to the same end."""
        count = len(offsets)
        return 0 < count <= len(self._received) and self._received[count - 1][0] == max(offsets)

    def _advance(self, count: int) -> None:
        received = self._received
        for _ in range(count - 1):
            received.popleft()
        offset, self.mark_ms, self._shown = received.popleft()
        self.next_offset = offset + 1

    def owe(self, offset: int) -> None:
        """This record was decided without being appended; the range of such offsets is kept."""
        if self.owed_from < 0 or offset < self.owed_from:
            self.owed_from = offset
        self.owed_to = max(self.owed_to, offset + 1)

    def paid(self, stop: int) -> None:
        """Everything before ``stop`` is appended."""
        if self.owed_to <= stop:
            self.owed_from = self.owed_to = -1
        else:
            self.owed_from = max(self.owed_from, stop)

    def note(self) -> Note:
        """The note for the prefix."""
        load, shown_ms = self._shown or Shown("", -1)
        return Note(self.mark_ms, load, shown_ms, self.owed_from)

    @property
    def outstanding(self) -> int:
        """Records received and not yet in the prefix."""
        return len(self._received)
