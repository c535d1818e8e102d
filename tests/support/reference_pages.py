"""Pages under docs/ that are made of what the command answers: ``python -m tests.support.reference_pages``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.support.command_line import ask

DOCS: Final = Path(__file__).parents[2] / "docs"
PORTFOLIOS: Final = ("bank", "handbook15")
CALLS: Final = {
    "settings.md": ["settings", "--json"],
    **{f"features-{name}.md": ["features", "list", "--portfolio", name, "--json"] for name in PORTFOLIOS},
}
COMMON: Final = "cli"
"""The service whose table stands for the settings that all share."""


def pages() -> dict[str, str]:
    """Every page by file name. Raises AssertionError when a command failed."""
    _, answers = ask(list(CALLS.values()))
    made = {}
    for (name, words), (code, said, why) in zip(CALLS.items(), answers, strict=True):
        assert code == 0, f"{words}: {why}"
        render: Callable[[Any, str], str] = _settings if name == "settings.md" else _features
        made[name] = render(json.loads(said), f"`assay {' '.join(words[:-1])}`")
    return made


def write(folder: Path) -> None:
    """Write every page into ``folder``."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _head(command: str) -> str:
    return f"<!-- Made by `python -m tests.support.reference_pages` from {command}; edit the code, not this page. -->\n\n"


def _settings(rows: list[dict[str, str]], command: str) -> str:
    services = list(dict.fromkeys(row["service"] for row in rows))
    names = [{row["name"] for row in rows if row["service"] == service} for service in services]
    common = set.intersection(*names)
    text = (
        _head(command)
        + "# Settings\n\n"
        + (
            "Environment variables, or a TOML file that `ASSAY_SETTINGS_FILE` names, with a table `[common]` and one "
            "per service.\nWhat comes first wins: own variable, common variable, file, default. A variable under a "
            "service's prefix that names\nno setting stops the service. The local stack tells its services the common "
            "ones itself.\n\n## All services\n\n"
            "`ASSAY_<NAME>` for all, `ASSAY_<SERVICE>_<NAME>` for one.\n\n"
        )
    )
    shared = [row for row in rows if row["service"] == COMMON and row["name"] in common]
    text += _table(
        ("variable", "default", "meaning"),
        ((_code(f"ASSAY_{r['name'].upper()}"), _code(r["default"]), r["meaning"]) for r in shared),
    )
    for service in services:
        own = [row for row in rows if row["service"] == service and row["name"] not in common]
        text += f"\n## {service}\n\n"
        text += _table(
            ("variable", "default", "meaning"),
            ((_code(r["variable"]), _code(r["default"]), r["meaning"]) for r in own),
        )
    return text


def _features(rows: list[dict[str, str]], command: str) -> str:
    portfolio = command.split()[4].rstrip("`")
    text = (
        _head(command) + f"# Features of {portfolio}\n\n{len(rows)} columns, in the order of the matrix.\n\n"
    )
    columns = ("name", "kind", "unit", "entity", "window", "missing", "meaning")
    return text + _table(
        ("name", "kind", "unit", "entity", "window", "missing when", "meaning"),
        ((_code(r["name"]), *(r[c] for c in columns[1:])) for r in rows),
    )


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    write(DOCS)
