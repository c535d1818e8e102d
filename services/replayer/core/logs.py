"""Logs laid down again from their places, and folded to the version that each decision saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.capture import REPEAT_SHIFT
from shared.features.whole_logs import ABSENT, Asks, LogWalker

from .laying import ID_WORD, LOG, unworded

Integers = NDArray[np.int64]

INDICES: Final = 1 << REPEAT_SHIFT
"""More than any log has."""

WHOLE: Final = 0
MISSING: Final = 1
ANOTHER: Final = 2
UNTRUSTED: Final = 4
GAP: Final = 8
"""Of a decision and a log, as bits: no record stands at its version, or another one; below it a record is not
what was captured, or an index is captured nowhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """u logs of ``names``, sorted: the row at each index in ``steps``, each log from ``starts`` (u + 1,) on.

    ``rows`` (r, W); ``bad`` (s,) marks steps that cannot be trusted; ``gaps`` (s,) those that are absent and
    that nobody can name.
    """

    names: pl.DataFrame
    rows: Integers
    steps: Integers
    starts: Integers
    bad: NDArray[np.bool_]
    gaps: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What q asks of one entity gave: decision ``numbers`` (q,), ``matrix`` (q, d), ``status`` (q,) bits, the
    index ``at`` (q,) that the status speaks of, ``times`` and ``amounts`` (q,) of the payments' own rows as
    their logs have them, meaningful where ``is_kept`` (q,) and nothing is missing."""

    entity: int
    numbers: Integers
    matrix: NDArray[np.float64]
    status: NDArray[np.uint8]
    at: Integers
    times: Integers
    amounts: Integers
    is_kept: NDArray[np.bool_]


def lay_down(
    places: pl.DataFrame, asks: pl.DataFrame, rebuilding: Sequence[int], unread: pl.DataFrame
) -> Laid:
    """Every log that has places or is asked about.

    An epoch begins with the first copies of the epochs before it, in their order, unless it is one of
    ``rebuilding``, which began empty. ``unread``: (entity, epoch, index) of records without readable bytes.
    """
    names = pl.concat([places.select(LOG), asks.select(LOG)]).unique().sort(LOG)
    names = names.with_columns(log=pl.int_range(pl.len(), dtype=pl.Int64))
    stand = _standing(places.join(names, on=LOG), has_epochs=names["epoch"].n_unique() > 1)
    log, index = stand["log"].to_numpy(), stand["index"].to_numpy()
    rows = unworded(stand)
    lengths = np.zeros(len(names), np.int64)
    np.maximum.at(lengths, log, index + 1)
    bases = _bases(names, log, rows, rebuilding)
    for k, base in bases.items():
        lengths[k] = max(lengths[k], len(base))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    steps = np.full(int(starts[-1]), ABSENT, np.int64)
    for k, base in bases.items():
        steps[starts[k] : starts[k] + len(base)] = base
    steps[starts[log] + index] = np.arange(len(rows))
    absent = steps == ABSENT
    bad = np.zeros(len(steps), np.bool_)
    bad[~absent] = stand["fault"].to_numpy()[steps[~absent]] != 0
    named = _named(names, starts, absent, unread)
    return Laid(names, rows, steps, starts, bad | named, absent & ~named)


def _standing(places: pl.DataFrame, *, has_epochs: bool) -> pl.DataFrame:
    """The line that is right at each index of each log; where there are epochs, in the order of logs."""
    at = places["log"] * INDICES + places["index"]
    if not has_epochs and at.n_unique() == len(at):
        return places
    ordered = places.sort("log", "index", "tier", "order")
    return ordered.unique(["log", "index"], keep="first", maintain_order=True)


def _bases(
    names: pl.DataFrame, log: Integers, rows: Integers, rebuilding: Sequence[int]
) -> dict[int, list[int]]:
    """Rows that an epoch was laid down with, by the log's number; only those that have any."""
    found: dict[int, list[int]] = {}
    epochs = names["epoch"].to_numpy()
    if not len(epochs) or epochs.min() == epochs.max():
        return found
    ends = np.searchsorted(log, np.arange(len(names) + 1))
    same = (names["entity"].diff() == 0) & (names["own"] == names["own"].shift())
    first: dict[int, int] = {}
    for k, is_same in enumerate(same.fill_null(value=False).to_list()):
        if not is_same:
            first.clear()
        elif int(epochs[k]) not in rebuilding:
            found[k] = list(first.values())
        for row in range(ends[k], ends[k + 1]):
            first.setdefault(int(rows[row, ID_WORD]), row)
    return found


