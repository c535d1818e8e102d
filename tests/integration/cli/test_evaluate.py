"""`assay evaluate` on a small lake: two trained models, the report, the pictures, wrong use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from services.cli.edge import terminal
from services.cli.wiring import run
from services.trainer.edge.order import Order
from services.trainer.edge.training_job import run as train
from shared.contracts.operations import TrainingRequest
from shared.evaluation.metric_table import BY_NAME
from tests.support.small_lake import ACCOUNTS, AS_OF_MS, FRAUD_TYPES, SmallLake, make_small_lake

LATER_MS = AS_OF_MS - 5 * 86_400_000
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """A lake whose payments were not scored live, and two models of windows of eight days and of five."""
    made = make_small_lake(tmp_path_factory.mktemp("evaluated"), "tiny")
    for seed, days in ((3, 0), (4, 5)):
        request = TrainingRequest(
            v=1, request_id=f"r{seed}", portfolio="tiny", as_of_ms=AS_OF_MS, days=days, at_ms=AS_OF_MS + seed,
            by="ann", reason="test", seed=seed,
        )  # fmt: skip
        folder = made.folder
        order = Order(
            request=request, portfolio="tiny", portfolio_file=str(made.portfolio_file), lake=str(made.lake),
            artefacts=str(folder / "artefacts"), keys=str(folder / "keys"), signing_key="trainer",
        )  # fmt: skip
        card = train(order).card
        assert card.outcome == "candidate", card.detail
        (folder / f"model-{seed}").write_text(card.version)
    return made


@pytest.fixture
def ask(small: SmallLake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run the command on that lake; its JSON, or its text where ``text`` is asked for."""
    monkeypatch.setenv("ASSAY_PORTFOLIO", "tiny")
    monkeypatch.setenv("ASSAY_PORTFOLIO_FILE", str(small.portfolio_file))

    def call(*words: str, code: int = 0, text: bool = False) -> Any:
        capsys.readouterr()
        asked = ["evaluate", *words, "--data-dir", str(small.folder), "--from", str(LATER_MS)]
        found = run(asked if text else [*asked, "--json"])
        told = capsys.readouterr()
        assert found == code, told.err
        return told.out if text else json.loads(told.out or told.err.splitlines()[-1])

    return call


def version(small: SmallLake, seed: int) -> str:
    """The version of a trained model."""
    return (small.folder / f"model-{seed}").read_text()


def test_every_metric_comes_with_its_interval_and_its_facts(ask: Ask, small: SmallLake) -> None:
    found = ask("--model", version(small, 3), "--samples", "20", "--delays", "1h", "--afpr", "0.8")
    told, facts = found["evaluation"]["models"][0], found["evaluation"]["facts"]
    strict = told["thresholds"]["strict"]
    names = {*told["ranking"], *(name.replace("_3600000_ms", "_D_ms") for name in strict["metrics"])}
    assert names == set(BY_NAME)
    assert found["auc_roc"] == pytest.approx(told["ranking"]["auc_roc"]["value"])
    assert found["average_precision"] == pytest.approx(told["ranking"]["average_precision"]["value"])
    assert found["card_precision_100"] == pytest.approx(told["ranking"]["card_precision_100"]["value"])
    for value in (*told["ranking"].values(), *strict["metrics"].values()):
        assert value["low"] <= value["high"]
    assert strict["metrics"]["afpr_ratio"]["value"] <= 0.8
    assert 0 < strict["probability"] < 1
    assert facts["accounts"] == facts["fraud_accounts"] + facts["genuine_accounts"] + left_out(facts)
    assert 0 < facts["fraud_accounts"] < facts["accounts"] <= ACCOUNTS
    assert facts["labels_known_until_ms"] > AS_OF_MS
    assert facts["models"][0].endswith(version(small, 3))


def left_out(facts: dict[str, Any]) -> int:
    """Accounts reported before the period: neither of fraud nor genuine."""
    gone: int = facts["accounts"] - facts["fraud_accounts"] - facts["genuine_accounts"]
    assert gone > 0
    return gone


def test_labels_known_later_are_not_known(ask: Ask, small: SmallLake) -> None:
    found = ask("--model", version(small, 3), "--samples", "0", "--known-at", str(LATER_MS + 1))
    assert found["frauds"] == 0
    assert found["evaluation"]["models"][0]["thresholds"]["strict"]["score"] is None


