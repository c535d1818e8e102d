"""Where a command finds things: data dir, addresses of the running stack, portfolio, keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.local.layout import DataDir
from infra.local.leftovers import is_locked
from infra.local.secrets import Secrets
from infra.local.state import StackState, read_state
from services.cli.edge.errors import Away, WrongUse
from shared.contracts.access import OPERATOR
from shared.contracts.addresses import KafkaAddress, RedisAddress
from shared.runtime.clock import SystemClock

if TYPE_CHECKING:
    from shared.features.portfolio import Portfolio

DEFAULT_PORTFOLIO: Final = "bank"
CLI: Final = "cli"
CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the environment says; None where it says nothing and the running stack is asked."""

    kafka: KafkaAddress | None
    redis: RedisAddress | None
    data_dir: Path
    portfolio: str | None
    portfolio_file: Path | None
    signing_key: str
    operator: str
    gateway: str | None = None
    operator_key_file: Path | None = None
    console: str | None = None
    console_key_file: Path | None = None
    state_buckets: int = 1

    def house(self, data_dir: Path | None, portfolio: str | None = None) -> House:
        """The house at ``data_dir`` (else the environment's), for ``portfolio`` (else the stack's)."""
        root = DataDir.at(data_dir or self.data_dir)
        state = read_state(root.state_file) if is_locked(root) else None
        served = state.options.portfolio if state else None
        name = portfolio or self.portfolio or served or DEFAULT_PORTFOLIO
        return House(self, root, state, name)


@dataclass(frozen=True, slots=True)
class House:
    """One data dir and portfolio. ``state`` is the running stack's, None where none runs."""

    around: Surroundings
    data: DataDir
    state: StackState | None
    portfolio: str

    @property
    def kafka(self) -> KafkaAddress:
        """Where Kafka is. Raises Away when no stack runs and none is named."""
        return self.kafka_as(CLI)

    def kafka_as(self, principal: str) -> KafkaAddress:
        """Where Kafka is, for a process of ours that signs in as ``principal``. Raises Away, StackError."""
        return self.around.kafka or self._secrets.kafka(self._address("kafka", "ASSAY_KAFKA"), principal)

    def kafka_at(self, state: StackState) -> KafkaAddress:
        """Kafka of a stack of this data dir that has just come up. Raises StackError."""
        return self._secrets.kafka(state.addresses["kafka"], CLI)

    @property
    def kafka_of_operator(self) -> KafkaAddress:
        """Where Kafka is, for who makes topics and rights. Raises Away, StackError."""
        return self.kafka_as(OPERATOR)

    @property
    def redis(self) -> RedisAddress:
        """Where Redis is. Raises Away when no stack runs and none is named."""
        return self.around.redis or self._secrets.redis(self._address("redis", "ASSAY_REDIS_URL"), CLI)

    @property
    def gateway(self) -> str:
        """Where the front door is. Raises Away when no stack runs and none is named."""
        return self.around.gateway or self._address("gateway", "ASSAY_CLI_GATEWAY")

    @property
    def operator_key(self) -> str:
        """The key that may manage keys. Raises WrongUse."""
        path = self.around.operator_key_file or self._secrets.operator_key
        return _key(path, "ASSAY_CLI_OPERATOR_KEY_FILE")

    @property
    def console(self) -> str:
        """Where the console is. Raises Away when no stack runs and none is named."""
        return self.around.console or self._address("console", "ASSAY_CLI_CONSOLE")

    @property
    def console_key(self) -> str:
        """The key that may manage the console's users. Raises WrongUse."""
        return _key(self.around.console_key_file or self._secrets.console_key, "ASSAY_CLI_CONSOLE_KEY_FILE")

    @property
    def _secrets(self) -> Secrets:
        return Secrets(self.data.secrets)

    @property
    def lake(self) -> Path:
        """The folder of the lake."""
        return self.data.root / "lake"

    @property
    def keys(self) -> Path:
        """The folder of the keys."""
        return self.data.root / "keys"

    @property
    def artefacts(self) -> Path:
        """The folder of the artefact store."""
        return self.data.root / "artefacts"

    def read_portfolio(self) -> Portfolio:
        """The portfolio's file, read. Raises WrongUse, PortfolioError."""
        # It takes numpy, and most commands read no portfolio.
        from shared.stores.portfolio_files import read_portfolio

        try:
            return read_portfolio(self.portfolio, self.portfolio_file)
        except FileNotFoundError as error:
            raise WrongUse(
                f"There is no portfolio '{self.portfolio}'.",
                "Name one of infra/portfolios, or its file with ASSAY_PORTFOLIO_FILE.",
            ) from error
        except ValueError as error:
            raise WrongUse(f"{error}.", "Name the portfolio that the file describes.") from error

    @property
    def portfolio_file(self) -> Path | None:
        """The portfolio's own file, if the environment or the running stack names one for it."""
        if self.around.portfolio_file is not None:
            return self.around.portfolio_file
        served = self.state and self.state.options.portfolio == self.portfolio
        return (
            Path(self.state.options.portfolio_file)
            if served and self.state and self.state.options.portfolio_file
            else None
        )

    def _address(self, part: str, variable: str) -> str:
        found = self.state.addresses.get(part) if self.state else None
        if not found:
            raise Away(
                f"No stack runs on {self.data.root}.",
                f"Start one with `assay up`, name its folder with --data-dir, or set {variable}.",
            )
        return found


def _key(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise WrongUse(
            f"The operator's key cannot be read: {error}.",
            f"Name its file with {variable}; `assay up` makes one.",
        ) from error
