"""THE table of the fraud manager's metrics: name, unit, definition and where it comes from."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

_TEMPLATE: Final = "fraud template of Microsoft (r-server-fraud-detection), corrected"
_CARD_LISTS: Final = "Le Borgne, Siblini, Lebichot and Bontempi, ULB, 2022, chapter 4"
_USUAL: Final = "as in scikit-learn"


class MetricRow(Struct, frozen=True, kw_only=True):
    """``name`` as in JSON and on model cards, ``title`` as in tables, ``unit`` of its value."""

    name: str
    title: str
    unit: str
    formula: str
    source: str


NOTATION: Final = """\
t: threshold. F: accounts with a reported fraud. G: accounts never reported. y: a payment's label, s its
score. c: contact period, 30 days where nothing else is said. The *trigger* of a fraud account is its
first event with s >= t: among its reported frauds (`strict`, the headline), among all events within its
first and last reported fraud (`any_event`), or among all its events (`every_event`). Figures of
payments count every payment with its own label.

Sampling by account at rates rF and rG: each account stands for 1 / rate. So AFPR becomes AFPR * rF /
rG, and shares of fraud accounts and of fraud money stay as they are.
"""


def _row(name: str, title: str, unit: str, formula: str, source: str) -> MetricRow:
    return MetricRow(name=name, title=title, unit=unit, formula=formula, source=source)


METRICS: Final = (
    _row(
        "adr_ratio",
        "account detection rate",
        "ratio",
        "accounts of F with a trigger / accounts of F",
        _TEMPLATE,
    ),
    _row(
        "afpr_ratio",
        "account false-positive ratio",
        "ratio",
        "contacts / accounts of F with a trigger; may pass 1",
        _TEMPLATE,
    ),
    _row(
        "contacts",
        "contacts",
        "contacts",
        "over G: 1 at the first event with s >= t, 1 more at each later one c or more after the last",
        _TEMPLATE,
    ),
    _row(
        "vdr_ratio",
        "value detection rate, real time",
        "ratio",
        "fraud money at and after the trigger / all fraud money",
        _TEMPLATE,
    ),
    _row(
        "vdr_next_ratio",
        "value detection rate, next payment",
        "ratio",
        "fraud money strictly after the trigger / all fraud money",
        _TEMPLATE,
    ),
    _row(
        "vdr_after_D_ms_ratio",
        "value detection rate after delay D",
        "ratio",
        "fraud money at or after the trigger's time + D / all fraud money",
        "Spoelstra, Transaction Fraud Detection Performance Evaluation, 2016",
    ),
    _row("review_ratio", "review rate", "ratio", "accounts with max s >= t / all accounts", _TEMPLATE),
    _row("case_multiplier", "case creation multiplier", "ratio", "(AFPR + 1) * ADR", _TEMPLATE),
    _row("tdr_ratio", "transaction detection rate", "ratio", "frauds with s >= t / frauds (recall)", _USUAL),
    _row(
        "false_positive_rate_ratio",
        "false-positive rate",
        "ratio",
        "genuine payments with s >= t / genuine payments",
        _USUAL,
    ),
    _row(
        "false_positives_per_fraud_ratio",
        "false-positive ratio",
        "ratio",
        "genuine payments with s >= t / frauds with s >= t",
        _TEMPLATE,
    ),
    _row("precision_ratio", "precision", "ratio", "frauds with s >= t / payments with s >= t", _USUAL),
    _row("f1_ratio", "F1", "ratio", "harmonic mean of precision and recall", _USUAL),
    _row(
        "net_saving_minor",
        "net saving",
        "minor units",
        "fraud money saved in real time - contacts * cost of one - genuine money with s >= t * margin",
        "Assay",
    ),
    _row(
        "auc_roc",
        "area under ROC",
        "ratio",
        "share of (fraud, genuine) pairs in order, ties one half",
        _USUAL,
    ),
    _row(
        "average_precision",
        "average precision",
        "ratio",
        "sum over distinct scores of precision * step in recall",
        _USUAL,
    ),
    _row(
        "precision_100",
        "precision at 100",
        "ratio",
        "mean over days of frauds among the day's 100 highest payments / 100",
        _CARD_LISTS,
    ),
    _row(
        "card_precision_100",
        "card precision at 100",
        "ratio",
        "mean over days of fraud cards among the day's 100 highest / 100; found cards leave later days",
        _CARD_LISTS,
    ),
    _row("brier_score", "Brier score", "squared probability", "mean of (probability - y)^2", "Brier 1950"),
    _row(
        "calibration_error",
        "calibration error",
        "probability",
        "mean distance of mean probability and share of frauds, in ten bins of equal width",
        "Naeini et al., AAAI 2015",
    ),
)

BY_NAME: Final = {row.name: row for row in METRICS}
