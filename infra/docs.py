"""Writes the reference pages under `docs/` from the tables of the contracts: ``python -m infra.docs``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import NODEFAULT, Struct, inspect

from infra.local.redis_access import USERS
from shared.contracts.access import PRINCIPALS, Principal, access_table
from shared.contracts.alert_rules import RULES as ALERT_RULES
from shared.contracts.reasons import REASONS
from shared.contracts.topics import DAY_MS, FOREVER, TOPICS, Topic
from shared.runtime.metrics import METRICS

FOLDER: Final = Path(__file__).parents[1] / "docs"
MADE: Final = "<!-- Made by `make docs` from {table}; edit the table, not this page. -->\n\n"


def topics_page() -> str:
    """The topic table, a card per topic, and the fields of every record."""
    records = dict.fromkeys(record for card in TOPICS for record in card.records or ())
    head = MADE.format(table="shared/contracts/topics.py") + "# Topics\n\n"
    intro = (
        "Names carry their portfolio in front (`bank.transactions`), except `status` and `audit`. "
        "Keys decide the partition (Kafka's murmur2). Times are UTC in milliseconds, money is in minor "
        "units.\n\n"
    )
    rows = [(f"[{c.name}](#{c.name})", c.key, _record_names(c), _keeps(c), _partitions(c)) for c in TOPICS]
    table = _table(("topic", "key", "record", "keeps", "partitions"), rows)
    cards = "".join(_card(card) for card in TOPICS)
    return head + intro + table + cards + "\n# Records\n" + "".join(_record(record) for record in records)


def reasons_page() -> str:
    """Every reason code with its sentence."""
    head = MADE.format(table="shared/contracts/reasons.py") + "# Reason codes\n\n"
    intro = (
        "One word for one reason: in dead letters, decisions, metric tags, logs and HTTP bodies alike.\n\n"
    )
    return head + intro + _table(("code", "meaning"), [(f"`{c}`", text) for c, text in REASONS.items()])


def alerts_page() -> str:
    """Every alert rule: when it fires and clears, whose it is, and what to do."""
    head = MADE.format(table="shared/contracts/alert_rules.py") + "# Alerts\n\n"
    intro = (
        "The monitor looks at each rule again and again (`ASSAY_MONITOR_JUDGE_EVERY_MS`), at those of drift "
        "once a window. A rule fires once its value was at or above the first limit at so many looks in a "
        "row, and clears once it was at or below the second; between them nothing changes. What fires stands "
        "on the topic `alerts` and in the table `monitor_alerts`.\n\n"
    )
    rows = [
        (
            f"`{r.name}`",
            r.meaning,
            f"{r.on:g} {r.unit}, {r.fires_after} in a row",
            f"{r.off:g} {r.unit}, {r.clears_after} in a row",
            r.subject or "the portfolio",
            r.owner,
            r.action,
        )
        for r in ALERT_RULES
    ]
    columns = ("rule", "meaning", "fires at", "clears at", "judged for", "owner", "what to do")
    return head + intro + _table(columns, rows)


def metrics_page() -> str:
    """Every metric of ``/metrics``."""
    head = MADE.format(table="shared/runtime/metrics.py") + "# Metrics\n\n"
    intro = (
        "Every service shows them under `/metrics` on its health port (`ASSAY_HEALTH_PORT`), in Prometheus' "
        "text format; counters end in `_total` there and run since the start. They are what the service last "
        "said about itself on the topic `status`. Business counts and alerts stand in the monitor's tables."
        "\n\n"
    )
    rows = [(f"`{r.name}`", r.kind, r.unit, _codes(r.labels), r.meaning) for r in METRICS]
    return head + intro + _table(("metric", "kind", "unit", "labels", "meaning"), rows)


def access_page() -> str:
    """Who may do what on Kafka and Redis, a row per principal."""
    head = MADE.format(table="shared/contracts/access.py and infra/local/redis_access.py") + "# Access\n\n"
    intro = (
        "Each service signs in as itself, with a password of its own (`.assay/secrets`), and may do what "
        "stands here and nothing else; `assay topics access` says the same. To read or to "
        "write includes to see that a topic is there. `operator` makes topics, users and rights; no service "
        "signs in as it. `*` ends a family of names.\n\n## Kafka\n\n"
    )
    kafka = _table(("principal", "reads", "writes", "groups", "sees only"), map(_kafka_row, PRINCIPALS))
    users = [
        (f"`{u.name}`", _codes(k.format(portfolio="bank") for k in u.keys), _codes(u.commands)) for u in USERS
    ]
    redis = "\n## Redis\n\n" + _table(("user", "keys", "commands"), users)
    return head + intro + kafka + redis


def _kafka_row(principal: Principal) -> tuple[str, ...]:
    rows = [row for row in access_table("bank") if row.principal == principal.name]

    def names(resource: str, operation: str) -> str:
        return _codes(row.name for row in rows if row.resource == resource and operation in row.may)

    seen = [names("topic", "describe"), names("group", "describe")]
    cells = (names("topic", "read"), names("topic", "write"), names("group", "read"))
    return (f"`{principal.name}`", *cells, ", ".join(filter(None, seen)))


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "topics.md": topics_page,
    "reasons.md": reasons_page,
    "alerts.md": alerts_page,
    "metrics.md": metrics_page,
    "access.md": access_page,
}


def write(folder: Path) -> None:
    """Writes every page into ``folder``."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _card(card: Topic) -> str:
    facts = {
        "Key": card.key,
        "Record": f"{_record_names(card)}, version {card.version}",
        "From": ", ".join(card.producers),
        "To": ", ".join(card.consumers),
        "Keeps": _keeps(card),
        "Partitions": _partitions(card),
        "Compatibility": card.compatibility,
        "Refused records": card.dead_letter,
    }
    lines = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    return f"\n## {card.name}\n\n{card.purpose}\n\n{lines}"


