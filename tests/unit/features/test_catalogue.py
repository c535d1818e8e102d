"""The catalogue, durations and line search."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.features.catalogue import catalogue
from shared.features.compiled import compile_portfolio
from shared.features.durations import format_duration, parse_duration
from shared.features.portfolio import parse_portfolio
from shared.features.refusal import find_line

HANDBOOK = Path(__file__).parents[3] / "infra" / "portfolios" / "handbook15.toml"


def test_one_row_per_feature() -> None:
    rows = catalogue(compile_portfolio(parse_portfolio(HANDBOOK.read_text(), "")))
    assert len(rows) == 15
    by_name = {row.name: row for row in rows}
    assert by_name["weekend"].type == "flag"
    assert by_name["amount"].meaning == "a field of the payment: amount"
    assert by_name["customer_mean_7d"].window == "7d with itself"
    assert by_name["customer_mean_7d"].unit == "minor units"
    assert by_name["terminal_risk_1d"].window == "1d ending 7d ago"
    assert by_name["terminal_risk_1d"].missing == "the payment has no terminal"


def test_a_column_of_activities_names_both() -> None:
    keys = 'entity = "account", window = "30d", column = "payee", activity = "payee_added"'
    text = f"""
name = "street"
currency = "EUR"
activities = ["payee_added"]
entities = [{{ name = "account", key = "account_id" }}]
columns = [{{ name = "payee", field = "payee_id" }}]
features = [{{ name = "payee_added_s", kind = "pair_age", {keys} }}]
"""
    (row,) = catalogue(compile_portfolio(parse_portfolio(text, "")))
    assert row.meaning == "time since this value of the column came first: payee in payee_added"
    assert row.missing.endswith("the payment lacks the field, or the payment has no account")


def test_a_window_of_hours_tells_where_it_begins() -> None:
    text = """
name = "street"
currency = "EUR"
entities = [{ name = "card", key = "card_id" }]
features = [
  { name = "exact", kind = "count", entity = "card", window = "30d", edge = "exact" },
  { name = "hours", kind = "count", entity = "card", window = "30d", edge = "hour" },
  { name = "own", kind = "count", entity = "card", window = "30d", edge = "hour", self = true },
  { name = "risk", kind = "delayed_risk", entity = "card", window = "30d", edge = "hour" },
]
"""
    assert [row.window for row in catalogue(compile_portfolio(parse_portfolio(text, "")))] == [
        "30d",
        "30d from the start of the hour",
        "30d from the start of the hour with itself",
        "30d ending 7d ago, both at the start of their hour",
    ]


def test_a_meaning_tells_of_what_and_with_which_numbers() -> None:
    text = """
name = "street"
currency = "EUR"
entities = [{ name = "card", key = "card_id" }]
columns = [{ name = "goods", field = "category" }]
features = [
  { name = "high", kind = "high_count", entity = "card", window = "3d", times = 2.5 },
  { name = "usual", kind = "pair_ratio", entity = "card", window = "30d", column = "goods", add = 2 },
  { name = "km", kind = "distance", from = ["latitude", "longitude"], to = ["numbers.a", "numbers.b"] },
  { name = "clean", kind = "clean_ratio", entity = "card", window = "60d" },
]
"""
    high, usual, km, clean = catalogue(compile_portfolio(parse_portfolio(text, "")))
    assert high.meaning.endswith("(times 2.5, least 5, usual_window 60d)")
    assert usual.meaning == "amount over mean amount with this value plus add (add 2): goods"
    assert km.meaning.endswith("of the payment: latitude, longitude to numbers.a, numbers.b")
    assert (km.unit, km.missing) == ("km", "the payment lacks one of them")
    assert clean.meaning.endswith("known frauds left out (add 1, delay 7d)")


@pytest.mark.parametrize(("text", "ms"), [("90s", 90_000), ("15m", 900_000), ("6h", 21_600_000), ("0s", 0)])
def test_durations(text: str, ms: int) -> None:
    assert parse_duration(text) == ms
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "-7d", "7w", "1.5h", "٣d"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


def test_a_duration_has_whole_seconds() -> None:
    with pytest.raises(ValueError, match="whole number"):
        format_duration(1)


def test_lines_are_found_within_their_table() -> None:
    text = '[a]\nkey = 1\n\n[b]\nname = "x"\nkey = 2\n[c]\nkey = 3\n'
    assert find_line(text, "key") == 2
    assert find_line(text, "key", 'name = "x"') == 6
    assert find_line(text, "key", "[c]") == 8
    assert find_line(text, "other", 'name="x"') == 5
    assert find_line(text, "other") == 0
    assert find_line(text, "key", "[nowhere]") == 0
