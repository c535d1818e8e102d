"""Where a portfolio's TOML file is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .errors import StackError
from .options import StackOptions

FOLDER: Final = Path(__file__).parent.parent / "portfolios"


def portfolio_path(options: StackOptions) -> Path:
    """The file that ``options`` name, else the one of that name among ours. StackError: there is none."""
    path = Path(options.portfolio_file) if options.portfolio_file else FOLDER / f"{options.portfolio}.toml"
    if path.is_file():
        return path.absolute()
    known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
    raise StackError(
        f"There is no portfolio file {path}.",
        f"Name one of {known} with --portfolio, or give a file of your own.",
    )
