"""A model's first parse, in a child process with limits: only what survives it is loaded here.

A damaged LightGBM file kills the process that parses it (measured: cut at 2, 10, 50, 90 or 99 %). The child
also predicts the golden vectors; its bits, the golden bits and those of our walker must be the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from shared.scoring.model_text import ModelRefused
from shared.scoring.trees import FlatTrees, check_features, parse_model, predict_raw

from .artefacts import Floats, Golden, VerifiedModel
from .manifest import ArtefactRefused

CHILD: Final = Path(__file__).with_name("guarded_child.py")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What the child may use: address space, CPU, and the wall time we wait for it."""

    address_space_bytes: int = 4 * 1024**3
    cpu_seconds: int = 30
    wait_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class ExpectedInputs:
    """The inputs a model must have been trained on: the compiled feature set's hash and names."""

    feature_set: str
    feature_names: Sequence[str]


def admit(
    model: VerifiedModel, expected: ExpectedInputs | None, limits: ChildLimits | None = None
) -> FlatTrees:
    """The trees of a verified model, ready to score; blocks for about a second.

    With ``expected`` the model's feature set must be that one; without, the caller checks it. Raises
    ArtefactRefused: model_features, artefact_parse or model_golden.
    """
    if expected is not None:
        require_inputs(model, expected)
    raw = predict_in_child(model.model_text, model.golden.inputs, limits or ChildLimits())
    _require_bits(raw, model.golden, "LightGBM")
    return _parse(model)


def parse_admitted(model: VerifiedModel, expected: ExpectedInputs) -> FlatTrees:
    """As `admit`, of a model whose very bytes were admitted before: for another process of the same run.

    No child parses it first, all else is checked again. Raises ArtefactRefused as `admit`.
    """
    require_inputs(model, expected)
    return _parse(model)


def _parse(model: VerifiedModel) -> FlatTrees:
    """The trees, once the walker gives the golden bits. Raises ArtefactRefused."""
    try:
        trees = parse_model(model.model_text.decode())
        check_features(trees, model.card.feature_names)
    except ModelRefused as error:
        raise ArtefactRefused(error.code, error.detail) from error
    except UnicodeDecodeError as error:
        raise ArtefactRefused("artefact_parse", "the model is not UTF-8") from error
    _require_bits(predict_raw(trees, model.golden.inputs), model.golden, "the walker")
    return trees


def require_inputs(model: VerifiedModel, expected: ExpectedInputs) -> None:
    """Check hash, names and order of the inputs. Raises ArtefactRefused(model_features)."""
    card = model.card
    if card.feature_set != expected.feature_set:
        raise ArtefactRefused("model_features", f"trained on feature set {card.feature_set[:12]}")
    if list(card.feature_names) != list(expected.feature_names):
        raise ArtefactRefused("model_features", "names or order differ")


def predict_in_child(model_text: bytes, inputs: Floats, limits: ChildLimits) -> Floats:
    """Raw scores ``(k,)`` of ``inputs`` ``(k, d)`` by LightGBM in a child. Raises ArtefactRefused."""
    rows, columns = inputs.shape
    head = f"{rows} {columns} {limits.cpu_seconds} {limits.address_space_bytes}\n".encode()
    body = head + np.ascontiguousarray(inputs, dtype="<f8").tobytes() + model_text
    try:
        done = subprocess.run(  # our own interpreter and file, no shell
            [sys.executable, "-I", str(CHILD)],
            input=body,
            capture_output=True,
            timeout=limits.wait_seconds,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArtefactRefused("artefact_parse", f"no answer within {limits.wait_seconds} s") from None
    if done.returncode or len(done.stdout) != rows * 8:
        raise ArtefactRefused("artefact_parse", _last_words(done.returncode, done.stderr))
    return np.frombuffer(done.stdout, dtype="<f8").astype(np.float64)


def _environment() -> dict[str, str]:
    """Nothing of the parent's environment but what the interpreter needs; one thread per library."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **threads}


def _last_words(returncode: int, stderr: bytes) -> str:
    if returncode < 0:
        return f"the parser was killed by signal {-returncode}"
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"the parser left with code {returncode}"


def _require_bits(raw: Floats, golden: Golden, who: str) -> None:
    if raw.tobytes() != golden.raw.tobytes():
        differing = int(np.count_nonzero(raw != golden.raw))
        raise ArtefactRefused("model_golden", f"{who}: {differing} of {len(raw)} differ")
