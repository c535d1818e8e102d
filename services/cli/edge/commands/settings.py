"""`assay settings`: every setting of every service, its variable, default and meaning."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Annotated

import typer

import services
from services.cli.edge import terminal
from services.cli.edge.options import DataDirOption, JsonOption
from shared.runtime.settings import ServiceSettings, SettingRow, setting_rows


def settings(
    service: Annotated[str, typer.Option(help="Only those of one service.")] = "",
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List settings. Each is an environment variable, or a line of the file ASSAY_SETTINGS_FILE names.

    Example: assay settings --service scorer
    """
    rows = [row for row in _all_rows() if service in ("", row.service)]
    if as_json:
        terminal.answer_json([row._asdict() for row in rows])
        return
    table = [(row.variable, row.default, row.meaning) for row in rows]
    terminal.show_table("Settings", ("variable", "default", "meaning"), table)


def _all_rows() -> list[SettingRow]:
    """Found by name at run time: the command line lists every service and depends on none."""
    rows: list[SettingRow] = []
    for module in iter_modules(services.__path__):
        name = f"services.{module.name}.settings"
        if find_spec(name) is None:
            continue
        for _, found in inspect.getmembers(import_module(name), inspect.isclass):
            if issubclass(found, ServiceSettings) and found.service == module.name:
                rows += setting_rows(found)
    return rows
