"""A Parquet file of activities as a queue in event order."""

from __future__ import annotations

from pathlib import Path

from services.cli.core.source_activities import ActivityQueue, activity_source, lacking, unread
from services.cli.edge import terminal
from services.cli.edge.errors import WrongUse
from services.cli.edge.source_files import Period, SourceFiles, parquet_columns


def open_activities(path: Path, number: int, period: Period) -> ActivityQueue:
    """The file's rows inside the period; refusals carry ``number``. Raises WrongUse."""
    if not path.is_file():
        raise WrongUse(f"There is no file {path}.", "Check the path.")
    if path.suffix != ".parquet":
        raise WrongUse(f"{path.name} is no .parquet file.", "Convert the activities to Parquet.")
    columns = parquet_columns(path)
    source = activity_source(columns)
    if missing := lacking(source):
        raise WrongUse(
            f"{path.name} lacks {', '.join(missing)}, which every activity has.",
            "Name its columns as the fields of an activity.",
        )
    if others := unread(source, columns):
        terminal.note(f"{path.name}: no field of an activity is called {', '.join(others)}; left out.")
    files = SourceFiles([path], source, with_labels=False, period=period, first=number)
    return ActivityQueue(source, files.batches())
