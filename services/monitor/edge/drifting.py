"""Closes drift windows: rows and the captures' offsets in one transaction, then forgets the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.monitor.core.sampling import Sample, Sampler
from services.monitor.core.windows import Judged, window_rows
from shared.bus.ports import Message, Place
from shared.runtime.logs import get_logger

from .champions import Champions, name_of
from .tables import MonitorTables

log = get_logger("monitor.drifting")

GRACE_MS: Final = 5_000


@dataclass(slots=True)
class Drifting:
    """The samples of captures, and whom they are compared with. `close` blocks; calls come one at a time."""

    sampler: Sampler
    champions: Champions

    def see(self, place: Place, messages: Sequence[Message]) -> dict[str, int]:
        """Sample ``messages``; what was refused, by reason code."""
        return self.sampler.add(place, messages, [message.offset for message in messages])

    def due(self, now_ms: int, behind: Mapping[Place, bool]) -> list[int]:
        """Windows that can be closed."""
        return self.sampler.due(now_ms, behind, GRACE_MS)

    def close(self, window_ms: int, tables: MonitorTables) -> dict[Place, int]:
        """Write the window and move on; the next offset of each place. Raises DatabaseAway: nothing is
        lost."""
        rows = window_rows(window_ms, self.sampler.width_ms, self._judged(self.sampler.read(window_ms)))
        ends = self.sampler.kept_from(window_ms)
        tables.write_window(rows, ends)
        self.sampler.close(window_ms)
        log.info("window_closed", at_ms=window_ms, rows=len(rows))
        return ends

    def _judged(self, samples: Mapping[int, Sample]) -> list[Judged]:
        """By model: two releases with one champion are one sample."""
        found: dict[str, Judged] = {}
        for seq, sample in sorted(samples.items()):
            model = self.champions.by_seq.get(seq)
            reference = self.champions.reference(model) if model is not None else None
            if model is None or reference is None:
                continue
            one = found.setdefault(name_of(model), Judged(name_of(model), reference, []))
            one.samples.append(sample)
        return list(found.values())
