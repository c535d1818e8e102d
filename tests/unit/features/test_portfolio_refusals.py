"""What a person reads who wrote a portfolio wrongly: one sentence with file, line and key, word for word."""

from __future__ import annotations

import pytest

from shared.features.portfolio import parse_portfolio
from shared.features.refusal import PortfolioError, find_member, keys_at
from shared.features.spec import FeatureSpec

SHOP = """\
name = "shop"
currency = "EUR"
activities = ["login", "payee_added"]

entities = [
  { name = "payer", key = "account_id" },
]
columns = [
  { name = "device", field = "device_id" },
]

features = [
  { name = "amount", kind = "value", field = "amount" },
  { name = "count_1d", kind = "count", entity = "payer", window = "1d" },
  { name = "devices_7d", kind = "distinct", entity = "payer", window = "7d", column = "device" },
  { name = "usual", kind = "clean_ratio", entity = "payer", window = "60d", delay = "7d" },
  { name = "risk_30d", kind = "delayed_risk", entity = "payer", window = "30d", offset = "7d" },
  { name = "pace", kind = "quotient", left = "amount", right = "count_1d" },
]

[training]
days = 28
calibration_days = 5

[source.fields]
tx_id = { column = "id" }
account_id = { column = "payer" }
event_time_ms = { column = "at" }
amount_minor = { column = "price", scale = 100 }
"""
TEXTS = (
    "account_id, card_id, device_id, merchant_id, terminal_id, payee_id, category, channel, country, caller"
)


def told(old: str, new: str) -> str:
    """What the file says when ``old`` reads ``new``; `SHOP` itself is sound."""
    assert SHOP.count(old) == 1, old
    with pytest.raises(PortfolioError) as caught:
        parse_portfolio(SHOP.replace(old, new), "shop.toml")
    return str(caught.value)


def test_the_file_that_all_others_differ_from_is_sound() -> None:
    assert len(parse_portfolio(SHOP, "shop.toml").features) == 6


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'field = "amount"',
            'field = "price"',
            (
                "13: field: amount: there is no field 'price'; "
                "use amount, amount_minor, latitude, longitude, category or numbers.NAME"
            ),
        ),
        (
            'field = "device_id"',
            'field = "gear"',
            f"9: field: 'gear' is no text field; use {TEXTS}, gateway or texts.NAME",
        ),
        ("tx_id = {", "txid = {", "26: txid: a transaction has no field 'txid'"),
        (
            'tx_id = { column = "id" }',
            'tx_id = { colum = "id" }',
            "26: colum: there is no 'colum' here, only column, prefix, scale, constant",
        ),
        (
            'window = "1d"',
            'windw = "1d"',
            (
                "14: windw: count_1d: a feature of kind 'count' takes no 'windw', "
                "only edge, entity, kind, name, offset, self, window"
            ),
        ),
        (
            "days = 28",
            "dayz = 28",
            (
                "22: dayz: there is no 'dayz' here, "
                "only days, parameters, seeds, genuine_share, calibration_days"
            ),
        ),
        ("days = 28", 'days = "four"', "22: days: 'days' does not fit: expected `int`, got `str`"),
        (', key = "account_id"', "", "6: key: 'key' is missing here"),
    ],
)
def test_an_unknown_or_wrong_field(old: str, new: str, sentence: str) -> None:
    assert told(old, new) == f"shop.toml:{sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('window = "1d"', 'window = "0d"', "14: window: count_1d: a window lasts from 1s to 800d"),
        ('window = "1d"', 'window = "801d"', "14: window: count_1d: a window lasts from 1s to 800d"),
        (
            'window = "1d"',
            'window = "1w"',
            "14: window: count_1d: '1w' is no duration; write a whole number and s, m, h or d, as in '7d'",
        ),
        (
            'offset = "7d"',
            'offset = "771d"',
            "17: offset: risk_30d: offset and window together reach back at most 800d",
        ),
    ],
)
def test_an_impossible_window(old: str, new: str, sentence: str) -> None:
    assert told(old, new) == f"shop.toml:{sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'delay = "7d"',
            'delay = "60d"',
            (
                "16: delay: usual: a delay of 60d leaves nothing of the 60d that are read: "
                "no fraud would be known"
            ),
        ),
        (
            'window = "60d", delay = "7d"',
            'window = "7d"',
            (
                "16: window: usual: a delay of 7d leaves nothing of the 7d that are read: "
                "no fraud would be known"
            ),
        ),
        (
            'delay = "7d"',
            'delay = "6d"',
            "16: delay: usual: 'delay' is at least the portfolio's label delay, at most 800d",
        ),
        (
            'offset = "7d"',
            'offset = "6d"',
            "17: offset: risk_30d: a delayed feature reads no labels before the portfolio's label delay",
        ),
        (
            "calibration_days = 5",
            "calibration_days = 28",
            "23: calibration_days: of the 28 days of training none is left to train on",
        ),
        ("days = 28", "days = 0", "22: days: a model is trained on 1 to 3660 days"),
    ],
)
def test_a_delay_longer_than_the_history(old: str, new: str, sentence: str) -> None:
    assert told(old, new) == f"shop.toml:{sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('left = "amount"', 'left = "pace"', "18: left: pace: a cycle, 'pace' is computed from it"),
        (
            '{ name = "pace", kind = "quotient", left = "amount", right = "count_1d" }',
            (
                '{ name = "pace", kind = "quotient", left = "amount", right = "lead" },\n'
                '{ name = "lead", kind = "quotient", left = "pace", right = "count_1d" }'
            ),
            "18: right: pace: a cycle, 'lead' is computed from it",
        ),
        (
            '{ name = "pace", kind = "quotient", left = "amount", right = "count_1d" }',
            (
                '{ name = "pace", kind = "quotient", left = "amount", right = "late" },\n'
                '{ name = "late", kind = "hour" }'
            ),
            "18: right: pace: 'late' must be declared before it",
        ),
        ('left = "amount"', 'left = "price"', "18: left: pace: there is no feature 'price'"),
    ],
)
def test_a_cycle(old: str, new: str, sentence: str) -> None:
    assert told(old, new) == f"shop.toml:{sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "pace"', 'name = "amount"', "18: name: the feature 'amount' stands twice"),
        (
            '  { name = "device", field = "device_id" },',
            '  { name = "device", field = "device_id" },\n  { name = "device", field = "channel" },',
            "10: name: the column 'device' stands twice",
        ),
        (
            '  { name = "payer", key = "account_id" },',
            '  { name = "payer", key = "account_id" },\n  { name = "payer", key = "card_id" },',
            "7: name: the entity 'payer' stands twice",
        ),
        ('"payee_added"', '"login"', "3: activities: the activity kind 'login' stands twice"),
        ('name = "pace", ', "", "18: name: feature 6: the feature lacks 'name'"),
    ],
)
def test_two_names_alike_or_none(old: str, new: str, sentence: str) -> None:
    assert told(old, new) == f"shop.toml:{sentence}"


