"""Expected failures of every room, told as one sentence with the way out."""

from __future__ import annotations

from typing import Final

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from infra.kafka.broker import BrokerAwayError
from infra.local.errors import StackError
from services.cli.edge.errors import Away, CommandError, FaultFound, WrongUse
from shared.bus.ports import LogAway
from shared.client import CallFailed, Delayed, Unauthorised
from shared.contracts.access import AccessRefused
from shared.features.refusal import PortfolioError
from shared.stores.kafka_log import KafkaAway
from shared.stores.lake_away import LakeAway
from shared.stores.manifest import ArtefactRefused
from shared.stores.releases_writer import ReleaseConflict, ReleaseRefused
from shared.stores.signing import KeyRefused
from shared.stores.timeline_rebuild import RebuildFailed

_KAFKA: Final = "Look at `assay status`; start the stack with `assay up`."

EXPECTED: Final = (
    StackError,
    BrokerAwayError,
    AccessRefused,
    LogAway,
    KafkaAway,
    LakeAway,
    RedisError,
    PortfolioError,
    ArtefactRefused,
    ReleaseRefused,
    KeyRefused,
    RebuildFailed,
    CallFailed,
)
"""What a command may raise, beside `CommandError`, without it being a defect of ours."""


def translate(error: Exception) -> CommandError:
    """The failure as the command line tells it."""
    text = str(error).rstrip(".")
    match error:
        case StackError():
            return Away(error.sentence, error.way_out)
        case BrokerAwayError() | LogAway() | KafkaAway():
            return Away(f"Kafka is away: {text}.", _KAFKA)
        case AccessRefused():
            return FaultFound(f"{text}.")
        case NoPermissionError() | AuthenticationError():
            return FaultFound(
                f"access_refused: Redis refuses: {text}.", "`assay down` and `assay up` write its users anew."
            )
        case LakeAway():
            return Away(f"The lake cannot be read: {text}.", "Check the folder and its disk.")
        case RedisError():
            return Away(f"Redis is away: {text}.", "Look at `assay status`.")
        case PortfolioError():
            return WrongUse(f"{text}.", "Correct the file and run `assay features check`.")
        case ReleaseConflict():
            return FaultFound(f"{text}.", "Run `assay release show`, then decide again.")
        case Delayed():
            return Away(f"{text}.", "Look at `assay status`, and at the gateway's log.")
        case Unauthorised():
            return WrongUse(
                f"{text}.",
                "The operator's key must be that of the house asked: `assay status` names its front door.",
            )
        case KeyRefused():
            return WrongUse(f"{text}.")
        case _:
            return FaultFound(f"{text}.")
