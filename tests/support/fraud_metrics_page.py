"""docs/fraud-metrics.md, made of the table of metrics: ``python -m tests.support.fraud_metrics_page``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.evaluation.metric_table import METRICS, NOTATION

PAGE: Final = Path(__file__).parents[2] / "docs" / "fraud-metrics.md"
HEAD: Final = (
    "<!-- Made by `make docs` from shared/evaluation/metric_table.py; edit the table, not this page. -->\n\n"
    "# Metrics of fraud\n\n"
    "What `assay evaluate` prints, with the names of its JSON; a model card says some of them of the days "
    "that training kept back. A number comes with its threshold, contact period, labels' cut-off and an "
    "interval: the middle 95 % of draws of accounts with replacement, the same draws for both where two "
    "models are compared. A metric that divides by nothing is missing.\n\n"
)


def page() -> str:
    """The page as the table says it."""
    rows = [(f"`{m.name}`", m.title, m.unit, m.formula, m.source) for m in METRICS]
    heads = ("name", "metric", "unit", "definition", "source")
    lines = [heads, ("---",) * len(heads), *rows]
    table = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    return HEAD + NOTATION + "\n" + table


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
