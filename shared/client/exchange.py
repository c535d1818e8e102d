"""When to ask again: a generator that says what to do next and is told what came of it.

The shells drive it, one by blocking, one by awaiting; it knows no socket, and is given time and chance.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, NamedTuple

from .failures import Delayed
from .reading import Lost, Reply, delay_of
from .requests import Attempt, Request, attempt

FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0
SPREAD: Final = 0.25


class Pause(NamedTuple):
    """Wait so many seconds."""

    seconds: float


class Patience(NamedTuple):
    """How long the whole of a call may take, and how often it is asked again."""

    timeout_s: float
    retries: int


Steps = Generator[Attempt | Pause, Reply | Lost | None, Reply]


def exchange(
    request: Request, patience: Patience, now_s: Callable[[], float], chance: Callable[[], float]
) -> Steps:
    """Send, and while the house says "later" or is not heard, send the same again.

    Yields an `Attempt`, to be answered by a `Reply` or `Lost`, or a `Pause`, to be answered by None. Returns
    the reply that settles it, which may be a refusal. ``now_s`` is a clock in seconds that never goes back;
    ``chance`` draws from [0, 1). Raises Delayed when the retries or the time are used up, without a wait that
    would outlast the time.
    """
    ends_s = now_s() + patience.timeout_s
    asked = 0
    while True:
        heard = yield attempt(request, max(ends_s - now_s(), 0.001))
        assert heard is not None, "an attempt is answered by what came of it"
        delay = delay_of(heard)
        if delay is None:
            assert isinstance(heard, Reply)
            return heard
        wait_s = pause_s(asked, delay, chance())
        if asked >= patience.retries or now_s() + wait_s >= ends_s or not _may_repeat(request, heard):
            raise delay
        asked += 1
        yield Pause(wait_s)


def pause_s(asked: int, delay: Delayed, chance: float) -> float:
    """Seconds before the next attempt: what the house said and a little more, else doubling with jitter.

    ``chance`` in [0, 1) spreads callers that were sent away together.
    """
    if delay.retry_after_s is not None:
        return delay.retry_after_s * (1 + SPREAD * chance)
    longest = min(FIRST_WAIT_S * 2.0**asked, LONGEST_WAIT_S)
    return longest * (1 + chance) / 2


def _may_repeat(request: Request, heard: Reply | Lost) -> bool:
    """A request that must not happen twice is sent again only where it surely did not happen."""
    return request.repeatable or isinstance(heard, Reply) or not heard.may_have_arrived
