"""`assay secrets`: passwords and keys of a data dir, drawn where they are missing."""

from __future__ import annotations

import typer

from infra.local.secrets import Secrets
from services.cli.edge import terminal
from services.cli.edge.options import DataDirOption, JsonOption, house


def secrets(context: typer.Context, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Draw passwords and keys that are missing; `assay up` does it by itself. None is shown.

    Example: assay secrets --data-dir /data
    """
    made = Secrets(house(context, data_dir).data.secrets)
    made.make()
    files = {
        "gateway_operator_key": str(made.operator_key),
        "console_operator_key": str(made.console_key),
        "console_admin_password": str(made.console_admin),
    }
    if as_json:
        terminal.answer_json(files)
    else:
        terminal.show_fields("Files that their owner alone reads", files)
