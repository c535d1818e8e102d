"""One server under watch: started, asked whether it is ready, started again with back-off when it exits."""

from __future__ import annotations

from typing import Final

from .backoff import ExitHistory
from .errors import StackError
from .server import Server
from .service import ServiceProcess
from .state import Part

ASK_STARTING_EVERY_S: Final = 0.2
ASK_READY_EVERY_S: Final = 2.0


class Managed:
    """A server with its part of the stack's state. Times are seconds of one monotonic clock, passed in.

    ``wave`` orders stopping: higher waves go first.
    """

    def __init__(self, server: Server, address: str, wave: int) -> None:
        self.server = server
        self.wave = wave
        self.part = Part(name=server.name, address=address, log_path=str(server.log_path))
        if isinstance(server, ServiceProcess):
            self.part.health_port = server.health_port
        self._history = ExitHistory()
        self._launched_s = 0.0
        self._next_s = 0.0

    def launch(self, now_s: float) -> None:
        """Start the process. Raises StackError when it cannot be started at all."""
        self._launched_s, self._next_s = now_s, now_s
        self.part.phase, self.part.detail = "starting", ""
        self.part.record = self.server.launch()

    def tick(self, now_s: float) -> bool:
        """Look once; whether the part's state changed."""
        before = (self.part.phase, self.part.detail, self.part.record)
        if self.part.record is None:
            if now_s >= self._next_s:
                self._start_again(now_s)
        elif (code := self.server.exit_code()) is not None:
            self._after_exit(now_s, f"exited with code {code}: {self.server.last_line()}")
        elif now_s >= self._next_s:
            self._ask(now_s)
        return before != (self.part.phase, self.part.detail, self.part.record)

    def ask_until_ready(self, now_s: float) -> bool:
        """Look once during the start; whether it is ready. Raises StackError when it exited."""
        code = self.server.exit_code()
        if code is not None:
            raise StackError(
                f"{self.part.name} exited with code {code} before it was ready: {self.server.last_line()}",
                f"Its log is {self.part.log_path}.",
            )
        self._ask(now_s)
        return self.part.phase == "ready"

    def stop(self) -> None:
        """End the process and all it started; the part stays in the state as stopped."""
        self.server.stop()
        self.part.phase, self.part.detail, self.part.record = "stopped", "", None

    def _start_again(self, now_s: float) -> None:
        try:
            self.launch(now_s)
        except StackError as error:
            self._after_exit(now_s, error.sentence)

    def _after_exit(self, now_s: float, why: str) -> None:
        self.server.stop()
        self.part.record = None
        self.part.exits += 1
        delay_s = self._history.exited(self._launched_s, now_s)
        self._next_s = now_s + delay_s
        self.part.phase = "failed" if self._history.failed() else "waiting"
        self.part.detail = f"{why}; tried again after {delay_s:.0f} s"

    def _ask(self, now_s: float) -> None:
        ready = self.server.probe()
        self._next_s = now_s + (ASK_READY_EVERY_S if ready else ASK_STARTING_EVERY_S)
        if ready:
            self.part.phase, self.part.detail = "ready", ""
            return
        if self.part.phase == "ready":
            self.part.phase = "not ready"
        self.part.detail = "; ".join(self._faults())

    def _faults(self) -> tuple[str, ...]:
        return self.server.last_answer.faults if isinstance(self.server, ServiceProcess) else ()
