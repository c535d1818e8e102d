"""The child that trains: ``python -m services.trainer.edge.training_job ORDER RESULT``.

It ends when its parent does: the parent holds the other end of standard input. Exit code 0: a result
stands, a candidate or the sentence why there is none. Any other: it is worth another attempt.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from shared.contracts.codec import encode
from shared.contracts.ids import content_hash
from shared.contracts.models import ModelCard
from shared.features.compiled import compile_portfolio
from shared.features.refusal import PortfolioError
from shared.stores.artefacts import ArtefactStore, Golden
from shared.stores.manifest import MODEL_FILE, REFERENCE_FILE
from shared.stores.portfolio_files import read_portfolio
from shared.stores.signing import open_signer

from ..core import candidate
from ..core.dataset import TrainingSet, build_set
from ..core.failure import failed_card
from ..core.window import TrainingImpossible, Window, plan_window
from .lake_source import read_captured, read_labels
from .order import Order, Result, read_order, write_result


class Stages:
    """Wall time of each stage, in ms."""

    def __init__(self) -> None:
        self.taken_ms: dict[str, int] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Count the time of the block to ``stage``."""
        started = time.monotonic_ns()
        try:
            yield
        finally:
            self.taken_ms[stage] = (time.monotonic_ns() - started) // 1_000_000


def run(order: Order) -> Result:
    """Train as ordered. What the data or the portfolio make impossible is a failed card."""
    stages = Stages()
    try:
        card = _train(order, stages)
    except (TrainingImpossible, PortfolioError) as error:
        card = failed_card(order.request, str(error))
    return Result(card=card, stages_ms=stages.taken_ms)


def _train(order: Order, stages: Stages) -> ModelCard:
    request = order.request
    portfolio = read_portfolio(order.portfolio, Path(order.portfolio_file) if order.portfolio_file else None)
    compiled = compile_portfolio(portfolio)
    inputs = candidate.Inputs(compiled.hash, compiled.names)
    window = plan_window(request.as_of_ms, request.days, portfolio.label_delay_days, portfolio.training)
    data = _training_set(order, inputs, window, stages)
    with stages.time("fit"):
        fitted = candidate.fit_candidate(data, inputs, window, portfolio.training, request.seed)
    with stages.time("store"):
        card = candidate.candidate_card(request, inputs, window, data, fitted, code_hash())
        return replace(card, artefact=_store(order, card, fitted))


def _training_set(order: Order, inputs: candidate.Inputs, window: Window, stages: Stages) -> TrainingSet:
    request = order.request
    with stages.time("read"):
        captured = read_captured(order.lake, request.portfolio, inputs, window.from_ms, window.to_ms)
        labels = read_labels(order.lake, request.portfolio, request.as_of_ms)
    with stages.time("build"):
        return build_set(captured, labels, request.as_of_ms, window, inputs.names)


def _store(order: Order, card: ModelCard, fitted: candidate.Fitted) -> str:
    signer = open_signer(Path(order.keys), order.signing_key)
    golden = Golden(fitted.golden_inputs, fitted.golden_raw)
    store = ArtefactStore(Path(order.artefacts))
    files = {MODEL_FILE: fitted.text.encode(), REFERENCE_FILE: encode(fitted.reference)}
    return store.put(files, card, golden, signer)


def code_hash() -> str:
    """The name of the code that trains: content hash of this service's core, file by file."""
    folder = Path(candidate.__file__).parent
    return content_hash(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py"))))


def end_with_parent() -> None:
    """End this process at once when standard input closes."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


def main(arguments: list[str]) -> int:
    """Read the order, train, leave the result."""
    order_path, result_path = (Path(argument) for argument in arguments)
    end_with_parent()
    write_result(result_path, run(read_order(order_path)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
