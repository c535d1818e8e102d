"""A stack in the background: ``python -m infra.local``, told what to run by JSON on standard input."""

from __future__ import annotations

import sys

import msgspec

from shared.runtime.stopping import stop_flag

from .errors import StackError
from .leftovers import LockTakenError
from .order import Order
from .supervisor import Supervisor


def main() -> int:
    """Run until SIGTERM or SIGINT; 0 stopped, 1 already running, 3 could not start (the state says why)."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    with stop_flag() as stop:
        try:
            Supervisor(order.options, order.rows).run(stop)
        except LockTakenError:
            return 1
        except StackError as error:
            print(error, file=sys.stderr)
            return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
