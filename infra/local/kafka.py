"""A real Kafka broker (KRaft, one node) as a child process with its own folder and loopback ports."""

from __future__ import annotations

import socket
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM
from subprocess import run
from typing import Final

from shared.contracts.access import OPERATOR
from shared.contracts.addresses import KafkaAddress

from . import kafka_access
from .class_archive import ClassArchive
from .errors import StackError
from .jars import Jars, java
from .ports import HOST, free_ports
from .secrets import Secrets, write_private
from .server import Server

MESSAGE_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Above what any topic of ours takes, so that an oversize record reaches the consumer that refuses it."""

HEAP_MB: Final = 512
FORMAT_TIMEOUT_S: Final = 60
PROBE_TIMEOUT_S: Final = 1.0
STOPPED: Final = 128 + SIGTERM
ARCHIVES: Final = "assay-classes"
"""Folder of our Java for what it keeps of the jars, gone when Java is."""

PROBE_ID: Final = b"ping"
API_VERSIONS_REQUEST: Final = b"\x00\x00\x00\x0a" + b"\x00\x12\x00\x00" + PROBE_ID + b"\xff\xff"
"""Size, request 18 in version 0, a correlation id that comes back, no client name."""


# G1 by name: left to choose, a JVM on a small machine takes the serial collector and pauses for 25 ms.
JVM_FLAGS: Final = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    # What a load took is given back afterwards, not walked through page by page.
    "-XX:G1PeriodicGCInterval=30000",
    "-XX:MinHeapFreeRatio=20",
    "-XX:MaxHeapFreeRatio=40",
    "-XX:+ExitOnOutOfMemoryError",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.utils.AppInfoParser=error",
)

# The tool lives for a second: compile little, collect simply.
TOOL_FLAGS: Final = (
    "-Xmx128m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)

# One node holds every copy, groups form at once, nothing springs up with default settings,
# and what a cluster sizes for many tenants is sized for one.
PROPERTIES: Final[dict[str, str | int]] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 4,
    # a broker that was killed is taken back after this time, not after nine seconds
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1_000,
    "message.max.bytes": MESSAGE_LIMIT_BYTES,
    "replica.fetch.max.bytes": MESSAGE_LIMIT_BYTES,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
}


class KafkaServer(Server):
    """A broker whose data, log and settings live in ``folder``; ports are found unless given.

    ``.address`` is how clients reach it: with ``secrets`` as the operator, and nobody is let in unnamed.
    Data survive `stop`, `kill` and `restart`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        controller_port: int | None = None,
        heap_mb: int = HEAP_MB,
        jars: Jars | None = None,
        log_path: Path | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self._secrets = secrets
        found = free_ports(2)
        self.port = port or found[0]
        self.controller_port = controller_port or found[1]
        self.heap_mb = heap_mb
        self._jars = jars or Jars()
        self._archive = ClassArchive(
            java().parents[1] / ARCHIVES,
            java(),
            self._jars.class_path(),
            JVM_FLAGS,
            program="kafka" if secrets is None else "guarded-kafka",
        )
        self._settings = self.folder / "server.properties"
        super().__init__("kafka", log_path or self.folder / "kafka.log", mark=str(self._settings))

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return f"{HOST}:{self.port}"

    @property
    def address(self) -> KafkaAddress:
        """What clients are given. Raises StackError for a password that cannot be read."""
        if self._secrets is None:
            return KafkaAddress(self.bootstrap)
        return self._secrets.kafka(self.bootstrap, OPERATOR)

    def prepare(self) -> None:
        """Jars, settings file, formatted storage, archive of Java's classes. Raises StackError."""
        self._jars.fetch()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._secrets is not None:
                self._secrets.make()
            write_private(self._settings, self._settings_text())
        except OSError as error:
            raise StackError(
                f"The folder {self.folder} cannot be written: {error}.",
                "Choose another with --data-dir, or free some space.",
            ) from error
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()
        self._archive.prepare()

    def command(self) -> Sequence[str]:
        """Java with the jars, the main class and the settings file."""
        heap = (f"-Xmx{self.heap_mb}m", "-Xms128m")
        program = ("-cp", self._jars.class_path(), "kafka.Kafka", str(self._settings))
        return [str(java()), *heap, *JVM_FLAGS, *self._archive.start_flags(), *program]

    def stop(self) -> None:
        """As any server; what Java kept of this start serves the next."""
        process = self._process
        super().stop()
        if process and process.returncode == STOPPED:
            self._archive.keep()

    def probe(self) -> bool:
        """Whether the broker answers; its port opens a moment before it serves requests."""
        try:
            with socket.create_connection((HOST, self.port), timeout=PROBE_TIMEOUT_S) as client:
                client.sendall(API_VERSIONS_REQUEST)
                answer = client.recv(8)
        except OSError:
            return False
        return answer[4:8] == PROBE_ID

    def _settings_text(self) -> str:
        listener = "PLAINTEXT" if self._secrets is None else kafka_access.LISTENER
        access = {} if self._secrets is None else kafka_access.settings(self._secrets)
        own: dict[str, str | int] = {
            "listeners": f"{listener}://{self.bootstrap},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"{listener}://{self.bootstrap}",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "log.dirs": str(self.folder / "data"),
        }
        return "".join(f"{key}={value}\n" for key, value in {**PROPERTIES, **access, **own}.items())

    def _format(self) -> None:
        # An id that began with a dash would read as an option: the first byte keeps its top bit clear.
        drawn = uuid.uuid4().bytes
        cluster_id = urlsafe_b64encode(bytes([drawn[0] & 0x7F]) + drawn[1:]).decode().rstrip("=")
        words = ["format", "-t", cluster_id, "-c", str(self._settings)]
        if self._secrets is not None:
            words += kafka_access.format_words(self._secrets)
        # In a file of our own: what stands on a command line, every user of the machine can read.
        told = self.folder / "format.words"
        write_private(told, "\n".join(words) + "\n")
        tool = ("kafka.tools.StorageTool", f"@{told}")
        command = [str(java()), *TOOL_FLAGS, "-cp", self._jars.class_path(), *tool]
        try:
            done = run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False)
        finally:
            told.unlink()
        if done.returncode != 0:
            raise StackError(
                f"Kafka's storage in {self.folder} could not be formatted: {done.stderr.strip()[-300:]}",
                "Free some space, or choose another folder with --data-dir.",
            )
