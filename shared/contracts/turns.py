"""When a record of a load has its turn, for who sends it and who waits for it."""

from __future__ import annotations

from typing import Final

from .payments import Activity, Label, Transaction

LABEL_LEAD_MS: Final = 86_400_000
"""Labels of a load go ahead so long in event time: each scorer then has what the others must have read.

No payment sees a label before it was known, wherever the label stands. More than scorers are apart.
"""


def turn_ms(record: Transaction | Activity | Label) -> int:
    """The event time at which a record of a load has its turn: a label `LABEL_LEAD_MS` before it was known.

    Never before its payment's.
    """
    if isinstance(record, Label):
        return max(record.event_time_ms, record.known_at_ms - LABEL_LEAD_MS)
    return record.event_time_ms
