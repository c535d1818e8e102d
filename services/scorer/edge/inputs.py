"""What comes in: messages of three topics become items in event-time order; offsets and marks are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from msgspec.json import encode

from services.scorer.core.intake import Item, Read, Tick
from services.scorer.core.merge import Barrier, Shown, live_order
from services.scorer.core.offsets import Note, OffsetTrack, read_note
from services.scorer.core.reading import read_each
from shared.bus.ports import Committed, Consumer, Message, Place, Run
from shared.contracts.outcome import Dead
from shared.features.lateness import Limits

HELD_HIGH = 1_000
"""A partition of a load that holds more than this and is not the slowest is not fetched for a while."""

LOAD_TAKE = 1_000


@dataclass(slots=True)
class Intake:
    """One take: items in event-time order, and messages that are refused."""

    items: list[Item] = field(default_factory=list)
    refused: list[tuple[Message, Dead]] = field(default_factory=list)


class Inputs:
    """Takes, reads, orders; knows for each partition what was received and what is confirmed."""

    def __init__(self, kinds: Mapping[str, int], limits: Limits) -> None:
        self._kinds = kinds
        self._limits = limits
        self._barrier = Barrier()
        self._marks: dict[Place, int] = {}
        self._shown: dict[Place, Shown | None] = {}
        self._paused: set[Place] = set()
        self._ready: list[Item] = []
        self.tracks: dict[Place, OffsetTrack] = {}
        self.received = 0

    def assign(self, committed: Mapping[Place, Committed | None]) -> None:
        """These partitions are ours from their committed offsets on; all that was held is forgotten."""
        notes = {place: read_note(found.note) if found else Note() for place, found in committed.items()}
        self.tracks = {
            place: OffsetTrack(found.offset if found else -1, notes[place])
            for place, found in committed.items()
        }
        self._marks = {place: note.mark_ms for place, note in notes.items()}
        self._shown = {place: note.shown for place, note in notes.items()}
        self._barrier.assign({(p.topic, p.partition): shown for p, shown in self._shown.items()})
        self._paused = set()
        self._ready = []

    def revoke(self) -> None:
        """Nothing is ours any more; new owners read on from the committed offsets."""
        self.assign({})

    @property
    def loading(self) -> bool:
        """Whether a load is under way on what is assigned."""
        return self._barrier.loading

    @property
    def held(self) -> int:
        """Records of a load that wait for what other partitions show."""
        return self._barrier.held()

    @property
    def waiting(self) -> int:
        """Records taken that wait for the barrier or for their batch."""
        return self.held + len(self._ready)

    async def take(self, consumer: Consumer, limit: int, wait_ms: int) -> Intake:
        """At most ``limit`` items, and what was refused. Raises LogAway."""
        intake = Intake()
        self._free(limit)
        # What a load holds free is used up first: fetching on would only heap records up.
        if len(self._ready) < limit:
            self._throttle(consumer)
            runs = await consumer.take(LOAD_TAKE if self.loading else limit, wait_ms)
            self._ready += live_order(self._read(runs, intake))
            self._free(limit)
        intake.items, self._ready = self._ready[:limit], self._ready[limit:]
        return intake

    def _free(self, limit: int) -> None:
        if self._barrier.loading and len(self._ready) < limit:
            self._ready += self._barrier.release(limit - len(self._ready))

    def _read(self, runs: Sequence[Run], intake: Intake) -> list[Item]:
        live: list[Item] = []
        for place, messages in runs:
            # Of a partition that is not ours the committed offset decides where its owner goes on.
            if place in self.tracks:
                self._read_run(place, messages, intake, live)
        return live

    def _read_run(self, place: Place, messages: Sequence[Message], intake: Intake, live: list[Item]) -> None:
        reading = read_each(self._kinds[place.topic], messages, self._marks[place], self._limits)
        track = self.tracks[place]
        offsets = [message.offset for message in messages]
        if reading.live is not None:
            live += reading.live
            track.receive(zip(offsets, reading.marks, repeat(self._shown[place]), strict=False))
        else:
            pairs = list(zip(messages, reading.values, strict=True))
            shown = [self._sort(place, message, value, intake, live) for message, value in pairs]
            track.receive(zip(offsets, reading.marks, shown, strict=True))
            track.confirm([message.offset for message, value in pairs if isinstance(value, Tick)])
        self._marks[place] = reading.marks[-1]
        self.received += len(messages)

    def _sort(
        self, place: Place, message: Message, value: Read, intake: Intake, live: list[Item]
    ) -> Shown | None:
        """Puts what a message holds where it belongs; how far a load is shown on its partition then."""
        if isinstance(value, Tick):
            self._shown[place] = self._barrier.tick(place, value.load, value.reached_ms)
        elif isinstance(value, Dead):
            intake.refused.append((message, value))
        elif value.load is None:
            live.append(value)
        else:
            self._shown[place] = self._barrier.hold(place, value)
        return self._shown[place]

    def _throttle(self, consumer: Consumer) -> None:
        full = {Place(*place) for place in self._barrier.overfull(HELD_HIGH)} if self.loading else set()
        if full - self._paused:
            consumer.pause(full - self._paused)
        if self._paused - full:
            consumer.resume(self._paused - full)
        self._paused = full

    def committable(self) -> dict[Place, Committed]:
        """Next offset and note of each partition that has a confirmed prefix."""
        return {
            place: Committed(track.next_offset, encode(track.note()).decode())
            for place, track in self.tracks.items()
            if track.next_offset >= 0
        }

    def owed(self) -> dict[Place, tuple[int, int]]:
        """Ranges [from, to) of offsets that were scored without state."""
        return {
            place: (track.owed_from, track.owed_to)
            for place, track in self.tracks.items()
            if 0 <= track.owed_from < track.owed_to
        }

    @property
    def outstanding(self) -> int:
        """Records received whose outputs are not yet confirmed."""
        return sum(track.outstanding for track in self.tracks.values())
