"""Our house keeps every check; and every check catches the violation seeded for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.checks import BROAD_ALLOWED, CHECKS, swallowing
from tests.architecture.house import House, load
from tests.architecture.skeleton import CARD, FILES, plant

ROOT = Path(__file__).parents[2]
WORK = "services/scorer/core/work.py"
EDGE = "services/scorer/edge/loop.py"
SWALLOW = "def f() -> None:\n    try:\n        g()\n    except {kind}:\n        pass\n"

SEEDS: list[tuple[str, str, str]] = [
    ("top_level", "helm/chart.py", ""),
    ("names", "shared/bus/utils.py", ""),
    ("names", "services/scorer/edge/helpers/__init__.py", ""),
    ("names", "tests/common.py", ""),
    ("file_length", "shared/bus/long.py", "x = 1\n" * 401),
    ("file_length", "tests/unit/test_long.py", "x = 1\n" * 401),
    ("function_length", EDGE, "def f() -> None:\n" + "    x = 1\n" * 60),
    ("function_length", EDGE, "class A:\n    async def f(self) -> None:\n" + "        x = 1\n" * 60),
    (
        "function_median",
        EDGE,
        "".join(f"def f{i}() -> None:\n" + "    x = 1\n" * 11 for i in range(9)),
    ),
    *[
        ("pure_imports", path, f"{line}\n")
        for path in (WORK, "shared/features/fold.py", "shared/contracts/x.py")
        for line in ("import os", "from time import time", "import random as r", "from os.path import join")
    ],
    ("pure_imports", WORK, "def f() -> None:\n    import socket\n"),
    ("pure_imports", "shared/scoring/x.py", "import asyncio\n"),
    ("pure_imports", "shared/evaluation/x.py", "from redis.asyncio import Redis\n"),
    ("pure_imports", WORK, "import aiokafka.errors\n"),
    *[
        ("pure_calls", WORK, f"import datetime\nimport numpy as np\nx = {call}\n")
        for call in (
            "open('x')",
            "datetime.datetime.now()",
            "datetime.date.today()",
            "print(1)",
            "input()",
            "path.read_text()",
            "np.random.default_rng()",
            "np.random.rand(3)",
        )
    ],
    *[
        ("unsafe", EDGE, text)
        for text in (
            "import pickle\n",
            "from joblib import load\n",
            "x = eval('1')\n",
            "import yaml\nx = yaml.load('a')\n",
            "x = topic(value_serializer='pickle')\n",
        )
    ],
    *[
        ("data_sets", path, text)
        for path, text in (
            (WORK, "if portfolio == 'handbook15':\n    x = 1\n"),
            (WORK, "def sparkov_rows() -> None:\n    pass\n"),
            ("shared/features/handbook.py", ""),
        )
    ],
    *[
        ("broad_except", EDGE, SWALLOW.format(kind=kind))
        for kind in ("Exception", "BaseException as e", "(ValueError, Exception)")
    ],
    ("broad_except", "infra/local.py", SWALLOW.replace(" {kind}", "")),
    ("reason_codes", WORK, "x = Dead('made_up')\n"),
    ("reason_codes", WORK, "x = outcome.Drop(reason='made_up')\n"),
    ("reason_codes", "shared/contracts/codec.py", "raise DecodeError('made_up', 'field')\n"),
    ("service_shape", "services/new/__init__.py", CARD),
    ("service_shape", "services/scorer/__init__.py", '"""The scorer."""\n'),
    ("service_shape", "services/scorer/__init__.py", ""),
    ("service_shape", "services/scorer/__main__.py", "x = 1\n" * 31),
    ("system_tests", "tests/system/test_all.py", "from shared.contracts import codec\n"),
    ("system_tests", "tests/system/deep/test_all.py", "import infra.local\n"),
]


@pytest.fixture(scope="module")
def ours() -> House:
    return load(ROOT)


@pytest.mark.parametrize("check", CHECKS)
def test_our_house_keeps(check: str, ours: House) -> None:
    assert CHECKS[check](ours) == []


@pytest.mark.parametrize("check", CHECKS)
def test_the_skeleton_is_lawful(check: str, tmp_path: Path) -> None:
    assert CHECKS[check](load(plant(tmp_path, {}))) == []


@pytest.mark.parametrize(("check", "path", "text"), SEEDS)
def test_a_seeded_violation_is_caught(check: str, path: str, text: str, tmp_path: Path) -> None:
    found = CHECKS[check](load(plant(tmp_path, {path: text})))

    assert found
    assert path.split("/")[0] in found[0] or check == "function_median"


@pytest.mark.parametrize(
    "part", sorted(f for f in FILES if f.startswith("services/scorer/") and "edge/l" not in f)
)
def test_each_part_of_a_service_is_missed(part: str, tmp_path: Path) -> None:
    root = plant(tmp_path, {})
    (root / part).unlink()

    found = CHECKS["service_shape"](load(root))

    assert bool(found) == (part != WORK)


def test_every_check_has_a_seed() -> None:
    assert {check for check, _, _ in SEEDS} == set(CHECKS)


def test_no_permission_outlives_its_use(ours: House) -> None:
    used = {f"{source.path}:{name}" for source, name, _ in swallowing(ours)}

    assert set(BROAD_ALLOWED) <= used


def test_a_docstring_may_cite_a_data_set(tmp_path: Path) -> None:
    assert CHECKS["data_sets"](load(plant(tmp_path, {WORK: '"""As in the handbook of 2022."""\n'}))) == []


def test_a_broad_except_may_raise_again(tmp_path: Path) -> None:
    text = SWALLOW.format(kind="Exception").replace("pass", "raise")

    assert CHECKS["broad_except"](load(plant(tmp_path, {EDGE: text}))) == []
