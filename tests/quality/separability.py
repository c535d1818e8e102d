"""``python -m tests.quality.separability``: what the bank's features see and a payment alone does not show.

The first model of ``make run`` on its own future: a history of 45 days, trained on 28 of them with labels as
known at its end, measured on the 21 days after it against the truth. Once with the raw fields of payments
alone, once with the features of the portfolio ``bank``.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from services.simulator.core.columns import PATTERNS
from services.simulator.core.span import DAY_MS
from services.simulator.core.world import make_world
from services.trainer.core.fit import resolve_parameters
from shared.evaluation.ranking import average_precision, threshold_at_false_positives
from shared.features.compiled import compile_portfolio
from shared.features.portfolio import Portfolio, parse_portfolio
from tests.quality.bank_world import RAW_FIELDS, Floats, Seen, play

BANK: Final = Path(__file__).parents[2] / "infra" / "portfolios" / "bank.toml"
HISTORY_DAYS: Final = 45
TEST_DAYS: Final = 21
END_DAY: Final = 20_300
RAW_LIMIT: Final = 0.6
GAIN_LEAST: Final = 0.15
FALSE_POSITIVE_RATE: Final = 0.01


@dataclass(frozen=True)
class Found:
    """One model on the test days: average precision; recall at 1 % false positives, in all and by pattern."""

    average_precision: float
    recall: float
    by_pattern: dict[str, float]
    at_policy: dict[str, float]
    policy_share: float


def main() -> int:
    """Print both models; 1 when a promise is broken."""
    given = _arguments()
    portfolio = parse_portfolio(BANK.read_text(), str(BANK))
    end_ms = END_DAY * DAY_MS
    seen = play(
        make_world(given.seed, given.accounts, given.merchants),
        compile_portfolio(portfolio),
        end_ms - HISTORY_DAYS * DAY_MS,
        end_ms + TEST_DAYS * DAY_MS,
        end_ms,
    )
    names = [feature.name for feature in portfolio.features]
    raw = measure(seen, seen.raw, list(RAW_FIELDS), portfolio, end_ms)
    bank = measure(seen, seen.features, names, portfolio, end_ms)
    _tell(seen, raw, bank, end_ms)
    if given.json:
        given.json.write_text(json.dumps({"raw": raw.__dict__, "bank": bank.__dict__}, indent=1))
    kept = raw.average_precision < RAW_LIMIT
    return 0 if kept and bank.average_precision - raw.average_precision >= GAIN_LEAST else 1


def measure(seen: Seen, matrix: Floats, names: list[str], portfolio: Portfolio, end_ms: int) -> Found:
    """Train as the trainer would on ``matrix`` (n, d) and measure on the days after ``end_ms``."""
    to_ms = end_ms - portfolio.label_delay_days * DAY_MS
    train = (seen.time_ms >= to_ms - portfolio.training.days * DAY_MS) & (seen.time_ms < to_ms)
    test = seen.time_ms >= end_ms
    parameters: dict[str, Any] = resolve_parameters(portfolio.training, 1)
    rounds = int(parameters.pop("num_iterations"))
    rows = lightgbm.Dataset(matrix[train], label=seen.known_fraud[train].astype(float), feature_name=names)
    booster = lightgbm.train(parameters, rows, num_boost_round=rounds)
    score = np.asarray(booster.predict(matrix[test], num_threads=1))
    return judge(seen.pattern[test], score, portfolio.policy.review_at or 1.0)


def judge(pattern: NDArray[np.int64], score: Floats, review_at: float) -> Found:
    """Scores (n,) against the truth."""
    fraud = pattern != 0
    limit = threshold_at_false_positives(fraud, score, FALSE_POSITIVE_RATE)
    return Found(
        average_precision=float(average_precision(fraud, score)),
        recall=float((score[fraud] >= limit).mean()),
        by_pattern=_recalls(pattern, score >= limit),
        at_policy=_recalls(pattern, score >= review_at),
        policy_share=float((score >= review_at).mean()),
    )


def _recalls(pattern: NDArray[np.int64], found: NDArray[np.bool_]) -> dict[str, float]:
    return {PATTERNS[code]: float(found[pattern == code].mean()) for code in range(1, len(PATTERNS))}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.quality.separability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=1, help="the world")
    parser.add_argument("--accounts", type=int, default=2_000, help="accounts that pay")
    parser.add_argument("--merchants", type=int, default=600, help="merchants they pay at")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    return parser.parse_args()


def _tell(seen: Seen, raw: Found, bank: Found, end_ms: int) -> None:
    test = seen.time_ms >= end_ms
    counts = np.bincount(seen.pattern[test], minlength=len(PATTERNS))
    frauds = int(counts[1:].sum())
    print(f"{test.sum():,} payments in {TEST_DAYS} days, {frauds} frauds ({frauds / test.sum():.2%})")
    print(f"average precision   raw fields {raw.average_precision:.3f}   bank {bank.average_precision:.3f}")
    print(f"recall at 1 % FP    raw fields {raw.recall:.3f}   bank {bank.recall:.3f}")
    print(f"{'pattern':22}{'frauds':>8}{'raw 1 %':>9}{'bank 1 %':>9}{'policy':>9}")
    for code, name in enumerate(PATTERNS[1:], 1):
        figures = (raw.by_pattern[name], bank.by_pattern[name], bank.at_policy[name])
        print(f"{name:22}{counts[code]:>8}" + "".join(f"{figure:>9.2f}" for figure in figures))
    print(f"the policy reviews {bank.policy_share:.2%} of payments")


if __name__ == "__main__":
    sys.exit(main())
