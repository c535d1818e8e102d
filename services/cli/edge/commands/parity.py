"""`assay verify-parity`: captures against a reference file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from services.cli.core.parity import ParityReport, compare
from services.cli.edge import terminal
from services.cli.edge.errors import FAULT, FINE, FaultFound, WrongUse
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from services.cli.edge.source_files import read_table
from services.cli.edge.surroundings import House
from shared.features.compiled import compile_portfolio
from shared.stores.lake_read import LakeReader


def verify_parity(
    context: typer.Context,
    reference: Annotated[Path, typer.Option("--reference", help="File with the expected columns.")],
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare captured features with a reference: rows by payment id, mismatches per column, differing rows.

    Two payments of one account in the same second may stand in either order; such swapped pairs are listed
    and are no fault.

    Example: assay verify-parity --portfolio handbook15 --reference reference_features.parquet
    """
    here = house(context, data_dir, portfolio)
    parity = here.read_portfolio().parity
    if parity is None:
        raise WrongUse(f"The portfolio {here.portfolio} has no section [parity].", "Add one to its TOML.")
    if not reference.exists():
        raise WrongUse(f"There is no file {reference}.", "Check the path.")
    theirs = read_table(reference)
    counts = [row.count_column for row in parity.columns if row.count_column]
    missing = {parity.id_column, *(row.column for row in parity.columns), *counts} - set(theirs.columns)
    if missing:
        raise WrongUse(
            f"{reference.name} lacks the column {min(missing)}.", "Correct [parity] of the portfolio."
        )
    captures = _captures(here)
    if not captures.height:
        raise FaultFound(
            "The lake holds no captures of this feature set.", "Load with `assay ingest --wait`."
        )
    report = compare(captures, theirs, parity)
    _tell(report, as_json=as_json)
    raise typer.Exit(FINE if report.is_equal else FAULT)


def _captures(here: House) -> pl.DataFrame:
    features = compile_portfolio(here.read_portfolio())
    reader = LakeReader(here.lake)
    rows = reader.captures_wide(here.portfolio, features.names, feature_set=features.hash)
    accounts = reader.transactions(here.portfolio, columns=["tx_id", "account_id"])
    return rows.join(accounts, on="tx_id", how="left")


def _tell(report: ParityReport, *, as_json: bool) -> None:
    if as_json:
        terminal.answer_json({"equal": report.is_equal, "report": report})
        return
    rows = [(c.column, c.feature, c.compared, c.mismatches, c.swapped) for c in report.columns]
    title = f"{report.rows_compared:,} rows compared, {report.missing:,} without a capture"
    columns = ("reference column", "feature", "compared", "mismatches", "of swapped pairs")
    terminal.show_table(title, columns, rows)
    for row in report.rows:
        why = f"swapped with {row.pair_with} (same account, same second)" if row.pair_with else "DIFFERS"
        terminal.say(f"{row.tx_id}: {why}: {', '.join(row.columns)}")
    verdict = "equal" if report.is_equal else "NOT equal"
    pairs = f", {report.swapped_rows} rows in swapped pairs" if report.swapped_rows else ""
    terminal.say(f"The captures are {verdict} to the reference{pairs}.")
