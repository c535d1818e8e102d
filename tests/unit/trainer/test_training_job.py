"""A training from a lake to a signed artefact, in this process: what it learns, names and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.trainer.edge.order import Order
from services.trainer.edge.training_job import run
from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.features.compiled import compile_portfolio
from shared.stores.artefacts import ArtefactStore
from shared.stores.guarded_load import ExpectedInputs, admit
from shared.stores.portfolio_files import read_portfolio
from shared.stores.signing import read_trusted
from tests.support.small_lake import AS_OF_MS, DAY_MS, SmallLake, make_small_lake


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    return make_small_lake(tmp_path_factory.mktemp("small"), "tiny")


def train(small: SmallLake, folder: Path, **changes: object) -> ModelCard:
    given = {"request_id": "r1", "portfolio": "tiny", "as_of_ms": AS_OF_MS, "days": 0, **changes}
    request = TrainingRequest(v=1, at_ms=AS_OF_MS, by="ann", reason="test", **given)  # type: ignore[arg-type]
    order = Order(
        request=request,
        portfolio="tiny",
        portfolio_file=str(small.portfolio_file),
        lake=str(small.lake),
        artefacts=str(folder / "artefacts"),
        keys=str(folder / "keys"),
        signing_key="trainer",
    )
    return run(order).card


def model_sha256(card: ModelCard, folder: Path) -> str:
    manifest = ArtefactStore(folder / "artefacts").manifest(card.artefact, read_trusted(folder / "keys"))
    return manifest.files["model.txt"].sha256


def test_it_gives_an_artefact_that_the_scorer_admits(small: SmallLake, tmp_path: Path) -> None:
    card = train(small, tmp_path)
    assert (card.outcome, card.detail) == ("candidate", "test")
    model = ArtefactStore(tmp_path / "artefacts").load(card.artefact, read_trusted(tmp_path / "keys"))
    features = compile_portfolio(read_portfolio("tiny", small.portfolio_file))
    admit(model, ExpectedInputs(features.hash, features.names))
    assert model.card == card


def test_it_learns_and_says_from_what(small: SmallLake, tmp_path: Path) -> None:
    card = train(small, tmp_path)
    assert card.metrics["auc_roc"] > 0.9
    assert 0 < card.metrics["average_precision"] <= 1
    assert (card.from_ms, card.to_ms) == (AS_OF_MS - 11 * DAY_MS, AS_OF_MS - 3 * DAY_MS)
    assert card.rows == pytest.approx(4_000 * 8 / 12, rel=0.05)
    assert card.calibration is not None
    assert card.parameters["seed"] == 3


def test_the_card_says_what_is_caught_within_the_limit_of_disturbed_accounts(
    small: SmallLake, tmp_path: Path
) -> None:
    found = train(small, tmp_path).metrics
    assert found["afpr_limit_ratio"] == 0.25
    assert 0 <= found["adr_ratio"] <= found["adr_every_event_ratio"] <= 1
    assert 0 <= found["vdr_ratio"] <= found["vdr_every_event_ratio"] <= 1
    assert found.get("afpr_ratio", 0.0) <= 0.25


def test_the_same_data_code_and_seed_give_the_same_bytes(small: SmallLake, tmp_path: Path) -> None:
    first, second = train(small, tmp_path / "a"), train(small, tmp_path / "b")
    assert first == second
    other = train(small, tmp_path / "a", seed=4)
    assert model_sha256(other, tmp_path / "a") != model_sha256(first, tmp_path / "a")
    assert other.training_set == first.training_set


def test_another_time_is_another_training_set(small: SmallLake, tmp_path: Path) -> None:
    first, second = train(small, tmp_path), train(small, tmp_path, as_of_ms=AS_OF_MS - DAY_MS)
    assert first.training_set != second.training_set
    assert second.to_ms == first.to_ms - DAY_MS


def test_labels_of_the_last_days_teach_nothing(small: SmallLake, tmp_path: Path) -> None:
    """Ten days earlier, only the frauds of the first days were known, and their payments are too few."""
    card = train(small, tmp_path, as_of_ms=AS_OF_MS - 8 * DAY_MS, days=4)
    assert card.outcome == "failed"
    assert "are needed" in card.detail or "need frauds" in card.detail


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"as_of_ms": AS_OF_MS + 400 * DAY_MS}, "has 0 payments; 500 are needed"),
        ({"days": 2}, "has none left to train on"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(
    small: SmallLake, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    card = train(small, tmp_path, **changes)
    assert card.outcome == "failed"
    assert words in card.detail
    assert not (tmp_path / "artefacts").exists()


def test_every_stage_is_timed(small: SmallLake, tmp_path: Path) -> None:
    request = TrainingRequest(
        v=1, request_id="r", portfolio="tiny", as_of_ms=AS_OF_MS, days=0, at_ms=AS_OF_MS, by="a", reason=""
    )
    places = {"lake": str(small.lake), "artefacts": str(tmp_path), "keys": str(tmp_path / "k")}
    file = str(small.portfolio_file)
    order = Order(request=request, portfolio="tiny", portfolio_file=file, signing_key="t", **places)
    assert list(run(order).stages_ms) == ["read", "build", "fit", "store"]
    assert json.dumps(run(order).stages_ms)
