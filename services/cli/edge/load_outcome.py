"""What became of a load: waits for commits of scorers and archiver, counts decisions and refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Final

import msgspec

from services.cli.core.numbers import rate
from services.cli.edge import terminal
from services.cli.edge.errors import Away
from services.cli.edge.loading import Sent
from shared.bus.ports import Place
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import DeadLetter
from shared.contracts.topics import topic_name

POLL_S: Final = 0.25
STUCK_S: Final = 120.0
ARCHIVED: Final = ("transactions", "activities", "labels", "captures", "decisions", "predictions")


class Outcome(msgspec.Struct, frozen=True):
    """``seconds`` from the first record to the last commit of the scorers, ``archived_seconds`` until the
    archiver had written all that came of it; ``refused`` by the scorer, by reason code.
    """

    decisions: int
    seconds: float
    per_second: float
    archived_seconds: float
    refused: dict[str, int]


def wait_decided(kafka: KafkaAddress, portfolio: str, sent: Sent, *, quiet: bool) -> Outcome:
    """Until the scorers have committed all of the load and the archiver has written what came of it.

    Raises Away when one of them makes no progress.
    """
    begun = monotonic() - sent.seconds
    total = sum(sent.ends.values()) - sum(sent.starts.values())
    with terminal.progress("deciding", total, quiet=quiet) as bar:
        _wait(kafka, f"{portfolio}.scorer", sent.ends, lambda left: bar.at(total - left))
    seconds = monotonic() - begun
    with KafkaLook(kafka) as look:
        decisions, refused = _count(look, portfolio, sent)
        written = look.ends(look.places(topic_name(portfolio, name) for name in ARCHIVED))
    with terminal.progress("archiving", None, quiet=quiet) as bar:
        _wait(kafka, f"{portfolio}.archiver", written, lambda left: bar.at(0, f"{left:,} left"))
    archived = monotonic() - begun
    speed = round(rate(decisions, seconds), 1)
    return Outcome(decisions, round(seconds, 3), speed, round(archived, 3), refused)


def _wait(kafka: KafkaAddress, group: str, ends: Mapping[Place, int], tell: Callable[[int], None]) -> None:
    """Until ``group`` has committed up to ``ends``; ``tell`` gets how many records are left."""
    with KafkaLook(kafka, group) as look:
        moved, left = monotonic(), -1
        while left != 0:
            commits = look.committed(list(ends))
            now_left = sum(max(0, end - commits[place]) for place, end in ends.items())
            if now_left != left:
                moved, left = monotonic(), now_left
            if monotonic() - moved > STUCK_S:
                raise Away(
                    f"{group} committed nothing for {STUCK_S:.0f} s with {left:,} records to go.",
                    "Look at `assay status` and its log.",
                )
            tell(left)
            if left:
                sleep(POLL_S)


def _count(look: KafkaLook, portfolio: str, sent: Sent) -> tuple[int, dict[str, int]]:
    """Decisions written since the load began (those of other traffic too), and refusals of its records."""
    decided = look.ends(list(sent.decided_before))
    decisions = sum(decided.values()) - sum(sent.decided_before.values())
    refused: Counter[str] = Counter()
    for message in look.read_all([topic_name(portfolio, "dead-letters")]):
        try:
            letter = decode(DeadLetter, message.value or b"")
        except DecodeError:
            continue  # no letter of ours: it names no place in a load
        place = Place(letter.topic, letter.partition)
        if sent.starts.get(place, 1 << 62) <= letter.offset < sent.ends.get(place, -1):
            refused[letter.reason] += 1
    return decisions, dict(refused)
