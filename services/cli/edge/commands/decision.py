"""`assay decision TX_ID`: the one decision of a payment."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.core.numbers import moment
from services.cli.edge import terminal
from services.cli.edge.errors import FaultFound
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.surroundings import House
from shared.contracts.codec import DecodeError, decode
from shared.contracts.decisions import Decision
from shared.contracts.topics import topic_name

TAIL_RECORDS = 20_000


def decision(
    context: typer.Context,
    tx_id: Annotated[str, typer.Argument(help="Id of the payment.")],
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    account: Annotated[str, typer.Option(help="Its account, to look at one partition only.")] = "",
    as_json: JsonOption = False,
) -> None:
    """What was decided and why: from the lake, else from the newest records of the topic.

    Example: assay decision tx-1200431 --portfolio handbook15
    """
    here = house(context, data_dir, portfolio)
    found, source = _from_lake(here, tx_id), "lake"
    if found is None and (here.state is not None or here.around.kafka is not None):
        found, source = _from_topic(here, tx_id, account), "topic"
    if found is None:
        raise FaultFound(
            f"There is no decision for {tx_id}.",
            "It is decided within seconds of its arrival; refused records are in `assay dlq list`.",
        )
    if as_json:
        terminal.answer_json({"source": source, "decision": found})
        return
    shown = {
        name: value for name, value in found.items() if name not in {"raw_bytes", "v", "key_hash", "topic"}
    }
    shown["event_time"] = moment(shown.pop("event_time_ms"))
    terminal.show_fields(f"Decision of {tx_id} (from the {source})", {k: _text(v) for k, v in shown.items()})


def _text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _from_lake(here: House, tx_id: str) -> dict[str, Any] | None:
    if not here.lake.is_dir():
        return None
    # Only where there is a lake to open: its libraries take as long as all the rest.
    from shared.stores.lake_read import LakeReader

    return LakeReader(here.lake).decision_by_tx(here.portfolio, tx_id)


def _from_topic(here: House, tx_id: str, account: str) -> dict[str, Any] | None:
    """The newest records of each partition, or of the account's, are looked through."""
    # Kafka's clients are loaded only where the lake has no answer.
    from shared.bus.loader import Partitions
    from shared.bus.ports import Place
    from shared.bus.sync import KafkaLook

    topic = topic_name(here.portfolio, "decisions")
    with KafkaLook(here.kafka) as look:
        places = look.places([topic])
        if account:
            places = [Place(topic, Partitions(len(places))[account.encode()])]
        starts, ends = look.starts(places), look.ends(places)
        spans = {p: (max(starts[p], ends[p] - TAIL_RECORDS), ends[p]) for p in places}
        for message in look.read(spans):
            try:
                found = decode(Decision, message.value or b"")
            except DecodeError:
                continue
            if found.tx_id == tx_id:
                return {name: getattr(found, name) for name in found.__struct_fields__}
    return None
