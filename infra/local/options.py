"""What a stack is asked to be."""

from __future__ import annotations

from msgspec import Struct

from shared.contracts.topics import INPUT_PARTITIONS


class StackOptions(Struct, frozen=True, kw_only=True):
    """One stack. ``data_dir`` is absolute; ``rate`` is the simulator's payments per second,
    ``accounts`` how many pay: the world of a history is gone on with by its own number.

    ``kafka_port`` 0 takes the port of the last run, else a free one. ``portfolio_file`` "" means
    the one of the portfolio's name in infra/portfolios.
    """

    data_dir: str
    portfolio: str = "bank"
    portfolio_file: str = ""
    workers: int = 1
    rate: float = 20.0
    accounts: int = 2_000
    simulator: bool = False
    partitions: int = INPUT_PARTITIONS
    kafka_port: int = 0
    heap_mb: int = 512
