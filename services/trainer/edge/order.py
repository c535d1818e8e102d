"""What the trainer hands to the child that trains, and what it gets back: two files in ``run/trainer``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from shared.contracts.ids import content_hash
from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.stores.durable_files import write_whole


class Order(Struct, frozen=True, kw_only=True):
    """One training: the request, and where data, portfolio, artefacts and keys are."""

    request: TrainingRequest
    portfolio: str
    portfolio_file: str | None
    lake: str
    artefacts: str
    keys: str
    signing_key: str


class Result(Struct, frozen=True, kw_only=True):
    """The card to announce, and how long each stage took in ms."""

    card: ModelCard
    stages_ms: dict[str, int]


@dataclass(frozen=True, slots=True)
class Desk:
    """The files of one job; their name is a hash, since a request id may hold any character."""

    folder: Path
    request_id: str

    @property
    def order_path(self) -> Path:
        """What to train."""
        return self.folder / f"{self._name}.order.json"

    @property
    def result_path(self) -> Path:
        """What came of it; it stands only when whole."""
        return self.folder / f"{self._name}.result.json"

    @property
    def _name(self) -> str:
        return content_hash(self.request_id.encode())[:32]

    def write_order(self, order: Order) -> None:
        """Leave the order. Raises OSError."""
        write_whole(self.order_path, msgspec.json.encode(order))

    def result(self) -> Result | None:
        """The result, if a child finished. Raises msgspec.DecodeError for a file that is not ours."""
        try:
            return msgspec.json.decode(self.result_path.read_bytes(), type=Result)
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Remove both files."""
        self.order_path.unlink(missing_ok=True)
        self.result_path.unlink(missing_ok=True)


def read_order(path: Path) -> Order:
    """The order in a file. Raises OSError, msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Order)


def write_result(path: Path, result: Result) -> None:
    """Leave the result, whole or not at all. Raises OSError."""
    write_whole(path, msgspec.json.encode(result))
