"""The one error of the local stack: a clear sentence and the way out of it."""

from __future__ import annotations


class StackError(Exception):
    """What went wrong in one sentence, and ``way_out``: what the reader does next."""

    def __init__(self, sentence: str, way_out: str) -> None:
        super().__init__(f"{sentence} {way_out}")
        self.sentence = sentence
        self.way_out = way_out
