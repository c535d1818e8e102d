"""The promise on delivery, checked from the outside over everything that a portfolio's topics hold.

``python -m tests.faults.checker --bootstrap HOST:PORT --portfolio NAME`` looks at any running stack.

I1 every input is decided, captured or in dead letters, and what is not approved is flagged with its
vector; I2 one decision per transaction after dedupe; I3 copies under one release and state quality are the
same; I4 inputs equal a fold from scratch over the logs laid down from captures, which have no gap; I5
nothing is committed past a record without its outputs; I6 the lag is zero. (I7, audit and metrics against
the log, follows with the monitor.)
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import redis

from shared.bus.ports import Place
from shared.contracts.codec import DecodeError, decode_transaction
from shared.contracts.decisions import Decision, DecisionCore
from shared.contracts.ids import KIND_TRANSACTION, decision_id, prediction_id
from shared.features.kernels_plan import timeline_features_of
from shared.scoring.identity import core_bytes, core_hash, vector_hashes
from tests.faults.laid_logs import UNAVAILABLE, LaidLogs, Look
from tests.faults.read_back import Coordinates, Found, read_back

SHOWN: Final = 20
ORACLE_ROWS: Final = 60
ORACLE_RECORDS: Final = 150


@dataclass
class Report:
    """What was looked at and what is wrong; ``repeats`` are appends that came twice."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    inputs: int = 0
    decided: int = 0
    copies: int = 0
    folded: int = 0
    by_oracle: int = 0
    repeats: int = 0

    @property
    def is_good(self) -> bool:
        """Whether every invariant holds."""
        return not any(self.faults.values())

    def text(self) -> str:
        """The report as lines."""
        lines = [
            f"{self.inputs} inputs, {self.decided} transactions decided in {self.copies} copies",
            f"{self.folded} vectors folded again, {self.by_oracle} by the oracle; {self.repeats} repeats",
        ]
        for name, found in self.faults.items():
            lines.append(f"{name}: {'holds' if not found else f'{len(found)} faults'}")
            lines += [f"  {sentence}" for sentence in found[:SHOWN]]
        return "\n".join(lines)


def check(found: Found, look: Look | None = None) -> Report:
    """Look at everything; ``look`` reads the store's logs, to tell a copy nobody captured from a loss."""
    logs = LaidLogs(found, look)
    repeats = logs.repeats + logs.uncaptured_repeats
    report = Report(inputs=len(found.inputs), copies=len(found.decisions), repeats=repeats)
    report.decided = len({decision.tx_id for decision in found.decisions})
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "I1": lambda: chain(_unanswered(found), _flagged(found)),
        "I2": lambda: _one_decision(found),
        "I3": lambda: _same_copies(found),
        "I4": lambda: _vectors(found, logs, report),
        "I5": lambda: _committed_past(found),
        "I6": lambda: _lag(found),
    }
    report.faults = {name: list(look()) for name, look in checks.items()}
    return report


def _settled(found: Found) -> set[Coordinates]:
    """Coordinates of inputs that left something behind."""
    settled = {captured.place for captured in found.captures if _is_result(captured.row)}
    return settled | {(letter.topic, letter.partition, letter.offset) for letter in found.letters}


def _is_result(row: Mapping[str, Any]) -> bool:
    """A row of a payment that was only appended later (after Redis was away) is no result of it."""
    return row["kind"] != KIND_TRANSACTION or row["vector"] is not None


def _decided(found: Found) -> set[Coordinates]:
    topic = _transactions(found)
    return {(topic, decision.partition, decision.offset) for decision in found.decisions}


def _transactions(found: Found) -> str:
    return f"{found.features.portfolio_name}.transactions"


def _unanswered(found: Found) -> Iterator[str]:
    settled, decided = _settled(found), _decided(found)
    letters = {(letter.topic, letter.partition, letter.offset) for letter in found.letters}
    for place, taken in found.inputs.items():
        if not taken.value and taken.headers:
            continue  # a load's tick
        if place not in settled:
            yield f"{place} left neither a capture nor a dead letter"
        elif place[0] == _transactions(found) and place not in decided and place not in letters:
            yield f"{place} has no decision and is not in dead letters"


def _flagged(found: Found) -> Iterator[str]:
    actions = defaultdict(set)
    for decision in found.decisions:
        actions[decision.tx_id].add(decision.action)
    cores = {(decision.tx_id, decision.core_hash) for decision in found.decisions}
    flagged = {record.decision.tx_id for record in found.flagged}
    yield from (
        f"{tx_id} is not flagged"
        for tx_id in actions
        if "approve" not in actions[tx_id] and tx_id not in flagged
    )
    for record in found.flagged:
        decision = record.decision
        vector = np.array([[np.nan if value is None else value for value in record.features]])
        if (decision.tx_id, decision.core_hash) not in cores or decision.action == "approve":
            yield f"{decision.tx_id} is flagged by a decision that nobody made"
        if vector_hashes(vector)[0].tobytes().hex() != decision.vector_hash:
            yield f"{decision.tx_id} is flagged with another vector"


def _one_decision(found: Found) -> Iterator[str]:
    ids = {
        _tx_id(taken.value or b"")
        for place, taken in found.inputs.items()
        if place[0] == _transactions(found)
    }
    for decision in found.decisions:
        if decision.tx_id not in ids:
            yield f"a decision of {decision.tx_id}, which never came in"
        if decision.decision_id != decision_id(decision.portfolio, decision.tx_id):
            yield f"{decision.tx_id} has the decision id of another"
    inputs = defaultdict(set)
    for decision in found.decisions:
        inputs[decision.tx_id].add(decision.input_hash)
    yield from (f"{tx_id}: two bodies were decided" for tx_id, hashes in inputs.items() if len(hashes) > 1)


