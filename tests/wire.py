"""The wire between this program and AWS: botocore's own events, at which every call can be seen, answered or cut.

botocore asks whoever listens at `before-call` for an answer before it sends anything (its Stubber works so), and tells
of every answer at `after-call`. A listener that answers nothing lets the call go to the engine that the client was
made for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol

from botocore.exceptions import ClientError

from chalicelib.mailbox import Mailbox
from chalicelib.settings import Settings
from chalicelib.store import Store


class Listener(Protocol):
    """Who listens at the wire."""

    def asked(self, service: str, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """A call is to be made: its answer, or None to let it go on."""
        ...

    def answered(self, service: str, operation: str) -> None:
        """A call has had its effect."""
        ...


class _Http:
    def __init__(self, status: int) -> None:
        self.status_code = status


class WiredStore(Store):
    """The store, with somebody at its wire; what is to answer everything in memory is spared botocore's own work."""

    def __init__(
        self, settings: Settings, listener: Listener, sleep: Callable[[float], None], *, in_memory: bool = True
    ) -> None:
        super().__init__(settings, sleep)
        if in_memory:
            client: Any = _Client(listener)
            self._connection._client = client
        else:
            _listen(self._connection.client, "dynamodb", listener)


class _Client:
    """As much of a botocore client as PynamoDB asks of it."""

    _request_signer = SimpleNamespace(_credentials=True)

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def _make_api_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._listener.asked("dynamodb", operation, request)
        self._listener.answered("dynamodb", operation)
        assert answer is not None
        status, content = answer
        if status >= 300:
            raise ClientError(content, operation)
        return content


class WiredMailbox(Mailbox):
    """The queue, with somebody at its wire."""

    def __init__(self, settings: Settings, listener: Listener) -> None:
        super().__init__(settings)
        _listen(self._sqs, "sqs", listener)


def _listen(client: Any, service: str, listener: Listener) -> None:
    def before(model: Any, params: dict[str, Any], **_: Any) -> tuple[_Http, dict[str, Any]] | None:
        answer = listener.asked(service, model.name, json.loads(params["body"] or b"{}"))
        return None if answer is None else (_Http(answer[0]), answer[1])

    def after(model: Any, **_: Any) -> None:
        listener.answered(service, model.name)

    client.meta.events.register(f"before-call.{service}", before)
    client.meta.events.register(f"after-call.{service}", after)
