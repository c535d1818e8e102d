"""Kilometres by our own series against numpy's, and places as a portfolio, a row and a window hold them."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.contracts.payments import Activity, Transaction
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.kernels_place import EARTH_KM, arcsine, fill_kilometres, kilometres_between, sine
from shared.features.layout import KIND_TRANSACTION
from shared.features.places import pack
from shared.features.portfolio import parse_portfolio
from shared.features.refusal import PortfolioError
from shared.features.rows import RowEncoder
from shared.features.rowwise import Rowwise
from shared.features.timelines import Timelines

MM = 1e-6
BERLIN, SYDNEY, PARIS = (52.52, 13.405), (-33.8688, 151.2093), (48.8566, 2.3522)
HOUR_MS = 3_600_000
T = 1_700_000_000_000
TEXT = """\
name = "street"
currency = "EUR"
entities = [{ name = "card", key = "card_id" }]
columns = [
  { name = "spot", place = ["latitude", "longitude"] },
  { name = "land", field = "country" },
]
features = [
  { name = "home_km", kind = "distance", from = ["latitude", "longitude"], to = ["numbers.n", "numbers.e"] },
  { name = "moved_km", kind = "moved", entity = "card", window = "30d", column = "spot" },
  { name = "speed_kmh", kind = "speed", entity = "card", window = "30d", column = "spot" },
]
"""


def build(text: str = TEXT) -> FeatureSet:
    return compile_portfolio(parse_portfolio(text, "street.toml"))


def payment(
    number: int, place: tuple[float, float] | None, hours: float = 0.0, **more: object
) -> Transaction:
    latitude, longitude = place or (None, None)
    fields = {
        "v": 1,
        "tx_id": f"t{number}",
        "account_id": "a",
        "card_id": "c",
        "event_time_ms": T + round(hours * HOUR_MS),
        "amount_minor": 5,
        "currency": "EUR",
        "latitude": latitude,
        "longitude": longitude,
    }
    return Transaction(**{**fields, **more})  # type: ignore[arg-type]  # fields by name, checked by the struct


def numpy_kilometres(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The haversine by numpy's own functions, with the arctangent, which is sound at the antipodes too."""
    up, side, to_up, to_side = np.radians(places).T
    part = np.sin((up - to_up) / 2) ** 2
    part = part + np.cos(up) * np.cos(to_up) * np.sin((side - to_side) / 2) ** 2
    part = np.minimum(part, 1.0)
    found: NDArray[np.float64] = 2 * EARTH_KM * np.arctan2(np.sqrt(part), np.sqrt(1 - part))
    return found


def test_the_series_are_numpys_functions_to_two_units_of_the_last_place() -> None:
    x = np.linspace(0, np.pi / 2, 20_001)
    assert np.abs(np.array([sine(v) for v in x]) - np.sin(x)).max() <= 4e-16
    y = np.linspace(0, 1, 20_001)
    assert np.abs(np.array([arcsine(v) for v in y]) - np.arcsin(y)).max() <= 4e-16


def test_kilometres_are_numpys_to_a_millimetre() -> None:
    draw = np.random.default_rng(3)
    places = np.column_stack([draw.uniform(-w, w, 50_000) for w in (90, 180, 90, 180)])
    near = places.copy()
    near[:, 2:] = near[:, :2] + draw.normal(0, 1e-3, (50_000, 2))
    near = near[(np.abs(near[:, 2]) <= 90) & (np.abs(near[:, 3]) <= 180)]
    for given_places in (places, near):
        found, expected = np.empty(len(given_places)), numpy_kilometres(given_places)
        fill_kilometres(given_places, found)
        far = expected > 19_900
        assert np.abs(found - expected)[~far].max() <= MM
        assert np.abs(found - expected)[far].max(initial=0.0) <= 1_000 * MM


