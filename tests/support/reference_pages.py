"""Pages under docs/ made of what the command answers: ``python -m tests.support.reference_pages``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.support.command_line import Answer, ask

DOCS: Final = Path(__file__).parents[2] / "docs"
PORTFOLIOS: Final = ("bank", "handbook", "handbook15", "sparkov")
MADE: Final = "<!-- Made by `make docs`; edit the code, not this page. -->\n\n"
SETTINGS_INTRO: Final = """\
Environment variables, or a TOML file that `ASSAY_SETTINGS_FILE` names, with a table `[common]` and one
per service. What comes first wins: own variable, common variable, file, default. A variable under a
service's prefix that names no setting stops the service. The local stack tells its services the common ones
itself. `assay settings` lists them all.

## All services

`ASSAY_<NAME>` for all, `ASSAY_<SERVICE>_<NAME>` for one.

"""

CALLS: Final = (
    ("settings", "--json"),
    *(("features", "list", "--portfolio", name, "--json") for name in PORTFOLIOS),
)
"""What the pages are made of."""

Row = dict[str, str]


def pages(answers: Sequence[Answer]) -> dict[str, str]:
    """Every page by file name, of the answers to `CALLS`. Raises AssertionError when one failed."""
    settings, *features = (answer.data() for answer in answers)
    lists = zip(PORTFOLIOS, features, strict=True)
    return {
        "settings.md": _settings(settings),
        **{f"features-{name}.md": _features(name, rows) for name, rows in lists},
    }


def _settings(rows: list[Row]) -> str:
    services = list(dict.fromkeys(row["service"] for row in rows))
    common = set.intersection(*({r["name"] for r in rows if r["service"] == service} for service in services))
    of_all = [row for row in rows if row["service"] == services[0] and row["name"] in common]
    text = MADE + "# Settings\n\n" + SETTINGS_INTRO
    text += _setting_table((f"ASSAY_{row['name'].upper()}", row) for row in of_all)
    for service in services:
        own = [row for row in rows if row["service"] == service and row["name"] not in common]
        text += f"\n## {service}\n\n" + _setting_table((row["variable"], row) for row in own)
    return text


def _setting_table(rows: Iterable[tuple[str, Row]]) -> str:
    cells = ((_code(variable), _code(row["default"]), row["meaning"]) for variable, row in rows)
    return _table(("variable", "default", "meaning"), cells)


def _features(portfolio: str, rows: list[Row]) -> str:
    head = MADE + f"# Features of {portfolio}\n\n{len(rows)} columns, in the order of the matrix.\n\n"
    columns = ("kind", "unit", "entity", "window", "missing", "meaning")
    cells = ([_code(row["name"]), *(row[column] for column in columns)] for row in rows)
    return head + _table(("name", "kind", "unit", "entity", "window", "missing when", "meaning"), cells)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    for name, text in pages(ask(CALLS)[1]).items():
        (DOCS / name).write_text(text, encoding="utf-8")
