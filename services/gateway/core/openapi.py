"""The API described as OpenAPI 3.1, from the types that read and write its bodies."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import msgspec
import orjson

from shared.contracts.decisions import Decision
from shared.contracts.faults import FaultBody
from shared.contracts.money import MINOR_DIGITS
from shared.contracts.reasons import REASONS

from .answers import Given
from .bodies import ActivityBody, LabelBody, TransactionBody
from .new_key import KeyList, NewKey, ShownKey
from .operations import COMMON, OPERATIONS, Operation
from .refusal import Receipt, Refused

_SCHEMA: Final = "#/components/schemas/"


@cache
def describe_api(version: str) -> bytes:
    """The whole description, JSON."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Assay", "version": version, "description": "Decisions on payments, over HTTP."},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "assay_<id>_<secret>"}
            },
        },
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _schemas() -> dict[str, Any]:
    types = (
        TransactionBody,
        ActivityBody,
        LabelBody,
        Given,
        Receipt,
        FaultBody,
        KeyList,
        NewKey,
        ShownKey,
        Decision,
    )
    _, found = msgspec.json.schema_components(types, ref_template=_SCHEMA + "{name}")
    found["TransactionBody"]["properties"]["currency"] = {"type": "string", "enum": sorted(MINOR_DIGITS)}
    nothing = {"type": "null"}
    return found | {
        "Looked": {
            "type": "object",
            "properties": {
                "answer": {"anyOf": [{"$ref": _SCHEMA + "Given"}, nothing]},
                "decision": {
                    "anyOf": [{"type": "object", "description": "As on the topic `decisions`."}, nothing]
                },
            },
            "required": ["answer", "decision"],
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "description": f"Needs a key that allows `{operation.action}`.",
        "operationId": _operation_id(operation),
        "responses": _responses(operation),
    }
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation)}
    return described


def _operation_id(operation: Operation) -> str:
    words = re.findall(r"[a-z_]+", operation.path.removeprefix("/v1"))
    return "_".join((operation.method.lower(), *words))


def _content(operation: Operation) -> dict[str, Any]:
    one = {"$ref": _SCHEMA + operation.body}
    if not operation.many:
        return {"application/json": {"schema": one, "example": operation.example}}
    both = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    lines = {"type": "string", "description": "One object per line."}
    return {
        "application/json": {"schema": both, "example": [operation.example]},
        "application/x-ndjson": {"schema": lines, "example": orjson.dumps(operation.example).decode() + "\n"},
    }


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, (words, schema, example) in operation.answers.items():
        content = {"schema": {"$ref": _SCHEMA + schema}} if schema else {"schema": {}}
        if example is not None:
            content["example"] = example
        responses[str(status)] = {"description": words}
        if schema or status == 200:
            responses[str(status)]["content"] = {"application/json": content}
    for status, codes in sorted(_by_status((*COMMON, *operation.refusals)).items()):
        words = " ".join(f"`{code}`: {REASONS[code]}" for code in codes)
        fault = {"application/json": {"schema": {"$ref": _SCHEMA + "FaultBody"}}}
        if str(status) in responses:  # bulk tells refused items with the same status as a refused body
            responses[str(status)]["description"] += f" Or: {words}"
            both = [{"$ref": _SCHEMA + "Receipt"}, {"$ref": _SCHEMA + "FaultBody"}]
            responses[str(status)]["content"]["application/json"]["schema"] = {"oneOf": both}
        else:
            responses[str(status)] = {"description": words, "content": fault}
    return responses


def _by_status(codes: tuple[str, ...]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for code in codes:
        found.setdefault(Refused.status_of(code), []).append(code)
    return found