def _tx_id(raw: bytes) -> str | None:
    try:
        return decode_transaction(raw).tx_id
    except DecodeError:
        return None


def _same_copies(found: Found) -> Iterator[str]:
    cores: dict[tuple[str, int, str, int], str] = {}
    for decision in found.decisions:
        if core_hash(core_bytes(_core(decision))) != decision.core_hash:
            yield f"{decision.tx_id}: the core does not have its hash"
        # Redis lost twice while rebuilding gives two histories of one quality: the epoch tells them apart.
        name = (decision.tx_id, decision.release_seq, decision.state_quality, decision.epoch)
        if cores.setdefault(name, decision.core_hash) != decision.core_hash:
            yield f"{name}: two decisions differ"
    scores: dict[tuple[str, int, str], tuple[float, float]] = {}
    for p in found.predictions:
        if p.prediction_id != prediction_id(p.tx_id, p.model, p.model_version, p.feature_set, p.lane):
            yield f"{p.tx_id}: the prediction has another's id"
        key = (p.prediction_id, p.release_seq, p.state_quality)
        if p.state_quality == "rebuilding":
            continue
        if scores.setdefault(key, (p.raw_score, p.score)) != (p.raw_score, p.score):
            yield f"{p.tx_id}: two predictions differ"
    known = {(decision.tx_id, decision.core_hash) for decision in found.decisions}
    for captured in found.captures:
        row = captured.row
        if row["core_hash"] and (row["id"], row["core_hash"].hex()) not in known:
            yield f"{captured.place}: captured with a core that no decision has"


def _core(decision: Decision) -> DecisionCore:
    values = {name: getattr(decision, name) for name in DecisionCore.__struct_fields__}
    return msgspec.convert(values, DecisionCore)


def _vectors(found: Found, logs: LaidLogs, report: Report) -> Iterator[str]:
    yield from logs.faults
    if any(b"" in log for log in logs.logs.values()):
        return
    timeline = timeline_features_of(found.features.program).tolist()
    rows = [captured for captured in found.captures if captured.row["vector"] is not None]
    short = [captured for captured in rows if _is_short(captured.row)]
    sample = {id(captured) for captured in short[:: max(1, len(short) // ORACLE_ROWS)]}
    of_core = {d.core_hash: d.vector_hash for d in found.decisions}
    for captured in rows:
        told = np.array(captured.row["vector"])
        again = logs.vector(captured)
        report.folded += 1
        yield from _compare(captured.place, "a fold from scratch", found, told, again)
        if of_core.get(captured.row["core_hash"].hex()) != vector_hashes(told[None, :])[0].tobytes().hex():
            yield f"{captured.place}: the decision names another vector"
        if id(captured) in sample:
            plain = np.array(logs.oracle_vector(captured))
            report.by_oracle += 1
            yield from _compare(captured.place, "the oracle", found, told, plain, timeline)


def _is_short(row: Mapping[str, Any]) -> bool:
    """Whether the oracle, whose time grows with the square of a log, can look at this row."""
    return bool(row["state_quality"] != UNAVAILABLE and max(row["versions"]) < ORACLE_RECORDS)


def _compare(
    place: Coordinates,
    what: str,
    found: Found,
    told: np.ndarray,
    again: np.ndarray,
    only: Sequence[int] | None = None,
) -> Iterator[str]:
    names = found.features.names
    for j in range(len(names)) if only is None else only:
        if told[j] != again[j] and not (np.isnan(told[j]) and np.isnan(again[j])):
            yield f"{place} {names[j]}: captured {told[j]!r}, {what} gives {again[j]!r}"


def _committed_past(found: Found) -> Iterator[str]:
    settled, decided = _settled(found), _decided(found)
    letters = {(letter.topic, letter.partition, letter.offset) for letter in found.letters}
    for place, taken in found.inputs.items():
        is_past = place[2] < found.committed[Place(place[0], place[1])]
        if is_past and taken.value and place not in settled | decided | letters:
            yield f"{place} is committed and left nothing"


def _lag(found: Found) -> Iterator[str]:
    for place, end in found.ends.items():
        if found.committed[place] != end:
            yield f"{place.topic}/{place.partition}: committed {found.committed[place]} of {end}"


def store_look(redis_url: str) -> Look:
    """Reads logs of a running Redis."""
    client = redis.Redis.from_url(redis_url)
    return lambda key: bytes(client.get(key) or b"")  # type: ignore[arg-type]  # a synchronous client


def main(words: Sequence[str] | None = None) -> int:
    """Check one portfolio of a stack; 0 when all holds, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.checker", description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="host:port of the broker")
    parser.add_argument("--portfolio", required=True)
    parser.add_argument("--portfolio-file", type=Path, default=None)
    parser.add_argument("--data-dir", type=Path, default=Path(".assay"), help="where the timeline key lies")
    parser.add_argument("--redis-url", default="", help="explains indices that no capture names")
    told = parser.parse_args(words)
    found = read_back(told.bootstrap, told.portfolio, told.portfolio_file, told.data_dir)
    look = store_look(told.redis_url) if told.redis_url else None
    report = check(found, look)
    sys.stdout.write(report.text() + "\n")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
