"""`assay alerts`: what the monitor's rules say now, and their last words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from services.cli.core.numbers import moment
from services.cli.edge import terminal
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.contracts.alert_rules import RULES
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import Alert
from shared.contracts.topics import topic_name

_ACTIONS = {rule.name: rule.action for rule in RULES}


def alerts(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    limit: Annotated[int, typer.Option(help="Last alerts to list.", min=0)] = 20,
    as_json: JsonOption = False,
) -> None:
    """What fires now, and the last alerts. What fires comes with what to do.

    Example: assay alerts --json
    """
    told = list(_alerts(house(context, data_dir, portfolio)))
    firing = [alert for alert in {(a.rule, a.subject): a for a in told}.values() if alert.state == "firing"]
    last = told[-limit:] if limit else []
    if as_json:
        terminal.answer_json({"firing": list(map(_facts, firing)), "last": list(map(_facts, last))})
        return
    columns = ("since", "rule", "subject", "value", "limit", "detail", "what to do")
    rows = [(*_cells(alert), _ACTIONS.get(alert.rule, "")) for alert in firing]
    terminal.show_table(f"{len(firing)} fire", columns, rows)
    if last:
        columns = ("at", "rule", "subject", "value", "limit", "detail", "state")
        terminal.show_table("Last", columns, [(*_cells(alert), alert.state) for alert in last])


def _alerts(here: House) -> Iterator[Alert]:
    """In the order in which they were told."""
    kafka = here.kafka  # first of all: where there is no broker, its client need not be loaded
    from shared.bus.sync import KafkaLook

    with KafkaLook(kafka) as look:
        for message in look.read_all([topic_name(here.portfolio, "alerts")]):
            try:
                yield decode(Alert, message.value or b"")
            except DecodeError:
                continue  # a record of another version; it stays on the topic


def _cells(alert: Alert) -> tuple[str, str, str, float, float, str]:
    return (moment(alert.at_ms), alert.rule, alert.subject, alert.value, alert.limit, alert.detail)


def _facts(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in alert.__struct_fields__ if name != "v"}
