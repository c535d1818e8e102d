"""A portfolio of a test's own on a real broker and Redis: topics, releases, workers, what comes out."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from infra.kafka.broker import apply
from infra.kafka.topics import wanted_topics
from shared.bus.ports import Place, Taken
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode
from shared.contracts.decisions import Decision, Prediction
from shared.contracts.models import ModelRef, Policy, Release, ReleaseContent
from shared.contracts.operations import DeadLetter, Status
from shared.contracts.topics import topic_name
from shared.features.compiled import FeatureSet
from shared.runtime.clock import SystemClock
from shared.stores.artefacts import ArtefactStore
from shared.stores.guarded_load import ExpectedInputs
from shared.stores.portfolio_files import read_feature_set
from shared.stores.releases_writer import ReleaseChecks, ReleaseWriter
from shared.stores.signing import Signer, open_signer, read_trusted
from tests.support.scorer_process import ScorerProcess, wait_until
from tests.support.scorer_traffic import Sender

PARTITIONS: Final = 2
INPUTS: Final = ("transactions", "activities", "labels")
TOPICS: Final = (
    *INPUTS,
    "decisions",
    "predictions",
    "flagged",
    "captures",
    "dead-letters",
    "releases",
    "status",
)

PORTFOLIO: Final = """
name = "{name}"
currency = "EUR"
label_delay_days = 1
entities = [ {{ name = "account", key = "account_id" }}, {{ name = "terminal", key = "terminal_id" }} ]
columns = [ {{ name = "payer", field = "account_id" }} ]
activities = [ "failed" ]
rates_ppm = {{ USD = 900_000 }}
features = [
  {{ name = "amount", kind = "value", field = "amount" }},
  {{ name = "hour", kind = "hour" }},
  {{ name = "account_count_1h", kind = "count", entity = "account", window = "1h" }},
  {{ name = "account_sum_1d", kind = "sum", entity = "account", window = "1d", self = true }},
  {{ name = "account_z_30d", kind = "z", entity = "account", window = "30d" }},
  {{ name = "failed", kind = "activity_count", entity = "account", window = "1d", activity = "failed" }},
  {{ name = "terminal_count_1d", kind = "count", entity = "terminal", window = "1d" }},
  {{ name = "terminal_payers_1d", kind = "distinct", entity = "terminal", window = "1d", column = "payer" }},
  {{ name = "terminal_risk_7d", kind = "delayed_risk", entity = "terminal", window = "7d" }},
  {{ name = "pace", kind = "share", left = "account_count_1h", right = "terminal_count_1d" }},
]
[policy]
review_at = 0.5
degraded_limit_minor = 20_000
"""


@dataclass
class Stand:
    """Everything of one test. ``home`` is the data folder that all workers share."""

    bootstrap: str
    redis_url: str
    home: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"f{uuid.uuid4().hex[:10]}")
    workers: list[ScorerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.portfolio_file = self.folder / f"{self.name}.toml"
        self.portfolio_file.write_text(PORTFOLIO.format(name=self.name))
        names = {topic_name(self.name, name) for name in TOPICS}
        wanted = [topic for topic in wanted_topics([self.name], PARTITIONS) if topic.name in names]
        apply(KafkaAddress(self.bootstrap), wanted)
        self.sender = Sender(self.bootstrap, self.name)

    def close(self) -> None:
        """End every worker that still runs."""
        for worker in self.workers:
            worker.kill()
        self.sender.close()

    @cached_property
    def features(self) -> FeatureSet:
        """The compiled portfolio."""
        return read_feature_set(self.name, self.portfolio_file)

    @cached_property
    def signer(self) -> Signer:
        """Who signs this home's models and releases."""
        return open_signer(self.home / "keys", "tests")

    @property
    def artefacts(self) -> ArtefactStore:
        """Where models lie."""
        return ArtefactStore(self.home / "artefacts")

    def release(self, champion: ModelRef | None = None) -> Release:
        """Publish the next release."""
        inputs = ExpectedInputs(self.features.hash, self.features.names)
        signer = self.signer
        checks = ReleaseChecks(
            inputs, self.features.layout.hash, self.artefacts, read_trusted(self.home / "keys")
        )
        content = ReleaseContent(
            portfolio=self.name,
            feature_set=self.features.hash,
            layout=self.features.layout.hash,
            champion=champion,
            challengers=[],
            shadows=[],
            rules=[],
            lists=[],
            policy=Policy(review_at=0.5, degraded_limit_minor=20_000),
            rates_ppm={"USD": 900_000},
            split_salt="salt",
        )
        writer = ReleaseWriter(KafkaAddress(self.bootstrap), self.name, signer, SystemClock(), checks)
        return writer.publish(content, "tests", "test", uuid.uuid4().hex)

    def start(self, **settings: str) -> ScorerProcess:
        """One more worker; ``settings`` are names of `ScorerSettings` in lower case."""
        number = len(self.workers) + 1
        told = {
            "kafka": self.bootstrap,
            "redis_url": self.redis_url,
            "data_dir": str(self.home),
            "portfolio": self.name,
            "portfolio_file": str(self.portfolio_file),
            "instance": str(number),
            "session_timeout_ms": "4000",
            "cache_bytes": str(8 << 20),
            **self.settings,
            **settings,
        }
        environment = {f"ASSAY_SCORER_{name.upper()}": value for name, value in told.items()}
        worker = ScorerProcess(environment, self.folder / f"{self.name}-{number}.log")
        self.workers.append(worker)
        return worker

    def read(self, *names: str) -> list[Taken]:
        """Every record of some topics."""
        with KafkaLook(KafkaAddress(self.bootstrap)) as look:
            return list(look.read_all([topic_name(self.name, name) for name in names]))

    def decisions(self) -> list[Decision]:
        """All copies, in the order of their partitions."""
        return [decode(Decision, taken.value or b"") for taken in self.read("decisions")]

    def predictions(self) -> list[Prediction]:
        """All copies."""
        return [decode(Prediction, taken.value or b"") for taken in self.read("predictions")]

    def letters(self) -> list[DeadLetter]:
        """All dead letters."""
        return [decode(DeadLetter, taken.value or b"") for taken in self.read("dead-letters")]

    def letter_reasons(self) -> Counter[str]:
        """How many for each reason."""
        return Counter(letter.reason for letter in self.letters())

    def statuses(self) -> list[Status]:
        """What this portfolio's scorers said about themselves: other services report on it too."""
        found = [decode(Status, taken.value or b"") for taken in self.read("status")]
        return [s for s in found if s.portfolio == self.name and s.service == "scorer"]

    def lag(self) -> int:
        """Records that are not yet committed."""
        committed, ends = self.positions()
        return sum(end - committed[place] for place, end in ends.items())

    def positions(self) -> tuple[dict[Place, int], dict[Place, int]]:
        """Committed offsets and ends of every input partition."""
        with KafkaLook(KafkaAddress(self.bootstrap), f"{self.name}.scorer") as look:
            places = look.places([topic_name(self.name, name) for name in INPUTS])
            return look.committed(places), look.ends(places)

    def until_settled(self, seconds: float = 40.0) -> None:
        """Wait until everything sent is committed; a worker that died meanwhile is told of."""
        wait_until(lambda: self.lag() == 0, seconds, lambda: f"lag {self.lag()}; {self.tails()}", 0.25)

    def until_decided(self, tx_ids: Iterable[str], seconds: float = 40.0) -> list[Decision]:
        """Wait until each has a decision; all decisions then."""
        wanted = set(tx_ids)
        found: list[Decision] = []

        def holds() -> bool:
            found[:] = self.decisions()
            return wanted <= {decision.tx_id for decision in found}

        def missing() -> str:
            return (
                f"{len(wanted - {d.tx_id for d in found})} of {len(wanted)} lack a decision; {self.tails()}"
            )

        wait_until(holds, seconds, missing, 0.25)
        return found

    def until_joined(self, workers: int, seconds: float = 40.0) -> None:
        """Wait until the first ``workers`` instances share the partitions."""
        self.until_owned(set(range(1, workers + 1)), seconds)

    def until_owned(self, instances: set[int], seconds: float = 40.0) -> None:
        """Wait until these instances, by their last words, own all partitions, some each."""

        def owned() -> dict[int, set[tuple[str, int]]]:
            last = {int(s.instance): {(p.topic, p.partition) for p in s.partitions} for s in self.statuses()}
            return {instance: last.get(instance, set()) for instance in instances}

        def holds() -> bool:
            found = owned()
            places = [place for mine in found.values() for place in mine]
            return all(found.values()) and len(places) == len(set(places)) == PARTITIONS * len(INPUTS)

        wait_until(holds, seconds, lambda: f"{owned()}; {self.tails()}", 0.4)

    def tails(self) -> str:
        """Ends of all workers' logs with their exit codes."""
        return "\n".join(f"[{w.exit_code}] {w.tail()[-1500:]}" for w in self.workers)


def last_by_tx(decisions: Sequence[Decision]) -> dict[str, Decision]:
    """A decision per transaction."""
    return {decision.tx_id: decision for decision in decisions}


def by_tx(decisions: Sequence[Decision]) -> dict[str, list[Any]]:
    """All copies per transaction."""
    found: dict[str, list[Any]] = {}
    for decision in decisions:
        found.setdefault(decision.tx_id, []).append(decision)
    return found
