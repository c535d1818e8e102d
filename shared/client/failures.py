"""Why a call failed: one type for each thing that a caller would do differently."""

from __future__ import annotations

from .answers import Sent


class CallFailed(Exception):
    """A call without its answer.

    ``code`` is a reason code (`shared/contracts/reasons.py`), ``field`` the field at fault or "", ``message``
    says how to mend it, ``request_id`` finds it in the house's log. ``status`` is the HTTP status, None where
    none came. ``sent`` is set by bulk calls: what had been confirmed before; go on after its ``items``.
    """

    def __init__(
        self, code: str, field: str = "", message: str = "", request_id: str = "", status: int | None = None
    ) -> None:
        named = f"{code} ({field})" if field else code
        super().__init__(f"{named}: {message}" if message else named)
        self.code = code
        self.field = field
        self.message = message
        self.request_id = request_id
        self.status = status
        self.sent: Sent | None = None


class Refused(CallFailed):
    """The request is at fault, and would be again as it is."""


class Conflict(Refused):
    """Another payment stands under this ``tx_id``."""


class Unauthorised(Refused):
    """The key is missing, unknown, expired, or not for this."""


class HouseFault(CallFailed):
    """The house failed on the request, or its answer cannot be read."""


class Delayed(CallFailed):
    """No answer now; the same request may succeed later. ``retry_after_s``: not before; None: nobody said."""

    retry_after_s: float | None = None


class RateLimited(Delayed):
    """The key is above its rate."""


class Unavailable(Delayed):
    """The house is full or away, or the connection broke. It may have taken the payment: keep its id."""
