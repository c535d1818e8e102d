"""How much memory this process holds."""

from __future__ import annotations

import psutil


def rss_bytes() -> int:
    """Resident memory of this process in bytes."""
    return int(psutil.Process().memory_info().rss)
