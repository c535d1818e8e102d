"""`make quality` fails on what it promises to fail on, and says what it found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.quality.figures import Column, Figures, Flip, Fold, Load, Parity, Proof, SecondSchema, Week
from tests.quality.verdicts import (
    AP_CEILING,
    AP_FLOOR,
    PER_SECOND_LEVEL,
    PROVED_PER_SECOND,
    TEST,
    TRAIN,
    checks,
)

LOAD = Load(
    in_files=1_000,
    frauds_in_files=10,
    payments=1_000,
    labels=10,
    decisions=1_000,
    refused=0,
    sent_seconds=0.05,
    seconds=0.1,
    archived_seconds=0.2,
    per_second=float(PER_SECOND_LEVEL),
)
PARITY = Parity(
    in_reference=50,
    compared=50,
    without_capture=0,
    columns=[Column("COUNT", "count", 0, 2), Column("MEAN", "mean", 0, 0)],
    pairs=[("tx-1", "tx-2")],
    differing=[],
    differing_rows=0,
)
WEEK = Week("m 1", *TRAIN, *TRAIN, *TEST, 0.88, 0.64, 0.29, {"XGBoost": (0.862, 0.639, 0.273)})
FLIP = Flip(flipped=5, before=20, moved_before=0, after=10, moved_after=3)
FOLD = Fold("2018-07-25", "m 1", 40_000, 58_264, 385, 0.89, 0.752, 0.307, 0.76, 0.87, 0.7, 0.8)
PROOF = Proof(decisions=50_000, identical=50_000, seconds=50_000 / PROVED_PER_SECOND)
SECOND = SecondSchema("m 1", 180_000, 2_300, 75_788, 571, 0.97, 0.985, [])
GOOD = Figures(LOAD, None, PARITY, WEEK, FLIP, None, PARITY, [FOLD, FOLD, FOLD], PROOF, LOAD, SECOND)


def _judged(figures: Figures) -> dict[str, str]:
    return {check.what: check.judgement for check in checks(figures) if check.judgement != "ok"}


def test_good_figures_pass_with_same_second_pairs_in_them() -> None:
    assert _judged(GOOD) == {}
    assert len(checks(GOOD)) == 26


@pytest.mark.parametrize(
    ("weaker", "judged"),
    [
        ({"average_precision": 0.74}, {"AP, chapter 3 week": "below"}),
        ({"average_precision": 0.70}, {"AP, mean of the folds": "FAULT", "AP, chapter 3 week": "below"}),
        ({"average_precision": AP_CEILING + 0.01}, {"AP, mean of the folds": "FAULT"}),
        ({"card_precision_100": 0.30}, {"CP@100, mean of the folds": "FAULT"}),
        ({"adr": 0.71, "vdr": 0.82}, {"accounts caught (ADR)": "below", "money caught (VDR)": "below"}),
    ],
)
def test_a_recipe_that_is_weaker_or_leaks(weaker: dict[str, float], judged: dict[str, str]) -> None:
    fold = replace(FOLD, **weaker)  # type: ignore[arg-type]  # only numbers are named
    assert _judged(Figures(folds=[fold, fold, fold])) == judged


def test_a_decision_that_does_not_come_out_again() -> None:
    one_less = replace(PROOF, identical=PROOF.decisions - 1, seconds=PROOF.seconds * 2)
    assert _judged(Figures(proof=one_less)) == {
        "decisions made again, identical": "FAULT",
        "  a second": "below",
    }


def test_steps_that_were_not_reached_are_not_judged() -> None:
    assert checks(Figures()) == []


@pytest.mark.parametrize(
    ("load", "what"),
    [
        (replace(LOAD, decisions=999), "payments decided"),
        (replace(LOAD, labels=9), "labels sent"),
        (replace(LOAD, refused=1), "rows refused"),
    ],
)
def test_a_load_that_is_not_whole(load: Load, what: str) -> None:
    assert _judged(Figures(load=load)) == {what: "FAULT"}


def test_a_slow_machine_is_told_and_not_failed() -> None:
    slow = replace(LOAD, per_second=PER_SECOND_LEVEL - 1.0)
    assert _judged(Figures(load=slow)) == {"payments/s": "below"}


def test_one_mismatch_or_one_row_missing() -> None:
    wrong = replace(PARITY, columns=[Column("COUNT", "count", 1, 2)])
    assert _judged(Figures(parity=wrong)) == {"mismatches in 1 columns": "FAULT"}
    assert list(_judged(Figures(parity=replace(PARITY, compared=49)))) == ["rows of the reference compared"]
    assert _judged(Figures(parity_of_two=wrong)) == {"mismatches in 1 columns, two scorers": "FAULT"}


@pytest.mark.parametrize(
    ("week", "what"),
    [
        (replace(WEEK, trained_rows=67_239), "training rows / frauds, trainer"),
        (replace(WEEK, train_frauds=599), "training rows / frauds, protocol"),
        (replace(WEEK, test_frauds=384), "test rows / frauds"),
        (replace(WEEK, average_precision=AP_FLOOR - 0.001), "average precision"),
        (replace(WEEK, average_precision=AP_CEILING + 0.001), "average precision"),
        (replace(WEEK, average_precision=float("nan")), "average precision"),
    ],
)
def test_another_week_than_the_published_one_or_a_bad_precision(week: Week, what: str) -> None:
    assert _judged(Figures(week=week)) == {what: "FAULT"}


def test_a_leak_is_named() -> None:
    leaking = checks(Figures(week=replace(WEEK, average_precision=0.93)))
    assert leaking[-1].found == "0.9300 (a label leak)"


def test_a_flip_that_moves_an_input_and_one_that_can_move_none() -> None:
    moved = replace(FLIP, moved_before=1)
    assert _judged(Figures(flip=moved)) == {"inputs moved by 5 flipped labels": "FAULT"}
    assert _judged(Figures(flip=replace(FLIP, moved_after=0))) == {"  once they are known": "FAULT"}


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ({"average_precision": 0.9699}, "second schema: AP"),
        ({"average_precision": float("nan")}, "second schema: AP"),
        ({"recall": 0.98}, "  recall at 1 % false positives"),
    ],
)
def test_the_second_schema_fails_below_its_levels(found: dict[str, Any], what: str) -> None:
    assert _judged(replace(GOOD, second=replace(SECOND, **found))) == {what: "FAULT"}


def test_a_second_load_that_lost_something_is_a_fault() -> None:
    lost = replace(LOAD, decisions=999, refused=1)
    assert set(_judged(replace(GOOD, second_load=lost)).values()) == {"FAULT"}
