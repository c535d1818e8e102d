"""How a portfolio reads other people's files: columns to our fields, labels, the parity reference."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shared.contracts.payments import Transaction

from .fields import NUMBER_PREFIX

TEXT_PREFIX = "texts."
TRAINING_LIMIT_DAYS = 3_660


class ColumnMap(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a field comes from: ``column`` of the file, as text behind ``prefix`` where the field is text.

    A number is multiplied by ``scale``; for ``amount_minor`` the product is rounded to the nearest integer
    (ties to even), so a price in major units takes scale 100. ``constant`` replaces the column altogether.
    """

    column: str = ""
    prefix: str = ""
    scale: float = 1.0
    constant: str | float | None = None


class LabelMap(Struct, frozen=True, forbid_unknown_fields=True):
    """Labels that stand beside the payments of a file.

    ``column`` holds 1 for fraud, 0 for genuine, null for not labelled. ``known_at`` names a column of
    instants, null meaning never known; without it a label is known the label delay after its payment.
    ``reversed_at`` names a column of instants at which a fraud was taken back. Genuine rows become labels
    only with ``send_genuine``: a payment without a label past its delay counts as genuine anyway.
    """

    column: str
    known_at: str = ""
    reversed_at: str = ""
    fraud_type: str = ""
    source: str = "file"
    send_genuine: bool = False


class Lookup(Struct, frozen=True, forbid_unknown_fields=True):
    """Columns that a second ``file`` beside the payments' adds to each of their rows.

    ``key`` is a column of both, once per row of that file; rows whose key it lacks get nothing. ``columns``
    are those it adds.
    """

    file: str
    key: str
    columns: tuple[str, ...]


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Mapping of a file. ``fields`` maps our field names (also ``numbers.X`` and ``texts.X``) to columns.

    ``lookups`` add columns before they are mapped. Instants are timestamps or integer ms;
    ``time_offset_minutes`` says how far naive timestamps lie ahead of UTC.
    """

    fields: dict[str, ColumnMap] = {}
    label: LabelMap | None = None
    lookups: tuple[Lookup, ...] = ()
    time_offset_minutes: int = 0


class ParityColumn(Struct, frozen=True, forbid_unknown_fields=True):
    """One comparison: ``column`` of the reference against ``feature``.

    ``exact`` compares the float64 bits (as numbers, so 1 equals 1.0). ``mean_of`` compares integer sums:
    rint(reference * reference count * scale) == rint(feature * feature count), where the counts come from
    ``count_column`` and ``count_feature`` and the feature is a mean in minor units.
    """

    column: str
    feature: str
    compare: Literal["exact", "mean_of"] = "exact"
    count_column: str = ""
    count_feature: str = ""
    scale: float = 1.0


class Parity(Struct, frozen=True, forbid_unknown_fields=True):
    """A reference file: ``id_column`` behind ``id_prefix`` is the tx_id of each row."""

    id_column: str
    id_prefix: str = ""
    columns: tuple[ParityColumn, ...] = ()


class Training(Struct, frozen=True, forbid_unknown_fields=True):
    """How a model of this portfolio is trained: LightGBM ``parameters`` as they are, one model per seed.

    ``genuine_share`` of the genuine rows is kept, weighted by its inverse; the last ``calibration_days`` of
    the window calibrate and do not train.
    """

    days: int = 28
    parameters: dict[str, float | int | str | bool] = {}
    seeds: tuple[int, ...] = (1,)
    genuine_share: float = 1.0
    calibration_days: int = 7


REQUIRED_FIELDS = ("tx_id", "account_id", "event_time_ms", "amount_minor")
_FIELDS = frozenset(Transaction.__struct_fields__) - {"v", "numbers", "texts"}


def refuse_source(source: Source) -> tuple[str, str] | None:
    """The (key, sentence) of what is wrong with a mapping, or None."""
    added = {column for lookup in source.lookups for column in lookup.columns}
    for field in REQUIRED_FIELDS:
        if field in source.fields and source.fields[field].column in added:
            return field, f"'{field}' cannot come from another file than the payment"
    for field, mapping in source.fields.items():
        if field not in _FIELDS and not field.startswith((NUMBER_PREFIX, TEXT_PREFIX)):
            return field, f"a transaction has no field '{field}'"
        if bool(mapping.column) == (mapping.constant is not None):
            return field, "a field takes either a column or a constant"
    missing = [field for field in REQUIRED_FIELDS if source.fields and field not in source.fields]
    return ("fields", f"the mapping lacks {', '.join(missing)}") if missing else None


def refuse_training(training: Training) -> tuple[str, str] | None:
    """The (key, sentence) of what is wrong with the days of a training, or None."""
    if not 1 <= training.days <= TRAINING_LIMIT_DAYS:
        return "days", f"a model is trained on 1 to {TRAINING_LIMIT_DAYS} days"
    if not 0 <= training.calibration_days < training.days:
        return "calibration_days", f"of the {training.days} days of training none is left to train on"
    return None


def refuse_parity(parity: Parity, features: set[str]) -> tuple[str, str, str] | None:
    """The (reference column, key, sentence) of what is wrong with a parity section, or None."""
    for row in parity.columns:
        if row.feature not in features:
            return row.column, "feature", f"there is no feature '{row.feature}'"
        if row.compare == "mean_of" and (not row.count_column or row.count_feature not in features):
            return (
                row.column,
                "compare",
                "mean_of needs count_column and count_feature of the same window",
            )
    return None
