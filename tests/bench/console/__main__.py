"""What the console costs over a lake of many decisions; nothing is asserted, figures are printed.

    python -m tests.bench.console screens look-ups --decisions 1000000 --data-dir /tmp/filled
    python -m tests.bench.console streams --streams 100 --minutes 10 --data-dir /tmp/filled
    python -m tests.bench.console streams --url http://127.0.0.1:8600 --data-dir .assay

Without --url a small house is started over the folder: Kafka, monitor, archiver and console, with decisions
that flow. The folder is filled once with decisions of one day, and may be used again. With --url a running
stack is measured; name payments that only its lake still has with --tx-ids.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.bench.numbers.shown import Screens
from tests.support.filled_house import some_numbers, tx_id

from .house import House, fill_once, own_house, running_house
from .look_ups import LookUps, look_ups
from .screens import Paint, paints
from .streams import Streamed, streamed

SCENES = ("screens", "look-ups", "streams")


class Report(Struct, kw_only=True):
    """Everything that was measured; None what was not asked for."""

    decisions: int
    fill_s: float | None = None
    screens: list[Paint] | None = None
    look_ups: LookUps | None = None
    streams: Streamed | None = None


def main() -> int:
    """Fill, start, measure what is asked for, print."""
    told = _arguments()
    with _folder(told) as folder:
        report = Report(decisions=told.decisions)
        for lines in _measured(told, folder, report):
            if not told.json:
                print("\n".join(lines), flush=True)
    if told.json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    return 0


def _measured(told: argparse.Namespace, folder: Path, report: Report) -> Iterator[Iterable[str]]:
    """Fills in the report; what each part found, in lines, as soon as it is known."""
    if not told.url:
        report.fill_s = fill_once(folder, told.decisions)
        if report.fill_s is not None:
            yield [f"filled with {report.decisions:,} decisions in {report.fill_s:.0f} s"]
    if told.scenes:
        with _house(told, folder) as house:
            yield from _scenes(told, house, report)


def _scenes(told: argparse.Namespace, house: House, report: Report) -> Iterator[Iterable[str]]:
    with Screens(house.url, house.name, house.password) as screens:
        ids = told.tx_ids or [tx_id(n) for n in some_numbers(told.look_ups + 1, told.decisions, told.seed)]
        if "look-ups" in told.scenes:
            report.look_ups = look_ups(screens, ids)
            yield [_look_up_line(report.look_ups, told.decisions)]
        if "screens" in told.scenes:
            report.screens = asyncio.run(paints(house, _paths(screens, ids[0]), told.rounds))
            yield _paint_lines(report.screens)
        if "streams" in told.scenes:
            report.streams = asyncio.run(streamed(house, screens.cookies, told.streams, told.minutes))
            yield _stream_lines(report.streams)


def _paths(screens: Screens, old: str) -> dict[str, str]:
    newest = screens.ask("/tail")["rows"][0]["tx_id"]
    return {
        "overview": "/",
        "overview, 24h": "/?range=24h",
        "tail": "/tail",
        "cases": "/queue",
        "alerts": "/alerts",
        "decision in memory": f"/decisions/{newest}",
        "decision in the lake": f"/decisions/{old}",
    }


@contextmanager
def _folder(told: argparse.Namespace) -> Iterator[Path]:
    """The folder that is named, or one that is gone at the end."""
    if told.data_dir:
        yield told.data_dir.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="assay-console-") as made:
        yield Path(made)


@contextmanager
def _house(told: argparse.Namespace, folder: Path) -> Iterator[House]:
    if told.url:
        yield running_house(told.url, folder, told.decisions)
        return
    with own_house(folder, told.decisions, told.rate) as house:
        yield house


def _paint_lines(found: Sequence[Paint]) -> Iterator[str]:
    heads = "".join(f"{head:>8}" for head in ("cold", "worst", "warm", "worst", "answer"))
    yield f"{'first paint, ms':24}{heads}{'page':>10}"
    for each in found:
        times = (each.cold_ms, each.cold_worst_ms, each.warm_ms, each.warm_worst_ms, each.answer_ms)
        yield f"{each.screen:24}{''.join(f'{ms:8.0f}' for ms in times)}{each.page_bytes:>8,} B"


def _look_up_line(found: LookUps, decisions: int) -> str:
    return (
        f"look-up by tx_id among {decisions:,}: p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms, "
        f"max {found.max_ms:.0f} ms of {found.count}; the first {found.first_ms:.0f} ms"
    )


def _stream_lines(ran: Streamed) -> Iterator[str]:
    yield f"{'s':>8}{'memory MB':>12}{'of a core':>12}{'events':>12}"
    for each in ran.samples:
        yield f"{each.at_s:8.0f}{each.rss_mb:12.1f}{each.cpu_share:12.0%}{each.events:12,}"
    yield (
        f"{ran.streams} streams for {ran.seconds:.0f} s: {ran.events:,} events "
        f"({ran.events_per_stream_s:.2f} a second and stream, {ran.received_mb:.0f} MB), "
        f"{ran.dropped} dropped, {ran.broken} broken; memory {ran.slope_kb_per_min:+.0f} KB a minute; "
        f"{ran.cpu_share:.0%} of a core"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.console",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenes", nargs="*", metavar="scene", help=f"any of {', '.join(SCENES)}; none: fill")
    parser.add_argument("--decisions", type=int, default=1_000_000, help="decisions in the lake")
    parser.add_argument("--data-dir", type=Path, help="folder to fill and use again, or the running stack's")
    parser.add_argument("--url", help="address of a running console; else a house is started")
    parser.add_argument("--rate", type=float, default=100.0, help="decisions a second that flow")
    parser.add_argument("--rounds", type=int, default=5, help="loads of each screen, cold and warm")
    parser.add_argument("--look-ups", type=int, default=50, help="payments that are looked up")
    parser.add_argument("--tx-ids", nargs="+", help="which, instead of drawn ones of the filled lake")
    parser.add_argument("--streams", type=int, default=100, help="streams open at once")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long they stay open")
    parser.add_argument("--seed", type=int, default=1, help="of the payments that are looked up")
    parser.add_argument("--json", action="store_true", help="print JSON")
    told = parser.parse_args()
    if unknown := set(told.scenes) - set(SCENES):
        parser.error(f"no scene is called {', '.join(sorted(unknown))}")
    if told.url and not told.data_dir:
        parser.error("--url needs the running stack's --data-dir, whose first user signs in")
    return told


if __name__ == "__main__":
    sys.exit(main())
