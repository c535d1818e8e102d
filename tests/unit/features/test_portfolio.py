"""Portfolios are refused in one sentence with file, key and line, and read as they stand otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.features.portfolio import Entity, Portfolio, parse_portfolio
from shared.features.refusal import PortfolioError

ROOT = Path(__file__).parents[3]
BASE = """\
name = "shop"
currency = "EUR"
activities = ["login"]

entities = [
  { name = "payer", key = "account_id" },
]

[[features]]
name = "amount"
kind = "value"
field = "amount"

[[features]]
name = "count_1d"
kind = "count"
entity = "payer"
window = "1d"

[[features]]
name = "pace"
kind = "quotient"
left = "amount"
right = "count_1d"
"""


def refused(text: str) -> PortfolioError:
    with pytest.raises(PortfolioError) as caught:
        parse_portfolio(text, "shop.toml")
    return caught.value


def test_defaults_are_spelled_out() -> None:
    portfolio = parse_portfolio(BASE, "shop.toml")
    assert portfolio.entities == (Entity("payer", "account_id"),)
    assert portfolio.label_delay_days == 7
    assert portfolio.rates_ppm == {"EUR": 1_000_000}
    assert portfolio.policy.default_action == "approve"
    assert [feature.name for feature in portfolio.features] == ["amount", "count_1d", "pace"]
    assert portfolio.features[1].window_ms == 86_400_000
    assert not portfolio.features[1].counts_self


@pytest.mark.parametrize("name", ["handbook15", "handbook", "bank", "sparkov"])
def test_shipped_portfolios_are_read(name: str) -> None:
    path = ROOT / "infra" / "portfolios" / f"{name}.toml"
    portfolio = parse_portfolio(path.read_text(), str(path))
    assert portfolio.name == name
    assert portfolio.source.label is not None


def test_the_handbook_with_32_inputs_begins_as_that_with_15() -> None:
    whole, first = (_shipped(name) for name in ("handbook", "handbook15"))
    assert whole.features[:15] == first.features
    assert (whole.source, whole.parity, whole.entities) == (first.source, first.parity, first.entities)


def _shipped(name: str) -> Portfolio:
    return parse_portfolio((ROOT / "infra" / "portfolios" / f"{name}.toml").read_text(), name)


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "words"),
    [
        ('kind = "count"', 'kind = "cuont"', "kind", 16, "no kind 'cuont'"),
        ('window = "1d"', 'window = "1w"', "window", 18, "no duration"),
        ('window = "1d"', 'window = "0d"', "window", 18, "a window lasts"),
        ('window = "1d"', 'window = "9999d"', "window", 18, "a window lasts"),
        ('window = "1d"\n', "", "window", 15, "lacks 'window'"),
        ('entity = "payer"', 'entity = "shop"', "entity", 17, "no entity 'shop'"),
        ('entity = "payer"\n', "", "entity", 15, "lacks 'entity'"),
        ('window = "1d"', 'window = "1d"\nedge = "day"', "edge", 19, "no edge 'day'"),
        ('window = "1d"', 'window = "59m"\nedge = "hour"', "edge", 19, "shorter than an hour"),
        ('field = "amount"', 'field = "amount"\nedge = "hour"', "edge", 13, "takes no 'edge'"),
        ('window = "1d"', 'windw = "1d"', "windw", 18, "takes no 'windw'"),
        ('name = "pace"', 'name = "amount"', "name", 21, "stands twice"),
        ('left = "amount"', 'left = "pace"', "left", 23, "a cycle"),
        ('left = "amount"', 'left = "nothing"', "left", 23, "no feature 'nothing'"),
        ('field = "amount"', 'field = "price"', "field", 12, "no field 'price'"),
        ('currency = "EUR"', 'currency = "EUX"', "currency", 2, "no active ISO 4217"),
        ('currency = "EUR"', "currency = 5", "currency", 2, "got `int`"),
        ('currency = "EUR"', 'curency = "EUR"', "curency", 2, "no 'curency' here"),
        ('key = "account_id"', 'key = "iban"', "key", 6, "no id of a record"),
        ('name = "shop"', 'name = "shop', "toml", 1, "no TOML"),
        ('"EUR"', '"EUR"\ntime_zone = "Europe/Rome"', "time_zone", 3, "has no table"),
    ],
)
def test_refusals_name_file_key_and_line(old: str, new: str, key: str, line: int, words: str) -> None:
    error = refused(BASE.replace(old, new, 1))
    assert (error.file, error.key, error.line) == ("shop.toml", key, line)
    assert words in error.sentence
    assert str(error).startswith(f"shop.toml:{line}: {key}: ")


def test_a_cycle_of_two_is_found() -> None:
    text = BASE + '\n[[features]]\nname = "back"\nkind = "difference"\nleft = "pace"\nright = "amount"\n'
    error = refused(text.replace('left = "amount"\nright = "count_1d"', 'left = "back"\nright = "amount"'))
    assert "a cycle" in error.sentence


def test_an_operand_declared_later_is_refused() -> None:
    head, _, tail = BASE.partition("[[features]]")
    first = '[[features]]\nname = "early"\nkind = "difference"\nleft = "amount"\nright = "count_1d"\n\n'
    error = refused(f"{head}{first}[[features]]{tail}")
    assert "declared before" in error.sentence
    assert error.key == "left"


HIGH = """
[[features]]
name = "high"
kind = "high_count"
entity = "payer"
window = "3d"
usual_window = "60d"
times = 3
"""


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "words"),
    [
        ('usual_window = "60d"', 'usual_window = "0d"', "usual_window", 31, "a window lasts"),
        ('usual_window = "60d"', 'usual_window = "2 months"', "usual_window", 31, "no duration"),
        ("times = 3", 'times = "three"', "times", 32, "a finite number"),
        ("times = 3", 'delay = "7d"', "delay", 32, "takes no 'delay'"),
        ('kind = "high_count"', 'kind = "clean_z"', "usual_window", 31, "takes no 'usual_window'"),
    ],
)
def test_a_second_duration_is_checked(old: str, new: str, key: str, line: int, words: str) -> None:
    assert old in HIGH
    error = refused(BASE + HIGH.replace(old, new, 1))
    assert (error.key, error.line) == (key, line)
    assert words in error.sentence


def test_labels_are_not_known_before_the_delay() -> None:
    clean = HIGH.replace("high_count", "clean_ratio").replace('"3d"', '"30d"').split("usual_window")[0]
    assert parse_portfolio(BASE + clean, "").features[-1].span_ms == 7 * 86_400_000
    assert refused(BASE + clean + 'delay = "6d"\n').key == "delay"


def test_a_second_duration_has_a_default() -> None:
    shorter = HIGH.replace('usual_window = "60d"\n', "")
    assert parse_portfolio(BASE + HIGH, "").features[-1] == parse_portfolio(BASE + shorter, "").features[-1]


def test_a_portfolio_without_entities_is_refused() -> None:
    text = BASE.replace('  { name = "payer", key = "account_id" },\n', "")
    assert "at least one entity" in refused(text).sentence


def test_a_delayed_feature_reads_no_labels_before_the_delay() -> None:
    table = '\n[[features]]\nname = "risk"\nkind = "delayed_risk"\nentity = "payer"\nwindow = "7d"\n'
    assert parse_portfolio(BASE + table, "").features[-1].offset_ms == 7 * 86_400_000
    assert refused(BASE + table + 'offset = "1d"\n').key == "offset"


COLUMN = BASE.replace("\n[[", '\ncolumns = [{ name = "device", field = "device_id" }]\n\n[[', 1)
PAIR = """
[[features]]
name = "devices"
kind = "distinct"
entity = "payer"
window = "7d"
column = "device"
activity = "login"
"""


def test_columns_are_counted_over_payments_or_one_kind_of_activity() -> None:
    feature = parse_portfolio(COLUMN + PAIR, "").features[-1]
    assert (feature.column, feature.activity) == ("device", "login")
    over_payments = PAIR.replace('activity = "login"\n', "self = true\n")
    assert parse_portfolio(COLUMN + over_payments, "").features[-1].activity is None
    assert refused(COLUMN + PAIR.replace('"login"', '"logout"')).key == "activity"


def test_a_window_of_activities_holds_no_payment() -> None:
    error = refused(COLUMN + PAIR + "self = true\n")
    assert error.key == "self"
    assert "never holds the payment" in error.sentence


def test_a_column_that_activities_lack_is_no_column_of_theirs() -> None:
    of_payments = COLUMN.replace('"device_id"', '"channel"')
    assert refused(of_payments + PAIR).key == "column"
    assert parse_portfolio(COLUMN.replace('"device_id"', '"texts.browser"') + PAIR, "").features[-1].activity


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [
        ("[policy]\nchallenge_at = 0.5\nreview_at = 0.3\n", "policy", "ascend"),
        ("[policy]\nchalenge_at = 0.5\n", "chalenge_at", "has no"),
        ("[rates_ppm]\nUSD = 0\n", "USD", "positive"),
        ('[source.fields]\ntx_id = { column = "id" }\n', "fields", "lacks account_id"),
        ('[source.fields]\nprice = { column = "id" }\n', "price", "no field 'price'"),
        (
            '[parity]\nid_column = "i"\n[[parity.columns]]\ncolumn = "c"\nfeature = "x"\n',
            "feature",
            "no feature",
        ),
    ],
)
def test_sections_are_checked(section: str, key: str, words: str) -> None:
    error = refused(BASE + "\n" + section)
    assert error.key == key
    assert words in error.sentence
    assert error.line > BASE.count("\n")
