"""A small lawful house to seed violations in: the twin of every check starts from it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CARD: Final = '''"""A service of the skeleton.

Topics in: transactions. Topics out: decisions.
State: none.
On failure: stops without committing.
"""
'''
REASONS: Final = 'REASONS = {"late": "The payment is old."}\n'
OUTCOME: Final = "class Dead:\n    def __init__(self, reason: str) -> None:\n        self.reason = reason\n"


def _service(name: str) -> dict[str, str]:
    path = f"services/{name}"
    return {
        f"{path}/__init__.py": CARD,
        f"{path}/__main__.py": f"from services.{name} import wiring\n",
        f"{path}/settings.py": "import shared.runtime\n",
        f"{path}/wiring.py": f"from services.{name} import settings\nfrom services.{name}.edge import loop\n",
        f"{path}/edge/__init__.py": "",
        f"{path}/edge/loop.py": f"import shared.bus\nfrom services.{name}.core import work\n",
        f"{path}/core/__init__.py": "",
        f"{path}/core/work.py": (
            "import shared.scoring\nfrom shared.contracts.outcome import Dead\n\n\n"
            "def work() -> Dead:\n    return Dead('late')\n"
        ),
    }


FILES: Final[dict[str, str]] = {
    "services/__init__.py": "",
    "infra/__init__.py": "",
    "infra/local.py": "import shared.contracts\nimport shared.runtime\n",
    "shared/__init__.py": "",
    "shared/contracts/__init__.py": "",
    "shared/contracts/reasons.py": REASONS,
    "shared/contracts/outcome.py": OUTCOME,
    "shared/features/__init__.py": "import shared.contracts\n",
    "shared/scoring/__init__.py": "import shared.features\n",
    "shared/evaluation/__init__.py": "import shared.contracts\n",
    "shared/bus/__init__.py": "import shared.contracts\n",
    "shared/stores/__init__.py": "import shared.features\nimport shared.scoring\n",
    "shared/client/__init__.py": "import shared.contracts\n",
    "shared/runtime/__init__.py": "import os\n",
    "tests/system/test_all.py": "import redis\n",
    **_service("scorer"),
    **_service("cli"),
    "services/cli/edge/stack.py": "import infra.local\n",
}


def plant(root: Path, changes: dict[str, str]) -> Path:
    """Writes the skeleton with ``changes`` below ``root`` and returns it."""
    for path, text in {**FILES, **changes}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root
