"""THE topic table: creation, verification, access rights, docs and golden tests all come from it."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from . import bounds
from .decisions import Answer, Decision, Explanation, Flagged, Prediction
from .models import ModelCard, Release
from .operations import Alert, AuditEntry, DeadLetter, ReplayRequest, ScenarioRequest, Status, TrainingRequest
from .payments import Activity, Label, Transaction

DAY_MS: Final = 86_400_000
FOREVER: Final = -1
INPUT_PARTITIONS: Final = 4
MESSAGE_LIMIT_BYTES: Final = bounds.MESSAGE_LIMIT_BYTES


class Topic(Struct, frozen=True, kw_only=True):
    """A topic's card. ``partitions`` "input" follows the deployment's count, fixed at creation.

    ``records`` are the record types that may stand on it; ``None`` means bytes with a layout of their
    own (captures: Arrow). ``dead_letter`` says where a record that cannot be handled goes.
    """

    name: str
    purpose: str
    key: str
    records: tuple[type[Struct], ...] | None
    version: int
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention_ms: int
    partitions: Literal["input", "one"]
    scoped: bool = True
    dead_letter: str = "dead-letters"
    compatibility: str = "backward: a field may be added with a default, none may be retyped"


def _days(days: int) -> int:
    return days * DAY_MS


TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        name="transactions",
        purpose="Payments to decide.",
        key="account_id",
        records=(Transaction,),
        version=1,
        producers=("gateway", "applications", "simulator", "cli", "console"),
        consumers=("scorer", "archiver"),
        retention_ms=_days(30),
        partitions="input",
    ),
    Topic(
        name="activities",
        purpose="Other events of an account; they feed state.",
        key="account_id",
        records=(Activity,),
        version=1,
        producers=("gateway", "applications", "simulator", "cli"),
        consumers=("scorer", "archiver"),
        retention_ms=_days(30),
        partitions="input",
    ),
    Topic(
        name="labels",
        purpose="Fraud or genuine, as known at a time.",
        key="account_id",
        records=(Label,),
        version=1,
        producers=("gateway", "console", "simulator", "cli"),
        consumers=("scorer", "archiver", "monitor"),
        retention_ms=_days(400),
        partitions="input",
    ),
    Topic(
        name="decisions",
        purpose="The one answer per payment.",
        key="account_id",
        records=(Decision,),
        version=1,
        producers=("scorer",),
        consumers=("applications", "gateway", "archiver", "monitor", "console", "cli"),
        retention_ms=_days(30),
        partitions="input",
    ),
    Topic(
        name="predictions",
        purpose="Telemetry of every model asked.",
        key="account_id",
        records=(Prediction,),
        version=1,
        producers=("scorer",),
        consumers=("archiver", "monitor"),
        retention_ms=_days(7),
        partitions="input",
    ),
    Topic(
        name="captures",
        purpose="Inputs and outputs as Arrow batches, for training and replay.",
        key="partition of the input",
        records=None,
        version=1,
        producers=("scorer",),
        consumers=("archiver", "scorer", "monitor"),
        retention_ms=_days(7),
        partitions="input",
    ),
    Topic(
        name="answers",
        purpose="What was really answered over HTTP.",
        key="account_id",
        records=(Answer,),
        version=1,
        producers=("gateway",),
        consumers=("archiver", "console"),
        retention_ms=_days(30),
        partitions="input",
    ),
    Topic(
        name="flagged",
        purpose="Decisions to look at, with their vector.",
        key="account_id",
        records=(Flagged,),
        version=1,
        producers=("scorer",),
        consumers=("explainer", "console"),
        retention_ms=_days(30),
        partitions="input",
    ),
    Topic(
        name="explanations",
        purpose="Exact additive reasons.",
        key="account_id",
        records=(Explanation,),
        version=1,
        producers=("explainer",),
        consumers=("archiver", "console"),
        retention_ms=_days(30),
        partitions="input",
    ),
    Topic(
        name="releases",
        purpose="Everything that decides, hash-chained.",
        key="none",
        records=(Release,),
        version=1,
        producers=("console", "cli", "trainer"),
        consumers=("everyone",),
        retention_ms=FOREVER,
        partitions="one",
    ),
    Topic(
        name="candidates",
        purpose="Trained models, announced.",
        key="model name",
        records=(ModelCard,),
        version=1,
        producers=("trainer",),
        consumers=("console", "monitor", "cli", "trainer"),
        retention_ms=FOREVER,
        partitions="one",
    ),
    Topic(
        name="requests",
        purpose="Jobs to run.",
        key="job kind",
        records=(TrainingRequest, ReplayRequest, ScenarioRequest),
        version=1,
        producers=("monitor", "console", "cli"),
        consumers=("trainer", "replayer", "simulator"),
        retention_ms=_days(90),
        partitions="one",
    ),
    Topic(
        name="alerts",
        purpose="Rules that fired or cleared.",
        key="rule name",
        records=(Alert,),
        version=1,
        producers=("monitor",),
        consumers=("console", "monitor", "cli"),
        retention_ms=_days(90),
        partitions="one",
    ),
    Topic(
        name="dead-letters",
        purpose="Records that could not be handled, with their bytes.",
        key="origin topic",
        records=(DeadLetter,),
        version=1,
        producers=("any consumer",),
        consumers=("console", "archiver", "monitor", "cli"),
        retention_ms=_days(30),
        partitions="input",
        dead_letter="none: the consumer stops",
    ),
    Topic(
        name="status",
        purpose="Each service instance about itself, once a second.",
        key="service instance",
        records=(Status,),
        version=1,
        producers=("every service",),
        consumers=("monitor", "console", "cli"),
        retention_ms=_days(1),
        partitions="one",
        scoped=False,
    ),
    Topic(
        name="audit",
        purpose="Who did what and why, one hash chain per writer.",
        key="writer",
        records=(AuditEntry,),
        version=1,
        producers=("console", "gateway", "cli"),
        consumers=("console", "archiver", "gateway", "cli"),
        retention_ms=FOREVER,
        partitions="one",
        scoped=False,
    ),
)

_BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def topic(name: str) -> Topic:
    """The card of topic ``name``. Raises KeyError for a name outside the table."""
    return _BY_NAME[name]


def topic_name(portfolio: str, name: str) -> str:
    """The name on the broker: ``bank.transactions``, or plain for unscoped topics. Raises KeyError."""
    return f"{portfolio}.{name}" if _BY_NAME[name].scoped else name


def partition_count(card: Topic, input_partitions: int) -> int:
    """How many partitions ``card`` has in a deployment of ``input_partitions``."""
    return input_partitions if card.partitions == "input" else 1
