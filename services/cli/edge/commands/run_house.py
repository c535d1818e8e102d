"""`assay run`: the whole house from nothing to live traffic, step by step."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Annotated

import typer

from infra.local.doctor import doctor as look_over
from infra.local.errors import StackError
from infra.local.options import StackOptions
from infra.local.stack import Stack
from infra.local.state import StackState
from services.cli.edge import live_traffic, releasing, screens, terminal, training, watching
from services.cli.edge.commands.ingest import Beside, default_rule, ingest_files
from services.cli.edge.commands.stack import Watch
from services.cli.edge.errors import Away, FaultFound
from services.cli.edge.first_release import FirstRelease
from services.cli.edge.options import DataDirOption, house
from services.cli.edge.source_files import Period
from services.cli.edge.surroundings import CLOCK, House
from shared.bus.ports import LogAway

PORTFOLIO = "bank"
NEEDED = ("python", "crc32c", "hiredis", "java", "data dir", "disk")
TRAINING_WAIT_S = 600.0


def run(
    context: typer.Context,
    data_dir: DataDirOption = None,
    rate: Annotated[float, typer.Option(help="Live payments per second.", min=0.01)] = 20.0,
    days: Annotated[float, typer.Option(help="Days of generated history.", min=1)] = 45.0,
    accounts: Annotated[int, typer.Option(help="Accounts that pay.", min=100)] = 2_000,
    workers: Annotated[int, typer.Option(help="Scorer processes.", min=1, max=64)] = 1,
    seconds: Annotated[float, typer.Option(help="End after so many live seconds; 0 never.", min=0)] = 0.0,
) -> None:
    """Start everything and show what happens: generated history, training from its captures, live traffic.

    A second run on the same data dir goes straight to live traffic. Ctrl-C stops everything in order.

    Example: assay run --rate 50
    """
    here = house(context, data_dir, PORTFOLIO)
    story = Story()
    with _stop_signals() as stop:
        run = HouseRun(here, story, stop, History(days, accounts), rate, workers)
        run.play(seconds or None)


class Story:
    """Says each step when it is done, with its time and the time since the beginning."""

    def __init__(self) -> None:
        self._begun = self._step = monotonic()

    def begin(self) -> None:
        """A step begins now, and not when the last was done."""
        self._step = monotonic()

    def done(self, text: str) -> None:
        """A step is done."""
        now = monotonic()
        terminal.say(f"{now - self._begun:6.1f} s  {text} ({now - self._step:.1f} s)")
        self._step = now


class _stop_signals:  # noqa: N801 - used as a statement
    """The first SIGINT or SIGTERM sets the event and interrupts what waits; later ones are the event's."""

    def __enter__(self) -> threading.Event:
        self._event = threading.Event()
        self._before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
        for number in self._before:
            signal.signal(number, self._stop)
        return self._event

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self._event.is_set():
            self._event.set()
            raise KeyboardInterrupt


class History:
    """How much past is generated."""

    def __init__(self, days: float, accounts: int) -> None:
        self.days = days
        self.accounts = accounts

    def begin(self, folder: Path, end_ms: int) -> subprocess.Popen[str]:
        """Let the simulator write it beside whatever else goes on."""
        words = ["--days", f"{self.days}", "--end", f"{end_ms}", "--accounts", f"{self.accounts}"]
        command = [sys.executable, "-m", "services.simulator", "history", *words, "--out", str(folder)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process: subprocess.Popen[str]) -> None:
        """Wait until it is written. Raises FaultFound."""
        _, errors = process.communicate()
        if process.returncode:
            last = errors.strip().splitlines()[-1:] or ["no word"]
            raise FaultFound(f"The simulator could not write history: {last[0]}", "Run `assay doctor`.")


