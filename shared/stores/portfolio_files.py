"""Portfolios and the timeline secret as files: read here, parsed in the features room."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import Portfolio, parse_portfolio

SHIPPED = Path(__file__).parents[2] / "infra" / "portfolios"
KEY_FILE = "timeline.key"


def portfolio_path(name: str, file: Path | None = None) -> Path:
    """``file``, or that of the shipped portfolio called ``name``."""
    return file or SHIPPED / f"{name}.toml"


def read_portfolio(name: str, file: Path | None = None) -> Portfolio:
    """The portfolio in ``file``, or the shipped one called ``name``.

    Raises FileNotFoundError, PortfolioError; ValueError when the file holds another portfolio.
    """
    path = portfolio_path(name, file)
    portfolio = parse_portfolio(path.read_text(encoding="utf-8"), str(path))
    if portfolio.name != name:
        raise ValueError(f"{path} describes the portfolio {portfolio.name!r}, not {name!r}")
    return portfolio


def read_feature_set(name: str, file: Path | None = None) -> FeatureSet:
    """The compiled features of `read_portfolio`."""
    return compile_portfolio(read_portfolio(name, file))


def timeline_key(keys: Path) -> bytes:
    """The secret of the record hashes in the folder ``keys``; made once, for all workers alike."""
    path = keys / KEY_FILE
    keys.mkdir(parents=True, exist_ok=True)
    fresh = keys / f".{KEY_FILE}.{os.getpid()}"
    fresh.write_bytes(secrets.token_bytes(32))
    fresh.chmod(0o600)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another worker made it first, whole: a link appears with its content
    finally:
        fresh.unlink()
    return path.read_bytes()
