"""The worked example of docs/state.md: its budget, and its table as the formula gives it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from shared.features.capacity import Capacity, capacity_of
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import Portfolio, parse_portfolio

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "state.md"
BANK: Final = ROOT / "infra" / "portfolios" / "bank.toml"


def example() -> tuple[Portfolio, FeatureSet, Capacity]:
    """The bank's portfolio with the budget of the page."""
    found = re.search(r"```toml\n(\[budget\].*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    shipped = re.sub(r"\n\[budget\]\n.*?(?=\n\[)", "", BANK.read_text(encoding="utf-8"), flags=re.DOTALL)
    portfolio = parse_portfolio(f"{shipped}\n{found[1]}", "docs/state.md")
    features = compile_portfolio(portfolio)
    assert portfolio.budget is not None
    return portfolio, features, capacity_of(features, portfolio.budget)


def table(capacity: Capacity) -> str:
    """The lines of the page's table."""
    return "".join(
        f"| {each.entity} | {each.logs:,} | {each.kept_days:.0f} | {each.records_per_log:.1f} "
        f"| {each.redis_bytes:,} |\n"
        for each in capacity.entities
    )
