"""The test bed: a broker and a Redis of its own on one core, the system under test on the other."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
from kafka import KafkaProducer
from numpy.typing import NDArray

from infra.kafka import broker
from infra.kafka.topics import wanted_topics
from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from shared.contracts.models import ModelCard, ModelRef, ReleaseContent
from shared.contracts.topics import topic_name
from shared.features.compiled import FeatureSet
from shared.runtime.clock import SystemClock
from shared.scoring.trees import parse_model, predict_raw
from shared.stores.artefacts import ArtefactStore, Golden
from shared.stores.guarded_load import ExpectedInputs
from shared.stores.portfolio_files import read_portfolio
from shared.stores.releases_writer import ReleaseChecks, ReleaseWriter
from shared.stores.signing import open_signer, read_trusted

from .traffic import Traffic

TEMPLATE = Path(__file__).with_name("bench.toml")
SERVERS_CORE, WORKER_CORE = 1, 0


@dataclass(frozen=True, slots=True)
class Bed:
    """Where everything is."""

    folder: Path
    kafka: KafkaServer
    redis: RedisServer

    @property
    def data_dir(self) -> Path:
        """The data dir of the services under test."""
        return self.folder / "data"

    def portfolio_file(self, name: str) -> Path:
        """The benchmark's portfolio under another name."""
        path = self.folder / f"{name}.toml"
        path.write_text(TEMPLATE.read_text().replace('name = "bench"', f'name = "{name}"', 1))
        return path


@dataclass(frozen=True, slots=True)
class Model:
    """LightGBM's text, vectors (n, d) to take golden ones from, and the file that peers read."""

    text: str
    vectors: NDArray[np.float64]
    path: Path


@contextmanager
def bed() -> Iterator[Bed]:
    """Start the servers, pin them, and stop them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    kafka, redis = KafkaServer(folder / "kafka"), RedisServer(folder / "redis")
    try:
        (folder / "data" / "keys").mkdir(parents=True)
        kafka.start()
        redis.start()
        for server in (kafka, redis):
            pin(server.pid, SERVERS_CORE)
        pin(os.getpid(), SERVERS_CORE)
        yield Bed(folder, kafka, redis)
    finally:
        redis.stop()
        kafka.stop()
        shutil.rmtree(folder, ignore_errors=True)


def pin(pid: int, core: int) -> None:
    """All threads of a process on one core; a machine with one core keeps it."""
    if core >= (os.cpu_count() or 1):
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def fill(bed: Bed, name: str, traffic: Traffic, partitions: int) -> None:
    """Topics of portfolio ``name``, and every message on its transactions."""
    broker.apply(bed.kafka.address, wanted_topics([name], partitions))
    producer = KafkaProducer(
        bootstrap_servers=bed.kafka.bootstrap, linger_ms=5, batch_size=1 << 18, max_request_size=1 << 23
    )
    topic = topic_name(name, "transactions")
    for key, body in zip(traffic.keys, traffic.bodies, strict=True):
        producer.send(topic, body, key=key)
    producer.flush()
    producer.close()


def publish(bed: Bed, name: str, feature_set: FeatureSet, model: Model) -> None:
    """A release of portfolio ``name`` whose champion is the benchmark's model."""
    keys = bed.data_dir / "keys"
    signer, store = open_signer(keys, "bench"), ArtefactStore(bed.data_dir / "artefacts")
    golden, text = np.ascontiguousarray(model.vectors[:64]), model.text
    card = ModelCard(
        v=1,
        request_id=f"bench-{name}",
        portfolio=name,
        outcome="candidate",
        at_ms=SystemClock().now_ms(),
        name="bench",
        version="1",
        feature_set=feature_set.hash,
        feature_names=list(feature_set.names),
        library=lightgbm.__version__,
    )
    artefact = store.put(
        {"model.txt": text.encode()}, card, Golden(golden, predict_raw(parse_model(text), golden)), signer
    )
    content = ReleaseContent(
        portfolio=name,
        feature_set=feature_set.hash,
        layout=feature_set.layout.hash,
        champion=ModelRef(name="bench", version="1", artefact=artefact),
        challengers=[],
        shadows=[],
        rules=[],
        lists=[],
        policy=read_portfolio(name, bed.portfolio_file(name)).policy,
        rates_ppm={},
        split_salt="bench",
    )
    trusted = read_trusted(keys)
    checks = ReleaseChecks(
        ExpectedInputs(feature_set.hash, feature_set.names), feature_set.layout.hash, store, trusted
    )
    writer = ReleaseWriter(bed.kafka.address, name, signer, SystemClock(), checks)
    writer.publish(content, "bench", "benchmark", f"bench-{name}")