def test_places_of_note() -> None:
    places = np.array(
        [
            (*BERLIN, *PARIS),
            (0, 0, 0, 180),
            (90, 0, -90, 70),
            (10, 179.9, 10, -179.9),
            (*BERLIN, *BERLIN),
            (*BERLIN, nan, 0),
            (90.1, 0, 0, 0),
            (0, 0, 0, -181),
        ]
    )
    found = np.empty(len(places))
    fill_kilometres(places, found)
    assert found[0] == pytest.approx(877.46, abs=0.01)
    assert found[1] == found[2] == pytest.approx(np.pi * EARTH_KM, abs=MM)
    assert found[3] == pytest.approx(0.2 / 360 * 2 * np.pi * EARTH_KM * np.cos(np.radians(10)), abs=1e-3)
    assert found[4] == 0
    assert np.isnan(found[5:]).all()


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_packed_place_lies_within_a_tenth_of_a_metre(latitude: float, longitude: float) -> None:
    packed = pack(latitude, longitude)
    assert 0 < packed < 2**63
    assert kilometres_between(packed, pack(latitude, longitude)) == 0
    up, side = (packed >> 32) / 1e6 - 90.000001, (packed & 0xFFFFFFFF) / 1e6 - 180
    assert abs(up - latitude) <= 5.1e-7
    assert abs(side - longitude) <= 5.1e-7


@pytest.mark.parametrize("place", [(None, 1.0), (1.0, None), (90.1, 0.0), (0.0, -180.1), (nan, 0.0)])
def test_no_place_is_missing(place: tuple[float | None, float | None]) -> None:
    assert pack(*place) == 0


def test_a_place_is_a_column_of_the_row() -> None:
    features = build()
    encoder = RowEncoder(features, b"key")
    row = np.frombuffer(encoder.transaction(payment(1, BERLIN), 5, T, 0), features.layout.dtype)
    assert row["x0"].tolist() == [pack(*BERLIN)]
    activity = Activity(v=1, activity_id="x", account_id="a", event_time_ms=T, kind="login")
    row = np.frombuffer(encoder.activity(activity, 0), features.layout.dtype)
    assert row["x0"].tolist() == [0]


def test_moves_and_speed_of_a_card() -> None:
    features = build()
    records = [
        payment(1, BERLIN),
        payment(2, PARIS, 2.0, numbers={"n": 52.52, "e": 13.405}),
        payment(3, None, 3.0, numbers={"n": 1.0}),
        payment(4, SYDNEY, 4.0),
        payment(5, SYDNEY, 4.0),
        payment(6, BERLIN, 4.0),
    ]
    encoder, timelines = RowEncoder(features, b"key"), Timelines(features, 1 << 20)
    rows = b"".join(encoder.transaction(r, 5, r.event_time_ms, 0) for r in records)
    matrix = np.full((6, 3), nan)
    Rowwise(features).fill(matrix, np.zeros(6, np.int64), np.zeros(6, np.int64), records)
    claim = timelines.claim([encoder.entity_ids(r) for r in records])
    assert np.frombuffer(rows, features.layout.dtype)["kind"].tolist() == [KIND_TRANSACTION] * 6
    timelines.fold(claim, rows, [0], b"", matrix)
    home, moved, speed = matrix.T
    assert [isnan(km) for km in home] == [True, False, True, True, True, True]
    assert home[1] == pytest.approx(moved[1], abs=1e-3)
    assert np.isnan(moved[[0, 2]]).all()
    assert moved[1] == pytest.approx(877.46, abs=0.01)
    assert speed[1] == moved[1] / 2
    assert speed[3] == moved[3] / 2  # Paris was left two hours ago; what came between has no place
    assert (moved[4], speed[4]) == (0, 0)
    assert speed[5] == pytest.approx(3600 * moved[5])  # at one instant a second passes


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "words"),
    [
        ('to = ["numbers.n", "numbers.e"]', 'to = ["numbers.n"]', "to", 9, "lists the two fields"),
        ('from = ["latitude", "longitude"], ', "", "from", 9, "lists the two fields"),
        ('from = ["latitude"', 'from = ["amount"', "from", 9, "no half of a place"),
        (
            'column = "spot" },\n  { name = "speed',
            'column = "land" },\n  { name = "speed',
            "column",
            10,
            "no places",
        ),
        ('place = ["latitude"', 'place = ["country"', "place", 5, "no half of a place"),
        (
            'place = ["latitude", "longitude"] }',
            'place = ["latitude", "longitude"], field = "country" }',
            "",
            5,
            "either",
        ),
    ],
)
def test_places_are_refused(old: str, new: str, key: str, line: int, words: str) -> None:
    assert old in TEXT
    with pytest.raises(PortfolioError) as caught:
        build(TEXT.replace(old, new, 1))
    assert (caught.value.key, caught.value.line) == (key, line)
    assert words in caught.value.sentence
