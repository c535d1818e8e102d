"""The page of metrics says what the table says."""

from __future__ import annotations

from shared.evaluation.metric_table import BY_NAME, METRICS
from tests.support.fraud_metrics_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_names_are_told_once_and_no_cell_breaks_the_page() -> None:
    assert len(BY_NAME) == len(METRICS)
    cells = [cell for row in METRICS for cell in (row.title, row.unit, row.formula, row.source)]
    assert all(cell and "|" not in cell for cell in cells)
