"""Charts drawn in the house's colours: SVG that takes its colours from the page, or PNG."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from services.cli.core.evaluation_charts import Chart, Corner, Line, Mark, Tone

WIDTH_IN: Final = 5.0
HEIGHT_IN: Final = 3.8
PNG_DPI: Final = 200
PALETTE: Final = {
    "ground": "#ffffff",
    "ink": "#14181f",
    "dim": "#5b6675",
    "line": "#e3e7ec",
    "accent": "#3455db",
    "approve": "#0b7a75",
    "review": "#995c00",
}
"""The console's light colours; in an SVG each becomes the variable of its name."""

TONES: Final[dict[Tone, str]] = {"first": "accent", "second": "review", "third": "approve", "even": "dim"}
_STYLES: Final[Any] = {
    "font.size": 11,
    "svg.fonttype": "none",
    "axes.edgecolor": PALETTE["line"],
    "axes.labelcolor": PALETTE["dim"],
    "text.color": PALETTE["ink"],
    "xtick.color": PALETTE["dim"],
    "ytick.color": PALETTE["dim"],
    "axes.unicode_minus": False,
}
_PROLOGUE: Final = re.compile(r"^.*?(?=<svg)", re.S)
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>\s*", re.S)
_FONT: Final = re.compile(r"font: ([\d.]+)px [^;\"]*")
_SIZE: Final = re.compile(r'(<svg [^>]*?)width="[^"]*"\s*([^>]*?)height="[^"]*"', re.S)
_NAMED: Final = re.compile(r'(?:\bid="|href="#|url\(#)')
"""What names a part of a drawing: the page holds several, and their names must differ."""

_KEYS: Final[dict[Corner, tuple[float, float, str, str]]] = {
    "upper left": (0.03, 0.95, "left", "top"),
    "upper right": (0.97, 0.95, "right", "top"),
    "lower left": (0.03, 0.05, "left", "bottom"),
    "lower right": (0.97, 0.05, "right", "bottom"),
}
_STEP: Final = 0.075


def svg(chart: Chart) -> str:
    """The chart as an ``<svg>`` element as wide as its place, coloured and written by the page around it."""
    out = io.StringIO()
    with rc_context({**_STYLES, "svg.hashsalt": chart.name}):
        _draw(chart).savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = _METADATA.sub("", _PROLOGUE.sub("", out.getvalue()))
    for name, colour in PALETTE.items():
        text = text.replace(colour, f"var(--{'panel' if name == 'ground' else name})")
    text = _FONT.sub(r"font-size: \1px", text)
    said = f'role="img" aria-label="{chart.title}"'
    return _NAMED.sub(rf"\g<0>{chart.name}-", _SIZE.sub(rf"\1{said} \2", text, count=1))


def png(chart: Chart, path: Path) -> None:
    """The chart as a file. Raises OSError."""
    with rc_context(_STYLES):
        _draw(chart, titled=True).savefig(
            path, dpi=PNG_DPI, facecolor=PALETTE["ground"], metadata={"Software": None}
        )


def _draw(chart: Chart, *, titled: bool = False) -> Figure:
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    axes = figure.add_subplot()
    _frame(axes, chart)
    if titled:
        axes.set_title(chart.title, loc="left", fontsize=12, fontweight="bold")
    for line in chart.lines:
        _line(axes, line)
    for mark in chart.marks:
        _mark(axes, mark)
    _key(axes, chart)
    return figure


def _frame(axes: Axes, chart: Chart) -> None:
    axes.set_xscale(chart.x_scale)
    axes.set_yscale(chart.y_scale)
    axes.set_xlabel(chart.x_title)
    axes.set_ylabel(chart.y_title)
    if chart.x_range:
        axes.set_xlim(*chart.x_range)
    if chart.y_range:
        axes.set_ylim(*chart.y_range)
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if chart.x_ticks:
        axes.set_xticks([at for at, _ in chart.x_ticks], [word for _, word in chart.x_ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(color=PALETTE["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=6)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _line(axes: Axes, line: Line) -> None:
    colour = PALETTE[TONES[line.tone]]
    if line.tone == "even":
        axes.plot(line.x, line.y, color=colour, linewidth=1, linestyle=(0, (2, 3)))
        return
    style = (0, (3, 2)) if line.dashed else "-"
    marker = "o" if line.dots else None
    axes.plot(line.x, line.y, color=colour, linewidth=2, linestyle=style, marker=marker, markersize=5)


def _mark(axes: Axes, mark: Mark) -> None:
    """A dot at the point, and its word below it."""
    colour = PALETTE[TONES[mark.tone]]
    edge = PALETTE["ground"]
    axes.plot(
        [mark.x], [mark.y], "o", color=colour, markersize=8, markeredgecolor=edge, zorder=4, clip_on=False
    )
    axes.annotate(
        mark.label,
        (mark.x, mark.y),
        xytext=(-8 if mark.on_left else 8, -14),
        textcoords="offset points",
        ha="right" if mark.on_left else "left",
        color=colour,
        fontsize=10,
    )


def _key(axes: Axes, chart: Chart) -> None:
    """The curves' names in their colours, in the corner that the chart leaves empty."""
    x, y, across, up = _KEYS[chart.key]
    named = [line for line in chart.lines if line.label]
    rows = named if up == "top" else named[::-1]
    for k, line in enumerate(rows):
        shift = -k * _STEP if up == "top" else k * _STEP
        axes.text(
            x,
            y + shift,
            line.label,
            transform=axes.transAxes,
            ha=across,
            va=up,
            color=PALETTE[TONES[line.tone]],
            fontweight="normal" if line.tone == "even" else "bold",
            bbox={"facecolor": PALETTE["ground"], "edgecolor": "none", "pad": 1.5},
        )
