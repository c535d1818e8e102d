"""``make bench``: microseconds per transaction of the scorer and of the naive peer, in one run.

Each round drains full topics with the same messages and the same model: a decision and a prediction per
payment and captures on our side, the decision alone on the peer's. We drain all payments; the peer, a few
hundred times slower, those in the middle, with the histories of the payments before them in its Redis. The
worker has one core; broker, Redis and this program have the other. ``--check`` fails under a ratio, never on
microseconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from shared.contracts.topics import topic_name
from shared.stores.portfolio_files import read_feature_set

from .bed import Bed, Model, bed, fill, publish
from .drain import Drained, drain
from .model import train_model
from .peers.history import lay_down
from .stages import Stages, read_stages
from .traffic import Traffic, make_traffic

COMPARED = 10_000
PARTITIONS = 4


def main() -> int:
    """Run the rounds, require equal scores, print and optionally save the figures."""
    told = _arguments()
    traffic = make_traffic(told.count)
    with bed() as servers:
        feature_set = read_feature_set("bench", servers.portfolio_file("bench"))
        print(f"{told.count} messages of {len(traffic.bodies[0])} bytes; training the model", flush=True)
        text, vectors = train_model(feature_set, traffic)
        model = Model(text, vectors, servers.folder / "model.txt")
        model.path.write_text(text)
        compared = _require_equal_scores(servers, traffic[:COMPARED], model)
        _ours(servers, "warm", traffic, model, PARTITIONS)  # a broker that is new compiles for a while
        ours: list[Drained] = []
        naive: list[Drained] = []
        for number in range(1, told.rounds + 1):
            ours.append(_ours(servers, f"bench{number}", traffic, model, PARTITIONS))
            _say(number, "Assay", ours[-1])
            naive.append(_naive(servers, f"peer{number}", traffic, _middle(told), model))
            _say(number, "naive", naive[-1])
        stages = read_stages(servers.kafka.bootstrap, topic_name("bench1", "predictions"))
    return _report(ours, naive, stages, compared, told)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="payments of one drain of ours")
    parser.add_argument("--peer-count", type=int, default=10_000, help="payments of one drain of the peer")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds")
    parser.add_argument("--check", type=float, default=0.0, help="fail when the ratio is below this")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _ours(servers: Bed, name: str, traffic: Traffic, model: Model, partitions: int) -> Drained:
    file = servers.portfolio_file(name)
    feature_set = read_feature_set(name, file)
    fill(servers, name, traffic, partitions)
    publish(servers, name, feature_set, model)
    environment = {
        "ASSAY_KAFKA": servers.kafka.bootstrap,
        "ASSAY_REDIS_URL": servers.redis.url,
        "ASSAY_DATA_DIR": str(servers.data_dir),
        "ASSAY_PORTFOLIO": name,
        "ASSAY_PORTFOLIO_FILE": str(file),
    }
    output = topic_name(name, "decisions")
    return drain(servers, ["-m", "services.scorer"], environment, output, len(traffic.bodies))


def _middle(told: argparse.Namespace) -> slice:
    """The peer's payments: with as much before them as behind, so that histories are of average length."""
    start = (told.count - told.peer_count) // 2
    return slice(start, start + told.peer_count)


def _naive(
    servers: Bed, name: str, traffic: Traffic, part: slice, model: Model, partitions: int = PARTITIONS
) -> Drained:
    lay_down(servers.redis.url, name, traffic.records[: part.start])
    traffic = traffic[part]
    fill(servers, name, traffic, partitions)
    environment = {
        "PEER_KAFKA": servers.kafka.bootstrap,
        "PEER_REDIS": servers.redis.url,
        "PEER_GROUP": name,
        "PEER_INPUT": topic_name(name, "transactions"),
        "PEER_OUTPUT": topic_name(name, "decisions"),
        "PEER_MODEL": str(model.path),
        "PEER_PREFIX": name,
        "PEER_FOLDER": str(servers.folder / name),
    }
    words = ["-m", "tests.bench.peers.naive_faust", "worker", "--without-web", "-l", "warn"]
    return drain(servers, words, environment, topic_name(name, "decisions"), len(traffic.bodies))


def _require_equal_scores(servers: Bed, traffic: Traffic, model: Model) -> int:
    """Raises SystemExit unless both systems give the same raw scores, to the bit.

    On one partition, where both see the payments in one order; over several, a merchant's history is
    written in an order that each system chooses for itself.
    """
    ours = _ours(servers, "equal_ours", traffic, model, 1).raw_scores
    everything = slice(0, len(traffic.bodies))
    naive = _naive(servers, "equal_naive", traffic, everything, model, 1).raw_scores
    different = [tx for tx in ours if ours[tx] != naive.get(tx)]
    if different or len(ours) != len(traffic.bodies):
        raise SystemExit(f"{len(different)} of {len(ours)} scores differ, the first for {different[:1]}")
    return len(ours)


def _say(number: int, who: str, run: Drained) -> None:
    cpu = "  ".join(f"{name} {us:.1f}" for name, us in run.cpu_us.items())
    print(f"round {number}  {who:6} {run.wall_us:8.1f} us/tx   cpu us/tx: {cpu}", flush=True)


def _report(
    ours: Sequence[Drained], naive: Sequence[Drained], stages: Stages, compared: int, told: argparse.Namespace
) -> int:
    mine, theirs = [run.wall_us for run in ours], [run.wall_us for run in naive]
    ratio = median(theirs) / median(mine)
    # A machine that changes its speed changes it for both of a round, more or less.
    each = [their / our for their, our in zip(theirs, mine, strict=True)]
    print(f"\nraw scores equal to the bit on {compared} payments")
    print(f"{'':24}{'median':>10}{'min':>10}{'max':>10}   us of wall time per payment and core")
    for who, runs in (("Assay scorer", mine), ("naive Faust peer", theirs)):
        print(f"{who:24}{median(runs):10.1f}{min(runs):10.1f}{max(runs):10.1f}")
    print(f"ratio {ratio:.1f}   of each round: {', '.join(f'{one:.1f}' for one in each)}")
    print(f"\nstages of the scorer, us per payment ({stages.batches} batches, {stages.payments} payments)")
    for name, us in stages.us.items():
        note = "  asked to answered; overlaps the other stages" if name == "state" else ""
        print(f"  {name:10}{us:8.2f}{note}")
    rest = median(mine) - sum(us for name, us in stages.us.items() if name != "state")
    print(f"  {'rest':10}{rest:8.2f}  consume, ask, encode predictions and captures, produce, commit")
    if told.json:
        figures = {
            "assay_us": mine,
            "naive_us": theirs,
            "ratio": ratio,
            "ratios": each,
            "stages_us": stages.us,
        }
        told.json.write_text(json.dumps(figures, indent=1))
    return 1 if ratio < told.check else 0


if __name__ == "__main__":
    sys.exit(main())
