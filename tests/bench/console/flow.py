"""Decisions that flow as from a scorer: at an even rate, flagged ones with their vector."""

from __future__ import annotations

import threading
import time
from typing import Any, Final, Self

from kafka import KafkaProducer

from shared.contracts.codec import encode
from shared.contracts.decisions import Flagged
from tests.support.console_house import decision, vector

AT_ONCE: Final = 12_000
"""Decisions, and as many flagged ones, sent at the start: the console's memory is full from then on."""
STEP_S: Final = 0.1


class Flow:
    """Sends from a thread between ``with`` and its end; ``sent`` counts decisions."""

    def __init__(self, bootstrap: str, portfolio: str, per_s: float) -> None:
        self._producer: Any = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
        self._portfolio = portfolio
        self._per_s = per_s
        # Numbers that neither the lake was filled with nor an earlier flow over the same folder sent.
        self._first = time.time_ns() // 1_000_000
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow")
        self.sent = 0

    def __enter__(self) -> Self:
        for _ in range(AT_ONCE):
            self._send(is_case=True)
        self._producer.flush()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._producer.close()

    def _run(self) -> None:
        started, before = time.monotonic(), self.sent
        while not self._ends.wait(STEP_S):
            while self.sent - before < (time.monotonic() - started) * self._per_s:
                self._send()

    def _send(self, *, is_case: bool = False) -> None:
        told = decision(self._first + self.sent, time.time_ns() // 1_000_000)
        place = {"partition": self.sent % 2, "key": told.account_id.encode()}
        self._producer.send(f"{self._portfolio}.decisions", value=encode(told), **place)
        if is_case or told.action != "approve":
            flagged = Flagged(v=1, decision=told, features=vector(self.sent))
            self._producer.send(f"{self._portfolio}.flagged", value=encode(flagged), **place)
        self.sent += 1
