"""The payments of a micro-batch, and the texts in them that their results repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.contracts.payments import Transaction
from shared.contracts.texts import Texts, together

from .fields import FieldFinder
from .intake import Item

_FIELDS: Final = ("tx_id", "account_id", "currency", "caller", "gateway")
_DEFAULTS: Final = {field.name: field.default for field in msgspec.structs.fields(Transaction)}
# A required field has none, and is never absent from a record that was decoded.
_TEXTS: Final = {name: "" if _DEFAULTS[name] is msgspec.NODEFAULT else _DEFAULTS[name] for name in _FIELDS}
_FINDER: Final = FieldFinder(_TEXTS)


@dataclass(frozen=True, slots=True)
class Words:
    """Columns of n texts as JSON has them between quotes; ``ids`` and ``accounts`` as their own bytes."""

    tx_id: Texts
    account_id: Texts
    currency: Texts
    caller: Texts
    gateway: Texts
    ids: Texts
    accounts: Texts

    def __getitem__(self, rows: NDArray[np.intp]) -> Words:
        return Words(
            self.tx_id[rows],
            self.account_id[rows],
            self.currency[rows],
            self.caller[rows],
            self.gateway[rows],
            self.ids[rows],
            self.accounts[rows],
        )


@dataclass(frozen=True, slots=True)
class Payments:
    """The k payments among a batch's items: their row numbers ``rows`` (k,), their records and words."""

    rows: NDArray[np.intp]
    records: list[Transaction]
    words: Words

    def __getitem__(self, which: NDArray[np.intp]) -> Payments:
        return Payments(self.rows[which], [self.records[i] for i in which.tolist()], self.words[which])


def payments_of(items: Sequence[Item], rows: NDArray[np.intp], raws: Texts) -> Payments:
    """The payments, which are the items ``rows`` (k,); ``raws`` are the bytes of all n items."""
    chosen = items if len(rows) == len(items) else [items[i] for i in rows.tolist()]
    records: list[Transaction] = [item.record for item in chosen]  # type: ignore[misc]  # by their kind
    is_plain = all([item.text is item.raw for item in chosen])  # noqa: C419  # a list is faster here
    texts = raws[rows] if is_plain else together([item.text for item in chosen])
    return Payments(rows, records, words_of(records, texts))


def words_of(records: Sequence[Transaction], texts: Texts) -> Words:
    """The words of payments whose canonical bytes are ``texts``."""
    tx_id, account_id, currency, caller, gateway = _FINDER.find(texts)
    ids, accounts = tx_id, account_id
    if b"\\" in texts.pool:  # JSON writes some character otherwise than it is
        ids = together([tx.tx_id.encode() for tx in records])
        accounts = together([tx.account_id.encode() for tx in records])
    return Words(tx_id, account_id, currency, caller, gateway, ids, accounts)
