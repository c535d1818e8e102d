"""Canonical record bytes made column-wise: what `contracts.codec.encode` gives, a table at a time.

Only plain values take this road (printable ASCII without quote and backslash); everything else is left to
the codec, row by row, so there is one meaning of validity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

PLAIN_ID: Final = r"^[ !#-\[\]-~]{1,64}$"
PLAIN_SHORT: Final = r"^[ !#-\[\]-~]{0,64}$"
PLAIN_TEXT: Final = r"^[ !#-\[\]-~]{0,256}$"


class JsonColumn(msgspec.Struct, frozen=True):
    """A field of the record: ``column`` of the table, already in the form in which JSON writes it.

    ``quoted``: a text. Null leaves the field out.
    """

    field: str
    column: str
    quoted: bool


def encode_rows(frame: pl.DataFrame, columns: Sequence[JsonColumn]) -> pl.Series:
    """One JSON object per row as bytes, fields in the order of ``columns``, behind ``"v":1``."""
    parts: list[pl.Expr] = [pl.lit('{"v":1')]
    for item in columns:
        quote = '"' if item.quoted else ""
        head, tail = pl.lit(f',"{item.field}":{quote}'), pl.lit(quote)
        value = pl.col(item.column).cast(pl.String)
        if frame[item.column].null_count():
            parts.append(pl.concat_str([head, value, tail]).fill_null(""))
        else:
            parts += [head, value, tail]
    text = pl.concat_str([*parts, pl.lit("}")])
    return frame.select(text.cast(pl.Binary).alias("value"))["value"]


def number_texts(values: pl.Series) -> pl.Series:
    """Float64 (n,) as JSON writes them, null staying null; the values are finite."""
    if not len(values):
        return pl.Series(values.name, [], pl.String)
    encoded = msgspec.json.encode(values.to_list())[1:-1].decode().split(",")
    return pl.Series(values.name, [None if text == "null" else text for text in encoded], pl.String)


def object_texts(frame: pl.DataFrame, members: Mapping[str, str], quoted: bool) -> pl.Series:
    """One JSON object per row from columns by member name; a null member is left out, none gives null."""
    quote = '"' if quoted else ""
    pairs = [
        pl.concat_str([pl.lit(f'"{name}":{quote}'), pl.col(column), pl.lit(f"{quote},")]).fill_null("")
        for name, column in members.items()
    ]
    inner = pl.concat_str(pairs).str.strip_suffix(",")
    whole = pl.when(inner != "").then(pl.concat_str([pl.lit("{"), inner, pl.lit("}")]))
    return frame.select(whole.alias("object"))["object"]