def test_two_models_differ_by_paired_intervals(ask: Ask, small: SmallLake) -> None:
    words = ("--model", version(small, 3), "--samples", "20", "--afpr", "0.8")
    itself = ask(*words, "--against", version(small, 3))["evaluation"]["differences"]
    assert {(v["value"], v["low"], v["high"]) for v in itself.values()} == {(0.0, 0.0, 0.0)}
    other = ask(*words, "--against", version(small, 4))["evaluation"]
    one, two = (m["ranking"]["average_precision"]["value"] for m in other["models"])
    assert other["differences"]["average_precision"]["value"] == pytest.approx(one - two)
    assert one != two


def test_a_threshold_and_costs_may_be_given(ask: Ask, small: SmallLake) -> None:
    words = ("--model", version(small, 3), "--samples", "0", "--threshold", "0.2")
    plain = ask(*words, "--contact-cost-minor", "0", "--margin", "0")["evaluation"]["models"][0]
    strict = plain["thresholds"]["strict"]
    assert strict["probability"] >= 0.2
    assert strict["score"] == plain["thresholds"]["every_event"]["score"]
    costly = ask(*words, "--contact-cost-minor", "700", "--margin", "0")["evaluation"]["models"][0]
    contacts = strict["metrics"]["contacts"]["value"]
    saving = (m["thresholds"]["strict"]["metrics"]["net_saving_minor"]["value"] for m in (plain, costly))
    assert next(saving) - next(saving) == contacts * 700
    assert contacts > 0


def test_the_published_figures_stand_beside_ours(ask: Ask, small: SmallLake) -> None:
    told = ask("--model", version(small, 3), "--samples", "0", "--published", "--afpr", "0.8")["evaluation"][
        "models"
    ][0]
    assert set(told["published"]) >= {"adr_ratio", "vdr_ratio", "afpr_ratio"}


@pytest.mark.parametrize("width", [80, 200])
def test_the_tables_fit_the_terminal(
    ask: Ask, small: SmallLake, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(terminal, "console", lambda: Console(highlight=False, width=width))
    told = ask("--model", version(small, 3), "--against", version(small, 4), "--samples", "5", text=True)
    assert max(map(len, told.splitlines())) <= width
    assert "\u2026" not in told, "a cell was cut"
    for words in ("AUC ROC", "ADR", "VDR after 1 h", "contact period", "every event", "first less second"):
        assert words in told


def test_the_report_is_one_file_that_needs_nothing_else(ask: Ask, small: SmallLake, tmp_path: Path) -> None:
    page, pictures = tmp_path / "report.html", tmp_path / "pictures"
    words = ("--report", str(page), "--png", str(pictures), "--samples", "5", "--afpr", "0.8")
    ask("--model", version(small, 3), "--against", version(small, 4), *words)
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 6
    assert not re.search(r"(?:src|href)=\"(?!#)|url\((?!#)|<script|@import", text)
    assert not re.search(r"(?:fill|stroke): #", text), "a colour that does not follow the page"
    assert version(small, 4) in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids)), "two drawings share a name"
    names = {path.name for path in pictures.iterdir()}
    assert names == {f"{n}.png" for n in "precision-recall roc accounts gain calibration delay".split()}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures.iterdir())


def test_wrong_use_is_told(ask: Ask, small: SmallLake, tmp_path: Path) -> None:
    model = ("--model", version(small, 3), "--samples", "0")
    assert "must name strict" in ask(*model, "--triggers", "loose", code=2)["error"]
    assert "is no duration" in ask(*model, "--delays", "soon", code=2)["error"]
    assert "sampling share" in ask(*model, "--sample-genuine", "0", code=2)["error"]
    assert "cannot be written" in ask(*model, "--report", str(tmp_path / "no" / "r.html"), code=2)["error"]
    assert "No model" in ask("--model", "nobody", code=1)["error"]
    assert "no scored payments" in ask(code=1)["error"]


def test_the_same_seed_gives_the_same_numbers(ask: Ask, small: SmallLake) -> None:
    one, two = (ask("--model", version(small, 3), "--samples", "10") for _ in range(2))
    assert one == two
    other = ask("--model", version(small, 3), "--samples", "10", "--seed", "1")
    assert not np.array_equal(str(one), str(other))


def test_recall_is_told_for_each_type_of_fraud_that_labels_name(ask: Ask, small: SmallLake) -> None:
    found = ask("--model", version(small, 3), "--samples", "0")
    types = {row["fraud_type"]: row for row in found["fraud_types"]}
    assert set(types) == set(FRAUD_TYPES)
    assert sum(row["frauds"] for row in types.values()) == found["frauds"]
    caught = sum(row["frauds"] * row["recall_ratio"] for row in types.values())
    assert caught == pytest.approx(found["recall_at_1_percent_ratio"] * found["frauds"])
    told = ask("--model", version(small, 3), "--samples", "0", text=True)
    assert "Types of fraud" in told
    assert "stolen_card" in told
