"""Container health: ends well when this container's service says that it is ready."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 2.0


def ready(port: int) -> bool:
    """Whether ``/readyz`` on loopback ``port`` answers 200 in time."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ["ASSAY_HEALTH_PORT"])) else 1)
