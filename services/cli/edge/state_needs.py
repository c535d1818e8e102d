"""What a portfolio's timelines will take by its own `[budget]`, and whether that is granted."""

from __future__ import annotations

from infra.local.doctor import Check
from services.cli.core.numbers import size
from services.cli.edge.errors import WrongUse
from services.cli.edge.surroundings import House
from shared.features.capacity import Capacity, capacity_of, over_budget
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import Portfolio
from shared.features.refusal import PortfolioError
from shared.stores.portfolio_files import portfolio_path

REASON = "state_over_budget"


def needs(portfolio: Portfolio, features: FeatureSet) -> Capacity | None:
    """The bytes of the portfolio, None if it states no traffic."""
    return None if portfolio.budget is None else capacity_of(features, portfolio.budget)


def state_check(here: House) -> Check:
    """The doctor's row: what will be needed, or the line of the file that grants too little."""
    try:
        portfolio = here.read_portfolio()
        capacity = needs(portfolio, compile_portfolio(portfolio))
    except (WrongUse, PortfolioError) as error:
        return Check("state", False, str(error), "Correct the portfolio's file.")
    if capacity is None or portfolio.budget is None:
        return Check("state", True, f"{here.portfolio} states no [budget], so nothing is counted")
    need = f"{size(capacity.redis_bytes)} of Redis"
    path = portfolio_path(here.portfolio, here.portfolio_file)
    refusal = over_budget(path.read_text(encoding="utf-8"), str(path), capacity, portfolio.budget)
    if refusal is not None:
        way_out = "Grant more, expect less traffic, or shorten the longest windows."
        return Check("state", False, f"{REASON}: {refusal}", way_out)
    cache = f"a worker's cache of all of it {size(capacity.cache_bytes)}"
    return Check("state", True, f"{need} of {size(portfolio.budget.redis_bytes)} granted; {cache}")
