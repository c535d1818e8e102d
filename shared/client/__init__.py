"""The client that applications use to ask the front door: blocking, and for asyncio.

    from shared.client import Client, Transaction

    with Client("http://127.0.0.1:8700", "assay_...") as assay:
        answer = assay.decide(
            Transaction(
                tx_id="order-1",
                account_id="a-1",
                event_time_ms=1_700_000_000_000,
                amount_minor=4250,
                currency="EUR",
            )
        )
        print(answer.action)

What is asked and what an answer means are pure functions (`requests`, `reading`, `bulk`), when to ask again
is a generator without a clock of its own (`exchange`); the two shells only send, receive and wait.
"""

from .answers import Answer, Decided, ItemRefusal, Key, Known, MadeKey, NewKey, Sent
from .async_client import AsyncClient
from .failures import (
    CallFailed,
    Conflict,
    Delayed,
    HouseFault,
    RateLimited,
    Refused,
    Unauthorised,
    Unavailable,
)
from .records import Activity, Label, Transaction
from .sync_client import Client

__all__ = [
    "Activity",
    "Answer",
    "AsyncClient",
    "CallFailed",
    "Client",
    "Conflict",
    "Decided",
    "Delayed",
    "HouseFault",
    "ItemRefusal",
    "Key",
    "Known",
    "Label",
    "MadeKey",
    "NewKey",
    "RateLimited",
    "Refused",
    "Sent",
    "Transaction",
    "Unauthorised",
    "Unavailable",
]
