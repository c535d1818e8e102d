"""Templates to pages. Everything is escaped; a name that a template misses is an error."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.console.core import texts
from services.console.core.sessions import SignedIn
from shared.contracts.reasons import REASONS

HERE: Final = Path(__file__).parent
HTML: Final = "text/html; charset=utf-8"
FILTERS: Final = ("money", "clock", "moment", "score", "share", "millis", "number", "since", "size")
KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}


class Rendering:
    """Pages, pieces of pages, and the files that they load."""

    def __init__(self, portfolio: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {name: getattr(texts, name) for name in FILTERS}
        self._environment.filters["tojson_record"] = lambda record: msgspec.json.encode(record).decode()
        self._environment.filters["meaning"] = lambda code: REASONS.get(code, "")
        self.files = {
            str(path.relative_to(HERE / "static")): path.read_bytes()
            for path in sorted((HERE / "static").rglob("*"))
            if path.suffix in KINDS
        }
        self._environment.globals |= {"asset": self._asset, "portfolio": portfolio}

    def page(self, template: str, who: SignedIn | None, status: int = 200, **values: Any) -> Response:
        """A whole page."""
        text = self._environment.get_template(template).render(who=who, **values)
        return Response(text, status, media_type=HTML)

    def piece(self, template: str, status: int = 200, **values: Any) -> Response:
        """A piece that a page puts in its place."""
        text = self._environment.get_template(template).render(**values)
        return Response(text, status, media_type=HTML)

    def file(self, name: str) -> Response | None:
        """A static file; None where there is none of that name."""
        found = self.files.get(name)
        if found is None:
            return None
        kept = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(found, headers=kept, media_type=KINDS[Path(name).suffix])

    def _asset(self, name: str) -> str:
        """Its address, another one for other bytes."""
        return f"/static/{name}?{sha256(self.files[name]).hexdigest()[:12]}"
