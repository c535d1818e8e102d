"""The protocol's counts and metrics on a hand-made week."""

from __future__ import annotations

import numpy as np

from services.cli.core.protocol import DAY_MS, FraudType, Protocol, by_fraud_type, metrics


def test_known_cards_leave_the_test_days() -> None:
    days = np.array([0, 0, 1, 3, 3, 4, 4], dtype=np.int64)
    cards = np.array(["a", "b", "c", "a", "b", "d", "e"], dtype=object)
    fraud = np.array([True, False, False, True, False, True, False])
    scores = np.array([0.9, 0.1, 0.1, 0.99, 0.2, 0.8, 0.1])
    found = metrics(days * DAY_MS, cards, fraud, scores, Protocol(0, 2, 1, 2))
    assert found["train_rows"] == 3
    assert found["train_frauds"] == 1
    assert found["rows"] == 3  # card a was known before day 3
    assert found["frauds"] == 1
    assert found["auc_roc"] == 1.0
    assert found["average_precision"] == 1.0
    assert found["card_precision_100"] == 0.005
    assert Protocol(0, 7, 7, 7).days == 21


def test_without_a_protocol_every_row_counts() -> None:
    found = metrics(
        np.array([0, 1], dtype=np.int64),
        np.array(["a", "b"], dtype=object),
        np.array([True, False]),
        np.array([0.2, 0.9]),
        None,
    )
    assert (found["rows"], found["auc_roc"]) == (2, 0.0)
    assert "train_rows" not in found


def test_recall_is_told_by_type_of_fraud_the_worst_first() -> None:
    genuine = np.linspace(0.0, 0.5, 200)
    scores = np.concatenate([genuine, [0.9, 0.498, 0.6, 0.499, 0.1, 0.2]])
    fraud = np.arange(206) >= 200
    types = np.array(
        [None] * 200 + ["card_testing", "stolen_card", "card_testing", "card_testing"] + [None] * 2
    )
    found = by_fraud_type(types, fraud, scores)
    assert found == [FraudType("card_testing", 3, 1.0), FraudType("stolen_card", 1, 1.0)]
    lower = by_fraud_type(types, fraud, np.where(scores == 0.498, 0.4, scores))
    assert lower == [FraudType("stolen_card", 1, 0.0), FraudType("card_testing", 3, 1.0)]
    every = np.zeros(206, np.int64), np.full(206, "a", dtype=object), fraud, scores
    assert metrics(*every, None)["recall_at_1_percent_ratio"] == 4 / 6
    assert by_fraud_type(np.full(206, None), fraud, scores) == []