def test_an_unknown_kind_names_those_there_are() -> None:
    sentence = told('kind = "count"', 'kind = "cuont"')
    assert sentence.startswith(
        "shop.toml:14: kind: count_1d: there is no kind 'cuont'; known are activity_count, "
    )
    assert sentence.endswith(", value, weekday, weekend, z")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'column = "device"',
            'column = "gear"',
            "15: column: devices_7d: there is no column 'gear'; the portfolio declares device",
        ),
        (
            'entity = "payer", window = "1d"',
            'entity = "card", window = "1d"',
            "14: entity: count_1d: there is no entity 'card'; the portfolio declares payer",
        ),
        (
            'kind = "count", entity = "payer", window = "1d"',
            'kind = "activity_count", entity = "payer", window = "1d", activity = "logout"',
            (
                "14: activity: count_1d: there is no activity kind 'logout'; "
                "the portfolio declares login, payee_added"
            ),
        ),
    ],
)
def test_an_unknown_column_entity_or_activity(old: str, new: str, sentence: str) -> None:
    assert told(old, new) == f"shop.toml:{sentence}"


def test_what_a_payment_needs_comes_from_its_own_file() -> None:
    lookup = '\n[[source.lookups]]\nfile = "prices.csv"\nkey = "id"\ncolumns = ["price"]\n'
    sentence = told("scale = 100 }\n", f"scale = 100 }}\n{lookup}")
    assert (
        sentence
        == "shop.toml:29: amount_minor: 'amount_minor' cannot come from another file than the payment"
    )


def test_a_nameless_table_is_found_in_either_way_of_writing() -> None:
    tables = '[[features]]\nkind = "hour"\n\n[[features]]\nkind = "weekday"\n'
    assert [find_member(tables, "features", n) for n in (1, 2)] == [1, 4]
    assert [find_member("a = 1\nfeatures = [\n {},\n {},\n]\n", "features", n) for n in (1, 2, 3)] == [
        3,
        4,
        2,
    ]


def test_keys_are_told_where_a_struct_lies() -> None:
    assert keys_at(FeatureSpec, "")[:2] == ["name", "kind"]
    assert keys_at(FeatureSpec, ".name") == []