def _record_names(card: Topic) -> str:
    if card.records is None:
        return "Arrow record batch"
    return ", ".join(f"[{r.__name__}](#{r.__name__.lower()})" for r in card.records)


def _keeps(card: Topic) -> str:
    return "for ever" if card.retention_ms == FOREVER else f"{card.retention_ms // DAY_MS} d"


def _partitions(card: Topic) -> str:
    return "as the inputs" if card.partitions == "input" else "1"


def _record(record: type[Struct]) -> str:
    info = inspect.type_info(record)
    assert isinstance(info, inspect.StructType)
    rows = [(f"`{f.name}`", _type(f.type), _default(f)) for f in info.fields]
    text = " ".join((record.__doc__ or "").replace("``", "`").split())
    return f"\n## {record.__name__}\n\n{text}\n\n" + _table(("field", "type", "default"), rows)


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    if field.default is not NODEFAULT:
        return "`null`" if field.default is None else f"`{field.default!r}`"
    return "empty"


def _type(info: inspect.Type) -> str:
    match info:
        case inspect.IntType() | inspect.FloatType():
            name = "integer" if isinstance(info, inspect.IntType) else "number"
            return name + _span(info.ge, info.le, "")
        case inspect.StrType():
            return "text" + _span(info.min_length, info.max_length, " characters")
        case inspect.BoolType():
            return "true or false"
        case inspect.BytesType():
            return "bytes (base64)"
        case inspect.LiteralType():
            return "one of " + ", ".join(f"`{value}`" for value in info.values)
        case inspect.UnionType():
            return " or ".join(_type(part) for part in info.types)
        case inspect.NoneType():
            return "null"
        case inspect.ListType():
            return f"list of {_type(info.item_type)}"
        case inspect.DictType():
            return f"map of {_type(info.key_type)} to {_type(info.value_type)}"
        case inspect.StructType():
            return info.cls.__name__
    raise TypeError(f"no words for {info}")


def _span(low: float | None, high: float | None, unit: str) -> str:
    """The bounds in words, "" where there are none."""
    if high is None:
        return "" if low is None else f", at least {low:,.0f}{unit}"
    if low == high:
        return f", {high:,.0f}{unit}"
    return f", up to {high:,.0f}{unit}" if low is None else f", {low:,.0f} to {high:,.0f}{unit}"


if __name__ == "__main__":
    write(FOLDER)