def _named(
    names: pl.DataFrame, starts: Integers, absent: NDArray[np.bool_], unread: pl.DataFrame
) -> NDArray[np.bool_]:
    """Which absent steps are of records whose bytes are not there."""
    found = np.zeros(len(absent), np.bool_)
    steps = np.flatnonzero(absent)
    if not len(steps) or not unread.height:
        return found
    log = np.searchsorted(starts, steps, side="right") - 1
    line: dict[str, Any] = {"step": steps, "log": log, "index": steps - starts[log]}
    places = (
        pl.DataFrame(line).join(names, on="log").join(unread, on=["entity", "epoch", "index"], how="semi")
    )
    found[places["step"].to_numpy()] = True
    return found


def answer(laid: Laid, asks: pl.DataFrame, walker: LogWalker) -> list[Answers]:
    """What every ask gives, entity by entity. ``asks`` as `laying.asks` makes them."""
    asked = asks.join(laid.names, on=LOG)
    version = asked["version"].to_numpy()
    asked = asked.with_columns(after=np.where(version >= 0, version + 1, -2 - version))
    asked = asked.sort("log", "after")
    bounds = np.searchsorted(laid.names["entity"].to_numpy(), np.arange(walker.entities + 1))
    log = asked["log"].to_numpy()
    cuts = np.searchsorted(log, bounds)
    return [
        _answer(laid, asked[int(cuts[e]) : int(cuts[e + 1])], e, (int(bounds[e]), int(bounds[e + 1])), walker)
        for e in range(walker.entities)
        if cuts[e] < cuts[e + 1]
    ]


def _answer(
    laid: Laid, asked: pl.DataFrame, entity: int, logs: tuple[int, int], walker: LogWalker
) -> Answers:
    log, after, version = (asked[name].to_numpy() for name in ("log", "after", "version"))
    own = unworded(asked)
    start, stop = laid.starts[log], laid.starts[log + 1]
    is_kept = version >= 0
    # A version of -1 says that the payment has no such entity, and here it has one.
    is_missing = (after < 0) | (start + after > stop)
    at = np.where(is_missing, 0, start + after - 1)
    step = np.where(is_kept & ~is_missing, laid.steps[at] if len(laid.steps) else ABSENT, ABSENT)
    is_missing |= is_kept & (step == ABSENT)
    stands = is_kept & ~is_missing
    is_another = np.zeros(len(asked), np.bool_)
    is_another[stands] = laid.rows[step[stands], ID_WORD] != own[stands, ID_WORD]
    own[stands] = laid.rows[step[stands]]
    status = is_missing * np.uint8(MISSING) | is_another * np.uint8(ANOTHER)
    where = np.where(is_missing | is_another, version, -1)
    for bit, marked in ((UNTRUSTED, laid.bad), (GAP, laid.gaps)):
        first = _first(marked, start, start + np.where(is_missing, 0, after))
        status |= (first >= 0) * np.uint8(bit)
        where = np.where((where < 0) & (first >= 0), first, where)
    good = np.flatnonzero(~is_missing)
    matrix = np.full((len(asked), walker.features), np.nan)
    if len(good):
        matrix[good] = _walk(laid, log[good], after[good], is_kept[good], own[good], entity, logs, walker)
    numbers = asked["number"].to_numpy()
    return Answers(entity, numbers, matrix, status, where, own[:, 0].copy(), own[:, 1].copy(), stands)


def _walk(
    laid: Laid,
    log: Integers,
    after: Integers,
    is_kept: NDArray[np.bool_],
    own: Integers,
    entity: int,
    logs: tuple[int, int],
    walker: LogWalker,
) -> NDArray[np.float64]:
    """The features of asks that are sorted by log and moment, of the logs from ``logs[0]`` to ``logs[1]``."""
    first, end = logs
    starts = np.searchsorted(log, np.arange(first, end + 1))
    edges = laid.starts[first : end + 1]
    steps = laid.steps[edges[0] : edges[-1]]
    asks = Asks(after, is_kept, own, starts.astype(np.int64))
    return walker.walk(entity, laid.rows, steps, edges - edges[0], asks)


def _first(marked: NDArray[np.bool_], start: Integers, stop: Integers) -> Integers:
    """The first marked step of each stretch, counted from its start; -1 where there is none."""
    at = np.flatnonzero(marked)
    if not len(at):
        return np.full(len(start), -1, np.int64)
    k = np.minimum(np.searchsorted(at, start), len(at) - 1)
    found = (at[k] >= start) & (at[k] < stop)
    return np.where(found, at[k] - start, -1)
