"""What a test does without a program that it needs: fail in CI, elsewhere be skipped and say why."""

from __future__ import annotations

import os
from typing import Final, NoReturn

import pytest

COMPLETE: Final = "COMPLETE_TESTS"
"""The variable by which CI says that every test has to run."""


def missing(reason: str) -> NoReturn:
    """End the test that cannot run here for ``reason``, which says what to install."""
    if os.environ.get(COMPLETE):
        pytest.fail(f"{COMPLETE} is set, and there is {reason}", pytrace=False)
    pytest.skip(reason)
