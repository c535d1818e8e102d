"""The steps of a run, each by commands on a running house: figures out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from tests.quality.figures import Column, Flip, Fold, Load, Parity, Proof, Spent, Week
from tests.quality.house import House
from tests.quality.spent import Meter
from tests.support import handbook
from tests.support.twin_worlds import compare, worlds

BEGIN: Final = datetime(2018, 4, 1)
END: Final = datetime(2018, 8, 15)
FIRST_TRAINING_DAY: Final = "2018-07-25"
AS_OF: Final = "2018-08-08"
"""Seven days of training end a label delay before the day on which labels are taken as known."""

FOLDS: Final = (("2018-07-25", "2018-08-08"), ("2018-08-01", "2018-08-15"), ("2018-08-08", "2018-08-22"))
"""First day of the protocol's training week, and the first test day, on which labels are taken as known."""
FOLDS_END: Final = datetime(2018, 8, 29)
PROVED: Final = ("2018-06-01", "2018-07-01")

FLIP_BEGIN: Final = datetime(2018, 6, 15)
FLIP_CUT: Final = datetime(2018, 8, 1)
"""From the first day on to the cut: longer than the widest window reaches back (37 days)."""

FLIP_TERMINALS: Final = 50
"""One terminal of so many is in the worlds, with all its payments."""

LABEL_DELAY: Final = "7d"


def load(house: House, end: datetime = END) -> tuple[Load, Spent]:
    """April to ``end`` through Kafka, labels after their delay, until all is decided and archived."""
    there = handbook.payments(BEGIN, end)["TX_FRAUD"]
    meter = Meter(house.pids())
    words = [
        "ingest",
        str(handbook.FOLDER),
        "--to",
        f"{end:%Y-%m-%d}",
        "--labels-after",
        LABEL_DELAY,
        "--wait",
    ]
    told = house.ask(*words, codes=(0, 1))
    found = loaded(told, len(there), int(there.sum()))
    return found, meter.spent()


def loaded(told: Any, in_files: int, frauds_in_files: int) -> Load:
    """What `assay ingest --wait` said of files with so many payments and frauds."""
    outcome = told["outcome"]
    return Load(
        in_files=in_files,
        frauds_in_files=frauds_in_files,
        payments=told["transactions"],
        labels=told["labels"],
        decisions=outcome["decisions"],
        refused=sum(told["refused"].values()) + sum(outcome["refused"].values()),
        sent_seconds=told["seconds"],
        seconds=outcome["seconds"],
        archived_seconds=outcome["archived_seconds"],
        per_second=outcome["per_second"],
    )


def parity(house: House) -> Parity:
    """Captured inputs against the published ones."""
    answer = house.ask("verify-parity", "--reference", str(handbook.REFERENCE), codes=(0, 1))
    report = answer["report"]
    rows: list[dict[str, Any]] = report["rows"]
    columns = [
        Column(c["column"], c["feature"], c["mismatches"] - c["swapped"], c["swapped"])
        for c in report["columns"]
    ]
    return Parity(
        in_reference=pq.read_metadata(handbook.REFERENCE).num_rows,
        compared=report["rows_compared"],
        without_capture=report["missing"],
        columns=columns,
        pairs=_pairs(rows),
        differing=[row["tx_id"] for row in rows if not row["pair_with"]],
        differing_rows=report["differing_rows"] - report["swapped_rows"],
    )


def _pairs(rows: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each pair once."""
    named = {tuple(sorted((row["tx_id"], row["pair_with"]))) for row in rows if row["pair_with"]}
    return [(one, other) for one, other in sorted(named)]


def week(house: House) -> Week:
    """The chapter 3 week, trained and scored from captures."""
    card, found = _trained(house, FIRST_TRAINING_DAY, AS_OF, "--days", "7")
    return Week(
        model=f"{card['name']} {card['version']}",
        trained_rows=card["rows"],
        trained_frauds=card["frauds"],
        train_rows=found["train_rows"],
        train_frauds=found["train_frauds"],
        test_rows=found["rows"],
        test_frauds=found["frauds"],
        auc_roc=found["auc_roc"],
        average_precision=found["average_precision"],
        card_precision_100=found["card_precision_100"],
        published={name: (row[0], row[1], row[2]) for name, row in found["published"].items()},
    )


def _trained(house: House, first_training_day: str, as_of: str, *words: str) -> tuple[Any, Any]:
    """The card of a model trained as told, and what it is worth on the protocol's test week."""
    card = house.ask("train", "--as-of", as_of, *words)["card"]
    protocol = ["--protocol", "handbook", "--from", first_training_day]
    # No draws: nobody reads the intervals here.
    return card, house.ask("evaluate", "--model", card["artefact"], *protocol, "--samples", "0")


def folds(house: House) -> list[Fold]:
    """The three test weeks, each by a model of the portfolio's own recipe, trained on captures."""
    return [_fold(house, first, as_of) for first, as_of in FOLDS]


def _fold(house: House, first_training_day: str, as_of: str) -> Fold:
    card, found = _trained(house, first_training_day, as_of)
    (model,) = found["evaluation"]["models"]
    every, strict = (model["thresholds"][name]["metrics"] for name in ("every_event", "strict"))
    return Fold(
        first_training_day=first_training_day,
        model=f"{card['name']} {card['version']}",
        trained_rows=card["rows"],
        test_rows=found["rows"],
        test_frauds=found["frauds"],
        auc_roc=found["auc_roc"],
        average_precision=found["average_precision"],
        card_precision_100=found["card_precision_100"],
        adr=every["adr_ratio"]["value"],
        vdr=every["vdr_ratio"]["value"],
        adr_strict=strict["adr_ratio"]["value"],
        vdr_strict=strict["vdr_ratio"]["value"],
    )


def proof(house: House) -> Proof:
    """Every decision of a month made again from raw bytes and the append log."""
    began, end = PROVED
    told = house.ask("verify", "--from", began, "--to", end, codes=(0, 1))
    return Proof(told["decisions"], told["identical"], told["seconds"])


def flip(house: House) -> Flip:
    """Two worlds of some terminals that differ in labels nobody may know yet, loaded labels first."""
    some = pl.col("TERMINAL_ID") % FLIP_TERMINALS == 0
    made = worlds(handbook.payments(FLIP_BEGIN, END).filter(some), FLIP_CUT)
    folder = house.folder / "worlds"
    folder.mkdir()
    files = {name: folder / f"{name}.parquet" for name in ("first", "rest", "labels")}
    for name, path in files.items():
        getattr(made, name).write_parquet(path)
    house.ask("ingest", str(files["first"]), "--labels", str(files["labels"]), "--wait")
    house.ask("ingest", str(files["rest"]), "--no-labels", "--wait")
    begin = made.first[handbook.TIME].dt.date().min()
    captures = _captures(house, folder / "captures.parquet", str(begin))
    names = [row["name"] for row in house.ask("features", "list")]
    moved = compare(captures, names, made.cut)
    return Flip(made.flipped, moved.before, moved.moved_before, moved.after, moved.moved_after)


def _captures(house: House, out: Path, begin: str) -> pl.DataFrame:
    house.ask("export", "captures", "--from", begin, "--out", str(out))
    return pl.read_parquet(out)
