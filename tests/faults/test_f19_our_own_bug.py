"""F19: our code fails on one payment, or on everything."""

from __future__ import annotations

from collections import Counter
from typing import Final

from tests.faults.conftest import MakeStand, checked
from tests.support.scorer_stand import by_tx
from tests.support.scorer_traffic import T0_MS, payment

ATTEMPTS: Final = 3


def test_one_payment_goes_to_dead_letters_after_three_attempts_and_neighbours_are_decided(
    make_stand: MakeStand,
) -> None:
    stand = make_stand(fail_on_id="bad")
    good = [payment(f"good-{n}", T0_MS + n, account_id=f"a-{n % 4}") for n in range(60)]
    stand.sender.send([*good[:30], payment("bad"), *good[30:]])
    worker = stand.start()
    stand.until_settled()
    (letter,) = stand.letters()
    assert (letter.reason, letter.attempt, letter.detail) == ("bug", ATTEMPTS, "RuntimeError")
    assert b'"bad"' in (letter.body or b"")
    copies = by_tx(stand.decisions())
    assert set(copies) == {tx.tx_id for tx in good}
    assert max(Counter(d.tx_id for d in stand.decisions()).values()) == 1
    assert worker.tail().count("record_failed") == ATTEMPTS
    stand.sender.send([payment("good-later")])
    stand.until_settled()
    assert worker.exit_code is None


def test_a_failed_payments_place_in_the_timelines_is_known(make_stand: MakeStand) -> None:
    """It was appended before our code failed; the captures must not show a lost record there."""
    stand = make_stand(fail_on_id="bad")
    stand.sender.send([payment("before"), payment("bad", T0_MS + 1), payment("after", T0_MS + 2)])
    stand.start()
    stand.until_settled()
    checked(stand)


def test_when_everything_fails_the_worker_stops_and_commits_nothing(make_stand: MakeStand) -> None:
    stand = make_stand(fail_on_id="bad")
    stand.sender.send([payment("bad", amount_minor=n) for n in range(80)])
    worker = stand.start()
    assert worker.wait(60) == 1
    assert "TooManyBugs" in worker.tail()
    committed, ends = stand.positions()
    assert sum(ends.values()) == 80
    assert sum(committed.values()) == 0
    assert stand.decisions() == []
