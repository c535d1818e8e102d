"""One verification from its first day to its answer: lay down, fold, compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from shared.contracts.models import Release
from shared.contracts.verification import STAGES, BadRecord, Difference, Verified, VerifyProgress

from .said import SHOWN, DayCompared, DayLaid, Loaded, Survey, part_name
from .workers import Call, Workers

Say = Callable[[VerifyProgress], None]

LOOKING: Final = "looking"
LAYING: Final = "laying logs down"
FOLDING: Final = "folding"
COMPARING: Final = "comparing"


@dataclass
class Verification:
    """The parts of a run, and what it has found so far. ``monotonic`` gives seconds.

    It runs beside the processes that work, on their processors: what it needs of libraries is little.
    """

    portfolio: str
    chain: Sequence[Release]
    workers: Workers
    processes: int
    say: Say
    monotonic: Callable[[], float]
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, times: tuple[int | None, int | None], part_rows: int, bucket_places: int) -> Verified:
        """Verify. Raises LakeAway."""
        began = self.monotonic()
        (there,) = self._timed(LOOKING, [("survey", (part_rows,))])
        buckets = max(2 * self.processes, -(-there.places // bucket_places))
        rates = {release.seq: release.content.rates_ppm for release in self.chain}
        laid: list[DayLaid] = self._timed(
            LAYING, [("lay_day", (some, k, buckets, rates)) for k, some in enumerate(there.days)]
        )
        offsets = self._offsets(laid)
        decisions = sum(day.decisions for day in laid)
        gaps, models = 0, list[str]()
        compared: list[DayCompared] = []
        if decisions:
            named = self._named(laid)
            loaded, gaps = self._fold(laid, offsets, buckets, named, there)
            models = loaded.models
            compared = self._compare(there.days, laid, offsets, (named, loaded))
        return self._answer(times, laid, compared, models, gaps, self.monotonic() - began)

    def _offsets(self, laid: Sequence[DayLaid]) -> dict[str, int]:
        """The number of the first decision of each day."""
        found, before = {}, 0
        for number, day in enumerate(laid):
            found[part_name(number)] = before
            before += day.decisions
        return found

    def _named(self, laid: Sequence[DayLaid]) -> list[Release]:
        """The releases that decided, of those that are in the chain."""
        named = {seq for day in laid for seq in day.releases}
        return [release for release in self.chain if release.seq in named]

    def _fold(
        self,
        laid: Sequence[DayLaid],
        offsets: dict[str, int],
        buckets: int,
        named: list[Release],
        there: Survey,
    ) -> tuple[Loaded, int]:
        """Fold every share, and admit the models meanwhile; what became of these, and the gaps."""
        self._do("make_tables", sum(day.decisions for day in laid), there)
        rebuilding = sorted({epoch for day in laid for epoch in day.rebuilding})
        unread = [place for day in laid for place in day.unread]
        calls: list[Call] = [("load", (named,))]
        calls += [("fold_bucket", (bucket, offsets, rebuilding, unread)) for bucket in range(buckets)]
        loaded, *gaps = self._timed(FOLDING, calls)
        return loaded, sum(gaps)

    def _compare(
        self,
        days: Sequence[Sequence[date]],
        laid: Sequence[DayLaid],
        offsets: dict[str, int],
        releases: tuple[list[Release], Loaded],
    ) -> list[DayCompared]:
        return self._timed(
            COMPARING,
            [
                ("compare_day", (some, k, offsets[part_name(k)], *releases))
                for k, some in enumerate(days)
                if laid[k].decisions
            ],
        )

    def _do(self, step: str, *arguments: Any) -> Any:
        """The result of one call that nobody waits to hear about."""
        ((_, result),) = self.workers.run([(step, arguments)])
        return result

    def _timed(self, stage: str, calls: Sequence[Call]) -> list[Any]:
        """The results in the order of ``calls``."""
        began = self.monotonic()
        results: dict[int, Any] = {}
        self.say(VerifyProgress(stage=stage, done=0, total=len(calls)))
        for k, result in self.workers.run(calls):
            results[k] = result
            self.say(VerifyProgress(stage=stage, done=len(results), total=len(calls)))
        self.seconds[stage] = round(self.monotonic() - began, 3)
        return [results[k] for k in range(len(calls))]

    def _answer(
        self,
        times: tuple[int | None, int | None],
        laid: Sequence[DayLaid],
        compared: Sequence[DayCompared],
        models: list[str],
        gaps: int,
        seconds: float,
    ) -> Verified:
        counts: Counter[str] = Counter()
        for day in compared:
            counts.update(day.stages)
        differences: list[Difference] = [d for day in compared for d in day.differences]
        bad: list[BadRecord] = [record for day in laid for record in day.bad]
        return Verified(
            portfolio=self.portfolio,
            from_ms=times[0],
            to_ms=times[1],
            decisions=sum(day.decisions for day in laid),
            identical=sum(day.identical for day in compared),
            stages={stage: counts[stage] for stage in STAGES if counts[stage]},
            differences=differences[:SHOWN],
            bad_record_count=sum(day.bad_count for day in laid),
            bad_records=bad[:SHOWN],
            gaps=gaps,
            records=sum(day.records for day in laid),
            releases=sorted({seq for day in laid for seq in day.releases}),
            models=models,
            processes=self.processes,
            seconds=round(seconds, 3),
            stage_seconds=self.seconds,
        )
