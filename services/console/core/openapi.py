"""The description of `/api/v1`, from the records that its calls take and give."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from shared.contracts.faults import FaultBody

from .people import NewPassword, NewUser, Role, ShownUser, UserList
from .views import (
    AlertsView,
    DecisionView,
    Found,
    HealthView,
    OverviewView,
    QueueView,
    TailView,
    UploadView,
    Verdict,
)

BASE: Final = "#/components/schemas/{name}"


class Operation(NamedTuple):
    """A call: what it gives (None: nothing), what it takes, and its query parameters."""

    method: str
    path: str
    needs: Role
    summary: str
    gives: type | None
    takes: type | None = None
    query: tuple[str, ...] = ()


OPERATIONS: Final = (
    Operation(
        "GET", "/api/v1/overview", "viewer", "Now, and a counted range.", OverviewView, query=("range",)
    ),
    Operation(
        "GET",
        "/api/v1/tail",
        "viewer",
        "The newest decisions.",
        TailView,
        query=("action", "score", "caller", "reason", "text"),
    ),
    Operation("GET", "/api/v1/stream", "viewer", "Server-sent events: a Pulse a second.", None),
    Operation("GET", "/api/v1/decisions/{any_id}", "viewer", "The lineage of one decision.", DecisionView),
    Operation("GET", "/api/v1/search", "viewer", "What an id names.", Found, query=("q",)),
    Operation("GET", "/api/v1/alerts", "viewer", "The last word on each rule.", AlertsView),
    Operation("GET", "/api/v1/queue", "viewer", "Cases that wait for a person.", QueueView),
    Operation("GET", "/api/v1/health", "viewer", "Every service, and what is wrong.", HealthView),
    Operation("GET", "/api/v1/openapi.json", "viewer", "This description.", None),
    Operation("POST", "/api/v1/queue/{tx_id}/claim", "operator", "Take a case.", None),
    Operation("DELETE", "/api/v1/queue/{tx_id}/claim", "operator", "Let others take it.", None),
    Operation("POST", "/api/v1/queue/{tx_id}/verdict", "operator", "Judge a claimed case.", None, Verdict),
    Operation("POST", "/api/v1/labels", "operator", "Labels in a file, as CSV in the body.", UploadView),
    Operation("GET", "/api/v1/users", "admin", "Every user.", UserList),
    Operation("POST", "/api/v1/users", "admin", "A new user.", ShownUser, NewUser),
    Operation("DELETE", "/api/v1/users/{name}", "admin", "End a user and their sessions.", None),
    Operation("PUT", "/api/v1/users/{name}/password", "admin", "Another password.", None, NewPassword),
)


def describe_api(version: str) -> bytes:
    """OpenAPI 3.1 as JSON bytes."""
    records = [FaultBody, *(r for o in OPERATIONS for r in (o.gives, o.takes) if r is not None)]
    _, schemas = msgspec.json.schema_components(records, ref_template=BASE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Assay console", "version": version},
            "paths": paths,
            "components": {"schemas": schemas},
        }
    )


def _described(operation: Operation) -> dict[str, Any]:
    words = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    found: dict[str, Any] = {
        "summary": operation.summary,
        "description": f"Needs the role {operation.needs}.",
        "parameters": [
            *({"name": w, "in": "path", "required": True, "schema": {"type": "string"}} for w in words),
            *({"name": q, "in": "query", "schema": {"type": "string"}} for q in operation.query),
        ],
        "responses": {
            "200" if operation.gives else "204": _content("What was asked.", operation.gives),
            "default": _content("Why not, with a reason code and an id.", FaultBody),
        },
    }
    if operation.takes is not None:
        found["requestBody"] = {"required": True, **_content("", operation.takes)}
        del found["requestBody"]["description"]
    return found


def _content(words: str, record: type | None) -> dict[str, Any]:
    if record is None:
        return {"description": words}
    schema = {"$ref": BASE.format(name=record.__name__)}
    return {"description": words, "content": {"application/json": {"schema": schema}}}
