"""`assay features list | check`: a portfolio's inputs, compiled."""

from __future__ import annotations

from typing import Any

import typer

from services.cli.edge import terminal
from services.cli.edge.options import DataDirOption, JsonOption, PortfolioOption, house
from shared.features.catalogue import catalogue
from shared.features.compiled import compile_portfolio

app = typer.Typer(help="Features of a portfolio.", no_args_is_help=True)


@app.command("list")
def list_features(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every feature: kind, unit, window, and when it is missing.

    Example: assay features list --portfolio handbook15
    """
    rows = catalogue(compile_portfolio(house(context, data_dir, portfolio).read_portfolio()))
    if as_json:
        terminal.answer_json(rows)
        return
    columns = ("name", "kind", "unit", "entity", "window", "missing when")
    table = [(r.name, r.kind, r.unit, r.entity, r.window, r.missing) for r in rows]
    terminal.show_table(f"{len(rows)} features", columns, table)


@app.command("check")
def check(
    context: typer.Context,
    data_dir: DataDirOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compile the portfolio and name what follows: hash, layout, bytes per record.

    Example: assay features check --portfolio bank
    """
    read = house(context, data_dir, portfolio).read_portfolio()
    compiled = compile_portfolio(read)
    facts: dict[str, Any] = {
        "portfolio": read.name,
        "features": len(compiled.names),
        "state_features": int(compiled.state_features.sum()),
        "entities": [entity.name for entity in compiled.entities],
        "feature_set": compiled.hash,
        "layout": compiled.layout.hash,
        "record_bytes": compiled.layout.record_bytes,
        "parity_columns": len(read.parity.columns) if read.parity else 0,
    }
    if as_json:
        terminal.answer_json(facts)
        return
    terminal.show_fields(
        f"Portfolio {read.name} is sound", {**facts, "entities": ", ".join(facts["entities"])}
    )
