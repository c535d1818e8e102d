"""The replayer's composition root: settings to one verification and the lines it says."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from services.replayer.edge.verifying import Verification
from services.replayer.edge.workers import Order, workers
from services.replayer.settings import ReplayerSettings
from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.verification import Verified, VerifyFailed, VerifyLine
from shared.features.refusal import PortfolioError
from shared.runtime.clock import SystemClock
from shared.stores.kafka_log import KafkaAway
from shared.stores.lake_away import LakeAway
from shared.stores.releases_chain import read_chain
from shared.stores.signing import KeyRefused, read_trusted

ANSWERED = 0
FAILED = 3


def run(settings: ReplayerSettings, out: BinaryIO) -> int:
    """Verify, saying how far it is; `ANSWERED`, or `FAILED` with a line that says why."""
    try:
        _say(out, verify(settings, out))
    except (KafkaAway, LakeAway) as error:
        return _failed(out, error, is_away=True)
    except (AccessRefused, KeyRefused, PortfolioError, FileNotFoundError) as error:
        return _failed(out, error, is_away=False)
    return ANSWERED


def verify(settings: ReplayerSettings, out: BinaryIO) -> Verified:
    """The answer for the settings' period. Raises KafkaAway, LakeAway, PortfolioError, AccessRefused."""
    data = settings.data_dir.absolute()
    times = (settings.from_ms, settings.to_ms)
    with _scratch(data / "run" / "replayer") as folder:
        order = Order(
            portfolio=settings.portfolio,
            portfolio_file=settings.portfolio_file and settings.portfolio_file.absolute(),
            data_dir=data,
            scratch=folder,
            times=times,
            until_ms=SystemClock().now_ms() - settings.settle_ms,
        )
        with workers(order, settings.workers) as pool:
            pool.start()
            kafka = KafkaAddress(settings.kafka, settings.kafka_user, settings.kafka_password)
            chain = read_chain(kafka, settings.portfolio, read_trusted(data / "keys"))
            verification = Verification(
                portfolio=settings.portfolio,
                chain=chain.history,
                workers=pool,
                processes=settings.workers,
                say=partial(_say, out),
                monotonic=time.monotonic,
            )
            return verification.run(times, settings.part_rows, settings.bucket_places)


def _say(out: BinaryIO, line: VerifyLine) -> None:
    out.write(encode(line) + b"\n")
    out.flush()


def _failed(out: BinaryIO, error: Exception, *, is_away: bool) -> int:
    _say(out, VerifyFailed(sentence=str(error).rstrip("."), is_away=is_away))
    return FAILED


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder for this run alone, gone after it."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="verify-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
