"""`assay export`: rows of the lake as one Parquet file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer

from services.cli.edge import terminal
from services.cli.edge.errors import WrongUse
from services.cli.edge.options import (
    DataDirOption,
    FromOption,
    JsonOption,
    PortfolioOption,
    ToOption,
    house,
    moment_ms,
)
from services.cli.edge.surroundings import House
from shared.features.compiled import compile_portfolio
from shared.stores.lake_read import LakeReader
from shared.stores.lake_scan import Range


def _captures(here: House, times: Range) -> pl.DataFrame:
    features = compile_portfolio(here.read_portfolio())
    reader = LakeReader(here.lake)
    return reader.captures_wide(here.portfolio, features.names, times, feature_set=features.hash)


KINDS: Final[dict[str, Callable[[House, Range], pl.DataFrame]]] = {
    "decisions": lambda here, times: LakeReader(here.lake).decisions(here.portfolio, times),
    "captures": _captures,
    "predictions": lambda here, times: LakeReader(here.lake).predictions(here.portfolio, times),
    "labels": lambda here, times: LakeReader(here.lake).labels(here.portfolio, None, times),
}


def export(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="decisions, captures, predictions or labels.")],
    out: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """One row per record from the lake; captures with one column per feature, by name.

    Example: assay export captures --portfolio bank --from 2018-08-01 --out captures.parquet
    """
    if kind not in KINDS:
        raise WrongUse(f"There is no export of '{kind}'.", f"Export {', '.join(KINDS)}.")
    here = house(context, data_dir, portfolio)
    rows = KINDS[kind](here, Range(moment_ms(from_, "--from"), moment_ms(to, "--to")))
    partial = out.with_name(f".{out.name}.partial")
    try:
        rows.write_parquet(partial)
        partial.replace(out)
    except OSError as error:
        raise WrongUse(
            f"{out} cannot be written: {error.strerror}.", "Name another file with --out."
        ) from error
    if as_json:
        terminal.answer_json({"rows": rows.height, "columns": rows.columns, "file": str(out)})
    else:
        terminal.say(f"{rows.height:,} {kind} in {out}.")
