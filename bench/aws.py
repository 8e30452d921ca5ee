"""What botocore does in this process: every call, what it was given and what it cost.

SQS and SSM are answered on the spot.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import botocore
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.session import Session

from bench.environment import PARAMETERS

READS = ("GetItem", "BatchGetItem", "Query")


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS: what it was given, and how many capacity units DynamoDB says it took."""

    service: str
    operation: str
    params: dict[str, Any]
    units: float = 0

    @property
    def is_read(self) -> bool:
        """Whether its units are read units."""
        return self.operation in READS


class Recorder:
    """Keeps the calls of every client made after it, from botocore's own events, whoever makes them.

    `delay` seconds pass before each request, as on the way to a service that is not on this machine.
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self.delay = 0.0
        botocore.register_initializer(self._watch)

    def taken(self) -> list[Call]:
        """The calls since this was last asked."""
        calls, self._calls = self._calls, []
        return calls

    def _watch(self, session: Session) -> None:
        session.register("before-parameter-build", self._before)
        session.register("before-send", self._wait)
        session.register("before-send.sqs", _sqs)
        session.register("before-send.ssm", _ssm)
        session.register("after-call", self._after)

    def _before(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["bench"] = params

    def _wait(self, **_: Any) -> None:
        if self.delay:
            time.sleep(self.delay)

    def _after(self, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity") or []
        tables = consumed if isinstance(consumed, list) else [consumed]
        units = sum(table["CapacityUnits"] for table in tables)
        self._calls.append(Call(model.service_model.service_name, model.name, context["bench"], units))


class _Body:
    """The body of an answer that no network brought."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """All of it."""
        yield self._content


def _sqs(request: AWSRequest, **_: Any) -> AWSResponse:
    """SQS's answer: the request was built and signed, and the answer will be parsed, but nothing was sent."""
    return _answer(request, {"QueueUrl": "http://127.0.0.1:9/queue", "MessageId": "1", "SequenceNumber": "1"})


def _ssm(request: AWSRequest, **_: Any) -> AWSResponse:
    """SSM's answer: all parameters under the path that was asked for."""
    path = json.loads(request.body)["Path"]
    found = [{"Name": f"{path}{name}", "Type": "SecureString", "Value": text} for name, text in PARAMETERS.items()]
    return _answer(request, {"Parameters": found})


def _answer(request: AWSRequest, content: object) -> AWSResponse:
    body = _Body(json.dumps(content).encode())
    return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, body)
