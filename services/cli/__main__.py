"""The command `assay`, also ``python -m services.cli``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from services.cli.core.arguments import founds, named_data_dir
from shared.runtime import numba_cache


def main() -> None:
    """Run one command and end with its exit code."""
    arguments = sys.argv[1:]
    data_dir = Path(named_data_dir(arguments) or os.environ.get("ASSAY_DATA_DIR", ".assay"))
    if data_dir.is_dir() or founds(arguments):
        numba_cache.prepare(data_dir)  # before numba is imported
    # Loads encode in small tables: more threads than one only take the other core from the scorer.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from services.cli.wiring import run_to_the_end

    run_to_the_end(arguments)


if __name__ == "__main__":
    main()
