"""The first parse happens in a child: a file that kills a parser kills that child only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from shared.scoring.trees import predict_raw
from shared.stores import guarded_load
from shared.stores.artefacts import ArtefactStore, Golden, VerifiedModel
from shared.stores.guarded_load import ChildLimits, ExpectedInputs, admit, parse_admitted, predict_in_child
from shared.stores.manifest import ArtefactRefused
from shared.stores.signing import open_signer, read_trusted
from tests.support.models import FEATURE_SET, NAMES, put_small_model, small_model

EXPECTED = ExpectedInputs(FEATURE_SET, NAMES)


@pytest.fixture
def verified(tmp_path: Path) -> VerifiedModel:
    store = ArtefactStore(tmp_path / "artefacts")
    artefact = put_small_model(store, open_signer(tmp_path, "trainer"))
    return store.load(artefact, read_trusted(tmp_path))


def refused(model: VerifiedModel, expected: ExpectedInputs | None = EXPECTED) -> str:
    with pytest.raises(ArtefactRefused) as caught:
        admit(model, expected)
    return caught.value.code


def test_a_good_model_is_admitted_with_its_bits(verified: VerifiedModel) -> None:
    trees = admit(verified, EXPECTED)
    assert predict_raw(trees, verified.golden.inputs).tobytes() == verified.golden.raw.tobytes()


def test_what_was_admitted_is_parsed_again_without_a_child_and_checked_all_the_same(
    verified: VerifiedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees = admit(verified, EXPECTED)
    monkeypatch.delattr(guarded_load, "predict_in_child")
    again = parse_admitted(verified, EXPECTED)
    assert again.thresholds.tobytes() == trees.thresholds.tobytes()
    with pytest.raises(ArtefactRefused, match="feature set"):
        parse_admitted(verified, ExpectedInputs("e" * 64, NAMES))
    with pytest.raises(ArtefactRefused) as caught:
        parse_admitted(replace(verified, model_text=small_model(seed=2).text.encode()), EXPECTED)
    assert caught.value.code == "model_golden"


@pytest.mark.parametrize("percent", [2, 10, 50, 90])
def test_a_cut_file_is_refused_and_this_process_lives(percent: int, verified: VerifiedModel) -> None:
    text = verified.model_text[: len(verified.model_text) * percent // 100]
    assert refused(replace(verified, model_text=text)) == "artefact_parse"


def test_a_file_cut_behind_its_last_tree_is_harmless_or_refused(verified: VerifiedModel) -> None:
    """The last hundredth holds parameters, not trees; hash and size refuse such a file before."""
    text = verified.model_text[: len(verified.model_text) * 99 // 100]
    assert _outcome(text, verified) in ("artefact_parse", verified.golden.raw.tobytes())


def _outcome(text: bytes, model: VerifiedModel) -> str | bytes:
    try:
        return predict_in_child(text, model.golden.inputs, ChildLimits()).tobytes()
    except ArtefactRefused as error:
        return error.code


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"tree\nversion=v4\n", b"A" * 100_000])
def test_what_is_no_model_is_refused(text: bytes, verified: VerifiedModel) -> None:
    assert refused(replace(verified, model_text=text)) == "artefact_parse"


def test_another_model_under_these_golden_vectors_is_refused(verified: VerifiedModel) -> None:
    assert refused(replace(verified, model_text=small_model(seed=2).text.encode())) == "model_golden"


def test_one_bit_of_a_golden_score_is_seen(verified: VerifiedModel) -> None:
    raw = verified.golden.raw.copy()
    raw[3] = np.nextafter(raw[3], np.inf)
    assert refused(replace(verified, golden=Golden(verified.golden.inputs, raw))) == "model_golden"


@pytest.mark.parametrize(
    "expected", [ExpectedInputs("e" * 64, NAMES), ExpectedInputs(FEATURE_SET, NAMES[::-1])]
)
def test_other_inputs_are_refused_before_the_parse(expected: ExpectedInputs, verified: VerifiedModel) -> None:
    assert refused(replace(verified, model_text=b""), expected) == "model_features"


def test_names_inside_the_model_count_too(verified: VerifiedModel) -> None:
    names = [*NAMES[1:], NAMES[0]]
    model = replace(verified, card=msgspec.structs.replace(verified.card, feature_names=names))
    assert refused(model, ExpectedInputs(FEATURE_SET, names)) == "model_features"


def test_the_child_has_limits(verified: VerifiedModel) -> None:
    inputs = verified.golden.inputs
    with pytest.raises(ArtefactRefused, match="within"):
        predict_in_child(verified.model_text, inputs, ChildLimits(wait_seconds=0.01))
    with pytest.raises(ArtefactRefused, match="artefact_parse"):
        predict_in_child(verified.model_text, inputs, ChildLimits(address_space_bytes=64 << 20))
