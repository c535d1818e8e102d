"""What was captured and decided against what was recomputed: the first stage that differs, if any does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.verification import STAGES, Difference, Stage
from shared.features.hashing import Digests

from .logs import ANOTHER, GAP, MISSING, UNTRUSTED
from .recomputing import RELEASE_FIELDS, Again, Payments
from .records import FLAGS, hex_digests

Reals = NDArray[np.float64]
Mask = NDArray[np.bool_]

SAME: Final = len(STAGES)
"""The stage of a decision that is identical."""


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """What captures hold of n decisions, to be compared with and nothing else.

    ``is_there`` (n,), ``vectors`` (n, d), ``raw`` and ``score`` (n, lanes) with NaN behind a row's last lane,
    ``actions`` (n,), ``cores`` (n, 16).
    """

    is_there: Mask
    vectors: Reals
    raw: Reals
    score: Reals
    actions: NDArray[np.int64]
    cores: Digests


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """n decisions of one day: ``decided`` as the lake has them; ``faults`` (n,) of their bytes, "" none;
    ``status`` and ``at`` (n, e) of their logs; ``refusals`` why a release could not be loaded, by number."""

    decided: pl.DataFrame
    faults: Sequence[str]
    status: NDArray[np.uint8]
    at: NDArray[np.int64]
    payments: Payments
    again: Again
    captured: Captured
    refusals: dict[int, str]
    features: Sequence[str]
    entities: Sequence[str]


def stages(case: Case) -> NDArray[np.intp]:
    """The place in `STAGES` of the first stage that differs, `SAME` where none does, (n,)."""
    found = np.full(len(case.decided), SAME, np.intp)
    for stage in reversed(STAGES):
        found[_DIFFERS[stage](case)] = STAGES.index(stage)
    return found


def differences(case: Case, found: NDArray[np.intp], limit: int) -> Iterator[Difference]:
    """The first ``limit`` decisions that differ, each with what differs first in its stage."""
    for row in np.flatnonzero(found != SAME)[:limit].tolist():
        stage = STAGES[int(found[row])]
        what, told, again = _TELL[stage](case, row)
        yield Difference(
            tx_id=case.decided["tx_id"][row],
            event_time_ms=case.decided["event_time_ms"][row],
            stage=stage,
            what=what,
            told=told,
            again=again,
        )


def bits_differ(one: Reals, other: Reals) -> Mask:
    """Elementwise: other bits, all that is no number being alike."""
    same = one.view(np.int64) == other.view(np.int64)
    differ: Mask = ~(same | (np.isnan(one) & np.isnan(other)))
    return differ


def _input(case: Case) -> Mask:
    decided, payments = case.decided, case.payments
    bad = np.array([bool(fault) for fault in case.faults], np.bool_)
    bad |= decided["event_time_ms"].to_numpy() != payments.event_ms
    flags = _chosen([",".join(flags) for flags in FLAGS], payments.flags)
    return bad | _columns_differ(decided["flags"].list.join(","), flags)


def _chosen(texts: Sequence[str | None], which: NDArray[Any]) -> pl.Series:
    """The text of each place in ``texts``, (n,) of them: objects of Python would be three times the work."""
    return pl.Series(texts, dtype=pl.String).gather(which)


def _columns_differ(told: pl.Series, again: pl.Series) -> Mask:
    """Elementwise; two missing ones are alike."""
    found: Mask = told.ne_missing(again).to_numpy()
    return found


def _timeline(case: Case) -> Mask:
    status = np.bitwise_or.reduce(case.status, axis=1) if case.status.shape[1] else np.uint8(0)
    is_unsure = (status & (UNTRUSTED | GAP)) != 0
    found: Mask = ((status & (MISSING | ANOTHER)) != 0) | (is_unsure & _feature(case))
    return found


def _feature(case: Case) -> Mask:
    captured = case.captured
    found: Mask = captured.is_there & bits_differ(captured.vectors, case.payments.matrix).any(axis=1)
    found |= ~captured.is_there & _digests_differ(case.decided["vector_hash"], case.again.vectors)
    return found


def _model(case: Case) -> Mask:
    again = case.again
    return ~again.is_known | _scores_differ(case, "raw_score", case.captured.raw, again.raw)


def _calibration(case: Case) -> Mask:
    return _scores_differ(case, "score", case.captured.score, case.again.score)


def _scores_differ(case: Case, name: str, captured: Reals, again: Reals) -> Mask:
    """A lane's score in the capture, or the champion's in the decision, has other bits."""
    width = max(captured.shape[1], again.shape[1])
    there = case.captured.is_there
    found: Mask = there & bits_differ(_wide(captured, width), _wide(again, width)).any(axis=1)
    return found | bits_differ(_column(case.decided, name), _wide(again, 1)[:, 0].copy())


def _wide(values: Reals, width: int) -> Reals:
    made = np.full((len(values), width), np.nan)
    made[:, : min(width, values.shape[1])] = values[:, :width]
    return made


def _column(frame: pl.DataFrame, name: str) -> Reals:
    """A column of numbers that may be missing."""
    return frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()


def _policy(case: Case) -> Mask:
    decided, choices, verdict = case.decided, case.again.choices, case.again.verdict
    said = _chosen([",".join([v.action, *v.reasons]) for v in choices], verdict)
    reached = np.array([np.nan if v.threshold is None else v.threshold for v in choices])[verdict]
    told = decided["action"] + "," + decided["reasons"].list.join(",")
    found = _columns_differ(told.str.strip_chars_end(","), said)
    found |= bits_differ(_column(decided, "threshold"), reached)
    found |= case.captured.is_there & (case.captured.actions != case.again.actions())
    return found


def _core(case: Case) -> Mask:
    again, captured = case.again, case.captured
    found = _digests_differ(case.decided["core_hash"], again.cores)
    found |= _digests_differ(case.decided["vector_hash"], again.vectors)
    found |= _digests_differ(case.decided["decision_id"], again.ids)
    for name, told in _facts(case).items():
        found |= _columns_differ(case.decided[name], told)
    found |= captured.is_there & (captured.cores != again.cores).any(axis=1)
    return found


def _facts(case: Case) -> dict[str, pl.Series]:
    """Fields of the core that no earlier stage looked at, as recomputed: of the bytes, and of the release."""
    told = case.payments.told
    facts = {name: told[name] for name in ("account_id", "amount_minor", "currency")}
    seqs, which = np.unique(case.decided["release_seq"].to_numpy(), return_inverse=True)
    for name in RELEASE_FIELDS:
        facts[name] = _chosen([case.again.names.get(seq, {}).get(name) for seq in seqs.tolist()], which)
    return facts


def _digests_differ(told: pl.Series, again: Digests) -> Mask:
    """A column of hex digits against digests (n, k)."""
    found: Mask = (hex_digests(told) != again).any(axis=1)
    return found


_DIFFERS: Final = {
    "input": _input,
    "timeline": _timeline,
    "feature": _feature,
    "model": _model,
    "calibration": _calibration,
    "policy": _policy,
    "core": _core,
}

Told = tuple[str, str, str]


def _tell_input(case: Case, row: int) -> Told:
    if case.faults[row]:
        return (
            case.faults[row],
            str(case.decided["input_hash"][row]),
            _digest(case.payments.inputs, row),
        )
    decided, payments = case.decided, case.payments
    if decided["event_time_ms"][row] != payments.event_ms[row]:
        return "event_time_ms", str(decided["event_time_ms"][row]), str(payments.event_ms[row])
    return "flags", ",".join(decided["flags"][row]), ",".join(FLAGS[payments.flags[row]])


def _tell_timeline(case: Case, row: int) -> Told:
    words = {MISSING: "no record stands", ANOTHER: "another record stands", UNTRUSTED: "a bad record stands",
             GAP: "nobody captured the record"}  # fmt: skip  # one sentence
    for bit, word in words.items():
        for e in np.flatnonzero(case.status[row] & bit).tolist():
            version = case.decided["entity_versions"][row][e]
            return f"{case.entities[e]}: {word} at index {case.at[row, e]}", f"version {version}", ""
    return "timeline", "", ""


def _tell_feature(case: Case, row: int) -> Told:
    again = case.payments.matrix[row]
    if not case.captured.is_there[row]:
        return (
            "vector_hash",
            str(case.decided["vector_hash"][row]),
            _digest(case.again.vectors, row),
        )
    told = case.captured.vectors[row]
    k = int(np.flatnonzero(bits_differ(told, again))[0])
    return case.features[k], _bits(told[k]), _bits(again[k])


def _bits(value: float) -> str:
    return f"{float(value)!r} ({np.float64(value).view(np.uint64):016x})"


def _tell_model(case: Case, row: int) -> Told:
    seq = int(case.decided["release_seq"][row])
    if not case.again.is_known[row]:
        return f"release {seq}", "", case.refusals.get(seq, "is not in the chain")
    return _tell_scores(case, row, "raw_score", case.captured.raw, case.again.raw)


def _tell_calibration(case: Case, row: int) -> Told:
    return _tell_scores(case, row, "score", case.captured.score, case.again.score)


def _tell_scores(case: Case, row: int, name: str, captured: Reals, again: Reals) -> Told:
    width = max(captured.shape[1], again.shape[1], 1)
    told, found = _wide(captured[row : row + 1], width)[0], _wide(again[row : row + 1], width)[0]
    lanes = np.flatnonzero(bits_differ(told, found))
    if case.captured.is_there[row] and len(lanes):
        return f"lane {int(lanes[0])} {name}", _bits(told[lanes[0]]), _bits(found[lanes[0]])
    decided = _column(case.decided[row : row + 1], name)[0]
    return f"decision {name}", _bits(decided), _bits(found[0])


def _tell_policy(case: Case, row: int) -> Told:
    decided, verdict = case.decided, case.again.choices[case.again.verdict[row]]
    told = [decided["action"][row], *decided["reasons"][row], str(decided["threshold"][row])]
    return "answer", " ".join(told), " ".join([verdict.action, *verdict.reasons, str(verdict.threshold)])


def _tell_core(case: Case, row: int) -> Told:
    again = case.again
    for name, found in (
        ("vector_hash", again.vectors),
        ("decision_id", again.ids),
        ("core_hash", again.cores),
    ):
        told, text = str(case.decided[name][row]), _digest(found, row)
        if told != text:
            return name, told, text
    for name, facts in _facts(case).items():
        if case.decided[name][row] != facts[row]:
            return name, str(case.decided[name][row]), str(facts[row])
    return "captured core_hash", _digest(case.captured.cores, row), _digest(again.cores, row)


def _digest(digests: Digests, row: int) -> str:
    text: str = digests[row].tobytes().hex()
    return text


_TELL: Final = {
    "input": _tell_input,
    "timeline": _tell_timeline,
    "feature": _tell_feature,
    "model": _tell_model,
    "calibration": _tell_calibration,
    "policy": _tell_policy,
    "core": _tell_core,
}

__all__ = ["SAME", "Captured", "Case", "Stage", "bits_differ", "differences", "stages"]
