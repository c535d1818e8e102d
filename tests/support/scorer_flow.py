"""Traffic that goes on in a thread of its own while a test breaks things."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final

from tests.support.scorer_stand import Stand
from tests.support.scorer_traffic import Mix, Record, payment_ids, traffic

PORTION: Final = 10
WIDE: Final = Mix(accounts=80, terminals=20)


class Flow:
    """Sends seeded traffic at about ``per_second`` records until the block ends; ``sent`` are its records."""

    def __init__(self, stand: Stand, seed: int, per_second: int = 200, prefix: str = "flow") -> None:
        self._sender = stand.sender
        self._pause_s = PORTION / per_second
        self._records: Iterator[Record] = traffic(seed, 1_000_000, prefix, mix=WIDE)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow")
        self._failure: Exception | None = None
        self.sent: list[Record] = []

    def __enter__(self) -> Flow:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if error is None and self._failure is not None:
            raise self._failure

    @property
    def payments(self) -> list[str]:
        """Ids of the payments sent so far."""
        return payment_ids(self.sent)

    def _run(self) -> None:
        try:
            while not self._over.wait(self._pause_s):
                portion = [next(self._records) for _ in range(PORTION)]
                self._sender.send(portion)
                self.sent += portion
        except Exception as error:  # noqa: BLE001  # raised again in the test's own thread
            self._failure = error
