"""The bytes that a portfolio needs: how far logs reach, what a cache counts, what a budget refuses."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from shared.features import arena
from shared.features.budget import Budget
from shared.features.capacity import capacity_of, kept_ms_of, log_bytes, over_budget, room_bytes
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.durations import DAY_MS
from shared.features.kernels_rows import KIND_TRANSACTION
from shared.features.portfolio import Portfolio, parse_portfolio
from shared.features.refusal import PortfolioError
from shared.features.timelines import Timelines
from shared.stores.portfolio_files import read_feature_set
from tests.support.state_page import PAGE, example, table

HOUR_MS = 3_600_000
"""How far ahead of the others a record may run, unless the portfolio says otherwise."""

BUDGET = """
[budget]
payments_per_second = 1
entities = { payer = 1_000 }
redis_bytes = 1_000_000_000
"""
SHOP = """\
name = "shop"
currency = "EUR"
horizon_days = 3
entities = [{ name = "payer", key = "account_id" }]
features = [
  { name = "count", kind = "count", entity = "payer", window = "4d" },
  { name = "high", kind = "high_count", entity = "payer", window = "2d", usual_window = "20d" },
  { name = "risk", kind = "delayed_risk", entity = "payer", window = "10d", offset = "7d" },
]
"""


def test_log_reaches_back_over_window_delay_span_and_lateness() -> None:
    assert (
        kept_ms_of(compile_portfolio(parse_portfolio(SHOP, "x")), "payer") == (2 + 20 + 3) * DAY_MS + HOUR_MS
    )
    without_span = "\n".join(line for line in SHOP.splitlines() if "high" not in line)
    assert (
        kept_ms_of(compile_portfolio(parse_portfolio(without_span, "x")), "payer")
        == (7 + 10 + 3) * DAY_MS + HOUR_MS
    )
    assert kept_ms_of(read_feature_set("handbook"), "customer") == (90 + 7) * DAY_MS + HOUR_MS


def test_records_of_a_log_are_those_that_name_it_while_it_is_kept() -> None:
    more = "labels_per_payment = 0.5\nactivities_per_second = 2\nshares = { payer = 0.25 }\n"
    portfolio = parse_portfolio(f"{SHOP}{BUDGET}{more}activity_shares = {{ payer = 0.1 }}\n", "x")
    (payer,) = capacity_of(compile_portfolio(portfolio), _budget(portfolio)).entities
    seconds = 25 * 86_400 + 3_600
    assert payer.records_per_log == pytest.approx((1 * 0.25 * 1.5 + 2 * 0.1) * seconds / 1_000)
    assert payer.redis_bytes == round(1_000 * log_bytes(payer.records_per_log, 40, 8 + 4 + 5 + 16))


def test_room_of_a_log_grows_as_redis_and_its_allocator_grow_it() -> None:
    grown = [(1, 96), (2, 384), (4, 384), (5, 896), (11, 896), (12, 2_048), (25, 2_048), (26, 5_120)]
    assert [(records, room_bytes(records, 80)) for records, _ in grown] == grown
    assert room_bytes(26_214, 80) < room_bytes(26_215, 80) < 26_215 * 80 + 2**20 + 2**19


def test_need_above_the_grant_is_told_with_file_key_and_line() -> None:
    text = SHOP + BUDGET
    portfolio = parse_portfolio(text, "shop.toml")
    budget = _budget(portfolio)
    capacity = capacity_of(compile_portfolio(portfolio), budget)
    assert over_budget(text, "shop.toml", capacity, budget) is None
    small = text.replace("1_000_000_000", "1_000_000")
    refusal = over_budget(small, "shop.toml", capacity, _budget(parse_portfolio(small, "shop.toml")))
    assert isinstance(refusal, PortfolioError)
    assert (refusal.key, small.splitlines()[refusal.line - 1]) == ("redis_bytes", "redis_bytes = 1_000_000")
    assert f"need {capacity.redis_bytes:,} bytes of Redis and 1,000,000 are granted" in refusal.sentence


@pytest.mark.parametrize(
    ("old", "new", "key", "sentence"),
    [
        (
            "payer = 1_000 }",
            "payee = 1 }",
            "entities",
            "does not say how many there are of the entity 'payer'",
        ),
        ("payer = 1_000 }", "payer = 1, x = 1 }", "entities", "has no entity 'x'"),
        ("redis_bytes = 1_000_000_000", "redis_bytes = 0", "redis_bytes", "positive"),
        ("per_second = 1", "per_second = -1", "payments_per_second", "lies from 0"),
        ("redis_bytes", "shares = { payer = 2 }\nredis_bytes", "shares", "the share of 'payer'"),
        ("redis_bytes", "labels_per_payment = 11\nredis_bytes", "labels_per_payment", "from 0 to 10"),
        ("redis_bytes", "id_bytes = 0\nredis_bytes", "id_bytes", "from 1 to 256"),
        ("redis_bytes", "cache = 1\nredis_bytes", "cache", "there is no 'cache' here"),
    ],
)
def test_budget_that_makes_no_sense_is_refused_at_its_line(
    old: str, new: str, key: str, sentence: str
) -> None:
    text = SHOP + BUDGET.replace(old, new)
    with pytest.raises(PortfolioError) as caught:
        parse_portfolio(text, "shop.toml")
    assert (caught.value.key, sentence in caught.value.sentence) == (key, True)
    assert text.splitlines()[caught.value.line - 1].startswith(key)


def test_example_of_the_page_is_what_the_formula_gives() -> None:
    assert table(example()[2]) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("records", [1, 5, 20, 90])
def test_cache_counts_what_the_formula_says(records: int) -> None:
    features = read_feature_set("bank")
    timelines = Timelines(features, 400_000_000)
    logs = 300
    drawn = np.random.default_rng(records).integers(1, 2 * records + 1, logs)
    for log in range(logs):
        _pay(timelines, features, [f"a-{log}"] * int(drawn[log]))
    other = {entity.name: 1 for entity in features.entities if entity.name != "account"}
    budget = Budget(
        payments_per_second=float(drawn.sum()) / (kept_ms_of(features, "account") / 1_000),
        entities={"account": logs, **other},
        redis_bytes=1,
    )
    account = capacity_of(features, budget).entities[0]
    assert account.records_per_log == pytest.approx(drawn.mean())
    assert timelines.used_bytes == pytest.approx(account.cache_bytes, rel=0.15)


@pytest.mark.parametrize("each", [1, 40])
def test_cache_holds_no_more_bytes_than_its_budget(each: int) -> None:
    """Everything the cache allocates is counted; room of the arena that nobody uses makes it 1.8 times."""
    features, budget_bytes = read_feature_set("bank"), 3_000_000
    _pay(Timelines(features, budget_bytes), features, ["warm"])
    tracemalloc.start()
    try:
        timelines = Timelines(features, budget_bytes)
        held, room = [], []
        for log in range(12_000 // each):
            _pay(timelines, features, [f"account-{log:011}"] * each)
            if log % 50 == 0:
                room.append(tracemalloc.get_traced_memory()[0])
                held.append(room[-1] - _unused(timelines))
        seen = [timelines.seen(0, f"account-{log:011}") for log in range(12_000 // each)]
    finally:
        tracemalloc.stop()
    assert 0 < len(timelines) < len(seen)
    assert seen == [0] * (len(seen) - len(timelines)) + [each] * len(timelines)
    assert budget_bytes / 2 < max(held) <= budget_bytes
    assert max(room) <= 1.8 * budget_bytes


def _unused(timelines: Timelines) -> int:
    room = timelines._arena
    return (len(room.cells) - int(room.heads[arena.USED])) * int(room.cells[0].nbytes)


def _pay(timelines: Timelines, features: FeatureSet, accounts: list[str]) -> None:
    """A batch of payments, each of one account and of nothing else."""
    others = [None] * (len(features.entities) - 1)
    claim = timelines.claim([(account, *others) for account in accounts])
    rows = np.zeros(len(accounts), features.layout.dtype)
    rows["kind"], rows["t"] = KIND_TRANSACTION, 1_700_000_000_000 + np.arange(len(accounts))
    rows["id"] = [abs(hash((account, number))) for number, account in enumerate(accounts)]
    timelines.fold(claim, rows, claim.known, b"")


def _budget(portfolio: Portfolio) -> Budget:
    assert portfolio.budget is not None
    return portfolio.budget
