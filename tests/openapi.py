"""docs/openapi.json as a judge of answers: a status, a header or a field that it does not name is a fault.

The document leaves answers open, so that later versions may say more. Here they are closed, so that nothing is said
without being in the document.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent.parent / "docs" / "openapi.json").read_text("utf-8"))
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a node's `$ref`, if it is one."""
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def operation(method: str, path: str) -> dict[str, Any] | None:
    """Find what the document says of a request; `path` is without the query."""
    for template, item in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]*", template), path):
            found: dict[str, Any] | None = item.get(method.lower())
            return found
    return None


def request_validator(operation_id: str) -> Draft202012Validator:
    """Judge bodies of an operation."""
    operations = (item[method] for item in DOCUMENT["paths"].values() for method in METHODS if method in item)
    found = next(one for one in operations if one["operationId"] == operation_id)
    return _validator(resolved(found["requestBody"])["content"]["application/json"]["schema"])


def faults(method: str, path: str, status: int, headers: dict[str, str], body: bytes) -> list[str]:
    """Say in what an answer differs from the document."""
    found = operation(method, path)
    if found is None:  # Chalice's own answers: no path, or no such method
        response = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    elif str(status) in found["responses"]:
        response = resolved(found["responses"][str(status)])
    else:
        return [f"{method} {path} answered {status}, which is not documented"]
    wanted = {name for name, header in response.get("headers", {}).items() if header["required"]}
    missing = [f"the header {name} is missing" for name in wanted - set(headers)]
    content_type = headers.get("Content-Type", "")
    if content_type not in response["content"]:
        return [*missing, f"{method} {path} answered {status} as {content_type}"]
    content: Any = json.loads(body) if content_type == "application/json" else body.decode()
    errors = _validator(response["content"][content_type]["schema"]).iter_errors(content)
    return missing + [f"{error.json_path}: {error.message}" for error in errors]


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    whole = {**_closed(schema), "components": _CLOSED}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and "additionalProperties" not in node:
        closed["additionalProperties"] = False
    return closed


_CLOSED = _closed(DOCUMENT["components"])
