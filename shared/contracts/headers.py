"""Names of the Kafka headers that carry meaning between rooms."""

from __future__ import annotations

from typing import Final

LOAD: Final = "assay-load"
"""Id of the load a record belongs to; such records wait for the event-time barrier."""

TICK: Final = "assay-tick"
"""Event time (ms, decimal text) that a load has reached on this partition, or `TICK_END`."""

TICK_END: Final = b"end"

SCHEMA: Final = "assay-schema"
"""Hash of the Arrow schema of a capture."""

SHAPE: Final = "assay-shape"
"""``d,e``: number of features and of entities of a capture's rows (decimal text)."""

REASON: Final = "assay-reason"
"""Reason code of a dead letter."""

REQUEST: Final = "assay-request"
"""Id of the HTTP request that brought a record."""

TRACEPARENT: Final = "traceparent"
"""Place in a trace, as W3C Trace Context writes it."""
