"""Compilation gives the seam's arrays, and a hash that moves with meaning alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.kinds import CODES, KINDS, NAMES
from shared.features.portfolio import parse_portfolio
from tests.support import made_dispatch

ROOT = Path(__file__).parents[3]
BASE = """
name = "shop"
currency = "EUR"
activities = ["login", "login_failed"]
entities = [{ name = "payer", key = "account_id" }, { name = "shop", key = "merchant_id" }]
columns = [{ name = "device", field = "device_id" }]
features = [
  { name = "amount", kind = "value", field = "amount" },
  { name = "km", kind = "value", field = "numbers.km" },
  { name = "count", kind = "count", entity = "shop", window = "2h", self = true },
  { name = "devices", kind = "distinct", entity = "payer", window = "1d", column = "device" },
  { name = "fails", kind = "activity_count", entity = "payer", window = "1d", activity = "login_failed" },
  { name = "risk", kind = "delayed_risk", entity = "shop", window = "30d" },
  { name = "pace", kind = "quotient", left = "amount", right = "count" },
  { name = "z", kind = "z", entity = "payer", window = "60d" },
  { name = "half", kind = "difference", left = "amount", right = "km" },
]
"""


def build(text: str) -> FeatureSet:
    return compile_portfolio(parse_portfolio(text, "shop.toml"))


def test_the_program_holds_one_entry_per_feature() -> None:
    program = build(BASE).program
    assert [NAMES[code] for code in program.kind.tolist()] == [
        "value",
        "value",
        "count",
        "distinct",
        "activity_count",
        "delayed_risk",
        "quotient",
        "z",
        "difference",
    ]
    assert program.entity.tolist() == [-1, -1, 1, 0, 0, 1, -1, 0, -1]
    assert program.stream.tolist() == [0, 0, 0, 0, 3, 1, 0, 0, 0]
    assert program.window_ms[2] == 7_200_000
    assert program.offset_ms[5] == 7 * 86_400_000
    assert program.self.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert program.column.tolist() == [-1, 0, -1, 0, -1, -1, -1, -1, -1]
    assert (program.left[6], program.right[6]) == (0, 2)
    assert (program.p0[7], program.p1[7]) == (1.0, 50.0)
    assert [array.dtype for array in program] == [
        np.dtype(name) for name in "i4 i4 i4 i8 i8 u1 i4 i4 i4 f8 f8 i8 i8".split()
    ]


def test_state_features_are_those_that_need_a_timeline() -> None:
    assert build(BASE).state_features.tolist() == [False, False, True, True, True, True, True, True, False]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "shop"\n', 'name = "store"  # a comment\n'),
        ('window = "2h"', 'window = "120m"'),
        ('window = "60d"', 'window = "60d", freedom = 1, add = 50'),
        ('currency = "EUR"\n', 'currency = "EUR"\nmaturity_days = 12\n'),
        ('window = "30d"', 'offset = "7d", window = "30d"'),
    ],
)
def test_the_hash_stays_where_the_meaning_stays(old: str, new: str) -> None:
    assert build(BASE.replace(old, new, 1)).hash == build(BASE).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('window = "2h"', 'window = "3h"'),
        (", self = true", ""),
        ('window = "60d"', 'window = "60d", add = 51'),
        ('name = "km"', 'name = "kms"'),
        ('currency = "EUR"\n', 'currency = "JPY"\n'),
        ('currency = "EUR"\n', 'currency = "EUR"\ntime_zone = "+01:00"\n'),
        ('["login", "login_failed"]', '["login_failed", "login"]'),
        ('field = "device_id"', 'field = "country"'),
    ],
)
def test_the_hash_moves_with_the_meaning(old: str, new: str) -> None:
    assert old in BASE
    moved = BASE.replace(old, new, 1).replace(
        'right = "km"', 'right = "kms"' if "kms" in new else 'right = "km"'
    )
    assert build(moved).hash != build(BASE).hash


def test_kinds_that_came_later_move_no_hash() -> None:
    """Models and captures stand under this hash: it was the same before `pair_age` and its neighbours."""
    assert build(BASE).hash == "f8c5a42dcdff872305668159545d4f80c10fccdebe762936aca87c91c6c52296"


def test_an_exact_edge_moves_no_hash_and_an_hour_edge_does() -> None:
    old = 'window = "2h"'
    exact, hour = (build(BASE.replace(old, f'{old}, edge = "{edge}"', 1)).hash for edge in ("exact", "hour"))
    assert exact == build(BASE).hash != hour


def test_feature_order_matters() -> None:
    lines = BASE.splitlines(keepends=True)
    a, b = (
        next(i for i, line in enumerate(lines) if f'"{name}", kind' in line) for name in ("devices", "fails")
    )
    lines[a], lines[b] = lines[b], lines[a]
    assert build("".join(lines)).hash != build(BASE).hash


def test_layout_has_its_own_hash_and_size() -> None:
    layout = build(BASE).layout
    assert layout.dtype.itemsize == layout.record_bytes == 48
    other = build(BASE.replace('window = "2h"', 'window = "3h"'))
    assert other.layout.hash == layout.hash
    assert build(BASE.replace('"device_id"', '"country"')).layout.hash != layout.hash


@pytest.mark.parametrize(("name", "features"), [("handbook15", 15), ("handbook", 32), ("bank", 52)])
def test_shipped_portfolios_compile(name: str, features: int) -> None:
    path = ROOT / "infra" / "portfolios" / f"{name}.toml"
    feature_set = build(path.read_text())
    assert len(feature_set.names) == features
    assert feature_set.state_features.shape == (features,)


def test_a_kind_says_of_what_it_is() -> None:
    assert list(CODES.values()) == list(range(len(KINDS)))
    for kind in KINDS.values():
        assert len(kind.parameters) <= 2
        assert bool(kind.kernel) == (kind.entity or kind.operands)
        assert not (kind.entity and kind.operands)
        assert kind.span is None or kind.span.default or kind.labels


def test_the_dispatch_is_what_the_table_of_kinds_says() -> None:
    assert made_dispatch.FILE.read_text(encoding="utf-8") == made_dispatch.text(), "run `make docs`"
