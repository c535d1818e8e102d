"""What a bank asks of its timelines, in its own words: devices, payees, what came before a payment."""

from __future__ import annotations

from math import isnan
from typing import Final

import pytest

from shared.contracts.payments import Activity, Transaction
from shared.features.compiled import compile_portfolio
from shared.features.layout import KIND_TRANSACTION
from shared.features.portfolio import parse_portfolio
from shared.features.rows import RowEncoder
from shared.features.timelines import Timelines

NOW_MS: Final = 1_700_000_000_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

PORTFOLIO: Final = """
name = "street"
currency = "EUR"
activities = ["login", "device_registered", "payee_added", "payment_outcome"]
entities = [
  { name = "account", key = "account_id" },
  { name = "device", key = "device_id" },
  { name = "payee", key = "payee_id" },
]
columns = [
  { name = "payer", field = "account_id" },
  { name = "device", field = "device_id" },
  { name = "payee", field = "payee_id" },
]
features = [
"""


def _asked(name: str, kind: str, entity: str = "account", window: str = "30d", **more: str) -> str:
    keys = {"name": name, "kind": kind, "entity": entity, "window": window, **more}
    return "  { " + ", ".join(f'{key} = "{value}"' for key, value in keys.items()) + " },\n"


QUESTIONS: Final = (
    _asked("devices", "distinct", column="device"),
    _asked("device_accounts", "distinct", "device", column="payer"),
    _asked("payee_accounts", "distinct", "payee", column="payer"),
    _asked("registered", "distinct", column="device", activity="device_registered"),
    _asked("device_users", "distinct", "device", column="payer", activity="login"),
    _asked("strange_device", "first_pair", column="device", activity="device_registered"),
    _asked("device_logins", "pair_count", column="device", activity="login"),
    _asked("payee_added_s", "pair_age", column="payee", activity="payee_added"),
    _asked("payee_known_s", "pair_age", column="payee"),
    _asked("payee_paid_s", "pair_gap", column="payee"),
    _asked("new_device_s", "gap", activity="device_registered"),
    _asked("logins", "activity_count", window="1d", activity="login"),
    _asked("payees", "activity_count", window="1d", activity="payee_added"),
    '  { name = "events", kind = "total", left = "logins", right = "payees" },\n',
    _asked("to_largest", "max_ratio", window="60d"),
)
FEATURES: Final = compile_portfolio(parse_portfolio(PORTFOLIO + "".join(QUESTIONS) + "]", "street.toml"))


class Bank:
    """One worker that has seen everything, so that the store has nothing to tell it."""

    def __init__(self) -> None:
        self._timelines = Timelines(FEATURES, 1 << 20)
        self._rows = RowEncoder(FEATURES, b"key")
        self._told = 0

    def does(self, kind: str, hours_ago: float, account: str = "anna", **ids: str) -> None:
        """An activity of an account."""
        self._told += 1
        activity = Activity(
            v=1,
            activity_id=f"act-{self._told}",
            account_id=account,
            kind=kind,
            event_time_ms=NOW_MS - round(hours_ago * HOUR_MS),
            **ids,  # type: ignore[arg-type]  # entity ids only
        )
        self._fold(activity, self._rows.activity(activity, self._told))

    def pays(
        self, hours_ago: float = 0, account: str = "anna", amount_minor: int = 100, **ids: str
    ) -> dict[str, float]:
        """A payment of an account; its features by name."""
        self._told += 1
        time_ms = NOW_MS - round(hours_ago * HOUR_MS)
        payment = Transaction(
            v=1,
            tx_id=f"tx-{self._told}",
            account_id=account,
            event_time_ms=time_ms,
            amount_minor=amount_minor,
            currency="EUR",
            **ids,  # type: ignore[arg-type]  # entity ids only
        )
        return self._fold(payment, self._rows.transaction(payment, amount_minor, time_ms, self._told))

    def _fold(self, record: Activity | Transaction, row: bytes) -> dict[str, float]:
        claimed = self._timelines.claim([self._rows.entity_ids(record)])
        found = self._timelines.fold(claimed, row, claimed.known, b"")
        assert (found.rows["kind"][0] == KIND_TRANSACTION) == isinstance(record, Transaction)
        return dict(zip(FEATURES.names, found.matrix[0].tolist(), strict=True))


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_devices_per_account_and_accounts_per_device_and_payee(bank: Bank) -> None:
    for account, device, payee in (
        ("anna", "phone", "shop"),
        ("anna", "phone", "mule"),
        ("anna", "tablet", "mule"),
        ("ben", "phone", "mule"),
        ("cleo", "laptop", "mule"),
    ):
        bank.pays(5, account, device_id=device, payee_id=payee)
    bank.pays(31 * 24, "dora", device_id="phone", payee_id="mule")
    found = bank.pays(0, "anna", device_id="phone", payee_id="mule")
    assert found["devices"] == 2
    assert found["device_accounts"] == 2  # anna and ben; dora's payment is too old
    assert found["payee_accounts"] == 3
    assert bank.pays(0, "emil", payee_id="mule")["payee_accounts"] == 3  # he himself is left out
    assert isnan(bank.pays(0, "anna")["device_accounts"])  # the payment names no device