class HouseRun:
    """One run, from checks to the end of live traffic."""

    def __init__(
        self, here: House, story: Story, stop: threading.Event, history: History, rate: float, workers: int
    ) -> None:
        self._here = here
        self._story = story
        self._stop = stop
        self._history = history
        self._rate = rate
        self._begun_ms = CLOCK.now_ms()
        self._folder = here.data.root / "run" / "history"
        self._marker = here.data.root / "run" / "first_model"
        self._options = StackOptions(
            data_dir=str(here.data.root),
            portfolio=PORTFOLIO,
            workers=workers,
            rate=rate,
            accounts=history.accounts,
            simulator=self._is_warm(),
        )
        self._stack = Stack(self._options)
        self._is_taken_down = False

    def play(self, seconds: float | None) -> None:
        """Everything; whatever ends it, the stack is down afterwards."""
        self._check()
        live_traffic.sweep(self._here.data)
        past = None if self._is_warm() else self._history.begin(self._folder, self._begun_ms)
        try:
            self._live(self._start(past), seconds)
        except KeyboardInterrupt:
            terminal.say("Stopping.")
        finally:
            self._story.begin()
            if past is not None and past.poll() is None:
                past.terminate()
                past.wait()
            stopped = live_traffic.sweep(self._here.data)
            if not self._is_taken_down:  # else another command is at it
                stopped += self._stack.down()
                self._story.done(f"stopped: {', '.join(stopped) or 'nothing was running'}")

    def _is_warm(self) -> bool:
        """Whether an earlier run came as far as a first model, so that traffic may start with the stack."""
        return self._marker.exists()

    def _check(self) -> None:
        faults = [c for c in look_over(self._options) if c.name in NEEDED and not c.ok]
        if faults:
            raise Away(f"{faults[0].name}: {faults[0].detail}.", faults[0].way_out)
        if self._stack.status().running:
            raise FaultFound(
                f"A stack runs already on {self._here.data.root}.",
                "Stop it with `assay down`, or look at it with `assay status`.",
            )
        self._story.done("checked this machine")

    def _start(self, past: subprocess.Popen[str] | None) -> StackState:
        state, _ = self._stack.up(FirstRelease(self._here, Watch(quiet=False)))
        ill = [part for part in state.parts if part.phase in {"failed", "waiting"}]
        if ill:
            raise FaultFound(
                f"{ill[0].name} does not run: {ill[0].detail}.", f"Its log is {ill[0].log_path}."
            )
        self._story.done("Kafka, Redis and the services are up")
        if past is not None:
            here = self._here.around.house(self._here.data.root, PORTFOLIO)
            desk = releasing.Desk(here, here.kafka)
            head = desk.chain().head
            if head is None or head.content.champion is None:
                self._bring_up(here, desk, past)
            self._marker.touch()
        return state

    def _bring_up(self, here: House, desk: releasing.Desk, past: subprocess.Popen[str]) -> None:
        """From no model to the first one, by the road that every model takes."""
        self._history.finish(past)
        self._story.done(f"generated {self._history.days:g} days of history")
        files = [self._folder / "transactions.parquet"]
        rule = default_rule(desk.portfolio)
        beside = Beside(activities=self._folder / "activities.parquet")
        report = ingest_files(here, files, Period(), rule, beside, None, wait=True, quiet=False)
        if report.interrupted or report.outcome is None:
            raise KeyboardInterrupt
        outcome = report.outcome
        self._story.done(
            f"decided {outcome.decisions:,} payments of history, {outcome.per_second:,.0f} a second"
        )
        self._train(here, desk, self._begun_ms)

    def _train(self, here: House, desk: releasing.Desk, as_of_ms: int) -> None:
        request_id = releasing.new_request_id()
        training.ask(here, as_of_ms, 0, "the first model of this house", request_id)
        with terminal.progress("training", None, quiet=False) as bar:
            card = training.follow(here, request_id, TRAINING_WAIT_S, lambda s: bar.at(0, f"{s:.0f} s"))
        release = desk.publish(desk.content_with(card), "the first model", f"promote-{request_id}")
        ap = card.metrics.get("average_precision", float("nan"))
        self._story.done(
            f"trained {card.version} on {card.rows:,} payments (AP {ap:.3f}); release {release.seq}"
        )

    def _is_up(self) -> bool:
        """Whether the stack runs and nobody is stopping it."""
        found = self._stack.status()
        return found.running and found.state is not None and found.state.phase == "running"

    def _live(self, state: StackState, seconds: float | None) -> None:
        """Traffic of the stack's own simulator, or of one beside it where the stack began without."""
        kafka = self._here.kafka_at(state)
        traffic = (
            None if self._options.simulator else live_traffic.LiveTraffic(self._here.data, state, self._rate)
        )
        try:
            if traffic is not None:
                traffic.start()
            self._story.done(f"live: {self._rate:g} payments a second")
            hints = [
                f"Decisions over HTTP: {state.addresses['gateway']}   a key: assay keys add NAME",
                screens.where(state),
                f"Kafka {kafka}   Redis {state.addresses['redis']}   data {self._here.data.root}",
                "assay status | assay decision TX_ID | assay dlq list | assay export ...   Ctrl-C stops.",
            ]
            for hint in hints:
                terminal.say(hint)
            keep = (lambda: None) if traffic is None else traffic.keep
            watching.watch(kafka, PORTFOLIO, self._stop, keep, hints, seconds)
        except (LogAway, StackError):
            if self._is_up():
                raise
            self._is_taken_down = True
            raise FaultFound(
                "The stack was stopped by another command.", "Start it again with `assay run`."
            ) from None
        finally:
            if traffic is not None:
                traffic.stop()
