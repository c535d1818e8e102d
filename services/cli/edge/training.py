"""Asking for a training and waiting for its card."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Final

from services.cli.edge.errors import Away, FaultFound
from services.cli.edge.surroundings import CLOCK, House
from shared.bus.ports import Place
from shared.bus.sync import KafkaLook, produce_confirmed
from shared.contracts.codec import DecodeError, decode, encode
from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.contracts.topics import topic_name

KEY: Final = b"training"
POLL_S: Final = 0.5


def ask(house: House, as_of_ms: int, days: int, reason: str, request_id: str, seed: int = 0) -> None:
    """Put a request on the topic. Raises LogAway."""
    request = TrainingRequest(
        v=1,
        request_id=request_id,
        portfolio=house.portfolio,
        as_of_ms=as_of_ms,
        days=days,
        at_ms=CLOCK.now_ms(),
        by=house.around.operator,
        reason=reason,
        seed=seed,
    )
    produce_confirmed(house.kafka, Place(topic_name(house.portfolio, "requests"), 0), KEY, encode(request))


def follow(house: House, request_id: str, timeout_s: float, tick: Callable[[float], None]) -> ModelCard:
    """The card that answers ``request_id``. Raises FaultFound for a failed one, Away after ``timeout_s``."""
    begun = monotonic()
    with KafkaLook(house.kafka) as look:
        places = look.places([topic_name(house.portfolio, "candidates")])
        seen = look.starts(places)
        while monotonic() - begun < timeout_s:
            ends = look.ends(places)
            for message in look.read({p: (seen[p], ends[p]) for p in places}):
                card = _card(message.value)
                if card is not None and card.request_id == request_id:
                    return _usable(card)
            seen = ends
            tick(monotonic() - begun)
            sleep(POLL_S)
    raise Away(
        f"No card came for training {request_id} in {timeout_s:.0f} s.",
        "Look at `assay status` and the trainer's log; the training itself goes on.",
    )


def _usable(card: ModelCard) -> ModelCard:
    if card.outcome != "candidate":
        raise FaultFound(f"The training gave no model: {card.detail}", "Give it more days or later labels.")
    return card


def _card(raw: bytes | None) -> ModelCard | None:
    try:
        return decode(ModelCard, raw or b"")
    except DecodeError:
        return None
