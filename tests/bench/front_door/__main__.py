"""Load for the front door, offered at a constant rate whatever comes back.

    python -m tests.bench.front_door decisions --rates 100 500 --url http://127.0.0.1:8080 --key assay_...

Latencies count from the moment a request was due. An echo (the same server and framework, nothing behind) is
measured in turn with the house: what it needs is the machine's, not ours. Without --url a house is started,
with simulated traffic of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from . import scenes
from .bodies import Target, target
from .echo import echo
from .figures import table, to_json
from .house import House, own_house
from .scenes import Plan, Report


def main() -> int:
    """Measure what is asked for, print it and optionally save it."""
    told = _arguments()
    plan = Plan(told.seconds, told.rounds, told.connections, told.deadline_ms)
    with _house(told) as house:
        report = _measure(told, house, plan)
    print(table(report.rows))
    for name, value in report.facts.items():
        print(f"{name}: {value:.1f}")
    if told.json:
        told.json.write_bytes(to_json(report.rows, report.facts))
    return 0


def _measure(told: argparse.Namespace, house: House, plan: Plan) -> Report:
    here = target(house.url, house.key)
    if told.scene == "limit":
        greedy, per_s = told.greedy_key or house.greedy_key, told.limit or house.greedy_per_s
        if greedy is None or per_s is None:
            raise SystemExit("limit: with --url, give --greedy-key and --limit too.")
        other = here._replace(key=greedy)
        return uvloop.run(scenes.limit(here, other, per_s, told.polite_rate, told.times, plan))
    if told.scene == "overload":
        return uvloop.run(scenes.overload(here, told.rates, plan))
    with echo() as url:
        return uvloop.run(_beside(told, here, target(url, house.key), plan))


async def _beside(told: argparse.Namespace, house: Target, floor: Target, plan: Plan) -> Report:
    if told.scene == "bulk":
        return await scenes.bulk(house, floor, told.items, told.bulk_connections, plan)
    return await scenes.decisions(house, floor, told.rates, plan)


@contextmanager
def _house(told: argparse.Namespace) -> Iterator[House]:
    if told.url:
        yield House(told.url, told.key, None, None)
        return
    with own_house() as house:
        yield house


def _arguments() -> argparse.Namespace:
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--url", help="address of a running front door; else a house is started")
    everywhere.add_argument("--key", default="", help="key for --url, of a rate that is not felt")
    everywhere.add_argument("--seconds", type=float, default=10.0, help="seconds of each load")
    everywhere.add_argument("--rounds", type=int, default=3, help="how often, the echo and the house in turn")
    everywhere.add_argument("--connections", type=int, default=128, help="keep-alive connections")
    everywhere.add_argument("--deadline-ms", type=int, default=500, help="deadline of each decision")
    everywhere.add_argument("--json", type=Path, help="write the figures to this file")
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.front_door",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scene = parser.add_subparsers(dest="scene", required=True)
    one = scene.add_parser("decisions", parents=[everywhere], help="decisions at each rate, beside the echo")
    one.add_argument("--rates", type=float, nargs="+", default=[100.0, 500.0])
    many = scene.add_parser("bulk", parents=[everywhere], help="NDJSON as fast as it is taken")
    many.add_argument("--items", type=int, default=500, help="payments of each request")
    many.add_argument("--bulk-connections", type=int, default=4)
    keys = scene.add_parser("limit", parents=[everywhere], help="a greedy key beside a polite one")
    keys.add_argument("--greedy-key", help="with --url: the key that asks too much")
    keys.add_argument("--limit", type=float, help="with --url: its limit per second")
    keys.add_argument("--times", type=float, default=3.0, help="how many times its limit it asks")
    keys.add_argument("--polite-rate", type=float, default=50.0)
    ramp = scene.add_parser("overload", parents=[everywhere], help="a ramp beyond what can be decided")
    ramp.add_argument("--rates", type=float, nargs="+", default=[250.0, 500.0, 1000.0, 2000.0, 4000.0])
    told = parser.parse_args()
    if told.url and not told.key:
        parser.error("--url needs --key")
    return told


if __name__ == "__main__":
    sys.exit(main())
