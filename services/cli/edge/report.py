"""An evaluation as one HTML file that needs nothing else, and its charts as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from services.cli.core.evaluation_charts import Chart
from services.cli.core.evaluation_report import Report
from services.cli.edge import plots
from services.cli.edge.errors import WrongUse

TEMPLATES: Final = Path(__file__).parent / "templates"
PAGE: Final = "evaluation.html"


def write_html(report: Report, path: Path) -> None:
    """Write the page. Raises WrongUse where it cannot be written."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = [(chart, Markup(plots.svg(chart))) for chart in report.charts]
    text = environment.get_template(PAGE).render(report=report, drawn=drawn)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be written: {error}.", "Name a file in a folder that is there."
        ) from error


def write_pngs(charts: Sequence[Chart], folder: Path) -> list[Path]:
    """Write each chart as NAME.png. Raises WrongUse where the folder cannot be made or written."""
    paths = [folder / f"{chart.name}.png" for chart in charts]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for chart, path in zip(charts, paths, strict=True):
            plots.png(chart, path)
    except OSError as error:
        raise WrongUse(
            f"{folder} cannot be written: {error}.", "Name a folder that you may write."
        ) from error
    return paths