def test_devices_registered_per_account_are_not_those_paid_with(bank: Bank) -> None:
    bank.pays(9, device_id="old")
    bank.does("login", 8, device_id="borrowed")
    for hours_ago, device in ((7, "phone"), (6, "tablet"), (5, "phone")):
        bank.does("device_registered", hours_ago, device_id=device)
    bank.does("device_registered", 4, "ben", device_id="laptop")
    found = bank.pays(device_id="old")
    assert (found["registered"], found["devices"]) == (2, 1)
    assert found["strange_device"] == 1
    assert bank.pays(device_id="tablet")["strange_device"] == 0
    assert isnan(bank.pays()["strange_device"])


def test_who_logs_in_on_a_device_and_how_often_with_this_one(bank: Bank) -> None:
    for account in ("anna", "ben", "cleo", "anna"):
        bank.does("login", 3, account, device_id="phone")
    bank.does("login", 2, "anna", device_id="tablet")
    found = bank.pays(device_id="phone")
    assert (found["device_users"], found["device_logins"]) == (3, 2)


def test_time_since_this_payee_was_added_and_was_paid(bank: Bank) -> None:
    bank.does("payee_added", 48, payee_id="mule")
    bank.does("payee_added", 2, payee_id="shop")
    bank.does("payee_added", 1, payee_id="mule")
    first = bank.pays(0.5, payee_id="mule")
    assert first["payee_added_s"] == 47.5 * 3600  # the oldest of the two
    assert isnan(first["payee_known_s"])
    assert isnan(first["payee_paid_s"])
    bank.pays(0.25, payee_id="mule")
    bank.pays(0.1, payee_id="shop")
    again = bank.pays(payee_id="mule")
    assert (again["payee_known_s"], again["payee_paid_s"]) == (1800, 900)
    stranger = bank.pays(payee_id="nobody")
    assert isnan(stranger["payee_added_s"])
    assert isnan(bank.pays()["payee_added_s"])  # the payment names no payee


def test_a_new_device_then_a_payment(bank: Bank) -> None:
    assert isnan(bank.pays(10)["new_device_s"])
    bank.does("device_registered", 9, device_id="phone")
    bank.does("login", 1, device_id="phone")
    bank.pays(0.5)
    assert bank.pays()["new_device_s"] == 9 * 3600  # neither the login nor the payment in between


def test_an_activity_at_the_very_time_of_a_payment_counts_once_it_is_there(bank: Bank) -> None:
    assert isnan(bank.pays(payee_id="mule")["payee_added_s"])
    bank.does("payee_added", 0, payee_id="mule")
    found = bank.pays(payee_id="mule")
    assert (found["payee_added_s"], found["payees"]) == (0, 1)


def test_activities_of_several_kinds_are_a_total(bank: Bank) -> None:
    bank.does("login", 3)
    bank.does("login", 2)
    bank.does("payee_added", 1, payee_id="shop")
    assert bank.pays()["events"] == 3


def test_the_amount_against_the_largest(bank: Bank) -> None:
    assert isnan(bank.pays(9, amount_minor=700)["to_largest"])
    bank.pays(8, amount_minor=99)
    assert bank.pays(amount_minor=1402)["to_largest"] == 1402 / 701
