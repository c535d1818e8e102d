"""What a stack in the background is told on its standard input."""

from __future__ import annotations

from msgspec import Struct

from .options import StackOptions
from .services import SERVICES, ServiceRow


class Order(Struct, frozen=True):
    """What the background process is asked to run."""

    options: StackOptions
    rows: tuple[ServiceRow, ...] = SERVICES
