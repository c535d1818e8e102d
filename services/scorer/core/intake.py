"""What a message holds: a record on its way, a load's progress, or something to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Struct

from shared.contracts import headers
from shared.contracts.outcome import Dead
from shared.contracts.payments import Activity, Label, Transaction

InputRecord = Transaction | Activity | Label

TICK_END_MS: Final = 2**62
"""Event time of a load's last tick: nothing of the load can be later."""


class Message(Protocol):
    """What the core reads of a message; ``timestamp`` is the broker's append time in ms."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def key(self) -> bytes | None: ...


class Item(Struct, gc=False):
    """One accepted record on its way.

    ``merge_ms`` orders it among other partitions' records (a label by when it was known, in a load by its
    turn), ``rank`` breaks ties (labels first); ``event_ms`` is its event time after clamping; ``mark_ms`` is
    the partition's running maximum of event time before it. A record of a ``load`` waits for its barrier.
    ``raw`` are its original bytes, ``text`` the codec's. The amount of a foreign payment is that of its own
    currency until `pricing.price` sets it.
    """

    kind: int
    record: InputRecord
    message: Message
    raw: bytes
    text: bytes
    own_id: str
    merge_ms: int
    rank: int
    event_ms: int
    amount_base_minor: int
    mark_ms: int
    flags: tuple[str, ...]
    load: str | None
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A load says: on this partition everything before ``reached_ms`` has been sent."""

    load: str
    reached_ms: int


def load_of(message: Message) -> tuple[bytes | None, bytes | None]:
    """The load id and the tick that the message's headers carry."""
    load = tick = None
    for name, value in message.headers:
        if name == headers.LOAD:
            load = value
        elif name == headers.TICK:
            tick = value
    return load, tick


def read_tick(load: bytes | None, tick: bytes) -> Tick:
    """The tick in a header. A malformed one stands for no progress."""
    name = (load or b"").decode("utf-8", "replace")
    if tick == headers.TICK_END:
        return Tick(name, TICK_END_MS)
    return Tick(name, int(tick) if tick.isdigit() and len(tick) < 16 else 0)


Read = Item | Tick | Dead
"""What a message holds."""
