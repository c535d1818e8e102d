"""One run of the replayer, a process of its own, and the lines that it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from shared.contracts.addresses import KafkaAddress
from shared.contracts.verification import VerifyLine

from .errors import StackError
from .layout import DataDir

MODULE: Final = "services.replayer"
NAME: Final = "replayer"
END_S: Final = 10.0

_LINES: Final = msgspec.json.Decoder(VerifyLine)


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """What is to be verified and where it lies. Times are UTC ms, None is open; ``processes`` 0: one per
    processor."""

    data: DataDir
    kafka: KafkaAddress
    portfolio: str
    portfolio_file: Path | None
    from_ms: int | None
    to_ms: int | None
    processes: int

    def lines(self) -> Iterator[VerifyLine]:
        """Start it, and give each line as it comes; who stops listening ends it. Raises StackError."""
        log = self.data.log(NAME)
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            errors = log.open("wb")
        except OSError as error:
            sentence = f"{log} cannot be written: {error.strerror}."
            raise StackError(sentence, "Make the data dir yours.") from error
        with errors:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULE],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
            )
            try:
                yield from self._read(process)
            finally:
                _end(process)

    def _read(self, process: subprocess.Popen[bytes]) -> Iterator[VerifyLine]:
        assert process.stdout is not None
        said = None
        for line in process.stdout:
            try:
                said = _LINES.decode(line)
            except msgspec.DecodeError as error:
                raise StackError("The replayer said what is no line of ours.", self._way_out()) from error
            yield said
        if process.wait() and said is None:
            raise StackError(f"The replayer ended with code {process.returncode}.", self._way_out())

    def _way_out(self) -> str:
        return f"Look at {self.data.log(NAME)}."

    def _environment(self) -> dict[str, str]:
        told = {
            "KAFKA": self.kafka.bootstrap,
            "KAFKA_USER": self.kafka.user,
            "KAFKA_PASSWORD_FILE": self.kafka.password_file,
            "DATA_DIR": str(self.data.root),
            "PORTFOLIO": self.portfolio,
            "PORTFOLIO_FILE": "" if self.portfolio_file is None else str(self.portfolio_file.absolute()),
            "FROM_MS": "" if self.from_ms is None else str(self.from_ms),
            "TO_MS": "" if self.to_ms is None else str(self.to_ms),
            "PROCESSES": str(self.processes),
        }
        return {**os.environ, **{f"ASSAY_REPLAYER_{name}": value for name, value in told.items() if value}}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of a run stays behind, whoever lost interest in it."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
