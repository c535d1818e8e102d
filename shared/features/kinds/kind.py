"""What a kind of feature declares about itself. Kernels go by name, so that a portfolio loads none."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Stream = Literal["none", "transactions", "labels", "activity", "any"]
"""Records a kind reads: "activity" names one activity kind, "any" takes transactions unless one is named.

An activity is no payment, so a window of activities never holds the payment itself."""


class Span(Struct, frozen=True):
    """A second duration that a kind takes, beside its window: the key, and what it is by default.

    Without a default it is the portfolio's label delay, and may not be shorter.
    """

    key: str
    default: str = ""


class KindSpec(Struct, frozen=True, kw_only=True):
    """A kind of feature. ``parameters`` are p0 and p1 of the program, with defaults, in order.

    ``unit`` and ``missing`` go to the catalogue: what a value measures, and when there is none.
    ``kernel`` is the ``file.function`` of this folder that computes it: of a `Window`, or of two numbers
    where the kind takes ``operands``; "" where the payment alone is enough (`rowwise`). ``fold`` is the
    function that passes over the window before the kernel, once for all features that share both.
    ``place`` asks for a ``column`` that holds places, ``places`` for two places of the payment itself.
    ``nested`` says that the fold goes on from one window into the next longer one with the same numbers.
    ``labels`` says that the labels of the window are read, ``squares`` that running squares are,
    ``peaks`` that each record knows the nearest larger one before it.
    """

    name: str
    meaning: str
    unit: str
    missing: str = "never missing"
    kernel: str = ""
    fold: str = ""
    nested: bool = False
    stream: Stream = "none"
    delayed: bool = False
    labels: bool = False
    squares: bool = False
    peaks: bool = False
    field: bool = False
    column: bool = False
    place: bool = False
    places: bool = False
    operands: bool = False
    takes_self: bool = False
    parameters: tuple[tuple[str, float], ...] = ()
    span: Span | None = None

    @property
    def entity(self) -> bool:
        """Whether the kind reads an entity's timeline, so that it takes ``entity`` and ``window``."""
        return self.stream != "none"
