"""The child process that parses a model file first: if the file kills a parser, it kills this one.

Run by path, in isolation, by `guarded_load`; imports nothing of ours. Standard input: one line
``rows columns seconds bytes``, the golden inputs (float64, C order), the model text. Standard output: the
raw scores (float64). Exit code 3: LightGBM refused the text; any other, or a signal: it broke the parser.
"""

from __future__ import annotations

import os
import resource
import sys

UNNEEDED = ("sklearn", "pandas", "matplotlib", "dask", "pyarrow", "cffi", "graphviz")


def _limit(seconds: int, size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def main() -> int:
    """Read, limit, parse, predict, answer."""
    source = sys.stdin.buffer
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # LightGBM writes its warnings to standard output
    rows, columns, seconds, size_bytes = (int(word) for word in source.readline().split())
    _limit(seconds, size_bytes)
    for name in UNNEEDED:  # optional to LightGBM, and most of the time it takes to start
        sys.modules[name] = None  # type: ignore[assignment]  # the import system's "do not look"
    import numpy as np  # after the limits, so that they hold for the libraries too
    from lightgbm import Booster
    from lightgbm.basic import LightGBMError

    inputs = np.frombuffer(source.read(rows * columns * 8), dtype="<f8").reshape(rows, columns)
    text = source.read().decode()
    try:
        booster = Booster(model_str=text)
        raw = booster.predict(inputs, raw_score=True, num_threads=1)
    except LightGBMError as error:
        sys.stderr.write(str(error)[:500])
        return 3
    with answer:
        answer.write(np.asarray(raw, dtype="<f8").tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
