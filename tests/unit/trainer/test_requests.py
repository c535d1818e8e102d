"""What a record of the topic requests asks the trainer for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.trainer.edge.intake import judge
from shared.contracts.codec import encode
from shared.contracts.operations import ReplayRequest
from shared.contracts.outcome import Dead, Forward
from tests.support.training_requests import AT_MS, request

REPLAY = ReplayRequest(
    v=1, request_id="x", portfolio="bank", from_ms=AT_MS, to_ms=AT_MS, at_ms=AT_MS, by="ann"
)


@pytest.mark.parametrize(
    ("key", "value", "outcome"),
    [
        (b"training", encode(request()), Forward(request())),
        (None, encode(request()), Forward(request())),
        (b"replay", b"anything", None),
        (b"", encode(REPLAY), None),
        (b"training", b"{", Dead("not_json")),
        (b"training", None, Dead("not_json")),
        (b"training", b"{}", Dead("field_missing", "v")),
        (b"training", encode(replace(request(), portfolio="other")), Dead("field_range", "portfolio")),
    ],
)
def test_what_a_record_of_requests_asks(key: bytes | None, value: bytes | None, outcome: object) -> None:
    assert judge(key, value, "bank") == outcome
