"""Without any fault: what the checker says when all is well, and that it does see what is not."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tests.faults.checker import check
from tests.faults.conftest import MakeStand, checked
from tests.faults.read_back import read_back
from tests.support.scorer_traffic import payment_ids, traffic


def test_traffic_is_decided_and_every_invariant_holds(make_stand: MakeStand) -> None:
    stand = make_stand(batch_records="32")
    records = list(traffic(1, 400))
    stand.sender.send(records)
    stand.start()
    stand.until_settled()
    report = checked(stand)
    assert report.decided == len(payment_ids(records)) == report.copies
    assert (report.repeats, report.folded) == (0, report.decided)
    assert report.by_oracle > 30

    found = read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home)
    lost = replace(found, decisions=found.decisions[1:])
    assert check(lost).faults["I1"]
    changed = msgspec.structs.replace(found.decisions[0], action="decline")
    assert check(replace(found, decisions=[*found.decisions, changed])).faults["I3"]
    assert check(replace(found, captures=found.captures[1:])).faults["I4"]
    vector = dict(found.captures[-1].row)
    if vector["vector"] is not None:
        vector["vector"] = [value + 1 for value in vector["vector"]]
        bad = replace(found.captures[-1], row=vector)
        assert check(replace(found, captures=[*found.captures[:-1], bad])).faults["I4"]
    place = next(iter(found.ends))
    assert check(replace(found, ends={**found.ends, place: found.ends[place] + 1})).faults["I6"]
