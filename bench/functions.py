"""The Lambda functions as AWS calls them: the API behind API Gateway, deliver behind the queue, look_after alone."""

from __future__ import annotations

import hashlib
import hmac
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import app
from bench.environment import PAGE, SECRET, TOKEN
from chalicelib.mailbox import Letter

_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
"""Of a request, as API Gateway and Lambda write it."""
_CONTEXT = SimpleNamespace(aws_request_id=_ID, function_name="bench", memory_limit_in_mb=512)


def post_webhook(body: bytes) -> dict[str, Any]:
    """What Lambda hands the API function when Meta posts this body."""
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return _request("POST", "/webhook", "/webhook", {"x-hub-signature-256": signature}, body)


def get_sessions(query: str) -> dict[str, Any]:
    """What it hands it for a page of a list."""
    path = "/botpress-hitl/sessions"
    return _request("GET", path, path, {"authorization": f"Bearer {TOKEN}"}, query=query)


def get_history(conversation_id: str, query: str) -> dict[str, Any]:
    """What it hands it for a page of a conversation's history."""
    resource = "/botpress-hitl/sessions/{session}/messages"
    event = _request("GET", resource, resource, {"authorization": f"Bearer {TOKEN}"}, query=query)
    return {**event, "pathParameters": {"session": conversation_id}}


def request(method: str, resource: str, session: str | None, body: bytes, query: str) -> dict[str, Any]:
    """What it hands it for any request to the API, about the conversation if there is one."""
    event = _request(method, resource, resource, {"authorization": f"Bearer {TOKEN}"}, body, query)
    return {**event, "pathParameters": {"session": session} if session else None}


def letter(conversation_id: str, row_id: str, kind: str = "message") -> dict[str, Any]:
    """What Lambda hands the deliver function for one letter."""
    record = {"messageId": "1", "receiptHandle": "1", "body": Letter(conversation_id, row_id, kind).body}
    return {"Records": [{**record, "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs"}]}


def api(event: dict[str, Any]) -> str:
    """Call the API function; the body of its answer, which must be a good one."""
    answer = app.app(event, _CONTEXT)
    assert answer["statusCode"] == 200, answer
    return str(answer["body"])


def deliver(event: dict[str, Any]) -> None:
    """Call the deliver function."""
    app.deliver(event, _CONTEXT)


def tick() -> dict[str, Any]:
    """What it hands the schedule's function, which reads nothing of it."""
    names = ("version", "id", "detail-type", "source", "account", "time", "region")
    return {**dict.fromkeys(names, ""), "resources": [], "detail": {}}


def look_after(event: dict[str, Any]) -> None:
    """Call the schedule's function."""
    app.look_after(event, _CONTEXT)


def said(user: int, mid: str, at: int, text: str = "When do you open tomorrow?") -> dict[str, Any]:
    """What a user wrote, as Meta tells of it."""
    parties = {"sender": {"id": f"{user}"}, "recipient": {"id": PAGE}, "timestamp": at}
    return {**parties, "message": {"mid": mid, "text": text}}


def webhook(at: int, *items: dict[str, Any]) -> bytes:
    """A webhook body."""
    return json.dumps({"object": "page", "entry": [{"id": PAGE, "time": at, "messaging": items}]}).encode()


def _request(
    method: str, resource: str, path: str, headers: dict[str, str], body: bytes = b"", query: str = ""
) -> dict[str, Any]:
    sent = {"content-type": "application/json", **headers}
    parameters = dict(parse_qsl(query))
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": {name: [value] for name, value in parameters.items()},
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"httpMethod": method, "resourcePath": resource, "path": f"/api{path}", "requestId": _ID},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
